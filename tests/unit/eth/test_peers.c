/* Configured peers of a device: given to the core with the link, kept in step with the file. */
#include "bare_link.h"

#include <eth_peers.h>

#define KEY_A "5c6cxwpyltz696pry1hgd67y0xmzq8w3h8d9jp1gqjmlkgwttxd0.k"

struct bench {
    struct cjd_fake_host *fake;
    struct cjd_logger log;
    struct cjd_eth_peers_env env;
    struct cjd_eth_peers peers;
    uint32_t id;
};

static void setup(struct bench *t)
{
    memset(t, 0, sizeof *t);
    t->fake = cjd_fake_new();
    const struct cjd_host *host = &t->fake->host;
    cjd_logger_init(&t->log, host);
    t->env = (struct cjd_eth_peers_env){.host = host,
                                        .peer = host->get(host, CJD_SERVICE_PEER, 1),
                                        .time = host->get(host, CJD_SERVICE_TIME, 1),
                                        .log = &t->log};
    t->peers.env = &t->env;
    t->id = bare_link_up(t->fake);
}

static void teardown(struct bench *t)
{
    cjd_eth_peers_free(&t->peers);
    cjd_fake_free(t->fake);
}

/* Peers p1, p2, …: a MAC address that ends in the number, each with its password. */
static struct cjd_eth_config *config_of(const char *const *passwords, const char *device)
{
    struct cjd_eth_config *config = NULL;
    json_t *peers = json_array();

    for (unsigned i = 0; passwords[i]; i++) {
        char mac[CJD_ETH_MAC_TEXT];
        char name[8];
        snprintf(mac, sizeof mac, "02:00:00:00:00:%02x", i + 1);
        snprintf(name, sizeof name, "p%u", i + 1);
        json_array_append_new(peers,
                              json_pack("{ssssssssss*}", "address", mac, "publicKey", KEY_A,
                                        "password", passwords[i], "name", name, "device", device));
    }
    json_t *json = json_pack("{s[s]so}", "devices", "eth0", "peers", peers);
    assert_int_equal(cjd_eth_config_read(&config, json, NULL), 0);
    json_decref(json);
    return config;
}

static void test_with_the_link(void **state)
{
    struct bench t;

    (void)state;
    setup(&t);
    struct cjd_eth_config *c = config_of((const char *const[]){"a", "b", NULL}, NULL);
    assert_int_equal(cjd_eth_peers_apply(&t.peers, c, "eth0"), 0);
    assert_int_equal(cjd_fake_peers(t.fake), 0);
    cjd_eth_peers_up(&t.peers, t.id);
    assert_int_equal(cjd_fake_peers(t.fake), 2);
    const struct cjd_fake_peer *p = cjd_fake_peer(t.fake, "p1");
    assert_int_equal(p->spec.link, t.id);
    assert_int_equal(p->spec.addr.len, 6);
    assert_int_equal(p->spec.addr.b[5], 1);
    assert_string_equal(p->spec.password, "a");
    cjd_eth_peers_down(&t.peers);
    cjd_eth_peers_up(&t.peers, bare_link_up(t.fake));
    assert_int_equal(t.fake->peer_count, 4);
    cjd_eth_peers_free(&t.peers);
    cjd_eth_config_free(c);
    teardown(&t);
}

static void test_of_another_device(void **state)
{
    struct bench t;

    (void)state;
    setup(&t);
    struct cjd_eth_config *c = config_of((const char *const[]){"a", NULL}, "eth1");
    cjd_eth_peers_up(&t.peers, t.id);
    assert_int_equal(cjd_eth_peers_apply(&t.peers, c, "eth0"), 0);
    assert_int_equal(cjd_fake_peers(t.fake), 0);
    assert_int_equal(cjd_eth_peers_apply(&t.peers, c, "eth1"), 0);
    assert_int_equal(cjd_fake_peers(t.fake), 1);
    cjd_eth_peers_free(&t.peers);
    cjd_eth_config_free(c);
    teardown(&t);
}

static void test_reload(void **state)
{
    struct bench t;

    (void)state;
    setup(&t);
    struct cjd_eth_config *c = config_of((const char *const[]){"a", "b", "c", NULL}, NULL);
    cjd_eth_peers_up(&t.peers, t.id);
    assert_int_equal(cjd_eth_peers_apply(&t.peers, c, "eth0"), 0);
    uint32_t first = cjd_fake_peer(t.fake, "p1")->id;
    uint32_t second = cjd_fake_peer(t.fake, "p2")->id;
    struct cjd_eth_config *next = config_of((const char *const[]){"a", "other", NULL}, NULL);
    assert_int_equal(cjd_eth_peers_apply(&t.peers, next, "eth0"), 0);
    cjd_eth_config_free(c);
    assert_int_equal(cjd_fake_peers(t.fake), 2);
    assert_int_equal(cjd_fake_peer(t.fake, "p1")->id, first); /* not disturbed */
    assert_int_not_equal(cjd_fake_peer(t.fake, "p2")->id, second);
    assert_string_equal(cjd_fake_peer(t.fake, "p2")->spec.password, "other");
    assert_null(cjd_fake_peer(t.fake, "p3"));
    cjd_eth_peers_free(&t.peers);
    cjd_eth_config_free(next);
    teardown(&t);
}

static void test_refused(void **state)
{
    struct bench t;

    (void)state;
    setup(&t);
    struct cjd_eth_config *c = config_of((const char *const[]){"a", "b", NULL}, NULL);
    t.fake->next_add_err = CJD_ERR_OWN_KEY;
    cjd_eth_peers_up(&t.peers, t.id);
    assert_int_equal(cjd_eth_peers_apply(&t.peers, c, "eth0"), 0);
    assert_int_equal(cjd_fake_peers(t.fake), 1);
    assert_int_equal(cjd_fake_logged(t.fake, CJD_LEVEL_WARN, "02:00:00:00:00:01 is left out"), 1);
    cjd_eth_peers_free(&t.peers);
    cjd_eth_config_free(c);
    teardown(&t);
}

static void test_unsendable(void **state)
{
    struct bench t;
    struct cjd_linkaddr addr;

    (void)state;
    setup(&t);
    struct cjd_eth_config *c = config_of((const char *const[]){"a", NULL}, NULL);
    cjd_eth_peers_up(&t.peers, t.id);
    assert_int_equal(cjd_eth_peers_apply(&t.peers, c, "eth0"), 0);
    cjd_fake_advance(t.fake, 1000);
    cjd_eth_addr_make(&addr, c->peers[0].mac);
    for (unsigned i = 0; i < 5; i++) {
        cjd_eth_peers_unsendable(&t.peers, &addr, "no");
    }
    assert_int_equal(cjd_fake_logged_any(t.fake, "cannot send"), 1);
    assert_int_equal(cjd_fake_peer(t.fake, "p1")->reason, CJD_PEER_REASON_SEND);
    cjd_fake_advance(t.fake, CJD_ETH_REPORT_NS);
    cjd_eth_peers_unsendable(&t.peers, &addr, "no");
    assert_int_equal(cjd_fake_logged_any(t.fake, "cannot send"), 2);
    cjd_eth_peers_free(&t.peers);
    cjd_eth_config_free(c);
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_the_link), cmocka_unit_test(test_of_another_device),
        cmocka_unit_test(test_reload),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unsendable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
