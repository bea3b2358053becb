/* Diagnostics: their form, their bound, their order. */
#include "helper.h"

#include <config/diag.h>

static int print(FILE *out, void *arg)
{
    cjd_diags_print(arg, out);
    return 0;
}

static void form_of_lines(void **state)
{
    struct cjd_diags d = {.file = "a.conf"};
    struct cjd_position at = {.line = 3, .column = 14, .pointer = "/x/y"};
    struct cjd_position whole = {.pointer = ""};
    int err;

    (void)state;
    cjd_diags_add(&d, CJD_DIAG_ERROR, &at, "must be %d", 5);
    cjd_diags_add(&d, CJD_DIAG_WARNING, &whole, "odd");
    at.pointer = "/k\x1b[31m";
    cjd_diags_add(&d, CJD_DIAG_NOTE, &at, "bell \a");
    char *text = printed(print, &d, &err);
    assert_string_equal(text, "a.conf:3:14: error: must be 5 (/x/y)\n"
                              "a.conf: warning: odd\n"
                              "a.conf:3:14: note: bell \\x07 (/k\\x1b[31m)\n");
    free(text);
    cjd_diags_fini(&d);
    assert_int_equal(d.count, 0);
    assert_string_equal(d.file, "a.conf");
}

/* Full of warnings, it still takes errors; full of errors, it still counts. */
static void bound(void **state)
{
    struct cjd_diags d = {0};
    struct cjd_position at = {.pointer = ""};
    int err;

    (void)state;
    for (unsigned i = 0; i < CJD_DIAGS_MAX + 10; i++) {
        cjd_diags_add(&d, CJD_DIAG_WARNING, &at, "w");
    }
    assert_int_equal(d.count, CJD_DIAGS_MAX);
    assert_int_equal(d.dropped, 10);
    assert_int_equal(d.errors, 0);
    for (unsigned i = 0; i < CJD_DIAGS_MAX + 5; i++) {
        cjd_diags_add(&d, CJD_DIAG_ERROR, &at, "e");
    }
    assert_int_equal(d.count, CJD_DIAGS_MAX);
    assert_int_equal(d.errors, CJD_DIAGS_MAX + 5);
    assert_int_equal(d.dropped, 10 + CJD_DIAGS_MAX + 5);
    for (size_t i = 0; i < d.count; i++) {
        assert_int_equal(d.v[i].severity, CJD_DIAG_ERROR);
    }
    char *text = printed(print, &d, &err);
    assert_non_null(strstr(text, "configuration: and 215 more messages"));
    free(text);
    cjd_diags_fini(&d);
}

static void order(void **state)
{
    static const unsigned places[][2] = {{9, 1}, {2, 5}, {2, 3}, {7, 1}, {2, 5}, {1, 9}};
    struct cjd_diags d = {0};

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct cjd_position at = {.line = places[i][0], .column = places[i][1], .pointer = ""};
        cjd_diags_add(&d, CJD_DIAG_ERROR, &at, "%u", i);
    }
    cjd_diags_sort(&d, 1);
    /* The first stays; of the same place the earlier comes first. */
    static const char *const want[] = {"0", "5", "2", "1", "4", "3"};
    for (unsigned i = 0; i < 6; i++) {
        assert_string_equal(d.v[i].text, want[i]);
    }
    cjd_diags_fini(&d);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(form_of_lines),
        cmocka_unit_test(bound),
        cmocka_unit_test(order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
