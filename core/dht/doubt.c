/*
 * Paths under suspicion: verified by quick probes, given up when those go unanswered.
 * Source: router notes §7.6, §12 (verify, fail over at once, any path, peer paths included).
 *
 *   PROBING ─answer→ (trusted again)
 *      └─silence, as often as its loss suggests→ is the node before it alive?
 *           yes, or it is a direct peer → the link between them is down
 *           not known yet               → WAITING for the verdict on that node
 *
 * All nodes of a doubted path are probed at the same time, so one round tells which link is broken,
 * and every path that uses it is replaced. Meanwhile the best path that shares the fewest links
 * with the doubted one is probed too: when it is needed it is already proven.
 *
 * Timers: one, while there are doubts.
 */
#include <dht/private.h>

#include <stdlib.h>
#include <string.h>

#include <cjd/text.h>
#include <switch/label.h>

#define DOUBTS_MAX    64u
#define PROBE_TIMEOUT (400 * CJD_MS)
#define PROBE_MIN     (120 * CJD_MS)
#define PROBE_SLACK   (40 * CJD_MS)
#define PROBE_SLOW    (3 * CJD_S)
#define TRIES_MIN     2u
#define TRIES_MAX     8u
#define TRIES_SPARED  4u /* at most, where there is another path to go by */
#define PATIENCE      2u /* times as many tries where there is no other path to go by */
#define CONFIDENCE                                                                                 \
    (CJD_LOSS_ONE / 40) /* accepted chance to condemn a path that only lost probes                 \
                         */
#define TRUSTED_FOR   (250 * CJD_MS)
#define AGAIN_AFTER   (50 * CJD_MS)
#define GIVE_UP_AFTER (4 * CJD_S)
#define REF_BITS      16u

enum state { PROBING, WAITING };

struct doubt {
    struct cjd_addr addr;
    uint64_t label;
    uint64_t since_ns;
    enum state state;
    uint8_t tries;
    uint8_t max_tries;
    uint16_t generation;
    bool is_used;
    bool is_best;    /* the path is the node's best one */
    bool is_pending; /* a probe is under way */
};

struct cjd_doubts {
    struct cjd_timer timer;
    uint32_t count;
    struct doubt slots[DOUBTS_MAX];
};

static void on_timer(void *arg, uint64_t now_ns);

int cjd_doubts_new(struct cjd_dht *dht)
{
    dht->doubts = calloc(1, sizeof *dht->doubts);
    if (!dht->doubts) {
        return CJD_ERR_NO_MEMORY;
    }
    cjd_timer_init(&dht->doubts->timer, on_timer, dht);
    return 0;
}

void cjd_doubts_free(struct cjd_dht *dht)
{
    if (dht->doubts) {
        cjd_timer_cancel(dht->cfg.timers, &dht->doubts->timer);
        free(dht->doubts);
        dht->doubts = NULL;
    }
}

static bool is_about(const struct doubt *d, const struct cjd_addr *addr)
{
    return d->is_used && memcmp(&d->addr, addr, sizeof *addr) == 0;
}

static struct doubt *find(const struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label)
{
    for (uint32_t i = 0; dht->doubts->count > 0 && i < DOUBTS_MAX; i++) {
        struct doubt *d = &dht->doubts->slots[i];
        if (is_about(d, addr) && d->label == label) {
            return d;
        }
    }
    return NULL;
}

bool cjd_doubt_is_about(const struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label)
{
    return find(dht, addr, label) != NULL;
}

bool cjd_doubt_is_raised(const struct cjd_dht *dht, const struct cjd_addr *addr)
{
    for (uint32_t i = 0; dht->doubts->count > 0 && i < DOUBTS_MAX; i++) {
        if (is_about(&dht->doubts->slots[i], addr)) {
            return true;
        }
    }
    return false;
}

static uint32_t ref_of(const struct cjd_dht *dht, const struct doubt *d)
{
    return (uint32_t)d->generation << REF_BITS | (uint32_t)(d - dht->doubts->slots);
}

static struct doubt *by_ref(const struct cjd_dht *dht, uint32_t ref)
{
    uint32_t index = ref & ((1u << REF_BITS) - 1);

    if (index >= DOUBTS_MAX) {
        return NULL;
    }
    struct doubt *d = &dht->doubts->slots[index];
    return d->is_used && d->generation == ref >> REF_BITS ? d : NULL;
}

static void drop(struct cjd_dht *dht, struct doubt *d)
{
    d->is_used = false;
    dht->doubts->count--;
}

/* --- probes ------------------------------------------------------------------------------------
 */

/* Twice what the path should take, and some; a path that was always slow is not hurried. */
static uint64_t probe_timeout(const struct cjd_dht *dht, const struct cjd_store_node *n,
                              uint64_t label)
{
    struct cjd_store_walk walk;
    uint64_t expected = 0;
    uint64_t timeout = PROBE_TIMEOUT;

    if (n->path == label && n->srtt_us != 0) {
        expected = n->srtt_us * CJD_US + 2 * (n->rttvar_us * CJD_US);
    } else if (cjd_store_walk(dht->store, label, &walk) && walk.rest == CJD_LABEL_SELF) {
        expected = cjd_store_walk_latency(&walk) * CJD_US;
    }
    if (expected != 0) {
        uint64_t max = expected < PROBE_TIMEOUT / 2 ? PROBE_TIMEOUT : PROBE_SLOW;
        timeout = expected * 2 + PROBE_SLACK;
        timeout = timeout < max ? timeout : max;
    }
    return timeout > PROBE_MIN ? timeout : PROBE_MIN;
}

static void probe(struct cjd_dht *dht, struct doubt *d, uint64_t now_ns)
{
    const struct cjd_store_node *n = cjd_store_find(dht->store, &d->addr);

    if (!n) {
        drop(dht, d);
        return;
    }
    struct cjd_question q = {.to = cjd_dht_contact_of(n),
                             .purpose = CJD_ASK_DOUBT,
                             .method = CJD_METHOD_PN,
                             .urgency = CJD_URGENT,
                             .ref = ref_of(dht, d),
                             .timeout_ns = probe_timeout(dht, n, d->label)};
    q.to.label = d->label;
    d->is_pending = cjd_query_send(dht, &q, now_ns) == 0;
}

static void probe_alternative(struct cjd_dht *dht, struct cjd_store_node *n,
                              const struct cjd_store_walk *walk, uint64_t now_ns)
{
    struct cjd_store_route other;

    if (!cjd_store_alternative(dht->store, n, walk, &other)) {
        return;
    }
    struct cjd_question q = {.to = cjd_dht_contact_of(n),
                             .purpose = CJD_ASK_PATH,
                             .method = CJD_METHOD_PN,
                             .urgency = CJD_URGENT};
    q.to.label = other.path;
    /* Without it the next best path is proven after the change instead of before. */
    (void)cjd_query_send(dht, &q, now_ns);
}

static uint8_t tries_for(const struct cjd_store_walk *walk)
{
    uint64_t lost = CJD_LOSS_ONE - cjd_store_walk_success(walk);
    uint64_t all_lost = lost;
    uint8_t tries = 1;

    while (tries < TRIES_MAX && (tries < TRIES_MIN || all_lost > CONFIDENCE)) {
        all_lost = all_lost * lost / CJD_LOSS_ONE;
        tries++;
    }
    return tries;
}

static bool has_alternative(struct cjd_dht *dht, struct cjd_store_node *n)
{
    struct cjd_store_walk walk;
    struct cjd_store_route other;

    return cjd_store_walk(dht->store, n->path, &walk) &&
           cjd_store_alternative(dht->store, n, &walk, &other);
}

static struct doubt *take_slot(struct cjd_dht *dht)
{
    for (uint32_t i = 0; dht->doubts->count < DOUBTS_MAX && i < DOUBTS_MAX; i++) {
        if (!dht->doubts->slots[i].is_used) {
            return &dht->doubts->slots[i];
        }
    }
    return NULL;
}

/* One path, without those before it. False: known already, no room, or not a path to that node. */
static bool raise_one(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t label,
                      struct cjd_store_walk *walk, uint64_t now_ns)
{
    if (find(dht, &n->addr, label) || !cjd_store_walk(dht->store, label, walk)) {
        return false;
    }
    struct doubt *d = take_slot(dht);
    if (!d) {
        return false;
    }
    uint8_t tries = tries_for(walk);
    if (tries > TRIES_SPARED && (n->path != label || has_alternative(dht, n))) {
        tries = TRIES_SPARED;
    }
    *d = (struct doubt){.addr = n->addr,
                        .label = label,
                        .since_ns = now_ns,
                        .max_tries = tries,
                        .generation = (uint16_t)(d->generation + 1),
                        .is_used = true,
                        .is_best = n->path == label};
    dht->doubts->count++;
    probe(dht, d, now_ns);
    if (!dht->doubts->timer.is_armed) {
        cjd_timer_arm(dht->cfg.timers, &dht->doubts->timer, now_ns + AGAIN_AFTER);
    }
    return true;
}

void cjd_doubt_raise(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label,
                     uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_find(dht->store, addr);
    struct cjd_store_walk walk;
    struct cjd_store_walk unused;

    if (!n || label <= CJD_LABEL_SELF || !raise_one(dht, n, label, &walk, now_ns)) {
        return;
    }
    if (n->path == label && cjd_dht_is_wanted(n, now_ns)) {
        probe_alternative(dht, n, &walk, now_ns);
    }
    for (; n->best && n->best->parent->best; n = n->best->parent) {
        struct cjd_store_node *before = n->best->parent;
        if (before->path_ok_ns == 0 || now_ns - before->path_ok_ns > TRUSTED_FOR) {
            (void)raise_one(dht, before, before->path, &unused, now_ns);
        }
    }
}

/* --- verdicts ----------------------------------------------------------------------------------
 */

static void condemn(struct cjd_dht *dht, struct cjd_store_link *link, uint64_t now_ns)
{
    char parent[CJD_ADDR_TEXT_SIZE];
    char child[CJD_ADDR_TEXT_SIZE];

    if (cjd_log_is_on(&dht->cfg.log, CJD_LOG_DEBUG)) {
        cjd_addr_to_text(parent, &link->parent->addr);
        cjd_addr_to_text(child, &link->child->addr);
        cjd_log_limited(&dht->cfg.log, &dht->down_log, now_ns, CJD_LOG_DEBUG,
                        "link does not answer from=%s to=%s", parent, child);
    }
    cjd_store_link_set_down(dht->store, link, now_ns);
    cjd_upkeep_link_down(dht, now_ns);
    cjd_upkeep_hurry(dht, now_ns);
}

/* Does the link's parent answer, judged since the doubt was raised? */
static bool is_parent_alive(const struct cjd_dht *dht, const struct doubt *d,
                            const struct cjd_store_link *link)
{
    const struct cjd_store_node *parent = link->parent;
    return parent == cjd_store_self(dht->store) || parent->path_ok_ns + TRUSTED_FOR >= d->since_ns;
}

/* Nothing is gained by giving up the only path early; another one is looked for meanwhile. */
static bool is_patient(struct cjd_dht *dht, struct doubt *d, struct cjd_store_node *n,
                       uint64_t now_ns)
{
    if (d->tries >= d->max_tries * PATIENCE || has_alternative(dht, n)) {
        return false;
    }
    if (cjd_dht_is_wanted(n, now_ns)) {
        cjd_search_start(dht, &n->addr, false, now_ns);
    }
    return true;
}

static void judge_best(struct cjd_dht *dht, struct doubt *d, struct cjd_store_node *n,
                       uint64_t now_ns)
{
    struct cjd_store_link *link = n->best;
    const struct cjd_store_node *parent = link->parent;

    if (d->state == PROBING && is_patient(dht, d, n, now_ns)) {
        probe(dht, d, now_ns);
        return;
    }

    if (!is_parent_alive(dht, d, link) && now_ns - d->since_ns < GIVE_UP_AFTER &&
        find(dht, &parent->addr, parent->path)) {
        d->state = WAITING;
        return;
    }
    drop(dht, d);
    condemn(dht, link, now_ns);
}

/* Not our best path to that node, but one that is in use. */
static void judge_other(struct cjd_dht *dht, struct doubt *d, uint64_t now_ns)
{
    struct cjd_store_walk walk;
    bool is_known = cjd_store_walk(dht->store, d->label, &walk) && walk.rest == CJD_LABEL_SELF &&
                    walk.count > 0;
    struct cjd_store_link *last = is_known ? walk.links[walk.count - 1] : NULL;
    bool is_last = last && is_parent_alive(dht, d, last);
    struct cjd_addr addr = d->addr;
    uint64_t label = d->label;

    drop(dht, d);
    cjd_report_dead(dht, &addr, label, now_ns);
    if (is_last) {
        condemn(dht, last, now_ns);
    }
}

static void judge(struct cjd_dht *dht, struct doubt *d, uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_find(dht->store, &d->addr);
    bool is_void = !n || (d->is_best && n->path != d->label);
    /* Something else it was asked over that path may have come back meanwhile. */
    bool is_settled = !is_void && n->path == d->label && n->path_ok_ns >= d->since_ns;

    if (is_void || is_settled) {
        drop(dht, d);
    } else if (n->path == d->label && n->best) {
        judge_best(dht, d, n, now_ns);
    } else {
        judge_other(dht, d, now_ns);
    }
}

/* The node before them answered, or did not: those that waited for it can be judged. */
static void judge_waiting(struct cjd_dht *dht, uint64_t now_ns)
{
    for (uint32_t i = 0; dht->doubts->count > 0 && i < DOUBTS_MAX; i++) {
        struct doubt *d = &dht->doubts->slots[i];
        if (d->is_used && d->state == WAITING) {
            judge(dht, d, now_ns);
        }
    }
}

static void on_timer(void *arg, uint64_t now_ns)
{
    struct cjd_dht *dht = arg;

    for (uint32_t i = 0; i < DOUBTS_MAX; i++) {
        struct doubt *d = &dht->doubts->slots[i];
        if (d->is_used && d->state == PROBING && !d->is_pending) {
            if (now_ns - d->since_ns >= GIVE_UP_AFTER) {
                /* Never asked: that is no reason to condemn anything. */
                drop(dht, d);
                continue;
            }
            probe(dht, d, now_ns);
        }
    }
    judge_waiting(dht, now_ns);
    if (dht->doubts->count > 0) {
        cjd_timer_arm(dht->cfg.timers, &dht->doubts->timer, now_ns + AGAIN_AFTER);
    }
    cjd_dht_finish(dht, now_ns);
}

void cjd_doubt_answered(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    struct doubt *d = by_ref(dht, query->q.ref);

    if (d) {
        drop(dht, d);
        judge_waiting(dht, now_ns);
    }
}

void cjd_doubt_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    struct doubt *d = by_ref(dht, query->q.ref);

    if (!d) {
        return;
    }
    d->is_pending = false;
    d->tries++;
    if (d->tries < d->max_tries) {
        probe(dht, d, now_ns);
        return;
    }
    judge(dht, d, now_ns);
    judge_waiting(dht, now_ns);
}

void cjd_doubt_review(struct cjd_dht *dht)
{
    for (uint32_t i = 0; dht->doubts->count > 0 && i < DOUBTS_MAX; i++) {
        struct doubt *d = &dht->doubts->slots[i];
        const struct cjd_store_node *n = d->is_used ? cjd_store_find(dht->store, &d->addr) : NULL;
        if (d->is_used && (!n || (d->is_best && n->path != d->label))) {
            drop(dht, d);
        }
    }
}
