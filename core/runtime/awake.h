/*
 * Whether the machine slept, or this process was stopped, since the last look: neighbours may have
 * given this node up meanwhile. Asleep, the clock of the timers stands still while the clock since
 * boot goes on; of a stopped process the timers are far too late. Pure.
 */
#ifndef CJD_RUNTIME_AWAKE_H
#define CJD_RUNTIME_AWAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/time.h>

#define CJD_AWAKE_SLEPT (1 * CJD_S)
#define CJD_AWAKE_LATE  (3 * CJD_S)

struct cjd_awake {
    uint64_t asleep_ns; /* since boot, as seen last */
    bool has_looked;
};

/* now: monotonic; boot: since boot, sleep counted; due: when the next timer was to run. */
static inline bool cjd_awake_look(struct cjd_awake *a, uint64_t now_ns, uint64_t boot_ns,
                                  uint64_t due_ns)
{
    uint64_t asleep = boot_ns > now_ns ? boot_ns - now_ns : 0;
    bool has_slept = a->has_looked && asleep > a->asleep_ns + CJD_AWAKE_SLEPT;
    bool is_late = due_ns != CJD_NEVER && due_ns != 0 && now_ns > due_ns + CJD_AWAKE_LATE;

    a->asleep_ns = asleep;
    a->has_looked = true;
    return has_slept || is_late;
}

#endif
