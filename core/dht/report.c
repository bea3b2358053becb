/*
 * What others are told of paths: each as soon as it is proven, each again when it changed, and
 * every one that broke, whether it is the best one at that moment or not.
 */
#include <dht/private.h>

#include <string.h>

#include <switch/label.h>

#define WANTED_FOR (70 * CJD_S) /* a session in use asks every 30 s */

struct cjd_dht_contact cjd_dht_contact_of(const struct cjd_store_node *node)
{
    return (struct cjd_dht_contact){
        .addr = node->addr, .key = node->key, .version = node->version, .label = node->path};
}

bool cjd_dht_is_wanted(const struct cjd_store_node *node, uint64_t now_ns)
{
    return node->wanted_ns != 0 && now_ns - node->wanted_ns < WANTED_FOR;
}

void cjd_dht_note_wanted(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_find(dht->store, addr);

    if (n) {
        n->wanted_ns = now_ns;
        if (cjd_store_is_reachable(n)) {
            cjd_refine_start(dht, n, now_ns);
        }
    }
}

struct cjd_dht_path cjd_report_path_of(const struct cjd_dht *dht, const struct cjd_store_node *n)
{
    return (struct cjd_dht_path){.to = cjd_dht_contact_of(n),
                                 .cost_us = n->cost_us,
                                 .is_best = true,
                                 .is_peer = n->best && n->best->is_one_hop &&
                                            n->best->parent == cjd_store_self(dht->store)};
}

/* --- what was told ---------------------------------------------------------------------------- */

static void tell(struct cjd_dht *dht, struct cjd_store_node *n, const struct cjd_dht_path *path,
                 uint64_t now_ns)
{
    uint32_t at = 0;

    while (at < CJD_STORE_TOLD - 1 && n->told[at] != path->to.label) {
        at++;
    }
    memmove(n->told + 1, n->told, at * sizeof n->told[0]);
    n->told[0] = path->to.label;
    dht->cfg.ops.path(dht->cfg.ops.ctx, path, now_ns);
}

static void forget_told(struct cjd_store_node *n, uint64_t label)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < CJD_STORE_TOLD; i++) {
        if (n->told[i] != label) {
            n->told[kept++] = n->told[i];
        }
    }
    while (kept < CJD_STORE_TOLD) {
        n->told[kept++] = 0;
    }
}

void cjd_report_dead(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label,
                     uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_find(dht->store, addr);

    if (n) {
        forget_told(n, label);
    }
    dht->cfg.ops.path_dead(dht->cfg.ops.ctx, addr, label, now_ns);
}

/* The best path, as it is now. Ends a search for that node. */
void cjd_report(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t now_ns)
{
    struct cjd_dht_path path = cjd_report_path_of(dht, n);

    n->told_path = n->path;
    tell(dht, n, &path, now_ns);
    cjd_search_found(dht, &path.to.addr, now_ns);
}

static bool passes(const struct cjd_store_walk *walk, const struct cjd_store_node *node)
{
    for (uint32_t i = 0; i + 1 < walk->count; i++) {
        if (walk->links[i]->child == node) {
            return true;
        }
    }
    return false;
}

/* Every link of it is known, and it does not lead through its own end. */
static bool is_sound(struct cjd_dht *dht, const struct cjd_store_node *n, uint64_t label,
                     struct cjd_store_walk *walk)
{
    return cjd_store_walk(dht->store, label, walk) && walk->rest == CJD_LABEL_SELF &&
           walk->at == n && !passes(walk, n);
}

/* A path other than the best one, for whoever uses that node: an alternative, or its new cost. */
void cjd_report_other(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t label,
                      uint64_t now_ns)
{
    struct cjd_store_walk walk;

    if (is_sound(dht, n, label, &walk)) {
        struct cjd_dht_path path = {.to = cjd_dht_contact_of(n),
                                    .cost_us = cjd_store_walk_cost(&walk, label),
                                    .is_peer = walk.count == 1 && walk.links[0]->is_one_hop};
        path.to.label = label;
        tell(dht, n, &path, now_ns);
        cjd_search_found(dht, &path.to.addr, now_ns);
    }
}

/* Proven, but the store has no place for it. */
void cjd_report_stranger(struct cjd_dht *dht, const struct cjd_dht_contact *to, uint32_t rtt_us,
                         uint64_t now_ns)
{
    struct cjd_dht_path path = {.to = *to, .cost_us = rtt_us, .is_best = true};

    dht->cfg.ops.path(dht->cfg.ops.ctx, &path, now_ns);
    cjd_search_found(dht, &to->addr, now_ns);
}

static void report_change(struct cjd_dht *dht, struct cjd_store_node *n, uint64_t now_ns)
{
    uint64_t old = n->told_path;
    bool is_repair = old == 0 || n->is_told_broken;

    if (old != 0 && old != n->path) {
        n->told_path = 0;
        if (n->is_told_broken) {
            cjd_report_dead(dht, &n->addr, old, now_ns);
        } else {
            cjd_report_other(dht, n, old, now_ns);
        }
    }
    n->is_told_broken = false;
    if (cjd_store_is_reachable(n) && n->path != old) {
        cjd_report(dht, n, now_ns);
    }
    if (!cjd_dht_is_wanted(n, now_ns)) {
        return;
    }
    if (!cjd_store_is_reachable(n)) {
        cjd_search_start(dht, &n->addr, false, now_ns);
    } else if (is_repair && n->path_ok_ns == 0 && n->path != old) {
        /* Its links were proven, each by some answer; now the whole, for it is needed. */
        cjd_doubt_raise(dht, &n->addr, n->path, now_ns);
    }
}

static bool is_broken(struct cjd_dht *dht, const struct cjd_store_node *n, uint64_t label)
{
    struct cjd_store_walk walk;

    if (!cjd_store_walk(dht->store, label, &walk)) {
        return false;
    }
    for (uint32_t i = 0; i < walk.count; i++) {
        if (walk.links[i]->is_down) {
            return true;
        }
    }
    /* The peer it began with is gone, or somebody else is at its end. */
    return walk.count == 0 || (walk.rest == CJD_LABEL_SELF && walk.at != n);
}

/* Links broke: whoever uses a path over them, even if it was not the best one lately, is told. */
static void review_told(struct cjd_dht *dht, uint64_t now_ns)
{
    uint64_t told[CJD_STORE_TOLD];

    for (uint32_t i = 0; i < cjd_store_node_count(dht->store); i++) {
        struct cjd_store_node *n = cjd_store_node_at(dht->store, i);
        if (!cjd_dht_is_wanted(n, now_ns)) {
            continue;
        }
        memcpy(told, n->told, sizeof told);
        for (uint32_t k = 0; k < CJD_STORE_TOLD; k++) {
            if (told[k] != 0 && is_broken(dht, n, told[k])) {
                cjd_report_dead(dht, &n->addr, told[k], now_ns);
            }
        }
    }
}

void cjd_dht_finish(struct cjd_dht *dht, uint64_t now_ns)
{
    struct cjd_store_node *n;
    bool any = false;

    cjd_store_trim(dht->store, now_ns);
    while ((n = cjd_store_next_change(dht->store))) {
        any = true;
        report_change(dht, n, now_ns);
    }
    if (dht->breaks != cjd_store_breaks(dht->store)) {
        dht->breaks = cjd_store_breaks(dht->store);
        review_told(dht, now_ns);
    }
    if (any) {
        cjd_doubt_review(dht);
    }
    cjd_refine_pump(dht, now_ns);
    cjd_explore_pump(dht, now_ns);
}
