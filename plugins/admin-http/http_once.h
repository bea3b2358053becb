/*
 * Answers that are kept, so that a POST that is sent again is not done again: header
 * Idempotency-Key, configuration notes §18.2. Bounded; the oldest answer goes. Pure.
 */
#ifndef CJD_HTTP_ONCE_H
#define CJD_HTTP_ONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CJD_HTTP_ONCE_MAX   64u
#define CJD_HTTP_ONCE_BYTES 16384u /* longer answers are not kept */
#define CJD_HTTP_ONCE_NS    600000000000ull

struct cjd_http_kept {
    uint8_t id[32];      /* of who asks, path and key */
    uint8_t request[32]; /* of the body */
    uint64_t at_ns;      /* 0: free */
    bool is_under_way;
    int status;
    char *text;
    size_t len;
};

struct cjd_http_once {
    struct cjd_http_kept v[CJD_HTTP_ONCE_MAX];
};

enum cjd_http_once_found {
    CJD_HTTP_ONCE_NEW,       /* *out is to be ended by cjd_http_once_end() */
    CJD_HTTP_ONCE_AGAIN,     /* *out has the answer */
    CJD_HTTP_ONCE_UNDER_WAY, /* the first one is not answered yet */
    CJD_HTTP_ONCE_DIFFERENT, /* the key was used for another body */
    CJD_HTTP_ONCE_FULL
};

struct cjd_http_once_ask {
    const char *caller;
    const char *path;
    const char *key;
    const void *body;
    size_t body_len;
};

enum cjd_http_once_found cjd_http_once_begin(struct cjd_http_once *once,
                                             const struct cjd_http_once_ask *ask, uint64_t now_ns,
                                             struct cjd_http_kept **out);
/* Keeps the answer, copied; text NULL, or too long: forgets that it was asked. */
void cjd_http_once_end(struct cjd_http_kept *kept, int status, const char *text, size_t len);
void cjd_http_once_fini(struct cjd_http_once *once);

#endif
