/* Getting a TUN device, and every way in which that fails. */
#include "tun_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct cjd_tun_paths nowhere = {
    .node = "/nonexistent/tun", .sysfs = "/nonexistent", .proc = "/nonexistent"};

static void test_no_node(void **state)
{
    struct tun_fixture f = tun_fixture_new(NULL);

    (void)state;
    f.tun->paths = &nowhere;
    assert_int_equal(tun_fixture_configure(&f, "{}"), 0);
    int err = f.ops->acquire(f.tun, &f.error);
    tun_fixture_want(&f.error, err, CJD_ERR_NO_DEVICE, "/nonexistent/tun does not exist");
    assert_non_null(strstr(f.error.text, "modprobe tun"));
    /* The node goes on without it: nothing is left behind, and starting is refused. */
    assert_int_equal(f.ops->start(f.tun, &f.error), CJD_ERR_STATE);
    tun_fixture_end(&f);
}

static void test_wrong_node(void **state)
{
    static const char *const files[] = {"tun", "", NULL};
    char dir[] = "/tmp/cjd-tun-XXXXXX";
    char node[64];
    struct cjd_tun_paths paths = nowhere;
    struct tun_fixture f = tun_fixture_new(NULL);

    (void)state;
    tun_fixture_tree(dir, files);
    snprintf(node, sizeof node, "%s/tun", dir);
    paths.node = node;
    f.tun->paths = &paths;
    assert_int_equal(tun_fixture_configure(&f, "{\"device\":\"t0\"}"), 0);
    int err = f.ops->acquire(f.tun, &f.error);
    tun_fixture_want(&f.error, err, CJD_ERR_NO_DEVICE, "is not the kernel's TUN node");
    tun_fixture_end(&f);
    tun_fixture_remove(dir);
}

static void test_open_errors(void **state)
{
    static const struct {
        int errno_value;
        int code;
        const char *text;
    } cases[] = {
        {ENOENT, CJD_ERR_NO_DEVICE, "does not exist"},
        {ENOTDIR, CJD_ERR_NO_DEVICE, "does not exist"},
        {ENODEV, CJD_ERR_NO_DEVICE, "no driver"},
        {ENXIO, CJD_ERR_NO_DEVICE, "no driver"},
        {EACCES, CJD_ERR_PERMISSION, "not permitted"},
        {EPERM, CJD_ERR_PERMISSION, "not permitted"},
        {EMFILE, CJD_ERR_IO, "Too many open files"},
    };
    struct cjd_plugin_error error = {.size = sizeof error};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int err = cjd_tun_explain_open(cases[i].errno_value, &nowhere, &error);
        tun_fixture_want(&error, err, cases[i].code, cases[i].text);
    }
    /* Without a place for the words the code is still right. */
    assert_int_equal(cjd_tun_explain_open(EPERM, &nowhere, NULL), CJD_ERR_PERMISSION);
}

static void test_attach_errors(void **state)
{
    static const char *const files[] = {"t-tap/tun_flags", "0x1002\n",         "t-multi/tun_flags",
                                        "0x1101\n",        "t-fine/tun_flags", "0x1001\n",
                                        "t-other/mtu",     "1500\n",           NULL};
    static const struct {
        int errno_value;
        const char *name;
        int code;
        const char *text;
    } cases[] = {
        {EINVAL, "t-tap", CJD_ERR_EXISTS, "is a TAP device"},
        {EINVAL, "t-multi", CJD_ERR_EXISTS, "several queues"},
        {EINVAL, "t-other", CJD_ERR_EXISTS, "is no TUN device"},
        {EINVAL, "lo", CJD_ERR_EXISTS, "cannot be used as a TUN device"}, /* not in this /sys */
        {EINVAL, "t-fine", CJD_ERR_INVALID, "flags are 0x1001"},
        {EINVAL, "t-none", CJD_ERR_INVALID, "refuses to make"},
        {EPERM, "t-fine", CJD_ERR_PERMISSION, "belongs to another user"},
        {EPERM, "t-none", CJD_ERR_PERMISSION, "not permitted to make"},
        {EACCES, "", CJD_ERR_PERMISSION, "ip tuntap add dev cjdns0"},
        {EPERM, "t%d", CJD_ERR_PERMISSION, "and name it here"},
        {EPERM, "t-none", CJD_ERR_PERMISSION, "ip tuntap add dev t-none"},
        {EBUSY, "t-fine", CJD_ERR_BUSY, "another process"},
        {EBADFD, "t-fine", CJD_ERR_STATE, "bad state"},
        {ENOMEM, "", CJD_ERR_NO_MEMORY, "(any)"},
    };
    struct cjd_plugin_error error = {.size = sizeof error};
    char dir[] = "/tmp/cjd-tun-XXXXXX";
    struct cjd_tun_paths paths = nowhere;

    (void)state;
    tun_fixture_tree(dir, files);
    paths.sysfs = dir;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int err = cjd_tun_explain_attach(cases[i].errno_value, cases[i].name, &paths, &error);
        tun_fixture_want(&error, err, cases[i].code, cases[i].text);
    }
    tun_fixture_remove(dir);
}

static void test_busy_holder(void **state)
{
    static const char *const files[] = {"81/fdinfo/3",
                                        "pos:\t0\niff:\tcjdns10\n",
                                        "82/fdinfo/0",
                                        "pos:\t0\n",
                                        "82/fdinfo/7",
                                        "pos:\t0\nflags:\t02\niff:\tcjdns1\n",
                                        "self/fdinfo/7",
                                        "iff:\tcjdns2\n",
                                        NULL};
    struct cjd_plugin_error error = {.size = sizeof error};
    char dir[] = "/tmp/cjd-tun-XXXXXX";
    struct cjd_tun_paths paths = nowhere;

    (void)state;
    tun_fixture_tree(dir, files);
    paths.proc = dir;
    int err = cjd_tun_explain_attach(EBUSY, "cjdns1", &paths, &error);
    tun_fixture_want(&error, err, CJD_ERR_BUSY, "cjdns1 is in use by process 82:");
    err = cjd_tun_explain_attach(EBUSY, "cjdns2", &paths, &error);
    tun_fixture_want(&error, err, CJD_ERR_BUSY, "another process");
    tun_fixture_remove(dir);
}

/* --- inherited descriptors
 * ------------------------------------------------------------------------ */

static void test_inherit_refused(void **state)
{
    struct cjd_plugin_error error = {.size = sizeof error};
    struct cjd_tun_device device = {.fd = -1};
    int stream[2];
    int tube[2];
    int file = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
    assert_int_equal(pipe(tube), 0);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    int wrong[] = {file, stream[0], tube[0], udp};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_true(wrong[i] >= 0);
        int err = cjd_tun_device_inherit(&device, wrong[i], &cjd_tun_system_paths, &error);
        tun_fixture_want(&error, err, CJD_ERR_INVALID, "neither a TUN device nor");
        assert_string_equal(error.pointer, "/fd");
        close(wrong[i]);
    }
    int err =
        cjd_tun_device_inherit(&device, udp, &cjd_tun_system_paths, &error); /* closed by now */
    tun_fixture_want(&error, err, CJD_ERR_NOT_FOUND, "is not open");
    assert_int_equal(device.fd, -1);
    close(stream[1]);
    close(tube[1]);
}

static void test_inherit(void **state)
{
    static const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    struct cjd_plugin_error error = {.size = sizeof error};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct cjd_tun_device device = {.fd = -1};
        int fd[2];
        assert_int_equal(socketpair(AF_UNIX, types[i], 0, fd), 0);
        assert_int_equal(cjd_tun_device_inherit(&device, fd[0], &cjd_tun_system_paths, &error), 0);
        assert_string_equal(device.name, "");
        assert_int_not_equal(device.fd, fd[0]);
        assert_true(fcntl(device.fd, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(device.fd, F_GETFD) & FD_CLOEXEC);
        cjd_tun_device_close(&device);
        cjd_tun_device_close(&device);           /* twice is legal */
        assert_true(fcntl(fd[0], F_GETFD) >= 0); /* still the caller's */
        close(fd[0]);
        close(fd[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_node),     cmocka_unit_test(test_wrong_node),
        cmocka_unit_test(test_open_errors), cmocka_unit_test(test_attach_errors),
        cmocka_unit_test(test_busy_holder), cmocka_unit_test(test_inherit_refused),
        cmocka_unit_test(test_inherit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
