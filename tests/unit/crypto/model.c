#include "model.h"

#include <string.h>

#include <base/time.h>
#include <base/wire.h>
#include <sodium.h>

void model_init(struct model *m, const struct cjd_ca_node *node, const struct cjd_key *peer,
                bool requires_auth, uint64_t now_ns)
{
    memset(m, 0, sizeof *m);
    m->node = node;
    m->peer = *peer;
    cjd_addr_of_key(&m->peer_addr, peer);
    m->requires_auth = requires_auth;
    m->last_s = now_ns / CJD_S;
}

static void reset(struct model *m)
{
    m->next = 0;
    m->is_initiator = false;
    m->is_established = false;
    memset(m->temp_secret, 0, 32);
    memset(m->temp_key, 0, 32);
    memset(m->peer_temp_key, 0, 32);
    memset(m->secret, 0, 32);
    memset(&m->replay, 0, sizeof m->replay);
}

void model_expire(struct model *m, uint64_t now_ns)
{
    uint64_t age = now_ns / CJD_S - m->last_s;

    if (m->next != 1 && age >= (m->is_established ? 60 : 10)) {
        reset(m);
        m->last_s = now_ns / CJD_S;
    }
}

static bool box_key(uint8_t out[32], const uint8_t *secret, const uint8_t *key,
                    const uint8_t *password)
{
    uint8_t both[64];

    if (!password) {
        return crypto_box_beforenm(out, key, secret) == 0;
    }
    if (crypto_scalarmult(both, secret, key) != 0) {
        return false;
    }
    memcpy(both + 32, password, 32);
    crypto_hash_sha256(out, both, sizeof both);
    return true;
}

static void data_nonce(uint8_t out[24], uint32_t counter, bool by_initiator)
{
    memset(out, 0, 24);
    for (int i = 0; i < 4; i++) {
        out[(by_initiator ? 4 : 0) + i] = (uint8_t)(counter >> 8 * i);
    }
}

static void seal_handshake(struct model *m, struct cjd_pkt *pkt)
{
    uint8_t key[32];
    uint8_t box[4096];
    uint8_t plain[4096];

    (void)cjd_pkt_push(pkt, 120);
    uint8_t *p = cjd_pkt_data(pkt);
    cjd_store32(p, m->next);
    cjd_rng_fill(&m->node->rng, p + 4, 12);
    p[4] = p[14] = p[15] = 0;
    if (m->credentials.type != 0) {
        memcpy(p + 4, m->credentials.lookup, 8);
        memset(p + 12, 0, 4);
    }
    cjd_rng_fill(&m->node->rng, p + 16, 24);
    memcpy(p + 40, m->node->self->key.b, 32);
    if (m->next == 0 || m->next == 2) {
        cjd_rng_fill(&m->node->rng, m->temp_secret, 32);
        crypto_scalarmult_base(m->temp_key, m->temp_secret);
    }
    memcpy(p + 88, m->temp_key, 32);
    (void)box_key(key, m->node->self->secret, m->next < 2 ? m->peer.b : m->peer_temp_key,
                  m->credentials.type ? m->credentials.secret : NULL);
    memcpy(plain, p + 88, pkt->len - 88);
    crypto_secretbox_easy(box, plain, pkt->len - 88, p + 16, key);
    memcpy(p + 72, box, pkt->len - 72);
    if (m->next == 0) {
        m->is_initiator = true;
    }
    m->next = m->next < 2 ? 1 : 3;
}

void model_seal(struct model *m, struct cjd_pkt *pkt, uint64_t now_ns)
{
    uint8_t nonce[24];
    uint8_t box[4096];

    model_expire(m, now_ns);
    if (m->next >= 0xfffffff0u) {
        reset(m);
    }
    if (m->next < 4) {
        seal_handshake(m, pkt);
        return;
    }
    if (m->next == 4) {
        (void)box_key(m->secret, m->temp_secret, m->peer_temp_key, NULL);
    }
    data_nonce(nonce, m->next, m->is_initiator);
    crypto_secretbox_easy(box, cjd_pkt_data(pkt), pkt->len, nonce, m->secret);
    (void)cjd_pkt_push(pkt, 20);
    cjd_store32(cjd_pkt_data(pkt), m->next);
    memcpy(cjd_pkt_data(pkt) + 4, box, pkt->len - 4);
    m->next++;
}

static bool open_data_box(const struct model *m, struct cjd_pkt *pkt, const uint8_t *secret)
{
    uint8_t *p = cjd_pkt_data(pkt);
    uint8_t nonce[24];
    uint8_t plain[4096];

    data_nonce(nonce, cjd_load32(p), !m->is_initiator);
    if (crypto_secretbox_open_easy(plain, p + 4, pkt->len - 4, nonce, secret) != 0) {
        return false;
    }
    memcpy(p + 20, plain, pkt->len - 20);
    return true;
}

static int open_data(struct model *m, struct cjd_pkt *pkt, uint64_t now_ns)
{
    uint32_t counter = cjd_load32(cjd_pkt_data(pkt));
    uint8_t secret[32];

    memcpy(secret, m->secret, 32);
    if (!m->is_established) {
        if (m->next < 3) {
            return CJD_CA_NO_SESSION;
        }
        if (!box_key(secret, m->temp_secret, m->peer_temp_key, NULL)) {
            return CJD_CA_DECRYPT;
        }
    }
    bool is_open = open_data_box(m, pkt, secret);
    /* W2: before the session is established the window moves even if the box does not open. */
    bool is_new = (is_open || !m->is_established) && cjd_replay_accept(&m->replay, counter);
    if (!is_open || !is_new) {
        return is_open ? CJD_CA_REPLAY : CJD_CA_DECRYPT;
    }
    if (!m->is_established) {
        memcpy(m->secret, secret, 32);
        m->is_established = true;
        m->next += 3;
        m->replay.base = counter + 1;
        m->replay.bits = 0;
    }
    m->last_s = now_ns / CJD_S;
    (void)cjd_pkt_pull(pkt, 20);
    return CJD_CA_OK;
}

static void yield(struct model *m, const uint8_t temp[32])
{
    reset(m);
    memcpy(m->peer_temp_key, temp, 32);
    m->next = 2;
}

static int take_hello(struct model *m, uint32_t word, const uint8_t temp[32])
{
    if (memcmp(temp, m->peer_temp_key, 32) == 0) {
        if (word == 0 || (m->next != 2 && m->next != 3)) {
            return CJD_CA_INVALID;
        }
        memset(&m->replay, 0, sizeof m->replay);
    } else if (m->next != 1 || memcmp(m->peer.b, m->node->self->key.b, 32) < 0) {
        yield(m, temp);
    }
    return CJD_CA_OK;
}

static int take_key(struct model *m, uint32_t word, const uint8_t temp[32])
{
    bool is_known = memcmp(temp, m->peer_temp_key, 32) == 0;

    if (m->next >= 4 && (word == 2) == is_known) {
        return CJD_CA_INVALID;
    }
    memcpy(m->peer_temp_key, temp, 32);
    if (m->next == 1) {
        m->next = 4;
    } else if (m->next > 4) {
        (void)box_key(m->secret, m->temp_secret, m->peer_temp_key, NULL);
        m->next++;
    }
    memset(&m->replay, 0, sizeof m->replay);
    return CJD_CA_OK;
}

/* §7.3, checks b to f. */
static int check_sender(const struct model *m, const uint8_t *p, const struct cjd_user *user)
{
    if (memcmp(p + 40, m->peer.b, 32) != 0) {
        return CJD_CA_WRONG_KEY;
    }
    if (user && user->is_restricted && memcmp(&user->only, &m->peer_addr, 16) != 0) {
        return CJD_CA_IP_RESTRICTED;
    }
    if (!user && m->requires_auth) {
        return CJD_CA_AUTH_REQUIRED;
    }
    if (!user && p[4] != 0) {
        return CJD_CA_UNKNOWN_AUTH;
    }
    return cjd_load32(p) >= 2 && !m->is_initiator ? CJD_CA_STRAY_KEY : CJD_CA_OK;
}

static int open_handshake(struct model *m, struct cjd_pkt *pkt)
{
    static const uint8_t zero[32];
    uint8_t *p = cjd_pkt_data(pkt);
    uint32_t word = cjd_load32(p);
    uint8_t key[32];
    uint8_t plain[4096];

    if (pkt->len < 120) {
        return CJD_CA_RUNT;
    }
    const struct cjd_user *user = cjd_users_find(m->node->users, p + 4);
    int result = check_sender(m, p, user);
    if (result != CJD_CA_OK) {
        return result;
    }
    const uint8_t *own = word < 2 ? m->node->self->secret : m->temp_secret;
    if (!box_key(key, own, m->peer.b, user ? user->secret : NULL) ||
        crypto_secretbox_open_easy(plain, p + 72, pkt->len - 72, p + 16, key) != 0) {
        return CJD_CA_HANDSHAKE_DECRYPT;
    }
    if (memcmp(plain, zero, 32) == 0) {
        return CJD_CA_WISEGUY;
    }
    result = word < 2 ? take_hello(m, word, plain) : take_key(m, word, plain);
    if (result == CJD_CA_OK) {
        memcpy(p + 88, plain, pkt->len - 88);
        (void)cjd_pkt_pull(pkt, 120);
    }
    return result;
}

int model_open(struct model *m, struct cjd_pkt *pkt, uint64_t now_ns)
{
    if (pkt->len < 20) {
        return CJD_CA_RUNT;
    }
    uint32_t word = cjd_load32(cjd_pkt_data(pkt));
    if (word >= 4) {
        return open_data(m, pkt, now_ns);
    }
    return m->is_established && word >= 2 ? CJD_CA_KEY_ESTABLISHED : open_handshake(m, pkt);
}

int model_state(const struct model *m)
{
    if (m->is_established) {
        return CJD_CA_ESTABLISHED;
    }
    return m->next > 4 ? CJD_CA_RECEIVED_KEY : (int)m->next;
}
