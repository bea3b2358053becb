/* Address, MTU and state of the device: what each mode does, and what it says. */
#include "tun_fixture.h"

#define DEVICE "cjdns0"

struct manage {
    struct cjd_fake_host *fake;
    struct cjd_logger log;
    struct cjd_tun_paths paths;
    struct cjd_fake_device *device;
    struct cjd_plugin_error error;
    uint32_t mtu; /* in and out */
};

/* A device as it is just after it was made: no address, MTU 1500, down. */
static struct manage manage_new(void)
{
    struct manage m = {.fake = cjd_fake_new(),
                       .paths = {.node = "", .sysfs = "", .proc = "/nonexistent"},
                       .error = {.size = sizeof m.error},
                       .mtu = 1304};

    cjd_logger_init(&m.log, &m.fake->host);
    m.device = cjd_fake_device(m.fake, DEVICE, 1500, false);
    return m;
}

/* A device that was made ready beforehand. */
static struct manage manage_new_ready(void)
{
    struct manage m = manage_new();

    m.device->has_addr = true;
    m.device->addr = m.fake->own_addr;
    m.device->prefix_len = 8;
    m.device->state.mtu = 1304;
    m.device->state.is_up = 1;
    return m;
}

static int run(struct manage *m, enum cjd_tun_manage mode)
{
    struct cjd_tun_manage_env env = {.host = &m->fake->host,
                                     .netif =
                                         m->fake->host.get(&m->fake->host, CJD_SERVICE_NETIF, 1),
                                     .log = &m->log,
                                     .paths = &m->paths};

    return cjd_tun_manage(&env, mode, DEVICE, &m->fake->own_addr, &m->mtu, &m->error);
}

static void deny_all(struct manage *m)
{
    m->device->addr_err = CJD_ERR_PERMISSION;
    m->device->mtu_err = CJD_ERR_PERMISSION;
    m->device->up_err = CJD_ERR_PERMISSION;
}

static void want_ready(const struct manage *m)
{
    assert_true(m->device->has_addr);
    assert_int_equal(m->device->prefix_len, 8);
    assert_memory_equal(&m->device->addr, &m->fake->own_addr, 16);
    assert_int_equal(m->device->state.mtu, 1304);
    assert_int_equal(m->device->state.is_up, 1);
    assert_int_equal(m->mtu, 1304);
}

static void test_auto_fresh(void **state)
{
    struct manage m = manage_new();

    (void)state;
    assert_int_equal(run(&m, CJD_TUN_AUTO), 0);
    want_ready(&m);
    assert_int_equal(m.fake->call_count, 3);
    assert_int_equal(m.fake->log_count, 0);
    cjd_fake_free(m.fake);
}

/* Configuration notes §8: an ordinary user with a device made beforehand gets no warning. */
static void test_auto_ready(void **state)
{
    struct manage m = manage_new_ready();

    (void)state;
    deny_all(&m);
    assert_int_equal(run(&m, CJD_TUN_AUTO), 0);
    want_ready(&m);
    assert_int_equal(m.fake->call_count, 0);
    assert_int_equal(m.fake->log_count, 0);
    cjd_fake_free(m.fake);
}

static void test_auto_only_what_differs(void **state)
{
    static const char *const calls[] = {"mtu cjdns0 1304", "addr cjdns0 /8", "up cjdns0"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct manage m = manage_new_ready();
        m.device->state.mtu = i == 0 ? 1500 : 1304;
        m.device->has_addr = i != 1;
        m.device->state.is_up = i != 2;
        if (i == 3) {
            m.device->prefix_len = 64; /* the address with another prefix is not enough */
        }
        assert_int_equal(run(&m, CJD_TUN_AUTO), 0);
        want_ready(&m);
        assert_int_equal(m.fake->call_count, 1);
        assert_int_equal(cjd_fake_called(m.fake, calls[i == 3 ? 1 : i]), 1);
        assert_int_equal(m.fake->log_count, 0);
        cjd_fake_free(m.fake);
    }
}

/* What is wrong and cannot be set right is said, with a cure; the rest is done all the same. */
static void test_auto_denied(void **state)
{
    struct manage m = manage_new();

    (void)state;
    deny_all(&m);
    assert_int_equal(run(&m, CJD_TUN_AUTO), 0);
    assert_int_equal(m.fake->call_count, 3);
    assert_int_equal(m.fake->log_count, 3);
    assert_int_equal(cjd_fake_logged(m.fake, CJD_LEVEL_WARN, "ip link set dev cjdns0 mtu 1304"), 1);
    assert_int_equal(cjd_fake_logged(m.fake, CJD_LEVEL_WARN,
                                     "ip -6 addr add fc35:1f2f:b558:ee5c:3e61:84e6:759a:9f4e/8 "
                                     "dev cjdns0"),
                     1);
    assert_int_equal(cjd_fake_logged(m.fake, CJD_LEVEL_WARN, "ip link set dev cjdns0 up"), 1);
    assert_string_equal(m.error.text, ""); /* no error for the host */
    assert_int_equal(m.mtu, 1500);         /* what the node has to reckon with */
    cjd_fake_free(m.fake);
}

static void test_always(void **state)
{
    struct manage m = manage_new_ready();

    (void)state;
    assert_int_equal(run(&m, CJD_TUN_ALWAYS), 0); /* that the address is there is no failure */
    assert_int_equal(m.fake->call_count, 3);
    want_ready(&m);
    cjd_fake_free(m.fake);
    m = manage_new();
    assert_int_equal(run(&m, CJD_TUN_ALWAYS), 0);
    want_ready(&m);
    cjd_fake_free(m.fake);
}

static void test_always_denied(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct manage m = manage_new_ready();
        m.device->has_addr = false;
        m.device->mtu_err = i == 0 ? CJD_ERR_PERMISSION : 0;
        m.device->addr_err = i == 1 ? CJD_ERR_PERMISSION : 0;
        m.device->up_err = i == 2 ? CJD_ERR_PERMISSION : 0;
        int err = run(&m, CJD_TUN_ALWAYS);
        tun_fixture_want(&m.error, err, CJD_ERR_PERMISSION, "of device cjdns0: permission denied");
        assert_string_equal(m.error.pointer, "/manage");
        assert_int_equal(m.fake->call_count, i + 1); /* the rest is not tried */
        cjd_fake_free(m.fake);
    }
}

static void test_never(void **state)
{
    struct manage m = manage_new();

    (void)state;
    assert_int_equal(run(&m, CJD_TUN_NEVER), 0);
    assert_int_equal(m.fake->call_count, 0);
    assert_int_equal(m.fake->log_count, 0);
    assert_int_equal(m.mtu, 1500);
    cjd_fake_free(m.fake);
}

static void test_mtu_seen(void **state)
{
    struct manage m = manage_new();

    (void)state;
    m.device->state.mtu = 9000;
    assert_int_equal(run(&m, CJD_TUN_NEVER), 0);
    assert_int_equal(m.mtu, CJD_TUN_MTU_MAX);
    m.mtu = 1304;
    m.device->state.mtu = 1000; /* no IPv6 there at all: the wish stays */
    assert_int_equal(run(&m, CJD_TUN_NEVER), 0);
    assert_int_equal(m.mtu, 1304);
    cjd_fake_free(m.fake);
}

static void test_unseen_device(void **state)
{
    struct manage m = manage_new_ready();

    (void)state;
    m.device->state.index = 0; /* gone, or in another namespace */
    assert_int_equal(run(&m, CJD_TUN_AUTO), 0);
    assert_int_equal(cjd_fake_logged(m.fake, CJD_LEVEL_WARN, "network namespace"), 1);
    assert_int_equal(m.mtu, 1304);
    assert_int_equal(run(&m, CJD_TUN_NEVER), 0);
    int err = run(&m, CJD_TUN_ALWAYS);
    tun_fixture_want(&m.error, err, CJD_ERR_NO_DEVICE, "network namespace");
    cjd_fake_free(m.fake);
}

static void test_host_without_netif(void **state)
{
    struct manage m = manage_new();

    (void)state;
    cjd_fake_hide(m.fake, CJD_SERVICE_NETIF);
    assert_int_equal(run(&m, CJD_TUN_NEVER), 0);
    assert_int_equal(m.fake->log_count, 0);
    assert_int_equal(run(&m, CJD_TUN_AUTO), 0);
    assert_int_equal(cjd_fake_logged(m.fake, CJD_LEVEL_WARN, "no access to devices"), 1);
    int err = run(&m, CJD_TUN_ALWAYS);
    tun_fixture_want(&m.error, err, CJD_ERR_NO_DEVICE, "no access to devices");
    cjd_fake_free(m.fake);
}

static void test_ip6_off(void **state)
{
    static const char *const off[] = {"sys/net/ipv6/conf/cjdns0/disable_ipv6", "1\n", NULL};
    char dir[] = "/tmp/cjd-tun-XXXXXX";
    struct manage m = manage_new();

    (void)state;
    tun_fixture_tree(dir, off);
    m.paths.proc = dir;
    m.device->addr_err = CJD_ERR_PERMISSION;
    assert_int_equal(run(&m, CJD_TUN_AUTO), 0);
    assert_int_equal(
        cjd_fake_logged(m.fake, CJD_LEVEL_WARN, "sysctl -w net.ipv6.conf.cjdns0.disable_ipv6=0"),
        1);
    tun_fixture_remove(dir);
    cjd_fake_free(m.fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auto_fresh),
        cmocka_unit_test(test_auto_ready),
        cmocka_unit_test(test_auto_only_what_differs),
        cmocka_unit_test(test_auto_denied),
        cmocka_unit_test(test_always),
        cmocka_unit_test(test_always_denied),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_mtu_seen),
        cmocka_unit_test(test_unseen_device),
        cmocka_unit_test(test_host_without_netif),
        cmocka_unit_test(test_ip6_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
