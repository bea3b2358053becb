#include <dht/query.h>

#include <stdlib.h>
#include <string.h>

#include <base/bucket.h>
#include <base/map.h>
#include <cjd/version.h>
#include <dht/private.h>
#include <switch/label.h>

#define TXID_BYTES    14u
#define PREFIX_BYTES  (sizeof CJD_MESSAGE_PREFIX - 1)
#define HANDLE_BYTES  4u
#define SLOTS_MAX     65536u
#define FIRST_TIMEOUT (400 * CJD_MS)
#define MIN_TIMEOUT   (150 * CJD_MS)
#define MAX_FIRST     (500 * CJD_MS) /* unless the path is known to be slow */
#define MAX_TIMEOUT   (3 * CJD_S)
#define FORGET_AFTER  (5 * CJD_S)
#define EXPECTED_MAX  (1500 * CJD_MS) /* no path nobody has measured is waited for longer */
#define PER_BIT_MAX   (40 * CJD_MS)   /* one round trip does not make the world slow */
#define NEIGHBOURS    257u  /* one budget per interface of our own switch, the last shared */
#define DESTINATIONS  1024u /* budgets, by hash */
#define DEST_RATE     8u
#define DEST_BURST    32u

/*
 * Per neighbour: at most ten a second sustained, all together (router notes §12). One account for
 * all, of which the less urgent may not take the last part; and a little that is only theirs, so
 * that they go on whatever happens.
 */
#define RATE          8u
#define BURST         64u
#define RESERVE_RATE  2u
#define RESERVE_BURST 4u
static const uint8_t floor_percent[CJD_URGENCIES] = {
    [CJD_HANDSHAKING] = 0, [CJD_URGENT] = 6, [CJD_SEARCHING] = 12, [CJD_BACKGROUND] = 70};

/*
 * All that can wait, to whomever it goes: a network that starts all at once is no storm. The more
 * is known, the less one more node is worth.
 */
#define OVERALL_BURST 80u
static const struct {
    uint32_t nodes; /* known, at most */
    uint32_t rate;  /* a second */
} overall_rates[] = {{2 * CJD_STORE_SMALL, 10}, {4 * CJD_STORE_SMALL, 8}};
#define OVERALL_LEAST 5u

struct neighbour {
    struct cjd_bucket shared;
    struct cjd_bucket reserve;
};

struct slot {
    struct cjd_query query;
    struct cjd_timer timer;
    struct cjd_map_node by_path;
    struct cjd_list late; /* those that may be given up */
    struct cjd_dht *dht;
    uint16_t index;
    uint8_t txid[TXID_BYTES];
    bool is_mapped;
};

struct cjd_queries {
    struct slot **slots; /* NULL: free */
    uint16_t *free;      /* indices, a stack */
    uint32_t cap;
    uint32_t free_count;
    uint32_t late_count;
    uint16_t generation;
    struct cjd_list late;
    struct cjd_map by_path;
    uint64_t per_bit_ns; /* round trip per bit of label, smoothed */
    struct cjd_bucket overall;
    struct neighbour neighbours[NEIGHBOURS];
    struct cjd_bucket destinations[DESTINATIONS];
};

/* "The same question": same node, same path, same asker. */
struct path_key {
    struct cjd_addr addr;
    uint64_t label;
    uint64_t purpose;
};

static struct path_key key_of(const struct cjd_question *q)
{
    return (struct path_key){.addr = q->to.addr, .label = q->to.label, .purpose = q->purpose};
}

static bool has_key(const struct cjd_map_node *node, const void *key)
{
    struct path_key own = key_of(&CJD_CONTAINER_OF(node, const struct slot, by_path)->query.q);
    return memcmp(&own, key, sizeof own) == 0;
}

static void on_timer(void *arg, uint64_t now_ns);

int cjd_queries_new(struct cjd_dht *dht)
{
    struct cjd_queries *qs = calloc(1, sizeof *qs);

    if (!qs) {
        return CJD_ERR_NO_MEMORY;
    }
    dht->queries = qs;
    cjd_list_init(&qs->late);
    qs->cap = dht->cfg.limits.queries < SLOTS_MAX ? dht->cfg.limits.queries : SLOTS_MAX;
    qs->slots = calloc(qs->cap, sizeof(struct slot *));
    qs->free = calloc(qs->cap, sizeof *qs->free);
    if (!qs->slots || !qs->free || cjd_map_init(&qs->by_path, cjd_rng_u64(&dht->cfg.rng))) {
        return CJD_ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < qs->cap; i++) {
        qs->free[qs->free_count++] = (uint16_t)(qs->cap - 1 - i);
    }
    return 0;
}

void cjd_queries_free(struct cjd_dht *dht)
{
    struct cjd_queries *qs = dht->queries;

    if (!qs) {
        return;
    }
    for (uint32_t i = 0; qs->slots && i < qs->cap; i++) {
        if (qs->slots[i]) {
            cjd_timer_cancel(dht->cfg.timers, &qs->slots[i]->timer);
            free(qs->slots[i]);
        }
    }
    cjd_map_fini(&qs->by_path);
    free(qs->free);
    free(qs->slots);
    free(qs);
    dht->queries = NULL;
}

uint32_t cjd_query_count(const struct cjd_dht *dht)
{
    const struct cjd_queries *qs = dht->queries;
    return qs->cap - qs->free_count - qs->late_count;
}

static void unmap(struct slot *slot)
{
    if (slot->is_mapped) {
        cjd_map_remove(&slot->dht->queries->by_path, &slot->by_path);
        slot->is_mapped = false;
    }
}

static void release(struct slot *slot)
{
    struct cjd_queries *qs = slot->dht->queries;

    unmap(slot);
    qs->late_count -= slot->query.is_late;
    cjd_list_remove(&slot->late);
    cjd_timer_cancel(slot->dht->cfg.timers, &slot->timer);
    qs->slots[slot->index] = NULL;
    qs->free[qs->free_count++] = slot->index;
    free(slot);
}

static void on_timer(void *arg, uint64_t now_ns)
{
    struct slot *slot = arg;
    struct cjd_queries *qs = slot->dht->queries;

    if (slot->query.is_late) {
        release(slot);
        return;
    }
    slot->query.is_late = true;
    qs->late_count++;
    cjd_list_append(&qs->late, &slot->late);
    unmap(slot);
    cjd_timer_arm(slot->dht->cfg.timers, &slot->timer, slot->query.sent_ns + FORGET_AFTER);
    struct cjd_query copy = slot->query;
    slot->dht->stats.timeouts++;
    cjd_dht_silence(slot->dht, &copy, now_ns);
    cjd_dht_finish(slot->dht, now_ns);
}

/* --- budgets -----------------------------------------------------------------------------------
 */

static struct neighbour *neighbour_of(struct cjd_dht *dht, const struct cjd_question *q)
{
    const struct cjd_scheme *scheme = dht->cfg.scheme;
    int form = cjd_scheme_form_of(scheme, q->to.label);
    uint32_t iface = form < 0 ? 0 : cjd_scheme_iface_of(scheme, q->to.label, form);

    return &dht->queries->neighbours[iface % NEIGHBOURS];
}

/* Takes from the account unless that would leave less than the floor. */
static bool take_above(struct cjd_bucket *b, uint64_t now_ns, uint32_t percent)
{
    uint64_t floor_ns = CJD_S / RATE * BURST / 100 * percent;

    if (!cjd_bucket_take(b, now_ns, RATE, BURST)) {
        return false;
    }
    if (b->credit_ns < floor_ns) {
        b->credit_ns += CJD_S / RATE;
        return false;
    }
    return true;
}

static uint32_t overall_rate(const struct cjd_dht *dht)
{
    uint32_t known = cjd_store_node_count(dht->store);

    for (uint32_t i = 0; i < sizeof overall_rates / sizeof overall_rates[0]; i++) {
        if (known <= overall_rates[i].nodes) {
            return overall_rates[i].rate;
        }
    }
    return OVERALL_LEAST;
}

static bool take_of_neighbour(struct neighbour *n, enum cjd_urgency urgency, uint64_t now_ns)
{
    return take_above(&n->shared, now_ns, floor_percent[urgency]) ||
           (urgency > CJD_URGENT &&
            cjd_bucket_take(&n->reserve, now_ns, RESERVE_RATE, RESERVE_BURST));
}

/* What is urgent is rare and decides how long users wait: only the neighbour limits it. */
static bool take_budget(struct cjd_dht *dht, const struct cjd_question *q, uint64_t now_ns)
{
    struct cjd_queries *qs = dht->queries;
    uint64_t hash = cjd_map_hash(&qs->by_path, &q->to.addr, sizeof q->to.addr);
    struct cjd_bucket *overall = q->urgency == CJD_BACKGROUND ? &qs->overall : NULL;
    struct cjd_bucket *to =
        q->urgency <= CJD_URGENT ? NULL : &qs->destinations[hash % DESTINATIONS];
    uint32_t rate = overall_rate(dht);

    if (overall && !cjd_bucket_take(overall, now_ns, rate, OVERALL_BURST)) {
        return false;
    }
    bool is_taken = !to || cjd_bucket_take(to, now_ns, DEST_RATE, DEST_BURST);
    if (is_taken && take_of_neighbour(neighbour_of(dht, q), q->urgency, now_ns)) {
        return true;
    }
    /* Nothing is sent, so nothing is used up. */
    if (to && is_taken) {
        to->credit_ns += CJD_S / DEST_RATE;
    }
    if (overall) {
        overall->credit_ns += CJD_S / rate;
    }
    return false;
}

/* --- sending -----------------------------------------------------------------------------------
 */

uint64_t cjd_query_expected(const struct cjd_dht *dht, uint64_t label)
{
    struct cjd_store_walk walk;
    uint64_t per_bit = dht->queries->per_bit_ns;

    if (!cjd_store_walk(dht->store, label, &walk)) {
        return cjd_log2(label) * per_bit;
    }
    uint64_t known = cjd_store_walk_latency(&walk) * CJD_US;
    return known + cjd_log2(walk.rest) * per_bit;
}

static void sample(struct cjd_queries *qs, const struct cjd_query *query, uint64_t now_ns)
{
    uint64_t per_bit = (now_ns - query->sent_ns) / (cjd_log2(query->q.to.label) + 1);

    per_bit = per_bit < PER_BIT_MAX ? per_bit : PER_BIT_MAX;
    qs->per_bit_ns =
        qs->per_bit_ns == 0 ? per_bit : qs->per_bit_ns - qs->per_bit_ns / 16 + per_bit / 16;
}

/* Smoothed round trip and four deviations; doubled with each repetition. */
static uint64_t timeout_for(const struct cjd_dht *dht, const struct cjd_question *q)
{
    const struct cjd_store_node *n = cjd_store_find(dht->store, &q->to.addr);
    uint64_t timeout = FIRST_TIMEOUT;
    uint64_t max = MAX_FIRST;

    if (q->timeout_ns != 0) {
        return q->timeout_ns;
    }
    if (n && n->path == q->to.label && n->srtt_us != 0) {
        uint64_t srtt = n->srtt_us * CJD_US;
        timeout = srtt + 4 * (n->rttvar_us * CJD_US) + 20 * CJD_MS;
        max = srtt > MAX_FIRST / 2 ? MAX_TIMEOUT : MAX_FIRST;
    } else {
        uint64_t likely = cjd_query_expected(dht, q->to.label);
        likely = likely < EXPECTED_MAX ? likely : EXPECTED_MAX;
        timeout = likely + likely / 2 > timeout ? likely + likely / 2 : timeout;
        max = MAX_TIMEOUT;
    }
    if (timeout < MIN_TIMEOUT) {
        timeout = MIN_TIMEOUT;
    }
    if (timeout > max) {
        timeout = max;
    }
    timeout <<= q->tries < 3 ? q->tries : 3;
    return timeout < MAX_TIMEOUT ? timeout : MAX_TIMEOUT;
}

static bool is_once(enum cjd_purpose purpose)
{
    return purpose == CJD_ASK_PEERS || purpose == CJD_ASK_PATH || purpose == CJD_ASK_EXPLORE ||
           purpose == CJD_ASK_PING;
}

static struct slot *take_slot(struct cjd_dht *dht, enum cjd_urgency urgency)
{
    struct cjd_queries *qs = dht->queries;
    struct slot *slot;
    uint32_t busy = qs->cap - qs->free_count - qs->late_count;

    if (urgency == CJD_BACKGROUND && busy >= qs->cap / 4 * 3) {
        return NULL;
    }
    if (qs->free_count == 0 && !cjd_list_is_empty(&qs->late)) {
        release(CJD_CONTAINER_OF(qs->late.next, struct slot, late));
    }
    if (qs->free_count == 0 || !(slot = calloc(1, sizeof *slot))) {
        return NULL;
    }
    slot->dht = dht;
    slot->index = qs->free[--qs->free_count];
    cjd_list_init(&slot->late);
    cjd_timer_init(&slot->timer, on_timer, slot);
    qs->slots[slot->index] = slot;
    return slot;
}

static void make_txid(struct cjd_dht *dht, struct slot *slot)
{
    uint32_t generation = ++dht->queries->generation;

    memcpy(slot->txid, CJD_MESSAGE_PREFIX, PREFIX_BYTES);
    cjd_store32(slot->txid + PREFIX_BYTES, generation << 16 | slot->index);
    cjd_rng_fill(&dht->cfg.rng, slot->txid + PREFIX_BYTES + HANDLE_BYTES,
                 TXID_BYTES - PREFIX_BYTES - HANDLE_BYTES);
}

static void transmit(struct cjd_dht *dht, const struct slot *slot, uint64_t now_ns)
{
    const struct cjd_question *q = &slot->query.q;
    uint8_t bytes[CJD_DHT_MESSAGE_MAX];
    struct cjd_message m = {
        .method = q->method,
        .txid = slot->txid,
        .txid_len = TXID_BYTES,
        .version = dht->cfg.version,
        .scheme = *dht->cfg.scheme,
        .form = cjd_scheme_form_of(dht->cfg.scheme, q->to.label),
        .target = q->target_len > 0 ? q->target : NULL,
        .target_len = q->target_len,
    };
    int len = cjd_message_encode(&m, bytes, sizeof bytes);

    if (len > 0) {
        dht->stats.queries_sent++;
        dht->cfg.ops.send(dht->cfg.ops.ctx, &q->to, bytes, (size_t)len, now_ns);
    }
}

/* A message to oneself is never sent (§2); a label without a director of ours leads nowhere. */
static bool can_be_asked(const struct cjd_dht *dht, const struct cjd_dht_contact *to)
{
    return to->label > CJD_LABEL_SELF && cjd_log2(to->label) <= CJD_LABEL_MAX_LOG2 &&
           cjd_scheme_form_of(dht->cfg.scheme, to->label) >= 0 &&
           !cjd_scheme_is_self(dht->cfg.scheme, to->label) &&
           memcmp(&to->key, &dht->cfg.key, sizeof to->key) != 0;
}

int cjd_query_send(struct cjd_dht *dht, const struct cjd_question *question, uint64_t now_ns)
{
    struct cjd_queries *qs = dht->queries;
    struct path_key key = key_of(question);
    uint64_t hash = cjd_map_hash(&qs->by_path, &key, sizeof key);

    if (!can_be_asked(dht, &question->to)) {
        return CJD_ERR_INVALID;
    }
    if (is_once(question->purpose) && cjd_map_find(&qs->by_path, hash, has_key, &key)) {
        return CJD_ERR_EXISTS;
    }
    if (!take_budget(dht, question, now_ns)) {
        return CJD_ERR_AGAIN;
    }
    struct slot *slot = take_slot(dht, question->urgency);
    if (!slot) {
        return CJD_ERR_FULL;
    }
    slot->query = (struct cjd_query){.q = *question, .sent_ns = now_ns};
    make_txid(dht, slot);
    if (is_once(question->purpose)) {
        cjd_map_insert(&qs->by_path, &slot->by_path, hash);
        slot->is_mapped = true;
    }
    cjd_timer_arm(dht->cfg.timers, &slot->timer, now_ns + timeout_for(dht, question));
    transmit(dht, slot, now_ns);
    return 0;
}

bool cjd_query_match(struct cjd_dht *dht, const struct cjd_addr *from,
                     const struct cjd_message *reply, uint64_t now_ns, struct cjd_query *out)
{
    struct cjd_queries *qs = dht->queries;

    if (reply->txid_len != TXID_BYTES) {
        return false;
    }
    uint32_t index = cjd_load32(reply->txid + PREFIX_BYTES) & 0xffff;
    if (index >= qs->cap) {
        return false;
    }
    struct slot *slot = qs->slots[index];
    if (!slot || memcmp(slot->txid, reply->txid, TXID_BYTES) != 0 ||
        memcmp(&slot->query.q.to.addr, from, sizeof *from) != 0) {
        return false;
    }
    *out = slot->query;
    sample(qs, out, now_ns);
    release(slot);
    return true;
}
