/*
 * Hearsay: nodes and links that others told us of. Source: router notes §6, §12.
 *
 * Nothing of it is believed; each entry is a question to ask, most promising first, as fast as the
 * budget allows. Who tells many things that prove wrong is listened to less. What nobody answered
 * is not tried again for a while.
 *
 * Timers: one, while the budget is used up.
 */
#include <dht/private.h>

#include <stdlib.h>
#include <string.h>

#include <switch/label.h>

#define HEARSAY_MAX  128u
#define PER_TEACHER  24u /* waiting at once */
#define TRIES        3u
#define ALTERNATIVES 6u /* known links to a node beyond which no more are sought */
#define FAILED_SLOTS 512u
#define FAILED_FIRST (2 * CJD_S) /* doubled with each failure */
#define FAILED_MAX   (64 * CJD_S)
#define AGAIN_AFTER  (60 * CJD_MS)
#define WINDOWS      8u /* of eight peers each, read from one node in a row */
#define UNRELIABLE   8u /* more wrong than right hearsay than this: one entry per reply counts */
#define CHECK_AFTER  (5 * CJD_S) /* a link its parent does not list is doubted, if this old */
#define CHECK_AFTER_LARGE                                                                          \
    (120 * CJD_S)     /* with many ways to go, a link that is not the teller's best is common */
#define ROOM_SHARE 4u /* a table this far from full (1/4) takes any node */

struct hearsay {
    struct cjd_dht_contact to;
    struct cjd_addr teacher;
    bool has_teacher;
    uint64_t from_label; /* its peers are wanted from this label on */
    uint64_t likely_ns;  /* round trip */
    uint8_t kind;
    uint8_t tries;
};

struct failed {
    uint64_t tag;
    uint64_t until_ns;
    uint64_t pause_ns;
};

struct cjd_explore {
    struct cjd_timer timer;
    struct cjd_map hash; /* only its seed is used */
    uint32_t count;
    struct hearsay waiting[HEARSAY_MAX];
    struct failed failed[FAILED_SLOTS];
};

static void on_timer(void *arg, uint64_t now_ns)
{
    cjd_dht_finish(arg, now_ns);
}

int cjd_explore_new(struct cjd_dht *dht)
{
    dht->explore = calloc(1, sizeof *dht->explore);
    if (!dht->explore) {
        return CJD_ERR_NO_MEMORY;
    }
    cjd_timer_init(&dht->explore->timer, on_timer, dht);
    return cjd_map_init(&dht->explore->hash, cjd_rng_u64(&dht->cfg.rng));
}

void cjd_explore_free(struct cjd_dht *dht)
{
    if (dht->explore) {
        cjd_timer_cancel(dht->cfg.timers, &dht->explore->timer);
        cjd_map_fini(&dht->explore->hash);
        free(dht->explore);
        dht->explore = NULL;
    }
}

/* --- what failed -------------------------------------------------------------------------------
 */

static uint64_t tag_of(const struct cjd_explore *x, const struct cjd_dht_contact *to)
{
    struct {
        struct cjd_addr addr;
        uint64_t label;
    } key = {.addr = to->addr, .label = to->label};

    return cjd_map_hash(&x->hash, &key, sizeof key);
}

static bool has_failed(const struct cjd_explore *x, const struct cjd_dht_contact *to,
                       uint64_t now_ns)
{
    uint64_t tag = tag_of(x, to);
    const struct failed *f = &x->failed[tag % FAILED_SLOTS];
    return f->tag == tag && now_ns < f->until_ns;
}

static void note_failed(struct cjd_explore *x, const struct cjd_dht_contact *to, uint64_t now_ns)
{
    uint64_t tag = tag_of(x, to);
    struct failed *f = &x->failed[tag % FAILED_SLOTS];
    uint64_t pause = FAILED_FIRST;

    if (f->tag == tag) {
        pause = f->pause_ns * 2 < FAILED_MAX ? f->pause_ns * 2 : FAILED_MAX;
    }
    *f = (struct failed){.tag = tag, .until_ns = now_ns + pause, .pause_ns = pause};
}

/* --- what waits --------------------------------------------------------------------------------
 */

/* Nodes of a distance where few are known come first: searches depend on them, and there are only
 * some for each bit of the address. Then unknown nodes before unknown links, quick paths before
 * slow ones. */
static bool is_before(const struct hearsay *a, const struct hearsay *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind;
    }
    return a->likely_ns < b->likely_ns;
}

static bool is_same_addr(const struct cjd_addr *a, const struct cjd_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool is_waiting(const struct cjd_explore *x, const struct cjd_dht_contact *to)
{
    for (uint32_t i = 0; i < x->count; i++) {
        if (x->waiting[i].to.label == to->label &&
            is_same_addr(&x->waiting[i].to.addr, &to->addr)) {
            return true;
        }
    }
    return false;
}

/* Of those of that teacher (NULL: of all) the one that is least worth its place. */
static struct hearsay *worst_of(struct cjd_explore *x, const struct cjd_addr *teacher,
                                uint32_t *count)
{
    struct hearsay *worst = NULL;

    *count = 0;
    for (uint32_t i = 0; i < x->count; i++) {
        struct hearsay *h = &x->waiting[i];
        if (!teacher || (h->has_teacher && is_same_addr(&h->teacher, teacher))) {
            worst = !worst || is_before(worst, h) ? h : worst;
            ++*count;
        }
    }
    return worst;
}

/* Where there is no room, the worst gives way, if it is worse; one teacher has room for a few. */
static void put(struct cjd_explore *x, const struct hearsay *h)
{
    uint32_t count = 0;
    struct hearsay *worst = h->has_teacher ? worst_of(x, &h->teacher, &count) : NULL;

    if (count < PER_TEACHER) {
        if (x->count < HEARSAY_MAX) {
            x->waiting[x->count++] = *h;
            return;
        }
        worst = worst_of(x, NULL, &count);
    }
    if (is_before(h, worst)) {
        *worst = *h;
    }
}

void cjd_explore_add(struct cjd_dht *dht, const struct cjd_dht_contact *to, enum cjd_hearsay kind,
                     const struct cjd_addr *teacher, uint64_t now_ns)
{
    struct cjd_explore *x = dht->explore;
    struct hearsay h = {
        .to = *to, .kind = (uint8_t)kind, .likely_ns = cjd_query_expected(dht, to->label)};

    if (is_waiting(x, to) || has_failed(x, to, now_ns)) {
        return;
    }
    if (teacher) {
        h.has_teacher = true;
        h.teacher = *teacher;
    }
    put(x, &h);
}

static void ask(struct cjd_question *q, const struct hearsay *h)
{
    *q = (struct cjd_question){.to = h->to,
                               .purpose = CJD_ASK_EXPLORE,
                               .urgency = CJD_BACKGROUND,
                               .tries = h->tries,
                               .kind = h->kind,
                               .has_teacher = h->has_teacher,
                               .teacher = h->teacher};
    /* A new node's peers are wanted at once; of a known one only the path is in question. */
    if (h->kind == CJD_HEARSAY_NEAR || h->kind == CJD_HEARSAY_NODE || h->from_label != 0) {
        q->method = CJD_METHOD_GP;
        cjd_store64(q->target, h->from_label);
        q->target_len = CJD_MESSAGE_LABEL_BYTES;
    } else {
        q->method = CJD_METHOD_PN;
    }
}

/* A small network is explored to its last link. In a large one a link is worth a question if a
 * better path may lead over it. */
static bool is_promising(struct cjd_dht *dht, const struct cjd_store_node *from,
                         const struct cjd_store_node *known)
{
    if (known->in_count >= ALTERNATIVES) {
        return false;
    }
    return cjd_store_node_count(dht->store) <= CJD_STORE_SMALL ||
           from->cost_us < known->cost_us - known->cost_us / 8;
}

/* Will a path that takes about so long be better than the one that is known? */
static bool is_likely_quicker(const struct cjd_store_node *known, uint64_t likely_ns)
{
    return likely_ns < (known->cost_us - known->cost_us / 8) * CJD_US;
}

/* Does that label lead over links unknown so far, and may it be a better way? Several hops at once
 * only for a node that somebody wants. */
static bool is_shortcut(struct cjd_dht *dht, const struct cjd_store_node *known, uint64_t label,
                        uint64_t now_ns)
{
    struct cjd_store_walk walk;

    if (!cjd_store_walk(dht->store, label, &walk) || walk.rest == CJD_LABEL_SELF ||
        !walk.at->scheme) {
        return false;
    }
    return cjd_scheme_is_one_hop(walk.at->scheme, walk.rest)
               ? is_promising(dht, walk.at, known)
               : cjd_dht_is_wanted(known, now_ns) &&
                     is_likely_quicker(known, cjd_query_expected(dht, label));
}

static uint32_t first_waiting(const struct cjd_explore *x)
{
    uint32_t first = 0;

    for (uint32_t i = 1; i < x->count; i++) {
        if (is_before(&x->waiting[i], &x->waiting[first])) {
            first = i;
        }
    }
    return first;
}

/*
 * Much is learned while an entry waits. A node that is known meanwhile is worth no question but as
 * a better path to it, which has its turn later. True: the entry stays as it is.
 */
static bool is_current(struct cjd_dht *dht, struct hearsay *h, uint64_t now_ns)
{
    const struct cjd_store_node *known = cjd_store_find(dht->store, &h->to.addr);

    if (!known || !cjd_store_is_reachable(known) || h->kind == CJD_HEARSAY_HOP) {
        return true;
    }
    enum cjd_hearsay kind =
        is_likely_quicker(known, h->likely_ns) ? CJD_HEARSAY_SHORTCUT : CJD_HEARSAY_LINK;
    bool is_same = h->kind == kind;
    h->kind = (uint8_t)kind;
    return is_same && is_shortcut(dht, known, h->to.label, now_ns);
}

bool cjd_explore_is_busy(const struct cjd_dht *dht)
{
    return dht->explore->count > 0;
}

void cjd_explore_pump(struct cjd_dht *dht, uint64_t now_ns)
{
    struct cjd_explore *x = dht->explore;
    struct cjd_question q;

    /* The timer waits for the budget. */
    while (x->count > 0 && !x->timer.is_armed) {
        uint32_t first = first_waiting(x);
        struct hearsay *h = &x->waiting[first];
        uint8_t kind = h->kind;
        if (!is_current(dht, h, now_ns)) {
            if (h->kind == kind) {
                *h = x->waiting[--x->count];
            }
            continue;
        }
        ask(&q, h);
        int err = cjd_query_send(dht, &q, now_ns);
        if (err == CJD_ERR_AGAIN || err == CJD_ERR_FULL) {
            cjd_timer_arm(dht->cfg.timers, &x->timer, now_ns + AGAIN_AFTER);
            break;
        }
        x->waiting[first] = x->waiting[--x->count];
    }
}

static struct cjd_store_node *teacher_of(struct cjd_dht *dht, const struct cjd_query *query)
{
    return query->q.has_teacher ? cjd_store_find(dht->store, &query->q.teacher) : NULL;
}

void cjd_explore_judge(struct cjd_dht *dht, const struct cjd_query *query, bool was_right)
{
    struct cjd_store_node *teacher = teacher_of(dht, query);

    if (!teacher) {
        return;
    }
    teacher->told_good += was_right;
    teacher->told_bad += !was_right;
    /* What it told long ago counts less. */
    if (teacher->told_good + teacher->told_bad > 256) {
        teacher->told_good /= 2;
        teacher->told_bad /= 2;
    }
}

void cjd_explore_answered(struct cjd_dht *dht, const struct cjd_query *query,
                          enum cjd_store_news news)
{
    if (news != CJD_STORE_REFUSED) {
        cjd_explore_judge(dht, query, true);
    }
}

void cjd_explore_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    struct hearsay h = {.to = query->q.to,
                        .kind = query->q.kind,
                        .likely_ns = cjd_query_expected(dht, query->q.to.label),
                        .tries = (uint8_t)(query->q.tries + 1),
                        .has_teacher = query->q.has_teacher,
                        .teacher = query->q.teacher};

    if (query->q.target_len == CJD_MESSAGE_LABEL_BYTES) {
        h.from_label = cjd_load64(query->q.target);
    }
    if (h.tries < TRIES) {
        put(dht->explore, &h);
        return;
    }
    note_failed(dht->explore, &h.to, now_ns);
    cjd_heard_failed(dht, &h.to.addr, h.to.label);
    cjd_explore_judge(dht, query, false);
}

/* --- node lists --------------------------------------------------------------------------------
 */

/* A reply's node list, with who sent it. */
struct list {
    const struct cjd_query *query;
    const struct cjd_message *reply;
    struct cjd_store_node *teller; /* NULL: not in the store */
    uint32_t accepted;
};

/* May the table take a node like that? */
static bool is_welcome(struct cjd_dht *dht, const struct cjd_addr *addr)
{
    uint32_t count = cjd_store_node_count(dht->store);
    uint32_t limit = dht->cfg.limits.nodes;

    return count < limit - limit / ROOM_SHARE ||
           cjd_store_bucket_count(dht->store, cjd_id_of(addr)) < CJD_STORE_BUCKET;
}

static enum cjd_hearsay kind_of(struct cjd_dht *dht, const struct cjd_addr *addr)
{
    return cjd_store_bucket_count(dht->store, cjd_id_of(addr)) < CJD_STORE_BUCKET
               ? CJD_HEARSAY_NEAR
               : CJD_HEARSAY_NODE;
}

static bool is_reliable(const struct list *l)
{
    return !l->teller || l->teller->told_bad <= l->teller->told_good + UNRELIABLE;
}

/* The label as the teller's own graph would have it; CJD_LABEL_INVALID: more than one hop. */
static uint64_t link_label(const struct list *l, uint64_t label)
{
    if (!l->teller || !l->teller->scheme) {
        return CJD_LABEL_INVALID;
    }
    uint64_t canonical = cjd_scheme_convert(l->teller->scheme, label, CJD_FORM_CANONICAL);
    if (canonical == CJD_LABEL_INVALID || !cjd_scheme_is_one_hop(l->teller->scheme, canonical)) {
        return CJD_LABEL_INVALID;
    }
    return canonical;
}

/* Does a longer link of the teller lead through this one? */
static bool is_inner(const struct list *l, uint64_t one_hop)
{
    if (one_hop == CJD_LABEL_INVALID || l->teller->multi_count == 0) {
        return false;
    }
    CJD_LIST_EACH(e, &l->teller->out)
    {
        const struct cjd_store_link *link = CJD_STORE_OUT(e);
        if (!link->is_one_hop && cjd_label_routes_through(link->label, one_hop)) {
            return true;
        }
    }
    return false;
}

static void consider(struct cjd_dht *dht, struct list *l, const struct cjd_dht_contact *to,
                     uint64_t label, uint64_t now_ns)
{
    struct cjd_store_node *known = cjd_store_find(dht->store, &to->addr);
    uint64_t one_hop = link_label(l, label);
    struct cjd_store_link *link =
        one_hop == CJD_LABEL_INVALID ? NULL : cjd_store_link_find(dht->store, l->teller, one_hop);
    enum cjd_hearsay kind = kind_of(dht, &to->addr);

    if (link && link->child == known && !link->is_down) {
        return;
    }
    if (known && cjd_store_is_reachable(known) && is_inner(l, one_hop)) {
        kind = CJD_HEARSAY_HOP;
    } else if (known && cjd_store_is_reachable(known)) {
        /* Alternatives are worth knowing; longer ways to what is known are not. */
        if (one_hop == CJD_LABEL_INVALID || !is_promising(dht, l->teller, known)) {
            return;
        }
        kind = is_likely_quicker(known, cjd_query_expected(dht, to->label)) ? CJD_HEARSAY_SHORTCUT
                                                                            : CJD_HEARSAY_LINK;
    } else if (!known && !is_welcome(dht, &to->addr)) {
        return;
    }
    if (l->accepted == 0 || is_reliable(l)) {
        l->accepted++;
        cjd_explore_add(dht, to, kind, &l->query->q.to.addr, now_ns);
    }
}

/* The way as we would go, unless that failed lately. */
static uint64_t choose_way(struct cjd_dht *dht, const struct cjd_dht_contact *to, uint64_t now_ns)
{
    struct cjd_dht_contact other = *to;

    other.label = cjd_store_shorten(dht->store, to->label);
    return has_failed(dht->explore, &other, now_ns) ? to->label : other.label;
}

/* Our own key behind a label of the teller: what leads through it leads back here. */
static void found_self(struct cjd_dht *dht, const struct list *l, uint64_t label, uint64_t now_ns)
{
    uint64_t one_hop = link_label(l, label);

    if (one_hop != CJD_LABEL_INVALID) {
        cjd_store_way_back(dht->store, l->teller, one_hop, now_ns);
    }
}

/* §6 points 11 and 13. False: the entry is skipped. */
static bool check_entry(struct cjd_dht *dht, const struct list *l,
                        const struct cjd_message_node *entry, struct cjd_dht_contact *to)
{
    const struct cjd_scheme *scheme = &l->reply->scheme;

    if (entry->label <= CJD_LABEL_SELF || cjd_log2(entry->label) > CJD_LABEL_MAX_LOG2 ||
        !cjd_message_version_is_compatible(entry->version) ||
        !dht->cfg.addr_of_key(&to->addr, &entry->key)) {
        return false;
    }
    int form = cjd_scheme_form_of(scheme, entry->label);
    to->key = entry->key;
    to->version = entry->version;
    return form >= l->reply->form && !cjd_scheme_is_self(scheme, entry->label);
}

/* Does the teller go there by way of ourselves, as far as we know? */
static bool leads_home(const struct list *l, uint64_t label)
{
    uint64_t home = l->teller ? l->teller->way_back : 0;

    return home != 0 && cjd_label_routes_through(
                            cjd_scheme_convert(l->teller->scheme, label, CJD_FORM_CANONICAL), home);
}

/* §6 point 12, and what can be done about it. False: there is no way to it that fits. */
static bool find_label(struct cjd_dht *dht, const struct list *l, uint64_t label,
                       struct cjd_dht_contact *to, uint64_t now_ns)
{
    to->label = cjd_label_splice(label, l->query->q.to.label);
    if (to->label == CJD_LABEL_INVALID && l->teller) {
        to->label = cjd_store_shorten_from(dht->store, l->teller, label);
    }
    if (to->label == CJD_LABEL_INVALID) {
        cjd_follow_start(dht, to, &l->query->q.to, label, now_ns);
        return false;
    }
    if (leads_home(l, label)) {
        cjd_drop_count(dht->cfg.drops, CJD_DROP_DHT_LOOP);
    }
    to->label = choose_way(dht, to, now_ns);
    return true;
}

static void use_entry(struct cjd_dht *dht, struct list *l, const struct cjd_message_node *entry,
                      const struct cjd_dht_contact *to, uint64_t now_ns)
{
    if (is_reliable(l)) {
        cjd_heard_note(dht, to, &l->query->q.to.addr, now_ns);
    }
    if (cjd_search_way(dht, to, &l->query->q.to.addr, now_ns) ||
        cjd_refine_entry(dht, l->query, to, now_ns)) {
        return;
    }
    if (l->query->q.purpose == CJD_ASK_SEARCH) {
        cjd_search_candidate(dht, l->query, to, now_ns);
    }
    consider(dht, l, to, entry->label, now_ns);
}

static void take_entry(struct cjd_dht *dht, struct list *l, const struct cjd_message_node *entry,
                       uint64_t now_ns)
{
    struct cjd_dht_contact to;

    if (memcmp(&entry->key, &dht->cfg.key, sizeof entry->key) == 0) {
        cjd_drop_count(dht->cfg.drops, CJD_DROP_DHT_OWN);
        found_self(dht, l, entry->label, now_ns);
    } else if (entry->label == CJD_LABEL_SELF) {
        /* The teller itself, which is no news. */
    } else if (!check_entry(dht, l, entry, &to)) {
        cjd_drop_count(dht->cfg.drops, CJD_DROP_DHT_IMPOSSIBLE);
    } else if (find_label(dht, l, entry->label, &to, now_ns)) {
        use_entry(dht, l, entry, &to, now_ns);
    }
}

static bool is_listed(const struct cjd_message *reply, const struct cjd_key *key)
{
    for (uint32_t i = 0; i < reply->node_count; i++) {
        if (memcmp(&reply->nodes[i].key, key, sizeof *key) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * A node knows its own peers. One it does not list although we go that way has perhaps left: the
 * path is verified (it may also be that the teller prefers another way to it).
 */
static void check_missing(struct cjd_dht *dht, const struct list *l, uint64_t now_ns)
{
    bool is_large = cjd_store_node_count(dht->store) > CJD_STORE_SMALL;
    uint64_t after = is_large ? CHECK_AFTER_LARGE : CHECK_AFTER;

    CJD_LIST_EACH(e, &l->teller->out)
    {
        struct cjd_store_link *link = CJD_STORE_OUT(e);
        struct cjd_store_node *n = link->child;
        if (link->is_one_hop && n->best == link && now_ns - n->path_ok_ns > after &&
            now_ns - n->added_ns > after && !is_listed(l->reply, &n->key)) {
            cjd_doubt_raise(dht, &n->addr, n->path, now_ns);
        }
    }
}

/* §5.3: a full list is continued from its largest label, the first, as the teller writes it. */
static void read_on(struct cjd_dht *dht, const struct list *l, uint64_t now_ns)
{
    uint64_t last = cjd_load64(l->query->q.target);
    uint64_t next = link_label(l, l->reply->nodes[0].label);

    if (next == CJD_LABEL_INVALID || next <= last || l->teller->upkeep.windows >= WINDOWS) {
        return;
    }
    l->teller->upkeep.windows++;
    /* Without budget now the list is read on with the next regular question. */
    (void)cjd_upkeep_ask(dht, &l->query->q.to, next, l->query->q.urgency, now_ns);
}

void cjd_explore_reply(struct cjd_dht *dht, const struct cjd_query *query,
                       const struct cjd_message *reply, uint64_t now_ns)
{
    struct list l = {
        .query = query, .reply = reply, .teller = cjd_store_find(dht->store, &query->q.to.addr)};

    /* Best last. */
    for (uint32_t i = reply->node_count; i > 0; i--) {
        take_entry(dht, &l, &reply->nodes[i - 1], now_ns);
    }
    cjd_refine_listed(dht, query, now_ns);
    if (!l.teller || query->q.method != CJD_METHOD_GP ||
        query->q.target_len != CJD_MESSAGE_LABEL_BYTES) {
        return;
    }
    if (reply->node_count == CJD_MESSAGE_NODES_MAX) {
        read_on(dht, &l, now_ns);
    } else if (cjd_load64(query->q.target) == 0) {
        check_missing(dht, &l, now_ns);
    }
}

/*
 * Traffic shows where nodes are. A query answered does not make its sender known (§5), but asking
 * back does, if the way is new and no detour.
 */
void cjd_explore_hint(struct cjd_dht *dht, const struct cjd_dht_contact *from, uint64_t now_ns)
{
    struct cjd_store_node *known = cjd_store_find(dht->store, &from->addr);
    struct cjd_store_node *self = cjd_store_self(dht->store);
    bool is_reachable = known && cjd_store_is_reachable(known);
    struct cjd_dht_contact to = *from;
    struct cjd_store_walk walk;

    if (!cjd_store_walk(dht->store, from->label, &walk) || walk.at == self) {
        return;
    }
    if (walk.rest == CJD_LABEL_SELF ? walk.at == known : walk.at == known || !walk.at->scheme) {
        return;
    }
    if (is_reachable && !is_shortcut(dht, known, from->label, now_ns)) {
        return;
    }
    to.label = choose_way(dht, from, now_ns);
    if (!is_reachable) {
        cjd_heard_note(dht, &to, &walk.at->addr, now_ns);
    }
    if (!known && !is_welcome(dht, &from->addr)) {
        return;
    }
    (void)cjd_search_way(dht, &to, &walk.at->addr, now_ns);
    cjd_explore_add(dht, &to, is_reachable ? CJD_HEARSAY_LINK : kind_of(dht, &from->addr),
                    &walk.at->addr, now_ns);
}

void cjd_explore_split(struct cjd_dht *dht, const struct cjd_dht_contact *via, uint64_t label,
                       uint64_t now_ns)
{
    /* The smallest label from the threshold on, the last of the list, is the hop we look for. */
    struct hearsay h = {.to = *via,
                        .kind = CJD_HEARSAY_HOP,
                        .from_label = label,
                        .likely_ns = cjd_query_expected(dht, via->label)};

    if (!is_waiting(dht->explore, via) && !has_failed(dht->explore, via, now_ns)) {
        put(dht->explore, &h);
    }
}
