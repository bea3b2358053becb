#include <dht/dht.h>

#include <stdlib.h>
#include <string.h>

#include <dht/private.h>
#include <switch/label.h>
#include <switch/switch.h>

#define DEFAULT_NODES    512u
#define DEFAULT_LINKS    4096u
#define DEFAULT_SEARCHES 32u
#define DEFAULT_QUERIES  256u
#define TABLE_MAX        65535u       /* handles have 16 bits for the place in a table */
#define PATH_OLD         (20 * CJD_S) /* a wanted path unproven for longer is verified */
#define RTT_MAX_US       60000000u

/* --- life --------------------------------------------------------------------------------------
 */

static void set_limit(uint32_t *limit, uint32_t otherwise)
{
    if (*limit == 0) {
        *limit = otherwise;
    }
}

static void set_limits(struct cjd_dht_limits *limits)
{
    set_limit(&limits->nodes, DEFAULT_NODES);
    set_limit(&limits->links, DEFAULT_LINKS);
    set_limit(&limits->searches, DEFAULT_SEARCHES);
    set_limit(&limits->queries, DEFAULT_QUERIES);
    limits->searches = limits->searches < TABLE_MAX ? limits->searches : TABLE_MAX;
    limits->queries = limits->queries < TABLE_MAX ? limits->queries : TABLE_MAX;
}

static void on_removing(void *ctx, struct cjd_store_node *node)
{
    cjd_upkeep_node_removing(ctx, node);
}

static int make_parts(struct cjd_dht *dht, uint64_t now_ns)
{
    struct cjd_store_config store = {.key = dht->cfg.key,
                                     .addr = dht->cfg.addr,
                                     .version = dht->cfg.version,
                                     .scheme = dht->cfg.scheme,
                                     .rng = dht->cfg.rng,
                                     .nodes = dht->cfg.limits.nodes,
                                     .links = dht->cfg.limits.links,
                                     .removing = on_removing,
                                     .ctx = dht};
    int err = cjd_store_new(&dht->store, &store, now_ns);

    err = err ? err : cjd_queries_new(dht);
    err = err ? err : cjd_answers_new(dht);
    err = err ? err : cjd_heard_new(dht);
    err = err ? err : cjd_explore_new(dht);
    err = err ? err : cjd_follows_new(dht);
    err = err ? err : cjd_refines_new(dht);
    err = err ? err : cjd_searches_new(dht);
    err = err ? err : cjd_doubts_new(dht);
    err = err ? err : cjd_asks_new(dht);
    return err ? err : cjd_upkeep_new(dht, now_ns);
}

int cjd_dht_new(struct cjd_dht **out, const struct cjd_dht_config *config, uint64_t now_ns)
{
    if (!config->addr_of_key || !config->scheme || !config->timers || !config->drops ||
        !config->ops.send || !config->ops.path || !config->ops.path_dead ||
        !config->ops.search_done) {
        return CJD_ERR_INVALID;
    }
    struct cjd_dht *dht = calloc(1, sizeof *dht);
    if (!dht) {
        return CJD_ERR_NO_MEMORY;
    }
    dht->cfg = *config;
    set_limits(&dht->cfg.limits);
    int err = make_parts(dht, now_ns);
    if (err) {
        cjd_dht_free(dht);
        return err;
    }
    *out = dht;
    return 0;
}

void cjd_dht_free(struct cjd_dht *dht)
{
    if (!dht) {
        return;
    }
    cjd_upkeep_free(dht);
    cjd_asks_free(dht);
    cjd_doubts_free(dht);
    cjd_searches_free(dht);
    cjd_refines_free(dht);
    cjd_follows_free(dht);
    cjd_explore_free(dht);
    cjd_heard_free(dht);
    cjd_answers_free(dht);
    cjd_queries_free(dht);
    cjd_store_free(dht->store);
    free(dht);
}

/* --- peers -------------------------------------------------------------------------------------
 */

static bool is_self(const struct cjd_dht *dht, const struct cjd_key *key)
{
    return memcmp(key, &dht->cfg.key, sizeof *key) == 0;
}

void cjd_dht_peer_up(struct cjd_dht *dht, const struct cjd_dht_contact *peer, uint64_t rtt_ns,
                     uint64_t now_ns)
{
    bool is_new;

    if (is_self(dht, &peer->key) || !cjd_scheme_is_one_hop(dht->cfg.scheme, peer->label) ||
        cjd_scheme_is_self(dht->cfg.scheme, peer->label)) {
        return;
    }
    uint32_t rtt_us = rtt_ns / CJD_US < RTT_MAX_US ? (uint32_t)(rtt_ns / CJD_US) : RTT_MAX_US;
    if (!cjd_store_peer_add(dht->store, peer, rtt_us, now_ns, &is_new)) {
        return;
    }
    struct cjd_store_link *link =
        cjd_store_link_find(dht->store, cjd_store_self(dht->store), peer->label);
    if (is_new) {
        cjd_upkeep_peer(dht, link->child, now_ns);
        cjd_search_offer(dht, link->child, now_ns);
    } else if (link->is_down) {
        /* The link layer hears it: worth a try now. */
        link->retry_ns = now_ns;
        cjd_upkeep_link_down(dht, now_ns);
    }
    cjd_dht_finish(dht, now_ns);
}

void cjd_dht_peer_cost(struct cjd_dht *dht, uint64_t label, uint32_t cost_us, uint64_t now_ns)
{
    cjd_store_peer_cost(dht->store, label, cost_us, now_ns);
    cjd_dht_finish(dht, now_ns);
}

void cjd_dht_peer_down(struct cjd_dht *dht, uint64_t label, uint64_t now_ns)
{
    struct cjd_store_link *link =
        cjd_store_link_find(dht->store, cjd_store_self(dht->store), label);

    if (link) {
        cjd_store_link_remove(dht->store, link, now_ns);
        cjd_upkeep_hurry(dht, now_ns);
    }
    cjd_dht_finish(dht, now_ns);
}

/* --- messages ----------------------------------------------------------------------------------
 */

/* A direct peer that speaks over its own link has told what a ping would have asked. */
static void hear_peer(struct cjd_dht *dht, const struct cjd_dht_contact *from,
                      const struct cjd_message *m, uint64_t now_ns)
{
    struct cjd_store_link *link =
        cjd_store_link_find(dht->store, cjd_store_self(dht->store), from->label);

    if (link && memcmp(&link->child->addr, &from->addr, sizeof from->addr) == 0) {
        cjd_store_peer_spoke(dht->store, link, &m->scheme, m->form, now_ns);
    }
}

static void handle_query(struct cjd_dht *dht, const struct cjd_dht_contact *from,
                         const struct cjd_message *m, uint64_t now_ns)
{
    struct cjd_dht_contact sender = *from;

    sender.version = m->version;
    hear_peer(dht, from, m, now_ns);
    cjd_answer(dht, &sender, m, now_ns);
    cjd_explore_hint(dht, &sender, now_ns);
}

/* What the answer proves. NULL: the node is not kept. */
static struct cjd_store_node *learn(struct cjd_dht *dht, const struct cjd_query *query,
                                    const struct cjd_message *m, enum cjd_store_news *news,
                                    uint64_t now_ns)
{
    uint64_t rtt_us = (now_ns - query->sent_ns) / CJD_US;
    struct cjd_store_proof proof = {.who = query->q.to,
                                    .scheme = &m->scheme,
                                    .form = m->form,
                                    .do_not_tell = m->do_not_tell,
                                    .rtt_us = rtt_us < RTT_MAX_US ? (uint32_t)rtt_us : RTT_MAX_US,
                                    .teacher = query->q.has_teacher ? &query->q.teacher : NULL};
    struct cjd_store_node *n;

    proof.who.version = m->version;
    *news = cjd_store_discover(dht->store, &proof, now_ns, &n);
    if (!n || (*news == CJD_STORE_REFUSED && !cjd_store_is_reachable(n))) {
        cjd_report_stranger(dht, &proof.who, proof.rtt_us, now_ns);
    } else if (n->path == proof.who.label) {
        cjd_report(dht, n, now_ns);
    } else {
        cjd_report_other(dht, n, proof.who.label, now_ns);
    }
    return n;
}

/* A longer link was cut in two and begins here now: on to its next hop. */
static void split_behind(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t now_ns)
{
    struct cjd_dht_contact via = cjd_dht_contact_of(n);

    if (n->multi_count == 0 || !cjd_store_is_reachable(n)) {
        return;
    }
    CJD_LIST_EACH(e, &n->out)
    {
        const struct cjd_store_link *l = CJD_STORE_OUT(e);
        if (!l->is_one_hop && l->child->best == l) {
            cjd_explore_split(dht, &via, l->label, now_ns);
            return;
        }
    }
}

/* A node or a link joined the store: there may be more where it came from. */
static void spread(struct cjd_dht *dht, const struct cjd_query *query, struct cjd_store_node *n,
                   enum cjd_store_news news, uint64_t now_ns)
{
    struct cjd_store_node *teacher =
        query->q.has_teacher ? cjd_store_find(dht->store, &query->q.teacher) : NULL;

    if (news == CJD_STORE_NEW_NODE) {
        cjd_upkeep_node_added(dht, n, now_ns);
        cjd_search_offer(dht, n, now_ns);
    }
    if (teacher) {
        cjd_upkeep_more(dht, teacher, now_ns);
    }
    split_behind(dht, n, now_ns);
    if (n->best && !n->best->is_one_hop && n->best->parent != cjd_store_self(dht->store)) {
        struct cjd_dht_contact via = cjd_dht_contact_of(n->best->parent);
        cjd_explore_split(dht, &via, n->best->label, now_ns);
    }
}

static void tell_asker(struct cjd_dht *dht, const struct cjd_query *query,
                       const struct cjd_message *reply, enum cjd_store_news news, uint64_t now_ns)
{
    switch (query->q.purpose) {
    case CJD_ASK_PEERS:
    case CJD_ASK_PATH:
        cjd_upkeep_answered(dht, query, now_ns);
        break;
    case CJD_ASK_EXPLORE:
        cjd_explore_answered(dht, query, news);
        break;
    case CJD_ASK_SEARCH:
    case CJD_ASK_TARGET:
        cjd_search_answered(dht, query, now_ns);
        break;
    case CJD_ASK_DOUBT:
        cjd_doubt_answered(dht, query, now_ns);
        break;
    case CJD_ASK_FOLLOW:
        cjd_follow_answered(dht, query, reply, now_ns);
        break;
    case CJD_ASK_OPERATOR:
        cjd_ask_answered(dht, query, reply, now_ns);
        break;
    case CJD_ASK_REFINE:
    case CJD_ASK_PING:
        break;
    }
}

static void handle_reply(struct cjd_dht *dht, const struct cjd_dht_contact *from,
                         const struct cjd_message *m, uint64_t now_ns)
{
    struct cjd_query query;
    enum cjd_store_news news;

    if (!cjd_query_match(dht, &from->addr, m, now_ns, &query)) {
        cjd_drop_count(dht->cfg.drops, CJD_DROP_DHT_UNEXPECTED);
        return;
    }
    dht->stats.replies_received++;
    struct cjd_store_node *n = learn(dht, &query, m, &news, now_ns);
    if (n && (news == CJD_STORE_NEW_NODE || news == CJD_STORE_NEW_LINK)) {
        spread(dht, &query, n, news, now_ns);
    }
    cjd_explore_reply(dht, &query, m, now_ns);
    tell_asker(dht, &query, m, news, now_ns);
}

void cjd_dht_silence(struct cjd_dht *dht, const struct cjd_query *query, uint64_t now_ns)
{
    /* A client ignores fn: only pings and questions for peers say something about the path. */
    if (query->q.method != CJD_METHOD_FN) {
        cjd_store_unanswered(dht->store, query->q.to.label, query->sent_ns, now_ns);
    }
    switch (query->q.purpose) {
    case CJD_ASK_PEERS:
    case CJD_ASK_PATH:
        cjd_upkeep_silence(dht, query, now_ns);
        break;
    case CJD_ASK_EXPLORE:
        cjd_explore_silence(dht, query, now_ns);
        break;
    case CJD_ASK_SEARCH:
    case CJD_ASK_TARGET:
        cjd_search_silence(dht, query, now_ns);
        break;
    case CJD_ASK_DOUBT:
        cjd_doubt_silence(dht, query, now_ns);
        break;
    case CJD_ASK_FOLLOW:
        cjd_follow_silence(dht, query, now_ns);
        break;
    case CJD_ASK_REFINE:
    case CJD_ASK_PING:
        break;
    case CJD_ASK_OPERATOR:
        cjd_ask_silence(dht, query);
        break;
    }
}

static void drop_malformed(struct cjd_dht *dht, enum cjd_message_verdict verdict, uint64_t now_ns)
{
    cjd_drop_count(dht->cfg.drops, CJD_DROP_DHT_MALFORMED);
    cjd_log_limited(&dht->cfg.log, &dht->malformed_log, now_ns, CJD_LOG_DEBUG, "%s",
                    verdict == CJD_MESSAGE_VERSION ? "message of an incompatible version dropped"
                                                   : "malformed message dropped");
}

void cjd_dht_message(struct cjd_dht *dht, const struct cjd_dht_contact *from,
                     const uint8_t *message, size_t len, uint64_t now_ns)
{
    struct cjd_message m;
    enum cjd_message_verdict verdict = cjd_message_decode(&m, message, len);

    if (verdict == CJD_MESSAGE_FOREIGN || is_self(dht, &from->key)) {
        return;
    }
    if (verdict != CJD_MESSAGE_OK) {
        drop_malformed(dht, verdict, now_ns);
        return;
    }
    if (m.method == CJD_METHOD_NONE) {
        handle_reply(dht, from, &m, now_ns);
    } else {
        handle_query(dht, from, &m, now_ns);
    }
    cjd_dht_finish(dht, now_ns);
}

/* --- what the core asks for --------------------------------------------------------------------
 */

void cjd_dht_want(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_find(dht->store, addr);

    if (memcmp(addr, &dht->cfg.addr, sizeof *addr) == 0) {
        return;
    }
    cjd_dht_note_wanted(dht, addr, now_ns);
    if (!n || !cjd_store_is_reachable(n)) {
        cjd_search_start(dht, addr, true, now_ns);
    } else {
        bool is_doubtful = cjd_doubt_is_raised(dht, addr);
        cjd_report(dht, n, now_ns);
        if (is_doubtful) {
            cjd_search_start(dht, addr, true, now_ns);
        } else if (now_ns - n->path_ok_ns > PATH_OLD) {
            cjd_doubt_raise(dht, addr, n->path, now_ns);
        }
    }
    cjd_dht_finish(dht, now_ns);
}

bool cjd_dht_ping(struct cjd_dht *dht, const struct cjd_dht_contact *to, uint64_t now_ns)
{
    struct cjd_question q = {
        .to = *to, .purpose = CJD_ASK_PING, .method = CJD_METHOD_PN, .urgency = CJD_HANDSHAKING};

    int err = cjd_query_send(dht, &q, now_ns);
    if (err == CJD_ERR_AGAIN) {
        cjd_drop_count(dht->cfg.drops, CJD_DROP_DHT_RATE);
    }
    cjd_dht_finish(dht, now_ns);
    return err != CJD_ERR_AGAIN && err != CJD_ERR_FULL;
}

void cjd_dht_path_doubt(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label,
                        uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_find(dht->store, addr);

    if (n) {
        n->wanted_ns = now_ns;
        if (cjd_store_is_reachable(n) && n->path != label) {
            cjd_report(dht, n, now_ns);
        }
        cjd_doubt_raise(dht, addr, label, now_ns);
    }
    cjd_dht_finish(dht, now_ns);
}

void cjd_dht_path_hint(struct cjd_dht *dht, const struct cjd_dht_contact *from, uint64_t now_ns)
{
    if (!is_self(dht, &from->key)) {
        cjd_explore_hint(dht, from, now_ns);
    }
    cjd_dht_finish(dht, now_ns);
}

/* The link at whose beginning the label stood as the error says; NULL: none. */
static struct cjd_store_link *failed_link(const struct cjd_store_walk *walk, uint64_t label,
                                          uint64_t at_label)
{
    uint64_t rest = label;

    for (uint32_t i = 0; i < walk->count; i++) {
        uint64_t mask = (1ull << cjd_log2(rest)) - 1;
        if (((rest ^ at_label) & mask) == 0) {
            return walk->links[i];
        }
        const struct cjd_scheme *scheme = walk->links[i]->parent->scheme;
        int form = cjd_scheme_form_of(scheme, rest);
        /* Directors behind the first of a longer link are in schemes unknown to us. */
        if (form < 0 || !walk->links[i]->is_one_hop) {
            break;
        }
        rest >>= cjd_form_width(&scheme->form[form]);
    }
    return NULL;
}

void cjd_dht_switch_error(struct cjd_dht *dht, uint64_t label, uint64_t at_label, uint32_t code,
                          uint64_t now_ns)
{
    struct cjd_store_walk walk;

    /* That one comes from the other end: the path works, the session does not. */
    if (code == CJD_SWITCH_ERR_AUTHENTICATION || !cjd_store_walk(dht->store, label, &walk) ||
        walk.count == 0) {
        return;
    }
    struct cjd_store_link *link = failed_link(&walk, label, at_label);
    if (link && link->child->best == link) {
        cjd_doubt_raise(dht, &link->child->addr, link->child->path, now_ns);
    }
    if (walk.rest == CJD_LABEL_SELF) {
        cjd_doubt_raise(dht, &walk.at->addr, label, now_ns);
    }
    cjd_dht_finish(dht, now_ns);
}

/* --- views -------------------------------------------------------------------------------------
 */

bool cjd_dht_best(const struct cjd_dht *dht, const struct cjd_addr *addr, struct cjd_dht_path *out)
{
    const struct cjd_store_node *n = cjd_store_find(dht->store, addr);

    if (!n || !cjd_store_is_reachable(n)) {
        return false;
    }
    *out = cjd_report_path_of(dht, n);
    return true;
}

void cjd_dht_stats(const struct cjd_dht *dht, struct cjd_dht_stats *out)
{
    *out = dht->stats;
    out->nodes = cjd_store_node_count(dht->store);
    out->links = cjd_store_link_count(dht->store);
    out->searches_running = cjd_search_count(dht);
}

bool cjd_dht_node_at(const struct cjd_dht *dht, uint32_t index, struct cjd_dht_node_info *out)
{
    const struct cjd_store_node *n = cjd_store_node_at(dht->store, index);

    if (n) {
        *out = (struct cjd_dht_node_info){.path = cjd_report_path_of(dht, n),
                                          .is_reachable = cjd_store_is_reachable(n),
                                          .last_answer_ns = n->last_answer_ns};
    }
    return n != NULL;
}

bool cjd_dht_link_at(const struct cjd_dht *dht, uint32_t index, struct cjd_dht_link_info *out)
{
    const struct cjd_store_link *l = cjd_store_link_at(dht->store, index);

    if (l) {
        *out = (struct cjd_dht_link_info){.parent = l->parent->addr,
                                          .child = l->child->addr,
                                          .label = l->label,
                                          .back_form = l->back_form,
                                          .cost_us = l->cost_us};
    }
    return l != NULL;
}

uint32_t cjd_dht_route(const struct cjd_dht *dht, const struct cjd_addr *addr,
                       struct cjd_dht_hop_info *out, uint32_t cap)
{
    const struct cjd_store_node *n = cjd_store_find(dht->store, addr);
    uint32_t count = 0;

    for (const struct cjd_store_node *x = n; x && x->best; x = x->best->parent) {
        count++;
    }
    for (uint32_t i = count; i > 0; i--, n = n->best->parent) {
        const struct cjd_store_link *l = n->best;
        if (i <= cap) {
            out[i - 1] = (struct cjd_dht_hop_info){.addr = n->addr,
                                                   .label = l->label,
                                                   .path = n->path,
                                                   .latency_us = l->latency_us,
                                                   .loss_permille = l->loss * 1000 / CJD_LOSS_ONE,
                                                   .cost_us = n->cost_us,
                                                   .proven_ns = l->proven_ns,
                                                   .is_one_hop = l->is_one_hop};
        }
    }
    return count;
}

bool cjd_dht_alternative(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label,
                         struct cjd_dht_path *out)
{
    struct cjd_store_node *n = cjd_store_find(dht->store, addr);
    struct cjd_store_walk walk;
    struct cjd_store_route route;

    if (!n || !cjd_store_walk(dht->store, label, &walk) ||
        !cjd_store_alternative(dht->store, n, &walk, &route)) {
        return false;
    }
    *out = (struct cjd_dht_path){.to = cjd_dht_contact_of(n),
                                 .cost_us = route.cost_us,
                                 .is_peer = route.last->is_one_hop &&
                                            route.last->parent == cjd_store_self(dht->store)};
    out->to.label = route.path;
    return true;
}

bool cjd_dht_search_at(const struct cjd_dht *dht, uint32_t index, struct cjd_dht_search_info *out)
{
    return cjd_search_at(dht, index, out);
}
