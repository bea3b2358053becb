/**
 * The machine's network devices and their addresses, and word of their changes, over rtnetlink.
 *
 * Compiled into plugins (sdk/src). Both sockets are made by open, which needs no privilege, so that
 * it all works after the sandbox closed. Reading is blocking, but the kernel answers at once. The
 * kernel says that something changed, not what matters: read again and compare. One thread.
 */
#ifndef CJD_NETDEV_H
#define CJD_NETDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <net/if.h>

#include <cjd/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is more than this is left out. */
#define CJD_NETDEVS_MAX  512u
#define CJD_NETADDRS_MAX 512u

/** cjd_netdev.flags: IFF_LOWER_UP, which <net/if.h> does not have. */
#define CJD_NETDEV_CARRIER (1u << 16)

struct cjd_netdev {
    uint32_t index;
    uint32_t flags; /**< IFF_UP, IFF_RUNNING, … and CJD_NETDEV_CARRIER */
    uint32_t mtu;
    uint16_t type; /**< ARPHRD_… */
    uint16_t mac_len;
    uint8_t mac[8]; /**< the first bytes of the link-layer address */
    char name[IF_NAMESIZE];
    uint32_t master;  /**< index of the device it is a port of; 0: of none */
    char port_of[16]; /**< what kind of device that is: "bridge", "bond", "vrf"; "": unknown */
};

struct cjd_netaddr {
    uint32_t index;     /**< of its device */
    uint8_t family;     /**< 4 or 6 */
    uint8_t prefix_len; /**< of the network that is on the link */
    uint8_t is_usable;  /**< 0: its uniqueness is still being checked, or is refuted (IPv6) */
    uint8_t pad;
    uint8_t ip[16]; /**< network byte order */
};

/** What there is; a copy. */
struct cjd_netdevs {
    uint32_t count;
    uint32_t addr_count;
    struct cjd_netdev dev[CJD_NETDEVS_MAX];
    struct cjd_netaddr addr[CJD_NETADDRS_MAX];
};

struct cjd_netwatch {
    int fd;  /**< readable: something changed; −1: closed */
    int ask; /**< for questions */
    uint32_t seq;
};

/** A watch that is not open. */
#define CJD_NETWATCH_CLOSED                                                                        \
    {                                                                                              \
        .fd = -1, .ask = -1                                                                        \
    }

/** Opens both sockets. CJD_ERR_UNSUPPORTED, CJD_ERR_PERMISSION, …: there is no netlink here. */
CJD_MUST_CHECK int cjd_netwatch_open(struct cjd_netwatch *watch);
/** A closed one is left alone. */
void cjd_netwatch_close(struct cjd_netwatch *watch);
/** Takes what is waiting off `fd`. True: devices or addresses may have changed. */
bool cjd_netwatch_drain(struct cjd_netwatch *watch);
/** Reads all devices and addresses. On failure `out` is empty. */
CJD_MUST_CHECK int cjd_netwatch_read(struct cjd_netwatch *watch, struct cjd_netdevs *out);

/** The device of an index or name; NULL: none. */
const struct cjd_netdev *cjd_netdev_by_index(const struct cjd_netdevs *all, uint32_t index);
const struct cjd_netdev *cjd_netdev_by_name(const struct cjd_netdevs *all, const char *name);
/** Whether an address (4 or 16 bytes) lies in a network of that device. */
bool cjd_netdev_is_on_link(const struct cjd_netdevs *all, uint32_t index, unsigned family,
                           const uint8_t *ip);

#ifdef __cplusplus
}
#endif

#endif
