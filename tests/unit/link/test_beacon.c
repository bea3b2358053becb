/* Neighbours heard of by beacon: they become peers, are bounded, and disturb nobody. */
#include "end.h"

#include <cjd/version.h>

static const char first_life[] = "password of a life 1";
static const char next_life[] = "password of a life 2";

/* A beacon of `key` at an address; returns what the room says. */
static int hear(struct end *e, const struct cjd_linkaddr *addr, const struct cjd_key *key,
                uint32_t version, const char *password)
{
    struct cjd_link_peer_spec spec = {.link = 0, .addr = *addr, .key = *key, .version = version};

    cjd_credentials_init(&spec.credentials, NULL, password, 20);
    int err = cjd_links_heard(e->links, &spec, e->now_ns);
    cjd_links_flush(e->links);
    return err;
}

static int hear_at(struct end *e, uint8_t at, const struct cjd_key *key)
{
    struct cjd_linkaddr addr = end_addr(at);
    return hear(e, &addr, key, CJD_PROTOCOL, first_life);
}

static struct cjd_peer_info first_peer(const struct end *e)
{
    struct cjd_peer_info info;
    assert_true(cjd_links_peer_at(e->links, 0, &info));
    return info;
}

static void becomes_a_peer(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    end_init(&e, 1);
    cjd_keypair_generate(&other, &e.ca.rng);
    assert_int_equal(hear_at(&e, 7, &other.key), 0);
    struct cjd_peer_info p = first_peer(&e);
    assert_true(p.is_incoming);
    assert_int_equal(p.version, CJD_PROTOCOL);
    assert_memory_equal(&p.key, &other.key, sizeof p.key);
    /* The hello leaves at once, with auth type 1. */
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(end_word(&e.sent[0]), 0);
    assert_int_equal(e.sent[0].bytes[4], 1);
    assert_int_equal(e.sent[0].addr.b[0], 7);
    /* The same again is no news. */
    assert_int_equal(hear_at(&e, 7, &other.key), 0);
    assert_int_equal(e.sent_count, 1);
    assert_int_equal(end_peers(&e), 1);
    end_fini(&e);
}

static void odd_ones(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    struct cjd_linkaddr at = end_addr(7);
    struct cjd_linkaddr nowhere = {.len = 0};
    struct cjd_key bad = {{1}};
    end_init(&e, 2);
    cjd_keypair_generate(&other, &e.ca.rng);
    assert_int_equal(hear(&e, &at, &bad, CJD_PROTOCOL, first_life), CJD_ERR_BAD_KEY);
    assert_int_equal(end_dropped(&e, CJD_DROP_BEACON_KEY), 1);
    assert_int_equal(hear(&e, &at, &e.self.key, CJD_PROTOCOL, first_life), CJD_ERR_OWN_KEY);
    assert_int_equal(hear(&e, &at, &other.key, 19, first_life), CJD_ERR_VERSION);
    assert_int_equal(hear(&e, &at, &other.key, 0, first_life), CJD_ERR_VERSION);
    assert_int_equal(end_dropped(&e, CJD_DROP_BEACON_VERSION), 2);
    assert_int_equal(hear(&e, &nowhere, &other.key, CJD_PROTOCOL, first_life), CJD_ERR_INVALID);
    assert_int_equal(end_peers(&e), 0);
    assert_int_equal(e.sent_count, 0);
    assert_int_equal(hear(&e, &at, &other.key, 99, first_life), 0); /* newer than we are */
    end_fini(&e);
}

/* Both hear each other, the hellos cross. */
static void both_hear(void **state)
{
    (void)state;
    for (unsigned who = 1; who <= 3; who++) {
        struct pair pair;
        struct cjd_linkaddr there = end_addr(1);
        pair_init(&pair, 3 + who, CJD_MS);
        for (unsigned i = 0; i < 2; i++) {
            struct end *e = &pair.end[i];
            while (end_peers(e) > 0) {
                assert_int_equal(cjd_links_peer_del(e->links, first_peer(e).peer, e->now_ns), 0);
            }
            end_forget(e);
            assert_int_equal(cjd_users_add(e->users, "Local Peers", first_life, 20, NULL), 0);
        }
        for (unsigned i = 0; i < 2; i++) {
            if (who & 1u << i) {
                assert_int_equal(
                    hear(&pair.end[i], &there, &pair.end[1 - i].self.key, CJD_PROTOCOL, first_life),
                    0);
            }
        }
        pair_run(&pair, 100 * CJD_MS);
        assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
        assert_int_equal(pair_peer(&pair, 1).state, CJD_CA_ESTABLISHED);
        pair_fini(&pair);
    }
}

/* 10 000 keys a second, each at an address of its own, for five seconds. */
static void flood(void **state)
{
    (void)state;
    struct pair pair;
    struct cjd_keypair key[64];
    pair_init(&pair, 5, CJD_MS);
    struct end *e = &pair.end[0];
    pair_run(&pair, CJD_S);
    uint32_t working = pair_peer(&pair, 0).peer;
    unsigned downs = e->downs;
    for (unsigned i = 0; i < 64; i++) {
        cjd_keypair_generate(&key[i], &e->ca.rng);
    }
    unsigned taken = 0;
    unsigned most = 0;
    for (uint32_t i = 0; i < 50000; i++) {
        struct cjd_linkaddr at = {.b = {200, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i},
                                  .len = 6};
        taken += hear(e, &at, &key[i % 64].key, CJD_PROTOCOL, first_life) == 0;
        most = end_peers(e) > most ? end_peers(e) : most;
        end_forget(e);
        pair_run(&pair, CJD_S / 10000);
        end_forget(e);
        end_forget(&pair.end[1]);
    }
    print_message("%u of 50000 taken, at most %u peers at once\n", taken, most);
    assert_true(taken <= 64 + 10 * 5 + 1);
    assert_true(most <= 65);
    assert_true(end_dropped(e, CJD_DROP_BEACON_RATE) >= 50000 - 64 - 51);
    assert_int_equal(end_peer(e, working).state, CJD_CA_ESTABLISHED);
    assert_int_equal(e->downs, downs);
    /* They are forgotten, and the next one is heard. */
    pair_run(&pair, 15 * CJD_S);
    assert_int_equal(end_peers(e), 1);
    assert_int_equal(hear_at(e, 9, &key[0].key), 0);
    pair_fini(&pair);
}

static void one_key_many_addresses(void **state)
{
    (void)state;
    struct end e;
    struct cjd_keypair other;
    end_init(&e, 6);
    cjd_keypair_generate(&other, &e.ca.rng);
    for (uint8_t i = 1; i <= 4; i++) {
        assert_int_equal(hear_at(&e, i, &other.key), 0);
    }
    assert_int_equal(hear_at(&e, 5, &other.key), 0); /* in place of the oldest */
    assert_int_equal(end_peers(&e), 4);
    end_fini(&e);
}

/* A configured peer is the operator's: no beacon changes it. */
static void configured(void **state)
{
    (void)state;
    struct pair pair;
    struct cjd_linkaddr there = end_addr(1);
    struct cjd_keypair other;
    pair_init(&pair, 7, CJD_MS);
    struct end *e = &pair.end[0];
    cjd_keypair_generate(&other, &e->ca.rng);
    pair_run(&pair, CJD_S);
    assert_int_equal(hear(e, &there, &pair.end[1].self.key, CJD_PROTOCOL, first_life), 0);
    assert_int_equal(hear(e, &there, &other.key, CJD_PROTOCOL, first_life), CJD_ERR_EXISTS);
    assert_int_equal(end_dropped(e, CJD_DROP_BEACON_TAKEN), 1);
    assert_false(pair_peer(&pair, 0).is_incoming);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    /* Its own password is used when it must say hello again. */
    end_forget(e);
    pair.is_cut[0] = true;
    pair_run(&pair, 30 * CJD_S);
    pair.is_cut[0] = false;
    pair_run(&pair, 2 * CJD_S);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    pair_fini(&pair);
}

/* End 1 is established at end 0 by beacon. */
static void by_beacon(struct pair *pair, uint64_t seed)
{
    struct cjd_linkaddr there = end_addr(1);
    struct end *e = &pair->end[0];

    pair_init(pair, seed, CJD_MS);
    assert_int_equal(cjd_links_peer_del(e->links, first_peer(e).peer, e->now_ns), 0);
    end_forget(e);
    assert_int_equal(cjd_users_add(pair->end[1].users, "Local Peers", first_life, 20, NULL), 0);
    assert_int_equal(hear(e, &there, &pair->end[1].self.key, CJD_PROTOCOL, first_life), 0);
    pair_run(pair, CJD_S);
    assert_int_equal(pair_peer(pair, 0).state, CJD_CA_ESTABLISHED);
}

/* The neighbour restarted: another password, nothing known of the session. Its beacon brings us to
 * it again within a second, without waiting for a quiet link to be doubted. */
static void restarted(void **state)
{
    (void)state;
    struct pair pair;
    struct cjd_linkaddr there = end_addr(1);
    by_beacon(&pair, 8);
    pair_run(&pair, 120 * CJD_S);
    struct end *n = &pair.end[1];
    assert_int_equal(cjd_links_peer_del(n->links, first_peer(n).peer, n->now_ns), 0);
    assert_int_equal(cjd_users_remove(n->users, "Local Peers"), 0);
    assert_int_equal(cjd_users_add(n->users, "Local Peers", next_life, 20, NULL), 0);
    assert_int_equal(hear(&pair.end[0], &there, &n->self.key, CJD_PROTOCOL, next_life), 0);
    pair_run(&pair, CJD_S);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair_peer(&pair, 1).state, CJD_CA_ESTABLISHED);
    pair_fini(&pair);
}

/* A forged beacon with another password, or another key, at the address of a peer that works: a
 * ping, no more, however many there are. */
static void forged_for_a_working_peer(void **state)
{
    (void)state;
    struct pair pair;
    struct cjd_linkaddr there = end_addr(1);
    struct cjd_keypair other;
    by_beacon(&pair, 9);
    struct end *e = &pair.end[0];
    cjd_keypair_generate(&other, &e->ca.rng);
    pair_run(&pair, 120 * CJD_S);
    unsigned downs = e->downs;
    uint32_t number = pair_peer(&pair, 0).peer;
    end_forget(e);
    for (unsigned i = 0; i < 1000; i++) {
        (void)hear(e, &there, &pair.end[1].self.key, CJD_PROTOCOL, i & 1 ? first_life : next_life);
        assert_int_equal(hear(e, &there, &other.key, CJD_PROTOCOL, first_life), CJD_ERR_EXISTS);
        pair_run(&pair, CJD_MS);
    }
    assert_true(e->sent_count <= 4);
    assert_int_equal(e->downs, downs);
    assert_int_equal(pair_peer(&pair, 0).peer, number);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    pair_fini(&pair);
}

/* Another node took over the address of one that is gone. */
static void address_of_a_dead_peer(void **state)
{
    (void)state;
    struct pair pair;
    struct cjd_linkaddr there = end_addr(1);
    struct cjd_keypair other;
    by_beacon(&pair, 10);
    struct end *e = &pair.end[0];
    cjd_keypair_generate(&other, &e->ca.rng);
    pair.is_cut[0] = true;
    assert_int_equal(hear(e, &there, &other.key, CJD_PROTOCOL, next_life), CJD_ERR_EXISTS);
    pair_run(&pair, 6 * CJD_S); /* the doubt was well-founded */
    assert_int_equal(pair_peer(&pair, 0).state, CJD_LINK_STATE_UNRESPONSIVE);
    assert_int_equal(hear(e, &there, &other.key, CJD_PROTOCOL, next_life), 0);
    assert_int_equal(end_peers(e), 1);
    struct cjd_peer_info p = pair_peer(&pair, 0);
    assert_memory_equal(&p.key, &other.key, sizeof other.key);
    pair_fini(&pair);
}

/* Silent, and calling: its beacon makes us try at once, not seconds later; then it is forgotten. */
static void silent_and_forgotten(void **state)
{
    (void)state;
    struct pair pair;
    struct cjd_linkaddr there = end_addr(1);
    by_beacon(&pair, 11);
    struct end *e = &pair.end[0];
    pair.is_cut[0] = true;
    pair_run(&pair, 100 * CJD_S);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_LINK_STATE_UNRESPONSIVE);
    end_forget(e);
    assert_int_equal(hear(e, &there, &pair.end[1].self.key, CJD_PROTOCOL, first_life), 0);
    assert_int_equal(e->sent_count, 1);
    for (unsigned i = 0; i < 100; i++) {
        (void)hear(e, &there, &pair.end[1].self.key, CJD_PROTOCOL, first_life);
    }
    assert_int_equal(e->sent_count, 1);
    for (unsigned i = 0; i < 20; i++) {
        end_forget(e);
        end_forget(&pair.end[1]);
        pair_run(&pair, 10 * CJD_S);
    }
    assert_int_equal(end_peers(e), 0);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(becomes_a_peer),
        cmocka_unit_test(odd_ones),
        cmocka_unit_test(both_hear),
        cmocka_unit_test(flood),
        cmocka_unit_test(one_key_many_addresses),
        cmocka_unit_test(configured),
        cmocka_unit_test(restarted),
        cmocka_unit_test(forged_for_a_working_peer),
        cmocka_unit_test(address_of_a_dead_peer),
        cmocka_unit_test(silent_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
