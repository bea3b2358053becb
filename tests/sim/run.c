#include <sim/run_private.h>

#include <stdio.h>

uint64_t run_time(double seconds)
{
    return (uint64_t)(seconds * (double)CJD_S + 0.5);
}

/* --- plans ------------------------------------------------------------------------------------ */

static void on_start(void *arg, uint32_t node)
{
    struct sim_run *run = arg;
    sim_start(run->sim, node);
}

static void on_stop(void *arg, uint32_t node)
{
    struct sim_run *run = arg;
    sim_stop(run->sim, node);
}

static void on_probe(void *arg, uint32_t plan)
{
    probe_plan(arg, plan);
}

static uint32_t partition_size(const struct sim_run *run, uint32_t i)
{
    return (uint32_t)(run->scenario.partition[i].fraction * run->graph.nodes + 0.5);
}

static void on_partition(void *arg, uint32_t i)
{
    struct sim_run *run = arg;
    sim_partition(run->sim, partition_size(run, i), true);
}

static void on_heal(void *arg, uint32_t i)
{
    struct sim_run *run = arg;
    sim_partition(run->sim, partition_size(run, i), false);
}

/* A node's comings and goings are drawn beforehand. */
static void plan_churn_of(struct sim_run *run, uint32_t node)
{
    const struct sim_scenario *s = &run->scenario;
    double at = s->churn_from_s;
    double end = s->churn_to_s > 0 ? s->churn_to_s : s->duration_s;

    for (;;) {
        at += sim_random_exponential(&run->random, s->churn_up_s);
        if (at >= end) {
            return;
        }
        sim_at(run->sim, SIM_EPOCH + run_time(at), on_stop, run, node);
        at += sim_random_exponential(&run->random, s->churn_down_s);
        sim_at(run->sim, SIM_EPOCH + run_time(at), on_start, run, node);
    }
}

static void plan_churn(struct sim_run *run)
{
    for (uint32_t i = 0; i < run->graph.nodes; i++) {
        if (sim_random_unit(&run->random) < run->scenario.churn_fraction) {
            plan_churn_of(run, i);
        }
    }
}

static void plan_all(struct sim_run *run)
{
    const struct sim_scenario *s = &run->scenario;

    for (uint32_t i = 0; i < run->graph.nodes; i++) {
        uint64_t at = sim_random_between(&run->random, 0, run_time(s->start_spread_s));
        sim_at(run->sim, SIM_EPOCH + at, on_start, run, i);
    }
    for (uint32_t i = 0; i < s->probes; i++) {
        sim_at(run->sim, SIM_EPOCH + run_time(s->probe[i].at_s), on_probe, run, i);
    }
    for (uint32_t i = 0; i < s->partitions; i++) {
        sim_at(run->sim, SIM_EPOCH + run_time(s->partition[i].at_s), on_partition, run, i);
        if (s->partition[i].heal_s > 0) {
            sim_at(run->sim, SIM_EPOCH + run_time(s->partition[i].heal_s), on_heal, run, i);
        }
    }
    plan_churn(run);
}

/* --- life ------------------------------------------------------------------------------------- */

static void build(struct sim_run *run)
{
    const struct sim_scenario *s = &run->scenario;
    struct sim_link_model model = {.jitter_ns = (uint64_t)(s->jitter_ms * (double)CJD_MS),
                                   .loss_ppm = (uint32_t)(s->loss * 1e6 + 0.5),
                                   .rate_bps = (uint64_t)(s->rate_kbit * 1000),
                                   .queue_ns = (uint64_t)(s->queue_ms * (double)CJD_MS)};

    for (uint32_t i = 0; i < run->graph.nodes; i++) {
        (void)sim_add_node(run->sim);
    }
    for (uint32_t i = 0; i < run->graph.edges; i++) {
        model.delay_ns = run->graph.edge[i].delay_ns;
        (void)sim_add_link(run->sim, run->graph.edge[i].a, run->graph.edge[i].b, &model);
    }
    run->sent_before = sim_alloc(run->graph.nodes * sizeof *run->sent_before);
}

/* What a file says of its nodes is known only now. */
static int check_numbers(const struct sim_scenario *s, const struct sim_graph *g, char *error)
{
    uint32_t highest = 0;

    for (uint32_t i = 0; i < s->probes; i++) {
        uint32_t node = s->probe[i].node;
        highest = node != SIM_NOBODY && node > highest ? node : highest;
    }
    for (uint32_t i = 0; i < s->evils; i++) {
        uint32_t node = s->evil[i].victim;
        highest = node != SIM_NOBODY && node > highest ? node : highest;
    }
    if (highest >= g->nodes) {
        snprintf(error, 256, "there is no node %u: the graph has %u", highest, g->nodes);
        return CJD_ERR_CONFIG;
    }
    return 0;
}

int sim_run_new(struct sim_run **out, const struct sim_scenario *scenario, char *error)
{
    struct sim_run *run = sim_alloc(sizeof *run);
    int err = sim_scenario_graph(scenario, &run->graph, error);

    if (!err) {
        err = check_numbers(scenario, &run->graph, error);
    }
    if (err) {
        sim_graph_fini(&run->graph);
        sim_free_bytes(run);
        return err;
    }
    run->scenario = *scenario;
    run->sim = sim_new(scenario->seed);
    sim_random_init(&run->random, scenario->seed, 2);
    build(run);
    cast_evil(run);
    plan_all(run);
    *out = run;
    return 0;
}

void sim_run_free(struct sim_run *run)
{
    if (run) {
        sim_free(run->sim);
        for (uint32_t i = 0; i < run->probe_count; i++) {
            sim_free_bytes(run->probe[i]);
        }
        sim_graph_fini(&run->graph);
        sim_free_bytes(run->probe);
        sim_free_bytes(run->window);
        sim_free_bytes(run->sent_before);
        sim_free_bytes(run);
    }
}

struct sim *sim_run_sim(struct sim_run *run)
{
    return run->sim;
}

const struct sim_graph *sim_run_graph(const struct sim_run *run)
{
    return &run->graph;
}

/* --- the time series -------------------------------------------------------------------------- */

static void add_sent(struct sim_sent *sum, const struct sim_sent *one)
{
    for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
        sum->own[k] += one->own[k];
        sum->transit[k] += one->transit[k];
    }
}

static uint64_t bytes_of(const struct sim_sent *s)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
        sum += s->own[k] + s->transit[k];
    }
    return sum;
}

static void measure_nodes(struct sim_run *run, struct sim_window *w, struct sim_sent *total,
                          double seconds)
{
    struct sim_samples rates = {0};

    for (uint32_t i = 0; i < run->graph.nodes; i++) {
        struct sim_sent sent;
        sim_sent(run->sim, i, &sent);
        add_sent(total, &sent);
        uint64_t bytes = bytes_of(&sent);
        if (sim_is_up(run->sim, i)) {
            double heap = (double)sim_heap_bytes(run->sim, i);
            sim_samples_add(&rates, (double)(bytes - run->sent_before[i]) / seconds);
            w->heap_mean += heap;
            w->heap_max = heap > w->heap_max ? heap : w->heap_max;
        }
        run->sent_before[i] = bytes;
    }
    w->up = rates.count;
    w->rate_mean = sim_samples_mean(&rates);
    w->rate_median = sim_samples_percentile(&rates, 50);
    w->rate_p95 = sim_samples_percentile(&rates, 95);
    w->rate_max = sim_samples_percentile(&rates, 100);
    w->heap_mean /= rates.count ? rates.count : 1;
    sim_samples_fini(&rates);
}

static void end_window(struct sim_run *run, double at_s, double seconds)
{
    struct sim_window w = {.at_s = at_s};
    struct sim_sent total = {{0}, {0}};

    measure_nodes(run, &w, &total, seconds);
    double per = seconds * (w.up ? w.up : 1);
    for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
        w.own[k] = (double)(total.own[k] - run->total_before.own[k]) / per;
        w.transit[k] = (double)(total.transit[k] - run->total_before.transit[k]) / per;
    }
    run->total_before = total;
    run->window = sim_resize(run->window, (run->windows + 1) * sizeof *run->window);
    run->window[run->windows++] = w;
}

void sim_run_go(struct sim_run *run, void (*progress)(void *ctx, double virtual_s), void *ctx)
{
    const struct sim_scenario *s = &run->scenario;
    double window_end = 0;

    while (window_end < s->duration_s) {
        double begin = window_end;
        window_end = begin + s->window_s;
        if (window_end > s->duration_s) {
            window_end = s->duration_s;
        }
        for (double at = begin; at < window_end;) {
            at = at + 1 < window_end ? at + 1 : window_end;
            sim_run_until(run->sim, SIM_EPOCH + run_time(at));
            if (progress) {
                progress(ctx, at);
            }
        }
        end_window(run, window_end, window_end - begin);
    }
}

uint32_t sim_run_window_count(const struct sim_run *run)
{
    return run->windows;
}

const struct sim_window *sim_run_window(const struct sim_run *run, uint32_t index)
{
    return index < run->windows ? &run->window[index] : NULL;
}
