/* The reference's form: everything that is an error, with its place. */
#include "helper.h"

#define HEAD                "{\"version\":2,\"privateKey\":\"" OWN_SECRET "\""
#define ADMIN               ",\"admin\":{\"bind\":\"127.0.0.1:1\"}"
#define GOOD                HEAD ADMIN ","
#define UDP(entry)          GOOD "\"interfaces\":{\"UDPInterface\":[" entry "]}}"
#define PEER(address, body) UDP("{\"connectTo\":{\"" address "\":" body "}}")
#define CREDENTIALS         "{\"publicKey\":\"" KEY_A "\",\"password\":\"x\"}"
#define TUNNEL(entry)       GOOD "\"router\":{\"ipTunnel\":{\"allowedConnections\":[" entry "]}}}"

struct row {
    const char *text; /* `@` marks the place */
    const char *pointer;
    const char *part;
};

static void check(const struct row *row)
{
    char text[1024];
    const char *mark = strchr(row->text, '@');

    assert_non_null(mark);
    size_t before = (size_t)(mark - row->text);
    snprintf(text, sizeof text, "%.*s%s", (int)before, row->text, mark + 1);
    struct reading r = read_text(text);
    if (r.diags.errors != 1) {
        cjd_diags_print(&r.diags, stdout);
        fail_msg("%s: %zu errors", text, r.diags.errors);
    }
    assert_diag(&r, CJD_DIAG_ERROR, 1, (unsigned)before + 1, row->pointer, row->part);
    reading_fini(&r);
}

#define CHECK(rows)                                                                                \
    for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) {                                \
        check(&(rows)[i]);                                                                         \
    }

static void top_level(void **state)
{
    static const struct row rows[] = {
        {"@{\"version\":2" ADMIN "}", "", "\"privateKey\" is missing"},
        {"{\"version\":2,\"privateKey\":@\"c7\"" ADMIN "}", "/privateKey", "64 hexadecimal"},
        {"{\"version\":2,\"privateKey\":@5" ADMIN "}", "/privateKey", "text in quotes"},
        {"{\"version\":2,\"privateKey\":@"
         "\"0000000000000000000000000000000000000000000000000000000000000001\"" ADMIN "}",
         "/privateKey", "not in fc00::/8"},
        {GOOD "\"publicKey\":@5}", "/publicKey", "text in quotes"},
        {GOOD "\"authorizedPasswords\":@{}}", "/authorizedPasswords", "must be a list"},
        {GOOD "\"authorizedPasswords\":[@\"x\"]}", "/authorizedPasswords/0", "an object"},
        {GOOD "\"authorizedPasswords\":[{\"password\":\"x\"},@{\"user\":\"x\"}]}",
         "/authorizedPasswords/1", "\"password\" is missing"},
        {GOOD "\"authorizedPasswords\":[{\"password\":@5}]}", "/authorizedPasswords/0/password",
         "text in quotes"},
        {GOOD "\"authorizedPasswords\":[{\"password\":@\"\"}]}", "/authorizedPasswords/0/password",
         "must not be empty"},
        {GOOD "\"authorizedPasswords\":[{\"password\":\"x\",\"user\":@5}]}",
         "/authorizedPasswords/0/user", "text in quotes"},
        {GOOD "\"authorizedPasswords\":[{\"password\":\"x\",\"ipv6\":@\"fc00::x\"}]}",
         "/authorizedPasswords/0/ipv6", "fc00::/8"},
        {GOOD "\"authorizedPasswords\":[{\"password\":\"x\",\"ipv6\":@\"fd00::1\"}]}",
         "/authorizedPasswords/0/ipv6", "fc00::/8"},
        {GOOD "\"authorizedPasswords\":[{\"password\":\"x\"},{\"password\":\"y\"},@{\"password\":"
              "\"x\"}]}",
         "/authorizedPasswords/2", "earlier entry"},
        {HEAD ",\"admin\":@5}", "/admin", "must be an object"},
        {HEAD ",\"admin\":@{\"password\":\"x\"}}", "/admin", "\"bind\" is missing"},
        {HEAD ",\"admin\":{\"bind\":@\"localhost:1\"}}", "/admin/bind", "not a host name"},
        {HEAD ",\"admin\":{\"bind\":@\"127.0.0.1\"}}", "/admin/bind", "a port is missing"},
        {HEAD ",\"admin\":{\"bind\":@\"127.0.0.1:99999\"}}", "/admin/bind", "up to 65535"},
        {HEAD ",\"admin\":{\"bind\":\"127.0.0.1:1\",\"password\":@5}}", "/admin/password", "text"},
        {HEAD ",\"admin\":{\"bind\":\"127.0.0.1:1\",\"allowInsecure\":@1}}", "/admin/allowInsecure",
         "true or false"},
        {GOOD "\"logging\":@[]}", "/logging", "must be an object"},
        {GOOD "\"logging\":{\"logTo\":@1}}", "/logging/logTo", "text in quotes"},
        {GOOD "\"noBackground\":@1.5}", "/noBackground", "must be an integer"},
        {GOOD "\"pipe\":@1}", "/pipe", "text in quotes"},
        {GOOD "\"interfaces\":@[]}", "/interfaces", "must be an object"},
        {GOOD "\"router\":@[]}", "/router", "must be an object"},
        {GOOD "\"router\":{\"supernodes\":@\"x\"}}", "/router/supernodes", "must be a list"},
        {GOOD "\"router\":{\"supernodes\":[@\"x\"]}}", "/router/supernodes/0", "public key"},
        {GOOD "\"router\":{\"interface\":@5}}", "/router/interface", "must be an object"},
        {GOOD "\"router\":{\"interface\":{\"type\":@5}}}", "/router/interface/type", "text"},
        {GOOD "\"router\":{\"interface\":{\"type\":\"TUNInterface\",\"tunDevice\":@\"sixteen--"
              "letters\"}}}",
         "/router/interface/tunDevice", "1 to 15"},
        {GOOD "\"router\":{\"interface\":@{\"type\":\"SocketInterface\"}}}", "/router/interface",
         "\"socketFullPath\" is missing"},
        {GOOD "\"security\":@{}}", "/security", "must be a list"},
        {GOOD "\"security\":[{\"setuser\":@5}]}", "/security/0/setuser", "or 0"},
        {GOOD "\"security\":[{\"setuser\":@\"\"}]}", "/security/0/setuser", "or 0"},
        {GOOD "\"security\":[{\"setuser\":\"x\",\"keepNetAdmin\":@2}]}", "/security/0/keepNetAdmin",
         "0 to 1"},
        {GOOD "\"security\":[{\"chroot\":@\"run\"}]}", "/security/0/chroot", "absolute path"},
        {GOOD "\"security\":[{\"noforks\":@5}]}", "/security/0/noforks", "0 to 1"},
        {GOOD "\"security\":[{\"nofiles\":@[]}]}", "/security/0/nofiles", "an integer"},
    };

    (void)state;
    CHECK(rows);
}

static void udp(void **state)
{
    static const struct row rows[] = {
        {GOOD "\"interfaces\":{\"UDPInterface\":@5}}", "/interfaces/UDPInterface",
         "must be a list"},
        {UDP("@5"), "/interfaces/UDPInterface/0", "must be an object"},
        {UDP("{\"bind\":@5}"), "/interfaces/UDPInterface/0/bind", "text in quotes"},
        {UDP("{\"bind\":@\"host:5\"}"), "/interfaces/UDPInterface/0/bind", "not a host name"},
        {UDP("{\"bind\":@\"1.2.3.4.5:5\"}"), "/interfaces/UDPInterface/0/bind", "IPv4"},
        {UDP("{\"bind\":@\"0.0.0.0:65536\"}"), "/interfaces/UDPInterface/0/bind", "up to 65535"},
        {UDP("{\"bind\":@\"[::g]:5\"}"), "/interfaces/UDPInterface/0/bind", "IPv6"},
        {UDP("{\"dscp\":@64}"), "/interfaces/UDPInterface/0/dscp", "from 0 to 63"},
        {UDP("{\"dscp\":@[]}"), "/interfaces/UDPInterface/0/dscp", "an integer"},
        {UDP("{\"beacon\":@3}"), "/interfaces/UDPInterface/0/beacon", "from 0 to 2"},
        {UDP("{\"beacon\":@-1}"), "/interfaces/UDPInterface/0/beacon", "from 0 to 2"},
        {UDP("{\"beaconPort\":@65536}"), "/interfaces/UDPInterface/0/beaconPort", "to 65535"},
        {UDP("{\"beaconDevices\":@\"all\"}"), "/interfaces/UDPInterface/0/beaconDevices", "a list"},
        {UDP("{\"beaconDevices\":[\"all\",@5]}"), "/interfaces/UDPInterface/0/beaconDevices/1",
         "text in quotes"},
        {UDP("{\"beaconDevices\":[@\"a/b\"]}"), "/interfaces/UDPInterface/0/beaconDevices/0",
         "network device"},
        {UDP("{\"bind\":\"[::]:1\",\"beacon\":@1,\"beaconPort\":5,\"beaconDevices\":[]}"),
         "/interfaces/UDPInterface/0/beacon", "need an IPv4"},
        {UDP("{\"connectTo\":@[]}"), "/interfaces/UDPInterface/0/connectTo", "must be an object"},
    };

    (void)state;
    CHECK(rows);
}

static void peers(void **state)
{
    static const struct row rows[] = {
        {PEER("1.2.3.4:5", "@5"), "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5", "an object"},
        {PEER("1.2.3.4", "@" CREDENTIALS), "/interfaces/UDPInterface/0/connectTo/1.2.3.4",
         "port from 1 to 65535 is missing"},
        {PEER("1.2.3.4:0", "@" CREDENTIALS), "/interfaces/UDPInterface/0/connectTo/1.2.3.4:0",
         "port from 1 to 65535 is missing"},
        {PEER("1.2.3.4:70000", "@" CREDENTIALS),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:70000", "up to 65535"},
        {PEER("1.2.3:5", "@" CREDENTIALS), "/interfaces/UDPInterface/0/connectTo/1.2.3:5", "IPv4"},
        {PEER("a/b:5", "@" CREDENTIALS), "/interfaces/UDPInterface/0/connectTo/a~1b:5",
         "neither an address nor a host name"},
        {PEER("[::1]:5", "@" CREDENTIALS), "/interfaces/UDPInterface/0/connectTo/[::1]:5",
         "cannot be reached from an IPv4"},
        {UDP("{\"bind\":\"[::]:1\",\"connectTo\":{\"1.2.3.4:5\":@" CREDENTIALS "}}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5", "cannot be reached from an IPv6"},
        {PEER("1.2.3.4:5", "@{\"password\":\"x\"}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5", "\"publicKey\" is missing"},
        {PEER("1.2.3.4:5", "@{\"publicKey\":\"" KEY_A "\"}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5", "\"password\" is missing"},
        {PEER("1.2.3.4:5", "{\"publicKey\":\"" KEY_A "\",\"password\":@\"\"}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5/password", "must not be empty"},
        {PEER("1.2.3.4:5", "{\"publicKey\":\"" KEY_A "\",\"password\":@5}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5/password", "text in quotes"},
        {PEER("1.2.3.4:5", "{\"publicKey\":@\"abc\",\"password\":\"x\"}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5/publicKey", "52 characters"},
        {PEER("1.2.3.4:5", "{\"publicKey\":@5,\"password\":\"x\"}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5/publicKey", "text in quotes"},
        {PEER("1.2.3.4:5", "{\"publicKey\":@\"" OWN_KEY "\",\"password\":\"x\"}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5/publicKey", "this node itself"},
        {PEER("1.2.3.4:5", "{\"publicKey\":\"" KEY_A "\",\"password\":\"x\",\"login\":@5}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5/login", "text in quotes"},
        {PEER("1.2.3.4:5", "{\"publicKey\":\"" KEY_A "\",\"password\":\"x\",\"peerName\":@5}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5/peerName", "text in quotes"},
        /* Two spellings of one address. */
        {UDP("{\"connectTo\":{\"1.2.3.4:05\":" CREDENTIALS ",\"1.2.3.4:5\":@" CREDENTIALS "}}"),
         "/interfaces/UDPInterface/0/connectTo/1.2.3.4:5", "earlier peer"},
    };

    (void)state;
    CHECK(rows);
}

static void ethernet(void **state)
{
    static const struct row rows[] = {
        {GOOD "\"interfaces\":{\"ETHInterface\":[@{}]}}", "/interfaces/ETHInterface/0",
         "\"bind\" is missing"},
        {GOOD "\"interfaces\":{\"ETHInterface\":{\"bind\":@\"\"}}}",
         "/interfaces/ETHInterface/bind", "1 to 15"},
        {GOOD "\"interfaces\":{\"ETHInterface\":{\"bind\":\"eth0\",\"beacon\":@3}}}",
         "/interfaces/ETHInterface/beacon", "from 0 to 2"},
        {GOOD "\"interfaces\":{\"ETHInterface\":{\"bind\":\"eth0\",\"connectTo\":{\"1.2.3.4:5\":"
              "@" CREDENTIALS "}}}}",
         "/interfaces/ETHInterface/connectTo/1.2.3.4:5", "Ethernet address"},
    };

    (void)state;
    CHECK(rows);
}

static void tunnels(void **state)
{
    static const struct row rows[] = {
        {GOOD "\"router\":{\"ipTunnel\":@[]}}", "/router/ipTunnel", "must be an object"},
        {GOOD "\"router\":{\"ipTunnel\":{\"allowedConnections\":@{}}}}",
         "/router/ipTunnel/allowedConnections", "must be a list"},
        {GOOD "\"router\":{\"ipTunnel\":{\"outgoingConnections\":[@5]}}}",
         "/router/ipTunnel/outgoingConnections/0", "public key"},
        {TUNNEL("@5"), "/router/ipTunnel/allowedConnections/0", "an object"},
        {TUNNEL("@{\"ip4Address\":\"10.0.0.1\"}"), "/router/ipTunnel/allowedConnections/0",
         "\"publicKey\" is missing"},
        {TUNNEL("{\"publicKey\":@\"x\",\"ip4Address\":\"10.0.0.1\"}"),
         "/router/ipTunnel/allowedConnections/0/publicKey", "52 characters"},
        {TUNNEL("@{\"publicKey\":\"" KEY_A "\"}"), "/router/ipTunnel/allowedConnections/0",
         "neither \"ip4Address\" nor"},
        {TUNNEL("{\"publicKey\":\"" KEY_A "\",\"ip4Address\":@\"::1\"}"),
         "/router/ipTunnel/allowedConnections/0/ip4Address", "IPv4"},
        {TUNNEL("{\"publicKey\":\"" KEY_A "\",\"ip6Address\":@\"10.0.0.1\"}"),
         "/router/ipTunnel/allowedConnections/0/ip6Address", "IPv6"},
        {TUNNEL("{\"publicKey\":\"" KEY_A "\",\"ip4Address\":\"10.0.0.1\",\"ip4Prefix\":@33}"),
         "/router/ipTunnel/allowedConnections/0/ip4Prefix", "0 to 32"},
        {TUNNEL("{\"publicKey\":\"" KEY_A "\",\"ip4Address\":\"10.0.0.1\",\"ip4Alloc\":@0}"),
         "/router/ipTunnel/allowedConnections/0/ip4Alloc", "1 to 32"},
        {TUNNEL("{\"publicKey\":\"" KEY_A "\",\"ip6Address\":\"::1\",\"ip6Prefix\":@129}"),
         "/router/ipTunnel/allowedConnections/0/ip6Prefix", "0 to 128"},
        {TUNNEL("{\"publicKey\":\"" KEY_A "\",\"ip6Address\":\"::1\",\"ip6Alloc\":@0}"),
         "/router/ipTunnel/allowedConnections/0/ip6Alloc", "1 to 128"},
        {TUNNEL("{\"publicKey\":\"" KEY_A "\",\"ip6Address\":\"::1\",\"ip4Prefix\":@1}"),
         "/router/ipTunnel/allowedConnections/0/ip4Prefix", "without \"ip4Address\""},
    };

    (void)state;
    CHECK(rows);
}

static void dialects(void **state)
{
    static const struct row rows[] = {
        {HEAD ADMIN "@,}", "/admin", "comma behind the last"},
        {HEAD ADMIN ",\"noBackground\":@yes}", "/noBackground", "expected a value"},
        {HEAD ADMIN ",\"pipe\":\"a@\\q\"}", "/pipe", "escape"},
        /* Without a version: the scan that comes further knows better. */
        {"{\"privateKey\":\"" OWN_SECRET "\",,\"admin\":@true}", "/admin", "expected a value"},
        {"{\"privateKey\":\"" OWN_SECRET "\",\"pipe\":@\"", "/pipe", "not closed"},
        {"{\"pipe\":\"x@\\n\",\"privateKey\":\"" OWN_SECRET "\"}", "/pipe",
         "\\x with two hex digits"},
    };

    (void)state;
    CHECK(rows);
}

static void all_errors_at_once(void **state)
{
    struct reading r = read_text(
        "{ \"version\": 2,\n"
        "  \"privateKey\": \"c7\",\n"
        "  \"authorizedPasswords\": [ { }, { \"password\": 5 }, \"x\" ],\n"
        "  \"admin\": { \"bind\": \"x\" },\n"
        "  \"interfaces\": { \"UDPInterface\": [ { \"bind\": \"0.0.0.0:70000\",\n"
        "      \"beacon\": 7, \"connectTo\": { \"1.2.3.4\": { \"publicKey\": \"x\" } } }, 5 ] },\n"
        "  \"router\": { \"supernodes\": [ 1 ], \"interface\": { \"type\": \"SocketInterface\" } "
        "},\n"
        "  \"security\": [ { \"setuser\": [] } ],\n"
        "  \"colour\": \"red\" }");

    (void)state;
    assert_int_equal(r.err, CJD_ERR_CONFIG);
    assert_int_equal(r.diags.errors, 14);
    assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), 2);
    for (size_t i = 1; i < r.diags.count; i++) {
        assert_true(r.diags.v[i].line >= r.diags.v[i - 1].line);
    }
    assert_diag(&r, CJD_DIAG_ERROR, 2, 17, "/privateKey", "hexadecimal");
    assert_diag(&r, CJD_DIAG_ERROR, 6, 17, "/interfaces/UDPInterface/0/beacon", "from 0 to 2");
    assert_diag(&r, CJD_DIAG_ERROR, 6, 46, "/interfaces/UDPInterface/0/connectTo/1.2.3.4", "port");
    assert_diag(&r, CJD_DIAG_WARNING, 9, 3, "/colour", "not known");
    reading_fini(&r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_level),          cmocka_unit_test(udp),     cmocka_unit_test(peers),
        cmocka_unit_test(ethernet),           cmocka_unit_test(tunnels), cmocka_unit_test(dialects),
        cmocka_unit_test(all_errors_at_once),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
