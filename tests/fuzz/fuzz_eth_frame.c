/*
 * Frames of Ethernet links with whatever the system tells of their sender. The unit is included:
 * plugins are no rooms that could be linked.
 */
#include <cjd/err.h>
#include <stdlib.h>

#include "../../plugins/eth/eth_frame.c"

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void check_addr(const uint8_t *mac)
{
    struct cjd_linkaddr addr;
    uint8_t again[CJD_ETH_MAC_BYTES];
    char text[CJD_ETH_MAC_TEXT];

    cjd_eth_addr_make(&addr, mac);
    require(cjd_eth_addr_is_valid(&addr));
    require(cjd_eth_mac_text(mac, text, sizeof text) == (int)sizeof text - 1);
    require(cjd_eth_mac_parse(again, text) == 0);
    require(memcmp(again, mac, sizeof again) == 0);
}

/* The first 20 bytes are the sender's address as the kernel writes it, the next says how much of it
 * there is; the rest is the frame. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sockaddr_ll from;
    uint32_t payload = 0;

    if (len < sizeof from + 1) {
        return 0;
    }
    memcpy(&from, data, sizeof from);
    from.sll_family = from.sll_family % 2 ? AF_PACKET : from.sll_family;
    size_t from_len = data[sizeof from] % (sizeof from + 1);
    const uint8_t *bytes = data + sizeof from + 1;
    size_t n = len - sizeof from - 1;
    enum cjd_eth_verdict verdict = cjd_eth_frame_judge(&from, from_len, bytes, n, &payload);
    require(verdict < CJD_ETH_VERDICTS && cjd_eth_verdict_text(verdict)[0] != '\0');
    if (verdict == CJD_ETH_DATA || verdict == CJD_ETH_BEACON) {
        require(payload + CJD_ETH_HEADER_BYTES <= n);
        require(verdict == CJD_ETH_DATA || payload >= CJD_BEACON_BYTES);
        check_addr(from.sll_addr);
    }
    return 0;
}
