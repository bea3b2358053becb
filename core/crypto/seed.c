#include <crypto/seed.h>

#include <string.h>

#include <sodium.h>

static void refill(struct cjd_seed_rng *s)
{
    uint8_t nonce[crypto_stream_salsa20_NONCEBYTES];

    for (unsigned i = 0; i < sizeof nonce; i++) {
        nonce[i] = (uint8_t)(s->nonce >> (8 * i));
    }
    crypto_stream_salsa20_xor(s->buffer, s->buffer, sizeof s->buffer, nonce, s->key);
    s->nonce++;
    s->at = 0;
}

void cjd_seed_rng_init(struct cjd_seed_rng *s, const uint8_t seed[CJD_SEED_BYTES])
{
    memset(s, 0, sizeof *s);
    crypto_hash_sha256(s->key, seed, CJD_SEED_BYTES);
    refill(s);
}

static void fill(void *ctx, void *buf, size_t n)
{
    struct cjd_seed_rng *s = ctx;
    uint8_t *out = buf;

    while (n > 0) {
        if (s->at == sizeof s->buffer) {
            refill(s);
        }
        size_t take = sizeof s->buffer - s->at;
        take = take < n ? take : n;
        memcpy(out, s->buffer + s->at, take);
        s->at += take;
        out += take;
        n -= take;
    }
}

struct cjd_rng cjd_seed_rng(struct cjd_seed_rng *s)
{
    return (struct cjd_rng){.fill = fill, .ctx = s};
}

void cjd_seed_rng_fini(struct cjd_seed_rng *s)
{
    sodium_memzero(s, sizeof *s);
}
