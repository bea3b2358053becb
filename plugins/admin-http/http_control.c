#include "http_control.h"

#include <stdio.h>
#include <stdlib.h>

#include "http_catalog.h"
#include "http_problem.h"

#define WATCH_NS 1000000000ull

static struct cjd_http_letter *letter_to(struct cjd_http_errand *errand,
                                         enum cjd_http_letter_kind kind)
{
    struct cjd_http_letter *letter = calloc(1, sizeof *letter);

    if (letter) {
        letter->kind = kind;
        letter->errand = errand;
    }
    return letter;
}

/* --- the catalogue ------------------------------------------------------------------------------
 */

static void look_at_registry(struct cjd_http_control *c)
{
    if (c->has_sent && c->revision == c->rpc->revision(c->host)) {
        return;
    }
    struct cjd_http_letter *letter = letter_to(NULL, CJD_HTTP_LETTER_CATALOG);
    struct cjd_http_catalog *catalog = letter ? cjd_http_catalog_new(c->rpc, c->host) : NULL;
    if (!catalog) {
        free(letter);
        return; /* the timer tries again */
    }
    c->revision = catalog->revision;
    c->has_sent = true;
    letter->cargo = catalog;
    cjd_http_box_put(c->out, letter);
}

static void on_watch(void *arg)
{
    struct cjd_http_control *c = arg;

    look_at_registry(c);
    c->loop->timer_arm(c->host, &c->watch, WATCH_NS);
}

/* --- ends of errands ----------------------------------------------------------------------------
 */

static void link_errand(struct cjd_http_control *c, struct cjd_http_errand *e)
{
    e->control = c;
    e->is_live = true;
    e->prev = NULL;
    e->next = c->live;
    if (e->next) {
        e->next->prev = e;
    }
    c->live = e;
}

static void unlink_errand(struct cjd_http_control *c, struct cjd_http_errand *e)
{
    if (e->prev) {
        e->prev->next = e->next;
    } else {
        c->live = e->next;
    }
    if (e->next) {
        e->next->prev = e->prev;
    }
    e->is_live = false;
}

/* From here on the errand is the HTTP thread's. What methods a call brought or took is told before
 * its answer. */
static void give_back(struct cjd_http_control *c, struct cjd_http_errand *e,
                      struct cjd_http_letter *letter)
{
    unlink_errand(c, e);
    look_at_registry(c);
    cjd_http_box_put(c->out, letter);
}

static void on_done(void *arg, const json_t *result, const struct cjd_rpc_error *error)
{
    struct cjd_http_errand *e = arg;
    struct cjd_http_control *c = e->control;
    struct cjd_http_letter *letter = letter_to(e, CJD_HTTP_LETTER_DONE);

    e->call = NULL;
    if (letter) {
        /* Shared for reading; the count of references is what is written. */
        letter->value = result ? json_incref((json_t *)(uintptr_t)result) : NULL;
        letter->error = error ? cjd_http_error_pack(error) : NULL;
    }
    if (c->calling == e) {
        c->held = letter;
    } else {
        give_back(c, e, letter);
    }
}

static void on_item(void *arg, const json_t *item)
{
    struct cjd_http_errand *e = arg;
    struct cjd_http_control *c = e->control;
    struct cjd_http_letter *letter = letter_to(e, CJD_HTTP_LETTER_ITEM);

    if (letter) {
        letter->value = json_incref((json_t *)(uintptr_t)item);
        cjd_http_box_put(c->out, letter);
    }
}

/* --- calls --------------------------------------------------------------------------------------
 */

static void begin_call(struct cjd_http_control *c, struct cjd_http_errand *e)
{
    struct cjd_rpc_call *call = NULL;
    const struct cjd_rpc_request request = {.size = sizeof request,
                                            .scopes = e->scopes & CJD_RPC_ALL,
                                            .method = e->method,
                                            .caller = e->caller,
                                            .args = e->args,
                                            .done = on_done,
                                            .item = e->wants_items ? on_item : NULL,
                                            .arg = e};

    c->calling = e;
    c->held = NULL;
    c->rpc->call(c->host, &request, &call);
    c->calling = NULL;
    e->call = call;
    if (!call) {
        give_back(c, e, c->held);
    }
}

static void on_batched(void *arg, const json_t *result, const struct cjd_rpc_error *error)
{
    const json_t **out = arg;

    (void)error; /* the value is then missing */
    *out = result ? json_incref((json_t *)(uintptr_t)result) : NULL;
}

static void begin_batch(struct cjd_http_control *c, struct cjd_http_errand *e)
{
    struct cjd_http_letter *letter = letter_to(e, CJD_HTTP_LETTER_DONE);
    json_t *all = json_object();
    const char *name;
    json_t *args;

    json_object_foreach(e->args, name, args)
    {
        json_t *one = NULL;
        struct cjd_rpc_call *call = NULL;
        const struct cjd_rpc_request request = {.size = sizeof request,
                                                .scopes = e->scopes & CJD_RPC_ALL,
                                                .method = name,
                                                .caller = e->caller,
                                                .args = args,
                                                .done = on_batched,
                                                .arg = &one};
        c->rpc->call(c->host, &request, &call);
        c->rpc->cancel(c->host, call);
        if (one) {
            json_object_set_new(all, name, one);
        }
    }
    if (letter) {
        letter->value = all;
    } else {
        json_decref(all);
    }
    give_back(c, e, letter);
}

/* --- streams ------------------------------------------------------------------------------------
 */

static void pull(struct cjd_http_control *c, struct cjd_http_errand *e)
{
    struct cjd_rpc_event event = {.size = sizeof event};

    while (e->credit > 0 && c->rpc->next(c->host, e->sub, &event) == 1) {
        struct cjd_http_letter *letter = letter_to(e, CJD_HTTP_LETTER_EVENT);
        if (letter) {
            letter->value = json_incref((json_t *)(uintptr_t)event.data);
            letter->event.seq = event.seq;
            letter->event.wall_ms = event.wall_ms;
            letter->event.dropped = event.dropped;
            snprintf(letter->event.type, sizeof letter->event.type, "%s", event.type);
            e->credit--;
            cjd_http_box_put(c->out, letter);
        }
        event.size = sizeof event;
    }
}

static void on_ready(void *arg)
{
    struct cjd_http_errand *e = arg;
    pull(e->control, e);
}

static void begin_stream(struct cjd_http_control *c, struct cjd_http_errand *e)
{
    const struct cjd_rpc_subscribe wish = {.size = sizeof wish,
                                           .stream = e->stream,
                                           .after = e->after,
                                           .types = e->types,
                                           .level = e->level,
                                           .tail = e->tail,
                                           .ready = on_ready,
                                           .arg = e};
    int err = c->rpc->subscribe(c->host, &wish, &e->sub);

    if (err != 0) {
        const struct cjd_rpc_error error = {.size = sizeof error,
                                            .err = err,
                                            .code = "no_subscription",
                                            .pointer = "",
                                            .message = "there are too many subscribers",
                                            .hint = "try again later"};
        e->sub = NULL;
        on_done(e, NULL, &error);
    }
}

/* --- letters ------------------------------------------------------------------------------------
 */

static void begin(struct cjd_http_control *c, struct cjd_http_errand *e)
{
    link_errand(c, e);
    switch (e->kind) {
    case CJD_HTTP_CALL:
        begin_call(c, e);
        return;
    case CJD_HTTP_BATCH:
        begin_batch(c, e);
        return;
    case CJD_HTTP_STREAM:
        begin_stream(c, e);
        return;
    }
}

static void end(struct cjd_http_control *c, struct cjd_http_errand *e)
{
    c->rpc->cancel(c->host, e->call);
    c->rpc->unsubscribe(c->host, e->sub);
    e->call = NULL;
    e->sub = NULL;
}

static bool is_live(const struct cjd_http_control *c, const struct cjd_http_errand *e)
{
    const struct cjd_http_errand *at = c->live;

    while (at && at != e) {
        at = at->next;
    }
    return at != NULL;
}

/* An errand that was given back already may be gone: only its address is looked at first. */
static void read_letter(struct cjd_http_control *c, struct cjd_http_letter *letter)
{
    struct cjd_http_errand *e = letter->errand;

    if (letter->kind == CJD_HTTP_LETTER_CALL) {
        begin(c, e);
    } else if (!is_live(c, e)) {
        return;
    } else if (letter->kind == CJD_HTTP_LETTER_CANCEL) {
        end(c, e);
        give_back(c, e, letter_to(e, CJD_HTTP_LETTER_DONE));
    } else if (letter->kind == CJD_HTTP_LETTER_CREDIT) {
        e->credit += letter->number;
        if (e->sub) {
            pull(c, e);
        }
    }
}

static void on_mail(void *arg)
{
    struct cjd_http_control *c = arg;
    struct cjd_http_letter *letter = cjd_http_box_take(&c->in);

    while (letter) {
        struct cjd_http_letter *next = letter->next;
        if (c->is_started) {
            read_letter(c, letter);
        }
        cjd_http_letter_free(letter);
        letter = next;
    }
}

static int wake(void *arg)
{
    struct cjd_http_control *c = arg;
    return c->loop->post(c->host, 0, on_mail, c);
}

/* --- life ---------------------------------------------------------------------------------------
 */

int cjd_http_control_init(struct cjd_http_control *c, const struct cjd_host *host,
                          struct cjd_http_box *out)
{
    *c = (struct cjd_http_control){.host = host,
                                   .rpc = host->get(host, CJD_SERVICE_RPC, 1),
                                   .loop = host->get(host, CJD_SERVICE_LOOP, 1),
                                   .out = out};
    if (!c->rpc || !c->loop) {
        return CJD_ERR_VERSION;
    }
    return cjd_http_box_init(&c->in, wake, c);
}

void cjd_http_control_fini(struct cjd_http_control *c)
{
    cjd_http_box_fini(&c->in);
}

void cjd_http_control_start(struct cjd_http_control *c)
{
    c->is_started = true;
    c->loop->timer_init(c->host, &c->watch, on_watch, c);
    on_watch(c);
}

void cjd_http_control_stop(struct cjd_http_control *c)
{
    if (!c->is_started) {
        return;
    }
    c->is_started = false;
    c->loop->timer_cancel(c->host, &c->watch);
    while (c->live) {
        struct cjd_http_errand *e = c->live;
        end(c, e);
        unlink_errand(c, e);
    }
}
