/* Neighbours that lie, flood and forge: nothing false is believed or passed on, nothing grows. */
#include "solo.h"
#include "topology.h"

#include <base/wire.h>
#include <dht/message.h>

#define DELAY (5 * CJD_MS)

static uint64_t hop(uint32_t iface)
{
    return cjd_scheme_peer_label(cjd_scheme_358(), iface);
}

/* --- a node in the network that answers with lies -----------------------------------------------
 */

/* Answers every query with eight invented nodes behind it. */
static bool lie(struct net_node *n, const struct cjd_dht_contact *from, const uint8_t *message,
                size_t len)
{
    struct cjd_message q;
    uint8_t bytes[CJD_DHT_MESSAGE_MAX];

    if (cjd_message_decode(&q, message, len) != CJD_MESSAGE_OK || q.method == CJD_METHOD_NONE) {
        return true;
    }
    struct cjd_message m = {.txid = q.txid,
                            .txid_len = q.txid_len,
                            .version = 21,
                            .scheme = *cjd_scheme_358(),
                            .form = cjd_scheme_form_of(cjd_scheme_358(), from->label),
                            .node_count = CJD_MESSAGE_NODES_MAX};
    for (uint32_t i = 0; i < m.node_count; i++) {
        net_random_key(n->net, &m.nodes[i].key);
        m.nodes[i].version = 21;
        m.nodes[i].label = cjd_scheme_label_for(
            cjd_scheme_358(), hop(20 + cjd_rng_below(&n->net->rng, 200)), from->label);
    }
    /* Real nodes too, at the wrong end of its labels. */
    m.nodes[7].key = n->net->node[cjd_rng_below(&n->net->rng, n->net->node_count)].key;
    int size = cjd_message_encode(&m, bytes, sizeof bytes);
    assert_true(size > 0);
    net_reply(n, from, bytes, (size_t)size);
    return false;
}

/* The liar is in the middle of the grid; the others find each other all the same. */
static void test_liar_in_the_grid(void **state)
{
    struct net *net = topology_grid(3, 4, DELAY);

    (void)state;
    net->node[5].intercept = lie;
    net_want_all(net);
    for (uint32_t i = 0; i < net->node_count; i++) {
        net_want(net, 5, i, false);
    }
    net_start(net);
    assert_true(net_run_until_connected(net, 5 * CJD_S) < 5 * CJD_S);
    net_run(net, 60 * CJD_S);
    assert_int_equal(net_silent_flows(net, 1 * CJD_S), 0);
    for (uint32_t a = 0; a < net->node_count; a++) {
        struct cjd_dht_stats stats;
        cjd_dht_stats(net->node[a].dht, &stats);
        /* No invented node made it into any table. */
        assert_int_equal(stats.nodes, 15);
        for (uint32_t b = 0; b < net->node_count; b++) {
            assert_true(a == b || net_path_works(net, a, b));
        }
    }
    /* Nor does it cost much: a quiet network stays quiet. */
    uint64_t before = 0;
    uint64_t after = 0;
    for (uint32_t a = 0; a < net->node_count; a++) {
        for (uint32_t b = 0; b < net->node_count; b++) {
            net_want(net, a, b, false);
        }
    }
    net_run(net, 300 * CJD_S);
    for (uint32_t a = 0; a < net->node_count; a++) {
        before += net_queries_sent(net, a);
    }
    net_run(net, 300 * CJD_S);
    for (uint32_t a = 0; a < net->node_count; a++) {
        after += net_queries_sent(net, a);
    }
    assert_true((after - before) < 16u * 300);
    net_free(net);
}

/* Says that everything is behind it, and forwards nothing: a black hole. */
static bool swallow(struct net_node *n, const struct cjd_dht_contact *from, const uint8_t *message,
                    size_t len)
{
    (void)n;
    (void)from;
    (void)message;
    (void)len;
    return false;
}

static void test_silent_node_in_the_grid(void **state)
{
    struct net *net = topology_grid(4, 4, DELAY);

    (void)state;
    net->node[5].intercept = swallow;
    net_want_all(net);
    for (uint32_t i = 0; i < net->node_count; i++) {
        net_want(net, 5, i, false);
        net_want(net, i, 5, false);
    }
    net_start(net);
    assert_true(net_run_until_connected(net, 5 * CJD_S) < 5 * CJD_S);
    net_run(net, 30 * CJD_S);
    assert_int_equal(net_silent_flows(net, 1 * CJD_S), 0);
    net_free(net);
}

/* --- floods against one router ------------------------------------------------------------------
 */

struct flood {
    struct solo *s;
    struct cjd_dht_contact peer;
};

static void setup_flood(struct flood *f)
{
    struct cjd_dht_limits limits = {.nodes = 64, .links = 256};
    struct cjd_message m;
    struct solo_sent *q;

    f->s = solo_new(61, &limits);
    f->peer = solo_node(f->s, hop(0));
    solo_peer(f->s, &f->peer);
    while ((q = solo_next_query(f->s, NULL, &m))) {
        solo_answer(f->s, q, NULL, 0, 0);
    }
}

/* What was sent is forgotten now and then: the test's own memory is bounded too. */
static void drain(struct solo *s)
{
    s->sent_count = 0;
    s->event_count = 0;
}

static void check_bounds(const struct flood *f)
{
    struct cjd_dht_stats stats;

    cjd_dht_stats(f->s->dht, &stats);
    assert_true(stats.nodes <= 64 + 1);
    assert_true(stats.links <= 256 + 1);
    assert_true(stats.searches_running <= 32);
}

/* Queries from ever new nodes by way of one peer. */
static void test_flood_of_strangers(void **state)
{
    struct flood f;
    uint32_t sent = 0;

    (void)state;
    setup_flood(&f);
    for (uint32_t i = 0; i < 20000; i++) {
        struct cjd_dht_contact x =
            solo_node(f.s, cjd_label_splice(hop(2 + cjd_rng_below(&f.s->rng, 200)), hop(0)));
        solo_query(f.s, &x, "fn", x.addr.b, sizeof x.addr.b);
        if (i % 100 == 0) {
            struct cjd_message m;
            struct solo_sent *q;
            solo_run(f.s, 100 * CJD_MS);
            while ((q = solo_next_query(f.s, &f.peer.addr, &m))) {
                solo_answer(f.s, q, NULL, 0, 0);
            }
            sent += solo_count_queries(f.s, 0, NULL);
            drain(f.s);
        }
    }
    check_bounds(&f);
    /* 20 s: each is answered, but not each is asked back. */
    assert_true(sent < 128 + 10 * 22);
    struct cjd_dht_path best;
    assert_true(cjd_dht_best(f.s->dht, &f.peer.addr, &best));
    solo_free(f.s);
}

/* Nodes by the thousand that all answer, named by one peer: it gets its share, no more. */
static void test_flood_of_answering_nodes(void **state)
{
    struct flood f;
    struct cjd_message m;

    (void)state;
    setup_flood(&f);
    for (uint32_t i = 0; i < 4000; i++) {
        struct solo_sent *q;
        while ((q = solo_next_query(f.s, NULL, &m))) {
            struct cjd_message_node list[8];
            for (uint32_t k = 0; k < 8; k++) {
                struct cjd_dht_contact x = solo_node(f.s, 0);
                list[k] = (struct cjd_message_node){
                    .key = x.key, .label = hop(2 + cjd_rng_below(&f.s->rng, 200)), .version = 21};
            }
            solo_answer(f.s, q, list, 8, 0);
        }
        solo_run(f.s, 20 * CJD_MS);
        check_bounds(&f);
        if (i % 50 == 0) {
            drain(f.s);
        }
    }
    struct cjd_dht_path best;
    assert_true(cjd_dht_best(f.s->dht, &f.peer.addr, &best));
    assert_true(best.is_peer);
    solo_free(f.s);
}

static void test_flood_of_forged_replies(void **state)
{
    struct flood f;

    (void)state;
    setup_flood(&f);
    drain(f.s);
    for (uint32_t i = 0; i < 10000; i++) {
        uint8_t txid[14];
        cjd_rng_fill(&f.s->rng, txid, sizeof txid);
        memcpy(txid, "00", 2);
        cjd_store32(txid + 2, cjd_rng_below(&f.s->rng, 300));
        struct cjd_message m = {.txid = txid, .txid_len = sizeof txid, .node_count = 1};
        m.nodes[0] = (struct cjd_message_node){.key = f.peer.key, .label = hop(9), .version = 21};
        solo_message(f.s, &f.peer, &m);
    }
    assert_int_equal(f.s->sent_count, 0);
    assert_int_equal(f.s->drops.count[CJD_DROP_DHT_UNEXPECTED], 10000);
    solo_free(f.s);
}

/* Hints, errors, doubts and wishes with random labels and addresses. */
static void test_random_calls(void **state)
{
    struct flood f;

    (void)state;
    setup_flood(&f);
    for (uint32_t i = 0; i < 30000; i++) {
        struct cjd_dht_contact x =
            solo_node(f.s, cjd_rng_u64(&f.s->rng) >> cjd_rng_below(&f.s->rng, 64));
        switch (cjd_rng_below(&f.s->rng, 9)) {
        case 0:
            cjd_dht_path_hint(f.s->dht, &x, f.s->now_ns);
            break;
        case 1:
            cjd_dht_switch_error(f.s->dht, x.label, cjd_rng_u64(&f.s->rng), 1, f.s->now_ns);
            break;
        case 2:
            cjd_dht_path_doubt(f.s->dht, i % 2 ? &x.addr : &f.peer.addr, x.label, f.s->now_ns);
            break;
        case 3:
            cjd_dht_want(f.s->dht, &x.addr, f.s->now_ns);
            break;
        case 4:
            cjd_dht_ping(f.s->dht, &x, f.s->now_ns);
            break;
        case 5:
            solo_query(f.s, &x, "gp", (const uint8_t *)&x.label, 8);
            break;
        case 6:
            x.label = hop(2 + cjd_rng_below(&f.s->rng, 250));
            cjd_dht_peer_up(f.s->dht, &x, 0, f.s->now_ns);
            break;
        case 7:
            cjd_dht_peer_down(f.s->dht, hop(2 + cjd_rng_below(&f.s->rng, 250)), f.s->now_ns);
            break;
        default:
            solo_run(f.s, 10 * CJD_MS);
            break;
        }
        drain(f.s);
    }
    struct cjd_dht_stats stats;
    cjd_dht_stats(f.s->dht, &stats);
    assert_true(stats.nodes <= 64 + 257);
    solo_free(f.s);
}

/* Bytes at random behind a valid beginning: whatever decodes must do no harm. */
static void test_random_messages(void **state)
{
    struct flood f;
    uint8_t bytes[400];

    (void)state;
    setup_flood(&f);
    for (uint32_t i = 0; i < 20000; i++) {
        struct cjd_message m = {.method = (enum cjd_method)cjd_rng_below(&f.s->rng, 5),
                                .txid = (const uint8_t *)"00xxxxxxxxxxxx",
                                .txid_len = 14,
                                .version = 21,
                                .scheme = *cjd_scheme_358(),
                                .target = (const uint8_t *)"0123456789abcdef",
                                .target_len = 16,
                                .node_count = 2};
        int len = cjd_message_encode(&m, bytes, sizeof bytes);
        assert_true(len > 0);
        for (uint32_t k = cjd_rng_below(&f.s->rng, 6); k > 0; k--) {
            bytes[cjd_rng_below(&f.s->rng, (uint32_t)len)] = (uint8_t)cjd_rng_u32(&f.s->rng);
        }
        cjd_dht_message(f.s->dht, &f.peer, bytes, (size_t)len, f.s->now_ns);
        if (i % 50 == 0) {
            solo_run(f.s, 100 * CJD_MS);
            drain(f.s);
        }
    }
    check_bounds(&f);
    solo_free(f.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_liar_in_the_grid),
        cmocka_unit_test(test_silent_node_in_the_grid),
        cmocka_unit_test(test_flood_of_strangers),
        cmocka_unit_test(test_flood_of_answering_nodes),
        cmocka_unit_test(test_flood_of_forged_replies),
        cmocka_unit_test(test_random_calls),
        cmocka_unit_test(test_random_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
