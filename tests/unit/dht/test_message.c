/* The codec: what is accepted, what is not, and in which order (router notes §2.1, §6). */
#include <testlib/testlib.h>

#include <dht/message.h>

#define ES   "2:es5:\x61\x14\x45\x81\x00"
#define TXID "4:txid4:00ab"

struct input {
    const char *what;
    const char *bytes;
    size_t len;
    enum cjd_message_verdict verdict;
};
#define IN(what, text, verdict)                                                                    \
    {                                                                                              \
        what, text, sizeof(text) - 1, verdict                                                      \
    }

static const struct input inputs[] = {
    IN("a ping", "d2:eii0e" ES "1:pi21e1:q2:pn" TXID "e", CJD_MESSAGE_OK),
    IN("padded", "d00000002:eii0e" ES "1:pi21e1:q2:pn" TXID "e", CJD_MESSAGE_OK),
    IN("any order of keys", "d" TXID "1:q2:pn1:pi21e" ES "2:eii2ee", CJD_MESSAGE_OK),
    IN("unknown keys", "d2:eii0e" ES "1:pi21e1:q2:pn" TXID "1:zli1eee", CJD_MESSAGE_OK),
    IN("bytes behind the end", "d2:eii0e" ES "1:pi21e1:q2:pn" TXID "ejunk", CJD_MESSAGE_OK),
    IN("no scheme: 3-5-8", "d2:eii2e1:pi21e1:q2:pn" TXID "e", CJD_MESSAGE_OK),
    IN("scheme is a number", "d2:eii2e2:esi1e1:pi21e1:q2:pn" TXID "e", CJD_MESSAGE_OK),
    IN("unknown query", "d2:eii0e" ES "1:pi21e1:q3:foo" TXID "e", CJD_MESSAGE_OK),
    IN("newer version", "d2:eii0e" ES "1:pi99e1:q2:pn" TXID "e", CJD_MESSAGE_OK),
    IN("txid of one byte", "d2:eii0e" ES "1:pi21e1:q2:pn4:txid1:xe", CJD_MESSAGE_OK),
    IN("a reply", "d2:eii0e" ES "1:pi21e" TXID "e", CJD_MESSAGE_OK),
    IN("query with sq too", "d2:eii0e" ES "1:pi21e1:q2:pn2:sq2:pn" TXID "e", CJD_MESSAGE_OK),
    IN("query that is a number", "d2:eii0e" ES "1:pi21e1:qi1e" TXID "e", CJD_MESSAGE_OK),

    IN("nothing", "", CJD_MESSAGE_MALFORMED),
    IN("no dictionary", "i1e", CJD_MESSAGE_MALFORMED),
    IN("a list", "l1:qe", CJD_MESSAGE_MALFORMED),
    IN("cut off", "d2:eii0e" ES "1:pi21e1:q2:pn4:txid4:00a", CJD_MESSAGE_MALFORMED),
    IN("no end", "d2:eii0e" ES "1:pi21e1:q2:pn" TXID, CJD_MESSAGE_MALFORMED),
    IN("length beyond the end", "d2:eii0e" ES "1:pi21e1:q2:pn4:txid99:00abe",
       CJD_MESSAGE_MALFORMED),
    IN("key is a number", "di1e2:eie", CJD_MESSAGE_MALFORMED),
    IN("no txid", "d2:eii0e" ES "1:pi21e1:q2:pne", CJD_MESSAGE_MALFORMED),
    IN("empty txid", "d2:eii0e" ES "1:pi21e1:q2:pn4:txid0:e", CJD_MESSAGE_MALFORMED),
    IN("txid is a number", "d2:eii0e" ES "1:pi21e1:q2:pn4:txidi5ee", CJD_MESSAGE_MALFORMED),
    IN("empty scheme", "d2:eii0e2:es0:1:pi21e1:q2:pn" TXID "e", CJD_MESSAGE_MALFORMED),
    IN("insane scheme",
       "d2:eii0e2:es5:\x61\x14\x45\x81\x04"
       "1:pi21e1:q2:pn" TXID "e",
       CJD_MESSAGE_MALFORMED),
    IN("no version", "d2:eii0e" ES "1:q2:pn" TXID "e", CJD_MESSAGE_MALFORMED),
    IN("version is a string", "d2:eii0e" ES "1:p2:211:q2:pn" TXID "e", CJD_MESSAGE_MALFORMED),
    IN("negative version", "d2:eii0e" ES "1:pi-1e1:q2:pn" TXID "e", CJD_MESSAGE_MALFORMED),
    IN("huge version", "d2:eii0e" ES "1:pi4294967296e1:q2:pn" TXID "e", CJD_MESSAGE_MALFORMED),
    IN("no ei", "d" ES "1:pi21e1:q2:pn" TXID "e", CJD_MESSAGE_MALFORMED),
    IN("ei out of range", "d2:eii3e" ES "1:pi21e1:q2:pn" TXID "e", CJD_MESSAGE_MALFORMED),
    IN("negative ei", "d2:eii-1e" ES "1:pi21e1:q2:pn" TXID "e", CJD_MESSAGE_MALFORMED),
    IN("ei is a string", "d2:ei1:0" ES "1:pi21e1:q2:pn" TXID "e", CJD_MESSAGE_MALFORMED),

    IN("version 19", "d2:eii0e" ES "1:pi19e1:q2:pn" TXID "e", CJD_MESSAGE_VERSION),
    /* §6 in order: the version counts before the form, the txid before the version. */
    IN("version 19 and bad ei", "d2:eii9e" ES "1:pi19e1:q2:pn" TXID "e", CJD_MESSAGE_VERSION),
    IN("version 19, empty txid", "d2:eii0e" ES "1:pi19e1:q2:pn4:txid0:e", CJD_MESSAGE_MALFORMED),

    IN("supernode query", "d2:eii0e" ES "1:pi21e2:sq2:pn4:txid4:01abe", CJD_MESSAGE_FOREIGN),
    IN("supernode query, our tag", "d2:eii0e" ES "1:pi21e2:sq2:gr" TXID "e", CJD_MESSAGE_FOREIGN),
    IN("reply with another tag", "d2:eii0e" ES "1:pi21e4:txid4:01abe", CJD_MESSAGE_FOREIGN),
    IN("reply with a short tag", "d2:eii0e" ES "1:pi21e4:txid1:0e", CJD_MESSAGE_FOREIGN),
    IN("foreign and malformed", "d1:pi1e4:txid4:01abe", CJD_MESSAGE_FOREIGN),
};

static void test_inputs(void **state)
{
    struct cjd_message m;

    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        const struct input *in = &inputs[i];
        /* Exactly as long as the input, for the sanitizer to watch. */
        uint8_t *bytes = malloc(in->len ? in->len : 1);
        assert_non_null(bytes);
        memcpy(bytes, in->bytes, in->len);
        enum cjd_message_verdict verdict = cjd_message_decode(&m, bytes, in->len);
        if (verdict != in->verdict) {
            fail_msg("%s: %d instead of %d", in->what, verdict, in->verdict);
        }
        free(bytes);
    }
}

static void test_cut_anywhere(void **state)
{
    static const char text[] = "d2:eii0e" ES "1:pi21e1:q2:pn" TXID "e";
    struct cjd_message m;

    (void)state;
    for (size_t len = 0; len + 1 < sizeof text - 1; len++) {
        uint8_t *bytes = malloc(len ? len : 1);
        assert_non_null(bytes);
        memcpy(bytes, text, len);
        assert_int_equal(cjd_message_decode(&m, bytes, len), CJD_MESSAGE_MALFORMED);
        free(bytes);
    }
}

/* --- node lists --------------------------------------------------------------------------------
 */

/* A reply whose `n` has `n_len` bytes 0, 1, 2 … and whose `np` is given. */
static uint32_t count_nodes(struct cjd_message *m, size_t n_len, const void *np, size_t np_len)
{
    static uint8_t bytes[2048];
    int at = snprintf((char *)bytes, sizeof bytes, "d2:eii0e1:n%zu:", n_len);

    for (size_t i = 0; i < n_len; i++) {
        bytes[at++] = (uint8_t)(i / 40);
    }
    if (np) {
        at += snprintf((char *)bytes + at, sizeof bytes - (size_t)at, "2:np%zu:", np_len);
        memcpy(bytes + at, np, np_len);
        at += (int)np_len;
    }
    at += snprintf((char *)bytes + at, sizeof bytes - (size_t)at, "1:pi21e4:txid4:00abe");
    assert_int_equal(cjd_message_decode(m, bytes, (size_t)at), CJD_MESSAGE_OK);
    return m->node_count;
}

static void test_bad_lists_are_no_lists(void **state)
{
    struct cjd_message m;

    (void)state;
    assert_int_equal(count_nodes(&m, 40, "\x01\x15", 2), 1);
    assert_int_equal(count_nodes(&m, 80, "\x02\x00\x15\x01\x00", 5), 2);
    assert_int_equal(m.nodes[0].version, 21);
    assert_int_equal(m.nodes[1].version, 256);
    assert_int_equal(count_nodes(&m, 40, "\x04\x00\x00\x00\x15", 5), 1);
    assert_int_equal(count_nodes(&m, 40, "\x03\x00\x00\x15", 4), 1);
    assert_int_equal(m.nodes[0].version, 21);

    assert_int_equal(count_nodes(&m, 0, "\x01", 1), 0);
    assert_int_equal(count_nodes(&m, 39, "\x01\x15", 2), 0);
    assert_int_equal(count_nodes(&m, 41, "\x01\x15", 2), 0);
    assert_int_equal(count_nodes(&m, 40, NULL, 0), 0);
    assert_int_equal(count_nodes(&m, 40, "", 0), 0);
    assert_int_equal(count_nodes(&m, 40, "\x01", 1), 0);
    assert_int_equal(count_nodes(&m, 40, "\x00", 1), 0);
    assert_int_equal(count_nodes(&m, 40, "\x05\x00\x00\x00\x00\x15", 6), 0);
    assert_int_equal(count_nodes(&m, 40, "\x02\x15", 2), 0);
    assert_int_equal(count_nodes(&m, 80, "\x01\x15", 2), 0);
    assert_int_equal(count_nodes(&m, 40, "\x01\x15\x15", 3), 0);
}

static void test_of_too_many_the_best_are_kept(void **state)
{
    static const uint8_t np[11] = {1, 21, 21, 21, 21, 21, 21, 21, 21, 21, 22};
    struct cjd_message m;

    (void)state;
    assert_int_equal(count_nodes(&m, 400, np, sizeof np), CJD_MESSAGE_NODES_MAX);
    assert_int_equal(m.nodes[0].key.b[0], 2);
    assert_int_equal(m.nodes[7].key.b[0], 9);
    assert_int_equal(m.nodes[7].version, 22);
}

static void test_queries_have_no_list(void **state)
{
    static const char text[] = "d2:eii0e1:n40:0123456789012345678901234567890123456789"
                               "2:np2:\x01\x15"
                               "1:pi21e1:q2:pn" TXID "e";
    struct cjd_message m;

    (void)state;
    assert_int_equal(cjd_message_decode(&m, (const uint8_t *)text, sizeof text - 1),
                     CJD_MESSAGE_OK);
    assert_int_equal(m.node_count, 0);
}

static void test_do_not_tell_and_error(void **state)
{
    static const char told[] = "d3:dndi0e2:eii0e1:pi21e" TXID "e";
    static const char secret[] = "d3:dndi1e2:eii0e5:error3:bad1:pi21e" TXID "e";
    struct cjd_message m;

    (void)state;
    assert_int_equal(cjd_message_decode(&m, (const uint8_t *)told, sizeof told - 1),
                     CJD_MESSAGE_OK);
    assert_false(m.do_not_tell);
    assert_null(m.error);
    assert_int_equal(cjd_message_decode(&m, (const uint8_t *)secret, sizeof secret - 1),
                     CJD_MESSAGE_OK);
    assert_true(m.do_not_tell);
    assert_int_equal(m.error_len, 3);
    assert_memory_equal(m.error, "bad", 3);
}

/* --- writing -----------------------------------------------------------------------------------
 */

static struct cjd_message sample(void)
{
    struct cjd_message m = {.method = CJD_METHOD_FN,
                            .txid = (const uint8_t *)"00ab",
                            .txid_len = 4,
                            .version = 21,
                            .scheme = *cjd_scheme_358(),
                            .form = 1,
                            .target = (const uint8_t *)"0123456789abcdef",
                            .target_len = 16,
                            .do_not_tell = true,
                            .error = (const uint8_t *)"bad",
                            .error_len = 3};
    return m;
}

static void test_keys_are_sorted(void **state)
{
    static const char expected[] = "d3:dndi1e2:eii1e5:error3:bad" ES "1:pi21e1:q2:fn"
                                   "3:tar16:0123456789abcdef" TXID "e";
    struct cjd_message m = sample();
    uint8_t out[256];

    (void)state;
    assert_int_equal(cjd_message_encode(&m, out, sizeof out), sizeof expected - 1);
    assert_memory_equal(out, expected, sizeof expected - 1);
}

static void test_what_cannot_be_written(void **state)
{
    struct cjd_message m = sample();
    uint8_t out[256];
    int len = cjd_message_encode(&m, out, sizeof out);

    (void)state;
    assert_int_equal(cjd_message_encode(&m, out, (size_t)len), len);
    assert_int_equal(cjd_message_encode(&m, out, (size_t)len - 1), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_message_encode(&m, out, 0), CJD_ERR_TOO_LONG);
    m.method = CJD_METHOD_UNKNOWN;
    assert_int_equal(cjd_message_encode(&m, out, sizeof out), CJD_ERR_INVALID);
    m = sample();
    m.scheme.count = 0;
    assert_int_equal(cjd_message_encode(&m, out, sizeof out), CJD_ERR_INVALID);
    m = sample();
    m.node_count = CJD_MESSAGE_NODES_MAX + 1;
    assert_int_equal(cjd_message_encode(&m, out, sizeof out), CJD_ERR_INVALID);
}

static void test_widths(void **state)
{
    static const uint32_t versions[] = {0,     254,      255,      256,       65534,
                                        65535, 0xfffffe, 0xffffff, 0xffffffff};
    static const uint8_t widths[] = {1, 1, 2, 2, 2, 3, 3, 4, 4};
    struct cjd_message again;
    uint8_t out[256];

    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct cjd_message m = {.txid = (const uint8_t *)"00ab",
                                .txid_len = 4,
                                .version = 21,
                                .scheme = *cjd_scheme_358(),
                                .node_count = 1};
        m.nodes[0].version = versions[i];
        int len = cjd_message_encode(&m, out, sizeof out);
        assert_true(len > 0);
        uint8_t *np = memmem(out, (size_t)len, "2:np", 4);
        assert_non_null(np);
        assert_int_equal(np[6], widths[i]);
        assert_int_equal(cjd_message_decode(&again, out, (size_t)len), CJD_MESSAGE_OK);
        assert_int_equal(again.node_count, 1);
        assert_int_equal(again.nodes[0].version, versions[i]);
    }
}

/* Other schemes than 3-5-8 cross the wire unchanged. */
static void test_other_schemes(void **state)
{
    static const char *const schemes[] = {"8000", "0001", "810c08", "6114458100"};
    struct cjd_message again;
    uint8_t es[16];
    uint8_t out[256];

    (void)state;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct cjd_message m = sample();
        size_t es_len = test_unhex(es, sizeof es, schemes[i]);
        assert_int_equal(cjd_scheme_parse(&m.scheme, es, es_len), 0);
        m.form = m.scheme.count - 1;
        int len = cjd_message_encode(&m, out, sizeof out);
        assert_true(len > 0);
        assert_int_equal(cjd_message_decode(&again, out, (size_t)len), CJD_MESSAGE_OK);
        assert_true(cjd_scheme_equal(&again.scheme, &m.scheme));
        assert_int_equal(again.form, m.form);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_bad_lists_are_no_lists),
        cmocka_unit_test(test_of_too_many_the_best_are_kept),
        cmocka_unit_test(test_queries_have_no_list),
        cmocka_unit_test(test_do_not_tell_and_error),
        cmocka_unit_test(test_keys_are_sorted),
        cmocka_unit_test(test_what_cannot_be_written),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_other_schemes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
