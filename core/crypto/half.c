#include <crypto/half.h>

#include <string.h>

#include <base/wire.h>
#include <crypto/box.h>
#include <sodium.h>

void cjd_half_reset(struct cjd_ca_half *half)
{
    sodium_memzero(half, sizeof *half);
}

void cjd_half_start_responder(struct cjd_ca_half *half, const struct cjd_key *temp,
                              const uint8_t key_shared[32])
{
    cjd_half_reset(half);
    half->next = CJD_CA_RECEIVED_HELLO;
    half->peer_temp_key = *temp;
    memcpy(half->key_shared, key_shared, sizeof half->key_shared);
    half->has_key_shared = true;
}

/* The session secret of both temporary keys (§5); never with a password. */
static bool compute_secret(struct cjd_ca_half *half, const struct cjd_key *peer_temp)
{
    uint8_t shared[32];

    if (cjd_box_shared(shared, half->temp_secret, peer_temp) != 0) {
        return false;
    }
    cjd_box_key(half->secret, shared, NULL);
    sodium_memzero(shared, sizeof shared);
    half->has_secret = true;
    return true;
}

bool cjd_half_take_key(struct cjd_ca_half *half, const struct cjd_key *temp)
{
    if (!compute_secret(half, temp)) {
        return false;
    }
    half->peer_temp_key = *temp;
    return true;
}

bool cjd_half_open(struct cjd_ca_half *half, const struct cjd_pkt *pkt)
{
    uint8_t *p = cjd_pkt_data(pkt);
    uint8_t nonce[24];

    cjd_box_nonce(nonce, cjd_load32(p), !half->is_initiator);
    return cjd_box_open(p + CJD_CA_DATA_BYTES, pkt->len - CJD_CA_DATA_BYTES, p + 4, nonce,
                        half->secret);
}

void cjd_half_skip(struct cjd_ca_half *half, uint32_t n)
{
    /* At the limit the session is given up before it transmits again (§8). */
    if (half->next < CJD_CA_COUNTER_LIMIT) {
        half->next += n;
    }
}

/* §7.2 step 2. What the session secret was made of is no longer needed (H9). */
static void establish(struct cjd_ca_half *half, uint32_t counter)
{
    half->is_established = true;
    cjd_half_skip(half, 3);
    /* The window counts what the first counter leaves out, then starts behind it. It was empty:
     * only authenticated packets touch it (H2), and this is the first. */
    (void)cjd_replay_accept(&half->replay, counter);
    half->replay.base = counter + 1;
    half->replay.bits = 0;
    sodium_memzero(half->temp_secret, sizeof half->temp_secret);
    sodium_memzero(half->key_shared, sizeof half->key_shared);
    half->has_key_shared = false;
}

enum cjd_ca_result cjd_half_open_first(struct cjd_ca_half *half, const struct cjd_pkt *pkt)
{
    if (half->next < CJD_CA_SENT_KEY) {
        return CJD_CA_NO_SESSION;
    }
    if (!half->has_secret && !compute_secret(half, &half->peer_temp_key)) {
        return CJD_CA_DECRYPT;
    }
    if (!cjd_half_open(half, pkt)) {
        return CJD_CA_DECRYPT;
    }
    establish(half, cjd_load32(cjd_pkt_data(pkt)));
    return CJD_CA_OK;
}

/* Temporary keys are as good as random, so 8 bytes tell them apart. */
static uint64_t recent_id(const struct cjd_key *temp)
{
    return cjd_load64(temp->b);
}

/* Index of the key, or CJD_CA_RECENT. */
static unsigned recent_find(const struct cjd_ca_recent *recent, const struct cjd_key *temp)
{
    unsigned used = recent->count < CJD_CA_RECENT ? recent->count : CJD_CA_RECENT;
    uint64_t id = recent_id(temp);

    for (unsigned i = 0; i < used; i++) {
        if (recent->id[i] == id) {
            return i;
        }
    }
    return CJD_CA_RECENT;
}

void cjd_recent_add(struct cjd_ca_recent *recent, const struct cjd_key *temp)
{
    if (recent_find(recent, temp) < CJD_CA_RECENT) {
        return;
    }
    unsigned at = recent->count % CJD_CA_RECENT;
    recent->id[at] = recent_id(temp);
    recent->stale &= ~(1u << at);
    recent->count++;
}

void cjd_recent_retire_all(struct cjd_ca_recent *recent)
{
    recent->stale = (1u << CJD_CA_RECENT) - 1;
}

bool cjd_recent_is_stale(const struct cjd_ca_recent *recent, const struct cjd_key *temp)
{
    unsigned at = recent_find(recent, temp);
    return at < CJD_CA_RECENT && (recent->stale >> at & 1) != 0;
}

void cjd_pending_build(struct cjd_ca *ca, const struct cjd_key *temp, const uint8_t key_shared[32],
                       uint64_t now_ns)
{
    cjd_half_start_responder(&ca->pending, temp, key_shared);
    ca->has_pending = true;
    ca->sends_pending = false;
    ca->pending_since_ns = now_ns;
}

void cjd_pending_drop(struct cjd_ca *ca)
{
    cjd_half_reset(&ca->pending);
    ca->has_pending = false;
    ca->owes_key = false;
    ca->sends_pending = false;
}

void cjd_pending_promote(struct cjd_ca *ca, uint64_t last_ns)
{
    ca->live = ca->pending;
    ca->last_ns = last_ns;
    memcpy(ca->login, ca->pending_login, sizeof ca->login);
    ca->promotions++;
    cjd_pending_drop(ca);
}

void cjd_pending_on_live_data(struct cjd_ca *ca, uint64_t now_ns)
{
    ca->sends_pending = false;
    /* A peer that sent this hello has forgotten the live half: data under it so much later, more
     * than packets are ever reordered, proves the hello a replay. */
    if (cjd_half_age(ca->pending_since_ns, now_ns) >= CJD_CA_SETUP_TIMEOUT) {
        unsigned at = recent_find(&ca->recent, &ca->pending.peer_temp_key);
        if (at < CJD_CA_RECENT) {
            ca->recent.stale |= 1u << at;
        }
        cjd_pending_drop(ca);
    }
}

void cjd_pending_expire(struct cjd_ca *ca, uint64_t now_ns)
{
    uint64_t silent_since = ca->last_ns > ca->pending_since_ns ? ca->last_ns : ca->pending_since_ns;

    if (cjd_half_age(ca->pending_since_ns, now_ns) >= CJD_CA_PENDING_TIMEOUT) {
        cjd_pending_drop(ca);
    } else {
        ca->sends_pending = cjd_half_age(silent_since, now_ns) >= CJD_CA_SETUP_TIMEOUT;
    }
}
