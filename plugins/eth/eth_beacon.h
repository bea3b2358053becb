/*
 * Beacons on one device: when they are sent, and what becomes of those received (link notes §4).
 *
 * The reference sends one each 32.768 s. Here the first leaves at once when the device comes up,
 * further ones follow in growing steps up to that period, and one that was not heard of lately is
 * answered by a beacon of our own within a tenth of a second, at most once a second.
 *
 * Received ones are noted by the worker and told to the host from the control thread, a bounded
 * number in a turn.
 */
#ifndef ETH_BEACON_H
#define ETH_BEACON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <cjd/link.h>

#include "eth_config.h"

#define CJD_ETH_BEACON_PERIOD_NS (32768ull * 1000000)
/* Beacons of one device handed on in a turn of the loop; more are dropped and counted. */
#define CJD_ETH_HEARD_MAX 32u
/* Neighbours remembered, to tell who is new. */
#define CJD_ETH_KNOWN_MAX 256u

struct cjd_eth_heard {
    struct cjd_linkaddr addr;
    struct cjd_beacon beacon;
};

/* What all devices share; borrowed. */
struct cjd_eth_beacon_env {
    const struct cjd_host *host;
    const struct cjd_loop_service *loop;
    const struct cjd_time_service *time;
    const struct cjd_random_service *random;
    const struct cjd_beacon_service *beacon;
};

struct cjd_eth_beacons {
    const struct cjd_eth_beacon_env *env;
    enum cjd_eth_beacon_mode mode;
    bool is_running;
    int fd;
    uint32_t device; /* index */
    uint32_t link;   /* the host's number of the link */

    struct cjd_plugin_timer timer;
    uint32_t step; /* beacons sent since the device came up, as far as it matters */
    uint64_t sent_ns;
    int send_err; /* errno of the last attempt, 0: sent */

    /* Filled by the worker while !is_posted, emptied by the control thread while is_posted. */
    struct cjd_eth_heard heard[CJD_ETH_HEARD_MAX];
    uint32_t heard_count;
    atomic_bool is_posted;

    uint8_t known[CJD_ETH_KNOWN_MAX][CJD_ETH_MAC_BYTES];

    uint64_t rx_beacons;
    uint64_t rx_off;   /* received while the mode is off */
    uint64_t rx_flood; /* more than could be handed on */
    uint64_t tx_beacons;
    uint64_t tx_errors;
};

/* Once, before the rest; the structure must not move. */
void cjd_eth_beacons_init(struct cjd_eth_beacons *b, const struct cjd_eth_beacon_env *env);
/* The device can be used, by this socket; or its mode changed, or it has a carrier again. */
void cjd_eth_beacons_begin(struct cjd_eth_beacons *b, enum cjd_eth_beacon_mode mode);
void cjd_eth_beacons_end(struct cjd_eth_beacons *b);

/* [worker] A beacon came. */
void cjd_eth_beacons_note(struct cjd_eth_beacons *b, const struct cjd_linkaddr *from,
                          const uint8_t *body, size_t len);
/* [worker] Nothing more comes for now: what was noted is handed on. */
void cjd_eth_beacons_pass(struct cjd_eth_beacons *b);

#endif
