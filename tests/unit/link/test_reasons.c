/* Why a neighbour is in its state: each reason and each refusal is brought about, told in words,
 * and told to nobody outside. */
#include "end.h"

#include <base/wire.h>
#include <cjd/link.h>
#include <cjd/version.h>

#define DELAY (2 * CJD_MS)

static uint32_t reasons_seen; /* bit by number, over all tests */

static void assert_peer(const struct end *e, uint32_t peer, int state, enum cjd_link_reason reason)
{
    struct cjd_peer_info p = end_peer(e, peer);

    assert_int_equal(p.state, state);
    assert_int_equal(p.reason, reason);
    assert_true(p.since_ns <= e->now_ns);
    reasons_seen |= 1u << reason;
}

/* --- peers ------------------------------------------------------------------------------------ */

static void never_answers(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    struct cjd_linkaddr at = end_addr(1);
    struct cjd_linkaddr none = {.len = 0};
    end_init(&e, 1);
    cjd_keypair_generate(&other, &e.ca.rng);
    uint32_t p = (uint32_t)end_peer_add(&e, &none, &other.key);
    uint64_t begin = e.now_ns;
    assert_peer(&e, p, CJD_CA_INIT, CJD_LINK_REASON_NO_ADDRESS);
    end_run(&e, CJD_S);
    assert_int_equal(end_peer(&e, p).since_ns, begin);
    cjd_links_peer_set_reason(e.links, p, CJD_LINK_REASON_NAME, e.now_ns);
    assert_peer(&e, p, CJD_CA_INIT, CJD_LINK_REASON_NAME);
    assert_int_equal(end_peer(&e, p).since_ns, e.now_ns);
    cjd_links_peer_set_reason(e.links, p, CJD_LINK_REASON_FAMILY, e.now_ns);
    assert_peer(&e, p, CJD_CA_INIT, CJD_LINK_REASON_FAMILY);
    assert_int_equal(cjd_links_peer_set_addr(e.links, p, &at, e.now_ns), 0);
    assert_peer(&e, p, CJD_CA_INIT, CJD_LINK_REASON_NEW);
    cjd_links_flush(e.links);
    end_run(&e, CJD_S);
    assert_peer(&e, p, CJD_CA_INIT, CJD_LINK_REASON_NO_ANSWER);
    /* What its driver finds out, as long as it goes on saying so. */
    for (unsigned i = 0; i < 10; i++) {
        cjd_links_peer_set_reason(e.links, p, CJD_LINK_REASON_SEND, e.now_ns);
        end_run(&e, 10 * CJD_S);
        assert_peer(&e, p, CJD_CA_INIT, CJD_LINK_REASON_SEND);
    }
    end_run(&e, 20 * CJD_S);
    assert_peer(&e, p, CJD_CA_INIT, CJD_LINK_REASON_NO_ANSWER);
    end_fini(&e);
}

static void answers(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 2, DELAY);
    bool has_key[2] = {false, false};
    /* Step by step, so that nothing in between is missed. */
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned end = 0; end < 2 && end_peers(&pair.end[end]) > 0; end++) {
            struct cjd_peer_info p = pair_peer(&pair, end);
            reasons_seen |= 1u << p.reason;
            has_key[end] |= p.state == (end == 0 ? CJD_CA_RECEIVED_KEY : CJD_CA_SENT_KEY) ||
                            p.state == CJD_CA_RECEIVED_HELLO;
            bool is_up = p.state == CJD_CA_ESTABLISHED;
            bool is_handshake = p.state == CJD_CA_RECEIVED_KEY || p.state == CJD_CA_SENT_KEY ||
                                p.state == CJD_CA_RECEIVED_HELLO;
            assert_int_equal(p.reason == CJD_LINK_REASON_UP, is_up);
            assert_int_equal(p.reason == CJD_LINK_REASON_HANDSHAKE, is_handshake);
        }
        pair_run(&pair, 100 * CJD_US);
    }
    assert_true(has_key[0] && has_key[1]);
    pair_run(&pair, CJD_S);
    uint32_t p = pair_peer(&pair, 0).peer;
    uint32_t q = pair_peer(&pair, 1).peer;
    assert_peer(&pair.end[0], p, CJD_CA_ESTABLISHED, CJD_LINK_REASON_UP);
    pair.is_cut[0] = pair.is_cut[1] = true;
    pair_run(&pair, 30 * CJD_S);
    assert_peer(&pair.end[0], p, CJD_LINK_STATE_UNRESPONSIVE, CJD_LINK_REASON_SILENT);
    assert_peer(&pair.end[1], q, CJD_LINK_STATE_UNRESPONSIVE, CJD_LINK_REASON_SILENT);
    cjd_links_set_carrier(pair.end[0].links, 0, false, pair.end[0].now_ns);
    assert_peer(&pair.end[0], p, CJD_LINK_STATE_UNRESPONSIVE, CJD_LINK_REASON_LINK_DOWN);
    pair_fini(&pair);
}

static void wrong_version(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 3, DELAY);
    pair.end[1].answers = CJD_PROTOCOL_MIN - 1;
    pair_run(&pair, CJD_S);
    assert_peer(&pair.end[0], pair_peer(&pair, 0).peer, CJD_LINK_STATE_INCOMPATIBLE,
                CJD_LINK_REASON_VERSION);
    pair_fini(&pair);
}

/* The configured address leads back to this node. */
static void loop(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    struct cjd_linkaddr at = end_addr(1);
    struct cjd_linkaddr behind_nat = end_addr(2);
    struct cjd_refusal r;
    end_init(&e, 4);
    cjd_keypair_generate(&other, &e.ca.rng);
    uint32_t p = (uint32_t)end_peer_add(&e, &at, &other.key);
    struct end_sent hello = e.sent[0];

    /* Somebody else who says he is us, from there: no proof. */
    uint8_t forged[CJD_CA_HANDSHAKE_BYTES];
    memcpy(forged, hello.bytes, sizeof forged);
    forged[20] ^= 1;
    end_rx(&e, 0, &at, forged, sizeof forged);
    end_run(&e, CJD_S);
    assert_peer(&e, p, CJD_CA_INIT, CJD_LINK_REASON_NO_ANSWER);

    for (unsigned way = 0; way < 2; way++) {
        const struct end_sent *last = &e.sent[e.sent_count - 1];
        end_rx(&e, 0, way == 0 ? &at : &behind_nat, last->bytes, last->len);
        assert_peer(&e, p, CJD_CA_INIT, CJD_LINK_REASON_OWN_KEY);
        assert_int_equal(end_peers(&e), 1);
        /* It does not come back any more: then that is not the reason any more. */
        end_run(&e, 60 * CJD_S);
        assert_peer(&e, p, CJD_CA_INIT, CJD_LINK_REASON_NO_ANSWER);
    }
    assert_true(cjd_links_refusal_at(e.links, 0, &r));
    assert_int_equal(r.err, CJD_ERR_OWN_KEY);
    end_fini(&e);
}

/* All of them were there, and the plugins' list has the same words. */
static void all_reasons(void **state)
{
    (void)state;
    uint32_t all = 0;

#define CHECK(name, number, text)                                                                  \
    assert_string_equal(cjd_link_reason_text((enum cjd_link_reason)(number)), text);               \
    all |= 1u << (number);
    CJD_PEER_REASON_LIST(CHECK)
#undef CHECK
#define CHECK(name, number, text) assert_string_equal(cjd_link_state_text(number), text);
    CJD_PEER_STATE_LIST(CHECK)
#undef CHECK
    assert_int_equal(reasons_seen, all);
}

/* --- refusals --------------------------------------------------------------------------------- */

/* The last refusal, which must be about that stranger; and he heard nothing. */
static void assert_refused(const struct end *e, const struct cjd_linkaddr *addr,
                           const struct cjd_key *key, const char *words)
{
    struct cjd_refusal r;
    struct cjd_refusal last = {.last_ns = 0};

    for (uint32_t i = 0; cjd_links_refusal_at(e->links, i, &r); i++) {
        last = r.last_ns >= last.last_ns ? r : last;
    }
    assert_memory_equal(&last.key, key, sizeof *key);
    assert_memory_equal(last.addr.b, addr->b, addr->len);
    if (!strstr(cjd_refusal_text(&last), words)) {
        fail_msg("\"%s\" does not say \"%s\"", cjd_refusal_text(&last), words);
    }
    assert_int_equal(e->sent_count, 0);
}

static void refuse(struct end *e, uint8_t at, const char *login, bool has_password,
                   const char *words)
{
    struct far far;

    far_init(&far, 100 + at, at, e, login);
    if (login && !has_password) {
        struct cjd_credentials c;
        cjd_credentials_init(&c, login, "a guess", 7);
        cjd_ca_set_credentials(&far.ca, &c);
        cjd_credentials_fini(&c);
    }
    e->now_ns += CJD_S;
    far_send(&far, e, NULL, 0);
    assert_refused(e, &far.addr, &far.self.key, words);
    far_fini(&far);
}

static void strangers(void **state)
{
    (void)state;
    struct end e;
    struct cjd_addr bound;
    end_init(&e, 5);
    memset(&bound, 0xfc, sizeof bound);
    assert_int_equal(cjd_users_add(e.users, "bound", END_PASSWORD, strlen(END_PASSWORD), &bound),
                     0);
    refuse(&e, 1, NULL, false, "unknown login or password");
    refuse(&e, 2, "nobody", true, "unknown login");
    refuse(&e, 3, END_LOGIN, false, "wrong password");
    refuse(&e, 4, "bound", true, "bound to another");

    /* Somebody with our own key. */
    struct far far;
    far_init(&far, 300, 5, &e, END_LOGIN);
    far.self = e.self;
    far_restart(&far, &e, END_LOGIN);
    e.now_ns += CJD_S;
    far_send(&far, &e, NULL, 0);
    assert_refused(&e, &far.addr, &e.self.key, "own key");
    far_fini(&far);
    assert_int_equal(end_peers(&e), 0);
    assert_null(strstr(e.log, END_PASSWORD));
    end_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_answers), cmocka_unit_test(answers),
        cmocka_unit_test(wrong_version), cmocka_unit_test(loop),
        cmocka_unit_test(all_reasons),   cmocka_unit_test(strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
