/*
 * Distance in the key space: addresses rotated by 64 bits, compared by XOR (router notes §5.2).
 * Private to the router.
 */
#ifndef CJD_DHT_ID_H
#define CJD_DHT_ID_H

#include <stdbool.h>
#include <stdint.h>

#include <base/wire.h>
#include <cjd/types.h>

#define CJD_ID_BITS 128u

struct cjd_id {
    uint64_t hi;
    uint64_t lo;
};

/* The rotation keeps the constant first byte from dominating. */
static inline struct cjd_id cjd_id_of(const struct cjd_addr *addr)
{
    return (struct cjd_id){.hi = cjd_load64(addr->b + 8), .lo = cjd_load64(addr->b)};
}

static inline struct cjd_addr cjd_id_to_addr(struct cjd_id id)
{
    struct cjd_addr addr;

    cjd_store64(addr.b, id.lo);
    cjd_store64(addr.b + 8, id.hi);
    return addr;
}

static inline struct cjd_id cjd_id_xor(struct cjd_id a, struct cjd_id b)
{
    return (struct cjd_id){.hi = a.hi ^ b.hi, .lo = a.lo ^ b.lo};
}

static inline bool cjd_id_is_less(struct cjd_id a, struct cjd_id b)
{
    return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}

/* Is a closer to the target than b? */
static inline bool cjd_id_is_closer(struct cjd_id target, struct cjd_id a, struct cjd_id b)
{
    return cjd_id_is_less(cjd_id_xor(a, target), cjd_id_xor(b, target));
}

/* Bit 0 is the most significant. */
static inline bool cjd_id_bit(struct cjd_id id, unsigned bit)
{
    return (bit < 64 ? id.hi >> (63 - bit) : id.lo >> (127 - bit)) & 1;
}

static inline struct cjd_id cjd_id_flip(struct cjd_id id, unsigned bit)
{
    if (bit < 64) {
        id.hi ^= 1ull << (63 - bit);
    } else {
        id.lo ^= 1ull << (127 - bit);
    }
    return id;
}

/* Number of leading bits that agree; CJD_ID_BITS if all do. Also the number of the bucket. */
static inline unsigned cjd_id_common(struct cjd_id a, struct cjd_id b)
{
    struct cjd_id d = cjd_id_xor(a, b);

    if (d.hi != 0) {
        return (unsigned)__builtin_clzll(d.hi);
    }
    return d.lo != 0 ? 64u + (unsigned)__builtin_clzll(d.lo) : CJD_ID_BITS;
}

#endif
