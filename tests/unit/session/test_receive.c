/* The session room and hostile packets: whom it answers, what it creates, what it counts. */
#include "end.h"

#include <base/wire.h>

#define FAR_LABEL 0x513u

/* --- errors to the sender (session notes §2.4) ------------------------------------------------ */

static void auth_error(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_ctrl ctrl;
    end_init(&e, 1, 0);
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    end_forget(&e);
    far_make(&far, &e, 17, "content", 7);
    far.bytes[far.len - 1] ^= 1;
    end_rx(&e, FAR_LABEL, false, far.bytes, far.len);
    assert_int_equal(e.contents, 0);
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_CRYPTO), 1);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(e.errors, 1);
    assert_int_equal(e.sent[0].label, FAR_LABEL);
    assert_int_equal(e.sent[0].len, 4 + 44);
    assert_int_equal(cjd_ctrl_parse(&ctrl, e.sent[0].bytes + 4, e.sent[0].len - 4), 0);
    assert_int_equal(ctrl.type, CJD_CTRL_ERROR);
    assert_int_equal(ctrl.error, CJD_SWITCH_ERR_AUTHENTICATION);
    assert_int_equal(ctrl.data_len, 36);
    /* The switch header as it came, label not mirrored. */
    struct cjd_switch_header h;
    cjd_switch_header_read(&h, ctrl.data);
    assert_int_equal(h.label, cjd_label_reverse(FAR_LABEL));
    assert_int_equal(h.shift, 8);
    assert_int_equal(h.traffic_class, 0xffff);
    assert_memory_equal(ctrl.data + 12, far.bytes, 16);
    assert_int_equal(cjd_load32(ctrl.data + 28), CJD_CA_DECRYPT);
    assert_int_equal(cjd_load32(ctrl.data + 32), CJD_CA_ESTABLISHED);

    /* A handshake packet; the state is that of the session. */
    far_restart(&far, &e, 5);
    far_make(&far, &e, CJD_CONTENT_DHT, "q", 1);
    far.bytes[100] ^= 1;
    end_rx(&e, FAR_LABEL, false, far.bytes, far.len);
    assert_int_equal(e.errors, 2);
    assert_int_equal(cjd_ctrl_parse(&ctrl, e.sent[1].bytes + 4, e.sent[1].len - 4), 0);
    assert_memory_equal(ctrl.data + 12, far.bytes, 16);
    assert_int_equal(cjd_load32(ctrl.data + 28), CJD_CA_HANDSHAKE_DECRYPT);
    assert_int_equal(cjd_load32(ctrl.data + 32), CJD_CA_ESTABLISHED);
    /* The switch's flag is respected: nobody may answer. */
    end_rx(&e, FAR_LABEL, true, far.bytes, far.len);
    assert_int_equal(e.errors, 2);
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_CRYPTO), 3);
    far_fini(&far);
    end_fini(&e);
}

static void error_budget(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 2, 0);
    far_init(&far, 10, &e);
    far_make(&far, &e, CJD_CONTENT_DHT, "q", 1);
    far.bytes[100] ^= 1;
    for (unsigned i = 0; i < 100; i++) {
        end_rx(&e, FAR_LABEL, false, far.bytes, far.len);
    }
    assert_int_equal(e.errors, 20);
    end_run(&e, CJD_S);
    for (unsigned i = 0; i < 100; i++) {
        end_rx(&e, FAR_LABEL, false, far.bytes, far.len);
    }
    assert_int_equal(e.errors, 40);
    /* Garbage with a valid key makes no session. */
    assert_int_equal(cjd_sessions_count(e.sessions), 0);
    far_fini(&far);
    end_fini(&e);
}

/* --- silent drops ----------------------------------------------------------------------------- */

static void runts(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 3, 0);
    far_init(&far, 10, &e);
    far_make(&far, &e, CJD_CONTENT_DHT, "q", 1);
    for (uint32_t len = 4; len < 124; len++) {
        end_rx(&e, FAR_LABEL, false, far.bytes, len);
    }
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_RUNT), 120);
    for (uint32_t len = 0; len < 4; len++) {
        end_rx(&e, FAR_LABEL, false, far.bytes, len);
    }
    assert_int_equal(end_dropped(&e, CJD_DROP_ROUTER_RUNT), 4);
    far_establish(&far, &e, FAR_LABEL);
    end_forget(&e);
    far_make(&far, &e, 17, "content", 7);
    for (uint32_t len = 4; len < 24; len++) {
        end_rx(&e, FAR_LABEL, false, far.bytes, len);
    }
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_RUNT), 140);
    assert_int_equal(e.sent_count, 0);
    /* The handle is looked up first, the word behind it must be a counter. */
    for (uint8_t word = 0; word < 4; word++) {
        cjd_store32(far.bytes + 4, word);
        end_rx(&e, FAR_LABEL, false, far.bytes, far.len);
    }
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_NONCE), 4);
    assert_int_equal(e.sent_count, 0);
    far_fini(&far);
    end_fini(&e);
}

static void keys(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_keypair outside;
    uint8_t secret[32] = {1};
    end_init(&e, 4, 0);
    far_init(&far, 10, &e);
    /* Routes loop: our own packets come back (session notes §9, 9). */
    far.self = e.self;
    far_restart(&far, &e, 5);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_KEY), 1);
    while (cjd_keypair_from_secret(&outside, secret) == 0) {
        secret[1]++;
    }
    far.self = outside;
    far_restart(&far, &e, 5);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_KEY), 2);
    assert_int_equal(cjd_sessions_count(e.sessions), 0);
    assert_int_equal(e.sent_count + e.queries, 0);
    far_fini(&far);
    end_fini(&e);
}

static void unknown_handles(void **state)
{
    (void)state;
    struct end e;
    uint8_t bytes[64] = {0};
    end_init(&e, 5, 0);
    for (unsigned i = 0; i < 100; i++) {
        cjd_store32(bytes, 4 + i * 1000);
        end_rx(&e, FAR_LABEL + 2 * i, false, bytes, sizeof bytes);
    }
    assert_int_equal(e.unknown, 20);
    assert_int_equal(e.unknown_label, FAR_LABEL + 38);
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_HANDLE), 100);
    assert_int_equal(e.sent_count, 0); /* no error (session notes §2.4) */
    end_run(&e, 100 * CJD_MS);
    end_rx(&e, FAR_LABEL, false, bytes, sizeof bytes);
    assert_int_equal(e.unknown, 21);
    end_fini(&e);
}

/* Hellos of nodes without session: so many a second, whatever key they name. */
static void creation_budget(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 6, 0);
    far_init(&far, 10, &e);
    far_make(&far, &e, CJD_CONTENT_DHT, "q", 1);
    far.bytes[100] ^= 1;
    for (unsigned i = 0; i < 500; i++) {
        end_rx(&e, FAR_LABEL, false, far.bytes, far.len);
    }
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_CRYPTO), 400);
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_RATE), 100);
    /* Those that have one are not concerned. */
    far.bytes[100] ^= 1;
    end_run(&e, 20 * CJD_MS);
    end_rx(&e, FAR_LABEL, false, far.bytes, far.len);
    assert_int_equal(e.queries, 1);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    assert_int_equal(e.queries, 3);
    far_fini(&far);
    end_fini(&e);
}

static void replayed_data(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_session_info info;
    end_init(&e, 7, 0);
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    far_send(&far, &e, FAR_LABEL, 17, "x", 1);
    for (unsigned i = 0; i < 5; i++) {
        end_rx(&e, FAR_LABEL, false, far.bytes, far.len);
    }
    assert_int_equal(e.contents, 1);
    assert_true(end_session(&e, &far.self.addr, &info));
    assert_int_equal(info.duplicates, 5);
    far_fini(&far);
    end_fini(&e);
}

/* A replayed hello on a running session disturbs nothing (CryptoAuth notes §13, W1). */
static void replayed_hello(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    uint8_t hello[256];
    struct cjd_session_info before;
    struct cjd_session_info info;
    end_init(&e, 8, 0);
    e.answers = true;
    far_init(&far, 10, &e);
    far_make(&far, &e, CJD_CONTENT_DHT, "q", 1);
    memcpy(hello, far.bytes, far.len);
    uint32_t len = far.len;
    far_restart(&far, &e, 2000);
    far_establish(&far, &e, FAR_LABEL);
    assert_true(end_session(&e, &far.self.addr, &before));
    end_forget(&e);
    for (unsigned i = 0; i < 100; i++) {
        end_rx(&e, FAR_LABEL + 0x200, false, hello, len);
        end_user(&e, &far.self.addr, (uint8_t)i, 10);
        assert_int_equal(e.sent[e.sent_count - 1].label, FAR_LABEL);
        assert_int_equal(far_open(&far, &e.sent[e.sent_count - 1], e.now_ns), CJD_CA_OK);
        far_send(&far, &e, FAR_LABEL, 17, "x", 1);
        end_run(&e, 300 * CJD_MS);
    }
    assert_int_equal(e.contents, 100);
    assert_true(end_session(&e, &far.self.addr, &info));
    assert_int_equal(info.tx_handle, before.tx_handle);
    assert_int_equal(info.label, FAR_LABEL);
    assert_int_equal(info.paths, 1);
    far_fini(&far);
    end_fini(&e);
}

/* --- keys that do not match ------------------------------------------------------------------- */

static void another_key_for_an_address(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_session_info info;
    end_init(&e, 9, 0);
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    end_forget(&e);
    struct cjd_session_path path = end_path_to(&far.self, FAR_LABEL + 0x200);
    path.key.b[5] ^= 1;
    end_path(&e, &path);
    end_query(&e, &path);
    assert_true(end_session(&e, &far.self.addr, &info));
    assert_int_equal(info.paths, 1);
    assert_int_equal(info.label, FAR_LABEL);
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_KEY), 1);
    assert_int_equal(e.sent_count, 0);
    far_fini(&far);
    end_fini(&e);
}

/* What a KEYPONG says is not authenticated: it may begin a handshake, and no more. */
static void key_learned(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_session_info info;
    struct cjd_key outside = {{1}};
    end_init(&e, 10, 0);
    e.pings = true;
    far_init(&far, 10, &e);
    cjd_sessions_key_learned(e.sessions, &outside, END_VERSION, FAR_LABEL, e.now_ns);
    cjd_sessions_key_learned(e.sessions, &e.self.key, END_VERSION, FAR_LABEL, e.now_ns);
    cjd_sessions_key_learned(e.sessions, &far.self.key, 19, FAR_LABEL, e.now_ns);
    cjd_sessions_key_learned(e.sessions, &far.self.key, 0, FAR_LABEL, e.now_ns);
    assert_int_equal(cjd_sessions_count(e.sessions), 0);
    assert_int_equal(e.pinged, 0);
    cjd_sessions_key_learned(e.sessions, &far.self.key, 20, FAR_LABEL, e.now_ns);
    assert_true(end_session(&e, &far.self.addr, &info));
    assert_int_equal(info.paths, 0); /* nobody has proven that */
    assert_int_equal(info.version, 20);
    assert_int_equal(e.pinged, 1);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(e.sent[0].word, 0);
    assert_int_equal(e.sent[0].label, FAR_LABEL);
    /* It changes nothing of what is known. */
    struct cjd_session_path path = end_path_to(&far.self, FAR_LABEL);
    path.version = 22;
    e.pings = false;
    end_path(&e, &path);
    cjd_sessions_key_learned(e.sessions, &far.self.key, 20, FAR_LABEL + 0x200, e.now_ns);
    assert_true(end_session(&e, &far.self.addr, &info));
    assert_int_equal(info.version, 22);
    assert_int_equal(info.paths, 1);
    assert_int_equal(info.label, FAR_LABEL);
    far_fini(&far);
    end_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_error),
        cmocka_unit_test(error_budget),
        cmocka_unit_test(runts),
        cmocka_unit_test(keys),
        cmocka_unit_test(unknown_handles),
        cmocka_unit_test(creation_budget),
        cmocka_unit_test(replayed_data),
        cmocka_unit_test(replayed_hello),
        cmocka_unit_test(another_key_for_an_address),
        cmocka_unit_test(key_learned),
    };
    return cmocka_run_group_tests_name("session_receive", tests, NULL, NULL);
}
