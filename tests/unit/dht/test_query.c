/* Questions: what they look like, what counts as an answer, when they are given up, how many. */
#include "solo.h"

#include <base/wire.h>
#include <dht/private.h>

#define PEER 0x13u

static struct solo *s;
static struct cjd_dht_contact peer;

static int setup(void **state)
{
    (void)state;
    s = solo_new(7, NULL);
    peer = solo_node(s, PEER);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    solo_free(s);
    return 0;
}

static uint64_t replies(void)
{
    struct cjd_dht_stats stats;
    cjd_dht_stats(s->dht, &stats);
    return stats.replies_received;
}

static void test_peer_up_asks_at_once(void **state)
{
    struct cjd_message m;

    (void)state;
    cjd_dht_peer_up(s->dht, &peer, 0, s->now_ns);
    struct solo_sent *q = solo_next_query(s, &peer.addr, &m);
    assert_non_null(q);
    assert_int_equal(q->at_ns, s->now_ns);
    assert_int_equal(q->to.label, PEER);
    assert_int_equal(m.method, CJD_METHOD_GP);
    assert_int_equal(m.target_len, 8);
    assert_int_equal(cjd_load64(m.target), 0);
    assert_int_equal(m.version, 21);
    assert_int_equal(m.form, 0);
    assert_true(cjd_scheme_equal(&m.scheme, cjd_scheme_358()));
    /* "00", four bytes of handle, eight of chance (§3.2). */
    assert_int_equal(m.txid_len, 14);
    assert_memory_equal(m.txid, "00", 2);
    assert_null(solo_next_query(s, NULL, &m));
}

/* `ei`: the form of the first director of the label in use. */
static void test_form_follows_the_label(void **state)
{
    static const uint32_t ifaces[] = {0, 7, 8, 32, 33, 256};
    static const int forms[] = {0, 0, 1, 1, 2, 2};
    struct cjd_message m;

    (void)state;
    for (size_t i = 0; i < sizeof ifaces / sizeof ifaces[0]; i++) {
        struct cjd_dht_contact c = solo_node(s, cjd_scheme_peer_label(cjd_scheme_358(), ifaces[i]));
        cjd_dht_ping(s->dht, &c, s->now_ns);
        assert_non_null(solo_next_query(s, &c.addr, &m));
        assert_int_equal(m.form, forms[i]);
        solo_query(s, &c, "pn", NULL, 0);
        solo_last_reply(s, &m);
        assert_int_equal(m.form, forms[i]);
    }
}

static void test_txids_differ(void **state)
{
    struct cjd_message m;
    uint8_t seen[50][14];

    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        struct cjd_dht_contact c = solo_node(s, PEER);
        cjd_dht_ping(s->dht, &c, s->now_ns);
        if (!solo_next_query(s, &c.addr, &m)) {
            fail_msg("ping %u was not sent", i);
        }
        memcpy(seen[i], m.txid, 14);
        for (uint32_t k = 0; k < i; k++) {
            assert_memory_not_equal(seen[k] + 6, seen[i] + 6, 8);
        }
    }
}

/* Only a reply with the whole txid, from the node that was asked, counts; and only once. */
static void test_what_counts_as_an_answer(void **state)
{
    struct cjd_message m;
    struct cjd_dht_contact stranger = solo_node(s, PEER);
    uint8_t txid[14];

    (void)state;
    cjd_dht_peer_up(s->dht, &peer, 0, s->now_ns);
    struct solo_sent *q = solo_next_query(s, &peer.addr, &m);
    memcpy(txid, m.txid, sizeof txid);
    for (size_t i = 2; i < sizeof txid; i++) {
        struct cjd_message bad = {.txid = txid, .txid_len = sizeof txid};
        txid[i] ^= 1;
        solo_message(s, &peer, &bad);
        txid[i] ^= 1;
    }
    struct cjd_message cut = {.txid = txid, .txid_len = sizeof txid - 1};
    solo_message(s, &peer, &cut);
    struct cjd_message right = {.txid = txid, .txid_len = sizeof txid};
    solo_message(s, &stranger, &right);
    assert_int_equal(replies(), 0);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_UNEXPECTED], 12 + 1 + 1);
    solo_answer(s, q, NULL, 0, 0);
    assert_int_equal(replies(), 1);
    solo_answer(s, q, NULL, 0, 0);
    assert_int_equal(replies(), 1);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_UNEXPECTED], 15);
}

/* A malformed or incompatible reply is no answer; the right one may still come. */
static void test_bad_replies_are_dropped(void **state)
{
    struct cjd_message m;

    (void)state;
    cjd_dht_peer_up(s->dht, &peer, 0, s->now_ns);
    struct solo_sent *q = solo_next_query(s, &peer.addr, &m);
    struct cjd_message old = {.txid = m.txid, .txid_len = m.txid_len, .version = 19};
    solo_message(s, &peer, &old);
    struct cjd_message form = {.txid = m.txid, .txid_len = m.txid_len, .form = 3};
    solo_message(s, &peer, &form);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_MALFORMED], 2);
    assert_int_equal(replies(), 0);
    solo_answer(s, q, NULL, 0, 0);
    assert_int_equal(replies(), 1);
}

static void test_silent_peer_is_asked_again_soon(void **state)
{
    (void)state;
    cjd_dht_peer_up(s->dht, &peer, 0, s->now_ns);
    solo_run(s, 500 * CJD_MS);
    assert_int_equal(solo_count_queries(s, 0, &peer.addr), 1);
    solo_run(s, 1500 * CJD_MS);
    uint32_t early = solo_count_queries(s, 0, &peer.addr);
    assert_in_range(early, 3, 8);
    /* And less and less often. */
    solo_run(s, 60 * CJD_S);
    assert_in_range(solo_count_queries(s, early, &peer.addr), 5, 30);
}

/* The first timeout is short, but an answer that comes later still counts. */
static void test_late_answer_counts(void **state)
{
    struct cjd_message m;
    struct cjd_dht_stats stats;

    (void)state;
    cjd_dht_ping(s->dht, &peer, s->now_ns);
    struct solo_sent *q = solo_next_query(s, &peer.addr, &m);
    solo_run(s, 399 * CJD_MS);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.timeouts, 0);
    solo_run(s, 101 * CJD_MS);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.timeouts, 1);
    solo_run(s, 3 * CJD_S);
    solo_answer(s, q, NULL, 0, 0);
    assert_int_equal(replies(), 1);
    assert_non_null(solo_last_event(s, SOLO_PATH, &peer.addr));
}

static void test_forgotten_answer_does_not_count(void **state)
{
    struct cjd_message m;

    (void)state;
    cjd_dht_ping(s->dht, &peer, s->now_ns);
    struct solo_sent *q = solo_next_query(s, &peer.addr, &m);
    solo_run(s, 6 * CJD_S);
    solo_answer(s, q, NULL, 0, 0);
    assert_int_equal(replies(), 0);
}

/* Not to ourselves, not over labels that lead nowhere. */
static void test_what_is_not_asked(void **state)
{
    struct cjd_dht_contact c = s->me;

    (void)state;
    c.label = PEER;
    cjd_dht_ping(s->dht, &c, s->now_ns);
    c = solo_node(s, 1);
    cjd_dht_ping(s->dht, &c, s->now_ns);
    c.label = 0;
    cjd_dht_ping(s->dht, &c, s->now_ns);
    c.label = 1ull << 60 | 3;
    cjd_dht_ping(s->dht, &c, s->now_ns);
    c.label = 0x131; /* begins with ourselves */
    cjd_dht_ping(s->dht, &c, s->now_ns);
    assert_int_equal(s->sent_count, 0);
}

static void test_one_ping_under_way(void **state)
{
    (void)state;
    cjd_dht_ping(s->dht, &peer, s->now_ns);
    cjd_dht_ping(s->dht, &peer, s->now_ns);
    assert_int_equal(s->sent_count, 1);
    struct cjd_dht_contact other = peer;
    other.label = 0x15;
    cjd_dht_ping(s->dht, &other, s->now_ns);
    assert_int_equal(s->sent_count, 2);
}

/* Whatever is asked of us, a neighbour is not flooded: ten a second in the long run. */
static void test_rate_per_neighbour(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 60 * 100; i++) {
        struct cjd_dht_contact c = solo_node(s, 0x153);
        cjd_dht_ping(s->dht, &c, s->now_ns);
        solo_run(s, 10 * CJD_MS);
        if (i == 3000) {
            assert_in_range(s->sent_count, 200, 64 + 10 * 31);
        }
    }
    assert_in_range(s->sent_count, 64 + 7 * 60, 64 + 10 * 60);
    assert_true(s->drops.count[CJD_DROP_DHT_RATE] > 5000);
}

/* Users wait for handshakes: they come before all that the router asks for itself, out of the same
 * ten a second. */
static void test_handshakes_come_first(void **state)
{
    uint32_t refused = 0;

    (void)state;
    for (uint32_t i = 0; i < 60 * 100; i++) {
        struct cjd_question q = {.to = solo_node(s, 0x153),
                                 .purpose = CJD_ASK_DOUBT,
                                 .method = CJD_METHOD_PN,
                                 .urgency = CJD_URGENT};
        (void)!cjd_query_send(s->dht, &q, s->now_ns);
        if (i >= 2000 && i % 25 == 0) {
            struct cjd_dht_contact c = solo_node(s, 0x153);
            refused += !cjd_dht_ping(s->dht, &c, s->now_ns);
        }
        solo_run(s, 10 * CJD_MS);
    }
    assert_int_equal(refused, 0);
    assert_in_range(s->sent_count, 64 + 7 * 60, 64 + 10 * 60);
}

/* The table of questions is bounded; what is late makes room for what is new. */
static void test_bounded_table(void **state)
{
    struct cjd_dht_limits limits = {.queries = 8};
    struct solo *small = solo_new(8, &limits);
    uint32_t ifaces = 40;

    (void)state;
    for (uint32_t i = 2; i < ifaces; i++) {
        struct cjd_dht_contact c = solo_node(small, cjd_scheme_peer_label(cjd_scheme_358(), i));
        cjd_dht_ping(small->dht, &c, small->now_ns);
    }
    assert_int_equal(small->sent_count, 8);
    solo_run(small, 600 * CJD_MS);
    for (uint32_t i = 2; i < ifaces; i++) {
        struct cjd_dht_contact c = solo_node(small, cjd_scheme_peer_label(cjd_scheme_358(), i));
        cjd_dht_ping(small->dht, &c, small->now_ns);
    }
    assert_int_equal(small->sent_count, 16);
    solo_free(small);
}

/* Messages of the supernode protocol are left alone: no answer, no count. */
static void test_supernode_is_left_alone(void **state)
{
    static const char query[] = "d2:eii0e1:pi21e2:sq2:pn4:txid4:01abe";
    static const char reply[] = "d2:eii0e1:pi21e4:txid4:01abe";

    (void)state;
    cjd_dht_message(s->dht, &peer, (const uint8_t *)query, sizeof query - 1, s->now_ns);
    cjd_dht_message(s->dht, &peer, (const uint8_t *)reply, sizeof reply - 1, s->now_ns);
    assert_int_equal(s->sent_count, 0);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_MALFORMED], 0);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_UNEXPECTED], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_peer_up_asks_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_form_follows_the_label, setup, teardown),
        cmocka_unit_test_setup_teardown(test_txids_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_counts_as_an_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_replies_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent_peer_is_asked_again_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_answer_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten_answer_does_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_ping_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rate_per_neighbour, setup, teardown),
        cmocka_unit_test_setup_teardown(test_handshakes_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounded_table, setup, teardown),
        cmocka_unit_test_setup_teardown(test_supernode_is_left_alone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
