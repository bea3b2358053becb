#include <node/private.h>

#include <base/wire.h>
#include <string.h>

#define IP6_HEADER_BYTES 40u
#define HOP_LIMIT        42u /* session notes §5.2: always */

/* fc00::1, reserved for the node itself (session notes §5.4). */
static bool is_reserved(const uint8_t *addr)
{
    static const uint8_t reserved[16] = {0xfc, [15] = 1};
    return memcmp(addr, reserved, sizeof reserved) == 0;
}

void upper_flush(struct cjd_node *node)
{
    if (node->up.n == 0) {
        return;
    }
    if (node->config.ops.deliver) {
        node->config.ops.deliver(node->config.ops.ctx, &node->up);
    } else {
        node->drops.count[CJD_DROP_UPPER_NONE] += node->up.n;
        cjd_pool_give_vec(node->config.pool, &node->up);
    }
}

void upper_deliver(struct cjd_node *node, struct cjd_pkt *pkt)
{
    cjd_vec_add(&node->up, pkt);
    if (node->up.n == node->up.cap) {
        upper_flush(node);
    }
}

bool ip6_push_header(struct cjd_pkt *pkt, uint8_t next_header, const struct cjd_addr *source,
                     const struct cjd_addr *dest)
{
    uint32_t payload = pkt->len;

    if (payload > UINT16_MAX || cjd_pkt_headroom(pkt) < IP6_HEADER_BYTES) {
        return false;
    }
    cjd_pkt_push(pkt, IP6_HEADER_BYTES);
    uint8_t *h = cjd_pkt_data(pkt);
    cjd_store32(h, 0x60000000u);
    cjd_store16(h + 4, (uint16_t)payload);
    h[6] = next_header;
    h[7] = HOP_LIMIT;
    memcpy(h + 8, source, sizeof *source);
    memcpy(h + 24, dest, sizeof *dest);
    return true;
}

void upper_content(struct cjd_node *node, const struct cjd_addr *source, uint8_t next_header,
                   struct cjd_pkt *pkt)
{
    if (!ip6_push_header(pkt, next_header, source, &node->self.addr)) {
        node_drop(node, pkt, CJD_DROP_UPPER_RUNT);
        return;
    }
    upper_deliver(node, pkt);
}

/* One packet from the machine; session notes §5.1. */
static void inject(struct cjd_node *node, struct cjd_pkt *pkt, uint64_t now_ns)
{
    const uint8_t *h = cjd_pkt_data(pkt);
    struct cjd_addr dest;

    if (pkt->len < IP6_HEADER_BYTES || h[0] >> 4 != 6 ||
        pkt->len < IP6_HEADER_BYTES + (uint32_t)cjd_load16(h + 4)) {
        node_drop(node, pkt, CJD_DROP_UPPER_RUNT);
        return;
    }
    if (h[24] != 0xfc || is_reserved(h + 24)) {
        node_drop(node, pkt, CJD_DROP_UPPER_DEST);
        return;
    }
    if (memcmp(h + 8, &node->self.addr, sizeof node->self.addr) != 0) {
        node_drop(node, pkt, CJD_DROP_UPPER_SOURCE);
        return;
    }
    memcpy(&dest, h + 24, sizeof dest);
    if (memcmp(&dest, &node->self.addr, sizeof dest) == 0) {
        upper_deliver(node, pkt);
        return;
    }
    uint8_t next_header = h[6];
    cjd_pkt_trim(pkt, IP6_HEADER_BYTES + (uint32_t)cjd_load16(h + 4));
    cjd_pkt_pull(pkt, IP6_HEADER_BYTES);
    cjd_sessions_send(node->sessions, &dest, next_header, pkt, false, now_ns);
}

void cjd_node_inject(struct cjd_node *node, struct cjd_vec *vec, uint64_t now_ns)
{
    for (unsigned i = 0; i < vec->n; i++) {
        inject(node, vec->v[i], now_ns);
    }
    vec->n = 0;
    frame_drain(node, now_ns);
}
