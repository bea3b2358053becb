/*
 * Graphs, and what is the best possible in them.
 */
#include "world.h"

#include <stdlib.h>

#define DELAY_MIN_MS 10u
#define DELAY_MAX_MS 90u
#define FORMS        3u

static uint64_t random_delay(struct world *w)
{
    uint32_t span = (DELAY_MAX_MS - DELAY_MIN_MS) * 1000;
    return DELAY_MIN_MS * CJD_MS + cjd_rng_below(&w->rng, span + 1) * CJD_US;
}

static bool chance(struct world *w, double p)
{
    return (double)cjd_rng_below(&w->rng, 1000000) < p * 1000000;
}

/* Watts and Strogatz: a ring of k neighbours each; of each link the far end moves with p. */
bool graph_small_world(struct world *w, uint32_t k, double p)
{
    for (uint32_t i = 0; i < w->node_count; i++) {
        for (uint32_t step = 1; step <= k / 2; step++) {
            uint32_t to = (i + step) % w->node_count;
            bool is_moved = chance(w, p);
            unsigned tries = 0;
            if (is_moved) {
                to = cjd_rng_below(&w->rng, w->node_count);
            }
            while (!world_connect(w, i, to, random_delay(w)) && tries++ < 100) {
                to = cjd_rng_below(&w->rng, w->node_count);
            }
        }
    }
    return true;
}

/* Barabási and Albert: each new node takes m links, to nodes in proportion to their degrees. */
bool graph_power_law(struct world *w, uint32_t m, uint32_t degree_max)
{
    uint32_t *ends = malloc((size_t)w->node_count * m * 2 * sizeof *ends + 64);
    uint32_t count = 0;

    if (!ends) {
        return false;
    }
    for (uint32_t i = 1; i < w->node_count; i++) {
        uint32_t made = 0;
        unsigned tries = 0;
        while (made < m && made < i && tries++ < 1000) {
            uint32_t to = count == 0 ? 0 : ends[cjd_rng_below(&w->rng, count)];
            if (w->node[to].degree >= degree_max || !world_connect(w, i, to, random_delay(w))) {
                continue;
            }
            ends[count++] = to;
            made++;
        }
        for (uint32_t k = 0; k < made; k++) {
            ends[count++] = i;
        }
    }
    free(ends);
    return true;
}

/* --- the best possible: Dijkstra, with a plain array as queue ----------------------------------
 */

struct state {
    uint64_t cost;
    bool is_done;
};

static uint32_t cheapest(const struct state *s, uint32_t count)
{
    uint32_t best = count;

    for (uint32_t i = 0; i < count; i++) {
        if (!s[i].is_done && s[i].cost != UINT64_MAX &&
            (best == count || s[i].cost < s[best].cost)) {
            best = i;
        }
    }
    return best;
}

static struct state *states(uint32_t count, uint32_t from)
{
    struct state *s = calloc(count, sizeof *s);

    for (uint32_t i = 0; s && i < count; i++) {
        s[i].cost = i == from ? 0 : UINT64_MAX;
    }
    return s;
}

void graph_delays(const struct world *w, uint32_t from, uint64_t *out)
{
    struct state *s = states(w->node_count, from);
    uint32_t at;

    while (s && (at = cheapest(s, w->node_count)) < w->node_count) {
        s[at].is_done = true;
        for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
            const struct world_port *p = &w->node[at].ports[i];
            if (p->delay_ns != 0 && s[at].cost + p->delay_ns < s[p->peer].cost) {
                s[p->peer].cost = s[at].cost + p->delay_ns;
            }
        }
    }
    for (uint32_t i = 0; s && i < w->node_count; i++) {
        out[i] = s[i].cost;
    }
    free(s);
}

static unsigned width_of(const struct world *w, uint32_t node, uint32_t iface, uint32_t back)
{
    uint32_t form = (uint32_t)w->node[node].sw.narrowest[iface];
    return cjd_form_width(&cjd_scheme_358()->form[form > back ? form : back]);
}

/* A state is a node and the form it needs for the way back: directors are at least that wide. */
void graph_bits(const struct world *w, uint32_t from, uint32_t *out)
{
    uint32_t count = w->node_count * FORMS;
    struct state *s = states(count, from * FORMS);
    uint32_t at;

    while (s && (at = cheapest(s, count)) < count) {
        uint32_t node = at / FORMS;
        s[at].is_done = true;
        for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
            const struct world_port *p = &w->node[node].ports[i];
            if (p->delay_ns == 0) {
                continue;
            }
            uint32_t form = (uint32_t)w->node[p->peer].sw.narrowest[p->peer_iface];
            uint64_t cost = s[at].cost + width_of(w, node, i, at % FORMS);
            if (cost < s[p->peer * FORMS + form].cost) {
                s[p->peer * FORMS + form].cost = cost;
            }
        }
    }
    for (uint32_t i = 0; s && i < w->node_count; i++) {
        uint64_t best = UINT64_MAX;
        for (uint32_t f = 0; f < FORMS; f++) {
            best = s[i * FORMS + f].cost < best ? s[i * FORMS + f].cost : best;
        }
        out[i] = best < UINT32_MAX ? (uint32_t)best : UINT32_MAX;
    }
    free(s);
}
