#include <cjd/beacon.h>

#include <string.h>

#define MAGIC_UDP 0xfffffffcu
#define MAGIC_ETH 0xfc00u

static uint32_t load16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t load32(const uint8_t *p)
{
    return load16(p) << 16 | load16(p + 2);
}

static void store16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void store32(uint8_t *p, uint32_t v)
{
    store16(p, v >> 16);
    store16(p + 2, v);
}

int cjd_beacon_parse(struct cjd_beacon *out, const uint8_t *bytes, size_t len)
{
    if (len < CJD_BEACON_BYTES) {
        return CJD_ERR_PARSE;
    }
    out->version = load32(bytes);
    memcpy(out->password, bytes + 4, sizeof out->password);
    memcpy(out->key.b, bytes + 24, sizeof out->key.b);
    return 0;
}

void cjd_beacon_write(uint8_t out[CJD_BEACON_BYTES], const struct cjd_beacon *beacon)
{
    store32(out, beacon->version);
    memcpy(out + 4, beacon->password, sizeof beacon->password);
    memcpy(out + 24, beacon->key.b, sizeof beacon->key.b);
}

int cjd_udp_beacon_parse(struct cjd_beacon *out, uint16_t *port, const uint8_t *bytes, size_t len)
{
    if (len < CJD_UDP_BEACON_BYTES || load32(bytes) != MAGIC_UDP || load16(bytes + 4) != 0) {
        return CJD_ERR_PARSE;
    }
    *port = (uint16_t)load16(bytes + 6);
    return cjd_beacon_parse(out, bytes + 8, len - 8);
}

void cjd_udp_beacon_write(uint8_t out[CJD_UDP_BEACON_BYTES], const struct cjd_beacon *beacon,
                          uint16_t port)
{
    store32(out, MAGIC_UDP);
    store16(out + 4, 0);
    store16(out + 6, port);
    cjd_beacon_write(out + 8, beacon);
}

int cjd_eth_parse(const uint8_t *bytes, size_t len)
{
    /* Framing version and magic; the reserved byte is not checked. */
    if (len < CJD_ETH_HEADER_BYTES || bytes[0] != 0 || load16(bytes + 4) != MAGIC_ETH) {
        return CJD_ERR_PARSE;
    }
    uint32_t claimed = load16(bytes + 2);
    /* The length counts the header too (link notes §9, pitfall 1). */
    if (claimed < CJD_ETH_HEADER_BYTES || claimed > len) {
        return CJD_ERR_PARSE;
    }
    return (int)(claimed - CJD_ETH_HEADER_BYTES);
}

void cjd_eth_write(uint8_t out[CJD_ETH_HEADER_BYTES], uint16_t payload_len)
{
    out[0] = 0;
    out[1] = 0;
    store16(out + 2, payload_len + CJD_ETH_HEADER_BYTES);
    store16(out + 4, MAGIC_ETH);
}
