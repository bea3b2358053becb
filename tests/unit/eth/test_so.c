/* The plugin as a loaded object: one visible constant, a whole life on a fake host. */
#include <testlib/testlib.h>

#include <dlfcn.h>

#include <fake_host.h>

static void *load(void)
{
    void *object = dlopen(PLUGIN_FILE, RTLD_NOW | RTLD_LOCAL);

    if (!object) {
        fail_msg("%s", dlerror());
    }
    return object;
}

static void unload(void *object)
{
#ifndef CJD_SANITIZED /* reports need the object */
    dlclose(object);
#else
    (void)object;
#endif
}

static void test_constant(void **state)
{
    void *object = load();
    const struct cjd_plugin *plugin = dlsym(object, CJD_PLUGIN_SYMBOL);

    (void)state;
    assert_non_null(plugin);
    assert_int_equal(plugin->size, sizeof *plugin);
    assert_int_equal(plugin->abi_major, CJD_ABI_MAJOR);
    assert_int_equal(plugin->abi_minor, CJD_ABI_MINOR);
    assert_string_equal(plugin->id, "eth");
    assert_string_equal(plugin->license, "ISC");
    assert_int_equal(plugin->provides, CJD_PROVIDES_LINK);
    assert_int_equal(plugin->ops.size, sizeof plugin->ops);
    assert_non_null(strstr(plugin->config_schema, "\"devices\""));
    /* Internals are not for others to find. */
    assert_null(dlsym(object, "cjd_eth_addr_make"));
    assert_null(dlsym(object, "cjd_eth_schema"));
    unload(object);
}

/* A whole life as far as it goes without the privilege to open packet sockets. */
static void test_life(void **state)
{
    void *object = load();
    const struct cjd_plugin *plugin = dlsym(object, CJD_PLUGIN_SYMBOL);
    struct cjd_fake_host *fake = cjd_fake_new();
    struct cjd_plugin_error error = {.size = sizeof error};
    json_t *config = json_pack("{s[s]}", "devices", "no-such-device");
    void *self = NULL;

    (void)state;
    assert_non_null(plugin);
    assert_int_equal(plugin->ops.create(&fake->host, &self, &error), 0);
    assert_int_equal(plugin->ops.start(self, &error), CJD_ERR_STATE);
    assert_int_equal(plugin->ops.configure(self, config, &error), 0);
    json_decref(config);
    for (int round = 0; round < 2; round++) {
        int err = plugin->ops.acquire(self, &error);
        if (err != 0) {
            assert_int_equal(err, CJD_ERR_PERMISSION);
            assert_non_null(strstr(error.text, "CAP_NET_RAW"));
            break;
        }
        assert_int_equal(plugin->ops.start(self, &error), 0);
        assert_int_equal(fake->link_count, round + 1); /* waits for its device */
        assert_true(fake->links[round].is_up);
        plugin->ops.stop(self);
        plugin->ops.release(self);
    }
    plugin->ops.destroy(self);
    assert_int_equal(cjd_fake_leaks(fake), 0);
    cjd_fake_free(fake);
    unload(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_constant),
                                       cmocka_unit_test(test_life)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
