/* sessions.json: the transcript of a session, data headers, authentication errors. The conversion
 * of IPv6 packets is tested with the node (tests/unit/node/test_upper.c). */
#include <testlib/net.h>
#include <testlib/transcript.h>

#include <base/wire.h>
#include <switch/ctrl.h>

static json_t *root;

static int setup(void **state)
{
    (void)state;
    root = test_vectors("sessions.json");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(root);
    return 0;
}

static bool is_handshake(const char *kind)
{
    return strcmp(kind, "data") != 0;
}

/* The plaintext of one recorded packet, put together from its decoded fields. */
static size_t plaintext_of(const json_t *session, uint8_t *out, size_t cap)
{
    size_t n = 0;

    if (is_handshake(test_str(session, "kind"))) {
        cjd_store32(out, (uint32_t)test_int(session, "sender_receive_handle"));
        n = 4;
    }
    n += test_hex_member(out + n, cap - n, session, "data_header");
    return n + test_hex_member(out + n, cap - n, session, "content");
}

static void session_transcript(void **state)
{
    (void)state;
    const json_t *t = json_object_get(root, "session_transcript");
    const json_t *packets = json_object_get(t, "packets");
    struct transcript tr;
    uint32_t node_handle = 0;

    transcript_init(
        &tr, test_str(t, "peer_secret"), test_str(t, "node_public"),
        json_string_value(json_array_get(json_object_get(t, "peer_session_temporary_secrets"), 0)));
    assert_true(json_array_size(packets) > 0);
    for (size_t i = 0; i < json_array_size(packets); i++) {
        const json_t *p = json_array_get(packets, i);
        const json_t *session = json_object_get(p, "session");
        bool is_sent = strcmp(test_str(p, "dir"), "peer->node") == 0;
        bool has_handle = !is_handshake(test_str(session, "kind"));
        uint8_t frame[2048];
        uint8_t plain[2048];
        size_t len = test_hex_member(frame, sizeof frame, p, "link_plaintext");
        uint8_t *packet = frame + CJD_SWITCH_HEADER_BYTES;
        size_t plain_len = plaintext_of(session, plain, sizeof plain);
        len -= CJD_SWITCH_HEADER_BYTES;
        if (has_handle) {
            uint32_t want = is_sent ? node_handle : (uint32_t)test_int(t, "peer_receive_handle");
            assert_int_equal(cjd_load32(packet), want);
            packet += 4;
            len -= 4;
        } else if (!is_sent) {
            node_handle = (uint32_t)test_int(session, "sender_receive_handle");
        }
        if (is_sent) {
            transcript_sent(&tr, packet, len, plain, plain_len);
        } else {
            uint8_t opened[2048];
            size_t n = transcript_received(&tr, packet, len, opened, sizeof opened);
            assert_int_equal(n, plain_len);
            assert_memory_equal(opened, plain, n);
        }
    }
    transcript_fini(&tr);
}

/* Version, flags and the unused byte are ignored: only the type counts. A real pair of nodes with
 * one session; the content goes in as user packet of the header's type. */
static void data_headers(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "data_header_examples");
    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const char *meaning = test_str(c, "meaning");
        uint8_t header[4];
        assert_int_equal(test_hex_member(header, sizeof header, c, "header"), 4);
        unsigned type = cjd_load16(header + 2);
        if (strstr(meaning, "ICMPv6")) {
            assert_int_equal(type, 58);
        } else if (strstr(meaning, "UDP")) {
            assert_int_equal(type, 17);
        } else if (strstr(meaning, "fragment")) {
            assert_int_equal(type, 44);
        } else if (strstr(meaning, "CJDHT")) {
            assert_int_equal(type, CJD_CONTENT_DHT);
        } else {
            assert_string_equal(meaning, "IPTUN");
            assert_int_equal(type, CJD_CONTENT_IPTUN);
        }
    }
}

static void authentication_errors(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "authentication_error");
    struct cjd_pool *pool = cjd_pool_new(2, 0);
    unsigned rebuilt = 0;

    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const json_t *f = json_object_get(c, "fields");
        const char *hex = test_str(c, "link_plaintext_after_switch_header");
        uint8_t frame[256];
        size_t len = test_unhex(frame, sizeof frame, hex);
        struct cjd_ctrl ctrl;
        bool is_valid = json_is_true(json_object_get(f, "checksum_valid"));
        int err = cjd_ctrl_parse(&ctrl, frame + 4, len - 4);
        assert_int_equal(err == 0, is_valid); /* v20's swapped checksum: dropped */
        if (!is_valid) {
            continue;
        }
        assert_int_equal(ctrl.type, CJD_CTRL_ERROR);
        assert_int_equal(ctrl.error, test_int(f, "error"));
        test_assert_hex(ctrl.data, 12, test_str(f, "cause_switch_header"), "cause");
        /* And the other way: from the fields, the same frame. */
        struct cjd_auth_error e = {.ca_result = (uint32_t)test_int(f, "decrypt_error"),
                                   .ca_state = (uint32_t)test_int(f, "cryptoauth_state")};
        uint8_t cause[12];
        test_hex_member(cause, sizeof cause, f, "cause_switch_header");
        cjd_switch_header_read(&e.cause, cause);
        test_hex_member(e.first16, sizeof e.first16, f, "first_16");
        struct cjd_pkt *pkt = cjd_pool_take(pool, 256);
        assert_int_equal(cjd_ctrl_make_auth_error(pkt, 0x13, &e), 0);
        test_assert_hex(cjd_pkt_data(pkt) + CJD_SWITCH_HEADER_BYTES,
                        pkt->len - CJD_SWITCH_HEADER_BYTES, hex, "error frame");
        cjd_pool_give(pool, pkt);
        rebuilt++;
    }
    assert_true(rebuilt > 0);
    cjd_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_transcript),
        cmocka_unit_test(data_headers),
        cmocka_unit_test(authentication_errors),
    };
    return cmocka_run_group_tests_name("vector_sessions", tests, setup, teardown);
}
