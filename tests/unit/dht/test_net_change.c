/* Networks that change under traffic: cuts, repairs, restarts, joins (router notes §7.6, §12). */
#include "topology.h"

#define DELAY (5 * CJD_MS)

static uint64_t worst_gap(const struct net *net)
{
    uint64_t worst = 0;

    for (uint32_t a = 0; a < net->node_count; a++) {
        for (uint32_t b = 0; b < net->node_count; b++) {
            const struct net_flow *f = &net->node[a].flow[b];
            uint64_t gap = f->worst_gap_ns;
            if (f->is_on && net->now_ns - f->last_ns > gap) {
                gap = net->now_ns - f->last_ns;
            }
            worst = f->is_on && gap > worst ? gap : worst;
        }
    }
    return worst;
}

static void reset_gaps(struct net *net)
{
    for (uint32_t a = 0; a < net->node_count; a++) {
        for (uint32_t b = 0; b < net->node_count; b++) {
            net->node[a].flow[b].worst_gap_ns = 0;
        }
    }
}

static void start(struct net *net)
{
    net_want_all(net);
    net_start(net);
    assert_true(net_run_until_connected(net, 5 * CJD_S) < 5 * CJD_S);
    net_run(net, 10 * CJD_S);
    assert_int_equal(net_silent_flows(net, 1 * CJD_S), 0);
    reset_gaps(net);
}

static void check_gap(const struct net *net, uint64_t limit_ns)
{
    uint64_t gap = worst_gap(net);

    if (gap > limit_ns) {
        fail_msg("an outage of %u ms, more than %u", (unsigned)(gap / CJD_MS),
                 (unsigned)(limit_ns / CJD_MS));
    }
}

/* Router notes §7.6: the same cut costs the reference 8 and 28 seconds. Doubt comes after one. */
static void test_ring_cut_silently(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct net *net = topology_ring(seed, 5, DELAY);
        start(net);
        net->link[0].is_cut = true;
        net_run(net, 10 * CJD_S);
        check_gap(net, 3 * CJD_S);
        assert_int_equal(net_silent_flows(net, 1 * CJD_S), 0);
        net_free(net);
    }
}

/* The link layer says so: no need to wait for anything at the two ends. */
static void test_ring_cut_noticed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct net *net = topology_ring(seed, 5, DELAY);
        start(net);
        net->link[0].is_cut = true;
        net_peers_down(net, &net->link[0]);
        net_run(net, 500 * CJD_MS);
        assert_true(net_path_works(net, 0, 1));
        assert_true(net_path_works(net, 1, 0));
        net_run(net, 10 * CJD_S);
        check_gap(net, 3 * CJD_S);
        net_free(net);
    }
}

/* And when the link is back it is used again. */
static void test_ring_repaired(void **state)
{
    struct net *net = topology_ring(3, 5, DELAY);
    struct cjd_dht_path path;

    (void)state;
    start(net);
    net->link[0].is_cut = true;
    net_run(net, 20 * CJD_S);
    net->link[0].is_cut = false;
    reset_gaps(net);
    net_run(net, 40 * CJD_S);
    assert_true(cjd_dht_best(net->node[0].dht, &net->node[1].addr, &path));
    assert_true(path.is_peer);
    check_gap(net, 1 * CJD_S);
    net_free(net);
}

/* Switches answer with errors what they cannot deliver. */
static void test_link_removed_far_away(void **state)
{
    struct net *net = topology_grid(4, 4, DELAY);

    (void)state;
    start(net);
    for (uint32_t i = 0; i < 3; i++) {
        struct net_link *link = &net->link[5 + i];
        link->is_cut = true;
        net_peers_down(net, link);
        cjd_switch_iface_set_up(&net->node[link->node[0]].sw, link->iface[0], false);
        cjd_switch_iface_set_up(&net->node[link->node[1]].sw, link->iface[1], false);
    }
    net_run(net, 10 * CJD_S);
    check_gap(net, 3 * CJD_S);
    assert_int_equal(net_silent_flows(net, 1 * CJD_S), 0);
    net_free(net);
}

static void test_grid_loses_a_node(void **state)
{
    struct net *net = topology_grid(5, 4, DELAY);

    (void)state;
    start(net);
    for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
        if (net->node[5].links[i]) {
            net->node[5].links[i]->is_cut = true;
        }
    }
    for (uint32_t i = 0; i < net->node_count; i++) {
        net_want(net, i, 5, false);
        net_want(net, 5, i, false);
    }
    net_run(net, 12 * CJD_S);
    check_gap(net, 4 * CJD_S);
    assert_int_equal(net_silent_flows(net, 1 * CJD_S), 0);
    net_free(net);
}

/* A node that begins anew finds everybody, and everybody finds it. */
static void test_restart(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct net *net = topology_grid(seed, 4, DELAY);
        start(net);
        net_restart(net, 6);
        net_run(net, 5 * CJD_S);
        check_gap(net, 2 * CJD_S);
        assert_int_equal(net_silent_flows(net, 500 * CJD_MS), 0);
        net_free(net);
    }
}

/* The middle of a chain: there is no other way meanwhile. */
static void test_restart_in_a_chain(void **state)
{
    struct net *net = topology_chain(6, 7, DELAY);

    (void)state;
    start(net);
    net_restart(net, 3);
    net_run(net, 8 * CJD_S);
    check_gap(net, 3 * CJD_S);
    assert_int_equal(net_silent_flows(net, 500 * CJD_MS), 0);
    net_free(net);
}

/* A link that appears is used, also by those who were content without. */
static void test_shortcut_appears(void **state)
{
    struct net *net = topology_chain(7, 10, DELAY);
    struct cjd_dht_hop_info hops[16];

    (void)state;
    start(net);
    assert_int_equal(cjd_dht_route(net->node[0].dht, &net->node[9].addr, hops, 16), 9);
    net_peers_up(net, net_connect(net, 0, 9, DELAY));
    net_run(net, 1 * CJD_S);
    assert_int_equal(cjd_dht_route(net->node[0].dht, &net->node[9].addr, hops, 16), 1);
    assert_int_equal(cjd_dht_route(net->node[0].dht, &net->node[8].addr, hops, 16), 2);
    net_run(net, 120 * CJD_S);
    assert_int_equal(cjd_dht_route(net->node[1].dht, &net->node[8].addr, hops, 16), 3);
    net_free(net);
}

/* Two halves grow together. */
static void test_join(void **state)
{
    struct net *net = net_new(8, 10);

    (void)state;
    for (uint32_t i = 0; i < 9; i++) {
        if (i != 4) {
            net_connect(net, i, i + 1, DELAY);
        }
    }
    net_start(net);
    net_run(net, 60 * CJD_S);
    net_want_all(net);
    net_run(net, 3 * CJD_S);
    net_peers_up(net, net_connect(net, 4, 5, DELAY));
    uint64_t took = net_run_until_connected(net, 10 * CJD_S);
    if (took > 4 * CJD_S) {
        fail_msg("it took %u ms", (unsigned)(took / CJD_MS));
    }
    net_free(net);
}

/* Links come and go at random while everybody talks; in the end all is well. */
static void test_unrest(void **state)
{
    struct net *net = topology_grid(9, 4, DELAY);

    (void)state;
    start(net);
    for (uint32_t i = 0; i < 60; i++) {
        struct net_link *link = &net->link[cjd_rng_below(&net->rng, net->link_count)];
        link->is_cut = !link->is_cut;
        if (i % 2) {
            if (link->is_cut) {
                net_peers_down(net, link);
            } else {
                net_peers_up(net, link);
            }
        }
        net_run(net, 700 * CJD_MS);
    }
    for (uint32_t i = 0; i < net->link_count; i++) {
        net->link[i].is_cut = false;
        net_peers_up(net, &net->link[i]);
    }
    net_run(net, 10 * CJD_S);
    assert_int_equal(net_silent_flows(net, 500 * CJD_MS), 0);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_cut_silently),
        cmocka_unit_test(test_ring_cut_noticed),
        cmocka_unit_test(test_ring_repaired),
        cmocka_unit_test(test_link_removed_far_away),
        cmocka_unit_test(test_grid_loses_a_node),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_restart_in_a_chain),
        cmocka_unit_test(test_shortcut_appears),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_unrest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
