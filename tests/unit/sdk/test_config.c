/* Typed reading of a plugin's configuration: values, defaults, and where a fault is. */
#include <testlib/testlib.h>

#include <cjd/config.h>

struct doc {
    json_t *json;
    struct cjd_plugin_error error;
    struct cjd_conf root;
};

static void doc_open(struct doc *d, const char *text)
{
    json_error_t where;

    *d = (struct doc){.error = {.size = sizeof d->error}};
    d->json = json_loads(text, JSON_ALLOW_NUL, &where);
    if (!d->json) {
        fail_msg("%s: %s", text, where.text);
    }
    d->root = cjd_conf_root(d->json, &d->error);
}

static void want_error(struct doc *d, int err, const char *pointer, const char *text)
{
    assert_int_equal(err, CJD_ERR_CONFIG);
    assert_string_equal(d->error.pointer, pointer);
    if (!strstr(d->error.text, text)) {
        fail_msg("\"%s\" is not in \"%s\"", text, d->error.text);
    }
    d->error.pointer[0] = '\0';
    d->error.text[0] = '\0';
}

static void test_strings(void **state)
{
    struct doc d;
    const char *out;

    (void)state;
    doc_open(&d, "{\"a\":\"x\",\"b\":1,\"c\":\"a\\u0000b\",\"e\":null}");
    assert_int_equal(cjd_conf_string(&d.root, "a", NULL, &out), 0);
    assert_string_equal(out, "x");
    assert_int_equal(cjd_conf_string(&d.root, "z", "dflt", &out), 0);
    assert_string_equal(out, "dflt");
    want_error(&d, cjd_conf_string(&d.root, "z", NULL, &out), "", "\"z\" is missing");
    want_error(&d, cjd_conf_string(&d.root, "b", "dflt", &out), "/b", "text");
    assert_null(out);
    want_error(&d, cjd_conf_string(&d.root, "c", NULL, &out), "/c", "NUL");
    want_error(&d, cjd_conf_string(&d.root, "e", "dflt", &out), "/e", "text");
    assert_int_equal(cjd_conf_string_optional(&d.root, "z", &out), 0);
    assert_null(out);
    assert_int_equal(cjd_conf_string_optional(&d.root, "e", &out), 0);
    assert_null(out);
    assert_int_equal(cjd_conf_string_optional(&d.root, "a", &out), 0);
    assert_string_equal(out, "x");
    want_error(&d, cjd_conf_string_optional(&d.root, "b", &out), "/b", "text");
    json_decref(d.json);
}

static void test_integers(void **state)
{
    struct doc d;
    int64_t out;

    (void)state;
    doc_open(&d, "{\"a\":5,\"b\":5.0,\"c\":true,\"d\":-9223372036854775808}");
    assert_int_equal(cjd_conf_integer(&d.root, "a", 5, 5, 0, &out), 0);
    assert_int_equal(out, 5);
    want_error(&d, cjd_conf_integer(&d.root, "a", 6, 9, 7, &out), "/a", "from 6 to 9");
    assert_int_equal(out, 7);
    want_error(&d, cjd_conf_integer(&d.root, "a", 0, 4, 0, &out), "/a", "from 0 to 4");
    want_error(&d, cjd_conf_integer(&d.root, "b", 0, 9, 0, &out), "/b", "whole number");
    want_error(&d, cjd_conf_integer(&d.root, "c", 0, 9, 0, &out), "/c", "whole number");
    assert_int_equal(cjd_conf_integer(&d.root, "d", INT64_MIN, INT64_MAX, 0, &out), 0);
    assert_true(out == INT64_MIN);
    assert_int_equal(cjd_conf_integer(&d.root, "z", 5, 6, 42, &out), 0); /* not checked */
    assert_int_equal(out, 42);
    json_decref(d.json);
}

static void test_booleans_and_words(void **state)
{
    static const char *const words[] = {"off", "accept", "send", NULL};
    struct doc d;
    bool yes;
    size_t word;

    (void)state;
    doc_open(&d, "{\"t\":true,\"f\":false,\"n\":1,\"w\":\"send\",\"x\":\"sen\"}");
    assert_int_equal(cjd_conf_boolean(&d.root, "t", false, &yes), 0);
    assert_true(yes);
    assert_int_equal(cjd_conf_boolean(&d.root, "f", true, &yes), 0);
    assert_false(yes);
    assert_int_equal(cjd_conf_boolean(&d.root, "z", true, &yes), 0);
    assert_true(yes);
    want_error(&d, cjd_conf_boolean(&d.root, "n", true, &yes), "/n", "true or false");
    assert_int_equal(cjd_conf_word(&d.root, "w", words, 0, &word), 0);
    assert_int_equal(word, 2);
    assert_int_equal(cjd_conf_word(&d.root, "z", words, 1, &word), 0);
    assert_int_equal(word, 1);
    want_error(&d, cjd_conf_word(&d.root, "x", words, 0, &word), "/x",
               "one of \"off\", \"accept\", \"send\"");
    want_error(&d, cjd_conf_word(&d.root, "n", words, 0, &word), "/n", "one of");
    json_decref(d.json);
}

static void test_places(void **state)
{
    struct doc d;

    (void)state;
    doc_open(&d, "{\"a/b\":[{},{\"~x\":[[3]]}],\"n\":1}");
    struct cjd_conf list = cjd_conf_member(&d.root, "a/b");
    struct cjd_conf item = cjd_conf_item(&list, 1);
    struct cjd_conf tilde = cjd_conf_member(&item, "~x");
    struct cjd_conf inner = cjd_conf_item(&tilde, 0);
    struct cjd_conf none = cjd_conf_item(&inner, 12);
    char pointer[64];

    cjd_conf_pointer(&none, pointer, sizeof pointer);
    assert_string_equal(pointer, "/a~1b/1/~0x/0/12");
    assert_null(none.value);
    cjd_conf_pointer(&d.root, pointer, sizeof pointer);
    assert_string_equal(pointer, "");
    /* Too long: its end is what tells. */
    cjd_conf_pointer(&none, pointer, 8);
    assert_string_equal(pointer, "\xe2\x80\xa6"
                                 "0/12");
    cjd_conf_pointer(&none, pointer, 1);
    assert_string_equal(pointer, "");
    cjd_conf_pointer(&none, pointer, 0);

    assert_int_equal(cjd_conf_count(&list), 2);
    assert_int_equal(cjd_conf_count(&d.root), 2);
    struct cjd_conf number = cjd_conf_member(&d.root, "n");
    assert_int_equal(cjd_conf_count(&number), 0);
    assert_int_equal(cjd_conf_want_list(&list), 0);
    assert_int_equal(cjd_conf_want_object(&d.root), 0);
    assert_int_equal(cjd_conf_want_list(&none), 0); /* absent */
    assert_int_equal(cjd_conf_want_object(&none), 0);
    want_error(&d, cjd_conf_want_object(&list), "/a~1b", "object");
    want_error(&d, cjd_conf_want_list(&number), "/n", "list");
    /* Walking through what is not there is legal. */
    struct cjd_conf nowhere = cjd_conf_member(&number, "x");
    nowhere = cjd_conf_item(&nowhere, 0);
    assert_null(nowhere.value);
    json_decref(d.json);
}

static void test_without_error(void **state)
{
    json_t *json = json_pack("{s:i}", "n", 1);
    struct cjd_conf root = cjd_conf_root(json, NULL);
    const char *out;

    (void)state;
    assert_int_equal(cjd_conf_string(&root, "n", NULL, &out), CJD_ERR_CONFIG);
    json_decref(json);
}

static int collect(void *arg, const struct cjd_conf *member)
{
    char *seen = arg;

    strcat(seen, member->key);
    return json_is_true(member->value) ? cjd_conf_fail(member, "stop") : 0;
}

static void test_walk(void **state)
{
    struct doc d;
    char seen[32] = "";

    (void)state;
    doc_open(&d, "{\"b\":1,\"_a\":2,\"//\":3,\"// c\":4,\"/\":5,\"a\":true,\"z\":6}");
    want_error(&d, cjd_conf_walk(&d.root, collect, seen), "/a", "stop");
    assert_string_equal(seen, "b/a");
    json_decref(d.json);
    doc_open(&d, "[1]");
    want_error(&d, cjd_conf_walk(&d.root, collect, seen), "", "object");
    struct cjd_conf none = cjd_conf_item(&d.root, 5);
    assert_int_equal(cjd_conf_walk(&none, collect, seen), 0);
    json_decref(d.json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_booleans_and_words),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_without_error),
        cmocka_unit_test(test_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
