/*
 * The scanner's cursor and what is below the grammar: white space, comments, strings, numbers.
 * Private to the scanner.
 */
#ifndef CJD_CONFIG_LEX_H
#define CJD_CONFIG_LEX_H

#include <config/buf.h>
#include <config/scan.h>

struct cjd_lex {
    const char *text;
    size_t len;
    struct cjd_place at;
    enum cjd_dialect dialect;
    unsigned depth;
    const struct cjd_scan_events *events;
    struct cjd_buf bytes; /* of the string or number read last */
};

/* The byte under the cursor, or -1 at the end. */
static inline int cjd_lex_peek(const struct cjd_lex *x)
{
    return x->at.offset < x->len ? (unsigned char)x->text[x->at.offset] : -1;
}

static inline int cjd_lex_peek_next(const struct cjd_lex *x)
{
    return x->at.offset + 1 < x->len ? (unsigned char)x->text[x->at.offset + 1] : -1;
}

static inline bool cjd_lex_is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline bool cjd_lex_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

void cjd_lex_step(struct cjd_lex *x);
void cjd_lex_remark(struct cjd_lex *x, enum cjd_remark kind, const struct cjd_place *at,
                    const char *format, ...) CJD_PRINTF(4, 5);
/* A fatal remark under the cursor; always CJD_ERR_PARSE. */
int cjd_lex_fail(struct cjd_lex *x, const char *format, ...) CJD_PRINTF(2, 3);
/* "expected WHAT, found 'x'" or "… found the end of the file". */
int cjd_lex_expected(struct cjd_lex *x, const char *what);

/* White space and comments. */
CJD_MUST_CHECK int cjd_lex_skip(struct cjd_lex *x);
/* A string from its opening quote; its bytes go to x->bytes. */
CJD_MUST_CHECK int cjd_lex_string(struct cjd_lex *x);
/* A number by the rules of the dialect, told as an event. */
CJD_MUST_CHECK int cjd_lex_number(struct cjd_lex *x);

/* After a value: tells its end if it was read. Passes `err` on. */
int cjd_lex_end(struct cjd_lex *x, int err);

/* LEGACY's whole grammar. */
CJD_MUST_CHECK int cjd_scan_legacy(struct cjd_lex *x);
/* Counts the depth up or fails; the caller counts down. */
CJD_MUST_CHECK int cjd_lex_enter(struct cjd_lex *x);
/* A whole object or list: reports its begin and end, `elements` reads what is between up to
 * `close`. */
CJD_MUST_CHECK int cjd_lex_group(struct cjd_lex *x, int (*elements)(struct cjd_lex *x, char close));

#endif
