/*
 * Better paths to nodes that somebody wants. Source: router notes §7.5, §12 (nothing on the wire).
 *
 * The first path found leads by way of whoever knew the target, which is rarely the quickest. But
 * the target names its peers, and some of those, or of their peers, are known here by good paths:
 * each of them is asked for the target and answers with its own best way to it, mostly one hop.
 * Both halves are good, so the whole is; it is proven by a question over it, and the store takes it
 * if it is quicker. Two round trips after the first answer traffic has the better path.
 *
 * Few questions per target, repeated rarely and only while somebody wants it. In a small network
 * every link is explored anyway.
 *
 * Timers: none.
 */
#include <dht/private.h>

#include <stdlib.h>
#include <string.h>

#include <switch/label.h>

#define REFINES       16u
#define HELPERS       4u /* peers of the target that are asked for it */
#define HELPERS_OF    2u /* the same of each list of its peers' peers */
#define STRANGERS     3u /* asked for their peers, in place of helpers that are missing */
#define QUESTIONS_MAX 14u
#define ASKED_MAX     8u
#define WAYS_MAX      8u
#define AGAIN_FIRST   (25 * CJD_S) /* doubled each time */
#define AGAIN_LOG     5u
#define REF_BITS      16u

enum state {
    FRESH, /* the target's peers are not known yet, nor asked for */
    ASKED,
    LISTED, /* its peers were read */
};

struct helper {
    struct cjd_dht_contact to;
    uint64_t likely_ns;
};

struct refine {
    struct cjd_addr target;
    uint64_t since_ns;
    uint16_t generation;
    bool is_used;
    enum state state;
    uint8_t questions;
    uint8_t asked_count;
    uint8_t helper_count;
    uint8_t stranger_count;
    struct helper helper[HELPERS];     /* of the list that is being read, the nearest first */
    struct helper stranger[STRANGERS]; /* the same */
    struct cjd_addr asked[ASKED_MAX];
    uint8_t way_count;
    uint64_t ways[WAYS_MAX]; /* tried */
};

struct cjd_refines {
    uint32_t fresh; /* of them */
    struct refine slots[REFINES];
};

int cjd_refines_new(struct cjd_dht *dht)
{
    dht->refines = calloc(1, sizeof *dht->refines);
    return dht->refines ? 0 : CJD_ERR_NO_MEMORY;
}

void cjd_refines_free(struct cjd_dht *dht)
{
    free(dht->refines);
    dht->refines = NULL;
}

static bool is_same_addr(const struct cjd_addr *a, const struct cjd_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static struct refine *find(const struct cjd_dht *dht, const struct cjd_addr *target)
{
    for (uint32_t i = 0; i < REFINES; i++) {
        struct refine *r = &dht->refines->slots[i];
        if (r->is_used && is_same_addr(&r->target, target)) {
            return r;
        }
    }
    return NULL;
}

static struct refine *by_ref(const struct cjd_dht *dht, const struct cjd_query *query)
{
    struct refine *r = &dht->refines->slots[(query->q.ref & ((1u << REF_BITS) - 1)) % REFINES];

    return query->q.purpose == CJD_ASK_REFINE && r->is_used &&
                   r->generation == query->q.ref >> REF_BITS
               ? r
               : NULL;
}

/* A free place, or that of the oldest. */
static struct refine *take_slot(struct cjd_dht *dht)
{
    struct refine *oldest = &dht->refines->slots[0];

    for (uint32_t i = 0; i < REFINES; i++) {
        struct refine *r = &dht->refines->slots[i];
        if (!r->is_used) {
            return r;
        }
        oldest = r->since_ns < oldest->since_ns ? r : oldest;
    }
    return oldest;
}

static void set_state(struct cjd_dht *dht, struct refine *r, enum state state)
{
    dht->refines->fresh -= r->state == FRESH && state != FRESH;
    r->state = state;
}

/* --- questions ---------------------------------------------------------------------------------
 */

static void send(struct cjd_dht *dht, struct refine *r, struct cjd_question *q, uint64_t now_ns)
{
    q->purpose = CJD_ASK_REFINE;
    q->urgency = CJD_SEARCHING;
    q->ref = (uint32_t)r->generation << REF_BITS | (uint32_t)(r - dht->refines->slots);
    /* Without budget the path stays as it is. */
    if (r->questions < QUESTIONS_MAX && cjd_query_send(dht, q, now_ns) == 0) {
        r->questions++;
    }
}

static void ask_peers(struct cjd_dht *dht, struct refine *r, const struct cjd_dht_contact *to,
                      uint64_t now_ns)
{
    struct cjd_question q = {
        .to = *to, .method = CJD_METHOD_GP, .target_len = CJD_MESSAGE_LABEL_BYTES};

    send(dht, r, &q, now_ns);
}

static void ask_helper(struct cjd_dht *dht, struct refine *r, const struct cjd_dht_contact *to,
                       uint64_t now_ns)
{
    struct cjd_question q = {
        .to = *to, .method = CJD_METHOD_FN, .target_len = CJD_MESSAGE_ADDR_BYTES};

    memcpy(q.target, &r->target, sizeof r->target);
    send(dht, r, &q, now_ns);
}

/* A way that may be quicker than the one in use is proven by asking over it. */
static void try_way(struct cjd_dht *dht, struct refine *r, const struct cjd_store_node *target,
                    const struct cjd_dht_contact *to, uint64_t now_ns)
{
    struct cjd_question q = {.to = *to, .method = CJD_METHOD_PN};
    struct cjd_store_walk walk;

    for (uint32_t i = 0; i < r->way_count; i++) {
        if (r->ways[i] == to->label) {
            return;
        }
    }
    if (r->way_count < WAYS_MAX) {
        r->ways[r->way_count++] = to->label;
    }
    /* With all links known the store has judged it already. */
    if (cjd_store_walk(dht->store, to->label, &walk) && walk.rest != CJD_LABEL_SELF &&
        cjd_store_walk_latency(&walk) < target->cost_us) {
        send(dht, r, &q, now_ns);
    }
}

/* Ways that were named and not needed to find it. */
static void try_heard_ways(struct cjd_dht *dht, struct refine *r,
                           const struct cjd_store_node *target, uint64_t now_ns)
{
    struct cjd_heard_way ways[CJD_HEARD_WAYS];
    uint32_t count = cjd_heard_ways(dht, &r->target, ways, now_ns);

    for (uint32_t i = 0; i < count; i++) {
        ways[i].to.label = cjd_store_shorten(dht->store, ways[i].to.label);
        try_way(dht, r, target, &ways[i].to, now_ns);
    }
}

void cjd_refine_start(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t now_ns)
{
    uint64_t pause = AGAIN_FIRST << (n->refine_step < AGAIN_LOG ? n->refine_step : AGAIN_LOG);

    if (cjd_store_node_count(dht->store) <= CJD_STORE_SMALL || n->peer_links > 0 ||
        (n->refined_ns != 0 && now_ns - n->refined_ns < pause)) {
        return;
    }
    if (n->refined_ns != 0 && n->refine_step < AGAIN_LOG) {
        n->refine_step++;
    }
    n->refined_ns = now_ns;
    struct refine *r = find(dht, &n->addr);
    r = r ? r : take_slot(dht);
    dht->refines->fresh += !r->is_used || r->state != FRESH;
    *r = (struct refine){.target = n->addr,
                         .since_ns = now_ns,
                         .generation = (uint16_t)(r->generation + 1),
                         .is_used = true};
    try_heard_ways(dht, r, n, now_ns);
}

void cjd_refine_way(struct cjd_dht *dht, const struct cjd_dht_contact *to, uint64_t now_ns)
{
    struct refine *r = find(dht, &to->addr);
    const struct cjd_store_node *target = cjd_store_find(dht->store, &to->addr);

    if (r && target && cjd_store_is_reachable(target)) {
        try_way(dht, r, target, to, now_ns);
    }
}

/* --- lists -------------------------------------------------------------------------------------
 */

static bool was_asked(const struct refine *r, const struct cjd_addr *addr)
{
    for (uint32_t i = 0; i < r->asked_count; i++) {
        if (is_same_addr(&r->asked[i], addr)) {
            return true;
        }
    }
    return false;
}

static void note_asked(struct refine *r, const struct cjd_addr *addr)
{
    if (r->asked_count < ASKED_MAX) {
        r->asked[r->asked_count++] = *addr;
    }
}

/* Keeps the quickest. */
static void keep(struct helper *list, uint8_t *count, uint8_t cap, const struct helper *h)
{
    uint8_t at = *count;

    while (at > 0 && list[at - 1].likely_ns > h->likely_ns) {
        at--;
    }
    if (at == cap) {
        return;
    }
    uint8_t last = *count < cap ? *count : (uint8_t)(cap - 1);
    memmove(&list[at + 1], &list[at], (size_t)(last - at) * sizeof *list);
    list[at] = *h;
    *count = (uint8_t)(last + 1);
}

static bool is_behind(const struct cjd_store_node *n, const struct cjd_store_node *target)
{
    for (; n->best; n = n->best->parent) {
        if (n == target) {
            return true;
        }
    }
    return false;
}

/* A peer of the target, or of one of its peers. */
static void consider(struct cjd_dht *dht, struct refine *r, const struct cjd_store_node *target,
                     const struct cjd_dht_contact *to, bool is_of_target)
{
    struct cjd_store_node *n = cjd_store_find(dht->store, &to->addr);

    if (was_asked(r, &to->addr)) {
        return;
    }
    if (n && cjd_store_is_reachable(n) && n->scheme) {
        struct helper h = {.to = cjd_dht_contact_of(n), .likely_ns = n->cost_us * CJD_US};
        if (n->cost_us < target->cost_us && !is_behind(n, target)) {
            keep(r->helper, &r->helper_count, is_of_target ? HELPERS : HELPERS_OF, &h);
        }
    } else if (is_of_target) {
        struct helper h = {.to = *to, .likely_ns = cjd_query_expected(dht, to->label)};
        keep(r->stranger, &r->stranger_count, STRANGERS, &h);
    }
}

static bool is_list(const struct cjd_query *query)
{
    return query->q.method == CJD_METHOD_GP && query->q.target_len == CJD_MESSAGE_LABEL_BYTES;
}

bool cjd_refine_entry(struct cjd_dht *dht, const struct cjd_query *query,
                      const struct cjd_dht_contact *to, uint64_t now_ns)
{
    struct refine *of_target = is_list(query) ? find(dht, &query->q.to.addr) : NULL;
    struct refine *r = of_target ? of_target : by_ref(dht, query);
    struct cjd_store_node *target = r ? cjd_store_find(dht->store, &r->target) : NULL;

    if (!target || !cjd_store_is_reachable(target)) {
        return false;
    }
    if (is_same_addr(&to->addr, &r->target)) {
        try_way(dht, r, target, to, now_ns);
        return true;
    }
    if (is_list(query) && (!of_target || r->state != LISTED)) {
        consider(dht, r, target, to, of_target != NULL);
    }
    return false;
}

void cjd_refine_listed(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    struct refine *of_target = is_list(query) ? find(dht, &query->q.to.addr) : NULL;
    struct refine *r = of_target ? of_target : by_ref(dht, query);

    if (!r || !is_list(query)) {
        return;
    }
    if (of_target) {
        set_state(dht, r, LISTED);
    }
    for (uint32_t i = 0; i < r->helper_count; i++) {
        note_asked(r, &r->helper[i].to.addr);
        ask_helper(dht, r, &r->helper[i].to, now_ns);
    }
    for (uint32_t i = 0; i < r->stranger_count && i + r->helper_count < HELPERS; i++) {
        note_asked(r, &r->stranger[i].to.addr);
        ask_peers(dht, r, &r->stranger[i].to, now_ns);
    }
    r->helper_count = 0;
    r->stranger_count = 0;
}

void cjd_refine_pump(struct cjd_dht *dht, uint64_t now_ns)
{
    for (uint32_t i = 0; dht->refines->fresh > 0 && i < REFINES; i++) {
        struct refine *r = &dht->refines->slots[i];
        if (!r->is_used || r->state != FRESH) {
            continue;
        }
        const struct cjd_store_node *n = cjd_store_find(dht->store, &r->target);
        set_state(dht, r, ASKED);
        if (n && cjd_store_is_reachable(n)) {
            struct cjd_dht_contact to = cjd_dht_contact_of(n);
            ask_peers(dht, r, &to, now_ns);
        }
    }
}
