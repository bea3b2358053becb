/* Encoding schemes and label arithmetic where the known answers end: bounds, all rules of validity,
 * random schemes. Switch notes §3–6, §10. */
#include "common.h"

#include <cjd/text.h>
#include <switch/label.h>

#define ROUNDS 3000u

static struct test_rng rng_state;
static struct cjd_rng rng;

static void splice_bounds(void **state)
{
    (void)state;
    uint64_t top = 1ull << CJD_LABEL_MAX_LOG2;

    assert_int_equal(cjd_label_splice(CJD_LABEL_SELF, 0x13), 0x13);
    assert_int_equal(cjd_label_splice(0x13, CJD_LABEL_SELF), 0x13);
    assert_int_equal(cjd_label_splice(0xa6, 0x13), 0xa63);
    assert_int_equal(cjd_label_splice(0x48c, 0xa63), 0x246263);
    assert_int_equal(cjd_label_splice(top, CJD_LABEL_SELF), top);
    assert_int_equal(cjd_label_splice(top << 1, CJD_LABEL_SELF), CJD_LABEL_INVALID);
    assert_int_equal(cjd_label_splice(0x13, top >> 4), ((0x12 ^ 1ull) ^ 1) << 55 ^ top >> 4);
    assert_int_equal(cjd_label_splice(0x13, top >> 3), CJD_LABEL_INVALID);
    assert_int_equal(cjd_label_splice(UINT64_MAX, UINT64_MAX), CJD_LABEL_INVALID);
}

static void routes_through_bounds(void **state)
{
    (void)state;
    assert_true(cjd_label_routes_through(0x13, 1));
    assert_true(cjd_label_routes_through(0x13, 0));
    assert_true(cjd_label_routes_through(0x13, 0x13));
    assert_true(cjd_label_routes_through(0xa63, 0x13));
    assert_false(cjd_label_routes_through(0x13, 0xa63));
    assert_false(cjd_label_routes_through(0xa63, 0x15));
    assert_true(cjd_label_routes_through(UINT64_MAX, UINT64_MAX));
}

/* Bit by bit, as the notes define it. */
static uint64_t mirror(uint64_t label)
{
    uint64_t out = 0;

    for (unsigned i = 0; i < 64; i++) {
        out |= (label >> i & 1) << (63 - i);
    }
    return out;
}

static void labels_at_random(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t label = cjd_rng_u64(&rng) >> cjd_rng_below(&rng, 64);
        uint64_t via = cjd_rng_u64(&rng) >> (4 + cjd_rng_below(&rng, 60));
        char text[CJD_LABEL_TEXT_SIZE];
        uint64_t back;

        assert_int_equal(cjd_label_reverse(label), mirror(label));
        assert_int_equal(cjd_label_reverse(cjd_label_reverse(label)), label);
        cjd_label_to_text(text, label);
        assert_int_equal(strlen(text), CJD_LABEL_TEXT_SIZE - 1);
        assert_int_equal(cjd_label_from_text(&back, text), 0);
        assert_int_equal(back, label);

        uint64_t path = cjd_label_splice(label, via);
        if (label == 0 || via == 0) {
            continue;
        }
        assert_int_equal(path == CJD_LABEL_INVALID, cjd_log2(label) + cjd_log2(via) > 59);
        if (path != CJD_LABEL_INVALID) {
            assert_int_equal(cjd_label_unsplice(path, via), label);
            assert_int_equal(cjd_log2(path), cjd_log2(label) + cjd_log2(via));
            assert_true(cjd_label_routes_through(path, via));
        }
    }
}

static void log2_of_small(void **state)
{
    (void)state;
    assert_int_equal(cjd_log2(0), 0);
    assert_int_equal(cjd_log2(1), 0);
    assert_int_equal(cjd_log2(2), 1);
    assert_int_equal(cjd_log2(3), 1);
    assert_int_equal(cjd_log2(UINT64_MAX), 63);
}

/* The table of §5.1. */
static void directors_of_358(void **state)
{
    (void)state;
    const struct cjd_scheme *s = cjd_scheme_358();
    const struct {
        uint32_t iface;
        int narrowest;
        uint64_t form[3];
        uint64_t peer;
    } table[] = {
        {0, 0, {3, 2, 0}, 0x13},
        {2, 0, {5, 1 << 2 | 2, 1 << 2}, 0x15},
        {7, 0, {15, 6 << 2 | 2, 6 << 2}, 0x1f},
        {8, 1, {CJD_LABEL_INVALID, 7 << 2 | 2, 7 << 2}, 0x9e},
        {32, 1, {CJD_LABEL_INVALID, 31 << 2 | 2, 31 << 2}, 0xfe},
        {33, 2, {CJD_LABEL_INVALID, CJD_LABEL_INVALID, 32 << 2}, 0x480},
        {256, 2, {CJD_LABEL_INVALID, CJD_LABEL_INVALID, 255 << 2}, 0x7fc},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(cjd_scheme_narrowest(s, table[i].iface), table[i].narrowest);
        assert_int_equal(cjd_scheme_peer_label(s, table[i].iface), table[i].peer);
        for (int f = 0; f < 3; f++) {
            assert_int_equal(cjd_scheme_director(s, table[i].iface, f), table[i].form[f]);
        }
    }
    assert_int_equal(cjd_scheme_director(s, 1, 0), 1);
    assert_int_equal(cjd_scheme_director(s, 1, 1), CJD_LABEL_INVALID);
    assert_int_equal(cjd_scheme_director(s, 1, 2), CJD_LABEL_INVALID);
}

static void not_representable(void **state)
{
    (void)state;
    const struct {
        const char *scheme;
        uint32_t last;
    } table[] = {{"f4", 15}, {"f8", 255}, {"v4x8", 255}, {"v3x5x8", 256}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct cjd_scheme *s = test_scheme(table[i].scheme);
        assert_true(cjd_scheme_narrowest(s, table[i].last) >= 0);
        assert_int_equal(cjd_scheme_narrowest(s, table[i].last + 1), -1);
        assert_int_equal(cjd_scheme_narrowest(s, UINT32_MAX), -1);
        assert_int_equal(cjd_scheme_peer_label(s, table[i].last + 1), CJD_LABEL_INVALID);
        assert_int_equal(cjd_scheme_director(s, UINT32_MAX, 0), CJD_LABEL_INVALID);
    }
}

/* Each row breaks one rule of §4.2 or stands at its edge. */
static void validity(void **state)
{
    (void)state;
    const struct {
        const char *what;
        int want;
        struct cjd_scheme scheme;
    } table[] = {
        {"no form", CJD_ERR_INVALID, {.count = 0}},
        {"32 forms", CJD_ERR_INVALID, {.count = 32}},
        {"one bit", 0, {.count = 1, .form = {{0, 1, 0}}}},
        {"31 bits", 0, {.count = 1, .form = {{0, 31, 0}}}},
        {"no bits", CJD_ERR_INVALID, {.count = 1, .form = {{0, 0, 0}}}},
        {"32 bits", CJD_ERR_INVALID, {.count = 1, .form = {{0, 32, 0}}}},
        {"single with prefix length", CJD_ERR_INVALID, {.count = 1, .form = {{1, 4, 0}}}},
        {"single with prefix", CJD_ERR_INVALID, {.count = 1, .form = {{0, 4, 1}}}},
        {"two forms", 0, {.count = 2, .form = {{1, 4, 1}, {1, 8, 0}}}},
        {"prefix 0", CJD_ERR_INVALID, {.count = 2, .form = {{0, 4, 0}, {1, 8, 0}}}},
        {"second prefix 0", CJD_ERR_INVALID, {.count = 2, .form = {{1, 4, 1}, {0, 8, 0}}}},
        {"prefix 31", 0, {.count = 2, .form = {{31, 4, 1}, {31, 28, 0}}}},
        {"width 60", CJD_ERR_INVALID, {.count = 2, .form = {{31, 4, 1}, {31, 29, 0}}}},
        {"prefix 32", CJD_ERR_INVALID, {.count = 2, .form = {{1, 4, 1}, {32, 8, 0}}}},
        {"second without bits", CJD_ERR_INVALID, {.count = 2, .form = {{1, 4, 1}, {1, 0, 0}}}},
        {"equal bits", CJD_ERR_INVALID, {.count = 2, .form = {{1, 4, 1}, {1, 4, 0}}}},
        {"fewer bits", CJD_ERR_INVALID, {.count = 2, .form = {{1, 8, 1}, {1, 4, 0}}}},
        {"narrower but more bits", 0, {.count = 2, .form = {{9, 4, 1}, {1, 5, 0}}}},
        {"same prefix", CJD_ERR_INVALID, {.count = 2, .form = {{2, 4, 2}, {2, 8, 2}}}},
        {"short ends long", CJD_ERR_INVALID, {.count = 2, .form = {{1, 4, 0}, {2, 8, 2}}}},
        {"long ends in short", CJD_ERR_INVALID, {.count = 2, .form = {{3, 4, 5}, {1, 8, 1}}}},
        {"first and third",
         CJD_ERR_INVALID,
         {.count = 3, .form = {{2, 1, 1}, {2, 2, 2}, {3, 3, 5}}}},
        {"prefix beyond its bits", CJD_ERR_INVALID, {.count = 2, .form = {{1, 4, 1}, {1, 8, 2}}}},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cjd_scheme s = table[i].scheme;
        if (cjd_scheme_finish(&s) != table[i].want) {
            fail_msg("%s", table[i].what);
        }
        assert_false(s.is_358);
    }
}

static void only_358_is_358(void **state)
{
    (void)state;
    struct cjd_scheme s = *cjd_scheme_358();

    s.is_358 = false;
    assert_int_equal(cjd_scheme_finish(&s), 0);
    assert_true(s.is_358);
    s.form[2].bit_count = 9;
    assert_int_equal(cjd_scheme_finish(&s), 0);
    assert_false(s.is_358);
    assert_false(cjd_scheme_equal(&s, cjd_scheme_358()));
    s = *cjd_scheme_358();
    s.count = 2;
    assert_int_equal(cjd_scheme_finish(&s), 0);
    assert_false(s.is_358);
    assert_false(cjd_scheme_equal(&s, cjd_scheme_358()));
}

static int parse_hex(const char *hex)
{
    struct cjd_pkt *pkt = test_pkt_from_hex(0, hex);
    struct cjd_scheme s;
    int err = cjd_scheme_parse(&s, cjd_pkt_data(pkt), pkt->len);

    test_pkt_free(pkt);
    return err;
}

static void parse_bounds(void **state)
{
    (void)state;
    uint8_t zeros[400] = {0};
    struct cjd_scheme s;

    /* f4 ends at bit 10: 62 zero bits behind it are tolerated, 70 are not. */
    assert_int_equal(parse_hex("800000000000000000"), 0);
    assert_int_equal(parse_hex("80000000000000000000"), CJD_ERR_PARSE);
    /* v3x5x8 ends at bit 35: 61 and 69. */
    assert_int_equal(parse_hex("611445810000000000000000"), 0);
    assert_int_equal(parse_hex("61144581000000000000000000"), CJD_ERR_PARSE);
    /* Zero prefix bits of the last form that are not there. */
    assert_int_equal(parse_hex("61144581"), CJD_ERR_PARSE);
    assert_int_equal(parse_hex("80"), CJD_ERR_PARSE);
    /* prefixLen 31, bitCount 1 in two bytes. */
    assert_int_equal(parse_hex("3f04"), CJD_ERR_PARSE);
    assert_int_equal(cjd_scheme_parse(&s, zeros, 0), CJD_ERR_PARSE);
    assert_int_equal(cjd_scheme_parse(&s, zeros, sizeof zeros), CJD_ERR_PARSE);
    memset(zeros, 0xff, sizeof zeros);
    assert_int_equal(cjd_scheme_parse(&s, zeros, sizeof zeros), CJD_ERR_PARSE);
}

static void serialise_bounds(void **state)
{
    (void)state;
    uint8_t bytes[8];

    assert_int_equal(cjd_scheme_serialise(cjd_scheme_358(), bytes, 4), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_scheme_serialise(cjd_scheme_358(), bytes, 5), 5);
    test_assert_hex(bytes, 5, "6114458100", "v3x5x8");
}

/* Of 2 … 31 forms whose prefixes are the numbers 0 … in more bits than they need: always valid. */
static struct cjd_scheme random_scheme(void)
{
    struct cjd_scheme s = {.count = (uint8_t)(1 + cjd_rng_below(&rng, 31))};
    unsigned bits = 0;

    if (s.count == 1) {
        s.form[0].bit_count = (uint8_t)(1 + cjd_rng_below(&rng, 31));
    }
    for (unsigned i = 0; s.count > 1 && i < s.count; i++) {
        unsigned left = s.count - i;
        bits += 1 + cjd_rng_below(&rng, 31 - bits - left + 1);
        s.form[i] = (struct cjd_form){.prefix_len = (uint8_t)(5 + cjd_rng_below(&rng, 23)),
                                      .bit_count = (uint8_t)bits};
        uint32_t high = cjd_rng_u32(&rng) << 5;
        s.form[i].prefix = (high | i) & ((1u << s.form[i].prefix_len) - 1);
    }
    assert_int_equal(cjd_scheme_finish(&s), 0);
    return s;
}

static void check_serialised(const struct cjd_scheme *s)
{
    uint8_t bytes[CJD_SCHEME_BYTES_MAX];
    struct cjd_scheme back;
    int len = cjd_scheme_serialise(s, bytes, sizeof bytes);

    assert_true(len > 0);
    assert_int_equal(cjd_scheme_parse(&back, bytes, (size_t)len), 0);
    assert_true(cjd_scheme_equal(s, &back));
    /* The minimum number of bytes: one less cannot do. */
    assert_true(cjd_scheme_parse(&back, bytes, (size_t)len - 1) != 0 ||
                !cjd_scheme_equal(s, &back));
}

static void check_director(const struct cjd_scheme *s, uint32_t iface, int form)
{
    uint64_t director = cjd_scheme_director(s, iface, form);

    if (director == CJD_LABEL_INVALID) {
        return;
    }
    unsigned width = cjd_form_width(&s->form[form]);
    uint64_t label = director | 1ull << width;
    assert_int_equal(director >> width, 0);
    assert_int_equal(cjd_scheme_form_of(s, label), form);
    assert_int_equal(cjd_scheme_iface_of(s, label, form), iface);
    assert_int_equal(cjd_scheme_is_one_hop(s, label), width > 0);
    assert_int_equal(cjd_scheme_is_self(s, label), director == 1);
}

static void check_convert(const struct cjd_scheme *s, uint64_t label)
{
    int from = cjd_scheme_form_of(s, label);

    if (from < 0) {
        assert_int_equal(cjd_scheme_convert(s, label, CJD_FORM_CANONICAL), CJD_LABEL_INVALID);
        return;
    }
    if (cjd_scheme_is_self(s, label)) {
        assert_int_equal(cjd_scheme_convert(s, label, CJD_FORM_CANONICAL), label);
        assert_int_equal(cjd_scheme_convert(s, label, 1), CJD_LABEL_INVALID);
        return;
    }
    for (int f = -2; f <= s->count; f++) {
        uint64_t there = cjd_scheme_convert(s, label, f);
        if (f < CJD_FORM_CANONICAL || f == s->count) {
            assert_int_equal(there, CJD_LABEL_INVALID);
        } else if (there != CJD_LABEL_INVALID && f >= 0) {
            assert_int_equal(cjd_scheme_form_of(s, there), f);
            assert_int_equal(there >> cjd_form_width(&s->form[f]),
                             label >> cjd_form_width(&s->form[from]));
            uint64_t back = cjd_scheme_convert(s, there, from);
            assert_true(back == label || back == CJD_LABEL_INVALID);
        }
    }
}

static void random_schemes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct cjd_scheme s = random_scheme();
        check_serialised(&s);
        for (unsigned k = 0; k < 16; k++) {
            uint32_t iface = cjd_rng_u32(&rng) >> cjd_rng_below(&rng, 32);
            int narrowest = cjd_scheme_narrowest(&s, iface);
            for (int f = 0; f < s.count; f++) {
                check_director(&s, iface, f);
                assert_int_equal(cjd_scheme_director(&s, iface, f) != CJD_LABEL_INVALID,
                                 narrowest >= 0 && f >= narrowest);
            }
            check_convert(&s, cjd_rng_u64(&rng) >> cjd_rng_below(&rng, 60));
        }
    }
}

static void label_for_invalid(void **state)
{
    (void)state;
    /* Prefixes 01 and 10; labels that end in 00 or 11 match nothing. */
    struct cjd_scheme s = {.count = 2, .form = {{2, 4, 1}, {2, 8, 2}}};

    assert_int_equal(cjd_scheme_finish(&s), 0);
    assert_int_equal(cjd_scheme_form_of(&s, 4), -1);
    assert_int_equal(cjd_scheme_label_for(&s, 4, 0x41), CJD_LABEL_INVALID);
    assert_int_equal(cjd_scheme_label_for(&s, 0x41, 7), CJD_LABEL_INVALID);
    assert_false(cjd_scheme_is_self(&s, 4));
    assert_false(cjd_scheme_is_one_hop(&s, 4));
    /* Wider director first of all; never narrower. */
    assert_int_equal(cjd_scheme_label_for(cjd_scheme_358(), 0x153, 0xa2), 0xa82);
    assert_int_equal(cjd_scheme_label_for(cjd_scheme_358(), 0xa82, 0x13), 0xa82);
}

static void route_of_worked_example(void **state)
{
    (void)state;
    const struct cjd_scheme *s = cjd_scheme_358();
    struct cjd_hop hops[] = {{s, 0x13, -1}, {s, 0xa2, 2}, {s, 0xaa, 1}};

    assert_int_equal(cjd_route_build(hops, 3), 0x2a8203);
    assert_int_equal(cjd_route_build(hops, 1), 0x13);
    assert_int_equal(cjd_route_build(hops, 0), CJD_LABEL_SELF);
    hops[1].label = 0x480; /* already as wide as needed */
    assert_int_equal(cjd_route_build(hops, 2), 0x4803);
}

static void route_too_long(void **state)
{
    (void)state;
    struct cjd_hop hops[20];

    for (unsigned i = 0; i < 20; i++) {
        hops[i] = (struct cjd_hop){cjd_scheme_358(), 0x13, i == 0 ? -1 : 0};
    }
    assert_int_equal(cjd_route_build(hops, 14), 0x133333333333333);
    assert_int_equal(cjd_route_build(hops, 15), CJD_LABEL_INVALID);
    assert_int_equal(cjd_route_build(hops, 20), CJD_LABEL_INVALID);
    /* A self director cannot be widened. */
    hops[1] = (struct cjd_hop){cjd_scheme_358(), CJD_LABEL_SELF, 2};
    assert_int_equal(cjd_route_build(hops, 2), CJD_LABEL_INVALID);
}

static void random_bytes(void **state)
{
    (void)state;
    unsigned accepted = 0;

    for (unsigned i = 0; i < 20 * ROUNDS; i++) {
        uint8_t bytes[16];
        struct cjd_scheme s;
        size_t len = cjd_rng_below(&rng, sizeof bytes + 1);
        cjd_rng_fill(&rng, bytes, len);
        if (cjd_scheme_parse(&s, bytes, len) == 0) {
            accepted++;
            check_serialised(&s);
        }
    }
    assert_true(accepted > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splice_bounds),
        cmocka_unit_test(routes_through_bounds),
        cmocka_unit_test(labels_at_random),
        cmocka_unit_test(log2_of_small),
        cmocka_unit_test(directors_of_358),
        cmocka_unit_test(not_representable),
        cmocka_unit_test(validity),
        cmocka_unit_test(only_358_is_358),
        cmocka_unit_test(parse_bounds),
        cmocka_unit_test(serialise_bounds),
        cmocka_unit_test(random_schemes),
        cmocka_unit_test(label_for_invalid),
        cmocka_unit_test(route_of_worked_example),
        cmocka_unit_test(route_too_long),
        cmocka_unit_test(random_bytes),
    };
    rng = test_rng_init(&rng_state, 0x5c4e3e);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
