/* From verb, path, query and body to a method and its arguments. */
#include "http_fixture.h"

static const char *match(const struct cjd_http_catalog *c, uint32_t verb, const char *path,
                         uint32_t *allowed)
{
    struct cjd_http_path p;
    const struct cjd_http_route *route;

    *allowed = 0;
    if (cjd_http_path_split(&p, path) < 0) {
        return "malformed";
    }
    route = cjd_http_catalog_match(c, verb, &p, allowed);
    cjd_http_path_fini(&p);
    return route ? route->method : "none";
}

static void test_match(void **state)
{
    static const struct {
        uint32_t verb;
        const char *path;
        const char *method;
        const char *allowed;
    } rows[] = {
        {CJD_HTTP_VERB_GET, "/v1/peers", "peers.list", "GET, HEAD, OPTIONS"},
        {CJD_HTTP_VERB_HEAD, "/v1/peers", "peers.list", "GET, HEAD, OPTIONS"},
        {CJD_HTTP_VERB_POST, "/v1/peers", "none", "GET, HEAD, OPTIONS"},
        {CJD_HTTP_VERB_GET, "/v1/peers/p-1", "peers.get", "GET, HEAD, DELETE, OPTIONS"},
        {CJD_HTTP_VERB_DELETE, "/v1/peers/p-1", "peers.remove", "GET, HEAD, DELETE, OPTIONS"},
        {CJD_HTTP_VERB_POST, "/v1/peers/reset", "peers.reset", "GET, HEAD, POST, DELETE, OPTIONS"},
        {CJD_HTTP_VERB_GET, "/v1/peers/reset", "peers.get", "GET, HEAD, POST, DELETE, OPTIONS"},
        {CJD_HTTP_VERB_POST, "/v1/peers/x/retry", "peers.retry", "POST, OPTIONS"},
        {CJD_HTTP_VERB_GET, "/v1/peers/a%2Fb", "peers.get", "GET, HEAD, DELETE, OPTIONS"},
        {CJD_HTTP_VERB_GET, "/v1/peers/", "none", ""},
        {CJD_HTTP_VERB_GET, "/v1", "none", ""},
        {CJD_HTTP_VERB_GET, "/V1/peers", "none", ""},
        {CJD_HTTP_VERB_GET, "//v1/peers", "malformed", ""},
        {CJD_HTTP_VERB_GET, "v1/peers", "malformed", ""},
        {CJD_HTTP_VERB_GET, "", "malformed", ""},
        {CJD_HTTP_VERB_GET, "/v1/peers/%00", "malformed", ""},
        {CJD_HTTP_VERB_GET, "/v1/peers/a%00b", "malformed", ""},
        {CJD_HTTP_VERB_GET, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", "malformed", ""},
        {CJD_HTTP_VERB_GET, "/v1/../v1/peers", "none", ""}};
    struct cjd_http_catalog *c = fixture_catalog();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t allowed;
        char text[64];
        const char *method = match(c, rows[i].verb, rows[i].path, &allowed);
        cjd_http_verbs_text(text, allowed);
        if (strcmp(method, rows[i].method) != 0 || strcmp(text, rows[i].allowed) != 0) {
            fail_msg("%s: %s, %s", rows[i].path, method, text);
        }
    }
    cjd_http_catalog_free(c);
}

static void test_find(void **state)
{
    struct cjd_http_catalog *c = fixture_catalog();

    (void)state;
    assert_int_equal(c->revision, 7);
    assert_string_equal(c->boot_id, "0123456789abcdef");
    assert_string_equal(cjd_http_catalog_find(c, "udp.connect")->path, "/v1/udp/peers");
    assert_null(cjd_http_catalog_find(c, "udp"));
    assert_null(cjd_http_catalog_find(c, ""));
    cjd_http_catalog_free(c);
    cjd_http_catalog_free(NULL);
}

/* Arguments as compact JSON, or the code of the refusal. */
static char *args_of(const struct cjd_http_catalog *c, const char *method, const char *path,
                     const char *query, const char *body)
{
    const struct cjd_http_route *route = cjd_http_catalog_find(c, method);
    struct cjd_http_path p = {.count = 0};
    json_t *json = body ? json_loads(body, 0, NULL) : NULL;
    json_t *args = NULL;
    json_t *error = NULL;
    char *text;

    assert_non_null(route);
    assert_true(!body || json);
    assert_int_equal(path ? cjd_http_path_split(&p, path) : 0, 0);
    int err = cjd_http_args_read(&args, route, path ? &p : NULL, query, json, &error);
    if (err == 0) {
        text = json_dumps(args, JSON_COMPACT | JSON_SORT_KEYS);
    } else {
        assert_null(args);
        char whole[300];
        snprintf(whole, sizeof whole, "%s %s", fixture_text(error, "code"),
                 fixture_text(error, "pointer"));
        text = strdup(whole);
    }
    json_decref(args);
    json_decref(error);
    json_decref(json);
    cjd_http_path_fini(&p);
    return text;
}

static void test_args(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        const char *query;
        const char *body;
        const char *args;
    } rows[] = {
        {"peers.list", "/v1/peers", NULL, NULL, "{}"},
        {"peers.list", "/v1/peers", "", NULL, "{}"},
        {"peers.list", "/v1/peers", "limit=5&state=up", NULL, "{\"limit\":5,\"state\":\"up\"}"},
        {"peers.list", "/v1/peers", "state=12", NULL, "{\"state\":\"12\"}"},
        {"peers.list", "/v1/peers", "state=a%20b+c%26d", NULL, "{\"state\":\"a b c&d\"}"},
        {"peers.list", "/v1/peers", "all=true", NULL, "{\"all\":true}"},
        {"peers.list", "/v1/peers", "all=0", NULL, "{\"all\":false}"},
        {"peers.list", "/v1/peers", "cost=1.5", NULL, "{\"cost\":1.5}"},
        {"peers.list", "/v1/peers", "cost=-2e3", NULL, "{\"cost\":-2000.0}"},
        {"peers.list", "/v1/peers", "cost=0x10", NULL, "{\"cost\":\"0x10\"}"},
        {"peers.list", "/v1/peers", "cost=inf", NULL, "{\"cost\":\"inf\"}"},
        {"peers.list", "/v1/peers", "tags=1&tags=2", NULL, "{\"tags\":[1,2]}"},
        {"peers.list", "/v1/peers", "limit=5x", NULL, "{\"limit\":\"5x\"}"},
        {"peers.list", "/v1/peers", "limit=99999999999999999999", NULL,
         "{\"limit\":\"99999999999999999999\"}"},
        /* The registry says that there is no such argument. */
        {"peers.list", "/v1/peers", "what=5", NULL, "{\"what\":\"5\"}"},
        {"peers.list", "/v1/peers", "limit=5&limit=6", NULL, "repeated_argument /limit"},
        {"peers.list", "/v1/peers", "limit", NULL, "malformed_query "},
        {"peers.list", "/v1/peers", "=5", NULL, "malformed_query "},
        {"peers.list", "/v1/peers", "state=a%00b", NULL, "malformed_query "},
        {"peers.list", "/v1/peers", "state=%ff", NULL, "invalid_argument "},
        {"peers.get", "/v1/peers/p-1", NULL, NULL, "{\"peer\":\"p-1\"}"},
        {"peers.get", "/v1/peers/fc00%3A%3A1", NULL, NULL, "{\"peer\":\"fc00::1\"}"},
        {"peers.get", "/v1/peers/a%2fb", NULL, NULL, "{\"peer\":\"a/b\"}"},
        {"peers.get", "/v1/peers/a+b", NULL, NULL, "{\"peer\":\"a+b\"}"},
        {"peers.get", "/v1/peers/p-1", "peer=p-2", NULL, "repeated_argument /peer"},
        {"peers.retry", "/v1/peers/p/retry", NULL, "{\"times\":3}", "{\"peer\":\"p\",\"times\":3}"},
        {"peers.retry", "/v1/peers/p/retry", NULL, "{\"peer\":\"q\"}", "repeated_argument /peer"},
        {"peers.retry", "/v1/peers/p/retry", "times=3", NULL, "unknown_argument "},
        {"peers.retry", NULL, NULL, "{\"peer\":\"q\",\"times\":1}",
         "{\"peer\":\"q\",\"times\":1}"}};
    struct cjd_http_catalog *c = fixture_catalog();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *args = args_of(c, rows[i].method, rows[i].path, rows[i].query, rows[i].body);
        if (strncmp(args, rows[i].args, strlen(rows[i].args)) != 0) {
            fail_msg("row %zu: %s", i, args);
        }
        free(args);
    }
    cjd_http_catalog_free(c);
}

static void test_body(void **state)
{
    static const char *const bad[] = {"x",          "[]", "5",    "{\"a\":1,\"a\":2}",
                                      "{\"a\":1}x", "{",  "\xff", "{\"a\":\"\xff\"}"};
    json_t *body;
    json_t *error;

    (void)state;
    assert_int_equal(cjd_http_body_read(&body, "", 0, &error), 0);
    assert_int_equal(json_object_size(body), 0);
    json_decref(body);
    assert_int_equal(cjd_http_body_read(&body, "{\"a\":1}", 7, &error), 0);
    assert_int_equal(json_object_size(body), 1);
    json_decref(body);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(cjd_http_body_read(&body, bad[i], strlen(bad[i]), &error), CJD_ERR_PARSE);
        assert_null(body);
        assert_string_equal(fixture_text(error, "code"), "malformed_body");
        json_decref(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_match), cmocka_unit_test(test_find),
                                       cmocka_unit_test(test_args), cmocka_unit_test(test_body)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
