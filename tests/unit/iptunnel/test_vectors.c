/* sessions.json: tunnel messages and route generation. */
#include <testlib/testlib.h>

#include <arpa/inet.h>

#include "message.h"
#include "routes.h"

#define DATA_HEADER 4u

static json_t *root;

static int setup(void **state)
{
    (void)state;
    root = test_vectors("sessions.json");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(root);
    return 0;
}

static enum tunnel_kind kind_named(const char *name)
{
    if (strcmp(name, "control") == 0) {
        return TUNNEL_CONTROL;
    }
    return strcmp(name, "IPv4 packet") == 0 ? TUNNEL_IP4 : TUNNEL_IP6;
}

/* Encodes what was decoded, without the reference's padding. */
static void check_dictionary(const struct tunnel_control *c, const uint8_t *dict, size_t len)
{
    uint8_t mine[TUNNEL_DICT_MAX];
    uint8_t unpadded[TUNNEL_DICT_MAX];
    size_t zeros = 0;

    while (dict[1 + zeros] == '0') {
        zeros++;
    }
    unpadded[0] = 'd';
    memcpy(unpadded + 1, dict + 1 + zeros, len - 1 - zeros);
    int n = c->is_request
                ? tunnel_request_write(mine, sizeof mine, c->txid, c->txid_len)
                : tunnel_reply_write(mine, sizeof mine, &c->addresses, c->txid, c->txid_len);
    assert_int_equal(n, len - zeros);
    assert_memory_equal(mine, unpadded, (size_t)n);
}

static void check_control(const json_t *c, const uint8_t *bytes, size_t len)
{
    struct tunnel_control control;
    uint8_t dict[TUNNEL_DICT_MAX];
    uint8_t mine[2048];
    size_t dict_len = test_hex_member(dict, sizeof dict, c, "dictionary_hex");

    assert_int_equal(tunnel_control_parse(&control, bytes, len), 0);
    assert_int_equal(control.is_request, strcmp(test_str(c, "direction"), "client->gateway") == 0);
    assert_int_equal(control.is_reply, !control.is_request);
    check_dictionary(&control, dict, dict_len);
    int n = tunnel_control_write(mine, sizeof mine, dict, dict_len);
    assert_int_equal(n, len);
    assert_memory_equal(mine, bytes, len);
    test_assert_hex(mine + 40, 8, test_str(c, "udp_header"), "UDP header");
}

static void messages(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(json_object_get(root, "ip_tunnel"), "messages");
    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        uint8_t plain[2048];
        size_t len = test_hex_member(plain, sizeof plain, c, "session_plaintext");
        test_assert_hex(plain, DATA_HEADER, "10000101", "data header");
        enum tunnel_kind want = kind_named(test_str(c, "kind"));
        assert_int_equal(tunnel_classify(plain + DATA_HEADER, len - DATA_HEADER), want);
        if (want == TUNNEL_CONTROL) {
            check_control(c, plain + DATA_HEADER, len - DATA_HEADER);
        }
    }
}

/* The gateway issued 192.168.55.2 (alloc 30, prefix 24) and 2001:db8:55::2 (alloc 128, prefix 0).
 */
static void issued_addresses(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(json_object_get(root, "ip_tunnel"), "messages");
    unsigned replies = 0;

    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        uint8_t plain[2048];
        struct tunnel_control control;
        size_t len = test_hex_member(plain, sizeof plain, c, "session_plaintext");
        if (tunnel_classify(plain + DATA_HEADER, len - DATA_HEADER) != TUNNEL_CONTROL) {
            continue;
        }
        assert_int_equal(tunnel_control_parse(&control, plain + DATA_HEADER, len - DATA_HEADER), 0);
        if (!control.is_reply) {
            continue;
        }
        char text[INET6_ADDRSTRLEN];
        assert_string_equal(inet_ntop(AF_INET, control.addresses.ip4, text, sizeof text),
                            "192.168.55.2");
        assert_string_equal(inet_ntop(AF_INET6, control.addresses.ip6, text, sizeof text),
                            "2001:db8:55::2");
        assert_int_equal(control.addresses.ip4_alloc, 30);
        assert_int_equal(control.addresses.ip4_prefix, 24);
        assert_int_equal(control.addresses.ip6_alloc, 128);
        assert_int_equal(control.addresses.ip6_prefix, 0);
        replies++;
    }
    assert_true(replies > 0);
}

static void txid_rules(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(json_object_get(root, "ip_tunnel"), "txid_rules");
    struct tunnel_addresses a = {.has_ip4 = true, .ip4_alloc = 32, .ip4_prefix = 32};

    assert_int_equal(json_array_size(cases), 2);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const char *request = test_str(json_array_get(cases, i), "request");
        const uint8_t *txid = strstr(request, "12-byte") ? (const uint8_t *)"twelve bytes" : NULL;
        uint8_t dict[TUNNEL_DICT_MAX];
        uint8_t bytes[2048];
        struct tunnel_control asked;
        struct tunnel_control answered;
        int n = tunnel_request_write(dict, sizeof dict, txid, 12);
        n = tunnel_control_write(bytes, sizeof bytes, dict, (size_t)n);
        assert_int_equal(tunnel_control_parse(&asked, bytes, (size_t)n), 0);
        assert_true(asked.is_request);
        n = tunnel_reply_write(dict, sizeof dict, &a, asked.txid, asked.txid_len);
        n = tunnel_control_write(bytes, sizeof bytes, dict, (size_t)n);
        assert_int_equal(tunnel_control_parse(&answered, bytes, (size_t)n), 0);
        assert_int_equal(answered.txid != NULL, txid != NULL);
        if (txid) {
            assert_int_equal(answered.txid_len, 12);
            assert_memory_equal(answered.txid, txid, 12);
        }
    }
}

static void ignored(void **state)
{
    (void)state;
    const json_t *tunnel = json_object_get(root, "ip_tunnel");
    const json_t *cases = json_object_get(tunnel, "ignored");
    uint8_t plain[2048];
    size_t len =
        test_hex_member(plain, sizeof plain, json_array_get(json_object_get(tunnel, "messages"), 0),
                        "session_plaintext");
    uint8_t *good = plain + DATA_HEADER;
    len -= DATA_HEADER;
    unsigned known = 0;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const char *change = json_string_value(json_array_get(cases, i));
        uint8_t bytes[2048];
        size_t n = len;
        memcpy(bytes, good, len);
        if (strstr(change, "checksum wrong")) {
            bytes[47] ^= 1;
        } else if (strstr(change, "truncated by 3")) {
            n -= 3;
        } else if (strstr(change, "UDP length field = 8 + N")) {
            /* Eight more in the length, eight less in the checksum (one's complement). */
            bytes[45] = (uint8_t)(bytes[45] + 8);
            unsigned sum = (unsigned)bytes[46] << 8 | bytes[47];
            sum = sum >= 8 ? sum - 8 : sum + 0xffff - 8;
            bytes[46] = (uint8_t)(sum >> 8);
            bytes[47] = (uint8_t)sum;
        } else {
            continue;
        }
        known++;
        assert_int_equal(tunnel_classify(bytes, n), TUNNEL_INVALID);
    }
    assert_int_equal(known, json_array_size(cases));
    assert_true(known > 0);
}

static unsigned parse_net(const char *text, struct tunnel_net *out)
{
    char host[64];
    const char *slash = strchr(text, '/');
    assert_non_null(slash);
    memset(out, 0, sizeof *out);
    snprintf(host, sizeof host, "%.*s", (int)(slash - text), text);
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    assert_int_equal(inet_pton(family, host, out->b), 1);
    out->len = (uint8_t)strtoul(slash + 1, NULL, 10);
    return family == AF_INET6 ? 128 : 32;
}

static unsigned read_nets(const json_t *list, struct tunnel_nets *out)
{
    unsigned bits = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        struct tunnel_net net;
        bits = parse_net(json_string_value(json_array_get(list, i)), &net);
        assert_int_equal(tunnel_nets_add(out, &net), 0);
    }
    return bits;
}

static bool has_net(const struct tunnel_nets *nets, const struct tunnel_net *net)
{
    for (size_t i = 0; i < nets->count; i++) {
        if (nets->v[i].len == net->len && memcmp(nets->v[i].b, net->b, sizeof net->b) == 0) {
            return true;
        }
    }
    return false;
}

static void route_generation(void **state)
{
    (void)state;
    const json_t *cases = json_object_get(root, "route_generation");
    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        struct tunnel_nets prefixes = {0};
        struct tunnel_nets exceptions = {0};
        struct tunnel_nets local = {0};
        struct tunnel_nets want = {0};
        struct tunnel_nets got = {0};
        unsigned bits = read_nets(json_object_get(c, "prefixes"), &prefixes);
        read_nets(json_object_get(c, "exceptions"), &exceptions);
        read_nets(json_object_get(c, "result"), &want);
        assert_int_equal(tunnel_local_prefixes(&local, bits), 0);
        assert_int_equal(tunnel_routes(&got, &prefixes, &exceptions, &local), 0);
        assert_int_equal(got.count, want.count);
        for (size_t k = 0; k < want.count; k++) {
            assert_true(has_net(&got, &want.v[k]));
        }
        tunnel_nets_fini(&prefixes);
        tunnel_nets_fini(&exceptions);
        tunnel_nets_fini(&local);
        tunnel_nets_fini(&want);
        tunnel_nets_fini(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),         cmocka_unit_test(issued_addresses),
        cmocka_unit_test(txid_rules),       cmocka_unit_test(ignored),
        cmocka_unit_test(route_generation),
    };
    return cmocka_run_group_tests_name("vector_iptunnel", tests, setup, teardown);
}
