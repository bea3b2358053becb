/*
 * Packet pool: two classes of buffers (packet.h), reused through free lists. The data path takes
 * and gives packets without the system allocator once the lists are warm.
 *
 * One pool per thread; not locked. A packet goes back to the pool it came from.
 */
#ifndef CJD_BASE_POOL_H
#define CJD_BASE_POOL_H

#include <stdint.h>

#include <cjd/err.h>
#include <cjd/packet.h>

struct cjd_pool;

/* max_small/max_large: most packets of a class that may exist at once. */
CJD_MUST_CHECK struct cjd_pool *cjd_pool_new(uint32_t max_small, uint32_t max_large);
/* All packets must be back (debug builds check). NULL is legal. */
void cjd_pool_free(struct cjd_pool *pool);

/* A packet that can hold `size` bytes behind CJD_PKT_HEADROOM: empty, off = headroom, fields zero.
 * NULL: limit reached, no memory or size too large. */
struct cjd_pkt *cjd_pool_take(struct cjd_pool *pool, uint32_t size);
/* NULL is legal. */
void cjd_pool_give(struct cjd_pool *pool, struct cjd_pkt *pkt);
void cjd_pool_give_vec(struct cjd_pool *pool, struct cjd_vec *vec);

/* A second packet on the bytes [off, off + len) of the same buffer; the buffer lives until the
 * last of them is given back. NULL: no memory. */
struct cjd_pkt *cjd_pool_view(struct cjd_pool *pool, struct cjd_pkt *pkt, uint32_t off,
                              uint32_t len);

/* Packets taken and not given back. */
uint32_t cjd_pool_in_use(const struct cjd_pool *pool);

#endif
