/*
 * The plugin on the kernel's own TUN device, in user and network namespaces of its own: names,
 * states that are refused, packets both ways, and a device that is taken away.
 *
 * Ends with status 77 where the system has no TUN device or permits no namespaces.
 */
#include "tun_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define SKIPPED 77

/* --- means
 * ---------------------------------------------------------------------------------------- */

/* A device made by hand, as an administrator or another program would. */
static int make_device(const char *name, int flags)
{
    struct ifreq request = {.ifr_flags = (short)flags};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
    return fd;
}

static void set_persistent(int fd)
{
    assert_int_equal(ioctl(fd, TUNSETPERSIST, 1), 0);
}

static int watch_addresses(void)
{
    struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV6_IFADDR};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&local, sizeof local), 0);
    return fd;
}

/* Whether a message says that an fc00::/8 address can be used. */
static bool is_usable(const uint8_t *message, size_t len)
{
    struct nlmsghdr header;
    struct ifaddrmsg addr;
    size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof addr) + RTA_LENGTH(0);

    if (len < at + 1) {
        return false;
    }
    memcpy(&header, message, sizeof header);
    memcpy(&addr, message + NLMSG_HDRLEN, sizeof addr);
    return header.nlmsg_type == RTM_NEWADDR && message[at] == 0xfc &&
           (addr.ifa_flags & IFA_F_TENTATIVE) == 0;
}

/* The address is tentative until the kernel has noticed that the device has a carrier. */
static void await_address(int fd)
{
    uint8_t message[4096];
    ssize_t n;

    do {
        n = recv(fd, message, sizeof message, 0);
        if (n <= 0) {
            fail_msg("the address did not become usable: %s", strerror(errno));
        }
    } while (!is_usable(message, (size_t)n));
    close(fd);
}

static void set_up(const char *device, const struct cjd_addr *addr)
{
    struct ifreq request = {0};
    /* valgrind takes the request for the longer one of IPv4. */
    union {
        struct in6_ifreq in6;
        struct ifreq whole;
    } addr_request = {0};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int watch = watch_addresses();

    assert_true(fd >= 0);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
    request.ifr_flags |= IFF_UP;
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    addr_request.in6.ifr6_prefixlen = 8;
    memcpy(&addr_request.in6.ifr6_addr, addr, sizeof *addr);
    addr_request.in6.ifr6_ifindex = (int)if_nametoindex(device);
    assert_int_equal(ioctl(fd, SIOCSIFADDR, &addr_request), 0);
    close(fd);
    await_address(watch);
}

/* "ip link del" */
static void delete_device(const char *device)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg link;
    } request = {.header = {.nlmsg_len = sizeof request,
                            .nlmsg_type = RTM_DELLINK,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
                 .link = {.ifi_index = (int)if_nametoindex(device)}};
    uint8_t answer[512];
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    assert_true(fd >= 0 && request.link.ifi_index > 0);
    assert_int_equal(send(fd, &request, sizeof request, 0), sizeof request);
    assert_true(recv(fd, answer, sizeof answer, 0) > 0);
    close(fd);
}

static void want_open(const char *name, const char *wanted)
{
    struct cjd_plugin_error error = {.size = sizeof error};
    struct cjd_tun_device device = {.fd = -1};

    if (cjd_tun_device_open(&device, name, &cjd_tun_system_paths, &error) != 0) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(device.name, wanted);
    assert_true(fcntl(device.fd, F_GETFL) & O_NONBLOCK);
    cjd_tun_device_close(&device);
}

static void want_refused(const char *name, int code, const char *text)
{
    struct cjd_plugin_error error = {.size = sizeof error};
    struct cjd_tun_device device = {.fd = -1};
    int err = cjd_tun_device_open(&device, name, &cjd_tun_system_paths, &error);

    tun_fixture_want(&error, err, code, text);
    assert_int_equal(device.fd, -1);
}

/* --- tests
 * ---------------------------------------------------------------------------------------- */

static void test_names(void **state)
{
    (void)state;
    want_open("", "tun0");
    want_open("cjdns%d", "cjdns0");
    want_open("mesh", "mesh");
    /* One that was made beforehand, and is free. */
    int fd = make_device("ready", IFF_TUN | IFF_NO_PI);
    set_persistent(fd);
    close(fd);
    want_open("ready", "ready");
}

static void test_refused(void **state)
{
    char text[64];
    int fd = make_device("busy", IFF_TUN | IFF_NO_PI);

    (void)state;
    snprintf(text, sizeof text, "busy is in use by process %d:", (int)getpid());
    want_refused("busy", CJD_ERR_BUSY, text);
    close(fd);
    fd = make_device("tap", IFF_TAP | IFF_NO_PI);
    want_refused("tap", CJD_ERR_EXISTS, "TAP device");
    close(fd);
    fd = make_device("multi", IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE);
    want_refused("multi", CJD_ERR_EXISTS, "several queues");
    close(fd);
    want_refused("lo", CJD_ERR_EXISTS, "TUN device");
}

static void test_inherited(void **state)
{
    static const struct {
        int flags;
        int code;
        const char *text;
    } cases[] = {
        {IFF_TUN | IFF_NO_PI, 0, ""},
        {IFF_TUN, CJD_ERR_UNSUPPORTED, "extra headers"},
        {IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, CJD_ERR_UNSUPPORTED, "extra headers"},
        {IFF_TAP | IFF_NO_PI, CJD_ERR_UNSUPPORTED, "TAP device"},
    };
    struct cjd_plugin_error error = {.size = sizeof error};
    struct cjd_tun_device device = {.fd = -1};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = make_device("given", cases[i].flags);
        int err = cjd_tun_device_inherit(&device, fd, &cjd_tun_system_paths, &error);
        tun_fixture_want(&error, err, cases[i].code, cases[i].text);
        if (err == 0) {
            assert_string_equal(device.name, "given");
            cjd_tun_device_close(&device);
        }
        close(fd);
        error.text[0] = '\0';
    }
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    int err = cjd_tun_device_inherit(&device, fd, &cjd_tun_system_paths, &error);
    tun_fixture_want(&error, err, CJD_ERR_STATE, "no device was attached");
    close(fd);
}

/* Waits for one more packet from the machine; there are others on the device besides ours. */
static const struct cjd_fake_inject *await_udp(struct cjd_fake_host *fake, uint16_t port)
{
    size_t seen = 0;

    while (cjd_fake_poll(fake, 5000) > 0) {
        for (; seen < fake->inject_count; seen++) {
            const struct cjd_fake_inject *p = &fake->injects[seen];
            if (p->len >= 48 && p->bytes[6] == IPPROTO_UDP &&
                (p->bytes[42] << 8 | p->bytes[43]) == port) {
                return p;
            }
        }
    }
    return NULL;
}

/* Turns a packet round: from the far end back to us. The checksum covers both ends alike. */
static struct cjd_pkt *make_answer(struct cjd_fake_host *fake, const struct cjd_fake_inject *p)
{
    struct cjd_pkt *pkt = cjd_fake_packet(fake, p->bytes, p->len);
    uint8_t *out = cjd_pkt_data(pkt);

    memcpy(out + 8, p->bytes + 24, 16);
    memcpy(out + 24, p->bytes + 8, 16);
    memcpy(out + 40, p->bytes + 42, 2);
    memcpy(out + 42, p->bytes + 40, 2);
    return pkt;
}

static void exchange(struct tun_fixture *f)
{
    struct sockaddr_in6 far = {.sin6_family = AF_INET6, .sin6_port = htons(4321)};
    char text[8] = "";
    CJD_VEC_LOCAL(vec, 1);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(inet_pton(AF_INET6, "fc00::1234", &far.sin6_addr), 1);
    if (sendto(fd, "hello", 5, 0, (struct sockaddr *)&far, sizeof far) != 5) {
        fail_msg("sendto: %s", strerror(errno));
    }
    const struct cjd_fake_inject *p = await_udp(f->fake, 4321);
    assert_non_null(p);
    assert_int_equal(p->len, 40 + 8 + 5);
    assert_memory_equal(p->bytes + 8, &f->fake->own_addr, 16);
    assert_memory_equal(p->bytes + 24, &far.sin6_addr, 16);
    assert_true(cjd_vec_add(&vec, make_answer(f->fake, p)));
    f->fake->frontend->deliver(f->fake->frontend_arg, &vec);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 5000), 1);
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(f->tun->io.counters.tx_packets, 1);
    close(fd);
}

static void test_packets(void **state)
{
    struct tun_fixture f = tun_fixture_new(NULL);

    (void)state;
    struct cjd_fake_device *device = cjd_fake_device(f.fake, "mesh0", 1500, false);
    tun_fixture_start(&f, "{\"device\":\"mesh0\"}");
    assert_string_equal(f.fake->frontend_device, "mesh0");
    assert_int_equal(device->state.mtu, 1304);
    assert_true(device->has_addr && device->state.is_up);
    set_up("mesh0", &f.fake->own_addr);
    exchange(&f);
    tun_fixture_end(&f);
}

/* A host that is asked too early does not get the address :: onto the device. */
static void test_no_address(void **state)
{
    struct tun_fixture f = tun_fixture_new(NULL);

    (void)state;
    f.fake->own_addr = (struct cjd_addr){{0}};
    assert_int_equal(tun_fixture_configure(&f, "{\"device\":\"early0\"}"), 0);
    int err = f.ops->acquire(f.tun, &f.error);
    tun_fixture_want(&f.error, err, CJD_ERR_STATE, "does not know its address");
    assert_int_equal(f.fake->call_count, 0);
    assert_int_equal(if_nametoindex("early0"), 0); /* the device is gone again */
    tun_fixture_end(&f);
}

/* A packet for a device that is down. */
static void test_down(void **state)
{
    struct tun_fixture f = tun_fixture_new(NULL);
    uint8_t packet[48] = {0x60, [5] = 8};
    CJD_VEC_LOCAL(vec, 1);

    (void)state;
    tun_fixture_start(&f, "{\"device\":\"down0\",\"manage\":\"never\"}");
    assert_true(cjd_vec_add(&vec, cjd_fake_packet(f.fake, packet, sizeof packet)));
    f.fake->frontend->deliver(f.fake->frontend_arg, &vec);
    assert_int_equal(f.tun->io.counters.tx_down, 1);
    tun_fixture_end(&f);
}

static void test_taken_away(void **state)
{
    struct tun_fixture f = tun_fixture_new(NULL);

    (void)state;
    tun_fixture_start(&f, "{\"device\":\"gone0\",\"manage\":\"never\"}");
    delete_device("gone0");
    assert_int_equal(cjd_fake_poll(f.fake, 5000), 1);
    assert_null(f.fake->frontend);
    assert_int_equal(cjd_fake_watched(f.fake), 0);
    assert_int_equal(cjd_fake_logged(f.fake, CJD_LEVEL_ERROR, "device gone0 is lost"), 1);
    tun_fixture_end(&f);
}

/* --- the surroundings
 * ----------------------------------------------------------------------------- */

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0) {
        close(fd);
    }
    return is_done;
}

/* Namespaces of our own, with a /sys that shows them; 0, or the step that is not permitted. */
static const char *enter_namespaces(void)
{
    char map[64];
    unsigned uid = getuid();
    unsigned gid = getgid();

    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0) {
        return "unshare";
    }
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (!write_text("/proc/self/uid_map", map)) {
        return "uid_map";
    }
    snprintf(map, sizeof map, "0 %u 1", gid);
    if (!write_text("/proc/self/setgroups", "deny") || !write_text("/proc/self/gid_map", map)) {
        return "gid_map";
    }
    if (mount("sysfs", "/sys", "sysfs", 0, NULL) != 0) {
        return "mounting /sys";
    }
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return "/dev/net/tun";
    }
    close(fd);
    return NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_inherited),  cmocka_unit_test(test_packets),
        cmocka_unit_test(test_down),       cmocka_unit_test(test_taken_away),
        cmocka_unit_test(test_no_address),
    };
    const char *missing = enter_namespaces();

    if (missing) {
        fprintf(stderr, "skipped: %s: %s\n", missing, strerror(errno));
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
