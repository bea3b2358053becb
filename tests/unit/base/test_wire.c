/* Reader and writer of wire bytes: byte order, ends, and that "bad" stays. */
#include <testlib/testlib.h>

#include <base/wire.h>

static void byte_order(void **state)
{
    (void)state;
    uint8_t bytes[15];
    struct cjd_writer w = cjd_writer_of(bytes, sizeof bytes);

    cjd_write8(&w, 0x01);
    cjd_write16(&w, 0x0203);
    cjd_write32(&w, 0x04050607);
    cjd_write64(&w, 0x08090a0b0c0d0e0f);
    assert_false(w.bad);
    assert_int_equal(cjd_writer_len(&w), 15);
    test_assert_hex(bytes, sizeof bytes, "0102030405060708090a0b0c0d0e0f", "written");
    assert_int_equal(cjd_load16(bytes + 1), 0x0203);
    assert_int_equal(cjd_load32(bytes + 3), 0x04050607);
    assert_int_equal(cjd_load64(bytes + 7), 0x08090a0b0c0d0e0f);

    struct cjd_reader r = cjd_reader_of(bytes, sizeof bytes);
    assert_int_equal(cjd_read8(&r), 0x01);
    assert_int_equal(cjd_read16(&r), 0x0203);
    assert_int_equal(cjd_read32(&r), 0x04050607);
    assert_int_equal(cjd_read64(&r), 0x08090a0b0c0d0e0f);
    assert_false(r.bad);
    assert_int_equal(cjd_reader_left(&r), 0);
}

static void high_bits(void **state)
{
    (void)state;
    uint8_t bytes[8];

    cjd_store64(bytes, UINT64_MAX);
    assert_int_equal(cjd_load64(bytes), UINT64_MAX);
    assert_int_equal(cjd_load32(bytes), UINT32_MAX);
    assert_int_equal(cjd_load16(bytes), UINT16_MAX);
    cjd_store32(bytes, 0x80000000);
    assert_int_equal(cjd_load32(bytes), 0x80000000);
    cjd_store16(bytes, 0x8001);
    assert_int_equal(cjd_load16(bytes), 0x8001);
}

/* Reads a number of 1, 2, 4 or 8 bytes. */
static uint64_t read_n(struct cjd_reader *r, unsigned n)
{
    switch (n) {
    case 1:
        return cjd_read8(r);
    case 2:
        return cjd_read16(r);
    case 4:
        return cjd_read32(r);
    default:
        return cjd_read64(r);
    }
}

static void write_n(struct cjd_writer *w, unsigned n, uint64_t v)
{
    switch (n) {
    case 1:
        cjd_write8(w, (uint8_t)v);
        break;
    case 2:
        cjd_write16(w, (uint16_t)v);
        break;
    case 4:
        cjd_write32(w, (uint32_t)v);
        break;
    default:
        cjd_write64(w, v);
        break;
    }
}

static void reading_over_the_end(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 8; n *= 2) {
        for (unsigned have = 0; have < n; have++) {
            uint8_t *bytes = malloc(have > 0 ? have : 1); /* exactly: the sanitizer watches */
            assert_non_null(bytes);
            memset(bytes, 0xff, have);
            struct cjd_reader r = cjd_reader_of(bytes, have);
            assert_int_equal(read_n(&r, n), 0);
            assert_true(r.bad);
            assert_int_equal(cjd_reader_left(&r), have);
            /* Also what would still fit is not read any more. */
            assert_int_equal(cjd_read8(&r), 0);
            assert_null(cjd_read_bytes(&r, 0));
            assert_true(r.bad);
            free(bytes);
        }
    }
}

static void writing_over_the_end(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 8; n *= 2) {
        for (unsigned have = 0; have < n; have++) {
            uint8_t *bytes = malloc(have > 0 ? have : 1);
            assert_non_null(bytes);
            memset(bytes, 0x11, have);
            struct cjd_writer w = cjd_writer_of(bytes, have);
            write_n(&w, n, UINT64_MAX);
            assert_true(w.bad);
            cjd_write8(&w, 0xff);
            assert_null(cjd_write_room(&w, 0));
            assert_int_equal(cjd_writer_len(&w), 0);
            for (unsigned i = 0; i < have; i++) {
                assert_int_equal(bytes[i], 0x11);
            }
            free(bytes);
        }
    }
}

static void runs_of_bytes(void **state)
{
    (void)state;
    const uint8_t bytes[5] = {1, 2, 3, 4, 5};
    uint8_t out[8];
    struct cjd_reader r = cjd_reader_of(bytes, sizeof bytes);

    assert_ptr_equal(cjd_read_bytes(&r, 2), bytes);
    assert_ptr_equal(cjd_read_bytes(&r, 0), bytes + 2);
    cjd_read_copy(&r, out, 2);
    assert_memory_equal(out, bytes + 2, 2);
    memset(out, 0xff, sizeof out);
    cjd_read_copy(&r, out, 4);
    assert_true(r.bad);
    assert_int_equal(cjd_load32(out), 0);
    assert_int_equal(out[4], 0xff);
    r = cjd_reader_of(bytes, sizeof bytes);
    assert_null(cjd_read_bytes(&r, SIZE_MAX));
    assert_true(r.bad);

    struct cjd_writer w = cjd_writer_of(out, sizeof out);
    cjd_write_bytes(&w, bytes, 5);
    cjd_write_bytes(&w, NULL, 0);
    assert_false(w.bad);
    assert_ptr_equal(cjd_write_room(&w, 3), out + 5);
    assert_int_equal(cjd_writer_len(&w), 8);
    cjd_write_bytes(&w, NULL, 0);
    assert_false(w.bad);
    cjd_write_bytes(&w, bytes, 1);
    assert_true(w.bad);
    w = cjd_writer_of(out, sizeof out);
    assert_null(cjd_write_room(&w, SIZE_MAX));
    assert_true(w.bad);
}

static void no_bytes_at_all(void **state)
{
    (void)state;
    struct cjd_reader r = cjd_reader_of(NULL, 0);
    struct cjd_writer w = cjd_writer_of(NULL, 0);

    assert_int_equal(cjd_reader_left(&r), 0);
    assert_int_equal(cjd_read32(&r), 0);
    assert_true(r.bad);
    assert_int_equal(cjd_writer_len(&w), 0);
    cjd_write32(&w, 1);
    assert_true(w.bad);
}

/* A random list of fields, written and read back; then read from each shorter copy. */
static void random_fields(void **state)
{
    (void)state;
    struct test_rng rng_state;
    struct cjd_rng rng = test_rng_init(&rng_state, 5);

    for (unsigned round = 0; round < 500; round++) {
        unsigned width[10];
        uint64_t value[10];
        uint8_t bytes[80];
        struct cjd_writer w = cjd_writer_of(bytes, sizeof bytes);
        for (unsigned i = 0; i < 10; i++) {
            width[i] = 1u << cjd_rng_below(&rng, 4);
            value[i] = cjd_rng_u64(&rng) >> (64 - 8 * width[i]);
            write_n(&w, width[i], value[i]);
        }
        assert_false(w.bad);
        size_t len = cjd_writer_len(&w);
        size_t cut = cjd_rng_below(&rng, (uint32_t)len + 1);
        struct cjd_reader r = cjd_reader_of(bytes, cut);
        size_t at = 0;
        for (unsigned i = 0; i < 10; i++) {
            at += width[i];
            assert_int_equal(read_n(&r, width[i]), at <= cut ? value[i] : 0);
        }
        assert_int_equal(r.bad, cut < len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_order),           cmocka_unit_test(high_bits),
        cmocka_unit_test(reading_over_the_end), cmocka_unit_test(writing_over_the_end),
        cmocka_unit_test(runs_of_bytes),        cmocka_unit_test(no_bytes_at_all),
        cmocka_unit_test(random_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
