/* The hardening of CryptoAuth notes §13.4, measure by measure. */
#include "end.h"

#include <base/wire.h>
#include <crypto/half.h>

static struct cjd_pkt *copy_of(struct box *copy, const struct box *box)
{
    return box_packet(copy, box->bytes + box->pkt.off, box->pkt.len);
}

/* End 0 restarts and seals its hello; the other end keeps its established session. */
static void restart(struct pair *pair, struct box *hello)
{
    end_session(&pair->end[0], &pair->end[1].self.key, false, NULL, pair->now_ns);
    end_seal(&pair->end[0], box_message(hello, "restarted", 9), false, pair->now_ns);
}

static void start_established(struct pair *pair, uint64_t seed)
{
    pair_init(pair, false, false, seed);
    pair_establish(pair);
}

/* A hello of end 0 that its owner has long given up, and an established session after it. */
static void start_with_old_hello(struct pair *pair, struct box *hello, uint64_t seed)
{
    pair_init(pair, false, false, seed);
    restart(pair, hello);
    end_session(&pair->end[0], &pair->end[1].self.key, false, NULL, pair->now_ns);
    pair_establish(pair);
}

static void assert_undisturbed(struct pair *pair)
{
    assert_int_equal(end_state(&pair->end[0]), CJD_CA_ESTABLISHED);
    assert_int_equal(end_state(&pair->end[1]), CJD_CA_ESTABLISHED);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pair_send(pair, i % 2, false), 0);
    }
}

/* H1: as many packets as without hardening: hello, key, data, data. */
static void genuine_restart(void **state)
{
    struct pair pair;
    struct box box;
    uint8_t old_secret[32];

    (void)state;
    start_established(&pair, 1);
    struct cjd_ca *ca = &pair.end[1].ca;
    memcpy(old_secret, ca->live.secret, 32);
    restart(&pair, &box);
    assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
    assert_memory_equal(cjd_pkt_data(&box.pkt), "restarted", 9);
    assert_true(ca->has_pending && ca->owes_key && ca->got_handshake);
    assert_true(cjd_ca_is_established(ca) && cjd_ca_can_send_data(ca));
    assert_memory_equal(ca->live.secret, old_secret, 32);
    assert_int_equal(ca->promotions, 0);

    assert_int_equal(pair_send(&pair, 1, true), 0);
    assert_false(ca->owes_key);
    assert_int_equal(end_state(&pair.end[0]), CJD_CA_RECEIVED_KEY);
    assert_int_equal(pair_send(&pair, 0, false), 0);
    assert_true(cjd_ca_is_established(ca) && !ca->has_pending && !ca->got_handshake);
    assert_int_equal(ca->promotions, 1);
    assert_memory_not_equal(ca->live.secret, old_secret, 32);
    assert_int_equal(pair_send(&pair, 1, false), 0);
    assert_undisturbed(&pair);
    pair_fini(&pair);
}

/* H1: other messages keep going under the old secret; an empty one pays the key packet. */
static void only_answers_go_to_the_pending_half(void **state)
{
    struct pair pair;
    struct box box;

    (void)state;
    start_established(&pair, 2);
    restart(&pair, &box);
    assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
    end_seal(&pair.end[1], box_message(&box, "other", 5), false, pair.now_ns);
    assert_int_equal(cjd_load32(cjd_pkt_data(&box.pkt)), 7);
    assert_true(end_owes_key(&pair.end[1]));
    end_seal(&pair.end[1], box_message(&box, "", 0), false, pair.now_ns);
    assert_int_equal(cjd_load32(cjd_pkt_data(&box.pkt)), 2);
    assert_false(end_owes_key(&pair.end[1]));
    /* An answer when nothing is owed is an ordinary message, an empty one is none at all. */
    end_seal(&pair.end[1], box_message(&box, "late", 4), true, pair.now_ns);
    assert_int_equal(cjd_load32(cjd_pkt_data(&box.pkt)), 8);
    assert_int_equal(cjd_ca_seal(&pair.end[1].ca, box_message(&box, "", 0), pair.now_ns),
                     CJD_ERR_INVALID);
    pair_fini(&pair);
}

/* H1: one key packet for each repeat hello; a duplicate of the hello itself is refused. */
static void repeat_hellos_are_answered(void **state)
{
    struct pair pair;
    struct box box;
    struct box copy;

    (void)state;
    start_established(&pair, 3);
    restart(&pair, &box);
    assert_int_equal(end_open(&pair.end[1], copy_of(&copy, &box), pair.now_ns), 0);
    assert_int_equal(end_open(&pair.end[1], copy_of(&copy, &box), pair.now_ns), CJD_CA_INVALID);
    end_seal(&pair.end[1], box_message(&copy, "lost key", 8), true, pair.now_ns);
    assert_int_equal(pair_send(&pair, 0, false), 0); /* repeat hello */
    assert_true(end_owes_key(&pair.end[1]));
    end_seal(&pair.end[1], box_message(&copy, "key", 3), true, pair.now_ns);
    assert_int_equal(cjd_load32(cjd_pkt_data(&copy.pkt)), 3);
    assert_int_equal(end_open(&pair.end[0], &copy.pkt, pair.now_ns), 0);
    assert_int_equal(pair_send(&pair, 0, false), 0);
    assert_int_equal(pair_send(&pair, 1, false), 0);
    assert_undisturbed(&pair);
    pair_fini(&pair);
}

/* H1: the peer restarted twice; the second hello replaces what the first has built. */
static void second_restart(void **state)
{
    struct pair pair;
    struct box box;

    (void)state;
    start_established(&pair, 4);
    restart(&pair, &box);
    assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
    assert_int_equal(pair_send(&pair, 1, true), 0);
    restart(&pair, &box);
    assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
    for (int i = 1; i < 4; i++) {
        assert_int_equal(pair_send(&pair, i % 2, i == 1), 0);
    }
    assert_undisturbed(&pair);
    pair_fini(&pair);
}

/* H1, W1: a replayed hello costs nothing but a key packet, which the peer refuses. */
static void replayed_hello(void **state)
{
    struct pair pair;
    struct box hello;
    struct box copy;

    (void)state;
    start_with_old_hello(&pair, &hello, 5);
    for (int i = 0; i < 20; i++) {
        struct cjd_pkt *pkt = copy_of(&copy, &hello);
        cjd_store32(cjd_pkt_data(pkt), i > 0); /* the word is not authenticated (W6) */
        assert_int_equal(end_open(&pair.end[1], pkt, pair.now_ns), 0);
        end_seal(&pair.end[1], box_message(&copy, "pong", 4), true, pair.now_ns);
        assert_int_equal(end_open(&pair.end[0], &copy.pkt, pair.now_ns), CJD_CA_KEY_ESTABLISHED);
        assert_undisturbed(&pair);
        pair.now_ns += CJD_S / 4;
    }
    assert_int_equal(pair.end[1].ca.promotions, 0);
    pair_fini(&pair);
}

/* H5: data under the old secret so long after the hello proves that it was a replay. */
static void proven_replay_is_remembered(void **state)
{
    struct pair pair;
    struct box hello;
    struct box copy;

    (void)state;
    start_with_old_hello(&pair, &hello, 6);
    assert_int_equal(end_open(&pair.end[1], copy_of(&copy, &hello), pair.now_ns), 0);
    pair.now_ns += 10 * CJD_S - 1;
    assert_int_equal(pair_send(&pair, 0, false), 0);
    assert_true(pair.end[1].ca.has_pending);
    pair.now_ns += 1;
    assert_int_equal(pair_send(&pair, 0, false), 0);
    assert_false(pair.end[1].ca.has_pending);
    for (uint32_t word = 0; word < 2; word++) {
        struct cjd_pkt *pkt = copy_of(&copy, &hello);
        cjd_store32(cjd_pkt_data(pkt), word);
        assert_int_equal(end_open(&pair.end[1], pkt, pair.now_ns), CJD_CA_INVALID);
        assert_false(pair.end[1].ca.has_pending || end_owes_key(&pair.end[1]));
    }
    /* Only an established session refuses it: nothing is ever locked out for good. */
    cjd_ca_reset(&pair.end[1].ca);
    assert_int_equal(end_open(&pair.end[1], copy_of(&copy, &hello), pair.now_ns), 0);
    pair_fini(&pair);
}

/* H5: once data has come under a later hello, the earlier ones are known to be replays. */
static void overtaken_hellos_are_remembered(void **state)
{
    enum { HELLOS = 15 };
    struct pair pair;
    struct box hello[HELLOS];
    struct box copy;

    (void)state;
    pair_init(&pair, false, false, 7);
    for (int i = 0; i < HELLOS; i++) {
        restart(&pair, &hello[i]);
        assert_int_equal(end_open(&pair.end[1], copy_of(&copy, &hello[i]), pair.now_ns), 0);
    }
    end_session(&pair.end[0], &pair.end[1].self.key, false, NULL, pair.now_ns);
    pair_establish(&pair);
    for (int i = 0; i < HELLOS; i++) {
        assert_int_equal(end_open(&pair.end[1], copy_of(&copy, &hello[i]), pair.now_ns),
                         CJD_CA_INVALID);
    }
    assert_undisturbed(&pair);
    pair_fini(&pair);
}

static uint32_t word_sent(struct pair *pair, int from)
{
    struct box box;
    end_seal(&pair->end[from], box_message(&box, "ping", 4), false, pair->now_ns);
    return cjd_load32(cjd_pkt_data(&box.pkt));
}

/* H1: the peer restarted, got our key and is silent. After 10 s we transmit as responder. */
static void silent_peer(void **state)
{
    struct pair pair;
    struct box box;

    (void)state;
    start_established(&pair, 8);
    pair.now_ns += 30 * CJD_S;
    restart(&pair, &box);
    assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
    assert_int_equal(pair_send(&pair, 1, true), 0);
    pair.now_ns += 10 * CJD_S - 1;
    assert_true(word_sent(&pair, 1) > 3);
    assert_int_equal(end_state(&pair.end[1]), CJD_CA_ESTABLISHED);
    pair.now_ns += 1;
    end_expire(&pair.end[1], pair.now_ns);
    assert_false(cjd_ca_can_send_data(&pair.end[1].ca));
    assert_int_equal(end_state(&pair.end[1]), CJD_CA_SENT_KEY);
    assert_int_equal(word_sent(&pair, 1), 3);
    assert_int_equal(pair_send(&pair, 1, false), 0);
    end_seal(&pair.end[0], box_message(&box, "data", 4), false, pair.now_ns - CJD_S);
    assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
    assert_int_equal(pair.end[1].ca.promotions, 1);
    assert_true(cjd_ca_can_send_data(&pair.end[1].ca));
    pair_fini(&pair);
}

/* H1: nobody comes forward: after 20 s in all the pending half is given up, the old one is not. */
static void silent_peer_after_a_replay(void **state)
{
    struct pair pair;
    struct box hello;
    struct box copy;

    (void)state;
    start_with_old_hello(&pair, &hello, 9);
    assert_int_equal(end_open(&pair.end[1], copy_of(&copy, &hello), pair.now_ns), 0);
    assert_int_equal(word_sent(&pair, 1), 7);
    end_seal(&pair.end[1], box_message(&copy, "", 0), false, pair.now_ns);
    pair.now_ns += 10 * CJD_S;
    assert_int_equal(word_sent(&pair, 1), 3);
    pair.now_ns += 10 * CJD_S - 1;
    assert_int_equal(word_sent(&pair, 1), 3);
    pair.now_ns += 1;
    assert_int_equal(word_sent(&pair, 1), 8);
    assert_false(pair.end[1].ca.has_pending);
    assert_undisturbed(&pair);
    pair_fini(&pair);
}

/* H1: while we transmit as responder, a word under the old secret brings us back. */
static void peer_speaks_again(void **state)
{
    struct pair pair;
    struct box hello;
    struct box copy;

    (void)state;
    start_with_old_hello(&pair, &hello, 10);
    assert_int_equal(end_open(&pair.end[1], copy_of(&copy, &hello), pair.now_ns), 0);
    pair.now_ns += 15 * CJD_S;
    assert_int_equal(word_sent(&pair, 1), 2);
    assert_int_equal(pair_send(&pair, 0, false), 0);
    assert_undisturbed(&pair);
    assert_false(pair.end[1].ca.has_pending);
    pair_fini(&pair);
}

/* §9 with H1: the old session times out. A fresh hello is answered, an old one is not. */
static void old_session_times_out(void **state)
{
    (void)state;
    for (uint64_t age = 5; age <= 15; age += 10) {
        struct pair pair;
        struct box box;
        start_established(&pair, 11);
        pair.now_ns += (60 - age) * CJD_S;
        restart(&pair, &box);
        assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
        pair.now_ns += age * CJD_S;
        assert_int_equal(word_sent(&pair, 1), age == 5 ? 2 : 0);
        assert_false(end_owes_key(&pair.end[1]));
        assert_int_equal(pair.end[1].ca.promotions, age == 5);
        pair_fini(&pair);
    }
}

/* §8 with H1: the same at the end of the counter. */
static void counter_limit_with_pending(void **state)
{
    struct pair pair;
    struct box box;

    (void)state;
    start_established(&pair, 12);
    restart(&pair, &box);
    assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
    end_set_next(&pair.end[1], 0xffffffefu);
    assert_true(cjd_ca_can_send_data(&pair.end[1].ca));
    assert_int_equal(word_sent(&pair, 1), 0xffffffefu);
    assert_false(cjd_ca_can_send_data(&pair.end[1].ca));
    for (int i = 1; i < 4; i++) {
        assert_int_equal(pair_send(&pair, i % 2, false), 0);
    }
    assert_undisturbed(&pair);
    pair_fini(&pair);
}

/* H1: the login of a hello counts when the hello does. */
static void login_changes_with_the_session(void **state)
{
    struct cjd_credentials bob;
    struct cjd_credentials eve;
    struct pair pair;
    struct box box;

    (void)state;
    pair_init(&pair, false, false, 13);
    assert_int_equal(cjd_users_add(pair.end[1].users, "bob", "1", 1, NULL), 0);
    assert_int_equal(cjd_users_add(pair.end[1].users, "eve", "2", 1, NULL), 0);
    cjd_credentials_init(&bob, "bob", "1", 1);
    cjd_credentials_init(&eve, NULL, "2", 1);
    end_session(&pair.end[0], &pair.end[1].self.key, false, &bob, pair.now_ns);
    pair_establish(&pair);
    end_session(&pair.end[0], &pair.end[1].self.key, false, &eve, pair.now_ns);
    end_seal(&pair.end[0], box_message(&box, "hi", 2), false, pair.now_ns);
    assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
    assert_string_equal(pair.end[1].ca.login, "bob");
    assert_int_equal(pair_send(&pair, 1, true), 0);
    assert_int_equal(pair_send(&pair, 0, false), 0);
    assert_string_equal(pair.end[1].ca.login, "eve");
    pair_fini(&pair);
}

/* H2: forged data packets leave no trace, before and after the session is established. */
static void forged_data(void **state)
{
    struct pair pair;
    struct box box;

    (void)state;
    pair_init(&pair, false, false, 14);
    for (int step = 0; step < 6; step++) {
        struct cjd_replay before = end_replay(&pair.end[1]);
        uint32_t next = end_next(&pair.end[1]);
        for (uint32_t counter = 4; counter != 0; counter <<= 1) {
            uint8_t forged[40] = {0};
            cjd_store32(forged, counter);
            struct cjd_pkt *pkt = box_packet(&box, forged, sizeof forged);
            assert_int_not_equal(end_open(&pair.end[1], pkt, pair.now_ns), 0);
        }
        struct cjd_replay after = end_replay(&pair.end[1]);
        assert_memory_equal(&after, &before, sizeof after);
        assert_int_equal(end_next(&pair.end[1]), next);
        assert_int_equal(pair_send(&pair, step % 2, false), 0);
    }
    assert_undisturbed(&pair);
    pair_fini(&pair);
}

/* H3: a handshake has 10 s from its last accepted packet on, not from when the session was made.
 * This one takes 19.6 s. */
static void slow_handshake(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair, false, false, 15);
    for (int step = 0; step < 4; step++) {
        pair.now_ns += 4900 * CJD_MS;
        end_expire(&pair.end[1 - step % 2], pair.now_ns);
        assert_int_equal(pair_send(&pair, step % 2, false), 0);
    }
    assert_undisturbed(&pair);
    pair_fini(&pair);
}

/* H3: repeat hellos and repeat keys count as well. */
static void repeats_keep_a_handshake(void **state)
{
    struct pair pair;

    (void)state;
    pair_init(&pair, false, false, 16);
    for (int i = 0; i < 3; i++) {
        pair.now_ns += 9 * CJD_S;
        assert_int_equal(pair_send(&pair, 0, false), 0);
        assert_int_equal(end_state(&pair.end[1]), CJD_CA_RECEIVED_HELLO);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pair_send(&pair, 1, false), 0);
        assert_int_equal(end_state(&pair.end[0]), CJD_CA_RECEIVED_KEY);
        pair.now_ns += 3 * CJD_S;
    }
    end_expire(&pair.end[0], pair.now_ns + 7 * CJD_S - 1);
    assert_int_equal(end_state(&pair.end[0]), CJD_CA_RECEIVED_KEY);
    end_expire(&pair.end[0], pair.now_ns + 7 * CJD_S);
    assert_int_equal(end_state(&pair.end[0]), CJD_CA_INIT);
    pair_fini(&pair);
}

/* Points of low order besides zero, and non-canonical ones (RFC 7748; libsodium's list). */
static const char *const low_order[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

/* H4: in every state, hellos and key packets alike; and nothing changes. */
static void temporary_keys_of_low_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof low_order / sizeof low_order[0]; i++) {
        for (int steps = 0; steps < 5; steps++) {
            struct pair pair;
            struct box box;
            uint8_t temp[32];
            assert_int_equal(test_unhex(temp, sizeof temp, low_order[i]), 32);
            pair_init(&pair, false, false, 17);
            for (int step = 0; step < steps; step++) {
                assert_int_equal(pair_send(&pair, step % 2, false), 0);
            }
            struct craft craft = {.word = (uint32_t)i % 2,
                                  .secret = pair.end[0].self.secret,
                                  .key = &pair.end[1].self.key,
                                  .from = &pair.end[0].self.key,
                                  .temp = temp};
            int before = end_state(&pair.end[1]);
            assert_int_equal(end_open(&pair.end[1], craft_packet(&box, &craft), pair.now_ns),
                             CJD_CA_HANDSHAKE_DECRYPT);
            assert_int_equal(end_state(&pair.end[1]), before);
            assert_false(pair.end[1].ca.has_pending || pair.end[1].ca.owes_key);
            for (int step = steps; step < 6; step++) {
                assert_int_equal(pair_send(&pair, step % 2, false), 0);
            }
            pair_fini(&pair);
        }
    }
}

static void key_packets_of_low_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof low_order / sizeof low_order[0]; i++) {
        for (int steps = 1; steps < 4; steps += 2) {
            struct pair pair;
            struct box box;
            uint8_t temp[32];
            assert_int_equal(test_unhex(temp, sizeof temp, low_order[i]), 32);
            pair_init(&pair, false, false, 18);
            for (int step = 0; step < steps; step++) {
                assert_int_equal(pair_send(&pair, step % 2, false), 0);
            }
            struct craft craft = {.word = 2,
                                  .secret = pair.end[1].self.secret,
                                  .key = &pair.end[0].ca.live.temp_key,
                                  .from = &pair.end[1].self.key,
                                  .temp = temp};
            uint32_t next = end_next(&pair.end[0]);
            assert_int_equal(end_open(&pair.end[0], craft_packet(&box, &craft), pair.now_ns),
                             CJD_CA_HANDSHAKE_DECRYPT);
            assert_int_equal(end_next(&pair.end[0]), next);
            for (int step = steps; step < 6; step++) {
                assert_int_equal(pair_send(&pair, step % 2, false), 0);
            }
            pair_fini(&pair);
        }
    }
}

static bool is_zero(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= p[i];
    }
    return any == 0;
}

/* H9: what the session secret was made of goes when it is confirmed, the rest with the session. */
static void secrets_are_erased(void **state)
{
    struct pair pair;
    struct box box;

    (void)state;
    pair_init(&pair, false, false, 19);
    for (int step = 0; step < 4; step++) {
        assert_int_equal(pair_send(&pair, step % 2, false), 0);
        for (int i = 0; i < 2; i++) {
            const struct cjd_ca_half *half = &pair.end[i].ca.live;
            if (half->is_established) {
                assert_true(is_zero(half->temp_secret, 32) && is_zero(half->key_shared, 32));
            }
        }
    }
    restart(&pair, &box);
    assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
    assert_int_equal(pair_send(&pair, 1, true), 0);
    assert_false(is_zero(pair.end[1].ca.pending.temp_secret, 32));
    assert_int_equal(pair_send(&pair, 0, false), 0);
    assert_true(is_zero(&pair.end[1].ca.pending, sizeof pair.end[1].ca.pending));
    assert_true(is_zero(pair.end[1].ca.live.temp_secret, 32));
    cjd_ca_reset(&pair.end[1].ca);
    assert_true(is_zero(&pair.end[1].ca.live, sizeof pair.end[1].ca.live));
    cjd_ca_fini(&pair.end[1].ca);
    assert_true(is_zero(&pair.end[1].ca, sizeof pair.end[1].ca));
    pair_fini(&pair);
}

/* The memory of hellos is a ring; what falls out is forgotten, stale or not. */
static void memory_is_bounded(void **state)
{
    struct cjd_ca_recent recent = {.count = 0};
    struct cjd_key key[CJD_CA_RECENT + 2] = {{{0}}};

    (void)state;
    for (unsigned i = 0; i < CJD_CA_RECENT + 2; i++) {
        key[i].b[7] = (uint8_t)(i + 1);
    }
    assert_false(cjd_recent_is_stale(&recent, &key[0]));
    cjd_recent_add(&recent, &key[0]);
    cjd_recent_add(&recent, &key[0]);
    assert_int_equal(recent.count, 1);
    assert_false(cjd_recent_is_stale(&recent, &key[0]));
    cjd_recent_retire_all(&recent);
    assert_true(cjd_recent_is_stale(&recent, &key[0]));
    assert_false(cjd_recent_is_stale(&recent, &key[1]));
    for (unsigned i = 1; i <= CJD_CA_RECENT; i++) {
        cjd_recent_add(&recent, &key[i]);
    }
    assert_false(cjd_recent_is_stale(&recent, &key[0]));
    assert_false(cjd_recent_is_stale(&recent, &key[CJD_CA_RECENT]));
    cjd_recent_retire_all(&recent);
    cjd_recent_add(&recent, &key[CJD_CA_RECENT + 1]);
    for (unsigned i = 0; i < CJD_CA_RECENT + 2; i++) {
        assert_int_equal(cjd_recent_is_stale(&recent, &key[i]), i >= 2 && i <= CJD_CA_RECENT);
    }
}

/* H1 from the key packet on: hellos cross, the loser yields and answers, and the hello it had sent
 * before comes by a longer way when the winner has its key already. */
static void crossing_hello_comes_late(void **state)
{
    struct pair pair;
    struct box late;
    struct box hello;

    (void)state;
    pair_init(&pair, false, false, 3);
    bool is_first_lower =
        memcmp(&pair.end[0].self.key, &pair.end[1].self.key, sizeof(struct cjd_key)) < 0;
    int winner = is_first_lower ? 0 : 1;
    int loser = 1 - winner;
    end_seal(&pair.end[loser], box_message(&late, "late", 4), false, pair.now_ns);
    end_seal(&pair.end[winner], box_message(&hello, "hello", 5), false, pair.now_ns);
    assert_int_equal(end_open(&pair.end[loser], &hello.pkt, pair.now_ns), 0);
    assert_int_equal(pair_send(&pair, loser, true), 0);
    assert_int_equal(end_state(&pair.end[winner]), CJD_CA_RECEIVED_KEY);
    assert_int_equal(end_open(&pair.end[winner], &late.pkt, pair.now_ns), 0);
    assert_int_equal(end_state(&pair.end[winner]), CJD_CA_RECEIVED_KEY);
    assert_true(pair.end[winner].ca.has_pending);
    /* No round trip is lost: data both ways. */
    assert_int_equal(pair_send(&pair, winner, false), 0);
    assert_int_equal(pair_send(&pair, loser, false), 0);
    assert_undisturbed(&pair);
    pair_fini(&pair);
}

/* The same situation, but the hello is genuine: the peer restarted just after its key packet. */
static void restart_after_the_key_packet(void **state)
{
    struct pair pair;
    struct box box;

    (void)state;
    pair_init(&pair, false, false, 4);
    assert_int_equal(pair_send(&pair, 1, false), 0);
    assert_int_equal(pair_send(&pair, 0, true), 0);
    assert_int_equal(end_state(&pair.end[1]), CJD_CA_RECEIVED_KEY);
    restart(&pair, &box);
    assert_int_equal(end_open(&pair.end[1], &box.pkt, pair.now_ns), 0);
    assert_int_equal(pair_send(&pair, 1, true), 0);
    assert_int_equal(pair_send(&pair, 0, false), 0);
    assert_int_equal(pair.end[1].ca.promotions, 1);
    assert_int_equal(pair_send(&pair, 1, false), 0);
    assert_undisturbed(&pair);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genuine_restart),
        cmocka_unit_test(only_answers_go_to_the_pending_half),
        cmocka_unit_test(repeat_hellos_are_answered),
        cmocka_unit_test(second_restart),
        cmocka_unit_test(crossing_hello_comes_late),
        cmocka_unit_test(restart_after_the_key_packet),
        cmocka_unit_test(replayed_hello),
        cmocka_unit_test(proven_replay_is_remembered),
        cmocka_unit_test(overtaken_hellos_are_remembered),
        cmocka_unit_test(silent_peer),
        cmocka_unit_test(silent_peer_after_a_replay),
        cmocka_unit_test(peer_speaks_again),
        cmocka_unit_test(old_session_times_out),
        cmocka_unit_test(counter_limit_with_pending),
        cmocka_unit_test(login_changes_with_the_session),
        cmocka_unit_test(forged_data),
        cmocka_unit_test(slow_handshake),
        cmocka_unit_test(repeats_keep_a_handshake),
        cmocka_unit_test(temporary_keys_of_low_order),
        cmocka_unit_test(key_packets_of_low_order),
        cmocka_unit_test(secrets_are_erased),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests_name("crypto_hardening", tests, NULL, NULL);
}
