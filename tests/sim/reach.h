/*
 * How far labels reach in a graph, without running a node: of how many pairs is there a route whose
 * label fits, in both directions, by their distance in hops.
 */
#ifndef SIM_REACH_H
#define SIM_REACH_H

#include <sim/scenario.h>

/* From so many nodes, drawn by the scenario's seed (0: all of them), to all others. NULL with a
 * text (256 bytes) if there is no such graph. */
json_t *sim_reach_json(const struct sim_scenario *scenario, uint32_t sources, char *error);

#endif
