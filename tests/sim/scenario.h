/*
 * A scenario: everything that defines a run, read from a JSON file and from the command line.
 * The format is docs/simulator.md. Plain data; sim_scenario_fini() frees it.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <jansson.h>

#include <sim/graph.h>
#include <sim/sim.h>

#define SIM_LIST_MAX 64u
#define SIM_NAME_MAX 128u

enum sim_topology {
    SIM_CHAIN,
    SIM_RING,
    SIM_GRID,
    SIM_STAR,
    SIM_TREE,
    SIM_GEOMETRIC,
    SIM_SMALL_WORLD,
    SIM_POWER_LAW,
    SIM_FILE,
};

struct sim_probe_plan {
    double at_s;
    uint32_t pairs;
    double spread_s; /* the pairs begin evenly within this time */
    double wait_s;   /* each has this long to answer */
    double follow_s; /* … and is pinged once a second for so long after it did */
    uint32_t node;   /* is one end of each pair; SIM_NOBODY: any */
};

struct sim_partition_plan {
    double at_s;
    double heal_s;   /* 0: never */
    double fraction; /* of the nodes, those with the lowest numbers */
};

/* Where misbehaving nodes are. */
enum sim_place {
    SIM_PLACE_RANDOM,
    SIM_PLACE_NEAR,   /* nearest to the victim in the key space */
    SIM_PLACE_AROUND, /* neighbours of the victim, of which one stays honest */
};

struct sim_evil_plan {
    enum sim_evil kind;
    enum sim_place place;
    double fraction; /* of all nodes */
    uint32_t count;  /* or so many */
    uint32_t rate;   /* floods: searches a second */
    uint32_t victim; /* of an eclipse and of a place; SIM_NOBODY: none */
};

struct sim_scenario {
    char name[SIM_NAME_MAX];
    uint64_t seed;
    double duration_s;
    double window_s;       /* of the time series */
    double start_spread_s; /* nodes start evenly within this time */
    /* topology */
    enum sim_topology topology;
    uint32_t nodes;
    uint32_t width;
    uint32_t branches;
    uint32_t k;
    double p;
    uint32_t m;
    uint32_t cap;
    double radius;
    double degree;
    char file[512];
    /* links */
    double delay_ms[2]; /* each link's own is drawn from this range */
    double jitter_ms;
    double loss; /* 0 … 1 */
    double rate_kbit;
    double queue_ms;
    /* churn */
    double churn_fraction;
    double churn_up_s;
    double churn_down_s;
    double churn_from_s;
    double churn_to_s; /* 0: to the end */
    /* lists */
    struct sim_probe_plan probe[SIM_LIST_MAX];
    uint32_t probes;
    struct sim_partition_plan partition[SIM_LIST_MAX];
    uint32_t partitions;
    struct sim_evil_plan evil[SIM_LIST_MAX];
    uint32_t evils;
};

/* From a JSON object; what it does not name takes defaults, what it names and nobody knows is an
 * error. CJD_ERR_CONFIG with a text (256 bytes). */
CJD_MUST_CHECK int sim_scenario_read(struct sim_scenario *out, const json_t *root, char *error);
/* The scenario with all its values, as it can be read back. */
json_t *sim_scenario_json(const struct sim_scenario *s);
/* "links.loss=0.01" into a JSON object that becomes a scenario; the value is JSON or a word. */
CJD_MUST_CHECK int sim_scenario_override(json_t *root, const char *assignment, char *error);
/* The graph the scenario asks for, with delays; sim_graph_fini() it. */
CJD_MUST_CHECK int sim_scenario_graph(const struct sim_scenario *s, struct sim_graph *out,
                                      char *error);

const char *sim_topology_text(enum sim_topology topology);
const char *sim_evil_text(enum sim_evil evil);

#endif
