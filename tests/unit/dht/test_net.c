/*
 * Whole networks from a standing start: every node wants to reach every other and calls for it five
 * times a second. Limits are those the router was designed for (router notes §10, §12).
 */
#include "topology.h"

#define DELAY (5 * CJD_MS)

static double queries_per_second(const struct net *net, uint64_t before, uint64_t ns)
{
    uint64_t now = 0;

    for (uint32_t i = 0; i < net->node_count; i++) {
        now += net_queries_sent(net, i);
    }
    return (double)(now - before) / net->node_count / ((double)ns / 1e9);
}

static uint64_t all_queries(const struct net *net)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < net->node_count; i++) {
        sum += net_queries_sent(net, i);
    }
    return sum;
}

static void check_all_paths(struct net *net)
{
    for (uint32_t a = 0; a < net->node_count; a++) {
        for (uint32_t b = 0; b < net->node_count; b++) {
            if (a != b && !net_path_works(net, a, b)) {
                fail_msg("no working path from %u to %u", a, b);
            }
        }
    }
}

/* Everybody reaches everybody in time, nobody floods, and then it becomes quiet. */
static void converge(struct net *net, uint64_t limit_ns)
{
    net_want_all(net);
    net_start(net);
    uint64_t took = net_run_until_connected(net, limit_ns + 1 * CJD_S);
    if (took > limit_ns) {
        fail_msg("%u nodes took %u ms", net->node_count, (unsigned)(took / CJD_MS));
    }
    check_all_paths(net);
    for (uint32_t i = 0; i < net->node_count; i++) {
        assert_true(net_queries_sent(net, i) < 300);
        assert_int_equal(net->node[i].rx_loops, 0);
    }
    /* The flows are the square of the nodes; larger networks are watched for less long. */
    net_run(net, 200 * CJD_S / net->node_count);
    assert_int_equal(net_silent_flows(net, 1 * CJD_S), 0);
    net_free(net);
}

static void test_chain_of_ten(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        converge(topology_chain(seed, 10, DELAY), 1000 * CJD_MS);
    }
}

static void test_ring_of_five(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        converge(topology_ring(seed, 5, DELAY), 700 * CJD_MS);
    }
}

static void test_grid_of_sixteen(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        converge(topology_grid(seed, 4, DELAY), 1000 * CJD_MS);
    }
}

static void test_star_of_ten(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        converge(topology_star(seed, 10, DELAY), 1000 * CJD_MS);
    }
}

/* A hub beyond one list of eight, with labels of seven bits. */
static void test_star_of_forty(void **state)
{
    (void)state;
    converge(topology_star(1, 40, DELAY), 4000 * CJD_MS);
}

/* Nobody wants anything: the queries die down, and knowledge still spreads. */
static void test_quiet_network(void **state)
{
    struct net *net = topology_grid(7, 4, DELAY);

    (void)state;
    net_start(net);
    net_run(net, 120 * CJD_S);
    check_all_paths(net);
    uint64_t before = all_queries(net);
    net_run(net, 300 * CJD_S);
    double rate = queries_per_second(net, before, 300 * CJD_S);
    assert_true(rate < 0.5);
    /* Never silent: what changes far away would go unnoticed. */
    assert_true(rate > 0.05);
    for (uint32_t i = 0; i < net->node_count; i++) {
        assert_int_equal(net->node[i].deaths, 0);
    }
    net_free(net);
}

/* All links are known, both ways, so that there is something to fall back to. */
static void test_ring_knows_all_links(void **state)
{
    struct net *net = topology_ring(3, 5, DELAY);
    struct cjd_dht_stats stats;

    (void)state;
    net_start(net);
    net_run(net, 10 * CJD_S);
    for (uint32_t i = 0; i < 5; i++) {
        cjd_dht_stats(net->node[i].dht, &stats);
        assert_int_equal(stats.nodes, 4);
        /* Ten directed links, without the two that lead to the node itself. */
        assert_int_equal(stats.links, 8);
    }
    net_free(net);
}

/* A fifth of all packets is lost on each link, each way: only the luck of the packets counts. */
static void lossy(struct net *net, uint32_t percent, uint64_t limit_ns)
{
    uint64_t sent = 0;
    uint64_t answered = 0;

    net_set_loss(net, percent);
    net_want_all(net);
    net_start(net);
    uint64_t took = net_run_until_connected(net, limit_ns);
    if (took >= limit_ns) {
        fail_msg("%u nodes are not connected after %u s", net->node_count,
                 (unsigned)(limit_ns / CJD_S));
    }
    for (uint32_t a = 0; a < net->node_count; a++) {
        for (uint32_t b = 0; b < net->node_count; b++) {
            net->node[a].flow[b].sent = net->node[a].flow[b].answered = 0;
        }
    }
    net_run(net, 60 * CJD_S);
    double possible = 0;
    for (uint32_t a = 0; a < net->node_count; a++) {
        for (uint32_t b = 0; b < net->node_count; b++) {
            struct net_flow *f = &net->node[a].flow[b];
            double luck = 1;
            for (uint32_t i = 0; i < 2 * net_distance(net, a, b); i++) {
                luck *= 1 - percent / 100.0;
            }
            possible += luck * f->sent;
            sent += f->sent;
            answered += f->answered;
        }
    }
    /* Of what can get through on the shortest paths nearly all does. */
    assert_true(sent > 0);
    assert_true((double)answered > possible * 0.8);
    net_free(net);
}

static void test_loss_ring(void **state)
{
    (void)state;
    lossy(topology_ring(5, 5, DELAY), 20, 6 * CJD_S);
}

static void test_loss_star(void **state)
{
    (void)state;
    lossy(topology_star(6, 10, DELAY), 20, 12 * CJD_S);
}

static void test_loss_chain(void **state)
{
    (void)state;
    lossy(topology_chain(7, 10, DELAY), 5, 10 * CJD_S);
}

static void test_loss_grid(void **state)
{
    (void)state;
    lossy(topology_grid(8, 4, DELAY), 10, 10 * CJD_S);
}

/* Round trips beyond the first timeout: late answers count, so even these paths are learned. */
static void test_slow_links(void **state)
{
    struct net *net = topology_chain(9, 4, 200 * CJD_MS);

    (void)state;
    net_want_all(net);
    net_start(net);
    assert_true(net_run_until_connected(net, 15 * CJD_S) < 15 * CJD_S);
    net_run(net, 60 * CJD_S);
    check_all_paths(net);
    assert_int_equal(net_silent_flows(net, 3 * CJD_S), 0);
    net_free(net);
}

/* The same seed, the same run, byte for byte. */
static void test_reproducible(void **state)
{
    uint64_t frames[2];

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct net *net = topology_grid(12, 3, DELAY);
        net_set_loss(net, 5);
        net_want_all(net);
        net_start(net);
        net_run(net, 20 * CJD_S);
        frames[i] = net->frames;
        net_free(net);
    }
    assert_int_equal(frames[0], frames[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_of_ten),
        cmocka_unit_test(test_ring_of_five),
        cmocka_unit_test(test_grid_of_sixteen),
        cmocka_unit_test(test_star_of_ten),
        cmocka_unit_test(test_star_of_forty),
        cmocka_unit_test(test_quiet_network),
        cmocka_unit_test(test_ring_knows_all_links),
        cmocka_unit_test(test_loss_ring),
        cmocka_unit_test(test_loss_star),
        cmocka_unit_test(test_loss_chain),
        cmocka_unit_test(test_loss_grid),
        cmocka_unit_test(test_slow_links),
        cmocka_unit_test(test_reproducible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
