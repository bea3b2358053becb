/* What the loader refuses, and in which words. */
#include "bench.h"

#include <sys/stat.h>
#include <unistd.h>

#include <plugin/file.h>

/* One plugin that is not required: it is left out with a warning, and the rest goes on. */
static void expect_refused(const char *name, const char *const *parts)
{
    struct bench b = {0};
    char list[512];

    snprintf(list, sizeof list, "[{\"plugin\": \"%s\"}, {\"plugin\": \"good\"}]", name);
    bench_open(&b, ABI_PLUGINS, list);
    assert_int_equal(bench_up(&b), 0);
    for (; *parts; parts++) {
        bench_expect(bench_diags(&b), *parts);
    }
    bench_expect(bench_diags(&b), "warning");
    bench_expect(bench_diags(&b), "is left out");
    assert_int_equal(b.diags.errors, 0);
    assert_int_equal(cjd_plugins_running(b.plugins), 1);
    bench_close(&b);
}

/* The same one, required: an error, and nothing starts. */
static void expect_required(const char *name, int err)
{
    struct bench b = {0};
    char list[512];

    snprintf(list, sizeof list,
             "[{\"plugin\": \"good\"}, {\"plugin\": \"%s\", \"required\": true}]", name);
    bench_open(&b, ABI_PLUGINS, list);
    assert_int_equal(bench_up(&b), err);
    bench_expect(bench_diags(&b), "error");
    bench_expect(bench_diags(&b), "is required and cannot be used");
    assert_int_equal(cjd_plugins_running(b.plugins), 0);
    bench_close(&b);
}

#define REFUSED(name, ...) expect_refused(name, (const char *const[]){__VA_ARGS__, NULL})

static void file_is_missing(void **state)
{
    (void)state;
    REFUSED("nowhere", "nowhere.so does not exist", "pluginPath");
    expect_required("nowhere", CJD_ERR_NOT_FOUND);
}

static void abi_is_another(void **state)
{
    (void)state;
    REFUSED("bad-major", "built for plugin ABI 2", "loads ABI 1");
    expect_required("bad-major", CJD_ERR_VERSION);
    REFUSED("bad-major-field", "says plugin ABI 7", "loads ABI 1");
    REFUSED("bad-size", "has 16 bytes", "build it against the SDK");
}

static void symbol_is_missing(void **state)
{
    (void)state;
    REFUSED("bad-no-symbol", "does not export cjd_plugin_abi1");
    expect_required("bad-no-symbol", CJD_ERR_VERSION);
}

/* dlopen() runs constructors: what is refused for its version is never given to it. */
static void nothing_runs_before_the_version_is_known(void **state)
{
    (void)state;
    unsetenv("CJD_TEST_PLUGIN_RAN");
    REFUSED("bad-major", "built for plugin ABI 2");
    REFUSED("bad-major-field", "says plugin ABI 7");
    REFUSED("bad-size", "has 16 bytes");
    REFUSED("bad-no-symbol", "does not export");
    assert_null(getenv("CJD_TEST_PLUGIN_RAN"));
    /* The trap works: this one is refused after it was loaded. */
    REFUSED("bad-schema-text", "schema");
    assert_non_null(getenv("CJD_TEST_PLUGIN_RAN"));
}

static void constant_is_wrong(void **state)
{
    (void)state;
    REFUSED("bad-id", "its id \"Bad_Id\"");
    REFUSED("other-name", "holds the plugin \"another\", not \"other-name\"", "rename the file");
    REFUSED("bad-ops", "lacks create, destroy");
    REFUSED("bad-needs", "needs the service cjd.loop/7");
    REFUSED("bad-schema-word", "schema", "oneOf");
    REFUSED("bad-schema-text", "schema");
    expect_required("bad-schema-word", CJD_ERR_CONFIG);
}

/* Folder of its own, so that files can be made wrong. */
static void expect_file_refused(struct bench *b, const char *name, const char *part)
{
    char list[512];

    snprintf(list, sizeof list, "[{\"plugin\": \"%s\"}]", name);
    bench_open(b, bench_folder(b), list);
    assert_int_equal(bench_up(b), 0);
    bench_expect(bench_diags(b), part);
    assert_int_equal(cjd_plugins_running(b->plugins), 0);
    bench_close(b);
}

static void file_is_no_shared_object(void **state)
{
    struct bench b = {0};

    (void)state;
    bench_write(&b, "text.so",
                "#!/bin/sh\necho this is longer than the header of an ELF file is\n");
    expect_file_refused(&b, "text", "is no shared object");
    bench_write(&b, "empty.so", "");
    expect_file_refused(&b, "empty", "is empty");
    bench_write(&b, "cut.so", "\177ELF");
    expect_file_refused(&b, "cut", "is no shared object");
    assert_int_equal(mkdir(strcat(strcpy((char[1100]){0}, bench_folder(&b)), "/folder.so"), 0755),
                     0);
    expect_file_refused(&b, "folder", "is no regular file");
}

/* Nobody writes into it: opening it for reading must not wait for that. */
static void file_is_a_pipe(void **state)
{
    struct bench b = {0};
    char path[1024];

    (void)state;
    snprintf(path, sizeof path, "%s/pipe.so", bench_folder(&b));
    assert_int_equal(mkfifo(path, 0644), 0);
    expect_file_refused(&b, "pipe", "is no regular file");
}

/* A copy that was interrupted. Mapping what is not there would end the program with a signal. */
static void file_is_cut_short(void **state)
{
    struct bench b = {0};
    char path[1024];
    struct stat st;

    (void)state;
    assert_int_equal(stat(ABI_PLUGINS "/good.so", &st), 0);
    for (unsigned eighths = 1; eighths < 8; eighths++) {
        bench_copy(&b, "good", "good.so", 0755);
        snprintf(path, sizeof path, "%s/good.so", bench_folder(&b));
        assert_int_equal(truncate(path, st.st_size * eighths / 8), 0);
        expect_file_refused(&b, "good", "is cut short");
    }
}

static void others_can_write(void **state)
{
    struct bench b = {0};

    (void)state;
    bench_copy(&b, "good", "good.so", 0757);
    expect_file_refused(&b, "good", "can be written by others");
    bench_copy(&b, "good", "good.so", 0755);
    assert_int_equal(chmod(bench_folder(&b), 0777), 0);
    expect_file_refused(&b, "good", "can be written by others");
}

static void owner_is_another(void **state)
{
    struct bench b = {0};
    char path[1024];

    (void)state;
    if (getuid() != 0) {
        skip(); /* only root can give files away */
    }
    bench_copy(&b, "good", "good.so", 0755);
    snprintf(path, sizeof path, "%s/good.so", bench_folder(&b));
    assert_int_equal(chown(path, 1234, 0), 0);
    expect_file_refused(&b, "good", "belongs to user 1234");
}

static void path_leads_out(void **state)
{
    struct bench b = {0};
    char link[1024];

    (void)state;
    snprintf(link, sizeof link, "%s/good.so", bench_folder(&b));
    assert_int_equal(symlink(ABI_PLUGINS "/good.so", link), 0);
    expect_file_refused(&b, "good", "leads out of the plugin folder");
}

/* The configuration's schema refuses such names too; the loader does not rely on it. */
static void name_is_no_path(void **state)
{
    static const char *const names[] = {"../good", "a/b", "", "Good", "good.so"};
    char why[CJD_PLUGIN_WHY];
    char *path;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(cjd_plugin_file_find(&path, NULL, names[i], ABI_PLUGINS, why),
                         CJD_ERR_INVALID);
        bench_expect(why, "is no plugin name");
    }
    assert_int_equal(cjd_plugin_file_find(&path, "good.so", "good", ABI_PLUGINS, why),
                     CJD_ERR_INVALID);
    bench_expect(why, "must be an absolute path");
}

static void explicit_path(void **state)
{
    struct bench b = {0};

    (void)state;
    bench_open(&b, "/nonexistent", "[{\"so\": \"" ABI_PLUGINS "/good.so\", \"plugin\": \"good\"}]");
    assert_int_equal(bench_up(&b), 0);
    assert_int_equal(cjd_plugins_running(b.plugins), 1);
    bench_close(&b);
}

static void id_is_there_twice(void **state)
{
    struct bench b = {0};
    char list[2048];

    (void)state;
    bench_copy(&b, "good", "good.so", 0755);
    snprintf(list, sizeof list,
             "[{\"plugin\": \"good\", \"id\": \"a\"},"
             " {\"plugin\": \"good\", \"so\": \"%s/good.so\", \"id\": \"b\"}]",
             bench_folder(&b));
    bench_open(&b, ABI_PLUGINS, list);
    assert_int_equal(bench_up(&b), 0);
    bench_expect(bench_diags(&b), "already loaded from");
    assert_int_equal(cjd_plugins_running(b.plugins), 1);
    bench_close(&b);
}

/* The schema is the loader's to check: all faults, with their place, and no code of the plugin. */
static void configuration_is_wrong(void **state)
{
    struct bench b = {0};

    (void)state;
    bench_open(&b, ABI_PLUGINS,
               "[{\"plugin\": \"good\", \"config\": {\"numbr\": 2, \"number\": \"two\"}}]");
    assert_int_equal(bench_up(&b), 0);
    assert_int_equal(b.diags.errors, 2);
    bench_expect(bench_diags(&b), "/plugins/0/config/numbr");
    bench_expect(bench_diags(&b), "/plugins/0/config/number");
    assert_false(bench_logged(&b, "ok create"));
    bench_close(&b);
}

static void hash_is_logged(void **state)
{
    struct bench b = {0};
    char command[1200];
    char hash[65] = "";

    (void)state;
    bench_open(&b, ABI_PLUGINS, "[{\"plugin\": \"good\"}]");
    assert_int_equal(bench_up(&b), 0);
    snprintf(command, sizeof command, "sha256sum '%s/good.so'", ABI_PLUGINS);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%64s", hash), 1);
    pclose(f);
    bench_expect(b.log, hash);
    bench_expect(b.log, "loaded plugin good version=1.0 abi=1.0");
    bench_close(&b);
}

static void folder_is_listed(void **state)
{
    char text[32768] = "";
    FILE *f = fmemopen(text, sizeof text, "w");

    (void)state;
    assert_non_null(f);
    assert_int_equal(cjd_plugins_list(ABI_PLUGINS, f), 0);
    fclose(f);
    bench_expect(text, "uses every service");
    bench_expect(text, "built for plugin ABI 2");
    f = fmemopen(text, sizeof text, "w");
    assert_int_equal(cjd_plugins_list("/nonexistent", f), CJD_ERR_NOT_FOUND);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_is_missing),
        cmocka_unit_test(abi_is_another),
        cmocka_unit_test(nothing_runs_before_the_version_is_known),
        cmocka_unit_test(symbol_is_missing),
        cmocka_unit_test(constant_is_wrong),
        cmocka_unit_test(file_is_no_shared_object),
        cmocka_unit_test(others_can_write),
        cmocka_unit_test(owner_is_another),
        cmocka_unit_test(path_leads_out),
        cmocka_unit_test(name_is_no_path),
        cmocka_unit_test(explicit_path),
        cmocka_unit_test(id_is_there_twice),
        cmocka_unit_test(configuration_is_wrong),
        cmocka_unit_test(hash_is_logged),
        cmocka_unit_test(folder_is_listed),
        cmocka_unit_test(file_is_a_pipe),
        cmocka_unit_test(file_is_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
