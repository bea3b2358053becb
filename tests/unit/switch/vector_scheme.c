/* Known answers of interfaces, schemes and label arithmetic: switch notes §4–6, §10, §14. */
#include "common.h"

#include <cjd/text.h>
#include <switch/label.h>

static json_t *root;

static void iface_encode(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "iface_encode");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        const struct cjd_scheme *s = test_scheme(test_str(e, "scheme"));
        uint32_t iface = (uint32_t)test_int(e, "iface");
        int narrowest = cjd_scheme_narrowest(s, iface);
        assert_in_range(narrowest, 0, s->count - 1);
        assert_int_equal(cjd_form_width(&s->form[narrowest]), test_int(e, "bits"));
        assert_int_equal(cjd_scheme_director(s, iface, narrowest), test_label_of(e, "director"));
        if (iface != CJD_SWITCH_SELF) {
            assert_int_equal(cjd_scheme_peer_label(s, iface), test_label_of(e, "peer_label"));
        }
        uint64_t want[CJD_SCHEME_FORMS_MAX];
        for (unsigned f = 0; f < s->count; f++) {
            want[f] = CJD_LABEL_INVALID;
        }
        size_t k;
        json_t *form;
        json_array_foreach(json_object_get(e, "forms"), k, form)
        {
            int f = (int)test_int(form, "form");
            assert_in_range(f, 0, s->count - 1);
            assert_int_equal(cjd_form_width(&s->form[f]), test_int(form, "bits"));
            want[f] = test_label_of(form, "director");
        }
        for (int f = 0; f < s->count; f++) {
            assert_int_equal(cjd_scheme_director(s, iface, f), want[f]);
        }
    }
}

static void iface_decode(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "iface_decode");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        const struct cjd_scheme *s = test_scheme(test_str(e, "scheme"));
        uint64_t label = test_label_of(e, "label");
        int form = cjd_scheme_form_of(s, label);
        assert_int_equal(form, test_int(e, "form"));
        assert_int_equal(cjd_form_width(&s->form[form]), test_int(e, "bits"));
        assert_int_equal(cjd_scheme_iface_of(s, label, form), test_int(e, "iface"));
    }
}

static void check_valid_scheme(const json_t *e, const struct cjd_scheme *parsed)
{
    struct cjd_scheme built = {0};
    uint8_t bytes[CJD_SCHEME_BYTES_MAX];
    size_t k;
    json_t *form;

    json_array_foreach(json_object_get(e, "forms"), k, form)
    {
        built.form[k] = (struct cjd_form){.prefix_len = (uint8_t)test_int(form, "prefixLen"),
                                          .bit_count = (uint8_t)test_int(form, "bitCount"),
                                          .prefix = (uint32_t)test_int(form, "prefix")};
        built.count++;
    }
    assert_int_equal(cjd_scheme_finish(&built), 0);
    assert_true(cjd_scheme_equal(&built, parsed));
    assert_int_equal(built.is_358, parsed->is_358);
    int len = cjd_scheme_serialise(&built, bytes, sizeof bytes);
    assert_true(len > 0);
    test_assert_hex(bytes, (size_t)len, test_str(e, "hex"), "serialised scheme");
}

static void schemes(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "schemes");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        uint8_t bytes[512];
        struct cjd_scheme s;
        size_t len = test_hex_member(bytes, sizeof bytes, e, "hex");
        int err = cjd_scheme_parse(&s, bytes, len);
        if (json_is_true(json_object_get(e, "valid"))) {
            assert_int_equal(err, 0);
            check_valid_scheme(e, &s);
        } else if (!err) {
            fail_msg("accepted %s (%s)", test_str(e, "hex"), test_str(e, "why"));
        }
    }
}

static void scheme_ops(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "scheme_ops");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        struct cjd_scheme s = test_scheme_from_hex(test_str(e, "scheme_hex"));
        uint64_t label = test_label_of(e, "label");
        int form = cjd_scheme_form_of(&s, label);
        assert_int_equal(form, test_int(e, "form"));
        if (form < 0) {
            continue;
        }
        assert_int_equal(cjd_scheme_iface_of(&s, label, form), test_int(e, "iface"));
        assert_int_equal(cjd_scheme_is_self(&s, label),
                         json_is_true(json_object_get(e, "is_self")));
        assert_int_equal(cjd_scheme_is_one_hop(&s, label),
                         json_is_true(json_object_get(e, "is_one_hop")));
        assert_int_equal(cjd_scheme_convert(&s, label, CJD_FORM_CANONICAL),
                         test_label_of(e, "canonical"));
        const json_t *converted = json_object_get(e, "convert");
        assert_int_equal(json_array_size(converted), s.count);
        for (int f = 0; f < s.count; f++) {
            const char *want = json_string_value(json_array_get(converted, (size_t)f));
            assert_non_null(want);
            assert_int_equal(cjd_scheme_convert(&s, label, f), test_label(want));
        }
    }
}

static void check_algebra(const json_t *e)
{
    const char *op = test_str(e, "op");

    if (strcmp(op, "splice") == 0) {
        assert_int_equal(cjd_label_splice(test_label_of(e, "to"), test_label_of(e, "via")),
                         test_label_of(e, "result"));
    } else if (strcmp(op, "unsplice") == 0) {
        assert_int_equal(cjd_label_unsplice(test_label_of(e, "full"), test_label_of(e, "mid")),
                         test_label_of(e, "result"));
    } else if (strcmp(op, "routes_through") == 0) {
        assert_int_equal(
            cjd_label_routes_through(test_label_of(e, "dest"), test_label_of(e, "mid")),
            json_is_true(json_object_get(e, "result")));
    } else if (strcmp(op, "bit_reverse") == 0) {
        assert_int_equal(cjd_label_reverse(test_label_of(e, "label")), test_label_of(e, "result"));
    } else if (strcmp(op, "print") == 0) {
        char text[CJD_LABEL_TEXT_SIZE];
        uint64_t back;
        cjd_label_to_text(text, test_label_of(e, "label"));
        assert_string_equal(text, test_str(e, "result"));
        assert_int_equal(cjd_label_from_text(&back, test_str(e, "result")), 0);
        assert_int_equal(back, test_label_of(e, "label"));
    } else if (strcmp(op, "label_for") == 0) {
        const struct cjd_scheme *s = test_scheme(test_str(e, "scheme"));
        assert_int_equal(
            cjd_scheme_label_for(s, test_label_of(e, "target"), test_label_of(e, "asker")),
            test_label_of(e, "result"));
    } else {
        fail_msg("unknown operation \"%s\"", op);
    }
}

static void algebra(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "algebra");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        check_algebra(e);
    }
}

static int setup(void **state)
{
    (void)state;
    root = test_vectors("switch.json");
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
        cmocka_unit_test(iface_encode), cmocka_unit_test(iface_decode), cmocka_unit_test(schemes),
        cmocka_unit_test(scheme_ops),   cmocka_unit_test(algebra),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
