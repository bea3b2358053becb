#include <sys/netif.h>

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES 512u
#define ANSWER_BYTES  32768u
/* The kernel answers at once; a lost answer must not stop the router. */
#define ANSWER_SECONDS 2

struct cjd_netif {
    int fd;
    uint32_t seq;
    uint32_t port;
    uint8_t answer[ANSWER_BYTES] __attribute__((aligned(8)));
};

/* A request: header, fixed part, attributes. */
struct request {
    union {
        struct nlmsghdr head;
        uint8_t bytes[REQUEST_BYTES];
    };
};

int cjd_netif_new(struct cjd_netif **out)
{
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK};
    struct timeval timeout = {.tv_sec = ANSWER_SECONDS};
    socklen_t len = sizeof addr;
    struct cjd_netif *n = calloc(1, sizeof *n);

    *out = NULL;
    if (!n) {
        return CJD_ERR_NO_MEMORY;
    }
    n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (n->fd < 0 || bind(n->fd, (const struct sockaddr *)&addr, sizeof addr) != 0 ||
        getsockname(n->fd, (struct sockaddr *)&addr, &len) != 0 ||
        setsockopt(n->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
        int err = cjd_err_from_errno(errno);
        cjd_netif_free(n);
        return err;
    }
    n->port = addr.nl_pid;
    *out = n;
    return 0;
}

void cjd_netif_free(struct cjd_netif *netif)
{
    if (netif) {
        if (netif->fd >= 0) {
            close(netif->fd);
        }
        free(netif);
    }
}

/* --- requests -----------------------------------------------------------------------------------
 */

static void *begin(struct request *r, uint16_t type, uint16_t flags, size_t fixed)
{
    memset(r, 0, sizeof *r);
    r->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(fixed);
    r->head.nlmsg_type = type;
    r->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    return NLMSG_DATA(&r->head);
}

static void put_attr(struct request *r, uint16_t type, const void *value, size_t len)
{
    size_t at = NLMSG_ALIGN(r->head.nlmsg_len);
    struct rtattr attr = {.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type};

    /* All attributes of this file fit; see REQUEST_BYTES. */
    if (at + RTA_SPACE(len) > sizeof r->bytes) {
        return;
    }
    memcpy(r->bytes + at, &attr, sizeof attr);
    memcpy(r->bytes + at + RTA_LENGTH(0), value, len);
    r->head.nlmsg_len = (uint32_t)(at + RTA_SPACE(len));
}

static int transmit(struct cjd_netif *n, struct request *r)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

    r->head.nlmsg_seq = ++n->seq;
    if (sendto(n->fd, r, r->head.nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof kernel) <
        0) {
        return cjd_err_from_errno(errno);
    }
    return 0;
}

static int error_of(const struct nlmsghdr *h)
{
    struct nlmsgerr e;

    if (h->nlmsg_len < NLMSG_LENGTH(sizeof e)) {
        return CJD_ERR_PARSE;
    }
    memcpy(&e, NLMSG_DATA(h), sizeof e);
    switch (-e.error) {
    case 0:
        return 0;
    case EEXIST:
        return CJD_ERR_EXISTS;
    case ENODEV:
        return CJD_ERR_NO_DEVICE;
    default:
        return cjd_err_from_errno(-e.error);
    }
}

/* Sees one message of an answer; false ends the walk (the rest is still read). */
typedef bool (*message_fn)(void *arg, const struct nlmsghdr *h);

/* One datagram: 1 go on reading, else the result. */
static int walk(struct cjd_netif *n, size_t len, message_fn fn, void *arg)
{
    const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)n->answer;

    for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
        if (h->nlmsg_seq != n->seq || h->nlmsg_pid != n->port) {
            continue; /* late answer to an earlier request */
        }
        if (h->nlmsg_type == NLMSG_ERROR) {
            return error_of(h);
        }
        if (h->nlmsg_type == NLMSG_DONE) {
            return 0;
        }
        if (fn) {
            fn(arg, h);
        }
        if ((h->nlmsg_flags & NLM_F_MULTI) == 0) {
            return 0;
        }
    }
    return 1;
}

static int transact(struct cjd_netif *n, struct request *r, message_fn fn, void *arg)
{
    int err = transmit(n, r);

    if (err < 0) {
        return err;
    }
    do {
        struct sockaddr_nl from = {0};
        socklen_t from_len = sizeof from;
        ssize_t len =
            recvfrom(n->fd, n->answer, sizeof n->answer, 0, (struct sockaddr *)&from, &from_len);
        if (len < 0) {
            return errno == EAGAIN ? CJD_ERR_TIMEOUT : cjd_err_from_errno(errno);
        }
        /* Only the kernel has port 0. */
        err = from.nl_pid == 0 ? walk(n, (size_t)len, fn, arg) : 1;
    } while (err > 0);
    return err;
}

/* An attribute behind the fixed part of a message that holds at least `want` bytes; NULL: none. */
static const void *find_attr(const struct nlmsghdr *h, size_t fixed, uint16_t type, size_t want)
{
    const uint8_t *bytes = (const uint8_t *)h;
    size_t at = NLMSG_ALIGN(NLMSG_LENGTH(fixed));

    while (at + sizeof(struct rtattr) <= h->nlmsg_len) {
        struct rtattr a;
        memcpy(&a, bytes + at, sizeof a);
        if (a.rta_len < sizeof a || a.rta_len > h->nlmsg_len - at) {
            return NULL;
        }
        if (a.rta_type == type && a.rta_len >= RTA_LENGTH(want)) {
            return bytes + at + RTA_LENGTH(0);
        }
        at += RTA_ALIGN(a.rta_len);
    }
    return NULL;
}

/* --- links --------------------------------------------------------------------------------------
 */

static bool read_link(void *arg, const struct nlmsghdr *h)
{
    struct cjd_netif_info *out = arg;
    const struct ifinfomsg *info = NLMSG_DATA(h);

    if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof *info)) {
        return true;
    }
    out->index = (uint32_t)info->ifi_index;
    out->is_up = (info->ifi_flags & IFF_UP) != 0;
    const void *mtu = find_attr(h, sizeof *info, IFLA_MTU, sizeof out->mtu);
    if (mtu) {
        memcpy(&out->mtu, mtu, sizeof out->mtu);
    }
    return false;
}

int cjd_netif_state(struct cjd_netif *netif, const char *device, struct cjd_netif_info *out)
{
    struct request r;

    *out = (struct cjd_netif_info){0};
    if (strlen(device) == 0 || strlen(device) >= IFNAMSIZ) {
        return CJD_ERR_NO_DEVICE;
    }
    begin(&r, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
    put_attr(&r, IFLA_IFNAME, device, strlen(device) + 1);
    int err = transact(netif, &r, read_link, out);
    if (err == 0 && out->index == 0) {
        err = CJD_ERR_NO_DEVICE;
    }
    return err;
}

/* mtu 0: unchanged. */
static int change_link(struct cjd_netif *netif, const char *device, uint32_t mtu, uint32_t up)
{
    struct cjd_netif_info link;
    struct request r;
    int err = cjd_netif_state(netif, device, &link);

    if (err < 0) {
        return err;
    }
    struct ifinfomsg *info = begin(&r, RTM_NEWLINK, NLM_F_ACK, sizeof *info);
    info->ifi_family = AF_UNSPEC;
    info->ifi_index = (int)link.index;
    info->ifi_flags = up;
    info->ifi_change = up;
    if (mtu > 0) {
        put_attr(&r, IFLA_MTU, &mtu, sizeof mtu);
    }
    return transact(netif, &r, NULL, NULL);
}

int cjd_netif_set_mtu(struct cjd_netif *netif, const char *device, uint32_t mtu)
{
    return mtu == 0 ? CJD_ERR_INVALID : change_link(netif, device, mtu, 0);
}

int cjd_netif_set_up(struct cjd_netif *netif, const char *device)
{
    return change_link(netif, device, 0, IFF_UP);
}

/* --- addresses ----------------------------------------------------------------------------------
 */

struct addr_search {
    uint32_t index;
    const struct cjd_addr *addr;
    uint32_t prefix_len;
    bool is_found;
};

static bool read_addr(void *arg, const struct nlmsghdr *h)
{
    struct addr_search *s = arg;
    const struct ifaddrmsg *info = NLMSG_DATA(h);

    if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof *info) ||
        info->ifa_index != s->index || info->ifa_prefixlen != s->prefix_len) {
        return true;
    }
    const void *found = find_attr(h, sizeof *info, IFA_ADDRESS, sizeof s->addr->b);
    if (found && memcmp(found, s->addr->b, sizeof s->addr->b) == 0) {
        s->is_found = true;
    }
    return !s->is_found;
}

bool cjd_netif_has_addr(struct cjd_netif *netif, const char *device, const struct cjd_addr *addr,
                        uint32_t prefix_len)
{
    struct cjd_netif_info link;
    struct addr_search search = {.addr = addr, .prefix_len = prefix_len};
    struct request r;

    if (cjd_netif_state(netif, device, &link) < 0) {
        return false;
    }
    search.index = link.index;
    struct ifaddrmsg *info = begin(&r, RTM_GETADDR, NLM_F_DUMP, sizeof *info);
    info->ifa_family = AF_INET6;
    return transact(netif, &r, read_addr, &search) == 0 && search.is_found;
}

static int change_addr(struct cjd_netif *netif, uint16_t type, const char *device,
                       const struct cjd_addr *addr, uint32_t prefix_len)
{
    struct cjd_netif_info link;
    struct request r;
    uint16_t flags = NLM_F_ACK;

    if (prefix_len > 128) {
        return CJD_ERR_INVALID;
    }
    int err = cjd_netif_state(netif, device, &link);
    if (err < 0) {
        return err;
    }
    if (type == RTM_NEWADDR) {
        flags |= NLM_F_CREATE | NLM_F_EXCL;
    }
    struct ifaddrmsg *info = begin(&r, type, flags, sizeof *info);
    info->ifa_family = AF_INET6;
    info->ifa_prefixlen = (uint8_t)prefix_len;
    info->ifa_index = link.index;
    /* The address is the hash of a key: nobody else can have it, so no duplicate is looked for. */
    info->ifa_flags = IFA_F_NODAD;
    put_attr(&r, IFA_LOCAL, addr->b, sizeof addr->b);
    put_attr(&r, IFA_ADDRESS, addr->b, sizeof addr->b);
    return transact(netif, &r, NULL, NULL);
}

int cjd_netif_addr_add(struct cjd_netif *netif, const char *device, const struct cjd_addr *addr,
                       uint32_t prefix_len)
{
    return change_addr(netif, RTM_NEWADDR, device, addr, prefix_len);
}

int cjd_netif_addr_del(struct cjd_netif *netif, const char *device, const struct cjd_addr *addr,
                       uint32_t prefix_len)
{
    return change_addr(netif, RTM_DELADDR, device, addr, prefix_len);
}
