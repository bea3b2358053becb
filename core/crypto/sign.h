/*
 * Signatures by the node's own key: the X25519 secret used as an Ed25519 scalar. Who has the
 * signing key can work out the node's public key. Source: supernode notes §4.1. Pure; any thread.
 */
#ifndef CJD_CRYPTO_SIGN_H
#define CJD_CRYPTO_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include <base/rng.h>
#include <cjd/err.h>
#include <crypto/keys.h>

#define CJD_SIGN_KEY_BYTES 32u
#define CJD_SIGN_BYTES     64u

/* An Ed25519 signature and the key that checks it. */
struct cjd_signature {
    uint8_t key[CJD_SIGN_KEY_BYTES];
    uint8_t bytes[CJD_SIGN_BYTES];
};

/* CJD_ERR_CRYPTO: the secret is of no use (it is zero). */
CJD_MUST_CHECK int cjd_sign(struct cjd_signature *out, const struct cjd_keypair *pair,
                            const struct cjd_rng *rng, const void *message, size_t len);

#endif
