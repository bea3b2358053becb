/* The responder (router notes §4, §5). */
#include "solo.h"

#include <base/wire.h>

static struct solo *s;
static struct cjd_dht_contact asker;
static struct cjd_message m;

static int setup(void **state)
{
    (void)state;
    s = solo_new(9, NULL);
    asker = solo_node(s, 0x13);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    solo_free(s);
    return 0;
}

static uint64_t hop(uint32_t iface)
{
    return cjd_scheme_peer_label(cjd_scheme_358(), iface);
}

static void ask(const char *method, const void *target, size_t len)
{
    uint32_t before = s->sent_count;
    solo_query(s, &asker, method, target, len);
    assert_true(s->sent_count > before);
    solo_last_reply(s, &m);
}

/* Anything acts at least as a ping. */
static void test_everything_is_answered(void **state)
{
    static const struct {
        const char *method;
        const char *target;
        size_t len;
    } queries[] = {
        {"pn", NULL, 0}, {"pn", "whatever", 8},
        {"fn", NULL, 0}, {"fn", "12345678", 8},
        {"gp", NULL, 0}, {"gp", "0123456789abcdef", 16}, /* the last step of a reference search */
        {"nh", "1", 1},  {"xyzzy", NULL, 0},
        {"", NULL, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        ask(queries[i].method, queries[i].target, queries[i].len);
        assert_int_equal(m.node_count, 0);
        assert_int_equal(m.version, 21);
        assert_int_equal(m.form, 0);
    }
    struct cjd_dht_stats stats;
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.queries_answered, sizeof queries / sizeof queries[0]);
}

static void test_answer_goes_back_the_same_way(void **state)
{
    (void)state;
    asker = solo_node(s, 0x9e13);
    solo_query(s, &asker, "pn", NULL, 0);
    assert_int_equal(s->sent[0].to.label, 0x9e13);
    assert_memory_equal(&s->sent[0].to.addr, &asker.addr, sizeof asker.addr);
    assert_memory_equal(&s->sent[0].to.key, &asker.key, sizeof asker.key);
}

/* Byte for byte, whatever they are (§3.2). */
static void test_txid_is_echoed(void **state)
{
    static const size_t lengths[] = {1, 12, 13, 14, 200, 255, 512};
    uint8_t txid[512];

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        cjd_rng_fill(&s->rng, txid, sizeof txid);
        struct cjd_message q = {.method = CJD_METHOD_PN, .txid = txid, .txid_len = lengths[i]};
        uint32_t before = s->sent_count;
        solo_message(s, &asker, &q);
        assert_int_equal(s->sent_count, before + 1);
        assert_non_null(memmem(s->sent[before].bytes, s->sent[before].len, txid, lengths[i]));
    }
}

static void test_fn_lists_the_nearest(void **state)
{
    struct cjd_dht_contact peers[20];
    struct cjd_addr target;

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        peers[i] = solo_node(s, hop(i + 2));
        solo_peer(s, &peers[i]);
    }
    cjd_rng_fill(&s->rng, &target, sizeof target);
    ask("fn", target.b, sizeof target.b);
    assert_int_equal(m.node_count, 8);
    /* Worst first; what is not listed is farther than the first. */
    for (uint32_t i = 0; i < 20; i++) {
        uint64_t first = cjd_load64(m.nodes[0].key.b + 8) ^ cjd_load64(target.b + 8);
        uint64_t own = cjd_load64(peers[i].key.b + 8) ^ cjd_load64(target.b + 8);
        bool is_listed = false;
        for (uint32_t k = 0; k < 8; k++) {
            is_listed |= memcmp(&m.nodes[k].key, &peers[i].key, sizeof peers[i].key) == 0;
        }
        assert_int_equal(is_listed, own <= first);
    }
    for (uint32_t k = 1; k < 8; k++) {
        assert_true((cjd_load64(m.nodes[k].key.b + 8) ^ cjd_load64(target.b + 8)) <
                    (cjd_load64(m.nodes[k - 1].key.b + 8) ^ cjd_load64(target.b + 8)));
    }
}

/* The asker itself is listed, this node is not, nor who did not speak, is gone or wants no fame. */
static void test_fn_leaves_out(void **state)
{
    struct cjd_dht_contact mute = solo_node(s, hop(2));
    struct cjd_dht_contact gone = solo_node(s, hop(3));
    struct cjd_dht_contact shy = solo_node(s, hop(4));
    struct cjd_message q;

    (void)state;
    solo_peer(s, &asker);
    solo_peer(s, &gone);
    solo_peer(s, &shy);
    cjd_dht_peer_up(s->dht, &mute, 0, s->now_ns);
    struct solo_sent *sent = solo_next_query(s, &shy.addr, &q);
    struct cjd_message reply = {.txid = q.txid, .txid_len = q.txid_len, .do_not_tell = true};
    solo_message(s, &sent->to, &reply);
    cjd_dht_peer_down(s->dht, gone.label, s->now_ns);
    ask("fn", s->me.addr.b, sizeof s->me.addr.b);
    assert_int_equal(m.node_count, 1);
    assert_memory_equal(&m.nodes[0].key, &asker.key, sizeof asker.key);
    ask("gp", "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(m.node_count, 2);
}

/* §4: the first director is written in the asker's width. */
static void test_labels_are_adapted(void **state)
{
    struct cjd_dht_contact peer = solo_node(s, hop(3));

    (void)state;
    solo_peer(s, &peer);
    asker.label = hop(100);
    ask("gp", "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(m.form, 2);
    assert_int_equal(m.node_count, 2);
    assert_int_equal(m.nodes[0].label, cjd_scheme_convert(cjd_scheme_358(), hop(3), 2));
    assert_int_equal(m.nodes[1].label, 1);
    assert_memory_equal(&m.nodes[1].key, &s->me.key, sizeof s->me.key);
}

/* Windows of eight; the largest label of one begins the next (§5.3). */
static void test_gp_enumerates(void **state)
{
    bool seen[30] = {false};
    uint8_t target[8] = {0};
    uint32_t total = 0;

    (void)state;
    for (uint32_t i = 0; i < 30; i++) {
        struct cjd_dht_contact peer = solo_node(s, hop(i + 2));
        solo_peer(s, &peer);
    }
    for (uint32_t window = 0; window < 10; window++) {
        ask("gp", target, sizeof target);
        for (uint32_t k = 0; k < m.node_count; k++) {
            for (uint32_t i = 0; i < 30; i++) {
                if (m.nodes[k].label == hop(i + 2) && !seen[i]) {
                    seen[i] = true;
                    total++;
                }
            }
        }
        if (m.node_count < 8) {
            break;
        }
        cjd_store64(target, m.nodes[0].label);
    }
    assert_int_equal(total, 30);
}

static void test_nh(void **state)
{
    struct cjd_dht_contact peer = solo_node(s, hop(2));
    struct cjd_addr near = peer.addr;
    struct cjd_addr far = s->me.addr;

    (void)state;
    ask("nh", peer.addr.b, sizeof peer.addr.b);
    assert_int_equal(m.node_count, 0);
    solo_peer(s, &peer);
    ask("nh", peer.addr.b, sizeof peer.addr.b);
    assert_int_equal(m.node_count, 1);
    assert_int_equal(m.nodes[0].label, hop(2));
    /* Unknown, but the peer is nearer to it than we are. */
    near.b[7] ^= 1;
    ask("nh", near.b, sizeof near.b);
    assert_int_equal(m.node_count, 1);
    assert_memory_equal(&m.nodes[0].key, &peer.key, sizeof peer.key);
    /* Nobody is nearer to our own neighbourhood than we are. */
    far.b[7] ^= 1;
    ask("nh", far.b, sizeof far.b);
    assert_int_equal(m.node_count, 0);
}

/* Only a flood from one node is not answered, and others are not affected. */
static void test_flood(void **state)
{
    struct cjd_dht_contact other = solo_node(s, 0x15);
    struct cjd_dht_stats stats;

    (void)state;
    for (uint32_t i = 0; i < 500; i++) {
        solo_query(s, &asker, "pn", NULL, 0);
    }
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.queries_answered, 100);
    assert_int_equal(s->drops.count[CJD_DROP_DHT_RATE], 400);
    solo_query(s, &other, "pn", NULL, 0);
    solo_run(s, 1 * CJD_S);
    solo_query(s, &asker, "pn", NULL, 0);
    cjd_dht_stats(s->dht, &stats);
    assert_int_equal(stats.queries_answered, 102);
}

/* Not to ourselves, and not where no answer could go. */
static void test_not_answered(void **state)
{
    struct cjd_dht_contact c = s->me;

    (void)state;
    c.label = 0x13;
    solo_query(s, &c, "pn", NULL, 0);
    c = solo_node(s, 1);
    solo_query(s, &c, "pn", NULL, 0);
    c.label = 0;
    solo_query(s, &c, "pn", NULL, 0);
    assert_int_equal(s->sent_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_everything_is_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_goes_back_the_same_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_txid_is_echoed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fn_lists_the_nearest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fn_leaves_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_labels_are_adapted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gp_enumerates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nh, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_answered, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
