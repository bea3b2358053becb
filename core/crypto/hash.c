#include <crypto/hash.h>

#include <sodium.h>

void cjd_sha256(uint8_t out[CJD_SHA256_BYTES], const void *bytes, size_t len)
{
    crypto_hash_sha256(out, bytes, len);
}
