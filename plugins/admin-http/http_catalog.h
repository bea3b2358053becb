/*
 * What the registry offered when it was last asked: a copy the HTTP thread can look things up in.
 *
 * Made on the control thread, handed over as a whole, never changed after. Paths are matched
 * segment by segment, each decoded on its own, so that "%2F" in one is no separator.
 */
#ifndef CJD_HTTP_CATALOG_H
#define CJD_HTTP_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <cjd/rpc.h>

#define CJD_HTTP_SEGMENTS_MAX 16u

/* Verbs, as bits. */
#define CJD_HTTP_VERB_LIST(X)                                                                      \
    X(GET, 1u)                                                                                     \
    X(HEAD, 2u)                                                                                    \
    X(POST, 4u)                                                                                    \
    X(PUT, 8u)                                                                                     \
    X(PATCH, 16u)                                                                                  \
    X(DELETE, 32u)                                                                                 \
    X(OPTIONS, 64u)

enum cjd_http_verb {
    CJD_HTTP_VERB_NONE = 0,
#define CJD_HTTP_VERB_ENUM(name, bit) CJD_HTTP_VERB_##name = (bit),
    CJD_HTTP_VERB_LIST(CJD_HTTP_VERB_ENUM)
#undef CJD_HTTP_VERB_ENUM
};

/* 0 if there is no such verb. */
uint32_t cjd_http_verb_of(const char *text);
/* Room for the names of all verbs. */
#define CJD_HTTP_VERBS_SIZE 64u
/* "GET, HEAD, OPTIONS" */
void cjd_http_verbs_text(char out[CJD_HTTP_VERBS_SIZE], uint32_t verbs);

/* A path taken apart. */
struct cjd_http_path {
    char *segments[CJD_HTTP_SEGMENTS_MAX];
    size_t count;
    bool ends_in_slash;
};

/* CJD_ERR_PARSE: no path, or not to be decoded; CJD_ERR_TOO_LONG; CJD_ERR_NO_MEMORY. */
CJD_MUST_CHECK int cjd_http_path_split(struct cjd_http_path *out, const char *path);
void cjd_http_path_fini(struct cjd_http_path *path);

struct cjd_http_route {
    uint32_t verb;
    uint32_t captured; /* bit i: segment i is the name of an argument */
    char *segments[CJD_HTTP_SEGMENTS_MAX];
    size_t segment_count;
    uint32_t scope;
    uint32_t flags;
    uint32_t timeout_ms;
    char *verb_text;
    char *path;
    char *method; /* full name */
    char *provider;
    char *summary;
    char *description;
    json_t *args;
    json_t *item; /* NULL without ITEMS */
    json_t *result;
    char *cut; /* what the segments point into */
};

struct cjd_http_catalog {
    uint64_t revision;
    char boot_id[17];
    struct cjd_http_route *routes;
    size_t count;
    json_t *events; /* [{"name", "provider", "summary", "data"}, …] */
};

/* [control] NULL: out of memory. */
struct cjd_http_catalog *cjd_http_catalog_new(const struct cjd_rpc_service *rpc,
                                              const struct cjd_host *host);
/* NULL is legal. */
void cjd_http_catalog_free(struct cjd_http_catalog *catalog);

/* The route of a verb and path; HEAD is answered by GET. Where several fit, the one whose words are
 * given rather than captured, from the left. allowed: verbs of all that fit; 0: no such path. */
const struct cjd_http_route *cjd_http_catalog_match(const struct cjd_http_catalog *catalog,
                                                    uint32_t verb, const struct cjd_http_path *path,
                                                    uint32_t *allowed);
/* The route of a method, or NULL. */
const struct cjd_http_route *cjd_http_catalog_find(const struct cjd_http_catalog *catalog,
                                                   const char *method);

#endif
