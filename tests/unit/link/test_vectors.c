/* links.json: beacons, Ethernet framing, the transcript of a link, versions. */
#include <testlib/net.h>
#include <testlib/transcript.h>

#include <base/wire.h>
#include <cjd/beacon.h>
#include <cjd/version.h>

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

static void check_body(const struct cjd_beacon *b, const json_t *body)
{
    struct cjd_addr addr;
    char key[CJD_KEY_TEXT_SIZE];

    assert_int_equal(b->version, test_int(body, "protocol_version"));
    test_assert_hex(b->password, sizeof b->password, test_str(body, "password"), "password");
    test_assert_hex(b->key.b, sizeof b->key.b, test_str(body, "public_key"), "key");
    cjd_key_to_text(key, &b->key);
    assert_string_equal(key, test_str(body, "public_key_text"));
    assert_true(cjd_addr_of_key_is_valid(&addr, &b->key));
    test_assert_hex(addr.b, sizeof addr.b, test_str(body, "ipv6"), "address");
}

static void udp_beacons(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "udp_beacons");
    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        uint8_t payload[256];
        uint8_t mine[CJD_UDP_BEACON_BYTES];
        struct cjd_beacon b;
        uint16_t port;
        size_t len = test_hex_member(payload, sizeof payload, c, "udp_payload");
        assert_int_equal(cjd_udp_beacon_parse(&b, &port, payload, len), 0);
        assert_int_equal(port, test_int(c, "link_port"));
        check_body(&b, json_object_get(c, "body"));
        cjd_udp_beacon_write(mine, &b, port);
        test_assert_hex(mine, sizeof mine, test_str(c, "udp_payload"), "beacon");
        /* The whole frame ends in it. */
        uint8_t frame[512];
        size_t frame_len = test_hex_member(frame, sizeof frame, c, "ethernet_frame");
        assert_memory_equal(frame + frame_len - len, payload, len);
    }
}

/* What a receiver makes of a beacon: wire first, then the rules of §4.5. */
static bool beacon_is_taken(const uint8_t *bytes, size_t len, const struct cjd_key *own)
{
    struct cjd_beacon b;
    struct cjd_addr addr;
    uint16_t port;

    return cjd_udp_beacon_parse(&b, &port, bytes, len) == 0 && b.version >= CJD_PROTOCOL_MIN &&
           memcmp(&b.key, own, sizeof *own) != 0 && cjd_addr_of_key_is_valid(&addr, &b.key);
}

static void udp_beacon_invalid(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "udp_beacon_invalid");
    uint8_t good[CJD_UDP_BEACON_BYTES + 5] = {0};
    struct cjd_key nobody = {{0}};
    unsigned known = 0;

    test_hex_member(good, sizeof good, json_array_get(json_object_get(root, "udp_beacons"), 0),
                    "udp_payload");
    assert_true(beacon_is_taken(good, CJD_UDP_BEACON_BYTES, &nobody));
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const char *change = test_str(c, "change");
        uint8_t bytes[sizeof good];
        size_t len = CJD_UDP_BEACON_BYTES;
        struct cjd_key own = nobody;
        memcpy(bytes, good, sizeof good);
        if (strstr(change, "magic")) {
            bytes[3] = 0xfb;
        } else if (strstr(change, "UDP beacon version")) {
            bytes[4] = 1;
        } else if (strstr(change, "zero byte")) {
            bytes[5] = 1;
        } else if (strstr(change, "protocol version 19")) {
            bytes[11] = 19;
        } else if (strstr(change, "own key")) {
            memcpy(&own, bytes + 32, sizeof own);
        } else if (strstr(change, "12 bytes short")) {
            len -= 12;
        } else if (strstr(change, "5 extra bytes")) {
            len += 5;
        } else {
            continue;
        }
        known++;
        assert_int_equal(beacon_is_taken(bytes, len, &own),
                         strcmp(test_str(c, "effect"), "accepted") == 0);
    }
    assert_int_equal(known, json_array_size(cases));
    assert_true(known > 0);
}

static void eth_beacons(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "eth_beacons");
    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        uint8_t frame[256];
        uint8_t header[CJD_ETH_HEADER_BYTES];
        struct cjd_beacon b;
        size_t len = test_hex_member(frame, sizeof frame, c, "ethernet_frame");
        int payload = cjd_eth_parse(frame + 14, len - 14);
        assert_int_equal(payload, CJD_BEACON_BYTES);
        assert_int_equal(test_int(c, "length"), CJD_BEACON_BYTES + CJD_ETH_HEADER_BYTES);
        assert_int_equal(cjd_beacon_parse(&b, frame + 14 + CJD_ETH_HEADER_BYTES, (size_t)payload),
                         0);
        check_body(&b, json_object_get(c, "body"));
        cjd_eth_write(header, CJD_BEACON_BYTES);
        assert_memory_equal(header, frame + 14, sizeof header);
    }
}

/* Returns what a receiver does: "dropped", "ignored" or "accepted". */
static const char *eth_outcome(const uint8_t *frame, size_t len)
{
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct cjd_beacon b;
    int payload = cjd_eth_parse(frame + 14, len - 14);

    if (payload < 0) {
        return "dropped";
    }
    if (memcmp(frame, broadcast, sizeof broadcast) != 0) {
        return "ignored"; /* no beacon, and no hello either */
    }
    return cjd_beacon_parse(&b, frame + 20, (size_t)payload) ? "dropped" : "accepted";
}

static void eth_framing_rules(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "eth_framing_rules");
    uint8_t good[256] = {0};
    unsigned known = 0;

    size_t good_len =
        test_hex_member(good, sizeof good, json_array_get(json_object_get(root, "eth_beacons"), 0),
                        "ethernet_frame");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const char *change = test_str(c, "frame_change");
        uint8_t frame[sizeof good];
        size_t len = good_len;
        memcpy(frame, good, sizeof good);
        if (strstr(change, "framing version 1")) {
            frame[14] = 1;
        } else if (strstr(change, "magic fc01")) {
            frame[19] = 1;
        } else if (strstr(change, "length one more")) {
            frame[17]++;
        } else if (strstr(change, "length 56")) {
            frame[17] = 56;
        } else if (strstr(change, "reserved byte 7")) {
            frame[15] = 7;
        } else if (strstr(change, "4 extra bytes")) {
            len += 4;
        } else if (strstr(change, "unicast MAC")) {
            frame[0] = 0x02;
        } else if (strstr(change, "multicast MAC")) {
            frame[0] = 0x33;
        } else {
            continue;
        }
        known++;
        assert_non_null(strstr(test_str(c, "effect"), eth_outcome(frame, len)));
    }
    assert_int_equal(known, json_array_size(cases));
    assert_true(known > 0);
}

static void beacon_auth(void **state)
{
    (void)state;
    const json_t *c = json_object_get(root, "beacon_auth");
    uint8_t password[64];
    struct cjd_credentials credentials;
    size_t len = test_hex_member(password, sizeof password, c, "password_hex");

    cjd_credentials_init(&credentials, NULL, password, len);
    test_assert_hex(credentials.lookup, 8, test_str(c, "expected_challenge_first_8"), "challenge");
    cjd_credentials_fini(&credentials);
}

static void check_header(const uint8_t *plain, const json_t *want)
{
    struct cjd_switch_header h;

    cjd_switch_header_read(&h, plain);
    assert_int_equal(h.label, test_label(test_str(want, "label")));
    assert_int_equal(h.suppress_errors, test_int(want, "sup"));
    assert_int_equal(h.congestion, test_int(want, "cong"));
    assert_int_equal(h.version, test_int(want, "ver"));
    assert_int_equal(h.shift, test_int(want, "shift"));
    assert_int_equal(h.traffic_class, test_int(want, "tc"));
}

static void handshake_transcript(void **state)
{
    (void)state;
    const json_t *t = json_object_get(root, "handshake_transcript");
    const json_t *packets = json_object_get(t, "packets");
    const char *password = test_str(t, "password");
    struct cjd_credentials credentials;
    struct transcript tr;

    transcript_init(&tr, test_str(t, "peer_secret"), test_str(t, "node_public"),
                    test_str(t, "peer_link_temporary_secret"));
    cjd_credentials_init(&credentials, NULL, password, strlen(password));
    cjd_ca_set_credentials(&tr.ca, &credentials);
    assert_true(json_array_size(packets) > 0);
    for (size_t i = 0; i < json_array_size(packets); i++) {
        const json_t *p = json_array_get(packets, i);
        uint8_t datagram[2048];
        uint8_t plain[2048];
        uint8_t opened[2048];
        size_t len = test_hex_member(datagram, sizeof datagram, p, "datagram");
        size_t plain_len = test_hex_member(plain, sizeof plain, p, "link_plaintext");
        assert_int_equal(cjd_load32(datagram), test_int(p, "link_nonce"));
        if (strcmp(test_str(p, "dir"), "peer->node") == 0) {
            transcript_sent(&tr, datagram, len, plain, plain_len);
        } else {
            size_t n = transcript_received(&tr, datagram, len, opened, sizeof opened);
            test_assert_hex(opened, n, test_str(p, "link_plaintext"), "plaintext");
        }
        check_header(plain, json_object_get(p, "switch_header"));
    }
    cjd_credentials_fini(&credentials);
    transcript_fini(&tr);
}

/* A node that announces 21 behaves as the v21.1 rows. */
static void version_handling(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "version_handling");
    unsigned tested = 0;

    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        if (strcmp(test_str(c, "node"), "v21.1") != 0 || test_int(c, "peer_ping_version") == 0) {
            continue;
        }
        bool is_fine = strstr(test_str(c, "result"), "INCOMPATIBLE") == NULL;
        struct net *net = net_new(2, 70 + i);
        struct cjd_peer_info info;
        net_set_version(net, 0, (uint32_t)test_int(c, "peer_ping_version"));
        net_link(net, 0, 1, CJD_MS);
        net_run(net, 2 * CJD_S);
        assert_true(cjd_links_peer_at(cjd_node_links(net_node(net, 1)), 0, &info));
        assert_int_equal(info.state,
                         is_fine ? (int)CJD_CA_ESTABLISHED : CJD_LINK_STATE_INCOMPATIBLE);
        assert_int_equal(net_ping_pair(net, 1, 0, CJD_S) != CJD_NEVER, is_fine);
        net_free(net);
        tested++;
    }
    assert_true(tested >= 4);
}

/* Version 0 is "unknown": linked, never announced, its pings not answered. */
static void version_zero(void **state)
{
    (void)state;
    struct cjd_ctrl_self self = {.version = CJD_PROTOCOL, .scheme = cjd_scheme_358()};
    uint8_t ping[20] = {0, 0, 0, 3, 0x09, 0xf9, 0x11, 0x02};
    uint16_t sum = cjd_ctrl_checksum(ping, sizeof ping);

    cjd_store16(ping, sum);
    assert_int_equal(cjd_ctrl_answer(&self, 0x13, ping, sizeof ping), CJD_ERR_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp_beacons),      cmocka_unit_test(udp_beacon_invalid),
        cmocka_unit_test(eth_beacons),      cmocka_unit_test(eth_framing_rules),
        cmocka_unit_test(beacon_auth),      cmocka_unit_test(handshake_transcript),
        cmocka_unit_test(version_handling), cmocka_unit_test(version_zero),
    };
    return cmocka_run_group_tests_name("vector_links", tests, setup, teardown);
}
