/*
 * 200 nodes, two virtual minutes, with the stand-in for cryptography: they reach each other, the
 * ways they use are short, what they need is bounded. In less than a minute of the processor, also
 * in a sanitized build.
 */
#include "helper.h"

#include <time.h>

#define NODES    200u
#define HEAP_MAX (1024u * 1024u)

static double member(const json_t *object, const char *name, const char *of)
{
    return json_number_value(json_object_get(json_object_get(object, name), of));
}

static void check_probe(struct sim_run *run, uint32_t number)
{
    json_t *result = sim_run_json(run);
    const json_t *probe = json_array_get(json_object_get(result, "probes"), number);

    assert_true(json_integer_value(json_object_get(probe, "eligible")) >= 990);
    helper_success(run, number, 99);
    assert_true(member(probe, "requests", "p95") <= 20);
    assert_true(member(probe, "answer_ms", "median") < 2000);
    assert_true(member(probe, "stretch_5s", "median") < 1.2);
    assert_true(member(probe, "stretch_5s", "p95") < 2);
    json_decref(result);
}

static void check_nodes(struct sim_run *run)
{
    const struct sim_window *last = sim_run_window(run, sim_run_window_count(run) - 1);

    print_message("%.0f bytes/s, %.0f bytes of memory, at most %.0f\n", last->rate_mean,
                  last->heap_mean, last->heap_max);
    assert_int_equal(last->up, NODES);
    assert_true(last->rate_mean < 10000);
    assert_true(last->heap_max < HEAP_MAX);
    for (uint32_t i = 0; i < NODES; i++) {
        struct cjd_dht_stats stats;
        cjd_dht_stats(cjd_node_dht(sim_node(sim_run_sim(run), i)), &stats);
        assert_true(stats.nodes < NODES && stats.links <= 4096);
    }
}

static void small_world(void **state)
{
    (void)state;
    clock_t begin = clock();
    struct sim_run *run = helper_run(
        "{\"duration_s\": 120, \"topology\": {\"kind\": \"small_world\", \"nodes\": 200},"
        "\"probes\": [{\"at_s\": 60, \"pairs\": 1000}, {\"at_s\": 95, \"pairs\": 1000}]}");
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;

    print_message("%.1f s of the processor\n", seconds);
    check_probe(run, 0);
    check_probe(run, 1);
    check_nodes(run);
    assert_true(seconds < 60);
    sim_run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(small_world)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
