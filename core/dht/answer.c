/*
 * Replies to others' queries. Source: router notes §4, §5.
 * Any acceptable query is answered, at least as a ping; only a flood from one node is not.
 */
#include <dht/private.h>

#include <stdlib.h>
#include <string.h>

#include <base/bucket.h>
#include <switch/label.h>

#define ASKERS      256u /* budgets, by hash of the address */
#define ASKER_RATE  50u
#define ASKER_BURST 100u

struct cjd_answers {
    struct cjd_map hash; /* only its seed is used */
    struct cjd_bucket askers[ASKERS];
};

int cjd_answers_new(struct cjd_dht *dht)
{
    dht->answers = calloc(1, sizeof *dht->answers);
    return dht->answers ? cjd_map_init(&dht->answers->hash, cjd_rng_u64(&dht->cfg.rng))
                        : CJD_ERR_NO_MEMORY;
}

void cjd_answers_free(struct cjd_dht *dht)
{
    if (dht->answers) {
        cjd_map_fini(&dht->answers->hash);
        free(dht->answers);
        dht->answers = NULL;
    }
}

/* A reply under construction. Entries are collected best first and turned round at the end. */
struct reply {
    const struct cjd_dht *dht;
    uint64_t asker; /* the label that leads to it */
    struct cjd_message m;
};

/* §4: made usable for the asker. A label that grows beyond what can be used is left out. */
static void add_node(struct reply *r, const struct cjd_key *key, uint32_t version, uint64_t label)
{
    uint64_t adapted =
        label == CJD_LABEL_SELF ? label : cjd_scheme_label_for(r->dht->cfg.scheme, label, r->asker);

    if (adapted == CJD_LABEL_INVALID || cjd_log2(adapted) > CJD_LABEL_MAX_LOG2 ||
        r->m.node_count == CJD_MESSAGE_NODES_MAX) {
        return;
    }
    r->m.nodes[r->m.node_count++] =
        (struct cjd_message_node){.key = *key, .label = adapted, .version = version};
}

static bool may_be_told(const struct cjd_store_node *n)
{
    return cjd_store_is_reachable(n) && !n->do_not_tell && n->scheme &&
           cjd_message_version_is_compatible(n->version);
}

/* --- fn ----------------------------------------------------------------------------------------
 */

static bool add_nearest(void *ctx, struct cjd_store_node *n)
{
    struct reply *r = ctx;

    if (may_be_told(n)) {
        add_node(r, &n->key, n->version, n->path);
    }
    return r->m.node_count < CJD_MESSAGE_NODES_MAX;
}

static bool target_addr(const struct cjd_message *query, struct cjd_addr *out)
{
    if (!query->target || query->target_len != CJD_MESSAGE_ADDR_BYTES) {
        return false;
    }
    memcpy(out, query->target, sizeof *out);
    return true;
}

static void answer_fn(struct reply *r, const struct cjd_message *query)
{
    struct cjd_addr target;

    if (target_addr(query, &target)) {
        cjd_store_nearest(r->dht->store, cjd_id_of(&target), add_nearest, r);
    }
}

/* --- gp ----------------------------------------------------------------------------------------
 */

/* §5.3 step 1: only the first director of the target counts. */
static uint64_t threshold(const struct cjd_scheme *scheme, uint64_t target)
{
    if (target <= CJD_LABEL_SELF) {
        return target;
    }
    int form = cjd_scheme_form_of(scheme, target);
    if (form < 0) {
        return UINT64_MAX;
    }
    unsigned width = cjd_form_width(&scheme->form[form]);
    return (target & ((1ull << width) - 1)) | 1ull << width;
}

struct window {
    uint32_t count;
    struct cjd_store_link *links[CJD_MESSAGE_NODES_MAX]; /* smallest labels first */
};

static void window_add(struct window *w, struct cjd_store_link *l)
{
    uint32_t at = w->count;

    while (at > 0 && w->links[at - 1]->label > l->label) {
        at--;
    }
    if (at == CJD_MESSAGE_NODES_MAX) {
        return;
    }
    uint32_t moved =
        w->count < CJD_MESSAGE_NODES_MAX ? w->count - at : CJD_MESSAGE_NODES_MAX - 1 - at;
    memmove(&w->links[at + 1], &w->links[at], moved * sizeof(struct cjd_store_link *));
    w->links[at] = l;
    w->count += w->count < CJD_MESSAGE_NODES_MAX;
}

/* Steps 2 and 3: one-hop links that are their child's best path, from the threshold on. */
static void answer_gp(struct reply *r, const struct cjd_message *query)
{
    const struct cjd_dht *dht = r->dht;
    struct window w = {0};

    if (!query->target || query->target_len != CJD_MESSAGE_LABEL_BYTES) {
        return;
    }
    uint64_t from = threshold(dht->cfg.scheme, cjd_load64(query->target));
    if (from <= CJD_LABEL_SELF) {
        add_node(r, &dht->cfg.key, dht->cfg.version, CJD_LABEL_SELF);
    }
    CJD_LIST_EACH(e, &cjd_store_self(dht->store)->out)
    {
        struct cjd_store_link *l = CJD_STORE_OUT(e);
        if (l->is_one_hop && l->label >= from && l->child->best == l && may_be_told(l->child)) {
            window_add(&w, l);
        }
    }
    for (uint32_t i = 0; i < w.count; i++) {
        add_node(r, &w.links[i]->child->key, w.links[i]->child->version, w.links[i]->label);
    }
}

/* --- nh ----------------------------------------------------------------------------------------
 */

struct next_hop {
    struct cjd_id target;
    uint32_t own_distance; /* leading 32 bits */
    struct cjd_store_node *found;
    uint32_t depth; /* of what was found in the path tree */
};

static uint32_t depth_of(const struct cjd_store_node *n)
{
    uint32_t depth = 0;

    for (; n->best; n = n->best->parent) {
        depth++;
    }
    return depth;
}

/* Nearest first, so all that are nearer than we are come before the first that is not. */
static bool consider_hop(void *ctx, struct cjd_store_node *n)
{
    struct next_hop *h = ctx;

    if ((cjd_id_xor(n->id, h->target).hi >> 32) >= h->own_distance) {
        return false;
    }
    if (may_be_told(n)) {
        uint32_t depth = depth_of(n);
        if (!h->found || depth < h->depth) {
            h->found = n;
            h->depth = depth;
        }
    }
    return h->depth != 1 || !h->found;
}

/* §5.4: the target itself, or the node next to us in the path tree that is nearer to it. */
static void answer_nh(struct reply *r, const struct cjd_message *query)
{
    struct cjd_addr target;

    if (!target_addr(query, &target)) {
        return;
    }
    struct cjd_store_node *n = cjd_store_find(r->dht->store, &target);
    if (!n || !may_be_told(n)) {
        struct cjd_id own = cjd_store_self(r->dht->store)->id;
        struct next_hop h = {.target = cjd_id_of(&target)};
        h.own_distance = (uint32_t)(cjd_id_xor(own, h.target).hi >> 32);
        cjd_store_nearest(r->dht->store, h.target, consider_hop, &h);
        n = h.found;
    }
    if (n) {
        add_node(r, &n->key, n->version, n->path);
    }
}

/* -----------------------------------------------------------------------------------------------
 */

/* Worst first, best last. */
static void turn_round(struct cjd_message *m)
{
    for (uint32_t i = 0; i < m->node_count / 2; i++) {
        struct cjd_message_node n = m->nodes[i];
        m->nodes[i] = m->nodes[m->node_count - 1 - i];
        m->nodes[m->node_count - 1 - i] = n;
    }
}

static bool is_flood(struct cjd_dht *dht, const struct cjd_addr *from, uint64_t now_ns)
{
    struct cjd_answers *a = dht->answers;
    uint64_t hash = cjd_map_hash(&a->hash, from, sizeof *from);
    return !cjd_bucket_take(&a->askers[hash % ASKERS], now_ns, ASKER_RATE, ASKER_BURST);
}

static void send_reply(struct cjd_dht *dht, const struct cjd_dht_contact *to,
                       const struct cjd_message *m, uint64_t now_ns)
{
    uint8_t bytes[CJD_DHT_MESSAGE_MAX];
    int len = cjd_message_encode(m, bytes, sizeof bytes);

    if (len > 0) {
        dht->stats.queries_answered++;
        dht->cfg.ops.send(dht->cfg.ops.ctx, to, bytes, (size_t)len, now_ns);
    }
}

void cjd_answer(struct cjd_dht *dht, const struct cjd_dht_contact *from,
                const struct cjd_message *query, uint64_t now_ns)
{
    int form = cjd_scheme_form_of(dht->cfg.scheme, from->label);
    struct reply r = {.dht = dht,
                      .asker = from->label,
                      .m = {.txid = query->txid,
                            .txid_len = query->txid_len,
                            .version = dht->cfg.version,
                            .scheme = *dht->cfg.scheme,
                            .form = form}};

    if (form < 0 || from->label <= CJD_LABEL_SELF) {
        cjd_drop_count(dht->cfg.drops, CJD_DROP_DHT_MALFORMED);
        return;
    }
    if (is_flood(dht, &from->addr, now_ns)) {
        cjd_drop_count(dht->cfg.drops, CJD_DROP_DHT_RATE);
        return;
    }
    switch (query->method) {
    case CJD_METHOD_FN:
        answer_fn(&r, query);
        break;
    case CJD_METHOD_GP:
        answer_gp(&r, query);
        break;
    case CJD_METHOD_NH:
        answer_nh(&r, query);
        break;
    case CJD_METHOD_PN:
    case CJD_METHOD_UNKNOWN:
    case CJD_METHOD_NONE:
        break;
    }
    turn_round(&r.m);
    send_reply(dht, from, &r.m, now_ns);
}
