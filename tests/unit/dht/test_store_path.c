/* Best paths and alternatives (router notes §7.5, §12). */
#include "store_world.h"

static void test_hysteresis(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    store_peer(&w, 0, 0);
    store_peer(&w, 2, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    uint64_t first = cjd_label_splice(0x17, store_hop(0));
    uint64_t second = cjd_label_splice(0x17, store_hop(2));
    assert_int_equal(store_prove(&w, &c, first, 0, 40000), CJD_STORE_NEW_NODE);
    /* A little better is not enough, much better is. */
    assert_int_equal(store_prove(&w, &c, second, 0, 36000), CJD_STORE_NEW_LINK);
    assert_int_equal(store_node(&w, &c)->path, first);
    for (int i = 0; i < 30; i++) {
        store_prove(&w, &c, second, 0, 15000);
    }
    assert_int_equal(store_node(&w, &c)->path, second);
    /* And not back for a trifle. */
    for (int i = 0; i < 30; i++) {
        store_prove(&w, &c, first, 0, 14000);
    }
    assert_int_equal(store_node(&w, &c)->path, second);
    store_check_paths(w.s);
    store_teardown(&w);
}

static void test_loss_is_avoided(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    store_peer(&w, 0, 0);
    store_peer(&w, 2, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    uint64_t first = cjd_label_splice(0x17, store_hop(0));
    uint64_t second = cjd_label_splice(0x17, store_hop(2));
    assert_int_equal(store_prove(&w, &c, first, 0, 5000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_prove(&w, &c, second, 0, 5500), CJD_STORE_NEW_LINK);
    /* One lost packet changes nothing. */
    cjd_store_unanswered(w.s, first, w.now_ns + 1, w.now_ns);
    assert_int_equal(store_node(&w, &c)->path, first);
    for (int i = 0; i < 12; i++) {
        cjd_store_unanswered(w.s, first, w.now_ns + 1, w.now_ns);
        store_prove(&w, &c, second, 0, 5500);
    }
    assert_int_equal(store_node(&w, &c)->path, second);
    store_check_paths(w.s);
    store_teardown(&w);
}

/* The blame goes where it belongs: the link that others use too is acquitted by their answers. */
static void test_blame_is_shared_fairly(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_contact(&w, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    uint64_t path_b = cjd_label_splice(0x15, store_hop(0));
    uint64_t path_c = cjd_label_splice(0x17, store_hop(0));
    store_prove(&w, &b, path_b, 0, 2000);
    store_prove(&w, &c, path_c, 0, 2000);
    for (int i = 0; i < 40; i++) {
        cjd_store_unanswered(w.s, path_b, w.now_ns + 1, w.now_ns);
        store_prove(&w, &c, path_c, 0, 2000);
    }
    uint32_t shared = store_node(&w, &a)->best->loss;
    uint32_t broken = store_node(&w, &b)->best->loss;
    assert_true(broken > CJD_LOSS_ONE / 2);
    assert_true(shared < CJD_LOSS_ONE / 10);
    store_teardown(&w);
}

/* Bits are scarce: of two ways of equal latency the one with the shorter label. */
static void test_bits_count(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    store_peer(&w, 100, 0);
    store_peer(&w, 0, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    uint64_t wide = cjd_label_splice(store_hop(200), store_hop(100));
    uint64_t narrow = cjd_label_splice(0x17, store_hop(0));
    assert_int_equal(store_prove(&w, &c, wide, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_prove(&w, &c, narrow, 0, 2000), CJD_STORE_NEW_LINK);
    assert_int_equal(store_node(&w, &c)->path, narrow);
    store_teardown(&w);
}

static void test_paths_end_at_60_bits(void **state)
{
    struct world w;
    uint64_t path = store_hop(0);
    unsigned hops = 1;

    (void)state;
    store_setup(&w, 64, 256);
    store_peer(&w, 0, 0);
    for (;;) {
        struct cjd_dht_contact c = store_contact(&w, 0);
        uint64_t next = cjd_label_splice(0x15, path);
        if (next == CJD_LABEL_INVALID) {
            break;
        }
        assert_int_equal(store_prove(&w, &c, next, 0, 1000 * (hops + 1)), CJD_STORE_NEW_NODE);
        path = next;
        hops++;
    }
    /* 14 hops of four bits, the end marker at bit 56. */
    assert_int_equal(hops, 14);
    store_check_paths(w.s);
    /* Our peer now needs ten bits for the way back: the last nodes are out of reach. */
    struct cjd_store_link *first = cjd_store_link_find(w.s, cjd_store_self(w.s), store_hop(0));
    struct cjd_store_proof proof = {.who = {.addr = first->child->addr,
                                            .key = first->child->key,
                                            .version = 21,
                                            .label = store_hop(0)},
                                    .scheme = cjd_scheme_358(),
                                    .form = 2,
                                    .rtt_us = 1000};
    struct cjd_store_node *n;
    assert_int_equal(cjd_store_discover(w.s, &proof, w.now_ns, &n), CJD_STORE_OLD);
    uint32_t reachable = 0;
    for (uint32_t i = 0; i < cjd_store_node_count(w.s); i++) {
        reachable += cjd_store_is_reachable(cjd_store_node_at(w.s, i));
    }
    assert_int_equal(reachable, 13);
    store_check_paths(w.s);
    store_teardown(&w);
}

static void test_failover_and_back(void **state)
{
    struct world w;
    struct cjd_store_node *changed;

    (void)state;
    store_setup(&w, 64, 256);
    store_peer(&w, 0, 0);
    store_peer(&w, 2, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    uint64_t first = cjd_label_splice(0x17, store_hop(0));
    uint64_t second = cjd_label_splice(0x17, store_hop(2));
    store_prove(&w, &c, first, 0, 2000);
    store_prove(&w, &c, second, 0, 2000);
    while ((changed = cjd_store_next_change(w.s))) {
        changed->told_path = changed->path;
    }
    struct cjd_store_link *link = cjd_store_link_find(w.s, cjd_store_self(w.s), store_hop(0));
    cjd_store_link_set_down(w.s, link, w.now_ns);
    assert_int_equal(store_node(&w, &c)->path, second);
    assert_true(store_node(&w, &c)->is_told_broken);
    store_check_paths(w.s);
    cjd_store_link_set_down(w.s, cjd_store_link_find(w.s, cjd_store_self(w.s), store_hop(2)),
                            w.now_ns);
    assert_false(cjd_store_is_reachable(store_node(&w, &c)));
    store_check_paths(w.s);
    /* An answer over a path proves all links of it. */
    store_prove(&w, &c, first, 0, 2000);
    assert_int_equal(store_node(&w, &c)->path, first);
    assert_false(link->is_down);
    store_check_paths(w.s);
    store_teardown(&w);
}

static void test_alternatives(void **state)
{
    struct world w;
    struct cjd_store_walk walk;
    struct cjd_store_route route;

    (void)state;
    store_setup(&w, 64, 256);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    store_peer(&w, 2, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    uint64_t first = cjd_label_splice(0x17, store_hop(0));
    uint64_t second = cjd_label_splice(0x17, store_hop(2));
    store_prove(&w, &c, first, 0, 2000);
    assert_true(cjd_store_walk(w.s, first, &walk));
    assert_false(cjd_store_alternative(w.s, store_node(&w, &c), &walk, &route));
    store_prove(&w, &c, second, 0, 9000);
    assert_true(cjd_store_alternative(w.s, store_node(&w, &c), &walk, &route));
    assert_int_equal(route.path, second);
    assert_true(route.cost_us > store_node(&w, &c)->cost_us);
    assert_ptr_equal(route.last->parent, cjd_store_find(w.s, &route.last->parent->addr));
    /* To a direct peer the only other way is behind others. */
    assert_true(cjd_store_walk(w.s, store_hop(0), &walk));
    assert_false(cjd_store_alternative(w.s, store_node(&w, &a), &walk, &route));
    assert_int_equal(store_prove(&w, &a, cjd_label_splice(0x1f, second), 0, 9000),
                     CJD_STORE_NEW_LINK);
    assert_true(cjd_store_alternative(w.s, store_node(&w, &a), &walk, &route));
    assert_int_equal(route.path, cjd_label_splice(0x1f, second));
    store_check_paths(w.s);
    store_teardown(&w);
}

/* Random graphs, random events: the promises hold after each. */
static void random_event(struct world *w, struct cjd_dht_contact *nodes, uint32_t count)
{
    uint32_t links = cjd_store_link_count(w->s);
    struct cjd_store_link *l =
        cjd_store_link_at(w->s, cjd_rng_below(&w->rng, links > 0 ? links : 1));
    struct cjd_dht_contact *c = &nodes[cjd_rng_below(&w->rng, count)];

    switch (cjd_rng_below(&w->rng, 8)) {
    case 0:
        if (l && l->parent != cjd_store_self(w->s)) {
            cjd_store_link_remove(w->s, l, w->now_ns);
        }
        break;
    case 1:
        if (l) {
            cjd_store_link_set_down(w->s, l, w->now_ns);
        }
        break;
    case 2:
        if (l && cjd_store_is_reachable(l->child)) {
            cjd_store_unanswered(w->s, l->child->path, w->now_ns + 1, w->now_ns);
        }
        break;
    case 3:
        if (l && cjd_store_path_over(l) != CJD_LABEL_INVALID) {
            struct cjd_dht_contact again = {
                .addr = l->child->addr, .key = l->child->key, .version = 21};
            store_prove(w, &again, cjd_store_path_over(l), (int)cjd_rng_below(&w->rng, 3),
                        100 + cjd_rng_below(&w->rng, 50000));
        }
        break;
    default:
        if (l && cjd_store_is_reachable(l->child) && l->child->scheme) {
            uint32_t iface = cjd_rng_below(&w->rng, 12);
            uint64_t path = cjd_store_path_beyond(l->child, store_hop(iface == 1 ? 0 : iface));
            if (path != CJD_LABEL_INVALID) {
                store_prove(w, c, path, (int)cjd_rng_below(&w->rng, 2),
                            100 + cjd_rng_below(&w->rng, 50000));
            }
        }
        break;
    }
}

static void test_random_graphs(void **state)
{
    struct world w;
    struct cjd_dht_contact nodes[40];
    struct cjd_store_node *changed;

    (void)state;
    store_setup(&w, 32, 120);
    for (uint32_t i = 0; i < 40; i++) {
        nodes[i] = store_contact(&w, 0);
    }
    for (uint32_t i = 0; i < 4; i++) {
        store_peer(&w, i + 2, 0);
    }
    for (uint32_t i = 0; i < 4000; i++) {
        w.now_ns += CJD_MS;
        random_event(&w, nodes, 40);
        cjd_store_trim(w.s, w.now_ns);
        store_check_paths(w.s);
        assert_true(cjd_store_link_count(w.s) <= 120);
        while ((changed = cjd_store_next_change(w.s))) {
            changed->told_path = changed->path;
        }
    }
    store_teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hysteresis),
        cmocka_unit_test(test_loss_is_avoided),
        cmocka_unit_test(test_blame_is_shared_fairly),
        cmocka_unit_test(test_bits_count),
        cmocka_unit_test(test_paths_end_at_60_bits),
        cmocka_unit_test(test_failover_and_back),
        cmocka_unit_test(test_alternatives),
        cmocka_unit_test(test_random_graphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
