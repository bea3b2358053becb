/* Cookies and hashes: the worked example of the notes, and what must fail. */
#include <testlib/testlib.h>

#include "admin.h"

#define NOW 1753286894u

static const char *const password = "labpass2";

/* The example of admin.json. */
static json_t *example;

static int load(void **state)
{
    json_t *all = test_vectors("admin.json");

    (void)state;
    example = json_incref(json_object_get(all, "auth_worked_example"));
    json_decref(all);
    return example ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    json_decref(example);
    return 0;
}

static bool is_good(const char *datagram, const char *secret, uint64_t now)
{
    struct admin_message m;

    assert_true(admin_message_read(&m, (const uint8_t *)datagram, strlen(datagram)));
    return admin_auth_is_good(&m, secret, strlen(secret), now);
}

static void worked_example(void **state)
{
    (void)state;
    assert_string_equal(password, test_str(example, "password"));
    assert_true(is_good(test_str(example, "datagram_sent"), password, NOW));
    assert_false(is_good(test_str(example, "datagram_with_inner_hash"), password, NOW));
    assert_false(is_good(test_str(example, "datagram_sent"), "labpass3", NOW));
    assert_false(is_good(test_str(example, "datagram_sent"), "labpass", NOW));
}

static void cookies_live_twenty_seconds(void **state)
{
    const char *sent = test_str(example, "datagram_sent");

    (void)state;
    assert_true(is_good(sent, password, NOW + 20));
    assert_false(is_good(sent, password, NOW + 21));
    assert_false(is_good(sent, password, NOW - 1));
    assert_false(is_good(sent, password, 0));
}

static void every_byte_counts(void **state)
{
    const char *sent = test_str(example, "datagram_sent");
    char copy[512];
    struct admin_message m;

    (void)state;
    size_t len = strlen(sent);
    for (size_t i = 0; i < len; i++) {
        snprintf(copy, sizeof copy, "%s", sent);
        copy[i] = (char)(copy[i] ^ 1);
        if (admin_message_read(&m, (const uint8_t *)copy, len)) {
            assert_false(admin_auth_is_good(&m, password, strlen(password), NOW));
        }
    }
}

static void missing_and_malformed(void **state)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static const char *const cookies[] = {"6:cookie0:",
                                          "6:cookie4:junk",
                                          "6:cookie2:-5",
                                          "6:cookie1:0",
                                          "6:cookie20:99999999999999999999",
                                          "6:cookiele",
                                          "6:cookiei-1e",
                                          "6:cookie40:0000000000000000000000000000001753286894"};
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof cookies / sizeof cookies[0]; i++) {
        snprintf(text, sizeof text, "d%s4:hash64:%s1:q4:authe", cookies[i], zeros);
        assert_false(is_good(text, password, NOW));
    }
    snprintf(text, sizeof text, "d6:cookie10:17532868944:hash63:%.63s1:q4:authe", zeros);
    assert_false(is_good(text, password, NOW));
    assert_false(is_good("d6:cookie10:17532868944:hash0:1:q4:authe", password, NOW));
    assert_false(is_good("d6:cookie10:17532868941:q4:authe", password, NOW));
    snprintf(text, sizeof text, "d4:hash64:%s1:q4:authe", zeros);
    assert_false(is_good(text, password, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_example),
        cmocka_unit_test(cookies_live_twenty_seconds),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(missing_and_malformed),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
