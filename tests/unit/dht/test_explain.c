/*
 * Hearsay that is remembered, and the explanation of how a node would be reached.
 */
#include "solo.h"

#define TEXT 8192u

static struct solo *s;
static struct cjd_dht_contact peer;
static struct cjd_dht_contact other;
static struct cjd_dht_contact target;
static struct cjd_message m;
static struct cjd_dht_explanation e;
static char text[TEXT];

static int setup(void **state)
{
    (void)state;
    s = solo_new(33, NULL);
    peer = solo_node(s, cjd_scheme_peer_label(cjd_scheme_358(), 2));
    other = solo_node(s, cjd_scheme_peer_label(cjd_scheme_358(), 3));
    target = solo_node(s, 0);
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

/* The peer's first question is answered with this one node; whatever follows from it is not. */
static uint64_t name_target(void)
{
    struct cjd_message_node n = entry(&target, 0x17);

    solo_peer(s, &peer);
    struct solo_sent *q = solo_next_query(s, &peer.addr, &m);
    assert_non_null(q);
    solo_answer(s, q, &n, 1, 0);
    return cjd_label_splice(0x17, peer.label);
}

static void explain(const struct cjd_addr *addr)
{
    cjd_dht_explain(s->dht, addr, s->now_ns, &e);
    int len = cjd_dht_explain_text(&e, s->now_ns, text, sizeof text);
    assert_true(len > 0);
    assert_int_equal(strlen(text), len);
    assert_int_equal(text[len - 1], '\n');
}

static void assert_says(const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("\"%s\" is not in: %s", part, text);
    }
}

static uint32_t queries(void)
{
    struct cjd_dht_stats stats;

    cjd_dht_stats(s->dht, &stats);
    return (uint32_t)stats.queries_sent;
}

static void test_unknown(void **state)
{
    (void)state;
    explain(&target.addr);
    assert_false(e.is_known || e.is_reachable || e.is_searched);
    assert_int_equal(e.way_count, 0);
    assert_says("is not known");
    explain(&s->me.addr);
    assert_true(e.is_self);
    assert_says("is this node");
}

static void test_peer(void **state)
{
    (void)state;
    solo_peer(s, &peer);
    uint32_t before = queries();
    explain(&peer.addr);
    assert_int_equal(queries(), before); /* explaining asks nobody */
    assert_true(e.is_known && e.is_reachable);
    assert_int_equal(e.hops, 1);
    assert_int_equal(e.way_count, 1);
    assert_int_equal(e.ways[0].kind, CJD_DHT_WAY_BEST);
    assert_int_equal(e.ways[0].label, peer.label);
    assert_int_equal(e.ways[0].outcome, CJD_DHT_ANSWERED);
    assert_memory_equal(&e.ways[0].via, &s->me.addr, sizeof e.ways[0].via);
    assert_says("is reached over 1 links");
    assert_says("answers");
    assert_null(strstr(text, "last answered")); /* the link layer says that it is there */
    struct solo_sent *q = solo_next_query(s, &peer.addr, &m);
    assert_non_null(q);
    solo_answer(s, q, NULL, 0, 0);
    solo_run(s, 500 * CJD_MS);
    explain(&peer.addr);
    assert_says("last answered 0.5 s ago");
}

/* What a peer named is shown as hearsay, with who said it, and not as a path. */
static void test_hearsay(void **state)
{
    struct cjd_dht_path path;
    uint64_t label = name_target();

    (void)state;
    explain(&target.addr);
    assert_false(e.is_known || e.is_reachable);
    assert_int_equal(e.way_count, 1);
    assert_int_equal(e.ways[0].kind, CJD_DHT_WAY_HEARD);
    assert_int_equal(e.ways[0].label, label);
    assert_memory_equal(&e.ways[0].via, &peer.addr, sizeof peer.addr);
    assert_says("by hearsay alone");
    assert_says("not tried");
    assert_false(cjd_dht_best(s->dht, &target.addr, &path));
}

/* Nobody answered there at first; wanted later, the way that was named is the first question. */
static void test_heard_way_is_tried_first(void **state)
{
    struct solo_sent *q;
    uint64_t label = name_target();

    (void)state;
    while ((q = solo_next_query(s, NULL, &m))) {
    }
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    q = solo_next_query(s, NULL, &m);
    assert_non_null(q);
    assert_int_equal(m.method, CJD_METHOD_GP);
    assert_memory_equal(&q->to.addr, &target.addr, sizeof target.addr);
    assert_int_equal(q->to.label, label);
    assert_null(solo_next_query(s, NULL, &m)); /* nobody else is asked as long as it may answer */
    explain(&target.addr);
    assert_true(e.is_searched);
    assert_int_equal(e.ways[0].kind, CJD_DHT_WAY_NAMED);
    assert_int_equal(e.ways[0].outcome, CJD_DHT_TRYING);
    assert_says("being tried");
    assert_says("a search runs");
    solo_answer(s, q, NULL, 0, 0);
    assert_non_null(solo_last_event(s, SOLO_PATH, &target.addr));
    explain(&target.addr);
    assert_int_equal(e.ways[0].kind, CJD_DHT_WAY_BEST);
    assert_int_equal(e.ways[0].outcome, CJD_DHT_ANSWERED);
    assert_int_equal(e.hops, 2);
}

/* Silence makes it forgotten, and the failed search is remembered. */
static void test_wrong_way_is_forgotten(void **state)
{
    (void)state;
    name_target();
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    solo_run(s, 6100 * CJD_MS);
    explain(&target.addr);
    assert_false(e.is_searched);
    assert_int_equal(e.way_count, 0);
    assert_true(e.failed_until_ns > s->now_ns);
    assert_says("a search failed");
}

/* A link that went down stays visible as what it is. */
static void test_broken(void **state)
{
    (void)state;
    solo_peer(s, &peer);
    solo_peer(s, &other);
    solo_run(s, 100 * CJD_MS);
    cjd_dht_path_doubt(s->dht, &peer.addr, peer.label, s->now_ns);
    explain(&peer.addr);
    assert_true(e.ways[0].is_doubted);
    assert_says("doubted");
    solo_run(s, 3 * CJD_S);
    explain(&peer.addr);
    assert_true(e.is_known);
    assert_false(e.is_reachable);
    assert_int_equal(e.ways[0].kind, CJD_DHT_WAY_LINK);
    assert_int_equal(e.ways[0].outcome, CJD_DHT_SILENT);
    assert_says("no path to it works");
    assert_says("silent");
}

/* One teacher cannot fill what is remembered of a node, nor of others: short ways stay. */
static void test_short_ways_stay(void **state)
{
    struct cjd_message_node n[8];
    uint64_t label = name_target();

    (void)state;
    for (uint32_t i = 0; i < 8; i++) {
        n[i] = entry(&target, 0x3000000000017ull + ((uint64_t)i << 8));
    }
    solo_peer(s, &other);
    struct solo_sent *q = solo_next_query(s, &other.addr, &m);
    assert_non_null(q);
    solo_answer(s, q, n, 8, 0);
    explain(&target.addr);
    assert_in_range(e.way_count, 1, 2);
    bool is_kept = false;
    for (uint32_t i = 0; i < e.way_count; i++) {
        is_kept = is_kept || e.ways[i].label == label;
    }
    assert_true(is_kept);
}

static void test_text_too_long(void **state)
{
    (void)state;
    solo_peer(s, &peer);
    explain(&peer.addr);
    for (size_t cap = 1; cap <= strlen(text); cap++) {
        char *small = malloc(cap);
        assert_non_null(small);
        assert_int_equal(cjd_dht_explain_text(&e, s->now_ns, small, cap), CJD_ERR_TOO_LONG);
        free(small);
    }
}

/* Peers up, each naming others: background questions stay within one budget for all. */
static void test_budget_for_all(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        struct cjd_dht_contact p = solo_node(s, cjd_scheme_peer_label(cjd_scheme_358(), i + 2));
        solo_peer(s, &p);
    }
    for (uint32_t turn = 0; turn < 400; turn++) {
        struct solo_sent *q = NULL;
        while (s->sent_count < SOLO_SENT_MAX - 64 && (q = solo_next_query(s, NULL, &m))) {
            struct cjd_message_node n[7];
            for (uint32_t i = 0; i < 7; i++) {
                struct cjd_dht_contact x = solo_node(s, 0);
                n[i] = entry(&x, 0x13 + 2 * i);
            }
            solo_answer(s, q, n, 7, 0);
        }
        solo_run(s, 10 * CJD_MS);
    }
    /* 40 first questions are urgent; then 80 at once and 10 a second, four seconds long. */
    assert_in_range(queries(), 80, 40 + 80 + 10 * 4 + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hearsay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_heard_way_is_tried_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_way_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_short_ways_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_budget_for_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
