/*
 * What the files of the simulator share. sim.c: life, clock; wire.c: links; machine.c: echoes;
 * hooks.c: what stands in front of the core's functions; evil.c: nodes that misbehave.
 */
#ifndef SIM_PRIVATE_H
#define SIM_PRIVATE_H

#include <sim/memory.h>
#include <sim/queue.h>
#include <sim/sim.h>

#define INVENTED 64u

/*
 * A packet carries what the simulator wants to know about it in fields that the pure rooms leave
 * alone: `hash` the kind, `pad` the hops of its way, `rx_ns` the sum of their delays.
 */
#define TAG_KIND    0xffu
#define TAG_KNOWN   0x100u
#define TAG_TRANSIT 0x200u

/* Content types that somebody handles. */
struct content_range {
    struct content_range *next;
    uint32_t first;
    uint32_t last;
    sim_content_fn fn;
    void *ctx;
};

struct host {
    struct sim *sim;
    uint32_t number;
    enum sim_evil evil;
    uint32_t victim; /* of an eclipse; SIM_NOBODY: everybody */
    struct cjd_keypair keys;
    struct cjd_node *node; /* NULL: not running */
    struct sim_random random;
    uint32_t lives;
    uint32_t *links; /* where it is an end */
    uint32_t link_count;
    struct sim_sent sent;
    struct cjd_drops drops; /* of earlier lives */
    uint64_t heap_bytes;
    struct sim_watch *watches;
    struct content_range *content;
    struct sim_life *life;
    sim_machine_fn machine;
    void *machine_ctx;
    /* While the node runs: what it is sending, where the frame came from, whom it answers. */
    enum sim_kind message;
    bool has_message;
    uint32_t frame_source;
    const struct cjd_dht_contact *asker; /* NULL: it answers nobody */
    const struct sim_question *question;
};

/* What is being answered. */
struct sim_question {
    enum sim_kind kind; /* SIM_KIND_REPLY: none, it hears an answer */
    bool has_target;
    struct cjd_addr target; /* of a search */
};

struct wire {
    struct sim_link_info info;
    uint64_t busy_ns[2]; /* each direction: until when bytes are on their way out */
};

struct sim {
    uint64_t now_ns;
    uint64_t seed;
    struct sim_random random;
    struct sim_events events;
    struct sim_wakes wakes;
    struct cjd_pool *pool; /* of all nodes: packets move from one to the next without a copy */
    struct host **host;
    uint32_t hosts;
    struct wire *wire;
    uint32_t wires;
    uint64_t events_done;
    uint64_t flights;
    uint64_t packets_peak;
    uint32_t flood_rate;
    sim_echo_fn echo;
    void *echo_ctx;
    struct cjd_key invented[INVENTED];
    bool has_invented;
};

/* A packet on a link: what there is of it, without the room that the pool's packets have. */
struct flight {
    struct cjd_linkaddr from;
    uint32_t tag;
    uint32_t hops;
    uint64_t delay_ns;
    uint32_t len;
    uint8_t bytes[];
};

enum { EVENT_PACKET, EVENT_INJECT, EVENT_CONTENT, EVENT_CALL };

struct host *host_at(const struct sim *sim, uint32_t node);

/* hooks.c: brackets around every call into a node. */
struct host *hooks_enter(struct host *h);
void hooks_leave(struct host *before);
/* Around calls from a node to the outside: what is allocated there is not the node's. */
/* Does a node run? */
bool hooks_is_inside(void);
bool hooks_pause(void);
void hooks_resume(bool was_counting);

/* wire.c */
struct cjd_linkaddr wire_addr(uint32_t link, unsigned side);
void wire_tx(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags);
/* The packet as the other end receives it. Frees the flight. */
struct cjd_pkt *wire_land(struct sim *sim, struct flight *f);

/* machine.c */
void machine_deliver(void *ctx, struct cjd_vec *vec);

/* content.c: what arrives in a node, the event that hands it on, and what an event has that is
 * never handled. */
void content_arrived(void *ctx, const struct cjd_node_source *from, struct cjd_pkt *pkt);
void content_hand_over(struct host *h, void *what);
void content_discard(struct sim *sim, void *what);
void content_started(struct host *h);
void content_free(struct host *h);
/* As sim_send(); consumes the packets in any case. */
CJD_MUST_CHECK int content_send(struct host *h, const struct cjd_addr *to, uint32_t type,
                                struct cjd_vec *vec, bool no_wait);

/* evil.c: a router message of the node goes out; it may be changed. False: it is not sent. */
bool evil_message(struct host *h, struct cjd_pkt *pkt);
void evil_started(struct host *h);

#endif
