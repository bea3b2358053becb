/* The example in examples/ is a sound file, but for the key that everybody has to make. */
#include "helper.h"

static void example(void **state)
{
    json_error_t error;
    json_t *tree = json_load_file(EXAMPLE_FILE, JSON_REJECT_DUPLICATES, &error);

    (void)state;
    if (!tree) {
        fail_msg("line %d: %s", error.line, error.text);
    }
    json_t *node = json_object_get(tree, "node");
    assert_int_equal(json_object_del(node, "privateKeyFile"), 0);
    json_object_set_new(node, "privateKey", json_string(OWN_SECRET));
    char *text = json_dumps(tree, 0);
    struct reading r = read_text(text);
    assert_read(&r);
    /* Nobody may use its passwords. */
    assert_int_equal(r.diags.count, 4);
    assert_int_equal(count_diags(&r, CJD_DIAG_WARNING), 4);
    for (size_t i = 0; i < r.diags.count; i++) {
        assert_non_null(strstr(r.diags.v[i].text, "of an example"));
    }
    assert_int_equal(cjd_config_plugin_count(r.config), 4);
    reading_fini(&r);
    free(text);
    json_decref(tree);
}

/* Its parts for plugins fit their schemas. */
static void plugins(void **state)
{
    json_t *tree = json_load_file(EXAMPLE_FILE, 0, NULL);
    const json_t *entry;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(tree, "plugins"), i, entry)
    {
        char path[1024];
        struct cjd_schema *schema;
        struct cjd_diags diags = {0};
        char why[256] = "";
        snprintf(path, sizeof path, "%s/%s/schema.json", PLUGINS_FOLDER, test_str(entry, "plugin"));
        json_t *document = json_load_file(path, 0, NULL);
        assert_non_null(document);
        char *text = json_dumps(document, 0);
        if (cjd_schema_new(&schema, text, why, sizeof why) < 0) {
            fail_msg("%s: %s", path, why);
        }
        assert_int_equal(
            cjd_schema_check(schema, json_object_get(entry, "config"), NULL, "", &diags), 0);
        cjd_diags_fini(&diags);
        cjd_schema_free(schema);
        json_decref(document);
        free(text);
    }
    json_decref(tree);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(example),
        cmocka_unit_test(plugins),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
