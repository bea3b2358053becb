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

/* Takes one token; false if there is none. A zeroed bucket starts full. */
static inline bool cjd_bucket_take(struct cjd_bucket *b, uint64_t now_ns, uint32_t rate,
                                   uint32_t burst)
{
    uint64_t cost = CJD_S / rate;
    uint64_t full = cost * burst;
    uint64_t gained = b->last_ns == 0 ? full : now_ns - b->last_ns;

    b->credit_ns = gained > full - b->credit_ns ? full : b->credit_ns + gained;
    b->last_ns = now_ns ? now_ns : 1;
    if (b->credit_ns < cost) {
        return false;
    }
    b->credit_ns -= cost;
    return true;
}

#endif
