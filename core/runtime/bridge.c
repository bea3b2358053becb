/*
 * Between the node and the plugins: frontend, content types, and the rule that nobody calls the
 * node while it is running.
 *
 * The node's callbacks for user packets go straight to the frontend. Content and peer events are
 * put off until the node has returned, because their receivers answer by calling the node.
 */
#include <runtime/owner.h>

#include <stdlib.h>
#include <string.h>

#include <runtime/private.h>

static void give(struct cjd_runtime *rt, struct cjd_pkt *pkt)
{
    cjd_pool_give(rt->pool, pkt);
}

void cjd_bridge_lost(struct cjd_runtime *rt, uint32_t n, const char *why)
{
    rt->bridge.lost += n;
    cjd_log_limited(&rt->log, &rt->bridge.limit, cjd_runtime_now(rt), CJD_LOG_DEBUG,
                    "packets dropped: %s count=%u total=%llu", why, (unsigned)n,
                    (unsigned long long)rt->bridge.lost);
}

/* --- content ------------------------------------------------------------------------------------
 */

static struct type_range *range_of(struct cjd_runtime *rt, uint32_t type)
{
    for (unsigned i = 0; i < TYPES_MAX; i++) {
        struct type_range *r = &rt->bridge.types[i];
        if (r->owner && type >= r->first && type <= r->last) {
            return r;
        }
    }
    return NULL;
}

void cjd_bridge_content(void *ctx, const struct cjd_node_source *from, struct cjd_pkt *pkt)
{
    struct cjd_runtime *rt = ctx;
    struct bridge *br = &rt->bridge;

    if (br->content_count == CONTENT_MAX) {
        cjd_bridge_lost(rt, 1, "too much content in one turn");
        give(rt, pkt);
        return;
    }
    uint32_t at = (br->content_head + br->content_count) % CONTENT_MAX;
    br->content[at] = (struct content){.from = *from, .pkt = pkt};
    br->content_count++;
}

static void hand_over(struct cjd_runtime *rt, const struct content *c)
{
    struct type_range *r = range_of(rt, c->from.type);
    struct cjd_upper_source source = {.size = sizeof source,
                                      .type = c->from.type,
                                      .addr = c->from.addr,
                                      .key = c->from.key,
                                      .label = c->from.label};

    if (!r) {
        cjd_bridge_lost(rt, 1, "content type without handler");
        give(rt, c->pkt);
        return;
    }
    r->owner->packets++;
    r->fn(r->arg, &source, c->pkt);
}

static bool settle_content(struct cjd_runtime *rt)
{
    struct bridge *br = &rt->bridge;
    bool had_some = br->content_count > 0;

    while (br->content_count > 0) {
        struct content c = br->content[br->content_head];
        br->content_head = (br->content_head + 1) % CONTENT_MAX;
        br->content_count--;
        hand_over(rt, &c);
    }
    return had_some;
}

/* --- the rule -----------------------------------------------------------------------------------
 */

void cjd_runtime_enter(struct cjd_runtime *rt)
{
    cjd_bridge_enter(rt);
}

void cjd_runtime_leave(struct cjd_runtime *rt)
{
    cjd_bridge_leave(rt);
}

void cjd_bridge_enter(struct cjd_runtime *rt)
{
    rt->bridge.depth++;
}

void cjd_bridge_leave(struct cjd_runtime *rt)
{
    struct bridge *br = &rt->bridge;
    bool is_busy = true;

    br->depth--;
    if (br->depth > 0 || br->is_draining) {
        return;
    }
    /* What is handed out may call the node, which brings more. */
    br->is_draining = true;
    while (is_busy) {
        is_busy = settle_content(rt);
        is_busy = cjd_peers_settle(rt) || is_busy;
        if (br->has_link_news) {
            br->has_link_news = false;
            cjd_bindings_settle(rt);
            is_busy = true;
        }
    }
    br->is_draining = false;
}

/* --- frontend -----------------------------------------------------------------------------------
 */

void cjd_owner_own_addr(struct cjd_owner *owner, struct cjd_addr *out)
{
    memset(out, 0, sizeof *out);
    if (owner->rt->node) {
        *out = cjd_node_self(owner->rt->node)->addr;
    }
}

void cjd_bridge_deliver(void *ctx, struct cjd_vec *vec)
{
    struct cjd_runtime *rt = ctx;
    struct bridge *br = &rt->bridge;

    if (!br->front_owner) {
        cjd_bridge_lost(rt, vec->n, "no frontend takes IPv6 packets");
        cjd_pool_give_vec(rt->pool, vec);
        return;
    }
    br->front_owner->packets += vec->n;
    br->front.deliver(br->front_arg, vec);
}

int cjd_owner_frontend_attach(struct cjd_owner *owner, const struct cjd_frontend_ops *ops,
                              void *arg, const char *device, uint32_t mtu)
{
    struct bridge *br = &owner->rt->bridge;

    if (!ops || ops->size < sizeof *ops || !ops->deliver || !owner->rt->node) {
        return CJD_ERR_INVALID;
    }
    if (br->front_owner) {
        return CJD_ERR_EXISTS;
    }
    br->front_owner = owner;
    br->front = *ops;
    br->front_arg = arg;
    cjd_log(&owner->log, CJD_LOG_INFO, "takes IPv6 packets of this machine device=%s mtu=%u",
            device ? device : "-", (unsigned)mtu);
    return 0;
}

void cjd_owner_frontend_detach(struct cjd_owner *owner)
{
    struct bridge *br = &owner->rt->bridge;

    if (br->front_owner == owner) {
        br->front_owner = NULL;
        br->front_arg = NULL;
    }
}

void cjd_owner_inject(struct cjd_owner *owner, struct cjd_vec *vec)
{
    struct cjd_runtime *rt = owner->rt;

    owner->packets -= vec->n;
    if (!rt->node || rt->bridge.depth > 0) {
        cjd_bridge_lost(rt, vec->n, "injected from inside deliver or tx");
        cjd_pool_give_vec(rt->pool, vec);
        return;
    }
    cjd_bridge_enter(rt);
    cjd_node_inject(rt->node, vec, cjd_runtime_now(rt));
    cjd_bridge_leave(rt);
}

/* --- cjd.upper ----------------------------------------------------------------------------------
 */

/* The core's own types lie below. */
#define TYPE_FIRST 257u
#define TYPE_LAST  0xffffu

static void switch_off(struct cjd_runtime *rt, uint32_t first, uint32_t last)
{
    for (uint32_t t = first; t <= last; t++) {
        int err = cjd_node_type_set(rt->node, t, false);
        (void)err; /* switching off cannot fail for a type that was on */
    }
}

static int switch_on(struct cjd_runtime *rt, uint32_t first, uint32_t last)
{
    for (uint32_t t = first; t <= last; t++) {
        int err = cjd_node_type_set(rt->node, t, true);
        if (err < 0) {
            if (t > first) {
                switch_off(rt, first, t - 1);
            }
            return err;
        }
    }
    return 0;
}

static struct type_range *free_range(struct bridge *br, uint32_t first, uint32_t last, int *err)
{
    struct type_range *found = NULL;

    *err = CJD_ERR_FULL;
    for (unsigned i = 0; i < TYPES_MAX; i++) {
        struct type_range *r = &br->types[i];
        if (!r->owner) {
            found = r;
        } else if (first <= r->last && last >= r->first) {
            *err = CJD_ERR_EXISTS;
            return NULL;
        }
    }
    return found;
}

int cjd_owner_type_register(struct cjd_owner *owner, uint32_t first, uint32_t last, cjd_upper_fn fn,
                            void *arg)
{
    int err;

    if (!fn || first < TYPE_FIRST || last > TYPE_LAST || first > last) {
        return CJD_ERR_INVALID;
    }
    if (!owner->rt->node) {
        return CJD_ERR_STATE;
    }
    struct type_range *r = free_range(&owner->rt->bridge, first, last, &err);
    if (!r) {
        return err;
    }
    err = switch_on(owner->rt, first, last);
    if (err == 0) {
        *r = (struct type_range){owner, first, last, fn, arg};
    }
    return err;
}

int cjd_owner_send(struct cjd_owner *owner, const struct cjd_addr *to, uint32_t type,
                   struct cjd_vec *vec, uint32_t flags)
{
    struct cjd_runtime *rt = owner->rt;
    int err;

    owner->packets -= vec->n;
    if (!rt->node || rt->bridge.depth > 0 || type < TYPE_FIRST || type > TYPE_LAST) {
        cjd_pool_give_vec(rt->pool, vec);
        return type < TYPE_FIRST || type > TYPE_LAST ? CJD_ERR_INVALID : CJD_ERR_STATE;
    }
    cjd_bridge_enter(rt);
    err = cjd_node_send(rt->node, to, type, vec, (flags & CJD_UPPER_NO_WAIT) != 0,
                        cjd_runtime_now(rt));
    cjd_bridge_leave(rt);
    return err;
}

void cjd_bridge_undo(struct cjd_owner *owner)
{
    struct bridge *br = &owner->rt->bridge;

    cjd_owner_frontend_detach(owner);
    for (unsigned i = 0; i < TYPES_MAX; i++) {
        struct type_range *r = &br->types[i];
        if (r->owner == owner) {
            if (owner->rt->node) {
                switch_off(owner->rt, r->first, r->last);
            }
            r->owner = NULL;
        }
    }
}

void cjd_bridge_fini(struct cjd_runtime *rt)
{
    struct bridge *br = &rt->bridge;

    while (br->content_count > 0) {
        give(rt, br->content[br->content_head].pkt);
        br->content_head = (br->content_head + 1) % CONTENT_MAX;
        br->content_count--;
    }
    while (br->notes) {
        struct peer_note *note = br->notes;
        br->notes = note->next;
        free(note);
    }
}
