/*
 * Hostile input on the wire: garbage, truncated, replayed and bit-flipped datagrams, from strangers
 * and from a neighbour, while pings go on. CJD_HOSTILE_COUNT sets how many of each (default 20000).
 */
#include <testlib/net.h>

#define DELAY (1 * CJD_MS)
#define KEPT  256u

struct recorder {
    struct net *net;
    uint32_t len[KEPT];
    uint8_t bytes[KEPT][2048];
    unsigned count;
    unsigned victim;
};

static unsigned count_wanted(void)
{
    const char *text = getenv("CJD_HOSTILE_COUNT");
    return text ? (unsigned)strtoul(text, NULL, 10) : 20000;
}

static bool record(void *arg, unsigned edge, unsigned from, uint8_t *bytes, uint32_t *len)
{
    struct recorder *r = arg;

    (void)edge;
    if (from != r->victim && *len <= sizeof r->bytes[0]) {
        unsigned slot = r->count++ % KEPT;
        r->len[slot] = *len;
        memcpy(r->bytes[slot], bytes, *len);
    }
    return true;
}

enum attack { GARBAGE, TRUNCATED, REPLAYED, FLIPPED, ATTACKS };

static uint32_t make(struct recorder *r, enum attack attack, uint8_t *out)
{
    const struct cjd_rng *rng = net_rng(r->net);
    unsigned slot = cjd_rng_below(rng, r->count < KEPT ? r->count : KEPT);
    uint32_t len = r->len[slot];

    memcpy(out, r->bytes[slot], len);
    switch (attack) {
    case GARBAGE:
        len = cjd_rng_below(rng, 1500);
        cjd_rng_fill(rng, out, len);
        if (len >= 4 && cjd_rng_below(rng, 2) == 0) {
            memset(out, 0, 3);
            out[3] &= 7;
        }
        break;
    case TRUNCATED:
        len = cjd_rng_below(rng, len);
        break;
    case FLIPPED:
        for (unsigned n = 1 + cjd_rng_below(rng, 3); n > 0 && len > 0; n--) {
            out[cjd_rng_below(rng, len)] ^= (uint8_t)(1u << cjd_rng_below(rng, 8));
        }
        break;
    case REPLAYED:
    case ATTACKS:
        break;
    }
    return len;
}

static void bombard(struct recorder *r, bool as_neighbour)
{
    struct net *net = r->net;
    uint8_t packet[2048];
    unsigned count = count_wanted();

    for (unsigned attack = 0; attack < ATTACKS; attack++) {
        net_forget_replies(net);
        unsigned pings = 0;
        for (unsigned i = 0; i < count; i++) {
            uint32_t len = make(r, (enum attack)attack, packet);
            if (as_neighbour) {
                net_forge(net, 0, 1, packet, len);
            } else {
                net_forge_stranger(net, 1, cjd_rng_below(net_rng(net), 100000), packet, len);
            }
            if (i % 100 == 0) {
                net_ping(net, 0, 1, 8);
                pings++;
                net_run(net, 20 * CJD_MS);
            }
        }
        net_run(net, 100 * CJD_MS);
        /* Running traffic is not disturbed: not one ping is lost. */
        assert_int_equal(net_replies(net, 0, 1), pings);
    }
    assert_true(cjd_pool_in_use(net_pool(net, 1)) < 64);
}

static void attack(bool as_neighbour, uint64_t seed)
{
    struct recorder r = {.victim = 1};
    r.net = net_new(3, seed);
    net_set_filter(r.net, record, &r);
    net_link(r.net, 0, 1, DELAY);
    net_link(r.net, 1, 2, DELAY);
    assert_true(net_ping_all(r.net, 3, 5 * CJD_S) != CJD_NEVER);
    bombard(&r, as_neighbour);
    assert_true(net_ping_all(r.net, 3, 5 * CJD_S) != CJD_NEVER);
    net_free(r.net);
}

static void from_strangers(void **state)
{
    (void)state;
    attack(false, 61);
}

static void from_a_neighbours_address(void **state)
{
    (void)state;
    attack(true, 62);
}

/* An authenticated neighbour that sends nonsense inside its session: frames of every kind. */
static void from_an_authenticated_peer(void **state)
{
    (void)state;
    struct net *net = net_new(3, 63);
    unsigned count = count_wanted();

    net_chain(net, 3, DELAY);
    assert_true(net_ping_all(net, 3, 5 * CJD_S) != CJD_NEVER);
    unsigned pings = 0;
    net_forget_replies(net);
    for (unsigned i = 0; i < count; i++) {
        struct cjd_pkt *pkt = cjd_pool_take(net_pool(net, 0), 512);
        assert_non_null(pkt);
        cjd_pkt_put(pkt, cjd_rng_below(net_rng(net), 400));
        uint8_t *p = cjd_pkt_data(pkt);
        cjd_rng_fill(net_rng(net), p, pkt->len);
        if (pkt->len > 16 && i % 2 == 0) {
            /* For the neighbour's own router: control frames, handshakes, handles. */
            memset(p, 0, 12);
            p[0] = 0x80;
            p[7] = 1;
            memset(p + 12, i % 4 == 0 ? 0xff : 0, 4);
            p[15] = i % 4 == 0 ? 0xff : (uint8_t)(i % 7);
        }
        cjd_links_send(cjd_node_links(net_node(net, 0)), 0, pkt, net_now(net));
        if (i % 50 == 0) {
            net_ping(net, 1, 2, 8);
            pings++;
            cjd_node_flush(net_node(net, 0));
            net_run(net, 20 * CJD_MS);
        }
    }
    net_run(net, 100 * CJD_MS);
    assert_int_equal(net_replies(net, 1, 2), pings);
    assert_true(net_ping_all(net, 3, 5 * CJD_S) != CJD_NEVER);
    net_free(net);
}

/* Hellos with good credentials from any number of addresses: the table stays bounded, the running
 * peer stays. */
static void replayed_hellos_fill_nothing(void **state)
{
    (void)state;
    struct recorder r = {.victim = 1};
    r.net = net_new(2, 64);
    net_set_filter(r.net, record, &r);
    net_link(r.net, 0, 1, DELAY);
    net_run(r.net, 5 * CJD_MS);
    assert_true(r.count > 0 && r.bytes[0][3] == 0 && r.len[0] >= 120); /* a hello */
    assert_true(net_ping_all(r.net, 2, 5 * CJD_S) != CJD_NEVER);
    for (unsigned i = 0; i < 5000; i++) {
        net_forge_stranger(r.net, 1, i, r.bytes[0], r.len[0]);
        if (i % 50 == 0) {
            net_run(r.net, 20 * CJD_MS);
        }
    }
    unsigned peers = 0;
    struct cjd_peer_info info;
    while (cjd_links_peer_at(cjd_node_links(net_node(r.net, 1)), peers, &info)) {
        peers++;
    }
    assert_true(peers <= 9); /* the running one, and eight of that key that are unproven */
    assert_true(net_ping_all(r.net, 2, CJD_S) != CJD_NEVER);
    net_free(r.net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_strangers),
        cmocka_unit_test(from_a_neighbours_address),
        cmocka_unit_test(from_an_authenticated_peer),
        cmocka_unit_test(replayed_hellos_fill_nothing),
    };
    return cmocka_run_group_tests_name("node_hostile", tests, NULL, NULL);
}
