#include <cjd/peer_uri.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cjd/endpoint.h>
#include <cjd/text.h>

#define SCHEME      "cjdns://"
#define SCHEME_LEN  (sizeof SCHEME - 1)
#define CHECK_CHARS 7u /* 32 bits in base 32 */

void cjd_peer_uri_fini(struct cjd_peer_uri *uri)
{
    explicit_bzero(uri, sizeof *uri);
}

/* --- characters ---------------------------------------------------------------------------------
 */

/* RFC 3986 §2.3. */
static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("-._~", c));
}

/* What may stand in a URI at all. Brackets around IPv6 addresses are taken as they are, too. */
static bool is_uri_char(char c)
{
    return is_unreserved(c) || (c != '\0' && strchr("%:@/,=[]", c));
}

/* Text for people: UTF-8, nothing that controls a terminal. */
static bool is_clean(const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        size_t n = cjd_utf8_length(text, left);
        if (n == 0 || (unsigned char)*text < 0x20 || *text == 0x7f) {
            return false;
        }
        text += n;
        left -= n;
    }
    return true;
}

/* --- check --------------------------------------------------------------------------------------
 */

/* CRC-32 as of IEEE 802.3, one byte. */
static uint32_t crc_step(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (unsigned i = 0; i < 8; i++) {
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return crc;
}

static uint32_t crc_of(const char *text, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc = crc_step(crc, (uint8_t)text[i]);
    }
    return ~crc;
}

static void check_to_text(char out[CHECK_CHARS + 1], uint32_t crc)
{
    uint8_t bytes[4];

    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(crc >> 8 * i);
    }
    (void)cjd_base32_encode(out, CHECK_CHARS + 1, bytes, sizeof bytes);
}

static bool check_from_text(uint32_t *out, const char *text, size_t len)
{
    uint8_t bytes[4];

    if (len != CHECK_CHARS || cjd_base32_decode(bytes, sizeof bytes, text, len) != sizeof bytes) {
        return false;
    }
    *out = 0;
    for (unsigned i = 0; i < sizeof bytes; i++) {
        *out |= (uint32_t)bytes[i] << 8 * i;
    }
    return true;
}

/*
 * Finding the slip. The check is linear: what a change adds to it depends on the changed bits and
 * their distance from the end alone. So the change of one character, or of two neighbours that
 * swapped places, is found by trying all of them.
 */
struct slip {
    size_t at;
    bool is_swap;
    unsigned found; /* more than one: nothing is known */
};

static void note_slip(struct slip *s, size_t at, bool is_swap)
{
    s->at = at;
    s->is_swap = is_swap;
    s->found++;
}

static void find_changed(struct slip *s, const char *text, size_t len, uint32_t diff)
{
    for (unsigned bits = 1; bits < 0x80; bits++) {
        uint32_t adds = crc_step(0, (uint8_t)bits);
        for (size_t i = len; i-- > 0;) {
            if (adds == diff && is_uri_char((char)(text[i] ^ (char)bits))) {
                note_slip(s, i, false);
            }
            adds = crc_step(adds, 0);
        }
    }
}

static void find_swapped(struct slip *s, const char *text, size_t len, uint32_t diff)
{
    for (size_t i = 0; i + 1 < len; i++) {
        uint8_t bits = (uint8_t)(text[i] ^ text[i + 1]);
        uint32_t adds = crc_step(crc_step(0, bits), bits);
        for (size_t k = i + 2; k < len; k++) {
            adds = crc_step(adds, 0);
        }
        if (bits != 0 && adds == diff) {
            note_slip(s, i, true);
        }
    }
}

/* A character of the check itself stands for five bits of it. */
static void find_in_check(struct slip *s, size_t check_at, uint32_t diff)
{
    for (unsigned i = 0; i < CHECK_CHARS; i++) {
        if ((diff & ~(UINT32_C(31) << 5 * i)) == 0) {
            note_slip(s, check_at + i, false);
        }
    }
}

/* --- writing ------------------------------------------------------------------------------------
 */

struct writer {
    char *v;
    size_t cap;
    size_t len;
    bool is_full;
};

static void put_char(struct writer *w, char c)
{
    if (w->len + 1 >= w->cap) {
        w->is_full = true;
        return;
    }
    w->v[w->len++] = c;
}

static void put_text(struct writer *w, const char *text)
{
    for (; *text != '\0'; text++) {
        put_char(w, *text);
    }
}

/* Percent-encoded; `also` stays as it is besides. */
static void put_part(struct writer *w, const char *text, const char *also)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *text != '\0'; text++) {
        if (is_unreserved(*text) || strchr(also, *text)) {
            put_char(w, *text);
        } else {
            put_char(w, '%');
            put_char(w, digits[(unsigned char)*text >> 4]);
            put_char(w, digits[(unsigned char)*text & 15]);
        }
    }
}

static bool is_address(const char *text, const char **why)
{
    struct cjd_endpoint e;

    if (cjd_endpoint_parse(&e, text, why) < 0) {
        return false;
    }
    *why = "a port from 1 to 65535 is missing behind this address";
    return e.port > 0;
}

static bool can_be_said(const struct cjd_peer_uri *uri)
{
    const char *why;

    if (uri->password[0] == '\0' || uri->address_count == 0 ||
        uri->address_count > CJD_PEER_URI_ADDRESSES_MAX || !is_clean(uri->login) ||
        !is_clean(uri->password) || !is_clean(uri->name)) {
        return false;
    }
    for (size_t i = 0; i < uri->address_count; i++) {
        if (!is_clean(uri->address[i]) || !is_address(uri->address[i], &why)) {
            return false;
        }
    }
    return true;
}

int cjd_peer_uri_write(char *out, size_t out_size, const struct cjd_peer_uri *uri)
{
    struct writer w = {.v = out,
                       .cap = out_size < CJD_PEER_URI_SIZE ? out_size : CJD_PEER_URI_SIZE};
    char key[CJD_KEY_TEXT_SIZE];
    char check[CHECK_CHARS + 1];

    if (!can_be_said(uri) || out_size == 0) {
        return CJD_ERR_INVALID;
    }
    cjd_key_to_text(key, &uri->key);
    put_text(&w, SCHEME);
    put_part(&w, uri->login, "");
    put_char(&w, ':');
    put_part(&w, uri->password, "");
    put_char(&w, '@');
    put_text(&w, key);
    for (size_t i = 0; i < uri->address_count; i++) {
        put_char(&w, i == 0 ? '/' : ',');
        put_part(&w, uri->address[i], ":");
    }
    if (uri->name[0] != '\0') {
        put_text(&w, "/name=");
        put_part(&w, uri->name, "");
    }
    put_char(&w, '/');
    if (!w.is_full) {
        check_to_text(check, crc_of(out + SCHEME_LEN, w.len - SCHEME_LEN));
        put_text(&w, check);
    }
    out[w.len] = '\0';
    return w.is_full ? CJD_ERR_TOO_LONG : (int)w.len;
}

/* --- reading ------------------------------------------------------------------------------------
 */

/* A stretch of the text. */
struct part {
    size_t from;
    size_t to;
};

struct reader {
    const char *text;
    size_t len;
    struct cjd_peer_uri_fault *fault;
    struct part login, password, key, addresses, extras;
    size_t check;
};

static int fail(struct reader *r, size_t at, const char *format, ...) CJD_PRINTF(3, 4);
static int fail(struct reader *r, size_t at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    r->fault->at = at;
    vsnprintf(r->fault->text, sizeof r->fault->text, format, args);
    va_end(args);
    return CJD_ERR_PARSE;
}

/* The first `c` of a part, or its end. */
static size_t find(const struct reader *r, struct part in, char c)
{
    const char *at = in.to > in.from ? memchr(r->text + in.from, c, in.to - in.from) : NULL;

    return at ? (size_t)(at - r->text) : in.to;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

    return c != '\0' && at ? (int)(at - digits) : -1;
}

static int decode(struct reader *r, struct part part, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = part.from; i < part.to; i++) {
        char c = r->text[i];
        if (c == '%') {
            int high = i + 2 < part.to ? hex_digit(r->text[i + 1]) : -1;
            int low = i + 2 < part.to ? hex_digit(r->text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return fail(r, i, "two hexadecimal digits are missing behind this \"%%\"");
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (n + 1 >= cap) {
            return fail(r, part.from, "this part has more than %zu bytes", cap - 1);
        }
        if (c == '\0') {
            return fail(r, part.from, "this part contains a NUL byte");
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return is_clean(out)
               ? 0
               : fail(r, part.from, "this part is not valid UTF-8, or contains control characters");
}

/* --- its form */

static int check_chars(struct reader *r)
{
    size_t n = r->len < SCHEME_LEN ? r->len : SCHEME_LEN;

    if (n == 0 || strncasecmp(r->text, SCHEME, n) != 0) {
        return fail(r, 0, "a peer URI begins with \"" SCHEME "\"; this does not");
    }
    for (size_t i = 0; i < r->len; i++) {
        if (i >= CJD_PEER_URI_SIZE - 1) {
            return fail(r, i, "a peer URI has at most %u characters; this has %zu",
                        CJD_PEER_URI_SIZE - 1, r->len);
        }
        char c = r->text[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            return fail(r, i, "white space within the URI: it was broken here, join the pieces");
        }
        if (!is_uri_char(c)) {
            return fail(r, i, "a character that does not belong into a peer URI");
        }
    }
    return r->len >= SCHEME_LEN ? 0 : fail(r, r->len, "the URI is cut off here");
}

/* The check stands behind the last slash. */
static int find_check(struct reader *r)
{
    uint32_t crc;
    size_t at = r->len;

    while (r->text[at - 1] != '/') {
        at--;
    }
    size_t n = r->len - at;
    r->check = at;
    if (at > SCHEME_LEN && check_from_text(&crc, r->text + at, n)) {
        return 0;
    }
    if (at > SCHEME_LEN && n > CHECK_CHARS && check_from_text(&crc, r->text + at, CHECK_CHARS) &&
        crc == crc_of(r->text + SCHEME_LEN, at - SCHEME_LEN)) {
        return fail(r, at + CHECK_CHARS, "the URI ends before this; take away what follows");
    }
    return fail(r, r->len,
                "the end of the URI is missing: it ends with \"/\" and a check of %u characters",
                CHECK_CHARS);
}

static int find_parts(struct reader *r)
{
    struct part all = {SCHEME_LEN, r->check - 1};
    struct part authority = {SCHEME_LEN, find(r, all, '/')};
    size_t at = find(r, authority, '@');

    if (at == authority.to) {
        return fail(r, authority.from, "login, password and \"@\" are missing before the key");
    }
    struct part user = {authority.from, at};
    size_t colon = find(r, user, ':');
    if (colon == user.to) {
        return fail(r, user.from, "\":\" is missing between login and password");
    }
    r->login = (struct part){user.from, colon};
    r->password = (struct part){colon + 1, user.to};
    r->key = (struct part){at + 1, authority.to};
    if (authority.to == all.to) {
        return fail(r, all.to, "the addresses are missing behind the key");
    }
    struct part rest = {authority.to + 1, all.to};
    r->addresses = (struct part){rest.from, find(r, rest, '/')};
    r->extras = (struct part){r->addresses.to, all.to};
    return 0;
}

static const char *part_name(const struct reader *r, size_t at)
{
    return at >= r->check            ? "check"
           : at >= r->extras.from    ? "name"
           : at >= r->addresses.from ? "addresses"
           : at >= r->key.from       ? "key"
           : at >= r->password.from  ? "password"
                                     : "login";
}

/* True if the check fits; else *slip may tell why not. */
static bool check_fits(const struct reader *r, struct slip *slip)
{
    const char *body = r->text + SCHEME_LEN;
    size_t len = r->check - SCHEME_LEN;
    uint32_t want;

    *slip = (struct slip){0};
    if (!check_from_text(&want, r->text + r->check, CHECK_CHARS)) {
        return false;
    }
    uint32_t diff = want ^ crc_of(body, len);
    if (diff == 0) {
        return true;
    }
    find_changed(slip, body, len, diff);
    find_swapped(slip, body, len, diff);
    find_in_check(slip, len, diff);
    return false;
}

static int fail_slip(struct reader *r, const struct slip *slip, const char *part)
{
    return fail(r, SCHEME_LEN + slip->at,
                slip->is_swap ? "the check does not fit: most likely this character of the %s and "
                                "the next changed places"
                              : "the check does not fit: most likely this character of the %s is "
                                "wrong",
                part);
}

/* --- its parts */

static int read_key(struct reader *r, struct cjd_key *key)
{
    char text[CJD_KEY_TEXT_SIZE];
    size_t n = r->key.to - r->key.from;

    if (n != sizeof text - 1) {
        return fail(r, r->key.from, "the key has %zu characters instead of %zu", n,
                    sizeof text - 1);
    }
    memcpy(text, r->text + r->key.from, n);
    text[n] = '\0';
    return cjd_key_from_text(key, text) == 0
               ? 0
               : fail(r, r->key.from, "the key must be 52 characters of base 32, then \".k\"");
}

static int read_addresses(struct reader *r, struct cjd_peer_uri *out)
{
    const char *why;

    for (size_t at = r->addresses.from; at <= r->addresses.to;) {
        struct part one = {at, find(r, (struct part){at, r->addresses.to}, ',')};
        if (out->address_count == CJD_PEER_URI_ADDRESSES_MAX) {
            return fail(r, at, "more than %u addresses", CJD_PEER_URI_ADDRESSES_MAX);
        }
        char *text = out->address[out->address_count++];
        int err = decode(r, one, text, CJD_PEER_ADDRESS_SIZE);
        if (err < 0) {
            return err;
        }
        if (!is_address(text, &why)) {
            return fail(r, at, "%s", why);
        }
        at = one.to + 1;
    }
    return 0;
}

/* "key=value". Those that begin with a small letter may be ignored by who does not know them. */
static int read_extra(struct reader *r, struct part part, struct cjd_peer_uri *out)
{
    size_t equals = find(r, part, '=');
    size_t n = equals - part.from;
    const char *key = r->text + part.from;

    if (equals == part.to || n == 0) {
        return fail(r, part.from, "this part must be of the form key=value");
    }
    if (n == 4 && memcmp(key, "name", n) == 0) {
        if (out->name[0] != '\0') {
            return fail(r, part.from, "a second name");
        }
        return decode(r, (struct part){equals + 1, part.to}, out->name, sizeof out->name);
    }
    return key[0] >= 'a' && key[0] <= 'z'
               ? 0
               : fail(r, part.from, "\"%.*s\" is not understood here: a newer cjdroute is needed",
                      n < 32 ? (int)n : 32, key);
}

static int read_extras(struct reader *r, struct cjd_peer_uri *out)
{
    int err = 0;

    for (size_t at = r->extras.from; err == 0 && at < r->extras.to;) {
        struct part one = {at + 1, find(r, (struct part){at + 1, r->extras.to}, '/')};
        err = read_extra(r, one, out);
        at = one.to;
    }
    return err;
}

static int read_parts(struct reader *r, struct cjd_peer_uri *out)
{
    int err = decode(r, r->login, out->login, sizeof out->login);

    err = err < 0 ? err : decode(r, r->password, out->password, sizeof out->password);
    if (err == 0 && out->password[0] == '\0') {
        err = fail(r, r->password.from, "the password is missing");
    }
    err = err < 0 ? err : read_key(r, &out->key);
    err = err < 0 ? err : read_addresses(r, out);
    return err < 0 ? err : read_extras(r, out);
}

static int read_all(struct reader *r, struct cjd_peer_uri *out)
{
    struct slip slip;
    int err = check_chars(r);

    err = err < 0 ? err : find_check(r);
    if (err < 0) {
        return err;
    }
    bool fits = check_fits(r, &slip);
    err = find_parts(r);
    /* A slip of the pen that was found needs no other explanation. */
    if (!fits && slip.found == 1) {
        return fail_slip(r, &slip, err < 0 ? "URI" : part_name(r, SCHEME_LEN + slip.at));
    }
    err = err < 0 ? err : read_parts(r, out);
    if (err == 0 && !fits) {
        err = fail(r, r->check, "the check does not fit: something before it is wrong or missing");
    }
    return err;
}

int cjd_peer_uri_parse(struct cjd_peer_uri *out, const char *text, size_t len,
                       struct cjd_peer_uri_fault *fault)
{
    struct reader r = {.text = text, .len = len, .fault = fault};

    memset(out, 0, sizeof *out);
    int err = read_all(&r, out);
    if (err < 0) {
        cjd_peer_uri_fini(out);
    }
    return err;
}
