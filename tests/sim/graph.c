#include <sim/graph.h>

#include <stdlib.h>
#include <string.h>

#include <sim/memory.h>

void sim_graph_init(struct sim_graph *g, uint32_t nodes)
{
    *g = (struct sim_graph){.nodes = nodes};
}

void sim_graph_fini(struct sim_graph *g)
{
    sim_free_bytes(g->edge);
    sim_free_bytes(g->at);
    *g = (struct sim_graph){0};
}

void sim_graph_add(struct sim_graph *g, uint32_t a, uint32_t b, uint64_t delay_ns)
{
    if (g->edges == g->edge_cap) {
        g->edge_cap = g->edge_cap ? 2 * g->edge_cap : 64;
        g->edge = sim_resize(g->edge, g->edge_cap * sizeof *g->edge);
    }
    g->edge[g->edges++] = (struct sim_edge){.a = a, .b = b, .delay_ns = delay_ns};
}

bool sim_graph_has(const struct sim_graph *g, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < g->edges; i++) {
        const struct sim_edge *e = &g->edge[i];
        if ((e->a == a && e->b == b) || (e->a == b && e->b == a)) {
            return true;
        }
    }
    return false;
}

void sim_graph_degrees(const struct sim_graph *g, uint32_t *out)
{
    memset(out, 0, g->nodes * sizeof *out);
    for (uint32_t i = 0; i < g->edges; i++) {
        out[g->edge[i].a]++;
        out[g->edge[i].b]++;
    }
}

/* --- components: union and find --------------------------------------------------------------- */

static uint32_t root_of(uint32_t *parent, uint32_t x)
{
    while (parent[x] != x) {
        parent[x] = parent[parent[x]];
        x = parent[x];
    }
    return x;
}

static uint32_t *components(const struct sim_graph *g, uint32_t *count)
{
    uint32_t *parent = sim_alloc(g->nodes * sizeof *parent);

    *count = g->nodes;
    for (uint32_t i = 0; i < g->nodes; i++) {
        parent[i] = i;
    }
    for (uint32_t i = 0; i < g->edges; i++) {
        uint32_t a = root_of(parent, g->edge[i].a);
        uint32_t b = root_of(parent, g->edge[i].b);
        if (a != b) {
            parent[a] = b;
            (*count)--;
        }
    }
    return parent;
}

uint32_t sim_graph_components(const struct sim_graph *g)
{
    uint32_t count;

    sim_free_bytes(components(g, &count));
    return count;
}

static float distance2(const struct sim_point *a, const struct sim_point *b)
{
    return (a->x - b->x) * (a->x - b->x) + (a->y - b->y) * (a->y - b->y);
}

/* The nearest pair of nodes, one in the component of `root`, the other outside. */
static void nearest_pair(const struct sim_graph *g, uint32_t *parent, uint32_t root,
                         struct sim_edge *out)
{
    float best = 9.0f;

    for (uint32_t i = 0; i < g->nodes; i++) {
        for (uint32_t j = 0; root_of(parent, i) == root && j < g->nodes; j++) {
            float d = distance2(&g->at[i], &g->at[j]);
            if (d < best && root_of(parent, j) != root) {
                best = d;
                *out = (struct sim_edge){.a = i, .b = j};
            }
        }
    }
}

uint32_t sim_graph_join(struct sim_graph *g, struct sim_random *r)
{
    uint32_t added = 0;
    uint32_t count;
    uint32_t *parent = components(g, &count);

    while (count > 1) {
        uint32_t root = root_of(parent, 0);
        struct sim_edge e = {.a = 0};
        if (g->at) {
            nearest_pair(g, parent, root, &e);
        } else {
            do {
                e.b = sim_random_below(r, g->nodes);
            } while (root_of(parent, e.b) == root);
        }
        sim_graph_add(g, e.a, e.b, SIM_DELAY_UNSET);
        parent[root] = root_of(parent, e.b);
        count--;
        added++;
    }
    sim_free_bytes(parent);
    return added;
}
