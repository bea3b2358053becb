/* The graph: walking, learning, splitting, best paths, alternatives, bounds (router notes §7). */
#include <testlib/testlib.h>

#include <base/time.h>
#include <dht/store_private.h>

#define NOW (100 * CJD_S)

struct world {
    struct cjd_store *s;
    struct test_rng seed;
    struct cjd_rng rng;
    uint64_t now_ns;
};

static void setup(struct world *w, uint32_t nodes, uint32_t links)
{
    struct cjd_store_config config = {
        .version = 21, .scheme = cjd_scheme_358(), .nodes = nodes, .links = links};

    w->rng = test_rng_init(&w->seed, 11);
    w->now_ns = NOW;
    config.rng = w->rng;
    cjd_rng_fill(&w->rng, &config.key, sizeof config.key);
    memcpy(&config.addr, config.key.b, sizeof config.addr);
    assert_int_equal(cjd_store_new(&w->s, &config, w->now_ns), 0);
}

static void teardown(struct world *w)
{
    cjd_store_free(w->s);
}

static struct cjd_dht_contact contact(struct world *w, uint64_t label)
{
    struct cjd_dht_contact c = {.version = 21, .label = label};

    cjd_rng_fill(&w->rng, &c.key, sizeof c.key);
    memcpy(&c.addr, c.key.b, sizeof c.addr);
    return c;
}

static uint64_t hop(uint32_t iface)
{
    return cjd_scheme_peer_label(cjd_scheme_358(), iface);
}

static enum cjd_store_news prove_taught(struct world *w, const struct cjd_dht_contact *who,
                                        uint64_t path, int form, uint32_t rtt_us,
                                        const struct cjd_addr *teacher)
{
    struct cjd_store_proof proof = {.who = *who,
                                    .scheme = cjd_scheme_358(),
                                    .form = form,
                                    .rtt_us = rtt_us,
                                    .teacher = teacher};
    struct cjd_store_node *n;

    proof.who.label = path;
    return cjd_store_discover(w->s, &proof, w->now_ns, &n);
}

static enum cjd_store_news prove(struct world *w, const struct cjd_dht_contact *who, uint64_t path,
                                 int form, uint32_t rtt_us)
{
    return prove_taught(w, who, path, form, rtt_us, NULL);
}

/* A peer on an interface that has answered. */
static struct cjd_dht_contact peer(struct world *w, uint32_t iface, int form)
{
    struct cjd_dht_contact c = contact(w, hop(iface));
    bool is_new;

    assert_true(cjd_store_peer_add(w->s, &c, 1000, w->now_ns, &is_new));
    assert_true(is_new);
    assert_int_equal(prove(w, &c, c.label, form, 1000), CJD_STORE_OLD);
    return c;
}

static struct cjd_store_node *node(struct world *w, const struct cjd_dht_contact *c)
{
    return cjd_store_find(w->s, &c->addr);
}

/* --- checks of the whole -----------------------------------------------------------------------
 */

/* What store_path.c promises: a tree, exact costs, and nothing clearly better beside it. */
static void check_paths(struct cjd_store *s)
{
    assert_null(s->pending);
    assert_int_equal(s->heap_count, 0);
    for (uint32_t i = 0; i < s->node_count; i++) {
        struct cjd_store_node *n = s->sorted[i];
        uint32_t steps = 0;
        assert_false(n->is_open);
        assert_int_equal(n->heap_at, 0);
        if (cjd_store_is_reachable(n)) {
            assert_ptr_equal(n->best->child, n);
            assert_false(n->best->is_down);
            assert_int_equal(n->path, cjd_store_path_over(n->best));
            assert_true(n->cost_us > n->best->parent->cost_us);
            for (struct cjd_store_node *x = n; x != s->self; x = x->best->parent) {
                assert_true(++steps < 100);
            }
        } else {
            assert_null(n->best);
            assert_int_equal(n->path, 0);
        }
    }
    for (uint32_t i = 0; i < s->link_count; i++) {
        struct cjd_store_link *l = s->links[i];
        assert_int_equal(l->index, i);
        uint64_t path = l->is_down ? CJD_LABEL_INVALID : cjd_store_path_over(l);
        if (path == CJD_LABEL_INVALID) {
            continue;
        }
        assert_true(cjd_store_is_reachable(l->child));
        struct cjd_store_walk walk;
        assert_true(cjd_store_walk(s, path, &walk));
        assert_int_equal(walk.rest, 1);
        uint64_t cost = cjd_store_walk_cost(&walk, path);
        assert_true(cost * 100 >= (uint64_t)l->child->cost_us * 80 - 200);
    }
}

/* --- walking and learning ----------------------------------------------------------------------
 */

static void test_chain_is_learned_link_by_link(void **state)
{
    struct world w;
    struct cjd_store_walk walk;

    (void)state;
    setup(&w, 64, 256);
    struct cjd_dht_contact a = peer(&w, 0, 0);
    struct cjd_dht_contact b = contact(&w, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    uint64_t path_b = cjd_label_splice(0x15, 0x13);
    uint64_t path_c = cjd_label_splice(0x9e, path_b);

    assert_int_equal(prove(&w, &b, path_b, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(prove(&w, &c, path_c, 1, 3000), CJD_STORE_NEW_NODE);
    assert_int_equal(prove(&w, &c, path_c, 1, 3000), CJD_STORE_OLD);
    assert_int_equal(node(&w, &c)->path, path_c);
    assert_int_equal(cjd_store_link_count(w.s), 3);
    struct cjd_store_link *l = cjd_store_link_find(w.s, node(&w, &b), 0x9e);
    assert_non_null(l);
    assert_int_equal(l->back_form, 1);
    assert_true(l->is_one_hop);

    assert_true(cjd_store_walk(w.s, cjd_label_splice(0x1f, path_c), &walk) == false);
    /* C needs seven bits for the way back to B, so a label of four cannot pass there. */
    assert_true(cjd_store_walk(w.s, cjd_label_splice(0x82, path_c), &walk));
    assert_ptr_equal(walk.at, node(&w, &c));
    assert_int_equal(walk.rest, 0x13);
    assert_int_equal(walk.count, 3);
    (void)a;
    check_paths(w.s);
    teardown(&w);
}

/* Router notes §4, switch notes §10.2: the director is widened for the way back. */
static void test_paths_are_widened(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    peer(&w, 0, 2);
    struct cjd_dht_contact b = contact(&w, 0);
    /* The peer writes us in ten bits; its hop to B has a label of four. */
    uint64_t path = cjd_label_splice(cjd_scheme_convert(cjd_scheme_358(), 0x15, 2), 0x13);
    assert_int_equal(prove(&w, &b, path, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(node(&w, &b)->path, path);
    assert_int_equal(node(&w, &b)->best->label, 0x15);
    check_paths(w.s);
    teardown(&w);
}

static void test_changed_form_changes_paths(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    struct cjd_dht_contact a = peer(&w, 0, 0);
    struct cjd_dht_contact b = contact(&w, 0);
    assert_int_equal(prove(&w, &b, 0x153, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(prove(&w, &a, 0x13, 1, 1000), CJD_STORE_OLD);
    assert_int_equal(node(&w, &b)->path,
                     cjd_label_splice(cjd_scheme_convert(cjd_scheme_358(), 0x15, 1), 0x13));
    check_paths(w.s);
    teardown(&w);
}

static void test_what_is_refused(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    struct cjd_dht_contact a = peer(&w, 0, 1);
    struct cjd_dht_contact x = contact(&w, 0);
    /* One hop of our own that the link layer did not report. */
    assert_int_equal(prove(&w, &x, 0x15, 0, 1000), CJD_STORE_REFUSED);
    /* Behind a peer nobody knows. */
    assert_int_equal(prove(&w, &x, 0x155, 0, 1000), CJD_STORE_REFUSED);
    /* Another node where the link layer says that A is. */
    assert_int_equal(prove(&w, &x, 0x13, 0, 1000), CJD_STORE_REFUSED);
    /* Too narrow for the way back to us. */
    assert_int_equal(prove(&w, &x, 0x153, 0, 1000), CJD_STORE_REFUSED);
    /* No such labels. */
    assert_int_equal(prove(&w, &x, 0, 0, 1000), CJD_STORE_REFUSED);
    assert_int_equal(prove(&w, &x, 1, 0, 1000), CJD_STORE_REFUSED);
    assert_int_equal(prove(&w, &x, 1ull << 60 | 3, 0, 1000), CJD_STORE_REFUSED);
    assert_int_equal(cjd_store_node_count(w.s), 1);
    assert_int_equal(node(&w, &a)->path, 0x13);
    check_paths(w.s);
    teardown(&w);
}

/* Another node answers where one was: the link leads there now. */
static void test_moved_node_is_relinked(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    peer(&w, 0, 0);
    struct cjd_dht_contact b = contact(&w, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    assert_int_equal(prove(&w, &b, 0x153, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(prove(&w, &c, 0x153, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(node(&w, &c)->path, 0x153);
    assert_false(cjd_store_is_reachable(node(&w, &b)));
    check_paths(w.s);
    teardown(&w);
}

static void test_restart_with_another_scheme(void **state)
{
    struct world w;
    struct cjd_scheme other;
    struct cjd_store_node *n;

    (void)state;
    setup(&w, 64, 256);
    struct cjd_dht_contact a = peer(&w, 0, 0);
    struct cjd_dht_contact b = contact(&w, 0);
    assert_int_equal(prove(&w, &b, 0x153, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(cjd_scheme_parse(&other, (const uint8_t *)"\x81\x0c\x08", 3), 0);
    struct cjd_store_proof proof = {.who = a, .scheme = &other, .form = 1, .rtt_us = 1000};
    assert_int_equal(cjd_store_discover(w.s, &proof, w.now_ns, &n), CJD_STORE_OLD);
    assert_true(cjd_scheme_equal(node(&w, &a)->scheme, &other));
    /* Its labels mean nothing any more. */
    assert_int_equal(node(&w, &a)->out_count, 0);
    assert_false(cjd_store_is_reachable(node(&w, &b)));
    check_paths(w.s);
    teardown(&w);
}

/* --- several hops at once ----------------------------------------------------------------------
 */

static void test_long_links_are_split(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    struct cjd_dht_contact a = peer(&w, 0, 0);
    struct cjd_dht_contact b = contact(&w, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    struct cjd_dht_contact d = contact(&w, 0);
    uint64_t path_b = cjd_label_splice(0x15, 0x13);
    uint64_t path_c = cjd_label_splice(0x17, path_b);
    uint64_t path_d = cjd_label_splice(0x19, path_c);

    assert_int_equal(prove(&w, &d, path_d, 0, 4000), CJD_STORE_NEW_NODE);
    assert_int_equal(node(&w, &d)->path, path_d);
    assert_false(node(&w, &d)->best->is_one_hop);
    assert_int_equal(node(&w, &a)->multi_count, 1);
    /* C is found, two hops behind A: what lies behind C now begins there. */
    assert_int_equal(prove(&w, &c, path_c, 0, 3000), CJD_STORE_NEW_NODE);
    assert_ptr_equal(node(&w, &d)->best->parent, node(&w, &c));
    assert_int_equal(node(&w, &d)->best->label, 0x19);
    assert_true(node(&w, &d)->best->is_one_hop);
    assert_int_equal(prove(&w, &b, path_b, 0, 2000), CJD_STORE_NEW_NODE);
    assert_ptr_equal(node(&w, &c)->best->parent, node(&w, &b));
    assert_int_equal(node(&w, &a)->multi_count, 0);
    assert_int_equal(cjd_store_link_count(w.s), 4);
    assert_int_equal(node(&w, &d)->path, path_d);
    check_paths(w.s);
    teardown(&w);
}

/* §7.4: canonical labels, though the long label had a director widened for the way through. */
static void test_split_labels_are_canonical(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    peer(&w, 0, 0);
    struct cjd_dht_contact b = contact(&w, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    uint64_t path_b = cjd_label_splice(0x15, 0x13);
    /* B writes A in seven bits, so its own hop is written in seven. */
    uint64_t path_c = cjd_label_splice(cjd_scheme_convert(cjd_scheme_358(), 0x17, 1), path_b);
    assert_int_equal(prove(&w, &c, path_c, 0, 3000), CJD_STORE_NEW_NODE);
    assert_int_equal(prove(&w, &b, path_b, 1, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(node(&w, &c)->best->label, 0x17);
    assert_int_equal(node(&w, &c)->path, path_c);
    check_paths(w.s);
    teardown(&w);
}

static void test_detours_are_shortened(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    struct cjd_dht_contact a = peer(&w, 0, 0);
    struct cjd_dht_contact b = peer(&w, 2, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    assert_int_equal(prove(&w, &c, cjd_label_splice(0x17, hop(2)), 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(prove(&w, &c, cjd_label_splice(0x19, hop(0)), 0, 9000), CJD_STORE_NEW_LINK);
    /* A says: C is my 0x19, and behind it X is its 0x1b. Our own way to C is by B. */
    uint64_t told = cjd_label_splice(0x1b, cjd_label_splice(0x19, hop(0)));
    assert_int_equal(cjd_store_shorten(w.s, told), cjd_label_splice(0x1b, node(&w, &c)->path));
    assert_int_equal(node(&w, &c)->path, cjd_label_splice(0x17, hop(2)));
    /* A says: X is behind you. It is, but we know a shorter way to ourselves. */
    cjd_store_way_back(w.s, node(&w, &a), 0x15, w.now_ns);
    told = cjd_label_splice(0x1d, cjd_label_splice(hop(2), cjd_label_splice(0x15, hop(0))));
    assert_int_equal(cjd_store_shorten(w.s, told), cjd_label_splice(0x1d, hop(2)));
    /* Nothing known: nothing changed. */
    assert_int_equal(cjd_store_shorten(w.s, 0x1b5), 0x1b5);
    (void)b;
    teardown(&w);
}

static void test_loops_home_are_dropped(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    struct cjd_dht_contact a = peer(&w, 0, 0);
    struct cjd_dht_contact x = contact(&w, 0);
    uint64_t loop = cjd_label_splice(0x17, cjd_label_splice(0x15, hop(0)));
    assert_int_equal(prove(&w, &x, loop, 0, 3000), CJD_STORE_NEW_NODE);
    cjd_store_way_back(w.s, node(&w, &a), 0x15, w.now_ns);
    assert_false(cjd_store_is_reachable(node(&w, &x)));
    assert_int_equal(cjd_store_link_count(w.s), 1);
    check_paths(w.s);
    teardown(&w);
}

/* --- best paths --------------------------------------------------------------------------------
 */

static void test_hysteresis(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    peer(&w, 0, 0);
    peer(&w, 2, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    uint64_t first = cjd_label_splice(0x17, hop(0));
    uint64_t second = cjd_label_splice(0x17, hop(2));
    assert_int_equal(prove(&w, &c, first, 0, 40000), CJD_STORE_NEW_NODE);
    /* A little better is not enough, much better is. */
    assert_int_equal(prove(&w, &c, second, 0, 36000), CJD_STORE_NEW_LINK);
    assert_int_equal(node(&w, &c)->path, first);
    for (int i = 0; i < 30; i++) {
        prove(&w, &c, second, 0, 15000);
    }
    assert_int_equal(node(&w, &c)->path, second);
    /* And not back for a trifle. */
    for (int i = 0; i < 30; i++) {
        prove(&w, &c, first, 0, 14000);
    }
    assert_int_equal(node(&w, &c)->path, second);
    check_paths(w.s);
    teardown(&w);
}

static void test_loss_is_avoided(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    peer(&w, 0, 0);
    peer(&w, 2, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    uint64_t first = cjd_label_splice(0x17, hop(0));
    uint64_t second = cjd_label_splice(0x17, hop(2));
    assert_int_equal(prove(&w, &c, first, 0, 5000), CJD_STORE_NEW_NODE);
    assert_int_equal(prove(&w, &c, second, 0, 5500), CJD_STORE_NEW_LINK);
    /* One lost packet changes nothing. */
    cjd_store_unanswered(w.s, first, w.now_ns + 1, w.now_ns);
    assert_int_equal(node(&w, &c)->path, first);
    for (int i = 0; i < 12; i++) {
        cjd_store_unanswered(w.s, first, w.now_ns + 1, w.now_ns);
        prove(&w, &c, second, 0, 5500);
    }
    assert_int_equal(node(&w, &c)->path, second);
    check_paths(w.s);
    teardown(&w);
}

/* The blame goes where it belongs: the link that others use too is acquitted by their answers. */
static void test_blame_is_shared_fairly(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    struct cjd_dht_contact a = peer(&w, 0, 0);
    struct cjd_dht_contact b = contact(&w, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    uint64_t path_b = cjd_label_splice(0x15, hop(0));
    uint64_t path_c = cjd_label_splice(0x17, hop(0));
    prove(&w, &b, path_b, 0, 2000);
    prove(&w, &c, path_c, 0, 2000);
    for (int i = 0; i < 40; i++) {
        cjd_store_unanswered(w.s, path_b, w.now_ns + 1, w.now_ns);
        prove(&w, &c, path_c, 0, 2000);
    }
    uint32_t shared = node(&w, &a)->best->loss;
    uint32_t broken = node(&w, &b)->best->loss;
    assert_true(broken > CJD_LOSS_ONE / 2);
    assert_true(shared < CJD_LOSS_ONE / 10);
    teardown(&w);
}

/* Bits are scarce: of two ways of equal latency the one with the shorter label. */
static void test_bits_count(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 256);
    peer(&w, 100, 0);
    peer(&w, 0, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    uint64_t wide = cjd_label_splice(hop(200), hop(100));
    uint64_t narrow = cjd_label_splice(0x17, hop(0));
    assert_int_equal(prove(&w, &c, wide, 0, 2000), CJD_STORE_NEW_NODE);
    assert_int_equal(prove(&w, &c, narrow, 0, 2000), CJD_STORE_NEW_LINK);
    assert_int_equal(node(&w, &c)->path, narrow);
    teardown(&w);
}

static void test_paths_end_at_60_bits(void **state)
{
    struct world w;
    uint64_t path = hop(0);
    unsigned hops = 1;

    (void)state;
    setup(&w, 64, 256);
    peer(&w, 0, 0);
    for (;;) {
        struct cjd_dht_contact c = contact(&w, 0);
        uint64_t next = cjd_label_splice(0x15, path);
        if (next == CJD_LABEL_INVALID) {
            break;
        }
        assert_int_equal(prove(&w, &c, next, 0, 1000 * (hops + 1)), CJD_STORE_NEW_NODE);
        path = next;
        hops++;
    }
    /* 14 hops of four bits, the end marker at bit 56. */
    assert_int_equal(hops, 14);
    check_paths(w.s);
    /* Our peer now needs ten bits for the way back: the last nodes are out of reach. */
    struct cjd_store_link *first = cjd_store_link_find(w.s, cjd_store_self(w.s), hop(0));
    struct cjd_store_proof proof = {.who = {.addr = first->child->addr,
                                            .key = first->child->key,
                                            .version = 21,
                                            .label = hop(0)},
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
    check_paths(w.s);
    teardown(&w);
}

static void test_failover_and_back(void **state)
{
    struct world w;
    struct cjd_store_node *changed;

    (void)state;
    setup(&w, 64, 256);
    peer(&w, 0, 0);
    peer(&w, 2, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    uint64_t first = cjd_label_splice(0x17, hop(0));
    uint64_t second = cjd_label_splice(0x17, hop(2));
    prove(&w, &c, first, 0, 2000);
    prove(&w, &c, second, 0, 2000);
    while ((changed = cjd_store_next_change(w.s))) {
        changed->told_path = changed->path;
    }
    struct cjd_store_link *link = cjd_store_link_find(w.s, cjd_store_self(w.s), hop(0));
    cjd_store_link_set_down(w.s, link, w.now_ns);
    assert_int_equal(node(&w, &c)->path, second);
    assert_true(node(&w, &c)->is_told_broken);
    check_paths(w.s);
    cjd_store_link_set_down(w.s, cjd_store_link_find(w.s, cjd_store_self(w.s), hop(2)), w.now_ns);
    assert_false(cjd_store_is_reachable(node(&w, &c)));
    check_paths(w.s);
    /* An answer over a path proves all links of it. */
    prove(&w, &c, first, 0, 2000);
    assert_int_equal(node(&w, &c)->path, first);
    assert_false(link->is_down);
    check_paths(w.s);
    teardown(&w);
}

static void test_alternatives(void **state)
{
    struct world w;
    struct cjd_store_walk walk;
    struct cjd_store_route route;

    (void)state;
    setup(&w, 64, 256);
    struct cjd_dht_contact a = peer(&w, 0, 0);
    peer(&w, 2, 0);
    struct cjd_dht_contact c = contact(&w, 0);
    uint64_t first = cjd_label_splice(0x17, hop(0));
    uint64_t second = cjd_label_splice(0x17, hop(2));
    prove(&w, &c, first, 0, 2000);
    assert_true(cjd_store_walk(w.s, first, &walk));
    assert_false(cjd_store_alternative(w.s, node(&w, &c), &walk, &route));
    prove(&w, &c, second, 0, 9000);
    assert_true(cjd_store_alternative(w.s, node(&w, &c), &walk, &route));
    assert_int_equal(route.path, second);
    assert_true(route.cost_us > node(&w, &c)->cost_us);
    assert_ptr_equal(route.last->parent, cjd_store_find(w.s, &route.last->parent->addr));
    /* To a direct peer the only other way is behind others. */
    assert_true(cjd_store_walk(w.s, hop(0), &walk));
    assert_false(cjd_store_alternative(w.s, node(&w, &a), &walk, &route));
    assert_int_equal(prove(&w, &a, cjd_label_splice(0x1f, second), 0, 9000), CJD_STORE_NEW_LINK);
    assert_true(cjd_store_alternative(w.s, node(&w, &a), &walk, &route));
    assert_int_equal(route.path, cjd_label_splice(0x1f, second));
    check_paths(w.s);
    teardown(&w);
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
            prove(w, &again, cjd_store_path_over(l), (int)cjd_rng_below(&w->rng, 3),
                  100 + cjd_rng_below(&w->rng, 50000));
        }
        break;
    default:
        if (l && cjd_store_is_reachable(l->child) && l->child->scheme) {
            uint32_t iface = cjd_rng_below(&w->rng, 12);
            uint64_t path = cjd_store_path_beyond(l->child, hop(iface == 1 ? 0 : iface));
            if (path != CJD_LABEL_INVALID) {
                prove(w, c, path, (int)cjd_rng_below(&w->rng, 2),
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
    setup(&w, 32, 120);
    for (uint32_t i = 0; i < 40; i++) {
        nodes[i] = contact(&w, 0);
    }
    for (uint32_t i = 0; i < 4; i++) {
        peer(&w, i + 2, 0);
    }
    for (uint32_t i = 0; i < 4000; i++) {
        w.now_ns += CJD_MS;
        random_event(&w, nodes, 40);
        cjd_store_trim(w.s, w.now_ns);
        check_paths(w.s);
        assert_true(cjd_store_link_count(w.s) <= 120);
        while ((changed = cjd_store_next_change(w.s))) {
            changed->told_path = changed->path;
        }
    }
    teardown(&w);
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
    setup(&w, 300, 600);
    for (uint32_t i = 0; i < 200; i++) {
        peer(&w, i == 0 ? 0 : i + 1, 0);
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
    teardown(&w);
}

/* --- bounds ------------------------------------------------------------------------------------
 */

/* Made so that it falls into a given bucket. */
static struct cjd_dht_contact in_bucket(struct world *w, unsigned bucket)
{
    struct cjd_dht_contact c = contact(w, 0);
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
    setup(&w, 20, 400);
    struct cjd_dht_contact a = peer(&w, 0, 0);
    struct cjd_dht_contact b = peer(&w, 2, 0);
    for (uint32_t i = 0; i < 3; i++) {
        few[i] = in_bucket(&w, 3 + i);
        prove(&w, &few[i], cjd_label_splice(hop(10 + i), hop(0)), 0, 90000);
    }
    for (uint32_t i = 0; i < 100; i++) {
        struct cjd_dht_contact c = in_bucket(&w, 0);
        prove(&w, &c, cjd_label_splice(hop(40 + i), hop(2)), 0, 1000 + i * 100);
        cjd_store_trim(w.s, w.now_ns);
        assert_true(cjd_store_node_count(w.s) <= 22);
        check_paths(w.s);
    }
    assert_int_equal(cjd_store_node_count(w.s), 22);
    assert_non_null(node(&w, &a));
    assert_non_null(node(&w, &b));
    /* Dear as they are, they are the only ones in their corners of the key space. */
    for (uint32_t i = 0; i < 3; i++) {
        assert_non_null(node(&w, &few[i]));
    }
    teardown(&w);
}

static void test_unreachable_goes_first(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 20, 400);
    peer(&w, 0, 0);
    struct cjd_dht_contact dead = in_bucket(&w, 7);
    prove(&w, &dead, cjd_label_splice(hop(10), hop(0)), 0, 1000);
    cjd_store_link_set_down(w.s, node(&w, &dead)->best, w.now_ns);
    for (uint32_t i = 0; i < 20; i++) {
        struct cjd_dht_contact c = in_bucket(&w, 0);
        prove(&w, &c, cjd_label_splice(hop(40 + i), hop(0)), 0, 1000 + i * 100);
        cjd_store_trim(w.s, w.now_ns);
    }
    assert_null(node(&w, &dead));
    assert_int_equal(cjd_store_node_count(w.s), 21);
    check_paths(w.s);
    teardown(&w);
}

/* One that tells of many nodes does not drive out what others told. */
static void test_one_teacher_has_a_share(void **state)
{
    struct world w;
    struct cjd_dht_contact others[20];
    uint32_t kept = 0;

    (void)state;
    setup(&w, 140, 2000);
    struct cjd_dht_contact liar = peer(&w, 0, 0);
    peer(&w, 2, 0);
    for (uint32_t i = 0; i < 20; i++) {
        others[i] = in_bucket(&w, 0);
        prove(&w, &others[i], cjd_label_splice(hop(40 + i), hop(2)), 0, 90000);
    }
    for (uint32_t i = 0; i < 200; i++) {
        struct cjd_dht_contact c = in_bucket(&w, 0);
        prove_taught(&w, &c, cjd_label_splice(hop(40 + i), hop(0)), 0, 1000, &liar.addr);
        cjd_store_trim(w.s, w.now_ns);
    }
    for (uint32_t i = 0; i < 20; i++) {
        kept += node(&w, &others[i]) != NULL;
    }
    assert_int_equal(kept, 20);
    assert_int_equal(node(&w, &liar)->taught, 120);
    teardown(&w);
}

static void test_labels_by_the_dozen(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 64, 4000);
    struct cjd_dht_contact a = peer(&w, 0, 0);
    struct cjd_dht_contact b = contact(&w, 0);
    for (uint32_t i = 2; i < 200; i++) {
        w.now_ns += CJD_MS;
        prove(&w, &b, cjd_label_splice(hop(i), hop(0)), 0, 2000);
    }
    assert_true(cjd_store_link_count(w.s) <= 1 + 4);
    assert_true(node(&w, &b)->in_count <= 4);
    (void)a;
    check_paths(w.s);
    teardown(&w);
}

static void test_link_limit(void **state)
{
    struct world w;

    (void)state;
    setup(&w, 200, 50);
    peer(&w, 0, 0);
    for (uint32_t i = 2; i < 200; i++) {
        struct cjd_dht_contact c = contact(&w, 0);
        w.now_ns += CJD_MS;
        prove(&w, &c, cjd_label_splice(hop(i), hop(0)), 0, 2000);
        cjd_store_trim(w.s, w.now_ns);
    }
    /* All are best paths of some node; nothing is evicted for their sake, and room ends. */
    assert_true(cjd_store_link_count(w.s) <= 50 + CJD_STORE_PEERS_MAX + CJD_STORE_SLACK);
    check_paths(w.s);
    teardown(&w);
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
        cmocka_unit_test(test_hysteresis),
        cmocka_unit_test(test_loss_is_avoided),
        cmocka_unit_test(test_blame_is_shared_fairly),
        cmocka_unit_test(test_bits_count),
        cmocka_unit_test(test_paths_end_at_60_bits),
        cmocka_unit_test(test_failover_and_back),
        cmocka_unit_test(test_alternatives),
        cmocka_unit_test(test_random_graphs),
        cmocka_unit_test(test_nearest_is_exact),
        cmocka_unit_test(test_eviction_keeps_peers_and_buckets),
        cmocka_unit_test(test_unreachable_goes_first),
        cmocka_unit_test(test_one_teacher_has_a_share),
        cmocka_unit_test(test_labels_by_the_dozen),
        cmocka_unit_test(test_link_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
