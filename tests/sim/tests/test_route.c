/* What is called the best route: against the labels the nodes themselves arrive at. */
#include <testlib/testlib.h>

#include <sim/route.h>
#include <sim/sim.h>
#include <switch/label.h>

static struct sim *chain(uint32_t nodes)
{
    struct sim *sim = sim_new(11);

    for (uint32_t i = 0; i < nodes; i++) {
        (void)sim_add_node(sim);
        sim_start(sim, i);
    }
    for (uint32_t i = 0; i + 1 < nodes; i++) {
        sim_add_link(sim, i, i + 1, &(struct sim_link_model){.delay_ns = (i + 1) * CJD_MS});
    }
    sim_run_until(sim, sim_now(sim) + 20 * CJD_S);
    return sim;
}

static void along_a_chain(void **state)
{
    (void)state;
    struct sim *sim = chain(18);
    struct sim_routes *r = sim_routes_new(sim);
    struct sim_route route;

    for (uint32_t to = 1; to <= 14; to++) {
        assert_true(sim_routes_best(r, 0, to, &route));
        assert_int_equal(route.delay_ns, to * (to + 1) / 2 * CJD_MS);
        assert_int_equal(route.hops, to);
        assert_int_equal(route.label_bits, 4 * to);
        struct cjd_dht_path path;
        assert_true(cjd_dht_best(cjd_node_dht(sim_node(sim, 0)), &sim_keys(sim, to)->addr, &path));
        assert_int_equal(cjd_log2(path.to.label), route.label_bits);
    }
    assert_false(sim_routes_best(r, 0, 15, &route)); /* 60 bits: one too many */
    assert_true(sim_routes_best(r, 17, 3, &route));
    sim_routes_free(r);
    sim_cut(sim, 4, true);
    r = sim_routes_new(sim);
    assert_true(sim_routes_best(r, 0, 4, &route));
    assert_false(sim_routes_best(r, 0, 5, &route));
    sim_routes_free(r);
    sim_free(sim);
}

/* The quick way leads over a hub whose directors are wide; where the label would grow too long, a
 * slower way is the best one. */
static void label_before_delay(void **state)
{
    (void)state;
    struct sim *sim = chain(14);
    struct sim_route route;
    const struct sim_link_model quick = {.delay_ns = CJD_MS / 10};

    /* Between 5 and 6 a detour over a hub with 40 leaves. */
    uint32_t hub = sim_add_node(sim);
    sim_start(sim, hub);
    for (unsigned i = 0; i < 40; i++) {
        uint32_t leaf = sim_add_node(sim);
        sim_start(sim, leaf);
        sim_add_link(sim, leaf, hub, &quick);
    }
    sim_run_until(sim, sim_now(sim) + 5 * CJD_S);
    sim_add_link(sim, 5, hub, &quick);
    sim_add_link(sim, 6, hub, &quick);
    sim_run_until(sim, sim_now(sim) + 10 * CJD_S);
    struct sim_routes *r = sim_routes_new(sim);
    assert_true(sim_routes_best(r, 5, 6, &route));
    assert_int_equal(route.delay_ns, CJD_MS / 5);
    assert_int_equal(route.hops, 2);
    assert_true(sim_routes_best(r, 0, 13, &route));
    assert_int_equal(route.hops, 13);
    assert_true(route.label_bits <= CJD_LABEL_MAX_LOG2);
    assert_true(sim_routes_best(r, 0, 8, &route));
    assert_int_equal(route.hops, 9);
    sim_routes_free(r);
    sim_free(sim);
}

/* Nobody counts on a way through a node that forwards nothing. */
static void not_through_a_hole(void **state)
{
    (void)state;
    struct sim *sim = chain(4);
    struct sim_route route;

    sim_set_evil(sim, 2, SIM_DROP);
    struct sim_routes *r = sim_routes_new(sim);
    assert_true(sim_routes_best(r, 0, 2, &route));
    assert_false(sim_routes_best(r, 0, 3, &route));
    sim_routes_free(r);
    sim_free(sim);
}

/* The horizon is what single questions find, and what the nodes themselves number their links. */
static void horizon(void **state)
{
    (void)state;
    struct sim_graph g;
    struct sim_random random;
    uint8_t bits[400];
    unsigned beyond = 0;

    sim_random_init(&random, 5, 0);
    sim_graph_init(&g, 400);
    assert_int_equal(sim_graph_small_world(&g, 4, 0.02, &random), 0);
    struct sim_routes *r = sim_routes_of_graph(&g);
    for (uint32_t from = 0; from < 400; from += 37) {
        sim_routes_reach(r, from, bits);
        for (uint32_t to = 0; to < 400; to += 3) {
            struct sim_route route;
            bool is_reached = from == to || sim_routes_best(r, from, to, &route);
            assert_true(is_reached == (bits[to] != SIM_OUT_OF_REACH));
            assert_true(!is_reached || from == to || bits[to] <= 59);
            beyond += !is_reached;
        }
    }
    assert_true(beyond > 20 && beyond < 1000);
    sim_routes_free(r);
    sim_graph_fini(&g);
}

static void horizon_of_a_chain(void **state)
{
    (void)state;
    struct sim *sim = chain(18);
    struct sim_routes *r = sim_routes_new(sim);
    struct sim_graph g;
    uint8_t bits[18];
    uint8_t of_graph[18];

    sim_graph_init(&g, 18);
    assert_int_equal(sim_graph_chain(&g), 0);
    struct sim_routes *s = sim_routes_of_graph(&g);
    sim_routes_reach(r, 0, bits);
    sim_routes_reach(s, 0, of_graph);
    assert_memory_equal(bits, of_graph, sizeof bits);
    assert_int_equal(bits[14], 56);
    assert_int_equal(bits[15], SIM_OUT_OF_REACH);
    sim_routes_free(r);
    sim_routes_free(s);
    sim_graph_fini(&g);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(along_a_chain),      cmocka_unit_test(label_before_delay),
        cmocka_unit_test(not_through_a_hole), cmocka_unit_test(horizon),
        cmocka_unit_test(horizon_of_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
