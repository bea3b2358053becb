/* Known answers about addresses, distances and labels; and what a router makes of them. */
#include <testlib/testlib.h>

#include <sodium.h>

#include <cjd/text.h>
#include <dht/id.h>
#include <switch/label.h>
#include <switch/scheme.h>

static json_t *vectors;

static int load(void **state)
{
    (void)state;
    vectors = test_vectors("router.json");
    return sodium_init() < 0;
}

static int unload(void **state)
{
    (void)state;
    json_decref(vectors);
    return 0;
}

static struct cjd_addr addr_member(const json_t *entry, const char *name)
{
    struct cjd_addr addr;

    assert_int_equal(cjd_addr_from_text(&addr, test_str(entry, name)), 0);
    return addr;
}

static void test_key_to_address(void **state)
{
    const json_t *list = json_object_get(vectors, "key_to_address");
    size_t i;
    const json_t *entry;

    (void)state;
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, entry)
    {
        struct cjd_addr expected = addr_member(entry, "ipv6");
        uint8_t key[32];
        uint8_t once[crypto_hash_sha512_BYTES];
        uint8_t twice[crypto_hash_sha512_BYTES];
        assert_int_equal(test_hex_member(key, sizeof key, entry, "public_key"), sizeof key);
        crypto_hash_sha512(once, key, sizeof key);
        crypto_hash_sha512(twice, once, sizeof once);
        assert_memory_equal(twice, &expected, sizeof expected);
    }
}

static void assert_id(struct cjd_id id, const char *hex)
{
    uint8_t bytes[16];

    cjd_store64(bytes, id.hi);
    cjd_store64(bytes + 8, id.lo);
    test_assert_hex(bytes, sizeof bytes, hex, "distance");
}

static void test_distance_pairs(void **state)
{
    const json_t *list = json_object_get(vectors, "distance_pairs");
    size_t i;
    const json_t *entry;

    (void)state;
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, entry)
    {
        struct cjd_addr target = addr_member(entry, "target");
        struct cjd_addr addr_x = addr_member(entry, "x");
        struct cjd_addr addr_y = addr_member(entry, "y");
        struct cjd_id t = cjd_id_of(&target);
        struct cjd_id x = cjd_id_of(&addr_x);
        struct cjd_id y = cjd_id_of(&addr_y);
        bool is_x = strcmp(test_str(entry, "closer"), "x") == 0;
        assert_id(cjd_id_xor(x, t), test_str(entry, "distance_x"));
        assert_id(cjd_id_xor(y, t), test_str(entry, "distance_y"));
        assert_int_equal(cjd_id_is_closer(t, x, y), is_x);
        assert_int_equal(cjd_id_is_closer(t, y, x), !is_x);
        struct cjd_addr back = cjd_id_to_addr(x);
        assert_memory_equal(&back, &addr_x, sizeof back);
    }
}

static void test_id_bits(void **state)
{
    struct cjd_id zero = {0};

    (void)state;
    assert_int_equal(cjd_id_common(zero, zero), CJD_ID_BITS);
    for (unsigned bit = 0; bit < CJD_ID_BITS; bit++) {
        struct cjd_id id = cjd_id_flip(zero, bit);
        assert_int_equal(cjd_id_common(zero, id), bit);
        assert_true(cjd_id_bit(id, bit));
        assert_false(cjd_id_bit(zero, bit));
    }
}

static void test_label_widening(void **state)
{
    const json_t *list = json_object_get(vectors, "label_widening");
    size_t i;
    const json_t *entry;

    (void)state;
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, entry)
    {
        uint64_t label = test_label(test_str(entry, "label"));
        uint64_t asker = test_label(test_str(entry, "asker_label"));
        uint64_t sent = test_label(test_str(entry, "label_in_reply"));
        assert_int_equal(cjd_scheme_label_for(cjd_scheme_358(), label, asker), sent);
        /* The asker finds the identity of the link again. */
        assert_int_equal(cjd_scheme_convert(cjd_scheme_358(), sent, CJD_FORM_CANONICAL),
                         cjd_scheme_convert(cjd_scheme_358(), label, CJD_FORM_CANONICAL));
    }
}

static void test_splices(void **state)
{
    const json_t *list = json_object_get(vectors, "splices");
    size_t i;
    const json_t *entry;

    (void)state;
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, entry)
    {
        uint64_t path = test_label(test_str(entry, "path_asker_to_responder"));
        uint64_t label = test_label(test_str(entry, "label_in_reply"));
        uint64_t spliced = test_label(test_str(entry, "spliced_path"));
        assert_int_equal(cjd_label_splice(label, path), spliced);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_to_address), cmocka_unit_test(test_distance_pairs),
        cmocka_unit_test(test_id_bits),        cmocka_unit_test(test_label_widening),
        cmocka_unit_test(test_splices),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
