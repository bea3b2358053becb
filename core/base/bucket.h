/* Token bucket: `rate` tokens a second, at most `burst` saved up. Counts in nanoseconds of credit.
 */
#ifndef CJD_BASE_BUCKET_H
#define CJD_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include <base/time.h>

struct cjd_bucket {
    uint64_t credit_ns;
    uint64_t last_ns;
};

/* Takes one token; false if there is none. A zeroed bucket starts full. Rate and burst may change
 * from call to call; a rate of 0 gives nothing. */
static inline bool cjd_bucket_take(struct cjd_bucket *b, uint64_t now_ns, uint32_t rate,
                                   uint32_t burst)
{
    if (rate == 0) {
        return false;
    }
    uint64_t cost = CJD_S / rate;
    uint64_t full = cost * burst;
    uint64_t gained = now_ns > b->last_ns ? now_ns - b->last_ns : 0;

    if (b->last_ns == 0 || b->credit_ns > full || gained > full - b->credit_ns) {
        b->credit_ns = full;
    } else {
        b->credit_ns += gained;
    }
    /* 0 means "never used", so a clock that starts at 0 is 1 ns late. */
    b->last_ns = now_ns ? now_ns : 1;
    if (b->credit_ns < cost) {
        return false;
    }
    b->credit_ns -= cost;
    return true;
}

#endif
