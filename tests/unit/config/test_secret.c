/* Secrets that are not in the file: `…File`, credentials (configuration notes §15). */
#include "helper.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cjd/text.h>

struct place {
    char folder[1024];
    char path[1040];
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    assert_non_null(p);
    assert_non_null(getcwd(p->folder, sizeof p->folder - 32));
    strcat(p->folder, "/secret-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof p->path, "%s/key", p->folder);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", p->folder, 1), 0);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;

    unlink(p->path);
    rmdir(p->folder);
    free(p);
    return 0;
}

static void put(const struct place *p, const char *bytes, size_t len, mode_t mode)
{
    FILE *f = fopen(p->path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(p->path, mode), 0);
}

static struct reading read_with(const char *format, const char *path)
{
    char text[2048];

    snprintf(text, sizeof text, format, path);
    return read_text(text);
}

#define KEY_FROM_FILE "{\"node\":{\"privateKeyFile\":\"%s\"},\"plugins\":[]}"

static void key_from_a_file(void **state)
{
    struct place *p = *state;

    put(p, OWN_SECRET "\r\n", 66, 0600);
    struct reading r = read_with(KEY_FROM_FILE, p->path);
    assert_read(&r);
    assert_int_equal(r.diags.count, 0);
    char key[CJD_KEY_TEXT_SIZE];
    cjd_key_to_text(key, &cjd_config_keypair(r.config)->key);
    assert_string_equal(key, OWN_KEY);
    /* The secret does not get into the tree. */
    char *dump = json_dumps(cjd_config_tree(r.config), 0);
    assert_null(strstr(dump, OWN_SECRET));
    free(dump);
    reading_fini(&r);
}

static void key_from_a_credential(void **state)
{
    struct place *p = *state;

    put(p, OWN_SECRET, 64, 0600);
    struct reading r =
        read_with("{\"node\":{\"privateKey\":{\"credential\":\"%s\"}},\"plugins\":[]}", "key");
    assert_read(&r);
    reading_fini(&r);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    r = read_with("{\"node\":{\"privateKey\":{\"credential\":\"%s\"}},\"plugins\":[]}", "key");
    find_diag(&r, CJD_DIAG_ERROR, "/node/privateKey", "LoadCredential");
    reading_fini(&r);
}

static void everybody_can_read_it(void **state)
{
    struct place *p = *state;

    put(p, OWN_SECRET, 64, 0644);
    struct reading r = read_with(KEY_FROM_FILE, p->path);
    assert_read(&r);
    find_diag(&r, CJD_DIAG_WARNING, "/node/privateKeyFile", "everybody can read");
    reading_fini(&r);
}

static void bad_files(void **state)
{
    static const char long_line[5000];
    static const struct {
        const char *bytes;
        size_t len;
        const char *part;
    } rows[] = {
        {"", 0, "is empty"},
        {"\n\n", 2, "is empty"},
        {"a\nb\n", 4, "one line"},
        {"a\0b", 3, "one line"},
        {long_line, sizeof long_line, "too long"},
        {"zz", 2, "64 hexadecimal"},
    };
    struct place *p = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put(p, rows[i].bytes, rows[i].len, 0600);
        struct reading r = read_with(KEY_FROM_FILE, p->path);
        assert_int_equal(r.diags.errors, 1);
        find_diag(&r, CJD_DIAG_ERROR, "/node/privateKeyFile", rows[i].part);
        reading_fini(&r);
    }
}

static void bad_names(void **state)
{
    static const struct {
        const char *text;
        const char *pointer;
        const char *part;
    } rows[] = {
        {"\"privateKeyFile\":\"/nonexistent/key\"", "/node/privateKeyFile",
         "/nonexistent/key: No such file"},
        {"\"privateKeyFile\":\"key\"", "/node/privateKeyFile", "absolute path"},
        {"\"privateKeyFile\":\"/\"", "/node/privateKeyFile", "no regular file"},
        {"\"privateKeyFile\":\"/dev/zero\"", "/node/privateKeyFile", "no regular file"},
        {"\"privateKeyFile\":5", "/node/privateKeyFile", "must be a text in quotes"},
        {"\"privateKeyFile\":\"/x\",\"privateKey\":\"\"", "/node/privateKeyFile", "both given"},
        {"\"privateKey\":{\"credential\":\"../key\"}", "/node/privateKey", "one word"},
        {"\"privateKey\":{\"credential\":\"a/b\"}", "/node/privateKey", "one word"},
        {"\"privateKey\":{\"credential\":\"none\"}", "/node/privateKey", "No such file"},
        {"\"privateKey\":{\"credential\":5}", "/node/privateKey", "\"credential\": NAME"},
        {"\"privateKey\":{\"credential\":\"a\",\"b\":1}", "/node/privateKey",
         "\"credential\": NAME"},
        {"\"privateKey\":[]", "/node/privateKey", "\"credential\": NAME"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reading r = read_with("{\"node\":{%s},\"plugins\":[]}", rows[i].text);
        if (r.diags.errors != 1) {
            cjd_diags_print(&r.diags, stdout);
        }
        assert_int_equal(r.diags.errors, 1);
        find_diag(&r, CJD_DIAG_ERROR, rows[i].pointer, rows[i].part);
        reading_fini(&r);
    }
}

static void passwords_of_peers(void **state)
{
    struct place *p = *state;

    put(p, "from a file\n", 12, 0600);
    struct reading r = read_with("{\"node\":{\"privateKey\":\"" OWN_SECRET "\"},\"plugins\":[],"
                                 "\"peering\":{\"passwords\":[{\"passwordFile\":\"%s\"},"
                                 "{\"password\":{\"credential\":\"key\"},\"login\":\"l\"}]}}",
                                 p->path);
    assert_read(&r);
    assert_int_equal(cjd_config_password_count(r.config), 2);
    assert_string_equal(cjd_config_password_at(r.config, 0).password, "from a file");
    assert_string_equal(cjd_config_password_at(r.config, 1).password, "from a file");
    reading_fini(&r);
}

/* A plugin finds the text under the key of its schema, however it was given. */
static void secrets_of_plugins(void **state)
{
    static const char schema_text[] =
        "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"peers\":{\"items\":{"
        "\"additionalProperties\":false,\"required\":[\"password\"],\"properties\":{"
        "\"password\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":5}}}},"
        "\"pin\":{\"type\":\"string\",\"format\":\"secret\"},\"word\":{\"type\":\"string\"}}}";
    struct place *p = *state;
    struct cjd_schema *schema;
    char why[128];

    assert_int_equal(cjd_schema_new(&schema, schema_text, why, sizeof why), 0);
    put(p, "hush", 4, 0600);
    struct reading r = read_with(
        "{\"node\":{\"privateKey\":\"" OWN_SECRET "\"},\"plugins\":[{\"plugin\":\"x\",\"config\":{"
        "\"peers\":[{\"passwordFile\":\"%s\"},{\"password\":{\"credential\":\"key\"}},"
        "{\"password\":\"text\"}],\"pin\":{\"credential\":\"key\"}}}]}",
        p->path);
    assert_read(&r);
    struct cjd_config_plugin plugin = cjd_config_plugin_at(r.config, 0);
    assert_int_equal(cjd_schema_check(schema, plugin.config, r.config, plugin.pointer, &r.diags),
                     0);
    json_t *want = json_pack("{s[{ss}{ss}{ss}]ss}", "peers", "password", "hush", "password", "hush",
                             "password", "text", "pin", "hush");
    assert_true(json_equal(plugin.config, want));
    json_decref(want);
    reading_fini(&r);

    /* Faults of the secret itself, of its file, and of a key that is no secret. */
    put(p, "too long", 8, 0600);
    r = read_with("{\"node\":{\"privateKey\":\"" OWN_SECRET
                  "\"},\"plugins\":[{\"plugin\":\"x\",\"config\":{"
                  "\"peers\":[{\"passwordFile\":\"%s\"},{\"passwordFile\":\"/nonexistent/x\"},{}],"
                  "\"wordFile\":\"/x\"}}]}",
                  p->path);
    assert_read(&r);
    plugin = cjd_config_plugin_at(r.config, 0);
    assert_int_equal(cjd_schema_check(schema, plugin.config, r.config, plugin.pointer, &r.diags),
                     CJD_ERR_CONFIG);
    assert_int_equal(r.diags.errors, 4);
    find_diag(&r, CJD_DIAG_ERROR, "/plugins/0/config/peers/0", "at most 5");
    find_diag(&r, CJD_DIAG_ERROR, "/plugins/0/config/peers/1/passwordFile", "No such file");
    find_diag(&r, CJD_DIAG_ERROR, "/plugins/0/config/peers/2", "\"password\" is missing");
    find_diag(&r, CJD_DIAG_ERROR, "/plugins/0/config/wordFile", "not known");
    reading_fini(&r);
    cjd_schema_free(schema);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(key_from_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(key_from_a_credential, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everybody_can_read_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(passwords_of_peers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_of_plugins, set_up, tear_down),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
