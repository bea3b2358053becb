/* Known answers: keys, keys_invalid_address, base32 (CryptoAuth notes §2). */
#include <testlib/testlib.h>

#include <cjd/text.h>
#include <crypto/keys.h>

/* §14 names the number of cases; a file that has lost some must not pass. */
static size_t check_count(const json_t *array, size_t at_least)
{
    assert_true(json_is_array(array));
    assert_true(json_array_size(array) >= at_least);
    return json_array_size(array);
}

static void check_texts(const json_t *c, const struct cjd_keypair *pair)
{
    char text[CJD_KEY_TEXT_SIZE];
    struct cjd_key key;
    struct cjd_addr addr;

    cjd_key_to_text(text, &pair->key);
    assert_string_equal(text, test_str(c, "base32"));
    assert_int_equal(cjd_key_from_text(&key, text), 0);
    assert_memory_equal(&key, &pair->key, sizeof key);
    assert_int_equal(cjd_addr_from_text(&addr, test_str(c, "ipv6_text")), 0);
    assert_memory_equal(&addr, &pair->addr, sizeof addr);
}

static void check_key(const json_t *c, bool is_valid)
{
    uint8_t secret[32];
    struct cjd_keypair pair;
    struct cjd_addr addr;

    assert_int_equal(test_hex_member(secret, sizeof secret, c, "private"), 32);
    assert_int_equal(cjd_keypair_from_secret(&pair, secret), is_valid ? 0 : CJD_ERR_BAD_KEY);
    assert_memory_equal(pair.secret, secret, 32);
    test_assert_hex(pair.key.b, 32, test_str(c, "public"), "public key");
    test_assert_hex(pair.addr.b, 16, test_str(c, "ipv6"), "address");
    assert_int_equal(cjd_addr_of_key_is_valid(&addr, &pair.key), is_valid);
    assert_memory_equal(&addr, &pair.addr, sizeof addr);
    assert_int_equal(json_is_true(json_object_get(c, "valid")), is_valid);
    check_texts(c, &pair);
    cjd_keypair_fini(&pair);
}

static void check_keys(const char *name, size_t at_least, bool is_valid)
{
    json_t *root = test_vectors("cryptoauth.json");
    const json_t *cases = json_object_get(root, name);
    size_t count = check_count(cases, at_least);
    size_t i;
    const json_t *c;

    assert_int_equal(cjd_crypto_init(), 0);
    json_array_foreach(cases, i, c)
    {
        check_key(c, is_valid);
    }
    assert_int_equal(i, count);
    json_decref(root);
}

static void keys(void **state)
{
    (void)state;
    check_keys("keys", 10, true);
}

static void keys_invalid_address(void **state)
{
    (void)state;
    check_keys("keys_invalid_address", 3, false);
}

static void check_encode(const json_t *c)
{
    uint8_t bytes[64];
    uint8_t back[64];
    char text[128];
    const char *want = test_str(c, "text");
    size_t len = test_hex_member(bytes, sizeof bytes, c, "bytes");

    assert_int_equal(cjd_base32_encode(text, sizeof text, bytes, len), strlen(want));
    assert_string_equal(text, want);
    assert_int_equal(cjd_base32_decode(back, sizeof back, want, strlen(want)), len);
    assert_memory_equal(back, bytes, len);
}

static void check_decode(const json_t *c, bool is_accepted)
{
    uint8_t bytes[64];
    uint8_t want[64];
    const char *text = test_str(c, "text");
    int n = cjd_base32_decode(bytes, sizeof bytes, text, strlen(text));

    if (!is_accepted) {
        assert_int_equal(n, CJD_ERR_PARSE);
        return;
    }
    assert_int_equal(n, test_hex_member(want, sizeof want, c, "bytes"));
    assert_memory_equal(bytes, want, (size_t)n);
}

static void base32(void **state)
{
    json_t *root = test_vectors("cryptoauth.json");
    const json_t *section = json_object_get(root, "base32");
    const json_t *encode = json_object_get(section, "encode");
    const json_t *accept = json_object_get(section, "decode_accept");
    const json_t *reject = json_object_get(section, "decode_reject");
    size_t count = check_count(encode, 11) + check_count(accept, 1) + check_count(reject, 8);
    size_t ran = 0;
    size_t i;
    const json_t *c;

    (void)state;
    json_array_foreach(encode, i, c)
    {
        check_encode(c);
        ran++;
    }
    json_array_foreach(accept, i, c)
    {
        check_decode(c, true);
        ran++;
    }
    json_array_foreach(reject, i, c)
    {
        check_decode(c, false);
        ran++;
    }
    assert_int_equal(ran, count);
    json_decref(root);
}

/* The alphabet of the file, one value at a time. */
static void base32_alphabet(void **state)
{
    json_t *root = test_vectors("cryptoauth.json");
    const char *alphabet = test_str(json_object_get(root, "base32"), "alphabet");

    (void)state;
    assert_int_equal(strlen(alphabet), 32);
    for (uint8_t value = 0; value < 32; value++) {
        char text[8];
        assert_int_equal(cjd_base32_encode(text, sizeof text, &value, 1), 2);
        assert_int_equal(text[0], alphabet[value]);
        assert_int_equal(text[1], '0');
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(keys_invalid_address),
        cmocka_unit_test(base32),
        cmocka_unit_test(base32_alphabet),
    };
    return cmocka_run_group_tests_name("vector_crypto_keys", tests, NULL, NULL);
}
