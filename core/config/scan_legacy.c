#include <config/lex.h>

/*
 * The parser of files before version 2, as observed (configuration notes §2). It looks for what it
 * can use and steps over the rest: commas are decoration, and an unknown word vanishes.
 */

static int legacy_value(struct cjd_lex *x);

/* In a list or before a value a slash that begins no comment is the end. */
static int skip(struct cjd_lex *x)
{
    int err = cjd_lex_skip(x);

    return err == 0 && cjd_lex_peek(x) == '/' ? cjd_lex_expected(x, "a comment") : err;
}

static void junk(struct cjd_lex *x, bool *is_told)
{
    if (!*is_told) {
        cjd_lex_remark(x, CJD_REMARK_JUNK, &x->at,
                       "this means nothing here and is skipped, as in files before version 2");
        *is_told = true;
    }
}

/* To the next key or the closing brace. A stray slash takes one more character with it. */
static int find_key(struct cjd_lex *x)
{
    bool is_told = false;

    for (;;) {
        int err = cjd_lex_skip(x);
        int c = cjd_lex_peek(x);
        if (err < 0 || c == '"' || c == '}') {
            return err;
        }
        if (c < 0) {
            return cjd_lex_expected(x, "a key in double quotes or '}'");
        }
        if (c != ',') {
            junk(x, &is_told);
        }
        cjd_lex_step(x);
        if (c == '/' && cjd_lex_peek(x) >= 0) {
            cjd_lex_step(x);
        }
    }
}

/* Everything up to the colon, comments or not. */
static int find_colon(struct cjd_lex *x)
{
    bool is_told = false;

    for (int c = cjd_lex_peek(x); c != ':'; c = cjd_lex_peek(x)) {
        if (c < 0) {
            return cjd_lex_expected(x, "':'");
        }
        if (!cjd_lex_is_space(c)) {
            junk(x, &is_told);
        }
        cjd_lex_step(x);
    }
    cjd_lex_step(x);
    return 0;
}

static int legacy_member(struct cjd_lex *x)
{
    struct cjd_place at = x->at;
    int err = cjd_lex_string(x);

    err = err < 0 ? err : x->events->key(x->events->ctx, x->bytes.v, x->bytes.len, &at);
    err = err < 0 ? err : find_colon(x);
    err = err < 0 ? err : skip(x);
    return err < 0 ? err : legacy_value(x);
}

static bool starts_value(int c)
{
    return c == '"' || c == '{' || c == '[' || cjd_lex_is_digit(c);
}

/* To the next value of a list or its end; minus signs and words are dropped. */
static int find_item(struct cjd_lex *x)
{
    bool is_told = false;

    for (;;) {
        int err = skip(x);
        int c = cjd_lex_peek(x);
        if (err < 0 || c == ']' || starts_value(c)) {
            return err;
        }
        if (c < 0) {
            return cjd_lex_expected(x, "a value or ']'");
        }
        if (c != ',') {
            junk(x, &is_told);
        }
        cjd_lex_step(x);
    }
}

static int legacy_elements(struct cjd_lex *x, char close)
{
    for (;;) {
        int err = close == '}' ? find_key(x) : find_item(x);
        if (err < 0 || cjd_lex_peek(x) == close) {
            return err;
        }
        err = close == '}' ? legacy_member(x) : legacy_value(x);
        if (err < 0) {
            return err;
        }
    }
}

static int legacy_group(struct cjd_lex *x)
{
    return cjd_lex_group(x, legacy_elements);
}

static int legacy_any(struct cjd_lex *x)
{
    struct cjd_place at = x->at;
    int c = cjd_lex_peek(x);

    if (c == '{' || c == '[') {
        return legacy_group(x);
    }
    if (c == '"') {
        int err = cjd_lex_string(x);
        return err < 0 ? err : x->events->text(x->events->ctx, x->bytes.v, x->bytes.len, &at);
    }
    return cjd_lex_is_digit(c)
               ? cjd_lex_number(x)
               : cjd_lex_expected(x, "a value: a string in double quotes, a number, '{' or '['");
}

static int legacy_value(struct cjd_lex *x)
{
    return cjd_lex_end(x, legacy_any(x));
}

int cjd_scan_legacy(struct cjd_lex *x)
{
    while (cjd_lex_peek(x) >= 0 && cjd_lex_peek(x) != '{') {
        cjd_lex_step(x);
    }
    return cjd_lex_peek(x) < 0 ? cjd_lex_expected(x, "'{'") : legacy_value(x);
}
