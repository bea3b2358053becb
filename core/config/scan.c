#include <config/scan.h>

#include <string.h>

#include <config/lex.h>

/* The grammar of STRICT and NATIVE. */

static int scan_value(struct cjd_lex *x);

static int tell_key(struct cjd_lex *x)
{
    struct cjd_place at = x->at;
    int err = cjd_lex_string(x);

    return err < 0 ? err : x->events->key(x->events->ctx, x->bytes.v, x->bytes.len, &at);
}

static int tell_text(struct cjd_lex *x)
{
    struct cjd_place at = x->at;
    int err = cjd_lex_string(x);

    return err < 0 ? err : x->events->text(x->events->ctx, x->bytes.v, x->bytes.len, &at);
}

static int scan_member(struct cjd_lex *x)
{
    if (cjd_lex_peek(x) != '"') {
        return cjd_lex_expected(x, "a key in double quotes");
    }
    int err = tell_key(x);
    err = err < 0 ? err : cjd_lex_skip(x);
    if (err < 0) {
        return err;
    }
    if (cjd_lex_peek(x) != ':') {
        return cjd_lex_expected(x, "':'");
    }
    cjd_lex_step(x);
    err = cjd_lex_skip(x);
    return err < 0 ? err : scan_value(x);
}

static bool starts_value(int c)
{
    return c == '"' || c == '{' || c == '[' || c == '-' || cjd_lex_is_digit(c);
}

/* Commas too many, where STRICT fails and NATIVE goes on. */
static int skip_commas(struct cjd_lex *x)
{
    int err = 0;

    while (err == 0 && x->dialect == CJD_DIALECT_NATIVE && cjd_lex_peek(x) == ',') {
        cjd_lex_remark(x, CJD_REMARK_ERROR, &x->at, "a comma without anything before it");
        cjd_lex_step(x);
        err = cjd_lex_skip(x);
    }
    return err;
}

/* What stands between two elements. *ends: the closing bracket is under the cursor. */
static int scan_comma(struct cjd_lex *x, char close, bool *ends)
{
    int err = cjd_lex_skip(x);
    int c = cjd_lex_peek(x);

    *ends = c == close;
    if (err < 0 || *ends) {
        return err;
    }
    if (c != ',') {
        bool is_clear = close == '}' ? c == '"' : starts_value(c);
        if (x->dialect != CJD_DIALECT_NATIVE || !is_clear) {
            return cjd_lex_expected(x, close == '}' ? "',' or '}'" : "',' or ']'");
        }
        cjd_lex_remark(x, CJD_REMARK_ERROR, &x->at, "a comma is missing before this");
        return 0;
    }
    struct cjd_place comma = x->at;
    cjd_lex_step(x);
    err = cjd_lex_skip(x);
    err = err < 0 ? err : skip_commas(x);
    *ends = cjd_lex_peek(x) == close && x->dialect == CJD_DIALECT_NATIVE;
    if (err == 0 && *ends) {
        cjd_lex_remark(x, CJD_REMARK_COMMA, &comma, "a comma behind the last entry");
    }
    return err;
}

static int scan_elements(struct cjd_lex *x, char close)
{
    bool ends;
    int err = cjd_lex_skip(x);

    err = err < 0 ? err : skip_commas(x);
    ends = cjd_lex_peek(x) == close;
    while (err == 0 && !ends) {
        err = close == '}' ? scan_member(x) : scan_value(x);
        err = err < 0 ? err : scan_comma(x, close, &ends);
    }
    return err;
}

static int scan_group(struct cjd_lex *x)
{
    return cjd_lex_group(x, scan_elements);
}

static int scan_word(struct cjd_lex *x)
{
    static const char *const words[] = {"null", "false", "true"};
    size_t left = x->len - x->at.offset;
    struct cjd_place at = x->at;

    for (unsigned i = 0; x->dialect == CJD_DIALECT_NATIVE && i < 3; i++) {
        size_t n = strlen(words[i]);
        if (left >= n && memcmp(x->text + x->at.offset, words[i], n) == 0) {
            x->at.offset += n;
            x->at.column += (unsigned)n;
            return x->events->literal(x->events->ctx, (enum cjd_literal)i, &at);
        }
    }
    return cjd_lex_expected(x, "a value: a string in double quotes, a number, '{' or '['");
}

static int scan_any(struct cjd_lex *x)
{
    int c = cjd_lex_peek(x);

    if (c == '{' || c == '[') {
        return scan_group(x);
    }
    if (c == '"') {
        return tell_text(x);
    }
    return starts_value(c) ? cjd_lex_number(x) : scan_word(x);
}

static int scan_value(struct cjd_lex *x)
{
    return cjd_lex_end(x, scan_any(x));
}

/* NATIVE: what is behind the closing brace besides white space and comments. */
static void scan_tail(struct cjd_lex *x)
{
    while (x->at.offset < x->len) {
        int c = cjd_lex_peek(x);
        int next = cjd_lex_peek_next(x);
        bool is_comment = c == '/' && (next == '/' || next == '*');
        if (!cjd_lex_is_space(c) && !is_comment) {
            cjd_lex_remark(x, CJD_REMARK_TAIL, &x->at, "text behind the end of the configuration");
            return;
        }
        if (cjd_lex_skip(x) < 0) {
            return;
        }
    }
}

static int scan_document(struct cjd_lex *x)
{
    static const char bom[] = "\xef\xbb\xbf";
    int err = 0;

    if (x->dialect == CJD_DIALECT_NATIVE) {
        if (x->len >= 3 && memcmp(x->text, bom, 3) == 0) {
            x->at.offset = 3;
        }
        err = cjd_lex_skip(x);
    }
    if (err == 0 && cjd_lex_peek(x) != '{') {
        err = cjd_lex_expected(x, "'{'");
    }
    err = err < 0 ? err : scan_value(x);
    if (err == 0 && x->dialect == CJD_DIALECT_NATIVE) {
        scan_tail(x);
    }
    return err;
}

int cjd_scan(const char *text, size_t len, enum cjd_dialect dialect,
             const struct cjd_scan_events *events)
{
    struct cjd_lex x = {.text = text,
                        .len = len,
                        .at = {.offset = 0, .line = 1, .column = 1},
                        .dialect = dialect,
                        .events = events};
    int err;

    if (len > CJD_SCAN_BYTES_MAX) {
        err = cjd_lex_fail(&x, "%zu bytes are too long for a configuration; %u are the limit", len,
                           CJD_SCAN_BYTES_MAX);
    } else {
        err = dialect == CJD_DIALECT_LEGACY ? cjd_scan_legacy(&x) : scan_document(&x);
    }
    cjd_buf_fini(&x.bytes);
    return err;
}
