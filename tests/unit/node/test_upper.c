/* The machine's side: what is taken, what is refused, ICMPv6 errors, content types, session
 * vectors. */
#include <testlib/net.h>

#include <base/wire.h>
#include <node/private.h>

#define DELAY (1 * CJD_MS)

static void inject_bytes(struct net *net, unsigned node, const uint8_t *bytes, uint32_t len)
{
    CJD_VEC_LOCAL(vec, 1);
    struct cjd_pkt *pkt = cjd_pool_take(net_pool(net, node), len);
    assert_non_null(pkt);
    cjd_pkt_put(pkt, len);
    memcpy(cjd_pkt_data(pkt), bytes, len);
    cjd_vec_add(&vec, pkt);
    cjd_node_inject(net_node(net, node), &vec, net_now(net));
    cjd_node_flush(net_node(net, node));
}

static uint64_t dropped(struct net *net, unsigned node, enum cjd_drop reason)
{
    return cjd_node_drops(net_node(net, node))->count[reason];
}

static void ip6(struct net *net, uint8_t out[48])
{
    memset(out, 0, 48);
    out[0] = 0x60;
    out[5] = 8;
    out[6] = 17;
    out[7] = 64;
    memcpy(out + 8, net_keys(net, 0)->addr.b, 16);
    memcpy(out + 24, net_keys(net, 1)->addr.b, 16);
}

static void bad_packets(void **state)
{
    (void)state;
    struct net *net = net_new(2, 1);
    uint8_t p[48];
    net_link(net, 0, 1, DELAY);
    net_run(net, CJD_S);

    ip6(net, p);
    inject_bytes(net, 0, p, 39);
    p[5] = 9; /* longer than the packet */
    inject_bytes(net, 0, p, 48);
    ip6(net, p);
    p[0] = 0x45;
    inject_bytes(net, 0, p, 48);
    assert_int_equal(dropped(net, 0, CJD_DROP_UPPER_RUNT), 3);

    ip6(net, p);
    p[24] = 0xff;
    inject_bytes(net, 0, p, 48);
    ip6(net, p);
    memset(p + 24, 0, 16);
    p[24] = 0xfc;
    p[39] = 1; /* fc00::1 */
    inject_bytes(net, 0, p, 48);
    assert_int_equal(dropped(net, 0, CJD_DROP_UPPER_DEST), 2);

    ip6(net, p);
    p[9] ^= 1;
    inject_bytes(net, 0, p, 48);
    assert_int_equal(dropped(net, 0, CJD_DROP_UPPER_SOURCE), 1);
    net_free(net);
}

static void own_address(void **state)
{
    (void)state;
    struct net *net = net_new(1, 2);
    net_run(net, 0);
    net_ping(net, 0, 0, 8);
    net_run(net, CJD_MS);
    assert_int_equal(net_replies(net, 0, 0), 1);
    net_free(net);
}

static void unreachable(void **state)
{
    (void)state;
    struct net *net = net_new(3, 3);
    net_link(net, 0, 1, DELAY);
    net_run(net, CJD_S);
    net_ping(net, 0, 2, 8); /* node 2 has no link */
    net_run(net, 15 * CJD_S);
    assert_int_equal(net_icmp_errors(net, 0, 1), 1);
    assert_int_equal(dropped(net, 0, CJD_DROP_SESSION_NO_ROUTE), 1);
    net_free(net);
}

static void too_big(void **state)
{
    (void)state;
    struct net *net = net_new(2, 4);
    net_link(net, 0, 1, DELAY);
    assert_true(net_ping_all(net, 2, 2 * CJD_S) != CJD_NEVER);
    net_forget_replies(net);
    net_ping(net, 0, 1, 3000);
    net_run(net, CJD_S);
    assert_int_equal(net_replies(net, 0, 1), 1); /* reference nodes take up to 3348 bytes too */
    assert_int_equal(net_icmp_errors(net, 0, 2), 0);
    net_free(net);
}

/* Many packets before there is a path: all that fit wait, and go out in order. */
static void waiting(void **state)
{
    (void)state;
    struct net *net = net_new(2, 5);
    net_link(net, 0, 1, 20 * CJD_MS);
    for (unsigned i = 0; i < 10; i++) {
        net_ping(net, 0, 1, 8);
    }
    net_run(net, 2 * CJD_S);
    assert_int_equal(net_replies(net, 0, 1), 10);
    net_free(net);
}

/* No frontend: the node routes for others, and counts what was for itself. */
static void without_frontend(void **state)
{
    (void)state;
    struct net *net = net_new(3, 6);
    net_set_deaf(net, 1);
    net_chain(net, 3, DELAY);
    assert_true(net_ping_pair(net, 0, 2, 3 * CJD_S) != CJD_NEVER);
    net_ping(net, 0, 1, 8);
    net_run(net, CJD_S);
    assert_true(dropped(net, 1, CJD_DROP_UPPER_NONE) >= 1);
    net_free(net);
}

/* sessions.json: a TUN packet becomes this session plaintext, and becomes this TUN packet again. */
static void vector_ipv6_conversion(void **state)
{
    (void)state;
    json_t *root = test_vectors("sessions.json");
    const json_t *cases = json_object_get(json_object_get(root, "ipv6_conversion"), "examples");
    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        struct cjd_pool *pool = cjd_pool_new(1, 0);
        struct cjd_pkt *pkt = cjd_pool_take(pool, 2048);
        uint8_t tun[2048];
        size_t len = test_hex_member(tun, sizeof tun, c, "from_tun");
        /* Behind the 4-byte prefix: header out, data header in. */
        uint8_t *plain = cjd_pkt_data(pkt);
        cjd_pkt_put(pkt, (uint32_t)len - 44);
        memcpy(plain, tun + 44, len - 44);
        cjd_pkt_push(pkt, 4);
        cjd_store32(cjd_pkt_data(pkt), 0x10000000u | tun[4 + 6]);
        test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(c, "session_plaintext"), "plaintext");
        /* And back, at the other end. */
        struct cjd_addr source;
        struct cjd_addr dest;
        memcpy(&source, tun + 4 + 8, 16);
        memcpy(&dest, tun + 4 + 24, 16);
        uint8_t next_header = cjd_pkt_data(pkt)[3];
        cjd_pkt_pull(pkt, 4);
        assert_true(ip6_push_header(pkt, next_header, &source, &dest));
        cjd_pkt_push(pkt, 4);
        cjd_store32(cjd_pkt_data(pkt), 0x000086ddu);
        test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(c, "remote_to_tun"), "tun packet");
        cjd_pool_give(pool, pkt);
        cjd_pool_free(pool);
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_packets),
        cmocka_unit_test(own_address),
        cmocka_unit_test(unreachable),
        cmocka_unit_test(too_big),
        cmocka_unit_test(waiting),
        cmocka_unit_test(without_frontend),
        cmocka_unit_test(vector_ipv6_conversion),
    };
    return cmocka_run_group_tests_name("node_upper", tests, NULL, NULL);
}
