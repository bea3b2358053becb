/* The bencode reader and writer: bounds of numbers, lengths and nesting; every truncation; random
 * values there and back. Router notes §2.1, admin notes §2. */
#include <testlib/testlib.h>

#include <cjd/bencode.h>

static struct test_rng rng_state;
static struct cjd_rng rng;

/* Parses a copy of exactly that size, so that the address sanitizer sees the first byte too far.
 * Returns the error, or the number of bytes used. */
static int parse_len(const char *text, size_t len)
{
    struct cjd_bencode v;
    size_t used = 12345;
    uint8_t *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    int err = cjd_bencode_parse(&v, copy, len, &used);
    assert_true(err <= 0);
    if (err) {
        assert_int_equal(used, 0);
    }
    free(copy);
    return err ? err : (int)used;
}

static int parse(const char *text)
{
    return parse_len(text, strlen(text));
}

static struct cjd_bencode value_of(const char *text)
{
    struct cjd_bencode v;
    size_t used;

    assert_int_equal(cjd_bencode_parse(&v, (const uint8_t *)text, strlen(text), &used), 0);
    assert_int_equal(used, strlen(text));
    return v;
}

static void integers(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t want;
    } table[] = {
        {"i0e", 0},
        {"i-0e", 0},
        {"i7e", 7},
        {"i-7e", -7},
        {"i007e", 7},
        {"i-007e", -7},
        {"i9223372036854775807e", INT64_MAX},
        {"i-9223372036854775808e", INT64_MIN},
        {"i-9223372036854775807e", INT64_MIN + 1},
        {"i00000000000000000000000009223372036854775807e", INT64_MAX},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cjd_bencode v = value_of(table[i].text);
        assert_int_equal(v.type, CJD_BENCODE_INT);
        assert_true(v.number == table[i].want);
    }
}

static void strings(void **state)
{
    (void)state;
    const struct {
        const char *text;
        const char *want;
    } table[] = {{"0:", ""},
                 {"000:", ""},
                 {"4:ping", "ping"},
                 {"04:ping", "ping"},
                 {"00000004:ping", "ping"},
                 {"0000000000000000000000000000004:ping", "ping"},
                 {"3:i1e", "i1e"}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cjd_bencode v = value_of(table[i].text);
        assert_int_equal(v.type, CJD_BENCODE_STRING);
        assert_int_equal(v.len, strlen(table[i].want));
        assert_memory_equal(v.bytes, table[i].want, v.len);
    }
}

static void malformed(void **state)
{
    (void)state;
    const char *const table[] = {"",
                                 "e",
                                 "x",
                                 ":",
                                 "-",
                                 " i1e",
                                 "i",
                                 "ie",
                                 "i-e",
                                 "i--1e",
                                 "i+1e",
                                 "i1",
                                 "i1x",
                                 "i1.5e",
                                 "i 1e",
                                 "i9223372036854775808e",
                                 "i-9223372036854775809e",
                                 "i18446744073709551616e",
                                 "i99999999999999999999999999999999999999e",
                                 "1",
                                 "1:",
                                 "4:pin",
                                 "-1:a",
                                 "1",
                                 "1a",
                                 "2147483648:a",
                                 "2147483647:a",
                                 "4294967296:",
                                 "18446744073709551617:a",
                                 "99999999999999999999999999:a",
                                 "l",
                                 "li1e",
                                 "l4:ping",
                                 "d",
                                 "d1:a",
                                 "d1:ai1e",
                                 "d1:ae",
                                 "di1ei2ee",
                                 "dlei1ee",
                                 "dde1:ae",
                                 "d1:a1:b1:ce"};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (parse(table[i]) != CJD_ERR_PARSE) {
            fail_msg("accepted \"%s\"", table[i]);
        }
    }
    struct cjd_bencode v;
    size_t used;
    assert_int_equal(cjd_bencode_parse(&v, NULL, 0, &used), CJD_ERR_PARSE);
    /* What follows a complete value is the caller's to judge. */
    assert_int_equal(parse("lee1"), 2);
    assert_int_equal(parse("i1e\n"), 3);
    assert_int_equal(parse("1:abc"), 3);
}

/* Router messages of the reference: the first key is padded with zeros. */
static void padded_first_key(void **state)
{
    (void)state;
    struct cjd_bencode d = value_of("d00000002:eii0e2:es5:\x61\x14\x45\x81\x01"
                                    "1:q2:fne");
    struct cjd_bencode v;

    assert_int_equal(d.type, CJD_BENCODE_DICT);
    assert_true(cjd_bencode_find(&d, "ei", &v));
    assert_int_equal(v.type, CJD_BENCODE_INT);
    assert_int_equal(v.number, 0);
    assert_true(cjd_bencode_find(&d, "es", &v));
    assert_int_equal(v.len, 5);
    assert_true(cjd_bencode_find(&d, "q", &v));
    assert_memory_equal(v.bytes, "fn", 2);
    assert_false(cjd_bencode_find(&d, "e", &v));
    assert_false(cjd_bencode_find(&d, "", &v));
    assert_false(cjd_bencode_find(&d, "eii", &v));
}

/* n containers in each other. */
static int parse_nested(unsigned n, bool is_dict)
{
    char text[400];
    size_t len = 0;

    for (unsigned i = 0; i < n; i++) {
        memcpy(text + len, "d1:a", 4);
        text[len] = is_dict ? 'd' : 'l';
        len += is_dict ? 4 : 1;
    }
    memcpy(text + len, "i1e", 3);
    len += 3;
    memset(text + len, 'e', n);
    len += n;
    int used = parse_len(text, len);
    return used < 0 ? used : (size_t)used == len;
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    for (unsigned n = 0; n <= 40; n++) {
        int want = n <= CJD_BENCODE_DEPTH ? 1 : CJD_ERR_PARSE;
        assert_int_equal(parse_nested(n, false), want);
        assert_int_equal(parse_nested(n, true), want);
    }
    /* However deep, without a deep stack. */
    size_t len = 1u << 20;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'l', len);
    assert_int_equal(parse_len(text, len), CJD_ERR_PARSE);
    free(text);
}

static void every_truncation(void **state)
{
    (void)state;
    const char *whole =
        "d2:eii0e2:es5:aaaaa1:ld1:xli1ei-2eleee1:n80:"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "1:pi21e4:txid12:abcdefghijkle";

    assert_int_equal(parse(whole), (int)strlen(whole));
    for (size_t len = 0; len < strlen(whole); len++) {
        assert_int_equal(parse_len(whole, len), CJD_ERR_PARSE);
    }
}

static void walk_of_a_list(void **state)
{
    (void)state;
    struct cjd_bencode list = value_of("li1e3:abclei2ee");
    struct cjd_bencode_iter it;
    struct cjd_bencode item;

    cjd_bencode_iter_init(&it, &list);
    assert_true(cjd_bencode_next_item(&it, &item));
    assert_int_equal(item.number, 1);
    assert_true(cjd_bencode_next_item(&it, &item));
    assert_memory_equal(item.bytes, "abc", 3);
    assert_true(cjd_bencode_next_item(&it, &item));
    assert_int_equal(item.type, CJD_BENCODE_LIST);
    assert_int_equal(item.len, 2);
    assert_memory_equal(item.bytes, "le", 2);
    assert_true(cjd_bencode_next_item(&it, &item));
    assert_int_equal(item.number, 2);
    assert_false(cjd_bencode_next_item(&it, &item));
    assert_false(cjd_bencode_next_item(&it, &item));
}

static void walk_of_what_is_no_container(void **state)
{
    (void)state;
    const char *const table[] = {"i1e", "3:abc", "le", "de"};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cjd_bencode v = value_of(table[i]);
        struct cjd_bencode_iter it;
        struct cjd_bencode key;
        struct cjd_bencode item;
        cjd_bencode_iter_init(&it, &v);
        assert_false(cjd_bencode_next_item(&it, &item));
        cjd_bencode_iter_init(&it, &v);
        assert_false(cjd_bencode_next_pair(&it, &key, &item));
        assert_false(cjd_bencode_find(&v, "abc", &item));
    }
}

static void find_takes_the_first(void **state)
{
    (void)state;
    struct cjd_bencode d = value_of("d1:bi1e1:ai2e1:bi3ee");
    struct cjd_bencode list = value_of("l1:bi1ee");
    struct cjd_bencode v;

    assert_true(cjd_bencode_find(&d, "b", &v));
    assert_int_equal(v.number, 1);
    assert_true(cjd_bencode_find(&d, "a", &v));
    assert_int_equal(v.number, 2);
    assert_false(cjd_bencode_find(&list, "b", &v));
}

static void binary_strings(void **state)
{
    (void)state;
    struct cjd_bencode d;
    struct cjd_bencode v;
    size_t used;
    static const uint8_t in[] = "d3:a\0be4:\0\xff:ee";

    /* The key is a, NUL, b; its value is malformed. */
    assert_int_equal(cjd_bencode_parse(&d, in, sizeof in - 1, &used), CJD_ERR_PARSE);
    static const uint8_t good[] = "d3:a\0b4:\0\xff:ee";
    assert_int_equal(cjd_bencode_parse(&d, good, sizeof good - 1, &used), 0);
    /* A key with NUL is not the text before it. */
    assert_false(cjd_bencode_find(&d, "a", &v));
}

static void writer_writes(void **state)
{
    (void)state;
    uint8_t buf[200];
    struct cjd_bencode_writer w;
    const char *want = "d1:al0:i0ei-1ei9223372036854775807ei-9223372036854775808ee2:bb3:\0x\0e";
    /* The three bytes of the last string, and the end. */
    size_t want_len =
        strlen("d1:al0:i0ei-1ei9223372036854775807ei-9223372036854775808ee2:bb3:") + 4;
    cjd_bencode_writer_init(&w, buf, sizeof buf);
    cjd_bencode_begin_dict(&w);
    cjd_bencode_put_text(&w, "a");
    cjd_bencode_begin_list(&w);
    cjd_bencode_put_text(&w, "");
    cjd_bencode_put_int(&w, 0);
    cjd_bencode_put_int(&w, -1);
    cjd_bencode_put_int(&w, INT64_MAX);
    cjd_bencode_put_int(&w, INT64_MIN);
    cjd_bencode_end(&w);
    cjd_bencode_put_text(&w, "bb");
    cjd_bencode_put_string(&w, "\0x\0", 3);
    cjd_bencode_end(&w);
    assert_int_equal(cjd_bencode_finish(&w), want_len);
    assert_memory_equal(buf, want, want_len);
}

static void write_some(struct cjd_bencode_writer *w)
{
    cjd_bencode_begin_dict(w);
    cjd_bencode_put_text(w, "key");
    cjd_bencode_put_int(w, -1234);
    cjd_bencode_put_text(w, "list");
    cjd_bencode_begin_list(w);
    cjd_bencode_put_string(w, "abcdefghijklmnop", 16);
    cjd_bencode_end(w);
    cjd_bencode_end(w);
}

/* Whatever the room: all of it, or an error, and never a byte beyond. */
static void writer_overflow(void **state)
{
    (void)state;
    const char *want = "d3:keyi-1234e4:listl16:abcdefghijklmnopee";

    for (size_t cap = 0; cap <= strlen(want) + 3; cap++) {
        uint8_t *buf = malloc(cap > 0 ? cap : 1);
        struct cjd_bencode_writer w;

        assert_non_null(buf);
        cjd_bencode_writer_init(&w, buf, cap);
        write_some(&w);
        int len = cjd_bencode_finish(&w);
        if (cap < strlen(want)) {
            assert_int_equal(len, CJD_ERR_TOO_LONG);
            /* Nothing more is written, even where there is room for it. */
            size_t before = w.len;
            cjd_bencode_put_int(&w, 1);
            cjd_bencode_end(&w);
            assert_int_equal(w.len, before);
        } else {
            assert_int_equal(len, strlen(want));
            assert_memory_equal(buf, want, strlen(want));
        }
        free(buf);
    }
}

/* ---- random values ---- */

static void write_random(struct cjd_bencode_writer *w, unsigned depth)
{
    uint8_t bytes[40];
    size_t len = cjd_rng_below(&rng, sizeof bytes);
    unsigned kind = cjd_rng_below(&rng, depth > 0 ? 4 : 2);

    cjd_rng_fill(&rng, bytes, sizeof bytes);
    if (kind == 0) {
        cjd_bencode_put_int(w, (int64_t)(cjd_rng_u64(&rng) << cjd_rng_below(&rng, 64)));
        return;
    }
    if (kind == 1) {
        cjd_bencode_put_string(w, bytes, len);
        return;
    }
    bool is_dict = kind == 2;
    is_dict ? cjd_bencode_begin_dict(w) : cjd_bencode_begin_list(w);
    for (unsigned n = cjd_rng_below(&rng, 5); n > 0; n--) {
        if (is_dict) {
            cjd_bencode_put_string(w, bytes, cjd_rng_below(&rng, 3));
        }
        write_random(w, depth - 1);
    }
    cjd_bencode_end(w);
}

static void copy(struct cjd_bencode_writer *w, const struct cjd_bencode *v)
{
    struct cjd_bencode_iter it;
    struct cjd_bencode key;
    struct cjd_bencode item;

    cjd_bencode_iter_init(&it, v);
    switch (v->type) {
    case CJD_BENCODE_INT:
        cjd_bencode_put_int(w, v->number);
        return;
    case CJD_BENCODE_STRING:
        cjd_bencode_put_string(w, v->bytes, v->len);
        return;
    case CJD_BENCODE_LIST:
        cjd_bencode_begin_list(w);
        while (cjd_bencode_next_item(&it, &item)) {
            copy(w, &item);
        }
        break;
    case CJD_BENCODE_DICT:
        cjd_bencode_begin_dict(w);
        while (cjd_bencode_next_pair(&it, &key, &item)) {
            cjd_bencode_put_string(w, key.bytes, key.len);
            copy(w, &item);
        }
        break;
    }
    cjd_bencode_end(w);
}

static void random_values(void **state)
{
    (void)state;
    static uint8_t out[1 << 18];
    static uint8_t again[1 << 18];

    for (unsigned i = 0; i < 2000; i++) {
        struct cjd_bencode_writer w;
        struct cjd_bencode v;
        size_t used;

        cjd_bencode_writer_init(&w, out, sizeof out);
        write_random(&w, 6);
        int len = cjd_bencode_finish(&w);
        assert_true(len > 0);
        assert_int_equal(cjd_bencode_parse(&v, out, (size_t)len, &used), 0);
        assert_int_equal(used, len);
        cjd_bencode_writer_init(&w, again, sizeof again);
        copy(&w, &v);
        assert_int_equal(cjd_bencode_finish(&w), len);
        assert_memory_equal(again, out, (size_t)len);
        /* No beginning of it is complete. */
        size_t cut = cjd_rng_below(&rng, (uint32_t)len);
        assert_int_equal(parse_len((const char *)out, cut), CJD_ERR_PARSE);
    }
}

/* Bytes out of the alphabet of bencode never break it. */
static void random_bytes(void **state)
{
    (void)state;
    static const char alphabet[] = "idle0123456789:-xe";
    unsigned accepted = 0;

    for (unsigned i = 0; i < 100000; i++) {
        char text[24];
        size_t len = cjd_rng_below(&rng, sizeof text + 1);
        for (size_t k = 0; k < len; k++) {
            text[k] = alphabet[cjd_rng_below(&rng, sizeof alphabet - 1)];
        }
        accepted += parse_len(text, len) > 0;
    }
    assert_true(accepted > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(strings),
        cmocka_unit_test(malformed),
        cmocka_unit_test(padded_first_key),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(walk_of_a_list),
        cmocka_unit_test(walk_of_what_is_no_container),
        cmocka_unit_test(find_takes_the_first),
        cmocka_unit_test(binary_strings),
        cmocka_unit_test(writer_writes),
        cmocka_unit_test(writer_overflow),
        cmocka_unit_test(random_values),
        cmocka_unit_test(random_bytes),
    };
    rng = test_rng_init(&rng_state, 0xbe9c0de);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
