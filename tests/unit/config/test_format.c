/* Formats of texts, addresses with ports, and hints for misspelt keys. */
#include "helper.h"

#include <limits.h>

#include <config/format.h>
#include <config/hint.h>

static const struct {
    const char *format;
    const char *text;
    bool fits;
} format_rows[] = {
    {"ip-port", "0.0.0.0:0", true},
    {"ip-port", "[::]:65535", true},
    {"ip-port", "[fe80::1%eth0]:1", true},
    {"ip-port", "0.0.0.0", false},
    {"ip-port", "0.0.0.0:65536", false},
    {"ip-port", "0.0.0.0:", false},
    {"ip-port", "0.0.0.0:-1", false},
    {"ip-port", "0.0.0.0:1x", false},
    {"ip-port", "0.0.0.0:000001", false},
    {"ip-port", "::1:80", false}, /* an address with no port */
    {"ip-port", "[::1:80", false},
    {"ip-port", "[::1]80", false},
    {"ip-port", "[1.2.3.4]:80", false},
    {"ip-port", "[fe80::1%]:80", false},
    {"ip-port", "[fe80::1%much-too-long-a-zone]:80", false},
    {"ip-port", "localhost:80", false},
    {"ip-port", "1.2.3.400:80", false},
    {"ip-port", "", false},
    {"host-port", "203.0.113.7:5199", true},
    {"host-port", "[2001:db8::1]:5199", true},
    {"host-port", "node.example.org:5199", true},
    {"host-port", "node.example.org.:1", true},
    {"host-port", "a_b-c:1", true},
    {"host-port", "node.example.org", false},
    {"host-port", "node.example.org:0", false},
    {"host-port", "node..example:1", false},
    {"host-port", ".example:1", false},
    {"host-port", "no de:1", false},
    {"host-port", "1.2.3:1", false},
    {"host-port", ":5199", false},
    {"host-port", "a:b:1", false},
    {"ip", "::1", true},
    {"ip", "10.0.0.1", true},
    {"ip", "10.0.0", false},
    {"ipv4", "10.0.0.1", true},
    {"ipv4", "::1", false},
    {"ipv6", "2001:db8::", true},
    {"ipv6", "2001:db8::g", false},
    {"ipv6", "1.2.3.4", false},
    {"mesh-address", OWN_ADDR, true},
    {"mesh-address", "fd00::1", false},
    {"mesh-address", "fc00::x", false},
    {"public-key", OWN_KEY, true},
    {"public-key", KEY_A, true},
    {"public-key", KEY_BAD, false},
    {"public-key", "5c6cxwpyltz696pry1hgd67y0xmzq8w3h8d9jp1gqjmlkgwttxd0", false},
    {"public-key", "", false},
    {"hex-64", OWN_SECRET, true},
    {"hex-64", "c7", false},
    {"hex-64", OWN_SECRET "00", false},
    {"hex-64", "g7394046d4b5e94a1ac08f6c778feae20b099388dac0b848d9d2143bd8f0aacb", false},
    {"mac", "01:02:03:04:05:aF", true},
    {"mac", "01:02:03:04:05", false},
    {"mac", "01:02:03:04:05:0g", false},
    {"mac", "01-02-03-04-05-06", false},
    {"device", "eth0", true},
    {"device", "fifteen-letters", true},
    {"device", "sixteen--letters", false},
    {"device", "", false},
    {"device", "..", false},
    {"device", "a/b", false},
    {"device", "a b", false},
    {"path", "/x", true},
    {"path", "x", false},
    {"secret", "anything", true},
};

static void formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof format_rows / sizeof format_rows[0]; i++) {
        cjd_format_fn check = cjd_format_find(format_rows[i].format);
        assert_non_null(check);
        const char *why = check(format_rows[i].text);
        if (!why != format_rows[i].fits) {
            fail_msg("%s \"%s\": %s", format_rows[i].format, format_rows[i].text,
                     why ? why : "accepted");
        }
    }
    assert_null(cjd_format_find("uri"));
}

static void endpoints(void **state)
{
    struct cjd_endpoint e;
    const char *why;
    char long_text[600];

    (void)state;
    assert_int_equal(cjd_endpoint_parse(&e, "[fe80::1%eth0]:7", &why), 0);
    assert_int_equal(e.family, 6);
    assert_int_equal(e.port, 7);
    assert_string_equal(e.host, "fe80::1%eth0");
    assert_int_equal(cjd_endpoint_parse(&e, "::1", &why), 0);
    assert_int_equal(e.port, -1);
    assert_int_equal(e.ip[15], 1);
    assert_int_equal(cjd_endpoint_parse(&e, "127.0.0.1:65535", &why), 0);
    assert_int_equal(e.family, 4);
    assert_int_equal(e.ip[0], 127);
    memset(long_text, 'a', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    for (const char *p = "a[:%."; *p; p++) {
        long_text[0] = *p;
        assert_int_equal(cjd_endpoint_parse(&e, long_text, &why), CJD_ERR_PARSE);
    }
}

static void distances(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        unsigned distance;
    } rows[] = {
        {"", "", 0},
        {"bind", "bind", 0},
        {"bind", "BIND", 0},
        {"", "abc", 3},
        {"bnid", "bind", 1},
        {"bin", "bind", 1},
        {"binds", "bind", 1},
        {"bond", "bind", 1},
        {"kitten", "sitting", 3},
        {"abcdef", "fedcba", 5},
    };
    char long_word[80];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(cjd_hint_distance(rows[i].a, rows[i].b), rows[i].distance);
        assert_int_equal(cjd_hint_distance(rows[i].b, rows[i].a), rows[i].distance);
    }
    memset(long_word, 'x', sizeof long_word);
    long_word[63] = '\0';
    assert_int_equal(cjd_hint_distance(long_word, ""), 63);
    long_word[63] = 'x';
    long_word[64] = '\0';
    assert_int_equal(cjd_hint_distance(long_word, ""), UINT_MAX);
}

static void hints(void **state)
{
    struct cjd_hint hint = {.word = "pasword"};

    (void)state;
    cjd_hint_try(&hint, "peers");
    assert_null(hint.best);
    cjd_hint_try(&hint, "passwords");
    cjd_hint_try(&hint, "password");
    cjd_hint_try(&hint, "passwords");
    assert_string_equal(hint.best, "password");
    assert_true(cjd_key_is_ignored("_disabled_x"));
    assert_true(cjd_key_is_ignored("// note"));
    assert_false(cjd_key_is_ignored("/x"));
    assert_false(cjd_key_is_ignored(""));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(endpoints),
        cmocka_unit_test(distances),
        cmocka_unit_test(hints),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
