/*
 * Sockets. UDP: one datagram, one message. TCP (§13.3): messages back to back, white space between
 * them skipped, each answer one write.
 */
#include "admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DATAGRAMS_PER_TURN 64u
#define IDLE_S             120u
#define SECOND             1000000000ull

static int fail(struct admin *a, struct cjd_plugin_error *error, const char *what)
{
    int reason = errno;
    bool is_taken = reason == EADDRINUSE;

    snprintf(error->text, sizeof error->text, "%s %s: %s%s", what, a->config.bind, strerror(reason),
             is_taken ? ". Another node of this machine has it: choose another \"bind\"" : "");
    return is_taken ? CJD_ERR_BUSY : cjd_err_from_errno(reason);
}

static int open_one(struct admin *a, int type)
{
    const struct admin_source *at = &a->config.at;
    int fd = socket(at->addr.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0) {
        return -1;
    }
    if (type == SOCK_STREAM) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (bind(fd, &at->addr.any, at->len) < 0 || (type == SOCK_STREAM && listen(fd, 8) < 0)) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

int admin_sockets_open(struct admin *a, struct cjd_plugin_error *error)
{
    a->fd = open_one(a, SOCK_DGRAM);
    if (a->fd < 0) {
        return fail(a, error, "cannot listen on UDP");
    }
    if (a->config.has_tcp) {
        a->tcp_fd = open_one(a, SOCK_STREAM);
        if (a->tcp_fd < 0) {
            int err = fail(a, error, "cannot listen on TCP");
            admin_sockets_close(a);
            return err;
        }
    }
    return 0;
}

void admin_sockets_close(struct admin *a)
{
    if (a->fd >= 0) {
        close(a->fd);
    }
    if (a->tcp_fd >= 0) {
        close(a->tcp_fd);
    }
    a->fd = -1;
    a->tcp_fd = -1;
}

/* --- UDP ----------------------------------------------------------------------------------------
 */

static void on_datagram(void *arg, int fd, uint32_t events)
{
    struct admin *a = arg;
    uint8_t bytes[ADMIN_REQUEST_MAX + 1];

    (void)events;
    for (unsigned i = 0; i < DATAGRAMS_PER_TURN && a->fd == fd; i++) {
        struct admin_source from = {0};
        struct iovec iov = {.iov_base = bytes, .iov_len = sizeof bytes};
        struct msghdr msg = {.msg_name = &from.addr,
                             .msg_namelen = sizeof from.addr,
                             .msg_iov = &iov,
                             .msg_iovlen = 1};
        ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == ECONNREFUSED)) {
            continue;
        }
        if (n < 0) {
            return;
        }
        from.len = msg.msg_namelen;
        (void)admin_receive(a, &from, bytes, (size_t)n);
    }
}

/* --- TCP ----------------------------------------------------------------------------------------
 */

static struct admin_connection *connection_of(struct admin *a, uint32_t number)
{
    for (unsigned i = 0; i < ADMIN_CONNECTIONS; i++) {
        struct admin_connection *c = &a->connections[i];
        if (c->fd >= 0 && c->number == number) {
            return c;
        }
    }
    return NULL;
}

static void disconnect(struct admin_connection *c)
{
    struct admin *a = c->a;

    if (c->fd < 0) {
        return;
    }
    a->loop->fd_unwatch(a->host, c->watch);
    close(c->fd);
    c->fd = -1;
    c->watch = NULL;
    admin_streams_drop(a, c->number);
    admin_requests_drop(a, c->number);
    for (unsigned i = 0; i < ADMIN_CLIENTS; i++) {
        if (a->clients[i].source.connection == c->number) {
            a->clients[i].is_used = false;
        }
    }
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void consume(struct admin_connection *c, size_t n)
{
    c->len -= n;
    memmove(c->bytes, c->bytes + n, c->len);
}

/* Messages that are complete. False: what came is none. */
static bool take_messages(struct admin_connection *c)
{
    struct admin_source from = {.connection = c->number, .len = c->a->config.at.len};
    uint8_t message[ADMIN_REQUEST_MAX + 1];
    struct cjd_bencode value;
    size_t used;

    from.addr = c->a->config.at.addr;
    while (c->fd >= 0) {
        size_t spaces = 0;
        while (spaces < c->len && is_space(c->bytes[spaces])) {
            spaces++;
        }
        consume(c, spaces);
        if (c->len == 0) {
            return true;
        }
        if (c->bytes[0] != 'd') {
            return false;
        }
        if (cjd_bencode_parse(&value, c->bytes, c->len, &used) < 0) {
            return c->len <= ADMIN_REQUEST_MAX; /* perhaps the rest is still to come */
        }
        memcpy(message, c->bytes, used);
        consume(c, used);
        if (!admin_receive(c->a, &from, message, used)) {
            return false;
        }
    }
    return true;
}

static void on_stream(void *arg, int fd, uint32_t events)
{
    struct admin_connection *c = arg;

    (void)events;
    ssize_t n = recv(fd, c->bytes + c->len, sizeof c->bytes - c->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    c->heard_ns = admin_now_ns(c->a);
    c->len += n > 0 ? (size_t)n : 0;
    if (n <= 0 || !take_messages(c)) {
        disconnect(c);
    }
}

static void on_idle(void *arg)
{
    struct admin *a = arg;
    bool is_any_left = false;

    for (unsigned i = 0; i < ADMIN_CONNECTIONS; i++) {
        struct admin_connection *c = &a->connections[i];
        if (c->fd >= 0 && admin_now_ns(a) - c->heard_ns > IDLE_S * SECOND) {
            disconnect(c);
        }
        is_any_left = is_any_left || c->fd >= 0;
    }
    if (is_any_left) {
        a->loop->timer_arm(a->host, &a->idle, 10 * SECOND);
    }
}

static void on_connect(void *arg, int fd, uint32_t events)
{
    struct admin *a = arg;
    int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (got < 0) {
        return;
    }
    for (unsigned i = 0; i < ADMIN_CONNECTIONS; i++) {
        struct admin_connection *c = &a->connections[i];
        if (c->fd >= 0) {
            continue;
        }
        a->last_connection = a->last_connection == UINT32_MAX ? 1 : a->last_connection + 1;
        *c = (struct admin_connection){
            .a = a, .fd = got, .number = a->last_connection, .heard_ns = admin_now_ns(a)};
        if (a->loop->fd_watch(a->host, &c->watch, got, CJD_FD_READ, on_stream, c) < 0) {
            c->fd = -1;
            break;
        }
        a->loop->timer_arm(a->host, &a->idle, 10 * SECOND);
        return;
    }
    close(got);
}

/* --- both ---------------------------------------------------------------------------------------
 */

int admin_sockets_watch(struct admin *a)
{
    for (unsigned i = 0; i < ADMIN_CONNECTIONS; i++) {
        a->connections[i].fd = -1;
    }
    a->loop->timer_init(a->host, &a->idle, on_idle, a);
    int err = a->loop->fd_watch(a->host, &a->watch, a->fd, CJD_FD_READ, on_datagram, a);
    if (err == 0 && a->tcp_fd >= 0) {
        err = a->loop->fd_watch(a->host, &a->tcp_watch, a->tcp_fd, CJD_FD_READ, on_connect, a);
    }
    if (err < 0) {
        admin_sockets_unwatch(a);
    }
    return err;
}

void admin_sockets_unwatch(struct admin *a)
{
    for (unsigned i = 0; i < ADMIN_CONNECTIONS; i++) {
        disconnect(&a->connections[i]);
    }
    a->loop->timer_cancel(a->host, &a->idle);
    a->loop->fd_unwatch(a->host, a->watch);
    a->loop->fd_unwatch(a->host, a->tcp_watch);
    a->watch = NULL;
    a->tcp_watch = NULL;
}

bool admin_send(struct admin *a, const struct admin_source *to, const uint8_t *bytes, size_t len)
{
    if (to->connection != 0) {
        const struct admin_connection *c = connection_of(a, to->connection);
        return c && send(c->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
    }
    return sendto(a->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to->addr.any, to->len) ==
           (ssize_t)len;
}
