/*
 * From a request to an errand: where to, with what. The order of the checks: limits, framing, Host,
 * Origin, token, path, scope, form of the answer, body, arguments.
 */
#include "http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_args.h"

const char *cjd_http_header(const struct cjd_http_exchange *x, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(x->req), name);
}

/* --- life ---------------------------------------------------------------------------------------
 */

void cjd_http_exchange_free(struct cjd_http_exchange *x)
{
    if (x->conn) {
        x->conn->exchange = NULL;
        cjd_http_conn_unawait(x->conn);
    }
    if (x->errand) {
        x->errand->owner = NULL; /* freed when it comes back */
    }
    if (x->is_counted) {
        x->server->stream_count--;
    }
    if (x->heartbeat) {
        event_free(x->heartbeat);
    }
    if (x->kept) {
        cjd_http_once_end(x->kept, 0, NULL, 0);
    }
    cjd_http_path_fini(&x->path);
    free(x->method);
    json_decref(x->args);
    json_decref(x->items);
    free(x);
}

static void cancel_errand(struct cjd_http_exchange *x)
{
    struct cjd_http_letter *letter = x->errand ? calloc(1, sizeof *letter) : NULL;

    if (letter) {
        letter->kind = CJD_HTTP_LETTER_CANCEL;
        letter->errand = x->errand;
        cjd_http_box_put(x->server->control, letter);
    }
}

void cjd_http_exchange_gone(struct cjd_http_exchange *x)
{
    cancel_errand(x);
    if (!evhttp_request_get_connection(x->req)) {
        evhttp_request_free(x->req); /* libevent left it to us */
    }
    cjd_http_exchange_free(x);
}

static void keep_errand(struct cjd_http_server *s, struct cjd_http_errand *errand)
{
    errand->mine_next = s->errands;
    if (errand->mine_next) {
        errand->mine_next->mine_prev = errand;
    }
    s->errands = errand;
}

void cjd_http_errand_back(struct cjd_http_server *s, struct cjd_http_errand *errand)
{
    if (errand->mine_prev) {
        errand->mine_prev->mine_next = errand->mine_next;
    } else {
        s->errands = errand->mine_next;
    }
    if (errand->mine_next) {
        errand->mine_next->mine_prev = errand->mine_prev;
    }
    cjd_http_errand_free(errand);
}

void cjd_http_exchange_send(struct cjd_http_exchange *x, struct cjd_http_errand *errand,
                            void (*done)(struct cjd_http_exchange *x, json_t *value, json_t *error))
{
    struct cjd_http_letter *letter = errand ? calloc(1, sizeof *letter) : NULL;

    if (!letter) {
        cjd_http_errand_free(errand);
        cjd_http_answer_problem(x, CJD_HTTP_UNAVAILABLE, NULL);
        return;
    }
    errand->owner = x;
    errand->scopes = x->scopes;
    snprintf(errand->caller, sizeof errand->caller, "%s", x->caller);
    keep_errand(x->server, errand);
    x->errand = errand;
    x->done = done;
    if (!x->is_streaming) {
        cjd_http_conn_await(x->conn);
    }
    letter->kind = CJD_HTTP_LETTER_CALL;
    letter->errand = errand;
    cjd_http_box_put(x->server->control, letter);
}

/* --- calls --------------------------------------------------------------------------------------
 */

static void on_called(struct cjd_http_exchange *x, json_t *value, json_t *error)
{
    if (x->form != CJD_HTTP_JSON || x->items) {
        cjd_http_stream_result(x, value, error);
    } else if (!value) {
        cjd_http_answer_error(x, error);
    } else if ((x->verb & (CJD_HTTP_VERB_GET | CJD_HTTP_VERB_HEAD)) != 0) {
        cjd_http_answer_value(x, value);
    } else {
        cjd_http_answer_json(x, 200, value);
    }
}

static void call(struct cjd_http_exchange *x)
{
    struct cjd_http_errand *errand = cjd_http_errand_new(CJD_HTTP_CALL);

    if (errand) {
        errand->method = strdup(x->method);
        errand->args = json_incref(x->args);
        errand->wants_items = x->items != NULL;
    }
    if (errand && !errand->method) {
        cjd_http_errand_free(errand);
        errand = NULL;
    }
    cjd_http_exchange_send(x, errand, on_called);
}

/* If-Match: goes on if what GET says is what the client has seen. */
static void on_seen(struct cjd_http_exchange *x, json_t *value, json_t *error)
{
    char tag[CJD_HTTP_TAG_SIZE] = "";
    size_t len;
    char *text;

    if (!value) {
        cjd_http_answer_error(x, error);
        return;
    }
    text = cjd_http_text(value, &len);
    if (text) {
        cjd_http_tag(tag, text, len);
        free(text);
    }
    if (!cjd_http_tag_matches(cjd_http_header(x, "If-Match"), tag, false)) {
        cjd_http_answer_refusal(x, CJD_HTTP_PRECONDITION, "changed",
                                "it is not what you have seen any more", "read it again");
        return;
    }
    call(x);
}

static void look_first(struct cjd_http_exchange *x)
{
    uint32_t allowed;
    const struct cjd_http_route *route =
        cjd_http_catalog_match(x->server->catalog, CJD_HTTP_VERB_GET, &x->path, &allowed);
    json_t *args = NULL;
    json_t *error = NULL;

    if (!route || cjd_http_args_read(&args, route, &x->path, NULL, NULL, &error) < 0) {
        json_decref(error);
        cjd_http_answer_refusal(x, CJD_HTTP_PRECONDITION, "nothing_to_compare",
                                "there is nothing here that If-Match could be compared with", "");
        return;
    }
    struct cjd_http_errand *errand = cjd_http_errand_new(CJD_HTTP_CALL);
    if (errand) {
        errand->method = strdup(route->method);
        errand->args = args;
    } else {
        json_decref(args);
    }
    cjd_http_exchange_send(x, errand, on_seen);
}

/* The body as an object; false: answered. */
static bool read_body(struct cjd_http_exchange *x, json_t **out)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(x->req);
    size_t len = evbuffer_get_length(body);
    const char *type = cjd_http_header(x, "Content-Type");
    json_t *error = NULL;

    *out = NULL;
    if (len > 0 && !cjd_http_is_json(type)) {
        cjd_http_answer_refusal(x, CJD_HTTP_MEDIA_TYPE, "not_json",
                                "bodies are taken as application/json in UTF-8 only",
                                "send the header \"Content-Type: application/json\"");
        return false;
    }
    const char *bytes = len > 0 ? (const char *)evbuffer_pullup(body, -1) : "";
    if (cjd_http_body_read(out, bytes, len, &error) < 0) {
        x->server->counters.malformed_requests++;
        cjd_http_answer_problem(x, CJD_HTTP_MALFORMED, error);
        return false;
    }
    return true;
}

/* How the client wants items, if there are any; false: answered. */
static bool choose_form(struct cjd_http_exchange *x, const struct cjd_http_route *route)
{
    static const char *const plain[] = {"application/json", NULL};
    static const char *const forms[] = {"application/json", "application/x-ndjson",
                                        "text/event-stream", NULL};
    bool has_items = (route->flags & CJD_RPC_ITEMS) != 0;
    int form = cjd_http_accept(cjd_http_header(x, "Accept"), has_items ? forms : plain);

    if (form < 0) {
        cjd_http_answer_refusal(x, CJD_HTTP_NOT_ACCEPTABLE, "not_acceptable",
                                has_items ? "this comes as application/json, "
                                            "application/x-ndjson or text/event-stream"
                                          : "this comes as application/json",
                                "");
        return false;
    }
    x->form = (enum cjd_http_form)form;
    x->items = has_items ? json_array() : NULL;
    return true;
}

/* Idempotency-Key: false if the request has been answered before, or cannot be now; answered. */
static bool take_key(struct cjd_http_exchange *x)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(x->req);
    struct cjd_http_kept *kept;
    const struct cjd_http_once_ask ask = {.caller = x->caller,
                                          .path = x->raw_path,
                                          .key = cjd_http_header(x, "Idempotency-Key"),
                                          .body = evbuffer_pullup(body, -1),
                                          .body_len = evbuffer_get_length(body)};

    if (!ask.key || x->verb != CJD_HTTP_VERB_POST) {
        return true;
    }
    switch (cjd_http_once_begin(&x->server->once, &ask, x->server->time->now_ns(x->server->host),
                                &kept)) {
    case CJD_HTTP_ONCE_NEW:
        x->kept = kept;
        return true;
    case CJD_HTTP_ONCE_AGAIN:
        cjd_http_answer_bytes(x, kept->status,
                              kept->status < 400 ? "application/json" : "application/problem+json",
                              kept->text, kept->len);
        return false;
    case CJD_HTTP_ONCE_UNDER_WAY:
        cjd_http_answer_refusal(x, CJD_HTTP_CONFLICT, "under_way",
                                "the first request with this key is not answered yet", "");
        return false;
    case CJD_HTTP_ONCE_DIFFERENT:
        cjd_http_answer_refusal(x, CJD_HTTP_INVALID, "key_reused",
                                "this Idempotency-Key was used for something else",
                                "take a new one for each request");
        return false;
    case CJD_HTTP_ONCE_FULL:
        break;
    }
    cjd_http_answer_problem(x, CJD_HTTP_UNAVAILABLE, NULL);
    return false;
}

/* path: NULL for a call by name. */
static void begin_call(struct cjd_http_exchange *x, const struct cjd_http_route *route,
                       const struct cjd_http_path *path)
{
    json_t *body;
    json_t *error = NULL;

    x->method = strdup(route->method);
    if (!x->method) {
        cjd_http_answer_problem(x, CJD_HTTP_UNAVAILABLE, NULL);
        return;
    }
    if (!cjd_http_check_scope(x, route->scope) || cjd_http_stream_watch(x, route) ||
        !choose_form(x, route) || !take_key(x) || !read_body(x, &body)) {
        return;
    }
    int err = cjd_http_args_read(&x->args, route, path, x->query, body, &error);
    json_decref(body);
    if (err < 0) {
        cjd_http_answer_problem(x, error ? CJD_HTTP_INVALID : CJD_HTTP_UNAVAILABLE, error);
    } else if (route->verb != CJD_HTTP_VERB_GET && cjd_http_header(x, "If-Match")) {
        look_first(x);
    } else {
        call(x);
    }
}

/* --- what is not in the registry ----------------------------------------------------------------
 */

static void answer_alive(struct cjd_http_exchange *x, json_t *value, json_t *error)
{
    static const char ok[] = "{\"status\": \"ok\"}\n";

    (void)value, (void)error;
    cjd_http_answer_bytes(x, 200, "application/json", ok, sizeof ok - 1);
}

/* Both ask the control thread for nothing: an answer shows that it lives. This face is open only
 * once the node has started. */
static void do_health(struct cjd_http_exchange *x)
{
    struct cjd_http_errand *errand = cjd_http_errand_new(CJD_HTTP_BATCH);

    if (errand) {
        errand->args = json_object();
    }
    cjd_http_exchange_send(x, errand, answer_alive);
}

static void answer_metrics(struct cjd_http_exchange *x, json_t *value, json_t *error)
{
    struct evbuffer *text = evbuffer_new();

    (void)error;
    if (!text || cjd_http_metrics(text, value, x->server) < 0) {
        cjd_http_answer_problem(x, CJD_HTTP_UNAVAILABLE, NULL);
    } else {
        size_t len = evbuffer_get_length(text);
        cjd_http_answer_bytes(x, 200, "text/plain; version=0.0.4; charset=utf-8",
                              evbuffer_pullup(text, -1), len);
    }
    if (text) {
        evbuffer_free(text);
    }
}

static void do_metrics(struct cjd_http_exchange *x)
{
    static const char *const types[] = {"text/plain", NULL};
    struct cjd_http_errand *errand;

    if (cjd_http_accept(cjd_http_header(x, "Accept"), types) < 0) {
        cjd_http_answer_refusal(x, CJD_HTTP_NOT_ACCEPTABLE, "not_acceptable",
                                "this comes as text/plain", "");
        return;
    }
    errand = cjd_http_errand_new(CJD_HTTP_BATCH);
    if (errand) {
        errand->args = cjd_http_metrics_methods();
        x->scopes |= CJD_RPC_READ; /* of this errand: metrics are made of what may be read */
    }
    cjd_http_exchange_send(x, errand, answer_metrics);
}

static void do_openapi(struct cjd_http_exchange *x)
{
    struct cjd_http_server *s = x->server;

    if (!s->openapi) {
        json_t *doc = cjd_http_openapi(s->catalog);
        size_t len;
        s->openapi = cjd_http_text(doc, &len);
        json_decref(doc);
    }
    if (s->openapi) {
        cjd_http_answer_tagged(x, "application/json", s->openapi);
    } else {
        cjd_http_answer_problem(x, CJD_HTTP_UNAVAILABLE, NULL);
    }
}

static void do_index(struct cjd_http_exchange *x)
{
    const struct cjd_http_catalog *c = x->server->catalog;
    json_t *items = json_array();

    for (size_t i = 0; i < c->count; i++) {
        json_array_append_new(items,
                              json_pack("{s:s, s:s, s:s, s:s}", "method", c->routes[i].method,
                                        "verb", c->routes[i].verb_text, "path", c->routes[i].path,
                                        "summary", c->routes[i].summary));
    }
    json_t *value = json_pack("{s:s, s:o}", "openapi", "/v1/openapi.json", "items", items);
    cjd_http_answer_value(x, value);
    json_decref(value);
}

static void do_events(struct cjd_http_exchange *x)
{
    cjd_http_stream_begin(x, CJD_RPC_EVENTS);
}

static void do_logs(struct cjd_http_exchange *x)
{
    cjd_http_stream_begin(x, CJD_RPC_LOG);
}

static const struct {
    const char *path;
    uint32_t scope; /* 0: for everybody */
    void (*run)(struct cjd_http_exchange *x);
} own_paths[] = {{"/healthz", 0, do_health},
                 {"/readyz", 0, do_health},
                 {"/metrics", CJD_HTTP_METRICS | CJD_RPC_READ, do_metrics},
                 {"/v1/openapi.json", 0, do_openapi},
                 {"/v1/", CJD_RPC_READ, do_index},
                 {"/v1/events", CJD_RPC_READ, do_events},
                 {"/v1/logs", CJD_RPC_READ, do_logs}};

/* --- where to -----------------------------------------------------------------------------------
 */

static void refuse_verb(struct cjd_http_exchange *x, uint32_t allowed)
{
    char text[CJD_HTTP_VERBS_SIZE];

    cjd_http_verbs_text(text, allowed);
    evhttp_add_header(evhttp_request_get_output_headers(x->req), "Allow", text);
    cjd_http_answer_refusal(x, CJD_HTTP_METHOD, "method_not_allowed",
                            "this path does not take this method", "");
}

static void run_own(struct cjd_http_exchange *x, uint32_t scope,
                    void (*run)(struct cjd_http_exchange *x))
{
    static const uint32_t reading = CJD_HTTP_VERB_GET | CJD_HTTP_VERB_HEAD | CJD_HTTP_VERB_OPTIONS;

    if (x->verb == CJD_HTTP_VERB_OPTIONS) {
        cjd_http_answer_options(x, reading);
    } else if ((x->verb & reading) == 0) {
        refuse_verb(x, reading);
    } else if (scope == 0 || (cjd_http_identify(x) && cjd_http_check_scope(x, scope))) {
        run(x);
    }
}

/* True: the path is one of our own, and answered. */
static bool go_own_way(struct cjd_http_exchange *x)
{
    for (size_t i = 0; i < sizeof own_paths / sizeof own_paths[0]; i++) {
        if (strcmp(x->raw_path, own_paths[i].path) == 0) {
            run_own(x, own_paths[i].scope, own_paths[i].run);
            return true;
        }
    }
    if (cjd_http_page_has(x->raw_path)) {
        run_own(x, 0, cjd_http_page);
        return true;
    }
    return false;
}

static bool is_call_by_name(const struct cjd_http_path *p)
{
    return p->count == 3 && strcmp(p->segments[0], "v1") == 0 && strcmp(p->segments[1], "rpc") == 0;
}

static void go_by_name(struct cjd_http_exchange *x)
{
    static const uint32_t verbs = CJD_HTTP_VERB_POST | CJD_HTTP_VERB_OPTIONS;
    const struct cjd_http_route *route =
        cjd_http_catalog_find(x->server->catalog, x->path.segments[2]);

    if (x->verb == CJD_HTTP_VERB_OPTIONS) {
        cjd_http_answer_options(x, verbs);
    } else if (x->verb != CJD_HTTP_VERB_POST) {
        refuse_verb(x, verbs);
    } else if (!cjd_http_identify(x)) {
        return;
    } else if (route) {
        begin_call(x, route, NULL);
    } else if (cjd_http_check_scope(x, CJD_RPC_ALL)) {
        cjd_http_answer_refusal(x, CJD_HTTP_NOT_FOUND, "unknown_method", "there is no such method",
                                "GET /v1/ tells which there are");
    }
}

static void refuse_path(struct cjd_http_exchange *x, uint32_t allowed)
{
    if (allowed != 0) {
        refuse_verb(x, allowed);
    } else {
        cjd_http_answer_refusal(x, CJD_HTTP_NOT_FOUND, "unknown_path", "there is nothing here",
                                "GET /v1/ tells which paths there are");
    }
}

static void go(struct cjd_http_exchange *x)
{
    uint32_t allowed;
    const struct cjd_http_route *route;

    if (is_call_by_name(&x->path)) {
        go_by_name(x);
        return;
    }
    route = cjd_http_catalog_match(x->server->catalog, x->verb, &x->path, &allowed);
    if (x->verb == CJD_HTTP_VERB_OPTIONS && allowed != 0) {
        cjd_http_answer_options(x, allowed);
        return;
    }
    if (!cjd_http_identify(x)) {
        return;
    }
    if (route) {
        begin_call(x, route, &x->path);
    } else if (cjd_http_check_scope(x, CJD_RPC_ALL)) {
        refuse_path(x, allowed);
    }
}

static uint32_t verb_of(const struct evhttp_request *req)
{
    switch (evhttp_request_get_command(req)) {
    case EVHTTP_REQ_GET:
        return CJD_HTTP_VERB_GET;
    case EVHTTP_REQ_HEAD:
        return CJD_HTTP_VERB_HEAD;
    case EVHTTP_REQ_POST:
        return CJD_HTTP_VERB_POST;
    case EVHTTP_REQ_PUT:
        return CJD_HTTP_VERB_PUT;
    case EVHTTP_REQ_PATCH:
        return CJD_HTTP_VERB_PATCH;
    case EVHTTP_REQ_DELETE:
        return CJD_HTTP_VERB_DELETE;
    case EVHTTP_REQ_OPTIONS:
        return CJD_HTTP_VERB_OPTIONS;
    default:
        return CJD_HTTP_VERB_NONE;
    }
}

void cjd_http_on_request(struct evhttp_request *req, void *arg)
{
    struct cjd_http_face *face = arg;
    struct cjd_http_server *s = face->server;
    struct cjd_http_conn *conn = cjd_http_conn_of(s, req);
    struct cjd_http_exchange *x = conn ? calloc(1, sizeof *x) : NULL;

    if (!x) {
        evhttp_connection_free(evhttp_request_get_connection(req));
        return;
    }
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
    *x = (struct cjd_http_exchange){.server = s,
                                    .conn = conn,
                                    .req = req,
                                    .verb = verb_of(req),
                                    .raw_path = evhttp_uri_get_path(uri),
                                    .query = evhttp_uri_get_query(uri)};
    conn->exchange = x;
    if (!s->catalog) {
        cjd_http_answer_problem(x, CJD_HTTP_UNAVAILABLE, NULL);
        return;
    }
    if (cjd_http_check_limits(x) && cjd_http_check_framing(x) && cjd_http_check_browser(x) &&
        !go_own_way(x)) {
        go(x);
    }
}
