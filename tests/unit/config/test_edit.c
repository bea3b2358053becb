/* Changing a configuration as text: where the new entry goes, what it looks like, and that all else
 * stays byte for byte. */
#include "helper.h"

#include <config/edit.h>

/* --- one change */

static char *text_of(struct cjd_buf *b)
{
    assert_false(b->failed);
    char *text = malloc(b->len + 1);
    assert_non_null(text);
    memcpy(text, b->v, b->len);
    text[b->len] = '\0';
    cjd_buf_fini(b);
    return text;
}

static struct cjd_source *source_of(const char *text, enum cjd_dialect dialect)
{
    struct cjd_source *s;

    if (cjd_source_new(&s, text, strlen(text), dialect) != 0) {
        fail_msg("does not parse: %s", text);
    }
    return s;
}

static json_t *entry(void)
{
    return json_pack("{ssss}", "login", "bob", "password", "x");
}

/* The change made at `pointer`, as text; what it comes to must be the old value and the new. */
static char *append(const char *text, enum cjd_dialect dialect, const char *pointer,
                    const char *key, json_t *value)
{
    struct cjd_source *s = source_of(text, dialect);
    struct cjd_edit edit = {.text = text,
                            .len = strlen(text),
                            .source = s,
                            .has_reference_escapes = dialect != CJD_DIALECT_NATIVE};
    struct cjd_buf out = {0};

    cjd_edit_append(&out, &edit, cjd_source_find(s, pointer), key, value);
    cjd_source_free(s);
    json_decref(value);
    return text_of(&out);
}

static json_t *tree_of(const char *text, enum cjd_dialect dialect)
{
    struct cjd_source *s = source_of(text, dialect);
    json_t *tree = cjd_source_tree(s);

    assert_non_null(tree);
    cjd_source_free(s);
    return tree;
}

struct row {
    const char *what;
    const char *before;
    const char *after;
};

/* Appends to the list "l" of the root. */
static void check_list(const struct row *row, enum cjd_dialect dialect)
{
    char *out = append(row->before, dialect, "/l", NULL, entry());
    json_t *tree = tree_of(row->before, dialect);
    json_t *again = tree_of(out, dialect);

    if (strcmp(out, row->after) != 0) {
        fail_msg("%s:\n%s\ninstead of\n%s", row->what, out, row->after);
    }
    json_array_append_new(json_object_get(tree, "l"), entry());
    assert_true(json_equal(tree, again));
    json_decref(tree);
    json_decref(again);
    free(out);
}

#define ENTRY "{ \"login\": \"bob\", \"password\": \"x\" }"
#define TIGHT "{\"login\": \"bob\", \"password\": \"x\"}"
#define A     "{ \"login\": \"a\" }"

static const struct row rows[] = {
    {"empty, one line", "{\n  \"l\": []\n}\n", "{\n  \"l\": [\n    " ENTRY "\n  ]\n}\n"},
    {"empty, a space", "{\n  \"l\": [ ]\n}\n", "{\n  \"l\": [\n    " ENTRY "\n  ]\n}\n"},
    {"empty, two lines", "{\n  \"l\": [\n  ]\n}\n", "{\n  \"l\": [\n    " ENTRY "\n  ]\n}\n"},
    {"empty, a blank line", "{\n  \"l\": [\n\n  ]\n}", "{\n  \"l\": [\n\n    " ENTRY "\n  ]\n}"},
    {"tabs", "{\n\t\"l\": []\n}\n", "{\n\t\"l\": [\n\t\t" ENTRY "\n\t]\n}\n"},
    {"tabs, three levels", "{\n\t\"l\": [\n\t]\n}\n", "{\n\t\"l\": [\n\t\t" ENTRY "\n\t]\n}\n"},
    {"CRLF", "{\r\n  \"l\": []\r\n}\r\n", "{\r\n  \"l\": [\r\n    " ENTRY "\r\n  ]\r\n}\r\n"},
    {"CRLF behind another", "{\r\n  \"l\": [\r\n    " A " // n\r\n  ]\r\n}\r\n",
     "{\r\n  \"l\": [\r\n    " A ", // n\r\n    " ENTRY "\r\n  ]\r\n}\r\n"},
    {"no newline at all", "{\"l\":[]}", "{\"l\":[" ENTRY "]}"},
    {"no newline, behind another", "{\"l\":[" TIGHT "]}", "{\"l\":[" TIGHT ", " TIGHT "]}"},
    {"behind another", "{\n  \"l\": [\n    " A "\n  ]\n}",
     "{\n  \"l\": [\n    " A ",\n    " ENTRY "\n  ]\n}"},
    {"as its neighbour has it", "{\n  \"l\": [\n    " TIGHT "\n  ]\n}",
     "{\n  \"l\": [\n    " TIGHT ",\n    " TIGHT "\n  ]\n}"},
    {"trailing comma", "{\n  \"l\": [\n    " A ",\n  ],\n}",
     "{\n  \"l\": [\n    " A ",\n    " ENTRY ",\n  ],\n}"},
    {"trailing comma, one line", "{ \"l\": [ " A ", ] }", "{ \"l\": [ " A ", " ENTRY ", ] }"},
    {"comment on the line", "{\n  \"l\": [\n    " A " // a's\n  ]\n}",
     "{\n  \"l\": [\n    " A ", // a's\n    " ENTRY "\n  ]\n}"},
    {"comments on the line", "{\n  \"l\": [\n    " A " /* 1 */ /* 2 */ // a's\n  ]\n}",
     "{\n  \"l\": [\n    " A ", /* 1 */ /* 2 */ // a's\n    " ENTRY "\n  ]\n}"},
    {"comment behind the comma", "{\n  \"l\": [\n    " A ", // a's\n  ]\n}",
     "{\n  \"l\": [\n    " A ", // a's\n    " ENTRY ",\n  ]\n}"},
    {"comment before the comma", "{\n  \"l\": [\n    " A " /* [ */ ,\n  ]\n}",
     "{\n  \"l\": [\n    " A " /* [ */ ,\n    " ENTRY ",\n  ]\n}"},
    {"comma on the next line", "{\n  \"l\": [\n    " A " // ,\n    ,\n  ]\n}",
     "{\n  \"l\": [\n    " A " // ,\n    ,\n    " ENTRY ",\n  ]\n}"},
    {"long comment begins on the line", "{\n  \"l\": [\n    " A " /* a\n     ] */\n  ]\n}",
     "{\n  \"l\": [\n    " A ",\n    " ENTRY " /* a\n     ] */\n  ]\n}"},
    {"comments below", "{\n  \"l\": [\n    " A "\n    // {\"login\": \"no\"},\n  ]\n}",
     "{\n  \"l\": [\n    " A ",\n    " ENTRY "\n    // {\"login\": \"no\"},\n  ]\n}"},
    {"only comments", "{\n  \"l\": [\n    // nobody ]\n  ]\n}",
     "{\n  \"l\": [\n    // nobody ]\n    " ENTRY "\n  ]\n}"},
    {"only a comment, one line", "{\n  \"l\": [ /* nobody ] */ ]\n}",
     "{\n  \"l\": [ /* nobody ] */ " ENTRY " ]\n}"},
    {"only a comment, no space", "{\n  \"l\": [/* nobody ] */]\n}",
     "{\n  \"l\": [/* nobody ] */ " ENTRY " ]\n}"},
    {"bracket on the last line", "{\n  \"l\": [\n    " A " ]\n}",
     "{\n  \"l\": [\n    " A ",\n    " ENTRY " ]\n}"},
    {"brackets on a line of their own", "{\n  \"l\":\n  [\n    " A "\n  ]\n}",
     "{\n  \"l\":\n  [\n    " A ",\n    " ENTRY "\n  ]\n}"},
    {"several lines", "{\n  \"l\": [\n    {\n      \"login\": \"a\"\n    }\n  ]\n}",
     "{\n  \"l\": [\n    {\n      \"login\": \"a\"\n    },\n    {\n      \"login\": \"bob\",\n"
     "      \"password\": \"x\"\n    }\n  ]\n}"},
    {"several lines from the bracket on", "{\n  \"l\": [{\n    \"login\": \"a\"\n  }]\n}",
     "{\n  \"l\": [{\n    \"login\": \"a\"\n  }, {\n    \"login\": \"bob\",\n"
     "    \"password\": \"x\"\n  }]\n}"},
    {"deep", "{\n                \"l\": []\n}",
     "{\n                \"l\": [\n                                " ENTRY
     "\n                ]\n}"},
    {"the text around", "// [\n{ \"a\": \"]\\\"\", \"l\": [\n   " A "\n], \"b\": [1]\n} // end",
     "// [\n{ \"a\": \"]\\\"\", \"l\": [\n   " A ",\n   " ENTRY "\n], \"b\": [1]\n} // end"},
    {"byte order mark", "\xef\xbb\xbf{\n \"l\": []\n}",
     "\xef\xbb\xbf{\n \"l\": [\n  " ENTRY "\n ]\n}"},
};

static void lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_list(&rows[i], CJD_DIALECT_NATIVE);
    }
}

static void strict_lists(void **state)
{
    static const struct row strict[] = {
        {"generated", "{\n    \"l\": [\n        " TIGHT "\n\n        // more\n    ],\n \"b\": 1}",
         "{\n    \"l\": [\n        " TIGHT ",\n        " TIGHT
         "\n\n        // more\n    ],\n \"b\": 1}"},
        {"text behind", "{\n    \"l\": []\n}\n]",
         "{\n    \"l\": [\n        " ENTRY "\n    ]\n}\n]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof strict / sizeof strict[0]; i++) {
        check_list(&strict[i], CJD_DIALECT_STRICT);
    }
}

static void legacy_lists(void **state)
{
    static const struct row old[] = {
        {"no commas", "junk {\n  \"a\": \"1\"\n  \"l\": [\n    " A "\n    " A "\n  ]\n}",
         "junk {\n  \"a\": \"1\"\n  \"l\": [\n    " A "\n    " A ",\n    " ENTRY "\n  ]\n}"},
        {"too many", "{\n  \"l\": [\n    " A ",,\n  ],,\n}",
         "{\n  \"l\": [\n    " A ",\n    " ENTRY ",,\n  ],,\n}"},
        {"words", "{\n  \"l\": [\n    " A " # mine\n  ]\n}",
         "{\n  \"l\": [\n    " A ",\n    " ENTRY " # mine\n  ]\n}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
        check_list(&old[i], CJD_DIALECT_LEGACY);
    }
}

static void assert_append(const char *before, enum cjd_dialect dialect, const char *pointer,
                          const char *key, json_t *value, const char *after)
{
    char *out = append(before, dialect, pointer, key, value);

    if (strcmp(out, after) != 0) {
        fail_msg("%s\ninstead of\n%s", out, after);
    }
    free(out);
}

static void members(void **state)
{
    (void)state;
    assert_append("{\n  \"o\": {\n  }\n}", CJD_DIALECT_STRICT, "/o", "1.2.3.4:5", entry(),
                  "{\n  \"o\": {\n    \"1.2.3.4:5\": " ENTRY "\n  }\n}");
    assert_append("{\n  \"o\": {\n    \"a\": {\n      \"b\": 1\n    }\n  }\n}", CJD_DIALECT_STRICT,
                  "/o", "[::1]:5", entry(),
                  "{\n  \"o\": {\n    \"a\": {\n      \"b\": 1\n    },\n    \"[::1]:5\": {\n"
                  "      \"login\": \"bob\",\n      \"password\": \"x\"\n    }\n  }\n}");
    assert_append("{}", CJD_DIALECT_NATIVE, "", "a", json_integer(1), "{\"a\": 1}");
    assert_append("{\n\t\"version\": 3\n}\n", CJD_DIALECT_NATIVE, "", "a", json_pack("[s]", "b"),
                  "{\n\t\"version\": 3,\n\t\"a\": [\"b\"]\n}\n");
    /* What is too wide for a line is broken, whatever the neighbour is. */
    assert_append("{\n  \"v\": 3\n}", CJD_DIALECT_NATIVE, "", "a",
                  json_pack("{s[ss]s[]}", "b", "0123456789012345678901234567890123456789",
                            "0123456789012345678901234567890123456789", "c"),
                  "{\n  \"v\": 3,\n  \"a\": {\n    \"b\": [\n"
                  "      \"0123456789012345678901234567890123456789\",\n"
                  "      \"0123456789012345678901234567890123456789\"\n    ],\n    \"c\": []\n"
                  "  }\n}");
}

static void escapes(void **state)
{
    (void)state;
    assert_append("{\"l\":[]}", CJD_DIALECT_NATIVE, "/l", NULL, json_string("a\"\\\n\x7f\xc3\xa4"),
                  "{\"l\":[\"a\\\"\\\\\\u000a\\u007f\xc3\xa4\"]}");
    assert_append("{\"l\":[]}", CJD_DIALECT_STRICT, "/l", NULL, json_string("a\"\\\n\x7f\xc3\xa4"),
                  "{\"l\":[\"a\\x22\\x5c\\x0a\\x7f\xc3\xa4\"]}");
}

/* --- replacing */

static void assert_replace(const char *before, const char *pointer, const char *key, json_t *value,
                           const char *after)
{
    struct cjd_source *s = source_of(before, CJD_DIALECT_NATIVE);
    struct cjd_edit edit = {.text = before, .len = strlen(before), .source = s};
    struct cjd_buf out = {0};

    cjd_edit_replace(&out, &edit, cjd_source_find(s, pointer), key, value);
    cjd_source_free(s);
    json_decref(value);
    char *text = text_of(&out);
    assert_string_equal(text, after);
    free(text);
}

static void replacing(void **state)
{
    (void)state;
    assert_replace("{\n  \"l\": [\n    " A ", // a\n    1\n  ]\n}", "/l/0", NULL, entry(),
                   "{\n  \"l\": [\n    " ENTRY ", // a\n    1\n  ]\n}");
    assert_replace("{\n\t\"l\": [\n\t\t{\n\t\t\t\"a\": 1\n\t\t}\n\t]\n}", "/l/0", NULL, entry(),
                   "{\n\t\"l\": [\n\t\t{\n\t\t\t\"login\": \"bob\",\n\t\t\t\"password\": \"x\"\n"
                   "\t\t}\n\t]\n}");
    assert_replace("{\"o\": {\"a\\\"\" /* : */ : {\"b\":1}, \"c\": 2}}", "/o/a\"", "d", entry(),
                   "{\"o\": {\"d\" /* : */ : " TIGHT ", \"c\": 2}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),   cmocka_unit_test(strict_lists), cmocka_unit_test(legacy_lists),
        cmocka_unit_test(members), cmocka_unit_test(escapes),      cmocka_unit_test(replacing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
