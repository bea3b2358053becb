#include <node/private.h>

#include <base/wire.h>

#define WORD_BYTES 4u

/* A frame that has arrived at this router. */
static void router_rx(struct cjd_node *node, struct cjd_pkt *pkt, uint64_t now_ns)
{
    if (pkt->len < CJD_SWITCH_HEADER_BYTES + WORD_BYTES) {
        node_drop(node, pkt, CJD_DROP_ROUTER_RUNT);
        return;
    }
    if (cjd_load32(cjd_pkt_data(pkt) + CJD_SWITCH_HEADER_BYTES) == CJD_CTRL_HANDLE) {
        control_rx(node, pkt, now_ns);
    } else {
        cjd_sessions_rx(node->sessions, pkt, now_ns);
    }
}

static void to_router(struct cjd_node *node, uint32_t source, struct cjd_pkt *pkt, uint64_t now_ns)
{
    if (source != CJD_SWITCH_SELF) {
        router_rx(node, pkt, now_ns);
    } else if (!cjd_vec_add(&node->self_queue, pkt)) {
        node_drop(node, pkt, CJD_DROP_NO_PACKET);
    }
}

/* The offending frame becomes the error; where it has no room for that, a fresh packet does. */
static struct cjd_pkt *make_error(struct cjd_node *node, struct cjd_pkt *pkt,
                                  enum cjd_switch_error code)
{
    if (cjd_switch_make_error(pkt, code)) {
        return pkt;
    }
    struct cjd_pkt *fresh =
        cjd_pool_take(node->config.pool, CJD_SWITCH_ERROR_BYTES + CJD_SWITCH_ERROR_CAUSE_MAX);
    if (fresh && !cjd_switch_write_error(fresh, cjd_pkt_data(pkt), pkt->len, code)) {
        cjd_pool_give(node->config.pool, fresh);
        fresh = NULL;
    }
    cjd_pool_give(node->config.pool, pkt);
    return fresh;
}

static void send_error(struct cjd_node *node, uint32_t source, struct cjd_pkt *pkt,
                       enum cjd_switch_error code, uint64_t now_ns)
{
    pkt = make_error(node, pkt, code);
    if (!pkt) {
        cjd_drop_count(&node->drops, CJD_DROP_NO_PACKET);
    } else if (source == CJD_SWITCH_SELF) {
        to_router(node, source, pkt, now_ns);
    } else {
        cjd_links_send(node->links, source, pkt, now_ns);
    }
}

void frame_switch(struct cjd_node *node, uint32_t source, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct cjd_switch_verdict v = cjd_switch_frame(&node->sw, cjd_pkt_data(pkt), pkt->len, source);

    switch (v.action) {
    case CJD_SWITCH_FORWARD:
        if (v.iface == CJD_SWITCH_SELF) {
            to_router(node, source, pkt, now_ns);
        } else {
            cjd_links_send(node->links, v.iface, pkt, now_ns);
        }
        return;
    case CJD_SWITCH_ERROR:
        cjd_drop_count(&node->drops, v.reason);
        send_error(node, source, pkt, v.error, now_ns);
        return;
    case CJD_SWITCH_DROP:
        node_drop(node, pkt, v.reason);
        return;
    }
}

void frame_drain(struct cjd_node *node, uint64_t now_ns)
{
    struct cjd_pkt *taken[BATCH];
    unsigned n = node->self_queue.n;

    for (unsigned i = 0; i < n; i++) {
        taken[i] = node->self_queue.v[i];
    }
    /* What these frames cause is for the next turn: a frame that begets itself cannot hang us. */
    node->self_queue.n = 0;
    for (unsigned i = 0; i < n; i++) {
        router_rx(node, taken[i], now_ns);
    }
}
