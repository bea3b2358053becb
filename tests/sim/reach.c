#include <sim/reach.h>

#include <string.h>

#include <sim/memory.h>
#include <sim/route.h>
#include <sim/statistics.h>

#define FAR UINT32_MAX

/* Hops without regard to labels: breadth first. */
struct distances {
    uint32_t nodes;
    uint32_t *begin; /* of each node in `to`; one more at the end */
    uint32_t *to;
    uint32_t *hops;
    uint32_t *queue;
};

static void distances_init(struct distances *d, const struct sim_graph *g)
{
    d->nodes = g->nodes;
    d->begin = sim_alloc((g->nodes + 2) * sizeof *d->begin);
    d->to = sim_alloc(2 * (size_t)g->edges * sizeof *d->to);
    d->hops = sim_alloc(g->nodes * sizeof *d->hops);
    d->queue = sim_alloc(g->nodes * sizeof *d->queue);
    /* Counted two places further on, so that filling in moves each beginning to its place. */
    for (uint32_t i = 0; i < g->edges; i++) {
        d->begin[g->edge[i].a + 2]++;
        d->begin[g->edge[i].b + 2]++;
    }
    for (uint32_t i = 2; i < g->nodes + 2; i++) {
        d->begin[i] += d->begin[i - 1];
    }
    for (uint32_t i = 0; i < g->edges; i++) {
        d->to[d->begin[g->edge[i].a + 1]++] = g->edge[i].b;
        d->to[d->begin[g->edge[i].b + 1]++] = g->edge[i].a;
    }
}

static void distances_fini(struct distances *d)
{
    sim_free_bytes(d->begin);
    sim_free_bytes(d->to);
    sim_free_bytes(d->hops);
    sim_free_bytes(d->queue);
}

static void distances_from(struct distances *d, uint32_t from)
{
    uint32_t tail = 0;

    memset(d->hops, 0xff, d->nodes * sizeof *d->hops);
    d->hops[from] = 0;
    d->queue[tail++] = from;
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t node = d->queue[head];
        for (uint32_t i = d->begin[node]; i < d->begin[node + 1]; i++) {
            if (d->hops[d->to[i]] == FAR) {
                d->hops[d->to[i]] = d->hops[node] + 1;
                d->queue[tail++] = d->to[i];
            }
        }
    }
}

/* --- tally ------------------------------------------------------------------------------------ */

struct tally {
    uint64_t *pairs; /* by hops */
    uint64_t *eligible;
    struct sim_samples bits;
};

static void take(struct tally *t, const struct distances *d, const uint8_t *bits, uint32_t from)
{
    for (uint32_t i = 0; i < d->nodes; i++) {
        if (i == from || d->hops[i] == FAR) {
            continue;
        }
        t->pairs[d->hops[i]]++;
        if (bits[i] != SIM_OUT_OF_REACH) {
            t->eligible[d->hops[i]]++;
            sim_samples_add(&t->bits, bits[i]);
        }
    }
}

static json_t *tally_json(struct tally *t, uint32_t nodes, uint32_t sources)
{
    uint64_t pairs = 0;
    uint64_t eligible = 0;
    uint32_t all_within = 0; /* hops up to which every pair is eligible */
    uint32_t farthest = 0;
    json_t *by_hops = json_array();

    for (uint32_t h = 1; h < nodes; h++) {
        if (t->pairs[h] == 0) {
            continue;
        }
        all_within = pairs == eligible && t->pairs[h] == t->eligible[h] ? h : all_within;
        farthest = t->eligible[h] > 0 ? h : farthest;
        pairs += t->pairs[h];
        eligible += t->eligible[h];
        json_array_append_new(by_hops, json_pack("{s:i, s:I, s:I}", "hops", (int)h, "pairs",
                                                 (json_int_t)t->pairs[h], "eligible",
                                                 (json_int_t)t->eligible[h]));
    }
    return json_pack("{s:i, s:I, s:I, s:f, s:i, s:i, s:o, s:o}", "sources", (int)sources, "pairs",
                     (json_int_t)pairs, "eligible", (json_int_t)eligible, "share",
                     pairs > 0 ? (double)eligible / (double)pairs : 0.0, "all_within_hops",
                     (int)all_within, "farthest_hops", (int)farthest, "label_bits",
                     sim_samples_json(&t->bits), "by_hops", by_hops);
}

static json_t *measure(const struct sim_graph *g, uint32_t sources, struct sim_random *r)
{
    struct sim_routes *routes = sim_routes_of_graph(g);
    struct distances d = {0};
    struct tally t = {.pairs = sim_alloc(g->nodes * sizeof *t.pairs),
                      .eligible = sim_alloc(g->nodes * sizeof *t.eligible)};
    uint8_t *bits = sim_alloc(g->nodes);
    uint32_t *order = sim_alloc(g->nodes * sizeof *order);

    distances_init(&d, g);
    for (uint32_t i = 0; i < g->nodes; i++) {
        order[i] = i;
    }
    sim_random_shuffle(r, order, g->nodes);
    for (uint32_t i = 0; i < sources; i++) {
        distances_from(&d, order[i]);
        sim_routes_reach(routes, order[i], bits);
        take(&t, &d, bits, order[i]);
    }
    json_t *out = tally_json(&t, g->nodes, sources);
    sim_samples_fini(&t.bits);
    sim_free_bytes(t.pairs);
    sim_free_bytes(t.eligible);
    sim_free_bytes(bits);
    sim_free_bytes(order);
    distances_fini(&d);
    sim_routes_free(routes);
    return out;
}

json_t *sim_reach_json(const struct sim_scenario *scenario, uint32_t sources, char *error)
{
    struct sim_graph g;
    struct sim_random r;

    if (sim_scenario_graph(scenario, &g, error) != 0) {
        return NULL;
    }
    sim_random_init(&r, scenario->seed, 4);
    json_t *out = json_object();
    json_object_set_new(out, "scenario", sim_scenario_json(scenario));
    json_object_set_new(out, "reach",
                        measure(&g, sources == 0 || sources > g.nodes ? g.nodes : sources, &r));
    sim_graph_fini(&g);
    return out;
}
