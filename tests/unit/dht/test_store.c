/* The graph: walking, learning, splitting, key space, bounds (router notes §7). */
#include "store_world.h"

/* --- walking and learning ----------------------------------------------------------------------
 */

static void test_chain_is_learned_link_by_link(void **state)
{
    struct world w;
    struct cjd_store_walk walk;

    (void)state;
    store_setup(&w, 64, 256);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_contact(&w, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    uint64_t path_b = cjd_label_splice(0x15, 0x13);
    uint64_t path_c = cjd_label_splice(0x9e, path_b);

    assert_int_equal(store_prove(&w, &b, path_b, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_prove(&w, &c, path_c, 1, 3000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_prove(&w, &c, path_c, 1, 3000), CJD_STORE_OLD);
    assert_int_equal(store_node(&w, &c)->path, path_c);
    assert_int_equal(cjd_store_link_count(w.s), 3);
    struct cjd_store_link *l = cjd_store_link_find(w.s, store_node(&w, &b), 0x9e);
    assert_non_null(l);
    assert_int_equal(l->back_form, 1);
    assert_true(l->is_one_hop);

    assert_true(cjd_store_walk(w.s, cjd_label_splice(0x1f, path_c), &walk) == false);
    /* C needs seven bits for the way back to B, so a label of four cannot pass there. */
    assert_true(cjd_store_walk(w.s, cjd_label_splice(0x82, path_c), &walk));
    assert_ptr_equal(walk.at, store_node(&w, &c));
    assert_int_equal(walk.rest, 0x13);
    assert_int_equal(walk.count, 3);
    (void)a;
    store_check_paths(w.s);
    store_teardown(&w);
}

/* Router notes §4, switch notes §10.2: the director is widened for the way back. */
static void test_paths_are_widened(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    store_peer(&w, 0, 2);
    struct cjd_dht_contact b = store_contact(&w, 0);
    /* The peer writes us in ten bits; its hop to B has a label of four. */
    uint64_t path = cjd_label_splice(cjd_scheme_convert(cjd_scheme_358(), 0x15, 2), 0x13);
    assert_int_equal(store_prove(&w, &b, path, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_node(&w, &b)->path, path);
    assert_int_equal(store_node(&w, &b)->best->label, 0x15);
    store_check_paths(w.s);
    store_teardown(&w);
}

static void test_changed_form_changes_paths(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_contact(&w, 0);
    assert_int_equal(store_prove(&w, &b, 0x153, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_prove(&w, &a, 0x13, 1, 1000), CJD_STORE_OLD);
    assert_int_equal(store_node(&w, &b)->path,
                     cjd_label_splice(cjd_scheme_convert(cjd_scheme_358(), 0x15, 1), 0x13));
    store_check_paths(w.s);
    store_teardown(&w);
}

static void test_what_is_refused(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    struct cjd_dht_contact a = store_peer(&w, 0, 1);
    struct cjd_dht_contact x = store_contact(&w, 0);
    /* One hop of our own that the link layer did not report. */
    assert_int_equal(store_prove(&w, &x, 0x15, 0, 1000), CJD_STORE_REFUSED);
    /* Behind a peer nobody knows. */
    assert_int_equal(store_prove(&w, &x, 0x155, 0, 1000), CJD_STORE_REFUSED);
    /* Another node where the link layer says that A is. */
    assert_int_equal(store_prove(&w, &x, 0x13, 0, 1000), CJD_STORE_REFUSED);
    /* Too narrow for the way back to us. */
    assert_int_equal(store_prove(&w, &x, 0x153, 0, 1000), CJD_STORE_REFUSED);
    /* No such labels. */
    assert_int_equal(store_prove(&w, &x, 0, 0, 1000), CJD_STORE_REFUSED);
    assert_int_equal(store_prove(&w, &x, 1, 0, 1000), CJD_STORE_REFUSED);
    assert_int_equal(store_prove(&w, &x, 1ull << 60 | 3, 0, 1000), CJD_STORE_REFUSED);
    assert_int_equal(cjd_store_node_count(w.s), 1);
    assert_int_equal(store_node(&w, &a)->path, 0x13);
    store_check_paths(w.s);
    store_teardown(&w);
}

/* Another node answers where one was: the link leads there now. */
static void test_moved_node_is_relinked(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_contact(&w, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    assert_int_equal(store_prove(&w, &b, 0x153, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_prove(&w, &c, 0x153, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_node(&w, &c)->path, 0x153);
    assert_false(cjd_store_is_reachable(store_node(&w, &b)));
    store_check_paths(w.s);
    store_teardown(&w);
}

static void test_restart_with_another_scheme(void **state)
{
    struct world w;
    struct cjd_scheme other;
    struct cjd_store_node *n;

    (void)state;
    store_setup(&w, 64, 256);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_contact(&w, 0);
    assert_int_equal(store_prove(&w, &b, 0x153, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(cjd_scheme_parse(&other, (const uint8_t *)"\x81\x0c\x08", 3), 0);
    struct cjd_store_proof proof = {.who = a, .scheme = &other, .form = 1, .rtt_us = 1000};
    assert_int_equal(cjd_store_discover(w.s, &proof, w.now_ns, &n), CJD_STORE_OLD);
    assert_true(cjd_scheme_equal(store_node(&w, &a)->scheme, &other));
    /* Its labels mean nothing any more. */
    assert_int_equal(store_node(&w, &a)->out_count, 0);
    assert_false(cjd_store_is_reachable(store_node(&w, &b)));
    store_check_paths(w.s);
    store_teardown(&w);
}

/* --- several hops at once ----------------------------------------------------------------------
 */

static void test_long_links_are_split(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_contact(&w, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    struct cjd_dht_contact d = store_contact(&w, 0);
    uint64_t path_b = cjd_label_splice(0x15, 0x13);
    uint64_t path_c = cjd_label_splice(0x17, path_b);
    uint64_t path_d = cjd_label_splice(0x19, path_c);

    assert_int_equal(store_prove(&w, &d, path_d, 0, 4000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_node(&w, &d)->path, path_d);
    assert_false(store_node(&w, &d)->best->is_one_hop);
    assert_int_equal(store_node(&w, &a)->multi_count, 1);
    store_node(&w, &d)->told_path = path_d;
    /* C is found, two hops behind A: what lies behind C now begins there. */
    assert_int_equal(store_prove(&w, &c, path_c, 0, 3000), CJD_STORE_NEW_NODE);
    assert_ptr_equal(store_node(&w, &d)->best->parent, store_node(&w, &c));
    assert_int_equal(store_node(&w, &d)->best->label, 0x19);
    assert_true(store_node(&w, &d)->best->is_one_hop);
    /* Nothing broke, and nobody is told so. */
    assert_false(store_node(&w, &d)->is_told_broken);
    assert_int_equal(cjd_store_breaks(w.s), 0);
    assert_int_equal(store_prove(&w, &b, path_b, 0, 2000), CJD_STORE_NEW_NODE);
    assert_ptr_equal(store_node(&w, &c)->best->parent, store_node(&w, &b));
    assert_int_equal(store_node(&w, &a)->multi_count, 0);
    assert_int_equal(cjd_store_link_count(w.s), 4);
    assert_int_equal(store_node(&w, &d)->path, path_d);
    store_check_paths(w.s);
    store_teardown(&w);
}

/* §7.4: canonical labels, though the long label had a director widened for the way through. */
static void test_split_labels_are_canonical(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_contact(&w, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    uint64_t path_b = cjd_label_splice(0x15, 0x13);
    /* B writes A in seven bits, so its own hop is written in seven. */
    uint64_t path_c = cjd_label_splice(cjd_scheme_convert(cjd_scheme_358(), 0x17, 1), path_b);
    assert_int_equal(store_prove(&w, &c, path_c, 0, 3000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_prove(&w, &b, path_b, 1, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_node(&w, &c)->best->label, 0x17);
    assert_int_equal(store_node(&w, &c)->path, path_c);
    store_check_paths(w.s);
    store_teardown(&w);
}

static void test_detours_are_shortened(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_peer(&w, 2, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    assert_int_equal(store_prove(&w, &c, cjd_label_splice(0x17, store_hop(2)), 0, 2000),
                     CJD_STORE_NEW_NODE);
    assert_int_equal(store_prove(&w, &c, cjd_label_splice(0x19, store_hop(0)), 0, 9000),
                     CJD_STORE_NEW_LINK);
    /* A says: C is my 0x19, and behind it X is its 0x1b. Our own way to C is by B. */
    uint64_t told = cjd_label_splice(0x1b, cjd_label_splice(0x19, store_hop(0)));
    assert_int_equal(cjd_store_shorten(w.s, told),
                     cjd_label_splice(0x1b, store_node(&w, &c)->path));
    assert_int_equal(store_node(&w, &c)->path, cjd_label_splice(0x17, store_hop(2)));
    /* A says: X is behind you. It is, but we know a shorter way to ourselves. */
    cjd_store_way_back(w.s, store_node(&w, &a), 0x15, w.now_ns);
    told = cjd_label_splice(0x1d,
                            cjd_label_splice(store_hop(2), cjd_label_splice(0x15, store_hop(0))));
    assert_int_equal(cjd_store_shorten(w.s, told), cjd_label_splice(0x1d, store_hop(2)));
    /* Nothing known: nothing changed. */
    assert_int_equal(cjd_store_shorten(w.s, 0x1b5), 0x1b5);
    (void)b;
    store_teardown(&w);
}

static void test_loops_home_are_dropped(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    struct cjd_dht_contact x = store_contact(&w, 0);
    uint64_t loop = cjd_label_splice(0x17, cjd_label_splice(0x15, store_hop(0)));
    assert_int_equal(store_prove(&w, &x, loop, 0, 3000), CJD_STORE_NEW_NODE);
    cjd_store_way_back(w.s, store_node(&w, &a), 0x15, w.now_ns);
    assert_false(cjd_store_is_reachable(store_node(&w, &x)));
    assert_int_equal(cjd_store_link_count(w.s), 1);
    store_check_paths(w.s);
    store_teardown(&w);
}

/* Somebody answers over a path that passes the same link twice, as only a made-up label does, and
 * is not who that link leads to: the link is not parted with while it is still part of the path. */
static void test_loops_teach_nothing(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 256);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_contact(&w, 0);
    struct cjd_dht_contact c = store_contact(&w, 0);
    uint64_t path_b = cjd_label_splice(0x15, 0x13);
    uint64_t round = cjd_label_splice(0x17, path_b);

    assert_int_equal(store_prove(&w, &b, path_b, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(store_prove(&w, &a, round, 0, 3000), CJD_STORE_NEW_LINK);
    assert_int_equal(store_prove(&w, &c, cjd_label_splice(0x15, round), 0, 4000),
                     CJD_STORE_REFUSED);
    assert_int_equal(cjd_store_link_count(w.s), 3);
    assert_int_equal(store_node(&w, &b)->path, path_b);
    store_check_paths(w.s);
    store_teardown(&w);
}

/* --- key space ---------------------------------------------------------------------------------
 */

struct collected {
    struct cjd_store_node *node[64];
    uint32_t count;
};

static bool collect(void *ctx, struct cjd_store_node *n)
{
    struct collected *c = ctx;
    c->node[c->count++] = n;
    return c->count < 64;
}

static void test_nearest_is_exact(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 300, 600);
    for (uint32_t i = 0; i < 200; i++) {
        store_peer(&w, i == 0 ? 0 : i + 1, 0);
    }
    for (uint32_t round = 0; round < 50; round++) {
        struct cjd_id target = {.hi = cjd_rng_u64(&w.rng), .lo = cjd_rng_u64(&w.rng)};
        struct collected c = {.count = 0};
        if (round % 2) {
            target = cjd_id_flip(cjd_store_node_at(w.s, round)->id, 127 - round);
        }
        cjd_store_nearest(w.s, target, collect, &c);
        assert_int_equal(c.count, 64);
        for (uint32_t i = 1; i < c.count; i++) {
            assert_true(cjd_id_is_closer(target, c.node[i - 1]->id, c.node[i]->id));
        }
        uint32_t nearer = 0;
        for (uint32_t i = 0; i < cjd_store_node_count(w.s); i++) {
            nearer += cjd_id_is_closer(target, cjd_store_node_at(w.s, i)->id, c.node[63]->id);
        }
        assert_int_equal(nearer, 63);
    }
    store_teardown(&w);
}

/* --- bounds ------------------------------------------------------------------------------------
 */

/* Made so that it falls into a given bucket. */
static struct cjd_dht_contact in_bucket(struct world *w, unsigned bucket)
{
    struct cjd_dht_contact c = store_contact(w, 0);
    struct cjd_id own = cjd_store_self(w->s)->id;
    struct cjd_id id = cjd_id_of(&c.addr);
    uint64_t mask = bucket == 0 ? 0 : ~0ull << (64 - bucket);

    id.hi = (own.hi & mask) | (id.hi & ~mask);
    if (cjd_id_bit(id, bucket) == cjd_id_bit(own, bucket)) {
        id = cjd_id_flip(id, bucket);
    }
    c.addr = cjd_id_to_addr(id);
    return c;
}

static void test_eviction_keeps_peers_and_buckets(void **state)
{
    struct world w;
    struct cjd_dht_contact few[3];

    (void)state;
    store_setup(&w, 20, 400);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_peer(&w, 2, 0);
    for (uint32_t i = 0; i < 3; i++) {
        few[i] = in_bucket(&w, 3 + i);
        store_prove(&w, &few[i], cjd_label_splice(store_hop(10 + i), store_hop(0)), 0, 90000);
    }
    for (uint32_t i = 0; i < 100; i++) {
        struct cjd_dht_contact c = in_bucket(&w, 0);
        store_prove(&w, &c, cjd_label_splice(store_hop(40 + i), store_hop(2)), 0, 1000 + i * 100);
        cjd_store_trim(w.s, w.now_ns);
        assert_true(cjd_store_node_count(w.s) <= 22);
        store_check_paths(w.s);
    }
    assert_int_equal(cjd_store_node_count(w.s), 22);
    assert_non_null(store_node(&w, &a));
    assert_non_null(store_node(&w, &b));
    /* Dear as they are, they are the only ones in their corners of the key space. */
    for (uint32_t i = 0; i < 3; i++) {
        assert_non_null(store_node(&w, &few[i]));
    }
    store_teardown(&w);
}

static void test_unreachable_goes_first(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 20, 400);
    store_peer(&w, 0, 0);
    struct cjd_dht_contact dead = in_bucket(&w, 7);
    store_prove(&w, &dead, cjd_label_splice(store_hop(10), store_hop(0)), 0, 1000);
    cjd_store_link_set_down(w.s, store_node(&w, &dead)->best, w.now_ns);
    for (uint32_t i = 0; i < 20; i++) {
        struct cjd_dht_contact c = in_bucket(&w, 0);
        store_prove(&w, &c, cjd_label_splice(store_hop(40 + i), store_hop(0)), 0, 1000 + i * 100);
        cjd_store_trim(w.s, w.now_ns);
    }
    assert_null(store_node(&w, &dead));
    assert_int_equal(cjd_store_node_count(w.s), 21);
    store_check_paths(w.s);
    store_teardown(&w);
}

/* One that tells of many nodes does not drive out what others told. */
static void test_one_teacher_has_a_share(void **state)
{
    struct world w;
    struct cjd_dht_contact others[20];
    uint32_t kept = 0;

    (void)state;
    store_setup(&w, 140, 2000);
    struct cjd_dht_contact liar = store_peer(&w, 0, 0);
    store_peer(&w, 2, 0);
    for (uint32_t i = 0; i < 20; i++) {
        others[i] = in_bucket(&w, 0);
        store_prove(&w, &others[i], cjd_label_splice(store_hop(40 + i), store_hop(2)), 0, 90000);
    }
    for (uint32_t i = 0; i < 200; i++) {
        struct cjd_dht_contact c = in_bucket(&w, 0);
        store_prove_taught(&w, &c, cjd_label_splice(store_hop(40 + i), store_hop(0)), 0, 1000,
                           &liar.addr);
        cjd_store_trim(w.s, w.now_ns);
    }
    for (uint32_t i = 0; i < 20; i++) {
        kept += store_node(&w, &others[i]) != NULL;
    }
    assert_int_equal(kept, 20);
    assert_int_equal(store_node(&w, &liar)->taught, 120);
    store_teardown(&w);
}

static void test_labels_by_the_dozen(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 64, 4000);
    struct cjd_dht_contact a = store_peer(&w, 0, 0);
    struct cjd_dht_contact b = store_contact(&w, 0);
    for (uint32_t i = 2; i < 200; i++) {
        w.now_ns += CJD_MS;
        store_prove(&w, &b, cjd_label_splice(store_hop(i), store_hop(0)), 0, 2000);
    }
    assert_true(cjd_store_link_count(w.s) <= 1 + 4);
    assert_true(store_node(&w, &b)->in_count <= 4);
    (void)a;
    store_check_paths(w.s);
    store_teardown(&w);
}

static void test_link_limit(void **state)
{
    struct world w;

    (void)state;
    store_setup(&w, 200, 50);
    store_peer(&w, 0, 0);
    for (uint32_t i = 2; i < 200; i++) {
        struct cjd_dht_contact c = store_contact(&w, 0);
        w.now_ns += CJD_MS;
        store_prove(&w, &c, cjd_label_splice(store_hop(i), store_hop(0)), 0, 2000);
        cjd_store_trim(w.s, w.now_ns);
        /* All are best paths of some node: nodes go with them, the peer stays. */
        assert_true(cjd_store_link_count(w.s) <= 50);
    }
    assert_int_equal(cjd_store_link_count(w.s), 50);
    assert_int_equal(cjd_store_node_count(w.s), 50);
    store_check_paths(w.s);
    store_teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_is_learned_link_by_link),
        cmocka_unit_test(test_paths_are_widened),
        cmocka_unit_test(test_changed_form_changes_paths),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_moved_node_is_relinked),
        cmocka_unit_test(test_restart_with_another_scheme),
        cmocka_unit_test(test_long_links_are_split),
        cmocka_unit_test(test_split_labels_are_canonical),
        cmocka_unit_test(test_detours_are_shortened),
        cmocka_unit_test(test_loops_home_are_dropped),
        cmocka_unit_test(test_loops_teach_nothing),
        cmocka_unit_test(test_nearest_is_exact),
        cmocka_unit_test(test_eviction_keeps_peers_and_buckets),
        cmocka_unit_test(test_unreachable_goes_first),
        cmocka_unit_test(test_one_teacher_has_a_share),
        cmocka_unit_test(test_labels_by_the_dozen),
        cmocka_unit_test(test_link_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
