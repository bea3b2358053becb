/*
 * Keeping what is known fresh. Source: router notes §9, §10, §12.
 *
 * Fast where something changed, slow where nothing does:
 *  - a new peer or node is asked for its peers a few times within seconds, each time later;
 *  - a tick looks at the oldest node, the oldest link or the next distance bucket, at most one
 *    question each; it slows down from half a second to four seconds while nothing happens;
 *  - links that are down are tried again, and removed after several tries.
 *
 * Timers: one per node (next question), one for the tick, one for links that are down.
 */
#include <dht/private.h>

#include <stdlib.h>
#include <string.h>

#include <switch/label.h>

#define TICK_FAST      (500 * CJD_MS)
#define TICK_SLOW      (4 * CJD_S)
#define TICK_LARGE     (12 * CJD_S) /* long ways make each question dearer */
#define TICK_JITTER    20u
#define NODE_OLD       (20 * CJD_S) /* younger knowledge is not refreshed */
#define LINK_OLD       (60 * CJD_S)
#define BUCKET_EVERY   (20 * CJD_S)
#define SELF_FIRST     (2 * CJD_S) /* search for our own address: makes us known to those near it */
#define SELF_EVERY     (600 * CJD_S) /* reached by doubling the pause */
#define AGAIN_AFTER    (80 * CJD_MS)
#define BUSY_AFTER     (300 * CJD_MS)
#define PEER_RETRY     (100 * CJD_MS) /* doubled each time */
#define PEER_RETRY_LOG 6u
#define MISSES_DOUBT   2u
#define DOWN_MISSES    6u
#define DOWN_MAX       (90 * CJD_S)
#define LOST_MAX       (60 * CJD_S) /* an unreachable node is forgotten */

static const uint16_t peer_schedule_ms[] = {60, 250, 1000, 4000, 15000};
static const uint16_t node_schedule_ms[] = {300, 1500, 8000};

struct cjd_upkeep {
    struct cjd_timer tick;
    struct cjd_timer down;
    uint64_t interval_ns;
    uint64_t bucket_ns; /* last refresh */
    uint64_t self_ns;   /* next search for ourselves */
    uint64_t self_pause_ns;
    uint32_t turn;
    uint32_t bucket;
};

static void on_tick(void *arg, uint64_t now_ns);
static void on_down(void *arg, uint64_t now_ns);
static void on_node(void *arg, uint64_t now_ns);

int cjd_upkeep_new(struct cjd_dht *dht, uint64_t now_ns)
{
    struct cjd_upkeep *u = calloc(1, sizeof *u);

    if (!u) {
        return CJD_ERR_NO_MEMORY;
    }
    dht->upkeep = u;
    cjd_timer_init(&u->tick, on_tick, dht);
    cjd_timer_init(&u->down, on_down, dht);
    u->interval_ns = TICK_FAST;
    cjd_timer_arm(dht->cfg.timers, &u->tick, now_ns + TICK_FAST);
    return 0;
}

void cjd_upkeep_free(struct cjd_dht *dht)
{
    if (dht->upkeep) {
        cjd_timer_cancel(dht->cfg.timers, &dht->upkeep->tick);
        cjd_timer_cancel(dht->cfg.timers, &dht->upkeep->down);
        free(dht->upkeep);
        dht->upkeep = NULL;
    }
}

/* --- questions to one node ---------------------------------------------------------------------
 */

int cjd_upkeep_ask(struct cjd_dht *dht, const struct cjd_dht_contact *to, uint64_t from_label,
                   enum cjd_urgency urgency, uint64_t now_ns)
{
    struct cjd_question q = {.to = *to,
                             .purpose = CJD_ASK_PEERS,
                             .method = CJD_METHOD_GP,
                             .urgency = urgency,
                             .target_len = CJD_MESSAGE_LABEL_BYTES};

    cjd_store64(q.target, from_label);
    return cjd_query_send(dht, &q, now_ns);
}

static bool is_large(const struct cjd_dht *dht)
{
    return cjd_store_node_count(dht->store) > CJD_STORE_SMALL;
}

static void arm(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t at_ns)
{
    cjd_timer_arm(dht->cfg.timers, &n->upkeep.timer, at_ns);
}

/* The question due by its schedule; none after the last. */
static void arm_next(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t now_ns)
{
    bool is_peer = n->peer_links > 0;
    const uint16_t *schedule = is_peer ? peer_schedule_ms : node_schedule_ms;
    size_t steps = is_peer ? sizeof peer_schedule_ms / sizeof peer_schedule_ms[0]
                           : sizeof node_schedule_ms / sizeof node_schedule_ms[0];

    /* It named its peers when it was found; in a large network others are of more interest. */
    if (!is_peer && is_large(dht)) {
        return;
    }
    if (n->upkeep.step < steps) {
        uint64_t delay = schedule[n->upkeep.step++] * CJD_MS;
        arm(dht, n, now_ns + cjd_rng_jitter(&dht->cfg.rng, delay, TICK_JITTER));
    }
}

static void ask(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t now_ns)
{
    struct cjd_dht_contact to = cjd_dht_contact_of(n);
    enum cjd_urgency urgency = n->scheme ? CJD_BACKGROUND : CJD_URGENT;

    if (!cjd_store_is_reachable(n)) {
        return;
    }
    n->upkeep.windows = 0;
    int err = cjd_upkeep_ask(dht, &to, 0, urgency, now_ns);
    if (err == CJD_ERR_AGAIN || err == CJD_ERR_FULL) {
        arm(dht, n, now_ns + cjd_rng_jitter(&dht->cfg.rng, AGAIN_AFTER, TICK_JITTER));
        return;
    }
    cjd_store_node_asked(dht->store, n, now_ns);
}

static void on_node(void *arg, uint64_t now_ns)
{
    struct cjd_store_node *n = arg;
    struct cjd_dht *dht = n->owner;

    if (n->peer_links > 0 || !n->scheme) {
        ask(dht, n, now_ns);
    } else if (!is_large(dht) && cjd_explore_is_busy(dht)) {
        /* What was named and not tried yet comes before what it might name now. */
        arm(dht, n, now_ns + cjd_rng_jitter(&dht->cfg.rng, BUSY_AFTER, TICK_JITTER));
    } else if (!is_large(dht)) {
        /* The network may have turned out to be large since the question was planned. */
        ask(dht, n, now_ns);
    }
    cjd_dht_finish(dht, now_ns);
}

static void adopt(struct cjd_dht *dht, struct cjd_store_node *n)
{
    if (!n->owner) {
        n->owner = dht;
        cjd_timer_init(&n->upkeep.timer, on_node, n);
    }
}

void cjd_upkeep_peer(struct cjd_dht *dht, struct cjd_store_node *node, uint64_t now_ns)
{
    adopt(dht, node);
    node->upkeep = (struct cjd_upkeep_node){.timer = node->upkeep.timer};
    ask(dht, node, now_ns);
    cjd_upkeep_hurry(dht, now_ns);
    if (dht->upkeep->self_ns == 0) {
        dht->upkeep->self_ns = now_ns + SELF_FIRST;
        dht->upkeep->self_pause_ns = SELF_FIRST;
    }
}

void cjd_upkeep_node_added(struct cjd_dht *dht, struct cjd_store_node *node, uint64_t now_ns)
{
    adopt(dht, node);
    arm_next(dht, node, now_ns);
    /* In a large network somebody is new all the time. */
    if (!is_large(dht)) {
        cjd_upkeep_hurry(dht, now_ns);
    }
}

void cjd_upkeep_node_removing(struct cjd_dht *dht, struct cjd_store_node *node)
{
    if (node->owner) {
        cjd_timer_cancel(dht->cfg.timers, &node->upkeep.timer);
        node->owner = NULL;
    }
}

void cjd_upkeep_more(struct cjd_dht *dht, struct cjd_store_node *node, uint64_t now_ns)
{
    if (!is_large(dht) && node->owner && node->upkeep.step > 1 && !node->upkeep.timer.is_armed) {
        node->upkeep.step = 1;
        arm_next(dht, node, now_ns);
    }
}

void cjd_upkeep_hurry(struct cjd_dht *dht, uint64_t now_ns)
{
    struct cjd_upkeep *u = dht->upkeep;

    u->interval_ns = TICK_FAST;
    if (!u->tick.is_armed || u->tick.at_ns > now_ns + TICK_FAST) {
        cjd_timer_arm(dht->cfg.timers, &u->tick, now_ns + TICK_FAST);
    }
}

void cjd_upkeep_answered(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_find(dht->store, &query->q.to.addr);

    if (!n || !n->owner || query->q.purpose != CJD_ASK_PEERS) {
        return;
    }
    n->upkeep.misses = 0;
    if (!n->upkeep.timer.is_armed) {
        arm_next(dht, n, now_ns);
    }
}

/* A link that is not in use, or is down, was tried in vain. */
static void path_silent(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    struct cjd_store_walk walk;

    if (!cjd_store_walk(dht->store, query->q.to.label, &walk) || walk.rest != CJD_LABEL_SELF ||
        walk.count == 0) {
        return;
    }
    struct cjd_store_link *l = walk.links[walk.count - 1];
    l->misses++;
    if (l->is_down) {
        if (l->misses >= DOWN_MISSES && l->parent != cjd_store_self(dht->store)) {
            cjd_store_link_remove(dht->store, l, now_ns);
        }
        return;
    }
    if (l->child->best == l || l->misses >= MISSES_DOUBT) {
        cjd_doubt_raise(dht, &query->q.to.addr, query->q.to.label, now_ns);
    }
}

void cjd_upkeep_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_find(dht->store, &query->q.to.addr);

    if (query->q.purpose == CJD_ASK_PATH) {
        path_silent(dht, query, now_ns);
        return;
    }
    if (!n || !n->owner || n->path != query->q.to.label) {
        return;
    }
    if (n->upkeep.misses < UINT8_MAX) {
        n->upkeep.misses++;
    }
    if (!n->scheme) {
        /* The link layer has it, but it has not said a word yet: its session may need a retry. */
        unsigned shift = n->upkeep.misses < PEER_RETRY_LOG ? n->upkeep.misses : PEER_RETRY_LOG;
        arm(dht, n, now_ns + (PEER_RETRY << shift));
    } else if (n->upkeep.misses < MISSES_DOUBT) {
        ask(dht, n, now_ns);
    } else {
        n->upkeep.misses = 0;
        cjd_doubt_raise(dht, &n->addr, n->path, now_ns);
        arm_next(dht, n, now_ns);
    }
}

/* --- links that are down -----------------------------------------------------------------------
 */

/* False: the budget is used up. */
static bool try_link(struct cjd_dht *dht, struct cjd_store_link *l, uint64_t now_ns)
{
    struct cjd_question q = {.to = cjd_dht_contact_of(l->child),
                             .purpose = CJD_ASK_PATH,
                             .method = CJD_METHOD_PN,
                             .urgency = CJD_BACKGROUND};

    q.to.label = cjd_store_path_over(l);
    if (q.to.label == CJD_LABEL_INVALID) {
        return true;
    }
    cjd_store_link_probed(dht->store, l, now_ns);
    int err = cjd_query_send(dht, &q, now_ns);
    return err != CJD_ERR_AGAIN && err != CJD_ERR_FULL;
}

static void on_down(void *arg, uint64_t now_ns)
{
    struct cjd_dht *dht = arg;
    struct cjd_list *down = cjd_store_down(dht->store);

    CJD_LIST_EACH(e, down)
    {
        struct cjd_store_link *l = CJD_CONTAINER_OF(e, struct cjd_store_link, down);
        if (now_ns - l->down_ns >= DOWN_MAX && l->parent != cjd_store_self(dht->store)) {
            cjd_store_link_remove(dht->store, l, now_ns);
            continue;
        }
        if (now_ns < l->retry_ns) {
            continue;
        }
        cjd_store_link_retried(l, now_ns);
        if (!try_link(dht, l, now_ns)) {
            break;
        }
    }
    if (!cjd_list_is_empty(down)) {
        cjd_timer_arm(dht->cfg.timers, &dht->upkeep->down, now_ns + CJD_STORE_RETRY);
    }
    cjd_dht_finish(dht, now_ns);
}

void cjd_upkeep_link_down(struct cjd_dht *dht, uint64_t now_ns)
{
    if (!dht->upkeep->down.is_armed) {
        cjd_timer_arm(dht->cfg.timers, &dht->upkeep->down, now_ns + CJD_STORE_RETRY);
    }
}

/* --- the tick ----------------------------------------------------------------------------------
 */

static bool refresh_node(struct cjd_dht *dht, uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_oldest_node(dht->store);

    uint64_t old = NODE_OLD * (1 + cjd_store_node_count(dht->store) / CJD_STORE_SMALL);

    if (!n || now_ns - n->asked_ns < old) {
        return false;
    }
    if (!cjd_store_is_reachable(n) || !n->owner) {
        cjd_store_node_asked(dht->store, n, now_ns);
        return false;
    }
    ask(dht, n, now_ns);
    return true;
}

static bool refresh_link(struct cjd_dht *dht, uint64_t now_ns)
{
    struct cjd_store_link *l = cjd_store_oldest_link(dht->store);

    if (!l || now_ns - l->probed_ns < LINK_OLD) {
        return false;
    }
    if (!l->is_one_hop && !l->is_down && cjd_store_is_reachable(l->parent)) {
        struct cjd_dht_contact via = cjd_dht_contact_of(l->parent);
        cjd_store_link_probed(dht->store, l, now_ns);
        cjd_explore_split(dht, &via, l->label, now_ns);
        return true;
    }
    (void)try_link(dht, l, now_ns);
    return true;
}

struct nearest {
    struct cjd_store_node *node;
};

static bool take_first(void *ctx, struct cjd_store_node *n)
{
    struct nearest *x = ctx;

    x->node = n->scheme ? n : NULL; /* a peer that has not spoken will not answer either */
    return x->node == NULL;
}

/* A random address in the next bucket that can have members: who is there? */
static bool refresh_bucket(struct cjd_dht *dht, uint64_t now_ns)
{
    struct cjd_upkeep *u = dht->upkeep;
    struct cjd_id own = cjd_store_self(dht->store)->id;
    struct nearest x = {0};

    if (u->bucket_ns != 0 && now_ns - u->bucket_ns < BUCKET_EVERY) {
        return false;
    }
    struct cjd_id target = cjd_id_flip(own, u->bucket);
    uint64_t noise = cjd_rng_u64(&dht->cfg.rng);
    target.hi ^= u->bucket < 63 ? noise >> (u->bucket + 1) : 0;
    cjd_store_nearest(dht->store, target, take_first, &x);
    /* Deeper than our nearest neighbour there is nobody; begin again. */
    bool is_last = !x.node || cjd_id_common(x.node->id, own) < u->bucket || u->bucket >= 62;
    u->bucket = is_last ? 0 : u->bucket + 1;
    if (!x.node) {
        return false;
    }
    struct cjd_question q = {.to = cjd_dht_contact_of(x.node),
                             .purpose = CJD_ASK_SEARCH,
                             .method = CJD_METHOD_FN,
                             .urgency = CJD_BACKGROUND,
                             .ref = UINT32_MAX,
                             .target_len = CJD_MESSAGE_ADDR_BYTES};
    struct cjd_addr addr = cjd_id_to_addr(target);
    memcpy(q.target, &addr, sizeof addr);
    u->bucket_ns = now_ns;
    return cjd_query_send(dht, &q, now_ns) == 0;
}

static void forget_lost(struct cjd_dht *dht, uint64_t now_ns)
{
    struct cjd_list *lost = cjd_store_lost(dht->store);

    CJD_LIST_EACH(e, lost)
    {
        struct cjd_store_node *n = CJD_CONTAINER_OF(e, struct cjd_store_node, lost);
        if (now_ns - n->lost_ns < LOST_MAX) {
            break;
        }
        if (n->peer_links == 0) {
            cjd_store_node_remove(dht->store, n, now_ns);
        }
    }
}

/* A small network knows us without it. In a large one those near to us in the key space change as
 * it grows together. */
static void search_self(struct cjd_dht *dht, uint64_t now_ns)
{
    struct cjd_upkeep *u = dht->upkeep;
    uint64_t pause = u->self_pause_ns;

    if (u->self_ns == 0 || now_ns < u->self_ns) {
        return;
    }
    u->self_pause_ns = pause * 2 < SELF_EVERY ? pause * 2 : SELF_EVERY;
    u->self_ns = now_ns + cjd_rng_jitter(&dht->cfg.rng, u->self_pause_ns, TICK_JITTER);
    if (pause == SELF_FIRST || pause == SELF_EVERY || is_large(dht)) {
        cjd_search_start(dht, &dht->cfg.addr, false, now_ns);
    }
}

static void on_tick(void *arg, uint64_t now_ns)
{
    struct cjd_dht *dht = arg;
    struct cjd_upkeep *u = dht->upkeep;
    static bool (*const turns[])(struct cjd_dht *, uint64_t) = {refresh_node, refresh_link,
                                                                refresh_bucket};

    forget_lost(dht, now_ns);
    search_self(dht, now_ns);
    /* One question at most; whoever's turn it is not comes when the others have nothing to do. */
    for (uint32_t i = 0; i < 3; i++) {
        if (turns[u->turn++ % 3](dht, now_ns)) {
            break;
        }
    }
    uint64_t slow = is_large(dht) ? TICK_LARGE : TICK_SLOW;
    u->interval_ns = u->interval_ns * 2 < slow ? u->interval_ns * 2 : slow;
    cjd_timer_arm(dht->cfg.timers, &u->tick,
                  now_ns + cjd_rng_jitter(&dht->cfg.rng, u->interval_ns, TICK_JITTER));
    cjd_dht_finish(dht, now_ns);
}
