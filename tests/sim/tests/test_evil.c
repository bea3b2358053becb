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

static void liars(void **state)
{
    (void)state;
    struct sim_run *run = with("{\"kind\": \"lie\", \"count\": 4}");

    helper_success(run, 0, 100);
    /* Nobody who was invented is in any table: 40 nodes know 39 others at most. */
    for (uint32_t i = 0; i < 40; i++) {
        struct cjd_dht_stats stats;
        cjd_dht_stats(cjd_node_dht(sim_node(sim_run_sim(run), i)), &stats);
        assert_true(stats.nodes <= 39);
    }
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

static void all_of_them(void **state)
{
    (void)state;
    struct sim_run *run =
        with("{\"kind\": \"lie\", \"count\": 2}, {\"kind\": \"flood\", \"count\": 1},"
             "{\"kind\": \"eclipse\", \"count\": 2}");
    unsigned evil[SIM_ECLIPSE + 1] = {0};

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
        cmocka_unit_test(liars),     cmocka_unit_test(droppers),    cmocka_unit_test(flooders),
        cmocka_unit_test(colluders), cmocka_unit_test(all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
