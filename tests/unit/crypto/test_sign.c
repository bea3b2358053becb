/* Signatures are ordinary Ed25519, by a key from which the node's own follows. */
#include <testlib/testlib.h>

#include <sodium.h>

#include <crypto/sign.h>

static int init(void **state)
{
    (void)state;
    return cjd_crypto_init();
}

static void signatures_are_good(void **state)
{
    struct cjd_rng rng = cjd_rng_system();
    struct cjd_signature s;
    struct cjd_keypair pair;
    uint8_t node_key[32];

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        uint8_t message[64];
        cjd_keypair_generate(&pair, &rng);
        cjd_rng_fill(&rng, message, sizeof message);
        assert_int_equal(0, cjd_sign(&s, &pair, &rng, message, i));
        assert_int_equal(0, crypto_sign_verify_detached(s.bytes, message, i, s.key));
        assert_int_equal(0, crypto_sign_ed25519_pk_to_curve25519(node_key, s.key));
        assert_memory_equal(pair.key.b, node_key, sizeof node_key);
        s.bytes[i] ^= 1;
        assert_int_not_equal(0, crypto_sign_verify_detached(s.bytes, message, i, s.key));
    }
}

/* Also with a source that always says the same, no two messages share a nonce. */
static void nonces_depend_on_the_message(void **state)
{
    struct test_script script = {.bytes = (const uint8_t *)"0123456789abcdef0123456789abcdef"
                                                           "0123456789abcdef0123456789abcdef",
                                 .len = 64};
    struct cjd_rng fixed = test_script_rng(&script);
    struct cjd_rng rng = cjd_rng_system();
    struct cjd_signature a;
    struct cjd_signature b;
    struct cjd_keypair pair;

    (void)state;
    cjd_keypair_generate(&pair, &rng);
    assert_int_equal(0, cjd_sign(&a, &pair, &fixed, "one", 3));
    assert_int_equal(0, cjd_sign(&b, &pair, &fixed, "two", 3));
    assert_memory_not_equal(a.bytes, b.bytes, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_good),
        cmocka_unit_test(nonces_depend_on_the_message),
    };
    return cmocka_run_group_tests(tests, init, NULL);
}
