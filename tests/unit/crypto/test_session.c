/* States, order of checks, timers and limits of a session (CryptoAuth notes §7–9). */
#include "end.h"

#include <base/wire.h>
#include <crypto/box.h>

/* Index of the end with the lower permanent key. */
static int lower(const struct pair *pair)
{
    return memcmp(&pair->end[0].self.key, &pair->end[1].self.key, 32) < 0 ? 0 : 1;
}

static void add_user(struct end *end, const char *login, const char *password,
                     const struct cjd_addr *only)
{
    assert_int_equal(cjd_users_add(end->users, login, password, strlen(password), only), 0);
}

static struct cjd_credentials credentials(const char *login, const char *password)
{
    struct cjd_credentials c;
    cjd_credentials_init(&c, login, password, strlen(password));
    return c;
}

static void texts_of_results(void **state)
{
    (void)state;
    assert_string_equal(cjd_ca_result_text(CJD_CA_OK), "ok");
    assert_string_equal(cjd_ca_result_text(CJD_CA_DECRYPT), "does not authenticate");
    assert_string_equal(cjd_ca_result_text((enum cjd_ca_result)99), "unknown result");
}

static void peek_reads_the_header(void **state)
{
    struct pair pair;
    struct box box;
    struct cjd_ca_hello hello;
    struct cjd_pkt *pkt = box_message(&box, "", 0);

    (void)state;
    pair_init(&pair, false, false, 1);
    end_seal(&pair.end[0], pkt, false, pair.now_ns);
    assert_true(cjd_ca_peek(&hello, cjd_pkt_data(pkt), pkt->len));
    assert_int_equal(hello.word, 0);
    assert_memory_equal(hello.challenge, cjd_pkt_data(pkt) + 4, 12);
    assert_memory_equal(&hello.key, &pair.end[0].self.key, 32);
    for (size_t len = 0; len < 120; len++) {
        assert_false(cjd_ca_peek(&hello, cjd_pkt_data(pkt), len));
    }
    cjd_store32(cjd_pkt_data(pkt), 3);
    assert_true(cjd_ca_peek(&hello, cjd_pkt_data(pkt), pkt->len));
    cjd_store32(cjd_pkt_data(pkt), 4);
    assert_false(cjd_ca_peek(&hello, cjd_pkt_data(pkt), pkt->len));
    pair_fini(&pair);
}

static void check_refused(struct end *end, uint32_t headroom, uint32_t len, int want)
{
    struct box box;
    struct cjd_ca before = end->ca;
    struct cjd_pkt *pkt = box_message(&box, "message", len);

    pkt->off = headroom;
    assert_int_equal(cjd_ca_seal(&end->ca, pkt, end->ca.last_ns), want);
    assert_int_equal(pkt->off, headroom);
    assert_int_equal(pkt->len, len);
    assert_int_equal(end->ca.live.next, before.live.next);
    assert_memory_equal(&end->ca.live.temp_key, &before.live.temp_key, 32);
}

static void seal_refuses_what_it_cannot(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair, false, false, 1);
    check_refused(&pair.end[0], 119, 7, CJD_ERR_TOO_LONG);
    pair_establish(&pair);
    check_refused(&pair.end[0], 19, 7, CJD_ERR_TOO_LONG);
    check_refused(&pair.end[0], 120, 0, CJD_ERR_INVALID);
    assert_int_equal(pair_send(&pair, 0, false), 0);
    pair_fini(&pair);
}

static void peer_key_of_low_order(void **state)
{
    struct pair pair;
    struct box box;
    struct cjd_key one = {{1}};
    uint8_t packet[130] = {[40] = 1};

    (void)state;
    pair_init(&pair, false, false, 1);
    end_session(&pair.end[0], &one, false, NULL, pair.now_ns);
    check_refused(&pair.end[0], 120, 7, CJD_ERR_CRYPTO);
    struct cjd_pkt *pkt = box_packet(&box, packet, sizeof packet);
    assert_int_equal(end_open(&pair.end[0], pkt, pair.now_ns), CJD_CA_HANDSHAKE_DECRYPT);
    assert_int_equal(end_state(&pair.end[0]), CJD_CA_INIT);
    pair_fini(&pair);
}

/* A valid empty data packet is never sent, but harmless (§4.2). */
static void empty_data_packet(void **state)
{
    struct pair pair;
    struct box box;
    uint8_t nonce[24] = {0};
    uint8_t packet[20] = {0, 0, 1, 0};

    (void)state;
    pair_init(&pair, false, false, 1);
    pair_establish(&pair);
    nonce[5] = 1; /* counter 256 of the initiator */
    cjd_box_seal(packet + 20, 0, packet + 4, nonce, pair.end[0].ca.live.secret);
    struct cjd_pkt *pkt = box_packet(&box, packet, sizeof packet);
    assert_int_equal(end_open(&pair.end[1], pkt, pair.now_ns), 0);
    assert_int_equal(pkt->len, 0);
    pair_fini(&pair);
}

/* Every check of §7.3 fails from `first` on; they are repaired one after the other. */
static void order_of_checks(void **state)
{
    static const uint8_t zero[32];
    static const int want[] = {CJD_CA_RUNT,          CJD_CA_WRONG_KEY, CJD_CA_IP_RESTRICTED,
                               CJD_CA_AUTH_REQUIRED, CJD_CA_STRAY_KEY, CJD_CA_HANDSHAKE_DECRYPT,
                               CJD_CA_WISEGUY,       CJD_CA_OK};
    struct cjd_addr elsewhere = {{0xfc, 9}};
    struct cjd_credentials bound = credentials("bound", "secret");
    struct cjd_credentials good = credentials("bob", "secret");
    struct cjd_credentials unknown = credentials("eve", "secret");
    struct pair pair;
    struct box box;

    (void)state;
    pair_init(&pair, false, false, 2);
    struct end *end = &pair.end[1];
    add_user(end, "bound", "secret", &elsewhere);
    add_user(end, "bob", "secret", NULL);
    end_session(end, &pair.end[0].self.key, true, NULL, pair.now_ns);
    for (size_t fixed = 0; fixed < sizeof want / sizeof want[0]; fixed++) {
        struct craft craft = {.word = fixed < 5 ? 2 : 0,
                              .secret = pair.end[0].self.secret,
                              .key = &end->self.key,
                              .from = fixed < 2 ? &end->self.key : &pair.end[0].self.key,
                              .temp = fixed < 7 ? zero : pair.end[0].self.key.b,
                              .credentials = fixed < 3   ? &bound
                                             : fixed < 4 ? &unknown
                                                         : &good};
        struct cjd_pkt *pkt = craft_packet(&box, &craft);
        cjd_pkt_data(pkt)[80] ^= fixed < 6;
        pkt->len = fixed < 1 ? 119 : pkt->len;
        assert_int_equal(end_open(end, pkt, pair.now_ns), want[fixed]);
    }
    assert_string_equal(end->ca.login, "bob");
    pair_fini(&pair);
}

/* Without required authentication an unknown login is refused all the same (check e). */
static void unknown_login(void **state)
{
    struct cjd_credentials unknown = credentials("eve", "secret");
    struct pair pair;

    (void)state;
    pair_init(&pair, false, false, 2);
    end_session(&pair.end[0], &pair.end[1].self.key, false, &unknown, pair.now_ns);
    assert_int_equal(pair_send(&pair, 0, false), CJD_CA_UNKNOWN_AUTH);
    end_session(&pair.end[1], &pair.end[0].self.key, true, NULL, pair.now_ns);
    assert_int_equal(pair_send(&pair, 0, false), CJD_CA_AUTH_REQUIRED);
    pair_fini(&pair);
}

/* §5: the node that was logged in to says hello itself after a timeout. It still requires
 * authentication, so the other one has to present its credentials in the key packet. */
static void role_reversal(void **state)
{
    struct cjd_credentials bob = credentials("bob", "secret");
    struct pair pair;

    (void)state;
    pair_init(&pair, false, false, 3);
    add_user(&pair.end[1], "bob", "secret", NULL);
    end_session(&pair.end[0], &pair.end[1].self.key, false, &bob, pair.now_ns);
    end_session(&pair.end[1], &pair.end[0].self.key, true, NULL, pair.now_ns);
    pair_establish(&pair);
    assert_string_equal(pair.end[1].ca.login, "bob");
    pair.now_ns += 60 * CJD_S;
    end_expire(&pair.end[0], pair.now_ns);
    for (int step = 1; step < 5; step++) {
        assert_int_equal(pair_send(&pair, step % 2, false), 0);
    }
    assert_int_equal(end_state(&pair.end[0]), CJD_CA_ESTABLISHED);
    assert_int_equal(end_state(&pair.end[1]), CJD_CA_ESTABLISHED);
    assert_true(end_is_initiator(&pair.end[1]));
    assert_string_equal(pair.end[1].ca.login, "bob");
    /* Without them the key packet is refused. */
    end_session(&pair.end[0], &pair.end[1].self.key, false, NULL, pair.now_ns);
    end_session(&pair.end[1], &pair.end[0].self.key, true, NULL, pair.now_ns);
    assert_int_equal(pair_send(&pair, 1, false), 0);
    assert_int_equal(pair_send(&pair, 0, false), CJD_CA_AUTH_REQUIRED);
    assert_int_equal(end_state(&pair.end[1]), CJD_CA_SENT_HELLO);
    pair_fini(&pair);
}

/* §7.3: of two hellos that cross the one of the lower key wins, in whatever order they arrive. */
static void crossing_hellos(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct pair pair;
        struct box box[2];
        pair_init(&pair, seed & 1, seed & 2, seed);
        int low = lower(&pair);
        for (int i = 0; i < 2; i++) {
            end_seal(&pair.end[i], box_message(&box[i], "hi", 2), false, pair.now_ns);
        }
        for (int k = 0; k < 2; k++) {
            int i = (int)(seed >> 2 & 1) ^ k;
            assert_int_equal(end_open(&pair.end[1 - i], &box[i].pkt, pair.now_ns), 0);
            assert_int_equal(box[i].pkt.len, 2);
        }
        assert_int_equal(end_state(&pair.end[low]), CJD_CA_SENT_HELLO);
        assert_int_equal(end_state(&pair.end[1 - low]), CJD_CA_RECEIVED_HELLO);
        for (int step = 1; step < 4; step++) {
            assert_int_equal(pair_send(&pair, low ^ (step % 2), false), 0);
        }
        assert_int_equal(end_state(&pair.end[low]), CJD_CA_ESTABLISHED);
        assert_int_equal(end_state(&pair.end[1 - low]), CJD_CA_ESTABLISHED);
        pair_fini(&pair);
    }
}

/* §9, in nanoseconds: not one too early. */
static void timeouts(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair, false, false, 4);
    pair_establish(&pair);
    uint64_t start = pair.now_ns;
    end_expire(&pair.end[1], start + 60 * CJD_S - 1);
    assert_int_equal(end_state(&pair.end[1]), CJD_CA_ESTABLISHED);
    pair.now_ns = start + 59 * CJD_S;
    assert_int_equal(pair_send(&pair, 0, false), 0); /* receiving is what counts */
    end_expire(&pair.end[0], start + 60 * CJD_S);
    assert_int_equal(end_state(&pair.end[0]), CJD_CA_INIT);
    end_expire(&pair.end[1], start + 119 * CJD_S - 1);
    assert_int_equal(end_state(&pair.end[1]), CJD_CA_ESTABLISHED);
    end_expire(&pair.end[1], start + 119 * CJD_S);
    assert_int_equal(end_state(&pair.end[1]), CJD_CA_INIT);
    /* A clock that does not advance, or goes back, times nothing out. */
    pair.now_ns = start;
    assert_int_equal(pair_send(&pair, 0, false), 0);
    end_expire(&pair.end[1], 0);
    assert_int_equal(end_state(&pair.end[1]), CJD_CA_RECEIVED_HELLO);
    pair_fini(&pair);
}

static void sent_hello_never_times_out(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair, false, false, 4);
    assert_int_equal(pair_send(&pair, 0, false), 0);
    end_expire(&pair.end[0], pair.now_ns + 100000 * CJD_S);
    assert_int_equal(end_state(&pair.end[0]), CJD_CA_SENT_HELLO);
    pair_fini(&pair);
}

static void reset_and_new_credentials(void **state)
{
    struct cjd_credentials bob = credentials("bob", "secret");
    struct pair pair;

    (void)state;
    pair_init(&pair, false, false, 5);
    pair_establish(&pair);
    cjd_ca_reset(&pair.end[0].ca);
    assert_int_equal(end_state(&pair.end[0]), CJD_CA_INIT);
    assert_false(cjd_ca_can_send_data(&pair.end[0].ca));
    assert_int_equal(pair_send(&pair, 0, false), 0);
    cjd_ca_set_credentials(&pair.end[0].ca, &bob);
    assert_int_equal(end_state(&pair.end[0]), CJD_CA_INIT);
    assert_int_equal(pair_send(&pair, 0, false), CJD_CA_UNKNOWN_AUTH);
    pair_fini(&pair);
}

/* Repeat key packets raise `next` (§7.3); replayed without end they must not wrap it. */
static void repeated_keys_do_not_wrap(void **state)
{
    struct pair pair;
    struct box key;
    struct box copy;

    (void)state;
    pair_init(&pair, false, false, 6);
    assert_int_equal(pair_send(&pair, 0, false), 0);
    assert_int_equal(pair_send(&pair, 1, false), 0);
    end_seal(&pair.end[1], box_message(&key, "again", 5), false, pair.now_ns);
    assert_int_equal(pair_send(&pair, 0, false), 0);
    end_set_next(&pair.end[0], 0xfffffff0u - 2);
    for (int i = 0; i < 5; i++) {
        struct cjd_pkt *pkt = box_packet(&copy, cjd_pkt_data(&key.pkt), key.pkt.len);
        assert_int_equal(end_open(&pair.end[0], pkt, pair.now_ns), 0);
    }
    assert_int_equal(end_next(&pair.end[0]), 0xfffffff0u);
    end_seal(&pair.end[0], box_message(&copy, "hi", 2), false, pair.now_ns);
    assert_int_equal(cjd_load32(cjd_pkt_data(&copy.pkt)), 0);
    pair_fini(&pair);
}

/* The replay window of a session: late packets once, old ones not. */
static void window_of_a_session(void **state)
{
    enum { MANY = 70 };
    struct pair pair;
    struct box box[MANY];
    struct box copy;

    (void)state;
    pair_init(&pair, false, false, 7);
    pair_establish(&pair);
    for (int i = 0; i < MANY; i++) {
        end_seal(&pair.end[0], box_message(&box[i], &i, sizeof i), false, pair.now_ns);
    }
    for (int i = MANY - 1; i >= 0; i--) {
        struct cjd_pkt *pkt = box_packet(&copy, cjd_pkt_data(&box[i].pkt), box[i].pkt.len);
        int want = i >= MANY - 48 ? CJD_CA_OK : CJD_CA_REPLAY;
        assert_int_equal(end_open(&pair.end[1], pkt, pair.now_ns), want);
        pkt = box_packet(&copy, cjd_pkt_data(&box[i].pkt), box[i].pkt.len);
        assert_int_equal(end_open(&pair.end[1], pkt, pair.now_ns), CJD_CA_REPLAY);
    }
    assert_int_equal(end_replay(&pair.end[1]).duplicates, 48);
    pair_fini(&pair);
}

/* §8: the counters of the window are kept when the first packet sets its base. */
static void first_counter_of_a_session(void **state)
{
    (void)state;
    for (int is_model = 0; is_model < 2; is_model++) {
        struct pair pair;
        pair_init(&pair, false, is_model, 9);
        assert_int_equal(pair_send(&pair, 0, false), 0);
        assert_int_equal(pair_send(&pair, 1, false), 0);
        end_set_next(&pair.end[0], 100);
        assert_int_equal(pair_send(&pair, 0, false), 0);
        struct cjd_replay replay = end_replay(&pair.end[1]);
        assert_int_equal(replay.base, 101);
        assert_int_equal(replay.bits, 0);
        assert_int_equal(replay.lost, 100 - 47);
        pair_fini(&pair);
    }
}

static void when_data_may_be_sent(void **state)
{
    static const bool want[4][2] = {{false, false}, {true, false}, {true, true}, {true, true}};
    struct pair pair;

    (void)state;
    pair_init(&pair, false, false, 8);
    for (int step = 0; step < 4; step++) {
        assert_int_equal(pair_send(&pair, step % 2, false), 0);
        assert_int_equal(pair.end[1 - step % 2].ca.got_handshake, step < 2);
        assert_int_equal(cjd_ca_can_send_data(&pair.end[0].ca), want[step][0]);
        assert_int_equal(cjd_ca_can_send_data(&pair.end[1].ca), want[step][1]);
    }
    assert_true(cjd_ca_is_established(&pair.end[0].ca));
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_results),
        cmocka_unit_test(peek_reads_the_header),
        cmocka_unit_test(seal_refuses_what_it_cannot),
        cmocka_unit_test(peer_key_of_low_order),
        cmocka_unit_test(empty_data_packet),
        cmocka_unit_test(order_of_checks),
        cmocka_unit_test(unknown_login),
        cmocka_unit_test(role_reversal),
        cmocka_unit_test(crossing_hellos),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(sent_hello_never_times_out),
        cmocka_unit_test(reset_and_new_credentials),
        cmocka_unit_test(repeated_keys_do_not_wrap),
        cmocka_unit_test(window_of_a_session),
        cmocka_unit_test(first_counter_of_a_session),
        cmocka_unit_test(when_data_may_be_sent),
    };
    return cmocka_run_group_tests_name("crypto_session", tests, NULL, NULL);
}
