/* The plugin's section: what is refused, and where. */
#include <testlib/testlib.h>

#include "admin.h"

static int read_text(const char *text, struct admin_config *out, struct cjd_plugin_error *error)
{
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    *error = (struct cjd_plugin_error){.size = sizeof *error};
    int err = admin_config_read(out, json, error);
    json_decref(json);
    return err;
}

static void defaults(void **state)
{
    struct cjd_plugin_error error;
    struct admin_config c;

    (void)state;
    assert_int_equal(0, read_text("{}", &c, &error));
    assert_string_equal("127.0.0.1:11234", c.bind);
    assert_int_equal(AF_INET, c.at.addr.any.sa_family);
    assert_int_equal(11234, ntohs(c.at.addr.in.sin_port));
    assert_false(c.has_password || c.is_open || c.has_tcp);
    assert_int_equal(200, c.anonymous_per_s);
}

static void accepted(void **state)
{
    static const char *const good[] = {
        "{\"password\": \"NONE\"}",
        "{\"bind\": \"[::1]:1\", \"password\": \"NONE\", \"tcp\": true}",
        "{\"bind\": \"127.9.8.7:65535\", \"password\": \"NONE\"}",
        "{\"bind\": \"0.0.0.0:11234\", \"password\": \"a good one\"}",
        "{\"bind\": \"0.0.0.0:11234\"}",
        "{\"bind\": \"[::]:11234\", \"password\": \"NONE\", \"allowInsecure\": true}",
    };
    struct cjd_plugin_error error;
    struct admin_config c;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(0, read_text(good[i], &c, &error));
        admin_config_fini(&c);
        assert_int_equal(0, c.password_len);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *text;
        const char *pointer;
    } bad[] = {
        {"{\"bind\": \"0.0.0.0:11234\", \"password\": \"NONE\"}", "/bind"},
        {"{\"bind\": \"[::]:11234\", \"password\": \"NONE\"}", "/bind"},
        {"{\"bind\": \"192.0.2.1:11234\", \"password\": \"x\", \"tcp\": true}", "/tcp"},
        {"{\"bind\": \"127.0.0.1\"}", "/bind"},
        {"{\"bind\": \"127.0.0.1:\"}", "/bind"},
        {"{\"bind\": \"127.0.0.1:65536\"}", "/bind"},
        {"{\"bind\": \"localhost:11234\"}", "/bind"},
        {"{\"bind\": \"[::1:11234\"}", "/bind"},
        {"{\"bind\": \"::1:11234\"}", "/bind"},
        {"{\"password\": \"\"}", "/password"},
        {"{\"password\": 5}", "/password"},
        {"{\"anonymousPerSecond\": 0}", "/anonymousPerSecond"},
    };
    struct cjd_plugin_error error;
    struct admin_config c;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(read_text(bad[i].text, &c, &error) < 0);
        assert_string_equal(bad[i].pointer, error.pointer);
        assert_true(strlen(error.text) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(accepted),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
