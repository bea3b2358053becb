/*
 * Handshake packets: hello, repeat hello, key, repeat key. Source: CryptoAuth notes §4.1, §5, §7.
 * Internal to this room; called by cryptoauth.c.
 */
#ifndef CJD_CRYPTO_HANDSHAKE_H
#define CJD_CRYPTO_HANDSHAKE_H

#include <crypto/cryptoauth.h>

/* Makes the message into the handshake packet that `half` (next ≤ 3) has to send. */
CJD_MUST_CHECK int cjd_handshake_seal(struct cjd_ca *ca, struct cjd_ca_half *half,
                                      struct cjd_pkt *pkt, uint64_t now_ns);

/* Words 0 to 3, of at least CJD_CA_DATA_BYTES; key packets only while not established. */
CJD_MUST_CHECK enum cjd_ca_result cjd_handshake_open(struct cjd_ca *ca, struct cjd_pkt *pkt,
                                                     uint64_t now_ns);

#endif
