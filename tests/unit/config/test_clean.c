/* --cleanconf beyond the vectors; outcomes observed on v21.1 of the reference. */
#include "helper.h"

struct job {
    const char *text;
    size_t len;
    struct cjd_diags diags;
};

static int clean(FILE *out, void *arg)
{
    struct job *job = arg;

    return cjd_config_clean(out, job->text, job->len, &job->diags);
}

static void observed(void **state)
{
    static const struct {
        const char *text;
        const char *out; /* NULL: refused */
    } rows[] = {
        /* `version` is put in the order of bytes, and only the first in that order is replaced. */
        {"{\"z\":1,\"a\":2}", "{\n  \"version\" : 2,\n  \"z\" : 1,\n  \"a\" : 2\n}\n"},
        {"{\"w\":1,\"version\":2}", "{\n  \"version\" : 2,\n  \"w\" : 1,\n  \"version\" : 2\n}\n"},
        {"{\"versio\":1,\"versionx\":2}",
         "{\n  \"versio\" : 1,\n  \"version\" : 2,\n  \"versionx\" : 2\n}\n"},
        {"{\"\xc3\xa9\":1}", "{\n  \"\\xC3\\xA9\" : 1,\n  \"version\" : 2\n}\n"},
        {"{\"version\":{\"a\":[1]},\"b\":1}", "{\n  \"version\" : 2,\n  \"b\" : 1\n}\n"},
        {"{\"version\":[],\"a\":{\"version\":7}}",
         "{\n  \"version\" : 2,\n  \"a\" : {\n    \"version\" : 7\n  }\n}\n"},
        {"{\"version\":1,\"version\":2,}", "{\n  \"version\" : 2,\n  \"version\" : 2\n}\n"},
        {"// {\"z\":1}\n{\"a\":1,}", "{\n  \"version\" : 2,\n  \"z\" : 1\n}\n"},
        {"{\"a\":\"~}|\"}", "{\n  \"a\" : \"\\x7E}|\",\n  \"version\" : 2\n}\n"},
        {"{\"a\":[1.5,1e3,2.]}",
         "{\n  \"a\" : [\n    1,\n    5,\n    1,\n    3,\n    2\n  ],\n  \"version\" : 2\n}\n"},
        {"{\"a\":[[],{}]}",
         "{\n  \"a\" : [\n    [\n\n    ],\n    {\n\n    }\n  ],\n  \"version\" : 2\n}\n"},
        {"{\"version\":-1,\"a\":-5}", "{\n  \"version\" : 2,\n  \"a\" : -5\n}\n"},
        {"{\"version\":1,\"a\":-5}", NULL},
        {"{\"version\":-1,\"a\":1,}", NULL},
        {"{\"a\":1/}", NULL},
        {"{/***/}", NULL},
        {"{/****/}", "{\n  \"version\" : 2\n}\n"},
        {"{\"version\":2/* x**/ ,\"a\":1 /* */}", "{\n  \"version\" : 2,\n  \"a\" : 1\n}\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job job = {.text = rows[i].text, .len = strlen(rows[i].text)};
        int err;
        char *out = printed(clean, &job, &err);
        assert_string_equal(out, rows[i].out ? rows[i].out : "");
        assert_int_equal(err, rows[i].out ? 0 : CJD_ERR_CONFIG);
        free(out);
        cjd_diags_fini(&job.diags);
    }
}

/* §2: both parsers' diagnoses where both fail; the strict one's alone where the legacy one takes
 * a file that says version 2; the legacy one's where only that fails. */
static void diagnoses(void **state)
{
    static const struct {
        const char *text;
        unsigned errors;
        size_t all;
        unsigned line;
        unsigned column;
    } rows[] = {
        {"{\"version\":2,\n \"a\":tru}", 1, 2, 2, 6},
        {"{\"version\":2,\n \"a\":1,}", 1, 1, 2, 8},
        {"{\n\"a\":-5}", 1, 1, 2, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job job = {.text = rows[i].text, .len = strlen(rows[i].text)};
        int err;
        free(printed(clean, &job, &err));
        assert_int_equal(err, CJD_ERR_CONFIG);
        assert_int_equal(job.diags.errors, rows[i].errors);
        assert_int_equal(job.diags.count, rows[i].all);
        assert_int_equal(job.diags.v[0].line, rows[i].line);
        assert_int_equal(job.diags.v[0].column, rows[i].column);
        cjd_diags_fini(&job.diags);
    }
}

static void full_disk_is_told(void **state)
{
    static const char text[] = "{\"version\":2}";
    FILE *full = fopen("/dev/full", "w");
    struct cjd_diags diags = {0};

    (void)state;
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(cjd_config_clean(full, text, sizeof text - 1, &diags), CJD_ERR_IO);
    fclose(full);
    cjd_diags_fini(&diags);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(observed),
        cmocka_unit_test(diagnoses),
        cmocka_unit_test(full_disk_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
