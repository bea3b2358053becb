/*
 * Connections and their limits.
 *
 * libevent 2.1 shows a connection only with its first request, and does not tell when one ends
 * before. Until then it is known by its descriptor and the inode of its socket: if these do not
 * belong together any more, it is gone. That is looked at when the descriptor comes again, when
 * room is needed, and at the deadline.
 */
#include "http_server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#define REFUSED_S   2
#define REST_S      1
#define BEYOND      32u /* connections above the limit that are still told so */
#define INPUT_SLACK 4096u

static const char late[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
                           "Content-Length: 0\r\n\r\n";

static void set_deadline(struct cjd_http_conn *conn, uint32_t seconds)
{
    const struct timeval tv = {(time_t)seconds, 0};
    evtimer_add(conn->deadline, &tv);
}

static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    struct cjd_http_conn *conn = arg;

    (void)buffer;
    if (info->n_added > 0 && conn->state == CJD_HTTP_IDLE) {
        conn->state = CJD_HTTP_RECEIVING;
        set_deadline(conn, conn->face->server->config->limits.receive_s);
    }
}

static void conn_free(struct cjd_http_conn *conn)
{
    struct cjd_http_server *s = conn->face->server;

    if (conn->evcon) {
        evbuffer_remove_cb(bufferevent_get_input(conn->bev), on_input, conn);
    }
    if (!conn->is_known) {
        bufferevent_decref(conn->bev);
    }
    if (conn->prev) {
        conn->prev->next = conn->next;
    } else {
        s->conns = conn->next;
    }
    if (conn->next) {
        conn->next->prev = conn->prev;
    }
    s->conn_count--;
    cjd_http_conn_unawait(conn);
    if (conn->deadline) {
        event_free(conn->deadline);
    }
    free(conn);
}

/* --- deadlines ----------------------------------------------------------------------------------
 */

static uint64_t inode_of(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

/* libevent has freed it. Before the first request only: later on_close() tells. */
static bool is_dead(const struct cjd_http_conn *conn)
{
    return conn->is_known && !conn->evcon &&
           (conn->inode == 0 || inode_of(conn->fd) != conn->inode);
}

/* libevent finds the connection ended and frees it. */
static void hang_up(const struct cjd_http_conn *conn)
{
    shutdown(conn->fd, SHUT_RDWR);
}

static void reclaim(struct cjd_http_server *s)
{
    for (struct cjd_http_conn *conn = s->conns, *next; conn; conn = next) {
        next = conn->next;
        if (is_dead(conn)) {
            conn_free(conn);
        }
    }
}

/* How many others there are. */
struct company {
    uint32_t admitted;
    uint32_t of_client; /* admitted ones of the same client */
    uint32_t refused;
};

static struct company count_others(const struct cjd_http_conn *mine)
{
    struct company n = {0};

    for (const struct cjd_http_conn *c = mine->face->server->conns; c; c = c->next) {
        if (c == mine || !c->is_known) {
            continue;
        }
        n.refused += c->is_refused ? 1 : 0;
        n.admitted += c->is_refused ? 0 : 1;
        n.of_client += !c->is_refused && cjd_http_client_is(&c->client, &mine->client) ? 1 : 0;
    }
    return n;
}

/* One client's flood takes no room of others: what is refused does not count. */
static bool has_room(const struct cjd_http_limits *limits, const struct company *others)
{
    return others->admitted < limits->connections &&
           others->of_client < limits->connections_per_client;
}

/* First look at a connection: who is it, is there room? */
static void get_to_know(struct cjd_http_conn *conn)
{
    struct cjd_http_server *s = conn->face->server;
    const struct cjd_http_limits *limits = &s->config->limits;
    struct company others;

    conn->fd = bufferevent_getfd(conn->bev);
    conn->inode = inode_of(conn->fd);
    conn->is_known = true;
    bufferevent_decref(conn->bev);
    s->counters.connections++;
    int err = cjd_http_client_of(&conn->client, conn->face->place, conn->fd);
    others = count_others(conn);
    if (err == 0 && !has_room(limits, &others)) {
        reclaim(s);
        others = count_others(conn);
    }
    if (err == 0 && has_room(limits, &others)) {
        set_deadline(conn, limits->receive_s);
        return;
    }
    s->counters.refused_connections++;
    conn->is_refused = true;
    cjd_http_warn(s, "too many connections", &conn->client);
    set_deadline(conn, REFUSED_S);
    if (err != 0 || others.refused >= BEYOND) {
        hang_up(conn);
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct cjd_http_conn *conn = arg;
    struct cjd_http_server *s = conn->face->server;

    (void)fd, (void)what;
    if (!conn->is_known) {
        get_to_know(conn);
        return;
    }
    if (is_dead(conn)) {
        conn_free(conn);
        return;
    }
    if (conn->state != CJD_HTTP_IDLE) {
        s->counters.late_connections++;
        /* Nothing else is being sent: the request has not been complete. */
        (void)!send(conn->fd, late, sizeof late - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (conn->evcon) {
        evhttp_connection_free(conn->evcon);
        return;
    }
    hang_up(conn);
    set_deadline(conn, REST_S); /* by then it is dead */
}

/* --- coming and going ---------------------------------------------------------------------------
 */

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
    struct cjd_http_face *face = arg;
    struct cjd_http_server *s = face->server;
    const struct cjd_http_limits *limits = &s->config->limits;
    struct cjd_http_conn *conn = calloc(1, sizeof *conn);
    struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);

    if (conn) {
        conn->face = face;
        conn->bev = bev;
        conn->deadline = evtimer_new(base, on_deadline, conn);
    }
    if (!conn || !bev || !conn->deadline ||
        !evbuffer_add_cb(bufferevent_get_input(bev), on_input, conn)) {
        if (conn && conn->deadline) {
            event_free(conn->deadline);
        }
        free(conn);
        return bev;
    }
    bufferevent_incref(bev);
    bufferevent_setwatermark(bev, EV_READ, 0,
                             limits->header_bytes + limits->body_bytes + INPUT_SLACK);
    conn->next = s->conns;
    if (conn->next) {
        conn->next->prev = conn;
    }
    s->conns = conn;
    s->conn_count++;
    event_active(conn->deadline, EV_TIMEOUT, 0); /* as soon as it has its descriptor */
    return bev;
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
    struct cjd_http_conn *conn = arg;

    (void)evcon;
    if (conn->exchange) {
        cjd_http_exchange_gone(conn->exchange);
    }
    conn_free(conn);
}

static void on_answered(struct evhttp_request *req, void *arg)
{
    struct cjd_http_conn *conn = arg;

    (void)req;
    conn->state = CJD_HTTP_IDLE;
    set_deadline(conn, conn->face->server->config->limits.idle_s);
}

struct cjd_http_conn *cjd_http_conn_of(struct cjd_http_server *s, struct evhttp_request *req)
{
    struct evhttp_connection *evcon = evhttp_request_get_connection(req);
    const struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
    struct cjd_http_conn *conn = s->conns;

    /* One that was freed may have had the same address. */
    while (conn && (conn->bev != bev || is_dead(conn))) {
        conn = conn->next;
    }
    if (!conn) {
        return NULL;
    }
    if (!conn->is_known) {
        get_to_know(conn);
    }
    if (!conn->evcon) {
        conn->evcon = evcon;
        evhttp_connection_set_closecb(evcon, on_close, conn);
    }
    conn->state = CJD_HTTP_BUSY;
    event_del(conn->deadline);
    evhttp_request_set_on_complete_cb(req, on_answered, conn);
    return conn;
}

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
    struct cjd_http_conn *conn = arg;

    (void)fd, (void)what;
    evhttp_connection_free(conn->evcon);
}

void cjd_http_conn_await(struct cjd_http_conn *conn)
{
    if (!conn->hangup) {
        conn->hangup = event_new(conn->face->server->base, conn->fd, EV_CLOSED, on_hangup, conn);
        if (conn->hangup) {
            event_add(conn->hangup, NULL);
        }
    }
}

void cjd_http_conn_unawait(struct cjd_http_conn *conn)
{
    if (conn->hangup) {
        event_free(conn->hangup);
        conn->hangup = NULL;
    }
}

/* --- listening ----------------------------------------------------------------------------------
 */

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    struct evconnlistener *listener = arg;

    (void)fd, (void)what;
    evconnlistener_enable(listener);
}

/* No descriptor to be had: asking again at once would only burn time. The argument is evhttp's. */
static void on_accept_failed(struct evconnlistener *listener, void *arg)
{
    const struct timeval tv = {REST_S, 0};

    (void)arg;
    evconnlistener_disable(listener);
    event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, on_rested, listener, &tv);
}

void cjd_http_face_limits(struct cjd_http_face *face)
{
    const struct cjd_http_limits *limits = &face->server->config->limits;

    evhttp_set_max_headers_size(face->http, limits->header_bytes);
    evhttp_set_max_body_size(face->http, limits->body_bytes);
    evhttp_set_timeout(face->http, (int)limits->idle_s);
}

int cjd_http_face_open(struct cjd_http_face *face)
{
    struct cjd_http_server *s = face->server;

    face->http = evhttp_new(s->base);
    face->listener = evconnlistener_new(s->base, NULL, face, LEV_OPT_CLOSE_ON_EXEC, 0, face->fd);
    if (!face->http || !face->listener || !evhttp_bind_listener(face->http, face->listener)) {
        return CJD_ERR_NO_MEMORY;
    }
    evconnlistener_set_error_cb(face->listener, on_accept_failed);
    cjd_http_face_limits(face);
    evhttp_set_flags(face->http, EVHTTP_SERVER_LINGERING_CLOSE);
    evhttp_set_allowed_methods(face->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                               EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |
                                               EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS);
    evhttp_set_bevcb(face->http, on_accept, face);
    evhttp_set_gencb(face->http, cjd_http_on_request, face);
    return 0;
}

void cjd_http_face_close(struct cjd_http_face *face)
{
    if (face->http) {
        evhttp_free(face->http); /* listener and connections too */
        face->http = NULL;
        face->listener = NULL;
    }
}

void cjd_http_conns_free(struct cjd_http_server *s)
{
    while (s->conns) {
        conn_free(s->conns);
    }
}
