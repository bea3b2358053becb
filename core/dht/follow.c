/*
 * Ways that somebody named and whose label is too long from here. Source: router notes §4, §5.3,
 * switch notes §10.
 *
 * The teller's way to the target is walked hop by hop: each hop is asked for the peer that the next
 * director leads to. As soon as a hop is known by a better path of ours, or what is left is short
 * enough, the whole fits and is tried as a way. One question for each hop, only for targets of
 * searches.
 *
 * Timers: none.
 */
#include <dht/private.h>

#include <stdlib.h>
#include <string.h>

#include <switch/label.h>

#define FOLLOWS   24u
#define STEPS_MAX 8u
#define TRIES     2u
#define REF_BITS  16u

struct follow {
    struct cjd_dht_contact target; /* its label is not used */
    struct cjd_addr teacher;
    struct cjd_dht_contact at; /* whose peer is asked for */
    uint64_t rest;             /* from there on */
    uint16_t generation;
    uint8_t steps;
    uint8_t tries;
    bool is_used;
};

struct cjd_follows {
    struct follow slots[FOLLOWS];
};

int cjd_follows_new(struct cjd_dht *dht)
{
    dht->follows = calloc(1, sizeof *dht->follows);
    return dht->follows ? 0 : CJD_ERR_NO_MEMORY;
}

void cjd_follows_free(struct cjd_dht *dht)
{
    free(dht->follows);
    dht->follows = NULL;
}

static struct follow *by_ref(const struct cjd_dht *dht, uint32_t ref)
{
    struct follow *f = &dht->follows->slots[(ref & ((1u << REF_BITS) - 1)) % FOLLOWS];
    return f->is_used && f->generation == ref >> REF_BITS ? f : NULL;
}

bool cjd_follow_is_open(const struct cjd_dht *dht, const struct cjd_addr *target)
{
    for (uint32_t i = 0; i < FOLLOWS; i++) {
        const struct follow *f = &dht->follows->slots[i];
        if (f->is_used && memcmp(&f->target.addr, target, sizeof *target) == 0) {
            return true;
        }
    }
    return false;
}

/* It leads nowhere; the search may have waited for it. */
static void give_up(struct cjd_dht *dht, struct follow *f, uint64_t now_ns)
{
    cjd_drop_count(dht->cfg.drops, CJD_DROP_DHT_LABEL);
    f->is_used = false;
    cjd_search_resume(dht, &f->target.addr, now_ns);
}

static void succeed(struct cjd_dht *dht, struct follow *f, uint64_t way, uint64_t now_ns)
{
    f->is_used = false;
    f->target.label = way;
    cjd_heard_note(dht, &f->target, &f->teacher, now_ns);
    (void)cjd_search_way(dht, &f->target, &f->teacher, now_ns);
}

/* Who is not known yet most likely has the scheme that everybody has. */
static const struct cjd_scheme *scheme_of(const struct cjd_dht *dht, const struct cjd_addr *addr)
{
    const struct cjd_store_node *n = cjd_store_find(dht->store, addr);
    return n && n->scheme ? n->scheme : cjd_scheme_358();
}

static void ask(struct cjd_dht *dht, struct follow *f, uint64_t now_ns)
{
    struct cjd_question q = {.to = f->at,
                             .purpose = CJD_ASK_FOLLOW,
                             .method = CJD_METHOD_GP,
                             .urgency = CJD_SEARCHING,
                             .ref = (uint32_t)f->generation << REF_BITS |
                                    (uint32_t)(f - dht->follows->slots),
                             .tries = f->tries,
                             .target_len = CJD_MESSAGE_LABEL_BYTES};

    uint64_t hop = cjd_store_first_hop(scheme_of(dht, &f->at.addr), f->rest);
    cjd_store64(q.target, hop);
    if (hop == CJD_LABEL_INVALID || cjd_query_send(dht, &q, now_ns) != 0) {
        give_up(dht, f, now_ns);
    }
}

static struct follow *take_slot(struct cjd_dht *dht)
{
    for (uint32_t i = 0; i < FOLLOWS; i++) {
        if (!dht->follows->slots[i].is_used) {
            return &dht->follows->slots[i];
        }
    }
    return NULL;
}

void cjd_follow_start(struct cjd_dht *dht, const struct cjd_dht_contact *target,
                      const struct cjd_dht_contact *teller, uint64_t label, uint64_t now_ns)
{
    struct follow *f = cjd_search_may_follow(dht, &target->addr) ? take_slot(dht) : NULL;
    const struct cjd_store_node *known = cjd_store_find(dht->store, &teller->addr);

    if (!f) {
        cjd_drop_count(dht->cfg.drops, CJD_DROP_DHT_LABEL);
        return;
    }
    uint16_t generation = (uint16_t)(f->generation + 1);
    *f = (struct follow){.target = *target,
                         .teacher = teller->addr,
                         .at = known && cjd_store_is_reachable(known) ? cjd_dht_contact_of(known)
                                                                      : *teller,
                         .rest = label,
                         .generation = generation,
                         .is_used = true};
    ask(dht, f, now_ns);
}

/* From that hop on to the target; CJD_LABEL_INVALID: does not fit yet. */
static uint64_t way_from(struct cjd_dht *dht, const struct cjd_dht_contact *hop, uint64_t rest)
{
    struct cjd_store_node *known = cjd_store_find(dht->store, &hop->addr);
    uint64_t way = CJD_LABEL_INVALID;

    if (known && cjd_store_is_reachable(known)) {
        way = cjd_store_shorten_from(dht->store, known, rest);
    }
    if (way == CJD_LABEL_INVALID && hop->label != CJD_LABEL_INVALID) {
        way = cjd_label_splice(rest, hop->label);
    }
    return way;
}

/* The entry of a reply that stands for that hop; NULL: none. */
static const struct cjd_message_node *entry_of(const struct cjd_message *reply, uint64_t hop)
{
    for (uint32_t i = reply->node_count; i > 0; i--) {
        const struct cjd_message_node *e = &reply->nodes[i - 1];
        if (e->label > CJD_LABEL_SELF &&
            cjd_scheme_convert(&reply->scheme, e->label, CJD_FORM_CANONICAL) == hop) {
            return e;
        }
    }
    return NULL;
}

static void step_to(struct cjd_dht *dht, struct follow *f, struct cjd_dht_contact *next,
                    uint64_t now_ns)
{
    const struct cjd_store_node *known = cjd_store_find(dht->store, &next->addr);
    uint64_t way = way_from(dht, next, f->rest);

    if (way != CJD_LABEL_INVALID) {
        succeed(dht, f, way, now_ns);
        return;
    }
    if (known && cjd_store_is_reachable(known)) {
        next->label = known->path;
    }
    if (next->label == CJD_LABEL_INVALID || ++f->steps >= STEPS_MAX) {
        give_up(dht, f, now_ns);
        return;
    }
    f->at = *next;
    f->tries = 0;
    ask(dht, f, now_ns);
}

void cjd_follow_answered(struct cjd_dht *dht, const struct cjd_query *query,
                         const struct cjd_message *reply, uint64_t now_ns)
{
    struct follow *f = by_ref(dht, query->q.ref);
    struct cjd_dht_contact next;

    if (!f) {
        return;
    }
    uint64_t hop = cjd_store_first_hop(&reply->scheme, f->rest);
    const struct cjd_message_node *e = entry_of(reply, hop);
    if (hop == CJD_LABEL_INVALID || !e || !dht->cfg.addr_of_key(&next.addr, &e->key)) {
        give_up(dht, f, now_ns);
        return;
    }
    f->rest =
        cjd_label_unsplice(cjd_scheme_convert(&reply->scheme, f->rest, CJD_FORM_CANONICAL), hop);
    if (memcmp(&e->key, &dht->cfg.key, sizeof e->key) == 0) {
        succeed(dht, f, f->rest, now_ns);
        return;
    }
    next.key = e->key;
    next.version = e->version;
    next.label = cjd_label_splice(e->label, query->q.to.label);
    step_to(dht, f, &next, now_ns);
}

void cjd_follow_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    struct follow *f = by_ref(dht, query->q.ref);

    if (!f) {
        return;
    }
    if (++f->tries < TRIES) {
        ask(dht, f, now_ns);
    } else {
        give_up(dht, f, now_ns);
    }
}
