/* Cookies and hashes: §5. */
#include "admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <cjd/text.h>

#define HASH_CHARS 64u

/* As strtoll() reads it: the Perl library puts a space in front. */
static bool read_cookie(const struct admin_message *m, int64_t *out)
{
    char text[32];
    char *end;

    if (!m->has_cookie) {
        return false;
    }
    if (m->cookie.type == CJD_BENCODE_INT) {
        *out = m->cookie.number;
        return true;
    }
    if (m->cookie.type != CJD_BENCODE_STRING || m->cookie.len == 0 ||
        m->cookie.len >= sizeof text) {
        return false;
    }
    memcpy(text, m->cookie.bytes, m->cookie.len);
    text[m->cookie.len] = '\0';
    errno = 0;
    long long n = strtoll(text, &end, 10);
    *out = n;
    return errno == 0 && end != text;
}

static bool is_fresh(int64_t cookie, uint64_t now_s)
{
    return cookie > 0 && (uint64_t)cookie <= now_s &&
           now_s - (uint64_t)cookie <= ADMIN_COOKIE_LIFE_S;
}

/* H1: hex(SHA-256(password ‖ cookie)). */
static void first_hash(char out[HASH_CHARS + 1], const char *password, size_t len, int64_t cookie)
{
    crypto_hash_sha256_state state;
    uint8_t digest[crypto_hash_sha256_BYTES];
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)cookie);
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)password, len);
    crypto_hash_sha256_update(&state, (const uint8_t *)text, strlen(text));
    crypto_hash_sha256_final(&state, digest);
    cjd_hex_encode(out, digest, sizeof digest);
    sodium_memzero(&state, sizeof state);
    sodium_memzero(digest, sizeof digest);
}

/* The received bytes with H1 in the place of the hash. */
static void second_hash(char out[HASH_CHARS + 1], const struct admin_message *m, const char *first)
{
    crypto_hash_sha256_state state;
    uint8_t digest[crypto_hash_sha256_BYTES];
    size_t before = (size_t)(m->hash.bytes - m->bytes);
    size_t after = before + HASH_CHARS;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, m->bytes, before);
    crypto_hash_sha256_update(&state, (const uint8_t *)first, HASH_CHARS);
    crypto_hash_sha256_update(&state, m->bytes + after, m->len - after);
    crypto_hash_sha256_final(&state, digest);
    cjd_hex_encode(out, digest, sizeof digest);
}

bool admin_auth_is_good(const struct admin_message *m, const char *password, size_t password_len,
                        uint64_t now_s)
{
    char first[HASH_CHARS + 1];
    char second[HASH_CHARS + 1];
    int64_t cookie;

    if (!m->has_hash || m->hash.len != HASH_CHARS || !read_cookie(m, &cookie) ||
        !is_fresh(cookie, now_s)) {
        return false;
    }
    first_hash(first, password, password_len, cookie);
    second_hash(second, m, first);
    bool is_good = sodium_memcmp(second, m->hash.bytes, HASH_CHARS) == 0;
    sodium_memzero(first, sizeof first);
    sodium_memzero(second, sizeof second);
    return is_good;
}
