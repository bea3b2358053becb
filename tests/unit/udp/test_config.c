/* Configuration of a UDP link: defaults, every refusal with its place, the schema itself. */
#include "udp_fixture.h"

extern const char cjd_udp_schema[];

static struct cjd_udp_config *read_ok(const char *text)
{
    struct cjd_plugin_error error = {.size = sizeof error};
    struct cjd_udp_config *config = NULL;
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    if (cjd_udp_config_read(&config, json, &error) != 0) {
        fail_msg("%s: %s %s", text, error.pointer, error.text);
    }
    json_decref(json);
    return config;
}

static void test_defaults(void **state)
{
    struct cjd_udp_config *config = read_ok("{}");

    (void)state;
    assert_int_equal(config->bind[0].family, AF_INET);
    assert_true(cjd_udp_ip_is_any(AF_INET, config->bind[0].ip));
    assert_int_equal(config->bind[0].port, 0);
    assert_int_equal(config->dscp, 0);
    assert_int_equal(config->beacon.mode, CJD_UDP_BEACON_OFF);
    assert_int_equal(config->beacon.port, 64512);
    assert_true(config->beacon.devices.is_all);
    assert_int_equal(config->peer_count, 0);
    cjd_udp_config_free(config);
    cjd_udp_config_free(NULL);
}

static void test_full(void **state)
{
    struct cjd_udp_config *config =
        read_ok("{\"bind\":\"[::]:20948\",\"dscp\":46,"
                "\"beacon\":{\"mode\":\"send\",\"port\":64513,\"devices\":[\"eth0\",\"all\"]},"
                "\"peers\":[{\"address\":\"[2001:db8::1]:5199\",\"publicKey\":\"" KEY_A
                "\",\"password\":\"pw\",\"login\":\"alice\",\"name\":\"up\"},"
                "{\"address\":\"h.example:1\",\"publicKey\":\"" KEY_B
                "\",\"password\":\"pw\",\"login\":\"\"}]}");

    (void)state;
    assert_int_equal(config->bind[0].family, AF_INET6);
    assert_int_equal(config->bind[0].port, 20948);
    assert_int_equal(config->dscp, 46);
    assert_int_equal(config->beacon.mode, CJD_UDP_BEACON_SEND);
    assert_int_equal(config->beacon.port, 64513);
    assert_true(config->beacon.devices.is_all);
    assert_int_equal(config->beacon.devices.count, 1);
    assert_string_equal(config->beacon.devices.name[0], "eth0");
    assert_int_equal(config->peer_count, 2);
    assert_string_equal(config->peers[0].who.login, "alice");
    assert_string_equal(config->peers[0].who.password, "pw");
    assert_string_equal(config->peers[0].who.name, "up");
    assert_string_equal(config->peers[1].address[0], "h.example:1");
    assert_null(config->peers[1].who.login); /* empty is none */
    assert_null(config->peers[1].who.name);
    cjd_udp_config_free(config);
}

/* One socket of each family; a peer with addresses of both. */
static void test_both_families(void **state)
{
    struct cjd_udp_config *config = read_ok(
        "{\"bind\":[\"[::]:7\",\"0.0.0.0:7\"],\"peers\":[{\"address\":[\"192.0.2.1:1\","
        "\"[2001:db8::1]:2\",\"h.example:3\"],\"publicKey\":\"" KEY_A "\",\"password\":\"pw\"}]}");

    (void)state;
    assert_int_equal(config->bind_count, 2);
    assert_int_equal(config->bind[0].family, AF_INET6);
    assert_int_equal(config->bind[1].family, AF_INET);
    assert_int_equal(config->peers[0].address_count, 3);
    assert_string_equal(config->peers[0].address[2], "h.example:3");
    assert_int_equal(config->peers[0].target[1].family, AF_INET6);
    cjd_udp_config_free(config);
}

#define ONE_PEER(fields) "{\"peers\":[{" fields "}]}"
#define ADDRESS          "\"address\":\"192.0.2.1:1\""
#define PUBLIC_KEY       "\"publicKey\":\"" KEY_A "\""
#define PASSWORD         "\"password\":\"x\""

static const struct {
    const char *json;
    const char *pointer;
    const char *text; /* part of it */
} bad[] = {
    {"[]", "", "object"},
    {"{\"bind\":5}", "/bind", "text"},
    {"{\"bind\":[]}", "/bind", "no address"},
    {"{\"bind\":[\"0.0.0.0:1\",7]}", "/bind/1", "text"},
    {"{\"bind\":[\"0.0.0.0:1\",\"127.0.0.1:2\"]}", "/bind/1", "each family"},
    {"{\"bind\":[\"0.0.0.0:1\",\"[::]:2\",\"[::1]:2\"]}", "/bind/2", "each family"},
    {ONE_PEER("\"address\":[]"), "/peers/0/address", "1 to 8"},
    {ONE_PEER("\"address\":[\"a.example:1\",\"b.example\"]"), "/peers/0/address/1", "port"},
    {ONE_PEER("\"address\":[\"a.example:1\",{}]"), "/peers/0/address/1", "text"},
    {ONE_PEER("\"address\":[\"192.0.2.1:1\",\"[::1]:1\"]"), "/peers/0/address/1", "bound to IPv4"},
    {"{\"peers\":[{\"address\":[\"a.example:1\",\"A.EXAMPLE:1\"]," PUBLIC_KEY "," PASSWORD "}]}",
     "/peers/0/address/1", "twice"},
    {"{\"peers\":[" PEER("a.example:1", KEY_A,
                         "a") ",{\"address\":[\"b.example:1\",\"a.example:1\"]," PUBLIC_KEY
                              "," PASSWORD "}]}",
     "/peers/1/address/1", "peer 0"},
    {"{\"bind\":[\"0.0.0.0:1\",\"[::]:9\"],\"beacon\":{\"mode\":\"send\",\"port\":9}}",
     "/beacon/port", "port of their own"},
    {"{\"bind\":\"\"}", "/bind", "no address"},
    {"{\"bind\":\"localhost:1\"}", "/bind", "host name"},
    {"{\"bind\":\"0.0.0.0:70000\"}", "/bind", "65535"},
    {"{\"bind\":\"0.0.0.0\\u0000:1\"}", "/bind", "NUL"},
    {"{\"dscp\":64}", "/dscp", "0 to 63"},
    {"{\"dscp\":-1}", "/dscp", "0 to 63"},
    {"{\"dscp\":\"46\"}", "/dscp", "0 to 63"},
    {"{\"beacon\":1}", "/beacon", "object"},
    {"{\"beacon\":{\"mode\":\"on\"}}", "/beacon/mode", "\"accept\""},
    {"{\"beacon\":{\"mode\":2}}", "/beacon/mode", "\"accept\""},
    {"{\"beacon\":{\"port\":65536}}", "/beacon/port", "65535"},
    {"{\"beacon\":{\"port\":0}}", "/beacon/port", "1 to 65535"},
    {"{\"bind\":\"0.0.0.0:64512\",\"beacon\":{\"mode\":\"send\"}}", "/beacon", "port of their own"},
    {"{\"bind\":\"0.0.0.0:9\",\"beacon\":{\"mode\":\"accept\",\"port\":9}}", "/beacon/port",
     "port of their own"},
    {"{\"beacon\":{\"devices\":\"all\"}}", "/beacon/devices", "list"},
    {"{\"beacon\":{\"devices\":[\"a\",3]}}", "/beacon/devices/1", "device"},
    {"{\"peers\":{}}", "/peers", "list"},
    {"{\"peers\":[3]}", "/peers/0", "object"},
    {ONE_PEER(""), "/peers/0", "missing"},
    {ONE_PEER("\"address\":\"::1\""), "/peers/0/address", "brackets"},
    {ONE_PEER("\"address\":\"[::1]:1\""), "/peers/0/address", "bound to IPv4"},
    {ONE_PEER("\"address\":\"192.0.2.1\""), "/peers/0/address", "port"},
    {ONE_PEER(ADDRESS), "/peers/0", "missing"},
    {ONE_PEER(ADDRESS ",\"publicKey\":\"abc\""), "/peers/0/publicKey", "3 characters"},
    {ONE_PEER(ADDRESS "," PUBLIC_KEY), "/peers/0", "missing"},
    {ONE_PEER(ADDRESS "," PUBLIC_KEY ",\"password\":null"), "/peers/0/password", "text"},
    {ONE_PEER(ADDRESS "," PUBLIC_KEY "," PASSWORD ",\"login\":1"), "/peers/0/login", "text"},
    {ONE_PEER(ADDRESS "," PUBLIC_KEY "," PASSWORD ",\"name\":[]"), "/peers/0/name", "text"},
    {"{\"peers\":[" PEER("a.example:1", KEY_A, "a") "," PEER("b.example:1", KEY_A, "b") "," PEER(
         "A.example:1", KEY_B, "c") "]}",
     "/peers/2/address", "peer 0"},
    {"{\"peers\":[" PEER("192.0.2.1:1", KEY_A, "a") "," PEER("192.0.2.1:01", KEY_B, "b") "]}",
     "/peers/1/address", "peer 0"},
    {"{\"bind\":\"[::]\",\"peers\":[" PEER("192.0.2.1:1", KEY_A, "a") "]}", "/peers/0/address",
     "bound to IPv6"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cjd_plugin_error error = {.size = sizeof error};
        struct cjd_udp_config *config = NULL;
        json_t *json = json_loads(bad[i].json, JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        int err = cjd_udp_config_read(&config, json, &error);
        json_decref(json);
        if (err != CJD_ERR_CONFIG || strcmp(error.pointer, bad[i].pointer) != 0 ||
            !strstr(error.text, bad[i].text)) {
            fail_msg("%s: %d at \"%s\": %s", bad[i].json, err, error.pointer, error.text);
        }
        assert_null(config);
        assert_null(strstr(error.text, "secret"));
    }
}

static void test_too_many_peers(void **state)
{
    struct cjd_plugin_error error = {.size = sizeof error};
    struct cjd_udp_config *config = NULL;
    json_t *json = json_object();
    json_t *peers = json_array();

    (void)state;
    for (unsigned i = 0; i <= CJD_UDP_PEERS_MAX; i++) {
        json_array_append_new(peers, json_object());
    }
    json_object_set_new(json, "peers", peers);
    assert_int_equal(cjd_udp_config_read(&config, json, &error), CJD_ERR_CONFIG);
    assert_string_equal(error.pointer, "/peers");
    json_decref(json);
}

static void test_same_socket(void **state)
{
    struct cjd_udp_config *a = read_ok("{\"bind\":\"127.0.0.1:5\",\"dscp\":1}");
    static const struct {
        const char *json;
        bool is_same;
    } others[] = {
        {"{\"bind\":\"127.0.0.1:5\",\"dscp\":1,\"peers\":[]}", true},
        {"{\"bind\":\"127.0.0.1:5\",\"dscp\":1,\"beacon\":{\"port\":7}}", true},
        {"{\"bind\":\"127.0.0.1:5\",\"dscp\":1,\"beacon\":{\"mode\":\"send\"}}", false},
        {"{\"bind\":\"127.0.0.1:6\",\"dscp\":1}", false},
        {"{\"bind\":\"127.0.0.2:5\",\"dscp\":1}", false},
        {"{\"bind\":\"[::1]:5\",\"dscp\":1}", false},
        {"{\"bind\":[\"127.0.0.1:5\"],\"dscp\":1}", true},
        {"{\"bind\":[\"127.0.0.1:5\",\"[::1]:5\"],\"dscp\":1}", false},
        {"{\"bind\":\"127.0.0.1:5\",\"dscp\":2}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct cjd_udp_config *b = read_ok(others[i].json);
        assert_int_equal(cjd_udp_config_same_socket(a, b), others[i].is_same);
        cjd_udp_config_free(b);
    }
    cjd_udp_config_free(a);
    /* With beacons: mode and devices may change, their port may not. */
    a = read_ok("{\"beacon\":{\"mode\":\"send\"}}");
    struct cjd_udp_config *b = read_ok("{\"beacon\":{\"mode\":\"accept\",\"devices\":[\"eth7\"]}}");
    struct cjd_udp_config *c = read_ok("{\"beacon\":{\"mode\":\"send\",\"port\":9}}");
    assert_true(cjd_udp_config_same_socket(a, b));
    assert_false(cjd_udp_config_same_socket(a, c));
    cjd_udp_config_free(a);
    cjd_udp_config_free(b);
    cjd_udp_config_free(c);
}

/* The words of a schema the host can check (architecture notes, "Settled questions"). */
static void check_schema(const json_t *schema, const char *where)
{
    static const char *const words[] = {
        "type",       "properties", "required", "additionalProperties",
        "items",      "enum",       "minimum",  "maximum",
        "minLength",  "maxLength",  "format",   "default",
        "description"};
    const char *key;
    json_t *value;

    assert_true(json_is_object(schema));
    json_object_foreach((json_t *)(uintptr_t)schema, key, value)
    {
        bool is_known = false;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            is_known = is_known || strcmp(words[i], key) == 0;
        }
        if (!is_known) {
            fail_msg("schema word \"%s\" in %s", key, where);
        }
    }
    if (json_object_get(schema, "items")) {
        check_schema(json_object_get(schema, "items"), "items");
    }
    json_object_foreach(json_object_get(schema, "properties"), key, value)
    {
        check_schema(value, key);
        const json_t *type = json_object_get(value, "type");
        assert_true(json_is_string(type) || json_array_size(type) == 2);
    }
}

static void test_schema(void **state)
{
    json_error_t error;
    json_t *schema = json_loads(cjd_udp_schema, JSON_REJECT_DUPLICATES, &error);

    (void)state;
    if (!schema) {
        fail_msg("%s", error.text);
    }
    check_schema(schema, "root");
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_full),
        cmocka_unit_test(test_both_families),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_too_many_peers), cmocka_unit_test(test_same_socket),
        cmocka_unit_test(test_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
