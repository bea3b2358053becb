/* Events and log lines: resuming, filters, what a slow reader misses. */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int own;

static void add_types(struct bench *b)
{
    static const char *const names[] = {"peer.up", "peer.down", "session.opened"};

    for (size_t i = 0; i < 3; i++) {
        struct cjd_rpc_event_type t = {.size = sizeof t,
                                       .name = names[i],
                                       .summary = "for a test",
                                       .data = "{\"type\": \"object\"}"};
        assert_int_equal(0, cjd_rpc_event_add(b->rpc, &own, NULL, &t));
    }
}

static void emit(struct bench *b, const char *type, int n)
{
    cjd_rpc_emit(b->rpc, type, json_pack("{s:i}", "n", n));
}

static void on_ready(void *arg)
{
    (*(unsigned *)arg)++;
}

static struct cjd_rpc_subscription *follow(struct bench *b, const char *types, uint64_t after,
                                           unsigned *ready)
{
    struct cjd_rpc_subscription *sub;
    struct cjd_rpc_subscribe wish = {.size = sizeof wish,
                                     .stream = CJD_RPC_EVENTS,
                                     .after = after,
                                     .types = types,
                                     .ready = ready ? on_ready : NULL,
                                     .arg = ready};

    assert_int_equal(0, cjd_rpc_subscribe(b->rpc, b, &wish, &sub));
    return sub;
}

static void expect(struct cjd_rpc_subscription *sub, uint64_t seq, uint64_t dropped)
{
    struct cjd_rpc_event e = {.size = sizeof e};

    assert_int_equal(1, cjd_rpc_next(sub, &e));
    assert_int_equal(seq, e.seq);
    assert_int_equal(dropped, e.dropped);
    assert_int_equal(seq, json_integer_value(json_object_get(e.data, "n")));
}

static void expect_end(struct cjd_rpc_subscription *sub)
{
    struct cjd_rpc_event e = {.size = sizeof e};

    assert_int_equal(0, cjd_rpc_next(sub, &e));
}

static void follower_gets_what_happens_from_now_on(void **state)
{
    struct bench *b = *state;
    unsigned ready = 0;

    add_types(b);
    emit(b, "peer.up", 1);
    struct cjd_rpc_subscription *sub = follow(b, NULL, UINT64_MAX, &ready);
    assert_int_equal(0, b->wakes);
    emit(b, "peer.up", 2);
    emit(b, "peer.down", 3);
    assert_int_equal(1, b->wakes);
    cjd_rpc_run(b->rpc);
    assert_int_equal(1, ready);
    expect(sub, 2, 0);
    expect(sub, 3, 0);
    expect_end(sub);
    cjd_rpc_unsubscribe(sub);
    emit(b, "peer.down", 4);
    assert_int_equal(1, b->wakes);
}

static void filters_are_by_word_and_by_prefix(void **state)
{
    struct bench *b = *state;

    add_types(b);
    struct cjd_rpc_subscription *peers = follow(b, "peer.*", UINT64_MAX, NULL);
    struct cjd_rpc_subscription *two = follow(b, "session.opened,peer.down", UINT64_MAX, NULL);
    struct cjd_rpc_subscription *none = follow(b, "peer", UINT64_MAX, NULL);
    emit(b, "peer.up", 1);
    emit(b, "session.opened", 2);
    emit(b, "peer.down", 3);
    expect(peers, 1, 0);
    expect(peers, 3, 0);
    expect_end(peers);
    expect(two, 2, 0);
    expect(two, 3, 0);
    expect_end(two);
    expect_end(none);
}

static void resuming_goes_on_behind_a_number(void **state)
{
    struct bench *b = *state;
    unsigned ready = 0;

    add_types(b);
    for (int i = 1; i <= 5; i++) {
        emit(b, "peer.up", i);
    }
    struct cjd_rpc_subscription *sub = follow(b, NULL, 3, &ready);
    assert_int_equal(1, b->wakes);
    expect(sub, 4, 0);
    expect(sub, 5, 0);
    expect_end(sub);
    /* A number of the future: as now. */
    sub = follow(b, NULL, 99, &ready);
    expect_end(sub);
    emit(b, "peer.up", 6);
    expect(sub, 6, 0);
}

static void slow_reader_is_told_how_much_it_missed(void **state)
{
    struct bench *b = *state;
    struct cjd_rpc_stats stats;

    add_types(b);
    struct cjd_rpc_subscription *sub = follow(b, NULL, UINT64_MAX, NULL);
    for (unsigned i = 1; i <= CJD_RPC_EVENTS_KEPT + 10; i++) {
        emit(b, "peer.up", (int)i);
    }
    expect(sub, 11, 10);
    expect(sub, 12, 0);
    cjd_rpc_stats(b->rpc, &stats);
    assert_int_equal(10, stats.missed);
    /* The same for one that comes back too late. */
    sub = follow(b, NULL, 1, NULL);
    expect(sub, 11, 9);
}

static void nobody_registered_nobody_told(void **state)
{
    struct bench *b = *state;

    add_types(b);
    struct cjd_rpc_subscription *sub = follow(b, NULL, UINT64_MAX, NULL);
    emit(b, "peer.sideways", 1);
    cjd_rpc_withdraw(b->rpc, &own);
    emit(b, "peer.up", 1);
    expect_end(sub);
}

static void followers_are_bounded(void **state)
{
    struct bench *b = *state;
    struct cjd_rpc_subscribe wish = {.size = sizeof wish, .after = UINT64_MAX};
    struct cjd_rpc_subscription *sub;

    for (unsigned i = 0; i < CJD_RPC_SUBSCRIPTIONS_MAX; i++) {
        assert_int_equal(0, cjd_rpc_subscribe(b->rpc, b, &wish, &sub));
    }
    assert_int_equal(CJD_ERR_FULL, cjd_rpc_subscribe(b->rpc, b, &wish, &sub));
    cjd_rpc_hang_up(b->rpc, b);
    assert_int_equal(0, cjd_rpc_subscribe(b->rpc, b, &wish, &sub));
    assert_true(cjd_rpc_is_followed(b->rpc));
    cjd_rpc_unsubscribe(sub);
    assert_true(cjd_rpc_is_followed(b->rpc));
    b->now_ns += 601 * CJD_S;
    assert_false(cjd_rpc_is_followed(b->rpc));
}

/* --- log ----------------------------------------------------------------------------------------
 */

static struct cjd_rpc_subscription *follow_log(struct bench *b, uint32_t level, const char *modules,
                                               uint32_t tail)
{
    struct cjd_rpc_subscription *sub;
    struct cjd_rpc_subscribe wish = {.size = sizeof wish,
                                     .stream = CJD_RPC_LOG,
                                     .after = UINT64_MAX,
                                     .types = modules,
                                     .level = level,
                                     .tail = tail};

    assert_int_equal(0, cjd_rpc_subscribe(b->rpc, b, &wish, &sub));
    return sub;
}

static void expect_line(struct cjd_rpc_subscription *sub, const char *level, const char *message)
{
    struct cjd_rpc_event e = {.size = sizeof e};

    assert_int_equal(1, cjd_rpc_next(sub, &e));
    assert_string_equal("log", e.type);
    assert_string_equal(level, json_string_value(json_object_get(e.data, "level")));
    assert_string_equal(message, json_string_value(json_object_get(e.data, "message")));
}

static void log_is_filtered_by_level_and_module(void **state)
{
    struct bench *b = *state;
    struct cjd_rpc_subscription *warn = follow_log(b, CJD_LEVEL_WARN, NULL, 0);
    assert_int_equal(CJD_LEVEL_WARN, b->followed);
    struct cjd_rpc_subscription *dht = follow_log(b, CJD_LEVEL_DEBUG, "dht", 0);
    assert_int_equal(CJD_LEVEL_DEBUG, b->followed);

    cjd_rpc_log_line(b->rpc, "dht", CJD_LOG_DEBUG, "a detail");
    cjd_rpc_log_line(b->rpc, "udp", CJD_LOG_ERROR, "a fault");
    cjd_rpc_log_line(b->rpc, "dht", CJD_LOG_TRACE, "noise");
    expect_line(warn, "error", "a fault");
    expect_end(warn);
    expect_line(dht, "debug", "a detail");
    expect_end(dht);
    cjd_rpc_unsubscribe(dht);
    assert_int_equal(CJD_LEVEL_WARN, b->followed);
    cjd_rpc_unsubscribe(warn);
    assert_int_equal(-1, b->followed);
}

static void log_begins_with_the_last_lines(void **state)
{
    struct bench *b = *state;
    char text[32];

    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "line %d", i);
        cjd_rpc_log_line(b->rpc, "m", CJD_LOG_INFO, text);
    }
    struct cjd_rpc_subscription *sub = follow_log(b, CJD_LEVEL_INFO, NULL, 2);
    expect_line(sub, "info", "line 8");
    expect_line(sub, "info", "line 9");
    expect_end(sub);
}

static void bytes_that_are_no_text_do_not_hide_a_line(void **state)
{
    struct bench *b = *state;
    struct cjd_rpc_subscription *sub = follow_log(b, CJD_LEVEL_INFO, NULL, 0);

    cjd_rpc_log_line(b->rpc, "m", CJD_LOG_INFO, "name \xff\xfe end");
    expect_line(sub, "info", "name ?? end");
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        T(follower_gets_what_happens_from_now_on),
        T(filters_are_by_word_and_by_prefix),
        T(resuming_goes_on_behind_a_number),
        T(slow_reader_is_told_how_much_it_missed),
        T(nobody_registered_nobody_told),
        T(followers_are_bounded),
        T(log_is_filtered_by_level_and_module),
        T(log_begins_with_the_last_lines),
        T(bytes_that_are_no_text_do_not_hide_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
