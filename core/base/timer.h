/*
 * Timers: intrusive, owned by the object that embeds them, one queue per driver (a pairing heap,
 * so arming never allocates). Order of equal times: first armed, first run.
 *
 * The driver asks cjd_timers_next() how long it may sleep and calls cjd_timers_run() afterwards.
 */
#ifndef CJD_BASE_TIMER_H
#define CJD_BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include <base/time.h>

struct cjd_timer;
typedef void (*cjd_timer_fn)(void *arg, uint64_t now_ns);

struct cjd_timer {
    uint64_t at_ns;
    uint64_t order; /* sequence number of arming, breaks ties */
    cjd_timer_fn fn;
    void *arg;
    struct cjd_timer *child; /* heap links; prev is the parent of a first child */
    struct cjd_timer *next;
    struct cjd_timer *prev;
    bool is_armed;
};

struct cjd_timers {
    struct cjd_timer *root;
    uint64_t armed_count; /* ever armed; source of `order` */
};

void cjd_timer_init(struct cjd_timer *t, cjd_timer_fn fn, void *arg);

/* Arms or re-arms for an absolute time. May be called from the timer's own function. */
void cjd_timer_arm(struct cjd_timers *q, struct cjd_timer *t, uint64_t at_ns);

/* No effect on a timer that is not armed. */
void cjd_timer_cancel(struct cjd_timers *q, struct cjd_timer *t);

/* Time of the earliest timer, CJD_NEVER if there is none. */
uint64_t cjd_timers_next(const struct cjd_timers *q);

/* Runs what is due; timers armed meanwhile for a time <= now run too, at most `limit` in all.
 * Returns how many ran. */
unsigned cjd_timers_run(struct cjd_timers *q, uint64_t now_ns, unsigned limit);

#endif
