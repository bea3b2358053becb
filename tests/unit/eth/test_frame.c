/* Frames as the system hands them over: links.json as far as it speaks of Ethernet, and the rest of
 * what can be wrong with one; hardware addresses. */
#include <testlib/testlib.h>

#include <net/if.h>

#include <eth_frame.h>

static json_t *root;

static int setup(void **state)
{
    (void)state;
    root = test_vectors("links.json");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(root);
    return 0;
}

/* What the kernel tells of the 14 bytes it takes off. */
static struct sockaddr_ll from_of(const uint8_t *frame)
{
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct sockaddr_ll from = {.sll_family = AF_PACKET, .sll_halen = 6};

    from.sll_pkttype = memcmp(frame, all, 6) == 0 ? PACKET_BROADCAST
                       : frame[0] & 1             ? PACKET_MULTICAST
                                                  : PACKET_HOST;
    memcpy(from.sll_addr, frame + 6, 6);
    return from;
}

static enum cjd_eth_verdict judge(const uint8_t *frame, size_t len, uint32_t *payload_len)
{
    struct sockaddr_ll from = from_of(frame);

    return cjd_eth_frame_judge(&from, sizeof from, frame + 14, len - 14, payload_len);
}

static void beacons(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "eth_beacons");
    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const json_t *body = json_object_get(c, "body");
        uint8_t frame[256];
        struct cjd_beacon b;
        uint32_t n = 0;
        size_t len = test_hex_member(frame, sizeof frame, c, "ethernet_frame");
        assert_int_equal(judge(frame, len, &n), CJD_ETH_BEACON);
        assert_int_equal(n, CJD_BEACON_BYTES);
        assert_int_equal(cjd_beacon_parse(&b, frame + 20, n), 0);
        test_assert_hex(b.key.b, sizeof b.key.b, test_str(body, "public_key"), "key");
    }
}

static void framing_rules(void **state)
{
    static const struct {
        const char *change; /* part of the vector's text */
        size_t at;          /* byte that is changed; 0: none */
        uint8_t value;
        size_t more; /* bytes appended */
        enum cjd_eth_verdict verdict;
        uint32_t payload;
    } rules[] = {
        {"framing version 1", 14, 1, 0, CJD_ETH_HEADER, 0},
        {"magic fc01", 19, 1, 0, CJD_ETH_HEADER, 0},
        {"length one more", 17, 63, 0, CJD_ETH_HEADER, 0},
        {"length 56", 17, 56, 0, CJD_ETH_BEACON_RUNT, 50},
        {"reserved byte 7", 15, 7, 0, CJD_ETH_BEACON, 56},
        {"4 extra bytes", 0, 0xff, 4, CJD_ETH_BEACON, 56},
        /* No beacon: what the handshake ignores, as it is no hello. */
        {"unicast MAC", 0, 0x02, 0, CJD_ETH_DATA, 56},
        {"multicast MAC", 0, 0x33, 0, CJD_ETH_DATA, 56},
    };
    const json_t *cases = json_object_get(root, "eth_framing_rules");
    uint8_t good[256] = {0};
    size_t good_len =
        test_hex_member(good, sizeof good, json_array_get(json_object_get(root, "eth_beacons"), 0),
                        "ethernet_frame");

    (void)state;
    assert_int_equal(json_array_size(cases), sizeof rules / sizeof rules[0]);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const char *change = test_str(json_array_get(cases, i), "frame_change");
        uint8_t frame[sizeof good];
        uint32_t n = 0;
        assert_non_null(strstr(change, rules[i].change));
        memcpy(frame, good, sizeof frame);
        frame[rules[i].at] = rules[i].value;
        assert_int_equal(judge(frame, good_len + rules[i].more, &n), rules[i].verdict);
        assert_int_equal(n, rules[i].payload);
    }
}

static void kinds_of_packet(void **state)
{
    static const struct {
        unsigned char type;
        enum cjd_eth_verdict verdict;
    } kinds[] = {{PACKET_HOST, CJD_ETH_DATA},        {PACKET_BROADCAST, CJD_ETH_BEACON_RUNT},
                 {PACKET_MULTICAST, CJD_ETH_DATA},   {PACKET_OTHERHOST, CJD_ETH_FOREIGN},
                 {PACKET_OUTGOING, CJD_ETH_FOREIGN}, {PACKET_LOOPBACK, CJD_ETH_FOREIGN}};
    uint8_t bytes[] = {0, 0, 0, 8, 0xfc, 0, 1, 2};
    uint32_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct sockaddr_ll from = {
            .sll_family = AF_PACKET, .sll_halen = 6, .sll_addr = {2}, .sll_pkttype = kinds[i].type};
        assert_int_equal(cjd_eth_frame_judge(&from, sizeof from, bytes, sizeof bytes, &n),
                         kinds[i].verdict);
    }
}

static void sources(void **state)
{
    uint8_t bytes[] = {0, 0, 0, 8, 0xfc, 0, 1, 2};
    struct sockaddr_ll good = {
        .sll_family = AF_PACKET, .sll_halen = 6, .sll_addr = {2, 0, 0, 0, 0, 1}};
    struct sockaddr_ll bad[4] = {good, good, good, good};
    uint32_t n = 0;

    (void)state;
    bad[0].sll_family = AF_INET;
    bad[1].sll_halen = 8;
    bad[2].sll_addr[0] = 3; /* a group */
    memset(bad[3].sll_addr, 0, 6);
    assert_int_equal(cjd_eth_frame_judge(&good, sizeof good, bytes, sizeof bytes, &n),
                     CJD_ETH_DATA);
    assert_int_equal(n, 2);
    assert_int_equal(cjd_eth_frame_judge(&good, 12, bytes, sizeof bytes, &n), CJD_ETH_SOURCE);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(cjd_eth_frame_judge(&bad[i], sizeof bad[i], bytes, sizeof bytes, &n),
                         CJD_ETH_SOURCE);
    }
    for (size_t len = 0; len < CJD_ETH_HEADER_BYTES; len++) {
        assert_int_equal(cjd_eth_frame_judge(&good, sizeof good, bytes, len, &n), CJD_ETH_RUNT);
    }
    bytes[3] = 5; /* less than the header it counts */
    assert_int_equal(cjd_eth_frame_judge(&good, sizeof good, bytes, sizeof bytes, &n),
                     CJD_ETH_HEADER);
}

static void addresses(void **state)
{
    static const char *const bad[] = {"",
                                      "02:00:00:00:00:0",
                                      "02:00:00:00:00:011",
                                      "02-00-00-00-00-01",
                                      "0g:00:00:00:00:01",
                                      "02:00:00:00:00:01 ",
                                      "02:00:00:00:0001:"};
    struct cjd_linkaddr addr;
    uint8_t mac[6];
    char text[CJD_ETH_MAC_TEXT];

    (void)state;
    assert_int_equal(cjd_eth_mac_parse(mac, "02:aB:00:ff:09:A1"), 0);
    assert_int_equal(cjd_eth_mac_text(mac, text, sizeof text), 17);
    assert_string_equal(text, "02:ab:00:ff:09:a1");
    assert_int_equal(cjd_eth_mac_text(mac, text, 17), CJD_ERR_TOO_LONG);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(cjd_eth_mac_parse(mac, bad[i]), CJD_ERR_PARSE);
    }
    cjd_eth_addr_make(&addr, mac);
    assert_true(cjd_eth_addr_is_valid(&addr));
    addr.len = 5;
    assert_false(cjd_eth_addr_is_valid(&addr));
    cjd_eth_addr_make(&addr, (const uint8_t[6]){0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
    assert_false(cjd_eth_addr_is_valid(&addr));
}

static void texts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CJD_ETH_VERDICTS; i++) {
        assert_true(strlen(cjd_eth_verdict_text((enum cjd_eth_verdict)i)) > 3);
    }
    assert_string_equal(cjd_eth_verdict_text(CJD_ETH_VERDICTS), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beacons),         cmocka_unit_test(framing_rules),
        cmocka_unit_test(kinds_of_packet), cmocka_unit_test(sources),
        cmocka_unit_test(addresses),       cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
