/* Answers: one way out for everything, so that every answer has the same headers. */
#include "http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct evkeyvalq *headers_of(struct cjd_http_exchange *x)
{
    return evhttp_request_get_output_headers(x->req);
}

/* What a listed page may do. */
static void allow_origin(struct cjd_http_exchange *x)
{
    struct evkeyvalq *h = headers_of(x);

    evhttp_add_header(h, "Access-Control-Allow-Origin", cjd_http_header(x, "Origin"));
    evhttp_add_header(h, "Vary", "Origin");
    if (x->verb != CJD_HTTP_VERB_OPTIONS) {
        return;
    }
    evhttp_add_header(h, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    evhttp_add_header(h, "Access-Control-Allow-Headers",
                      "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID");
    evhttp_add_header(h, "Access-Control-Max-Age", "600");
    if (cjd_http_header(x, "Access-Control-Request-Private-Network")) {
        evhttp_add_header(h, "Access-Control-Allow-Private-Network", "true");
    }
}

void cjd_http_answer_headers(struct cjd_http_exchange *x, const char *type)
{
    struct evkeyvalq *h = headers_of(x);
    bool is_page = type && strncmp(type, "text/html", 9) == 0;

    if (type) {
        evhttp_add_header(h, "Content-Type", type);
    }
    evhttp_add_header(h, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(h, "X-Frame-Options", "DENY");
    evhttp_add_header(h, "Referrer-Policy", "no-referrer");
    evhttp_add_header(h, "Cross-Origin-Resource-Policy", "same-origin");
    evhttp_add_header(h, "Cache-Control", "no-store");
    evhttp_add_header(h, "Content-Security-Policy",
                      is_page ? "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
                                "form-action 'none'"
                              : "default-src 'none'; frame-ancestors 'none'");
    if (x->has_listed_origin) {
        allow_origin(x);
    }
}

static void count(struct cjd_http_exchange *x, int status)
{
    struct cjd_http_server *s = x->server;
    const char *key = status < 400 ? "ok" : "error";

    if (!x->method) {
        return;
    }
    json_t *entry = json_object_get(s->calls, x->method);
    if (!entry) {
        entry = json_pack("{s:i, s:i}", "ok", 0, "error", 0);
        if (json_object_set_new(s->calls, x->method, entry) < 0) {
            return;
        }
    }
    json_object_set_new(entry, key,
                        json_integer(json_integer_value(json_object_get(entry, key)) + 1));
}

void cjd_http_answer_bytes(struct cjd_http_exchange *x, int status, const char *type,
                           const void *bytes, size_t len)
{
    bool has_body = x->verb != CJD_HTTP_VERB_HEAD && status != 204 && status != 304;
    struct evbuffer *body = has_body ? evbuffer_new() : NULL;
    char length[24];

    cjd_http_answer_headers(x, status == 204 || status == 304 ? NULL : type);
    if (status != 204 && status != 304) {
        snprintf(length, sizeof length, "%zu", len);
        evhttp_add_header(headers_of(x), "Content-Length", length);
    }
    if (body && evbuffer_add(body, bytes, len) < 0) {
        /* With the length said and nothing sent the client sees that it failed. */
        evhttp_add_header(headers_of(x), "Connection", "close");
    }
    count(x, status);
    /* What is the node's own trouble may go better next time. */
    if (x->kept && status < 500) {
        cjd_http_once_end(x->kept, status, bytes, len);
        x->kept = NULL;
    }
    /* First, since libevent may end the connection with the answer. */
    struct evhttp_request *req = x->req;
    cjd_http_exchange_free(x);
    evhttp_send_reply(req, status, NULL, body);
    if (body) {
        evbuffer_free(body);
    }
}

char *cjd_http_text(const json_t *value, size_t *len)
{
    char *text = value ? json_dumps(value, JSON_INDENT(1) | CJD_HTTP_DUMP) : NULL;

    *len = text ? strlen(text) : 0;
    if (text) {
        /* A line end behind it, for terminals; dumps has room for no more than the text. */
        char *longer = realloc(text, *len + 2);
        if (longer) {
            text = longer;
            memcpy(text + (*len)++, "\n", 2);
        }
    }
    return text;
}

static void answer_value(struct cjd_http_exchange *x, int status, const char *type,
                         const json_t *value)
{
    size_t len;
    char *text = cjd_http_text(value, &len);

    if (!text) {
        static const char empty[] = "{}\n";
        cjd_http_answer_bytes(x, 503, "application/problem+json", empty, sizeof empty - 1);
        return;
    }
    cjd_http_answer_bytes(x, status, type, text, len);
    free(text);
}

void cjd_http_answer_json(struct cjd_http_exchange *x, int status, const json_t *value)
{
    answer_value(x, status, "application/json", value);
}

void cjd_http_answer_tagged(struct cjd_http_exchange *x, const char *type, const char *text)
{
    char tag[CJD_HTTP_TAG_SIZE];
    size_t len = strlen(text);

    cjd_http_tag(tag, text, len);
    evhttp_add_header(headers_of(x), "ETag", tag);
    bool has_it = cjd_http_tag_matches(cjd_http_header(x, "If-None-Match"), tag, true);
    cjd_http_answer_bytes(x, has_it ? 304 : 200, type, text, len);
}

void cjd_http_answer_value(struct cjd_http_exchange *x, const json_t *value)
{
    size_t len;
    char *text = cjd_http_text(value, &len);

    if (text) {
        cjd_http_answer_tagged(x, "application/json", text);
    } else {
        cjd_http_answer_problem(x, CJD_HTTP_UNAVAILABLE, NULL);
    }
    free(text);
}

/* --- problems -----------------------------------------------------------------------------------
 */

static void add_problem_headers(struct cjd_http_exchange *x, enum cjd_http_problem_kind kind)
{
    const struct cjd_http_problem_info *info = cjd_http_problem_info(kind);
    char seconds[16];

    if (kind == CJD_HTTP_UNAUTHENTICATED) {
        evhttp_add_header(headers_of(x), "WWW-Authenticate", "Bearer realm=\"cjdns\"");
    }
    if (info->retry_s > 0) {
        snprintf(seconds, sizeof seconds, "%u", info->retry_s);
        evhttp_add_header(headers_of(x), "Retry-After", seconds);
    }
}

void cjd_http_answer_problem(struct cjd_http_exchange *x, enum cjd_http_problem_kind kind,
                             json_t *error)
{
    const json_t *scope = json_object_get(error, "required_scope");
    json_t *doc = cjd_http_problem(kind, x->raw_path, error);

    if (doc && scope) {
        json_object_set_new(doc, "required_scope",
                            json_string(cjd_http_scope_word((uint32_t)json_integer_value(scope))));
    }
    add_problem_headers(x, kind);
    answer_value(x, cjd_http_problem_info(kind)->status, "application/problem+json", doc);
    json_decref(doc);
    json_decref(error);
}

void cjd_http_answer_refusal(struct cjd_http_exchange *x, enum cjd_http_problem_kind kind,
                             const char *code, const char *message, const char *hint)
{
    cjd_http_answer_problem(x, kind, cjd_http_error(code, "", message, hint));
}

void cjd_http_answer_error(struct cjd_http_exchange *x, const json_t *error)
{
    int err = (int)json_integer_value(json_object_get(error, "err"));

    /* Shared with the other thread: looked at, not consumed. */
    cjd_http_answer_problem(x, cjd_http_problem_of(err), json_deep_copy(error));
}

void cjd_http_answer_options(struct cjd_http_exchange *x, uint32_t verbs)
{
    char text[CJD_HTTP_VERBS_SIZE];

    cjd_http_verbs_text(text, verbs);
    evhttp_add_header(headers_of(x), "Allow", text);
    cjd_http_answer_bytes(x, 204, NULL, NULL, 0);
}
