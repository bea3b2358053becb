/*
 * How a node would be reached, and why so. Reads, never changes: what it shows is what the router
 * would go by at that moment.
 */
#include <dht/private.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cjd/text.h>
#include <switch/label.h>

static struct cjd_dht_way *take(struct cjd_dht_explanation *e)
{
    return e->way_count < CJD_DHT_WAYS_MAX ? &e->ways[e->way_count++] : NULL;
}

static void add_link(const struct cjd_dht *dht, struct cjd_dht_explanation *e,
                     const struct cjd_store_link *l)
{
    const struct cjd_store_node *n = l->child;
    bool is_best = n->best == l;
    uint64_t label = is_best ? n->path : cjd_store_path_over(l);
    struct cjd_store_walk walk;
    struct cjd_dht_way *w = take(e);

    if (!w) {
        return;
    }
    *w = (struct cjd_dht_way){.kind = is_best ? CJD_DHT_WAY_BEST : CJD_DHT_WAY_LINK,
                              .label = label == CJD_LABEL_INVALID ? 0 : label,
                              .at_ns = l->proven_ns,
                              .via = l->parent->addr,
                              .has_via = true,
                              .tries = l->misses,
                              .outcome = l->is_down ? CJD_DHT_SILENT : CJD_DHT_ANSWERED};
    if (w->label == 0) {
        return;
    }
    w->is_doubted = cjd_doubt_is_about(dht, &n->addr, label);
    if (is_best) {
        w->cost_us = n->cost_us;
    } else if (cjd_store_walk(dht->store, label, &walk)) {
        w->cost_us = cjd_store_walk_cost(&walk, label);
    }
}

static void add_known(const struct cjd_dht *dht, struct cjd_dht_explanation *e,
                      const struct cjd_store_node *n, uint64_t now_ns)
{
    e->is_known = true;
    e->is_reachable = cjd_store_is_reachable(n);
    e->is_wanted = cjd_dht_is_wanted(n, now_ns);
    e->last_answer_ns = n->last_answer_ns;
    for (const struct cjd_store_node *x = n; x->best; x = x->best->parent) {
        e->hops++;
    }
    if (n->best) {
        add_link(dht, e, n->best);
    }
    for (const struct cjd_list *i = n->in.next; i != &n->in; i = i->next) {
        const struct cjd_store_link *l = CJD_CONTAINER_OF(i, const struct cjd_store_link, in);
        if (l != n->best) {
            add_link(dht, e, l);
        }
    }
}

static bool has_way(const struct cjd_dht_explanation *e, uint64_t label)
{
    for (uint32_t i = 0; i < e->way_count; i++) {
        if (e->ways[i].label == label) {
            return true;
        }
    }
    return false;
}

static void add_hearsay(const struct cjd_dht *dht, struct cjd_dht_explanation *e, uint64_t now_ns)
{
    struct cjd_heard_way heard[CJD_HEARD_WAYS];
    struct cjd_dht_way way;
    struct cjd_dht_way *w;

    for (uint32_t i = 0; cjd_search_way_at(dht, &e->addr, i, &way); i++) {
        if (!has_way(e, way.label) && (w = take(e))) {
            *w = way;
        }
    }
    uint32_t count = cjd_heard_ways(dht, &e->addr, heard, now_ns);
    for (uint32_t i = 0; i < count; i++) {
        if (!has_way(e, heard[i].to.label) && (w = take(e))) {
            *w = (struct cjd_dht_way){.kind = CJD_DHT_WAY_HEARD,
                                      .label = heard[i].to.label,
                                      .at_ns = heard[i].at_ns,
                                      .via = heard[i].teacher,
                                      .has_via = true};
        }
    }
}

void cjd_dht_explain(const struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns,
                     struct cjd_dht_explanation *out)
{
    const struct cjd_store_node *n = cjd_store_find(dht->store, addr);

    *out = (struct cjd_dht_explanation){.addr = *addr};
    out->is_self = memcmp(addr, &dht->cfg.addr, sizeof *addr) == 0;
    if (n) {
        add_known(dht, out, n, now_ns);
    }
    out->is_searched = cjd_search_explain(dht, addr, &out->search);
    uint64_t until = cjd_search_failed_until(dht, addr);
    out->failed_until_ns = until > now_ns ? until : 0;
    add_hearsay(dht, out, now_ns);
}

/* --- as text -----------------------------------------------------------------------------------
 */

struct text {
    char *out;
    size_t cap;
    size_t len;
    bool is_full;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(t->out + t->len, t->cap - t->len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= t->cap - t->len) {
        t->is_full = true;
        return;
    }
    t->len += (size_t)n;
}

static double seconds(uint64_t since_ns, uint64_t now_ns)
{
    return now_ns > since_ns ? (double)(now_ns - since_ns) / (double)CJD_S : 0;
}

static void put_way(struct text *t, const struct cjd_dht_way *w, uint64_t now_ns)
{
    static const char *const kinds[] = {"best  ", "proven", "named ", "heard "};
    static const char *const outcomes[] = {"not tried", "being tried", "answers", "silent"};
    char label[CJD_LABEL_TEXT_SIZE] = "(no label fits)    ";
    char via[CJD_ADDR_TEXT_SIZE] = "";

    if (w->label != 0) {
        cjd_label_to_text(label, w->label);
    }
    put(t, "  %s %s  %s", kinds[w->kind], label, outcomes[w->outcome]);
    if (w->tries > 0) {
        put(t, ", %u tries", w->tries);
    }
    if (w->is_doubted) {
        put(t, ", doubted");
    }
    if (w->cost_us != 0) {
        put(t, ", cost %.1f ms", (double)w->cost_us / 1000);
    }
    if (w->at_ns != 0) {
        put(t, ", %.1f s ago", seconds(w->at_ns, now_ns));
    }
    if (w->has_via) {
        cjd_addr_to_text(via, &w->via);
        put(t, ", %s %s", w->kind >= CJD_DHT_WAY_NAMED ? "said" : "by way of", via);
    }
    put(t, "\n");
}

static void put_head(struct text *t, const struct cjd_dht_explanation *e, uint64_t now_ns)
{
    char addr[CJD_ADDR_TEXT_SIZE];

    cjd_addr_to_text(addr, &e->addr);
    if (e->is_self) {
        put(t, "%s is this node\n", addr);
    } else if (e->is_reachable) {
        put(t, "%s is reached over %u links", addr, e->hops);
        if (e->last_answer_ns != 0) {
            put(t, "; it last answered %.1f s ago", seconds(e->last_answer_ns, now_ns));
        }
        put(t, "\n");
    } else if (e->is_known) {
        put(t, "%s is known, but no path to it works\n", addr);
    } else if (e->way_count > 0) {
        put(t, "%s is known by hearsay alone\n", addr);
    } else {
        put(t, "%s is not known; a search would ask the nearest known nodes\n", addr);
    }
}

int cjd_dht_explain_text(const struct cjd_dht_explanation *e, uint64_t now_ns, char *out,
                         size_t cap)
{
    struct text t = {.out = out, .cap = cap};

    put_head(&t, e, now_ns);
    for (uint32_t i = 0; i < e->way_count; i++) {
        put_way(&t, &e->ways[i], now_ns);
    }
    if (e->is_searched) {
        put(&t, "a search runs for %.1f s: %u requests, %u nodes to ask, %u ways named\n",
            seconds(e->search.started_ns, now_ns), e->search.requests, e->search.candidates,
            e->search.ways);
    }
    if (e->failed_until_ns != 0) {
        put(&t, "a search failed; unless somebody new appears the next is made in %.1f s\n",
            seconds(now_ns, e->failed_until_ns));
    }
    return t.is_full ? CJD_ERR_TOO_LONG : (int)t.len;
}
