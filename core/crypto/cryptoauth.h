/*
 * One CryptoAuth session: handshake and data packets with one peer, outer or inner.
 * Source: CryptoAuth notes §4–11; hardening H1–H5, H8, H9 of §13.4.
 *
 * A session transmits nothing of itself: each message of the upper layer becomes one packet
 * (cjd_ca_seal), each received packet gives one message (cjd_ca_open). Both work in place in a
 * packet with CJD_CA_HEADROOM bytes of headroom; no allocation.
 *
 * States (`next`, §7):    INIT 0 → SENT_HELLO 1 → RECEIVED_KEY 4 → data, counter > 4
 *                         INIT 0 → RECEIVED_HELLO 2 → SENT_KEY 3 → data
 * A hello on an established session builds a *pending* responder beside it (H1); the old session
 * goes on until a data packet opens under the pending secret (`promotions` counts that).
 *
 * What the owner must do for H1:
 *  - a message that came in a handshake packet (`got_handshake`) may be a replay even though the
 *    session is established (H6); what it announces (a handle) counts for the half it belongs to,
 *    the pending one if has_pending, and is to be adopted when `promotions` changes;
 *  - the answer to such a message goes through cjd_ca_seal_reply(); if owes_key is still set when
 *    no answer comes, an empty one (links) or one with the bare handle (inner sessions).
 *
 * Embedded in peers and sessions, which own it; the owner's thread. cjd_ca_fini() wipes it.
 */
#ifndef CJD_CRYPTO_CRYPTOAUTH_H
#define CJD_CRYPTO_CRYPTOAUTH_H

#include <stdbool.h>
#include <stdint.h>

#include <base/rng.h>
#include <cjd/packet.h>
#include <crypto/auth.h>
#include <crypto/keys.h>
#include <crypto/replay.h>

#define CJD_CA_HANDSHAKE_BYTES 120u
#define CJD_CA_DATA_BYTES      20u
#define CJD_CA_HEADROOM        CJD_CA_HANDSHAKE_BYTES

/* A session that has got so far starts over before it transmits again (§8). */
#define CJD_CA_COUNTER_LIMIT 0xfffffff0u

/* Result of cjd_ca_open(): the numbers are on the wire in inner error reports (§10). */
#define CJD_CA_RESULT_LIST(X)                                                                      \
    X(OK, 0, "ok")                                                                                 \
    X(RUNT, 1, "too short")                                                                        \
    X(NO_SESSION, 2, "data before the handshake")                                                  \
    X(KEY_ESTABLISHED, 5, "key packet for an established session")                                 \
    X(WRONG_KEY, 6, "another permanent key")                                                       \
    X(IP_RESTRICTED, 7, "login bound to another address")                                          \
    X(AUTH_REQUIRED, 8, "no known credentials")                                                    \
    X(UNKNOWN_AUTH, 9, "unknown credentials")                                                      \
    X(STRAY_KEY, 10, "key packet not expected")                                                    \
    X(HANDSHAKE_DECRYPT, 11, "handshake does not open: wrong key or password")                     \
    X(WISEGUY, 12, "temporary key is zero")                                                        \
    X(INVALID, 13, "duplicate hello or key")                                                       \
    X(REPLAY, 14, "replayed")                                                                      \
    X(DECRYPT, 15, "does not authenticate")

enum cjd_ca_result {
#define CJD_CA_RESULT_ENUM(name, number, text) CJD_CA_##name = (number),
    CJD_CA_RESULT_LIST(CJD_CA_RESULT_ENUM)
#undef CJD_CA_RESULT_ENUM
};

const char *cjd_ca_result_text(enum cjd_ca_result result);

/* Session state as reported (§7); on the wire in inner error reports. */
enum cjd_ca_state {
    CJD_CA_INIT = 0,
    CJD_CA_SENT_HELLO = 1,
    CJD_CA_RECEIVED_HELLO = 2,
    CJD_CA_SENT_KEY = 3,
    CJD_CA_RECEIVED_KEY = 4,
    CJD_CA_ESTABLISHED = 100,
};

/* What all sessions of a node share; borrowed, outlives them. */
struct cjd_ca_node {
    const struct cjd_keypair *self;
    const struct cjd_users *users;
    struct cjd_rng rng;
};

/* The half of a session that a handshake builds; there are two while a responder is pending.
 * What data packets need stands first, in one cache line. */
struct cjd_ca_half {
    uint32_t next; /* handshake state and next data counter, §7 */
    bool is_initiator;
    bool is_established;
    bool has_secret;     /* `secret` is computed */
    bool has_key_shared; /* `key_shared` is computed */
    struct cjd_replay replay;
    uint8_t secret[32]; /* box key of data packets */
    uint8_t temp_secret[32];
    struct cjd_key temp_key;
    struct cjd_key peer_temp_key; /* zero: unknown */
    /* Of key packets: X25519 of the responder's permanent and the initiator's temporary key. */
    uint8_t key_shared[32];
};

/* Temporary keys of hellos accepted lately (H5), first 8 bytes of each. A bit of `stale`: the peer
 * cannot be using that key any more, so a hello with it is a replay. */
#define CJD_CA_RECENT 16u
struct cjd_ca_recent {
    uint64_t id[CJD_CA_RECENT];
    uint32_t stale;
    uint32_t count; /* ever remembered */
};

struct cjd_ca {
    const struct cjd_ca_node *node;
    struct cjd_key peer_key;
    struct cjd_addr peer_addr;
    bool requires_auth;
    bool has_pending;    /* H1 */
    bool owes_key;       /* a key packet of the pending half is due */
    bool sends_pending;  /* the peer is silent on the live half: transmit with the pending one */
    bool has_static;     /* static_shared is computed (H5) */
    bool got_handshake;  /* last cjd_ca_open(): the message came in a handshake packet (H6) */
    uint32_t promotions; /* how often the pending half became the live one */
    struct cjd_credentials credentials;
    struct cjd_ca_half live;
    struct cjd_ca_half pending;
    uint64_t last_ns;          /* §9 lastTime of the live half */
    uint64_t pending_since_ns; /* when the pending half was built */
    uint8_t static_shared[32]; /* X25519(own permanent, peer permanent) */
    struct cjd_ca_recent recent;
    char login[CJD_LOGIN_MAX + 1]; /* of the user the peer logged in as, "" if none */
    char pending_login[CJD_LOGIN_MAX + 1];
};

/* peer_key must be a valid address key where the caller needs that (H8); it is not checked here. */
void cjd_ca_init(struct cjd_ca *ca, const struct cjd_ca_node *node, const struct cjd_key *peer_key,
                 bool requires_auth, uint64_t now_ns);
void cjd_ca_fini(struct cjd_ca *ca);

/* What own handshakes present; resets the session. */
void cjd_ca_set_credentials(struct cjd_ca *ca, const struct cjd_credentials *credentials);

/* Forgets the handshake; keys of the pair, credentials and users stay. */
void cjd_ca_reset(struct cjd_ca *ca);

/* The timeout rule of §9 and that of H1 (sends_pending); cjd_ca_seal() applies it itself,
 * cjd_ca_open() does not. */
void cjd_ca_expire(struct cjd_ca *ca, uint64_t now_ns);

/*
 * Makes the packet's data into the next CryptoAuth packet, in place. An empty message is legal only
 * in handshake packets; if a key packet is owed, it becomes that.
 * 0, CJD_ERR_INVALID (empty data message), CJD_ERR_TOO_LONG (no headroom), CJD_ERR_CRYPTO (the
 * peer's key is of low order). On failure packet and handshake are unchanged.
 */
CJD_MUST_CHECK int cjd_ca_seal(struct cjd_ca *ca, struct cjd_pkt *pkt, uint64_t now_ns);

/*
 * The same for the answer to a message that came in a handshake packet: if a key packet of the
 * pending half is owed, the message travels in it. Not for anything else: the peer cannot read
 * such a packet if the hello was a replay, so data sent with it would be lost (H1).
 */
CJD_MUST_CHECK int cjd_ca_seal_reply(struct cjd_ca *ca, struct cjd_pkt *pkt, uint64_t now_ns);

/* Opens a received packet in place: on CJD_CA_OK its data is the message. Else the session is
 * unchanged and so are length and the first 72 bytes of the packet, the others are undefined. */
CJD_MUST_CHECK enum cjd_ca_result cjd_ca_open(struct cjd_ca *ca, struct cjd_pkt *pkt,
                                              uint64_t now_ns);

/* State of the half that is used for sending. */
enum cjd_ca_state cjd_ca_state(const struct cjd_ca *ca);

static inline bool cjd_ca_is_established(const struct cjd_ca *ca)
{
    return ca->live.is_established;
}

/* Will cjd_ca_seal() make a data packet (RECEIVED_KEY or established)? User data waits for that.
 * Apply cjd_ca_expire() first. */
static inline bool cjd_ca_can_send_data(const struct cjd_ca *ca)
{
    return ca->live.next >= 4 && ca->live.next < CJD_CA_COUNTER_LIMIT && !ca->sends_pending;
}

/* Fields of a handshake packet that can be read before a session exists. False: not one. */
struct cjd_ca_hello {
    uint32_t word;
    uint8_t challenge[12];
    struct cjd_key key;
};
CJD_MUST_CHECK bool cjd_ca_peek(struct cjd_ca_hello *out, const uint8_t *bytes, size_t len);

#endif
