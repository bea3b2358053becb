/*
 * Beacons of one UDP link: neighbours in the local network find each other without being
 * configured.
 *
 * A second socket at the beacon port. IPv4 as in the reference: directed broadcast in each network.
 * IPv6: the group ff12::fc00:fc00 on each device. What is heard goes to the host, which judges it.
 *
 * Timer (`timer`, mode send only): the next round of beacons. They are dense when they are news and
 * rare afterwards: at once at the start and when a network comes up, then after 100 ms, 200 ms, …
 * 32.768 s, each shortened by up to a quarter. The devices are read again before each round, and
 * whenever the kernel says that they changed.
 *
 * Control thread: a beacon is no packet of the data path.
 */
#ifndef UDP_BEACON_H
#define UDP_BEACON_H

#include <stdbool.h>
#include <stdint.h>

#include <cjd/link.h>
#include <cjd/logger.h>
#include <cjd/netdev.h>
#include <cjd/plugin.h>

#include "udp_config.h"
#include "udp_outlet.h"

#define CJD_UDP_BEACON_FIRST_NS 100000000ull
#define CJD_UDP_BEACON_LAST_NS  32768000000ull
/* Between two rounds, whatever happens. */
#define CJD_UDP_BEACON_GAP_NS 50000000ull
/* Between two readings of the devices for a beacon from one that takes no part. */
#define CJD_UDP_BEACON_DOUBT_NS 100000000ull
/* Datagrams read in one turn of the loop. */
#define CJD_UDP_BEACON_BATCH 64u

#define CJD_UDP_BEACON_COUNTER_LIST(X)                                                             \
    X(sent)                                                                                        \
    X(unsent) /* refused by the system */                                                          \
    X(own)                                                                                         \
    X(refused) /* by the host: key, version, address taken, too many */                            \
    X(errors)  /* read off the socket */

struct cjd_udp_beacon_counters {
#define CJD_UDP_BEACON_COUNTER_FIELD(name)          uint64_t name;
#define CJD_UDP_BEACON_VERDICT_FIELD(verdict, name) uint64_t name;
    CJD_UDP_BEACON_COUNTER_LIST(CJD_UDP_BEACON_COUNTER_FIELD)
    CJD_UDP_VERDICT_LIST(CJD_UDP_BEACON_VERDICT_FIELD)
#undef CJD_UDP_BEACON_COUNTER_FIELD
#undef CJD_UDP_BEACON_VERDICT_FIELD
};

/* What it works with. The pointers are borrowed. */
struct cjd_udp_beacon_env {
    const struct cjd_host *host;
    const struct cjd_beacon_service *beacon;
    const struct cjd_loop_service *loop;
    const struct cjd_time_service *time;
    const struct cjd_random_service *random;
    const struct cjd_logger *log;
};

struct cjd_udp_beacon {
    const struct cjd_udp_beacon_env *env;
    int fd; /* −1: closed */
    struct cjd_netwatch netwatch;

    /* While started. */
    bool is_started;
    uint32_t link;
    struct cjd_linkaddr bound; /* of the data socket */
    const struct cjd_udp_beacon_conf *conf;
    struct cjd_fd_watch *rx_watch;
    struct cjd_fd_watch *news_watch;
    struct cjd_plugin_timer timer;
    uint64_t wait_ns;
    uint64_t sent_ns; /* 0: never */
    uint64_t read_ns; /* the devices */
    bool is_refused;  /* the host does not let us send */
    struct cjd_netdevs devices;
    struct cjd_udp_outlets outlets;
    uint32_t joined_count;
    uint32_t joined[CJD_UDP_OUTLETS_MAX]; /* devices on which we are in the group */
    struct cjd_udp_beacon_counters counters;
};

/* A closed one. */
void cjd_udp_beacon_init(struct cjd_udp_beacon *b, const struct cjd_udp_beacon_env *env);
/* In acquire: the sockets, for a link bound to `bind`. Nothing if the mode is off. */
CJD_MUST_CHECK int cjd_udp_beacon_open(struct cjd_udp_beacon *b,
                                       const struct cjd_udp_beacon_conf *conf,
                                       const struct cjd_udp_target *bind, uint8_t dscp,
                                       struct cjd_plugin_error *error);
void cjd_udp_beacon_close(struct cjd_udp_beacon *b);

/* The link is up as number `link`; conf is borrowed until the next apply or stop. */
CJD_MUST_CHECK int cjd_udp_beacon_start(struct cjd_udp_beacon *b,
                                        const struct cjd_udp_beacon_conf *conf, uint32_t link,
                                        const struct cjd_linkaddr *bound);
/* Another mode (not off) or other devices. */
void cjd_udp_beacon_apply(struct cjd_udp_beacon *b, const struct cjd_udp_beacon_conf *conf);
void cjd_udp_beacon_stop(struct cjd_udp_beacon *b);

#endif
