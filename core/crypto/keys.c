#include <crypto/keys.h>

#include <string.h>

#include <sodium.h>

int cjd_crypto_init(void)
{
    return sodium_init() < 0 ? CJD_ERR_CRYPTO : 0;
}

void cjd_addr_of_key(struct cjd_addr *out, const struct cjd_key *key)
{
    uint8_t hash[crypto_hash_sha512_BYTES];

    crypto_hash_sha512(hash, key->b, sizeof key->b);
    crypto_hash_sha512(hash, hash, sizeof hash);
    memcpy(out->b, hash, sizeof out->b);
}

bool cjd_addr_of_key_is_valid(struct cjd_addr *out, const struct cjd_key *key)
{
    cjd_addr_of_key(out, key);
    return cjd_addr_is_valid(out);
}

int cjd_keypair_from_secret(struct cjd_keypair *out, const uint8_t secret[32])
{
    memcpy(out->secret, secret, sizeof out->secret);
    crypto_scalarmult_base(out->key.b, out->secret);
    return cjd_addr_of_key_is_valid(&out->addr, &out->key) ? 0 : CJD_ERR_BAD_KEY;
}

void cjd_keypair_generate(struct cjd_keypair *out, const struct cjd_rng *rng)
{
    uint8_t secret[32];

    do {
        cjd_rng_fill(rng, secret, sizeof secret);
    } while (cjd_keypair_from_secret(out, secret) != 0);
    sodium_memzero(secret, sizeof secret);
}

void cjd_keypair_fini(struct cjd_keypair *pair)
{
    sodium_memzero(pair->secret, sizeof pair->secret);
}

static void system_fill(void *ctx, void *buf, size_t n)
{
    (void)ctx;
    randombytes_buf(buf, n);
}

struct cjd_rng cjd_rng_system(void)
{
    return (struct cjd_rng){.fill = system_fill, .ctx = NULL};
}
