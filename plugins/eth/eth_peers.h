/*
 * Configured peers of one device: given to the core when the device has a link, kept in step with
 * the configuration. Control thread.
 */
#ifndef ETH_PEERS_H
#define ETH_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/link.h>
#include <cjd/logger.h>

#include "eth_config.h"

/* A peer that cannot be sent to is reported no more often than that. */
#define CJD_ETH_REPORT_NS (10ull * 1000000000)

struct cjd_eth_peer {
    const struct cjd_eth_peer_conf *conf; /* in the configuration in force */
    uint32_t id;                          /* the core's number */
    bool is_added;
    bool is_kept;
    uint64_t reported_ns;
};

/* What the peers of a device work with; borrowed. */
struct cjd_eth_peers_env {
    const struct cjd_host *host;
    const struct cjd_peer_service *peer;
    const struct cjd_time_service *time;
    const struct cjd_logger *log;
};

struct cjd_eth_peers {
    const struct cjd_eth_peers_env *env;
    struct cjd_eth_peer *v;
    size_t count;
    bool has_link;
    uint32_t link;
};

/* Makes them those of the configuration for the device of that name. Peers that are the same as
 * before are not disturbed. CJD_ERR_NO_MEMORY: nothing changed. The configuration must stay. */
CJD_MUST_CHECK int cjd_eth_peers_apply(struct cjd_eth_peers *peers,
                                       const struct cjd_eth_config *config, const char *device);
/* The device has a link, or none any more: the core forgot its peers. */
void cjd_eth_peers_up(struct cjd_eth_peers *peers, uint32_t link);
void cjd_eth_peers_down(struct cjd_eth_peers *peers);
void cjd_eth_peers_free(struct cjd_eth_peers *peers);

/* The core removed one. */
void cjd_eth_peers_event(struct cjd_eth_peers *peers, const struct cjd_peer_event *event);
/* The system refuses to send to that address. */
void cjd_eth_peers_unsendable(struct cjd_eth_peers *peers, const struct cjd_linkaddr *addr,
                              const char *why);

#endif
