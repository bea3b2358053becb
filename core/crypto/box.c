#include <crypto/box.h>

#include <string.h>

#include <sodium.h>

int cjd_box_shared(uint8_t out[32], const uint8_t secret[32], const struct cjd_key *key)
{
    return crypto_scalarmult(out, secret, key->b) == 0 ? 0 : CJD_ERR_CRYPTO;
}

void cjd_box_key(uint8_t out[32], const uint8_t shared[32], const uint8_t *password_secret)
{
    if (password_secret) {
        crypto_hash_sha256_state hash;
        crypto_hash_sha256_init(&hash);
        crypto_hash_sha256_update(&hash, shared, 32);
        crypto_hash_sha256_update(&hash, password_secret, 32);
        crypto_hash_sha256_final(&hash, out);
        sodium_memzero(&hash, sizeof hash);
    } else {
        static const uint8_t zero[16];
        crypto_core_hsalsa20(out, zero, shared, NULL);
    }
}

void cjd_box_nonce(uint8_t out[24], uint32_t counter, bool is_sent_by_initiator)
{
    uint8_t *at = out + (is_sent_by_initiator ? 4 : 0);

    memset(out, 0, 24);
    at[0] = (uint8_t)counter;
    at[1] = (uint8_t)(counter >> 8);
    at[2] = (uint8_t)(counter >> 16);
    at[3] = (uint8_t)(counter >> 24);
}

void cjd_box_seal(uint8_t *message, size_t len, uint8_t mac[16], const uint8_t nonce[24],
                  const uint8_t key[32])
{
    /* Fails only for lengths beyond what size_t can hold here. */
    (void)crypto_secretbox_detached(message, mac, message, len, nonce, key);
}

bool cjd_box_open(uint8_t *message, size_t len, const uint8_t mac[16], const uint8_t nonce[24],
                  const uint8_t key[32])
{
    return crypto_secretbox_open_detached(message, message, mac, len, nonce, key) == 0;
}
