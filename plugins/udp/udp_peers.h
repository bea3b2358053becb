/*
 * The configured peers of a UDP link. Each is one peer of the core, whatever number of addresses it
 * has; they are tried one after the other until one answers (ADR 9):
 *
 *     IDLE ──an address is found──► TRYING ──sign of life──► ALIVE
 *                                    │  ▲                      │
 *              next address after a window  └──unresponsive────┘
 *
 * The window is 250 ms in the first round and twice as long in each further one, up to 8 s: a peer
 * with a dead address in front is there a quarter of a second later, and one behind a slow line is
 * waited for in the second or third round. An address the system refuses to send to costs no
 * window. Where the addresses come from, and that names are asked for again, is udp_place's
 * business.
 *
 * Timers: one per peer (`timer`): TRYING: the window is over; WAITING: tell the core again, which
 * had no room. All [control].
 */
#ifndef UDP_PEERS_H
#define UDP_PEERS_H

#include <stddef.h>
#include <stdint.h>

#include "udp_addr.h"
#include "udp_config.h"
#include "udp_env.h"

#define CJD_UDP_WINDOW_MIN_NS 250000000ull
#define CJD_UDP_WINDOW_MAX_NS 8000000000ull
#define CJD_UDP_WAIT_MIN_NS   1000000000ull /* until the core is told again */
#define CJD_UDP_WAIT_MAX_NS   60000000000ull
#define CJD_UDP_REPORT_NS     10000000000ull /* between two complaints about one peer */
#define CJD_UDP_TELL_NS       1000000000ull  /* and between two to the core */
/* Addresses of one peer that are tried; what is more is left out. */
#define CJD_UDP_CANDIDATES_MAX 32u

struct cjd_udp_peer;

struct cjd_udp_peers {
    const struct cjd_udp_env *env;
    struct cjd_udp_peer **v;
    size_t count;
};

/* An empty list. */
void cjd_udp_peers_init(struct cjd_udp_peers *peers, const struct cjd_udp_env *env);
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
/* The machine's network changed: whatever was given up for a while is tried at once. */
void cjd_udp_peers_news(struct cjd_udp_peers *peers);

#endif
