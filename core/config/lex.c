#include <config/lex.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cjd_lex_step(struct cjd_lex *x)
{
    if (cjd_lex_peek(x) == '\n') {
        x->at.line++;
        x->at.column = 1;
    } else {
        x->at.column++;
    }
    x->at.offset++;
}

static void remark(struct cjd_lex *x, enum cjd_remark kind, const struct cjd_place *at,
                   const char *format, va_list args)
{
    char text[256];

    vsnprintf(text, sizeof text, format, args);
    x->events->remark(x->events->ctx, kind, at, text);
}

void cjd_lex_remark(struct cjd_lex *x, enum cjd_remark kind, const struct cjd_place *at,
                    const char *format, ...)
{
    va_list args;

    va_start(args, format);
    remark(x, kind, at, format, args);
    va_end(args);
}

int cjd_lex_fail(struct cjd_lex *x, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    remark(x, CJD_REMARK_FATAL, &x->at, format, args);
    va_end(args);
    return CJD_ERR_PARSE;
}

int cjd_lex_expected(struct cjd_lex *x, const char *what)
{
    int c = cjd_lex_peek(x);

    if (c < 0) {
        return cjd_lex_fail(x, "the file ends where %s is expected", what);
    }
    if (c == '\n' || c == '\r') {
        return cjd_lex_fail(x, "expected %s, found the end of the line", what);
    }
    if (c <= ' ' || c >= 0x7f) {
        return cjd_lex_fail(x, "expected %s, found the byte 0x%02x", what, (unsigned)c);
    }
    return cjd_lex_fail(x, "expected %s, found '%c'", what, c);
}

int cjd_lex_enter(struct cjd_lex *x)
{
    if (x->depth == CJD_SCAN_DEPTH_MAX) {
        return cjd_lex_fail(x, "more than %u levels of brackets", CJD_SCAN_DEPTH_MAX);
    }
    x->depth++;
    return 0;
}

/* --- white space --------------------------------------------------------------------------------
 */

static int skip_line(struct cjd_lex *x)
{
    while (cjd_lex_peek(x) >= 0 && cjd_lex_peek(x) != '\n') {
        cjd_lex_step(x);
    }
    /* Both parsers of the reference want the newline; the end of a native file will do as well. */
    if (cjd_lex_peek(x) < 0 && x->dialect != CJD_DIALECT_NATIVE) {
        return cjd_lex_fail(x, "the file ends within a comment");
    }
    return 0;
}

static int skip_block(struct cjd_lex *x)
{
    struct cjd_place start = x->at;

    cjd_lex_step(x);
    cjd_lex_step(x);
    while (cjd_lex_peek(x) >= 0) {
        if (cjd_lex_peek(x) == '*' && cjd_lex_peek_next(x) == '/') {
            cjd_lex_step(x);
            cjd_lex_step(x);
            return 0;
        }
        /* Observed: LEGACY looks at an asterisk and what follows as a pair, so that two asterisks
         * before the slash do not close the comment. */
        bool is_pair = x->dialect == CJD_DIALECT_LEGACY && cjd_lex_peek(x) == '*';
        cjd_lex_step(x);
        if (is_pair && cjd_lex_peek(x) >= 0) {
            cjd_lex_step(x);
        }
    }
    cjd_lex_remark(x, CJD_REMARK_FATAL, &start, "this comment is not closed by */");
    return CJD_ERR_PARSE;
}

int cjd_lex_skip(struct cjd_lex *x)
{
    int err = 0;

    while (err == 0) {
        int c = cjd_lex_peek(x);
        if (cjd_lex_is_space(c)) {
            cjd_lex_step(x);
        } else if (c == '/' && cjd_lex_peek_next(x) == '/') {
            err = skip_line(x);
        } else if (c == '/' && cjd_lex_peek_next(x) == '*') {
            err = skip_block(x);
        } else {
            break;
        }
    }
    return err;
}

/* --- strings ------------------------------------------------------------------------------------
 */

static int hex_value(int c)
{
    if (cjd_lex_is_digit(c)) {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `n` hex digits under the cursor; it stays where the first wrong one is. */
static bool take_hex(struct cjd_lex *x, unsigned n, unsigned *out)
{
    *out = 0;
    for (unsigned i = 0; i < n; i++) {
        int value = cjd_lex_peek(x) < 0 ? -1 : hex_value(cjd_lex_peek(x));
        if (value < 0) {
            return false;
        }
        *out = *out << 4 | (unsigned)value;
        cjd_lex_step(x);
    }
    return true;
}

static void put_code_point(struct cjd_buf *b, unsigned c)
{
    if (c < 0x80) {
        cjd_buf_char(b, (char)c);
        return;
    }
    if (c < 0x800) {
        cjd_buf_char(b, (char)(0xc0 | c >> 6));
    } else if (c < 0x10000) {
        cjd_buf_char(b, (char)(0xe0 | c >> 12));
        cjd_buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
    } else {
        cjd_buf_char(b, (char)(0xf0 | c >> 18));
        cjd_buf_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
        cjd_buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
    }
    cjd_buf_char(b, (char)(0x80 | (c & 0x3f)));
}

/* The four digits after \u, and those of the second half of a pair. */
static bool unicode_escape(struct cjd_lex *x)
{
    unsigned high;
    unsigned low;

    if (!take_hex(x, 4, &high)) {
        return false;
    }
    if (high >= 0xd800 && high < 0xdc00) {
        if (cjd_lex_peek(x) != '\\' || cjd_lex_peek_next(x) != 'u') {
            return false;
        }
        cjd_lex_step(x);
        cjd_lex_step(x);
        if (!take_hex(x, 4, &low) || low < 0xdc00 || low >= 0xe000) {
            return false;
        }
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    } else if (high >= 0xdc00 && high < 0xe000) {
        return false;
    }
    put_code_point(&x->bytes, high);
    return true;
}

/* The letter after a backslash in standard JSON. */
static bool standard_escape(struct cjd_lex *x, int c)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *found = c > 0 ? strchr(from, c) : NULL;

    if (!found && c != 'u') {
        return false;
    }
    cjd_lex_step(x);
    if (c == 'u') {
        return unicode_escape(x);
    }
    cjd_buf_char(&x->bytes, to[found - from]);
    return true;
}

static bool byte_escape(struct cjd_lex *x)
{
    unsigned byte;

    cjd_lex_step(x);
    if (!take_hex(x, 2, &byte)) {
        return false;
    }
    cjd_buf_char(&x->bytes, (char)byte);
    return true;
}

static int escape(struct cjd_lex *x)
{
    struct cjd_place start = x->at;

    cjd_lex_step(x);
    int c = cjd_lex_peek(x);
    if (c < 0) {
        return cjd_lex_fail(x, "the file ends within a string");
    }
    /* LEGACY does not look at the character after the backslash. */
    bool is_byte = c == 'x' || x->dialect == CJD_DIALECT_LEGACY;
    bool is_native = x->dialect == CJD_DIALECT_NATIVE;
    if (is_byte ? byte_escape(x) : is_native && standard_escape(x, c)) {
        return 0;
    }
    cjd_lex_remark(x, is_native ? CJD_REMARK_ERROR : CJD_REMARK_FATAL, &start,
                   is_native ? "this is no escape of JSON, and not \\x with two hex digits"
                             : "the only escape is \\x with two hex digits");
    return is_native ? 0 : CJD_ERR_PARSE;
}

int cjd_lex_string(struct cjd_lex *x)
{
    struct cjd_place start = x->at;
    int err = 0;

    cjd_buf_clear(&x->bytes);
    cjd_lex_step(x);
    while (err == 0) {
        int c = cjd_lex_peek(x);
        if (c < 0 || ((c == '\n' || c == '\0') && x->dialect != CJD_DIALECT_LEGACY)) {
            cjd_lex_remark(x, CJD_REMARK_FATAL, &start,
                           c == '\0' ? "a NUL byte in a string"
                                     : "this string is not closed on its line");
            return CJD_ERR_PARSE;
        }
        if (c == '\\') {
            err = escape(x);
            continue;
        }
        cjd_lex_step(x);
        if (c == '"') {
            break;
        }
        cjd_buf_char(&x->bytes, (char)c);
    }
    return err == 0 && x->bytes.failed ? CJD_ERR_NO_MEMORY : err;
}

/* --- numbers ------------------------------------------------------------------------------------
 */

/* Digits under the cursor to x->bytes, without leading zeros; how many there were. */
static size_t take_digits(struct cjd_lex *x, bool drops_zeros)
{
    size_t n = 0;

    while (cjd_lex_is_digit(cjd_lex_peek(x))) {
        int next = cjd_lex_peek_next(x);
        if (!drops_zeros || cjd_lex_peek(x) != '0' || !cjd_lex_is_digit(next)) {
            cjd_buf_char(&x->bytes, (char)cjd_lex_peek(x));
            drops_zeros = false;
        }
        cjd_lex_step(x);
        n++;
    }
    return n;
}

/* The value of x->bytes[from…] modulo 2^64; *fits: not above `limit`. */
static uint64_t digits_value(const struct cjd_buf *b, size_t from, uint64_t limit, bool *fits)
{
    uint64_t value = 0;

    *fits = true;
    for (size_t i = from; i < b->len; i++) {
        unsigned digit = (unsigned)(b->v[i] - '0');
        *fits = *fits && value <= (limit - digit) / 10;
        value = value * 10 + digit;
    }
    return value;
}

/* STRICT lets numbers wrap around, as the reference does. */
static int tell_integer(struct cjd_lex *x, const struct cjd_place *at, bool is_negative)
{
    uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    bool fits;
    uint64_t value = digits_value(&x->bytes, is_negative ? 1 : 0, limit, &fits);

    if (!fits && x->dialect != CJD_DIALECT_STRICT) {
        cjd_lex_remark(x, x->dialect == CJD_DIALECT_NATIVE ? CJD_REMARK_ERROR : CJD_REMARK_FATAL,
                       at, "this number needs more than 64 bits");
        if (x->dialect == CJD_DIALECT_LEGACY) {
            return CJD_ERR_PARSE;
        }
        value = limit;
    }
    value = is_negative ? 0 - value : value;
    return x->events->integer(x->events->ctx, (int64_t)value, at);
}

#define REAL_DIGITS_MAX   64u
#define REAL_EXPONENT_MAX 300u

static int take_exponent(struct cjd_lex *x, bool *is_in_range)
{
    unsigned value = 0;

    cjd_buf_char(&x->bytes, 'e');
    cjd_lex_step(x);
    if (cjd_lex_peek(x) == '+' || cjd_lex_peek(x) == '-') {
        cjd_buf_char(&x->bytes, (char)cjd_lex_peek(x));
        cjd_lex_step(x);
    }
    size_t from = x->bytes.len;
    if (take_digits(x, true) == 0) {
        return cjd_lex_expected(x, "a digit");
    }
    for (size_t i = from; i < x->bytes.len && value <= REAL_EXPONENT_MAX; i++) {
        value = value * 10 + (unsigned)(x->bytes.v[i] - '0');
    }
    *is_in_range = *is_in_range && value <= REAL_EXPONENT_MAX;
    return 0;
}

static int take_real(struct cjd_lex *x, const struct cjd_place *at)
{
    bool is_in_range;

    if (cjd_lex_peek(x) == '.') {
        cjd_buf_char(&x->bytes, '.');
        cjd_lex_step(x);
        if (take_digits(x, false) == 0) {
            return cjd_lex_expected(x, "a digit");
        }
    }
    is_in_range = x->bytes.len <= REAL_DIGITS_MAX;
    if (cjd_lex_peek(x) == 'e' || cjd_lex_peek(x) == 'E') {
        int err = take_exponent(x, &is_in_range);
        if (err < 0) {
            return err;
        }
    }
    if (!is_in_range) {
        cjd_lex_remark(x, CJD_REMARK_ERROR, at, "this number is out of range");
        return x->events->integer(x->events->ctx, 0, at);
    }
    return x->bytes.failed ? CJD_ERR_NO_MEMORY
                           : x->events->real(x->events->ctx, x->bytes.v, x->bytes.len, at);
}

/* The reference's buffer for the digits of a LEGACY number; leading zeros count. */
#define LEGACY_DIGITS_MAX 20u

int cjd_lex_number(struct cjd_lex *x)
{
    struct cjd_place at = x->at;
    bool is_negative = cjd_lex_peek(x) == '-';

    cjd_buf_clear(&x->bytes);
    if (is_negative) {
        cjd_buf_char(&x->bytes, '-');
        cjd_lex_step(x);
    }
    size_t digits = take_digits(x, true);
    if (digits == 0) {
        return cjd_lex_expected(x, "a digit");
    }
    if (x->dialect == CJD_DIALECT_LEGACY && digits > LEGACY_DIGITS_MAX) {
        return cjd_lex_fail(x, "a number of more than %u digits", LEGACY_DIGITS_MAX);
    }
    int c = cjd_lex_peek(x);
    if (x->dialect == CJD_DIALECT_NATIVE && (c == '.' || c == 'e' || c == 'E')) {
        return take_real(x, &at);
    }
    return x->bytes.failed ? CJD_ERR_NO_MEMORY : tell_integer(x, &at, is_negative);
}

int cjd_lex_group(struct cjd_lex *x, int (*elements)(struct cjd_lex *x, char close))
{
    bool is_object = cjd_lex_peek(x) == '{';
    int err = cjd_lex_enter(x);

    err = err < 0 ? err : x->events->open(x->events->ctx, is_object, &x->at);
    if (err < 0) {
        return err;
    }
    cjd_lex_step(x);
    err = elements(x, is_object ? '}' : ']');
    if (err < 0) {
        return err;
    }
    cjd_lex_step(x);
    x->depth--;
    return x->events->close(x->events->ctx, is_object);
}

int cjd_lex_end(struct cjd_lex *x, int err)
{
    if (err == 0 && x->events->end) {
        x->events->end(x->events->ctx, &x->at);
    }
    return err;
}
