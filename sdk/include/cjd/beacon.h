/**
 * Beacons, and the frame header of Ethernet links: bytes on the wire, nothing else.
 *
 * Compiled into plugins and the core (sdk/src). Pure; any thread. Whether a beacon is believed (own
 * key, version, address) is the host's to judge. Source: link notes §3.1, §4.1, §4.2.
 */
#ifndef CJD_BEACON_H
#define CJD_BEACON_H

#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>
#include <cjd/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CJD_BEACON_PASSWORD_BYTES 20u
#define CJD_BEACON_BYTES          56u
#define CJD_UDP_BEACON_BYTES      64u
#define CJD_ETH_HEADER_BYTES      6u /**< what follows the EtherType 0xfc00 */

struct cjd_beacon {
    uint32_t version;                            /**< protocol version of the sender */
    uint8_t password[CJD_BEACON_PASSWORD_BYTES]; /**< raw bytes, may contain NUL */
    struct cjd_key key;
};

/** [any] Reads a body; bytes after it are ignored. CJD_ERR_PARSE: too short. */
CJD_MUST_CHECK int cjd_beacon_parse(struct cjd_beacon *out, const uint8_t *bytes, size_t len);
/** [any] Writes the 56 bytes of a body. */
void cjd_beacon_write(uint8_t out[CJD_BEACON_BYTES], const struct cjd_beacon *beacon);

/** [any] The same with the UDP prefix; port: where the sender receives link traffic. */
CJD_MUST_CHECK int cjd_udp_beacon_parse(struct cjd_beacon *out, uint16_t *port,
                                        const uint8_t *bytes, size_t len);
void cjd_udp_beacon_write(uint8_t out[CJD_UDP_BEACON_BYTES], const struct cjd_beacon *beacon,
                          uint16_t port);

/**
 * [any] Checks the header behind the EtherType and finds the payload: padding after it is cut.
 * @param bytes what follows the EtherType
 * @return length of the payload, which begins at bytes + CJD_ETH_HEADER_BYTES; or CJD_ERR_PARSE
 */
CJD_MUST_CHECK int cjd_eth_parse(const uint8_t *bytes, size_t len);
/** [any] Writes the header for a payload of that length. */
void cjd_eth_write(uint8_t out[CJD_ETH_HEADER_BYTES], uint16_t payload_len);

#ifdef __cplusplus
}
#endif

#endif
