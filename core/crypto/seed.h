/*
 * Reproducible bytes from a seed of 64 bytes. Source: configuration notes §11.
 *
 * The stream is the one the reference draws the values of --genconf-seed from, so that the same
 * seed gives the same keys and passwords. For a run that must be repeatable; never for a node that
 * is to stay secret longer than its seed. Pure; one user at a time.
 */
#ifndef CJD_CRYPTO_SEED_H
#define CJD_CRYPTO_SEED_H

#include <stddef.h>
#include <stdint.h>

#include <base/rng.h>

#define CJD_SEED_BYTES 64u

struct cjd_seed_rng {
    uint8_t key[32];     /* SHA-256 of the seed */
    uint8_t buffer[128]; /* folded into itself at each refill */
    uint64_t nonce;      /* of the next refill */
    size_t at;           /* first byte of buffer not handed out yet */
};

void cjd_seed_rng_init(struct cjd_seed_rng *s, const uint8_t seed[CJD_SEED_BYTES]);
/* Borrows `s`. */
struct cjd_rng cjd_seed_rng(struct cjd_seed_rng *s);
/* Wipes everything. */
void cjd_seed_rng_fini(struct cjd_seed_rng *s);

#endif
