/* Beacons of a running link in virtual time. The networks of the machine do not matter here:
 * whichever it has, rounds come at their times; the loopback device is put in where one is heard.
 */
#include "udp_fixture.h"

#include <unistd.h>

#include <cjd/text.h>

#define SEND   "{\"bind\":\"0.0.0.0\",\"beacon\":{\"mode\":\"send\",\"port\":%u,\"devices\":[]}}"
#define ACCEPT "{\"bind\":\"0.0.0.0\",\"beacon\":{\"mode\":\"accept\",\"port\":%u}}"
#define MS     1000000ull

static unsigned port;

/* A port that nobody has just now: beacon ports are shared, so a second run of this test would not
 * be refused, but would take the datagrams of the first. */
static void choose_port(void)
{
    struct cjd_linkaddr free_one;

    close(udp_fixture_socket(AF_INET, &free_one));
    port = cjd_udp_addr_port(&free_one);
}

static struct udp_fixture start(const char *format)
{
    struct udp_fixture f = udp_fixture_new();
    char json[256];

    choose_port();
    snprintf(json, sizeof json, format, port);
    udp_fixture_start(&f, json);
    return f;
}

/* At once, then after 100 ms, twice as long each time, each up to a quarter earlier. */
static void test_rounds(void **state)
{
    struct udp_fixture f = start(SEND);
    uint64_t wait = 100 * MS;

    (void)state;
    assert_int_not_equal(f.udp->side[0].beacon.sent_ns, 0);
    for (unsigned i = 0; i < 15; i++) {
        uint64_t next = cjd_fake_next_timer(f.fake);
        assert_true(next <= wait && next >= wait - wait / 4);
        cjd_fake_advance(f.fake, next);
        assert_int_equal(f.udp->side[0].beacon.sent_ns, f.fake->now_ns);
        wait = 2 * wait < 32768 * MS ? 2 * wait : 32768 * MS;
    }
    udp_fixture_end(&f);
}

static void test_accept_sends_none(void **state)
{
    struct udp_fixture f = start(ACCEPT);

    (void)state;
    cjd_fake_advance(f.fake, 100 * SECOND);
    assert_int_equal(f.udp->side[0].beacon.sent_ns, 0);
    assert_int_equal(cjd_fake_armed(f.fake), 0);
    udp_fixture_end(&f);
}

/* The host does not give a password: said once, no more tries. */
static void test_login_taken(void **state)
{
    struct udp_fixture f = udp_fixture_new();
    char json[256];

    (void)state;
    f.fake->next_own_err = CJD_ERR_EXISTS;
    choose_port();
    snprintf(json, sizeof json, SEND, port);
    udp_fixture_start(&f, json);
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_ERROR, "Local Peers"), 1);
    assert_int_equal(cjd_fake_armed(f.fake), 0);
    udp_fixture_end(&f);
}

/* Lets beacons be heard on the loopback device. */
static void open_loopback(struct udp_fixture *f)
{
    f->udp->side[0].beacon.outlets.count = 1;
    f->udp->side[0].beacon.outlets.v[0].device = if_nametoindex("lo");
}

static void send_to_beacon_port(int fd, const void *bytes, size_t len)
{
    char text[32];
    snprintf(text, sizeof text, "127.0.0.1:%u", port);
    struct cjd_linkaddr to = udp_fixture_addr(text);
    udp_fixture_send(fd, &to, bytes, len);
}

static void read_all(struct udp_fixture *f)
{
    while (cjd_fake_poll(f->fake, 20) > 0) {
    }
}

static void test_heard(void **state)
{
    struct udp_fixture f = start(ACCEPT);
    struct cjd_udp_beacon_counters *c = &f.udp->side[0].beacon.counters;
    struct cjd_linkaddr from;
    struct cjd_linkaddr wanted = udp_fixture_addr("127.0.0.1:5199");
    int fd = udp_fixture_socket(AF_INET, &from);
    struct cjd_beacon beacon = {.version = 21, .password = "with\0NUL", .key = {{9}}};
    uint8_t bytes[CJD_UDP_BEACON_BYTES + 100] = {0};

    (void)state;
    cjd_udp_beacon_write(bytes, &beacon, 5199);
    send_to_beacon_port(fd, bytes, CJD_UDP_BEACON_BYTES);
    read_all(&f);
    assert_int_equal(c->device, 1); /* lo takes no part */
    assert_int_equal(f.fake->heard_count, 0);

    open_loopback(&f);
    send_to_beacon_port(fd, bytes, CJD_UDP_BEACON_BYTES);
    send_to_beacon_port(fd, bytes, sizeof bytes);
    send_to_beacon_port(fd, bytes, CJD_UDP_BEACON_BYTES - 1);
    send_to_beacon_port(fd, bytes, 0);
    read_all(&f);
    assert_int_equal(f.fake->heard_count, 2);
    assert_memory_equal(&f.fake->heard[0].addr, &wanted, sizeof wanted);
    assert_memory_equal(&f.fake->heard[0].beacon, &beacon, sizeof beacon);
    assert_int_equal(c->heard, 2);
    assert_int_equal(c->malformed, 2);

    f.fake->heard_err = CJD_ERR_FULL;
    send_to_beacon_port(fd, bytes, CJD_UDP_BEACON_BYTES);
    beacon.key = f.fake->own_beacon.key;
    cjd_udp_beacon_write(bytes, &beacon, 5199);
    send_to_beacon_port(fd, bytes, CJD_UDP_BEACON_BYTES);
    cjd_udp_beacon_write(bytes, &beacon, 0);
    send_to_beacon_port(fd, bytes, CJD_UDP_BEACON_BYTES);
    read_all(&f);
    assert_int_equal(c->refused, 1);
    assert_int_equal(c->own, 1);
    assert_int_equal(c->no_port, 1);
    close(fd);
    udp_fixture_end(&f);
    /* Its counters are in the log of a debug session. */
}

/* More than one system call takes: the rest comes in the next turn. */
static void test_many(void **state)
{
    struct udp_fixture f = start(ACCEPT);
    struct cjd_linkaddr from;
    int fd = udp_fixture_socket(AF_INET, &from);
    struct cjd_beacon beacon = {.version = 21, .key = {{9}}};
    uint8_t bytes[CJD_UDP_BEACON_BYTES];

    (void)state;
    open_loopback(&f);
    cjd_udp_beacon_write(bytes, &beacon, 5199);
    for (unsigned i = 0; i < 200; i++) {
        send_to_beacon_port(fd, bytes, sizeof bytes);
    }
    assert_int_equal(cjd_fake_poll(f.fake, 100), 1);
    assert_int_equal(f.fake->heard_count, CJD_UDP_BEACON_BATCH);
    read_all(&f);
    assert_int_equal(f.fake->heard_count, 200);
    close(fd);
    udp_fixture_end(&f);
}

/* Mode and devices change on a running link; its port and being off need a restart. */
static void test_reload(void **state)
{
    struct udp_fixture f = start(ACCEPT);
    char json[256];

    (void)state;
    snprintf(json, sizeof json, SEND, port);
    assert_int_equal(udp_fixture_configure(&f, json), 0);
    assert_int_not_equal(f.udp->side[0].beacon.sent_ns, 0);
    assert_int_equal(cjd_fake_armed(f.fake), 1);
    uint64_t next = cjd_fake_next_timer(f.fake);
    assert_int_equal(udp_fixture_configure(&f, json), 0); /* unchanged: no stir */
    assert_int_equal(cjd_fake_next_timer(f.fake), next);
    snprintf(json, sizeof json, ACCEPT, port);
    assert_int_equal(udp_fixture_configure(&f, json), 0);
    assert_int_equal(cjd_fake_armed(f.fake), 0);
    snprintf(json, sizeof json, ACCEPT, port + 1);
    assert_int_equal(udp_fixture_configure(&f, json), CJD_ERR_RESTART_NEEDED);
    assert_int_equal(udp_fixture_configure(&f, "{}"), CJD_ERR_RESTART_NEEDED);
    udp_fixture_end(&f);
}

/* Two nodes of one machine share the beacon port; a program that does not share it is named. */
static void test_port_shared(void **state)
{
    struct udp_fixture a = start(ACCEPT);
    struct udp_fixture b = udp_fixture_new();
    struct cjd_linkaddr taken;
    char json[256];
    int fd = udp_fixture_socket(AF_INET, &taken);

    (void)state;
    snprintf(json, sizeof json, ACCEPT, port);
    udp_fixture_start(&b, json);
    udp_fixture_end(&b);
    b = udp_fixture_new();
    snprintf(json, sizeof json, ACCEPT, cjd_udp_addr_port(&taken));
    assert_int_equal(udp_fixture_configure(&b, json), 0);
    assert_int_equal(b.ops->acquire(b.udp, &b.error), CJD_ERR_BUSY);
    assert_string_equal(b.error.pointer, "/beacon/port");
    udp_fixture_end(&b);
    udp_fixture_end(&a);
    close(fd);
}

static void test_ip6(void **state)
{
    struct udp_fixture f = start("{\"bind\":\"[::]\",\"beacon\":{\"mode\":\"send\",\"port\":%u}}");

    (void)state;
    assert_int_not_equal(f.udp->side[0].beacon.sent_ns, 0);
    assert_int_equal(f.udp->side[0].beacon.joined_count, f.udp->side[0].beacon.outlets.count);
    udp_fixture_end(&f);
}

static void test_bound_to_one(void **state)
{
    struct udp_fixture f =
        start("{\"bind\":\"127.0.0.1\",\"beacon\":{\"mode\":\"accept\",\"port\":%u}}");

    (void)state;
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_WARN, "not heard"), 1);
    udp_fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),      cmocka_unit_test(test_accept_sends_none),
        cmocka_unit_test(test_login_taken), cmocka_unit_test(test_heard),
        cmocka_unit_test(test_many),        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_port_shared), cmocka_unit_test(test_ip6),
        cmocka_unit_test(test_bound_to_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
