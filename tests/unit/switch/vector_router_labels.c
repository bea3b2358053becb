/* Labels as routers hand them to each other: router vectors, switch notes §10. */
#include "common.h"

#include <switch/label.h>

static json_t *root;

static void label_widening(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "label_widening");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        assert_int_equal(cjd_scheme_label_for(cjd_scheme_358(), test_label_of(e, "label"),
                                              test_label_of(e, "asker_label")),
                         test_label_of(e, "label_in_reply"));
    }
}

static void splices(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "splices");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        uint64_t to = test_label_of(e, "label_in_reply");
        uint64_t via = test_label_of(e, "path_asker_to_responder");
        uint64_t path = test_label_of(e, "spliced_path");

        assert_int_equal(cjd_label_splice(to, via), path);
        assert_true(cjd_label_routes_through(path, via));
        assert_int_equal(cjd_label_unsplice(path, via), to);
    }
}

static void encoding_scheme(void **state)
{
    (void)state;
    const json_t *e = json_object_get(root, "encoding_scheme");
    const json_t *forms = json_object_get(e, "forms");
    struct cjd_scheme s = test_scheme_from_hex(test_str(e, "es"));
    uint8_t bytes[CJD_SCHEME_BYTES_MAX];
    size_t i;
    json_t *form;

    assert_int_equal(json_array_size(forms), s.count);
    assert_true(s.count > 0);
    json_array_foreach(forms, i, form)
    {
        assert_int_equal(s.form[i].prefix_len, test_int(form, "prefixLen"));
        assert_int_equal(s.form[i].bit_count, test_int(form, "bitCount"));
        assert_int_equal(s.form[i].prefix, test_int(form, "prefix"));
    }
    int len = cjd_scheme_serialise(&s, bytes, sizeof bytes);
    assert_true(len > 0);
    test_assert_hex(bytes, (size_t)len, test_str(e, "es"), "es");
}

static int setup(void **state)
{
    (void)state;
    root = test_vectors("router.json");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(root);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(label_widening),
        cmocka_unit_test(splices),
        cmocka_unit_test(encoding_scheme),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
