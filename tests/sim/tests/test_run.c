/* Whole runs: they repeat by seed, churn and partitions heal, results are complete. */
#include "helper.h"

#include <unistd.h>

#define EVERYTHING                                                                                 \
    "{\"seed\": %u, \"duration_s\": 40, \"topology\": {\"kind\": \"geometric\", \"nodes\": 30},"   \
    "\"links\": {\"delay_ms\": [5, 30], \"loss\": 0.01, \"jitter_ms\": 5, \"rate_kbit\": 2000},"   \
    "\"churn\": {\"fraction\": 0.3, \"up_s\": 15, \"down_s\": 3},"                                 \
    "\"misbehaving\": [{\"kind\": \"lie\", \"count\": 1}, {\"kind\": \"flood\", \"count\": 1}],"   \
    "\"partitions\": [{\"at_s\": 15, \"heal_s\": 18, \"fraction\": 0.3}],"                         \
    "\"probes\": [{\"at_s\": 12, \"pairs\": 30}, {\"at_s\": 28, \"pairs\": 30}]}"

static char *result_of(unsigned seed)
{
    char text[1024];
    snprintf(text, sizeof text, EVERYTHING, seed);
    struct sim_run *run = helper_run(text);
    json_t *result = sim_run_json(run);
    char *out = json_dumps(result, JSON_REAL_PRECISION(12));

    assert_non_null(out);
    json_decref(result);
    sim_run_free(run);
    return out;
}

static void repeats(void **state)
{
    (void)state;
    char *one = result_of(1);
    char *again = result_of(1);
    char *other = result_of(2);

    assert_string_equal(one, again);
    /* The seed itself is in the result: compare behind it. */
    assert_string_not_equal(strstr(one, "\"graph\""), strstr(other, "\"graph\""));
    free(one);
    free(again);
    free(other);
}

static void heals(void **state)
{
    (void)state;
    struct sim_run *run = helper_run(
        "{\"duration_s\": 75, \"topology\": {\"kind\": \"small_world\", \"nodes\": 24, \"k\": 4},"
        "\"partitions\": [{\"at_s\": 20, \"heal_s\": 35}],"
        "\"probes\": [{\"at_s\": 10, \"pairs\": 60}, {\"at_s\": 22, \"pairs\": 60, \"wait_s\": 8},"
        "{\"at_s\": 60, \"pairs\": 60}]}");

    helper_success(run, 0, 100);
    helper_success(run, 2, 100);
    json_t *result = sim_run_json(run);
    const json_t *cut = json_array_get(json_object_get(result, "probes"), 1);
    json_int_t eligible = json_integer_value(json_object_get(cut, "eligible"));
    /* Half of the pairs are on both sides, and none of those answered. */
    assert_true(eligible > 15 && eligible < 45);
    assert_int_equal(json_integer_value(json_object_get(cut, "answered_not_eligible")), 0);
    json_decref(result);
    sim_run_free(run);
}

static void churns(void **state)
{
    (void)state;
    struct sim_run *run = helper_run(
        "{\"duration_s\": 90, \"topology\": {\"kind\": \"small_world\", \"nodes\": 30, \"k\": 6},"
        "\"churn\": {\"fraction\": 0.4, \"up_s\": 20, \"down_s\": 5, \"from_s\": 10,"
        "\"to_s\": 50}, \"window_s\": 1, \"probes\": [{\"at_s\": 75, \"pairs\": 60}]}");
    uint32_t least = UINT32_MAX;

    for (uint32_t i = 2; i < sim_run_window_count(run); i++) {
        uint32_t up = sim_run_window(run, i)->up;
        least = up < least ? up : least;
    }
    assert_true(least < 30 && least > 10);
    helper_success(run, 0, 98);
    sim_run_free(run);
}

/* Rates are those of the links: what the nodes sent is what the time series adds up to. */
static void adds_up(void **state)
{
    (void)state;
    struct sim_run *run =
        helper_run("{\"duration_s\": 20, \"window_s\": 3, \"start_spread_s\": 0,"
                   "\"topology\": {\"kind\": \"chain\", \"nodes\": 5}, \"probes\": []}");
    double by_windows = 0;
    double by_kinds = 0;
    double by_nodes = 0;
    double begin = 0;
    uint64_t replies[5];

    for (uint32_t i = 0; i < sim_run_window_count(run); i++) {
        const struct sim_window *w = sim_run_window(run, i);
        by_windows += w->rate_mean * (w->at_s - begin) * w->up;
        for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
            by_kinds += (w->own[k] + w->transit[k]) * (w->at_s - begin) * w->up;
        }
        begin = w->at_s;
    }
    for (uint32_t i = 0; i < 5; i++) {
        struct sim_sent sent;
        sim_sent(sim_run_sim(run), i, &sent);
        for (unsigned k = 0; k < SIM_KIND_COUNT; k++) {
            by_nodes += (double)(sent.own[k] + sent.transit[k]);
        }
        replies[i] = sent.transit[SIM_KIND_REPLY];
        assert_true(sent.own[SIM_KIND_LINK] > 0 && sent.own[SIM_KIND_HANDSHAKE] > 0);
    }
    /* The middle forwards more than the ends, which only send back what came the wrong way. */
    assert_true(replies[2] > 2 * replies[0] && replies[2] > 2 * replies[4]);
    assert_int_equal(sim_run_window_count(run), 7);
    assert_true(by_windows > by_nodes - 1 && by_windows < by_nodes + 1);
    assert_true(by_kinds > by_nodes - 1 && by_kinds < by_nodes + 1);
    sim_run_free(run);
}

/* A node that a file or the numbers do not have is found before anything runs. */
static void unknown_node(void **state)
{
    (void)state;
    struct sim_scenario s;
    struct sim_run *run;
    char error[256] = "";
    json_t *root =
        json_loads("{\"topology\": {\"nodes\": 10}, \"probes\": [{\"node\": 10}]}", 0, NULL);

    assert_int_equal(sim_scenario_read(&s, root, error), 0);
    assert_int_equal(sim_run_new(&run, &s, error), CJD_ERR_CONFIG);
    assert_non_null(strstr(error, "no node 10"));
    json_decref(root);
}

/* What a probe says of the ways in use: the first answer and three moments after it. */
static void follows(void **state)
{
    (void)state;
    struct sim_run *run =
        helper_run("{\"duration_s\": 35, \"topology\": {\"kind\": \"ring\", \"nodes\": 6},"
                   "\"links\": {\"loss\": 0.05}, \"probes\": [{\"at_s\": 15, \"pairs\": 20}]}");
    const char *const names[] = {"stretch_first", "stretch_1s", "stretch_5s", "stretch_10s"};
    json_t *result = sim_run_json(run);
    const json_t *probe = json_array_get(json_object_get(result, "probes"), 0);

    for (unsigned i = 0; i < 4; i++) {
        const json_t *s = json_object_get(probe, names[i]);
        json_int_t count = json_integer_value(json_object_get(s, "count"));
        /* The moments between have later echoes that stand for one that was lost (all four of them
         * are now and then); the last has none. */
        assert_in_range(count, i == 0 ? 20 : i < 3 ? 18 : 6, 20);
        assert_true(json_real_value(json_object_get(s, "median")) >= 1);
        assert_true(json_real_value(json_object_get(s, "max")) < 10);
    }
    json_decref(result);
    sim_run_free(run);
}

static long size_of(const char *path, const char *begin)
{
    FILE *f = fopen(path, "r");
    char head[8] = "";

    assert_non_null(f);
    assert_int_equal(fread(head, 1, strlen(begin), f), strlen(begin));
    assert_string_equal(head, begin);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    fclose(f);
    unlink(path);
    return size;
}

static void files(void **state)
{
    (void)state;
    struct sim_run *run =
        helper_run("{\"duration_s\": 5, \"window_s\": 1, \"name\": \"<&>\","
                   "\"topology\": {\"kind\": \"power_law\", \"nodes\": 12}, \"probes\": []}");

    assert_int_equal(sim_run_write_csv(run, "sim-test.csv"), 0);
    assert_int_equal(sim_run_write_plot(run, "sim-test-plot.svg"), 0);
    assert_int_equal(sim_run_write_picture(run, "sim-test-picture.svg"), 0);
    assert_int_equal(sim_run_write_csv(run, "no such folder/x"), CJD_ERR_IO);
    assert_true(size_of("sim-test.csv", "at_s,up") > 300);
    assert_true(size_of("sim-test-plot.svg", "<svg") > 1000);
    assert_true(size_of("sim-test-picture.svg", "<svg") > 1000);
    sim_run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats), cmocka_unit_test(heals),   cmocka_unit_test(churns),
        cmocka_unit_test(adds_up), cmocka_unit_test(follows), cmocka_unit_test(unknown_node),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
