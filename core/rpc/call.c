/*
 * Calls under way.
 *
 *     checks → method → answered inside             → done, freed
 *                     → LATER: on the list → answer, deadline, provider gone → done, freed
 *                                          → caller gone → method's cancel, freed
 *
 * A face may cancel from inside its own item(); the method is then told by cjd_rpc_run(), so that
 * no call ends under the feet of the method that is just working on it.
 */
#include <rpc/private.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <config/hint.h>

static struct call *call_of(struct cjd_rpc_call *head)
{
    return (struct call *)(void *)head;
}

/* --- ends ---------------------------------------------------------------------------------------
 */

static void unlink_call(struct call *c)
{
    struct cjd_rpc *rpc = c->rpc;

    if (c->prev) {
        c->prev->next = c->next;
    } else {
        rpc->calls = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
    rpc->stats.under_way--;
    cjd_timer_cancel(rpc->config.timers, &c->deadline);
}

static void free_call(struct call *c)
{
    free(c->caller);
    free(c);
}

/* Who changed something is told in the log, with the outcome. */
static void log_end(const struct call *c, const struct cjd_rpc_error *error)
{
    if (c->method->info.scope >= CJD_RPC_WRITE) {
        cjd_log(&c->rpc->config.log, CJD_LOG_INFO, "%s called by %s: %s%s%s", c->head.method,
                c->caller, error ? error->code : "done", error ? ": " : "",
                error ? error->message : "");
    }
}

/* The call is answered. It stays in memory while somebody works on it. */
static void end(struct call *c, const json_t *result, const struct cjd_rpc_error *error)
{
    c->is_over = true;
    unlink_call(c);
    if (!c->is_cancelled) {
        c->rpc->stats.failed += error != NULL;
        log_end(c, error);
        c->depth++;
        c->done(c->arg, result, error);
        c->depth--;
    }
    if (c->depth == 0) {
        free_call(c);
    }
}

static bool may_answer(struct call *c)
{
    if (c->is_over) {
        cjd_log(&c->rpc->config.log, CJD_LOG_ERROR, "method %s answered twice",
                c->method->info.name);
    }
    return !c->is_over;
}

/* What a method promised it must keep; only builds for finding faults look. */
static bool is_as_described(const struct call *c, const struct cjd_schema *schema, json_t *value)
{
#ifdef CJD_DEBUG
    return cjd_rpc_fits(c->rpc, c->method->name, schema, value);
#else
    (void)c, (void)schema, (void)value;
    return true;
#endif
}

void cjd_rpc_reply(struct cjd_rpc_call *head, json_t *result)
{
    struct call *c = call_of(head);

    if (!may_answer(c)) {
        json_decref(result);
    } else if (result && !is_as_described(c, c->method->result, result)) {
        json_decref(result);
        cjd_rpc_fail_f(head, CJD_ERR_IO, "internal", "", "the result is not as described");
    } else if (result) {
        end(c, result, NULL);
        json_decref(result);
    } else {
        cjd_rpc_fail_f(head, CJD_ERR_NO_MEMORY, "no_memory", "", "out of memory");
    }
}

void cjd_rpc_fail(struct cjd_rpc_call *head, const struct cjd_rpc_error *error)
{
    struct call *c = call_of(head);

    if (may_answer(c)) {
        end(c, NULL, error);
    }
}

void cjd_rpc_fail_f(struct cjd_rpc_call *head, int err, const char *code, const char *pointer,
                    const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct cjd_rpc_error error = {.size = sizeof error,
                                        .err = err,
                                        .code = code,
                                        .pointer = pointer,
                                        .message = text,
                                        .hint = ""};
    cjd_rpc_fail(head, &error);
}

void cjd_rpc_item(struct cjd_rpc_call *head, json_t *item)
{
    struct call *c = call_of(head);

    if (item && c->item && !c->is_over && !c->is_cancelled &&
        is_as_described(c, c->method->item, item)) {
        c->depth++;
        c->item(c->arg, item);
        c->depth--;
    }
    json_decref(item);
}

void cjd_rpc_cancel(struct cjd_rpc_call *head)
{
    if (!head) {
        return;
    }
    struct call *c = call_of(head);
    c->is_cancelled = true;
    c->rpc->stats.cancelled++;
    if (c->depth > 0) {
        c->rpc->has_cancelled = true;
        cjd_rpc_poke(c->rpc);
        return;
    }
    c->method->cancel(c->method->arg, head);
    unlink_call(c);
    free_call(c);
}

static void on_deadline(void *arg, uint64_t now_ns)
{
    struct call *c = arg;
    const struct cjd_rpc_error late = {.size = sizeof late,
                                       .err = CJD_ERR_TIMEOUT,
                                       .code = "deadline_passed",
                                       .pointer = "",
                                       .message = "there was no answer in time",
                                       .hint = "give it more time, or try again"};

    (void)now_ns;
    c->rpc->stats.timeouts++;
    c->method->cancel(c->method->arg, &c->head);
    end(c, NULL, &late);
}

/* --- several ------------------------------------------------------------------------------------
 */

bool cjd_rpc_call_is_of_method(const struct call *call, const void *owner)
{
    return call->method->owner == owner;
}

bool cjd_rpc_call_is_by(const struct call *call, const void *owner)
{
    return call->owner == owner;
}

bool cjd_rpc_call_is_cancelled(const struct call *call, const void *owner)
{
    (void)owner;
    return call->is_cancelled;
}

bool cjd_rpc_call_is_any(const struct call *call, const void *owner)
{
    (void)call, (void)owner;
    return true;
}

static struct call *next_meant(const struct cjd_rpc *rpc, cjd_rpc_call_test is_meant,
                               const void *owner)
{
    struct call *c = rpc->calls;

    while (c && (c->depth > 0 || !is_meant(c, owner))) {
        c = c->next;
    }
    return c;
}

/* From the start after each, since what is called may end others. */
void cjd_rpc_calls_end(struct cjd_rpc *rpc, cjd_rpc_call_test is_meant, const void *owner,
                       const struct cjd_rpc_error *error)
{
    for (struct call *c = next_meant(rpc, is_meant, owner); c;
         c = next_meant(rpc, is_meant, owner)) {
        c->is_cancelled = c->is_cancelled || !error;
        c->method->cancel(c->method->arg, &c->head);
        end(c, NULL, error);
    }
}

/* --- beginning ----------------------------------------------------------------------------------
 */

static void refuse(struct cjd_rpc *rpc, const struct cjd_rpc_request *request,
                   struct cjd_rpc_error error)
{
    error.size = sizeof error;
    error.pointer = error.pointer ? error.pointer : "";
    error.hint = error.hint ? error.hint : "";
    rpc->stats.failed++;
    rpc->stats.refused++;
    request->done(request->arg, NULL, &error);
}

static void refuse_unknown(struct cjd_rpc *rpc, const struct cjd_rpc_request *request)
{
    struct cjd_hint hint = {.word = request->method};
    char text[160];
    char what[160] = "\"methods.list\" tells which there are";

    for (uint32_t i = 0; i < rpc->method_count; i++) {
        cjd_hint_try(&hint, rpc->methods[i]->name);
    }
    snprintf(text, sizeof text, "there is no method \"%.64s\"", request->method);
    if (hint.best) {
        snprintf(what, sizeof what, "did you mean \"%s\"?", hint.best);
    }
    refuse(rpc, request,
           (struct cjd_rpc_error){
               .err = CJD_ERR_NOT_FOUND, .code = "unknown_method", .message = text, .hint = what});
}

static const char *scope_name(uint32_t scope)
{
    return scope == CJD_RPC_READ    ? "read"
           : scope == CJD_RPC_PROBE ? "probe"
           : scope == CJD_RPC_WRITE ? "write"
                                    : "administer";
}

static void refuse_scope(struct cjd_rpc *rpc, const struct cjd_rpc_request *request,
                         const struct method *m)
{
    char text[160];

    snprintf(text, sizeof text, "\"%s\" needs the scope \"%s\"", m->name,
             scope_name(m->info.scope));
    cjd_log(&rpc->config.log, CJD_LOG_WARN, "%s refused to %s: scope %s is missing", m->name,
            request->caller, scope_name(m->info.scope));
    refuse(rpc, request,
           (struct cjd_rpc_error){.err = CJD_ERR_PERMISSION,
                                  .code = "scope_missing",
                                  .message = text,
                                  .hint = "ask whoever set up the access for it"});
}

/* The first fault of the arguments. */
struct faults {
    unsigned count;
    const char *code;
    char pointer[256];
    char text[320];
    char hint[320];
};

static void on_fault(void *arg, enum cjd_schema_fault kind, const char *pointer, const char *text)
{
    static const char *const codes[] = {[CJD_SCHEMA_WRONG] = "invalid_argument",
                                        [CJD_SCHEMA_MISSING] = "missing_argument",
                                        [CJD_SCHEMA_UNKNOWN] = "unknown_argument"};
    struct faults *f = arg;

    if (f->count++ > 0) {
        return;
    }
    const char *half = strstr(text, "; ");
    f->code = codes[kind];
    snprintf(f->pointer, sizeof f->pointer, "%s", pointer);
    snprintf(f->text, sizeof f->text, "%.*s", half ? (int)(half - text) : (int)strlen(text), text);
    snprintf(f->hint, sizeof f->hint, "%s", half ? half + 2 : "");
}

/* A copy of the arguments that fits, or NULL after the caller was told. */
static json_t *check_args(struct cjd_rpc *rpc, const struct method *m,
                          const struct cjd_rpc_request *request)
{
    struct faults f = {0};
    json_t *args = request->args ? json_deep_copy(request->args) : json_object();

    if (!args) {
        refuse(rpc, request,
               (struct cjd_rpc_error){
                   .err = CJD_ERR_NO_MEMORY, .code = "no_memory", .message = "out of memory"});
        return NULL;
    }
    if (cjd_schema_check_value(m->args, args, on_fault, &f) < 0) {
        json_decref(args);
        refuse(rpc, request,
               (struct cjd_rpc_error){.err = CJD_ERR_INVALID,
                                      .code = f.code,
                                      .pointer = f.pointer,
                                      .message = f.text,
                                      .hint = f.hint});
        return NULL;
    }
    return args;
}

static struct call *make_call(struct cjd_rpc *rpc, const void *owner, struct method *m,
                              const struct cjd_rpc_request *request)
{
    struct call *c = rpc->stats.under_way < CJD_RPC_CALLS_MAX ? calloc(1, sizeof *c) : NULL;
    uint64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : m->info.timeout_ms;

    if (!c) {
        return NULL;
    }
    c->caller = strdup(request->caller ? request->caller : "-");
    if (!c->caller) {
        free(c);
        return NULL;
    }
    timeout_ms = timeout_ms < CJD_RPC_TIMEOUT_MAX_MS ? timeout_ms : CJD_RPC_TIMEOUT_MAX_MS;
    c->head = (struct cjd_rpc_call){.size = sizeof c->head,
                                    .scopes = request->scopes,
                                    .method = m->name,
                                    .caller = c->caller,
                                    .deadline_ns =
                                        rpc->config.now_ns(rpc->config.ctx) + timeout_ms * CJD_MS};
    c->rpc = rpc;
    c->method = m;
    c->owner = owner;
    c->done = request->done;
    c->item = request->item;
    c->arg = request->arg;
    cjd_timer_init(&c->deadline, on_deadline, c);
    c->next = rpc->calls;
    if (c->next) {
        c->next->prev = c;
    }
    rpc->calls = c;
    rpc->stats.under_way++;
    return c;
}

/* Runs the method. Returns the call if it is still under way. */
static struct call *run(struct call *c, const json_t *args)
{
    struct method *m = c->method;

    c->depth++;
    m->call(m->arg, &c->head, args);
    if (!c->is_over && (m->info.flags & CJD_RPC_LATER) == 0) {
        cjd_log(&c->rpc->config.log, CJD_LOG_ERROR, "method %s did not answer", m->name);
        cjd_rpc_fail_f(&c->head, CJD_ERR_IO, "internal", "", "the method did not answer");
    }
    c->depth--;
    if (c->is_over) {
        free_call(c);
        return NULL;
    }
    cjd_timer_arm(c->rpc->config.timers, &c->deadline, c->head.deadline_ns);
    return c;
}

void cjd_rpc_call(struct cjd_rpc *rpc, const void *owner, const struct cjd_rpc_request *request,
                  struct cjd_rpc_call **out)
{
    struct method *m = cjd_rpc_find(rpc, request->method);
    struct call *c = NULL;

    if (out) {
        *out = NULL;
    }
    rpc->stats.calls++;
    if (!m) {
        refuse_unknown(rpc, request);
        return;
    }
    if ((request->scopes & m->info.scope) == 0) {
        refuse_scope(rpc, request, m);
        return;
    }
    json_t *args = check_args(rpc, m, request);
    if (!args) {
        return;
    }
    c = make_call(rpc, owner, m, request);
    if (!c) {
        refuse(rpc, request,
               (struct cjd_rpc_error){.err = CJD_ERR_FULL,
                                      .code = "too_many_calls",
                                      .message = "too many calls are under way",
                                      .hint = "try again in a few seconds"});
    } else {
        c = run(c, args);
    }
    json_decref(args);
    if (out && c && !c->is_cancelled) {
        *out = &c->head;
    }
}
