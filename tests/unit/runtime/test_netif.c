/* rtnetlink, in a network namespace of its own, where lo is the only device. */
#include <testlib/testlib.h>

#include <errno.h>
#include <sched.h>

#include <sys/netif.h>

static const struct cjd_addr address = {.b = {0xfc, 1, [15] = 9}};

static void without_privilege(void **state)
{
    struct cjd_netif *n;
    struct cjd_netif_info info;

    (void)state;
    assert_int_equal(cjd_netif_new(&n), 0);
    assert_int_equal(cjd_netif_state(n, "lo", &info), 0);
    assert_true(info.index > 0);
    assert_true(info.mtu >= 1280);
    assert_int_equal(cjd_netif_state(n, "", &info), CJD_ERR_NO_DEVICE);
    assert_int_equal(cjd_netif_state(n, "nosuch0", &info), CJD_ERR_NO_DEVICE);
    assert_int_equal(info.index, 0);
    assert_int_equal(cjd_netif_state(n, "a-name-longer-than-a-device's", &info), CJD_ERR_NO_DEVICE);
    assert_false(cjd_netif_has_addr(n, "nosuch0", &address, 8));
    assert_int_equal(cjd_netif_addr_add(n, "lo", &address, 129), CJD_ERR_INVALID);
    assert_int_equal(cjd_netif_set_mtu(n, "lo", 0), CJD_ERR_INVALID);
    cjd_netif_free(n);
    cjd_netif_free(NULL);
}

static void changes(void **state)
{
    struct cjd_netif *n;
    struct cjd_netif_info info;

    (void)state;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 && unshare(CLONE_NEWNET) != 0) {
        print_message("no network namespace: %s\n", strerror(errno));
        skip();
    }
    assert_int_equal(cjd_netif_new(&n), 0);
    assert_int_equal(cjd_netif_state(n, "lo", &info), 0);
    assert_false(info.is_up);
    assert_int_equal(cjd_netif_set_up(n, "lo"), 0);
    assert_int_equal(cjd_netif_set_mtu(n, "lo", 1304), 0);
    assert_int_equal(cjd_netif_state(n, "lo", &info), 0);
    assert_true(info.is_up);
    assert_int_equal(info.mtu, 1304);

    assert_false(cjd_netif_has_addr(n, "lo", &address, 8));
    assert_int_equal(cjd_netif_addr_add(n, "lo", &address, 8), 0);
    assert_true(cjd_netif_has_addr(n, "lo", &address, 8));
    assert_false(cjd_netif_has_addr(n, "lo", &address, 64));
    assert_int_equal(cjd_netif_addr_add(n, "lo", &address, 8), CJD_ERR_EXISTS);
    assert_int_equal(cjd_netif_addr_del(n, "lo", &address, 8), 0);
    assert_false(cjd_netif_has_addr(n, "lo", &address, 8));
    assert_true(cjd_netif_addr_del(n, "lo", &address, 8) < 0);
    assert_int_equal(cjd_netif_addr_add(n, "nosuch0", &address, 8), CJD_ERR_NO_DEVICE);
    assert_int_equal(cjd_netif_set_up(n, "nosuch0"), CJD_ERR_NO_DEVICE);
    cjd_netif_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_privilege),
        cmocka_unit_test(changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
