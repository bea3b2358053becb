#include "bench.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t now_ns(void *ctx)
{
    return ((struct bench *)ctx)->now_ns;
}

static uint64_t wall_ms(void *ctx)
{
    return ((struct bench *)ctx)->wall_ms;
}

static void wake(void *ctx)
{
    ((struct bench *)ctx)->wakes++;
}

static void follow(void *ctx, int level)
{
    ((struct bench *)ctx)->followed = level;
}

static void fill(void *ctx, void *buf, size_t n)
{
    (void)ctx;
    memset(buf, 0xa5, n);
}

int bench_setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);

    assert_non_null(b);
    b->now_ns = 1000 * CJD_S;
    b->followed = -2;
    struct cjd_rpc_config config = {.timers = &b->timers,
                                    .rng = {.fill = fill},
                                    .now_ns = now_ns,
                                    .wall_ms = wall_ms,
                                    .wake = wake,
                                    .follow = follow,
                                    .ctx = b};
    assert_int_equal(0, cjd_rpc_new(&b->rpc, &config));
    *state = b;
    return 0;
}

int bench_teardown(void **state)
{
    struct bench *b = *state;

    cjd_rpc_free(b->rpc);
    json_decref(b->got.result);
    free(b);
    return 0;
}

void bench_answers_clear(struct bench *b)
{
    json_decref(b->got.result);
    b->got = (struct answers){0};
}

static void on_done(void *arg, const json_t *result, const struct cjd_rpc_error *error)
{
    struct bench *b = arg;

    b->got.count++;
    json_decref(b->got.result);
    b->got.result = json_incref((json_t *)(uintptr_t)result);
    if (error) {
        b->got.errors++;
        b->got.err = error->err;
        snprintf(b->got.code, sizeof b->got.code, "%s", error->code);
        snprintf(b->got.pointer, sizeof b->got.pointer, "%s", error->pointer);
        snprintf(b->got.message, sizeof b->got.message, "%s", error->message);
        snprintf(b->got.hint, sizeof b->got.hint, "%s", error->hint);
    }
}

static void on_item(void *arg, const json_t *item)
{
    struct bench *b = arg;

    assert_non_null(item);
    b->got.items++;
}

struct cjd_rpc_call *bench_call_as(struct bench *b, const char *method, const char *args,
                                   uint32_t scopes)
{
    json_t *value = args ? json_loads(args, 0, NULL) : NULL;
    struct cjd_rpc_call *call;

    assert_true(!args || value);
    bench_answers_clear(b);
    struct cjd_rpc_request request = {.size = sizeof request,
                                      .scopes = scopes,
                                      .method = method,
                                      .caller = "bench",
                                      .args = value,
                                      .done = on_done,
                                      .item = on_item,
                                      .arg = b};
    cjd_rpc_call(b->rpc, b, &request, &call);
    json_decref(value);
    return call;
}

struct cjd_rpc_call *bench_call(struct bench *b, const char *method, const char *args)
{
    return bench_call_as(b, method, args, CJD_RPC_ALL);
}

void bench_advance(struct bench *b, uint64_t ns)
{
    b->now_ns += ns;
    cjd_timers_run(&b->timers, b->now_ns, 100);
}
