/* Host, Origin, Accept, entity tags: tables of header values. */
#include "http_fixture.h"

static char *const names[] = {(char[]){"node.example"}, (char[]){"box"}};
static char *const origins[] = {(char[]){"https://dash.example"}};

static const struct cjd_http_site site4 = {.family = 4,
                                           .ip = {127, 0, 0, 1},
                                           .port = 11235,
                                           .host_names = names,
                                           .host_name_count = 2,
                                           .cors_origins = origins,
                                           .cors_count = 1};

static void test_host(void **state)
{
    static const struct {
        const char *host;
        bool is_ours;
    } rows[] = {{"127.0.0.1:11235", true},
                {"localhost:11235", true},
                {"LOCALHOST:11235", true},
                {"node.example:11235", true},
                {"box:11235", true},
                {NULL, false},
                {"", false},
                {"127.0.0.1", false},
                {"127.0.0.1:80", false},
                {"127.0.0.1:112350", false},
                {"127.0.0.2:11235", false},
                {"127.1:11235", false},
                {"0x7f000001:11235", false},
                {"[::1]:11235", false},
                {"evil.example:11235", false},
                {"evil.example", false},
                {"localhost.evil.example:11235", false},
                {"localhost:11235@evil.example", false},
                {"user@localhost:11235", false},
                {"localhost:11235/path", false},
                {"localhost:11235#", false},
                {"localhost :11235", false},
                {"localhost:11235 ", false},
                {"localhost:+11235", false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (cjd_http_host_is_ours(&site4, rows[i].host) != rows[i].is_ours) {
            fail_msg("Host: %s", rows[i].host ? rows[i].host : "(none)");
        }
    }
}

static void test_host_port_80_and_ipv6(void **state)
{
    const struct cjd_http_site site = {.family = 6, .ip = {0xfc, [15] = 1}, .port = 80};

    (void)state;
    assert_true(cjd_http_host_is_ours(&site, "[fc00::1]"));
    assert_true(cjd_http_host_is_ours(&site, "[fc00:0:0::1]:80"));
    assert_true(cjd_http_host_is_ours(&site, "localhost"));
    assert_false(cjd_http_host_is_ours(&site, "fc00::1"));
    assert_false(cjd_http_host_is_ours(&site, "[fc00::2]"));
    assert_false(cjd_http_host_is_ours(&site, "[fc00::1"));
    assert_false(cjd_http_host_is_ours(&site, "[]"));
}

static void test_origin(void **state)
{
    static const struct {
        const char *origin;
        const char *fetch_site;
        enum cjd_http_origin verdict;
    } rows[] = {{NULL, NULL, CJD_HTTP_ORIGIN_OWN},
                {NULL, "none", CJD_HTTP_ORIGIN_OWN},
                {NULL, "same-origin", CJD_HTTP_ORIGIN_OWN},
                {NULL, "same-site", CJD_HTTP_ORIGIN_FOREIGN},
                {NULL, "cross-site", CJD_HTTP_ORIGIN_FOREIGN},
                {NULL, "anything", CJD_HTTP_ORIGIN_FOREIGN},
                {"http://127.0.0.1:11235", NULL, CJD_HTTP_ORIGIN_OWN},
                {"http://localhost:11235", "same-origin", CJD_HTTP_ORIGIN_OWN},
                {"http://localhost:11235", "cross-site", CJD_HTTP_ORIGIN_FOREIGN},
                {"https://localhost:11235", NULL, CJD_HTTP_ORIGIN_FOREIGN},
                {"http://localhost:8080", NULL, CJD_HTTP_ORIGIN_FOREIGN},
                {"http://evil.example", NULL, CJD_HTTP_ORIGIN_FOREIGN},
                {"null", NULL, CJD_HTTP_ORIGIN_FOREIGN},
                {"", NULL, CJD_HTTP_ORIGIN_FOREIGN},
                {"https://dash.example", "cross-site", CJD_HTTP_ORIGIN_LISTED},
                {"https://dash.example.evil.example", NULL, CJD_HTTP_ORIGIN_FOREIGN},
                {"https://DASH.example", NULL, CJD_HTTP_ORIGIN_FOREIGN}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (cjd_http_origin(&site4, rows[i].origin, rows[i].fetch_site) != rows[i].verdict) {
            fail_msg("row %zu", i);
        }
    }
}

static void test_accept(void **state)
{
    static const char *const types[] = {"application/json", "application/x-ndjson",
                                        "text/event-stream", NULL};
    static const struct {
        const char *accept;
        int chosen;
    } rows[] = {{NULL, 0},
                {"", 0},
                {"*/*", 0},
                {"application/*", 0},
                {"text/event-stream", 2},
                {"Text/Event-Stream", 2},
                {"text/*", 2},
                {"application/x-ndjson, application/json;q=0.5", 1},
                {"application/json;q=0.1,text/event-stream;q=0.9", 2},
                {"*/*;q=0.1, application/x-ndjson", 1},
                {"application/json;q=0, */*", 1},
                {"text/html", -1},
                {"text/html,application/json;q=0", -1},
                {"text/html, application/xhtml+xml, */*;q=0.8", 0},
                {"application/json;charset=utf-8", 0},
                {"application/jsonx", -1},
                {";;;,,,/", -1},
                {",", -1}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int chosen = cjd_http_accept(rows[i].accept, types);
        if (chosen != rows[i].chosen) {
            fail_msg("Accept: %s gives %d", rows[i].accept ? rows[i].accept : "(none)", chosen);
        }
    }
}

static void test_is_json(void **state)
{
    (void)state;
    assert_true(cjd_http_is_json("application/json"));
    assert_true(cjd_http_is_json("Application/JSON ; charset=UTF-8"));
    assert_true(cjd_http_is_json("application/json; charset=\"utf-8\""));
    assert_false(cjd_http_is_json(NULL));
    assert_false(cjd_http_is_json(""));
    assert_false(cjd_http_is_json("text/plain"));
    assert_false(cjd_http_is_json("application/x-www-form-urlencoded"));
    assert_false(cjd_http_is_json("application/jsonp"));
    assert_false(cjd_http_is_json("application/json; charset=latin1"));
}

static void test_tags(void **state)
{
    char tag[CJD_HTTP_TAG_SIZE];
    char other[CJD_HTTP_TAG_SIZE];

    (void)state;
    cjd_http_tag(tag, "one", 3);
    cjd_http_tag(other, "two", 3);
    assert_int_equal(strlen(tag), CJD_HTTP_TAG_SIZE - 1);
    assert_string_not_equal(tag, other);
    assert_true(cjd_http_tag_matches(tag, tag, false));
    assert_true(cjd_http_tag_matches("*", tag, false));
    assert_true(cjd_http_tag_matches("\"x\", \"a\" ,\"b\"", "\"a\"", false));
    assert_true(cjd_http_tag_matches("W/\"a\"", "\"a\"", true));
    assert_false(cjd_http_tag_matches("W/\"a\"", "\"a\"", false));
    assert_false(cjd_http_tag_matches("\"ab\"", "\"a\"", true));
    assert_false(cjd_http_tag_matches("a", "\"a\"", true));
    assert_false(cjd_http_tag_matches(",, ,", "\"a\"", true));
    assert_false(cjd_http_tag_matches("", "\"a\"", true));
    assert_false(cjd_http_tag_matches(NULL, "\"a\"", true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),    cmocka_unit_test(test_host_port_80_and_ipv6),
        cmocka_unit_test(test_origin),  cmocka_unit_test(test_accept),
        cmocka_unit_test(test_is_json), cmocka_unit_test(test_tags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
