/*
 * Whether a request is answered at all: limits, framing, Host, Origin, token, scope. Configuration
 * notes §18.7. Each check that fails answers and ends the exchange.
 */
#include "http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- limits and framing -------------------------------------------------------------------------
 */

/* So many requests a second, and as many saved up. */
static bool has_allowance(struct cjd_http_server *s)
{
    uint64_t now_ns = s->time->now_ns(s->host);
    double rate = s->config->limits.requests_per_s;

    s->allowance += (double)(now_ns - s->allowance_ns) * rate / 1e9;
    s->allowance_ns = now_ns;
    if (s->allowance > rate) {
        s->allowance = rate;
    }
    if (s->allowance < 1) {
        return false;
    }
    s->allowance -= 1;
    return true;
}

static bool is_repeated(const struct evkeyvalq *headers, const char *name)
{
    unsigned n = 0;

    for (const struct evkeyval *h = headers->tqh_first; h; h = h->next.tqe_next) {
        n += strcasecmp(h->key, name) == 0 ? 1 : 0;
    }
    return n > 1;
}

/* What two programs could understand differently is refused (RFC 9112 §6.3, §11.2). */
static const char *find_ambiguity(const struct cjd_http_exchange *x)
{
    static const char *const once[] = {"Host",         "Content-Length", "Transfer-Encoding",
                                       "Origin",       "Authorization",  "Content-Type",
                                       "Last-Event-ID"};
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(x->req);
    const char *encoding = cjd_http_header(x, "Transfer-Encoding");
    const char *length = cjd_http_header(x, "Content-Length");

    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
        if (is_repeated(headers, once[i])) {
            return "a header stands twice";
        }
    }
    if (encoding && (length || strcasecmp(encoding, "chunked") != 0)) {
        return "the body has no clear length";
    }
    if (length && (length[0] == '\0' || length[strspn(length, "0123456789")] != '\0')) {
        return "Content-Length is no number";
    }
    if (x->verb == CJD_HTTP_VERB_HEAD && (encoding || (length && atoi(length) > 0))) {
        return "HEAD has no body";
    }
    return NULL;
}

bool cjd_http_check_framing(struct cjd_http_exchange *x)
{
    const char *why = find_ambiguity(x);

    if (!why && (!x->raw_path || cjd_http_path_split(&x->path, x->raw_path) < 0)) {
        why = "the path cannot be read";
    }
    if (why) {
        x->server->counters.malformed_requests++;
        evhttp_add_header(evhttp_request_get_output_headers(x->req), "Connection", "close");
        cjd_http_answer_refusal(x, CJD_HTTP_MALFORMED, "malformed_request", why, "");
        return false;
    }
    return true;
}

bool cjd_http_check_limits(struct cjd_http_exchange *x)
{
    struct cjd_http_server *s = x->server;

    s->counters.received_requests++;
    if (x->conn->is_refused) {
        evhttp_add_header(evhttp_request_get_output_headers(x->req), "Connection", "close");
        cjd_http_answer_refusal(x, CJD_HTTP_UNAVAILABLE, "too_many_connections",
                                "there are too many connections",
                                "close some, or raise "
                                "\"limits\" in the configuration of admin-http");
        return false;
    }
    if (!has_allowance(s)) {
        s->counters.limited_requests++;
        cjd_http_answer_refusal(x, CJD_HTTP_RATE, "too_many_requests",
                                "there are too many requests a second", "");
        return false;
    }
    return true;
}

/* --- browsers -----------------------------------------------------------------------------------
 */

static bool host_is_ours(const struct cjd_http_exchange *x, const struct cjd_http_site *site)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(x->req);
    const char *host = evhttp_uri_get_host(uri);
    char text[300];

    /* "GET http://name/ HTTP/1.1": the name there counts, and must not differ from ours either. */
    if (host) {
        int port = evhttp_uri_get_port(uri);
        snprintf(text, sizeof text, "%s:%d", host, port < 0 ? 80 : port);
        if (!cjd_http_host_is_ours(site, text)) {
            return false;
        }
    }
    return cjd_http_host_is_ours(site, cjd_http_header(x, "Host"));
}

bool cjd_http_check_browser(struct cjd_http_exchange *x)
{
    struct cjd_http_server *s = x->server;
    const struct cjd_http_client *client = &x->conn->client;
    struct cjd_http_site site = {.family = client->family,
                                 .port = client->own_port,
                                 .host_names = s->config->host_names,
                                 .host_name_count = s->config->host_name_count,
                                 .cors_origins = s->config->cors_origins,
                                 .cors_count = s->config->cors_count};

    if (client->place == CJD_HTTP_UNIX) {
        return true;
    }
    memcpy(site.ip, client->own_ip, sizeof site.ip);
    if (!host_is_ours(x, &site)) {
        s->counters.wrong_host_requests++;
        cjd_http_answer_refusal(x, CJD_HTTP_WRONG_HOST, "wrong_host",
                                "the Host header names neither this address nor a known name",
                                "ask by the address itself, or list the name in \"hostNames\"");
        return false;
    }
    enum cjd_http_origin origin =
        cjd_http_origin(&site, cjd_http_header(x, "Origin"), cjd_http_header(x, "Sec-Fetch-Site"));
    if (origin == CJD_HTTP_ORIGIN_FOREIGN) {
        s->counters.foreign_origin_requests++;
        cjd_http_answer_refusal(x, CJD_HTTP_FOREIGN_ORIGIN, "foreign_origin",
                                "a page of another site may not ask here",
                                "list its origin in \"corsOrigins\" if it should");
        return false;
    }
    x->has_listed_origin = origin == CJD_HTTP_ORIGIN_LISTED;
    return true;
}

/* --- who asks -----------------------------------------------------------------------------------
 */

static bool take_token(struct cjd_http_exchange *x, const char *authorization)
{
    struct cjd_http_server *s = x->server;
    uint64_t wall_ms = s->time->wall_ms(s->host, NULL);
    const struct cjd_http_token *token =
        cjd_http_token_find(s->config->tokens, s->config->token_count, authorization, wall_ms);

    if (!token && s->made.name) {
        token = cjd_http_token_find(&s->made, 1, authorization, wall_ms);
    }
    if (token) {
        x->scopes = token->scopes;
        snprintf(x->caller, sizeof x->caller, "admin-http token \"%s\" from %s", token->name,
                 x->conn->client.text);
        return true;
    }
    s->counters.auth_failures++;
    cjd_http_warn(s, "a wrong token was presented", &x->conn->client);
    if (cjd_http_failures_add(&s->failures, &x->conn->client, s->time->now_ns(s->host))) {
        cjd_http_answer_refusal(x, CJD_HTTP_FAILURES, "too_many_failures",
                                "there were too many wrong tokens from this address", "");
    } else {
        cjd_http_answer_refusal(x, CJD_HTTP_UNAUTHENTICATED, "wrong_token",
                                "this token is not known, or no longer good", "");
    }
    return false;
}

bool cjd_http_identify(struct cjd_http_exchange *x)
{
    struct cjd_http_server *s = x->server;
    const struct cjd_http_conn *conn = x->conn;
    const char *authorization = cjd_http_header(x, "Authorization");

    if (authorization) {
        return take_token(x, authorization);
    }
    x->scopes = cjd_http_client_scopes(s->config, &conn->client, conn->face->group, s->own_uid);
    snprintf(x->caller, sizeof x->caller, "admin-http %s", conn->client.text);
    return true;
}

bool cjd_http_check_scope(struct cjd_http_exchange *x, uint32_t wanted)
{
    json_t *error;

    if ((x->scopes & wanted) != 0) {
        return true;
    }
    if (x->scopes == 0 && x->conn->client.place != CJD_HTTP_UNIX) {
        cjd_http_answer_refusal(x, CJD_HTTP_UNAUTHENTICATED, "token_missing", "a token is needed",
                                "send the header \"Authorization: Bearer TOKEN\"");
        return false;
    }
    error = cjd_http_error("scope_missing", "", "you may not do this",
                           "ask whoever set up the access for the scope that is missing");
    if (error) {
        json_object_set_new(error, "required_scope", json_integer(wanted));
    }
    cjd_http_answer_problem(x, CJD_HTTP_FORBIDDEN, error);
    return false;
}
