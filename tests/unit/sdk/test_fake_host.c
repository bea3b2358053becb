/* The fake host itself: tests of plugins lean on its clock, its packets and its accounts. */
#include <testlib/testlib.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cjd/logger.h>
#include <fake_host.h>

struct seen {
    struct cjd_fake_host *fake;
    struct cjd_plugin_timer timer;
    uint64_t at_ns[8];
    unsigned n;
    unsigned again; /* re-arms itself so often, after one microsecond */
};

static void note(void *arg)
{
    struct seen *s = arg;

    s->at_ns[s->n++] = s->fake->now_ns;
    if (s->again > 0) {
        s->again--;
        cjd_fake_loop_service.timer_arm(&s->fake->host, &s->timer, 1000);
    }
}

static void test_clock(void **state)
{
    struct cjd_fake_host *fake = cjd_fake_new();
    const struct cjd_loop_service *loop = fake->host.get(&fake->host, CJD_SERVICE_LOOP, 1);
    struct seen a = {.fake = fake, .again = 2};
    struct seen b = {.fake = fake};
    uint64_t start = fake->now_ns;

    (void)state;
    loop->timer_init(&fake->host, &a.timer, note, &a);
    loop->timer_init(&fake->host, &b.timer, note, &b);
    loop->timer_arm(&fake->host, &a.timer, 5000);
    loop->timer_arm(&fake->host, &b.timer, 6500);
    loop->timer_arm(&fake->host, &b.timer, 9000); /* moves it */
    assert_int_equal(cjd_fake_armed(fake), 2);
    assert_int_equal(cjd_fake_next_timer(fake), 5000);
    cjd_fake_advance(fake, 4999);
    assert_int_equal(a.n, 0);
    cjd_fake_advance(fake, 2501);
    assert_int_equal(a.n, 3);
    assert_int_equal(a.at_ns[0] - start, 5000);
    assert_int_equal(a.at_ns[2] - start, 7000);
    assert_int_equal(fake->now_ns - start, 7500);
    assert_int_equal(b.n, 0);
    assert_int_equal(cjd_fake_leaks(fake), 1);
    loop->timer_cancel(&fake->host, &b.timer);
    loop->timer_cancel(&fake->host, &b.timer); /* not armed: legal */
    cjd_fake_advance(fake, 10000);
    assert_int_equal(b.n, 0);
    assert_true(cjd_fake_next_timer(fake) == UINT64_MAX);
    assert_int_equal(loop->defer(&fake->host, note, &b), 0);
    assert_int_equal(loop->post(&fake->host, 0, note, &b), 0);
    assert_int_equal(loop->post(&fake->host, 1, note, &b), CJD_ERR_INVALID);
    cjd_fake_run(fake);
    assert_int_equal(b.n, 2);
    assert_int_equal(cjd_fake_leaks(fake), 0);
    cjd_fake_free(fake);
}

static void test_packets(void **state)
{
    struct cjd_fake_host *fake = cjd_fake_new();
    CJD_VEC_LOCAL(vec, 4);

    (void)state;
    assert_int_equal(cjd_fake_packet_service.alloc(&fake->host, &vec, 10, 100), 4);
    assert_int_equal(vec.n, 4);
    assert_int_equal(cjd_pkt_headroom(vec.v[0]), CJD_PKT_HEADROOM);
    assert_true(cjd_pkt_tailroom(vec.v[0]) >= 100);
    assert_int_equal(vec.v[0]->len, 0);
    assert_int_not_equal(cjd_pkt_data(vec.v[0])[0], 0); /* nothing is zero by luck */
    assert_int_not_equal(vec.v[0]->addr.b[0], 0);
    assert_int_equal(cjd_fake_leaks(fake), 4);
    cjd_fake_packet_service.free(&fake->host, &vec);
    assert_int_equal(vec.n, 0);
    assert_int_equal(cjd_fake_leaks(fake), 0);
    /* Large ones, too large ones, and the limit. */
    assert_int_equal(cjd_fake_packet_service.alloc(&fake->host, &vec, 1, 65536), 1);
    assert_int_equal(vec.v[0]->cap, CJD_PKT_LARGE);
    assert_int_equal(cjd_fake_packet_service.alloc(&fake->host, &vec, 1, CJD_PKT_LARGE), 0);
    fake->packets_limit = 2;
    assert_int_equal(cjd_fake_packet_service.alloc(&fake->host, &vec, 3, 1), 1);
    cjd_fake_packet_service.free(&fake->host, &vec);
    cjd_fake_free(fake);
}

static void on_fd(void *arg, int fd, uint32_t events)
{
    uint32_t *seen = arg;
    char byte;

    *seen = events;
    assert_int_equal(read(fd, &byte, 1), 1);
}

static void test_descriptors(void **state)
{
    struct cjd_fake_host *fake = cjd_fake_new();
    struct cjd_fd_watch *watch = NULL;
    uint32_t seen = 0;
    int fd[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    assert_int_equal(
        cjd_fake_loop_service.fd_watch(&fake->host, &watch, fd[0], CJD_FD_READ, on_fd, &seen), 0);
    assert_int_equal(cjd_fake_poll(fake, 0), 0);
    assert_int_equal(write(fd[1], "x", 1), 1);
    assert_int_equal(cjd_fake_poll(fake, 1000), 1);
    assert_int_equal(seen, CJD_FD_READ);
    assert_int_equal(cjd_fake_leaks(fake), 1);
    cjd_fake_loop_service.fd_unwatch(&fake->host, watch);
    cjd_fake_loop_service.fd_unwatch(&fake->host, NULL);
    assert_int_equal(cjd_fake_leaks(fake), 0);
    close(fd[0]);
    close(fd[1]);
    cjd_fake_free(fake);
}

static void test_services(void **state)
{
    struct cjd_fake_host *fake = cjd_fake_new();
    struct cjd_logger log;

    (void)state;
    assert_null(fake->host.get(&fake->host, "cjd.nothing", 1));
    assert_null(fake->host.get(&fake->host, CJD_SERVICE_LOG, 2));
    cjd_logger_init(&log, &fake->host);
    fake->log_level = CJD_LEVEL_INFO;
    cjd_logger_write(&log, CJD_LEVEL_INFO, "number %d", 5);
    cjd_logger_write(&log, CJD_LEVEL_DEBUG, "number %d", 6);
    assert_true(cjd_logger_is_on(&log, CJD_LEVEL_WARN));
    assert_false(cjd_logger_is_on(&log, CJD_LEVEL_DEBUG));
    assert_int_equal(fake->log_count, 1);
    assert_int_equal(cjd_fake_logged(fake, CJD_LEVEL_INFO, "number 5"), 1);
    assert_int_equal(cjd_fake_logged(fake, CJD_LEVEL_WARN, "number 5"), 0);
    assert_int_equal(cjd_fake_logged_any(fake, "number"), 1);
    /* A host without the service: silence. */
    cjd_fake_hide(fake, CJD_SERVICE_LOG);
    cjd_logger_init(&log, &fake->host);
    cjd_logger_write(&log, CJD_LEVEL_ERROR, "nobody hears this");
    assert_int_equal(fake->log_count, 1);
    cjd_fake_free(fake);
    cjd_fake_free(NULL);
}

static void test_long_line(void **state)
{
    struct cjd_fake_host *fake = cjd_fake_new();
    struct cjd_logger log;
    char text[2 * CJD_LOGGER_LINE];

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    cjd_logger_init(&log, &fake->host);
    cjd_logger_write(&log, CJD_LEVEL_INFO, "%s", text);
    assert_int_equal(strlen(fake->logs[0].line), CJD_LOGGER_LINE - 1);
    cjd_fake_free(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock),       cmocka_unit_test(test_packets),
        cmocka_unit_test(test_descriptors), cmocka_unit_test(test_services),
        cmocka_unit_test(test_long_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
