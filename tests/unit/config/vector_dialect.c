/* --cleanconf: every input of config-dialect.json, byte for byte (configuration notes §2). */
#include "helper.h"

#include <config/source.h>

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

static void check_case(const json_t *one)
{
    struct job job = {.text = test_str(one, "input"),
                      .len = json_string_length(json_object_get(one, "input"))};
    bool is_accepted = test_int(one, "status") == 0;
    int err;

    char *out = printed(clean, &job, &err);
    if (err != (is_accepted ? 0 : CJD_ERR_CONFIG)) {
        fail_msg("%s: %s", job.text, cjd_err_text(err));
    }
    assert_string_equal(out, is_accepted ? test_str(one, "cleanconf_output") : "");
    assert_int_equal(job.diags.errors, is_accepted ? 0 : 1);
    assert_true(is_accepted || (job.diags.v[0].line > 0 && job.diags.v[0].column > 0));
    free(out);
    cjd_diags_fini(&job.diags);
}

static void dialect(void **state)
{
    json_t *file = test_vectors("config-dialect.json");
    const json_t *cases = json_object_get(file, "cases");

    (void)state;
    assert_true(json_array_size(cases) >= 50);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        check_case(json_array_get(cases, i));
    }
    json_decref(file);
}

/* The scanner of native files is a superset: what the strict parser takes means the same in both,
 * but for numbers that wrap around. */
static void native_reads_the_same(void **state)
{
    json_t *file = test_vectors("config-dialect.json");
    const json_t *cases = json_object_get(file, "cases");
    unsigned compared = 0;

    (void)state;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const char *text = test_str(json_array_get(cases, i), "input");
        struct cjd_source *strict;
        struct cjd_source *native;
        int err = cjd_source_new(&strict, text, strlen(text), CJD_DIALECT_STRICT);
        if (err == 0 && !strstr(text, "99999999999999999999")) {
            assert_int_equal(cjd_source_new(&native, text, strlen(text), CJD_DIALECT_NATIVE), 0);
            assert_int_equal(native->json.len, strict->json.len);
            assert_memory_equal(native->json.v, strict->json.v, strict->json.len);
            cjd_source_free(native);
            compared++;
        }
        cjd_source_free(strict);
    }
    assert_true(compared >= 15);
    json_decref(file);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialect),
        cmocka_unit_test(native_reads_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
