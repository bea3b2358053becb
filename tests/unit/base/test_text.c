/* Text forms of labels, keys, addresses and hex; error texts. Known answers: base 32 and keys. */
#include <testlib/testlib.h>

#include <errno.h>

#include <cjd/err.h>
#include <cjd/text.h>

#define ROUNDS 3000u

static struct test_rng rng_state;
static struct cjd_rng rng;

static void hex(void **state)
{
    (void)state;
    uint8_t bytes[4] = {0};
    char text[9];

    assert_int_equal(cjd_hex_decode(bytes, 4, "00ffA9b7", 8), 4);
    cjd_hex_encode(text, bytes, 4);
    assert_string_equal(text, "00ffa9b7");
    assert_int_equal(cjd_hex_decode(bytes, 4, "", 0), 0);
    cjd_hex_encode(text, bytes, 0);
    assert_string_equal(text, "");
    assert_int_equal(cjd_hex_decode(bytes, 4, "00f", 3), CJD_ERR_PARSE);
    assert_int_equal(cjd_hex_decode(bytes, 4, "0g", 2), CJD_ERR_PARSE);
    assert_int_equal(cjd_hex_decode(bytes, 4, "g0", 2), CJD_ERR_PARSE);
    assert_int_equal(cjd_hex_decode(bytes, 4, " 0", 2), CJD_ERR_PARSE);
    assert_int_equal(cjd_hex_decode(bytes, 4, "-1", 2), CJD_ERR_PARSE);
    assert_int_equal(cjd_hex_decode(bytes, 4, "0x", 2), CJD_ERR_PARSE);
    assert_int_equal(cjd_hex_decode(bytes, 4, "\0\0", 2), CJD_ERR_PARSE);
    assert_int_equal(cjd_hex_decode(bytes, 4, "\xff\xff", 2), CJD_ERR_PARSE);
    assert_int_equal(cjd_hex_decode(bytes, 4, "0011223344", 10), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_hex_decode(bytes, 0, "00", 2), CJD_ERR_TOO_LONG);
}

static void hex_at_random(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t in[64];
        uint8_t out[64];
        char text[129];
        size_t len = cjd_rng_below(&rng, sizeof in + 1);

        cjd_rng_fill(&rng, in, len);
        cjd_hex_encode(text, in, len);
        assert_int_equal(strlen(text), 2 * len);
        assert_int_equal(cjd_hex_decode(out, sizeof out, text, 2 * len), len);
        assert_memory_equal(in, out, len);
    }
}

static void labels(void **state)
{
    (void)state;
    const char *const bad[] = {"",
                               "0000.0000.0000.001",
                               "0000.0000.0000.00133",
                               "0000.0000.0000.001g",
                               "0000.0000.0000:0013",
                               "0000.0000.00000.013",
                               "00000.000.0000.0013",
                               "0000000000000000013",
                               ".000.0000.0000.0013",
                               "0000.0000.0000.-013",
                               " 000.0000.0000.0013",
                               "0000.0000.0000.0013 ",
                               "0000.0000.0000.0013.0000"};
    char text[CJD_LABEL_TEXT_SIZE];
    uint64_t label = 42;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(cjd_label_from_text(&label, bad[i]), CJD_ERR_PARSE);
        assert_int_equal(label, 42);
    }
    assert_int_equal(cjd_label_from_text(&label, "fEdC.bA98.7654.3210"), 0);
    assert_int_equal(label, 0xfedcba9876543210);
    cjd_label_to_text(text, label);
    assert_string_equal(text, "fedc.ba98.7654.3210");
    cjd_label_to_text(text, 0);
    assert_string_equal(text, "0000.0000.0000.0000");
    cjd_label_to_text(text, UINT64_MAX);
    assert_string_equal(text, "ffff.ffff.ffff.ffff");
}

/* Not one byte beyond the NUL is looked at. */
static void label_of_short_memory(void **state)
{
    (void)state;
    for (size_t len = 0; len < 19; len++) {
        char *text = malloc(len + 1);
        uint64_t label;

        assert_non_null(text);
        memcpy(text, "0000.0000.0000.0013", len);
        text[len] = '\0';
        assert_int_equal(cjd_label_from_text(&label, text), CJD_ERR_PARSE);
        free(text);
    }
}

static void labels_at_random(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t label = cjd_rng_u64(&rng) >> cjd_rng_below(&rng, 64);
        uint64_t back;
        char text[CJD_LABEL_TEXT_SIZE];
        char plain[17];

        cjd_label_to_text(text, label);
        assert_int_equal(cjd_label_from_text(&back, text), 0);
        assert_int_equal(back, label);
        snprintf(plain, sizeof plain, "%016llx", (unsigned long long)label);
        for (unsigned k = 0; k < 4; k++) {
            assert_memory_equal(text + 5 * k, plain + 4 * k, 4);
        }
    }
}

/* Bit by bit, as the CryptoAuth notes define it. */
static void model_base32(char *out, const uint8_t *in, size_t len)
{
    const char *alphabet = "0123456789bcdfghjklmnpqrstuvwxyz";
    size_t chars = (len * 8 + 4) / 5;

    for (size_t c = 0; c < chars; c++) {
        unsigned value = 0;
        for (size_t bit = 5 * c; bit < 5 * c + 5 && bit < 8 * len; bit++) {
            value |= ((unsigned)in[bit / 8] >> bit % 8 & 1u) << (bit - 5 * c);
        }
        out[c] = alphabet[value];
    }
    out[chars] = '\0';
}

static void base32_at_random(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t in[40];
        uint8_t out[40];
        char text[65];
        char want[65];
        size_t len = cjd_rng_below(&rng, sizeof in + 1);

        cjd_rng_fill(&rng, in, sizeof in);
        model_base32(want, in, len);
        int n = cjd_base32_encode(text, sizeof text, in, len);
        assert_int_equal(n, strlen(want));
        assert_string_equal(text, want);
        assert_int_equal(cjd_base32_decode(out, sizeof out, text, (size_t)n), len);
        assert_memory_equal(in, out, len);
    }
}

static void base32_room(void **state)
{
    (void)state;
    uint8_t in[5] = {1, 2, 3, 4, 5};
    char text[9];

    assert_int_equal(cjd_base32_encode(text, 9, in, 5), 8);
    assert_int_equal(cjd_base32_encode(text, 8, in, 5), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_base32_encode(text, 0, in, 0), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_base32_encode(text, 1, in, 0), 0);
    assert_string_equal(text, "");
    assert_int_equal(cjd_base32_encode(text, sizeof text, in, SIZE_MAX), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_base32_decode(in, 4, "0804j1j0", 8), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_base32_decode(in, 5, "0804j1j0", 8), 5);
    assert_int_equal(cjd_base32_decode(in, 0, "", 0), 0);
    assert_int_equal(cjd_base32_decode(in, 5, "00\0", 3), CJD_ERR_PARSE);
    assert_int_equal(cjd_base32_decode(in, 5, "\x80\xff", 2), CJD_ERR_PARSE);
}

/* Known answers of the CryptoAuth vectors. */
static void base32_known(void **state)
{
    (void)state;
    json_t *root = test_vectors("cryptoauth.json");
    const json_t *section = json_object_get(root, "base32");
    uint8_t bytes[64];
    uint8_t want[64];
    char text[128];
    size_t i;
    json_t *e;

    const json_t *list = json_object_get(section, "encode");
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, e)
    {
        size_t len = test_hex_member(want, sizeof want, e, "bytes");
        assert_true(cjd_base32_encode(text, sizeof text, want, len) >= 0);
        assert_string_equal(text, test_str(e, "text"));
    }
    list = json_object_get(section, "decode_accept");
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, e)
    {
        const char *in = test_str(e, "text");
        size_t len = test_hex_member(want, sizeof want, e, "bytes");
        assert_int_equal(cjd_base32_decode(bytes, sizeof bytes, in, strlen(in)), len);
        assert_memory_equal(bytes, want, len);
    }
    list = json_object_get(section, "decode_reject");
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, e)
    {
        const char *in = test_str(e, "text");
        assert_int_equal(cjd_base32_decode(bytes, sizeof bytes, in, strlen(in)), CJD_ERR_PARSE);
    }
    json_decref(root);
}

static void keys_known(void **state)
{
    (void)state;
    json_t *root = test_vectors("cryptoauth.json");
    const json_t *section = json_object_get(root, "keys");
    size_t i;
    json_t *e;

    assert_true(json_array_size(section) > 0);
    json_array_foreach(section, i, e)
    {
        struct cjd_key key;
        struct cjd_addr addr;
        uint8_t want[32];
        char text[CJD_KEY_TEXT_SIZE];

        assert_int_equal(cjd_key_from_text(&key, test_str(e, "base32")), 0);
        assert_int_equal(test_hex_member(want, sizeof want, e, "public"), 32);
        assert_memory_equal(key.b, want, 32);
        cjd_key_to_text(text, &key);
        assert_string_equal(text, test_str(e, "base32"));
        assert_int_equal(cjd_addr_from_text(&addr, test_str(e, "ipv6_text")), 0);
        test_assert_hex(addr.b, sizeof addr.b, test_str(e, "ipv6"), "address");
    }
    json_decref(root);
}

static void bad_keys(void **state)
{
    (void)state;
    const char *good = "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0.k";
    const char *const bad[] = {"",
                               ".k",
                               "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0",
                               "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0.",
                               "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0.K",
                               "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0.kk",
                               "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g00.k",
                               "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1gz.k",
                               "a13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0.k",
                               "w13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g.k",
                               " 13y1st0635xr4khvgu4u5l5q81y4bncs9hwnusycs588wssn1g0.k"};
    struct cjd_key key;
    struct cjd_key untouched;

    assert_int_equal(cjd_key_from_text(&untouched, good), 0);
    key = untouched;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(cjd_key_from_text(&key, bad[i]), CJD_ERR_PARSE);
        assert_memory_equal(&key, &untouched, sizeof key);
    }
    for (size_t len = 0; len < strlen(good); len++) {
        char *text = malloc(len + 1);
        assert_non_null(text);
        memcpy(text, good, len);
        text[len] = '\0';
        assert_int_equal(cjd_key_from_text(&key, text), CJD_ERR_PARSE);
        free(text);
    }
}

static void keys_at_random(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct cjd_key key;
        struct cjd_key back;
        char text[CJD_KEY_TEXT_SIZE];

        cjd_rng_fill(&rng, key.b, sizeof key.b);
        cjd_key_to_text(text, &key);
        assert_int_equal(strlen(text), CJD_KEY_TEXT_SIZE - 1);
        assert_int_equal(cjd_key_from_text(&back, text), 0);
        assert_memory_equal(&key, &back, sizeof key);
    }
}

static void addresses(void **state)
{
    (void)state;
    const struct {
        const char *in;
        const char *brief;
        const char *full;
    } table[] = {
        {"fc00:0:0:0:0:0:0:1", "fc00::1", "fc00:0:0:0:0:0:0:1"},
        {"FC01:0203::4", "fc01:203::4", "fc01:203:0:0:0:0:0:4"},
        {"fc00:0:1:0:0:1:0:0", "fc00:0:1::1:0:0", "fc00:0:1:0:0:1:0:0"},
        {"fc00:1:2:3:4:5:0:7", "fc00:1:2:3:4:5:0:7", "fc00:1:2:3:4:5:0:7"},
        {"fc00:1:2:3:4:5:6::", "fc00:1:2:3:4:5:6:0", "fc00:1:2:3:4:5:6:0"},
        {"::", "::", "0:0:0:0:0:0:0:0"},
        {"fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    const char *const bad[] = {"",
                               ":",
                               "fc00",
                               "fc00:::1",
                               "fc00::1::2",
                               "fc00::g",
                               "1.2.3.4",
                               "fc00::1%eth0",
                               "fc00::1/8",
                               "[fc00::1]",
                               " fc00::1",
                               "fc00::12345",
                               "1:2:3:4:5:6:7:8:9"};
    char text[CJD_ADDR_TEXT_SIZE];
    struct cjd_addr addr;
    struct cjd_addr before;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(cjd_addr_from_text(&addr, table[i].in), 0);
        cjd_addr_to_text(text, &addr);
        assert_string_equal(text, table[i].brief);
        cjd_addr_to_text_long(text, &addr);
        assert_string_equal(text, table[i].full);
    }
    before = addr;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(cjd_addr_from_text(&addr, bad[i]), CJD_ERR_PARSE);
        assert_memory_equal(&addr, &before, sizeof addr);
    }
}

static void addresses_at_random(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct cjd_addr addr;
        struct cjd_addr back;
        char text[CJD_ADDR_TEXT_SIZE];

        cjd_rng_fill(&rng, addr.b, sizeof addr.b);
        uint32_t holes = cjd_rng_u32(&rng) & cjd_rng_u32(&rng);
        for (unsigned k = 0; k < 16; k++) {
            addr.b[k] = holes >> k & 1 ? 0 : addr.b[k];
        }
        cjd_addr_to_text(text, &addr);
        assert_int_equal(cjd_addr_from_text(&back, text), 0);
        assert_memory_equal(&addr, &back, sizeof addr);
        cjd_addr_to_text_long(text, &addr);
        assert_null(strstr(text, "::"));
        assert_int_equal(cjd_addr_from_text(&back, text), 0);
        assert_memory_equal(&addr, &back, sizeof addr);
    }
}

static void error_texts(void **state)
{
    (void)state;
    const int codes[] = {
#define CODE(name, number, text) number,
        CJD_ERR_LIST(CODE)
#undef CODE
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        /* Numbers are fixed: 0, −1, −2 … without a gap. */
        assert_int_equal(codes[i], -(int)i);
        assert_string_not_equal(cjd_err_text(codes[i]), "unknown error");
    }
    assert_string_equal(cjd_err_text(1), "unknown error");
    assert_string_equal(cjd_err_text(-1000), "unknown error");
    assert_int_equal(CJD_ERR_NO_ROUTE, -22);
}

static void errors_of_the_system(void **state)
{
    (void)state;
    const struct {
        int errno_value;
        int want;
    } table[] = {
        {0, CJD_ERR_OK},
        {EINVAL, CJD_ERR_INVALID},
        {ENOMEM, CJD_ERR_NO_MEMORY},
        {ENOENT, CJD_ERR_NOT_FOUND},
        {EACCES, CJD_ERR_PERMISSION},
        {EADDRINUSE, CJD_ERR_BUSY},
        {EWOULDBLOCK, CJD_ERR_AGAIN},
        {EAGAIN, CJD_ERR_AGAIN},
        {EMSGSIZE, CJD_ERR_TOO_LONG},
        {ENODEV, CJD_ERR_NO_DEVICE},
        {EAFNOSUPPORT, CJD_ERR_UNSUPPORTED},
        {EHOSTUNREACH, CJD_ERR_NO_ROUTE},
        {ETIMEDOUT, CJD_ERR_TIMEOUT},
        {EIO, CJD_ERR_IO},
        {EPIPE, CJD_ERR_IO},
        {-1, CJD_ERR_IO},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(cjd_err_from_errno(table[i].errno_value), table[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex),
        cmocka_unit_test(hex_at_random),
        cmocka_unit_test(labels),
        cmocka_unit_test(label_of_short_memory),
        cmocka_unit_test(labels_at_random),
        cmocka_unit_test(base32_at_random),
        cmocka_unit_test(base32_room),
        cmocka_unit_test(base32_known),
        cmocka_unit_test(keys_known),
        cmocka_unit_test(bad_keys),
        cmocka_unit_test(keys_at_random),
        cmocka_unit_test(addresses),
        cmocka_unit_test(addresses_at_random),
        cmocka_unit_test(error_texts),
        cmocka_unit_test(errors_of_the_system),
    };
    rng = test_rng_init(&rng_state, 0x7e47);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
