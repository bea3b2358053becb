/* Tokens, and what a client may do without one. */
#include "http_fixture.h"

#define DAY_MS 86400000ull

/* SHA-256 of "cjd_abc". */
static const char hash_abc[] = "2c6a0fe38fc96003d9e47f9b7c3d77ce6adefaa4789c4b4ec3328d73baf4e8f2";

static struct cjd_http_token token(const char *hex, uint32_t scopes, uint64_t expires_ms)
{
    struct cjd_http_token t = {.name = (char[]){"t"}, .scopes = scopes, .expires_ms = expires_ms};

    assert_int_equal(test_unhex(t.sha256, sizeof t.sha256, hex), sizeof t.sha256);
    return t;
}

static void test_token(void **state)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    const struct cjd_http_token tokens[] = {token(zeros, CJD_RPC_ALL, 0),
                                            token(hash_abc, CJD_RPC_READ, DAY_MS)};
    static const char *const wrong[] = {NULL,
                                        "",
                                        "Bearer",
                                        "Bearer ",
                                        "cjd_abc",
                                        "Basic cjd_abc",
                                        "Bearer cjd_ab",
                                        "Bearer cjd_abcd",
                                        "Bearer  cjd_abc"};

    (void)state;
    assert_ptr_equal(cjd_http_token_find(tokens, 2, "Bearer cjd_abc", 1), &tokens[1]);
    assert_ptr_equal(cjd_http_token_find(tokens, 2, "bearer cjd_abc", DAY_MS - 1), &tokens[1]);
    assert_null(cjd_http_token_find(tokens, 2, "Bearer cjd_abc", DAY_MS));
    assert_null(cjd_http_token_find(tokens, 1, "Bearer cjd_abc", 1));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_null(cjd_http_token_find(tokens, 2, wrong[i], 1));
    }
}

static struct cjd_http_client local(uint32_t uid, uint32_t group)
{
    return (struct cjd_http_client){
        .place = CJD_HTTP_UNIX, .uid = uid, .groups = {group, 2000}, .group_count = 2};
}

static void test_unix_scopes(void **state)
{
    struct cjd_http_grant grants[] = {
        {.who = CJD_HTTP_USER, .id = 1001, .scopes = CJD_RPC_WRITE},
        {.who = CJD_HTTP_GROUP, .id = 2000, .scopes = CJD_HTTP_METRICS},
        {.who = CJD_HTTP_KEY, .addr = {.b = {0xfc, 1}}, .scopes = CJD_RPC_ALL}};
    const struct cjd_http_config none = {0};
    const struct cjd_http_config some = {.grants = grants, .grant_count = 3};
    const uint32_t all = CJD_RPC_ALL | CJD_HTTP_METRICS;
    const uint32_t group = CJD_RPC_READ | CJD_RPC_PROBE | CJD_HTTP_METRICS;
    struct cjd_http_client root = local(0, 0);
    struct cjd_http_client own = local(990, 990);
    struct cjd_http_client nobody = local(65534, 65534);
    struct cjd_http_client member = local(1002, 500);
    struct cjd_http_client named = local(1001, 501);

    (void)state;
    assert_int_equal(cjd_http_client_scopes(&none, &root, 500, 990), all);
    assert_int_equal(cjd_http_client_scopes(&none, &own, 500, 990), all);
    /* The daemon runs as nobody: others do, too. */
    assert_int_equal(cjd_http_client_scopes(&none, &nobody, 500, CJD_HTTP_NO_ID), 0);
    assert_int_equal(cjd_http_client_scopes(&none, &member, 500, 990), group);
    assert_int_equal(cjd_http_client_scopes(&none, &member, CJD_HTTP_NO_ID, 990), 0);
    assert_int_equal(cjd_http_client_scopes(&none, &named, 500, 990), 0);
    /* Entries add up, and come before the group. */
    assert_int_equal(cjd_http_client_scopes(&some, &named, 500, 990),
                     CJD_RPC_WRITE | CJD_HTTP_METRICS);
    assert_int_equal(cjd_http_client_scopes(&some, &member, 500, 990), CJD_HTTP_METRICS);
}

static void test_other_scopes(void **state)
{
    struct cjd_http_grant grants[] = {
        {.who = CJD_HTTP_KEY, .addr = {.b = {0xfc, 1}}, .scopes = CJD_RPC_READ},
        {.who = CJD_HTTP_USER, .id = 0, .scopes = CJD_RPC_ALL}};
    const struct cjd_http_config config = {.grants = grants, .grant_count = 2};
    struct cjd_http_client mesh = {.place = CJD_HTTP_MESH, .family = 6, .ip = {0xfc, 1}};
    struct cjd_http_client tcp = {.place = CJD_HTTP_TCP, .family = 6, .ip = {0xfc, 1}};

    (void)state;
    assert_int_equal(cjd_http_client_scopes(&config, &mesh, 0, 0), CJD_RPC_READ);
    mesh.ip[15] = 1;
    assert_int_equal(cjd_http_client_scopes(&config, &mesh, 0, 0), 0);
    /* Over TCP neither address nor what looks like a user means anything. */
    assert_int_equal(cjd_http_client_scopes(&config, &tcp, 0, 0), 0);
}

static void test_failures(void **state)
{
    static struct cjd_http_failures f;
    struct cjd_http_client one = {.place = CJD_HTTP_TCP, .family = 4, .ip = {127, 0, 0, 1}};
    struct cjd_http_client other = {.place = CJD_HTTP_TCP, .family = 4, .ip = {127, 0, 0, 2}};
    uint64_t now = 1000000000;

    (void)state;
    for (unsigned i = 0; i < CJD_HTTP_FAILURES_MAX; i++) {
        assert_false(cjd_http_failures_add(&f, &one, now));
    }
    assert_true(cjd_http_failures_add(&f, &one, now + 1));
    assert_false(cjd_http_failures_add(&f, &other, now + 1));
    assert_false(cjd_http_failures_add(&f, &one, now + 61000000000ull));
    /* Many others push out the oldest, nothing more. */
    for (unsigned i = 0; i < 1000; i++) {
        other.ip[2] = (uint8_t)(i >> 8);
        other.ip[3] = (uint8_t)i;
        assert_false(cjd_http_failures_add(&f, &other, now + 62000000000ull + i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token), cmocka_unit_test(test_unix_scopes),
        cmocka_unit_test(test_other_scopes), cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
