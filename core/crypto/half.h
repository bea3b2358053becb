/*
 * The two halves of a session: the live one and the pending responder of H1; and the memory of
 * hellos (H5). Source: CryptoAuth notes §7, §13.4. Internal to this room.
 *
 * Life of a pending half, times since it was built:
 *   a data packet opens under it        it replaces the live half
 *   from 10 s, live half still used     dropped: the hello was a replay, its key is remembered
 *   from 10 s, live half silent 10 s    the session transmits with it (repeat key packets)
 *   20 s                                dropped; the next accepted hello builds a new one
 */
#ifndef CJD_CRYPTO_HALF_H
#define CJD_CRYPTO_HALF_H

#include <base/time.h>
#include <crypto/cryptoauth.h>

#define CJD_CA_SETUP_TIMEOUT      (10 * CJD_S)
#define CJD_CA_INACTIVITY_TIMEOUT (60 * CJD_S)
#define CJD_CA_PENDING_TIMEOUT    (20 * CJD_S)

static inline uint64_t cjd_half_age(uint64_t since_ns, uint64_t now_ns)
{
    return now_ns > since_ns ? now_ns - since_ns : 0;
}

/* Back to INIT, all keys wiped. */
void cjd_half_reset(struct cjd_ca_half *half);

/* RECEIVED_HELLO with the peer's temporary key, whose key_shared the caller has computed. */
void cjd_half_start_responder(struct cjd_ca_half *half, const struct cjd_key *temp,
                              const uint8_t key_shared[32]);

/* Takes the peer's temporary key of a key packet. False: it is of low order, nothing changed. */
CJD_MUST_CHECK bool cjd_half_take_key(struct cjd_ca_half *half, const struct cjd_key *temp);

/* Opens a data packet under the half's secret, in place. */
CJD_MUST_CHECK bool cjd_half_open(struct cjd_ca_half *half, const struct cjd_pkt *pkt);

/* First data packet of a half in SENT_KEY or beyond: opens it, and the half is established. */
CJD_MUST_CHECK enum cjd_ca_result cjd_half_open_first(struct cjd_ca_half *half,
                                                      const struct cjd_pkt *pkt);

/* Raises `next`, never beyond what a 32-bit counter holds. */
void cjd_half_skip(struct cjd_ca_half *half, uint32_t n);

void cjd_recent_add(struct cjd_ca_recent *recent, const struct cjd_key *temp);
/* The peer has shown that it is past all hellos remembered so far. */
void cjd_recent_retire_all(struct cjd_ca_recent *recent);
bool cjd_recent_is_stale(const struct cjd_ca_recent *recent, const struct cjd_key *temp);

void cjd_pending_build(struct cjd_ca *ca, const struct cjd_key *temp, const uint8_t key_shared[32],
                       uint64_t now_ns);
void cjd_pending_drop(struct cjd_ca *ca);
/* The pending half becomes the live one. */
void cjd_pending_promote(struct cjd_ca *ca, uint64_t last_ns);
/* A data packet opened under the live half. */
void cjd_pending_on_live_data(struct cjd_ca *ca, uint64_t now_ns);
void cjd_pending_expire(struct cjd_ca *ca, uint64_t now_ns);

#endif
