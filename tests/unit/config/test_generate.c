/* New configurations: what the reference would take, and what this node makes of them. */
#include "helper.h"

#include <config/scan.h>
#include <config/source.h>

struct job {
    struct cjd_rng rng;
    bool with_eth;
    const char *text; /* to clean */
    struct cjd_diags diags;
};

static int generate(FILE *out, void *arg)
{
    struct job *job = arg;

    return cjd_config_generate(out, &job->rng, job->with_eth);
}

static int generate_native(FILE *out, void *arg)
{
    struct job *job = arg;

    return cjd_config_generate_native(out, &job->rng);
}

static int clean(FILE *out, void *arg)
{
    struct job *job = arg;

    return cjd_config_clean(out, job->text, strlen(job->text), &job->diags);
}

/* The strict parser of the reference takes the text as it is, and nothing follows its end. */
static void passes_the_strict_parser(void **state)
{
    struct test_rng r;
    struct cjd_source *s;
    int err;

    (void)state;
    for (int with_eth = 0; with_eth < 2; with_eth++) {
        struct job job = {.rng = test_rng_init(&r, 5), .with_eth = with_eth};
        char *text = printed(generate, &job, &err);
        assert_int_equal(err, 0);
        assert_int_equal(text[0], '{');
        assert_string_equal(text + strlen(text) - 2, "}\n");
        assert_int_equal(cjd_source_new(&s, text, strlen(text), CJD_DIALECT_STRICT), 0);
        assert_int_equal(s->remark_count, 0);
        assert_int_equal(s->version, 2);
        cjd_source_free(s);
        assert_int_equal(cjd_source_new(&s, text, strlen(text), CJD_DIALECT_NATIVE), 0);
        assert_int_equal(s->remark_count, 0);
        cjd_source_free(s);
        free(text);
    }
}

/* Cleaned, it is JSON with the values tools look for. */
static void cleans_to_json(void **state)
{
    struct test_rng r;
    struct job job = {.rng = test_rng_init(&r, 6)};
    json_error_t error;
    int err;

    (void)state;
    char *text = printed(generate, &job, &err);
    job.text = text;
    char *plain = printed(clean, &job, &err);
    assert_int_equal(err, 0);
    json_t *tree = json_loads(plain, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(tree);
    const char *login = NULL;
    const char *password = NULL;
    const char *key = NULL;
    const char *addr = NULL;
    json_t *udp = NULL;
    int version = 0;
    assert_int_equal(json_unpack(tree, "{s[{ssss}] ss ss s{so} si}", "authorizedPasswords",
                                 "password", &password, "user", &login, "publicKey", &key, "ipv6",
                                 &addr, "interfaces", "UDPInterface", &udp, "version", &version),
                     0);
    assert_string_equal(login, "default-login");
    assert_int_equal(strlen(password), 31);
    assert_int_equal(strlen(key), 54);
    assert_int_equal(json_array_size(udp), 2);
    assert_int_equal(version, 2);
    assert_non_null(json_object_get(json_object_get(tree, "interfaces"), "_disabled_ETHInterface"));
    /* The cleaned text means the same. */
    struct reading a = read_text(text);
    struct reading b = read_text(plain);
    assert_read(&a);
    assert_read(&b);
    assert_true(json_equal(cjd_config_tree(a.config), cjd_config_tree(b.config)));
    reading_fini(&a);
    reading_fini(&b);
    json_decref(tree);
    free(plain);
    free(text);
}

/* A new file starts without a word of complaint, apart from plugins this build lacks. */
static void reads_without_complaint(void **state)
{
    struct test_rng r;
    int err;

    (void)state;
    for (int with_eth = 0; with_eth < 2; with_eth++) {
        struct job job = {.rng = test_rng_init(&r, 7), .with_eth = with_eth};
        char *text = printed(generate, &job, &err);
        struct reading reading = read_text(text);
        assert_read(&reading);
        size_t warnings = count_diags(&reading, CJD_DIAG_WARNING);
        assert_int_equal(warnings, with_eth && !strstr(CJD_CONFIG_PLUGINS, " eth ") ? 1 : 0);
        assert_true(cjd_config_is_reference_form(reading.config));
        assert_false(cjd_config_wants_foreground(reading.config));
        assert_text_at(&reading, "/plugins/0/config/beacon/mode", "send");
        assert_text_at(&reading, "/plugins/0/config/beacon/devices/0", "all");
        assert_int_equal(json_integer_value(at(&reading, "/plugins/0/config/beacon/port")), 64512);
        assert_text_at(&reading, with_eth ? "/plugins/3/plugin" : "/plugins/2/plugin", "tun");
        struct cjd_config_sandbox s = cjd_config_sandbox(reading.config);
        assert_string_equal(s.user, "nobody");
        assert_string_equal(s.chroot, "/var/run");
        assert_true(s.keep_net_admin && s.no_forks && s.seccomp && !s.no_files);
        reading_fini(&reading);
        free(text);
    }
}

static void native_file(void **state)
{
    struct test_rng r;
    struct job job = {.rng = test_rng_init(&r, 8)};
    json_error_t error;
    int err;

    (void)state;
    char *text = printed(generate_native, &job, &err);
    assert_int_equal(err, 0);
    json_t *strict = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(strict);
    json_decref(strict);
    struct reading reading = read_text(text);
    assert_read(&reading);
    assert_int_equal(reading.diags.count, 0);
    assert_int_equal(cjd_config_plugin_count(reading.config), 4);
    assert_string_equal(cjd_config_plugin_at(reading.config, 0).id, "udp4");
    assert_string_equal(cjd_config_plugin_at(reading.config, 1).id, "udp6");
    assert_string_equal(cjd_config_plugin_at(reading.config, 2).name, "tun");
    assert_string_equal(cjd_config_plugin_at(reading.config, 3).name, "admin-http");
    assert_true(cjd_config_sandbox(reading.config).user_is_default);
    assert_int_equal(cjd_config_password_count(reading.config), 1);
    reading_fini(&reading);
    free(text);
}

/* Twice the same randomness, twice the same file; and different otherwise. */
static void depends_on_randomness_alone(void **state)
{
    struct test_rng r;
    int err;

    (void)state;
    struct job a = {.rng = test_rng_init(&r, 9)};
    char *first = printed(generate, &a, &err);
    struct job b = {.rng = test_rng_init(&r, 9)};
    char *again = printed(generate, &b, &err);
    struct job c = {.rng = test_rng_init(&r, 10)};
    char *other = printed(generate, &c, &err);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    free(first);
    free(again);
    free(other);
}

static void full_disk_is_told(void **state)
{
    struct test_rng r;
    struct cjd_rng rng = test_rng_init(&r, 11);

    (void)state;
    for (int native = 0; native < 2; native++) {
        FILE *full = fopen("/dev/full", "w");
        assert_non_null(full);
        setvbuf(full, NULL, _IONBF, 0);
        int err = native ? cjd_config_generate_native(full, &rng)
                         : cjd_config_generate(full, &rng, false);
        assert_int_equal(err, CJD_ERR_IO);
        fclose(full);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_the_strict_parser),    cmocka_unit_test(cleans_to_json),
        cmocka_unit_test(reads_without_complaint),     cmocka_unit_test(native_file),
        cmocka_unit_test(depends_on_randomness_alone), cmocka_unit_test(full_disk_is_told),
    };

    assert_int_equal(cjd_crypto_init(), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
