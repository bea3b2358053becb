/* What is registered, and calls through their whole life. */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- methods ------------------------------------------------------------------------------------
 */

static void echo(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    (void)arg;
    cjd_rpc_reply(call, json_deep_copy(args));
}

static void silent(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    (void)arg, (void)call, (void)args;
}

struct later {
    struct cjd_rpc_call *call;
    unsigned cancelled;
};

static void later_call(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct later *l = arg;

    (void)args;
    l->call = call;
    call->data = l;
}

static void later_cancel(void *arg, struct cjd_rpc_call *call)
{
    struct later *l = arg;

    assert_true(!l->call || l->call == call);
    assert_ptr_equal(l, call->data);
    l->cancelled++;
    l->call = NULL;
}

static const char echo_args[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"name\"],"
    "\"properties\": {\"name\": {\"type\": \"string\", \"maxLength\": 8},"
    "\"count\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 9, \"default\": 3}}}";

static struct cjd_rpc_method echo_method(void)
{
    return (struct cjd_rpc_method){.size = sizeof(struct cjd_rpc_method),
                                   .scope = CJD_RPC_READ,
                                   .name = "test.echo",
                                   .http = "GET /test/{name}",
                                   .summary = "says what it was told",
                                   .args = echo_args,
                                   .result = "{\"type\": \"object\"}",
                                   .call = echo};
}

static struct cjd_rpc_method later_method(void)
{
    return (struct cjd_rpc_method){.size = sizeof(struct cjd_rpc_method),
                                   .scope = CJD_RPC_PROBE,
                                   .flags = CJD_RPC_LATER | CJD_RPC_ITEMS,
                                   .timeout_ms = 2000,
                                   .name = "later",
                                   .summary = "answers when the test says so",
                                   .item = "{\"type\": \"object\"}",
                                   .call = later_call,
                                   .cancel = later_cancel};
}

static int own; /* its address is an owner */

static void add_echo(struct bench *b)
{
    struct cjd_rpc_method m = echo_method();
    assert_int_equal(0, cjd_rpc_method_add(b->rpc, &own, NULL, &m, NULL));
}

static void add_later(struct bench *b, struct later *l)
{
    struct cjd_rpc_method m = later_method();
    assert_int_equal(0, cjd_rpc_method_add(b->rpc, &own, "plug", &m, l));
}

/* --- registration -------------------------------------------------------------------------------
 */

static void description_is_complete(void **state)
{
    struct bench *b = *state;
    struct later l = {0};
    struct cjd_rpc_method_info info = {.size = sizeof info};

    add_later(b, &l);
    add_echo(b);
    assert_int_equal(0, cjd_rpc_method_at(b->rpc, 0, &info));
    assert_string_equal("plug.later", info.name);
    assert_string_equal("plug", info.provider);
    assert_string_equal("POST", info.verb);
    assert_string_equal("/v1/plug/later", info.path);
    assert_int_equal(0, cjd_rpc_method_find(b->rpc, "test.echo", &info));
    assert_string_equal("core", info.provider);
    assert_string_equal("GET", info.verb);
    assert_string_equal("/v1/test/{name}", info.path);
    assert_non_null(json_object_get(json_object_get(info.args, "properties"), "count"));
    assert_int_equal(CJD_ERR_NOT_FOUND, cjd_rpc_method_at(b->rpc, 2, &info));

    json_t *all = cjd_rpc_describe_methods(b->rpc);
    assert_int_equal(2, json_array_size(json_object_get(all, "items")));
    json_decref(all);
}

static void ids_fit_into_names(void **state)
{
    struct bench *b = *state;
    struct later l = {0};
    struct cjd_rpc_method m = later_method();
    struct cjd_rpc_method_info info = {.size = sizeof info};

    assert_int_equal(0, cjd_rpc_method_add(b->rpc, &own, "udp#2", &m, &l));
    assert_int_equal(0, cjd_rpc_method_find(b->rpc, "udp-2.later", &info));
    assert_string_equal("/v1/udp-2/later", info.path);
}

static void short_reader_gets_what_it_knows(void **state)
{
    struct bench *b = *state;
    struct cjd_rpc_method_info info;

    add_echo(b);
    memset(&info, 0x55, sizeof info);
    info.size = 8;
    assert_int_equal(0, cjd_rpc_method_at(b->rpc, 0, &info));
    assert_int_equal(8, info.size);
    assert_int_equal(CJD_RPC_READ, info.scope);
    assert_int_equal(0x55555555, info.flags);
}

static void broken_methods_are_refused(void **state)
{
    struct bench *b = *state;
    struct cjd_rpc_method m;

#define REFUSED(err, change)                                                                       \
    m = echo_method();                                                                             \
    change;                                                                                        \
    assert_int_equal((err), cjd_rpc_method_add(b->rpc, &own, NULL, &m, NULL))

    REFUSED(CJD_ERR_INVALID, m.name = "Upper");
    REFUSED(CJD_ERR_INVALID, m.name = "two..dots");
    REFUSED(CJD_ERR_INVALID, m.name = NULL);
    REFUSED(CJD_ERR_INVALID, m.scope = 0);
    REFUSED(CJD_ERR_INVALID, m.scope = CJD_RPC_READ | CJD_RPC_WRITE);
    REFUSED(CJD_ERR_INVALID, m.args = "{\"type\": \"objekt\"}");
    REFUSED(CJD_ERR_INVALID, m.args = "{\"pattern\": \"x\"}");
    REFUSED(CJD_ERR_INVALID, m.result = "nonsense");
    REFUSED(CJD_ERR_INVALID, m.http = "GET /test/{nobody}");
    REFUSED(CJD_ERR_INVALID, m.http = "BREW /coffee");
    REFUSED(CJD_ERR_INVALID, m.http = "GET");
    REFUSED(CJD_ERR_INVALID, m.flags = CJD_RPC_LATER);
    REFUSED(CJD_ERR_INVALID, m.call = NULL);
    add_echo(b);
    REFUSED(CJD_ERR_EXISTS, m.summary = "again");
    REFUSED(CJD_ERR_EXISTS, m.name = "other.name");
}

static void withdrawn_methods_are_gone(void **state)
{
    struct bench *b = *state;
    uint64_t before;

    add_echo(b);
    before = cjd_rpc_revision(b->rpc);
    cjd_rpc_withdraw(b->rpc, &own);
    assert_true(cjd_rpc_revision(b->rpc) > before);
    bench_call(b, "test.echo", "{\"name\": \"x\"}");
    assert_string_equal("unknown_method", b->got.code);
}

/* --- arguments ----------------------------------------------------------------------------------
 */

static void defaults_are_filled_in(void **state)
{
    struct bench *b = *state;

    add_echo(b);
    bench_call(b, "test.echo", "{\"name\": \"x\"}");
    assert_int_equal(1, b->got.count);
    assert_int_equal(3, json_integer_value(json_object_get(b->got.result, "count")));
}

static void faults_say_where_and_what(void **state)
{
    static const struct {
        const char *args;
        const char *code;
        const char *pointer;
    } cases[] = {
        {NULL, "missing_argument", ""},
        {"{\"name\": 5}", "invalid_argument", "/name"},
        {"{\"name\": \"123456789\"}", "invalid_argument", "/name"},
        {"{\"name\": \"x\", \"count\": 0}", "invalid_argument", "/count"},
        {"{\"name\": \"x\", \"count\": 10}", "invalid_argument", "/count"},
        {"{\"name\": \"x\", \"count\": \"5\"}", "invalid_argument", "/count"},
        {"{\"name\": \"x\", \"cuont\": 5}", "unknown_argument", "/cuont"},
        {"{\"name\": \"x\", \"_hidden\": 5}", "unknown_argument", "/_hidden"},
        {"[]", "invalid_argument", ""},
    };
    struct bench *b = *state;

    add_echo(b);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench_call(b, "test.echo", cases[i].args);
        assert_int_equal(1, b->got.errors);
        assert_int_equal(CJD_ERR_INVALID, b->got.err);
        assert_string_equal(cases[i].code, b->got.code);
        assert_string_equal(cases[i].pointer, b->got.pointer);
        assert_true(strlen(b->got.message) > 10);
    }
    bench_call(b, "test.echo", "{\"name\": \"x\", \"cuont\": 5}");
    assert_string_equal("did you mean \"count\"?", b->got.hint);
}

static void unknown_method_is_hinted(void **state)
{
    struct bench *b = *state;

    add_echo(b);
    bench_call(b, "test.ehco", NULL);
    assert_int_equal(CJD_ERR_NOT_FOUND, b->got.err);
    assert_string_equal("did you mean \"test.echo\"?", b->got.hint);
}

static void scope_is_needed(void **state)
{
    struct bench *b = *state;

    add_echo(b);
    bench_call_as(b, "test.echo", "{\"name\": \"x\"}", CJD_RPC_ALL & ~CJD_RPC_READ);
    assert_int_equal(CJD_ERR_PERMISSION, b->got.err);
    assert_string_equal("scope_missing", b->got.code);
    bench_call_as(b, "test.echo", "{\"name\": \"x\"}", CJD_RPC_READ);
    assert_int_equal(0, b->got.errors);
}

static void method_that_says_nothing_fails(void **state)
{
    struct bench *b = *state;
    struct cjd_rpc_method m = echo_method();

    m.call = silent;
    assert_int_equal(0, cjd_rpc_method_add(b->rpc, &own, NULL, &m, NULL));
    assert_null(bench_call(b, "test.echo", "{\"name\": \"x\"}"));
    assert_string_equal("internal", b->got.code);
}

/* --- answers that come later --------------------------------------------------------------------
 */

static void later_answer_arrives(void **state)
{
    struct bench *b = *state;
    struct later l = {0};

    add_later(b, &l);
    assert_non_null(bench_call(b, "plug.later", NULL));
    assert_int_equal(0, b->got.count);
    cjd_rpc_item(l.call, json_object());
    cjd_rpc_item(l.call, json_object());
    assert_int_equal(2, b->got.items);
    cjd_rpc_reply(l.call, json_object());
    assert_int_equal(1, b->got.count);
    assert_int_equal(0, b->got.errors);
    bench_advance(b, 10 * CJD_S);
    assert_int_equal(1, b->got.count);
    assert_int_equal(0, l.cancelled);
}

static void deadline_ends_a_call(void **state)
{
    struct bench *b = *state;
    struct later l = {0};

    add_later(b, &l);
    bench_call(b, "plug.later", NULL);
    assert_int_equal(b->now_ns + 2 * CJD_S, l.call->deadline_ns);
    bench_advance(b, 1999 * CJD_MS);
    assert_int_equal(0, b->got.count);
    bench_advance(b, 2 * CJD_MS);
    assert_int_equal(CJD_ERR_TIMEOUT, b->got.err);
    assert_int_equal(1, l.cancelled);
}

static void caller_that_goes_away_is_told_nothing(void **state)
{
    struct bench *b = *state;
    struct later l = {0};
    struct cjd_rpc_stats stats;

    add_later(b, &l);
    cjd_rpc_cancel(bench_call(b, "plug.later", NULL));
    bench_advance(b, 10 * CJD_S);
    assert_int_equal(1, l.cancelled);
    assert_int_equal(0, b->got.count);
    cjd_rpc_stats(b->rpc, &stats);
    assert_int_equal(0, stats.under_way);
    assert_int_equal(1, stats.cancelled);
}

static struct cjd_rpc_call *to_cancel;

static void cancelling_item(void *arg, const json_t *item)
{
    (void)arg, (void)item;
    cjd_rpc_cancel(to_cancel);
}

static void never(void *arg, const json_t *result, const struct cjd_rpc_error *error)
{
    (void)arg, (void)result, (void)error;
    fail_msg("a cancelled call was answered");
}

static void cancel_from_inside_an_item_waits(void **state)
{
    struct bench *b = *state;
    struct later l = {0};
    struct cjd_rpc_request request = {.size = sizeof request,
                                      .scopes = CJD_RPC_ALL,
                                      .method = "plug.later",
                                      .done = never,
                                      .item = cancelling_item};

    add_later(b, &l);
    cjd_rpc_call(b->rpc, b, &request, &to_cancel);
    cjd_rpc_item(l.call, json_object());
    assert_int_equal(0, l.cancelled);
    assert_int_equal(1, b->wakes);
    cjd_rpc_item(l.call, json_object());
    cjd_rpc_run(b->rpc);
    assert_int_equal(1, l.cancelled);
    /* The method may also have answered before it was told. */
    cjd_rpc_call(b->rpc, b, &request, &to_cancel);
    cjd_rpc_item(l.call, json_object());
    cjd_rpc_reply(l.call, json_object());
    cjd_rpc_run(b->rpc);
    assert_int_equal(1, l.cancelled);
}

static void provider_that_stops_ends_its_calls(void **state)
{
    struct bench *b = *state;
    struct later l = {0};

    add_later(b, &l);
    bench_call(b, "plug.later", NULL);
    cjd_rpc_withdraw(b->rpc, &own);
    assert_int_equal(1, l.cancelled);
    assert_string_equal("provider_stopped", b->got.code);
}

static void face_that_stops_ends_its_calls(void **state)
{
    struct bench *b = *state;
    struct later l = {0};

    add_later(b, &l);
    bench_call(b, "plug.later", NULL);
    cjd_rpc_hang_up(b->rpc, b);
    assert_int_equal(1, l.cancelled);
    assert_int_equal(0, b->got.count);
}

static void calls_under_way_are_bounded(void **state)
{
    struct bench *b = *state;
    struct later l = {0};

    add_later(b, &l);
    for (unsigned i = 0; i < CJD_RPC_CALLS_MAX; i++) {
        assert_non_null(bench_call(b, "plug.later", NULL));
    }
    assert_null(bench_call(b, "plug.later", NULL));
    assert_int_equal(CJD_ERR_FULL, b->got.err);
    cjd_rpc_reply(l.call, json_object());
    assert_non_null(bench_call(b, "plug.later", NULL));
    l.call = NULL; /* of all that are cancelled now */
    cjd_rpc_hang_up(b->rpc, b);
    assert_int_equal(CJD_RPC_CALLS_MAX, l.cancelled);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        T(description_is_complete),
        T(ids_fit_into_names),
        T(short_reader_gets_what_it_knows),
        T(broken_methods_are_refused),
        T(withdrawn_methods_are_gone),
        T(defaults_are_filled_in),
        T(faults_say_where_and_what),
        T(unknown_method_is_hinted),
        T(scope_is_needed),
        T(method_that_says_nothing_fails),
        T(later_answer_arrives),
        T(deadline_ends_a_call),
        T(caller_that_goes_away_is_told_nothing),
        T(cancel_from_inside_an_item_waits),
        T(provider_that_stops_ends_its_calls),
        T(face_that_stops_ends_its_calls),
        T(calls_under_way_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
