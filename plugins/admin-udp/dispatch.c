/* From a message to its answer: who asks, what may they, which function; requests under way. */
#include "admin.h"

#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_FUNCTION "No functions matched your request, try Admin_availableFunctions()"
#define WARN_EVERY  10000000000ull

uint64_t admin_now_ns(const struct admin *a)
{
    return a->time->now_ns(a->host);
}

uint64_t admin_now_s(const struct admin *a)
{
    return a->time->wall_ms(a->host, NULL) / 1000;
}

/* --- sending ------------------------------------------------------------------------------------
 */

bool admin_send_answer(struct admin *a, const struct admin_source *to, const uint8_t *txid,
                       size_t txid_len, bool has_txid, json_t *answer)
{
    if (answer && has_txid) {
        json_object_set_new(answer, "txid", admin_bytes(txid, txid_len));
    }
    int len = answer ? admin_render(a->buffer, sizeof a->buffer, answer) : CJD_ERR_NO_MEMORY;
    if (len > 0 && to->connection != 0 && len % 1024 == 0) {
        /* The old client would wait for more (§13.3). */
        json_object_set_new(answer, "pad", json_integer(1));
        len = admin_render(a->buffer, sizeof a->buffer, answer);
    }
    json_decref(answer);
    bool is_sent = len > 0 && admin_send(a, to, a->buffer, (size_t)len);
    a->counts.unsent += !is_sent;
    return is_sent;
}

static void answer_plain(struct admin *a, const struct admin_source *to,
                         const struct admin_message *m, json_t *answer)
{
    (void)admin_send_answer(a, to, m->txid.bytes, m->txid.len, m->has_txid, answer);
}

static void error_plain(struct admin *a, const struct admin_source *to,
                        const struct admin_message *m, const char *text)
{
    answer_plain(a, to, m, json_pack("{s:s}", "error", text));
}

/* --- requests under way -------------------------------------------------------------------------
 */

static void request_free(struct admin_request *r)
{
    struct admin *a = r->a;
    struct admin_client *c = admin_client_find(a, &r->source);

    if (r->prev) {
        r->prev->next = r->next;
    } else {
        a->requests = r->next;
    }
    if (r->next) {
        r->next->prev = r->prev;
    }
    if (c && c->pending > 0) {
        c->pending--;
    }
    a->pending--;
    json_decref(r->kept);
    free(r->txid);
    free(r);
}

static void request_cancel(struct admin_request *r)
{
    if (r->call) {
        r->a->rpc->cancel(r->a->host, r->call);
    }
    request_free(r);
}

void admin_requests_end(struct admin *a)
{
    while (a->requests) {
        request_cancel(a->requests);
    }
}

void admin_requests_drop(struct admin *a, uint32_t connection)
{
    struct admin_request *next;

    for (struct admin_request *r = a->requests; r; r = next) {
        next = r->next;
        if (r->source.connection == connection) {
            request_cancel(r);
        }
    }
}

/* NULL: too many, or out of memory; no answer, the client tries again. */
static struct admin_request *request_new(struct admin *a, const struct admin_source *from,
                                         const struct admin_message *m, struct admin_client *c)
{
    bool has_room = a->pending < ADMIN_PENDING_MAX && c && c->pending < ADMIN_PER_CLIENT;
    struct admin_request *r = has_room ? calloc(1, sizeof *r) : NULL;

    if (!r) {
        return NULL;
    }
    memcpy(r->bytes, m->bytes, m->len);
    if (m->has_txid) {
        r->txid = malloc(m->txid.len + 1);
        if (!r->txid) {
            free(r);
            return NULL;
        }
        memcpy(r->txid, m->txid.bytes, m->txid.len);
        r->txid_len = m->txid.len;
        r->has_txid = true;
    }
    r->a = a;
    r->source = *from;
    r->has_args = m->has_args;
    r->args = m->args;
    if (m->has_args) {
        r->args.bytes = r->bytes + (m->args.bytes - m->bytes);
    }
    r->next = a->requests;
    if (r->next) {
        r->next->prev = r;
    }
    a->requests = r;
    a->pending++;
    c->pending++;
    return r;
}

void admin_answer(struct admin_request *r, json_t *answer)
{
    (void)admin_send_answer(r->a, &r->source, r->txid, r->txid_len, r->has_txid, answer);
    request_free(r);
}

void admin_part(struct admin_request *r, json_t *answer)
{
    (void)admin_send_answer(r->a, &r->source, r->txid, r->txid_len, r->has_txid, answer);
}

void admin_error(struct admin_request *r, const char *text)
{
    admin_answer(r, json_pack("{s:s}", "error", text));
}

void admin_fail(struct admin_request *r, const struct cjd_rpc_error *error)
{
    char text[640];

    snprintf(text, sizeof text, "%s%s%s", error->message, error->hint[0] ? ": " : "", error->hint);
    admin_error(r, text);
}

/* --- methods ------------------------------------------------------------------------------------
 */

static void on_done(void *arg, const json_t *result, const struct cjd_rpc_error *error)
{
    struct admin_request *r = arg;

    r->call = NULL;
    r->then(r, result, error);
}

static void on_item(void *arg, const json_t *item)
{
    struct admin_request *r = arg;

    if (r->item) {
        r->item(r, item);
    }
}

static const char *caller_of(const struct admin_request *r, char out[96])
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool is_v4 = r->source.addr.any.sa_family == AF_INET;
    const void *ip = is_v4 ? (const void *)&r->source.addr.in.sin_addr
                           : (const void *)&r->source.addr.in6.sin6_addr;
    unsigned port = ntohs(is_v4 ? r->source.addr.in.sin_port : r->source.addr.in6.sin6_port);

    inet_ntop(r->source.addr.any.sa_family, ip, host, sizeof host);
    snprintf(out, 96, "admin-udp %s %s%s%s:%u", r->source.connection != 0 ? "tcp" : "udp",
             is_v4 ? "" : "[", host, is_v4 ? "" : "]", port);
    return out;
}

/* A call that is over within rpc->call() may have freed the request: r is not looked at again. */
void admin_call(struct admin_request *r, const char *method, json_t *args, admin_then_fn then)
{
    struct admin *a = r->a;
    char caller[96];
    struct cjd_rpc_request request = {.size = sizeof request,
                                      .scopes = CJD_RPC_ALL,
                                      .method = method,
                                      .caller = caller_of(r, caller),
                                      .args = args,
                                      .done = on_done,
                                      .item = r->item ? on_item : NULL,
                                      .arg = r};
    struct cjd_rpc_call *call = NULL;

    r->then = then;
    a->rpc->call(a->host, &request, &call);
    json_decref(args);
    if (call) {
        r->call = call;
    }
}

/* --- dispatch -----------------------------------------------------------------------------------
 */

/* A bucket: as many a second as configured, and as many at once. */
static bool take_anonymous(struct admin *a)
{
    uint64_t now = admin_now_ns(a);
    uint64_t price = 1000000000ull / a->config.anonymous_per_s;
    uint64_t burst = 1000000000ull;

    if (a->anonymous_ns + burst < now || a->anonymous_ns == 0) {
        a->anonymous_ns = now - burst;
    }
    if (a->anonymous_ns + price > now) {
        a->counts.limited++;
        return false;
    }
    a->anonymous_ns += price;
    return true;
}

static void warn_refused(struct admin *a)
{
    a->counts.refused++;
    if (a->warned_ns == 0 || admin_now_ns(a) - a->warned_ns > WARN_EVERY) {
        a->warned_ns = admin_now_ns(a);
        cjd_logger_write(&a->log, CJD_LEVEL_WARN,
                         "requests with a wrong password or an old cookie refused=%llu",
                         (unsigned long long)a->counts.refused);
    }
}

/* A name of the registry, for whoever has the password: what is new needs no function of its own.
 */
static bool find_method(const struct admin *a, const struct cjd_bencode *name,
                        struct cjd_rpc_method_info *out)
{
    char text[64];

    if (name->len >= sizeof text || memchr(name->bytes, '\0', name->len)) {
        return false;
    }
    memcpy(text, name->bytes, name->len);
    text[name->len] = '\0';
    out->size = sizeof *out;
    return a->rpc->method_find(a->host, text, out) == 0;
}

static void run(struct admin_request *r, const struct admin_function *f,
                const struct cjd_rpc_method_info *method)
{
    char fault[128];

    r->function = f;
    if (!f) {
        admin_generic(r, method);
    } else if (admin_args_fault(f, r, fault, sizeof fault)) {
        admin_error(r, fault);
    } else {
        f->fn(r);
    }
}

static void dispatch(struct admin *a, const struct admin_source *from,
                     const struct admin_message *m, bool is_authed)
{
    const struct cjd_bencode *name = admin_text_is(&m->q, "auth") ? &m->aq : &m->q;
    const struct admin_function *f = admin_function_find(name);
    struct cjd_rpc_method_info method;
    struct admin_client *c = admin_client_of(a, from);

    bool is_known =
        f ? f->is_open || is_authed
          : is_authed && name->type == CJD_BENCODE_STRING && find_method(a, name, &method);
    if (c) {
        c->has_authed = c->has_authed || is_authed;
    }
    if (!is_known) {
        error_plain(a, from, m, NO_FUNCTION);
        return;
    }
    struct admin_request *r = request_new(a, from, m, c);
    if (r) {
        run(r, f, f ? NULL : &method);
    }
}

static void answer_cookie(struct admin *a, const struct admin_source *from,
                          const struct admin_message *m)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)admin_now_s(a));
    (void)admin_client_of(a, from);
    answer_plain(a, from, m, json_pack("{s:s}", "cookie", text));
}

static void judge(struct admin *a, const struct admin_source *from, const struct admin_message *m)
{
    const struct admin_config *config = &a->config;
    bool is_signed = admin_text_is(&m->q, "auth");
    bool is_good = is_signed && config->has_password &&
                   admin_auth_is_good(m, config->password, config->password_len, admin_now_s(a));

    if (!is_good && (is_signed || !config->is_open) && !take_anonymous(a)) {
        return;
    }
    if (is_signed && !is_good) {
        warn_refused(a);
        error_plain(a, from, m, "Auth failed.");
    } else if (admin_text_is(&m->q, "cookie")) {
        answer_cookie(a, from, m);
    } else if (is_signed && !m->has_aq) {
        error_plain(a, from, m, NO_FUNCTION);
    } else {
        dispatch(a, from, m, is_good || config->is_open);
    }
}

bool admin_receive(struct admin *a, const struct admin_source *from, const uint8_t *bytes,
                   size_t len)
{
    struct admin_message m = {0};

    a->counts.requests++;
    if (len > ADMIN_REQUEST_MAX) {
        if (take_anonymous(a)) {
            error_plain(a, from, &m, "Request too big.");
        }
        return false;
    }
    if (!admin_message_read(&m, bytes, len)) {
        a->counts.dropped++;
        return false;
    }
    judge(a, from, &m);
    return true;
}
