/*
 * Frames as the system hands them over, and link addresses. Pure functions, any thread.
 * Source: link notes §3.
 */
#ifndef ETH_FRAME_H
#define ETH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <cjd/beacon.h>
#include <cjd/err.h>
#include <cjd/types.h>

#define CJD_ETH_TYPE      0xfc00u
#define CJD_ETH_MAC_BYTES 6u
#define CJD_ETH_MAC_TEXT  18u /* "02:00:5e:10:00:01" with NUL */
/* Largest CryptoAuth packet that is sent or received, whatever the device could carry: what fits
 * into a small buffer of the host, as on UDP. */
#define CJD_ETH_MTU_MAX 3496u

/* What is wrong with a frame, or what it is. */
#define CJD_ETH_VERDICT_LIST(X)                                                                    \
    X(DATA, "a CryptoAuth packet")                                                                 \
    X(BEACON, "the body of a beacon")                                                              \
    X(FOREIGN, "not addressed to this machine, or its own")                                        \
    X(SOURCE, "nobody could be answered at its source address")                                    \
    X(RUNT, "no complete header")                                                                  \
    X(HEADER, "wrong framing version, magic or length")                                            \
    X(BEACON_RUNT, "a beacon that is too short")

enum cjd_eth_verdict {
#define CJD_ETH_VERDICT_ENUM(name, text) CJD_ETH_##name,
    CJD_ETH_VERDICT_LIST(CJD_ETH_VERDICT_ENUM)
#undef CJD_ETH_VERDICT_ENUM
        CJD_ETH_VERDICTS
};

/* The text of a verdict. */
const char *cjd_eth_verdict_text(enum cjd_eth_verdict verdict);

/*
 * Judges a frame. bytes: what follows the EtherType.
 * @param payload_len [out] of DATA and BEACON: it begins at bytes + CJD_ETH_HEADER_BYTES
 */
enum cjd_eth_verdict cjd_eth_frame_judge(const struct sockaddr_ll *from, size_t from_len,
                                         const uint8_t *bytes, size_t len, uint32_t *payload_len);

/* The link address of a neighbour: its MAC address. */
void cjd_eth_addr_make(struct cjd_linkaddr *out, const uint8_t mac[CJD_ETH_MAC_BYTES]);
/* Whether frames can be sent to it: one station's address, not zero. */
bool cjd_eth_mac_is_usable(const uint8_t mac[CJD_ETH_MAC_BYTES]);
bool cjd_eth_addr_is_valid(const struct cjd_linkaddr *addr);

/* "02:00:5e:10:00:01". CJD_ERR_PARSE. */
CJD_MUST_CHECK int cjd_eth_mac_parse(uint8_t mac[CJD_ETH_MAC_BYTES], const char *text);
/* Its length, or CJD_ERR_TOO_LONG. */
int cjd_eth_mac_text(const uint8_t mac[CJD_ETH_MAC_BYTES], char *out, size_t cap);

#endif
