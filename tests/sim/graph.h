/*
 * Graphs: what a network is built from. Plain data, owned by the caller; sim_graph_fini() frees it.
 *
 * Generators take a graph that sim_graph_init() has made empty and return 0 or a negative code of
 * <cjd/err.h>. All are connected: random ones get the few links they lack.
 */
#ifndef SIM_GRAPH_H
#define SIM_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include <cjd/err.h>
#include <sim/random.h>

#define SIM_DELAY_UNSET UINT64_MAX

/* `a` is the one that calls. */
struct sim_edge {
    uint32_t a;
    uint32_t b;
    uint64_t delay_ns; /* SIM_DELAY_UNSET: the model of the run decides */
};

struct sim_point {
    float x;
    float y;
};

struct sim_graph {
    uint32_t nodes;
    uint32_t edges;
    uint32_t edge_cap;
    struct sim_edge *edge;
    struct sim_point *at; /* places in the unit square, NULL: none */
};

void sim_graph_init(struct sim_graph *g, uint32_t nodes);
/* May be repeated. */
void sim_graph_fini(struct sim_graph *g);
void sim_graph_add(struct sim_graph *g, uint32_t a, uint32_t b, uint64_t delay_ns);
bool sim_graph_has(const struct sim_graph *g, uint32_t a, uint32_t b);
/* Number of links of each node; nodes elements. */
void sim_graph_degrees(const struct sim_graph *g, uint32_t *out);
uint32_t sim_graph_components(const struct sim_graph *g);
/* Adds links between components until one is left: each to the nearest node of another one if the
 * graph has places, to a random one otherwise. Returns how many. */
uint32_t sim_graph_join(struct sim_graph *g, struct sim_random *r);
/* Gives the graph places (as it has none): a circle for ring_like ones, else by forces. */
void sim_graph_layout(struct sim_graph *g, bool ring_like, struct sim_random *r);

CJD_MUST_CHECK int sim_graph_chain(struct sim_graph *g);
CJD_MUST_CHECK int sim_graph_ring(struct sim_graph *g);
/* width × the rest; nodes must be a multiple of it. 0: square. */
CJD_MUST_CHECK int sim_graph_grid(struct sim_graph *g, uint32_t width);
CJD_MUST_CHECK int sim_graph_star(struct sim_graph *g);
/* Each node has that many children. */
CJD_MUST_CHECK int sim_graph_tree(struct sim_graph *g, uint32_t branches);
/* Nodes in the unit square, linked where nearer than the radius; 0: such that the mean number of
 * links is `degree`. Numbered from left to right. */
CJD_MUST_CHECK int sim_graph_geometric(struct sim_graph *g, double radius, double degree,
                                       struct sim_random *r);
/* Watts–Strogatz: a ring where each node has k neighbours, each link rewired with probability p. */
CJD_MUST_CHECK int sim_graph_small_world(struct sim_graph *g, uint32_t k, double p,
                                         struct sim_random *r);
/* Barabási–Albert: each new node takes m links, to nodes in proportion to the links they have. */
CJD_MUST_CHECK int sim_graph_power_law(struct sim_graph *g, uint32_t m, uint32_t cap,
                                       struct sim_random *r);
/*
 * From a file; sets the number of nodes. "….graphml" and "….xml" are GraphML, everything else is a
 * list of lines "from to [delay in ms]", names being any words, # beginning a comment.
 * CJD_ERR_IO, CJD_ERR_PARSE; the text in `error` (256 bytes) says where.
 */
CJD_MUST_CHECK int sim_graph_load(struct sim_graph *g, const char *path, char *error);

#endif
