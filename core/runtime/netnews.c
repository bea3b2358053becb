#include <runtime/netnews.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cjd/err.h>

#define READS_MAX    256u /* datagrams in one call; the rest is for the next turn of the loop */
#define BUFFER       16384u
#define FLAGS_MATTER (IFF_UP | IFF_RUNNING | IFF_LOWER_UP)

/* --- what is known ---------------------------------------------------------------------------- */

static uint64_t hash_start(uint16_t kind)
{
    return 0xcbf29ce484222325ull ^ kind;
}

/* FNV-1a: the kernel sends no collisions on purpose. */
static uint64_t hash_more(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * 0x100000001b3ull;
    }
    return h ? h : 1;
}

static uint64_t *find(struct cjd_netnews *w, uint64_t hash)
{
    for (unsigned i = 0; i < CJD_NETNEWS_KNOWN; i++) {
        if (w->known[i] == hash) {
            return &w->known[i];
        }
    }
    return NULL;
}

static void forget(struct cjd_netnews *w, uint64_t hash)
{
    uint64_t *known = find(w, hash);

    if (known) {
        *known = 0;
    }
}

/* True: it was not known. */
static bool learn(struct cjd_netnews *w, uint64_t hash)
{
    if (find(w, hash)) {
        return false;
    }
    uint64_t *place = find(w, 0);
    if (!place) {
        place = &w->known[w->known_next++ % CJD_NETNEWS_KNOWN];
    }
    *place = hash;
    return true;
}

/* --- messages --------------------------------------------------------------------------------- */

struct body {
    const uint8_t *at;
    size_t len;
};

/* Copies the fixed part; what is left are the attributes. False: too short. */
static bool take(struct body *b, void *out, size_t n)
{
    if (b->len < n) {
        return false;
    }
    memcpy(out, b->at, n);
    n = NLMSG_ALIGN(n);
    n = n < b->len ? n : b->len;
    b->at += n;
    b->len -= n;
    return true;
}

/* The next attribute. False: none. */
static bool next_attribute(struct body *b, uint16_t *type, struct body *value)
{
    struct rtattr a;

    if (b->len < sizeof a) {
        return false;
    }
    memcpy(&a, b->at, sizeof a);
    if (a.rta_len < sizeof a || a.rta_len > b->len) {
        return false;
    }
    *type = a.rta_type & (uint16_t)NLA_TYPE_MASK;
    *value = (struct body){b->at + sizeof a, a.rta_len - sizeof a};
    size_t n = RTA_ALIGN(a.rta_len) < b->len ? RTA_ALIGN(a.rta_len) : b->len;
    b->at += n;
    b->len -= n;
    return true;
}

/* Hashes those attributes of a message whose bit is set in `wanted`. */
static uint64_t hash_attributes(struct body b, uint64_t h, uint64_t wanted)
{
    uint16_t type;
    struct body value;

    while (next_attribute(&b, &type, &value)) {
        if (type < 64 && (wanted >> type & 1) != 0) {
            h = hash_more(h, &type, sizeof type);
            h = hash_more(h, value.at, value.len);
        }
    }
    return h;
}

static bool read_address(struct cjd_netnews *w, struct body b, bool is_new)
{
    struct ifaddrmsg m;

    if (!take(&b, &m, sizeof m)) {
        return false;
    }
    uint64_t h = hash_more(hash_start(RTM_NEWADDR), &m.ifa_index, sizeof m.ifa_index);
    h = hash_more(h, &m.ifa_family, sizeof m.ifa_family);
    h = hash_more(h, &m.ifa_prefixlen, sizeof m.ifa_prefixlen);
    h = hash_attributes(b, h, 1ull << IFA_ADDRESS | 1ull << IFA_LOCAL);
    /* It is told twice: as tentative, and when it can be used. */
    uint64_t tentative = hash_more(h, "t", 1);
    if (is_new) {
        return learn(w, (m.ifa_flags & IFA_F_TENTATIVE) != 0 ? tentative : h);
    }
    forget(w, h);
    forget(w, tentative);
    return true;
}

static bool route_matters(const struct rtmsg *m)
{
    bool is_plain = m->rtm_table != RT_TABLE_LOCAL && (m->rtm_flags & RTM_F_CLONED) == 0 &&
                    m->rtm_type != RTN_LOCAL && m->rtm_type != RTN_BROADCAST &&
                    m->rtm_type != RTN_MULTICAST && m->rtm_type != RTN_ANYCAST;
    bool is_of_operator = m->rtm_protocol <= RTPROT_STATIC || m->rtm_protocol == RTPROT_RA ||
                          m->rtm_protocol == RTPROT_DHCP;

    return is_plain && (m->rtm_dst_len == 0 || is_of_operator);
}

static bool read_route(struct cjd_netnews *w, struct body b, bool is_new)
{
    struct rtmsg m;

    if (!take(&b, &m, sizeof m) || !route_matters(&m)) {
        return false;
    }
    uint64_t h = hash_more(hash_start(RTM_NEWROUTE), &m.rtm_family, sizeof m.rtm_family);
    h = hash_more(h, &m.rtm_dst_len, sizeof m.rtm_dst_len);
    h = hash_more(h, &m.rtm_table, sizeof m.rtm_table);
    h = hash_attributes(b, h,
                        1ull << RTA_DST | 1ull << RTA_OIF | 1ull << RTA_GATEWAY |
                            1ull << RTA_PRIORITY | 1ull << RTA_MULTIPATH | 1ull << RTA_VIA);
    if (is_new) {
        return learn(w, h);
    }
    forget(w, h);
    return true;
}

/* The flags of a device as they were, 0 of one that is not known; and as they are from now on. */
static uint32_t exchange_flags(struct cjd_netnews *w, uint32_t index, uint32_t flags)
{
    uint32_t old;
    unsigned i = 0;

    while (i < CJD_NETNEWS_DEVICES && w->device[i].index != index) {
        i++;
    }
    if (i == CJD_NETNEWS_DEVICES) {
        i = w->device_next++ % CJD_NETNEWS_DEVICES;
        w->device[i].flags = 0;
        w->device[i].index = index;
    }
    old = w->device[i].flags;
    w->device[i].flags = flags;
    return old;
}

static bool read_device(struct cjd_netnews *w, struct body b, bool is_new)
{
    struct ifinfomsg m;

    /* Ports of bridges are told once more by the bridge. */
    if (!take(&b, &m, sizeof m) || m.ifi_family != AF_UNSPEC) {
        return false;
    }
    uint32_t flags = is_new ? m.ifi_flags & FLAGS_MATTER : 0;
    return exchange_flags(w, (uint32_t)m.ifi_index, flags) != flags;
}

static bool read_message(struct cjd_netnews *w, uint16_t type, struct body b)
{
    switch (type) {
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return read_address(w, b, type == RTM_NEWADDR);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return read_route(w, b, type == RTM_NEWROUTE);
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return read_device(w, b, type == RTM_NEWLINK);
    default:
        return false;
    }
}

bool cjd_netnews_feed(struct cjd_netnews *w, const uint8_t *bytes, size_t len)
{
    bool has_changed = false;
    struct nlmsghdr h;

    while (len >= sizeof h) {
        memcpy(&h, bytes, sizeof h);
        if (h.nlmsg_len < sizeof h || h.nlmsg_len > len) {
            break;
        }
        struct body b = {bytes + sizeof h, h.nlmsg_len - sizeof h};
        has_changed |= read_message(w, h.nlmsg_type, b);
        size_t n = NLMSG_ALIGN(h.nlmsg_len) < len ? NLMSG_ALIGN(h.nlmsg_len) : len;
        bytes += n;
        len -= n;
    }
    return has_changed;
}

/* --- the socket ------------------------------------------------------------------------------- */

int cjd_netnews_open(void)
{
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK,
                               .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                            RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0) {
        return cjd_err_from_errno(errno);
    }
    if (bind(fd, (const struct sockaddr *)&addr, sizeof addr) != 0) {
        int err = cjd_err_from_errno(errno);
        close(fd);
        return err;
    }
    return fd;
}

bool cjd_netnews_read(struct cjd_netnews *w, int fd)
{
    bool has_changed = false;

    for (unsigned i = 0; i < READS_MAX; i++) {
        _Alignas(struct nlmsghdr) uint8_t buffer[BUFFER];
        struct sockaddr_nl from = {.nl_pid = 1}; /* not the kernel */
        socklen_t from_len = sizeof from;
        ssize_t n =
            recvfrom(fd, buffer, sizeof buffer, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
        if (n > 0 && from_len == sizeof from && from.nl_pid == 0) {
            has_changed |= cjd_netnews_feed(w, buffer, (size_t)n);
        } else if (n < 0 && errno == ENOBUFS) {
            /* What was lost is unknown, so nothing counts as known. */
            memset(w, 0, sizeof *w);
            has_changed = true;
        } else if (n < 0 && errno != EINTR) {
            break;
        }
    }
    return has_changed;
}
