#include <link/private.h>

#include <string.h>

int cjd_links_new(struct cjd_links **out, const struct cjd_links_config *config, uint64_t now_ns)
{
    struct cjd_links *l = calloc(1, sizeof *l);

    (void)now_ns;
    if (!l) {
        return CJD_ERR_NO_MEMORY;
    }
    l->config = *config;
    l->config.log.module = "link";
    int err = cjd_map_init(&l->by_addr, cjd_rng_u64(&config->ca->rng));
    if (err) {
        free(l);
        return err;
    }
    cjd_timer_init(&l->wave, wake_wave, l);
    *out = l;
    return 0;
}

void cjd_links_free(struct cjd_links *l)
{
    if (!l) {
        return;
    }
    cjd_timer_cancel(l->config.timers, &l->wave);
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        if (l->slot[i]) {
            /* Nobody is told any more: the node itself is going. */
            cjd_timer_cancel(l->config.timers, &l->slot[i]->tick);
            cjd_ca_fini(&l->slot[i]->ca);
            free(l->slot[i]);
        }
    }
    for (unsigned i = 0; i < CJD_LINKS_MAX; i++) {
        cjd_pool_give_vec(l->config.pool, &l->link[i].tx);
    }
    cjd_map_fini(&l->by_addr);
    free(l);
}

/* --- tables ----------------------------------------------------------------------------------- */

static bool addr_equal(const struct cjd_map_node *node, const void *key)
{
    const struct peer *p = CJD_CONTAINER_OF(node, const struct peer, by_addr);
    const struct addr_key *k = key;

    return p->link == k->link && p->addr.len == k->addr->len &&
           memcmp(p->addr.b, k->addr->b, p->addr.len) == 0;
}

uint64_t addr_hash(const struct cjd_links *l, uint32_t link, const struct cjd_linkaddr *addr)
{
    return cjd_map_hash(&l->by_addr, addr->b, addr->len) + link;
}

struct peer *peer_by_addr(struct cjd_links *l, uint32_t link, const struct cjd_linkaddr *addr)
{
    struct addr_key key = {.link = link, .addr = addr};

    if (l->last_rx && addr_equal(&l->last_rx->by_addr, &key)) {
        return l->last_rx;
    }
    if (addr->len == 0 || addr->len > CJD_LINKADDR_MAX) {
        return NULL;
    }
    struct cjd_map_node *n = cjd_map_find(&l->by_addr, addr_hash(l, link, addr), addr_equal, &key);
    if (n) {
        l->last_rx = CJD_CONTAINER_OF(n, struct peer, by_addr);
        return l->last_rx;
    }
    return NULL;
}

void addr_index_add(struct cjd_links *l, struct peer *p)
{
    if (p->addr.len > 0) {
        cjd_map_insert(&l->by_addr, &p->by_addr, addr_hash(l, p->link, &p->addr));
    }
}

void addr_index_remove(struct cjd_links *l, struct peer *p)
{
    if (p->addr.len > 0) {
        cjd_map_remove(&l->by_addr, &p->by_addr);
    }
    if (l->last_rx == p) {
        l->last_rx = NULL;
    }
}

void addr_change(struct peer *p, const struct cjd_linkaddr *addr)
{
    addr_index_remove(p->links, p);
    p->addr = *addr;
    addr_index_add(p->links, p);
}

struct peer *peer_by_number(const struct cjd_links *l, uint32_t number)
{
    uint32_t slot = number & 0xffff;
    struct peer *p = slot < PEERS_MAX ? l->slot[slot] : NULL;

    return p && p->number == number ? p : NULL;
}

/* --- links ------------------------------------------------------------------------------------ */

int cjd_links_add(struct cjd_links *l, const char *name, uint32_t mtu, uint32_t queues)
{
    if (mtu < CJD_CA_HANDSHAKE_BYTES + 64 || queues == 0) {
        return CJD_ERR_INVALID;
    }
    for (unsigned i = 0; i < CJD_LINKS_MAX; i++) {
        struct link_entry *e = &l->link[i];
        if (e->is_used) {
            continue;
        }
        *e =
            (struct link_entry){.is_used = true, .has_carrier = true, .mtu = mtu, .queues = queues};
        strncpy(e->name, name, CJD_LINK_NAME_MAX);
        e->tx = (struct cjd_vec){
            .size = (uint32_t)sizeof(struct cjd_vec), .cap = TX_BATCH, .v = e->tx_array};
        l->link_end = i < l->link_end ? l->link_end : i + 1;
        return (int)i;
    }
    return CJD_ERR_FULL;
}

void cjd_links_del(struct cjd_links *l, uint32_t link, uint64_t now_ns)
{
    if (link >= CJD_LINKS_MAX || !l->link[link].is_used) {
        return;
    }
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        if (l->slot[i] && l->slot[i]->link == link) {
            l->slot[i]->reason = CJD_LINK_REASON_LINK_DOWN;
            peer_free(l->slot[i], now_ns);
        }
    }
    cjd_pool_give_vec(l->config.pool, &l->link[link].tx);
    refusal_forget(l, link);
    l->link[link].is_used = false;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void link_flush(struct cjd_links *l, uint32_t link, uint32_t flags)
{
    struct link_entry *e = &l->link[link];

    if (e->tx.n > 0) {
        l->config.ops.tx(l->config.ops.ctx, link, 0, &e->tx, flags);
    }
}

void cjd_links_flush(struct cjd_links *l)
{
    for (uint32_t i = 0; i < l->link_end; i++) {
        if (l->link[i].is_used) {
            link_flush(l, i, 0);
        }
    }
}

static void drop(struct cjd_links *l, struct cjd_pkt *pkt, enum cjd_drop reason)
{
    cjd_drop_count(l->config.drops, reason);
    cjd_pool_give(l->config.pool, pkt);
}

static bool is_for_neighbour(const struct cjd_pkt *pkt)
{
    return pkt->len >= 8 && cjd_pkt_data(pkt)[7] == 1;
}

/* So that a loop back to ourselves is known for what it is. */
static void note_hello(struct peer *p, const struct cjd_pkt *pkt)
{
    struct cjd_ca_hello hello;

    if (peer_can_call(p) && cjd_ca_peek(&hello, cjd_pkt_data(pkt), pkt->len) && hello.word <= 1) {
        memcpy(p->hello_id, cjd_pkt_data(pkt) + HELLO_NONCE_AT, sizeof p->hello_id);
    }
}

void peer_transmit(struct peer *p, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct cjd_links *l = p->links;
    struct link_entry *e = &l->link[p->link];
    uint32_t bytes = pkt->len;

    if (p->addr.len == 0 || !e->has_carrier) {
        drop(l, pkt, CJD_DROP_LINK_GONE);
        return;
    }
    /* A key packet that is owed takes only what is for the neighbour itself: it drops all else from
     * it, and could not read it if the hello was a replay. */
    bool is_reply = p->is_replying && is_for_neighbour(pkt);
    int err = is_reply ? cjd_ca_seal_reply(&p->ca, pkt, now_ns) : cjd_ca_seal(&p->ca, pkt, now_ns);
    if (err || pkt->len > e->mtu) {
        drop(l, pkt, err ? CJD_DROP_LINK_GONE : CJD_DROP_LINK_NO_ROOM);
        return;
    }
    note_hello(p, pkt);
    p->tx_bytes += bytes;
    pkt->addr = p->addr;
    pkt->link = p->link;
    pkt->queue = 0;
    pkt->peer = p->number & 0xffff;
    pkt->peer_gen = (uint16_t)(p->number >> 16);
    cjd_vec_add(&e->tx, pkt);
    if (e->tx.n == e->tx.cap) {
        link_flush(l, p->link, 1);
    }
}

void cjd_links_send(struct cjd_links *l, uint32_t iface, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct peer *p = iface < CJD_SWITCH_IFACES ? l->by_iface[iface] : NULL;

    if (!p || p->state == CJD_LINK_STATE_INCOMPATIBLE) {
        drop(l, pkt, p ? CJD_DROP_LINK_VERSION : CJD_DROP_LINK_GONE);
        return;
    }
    if (cjd_pkt_headroom(pkt) < CJD_CA_HEADROOM &&
        !(cjd_ca_can_send_data(&p->ca) && cjd_pkt_headroom(pkt) >= CJD_CA_DATA_BYTES)) {
        drop(l, pkt, CJD_DROP_LINK_NO_ROOM);
        return;
    }
    /* Before there is a key the neighbour takes only what is for itself (link notes §5.4). */
    if (!cjd_ca_can_send_data(&p->ca) && !is_for_neighbour(pkt)) {
        drop(l, pkt, CJD_DROP_LINK_GONE);
        return;
    }
    peer_transmit(p, pkt, now_ns);
    peer_sent(p, now_ns);
}

uint32_t cjd_links_frame_mtu(const struct cjd_links *l, uint32_t iface)
{
    const struct peer *p = iface < CJD_SWITCH_IFACES ? l->by_iface[iface] : NULL;

    return p ? l->link[p->link].mtu - CJD_CA_DATA_BYTES : 0;
}

/* --- views ------------------------------------------------------------------------------------ */

bool cjd_links_peer_at(const struct cjd_links *l, uint32_t index, struct cjd_peer_info *out)
{
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        if (l->slot[i] && index-- == 0) {
            peer_info(l->slot[i], out);
            return true;
        }
    }
    return false;
}

bool cjd_links_peer(const struct cjd_links *l, uint32_t number, struct cjd_peer_info *out)
{
    const struct peer *p = peer_by_number(l, number);

    if (p) {
        peer_info(p, out);
    }
    return p != NULL;
}

bool cjd_links_link_at(const struct cjd_links *l, uint32_t index, struct cjd_link_info *out)
{
    for (uint32_t i = 0; i < l->link_end; i++) {
        const struct link_entry *e = &l->link[i];
        if (e->is_used && index-- == 0) {
            *out = (struct cjd_link_info){
                .link = i, .mtu = e->mtu, .queues = e->queues, .name = e->name};
            return true;
        }
    }
    return false;
}
