/* Packets between a descriptor and the node. A pair of local sockets stands in for the device. */
#include "tun_fixture.h"

#include <sys/socket.h>
#include <unistd.h>

struct io {
    struct tun_fixture f;
    int fd; /* the other side: the machine */
    int inherited;
};

static struct io io_new(int type)
{
    struct io io = {.f = tun_fixture_new(NULL)};
    char json[64];
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, type, 0, fd), 0);
    snprintf(json, sizeof json, "{\"fd\":%d}", fd[0]);
    tun_fixture_start(&io.f, json);
    io.inherited = fd[0];
    io.fd = fd[1];
    return io;
}

static void io_end(struct io *io)
{
    close(io->fd);
    close(io->inherited);
    tun_fixture_end(&io->f);
}

/* An IPv6 packet of `len` bytes whose content repeats `mark`. */
static void make_packet(uint8_t *out, size_t len, uint8_t mark)
{
    memset(out, mark, len);
    out[0] = 0x60;
    out[4] = (uint8_t)((len - 40) >> 8);
    out[5] = (uint8_t)(len - 40);
}

static void send_bytes(const struct io *io, const void *bytes, size_t len)
{
    assert_int_equal(send(io->fd, bytes, len, 0), len);
}

static void send_packet(const struct io *io, size_t len, uint8_t mark)
{
    static uint8_t packet[8192];

    assert_true(len <= sizeof packet);
    make_packet(packet, len, mark);
    send_bytes(io, packet, len);
}

static const struct cjd_tun_counters *counters(const struct io *io)
{
    return &io->f.tun->io.counters;
}

static void test_attached(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);

    (void)state;
    assert_non_null(io.f.fake->frontend);
    assert_string_equal(io.f.fake->frontend_device, "");
    assert_int_equal(io.f.fake->frontend_mtu, 1304);
    assert_int_equal(io.f.fake->call_count, 0); /* no device, nothing to manage */
    assert_int_equal(io.f.fake->logs[0].level, CJD_LEVEL_INFO);
    io_end(&io);
}

static void test_rx(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);

    (void)state;
    for (uint8_t i = 0; i < 10; i++) {
        send_packet(&io, 40u + 10u * i, i);
    }
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    assert_int_equal(io.f.fake->inject_calls, 1); /* one vector */
    assert_int_equal(io.f.fake->inject_count, 10);
    for (uint8_t i = 0; i < 10; i++) {
        assert_int_equal(io.f.fake->injects[i].len, 40 + 10 * i);
        assert_int_equal(io.f.fake->injects[i].bytes[8], i);
    }
    assert_int_equal(counters(&io)->rx_packets, 10);
    assert_int_equal(cjd_fake_poll(io.f.fake, 0), 0);
    io_end(&io);
}

static void test_rx_budget(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);
    unsigned sent = 0;
    int bytes = 1024 * 1024;

    (void)state;
    assert_int_equal(setsockopt(io.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
    for (; sent < CJD_TUN_BUDGET + 6; sent++) {
        send_packet(&io, 60, (uint8_t)sent);
    }
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    assert_int_equal(io.f.fake->inject_count, CJD_TUN_BUDGET);
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    assert_int_equal(io.f.fake->inject_count, sent);
    /* Packets that were not used wait for the next time. */
    uint64_t allocs = io.f.fake->allocs;
    send_packet(&io, 60, 1);
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    assert_int_equal(io.f.fake->allocs, allocs);
    io_end(&io);
}

static void test_rx_bad(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);
    uint8_t packet[100];

    (void)state;
    make_packet(packet, sizeof packet, 1);
    packet[0] = 0x45;
    send_bytes(&io, packet, sizeof packet); /* IPv4 */
    packet[0] = 0x00;
    send_bytes(&io, packet, sizeof packet); /* anything else */
    packet[0] = 0x60;
    send_bytes(&io, packet, 1);
    send_bytes(&io, packet, 39);
    send_bytes(&io, packet, 99); /* one byte fewer than its header says */
    send_bytes(&io, packet, 100);
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    assert_int_equal(io.f.fake->inject_count, 1);
    assert_int_equal(counters(&io)->rx_not_ip6, 2);
    assert_int_equal(counters(&io)->rx_short, 3);
    /* Nothing but rubbish: the node is not called at all. */
    send_bytes(&io, packet, 1);
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    assert_int_equal(io.f.fake->inject_calls, 1);
    io_end(&io);
}

static void test_rx_sizes(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);

    (void)state;
    send_packet(&io, CJD_TUN_MTU_MAX, 1);
    send_packet(&io, CJD_TUN_ROOM, 2);
    send_packet(&io, CJD_TUN_ROOM + 1, 3); /* cut by the system */
    send_packet(&io, 8192, 4);
    send_packet(&io, 41, 5);
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    assert_int_equal(io.f.fake->inject_count, 3);
    assert_int_equal(io.f.fake->injects[1].len, CJD_TUN_ROOM);
    assert_int_equal(io.f.fake->injects[2].len, 41);
    assert_int_equal(counters(&io)->rx_short, 2);
    io_end(&io);
}

static void test_rx_no_packets(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);

    (void)state;
    io.f.fake->packets_limit = 0;
    send_packet(&io, 60, 1);
    send_packet(&io, 60, 2);
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    assert_int_equal(counters(&io)->rx_no_packet, 1);
    /* One was thrown away, so that the loop does not turn for nothing; the other comes through. */
    io.f.fake->packets_limit = 1;
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    assert_int_equal(io.f.fake->inject_count, 1);
    assert_int_equal(io.f.fake->injects[0].bytes[8], 2);
    io_end(&io);
}

static void test_closed(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);

    (void)state;
    send_packet(&io, 60, 1);
    close(io.fd);
    io.fd = -1;
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    assert_int_equal(io.f.fake->inject_count, 1); /* what came before is not lost */
    assert_null(io.f.fake->frontend);
    assert_int_equal(cjd_fake_watched(io.f.fake), 0);
    assert_int_equal(cjd_fake_logged(io.f.fake, CJD_LEVEL_ERROR, "is lost"), 1);
    io_end(&io);
}

/* --- to the machine
 * ------------------------------------------------------------------------------- */

static void add_packet(struct io *io, struct cjd_vec *vec, uint32_t len, uint8_t mark)
{
    uint8_t packet[4000];

    make_packet(packet, len, mark);
    assert_true(cjd_vec_add(vec, cjd_fake_packet(io->f.fake, packet, len)));
}

static void deliver(struct io *io, struct cjd_vec *vec)
{
    io->f.fake->frontend->deliver(io->f.fake->frontend_arg, vec);
    assert_int_equal(vec->n, 0);
}

static void test_tx(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);
    CJD_VEC_LOCAL(vec, 8);
    uint8_t packet[4000];

    (void)state;
    add_packet(&io, &vec, 40, 1);
    add_packet(&io, &vec, 3348, 2); /* larger than our own MTU is legal (session notes §5.3) */
    add_packet(&io, &vec, 50, 3);
    vec.v[2]->len = 0;
    add_packet(&io, &vec, 50, 4);
    vec.v[3]->gso_size = 10;
    deliver(&io, &vec);
    assert_int_equal(recv(io.fd, packet, sizeof packet, MSG_DONTWAIT), 40);
    assert_int_equal(recv(io.fd, packet, sizeof packet, MSG_DONTWAIT), 3348);
    assert_int_equal(packet[8], 2);
    assert_int_equal(recv(io.fd, packet, sizeof packet, MSG_DONTWAIT), -1);
    assert_int_equal(counters(&io)->tx_packets, 2);
    assert_int_equal(counters(&io)->tx_bad_packet, 2);
    io_end(&io);
}

static void test_tx_full(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);
    CJD_VEC_LOCAL(vec, 8);
    unsigned given = 0;

    (void)state;
    while (counters(&io)->tx_full == 0 && given < 100000) {
        add_packet(&io, &vec, 1000, 1);
        deliver(&io, &vec);
        given++;
    }
    assert_int_equal(counters(&io)->tx_packets, given - 1);
    assert_int_equal(counters(&io)->tx_full, 1);
    assert_int_equal(io.f.fake->packets_out, 0);
    io_end(&io);
}

static void test_tx_error(void **state)
{
    struct io io = io_new(SOCK_DGRAM);
    CJD_VEC_LOCAL(vec, 8);

    (void)state;
    close(io.fd);
    io.fd = -1;
    add_packet(&io, &vec, 100, 1);
    deliver(&io, &vec);
    assert_int_equal(counters(&io)->tx_errors, 1);
    io_end(&io);
}

/* --- life cycle
 * ----------------------------------------------------------------------------------- */

static void test_attach_refused(void **state)
{
    struct tun_fixture f = tun_fixture_new(NULL);
    char json[64];
    int fd[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
    snprintf(json, sizeof json, "{\"fd\":%d}", fd[0]);
    assert_int_equal(tun_fixture_configure(&f, json), 0);
    assert_int_equal(f.ops->acquire(f.tun, &f.error), 0);
    f.fake->next_attach_err = CJD_ERR_EXISTS;
    int err = f.ops->start(f.tun, &f.error);
    tun_fixture_want(&f.error, err, CJD_ERR_EXISTS, "once only");
    assert_int_equal(f.ops->start(f.tun, &f.error), 0); /* it may be tried again */
    assert_int_equal(f.ops->start(f.tun, &f.error), CJD_ERR_STATE);
    tun_fixture_end(&f);
    close(fd[0]);
    close(fd[1]);
}

static void test_reload(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);
    char json[64];

    (void)state;
    snprintf(json, sizeof json, "{\"fd\":%d,\"mtu\":1304}", io.inherited);
    assert_int_equal(tun_fixture_configure(&io.f, json), 0); /* the same */
    snprintf(json, sizeof json, "{\"fd\":%d,\"mtu\":1400}", io.inherited);
    assert_int_equal(tun_fixture_configure(&io.f, json), CJD_ERR_RESTART_NEEDED);
    snprintf(json, sizeof json, "{\"fd\":%d,\"manage\":\"never\"}", io.inherited);
    assert_int_equal(tun_fixture_configure(&io.f, json), CJD_ERR_RESTART_NEEDED);
    assert_int_equal(tun_fixture_configure(&io.f, "{\"device\":\"x\"}"), CJD_ERR_RESTART_NEEDED);
    assert_int_equal(tun_fixture_configure(&io.f, "{\"mtu\":0}"), CJD_ERR_CONFIG);
    assert_int_equal(io.f.tun->config.mtu, 1304);
    io_end(&io);
}

static void test_wrong_order(void **state)
{
    struct tun_fixture f = tun_fixture_new(CJD_SERVICE_NETIF); /* which is optional */

    (void)state;
    assert_int_equal(f.ops->acquire(f.tun, &f.error), CJD_ERR_STATE);
    assert_int_equal(f.ops->start(f.tun, &f.error), CJD_ERR_STATE);
    f.ops->stop(f.tun);
    f.ops->release(f.tun);
    tun_fixture_end(&f);
}

static void test_missing_service(void **state)
{
    struct cjd_fake_host *fake = cjd_fake_new();
    struct cjd_plugin_error error = {.size = sizeof error};
    void *self = NULL;

    (void)state;
    cjd_fake_hide(fake, CJD_SERVICE_FRONTEND);
    assert_int_equal(cjd_plugin_abi1.ops.create(&fake->host, &self, &error), CJD_ERR_VERSION);
    assert_null(self);
    cjd_fake_free(fake);
}

static void test_counters_logged(void **state)
{
    struct io io = io_new(SOCK_SEQPACKET);

    (void)state;
    send_packet(&io, 60, 1);
    assert_int_equal(cjd_fake_poll(io.f.fake, 1000), 1);
    io.f.ops->stop(io.f.tun);
    assert_int_equal(cjd_fake_logged(io.f.fake, CJD_LEVEL_DEBUG, "counter rx_packets=1"), 1);
    assert_int_equal(cjd_fake_logged(io.f.fake, CJD_LEVEL_DEBUG, "counter rx_bytes=60"), 1);
    assert_int_equal(cjd_fake_logged_any(io.f.fake, "tx_packets"), 0);
    io_end(&io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attached),        cmocka_unit_test(test_rx),
        cmocka_unit_test(test_rx_budget),       cmocka_unit_test(test_rx_bad),
        cmocka_unit_test(test_rx_sizes),        cmocka_unit_test(test_rx_no_packets),
        cmocka_unit_test(test_closed),          cmocka_unit_test(test_tx),
        cmocka_unit_test(test_tx_full),         cmocka_unit_test(test_tx_error),
        cmocka_unit_test(test_attach_refused),  cmocka_unit_test(test_reload),
        cmocka_unit_test(test_wrong_order),     cmocka_unit_test(test_missing_service),
        cmocka_unit_test(test_counters_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
