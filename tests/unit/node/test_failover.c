/* Several links to one neighbour, and several ways to one node: the better is used, and when it
 * breaks the other one, without a session ending. */
#include <testlib/net.h>

#define LAN (1 * CJD_MS)
#define FAR (20 * CJD_MS)

/* The label node a uses for node b now; 0: none. */
static uint64_t label_in_use(struct net *net, unsigned a, unsigned b)
{
    struct cjd_sessions *sessions = cjd_node_sessions(net_node(net, a));
    struct cjd_session_info info;

    for (uint32_t i = 0; cjd_sessions_at(sessions, i, &info); i++) {
        if (memcmp(&info.addr, &net_keys(net, b)->addr, sizeof info.addr) == 0) {
            return info.label;
        }
    }
    return 0;
}

/* The one-hop label of the n-th peer of a. */
static uint64_t peer_label(struct net *net, unsigned a, uint32_t n)
{
    struct cjd_peer_info info;

    assert_true(cjd_links_peer_at(cjd_node_links(net_node(net, a)), n, &info));
    return info.label;
}

/* Pings from a to b each 20 ms for so long; the longest time without an answer. */
static uint64_t longest_gap(struct net *net, unsigned a, unsigned b, uint64_t duration)
{
    uint64_t end = net_now(net) + duration;
    uint64_t last = net_now(net);
    uint64_t gap = 0;

    while (net_now(net) < end) {
        net_forget_replies(net);
        net_ping(net, a, b, 8);
        net_run(net, 20 * CJD_MS);
        if (net_replies(net, a, b) > 0) {
            last = net_now(net);
        }
        gap = net_now(net) - last > gap ? net_now(net) - last : gap;
    }
    return gap;
}

/* How long until a uses that label for b, while it sends. */
static uint64_t time_until(struct net *net, unsigned a, unsigned b, uint64_t label, uint64_t limit)
{
    uint64_t begin = net_now(net);

    while (label_in_use(net, a, b) != label) {
        if (net_now(net) - begin >= limit) {
            return CJD_NEVER;
        }
        net_ping(net, a, b, 8);
        net_run(net, 20 * CJD_MS);
    }
    return net_now(net) - begin;
}

static void show(const char *what, uint64_t ns)
{
    print_message("%s: %d ms\n", what, ns == CJD_NEVER ? -1 : (int)(ns / CJD_MS));
}

/* Nodes 0 and 1 on one LAN, and a far detour 0 – 2 – 3 – 1. */
static void lan_and_detour(void **state)
{
    (void)state;

    for (uint64_t seed = 1; seed < 6; seed++) {
        struct net *net = net_new(4, seed);
        unsigned lan = net_link(net, 0, 1, LAN);
        net_link(net, 0, 2, FAR);
        net_link(net, 2, 3, FAR);
        net_link(net, 3, 1, FAR);
        assert_true(net_ping_all(net, 4, 5 * CJD_S) != CJD_NEVER);
        uint64_t direct = peer_label(net, 0, 0);
        longest_gap(net, 0, 1, 10 * CJD_S);
        assert_int_equal(label_in_use(net, 0, 1), direct);

        for (unsigned times = 0; times < 3; times++) {
            net_cut(net, lan, true);
            uint64_t gap = longest_gap(net, 0, 1, 5 * CJD_S);
            show("LAN cut", gap);
            assert_true(gap <= 2 * CJD_S);
            assert_int_not_equal(label_in_use(net, 0, 1), direct);
            net_run(net, 5 * CJD_S * times);
            net_cut(net, lan, false);
            uint64_t took = time_until(net, 0, 1, direct, 10 * CJD_S);
            show("LAN back", took);
            assert_true(took <= 5 * CJD_S);
            gap = longest_gap(net, 0, 1, 10 * CJD_S);
            show("and steady", gap);
            assert_true(gap <= 200 * CJD_MS);
            assert_int_equal(label_in_use(net, 0, 1), direct);
        }
        net_free(net);
    }
}

/* Two links to one neighbour: both up, the quicker one used, and each of them alone is enough. */
static void two_links(void **state)
{
    (void)state;

    for (uint64_t seed = 11; seed < 16; seed++) {
        struct net *net = net_new(2, seed);
        unsigned slow = net_link(net, 0, 1, FAR);
        unsigned quick = net_link(net, 0, 1, LAN);
        assert_true(net_ping_all(net, 2, 5 * CJD_S) != CJD_NEVER);
        uint64_t slow_label = peer_label(net, 0, 0);
        uint64_t quick_label = peer_label(net, 0, 1);
        uint64_t took = time_until(net, 0, 1, quick_label, 10 * CJD_S);
        show("the quicker is used after", took);
        assert_true(took <= 5 * CJD_S);
        longest_gap(net, 0, 1, 10 * CJD_S);
        assert_int_equal(label_in_use(net, 0, 1), quick_label);
        net_cut(net, quick, true);
        uint64_t gap = longest_gap(net, 0, 1, 5 * CJD_S);
        show("quicker cut", gap);
        assert_true(gap <= 2 * CJD_S);
        assert_int_equal(label_in_use(net, 0, 1), slow_label);
        net_cut(net, quick, false);
        took = time_until(net, 0, 1, quick_label, 10 * CJD_S);
        show("quicker back", took);
        assert_true(took <= 5 * CJD_S);
        /* The one that is not used breaks: nobody notices. */
        net_cut(net, slow, true);
        gap = longest_gap(net, 0, 1, 5 * CJD_S);
        assert_true(gap <= 100 * CJD_MS);
        net_free(net);
    }
}

/* The operator says that the quick one is dear. */
static void cost_override(void **state)
{
    (void)state;
    struct net *net = net_new(2, 21);
    net_set_cost(net, 500);
    net_link(net, 0, 1, LAN);
    unsigned cheap = net_link(net, 0, 1, FAR);
    assert_true(net_ping_all(net, 2, 5 * CJD_S) != CJD_NEVER);
    uint64_t dear_label = peer_label(net, 0, 0);
    uint64_t cheap_label = peer_label(net, 0, 1);
    assert_true(time_until(net, 0, 1, cheap_label, 10 * CJD_S) <= 5 * CJD_S);
    longest_gap(net, 0, 1, 20 * CJD_S);
    assert_int_equal(label_in_use(net, 0, 1), cheap_label);
    /* Dear is better than nothing. */
    net_cut(net, cheap, true);
    assert_true(longest_gap(net, 0, 1, 5 * CJD_S) <= 2 * CJD_S);
    assert_int_equal(label_in_use(net, 0, 1), dear_label);
    net_cut(net, cheap, false);
    assert_true(time_until(net, 0, 1, cheap_label, 20 * CJD_S) <= 10 * CJD_S);
    net_free(net);
}

/* The same over a neighbour: a dear direct link, a cheap way round. */
static void cost_override_detour(void **state)
{
    (void)state;
    struct net *net = net_new(3, 22);
    net_set_cost(net, 1000);
    net_link(net, 0, 1, LAN);
    net_link(net, 0, 2, FAR);
    net_link(net, 2, 1, FAR);
    assert_true(net_ping_all(net, 3, 5 * CJD_S) != CJD_NEVER);
    uint64_t dear_label = peer_label(net, 0, 0);
    longest_gap(net, 0, 1, 40 * CJD_S);
    assert_int_not_equal(label_in_use(net, 0, 1), dear_label);
    net_free(net);
}

struct bad {
    struct net *net;
    unsigned edge;
};

static bool lose_half(void *arg, unsigned edge, unsigned from, uint8_t *bytes, uint32_t *len)
{
    struct bad *bad = arg;

    (void)from;
    (void)bytes;
    (void)len;
    return edge != bad->edge || cjd_rng_below(net_rng(bad->net), 2) > 0;
}

/* The share of time, in per cent, in which the slow link is used once the quick one is bad. */
static unsigned use_of_slow(uint64_t seed)
{
    struct bad bad = {.net = net_new(2, seed)};
    unsigned on_slow = 0;

    net_link(bad.net, 0, 1, FAR);
    bad.edge = net_link(bad.net, 0, 1, LAN);
    assert_true(net_ping_all(bad.net, 2, 5 * CJD_S) != CJD_NEVER);
    uint64_t slow_label = peer_label(bad.net, 0, 0);
    uint64_t quick_label = peer_label(bad.net, 0, 1);
    assert_true(time_until(bad.net, 0, 1, quick_label, 10 * CJD_S) <= 5 * CJD_S);
    net_set_filter(bad.net, lose_half, &bad);
    longest_gap(bad.net, 0, 1, 60 * CJD_S);
    for (unsigned i = 0; i < 100; i++) {
        longest_gap(bad.net, 0, 1, 200 * CJD_MS);
        on_slow += label_in_use(bad.net, 0, 1) == slow_label;
    }
    net_free(bad.net);
    return on_slow;
}

/* The quick link begins to lose half of all packets: the slow one that does not is used, but for
 * the moments when the quick one is tried again. */
static void lossy_link(void **state)
{
    (void)state;
    unsigned sum = 0;

    for (uint64_t seed = 41; seed < 51; seed++) {
        sum += use_of_slow(seed);
    }
    print_message("the slow link is used %u %% of the time\n", sum / 10);
    assert_true(sum >= 700);
}

/* A LAN cable with a bad contact, a thousand times: no storm, no memory, and traffic goes on. */
static void thousand_flaps(void **state)
{
    (void)state;
    struct net *net = net_new(3, 31);
    unsigned lan = net_link(net, 0, 1, LAN);
    net_link(net, 0, 2, FAR);
    net_link(net, 2, 1, FAR);
    assert_true(net_ping_all(net, 3, 5 * CJD_S) != CJD_NEVER);
    net_run(net, 20 * CJD_S);
    uint64_t packets = net_packets(net);
    uint64_t begin = net_now(net);
    for (unsigned i = 0; i < 1000; i++) {
        net_cut(net, lan, i % 2 == 0);
        cjd_node_wake(net_node(net, 0), false, net_now(net));
        cjd_node_wake(net_node(net, 1), false, net_now(net));
        cjd_node_flush(net_node(net, 0));
        cjd_node_flush(net_node(net, 1));
        net_run(net, 50 * CJD_MS + i % 7 * 40 * CJD_MS);
    }
    uint64_t rate = (net_packets(net) - packets) * CJD_S / (net_now(net) - begin);
    print_message("flapping: %u packets a second on all links\n", (unsigned)rate);
    assert_true(rate < 300);
    assert_true(net_ping_all(net, 3, 5 * CJD_S) <= 2 * CJD_S);
    for (unsigned i = 0; i < 3; i++) {
        struct cjd_peer_info info;
        assert_true(cjd_pool_in_use(net_pool(net, i)) < 16);
        assert_false(cjd_links_peer_at(cjd_node_links(net_node(net, i)), 2, &info));
    }
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lan_and_detour), cmocka_unit_test(two_links),
        cmocka_unit_test(cost_override),  cmocka_unit_test(cost_override_detour),
        cmocka_unit_test(lossy_link),     cmocka_unit_test(thousand_flaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
