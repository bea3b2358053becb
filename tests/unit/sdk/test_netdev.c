/* Devices and addresses as the kernel tells them: the loopback device is on every machine. */
#include <testlib/testlib.h>

#include <net/if_arp.h>
#include <unistd.h>

#include <cjd/netdev.h>

static struct cjd_netdevs all; /* too much for a stack */

static void loopback(void **state)
{
    static const uint8_t inside[4] = {127, 9, 8, 7};
    static const uint8_t outside[4] = {128, 0, 0, 1};
    struct cjd_netwatch watch;

    (void)state;
    assert_int_equal(cjd_netwatch_open(&watch), 0);
    for (unsigned again = 0; again < 3; again++) {
        assert_int_equal(cjd_netwatch_read(&watch, &all), 0);
        const struct cjd_netdev *lo = cjd_netdev_by_name(&all, "lo");
        assert_non_null(lo);
        assert_ptr_equal(cjd_netdev_by_index(&all, lo->index), lo);
        assert_int_equal(lo->index, if_nametoindex("lo"));
        assert_int_equal(lo->type, ARPHRD_LOOPBACK);
        assert_true(lo->flags & IFF_LOOPBACK);
        assert_int_equal(lo->mac_len, 6);
        assert_true(lo->mtu > 1000);
        if (lo->flags & IFF_UP) {
            assert_true(cjd_netdev_is_on_link(&all, lo->index, 4, inside));
        }
        assert_false(cjd_netdev_is_on_link(&all, lo->index, 4, outside));
        assert_false(cjd_netdev_is_on_link(&all, lo->index + 1000, 4, inside));
    }
    assert_null(cjd_netdev_by_name(&all, "no-such-device"));
    cjd_netwatch_close(&watch);
    cjd_netwatch_close(&watch);
    assert_int_equal(cjd_netwatch_read(&watch, &all), CJD_ERR_STATE);
    assert_int_equal(all.count, 0);
    assert_false(cjd_netwatch_drain(&watch));
}

/* Networks whose prefix ends within a byte. */
static void on_link(void **state)
{
    static const struct {
        uint8_t prefix_len;
        uint8_t ip[4];
        bool is_in;
    } cases[] = {{20, {10, 1, 31, 255}, true}, {20, {10, 1, 32, 0}, false},
                 {0, {8, 8, 8, 8}, true},      {32, {10, 1, 16, 1}, true},
                 {32, {10, 1, 16, 2}, false},  {31, {10, 1, 16, 0}, true},
                 {24, {10, 1, 16, 77}, true},  {24, {10, 1, 17, 77}, false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        all = (struct cjd_netdevs){.addr_count = 1};
        all.addr[0] = (struct cjd_netaddr){
            .index = 3, .family = 4, .prefix_len = cases[i].prefix_len, .ip = {10, 1, 16, 1}};
        assert_int_equal(cjd_netdev_is_on_link(&all, 3, 4, cases[i].ip), cases[i].is_in);
        assert_false(cjd_netdev_is_on_link(&all, 2, 4, cases[i].ip));
        assert_false(cjd_netdev_is_on_link(&all, 3, 6, cases[i].ip));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(loopback), cmocka_unit_test(on_link)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
