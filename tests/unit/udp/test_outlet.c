/* Which networks beacons go to, and which of those that arrive are believed. */
#include "udp_fixture.h"

#include <netinet/in.h>

#define LAN (IFF_UP | IFF_RUNNING | IFF_BROADCAST | IFF_MULTICAST)
#define TUN (IFF_UP | IFF_RUNNING | IFF_POINTOPOINT | IFF_MULTICAST)

enum { LO = 1, ETH, WLAN, DOWN, UNPLUGGED, OWN_TUN, OTHER_TUN };

static struct cjd_netdevs all;
static struct cjd_udp_outlets found;

static void device(uint32_t index, const char *name, uint32_t flags)
{
    struct cjd_netdev *d = &all.dev[all.count++];

    *d = (struct cjd_netdev){.index = index, .flags = flags};
    snprintf(d->name, sizeof d->name, "%s", name);
}

static void address(uint32_t device, uint8_t prefix_len, const char *text)
{
    struct cjd_netaddr *a = &all.addr[all.addr_count++];
    struct cjd_udp_target t;
    const char *why;

    assert_int_equal(cjd_udp_target_parse(&t, text, &why), 0);
    *a = (struct cjd_netaddr){.index = device,
                              .family = t.family == AF_INET ? 4 : 6,
                              .prefix_len = prefix_len,
                              .is_usable = 1};
    memcpy(a->ip, t.ip, sizeof a->ip);
}

static void make_machine(void)
{
    memset(&all, 0, sizeof all);
    device(LO, "lo", IFF_UP | IFF_RUNNING | IFF_LOOPBACK);
    device(ETH, "eth0", LAN);
    device(WLAN, "wlan0", LAN);
    device(DOWN, "eth1", LAN & ~(uint32_t)IFF_UP);
    device(UNPLUGGED, "eth2", LAN & ~(uint32_t)IFF_RUNNING);
    device(OWN_TUN, "tun0", TUN);
    device(OTHER_TUN, "wg0", TUN);
    address(LO, 8, "127.0.0.1");
    address(LO, 128, "[::1]");
    address(ETH, 24, "10.1.2.3");
    address(ETH, 24, "10.1.2.4"); /* the same network */
    address(ETH, 22, "172.16.5.9");
    address(ETH, 64, "[fe80::1]");
    address(ETH, 64, "[2001:db8::1]");
    address(WLAN, 30, "192.168.7.2");
    address(WLAN, 31, "192.168.8.2"); /* without broadcast */
    address(WLAN, 64, "[fe80::2]");
    address(DOWN, 24, "10.9.9.9");
    address(DOWN, 64, "[fe80::3]");
    address(UNPLUGGED, 24, "10.8.8.8");
    address(OWN_TUN, 24, "10.66.0.1");
    address(OWN_TUN, 8, "[fc12::1]");
    address(OWN_TUN, 64, "[fe80::4]");
    address(OTHER_TUN, 24, "10.77.0.1");
    address(OTHER_TUN, 64, "[fe80::5]");
}

static void find(int family, struct cjd_udp_devices devices, const uint8_t *bound)
{
    struct cjd_udp_outlet_wish wish = {
        .family = family, .port = 64512, .bound = bound, .devices = &devices};
    cjd_udp_outlets_find(&found, &wish, &all);
}

static void want(uint32_t i, uint32_t device, const char *to)
{
    char text[CJD_UDP_TEXT_SIZE];

    assert_true(i < found.count);
    assert_int_equal(found.v[i].device, device);
    assert_true(cjd_udp_addr_text(&found.v[i].to, text, sizeof text) > 0);
    assert_string_equal(text, to);
}

static void test_all4(void **state)
{
    static const uint8_t source[4] = {10, 1, 2, 3};

    (void)state;
    make_machine();
    find(AF_INET, (struct cjd_udp_devices){.is_all = true}, NULL);
    assert_int_equal(found.count, 3);
    want(0, ETH, "10.1.2.255:64512");
    want(1, ETH, "172.16.7.255:64512");
    want(2, WLAN, "192.168.7.3:64512");
    assert_memory_equal(found.v[0].source, source, 4);
}

static void test_all6(void **state)
{
    (void)state;
    make_machine();
    find(AF_INET6, (struct cjd_udp_devices){.is_all = true}, NULL);
    assert_int_equal(found.count, 2);
    want(0, ETH, "[ff12::fc00:fc00%2]:64512");
    want(1, WLAN, "[ff12::fc00:fc00%3]:64512");
    /* While its address is being checked for uniqueness nothing can be sent from it. */
    for (uint32_t i = 0; i < all.addr_count; i++) {
        all.addr[i].is_usable = all.addr[i].index != ETH;
    }
    find(AF_INET6, (struct cjd_udp_devices){.is_all = true}, NULL);
    assert_int_equal(found.count, 1);
}

static void find_named(int family, const char *const *names, size_t count)
{
    char texts[8][24];
    char *name[8];

    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i], sizeof texts[i], "%s", names[i]);
        name[i] = texts[i];
    }
    find(family, (struct cjd_udp_devices){.count = count, .name = name}, NULL);
}

static void test_named(void **state)
{
    static const char *const names[] = {"wlan0", "wg0", "tun0", "lo", "nosuch0"};
    static const char *const networks[] = {"172.16.7.255", "192.168.7.3:64512", "10.1.2.255:1"};

    (void)state;
    make_machine();
    find_named(AF_INET, names, 5);
    assert_int_equal(found.count, 1); /* a tunnel has no broadcast */
    want(0, WLAN, "192.168.7.3:64512");
    find_named(AF_INET6, names, 5);
    assert_int_equal(found.count, 2);
    want(0, WLAN, "[ff12::fc00:fc00%3]:64512");
    want(1, OTHER_TUN, "[ff12::fc00:fc00%7]:64512");
    find_named(AF_INET, networks, 3);
    assert_int_equal(found.count, 2);
    want(0, ETH, "172.16.7.255:64512");
    want(1, WLAN, "192.168.7.3:64512");
    find_named(AF_INET, NULL, 0);
    assert_int_equal(found.count, 0);
}

static void test_bound(void **state)
{
    static const uint8_t ip4[4] = {172, 16, 5, 9};
    static const uint8_t ip6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};

    (void)state;
    make_machine();
    find(AF_INET, (struct cjd_udp_devices){.is_all = true}, ip4);
    assert_int_equal(found.count, 1);
    want(0, ETH, "172.16.7.255:64512");
    find(AF_INET6, (struct cjd_udp_devices){.is_all = true}, ip6);
    assert_int_equal(found.count, 1);
    want(0, ETH, "[ff12::fc00:fc00%2]:64512");
    assert_memory_equal(found.v[0].source, ip6, 16);
}

static void test_new(void **state)
{
    struct cjd_udp_outlets before;

    (void)state;
    make_machine();
    find(AF_INET, (struct cjd_udp_devices){.is_all = true}, NULL);
    before = found;
    assert_false(cjd_udp_outlets_has_new(&before, &found));
    all.addr_count = 4; /* one goes: no news */
    find(AF_INET, (struct cjd_udp_devices){.is_all = true}, NULL);
    assert_false(cjd_udp_outlets_has_new(&before, &found));
    assert_true(cjd_udp_outlets_has_new(&found, &before));
    assert_true(cjd_udp_outlets_has_device(&found, ETH));
    assert_false(cjd_udp_outlets_has_device(&found, WLAN));
}

/* --- what arrives --- */

static enum cjd_udp_verdict judge(uint32_t device, const char *from, const uint8_t *bytes,
                                  size_t len, struct cjd_linkaddr *addr)
{
    struct cjd_udp_arrival in = {.device = device, .bytes = bytes, .len = len};
    struct cjd_udp_target t;
    struct cjd_beacon beacon;
    const char *why;

    assert_int_equal(cjd_udp_target_parse(&t, from, &why), 0);
    in.family = t.family;
    cjd_udp_addr_make(&in.source, t.family, t.ip, t.port, device);
    return cjd_udp_beacon_judge(&in, &found, &all, &beacon, addr);
}

static void write(uint8_t bytes[CJD_UDP_BEACON_BYTES], uint16_t port)
{
    struct cjd_beacon beacon = {.version = 21, .key = {{7}}};
    cjd_udp_beacon_write(bytes, &beacon, port);
}

static void test_verdicts(void **state)
{
    uint8_t bytes[CJD_UDP_BEACON_BYTES + 5] = {0};
    struct cjd_linkaddr addr;
    struct cjd_linkaddr wanted = udp_fixture_addr("10.1.2.77:5199");

    (void)state;
    make_machine();
    find(AF_INET, (struct cjd_udp_devices){.is_all = true}, NULL);
    write(bytes, 5199);
    /* The port is that of the beacon, not that of the datagram; what follows is ignored. */
    assert_int_equal(judge(ETH, "10.1.2.77:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_GOOD);
    assert_memory_equal(&addr, &wanted, sizeof addr);
    assert_int_equal(judge(DOWN, "10.9.9.7:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_DEVICE);
    assert_int_equal(judge(OWN_TUN, "10.66.0.7:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_DEVICE);
    assert_int_equal(judge(0, "10.1.2.77:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_DEVICE);
    assert_int_equal(judge(ETH, "198.51.100.7:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_OFF_LINK);
    assert_int_equal(judge(WLAN, "10.1.2.77:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_OFF_LINK);
    assert_int_equal(judge(ETH, "10.1.2.77:64512", bytes, CJD_UDP_BEACON_BYTES - 1, &addr),
                     CJD_UDP_VERDICT_MALFORMED);
    for (unsigned i = 0; i < 6; i++) {
        bytes[i] ^= 1;
        assert_int_equal(judge(ETH, "10.1.2.77:64512", bytes, sizeof bytes, &addr),
                         CJD_UDP_VERDICT_MALFORMED);
        bytes[i] ^= 1;
    }
    write(bytes, 0);
    assert_int_equal(judge(ETH, "10.1.2.77:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_PORT);
}

static void test_verdicts6(void **state)
{
    uint8_t bytes[CJD_UDP_BEACON_BYTES];
    struct cjd_linkaddr addr;
    char text[CJD_UDP_TEXT_SIZE];

    (void)state;
    make_machine();
    find(AF_INET6, (struct cjd_udp_devices){.is_all = true}, NULL);
    write(bytes, 5199);
    assert_int_equal(judge(WLAN, "[fe80::77]:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_GOOD);
    assert_true(cjd_udp_addr_text(&addr, text, sizeof text) > 0);
    assert_string_equal(text, "[fe80::77%3]:5199");
    assert_int_equal(judge(ETH, "[2001:db8::7]:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_GOOD);
    assert_int_equal(judge(ETH, "[2001:db8:1::7]:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_OFF_LINK);
    assert_int_equal(judge(OWN_TUN, "[fc12::7]:64512", bytes, sizeof bytes, &addr),
                     CJD_UDP_VERDICT_DEVICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all4),     cmocka_unit_test(test_all6),
        cmocka_unit_test(test_named),    cmocka_unit_test(test_bound),
        cmocka_unit_test(test_new),      cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_verdicts6)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
