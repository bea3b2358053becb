/*
 * One instance of the UDP plugin: a socket, its queues, and the configured peers behind it.
 *
 * Life cycle in udp.c; the parts are udp_config (what is wanted), udp_socket (making it), udp_io
 * (packets), udp_peers (whom to talk to), udp_beacon (who else is near).
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

/* Queues, and sockets, per link. More than one shares the address by SO_REUSEPORT. */
#define CJD_UDP_QUEUES 1u

struct cjd_udp {
    const struct cjd_host *host;
    struct cjd_logger log;
    const struct cjd_link_service *link;
    struct cjd_dgram_io io;
    int family; /* of the bound address */
    struct cjd_udp_peers_env env;
    struct cjd_udp_beacon_env beacon_env;

    struct cjd_udp_config *config; /* in force; NULL before configure */
    uint32_t queues;
    int fd[CJD_UDP_QUEUES]; /* −1: closed */
    struct cjd_linkaddr bound;
    bool is_acquired;
    bool is_started;
    struct cjd_udp_peers peers;
    struct cjd_udp_beacon beacon;
    struct cjd_dgram queue[CJD_UDP_QUEUES];
};

/* What the plugin exports; named here for tests that are linked with it. */
extern const struct cjd_plugin cjd_plugin_abi1;

#endif
