/* What the link room does over time: retries, pings and their answers, silence, forgetting, and
 * what the router is told. */
#include "end.h"

#include <base/wire.h>
#include <cjd/version.h>

#define DELAY (1 * CJD_MS)

/* --- retries ---------------------------------------------------------------------------------- */

/* Timers have 5 per cent of jitter either way. */
static void assert_near(uint64_t ns, uint64_t want_ns)
{
    assert_in_range(ns, want_ns - want_ns / 20, want_ns + want_ns / 20);
}

/* Pauses of a minute: none longer or shorter by more than the jitter, and not all alike. */
static void assert_jitter(const struct end *e)
{
    uint64_t least = CJD_NEVER;
    uint64_t most = 0;

    for (unsigned i = 1; i < e->sent_count; i++) {
        uint64_t pause = e->sent[i].at_ns - e->sent[i - 1].at_ns;
        least = pause < least ? pause : least;
        most = pause > most ? pause : most;
    }
    assert_in_range(least, 48 * CJD_S, 55 * CJD_S);
    assert_in_range(most, 65 * CJD_S, 72 * CJD_S);
}

static void retry_times(void **state)
{
    (void)state;
    static const unsigned want_ms[] = {50, 50, 100, 200, 400, 800, 1000, 1000, 1000};
    struct end e;
    struct cjd_keypair other;
    struct cjd_linkaddr at = end_addr(1);
    end_init(&e, 1);
    cjd_keypair_generate(&other, &e.ca.rng);
    uint32_t p = (uint32_t)end_peer_add(&e, &at, &other.key);
    assert_int_equal(e.sent_count, 1); /* at once (link notes §5.2) */
    assert_int_equal(end_word(&e.sent[0]), 0);
    end_run(&e, 590 * CJD_MS);
    assert_int_equal(end_peer(&e, p).reason, CJD_LINK_REASON_NEW);
    end_run(&e, 610 * CJD_MS);
    assert_int_equal(end_peer(&e, p).reason, CJD_LINK_REASON_NO_ANSWER);
    assert_int_equal(end_peer(&e, p).state, CJD_CA_INIT); /* nothing received, §5.1 */
    assert_int_equal(e.events, 1);
    end_run(&e, 5 * CJD_S);
    for (unsigned i = 0; i < sizeof want_ms / sizeof want_ms[0]; i++) {
        assert_near(e.sent[i + 1].at_ns - e.sent[i].at_ns, want_ms[i] * CJD_MS);
        assert_int_equal(end_word(&e.sent[i + 1]), 1);
    }
    /* Each second for five minutes, then less and less often, but never not at all. */
    end_run(&e, 100 * CJD_S);
    end_forget(&e);
    end_run(&e, 100 * CJD_S);
    assert_in_range(e.sent_count, 98, 102);
    end_run(&e, 400 * CJD_S);
    end_forget(&e);
    end_run(&e, 60 * CJD_S);
    assert_in_range(e.sent_count, 25, 33);
    for (unsigned hour = 0; hour < 24; hour++) {
        end_forget(&e);
        end_run(&e, 3600 * CJD_S);
    }
    end_forget(&e);
    end_run(&e, 3600 * CJD_S);
    assert_in_range(e.sent_count, 55, 65);
    assert_jitter(&e);

    /* A new address is tried as eagerly as the first. */
    end_forget(&e);
    at = end_addr(2);
    assert_int_equal(cjd_links_peer_set_addr(e.links, p, &at, e.now_ns), 0);
    cjd_links_flush(e.links);
    end_run(&e, 5 * CJD_S);
    for (unsigned i = 0; i + 2 < sizeof want_ms / sizeof want_ms[0]; i++) {
        assert_near(e.sent[i + 1].at_ns - e.sent[i].at_ns, want_ms[i] * CJD_MS);
    }
    assert_int_equal(e.ups + e.downs + e.removals, 0);
    end_fini(&e);
}

static void no_address(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    struct cjd_linkaddr none = {.len = 0};
    struct cjd_linkaddr at = end_addr(1);
    end_init(&e, 2);
    cjd_keypair_generate(&other, &e.ca.rng);
    uint32_t p = (uint32_t)end_peer_add(&e, &none, &other.key);
    assert_int_equal(end_peer(&e, p).reason, CJD_LINK_REASON_NO_ADDRESS);
    end_run(&e, 700 * CJD_S);
    assert_int_equal(end_peer(&e, p).reason, CJD_LINK_REASON_NO_ADDRESS);
    assert_int_equal(e.sent_count, 0);
    assert_int_equal(cjd_timers_next(&e.timers), CJD_NEVER); /* nothing to wake up for */
    cjd_links_peer_set_reason(e.links, p, CJD_LINK_REASON_NAME, e.now_ns);
    assert_int_equal(end_peer(&e, p).reason, CJD_LINK_REASON_NAME);
    assert_int_equal(cjd_links_peer_set_addr(e.links, p, &at, e.now_ns), 0);
    cjd_links_flush(e.links);
    end_run(&e, 2 * CJD_S);
    assert_in_range(e.sent_count, 6, 8);
    assert_int_equal(end_peer(&e, p).reason, CJD_LINK_REASON_NO_ANSWER);
    end_fini(&e);
}

/* --- pings and pongs -------------------------------------------------------------------------- */

/* The pong as the node gives it to the room. */
static bool pong(struct end *e, uint64_t label, const uint8_t *cookie, uint32_t len,
                 uint32_t version)
{
    struct cjd_ctrl ctrl = {
        .type = CJD_CTRL_PONG, .version = version, .data = cookie, .data_len = len};
    return cjd_links_pong(e->links, label, &ctrl, e->now_ns);
}

/* The cookie of the ping in a packet to `far`. */
static void cookie_of(struct far *far, const struct end_sent *sent, uint64_t now_ns, uint8_t out[8])
{
    uint32_t n;

    assert_int_equal(far_open(far, sent, now_ns), CJD_CA_OK);
    const uint8_t *cookie = frame_cookie(far->bytes, far->len, &n);
    assert_non_null(cookie);
    assert_int_equal(n, 8);
    memcpy(out, cookie, 8);
}

static void pongs(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct far other;
    uint8_t c[8];
    uint8_t longer[12] = {0};
    end_init(&e, 3);
    e.is_mute = true;
    far_init(&far, 30, 1, &e, END_LOGIN);
    far_init(&other, 31, 2, &e, END_LOGIN);
    far_send(&far, &e, NULL, 0);
    cookie_of(&far, &e.sent[0], e.now_ns, c);
    end_forget(&e);
    far_send(&other, &e, NULL, 0); /* interface 2, label 0x15 */
    memcpy(longer, c, 8);
    end_run(&e, 10 * CJD_MS);

    assert_false(pong(&e, 0x15, c, 8, CJD_PROTOCOL));  /* from another neighbour */
    assert_false(pong(&e, 0x17, c, 8, CJD_PROTOCOL));  /* from nobody */
    assert_false(pong(&e, 1, c, 8, CJD_PROTOCOL));     /* from ourselves */
    assert_false(pong(&e, 0x133, c, 8, CJD_PROTOCOL)); /* from behind the neighbour */
    assert_false(pong(&e, 0, c, 8, CJD_PROTOCOL));
    assert_false(pong(&e, UINT64_MAX, c, 8, CJD_PROTOCOL));
    assert_false(pong(&e, 0x13, c, 7, CJD_PROTOCOL));
    assert_false(pong(&e, 0x13, c, 0, CJD_PROTOCOL));
    assert_false(pong(&e, 0x13, longer, 12, CJD_PROTOCOL));
    c[7] ^= 1;
    assert_false(pong(&e, 0x13, c, 8, CJD_PROTOCOL));
    assert_int_equal(end_peer(&e, 1u << 16).version, 0);
    c[7] ^= 1;
    assert_true(pong(&e, 0x13, c, 8, CJD_PROTOCOL));
    assert_int_equal(end_peer(&e, 1u << 16).version, CJD_PROTOCOL);
    assert_int_equal(end_peer(&e, 1u << 16).rtt_ns, 10 * CJD_MS);
    assert_false(pong(&e, 0x13, c, 8, 22)); /* once only */
    assert_int_equal(end_peer(&e, 1u << 16).version, CJD_PROTOCOL);
    assert_int_equal(e.ups, 0); /* not established yet */
    far_fini(&far);
    far_fini(&other);
    end_fini(&e);
}

/* Several pings may be under way; an answer that comes very late does not spoil the estimate by
 * which silence is told. */
static void late_pongs(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_linkaddr at = end_addr(1);
    uint8_t c[2][8];
    end_init(&e, 4);
    far_init(&far, 40, 1, &e, NULL);
    uint32_t p = (uint32_t)end_peer_add(&e, &at, &far.self.key);
    end_run(&e, 60 * CJD_MS);
    cookie_of(&far, &e.sent[0], e.now_ns, c[0]);
    cookie_of(&far, &e.sent[1], e.now_ns, c[1]);
    e.now_ns += 30 * CJD_S;
    assert_true(pong(&e, 0x13, c[1], 8, CJD_PROTOCOL));
    assert_true(pong(&e, 0x13, c[0], 8, CJD_PROTOCOL));
    assert_in_range(end_peer(&e, p).rtt_ns, CJD_S, 2048 * CJD_MS); /* the ping's time-out, §5.5 */
    far_fini(&far);
    end_fini(&e);
}

static void version_unknown(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 5, 30 * CJD_MS);
    pair.end[1].answers = 0;
    pair_run(&pair, 2 * CJD_S);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair_peer(&pair, 0).version, 0);
    assert_int_equal(pair.end[0].ups, 0); /* linked, never reported (link notes §6) */
    assert_int_equal(pair.end[1].ups, 1);
    /* Nor is it asked without end. */
    end_forget(&pair.end[0]);
    pair_run(&pair, 10 * CJD_S);
    assert_true(pair.end[0].sent_count < 40);
    pair_fini(&pair);
}

static void announced_once(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 6, DELAY);
    pair_run(&pair, 100 * CJD_S);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pair.end[i].ups, 1);
        assert_int_equal(pair.end[i].downs, 0);
        assert_int_equal(pair_peer(&pair, i).state, CJD_CA_ESTABLISHED);
        assert_int_equal(pair_peer(&pair, i).reason, CJD_LINK_REASON_UP);
        assert_int_equal(pair_peer(&pair, i).rtt_ns, 2 * DELAY);
        assert_int_equal(pair.end[i].sw.state[0], CJD_IFACE_UP);
    }
    /* The called one knows after three packets, the caller by the next one that comes: here the
     * answer to its second ping. */
    assert_int_equal(pair_peer(&pair, 1).since_ns - END_START, 3 * DELAY);
    assert_true(pair_peer(&pair, 0).since_ns - END_START <= 60 * DELAY);
    pair_fini(&pair);
}

/* Nothing to say: a ping after 3072 ms, answered; each end hears the other by it. Answered at once
 * time and again they become fewer, one each 15 s at last, until one is lost. */
static void idle_pings(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 7, DELAY);
    pair_run(&pair, 10 * CJD_S);
    end_forget(&pair.end[0]);
    end_forget(&pair.end[1]);
    pair_run(&pair, 10 * CJD_S);
    assert_in_range(pair.end[0].sent_count + pair.end[1].sent_count, 4, 8);
    pair_run(&pair, 300 * CJD_S);
    end_forget(&pair.end[0]);
    end_forget(&pair.end[1]);
    pair_run(&pair, 308 * CJD_S);
    assert_in_range(pair.end[0].sent_count + pair.end[1].sent_count, 36, 48);
    assert_int_equal(pair.end[0].downs + pair.end[1].downs, 0);

    /* A moment without contact, longer than one ping, and both are wary again. */
    pair.is_cut[0] = pair.is_cut[1] = true;
    end_send(&pair.end[0], 0, 0x13, 40);
    end_send(&pair.end[1], 0, 0x13, 40);
    pair_run(&pair, 650 * CJD_MS);
    pair.is_cut[0] = pair.is_cut[1] = false;
    pair_run(&pair, 1 * CJD_S);
    end_forget(&pair.end[0]);
    end_forget(&pair.end[1]);
    pair_run(&pair, 10 * CJD_S);
    assert_in_range(pair.end[0].sent_count + pair.end[1].sent_count, 4, 8);
    assert_int_equal(pair.end[0].downs + pair.end[1].downs, 0);
    pair_fini(&pair);
}

/* Mappings of NAT boxes commonly live for 30 s of silence (RFC 4787 asks for two minutes, many give
 * less): for an hour neither end is silent for longer than two thirds of that. */
static void holds_a_mapping(void **state)
{
    (void)state;
    struct pair pair;
    uint64_t last[2] = {END_START, END_START};
    uint64_t longest = 0;
    unsigned packets = 0;
    pair_init(&pair, 8, DELAY);
    for (unsigned s = 0; s < 3600; s++) {
        pair_run(&pair, CJD_S);
        for (unsigned i = 0; i < 2; i++) {
            const struct end *e = &pair.end[i];
            for (unsigned k = 0; k < e->sent_count; k++) {
                uint64_t gap = e->sent[k].at_ns - last[i];
                longest = gap > longest ? gap : longest;
                last[i] = e->sent[k].at_ns;
            }
            packets += e->sent_count;
            end_forget(&pair.end[i]);
        }
    }
    print_message("longest silence %llu ms, %u packets in an hour\n",
                  (unsigned long long)longest / CJD_MS, packets);
    assert_true(longest <= 20 * CJD_S);
    assert_true(packets < 1200);
    assert_int_equal(pair.end[0].downs + pair.end[1].downs, 0);
    pair_fini(&pair);
}

/* Sent and nothing heard: a ping 500 ms later, no sooner, and no more than one if it is answered.
 */
static void unanswered(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 8, DELAY);
    pair_run(&pair, 2 * CJD_S);
    end_send(&pair.end[0], 0, 0x13, 40);
    uint64_t from = pair.end[0].now_ns;
    pair_run(&pair, 5 * CJD_MS);
    end_forget(&pair.end[0]);
    pair_run(&pair, 485 * CJD_MS);
    assert_int_equal(pair.end[0].sent_count, 0);
    pair_run(&pair, 20 * CJD_MS);
    assert_int_equal(pair.end[0].sent_count, 1);
    assert_in_range(pair.end[0].sent[0].at_ns - from, 500 * CJD_MS, 505 * CJD_MS);
    pair_run(&pair, CJD_S);
    assert_int_equal(pair.end[0].sent_count, 1);
    pair_fini(&pair);
}

/* --- silence ---------------------------------------------------------------------------------- */

/* The caller: three pings under the old session, the router is told, three hellos, unresponsive;
 * then hellos as at the start, once a second. */
static void caller_goes_silent(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 9, DELAY);
    struct end *e = &pair.end[0];
    pair_run(&pair, 2 * CJD_S);
    pair.is_cut[0] = pair.is_cut[1] = true;
    end_forget(e);
    uint64_t from = e->now_ns;
    end_send(e, 0, 0x13, 40);
    pair_run(&pair, 900 * CJD_MS);
    assert_int_equal(e->sent_count, 3); /* frame, ping, ping */
    assert_int_equal(e->downs, 0);
    pair_run(&pair, 200 * CJD_MS);
    assert_int_equal(e->sent_count, 4);
    assert_int_equal(e->downs, 1);
    assert_int_equal(e->sw.state[0], CJD_IFACE_DOWN);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED); /* not yet given up */
    pair_run(&pair, 800 * CJD_MS);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_LINK_STATE_UNRESPONSIVE);
    assert_int_equal(pair_peer(&pair, 0).reason, CJD_LINK_REASON_SILENT);
    assert_int_equal(e->sent_count, 7);
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(end_word(&e->sent[i]) < 4, i >= 4);
        if (i > 0) {
            assert_near(e->sent[i].at_ns - from, (250 + 250 * i) * CJD_MS);
        }
    }
    assert_int_equal(end_word(&e->sent[4]), 0);
    pair_run(&pair, 30 * CJD_S);
    assert_in_range(e->sent_count, 35, 39);
    assert_int_equal(e->downs, 1);
    /* What is not for the neighbour itself has no chance now. */
    unsigned sent = e->sent_count;
    end_send(e, 0, 0x13, 40);
    assert_int_equal(e->sent_count, sent);

    pair.is_cut[0] = pair.is_cut[1] = false;
    pair_run(&pair, 3 * CJD_S);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    assert_int_equal(e->ups, 2);
    assert_int_equal(e->downs, 1);
    assert_int_equal(e->sw.state[0], CJD_IFACE_UP);
    assert_int_equal(pair.end[1].ups, pair.end[1].downs + 1);
    assert_int_equal(end_peers(&pair.end[1]), 1);
    pair_fini(&pair);
}

/* The called one keeps its session: it sends no hello of its own as long as that lives. */
static void called_goes_silent(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 10, DELAY);
    struct end *e = &pair.end[1];
    pair_run(&pair, 2 * CJD_S);
    pair.is_cut[1] = true; /* it hears nothing, but is heard */
    end_forget(e);
    uint64_t from = e->now_ns;
    end_send(e, 0, 0x13, 40);
    pair_run(&pair, 1900 * CJD_MS);
    assert_int_equal(e->sent_count, 7);
    for (unsigned i = 1; i < 7; i++) {
        assert_true(end_word(&e->sent[i]) >= 4);
        assert_near(e->sent[i].at_ns - from, (250 + 250 * i) * CJD_MS);
    }
    assert_int_equal(e->downs, 1);
    assert_int_equal(pair_peer(&pair, 1).state, CJD_LINK_STATE_UNRESPONSIVE);
    pair.is_cut[1] = false;
    pair_run(&pair, 2 * CJD_S);
    assert_int_equal(pair_peer(&pair, 1).state, CJD_CA_ESTABLISHED);
    assert_int_equal(e->ups, 2);
    assert_int_equal(e->downs, 1);
    assert_int_equal(end_peers(e), 1);
    assert_int_equal(pair_peer(&pair, 1).peer, 1u << 16); /* the same entry, the same label */
    pair_fini(&pair);
}

/* A slow link is not taken for a silent one. */
static void slow_link(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 11, 700 * CJD_MS);
    pair_run(&pair, 10 * CJD_S);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    unsigned downs = pair.end[0].downs;
    for (unsigned i = 0; i < 20; i++) {
        end_send(&pair.end[0], 0, 0x13, 40);
        pair_run(&pair, 2 * CJD_S);
    }
    assert_int_equal(pair.end[0].downs, downs);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    pair_fini(&pair);
}

/* --- restarts --------------------------------------------------------------------------------- */

static void restarted_caller(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 12);
    far_init(&far, 120, 1, &e, END_LOGIN);
    far_establish(&far, &e);
    assert_int_equal(e.ups, 1);
    end_run(&e, 300 * CJD_MS);
    far_restart(&far, &e, END_LOGIN);
    far_establish(&far, &e);
    assert_int_equal(e.downs, 1);
    assert_int_equal(e.ups, 2);
    assert_int_equal(end_peers(&e), 1);
    assert_int_equal(e.removals, 0); /* slot and label stay (link notes §5.7) */
    far_fini(&far);
    end_fini(&e);
}

/* The called one restarts: the caller's pings fall on deaf ears, its hello gets through. */
static void restarted_called(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 13, DELAY);
    pair_run(&pair, 2 * CJD_S);
    struct cjd_peer_info info;
    assert_true(cjd_links_peer_at(pair.end[1].links, 0, &info));
    assert_int_equal(cjd_links_peer_del(pair.end[1].links, info.peer, pair.end[1].now_ns), 0);
    end_send(&pair.end[0], 0, 0x13, 40);
    pair_run(&pair, 1500 * CJD_MS);
    assert_int_equal(pair.end[0].downs, 1);
    assert_int_equal(pair.end[0].ups, 2);
    assert_int_equal(pair_peer(&pair, 1).state, CJD_CA_ESTABLISHED);
    pair_fini(&pair);
}

/* The process was stopped for a long time, and packets are handled before timers: the session has
 * timed out, and the router hears of it (link notes §5.4, 3). */
static void woken_up(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 14);
    far_init(&far, 140, 1, &e, END_LOGIN);
    far_establish(&far, &e);
    assert_int_equal(e.ups, 1);
    e.now_ns += 200 * CJD_S; /* no timers run */
    far_restart(&far, &e, END_LOGIN);
    far_send(&far, &e, NULL, 0);
    assert_int_equal(end_peer(&e, 1u << 16).state, CJD_CA_RECEIVED_HELLO);
    assert_int_equal(e.downs, 1);
    assert_int_equal(e.sw.state[0], CJD_IFACE_DOWN);
    far_restart(&far, &e, END_LOGIN);
    far_establish(&far, &e);
    assert_int_equal(e.ups, 2);
    far_fini(&far);
    end_fini(&e);
}

/* A neighbour that calls from another address: the old entry is asked at once, found silent and
 * given up, so that one that moves often leaves no trail. */
static void moved(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 15);
    far_init(&far, 150, 1, &e, END_LOGIN);
    far_establish(&far, &e);
    far.addr = end_addr(2);
    far_restart(&far, &e, END_LOGIN);
    far_establish(&far, &e);
    assert_int_equal(e.ups, 2);
    assert_int_equal(end_peers(&e), 2);
    assert_int_equal(e.downs, 0);
    end_run(&e, 1600 * CJD_MS);
    assert_int_equal(end_peers(&e), 1);
    assert_int_equal(e.removals, 1);
    assert_true(e.downs >= 1);
    far_fini(&far);
    end_fini(&e);
}

/* --- forgetting ------------------------------------------------------------------------------- */

static void forgetting(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct far never;
    end_init(&e, 16);
    far_init(&far, 160, 1, &e, END_LOGIN);
    far_init(&never, 161, 2, &e, END_LOGIN);
    far_establish(&far, &e);
    far_send(&never, &e, NULL, 0);
    end_run(&e, 11900 * CJD_MS);
    assert_int_equal(end_peers(&e), 2);
    end_run(&e, 1500 * CJD_MS);
    assert_int_equal(end_peers(&e), 1);
    assert_int_equal(e.removals, 1);
    assert_memory_equal(&e.last_event.key, &never.self.key, 32);
    end_run(&e, 262144 * CJD_MS - 13400 * CJD_MS);
    assert_int_equal(end_peers(&e), 1);
    end_run(&e, 3 * CJD_S);
    assert_int_equal(end_peers(&e), 0);
    assert_int_equal(e.ups, 1);
    assert_int_equal(e.downs, 1);
    assert_int_equal(e.removals, 2);
    assert_int_equal(e.sw.state[0], CJD_IFACE_FREE);
    far_fini(&far);
    far_fini(&never);
    end_fini(&e);
}

/* --- versions --------------------------------------------------------------------------------- */

static void incompatible(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 17, DELAY);
    struct end *e = &pair.end[0];
    pair.end[1].answers = 19;
    pair_run(&pair, 10 * CJD_S);
    struct cjd_peer_info info = pair_peer(&pair, 0);
    assert_int_equal(info.state, CJD_LINK_STATE_INCOMPATIBLE);
    assert_int_equal(info.reason, CJD_LINK_REASON_VERSION);
    assert_int_equal(info.version, 19);
    assert_int_equal(e->ups + e->downs, 0);
    assert_int_equal(e->sw.state[0], CJD_IFACE_DOWN);
    /* Nothing goes to it, what comes is not decrypted. */
    end_forget(e);
    uint64_t dropped = end_dropped(e, CJD_DROP_LINK_VERSION);
    uint64_t frames = e->frames;
    end_send(e, 0, 1, 40);
    end_send(&pair.end[1], 0, 1, 40);
    pair_run(&pair, CJD_S);
    assert_int_equal(e->sent_count, 0);
    assert_int_equal(e->frames, frames);
    assert_true(end_dropped(e, CJD_DROP_LINK_VERSION) >= dropped + 2);
    /* It may have been replaced by a newer one: asked again after a minute. */
    pair.end[1].answers = 22;
    pair_run(&pair, 80 * CJD_S);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair_peer(&pair, 0).version, 22);
    assert_int_equal(e->ups, 1);
    pair_fini(&pair);
}

/* Another address is another node as far as we know: what was known of the version is void. */
static void incompatible_moves(void **state)
{
    (void)state;
    struct pair pair;
    struct cjd_linkaddr at = end_addr(9);
    pair_init(&pair, 18, DELAY);
    pair.end[1].answers = 19;
    pair_run(&pair, 2 * CJD_S);
    struct cjd_peer_info info = pair_peer(&pair, 0);
    assert_int_equal(info.state, CJD_LINK_STATE_INCOMPATIBLE);
    assert_int_equal(cjd_links_peer_set_addr(pair.end[0].links, info.peer, &at, pair.end[0].now_ns),
                     0);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_INIT);
    assert_int_equal(pair_peer(&pair, 0).version, 0);
    cjd_links_flush(pair.end[0].links);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_times),
        cmocka_unit_test(no_address),
        cmocka_unit_test(pongs),
        cmocka_unit_test(late_pongs),
        cmocka_unit_test(version_unknown),
        cmocka_unit_test(announced_once),
        cmocka_unit_test(idle_pings),
        cmocka_unit_test(holds_a_mapping),
        cmocka_unit_test(unanswered),
        cmocka_unit_test(caller_goes_silent),
        cmocka_unit_test(called_goes_silent),
        cmocka_unit_test(slow_link),
        cmocka_unit_test(restarted_caller),
        cmocka_unit_test(restarted_called),
        cmocka_unit_test(woken_up),
        cmocka_unit_test(moved),
        cmocka_unit_test(forgetting),
        cmocka_unit_test(incompatible),
        cmocka_unit_test(incompatible_moves),
    };
    return cmocka_run_group_tests_name("link_liveness", tests, NULL, NULL);
}
