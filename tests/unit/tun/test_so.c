/* The plugin as a loaded object: one visible constant, a whole life on a fake host. */
#include <testlib/testlib.h>

#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fake_host.h>

static void test_object(void **state)
{
    void *object = dlopen(PLUGIN_FILE, RTLD_NOW | RTLD_LOCAL);
    struct cjd_fake_host *fake = cjd_fake_new();
    struct cjd_plugin_error error = {.size = sizeof error};
    void *self = NULL;
    int fd[2];

    (void)state;
    if (!object) {
        fail_msg("%s", dlerror());
    }
    const struct cjd_plugin *plugin = dlsym(object, CJD_PLUGIN_SYMBOL);
    assert_non_null(plugin);
    assert_int_equal(plugin->abi_major, CJD_ABI_MAJOR);
    assert_string_equal(plugin->id, "tun");
    assert_int_equal(plugin->provides, CJD_PROVIDES_TUN);
    assert_int_equal(plugin->needs_caps, CJD_CAP_NET_ADMIN);
    assert_null(dlsym(object, "cjd_tun_device_open"));

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    json_t *config = json_pack("{s:i}", "fd", fd[0]);
    assert_int_equal(plugin->ops.create(&fake->host, &self, &error), 0);
    assert_int_equal(plugin->ops.configure(self, config, &error), 0);
    json_decref(config);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(plugin->ops.acquire(self, &error), 0);
        assert_int_equal(plugin->ops.start(self, &error), 0);
        assert_non_null(fake->frontend);
        plugin->ops.stop(self);
        plugin->ops.release(self);
    }
    plugin->ops.destroy(self);
    close(fd[0]);
    close(fd[1]);
    assert_int_equal(cjd_fake_leaks(fake), 0);
    cjd_fake_free(fake);
#ifndef CJD_SANITIZED /* reports need the object */
    dlclose(object);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_object)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
