/*
 * Reproducible randomness of the simulator (splitmix64). Never for keys outside of it.
 * A value; whoever embeds it owns it.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include <base/rng.h>

struct sim_random {
    uint64_t state;
};

/* Streams of one seed do not resemble each other. */
void sim_random_init(struct sim_random *r, uint64_t seed, uint64_t stream);
/* Borrows r. */
struct cjd_rng sim_random_rng(struct sim_random *r);

uint64_t sim_random_u64(struct sim_random *r);
/* Uniform in [0, bound), bound > 0. */
uint32_t sim_random_below(struct sim_random *r, uint32_t bound);
/* Uniform in [low, high]; low if high is not above it. */
uint64_t sim_random_between(struct sim_random *r, uint64_t low, uint64_t high);
/* Uniform in [0, 1). */
double sim_random_unit(struct sim_random *r);
/* Exponential with that mean. */
double sim_random_exponential(struct sim_random *r, double mean);
/* Fisher–Yates. */
void sim_random_shuffle(struct sim_random *r, uint32_t *values, uint32_t count);

#endif
