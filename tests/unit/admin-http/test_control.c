/* Errands on the control thread: answered at once, later, cancelled; streams and their credit. */
#include "http_fixture.h"

#include <fake_host.h>

#include "http_control.h"

struct world {
    struct cjd_fake_host *fake;
    struct cjd_http_box out;
    struct cjd_http_control control;
    unsigned wakes;
    struct cjd_rpc_request last; /* of the method that answers later */
};

static int wake(void *arg)
{
    struct world *w = arg;
    w->wakes++;
    return 0;
}

static struct world *current; /* for the fake's callback */

/* "now" answers, "bad" fails, "later" waits. */
static void on_call(struct cjd_fake_host *fake, const struct cjd_rpc_request *request,
                    struct cjd_rpc_call **out)
{
    const struct cjd_rpc_error error = {.size = sizeof error,
                                        .err = CJD_ERR_EXISTS,
                                        .code = "exists",
                                        .pointer = "/a",
                                        .message = "it exists",
                                        .hint = ""};

    if (strcmp(request->method, "now") == 0) {
        json_t *value = json_pack("{s:O}", "args", request->args);
        request->done(request->arg, value, NULL);
        json_decref(value);
    } else if (strcmp(request->method, "bad") == 0) {
        request->done(request->arg, NULL, &error);
    } else {
        current->last = *request;
        *out = (struct cjd_rpc_call *)(void *)fake;
    }
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    w->fake = cjd_fake_new();
    w->fake->on_call = on_call;
    assert_int_equal(cjd_http_box_init(&w->out, wake, w), 0);
    assert_int_equal(cjd_http_control_init(&w->control, &w->fake->host, &w->out), 0);
    current = w;
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    cjd_http_control_stop(&w->control);
    cjd_http_control_fini(&w->control);
    cjd_http_box_fini(&w->out);
    assert_int_equal(cjd_fake_leaks(w->fake), 0);
    assert_int_equal(w->fake->subscriptions, 0);
    cjd_fake_free(w->fake);
    free(w);
    return 0;
}

static void tell(struct world *w, struct cjd_http_errand *errand, enum cjd_http_letter_kind kind,
                 uint32_t number)
{
    struct cjd_http_letter *letter = calloc(1, sizeof *letter);

    letter->kind = kind;
    letter->errand = errand;
    letter->number = number;
    cjd_http_box_put(&w->control.in, letter);
    cjd_fake_run(w->fake);
}

/* The only letter there is. */
static struct cjd_http_letter *receive(struct world *w, enum cjd_http_letter_kind kind)
{
    struct cjd_http_letter *letter = cjd_http_box_take(&w->out);

    assert_non_null(letter);
    assert_int_equal(letter->kind, kind);
    assert_null(letter->next);
    return letter;
}

static void expect_nothing(struct world *w)
{
    assert_null(cjd_http_box_take(&w->out));
}

static void start(struct world *w)
{
    struct cjd_http_letter *letter;

    cjd_http_control_start(&w->control);
    letter = receive(w, CJD_HTTP_LETTER_CATALOG);
    cjd_http_catalog_free(letter->cargo);
    cjd_http_letter_free(letter);
    /* Nothing came or went since. */
    cjd_fake_advance(w->fake, 5000000000ull);
    expect_nothing(w);
}

static struct cjd_http_errand *call_of(const char *method)
{
    struct cjd_http_errand *e = cjd_http_errand_new(CJD_HTTP_CALL);

    e->method = strdup(method);
    e->args = json_pack("{s:i}", "a", 1);
    e->scopes = CJD_RPC_READ | CJD_HTTP_METRICS;
    return e;
}

static void test_now(void **state)
{
    struct world *w = *state;
    struct cjd_http_errand *e = call_of("now");
    struct cjd_http_letter *letter;

    start(w);
    tell(w, e, CJD_HTTP_LETTER_CALL, 0);
    letter = receive(w, CJD_HTTP_LETTER_DONE);
    assert_ptr_equal(letter->errand, e);
    assert_null(letter->error);
    assert_int_equal(test_int(json_object_get(letter->value, "args"), "a"), 1);
    cjd_http_letter_free(letter);
    /* Too late: it was given back, and may be gone. */
    cjd_http_errand_free(e);
    tell(w, e, CJD_HTTP_LETTER_CANCEL, 0);
    tell(w, e, CJD_HTTP_LETTER_CREDIT, 5);
    expect_nothing(w);
    assert_int_equal(w->fake->cancelled_calls, 0);
}

static void test_bad(void **state)
{
    struct world *w = *state;
    struct cjd_http_errand *e = call_of("bad");
    struct cjd_http_letter *letter;

    start(w);
    tell(w, e, CJD_HTTP_LETTER_CALL, 0);
    letter = receive(w, CJD_HTTP_LETTER_DONE);
    assert_null(letter->value);
    assert_string_equal(fixture_text(letter->error, "code"), "exists");
    assert_string_equal(fixture_text(letter->error, "pointer"), "/a");
    assert_int_equal(test_int(letter->error, "err"), CJD_ERR_EXISTS);
    cjd_http_letter_free(letter);
    cjd_http_errand_free(e);
}

static void test_later(void **state)
{
    struct world *w = *state;
    struct cjd_http_errand *e = call_of("later");
    struct cjd_http_letter *letter;
    json_t *value = json_pack("{s:i}", "hop", 1);

    start(w);
    e->wants_items = true;
    tell(w, e, CJD_HTTP_LETTER_CALL, 0);
    expect_nothing(w);
    /* Scopes of faces are no scopes of the registry. */
    assert_int_equal(w->last.scopes, CJD_RPC_READ);
    w->last.item(w->last.arg, value);
    letter = receive(w, CJD_HTTP_LETTER_ITEM);
    assert_int_equal(test_int(letter->value, "hop"), 1);
    cjd_http_letter_free(letter);
    w->last.done(w->last.arg, value, NULL);
    letter = receive(w, CJD_HTTP_LETTER_DONE);
    cjd_http_letter_free(letter);
    json_decref(value);
    cjd_http_errand_free(e);
}

static void test_cancel(void **state)
{
    struct world *w = *state;
    struct cjd_http_errand *e = call_of("later");
    struct cjd_http_letter *letter;

    start(w);
    tell(w, e, CJD_HTTP_LETTER_CALL, 0);
    assert_null(w->last.item); /* not wanted */
    tell(w, e, CJD_HTTP_LETTER_CANCEL, 0);
    letter = receive(w, CJD_HTTP_LETTER_DONE);
    assert_null(letter->value);
    assert_null(letter->error);
    assert_int_equal(w->fake->cancelled_calls, 1);
    cjd_http_letter_free(letter);
    cjd_http_errand_free(e);
}

/* Everything under way ends with the plugin, without a word. */
static void test_stop(void **state)
{
    struct world *w = *state;
    struct cjd_http_errand *call = call_of("later");
    struct cjd_http_errand *stream = cjd_http_errand_new(CJD_HTTP_STREAM);

    start(w);
    tell(w, call, CJD_HTTP_LETTER_CALL, 0);
    tell(w, stream, CJD_HTTP_LETTER_CALL, 0);
    assert_int_equal(w->fake->subscriptions, 1);
    cjd_http_control_stop(&w->control);
    assert_int_equal(w->fake->cancelled_calls, 1);
    assert_int_equal(w->fake->subscriptions, 0);
    tell(w, call, CJD_HTTP_LETTER_CALL, 0);
    expect_nothing(w);
    cjd_http_errand_free(call);
    cjd_http_errand_free(stream);
}

static void test_batch(void **state)
{
    struct world *w = *state;
    struct cjd_http_errand *e = cjd_http_errand_new(CJD_HTTP_BATCH);
    struct cjd_http_letter *letter;

    start(w);
    e->args = json_pack("{s:{s:i}, s:{}, s:{}}", "now", "limit", 5, "bad", "later");
    tell(w, e, CJD_HTTP_LETTER_CALL, 0);
    letter = receive(w, CJD_HTTP_LETTER_DONE);
    assert_int_equal(json_object_size(letter->value), 1);
    const json_t *now = json_object_get(letter->value, "now");
    assert_int_equal(test_int(json_object_get(now, "args"), "limit"), 5);
    assert_int_equal(w->fake->cancelled_calls, 1); /* of the one that would answer later */
    cjd_http_letter_free(letter);
    cjd_http_errand_free(e);
}

static void test_credit(void **state)
{
    struct world *w = *state;
    struct cjd_http_errand *e = cjd_http_errand_new(CJD_HTTP_STREAM);
    struct cjd_rpc_event events[5];
    json_t *data = json_object();

    start(w);
    for (uint64_t i = 0; i < 5; i++) {
        events[i] = (struct cjd_rpc_event){.size = sizeof events[i],
                                           .seq = i + 1,
                                           .wall_ms = 9,
                                           .type = "peer.state",
                                           .data = data};
    }
    w->fake->lines = events;
    w->fake->line_count = 5;
    e->credit = 2;
    tell(w, e, CJD_HTTP_LETTER_CALL, 0);
    w->fake->ready(w->fake->ready_arg);
    w->fake->ready(w->fake->ready_arg); /* no more than was paid for */
    assert_int_equal(w->fake->line_count, 3);
    tell(w, e, CJD_HTTP_LETTER_CREDIT, 2);
    assert_int_equal(w->fake->line_count, 1);
    uint64_t seq = 1;
    for (struct cjd_http_letter *l = cjd_http_box_take(&w->out), *next; l; l = next) {
        next = l->next;
        assert_int_equal(l->kind, CJD_HTTP_LETTER_EVENT);
        assert_int_equal(l->event.seq, seq++);
        assert_string_equal(l->event.type, "peer.state");
        cjd_http_letter_free(l);
    }
    assert_int_equal(seq, 5);
    tell(w, e, CJD_HTTP_LETTER_CANCEL, 0);
    cjd_http_letter_free(receive(w, CJD_HTTP_LETTER_DONE));
    assert_int_equal(w->fake->subscriptions, 0);
    json_decref(data);
    cjd_http_errand_free(e);
}

/* One bell for many letters, and another one after a look. */
static void test_wakes(void **state)
{
    struct world *w = *state;
    unsigned before;

    start(w);
    before = w->wakes;
    for (unsigned i = 0; i < 3; i++) {
        cjd_http_box_put(&w->out, calloc(1, sizeof(struct cjd_http_letter)));
    }
    assert_int_equal(w->wakes, before + 1);
    for (struct cjd_http_letter *l = cjd_http_box_take(&w->out), *next; l; l = next) {
        next = l->next;
        cjd_http_letter_free(l);
    }
    cjd_http_box_put(&w->out, calloc(1, sizeof(struct cjd_http_letter)));
    assert_int_equal(w->wakes, before + 2);
    cjd_http_box_put(&w->out, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_now, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_credit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wakes, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
