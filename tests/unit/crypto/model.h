/*
 * The reference's behaviour without the hardening of CryptoAuth notes §13.4, written down as
 * plainly as §5–9 put it and independently of core/crypto (only users and the replay window are
 * shared). It stands for the other end in interoperability tests; test_scenarios.c shows that it
 * meets every scenario of the vectors unchanged.
 */
#ifndef CRYPTO_MODEL_H
#define CRYPTO_MODEL_H

#include <crypto/cryptoauth.h>

struct model {
    const struct cjd_ca_node *node;
    struct cjd_key peer;
    struct cjd_addr peer_addr;
    bool requires_auth;
    struct cjd_credentials credentials;
    uint32_t next;
    bool is_initiator;
    bool is_established;
    uint8_t temp_secret[32];
    uint8_t temp_key[32];
    uint8_t peer_temp_key[32];
    uint8_t secret[32];
    struct cjd_replay replay;
    uint64_t last_s;
};

void model_init(struct model *m, const struct cjd_ca_node *node, const struct cjd_key *peer,
                bool requires_auth, uint64_t now_ns);
void model_expire(struct model *m, uint64_t now_ns);
/* Both in place, in a packet with headroom for a handshake header. */
void model_seal(struct model *m, struct cjd_pkt *pkt, uint64_t now_ns);
int model_open(struct model *m, struct cjd_pkt *pkt, uint64_t now_ns);
int model_state(const struct model *m);

#endif
