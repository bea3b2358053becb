/* What the router knows: nodes, links, paths, searches. */
#include <rpc/methods_private.h>

#include <string.h>

#include <cjd/text.h>
#include <switch/label.h>

/* --- nodes --------------------------------------------------------------------------------------
 */

/* First bit in which an address differs from ours, from byte 8 on, then from byte 0; 127: ours. */
static unsigned bucket_of(const struct cjd_methods *m, const struct cjd_addr *addr)
{
    const struct cjd_addr *own = &cjd_node_self(m->config.node)->addr;

    for (unsigned bit = 0; bit < 127; bit++) {
        unsigned byte = (bit / 8 + 8) % 16;
        unsigned diff = addr->b[byte] ^ own->b[byte];
        if ((diff >> (7 - bit % 8) & 1) != 0) {
            return bit;
        }
    }
    return 127;
}

static uint64_t links_of(const struct cjd_methods *m, const struct cjd_addr *parent)
{
    struct cjd_dht_link_info l;
    uint64_t n = 0;

    for (uint32_t i = 0; cjd_dht_link_at(cjd_node_dht(m->config.node), i, &l); i++) {
        n += memcmp(&l.parent, parent, sizeof l.parent) == 0;
    }
    return n;
}

#define HOPS_MAX 16u

static void put_parent(const struct cjd_methods *m, json_t *out, const struct cjd_addr *addr)
{
    struct cjd_dht_hop_info hops[HOPS_MAX];
    uint32_t n = cjd_dht_route(cjd_node_dht(m->config.node), addr, hops, HOPS_MAX);
    bool is_known = n > 0 && n <= HOPS_MAX;
    const struct cjd_addr *parent =
        n > 1 ? &hops[n - 2].addr : &cjd_node_self(m->config.node)->addr;

    put(out, "parent", is_known ? value_addr(parent) : json_null());
    put(out, "parent_label", is_known ? value_label(hops[n - 1].label) : json_null());
    put(out, "parent_is_one_hop", json_boolean(is_known && hops[n - 1].is_one_hop));
}

json_t *node_value(struct cjd_methods *m, const struct cjd_dht_node_info *n)
{
    json_t *out = json_object();

    put(out, "address", value_addr(&n->path.to.addr));
    put(out, "public_key", value_key(&n->path.to.key));
    put(out, "protocol_version", value_count(n->path.to.version));
    put(out, "label", n->is_reachable ? value_label(n->path.to.label) : json_null());
    put(out, "cost_us", n->is_reachable ? value_count(n->path.cost_us) : json_null());
    put(out, "is_self", json_false());
    put(out, "is_peer", json_boolean(n->is_reachable && n->path.is_peer));
    put(out, "bucket", value_count(bucket_of(m, &n->path.to.addr)));
    put(out, "last_answer", value_time(m, n->last_answer_ns));
    put(out, "links", value_count(links_of(m, &n->path.to.addr)));
    put_parent(m, out, &n->path.to.addr);
    return out;
}

static json_t *self_value(struct cjd_methods *m)
{
    const struct cjd_keypair *self = cjd_node_self(m->config.node);
    struct cjd_dht_node_info info = {
        .path = {.to = {.addr = self->addr, .key = self->key, .version = CJD_PROTOCOL, .label = 1}},
        .is_reachable = true,
        .last_answer_ns = methods_now(m)};
    json_t *out = node_value(m, &info);

    put(out, "is_self", json_true());
    return out;
}

void m_nodes_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_dht_node_info n;
    struct page page;
    uint64_t peers = 0;

    page_begin(&page, args);
    if (page_wants(&page)) {
        json_array_append_new(page.items, self_value(m));
    }
    for (uint32_t i = 0; cjd_dht_node_at(cjd_node_dht(m->config.node), i, &n); i++) {
        peers += n.is_reachable && n.path.is_peer;
        if (page_wants(&page)) {
            json_array_append_new(page.items, node_value(m, &n));
        }
    }
    json_t *out = page_end(&page);
    put(out, "peers", value_count(peers));
    cjd_rpc_reply(call, out);
}

static bool find_node(const struct cjd_methods *m, const struct cjd_addr *addr,
                      struct cjd_dht_node_info *out)
{
    for (uint32_t i = 0; cjd_dht_node_at(cjd_node_dht(m->config.node), i, out); i++) {
        if (memcmp(addr, &out->path.to.addr, sizeof *addr) == 0) {
            return true;
        }
    }
    return false;
}

void m_nodes_get(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_dht_node_info n;
    struct cjd_addr addr;

    if (!arg_who(call, args, "node", &addr)) {
        return;
    }
    if (memcmp(&addr, &cjd_node_self(m->config.node)->addr, sizeof addr) == 0) {
        cjd_rpc_reply(call, self_value(m));
    } else if (find_node(m, &addr, &n)) {
        cjd_rpc_reply(call, node_value(m, &n));
    } else {
        cjd_rpc_fail_f(call, CJD_ERR_NOT_FOUND, "no_such_node", "/node",
                       "the router does not know this node");
    }
}

/* --- links --------------------------------------------------------------------------------------
 */

static json_t *link_value(const struct cjd_methods *m, const struct cjd_dht_link_info *l)
{
    json_t *out = json_object();
    struct cjd_dht_node_info child;
    struct cjd_dht_hop_info hops[HOPS_MAX];
    bool is_known = find_node(m, &l->child, &child);
    uint32_t n = cjd_dht_route(cjd_node_dht(m->config.node), &l->child, hops, HOPS_MAX);
    const struct cjd_addr *own = &cjd_node_self(m->config.node)->addr;
    const struct cjd_addr *before = n > 1 && n <= HOPS_MAX ? &hops[n - 2].addr : own;
    bool is_best = n > 0 && n <= HOPS_MAX && hops[n - 1].label == l->label &&
                   memcmp(before, &l->parent, sizeof *before) == 0;

    put(out, "parent", value_addr(&l->parent));
    put(out, "child", value_addr(&l->child));
    put(out, "child_key", is_known ? value_key(&child.path.to.key) : json_null());
    put(out, "child_version", value_count(is_known ? child.path.to.version : 0));
    put(out, "child_path",
        is_known && child.is_reachable ? value_label(child.path.to.label) : json_null());
    put(out, "label", value_label(l->label));
    put(out, "back_form", json_integer(l->back_form));
    put(out, "cost_us", value_count(l->cost_us));
    put(out, "is_one_hop", json_boolean(cjd_scheme_is_one_hop(cjd_scheme_358(), l->label)));
    put(out, "is_best_parent", json_boolean(is_best));
    return out;
}

void m_links_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    struct cjd_dht_link_info l;
    struct cjd_addr parent;
    struct page page;
    bool has_parent = arg_text(args, "parent") != NULL;

    if (has_parent && !arg_addr(call, args, "parent", &parent)) {
        return;
    }
    page_begin(&page, args);
    for (uint32_t i = 0; cjd_dht_link_at(cjd_node_dht(m->config.node), i, &l); i++) {
        bool is_meant = !has_parent || memcmp(&parent, &l.parent, sizeof parent) == 0;
        if (is_meant && page_wants(&page)) {
            json_array_append_new(page.items, link_value(m, &l));
        }
    }
    cjd_rpc_reply(call, page_end(&page));
}

/* --- paths --------------------------------------------------------------------------------------
 */

static json_t *hop_value(const struct cjd_methods *m, const struct cjd_dht_hop_info *h)
{
    json_t *out = json_object();

    put(out, "address", value_addr(&h->addr));
    put(out, "label", value_label(h->label));
    put(out, "path", value_label(h->path));
    put(out, "latency_us", h->latency_us > 0 ? value_count(h->latency_us) : json_null());
    put(out, "loss_permille", value_count(h->loss_permille));
    put(out, "cost_us", value_count(h->cost_us));
    put(out, "proven", value_time(m, h->proven_ns));
    put(out, "is_one_hop", json_boolean(h->is_one_hop));
    return out;
}

void m_routes_get(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    const struct cjd_dht *dht = cjd_node_dht(m->config.node);
    struct cjd_dht_hop_info hops[64];
    struct cjd_dht_path path;
    struct cjd_addr addr;

    if (!arg_addr(call, args, "address", &addr)) {
        return;
    }
    if (!cjd_dht_best(dht, &addr, &path)) {
        cjd_rpc_fail_f(call, CJD_ERR_NOT_FOUND, "no_route", "/address",
                       "no path to that node is known");
        return;
    }
    uint32_t n = cjd_dht_route(dht, &addr, hops, 64);
    json_t *list = json_array();
    for (uint32_t i = 0; i < n && i < 64; i++) {
        json_array_append_new(list, hop_value(m, &hops[i]));
    }
    cjd_rpc_reply(call, json_pack("{s:o, s:o, s:o, s:o}", "address", value_addr(&addr), "label",
                                  value_label(path.to.label), "cost_us", value_count(path.cost_us),
                                  "hops", list));
}

static json_t *way_value(const struct cjd_methods *m, const struct cjd_dht_way *w)
{
    static const char *const kinds[] = {[CJD_DHT_WAY_BEST] = "best",
                                        [CJD_DHT_WAY_LINK] = "link",
                                        [CJD_DHT_WAY_NAMED] = "named",
                                        [CJD_DHT_WAY_HEARD] = "heard"};
    static const char *const outcomes[] = {[CJD_DHT_UNTRIED] = "untried",
                                           [CJD_DHT_TRYING] = "trying",
                                           [CJD_DHT_ANSWERED] = "answered",
                                           [CJD_DHT_SILENT] = "silent"};
    json_t *out = json_object();

    put(out, "kind", json_string(kinds[w->kind]));
    put(out, "label", value_label_or_null(w->label));
    put(out, "cost_us", w->cost_us > 0 ? value_count(w->cost_us) : json_null());
    put(out, "at", value_time(m, w->at_ns));
    put(out, "via", w->has_via ? value_addr(&w->via) : json_null());
    put(out, "is_doubted", json_boolean(w->is_doubted));
    put(out, "tries", value_count(w->tries));
    put(out, "outcome", json_string(outcomes[w->outcome]));
    return out;
}

static json_t *search_value(const struct cjd_methods *m, const struct cjd_dht_search_info *s)
{
    json_t *out = json_object();

    put(out, "target", value_addr(&s->target));
    put(out, "started", value_time(m, s->started_ns));
    put(out, "requests", value_count(s->requests));
    put(out, "candidates", value_count(s->candidates));
    put(out, "ways", value_count(s->ways));
    return out;
}

static json_t *explanation_value(const struct cjd_methods *m, const struct cjd_dht_explanation *e)
{
    json_t *out = json_object();
    json_t *ways = json_array();
    char text[8192];

    if (cjd_dht_explain_text(e, methods_now(m), text, sizeof text) < 0) {
        text[0] = '\0';
    }
    for (uint32_t i = 0; i < e->way_count; i++) {
        json_array_append_new(ways, way_value(m, &e->ways[i]));
    }
    put(out, "address", value_addr(&e->addr));
    put(out, "text", value_text(text));
    put(out, "is_self", json_boolean(e->is_self));
    put(out, "is_known", json_boolean(e->is_known));
    put(out, "is_reachable", json_boolean(e->is_reachable));
    put(out, "is_wanted", json_boolean(e->is_wanted));
    put(out, "hops", value_count(e->hops));
    put(out, "last_answer", value_time(m, e->last_answer_ns));
    put(out, "failed_until", value_time(m, e->failed_until_ns));
    put(out, "search", e->is_searched ? search_value(m, &e->search) : json_null());
    put(out, "ways", ways);
    return out;
}

void m_routes_explain(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    struct cjd_dht_explanation e;
    struct cjd_addr addr;

    if (arg_addr(call, args, "address", &addr)) {
        cjd_dht_explain(cjd_node_dht(m->config.node), &addr, methods_now(m), &e);
        cjd_rpc_reply(call, explanation_value(m, &e));
    }
}

void m_routes_splice(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    uint64_t path;
    uint64_t rest;

    (void)arg;
    if (!arg_label(call, args, "path", &path) || !arg_label(call, args, "rest", &rest)) {
        return;
    }
    uint64_t label = cjd_label_splice(rest, path);
    if (label == CJD_LABEL_INVALID) {
        cjd_rpc_fail_f(call, CJD_ERR_TOO_LONG, "label_too_long", "",
                       "together they are too long for a label");
    } else {
        cjd_rpc_reply(call, json_pack("{s:o}", "label", value_label(label)));
    }
}

void m_searches_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    struct cjd_dht_search_info s;
    struct page page;

    page_begin(&page, args);
    for (uint32_t i = 0; cjd_dht_search_at(cjd_node_dht(m->config.node), i, &s); i++) {
        if (page_wants(&page)) {
            json_array_append_new(page.items, search_value(m, &s));
        }
    }
    cjd_rpc_reply(call, page_end(&page));
}
