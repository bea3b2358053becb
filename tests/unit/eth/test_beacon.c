/* When beacons are sent, and how many that are heard get through. Nothing is really sent here:
 * every attempt fails, and is counted. */
#include "bare_link.h"

#include <eth_beacon.h>

#define MS 1000000ull
#define S  (1000 * MS)

struct bench {
    struct cjd_fake_host *fake;
    struct cjd_eth_beacon_env env;
    struct cjd_eth_beacons b;
};

static void setup(struct bench *t)
{
    memset(t, 0, sizeof *t);
    t->fake = cjd_fake_new();
    const struct cjd_host *host = &t->fake->host;
    t->env = (struct cjd_eth_beacon_env){.host = host,
                                         .loop = host->get(host, CJD_SERVICE_LOOP, 1),
                                         .time = host->get(host, CJD_SERVICE_TIME, 1),
                                         .random = host->get(host, CJD_SERVICE_RANDOM, 1),
                                         .beacon = host->get(host, CJD_SERVICE_BEACON, 1)};
    cjd_eth_beacons_init(&t->b, &t->env);
    t->b.fd = -1;
    t->b.link = bare_link_up(t->fake);
}

static void teardown(struct bench *t)
{
    cjd_eth_beacons_end(&t->b);
    cjd_fake_run(t->fake);
    bare_link_down(t->fake, t->b.link);
    assert_int_equal(cjd_fake_leaks(t->fake), 0);
    cjd_fake_free(t->fake);
}

static uint64_t sent_in(struct bench *t, uint64_t ns)
{
    uint64_t before = t->b.tx_errors;

    cjd_fake_advance(t->fake, ns);
    return t->b.tx_errors - before;
}

static void hear(struct bench *t, unsigned n)
{
    uint8_t mac[6] = {2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    struct cjd_beacon beacon = {.version = 21, .key = {{0xfc, (uint8_t)n}}};
    struct cjd_linkaddr from;
    uint8_t body[CJD_BEACON_BYTES];

    cjd_beacon_write(body, &beacon);
    cjd_eth_addr_make(&from, mac);
    cjd_eth_beacons_note(&t->b, &from, body, sizeof body);
}

static void test_schedule(void **state)
{
    struct bench t;

    (void)state;
    setup(&t);
    cjd_eth_beacons_begin(&t.b, CJD_ETH_BEACON_SEND);
    assert_int_equal(t.b.tx_errors, 1); /* at once */
    for (unsigned i = 0; i < 8; i++) {  /* at first nobody waits for half a second */
        assert_true(sent_in(&t, 450 * MS) >= 1);
    }
    sent_in(&t, 90 * S);
    uint64_t later = sent_in(&t, 10 * CJD_ETH_BEACON_PERIOD_NS);
    assert_in_range(later, 8, 12);
    cjd_eth_beacons_end(&t.b);
    assert_int_equal(sent_in(&t, 100 * S), 0);
    cjd_eth_beacons_begin(&t.b, CJD_ETH_BEACON_SEND); /* the device is back */
    assert_true(sent_in(&t, 450 * MS) >= 1);
    teardown(&t);
}

static void test_modes(void **state)
{
    struct bench t;

    (void)state;
    setup(&t);
    cjd_eth_beacons_begin(&t.b, CJD_ETH_BEACON_ACCEPT);
    assert_int_equal(sent_in(&t, 100 * S), 0);
    assert_int_equal(t.b.tx_errors, 0);
    hear(&t, 1);
    cjd_eth_beacons_pass(&t.b);
    cjd_fake_run(t.fake);
    assert_int_equal(t.fake->heard_count, 1);
    assert_int_equal(t.fake->heard[0].link, t.b.link);
    assert_int_equal(t.fake->heard[0].beacon.version, 21);
    assert_int_equal(t.fake->heard[0].addr.len, 6);
    assert_int_equal(sent_in(&t, S), 0); /* who accepts does not answer */
    cjd_eth_beacons_begin(&t.b, CJD_ETH_BEACON_OFF);
    hear(&t, 2);
    cjd_eth_beacons_pass(&t.b);
    cjd_fake_run(t.fake);
    assert_int_equal(t.fake->heard_count, 1);
    assert_int_equal(t.b.rx_off, 1);
    teardown(&t);
}

static void test_answer(void **state)
{
    struct bench t;

    (void)state;
    setup(&t);
    cjd_eth_beacons_begin(&t.b, CJD_ETH_BEACON_SEND);
    sent_in(&t, 200 * S);
    while (sent_in(&t, S) == 0) {
    }
    sent_in(&t, 2 * S);
    hear(&t, 1);
    cjd_eth_beacons_pass(&t.b);
    cjd_fake_run(t.fake);
    assert_int_equal(sent_in(&t, 100 * MS), 1); /* somebody new */
    sent_in(&t, 2 * S);
    hear(&t, 1);
    cjd_eth_beacons_pass(&t.b);
    cjd_fake_run(t.fake);
    assert_int_equal(sent_in(&t, 100 * MS), 0); /* known */
    t.fake->heard_err = CJD_ERR_FULL;
    hear(&t, 2);
    cjd_eth_beacons_pass(&t.b);
    cjd_fake_run(t.fake);
    assert_int_equal(sent_in(&t, 100 * MS), 0); /* the host does not want it */
    teardown(&t);
}

/* A flood costs a bounded number of calls a turn, and no more than a beacon a second. */
static void test_flood(void **state)
{
    struct bench t;
    unsigned n = 0;

    (void)state;
    setup(&t);
    cjd_eth_beacons_begin(&t.b, CJD_ETH_BEACON_SEND);
    sent_in(&t, 100 * S);
    uint64_t before = t.b.tx_errors;
    for (unsigned turn = 0; turn < 100; turn++) {
        for (unsigned i = 0; i < 1000; i++) {
            hear(&t, n++);
        }
        cjd_eth_beacons_pass(&t.b);
        hear(&t, n++); /* while the others are on their way */
        cjd_eth_beacons_pass(&t.b);
        cjd_fake_run(t.fake);
        cjd_fake_advance(t.fake, 100 * MS);
    }
    assert_int_equal(t.fake->heard_count, 100 * CJD_ETH_HEARD_MAX);
    assert_int_equal(t.b.rx_flood, n - 100 * CJD_ETH_HEARD_MAX);
    assert_in_range(t.b.tx_errors - before, 5, 12);
    teardown(&t);
}

/* What was heard when the device went away is dropped. */
static void test_end_in_between(void **state)
{
    struct bench t;

    (void)state;
    setup(&t);
    cjd_eth_beacons_begin(&t.b, CJD_ETH_BEACON_ACCEPT);
    hear(&t, 1);
    cjd_eth_beacons_pass(&t.b);
    cjd_eth_beacons_end(&t.b);
    cjd_fake_run(t.fake);
    assert_int_equal(t.fake->heard_count, 0);
    cjd_eth_beacons_begin(&t.b, CJD_ETH_BEACON_ACCEPT);
    hear(&t, 1);
    cjd_eth_beacons_pass(&t.b);
    cjd_fake_run(t.fake);
    assert_int_equal(t.fake->heard_count, 1);
    teardown(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule),       cmocka_unit_test(test_modes),
        cmocka_unit_test(test_answer),         cmocka_unit_test(test_flood),
        cmocka_unit_test(test_end_in_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
