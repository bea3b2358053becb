/* Key generation and base 32 at its edges (CryptoAuth notes §2). */
#include <testlib/testlib.h>

#include <cjd/text.h>
#include <crypto/keys.h>

static void generated_keys_are_valid(void **state)
{
    struct test_rng seed;
    struct cjd_rng rng = test_rng_init(&seed, 7);
    struct cjd_keypair pair[2];
    struct cjd_keypair again;

    (void)state;
    assert_int_equal(cjd_crypto_init(), 0);
    for (int i = 0; i < 2; i++) {
        cjd_keypair_generate(&pair[i], &rng);
        assert_true(cjd_addr_is_valid(&pair[i].addr));
        assert_int_equal(cjd_keypair_from_secret(&again, pair[i].secret), 0);
        assert_memory_equal(&again, &pair[i], sizeof again);
    }
    assert_memory_not_equal(&pair[0].key, &pair[1].key, 32);
    cjd_keypair_fini(&again);
    for (unsigned i = 0; i < 32; i++) {
        assert_int_equal(again.secret[i], 0);
    }
}

static void system_randomness_varies(void **state)
{
    struct cjd_rng rng = cjd_rng_system();
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};

    (void)state;
    cjd_rng_fill(&rng, a, sizeof a);
    cjd_rng_fill(&rng, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void base32_room(void **state)
{
    uint8_t bytes[32] = {0xff};
    char text[53];

    (void)state;
    assert_int_equal(cjd_base32_encode(text, 53, bytes, 32), 52);
    assert_int_equal(cjd_base32_encode(text, 52, bytes, 32), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_base32_encode(text, 0, bytes, 0), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_base32_decode(bytes, 32, text, 52), 32);
    assert_int_equal(cjd_base32_decode(bytes, 31, text, 52), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_base32_decode(bytes, 32, "0\0", 2), CJD_ERR_PARSE);
}

static void base32_round_trips(void **state)
{
    struct test_rng seed;
    struct cjd_rng rng = test_rng_init(&seed, 3);

    (void)state;
    for (size_t len = 0; len <= 70; len++) {
        uint8_t bytes[70];
        uint8_t back[70];
        char text[128];
        cjd_rng_fill(&rng, bytes, sizeof bytes);
        int n = cjd_base32_encode(text, sizeof text, bytes, len);
        assert_int_equal(n, (len * 8 + 4) / 5);
        for (int i = 0; i < n; i += 2) {
            text[i] = (char)(text[i] >= 'a' ? text[i] - 'a' + 'A' : text[i]);
        }
        assert_int_equal(cjd_base32_decode(back, sizeof back, text, (size_t)n), len);
        assert_memory_equal(back, bytes, len);
    }
}

static void key_text_is_exact(void **state)
{
    static const char good[] = "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0.k";
    static const char *const bad[] = {
        "",
        "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0",
        "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0.",
        "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0.K",
        "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0.kk",
        "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g2.k",
        "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1ga.k",
        "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g.kk",
    };
    struct cjd_key key;
    struct cjd_key untouched = {{1}};

    (void)state;
    assert_int_equal(cjd_key_from_text(&key, good), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        key = untouched;
        assert_int_equal(cjd_key_from_text(&key, bad[i]), CJD_ERR_PARSE);
        assert_memory_equal(&key, &untouched, sizeof key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_keys_are_valid),
        cmocka_unit_test(system_randomness_varies),
        cmocka_unit_test(base32_room),
        cmocka_unit_test(base32_round_trips),
        cmocka_unit_test(key_text_is_exact),
    };
    return cmocka_run_group_tests_name("crypto_keys", tests, NULL, NULL);
}
