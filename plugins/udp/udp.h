/*
 * One instance of the UDP plugin: a link of one socket, or of two, one of each family, and the
 * configured peers behind it.
 *
 * Life cycle in udp.c; the parts are udp_config (what is wanted), udp_socket (making it), udp_io
 * (packets), udp_place and udp_peers (whom to talk to, and where), udp_outlet and udp_beacon (who
 * else is near).
 */
#ifndef UDP_H
#define UDP_H

#include <cjd/logger.h>
#include <cjd/plugin.h>

#include "udp_beacon.h"
#include "udp_config.h"
#include "udp_io.h"
#include "udp_peers.h"
#include "udp_socket.h"

/* A socket with what belongs to it. Its position is the number of its queue. */
struct cjd_udp_side {
    struct cjd_udp *udp;
    int family;
    struct cjd_dgram_io io;
    int fd; /* −1: closed */
    struct cjd_linkaddr bound;
    struct cjd_dgram queue;
    struct cjd_udp_beacon beacon;
};

struct cjd_udp {
    const struct cjd_host *host;
    struct cjd_logger log;
    const struct cjd_link_service *link;
    const struct cjd_netif_service *netif; /* NULL: not offered */
    struct cjd_dgram_io io;                /* what the sides begin with */
    struct cjd_udp_env env;
    struct cjd_udp_beacon_env beacon_env;

    struct cjd_udp_config *config; /* in force; NULL before configure */
    bool is_acquired;
    bool is_started;
    uint32_t link_id;
    struct cjd_udp_peers peers;
    uint32_t side_count;
    struct cjd_udp_side side[CJD_UDP_BINDS_MAX];
};

/* What the plugin exports; named here for tests that are linked with it. */
extern const struct cjd_plugin cjd_plugin_abi1;

#endif
