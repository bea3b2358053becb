/* Addresses of UDP links: what is read, what is refused and why, the canonical form. */
#include "udp_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static void test_reads(void **state)
{
    static const struct {
        const char *text;
        int family;
        const char *ip;
        unsigned port;
        bool has_port;
        const char *zone;
        const char *host;
    } good[] = {
        {"203.0.113.7:5199", AF_INET, "203.0.113.7", 5199, true, "", ""},
        {"0.0.0.0:20948", AF_INET, "0.0.0.0", 20948, true, "", ""},
        {"0.0.0.0", AF_INET, "0.0.0.0", 0, false, "", ""},
        {"127.0.0.1:0", AF_INET, "127.0.0.1", 0, true, "", ""},
        {"1.2.3.4:65535", AF_INET, "1.2.3.4", 65535, true, "", ""},
        {"1.2.3.4:00080", AF_INET, "1.2.3.4", 80, true, "", ""},
        {"[::]", AF_INET6, "::", 0, false, "", ""},
        {"[::]:1", AF_INET6, "::", 1, true, "", ""},
        {"[2001:db8::1]:5199", AF_INET6, "2001:db8::1", 5199, true, "", ""},
        {"[fe80::1%eth0]:5199", AF_INET6, "fe80::1", 5199, true, "eth0", ""},
        {"[fe80::1%2]", AF_INET6, "fe80::1", 0, false, "2", ""},
        {"[::ffff:1.2.3.4]:5", AF_INET6, "::ffff:1.2.3.4", 5, true, "", ""},
        {"node.example.org:5199", AF_UNSPEC, NULL, 5199, true, "", "node.example.org"},
        {"node.example.org.:5199", AF_UNSPEC, NULL, 5199, true, "", "node.example.org"},
        {"localhost:7", AF_UNSPEC, NULL, 7, true, "", "localhost"},
        {"a_b-c.x9:7", AF_UNSPEC, NULL, 7, true, "", "a_b-c.x9"},
        {"1.2.3.example:7", AF_UNSPEC, NULL, 7, true, "", "1.2.3.example"},
        {"host", AF_UNSPEC, NULL, 0, false, "", "host"},
    };
    struct cjd_udp_target t;
    uint8_t ip[16];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *why = "";
        if (cjd_udp_target_parse(&t, good[i].text, &why) != 0) {
            fail_msg("%s: %s", good[i].text, why);
        }
        assert_int_equal(t.family, good[i].family);
        assert_int_equal(t.port, good[i].port);
        assert_int_equal(t.has_port, good[i].has_port);
        assert_string_equal(t.zone, good[i].zone);
        assert_string_equal(t.host, good[i].host);
        if (good[i].ip) {
            assert_int_equal(inet_pton(t.family, good[i].ip, ip), 1);
            assert_memory_equal(t.ip, ip, t.family == AF_INET ? 4 : 16);
        }
    }
}

static void test_refuses(void **state)
{
    static const struct {
        const char *text;
        const char *why; /* part of the explanation */
    } bad[] = {
        {"", "no address"},
        {":5199", "no address"},
        {"1.2.3.4:", "port"},
        {"1.2.3.4:x", "port"},
        {"1.2.3.4:1x", "port"},
        {"1.2.3.4:-1", "port"},
        {"1.2.3.4: 1", "port"},
        {"1.2.3.4:+1", "port"},
        {"1.2.3.4:65536", "65535"},
        {"1.2.3.4:99999", "65535"},
        {"1.2.3.4:100000", "port"},
        {"1.2.3.4:4294967297", "port"},
        {"2001:db8::1:5199", "brackets"},
        {"::", "brackets"},
        {"::1", "brackets"},
        {"[2001:db8::1:5199", "closing bracket"},
        {"[]:1", "IPv6 address"},
        {"[1.2.3.4]:1", "IPv6 address"},
        {"[host]:1", "IPv6 address"},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1", "IPv6 address"},
        {"[::1]x", "colon"},
        {"[::1]5199", "colon"},
        {"[::1]:", "port"},
        {"[fe80::1%]:1", "device"},
        {"[fe80::1%averylongdevicename]:1", "device"},
        {"1.2.3:1", "neither"},
        {"1.2.3.4.5:1", "neither"},
        {"1.2.3.256:1", "neither"},
        {"0x7f000001:1", NULL}, /* letters: a legal name */
        {"300:1", "neither"},
        {"a..b:1", "neither"},
        {".a:1", "neither"},
        {"a b:1", "neither"},
        {"a/b:1", "neither"},
        {"m\xc3\xbcnchen.example:1", "neither"},
        {"..:1", "neither"},
        {".:1", "neither"},
    };
    struct cjd_udp_target t;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *why = "";
        int err = cjd_udp_target_parse(&t, bad[i].text, &why);
        if (!bad[i].why) {
            assert_int_equal(err, 0);
            continue;
        }
        assert_int_equal(err, CJD_ERR_PARSE);
        if (!strstr(why, bad[i].why)) {
            fail_msg("%s: refused because \"%s\"", bad[i].text, why);
        }
    }
}

static void test_host_lengths(void **state)
{
    struct cjd_udp_target t;
    char text[300];
    const char *why = "";

    (void)state;
    /* 63 letters in a label are legal, 64 are not. */
    memset(text, 'a', sizeof text);
    strcpy(text + 63, ":1");
    assert_int_equal(cjd_udp_target_parse(&t, text, &why), 0);
    memset(text, 'a', sizeof text);
    strcpy(text + 64, ":1");
    assert_int_equal(cjd_udp_target_parse(&t, text, &why), CJD_ERR_PARSE);
    /* 253 characters of name are legal, 254 are not. */
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = i % 2 ? '.' : 'a';
    }
    strcpy(text + 253, ":1");
    assert_int_equal(cjd_udp_target_parse(&t, text, &why), 0);
    assert_int_equal(strlen(t.host), 253);
    text[253] = 'a';
    strcpy(text + 254, ":1");
    assert_int_equal(cjd_udp_target_parse(&t, text, &why), CJD_ERR_PARSE);
    assert_non_null(strstr(why, "253"));
}

static void check(const char *text, int family, bool is_peer, const char *wanted)
{
    struct cjd_udp_target t;
    const char *why = "";

    if (cjd_udp_target_parse(&t, text, &why) != 0) {
        fail_msg("%s: %s", text, why);
    }
    int err =
        is_peer ? cjd_udp_target_check_peer(&t, family, &why) : cjd_udp_target_check_bind(&t, &why);
    if (!wanted) {
        assert_int_equal(err, 0);
    } else if (err != CJD_ERR_CONFIG || !strstr(why, wanted)) {
        fail_msg("%s: %d, \"%s\" instead of \"%s\"", text, err, why, wanted);
    }
}

static void test_peer_rules(void **state)
{
    (void)state;
    check("203.0.113.7:5199", AF_INET, true, NULL);
    check("0.0.0.0:5199", AF_INET, true, NULL); /* becomes loopback */
    check("[::]:5199", AF_INET6, true, NULL);
    check("[2001:db8::1]:5199", AF_INET6, true, NULL);
    check("[fe80::1%eth0]:5199", AF_INET6, true, NULL);
    check("example.org:5199", AF_INET, true, NULL);
    check("example.org:5199", AF_INET6, true, NULL);
    check("203.0.113.7", AF_INET, true, "port is missing");
    check("203.0.113.7:0", AF_INET, true, "port is missing");
    check("example.org", AF_INET, true, "port is missing");
    check("203.0.113.7:5199", AF_INET6, true, "bound to IPv6");
    check("[2001:db8::1]:5199", AF_INET, true, "bound to IPv4");
    check("224.0.0.1:5199", AF_INET, true, "multicast");
    check("255.255.255.255:5199", AF_INET, true, "multicast");
    check("240.0.0.1:5199", AF_INET, true, "multicast");
    check("[ff02::1]:5199", AF_INET6, true, "multicast");
    check("[::ffff:1.2.3.4]:5199", AF_INET6, true, "mapped");
    check("[fe80::1]:5199", AF_INET6, true, "needs its device");
    check("[2001:db8::1%eth0]:5199", AF_INET6, true, "only link-local");
}

static void test_bind_rules(void **state)
{
    (void)state;
    check("0.0.0.0", AF_INET, false, NULL);
    check("[::]", AF_INET6, false, NULL);
    check("[fe80::1%eth0]:5199", AF_INET6, false, NULL);
    check("example.org:5199", AF_INET, false, "host name");
    check("224.0.0.1:5199", AF_INET, false, "multicast");
    check("[::ffff:1.2.3.4]:5199", AF_INET6, false, "mapped");
    check("[fe80::1]:5199", AF_INET6, false, "needs its device");
}

static void test_loopback(void **state)
{
    static const uint8_t zero[16];
    static const uint8_t other[4] = {192, 0, 2, 1};
    struct cjd_linkaddr addr;
    struct cjd_linkaddr wanted;

    (void)state;
    cjd_udp_addr_make_peer(&addr, AF_INET, zero, 5199, 0);
    wanted = udp_fixture_addr("127.0.0.1:5199");
    assert_memory_equal(&addr, &wanted, sizeof addr);
    cjd_udp_addr_make_peer(&addr, AF_INET6, zero, 5199, 0);
    wanted = udp_fixture_addr("[::1]:5199");
    assert_memory_equal(&addr, &wanted, sizeof addr);
    cjd_udp_addr_make_peer(&addr, AF_INET, other, 5199, 0);
    wanted = udp_fixture_addr("192.0.2.1:5199");
    assert_memory_equal(&addr, &wanted, sizeof addr);
    /* Only peers are rewritten, not what is bound to. */
    cjd_udp_addr_make(&addr, AF_INET, zero, 5199, 0);
    wanted = udp_fixture_addr("0.0.0.0:5199");
    assert_memory_equal(&addr, &wanted, sizeof addr);
}

static void test_canonical(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(5199)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(5199)};
    struct cjd_linkaddr addr;
    struct cjd_linkaddr wanted = udp_fixture_addr("192.0.2.9:5199");

    (void)state;
    /* IPv4: the padding does not tell peers apart. */
    memset(&addr, 0xa5, sizeof addr);
    memset(in.sin_zero, 0x77, sizeof in.sin_zero);
    assert_int_equal(inet_pton(AF_INET, "192.0.2.9", &in.sin_addr), 1);
    memcpy(addr.b, &in, sizeof in);
    assert_true(cjd_udp_addr_canon(&addr, sizeof in, AF_INET));
    assert_memory_equal(&addr, &wanted, sizeof addr);

    /* IPv6: nor does the flow label; the scope does, for link-local addresses. */
    memset(&addr, 0xa5, sizeof addr);
    in6.sin6_flowinfo = 0x12345678;
    in6.sin6_scope_id = 3;
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::9", &in6.sin6_addr), 1);
    memcpy(addr.b, &in6, sizeof in6);
    assert_true(cjd_udp_addr_canon(&addr, sizeof in6, AF_INET6));
    wanted = udp_fixture_addr("[2001:db8::9]:5199");
    assert_memory_equal(&addr, &wanted, sizeof addr);

    assert_int_equal(inet_pton(AF_INET6, "fe80::9", &in6.sin6_addr), 1);
    memcpy(addr.b, &in6, sizeof in6);
    assert_true(cjd_udp_addr_canon(&addr, sizeof in6, AF_INET6));
    wanted = udp_fixture_addr("[fe80::9]:5199");
    assert_false(cjd_udp_addr_equal(&addr, &wanted));
}

static void test_not_canonical(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(5199)};
    struct cjd_linkaddr addr = {0};

    (void)state;
    memcpy(addr.b, &in, sizeof in);
    assert_false(cjd_udp_addr_canon(&addr, 0, AF_INET));
    assert_false(cjd_udp_addr_canon(&addr, 8, AF_INET));
    assert_false(cjd_udp_addr_canon(&addr, sizeof in, AF_INET6));
    in.sin_port = 0;
    memcpy(addr.b, &in, sizeof in);
    assert_false(cjd_udp_addr_canon(&addr, sizeof in, AF_INET));
    in.sin_port = htons(1);
    in.sin_family = AF_UNIX;
    memcpy(addr.b, &in, sizeof in);
    assert_false(cjd_udp_addr_canon(&addr, sizeof in, AF_INET));
}

static void test_text(void **state)
{
    static const uint8_t local[16] = {0xfe, 0x80, [15] = 1};
    struct cjd_linkaddr addr = udp_fixture_addr("203.0.113.7:5199");
    char text[CJD_UDP_TEXT_SIZE];

    (void)state;
    assert_int_equal(cjd_udp_addr_text(&addr, text, sizeof text), 16);
    assert_string_equal(text, "203.0.113.7:5199");
    assert_int_equal(cjd_udp_addr_text(&addr, text, 17), 16);
    assert_int_equal(cjd_udp_addr_text(&addr, text, 16), CJD_ERR_TOO_LONG);
    assert_int_equal(cjd_udp_addr_text(&addr, text, 0), CJD_ERR_TOO_LONG);
    addr = udp_fixture_addr("[2001:db8:0:0::1]:1");
    assert_true(cjd_udp_addr_text(&addr, text, sizeof text) > 0);
    assert_string_equal(text, "[2001:db8::1]:1");
    cjd_udp_addr_make(&addr, AF_INET6, local, 9, 4);
    assert_true(cjd_udp_addr_text(&addr, text, sizeof text) > 0);
    assert_string_equal(text, "[fe80::1%4]:9");
    addr.len = 0;
    assert_int_equal(cjd_udp_addr_text(&addr, text, sizeof text), CJD_ERR_INVALID);
    assert_int_equal(cjd_udp_addr_port(&addr), 0);
}

static void test_zone(void **state)
{
    uint32_t index;

    (void)state;
    assert_int_equal(cjd_udp_zone_index("", &index), 0);
    assert_int_equal(index, 0);
    assert_int_equal(cjd_udp_zone_index("lo", &index), 0);
    assert_int_equal(index, if_nametoindex("lo"));
    assert_int_equal(cjd_udp_zone_index("7", &index), 0);
    assert_int_equal(index, 7);
    assert_int_equal(cjd_udp_zone_index("7x", &index), CJD_ERR_NO_DEVICE);
    assert_int_equal(cjd_udp_zone_index("99999999999", &index), CJD_ERR_NO_DEVICE);
    assert_int_equal(cjd_udp_zone_index("no-such-dev0", &index), CJD_ERR_NO_DEVICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_host_lengths), cmocka_unit_test(test_peer_rules),
        cmocka_unit_test(test_bind_rules),   cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_canonical),    cmocka_unit_test(test_not_canonical),
        cmocka_unit_test(test_text),         cmocka_unit_test(test_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
