/* Content of types that plugins exchange: who handles it, and how it gets there and away. */
#include <sim/private.h>

#include <string.h>

#define CONTENT_MAX 3072u

struct arrival {
    struct cjd_node_source from;
    struct cjd_pkt *pkt;
};

static const struct content_range *range_of(const struct host *h, uint32_t type)
{
    for (const struct content_range *r = h->content; r; r = r->next) {
        if (type >= r->first && type <= r->last) {
            return r;
        }
    }
    return NULL;
}

static int switch_types(struct host *h, uint32_t first, uint32_t last, bool is_on)
{
    int err = 0;

    for (uint32_t type = first; !err && h->node && type <= last; type++) {
        err = cjd_node_type_set(h->node, type, is_on);
    }
    return err;
}

int sim_set_content(struct sim *sim, uint32_t node, uint32_t first, uint32_t last,
                    sim_content_fn fn, void *ctx)
{
    struct host *h = host_at(sim, node);

    if (first < 257 || last < first || last > 0xffff) {
        return CJD_ERR_INVALID;
    }
    for (struct content_range **at = &h->content; *at; at = &(*at)->next) {
        struct content_range *r = *at;
        if (!fn && r->first == first && r->last == last) {
            *at = r->next;
            sim_free_bytes(r);
            return switch_types(h, first, last, false);
        }
        if (fn && r->first <= last && first <= r->last) {
            return CJD_ERR_EXISTS;
        }
    }
    if (!fn) {
        return CJD_ERR_INVALID;
    }
    struct content_range *r = sim_alloc(sizeof *r);
    *r = (struct content_range){
        .next = h->content, .first = first, .last = last, .fn = fn, .ctx = ctx};
    h->content = r;
    return switch_types(h, first, last, true);
}

void content_started(struct host *h)
{
    for (const struct content_range *r = h->content; r; r = r->next) {
        if (switch_types(h, r->first, r->last, true) != 0) {
            sim_fatal("node %u: types %u to %u refused", h->number, r->first, r->last);
        }
    }
}

void content_free(struct host *h)
{
    while (h->content) {
        struct content_range *next = h->content->next;
        sim_free_bytes(h->content);
        h->content = next;
    }
}

/* --- there ------------------------------------------------------------------------------------ */

void content_arrived(void *ctx, const struct cjd_node_source *from, struct cjd_pkt *pkt)
{
    struct host *h = ctx;
    struct arrival *a = sim_alloc(sizeof *a);
    struct sim_event e = {
        .at_ns = h->sim->now_ns, .what = a, .number = h->number, .kind = EVENT_CONTENT};

    *a = (struct arrival){.from = *from, .pkt = pkt};
    sim_events_push(&h->sim->events, &e);
}

void content_hand_over(struct host *h, void *what)
{
    struct arrival *a = what;
    const struct content_range *r = h->node ? range_of(h, a->from.type) : NULL;

    if (!r) {
        content_discard(h->sim, a);
        return;
    }
    r->fn(r->ctx, h->number, &a->from, a->pkt);
    sim_free_bytes(a);
}

void content_discard(struct sim *sim, void *what)
{
    struct arrival *a = what;

    cjd_pool_give(sim->pool, a->pkt);
    sim_free_bytes(a);
}

/* --- and away --------------------------------------------------------------------------------- */

struct sending {
    const struct cjd_addr *to;
    uint32_t type;
    struct cjd_vec *vec;
    bool no_wait;
    int err;
};

static void send_from_inside(struct cjd_node *node, uint64_t now_ns, void *arg)
{
    struct sending *s = arg;

    for (unsigned i = 0; i < s->vec->n; i++) {
        s->vec->v[i]->hash = TAG_KNOWN | SIM_KIND_USER;
        s->vec->v[i]->pad = 0;
        s->vec->v[i]->rx_ns = 0;
    }
    s->err = cjd_node_send(node, s->to, s->type, s->vec, s->no_wait, now_ns);
}

int content_send(struct host *h, const struct cjd_addr *to, uint32_t type, struct cjd_vec *vec,
                 bool no_wait)
{
    struct sending s = {
        .to = to, .type = type, .vec = vec, .no_wait = no_wait, .err = CJD_ERR_STATE};

    if (!h->node || hooks_is_inside()) {
        cjd_pool_give_vec(h->sim->pool, vec);
        return CJD_ERR_STATE;
    }
    sim_call(h->sim, h->number, send_from_inside, &s);
    return s.err;
}

int sim_send(struct sim *sim, uint32_t from, const struct cjd_addr *to, uint32_t type,
             const void *bytes, uint32_t len)
{
    CJD_VEC_LOCAL(vec, 1);
    struct cjd_pkt *pkt = len <= CONTENT_MAX ? cjd_pool_take(sim->pool, len) : NULL;

    if (!pkt) {
        return CJD_ERR_INVALID;
    }
    cjd_pkt_put(pkt, len);
    memcpy(cjd_pkt_data(pkt), bytes, len);
    cjd_vec_add(&vec, pkt);
    return content_send(host_at(sim, from), to, type, &vec, false);
}
