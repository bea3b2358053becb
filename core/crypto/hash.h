/* SHA-256 for the rooms that may not see libsodium. Pure; any thread. */
#ifndef CJD_CRYPTO_HASH_H
#define CJD_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#define CJD_SHA256_BYTES 32u

void cjd_sha256(uint8_t out[CJD_SHA256_BYTES], const void *bytes, size_t len);

#endif
