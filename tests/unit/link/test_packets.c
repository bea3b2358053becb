/* What the link room does with packets: before there is a session, beside one, sizes, counters. */
#include "end.h"

#include <base/wire.h>
#include <cjd/version.h>

/* --- before there is a session ---------------------------------------------------------------- */

static void only_for_self_before_established(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    uint8_t ping[128];
    uint32_t len = frame_ping(ping, false, CJD_PROTOCOL, "x", 1);
    end_init(&e, 15);
    far_init(&far, 150, 1, &e, END_LOGIN);

    ping[7] = 0x13;
    far_send(&far, &e, ping, len);
    assert_int_equal(end_peers(&e), 1); /* the peer is made all the same (link notes §5.4) */
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_NOT_SELF), 1);
    far_send(&far, &e, ping, 7);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_NOT_SELF), 2);
    assert_int_equal(e.frames, 0);
    ping[7] = 1;
    far_send(&far, &e, ping, len);
    assert_int_equal(e.frames, 1);
    /* We keep the same rule: what is not for the neighbour itself would be dropped there. */
    end_forget(&e);
    end_send(&e, 0, 0x13, 40);
    assert_int_equal(e.sent_count, 0);
    end_send(&e, 0, 1, 40);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(end_word(&e.sent[0]), 3);

    far_establish(&far, &e);
    uint64_t frames = e.frames;
    ping[7] = 0x13;
    far_send(&far, &e, ping, len);
    assert_int_equal(e.frames, frames + 1);
    end_forget(&e);
    end_send(&e, 0, 0x13, 40);
    assert_int_equal(e.sent_count, 1);
    far_fini(&far);
    end_fini(&e);
}

/* An empty first hello makes a peer, which is asked back and answered with a key packet. */
static void empty_hello(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    uint32_t n;
    end_init(&e, 16);
    far_init(&far, 160, 1, &e, END_LOGIN);
    far_send(&far, &e, NULL, 0);
    assert_int_equal(e.frames, 0);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(end_word(&e.sent[0]), 2);
    assert_int_equal(far_open(&far, &e.sent[0], e.now_ns), CJD_CA_OK);
    assert_non_null(frame_cookie(far.bytes, far.len, &n));
    assert_int_equal(n, 8);
    assert_int_equal(cjd_load32(far.bytes + 24), END_VERSION);
    /* States are updated by what arrives (link notes §5.1). */
    assert_int_equal(end_peer(&e, 1u << 16).state, CJD_CA_RECEIVED_HELLO);
    far_fini(&far);
    end_fini(&e);
}

/* --- a hello on an established session -------------------------------------------------------- */

static void hello_beside_session(void **state)
{
    (void)state;
    struct end e;
    struct far old;
    struct far far;
    uint8_t ping[128];
    uint32_t n;
    uint32_t len = frame_ping(ping, false, CJD_PROTOCOL, "abcdefgh", 8);
    end_init(&e, 17);
    far_init(&old, 170, 1, &e, END_LOGIN);
    far_init(&far, 170, 1, &e, END_LOGIN); /* the same node, restarted */
    far_establish(&old, &e);
    uint64_t frames = e.frames;

    /* Not for this router: not delivered. The key packet owed is sent empty. */
    end_forget(&e);
    cjd_rng_u64(&far.node.rng);
    ping[7] = 0x13;
    far_send(&far, &e, ping, len);
    assert_int_equal(e.frames, frames);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_NOT_SELF), 1);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(end_word(&e.sent[0]), 2);
    assert_int_equal(e.sent[0].len, CJD_CA_HANDSHAKE_BYTES);

    /* For this router: the pong travels in the key packet, nothing else is sent. */
    end_forget(&e);
    ping[7] = 1;
    far_send(&far, &e, ping, len);
    assert_int_equal(e.frames, frames + 1);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(end_word(&e.sent[0]), 3);
    assert_int_equal(far_open(&far, &e.sent[0], e.now_ns), CJD_CA_OK);
    assert_memory_equal(frame_cookie(far.bytes, far.len, &n), "abcdefgh", 8);

    /* Until data proves it, the old session goes on both ways. */
    end_forget(&e);
    end_send(&e, 0, 0x13, 40);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(far_open(&old, &e.sent[0], e.now_ns), CJD_CA_OK);
    far_send(&old, &e, ping, len);
    assert_int_equal(e.frames, frames + 2);
    assert_int_equal(e.downs, 0);

    /* Then the neighbour is gone and back: its labels are new. */
    far_send(&far, &e, ping, len);
    assert_int_equal(e.frames, frames + 3);
    assert_int_equal(e.downs, 1);
    assert_int_equal(e.ups, 2);
    far_fini(&old);
    far_fini(&far);
    end_fini(&e);
}

/* A while after its last ping the end asks back, in a key packet: the pong is the data that brings
 * the new session into force. */
static void hello_beside_session_is_asked(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    uint8_t ping[128];
    uint8_t pong[128];
    uint32_t n;
    end_init(&e, 23);
    far_init(&far, 230, 1, &e, END_LOGIN);
    far_establish(&far, &e);
    end_run(&e, 100 * CJD_MS);
    far_restart(&far, &e, END_LOGIN);
    end_forget(&e);
    far_send(&far, &e, ping, frame_ping(ping, false, CJD_PROTOCOL, "x", 1));
    assert_int_equal(e.sent_count, 2);
    assert_int_equal(end_word(&e.sent[0]), 2);
    assert_int_equal(end_word(&e.sent[1]), 3);
    assert_int_equal(far_open(&far, &e.sent[0], e.now_ns), CJD_CA_OK);
    assert_int_equal(far_open(&far, &e.sent[1], e.now_ns), CJD_CA_OK);
    const uint8_t *cookie = frame_cookie(far.bytes, far.len, &n);
    assert_non_null(cookie);
    far_send(&far, &e, pong, frame_ping(pong, true, CJD_PROTOCOL, cookie, n));
    assert_int_equal(e.ups, 2);
    assert_int_equal(e.downs, 1);
    far_fini(&far);
    end_fini(&e);
}

static void send_transit(struct end *end, uint32_t iface)
{
    end->on_frame = NULL;
    struct cjd_pkt *pkt = cjd_pool_take(end->pool, 40);
    cjd_pkt_put(pkt, 40);
    memset(cjd_pkt_data(pkt), 0x55, 40);
    cjd_links_send(end->links, iface, pkt, end->now_ns);
}

/* Only what is for the neighbour itself may take the key packet with it: it cannot read that if
 * the hello was a replay, and drops what is not for itself. */
static void transit_does_not_pay_the_key(void **state)
{
    (void)state;
    struct end e;
    struct far old;
    struct far far;
    uint8_t ping[128];
    end_init(&e, 18);
    far_init(&old, 180, 1, &e, END_LOGIN);
    far_init(&far, 180, 1, &e, END_LOGIN);
    far_establish(&old, &e);
    end_forget(&e);
    cjd_rng_u64(&far.node.rng);
    e.on_frame = send_transit;
    far_send(&far, &e, ping, frame_ping(ping, false, CJD_PROTOCOL, "x", 1));
    assert_int_equal(e.sent_count, 2);
    assert_int_equal(far_open(&old, &e.sent[0], e.now_ns), CJD_CA_OK);
    assert_int_equal(old.len, 40);
    assert_int_equal(end_word(&e.sent[1]), 2);
    assert_int_equal(far_open(&far, &e.sent[1], e.now_ns), CJD_CA_OK);
    far_fini(&old);
    far_fini(&far);
    end_fini(&e);
}

/* --- sizes ------------------------------------------------------------------------------------ */

static void sizes(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 19);
    far_init(&far, 190, 1, &e, END_LOGIN);
    far_establish(&far, &e);
    uint32_t mtu = cjd_links_frame_mtu(e.links, 0);
    assert_int_equal(mtu, END_MTU - CJD_CA_DATA_BYTES);
    assert_int_equal(cjd_links_frame_mtu(e.links, 1), 0);
    assert_int_equal(cjd_links_frame_mtu(e.links, 2), 0);
    assert_int_equal(cjd_links_frame_mtu(e.links, 0xffffffff), 0);

    end_forget(&e);
    end_send(&e, 0, 0x13, mtu);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(e.sent[0].len, END_MTU);
    uint64_t tx_bytes = end_peer(&e, 1u << 16).tx_bytes;
    end_send(&e, 0, 0x13, mtu + 1);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_NO_ROOM), 1);
    assert_int_equal(end_peer(&e, 1u << 16).tx_bytes, tx_bytes);
    end_send(&e, 0, 0x13, 0); /* an empty data packet does not exist */
    end_send(&e, 3, 0x13, 40);
    end_send(&e, CJD_SWITCH_SELF, 0x13, 40);
    end_send(&e, 5000, 0x13, 40);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_GONE), 4);
    far_fini(&far);
    end_fini(&e);
}

static void send_with_headroom(struct end *e, uint32_t headroom)
{
    struct cjd_pkt *pkt = cjd_pool_take(e->pool, 600);
    cjd_pkt_put(pkt, 600);
    memset(cjd_pkt_data(pkt), 0x55, 600);
    cjd_pkt_data(pkt)[headroom + 7] = 1;
    struct cjd_pkt *view = cjd_pool_view(e->pool, pkt, pkt->off, 600);
    cjd_pool_give(e->pool, pkt);
    cjd_pkt_pull(view, headroom);
    cjd_links_send(e->links, 0, view, e->now_ns);
    cjd_links_flush(e->links);
}

/* Views end at their first byte: 20 bytes will do for data, a handshake needs 120. */
static void headroom(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    uint8_t ping[128];
    end_init(&e, 20);
    far_init(&far, 200, 1, &e, END_LOGIN);
    far_send(&far, &e, ping, frame_ping(ping, false, CJD_PROTOCOL, "x", 1));
    end_forget(&e);
    send_with_headroom(&e, 119);
    assert_int_equal(e.sent_count, 0);
    send_with_headroom(&e, 120);
    assert_int_equal(e.sent_count, 1);
    far_restart(&far, &e, END_LOGIN);
    far_establish(&far, &e);
    end_forget(&e);
    send_with_headroom(&e, 19);
    assert_int_equal(e.sent_count, 0);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_NO_ROOM), 2);
    send_with_headroom(&e, 20);
    assert_int_equal(e.sent_count, 1);
    far_fini(&far);
    end_fini(&e);
}

static void batches(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 21);
    far_init(&far, 210, 1, &e, END_LOGIN);
    far_establish(&far, &e);
    end_forget(&e);
    for (unsigned i = 0; i < 130; i++) {
        struct cjd_pkt *pkt = cjd_pool_take(e.pool, 40);
        cjd_pkt_put(pkt, 40);
        memset(cjd_pkt_data(pkt), 0x55, 40);
        cjd_links_send(e.links, 0, pkt, e.now_ns);
    }
    assert_int_equal(e.sent_count, 128);
    assert_int_equal(e.flushes, 2);
    assert_int_equal(e.sent[0].flags, 1); /* more follows */
    cjd_links_flush(e.links);
    cjd_links_flush(e.links);
    assert_int_equal(e.sent_count, 130);
    assert_int_equal(e.flushes, 3);
    assert_int_equal(e.sent[129].flags, 0);
    for (unsigned i = 0; i < 130; i++) {
        assert_int_equal(far_open(&far, &e.sent[i], e.now_ns), CJD_CA_OK);
        assert_int_equal(e.sent[i].link, 0);
        assert_int_equal(e.sent[i].addr.b[0], 1);
    }
    far_fini(&far);
    end_fini(&e);
}

static void counters(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    uint8_t ping[128];
    uint32_t len = frame_ping(ping, false, CJD_PROTOCOL, "12345678", 8);
    end_init(&e, 22);
    e.is_mute = true;
    far_init(&far, 220, 1, &e, END_LOGIN);
    far_establish(&far, &e);
    struct cjd_peer_info before = end_peer(&e, 1u << 16);
    assert_string_equal(before.login, END_LOGIN);
    assert_true(before.is_incoming);
    far_send(&far, &e, ping, len);
    struct cjd_peer_info info = end_peer(&e, 1u << 16);
    assert_int_equal(info.rx_bytes - before.rx_bytes, len);
    assert_int_equal(info.rx_packets - before.rx_packets, 1);
    end_rx(&e, 0, &far.addr, far.bytes, far.len); /* a duplicate */
    assert_int_equal(end_peer(&e, 1u << 16).duplicates, 1);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_CRYPTO), 1);
    /* Packets lost in one session stay counted when the next begins (link notes §7). */
    far.ca.live.next += 1000;
    far_send(&far, &e, ping, len);
    uint32_t lost = end_peer(&e, 1u << 16).lost;
    assert_true(lost > 900);
    far_restart(&far, &e, END_LOGIN);
    far_establish(&far, &e);
    assert_true(end_peer(&e, 1u << 16).lost >= lost);
    far_fini(&far);
    end_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_for_self_before_established),
        cmocka_unit_test(empty_hello),
        cmocka_unit_test(hello_beside_session),
        cmocka_unit_test(hello_beside_session_is_asked),
        cmocka_unit_test(transit_does_not_pay_the_key),
        cmocka_unit_test(sizes),
        cmocka_unit_test(headroom),
        cmocka_unit_test(batches),
        cmocka_unit_test(counters),
    };
    return cmocka_run_group_tests_name("link_packets", tests, NULL, NULL);
}
