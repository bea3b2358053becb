/* Paths under suspicion: verified, given up, replaced (router notes §7.6, §12). */
#include "solo.h"

#include <base/wire.h>
#include <switch/switch.h>

/*
 * Two ways to C and behind it D:  us ─ A ─ C ─ D   and, slower,   us ─ B ─ C.
 * Nodes answer unless the test has silenced them or one of their links.
 */
static struct solo *s;
static struct cjd_dht_contact a, b, c, d;
static struct cjd_message m;
static uint64_t dead_link; /* prefix of paths over which nothing comes back; 0: none */
static bool is_silent[4];

static uint64_t hop(uint32_t iface)
{
    return cjd_scheme_peer_label(cjd_scheme_358(), iface);
}

static struct cjd_message_node entry(const struct cjd_dht_contact *x, uint64_t label)
{
    return (struct cjd_message_node){.key = x->key, .label = label, .version = 21};
}

static bool is_node(const struct cjd_addr *addr, const struct cjd_dht_contact *x)
{
    return memcmp(addr, &x->addr, sizeof *addr) == 0;
}

static bool answers(const struct solo_sent *q)
{
    const struct cjd_dht_contact *all[4] = {&a, &b, &c, &d};

    for (uint32_t i = 0; i < 4; i++) {
        if (is_node(&q->to.addr, all[i])) {
            return !is_silent[i] &&
                   !(dead_link && cjd_label_routes_through(q->to.label, dead_link));
        }
    }
    return false;
}

/* Everybody answers what is asked, with their peers. */
static void answer(const struct solo_sent *q, bool is_gp)
{
    struct cjd_message_node of_a[] = {entry(&c, 0x17)};
    struct cjd_message_node of_b[] = {entry(&c, 0x19)};
    struct cjd_message_node of_c[] = {entry(&d, 0x1b)};

    if (!is_gp) {
        solo_answer(s, q, NULL, 0, 0);
    } else if (is_node(&q->to.addr, &a)) {
        solo_answer(s, q, of_a, 1, 0);
    } else if (is_node(&q->to.addr, &b)) {
        solo_answer(s, q, of_b, 1, 0);
    } else {
        solo_answer(s, q, of_c, is_node(&q->to.addr, &c) ? 1 : 0, 0);
    }
}

/* Ways by B take 30 ms, all others 5. */
static void run(uint64_t for_ns)
{
    uint64_t end = s->now_ns + for_ns;

    while (s->now_ns < end) {
        for (uint32_t i = 0; i < s->sent_count; i++) {
            struct solo_sent *q = &s->sent[i];
            bool is_slow = cjd_label_routes_through(q->to.label, hop(2));
            if (q->is_handled || s->now_ns - q->at_ns < (is_slow ? 30 : 5) * CJD_MS) {
                continue;
            }
            q->is_handled = true;
            if (cjd_message_decode(&m, q->bytes, q->len) == CJD_MESSAGE_OK &&
                m.method != CJD_METHOD_NONE && answers(q)) {
                answer(q, m.method == CJD_METHOD_GP);
            }
        }
        solo_run(s, 1 * CJD_MS);
    }
}

static uint64_t best(const struct cjd_dht_contact *x)
{
    struct cjd_dht_path path;
    return cjd_dht_best(s->dht, &x->addr, &path) ? path.to.label : 0;
}

static int setup(void **state)
{
    (void)state;
    memset(is_silent, 0, sizeof is_silent);
    dead_link = 0;
    s = solo_new(41, NULL);
    a = solo_node(s, hop(0));
    b = solo_node(s, hop(2));
    c = solo_node(s, 0);
    d = solo_node(s, 0);
    solo_peer(s, &a);
    solo_peer(s, &b);
    run(2 * CJD_S);
    c.label = cjd_label_splice(0x17, hop(0));
    d.label = cjd_label_splice(0x1b, c.label);
    assert_int_equal(best(&c), c.label);
    assert_int_equal(best(&d), d.label);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    solo_free(s);
    return 0;
}

static uint64_t c_by_b(void)
{
    return cjd_label_splice(0x19, hop(2));
}

/* A path that answers is kept, and nobody is told anything. */
static void test_unfounded(void **state)
{
    (void)state;
    cjd_dht_path_doubt(s->dht, &c.addr, c.label, s->now_ns);
    run(3 * CJD_S);
    assert_int_equal(best(&c), c.label);
    assert_null(solo_last_event(s, SOLO_DEAD, &c.addr));
}

/* Two probes of at most half a second, then the path is dead and the next one reported. */
static void test_link_between_others_breaks(void **state)
{
    (void)state;
    dead_link = c.label;
    uint64_t start = s->now_ns;
    cjd_dht_path_doubt(s->dht, &c.addr, c.label, s->now_ns);
    run(1200 * CJD_MS);
    const struct solo_event *dead = solo_last_event(s, SOLO_DEAD, &c.addr);
    const struct solo_event *path = solo_last_event(s, SOLO_PATH, &c.addr);
    assert_non_null(dead);
    assert_int_equal(dead->label, c.label);
    assert_true(dead->at_ns - start <= 1 * CJD_S);
    assert_int_equal(path->label, c_by_b());
    assert_int_equal(best(&c), c_by_b());
    /* Whoever is behind it moves along. */
    assert_int_equal(best(&d), cjd_label_splice(0x1b, c_by_b()));
    assert_int_equal(solo_last_event(s, SOLO_DEAD, &d.addr)->label, d.label);
    /* The peer before the broken link is not blamed. */
    assert_int_equal(best(&a), a.label);
    assert_null(solo_last_event(s, SOLO_DEAD, &a.addr));
}

/* While it is being verified the alternative is proven, and reported before it is needed. */
static void test_alternative_is_proven_meanwhile(void **state)
{
    (void)state;
    dead_link = c.label;
    uint32_t sent = s->sent_count;
    cjd_dht_path_doubt(s->dht, &c.addr, c.label, s->now_ns);
    bool is_probed = false;
    for (uint32_t i = sent; i < s->sent_count; i++) {
        is_probed |= s->sent[i].to.label == c_by_b();
    }
    assert_true(is_probed);
    run(50 * CJD_MS);
    assert_int_equal(solo_last_event(s, SOLO_PATH, &c.addr)->label, c_by_b());
    assert_null(solo_last_event(s, SOLO_DEAD, &c.addr));
}

/* A direct peer that is silent: demoted like any other, though the link layer still has it. */
static void test_silent_peer(void **state)
{
    (void)state;
    dead_link = hop(0);
    cjd_dht_path_doubt(s->dht, &d.addr, d.label, s->now_ns);
    run(1500 * CJD_MS);
    assert_int_equal(best(&d), cjd_label_splice(0x1b, c_by_b()));
    assert_int_equal(best(&c), c_by_b());
    assert_int_equal(best(&a), 0);
    assert_int_equal(solo_last_event(s, SOLO_DEAD, &a.addr)->label, a.label);
    /* It comes back by itself. */
    dead_link = 0;
    run(3 * CJD_S);
    assert_int_equal(best(&a), a.label);
    assert_int_equal(solo_last_event(s, SOLO_PATH, &a.addr)->label, a.label);
}

/* Of a path of three the node in the middle is gone: no alternative, so it takes longer. */
static void test_dead_node(void **state)
{
    (void)state;
    is_silent[3] = true;
    cjd_dht_want(s->dht, &d.addr, s->now_ns);
    uint64_t start = s->now_ns;
    cjd_dht_path_doubt(s->dht, &d.addr, d.label, s->now_ns);
    run(3 * CJD_S);
    const struct solo_event *dead = solo_last_event(s, SOLO_DEAD, &d.addr);
    assert_non_null(dead);
    assert_true(dead->at_ns - start <= 2500 * CJD_MS);
    assert_int_equal(best(&d), 0);
    assert_int_equal(best(&c), c.label);
    /* Tried again for a while, then forgotten. */
    struct cjd_dht_stats stats;
    run(10 * CJD_S);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.nodes, 4);
    run(120 * CJD_S);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.nodes, 3);
}

static void test_dead_node_returns(void **state)
{
    (void)state;
    is_silent[3] = true;
    cjd_dht_path_doubt(s->dht, &d.addr, d.label, s->now_ns);
    run(3 * CJD_S);
    assert_int_equal(best(&d), 0);
    is_silent[3] = false;
    run(5 * CJD_S);
    assert_int_equal(best(&d), d.label);
}

/* Many calls, one verification. */
static void test_repeated_doubts(void **state)
{
    (void)state;
    dead_link = c.label;
    uint32_t sent = s->sent_count;
    for (uint32_t i = 0; i < 50; i++) {
        cjd_dht_path_doubt(s->dht, &c.addr, c.label, s->now_ns);
    }
    assert_in_range(solo_count_queries(s, sent, &c.addr), 1, 2);
}

/* A path that is not our best, but that somebody uses. */
static void test_other_path_is_doubted(void **state)
{
    (void)state;
    dead_link = c_by_b();
    cjd_dht_path_doubt(s->dht, &c.addr, c_by_b(), s->now_ns);
    /* The better one is reported at once. */
    assert_int_equal(solo_last_event(s, SOLO_PATH, &c.addr)->label, c.label);
    run(2 * CJD_S);
    assert_int_equal(solo_last_event(s, SOLO_DEAD, &c.addr)->label, c_by_b());
    assert_int_equal(best(&c), c.label);
}

static void test_doubt_about_strangers(void **state)
{
    struct cjd_dht_contact x = solo_node(s, 0x153);
    uint32_t sent = s->sent_count;

    (void)state;
    cjd_dht_path_doubt(s->dht, &x.addr, 0x153, s->now_ns);
    cjd_dht_path_doubt(s->dht, &c.addr, 0, s->now_ns);
    cjd_dht_path_doubt(s->dht, &c.addr, 1, s->now_ns);
    assert_int_equal(solo_count_queries(s, sent, NULL), 0);
}

/* An error names the switch that failed: what is behind it is verified, nothing is believed. */
static void test_switch_error_is_verified(void **state)
{
    /* At C, the first director is that to D; above it the way back, mirrored. */
    uint64_t at_c = d.label >> 8 | 0xa5ull << 56;
    uint32_t sent = s->sent_count;

    (void)state;
    cjd_dht_switch_error(s->dht, d.label, at_c, CJD_SWITCH_ERR_MALFORMED, s->now_ns);
    assert_true(solo_count_queries(s, sent, &d.addr) > 0);
    assert_int_equal(best(&d), d.label);
    run(2 * CJD_S);
    assert_int_equal(best(&d), d.label);
    assert_null(solo_last_event(s, SOLO_DEAD, &d.addr));
}

static void test_switch_error_that_is_true(void **state)
{
    uint64_t at_a = d.label >> 4 | 0x8ull << 60;

    (void)state;
    dead_link = c.label;
    cjd_dht_switch_error(s->dht, d.label, at_a, CJD_SWITCH_ERR_UNDELIVERABLE, s->now_ns);
    run(1200 * CJD_MS);
    assert_int_equal(best(&c), c_by_b());
    assert_int_equal(best(&d), cjd_label_splice(0x1b, c_by_b()));
}

/* Errors from the other end are about the session; errors for unknown labels about nothing. */
static void test_switch_errors_that_do_not_count(void **state)
{
    uint32_t sent = s->sent_count;

    (void)state;
    cjd_dht_switch_error(s->dht, d.label, d.label >> 8, CJD_SWITCH_ERR_AUTHENTICATION, s->now_ns);
    cjd_dht_switch_error(s->dht, 0x155, 0x15, CJD_SWITCH_ERR_MALFORMED, s->now_ns);
    cjd_dht_switch_error(s->dht, 0, 0, CJD_SWITCH_ERR_MALFORMED, s->now_ns);
    cjd_dht_switch_error(s->dht, UINT64_MAX, 1, CJD_SWITCH_ERR_MALFORMED, s->now_ns);
    assert_int_equal(s->sent_count, sent);
}

/* Errors are not authenticated: any number of them costs little. */
static void test_flood_of_errors(void **state)
{
    uint32_t sent = s->sent_count;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        cjd_dht_switch_error(s->dht, d.label, d.label >> (i % 13), 1, s->now_ns);
        run(1 * CJD_MS);
    }
    assert_in_range(solo_count_queries(s, sent, NULL), 1, 300);
    assert_int_equal(best(&d), d.label);
}

/* The peer list of A no longer has C: the path is verified before traffic notices. */
static void test_missing_in_a_list(void **state)
{
    (void)state;
    run(12 * CJD_S);
    dead_link = c.label;
    uint64_t start = s->now_ns;
    while (best(&c) == c.label && s->now_ns - start < 60 * CJD_S) {
        struct solo_sent *q;
        while ((q = solo_next_query(s, &a.addr, &m))) {
            solo_answer(s, q, NULL, 0, 0);
        }
        run(1 * CJD_MS);
    }
    assert_int_equal(best(&c), c_by_b());
}

static void test_alternative_view(void **state)
{
    struct cjd_dht_path other;

    (void)state;
    assert_true(cjd_dht_alternative(s->dht, &d.addr, d.label, &other));
    assert_int_equal(other.to.label, cjd_label_splice(0x1b, c_by_b()));
    assert_false(other.is_peer);
    assert_false(cjd_dht_alternative(s->dht, &a.addr, a.label, &other));
    assert_false(cjd_dht_alternative(s->dht, &s->me.addr, a.label, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unfounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_link_between_others_breaks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alternative_is_proven_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dead_node, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dead_node_returns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_repeated_doubts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_path_is_doubted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_doubt_about_strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_switch_error_is_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(test_switch_error_that_is_true, setup, teardown),
        cmocka_unit_test_setup_teardown(test_switch_errors_that_do_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flood_of_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_in_a_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alternative_view, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
