/* Peer URIs: what is written is read the same, and every way of being wrong has its place. */
#include <testlib/testlib.h>

#include <cjd/peer_uri.h>
#include <cjd/text.h>

#define KEY    "zk4wphywp63kqzyux5rnclybs5dsby453qb4jkgpm64d785df6g0.k"
#define SCHEME "cjdns://"

/* A whole URI of what stands between its scheme and its check. */
static size_t with_check(char *out, size_t cap, const char *body)
{
    uint32_t crc = UINT32_MAX;
    uint8_t bytes[4];

    for (const char *at = body; *at != '\0'; at++) {
        crc ^= (uint8_t)*at;
        for (unsigned i = 0; i < 8; i++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(~crc >> 8 * i);
    }
    int n = snprintf(out, cap, SCHEME "%s", body);
    assert_true(n > 0 && (size_t)n + 8 < cap);
    assert_int_equal(cjd_base32_encode(out + n, cap - (size_t)n, bytes, sizeof bytes), 7);
    return strlen(out);
}

#define BODY                                                                                       \
    "alice:v0xrnw5s61txkdxm2tt38mubz2jh469@" KEY                                                   \
    "/203.0.113.7:5199,%5B2001:db8::7%5D:5199/name=alpha/"

static struct cjd_peer_uri sample(void)
{
    struct cjd_peer_uri uri = {.login = "alice",
                               .password = "v0xrnw5s61txkdxm2tt38mubz2jh469",
                               .name = "alpha",
                               .address = {"203.0.113.7:5199", "[2001:db8::7]:5199"},
                               .address_count = 2};

    assert_int_equal(cjd_key_from_text(&uri.key, KEY), 0);
    return uri;
}

static void assert_same(const struct cjd_peer_uri *a, const struct cjd_peer_uri *b)
{
    assert_memory_equal(&a->key, &b->key, sizeof a->key);
    assert_string_equal(a->login, b->login);
    assert_string_equal(a->password, b->password);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->address_count, b->address_count);
    for (size_t i = 0; i < a->address_count; i++) {
        assert_string_equal(a->address[i], b->address[i]);
    }
}

/* The parser sees exactly the bytes, so that a sanitizer sees every one too far. */
static int parse(struct cjd_peer_uri *out, const char *text, size_t len,
                 struct cjd_peer_uri_fault *fault)
{
    char *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    int err = cjd_peer_uri_parse(out, copy, len, fault);
    free(copy);
    return err;
}

static void known_text(void **state)
{
    struct cjd_peer_uri uri = sample();
    struct cjd_peer_uri again;
    struct cjd_peer_uri_fault fault;
    char out[CJD_PEER_URI_SIZE];
    char want[CJD_PEER_URI_SIZE];

    (void)state;
    size_t n = with_check(want, sizeof want, BODY);
    assert_int_equal(cjd_peer_uri_write(out, sizeof out, &uri), n);
    assert_string_equal(out, want);
    assert_string_equal(out + n - 7, "6n0hrj3");
    assert_int_equal(parse(&again, out, n, &fault), 0);
    assert_same(&uri, &again);
    /* People's keyboards begin sentences with a capital. */
    memcpy(out, "Cjdns", 5);
    assert_int_equal(parse(&again, out, n, &fault), 0);
}

static void brackets_as_they_are(void **state)
{
    struct cjd_peer_uri uri;
    struct cjd_peer_uri_fault fault;
    char text[CJD_PEER_URI_SIZE];

    (void)state;
    size_t n = with_check(text, sizeof text, ":x@" KEY "/[2001:db8::7]:5199/future=1/");
    assert_int_equal(parse(&uri, text, n, &fault), 0);
    assert_string_equal(uri.address[0], "[2001:db8::7]:5199");
    assert_string_equal(uri.login, "");
    assert_string_equal(uri.name, "");
}

/* --- properties */

static void random_text(char *out, size_t cap, struct cjd_rng *rng)
{
    static const char *const pieces[] = {"a", "Z",  "0", " ",  "/", ":", "@", "%", "?", "#", "&",
                                         "=", "\"", "'", "\\", "$", "~", "ä", "…", "😀", "[", ","};
    uint8_t bytes[32];

    cjd_rng_fill(rng, bytes, sizeof bytes);
    out[0] = '\0';
    for (unsigned i = 0; i < bytes[31] % 16u; i++) {
        const char *piece = pieces[bytes[i] % (sizeof pieces / sizeof pieces[0])];
        if (strlen(out) + strlen(piece) < cap) {
            strcat(out, piece);
        }
    }
}

static void random_uri(struct cjd_peer_uri *uri, struct cjd_rng *rng)
{
    static const char *const addresses[] = {"203.0.113.7:5199",      "1.2.3.4:1",
                                            "[2001:db8::7]:65535",   "[fe80::1%eth0]:7",
                                            "node.example.org:5199", "a_b-c.:9"};
    uint8_t bytes[16];

    memset(uri, 0, sizeof *uri);
    cjd_rng_fill(rng, uri->key.b, sizeof uri->key.b);
    cjd_rng_fill(rng, bytes, sizeof bytes);
    random_text(uri->login, sizeof uri->login, rng);
    uri->password[0] = 'p';
    random_text(uri->password + 1, sizeof uri->password - 1, rng);
    random_text(uri->name, sizeof uri->name, rng);
    uri->address_count = 1 + bytes[0] % CJD_PEER_URI_ADDRESSES_MAX;
    for (size_t i = 0; i < uri->address_count; i++) {
        strcpy(uri->address[i], addresses[bytes[1 + i] % 6]);
    }
}

static const char safe[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "-._~%:@/,=";

static void round_trip(void **state)
{
    struct test_rng seed;
    struct cjd_rng rng = test_rng_init(&seed, 1);
    struct cjd_peer_uri uri;
    struct cjd_peer_uri again;
    struct cjd_peer_uri_fault fault;
    char text[CJD_PEER_URI_SIZE];

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        random_uri(&uri, &rng);
        int n = cjd_peer_uri_write(text, sizeof text, &uri);
        assert_true(n > 0);
        assert_int_equal(strspn(text, safe), n);
        assert_int_equal(parse(&again, text, (size_t)n, &fault), 0);
        assert_same(&uri, &again);
    }
}

/* Wherever it is cut, that is said, at the end of what is there. */
static void cut(void **state)
{
    struct cjd_peer_uri uri;
    struct cjd_peer_uri_fault fault;
    char text[CJD_PEER_URI_SIZE];
    size_t n = with_check(text, sizeof text, BODY);

    (void)state;
    for (size_t len = 1; len < n; len++) {
        assert_int_equal(parse(&uri, text, len, &fault), CJD_ERR_PARSE);
        assert_int_equal(fault.at, len);
        assert_non_null(strstr(fault.text, len < 8 ? "cut off" : "the end of the URI is missing"));
    }
    for (size_t from = 1; from < n; from++) {
        assert_int_equal(parse(&uri, text + from, n - from, &fault), CJD_ERR_PARSE);
        assert_int_equal(fault.at, 0);
    }
}

/* One wrong character is found, wherever it is. */
static void mistyped(void **state)
{
    struct cjd_peer_uri uri;
    struct cjd_peer_uri_fault fault;
    char text[CJD_PEER_URI_SIZE];
    size_t n = with_check(text, sizeof text, BODY);

    (void)state;
    for (size_t i = 8; i < n; i++) {
        char good = text[i];
        for (const char *bad = "0z.A/"; *bad != '\0'; bad++) {
            text[i] = *bad;
            if (*bad == good) {
                continue;
            }
            assert_int_equal(parse(&uri, text, n, &fault), CJD_ERR_PARSE);
            /* Without its slash, or with what is no base 32, it is no check at all. The last
             * character stands for two bits only. */
            bool is_broken_check =
                i == n - 8 || (i > n - 8 && !strchr(i == n - 1 ? "0" : "0z", *bad));
            assert_int_equal(fault.at, is_broken_check ? n : i);
        }
        text[i] = good;
    }
}

static void swapped(void **state)
{
    struct cjd_peer_uri uri;
    struct cjd_peer_uri_fault fault;
    char text[CJD_PEER_URI_SIZE];
    size_t n = with_check(text, sizeof text, BODY);

    (void)state;
    for (size_t i = 8; i + 9 < n; i++) {
        char first = text[i];
        if (first == text[i + 1]) {
            continue;
        }
        text[i] = text[i + 1];
        text[i + 1] = first;
        assert_int_equal(parse(&uri, text, n, &fault), CJD_ERR_PARSE);
        assert_int_equal(fault.at, i);
        assert_non_null(strstr(fault.text, "changed places"));
        text[i + 1] = text[i];
        text[i] = first;
    }
}

/* --- what is refused */

struct row {
    const char *text;
    size_t at;
    const char *why;
};

static void refuse(const char *text, size_t at, const char *why)
{
    static const struct cjd_peer_uri zero;
    struct cjd_peer_uri uri;
    struct cjd_peer_uri_fault fault = {.at = SIZE_MAX};

    assert_int_equal(parse(&uri, text, strlen(text), &fault), CJD_ERR_PARSE);
    if (fault.at != at || strcmp(fault.text, why) != 0) {
        fail_msg("%s: at %zu: %s", text, fault.at, fault.text);
    }
    assert_memory_equal(&uri, &zero, sizeof uri);
}

static void bad_texts(void **state)
{
    static const struct row rows[] = {
        {"", 0, "a peer URI begins with \"cjdns://\"; this does not"},
        {"http://x", 0, "a peer URI begins with \"cjdns://\"; this does not"},
        {" cjdns://x", 0, "a peer URI begins with \"cjdns://\"; this does not"},
        {"cjdns", 5, "the URI is cut off here"},
        {"cjdns://a:b@k/h:1 /0000000", 17,
         "white space within the URI: it was broken here, join the pieces"},
        {"cjdns://a:b\n@k", 11, "white space within the URI: it was broken here, join the pieces"},
        {"cjdns://a:\"b", 10, "a character that does not belong into a peer URI"},
        {"cjdns://a:\xc3\xa4", 10, "a character that does not belong into a peer URI"},
        {"cjdns://", 8,
         "the end of the URI is missing: it ends with \"/\" and a check of 7 characters"},
        {"cjdns://0000000", 15,
         "the end of the URI is missing: it ends with \"/\" and a check of 7 characters"},
        {"cjdns://a:b@k/h:1/000000a", 25,
         "the end of the URI is missing: it ends with \"/\" and a check of 7 characters"},
        {"cjdns://a:b@k/h:1/000000z", 25,
         "the end of the URI is missing: it ends with \"/\" and a check of 7 characters"},
        {"cjdns://a:b@" KEY "/h:1/0000000", 71,
         "the check does not fit: something before it is wrong or missing"},
        {"cjdns://a:b@c/h:1/0000000", 12, "the key has 1 characters instead of 54"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        refuse(rows[i].text, rows[i].at, rows[i].why);
    }
}

/* Their check is right: who made them made a mistake. `at` counts from behind the scheme. */
static void bad_parts(void **state)
{
    static const struct row rows[] = {
        {"/", 0, "login, password and \"@\" are missing before the key"},
        {KEY "/h:1/", 0, "login, password and \"@\" are missing before the key"},
        {"secret@" KEY "/h:1/", 0, "\":\" is missing between login and password"},
        {"a:@" KEY "/h:1/", 2, "the password is missing"},
        {"a:b@" KEY "/", 58, "the addresses are missing behind the key"},
        {"a:b@zk4wphywp63kqzyux5rnclybs5dsby453qb4jkgpm64d785df6g0/h:1/", 4,
         "the key has 52 characters instead of 54"},
        {"a:b@ek4wphywp63kqzyux5rnclybs5dsby453qb4jkgpm64d785df6g0.k/h:1/", 4,
         "the key must be 52 characters of base 32, then \".k\""},
        {"a:b@" KEY "//", 59, "there is no address before the port"},
        {"a:b@" KEY "/h/", 59, "a port from 1 to 65535 is missing behind this address"},
        {"a:b@" KEY "/h:0/", 59, "a port from 1 to 65535 is missing behind this address"},
        {"a:b@" KEY "/h:1,h:65536/", 63, "the port must be a number up to 65535"},
        {"a:b@" KEY "/h:1,/", 63, "there is no address before the port"},
        {"a:b@" KEY "/1.2.3:1/", 59, "this is not a valid IPv4 address"},
        {"a:b@" KEY "/2001:db8::7:1/", 59, "a port from 1 to 65535 is missing behind this address"},
        {"a:b@" KEY "/2001:db8:7:1/", 59,
         "an IPv6 address with a port is written \"[address]:port\""},
        {"a:b@" KEY "/%5B1%5D:1/", 59, "between the brackets must be an IPv6 address"},
        {"a:b@" KEY "/a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1/", 91, "more than 8 addresses"},
        {"a%2:b@" KEY "/h:1/", 1, "two hexadecimal digits are missing behind this \"%\""},
        {"a%2g:b@" KEY "/h:1/", 1, "two hexadecimal digits are missing behind this \"%\""},
        {"a:b%@" KEY "/h:1/", 3, "two hexadecimal digits are missing behind this \"%\""},
        {"a:b%00@" KEY "/h:1/", 2, "this part contains a NUL byte"},
        {"a:b%0a@" KEY "/h:1/", 2, "this part is not valid UTF-8, or contains control characters"},
        {"a:b%C3@" KEY "/h:1/", 2, "this part is not valid UTF-8, or contains control characters"},
        {"a:b@" KEY "/h:1/name/", 63, "this part must be of the form key=value"},
        {"a:b@" KEY "/h:1//", 63, "this part must be of the form key=value"},
        {"a:b@" KEY "/h:1/=1/", 63, "this part must be of the form key=value"},
        {"a:b@" KEY "/h:1/name=a/name=b/", 70, "a second name"},
        {"a:b@" KEY "/h:1/Tls=1/", 63,
         "\"Tls\" is not understood here: a newer cjdroute is needed"},
        {"a:b@" KEY "/h:1/name="
         "0123456789012345678901234567890123456789012345678901234567890123/",
         68, "this part has more than 63 bytes"},
    };
    char text[CJD_PEER_URI_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        with_check(text, sizeof text, rows[i].text);
        refuse(text, strlen(SCHEME) + rows[i].at, rows[i].why);
    }
}

static void what_follows(void **state)
{
    char text[CJD_PEER_URI_SIZE];
    size_t n = with_check(text, sizeof text, BODY);

    (void)state;
    strcat(text, ".");
    refuse(text, n, "the URI ends before this; take away what follows");
    strcpy(text + n, "%2E");
    refuse(text, n, "the URI ends before this; take away what follows");
}

static void too_long(void **state)
{
    char text[2 * CJD_PEER_URI_SIZE];
    struct cjd_peer_uri uri = sample();
    char out[CJD_PEER_URI_SIZE];

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, SCHEME, strlen(SCHEME));
    text[CJD_PEER_URI_SIZE] = '\0';
    refuse(text, CJD_PEER_URI_SIZE - 1, "a peer URI has at most 1023 characters; this has 1024");
    memset(uri.password, '%', sizeof uri.password - 1);
    assert_true(cjd_peer_uri_write(out, sizeof out, &uri) > 0);
    memset(uri.login, '%', sizeof uri.login - 1);
    assert_int_equal(cjd_peer_uri_write(out, sizeof out, &uri), CJD_ERR_TOO_LONG);
    uri = sample();
    for (size_t cap = 1; cap < 150; cap++) {
        assert_int_equal(cjd_peer_uri_write(out, cap, &uri), CJD_ERR_TOO_LONG);
        assert_true(strlen(out) < cap);
    }
    assert_int_equal(cjd_peer_uri_write(out, 0, &uri), CJD_ERR_INVALID);
}

static void assert_not_written(const struct cjd_peer_uri *uri)
{
    char out[CJD_PEER_URI_SIZE];

    assert_int_equal(cjd_peer_uri_write(out, sizeof out, uri), CJD_ERR_INVALID);
}

static void cannot_be_said(void **state)
{
    struct cjd_peer_uri uri = sample();

    (void)state;
    uri.password[0] = '\0';
    assert_not_written(&uri);
    uri = sample();
    uri.address_count = 0;
    assert_not_written(&uri);
    uri = sample();
    uri.address_count = CJD_PEER_URI_ADDRESSES_MAX + 1;
    assert_not_written(&uri);
    uri = sample();
    strcpy(uri.login, "a\nb");
    assert_not_written(&uri);
    uri = sample();
    strcpy(uri.name, "\xff");
    assert_not_written(&uri);
    uri = sample();
    strcpy(uri.address[1], "203.0.113.7");
    assert_not_written(&uri);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_text),     cmocka_unit_test(brackets_as_they_are),
        cmocka_unit_test(round_trip),     cmocka_unit_test(cut),
        cmocka_unit_test(mistyped),       cmocka_unit_test(swapped),
        cmocka_unit_test(bad_texts),      cmocka_unit_test(bad_parts),
        cmocka_unit_test(what_follows),   cmocka_unit_test(too_long),
        cmocka_unit_test(cannot_be_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
