/* The world changes: the machine wakes up or its network does, a link loses its carrier, a
 * neighbour moves to another address. What is sent, how soon, and how little of it when it goes on
 * and on. */
#include "end.h"

#include <base/wire.h>
#include <cjd/version.h>

#define DELAY (2 * CJD_MS)

static unsigned count_hellos(const struct end *e)
{
    unsigned n = 0;

    for (unsigned i = 0; i < e->sent_count; i++) {
        n += end_word(&e->sent[i]) <= 1;
    }
    return n;
}

/* --- waking up -------------------------------------------------------------------------------- */

/* A neighbour that never answered is called as eagerly as a new one. */
static void wake_calls_again(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    struct cjd_linkaddr at = end_addr(1);
    end_init(&e, 1);
    cjd_keypair_generate(&other, &e.ca.rng);
    uint32_t p = (uint32_t)end_peer_add(&e, &at, &other.key);
    end_run(&e, 1000 * CJD_S); /* pauses of 3 s and more by now */
    end_forget(&e);
    cjd_links_wake(e.links, false, e.now_ns);
    end_run(&e, 99 * CJD_MS);
    assert_true(e.sent_count <= 1);
    end_run(&e, 2 * CJD_S);
    assert_in_range(count_hellos(&e), 6, 9);
    assert_int_equal(end_peer(&e, p).reason, CJD_LINK_REASON_NO_ANSWER);
    end_fini(&e);
}

/* One that is up and quiet is asked, and that is all. */
static void wake_asks(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 2, DELAY);
    pair_run(&pair, 120 * CJD_S);
    end_forget(&pair.end[0]);
    pair.taken[0] = 0;
    cjd_links_wake(pair.end[0].links, false, pair.end[0].now_ns);
    pair_run(&pair, 150 * CJD_MS);
    assert_int_equal(pair.end[0].sent_count, 1);
    assert_int_equal(count_hellos(&pair.end[0]), 0);
    pair_run(&pair, 2 * CJD_S);
    assert_int_equal(pair.end[0].downs, 0);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    pair_fini(&pair);
}

/* The other end forgot us while we slept and our clock stood still: a second later all is well. */
static void wake_after_sleep(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 3, DELAY);
    pair_run(&pair, 10 * CJD_S);
    uint32_t forgotten = pair_peer(&pair, 1).peer;
    assert_int_equal(cjd_links_peer_del(pair.end[1].links, forgotten, pair.end[1].now_ns), 0);
    cjd_links_wake(pair.end[0].links, false, pair.end[0].now_ns);
    pair_run(&pair, 900 * CJD_MS);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair_peer(&pair, 1).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair.end[0].ups, 2);
    pair_fini(&pair);
}

/* The called end slept, its caller has long begun anew and waits between two tries: the first
 * packet of the old session tells the caller that it is back. Any number of them, once. */
static void nudged(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 4, DELAY);
    pair_run(&pair, 10 * CJD_S);
    struct end *caller = &pair.end[0];
    struct end *slept = &pair.end[1]; /* its clock stands still from here on */
    struct cjd_linkaddr there = end_addr(1);
    for (unsigned i = 0; i < 1500; i++) {
        end_run(caller, CJD_S);
        end_forget(caller);
    }
    assert_int_equal(pair_peer(&pair, 0).state, CJD_LINK_STATE_UNRESPONSIVE);
    while (caller->sent_count == 0) {
        end_run(caller, 10 * CJD_MS);
    }
    end_run(caller, CJD_S); /* pauses are 5 s now */
    end_forget(caller);
    for (unsigned i = 0; i < 100; i++) {
        end_send(slept, 0, 0x01, 40);
        const struct end_sent *s = &slept->sent[slept->sent_count - 1];
        end_rx(caller, 0, &there, s->bytes, s->len);
        end_run(caller, CJD_MS);
    }
    assert_int_equal(count_hellos(caller), 1);
    pair_fini(&pair);
}

/* A thousand changes in a row cost a wave each 1.6 s, not a thousand; and memory stays as it was.
 */
static void flapping(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    struct cjd_linkaddr at = end_addr(1);
    struct far far;
    end_init(&e, 5);
    cjd_keypair_generate(&other, &e.ca.rng);
    assert_true(end_peer_add(&e, &at, &other.key) >= 0);
    far_init(&far, 50, 2, &e, END_LOGIN);
    far_establish(&far, &e);
    end_forget(&e);
    uint64_t begin = e.now_ns;
    for (unsigned i = 0; i < 1000; i++) {
        cjd_links_wake(e.links, false, e.now_ns);
        end_run(&e, 20 * CJD_MS);
    }
    uint64_t took_s = (e.now_ns - begin) / CJD_S;
    assert_int_equal(took_s, 20);
    /* 12 to 16 waves: 6 or 7 hellos to one neighbour, pings to the other. */
    assert_in_range(e.sent_count, 50, 200);
    end_run(&e, 2 * CJD_S);
    end_forget(&e);
    end_run(&e, 10 * CJD_S);
    assert_in_range(e.sent_count, 9, 24); /* as if nothing had been */
    assert_int_equal(end_peers(&e), 2);
    far_fini(&far);
    end_fini(&e);
}

/* The driver of a link says that packets cannot be sent: one that is up is not talked down, but
 * asked at once. */
static void cannot_be_sent(void **state)
{
    (void)state;
    struct pair pair;
    struct end *e = &pair.end[0];
    pair_init(&pair, 15, DELAY);
    pair_run(&pair, 60 * CJD_S);
    end_forget(e);
    pair.taken[0] = 0;
    cjd_links_peer_set_reason(e->links, pair_peer(&pair, 0).peer, CJD_LINK_REASON_SEND, e->now_ns);
    pair_run(&pair, CJD_MS);
    assert_int_equal(e->sent_count, 1);
    pair_run(&pair, CJD_S);
    assert_int_equal(e->downs, 0);
    assert_int_equal(pair_peer(&pair, 0).reason, CJD_LINK_REASON_UP);
    /* And it was true. */
    pair.is_cut[0] = pair.is_cut[1] = true;
    cjd_links_peer_set_reason(e->links, pair_peer(&pair, 0).peer, CJD_LINK_REASON_SEND, e->now_ns);
    pair_run(&pair, 600 * CJD_MS);
    assert_int_equal(e->downs, 1);
    pair_fini(&pair);
}

/* A link that loses many pings is given up later than one that never does. */
static void lossy_is_doubted_later(void **state)
{
    (void)state;
    struct pair pair;
    struct end *e = &pair.end[0];
    pair_init(&pair, 16, DELAY);
    pair_run(&pair, 5 * CJD_S);
    for (unsigned i = 0; i < 20; i++) {
        pair.is_cut[0] = true; /* each second one is lost */
        end_send(e, 0, 0x13, 40);
        pair_run(&pair, 700 * CJD_MS);
        pair.is_cut[0] = false;
        pair_run(&pair, CJD_S);
    }
    assert_int_equal(e->downs, 0);
    pair.is_cut[0] = pair.is_cut[1] = true;
    end_send(e, 0, 0x13, 40);
    pair_run(&pair, 1500 * CJD_MS);
    assert_int_equal(e->downs, 0);
    pair_run(&pair, 500 * CJD_MS);
    assert_int_equal(e->downs, 1);
    pair_fini(&pair);
}

/* --- carrier ---------------------------------------------------------------------------------- */

static void carrier(void **state)
{
    (void)state;
    struct pair pair;
    struct end *e = &pair.end[0];
    pair_init(&pair, 6, DELAY);
    pair_run(&pair, 5 * CJD_S);
    cjd_links_set_carrier(e->links, 0, false, e->now_ns);
    /* Down this instant, not when silence is noticed. */
    assert_int_equal(e->downs, 1);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_LINK_STATE_UNRESPONSIVE);
    assert_int_equal(pair_peer(&pair, 0).reason, CJD_LINK_REASON_LINK_DOWN);
    assert_int_equal(e->sw.state[0], CJD_IFACE_DOWN);
    unsigned sent = e->sent_count;
    pair_run(&pair, 4 * CJD_S);
    end_send(e, 0, 0x13, 40);
    cjd_links_peer_set_reason(e->links, pair_peer(&pair, 0).peer, CJD_LINK_REASON_SEND, e->now_ns);
    assert_int_equal(pair_peer(&pair, 0).reason, CJD_LINK_REASON_LINK_DOWN);
    assert_int_equal(e->sent_count, sent);

    cjd_links_set_carrier(e->links, 0, true, e->now_ns);
    assert_int_equal(pair_peer(&pair, 0).reason, CJD_LINK_REASON_SILENT);
    pair_run(&pair, 110 * CJD_MS); /* the session lives on, so one question is enough */
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair_peer(&pair, 0).reason, CJD_LINK_REASON_UP);
    assert_int_equal(e->ups, 2);
    pair_fini(&pair);
}

static void carrier_errors(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    struct cjd_linkaddr at = end_addr(1);
    struct cjd_linkaddr none = {.len = 0};
    struct far far;
    end_init(&e, 7);
    far_init(&far, 70, 2, &e, END_LOGIN);
    cjd_keypair_generate(&other, &e.ca.rng);
    cjd_links_set_carrier(e.links, 3, false, e.now_ns); /* no such link */
    cjd_links_set_carrier(e.links, CJD_LINKS_MAX, false, e.now_ns);
    cjd_links_set_carrier(e.links, 0, true, e.now_ns); /* it has it */
    cjd_links_set_carrier(e.links, 0, false, e.now_ns);
    /* Peers added meanwhile. */
    uint32_t p = (uint32_t)end_peer_add(&e, &at, &other.key);
    assert_int_equal(end_peer(&e, p).reason, CJD_LINK_REASON_LINK_DOWN);
    cjd_keypair_generate(&other, &e.ca.rng);
    uint32_t q = (uint32_t)end_peer_add(&e, &none, &other.key);
    end_run(&e, 100 * CJD_S);
    assert_int_equal(e.sent_count, 0);
    /* What arrives is of before. */
    far_send(&far, &e, NULL, 0);
    assert_int_equal(end_peers(&e), 2);
    cjd_links_set_carrier(e.links, 0, true, e.now_ns);
    assert_int_equal(end_peer(&e, p).reason, CJD_LINK_REASON_NEW);
    assert_int_equal(end_peer(&e, q).reason, CJD_LINK_REASON_NO_ADDRESS);
    end_run(&e, 120 * CJD_MS);
    assert_int_equal(count_hellos(&e), 1);

    /* A link that is taken away says so with its peers' last event. */
    cjd_links_del(e.links, 0, e.now_ns);
    assert_int_equal(e.removals, 2);
    assert_int_equal(e.last_event.reason, CJD_LINK_REASON_LINK_DOWN);
    far_fini(&far);
    end_fini(&e);
}

/* A bad cable, a thousand times. */
static void carrier_flaps(void **state)
{
    (void)state;
    struct pair pair;
    struct end *e = &pair.end[0];
    pair_init(&pair, 8, DELAY);
    pair_run(&pair, 5 * CJD_S);
    end_forget(e);
    pair.taken[0] = 0;
    for (unsigned i = 0; i < 1000; i++) {
        cjd_links_set_carrier(e->links, 0, i % 2 != 0, e->now_ns);
        pair_run(&pair, 10 * CJD_MS);
    }
    assert_true(e->sent_count <= 60);
    pair_run(&pair, 2 * CJD_S);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair_peer(&pair, 1).state, CJD_CA_ESTABLISHED);
    pair_fini(&pair);
}

/* --- moving ----------------------------------------------------------------------------------- */

/* A frame that reveals itself: a ping, in a data packet. */
static void far_data(struct far *far, struct end *e)
{
    uint8_t ping[128];

    far_send(far, e, ping, frame_ping(ping, false, CJD_PROTOCOL, "12345678", 8));
    assert_true(cjd_load32(far->bytes) >= 4);
}

/* The first data packet from another address moves the neighbour there: same entry, same label,
 * nothing lost, and the answer goes there. */
static void follows(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 9);
    far_init(&far, 90, 1, &e, END_LOGIN);
    far_establish(&far, &e);
    struct cjd_peer_info before = end_peer(&e, 1u << 16);
    unsigned events = e.events;
    far.addr = end_addr(2);
    end_forget(&e);
    far_data(&far, &e);
    assert_int_equal(end_peers(&e), 1);
    struct cjd_peer_info after = end_peer(&e, 1u << 16);
    assert_int_equal(after.label, before.label);
    assert_int_equal(after.addr.b[0], 2);
    assert_int_equal(e.events, events + 1);
    assert_int_equal(e.ups, 1);
    assert_int_equal(e.downs, 0);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(e.sent[0].addr.b[0], 2);
    assert_int_equal(far_open(&far, &e.sent[0], e.now_ns), CJD_CA_OK);
    assert_non_null(strstr(e.log, "moved at=place-2"));
    /* And back. */
    far.addr = end_addr(1);
    far_data(&far, &e);
    assert_int_equal(end_peer(&e, 1u << 16).addr.b[0], 1);
    far_fini(&far);
    end_fini(&e);
}

/* A recorded packet moves nothing, whoever sends it from wherever; nor one of another link, of a
 * session that is not proven, or of nobody. */
static void follows_no_replay(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct far unproven;
    struct cjd_linkaddr thief = end_addr(9);
    uint8_t packet[END_BYTES_MAX];
    end_init(&e, 10);
    far_init(&far, 100, 1, &e, END_LOGIN);
    far_init(&unproven, 101, 3, &e, END_LOGIN);
    far_establish(&far, &e);
    far_data(&far, &e);
    uint32_t len = far.len;
    memcpy(packet, far.bytes, len);
    end_rx(&e, 0, &thief, packet, len);
    assert_int_equal(end_peer(&e, 1u << 16).addr.b[0], 1);
    packet[len - 1] ^= 1;
    end_rx(&e, 0, &thief, packet, len);
    assert_int_equal(end_peer(&e, 1u << 16).addr.b[0], 1);

    assert_int_equal(cjd_links_add(e.links, "other", END_MTU, 1), 1);
    struct cjd_pkt *pkt = cjd_pool_take(far.pool, 64);
    cjd_pkt_put(pkt, 64);
    memset(cjd_pkt_data(pkt), 0, 64);
    assert_int_equal(cjd_ca_seal(&far.ca, pkt, e.now_ns), 0);
    end_rx(&e, 1, &thief, cjd_pkt_data(pkt), pkt->len);
    assert_int_equal(end_peer(&e, 1u << 16).addr.b[0], 1);
    cjd_pool_give(far.pool, pkt);

    far_send(&unproven, &e, NULL, 0);
    assert_int_equal(end_peers(&e), 2);
    struct cjd_linkaddr nowhere = {.len = 0};
    end_rx(&e, 0, &nowhere, packet, len);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_STRANGER), 4);
    far_fini(&unproven);
    far_fini(&far);
    end_fini(&e);
}

/* Garbage from everywhere costs little, and running neighbours nothing. */
static void follow_flood(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    uint8_t garbage[200];
    end_init(&e, 11);
    far_init(&far, 110, 1, &e, END_LOGIN);
    far_establish(&far, &e);
    for (unsigned i = 0; i < 20000; i++) {
        struct cjd_linkaddr from = {.b = {9, (uint8_t)i, (uint8_t)(i >> 8)}, .len = 4};
        cjd_rng_fill(&e.ca.rng, garbage, sizeof garbage);
        cjd_store32(garbage, e.now_ns % 2 ? 5 + i % 60 : 4 + cjd_rng_u32(&e.ca.rng) / 2);
        end_rx(&e, 0, &from, garbage, sizeof garbage);
        e.now_ns += 50 * CJD_US + 1;
    }
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_STRANGER), 20000);
    far_data(&far, &e);
    assert_int_equal(end_peer(&e, 1u << 16).state, CJD_CA_ESTABLISHED);
    assert_int_equal(end_peer(&e, 1u << 16).addr.b[0], 1);
    far_fini(&far);
    end_fini(&e);
}

/* A configured neighbour is followed as well; when it is silent there, it is called where the
 * operator said it is. */
static void goes_home(void **state)
{
    (void)state;
    struct pair pair;
    struct end *e = &pair.end[0];
    pair_init(&pair, 12, DELAY);
    pair_run(&pair, 5 * CJD_S);
    struct end *other = &pair.end[1];
    unsigned before = other->sent_count;
    end_send(other, 0, 0x01, 40);
    assert_int_equal(other->sent_count, before + 1);
    pair.taken[1] = other->sent_count; /* it arrives from elsewhere */
    struct cjd_linkaddr elsewhere = end_addr(7);
    end_rx(e, 0, &elsewhere, other->sent[before].bytes, other->sent[before].len);
    assert_int_equal(pair_peer(&pair, 0).addr.b[0], 7);
    end_forget(e);
    pair.taken[0] = 0;
    pair.is_cut[1] = true;
    end_send(e, 0, 0x13, 40);
    end_run(e, 900 * CJD_MS);
    assert_int_equal(e->sent[0].addr.b[0], 7);
    end_run(e, CJD_S);
    assert_int_equal(pair_peer(&pair, 0).addr.b[0], 1);
    assert_int_equal(e->sent[e->sent_count - 1].addr.b[0], 1);
    assert_true(end_word(&e->sent[e->sent_count - 1]) <= 1);
    pair_fini(&pair);
}

/* One that moves and calls anew each time, a thousand times, leaves no trail. */
static void moves_a_thousand_times(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 13);
    far_init(&far, 130, 1, &e, END_LOGIN);
    for (unsigned i = 0; i < 1000; i++) {
        far.addr = (struct cjd_linkaddr){.b = {1, (uint8_t)i, (uint8_t)(i >> 8)}, .len = 4};
        far_restart(&far, &e, END_LOGIN);
        end_forget(&e);
        far_establish(&far, &e);
        end_run(&e, 2 * CJD_S);
        assert_true(end_peers(&e) <= 2);
    }
    far_fini(&far);
    end_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wake_calls_again),
        cmocka_unit_test(wake_asks),
        cmocka_unit_test(wake_after_sleep),
        cmocka_unit_test(nudged),
        cmocka_unit_test(flapping),
        cmocka_unit_test(cannot_be_sent),
        cmocka_unit_test(lossy_is_doubted_later),
        cmocka_unit_test(carrier),
        cmocka_unit_test(carrier_errors),
        cmocka_unit_test(carrier_flaps),
        cmocka_unit_test(follows),
        cmocka_unit_test(follows_no_replay),
        cmocka_unit_test(follow_flood),
        cmocka_unit_test(goes_home),
        cmocka_unit_test(moves_a_thousand_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
