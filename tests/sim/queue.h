/*
 * What is to happen when: a heap of events, and one of nodes by their next timer, where a node can
 * be moved. Both take logarithmic time; equal times go in the order of arrival, so runs repeat.
 */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_event {
    uint64_t at_ns;
    uint64_t order;
    void *what; /* a packet, or the argument of a call */
    void (*call)(void *what, uint32_t number);
    uint32_t number; /* a node, or the caller's own */
    uint32_t kind;
};

struct sim_events {
    struct sim_event *heap;
    size_t count;
    size_t cap;
    uint64_t ever;
};

/* order is set here. */
void sim_events_push(struct sim_events *q, const struct sim_event *event);
/* NULL: none. Valid until the next push or pop. */
const struct sim_event *sim_events_first(const struct sim_events *q);
bool sim_events_pop(struct sim_events *q, struct sim_event *out);
void sim_events_fini(struct sim_events *q);

/* Nodes 0 … count − 1 with a time each; CJD_NEVER at first. */
struct sim_wakes {
    uint32_t count;
    uint64_t *at_ns;
    uint32_t *heap;  /* node at each place */
    uint32_t *place; /* of each node */
};

void sim_wakes_fini(struct sim_wakes *w);
void sim_wakes_add(struct sim_wakes *w); /* one more node */
void sim_wakes_set(struct sim_wakes *w, uint32_t node, uint64_t at_ns);
/* Time of the first; CJD_NEVER: none. */
uint64_t sim_wakes_first(const struct sim_wakes *w, uint32_t *node);

#endif
