/*
 * Replays one end of a recorded CryptoAuth conversation of which that end's secrets are known: what
 * it sent must come out byte for byte, what it received must open.
 */
#ifndef CJD_TEST_TRANSCRIPT_H
#define CJD_TEST_TRANSCRIPT_H

#include <testlib/testlib.h>

#include <base/pool.h>
#include <cjd/text.h>
#include <crypto/cryptoauth.h>

struct transcript {
    struct cjd_keypair self;
    struct cjd_users *users;
    struct test_script script;
    uint8_t script_bytes[256];
    struct cjd_ca_node node;
    struct cjd_ca ca;
    struct cjd_pool *pool;
    uint8_t temp_secret[32];
};

void transcript_init(struct transcript *t, const char *secret, const char *peer_public,
                     const char *temp_secret);
void transcript_fini(struct transcript *t);

/* Seals `plain` as the recorded packet was sealed (its random parts are read from it) and compares.
 */
void transcript_sent(struct transcript *t, const uint8_t *packet, size_t len, const uint8_t *plain,
                     size_t plain_len);
/* Opens the recorded packet and gives its plaintext. Returns the length. */
size_t transcript_received(struct transcript *t, const uint8_t *packet, size_t len, uint8_t *plain,
                           size_t cap);

#endif
