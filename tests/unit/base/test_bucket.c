/* Token buckets: the long-run rate, the burst, and clocks that begin at 0 or stand still. Jitter.
 */
#include <testlib/testlib.h>

#include <base/bucket.h>
#include <base/rng.h>

static unsigned take_all(struct cjd_bucket *b, uint64_t now_ns, uint32_t rate, uint32_t burst)
{
    unsigned n = 0;

    while (n < 100000 && cjd_bucket_take(b, now_ns, rate, burst)) {
        n++;
    }
    return n;
}

static void burst_then_rate(void **state)
{
    (void)state;
    const uint64_t starts[] = {0, 1, 5, CJD_S, 1ull << 60};

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct cjd_bucket b = {0};
        uint64_t t = starts[i];
        assert_int_equal(take_all(&b, t, 10, 7), 7);
        assert_false(cjd_bucket_take(&b, t, 10, 7));
        assert_false(cjd_bucket_take(&b, t + CJD_S / 10 - 1, 10, 7));
        assert_true(cjd_bucket_take(&b, t + CJD_S / 10 + 1, 10, 7));
        assert_false(cjd_bucket_take(&b, t + CJD_S / 10 + 2, 10, 7));
        /* Saved up, but no more than the burst. */
        assert_int_equal(take_all(&b, t + 100 * CJD_S, 10, 7), 7);
    }
}

/* Over a long time as many as the rate allows, however often one asks. */
static void long_run(void **state)
{
    (void)state;
    struct test_rng rng_state;
    struct cjd_rng rng = test_rng_init(&rng_state, 3);
    const uint32_t rates[] = {1, 3, 100, 5000};

    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct cjd_bucket b = {0};
        uint64_t now = 0;
        uint64_t taken = 0;
        uint64_t step = 2 * CJD_S / rates[i];
        for (unsigned k = 0; k < 20000; k++) {
            now += cjd_rng_u64(&rng) % (step / 4);
            taken += cjd_bucket_take(&b, now, rates[i], 5);
        }
        uint64_t want = now / (CJD_S / rates[i]);
        assert_in_range(taken, want - 5, want + 5);
    }
}

static void clock_that_goes_back(void **state)
{
    (void)state;
    struct cjd_bucket b = {0};

    assert_int_equal(take_all(&b, 50 * CJD_S, 1, 3), 3);
    assert_int_equal(take_all(&b, 40 * CJD_S, 1, 3), 0);
    assert_int_equal(take_all(&b, 41 * CJD_S, 1, 3), 1);
}

static void settings_that_change(void **state)
{
    (void)state;
    struct cjd_bucket b = {0};

    assert_true(cjd_bucket_take(&b, CJD_S, 10, 1000));
    /* What was saved under the larger burst is gone. */
    assert_int_equal(take_all(&b, CJD_S, 10, 2), 2);
    assert_int_equal(take_all(&b, 2 * CJD_S, 10, 1000), 10);
    assert_false(cjd_bucket_take(&b, 9 * CJD_S, 0, 5));
    assert_false(cjd_bucket_take(&b, 9 * CJD_S, 5, 0));
}

static void jitter(void **state)
{
    (void)state;
    struct test_rng rng_state;
    struct cjd_rng rng = test_rng_init(&rng_state, 4);
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;

    for (unsigned i = 0; i < 10000; i++) {
        uint64_t t = cjd_rng_jitter(&rng, 1000, 10);
        low = t < low ? t : low;
        high = t > high ? t : high;
        assert_in_range(cjd_rng_below(&rng, 7), 0, 6);
    }
    assert_int_equal(low, 900);
    assert_int_equal(high, 1100);
    assert_int_equal(cjd_rng_jitter(&rng, 1000, 0), 1000);
    assert_int_equal(cjd_rng_jitter(&rng, 0, 50), 0);
    assert_int_equal(cjd_rng_below(&rng, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_then_rate),
        cmocka_unit_test(long_run),
        cmocka_unit_test(clock_that_goes_back),
        cmocka_unit_test(settings_that_change),
        cmocka_unit_test(jitter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
