/*
 * The simulator: any number of nodes (core/node, the daemon's very code) in one process, modelled
 * links between them, a virtual clock. A run is repeated bit for bit by its seed.
 *
 *     struct sim *sim = sim_new(7);
 *     uint32_t a = sim_add_node(sim), b = sim_add_node(sim);
 *     sim_add_link(sim, a, b, &(struct sim_link_model){.delay_ns = 20 * CJD_MS});
 *     sim_start(sim, a);
 *     sim_start(sim, b);
 *     sim_run_until(sim, sim_now(sim) + 2 * CJD_S);
 *
 * What a node does with its clock, packets, randomness is all here; graphs of many nodes come from
 * graph.h, whole experiments from scenario.h. One thread per simulator. Whoever links this library
 * gets the linker's --wrap for the few functions that hooks.c stands in front of.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include <base/time.h>
#include <node/node.h>
#include <sim/random.h>

struct sim;

/* The clock starts here: 0 is "never" to some rooms. */
#define SIM_EPOCH (1000 * CJD_S)

/* What packets are about, as seen where they leave a node in clear. */
#define SIM_KIND_LIST(X)                                                                           \
    X(LINK, "link", "handshakes and keep-alive of neighbours")                                     \
    X(CONTROL, "control", "other control frames")                                                  \
    X(HANDSHAKE, "handshake", "handshakes of sessions, whatever they carry")                       \
    X(PN, "pn", "router: pings")                                                                   \
    X(GP, "gp", "router: questions for peers")                                                     \
    X(FN, "fn", "router: searches")                                                                \
    X(REPLY, "reply", "router: answers")                                                           \
    X(USER, "user", "user content")

enum sim_kind {
#define SIM_KIND_ENUM(name, text, what) SIM_KIND_##name,
    SIM_KIND_LIST(SIM_KIND_ENUM)
#undef SIM_KIND_ENUM
        SIM_KIND_COUNT
};
const char *sim_kind_text(enum sim_kind kind);

struct sim_link_model {
    uint64_t delay_ns;  /* one way */
    uint64_t jitter_ns; /* up to this much is added, evenly: packets overtake each other */
    uint32_t loss_ppm;
    uint64_t rate_bps; /* each direction; 0: no limit */
    uint64_t queue_ns; /* what would wait longer for its turn is dropped; 0: 200 ms */
};

enum sim_evil {
    SIM_HONEST,
    SIM_FALSE_PATHS,      /* its answers name real nodes, the one asked for first, behind labels
                             that lead elsewhere */
    SIM_FALSE_NEIGHBOURS, /* its answers name neighbours it does not have: real ones and some that
                             do not exist */
    SIM_LIE,              /* both, by turns */
    SIM_SILENT,           /* answers no question of a router; forwards */
    SIM_DROP,             /* forwards nothing; answers */
    SIM_FLOOD,            /* asks without end */
    SIM_ECLIPSE,          /* answers searches with others of its kind only; with a victim: what the
                             victim asks, and searches for the victim, which it names falsely */
    SIM_EVIL_COUNT
};
#define SIM_NOBODY UINT32_MAX

struct sim *sim_new(uint64_t seed);
/* NULL is legal. */
void sim_free(struct sim *sim);

uint64_t sim_now(const struct sim *sim);
struct sim_random *sim_random(struct sim *sim);

/* --- building --------------------------------------------------------------------------------- */

/* A node with a new identity, not running. Returns its number: 0, 1, … */
uint32_t sim_add_node(struct sim *sim);
/* a calls b; both hold valid credentials. Returns the link's number. */
uint32_t sim_add_link(struct sim *sim, uint32_t a, uint32_t b, const struct sim_link_model *model);
uint32_t sim_node_count(const struct sim *sim);
uint32_t sim_link_count(const struct sim *sim);

void sim_set_evil(struct sim *sim, uint32_t node, enum sim_evil evil);
enum sim_evil sim_evil_of(const struct sim *sim, uint32_t node);
/* Whom an eclipsing node is after; SIM_NOBODY, the default: everybody. */
void sim_set_victim(struct sim *sim, uint32_t node, uint32_t victim);
/* Others cannot count on it as a way station: it forwards nothing, or nobody learns from it how to
 * go on. */
bool sim_is_dead_end(const struct sim *sim, uint32_t node);
/* Searches a second that a flooding node sends; 200 if never set. */
void sim_set_flood_rate(struct sim *sim, uint32_t per_second);

/* Starts a node, again with the same identity if it ran before; stops it without goodbye. */
void sim_start(struct sim *sim, uint32_t node);
void sim_stop(struct sim *sim, uint32_t node);
bool sim_is_up(const struct sim *sim, uint32_t node);

void sim_cut(struct sim *sim, uint32_t link, bool is_cut);
/* All links between nodes below the number and the others. */
void sim_partition(struct sim *sim, uint32_t below, bool is_cut);

/* --- running ---------------------------------------------------------------------------------- */

void sim_run_until(struct sim *sim, uint64_t at_ns);
/* Calls fn(arg, number) when the clock gets there; not from inside a node. */
void sim_at(struct sim *sim, uint64_t at_ns, void (*fn)(void *arg, uint32_t number), void *arg,
            uint32_t number);

/* --- the machine behind a node ---------------------------------------------------------------- */

/* IPv6 packets for the machine; consumes them (sim_pool()). Called from inside the node: answer
 * by sim_inject(), which waits for its end. */
typedef void (*sim_machine_fn)(void *ctx, uint32_t node, struct cjd_vec *vec);
/* NULL: the built-in one, which answers echo requests. */
void sim_set_machine(struct sim *sim, uint32_t node, sim_machine_fn fn, void *ctx);
struct cjd_pool *sim_pool(struct sim *sim);
/* An IPv6 packet from the machine, at this moment; consumes it. */
void sim_inject(struct sim *sim, uint32_t node, struct cjd_pkt *pkt);

/* An answered echo request, as its sender sees it. */
struct sim_echo {
    uint32_t node; /* who sent the request */
    uint32_t id;
    uint32_t sequence;
    uint64_t delay_ns; /* of the links the request came over, without jitter and queues */
    uint32_t hops;
};
typedef void (*sim_echo_fn)(void *ctx, const struct sim_echo *echo);
void sim_set_echo(struct sim *sim, sim_echo_fn fn, void *ctx);
/* One echo request of 72 bytes. */
void sim_ping(struct sim *sim, uint32_t from, uint32_t to, uint32_t id, uint32_t sequence);

/* --- layers above ----------------------------------------------------------------------------- */

/*
 * Content of types beyond IPv6 and the router's own, as plugins exchange it. The handler is called
 * when the node has returned, so it may send; it owns the packet (sim_pool()), whose data is the
 * content. It stays registered when the node stops and starts again.
 */
typedef void (*sim_content_fn)(void *ctx, uint32_t node, const struct cjd_node_source *from,
                               struct cjd_pkt *pkt);
/* Types first … last, 257 or more; fn NULL gives exactly these back. CJD_ERR_EXISTS: one of them
 * has a handler; CJD_ERR_INVALID. */
CJD_MUST_CHECK int sim_set_content(struct sim *sim, uint32_t node, uint32_t first, uint32_t last,
                                   sim_content_fn fn, void *ctx);
/* At most 3 KiB; waits (bounded) for a route. CJD_ERR_STATE: the node is not running, or the call
 * comes from inside a node; CJD_ERR_INVALID. */
CJD_MUST_CHECK int sim_send(struct sim *sim, uint32_t from, const struct cjd_addr *to,
                            uint32_t type, const void *bytes, uint32_t len);

/* Tells when a node has started (is_up) and when it is about to stop. Borrowed until sim_free(). */
struct sim_life {
    struct sim_life *next; /* the simulator's */
    void (*fn)(void *ctx, uint32_t node, bool is_up);
    void *ctx;
};
void sim_add_life(struct sim *sim, uint32_t node, struct sim_life *life);

/* --- looking in ------------------------------------------------------------------------------- */

/* NULL: not running. For views only; what acts goes through sim_call(). */
struct cjd_node *sim_node(struct sim *sim, uint32_t node);
const struct cjd_keypair *sim_keys(const struct sim *sim, uint32_t node);
/* Runs fn inside the node, then sends what it left to be sent. No effect if it is not running. */
void sim_call(struct sim *sim, uint32_t node,
              void (*fn)(struct cjd_node *node, uint64_t now_ns, void *arg), void *arg);

struct sim_link_info {
    uint32_t end[2]; /* who calls, who is called */
    struct sim_link_model model;
    bool is_cut;
    uint64_t sent;     /* packets, both directions */
    uint64_t lost;     /* … by chance or cut */
    uint64_t overflow; /* … because the queue was full */
};
void sim_link_at(const struct sim *sim, uint32_t link, struct sim_link_info *out);

/* Bytes that left the node (payloads of its link), its own and those it forwarded. */
struct sim_sent {
    uint64_t own[SIM_KIND_COUNT];
    uint64_t transit[SIM_KIND_COUNT];
};
void sim_sent(const struct sim *sim, uint32_t node, struct sim_sent *out);
/* Reasons of all lives of a node. */
void sim_drops(const struct sim *sim, uint32_t node, struct cjd_drops *out);
/* Bytes a running node has allocated, packets not counted. */
uint64_t sim_heap_bytes(const struct sim *sim, uint32_t node);
/* Packets on the wire and in nodes at once, the most so far; events handled so far. */
uint64_t sim_packets_peak(const struct sim *sim);
uint64_t sim_events(const struct sim *sim);

/* Counts questions of `node` that serve to find `target`, from now on until sim_unwatch(). */
struct sim_watch {
    struct sim_watch *next;
    struct cjd_addr target;
    uint32_t requests;
};
void sim_watch(struct sim *sim, uint32_t node, struct sim_watch *watch, uint32_t target);
void sim_unwatch(struct sim *sim, uint32_t node, struct sim_watch *watch);

#endif
