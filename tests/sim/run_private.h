/* What run.c (the course of a run), cast.c (who misbehaves), probe.c (measuring), result.c and the
 * pictures share. */
#ifndef SIM_RUN_PRIVATE_H
#define SIM_RUN_PRIVATE_H

#include <sim/memory.h>
#include <sim/route.h>
#include <sim/run.h>
#include <sim/statistics.h>

/* When the way in use is looked at: seconds after the first answer (probe.c). */
#define PROBE_MOMENTS 4u

/* One pair of nodes under test. */
struct probe {
    struct sim_run *run;
    struct sim_watch watch;
    uint32_t plan;
    uint32_t id;
    uint32_t from;
    uint32_t to;
    bool is_eligible;
    bool is_answered;
    bool is_over; /* its time ran out */
    bool is_watched;
    bool is_broken; /* one of the two stopped meanwhile */
    uint64_t begin_ns;
    uint64_t answered_ns;
    uint64_t way_ns[PROBE_MOMENTS]; /* delay of the way then in use, one way; 0: not known */
    uint32_t hops;                  /* of the way a second after the first answer */
    struct sim_route best;
};

struct sim_run {
    struct sim_scenario scenario;
    struct sim_graph graph;
    struct sim *sim;
    struct sim_random random; /* of plans: who misbehaves, who leaves, who is asked */
    struct probe **probe;
    uint32_t probe_count;
    struct sim_window *window;
    uint32_t windows;
    uint64_t *sent_before; /* bytes of each node at the end of the last window */
    struct sim_sent total_before;
};

uint64_t run_time(double seconds);
/* cast.c */
void cast_evil(struct sim_run *run);
/* probe.c */
void probe_plan(struct sim_run *run, uint32_t plan);
json_t *probe_json(struct sim_run *run, uint32_t plan);

#endif
