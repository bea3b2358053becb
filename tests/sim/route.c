/*
 * Dijkstra over directed links and label lengths: a director must be as wide as the one that leads
 * back, so the length of a label depends on where it came from, and the shortest way is not always
 * the one whose label fits, there and back. Of the ways to a link only those are followed that are
 * longer in time but shorter in bits than what was found before.
 *
 * Most often the shortest way fits, and a plain tree of shortest ways from one node answers for all
 * others: it is made first, kept for the next question, and only what does not fit in it is
 * searched.
 */
#include <sim/route.h>

#include <string.h>

#include <sim/memory.h>
#include <sim/queue.h>
#include <switch/label.h>
#include <switch/scheme.h>
#include <switch/switch.h>

#define NOWHERE UINT32_MAX

/* One direction of a link: 2 × link for a → b, 2 × link + 1 for b → a. */
struct arc {
    uint32_t to;
    uint32_t next; /* of the same beginning; NOWHERE: none */
    uint64_t delay_ns;
    int form; /* in which the beginning writes it; −1: does not work */
};

struct reached {
    uint32_t arc;
    uint32_t bits;
    uint32_t hops;
    uint32_t first; /* bits of the first director, which the way back does not have */
};

/* The shortest way to a node, whether its label fits or not. */
struct twig {
    uint64_t delay_ns;
    uint32_t arc; /* its last link; NOWHERE: not reached */
    uint32_t bits;
    uint32_t hops;
    uint32_t first;
};

struct sim_routes {
    uint32_t nodes;
    uint32_t arcs;
    uint32_t *first; /* arc of each node */
    bool *is_end;    /* forwards nothing */
    struct arc *arc;
    uint32_t *best_bits; /* of each arc: the fewest it was reached with */
    uint32_t *touched;
    uint32_t touched_count;
    struct sim_events heap;
    struct twig *tree; /* of each node */
    uint32_t root;     /* of the tree; NOWHERE: none yet */
};

static void set_forms(struct sim_routes *r, const struct sim *sim, struct cjd_node *node,
                      uint32_t number)
{
    struct cjd_peer_info peer;

    for (uint32_t i = 0; cjd_links_peer_at(cjd_node_links(node), i, &peer); i++) {
        uint32_t link = (uint32_t)peer.addr.b[0] << 24 | (uint32_t)peer.addr.b[1] << 16 |
                        (uint32_t)peer.addr.b[2] << 8 | peer.addr.b[3];
        struct sim_link_info info;
        if (peer.addr.len != 8 || link >= sim_link_count(sim) ||
            peer.state != (int)CJD_CA_ESTABLISHED) {
            continue;
        }
        sim_link_at(sim, link, &info);
        if (!info.is_cut) {
            r->arc[2 * link + (info.end[0] != number)].form =
                cjd_scheme_form_of(cjd_scheme_358(), peer.label);
        }
    }
}

static struct sim_routes *routes_alloc(uint32_t nodes, uint32_t links)
{
    struct sim_routes *r = sim_alloc(sizeof *r);

    r->nodes = nodes;
    r->arcs = 2 * links;
    r->first = sim_alloc(r->nodes * sizeof *r->first);
    r->is_end = sim_alloc(r->nodes * sizeof *r->is_end);
    r->arc = sim_alloc(r->arcs * sizeof *r->arc);
    r->best_bits = sim_alloc(r->arcs * sizeof *r->best_bits);
    r->touched = sim_alloc(r->arcs * sizeof *r->touched);
    r->tree = sim_alloc(r->nodes * sizeof *r->tree);
    r->root = NOWHERE;
    memset(r->first, 0xff, r->nodes * sizeof *r->first);
    memset(r->best_bits, 0xff, r->arcs * sizeof *r->best_bits);
    return r;
}

static void set_arc(struct sim_routes *r, uint32_t arc, const uint32_t end[2], uint64_t delay_ns)
{
    uint32_t from = end[arc % 2];

    r->arc[arc] = (struct arc){
        .to = end[1 - arc % 2], .next = r->first[from], .delay_ns = delay_ns, .form = -1};
    r->first[from] = arc;
}

struct sim_routes *sim_routes_new(const struct sim *sim)
{
    struct sim_routes *r = routes_alloc(sim_node_count(sim), sim_link_count(sim));

    for (uint32_t i = 0; i < r->arcs; i++) {
        struct sim_link_info info;
        sim_link_at(sim, i / 2, &info);
        set_arc(r, i, info.end, info.model.delay_ns);
    }
    for (uint32_t i = 0; i < r->nodes; i++) {
        /* A view only: nothing in there is changed. */
        struct cjd_node *node = sim_node((struct sim *)(uintptr_t)sim, i);
        r->is_end[i] = sim_is_dead_end(sim, i);
        if (node) {
            set_forms(r, sim, node, i);
        }
    }
    return r;
}

/* The form of the n-th interface that a switch gives away. */
static void forms_in_order(int *form, uint32_t count)
{
    struct cjd_switch sw;

    cjd_switch_init(&sw, cjd_scheme_358());
    for (uint32_t i = 0; i < count; i++) {
        int iface = cjd_switch_iface_add(&sw);
        form[i] = iface < 0 ? -1 : cjd_scheme_narrowest(cjd_scheme_358(), (uint32_t)iface);
    }
}

struct sim_routes *sim_routes_of_graph(const struct sim_graph *graph)
{
    struct sim_routes *r = routes_alloc(graph->nodes, graph->edges);
    uint32_t *used = sim_alloc(graph->nodes * sizeof *used);
    int form[CJD_SWITCH_IFACES];

    forms_in_order(form, CJD_SWITCH_IFACES);
    for (unsigned side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < graph->edges; i++) {
            const struct sim_edge *e = &graph->edge[i];
            uint32_t end[2] = {e->a, e->b};
            set_arc(r, 2 * i + side, end, e->delay_ns);
            uint32_t number = used[end[side]]++;
            r->arc[2 * i + side].form = number < CJD_SWITCH_IFACES ? form[number] : -1;
        }
    }
    sim_free_bytes(used);
    return r;
}

void sim_routes_free(struct sim_routes *r)
{
    if (r) {
        sim_events_fini(&r->heap);
        sim_free_bytes(r->first);
        sim_free_bytes(r->is_end);
        sim_free_bytes(r->arc);
        sim_free_bytes(r->best_bits);
        sim_free_bytes(r->touched);
        sim_free_bytes(r->tree);
        sim_free_bytes(r);
    }
}

static uint32_t width(int form)
{
    return cjd_form_width(&cjd_scheme_358()->form[form]);
}

/* Does this arc work in both directions? */
static bool is_usable(const struct sim_routes *r, uint32_t arc)
{
    return r->arc[arc].form >= 0 && r->arc[arc ^ 1].form >= 0;
}

static void reach(struct sim_routes *r, const struct reached *x, uint64_t delay_ns)
{
    if (x->bits > CJD_LABEL_MAX_LOG2 || x->bits >= r->best_bits[x->arc]) {
        return;
    }
    struct sim_event e = {
        .at_ns = delay_ns, .number = x->arc, .kind = x->first << 16 | x->bits << 8 | x->hops};
    sim_events_push(&r->heap, &e);
}

/* The label of the way back: the same directors between, but the other end's own at the beginning.
 */
static uint32_t bits_back(const struct sim_routes *r, const struct reached *x)
{
    return x->bits - x->first + width(r->arc[x->arc ^ 1].form);
}

/* From the end of a settled arc on; from a node: arc NOWHERE. */
static void expand(struct sim_routes *r, uint32_t node, const struct reached *x, uint64_t delay_ns)
{
    int back = x->arc == NOWHERE ? -1 : r->arc[x->arc ^ 1].form;

    for (uint32_t i = r->first[node]; i != NOWHERE; i = r->arc[i].next) {
        const struct arc *a = &r->arc[i];
        if (is_usable(r, i) && (x->arc == NOWHERE || i != (x->arc ^ 1))) {
            uint32_t bits = width(a->form > back ? a->form : back);
            struct reached next = {.arc = i,
                                   .bits = x->bits + bits,
                                   .hops = x->hops + 1,
                                   .first = x->arc == NOWHERE ? bits : x->first};
            reach(r, &next, delay_ns + a->delay_ns);
        }
    }
}

static void forget(struct sim_routes *r)
{
    for (uint32_t i = 0; i < r->touched_count; i++) {
        r->best_bits[r->touched[i]] = UINT32_MAX;
    }
    r->touched_count = 0;
    r->heap.count = 0;
}

static bool search(struct sim_routes *r, uint32_t from, uint32_t to, struct sim_route *out)
{
    struct sim_event e;
    struct reached x = {.arc = NOWHERE};
    bool is_found = false;

    expand(r, from, &x, 0);
    while (!is_found && sim_events_pop(&r->heap, &e)) {
        x = (struct reached){.arc = e.number,
                             .first = e.kind >> 16,
                             .bits = e.kind >> 8 & 0xff,
                             .hops = e.kind & 0xff};
        uint32_t node = r->arc[x.arc].to;
        if (x.bits >= r->best_bits[x.arc]) {
            continue;
        }
        if (r->best_bits[x.arc] == UINT32_MAX) {
            r->touched[r->touched_count++] = x.arc;
        }
        r->best_bits[x.arc] = x.bits;
        is_found = node == to && bits_back(r, &x) <= CJD_LABEL_MAX_LOG2;
        if (is_found) {
            *out = (struct sim_route){.delay_ns = e.at_ns, .hops = x.hops, .label_bits = x.bits};
        } else if (!r->is_end[node]) {
            expand(r, node, &x, e.at_ns);
        }
    }
    forget(r);
    return is_found;
}

/* --- the tree --------------------------------------------------------------------------------- */

static void grow(struct sim_routes *r, uint32_t arc, const struct twig *t)
{
    struct sim_event e = {.at_ns = t->delay_ns + r->arc[arc].delay_ns, .number = arc};
    sim_events_push(&r->heap, &e);
}

static void grow_from(struct sim_routes *r, uint32_t node)
{
    for (uint32_t i = r->first[node]; i != NOWHERE; i = r->arc[i].next) {
        if (is_usable(r, i) && r->tree[r->arc[i].to].arc == NOWHERE && r->arc[i].to != r->root) {
            grow(r, i, &r->tree[node]);
        }
    }
}

static void settle(struct sim_routes *r, const struct sim_event *e)
{
    const struct arc *a = &r->arc[e->number];
    uint32_t from = r->arc[e->number ^ 1].to;
    const struct twig *before = &r->tree[from];
    int back = from == r->root ? -1 : r->arc[before->arc ^ 1].form;
    uint32_t bits = width(a->form > back ? a->form : back);

    r->tree[a->to] = (struct twig){.delay_ns = e->at_ns,
                                   .arc = e->number,
                                   .bits = before->bits + bits,
                                   .hops = before->hops + 1,
                                   .first = from == r->root ? bits : before->first};
}

static void plant(struct sim_routes *r, uint32_t root)
{
    struct sim_event e;

    for (uint32_t i = 0; i < r->nodes; i++) {
        r->tree[i] = (struct twig){.arc = NOWHERE};
    }
    r->root = root;
    grow_from(r, root);
    while (sim_events_pop(&r->heap, &e)) {
        uint32_t node = r->arc[e.number].to;
        if (r->tree[node].arc == NOWHERE && node != root) {
            settle(r, &e);
            if (!r->is_end[node]) {
                grow_from(r, node);
            }
        }
    }
}

bool sim_routes_best(struct sim_routes *r, uint32_t from, uint32_t to, struct sim_route *out)
{
    if (r->root != from) {
        plant(r, from);
    }
    const struct twig *t = &r->tree[to];
    if (t->arc == NOWHERE) {
        return false;
    }
    struct reached end = {.arc = t->arc, .bits = t->bits, .first = t->first};
    if (t->bits > CJD_LABEL_MAX_LOG2 || bits_back(r, &end) > CJD_LABEL_MAX_LOG2) {
        return search(r, from, to, out);
    }
    *out = (struct sim_route){.delay_ns = t->delay_ns, .hops = t->hops, .label_bits = t->bits};
    return true;
}

/* --- the horizon ------------------------------------------------------------------------------ */

#define FORMS 3u /* of v3x5x8 */

/* A state is a link and the form of the first director. */
struct entry {
    uint32_t state;
    uint32_t next;
};

/* Lengths are small numbers: one list of states for each. */
struct lengths {
    uint32_t head[CJD_LABEL_MAX_LOG2 + 1];
    struct entry *entry;
    uint32_t count;
    uint32_t cap;
    uint8_t *bits; /* of each state: the fewest so far */
};

static void lengths_add(struct lengths *l, uint32_t state, uint32_t bits)
{
    if (bits > CJD_LABEL_MAX_LOG2 || bits >= l->bits[state]) {
        return;
    }
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 1024;
        l->entry = sim_resize(l->entry, l->cap * sizeof *l->entry);
    }
    /* It may also stand in a longer list, where it is then passed over. */
    l->bits[state] = (uint8_t)bits;
    l->entry[l->count] = (struct entry){.state = state, .next = l->head[bits]};
    l->head[bits] = l->count++;
}

static void lengths_from(const struct sim_routes *r, struct lengths *l, uint32_t from)
{
    for (uint32_t i = r->first[from]; i != NOWHERE; i = r->arc[i].next) {
        if (is_usable(r, i)) {
            lengths_add(l, FORMS * i + (uint32_t)r->arc[i].form, width(r->arc[i].form));
        }
    }
}

static void lengths_expand(const struct sim_routes *r, struct lengths *l, uint32_t state,
                           uint8_t *reached)
{
    uint32_t arc = state / FORMS;
    uint32_t node = r->arc[arc].to;
    int back = r->arc[arc ^ 1].form;
    uint32_t bits = l->bits[state];
    uint32_t other_way = bits - width((int)(state % FORMS)) + width(back);
    uint32_t longer = bits > other_way ? bits : other_way;

    if (longer <= CJD_LABEL_MAX_LOG2 && longer < reached[node]) {
        reached[node] = (uint8_t)longer;
    }
    for (uint32_t i = r->is_end[node] ? NOWHERE : r->first[node]; i != NOWHERE;
         i = r->arc[i].next) {
        if (is_usable(r, i) && i != (arc ^ 1)) {
            int form = r->arc[i].form > back ? r->arc[i].form : back;
            lengths_add(l, FORMS * i + state % FORMS, bits + width(form));
        }
    }
}

void sim_routes_reach(struct sim_routes *r, uint32_t from, uint8_t *bits)
{
    size_t states = (size_t)FORMS * r->arcs;
    struct lengths l = {.bits = sim_alloc(states * sizeof *l.bits)};

    memset(l.head, 0xff, sizeof l.head);
    memset(l.bits, 0xff, states);
    memset(bits, SIM_OUT_OF_REACH, r->nodes);
    lengths_from(r, &l, from);
    for (uint32_t length = 0; length <= CJD_LABEL_MAX_LOG2; length++) {
        for (uint32_t i = l.head[length]; i != NOWHERE; i = l.entry[i].next) {
            if (l.bits[l.entry[i].state] == length) {
                lengths_expand(r, &l, l.entry[i].state, bits);
            }
        }
    }
    bits[from] = 0;
    sim_free_bytes(l.entry);
    sim_free_bytes(l.bits);
}
