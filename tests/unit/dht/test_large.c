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

/* Uses up what can be asked at once. */
static void exhaust(void)
{
    for (uint32_t i = 0; i < 250; i++) {
        struct cjd_dht_contact x =
            solo_node(s, cjd_label_splice(hop(i % 30 + 40), peers[i % PEERS].label));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_known_meanwhile, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
