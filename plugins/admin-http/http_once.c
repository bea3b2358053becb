#include "http_once.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

static void forget(struct cjd_http_kept *kept)
{
    free(kept->text);
    *kept = (struct cjd_http_kept){0};
}

static void hash_ask(struct cjd_http_kept *out, const struct cjd_http_once_ask *ask)
{
    crypto_hash_sha256_state state;
    const char *const parts[] = {ask->caller, ask->path, ask->key};

    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        /* With its NUL, so that parts do not run into each other. */
        crypto_hash_sha256_update(&state, (const uint8_t *)parts[i], strlen(parts[i]) + 1);
    }
    crypto_hash_sha256_final(&state, out->id);
    crypto_hash_sha256(out->request, ask->body, ask->body_len);
}

static struct cjd_http_kept *find(struct cjd_http_once *once, const uint8_t id[32])
{
    for (size_t i = 0; i < CJD_HTTP_ONCE_MAX; i++) {
        if (once->v[i].at_ns > 0 && memcmp(once->v[i].id, id, 32) == 0) {
            return &once->v[i];
        }
    }
    return NULL;
}

/* A free place, or that of the oldest answer. */
static struct cjd_http_kept *make_room(struct cjd_http_once *once)
{
    struct cjd_http_kept *oldest = NULL;

    for (size_t i = 0; i < CJD_HTTP_ONCE_MAX; i++) {
        struct cjd_http_kept *k = &once->v[i];
        if (!k->is_under_way && (!oldest || k->at_ns < oldest->at_ns)) {
            oldest = k;
        }
    }
    if (oldest) {
        forget(oldest);
    }
    return oldest;
}

enum cjd_http_once_found cjd_http_once_begin(struct cjd_http_once *once,
                                             const struct cjd_http_once_ask *ask, uint64_t now_ns,
                                             struct cjd_http_kept **out)
{
    struct cjd_http_kept asked = {.at_ns = now_ns > 0 ? now_ns : 1, .is_under_way = true};

    hash_ask(&asked, ask);
    *out = find(once, asked.id);
    if (*out && !(*out)->is_under_way && now_ns - (*out)->at_ns > CJD_HTTP_ONCE_NS) {
        forget(*out);
        *out = NULL;
    }
    if (*out) {
        return memcmp((*out)->request, asked.request, 32) != 0 ? CJD_HTTP_ONCE_DIFFERENT
               : (*out)->is_under_way                          ? CJD_HTTP_ONCE_UNDER_WAY
                                                               : CJD_HTTP_ONCE_AGAIN;
    }
    *out = make_room(once);
    if (!*out) {
        return CJD_HTTP_ONCE_FULL;
    }
    **out = asked;
    return CJD_HTTP_ONCE_NEW;
}

void cjd_http_once_end(struct cjd_http_kept *kept, int status, const char *text, size_t len)
{
    char *copy = text && len <= CJD_HTTP_ONCE_BYTES ? malloc(len + 1) : NULL;

    if (!copy) {
        forget(kept);
        return;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    kept->text = copy;
    kept->len = len;
    kept->status = status;
    kept->is_under_way = false;
}

void cjd_http_once_fini(struct cjd_http_once *once)
{
    for (size_t i = 0; i < CJD_HTTP_ONCE_MAX; i++) {
        forget(&once->v[i]);
    }
}
