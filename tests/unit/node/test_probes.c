/* What an operator asks other nodes: pings of the switch, questions to the router. */
#include <testlib/net.h>

#include <cjd/version.h>
#include <switch/label.h>

#define DELAY (2 * CJD_MS)
#define WAIT  (2 * CJD_S)

struct got {
    unsigned pongs;
    struct cjd_node_pong pong;
    unsigned answers;
    struct cjd_dht_answer answer;
};

static void on_pong(void *ctx, const struct cjd_node_pong *pong)
{
    struct got *g = ctx;

    g->pongs++;
    g->pong = *pong;
}

static void on_answer(void *ctx, const struct cjd_dht_answer *answer)
{
    struct got *g = ctx;

    g->answers++;
    g->answer = *answer;
}

static struct cjd_node_ping ping_to(uint64_t label, struct got *g)
{
    return (struct cjd_node_ping){.label = label, .timeout_ns = CJD_S, .fn = on_pong, .ctx = g};
}

/* Three nodes in a row that know each other. */
static struct net *row(void)
{
    struct net *net = net_new(3, 5);

    net_chain(net, 3, DELAY);
    assert_true(net_ping_all(net, 3, 5 * CJD_S) < 5 * CJD_S);
    return net;
}

static struct cjd_dht_path path_to(struct net *net, unsigned to)
{
    struct cjd_dht_path path;

    assert_true(cjd_dht_best(cjd_node_dht(net_node(net, 0)), &net_keys(net, to)->addr, &path));
    return path;
}

static void switch_ping_is_answered(void **state)
{
    (void)state;
    struct net *net = row();
    struct got g = {0};
    struct cjd_node_ping ping = ping_to(path_to(net, 2).to.label, &g);

    memcpy(ping.data, "hello", 5);
    ping.data_len = 5;
    assert_true(cjd_node_ping(net_node(net, 0), &ping, net_now(net)) > 0);
    net_run(net, WAIT);
    assert_int_equal(1, g.pongs);
    assert_int_equal(CJD_NODE_PONG, g.pong.end);
    assert_int_equal(5, g.pong.data_len);
    assert_memory_equal("hello", g.pong.data, 5);
    assert_true(g.pong.rtt_ns >= 4 * DELAY && g.pong.rtt_ns < 20 * DELAY);
    assert_false(g.pong.has_key);
    net_free(net);
}

static void key_ping_says_who_is_there(void **state)
{
    (void)state;
    struct net *net = row();
    struct got g = {0};
    struct cjd_node_ping ping = ping_to(path_to(net, 1).to.label, &g);

    ping.wants_key = true;
    assert_true(cjd_node_ping(net_node(net, 0), &ping, net_now(net)) > 0);
    net_run(net, WAIT);
    assert_int_equal(CJD_NODE_PONG, g.pong.end);
    assert_true(g.pong.has_key);
    assert_memory_equal(&net_keys(net, 1)->key, &g.pong.key, sizeof g.pong.key);
    net_free(net);
}

static void own_switch_answers_too(void **state)
{
    (void)state;
    struct net *net = row();
    struct got g = {0};
    struct cjd_node_ping ping = ping_to(1, &g);

    assert_true(cjd_node_ping(net_node(net, 0), &ping, net_now(net)) > 0);
    net_run(net, WAIT);
    assert_int_equal(CJD_NODE_PONG, g.pong.end);
    net_free(net);
}

static void silence_is_a_timeout(void **state)
{
    (void)state;
    struct net *net = row();
    struct got g = {0};
    struct cjd_node_ping ping = ping_to(path_to(net, 1).to.label, &g);

    net_stop(net, 1);
    assert_true(cjd_node_ping(net_node(net, 0), &ping, net_now(net)) > 0);
    net_run(net, CJD_S - CJD_MS);
    assert_int_equal(0, g.pongs);
    net_run(net, 2 * CJD_MS);
    assert_int_equal(CJD_NODE_PING_TIMEOUT, g.pong.end);
    net_free(net);
}

/* Behind node 1 there is no interface of that number. */
static void dead_end_is_told_by_the_switch(void **state)
{
    (void)state;
    struct net *net = row();
    struct got g = {0};
    struct cjd_node_ping ping = ping_to(cjd_label_splice(0x1f, path_to(net, 1).to.label), &g);

    assert_true(cjd_node_ping(net_node(net, 0), &ping, net_now(net)) > 0);
    net_run(net, WAIT);
    assert_int_equal(1, g.pongs);
    assert_int_equal(CJD_NODE_PING_ERROR, g.pong.end);
    net_free(net);
}

static void cancelled_ping_is_never_heard_of(void **state)
{
    (void)state;
    struct net *net = row();
    struct got g = {0};
    struct cjd_node_ping ping = ping_to(path_to(net, 1).to.label, &g);

    int number = cjd_node_ping(net_node(net, 0), &ping, net_now(net));
    cjd_node_ping_cancel(net_node(net, 0), number);
    cjd_node_ping_cancel(net_node(net, 0), number);
    net_run(net, WAIT);
    assert_int_equal(0, g.pongs);
    net_free(net);
}

static void pings_are_bounded(void **state)
{
    (void)state;
    struct net *net = row();
    struct got g = {0};
    struct cjd_node_ping ping = ping_to(path_to(net, 1).to.label, &g);
    unsigned n = 0;

    net_stop(net, 1);
    while (cjd_node_ping(net_node(net, 0), &ping, net_now(net)) > 0) {
        n++;
        assert_true(n < 1000);
    }
    net_run(net, WAIT);
    assert_int_equal(n, g.pongs);
    assert_true(cjd_node_ping(net_node(net, 0), &ping, net_now(net)) > 0);
    net_free(net);
}

static void ask(struct net *net, enum cjd_dht_ask_kind kind, unsigned whom, unsigned about,
                struct got *g)
{
    struct cjd_dht_ask a = {.to = path_to(net, whom).to,
                            .kind = kind,
                            .target = net_keys(net, about)->addr,
                            .timeout_ns = CJD_S,
                            .fn = on_answer,
                            .ctx = g};

    *g = (struct got){0};
    assert_true(cjd_dht_ask(cjd_node_dht(net_node(net, 0)), &a, net_now(net)) > 0);
    net_run(net, WAIT);
    assert_int_equal(1, g->answers);
}

static bool names(const struct got *g, struct net *net, unsigned who)
{
    for (uint32_t i = 0; i < g->answer.count; i++) {
        if (memcmp(&g->answer.nodes[i].addr, &net_keys(net, who)->addr, 16) == 0) {
            return true;
        }
    }
    return false;
}

static void router_answers_questions(void **state)
{
    (void)state;
    struct net *net = row();
    struct got g;

    ask(net, CJD_DHT_ASK_PING, 2, 0, &g);
    assert_false(g.answer.is_timeout);
    assert_int_equal(CJD_PROTOCOL, g.answer.from.version);
    assert_true(g.answer.rtt_ns >= 4 * DELAY);
    ask(net, CJD_DHT_ASK_PEERS, 1, 0, &g);
    assert_true(names(&g, net, 0) && names(&g, net, 2));
    ask(net, CJD_DHT_ASK_NEXT, 1, 2, &g);
    assert_true(names(&g, net, 2));
    ask(net, CJD_DHT_ASK_FIND, 1, 2, &g);
    assert_false(g.answer.is_timeout);
    net_free(net);
}

static void silent_router_is_a_timeout(void **state)
{
    (void)state;
    struct net *net = row();
    struct got g;

    net_stop(net, 2);
    ask(net, CJD_DHT_ASK_PING, 2, 0, &g);
    assert_true(g.answer.is_timeout);
    net_free(net);
}

static void cancelled_question_is_never_answered(void **state)
{
    (void)state;
    struct net *net = row();
    struct cjd_dht *dht = cjd_node_dht(net_node(net, 0));
    struct got g = {0};
    struct cjd_dht_ask a = {
        .to = path_to(net, 1).to, .timeout_ns = CJD_S, .fn = on_answer, .ctx = &g};

    cjd_dht_ask_cancel(dht, cjd_dht_ask(dht, &a, net_now(net)));
    net_run(net, WAIT);
    assert_int_equal(0, g.answers);
    a.to.label = 1;
    assert_int_equal(CJD_ERR_INVALID, cjd_dht_ask(dht, &a, net_now(net)));
    net_free(net);
}

static void sessions_begin_anew(void **state)
{
    (void)state;
    struct net *net = row();
    struct cjd_peer_info peer;

    assert_int_equal(
        0, cjd_sessions_reset(cjd_node_sessions(net_node(net, 0)), &net_keys(net, 2)->addr));
    assert_true(net_ping_pair(net, 0, 2, 5 * CJD_S) < 2 * CJD_S);
    struct cjd_addr nobody = {.b = {0xfc}};
    assert_int_equal(CJD_ERR_NOT_FOUND,
                     cjd_sessions_reset(cjd_node_sessions(net_node(net, 0)), &nobody));

    assert_true(cjd_links_peer_at(cjd_node_links(net_node(net, 0)), 0, &peer));
    assert_int_equal(CJD_CA_ESTABLISHED, peer.state);
    assert_int_equal(
        0, cjd_links_peer_restart(cjd_node_links(net_node(net, 0)), peer.peer, net_now(net)));
    assert_true(cjd_links_peer(cjd_node_links(net_node(net, 0)), peer.peer, &peer));
    assert_true(peer.state != CJD_CA_ESTABLISHED);
    assert_true(net_ping_pair(net, 0, 2, 5 * CJD_S) < 2 * CJD_S);
    assert_int_equal(CJD_ERR_NOT_FOUND, cjd_links_peer_restart(cjd_node_links(net_node(net, 0)),
                                                               0x7fffffff, net_now(net)));
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(switch_ping_is_answered),
        cmocka_unit_test(key_ping_says_who_is_there),
        cmocka_unit_test(own_switch_answers_too),
        cmocka_unit_test(silence_is_a_timeout),
        cmocka_unit_test(dead_end_is_told_by_the_switch),
        cmocka_unit_test(cancelled_ping_is_never_heard_of),
        cmocka_unit_test(pings_are_bounded),
        cmocka_unit_test(router_answers_questions),
        cmocka_unit_test(silent_router_is_a_timeout),
        cmocka_unit_test(cancelled_question_is_never_answered),
        cmocka_unit_test(sessions_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
