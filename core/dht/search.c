/*
 * Iterative search for a node. Source: router notes §8, §12.
 *
 * Asks the nearest known nodes for the target, three at a time, and then the nearer ones they name,
 * until a way to the target is named and answers. Names are hearsay: only the target's own answer
 * counts, whichever part of the router got it. A search that has run out of nodes waits a little
 * for the store to learn of others before it gives up.
 *
 * Timers: one per search.
 */
#include <dht/search_private.h>

#include <stdlib.h>
#include <string.h>

#include <switch/label.h>

#define ALPHA           3u /* questions at once of one search; fewer when there are many searches */
#define ALPHA_LARGE     2u /* the same in a large network: most of those asked know a way */
#define FEW             4u
#define MANY            12u
#define CLOSEST         8u /* only the nearest that answer are of interest */
#define WAYS_AT_ONCE    3u
#define REQUESTS_MAX    40u
#define FOLLOWED_MAX    8u /* ways that are too long */
#define SAMPLES         64u
#define EXTRA_MIN       8u /* bits of the label to one that is asked because it is elsewhere */
#define EXTRA_MAX       36u
#define WAY_TRIES       5u
#define CANDIDATE_TRIES 2u
#define MIN_LIFE        (1500 * CJD_MS)
#define MAX_LIFE        (6 * CJD_S)
#define AGAIN_AFTER     (40 * CJD_MS)
#define HOPELESS_AFTER  (50 * CJD_MS)
#define FN_SILENT_MAX   3u
#define FN_SILENT_FOR   (60 * CJD_S)
#define REF_BITS        16u

static void on_timer(void *arg, uint64_t now_ns);

int cjd_searches_new(struct cjd_dht *dht)
{
    struct cjd_searches *ss = calloc(1, sizeof *ss);

    if (!ss) {
        return CJD_ERR_NO_MEMORY;
    }
    dht->searches = ss;
    ss->cap = dht->cfg.limits.searches;
    ss->slots = calloc(ss->cap, sizeof(struct search *));
    return ss->slots ? 0 : CJD_ERR_NO_MEMORY;
}

void cjd_searches_free(struct cjd_dht *dht)
{
    struct cjd_searches *ss = dht->searches;

    if (!ss) {
        return;
    }
    for (uint32_t i = 0; i < ss->made; i++) {
        cjd_timer_cancel(dht->cfg.timers, &ss->slots[i]->timer);
        free(ss->slots[i]);
    }
    free(ss->slots);
    free(ss);
    dht->searches = NULL;
}

static bool is_same_addr(const struct cjd_addr *a, const struct cjd_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* Looking for our own address only makes us known. */
static bool is_self(const struct cjd_dht *dht, const struct cjd_addr *target)
{
    return is_same_addr(&dht->cfg.addr, target);
}

static struct search *find(const struct cjd_dht *dht, const struct cjd_addr *target)
{
    struct cjd_searches *ss = dht->searches;

    for (uint32_t i = 0; ss->running > 0 && i < ss->made; i++) {
        if (ss->slots[i]->is_used && is_same_addr(&ss->slots[i]->target, target)) {
            return ss->slots[i];
        }
    }
    return NULL;
}

static uint32_t ref_of(const struct search *s)
{
    return (uint32_t)s->generation << REF_BITS | s->index;
}

static struct search *by_ref(const struct cjd_dht *dht, uint32_t ref)
{
    uint32_t index = ref & ((1u << REF_BITS) - 1);
    struct search *s;

    if (index >= dht->searches->made) {
        return NULL;
    }
    s = dht->searches->slots[index];
    return s->is_used && s->generation == ref >> REF_BITS ? s : NULL;
}

/* --- candidates --------------------------------------------------------------------------------
 */

static void add_candidate(struct search *s, const struct cjd_dht_contact *to)
{
    struct cjd_id id = cjd_id_of(&to->addr);
    uint32_t at = s->count;

    for (uint32_t i = 0; i < s->count; i++) {
        if (is_same_addr(&s->candidates[i].to.addr, &to->addr)) {
            return;
        }
    }
    while (at > 0 && cjd_id_is_closer(s->id, id, s->candidates[at - 1].id)) {
        at--;
    }
    if (at == CANDIDATES) {
        return;
    }
    uint32_t kept = s->count < CANDIDATES ? s->count : CANDIDATES - 1;
    memmove(&s->candidates[at + 1], &s->candidates[at], (kept - at) * sizeof s->candidates[0]);
    s->candidates[at] = (struct candidate){.to = *to, .id = id};
    s->count = kept + 1;
}

/* A client answers pings but not this; it is not asked for a while. */
static bool answers_fn(const struct cjd_store_node *n, uint64_t now_ns)
{
    return n->fn_silent < FN_SILENT_MAX || now_ns - n->fn_silent_ns > FN_SILENT_FOR;
}

struct seeding {
    struct search *s;
    uint64_t now_ns;
};

static bool seed(void *ctx, struct cjd_store_node *n)
{
    struct seeding *x = ctx;

    if (answers_fn(n, x->now_ns) && !is_same_addr(&n->addr, &x->s->target)) {
        struct cjd_dht_contact to = cjd_dht_contact_of(n);
        add_candidate(x->s, &to);
    }
    return x->s->count < CLOSEST * 2;
}

static struct candidate *candidate_of(struct search *s, const struct cjd_addr *addr)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (is_same_addr(&s->candidates[i].to.addr, addr)) {
            return &s->candidates[i];
        }
    }
    for (uint32_t i = 0; i < s->extra_count; i++) {
        if (is_same_addr(&s->extras[i].to.addr, addr)) {
            return &s->extras[i];
        }
    }
    return NULL;
}

/*
 * Where labels are nearly too long, those nearest to the target in the key space may have no path
 * to it while we have one. Then anybody at some distance is asked: each knows its own surroundings.
 */
static void broaden(struct search *s, uint64_t now_ns)
{
    struct cjd_dht *dht = s->dht;
    uint32_t count = cjd_store_node_count(dht->store);

    s->is_broad = true;
    for (uint32_t i = 0; count > CJD_STORE_SMALL && i < SAMPLES && s->extra_count < EXTRAS; i++) {
        const struct cjd_store_node *n =
            cjd_store_node_at(dht->store, cjd_rng_below(&dht->cfg.rng, count));
        unsigned bits = cjd_log2(n->path);
        if (cjd_store_is_reachable(n) && bits >= EXTRA_MIN && bits <= EXTRA_MAX &&
            answers_fn(n, now_ns) && !candidate_of(s, &n->addr)) {
            s->extras[s->extra_count++] = (struct candidate){.to = cjd_dht_contact_of(n)};
        }
    }
}

/* Once the nearest were asked. */
static struct candidate *next_extra(struct search *s, uint64_t now_ns)
{
    if (!s->is_broad && (s->in_flight > 0 || is_self(s->dht, &s->target))) {
        return NULL;
    }
    if (!s->is_broad) {
        broaden(s, now_ns);
    }
    for (uint32_t i = 0; i < s->extra_count; i++) {
        if (s->extras[i].state == FRESH) {
            return &s->extras[i];
        }
    }
    return NULL;
}

/* The nearest that was not asked; once all were, the nearest that was silent. */
static struct candidate *next_candidate(struct search *s)
{
    struct candidate *silent = NULL;
    uint32_t seen = 0;

    for (uint32_t i = 0; i < s->count && seen < CLOSEST; i++) {
        struct candidate *c = &s->candidates[i];
        if (c->state == FRESH) {
            return c;
        }
        if (c->state == SILENT && c->tries < CANDIDATE_TRIES && !silent) {
            silent = c;
        }
        seen += c->state != SILENT;
    }
    return s->in_flight == 0 ? silent : NULL;
}

static struct way *next_way(struct search *s)
{
    struct way *best = NULL;

    for (uint32_t i = 0; i < s->way_count; i++) {
        struct way *w = &s->ways[i];
        bool is_due = w->state == FRESH || (w->state == SILENT && w->tries < WAY_TRIES);
        if (is_due && (!best || w->tries < best->tries ||
                       (w->tries == best->tries && w->to.label < best->to.label))) {
            best = w;
        }
    }
    return best;
}

/* --- life --------------------------------------------------------------------------------------
 */

/* The first way that answered ends the search; one that was not tried may be better. */
static void compare_ways(struct search *s, uint64_t now_ns)
{
    for (uint32_t i = 0; i < s->way_count; i++) {
        if (s->ways[i].state == FRESH) {
            cjd_refine_way(s->dht, &s->ways[i].to, now_ns);
        }
    }
}

static void end(struct search *s, bool was_found, uint64_t now_ns)
{
    struct cjd_dht *dht = s->dht;
    struct cjd_addr target = s->target;
    bool is_asked = s->is_asked;

    cjd_timer_cancel(dht->cfg.timers, &s->timer);
    if (was_found) {
        dht->stats.searches_found++;
        cjd_search_forget_failure(dht, &target);
        if (is_asked) {
            cjd_dht_note_wanted(dht, &target, now_ns);
            compare_ways(s, now_ns);
        }
    } else if (!s->is_hopeless) {
        cjd_search_note_failure(dht, &target, s->way_count > 0, now_ns);
    }
    s->is_used = false;
    dht->searches->running--;
    if (is_asked) {
        dht->cfg.ops.search_done(dht->cfg.ops.ctx, &target, was_found, now_ns);
    }
}

static int ask_candidate(struct search *s, struct candidate *c, uint64_t now_ns)
{
    struct cjd_question q = {.to = c->to,
                             .purpose = CJD_ASK_SEARCH,
                             .method = CJD_METHOD_FN,
                             .urgency = s->urgency,
                             .ref = ref_of(s),
                             .tries = c->tries,
                             .target_len = CJD_MESSAGE_ADDR_BYTES};

    memcpy(q.target, &s->target, sizeof s->target);
    int err = cjd_query_send(s->dht, &q, now_ns);
    if (!err) {
        c->state = ASKED;
        c->tries++;
        s->in_flight++;
        s->requests++;
    }
    return err;
}

static int ask_way(struct search *s, struct way *w, uint64_t now_ns)
{
    struct cjd_question q = {.to = w->to,
                             .purpose = CJD_ASK_TARGET,
                             .method = CJD_METHOD_GP,
                             .urgency = CJD_URGENT,
                             .ref = ref_of(s),
                             .tries = w->tries,
                             .has_teacher = w->has_teacher,
                             .teacher = w->teacher,
                             .target_len = CJD_MESSAGE_LABEL_BYTES};
    int err = cjd_query_send(s->dht, &q, now_ns);
    if (!err) {
        w->state = ASKED;
        w->tries++;
        s->ways_in_flight++;
        s->requests++;
    }
    return err;
}

static bool is_large(const struct search *s)
{
    return cjd_store_node_count(s->dht->store) > CJD_STORE_SMALL;
}

/* True: the budget is used up. */
static bool ask_ways(struct search *s, uint64_t now_ns)
{
    struct way *w;
    uint32_t at_once = is_large(s) ? 1 : WAYS_AT_ONCE;

    while (s->ways_in_flight < at_once && (w = next_way(s))) {
        int err = ask_way(s, w, now_ns);
        if (err == CJD_ERR_AGAIN || err == CJD_ERR_FULL) {
            return true;
        }
        if (err) {
            w->state = DONE;
        }
    }
    return false;
}

/* A way was named and may yet answer: others would only name it again. */
static bool is_way_open(const struct search *s)
{
    for (uint32_t i = 0; i < s->way_count; i++) {
        const struct way *w = &s->ways[i];
        if (w->state == FRESH || (w->state == ASKED && w->tries <= 1)) {
            return true;
        }
    }
    return false;
}

static uint32_t alpha(const struct search *s)
{
    uint32_t running = s->dht->searches->running;
    uint32_t most = is_large(s) ? ALPHA_LARGE : ALPHA;
    return running <= FEW ? most : running <= MANY ? ALPHA - 1 : 1;
}

static bool ask_candidates(struct search *s, uint64_t now_ns)
{
    if (is_way_open(s)) {
        return false;
    }
    while (s->in_flight < alpha(s) && s->requests < REQUESTS_MAX) {
        struct candidate *c = next_candidate(s);
        c = c ? c : next_extra(s, now_ns);
        if (!c) {
            break;
        }
        int err = ask_candidate(s, c, now_ns);
        if (err == CJD_ERR_AGAIN || err == CJD_ERR_FULL) {
            return true;
        }
        if (err) {
            c->state = DONE;
        }
    }
    return false;
}

static void step(struct search *s, uint64_t now_ns)
{
    uint64_t age = now_ns - s->started_ns;

    if (s->is_hopeless || age >= MAX_LIFE) {
        end(s, false, now_ns);
        return;
    }
    bool is_waiting = ask_ways(s, now_ns);
    is_waiting = ask_candidates(s, now_ns) || is_waiting;
    bool is_idle = s->in_flight == 0 && s->ways_in_flight == 0 && !is_waiting &&
                   !cjd_follow_is_open(s->dht, &s->target);
    if (is_idle && age >= MIN_LIFE) {
        end(s, false, now_ns);
        return;
    }
    uint64_t at = s->started_ns + (is_idle ? MIN_LIFE : MAX_LIFE);
    cjd_timer_arm(s->dht->cfg.timers, &s->timer, is_waiting ? now_ns + AGAIN_AFTER : at);
}

static void on_timer(void *arg, uint64_t now_ns)
{
    struct search *s = arg;

    step(s, now_ns);
    cjd_dht_finish(s->dht, now_ns);
}

/* Ways known of old: links to the target that went down may be up again. */
static void try_old_ways(struct search *s, uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_find(s->dht->store, &s->target);

    if (!n) {
        return;
    }
    CJD_LIST_EACH(e, &n->in)
    {
        struct cjd_dht_contact to = cjd_dht_contact_of(n);
        to.label = cjd_store_path_over(CJD_STORE_IN(e));
        if (to.label != CJD_LABEL_INVALID) {
            (void)cjd_search_way(s->dht, &to, NULL, now_ns);
        }
    }
}

/* Ways that were named before anybody asked for them. */
static void try_heard_ways(struct search *s, uint64_t now_ns)
{
    struct cjd_heard_way ways[CJD_HEARD_WAYS];
    uint32_t count = cjd_heard_ways(s->dht, &s->target, ways, now_ns);

    for (uint32_t i = 0; i < count; i++) {
        (void)cjd_search_way(s->dht, &ways[i].to, &ways[i].teacher, now_ns);
    }
}

static struct search *take_slot(struct cjd_searches *ss)
{
    struct search *s;

    for (uint32_t i = 0; ss->running < ss->made && i < ss->made; i++) {
        if (!ss->slots[i]->is_used) {
            return ss->slots[i];
        }
    }
    if (ss->made == ss->cap || !(s = calloc(1, sizeof *s))) {
        return NULL;
    }
    cjd_timer_init(&s->timer, on_timer, s);
    s->index = (uint16_t)ss->made;
    ss->slots[ss->made++] = s;
    return s;
}

void cjd_search_start(struct cjd_dht *dht, const struct cjd_addr *target, bool is_asked,
                      uint64_t now_ns)
{
    struct search *s = find(dht, target);

    if (s) {
        s->is_asked = s->is_asked || is_asked;
        return;
    }
    s = take_slot(dht->searches);
    if (!s) {
        return;
    }
    uint16_t generation = (uint16_t)(s->generation + 1);
    uint16_t index = s->index;
    struct cjd_timer timer = s->timer;
    *s = (struct search){.dht = dht,
                         .timer = timer,
                         .target = *target,
                         .id = cjd_id_of(target),
                         .started_ns = now_ns,
                         .index = index,
                         .generation = generation,
                         .is_used = true,
                         .urgency = is_self(dht, target) ? CJD_BACKGROUND : CJD_SEARCHING,
                         .is_asked = is_asked,
                         .is_hopeless = cjd_search_is_hopeless(dht, target, now_ns)};
    dht->searches->running++;
    if (s->is_hopeless) {
        /* Reported by the timer: whoever asks may not be ready to hear of it yet. */
        cjd_timer_arm(dht->cfg.timers, &s->timer, now_ns + HOPELESS_AFTER);
        return;
    }
    dht->stats.searches_started++;
    struct seeding x = {.s = s, .now_ns = now_ns};
    cjd_store_nearest(dht->store, s->id, seed, &x);
    try_old_ways(s, now_ns);
    try_heard_ways(s, now_ns);
    step(s, now_ns);
}

bool cjd_search_way(struct cjd_dht *dht, const struct cjd_dht_contact *to,
                    const struct cjd_addr *teacher, uint64_t now_ns)
{
    struct search *s = find(dht, &to->addr);

    if (!s || s->is_hopeless) {
        return false;
    }
    for (uint32_t i = 0; i < s->way_count; i++) {
        if (s->ways[i].to.label == to->label) {
            return true;
        }
    }
    if (s->way_count == WAYS) {
        return true;
    }
    struct way *w = &s->ways[s->way_count++];
    *w = (struct way){.to = *to, .has_teacher = teacher != NULL};
    if (teacher) {
        w->teacher = *teacher;
    }
    if (s->ways_in_flight < WAYS_AT_ONCE) {
        step(s, now_ns);
    }
    return true;
}

void cjd_search_candidate(struct cjd_dht *dht, const struct cjd_query *query,
                          const struct cjd_dht_contact *to, uint64_t now_ns)
{
    struct search *s = by_ref(dht, query->q.ref);
    const struct cjd_store_node *n = cjd_store_find(dht->store, &to->addr);

    if (!s) {
        return;
    }
    if (n && cjd_store_is_reachable(n)) {
        struct cjd_dht_contact known = cjd_dht_contact_of(n);
        if (answers_fn(n, now_ns)) {
            add_candidate(s, &known);
        }
    } else {
        add_candidate(s, to);
    }
}

void cjd_search_answered(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    struct search *s = by_ref(dht, query->q.ref);
    struct cjd_store_node *n = cjd_store_find(dht->store, &query->q.to.addr);

    if (n && query->q.purpose == CJD_ASK_SEARCH) {
        n->fn_silent = 0;
    }
    if (query->q.purpose == CJD_ASK_TARGET) {
        cjd_explore_judge(dht, query, true);
    }
    if (!s) {
        return;
    }
    struct candidate *c = candidate_of(s, &query->q.to.addr);
    if (query->q.purpose == CJD_ASK_TARGET) {
        s->ways_in_flight -= !query->is_late && s->ways_in_flight > 0;
    } else {
        s->in_flight -= !query->is_late && s->in_flight > 0;
        if (c) {
            c->state = DONE;
        }
    }
    step(s, now_ns);
}

static void way_silent(struct search *s, const struct cjd_query *query)
{
    s->ways_in_flight -= s->ways_in_flight > 0;
    for (uint32_t i = 0; i < s->way_count; i++) {
        if (s->ways[i].to.label == query->q.to.label) {
            s->ways[i].state = SILENT;
        }
    }
}

/* One lost packet proves nothing; it is the second silence that counts. */
static void way_wrong(struct cjd_dht *dht, const struct cjd_query *query)
{
    if (query->q.tries > 0) {
        cjd_heard_failed(dht, &query->q.to.addr, query->q.to.label);
        cjd_explore_judge(dht, query, false);
    }
}

void cjd_search_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    struct search *s = by_ref(dht, query->q.ref);
    struct cjd_store_node *n = cjd_store_find(dht->store, &query->q.to.addr);

    if (n && query->q.purpose == CJD_ASK_SEARCH) {
        n->fn_silent_ns = now_ns;
        if (n->fn_silent < FN_SILENT_MAX) {
            n->fn_silent++;
        }
    }
    if (!s) {
        return;
    }
    if (query->q.purpose == CJD_ASK_TARGET) {
        way_wrong(dht, query);
        way_silent(s, query);
    } else {
        struct candidate *c = candidate_of(s, &query->q.to.addr);
        s->in_flight -= s->in_flight > 0;
        if (c && c->state == ASKED) {
            c->state = SILENT;
        }
    }
    step(s, now_ns);
}

void cjd_search_offer(struct cjd_dht *dht, const struct cjd_store_node *node, uint64_t now_ns)
{
    struct cjd_searches *ss = dht->searches;
    struct cjd_dht_contact to = cjd_dht_contact_of(node);

    for (uint32_t i = 0; ss->running > 0 && i < ss->made; i++) {
        struct search *s = ss->slots[i];
        if (s->is_used && !s->is_hopeless && cjd_store_is_reachable(node)) {
            add_candidate(s, &to);
            step(s, now_ns);
        }
    }
}

bool cjd_search_may_follow(struct cjd_dht *dht, const struct cjd_addr *addr)
{
    struct search *s = find(dht, addr);

    if (!s || s->is_hopeless || s->follow_count >= FOLLOWED_MAX) {
        return false;
    }
    s->follow_count++;
    return true;
}

void cjd_search_resume(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns)
{
    struct search *s = find(dht, addr);

    if (s && !s->is_hopeless) {
        step(s, now_ns);
    }
}

void cjd_search_found(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns)
{
    struct search *s = find(dht, addr);

    if (s) {
        end(s, true, now_ns);
    }
}
