/* The replay window against a slow twin that keeps a list of what it has seen (CryptoAuth §8). */
#include <testlib/testlib.h>

#include <crypto/replay.h>

/* Bits as booleans, moved one place at a time. */
struct twin {
    bool seen[64];
    uint64_t base;
    uint32_t duplicates;
    uint32_t lost;
    uint32_t out_of_range;
};

static void twin_move_one(struct twin *t, bool counts_lost)
{
    if (counts_lost && !t->seen[0]) {
        t->lost++;
    }
    memmove(t->seen, t->seen + 1, 63 * sizeof t->seen[0]);
    t->seen[63] = false;
    t->base++;
}

static bool twin_low_half_is_full(const struct twin *t)
{
    for (int i = 0; i < 32; i++) {
        if (!t->seen[i]) {
            return false;
        }
    }
    return true;
}

static bool twin_accept(struct twin *t, uint32_t n)
{
    if (n < t->base) {
        t->out_of_range++;
        return false;
    }
    while (n - t->base > 63) {
        bool is_full = twin_low_half_is_full(t);
        uint64_t by = is_full ? 32 : n - t->base - 47;
        for (uint64_t i = 0; i < by; i++) {
            twin_move_one(t, !is_full);
        }
    }
    bool *bit = &t->seen[n - t->base];
    t->duplicates += *bit;
    return *bit ? false : (*bit = true);
}

static uint64_t twin_bits(const struct twin *t)
{
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) {
        bits |= (uint64_t)t->seen[i] << i;
    }
    return bits;
}

/* Mostly forward, some losses, some old ones, now and then a leap. */
static uint32_t next_counter(const struct cjd_rng *rng, uint32_t *highest)
{
    switch (cjd_rng_below(rng, 8)) {
    case 0:
        return *highest - cjd_rng_below(rng, *highest < 80 ? *highest + 1 : 80);
    case 1:
        *highest += cjd_rng_below(rng, 70);
        return *highest;
    case 2:
        *highest += cjd_rng_below(rng, 20) == 0 ? cjd_rng_below(rng, 3000) : 2;
        return *highest;
    default:
        return ++*highest;
    }
}

static void agrees_with_the_twin(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct test_rng r;
        struct cjd_rng rng = test_rng_init(&r, seed);
        uint32_t base = cjd_rng_below(&rng, 100);
        uint32_t highest = base;
        struct cjd_replay window = {.base = base};
        struct twin twin = {.base = base};

        for (int step = 0; step < 2000; step++) {
            uint32_t n = next_counter(&rng, &highest);
            assert_int_equal(cjd_replay_accept(&window, n), twin_accept(&twin, n));
            assert_int_equal(window.base, twin.base);
            assert_int_equal(window.bits, twin_bits(&twin));
            assert_int_equal(window.duplicates, twin.duplicates);
            assert_int_equal(window.lost, twin.lost);
            assert_int_equal(window.out_of_range, twin.out_of_range);
        }
    }
}

/* Nothing is accepted twice, whatever the jumps; and 47 older counters stay acceptable. */
static void never_twice(void **state)
{
    static const uint32_t jumps[] = {0,   1,          47,         48,         63,        64,
                                     111, 0x7fffffff, 0x80000000, 0xefffffff, 0xfffffff0};

    (void)state;
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        struct cjd_replay r = {.base = 5};
        assert_true(cjd_replay_accept(&r, 5));
        bool is_new = cjd_replay_accept(&r, 5 + jumps[i]);
        assert_int_equal(is_new, jumps[i] != 0 && 5 + (uint64_t)jumps[i] <= UINT32_MAX);
        assert_false(cjd_replay_accept(&r, 5 + jumps[i]));
        assert_false(cjd_replay_accept(&r, 5));
        if (is_new && jumps[i] > 47) {
            assert_true(cjd_replay_accept(&r, 5 + jumps[i] - 47));
        }
    }
}

static void full_window_moves_by_halves(void **state)
{
    struct cjd_replay r = {.base = 5};

    (void)state;
    for (uint32_t n = 5; n < 5 + 64; n++) {
        assert_true(cjd_replay_accept(&r, n));
    }
    assert_int_equal(r.bits, UINT64_MAX);
    /* Both halves full: slides by 32 twice, then jumps. */
    assert_true(cjd_replay_accept(&r, 5 + 64 + 200));
    assert_int_equal(r.base, 5 + 64 + 200 - 47);
    assert_int_equal(r.bits, UINT64_C(1) << 47);
    assert_int_equal(r.lost, 200 - 47);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_twin),
        cmocka_unit_test(never_twice),
        cmocka_unit_test(full_window_moves_by_halves),
    };
    return cmocka_run_group_tests_name("crypto_replay", tests, NULL, NULL);
}
