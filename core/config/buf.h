/*
 * A growing byte buffer that wipes what it gives up: everything read here may be a secret.
 * Failure is sticky: after one failed growth nothing more is added and `failed` is set.
 */
#ifndef CJD_CONFIG_BUF_H
#define CJD_CONFIG_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include <cjd/err.h>

struct cjd_buf {
    char *v;
    size_t len;
    size_t cap;
    bool failed;
};

void cjd_buf_put(struct cjd_buf *b, const void *bytes, size_t n);
void cjd_buf_char(struct cjd_buf *b, char c);
void cjd_buf_text(struct cjd_buf *b, const char *text);
void cjd_buf_printf(struct cjd_buf *b, const char *format, ...) CJD_PRINTF(2, 3);
/* Keeps the memory. */
void cjd_buf_clear(struct cjd_buf *b);
void cjd_buf_fini(struct cjd_buf *b);
/* Wipes and frees a text; NULL is legal. */
void cjd_secret_free(char *text);

#endif
