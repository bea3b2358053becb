/* Adding a peering to a file: which link, which style, what is in the way. */
#include "helper.h"

#include <cjd/text.h>
#include <config/peering.h>

struct changed {
    struct cjd_peering_change change;
    struct cjd_diags diags;
    int err;
};

static void changed_fini(struct changed *c)
{
    cjd_peering_change_fini(&c->change);
    cjd_diags_fini(&c->diags);
}

static struct cjd_peer_uri peer_at(const char *address, const char *other)
{
    struct cjd_peer_uri peer = {
        .login = "me", .password = "pw", .name = "beta", .address_count = other ? 2 : 1};

    assert_int_equal(cjd_key_from_text(&peer.key, KEY_A), 0);
    snprintf(peer.address[0], sizeof peer.address[0], "%s", address);
    snprintf(peer.address[1], sizeof peer.address[1], "%s", other ? other : "");
    return peer;
}

static struct changed add(const char *text, const struct cjd_peer_uri *peer, bool replaces)
{
    struct changed c = {.diags = {.file = "test.conf"}};

    c.err = cjd_peering_add(&c.change, text, strlen(text), peer, replaces, &c.diags);
    assert_true((c.err == 0) == (c.change.text != NULL));
    assert_true(c.err == 0 || c.diags.errors > 0);
    return c;
}

static struct changed authorize(const char *text, const char *login, bool replaces)
{
    struct changed c = {.diags = {.file = "test.conf"}};

    c.err = cjd_peering_authorize(&c.change, text, strlen(text), login, "pw", replaces, &c.diags);
    assert_true((c.err == 0) == (c.change.text != NULL));
    return c;
}

static void assert_changed(struct changed *c, const char *want)
{
    if (c->err != 0) {
        cjd_diags_print(&c->diags, stdout);
        fail_msg("not changed: %s", cjd_err_text(c->err));
    }
    if (c->change.len != strlen(want) || memcmp(c->change.text, want, c->change.len) != 0) {
        fail_msg("%.*s\ninstead of\n%s", (int)c->change.len, c->change.text, want);
    }
}

/* The line the change tells holds `part`. */
static void assert_line(const struct changed *c, const char *part)
{
    const char *at = c->change.text;
    const char *end = at + c->change.len;

    for (unsigned i = 1; i < c->change.line; i++) {
        at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
    }
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    size_t n = (size_t)((line_end ? line_end : end) - at);
    if (!memmem(at, n, part, strlen(part))) {
        fail_msg("line %u: %.*s", c->change.line, (int)n, at);
    }
}

static void assert_refused(struct changed *c, int err, unsigned line, const char *pointer,
                           const char *part)
{
    struct reading r = {.diags = c->diags};

    assert_int_equal(c->err, err);
    const struct cjd_diag *d = find_diag(&r, CJD_DIAG_ERROR, pointer, part);
    assert_int_equal(d->line, line);
    changed_fini(c);
}

/* --- native files */

#define HEAD                                                                                       \
    "// mine\n"                                                                                    \
    "{\n"                                                                                          \
    "  \"node\": { \"privateKey\": \"" OWN_SECRET "\" },\n"
#define UDP4(peers)                                                                                \
    "  \"plugins\": [\n"                                                                           \
    "    { \"plugin\": \"udp\", \"config\": { \"bind\": \"0.0.0.0:5199\"" peers " } },\n"
#define UDP6(peers)                                                                                \
    "    { \"plugin\": \"udp\", \"config\": {\n"                                                   \
    "        \"bind\": \"[::]:5199\", // six\n"                                                    \
    "        \"peers\": [" peers "]\n"                                                             \
    "    } }\n"                                                                                    \
    "  ],\n"                                                                                       \
    "}\n"
#define ENTRY(address)                                                                             \
    "{ \"address\": \"" address "\", \"publicKey\": \"" KEY_A                                      \
    "\", \"login\": \"me\", \"password\": \"pw\", \"name\": \"beta\" }"
#define LINES(address, indent)                                                                     \
    "{\n" indent "  \"address\": \"" address "\",\n" indent "  \"publicKey\": \"" KEY_A            \
    "\",\n" indent "  \"login\": \"me\",\n" indent "  \"password\": \"pw\",\n" indent              \
    "  \"name\": \"beta\"\n" indent "}"

static void first_peer(void **state)
{
    struct cjd_peer_uri peer = peer_at("203.0.113.7:5199", NULL);
    struct changed c = add(HEAD UDP4(", \"peers\": []") UDP6(""), &peer, false);

    (void)state;
    assert_changed(&c, HEAD UDP4(", \"peers\": [\n      " LINES("203.0.113.7:5199",
                                                                "      ") "\n    ]") UDP6(""));
    assert_line(&c, "{");
    assert_int_equal(c.change.line, 6);
    assert_string_equal(c.change.bind, "0.0.0.0:5199");
    assert_int_equal(c.change.used_addresses, 1);
    changed_fini(&c);
}

static void list_is_missing(void **state)
{
    struct cjd_peer_uri peer = peer_at("h:1", NULL);
    struct changed c = add(HEAD UDP4("") UDP6(""), &peer, false);

    (void)state;
    assert_changed(&c, HEAD UDP4(", \"peers\": [" ENTRY("h:1") "]") UDP6(""));
    changed_fini(&c);
    c = add("{\"plugins\":[{\"plugin\":\"udp\"}]}", &peer, false);
    assert_changed(
        &c, "{\"plugins\":[{\"plugin\":\"udp\", \"config\": { \"peers\": [" ENTRY("h:1") "] }}]}");
    changed_fini(&c);
}

/* By the order of the addresses and by family. */
static void choice_of_link(void **state)
{
    static const char text[] = HEAD UDP4(", \"peers\": []") UDP6("");
    static const struct {
        const char *first, *second, *bind;
        unsigned used;
    } rows[] = {
        {"1.2.3.4:1", "[2001:db8::7]:1", "0.0.0.0:5199", 1},
        {"[2001:db8::7]:1", "1.2.3.4:1", "[::]:5199", 1},
        {"[2001:db8::7]:1", NULL, "[::]:5199", 1},
        {"h:1", "[2001:db8::7]:1", "0.0.0.0:5199", 1},
        {"[2001:db8::7]:1", "h:1", "[::]:5199", 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cjd_peer_uri peer = peer_at(rows[i].first, rows[i].second);
        struct changed c = add(text, &peer, false);
        assert_int_equal(c.err, 0);
        assert_string_equal(c.change.bind, rows[i].bind);
        assert_int_equal(c.change.used_addresses, rows[i].used);
        changed_fini(&c);
    }
}

#define BOTH                                                                                       \
    "{ \"node\": { \"privateKey\": \"" OWN_SECRET "\" }, \"plugins\": [ { \"plugin\": \"udp\", "   \
    "\"config\": { \"bind\": [ \"0.0.0.0:5199\", \"[::]:5199\" ], \"peers\": ["

/* A link of both families takes all addresses; the reference's form has one in an entry. */
static void several_addresses(void **state)
{
    struct cjd_peer_uri peer = peer_at("1.2.3.4:1", "[2001:db8::7]:1");
    struct changed c = add(BOTH "] } } ] }", &peer, false);

    (void)state;
    assert_changed(&c, BOTH
                   "{ \"address\": [\"1.2.3.4:1\", \"[2001:db8::7]:1\"], \"publicKey\": \"" KEY_A
                   "\", \"login\": \"me\", \"password\": \"pw\", \"name\": \"beta\" }"
                   "] } } ] }");
    assert_string_equal(c.change.bind, "0.0.0.0:5199, [::]:5199");
    assert_int_equal(c.change.used_addresses, 3);
    changed_fini(&c);
    /* One of several addresses is in the way, too. */
    c = add(BOTH "{ \"address\": [\"h:1\", \"[2001:db8:0::7]:1\"], \"publicKey\": \"" KEY_B
                 "\", \"password\": \"old\" }] } } ] }",
            &peer, false);
    assert_refused(&c, CJD_ERR_EXISTS, 1, "/plugins/0/config/peers/0", "there already");
    peer = peer_at("1.2.3.4:1", "h:2");
    c = add("{\"privateKey\":\"" OWN_SECRET
            "\",\"version\":2,\"interfaces\":{\"UDPInterface\":[{}]}}",
            &peer, false);
    assert_int_equal(c.err, 0);
    assert_int_equal(c.change.used_addresses, 1);
    changed_fini(&c);
}

static void no_link(void **state)
{
    struct cjd_peer_uri peer = peer_at("[2001:db8::7]:1", NULL);
    struct changed c = add("{"
                           "\"plugins\":[]}",
                           &peer, false);

    (void)state;
    assert_refused(&c, CJD_ERR_NOT_FOUND, 1, "", "no UDP link in this file");
    c = add("{\"plugins\":[{\"plugin\":\"udp\",\"config\":{}}]}", &peer, false);
    assert_refused(&c, CJD_ERR_NOT_FOUND, 1, "", "no UDP link of this file reaches");
    c = add("{\"plugins\":[{\"plugin\":\"udp\",\"enabled\":false,\"config\":{\"bind\":\"[::]:1\"}}"
            "]}",
            &peer, false);
    assert_refused(&c, CJD_ERR_NOT_FOUND, 1, "", "no UDP link of this file reaches");
    c = add("{\"plugins\":[{\"plugin\":\"udp\",\"config\":{\"bind\":\"[::]:1\",\"peers\":{}}}]}",
            &peer, false);
    assert_refused(&c, CJD_ERR_CONFIG, 1, "/plugins/0/config/peers", "must be a list");
}

#define OTHER(address, key)                                                                        \
    "{ \"address\": \"" address "\", \"publicKey\": \"" key "\", \"password\": \"old\" }"

static void there_already(void **state)
{
    static const char by_key[] =
        HEAD UDP4("") UDP6("\n          " OTHER("[2001:db8::9]:1", KEY_A) "\n        ");
    static const char by_address[] = HEAD UDP4(", \"peers\": [" OTHER("h:01", KEY_B) "]") UDP6("");
    struct cjd_peer_uri peer = peer_at("[2001:db8::7]:1", NULL);
    struct changed c = add(by_key, &peer, false);

    (void)state;
    assert_refused(&c, CJD_ERR_EXISTS, 9, "/plugins/1/config/peers/0", "there already");
    c = add(by_key, &peer, true);
    assert_changed(&c, HEAD UDP4("") UDP6("\n          " ENTRY("[2001:db8::7]:1") "\n        "));
    assert_true(c.change.is_replaced);
    assert_int_equal(c.change.line, 9);
    changed_fini(&c);
    peer = peer_at("1.2.3.4:1", NULL);
    c = add(by_key, &peer, true);
    assert_refused(&c, CJD_ERR_NOT_FOUND, 9, "/plugins/1/config/peers/0",
                   "no address that the link of this entry ([::]:5199) reaches");
    peer = peer_at("h:01", NULL);
    c = add(by_address, &peer, false);
    assert_refused(&c, CJD_ERR_EXISTS, 5, "/plugins/0/config/peers/0", "there already");
    c = add(HEAD UDP4(", \"peers\": [" OTHER("h:1", KEY_A) ", " OTHER("h:2", KEY_A) "]") UDP6(""),
            &peer, true);
    assert_refused(&c, CJD_ERR_EXISTS, 5, "/plugins/0/config/peers/1", "more than one entry");
}

/* What --check would find wrong with it. */
static void wrong_entry(void **state)
{
    static const char text[] = HEAD UDP4("") UDP6("");
    struct cjd_peer_uri peer = peer_at("127.0.0.1:5199", NULL);
    struct changed c = add(text, &peer, false);

    (void)state;
    assert_refused(&c, CJD_ERR_CONFIG, 0, "",
                   "the new entry, address: this is where this node itself listens");
    peer = peer_at("h:1", NULL);
    assert_int_equal(cjd_key_from_text(&peer.key, OWN_KEY), 0);
    c = add(text, &peer, false);
    assert_refused(&c, CJD_ERR_CONFIG, 0, "", "the key of this node itself");
    assert_int_equal(cjd_key_from_text(&peer.key, KEY_BAD), 0);
    c = add(text, &peer, false);
    assert_refused(&c, CJD_ERR_CONFIG, 0, "", "no address in fc00::/8");
}

static void unsound_text(void **state)
{
    struct cjd_peer_uri peer = peer_at("h:1", NULL);
    struct changed c = add(HEAD UDP4("") "  ]", &peer, false);

    (void)state;
    assert_refused(&c, CJD_ERR_CONFIG, 6, "/plugins", "the file ends where");
    c = add("{\n\"plugins\":[] \"node\":{}}", &peer, false);
    assert_refused(&c, CJD_ERR_CONFIG, 2, "/plugins", "a comma is missing");
    c = add("", &peer, false);
    assert_refused(&c, CJD_ERR_CONFIG, 1, "", "the file ends where");
    /* Other mistakes are no obstacle. */
    c = add("{ \"colour\": 1, \"plugins\": [ { \"plugin\": \"udp\" } ] }", &peer, false);
    assert_int_equal(c.err, 0);
    changed_fini(&c);
}

/* --- the reference's files */

#define REFERENCE(passwords, four)                                                                 \
    "{\n"                                                                                          \
    "    // Private key:\n"                                                                        \
    "    \"privateKey\": \"" OWN_SECRET "\",\n"                                                    \
    "    \"authorizedPasswords\":\n"                                                               \
    "    [\n"                                                                                      \
    "        // A unique string.\n"                                                                \
    "        {\"password\": \"one\", \"user\": \"default-login\"}" passwords "\n"                  \
    "\n"                                                                                           \
    "        // {\"password\": \"two\", \"user\": \"my-second-peer\"}\n"                           \
    "    ],\n"                                                                                     \
    "    \"admin\": {\"bind\": \"127.0.0.1:11234\", \"password\": \"NONE\"},\n"                    \
    "    \"interfaces\":\n"                                                                        \
    "    {\n"                                                                                      \
    "        \"UDPInterface\":\n"                                                                  \
    "        [\n"                                                                                  \
    "            {\n"                                                                              \
    "                \"bind\": \"0.0.0.0:5199\",\n"                                                \
    "                \"connectTo\":\n"                                                             \
    "                {\n"                                                                          \
    "                    // Add connection credentials here to join the network\n" four            \
    "                }\n"                                                                          \
    "            },\n"                                                                             \
    "            {\n"                                                                              \
    "                \"bind\": \"[::]:5199\",\n"                                                   \
    "                \"connectTo\":\n"                                                             \
    "                {\n"                                                                          \
    "                }\n"                                                                          \
    "            }\n"                                                                              \
    "        ]\n"                                                                                  \
    "    },\n"                                                                                     \
    "    \"version\": 2\n"                                                                         \
    "}\n"
#define REF_ENTRY(address, password)                                                               \
    "                    \"" address "\": {\n"                                                     \
    "                        \"login\": \"me\",\n"                                                 \
    "                        \"password\": \"" password "\",\n"                                    \
    "                        \"publicKey\": \"" KEY_A "\",\n"                                      \
    "                        \"peerName\": \"beta\"\n"                                             \
    "                    }"

static void reference_peer(void **state)
{
    struct cjd_peer_uri peer = peer_at("203.0.113.7:5199", NULL);
    struct changed c = add(REFERENCE("", ""), &peer, false);

    (void)state;
    assert_changed(&c, REFERENCE("", REF_ENTRY("203.0.113.7:5199", "pw") "\n"));
    assert_line(&c, "\"203.0.113.7:5199\"");
    assert_int_equal(c.change.line, 21);
    changed_fini(&c);
    /* Another password for it, by the same address and by another. */
    static const char before[] =
        REFERENCE("", REF_ENTRY("203.0.113.7:5199", "pw") ", // beta's\n"
                                                          "                    \"_x\": 1\n");
    strcpy(peer.password, "a\"\\\xc3\xa4");
    c = add(before, &peer, false);
    assert_refused(&c, CJD_ERR_EXISTS, 21, "/interfaces/UDPInterface/0/connectTo/203.0.113.7:5199",
                   "there already");
    c = add(before, &peer, true);
    assert_changed(
        &c, REFERENCE("", REF_ENTRY("203.0.113.7:5199",
                                    "a\\x22\\x5c\xc3\xa4") ", // beta's\n"
                                                           "                    \"_x\": 1\n"));
    changed_fini(&c);
    strcpy(peer.address[0], "203.0.113.8:5199");
    strcpy(peer.password, "pw");
    c = add(before, &peer, true);
    assert_changed(
        &c, REFERENCE("", REF_ENTRY("203.0.113.8:5199", "pw") ", // beta's\n"
                                                              "                    \"_x\": 1\n"));
    assert_int_equal(c.change.line, 21);
    changed_fini(&c);
}

/* One interface in place of the list, no connectTo, and no version: the old dialect. */
static void reference_of_old(void **state)
{
    struct cjd_peer_uri peer = peer_at("1.2.3.4:5", NULL);
    struct changed c =
        add("{ \"privateKey\": \"" OWN_SECRET "\" # mine\n"
            "  \"interfaces\": { \"UDPInterface\": {\n    \"bind\": \"0.0.0.0:1\"\n  } } }",
            &peer, false);

    (void)state;
    assert_int_equal(c.err, 0);
    assert_line(&c, "\"1.2.3.4:5\": {");
    changed_fini(&c);
}

/* --- passwords */

#define PASSWORD "{ \"login\": \"bob\", \"password\": \"pw\" }"

static void passwords(void **state)
{
    struct changed c = authorize("{\n  \"plugins\": []\n}\n", "bob", false);

    (void)state;
    assert_changed(&c,
                   "{\n  \"plugins\": [],\n  \"peering\": { \"passwords\": [" PASSWORD "] }\n}\n");
    assert_int_equal(c.change.line, 3);
    changed_fini(&c);
    c = authorize("{\n  \"plugins\": [],\n  \"peering\": { }\n}\n", "bob", false);
    assert_changed(&c, "{\n  \"plugins\": [],\n  \"peering\": {\n    \"passwords\": [" PASSWORD
                       "]\n  }\n}\n");
    changed_fini(&c);
    c = authorize("{\n  \"plugins\": [],\n  \"peering\": { \"passwords\": [] }\n}\n", "bob", false);
    assert_changed(&c, "{\n  \"plugins\": [],\n  \"peering\": { \"passwords\": [\n    " PASSWORD
                       "\n  ] }\n}\n");
    changed_fini(&c);
    c = authorize("{ \"plugins\": [], \"peering\": 5 }", "bob", false);
    assert_refused(&c, CJD_ERR_CONFIG, 1, "/peering", "must be an object");
    c = authorize("{ \"plugins\": [], \"peering\": { \"passwords\": 5 } }", "bob", false);
    assert_refused(&c, CJD_ERR_CONFIG, 1, "/peering/passwords", "must be a list");
}

static void password_again(void **state)
{
    static const char text[] =
        "{ \"plugins\": [],\n  \"peering\": { \"passwords\": [\n    { \"login\": \"a\", "
        "\"password\": \"1\" },\n    { \"address\": \"" ADDR_A
        "\", \"login\": \"bob\", \"passwordFile\": \"/x\" }\n  ] } }";
    struct changed c = authorize(text, "bob", false);

    (void)state;
    assert_refused(&c, CJD_ERR_EXISTS, 4, "/peering/passwords/1", "a password for \"bob\" already");
    c = authorize(text, "bob", true);
    assert_changed(&c, "{ \"plugins\": [],\n  \"peering\": { \"passwords\": [\n    { \"login\": "
                       "\"a\", \"password\": \"1\" },\n    { \"address\": \"" ADDR_A
                       "\", \"login\": \"bob\", \"password\": \"pw\" }\n  ] } }");
    assert_true(c.change.is_replaced);
    changed_fini(&c);
}

static void reference_password(void **state)
{
    struct changed c = authorize(REFERENCE("", ""), "bob", false);

    (void)state;
    assert_changed(&c, REFERENCE(",\n        {\"password\": \"pw\", \"user\": \"bob\"}", ""));
    changed_fini(&c);
    c = authorize(REFERENCE("", ""), "default-login", false);
    assert_refused(&c, CJD_ERR_EXISTS, 7, "/authorizedPasswords/0", "already");
}

/* --- what is generated */

static int generate_native(FILE *out, void *arg)
{
    return cjd_config_generate_native(out, arg);
}

static int generate(FILE *out, void *arg)
{
    return cjd_config_generate(out, arg, false);
}

/* Invited to and connected, what was generated is a sound file that differs in new lines alone. */
static void check_generated(print_fn print)
{
    struct test_rng seed;
    struct cjd_rng rng = test_rng_init(&seed, 7);
    struct cjd_peer_uri peer = peer_at("[2001:db8::7]:5199", NULL);
    int err;
    char *text = printed(print, &rng, &err);

    assert_int_equal(err, 0);
    struct changed c = authorize(text, "bob", false);
    assert_int_equal(c.err, 0);
    c.change.text[c.change.len - 1] = '\0'; /* its newline */
    struct changed d = add(c.change.text, &peer, false);
    assert_int_equal(d.err, 0);
    struct reading r = read_bytes(d.change.text, d.change.len);
    assert_read(&r);
    assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), 0);
    assert_int_equal(cjd_config_password_count(r.config), 2);
    assert_text_at(&r, "/plugins/1/config/peers/0/address", "[2001:db8::7]:5199");
    reading_fini(&r);
    changed_fini(&c);
    changed_fini(&d);
    free(text);
}

static void generated(void **state)
{
    (void)state;
    check_generated(generate_native);
    check_generated(generate);
}

/* --- this node */

static void of_this_node(void **state)
{
    struct cjd_diags diags = {.file = "test.conf"};
    struct cjd_peering_self self;
    char key[CJD_KEY_TEXT_SIZE];
    static const char text[] = HEAD UDP4("") UDP6("");
    static const char by_file[] =
        "{ \"node\": { \"privateKeyFile\": \"/nowhere/x\", \"publicKey\": \"" OWN_KEY
        "\", \"name\": \"gate\" }, \"plugins\": [] }";
    static const char unknown[] = "{ \"node\": { \"privateKeyFile\": \"/x\" }, \"plugins\": [] }";

    (void)state;
    assert_int_equal(cjd_peering_self(&self, text, strlen(text), &diags), 0);
    cjd_key_to_text(key, &self.key);
    assert_string_equal(key, OWN_KEY);
    assert_string_equal(self.name, "");
    assert_int_equal(self.bind_count, 2);
    assert_int_equal(self.bind[1].family, 6);
    assert_int_equal(self.bind[1].port, 5199);
    assert_int_equal(cjd_peering_self(&self, by_file, strlen(by_file), &diags), 0);
    cjd_key_to_text(key, &self.key);
    assert_string_equal(key, OWN_KEY);
    assert_string_equal(self.name, "gate");
    assert_int_equal(cjd_peering_self(&self, unknown, strlen(unknown), &diags), CJD_ERR_CONFIG);
    assert_non_null(strstr(diags.v[0].text, "public key is not known"));
    cjd_diags_fini(&diags);
    static const char both[] = BOTH "] } } ] }";
    assert_int_equal(cjd_peering_self(&self, both, strlen(both), &diags), 0);
    assert_int_equal(self.bind_count, 2);
    assert_int_equal(self.bind[1].family, 6);
}

static void drawn_password(void **state)
{
    struct test_rng seed;
    struct cjd_rng rng = test_rng_init(&seed, 7);
    char a[CJD_PEERING_PASSWORD_SIZE];
    char b[CJD_PEERING_PASSWORD_SIZE];

    (void)state;
    cjd_peering_draw_password(a, &rng);
    cjd_peering_draw_password(b, &rng);
    assert_int_equal(strlen(a), CJD_PEERING_PASSWORD_SIZE - 1);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_peer),         cmocka_unit_test(list_is_missing),
        cmocka_unit_test(choice_of_link),     cmocka_unit_test(no_link),
        cmocka_unit_test(several_addresses),  cmocka_unit_test(there_already),
        cmocka_unit_test(wrong_entry),        cmocka_unit_test(unsound_text),
        cmocka_unit_test(reference_peer),     cmocka_unit_test(reference_of_old),
        cmocka_unit_test(passwords),          cmocka_unit_test(password_again),
        cmocka_unit_test(reference_password), cmocka_unit_test(generated),
        cmocka_unit_test(of_this_node),       cmocka_unit_test(drawn_password),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
