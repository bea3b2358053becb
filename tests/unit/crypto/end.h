/*
 * One end of a session under test: keys, users, randomness and a session, which is either this
 * project's or the un-hardened model of the reference.
 */
#ifndef CRYPTO_END_H
#define CRYPTO_END_H

#include <testlib/testlib.h>

#include <base/time.h>
#include <crypto/cryptoauth.h>

#include "model.h"

enum { MESSAGE_MAX = 1024 };

/* A packet with the headroom a session needs, on the stack of the test. */
struct box {
    struct cjd_pkt pkt;
    uint8_t bytes[CJD_CA_HEADROOM + MESSAGE_MAX];
};

/* Puts `len` bytes into the box, as a message (with headroom) or as a received packet (without). */
struct cjd_pkt *box_message(struct box *box, const void *bytes, size_t len);
struct cjd_pkt *box_packet(struct box *box, const void *bytes, size_t len);

struct end {
    bool is_model;
    struct cjd_keypair self;
    struct cjd_users *users;
    struct cjd_ca_node node;
    struct test_script script;
    struct cjd_ca ca;
    struct model model;
};

void end_init(struct end *end, bool is_model, const uint8_t secret[32]);
void end_fini(struct end *end);

/* A fresh session; what was there is wiped. credentials NULL: none. */
void end_session(struct end *end, const struct cjd_key *peer, bool requires_auth,
                 const struct cjd_credentials *credentials, uint64_t now_ns);
/* Randomness from these bytes alone; end_script_is_used() tells whether all were drawn. */
void end_script(struct end *end, const uint8_t *bytes, size_t len);
void end_rng(struct end *end, struct cjd_rng rng);
bool end_script_is_used(const struct end *end);

/* Fails the test if the session refuses to seal. is_reply: to a handshake packet's message. */
void end_seal(struct end *end, struct cjd_pkt *pkt, bool is_reply, uint64_t now_ns);
int end_open(struct end *end, struct cjd_pkt *pkt, uint64_t now_ns);
void end_expire(struct end *end, uint64_t now_ns);

int end_state(const struct end *end);
uint32_t end_next(const struct end *end);
void end_set_next(struct end *end, uint32_t next);
bool end_is_initiator(const struct end *end);
bool end_owes_key(const struct end *end);
struct cjd_replay end_replay(const struct end *end);

/* A handshake packet made by hand, with any word and any temporary key. `secret` and `key` are the
 * two keys of its box: permanent ones for hellos, responder's permanent and initiator's temporary
 * key for key packets. */
struct craft {
    uint32_t word;
    const uint8_t *secret;
    const struct cjd_key *key;
    const struct cjd_key *from; /* permanent key in the header */
    const uint8_t *temp;        /* 32 bytes */
    const struct cjd_credentials *credentials;
};
struct cjd_pkt *craft_packet(struct box *box, const struct craft *craft);

/* Two ends that know each other's keys, with system-like seeded randomness. */
struct pair {
    struct end end[2];
    struct test_rng seed[2];
    uint64_t now_ns;
};
void pair_init(struct pair *pair, bool is_model0, bool is_model1, uint64_t seed);
void pair_fini(struct pair *pair);
/* Seals a message at `from`, opens it at the other end; the result of opening. */
int pair_send(struct pair *pair, int from, bool is_reply);
/* hello, key, data, data: both ends established, end 0 the initiator. */
void pair_establish(struct pair *pair);

#endif
