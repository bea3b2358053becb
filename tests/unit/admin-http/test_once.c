/* A request with a key is done once. */
#include "http_fixture.h"

static struct cjd_http_once_ask ask(const char *key, const char *body)
{
    return (struct cjd_http_once_ask){.caller = "uid 0",
                                      .path = "/v1/passwords",
                                      .key = key,
                                      .body = body,
                                      .body_len = strlen(body)};
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct cjd_http_once));
    return 0;
}

static int tear_down(void **state)
{
    cjd_http_once_fini(*state);
    free(*state);
    return 0;
}

static void test_again(void **state)
{
    struct cjd_http_once *once = *state;
    struct cjd_http_once_ask one = ask("k", "{}");
    struct cjd_http_once_ask other = ask("k", "{\"a\":1}");
    struct cjd_http_once_ask somebody = ask("k", "{}");
    struct cjd_http_kept *kept;
    uint64_t now = 5;

    somebody.caller = "uid 1";
    assert_int_equal(cjd_http_once_begin(once, &one, now, &kept), CJD_HTTP_ONCE_NEW);
    struct cjd_http_kept *first = kept;
    assert_int_equal(cjd_http_once_begin(once, &one, now, &kept), CJD_HTTP_ONCE_UNDER_WAY);
    cjd_http_once_end(first, 200, "{\"done\":true}", 13);
    assert_int_equal(cjd_http_once_begin(once, &one, now, &kept), CJD_HTTP_ONCE_AGAIN);
    assert_int_equal(kept->status, 200);
    assert_string_equal(kept->text, "{\"done\":true}");
    assert_int_equal(cjd_http_once_begin(once, &other, now, &kept), CJD_HTTP_ONCE_DIFFERENT);
    assert_int_equal(cjd_http_once_begin(once, &somebody, now, &kept), CJD_HTTP_ONCE_NEW);
    now += CJD_HTTP_ONCE_NS + 1;
    assert_int_equal(cjd_http_once_begin(once, &one, now, &kept), CJD_HTTP_ONCE_NEW);
}

static void test_forgotten(void **state)
{
    struct cjd_http_once *once = *state;
    struct cjd_http_once_ask one = ask("k", "{}");
    struct cjd_http_kept *kept;

    assert_int_equal(cjd_http_once_begin(once, &one, 1, &kept), CJD_HTTP_ONCE_NEW);
    cjd_http_once_end(kept, 0, NULL, 0);
    assert_int_equal(cjd_http_once_begin(once, &one, 1, &kept), CJD_HTTP_ONCE_NEW);
    cjd_http_once_end(kept, 200, "", CJD_HTTP_ONCE_BYTES + 1);
    assert_int_equal(cjd_http_once_begin(once, &one, 1, &kept), CJD_HTTP_ONCE_NEW);
}

static void test_room(void **state)
{
    struct cjd_http_once *once = *state;
    struct cjd_http_kept *kept;
    char key[16];

    for (unsigned i = 0; i < CJD_HTTP_ONCE_MAX; i++) {
        snprintf(key, sizeof key, "%u", i);
        struct cjd_http_once_ask one = ask(key, "");
        assert_int_equal(cjd_http_once_begin(once, &one, 10 + i, &kept), CJD_HTTP_ONCE_NEW);
        if (i >= 2) {
            cjd_http_once_end(kept, 200, "x", 1);
        }
    }
    /* The oldest answer goes, not what is under way. */
    struct cjd_http_once_ask more = ask("more", "");
    struct cjd_http_once_ask first = ask("0", "");
    struct cjd_http_once_ask third = ask("2", "");
    assert_int_equal(cjd_http_once_begin(once, &more, 100, &kept), CJD_HTTP_ONCE_NEW);
    assert_int_equal(cjd_http_once_begin(once, &first, 100, &kept), CJD_HTTP_ONCE_UNDER_WAY);
    assert_int_equal(cjd_http_once_begin(once, &third, 100, &kept), CJD_HTTP_ONCE_NEW);
    for (unsigned i = 0; i < CJD_HTTP_ONCE_MAX; i++) {
        snprintf(key, sizeof key, "f%u", i);
        struct cjd_http_once_ask one = ask(key, "");
        (void)cjd_http_once_begin(once, &one, 200, &kept);
    }
    struct cjd_http_once_ask last = ask("last", "");
    assert_int_equal(cjd_http_once_begin(once, &last, 300, &kept), CJD_HTTP_ONCE_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_room, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
