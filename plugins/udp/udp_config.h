/*
 * Configuration of one UDP link, read from JSON into plain structures (configuration notes §15).
 *
 * A config owns its peers and their texts. Control thread.
 */
#ifndef UDP_CONFIG_H
#define UDP_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include <cjd/config.h>
#include <cjd/peer_conf.h>

#include "udp_addr.h"
#include "udp_outlet.h"

/* Most configured peers of one link; each takes a switch slot of the node. */
#define CJD_UDP_PEERS_MAX 4096u

/* Addresses of one peer, as many as a peer URI has; and of one link: one of each family. */
#define CJD_UDP_ADDRESSES_MAX 8u
#define CJD_UDP_BINDS_MAX     2u

struct cjd_udp_peer_conf {
    size_t address_count; /* at least 1 */
    struct cjd_udp_target *target;
    char **address; /* as written */
    struct cjd_peer_conf who;
};

enum cjd_udp_beacon_mode { CJD_UDP_BEACON_OFF, CJD_UDP_BEACON_ACCEPT, CJD_UDP_BEACON_SEND };

/* Where beacons go by convention (link notes §4.2). */
#define CJD_UDP_BEACON_PORT 64512u
/* Most entries of a list of devices. */
#define CJD_UDP_DEVICES_MAX 64u

struct cjd_udp_beacon_conf {
    enum cjd_udp_beacon_mode mode;
    uint16_t port;
    struct cjd_udp_devices devices;
};

struct cjd_udp_config {
    size_t bind_count; /* 1, or 2 of different families */
    struct cjd_udp_target bind[CJD_UDP_BINDS_MAX];
    uint8_t dscp;
    struct cjd_udp_beacon_conf beacon;
    struct cjd_udp_peer_conf *peers;
    size_t peer_count;
};

/* Reads and checks all of it. CJD_ERR_CONFIG with the place in `error`, or CJD_ERR_NO_MEMORY. */
CJD_MUST_CHECK int cjd_udp_config_read(struct cjd_udp_config **out, const json_t *json,
                                       struct cjd_plugin_error *error);
/* Wipes secrets. NULL is legal. */
void cjd_udp_config_free(struct cjd_udp_config *config);

/* Whether a change from one to the other needs no socket to be made anew. */
bool cjd_udp_config_same_socket(const struct cjd_udp_config *a, const struct cjd_udp_config *b);
/* Whether two entries mean the same peering in every respect. */
bool cjd_udp_peer_conf_equal(const struct cjd_udp_peer_conf *a, const struct cjd_udp_peer_conf *b);

#endif
