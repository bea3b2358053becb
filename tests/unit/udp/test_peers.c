/* Peers of UDP links in virtual time: names are resolved, tried, lost and found again. */
#include "udp_fixture.h"

#include <errno.h>
#include <net/if.h>

#include <cjd/text.h>

#define ONE_NAME "{\"bind\":\"127.0.0.1\",\"peers\":[" PEER("node.example:5199", KEY_A, "up") "]}"
#define NAME     "node.example"

static void want_addr(const struct cjd_fake_peer *peer, const char *text)
{
    struct cjd_linkaddr wanted = udp_fixture_addr(text);

    assert_non_null(peer);
    assert_memory_equal(&peer->spec.addr, &wanted, sizeof wanted);
}

static struct udp_fixture start(const char *json)
{
    struct udp_fixture f = udp_fixture_new();
    udp_fixture_start(&f, json);
    return f;
}

static struct cjd_fake_peer *up(struct udp_fixture *f)
{
    return cjd_fake_peer(f->fake, "up");
}

static void event(struct udp_fixture *f, int32_t state, int32_t reason)
{
    cjd_fake_peer_event(f->fake, up(f), state, reason);
}

static void no_answer(struct udp_fixture *f)
{
    event(f, CJD_PEER_INIT, CJD_PEER_REASON_NO_ANSWER);
}

static void alive(struct udp_fixture *f)
{
    event(f, CJD_PEER_ESTABLISHED, CJD_PEER_REASON_UP);
}

static void lost(struct udp_fixture *f)
{
    event(f, CJD_PEER_UNRESPONSIVE, CJD_PEER_REASON_SILENT);
}

static void test_numeric(void **state)
{
    struct udp_fixture f = start("{\"bind\":\"127.0.0.1\",\"peers\":[" PEER(
        "203.0.113.7:5199", KEY_A,
        "a") ","
             "{\"address\":\"0.0.0.0:7\",\"publicKey\":\"" KEY_B
             "\",\"password\":\"pw\",\"login\":\"bob\",\"name\":\"b\"}]}");
    struct cjd_fake_peer *a = cjd_fake_peer(f.fake, "a");
    struct cjd_fake_peer *b = cjd_fake_peer(f.fake, "b");
    struct cjd_key key;

    (void)state;
    want_addr(a, "203.0.113.7:5199");
    want_addr(b, "127.0.0.1:7"); /* link notes §2.2 */
    assert_null(a->spec.login);
    assert_string_equal(a->spec.password, "secret");
    assert_string_equal(b->spec.login, "bob");
    assert_int_equal(cjd_key_from_text(&key, KEY_A), 0);
    assert_memory_equal(&a->spec.key, &key, sizeof key);
    assert_int_equal(a->reasons, 0);
    /* Nothing to resolve, nothing to wait for, whatever happens to it. */
    cjd_fake_peer_event(f.fake, a, CJD_PEER_UNRESPONSIVE, CJD_PEER_REASON_SILENT);
    cjd_fake_peer_event(f.fake, b, CJD_PEER_INIT, CJD_PEER_REASON_NO_ANSWER);
    assert_int_equal(f.fake->ask_count, 0);
    assert_int_equal(cjd_fake_armed(f.fake), 0);
    udp_fixture_end(&f);
}

static void test_name(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    assert_int_equal(up(&f)->spec.addr.len, 0);
    assert_int_equal(up(&f)->reason, CJD_PEER_REASON_NO_ADDRESS);
    assert_int_equal(cjd_fake_asked(f.fake, NAME), 1);
    assert_int_equal(cjd_fake_open_ask(f.fake, NAME)->family, 0);
    cjd_fake_answer(f.fake, NAME, "192.0.2.1");
    want_addr(up(&f), "192.0.2.1:5199");
    assert_int_equal(up(&f)->set_addrs, 1);
    alive(&f);
    assert_int_equal(cjd_fake_armed(f.fake), 0);
    cjd_fake_advance(f.fake, 3600 * SECOND);
    assert_int_equal(cjd_fake_asked(f.fake, NAME), 1);
    udp_fixture_end(&f);
}

static void test_name6(void **state)
{
    struct udp_fixture f =
        start("{\"bind\":\"[::1]\",\"peers\":[" PEER("node.example:5199", KEY_A, "up") "]}");

    (void)state;
    /* The other family of the answer is passed over. */
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,2001:db8::1");
    want_addr(up(&f), "[2001:db8::1]:5199");
    udp_fixture_end(&f);
}

static void want_back_off(struct udp_fixture *f, uint64_t ns)
{
    uint64_t next = cjd_fake_next_timer(f->fake);

    if (next > ns || next < ns - ns / 4) {
        fail_msg("waits %llu ms instead of at most %llu", (unsigned long long)next / 1000000,
                 (unsigned long long)ns / 1000000);
    }
}

static void test_back_off(void **state)
{
    static const unsigned seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct udp_fixture f = start(ONE_NAME);
    unsigned count = sizeof seconds / sizeof *seconds;

    (void)state;
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(cjd_fake_asked(f.fake, NAME), i + 1);
        cjd_fake_answer_err(f.fake, NAME, CJD_ERR_NOT_FOUND, "no such name");
        assert_int_equal(up(&f)->reason, CJD_PEER_REASON_NAME);
        assert_null(cjd_fake_open_ask(f.fake, NAME));
        want_back_off(&f, seconds[i] * SECOND);
        cjd_fake_advance(f.fake, cjd_fake_next_timer(f.fake));
    }
    /* Said once aloud, then softly. */
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_WARN, "no such name"), 1);
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_DEBUG, "no such name"), count - 1);
    /* It resolves at last. */
    cjd_fake_answer(f.fake, NAME, "192.0.2.1");
    want_addr(up(&f), "192.0.2.1:5199");
    udp_fixture_end(&f);
}

/* Two nodes with the same peer do not ask in step. */
static void test_jitter(void **state)
{
    struct udp_fixture f = start("{\"bind\":\"127.0.0.1\",\"peers\":[" PEER(
        "a.example:1", KEY_A, "a") "," PEER("b.example:1", KEY_B, "b") "]}");

    (void)state;
    cjd_fake_answer_err(f.fake, "a.example", CJD_ERR_TIMEOUT, "");
    uint64_t a = cjd_fake_next_timer(f.fake);
    cjd_fake_answer_err(f.fake, "b.example", CJD_ERR_TIMEOUT, "");
    cjd_fake_advance(f.fake, cjd_fake_next_timer(f.fake));
    assert_int_equal(cjd_fake_armed(f.fake), 1);
    assert_true(cjd_fake_next_timer(f.fake) > 0);
    assert_true(a <= SECOND);
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_WARN, cjd_err_text(CJD_ERR_TIMEOUT)), 2);
    udp_fixture_end(&f);
}

static void test_ask_fails_at_once(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    f.fake->next_ask_err = CJD_ERR_NO_MEMORY;
    udp_fixture_start(&f, ONE_NAME);
    assert_int_equal(up(&f)->reason, CJD_PEER_REASON_NAME);
    want_back_off(&f, SECOND);
    cjd_fake_advance(f.fake, SECOND);
    cjd_fake_answer(f.fake, NAME, "192.0.2.1");
    want_addr(up(&f), "192.0.2.1:5199");
    udp_fixture_end(&f);
}

/* Answers that lead nowhere: of blocking name servers, multicast, none at all. */
static void test_useless_answers(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    cjd_fake_answer(f.fake, NAME, "0.0.0.0,224.0.0.5,2001:db8::1");
    assert_int_equal(up(&f)->set_addrs, 0);
    assert_int_equal(up(&f)->reason, CJD_PEER_REASON_FAMILY);
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_WARN, "no usable IPv4 address"), 1);
    cjd_fake_advance(f.fake, SECOND);
    cjd_fake_answer(f.fake, NAME, "");
    assert_int_equal(up(&f)->set_addrs, 0);
    udp_fixture_end(&f);
}

#define MS 1000000ull

/* A quarter of a second each, then twice as long, … at most eight seconds; for ever. */
static void test_tried_in_turn(void **state)
{
    static const char *const turn[] = {"192.0.2.1:5199", "192.0.2.2:5199", "192.0.2.3:5199"};
    struct udp_fixture f = start(ONE_NAME);
    uint64_t window = 250 * MS;

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2,192.0.2.1,192.0.2.3");
    for (unsigned i = 0; i < 3 * 12; i++) {
        want_addr(up(&f), turn[i % 3]);
        no_answer(&f); /* known already: changes nothing */
        cjd_fake_advance(f.fake, window - MS);
        want_addr(up(&f), turn[i % 3]);
        cjd_fake_advance(f.fake, MS);
        while (cjd_fake_open_ask(f.fake, NAME)) {
            cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2,192.0.2.3");
        }
        if (i % 3 == 2) {
            window = window < 8 * SECOND ? 2 * window : window;
        }
    }
    assert_int_equal(window, 8 * SECOND);
    udp_fixture_end(&f);
}

static uint64_t asked_after(struct udp_fixture *f, const char *answer)
{
    uint64_t began = f->fake->now_ns;

    while (!cjd_fake_open_ask(f->fake, NAME)) {
        cjd_fake_advance(f->fake, cjd_fake_next_timer(f->fake));
    }
    cjd_fake_answer(f->fake, NAME, answer);
    return f->fake->now_ns - began;
}

/* No sign of life: the name is asked for again after 30 s, 60 s, … five minutes. */
static void test_single_address(void **state)
{
    static const unsigned seconds[] = {30, 60, 120, 240, 300, 300, 300};
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1");
    for (unsigned i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        uint64_t wait = asked_after(&f, "192.0.2.1");
        assert_true(wait <= seconds[i] * SECOND && wait >= seconds[i] * SECOND * 3 / 4);
    }
    want_addr(up(&f), "192.0.2.1:5199");
    assert_int_equal(up(&f)->reason, CJD_PEER_REASON_NO_ADDRESS); /* the core knows better now */
    /* It stands for another one at last: that is tried at once. */
    (void)asked_after(&f, "192.0.2.7");
    want_addr(up(&f), "192.0.2.7:5199");
    udp_fixture_end(&f);
}

static void test_life_stops_trying(void **state)
{
    static const int32_t states[] = {CJD_PEER_RECEIVED_HELLO, CJD_PEER_RECEIVED_KEY,
                                     CJD_PEER_ESTABLISHED, CJD_PEER_INCOMPATIBLE};

    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        struct udp_fixture f = start(ONE_NAME);
        cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2");
        event(&f, states[i], CJD_PEER_REASON_HANDSHAKE);
        assert_int_equal(cjd_fake_armed(f.fake), 0);
        cjd_fake_advance(f.fake, 600 * SECOND);
        want_addr(up(&f), "192.0.2.1:5199");
        udp_fixture_end(&f);
    }
    /* Our own hello is no sign of life. */
    struct udp_fixture f = start(ONE_NAME);
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2");
    event(&f, CJD_PEER_SENT_HELLO, CJD_PEER_REASON_HANDSHAKE);
    cjd_fake_advance(f.fake, 250 * MS);
    want_addr(up(&f), "192.0.2.2:5199");
    udp_fixture_end(&f);
}

static void test_lost_and_found(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1");
    alive(&f);
    cjd_fake_advance(f.fake, 3600 * SECOND);
    lost(&f);
    assert_int_equal(cjd_fake_asked(f.fake, NAME), 2);
    want_addr(up(&f), "192.0.2.1:5199"); /* kept meanwhile */
    cjd_fake_answer(f.fake, NAME, "198.51.100.9");
    want_addr(up(&f), "198.51.100.9:5199");
    alive(&f);
    /* Lost again at once: asked again, but not before ten seconds have passed. */
    cjd_fake_advance(f.fake, 3 * SECOND);
    lost(&f);
    lost(&f);
    assert_int_equal(cjd_fake_asked(f.fake, NAME), 2);
    cjd_fake_advance(f.fake, 7 * SECOND);
    assert_int_equal(cjd_fake_asked(f.fake, NAME), 3);
    /* The name does not resolve just now: the address and the core's reason stay. */
    unsigned reasons = up(&f)->reasons;
    cjd_fake_answer_err(f.fake, NAME, CJD_ERR_TIMEOUT, "timed out");
    assert_int_equal(up(&f)->reasons, reasons);
    want_addr(up(&f), "198.51.100.9:5199");
    want_back_off(&f, SECOND);
    /* It comes back by itself: no more questions. */
    alive(&f);
    assert_int_equal(cjd_fake_armed(f.fake), 0);
    udp_fixture_end(&f);
}

/* Alive while a question is open: the answer must not move it. */
static void test_alive_while_asking(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1");
    alive(&f);
    cjd_fake_advance(f.fake, 60 * SECOND);
    lost(&f);
    assert_non_null(cjd_fake_open_ask(f.fake, NAME));
    lost(&f); /* no second question */
    alive(&f);
    assert_null(cjd_fake_open_ask(f.fake, NAME));
    assert_true(f.fake->asks[1].was_cancelled);
    assert_int_equal(f.fake->ask_count, 2);
    udp_fixture_end(&f);
}

static void test_address_taken(void **state)
{
    struct udp_fixture f = start("{\"bind\":\"127.0.0.1\",\"peers\":[" PEER(
        "192.0.2.1:5199", KEY_B, "n") "," PEER("node.example:5199", KEY_A, "up") "]}");

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2");
    want_addr(up(&f), "192.0.2.2:5199");
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_INFO, "cannot have the address 192.0.2.1"),
                     1);
    udp_fixture_end(&f);
}

static void test_all_addresses_taken(void **state)
{
    struct udp_fixture f = start("{\"bind\":\"127.0.0.1\",\"peers\":[" PEER(
        "192.0.2.1:5199", KEY_B, "n") "," PEER("node.example:5199", KEY_A, "up") "]}");

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1");
    assert_int_equal(up(&f)->spec.addr.len, 0);
    /* Free at last. */
    assert_int_equal(udp_fixture_configure(&f, "{\"bind\":\"127.0.0.1\",\"peers\":[" PEER(
                                                   "node.example:5199", KEY_A, "up") "]}"),
                     0);
    cjd_fake_advance(f.fake, 8 * SECOND);
    want_addr(up(&f), "192.0.2.1:5199");
    udp_fixture_end(&f);
}

static void test_core_refuses(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    f.fake->next_add_err = CJD_ERR_BAD_KEY;
    udp_fixture_start(
        &f, "{\"bind\":\"127.0.0.1\",\"peers\":[" PEER("bad.example:1", KEY_B, "bad") "," PEER(
                "192.0.2.1:5199", KEY_A, "up") "]}");
    assert_int_equal(cjd_fake_peers(f.fake), 1);
    want_addr(up(&f), "192.0.2.1:5199");
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_ERROR, "bad.example:1"), 1);
    cjd_fake_advance(f.fake, 600 * SECOND);
    assert_int_equal(cjd_fake_peers(f.fake), 1);
    assert_int_equal(f.fake->ask_count, 0);
    udp_fixture_end(&f);
}

/* An incoming peer may hold the address for a while. */
static void test_core_has_no_room(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    f.fake->next_add_err = CJD_ERR_EXISTS;
    udp_fixture_start(&f,
                      "{\"bind\":\"127.0.0.1\",\"peers\":[" PEER("192.0.2.1:1", KEY_A, "up") "]}");
    assert_int_equal(cjd_fake_peers(f.fake), 0);
    want_back_off(&f, SECOND);
    f.fake->next_add_err = CJD_ERR_FULL;
    cjd_fake_advance(f.fake, SECOND);
    want_back_off(&f, 2 * SECOND);
    cjd_fake_advance(f.fake, 2 * SECOND);
    want_addr(up(&f), "192.0.2.1:1");
    assert_int_equal(cjd_fake_armed(f.fake), 0);
    udp_fixture_end(&f);
}

static void test_core_removes(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    cjd_fake_peer_drop(f.fake, up(&f));
    assert_null(cjd_fake_open_ask(f.fake, NAME));
    cjd_fake_advance(f.fake, 600 * SECOND);
    assert_int_equal(cjd_fake_peers(f.fake), 0);
    assert_int_equal(cjd_fake_asked(f.fake, NAME), 1);
    udp_fixture_end(&f);
}

/* The core forgot the peer, and the plugin notices by the answer to set_addr. */
static void test_core_forgot(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    f.fake->next_set_addr_err = CJD_ERR_NOT_FOUND;
    up(&f)->is_removed = true;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2");
    assert_int_equal(cjd_fake_armed(f.fake), 0);
    udp_fixture_end(&f);
}

/* Numbers of peers are used again: an old event of another one must not count. */
static void test_stale_event(void **state)
{
    struct udp_fixture f = start(ONE_NAME);
    struct cjd_fake_peer other = *up(&f);

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1");
    assert_int_equal(cjd_key_from_text(&other.spec.key, KEY_B), 0);
    cjd_fake_peer_event(f.fake, &other, CJD_PEER_ESTABLISHED, CJD_PEER_REASON_UP);
    assert_int_equal(cjd_fake_armed(f.fake), 1); /* still trying */
    other = *up(&f);
    other.spec.link = 7;
    cjd_fake_peer_event(f.fake, &other, CJD_PEER_ESTABLISHED, CJD_PEER_REASON_UP);
    assert_int_equal(cjd_fake_armed(f.fake), 1);
    udp_fixture_end(&f);
}

/* What cannot be sent to costs no window, until it holds for all of them. */
static void test_unsendable_moves_on(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2,192.0.2.3");
    struct cjd_linkaddr first = up(&f)->spec.addr;
    cjd_udp_peers_unsendable(&f.udp->peers, &first, ENETUNREACH);
    assert_int_equal(up(&f)->reason, CJD_PEER_REASON_SEND);
    want_addr(up(&f), "192.0.2.2:5199");
    /* About the address it had: nobody's now. */
    unsigned reasons = up(&f)->reasons;
    cjd_udp_peers_unsendable(&f.udp->peers, &first, ENETUNREACH);
    assert_int_equal(up(&f)->reasons, reasons);
    for (unsigned i = 0; i < 5; i++) {
        struct cjd_linkaddr now = up(&f)->spec.addr;
        cjd_udp_peers_unsendable(&f.udp->peers, &now, ENETUNREACH);
    }
    want_addr(up(&f), "192.0.2.3:5199");
    assert_int_equal(up(&f)->set_addrs, 3);
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_INFO, "cannot send"), 1);
    cjd_fake_advance(f.fake, 500 * MS);
    want_addr(up(&f), "192.0.2.1:5199");
    udp_fixture_end(&f);
}

/* An established peer whose route is gone goes on by another address at once. */
static void test_unsendable_while_alive(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2");
    struct cjd_linkaddr first = up(&f)->spec.addr;
    alive(&f);
    cjd_udp_peers_unsendable(&f.udp->peers, &first, EHOSTUNREACH);
    want_addr(up(&f), "192.0.2.2:5199");
    alive(&f);
    cjd_fake_advance(f.fake, 600 * SECOND);
    want_addr(up(&f), "192.0.2.2:5199");
    /* It falls silent: first where it was, then the other one. */
    lost(&f);
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2");
    cjd_fake_advance(f.fake, 249 * MS);
    want_addr(up(&f), "192.0.2.2:5199");
    cjd_fake_advance(f.fake, MS);
    want_addr(up(&f), "192.0.2.1:5199");
    udp_fixture_end(&f);
}

#define MANY(bind, ...)                                                                            \
    "{\"bind\":" bind ",\"peers\":[{\"address\":[" __VA_ARGS__ "],\"publicKey\":\"" KEY_A          \
    "\",\"password\":\"secret\",\"name\":\"up\"}]}"
#define BOTH "[\"127.0.0.1\",\"[::1]\"]"

/* A list of numeric addresses is one peer of the core. */
static void test_list(void **state)
{
    struct udp_fixture f = start(MANY(BOTH, "\"192.0.2.1:1\",\"[2001:db8::1]:2\""));

    (void)state;
    assert_int_equal(cjd_fake_peers(f.fake), 1);
    want_addr(up(&f), "192.0.2.1:1");
    cjd_fake_advance(f.fake, 250 * MS);
    want_addr(up(&f), "[2001:db8::1]:2");
    cjd_fake_advance(f.fake, 250 * MS);
    want_addr(up(&f), "192.0.2.1:1");
    cjd_fake_advance(f.fake, 500 * MS);
    want_addr(up(&f), "[2001:db8::1]:2");
    alive(&f);
    assert_int_equal(cjd_fake_armed(f.fake), 0);
    assert_int_equal(cjd_fake_peers(f.fake), 1);
    udp_fixture_end(&f);
}

/* A numeric address is used at once; a name beside it joins in when it resolves. */
static void test_list_with_name(void **state)
{
    struct udp_fixture f = start(MANY("\"127.0.0.1\"", "\"192.0.2.1:1\",\"node.example:2\""));

    (void)state;
    want_addr(up(&f), "192.0.2.1:1");
    assert_int_equal(cjd_fake_armed(f.fake), 0); /* nothing else to try */
    cjd_fake_answer_err(f.fake, NAME, CJD_ERR_TIMEOUT, "timed out");
    want_addr(up(&f), "192.0.2.1:1");
    assert_int_equal(up(&f)->reasons, 0);
    cjd_fake_advance(f.fake, SECOND);
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2");
    want_addr(up(&f), "192.0.2.1:1");
    cjd_fake_advance(f.fake, 250 * MS);
    want_addr(up(&f), "192.0.2.1:2"); /* the name's port */
    cjd_fake_advance(f.fake, 250 * MS);
    want_addr(up(&f), "192.0.2.2:2");
    udp_fixture_end(&f);
}

/* By turns of the families, IPv6 first; and a link does not lead over the network it is part of. */
static void test_both_families(void **state)
{
    static const char *const turn[] = {"[2001:db8::1]:5199", "192.0.2.1:5199", "[2001:db8::2]:5199",
                                       "192.0.2.2:5199", "192.0.2.3:5199"};
    struct udp_fixture f =
        start("{\"bind\":" BOTH ",\"peers\":[" PEER("node.example:5199", KEY_A, "up") "]}");

    (void)state;
    cjd_fake_answer(f.fake, NAME,
                    "192.0.2.1,192.0.2.2,fc12::1,192.0.2.3,2001:db8::1,::,2001:db8::2");
    for (unsigned i = 0; i < 10; i++) {
        want_addr(up(&f), turn[i % 5]);
        cjd_fake_advance(f.fake, i < 5 ? 250 * MS : 500 * MS);
    }
    udp_fixture_end(&f);
}

/* Its name stands for something else now: there at once, without a window. */
static void test_moved_name(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2");
    alive(&f);
    cjd_fake_advance(f.fake, 60 * SECOND);
    lost(&f);
    cjd_fake_answer(f.fake, NAME, "198.51.100.1,198.51.100.2");
    want_addr(up(&f), "198.51.100.1:5199");
    cjd_fake_advance(f.fake, 250 * MS);
    want_addr(up(&f), "198.51.100.2:5199");
    udp_fixture_end(&f);
}

/* The core may have followed the peer to where it spoke from: it is told the address all the same.
 */
static void test_told_again(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2");
    alive(&f);
    up(&f)->spec.addr = udp_fixture_addr("203.0.113.5:1024"); /* roamed */
    cjd_fake_advance(f.fake, 60 * SECOND);
    lost(&f);
    cjd_fake_advance(f.fake, 250 * MS);
    want_addr(up(&f), "192.0.2.2:5199");
    cjd_fake_advance(f.fake, 250 * MS);
    want_addr(up(&f), "192.0.2.1:5199");
    udp_fixture_end(&f);
}

/* The network came up: no waiting for a question that is due in a minute. */
static void test_news(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        cjd_fake_answer_err(f.fake, NAME, CJD_ERR_TIMEOUT, "timed out");
        cjd_fake_advance(f.fake, cjd_fake_next_timer(f.fake));
    }
    cjd_fake_answer_err(f.fake, NAME, CJD_ERR_TIMEOUT, "timed out");
    assert_non_null(f.fake->network_fn);
    f.fake->network_fn(f.fake->network_arg);
    assert_non_null(cjd_fake_open_ask(f.fake, NAME));
    cjd_fake_answer(f.fake, NAME, "192.0.2.1,192.0.2.2");
    /* And the rounds begin anew. */
    cjd_fake_advance(f.fake, 20 * SECOND);
    struct cjd_linkaddr now = up(&f)->spec.addr;
    f.fake->network_fn(f.fake->network_arg);
    cjd_fake_advance(f.fake, 250 * MS);
    assert_memory_not_equal(&up(&f)->spec.addr, &now, sizeof now);
    alive(&f);
    f.fake->network_fn(f.fake->network_arg);
    assert_int_equal(cjd_fake_armed(f.fake), 0);
    udp_fixture_end(&f);
}

static void test_device(void **state)
{
    struct udp_fixture f = start("{\"bind\":\"[::]\",\"peers\":[" PEER(
        "[fe80::1%lo]:9", KEY_A, "up") "," PEER("[fe80::2%no-such-dev0]:9", KEY_B, "none") "]}");
    static const uint8_t ip[16] = {0xfe, 0x80, [15] = 1};
    struct cjd_linkaddr wanted;

    (void)state;
    cjd_udp_addr_make(&wanted, AF_INET6, ip, 9, if_nametoindex("lo"));
    assert_memory_equal(&up(&f)->spec.addr, &wanted, sizeof wanted);
    struct cjd_fake_peer *none = cjd_fake_peer(f.fake, "none");
    assert_int_equal(none->spec.addr.len, 0);
    assert_int_equal(none->reason, CJD_PEER_REASON_NO_ADDRESS);
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_WARN, "no such network device"), 1);
    alive(&f);
    want_back_off(&f, SECOND);
    assert_int_equal(f.fake->ask_count, 0);
    udp_fixture_end(&f);
}

static void test_stop_while_asking(void **state)
{
    struct udp_fixture f = start(ONE_NAME);

    (void)state;
    assert_non_null(cjd_fake_open_ask(f.fake, NAME));
    f.ops->stop(f.udp);
    assert_null(cjd_fake_open_ask(f.fake, NAME));
    udp_fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numeric),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_name6),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_ask_fails_at_once),
        cmocka_unit_test(test_useless_answers),
        cmocka_unit_test(test_tried_in_turn),
        cmocka_unit_test(test_single_address),
        cmocka_unit_test(test_life_stops_trying),
        cmocka_unit_test(test_lost_and_found),
        cmocka_unit_test(test_alive_while_asking),
        cmocka_unit_test(test_address_taken),
        cmocka_unit_test(test_all_addresses_taken),
        cmocka_unit_test(test_core_refuses),
        cmocka_unit_test(test_core_has_no_room),
        cmocka_unit_test(test_core_removes),
        cmocka_unit_test(test_core_forgot),
        cmocka_unit_test(test_stale_event),
        cmocka_unit_test(test_unsendable_moves_on),
        cmocka_unit_test(test_unsendable_while_alive),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_with_name),
        cmocka_unit_test(test_both_families),
        cmocka_unit_test(test_moved_name),
        cmocka_unit_test(test_told_again),
        cmocka_unit_test(test_news),
        cmocka_unit_test(test_device),
        cmocka_unit_test(test_stop_while_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
