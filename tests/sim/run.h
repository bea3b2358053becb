/*
 * One run of a scenario and what was measured. sim_run_new() builds the network,
 * sim_run_go() runs it, the rest reads the results.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <sim/scenario.h>

struct sim_run;

/* CJD_ERR_…, with a text (256 bytes). */
CJD_MUST_CHECK int sim_run_new(struct sim_run **out, const struct sim_scenario *scenario,
                               char *error);
void sim_run_free(struct sim_run *run);

/* progress: NULL, or called with each second of virtual time that is over. */
void sim_run_go(struct sim_run *run, void (*progress)(void *ctx, double virtual_s), void *ctx);

struct sim *sim_run_sim(struct sim_run *run);
const struct sim_graph *sim_run_graph(const struct sim_run *run);

/* One row of the time series: what happened in the window that ends at that time. Rates are bytes
 * a second and node, of nodes that run at its end. */
struct sim_window {
    double at_s;
    uint32_t up;
    double rate_mean;
    double rate_median;
    double rate_p95;
    double rate_max;
    double own[SIM_KIND_COUNT];
    double transit[SIM_KIND_COUNT];
    double heap_mean;
    double heap_max;
};
uint32_t sim_run_window_count(const struct sim_run *run);
const struct sim_window *sim_run_window(const struct sim_run *run, uint32_t index);

/* Share of eligible pairs of a probe that answered, 0 … 1. */
double sim_run_success(const struct sim_run *run, uint32_t probe);

/* Everything: scenario, graph, probes, traffic, memory, drops. Depends on the scenario alone. */
json_t *sim_run_json(struct sim_run *run);
/* Files; CJD_ERR_IO. */
CJD_MUST_CHECK int sim_run_write_csv(const struct sim_run *run, const char *path);
CJD_MUST_CHECK int sim_run_write_plot(const struct sim_run *run, const char *path);
CJD_MUST_CHECK int sim_run_write_picture(struct sim_run *run, const char *path);

#endif
