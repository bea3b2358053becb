/* Looking around: quickly after a change, slowly when nothing happens (router notes §9, §10, §12).
 */
#include "solo.h"

#include <base/wire.h>

static struct solo *s;
static struct cjd_dht_contact a; /* a peer that answers */
static struct cjd_message m;

static uint64_t hop(uint32_t iface)
{
    return cjd_scheme_peer_label(cjd_scheme_358(), iface);
}

static int setup(void **state)
{
    (void)state;
    s = solo_new(31, NULL);
    a = solo_node(s, hop(0));
    solo_peer(s, &a);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    solo_free(s);
    return 0;
}

static struct cjd_message_node entry(const struct cjd_dht_contact *c, uint64_t label)
{
    return (struct cjd_message_node){.key = c->key, .label = label, .version = 21};
}

static struct solo_sent *next_gp(const struct cjd_dht_contact *to)
{
    struct solo_sent *q;

    while ((q = solo_next_query(s, &to->addr, &m)) && m.method != CJD_METHOD_GP) {
    }
    return q;
}

static void answer_all(const struct cjd_dht_contact *to)
{
    struct solo_sent *q;

    while ((q = solo_next_query(s, &to->addr, &m))) {
        solo_answer(s, q, NULL, 0, 0);
    }
}

/* What a reply shows is asked at once, over the spliced path. */
static void test_new_nodes_are_asked_at_once(void **state)
{
    struct cjd_dht_contact b = solo_node(s, 0);
    struct cjd_dht_path best;
    struct cjd_message_node list[2] = {entry(&b, 0x15), entry(&a, 1)};

    (void)state;
    struct solo_sent *q = next_gp(&a);
    solo_answer(s, q, list, 2, 0);
    struct solo_sent *asked = next_gp(&b);
    assert_non_null(asked);
    assert_int_equal(asked->at_ns, s->now_ns);
    assert_int_equal(asked->to.label, 0x153);
    assert_false(cjd_dht_best(s->dht, &b.addr, &best));
    /* The first answer over that path is reported at once. */
    solo_answer(s, asked, NULL, 0, 0);
    assert_true(cjd_dht_best(s->dht, &b.addr, &best));
    assert_int_equal(best.to.label, 0x153);
    assert_false(best.is_peer);
    assert_int_equal(solo_last_event(s, SOLO_PATH, &b.addr)->label, 0x153);
}

/* Router notes §12: the first list is short, so ask again soon, and then ever less often. */
static void test_peer_is_asked_again(void **state)
{
    uint32_t early;

    (void)state;
    answer_all(&a);
    for (uint32_t i = 0; i < 50; i++) {
        solo_run(s, 10 * CJD_MS);
        answer_all(&a);
    }
    early = solo_count_queries(s, 0, &a.addr);
    assert_in_range(early, 3, 5);
    for (uint32_t i = 0; i < 600; i++) {
        solo_run(s, 1 * CJD_S);
        answer_all(&a);
    }
    assert_in_range(solo_count_queries(s, early, &a.addr), 10, 180);
}

/* Lists of eight are read on from their largest label, in the teller's canonical form (§5.3). */
static void test_long_lists_are_read_on(void **state)
{
    struct cjd_dht_contact x[8];
    struct cjd_message_node list[8];

    (void)state;
    for (uint32_t i = 0; i < 8; i++) {
        x[i] = solo_node(s, 0);
        /* The teller reaches us in seven bits; it has written these labels for us in seven. */
        list[i] =
            entry(&x[i], cjd_scheme_convert(cjd_scheme_358(), hop(9 - (i == 0 ? 0 : i + 1)), 1));
    }
    list[0] = entry(&x[0], hop(20));
    struct solo_sent *q = next_gp(&a);
    solo_answer(s, q, list, 8, 1);
    q = next_gp(&a);
    assert_non_null(q);
    assert_int_equal(cjd_load64(m.target), hop(20));
    /* A teller that never ends is not read for ever. */
    uint32_t windows = 0;
    for (uint32_t i = 21; q && i < 60; i++) {
        list[0] = entry(&x[0], hop(i));
        solo_answer(s, q, list, 8, 1);
        q = next_gp(&a);
        windows++;
    }
    assert_in_range(windows, 4, 10);
}

/* A query from a node that is not known: a hint that it exists, asked back over the same way. */
static void test_queries_are_hints(void **state)
{
    struct cjd_dht_contact b = solo_node(s, 0x153);

    (void)state;
    answer_all(&a);
    solo_query(s, &b, "pn", NULL, 0);
    struct solo_sent *q = next_gp(&b);
    assert_non_null(q);
    assert_int_equal(q->to.label, 0x153);
    /* Not over ways nobody knows the beginning of. */
    struct cjd_dht_contact c = solo_node(s, 0x155);
    solo_query(s, &c, "pn", NULL, 0);
    assert_null(next_gp(&c));
    /* Nor again for what is known. */
    solo_answer(s, q, NULL, 0, 0);
    uint32_t sent = s->sent_count;
    solo_query(s, &b, "pn", NULL, 0);
    assert_int_equal(solo_count_queries(s, sent, &b.addr), 0);
}

static void test_path_hint(void **state)
{
    struct cjd_dht_contact b = solo_node(s, 0x153);

    (void)state;
    answer_all(&a);
    cjd_dht_path_hint(s->dht, &b, s->now_ns);
    assert_non_null(next_gp(&b));
}

/* Nodes several hops away: the hops between are looked for, so that the graph closes. */
static void test_hops_between_are_sought(void **state)
{
    struct cjd_dht_contact b = solo_node(s, 0);
    struct cjd_dht_contact c = solo_node(s, 0);
    struct cjd_dht_hop_info hops[8];
    uint64_t far = cjd_label_splice(0x17, 0x15);
    struct cjd_message_node list = entry(&c, far);

    (void)state;
    solo_answer(s, next_gp(&a), &list, 1, 0);
    struct solo_sent *q = next_gp(&c);
    assert_int_equal(q->to.label, cjd_label_splice(far, hop(0)));
    solo_answer(s, q, NULL, 0, 0);
    assert_int_equal(cjd_dht_route(s->dht, &c.addr, hops, 8), 2);
    assert_false(hops[1].is_one_hop);
    /* A is asked for the peer behind the first director of that label. */
    q = next_gp(&a);
    assert_non_null(q);
    assert_int_equal(cjd_load64(m.target), far);
    list = entry(&b, 0x15);
    solo_answer(s, q, &list, 1, 0);
    solo_answer(s, next_gp(&b), NULL, 0, 0);
    assert_int_equal(cjd_dht_route(s->dht, &c.addr, hops, 8), 3);
    assert_memory_equal(&hops[0].addr, &a.addr, sizeof a.addr);
    assert_memory_equal(&hops[1].addr, &b.addr, sizeof b.addr);
    assert_memory_equal(&hops[2].addr, &c.addr, sizeof c.addr);
    assert_int_equal(hops[2].label, 0x17);
    assert_true(hops[0].is_one_hop && hops[1].is_one_hop && hops[2].is_one_hop);
    assert_true(hops[0].cost_us < hops[1].cost_us && hops[1].cost_us < hops[2].cost_us);
}

/* One that tells of many nodes nobody answers for is listened to less and less. */
static void test_liars_are_heard_less(void **state)
{
    uint32_t first = 0;
    uint32_t last = 0;

    (void)state;
    for (uint32_t round = 0; round < 300; round++) {
        struct solo_sent *q;
        while ((q = solo_next_query(s, NULL, &m))) {
            struct cjd_message_node lies[8];
            if (memcmp(&q->to.addr, &a.addr, sizeof a.addr) != 0) {
                first += round < 50;
                last += round >= 250;
                continue;
            }
            for (uint32_t i = 0; i < 8; i++) {
                struct cjd_dht_contact x = solo_node(s, 0);
                lies[i] = entry(&x, hop(20 + i));
            }
            solo_answer(s, q, lies, 8, 0);
        }
        solo_run(s, 1 * CJD_S);
    }
    assert_true(first > 20);
    assert_true(last * 4 < first);
    struct cjd_dht_stats stats;
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.nodes, 1);
}

/* Unreachable nodes are forgotten after a while. */
static void test_lost_nodes_are_forgotten(void **state)
{
    struct cjd_dht_contact b = solo_node(s, 0);
    struct cjd_message_node list = entry(&b, 0x15);
    struct cjd_dht_stats stats;

    (void)state;
    solo_answer(s, next_gp(&a), &list, 1, 0);
    solo_answer(s, next_gp(&b), NULL, 0, 0);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.nodes, 2);
    cjd_dht_peer_down(s->dht, a.label, s->now_ns);
    assert_int_equal(solo_last_event(s, SOLO_DEAD, &a.addr)->label, a.label);
    assert_int_equal(solo_last_event(s, SOLO_DEAD, &b.addr)->label, 0x153);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.nodes, 2);
    solo_run(s, 90 * CJD_S);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.nodes, 0);
    assert_int_equal(stats.links, 0);
}

/* A peer that comes back brings back what was known behind it. */
static void test_peer_comes_back(void **state)
{
    struct cjd_dht_contact b = solo_node(s, 0);
    struct cjd_message_node list = entry(&b, 0x15);
    struct cjd_dht_path best;

    (void)state;
    solo_answer(s, next_gp(&a), &list, 1, 0);
    solo_answer(s, next_gp(&b), NULL, 0, 0);
    cjd_dht_peer_down(s->dht, a.label, s->now_ns);
    assert_false(cjd_dht_best(s->dht, &a.addr, &best));
    assert_false(cjd_dht_best(s->dht, &b.addr, &best));
    solo_run(s, 5 * CJD_S);
    a.label = hop(2);
    cjd_dht_peer_up(s->dht, &a, 0, s->now_ns);
    assert_true(cjd_dht_best(s->dht, &a.addr, &best));
    assert_int_equal(best.to.label, hop(2));
    assert_true(cjd_dht_best(s->dht, &b.addr, &best));
    assert_int_equal(best.to.label, cjd_label_splice(0x15, hop(2)));
}

static void test_label_goes_to_another_peer(void **state)
{
    struct cjd_dht_contact b = solo_node(s, a.label);
    struct cjd_dht_path best;

    (void)state;
    solo_peer(s, &b);
    assert_false(cjd_dht_best(s->dht, &a.addr, &best));
    assert_true(cjd_dht_best(s->dht, &b.addr, &best));
    assert_int_equal(solo_last_event(s, SOLO_DEAD, &a.addr)->label, a.label);
    assert_true(solo_last_event(s, SOLO_PATH, &b.addr)->is_peer);
}

/* What is no peer is not taken for one. */
static void test_bad_peers(void **state)
{
    struct cjd_dht_contact x = solo_node(s, 0x153);
    struct cjd_dht_contact me = s->me;
    struct cjd_dht_stats stats;

    (void)state;
    cjd_dht_peer_up(s->dht, &x, 0, s->now_ns);
    x.label = 1;
    cjd_dht_peer_up(s->dht, &x, 0, s->now_ns);
    x.label = 0;
    cjd_dht_peer_up(s->dht, &x, 0, s->now_ns);
    me.label = hop(5);
    cjd_dht_peer_up(s->dht, &me, 0, s->now_ns);
    cjd_dht_peer_down(s->dht, hop(9), s->now_ns);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.nodes, 1);
}

static void test_views(void **state)
{
    struct cjd_dht_node_info n;
    struct cjd_dht_link_info l;
    struct cjd_dht_hop_info hops[2];

    (void)state;
    answer_all(&a);
    assert_true(cjd_dht_node_at(s->dht, 0, &n));
    assert_true(n.is_reachable);
    assert_true(n.path.is_peer);
    assert_int_equal(n.last_answer_ns, s->now_ns);
    assert_memory_equal(&n.path.to.addr, &a.addr, sizeof a.addr);
    assert_false(cjd_dht_node_at(s->dht, 1, &n));
    assert_true(cjd_dht_link_at(s->dht, 0, &l));
    assert_memory_equal(&l.parent, &s->me.addr, sizeof l.parent);
    assert_memory_equal(&l.child, &a.addr, sizeof l.child);
    assert_int_equal(l.label, a.label);
    assert_false(cjd_dht_link_at(s->dht, 1, &l));
    assert_int_equal(cjd_dht_route(s->dht, &a.addr, hops, 2), 1);
    assert_int_equal(hops[0].path, a.label);
    assert_int_equal(cjd_dht_route(s->dht, &s->me.addr, hops, 2), 0);
}

static void test_config_is_checked(void **state)
{
    struct cjd_dht_config config = {.scheme = cjd_scheme_358()};
    struct cjd_dht *dht;

    (void)state;
    assert_int_equal(cjd_dht_new(&dht, &config, 0), CJD_ERR_INVALID);
    cjd_dht_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_nodes_are_asked_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peer_is_asked_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_lists_are_read_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queries_are_hints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_path_hint, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hops_between_are_sought, setup, teardown),
        cmocka_unit_test_setup_teardown(test_liars_are_heard_less, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_nodes_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peer_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_label_goes_to_another_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_peers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_views, setup, teardown),
        cmocka_unit_test(test_config_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
