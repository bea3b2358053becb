/* Where the nodes of a picture stand: on a circle, or where forces move them (Fruchterman and
 * Reingold). The forces are computed between all pairs, so large graphs get fewer rounds. */
#include <sim/graph.h>

#include <math.h>

#include <sim/memory.h>

#define WORK_MAX   300000000u /* pairs of nodes in all rounds */
#define ROUNDS_MAX 150u
#define ROUNDS_MIN 20u

static void on_circle(struct sim_graph *g)
{
    for (uint32_t i = 0; i < g->nodes; i++) {
        float angle = 6.2831853f * (float)i / (float)g->nodes;
        g->at[i] =
            (struct sim_point){.x = 0.5f + 0.47f * sinf(angle), .y = 0.5f - 0.47f * cosf(angle)};
    }
}

static void repel(const struct sim_graph *g, struct sim_point *force, float k)
{
    for (uint32_t i = 0; i < g->nodes; i++) {
        for (uint32_t j = 0; j < i; j++) {
            float dx = g->at[i].x - g->at[j].x;
            float dy = g->at[i].y - g->at[j].y;
            float f = k * k / (dx * dx + dy * dy + 1e-6f);
            force[i].x += dx * f;
            force[i].y += dy * f;
            force[j].x -= dx * f;
            force[j].y -= dy * f;
        }
    }
}

static void attract(const struct sim_graph *g, struct sim_point *force, float k)
{
    for (uint32_t i = 0; i < g->edges; i++) {
        uint32_t a = g->edge[i].a;
        uint32_t b = g->edge[i].b;
        float dx = g->at[a].x - g->at[b].x;
        float dy = g->at[a].y - g->at[b].y;
        float f = sqrtf(dx * dx + dy * dy) / k;
        force[a].x -= dx * f;
        force[a].y -= dy * f;
        force[b].x += dx * f;
        force[b].y += dy * f;
    }
}

static void move(struct sim_graph *g, const struct sim_point *force, float step)
{
    for (uint32_t i = 0; i < g->nodes; i++) {
        float size = sqrtf(force[i].x * force[i].x + force[i].y * force[i].y) + 1e-9f;
        float by = (size < step ? size : step) / size;
        g->at[i].x += force[i].x * by;
        g->at[i].y += force[i].y * by;
    }
}

static void fit(struct sim_graph *g)
{
    struct sim_point low = g->at[0];
    struct sim_point high = g->at[0];

    for (uint32_t i = 1; i < g->nodes; i++) {
        low.x = fminf(low.x, g->at[i].x);
        low.y = fminf(low.y, g->at[i].y);
        high.x = fmaxf(high.x, g->at[i].x);
        high.y = fmaxf(high.y, g->at[i].y);
    }
    for (uint32_t i = 0; i < g->nodes; i++) {
        g->at[i].x = 0.02f + 0.96f * (g->at[i].x - low.x) / (high.x - low.x + 1e-6f);
        g->at[i].y = 0.02f + 0.96f * (g->at[i].y - low.y) / (high.y - low.y + 1e-6f);
    }
}

static void by_forces(struct sim_graph *g, struct sim_random *r)
{
    uint64_t pairs = (uint64_t)g->nodes * g->nodes / 2 + 1;
    uint64_t rounds = WORK_MAX / pairs;
    float k = 1.0f / sqrtf((float)g->nodes);

    rounds = rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds < ROUNDS_MIN ? ROUNDS_MIN : rounds;
    for (uint32_t i = 0; i < g->nodes; i++) {
        g->at[i] =
            (struct sim_point){.x = (float)sim_random_unit(r), .y = (float)sim_random_unit(r)};
    }
    for (uint64_t round = 0; round < rounds; round++) {
        struct sim_point *force = sim_alloc(g->nodes * sizeof *force);
        repel(g, force, k);
        attract(g, force, k);
        move(g, force, 0.1f * (1.0f - (float)round / (float)rounds));
        sim_free_bytes(force);
    }
    fit(g);
}

void sim_graph_layout(struct sim_graph *g, bool ring_like, struct sim_random *r)
{
    if (g->at || g->nodes == 0) {
        return;
    }
    g->at = sim_alloc(g->nodes * sizeof *g->at);
    if (ring_like || g->nodes > 5000) {
        on_circle(g);
    } else {
        by_forces(g, r);
    }
}
