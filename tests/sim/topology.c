/* The generators of graph.h. */
#include <sim/graph.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sim/memory.h>

#define LINKS_MAX 250u /* a switch has 255 interfaces that labels can name */

static void link_up(struct sim_graph *g, uint32_t a, uint32_t b)
{
    sim_graph_add(g, a, b, SIM_DELAY_UNSET);
}

int sim_graph_chain(struct sim_graph *g)
{
    for (uint32_t i = 0; i + 1 < g->nodes; i++) {
        link_up(g, i, i + 1);
    }
    return g->nodes > 0 ? 0 : CJD_ERR_INVALID;
}

int sim_graph_ring(struct sim_graph *g)
{
    int err = sim_graph_chain(g);

    if (!err && g->nodes > 2) {
        link_up(g, g->nodes - 1, 0);
    }
    return err;
}

int sim_graph_grid(struct sim_graph *g, uint32_t width)
{
    if (width == 0) {
        width = (uint32_t)lround(sqrt(g->nodes));
    }
    if (width == 0 || g->nodes % width != 0) {
        return CJD_ERR_INVALID;
    }
    uint32_t height = g->nodes / width;
    g->at = sim_alloc(g->nodes * sizeof *g->at);
    for (uint32_t i = 0; i < g->nodes; i++) {
        uint32_t x = i % width;
        uint32_t y = i / width;
        g->at[i] = (struct sim_point){.x = ((float)x + 0.5f) / (float)width,
                                      .y = ((float)y + 0.5f) / (float)height};
        if (x + 1 < width) {
            link_up(g, i, i + 1);
        }
        if (y + 1 < height) {
            link_up(g, i, i + width);
        }
    }
    return 0;
}

int sim_graph_star(struct sim_graph *g)
{
    if (g->nodes == 0 || g->nodes > LINKS_MAX + 1) {
        return CJD_ERR_INVALID;
    }
    for (uint32_t i = 1; i < g->nodes; i++) {
        link_up(g, i, 0);
    }
    return 0;
}

int sim_graph_tree(struct sim_graph *g, uint32_t branches)
{
    if (g->nodes == 0 || branches == 0 || branches >= LINKS_MAX) {
        return CJD_ERR_INVALID;
    }
    for (uint32_t i = 1; i < g->nodes; i++) {
        link_up(g, i, (i - 1) / branches);
    }
    return 0;
}

/* --- random geometric ------------------------------------------------------------------------- */

/* Nodes sorted into square cells not smaller than the radius: only neighbours are compared. */
struct cells {
    uint32_t side;
    uint32_t *first; /* of each cell; UINT32_MAX: none */
    uint32_t *next;
};

static uint32_t cell_of(const struct cells *c, const struct sim_point *p)
{
    uint32_t x = (uint32_t)(p->x * (float)c->side);
    uint32_t y = (uint32_t)(p->y * (float)c->side);
    return y * c->side + x;
}

static void cells_init(struct cells *c, const struct sim_graph *g, double radius)
{
    double side = floor(1.0 / radius);

    c->side = side < 1 ? 1 : side > 1024 ? 1024 : (uint32_t)side;
    c->first = sim_alloc((size_t)c->side * c->side * sizeof *c->first);
    c->next = sim_alloc(g->nodes * sizeof *c->next);
    memset(c->first, 0xff, (size_t)c->side * c->side * sizeof *c->first);
    for (uint32_t i = 0; i < g->nodes; i++) {
        uint32_t cell = cell_of(c, &g->at[i]);
        c->next[i] = c->first[cell];
        c->first[cell] = i;
    }
}

static void link_near(struct sim_graph *g, const struct cells *c, uint32_t i, double radius)
{
    const struct sim_point *p = &g->at[i];
    int side = (int)c->side;
    int cx = (int)(cell_of(c, p) % c->side);
    int cy = (int)(cell_of(c, p) / c->side);

    for (int k = 0; k < 9; k++) {
        int x = cx + k % 3 - 1;
        int y = cy + k / 3 - 1;
        if (x < 0 || y < 0 || x >= side || y >= side) {
            continue;
        }
        for (uint32_t j = c->first[y * side + x]; j != UINT32_MAX; j = c->next[j]) {
            double dx = (double)p->x - (double)g->at[j].x;
            double dy = (double)p->y - (double)g->at[j].y;
            if (j > i && dx * dx + dy * dy < radius * radius) {
                link_up(g, i, j);
            }
        }
    }
}

static int from_left(const void *a, const void *b)
{
    float x = ((const struct sim_point *)a)->x;
    float y = ((const struct sim_point *)b)->x;
    return (x > y) - (x < y);
}

int sim_graph_geometric(struct sim_graph *g, double radius, double degree, struct sim_random *r)
{
    struct cells c;

    if (g->nodes == 0 || radius < 0 || (radius == 0 && degree <= 0)) {
        return CJD_ERR_INVALID;
    }
    if (radius == 0) {
        radius = sqrt(degree / (3.14159265358979 * g->nodes));
    }
    g->at = sim_alloc(g->nodes * sizeof *g->at);
    for (uint32_t i = 0; i < g->nodes; i++) {
        g->at[i].x = (float)(sim_random_u64(r) >> 40) * 0x1p-24f;
        g->at[i].y = (float)(sim_random_u64(r) >> 40) * 0x1p-24f;
    }
    qsort(g->at, g->nodes, sizeof *g->at, from_left);
    cells_init(&c, g, radius);
    for (uint32_t i = 0; i < g->nodes; i++) {
        link_near(g, &c, i, radius);
    }
    sim_free_bytes(c.first);
    sim_free_bytes(c.next);
    sim_graph_join(g, r);
    return 0;
}

/* --- small world ------------------------------------------------------------------------------ */

/* Neighbours as sorted lists would be more than these sizes need: a bit for each pair of nodes is
 * too much, a short list for each node is right. */
struct adjacency {
    uint32_t *count;
    uint32_t (*to)[LINKS_MAX];
};

static void adjacency_init(struct adjacency *a, uint32_t nodes)
{
    a->count = sim_alloc(nodes * sizeof *a->count);
    a->to = sim_alloc(nodes * sizeof *a->to);
}

static void adjacency_fini(struct adjacency *a)
{
    sim_free_bytes(a->count);
    sim_free_bytes(a->to);
}

static bool is_linked(const struct adjacency *a, uint32_t x, uint32_t y)
{
    for (uint32_t i = 0; i < a->count[x]; i++) {
        if (a->to[x][i] == y) {
            return true;
        }
    }
    return false;
}

static void adjacency_add(struct adjacency *a, uint32_t x, uint32_t y)
{
    a->to[x][a->count[x]++] = y;
    a->to[y][a->count[y]++] = x;
}

static void forget_one(struct adjacency *a, uint32_t x, uint32_t y)
{
    for (uint32_t i = 0; i < a->count[x]; i++) {
        if (a->to[x][i] == y) {
            a->to[x][i] = a->to[x][--a->count[x]];
            return;
        }
    }
}

/* The far end of a link moves to a random node. */
static void rewire(struct sim_graph *g, struct adjacency *a, struct sim_edge *e,
                   struct sim_random *r)
{
    for (unsigned tries = 0; tries < 64; tries++) {
        uint32_t to = sim_random_below(r, g->nodes);
        if (to != e->a && !is_linked(a, e->a, to) && a->count[to] + 1 < LINKS_MAX) {
            forget_one(a, e->a, e->b);
            forget_one(a, e->b, e->a);
            e->b = to;
            adjacency_add(a, e->a, to);
            return;
        }
    }
}

int sim_graph_small_world(struct sim_graph *g, uint32_t k, double p, struct sim_random *r)
{
    struct adjacency a;

    if (k < 2 || k % 2 != 0 || k >= g->nodes || k > LINKS_MAX / 2 || p < 0 || p > 1) {
        return CJD_ERR_INVALID;
    }
    adjacency_init(&a, g->nodes);
    for (uint32_t i = 0; i < g->nodes; i++) {
        for (uint32_t d = 1; d <= k / 2; d++) {
            uint32_t to = (i + d) % g->nodes;
            if (!is_linked(&a, i, to)) {
                link_up(g, i, to);
                adjacency_add(&a, i, to);
            }
        }
    }
    for (uint32_t i = 0; i < g->edges; i++) {
        if (sim_random_unit(r) < p) {
            rewire(g, &a, &g->edge[i], r);
        }
    }
    adjacency_fini(&a);
    sim_graph_join(g, r);
    return 0;
}

/* --- power law -------------------------------------------------------------------------------- */

/* A random end of a random link is a node in proportion to its links. */
static uint32_t preferred(const struct sim_graph *g, struct sim_random *r)
{
    uint32_t i = sim_random_below(r, 2 * g->edges);
    return i % 2 ? g->edge[i / 2].b : g->edge[i / 2].a;
}

static void attach(struct sim_graph *g, struct adjacency *a, uint32_t node, uint32_t m,
                   uint32_t cap, struct sim_random *r)
{
    uint32_t edges = g->edges;
    uint32_t chosen = 0;

    while (chosen < m) {
        struct sim_graph before = {.edge = g->edge, .edges = edges};
        uint32_t to = preferred(&before, r);
        if (a->count[to] < cap && !is_linked(a, node, to)) {
            link_up(g, node, to);
            adjacency_add(a, node, to);
            chosen++;
        }
    }
}

int sim_graph_power_law(struct sim_graph *g, uint32_t m, uint32_t cap, struct sim_random *r)
{
    struct adjacency a;

    cap = cap == 0 || cap > LINKS_MAX ? LINKS_MAX : cap;
    /* With room for more than 2m links a node there is always one that takes another. */
    if (m == 0 || m >= g->nodes || cap <= 2 * m) {
        return CJD_ERR_INVALID;
    }
    adjacency_init(&a, g->nodes);
    for (uint32_t i = 0; i <= m; i++) {
        for (uint32_t j = 0; j < i; j++) {
            link_up(g, i, j);
            adjacency_add(&a, i, j);
        }
    }
    for (uint32_t i = m + 1; i < g->nodes; i++) {
        attach(g, &a, i, m, cap, r);
    }
    adjacency_fini(&a);
    return 0;
}
