/* The session room: table, handles, waiting packets, and what comes in. */
#include "end.h"

#include <base/wire.h>

#define FAR_LABEL 0x513u

static struct cjd_addr nobody(unsigned n)
{
    return (struct cjd_addr){{0xfc, 0x77, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n}};
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void waiting_for_one(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 1, CJD_MS);
    for (uint8_t i = 1; i <= 20; i++) {
        end_user(&pair.end[0], pair_addr(&pair, 1), i, 10);
    }
    assert_int_equal(pair_session(&pair, 0).waiting, 16);
    assert_int_equal(end_dropped(&pair.end[0], CJD_DROP_SESSION_FULL), 4);
    assert_int_equal(pair.end[0].wants, 1);
    assert_int_equal(pair.end[0].sent_count, 0);
    pair_know(&pair, 1, 0);
    pair_know(&pair, 0, 0);
    pair_run(&pair, 20 * CJD_MS);
    /* The oldest have gone; the rest in order. */
    assert_int_equal(pair.end[1].contents, 16);
    for (uint8_t i = 0; i < 16; i++) {
        assert_int_equal(pair.end[1].order[i], i + 5);
    }
    assert_int_equal(pair_session(&pair, 0).waiting, 0);
    pair_fini(&pair);
}

static void waiting_in_all(void **state)
{
    (void)state;
    struct end e;
    end_init(&e, 2, 0);
    for (unsigned i = 0; i < 40; i++) {
        struct cjd_addr to = nobody(i);
        for (uint8_t k = 0; k < 16; k++) {
            end_user(&e, &to, k, 10);
        }
    }
    assert_int_equal(cjd_pool_in_use(e.pool), 512);
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_FULL), 128);
    assert_int_equal(cjd_sessions_count(e.sessions), 40);
    /* Given up, all of them, 10 s after the first packet (session notes §3.3). */
    end_run(&e, 9900 * CJD_MS);
    assert_int_equal(e.undeliverable, 0);
    end_run(&e, 300 * CJD_MS);
    assert_int_equal(e.undeliverable, 512);
    assert_int_equal(e.undeliverable_mtu, 0);
    assert_int_equal(e.undeliverable_len, 14);
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_NO_ROUTE), 512);
    assert_int_equal(cjd_pool_in_use(e.pool), 0);
    end_fini(&e);
}

static void failed_search(void **state)
{
    (void)state;
    struct end e;
    struct cjd_addr to = nobody(1);
    end_init(&e, 3, 0);
    end_user(&e, &to, 1, 10);
    end_run(&e, 4900 * CJD_MS);
    cjd_sessions_no_path(e.sessions, &to, e.now_ns);
    assert_int_equal(e.undeliverable, 0); /* the next search may find it */
    end_run(&e, 200 * CJD_MS);
    cjd_sessions_no_path(e.sessions, &to, e.now_ns);
    assert_int_equal(e.undeliverable, 1);
    struct cjd_addr other = nobody(2);
    cjd_sessions_no_path(e.sessions, &other, e.now_ns);
    assert_int_equal(e.undeliverable, 1);
    end_fini(&e);
}

/* While something waits a path is wanted each second; afterwards twice a minute as for any used
 * session (session notes §3.4), and not at all once the user has stopped for two. */
static void wanting(void **state)
{
    (void)state;
    struct end e;
    struct cjd_addr to = nobody(1);
    end_init(&e, 4, 0);
    end_user(&e, &to, 1, 10);
    assert_int_equal(e.wants, 1);
    end_run(&e, 10200 * CJD_MS);
    assert_in_range(e.wants, 8, 11);
    assert_int_equal(e.undeliverable, 1);
    end_forget(&e);
    end_run(&e, 100 * CJD_S);
    assert_in_range(e.wants, 3, 4);
    end_forget(&e);
    end_run(&e, 300 * CJD_S);
    assert_in_range(e.wants, 0, 1);
    assert_int_equal(cjd_sessions_count(e.sessions), 0);
    end_fini(&e);
}

static void no_wait(void **state)
{
    (void)state;
    struct end e;
    struct cjd_addr to = nobody(1);
    end_init(&e, 5, 0);
    end_user_type(&e, &to, 300, 10, true);
    assert_int_equal(cjd_sessions_count(e.sessions), 0);
    assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_NO_ROUTE), 1);
    end_user(&e, &to, 1, 10);
    end_user_type(&e, &to, 300, 10, true);
    assert_int_equal(cjd_pool_in_use(e.pool), 1);
    assert_int_equal(e.undeliverable, 0);
    end_fini(&e);
}

/* --- table ------------------------------------------------------------------------------------ */

static void keyless_bound(void **state)
{
    (void)state;
    struct end e;
    struct cjd_session_info info;
    end_init(&e, 6, 0);
    for (unsigned i = 0; i < 100; i++) {
        struct cjd_addr to = nobody(i);
        end_user(&e, &to, 1, 10);
        e.now_ns += CJD_MS;
    }
    assert_int_equal(cjd_sessions_count(e.sessions), 64);
    assert_int_equal(e.undeliverable, 36);
    for (unsigned i = 0; i < 100; i++) {
        struct cjd_addr to = nobody(i);
        assert_int_equal(end_session(&e, &to, &info), i >= 36);
    }
    end_fini(&e);
}

/* Sessions that carry user traffic outlive those that do not; among equals the one used last. */
static void eviction(void **state)
{
    (void)state;
    struct end e;
    struct far far[6];
    struct cjd_session_info info;
    end_init(&e, 7, 4);
    for (unsigned i = 0; i < 6; i++) {
        far_init(&far[i], 10 + i, &e);
    }
    for (unsigned i = 0; i < 4; i++) {
        far_establish(&far[i], &e, FAR_LABEL + 0x100 * i);
        e.now_ns += CJD_MS;
    }
    /* 0 and 2 carry user traffic, 1 was heard after 3. */
    end_user(&e, &far[0].self.addr, 1, 10);
    end_user(&e, &far[2].self.addr, 1, 10);
    far_send(&far[1], &e, FAR_LABEL + 0x100, CJD_CONTENT_DHT, "r", 1);
    assert_int_equal(cjd_sessions_count(e.sessions), 4);
    far_establish(&far[4], &e, FAR_LABEL + 0x400);
    assert_int_equal(cjd_sessions_count(e.sessions), 4);
    assert_false(end_session(&e, &far[3].self.addr, &info));
    far_establish(&far[5], &e, FAR_LABEL + 0x500);
    assert_false(end_session(&e, &far[1].self.addr, &info));
    assert_true(end_session(&e, &far[0].self.addr, &info));
    /* All carry user traffic: the one not used for longest goes. */
    end_user(&e, &far[4].self.addr, 1, 10);
    end_user(&e, &far[5].self.addr, 1, 10);
    struct cjd_addr to = nobody(1);
    end_user(&e, &to, 1, 10);
    assert_false(end_session(&e, &far[0].self.addr, &info));
    assert_true(end_session(&e, &far[2].self.addr, &info));
    assert_int_equal(cjd_sessions_count(e.sessions), 4);
    for (unsigned i = 0; i < 6; i++) {
        far_fini(&far[i]);
    }
    end_fini(&e);
}

static void idle_end(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 8, 0);
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    end_run(&e, 50 * CJD_S);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "r", 1);
    end_run(&e, 119 * CJD_S);
    assert_int_equal(cjd_sessions_count(e.sessions), 1);
    end_run(&e, 2 * CJD_S);
    assert_int_equal(cjd_sessions_count(e.sessions), 0);
    assert_int_equal(e.wants + e.doubts + e.pinged, 0); /* nothing is done for it meanwhile */
    far_fini(&far);
    end_fini(&e);
}

/* Many nodes were asked something once: their sessions make room, the one with a user stays. */
static void crowd_thins_out(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 18, 50);
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    struct cjd_session_path path = end_path_to(&far.self, FAR_LABEL);
    end_path(&e, &path);
    end_user(&e, &far.self.addr, 1, 10);
    for (unsigned i = 0; i < 30; i++) {
        struct cjd_session_path p = end_path_to(end_keys(50 + i), 0x115 + 2 * i);
        end_query(&e, &p);
    }
    assert_int_equal(cjd_sessions_count(e.sessions), 31);
    end_run(&e, 25 * CJD_S);
    assert_int_equal(cjd_sessions_count(e.sessions), 31);
    end_run(&e, 10 * CJD_S);
    assert_in_range(cjd_sessions_count(e.sessions), 5, 10);
    struct cjd_session_info info;
    assert_true(end_session(&e, &far.self.addr, &info));
    end_run(&e, 90 * CJD_S);
    assert_in_range(cjd_sessions_count(e.sessions), 0, 1);
    far_fini(&far);
    end_fini(&e);
}

static void used_session_is_refreshed(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 9, CJD_MS);
    pair_establish(&pair);
    for (unsigned i = 0; i < 100; i++) {
        end_user(&pair.end[0], pair_addr(&pair, 1), 1, 10);
        end_user(&pair.end[1], pair_addr(&pair, 0), 1, 10);
        pair_run(&pair, CJD_S);
    }
    assert_in_range(pair.end[0].wants, 3, 4);
    assert_int_equal(pair.end[0].doubts + pair.end[1].doubts, 0);
    assert_int_equal(pair.end[0].contents, 100);
    pair_fini(&pair);
}

/* --- handles ---------------------------------------------------------------------------------- */

static void handles(void **state)
{
    (void)state;
    struct end e;
    struct far far[3];
    uint32_t first = 0;
    end_init(&e, 10, 0);
    for (unsigned i = 0; i < 3; i++) {
        far_init(&far[i], 10 + i, &e);
        far_establish(&far[i], &e, FAR_LABEL + 0x100 * i);
        struct cjd_session_info info;
        assert_true(end_session(&e, &far[i].self.addr, &info));
        assert_int_equal(info.rx_handle, far[i].tx_handle);
        assert_int_equal(info.tx_handle, far[i].handle);
        first = i == 0 ? info.rx_handle : first;
        assert_int_equal(info.rx_handle, first + i); /* never used twice (session notes §1.1) */
        assert_in_range(info.rx_handle, 4, 100002);
    }
    /* As initiator: in the hello and in each repetition. */
    const struct cjd_keypair *other = end_keys(20);
    struct far answerer;
    far_init(&answerer, 20, &e);
    end_forget(&e);
    struct cjd_session_path path = end_path_to(other, FAR_LABEL);
    for (uint32_t i = 0; i < 3; i++) {
        end_query(&e, &path);
        assert_int_equal(e.sent[i].word, i == 0 ? 0 : 1);
        assert_int_equal(e.sent[i].label, FAR_LABEL);
        assert_int_equal(far_open(&answerer, &e.sent[i], e.now_ns), CJD_CA_OK);
        assert_int_equal(answerer.tx_handle, first + 3);
    }
    far_fini(&answerer);
    for (unsigned i = 0; i < 3; i++) {
        far_fini(&far[i]);
    }
    end_fini(&e);
}

/* The handle of a hello beside a running session counts when that session gives way. */
static void pending_handle(void **state)
{
    (void)state;
    struct end e;
    struct far old;
    struct far far;
    struct cjd_session_info info;
    end_init(&e, 11, 0);
    far_init(&old, 10, &e);
    far_establish(&old, &e, FAR_LABEL);
    far_init(&far, 10, &e);
    cjd_rng_u64(&far.node.rng);
    far_restart(&far, &e, 7777);

    e.answers = true;
    end_forget(&e);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    assert_int_equal(e.sent_count, 1); /* the answer is the key packet */
    assert_int_equal(e.sent[0].word, 2);
    assert_int_equal(far_open(&far, &e.sent[0], e.now_ns), CJD_CA_OK);
    assert_int_equal(far.bytes[4], 'r');
    assert_true(end_session(&e, &old.self.addr, &info));
    assert_int_equal(info.tx_handle, old.handle);
    end_user(&e, &old.self.addr, 1, 10);
    assert_int_equal(e.sent[1].word, old.handle);
    assert_int_equal(far_open(&old, &e.sent[1], e.now_ns), CJD_CA_OK);

    far_send(&far, &e, FAR_LABEL, 17, "x", 1);
    assert_int_equal(e.contents, 1);
    assert_true(end_session(&e, &old.self.addr, &info));
    assert_int_equal(info.tx_handle, 7777);
    end_user(&e, &old.self.addr, 1, 10);
    assert_int_equal(e.sent[2].word, 7777);
    assert_int_equal(far_open(&far, &e.sent[2], e.now_ns), CJD_CA_OK);
    far_fini(&old);
    far_fini(&far);
    end_fini(&e);
}

/* The old session ran out of time and the pending one took its place; then the other end restarted
 * once more. Its last word counts. */
static void pending_handle_by_time(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_session_info info;
    end_init(&e, 12, 0);
    e.answers = true;
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    end_run(&e, 55 * CJD_S);
    far_restart(&far, &e, 7777);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    end_run(&e, 6 * CJD_S);
    far_restart(&far, &e, 8888);
    far_establish(&far, &e, FAR_LABEL);
    assert_true(end_session(&e, &far.self.addr, &info));
    assert_int_equal(info.state, CJD_CA_ESTABLISHED);
    assert_int_equal(info.tx_handle, 8888);
    far_fini(&far);
    end_fini(&e);
}

/* --- what travels in handshake packets -------------------------------------------------------- */

/* No answer comes: hellos with router messages in them, no user data, ever. */
static void no_user_data_in_handshakes(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 13, 0);
    e.pings = true;
    far_init(&far, 10, &e);
    struct cjd_session_path path = end_path_to(&far.self, FAR_LABEL);
    end_user(&e, &far.self.addr, 1, 10);
    end_path(&e, &path);
    for (unsigned i = 0; i < 50; i++) {
        end_user(&e, &far.self.addr, 1, 10);
        end_run(&e, 150 * CJD_MS);
    }
    assert_in_range(e.sent_count, 6, 12); /* pushed again, ever more slowly */
    for (unsigned i = 0; i < e.sent_count; i++) {
        assert_int_equal(far_open(&far, &e.sent[i], e.now_ns), CJD_CA_OK);
        assert_int_equal(cjd_load16(far.bytes + 2), CJD_CONTENT_DHT);
    }
    /* As responder likewise, until data comes. */
    far_restart(&far, &e, 99);
    end_run(&e, 20 * CJD_S);
    end_forget(&e);
    e.answers = true;
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    end_user(&e, &far.self.addr, 1, 10);
    end_run(&e, 1500 * CJD_MS);
    assert_true(e.sent_count > 1);
    for (unsigned i = 0; i < e.sent_count; i++) {
        assert_in_range(e.sent[i].word, 0, 3);
        if (e.sent[i].word >= 2) {
            (void)far_open(&far, &e.sent[i], e.now_ns);
            assert_int_equal(cjd_load16(far.bytes + 2), CJD_CONTENT_DHT);
        }
    }
    end_forget(&e);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "r", 1);
    assert_int_equal(e.sent_count, 1); /* released */
    assert_int_equal(e.sent[0].word, far.handle);
    far_fini(&far);
    end_fini(&e);
}

/* What can be replayed may only ask; but its handle counts (session notes §9, 4). */
static void content_of_handshakes(void **state)
{
    (void)state;
    static const uint32_t dropped[] = {0, 17, 58, 255, 257, 300, 0xffff};
    struct end e;
    struct far far;
    struct cjd_session_info info;
    end_init(&e, 14, 0);
    far_init(&far, 10, &e);
    for (unsigned i = 0; i < sizeof dropped / sizeof dropped[0]; i++) {
        far.handle = 500 + i;
        far_send(&far, &e, FAR_LABEL, dropped[i], "x", 1);
        assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_TYPE), i + 1);
        assert_true(end_session(&e, &far.self.addr, &info));
        assert_int_equal(info.tx_handle, 500 + i);
    }
    assert_int_equal(e.contents + e.queries, 0);
    far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
    assert_int_equal(e.queries, 1);
    assert_true(e.from.is_replayable);
    assert_int_equal(e.from.label, FAR_LABEL);
    assert_memory_equal(&e.from.key, &far.self.key, 32);
    assert_memory_equal(&e.from.addr, &far.self.addr, 16);
    assert_int_equal(e.content_len, 1);
    far_fini(&far);
    end_fini(&e);
}

/* Illegal handles and packets that end after one. */
static void odd_payloads(void **state)
{
    (void)state;
    static const uint32_t illegal[] = {0, 1, 2, 3, 0xffffffff};
    struct end e;
    struct far far;
    struct cjd_session_info info;
    end_init(&e, 15, 0);
    far_init(&far, 10, &e);
    for (unsigned i = 0; i < sizeof illegal / sizeof illegal[0]; i++) {
        far.handle = illegal[i];
        far_send(&far, &e, FAR_LABEL, CJD_CONTENT_DHT, "q", 1);
        assert_int_equal(end_dropped(&e, CJD_DROP_SESSION_RUNT), i + 1);
    }
    assert_true(end_session(&e, &far.self.addr, &info));
    assert_int_equal(info.tx_handle, 0);
    assert_int_equal(e.queries, 0);
    /* A bare handle. */
    struct cjd_pkt *pkt = cjd_pool_take(far.pool, 64);
    cjd_pkt_put(pkt, 4);
    cjd_store32(cjd_pkt_data(pkt), 600);
    assert_int_equal(cjd_ca_seal(&far.ca, pkt, e.now_ns), 0);
    assert_int_equal(pkt->len, 124);
    end_rx(&e, FAR_LABEL, false, cjd_pkt_data(pkt), pkt->len);
    cjd_pool_give(far.pool, pkt);
    assert_true(end_session(&e, &far.self.addr, &info));
    assert_int_equal(info.tx_handle, 600);
    assert_int_equal(e.queries + e.contents, 0);
    far_fini(&far);
    end_fini(&e);
}

/* Data header version, flags and the unused byte are not looked at (session notes §1.2). */
static void data_header_is_not_judged(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 16, 0);
    far_init(&far, 10, &e);
    far_establish(&far, &e, FAR_LABEL);
    struct cjd_pkt *pkt = cjd_pool_take(far.pool, 64);
    cjd_pkt_put(pkt, 5);
    memcpy(cjd_pkt_data(pkt), "\x7f\xff\x00\x11!", 5);
    assert_int_equal(cjd_ca_seal(&far.ca, pkt, e.now_ns), 0);
    cjd_pkt_push(pkt, 4);
    cjd_store32(cjd_pkt_data(pkt), far.tx_handle);
    end_rx(&e, FAR_LABEL, false, cjd_pkt_data(pkt), pkt->len);
    cjd_pool_give(far.pool, pkt);
    assert_int_equal(e.contents, 1);
    assert_int_equal(e.from.type, 17);
    assert_false(e.from.is_replayable);
    assert_int_equal(e.content[0], '!');
    far_fini(&far);
    end_fini(&e);
}

/* --- sizes ------------------------------------------------------------------------------------ */

/* A user packet whose IPv6 packet has so many bytes. */
static void user_ip6(struct end *e, const struct cjd_addr *to, uint32_t type, uint32_t ip6_bytes)
{
    end_user_type(e, to, type, ip6_bytes - 40, false);
}

static void too_big(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 17, CJD_MS);
    struct end *e = &pair.end[0];
    const struct cjd_addr *to = pair_addr(&pair, 1);
    pair_establish(&pair);

    static const uint32_t mtus[] = {1480, 1300, 1281, 1280, 1000};
    for (unsigned i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        uint32_t fits = mtus[i] < 1280 ? 1280 : mtus[i];
        e->frame_mtu = mtus[i];
        end_forget(e);
        user_ip6(e, to, 17, fits);
        assert_int_equal(e->sent_count, 1);
        assert_int_equal(e->sent[0].len + CJD_SWITCH_HEADER_BYTES, fits);
        user_ip6(e, to, 17, fits + 1);
        user_ip6(e, to, 17, 1900);
        assert_int_equal(e->sent_count, 1);
        assert_int_equal(e->undeliverable, 2);
        assert_int_equal(e->undeliverable_mtu, fits);
        assert_int_equal(e->undeliverable_len, 1900 - 40 + 4);
    }
    /* No IPv6 packet of this machine, and no hop to ask. */
    user_ip6(e, to, CJD_CONTENT_IPTUN, 1900);
    assert_int_equal(e->sent_count, 2);
    e->frame_mtu = 0;
    user_ip6(e, to, 17, 1900);
    assert_int_equal(e->sent_count, 3);
    pair_fini(&pair);
}

static void too_big_while_waiting(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 18, CJD_MS);
    struct end *e = &pair.end[0];
    user_ip6(e, pair_addr(&pair, 1), 17, 1400);
    user_ip6(e, pair_addr(&pair, 1), 17, 1300);
    e->frame_mtu = 1350;
    pair_know(&pair, 1, 0);
    pair_know(&pair, 0, 0);
    pair_run(&pair, 20 * CJD_MS);
    assert_int_equal(pair.end[1].contents, 1);
    assert_int_equal(e->undeliverable, 1);
    assert_int_equal(e->undeliverable_mtu, 1350);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_one),
        cmocka_unit_test(waiting_in_all),
        cmocka_unit_test(failed_search),
        cmocka_unit_test(wanting),
        cmocka_unit_test(no_wait),
        cmocka_unit_test(keyless_bound),
        cmocka_unit_test(eviction),
        cmocka_unit_test(idle_end),
        cmocka_unit_test(crowd_thins_out),
        cmocka_unit_test(used_session_is_refreshed),
        cmocka_unit_test(handles),
        cmocka_unit_test(pending_handle),
        cmocka_unit_test(pending_handle_by_time),
        cmocka_unit_test(no_user_data_in_handshakes),
        cmocka_unit_test(content_of_handshakes),
        cmocka_unit_test(odd_payloads),
        cmocka_unit_test(data_header_is_not_judged),
        cmocka_unit_test(too_big),
        cmocka_unit_test(too_big_while_waiting),
    };
    return cmocka_run_group_tests_name("session_sessions", tests, NULL, NULL);
}
