/*
 * Beacons: whatever a datagram holds, it is a beacon or it is not, and a beacon that was read is
 * written again as it was. The first byte chooses the medium.
 */
#include <cjd/beacon.h>

#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void udp(const uint8_t *bytes, size_t len)
{
    struct cjd_beacon beacon;
    uint8_t again[CJD_UDP_BEACON_BYTES];
    uint16_t port;

    if (cjd_udp_beacon_parse(&beacon, &port, bytes, len) == 0) {
        require(len >= sizeof again);
        cjd_udp_beacon_write(again, &beacon, port);
        require(memcmp(again, bytes, sizeof again) == 0);
    }
}

static void ethernet(const uint8_t *bytes, size_t len)
{
    struct cjd_beacon beacon;
    uint8_t again[CJD_BEACON_BYTES];
    int payload = cjd_eth_parse(bytes, len);

    if (payload < 0) {
        return;
    }
    require((size_t)payload + CJD_ETH_HEADER_BYTES <= len);
    if (cjd_beacon_parse(&beacon, bytes + CJD_ETH_HEADER_BYTES, (size_t)payload) == 0) {
        cjd_beacon_write(again, &beacon);
        require(memcmp(again, bytes + CJD_ETH_HEADER_BYTES, sizeof again) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len > 0 && data[0] % 2 == 0) {
        udp(data + 1, len - 1);
    } else if (len > 0) {
        ethernet(data + 1, len - 1);
    }
    return 0;
}
