/*
 * What the router knows: nodes, directed links between them, the best path to each node.
 * Source: router notes §7; switch notes §10. Private to the router.
 *
 * Everything in here was proven by an answer to a query of ours (or, for the link to a direct peer,
 * by the link layer). Links carry canonical labels, so what is known does not depend on the way it
 * was learned. A link may lead over several hops until those are discovered; it is split then.
 *
 * Best paths form a tree that is repaired where it changes (store_path.c). Who is told about the
 * changes is the caller's affair: it empties the list of changes after each event.
 *
 * Pointers to nodes and links live until the next call that may remove: discover, trim, peer_add,
 * link_remove, node_remove.
 */
#ifndef CJD_DHT_STORE_H
#define CJD_DHT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/map.h>
#include <base/rng.h>
#include <base/timer.h>
#include <cjd/err.h>
#include <cjd/types.h>
#include <dht/dht.h>
#include <dht/id.h>
#include <dht/list.h>
#include <switch/scheme.h>

struct cjd_store;
struct cjd_store_node;

#define CJD_UNREACHABLE     UINT32_MAX
#define CJD_NO_BACK_FORM    (-1) /* at the origin of a path nothing needs widening */
#define CJD_STORE_WALK_MAX  60u  /* links of a path: a label has no more bits */
#define CJD_STORE_BUCKET    8u   /* nodes of one distance that are kept in preference to others */
#define CJD_STORE_SMALL     64u  /* nodes of a network in which everything is looked at */
#define CJD_STORE_RETRY     (300 * CJD_MS) /* a link that is down is tried again; doubled each time */
#define CJD_STORE_RETRY_LOG 6u
#define CJD_STORE_TOLD      4u     /* paths to one node that others may be using */
#define CJD_LOSS_ONE        65536u /* loss is a share of this */

/* parent → child. Knowing it says nothing about the way back. */
struct cjd_store_link {
    struct cjd_map_node by_label;
    struct cjd_list out;  /* of the parent */
    struct cjd_list in;   /* of the child */
    struct cjd_list age;  /* all links, the one longest without a probe first */
    struct cjd_list down; /* links that stopped answering */
    struct cjd_store_node *parent;
    struct cjd_store_node *child;
    struct cjd_store_link *pending_next; /* used while best paths are repaired */
    uint64_t label;                      /* canonical, in the parent's scheme */
    uint64_t proven_ns;                  /* last answer that came over it */
    uint64_t probed_ns;
    uint64_t retry_ns; /* while down: next probe */
    uint64_t down_ns;
    uint64_t up_ns; /* since when it is not down */
    uint32_t index;
    uint32_t latency_us; /* share of the round trip, smoothed; 0: not measured yet */
    uint32_t fixed_us;   /* what the operator says it costs in place of that; 0: nothing */
    uint32_t loss;       /* smoothed, of CJD_LOSS_ONE */
    uint32_t cost_us;    /* of both, as used for paths; follows them in steps */
    int back_form;       /* form in which the child writes the way back to the parent */
    uint8_t misses;      /* probes without answer, of a link that no best path uses */
    uint8_t flaps;       /* times it went down soon after it had come up */
    bool is_one_hop;
    bool is_down;
    bool is_pending;
    bool is_avoided;
    bool is_retired; /* removed for want of room or use, not because it broke */
};

/* What upkeep.c remembers about a node. */
struct cjd_upkeep_node {
    struct cjd_timer timer; /* next question about its peers */
    uint8_t step;           /* of the schedule after a change */
    uint8_t misses;         /* unanswered in a row */
    uint8_t windows;        /* of a peer list that is being read */
};

struct cjd_store_node {
    struct cjd_map_node by_addr;
    struct cjd_list age;     /* all but self, the one longest not asked first */
    struct cjd_list changed; /* its best path is not what was reported */
    struct cjd_list lost;    /* unreachable, the longest first */
    struct cjd_list out;     /* links that begin here */
    struct cjd_list in;      /* links that end here */
    struct cjd_addr addr;
    struct cjd_id id;
    struct cjd_key key;
    uint32_t version;
    uint32_t serial;                 /* names the node in the map of links */
    const struct cjd_scheme *scheme; /* NULL: a peer that has not spoken yet */
    struct cjd_scheme *own_scheme;   /* where `scheme` is if it is none of the usual; else NULL */
    void *owner;                     /* for upkeep's timer */
    struct cjd_store_node *teacher;  /* who told us of it; NULL: nobody, or forgotten */
    uint64_t way_back;               /* its canonical label for us, as it says; 0: unknown */
    uint32_t out_count;
    uint32_t in_count;
    uint32_t multi_count; /* outgoing links of more than one hop */
    uint32_t taught;      /* nodes it told us of */
    uint32_t told_good;   /* hearsay from it that proved right, halved now and then */
    uint32_t told_bad;    /* … that nobody answered */

    /* Best path; cost CJD_UNREACHABLE: none. */
    struct cjd_store_link *best;
    uint64_t path;
    uint32_t cost_us;
    uint32_t tree_children;        /* nodes whose best path leads through this one, next to it */
    uint64_t told_path;            /* best path as last reported, 0: none */
    uint64_t told[CJD_STORE_TOLD]; /* all that were reported and not called dead, latest first */
    bool is_told_broken;           /* that path uses a link that went down */

    /* Used while best paths are repaired, and by the search for alternatives. */
    struct cjd_store_link *candidate;
    struct cjd_store_link *before;
    uint64_t other_path;
    uint64_t key_cost;
    uint32_t heap_at; /* position + 1; 0: not in the heap */
    uint32_t other_cost;
    bool is_open;

    uint64_t added_ns;
    uint64_t lost_ns;
    uint64_t asked_ns;
    uint64_t last_answer_ns;
    uint64_t path_ok_ns; /* last answer over the present best path, 0: none yet */
    uint64_t fn_silent_ns;
    uint64_t wanted_ns;  /* last time somebody wanted to reach it, 0: never */
    uint64_t refined_ns; /* last time a better path was sought, 0: never */
    uint32_t srtt_us;    /* of the present best path, 0: unknown */
    uint32_t rttvar_us;
    uint8_t fn_silent; /* fn queries in a row that a living node did not answer */
    uint8_t refine_step;
    uint8_t peer_links; /* direct links to it */
    bool do_not_tell;
    struct cjd_upkeep_node upkeep;
};

#define CJD_STORE_OUT(entry) CJD_CONTAINER_OF(entry, struct cjd_store_link, out)
#define CJD_STORE_IN(entry)  CJD_CONTAINER_OF(entry, struct cjd_store_link, in)

struct cjd_store_config {
    struct cjd_key key;
    struct cjd_addr addr;
    uint32_t version;
    const struct cjd_scheme *scheme; /* borrowed */
    struct cjd_rng rng;
    uint32_t nodes; /* limits; direct peers are not counted */
    uint32_t links;
    /* A node is about to be removed; it may be NULL. */
    void (*removing)(void *ctx, struct cjd_store_node *node);
    void *ctx;
};

CJD_MUST_CHECK int cjd_store_new(struct cjd_store **out, const struct cjd_store_config *config,
                                 uint64_t now_ns);
void cjd_store_free(struct cjd_store *s);

/* --- tables ---------------------------------------------------------------------------------- */

struct cjd_store_node *cjd_store_self(const struct cjd_store *s);
/* NULL: not known, or this node itself. */
struct cjd_store_node *cjd_store_find(const struct cjd_store *s, const struct cjd_addr *addr);
/* All but self, in the order of rotated addresses. */
uint32_t cjd_store_node_count(const struct cjd_store *s);
struct cjd_store_node *cjd_store_node_at(const struct cjd_store *s, uint32_t index);
uint32_t cjd_store_link_count(const struct cjd_store *s);
struct cjd_store_link *cjd_store_link_at(const struct cjd_store *s, uint32_t index);
/* By its canonical label. */
struct cjd_store_link *cjd_store_link_find(const struct cjd_store *s,
                                           const struct cjd_store_node *parent, uint64_t label);
/* Grows with every link that goes down or is removed. */
uint64_t cjd_store_breaks(const struct cjd_store *s);
/* Grows with every node that is added: "is there anybody new to ask?" */
uint64_t cjd_store_nodes_ever(const struct cjd_store *s);
/* Nodes in the distance bucket in which an address would fall. */
uint32_t cjd_store_bucket_count(const struct cjd_store *s, struct cjd_id id);
bool cjd_store_is_full(const struct cjd_store *s);
bool cjd_store_is_reachable(const struct cjd_store_node *node);

/* The node asked longest ago, the link probed longest ago; NULL: none. */
struct cjd_store_node *cjd_store_oldest_node(const struct cjd_store *s);
struct cjd_store_link *cjd_store_oldest_link(const struct cjd_store *s);
void cjd_store_node_asked(struct cjd_store *s, struct cjd_store_node *node, uint64_t now_ns);
void cjd_store_link_probed(struct cjd_store *s, struct cjd_store_link *link, uint64_t now_ns);
/* Heads of lists: links that are down; nodes that are unreachable. */
struct cjd_list *cjd_store_down(struct cjd_store *s);
/* Sets the time of the next try. */
void cjd_store_link_retried(struct cjd_store_link *link, uint64_t now_ns);
struct cjd_list *cjd_store_lost(struct cjd_store *s);

/*
 * Visits reachable nodes from the nearest to the farthest, exactly, until visit() returns false.
 * Cost: logarithmic per visited node.
 */
void cjd_store_nearest(const struct cjd_store *s, struct cjd_id target,
                       bool (*visit)(void *ctx, struct cjd_store_node *node), void *ctx);

/* --- paths ----------------------------------------------------------------------------------- */

/* The known part of a path. */
struct cjd_store_walk {
    struct cjd_store_node *at; /* last known node */
    uint64_t rest;             /* canonical label from there on; 1: the path ends there */
    uint32_t count;
    struct cjd_store_link *links[CJD_STORE_WALK_MAX];
};

/* False: the path cannot be (no such director, or one too narrow for the way back). */
bool cjd_store_walk(const struct cjd_store *s, uint64_t path, struct cjd_store_walk *out);

/*
 * What others call a path is often a detour from here: the same end by way of our own best path to
 * the last node of it that is known, without passing ourselves. Nothing better: `path` itself.
 */
uint64_t cjd_store_shorten(const struct cjd_store *s, uint64_t path);
/* The same for what a node calls a label, which may be too long behind the path to that node.
 * CJD_LABEL_INVALID: no way that fits. */
uint64_t cjd_store_shorten_from(const struct cjd_store *s, struct cjd_store_node *from,
                                uint64_t label);
/* The first director of a label, canonical, as a label of one hop; or CJD_LABEL_INVALID. */
uint64_t cjd_store_first_hop(const struct cjd_scheme *scheme, uint64_t label);

/* Label of a link's child by way of the parent's best path; CJD_LABEL_INVALID: none. */
uint64_t cjd_store_path_over(const struct cjd_store_link *link);
/* The same for any label that begins at a node. */
uint64_t cjd_store_path_beyond(const struct cjd_store_node *node, uint64_t label);
/* Cost of a path whose links are known. */
uint32_t cjd_store_walk_cost(const struct cjd_store_walk *walk, uint64_t path);
/* Round trip as measured, microseconds. */
uint64_t cjd_store_walk_latency(const struct cjd_store_walk *walk);
/* Share of queries over these links that get an answer, of CJD_LOSS_ONE. */
uint32_t cjd_store_walk_success(const struct cjd_store_walk *walk);

struct cjd_store_route {
    uint64_t path;
    uint32_t cost_us;
    struct cjd_store_link *last;
};
/* The best path to a node that shares as few links as possible with `avoid`. False: no other. */
bool cjd_store_alternative(struct cjd_store *s, struct cjd_store_node *node,
                           const struct cjd_store_walk *avoid, struct cjd_store_route *out);

/* Takes one node whose best path differs from what was reported; NULL: no more. */
struct cjd_store_node *cjd_store_next_change(struct cjd_store *s);

/* --- learning -------------------------------------------------------------------------------- */

/* A node answered a query that was sent over this path. */
struct cjd_store_proof {
    struct cjd_dht_contact who; /* version: its own `p` */
    const struct cjd_scheme *scheme;
    int form; /* its `ei` */
    bool do_not_tell;
    uint32_t rtt_us;
    const struct cjd_addr *teacher; /* who told us of it; NULL: nobody */
};

enum cjd_store_news {
    CJD_STORE_REFUSED, /* the path does not fit what is known, or tables are full */
    CJD_STORE_OLD,     /* path known, refreshed */
    CJD_STORE_NEW_LINK,
    CJD_STORE_NEW_NODE,
};

/* §7.3. `node` may be set although the path was refused. */
enum cjd_store_news cjd_store_discover(struct cjd_store *s, const struct cjd_store_proof *proof,
                                       uint64_t now_ns, struct cjd_store_node **node);

/* A query sent over this path at that time got no answer: blame is shared among its links. */
void cjd_store_unanswered(struct cjd_store *s, uint64_t path, uint64_t sent_ns, uint64_t now_ns);

/* The link layer has a usable peer. False: no room. is_new: the link was not there or was down. */
bool cjd_store_peer_add(struct cjd_store *s, const struct cjd_dht_contact *peer, uint32_t rtt_us,
                        uint64_t now_ns, bool *is_new);
/* What a direct peer's link shall cost; 0: as measured. */
void cjd_store_peer_cost(struct cjd_store *s, uint64_t label, uint32_t cost_us, uint64_t now_ns);
/* A direct peer spoke over its own link: scheme and form are as good as answered. */
void cjd_store_peer_spoke(struct cjd_store *s, struct cjd_store_link *link,
                          const struct cjd_scheme *scheme, int form, uint64_t now_ns);

void cjd_store_link_set_down(struct cjd_store *s, struct cjd_store_link *link, uint64_t now_ns);
void cjd_store_link_remove(struct cjd_store *s, struct cjd_store_link *link, uint64_t now_ns);
/* The same for a link that works but is no longer kept: paths over it are not called broken. */
void cjd_store_link_retire(struct cjd_store *s, struct cjd_store_link *link, uint64_t now_ns);
void cjd_store_node_remove(struct cjd_store *s, struct cjd_store_node *node, uint64_t now_ns);
/* A label from `node` on leads back to us, it says: links through it are loops. */
void cjd_store_way_back(struct cjd_store *s, struct cjd_store_node *node, uint64_t label,
                        uint64_t now_ns);
/* Evicts until the limits are kept. */
void cjd_store_trim(struct cjd_store *s, uint64_t now_ns);

#endif
