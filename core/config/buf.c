#include <config/buf.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not realloc, which would leave a copy behind. */
static bool grow(struct cjd_buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : 64;

    while (cap < need) {
        cap *= 2;
    }
    char *grown = malloc(cap);
    if (!grown) {
        b->failed = true;
        return false;
    }
    if (b->len > 0) {
        memcpy(grown, b->v, b->len);
        explicit_bzero(b->v, b->len);
    }
    free(b->v);
    b->v = grown;
    b->cap = cap;
    return true;
}

void cjd_buf_put(struct cjd_buf *b, const void *bytes, size_t n)
{
    if (b->failed || n == 0 || (b->cap - b->len < n && !grow(b, b->len + n))) {
        return;
    }
    memcpy(b->v + b->len, bytes, n);
    b->len += n;
}

void cjd_buf_char(struct cjd_buf *b, char c)
{
    cjd_buf_put(b, &c, 1);
}

void cjd_buf_text(struct cjd_buf *b, const char *text)
{
    cjd_buf_put(b, text, strlen(text));
}

void cjd_buf_printf(struct cjd_buf *b, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
        return;
    }
    cjd_buf_put(b, text, (size_t)n);
    cjd_secret_free(text);
}

void cjd_buf_clear(struct cjd_buf *b)
{
    if (b->len > 0) {
        explicit_bzero(b->v, b->len);
    }
    b->len = 0;
}

void cjd_buf_fini(struct cjd_buf *b)
{
    cjd_buf_clear(b);
    free(b->v);
    *b = (struct cjd_buf){0};
}

void cjd_secret_free(char *text)
{
    if (text) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}
