/* What the plugin offers to operators. */
#include "udp_fixture.h"

#include <string.h>

static const char *text(const json_t *value, const char *key)
{
    return json_string_value(json_object_get(value, key));
}

static void test_info(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    udp_fixture_start(&f, "{\"bind\": \"127.0.0.1:0\"}");
    const json_t *info = cjd_fake_call(f.fake, "info", NULL);
    const json_t *bind = json_array_get(json_object_get(info, "binds"), 0);
    assert_int_equal(4, json_integer_value(json_object_get(bind, "family")));
    assert_memory_equal("127.0.0.1:", text(bind, "address"), 10);
    assert_string_equal("off", text(info, "beacon"));
    udp_fixture_end(&f);
}

static void test_connect(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    udp_fixture_start(&f, "{\"bind\": \"127.0.0.1:0\"}");
    assert_non_null(cjd_fake_call(f.fake, "connect",
                                  "{\"public_key\": \"" KEY_A "\", \"address\": \"127.0.0.1:7\","
                                  " \"password\": \"pw\", \"login\": \"me\", \"name\": \"a\"}"));
    const struct cjd_fake_peer *peer = cjd_fake_peer(f.fake, "a");
    struct cjd_linkaddr wished = udp_fixture_addr("127.0.0.1:7");
    assert_non_null(peer);
    assert_string_equal("pw", peer->spec.password);
    assert_string_equal("me", peer->spec.login);
    assert_int_equal(wished.len, peer->spec.addr.len);
    assert_memory_equal(wished.b, peer->spec.addr.b, wished.len);
    udp_fixture_end(&f);
}

static void test_connect_refuses(void **state)
{
    static const struct {
        const char *address;
        int err; /* of the core */
        const char *code;
    } cases[] = {
        {"[::1]:7", 0, "other_family"},
        {"nonsense", 0, "invalid_address"},
        {"node.example:7", 0, "invalid_address"},
        {"127.0.0.1:7", CJD_ERR_OWN_KEY, "own_key"},
        {"127.0.0.1:7", CJD_ERR_BAD_KEY, "bad_key"},
        {"127.0.0.1:7", CJD_ERR_FULL, "too_many_peers"},
        {"127.0.0.1:7", CJD_ERR_EXISTS, "address_taken"},
        {"127.0.0.1:7", CJD_ERR_NO_MEMORY, "not_added"},
    };
    struct udp_fixture f = udp_fixture_new();
    char args[256];

    (void)state;
    udp_fixture_start(&f, "{\"bind\": \"127.0.0.1:0\"}");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(args, sizeof args, "{\"public_key\": \"" KEY_A "\", \"address\": \"%s\"}",
                 cases[i].address);
        f.fake->next_add_err = cases[i].err;
        assert_null(cjd_fake_call(f.fake, "connect", args));
        assert_string_equal(cases[i].code, f.fake->answer_code);
    }
    udp_fixture_end(&f);
}

static void test_beacons_stay_off(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    udp_fixture_start(&f, "{\"bind\": \"127.0.0.1:0\"}");
    assert_non_null(cjd_fake_call(f.fake, "beacon", "{\"mode\": \"off\"}"));
    assert_null(cjd_fake_call(f.fake, "beacon", "{\"mode\": \"send\"}"));
    assert_string_equal("restart_needed", f.fake->answer_code);
    udp_fixture_end(&f);
}

/* Without the registry the link works as ever. */
static void test_no_registry(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    cjd_fake_hide(f.fake, CJD_SERVICE_RPC);
    udp_fixture_start(&f, "{\"bind\": \"127.0.0.1:0\"}");
    assert_int_equal(0, f.fake->method_count);
    udp_fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_connect),
        cmocka_unit_test(test_connect_refuses),
        cmocka_unit_test(test_beacons_stay_off),
        cmocka_unit_test(test_no_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
