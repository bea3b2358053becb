/* Devices that come and go: addresses that change again and again, a carrier that is back where
 * nobody knows us any more. */
#include "end.h"

#include <cjd/version.h>

static const uint8_t password[20] = "twenty random bytes";

static int hear_at(struct end *e, uint8_t at, const struct cjd_key *key)
{
    struct cjd_link_peer_spec spec = {
        .link = 0, .addr = end_addr(at), .key = *key, .version = CJD_PROTOCOL};

    cjd_credentials_init(&spec.credentials, NULL, password, sizeof password);
    int err = cjd_links_heard(e->links, &spec, e->now_ns);
    cjd_links_flush(e->links);
    cjd_credentials_fini(&spec.credentials);
    return err;
}

/* Always the same node; it accepts the password of its beacons. */
static void node_at(struct far *far, uint8_t at, struct end *e)
{
    far_init(far, 77, at, e, END_LOGIN);
    assert_int_equal(cjd_users_add(far->users, "Local Peers", password, sizeof password, NULL), 0);
}

/* A device that gets another hardware address each time it is made anew: the addresses it had do
 * not stand in its way. */
static void moves_by_beacon(void **state)
{
    (void)state;
    struct end e;
    struct far far;

    end_init(&e, 1);
    for (uint8_t i = 0; i < 8; i++) {
        node_at(&far, (uint8_t)(i + 1), &e);
        assert_int_equal(hear_at(&e, (uint8_t)(i + 1), &far.self.key), 0);
        far_establish(&far, &e);
        end_forget(&e);
        e.is_mute = true;
        end_run(&e, 20 * CJD_S); /* silent from now on, and found out */
        e.is_mute = false;
        far_fini(&far);
    }
    assert_true(end_peers(&e) <= 4);
    end_fini(&e);
}

/* What works keeps its place, whatever is said of its key. */
static void working_one_stays(void **state)
{
    (void)state;
    struct pair pair;
    struct cjd_peer_info first;
    struct end *e = &pair.end[0];

    pair_init(&pair, 2, CJD_MS);
    assert_true(cjd_links_peer_at(e->links, 0, &first));
    assert_int_equal(cjd_links_peer_del(e->links, first.peer, e->now_ns), 0);
    assert_int_equal(
        cjd_users_add(pair.end[1].users, "Local Peers", password, sizeof password, NULL), 0);
    assert_int_equal(hear_at(e, 1, &pair.end[1].self.key), 0);
    pair_run(&pair, CJD_S);
    first = pair_peer(&pair, 0);
    assert_int_equal(first.state, CJD_CA_ESTABLISHED);
    for (uint8_t i = 2; i < 50; i++) {
        (void)hear_at(e, i, &pair.end[1].self.key);
        end_forget(e); /* what goes to those addresses is lost */
        pair_run(&pair, CJD_S / 4);
    }
    assert_true(end_peers(e) <= 4);
    assert_int_equal(end_peer(e, first.peer).state, CJD_CA_ESTABLISHED);
    pair_fini(&pair);
}

/* The carrier is back, and the neighbour knows nothing of the session: it is called, and soon. */
static void carrier_back_to_a_stranger(void **state)
{
    (void)state;
    struct pair pair;
    struct cjd_peer_info info;

    pair_init(&pair, 3, CJD_MS);
    pair_run(&pair, CJD_S);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    struct end *e = &pair.end[0];
    struct end *n = &pair.end[1];
    cjd_links_set_carrier(e->links, 0, false, e->now_ns);
    pair_run(&pair, CJD_S);
    assert_true(cjd_links_peer_at(n->links, 0, &info));
    assert_int_equal(cjd_links_peer_del(n->links, info.peer, n->now_ns), 0);
    cjd_links_set_carrier(e->links, 0, true, e->now_ns);
    pair_run(&pair, 2 * CJD_S);
    assert_int_equal(pair_peer(&pair, 0).state, CJD_CA_ESTABLISHED);
    assert_true(cjd_links_peer_at(n->links, 0, &info));
    assert_int_equal(info.state, CJD_CA_ESTABLISHED);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_by_beacon),
        cmocka_unit_test(working_one_stays),
        cmocka_unit_test(carrier_back_to_a_stranger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
