/*
 * The best routes a network allows at one moment, as somebody who knows everything would choose
 * them: shortest delay among those whose label fits. Labels are made of the interface numbers the
 * switches have really given (switch notes §4, §10).
 */
#ifndef SIM_ROUTE_H
#define SIM_ROUTE_H

#include <sim/graph.h>
#include <sim/sim.h>

struct sim_routes;

/* A picture of the links that work now; dead ends (sim_is_dead_end()) only are where routes end. */
struct sim_routes *sim_routes_new(const struct sim *sim);
/* Of a graph that no node runs yet: each node numbers the links it calls by first, then the others,
 * in the order of the graph. No node may have more than 255 links. */
struct sim_routes *sim_routes_of_graph(const struct sim_graph *graph);
void sim_routes_free(struct sim_routes *r);

struct sim_route {
    uint64_t delay_ns;
    uint32_t hops;
    uint32_t label_bits; /* position of the end marker */
};
/* False: no route whose label fits in both directions. Questions about the same `from`, one after
 * the other, cost little. */
bool sim_routes_best(struct sim_routes *r, uint32_t from, uint32_t to, struct sim_route *out);

#define SIM_OUT_OF_REACH UINT8_MAX
/*
 * The whole horizon of one node: for each of the nodes the length in bits of the shortest label (of
 * the two directions the longer one) by which it can be reached, SIM_OUT_OF_REACH if none fits.
 */
void sim_routes_reach(struct sim_routes *r, uint32_t from, uint8_t *bits);

#endif
