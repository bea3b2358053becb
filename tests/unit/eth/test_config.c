/* Configuration of Ethernet links: defaults, rules, every refusal with its place. */
#include <testlib/testlib.h>

#include <eth_config.h>

#define KEY_A "5c6cxwpyltz696pry1hgd67y0xmzq8w3h8d9jp1gqjmlkgwttxd0.k"

static struct cjd_eth_config *read_ok(const char *text)
{
    struct cjd_plugin_error error = {.size = sizeof error};
    struct cjd_eth_config *config = NULL;
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    if (cjd_eth_config_read(&config, json, &error) != 0) {
        fail_msg("%s: %s %s", text, error.pointer, error.text);
    }
    json_decref(json);
    return config;
}

static void test_defaults(void **state)
{
    struct cjd_eth_config *c = read_ok("{\"devices\":[\"eth0\"]}");

    (void)state;
    assert_false(c->has_all);
    assert_int_equal(c->device_count, 1);
    assert_string_equal(c->devices[0], "eth0");
    assert_int_equal(cjd_eth_config_mode(c, "eth0"), CJD_ETH_BEACON_OFF);
    assert_int_equal(c->peer_count, 0);
    assert_true(cjd_eth_config_names(c, "eth0"));
    assert_false(cjd_eth_config_names(c, "eth"));
    assert_false(cjd_eth_config_all_takes(c, "eth1"));
    cjd_eth_config_free(c);
    cjd_eth_config_free(NULL);
}

static void test_rules(void **state)
{
    struct cjd_eth_config *c = read_ok(
        "{\"devices\":[\"all\",\"eth0\"],\"beacon\":{\"mode\":\"send\"},\"rules\":["
        "{\"device\":\"wlan0\",\"beacon\":\"accept\"},{\"device\":\"veth*\",\"use\":false},"
        "{\"device\":\"veth0\",\"beacon\":\"off\"},{\"device\":\"eth0\",\"beacon\":\"off\"}]}");

    (void)state;
    assert_true(c->has_all);
    assert_true(cjd_eth_config_all_takes(c, "lan"));
    assert_true(cjd_eth_config_all_takes(c, "wlan0"));
    assert_false(cjd_eth_config_all_takes(c, "veth"));
    assert_false(cjd_eth_config_all_takes(c, "veth0"));
    assert_true(cjd_eth_config_all_takes(c, "vet"));
    assert_int_equal(cjd_eth_config_mode(c, "lan"), CJD_ETH_BEACON_SEND);
    assert_int_equal(cjd_eth_config_mode(c, "wlan0"), CJD_ETH_BEACON_ACCEPT);
    assert_int_equal(cjd_eth_config_mode(c, "eth0"), CJD_ETH_BEACON_OFF);
    /* The first rule that fits counts, also where it says nothing about beacons. */
    assert_int_equal(cjd_eth_config_mode(c, "veth0"), CJD_ETH_BEACON_SEND);
    cjd_eth_config_free(c);
}

static void test_peers(void **state)
{
    struct cjd_eth_config *c = read_ok(
        "{\"devices\":[\"eth0\"],\"peers\":["
        "{\"address\":\"02:00:00:00:00:01\",\"publicKey\":\"" KEY_A "\",\"password\":\"pw\","
        "\"login\":\"alice\",\"name\":\"up\",\"device\":\"eth0\"},"
        "{\"address\":\"02:00:00:00:00:01\",\"publicKey\":\"" KEY_A "\",\"password\":\"pw\","
        "\"login\":\"\",\"device\":\"eth1\"}]}");

    (void)state;
    assert_int_equal(c->peer_count, 2);
    assert_int_equal(c->peers[0].mac[5], 1);
    assert_string_equal(c->peers[0].who.login, "alice");
    assert_string_equal(c->peers[0].who.password, "pw");
    assert_string_equal(c->peers[0].who.name, "up");
    assert_null(c->peers[1].who.login); /* empty is none */
    assert_true(cjd_eth_peer_conf_is_on(&c->peers[0], "eth0"));
    assert_false(cjd_eth_peer_conf_is_on(&c->peers[0], "eth1"));
    assert_true(cjd_eth_peer_conf_equal(&c->peers[0], &c->peers[0]));
    assert_false(cjd_eth_peer_conf_equal(&c->peers[0], &c->peers[1]));
    cjd_eth_config_free(c);
}

#define PEER(fields)                                                                               \
    "{\"devices\":[\"e\"],\"peers\":[{\"publicKey\":\"" KEY_A "\",\"password\":\"x\"" fields "}]}"
#define MAC ",\"address\":\"02:00:00:00:00:01\""

static const struct {
    const char *json;
    const char *pointer;
    const char *text; /* part of it */
} bad[] = {
    {"[]", "", "object"},
    {"{}", "/devices", "name the devices"},
    {"{\"devices\":[]}", "/devices", "name the devices"},
    {"{\"devices\":\"eth0\"}", "/devices", "list"},
    {"{\"devices\":[1]}", "/devices/0", "device"},
    {"{\"devices\":[\"a\",\"a\"]}", "/devices/1", "already"},
    {"{\"devices\":[\"a/b\"]}", "/devices/0", "15 characters"},
    {"{\"devices\":[\"sixteen-letters-\"]}", "/devices/0", "15 characters"},
    {"{\"devices\":[\"..\"]}", "/devices/0", "15 characters"},
    {"{\"devices\":[\"\"]}", "/devices/0", "15 characters"},
    {"{\"devices\":[\"a\"],\"beacon\":2}", "/beacon", "object"},
    {"{\"devices\":[\"a\"],\"beacon\":{\"mode\":\"on\"}}", "/beacon/mode", "\"accept\""},
    {"{\"devices\":[\"a\"],\"rules\":{}}", "/rules", "list"},
    {"{\"devices\":[\"a\"],\"rules\":[3]}", "/rules/0", "object"},
    {"{\"devices\":[\"a\"],\"rules\":[{}]}", "/rules/0", "\"device\" is missing"},
    {"{\"devices\":[\"a\"],\"rules\":[{\"device\":\"a b\"}]}", "/rules/0/device", "15"},
    {"{\"devices\":[\"a\"],\"rules\":[{\"device\":\"a\",\"use\":1}]}", "/rules/0/use", ""},
    {"{\"devices\":[\"a\"],\"rules\":[{\"device\":\"a\",\"beacon\":\"x\"}]}", "/rules/0/beacon",
     "\"send\""},
    {"{\"devices\":[\"a\"],\"peers\":{}}", "/peers", "list"},
    {"{\"devices\":[\"a\"],\"peers\":[5]}", "/peers/0", "object"},
    {PEER(""), "/peers/0", "\"address\" is missing"},
    {PEER(",\"address\":\"1.2.3.4:5\""), "/peers/0/address", "Ethernet address"},
    {PEER(",\"address\":\"ff:ff:ff:ff:ff:ff\""), "/peers/0/address", "single device"},
    {PEER(",\"address\":\"00:00:00:00:00:00\""), "/peers/0/address", "single device"},
    {PEER(MAC ",\"device\":\"a/b\""), "/peers/0/device", "15"},
    {"{\"devices\":[\"a\"],\"peers\":[{\"publicKey\":\"x.k\",\"password\":\"x\"" MAC "}]}",
     "/peers/0/publicKey", "52 characters"},
    {"{\"devices\":[\"a\"],\"peers\":[{\"publicKey\":\"" KEY_A "\"" MAC "}]}", "/peers/0", ""},
    {"{\"devices\":[\"a\"],\"peers\":[{\"publicKey\":\"" KEY_A "\",\"password\":\"x\"" MAC "},"
     "{\"publicKey\":\"" KEY_A "\",\"password\":\"x\",\"device\":\"b\"" MAC "}]}",
     "/peers/1/address", "peer 0"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct cjd_plugin_error error = {.size = sizeof error};
        struct cjd_eth_config *config = NULL;
        json_t *json = json_loads(bad[i].json, 0, NULL);
        assert_non_null(json);
        assert_int_equal(cjd_eth_config_read(&config, json, &error), CJD_ERR_CONFIG);
        assert_null(config);
        if (strcmp(error.pointer, bad[i].pointer) != 0 || !strstr(error.text, bad[i].text)) {
            fail_msg("%s: %s: %s", bad[i].json, error.pointer, error.text);
        }
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_defaults),
                                       cmocka_unit_test(test_rules), cmocka_unit_test(test_peers),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
