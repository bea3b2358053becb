#include <crypto/cryptoauth.h>

#include <string.h>

#include <base/time.h>
#include <base/wire.h>
#include <crypto/box.h>
#include <crypto/half.h>
#include <crypto/handshake.h>
#include <sodium.h>

const char *cjd_ca_result_text(enum cjd_ca_result result)
{
    switch (result) {
#define RESULT_TEXT(name, number, text)                                                            \
    case CJD_CA_##name:                                                                            \
        return text;
        CJD_CA_RESULT_LIST(RESULT_TEXT)
#undef RESULT_TEXT
    }
    return "unknown result";
}

void cjd_ca_init(struct cjd_ca *ca, const struct cjd_ca_node *node, const struct cjd_key *peer_key,
                 bool requires_auth, uint64_t now_ns)
{
    memset(ca, 0, sizeof *ca);
    ca->node = node;
    ca->peer_key = *peer_key;
    cjd_addr_of_key(&ca->peer_addr, peer_key);
    ca->requires_auth = requires_auth;
    ca->last_ns = now_ns;
}

void cjd_ca_fini(struct cjd_ca *ca)
{
    sodium_memzero(ca, sizeof *ca);
}

void cjd_ca_set_credentials(struct cjd_ca *ca, const struct cjd_credentials *credentials)
{
    ca->credentials = *credentials;
    cjd_ca_reset(ca);
}

void cjd_ca_reset(struct cjd_ca *ca)
{
    cjd_half_reset(&ca->live);
    cjd_pending_drop(ca);
}

/* The live half is over. A hello that came just now is answered, otherwise we say hello (§9). */
static void give_up_live(struct cjd_ca *ca, uint64_t now_ns)
{
    if (ca->has_pending && cjd_half_age(ca->pending_since_ns, now_ns) < CJD_CA_SETUP_TIMEOUT) {
        cjd_pending_promote(ca, ca->pending_since_ns);
    } else {
        cjd_ca_reset(ca);
        ca->last_ns = now_ns;
    }
}

void cjd_ca_expire(struct cjd_ca *ca, uint64_t now_ns)
{
    uint64_t limit = ca->live.is_established ? CJD_CA_INACTIVITY_TIMEOUT : CJD_CA_SETUP_TIMEOUT;

    if (ca->live.next != CJD_CA_SENT_HELLO && cjd_half_age(ca->last_ns, now_ns) >= limit) {
        give_up_live(ca, now_ns);
    } else if (ca->has_pending) {
        cjd_pending_expire(ca, now_ns);
    }
}

static int seal_data(struct cjd_ca_half *half, struct cjd_pkt *pkt)
{
    uint8_t nonce[24];

    if (pkt->len == 0) {
        return CJD_ERR_INVALID;
    }
    if (cjd_pkt_headroom(pkt) < CJD_CA_DATA_BYTES || !cjd_pkt_push(pkt, CJD_CA_DATA_BYTES)) {
        return CJD_ERR_TOO_LONG;
    }
    uint8_t *p = cjd_pkt_data(pkt);
    cjd_store32(p, half->next);
    cjd_box_nonce(nonce, half->next, half->is_initiator);
    cjd_box_seal(p + CJD_CA_DATA_BYTES, pkt->len - CJD_CA_DATA_BYTES, p + 4, nonce, half->secret);
    half->next++;
    return 0;
}

/* pays_key: the packet may be the key packet that is owed. */
static int seal(struct cjd_ca *ca, struct cjd_pkt *pkt, bool pays_key, uint64_t now_ns)
{
    cjd_ca_expire(ca, now_ns);
    if (ca->live.next >= CJD_CA_COUNTER_LIMIT) {
        give_up_live(ca, now_ns);
    }
    bool uses_pending = ca->sends_pending || (ca->owes_key && pays_key);
    struct cjd_ca_half *half = uses_pending ? &ca->pending : &ca->live;
    return half->next >= CJD_CA_RECEIVED_KEY ? seal_data(half, pkt)
                                             : cjd_handshake_seal(ca, half, pkt, now_ns);
}

int cjd_ca_seal(struct cjd_ca *ca, struct cjd_pkt *pkt, uint64_t now_ns)
{
    return seal(ca, pkt, pkt->len == 0, now_ns);
}

int cjd_ca_seal_reply(struct cjd_ca *ca, struct cjd_pkt *pkt, uint64_t now_ns)
{
    return seal(ca, pkt, true, now_ns);
}

/* The first data packet of the live half (§7.2 step 2). */
static enum cjd_ca_result open_first(struct cjd_ca *ca, const struct cjd_pkt *pkt, uint64_t now_ns)
{
    enum cjd_ca_result result = cjd_half_open_first(&ca->live, pkt);

    if (result == CJD_CA_OK) {
        cjd_recent_retire_all(&ca->recent);
        ca->last_ns = now_ns;
    }
    return result;
}

/* A data packet that is not of the live half: perhaps the first of the pending one (H1). */
static enum cjd_ca_result open_pending(struct cjd_ca *ca, const struct cjd_pkt *pkt,
                                       uint64_t now_ns)
{
    if (!ca->has_pending || cjd_half_open_first(&ca->pending, pkt) != CJD_CA_OK) {
        return CJD_CA_DECRYPT;
    }
    cjd_recent_retire_all(&ca->recent);
    cjd_pending_promote(ca, now_ns);
    return CJD_CA_OK;
}

static enum cjd_ca_result open_established(struct cjd_ca *ca, const struct cjd_pkt *pkt,
                                           uint64_t now_ns)
{
    if (!cjd_half_open(&ca->live, pkt)) {
        return open_pending(ca, pkt, now_ns);
    }
    if (!cjd_replay_accept(&ca->live.replay, cjd_load32(cjd_pkt_data(pkt)))) {
        return CJD_CA_REPLAY;
    }
    ca->last_ns = now_ns;
    if (ca->has_pending) {
        cjd_pending_on_live_data(ca, now_ns);
    }
    return CJD_CA_OK;
}

static enum cjd_ca_result open_data(struct cjd_ca *ca, struct cjd_pkt *pkt, uint64_t now_ns)
{
    enum cjd_ca_result result =
        ca->live.is_established ? open_established(ca, pkt, now_ns) : open_first(ca, pkt, now_ns);
    if (result == CJD_CA_DECRYPT && ca->has_pending && !ca->live.is_established) {
        result = open_pending(ca, pkt, now_ns);
    }
    if (result == CJD_CA_OK) {
        (void)cjd_pkt_pull(pkt, CJD_CA_DATA_BYTES);
        ca->got_handshake = false;
    }
    return result;
}

enum cjd_ca_result cjd_ca_open(struct cjd_ca *ca, struct cjd_pkt *pkt, uint64_t now_ns)
{
    if (pkt->len < CJD_CA_DATA_BYTES) {
        return CJD_CA_RUNT;
    }
    uint32_t word = cjd_load32(cjd_pkt_data(pkt));
    if (word >= 4) {
        return open_data(ca, pkt, now_ns);
    }
    if (ca->live.is_established && word >= 2) {
        return CJD_CA_KEY_ESTABLISHED;
    }
    return cjd_handshake_open(ca, pkt, now_ns);
}

enum cjd_ca_state cjd_ca_state(const struct cjd_ca *ca)
{
    const struct cjd_ca_half *half = ca->sends_pending ? &ca->pending : &ca->live;

    if (half->is_established) {
        return CJD_CA_ESTABLISHED;
    }
    return half->next < CJD_CA_RECEIVED_KEY ? (enum cjd_ca_state)half->next : CJD_CA_RECEIVED_KEY;
}

bool cjd_ca_peek(struct cjd_ca_hello *out, const uint8_t *bytes, size_t len)
{
    struct cjd_reader r = cjd_reader_of(bytes, len);

    if (len < CJD_CA_HANDSHAKE_BYTES) {
        return false;
    }
    out->word = cjd_read32(&r);
    cjd_read_copy(&r, out->challenge, sizeof out->challenge);
    (void)cjd_read_bytes(&r, 24); /* nonce */
    cjd_read_copy(&r, out->key.b, sizeof out->key.b);
    return out->word <= 3;
}
