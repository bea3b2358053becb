#include "http_problem.h"

#include <string.h>

const struct cjd_http_problem_info *cjd_http_problem_info(enum cjd_http_problem_kind kind)
{
    static const struct cjd_http_problem_info infos[] = {
#define CJD_HTTP_PROBLEM_INFO(name, status, suffix, title, retry) {status, suffix, title, retry},
        CJD_HTTP_PROBLEM_LIST(CJD_HTTP_PROBLEM_INFO)
#undef CJD_HTTP_PROBLEM_INFO
    };
    return &infos[kind];
}

enum cjd_http_problem_kind cjd_http_problem_of(int err)
{
    switch (err) {
    case CJD_ERR_INVALID:
    case CJD_ERR_PARSE:
    case CJD_ERR_TOO_LONG:
    case CJD_ERR_BAD_KEY:
    case CJD_ERR_OWN_KEY:
    case CJD_ERR_CONFIG:
        return CJD_HTTP_INVALID;
    case CJD_ERR_NOT_FOUND:
    case CJD_ERR_NO_DEVICE:
    case CJD_ERR_NO_ROUTE:
        return CJD_HTTP_NOT_FOUND;
    case CJD_ERR_EXISTS:
    case CJD_ERR_STATE:
    case CJD_ERR_BUSY:
    case CJD_ERR_RESTART_NEEDED:
        return CJD_HTTP_CONFLICT;
    case CJD_ERR_PERMISSION:
        return CJD_HTTP_FORBIDDEN;
    case CJD_ERR_UNSUPPORTED:
        return CJD_HTTP_UNSUPPORTED;
    case CJD_ERR_FULL:
    case CJD_ERR_AGAIN:
    case CJD_ERR_NO_MEMORY:
        return CJD_HTTP_UNAVAILABLE;
    case CJD_ERR_TIMEOUT:
        return CJD_HTTP_TIMEOUT;
    default:
        return CJD_HTTP_INTERNAL;
    }
}

json_t *cjd_http_error(const char *code, const char *pointer, const char *message, const char *hint)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "code", code, "pointer", pointer, "message", message,
                     "hint", hint);
}

json_t *cjd_http_error_pack(const struct cjd_rpc_error *error)
{
    json_t *value = cjd_http_error(error->code, error->pointer, error->message, error->hint);

    if (value && json_object_set_new(value, "err", json_integer(error->err)) < 0) {
        json_decref(value);
        return NULL;
    }
    return value;
}

/* Text that is no UTF-8, such as a path as it was sent, is left out. */
static int set(json_t *object, const char *key, const char *text)
{
    json_t *value = text && text[0] != '\0' ? json_string(text) : NULL;
    return value ? json_object_set_new(object, key, value) : 0;
}

json_t *cjd_http_problem(enum cjd_http_problem_kind kind, const char *instance, const json_t *error)
{
    const struct cjd_http_problem_info *info = cjd_http_problem_info(kind);
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *pointer = json_string_value(json_object_get(error, "pointer"));
    json_t *doc = json_pack("{s:s+, s:s, s:i}", "type", "urn:cjdns:problem:", info->suffix, "title",
                            info->title, "status", info->status);

    int failed = set(doc, "detail", message);
    failed |= set(doc, "instance", instance);
    failed |= set(doc, "code", json_string_value(json_object_get(error, "code")));
    failed |= set(doc, "hint", json_string_value(json_object_get(error, "hint")));
    if (pointer && pointer[0] != '\0') {
        failed |= json_object_set_new(doc, "errors",
                                      json_pack("[{s:s, s:s}]", "pointer", pointer, "detail",
                                                message ? message : info->title));
    }
    if (!doc || failed) {
        json_decref(doc);
        return NULL;
    }
    return doc;
}
