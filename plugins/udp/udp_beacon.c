#include "udp_beacon.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "udp_socket.h"

#define CONTROL_BYTES 64u
/* A beacon and what may follow it; the rest is cut (link notes §4.1). */
#define RECEIVE_BYTES 128u

_Static_assert(CONTROL_BYTES >= CMSG_SPACE(sizeof(struct in6_pktinfo)) &&
                   CONTROL_BYTES >= CMSG_SPACE(sizeof(struct in_pktinfo)),
               "room for where a datagram came in");

static int family(const struct cjd_udp_beacon *b)
{
    return cjd_udp_addr_is_valid(&b->bound, AF_INET) ? AF_INET : AF_INET6;
}

static uint64_t now(const struct cjd_udp_beacon *b)
{
    return b->env->time->now_ns(b->env->host);
}

void cjd_udp_beacon_init(struct cjd_udp_beacon *b, const struct cjd_udp_beacon_env *env)
{
    *b = (struct cjd_udp_beacon){.env = env, .fd = -1, .netwatch = CJD_NETWATCH_CLOSED};
}

/* --- sockets ------------------------------------------------------------------------------------
 */

static int open_socket(const struct cjd_udp_beacon *b, const struct cjd_udp_beacon_conf *conf,
                       const struct cjd_udp_target *bind, uint8_t dscp,
                       struct cjd_plugin_error *error)
{
    struct cjd_udp_target at = *bind;
    struct cjd_udp_socket_wish wish = {
        .bind = &at, .dscp = dscp, .is_beacon = true, .pointer = "/beacon/port"};
    struct cjd_linkaddr bound;

    at.port = conf->port;
    if (at.family == AF_INET6) {
        /* Bound to one address it would not hear the group. */
        memset(at.ip, 0, sizeof at.ip);
        at.zone[0] = '\0';
    }
    return cjd_udp_socket_open(&wish, b->env->log, &bound, error);
}

int cjd_udp_beacon_open(struct cjd_udp_beacon *b, const struct cjd_udp_beacon_conf *conf,
                        const struct cjd_udp_target *bind, uint8_t dscp,
                        struct cjd_plugin_error *error)
{
    if (conf->mode == CJD_UDP_BEACON_OFF) {
        return 0;
    }
    int fd = open_socket(b, conf, bind, dscp, error);
    if (fd < 0) {
        return fd;
    }
    b->fd = fd;
    int err = cjd_netwatch_open(&b->netwatch);
    if (err != 0) {
        snprintf(error->text, sizeof error->text,
                 "the system does not tell its network devices (%s), which beacons need: switch "
                 "beacons off",
                 cjd_err_text(err));
        cjd_udp_beacon_close(b);
        return err;
    }
    if (bind->family == AF_INET && !cjd_udp_ip_is_any(AF_INET, bind->ip)) {
        cjd_logger_write(b->env->log, CJD_LEVEL_WARN,
                         "bound to one address, the system passes on no broadcast: beacons of "
                         "neighbours are not heard; bind to 0.0.0.0 to hear them");
    }
    return 0;
}

void cjd_udp_beacon_close(struct cjd_udp_beacon *b)
{
    if (b->fd >= 0) {
        close(b->fd);
        b->fd = -1;
    }
    cjd_netwatch_close(&b->netwatch);
}

/* --- devices ------------------------------------------------------------------------------------
 */

static bool is_joined(const struct cjd_udp_beacon *b, uint32_t device)
{
    for (uint32_t i = 0; i < b->joined_count; i++) {
        if (b->joined[i] == device) {
            return true;
        }
    }
    return false;
}

/* Membership ends with a device; one that comes again has another number. */
static void forget_gone(struct cjd_udp_beacon *b)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < b->joined_count; i++) {
        if (cjd_netdev_by_index(&b->devices, b->joined[i])) {
            b->joined[kept++] = b->joined[i];
        }
    }
    b->joined_count = kept;
}

static void join(struct cjd_udp_beacon *b)
{
    forget_gone(b);
    for (uint32_t i = 0; i < b->outlets.count; i++) {
        uint32_t device = b->outlets.v[i].device;
        struct ipv6_mreq group = {.ipv6mr_interface = device};
        memcpy(&group.ipv6mr_multiaddr, cjd_udp_beacon_group, sizeof group.ipv6mr_multiaddr);
        if (is_joined(b, device) || b->joined_count >= CJD_UDP_OUTLETS_MAX) {
            continue;
        }
        if (setsockopt(b->fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof group) == 0 ||
            errno == EADDRINUSE) {
            b->joined[b->joined_count++] = device;
        } else {
            cjd_logger_write(b->env->log, CJD_LEVEL_WARN,
                             "beacons are not heard on device %u: cannot join their group: %s",
                             device, strerror(errno));
        }
    }
}

static void tell_outlets(const struct cjd_udp_beacon *b)
{
    char list[256] = "";
    size_t len = 0;

    for (uint32_t i = 0; i < b->outlets.count && len + IF_NAMESIZE + 1 < sizeof list; i++) {
        const struct cjd_netdev *dev = cjd_netdev_by_index(&b->devices, b->outlets.v[i].device);
        len += (size_t)snprintf(list + len, sizeof list - len, " %s", dev ? dev->name : "?");
    }
    cjd_logger_write(b->env->log, b->sent_ns == 0 ? CJD_LEVEL_INFO : CJD_LEVEL_DEBUG,
                     "beacons (%s) on%s", b->conf->mode == CJD_UDP_BEACON_SEND ? "send" : "accept",
                     len > 0 ? list : " no device yet");
}

/* Reads the devices anew. True: a network takes part that did not before. */
static bool refresh(struct cjd_udp_beacon *b)
{
    static const uint8_t any[16];
    struct cjd_udp_outlets before = b->outlets;
    size_t at = family(b) == AF_INET ? offsetof(struct sockaddr_in, sin_addr)
                                     : offsetof(struct sockaddr_in6, sin6_addr);
    const uint8_t *ip = b->bound.b + at;
    bool is_any = memcmp(ip, any, family(b) == AF_INET ? 4 : 16) == 0;
    struct cjd_udp_outlet_wish wish = {.family = family(b),
                                       .port = b->conf->port,
                                       .bound = is_any ? NULL : ip,
                                       .devices = &b->conf->devices};

    b->read_ns = now(b);
    int err = cjd_netwatch_read(&b->netwatch, &b->devices);
    if (err != 0) {
        cjd_logger_write(b->env->log, CJD_LEVEL_DEBUG, "cannot read the network devices: %s",
                         cjd_err_text(err));
        return false; /* what is known stays */
    }
    cjd_udp_outlets_find(&b->outlets, &wish, &b->devices);
    if (family(b) == AF_INET6) {
        join(b);
    }
    bool has_new = cjd_udp_outlets_has_new(&before, &b->outlets);
    if (has_new) {
        tell_outlets(b);
    }
    return has_new;
}

/* --- sending ------------------------------------------------------------------------------------
 */

/* By this device, from the link's address there: neighbours answer to the source. */
static void set_source(struct msghdr *msg, const struct cjd_udp_outlet *to, int family)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);

    if (family == AF_INET) {
        struct in_pktinfo info = {.ipi_ifindex = (int)to->device};
        memcpy(&info.ipi_spec_dst, to->source, sizeof info.ipi_spec_dst);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        msg->msg_controllen = CMSG_SPACE(sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = to->device};
        memcpy(&info.ipi6_addr, to->source, sizeof info.ipi6_addr);
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        msg->msg_controllen = CMSG_SPACE(sizeof info);
    }
}

static void send_one(struct cjd_udp_beacon *b, const struct cjd_udp_outlet *to, uint8_t *bytes)
{
    uint8_t control[CONTROL_BYTES] __attribute__((aligned(8))) = {0};
    struct iovec iov = {.iov_base = bytes, .iov_len = CJD_UDP_BEACON_BYTES};
    struct sockaddr_storage name = {0};
    struct msghdr msg = {.msg_name = &name,
                         .msg_namelen = to->to.len,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof control};

    memcpy(&name, to->to.b, to->to.len);
    set_source(&msg, to, family(b));
    if (sendmsg(b->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == CJD_UDP_BEACON_BYTES) {
        b->counters.sent++;
        return;
    }
    b->counters.unsent++;
    cjd_logger_write(b->env->log, CJD_LEVEL_DEBUG, "a beacon cannot be sent on device %u: %s",
                     to->device, strerror(errno));
}

static void arm(struct cjd_udp_beacon *b)
{
    uint32_t random;

    b->env->random->fill(b->env->host, &random, sizeof random);
    uint64_t quarter = b->wait_ns / 4;
    b->env->loop->timer_arm(b->env->host, &b->timer, b->wait_ns - quarter * random / UINT32_MAX);
    b->wait_ns = 2 * b->wait_ns < CJD_UDP_BEACON_LAST_NS ? 2 * b->wait_ns : CJD_UDP_BEACON_LAST_NS;
}

static void send_round(struct cjd_udp_beacon *b)
{
    uint8_t bytes[CJD_UDP_BEACON_BYTES];
    struct cjd_beacon own;

    int err = b->env->beacon->own(b->env->host, &own);
    if (err != 0) {
        b->is_refused = true;
        cjd_logger_write(b->env->log, CJD_LEVEL_ERROR,
                         err == CJD_ERR_EXISTS
                             ? "no beacons are sent: a configured password has the login \"Local "
                               "Peers\", which beacons need"
                             : "no beacons are sent: %s",
                         cjd_err_text(err));
        return;
    }
    cjd_udp_beacon_write(bytes, &own, cjd_udp_addr_port(&b->bound));
    for (uint32_t i = 0; i < b->outlets.count; i++) {
        send_one(b, &b->outlets.v[i], bytes);
    }
    b->sent_ns = now(b);
    explicit_bzero(&own, sizeof own);
    arm(b);
}

static void on_timer(void *arg)
{
    struct cjd_udp_beacon *b = arg;

    if (refresh(b)) {
        b->wait_ns = CJD_UDP_BEACON_FIRST_NS;
    }
    send_round(b);
}

/* There is news for the neighbours: now, and a few times more. */
static void stir(struct cjd_udp_beacon *b)
{
    if (b->conf->mode != CJD_UDP_BEACON_SEND || b->is_refused) {
        return;
    }
    b->wait_ns = CJD_UDP_BEACON_FIRST_NS;
    if (b->sent_ns != 0 && now(b) - b->sent_ns < CJD_UDP_BEACON_GAP_NS) {
        b->env->loop->timer_arm(b->env->host, &b->timer, CJD_UDP_BEACON_GAP_NS);
        return;
    }
    send_round(b);
}

static void on_news(void *arg, int fd, uint32_t events)
{
    struct cjd_udp_beacon *b = arg;

    (void)fd;
    (void)events;
    if (cjd_netwatch_drain(&b->netwatch) && refresh(b)) {
        stir(b);
    }
}

/* --- receiving ----------------------------------------------------------------------------------
 */

/* The device a datagram came in by; 0: not told. */
static uint32_t device_of(struct msghdr *msg)
{
    struct in_pktinfo in;
    struct in6_pktinfo in6;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
            c->cmsg_len >= CMSG_LEN(sizeof in)) {
            memcpy(&in, CMSG_DATA(c), sizeof in);
            return (uint32_t)in.ipi_ifindex;
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
            c->cmsg_len >= CMSG_LEN(sizeof in6)) {
            memcpy(&in6, CMSG_DATA(c), sizeof in6);
            return in6.ipi6_ifindex;
        }
    }
    return 0;
}

static void count(struct cjd_udp_beacon_counters *c, enum cjd_udp_verdict verdict)
{
    switch (verdict) {
#define COUNT(verdict, name)                                                                       \
    case CJD_UDP_VERDICT_##verdict:                                                                \
        c->name++;                                                                                 \
        break;
        CJD_UDP_VERDICT_LIST(COUNT)
#undef COUNT
    }
}

static void hear(struct cjd_udp_beacon *b, struct cjd_udp_arrival *in, socklen_t source_len)
{
    struct cjd_beacon beacon;
    struct cjd_linkaddr addr;

    if (!cjd_udp_addr_canon(&in->source, source_len, in->family)) {
        b->counters.malformed++;
        return;
    }
    enum cjd_udp_verdict verdict =
        cjd_udp_beacon_judge(in, &b->outlets, &b->devices, &beacon, &addr);
    /* The kernel tells of a carrier up to a second late; a beacon is quicker. */
    if (verdict == CJD_UDP_VERDICT_DEVICE && now(b) - b->read_ns > CJD_UDP_BEACON_DOUBT_NS) {
        if (refresh(b)) {
            stir(b);
        }
        verdict = cjd_udp_beacon_judge(in, &b->outlets, &b->devices, &beacon, &addr);
    }
    count(&b->counters, verdict);
    if (verdict != CJD_UDP_VERDICT_GOOD) {
        return;
    }
    int err = b->env->beacon->heard(b->env->host, b->link, &addr, &beacon);
    if (err == CJD_ERR_OWN_KEY) {
        b->counters.own++;
    } else if (err != 0) {
        b->counters.refused++;
    }
}

/* One system call; what is left comes in the next turn of the loop. */
static void on_readable(void *arg, int fd, uint32_t events)
{
    struct cjd_udp_beacon *b = arg;
    uint8_t bytes[CJD_UDP_BEACON_BATCH][RECEIVE_BYTES];
    uint8_t control[CJD_UDP_BEACON_BATCH][CONTROL_BYTES] __attribute__((aligned(8)));
    struct cjd_udp_arrival in[CJD_UDP_BEACON_BATCH];
    struct iovec iov[CJD_UDP_BEACON_BATCH];
    struct mmsghdr msg[CJD_UDP_BEACON_BATCH];

    (void)events;
    for (unsigned i = 0; i < CJD_UDP_BEACON_BATCH; i++) {
        in[i] = (struct cjd_udp_arrival){.family = family(b), .bytes = bytes[i]};
        iov[i] = (struct iovec){.iov_base = bytes[i], .iov_len = RECEIVE_BYTES};
        msg[i] = (struct mmsghdr){.msg_hdr = {.msg_name = in[i].source.b,
                                              .msg_namelen = sizeof in[i].source.b,
                                              .msg_iov = &iov[i],
                                              .msg_iovlen = 1,
                                              .msg_control = control[i],
                                              .msg_controllen = CONTROL_BYTES}};
    }
    int n = recvmmsg(fd, msg, CJD_UDP_BEACON_BATCH, MSG_DONTWAIT, NULL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        b->counters.errors++;
    }
    for (int i = 0; i < n && b->is_started; i++) {
        in[i].device = device_of(&msg[i].msg_hdr);
        in[i].len = msg[i].msg_len;
        hear(b, &in[i], msg[i].msg_hdr.msg_namelen);
    }
}

/* --- start, stop --------------------------------------------------------------------------------
 */

int cjd_udp_beacon_start(struct cjd_udp_beacon *b, const struct cjd_udp_beacon_conf *conf,
                         uint32_t link, const struct cjd_linkaddr *bound)
{
    const struct cjd_loop_service *loop = b->env->loop;

    if (b->fd < 0) {
        return 0;
    }
    b->link = link;
    b->bound = *bound;
    b->conf = conf;
    b->sent_ns = 0;
    b->is_refused = false;
    b->outlets.count = 0;
    b->is_started = true;
    loop->timer_init(b->env->host, &b->timer, on_timer, b);
    int err = loop->fd_watch(b->env->host, &b->rx_watch, b->fd, CJD_FD_READ, on_readable, b);
    if (err == 0) {
        err = loop->fd_watch(b->env->host, &b->news_watch, b->netwatch.fd, CJD_FD_READ, on_news, b);
    }
    if (err != 0) {
        cjd_udp_beacon_stop(b);
        return err;
    }
    if (!refresh(b)) {
        tell_outlets(b);
    }
    stir(b);
    return 0;
}

void cjd_udp_beacon_apply(struct cjd_udp_beacon *b, const struct cjd_udp_beacon_conf *conf)
{
    if (!b->is_started) {
        return;
    }
    bool was_sending = b->conf->mode == CJD_UDP_BEACON_SEND;
    b->conf = conf;
    if (conf->mode != CJD_UDP_BEACON_SEND) {
        b->env->loop->timer_cancel(b->env->host, &b->timer);
    }
    if (refresh(b) || !was_sending) {
        stir(b);
    }
}

void cjd_udp_beacon_stop(struct cjd_udp_beacon *b)
{
    if (!b->is_started) {
        return;
    }
    b->is_started = false;
    b->env->loop->timer_cancel(b->env->host, &b->timer);
    b->env->loop->fd_unwatch(b->env->host, b->rx_watch);
    b->env->loop->fd_unwatch(b->env->host, b->news_watch);
    b->rx_watch = NULL;
    b->news_watch = NULL;
}
