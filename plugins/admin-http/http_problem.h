/*
 * Problem documents (RFC 9457) and what becomes of the registry's errors. Configuration notes
 * §18.4. Pure.
 */
#ifndef CJD_HTTP_PROBLEM_H
#define CJD_HTTP_PROBLEM_H

#include <jansson.h>

#include <cjd/rpc.h>

/* Kinds of problems: the suffix of "urn:cjdns:problem:…", its status, title, seconds until it is
 * worth trying again (0: nothing is said). */
#define CJD_HTTP_PROBLEM_LIST(X)                                                                   \
    X(MALFORMED, 400, "malformed-request", "Malformed request", 0)                                 \
    X(UNAUTHENTICATED, 401, "unauthenticated", "Who are you?", 0)                                  \
    X(FORBIDDEN, 403, "forbidden", "Forbidden", 0)                                                 \
    X(FOREIGN_ORIGIN, 403, "foreign-origin", "Request of a foreign page", 0)                       \
    X(NOT_FOUND, 404, "not-found", "Not found", 0)                                                 \
    X(METHOD, 405, "method-not-allowed", "Method not allowed", 0)                                  \
    X(NOT_ACCEPTABLE, 406, "not-acceptable", "No such representation", 0)                          \
    X(CONFLICT, 409, "conflict", "Conflict", 0)                                                    \
    X(PRECONDITION, 412, "precondition-failed", "Precondition failed", 0)                          \
    X(TOO_LARGE, 413, "too-large", "Too large", 0)                                                 \
    X(MEDIA_TYPE, 415, "unsupported-media-type", "Unsupported media type", 0)                      \
    X(WRONG_HOST, 421, "wrong-host", "Wrong host", 0)                                              \
    X(INVALID, 422, "invalid-parameter", "Invalid parameter", 0)                                   \
    X(RATE, 429, "rate-limited", "Too many requests", 1)                                           \
    X(FAILURES, 429, "rate-limited", "Too many wrong tokens", 60)                                  \
    X(INTERNAL, 500, "internal", "Internal error", 0)                                              \
    X(UNSUPPORTED, 501, "unsupported", "Not supported", 0)                                         \
    X(UNAVAILABLE, 503, "unavailable", "Unavailable", 5)                                           \
    X(TIMEOUT, 504, "timeout", "No answer in time", 0)

enum cjd_http_problem_kind {
#define CJD_HTTP_PROBLEM_ENUM(name, status, suffix, title, retry) CJD_HTTP_##name,
    CJD_HTTP_PROBLEM_LIST(CJD_HTTP_PROBLEM_ENUM)
#undef CJD_HTTP_PROBLEM_ENUM
};

struct cjd_http_problem_info {
    int status;
    const char *suffix;
    const char *title;
    unsigned retry_s;
};

const struct cjd_http_problem_info *cjd_http_problem_info(enum cjd_http_problem_kind kind);

/* The kind of an error of the registry. err: CJD_ERR_… */
enum cjd_http_problem_kind cjd_http_problem_of(int err);

/* An error of the registry as a value that may change threads, and back into texts. NULL: out of
 * memory. */
json_t *cjd_http_error_pack(const struct cjd_rpc_error *error);

/* A document. instance: path of the request. error: of cjd_http_error_pack(); borrowed.
 * NULL: out of memory. */
json_t *cjd_http_problem(enum cjd_http_problem_kind kind, const char *instance,
                         const json_t *error);

/* An error made here. */
json_t *cjd_http_error(const char *code, const char *pointer, const char *message,
                       const char *hint);

#endif
