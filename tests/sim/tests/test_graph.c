/* Generators and files: how many links, whether connected, what they promise of degrees. */
#include <testlib/testlib.h>

#include <unistd.h>

#include <base/time.h>
#include <sim/graph.h>
#include <sim/memory.h>

static void check_simple(const struct sim_graph *g, uint32_t links)
{
    assert_int_equal(g->edges, links);
    assert_int_equal(sim_graph_components(g), 1);
    for (uint32_t i = 0; i < g->edges; i++) {
        assert_true(g->edge[i].a < g->nodes && g->edge[i].b < g->nodes);
        assert_int_not_equal(g->edge[i].a, g->edge[i].b);
        for (uint32_t j = 0; j < i; j++) {
            bool same = (g->edge[i].a == g->edge[j].a && g->edge[i].b == g->edge[j].b) ||
                        (g->edge[i].a == g->edge[j].b && g->edge[i].b == g->edge[j].a);
            assert_false(same);
        }
    }
}

static void degree_range(const struct sim_graph *g, uint32_t *low, uint32_t *high)
{
    uint32_t *d = calloc(g->nodes, sizeof *d);

    assert_non_null(d);
    sim_graph_degrees(g, d);
    *low = *high = d[0];
    for (uint32_t i = 1; i < g->nodes; i++) {
        *low = d[i] < *low ? d[i] : *low;
        *high = d[i] > *high ? d[i] : *high;
    }
    free(d);
}

static void regular(void **state)
{
    (void)state;
    struct sim_graph g;
    uint32_t low;
    uint32_t high;

    sim_graph_init(&g, 10);
    assert_int_equal(sim_graph_chain(&g), 0);
    check_simple(&g, 9);
    sim_graph_fini(&g);
    sim_graph_init(&g, 10);
    assert_int_equal(sim_graph_ring(&g), 0);
    check_simple(&g, 10);
    degree_range(&g, &low, &high);
    assert_int_equal(low, 2);
    assert_int_equal(high, 2);
    sim_graph_fini(&g);
    sim_graph_init(&g, 12);
    assert_int_equal(sim_graph_grid(&g, 4), 0);
    check_simple(&g, 3 * 3 + 4 * 2);
    degree_range(&g, &low, &high);
    assert_int_equal(low, 2);
    assert_int_equal(high, 4);
    sim_graph_fini(&g);
    sim_graph_init(&g, 10);
    assert_int_equal(sim_graph_star(&g), 0);
    check_simple(&g, 9);
    degree_range(&g, &low, &high);
    assert_int_equal(high, 9);
    sim_graph_fini(&g);
    sim_graph_init(&g, 15);
    assert_int_equal(sim_graph_tree(&g, 2), 0);
    check_simple(&g, 14);
    degree_range(&g, &low, &high);
    assert_int_equal(high, 3);
    sim_graph_fini(&g);
}

static void impossible(void **state)
{
    (void)state;
    struct sim_graph g;
    struct sim_random r;

    sim_random_init(&r, 1, 1);
    sim_graph_init(&g, 10);
    assert_int_equal(sim_graph_grid(&g, 4), CJD_ERR_INVALID);
    assert_int_equal(sim_graph_tree(&g, 0), CJD_ERR_INVALID);
    assert_int_equal(sim_graph_small_world(&g, 3, 0.1, &r), CJD_ERR_INVALID);
    assert_int_equal(sim_graph_small_world(&g, 10, 0.1, &r), CJD_ERR_INVALID);
    assert_int_equal(sim_graph_power_law(&g, 10, 50, &r), CJD_ERR_INVALID);
    assert_int_equal(sim_graph_power_law(&g, 2, 4, &r), CJD_ERR_INVALID);
    assert_int_equal(sim_graph_geometric(&g, 0, 0, &r), CJD_ERR_INVALID);
    sim_graph_fini(&g);
    sim_graph_init(&g, 1000);
    assert_int_equal(sim_graph_star(&g), CJD_ERR_INVALID);
    sim_graph_fini(&g);
}

static void small_world(void **state)
{
    (void)state;
    struct sim_graph g;
    struct sim_random r;
    uint32_t low;
    uint32_t high;

    for (uint64_t seed = 1; seed <= 5; seed++) {
        sim_random_init(&r, seed, 1);
        sim_graph_init(&g, 100);
        assert_int_equal(sim_graph_small_world(&g, 6, 0, &r), 0);
        check_simple(&g, 300);
        degree_range(&g, &low, &high);
        assert_int_equal(low, 6);
        assert_int_equal(high, 6);
        sim_graph_fini(&g);
        sim_graph_init(&g, 100);
        assert_int_equal(sim_graph_small_world(&g, 6, 0.3, &r), 0);
        check_simple(&g, 300);
        degree_range(&g, &low, &high);
        assert_true(low >= 3 && high > 6);
        sim_graph_fini(&g);
    }
}

static void power_law(void **state)
{
    (void)state;
    struct sim_graph g;
    struct sim_random r;
    uint32_t low;
    uint32_t high;

    for (uint64_t seed = 1; seed <= 5; seed++) {
        sim_random_init(&r, seed, 1);
        sim_graph_init(&g, 400);
        assert_int_equal(sim_graph_power_law(&g, 2, 200, &r), 0);
        check_simple(&g, 3 + 397 * 2);
        degree_range(&g, &low, &high);
        assert_int_equal(low, 2);
        assert_true(high > 20);
        sim_graph_fini(&g);
        sim_graph_init(&g, 400);
        assert_int_equal(sim_graph_power_law(&g, 2, 12, &r), 0);
        check_simple(&g, 3 + 397 * 2);
        degree_range(&g, &low, &high);
        assert_true(high <= 12);
        sim_graph_fini(&g);
    }
}

/* With the same places, the links are those nearer than the radius, and the few that join. */
static void geometric(void **state)
{
    (void)state;
    struct sim_graph g;
    struct sim_random r;

    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint32_t near = 0;
        sim_random_init(&r, seed, 1);
        sim_graph_init(&g, 200);
        assert_int_equal(sim_graph_geometric(&g, 0.1, 0, &r), 0);
        for (uint32_t i = 0; i < g.nodes; i++) {
            for (uint32_t j = 0; j < i; j++) {
                double dx = (double)g.at[i].x - (double)g.at[j].x;
                double dy = (double)g.at[i].y - (double)g.at[j].y;
                bool is_near = dx * dx + dy * dy < 0.01;
                near += is_near;
                assert_true(!is_near || sim_graph_has(&g, i, j));
            }
        }
        assert_true(g.edges >= near && g.edges < near + 40);
        check_simple(&g, g.edges);
        sim_graph_fini(&g);
    }
    sim_random_init(&r, 9, 1);
    sim_graph_init(&g, 1000);
    assert_int_equal(sim_graph_geometric(&g, 0, 8, &r), 0);
    double mean = 2.0 * g.edges / g.nodes;
    assert_true(mean > 6.5 && mean < 8.5);
    sim_graph_fini(&g);
}

/* --- files ------------------------------------------------------------------------------------ */

static int load(struct sim_graph *g, const char *suffix, const char *text, char *error)
{
    char path[] = "graph-XXXXXX.graphml";
    int suffix_len = (int)strlen(suffix);

    path[12] = 0;
    strcat(path, suffix);
    int fd = mkstemps(path, suffix_len);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    sim_graph_init(g, 0);
    int err = sim_graph_load(g, path, error);
    unlink(path);
    return err;
}

static void edge_list(void **state)
{
    (void)state;
    struct sim_graph g;
    char error[256];

    assert_int_equal(load(&g, ".txt",
                          "# a triangle and a tail\n"
                          "a b\n"
                          "b,c , 12.5\n"
                          "\n"
                          "c a 3 # comment\n"
                          "c tail\n"
                          "tail tail\n",
                          error),
                     0);
    assert_int_equal(g.nodes, 4);
    check_simple(&g, 4);
    assert_true(g.edge[0].delay_ns == SIM_DELAY_UNSET);
    assert_int_equal(g.edge[1].delay_ns, 12500 * CJD_US);
    assert_int_equal(g.edge[2].delay_ns, 3 * CJD_MS);
    sim_graph_fini(&g);
    assert_int_equal(load(&g, ".txt", "a b\nonly\n", error), CJD_ERR_PARSE);
    assert_non_null(strstr(error, "line 2"));
    sim_graph_fini(&g);
    assert_int_equal(load(&g, ".txt", "a b soon\n", error), CJD_ERR_PARSE);
    sim_graph_fini(&g);
    assert_int_equal(load(&g, ".txt", "# nothing\n", error), CJD_ERR_PARSE);
    sim_graph_fini(&g);
    assert_int_equal(sim_graph_load(&g, "no such file", error), CJD_ERR_IO);
    sim_graph_fini(&g);
}

static void graphml(void **state)
{
    (void)state;
    struct sim_graph g;
    char error[256];

    assert_int_equal(
        load(&g, ".graphml",
             "<?xml version=\"1.0\"?>\n"
             "<graphml><key id=\"d0\" for=\"edge\" attr.name=\"latency\"/>"
             "<key id=\"d1\" for=\"edge\" attr.name=\"colour\"/><graph edgedefault=\"undirected\">"
             "<node id=\"n0\"/><node id=\"n1\"/><node id=\"n2\"/>\n"
             "<edge source=\"n0\" target=\"n1\"><data key=\"d0\">7</data>"
             "<data key=\"d1\">red</data></edge>"
             "<edge source=\"n1\" target=\"n2\"/></graph></graphml>",
             error),
        0);
    assert_int_equal(g.nodes, 3);
    check_simple(&g, 2);
    assert_int_equal(g.edge[0].delay_ns, 7 * CJD_MS);
    assert_true(g.edge[1].delay_ns == SIM_DELAY_UNSET);
    sim_graph_fini(&g);
    assert_int_equal(load(&g, ".graphml", "<graphml>\n<node id=\"a\">\n</graphml>", error),
                     CJD_ERR_PARSE);
    assert_non_null(strstr(error, "line 3"));
    sim_graph_fini(&g);
    assert_int_equal(load(&g, ".graphml", "<g><edge source=\"a\"/></g>", error), CJD_ERR_PARSE);
    assert_non_null(strstr(error, "without source or target"));
    sim_graph_fini(&g);
}

static void joined(void **state)
{
    (void)state;
    struct sim_graph g;
    struct sim_random r;

    sim_random_init(&r, 3, 1);
    sim_graph_init(&g, 6);
    sim_graph_add(&g, 0, 1, SIM_DELAY_UNSET);
    sim_graph_add(&g, 2, 3, SIM_DELAY_UNSET);
    assert_int_equal(sim_graph_components(&g), 4);
    assert_int_equal(sim_graph_join(&g, &r), 3);
    check_simple(&g, 5);
    sim_graph_layout(&g, false, &r);
    for (uint32_t i = 0; i < g.nodes; i++) {
        assert_true(g.at[i].x >= 0 && g.at[i].x <= 1 && g.at[i].y >= 0 && g.at[i].y <= 1);
    }
    sim_graph_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regular),   cmocka_unit_test(impossible), cmocka_unit_test(small_world),
        cmocka_unit_test(power_law), cmocka_unit_test(geometric),  cmocka_unit_test(edge_list),
        cmocka_unit_test(graphml),   cmocka_unit_test(joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
