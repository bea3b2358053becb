/*
 * When to act on events that come in bursts: soon after the first one, so that those that belong
 * together are one; less often in a long row of them; and always once after the last.
 *
 * The owner arms a timer for cjd_calm_at() with each event, and calls cjd_calm_acted() when it
 * runs.
 */
#ifndef CJD_BASE_CALM_H
#define CJD_BASE_CALM_H

#include <stdbool.h>
#include <stdint.h>

#include <base/time.h>

#define CJD_CALM_FIRST (100 * CJD_MS)  /* from an event to the act */
#define CJD_CALM_MOST  (1600 * CJD_MS) /* between two acts, in a long row */
#define CJD_CALM_QUIET (10 * CJD_S)    /* without an act: the row is over */

struct cjd_calm {
    uint64_t acted_ns; /* 0: never */
    uint64_t gap_ns;   /* from that act to the next one */
};

/* The time to act for an event that comes now. */
static inline uint64_t cjd_calm_at(const struct cjd_calm *c, uint64_t now_ns)
{
    uint64_t soon = now_ns + CJD_CALM_FIRST;
    uint64_t next = c->acted_ns + c->gap_ns;

    return c->acted_ns != 0 && next > soon ? next : soon;
}

static inline void cjd_calm_acted(struct cjd_calm *c, uint64_t now_ns)
{
    bool is_row = c->acted_ns != 0 && now_ns - c->acted_ns < CJD_CALM_QUIET;
    uint64_t longer = c->gap_ns * 2 < CJD_CALM_MOST ? c->gap_ns * 2 : CJD_CALM_MOST;

    c->gap_ns = is_row ? longer : 2 * CJD_CALM_FIRST;
    c->acted_ns = now_ns;
}

#endif
