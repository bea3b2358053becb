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
 * goes on until a data packet opens under the pending secret.
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
#define CJD_CA_DATA_BYTES 20u
#define CJD_CA_HEADROOM CJD_CA_HANDSHAKE_BYTES

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

/* The half of a session that a handshake builds; there are two while a responder is pending. */
struct cjd_ca_half {
    uint32_t next; /* handshake state and next data counter, §7 */
    bool is_initiator;
    bool is_established;
    bool has_secret; /* `secret` is computed */
    uint8_t temp_secret[32];
    struct cjd_key temp_key;
    struct cjd_key peer_temp_key; /* zero: unknown */
    uint8_t secret[32];
    struct cjd_replay replay;
};

struct cjd_ca {
    const struct cjd_ca_node *node;
    struct cjd_key peer_key;
    struct cjd_addr peer_addr;
    bool requires_auth;
    bool has_pending;     /* H1 */
    bool owes_key;        /* a key packet of the pending half is due */
    bool has_static;      /* static_shared is computed (H5) */
    struct cjd_credentials credentials;
    struct cjd_ca_half live;
    struct cjd_ca_half pending;
    uint64_t last_ns;     /* §9 lastTime */
    uint8_t static_shared[32]; /* X25519(own permanent, peer permanent) */
    char login[CJD_LOGIN_MAX + 1]; /* of the user the peer logged in as, "" if none */
};

/* peer_key must be a valid address key where the caller needs that (H8); it is not checked here. */
void cjd_ca_init(struct cjd_ca *ca, const struct cjd_ca_node *node, const struct cjd_key *peer_key,
                 bool requires_auth, uint64_t now_ns);
void cjd_ca_fini(struct cjd_ca *ca);

/* What own handshakes present; resets the session. */
void cjd_ca_set_credentials(struct cjd_ca *ca, const struct cjd_credentials *credentials);

/* Forgets the handshake; keys of the pair, credentials and users stay. */
void cjd_ca_reset(struct cjd_ca *ca);

/* The timeout rule of §9; cjd_ca_seal() applies it itself, cjd_ca_open() does not. */
void cjd_ca_expire(struct cjd_ca *ca, uint64_t now_ns);

/*
 * Makes the packet's data into the next CryptoAuth packet, in place. An empty message is legal only
 * in handshake packets.  0, CJD_ERR_INVALID (empty data message), CJD_ERR_TOO_LONG (no headroom),
 * CJD_ERR_CRYPTO (the peer's key is of low order).
 */
CJD_MUST_CHECK int cjd_ca_seal(struct cjd_ca *ca, struct cjd_pkt *pkt, uint64_t now_ns);

/* Opens a received packet in place: on CJD_CA_OK its data is the message. Else it is undefined,
 * and the session unchanged. */
CJD_MUST_CHECK enum cjd_ca_result cjd_ca_open(struct cjd_ca *ca, struct cjd_pkt *pkt,
                                              uint64_t now_ns);

/* State of the half that is used for sending. */
enum cjd_ca_state cjd_ca_state(const struct cjd_ca *ca);

static inline bool cjd_ca_is_established(const struct cjd_ca *ca)
{
    return ca->live.is_established;
}

/* May user data be sealed now (RECEIVED_KEY or established)? */
static inline bool cjd_ca_can_send_data(const struct cjd_ca *ca)
{
    return ca->live.next >= 4;
}

/* Fields of a handshake packet that can be read before a session exists. False: not one. */
struct cjd_ca_hello {
    uint32_t word;
    uint8_t challenge[12];
    struct cjd_key key;
};
CJD_MUST_CHECK bool cjd_ca_peek(struct cjd_ca_hello *out, const uint8_t *bytes, size_t len);

#endif
