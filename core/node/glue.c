#include <node/private.h>

#include <string.h>

/* --- links ------------------------------------------------------------------------------------ */

static void links_frame(void *ctx, uint32_t iface, struct cjd_pkt *pkt, uint64_t now_ns)
{
    frame_switch(ctx, iface, pkt, now_ns);
}

static void links_tx(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    struct cjd_node *node = ctx;
    node->config.ops.link_tx(node->config.ops.ctx, link, queue, vec, flags);
}

static uint32_t cost_us(uint32_t cost_ms)
{
    return cost_ms < UINT32_MAX / 1000 / 64 ? cost_ms * 1000 : UINT32_MAX / 64;
}

static void links_peer_up(void *ctx, const struct cjd_peer_info *peer, uint64_t now_ns)
{
    struct cjd_node *node = ctx;
    struct cjd_dht_contact contact = {
        .addr = peer->ip6, .key = peer->key, .version = peer->version, .label = peer->label};

    cjd_dht_peer_up(node->dht, &contact, peer->rtt_ns, now_ns);
    cjd_dht_peer_cost(node->dht, peer->label, cost_us(peer->cost_ms), now_ns);
}

static void links_peer_down(void *ctx, const struct cjd_peer_info *peer, uint64_t now_ns)
{
    struct cjd_node *node = ctx;
    cjd_dht_peer_down(node->dht, peer->label, now_ns);
}

static void links_peer_event(void *ctx, const struct cjd_peer_info *peer, bool was_removed)
{
    struct cjd_node *node = ctx;
    if (node->config.ops.peer_event) {
        node->config.ops.peer_event(node->config.ops.ctx, peer, was_removed);
    }
}

static int links_addr_text(void *ctx, uint32_t link, const struct cjd_linkaddr *addr, char *out,
                           size_t cap)
{
    const struct cjd_node *node = ctx;
    const struct cjd_node_ops *ops = &node->config.ops;

    return ops->addr_text ? ops->addr_text(ops->ctx, link, addr, out, cap) : CJD_ERR_UNSUPPORTED;
}

int glue_links(struct cjd_node *node, uint64_t now_ns)
{
    struct cjd_links_config config = {
        .ca = &node->ca,
        .sw = &node->sw,
        .pool = node->config.pool,
        .timers = &node->timers,
        .drops = &node->drops,
        .log = node->config.log,
        .version = node->config.version,
        .ops = {.frame = links_frame,
                .tx = links_tx,
                .peer_up = links_peer_up,
                .peer_down = links_peer_down,
                .peer_event = links_peer_event,
                .addr_text = links_addr_text,
                .ctx = node},
    };
    return cjd_links_new(&node->links, &config, now_ns);
}

/* --- sessions --------------------------------------------------------------------------------- */

static struct cjd_dht_contact contact_of(const struct cjd_session_path *path)
{
    return (struct cjd_dht_contact){
        .addr = path->addr, .key = path->key, .version = path->version, .label = path->label};
}

static void sessions_frame(void *ctx, struct cjd_pkt *pkt, uint64_t now_ns)
{
    frame_switch(ctx, CJD_SWITCH_SELF, pkt, now_ns);
}

static void content_dht(struct cjd_node *node, const struct cjd_session_source *from,
                        struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct cjd_dht_contact contact = {
        .addr = from->addr, .key = from->key, .version = from->version, .label = from->label};

    cjd_dht_message(node->dht, &contact, cjd_pkt_data(pkt), pkt->len, now_ns);
    cjd_pool_give(node->config.pool, pkt);
}

static void sessions_content(void *ctx, const struct cjd_session_source *from, struct cjd_pkt *pkt,
                             uint64_t now_ns)
{
    struct cjd_node *node = ctx;

    if (from->type <= CJD_CONTENT_IP6_MAX) {
        upper_content(node, &from->addr, (uint8_t)from->type, pkt);
    } else if (from->type == CJD_CONTENT_DHT) {
        content_dht(node, from, pkt, now_ns);
    } else if (node->config.ops.content &&
               (node->types[from->type >> 3] >> (from->type & 7) & 1) != 0) {
        struct cjd_node_source source = {
            .addr = from->addr, .key = from->key, .label = from->label, .type = from->type};
        node->config.ops.content(node->config.ops.ctx, &source, pkt);
    } else {
        node_drop(node, pkt, CJD_DROP_SESSION_TYPE);
    }
}

static void sessions_want(void *ctx, const struct cjd_addr *addr, uint64_t now_ns)
{
    struct cjd_node *node = ctx;
    cjd_dht_want(node->dht, addr, now_ns);
}

static bool sessions_ping(void *ctx, const struct cjd_session_path *path, uint64_t now_ns)
{
    struct cjd_node *node = ctx;
    struct cjd_dht_contact to = contact_of(path);
    return cjd_dht_ping(node->dht, &to, now_ns);
}

static void sessions_doubt(void *ctx, const struct cjd_addr *addr, uint64_t label, uint64_t now_ns)
{
    struct cjd_node *node = ctx;
    cjd_dht_path_doubt(node->dht, addr, label, now_ns);
}

static void sessions_hint(void *ctx, const struct cjd_session_path *path, uint64_t now_ns)
{
    struct cjd_node *node = ctx;
    struct cjd_dht_contact from = contact_of(path);
    cjd_dht_path_hint(node->dht, &from, now_ns);
}

static void sessions_undeliverable(void *ctx, const struct cjd_addr *addr, struct cjd_pkt *pkt,
                                   uint32_t mtu, uint64_t now_ns)
{
    icmp6_undeliverable(ctx, addr, pkt, mtu, now_ns);
}

static uint32_t sessions_frame_mtu(void *ctx, uint64_t label)
{
    struct cjd_node *node = ctx;
    int form = cjd_scheme_form_of(&node->sw.scheme, label);

    return form < 0 ? 0
                    : cjd_links_frame_mtu(node->links,
                                          cjd_scheme_iface_of(&node->sw.scheme, label, form));
}

static void sessions_unknown_handle(void *ctx, uint64_t label, uint64_t now_ns)
{
    control_keyping(ctx, label, now_ns);
}

int glue_sessions(struct cjd_node *node, uint64_t now_ns)
{
    struct cjd_sessions_config config = {
        .ca = &node->ca,
        .pool = node->config.pool,
        .timers = &node->timers,
        .drops = &node->drops,
        .log = node->config.log,
        .ops = {.frame = sessions_frame,
                .content = sessions_content,
                .want = sessions_want,
                .ping = sessions_ping,
                .doubt = sessions_doubt,
                .hint = sessions_hint,
                .undeliverable = sessions_undeliverable,
                .frame_mtu = sessions_frame_mtu,
                .unknown_handle = sessions_unknown_handle,
                .ctx = node},
    };
    return cjd_sessions_new(&node->sessions, &config, now_ns);
}

/* --- dht -------------------------------------------------------------------------------------- */

static void dht_send(void *ctx, const struct cjd_dht_contact *to, const uint8_t *message,
                     size_t len, uint64_t now_ns)
{
    struct cjd_node *node = ctx;
    struct cjd_session_path path = {
        .addr = to->addr, .key = to->key, .version = to->version, .label = to->label};
    struct cjd_pkt *pkt = cjd_pool_take(node->config.pool, (uint32_t)len);

    if (!pkt) {
        cjd_drop_count(&node->drops, CJD_DROP_NO_PACKET);
        return;
    }
    cjd_pkt_put(pkt, (uint32_t)len);
    memcpy(cjd_pkt_data(pkt), message, len);
    cjd_sessions_send_dht(node->sessions, &path, pkt, now_ns);
}

static void dht_path(void *ctx, const struct cjd_dht_path *path, uint64_t now_ns)
{
    struct cjd_node *node = ctx;
    struct cjd_session_path p = {
        .addr = path->to.addr,
        .key = path->to.key,
        .version = path->to.version,
        .label = path->to.label,
        .cost_us = path->cost_us,
        .is_peer = path->is_peer,
        .is_best = path->is_best,
    };
    cjd_sessions_path(node->sessions, &p, now_ns);
}

static void dht_path_dead(void *ctx, const struct cjd_addr *addr, uint64_t label, uint64_t now_ns)
{
    struct cjd_node *node = ctx;
    cjd_sessions_path_dead(node->sessions, addr, label, now_ns);
}

static void dht_search_done(void *ctx, const struct cjd_addr *addr, bool was_found, uint64_t now_ns)
{
    struct cjd_node *node = ctx;
    if (!was_found) {
        cjd_sessions_no_path(node->sessions, addr, now_ns);
    }
}

int glue_dht(struct cjd_node *node, uint64_t now_ns)
{
    struct cjd_dht_config config = {
        .key = node->self.key,
        .addr = node->self.addr,
        .version = node->config.version,
        .scheme = &node->sw.scheme,
        .rng = node->config.rng,
        .log = node->config.log,
        .timers = &node->timers,
        .drops = &node->drops,
        .addr_of_key = cjd_addr_of_key_is_valid,
        .ops = {.send = dht_send,
                .path = dht_path,
                .path_dead = dht_path_dead,
                .search_done = dht_search_done,
                .ctx = node},
    };
    config.log.module = "dht";
    return cjd_dht_new(&node->dht, &config, now_ns);
}
