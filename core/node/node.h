/*
 * A node: link, switch, session and dht wired together. The daemon and the tests drive it alike.
 *
 * Pure: bytes and `now` in, vectors of packets out through `ops`. The driver calls
 * cjd_node_run() when cjd_node_next() says so, and cjd_node_flush() at the end of each turn.
 * Everything hangs on struct cjd_node; one thread. Callbacks in ops may not call back into the
 * node, except where said.
 */
#ifndef CJD_NODE_NODE_H
#define CJD_NODE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/drop.h>
#include <base/log.h>
#include <base/pool.h>
#include <base/rng.h>
#include <base/timer.h>
#include <cjd/err.h>
#include <cjd/packet.h>
#include <crypto/auth.h>
#include <crypto/keys.h>
#include <dht/dht.h>
#include <link/link.h>
#include <session/session.h>

struct cjd_node;

/* Content from another node, for whoever registered the type. */
struct cjd_node_source {
    struct cjd_addr addr;
    struct cjd_key key;
    uint64_t label;
    uint32_t type;
};

struct cjd_node_ops {
    /* Sends packets by a link; consumes them, empties vec. flags: CJD_TX_MORE as in the SDK. */
    void (*link_tx)(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags);
    /* IPv6 packets for this machine; consumes them. NULL: no frontend, they are counted. */
    void (*deliver)(void *ctx, struct cjd_vec *vec);
    /* Content of a type that cjd_node_type_set() switched on; consumes the packet. */
    void (*content)(void *ctx, const struct cjd_node_source *from, struct cjd_pkt *pkt);
    /* A peer changed its state or reason, or is gone. */
    void (*peer_event)(void *ctx, const struct cjd_peer_info *peer, bool was_removed);
    /* For the log: an address of a link in words; its length, or an error. May be NULL. */
    int (*addr_text)(void *ctx, uint32_t link, const struct cjd_linkaddr *addr, char *out,
                     size_t cap);
    void *ctx;
};

struct cjd_node_config {
    struct cjd_keypair self; /* copied */
    struct cjd_rng rng;
    struct cjd_log log;    /* sink borrowed */
    struct cjd_pool *pool; /* borrowed */
    struct cjd_node_ops ops;
    uint32_t version; /* announced; 0 = CJD_PROTOCOL */
};

CJD_MUST_CHECK int cjd_node_new(struct cjd_node **out, const struct cjd_node_config *config,
                                uint64_t now_ns);
/* NULL is legal. */
void cjd_node_free(struct cjd_node *node);

/* Time of the next timer, CJD_NEVER if none; and running what is due. */
uint64_t cjd_node_next(const struct cjd_node *node);
void cjd_node_run(struct cjd_node *node, uint64_t now_ns);
/* Hands what waits to the links. Called by the driver once per turn, before it sleeps. */
void cjd_node_flush(struct cjd_node *node);

/* --- packets ---------------------------------------------------------------------------------- */

/* Packets received on a link, addr set in each; consumes them and empties vec. */
void cjd_node_rx(struct cjd_node *node, uint32_t link, uint32_t queue, struct cjd_vec *vec,
                 uint64_t now_ns);
/* IPv6 packets from this machine; consumes them and empties vec. */
void cjd_node_inject(struct cjd_node *node, struct cjd_vec *vec, uint64_t now_ns);
/* Content of any type ≥ 257 to a node; consumes them. no_wait: drop what has no route now. */
CJD_MUST_CHECK int cjd_node_send(struct cjd_node *node, const struct cjd_addr *to, uint32_t type,
                                 struct cjd_vec *vec, bool no_wait, uint64_t now_ns);
/* Whether ops->content is called for a type. 257 … 0xffff. */
CJD_MUST_CHECK int cjd_node_type_set(struct cjd_node *node, uint32_t type, bool is_on);

/* --- pings of the switch -----------------------------------------------------------------------
 */

#define CJD_NODE_PING_DATA 256u

enum cjd_node_ping_end {
    CJD_NODE_PONG,
    CJD_NODE_PING_TIMEOUT,
    CJD_NODE_PING_LABEL, /* answered over another label: `label` */
    CJD_NODE_PING_DATA_DIFFERS,
    CJD_NODE_PING_ERROR, /* a switch on the way cannot go on: `error`, enum cjd_switch_error */
};

struct cjd_node_pong {
    enum cjd_node_ping_end end;
    uint64_t rtt_ns;
    uint64_t label;
    uint32_t version;
    uint32_t error;
    bool has_key;
    struct cjd_key key;
    uint32_t data_len;
    uint8_t data[CJD_NODE_PING_DATA];
};
/* Called once, from inside the node: may not call back into it. */
typedef void (*cjd_node_ping_fn)(void *ctx, const struct cjd_node_pong *pong);

struct cjd_node_ping {
    uint64_t label;
    bool wants_key; /* KEYPING: who is there? */
    uint32_t data_len;
    uint8_t data[CJD_NODE_PING_DATA];
    uint64_t timeout_ns;
    cjd_node_ping_fn fn;
    void *ctx;
};
/* Pings whoever is at the end of a label, unencrypted. Returns its number (> 0) or CJD_ERR_FULL,
 * CJD_ERR_INVALID, CJD_ERR_NO_MEMORY. */
int cjd_node_ping(struct cjd_node *node, const struct cjd_node_ping *ping, uint64_t now_ns);
/* fn will not be called. A number that is over has no effect. */
void cjd_node_ping_cancel(struct cjd_node *node, int number);

/* --- links and peers -------------------------------------------------------------------------- */

/* mtu: largest CryptoAuth packet; queues ≥ 1. Returns the link's number or an error. */
int cjd_node_link_add(struct cjd_node *node, const char *name, uint32_t mtu, uint32_t queues);
void cjd_node_link_del(struct cjd_node *node, uint32_t link, uint64_t now_ns);

/* The link's medium went away, or is back. */
void cjd_node_link_set_carrier(struct cjd_node *node, uint32_t link, bool has_carrier,
                               uint64_t now_ns);
/* The machine's addresses, routes or devices changed, or it slept (while `now` may have stood
 * still, or timers were late): neighbours and paths are looked at soon. Any number of calls is
 * well; after a sleep before the next cjd_node_run(). */
void cjd_node_wake(struct cjd_node *node, bool was_asleep, uint64_t now_ns);

/* See link/link.h for the structures. Returns the peer's number or an error. */
int cjd_node_peer_add(struct cjd_node *node, const struct cjd_link_peer_spec *spec,
                      uint64_t now_ns);
CJD_MUST_CHECK int cjd_node_peer_del(struct cjd_node *node, uint32_t peer, uint64_t now_ns);
CJD_MUST_CHECK int cjd_node_peer_set_addr(struct cjd_node *node, uint32_t peer,
                                          const struct cjd_linkaddr *addr, uint64_t now_ns);
void cjd_node_peer_set_reason(struct cjd_node *node, uint32_t peer, int reason, uint64_t now_ns);

/*
 * Beacons. What this node says of itself: its version and a password of this run, which is made,
 * and accepted under the login "Local Peers", from the first call on (link notes §4.4).
 * CJD_ERR_EXISTS: the operator gave that login to somebody else.
 */
#define CJD_BEACON_LOGIN         "Local Peers"
#define CJD_NODE_BEACON_PASSWORD 20u
CJD_MUST_CHECK int cjd_node_beacon(struct cjd_node *node, uint32_t *version,
                                   uint8_t password[CJD_NODE_BEACON_PASSWORD]);
/* A neighbour's beacon was heard: see cjd_links_heard(). */
int cjd_node_heard(struct cjd_node *node, const struct cjd_link_peer_spec *spec, uint64_t now_ns);

/* --- views ------------------------------------------------------------------------------------ */

const struct cjd_keypair *cjd_node_self(const struct cjd_node *node);
struct cjd_users *cjd_node_users(struct cjd_node *node);
const struct cjd_drops *cjd_node_drops(const struct cjd_node *node);
struct cjd_links *cjd_node_links(struct cjd_node *node);
struct cjd_sessions *cjd_node_sessions(struct cjd_node *node);
struct cjd_dht *cjd_node_dht(struct cjd_node *node);
/* The node's own timer queue; the host may put its plugins' timers there. */
struct cjd_timers *cjd_node_timers(struct cjd_node *node);

#endif
