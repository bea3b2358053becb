#include "eth_frame.h"

#include <stdio.h>
#include <string.h>

const char *cjd_eth_verdict_text(enum cjd_eth_verdict verdict)
{
    static const char *const texts[] = {
#define TEXT(name, text) text,
        CJD_ETH_VERDICT_LIST(TEXT)
#undef TEXT
    };
    return verdict < CJD_ETH_VERDICTS ? texts[verdict] : "unknown";
}

/* For another station (the device is promiscuous), or sent by this machine. Multicast is for us as
 * much as what has our own address: it only is no beacon (§3.2). */
static bool is_foreign(unsigned type)
{
    return type != PACKET_HOST && type != PACKET_BROADCAST && type != PACKET_MULTICAST;
}

enum cjd_eth_verdict cjd_eth_frame_judge(const struct sockaddr_ll *from, size_t from_len,
                                         const uint8_t *bytes, size_t len, uint32_t *payload_len)
{
    size_t needed = offsetof(struct sockaddr_ll, sll_addr) + CJD_ETH_MAC_BYTES;

    if (from_len < needed || from->sll_family != AF_PACKET ||
        from->sll_halen != CJD_ETH_MAC_BYTES || !cjd_eth_mac_is_usable(from->sll_addr)) {
        return CJD_ETH_SOURCE;
    }
    if (is_foreign(from->sll_pkttype)) {
        return CJD_ETH_FOREIGN;
    }
    if (len < CJD_ETH_HEADER_BYTES) {
        return CJD_ETH_RUNT;
    }
    int payload = cjd_eth_parse(bytes, len);
    if (payload < 0) {
        return CJD_ETH_HEADER;
    }
    *payload_len = (uint32_t)payload;
    if (from->sll_pkttype != PACKET_BROADCAST) {
        return CJD_ETH_DATA;
    }
    return *payload_len < CJD_BEACON_BYTES ? CJD_ETH_BEACON_RUNT : CJD_ETH_BEACON;
}

void cjd_eth_addr_make(struct cjd_linkaddr *out, const uint8_t mac[CJD_ETH_MAC_BYTES])
{
    memset(out, 0, sizeof *out);
    memcpy(out->b, mac, CJD_ETH_MAC_BYTES);
    out->len = CJD_ETH_MAC_BYTES;
}

bool cjd_eth_mac_is_usable(const uint8_t mac[CJD_ETH_MAC_BYTES])
{
    static const uint8_t zero[CJD_ETH_MAC_BYTES];

    return (mac[0] & 1) == 0 && memcmp(mac, zero, sizeof zero) != 0;
}

bool cjd_eth_addr_is_valid(const struct cjd_linkaddr *addr)
{
    return addr->len == CJD_ETH_MAC_BYTES && cjd_eth_mac_is_usable(addr->b);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int cjd_eth_mac_parse(uint8_t mac[CJD_ETH_MAC_BYTES], const char *text)
{
    if (strlen(text) != CJD_ETH_MAC_TEXT - 1) {
        return CJD_ERR_PARSE;
    }
    for (unsigned i = 0; i < CJD_ETH_MAC_BYTES; i++) {
        int high = digit(text[3 * i]);
        int low = digit(text[3 * i + 1]);
        bool is_last = i + 1 == CJD_ETH_MAC_BYTES;
        if (high < 0 || low < 0 || (!is_last && text[3 * i + 2] != ':')) {
            return CJD_ERR_PARSE;
        }
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

int cjd_eth_mac_text(const uint8_t mac[CJD_ETH_MAC_BYTES], char *out, size_t cap)
{
    int n = snprintf(out, cap, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                     mac[4], mac[5]);

    return n >= 0 && (size_t)n < cap ? n : CJD_ERR_TOO_LONG;
}
