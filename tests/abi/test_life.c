/* The life of plugins: every service once, steps that fail, reload, and what is left behind. */
#include "bench.h"

#include <dlfcn.h>

static void every_service_works(void **state)
{
    struct bench b = {0};
    static const char *const late[] = {
        "ok post",
        "ok defer\n",
        "ok timer",
        "ok fd_watch\n",
        "ok resolve 192.0.2.7",
        "ok resolve 2001:db8::1",
        "ok resolve other family",
        "ok resolve localhost",
        "ok link rx",
        "ok link tx",
        "ok deliver",
        "ok peer reason from tx",
        "ok peer remove\n",
        "ok peer removed",
    };

    (void)state;
    bench_open(&b, ABI_PLUGINS, "[{\"plugin\": \"good\"}]");
    assert_int_equal(bench_up(&b), 0);
    bench_expect(b.log, "info good number 4"); /* the schema's default */
    for (size_t i = 0; i < sizeof late / sizeof late[0]; i++) {
        bench_wait(&b, late[i]);
    }
    cjd_plugins_stop(b.plugins);
    bench_expect(b.log, "ok stop\ninfo good ok release\ninfo good ok destroy");
    if (bench_logged(&b, "FAILED") || bench_logged(&b, "left things behind")) {
        fail_msg("%s", b.log);
    }
    assert_int_equal(cjd_pool_in_use(b.pool), 0);
    bench_close(&b);
}

/* --- steps that fail ----------------------------------------------------------------------------
 */

static void step_fails(const char *name, int err, const char *text)
{
    struct bench b = {0};
    char list[512];

    snprintf(list, sizeof list, "[{\"plugin\": \"%s\"}, {\"plugin\": \"good\"}]", name);
    bench_open(&b, ABI_PLUGINS, list);
    assert_int_equal(bench_up(&b), 0);
    assert_int_equal(cjd_plugins_running(b.plugins), 1);
    if (!strstr(bench_diags(&b), text)) {
        bench_expect(b.log, text);
        bench_expect(b.log, "is left out");
    }
    bench_close(&b);

    snprintf(list, sizeof list,
             "[{\"plugin\": \"good\"}, {\"plugin\": \"%s\", \"required\": true}]", name);
    bench_open(&b, ABI_PLUGINS, list);
    assert_int_equal(bench_up(&b), err);
    if (!strstr(bench_diags(&b), text)) {
        bench_expect(b.log, text);
        bench_expect(b.log, "is required and failed");
    }
    bench_close(&b);
}

static void steps_fail(void **state)
{
    (void)state;
    step_fails("bad-create", CJD_ERR_NO_MEMORY, "create says no");
    step_fails("bad-configure", CJD_ERR_CONFIG, "the number is odd");
    step_fails("bad-acquire", CJD_ERR_BUSY, "port 4242 is taken");
    step_fails("bad-start", CJD_ERR_NO_DEVICE, "the device vanished");
}

/* The address of a link that is taken: most likely this node runs already, so the start ends, also
 * where the plugin is not required (configuration notes §17). */
static void taken_link_address(void **state)
{
    struct bench b = {0};

    (void)state;
    bench_open(&b, ABI_PLUGINS, "[{\"plugin\": \"good\"}, {\"plugin\": \"bad-link-busy\"}]");
    assert_int_equal(bench_up(&b), CJD_ERR_BUSY);
    bench_expect(b.log, "plugin bad-link-busy failed: acquire: port 4242 is taken");
    assert_int_equal(cjd_plugins_running(b.plugins), 0);
    bench_close(&b);
}

/* What configure() refuses has a place in the file. */
static void refusal_has_position(void **state)
{
    struct bench b = {0};

    (void)state;
    bench_open(&b, ABI_PLUGINS, "[{\"plugin\": \"good\", \"config\": {\"number\": 5}}]");
    assert_int_equal(bench_up(&b), 0);
    bench_expect(bench_diags(&b), "test.json:2:");
    bench_expect(bench_diags(&b), "/plugins/0/config/number");
    bench_expect(bench_diags(&b), "the number is odd");
    bench_expect(b.log, "ok create\ninfo good ok destroy"); /* only create is undone */
    bench_close(&b);
}

static void disabled_is_not_loaded(void **state)
{
    struct bench b = {0};

    (void)state;
    bench_open(&b, ABI_PLUGINS, "[{\"plugin\": \"good\", \"enabled\": false}]");
    assert_int_equal(bench_up(&b), 0);
    assert_int_equal(cjd_plugins_running(b.plugins), 0);
    assert_int_equal(b.diags.count, 0);
    bench_close(&b);
}

/* --- left behind --------------------------------------------------------------------------------
 */

static void leaves(const char *name, const char *what)
{
    struct bench b = {0};
    char list[256];

    snprintf(list, sizeof list, "[{\"plugin\": \"%s\"}]", name);
    bench_open(&b, ABI_PLUGINS, list);
    assert_int_equal(bench_up(&b), 0);
    cjd_plugins_stop(b.plugins);
    bench_expect(b.log, "left things behind");
    bench_expect(b.log, what);
    /* What was taken back does not run any more. */
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(cjd_runtime_turn(b.rt, false), 0);
    }
    bench_close(&b);
}

static void leaks_are_named(void **state)
{
    (void)state;
    leaves("bad-leak-timer", "timers=1");
    leaves("bad-leak-watch", "watches=1");
}

/* The plugin stays mapped, so its array is still there. */
static void give_leaked_back(struct bench *b)
{
    void *handle = dlopen(ABI_PLUGINS "/bad-leak-packet.so", RTLD_NOW | RTLD_NOLOAD);

    assert_non_null(handle);
    struct cjd_pkt **leaked = dlsym(handle, "bad_leaked");
    assert_non_null(leaked);
    for (unsigned i = 0; i < 3; i++) {
        cjd_pool_give(b->pool, leaked[i]);
    }
    dlclose(handle);
}

static void lost_packets_are_named(void **state)
{
    struct bench b = {0};

    (void)state;
    bench_open(&b, ABI_PLUGINS, "[{\"plugin\": \"bad-leak-packet\"}]");
    assert_int_equal(bench_up(&b), 0);
    cjd_plugins_stop(b.plugins);
    bench_expect(b.log, "packets=3");
    assert_int_equal(cjd_pool_in_use(b.pool), 3);
    give_leaked_back(&b);
    bench_close(&b);
}

/* --- reload -------------------------------------------------------------------------------------
 */

struct told {
    char text[1024];
};

static void tell(void *arg, const char *id, int result, const char *text)
{
    struct told *t = arg;
    size_t len = strlen(t->text);

    snprintf(t->text + len, sizeof t->text - len, "%s %d %s\n", id, result, text);
}

static int reload(struct bench *b, const char *list, struct told *told)
{
    struct cjd_config *to = bench_config(b, list);

    *told = (struct told){0};
    int err = cjd_plugins_reload(b->plugins, to, &b->diags, tell, told);
    /* What was taken holds its own reference. */
    cjd_config_free(to);
    return err;
}

static void reload_applies(void **state)
{
    struct bench b = {0};
    struct told told;

    (void)state;
    bench_open(&b, ABI_PLUGINS, "[{\"plugin\": \"good\", \"config\": {\"number\": 2}}]");
    assert_int_equal(bench_up(&b), 0);
    assert_int_equal(reload(&b, "[{\"plugin\": \"good\", \"config\": {\"number\": 2}}]", &told), 0);
    assert_string_equal(told.text, "");
    assert_int_equal(reload(&b, "[{\"plugin\": \"good\", \"config\": {\"number\": 6}}]", &told), 0);
    bench_expect(told.text, "good 0 changes applied");
    bench_expect(b.log, "info good number 6");
    assert_int_equal(reload(&b, "[{\"plugin\": \"good\", \"config\": {\"number\": 1000}}]", &told),
                     0);
    bench_expect(told.text, "need a restart");
    assert_int_equal(reload(&b, "[{\"plugin\": \"bad-start\"}]", &told), 0);
    bench_expect(told.text, "bad-start -18");
    bench_expect(told.text, "no longer configured");
    bench_close(&b);
}

static void broken_reload_changes_nothing(void **state)
{
    struct bench b = {0};
    struct told told;
    const char *two = "[{\"plugin\": \"bad-leak-timer\", \"id\": \"x\"},"
                      " {\"plugin\": \"good\", \"config\": {\"number\": %s}}]";
    char list[512];

    (void)state;
    snprintf(list, sizeof list, two, "2");
    bench_open(&b, ABI_PLUGINS, list);
    assert_int_equal(bench_up(&b), 0);
    /* A fault the schema finds: no plugin is asked. */
    snprintf(list, sizeof list, two, "-2");
    assert_int_equal(reload(&b, list, &told), CJD_ERR_CONFIG);
    assert_string_equal(told.text, "");
    bench_expect(bench_diags(&b), "/plugins/1/config/number");
    /* One that only the second plugin finds: the first is set back. */
    assert_int_equal(
        reload(&b,
               "[{\"plugin\": \"bad-leak-timer\", \"id\": \"x\", \"config\": {\"number\": 8}},"
               " {\"plugin\": \"good\", \"config\": {\"number\": 7}}]",
               &told),
        CJD_ERR_CONFIG);
    bench_expect(told.text, "x 0 changes applied");
    bench_expect(told.text, "x 0 set back");
    bench_expect(bench_diags(&b), "the number is odd");
    bench_close(&b);
}

static void instances_are_apart(void **state)
{
    struct bench b = {0};

    (void)state;
    bench_open(&b, ABI_PLUGINS,
               "[{\"plugin\": \"bad-leak-timer\", \"id\": \"one\"},"
               " {\"plugin\": \"bad-leak-timer\", \"id\": \"two\"}]");
    assert_int_equal(bench_up(&b), 0);
    assert_int_equal(cjd_plugins_running(b.plugins), 2);
    cjd_plugins_stop(b.plugins);
    char *two = strstr(b.log, "plugin two left things behind");
    char *one = strstr(b.log, "plugin one left things behind");
    assert_true(one && two && two < one); /* last first */
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_service_works),
        cmocka_unit_test(steps_fail),
        cmocka_unit_test(taken_link_address),
        cmocka_unit_test(refusal_has_position),
        cmocka_unit_test(disabled_is_not_loaded),
        cmocka_unit_test(leaks_are_named),
        cmocka_unit_test(lost_packets_are_named),
        cmocka_unit_test(reload_applies),
        cmocka_unit_test(broken_reload_changes_nothing),
        cmocka_unit_test(instances_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
