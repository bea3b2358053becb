/* Log lines: what is off is not formatted, what a remote can trigger is bounded. Drop reasons. */
#include <testlib/testlib.h>

#include <base/drop.h>
#include <base/log.h>

struct capture {
    struct cjd_log_sink sink;
    unsigned lines;
    unsigned asked;
    enum cjd_log_level level;
    char module[32];
    char text[2048];
    const char *only; /* the one module that is on, if set */
};

static void on_write(void *ctx, const char *module, enum cjd_log_level level, const char *text)
{
    struct capture *c = ctx;

    c->lines++;
    c->level = level;
    snprintf(c->module, sizeof c->module, "%s", module);
    snprintf(c->text, sizeof c->text, "%s", text);
}

static bool on_enabled(void *ctx, const char *module, enum cjd_log_level level)
{
    struct capture *c = ctx;

    (void)level;
    c->asked++;
    return strcmp(module, c->only) == 0;
}

static void capture_init(struct capture *c, enum cjd_log_level max_level)
{
    *c = (struct capture){0};
    c->sink = (struct cjd_log_sink){.max_level = max_level, .write = on_write, .ctx = c};
}

static unsigned evaluated;

static unsigned count_evaluation(void)
{
    return ++evaluated;
}

static void levels(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c, CJD_LOG_INFO);
    struct cjd_log log = {.sink = &c.sink, .module = "base"};

    evaluated = 0;
    cjd_log(&log, CJD_LOG_DEBUG, "n=%u", count_evaluation());
    cjd_log(&log, CJD_LOG_TRACE, "n=%u", count_evaluation());
    assert_int_equal(c.lines, 0);
    assert_int_equal(evaluated, 0);
    cjd_log(&log, CJD_LOG_INFO, "n=%u", count_evaluation());
    assert_int_equal(c.lines, 1);
    assert_int_equal(c.level, CJD_LOG_INFO);
    assert_string_equal(c.module, "base");
    assert_string_equal(c.text, "n=1");
    cjd_log(&log, CJD_LOG_ERROR, "plain");
    assert_string_equal(c.text, "plain");
    assert_int_equal(c.lines, 2);
}

static void silent_without_a_sink(void **state)
{
    (void)state;
    struct cjd_log log = {.sink = NULL, .module = "base"};
    struct cjd_log_limit limit = {0};

    evaluated = 0;
    cjd_log(&log, CJD_LOG_ERROR, "n=%u", count_evaluation());
    cjd_log_limited(&log, &limit, 1, CJD_LOG_ERROR, "n=%u", count_evaluation());
    assert_int_equal(evaluated, 0);
}

static void exact_test_of_a_module(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c, CJD_LOG_INFO);
    c.sink.enabled = on_enabled;
    c.only = "link";
    struct cjd_log base = {.sink = &c.sink, .module = "base"};
    struct cjd_log link = {.sink = &c.sink, .module = "link"};

    cjd_log(&base, CJD_LOG_ERROR, "no");
    assert_int_equal(c.lines, 0);
    cjd_log(&link, CJD_LOG_ERROR, "yes");
    assert_int_equal(c.lines, 1);
    assert_int_equal(c.asked, 2);
    /* The cheap test comes first. */
    cjd_log(&link, CJD_LOG_DEBUG, "no");
    assert_int_equal(c.asked, 2);
}

static void long_line_is_cut(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c, CJD_LOG_INFO);
    struct cjd_log log = {.sink = &c.sink, .module = "base"};
    char text[1500];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    cjd_log(&log, CJD_LOG_INFO, "%s", text);
    assert_int_equal(c.lines, 1);
    assert_int_equal(strlen(c.text), 1023);
}

static void limit_of_a_window(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c, CJD_LOG_INFO);
    struct cjd_log log = {.sink = &c.sink, .module = "base"};
    struct cjd_log_limit limit = {0};
    uint64_t start = 5 * CJD_S;

    for (unsigned i = 0; i < 1000; i++) {
        cjd_log_limited(&log, &limit, start + i * CJD_MS, CJD_LOG_INFO, "line=%u", i);
    }
    assert_int_equal(c.lines, 5);
    assert_string_equal(c.text, "line=4");
    cjd_log_limited(&log, &limit, start + 10 * CJD_S - 1, CJD_LOG_INFO, "still");
    assert_int_equal(c.lines, 5);
    /* The window ends: the count, then the line. */
    cjd_log_limited(&log, &limit, start + 10 * CJD_S, CJD_LOG_INFO, "next");
    assert_int_equal(c.lines, 7);
    assert_string_equal(c.text, "next");
    /* A window without suppressed lines reports none. */
    cjd_log_limited(&log, &limit, start + 30 * CJD_S, CJD_LOG_INFO, "later");
    assert_int_equal(c.lines, 8);
}

static void limit_reports_the_number(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c, CJD_LOG_INFO);
    struct cjd_log log = {.sink = &c.sink, .module = "base"};
    struct cjd_log_limit limit = {0};

    for (unsigned i = 0; i < 12; i++) {
        assert_int_equal(cjd_log_limit_take(&log, &limit, 0), i < 5);
    }
    assert_int_equal(c.lines, 0);
    assert_true(cjd_log_limit_take(&log, &limit, 10 * CJD_S));
    assert_int_equal(c.lines, 1);
    assert_non_null(strstr(c.text, "count=7"));
}

/* The report of a window is at level info; where that is off, it is not written. */
static void limit_writes_nothing_that_is_off(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c, CJD_LOG_WARN);
    struct cjd_log log = {.sink = &c.sink, .module = "base"};
    struct cjd_log_limit limit = {0};

    for (unsigned i = 0; i < 100; i++) {
        cjd_log_limited(&log, &limit, 1, CJD_LOG_WARN, "w");
        cjd_log_limited(&log, &limit, 1, CJD_LOG_INFO, "i");
    }
    assert_int_equal(c.lines, 5);
    cjd_log_limited(&log, &limit, 11 * CJD_S, CJD_LOG_WARN, "w");
    assert_int_equal(c.lines, 6);
    assert_string_equal(c.text, "w");
}

static void level_names(void **state)
{
    (void)state;
    for (int level = CJD_LOG_ERROR; level <= CJD_LOG_TRACE; level++) {
        enum cjd_log_level back;
        assert_true(cjd_log_level_parse(&back, cjd_log_level_name((enum cjd_log_level)level)));
        assert_int_equal(back, level);
    }
    enum cjd_log_level level = CJD_LOG_DEBUG;
    assert_false(cjd_log_level_parse(&level, ""));
    assert_false(cjd_log_level_parse(&level, "WARN"));
    assert_false(cjd_log_level_parse(&level, "warning"));
    assert_int_equal(level, CJD_LOG_DEBUG);
    /* A plugin hands in any number. */
    assert_string_equal(cjd_log_level_name((enum cjd_log_level)5), "unknown");
    assert_string_equal(cjd_log_level_name((enum cjd_log_level) - 1), "unknown");
}

static void drop_reasons(void **state)
{
    (void)state;
    struct cjd_drops drops = {0};

    for (int i = 0; i < CJD_DROP_COUNT; i++) {
        const char *text = cjd_drop_text((enum cjd_drop)i);
        assert_non_null(text);
        assert_true(strlen(text) > 0);
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(text, cjd_drop_text((enum cjd_drop)k));
        }
    }
    assert_string_equal(cjd_drop_text(CJD_DROP_COUNT), "unknown");
    cjd_drop_count(&drops, CJD_DROP_SWITCH_RUNT);
    cjd_drop_count(&drops, CJD_DROP_SWITCH_RUNT);
    assert_int_equal(drops.count[CJD_DROP_SWITCH_RUNT], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(silent_without_a_sink),
        cmocka_unit_test(exact_test_of_a_module),
        cmocka_unit_test(long_line_is_cut),
        cmocka_unit_test(limit_of_a_window),
        cmocka_unit_test(limit_reports_the_number),
        cmocka_unit_test(limit_writes_nothing_that_is_off),
        cmocka_unit_test(level_names),
        cmocka_unit_test(drop_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
