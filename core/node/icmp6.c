#include <node/private.h>

#include <base/wire.h>
#include <string.h>

/* ICMPv6 to the machine about its own packets (RFC 4443 §3.1, §3.2), rate-limited. */

#define ICMP_RATE         20u
#define ICMP_BURST        20u
#define ICMP6             58u
#define TYPE_UNREACHABLE  1u
#define CODE_NO_ROUTE     0u
#define TYPE_TOO_BIG      2u
#define ICMP_HEADER_BYTES 8u
#define IP6_HEADER_BYTES  40u
#define IP6_MIN_MTU       1280u

/* Is the content itself an ICMPv6 error? Those are never answered (RFC 4443 §2.4 e). */
static bool is_icmp_error(uint8_t next_header, const struct cjd_pkt *pkt)
{
    return next_header == ICMP6 && pkt->len > 0 && cjd_pkt_data(pkt)[0] < 128;
}

static uint16_t checksum(const struct cjd_addr *source, const struct cjd_addr *dest,
                         const uint8_t *message, uint32_t len)
{
    uint32_t sum = len + ICMP6;

    for (unsigned i = 0; i < 16; i += 2) {
        sum += (uint32_t)cjd_load16(source->b + i) + cjd_load16(dest->b + i);
    }
    for (uint32_t i = 0; i + 1 < len; i += 2) {
        sum += cjd_load16(message + i);
    }
    if (len % 2 != 0) {
        sum += (uint32_t)message[len - 1] << 8;
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static bool build(struct cjd_node *node, struct cjd_pkt *pkt, const struct cjd_addr *dest,
                  uint8_t next_header, uint32_t mtu)
{
    /* It comes from the node itself, not from the machine: fc00::1 (session notes §5.4). */
    static const struct cjd_addr router = {{0xfc, [15] = 1}};
    uint32_t room = IP6_MIN_MTU - IP6_HEADER_BYTES - ICMP_HEADER_BYTES;

    if (!ip6_push_header(pkt, next_header, &node->self.addr, dest)) {
        return false;
    }
    if (pkt->len > room) {
        cjd_pkt_trim(pkt, room);
    }
    if (cjd_pkt_headroom(pkt) < ICMP_HEADER_BYTES) {
        return false;
    }
    cjd_pkt_push(pkt, ICMP_HEADER_BYTES);
    uint8_t *m = cjd_pkt_data(pkt);
    memset(m, 0, ICMP_HEADER_BYTES);
    m[0] = mtu ? TYPE_TOO_BIG : TYPE_UNREACHABLE;
    m[1] = mtu ? 0 : CODE_NO_ROUTE;
    cjd_store32(m + 4, mtu);
    cjd_store16(m + 2, checksum(&router, &node->self.addr, m, pkt->len));
    return ip6_push_header(pkt, ICMP6, &router, &node->self.addr);
}

void icmp6_undeliverable(struct cjd_node *node, const struct cjd_addr *dest, struct cjd_pkt *pkt,
                         uint32_t mtu, uint64_t now_ns)
{
    uint32_t type = pkt->len >= CJD_DATA_HEADER_BYTES ? cjd_load16(cjd_pkt_data(pkt) + 2) : TYPES;

    if (type > CJD_CONTENT_IP6_MAX ||
        !cjd_bucket_take(&node->icmp, now_ns, ICMP_RATE, ICMP_BURST)) {
        cjd_pool_give(node->config.pool, pkt);
        return;
    }
    cjd_pkt_pull(pkt, CJD_DATA_HEADER_BYTES);
    if (is_icmp_error((uint8_t)type, pkt) || !build(node, pkt, dest, (uint8_t)type, mtu)) {
        cjd_pool_give(node->config.pool, pkt);
        return;
    }
    upper_deliver(node, pkt);
}
