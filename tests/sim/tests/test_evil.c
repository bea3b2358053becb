/* Networks with nodes that misbehave: honest ones go on reaching each other. */
#include "helper.h"

static double rate_of(struct sim_run *run, enum sim_kind kind)
{
    const struct sim_window *w = sim_run_window(run, sim_run_window_count(run) - 1);
    return w->own[kind];
}

static struct sim_run *with(const char *misbehaving)
{
    char text[512];

    snprintf(text, sizeof text,
             "{\"duration_s\": 60, \"topology\": {\"kind\": \"small_world\", \"nodes\": 40},"
             "\"probes\": [{\"at_s\": 40, \"pairs\": 80}], \"misbehaving\": [%s]}",
             misbehaving);
    return helper_run(text);
}

/* Nobody who was invented is in any table: 40 nodes know 39 others at most. */
static void only_real_nodes(struct sim_run *run)
{
    for (uint32_t i = 0; i < 40; i++) {
        struct cjd_dht_stats stats;
        cjd_dht_stats(cjd_node_dht(sim_node(sim_run_sim(run), i)), &stats);
        assert_true(stats.nodes <= 39);
    }
}

static void liars(void **state)
{
    const char *const kinds[] = {"lie", "false_paths", "false_neighbours"};

    (void)state;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"kind\": \"%s\", \"count\": 4}", kinds[i]);
        struct sim_run *run = with(text);
        helper_success(run, 0, 100);
        only_real_nodes(run);
        sim_run_free(run);
    }
}

/* What the routers of these nodes have sent, themselves. */
static uint64_t replies_of(struct sim_run *run, uint32_t node)
{
    struct sim_sent sent;

    sim_sent(sim_run_sim(run), node, &sent);
    return sent.own[SIM_KIND_REPLY];
}

static void silent_ones(void **state)
{
    (void)state;
    struct sim_run *run = with("{\"kind\": \"silent\", \"count\": 3}");
    unsigned silent = 0;

    helper_success(run, 0, 100);
    for (uint32_t i = 0; i < 40; i++) {
        bool is_silent = sim_evil_of(sim_run_sim(run), i) == SIM_SILENT;
        struct sim_sent sent;
        sim_sent(sim_run_sim(run), i, &sent);
        assert_true(is_silent == (replies_of(run, i) == 0));
        assert_true(sent.own[SIM_KIND_LINK] > 0);
        silent += is_silent;
    }
    assert_int_equal(silent, 3);
    sim_run_free(run);
}

static void droppers(void **state)
{
    (void)state;
    struct sim_run *run = with("{\"kind\": \"drop\", \"count\": 3}");
    unsigned forwarded = 0;

    helper_success(run, 0, 95);
    for (uint32_t i = 0; i < 40; i++) {
        struct sim_sent sent;
        uint64_t transit = 0;
        sim_sent(sim_run_sim(run), i, &sent);
        for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
            transit += sent.transit[k];
        }
        bool is_dropper = sim_evil_of(sim_run_sim(run), i) == SIM_DROP;
        assert_true(!is_dropper || transit == 0);
        forwarded += transit > 0;
    }
    assert_true(forwarded > 30);
    sim_run_free(run);
}

static void flooders(void **state)
{
    (void)state;
    struct sim_run *quiet = with("");
    struct sim_run *run = with("{\"kind\": \"flood\", \"count\": 2, \"rate\": 400}");

    helper_success(quiet, 0, 100);
    helper_success(run, 0, 100);
    assert_true(rate_of(run, SIM_KIND_FN) > 10 * (rate_of(quiet, SIM_KIND_FN) + 1));
    sim_run_free(run);
    sim_run_free(quiet);
}

static void colluders(void **state)
{
    (void)state;
    struct sim_run *run = with("{\"kind\": \"eclipse\", \"count\": 4}");

    helper_success(run, 0, 100);
    sim_run_free(run);
}

static bool are_neighbours(struct sim_run *run, uint32_t a, uint32_t b)
{
    const struct sim_graph *g = sim_run_graph(run);
    return sim_graph_has(g, a, b) || sim_graph_has(g, b, a);
}

/* All its neighbours but one and those whose addresses are nearest to it conspire against one
 * node: it reaches the others, and they reach it. */
static void one_victim(void **state)
{
    (void)state;
    struct sim_run *run =
        helper_run("{\"duration_s\": 60, \"topology\": {\"kind\": \"small_world\", \"nodes\": 40},"
                   "\"probes\": [{\"at_s\": 40, \"pairs\": 60, \"node\": 7}], \"misbehaving\": ["
                   "{\"kind\": \"eclipse\", \"count\": 40, \"victim\": 7, \"place\": \"around\"},"
                   "{\"kind\": \"eclipse\", \"count\": 6, \"victim\": 7, \"place\": \"near\"}]}");
    struct sim *sim = sim_run_sim(run);
    unsigned honest_neighbours = 0;
    unsigned attackers = 0;

    for (uint32_t i = 0; i < 40; i++) {
        bool is_honest = sim_evil_of(sim, i) == SIM_HONEST;
        attackers += !is_honest;
        honest_neighbours += i != 7 && is_honest && are_neighbours(run, 7, i);
    }
    /* Some of the nearest may be neighbours, too; the last honest one is spared only by the first
     * plan. */
    assert_true(honest_neighbours <= 1);
    assert_true(attackers > 8 && sim_evil_of(sim, 7) == SIM_HONEST);
    json_t *result = sim_run_json(run);
    const json_t *probe = json_array_get(json_object_get(result, "probes"), 0);
    assert_true(json_integer_value(json_object_get(probe, "eligible")) > 30);
    json_decref(result);
    helper_success(run, 0, 95);
    sim_run_free(run);
}

static void all_of_them(void **state)
{
    (void)state;
    struct sim_run *run =
        with("{\"kind\": \"lie\", \"count\": 2}, {\"kind\": \"flood\", \"count\": 1},"
             "{\"kind\": \"eclipse\", \"count\": 2}");
    unsigned evil[SIM_EVIL_COUNT] = {0};

    for (uint32_t i = 0; i < 40; i++) {
        evil[sim_evil_of(sim_run_sim(run), i)]++;
    }
    assert_int_equal(evil[SIM_LIE], 2);
    assert_int_equal(evil[SIM_FLOOD], 1);
    assert_int_equal(evil[SIM_ECLIPSE], 2);
    helper_success(run, 0, 98);
    sim_run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(liars),       cmocka_unit_test(silent_ones), cmocka_unit_test(droppers),
        cmocka_unit_test(flooders),    cmocka_unit_test(colluders),   cmocka_unit_test(one_victim),
        cmocka_unit_test(all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
