/* Iterative search (router notes §8, §12), with the test as the network. */
#include "solo.h"

#include <base/wire.h>

#define PEERS 6u

static struct solo *s;
static struct cjd_dht_contact peers[PEERS];
static struct cjd_dht_contact target;
static struct cjd_message m;

/* Peers that have answered everything asked so far. */
static int setup(void **state)
{
    struct solo_sent *q;

    (void)state;
    s = solo_new(21, NULL);
    for (uint32_t i = 0; i < PEERS; i++) {
        peers[i] = solo_node(s, cjd_scheme_peer_label(cjd_scheme_358(), i + 2));
        solo_peer(s, &peers[i]);
    }
    while ((q = solo_next_query(s, NULL, &m))) {
        solo_answer(s, q, NULL, 0, 0);
    }
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

/* The next question of a search; whatever else is asked meanwhile is answered. */
static struct solo_sent *next_fn(void)
{
    struct solo_sent *q;

    while ((q = solo_next_query(s, NULL, &m)) && m.method != CJD_METHOD_FN) {
        solo_answer(s, q, NULL, 0, 0);
    }
    return q;
}

static uint32_t count_done(bool was_found)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->event_count; i++) {
        n += s->events[i].kind == SOLO_DONE && s->events[i].was_found == was_found;
    }
    return n;
}

static void test_three_at_a_time_nearest_first(void **state)
{
    struct cjd_addr asked[3];

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    for (uint32_t i = 0; i < 3; i++) {
        struct solo_sent *q = next_fn();
        assert_non_null(q);
        assert_int_equal(m.target_len, 16);
        assert_memory_equal(m.target, target.addr.b, 16);
        asked[i] = q->to.addr;
    }
    assert_null(next_fn());
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t d = cjd_load64(asked[i].b + 8) ^ cjd_load64(target.addr.b + 8);
        uint32_t nearer = 0;
        for (uint32_t k = 0; k < PEERS; k++) {
            nearer += (cjd_load64(peers[k].addr.b + 8) ^ cjd_load64(target.addr.b + 8)) < d;
        }
        assert_int_equal(nearer, i);
    }
}

/* However many ask. */
static void test_one_search_per_target(void **state)
{
    struct cjd_dht_stats stats;

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        cjd_dht_want(s->dht, &target.addr, s->now_ns);
    }
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.searches_started, 1);
    assert_int_equal(stats.searches_running, 1);
    struct cjd_dht_search_info info;
    assert_true(cjd_dht_search_at(s->dht, 0, &info));
    assert_memory_equal(&info.target, &target.addr, sizeof info.target);
    assert_int_equal(info.requests, 3);
    assert_false(cjd_dht_search_at(s->dht, 1, &info));
}

/* A way is named, tried, and only its own answer is reported: at once. */
static void test_found(void **state)
{
    struct cjd_dht_path best;

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    struct solo_sent *q = next_fn();
    struct cjd_message_node n = entry(&target, 0x17);
    uint64_t path = cjd_label_splice(0x17, q->to.label);
    solo_answer(s, q, &n, 1, 0);
    assert_null(solo_last_event(s, SOLO_PATH, &target.addr));
    assert_false(cjd_dht_best(s->dht, &target.addr, &best));
    struct solo_sent *tried = solo_next_query(s, &target.addr, &m);
    assert_non_null(tried);
    assert_int_equal(tried->to.label, path);
    assert_memory_equal(&tried->to.key, &target.key, sizeof target.key);
    solo_run(s, 5 * CJD_MS);
    solo_answer(s, tried, NULL, 0, 0);
    const struct solo_event *e = solo_last_event(s, SOLO_PATH, &target.addr);
    assert_non_null(e);
    assert_int_equal(e->label, path);
    assert_int_equal(e->at_ns, s->now_ns);
    assert_true(cjd_dht_best(s->dht, &target.addr, &best));
    assert_int_equal(best.to.label, path);
    e = solo_last_event(s, SOLO_DONE, &target.addr);
    assert_non_null(e);
    assert_true(e->was_found);
    assert_int_equal(count_done(true) + count_done(false), 1);
}

/* Several ways: all are tried, the first that answers wins. */
static void test_other_ways_are_tried(void **state)
{
    struct cjd_message_node ways[3] = {entry(&target, 0x1b), entry(&target, 0x19),
                                       entry(&target, 0x17)};
    uint64_t labels[3];

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    struct solo_sent *q = next_fn();
    solo_answer(s, q, ways, 3, 0);
    struct solo_sent *last = NULL;
    for (uint32_t i = 0; i < 3; i++) {
        last = solo_next_query(s, &target.addr, &m);
        assert_non_null(last);
        labels[i] = last->to.label;
    }
    assert_true(labels[0] != labels[1] && labels[1] != labels[2] && labels[0] != labels[2]);
    solo_answer(s, last, NULL, 0, 0);
    assert_true(solo_last_event(s, SOLO_DONE, &target.addr)->was_found);
}

/* Silent nodes do not hold it up: the next ones are asked within half a second. */
static void test_progress_past_silent_nodes(void **state)
{
    uint32_t asked = 0;

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    while (next_fn()) {
        asked++;
    }
    assert_int_equal(asked, 3);
    solo_run(s, 500 * CJD_MS);
    while (next_fn()) {
        asked++;
    }
    assert_true(asked >= 6);
}

/* An answer that comes after the silence is still used. */
static void test_late_answers_help(void **state)
{
    struct cjd_message_node n = entry(&target, 0x17);

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    struct solo_sent *q = next_fn();
    solo_run(s, 700 * CJD_MS);
    solo_answer(s, q, &n, 1, 0);
    assert_non_null(solo_next_query(s, &target.addr, &m));
}

static void test_nodes_named_are_asked_too(void **state)
{
    struct cjd_dht_contact near = solo_node(s, 0);

    (void)state;
    /* As near to the target as can be. */
    near.addr = target.addr;
    near.addr.b[7] ^= 1;
    memcpy(near.key.b, near.addr.b, sizeof near.addr.b);
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    struct solo_sent *q = next_fn();
    struct cjd_message_node n = entry(&near, 0x17);
    uint64_t path = cjd_label_splice(0x17, q->to.label);
    solo_answer(s, q, &n, 1, 0);
    struct solo_sent *next = NULL;
    while ((next = solo_next_query(s, &near.addr, &m)) && m.method != CJD_METHOD_FN) {
    }
    assert_non_null(next);
    assert_int_equal(next->to.label, path);
}

/* Our own key, keys without address, bad labels and versions in a list are skipped. */
static void test_bad_entries_are_skipped(void **state)
{
    struct cjd_dht_contact bad = solo_node(s, 0);
    struct cjd_message_node list[8];
    struct cjd_dht_contact x[8];

    (void)state;
    for (uint32_t i = 0; i < 8; i++) {
        x[i] = solo_node(s, 0);
        list[i] = entry(&x[i], 0x17);
    }
    bad.key.b[0] = 0xfd;
    list[0].key = s->me.key;
    list[1].key = bad.key;
    list[2].label = 0;
    list[3].label = 1ull << 60 | 7;
    list[4].version = 19;
    list[5].version = 0;
    list[6].label = 0x171; /* begins with the teller itself */
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    struct solo_sent *q = next_fn();
    solo_answer(s, q, list, 8, 0);
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(solo_count_queries(s, 0, &x[i].addr), 0);
    }
    assert_true(solo_count_queries(s, 0, &x[7].addr) > 0);
    assert_int_equal(solo_count_queries(s, 0, &s->me.addr), 0);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_OWN], 1);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_IMPOSSIBLE], 6);
}

/* Behind the teller, a way of that many hops over second interfaces. */
static uint64_t long_label(uint32_t hops)
{
    uint64_t label = 1;

    for (uint32_t i = 0; i < hops; i++) {
        label = cjd_label_splice(label, 0x15);
    }
    return label;
}

/* The next question for the peer behind the second interface of that node; others are answered. */
static struct solo_sent *next_step(const struct cjd_dht_contact *c)
{
    struct solo_sent *q;

    while ((q = solo_next_query(s, &c->addr, &m))) {
        if (m.method == CJD_METHOD_GP && cjd_load64(m.target) == 0x15) {
            return q;
        }
        solo_answer(s, q, NULL, 0, 0);
    }
    return NULL;
}

/* A way that is too long is followed hop by hop until it passes somebody we have a short path to.
 */
static void test_long_ways_are_followed(void **state)
{
    struct cjd_dht_contact between = solo_node(s, 0);
    struct cjd_message_node list;
    struct solo_sent *q;

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    q = next_fn();
    struct cjd_dht_contact teller = q->to;
    list = entry(&target, long_label(14));
    solo_answer(s, q, &list, 1, 0);
    assert_int_equal(solo_count_queries(s, 0, &target.addr), 0);
    q = next_step(&teller);
    assert_non_null(q);
    list = entry(&between, 0x15);
    solo_answer(s, q, &list, 1, 0);
    q = next_step(&between);
    assert_non_null(q);
    assert_int_equal(q->to.label, cjd_label_splice(0x15, teller.label));
    const struct cjd_dht_contact *known = &peers[0];
    if (memcmp(&known->addr, &teller.addr, sizeof teller.addr) == 0) {
        known = &peers[1];
    }
    list = entry(known, 0x15);
    solo_answer(s, q, &list, 1, 0);
    q = solo_next_query(s, &target.addr, &m);
    assert_non_null(q);
    assert_int_equal(q->to.label, cjd_label_splice(long_label(12), known->label));
    solo_answer(s, q, NULL, 0, 0);
    assert_int_equal(count_done(true), 1);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_LABEL], 0);
}

/* A hop that nobody names, and one that does not answer: given up and counted, the search goes on.
 */
static void test_long_ways_end(void **state)
{
    struct cjd_message_node list = entry(&target, long_label(14));

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    struct solo_sent *q = next_fn();
    struct cjd_dht_contact first = q->to;
    solo_answer(s, q, &list, 1, 0);
    q = next_step(&first);
    assert_non_null(q);
    solo_answer(s, q, NULL, 0, 0);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_LABEL], 1);
    q = next_fn();
    assert_non_null(q);
    solo_answer(s, q, &list, 1, 0);
    solo_run(s, 10 * CJD_S);
    assert_true(s->drops.count[CJD_DROP_DHT_LABEL] >= 2);
    assert_int_equal(count_done(false), 1);
    assert_int_equal(solo_count_queries(s, 0, &target.addr), 0);
}

/* Nobody searches for it: not a question more. */
static void test_long_ways_of_no_interest(void **state)
{
    struct cjd_dht_contact other = solo_node(s, 0);
    struct cjd_message_node list = entry(&other, long_label(14));

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    struct solo_sent *q = next_fn();
    solo_answer(s, q, &list, 1, 0);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_LABEL], 1);
    assert_null(next_step(&q->to));
}

/* §3.3: a director narrower than the teller's own for us has no way back. */
static void test_narrow_entries_are_skipped(void **state)
{
    struct cjd_dht_contact narrow = solo_node(s, 0);
    struct cjd_dht_contact wide = solo_node(s, 0);
    struct cjd_message_node list[2] = {entry(&narrow, 0x17), entry(&wide, 0x86)};

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    struct solo_sent *q = next_fn();
    solo_answer(s, q, list, 2, 1);
    assert_int_equal(solo_count_queries(s, 0, &narrow.addr), 0);
    assert_true(solo_count_queries(s, 0, &wide.addr) > 0);
}

static void test_not_found(void **state)
{
    struct solo_sent *q;

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    for (uint32_t i = 0; i < 40; i++) {
        while ((q = solo_next_query(s, NULL, &m))) {
            solo_answer(s, q, NULL, 0, 0);
        }
        solo_run(s, 50 * CJD_MS);
    }
    const struct solo_event *e = solo_last_event(s, SOLO_DONE, &target.addr);
    assert_non_null(e);
    assert_false(e->was_found);
    /* It waited a little for others to turn up. */
    assert_in_range(e->at_ns - 1000 * CJD_S, 1 * CJD_S, 2 * CJD_S);
}

static void test_negative_is_remembered_briefly(void **state)
{
    struct cjd_dht_stats stats;

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    while (count_done(false) == 0) {
        struct solo_sent *q;
        while ((q = solo_next_query(s, NULL, &m))) {
            solo_answer(s, q, NULL, 0, 0);
        }
        solo_run(s, 10 * CJD_MS);
    }
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    assert_int_equal(count_done(false), 1); /* not from inside the call */
    solo_run(s, 60 * CJD_MS);
    assert_int_equal(count_done(false), 2);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.searches_started, 1);
    while (next_fn()) {
        assert_memory_not_equal(m.target, target.addr.b, sizeof target.addr.b);
    }
    /* Somebody new: worth another try. */
    struct cjd_dht_contact late = solo_node(s, cjd_scheme_peer_label(cjd_scheme_358(), 20));
    solo_peer(s, &late);
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.searches_started, 2);
}

/* A search that began with nobody to ask goes on when somebody turns up. */
static void test_waits_for_company(void **state)
{
    struct solo *lone = solo_new(22, NULL);
    struct cjd_dht_contact peer = solo_node(lone, 0x13);
    struct cjd_message q;
    bool is_asked = false;

    (void)state;
    cjd_dht_want(lone->dht, &target.addr, lone->now_ns);
    assert_int_equal(lone->sent_count, 0);
    solo_run(lone, 800 * CJD_MS);
    solo_peer(lone, &peer);
    while (solo_next_query(lone, &peer.addr, &q)) {
        is_asked |= q.method == CJD_METHOD_FN;
    }
    assert_true(is_asked);
    assert_null(solo_last_event(lone, SOLO_DONE, &target.addr));
    solo_free(lone);
}

/* A node that answers pings but not fn is a client: not asked any more, but not given up either. */
static void test_clients_are_left_in_peace(void **state)
{
    struct cjd_dht_path best;
    uint32_t asked = 0;

    (void)state;
    for (uint32_t round = 0; round < 8; round++) {
        struct cjd_dht_contact x = solo_node(s, 0);
        cjd_dht_want(s->dht, &x.addr, s->now_ns);
        for (uint32_t i = 0; i < 70; i++) {
            struct solo_sent *q;
            while ((q = solo_next_query(s, NULL, &m))) {
                if (m.method != CJD_METHOD_FN) {
                    solo_answer(s, q, NULL, 0, 0);
                } else {
                    asked += round >= 4;
                }
            }
            solo_run(s, 100 * CJD_MS);
        }
    }
    /* Only the keyspace refresh still tries. */
    assert_in_range(asked, 0, 6);
    for (uint32_t i = 0; i < PEERS; i++) {
        assert_true(cjd_dht_best(s->dht, &peers[i].addr, &best));
        assert_null(solo_last_event(s, SOLO_DEAD, &peers[i].addr));
    }
}

/* More targets than there are places: the others wait until somebody asks again. */
static void test_bounded(void **state)
{
    struct cjd_dht_stats stats;

    (void)state;
    for (uint32_t i = 0; i < 500; i++) {
        struct cjd_dht_contact x = solo_node(s, 0);
        cjd_dht_want(s->dht, &x.addr, s->now_ns);
    }
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.searches_running, 32);
    solo_run(s, 10 * CJD_S);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.searches_running, 0);
    assert_int_equal(count_done(false), 32);
}

static void test_known_path_is_reported_at_once(void **state)
{
    uint32_t events = s->event_count;

    (void)state;
    cjd_dht_want(s->dht, &peers[0].addr, s->now_ns);
    assert_int_equal(s->event_count, events + 1);
    assert_int_equal(s->events[events].kind, SOLO_PATH);
    assert_true(s->events[events].is_peer);
    /* Old knowledge is verified on the way. */
    solo_run(s, 1 * CJD_S);
    struct solo_sent *q;
    while ((q = solo_next_query(s, NULL, &m))) {
        solo_answer(s, q, NULL, 0, 0);
    }
    solo_run(s, 25 * CJD_S);
    uint32_t sent = s->sent_count;
    cjd_dht_want(s->dht, &peers[0].addr, s->now_ns);
    assert_true(solo_count_queries(s, sent, &peers[0].addr) > 0);
    /* Ourselves: never. */
    cjd_dht_want(s->dht, &s->me.addr, s->now_ns);
    assert_null(solo_last_event(s, SOLO_DONE, &s->me.addr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_three_at_a_time_nearest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_search_per_target, setup, teardown),
        cmocka_unit_test_setup_teardown(test_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_ways_are_tried, setup, teardown),
        cmocka_unit_test_setup_teardown(test_progress_past_silent_nodes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_answers_help, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nodes_named_are_asked_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_entries_are_skipped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_ways_are_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_ways_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_ways_of_no_interest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_narrow_entries_are_skipped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_negative_is_remembered_briefly, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waits_for_company, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clients_are_left_in_peace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_known_path_is_reported_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
