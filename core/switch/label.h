/*
 * Route labels: arithmetic on 64-bit values. Source: switch notes §3, §10. Pure; any thread.
 */
#ifndef CJD_SWITCH_LABEL_H
#define CJD_SWITCH_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#define CJD_LABEL_SELF    1ull
#define CJD_LABEL_INVALID UINT64_MAX
/* Highest position of the end marker. */
#define CJD_LABEL_MAX_LOG2 59u

/* Index of the highest set bit, 0 for 0 and 1. */
static inline unsigned cjd_log2(uint64_t x)
{
    return x < 2 ? 0 : 63u - (unsigned)__builtin_clzll(x);
}

/* Route to `to` (a label at the node reached by `via`); CJD_LABEL_INVALID if it does not fit. */
uint64_t cjd_label_splice(uint64_t to, uint64_t via);

/* The rest of `full` after `mid`; only meaningful if full routes through mid. */
static inline uint64_t cjd_label_unsplice(uint64_t full, uint64_t mid)
{
    return full >> cjd_log2(mid);
}

bool cjd_label_routes_through(uint64_t dest, uint64_t mid);

/* Mirrors all 64 bits: a label as received becomes the label back to the sender. */
uint64_t cjd_label_reverse(uint64_t label);

#endif
