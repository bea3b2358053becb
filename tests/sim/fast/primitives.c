/*
 * Stand-ins for the costly primitives of libsodium that core/crypto uses, for simulations of
 * thousands of nodes: the same functions, sizes and failures, and NO SECURITY AT ALL. Linked into
 * cjdsim_fast in front of libsodium; never part of the daemon.
 *
 *  - X25519: powers in the field of 2^61 − 1. Both ends get the same secret; a key of low order
 *    (0 or 1) is refused.
 *  - XSalsa20-Poly1305: the text stays as it is; the 16 bytes of the authenticator are a checksum
 * of text, nonce and key, so a wrong key or a changed bit is noticed as before. Hashes stay
 * libsodium's: addresses come from them.
 */
#include <stdint.h>
#include <string.h>

#include <sodium.h>

#define PRIME ((1ull << 61) - 1)
#define BASE  37ull

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
    return x ^ (x >> 32);
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    uint64_t sum = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);
    return sum >= PRIME ? sum - PRIME : sum;
}

static uint64_t power(uint64_t base, uint64_t exponent)
{
    uint64_t out = 1;

    for (; exponent > 0; exponent >>= 1) {
        out = exponent & 1 ? multiply(out, base) : out;
        base = multiply(base, base);
    }
    return out;
}

static uint64_t load(const unsigned char *bytes)
{
    uint64_t v;

    memcpy(&v, bytes, sizeof v);
    return v;
}

/* 32 bytes that look like a key and stand for one number. */
static void expand(unsigned char *out, uint64_t number)
{
    memcpy(out, &number, sizeof number);
    for (unsigned i = 1; i < 4; i++) {
        uint64_t v = mix(number + i * 0x9e3779b97f4a7c15ull);
        memcpy(out + 8 * i, &v, sizeof v);
    }
}

static uint64_t exponent_of(const unsigned char *secret)
{
    uint64_t v = mix(load(secret)) ^ mix(load(secret + 8) + 1) ^ mix(load(secret + 16) + 2) ^
                 mix(load(secret + 24) + 3);
    return v % (PRIME - 3) + 2;
}

int crypto_scalarmult_base(unsigned char *q, const unsigned char *n)
{
    expand(q, power(BASE, exponent_of(n)));
    return 0;
}

int crypto_scalarmult(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
    uint64_t base = load(p) % PRIME;

    if (base < 2) {
        return -1;
    }
    expand(q, power(base, exponent_of(n)));
    return 0;
}

static void checksum(unsigned char *mac, const unsigned char *m, unsigned long long len,
                     const unsigned char *n, const unsigned char *k)
{
    uint64_t a = load(k) ^ load(n) ^ len;
    uint64_t b = load(k + 8) ^ load(n + 8) ^ mix(load(n + 16));

    a = mix(a ^ load(k + 16));
    b = mix(b ^ load(k + 24));
    for (; len >= 8; len -= 8, m += 8) {
        a = (a ^ load(m)) * 0x9e3779b97f4a7c15ull;
        a ^= a >> 29;
        b += a;
    }
    uint64_t rest = 0;
    memcpy(&rest, m, (size_t)len);
    a = mix(a ^ rest);
    b = mix(b + a);
    memcpy(mac, &a, sizeof a);
    memcpy(mac + 8, &b, sizeof b);
}

int crypto_secretbox_detached(unsigned char *c, unsigned char *mac, const unsigned char *m,
                              unsigned long long mlen, const unsigned char *n,
                              const unsigned char *k)
{
    if (c != m) {
        memmove(c, m, (size_t)mlen);
    }
    checksum(mac, c, mlen, n, k);
    return 0;
}

int crypto_secretbox_open_detached(unsigned char *m, const unsigned char *c,
                                   const unsigned char *mac, unsigned long long clen,
                                   const unsigned char *n, const unsigned char *k)
{
    unsigned char want[16];

    checksum(want, c, clen, n, k);
    if (memcmp(want, mac, sizeof want) != 0) {
        return -1;
    }
    if (m != c) {
        memmove(m, c, (size_t)clen);
    }
    return 0;
}
