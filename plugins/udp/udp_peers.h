/*
 * The configured peers of a UDP link: their addresses, found and found again.
 *
 * A peer with a numeric address is told to the core once. One with a host name, or with a device
 * behind '%', is told without an address, and given one when it is found:
 *
 *     WAITING ──timer──► ASKING ──answer──► TRYING ──sign of life──► ALIVE
 *        ▲                 │                │    ▲                     │
 *        └── no answer ────┘   no life: next address of the answer     │
 *        └───── no address left ────────────┘                          │
 *        └──────────────── unresponsive: ask again ◄───────────────────┘
 *
 * Waits grow from 1 s to 60 s, each shortened by up to a quarter so that many nodes do not ask in
 * step; a sign of life resets them. An address is kept for at least 5 s, and for 20 s while nothing
 * is heard of it. While a name is asked for again the old address stays in use.
 *
 * Timers: one per peer (`timer`): WAITING: ask, TRYING: give the address up. All [control].
 */
#ifndef UDP_PEERS_H
#define UDP_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/link.h>
#include <cjd/logger.h>

#include "udp_addr.h"
#include "udp_config.h"

#define CJD_UDP_WAIT_MIN_NS 1000000000ull
#define CJD_UDP_WAIT_MAX_NS 60000000000ull
#define CJD_UDP_TRY_NS      20000000000ull /* an address that gives no sign of life */
#define CJD_UDP_KEEP_NS     5000000000ull  /* shortest stay with an address */
#define CJD_UDP_ASK_AGAIN_NS                                                                       \
    10000000000ull                       /* shortest time between two questions of a lost peer     \
                                          */
#define CJD_UDP_REPORT_NS 10000000000ull /* between two complaints about one peer */

/* What the peers work with. The pointers are borrowed. */
struct cjd_udp_peers_env {
    const struct cjd_host *host;
    const struct cjd_peer_service *peer;
    const struct cjd_resolve_service *resolve;
    const struct cjd_loop_service *loop;
    const struct cjd_time_service *time;
    const struct cjd_random_service *random;
    const struct cjd_logger *log;
    uint32_t link;
    int family;
};

struct cjd_udp_peer;

struct cjd_udp_peers {
    struct cjd_udp_peers_env env;
    struct cjd_udp_peer **v;
    size_t count;
};

/* An empty list. */
void cjd_udp_peers_init(struct cjd_udp_peers *peers, const struct cjd_udp_peers_env *env);
/* Forgets all, without a word to the core: its link is down already. */
void cjd_udp_peers_fini(struct cjd_udp_peers *peers);

/*
 * Brings the list into the state of a configuration: peers that are not in it any more are removed,
 * new ones added, unchanged ones left alone. A peer that the core refuses is logged and left out.
 * `config` is borrowed until the next apply. CJD_ERR_NO_MEMORY: nothing changed.
 */
CJD_MUST_CHECK int cjd_udp_peers_apply(struct cjd_udp_peers *peers,
                                       const struct cjd_udp_config *config);

/* An event of the core about one of the link's peers. */
void cjd_udp_peers_event(struct cjd_udp_peers *peers, const struct cjd_peer_event *event);
/* The system refuses to send to an address. */
void cjd_udp_peers_unsendable(struct cjd_udp_peers *peers, const struct cjd_linkaddr *addr,
                              int errno_value);

#endif
