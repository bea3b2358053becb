/* What is seen to be wrong with a peering before the node starts. */
#include "helper.h"

#define NODE  "\"node\":{\"privateKey\":\"" OWN_SECRET "\"}"
#define KEY   "\"publicKey\":\"" KEY_A "\""
#define WORDS "\"password\":\"pw\",\"login\":\"me\""

struct row {
    const char *bind;
    const char *peers; /* `@` marks the place */
    enum cjd_severity severity;
    const char *part; /* NULL: nothing is wrong */
};

static void check_text(const char *text, const struct row *row, const char *pointer)
{
    const char *mark = strchr(text, '@');
    char clean[2048];

    size_t before = mark ? (size_t)(mark - text) : strlen(text);
    snprintf(clean, sizeof clean, "%.*s%s", (int)before, text, mark ? mark + 1 : "");
    struct reading r = read_text(clean);
    if (count_diags(&r, CJD_DIAG_ERROR) + count_diags(&r, CJD_DIAG_WARNING) !=
        (row->part ? 1 : 0)) {
        cjd_diags_print(&r.diags, stdout);
        fail_msg("%s: %zu messages", clean, r.diags.count);
    }
    if (row->part) {
        assert_diag(&r, row->severity, 1, (unsigned)before + 1, pointer, row->part);
    }
    reading_fini(&r);
}

static void check(const struct row *row, const char *pointer)
{
    char text[2048];

    snprintf(text, sizeof text,
             "{" NODE
             ",\"plugins\":[{\"plugin\":\"udp\",\"config\":{\"bind\":\"%s\",\"peers\":[%s]}}"
             "]}",
             row->bind, row->peers);
    check_text(text, row, pointer);
}

#define ADDRESS(text) "{\"address\":@\"" text "\"," KEY "," WORDS "}"
#define GOOD(text)    "{\"address\":\"" text "\"," KEY "," WORDS "}"
#define V4            "0.0.0.0:5199"
#define V6            "[::]:5199"
#define E             CJD_DIAG_ERROR
#define W             CJD_DIAG_WARNING

static const struct row addresses[] = {
    {V4, GOOD("203.0.113.7:5199"), E, NULL},
    {V4, GOOD("node.example.org:5199"), E, NULL},
    {V4, GOOD("node:1"), E, NULL},
    {V4, GOOD("192.168.1.7:5199"), E, NULL},
    {V6, GOOD("[2001:db8::7]:5199"), E, NULL},
    {V6, GOOD("[fe80::1%eth0]:5199"), E, NULL},
    {V6, GOOD("[fd00::1]:5199"), E, NULL},
    {V4, ADDRESS(" 203.0.113.7:5199"), E, "white space around"},
    {V4, ADDRESS("203.0.113.7:5199\\n"), E, "white space around"},
    {V4, ADDRESS("203.0.113.7"), E, "the port is missing"},
    {V4, ADDRESS("203.0.113.7:0"), E, "port 0 is nobody's"},
    {V4, ADDRESS("203.0.113.7:65536"), E, "up to 65535"},
    {V4, ADDRESS("203.0.113.777:5199"), E, "not a valid IPv4 address"},
    {V4, ADDRESS("no de.example:5199"), E, "neither an address nor a host name"},
    {V4, ADDRESS("node..example:5199"), E, "neither an address nor a host name"},
    {V4, ADDRESS("-"), E, "the port is missing"},
    {V4, ADDRESS("http://node.example:80"), E, "without \"://\""},
    {V4, ADDRESS("cjdns://a:b@c"), E, "--add-peer"},
    {V4, ADDRESS("[2001:db8::7]:5199"), E, "from an IPv4 \"bind\""},
    {V6, ADDRESS("203.0.113.7:5199"), E, "from an IPv6 \"bind\""},
    {V6, ADDRESS("2001:db8::7:5199"), E, "the port is missing"},
    {V6, ADDRESS("2001:db8:7:5199"), E, "is written \"[address]:port\""},
    {V4, ADDRESS("224.0.0.1:5199"), E, "that of many machines"},
    {V4, ADDRESS("255.255.255.255:5199"), E, "that of many machines"},
    {V4, ADDRESS("240.0.0.1:5199"), E, "nobody has"},
    {V4, ADDRESS("0.1.2.3:5199"), E, "nobody has"},
    {V6, ADDRESS("[ff02::1]:5199"), E, "that of many machines"},
    {V6, ADDRESS("[::ffff:1.2.3.4]:5199"), E, "\"::ffff:\""},
    {V6, ADDRESS("[" OWN_ADDR "]:5199"), E, "of this node itself within the mesh"},
    {V6, ADDRESS("[" ADDR_A "]:5199"), W, "within the mesh"},
    {V4, ADDRESS("127.0.0.1:7"), W, "this machine itself"},
    {V4, ADDRESS("0.0.0.0:7"), W, "this machine itself"},
    {V6, ADDRESS("[::]:7"), W, "this machine itself"},
    {V4, ADDRESS("127.0.0.1:5199"), E, "where this node itself listens"},
    {V6, ADDRESS("[::1]:5199"), E, "where this node itself listens"},
    {"203.0.113.7:5199", ADDRESS("203.0.113.7:5199"), E, "where this node itself listens"},
    {"203.0.113.7:5199", GOOD("203.0.113.7:5200"), E, NULL},
    {"203.0.113.7:5199", GOOD("203.0.113.8:5199"), E, NULL},
};

static void of_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        check(&addresses[i], "/plugins/0/config/peers/0/address");
    }
}

#define KEYED(text) "{\"address\":\"h:1\",\"publicKey\":@\"" text "\"," WORDS "}"

static void of_keys(void **state)
{
    static const struct row rows[] = {
        {V4, KEYED(" " KEY_A), E, "white space around"},
        {V4, KEYED("zk4wphywp63kqzyux5rnclybs5dsby453qb4jkgpm64d785df6g0"), E, "ends with \".k\""},
        {V4, KEYED(""), E, "ends with \".k\""},
        {V4, KEYED("zk4wphywp63kqzyux5rnclybs5dsby453qb4jkgpm64d785df6g.k"), E,
         "54 characters, this one 53"},
        {V4, KEYED("zk4wphywp63kqzaux5rnclybs5dsby453qb4jkgpm64d785df6g0.k"), E,
         "character 15 of this key"},
        {V4, KEYED("zk4wphywp63kqzyux5rnclybs5dsby453qb4jkgpm64d785df6gz.k"), E,
         "the last character before"},
        {V4, KEYED(KEY_BAD), E, "no address in fc00::/8"},
        {V4, KEYED(OWN_KEY), E, "this node itself"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i], "/plugins/0/config/peers/0/publicKey");
    }
}

#define BODY KEY "," WORDS "}"

static void of_pairs(void **state)
{
    static const struct row same_address = {
        V4, "{\"address\":\"Node.example:1\"," BODY ",{\"address\":@\"node.EXAMPLE:1\"," WORDS "}",
        E, "earlier peer, too, on line 1"};
    static const struct row same_key = {
        V4, GOOD("h:1") ",{\"address\":\"h:2\",\"publicKey\":@\"" KEY_A "\"," WORDS "}", W,
        "peer on line 1, too: two links"};

    (void)state;
    check(&same_address, "/plugins/0/config/peers/1/address");
    check(&same_key, "/plugins/0/config/peers/1/publicKey");
}

#define CREDENTIALS(text) "{\"address\":\"h:1\"," KEY "," text "}"

static void of_credentials(void **state)
{
    static const struct row passwords[] = {
        {V4, CREDENTIALS("\"password\":@\" pw\""), W, "white space, which is part of it"},
        {V4, CREDENTIALS("\"password\":@\"pw\\n\""), W, "white space, which is part of it"},
        {V4, CREDENTIALS("\"password\":@\"Password\""), W, "of an example"},
        {V4, CREDENTIALS("\"password\":@\"a-long-random-text\""), W, "of an example"},
    };
    static const struct row login = {V4, CREDENTIALS("\"password\":\"pw\",\"login\":@\"me \""), W,
                                     "white space, which is part of it"};
    static const struct row own = {"", "", W, "of an example"};

    (void)state;
    for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++) {
        check(&passwords[i], "/plugins/0/config/peers/0/password");
    }
    check(&login, "/plugins/0/config/peers/0/login");
    check_text("{" NODE
               ",\"peering\":{\"passwords\":[{\"password\":@\"changeme\"}]},\"plugins\":[]}",
               &own, "/peering/passwords/0/password");
}

/* In the reference's form, at their places there. */
static void of_the_reference(void **state)
{
    struct reading r =
        read_text("{ \"version\": 2, \"privateKey\": \"" OWN_SECRET "\",\n"
                  "  \"authorizedPasswords\": [ { \"password\": \"secret\", \"user\": \"a\" } ],\n"
                  "  \"admin\": { \"bind\": \"127.0.0.1:1\" },\n"
                  "  \"interfaces\": { \"UDPInterface\": [ { \"bind\": \"0.0.0.0:5199\",\n"
                  "    \"connectTo\": {\n"
                  "      \"224.0.0.1:1\": { \"publicKey\": \"" KEY_A "\", \"password\": \"p\" },\n"
                  "      \"1.2.3.4:1\": { \"publicKey\": \"" KEY_A "x\", \"password\": \"p \" }\n"
                  "    } } ] } }");

    (void)state;
    assert_int_equal(r.diags.errors, 2);
    assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), 2);
    assert_diag(&r, CJD_DIAG_WARNING, 2, 42, "/authorizedPasswords/0/password", "of an example");
    assert_diag(&r, CJD_DIAG_ERROR, 6, 22, "/interfaces/UDPInterface/0/connectTo/224.0.0.1:1",
                "many machines");
    assert_diag(&r, CJD_DIAG_WARNING, 7, 106,
                "/interfaces/UDPInterface/0/connectTo/1.2.3.4:1/password", "white space");
    reading_fini(&r);
}

#define TWO(peers)                                                                                 \
    "{" NODE ",\"plugins\":[{\"plugin\":\"udp\",\"config\":{\"bind\":[\"0.0.0.0:5199\","           \
    "\"[::]:5199\"],\"peers\":[{\"address\":[" peers "]," KEY "," WORDS "}]}}]}"
#define BESIDE "\"203.0.113.7:5199\","

/* A link of both families, and a peer with a list of addresses. */
static void lists(void **state)
{
    static const struct row good = {V4, "", E, NULL};
    static const struct row own = {V4, "", E, "where this node itself listens"};
    static const struct row many = {V4, "", E, "that of many machines"};
    static const struct row twice = {V4, "", E, "that of an earlier peer"};
    const char *second = "/plugins/0/config/peers/0/address/1";

    (void)state;
    check_text(TWO(BESIDE "\"[2001:db8::7]:5199\",\"node.example:1\""), &good, "");
    check_text(TWO(BESIDE "@\"[::1]:5199\""), &own, second);
    check_text(TWO(BESIDE "@\"127.0.0.1:5199\""), &own, second);
    check_text(TWO(BESIDE "@\"[ff02::1]:5199\""), &many, second);
    check_text(TWO(BESIDE "@\"203.0.113.7:5199\""), &twice, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),          cmocka_unit_test(of_addresses),
        cmocka_unit_test(of_keys),        cmocka_unit_test(of_pairs),
        cmocka_unit_test(of_credentials), cmocka_unit_test(of_the_reference),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
