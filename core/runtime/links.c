/*
 * Links of plugins, bound to the links of the node: receiving round by round, sending, flushing.
 *
 * A link may go down while the node is running (a plugin notices it in tx): from then on nothing is
 * called on it, and the node is told as soon as it has returned (cjd_bindings_settle).
 */
#include <runtime/owner.h>

#include <string.h>

#include <runtime/private.h>

static struct binding *binding_of(struct cjd_owner *owner, uint32_t id)
{
    if (id >= CJD_LINKS_MAX) {
        return NULL;
    }
    struct binding *b = &owner->rt->links[id];
    return b->owner == owner && !b->is_down ? b : NULL;
}

static void on_queue(evutil_socket_t fd, short what, void *arg)
{
    struct queue *q = arg;

    (void)fd;
    (void)what;
    atomic_store_explicit(&q->is_ready, true, memory_order_relaxed);
}

static int watch_queue(struct cjd_runtime *rt, struct binding *b, uint32_t i)
{
    struct queue *q = &b->queue[i];
    int fd = b->ops.queue_fd ? b->ops.queue_fd(b->link, i) : -1;

    q->rt = rt;
    q->event = NULL;
    atomic_init(&q->is_ready, false);
    if (fd < 0) {
        return 0;
    }
    q->event = event_new(rt->base, fd, EV_READ | EV_PERSIST, on_queue, q);
    if (!q->event) {
        return CJD_ERR_NO_MEMORY;
    }
    return event_add(q->event, NULL) == 0 ? 0 : CJD_ERR_IO;
}

static void close_binding(struct binding *b)
{
    for (uint32_t i = 0; i < b->queues; i++) {
        if (b->queue[i].event) {
            event_free(b->queue[i].event);
            b->queue[i].event = NULL;
        }
        atomic_store(&b->queue[i].is_ready, false);
    }
}

static int check_ops(const struct cjd_link_ops *ops)
{
    size_t needed = offsetof(struct cjd_link_ops, addr_text);

    if (!ops || ops->size < needed || !ops->open || !ops->rx || !ops->tx) {
        return CJD_ERR_INVALID;
    }
    return 0;
}

static int check_given(const struct cjd_link_given *given)
{
    bool is_sane = given->queues >= 1 && given->queues <= QUEUES_MAX && given->mtu > 0 &&
                   given->headroom <= CJD_PKT_HEADROOM;

    return is_sane ? 0 : CJD_ERR_INVALID;
}

static int add_to_node(struct cjd_runtime *rt, const char *name, const struct cjd_link_given *given)
{
    char short_name[CJD_LINK_NAME_MAX + 1];
    int id;

    snprintf(short_name, sizeof short_name, "%s", name);
    cjd_bridge_enter(rt);
    id = cjd_node_link_add(rt->node, short_name, given->mtu, given->queues);
    cjd_bridge_leave(rt);
    return id;
}

static void forget_link(struct cjd_runtime *rt, uint32_t id)
{
    cjd_bridge_enter(rt);
    cjd_node_link_del(rt->node, id, cjd_runtime_now(rt));
    cjd_bridge_leave(rt);
}

/* Binds an opened link at the node's number. */
static int attach(struct cjd_owner *owner, uint32_t id, const struct binding *link)
{
    struct binding *b = &owner->rt->links[id];
    int err = 0;

    b->owner = owner;
    b->ops = link->ops;
    b->link = link->link;
    b->queues = link->queues;
    b->is_down = false;
    b->has_carrier = true;
    memset(b->queue, 0, sizeof b->queue);
    for (uint32_t i = 0; i < b->queues && err == 0; i++) {
        err = watch_queue(owner->rt, b, i);
    }
    if (err < 0) {
        close_binding(b);
        b->owner = NULL;
    }
    return err;
}

int cjd_owner_link_up(struct cjd_owner *owner, const char *name, const struct cjd_link_ops *ops,
                      void *link, uint32_t *id)
{
    struct cjd_runtime *rt = owner->rt;
    struct cjd_link_wish wish = {.size = sizeof wish, .queues = 1};
    struct cjd_link_given given = {.size = sizeof given, .queues = 1};
    struct binding made = {.link = link};

    if (!rt->node || rt->bridge.depth > 0) {
        return CJD_ERR_STATE;
    }
    int err = check_ops(ops);
    if (err < 0) {
        return err;
    }
    memcpy(&made.ops, ops, ops->size < sizeof made.ops ? ops->size : sizeof made.ops);
    err = made.ops.open(link, &wish, &given);
    if (err == 0) {
        err = check_given(&given);
    }
    if (err < 0) {
        return err;
    }
    made.queues = given.queues;
    int number = add_to_node(rt, name, &given);
    if (number < 0) {
        return number;
    }
    err = attach(owner, (uint32_t)number, &made);
    if (err < 0) {
        forget_link(rt, (uint32_t)number);
        return err;
    }
    owner->links++;
    if (rt->links_end <= (uint32_t)number) {
        rt->links_end = (uint32_t)number + 1;
    }
    *id = (uint32_t)number;
    return 0;
}

static void settle_binding(struct cjd_runtime *rt, uint32_t id)
{
    forget_link(rt, id);
    rt->links[id].owner = NULL;
    rt->links[id].is_down = false;
}

static void tell_carrier(struct cjd_runtime *rt, uint32_t id)
{
    cjd_bridge_enter(rt);
    cjd_node_link_set_carrier(rt->node, id, rt->links[id].has_carrier, cjd_runtime_now(rt));
    cjd_bridge_leave(rt);
}

void cjd_owner_link_down(struct cjd_owner *owner, uint32_t id)
{
    struct binding *b = binding_of(owner, id);
    struct cjd_runtime *rt = owner->rt;

    if (!b) {
        return;
    }
    close_binding(b);
    b->is_down = true;
    owner->links--;
    if (rt->bridge.depth > 0) {
        rt->bridge.has_link_news = true;
    } else {
        settle_binding(rt, id);
    }
}

void cjd_bindings_settle(struct cjd_runtime *rt)
{
    for (uint32_t id = 0; id < rt->links_end; id++) {
        if (rt->links[id].owner && rt->links[id].is_down) {
            settle_binding(rt, id);
        } else if (rt->links[id].owner) {
            tell_carrier(rt, id);
        }
    }
}

uint32_t cjd_bindings_undo(struct cjd_owner *owner)
{
    uint32_t n = 0;

    for (uint32_t id = 0; id < owner->rt->links_end; id++) {
        if (binding_of(owner, id)) {
            cjd_owner_link_down(owner, id);
            n++;
        }
    }
    return n;
}

void cjd_owner_link_set_carrier(struct cjd_owner *owner, uint32_t id, bool has_carrier)
{
    struct binding *b = binding_of(owner, id);

    if (!b) {
        return;
    }
    b->has_carrier = has_carrier;
    if (owner->rt->bridge.depth > 0) {
        owner->rt->bridge.has_link_news = true;
    } else {
        tell_carrier(owner->rt, id);
    }
}

/* [any] The table is fixed storage, so that a late wake of a closed link does no harm. */
void cjd_owner_queue_wake(struct cjd_owner *owner, uint32_t id, uint32_t queue)
{
    if (id < CJD_LINKS_MAX && queue < QUEUES_MAX) {
        atomic_store_explicit(&owner->rt->links[id].queue[queue].is_ready, true,
                              memory_order_release);
        cjd_runtime_wake(owner->rt);
    }
}

/* --- receiving ----------------------------------------------------------------------------------
 */

static void stamp(struct cjd_vec *vec, uint32_t id, uint32_t queue)
{
    for (uint32_t i = 0; i < vec->n; i++) {
        vec->v[i]->link = id;
        vec->v[i]->queue = (uint16_t)queue;
    }
}

/* The plugin may take its link down while it is asked for packets. */
static bool is_up(const struct binding *b, const struct cjd_owner *owner)
{
    return b->owner == owner && !b->is_down;
}

static void pass_on(struct cjd_runtime *rt, uint32_t id, uint32_t queue, struct cjd_vec *vec)
{
    stamp(vec, id, queue);
    cjd_bridge_enter(rt);
    cjd_node_rx(rt->node, id, queue, vec, cjd_runtime_now(rt));
    cjd_bridge_leave(rt);
}

/* Takes packets until the queue is empty or has had its share; true: there may be more. */
static bool receive(struct cjd_runtime *rt, uint32_t id, uint32_t queue)
{
    struct binding *b = &rt->links[id];
    struct cjd_owner *owner = b->owner;

    for (unsigned round = 0; round < RX_ROUNDS && is_up(b, owner); round++) {
        CJD_VEC_LOCAL(vec, RX_VECTOR);
        int err = b->ops.rx(b->link, queue, &vec);
        uint16_t n = vec.n;
        owner->packets -= n;
        if (!is_up(b, owner)) {
            cjd_pool_give_vec(rt->pool, &vec);
            return false;
        }
        if (n > 0) {
            pass_on(rt, id, queue, &vec);
        }
        if (err < 0 || n < RX_VECTOR) {
            return false;
        }
    }
    return is_up(b, owner);
}

void cjd_bindings_rx(struct cjd_runtime *rt)
{
    for (uint32_t id = 0; id < rt->links_end; id++) {
        struct binding *b = &rt->links[id];
        for (uint32_t i = 0; b->owner && !b->is_down && i < b->queues; i++) {
            struct queue *q = &b->queue[i];
            if (atomic_exchange_explicit(&q->is_ready, false, memory_order_acquire) &&
                receive(rt, id, i)) {
                atomic_store_explicit(&q->is_ready, true, memory_order_relaxed);
            }
        }
    }
}

bool cjd_bindings_pending(struct cjd_runtime *rt)
{
    for (uint32_t id = 0; id < rt->links_end; id++) {
        struct binding *b = &rt->links[id];
        for (uint32_t i = 0; b->owner && !b->is_down && i < b->queues; i++) {
            if (atomic_load_explicit(&b->queue[i].is_ready, memory_order_relaxed)) {
                return true;
            }
        }
    }
    return false;
}

/* --- sending ------------------------------------------------------------------------------------
 */

void cjd_bindings_tx(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    struct cjd_runtime *rt = ctx;
    struct binding *b = &rt->links[link < CJD_LINKS_MAX ? link : 0];

    if (link >= CJD_LINKS_MAX || !b->owner || b->is_down || queue >= b->queues) {
        rt->bridge.lost += vec->n;
        cjd_pool_give_vec(rt->pool, vec);
        return;
    }
    b->owner->packets += vec->n;
    b->ops.tx(b->link, queue, vec, flags);
}

void cjd_bindings_flush(struct cjd_runtime *rt)
{
    for (uint32_t id = 0; id < rt->links_end; id++) {
        struct binding *b = &rt->links[id];
        for (uint32_t i = 0; b->owner && !b->is_down && b->ops.flush && i < b->queues; i++) {
            b->ops.flush(b->link, i);
        }
    }
}

/* For the log only; a plugin need not offer it. */
int cjd_bindings_addr_text(void *ctx, uint32_t link, const struct cjd_linkaddr *addr, char *out,
                           size_t cap)
{
    struct cjd_runtime *rt = ctx;
    const struct binding *b = link < CJD_LINKS_MAX ? &rt->links[link] : NULL;

    if (!b || !b->owner || b->is_down || !b->ops.addr_text) {
        return CJD_ERR_UNSUPPORTED;
    }
    return b->ops.addr_text(b->link, addr, out, cap);
}
