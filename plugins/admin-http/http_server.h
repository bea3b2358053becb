/*
 * The HTTP thread: evhttp on an event base of its own, connections and their limits, requests.
 * docs/adr/0011-http-in-a-thread-of-its-own.md; configuration notes §18.
 *
 *     connection:  NEW ─bytes→ (receive_s) ─request→ BUSY ─answered→ IDLE ─bytes→ RECEIVING
 * ─request→ … └ too late: closed           └ gone: errand cancelled    └ too late: closed
 *
 * Everything here is for the HTTP thread, except what is marked [control]. Files: http_server.c
 * thread and letters, http_connection.c connections, http_checks.c
 * and http_exchange.c from request to errand, http_stream.c what is sent in pieces, http_answer.c
 * answers.
 *
 * Timers: one per connection (its deadline), one per event stream (heartbeat).
 */
#ifndef CJD_HTTP_SERVER_H
#define CJD_HTTP_SERVER_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include <cjd/host.h>
#include <cjd/logger.h>

#include "http_access.h"
#include "http_catalog.h"
#include "http_config.h"
#include "http_guard.h"
#include "http_mail.h"
#include "http_once.h"
#include "http_problem.h"

/* How values are written: numbers as exactly as anybody measures. */
#define CJD_HTTP_DUMP (JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12))

#define CJD_HTTP_COUNTER_LIST(X)                                                                   \
    X(connections, "Connections accepted")                                                         \
    X(refused_connections, "Connections refused because there were too many")                      \
    X(late_connections, "Connections closed because a request did not arrive in time")             \
    X(received_requests, "Requests received")                                                      \
    X(limited_requests, "Requests refused because there were too many a second")                   \
    X(auth_failures, "Requests with a wrong or expired token")                                     \
    X(wrong_host_requests, "Requests under a name that is not ours")                               \
    X(foreign_origin_requests, "Requests of foreign web pages")                                    \
    X(malformed_requests, "Requests that were not understood")                                     \
    X(refused_streams, "Streams refused because there were too many")                              \
    X(dropped_events, "Events that slow readers of streams missed")

struct cjd_http_counters {
#define CJD_HTTP_COUNTER(name, help) uint64_t name;
    CJD_HTTP_COUNTER_LIST(CJD_HTTP_COUNTER)
#undef CJD_HTTP_COUNTER
};

struct cjd_http_server;
struct cjd_http_exchange;

/* A place listened at. */
struct cjd_http_face {
    struct cjd_http_server *server;
    enum cjd_http_place place;
    uint32_t group; /* of the unix socket */
    int fd;         /* −1: left out */
    struct evhttp *http;
    struct evconnlistener *listener;
};

enum cjd_http_conn_state { CJD_HTTP_NEW, CJD_HTTP_RECEIVING, CJD_HTTP_BUSY, CJD_HTTP_IDLE };

struct cjd_http_conn {
    struct cjd_http_conn *next;
    struct cjd_http_conn *prev;
    struct cjd_http_face *face;
    enum cjd_http_conn_state state;
    bool is_known;   /* the client has been looked at */
    bool is_refused; /* one too many: its first request is answered so */
    struct cjd_http_client client;
    int fd;
    uint64_t inode;                  /* of the socket */
    struct bufferevent *bev;         /* good while it is not known to be gone */
    struct evhttp_connection *evcon; /* known from the first request on */
    struct event *deadline;
    struct event *hangup; /* while BUSY: the client went away */
    struct cjd_http_exchange *exchange;
};

/* How an answer is given in pieces. */
enum cjd_http_form { CJD_HTTP_JSON, CJD_HTTP_NDJSON, CJD_HTTP_SSE };

struct cjd_http_exchange {
    struct cjd_http_server *server;
    struct cjd_http_conn *conn;
    struct evhttp_request *req;
    struct cjd_http_errand *errand; /* on its way; NULL: none */
    uint32_t verb;
    uint32_t scopes;
    char caller[160];
    struct cjd_http_path path;
    const char *raw_path; /* the request's */
    const char *query;
    bool has_listed_origin;
    /* What is done with the errand's answer. */
    void (*done)(struct cjd_http_exchange *x, json_t *value, json_t *error);
    char *method;               /* counted under this name; NULL: not counted */
    json_t *args;               /* waiting until If-Match was looked at */
    struct cjd_http_kept *kept; /* where the answer goes, besides */
    enum cjd_http_form form;
    json_t *items;
    /* Streams. */
    bool is_streaming; /* the head is sent */
    bool is_counted;   /* among the streams */
    bool is_resumed;   /* the next gap is a reset */
    uint32_t unpaid;   /* events sent for which no credit was given back */
    struct event *heartbeat;
};

struct cjd_http_server {
    const struct cjd_host *host;
    const struct cjd_time_service *time;
    struct cjd_logger log;
    struct event_base *base;
    int wake_fd;
    struct event *wake;
    struct cjd_http_box in;
    struct cjd_http_box *control; /* letters to the control thread */
    struct cjd_http_config *config;
    struct cjd_http_token made; /* at the start; no name: none */
    uint32_t own_uid;
    struct cjd_http_face faces[CJD_HTTP_LISTEN_MAX];
    size_t face_count;
    struct cjd_http_conn *conns;
    uint32_t conn_count;
    uint32_t stream_count;
    struct cjd_http_errand *errands; /* with the control thread */
    struct cjd_http_catalog *catalog;
    char *openapi; /* of the catalogue; NULL: not made yet */
    struct cjd_http_failures failures;
    double allowance; /* requests that may be answered now */
    uint64_t allowance_ns;
    struct cjd_http_counters counters;
    uint64_t warned_ns; /* when a warning was last written */
    json_t *calls;      /* {method: {"ok": n, "error": n}} */
    struct cjd_http_once once;
    bool is_quitting;
};

/* --- http_server.c ------------------------------------------------------------------------------
 */

/* [control] Takes the configuration; the sockets are given afterwards in faces. */
CJD_MUST_CHECK int cjd_http_server_init(struct cjd_http_server *s, const struct cjd_host *host,
                                        struct cjd_http_config *config);
/* [control] After the thread has ended, or if it never began. */
void cjd_http_server_fini(struct cjd_http_server *s);
/* [control] The thread: until a QUIT letter. */
void cjd_http_server_run(void *server);
/* Writes a warning about what clients do, at most one every ten seconds. */
void cjd_http_warn(struct cjd_http_server *s, const char *what, const struct cjd_http_client *who);
/* [control] A letter without a value. */
void cjd_http_server_tell(struct cjd_http_server *s, enum cjd_http_letter_kind kind, void *cargo);

/* --- http_connection.c --------------------------------------------------------------------------
 */

/* Begins to accept at a face. */
CJD_MUST_CHECK int cjd_http_face_open(struct cjd_http_face *face);
void cjd_http_face_close(struct cjd_http_face *face);
/* What is left of connections when all faces are closed. */
void cjd_http_conns_free(struct cjd_http_server *s);
/* Applies the configured limits to connections to come. */
void cjd_http_face_limits(struct cjd_http_face *face);
/* The connection of a request, BUSY from here on; NULL: not ours. */
struct cjd_http_conn *cjd_http_conn_of(struct cjd_http_server *s, struct evhttp_request *req);
/* Watches for the client going away while it waits. */
void cjd_http_conn_await(struct cjd_http_conn *conn);
/* No more: libevent watches by itself while it writes. */
void cjd_http_conn_unawait(struct cjd_http_conn *conn);

/* --- http_exchange.c ----------------------------------------------------------------------------
 */

void cjd_http_on_request(struct evhttp_request *req, void *face);
/* An errand is back. */
void cjd_http_errand_back(struct cjd_http_server *s, struct cjd_http_errand *errand);
/* The client is gone. */
void cjd_http_exchange_gone(struct cjd_http_exchange *x);
/* The request was answered; frees the exchange. */
void cjd_http_exchange_free(struct cjd_http_exchange *x);
/* Sends the errand; its answer comes to `done`. Takes the errand; NULL: out of memory, answered
 * so. */
void cjd_http_exchange_send(struct cjd_http_exchange *x, struct cjd_http_errand *errand,
                            void (*done)(struct cjd_http_exchange *x, json_t *value,
                                         json_t *error));
const char *cjd_http_header(const struct cjd_http_exchange *x, const char *name);

/* --- http_checks.c: false: answered, and the exchange is gone ----------------------------------
 */

bool cjd_http_check_limits(struct cjd_http_exchange *x);
/* Also takes the path apart. */
bool cjd_http_check_framing(struct cjd_http_exchange *x);
/* Host and Origin. */
bool cjd_http_check_browser(struct cjd_http_exchange *x);
/* Finds out what the client may do. */
bool cjd_http_identify(struct cjd_http_exchange *x);
/* Whether the client has one of the scopes. */
bool cjd_http_check_scope(struct cjd_http_exchange *x, uint32_t wanted);

/* --- http_answer.c: each ends the exchange ------------------------------------------------------
 */

/* Headers that every answer has. */
void cjd_http_answer_headers(struct cjd_http_exchange *x, const char *type);
void cjd_http_answer_bytes(struct cjd_http_exchange *x, int status, const char *type,
                           const void *bytes, size_t len);
/* Borrows the value. */
void cjd_http_answer_json(struct cjd_http_exchange *x, int status, const json_t *value);
/* error: consumed; may be NULL. */
void cjd_http_answer_problem(struct cjd_http_exchange *x, enum cjd_http_problem_kind kind,
                             json_t *error);
/* The same with an error made of these texts. */
void cjd_http_answer_refusal(struct cjd_http_exchange *x, enum cjd_http_problem_kind kind,
                             const char *code, const char *message, const char *hint);
/* An error of the registry; borrowed. */
void cjd_http_answer_error(struct cjd_http_exchange *x, const json_t *error);
/* A GET's value, or 304 if the client has it. */
void cjd_http_answer_value(struct cjd_http_exchange *x, const json_t *value);
/* A text that seldom changes, or 304 if the client has it. */
void cjd_http_answer_tagged(struct cjd_http_exchange *x, const char *type, const char *text);
void cjd_http_answer_options(struct cjd_http_exchange *x, uint32_t verbs);
/* Text of a value; NULL: out of memory. To be freed by the caller. */
char *cjd_http_text(const json_t *value, size_t *len);

/* --- http_stream.c ------------------------------------------------------------------------------
 */

/* Follows events or the log, as path and query say. */
void cjd_http_stream_begin(struct cjd_http_exchange *x, uint32_t stream);
/* Follows what changes in a collection ("?watch=true"). False: not asked for. */
bool cjd_http_stream_watch(struct cjd_http_exchange *x, const struct cjd_http_route *route);
void cjd_http_stream_event(struct cjd_http_exchange *x, const struct cjd_http_letter *letter);
/* An item of a call, in the exchange's form; may be kept until the end. */
void cjd_http_stream_item(struct cjd_http_exchange *x, json_t *item);
/* The end of a call with items. */
void cjd_http_stream_result(struct cjd_http_exchange *x, json_t *value, json_t *error);
/* Seconds of UTC with milliseconds, RFC 3339. */
void cjd_http_time_text(char out[32], uint64_t wall_ms);

/* --- http_page.c --------------------------------------------------------------------------------
 */

/* Whether a path is one of a file of the web page. */
bool cjd_http_page_has(const char *path);
/* Answers with it. */
void cjd_http_page(struct cjd_http_exchange *x);

/* --- http_openapi.c, http_metrics.c -------------------------------------------------------------
 */

/* The description of everything; NULL: out of memory. */
json_t *cjd_http_openapi(const struct cjd_http_catalog *catalog);

/* Exposition text (version 0.0.4) of what the core's methods said, by name, and of our own. */
int cjd_http_metrics(struct evbuffer *out, const json_t *values, const struct cjd_http_server *s);
/* Names of the methods it wants: a list. */
json_t *cjd_http_metrics_methods(void);

#endif
