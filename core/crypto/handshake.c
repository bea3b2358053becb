#include <crypto/handshake.h>

#include <stdio.h>
#include <string.h>

#include <base/wire.h>
#include <crypto/box.h>
#include <crypto/half.h>
#include <sodium.h>

enum { WORD_HELLO, WORD_REPEAT_HELLO, WORD_KEY, WORD_REPEAT_KEY };

/* Offsets of the fields (§4.1). */
enum { AT_CHALLENGE = 4, AT_NONCE = 16, AT_KEY = 40, AT_MAC = 72, AT_TEMP = 88, AT_MESSAGE = 120 };

_Static_assert(AT_MESSAGE == CJD_CA_HANDSHAKE_BYTES, "handshake header");

/* A received handshake packet whose box has opened. */
struct opened {
    uint32_t word;
    struct cjd_key temp;
    const struct cjd_user *user; /* NULL: none */
};

/* Cached for the life of the session (H5). NULL: the peer's key is of low order. */
static const uint8_t *static_shared(struct cjd_ca *ca)
{
    if (!ca->has_static) {
        if (cjd_box_shared(ca->static_shared, ca->node->self->secret, &ca->peer_key) != 0) {
            return NULL;
        }
        ca->has_static = true;
    }
    return ca->static_shared;
}

/* Of key packets. A responder got it with the hello; an initiator computes it once. */
static const uint8_t *key_shared(const struct cjd_ca *ca, struct cjd_ca_half *half)
{
    if (!half->has_key_shared) {
        if (cjd_box_shared(half->key_shared, half->temp_secret, &ca->peer_key) != 0) {
            return NULL;
        }
        half->has_key_shared = true;
    }
    return half->key_shared;
}

static void write_challenge(const struct cjd_ca *ca, uint8_t out[12])
{
    cjd_rng_fill(&ca->node->rng, out, 12);
    if (ca->credentials.type != 0) {
        memcpy(out, ca->credentials.lookup, 8);
        memset(out + 8, 0, 4);
    } else {
        out[0] = 0;
        out[10] = 0;
        out[11] = 0;
    }
}

static void make_temp_key(const struct cjd_ca *ca, struct cjd_ca_half *half)
{
    cjd_rng_fill(&ca->node->rng, half->temp_secret, sizeof half->temp_secret);
    crypto_scalarmult_base(half->temp_key.b, half->temp_secret);
}

static void seal_box(const struct cjd_ca *ca, const struct cjd_pkt *pkt, const uint8_t shared[32])
{
    uint8_t *p = cjd_pkt_data(pkt);
    uint8_t key[32];

    cjd_box_key(key, shared, ca->credentials.type != 0 ? ca->credentials.secret : NULL);
    cjd_box_seal(p + AT_TEMP, pkt->len - AT_TEMP, p + AT_MAC, p + AT_NONCE, key);
    sodium_memzero(key, sizeof key);
}

int cjd_handshake_seal(struct cjd_ca *ca, struct cjd_ca_half *half, struct cjd_pkt *pkt,
                       uint64_t now_ns)
{
    bool is_hello = half->next < CJD_CA_RECEIVED_HELLO;
    bool is_first = half->next == CJD_CA_INIT || half->next == CJD_CA_RECEIVED_HELLO;
    const uint8_t *shared = is_hello ? static_shared(ca) : key_shared(ca, half);

    if (!shared) {
        return CJD_ERR_CRYPTO;
    }
    if (cjd_pkt_headroom(pkt) < AT_MESSAGE || !cjd_pkt_push(pkt, AT_MESSAGE)) {
        return CJD_ERR_TOO_LONG;
    }
    /* The order of the random bytes is that of the test vectors. */
    uint8_t *p = cjd_pkt_data(pkt);
    cjd_store32(p, half->next);
    write_challenge(ca, p + AT_CHALLENGE);
    cjd_rng_fill(&ca->node->rng, p + AT_NONCE, AT_KEY - AT_NONCE);
    memcpy(p + AT_KEY, ca->node->self->key.b, AT_MAC - AT_KEY);
    if (is_first) {
        make_temp_key(ca, half);
    }
    memcpy(p + AT_TEMP, half->temp_key.b, sizeof half->temp_key.b);
    seal_box(ca, pkt, shared);

    if (half->next == CJD_CA_INIT) {
        half->is_initiator = true;
        ca->last_ns = now_ns; /* H3: only the live half begins handshakes */
    }
    if (!is_hello) {
        ca->owes_key = false;
    }
    half->next = is_hello ? CJD_CA_SENT_HELLO : CJD_CA_SENT_KEY;
    return 0;
}

/* §7.3, checks b to f. */
static enum cjd_ca_result check_sender(const struct cjd_ca *ca, const uint8_t *p, struct opened *in)
{
    const uint8_t *challenge = p + AT_CHALLENGE;

    if (memcmp(p + AT_KEY, ca->peer_key.b, sizeof ca->peer_key.b) != 0) {
        return CJD_CA_WRONG_KEY;
    }
    in->user = cjd_users_find(ca->node->users, challenge);
    if (in->user && in->user->is_restricted &&
        memcmp(in->user->only.b, ca->peer_addr.b, sizeof ca->peer_addr.b) != 0) {
        return CJD_CA_IP_RESTRICTED;
    }
    if (!in->user && ca->requires_auth) {
        return CJD_CA_AUTH_REQUIRED;
    }
    if (!in->user && challenge[0] != 0) {
        return CJD_CA_UNKNOWN_AUTH;
    }
    return in->word >= WORD_KEY && !ca->live.is_initiator ? CJD_CA_STRAY_KEY : CJD_CA_OK;
}

/* §7.3, check g. */
static bool open_box(struct cjd_ca *ca, const struct cjd_pkt *pkt, const struct opened *in)
{
    const uint8_t *shared = in->word < WORD_KEY ? static_shared(ca) : key_shared(ca, &ca->live);
    uint8_t *p = cjd_pkt_data(pkt);
    uint8_t key[32];

    if (!shared) {
        return false;
    }
    cjd_box_key(key, shared, in->user ? in->user->secret : NULL);
    bool is_open = cjd_box_open(p + AT_TEMP, pkt->len - AT_TEMP, p + AT_MAC, p + AT_NONCE, key);
    sodium_memzero(key, sizeof key);
    return is_open;
}

static bool same_key(const struct cjd_key *a, const struct cjd_key *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static void remember_login(char out[CJD_LOGIN_MAX + 1], const struct cjd_user *user)
{
    (void)snprintf(out, CJD_LOGIN_MAX + 1, "%s", user ? user->login : "");
}

/* H1 also protects a half whose key packet has come: that was made for our hello of just now, so
 * the peer lives in it. A hello that crossed ours and took a longer way would otherwise leave both
 * ends as responders that wait for each other until the timeout. */
static bool keeps_live(const struct cjd_ca *ca)
{
    return ca->live.is_established ||
           (ca->live.is_initiator && ca->live.next >= CJD_CA_RECEIVED_KEY);
}

/* A hello with a temporary key that is new. H4: one of low order is not stored. */
static enum cjd_ca_result take_new_hello(struct cjd_ca *ca, const struct opened *in,
                                         uint64_t now_ns)
{
    bool is_crossing = ca->live.next == CJD_CA_SENT_HELLO;
    bool stands_firm =
        is_crossing && memcmp(ca->peer_key.b, ca->node->self->key.b, sizeof ca->peer_key.b) >= 0;
    uint8_t shared[32];

    if (cjd_box_shared(shared, ca->node->self->secret, &in->temp) != 0) {
        return CJD_CA_HANDSHAKE_DECRYPT;
    }
    if (keeps_live(ca)) {
        cjd_pending_build(ca, &in->temp, shared, now_ns);
        remember_login(ca->pending_login, in->user);
        ca->owes_key = true;
    } else if (!stands_firm) {
        cjd_half_start_responder(&ca->live, &in->temp, shared);
        remember_login(ca->login, in->user);
        ca->last_ns = now_ns; /* H3 */
    }
    if (!stands_firm) {
        cjd_recent_add(&ca->recent, &in->temp);
    }
    sodium_memzero(shared, sizeof shared);
    return CJD_CA_OK;
}

/* §7.3, hello and repeat hello on a session that is not established; check i. */
static enum cjd_ca_result take_hello(struct cjd_ca *ca, const struct opened *in, uint64_t now_ns)
{
    bool is_known = same_key(&in->temp, &ca->live.peer_temp_key);
    bool is_waiting = ca->live.next == CJD_CA_RECEIVED_HELLO || ca->live.next == CJD_CA_SENT_KEY;

    if (!is_known) {
        return take_new_hello(ca, in, now_ns);
    }
    if (in->word == WORD_HELLO || !is_waiting) {
        return CJD_CA_INVALID;
    }
    ca->last_ns = now_ns; /* H3 */
    return CJD_CA_OK;
}

/* The same on an established session, which goes on as it is (H1, H5). */
static enum cjd_ca_result take_hello_beside(struct cjd_ca *ca, const struct opened *in,
                                            uint64_t now_ns)
{
    if (same_key(&in->temp, &ca->live.peer_temp_key)) {
        return CJD_CA_INVALID;
    }
    if (ca->has_pending && same_key(&in->temp, &ca->pending.peer_temp_key)) {
        if (in->word == WORD_HELLO) {
            return CJD_CA_INVALID;
        }
        ca->owes_key = true;
        return CJD_CA_OK;
    }
    if (cjd_recent_is_stale(&ca->recent, &in->temp)) {
        return CJD_CA_INVALID;
    }
    return take_new_hello(ca, in, now_ns);
}

/* §7.3, key and repeat key: we are initiator and not established; checks j and k. */
static enum cjd_ca_result take_key(struct cjd_ca *ca, const struct opened *in, uint64_t now_ns)
{
    struct cjd_ca_half *half = &ca->live;
    bool is_known = same_key(&in->temp, &half->peer_temp_key);

    if (half->next >= CJD_CA_RECEIVED_KEY && is_known == (in->word == WORD_KEY)) {
        return CJD_CA_INVALID;
    }
    if (!is_known && !cjd_half_take_key(half, &in->temp)) {
        return CJD_CA_HANDSHAKE_DECRYPT; /* H4 */
    }
    if (half->next == CJD_CA_SENT_HELLO) {
        half->next = CJD_CA_RECEIVED_KEY;
    } else if (half->next > CJD_CA_RECEIVED_KEY) {
        cjd_half_skip(half, 1);
    }
    remember_login(ca->login, in->user);
    ca->last_ns = now_ns; /* H3 */
    return CJD_CA_OK;
}

static enum cjd_ca_result take(struct cjd_ca *ca, const struct opened *in, uint64_t now_ns)
{
    if (sodium_is_zero(in->temp.b, sizeof in->temp.b)) {
        return CJD_CA_WISEGUY;
    }
    if (in->word >= WORD_KEY) {
        return take_key(ca, in, now_ns);
    }
    return keeps_live(ca) ? take_hello_beside(ca, in, now_ns) : take_hello(ca, in, now_ns);
}

enum cjd_ca_result cjd_handshake_open(struct cjd_ca *ca, struct cjd_pkt *pkt, uint64_t now_ns)
{
    const uint8_t *p = cjd_pkt_data(pkt);
    struct opened in = {.user = NULL};

    if (pkt->len < AT_MESSAGE) {
        return CJD_CA_RUNT;
    }
    in.word = cjd_load32(p);
    enum cjd_ca_result result = check_sender(ca, p, &in);
    if (result != CJD_CA_OK) {
        return result;
    }
    if (!open_box(ca, pkt, &in)) {
        return CJD_CA_HANDSHAKE_DECRYPT;
    }
    memcpy(in.temp.b, p + AT_TEMP, sizeof in.temp.b);
    result = take(ca, &in, now_ns);
    if (result == CJD_CA_OK) {
        (void)cjd_pkt_pull(pkt, AT_MESSAGE);
        ca->got_handshake = true;
    }
    return result;
}
