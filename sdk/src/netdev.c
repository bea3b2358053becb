#include <cjd/netdev.h>

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel's dump comes in datagrams of up to this. */
#define ANSWER_BYTES 32768u
/* A lost answer must not stop the router. */
#define ANSWER_SECONDS 2
/* Datagrams of news read in one go: what is left is found by the next. */
#define NEWS_MAX 64u

/* --- sockets ------------------------------------------------------------------------------------
 */

static int open_one(uint32_t groups, int type)
{
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = groups};
    struct timeval timeout = {.tv_sec = ANSWER_SECONDS};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | type, NETLINK_ROUTE);

    if (fd < 0) {
        return cjd_err_from_errno(errno);
    }
    if (bind(fd, (const struct sockaddr *)&addr, sizeof addr) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
        int err = cjd_err_from_errno(errno);
        close(fd);
        return err;
    }
    return fd;
}

int cjd_netwatch_open(struct cjd_netwatch *watch)
{
    *watch = (struct cjd_netwatch)CJD_NETWATCH_CLOSED;
    int fd = open_one(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, SOCK_NONBLOCK);
    if (fd < 0) {
        return fd;
    }
    watch->fd = fd;
    int ask = open_one(0, 0);
    if (ask < 0) {
        cjd_netwatch_close(watch);
        return ask;
    }
    watch->ask = ask;
    return 0;
}

void cjd_netwatch_close(struct cjd_netwatch *watch)
{
    if (watch->fd >= 0) {
        close(watch->fd);
    }
    if (watch->ask >= 0) {
        close(watch->ask);
    }
    watch->fd = -1;
    watch->ask = -1;
}

bool cjd_netwatch_drain(struct cjd_netwatch *watch)
{
    uint8_t news[512]; /* only that there is some counts */
    bool has_some = false;

    for (unsigned i = 0; i < NEWS_MAX && watch->fd >= 0; i++) {
        ssize_t n = recv(watch->fd, news, sizeof news, MSG_DONTWAIT);
        if (n < 0 && errno != ENOBUFS && errno != EINTR) {
            break;
        }
        has_some = true; /* ENOBUFS: more than was kept for us */
    }
    return has_some;
}

/* --- one message --------------------------------------------------------------------------------
 */

/* An attribute of at least `min` bytes among `left` bytes of them; NULL: it is not there. */
static const uint8_t *attr_in(const uint8_t *at, size_t left, uint16_t type, size_t min,
                              size_t *len)
{
    struct rtattr head;

    while (left >= sizeof head) {
        memcpy(&head, at, sizeof head);
        if (head.rta_len < sizeof head || head.rta_len > left) {
            return NULL;
        }
        if ((head.rta_type & NLA_TYPE_MASK) == type && head.rta_len >= RTA_LENGTH(min)) {
            *len = head.rta_len - RTA_LENGTH(0);
            return at + RTA_LENGTH(0);
        }
        size_t step = RTA_ALIGN(head.rta_len) < left ? RTA_ALIGN(head.rta_len) : left;
        at += step;
        left -= step;
    }
    return NULL;
}

/* The same among those of a message. */
static const uint8_t *attr(const struct nlmsghdr *h, size_t fixed, uint16_t type, size_t min,
                           size_t *len)
{
    return attr_in((const uint8_t *)NLMSG_DATA(h) + NLMSG_ALIGN(fixed),
                   h->nlmsg_len - NLMSG_LENGTH(fixed), type, min, len);
}

/* Copies an attribute, cut to `cap` bytes. Returns how many. */
static size_t copy_attr(const struct nlmsghdr *h, size_t fixed, uint16_t type, void *out,
                        size_t cap)
{
    size_t len = 0;
    const uint8_t *bytes = attr(h, fixed, type, 0, &len);

    len = len < cap ? len : cap;
    if (bytes) {
        memcpy(out, bytes, len);
    }
    return bytes ? len : 0;
}

static void take_port(struct cjd_netdev *dev, const struct nlmsghdr *h)
{
    size_t len = 0;
    const uint8_t *info = attr(h, sizeof(struct ifinfomsg), IFLA_LINKINFO, 0, &len);
    const uint8_t *kind = info ? attr_in(info, len, IFLA_INFO_SLAVE_KIND, 0, &len) : NULL;

    if (kind) {
        memcpy(dev->port_of, kind, len < sizeof dev->port_of ? len : sizeof dev->port_of - 1);
    }
    (void)copy_attr(h, sizeof(struct ifinfomsg), IFLA_MASTER, &dev->master, sizeof dev->master);
}

static void take_link(struct cjd_netdevs *out, const struct nlmsghdr *h)
{
    struct ifinfomsg info;

    if (h->nlmsg_len < NLMSG_LENGTH(sizeof info) || out->count >= CJD_NETDEVS_MAX) {
        return;
    }
    memcpy(&info, NLMSG_DATA(h), sizeof info);
    struct cjd_netdev *dev = &out->dev[out->count++];
    *dev = (struct cjd_netdev){
        .index = (uint32_t)info.ifi_index, .flags = info.ifi_flags, .type = info.ifi_type};
    (void)copy_attr(h, sizeof info, IFLA_MTU, &dev->mtu, sizeof dev->mtu);
    (void)copy_attr(h, sizeof info, IFLA_IFNAME, dev->name, sizeof dev->name - 1);
    dev->mac_len = (uint16_t)copy_attr(h, sizeof info, IFLA_ADDRESS, dev->mac, sizeof dev->mac);
    take_port(dev, h);
}

static void take_addr(struct cjd_netdevs *out, const struct nlmsghdr *h)
{
    struct ifaddrmsg info;
    size_t len;

    if (h->nlmsg_len < NLMSG_LENGTH(sizeof info) || out->addr_count >= CJD_NETADDRS_MAX) {
        return;
    }
    memcpy(&info, NLMSG_DATA(h), sizeof info);
    size_t bytes = info.ifa_family == AF_INET ? 4 : info.ifa_family == AF_INET6 ? 16 : 0;
    /* IFA_ADDRESS is the far end where the device has one. */
    const uint8_t *ip = attr(h, sizeof info, IFA_LOCAL, bytes, &len);
    ip = ip ? ip : attr(h, sizeof info, IFA_ADDRESS, bytes, &len);
    if (!ip || bytes == 0 || info.ifa_prefixlen > 8 * bytes) {
        return;
    }
    uint32_t flags = info.ifa_flags;
    (void)copy_attr(h, sizeof info, IFA_FLAGS, &flags, sizeof flags);
    struct cjd_netaddr *a = &out->addr[out->addr_count++];
    *a = (struct cjd_netaddr){.index = info.ifa_index,
                              .family = bytes == 4 ? 4 : 6,
                              .prefix_len = info.ifa_prefixlen,
                              .is_usable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0};
    memcpy(a->ip, ip, bytes);
}

/* --- the dump -----------------------------------------------------------------------------------
 */

static int error_of(const struct nlmsghdr *h)
{
    struct nlmsgerr e;

    if (h->nlmsg_len < NLMSG_LENGTH(sizeof e)) {
        return CJD_ERR_PARSE;
    }
    memcpy(&e, NLMSG_DATA(h), sizeof e);
    return e.error == 0 ? 0 : cjd_err_from_errno(-e.error);
}

/* One datagram: 1 more follow, else the result. */
static int take(const struct cjd_netwatch *watch, struct cjd_netdevs *out, const uint8_t *bytes,
                size_t len)
{
    const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)bytes;

    for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
        if (h->nlmsg_seq != watch->seq) {
            continue; /* late answer to an earlier question */
        }
        if (h->nlmsg_type == NLMSG_ERROR) {
            return error_of(h);
        }
        if (h->nlmsg_type == NLMSG_DONE) {
            return 0;
        }
        if (h->nlmsg_type == RTM_NEWLINK) {
            take_link(out, h);
        } else if (h->nlmsg_type == RTM_NEWADDR) {
            take_addr(out, h);
        }
    }
    return 1;
}

static int dump(struct cjd_netwatch *watch, struct cjd_netdevs *out, uint16_t type)
{
    struct {
        struct nlmsghdr head;
        struct ifinfomsg info; /* its first byte, the family, is that of ifaddrmsg too */
    } request = {.head = {.nlmsg_len = sizeof request,
                          .nlmsg_type = type,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    uint8_t answer[ANSWER_BYTES] __attribute__((aligned(8)));
    int err = 1;

    request.head.nlmsg_seq = ++watch->seq;
    if (sendto(watch->ask, &request, sizeof request, 0, (const struct sockaddr *)&kernel,
               sizeof kernel) < 0) {
        return cjd_err_from_errno(errno);
    }
    while (err > 0) {
        struct sockaddr_nl from = {0};
        socklen_t from_len = sizeof from;
        ssize_t n =
            recvfrom(watch->ask, answer, sizeof answer, 0, (struct sockaddr *)&from, &from_len);
        if (n < 0 && errno != EINTR) {
            return errno == EAGAIN ? CJD_ERR_TIMEOUT : cjd_err_from_errno(errno);
        }
        if (n > 0 && from.nl_pid == 0) { /* from the kernel, not another process */
            err = take(watch, out, answer, (size_t)n);
        }
    }
    return err;
}

int cjd_netwatch_read(struct cjd_netwatch *watch, struct cjd_netdevs *out)
{
    out->count = 0;
    out->addr_count = 0;
    if (watch->ask < 0) {
        return CJD_ERR_STATE;
    }
    int err = dump(watch, out, RTM_GETLINK);
    err = err == 0 ? dump(watch, out, RTM_GETADDR) : err;
    if (err != 0) {
        out->count = 0;
        out->addr_count = 0;
    }
    return err;
}

/* --- looking up ---------------------------------------------------------------------------------
 */

const struct cjd_netdev *cjd_netdev_by_index(const struct cjd_netdevs *all, uint32_t index)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->dev[i].index == index) {
            return &all->dev[i];
        }
    }
    return NULL;
}

const struct cjd_netdev *cjd_netdev_by_name(const struct cjd_netdevs *all, const char *name)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (strcmp(all->dev[i].name, name) == 0) {
            return &all->dev[i];
        }
    }
    return NULL;
}

static bool is_same_network(const uint8_t *a, const uint8_t *b, unsigned prefix_len)
{
    unsigned bytes = prefix_len / 8;
    uint8_t mask = (uint8_t)(0xff00u >> prefix_len % 8);

    return memcmp(a, b, bytes) == 0 && (prefix_len % 8 == 0 || ((a[bytes] ^ b[bytes]) & mask) == 0);
}

bool cjd_netdev_is_on_link(const struct cjd_netdevs *all, uint32_t index, unsigned family,
                           const uint8_t *ip)
{
    for (uint32_t i = 0; i < all->addr_count; i++) {
        const struct cjd_netaddr *a = &all->addr[i];
        if (a->index == index && a->family == family && is_same_network(a->ip, ip, a->prefix_len)) {
            return true;
        }
    }
    return false;
}
