/* Samples and what is told of them. sim_samples_fini() frees. */
#ifndef SIM_STATISTICS_H
#define SIM_STATISTICS_H

#include <stdint.h>

#include <jansson.h>

struct sim_samples {
    double *value;
    uint32_t count;
    uint32_t cap;
};

void sim_samples_add(struct sim_samples *s, double value);
void sim_samples_fini(struct sim_samples *s);
/* Nearest rank, percent 0 … 100; 0 if there are none. Sorts. */
double sim_samples_percentile(struct sim_samples *s, double percent);
double sim_samples_mean(const struct sim_samples *s);
/* {"count", "mean", "median", "p95", "max"} */
json_t *sim_samples_json(struct sim_samples *s);

#endif
