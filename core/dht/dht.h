/*
 * The router: a Kademlia-like table of nodes and links, searches, upkeep.
 * Source: router notes, whole.
 *
 * Messages go out through ops->send and come in through cjd_dht_message(); `node` puts the session
 * layer between them. What the router learns it reports through ops->path and ops->path_dead; the
 * session layer chooses among paths. Both are called from inside the calls below and from timers:
 * they may not call back into the router, except cjd_dht_best().
 *
 * Hearsay is never passed on or reported: only what answered a query of ours. A best path may be
 * put together from links that were proven by different answers; after a failure it is reported at
 * once and verified as a whole at the same time. One object, control thread. All tables are bounded
 * (cjd_dht_limits).
 */
#ifndef CJD_DHT_DHT_H
#define CJD_DHT_DHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/drop.h>
#include <base/log.h>
#include <base/rng.h>
#include <base/timer.h>
#include <cjd/err.h>
#include <cjd/types.h>
#include <switch/scheme.h>

struct cjd_dht;

/* Largest message the router sends, bytes (without the data header). */
#define CJD_DHT_MESSAGE_MAX 1024u

/* A node as far as one must know it to send to it. */
struct cjd_dht_contact {
    struct cjd_addr addr;
    struct cjd_key key;
    uint32_t version;
    uint64_t label; /* path from this node */
};

/* A path that has been proven by an answer. */
struct cjd_dht_path {
    struct cjd_dht_contact to;
    uint32_t cost_us; /* smoothed round trip and penalties, microseconds; smaller is better */
    bool is_peer;     /* one hop */
    bool is_best; /* the router's choice at this moment, hysteresis applied; else an alternative */
};

struct cjd_dht_ops {
    /* Sends a router message (a bencoded dictionary, borrowed) over exactly that label. */
    void (*send)(void *ctx, const struct cjd_dht_contact *to, const uint8_t *message, size_t len,
                 uint64_t now_ns);
    /* A verified path, new or improved or refreshed. */
    void (*path)(void *ctx, const struct cjd_dht_path *path, uint64_t now_ns);
    /* This path no longer works. */
    void (*path_dead)(void *ctx, const struct cjd_addr *addr, uint64_t label, uint64_t now_ns);
    /* A search asked for by cjd_dht_want() ended. Without result: never from inside that call. */
    void (*search_done)(void *ctx, const struct cjd_addr *addr, bool was_found, uint64_t now_ns);
    void *ctx;
};

struct cjd_dht_limits {
    uint32_t nodes;    /* default 512 */
    uint32_t links;    /* default 4096 */
    uint32_t searches; /* default 32 at once */
    uint32_t queries;  /* default 256 outstanding */
};

struct cjd_dht_config {
    struct cjd_key key;
    struct cjd_addr addr;
    uint32_t version; /* announced */
    const struct cjd_scheme *scheme;
    struct cjd_rng rng;
    struct cjd_log log;
    struct cjd_timers *timers; /* borrowed; the router arms its own timers there */
    struct cjd_drops *drops;   /* borrowed */
    /* Address of a key; false if it lies outside fc00::/8 (this room has no cryptography). */
    bool (*addr_of_key)(struct cjd_addr *out, const struct cjd_key *key);
    struct cjd_dht_ops ops;
    struct cjd_dht_limits limits; /* zero members take defaults */
};

CJD_MUST_CHECK int cjd_dht_new(struct cjd_dht **out, const struct cjd_dht_config *config,
                               uint64_t now_ns);
/* Cancels its timers. NULL is legal. */
void cjd_dht_free(struct cjd_dht *dht);

/* --- what the core tells the router --------------------------------------------------------- */

/* A neighbour is usable: version known, link established. May be repeated; rtt 0 = unknown. */
void cjd_dht_peer_up(struct cjd_dht *dht, const struct cjd_dht_contact *peer, uint64_t rtt_ns,
                     uint64_t now_ns);
/* What the link on that one-hop label shall cost in place of its latency, 0: as measured. Losses
 * cost what they cost. After cjd_dht_peer_up(). */
void cjd_dht_peer_cost(struct cjd_dht *dht, uint64_t label, uint32_t cost_us, uint64_t now_ns);
/* The link on this one-hop label is gone (silent, removed, carrier lost). */
void cjd_dht_peer_down(struct cjd_dht *dht, uint64_t label, uint64_t now_ns);

/* A router message from `from` (its version may be 0 = unknown; label leads back to it). */
void cjd_dht_message(struct cjd_dht *dht, const struct cjd_dht_contact *from,
                     const uint8_t *message, size_t len, uint64_t now_ns);

/* Somebody wants to reach addr: reports a known path at once (ops->path, before this returns),
 * otherwise, or if the known one is doubtful or old, searches. One search per target at a time. */
void cjd_dht_want(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns);

/* Sends a ping query over that path (to drive a handshake, to prove a path). False: not now, enough
 * was asked lately. */
bool cjd_dht_ping(struct cjd_dht *dht, const struct cjd_dht_contact *to, uint64_t now_ns);

/* Traffic over this path has gone unanswered for a second or more: verify it now. */
void cjd_dht_path_doubt(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label,
                        uint64_t now_ns);

/* An authenticated packet came from that node over a label the router may not know. */
void cjd_dht_path_hint(struct cjd_dht *dht, const struct cjd_dht_contact *from, uint64_t now_ns);

/* A switch error answered a packet sent over `label`; at_label: the label as it stood at the switch
 * that failed; code: enum cjd_switch_error. Not authenticated: only a reason to verify. */
void cjd_dht_switch_error(struct cjd_dht *dht, uint64_t label, uint64_t at_label, uint32_t code,
                          uint64_t now_ns);

/* --- an operator's questions ------------------------------------------------------------------ */

enum cjd_dht_ask_kind { CJD_DHT_ASK_PING, CJD_DHT_ASK_PEERS, CJD_DHT_ASK_FIND, CJD_DHT_ASK_NEXT };

#define CJD_DHT_ANSWER_NODES 8u

struct cjd_dht_answer {
    bool is_timeout; /* nothing else is set then */
    uint64_t rtt_ns;
    struct cjd_dht_contact from; /* version as it says itself */
    struct cjd_scheme scheme;
    uint32_t count;
    struct cjd_dht_contact nodes[CJD_DHT_ANSWER_NODES]; /* best first; labels seen from `from` */
};
/* Called once, from inside of the router: may not call back into it. */
typedef void (*cjd_dht_ask_fn)(void *ctx, const struct cjd_dht_answer *answer);

struct cjd_dht_ask {
    struct cjd_dht_contact to;
    enum cjd_dht_ask_kind kind;
    struct cjd_addr target; /* FIND, NEXT */
    uint64_t from_label;    /* PEERS: those from this label on; 0: the first */
    uint64_t timeout_ns;
    cjd_dht_ask_fn fn;
    void *ctx;
};
/* Sends a question over exactly that path. What the answer proves is learnt like any other. Returns
 * its number (> 0) or CJD_ERR_FULL, CJD_ERR_AGAIN (budget), CJD_ERR_INVALID (label leads nowhere,
 * or to this node). */
int cjd_dht_ask(struct cjd_dht *dht, const struct cjd_dht_ask *ask, uint64_t now_ns);
/* fn will not be called. A number that is over has no effect. */
void cjd_dht_ask_cancel(struct cjd_dht *dht, int number);

/* --- what others ask the router -------------------------------------------------------------- */

/* Best proven path to addr. False: none. */
bool cjd_dht_best(const struct cjd_dht *dht, const struct cjd_addr *addr, struct cjd_dht_path *out);

struct cjd_dht_stats {
    uint32_t nodes;
    uint32_t links;
    uint32_t searches_running;
    uint64_t searches_started;
    uint64_t searches_found;
    uint64_t queries_sent;
    uint64_t replies_received;
    uint64_t queries_answered;
    uint64_t timeouts;
};
void cjd_dht_stats(const struct cjd_dht *dht, struct cjd_dht_stats *out);

/* One row of the table, this node not among them: a node with its best path. Indexes 0 … until
 * false, in the order of the key space; an unreachable node has label 0. */
struct cjd_dht_node_info {
    struct cjd_dht_path path;
    bool is_reachable;
    uint64_t last_answer_ns; /* time of its last answer */
};
bool cjd_dht_node_at(const struct cjd_dht *dht, uint32_t index, struct cjd_dht_node_info *out);

struct cjd_dht_link_info {
    struct cjd_addr parent;
    struct cjd_addr child;
    uint64_t label; /* canonical, in the parent's scheme */
    int back_form;  /* the child's `ei` for the way back */
    uint32_t cost_us;
};
bool cjd_dht_link_at(const struct cjd_dht *dht, uint32_t index, struct cjd_dht_link_info *out);

/* Why a path is what it is: one hop of the best path to a node. */
struct cjd_dht_hop_info {
    struct cjd_addr addr; /* where the hop leads */
    uint64_t label;       /* the hop alone, in the scheme of the node before it */
    uint64_t path;        /* from this node up to here */
    uint32_t latency_us;  /* its share of the round trip, 0 = not measured */
    uint32_t loss_permille;
    uint32_t cost_us;   /* of the path up to here */
    uint64_t proven_ns; /* last answer that came over it */
    bool is_one_hop;    /* false: the hops between are not known yet */
};
/* First hop first. Returns how many there are (also if more than cap), 0: no path. */
uint32_t cjd_dht_route(const struct cjd_dht *dht, const struct cjd_addr *addr,
                       struct cjd_dht_hop_info *out, uint32_t cap);

/* The best path to addr that has as few links as possible in common with `label`. False: none. */
bool cjd_dht_alternative(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label,
                         struct cjd_dht_path *out);

struct cjd_dht_search_info {
    struct cjd_addr target;
    uint64_t started_ns;
    uint32_t requests;   /* sent so far */
    uint32_t candidates; /* nodes asked or to be asked */
    uint32_t ways;       /* paths to the target that were named */
};
bool cjd_dht_search_at(const struct cjd_dht *dht, uint32_t index, struct cjd_dht_search_info *out);

/* --- why ------------------------------------------------------------------------------------- */

#define CJD_DHT_WAYS_MAX 32u

enum cjd_dht_way_kind {
    CJD_DHT_WAY_BEST,  /* the path in use */
    CJD_DHT_WAY_LINK,  /* proven: over another link to the node */
    CJD_DHT_WAY_NAMED, /* hearsay that the running search has, or tries */
    CJD_DHT_WAY_HEARD, /* hearsay that would be tried first */
};

enum cjd_dht_outcome {
    CJD_DHT_UNTRIED,
    CJD_DHT_TRYING,
    CJD_DHT_ANSWERED,
    CJD_DHT_SILENT,
};

struct cjd_dht_way {
    enum cjd_dht_way_kind kind;
    uint64_t label;   /* 0: none that fits */
    uint32_t cost_us; /* 0: unknown */
    uint64_t at_ns;   /* proven: last answer over its last link; hearsay: when heard; 0: unknown */
    struct cjd_addr via; /* proven: the node before; hearsay: who said so */
    bool has_via;
    bool is_doubted; /* it is being verified */
    uint8_t tries;
    enum cjd_dht_outcome outcome;
};

struct cjd_dht_explanation {
    struct cjd_addr addr;
    bool is_self;
    bool is_known;
    bool is_reachable;
    bool is_wanted;
    bool is_searched; /* `search` is set */
    uint32_t hops;    /* links of the best path */
    uint64_t last_answer_ns;
    uint64_t failed_until_ns; /* a search failed; before that no other is made. 0: no */
    struct cjd_dht_search_info search;
    uint32_t way_count;
    struct cjd_dht_way ways[CJD_DHT_WAYS_MAX]; /* the best first, then proven, then hearsay */
};
/* How a node would be reached, and why so. Changes nothing. */
void cjd_dht_explain(const struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns,
                     struct cjd_dht_explanation *out);
/* The same as lines of text, with NUL. Returns the length, or CJD_ERR_TOO_LONG; 8 KiB are enough.
 */
int cjd_dht_explain_text(const struct cjd_dht_explanation *e, uint64_t now_ns, char *out,
                         size_t cap);

#endif
