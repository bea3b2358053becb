/* Lines of the log: form, escapes, levels, places. */
#include <testlib/testlib.h>

#include <sys/stat.h>
#include <unistd.h>

#include <runtime/log_out.h>

static const char *format(const char *module, const char *text, bool is_json, size_t cap)
{
    static char line[4096];
    struct cjd_log_record record = {1795552754123u, CJD_LOG_WARN, module, text};

    memset(line, 'x', sizeof line);
    size_t len = cjd_log_out_format(line, cap, &record, is_json);
    assert_int_equal(len, strlen(line));
    assert_true(len < cap);
    assert_int_equal(line[len - 1], '\n');
    return line;
}

static void text_lines(void **state)
{
    (void)state;
    assert_string_equal(format("udp", "peer up peer=3", false, 4096),
                        "2026-11-24T20:39:14.123Z warn udp peer up peer=3\n");
    /* One message is one line, whatever a remote put into it. */
    assert_string_equal(format("udp", "a\nb\r\x1b[1m\x7f", false, 4096),
                        "2026-11-24T20:39:14.123Z warn udp a\\x0ab\\x0d\\x1b[1m\\x7f\n");
    /* So may an operator who names a plugin's instance; names have up to 47 characters. */
    assert_string_equal(format("a\nb", "x", false, 4096),
                        "2026-11-24T20:39:14.123Z warn a\\x0ab x\n");
    assert_string_equal(
        format("a-name-of-sixty-bytes-a-name-of-sixty-bytes-a-name-of-sixty-", "x", false, 4096),
        "2026-11-24T20:39:14.123Z warn "
        "a-name-of-sixty-bytes-a-name-of-sixty-bytes-a-name-of-sixty- x\n");
    /* UTF-8 passes, what is none does not: bad start, cut, overlong, surrogate. */
    assert_string_equal(format("udp", "\xc3\xa9 \xff \xc3", false, 4096),
                        "2026-11-24T20:39:14.123Z warn udp \xc3\xa9 \\xff \\xc3\n");
    assert_string_equal(format("udp", "\xe0\x80\x80\xed\xa0\x80", false, 4096),
                        "2026-11-24T20:39:14.123Z warn udp "
                        "\\xe0\\x80\\x80\\xed\\xa0\\x80\n");
}

static void json_lines(void **state)
{
    json_error_t error;
    const char *line = format("udp", "say \"hi\" \\ \n \xff end", true, 4096);
    json_t *object = json_loads(line, 0, &error);

    (void)state;
    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(object, "module")), "udp");
    assert_string_equal(json_string_value(json_object_get(object, "time")),
                        "2026-11-24T20:39:14.123Z");
    assert_string_equal(json_string_value(json_object_get(object, "message")),
                        "say \"hi\" \\ \n \xc3\xbf end");
    json_decref(object);
}

/* A line that is too long is cut, but stays a line, and JSON. */
static void long_lines(void **state)
{
    char text[300];

    (void)state;
    memset(text, '"', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t cap = 128; cap < 400; cap++) {
        json_t *object = json_loads(format("udp", text, true, cap), 0, NULL);
        assert_non_null(object);
        json_decref(object);
        format("udp", text, false, cap);
    }
}

static void levels(void **state)
{
    struct cjd_log_out *out = cjd_log_out_new();
    struct cjd_log dht = cjd_log_out_log(out, "dht");
    struct cjd_log udp = cjd_log_out_log(out, "udp");

    (void)state;
    assert_true(cjd_log_is_on(&dht, CJD_LOG_INFO));
    assert_false(cjd_log_is_on(&dht, CJD_LOG_DEBUG));
    assert_int_equal(cjd_log_out_set_module(out, "dht", CJD_LOG_TRACE), 0);
    assert_true(cjd_log_is_on(&dht, CJD_LOG_TRACE));
    assert_false(cjd_log_is_on(&udp, CJD_LOG_DEBUG));
    assert_int_equal(cjd_log_out_set_module(out, "dht", CJD_LOG_ERROR), 0);
    assert_false(cjd_log_is_on(&dht, CJD_LOG_WARN));
    assert_true(cjd_log_is_on(&udp, CJD_LOG_INFO));
    cjd_log_out_clear_modules(out);
    cjd_log_out_set_level(out, CJD_LOG_DEBUG);
    assert_true(cjd_log_is_on(&dht, CJD_LOG_DEBUG));
    assert_int_equal(
        cjd_log_out_set_module(out, "a name that is longer than any module's", CJD_LOG_INFO),
        CJD_ERR_TOO_LONG);
    int err = 0;
    for (unsigned i = 0; err == 0 && i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%u", i);
        err = cjd_log_out_set_module(out, name, CJD_LOG_INFO);
    }
    assert_int_equal(err, CJD_ERR_FULL);
    cjd_log_out_free(out);
    cjd_log_out_free(NULL);
}

/* --- files --------------------------------------------------------------------------------------
 */

struct place {
    char folder[256];
    char file[300];
    char to[320];
};

static void make_place(struct place *p)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(p->folder, sizeof p->folder, "%s/cjd-log-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->file, sizeof p->file, "%s/log", p->folder);
    snprintf(p->to, sizeof p->to, "file:%s", p->file);
}

static unsigned lines_of(const char *path)
{
    unsigned n = 0;
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;) {
        n += c == '\n';
    }
    fclose(f);
    return n;
}

static void files_rotate(void **state)
{
    struct cjd_log_out *out = cjd_log_out_new();
    struct cjd_log log = cjd_log_out_log(out, "test");
    struct place p;
    char moved[320];
    struct stat st;

    (void)state;
    make_place(&p);
    snprintf(moved, sizeof moved, "%s.1", p.file);
    assert_int_equal(cjd_log_out_open(out, p.to), 0);
    cjd_log(&log, CJD_LOG_INFO, "one");
    cjd_log(&log, CJD_LOG_DEBUG, "not written");
    assert_int_equal(stat(p.file, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
    assert_int_equal(rename(p.file, moved), 0);
    cjd_log(&log, CJD_LOG_INFO, "two");
    assert_int_equal(cjd_log_out_reopen(out), 0);
    cjd_log(&log, CJD_LOG_INFO, "three");
    assert_int_equal(lines_of(moved), 2);
    assert_int_equal(lines_of(p.file), 1);
    /* A place that cannot be opened leaves the old one. */
    assert_true(cjd_log_out_open(out, "file:/nonexistent/folder/log") < 0);
    assert_int_equal(cjd_log_out_open(out, "syslog"), CJD_ERR_INVALID);
    cjd_log(&log, CJD_LOG_INFO, "four");
    assert_int_equal(lines_of(p.file), 2);
    assert_int_equal(cjd_log_out_open(out, "none"), 0);
    cjd_log(&log, CJD_LOG_INFO, "five");
    assert_int_equal(lines_of(p.file), 2);
    assert_int_equal(cjd_log_out_reopen(out), 0);
    cjd_log_out_free(out);
    unlink(p.file);
    unlink(moved);
    rmdir(p.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines), cmocka_unit_test(json_lines),   cmocka_unit_test(long_lines),
        cmocka_unit_test(levels),     cmocka_unit_test(files_rotate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
