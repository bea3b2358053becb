/*
 * What is sent in pieces: events and log lines as long as the client likes, items of a call until
 * its result. As server-sent events (HTML standard §9.2) or as one JSON value a line.
 *
 * Events: the client pays for what it has read. The control thread sends as many as there is
 * credit for, and gets new credit once everything has left here, so that a slow reader costs no
 * memory; what it misses in the meantime it is told.
 */
#include "http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CREDIT        64u
#define HEARTBEAT_S   15
#define OUTPUT_MAX    (1u << 20) /* items waiting for a client that does not read */
#define TAIL_MAX      1024
#define TYPES_MAX_LEN 512u

void cjd_http_time_text(char out[32], uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    size_t n = gmtime_r(&seconds, &tm) ? strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm) : 0;

    snprintf(out + n, 32 - n, ".%03uZ", (unsigned)(wall_ms % 1000));
}

/* --- pieces -------------------------------------------------------------------------------------
 */

/* Everything written has left. */
static void on_drained(struct evhttp_connection *evcon, void *arg)
{
    struct cjd_http_exchange *x = arg;
    struct cjd_http_letter *letter = x->unpaid > 0 && x->errand ? calloc(1, sizeof *letter) : NULL;

    (void)evcon;
    if (letter) {
        letter->kind = CJD_HTTP_LETTER_CREDIT;
        letter->errand = x->errand;
        letter->number = x->unpaid;
        x->unpaid = 0;
        cjd_http_box_put(x->server->control, letter);
    }
}

static void send_piece(struct cjd_http_exchange *x, struct evbuffer *piece)
{
    evhttp_send_reply_chunk_with_cb(x->req, piece, on_drained, x);
}

static void send_text(struct cjd_http_exchange *x, const char *text)
{
    struct evbuffer *piece = evbuffer_new();

    if (piece) {
        evbuffer_add(piece, text, strlen(text));
        send_piece(x, piece);
        evbuffer_free(piece);
    }
}

/* One value: id and event are for server-sent events, and may be NULL. */
static void send_value(struct cjd_http_exchange *x, const char *id, const char *event,
                       const json_t *value)
{
    struct evbuffer *piece = evbuffer_new();
    char *text = value ? json_dumps(value, JSON_COMPACT | CJD_HTTP_DUMP) : NULL;

    if (piece && text && x->form == CJD_HTTP_SSE) {
        if (id) {
            evbuffer_add_printf(piece, "id: %s\n", id);
        }
        if (event) {
            evbuffer_add_printf(piece, "event: %s\n", event);
        }
        evbuffer_add_printf(piece, "data: %s\n\n", text);
        send_piece(x, piece);
    } else if (piece && text) {
        evbuffer_add_printf(piece, "%s\n", text);
        send_piece(x, piece);
    }
    if (piece) {
        evbuffer_free(piece);
    }
    free(text);
}

static void begin_pieces(struct cjd_http_exchange *x)
{
    const struct timeval idle = {(time_t)x->server->config->limits.idle_s, 0};

    cjd_http_answer_headers(x,
                            x->form == CJD_HTTP_SSE ? "text/event-stream" : "application/x-ndjson");
    x->is_streaming = true;
    cjd_http_conn_unawait(x->conn);
    /* The client has nothing to say any more; only that it does not read may take too long. */
    bufferevent_set_timeouts(x->conn->bev, NULL, &idle);
    evhttp_send_reply_start(x->req, 200, NULL);
}

static void end_pieces(struct cjd_http_exchange *x)
{
    struct evhttp_request *req = x->req;

    cjd_http_exchange_free(x);
    evhttp_send_reply_end(req);
}

/* --- calls with items ---------------------------------------------------------------------------
 */

static bool is_stuck(const struct cjd_http_exchange *x)
{
    return evbuffer_get_length(bufferevent_get_output(x->conn->bev)) > OUTPUT_MAX;
}

void cjd_http_stream_item(struct cjd_http_exchange *x, json_t *item)
{
    if (x->form == CJD_HTTP_JSON) {
        json_array_append(x->items, item);
        return;
    }
    if (!x->is_streaming) {
        begin_pieces(x);
    }
    send_value(x, NULL, "item", item);
    if (is_stuck(x)) {
        evhttp_connection_free(x->conn->evcon); /* on_close() does the rest */
    }
}

/* The items together with the result's members. */
static void answer_together(struct cjd_http_exchange *x, const json_t *value)
{
    json_t *all = json_copy((json_t *)(uintptr_t)value);

    if (!all || json_object_set(all, "items", x->items) < 0) {
        cjd_http_answer_problem(x, CJD_HTTP_UNAVAILABLE, NULL);
    } else {
        cjd_http_answer_json(x, 200, all);
    }
    json_decref(all);
}

void cjd_http_stream_result(struct cjd_http_exchange *x, json_t *value, json_t *error)
{
    if (error && !x->is_streaming) {
        cjd_http_answer_error(x, error);
        return;
    }
    if (x->form == CJD_HTTP_JSON) {
        answer_together(x, value);
        return;
    }
    if (!x->is_streaming) {
        begin_pieces(x);
    }
    int err = (int)json_integer_value(json_object_get(error, "err"));
    json_t *last =
        error ? cjd_http_problem(cjd_http_problem_of(err), x->raw_path, error) : json_incref(value);
    if (x->form == CJD_HTTP_NDJSON) {
        last = json_pack("{s:o}", error ? "error" : "result", last);
    }
    send_value(x, NULL, error ? "error" : "result", last);
    json_decref(last);
    end_pieces(x);
}

/* --- events and log lines -----------------------------------------------------------------------
 */

static void send_gap(struct cjd_http_exchange *x, const char *kind, uint64_t count)
{
    json_t *value = json_pack("{s:s, s:I}", "event", kind, "count", (json_int_t)count);

    send_value(x, NULL, kind, value);
    json_decref(value);
}

void cjd_http_stream_event(struct cjd_http_exchange *x, const struct cjd_http_letter *letter)
{
    char id[48];
    char time[32];
    json_t *value = json_copy(letter->value);

    if (letter->event.dropped > 0) {
        x->server->counters.dropped_events += letter->event.dropped;
        send_gap(x, x->is_resumed ? "reset" : "dropped", letter->event.dropped);
    }
    x->is_resumed = false;
    snprintf(id, sizeof id, "%s-%llu", x->server->catalog->boot_id,
             (unsigned long long)letter->event.seq);
    cjd_http_time_text(time, letter->event.wall_ms);
    if (value && !json_object_get(value, "time")) {
        json_object_set_new(value, "time", json_string(time));
    }
    if (x->form == CJD_HTTP_NDJSON && value) {
        json_object_set_new(value, "event", json_string(letter->event.type));
        json_object_set_new(value, "id", json_string(id));
    }
    x->unpaid++;
    send_value(x, id, letter->event.type, value);
    json_decref(value);
}

static void on_heartbeat(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    send_text(arg, ": \n\n");
}

/* The stream ended without the client: it could not begin, or the node stops. */
static void on_stream_over(struct cjd_http_exchange *x, json_t *value, json_t *error)
{
    int err = (int)json_integer_value(json_object_get(error, "err"));
    json_t *problem = error ? cjd_http_problem(cjd_http_problem_of(err), x->raw_path, error) : NULL;

    (void)value;
    send_value(x, NULL, "error", problem);
    json_decref(problem);
    end_pieces(x);
}

/* --- what the client wants ----------------------------------------------------------------------
 */

static bool take_level(struct cjd_http_errand *e, const char *value)
{
    static const char *const levels[] = {"error", "warn", "info", "debug", "trace"};

    for (uint32_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(value, levels[i]) == 0) {
            e->level = i;
            return true;
        }
    }
    return false;
}

static bool take_tail(struct cjd_http_errand *e, const char *value)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);

    e->tail = (uint32_t)n;
    return value[0] >= '0' && value[0] <= '9' && *end == '\0' && n <= TAIL_MAX;
}

static bool take_types(struct cjd_http_errand *e, const char *value)
{
    if (e->types || strlen(value) > TYPES_MAX_LEN) {
        return false;
    }
    e->types = strdup(value);
    return e->types != NULL;
}

static bool take_wish(struct cjd_http_errand *e, const struct evkeyval *p)
{
    bool is_log = e->stream == CJD_RPC_LOG;

    if (is_log && strcmp(p->key, "level") == 0) {
        return take_level(e, p->value);
    }
    if (strcmp(p->key, "tail") == 0) {
        return take_tail(e, p->value);
    }
    if (!is_log && strcmp(p->key, "watch") == 0) {
        return true;
    }
    return strcmp(p->key, is_log ? "modules" : "types") == 0 && take_types(e, p->value);
}

static bool take_query(struct cjd_http_errand *e, const char *query)
{
    struct evkeyvalq pairs;
    bool is_good = true;

    if (!query) {
        return true;
    }
    if (evhttp_parse_query_str(query, &pairs) != 0) {
        return false;
    }
    for (const struct evkeyval *p = pairs.tqh_first; p && is_good; p = p->next.tqe_next) {
        is_good = take_wish(e, p);
    }
    evhttp_clear_headers(&pairs);
    return is_good;
}

/* Last-Event-ID: the number after which to go on. False: of another run, or none of ours. */
static bool take_place(struct cjd_http_exchange *x, struct cjd_http_errand *e, const char *id)
{
    const char *boot = x->server->catalog->boot_id;
    size_t len = strlen(boot);
    char *end;

    if (strncmp(id, boot, len) != 0 || id[len] != '-' || id[len + 1] < '0' || id[len + 1] > '9') {
        return false;
    }
    e->after = strtoull(id + len + 1, &end, 10);
    return *end == '\0';
}

static bool choose_form(struct cjd_http_exchange *x)
{
    static const char *const forms[] = {"text/event-stream", "application/x-ndjson", NULL};
    int form = cjd_http_accept(cjd_http_header(x, "Accept"), forms);

    if (form < 0) {
        cjd_http_answer_refusal(x, CJD_HTTP_NOT_ACCEPTABLE, "not_acceptable",
                                "this comes as text/event-stream or application/x-ndjson", "");
        return false;
    }
    x->form = form == 0 ? CJD_HTTP_SSE : CJD_HTTP_NDJSON;
    return true;
}

static bool take_room(struct cjd_http_exchange *x)
{
    struct cjd_http_server *s = x->server;

    if (s->stream_count >= s->config->limits.streams) {
        s->counters.refused_streams++;
        cjd_http_answer_refusal(x, CJD_HTTP_UNAVAILABLE, "too_many_streams",
                                "there are too many streams", "close one of them");
        return false;
    }
    s->stream_count++;
    x->is_counted = true;
    return true;
}

static void begin(struct cjd_http_exchange *x, struct cjd_http_errand *e)
{
    const struct timeval tv = {HEARTBEAT_S, 0};
    const char *id = cjd_http_header(x, "Last-Event-ID");
    bool has_place = id && take_place(x, e, id);

    e->credit = CREDIT;
    x->is_resumed = has_place;
    begin_pieces(x);
    if (x->form == CJD_HTTP_SSE) {
        send_text(x, ": \n\n"); /* the head goes out at once */
        x->heartbeat = event_new(x->server->base, -1, EV_PERSIST, on_heartbeat, x);
        if (x->heartbeat) {
            event_add(x->heartbeat, &tv);
        }
    }
    if (id && !has_place) {
        send_gap(x, "reset", 0);
    }
    cjd_http_exchange_send(x, e, on_stream_over);
}

static void begin_stream(struct cjd_http_exchange *x, uint32_t stream, const char *types)
{
    struct cjd_http_errand *e = cjd_http_errand_new(CJD_HTTP_STREAM);

    if (!choose_form(x)) {
        cjd_http_errand_free(e);
        return;
    }
    if (!e || (types && !take_types(e, types))) {
        cjd_http_errand_free(e);
        cjd_http_answer_problem(x, CJD_HTTP_UNAVAILABLE, NULL);
        return;
    }
    e->stream = stream;
    e->level = CJD_LEVEL_INFO;
    e->after = UINT64_MAX;
    if (!take_query(e, x->query)) {
        cjd_http_errand_free(e);
        cjd_http_answer_refusal(x, CJD_HTTP_INVALID, "invalid_argument",
                                "the query is not understood",
                                stream == CJD_RPC_LOG ? "?level=debug&modules=dht,link&tail=100"
                                                      : "?types=peer.*,session.closed&tail=10");
        return;
    }
    if (x->verb == CJD_HTTP_VERB_HEAD) {
        cjd_http_errand_free(e);
        cjd_http_answer_bytes(
            x, 200, x->form == CJD_HTTP_SSE ? "text/event-stream" : "application/x-ndjson", NULL,
            0);
        return;
    }
    if (!take_room(x)) {
        cjd_http_errand_free(e);
        return;
    }
    begin(x, e);
}

void cjd_http_stream_begin(struct cjd_http_exchange *x, uint32_t stream)
{
    begin_stream(x, stream, NULL);
}

/* "peers.list" is told of by "peer.added" and so on. False: there are no such events. */
static bool types_of(char *out, size_t cap, const struct cjd_http_catalog *catalog,
                     const char *method)
{
    size_t len = strcspn(method, ".");
    const json_t *event;
    size_t i;

    if (len < 2 || method[len - 1] != 's' || strcmp(method + len, ".list") != 0) {
        return false;
    }
    snprintf(out, cap, "%.*s.*", (int)len - 1, method);
    json_array_foreach(catalog->events, i, event)
    {
        const char *name = json_string_value(json_object_get(event, "name"));
        if (strncmp(name, out, len) == 0) {
            return true;
        }
    }
    return false;
}

bool cjd_http_stream_watch(struct cjd_http_exchange *x, const struct cjd_http_route *route)
{
    char types[80];

    if (route->verb != CJD_HTTP_VERB_GET || !x->query || !strstr(x->query, "watch=true")) {
        return false;
    }
    if (types_of(types, sizeof types, x->server->catalog, route->method)) {
        begin_stream(x, CJD_RPC_EVENTS, types);
    } else {
        cjd_http_answer_refusal(x, CJD_HTTP_INVALID, "not_watched",
                                "there are no events about this collection",
                                "GET /v1/events/types tells which there are");
    }
    return true;
}
