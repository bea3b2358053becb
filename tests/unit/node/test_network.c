/* Whole networks of real nodes under the virtual clock: reachability, loss, restarts, cuts. */
#include <testlib/net.h>

#define DELAY (1 * CJD_MS)

static void assert_within(uint64_t took, uint64_t limit, const char *what)
{
    print_message("%s: %.3f s\n", what, took == CJD_NEVER ? -1.0 : (double)took / 1e9);
    assert_true(took <= limit);
}

static void two_nodes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct net *net = net_new(2, seed);
        net_link(net, 0, 1, DELAY);
        assert_within(net_ping_all(net, 2, 2 * CJD_S), 300 * CJD_MS, "two nodes");
        net_free(net);
    }
}

/* The one that is called starts later: hellos are repeated soon. */
static void late_start(void **state)
{
    (void)state;
    struct net *net = net_new(2, 7);
    net_link(net, 0, 1, DELAY);
    net_run(net, 0);
    net_stop(net, 1);
    net_run(net, 30 * CJD_S);
    net_start(net, 1);
    assert_within(net_ping_all(net, 2, 5 * CJD_S), 2 * CJD_S, "late start");
    net_free(net);
}

static void topologies(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*build)(struct net *net, unsigned n, uint64_t delay_ns);
        unsigned argument;
        unsigned nodes;
        uint64_t limit;
    } cases[] = {
        {"chain of 3", net_chain, 3, 3, 800 * CJD_MS},
        {"chain of 5", net_chain, 5, 5, 800 * CJD_MS},
        {"ring of 5", net_ring, 5, 5, 800 * CJD_MS},
        {"chain of 10", net_chain, 10, 10, 2 * CJD_S},
        {"star of 10", net_star, 10, 10, 2 * CJD_S},
        {"grid of 16", net_grid, 4, 16, 2 * CJD_S},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct net *net = net_new(cases[i].nodes, 100 + i);
        cases[i].build(net, cases[i].argument, DELAY);
        assert_within(net_ping_all(net, cases[i].nodes, 10 * CJD_S), cases[i].limit, cases[i].name);
        net_free(net);
    }
}

/* Nodes that come up one after the other over links of different length: searches overtake each
 * other, hellos cross and come late. */
static void staggered_grid(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct net *net = net_new(16, seed);
        for (unsigned y = 0; y < 4; y++) {
            for (unsigned x = 0; x < 4; x++) {
                uint64_t delay = CJD_MS / 10 + cjd_rng_below(net_rng(net), 8) * CJD_MS / 4;
                if (x < 3) {
                    net_link(net, y * 4 + x, y * 4 + x + 1, delay);
                }
                if (y < 3) {
                    net_link(net, y * 4 + x, (y + 1) * 4 + x, delay);
                }
            }
        }
        net_run(net, 0);
        for (unsigned i = 0; i < 16; i++) {
            net_stop(net, i);
        }
        for (unsigned i = 0; i < 16; i++) {
            net_start(net, i * 7 % 16);
            for (unsigned k = 0; k < 16 * (i + 1); k++) {
                net_ping(net, k / 16 * 7 % 16, k % 16, 8);
            }
            net_run(net, cjd_rng_below(net_rng(net), 50) * CJD_MS);
        }
        assert_within(net_ping_all(net, 16, 15 * CJD_S), 3 * CJD_S, "staggered grid of 16");
        net_free(net);
    }
}

static void lossy(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct net *net = net_new(5, seed);
        net_chain(net, 5, 5 * CJD_MS);
        net_set_loss(net, 100);
        assert_within(net_ping_all(net, 5, 30 * CJD_S), 15 * CJD_S, "chain of 5, 10 % loss");
        net_free(net);
    }
}

static void restart(unsigned which, const char *what)
{
    struct net *net = net_new(2, 11 + which);
    net_link(net, 0, 1, DELAY);
    assert_true(net_ping_all(net, 2, 5 * CJD_S) != CJD_NEVER);
    for (unsigned i = 0; i < 10; i++) {
        net_ping(net, 0, 1, 8);
        net_ping(net, 1, 0, 8);
        net_run(net, 200 * CJD_MS);
    }
    net_stop(net, which);
    net_run(net, 100 * CJD_MS);
    net_start(net, which);
    assert_within(net_ping_all(net, 2, 10 * CJD_S), 2 * CJD_S, what);
    net_free(net);
}

static void restarts(void **state)
{
    (void)state;
    restart(0, "the caller restarts");
    restart(1, "the called one restarts");
}

/* A node in the middle of a chain restarts: the far ends find each other again. */
static void restart_in_the_middle(void **state)
{
    (void)state;
    struct net *net = net_new(3, 21);
    net_chain(net, 3, DELAY);
    assert_true(net_ping_all(net, 3, 5 * CJD_S) != CJD_NEVER);
    net_stop(net, 1);
    net_run(net, 300 * CJD_MS);
    net_start(net, 1);
    assert_within(net_ping_all(net, 3, 10 * CJD_S), 3 * CJD_S, "the middle restarts");
    net_free(net);
}

static void ring_cut(void **state)
{
    (void)state;
    for (uint64_t seed = 31; seed < 34; seed++) {
        struct net *net = net_new(5, seed);
        net_ring(net, 5, DELAY);
        assert_true(net_ping_all(net, 5, 5 * CJD_S) != CJD_NEVER);
        for (unsigned i = 0; i < 5; i++) {
            net_ping_all(net, 5, CJD_S);
        }
        net_cut(net, 0, true);
        assert_within(net_ping_all(net, 5, 20 * CJD_S), 3 * CJD_S, "ring of 5, one link cut");
        net_free(net);
    }
}

/* Longest run of unanswered pings of each pair, in steps of 200 ms. */
static void longest_gaps(struct net *net, unsigned n, unsigned steps, unsigned gap[8][8])
{
    unsigned run[8][8] = {{0}};

    memset(gap, 0, 64 * sizeof gap[0][0]);
    for (unsigned step = 0; step < steps; step++) {
        net_forget_replies(net);
        for (unsigned a = 0; a < n; a++) {
            for (unsigned b = 0; b < n; b++) {
                if (a != b) {
                    net_ping(net, a, b, 8);
                }
            }
        }
        net_run(net, 200 * CJD_MS);
        for (unsigned a = 0; a < n; a++) {
            for (unsigned b = 0; b < n; b++) {
                run[a][b] = a == b || net_replies(net, a, b) > 0 ? 0 : run[a][b] + 1;
                gap[a][b] = run[a][b] > gap[a][b] ? run[a][b] : gap[a][b];
            }
        }
    }
}

/* Pairs whose path does not use the link that was cut notice nothing; the others are back in three
 * seconds and stay so. */
static void ring_cut_disturbs_no_others(void **state)
{
    (void)state;
    unsigned gap[8][8];

    for (uint64_t seed = 31; seed < 36; seed++) {
        struct net *net = net_new(5, seed);
        net_ring(net, 5, DELAY);
        assert_true(net_ping_all(net, 5, 5 * CJD_S) != CJD_NEVER);
        longest_gaps(net, 5, 25, gap);
        net_cut(net, 0, true);
        longest_gaps(net, 5, 60, gap);
        for (unsigned a = 0; a < 5; a++) {
            for (unsigned b = 0; b < 5; b++) {
                bool is_neighbour = (a + 1) % 5 == b || (b + 1) % 5 == a;
                bool is_cut = a + b == 1;
                unsigned limit = is_neighbour && !is_cut ? 2 : 15;
                if (gap[a][b] > limit) {
                    fail_msg("seed %u: %u -> %u unanswered for %u ms", (unsigned)seed, a, b,
                             gap[a][b] * 200);
                }
            }
        }
        longest_gaps(net, 5, 100, gap);
        for (unsigned i = 0; i < 64; i++) {
            assert_int_equal(i / 8 < 5 && i % 8 < 5 ? gap[i / 8][i % 8] : 0, 0);
        }
        net_free(net);
    }
}

/* A stable network without user traffic is quiet. */
static void idle_is_quiet(void **state)
{
    (void)state;
    struct net *net = net_new(9, 41);
    net_grid(net, 3, DELAY);
    assert_true(net_ping_all(net, 9, 5 * CJD_S) != CJD_NEVER);
    net_run(net, 300 * CJD_S);
    uint64_t bytes = net_bytes(net);
    net_run(net, 300 * CJD_S);
    double rate = (double)(net_bytes(net) - bytes) / 300 / 9;
    print_message("idle: %.0f bytes/s per node\n", rate);
    assert_true(rate < 500);
    assert_within(net_ping_all(net, 9, 5 * CJD_S), 2 * CJD_S, "grid of 9 after ten idle minutes");
    net_free(net);
}

/* A day of virtual time between two nodes; memory stays where it was. */
static void long_run(void **state)
{
    (void)state;
    struct net *net = net_new(2, 51);
    net_link(net, 0, 1, DELAY);
    for (unsigned hour = 0; hour < 24; hour++) {
        assert_within(net_ping_all(net, 2, 5 * CJD_S), 2 * CJD_S, "hourly ping");
        net_run(net, 3600 * CJD_S);
        assert_true(cjd_pool_in_use(net_pool(net, 0)) < 8);
    }
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_nodes),
        cmocka_unit_test(late_start),
        cmocka_unit_test(topologies),
        cmocka_unit_test(staggered_grid),
        cmocka_unit_test(lossy),
        cmocka_unit_test(restarts),
        cmocka_unit_test(restart_in_the_middle),
        cmocka_unit_test(ring_cut),
        cmocka_unit_test(ring_cut_disturbs_no_others),
        cmocka_unit_test(idle_is_quiet),
        cmocka_unit_test(long_run),
    };
    return cmocka_run_group_tests_name("node_network", tests, NULL, NULL);
}
