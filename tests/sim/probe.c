/*
 * Measuring: pairs of nodes are drawn at a given time, each is pinged once a second until it
 * answers or its time is over. What the search needed is counted until the first answer. From then
 * on it is pinged once a second for a while: the echoes tell which way is in use.
 */
#include <sim/run_private.h>

#include <stdlib.h>

#define RETRY_NS    (1 * CJD_S)
#define FOLLOW_FROM 1000u /* sequence numbers of the echoes that come after the first answer */

/* Seconds after the first answer; the first is that answer. */
static const unsigned moments[PROBE_MOMENTS] = {0, 1, 5, 10};
static const char *const moment_names[PROBE_MOMENTS] = {"stretch_first", "stretch_1s", "stretch_5s",
                                                        "stretch_10s"};

static struct sim *sim_of(const struct probe *p)
{
    return p->run->sim;
}

static void stop_watching(struct probe *p)
{
    if (p->is_watched) {
        sim_unwatch(sim_of(p), p->from, &p->watch);
        p->is_watched = false;
    }
}

static void follow(void *arg, uint32_t second)
{
    struct probe *p = arg;

    sim_ping(sim_of(p), p->from, p->to, p->id, FOLLOW_FROM + second);
    if (second + 1 <= p->run->scenario.probe[p->plan].follow_s) {
        sim_at(sim_of(p), sim_now(sim_of(p)) + RETRY_NS, follow, p, second + 1);
    }
}

static void answered(struct probe *p, const struct sim_echo *echo)
{
    p->is_answered = true;
    p->answered_ns = sim_now(sim_of(p));
    p->way_ns[0] = echo->delay_ns;
    stop_watching(p);
    if (p->run->scenario.probe[p->plan].follow_s >= 1) {
        sim_at(sim_of(p), sim_now(sim_of(p)) + RETRY_NS, follow, p, 1);
    }
}

/* An echo that was lost leaves its moment to the next one. */
static void followed(struct probe *p, const struct sim_echo *echo)
{
    uint32_t second = echo->sequence - FOLLOW_FROM;

    for (unsigned i = 1; i < PROBE_MOMENTS; i++) {
        bool is_last = i + 1 == PROBE_MOMENTS || second < moments[i + 1];
        if (second >= moments[i] && is_last && p->way_ns[i] == 0) {
            p->way_ns[i] = echo->delay_ns;
            p->hops = i == 1 ? echo->hops : p->hops;
        }
    }
}

static void heard(void *ctx, const struct sim_echo *echo)
{
    struct sim_run *run = ctx;
    struct probe *p = echo->id < run->probe_count ? run->probe[echo->id] : NULL;

    if (!p || p->from != echo->node) {
        return;
    }
    if (echo->sequence >= FOLLOW_FROM) {
        followed(p, echo);
    } else if (!p->is_answered && !p->is_over) {
        answered(p, echo);
    }
}

static void ping(void *arg, uint32_t sequence)
{
    struct probe *p = arg;
    const struct sim_probe_plan *plan = &p->run->scenario.probe[p->plan];

    if (p->is_answered) {
        return;
    }
    p->is_broken = p->is_broken || !sim_is_up(sim_of(p), p->from) || !sim_is_up(sim_of(p), p->to);
    if (p->is_broken || sim_now(sim_of(p)) >= p->begin_ns + run_time(plan->wait_s)) {
        stop_watching(p);
        p->is_over = true;
        return;
    }
    if (sequence == 0) {
        sim_watch(sim_of(p), p->from, &p->watch, p->to);
        p->is_watched = true;
    }
    sim_ping(sim_of(p), p->from, p->to, p->id, sequence);
    sim_at(sim_of(p), sim_now(sim_of(p)) + RETRY_NS, ping, p, sequence + 1);
}

static struct probe *add_probe(struct sim_run *run, uint32_t plan, uint32_t from, uint32_t to)
{
    struct probe *p = sim_alloc(sizeof *p);

    if ((run->probe_count & (run->probe_count - 1)) == 0) {
        size_t cap = run->probe_count ? 2 * (size_t)run->probe_count : 1;
        run->probe = sim_resize(run->probe, cap * sizeof(struct probe *));
    }
    *p = (struct probe){.run = run, .plan = plan, .id = run->probe_count, .from = from, .to = to};
    run->probe[run->probe_count++] = p;
    return p;
}

/* Honest nodes that run, in random order. */
static uint32_t draw_nodes(struct sim_run *run, uint32_t *out)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < sim_node_count(run->sim); i++) {
        if (sim_is_up(run->sim, i) && sim_evil_of(run->sim, i) == SIM_HONEST) {
            out[n++] = i;
        }
    }
    sim_random_shuffle(&run->random, out, n);
    return n;
}

/* Every node asks as often as any other; a node that was named is one end of each pair, by turns
 * the one that asks. False: there are no such nodes. */
static bool draw_pair(struct sim_run *run, const struct sim_probe_plan *plan, const uint32_t *nodes,
                      uint32_t count, uint32_t i, uint32_t pair[2])
{
    if (count < 2) {
        return false;
    }
    pair[0] = nodes[i % count];
    pair[1] = nodes[(i % count + 1 + sim_random_below(&run->random, count - 1)) % count];
    if (plan->node != SIM_NOBODY) {
        pair[i % 2] = plan->node;
    }
    return pair[0] != pair[1] && sim_is_up(run->sim, pair[0]) && sim_is_up(run->sim, pair[1]);
}

static int by_asker(const void *a, const void *b)
{
    const struct probe *x = *(struct probe *const *)a;
    const struct probe *y = *(struct probe *const *)b;
    return x->from != y->from ? (x->from < y->from ? -1 : 1) : (x->id > y->id) - (x->id < y->id);
}

static void find_best(struct sim_run *run, uint32_t first)
{
    uint32_t count = run->probe_count - first;
    struct sim_routes *routes = sim_routes_new(run->sim);
    struct probe **sorted = sim_alloc(count * sizeof(struct probe *));

    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = run->probe[first + i];
    }
    qsort(sorted, count, sizeof(struct probe *), by_asker);
    for (uint32_t i = 0; i < count; i++) {
        struct probe *p = sorted[i];
        p->is_eligible = sim_routes_best(routes, p->from, p->to, &p->best);
    }
    sim_free_bytes(sorted);
    sim_routes_free(routes);
}

void probe_plan(struct sim_run *run, uint32_t number)
{
    const struct sim_probe_plan *plan = &run->scenario.probe[number];
    uint32_t *nodes = sim_alloc(sim_node_count(run->sim) * sizeof *nodes);
    uint32_t count = draw_nodes(run, nodes);
    uint32_t first = run->probe_count;

    sim_set_echo(run->sim, heard, run);
    for (uint32_t i = 0; i < plan->pairs; i++) {
        uint32_t pair[2];
        if (draw_pair(run, plan, nodes, count, i, pair)) {
            struct probe *p = add_probe(run, number, pair[0], pair[1]);
            p->begin_ns =
                sim_now(run->sim) + sim_random_between(&run->random, 0, run_time(plan->spread_s));
            sim_at(run->sim, p->begin_ns, ping, p, 0);
        }
    }
    find_best(run, first);
    sim_free_bytes(nodes);
}

/* --- results ---------------------------------------------------------------------------------- */

struct tally {
    uint32_t pairs;
    uint32_t broken;
    uint32_t eligible;
    uint32_t answered; /* of the eligible */
    uint32_t beyond;   /* answered though not eligible */
    uint32_t searched; /* look-ups that had to ask */
    struct sim_samples wait_ms;
    struct sim_samples requests;          /* of all look-ups */
    struct sim_samples requests_searched; /* of those that had to ask */
    struct sim_samples stretch[PROBE_MOMENTS];
    struct sim_samples hops;
    struct sim_samples best_ms;
    struct sim_samples best_bits;
};

static void take_answer(struct tally *t, const struct probe *p)
{
    double best = (double)p->best.delay_ns;

    t->answered++;
    sim_samples_add(&t->wait_ms, (double)(p->answered_ns - p->begin_ns) / (double)CJD_MS);
    if (best <= 0) {
        return;
    }
    for (unsigned i = 0; i < PROBE_MOMENTS; i++) {
        if (p->way_ns[i] > 0) {
            sim_samples_add(&t->stretch[i], (double)p->way_ns[i] / best);
        }
    }
    if (p->hops > 0) {
        sim_samples_add(&t->hops, p->hops);
    }
}

static void take_probe(struct tally *t, const struct probe *p)
{
    t->pairs++;
    if (p->is_broken) {
        t->broken++;
        return;
    }
    if (!p->is_eligible) {
        t->beyond += p->is_answered;
        return;
    }
    t->eligible++;
    sim_samples_add(&t->best_ms, (double)p->best.delay_ns / (double)CJD_MS);
    sim_samples_add(&t->best_bits, p->best.label_bits);
    sim_samples_add(&t->requests, p->watch.requests);
    if (p->watch.requests > 0) {
        t->searched++;
        sim_samples_add(&t->requests_searched, p->watch.requests);
    }
    if (p->is_answered) {
        take_answer(t, p);
    }
}

static void tally_fini(struct tally *t)
{
    sim_samples_fini(&t->wait_ms);
    sim_samples_fini(&t->requests);
    sim_samples_fini(&t->requests_searched);
    for (unsigned i = 0; i < PROBE_MOMENTS; i++) {
        sim_samples_fini(&t->stretch[i]);
    }
    sim_samples_fini(&t->hops);
    sim_samples_fini(&t->best_ms);
    sim_samples_fini(&t->best_bits);
}

static json_t *failures(const struct sim_run *run, uint32_t plan)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < run->probe_count && json_array_size(list) < 20; i++) {
        const struct probe *p = run->probe[i];
        if (p->plan == plan && p->is_eligible && !p->is_answered && !p->is_broken) {
            json_array_append_new(list, json_pack("{s:i, s:i, s:i, s:i, s:i}", "from", (int)p->from,
                                                  "to", (int)p->to, "best_hops", (int)p->best.hops,
                                                  "best_bits", (int)p->best.label_bits, "requests",
                                                  (int)p->watch.requests));
        }
    }
    return list;
}

json_t *probe_json(struct sim_run *run, uint32_t plan)
{
    struct tally t = {0};

    for (uint32_t i = 0; i < run->probe_count; i++) {
        if (run->probe[i]->plan == plan) {
            take_probe(&t, run->probe[i]);
        }
    }
    json_t *out =
        json_pack("{s:f, s:i, s:i, s:i, s:i, s:i, s:f}", "at_s", run->scenario.probe[plan].at_s,
                  "pairs", (int)t.pairs, "interrupted", (int)t.broken, "eligible", (int)t.eligible,
                  "answered", (int)t.answered, "answered_not_eligible", (int)t.beyond, "success",
                  t.eligible > 0 ? (double)t.answered / t.eligible : 0.0);
    json_object_set_new(out, "unanswered", failures(run, plan));
    json_object_set_new(out, "answer_ms", sim_samples_json(&t.wait_ms));
    json_object_set_new(out, "searched", json_integer(t.searched));
    json_object_set_new(out, "requests", sim_samples_json(&t.requests));
    json_object_set_new(out, "requests_of_searches", sim_samples_json(&t.requests_searched));
    for (unsigned i = 0; i < PROBE_MOMENTS; i++) {
        json_object_set_new(out, moment_names[i], sim_samples_json(&t.stretch[i]));
    }
    json_object_set_new(out, "hops", sim_samples_json(&t.hops));
    json_object_set_new(out, "best_ms", sim_samples_json(&t.best_ms));
    json_object_set_new(out, "best_label_bits", sim_samples_json(&t.best_bits));
    tally_fini(&t);
    return out;
}

double sim_run_success(const struct sim_run *run, uint32_t plan)
{
    uint32_t eligible = 0;
    uint32_t answered = 0;

    for (uint32_t i = 0; i < run->probe_count; i++) {
        const struct probe *p = run->probe[i];
        if (p->plan == plan && p->is_eligible && !p->is_broken) {
            eligible++;
            answered += p->is_answered;
        }
    }
    return eligible > 0 ? (double)answered / eligible : 0;
}
