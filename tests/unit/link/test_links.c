/* Tables and packet rules of the link room: numbers, addresses, limits, refusals, who may send
 * what before there is a session. */
#include "end.h"

#include <base/wire.h>
#include <cjd/version.h>

/* --- links and numbers ------------------------------------------------------------------------ */

static void link_limits(void **state)
{
    (void)state;
    struct end e;
    end_init(&e, 1);
    assert_int_equal(cjd_links_add(e.links, "small", 183, 1), CJD_ERR_INVALID);
    assert_int_equal(cjd_links_add(e.links, "no queue", 1500, 0), CJD_ERR_INVALID);
    assert_int_equal(
        cjd_links_add(e.links, "a name of more than thirty-one characters is cut", 184, 4), 1);
    for (unsigned i = 2; i < CJD_LINKS_MAX; i++) {
        assert_int_equal(cjd_links_add(e.links, "more", 1500, 1), i);
    }
    assert_int_equal(cjd_links_add(e.links, "too many", 1500, 1), CJD_ERR_FULL);
    cjd_links_del(e.links, 7, e.now_ns);
    cjd_links_del(e.links, 7, e.now_ns);
    cjd_links_del(e.links, CJD_LINKS_MAX, e.now_ns);
    assert_int_equal(cjd_links_add(e.links, "again", 1500, 1), 7);
    end_fini(&e);
}

static void add_errors(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    end_init(&e, 2);
    cjd_keypair_generate(&other, &e.ca.rng);
    struct cjd_link_peer_spec spec = {.link = 1, .addr = end_addr(1), .key = other.key};

    assert_int_equal(cjd_links_peer_add(e.links, &spec, e.now_ns), CJD_ERR_INVALID);
    spec.link = CJD_LINKS_MAX;
    assert_int_equal(cjd_links_peer_add(e.links, &spec, e.now_ns), CJD_ERR_INVALID);
    spec.link = 0;
    spec.addr.len = CJD_LINKADDR_MAX + 1;
    assert_int_equal(cjd_links_peer_add(e.links, &spec, e.now_ns), CJD_ERR_INVALID);
    spec.addr.len = 6;
    spec.key = e.self.key;
    assert_int_equal(cjd_links_peer_add(e.links, &spec, e.now_ns), CJD_ERR_OWN_KEY);
    spec.key = (struct cjd_key){{1}};
    assert_int_equal(cjd_links_peer_add(e.links, &spec, e.now_ns), CJD_ERR_BAD_KEY);
    assert_int_equal(end_peers(&e), 0);
    spec.key = other.key;
    assert_true(cjd_links_peer_add(e.links, &spec, e.now_ns) >= 0);
    assert_int_equal(cjd_links_peer_add(e.links, &spec, e.now_ns), CJD_ERR_EXISTS);
    assert_int_equal(cjd_links_peer_del(e.links, 0xffffffff, e.now_ns), CJD_ERR_NOT_FOUND);
    cjd_links_flush(e.links);
    end_fini(&e);
}

/* A number names one peer for good, however often its slot is used again. */
static void numbers(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    struct cjd_peer_info info;
    struct cjd_linkaddr at = end_addr(1);
    struct cjd_linkaddr nowhere = {.len = 0};
    end_init(&e, 3);
    cjd_keypair_generate(&other, &e.ca.rng);

    int first = end_peer_add(&e, &at, &other.key);
    assert_true(first > 0);
    assert_int_equal(cjd_links_peer_del(e.links, (uint32_t)first, e.now_ns), 0);
    assert_false(cjd_links_peer(e.links, (uint32_t)first, &info));
    int last = first;
    for (unsigned i = 0; i < 32766; i++) {
        int number = end_peer_add(&e, &nowhere, &other.key);
        assert_true(number > 0 && number != last);
        assert_false(cjd_links_peer(e.links, (uint32_t)last, &info));
        assert_false(cjd_links_peer(e.links, (uint32_t)first, &info));
        assert_int_equal(cjd_links_peer_del(e.links, (uint32_t)last, e.now_ns), CJD_ERR_NOT_FOUND);
        assert_int_equal(cjd_links_peer_del(e.links, (uint32_t)number, e.now_ns), 0);
        last = number;
    }
    /* The generation has come round: still a legal number. */
    for (unsigned i = 0; i < 40000; i++) {
        int number = end_peer_add(&e, &nowhere, &other.key);
        assert_true(number > 0);
        assert_int_equal(end_peer(&e, (uint32_t)number).peer, number);
        assert_int_equal(cjd_links_peer_del(e.links, (uint32_t)number, e.now_ns), 0);
    }
    end_fini(&e);
}

/* --- full table ------------------------------------------------------------------------------- */

#define STRANGERS 3u

/* Fills the table with configured peers up to `leave` free interfaces. */
static void fill(struct end *e, unsigned leave)
{
    struct cjd_keypair other;
    struct cjd_linkaddr nowhere = {.len = 0};

    cjd_keypair_generate(&other, &e->ca.rng);
    while (end_peers(e) < CJD_SWITCH_IFACES - 1 - leave) {
        assert_true(end_peer_add(e, &nowhere, &other.key) > 0);
    }
}

static void full_of_configured(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_refusal r;
    struct cjd_linkaddr nowhere = {.len = 0};
    end_init(&e, 4);
    far_init(&far, 40, 9, &e, END_LOGIN);

    fill(&e, 0);
    assert_int_equal(end_peer_add(&e, &nowhere, &far.self.key), CJD_ERR_FULL);
    far_send(&far, &e, NULL, 0);
    assert_int_equal(end_peers(&e), CJD_SWITCH_IFACES - 1);
    assert_true(cjd_links_refusal_at(e.links, 0, &r));
    assert_int_equal(r.err, CJD_ERR_FULL);
    assert_int_equal(e.removals, 0);
    far_fini(&far);
    end_fini(&e);
}

/* Who goes for a new configured peer: never established, then silent, then nobody. */
static void least_valuable_goes(void **state)
{
    (void)state;
    struct end e;
    struct far up;
    struct far silent;
    struct far fresh;
    struct cjd_linkaddr nowhere = {.len = 0};
    end_init(&e, 5);
    far_init(&up, 51, 1, &e, END_LOGIN);
    far_init(&silent, 52, 2, &e, END_LOGIN);
    far_init(&fresh, 53, 3, &e, END_LOGIN);

    fill(&e, STRANGERS);
    far_establish(&silent, &e);
    end_run(&e, 8 * CJD_S);
    far_establish(&up, &e);
    far_send(&fresh, &e, NULL, 0);
    assert_int_equal(end_peers(&e), CJD_SWITCH_IFACES - 1);
    assert_int_equal(e.removals, 0);

    struct cjd_keypair other;
    cjd_keypair_generate(&other, &e.ca.rng);
    assert_true(end_peer_add(&e, &nowhere, &other.key) > 0);
    assert_int_equal(e.removals, 1);
    assert_memory_equal(&e.last_event.key, &fresh.self.key, 32);
    assert_true(end_peer_add(&e, &nowhere, &other.key) > 0);
    assert_int_equal(e.removals, 2);
    assert_memory_equal(&e.last_event.key, &silent.self.key, 32);
    assert_int_equal(end_peer_add(&e, &nowhere, &other.key), CJD_ERR_FULL);
    assert_int_equal(e.removals, 2);
    far_fini(&up);
    far_fini(&silent);
    far_fini(&fresh);
    end_fini(&e);
}

/* --- addresses -------------------------------------------------------------------------------- */

static void set_addr(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_linkaddr a = end_addr(1);
    struct cjd_linkaddr b = end_addr(2);
    struct cjd_linkaddr c = end_addr(3);
    struct cjd_linkaddr long_addr = {.len = CJD_LINKADDR_MAX + 1};
    struct cjd_linkaddr none = {.len = 0};
    end_init(&e, 6);
    far_init(&far, 60, 3, &e, END_LOGIN);
    uint32_t p = (uint32_t)end_peer_add(&e, &a, &far.self.key);
    uint32_t q = (uint32_t)end_peer_add(&e, &b, &far.self.key);

    assert_int_equal(cjd_links_peer_set_addr(e.links, p, &b, e.now_ns), CJD_ERR_EXISTS);
    assert_int_equal(cjd_links_peer_set_addr(e.links, p, &long_addr, e.now_ns), CJD_ERR_INVALID);
    assert_int_equal(cjd_links_peer_set_addr(e.links, 77, &c, e.now_ns), CJD_ERR_NOT_FOUND);
    end_forget(&e);
    assert_int_equal(cjd_links_peer_set_addr(e.links, p, &a, e.now_ns), 0);
    cjd_links_flush(e.links);
    assert_int_equal(e.sent_count, 0); /* where it was already */

    /* Who happened to call from there gives way. */
    far_establish(&far, &e);
    assert_int_equal(e.ups, 1);
    assert_int_equal(end_peers(&e), 3);
    end_forget(&e);
    assert_int_equal(cjd_links_peer_set_addr(e.links, p, &c, e.now_ns), 0);
    cjd_links_flush(e.links);
    assert_int_equal(e.removals, 1);
    assert_int_equal(e.downs, 1);
    assert_int_equal(end_peers(&e), 2);
    assert_int_equal(end_peer(&e, p).reason, CJD_LINK_REASON_NEW);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(end_word(&e.sent[0]), 0); /* a new hello, at once */
    assert_int_equal(e.sent[0].addr.b[0], 3);

    /* Its old address is free again; without an address nothing is sent. */
    assert_int_equal(cjd_links_peer_set_addr(e.links, q, &a, e.now_ns), 0);
    cjd_links_flush(e.links);
    end_forget(&e);
    assert_int_equal(cjd_links_peer_set_addr(e.links, q, &none, e.now_ns), 0);
    assert_int_equal(end_peer(&e, q).reason, CJD_LINK_REASON_NO_ADDRESS);
    assert_int_equal(cjd_links_peer_del(e.links, p, e.now_ns), 0);
    end_run(&e, 3 * CJD_S);
    assert_int_equal(e.sent_count, 0);
    far_fini(&far);
    end_fini(&e);
}

/* The operator's word replaces who called first from that address. */
static void configured_over_incoming(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 7);
    far_init(&far, 70, 1, &e, END_LOGIN);
    far_establish(&far, &e);
    assert_int_equal(e.ups, 1);
    assert_true(end_peer_add(&e, &far.addr, &far.self.key) > 0);
    assert_int_equal(e.downs, 1);
    assert_int_equal(e.removals, 1);
    assert_int_equal(end_peers(&e), 1);
    far_fini(&far);
    end_fini(&e);
}

/* Another key at the address of an incoming peer is let in when that has been silent for 5 s. */
static void other_key_at_address(void **state)
{
    (void)state;
    struct end e;
    struct far first;
    struct far second;
    end_init(&e, 8);
    far_init(&first, 80, 1, &e, END_LOGIN);
    far_init(&second, 81, 1, &e, END_LOGIN);
    far_establish(&first, &e);
    far_send(&second, &e, NULL, 0);
    struct cjd_peer_info info = end_peer(&e, 1u << 16);
    assert_memory_equal(&info.key, &first.self.key, 32);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_REFUSED), 1);
    end_run(&e, 6 * CJD_S);
    far_restart(&second, &e, END_LOGIN);
    far_establish(&second, &e);
    assert_true(cjd_links_peer_at(e.links, 0, &info));
    assert_memory_equal(&info.key, &second.self.key, 32);
    assert_int_equal(end_peers(&e), 1);
    /* A wrong password replaces nobody. */
    end_run(&e, 6 * CJD_S);
    far_restart(&first, &e, NULL);
    far_send(&first, &e, NULL, 0);
    assert_true(cjd_links_peer_at(e.links, 0, &info));
    assert_memory_equal(&info.key, &second.self.key, 32);
    far_fini(&first);
    far_fini(&second);
    end_fini(&e);
}

/* --- removal ---------------------------------------------------------------------------------- */

static void link_removed(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_linkaddr a = end_addr(1);
    end_init(&e, 9);
    far_init(&far, 90, 1, &e, END_LOGIN);
    assert_int_equal(cjd_links_add(e.links, "other", END_MTU, 1), 1);
    far_establish(&far, &e);
    struct cjd_link_peer_spec spec = {.link = 1, .addr = a, .key = far.self.key};
    int other = cjd_links_peer_add(e.links, &spec, e.now_ns);
    assert_true(other > 0);
    assert_true(cjd_pool_in_use(e.pool) > 0); /* its hello waits to be flushed */

    cjd_links_del(e.links, 1, e.now_ns);
    assert_int_equal(cjd_pool_in_use(e.pool), 0);
    assert_int_equal(end_peers(&e), 1);
    assert_int_equal(e.downs, 0);
    cjd_links_del(e.links, 0, e.now_ns);
    assert_int_equal(end_peers(&e), 0);
    assert_int_equal(e.downs, 1);
    assert_int_equal(e.removals, 2);
    end_forget(&e);
    end_run(&e, 5 * CJD_S);
    assert_int_equal(e.sent_count, 0);
    far_restart(&far, &e, END_LOGIN);
    far_send(&far, &e, NULL, 0);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_GONE), 1);
    end_rx(&e, CJD_LINKS_MAX, &far.addr, far.bytes, far.len);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_GONE), 2);
    assert_int_equal(end_peers(&e), 0);
    far_fini(&far);
    end_fini(&e);
}

static void remove_peer(struct end *end, uint32_t iface)
{
    struct cjd_peer_info info;

    (void)iface;
    assert_true(cjd_links_peer_at(end->links, 0, &info));
    assert_int_equal(cjd_links_peer_del(end->links, info.peer, end->now_ns), 0);
}

/* A frame may have the effect that its peer is removed. */
static void removed_by_its_frame(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    uint8_t ping[128];
    end_init(&e, 10);
    far_init(&far, 100, 1, &e, END_LOGIN);
    e.on_frame = remove_peer;
    far_send(&far, &e, ping, frame_ping(ping, false, CJD_PROTOCOL, "x", 1));
    assert_int_equal(e.frames, 1);
    assert_int_equal(end_peers(&e), 0);
    assert_int_equal(e.removals, 1);
    far_fini(&far);
    end_fini(&e);
}

/* --- strangers and refusals ------------------------------------------------------------------- */

static void strangers(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_linkaddr none = {.len = 0};
    struct cjd_linkaddr too_long = {.len = CJD_LINKADDR_MAX + 1};
    end_init(&e, 11);
    far_init(&far, 110, 1, &e, END_LOGIN);
    struct end scratch; /* makes the packets */
    end_init(&scratch, 11);
    far_send(&far, &scratch, NULL, 0);

    for (uint32_t len = 0; len < CJD_CA_HANDSHAKE_BYTES; len++) {
        end_rx(&e, 0, &far.addr, far.bytes, len);
    }
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_RUNT), CJD_CA_DATA_BYTES);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_STRANGER), 100);
    end_rx(&e, 0, &none, far.bytes, far.len);
    end_rx(&e, 0, &too_long, far.bytes, far.len);
    for (uint8_t word = 2; word < 10; word++) {
        far.bytes[3] = word;
        end_rx(&e, 0, &far.addr, far.bytes, far.len);
    }
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_STRANGER), 110);
    assert_int_equal(end_peers(&e), 0);
    assert_int_equal(e.sent_count, 0);
    /* A repeat hello will do (link notes §5.3). */
    far.bytes[3] = 1;
    end_rx(&e, 0, &far.addr, far.bytes, far.len);
    assert_int_equal(end_peers(&e), 1);
    far_fini(&far);
    end_fini(&scratch);
    end_fini(&e);
}

static void refusals_are_bounded(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    struct cjd_refusal r;
    end_init(&e, 12);
    far_init(&far, 120, 1, &e, NULL); /* no password */
    for (unsigned round = 0; round < 3; round++) {
        for (uint8_t i = 0; i < CJD_REFUSALS_MAX; i++) {
            far.addr = end_addr(i);
            far_send(&far, &e, NULL, 0);
            e.now_ns += CJD_S;
        }
    }
    for (uint32_t i = 0; i < CJD_REFUSALS_MAX; i++) {
        assert_true(cjd_links_refusal_at(e.links, i, &r));
        assert_int_equal(r.count, 3);
        assert_int_equal(r.result, CJD_CA_AUTH_REQUIRED);
        assert_int_equal(r.err, 0);
        assert_memory_equal(&r.key, &far.self.key, 32);
    }
    /* One more: the oldest goes, which is address 1 once 0 has called again. */
    far.addr = end_addr(0);
    far_send(&far, &e, NULL, 0);
    e.now_ns += CJD_S;
    far.addr = end_addr(200);
    far_send(&far, &e, NULL, 0);
    assert_false(cjd_links_refusal_at(e.links, CJD_REFUSALS_MAX, &r));
    bool has_0 = false;
    bool has_1 = false;
    for (uint32_t i = 0; i < CJD_REFUSALS_MAX; i++) {
        assert_true(cjd_links_refusal_at(e.links, i, &r));
        has_0 |= r.addr.b[0] == 0 && r.count == 4;
        has_1 |= r.addr.b[0] == 1;
    }
    assert_true(has_0 && !has_1);
    assert_int_equal(end_peers(&e), 0);
    assert_int_equal(e.sent_count, 0); /* no reply (link notes §5.3) */
    /* They go with their link: its number may soon mean another. */
    cjd_links_del(e.links, 0, e.now_ns);
    assert_false(cjd_links_refusal_at(e.links, 0, &r));
    far_fini(&far);
    end_fini(&e);
}

/* Hellos without a known login cost no key agreement and no place in the budget of those that do.
 */
static void unknown_logins_do_not_lock_out(void **state)
{
    (void)state;
    struct end e;
    struct far noise;
    struct far far;
    end_init(&e, 13);
    far_init(&noise, 130, 1, &e, NULL);
    far_init(&far, 131, 2, &e, END_LOGIN);
    for (unsigned i = 0; i < 1000; i++) {
        noise.addr = end_addr((uint8_t)(i % 200 + 3));
        far_send(&noise, &e, NULL, 0);
    }
    far_send(&far, &e, NULL, 0);
    assert_int_equal(end_peers(&e), 1);
    far_fini(&noise);
    far_fini(&far);
    end_fini(&e);
}

/* Good logins from everywhere: so many a second, no more. */
static void hello_budget(void **state)
{
    (void)state;
    struct end e;
    struct far far;
    end_init(&e, 14);
    far_init(&far, 140, 1, &e, END_LOGIN);
    for (unsigned i = 0; i < 300; i++) {
        far.addr = (struct cjd_linkaddr){.b = {9, (uint8_t)i, (uint8_t)(i >> 8)}, .len = 4};
        far_restart(&far, &e, END_LOGIN);
        far_send(&far, &e, NULL, 0);
    }
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_HELLO_RATE), 100);
    assert_int_equal(end_peers(&e), 8); /* one key, never established: few entries */
    end_run(&e, CJD_S);
    far.addr = end_addr(1);
    far_restart(&far, &e, END_LOGIN);
    far_send(&far, &e, NULL, 0);
    assert_int_equal(end_dropped(&e, CJD_DROP_LINK_HELLO_RATE), 100);

    /* At a known address: 40 at once. */
    far_establish(&far, &e);
    for (unsigned i = 0; i < 60; i++) {
        far_restart(&far, &e, END_LOGIN);
        far_send(&far, &e, NULL, 0);
    }
    assert_in_range(end_dropped(&e, CJD_DROP_LINK_HELLO_RATE), 120, 125);
    far_fini(&far);
    end_fini(&e);
}

static void assert_logged(const struct end *e, const char *what)
{
    if (!strstr(e->log, what)) {
        fail_msg("\"%s\" is not in:\n%s", what, e->log);
    }
}

/* The log says who it is, as the operator calls it, and where: a key alone tells little. */
static void says_who(void **state)
{
    struct end e;
    struct far far;
    struct far stranger;
    struct cjd_linkaddr addr = end_addr(5);

    (void)state;
    end_init(&e, 12);
    far_init(&far, 120, 1, &e, END_LOGIN);
    far_init(&stranger, 121, 2, &e, "nobody-knows-me");
    far_establish(&far, &e);
    assert_logged(&e, " login=\"" END_LOGIN "\" state=established");
    assert_logged(&e, " at=place-1 link=wire version=");
    far_send(&stranger, &e, NULL, 0);
    assert_logged(&e, " at=place-2 link=wire reason=");
    assert_true(end_peer_add(&e, &addr, &stranger.self.key) >= 0);
    end_run(&e, 20 * CJD_S);
    assert_logged(&e, " name=\"peer\" state=init reason=\"no answer");
    assert_logged(&e, " at=place-5 link=wire");
    far_fini(&stranger);
    far_fini(&far);
    end_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_limits),
        cmocka_unit_test(add_errors),
        cmocka_unit_test(numbers),
        cmocka_unit_test(full_of_configured),
        cmocka_unit_test(least_valuable_goes),
        cmocka_unit_test(set_addr),
        cmocka_unit_test(configured_over_incoming),
        cmocka_unit_test(other_key_at_address),
        cmocka_unit_test(link_removed),
        cmocka_unit_test(removed_by_its_frame),
        cmocka_unit_test(strangers),
        cmocka_unit_test(refusals_are_bounded),
        cmocka_unit_test(unknown_logins_do_not_lock_out),
        cmocka_unit_test(hello_budget),
        cmocka_unit_test(says_who),
    };
    return cmocka_run_group_tests_name("link_links", tests, NULL, NULL);
}
