/* A link of two sockets, one of each family: every packet takes the right one. */
#include "udp_fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#define BOTH "{\"bind\":[\"[::1]\",\"127.0.0.1\"]}"

struct both {
    struct udp_fixture f;
    struct cjd_fake_link *link;
    int fd[2]; /* the other sides, in the order of the link's own */
    struct cjd_linkaddr addr[2];
};

static struct both both_new(void)
{
    struct both b = {.f = udp_fixture_new()};

    udp_fixture_start(&b.f, BOTH);
    b.link = udp_fixture_link(&b.f);
    b.fd[0] = udp_fixture_socket(AF_INET6, &b.addr[0]);
    b.fd[1] = udp_fixture_socket(AF_INET, &b.addr[1]);
    return b;
}

static void both_end(struct both *b)
{
    close(b->fd[0]);
    close(b->fd[1]);
    udp_fixture_end(&b->f);
}

static void test_given(void **state)
{
    struct both b = both_new();

    (void)state;
    assert_int_equal(b.link->given.queues, 2);
    assert_int_equal(b.link->ops->queue_fd(b.link->link, 0), b.f.udp->side[0].fd);
    assert_int_equal(b.link->ops->queue_fd(b.link->link, 1), b.f.udp->side[1].fd);
    assert_int_equal(b.link->ops->queue_fd(b.link->link, 2), -1);
    assert_int_equal(strncmp(b.link->name, "udp/[::1]:", 10), 0);
    assert_int_equal(cjd_fake_logged(b.f.fake, CJD_LEVEL_INFO, " and 127.0.0.1:"), 1);
    both_end(&b);
}

static void test_rx(void **state)
{
    struct both b = both_new();
    CJD_VEC_LOCAL(vec, 8);

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        udp_fixture_send(b.fd[i], &b.f.udp->side[i].bound, "hello", 5);
        assert_int_equal(b.link->ops->rx(b.link->link, 1 - i, &vec), 0);
        assert_int_equal(b.link->ops->rx(b.link->link, i, &vec), 1);
        assert_int_equal(vec.v[0]->queue, i);
        assert_memory_equal(&vec.v[0]->addr, &b.addr[i], sizeof b.addr[i]);
        cjd_fake_packet_service.free(&b.f.fake->host, &vec);
    }
    assert_true(b.link->ops->rx(b.link->link, 2, &vec) < 0);
    both_end(&b);
}

static void add(struct both *b, struct cjd_vec *vec, const struct cjd_linkaddr *to, uint8_t number)
{
    struct cjd_pkt *pkt = cjd_fake_packet(b->f.fake, &number, sizeof number);

    pkt->addr = *to;
    assert_true(cjd_vec_add(vec, pkt));
}

/* A vector of both by turns, as long as there are, in order. */
static void test_tx(void **state)
{
    struct both b = both_new();
    struct cjd_linkaddr nowhere = {.len = 0};
    uint8_t got;
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    for (unsigned i = 0; i < CJD_VEC_MAX - 1; i++) {
        add(&b, &vec, &b.addr[i % 2], (uint8_t)(i / 2));
    }
    add(&b, &vec, &nowhere, 0);
    b.link->ops->tx(b.link->link, 0, &vec, CJD_TX_MORE);
    assert_int_equal(vec.n, 0);
    b.link->ops->flush(b.link->link, 0);
    b.link->ops->flush(b.link->link, 1);
    for (unsigned i = 0; i < CJD_VEC_MAX - 1; i++) {
        assert_int_equal(udp_fixture_take(b.fd[i % 2], &got, sizeof got), 1);
        assert_int_equal(got, i / 2);
    }
    assert_int_equal(b.f.udp->side[0].queue.counters.tx_refused, 1);
    assert_int_equal(b.f.udp->side[0].queue.counters.tx_packets, 128);
    assert_int_equal(b.f.udp->side[1].queue.counters.tx_packets, 127);
    /* At once where nothing follows. */
    add(&b, &vec, &b.addr[1], 9);
    b.link->ops->tx(b.link->link, 0, &vec, 0);
    assert_int_equal(udp_fixture_take(b.fd[1], &got, sizeof got), 1);
    /* To a queue there is not. */
    add(&b, &vec, &b.addr[1], 9);
    b.link->ops->tx(b.link->link, 2, &vec, 0);
    assert_int_equal(vec.n, 0);
    both_end(&b);
}

/* The second address is taken: the first socket is closed again. */
static void test_second_taken(void **state)
{
    struct udp_fixture f = udp_fixture_new();
    struct cjd_linkaddr taken;
    int fd = udp_fixture_socket(AF_INET, &taken);
    char json[128];

    (void)state;
    snprintf(json, sizeof json, "{\"bind\":[\"[::1]\",\"127.0.0.1:%u\"]}",
             cjd_udp_addr_port(&taken));
    assert_int_equal(udp_fixture_configure(&f, json), 0);
    assert_int_equal(f.ops->acquire(f.udp, &f.error), CJD_ERR_BUSY);
    assert_int_equal(f.udp->side[0].fd, -1);
    close(fd);
    assert_int_equal(f.ops->acquire(f.udp, &f.error), 0);
    udp_fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_given), cmocka_unit_test(test_rx),
                                       cmocka_unit_test(test_tx),
                                       cmocka_unit_test(test_second_taken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
