/* The model of a link: rate and queue first, then chance and cuts, then delay and jitter. */
#include <sim/private.h>

#include <string.h>

#include <base/wire.h>

struct cjd_linkaddr wire_addr(uint32_t link, unsigned side)
{
    struct cjd_linkaddr a = {.len = 8};

    cjd_store32(a.b, link);
    cjd_store32(a.b + 4, side);
    return a;
}

static void account(struct host *h, struct cjd_pkt *pkt)
{
    uint32_t kind = pkt->hash & TAG_KNOWN ? pkt->hash & TAG_KIND : SIM_KIND_LINK;

    (pkt->hash & TAG_TRANSIT ? h->sent.transit : h->sent.own)[kind] += pkt->len;
    pkt->hash = TAG_KNOWN | kind;
}

/* When the last bit is out. False: the queue is full. */
static bool take_turn(struct wire *w, unsigned from, uint32_t bytes, uint64_t *out_ns)
{
    const struct sim_link_model *m = &w->info.model;
    uint64_t begin = w->busy_ns[from] > *out_ns ? w->busy_ns[from] : *out_ns;

    if (m->rate_bps == 0) {
        return true;
    }
    if (begin - *out_ns > m->queue_ns) {
        return false;
    }
    *out_ns = w->busy_ns[from] = begin + (uint64_t)bytes * 8 * CJD_S / m->rate_bps;
    return true;
}

static bool is_lost(struct sim *sim, const struct wire *w)
{
    const struct sim_link_model *m = &w->info.model;

    return w->info.is_cut ||
           (m->loss_ppm > 0 && sim_random_below(&sim->random, 1000000) < m->loss_ppm);
}

/* Leaves the pool: thousands of packets are under way, few are in a node's hands. */
static struct flight *take_off(struct sim *sim, struct cjd_pkt *pkt)
{
    struct flight *f = sim_alloc(sizeof *f + pkt->len);

    f->tag = pkt->hash;
    f->hops = pkt->pad;
    f->delay_ns = pkt->rx_ns;
    f->len = pkt->len;
    memcpy(f->bytes, cjd_pkt_data(pkt), pkt->len);
    cjd_pool_give(sim->pool, pkt);
    sim->flights++;
    return f;
}

struct cjd_pkt *wire_land(struct sim *sim, struct flight *f)
{
    struct cjd_pkt *pkt = cjd_pool_take(sim->pool, f->len);

    if (!pkt) {
        sim_fatal("out of packets");
    }
    pkt->hash = f->tag;
    pkt->pad = f->hops;
    pkt->rx_ns = f->delay_ns;
    pkt->addr = f->from;
    cjd_pkt_put(pkt, f->len);
    memcpy(cjd_pkt_data(pkt), f->bytes, f->len);
    sim_free_bytes(f);
    sim->flights--;
    return pkt;
}

static void transmit(struct host *h, struct cjd_pkt *pkt)
{
    struct sim *sim = h->sim;
    uint32_t link = cjd_load32(pkt->addr.b);
    unsigned to = cjd_load32(pkt->addr.b + 4);
    uint64_t at = sim->now_ns;

    if (pkt->addr.len != 8 || link >= sim->wires || to > 1) {
        cjd_pool_give(sim->pool, pkt); /* an answer to somebody who does not exist */
        return;
    }
    struct wire *w = &sim->wire[link];
    account(h, pkt);
    w->info.sent++;
    if (!take_turn(w, 1 - to, pkt->len, &at)) {
        w->info.overflow++;
        cjd_pool_give(sim->pool, pkt);
        return;
    }
    if (is_lost(sim, w)) {
        w->info.lost++;
        cjd_pool_give(sim->pool, pkt);
        return;
    }
    struct flight *f = take_off(sim, pkt);
    f->from = wire_addr(link, 1 - to);
    f->hops++;
    f->delay_ns += w->info.model.delay_ns;
    struct sim_event e = {.at_ns = at + w->info.model.delay_ns,
                          .what = f,
                          .number = w->info.end[to],
                          .kind = EVENT_PACKET};
    e.at_ns += sim_random_between(&sim->random, 0, w->info.model.jitter_ns);
    sim_events_push(&sim->events, &e);
}

void wire_tx(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    bool was_counting = hooks_pause();

    (void)link;
    (void)queue;
    (void)flags;
    for (unsigned i = 0; i < vec->n; i++) {
        transmit(ctx, vec->v[i]);
    }
    vec->n = 0;
    hooks_resume(was_counting);
}

void sim_cut(struct sim *sim, uint32_t link, bool is_cut)
{
    if (link >= sim->wires) {
        sim_fatal("no link %u", link);
    }
    sim->wire[link].info.is_cut = is_cut;
}

void sim_partition(struct sim *sim, uint32_t below, bool is_cut)
{
    for (uint32_t i = 0; i < sim->wires; i++) {
        const uint32_t *end = sim->wire[i].info.end;
        if ((end[0] < below) != (end[1] < below)) {
            sim->wire[i].info.is_cut = is_cut;
        }
    }
}

void sim_link_at(const struct sim *sim, uint32_t link, struct sim_link_info *out)
{
    if (link >= sim->wires) {
        sim_fatal("no link %u", link);
    }
    *out = sim->wire[link].info;
}
