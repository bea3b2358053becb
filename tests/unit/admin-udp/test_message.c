/* Datagrams in, answers out: what is read, what is dropped, how values are written. */
#include <testlib/testlib.h>

#include "admin.h"

static bool reads(const char *text, struct admin_message *out)
{
    return admin_message_read(out, (const uint8_t *)text, strlen(text));
}

static void requests_are_read(void **state)
{
    struct admin_message m;

    (void)state;
    assert_true(reads("d1:q4:ping4:txid4:abcde", &m));
    assert_true(admin_text_is(&m.q, "ping"));
    assert_true(m.has_txid && m.txid.len == 4);
    assert_true(reads("d04:txid01:x1:q04:ping4:argsd4:pagei3eee", &m));
    assert_true(m.has_args && m.has_txid);
    /* The last of two counts. */
    assert_true(reads("d1:q4:ping1:q6:cookiee", &m));
    assert_true(admin_text_is(&m.q, "cookie"));
    /* Arguments of another type are none. */
    assert_true(reads("d4:argsi5e1:q4:pinge", &m));
    assert_false(m.has_args);
    assert_true(reads("d2:aqi1e4:hashle1:q4:auth4:txidi7ee", &m));
    assert_false(m.has_aq || m.has_hash || m.has_txid);
}

static void others_are_dropped(void **state)
{
    static const char *const bad[] = {
        "",         "x",           "d1:q4:pinge\n",  "d1:q4:ping", "le", "i5e",
        "4:ping",   "d4:txid1:xe", "d1:qi1ee",       "d1:qd1:qee", "de", "d1:q99:pinge",
        "d1:q-1:e", "d1:q1:e",     "di1e1:q1:q4:pe",
    };
    struct admin_message m;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(reads(bad[i], &m));
    }
}

static void renders(json_t *value, const char *wished)
{
    uint8_t out[256];
    int len = admin_render(out, sizeof out, value);

    json_decref(value);
    assert_int_equal(strlen(wished), len);
    assert_memory_equal(wished, out, (size_t)len);
}

static void answers_are_sorted_and_unpadded(void **state)
{
    (void)state;
    renders(json_pack("{s:s, s:s}", "txid", "ab", "q", "pong"), "d1:q4:pong4:txid2:abe");
    renders(json_pack("{s:i, s:i, s:i}", "b", 1, "a", -5, "B", 0), "d1:Bi0e1:ai-5e1:bi1ee");
    renders(json_pack("{s:b, s:b, s:n, s:f}", "yes", 1, "no", 0, "none", "ms", 4.9),
            "d2:msi4e2:noi0e3:yesi1ee");
    renders(json_pack("[s, [], {}, {s:[i]}]", "x", "k", 1), "l1:xleded1:kli1eeee");
}

static void bytes_survive(void **state)
{
    uint8_t out[64];
    json_t *value = json_pack("{s:o}", "txid", admin_bytes("\0\xff\x80", 3));
    int len = admin_render(out, sizeof out, value);

    (void)state;
    json_decref(value);
    assert_int_equal(13, len);
    assert_memory_equal("d4:txid3:\0\xff\x80"
                        "e",
                        out, 13);
}

static void too_much_is_an_error(void **state)
{
    uint8_t out[64];
    json_t *deep = json_object();
    json_t *wide =
        json_pack("{s:s}", "text", "0123456789012345678901234567890123456789012345678901");

    (void)state;
    for (int i = 0; i < 20; i++) {
        deep = json_pack("{s:o}", "d", deep);
    }
    assert_int_equal(CJD_ERR_TOO_LONG, admin_render(out, sizeof out, deep));
    assert_int_equal(CJD_ERR_TOO_LONG, admin_render(out, 20, wide));
    json_decref(deep);
    json_decref(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read),
        cmocka_unit_test(others_are_dropped),
        cmocka_unit_test(answers_are_sorted_and_unpadded),
        cmocka_unit_test(bytes_survive),
        cmocka_unit_test(too_much_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
