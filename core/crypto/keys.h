/*
 * Permanent keys and addresses. Source: CryptoAuth notes §1–2.
 * Values; secrets are wiped by cjd_keypair_fini(). Pure; any thread.
 */
#ifndef CJD_CRYPTO_KEYS_H
#define CJD_CRYPTO_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include <base/rng.h>
#include <cjd/err.h>
#include <cjd/types.h>

struct cjd_keypair {
    uint8_t secret[32];
    struct cjd_key key;
    struct cjd_addr addr;
};

/* Must be called once before anything else in this room (libsodium's own set-up). */
CJD_MUST_CHECK int cjd_crypto_init(void);

/* First 16 bytes of SHA-512(SHA-512(key)). */
void cjd_addr_of_key(struct cjd_addr *out, const struct cjd_key *key);

/* The same, and whether the address lies in fc00::/8. */
CJD_MUST_CHECK bool cjd_addr_of_key_is_valid(struct cjd_addr *out, const struct cjd_key *key);

static inline bool cjd_addr_is_valid(const struct cjd_addr *addr)
{
    return addr->b[0] == 0xfc;
}

/* Key and address. CJD_ERR_BAD_KEY: address outside fc00::/8 (the pair is filled anyway). */
CJD_MUST_CHECK int cjd_keypair_from_secret(struct cjd_keypair *out, const uint8_t secret[32]);

/* A new pair with a valid address; about 256 tries. */
void cjd_keypair_generate(struct cjd_keypair *out, const struct cjd_rng *rng);

/* Wipes the secret. */
void cjd_keypair_fini(struct cjd_keypair *pair);

/* The system's randomness (libsodium). */
struct cjd_rng cjd_rng_system(void);

#endif
