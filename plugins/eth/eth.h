/*
 * One instance of the Ethernet plugin: places for devices, and the watch that fills them.
 *
 * A place has a packet socket of its own, opened in acquire and bound to a device when that is
 * there: binding needs no privilege, so devices may come long after the sandbox closed. A place
 * belongs to a device that the configuration names, or is free for what "all" finds.
 *
 * Files: eth.c life cycle; eth_wanted.c which device goes to which place; eth_device.c one of them;
 * eth_beacon.c, eth_peers.c, eth_frame.c, eth_config.c its parts.
 */
#ifndef ETH_H
#define ETH_H

#include <cjd/dgram.h>
#include <cjd/logger.h>
#include <cjd/netdev.h>
#include <cjd/plugin.h>

#include "eth_beacon.h"
#include "eth_config.h"
#include "eth_frame.h"
#include "eth_peers.h"

/* A device that "all" found and that has gone keeps its place, and its peers, for so long. */
#define CJD_ETH_KEEP_NS (60ull * 1000000000)

struct cjd_eth;

struct cjd_eth_device {
    struct cjd_eth *eth;
    int fd;                   /* of the place; −1: not open */
    char wanted[IF_NAMESIZE]; /* the name in the configuration; "": a place for "all" */

    /* What stands in the place. */
    char name[IF_NAMESIZE]; /* as of now; "": nothing so far */
    uint32_t index;         /* 0: not there */
    uint8_t mac[CJD_ETH_MAC_BYTES];
    uint32_t mtu;
    bool is_bound;
    bool is_up;       /* and running: frames can be sent and received */
    bool was_raised;  /* set up by this plugin, once */
    uint64_t down_ns; /* since when it is not up */

    bool has_link;
    bool has_carrier;  /* as the core was told */
    uint32_t link_mtu; /* of the device, when the link was made */
    struct cjd_dgram_io io;
    struct cjd_dgram queue;
    struct cjd_eth_beacons beacons;
    struct cjd_eth_peers peers;
    uint64_t verdicts[CJD_ETH_VERDICTS]; /* frames received, by what they were */
    uint64_t tx_down;                    /* packets for a device that is down */
};

struct cjd_eth {
    const struct cjd_host *host;
    struct cjd_logger log;
    const struct cjd_link_service *link;
    const struct cjd_packet_service *packet;
    const struct cjd_netif_service *netif; /* may be NULL */
    struct cjd_eth_beacon_env beacon;
    struct cjd_eth_peers_env peers;

    struct cjd_eth_config *config; /* in force; NULL before configure */
    struct cjd_eth_device **v;     /* places */
    size_t count;
    struct cjd_netwatch watch;
    struct cjd_fd_watch *fd_watch;
    struct cjd_netdevs *netdevs; /* as last read */
    struct cjd_plugin_timer retry;
    uint32_t retries; /* in a row */
    bool needs_retry;
    bool is_retrying;               /* the timer is armed */
    char said[8][IF_NAMESIZE + 96]; /* what was reported last, so that it is reported once */
    uint32_t said_next;
    bool is_acquired;
    bool is_started;
};

/* --- eth_device.c ----------------------------------------------------------------------------- */

/* A place with a socket. wanted: see above. CJD_ERR_PERMISSION, CJD_ERR_NO_MEMORY, … */
CJD_MUST_CHECK int cjd_eth_device_new(struct cjd_eth_device **out, struct cjd_eth *eth,
                                      const char *wanted);
/* NULL is legal. The link is taken down. */
void cjd_eth_device_free(struct cjd_eth_device *d);
/* What stands in the place is now as the kernel says. */
void cjd_eth_device_update(struct cjd_eth_device *d, const struct cjd_netdev *now);
/* It is not there any more. */
void cjd_eth_device_leave(struct cjd_eth_device *d);
/* Takes the link down; nothing stands in the place any more. */
void cjd_eth_device_clear(struct cjd_eth_device *d);
/* The configuration has changed. */
void cjd_eth_device_reconfigure(struct cjd_eth_device *d);

/* --- eth_wanted.c ----------------------------------------------------------------------------- */

/* Brings places and devices into agreement. */
void cjd_eth_settle(struct cjd_eth *eth);
/* Says something about a device, unless that was said lately. */
void cjd_eth_say(struct cjd_eth *eth, uint32_t level, const char *device, const char *text);
/* Something may work later: settles again after a while, later each time. */
void cjd_eth_retry(struct cjd_eth *eth);
/* The timer of that. arg: the struct cjd_eth */
void cjd_eth_on_retry(void *arg);

/* What the plugin exports; named here for tests that are linked with it. */
extern const struct cjd_plugin cjd_plugin_abi1;

#endif
