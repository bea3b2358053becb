/* Who misbehaves, and where: the plans of a scenario, applied to its nodes. */
#include <sim/run_private.h>

#include <stdlib.h>

#include <dht/id.h>

/* Nodes in the order in which a plan takes them; those that are taken or must stay honest are not
 * among them. */
struct candidates {
    uint32_t *node;
    uint32_t count;
};

struct by_distance {
    struct cjd_id distance;
    uint32_t node;
};

static bool must_be_honest(const struct sim_run *run, uint32_t node)
{
    const struct sim_scenario *s = &run->scenario;

    for (uint32_t i = 0; i < s->evils; i++) {
        if (s->evil[i].victim == node) {
            return true;
        }
    }
    for (uint32_t i = 0; i < s->probes; i++) {
        if (s->probe[i].node == node) {
            return true;
        }
    }
    return false;
}

static void add(struct candidates *c, const struct sim_run *run, uint32_t node)
{
    if (sim_evil_of(run->sim, node) == SIM_HONEST && !must_be_honest(run, node)) {
        c->node[c->count++] = node;
    }
}

static int compare(const void *a, const void *b)
{
    const struct by_distance *x = a;
    const struct by_distance *y = b;
    return cjd_id_is_less(x->distance, y->distance) ? -1 : 1;
}

static void nearest_first(struct candidates *c, const struct sim_run *run, uint32_t victim)
{
    struct by_distance *all = sim_alloc(run->graph.nodes * sizeof *all);
    struct cjd_id centre = cjd_id_of(&sim_keys(run->sim, victim)->addr);

    for (uint32_t i = 0; i < run->graph.nodes; i++) {
        all[i].node = i;
        all[i].distance = cjd_id_xor(centre, cjd_id_of(&sim_keys(run->sim, i)->addr));
    }
    qsort(all, run->graph.nodes, sizeof *all, compare);
    for (uint32_t i = 0; i < run->graph.nodes; i++) {
        add(c, run, all[i].node);
    }
    sim_free_bytes(all);
}

/* The last one of them stays as it is: who has no honest neighbour has no network. */
static void neighbours(struct candidates *c, const struct sim_run *run, uint32_t victim)
{
    for (uint32_t i = 0; i < run->graph.edges; i++) {
        const struct sim_edge *e = &run->graph.edge[i];
        if (e->a == victim || e->b == victim) {
            add(c, run, e->a == victim ? e->b : e->a);
        }
    }
    c->count -= c->count > 0;
}

static void at_random(struct candidates *c, struct sim_run *run)
{
    for (uint32_t i = 0; i < run->graph.nodes; i++) {
        add(c, run, i);
    }
    sim_random_shuffle(&run->random, c->node, c->count);
}

static void apply(struct sim_run *run, const struct sim_evil_plan *plan)
{
    struct candidates c = {.node = sim_alloc(run->graph.nodes * sizeof *c.node)};
    uint32_t wanted =
        plan->count ? plan->count : (uint32_t)(plan->fraction * run->graph.nodes + 0.5);

    switch (plan->place) {
    case SIM_PLACE_RANDOM:
        at_random(&c, run);
        break;
    case SIM_PLACE_NEAR:
        nearest_first(&c, run, plan->victim);
        break;
    case SIM_PLACE_AROUND:
        neighbours(&c, run, plan->victim);
        break;
    }
    for (uint32_t i = 0; i < wanted && i < c.count; i++) {
        sim_set_evil(run->sim, c.node[i], plan->kind);
        sim_set_victim(run->sim, c.node[i], plan->victim);
    }
    sim_free_bytes(c.node);
}

void cast_evil(struct sim_run *run)
{
    for (uint32_t i = 0; i < run->scenario.evils; i++) {
        const struct sim_evil_plan *plan = &run->scenario.evil[i];
        if (plan->kind == SIM_FLOOD) {
            sim_set_flood_rate(run->sim, plan->rate);
        }
        apply(run, plan);
    }
}
