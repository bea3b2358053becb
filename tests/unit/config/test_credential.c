/* What people hand over: URIs, and JSON in the shapes it is pasted in. */
#include "helper.h"

#include <cjd/text.h>
#include <config/peering.h>

struct handed {
    struct cjd_peer_uri *peers;
    size_t count;
    struct cjd_diags diags;
    int err;
};

static struct handed hand(const char *text)
{
    struct handed h = {.diags = {.file = "peer"}};
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    h.err = cjd_peering_read(&h.peers, &h.count, copy, len, &h.diags);
    free(copy);
    assert_true(h.err == 0 ? h.count > 0 && h.diags.errors == 0
                           : h.err == CJD_ERR_PARSE && !h.peers && h.diags.errors > 0);
    return h;
}

static void handed_fini(struct handed *h)
{
    cjd_peering_peers_free(h->peers, h->count);
    cjd_diags_fini(&h->diags);
}

#define BODY                                                                                       \
    "{ \"login\": \"alice\", \"password\": \"pw\", \"publicKey\": \"" KEY_A                        \
    "\", \"peerName\": \"beta\" }"
#define ADDRESS "\"203.0.113.7:5199\""

static const char *const shapes[] = {
    ADDRESS ": " BODY,
    ADDRESS ": " BODY ",",
    "  \n\t" ADDRESS ": " BODY ",\n",
    "{" ADDRESS ": " BODY "}",
    "{" ADDRESS ": " BODY ",}",
    "{" ADDRESS ": " BODY "},\n\n",
    "// beta's\n" ADDRESS ": " BODY " // ends here",
    "/* { */ {" ADDRESS ": /* x */ " BODY "}",
    ADDRESS ":\r\n" BODY ",\r\n\"_comment\": 5",
    "{ \"address\": " ADDRESS ", \"publicKey\": \"" KEY_A
    "\", \"login\": \"alice\", \"password\": \"pw\", \"name\": \"beta\" }",
    "\"address\": " ADDRESS ", \"publicKey\": \"" KEY_A
    "\", \"login\": \"alice\", \"password\": \"pw\", \"name\": \"beta\", \"contact\": \"me\"",
};

static void one_peer(void **state)
{
    char key[CJD_KEY_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct handed h = hand(shapes[i]);
        if (h.err != 0) {
            cjd_diags_print(&h.diags, stdout);
            fail_msg("not read: %s", shapes[i]);
        }
        assert_int_equal(h.count, 1);
        assert_int_equal(h.peers[0].address_count, 1);
        assert_string_equal(h.peers[0].address[0], "203.0.113.7:5199");
        assert_string_equal(h.peers[0].login, "alice");
        assert_string_equal(h.peers[0].password, "pw");
        assert_string_equal(h.peers[0].name, "beta");
        cjd_key_to_text(key, &h.peers[0].key);
        assert_string_equal(key, KEY_A);
        handed_fini(&h);
    }
}

static void a_uri(void **state)
{
    struct cjd_peer_uri peer = {.password = "pw", .address = {"h:1"}, .address_count = 1};
    char text[CJD_PEER_URI_SIZE + 16] = " \n\t";

    (void)state;
    assert_int_equal(cjd_key_from_text(&peer.key, KEY_A), 0);
    assert_true(cjd_peer_uri_write(text + 3, CJD_PEER_URI_SIZE, &peer) > 0);
    strcat(text, "\r\n");
    struct handed h = hand(text);
    assert_int_equal(h.err, 0);
    assert_string_equal(h.peers[0].address[0], "h:1");
    handed_fini(&h);
    /* Cut: the place counts lines and columns. */
    text[3 + 70] = '\0';
    h = hand(text);
    assert_int_equal(h.err, CJD_ERR_PARSE);
    assert_int_equal(h.diags.v[0].line, 2);
    assert_int_equal(h.diags.v[0].column, 1 + 71);
    assert_non_null(strstr(h.diags.v[0].text, "the end of the URI is missing"));
    handed_fini(&h);
}

static void several(void **state)
{
    struct handed h =
        hand(ADDRESS ": " BODY ",\n\"[2001:db8::7]:5199\": " BODY ",\n"
                     "\"h:1\": { \"password\": \"x\", \"publicKey\": \"" KEY_B "\" }");

    (void)state;
    assert_int_equal(h.err, 0);
    assert_int_equal(h.count, 2);
    assert_int_equal(h.peers[0].address_count, 2);
    assert_string_equal(h.peers[0].address[1], "[2001:db8::7]:5199");
    assert_int_equal(h.peers[1].address_count, 1);
    assert_string_equal(h.peers[1].login, "");
    assert_string_equal(h.peers[1].name, "");
    handed_fini(&h);
}

/* A name is for people: what is too long is cut, between characters. */
static void long_name(void **state)
{
    struct handed h =
        hand("\"h:1\": { \"password\": \"x\", \"publicKey\": \"" KEY_A
             "\", \"peerName\": \"01234567890123456789012345678901234567890123456789012345678901"
             "\xc3\xa4\" }");

    (void)state;
    assert_int_equal(h.err, 0);
    assert_int_equal(strlen(h.peers[0].name), 62);
    handed_fini(&h);
}

struct row {
    const char *text;
    unsigned line;
    unsigned column;
    const char *part;
};

#define PW "\"password\": \"secret-word\""
#define PK "\"publicKey\": \"" KEY_A "\""

static void refused(void **state)
{
    static const struct row rows[] = {
        {"", 1, 1, "there is nothing"},
        {" \n ", 2, 2, "there is nothing"},
        {"{}", 1, 1, "there is no peer in this"},
        {"{ } x", 1, 5, "behind the end"},
        {"hello", 1, 1, "expected a key in double quotes"},
        {"cjdns", 1, 6, "cut off here"},
        {"\"h:1\"", 2, 1, "expected ':'"},
        {"\"h:1\": 5", 1, 1, "neither a peer URI nor"},
        {"\"h:1\": { " PW " }", 1, 8, "\"publicKey\" is missing"},
        {"\"h:1\": { " PK " }", 1, 8, "\"password\" is missing"},
        {"{\n \"h:1\": { " PK ", \"password\": 5 } }", 2, 94, "must be a text in quotes"},
        {"\"h:1\": { " PK ", \"password\": \"\" }", 1, 93, "is empty"},
        {"\"h:1\": { " PW ", \"publicKey\": \"" KEY_BAD "\" }", 1, 50, "no address in fc00::/8"},
        {"\"h:1\": { " PW ", \"publicKey\": 5 }", 1, 50, "must be a text in quotes"},
        {"\"h:1\": { " PW ", " PK ", \"login\": [] }", 1, 117, "must be a text in quotes"},
        {"\"h\": { " PW ", " PK " }", 1, 1, "a port from 1 to 65535 is missing"},
        {"\"1.2.3:4\": { " PW ", " PK " }", 1, 1, "not a valid IPv4 address"},
        {"\"01:02:03:04:05:06\": { " PW ", " PK " }", 1, 1, "an Ethernet address"},
        {"\"h:1\": { " PW " " PK " }", 1, 36, "a comma is missing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct handed h = hand(rows[i].text);
        const struct cjd_diag *d = h.diags.v;
        if (h.diags.errors != 1 || d->line != rows[i].line || d->column != rows[i].column ||
            !strstr(d->text, rows[i].part)) {
            cjd_diags_print(&h.diags, stdout);
            fail_msg("row %zu: %s", i, rows[i].text);
        }
        assert_null(strstr(d->text, "secret-word"));
        handed_fini(&h);
    }
}

/* One that is wrong spoils all: what is added is what was meant. */
static void all_or_nothing(void **state)
{
    struct handed h = hand("\"h:1\": {" PW "," PK "}, \"h\": {" PW "," PK "}, \"g:1\": { }");

    (void)state;
    assert_int_equal(h.err, CJD_ERR_PARSE);
    assert_int_equal(h.diags.errors, 3);
    handed_fini(&h);
}

static void too_many(void **state)
{
    struct {
        char v[8192];
    } text = {""};

    (void)state;
    for (unsigned i = 0; i < CJD_PEERING_PEERS_MAX + 1; i++) {
        size_t n = strlen(text.v);
        snprintf(text.v + n, sizeof text.v - n, "\"h:%u\": {\"password\":\"%u\"," PK "},", i + 1,
                 i);
    }
    struct handed h = hand(text.v);
    assert_int_equal(h.err, CJD_ERR_PARSE);
    assert_non_null(strstr(h.diags.v[0].text, "more than 32 peers"));
    handed_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_peer),  cmocka_unit_test(a_uri),   cmocka_unit_test(several),
        cmocka_unit_test(long_name), cmocka_unit_test(refused), cmocka_unit_test(all_or_nothing),
        cmocka_unit_test(too_many),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
