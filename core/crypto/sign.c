#include <crypto/sign.h>

#include <string.h>

#include <sodium.h>

#define SCALAR crypto_core_ed25519_SCALARBYTES
#define WIDE   crypto_core_ed25519_NONREDUCEDSCALARBYTES

static void clamp(uint8_t out[32], const uint8_t secret[32])
{
    memcpy(out, secret, 32);
    out[0] &= 248;
    out[31] &= 127;
    out[31] |= 64;
}

/* The clamped scalar modulo the group's order. */
static void reduce(uint8_t out[SCALAR], const uint8_t scalar[32])
{
    uint8_t wide[WIDE] = {0};

    memcpy(wide, scalar, 32);
    crypto_core_ed25519_scalar_reduce(out, wide);
    sodium_memzero(wide, sizeof wide);
}

/* SHA-512(second half of SHA-512(scalar ‖ 32 random bytes) ‖ message): a bad random source alone
 * does not give the secret away. */
static void make_nonce(uint8_t out[SCALAR], const uint8_t scalar[32], const struct cjd_rng *rng,
                       const void *message, size_t len)
{
    crypto_hash_sha512_state state;
    uint8_t seed[64];
    uint8_t digest[crypto_hash_sha512_BYTES];

    memcpy(seed, scalar, 32);
    cjd_rng_fill(rng, seed + 32, 32);
    crypto_hash_sha512(digest, seed, sizeof seed);
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, digest + 32, 32);
    crypto_hash_sha512_update(&state, message, len);
    crypto_hash_sha512_final(&state, digest);
    crypto_core_ed25519_scalar_reduce(out, digest);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(digest, sizeof digest);
    sodium_memzero(&state, sizeof state);
}

/* SHA-512(R ‖ A ‖ message) modulo the order. */
static void challenge(uint8_t out[SCALAR], const struct cjd_signature *s, const void *message,
                      size_t len)
{
    crypto_hash_sha512_state state;
    uint8_t digest[crypto_hash_sha512_BYTES];

    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, s->bytes, 32);
    crypto_hash_sha512_update(&state, s->key, sizeof s->key);
    crypto_hash_sha512_update(&state, message, len);
    crypto_hash_sha512_final(&state, digest);
    crypto_core_ed25519_scalar_reduce(out, digest);
}

int cjd_sign(struct cjd_signature *out, const struct cjd_keypair *pair, const struct cjd_rng *rng,
             const void *message, size_t len)
{
    uint8_t scalar[32];
    uint8_t secret[SCALAR];
    uint8_t nonce[SCALAR];
    uint8_t k[SCALAR];
    uint8_t product[SCALAR];
    int err = 0;

    clamp(scalar, pair->secret);
    reduce(secret, scalar);
    make_nonce(nonce, scalar, rng, message, len);
    if (crypto_scalarmult_ed25519_base_noclamp(out->key, secret) != 0 ||
        crypto_scalarmult_ed25519_base_noclamp(out->bytes, nonce) != 0) {
        err = CJD_ERR_CRYPTO;
    } else {
        challenge(k, out, message, len);
        crypto_core_ed25519_scalar_mul(product, k, secret);
        crypto_core_ed25519_scalar_add(out->bytes + 32, product, nonce);
    }
    sodium_memzero(scalar, sizeof scalar);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(nonce, sizeof nonce);
    sodium_memzero(product, sizeof product);
    return err;
}
