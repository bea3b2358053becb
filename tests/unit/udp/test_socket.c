/* Sockets of UDP links: binding, options, and who holds a port that is taken. */
#include "udp_fixture.h"

#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

static int get_option(int fd, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof value;

    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

static void test_dscp4(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    udp_fixture_start(&f, "{\"bind\":\"127.0.0.1\",\"dscp\":46}");
    assert_int_equal(get_option(f.udp->side[0].fd, IPPROTO_IP, IP_TOS), 0xb8);
    assert_true(get_option(f.udp->side[0].fd, SOL_SOCKET, SO_RCVBUF) > 65536);
    assert_int_equal(get_option(f.udp->side[0].fd, SOL_SOCKET, SO_REUSEPORT), 0);
    udp_fixture_end(&f);
}

static void test_dscp6(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    udp_fixture_start(&f, "{\"bind\":\"[::1]\",\"dscp\":46}");
    assert_int_equal(get_option(f.udp->side[0].fd, IPPROTO_IPV6, IPV6_TCLASS), 0xb8);
    assert_int_equal(get_option(f.udp->side[0].fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    udp_fixture_end(&f);
}

/* A link each for IPv4 and IPv6 on the same port, as generated configurations have. */
static void test_both_families(void **state)
{
    struct udp_fixture six = udp_fixture_new();
    struct udp_fixture four = udp_fixture_new();
    char json[64];

    (void)state;
    udp_fixture_start(&six, "{\"bind\":\"[::]\"}");
    snprintf(json, sizeof json, "{\"bind\":\"0.0.0.0:%u\"}",
             cjd_udp_addr_port(&six.udp->side[0].bound));
    udp_fixture_start(&four, json);
    udp_fixture_end(&four);
    udp_fixture_end(&six);
}

static void test_names(void **state)
{
    struct udp_fixture f = udp_fixture_new();
    char text[64];

    (void)state;
    udp_fixture_start(&f, "{\"bind\":\"127.0.0.1:0\"}");
    unsigned port = cjd_udp_addr_port(&f.udp->side[0].bound);
    assert_true(port > 0);
    snprintf(text, sizeof text, "udp/127.0.0.1:%u", port);
    assert_string_equal(udp_fixture_link(&f)->name, text);
    snprintf(text, sizeof text, "listening on 127.0.0.1:%u", port);
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_INFO, text), 1);
    assert_int_equal(udp_fixture_link(&f)->ops->queue_fd(f.udp, 0), f.udp->side[0].fd);
    assert_int_equal(udp_fixture_link(&f)->ops->queue_fd(f.udp, 1), -1);
    udp_fixture_end(&f);
}

static void test_busy(void **state)
{
    struct udp_fixture f = udp_fixture_new();
    struct cjd_linkaddr taken;
    int fd = udp_fixture_socket(AF_INET, &taken);
    char json[64];
    char port[32];

    (void)state;
    snprintf(json, sizeof json, "{\"bind\":\"127.0.0.1:%u\"}", cjd_udp_addr_port(&taken));
    snprintf(port, sizeof port, "UDP port %u", cjd_udp_addr_port(&taken));
    assert_int_equal(udp_fixture_configure(&f, json), 0);
    assert_int_equal(f.ops->acquire(f.udp, &f.error), CJD_ERR_BUSY);
    assert_string_equal(f.error.pointer, "/bind");
    assert_non_null(strstr(f.error.text, port));
    assert_non_null(strstr(f.error.text, "this process itself"));
    close(fd);
    assert_int_equal(f.ops->acquire(f.udp, &f.error), 0);
    udp_fixture_end(&f);
}

static void test_not_here(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    assert_int_equal(udp_fixture_configure(&f, "{\"bind\":\"192.0.2.77:0\"}"), 0);
    assert_int_equal(f.ops->acquire(f.udp, &f.error), CJD_ERR_NOT_FOUND);
    assert_non_null(strstr(f.error.text, "192.0.2.77"));
    assert_int_equal(udp_fixture_configure(&f, "{\"bind\":\"[fe80::1%no-such-dev0]:0\"}"), 0);
    assert_int_equal(f.ops->acquire(f.udp, &f.error), CJD_ERR_NO_DEVICE);
    assert_non_null(strstr(f.error.text, "no-such-dev0"));
    udp_fixture_end(&f);
}

static void test_wrong_order(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    assert_int_equal(f.ops->acquire(f.udp, &f.error), CJD_ERR_STATE);
    assert_int_equal(f.ops->start(f.udp, &f.error), CJD_ERR_STATE);
    f.ops->stop(f.udp);
    f.ops->release(f.udp);
    udp_fixture_start(&f, "{\"bind\":\"127.0.0.1\"}");
    assert_int_equal(f.ops->acquire(f.udp, &f.error), CJD_ERR_STATE);
    assert_int_equal(f.ops->start(f.udp, &f.error), CJD_ERR_STATE);
    udp_fixture_end(&f);
}

static void test_missing_service(void **state)
{
    struct cjd_fake_host *fake = cjd_fake_new();
    struct cjd_plugin_error error = {.size = sizeof error};
    void *self = NULL;

    (void)state;
    cjd_fake_hide(fake, CJD_SERVICE_PEER);
    assert_int_equal(cjd_plugin_abi1.ops.create(&fake->host, &self, &error), CJD_ERR_VERSION);
    assert_null(self);
    cjd_fake_free(fake);
}

static void test_link_refused(void **state)
{
    struct udp_fixture f = udp_fixture_new();

    (void)state;
    assert_int_equal(udp_fixture_configure(&f, "{\"bind\":\"127.0.0.1\"}"), 0);
    assert_int_equal(f.ops->acquire(f.udp, &f.error), 0);
    f.fake->next_link_err = CJD_ERR_FULL;
    assert_int_equal(f.ops->start(f.udp, &f.error), CJD_ERR_FULL);
    udp_fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dscp4),         cmocka_unit_test(test_dscp6),
        cmocka_unit_test(test_both_families), cmocka_unit_test(test_names),
        cmocka_unit_test(test_busy),          cmocka_unit_test(test_not_here),
        cmocka_unit_test(test_wrong_order),   cmocka_unit_test(test_missing_service),
        cmocka_unit_test(test_link_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
