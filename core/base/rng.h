/*
 * Source of randomness, handed in by whoever drives the core: the system's in the daemon, a seeded
 * one in the simulator and in vector tests. Borrowed by every module that needs it.
 */
#ifndef CJD_BASE_RNG_H
#define CJD_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct cjd_rng {
    /* Fills buf with n random bytes; must not fail. */
    void (*fill)(void *ctx, void *buf, size_t n);
    void *ctx;
};

static inline void cjd_rng_fill(const struct cjd_rng *rng, void *buf, size_t n)
{
    rng->fill(rng->ctx, buf, n);
}

static inline uint64_t cjd_rng_u64(const struct cjd_rng *rng)
{
    uint64_t v;
    cjd_rng_fill(rng, &v, sizeof v);
    return v;
}

static inline uint32_t cjd_rng_u32(const struct cjd_rng *rng)
{
    return (uint32_t)cjd_rng_u64(rng);
}

/* Uniform in [0, bound), bound > 0. Multiply-shift; the bias is below bound / 2^32. */
static inline uint32_t cjd_rng_below(const struct cjd_rng *rng, uint32_t bound)
{
    return (uint32_t)((uint64_t)cjd_rng_u32(rng) * bound >> 32);
}

/* `around` ± `percent` per cent, uniform: the jitter of timers. */
static inline uint64_t cjd_rng_jitter(const struct cjd_rng *rng, uint64_t around, unsigned percent)
{
    uint64_t span = around / 100 * percent;
    return span ? around - span + cjd_rng_u64(rng) % (2 * span + 1) : around;
}

#endif
