/* The scanner: what each dialect accepts, the places it tells, and its bounds. */
#include <testlib/testlib.h>

#include <config/scan.h>
#include <config/source.h>

/* Events as one line of text: {} [] "text" 1 r1.5 true k:key; remarks as F E C J T with place. */
struct record {
    char text[4096];
    size_t len;
};

static void add(struct record *r, const char *format, ...) CJD_PRINTF(2, 3);
static void add(struct record *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(r->text + r->len, sizeof r->text - r->len, format, args);
    va_end(args);
    r->len += (size_t)n < sizeof r->text - r->len ? (size_t)n : 0;
}

static int on_open(void *ctx, bool is_object, const struct cjd_place *at)
{
    (void)at;
    add(ctx, is_object ? "{ " : "[ ");
    return 0;
}

static int on_close(void *ctx, bool is_object)
{
    add(ctx, is_object ? "} " : "] ");
    return 0;
}

static int on_key(void *ctx, const char *bytes, size_t len, const struct cjd_place *at)
{
    add(ctx, "%.*s@%u:%u: ", (int)len, len ? bytes : "", at->line, at->column);
    return 0;
}

static int on_text(void *ctx, const char *bytes, size_t len, const struct cjd_place *at)
{
    (void)at;
    add(ctx, "\"%.*s\" ", (int)len, len ? bytes : "");
    return 0;
}

static int on_integer(void *ctx, int64_t value, const struct cjd_place *at)
{
    add(ctx, "%lld@%u:%u ", (long long)value, at->line, at->column);
    return 0;
}

static int on_real(void *ctx, const char *bytes, size_t len, const struct cjd_place *at)
{
    (void)at;
    add(ctx, "r%.*s ", (int)len, bytes);
    return 0;
}

static int on_literal(void *ctx, enum cjd_literal value, const struct cjd_place *at)
{
    (void)at;
    add(ctx, "%s ",
        value == CJD_LITERAL_TRUE    ? "true"
        : value == CJD_LITERAL_FALSE ? "false"
                                     : "null");
    return 0;
}

static void on_remark(void *ctx, enum cjd_remark kind, const struct cjd_place *at, const char *text)
{
    assert_true(strlen(text) > 5);
    add(ctx, "%c@%u:%u ", "FECJT"[kind], at -> line, at -> column);
}

static int scan(struct record *r, const char *text, size_t len, enum cjd_dialect dialect)
{
    struct cjd_scan_events events = {.open = on_open,
                                     .close = on_close,
                                     .key = on_key,
                                     .text = on_text,
                                     .integer = on_integer,
                                     .real = on_real,
                                     .literal = on_literal,
                                     .remark = on_remark,
                                     .ctx = r};
    char *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    *r = (struct record){.len = 0};
    int err = cjd_scan(copy, len, dialect, &events);
    free(copy);
    return err;
}

struct row {
    const char *text;
    const char *events; /* ends with " " as the record does */
    int err;
};

static void check(const struct row *rows, size_t n, enum cjd_dialect dialect)
{
    struct record r;

    for (size_t i = 0; i < n; i++) {
        int err = scan(&r, rows[i].text, strlen(rows[i].text), dialect);
        if (err != rows[i].err || strcmp(r.text, rows[i].events) != 0) {
            fail_msg("%s\n  got  %s(%d)\n  want %s(%d)", rows[i].text, r.text, err, rows[i].events,
                     rows[i].err);
        }
    }
}

#define CHECK(rows, dialect) check(rows, sizeof(rows) / sizeof((rows)[0]), dialect)

static void strict_is_strict(void **state)
{
    static const struct row rows[] = {
        {"{}", "{ } ", 0},
        {"{\"a\":1}", "{ a@1:2: 1@1:6 } ", 0},
        {"{\n \"a\" : [1 , -2] /**/ }//x\n", "{ a@2:2: [ 1@2:9 -2@2:13 ] } ", 0},
        {"{\"a\":1} anything { at all", "{ a@1:2: 1@1:6 } ", 0},
        {"{\"a\":\"\\x41\\xff\t\"}", "{ a@1:2: \"A\xff\t\" } ", 0},
        {"{\"a\":007}", "{ a@1:2: 7@1:6 } ", 0},
        {"{\"a\":-0}", "{ a@1:2: 0@1:6 } ", 0},
        {"{\"a\":99999999999999999999}", "{ a@1:2: 7766279631452241919@1:6 } ", 0},
        {"{\"a\":-9223372036854775808}", "{ a@1:2: -9223372036854775808@1:6 } ", 0},
        {" {}", "F@1:1 ", CJD_ERR_PARSE},
        {"//c\n{}", "F@1:1 ", CJD_ERR_PARSE},
        {"\xef\xbb\xbf{}", "F@1:1 ", CJD_ERR_PARSE},
        {"", "F@1:1 ", CJD_ERR_PARSE},
        {"[1]", "F@1:1 ", CJD_ERR_PARSE},
        {"{\"a\":1,}", "{ a@1:2: 1@1:6 F@1:8 ", CJD_ERR_PARSE},
        {"{,}", "{ F@1:2 ", CJD_ERR_PARSE},
        {"{\"a\":1 \"b\":2}", "{ a@1:2: 1@1:6 F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":[1,]}", "{ a@1:2: [ 1@1:7 F@1:9 ", CJD_ERR_PARSE},
        {"{\"a\":[1,,2]}", "{ a@1:2: [ 1@1:7 F@1:9 ", CJD_ERR_PARSE},
        {"{\"a\":true}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":null}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":1.5}", "{ a@1:2: 1@1:6 F@1:7 ", CJD_ERR_PARSE},
        {"{\"a\":1e3}", "{ a@1:2: 1@1:6 F@1:7 ", CJD_ERR_PARSE},
        {"{\"a\":+1}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":-}", "{ a@1:2: F@1:7 ", CJD_ERR_PARSE},
        {"{\"a\" 1}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{a:1}", "{ F@1:2 ", CJD_ERR_PARSE},
        {"{'a':1}", "{ F@1:2 ", CJD_ERR_PARSE},
        {"{\"a\":\"x\\n\"}", "{ a@1:2: F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":\"x\\\"\"}", "{ a@1:2: F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":\"\\u0041\"}", "{ a@1:2: F@1:7 ", CJD_ERR_PARSE},
        {"{\"a\":\"\\x4\"}", "{ a@1:2: F@1:7 ", CJD_ERR_PARSE},
        {"{\"a\":\"x\ny\"}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":\"x", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":\"x\\", "{ a@1:2: F@1:9 ", CJD_ERR_PARSE},
        {"{\"a\":1 /* x", "{ a@1:2: 1@1:6 F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":1 // x", "{ a@1:2: 1@1:6 F@1:12 ", CJD_ERR_PARSE},
        {"{\"a\":1 / 2}", "{ a@1:2: 1@1:6 F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":{\"b\":", "{ a@1:2: { b@1:7: F@1:11 ", CJD_ERR_PARSE},
        {"{", "{ F@1:2 ", CJD_ERR_PARSE},
        {"{\"a\":[1}", "{ a@1:2: [ 1@1:7 F@1:8 ", CJD_ERR_PARSE},
    };

    (void)state;
    CHECK(rows, CJD_DIALECT_STRICT);
}

static void legacy_takes_what_it_can(void **state)
{
    static const struct row rows[] = {
        {"garbage {\"a\":1} trailing", "{ a@1:10: 1@1:14 } ", 0},
        {"{\"a\":1 \"b\":2,,}", "{ a@1:2: 1@1:6 b@1:8: 2@1:12 } ", 0},
        {"{\"a\":[true,1]}", "{ a@1:2: [ J@1:7 1@1:12 ] } ", 0},
        {"{\"a\":[-1 2,]}", "{ a@1:2: [ J@1:7 1@1:8 2@1:10 ] } ", 0},
        {"{\"a\":1.5}", "{ a@1:2: 1@1:6 J@1:7 } ", 0},
        {"{\"a\":[1.5]}", "{ a@1:2: [ 1@1:7 J@1:8 5@1:9 ] } ", 0},
        {"{'a':1}", "{ J@1:2 } ", 0},
        {"{ # word\n \"a\":1}", "{ J@1:3 a@2:2: 1@2:6 } ", 0},
        {"{\"a\" x /*:*/ 1}", "{ a@1:2: J@1:6 F@1:11 ", CJD_ERR_PARSE},
        {"{\"a\":/*:*/ 1 // y\n}", "{ a@1:2: 1@1:12 } ", 0},
        {"{\"a\":\"multi\nline\"}", "{ a@1:2: \"multi\nline\" } ", 0},
        {"{\"a\":\"x\\u00e9\"}", "{ a@1:2: \"x\" } ", 0}, /* the record ends at the NUL */
        {"{\"a\":\"\\q41\"}", "{ a@1:2: \"A\" } ", 0},
        {"{\"a\":[1}]}", "{ a@1:2: [ 1@1:7 J@1:8 ] } ", 0},
        {"{\"a\":1/2,\"b\":3}", "{ a@1:2: 1@1:6 J@1:7 b@1:10: 3@1:14 } ", 0},
        {"{\"a\":9223372036854775807}", "{ a@1:2: 9223372036854775807@1:6 } ", 0},
        {"{\"a\":00000000000000000007}", "{ a@1:2: 7@1:6 } ", 0},
        {"{/****/}", "{ } ", 0},
        {"{/***/}", "{ F@1:2 ", CJD_ERR_PARSE},
        {"{/**", "{ F@1:2 ", CJD_ERR_PARSE},
        {"{\"a\":000000000000000000007}", "{ a@1:2: F@1:27 ", CJD_ERR_PARSE},
        {"{\"a\":9223372036854775808}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":true}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":null}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":-5}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\" 1}", "{ a@1:2: J@1:6 F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":[/1]}", "{ a@1:2: [ F@1:7 ", CJD_ERR_PARSE},
        {"{\"a\":/1}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":\"q\\\"r\"}", "{ a@1:2: F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":\"x", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":1 // x", "{ a@1:2: 1@1:6 F@1:12 ", CJD_ERR_PARSE},
        {"{\"a\":1/", "{ a@1:2: 1@1:6 J@1:7 F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":[1", "{ a@1:2: [ 1@1:7 F@1:8 ", CJD_ERR_PARSE},
        {"no brace", "F@1:9 ", CJD_ERR_PARSE},
        {"", "F@1:1 ", CJD_ERR_PARSE},
    };

    (void)state;
    CHECK(rows, CJD_DIALECT_LEGACY);
}

static void native_is_a_superset(void **state)
{
    static const struct row rows[] = {
        {"\xef\xbb\xbf // c\n {\"a\":1} // end", "{ a@2:3: 1@2:7 } ", 0},
        {"{\"a\":[true,false,null]}", "{ a@1:2: [ true false null ] } ", 0},
        {"{\"a\":[1.50,-2e+03,007.5,0.0,1E5]}", "{ a@1:2: [ r1.50 r-2e+3 r7.5 r0.0 r1e5 ] } ", 0},
        {"{\"a\":\"\\\"\\\\\\/\\t\\u00e9\\uD83D\\ude00\\x41\"}",
         "{ a@1:2: \"\"\\/\t\xc3\xa9\xf0\x9f\x98\x80"
         "A\" } ",
         0},
        {"{\"a\":\"\\u20ac\"}", "{ a@1:2: \"\xe2\x82\xac\" } ", 0},
        {"{\"a\":1,}", "{ a@1:2: 1@1:6 C@1:7 } ", 0},
        {"{\"a\":[1,2,],}", "{ a@1:2: [ 1@1:7 2@1:9 C@1:10 ] C@1:12 } ", 0},
        {"{\"a\":[1 2]\n\"b\":3}", "{ a@1:2: [ 1@1:7 E@1:9 2@1:9 ] E@2:1 b@2:1: 3@2:5 } ", 0},
        {"{,\"a\":1,,\"b\":2}", "{ E@1:2 a@1:3: 1@1:7 E@1:9 b@1:10: 2@1:14 } ", 0},
        {"{\"a\":[,]}", "{ a@1:2: [ E@1:7 ] } ", 0},
        {"{\"a\":\"x\\qy\"}", "{ a@1:2: E@1:8 \"xqy\" } ", 0},
        {"{\"a\":\"\\ud83dx\"}", "{ a@1:2: E@1:7 \"x\" } ", 0},
        {"{\"a\":99999999999999999999}", "{ a@1:2: E@1:6 9223372036854775807@1:6 } ", 0},
        {"{\"a\":-99999999999999999999}", "{ a@1:2: E@1:6 -9223372036854775808@1:6 } ", 0},
        {"{\"a\":1e999}", "{ a@1:2: E@1:6 0@1:6 } ", 0},
        {"{\"a\":1}}", "{ a@1:2: 1@1:6 } T@1:8 ", 0},
        {"{} /* open", "{ } F@1:4 ", 0},
        {"{/***/\"a\":1/****/}", "{ a@1:7: 1@1:11 } ", 0},
        {"{\"a\":tru}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":1.}", "{ a@1:2: F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":1e}", "{ a@1:2: F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":.5}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":yes}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":'x'}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\":[1}", "{ a@1:2: [ 1@1:7 F@1:8 ", CJD_ERR_PARSE},
        {"{\"a\":\"x\ny\"}", "{ a@1:2: F@1:6 ", CJD_ERR_PARSE},
        {"{\"a\"=1}", "{ a@1:2: F@1:5 ", CJD_ERR_PARSE},
    };

    (void)state;
    CHECK(rows, CJD_DIALECT_NATIVE);
}

static void nul_bytes_are_refused(void **state)
{
    static const char in_text[] = "{\"a\":\"x\0y\"}";
    static const char between[] = "{\"a\":\0 1}";
    struct record r;

    (void)state;
    assert_int_equal(scan(&r, in_text, sizeof in_text - 1, CJD_DIALECT_STRICT), CJD_ERR_PARSE);
    assert_int_equal(scan(&r, in_text, sizeof in_text - 1, CJD_DIALECT_NATIVE), CJD_ERR_PARSE);
    assert_int_equal(scan(&r, in_text, sizeof in_text - 1, CJD_DIALECT_LEGACY), 0);
    assert_int_equal(scan(&r, between, sizeof between - 1, CJD_DIALECT_NATIVE), CJD_ERR_PARSE);
    assert_int_equal(scan(&r, between, sizeof between - 1, CJD_DIALECT_LEGACY), CJD_ERR_PARSE);
}

/* `depth` brackets around nothing, within the outermost braces. */
static size_t nested(char *out, unsigned depth)
{
    size_t n = (size_t)sprintf(out, "{\"a\":");

    memset(out + n, '[', depth - 1);
    memset(out + n + depth - 1, ']', depth - 1);
    n += 2 * (depth - 1);
    out[n++] = '}';
    return n;
}

static void depth_is_bounded(void **state)
{
    static char text[1 << 19];
    struct record r;

    (void)state;
    for (int d = CJD_DIALECT_STRICT; d <= CJD_DIALECT_NATIVE; d++) {
        size_t n = nested(text, CJD_SCAN_DEPTH_MAX);
        assert_int_equal(scan(&r, text, n, (enum cjd_dialect)d), 0);
        n = nested(text, CJD_SCAN_DEPTH_MAX + 1);
        assert_int_equal(scan(&r, text, n, (enum cjd_dialect)d), CJD_ERR_PARSE);
        n = nested(text, 200000);
        assert_int_equal(scan(&r, text, n, (enum cjd_dialect)d), CJD_ERR_PARSE);
    }
}

static void length_is_bounded(void **state)
{
    size_t n = CJD_SCAN_BYTES_MAX;
    char *text = malloc(n + 1);
    struct record r;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', n + 1);
    memcpy(text, "{\"a\":1}", 7);
    assert_int_equal(scan(&r, text, n, CJD_DIALECT_NATIVE), 0);
    assert_int_equal(scan(&r, text, n + 1, CJD_DIALECT_NATIVE), CJD_ERR_PARSE);
    assert_string_equal(r.text, "F@1:1 ");
    free(text);
}

/* --- the source: standard JSON and places -------------------------------------------------------
 */

static void places_of_values(void **state)
{
    static const char text[] = "{ \"a/b~c\": [ 1,\n  { \"k\" : \"v\" } ],\n \"\": 2 }";
    struct cjd_source *s;

    (void)state;
    assert_int_equal(cjd_source_new(&s, text, sizeof text - 1, CJD_DIALECT_NATIVE), 0);
    uint32_t node = cjd_source_find(s, "/a~1b~0c/1/k");
    assert_int_equal(s->nodes[node].at.line, 2);
    assert_int_equal(s->nodes[node].at.column, 11);
    assert_int_equal(s->nodes[node].key_at.column, 5);
    assert_string_equal(cjd_source_pointer(s, node), "/a~1b~0c/1/k");
    /* What is not there: the last one on the way. */
    node = cjd_source_find(s, "/a~1b~0c/7/k");
    assert_string_equal(cjd_source_pointer(s, node), "/a~1b~0c");
    node = cjd_source_find(s, "/");
    assert_string_equal(cjd_source_pointer(s, node), "/");
    assert_int_equal(s->nodes[node].at.line, 3);
    assert_int_equal(cjd_source_find(s, "/none"), 0);
    assert_string_equal(cjd_source_pointer(s, 0), "");
    json_t *tree = cjd_source_tree(s);
    json_t *want = json_pack("{s[i{ss}]si}", "a/b~c", 1, "k", "v", "", 2);
    assert_true(json_equal(tree, want));
    json_decref(tree);
    json_decref(want);
    cjd_source_free(s);
}

static void duplicates_vanish(void **state)
{
    static const char text[] =
        "{\"a\":1,\"a\":{\"x\":[1,{\"a\":2}]},\"b\":{\"a\":3,\"a\":4},\"a\":5}";
    struct cjd_source *s;

    (void)state;
    assert_int_equal(cjd_source_new(&s, text, sizeof text - 1, CJD_DIALECT_STRICT), 0);
    json_t *tree = cjd_source_tree(s);
    json_t *want = json_pack("{sis{si}}", "a", 1, "b", "a", 3);
    assert_true(json_equal(tree, want));
    assert_int_equal(s->remark_count, 3);
    for (size_t i = 0; i < s->remark_count; i++) {
        assert_true(s->remarks[i].is_duplicate);
    }
    assert_int_equal(s->remarks[0].at.column, 8);
    json_decref(tree);
    json_decref(want);
    cjd_source_free(s);
}

static void bytes_that_are_no_text(void **state)
{
    static const char *const bad[] = {"\\xff",           "\\x00",          "\\xc0\\x80",
                                      "\\xed\\xa0\\x80", "\\xe2\\x82",     "\\xf4\\x90\\x80\\x80",
                                      "\\x80",           "\\xe0\\x80\\x80"};
    char text[128];
    struct cjd_source *s;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int in_key = 0; in_key < 2; in_key++) {
            int n = snprintf(text, sizeof text, in_key ? "{\"v%s\":1}" : "{\"v\":\"%s\"}", bad[i]);
            assert_int_equal(cjd_source_new(&s, text, (size_t)n, CJD_DIALECT_STRICT), 0);
            assert_int_equal(s->remark_count, 1);
            assert_int_equal(s->remarks[0].kind, CJD_REMARK_ERROR);
            json_t *tree = cjd_source_tree(s);
            assert_non_null(tree);
            json_decref(tree);
            cjd_source_free(s);
        }
    }
}

static void many_values_are_bounded(void **state)
{
    size_t n = 5;
    char *text = malloc(3 * CJD_SOURCE_NODES_MAX);
    struct cjd_source *s;

    (void)state;
    assert_non_null(text);
    memcpy(text, "{\"a\":[", 6);
    n = 6;
    for (unsigned i = 0; i < CJD_SOURCE_NODES_MAX; i++) {
        memcpy(text + n, "1,", 2);
        n += 2;
    }
    memcpy(text + n, "1]}", 3);
    assert_int_equal(cjd_source_new(&s, text, n + 3, CJD_DIALECT_NATIVE), CJD_ERR_PARSE);
    assert_int_equal(s->remark_count, 1);
    assert_int_equal(s->remarks[0].kind, CJD_REMARK_FATAL);
    cjd_source_free(s);
    free(text);
}

/* More oddities than are kept: the fatal one is not lost. */
static void last_remark_is_kept(void **state)
{
    char text[2048];
    size_t n = 1;
    struct cjd_source *s;

    (void)state;
    text[0] = '{';
    for (unsigned i = 0; i < 2 * CJD_SOURCE_REMARKS_MAX; i++) {
        text[n++] = ',';
    }
    text[n++] = '?';
    assert_int_equal(cjd_source_new(&s, text, n, CJD_DIALECT_NATIVE), CJD_ERR_PARSE);
    assert_int_equal(s->remark_count, CJD_SOURCE_REMARKS_MAX);
    assert_int_equal(s->remarks[s->remark_count - 1].kind, CJD_REMARK_FATAL);
    cjd_source_free(s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_is_strict),       cmocka_unit_test(legacy_takes_what_it_can),
        cmocka_unit_test(native_is_a_superset),   cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(depth_is_bounded),       cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(places_of_values),       cmocka_unit_test(duplicates_vanish),
        cmocka_unit_test(bytes_that_are_no_text), cmocka_unit_test(many_values_are_bounded),
        cmocka_unit_test(last_remark_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
