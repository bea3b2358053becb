/* Configuration of the TUN device, its reload, and its schema. */
#include "tun_fixture.h"

extern const char cjd_tun_schema[];

static void test_values(void **state)
{
    struct tun_fixture f = tun_fixture_new(NULL);
    const struct cjd_tun_config *c = &f.tun->config;

    (void)state;
    assert_int_equal(tun_fixture_configure(&f, "{}"), 0);
    assert_string_equal(c->device, "");
    assert_int_equal(c->fd, -1);
    assert_int_equal(c->mtu, 1304);
    assert_int_equal(c->manage, CJD_TUN_AUTO);
    assert_int_equal(
        tun_fixture_configure(&f, "{\"device\":\"cjdns%d\",\"mtu\":3336,\"manage\":\"never\"}"), 0);
    assert_string_equal(c->device, "cjdns%d");
    assert_int_equal(c->mtu, 3336);
    assert_int_equal(c->manage, CJD_TUN_NEVER);
    assert_int_equal(tun_fixture_configure(&f, "{\"fd\":3,\"mtu\":1280,\"manage\":\"always\"}"), 0);
    assert_int_equal(c->fd, 3);
    assert_int_equal(c->manage, CJD_TUN_ALWAYS);
    assert_int_equal(tun_fixture_configure(&f, "{\"device\":\"a23456789012345\"}"), 0);
    tun_fixture_end(&f);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *json;
        const char *pointer;
        const char *text;
    } bad[] = {
        {"[]", "", "object"},
        {"{\"device\":\"\"}", "/device", "1 to 15"},
        {"{\"device\":\"a234567890123456\"}", "/device", "1 to 15"},
        {"{\"device\":7}", "/device", "text"},
        {"{\"device\":\"..\"}", "/device", "cannot be"},
        {"{\"device\":\"a/b\"}", "/device", "slashes"},
        {"{\"device\":\"a b\"}", "/device", "spaces"},
        {"{\"device\":\"a:1\"}", "/device", "colons"},
        {"{\"device\":\"a\\nb\"}", "/device", "spaces"},
        {"{\"device\":\"t\\u00fcn\"}", "/device", "spaces"},
        {"{\"device\":\"tun%s\"}", "/device", "%d"},
        {"{\"device\":\"%d%d\"}", "/device", "%d"},
        {"{\"device\":\"tun%\"}", "/device", "%d"},
        {"{\"device\":\"a\\u0000b\"}", "/device", "NUL"},
        {"{\"fd\":2}", "/fd", "from 3"},
        {"{\"fd\":-1}", "/fd", "from 3"},
        {"{\"fd\":\"3\"}", "/fd", "whole number"},
        {"{\"fd\":3,\"device\":\"tun0\"}", "/fd", "not both"},
        {"{\"mtu\":1279}", "/mtu", "1280"},
        {"{\"mtu\":3337}", "/mtu", "3336"},
        {"{\"manage\":\"no\"}", "/manage", "\"auto\""},
        {"{\"manage\":true}", "/manage", "\"auto\""},
    };
    struct tun_fixture f = tun_fixture_new(NULL);

    (void)state;
    assert_int_equal(tun_fixture_configure(&f, "{\"mtu\":1400}"), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int err = tun_fixture_configure(&f, bad[i].json);
        tun_fixture_want(&f.error, err, CJD_ERR_CONFIG, bad[i].text);
        assert_string_equal(f.error.pointer, bad[i].pointer);
    }
    assert_int_equal(f.tun->config.mtu, 1400); /* untouched */
    tun_fixture_end(&f);
}

static void check_words(const json_t *schema)
{
    static const char *const words[] = {"type",      "minimum", "maximum",     "minLength",
                                        "maxLength", "default", "description", "enum"};
    const char *name;
    const char *key;
    json_t *member;
    json_t *value;

    json_object_foreach(json_object_get(schema, "properties"), name, member)
    {
        json_object_foreach(member, key, value)
        {
            bool is_known = false;
            for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
                is_known = is_known || strcmp(words[i], key) == 0;
            }
            assert_true(is_known);
        }
    }
}

/* The schema says the same as the code. */
static void test_schema(void **state)
{
    json_error_t error;
    json_t *schema = json_loads(cjd_tun_schema, JSON_REJECT_DUPLICATES, &error);
    long long min = 0;
    long long max = 0;
    long long mtu = 0;

    (void)state;
    if (!schema) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(json_unpack(schema, "{s:{s:{s:I,s:I,s:I}}}", "properties", "mtu", "minimum",
                                 &min, "maximum", &max, "default", &mtu),
                     0);
    assert_int_equal(min, CJD_TUN_MTU_MIN);
    assert_int_equal(max, CJD_TUN_MTU_MAX);
    assert_int_equal(mtu, CJD_TUN_MTU_DEFAULT);
    check_words(schema);
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_schema)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
