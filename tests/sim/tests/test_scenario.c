/* Scenario files: defaults, what is refused and why, and that a scenario survives being written. */
#include <testlib/testlib.h>

#include <sim/scenario.h>

static void refused(const char *text, const char *about)
{
    struct sim_scenario s;
    char error[256] = "";
    json_t *root = json_loads(text, 0, NULL);

    assert_non_null(root);
    assert_int_equal(sim_scenario_read(&s, root, error), CJD_ERR_CONFIG);
    if (!strstr(error, about)) {
        fail_msg("%s: said %s, not %s", text, error, about);
    }
    json_decref(root);
}

static void faults(void **state)
{
    (void)state;
    refused("[]", "scenario");
    refused("{\"sed\": 1}", "sed");
    refused("{\"seed\": -1}", "seed");
    refused("{\"seed\": 1.5}", "seed");
    refused("{\"name\": 5}", "name");
    refused("{\"topology\": 5}", "topology");
    refused("{\"topology\": {\"kind\": \"moebius\"}}", "small_world");
    refused("{\"topology\": {\"nodes\": 1}}", "nodes");
    refused("{\"links\": {\"delay_ms\": [5]}}", "delay_ms");
    refused("{\"links\": {\"delay_ms\": [5, 1]}}", "smaller");
    refused("{\"links\": {\"loss\": 1.1}}", "loss");
    refused("{\"probes\": {}}", "probes");
    refused("{\"probes\": [5]}", "probes");
    refused("{\"probes\": [{\"at\": 5}]}", "at");
    refused("{\"misbehaving\": [{\"kind\": \"sulk\"}]}", "eclipse");
    refused("{\"churn\": {\"fraction\": 0.5, \"up_s\": 0}}", "churn");
    refused("{\"window_s\": 0}", "window_s");
    refused("{\"misbehaving\": [{\"place\": \"near\"}]}", "victim");
    refused("{\"misbehaving\": [{\"place\": \"here\"}]}", "around");
    refused("{\"probes\": [{\"node\": \"7\"}]}", "node");
}

static void defaults(void **state)
{
    (void)state;
    struct sim_scenario s;
    char error[256];
    json_t *root = json_object();

    assert_int_equal(sim_scenario_read(&s, root, error), 0);
    assert_int_equal(s.topology, SIM_SMALL_WORLD);
    assert_int_equal(s.probes, 1);
    assert_int_equal(s.probe[0].pairs, 1000);
    assert_int_equal(s.probe[0].node, SIM_NOBODY);
    assert_int_equal(s.evils, 0);
    json_decref(root);
}

static void overrides(void **state)
{
    (void)state;
    struct sim_scenario s;
    char error[256];
    json_t *root = json_loads("{\"topology\": {\"kind\": \"ring\", \"nodes\": 7}}", 0, NULL);

    assert_int_equal(sim_scenario_override(root, "topology.nodes=9", error), 0);
    assert_int_equal(sim_scenario_override(root, "links.delay_ms=[1,2]", error), 0);
    assert_int_equal(sim_scenario_override(root, "name=a word", error), 0);
    assert_int_equal(sim_scenario_override(root, "nothing", error), CJD_ERR_CONFIG);
    assert_int_equal(sim_scenario_override(root, "=5", error), CJD_ERR_CONFIG);
    assert_int_equal(sim_scenario_read(&s, root, error), 0);
    assert_int_equal(s.topology, SIM_RING);
    assert_int_equal(s.nodes, 9);
    assert_true(s.delay_ms[0] == 1 && s.delay_ms[1] == 2);
    assert_string_equal(s.name, "a word");
    json_decref(root);
}

/* Every scenario of the tree is good, and says the same after it was written and read again. */
static void round_trip(void **state)
{
    (void)state;
    const char *names[] = {"small_world", "power_law", "hostile", "churn",    "liars_5",
                           "liars_20",    "partition", "day",     "quiet_day"};

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sim_scenario s;
        struct sim_scenario again;
        char error[256] = "";
        char path[512];
        snprintf(path, sizeof path, SIM_SCENARIOS "/%s.json", names[i]);
        json_t *root = json_load_file(path, 0, NULL);
        assert_non_null(root);
        if (sim_scenario_read(&s, root, error) != 0) {
            fail_msg("%s: %s", path, error);
        }
        json_t *written = sim_scenario_json(&s);
        assert_int_equal(sim_scenario_read(&again, written, error), 0);
        json_t *twice = sim_scenario_json(&again);
        assert_true(json_equal(written, twice));
        assert_true(s.seed == again.seed && s.probes == again.probes);
        json_decref(root);
        json_decref(written);
        json_decref(twice);
    }
}

static void graph_of(void **state)
{
    (void)state;
    struct sim_scenario s;
    struct sim_graph g;
    char error[256];
    json_t *root = json_loads("{\"topology\": {\"kind\": \"ring\", \"nodes\": 50},"
                              "\"links\": {\"delay_ms\": [10, 20]}}",
                              0, NULL);

    assert_int_equal(sim_scenario_read(&s, root, error), 0);
    assert_int_equal(sim_scenario_graph(&s, &g, error), 0);
    assert_int_equal(g.edges, 50);
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    for (uint32_t i = 0; i < g.edges; i++) {
        low = g.edge[i].delay_ns < low ? g.edge[i].delay_ns : low;
        high = g.edge[i].delay_ns > high ? g.edge[i].delay_ns : high;
    }
    assert_true(low >= 10 * CJD_MS && low < 12 * CJD_MS);
    assert_true(high <= 20 * CJD_MS && high > 18 * CJD_MS);
    sim_graph_fini(&g);
    s.topology = SIM_GRID;
    s.width = 7;
    assert_int_equal(sim_scenario_graph(&s, &g, error), CJD_ERR_INVALID);
    assert_non_null(strstr(error, "grid"));
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults),     cmocka_unit_test(defaults), cmocka_unit_test(overrides),
        cmocka_unit_test(round_trip), cmocka_unit_test(graph_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
