/*
 * A large network of routers in one process: real routers (core/dht) and real switches, a virtual
 * clock, links with delay and no loss. No cryptography: sizes on the wire are added up instead.
 *
 * A message is led through all switches at the moment it is sent and arrives after the sum of the
 * delays; links do not change during a run, so nothing is lost by that, and a thousand nodes cost
 * one event per message.
 */
#ifndef BENCH_DHT_WORLD_H
#define BENCH_DHT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <base/timer.h>
#include <dht/dht.h>
#include <switch/switch.h>

/* Around each message: content header 4, session 4 + 16 + 4, switch header 12, link 4 + 16. */
#define WORLD_OVERHEAD 60u
#define WORLD_WINDOWS  2u

struct world;

struct world_port {
    uint32_t peer; /* number of the node there, and its interface */
    uint32_t peer_iface;
    uint64_t delay_ns; /* 0: no link here */
    /* Queries of this node over this port: by the second and by ten seconds. */
    uint32_t count[WORLD_WINDOWS];
    uint32_t window[WORLD_WINDOWS];
    uint32_t peak[WORLD_WINDOWS];
};

/* One look-up, as a user sees it. */
struct world_probe {
    struct world_probe *next; /* of the same node */
    struct cjd_timer timer;
    struct world *world;
    uint32_t from;
    uint32_t to;
    uint64_t asked_ns;
    uint64_t answered_ns; /* 0: not yet */
    uint64_t label;       /* the latest path */
    uint64_t first_delay_ns;
    uint64_t soon_delay_ns; /* a second after the answer */
    uint64_t last_delay_ns;
    uint32_t requests; /* until a path is known */
    uint32_t later;    /* after that */
    uint32_t turns;
};

struct world_node {
    struct world *world;
    uint32_t index;
    uint32_t degree;
    struct cjd_key key;
    struct cjd_addr addr;
    struct cjd_switch sw;
    struct cjd_dht *dht;
    struct cjd_drops drops;
    struct world_port *ports; /* CJD_SWITCH_IFACES */
    struct world_probe *probes;
    uint64_t tx_bytes; /* all it put on its links, forwarded messages too */
    uint64_t queries;
    uint64_t replies;
};

struct world {
    struct cjd_timers timers;
    uint64_t now_ns;
    uint64_t seed;
    struct cjd_rng rng;
    struct world_node *node;
    uint32_t node_count;
    uint32_t link_count;
    uint64_t lost;         /* led nowhere */
    uint64_t misdelivered; /* reached another node than meant */
};

struct world *world_new(uint64_t seed, uint32_t nodes);
void world_free(struct world *w);
/* False: no interface left, or connected already. */
bool world_connect(struct world *w, uint32_t a, uint32_t b, uint64_t delay_ns);
/* Makes the routers and tells them of their peers, all within `spread_ns`. */
void world_start(struct world *w, uint64_t spread_ns);
void world_run(struct world *w, uint64_t until_ns);
/* Begins a look-up; the probe is the caller's and must outlive the run. */
void world_probe_start(struct world *w, struct world_probe *probe, uint64_t at_ns);

/* Delay of the way that a label leads, which must end there; 0: it does not. */
uint64_t world_delay(struct world *w, uint32_t from, uint32_t to, uint64_t label);

/* graph.c */
bool graph_small_world(struct world *w, uint32_t k, double p);
bool graph_power_law(struct world *w, uint32_t m, uint32_t degree_max);
/* Shortest delay from a node to all others. `out`: one per node. */
void graph_delays(const struct world *w, uint32_t from, uint64_t *out);
/* Bits of the shortest label to all others. */
void graph_bits(const struct world *w, uint32_t from, uint32_t *out);

#endif
