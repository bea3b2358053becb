/* States and reasons of peers, refusals, versions. */
#include <testlib/net.h>

#define DELAY (1 * CJD_MS)

static struct cjd_peer_info only_peer(struct net *net, unsigned node)
{
    struct cjd_peer_info info;
    struct cjd_peer_info second;

    assert_true(cjd_links_peer_at(cjd_node_links(net_node(net, node)), 0, &info));
    assert_false(cjd_links_peer_at(cjd_node_links(net_node(net, node)), 1, &second));
    return info;
}

static bool has_peer(struct net *net, unsigned node)
{
    struct cjd_peer_info info;
    return cjd_links_peer_at(cjd_node_links(net_node(net, node)), 0, &info);
}

static void established(void **state)
{
    (void)state;
    struct net *net = net_new(2, 1);
    net_link(net, 0, 1, DELAY);
    net_run(net, CJD_S);
    struct cjd_peer_info a = only_peer(net, 0);
    struct cjd_peer_info b = only_peer(net, 1);
    assert_int_equal(a.state, CJD_CA_ESTABLISHED);
    assert_int_equal(a.reason, CJD_LINK_REASON_UP);
    assert_int_equal(a.version, 21);
    assert_false(a.is_incoming);
    assert_string_equal(a.name, "peer");
    assert_int_equal(a.label, 0x13);
    assert_true(a.rtt_ns >= 2 * CJD_MS && a.rtt_ns < 10 * CJD_MS);
    assert_int_equal(b.state, CJD_CA_ESTABLISHED);
    assert_true(b.is_incoming);
    assert_string_equal(b.login, "tester");
    net_free(net);
}

static void refused(struct net *net, enum cjd_ca_result result, int err)
{
    struct cjd_refusal r;

    assert_false(has_peer(net, 1));
    assert_true(cjd_links_refusal_at(cjd_node_links(net_node(net, 1)), 0, &r));
    assert_int_equal(r.result, result);
    assert_int_equal(r.err, err);
    assert_memory_equal(&r.key, &net_keys(net, 0)->key, sizeof r.key);
    assert_true(r.count > 1);
    assert_true(strlen(cjd_refusal_text(&r)) > 10);
    /* The other end hears nothing, and says so. */
    struct cjd_peer_info a = only_peer(net, 0);
    assert_int_equal(a.reason, CJD_LINK_REASON_NO_ANSWER);
    assert_int_equal(cjd_node_drops(net_node(net, 1))->count[CJD_DROP_LINK_REFUSED], r.count);
    net_free(net);
}

static void wrong_password(void **state)
{
    (void)state;
    struct net *net = net_new(2, 2);
    net_link_with(net, 0, 1, DELAY, "not the password", NULL);
    net_run(net, 3 * CJD_S);
    refused(net, CJD_CA_HANDSHAKE_DECRYPT, 0);
}

static void wrong_key(void **state)
{
    (void)state;
    struct net *net = net_new(3, 3);
    net_link_with(net, 0, 1, DELAY, NULL, &net_keys(net, 2)->key);
    net_run(net, 3 * CJD_S);
    refused(net, CJD_CA_HANDSHAKE_DECRYPT, 0);
}

static void unknown_login(void **state)
{
    (void)state;
    struct net *net = net_new(2, 4);
    net_link(net, 0, 1, DELAY);
    net_run(net, 0);
    assert_int_equal(cjd_users_remove(cjd_node_users(net_node(net, 1)), "tester"), 0);
    net_run(net, 3 * CJD_S);
    refused(net, CJD_CA_AUTH_REQUIRED, 0);
}

static void own_key(void **state)
{
    (void)state;
    struct net *net = net_new(1, 5);
    net_run(net, 0);
    struct cjd_link_peer_spec spec = {.link = 0, .addr = {.len = 4}, .key = net_keys(net, 0)->key};
    assert_int_equal(cjd_node_peer_add(net_node(net, 0), &spec, net_now(net)), CJD_ERR_OWN_KEY);
    spec.key = (struct cjd_key){{1}};
    assert_int_equal(cjd_node_peer_add(net_node(net, 0), &spec, net_now(net)), CJD_ERR_BAD_KEY);
    spec.link = 5;
    assert_int_equal(cjd_node_peer_add(net_node(net, 0), &spec, net_now(net)), CJD_ERR_INVALID);
    net_free(net);
}

/* Makes the first hello that a node with these keys would send to node 0. */
static uint32_t make_hello(struct net *net, const struct cjd_keypair *self, uint8_t out[512])
{
    struct cjd_pool *pool = cjd_pool_new(4, 0);
    struct cjd_ca_node node = {.self = self, .rng = *net_rng(net)};
    struct cjd_credentials c;
    struct cjd_ca ca;
    static const char password[] = "a password of the test network";

    cjd_ca_init(&ca, &node, &net_keys(net, 0)->key, false, net_now(net));
    cjd_credentials_init(&c, "tester", password, strlen(password));
    cjd_ca_set_credentials(&ca, &c);
    struct cjd_pkt *pkt = cjd_pool_take(pool, 256);
    assert_int_equal(cjd_ca_seal(&ca, pkt, net_now(net)), 0);
    uint32_t len = pkt->len;
    memcpy(out, cjd_pkt_data(pkt), len);
    cjd_pool_give(pool, pkt);
    cjd_pool_free(pool);
    cjd_ca_fini(&ca);
    return len;
}

/* The reference accepts such a neighbour and then aborts; we refuse it. */
static void key_outside_fc(void **state)
{
    (void)state;
    struct net *net = net_new(1, 6);
    struct cjd_keypair outside;
    uint8_t secret[32] = {1};
    uint8_t hello[512];
    struct cjd_refusal r;

    while (cjd_keypair_from_secret(&outside, secret) == 0) {
        secret[1]++;
    }
    net_run(net, 0);
    uint32_t len = make_hello(net, &outside, hello);
    net_forge_stranger(net, 0, 1, hello, len);
    net_run(net, CJD_S);
    assert_false(has_peer(net, 0));
    assert_true(cjd_links_refusal_at(cjd_node_links(net_node(net, 0)), 0, &r));
    assert_int_equal(r.err, CJD_ERR_BAD_KEY);
    net_free(net);
}

static void own_key_from_outside(void **state)
{
    (void)state;
    struct net *net = net_new(1, 7);
    uint8_t hello[512];
    struct cjd_refusal r;

    net_run(net, 0);
    uint32_t len = make_hello(net, net_keys(net, 0), hello);
    net_forge_stranger(net, 0, 1, hello, len);
    net_run(net, CJD_S);
    assert_false(has_peer(net, 0));
    assert_true(cjd_links_refusal_at(cjd_node_links(net_node(net, 0)), 0, &r));
    assert_int_equal(r.err, CJD_ERR_OWN_KEY);
    net_free(net);
}

static void incompatible_version(void **state)
{
    (void)state;
    struct net *net = net_new(2, 8);
    net_set_version(net, 1, 19);
    net_link(net, 0, 1, DELAY);
    net_run(net, 3 * CJD_S);
    struct cjd_peer_info a = only_peer(net, 0);
    /* Node 0 does not answer the pings of version 19, and learns the version from the pong to its
     * own. */
    assert_int_equal(a.version, 19);
    assert_int_equal(a.state, CJD_LINK_STATE_INCOMPATIBLE);
    assert_int_equal(a.reason, CJD_LINK_REASON_VERSION);
    assert_true(net_ping_pair(net, 0, 1, 2 * CJD_S) == CJD_NEVER);
    net_free(net);
}

static void newer_version(void **state)
{
    (void)state;
    struct net *net = net_new(2, 9);
    net_set_version(net, 1, 22);
    net_link(net, 0, 1, DELAY);
    assert_true(net_ping_all(net, 2, 2 * CJD_S) != CJD_NEVER);
    assert_int_equal(only_peer(net, 0).version, 22);
    net_free(net);
}

static void silence(void **state)
{
    (void)state;
    struct net *net = net_new(2, 10);
    net_link(net, 0, 1, DELAY);
    net_run(net, CJD_S);
    net_stop(net, 1);
    net_run(net, 8 * CJD_S);
    struct cjd_peer_info a = only_peer(net, 0);
    assert_int_equal(a.state, CJD_LINK_STATE_UNRESPONSIVE);
    assert_int_equal(a.reason, CJD_LINK_REASON_SILENT);
    assert_true(a.last_ns > 0 && a.last_ns < net_now(net) - 7 * CJD_S);
    net_start(net, 1);
    net_run(net, 3 * CJD_S);
    assert_int_equal(only_peer(net, 0).state, CJD_CA_ESTABLISHED);
    net_free(net);
}

/* A caller that went away is forgotten; one that never proved itself, soon. */
static void forgetting(void **state)
{
    (void)state;
    struct net *net = net_new(2, 11);
    net_link(net, 0, 1, DELAY);
    net_run(net, CJD_S);
    net_stop(net, 0);
    net_run(net, 200 * CJD_S);
    assert_true(has_peer(net, 1));
    net_run(net, 100 * CJD_S);
    assert_false(has_peer(net, 1));
    uint8_t hello[512];
    struct cjd_keypair stranger;
    cjd_keypair_generate(&stranger, net_rng(net));
    net_start(net, 0);
    uint32_t len = make_hello(net, &stranger, hello);
    net_forge_stranger(net, 0, 3, hello, len);
    net_run(net, CJD_S);
    struct cjd_peer_info info;
    assert_true(cjd_links_peer_at(cjd_node_links(net_node(net, 0)), 1, &info));
    net_run(net, 15 * CJD_S);
    assert_false(cjd_links_peer_at(cjd_node_links(net_node(net, 0)), 1, &info));
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(established),
        cmocka_unit_test(wrong_password),
        cmocka_unit_test(wrong_key),
        cmocka_unit_test(unknown_login),
        cmocka_unit_test(own_key),
        cmocka_unit_test(key_outside_fc),
        cmocka_unit_test(own_key_from_outside),
        cmocka_unit_test(incompatible_version),
        cmocka_unit_test(newer_version),
        cmocka_unit_test(silence),
        cmocka_unit_test(forgetting),
    };
    return cmocka_run_group_tests_name("node_peers", tests, NULL, NULL);
}
