/* What differs in a large network: not everything is asked (router notes §12). */
#include "solo.h"

#include <base/wire.h>

#define PEERS 6u
#define NEAR  12u /* nodes behind each peer */

static struct solo *s;
static struct cjd_dht_contact peers[PEERS];
static struct cjd_message m;

static uint64_t hop(uint32_t iface)
{
    return cjd_scheme_peer_label(cjd_scheme_358(), iface);
}

static struct cjd_message_node entry(const struct cjd_dht_contact *c, uint64_t label)
{
    return (struct cjd_message_node){.key = c->key, .label = label, .version = 21};
}

static bool is_to(const struct solo_sent *q, const struct cjd_dht_contact *c)
{
    return memcmp(&q->to.addr, &c->addr, sizeof c->addr) == 0;
}

/* Everything is answered at once, without naming anybody. */
static void answer_all(void)
{
    struct solo_sent *q;

    while ((q = solo_next_query(s, NULL, &m))) {
        solo_answer(s, q, NULL, 0, 0);
    }
}

/* Peers, and so many nodes behind them that the network counts as a large one. */
static int setup(void **state)
{
    struct cjd_dht_stats stats;

    (void)state;
    s = solo_new(77, NULL);
    for (uint32_t i = 0; i < PEERS; i++) {
        peers[i] = solo_node(s, hop(i + 2));
        solo_peer(s, &peers[i]);
    }
    answer_all();
    for (uint32_t i = 0; i < PEERS * NEAR; i++) {
        struct cjd_dht_contact x =
            solo_node(s, cjd_label_splice(hop(i / PEERS + 2), peers[i % PEERS].label));
        cjd_dht_path_hint(s->dht, &x, s->now_ns);
        answer_all();
        solo_run(s, 200 * CJD_MS);
        answer_all();
    }
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.nodes, PEERS + PEERS * NEAR);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    solo_free(s);
    return 0;
}

/* The next question to that node by that method; NULL: none. Others are answered. */
static struct solo_sent *next_query(const struct cjd_dht_contact *c, enum cjd_method method)
{
    struct solo_sent *q;

    while ((q = solo_next_query(s, NULL, &m)) && (!is_to(q, c) || m.method != method)) {
        solo_answer(s, q, NULL, 0, 0);
    }
    return q;
}

/* The next question to one of the peers; all others are answered. */
static struct solo_sent *question_to(const struct cjd_dht_contact *c)
{
    for (uint32_t i = 0; i < 600; i++) {
        struct solo_sent *q;
        while ((q = solo_next_query(s, NULL, &m))) {
            if (is_to(q, c) && m.method == CJD_METHOD_GP) {
                return q;
            }
            solo_answer(s, q, NULL, 0, 0);
        }
        solo_run(s, 500 * CJD_MS);
    }
    fail_msg("was not asked");
    return NULL;
}

/* Uses up what can be asked at once; all in the half of the key space that is not ours. */
static void exhaust(void)
{
    for (uint32_t i = 0; i < 250; i++) {
        struct cjd_dht_contact x =
            solo_node(s, cjd_label_splice(hop(i % 30 + 40), peers[i % PEERS].label));
        x.key.b[8] = s->me.addr.b[8] ^ 0x80;
        (void)solo_addr_of_key(&x.addr, &x.key);
        cjd_dht_path_hint(s->dht, &x, s->now_ns);
    }
}

/* A node that became known while a longer way to it was waiting is asked no second time. */
static void test_known_meanwhile(void **state)
{
    struct cjd_dht_contact far = solo_node(s, cjd_label_splice(hop(50), peers[1].label));
    struct cjd_dht_contact x = solo_node(s, 0);
    struct cjd_message_node list = entry(&x, hop(30));

    (void)state;
    struct solo_sent *near = question_to(&peers[0]);
    cjd_dht_path_hint(s->dht, &far, s->now_ns);
    struct solo_sent *late = solo_next_query(s, &far.addr, &m);
    assert_non_null(late);
    exhaust();
    solo_run(s, 200 * CJD_MS);
    solo_answer(s, late, &list, 1, 0);
    solo_answer(s, near, &list, 1, 0);
    assert_int_equal(solo_count_queries(s, 0, &x.addr), 0);
    for (uint32_t i = 0; i < 4000; i++) {
        solo_run(s, 10 * CJD_MS);
        answer_all();
    }
    assert_int_equal(solo_count_queries(s, 0, &x.addr), 1);
}

/* Which of the questions from there on went to that node? SOLO_SENT_MAX: none. */
static uint32_t place_of(uint32_t from, const struct cjd_dht_contact *c)
{
    for (uint32_t i = from; i < s->sent_count; i++) {
        if (is_to(&s->sent[i], c)) {
            return i - from;
        }
    }
    return SOLO_SENT_MAX;
}

/* A node of a distance where few are known is asked before all that wait. */
static void test_rare_distances_first(void **state)
{
    struct cjd_dht_contact x = solo_node(s, cjd_label_splice(hop(70), peers[3].label));

    (void)state;
    /* Address bytes 8 to 15 come first in the key space. */
    memcpy(x.key.b + 8, s->me.addr.b + 8, 2);
    (void)solo_addr_of_key(&x.addr, &x.key);
    exhaust();
    answer_all();
    uint32_t from = s->sent_count;
    cjd_dht_path_hint(s->dht, &x, s->now_ns);
    solo_run(s, 1 * CJD_S);
    assert_in_range(place_of(from, &x), 0, 2);
}

/* A link that most likely makes the path to a known node quicker is tried before unknown nodes. */
static void test_shortcuts_first(void **state)
{
    struct cjd_dht_contact x = solo_node(s, cjd_label_splice(hop(70), peers[3].label));
    struct cjd_message_node list = entry(&x, hop(71));

    (void)state;
    struct solo_sent *near = question_to(&peers[0]);
    cjd_dht_path_hint(s->dht, &x, s->now_ns);
    struct solo_sent *q = solo_next_query(s, &x.addr, &m);
    assert_non_null(q);
    solo_run(s, 300 * CJD_MS);
    solo_answer(s, q, NULL, 0, 0);
    exhaust();
    answer_all();
    uint32_t from = s->sent_count;
    solo_answer(s, near, &list, 1, 0);
    solo_run(s, 1 * CJD_S);
    uint32_t place = place_of(from, &x);
    assert_in_range(place, 0, 2);
    assert_int_equal(s->sent[from + place].to.label, cjd_label_splice(hop(71), peers[0].label));
}

/* A question over a path that is known to be slow is not called unanswered too early. */
static void test_slow_paths_have_time(void **state)
{
    struct cjd_dht_contact slow = solo_node(s, hop(20));
    struct cjd_dht_contact x = solo_node(s, cjd_label_splice(hop(2), slow.label));
    struct cjd_dht_stats before;
    struct cjd_dht_stats after;

    (void)state;
    solo_run(s, 5 * CJD_S);
    cjd_dht_peer_up(s->dht, &slow, 600 * CJD_MS, s->now_ns);
    solo_peer(s, &slow);
    cjd_dht_path_hint(s->dht, &x, s->now_ns);
    assert_non_null(solo_next_query(s, &x.addr, &m));
    uint32_t from = s->sent_count;
    cjd_dht_stats(s->dht, &before);
    for (uint32_t i = 0; i < 80; i++) {
        solo_run(s, 10 * CJD_MS);
        answer_all();
    }
    cjd_dht_stats(s->dht, &after);
    assert_int_equal(after.timeouts, before.timeouts);
    assert_int_equal(solo_count_queries(s, from, &x.addr), 0);
    solo_run(s, 200 * CJD_MS);
    cjd_dht_stats(s->dht, &after);
    assert_int_equal(after.timeouts, before.timeouts + 1);
}

/* When nothing is new, there is little to ask. */
static void test_quiet_in_the_end(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        solo_run(s, 100 * CJD_MS);
        answer_all();
    }
    uint32_t from = s->sent_count;
    for (uint32_t i = 0; i < 3000; i++) {
        solo_run(s, 100 * CJD_MS);
        answer_all();
    }
    /* Five minutes; six peers and 72 nodes. */
    assert_in_range(solo_count_queries(s, from, NULL), 10, 150);
}

/* --- better paths to who is wanted -------------------------------------------------------------
 */

/* A node behind a peer, known by the best path there is. */
static struct cjd_dht_contact near_node(uint32_t peer)
{
    struct cjd_dht_contact x = solo_node(s, cjd_label_splice(hop(60), peers[peer].label));

    cjd_dht_path_hint(s->dht, &x, s->now_ns);
    answer_all();
    return x;
}

/* Searches for a node and finds it by a slow way; returns its answer's query, still open. */
static struct solo_sent *find_slowly(const struct cjd_dht_contact *target)
{
    struct cjd_message_node list = entry(target, 0x17395);
    struct solo_sent *q;

    cjd_dht_want(s->dht, &target->addr, s->now_ns);
    while ((q = solo_next_query(s, NULL, &m)) && m.method != CJD_METHOD_FN) {
        solo_answer(s, q, NULL, 0, 0);
    }
    assert_non_null(q);
    solo_answer(s, q, &list, 1, 0);
    q = next_query(target, CJD_METHOD_GP);
    assert_non_null(q);
    solo_run(s, 350 * CJD_MS);
    return q;
}

static void expect_shorter(const struct cjd_dht_contact *target,
                           const struct cjd_dht_contact *helper)
{
    struct cjd_message_node list = entry(target, hop(4));
    struct cjd_dht_path best;

    struct solo_sent *q = next_query(helper, CJD_METHOD_FN);
    assert_non_null(q);
    assert_memory_equal(m.target, target->addr.b, sizeof target->addr.b);
    solo_answer(s, q, &list, 1, 0);
    q = next_query(target, CJD_METHOD_PN);
    assert_non_null(q);
    assert_int_equal(q->to.label, cjd_label_splice(hop(4), helper->label));
    solo_answer(s, q, NULL, 0, 0);
    assert_true(cjd_dht_best(s->dht, &target->addr, &best));
    assert_int_equal(best.to.label, cjd_label_splice(hop(4), helper->label));
}

/* The target names a peer of its own that is known here: it is asked for its way there. */
static void test_by_way_of_its_peers(void **state)
{
    struct cjd_dht_contact helper = near_node(1);
    struct cjd_dht_contact target = solo_node(s, 0);
    struct cjd_message_node list = entry(&helper, hop(12));

    (void)state;
    solo_answer(s, find_slowly(&target), &list, 1, 0);
    expect_shorter(&target, &helper);
}

/* None of its peers is known: those of its peers are. */
static void test_by_way_of_the_peers_of_its_peers(void **state)
{
    struct cjd_dht_contact helper = near_node(2);
    struct cjd_dht_contact stranger = solo_node(s, 0);
    struct cjd_dht_contact target = solo_node(s, 0);
    struct cjd_message_node list = entry(&stranger, hop(12));

    (void)state;
    struct solo_sent *q = find_slowly(&target);
    uint64_t way = q->to.label;
    solo_answer(s, q, &list, 1, 0);
    q = next_query(&stranger, CJD_METHOD_GP);
    assert_non_null(q);
    assert_int_equal(q->to.label, cjd_label_splice(hop(12), way));
    list = entry(&helper, hop(13));
    solo_answer(s, q, &list, 1, 0);
    expect_shorter(&target, &helper);
}

static uint32_t count_fn(const struct cjd_dht_contact *target)
{
    uint32_t count = 0;
    struct solo_sent *q;

    while ((q = solo_next_query(s, NULL, &m))) {
        count += m.method == CJD_METHOD_FN && memcmp(m.target, target->addr.b, 16) == 0;
        solo_answer(s, q, NULL, 0, 0);
    }
    return count;
}

/* Once, and not again for a while, however often somebody asks for it. */
static void test_not_again_soon(void **state)
{
    struct cjd_dht_contact helper = near_node(1);
    struct cjd_dht_contact target = solo_node(s, 0);
    struct cjd_message_node list = entry(&helper, hop(12));

    (void)state;
    solo_answer(s, find_slowly(&target), &list, 1, 0);
    expect_shorter(&target, &helper);
    answer_all();
    for (uint32_t i = 0; i < 20; i++) {
        cjd_dht_want(s->dht, &target.addr, s->now_ns);
        assert_int_equal(count_fn(&target), 0);
        solo_run(s, 1 * CJD_S);
    }
}

/* However many peers it names, and however many of those are known. */
static void test_few_questions(void **state)
{
    struct cjd_dht_contact target = solo_node(s, 0);
    struct cjd_message_node list[8];

    (void)state;
    for (uint32_t i = 0; i < 8; i++) {
        struct cjd_dht_contact x = near_node(i % PEERS);
        list[i] = entry(&x, hop(10 + i));
    }
    solo_answer(s, find_slowly(&target), list, 8, 0);
    /* Four of them, besides what the search may have asked. */
    assert_in_range(count_fn(&target), 4, 6);
}

/* The other end has found a better path, and its packets come by it: that way is tried. */
static void test_better_paths_of_the_other_end(void **state)
{
    struct cjd_dht_contact helper = near_node(1);
    struct cjd_dht_contact target = solo_node(s, 0);
    struct cjd_dht_path best;

    (void)state;
    solo_answer(s, find_slowly(&target), NULL, 0, 0);
    answer_all();
    target.label = cjd_label_splice(cjd_label_splice(hop(3), hop(2)), helper.label);
    cjd_dht_path_hint(s->dht, &target, s->now_ns);
    struct solo_sent *q = next_query(&target, CJD_METHOD_PN);
    assert_non_null(q);
    assert_int_equal(q->to.label, target.label);
    solo_answer(s, q, NULL, 0, 0);
    assert_true(cjd_dht_best(s->dht, &target.addr, &best));
    assert_int_equal(best.to.label, target.label);
}

/* --- searches ----------------------------------------------------------------------------------
 */

/* The nearest in the key space know nothing of it: some others are asked as well. */
static void test_others_are_asked_in_the_end(void **state)
{
    struct cjd_dht_contact target = solo_node(s, 0);
    uint32_t asked = 0;

    (void)state;
    cjd_dht_want(s->dht, &target.addr, s->now_ns);
    for (uint32_t i = 0; i < 40; i++) {
        asked += count_fn(&target);
        solo_run(s, 20 * CJD_MS);
    }
    assert_int_equal(asked, 8 + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_known_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rare_distances_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shortcuts_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_paths_have_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quiet_in_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_by_way_of_its_peers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_by_way_of_the_peers_of_its_peers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_again_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(test_few_questions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_better_paths_of_the_other_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others_are_asked_in_the_end, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
