/* --genconf-seed: the values of admin.json, bit for bit (configuration notes §11). */
#include "helper.h"

#include <crypto/seed.h>

static uint8_t seed[64];

static int generate(FILE *out, void *arg)
{
    return cjd_config_generate_seed(out, seed, *(const bool *)arg);
}

static void values_of_the_seed(void **state)
{
    json_t *file = test_vectors("admin.json");
    const json_t *want = json_object_get(file, "genconf_seed");
    const json_t *passwords = json_object_get(want, "passwords");
    bool with_eth = false;
    char part[128];
    int err;

    (void)state;
    assert_int_equal(test_hex_member(seed, sizeof seed, want, "seed_hex"), 64);
    char *text = printed(generate, &with_eth, &err);
    assert_int_equal(err, 0);
    assert_int_equal(json_array_size(passwords), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(strstr(text, json_string_value(json_array_get(passwords, i))));
    }
    struct reading r = read_text(text);
    assert_read(&r);
    assert_text_at(&r, "/node/privateKey", test_str(want, "privateKey"));
    assert_text_at(&r, "/node/publicKey", test_str(want, "publicKey"));
    assert_text_at(&r, "/node/ipv6", test_str(want, "ipv6"));
    assert_text_at(&r, "/peering/passwords/0/password",
                   json_string_value(json_array_get(passwords, 0)));
    assert_text_at(&r, "/peering/passwords/0/login", "default-login");
    snprintf(part, sizeof part, "0.0.0.0:%d", (int)test_int(want, "udp_port"));
    assert_text_at(&r, "/plugins/0/config/bind", part);
    snprintf(part, sizeof part, "[::]:%d", (int)test_int(want, "udp_port"));
    assert_text_at(&r, "/plugins/1/config/bind", part);
    /* As the reference writes it: groups, not shortened. */
    snprintf(part, sizeof part, "\"ipv6\": \"%s\"", test_str(want, "ipv6"));
    assert_non_null(strstr(text, part));
    reading_fini(&r);
    free(text);
    json_decref(file);
}

/* The stream does not depend on how it is asked for. */
static void stream_is_one(void **state)
{
    struct cjd_seed_rng one;
    struct cjd_seed_rng many;
    uint8_t a[1000];
    uint8_t b[1000];
    uint8_t zeros[sizeof one] = {0};

    (void)state;
    memset(seed, 7, sizeof seed);
    cjd_seed_rng_init(&one, seed);
    cjd_seed_rng_init(&many, seed);
    struct cjd_rng rng = cjd_seed_rng(&one);
    cjd_rng_fill(&rng, a, sizeof a);
    rng = cjd_seed_rng(&many);
    for (size_t at = 0, n = 1; at < sizeof b; at += n, n = n % 37 + 1) {
        n = n < sizeof b - at ? n : sizeof b - at;
        cjd_rng_fill(&rng, b + at, n);
    }
    assert_memory_equal(a, b, sizeof a);
    /* Another seed, another stream. */
    seed[63] ^= 1;
    cjd_seed_rng_init(&many, seed);
    rng = cjd_seed_rng(&many);
    cjd_rng_fill(&rng, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    cjd_seed_rng_fini(&one);
    assert_memory_equal(&one, zeros, sizeof one);
    cjd_seed_rng_fini(&many);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_the_seed),
        cmocka_unit_test(stream_is_one),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
