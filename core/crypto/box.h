/*
 * Shared secrets, nonces and sealing. Source: CryptoAuth notes §1, §5, §6.
 * Stateless; the callers wipe what they get. Internal to this room and its tests.
 */
#ifndef CJD_CRYPTO_BOX_H
#define CJD_CRYPTO_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>
#include <cjd/types.h>

/* X25519. CJD_ERR_CRYPTO: the key is of low order (H4). */
CJD_MUST_CHECK int cjd_box_shared(uint8_t out[32], const uint8_t secret[32],
                                  const struct cjd_key *key);

/* Box key from an X25519 result. password_secret: SHA-256(password), NULL: no password. */
void cjd_box_key(uint8_t out[32], const uint8_t shared[32], const uint8_t *password_secret);

/* Nonce of a data packet. */
void cjd_box_nonce(uint8_t out[24], uint32_t counter, bool is_sent_by_initiator);

/* Both in place. Opening touches the message only if it authenticates. */
void cjd_box_seal(uint8_t *message, size_t len, uint8_t mac[16], const uint8_t nonce[24],
                  const uint8_t key[32]);
CJD_MUST_CHECK bool cjd_box_open(uint8_t *message, size_t len, const uint8_t mac[16],
                                 const uint8_t nonce[24], const uint8_t key[32]);

#endif
