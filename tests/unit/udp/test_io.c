/* Packets of UDP links, over real loopback sockets. */
#include "udp_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIND4 "{\"bind\":\"127.0.0.1\"}"

struct io {
    struct udp_fixture f;
    struct cjd_fake_link *link;
    int fd; /* the other side */
    struct cjd_linkaddr addr;
};

static struct io io_new(const char *json, int family)
{
    struct io io = {.f = udp_fixture_new()};

    udp_fixture_start(&io.f, json);
    io.link = udp_fixture_link(&io.f);
    io.fd = udp_fixture_socket(family, &io.addr);
    return io;
}

static void io_end(struct io *io)
{
    close(io->fd);
    udp_fixture_end(&io->f);
}

static const struct cjd_dgram_counters *counters(const struct io *io)
{
    return &io->f.udp->side[0].queue.counters;
}

static int rx(struct io *io, struct cjd_vec *vec)
{
    return io->link->ops->rx(io->link->link, 0, vec);
}

static void give_back(struct io *io, struct cjd_vec *vec)
{
    cjd_fake_packet_service.free(&io->f.fake->host, vec);
}

static void send_numbered(struct io *io, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        udp_fixture_send(io->fd, &io->f.udp->side[0].bound, &i, sizeof i);
    }
}

static void want_numbered(const struct cjd_vec *vec, uint32_t at, uint32_t first, uint32_t count)
{
    assert_int_equal(vec->n, at + count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number;
        assert_int_equal(vec->v[at + i]->len, sizeof number);
        memcpy(&number, cjd_pkt_data(vec->v[at + i]), sizeof number);
        assert_int_equal(number, first + i);
    }
}

/* --- receiving ----------------------------------------------------------------------------------
 */

static void test_rx_batch(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    send_numbered(&io, 0, 150); /* more than two system calls take */
    assert_int_equal(rx(&io, &vec), 150);
    want_numbered(&vec, 0, 0, 150);
    for (uint16_t i = 0; i < vec.n; i++) {
        /* The whole address is defined, not only the part that counts. */
        assert_memory_equal(&vec.v[i]->addr, &io.addr, sizeof io.addr);
        assert_int_equal(vec.v[i]->queue, 0);
        assert_int_equal(vec.v[i]->rx_ns, io.f.fake->now_ns);
        assert_true(cjd_pkt_headroom(vec.v[i]) >= CJD_PKT_HEADROOM);
    }
    give_back(&io, &vec);
    assert_int_equal(rx(&io, &vec), 0);
    assert_int_equal(counters(&io)->rx_packets, 150);
    assert_int_equal(counters(&io)->rx_bytes, 600);
    io_end(&io);
}

static void test_rx_room(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    CJD_VEC_LOCAL(vec, 10);
    uint32_t got = 0;

    (void)state;
    send_numbered(&io, 0, 25);
    for (unsigned round = 0; round < 3; round++) {
        int n = rx(&io, &vec);
        assert_int_equal(n, round < 2 ? 10 : 5);
        want_numbered(&vec, 0, got, (uint32_t)n);
        got += (uint32_t)n;
        give_back(&io, &vec);
    }
    /* A vector that is full already gets nothing, one with packets in it is continued. */
    send_numbered(&io, 100, 12);
    assert_int_equal(rx(&io, &vec), 10);
    assert_int_equal(rx(&io, &vec), 0);
    vec.n = 9;
    cjd_fake_packet_free(io.f.fake, vec.v[9]);
    assert_int_equal(rx(&io, &vec), 1);
    uint32_t number;
    memcpy(&number, cjd_pkt_data(vec.v[9]), sizeof number);
    assert_int_equal(number, 110);
    give_back(&io, &vec);
    io_end(&io);
}

static void test_rx_lengths(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);
    static uint8_t big[CJD_UDP_MTU + 1];

    (void)state;
    memset(big, 0x5a, sizeof big);
    send_numbered(&io, 0, 2);
    udp_fixture_send(io.fd, &io.f.udp->side[0].bound, big, sizeof big); /* one byte too long */
    udp_fixture_send(io.fd, &io.f.udp->side[0].bound, big, 0);
    udp_fixture_send(io.fd, &io.f.udp->side[0].bound, big, CJD_UDP_MTU);
    send_numbered(&io, 2, 1);
    assert_int_equal(rx(&io, &vec), 4);
    assert_int_equal(vec.v[2]->len, CJD_UDP_MTU);
    assert_memory_equal(cjd_pkt_data(vec.v[2]), big, CJD_UDP_MTU);
    assert_int_equal(vec.v[3]->len, 4);
    assert_int_equal(counters(&io)->rx_too_long, 1);
    assert_int_equal(counters(&io)->rx_empty, 1);
    give_back(&io, &vec);
    /* The packets of dropped datagrams are used again. */
    send_numbered(&io, 7, 70);
    assert_int_equal(rx(&io, &vec), 70);
    want_numbered(&vec, 0, 7, 70);
    give_back(&io, &vec);
    io_end(&io);
}

static void test_rx_no_packets(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    send_numbered(&io, 0, 20);
    io.f.fake->packets_limit = 0;
    assert_int_equal(rx(&io, &vec), 0);
    assert_int_equal(counters(&io)->rx_no_packet, 1);
    /* Five packets only: each is received into once it is back. */
    io.f.fake->packets_limit = 5;
    for (uint32_t round = 0; round < 4; round++) {
        assert_int_equal(rx(&io, &vec), 5);
        want_numbered(&vec, 0, 5 * round, 5);
        give_back(&io, &vec);
    }
    assert_int_equal(rx(&io, &vec), 0);
    io_end(&io);
}

/* Packets that were not received into stay for the next call. */
static void test_rx_keeps_packets(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    assert_int_equal(rx(&io, &vec), 0);
    uint64_t before = io.f.fake->allocs;
    assert_int_equal(before, CJD_DGRAM_BATCH);
    for (uint32_t i = 0; i < 100; i++) {
        send_numbered(&io, i, 1);
        assert_int_equal(rx(&io, &vec), 1);
        want_numbered(&vec, 0, i, 1);
        give_back(&io, &vec);
    }
    assert_true(io.f.fake->allocs - before <= 100);
    io_end(&io);
}

static void test_rx6(void **state)
{
    struct io io = io_new("{\"bind\":\"[::1]\"}", AF_INET6);
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    send_numbered(&io, 0, 3);
    assert_int_equal(rx(&io, &vec), 3);
    want_numbered(&vec, 0, 0, 3);
    assert_memory_equal(&vec.v[0]->addr, &io.addr, sizeof io.addr);
    /* And the answer goes back to where it came from. */
    io.link->ops->tx(io.link->link, 0, &vec, 0);
    assert_int_equal(vec.n, 0);
    uint32_t number = 9;
    assert_int_equal(udp_fixture_take(io.fd, &number, sizeof number), 4);
    assert_int_equal(number, 0);
    io_end(&io);
}

/* --- sending ------------------------------------------------------------------------------------
 */

static void add_packet(struct io *io, struct cjd_vec *vec, const struct cjd_linkaddr *to,
                       uint32_t number)
{
    struct cjd_pkt *pkt = cjd_fake_packet(io->f.fake, &number, sizeof number);
    pkt->addr = *to;
    assert_true(cjd_vec_add(vec, pkt));
}

static void tx(struct io *io, struct cjd_vec *vec, uint32_t flags)
{
    io->link->ops->tx(io->link->link, 0, vec, flags);
    assert_int_equal(vec->n, 0);
}

static void want_taken(int fd, uint32_t first, uint32_t count, uint32_t step)
{
    uint32_t number;

    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(udp_fixture_take(fd, &number, sizeof number), sizeof number);
        assert_int_equal(number, first + i * step);
    }
    assert_int_equal(udp_fixture_take(fd, &number, sizeof number), -1);
}

static void test_tx_batch(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    struct cjd_linkaddr other;
    int fd = udp_fixture_socket(AF_INET, &other);
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        add_packet(&io, &vec, i % 2 ? &other : &io.addr, i);
    }
    tx(&io, &vec, 0);
    assert_int_equal(io.f.fake->packets_out, 0);
    want_taken(io.fd, 0, 100, 2);
    want_taken(fd, 1, 100, 2);
    assert_int_equal(counters(&io)->tx_packets, 200);
    assert_int_equal(counters(&io)->tx_bytes, 800);
    close(fd);
    io_end(&io);
}

static void test_tx_more(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    add_packet(&io, &vec, &io.addr, 0);
    tx(&io, &vec, CJD_TX_MORE);
    add_packet(&io, &vec, &io.addr, 1);
    tx(&io, &vec, CJD_TX_MORE);
    want_taken(io.fd, 0, 0, 1);
    io.link->ops->flush(io.link->link, 0);
    want_taken(io.fd, 0, 2, 1);
    /* Without MORE what was held back goes first. */
    add_packet(&io, &vec, &io.addr, 2);
    tx(&io, &vec, CJD_TX_MORE);
    add_packet(&io, &vec, &io.addr, 3);
    tx(&io, &vec, 0);
    want_taken(io.fd, 2, 2, 1);
    /* A whole batch does not wait. */
    for (uint32_t i = 0; i < CJD_DGRAM_BATCH; i++) {
        add_packet(&io, &vec, &io.addr, i);
    }
    tx(&io, &vec, CJD_TX_MORE);
    want_taken(io.fd, 0, CJD_DGRAM_BATCH, 1);
    /* What is still held back at the end is given back. */
    add_packet(&io, &vec, &io.addr, 4);
    tx(&io, &vec, CJD_TX_MORE);
    assert_int_equal(io.f.fake->packets_out, 1);
    io_end(&io);
}

static void test_tx_too_long(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    static uint8_t big[65508]; /* one byte more than UDP over IPv4 can carry */
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    add_packet(&io, &vec, &io.addr, 0);
    struct cjd_pkt *pkt = cjd_fake_packet(io.f.fake, big, sizeof big);
    pkt->addr = io.addr;
    assert_true(cjd_vec_add(&vec, pkt));
    add_packet(&io, &vec, &io.addr, 1);
    tx(&io, &vec, 0);
    want_taken(io.fd, 0, 2, 1);
    assert_int_equal(counters(&io)->tx_too_long, 1);
    assert_int_equal(counters(&io)->tx_packets, 2);
    assert_int_equal(io.f.fake->task_count, 0); /* nothing is wrong with the peer */
    io_end(&io);
}

static void test_tx_wrong_use(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    struct cjd_linkaddr six = udp_fixture_addr("[::1]:1");
    struct cjd_linkaddr none = {0};
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    add_packet(&io, &vec, &six, 0);
    add_packet(&io, &vec, &none, 0);
    add_packet(&io, &vec, &io.addr, 0);
    vec.v[2]->len = 0;
    add_packet(&io, &vec, &io.addr, 0);
    vec.v[3]->gso_size = 2;
    add_packet(&io, &vec, &io.addr, 5);
    tx(&io, &vec, 0);
    assert_int_equal(counters(&io)->tx_refused, 4);
    want_taken(io.fd, 5, 1, 1);
    /* A queue that does not exist. */
    add_packet(&io, &vec, &io.addr, 0);
    io.link->ops->tx(io.link->link, 1, &vec, 0);
    assert_int_equal(vec.n, 0);
    io.link->ops->flush(io.link->link, 1);
    assert_int_equal(io.link->ops->rx(io.link->link, 1, &vec), CJD_ERR_INVALID);
    assert_int_equal(io.f.fake->packets_out, 0);
    io_end(&io);
}

static void test_open_gives(void **state)
{
    struct io io = io_new(BIND4, AF_INET);

    (void)state;
    assert_int_equal(io.link->given.queues, 1);
    assert_int_equal(io.link->given.mtu, 3496);
    assert_int_equal(io.link->given.headroom, 0);
    assert_int_equal(io.link->given.caps, 0);
    io_end(&io);
}

/* --- a socket that takes no more ----------------------------------------------------------------
 */

/* A queue on a socket of our choice. Sequenced packets ignore the address a packet is sent to, and
 * block when the other side does not read, which UDP on loopback never does. */
struct pair {
    struct io io;
    struct cjd_dgram q;
    int fd[2];
};

static void pair_new(struct pair *p)
{
    p->io = io_new(BIND4, AF_INET);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, p->fd), 0);
    cjd_dgram_open(&p->q, &p->io.f.udp->side[0].io, 0, p->fd[0]);
}

static void pair_end(struct pair *p)
{
    cjd_dgram_close(&p->q);
    cjd_dgram_close(&p->q); /* twice is legal */
    cjd_fake_run(p->io.f.fake);
    assert_int_equal(cjd_fake_watched(p->io.f.fake), 0);
    close(p->fd[0]);
    close(p->fd[1]);
    io_end(&p->io);
}

static void fill(struct pair *p, uint32_t *sent)
{
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    while (p->q.counters.tx_ring_full == 0) {
        add_packet(&p->io, &vec, &p->io.addr, (*sent)++);
        cjd_dgram_tx(&p->q, &vec, true);
        assert_true(*sent < 100000);
    }
}

static void test_tx_blocked(void **state)
{
    struct pair p;
    uint32_t sent = 0;
    uint32_t number;
    uint32_t taken = 0;

    (void)state;
    pair_new(&p);
    fill(&p, &sent);
    /* The ring is full, and bounded. */
    assert_int_equal(p.q.count, CJD_DGRAM_RING);
    assert_int_equal(p.io.f.fake->packets_out, CJD_DGRAM_RING);
    assert_int_equal(p.q.counters.tx_ring_full, 1);
    /* The control thread watches the socket, once. */
    cjd_fake_run(p.io.f.fake);
    assert_int_equal(cjd_fake_watched(p.io.f.fake), 1);
    assert_int_equal(cjd_fake_poll(p.io.f.fake, 0), 0);
    cjd_dgram_flush(&p.q);
    cjd_fake_run(p.io.f.fake);
    assert_int_equal(cjd_fake_watched(p.io.f.fake), 1);
    /* The other side reads: the queue is woken, and its flush sends all that waited. */
    while (udp_fixture_take(p.fd[1], &number, sizeof number) == 4) {
        assert_int_equal(number, taken);
        taken++;
    }
    assert_int_equal(cjd_fake_poll(p.io.f.fake, 1000), 1);
    assert_int_equal(p.io.link->wakes, 1);
    assert_int_equal(cjd_fake_watched(p.io.f.fake), 0);
    for (unsigned round = 0; p.q.count > 0 && round < 1000; round++) {
        cjd_dgram_flush(&p.q);
        while (udp_fixture_take(p.fd[1], &number, sizeof number) == 4) {
            assert_int_equal(number, taken);
            taken++;
        }
    }
    /* In order, and nothing but the one that found no room is missing. */
    assert_int_equal(taken, sent - 1);
    assert_int_equal(p.q.counters.tx_packets, sent - 1);
    assert_int_equal(p.io.f.fake->packets_out, 0);
    pair_end(&p);
}

static void test_tx_blocked_at_end(void **state)
{
    struct pair p;
    uint32_t sent = 0;

    (void)state;
    pair_new(&p);
    fill(&p, &sent);
    cjd_fake_run(p.io.f.fake);
    assert_int_equal(cjd_fake_watched(p.io.f.fake), 1);
    pair_end(&p);
}

/* The wish to watch is still under way when the link goes down. */
static void test_tx_blocked_then_closed(void **state)
{
    struct pair p;
    uint32_t sent = 0;
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    pair_new(&p);
    fill(&p, &sent);
    assert_int_equal(p.io.f.fake->task_count, 1);
    cjd_dgram_close(&p.q);
    cjd_fake_run(p.io.f.fake);
    assert_int_equal(cjd_fake_watched(p.io.f.fake), 0);
    /* A closed queue takes packets only to give them back. */
    add_packet(&p.io, &vec, &p.io.addr, 0);
    cjd_dgram_tx(&p.q, &vec, true);
    assert_int_equal(p.io.f.fake->packets_out, 0);
    assert_int_equal(cjd_dgram_rx(&p.q, &vec), 0);
    pair_end(&p);
}

/* --- errors that come back ----------------------------------------------------------------------
 */

/* A connected socket is told of ICMP errors: here, that nobody listens on the port. */
static void test_icmp(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    struct cjd_linkaddr gone;
    struct cjd_dgram q;
    struct cjd_linkaddr self;
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);
    int closed = udp_fixture_socket(AF_INET, &gone);
    int fd = udp_fixture_socket(AF_INET, &self);

    (void)state;
    close(closed);
    assert_int_equal(connect(fd, (struct sockaddr *)gone.b, gone.len), 0);
    cjd_dgram_open(&q, &io.f.udp->side[0].io, 0, fd);
    /* Sending: the second packet meets the error of the first and is sent all the same. */
    add_packet(&io, &vec, &gone, 0);
    cjd_dgram_tx(&q, &vec, true);
    add_packet(&io, &vec, &gone, 1);
    cjd_dgram_tx(&q, &vec, true);
    assert_int_equal(q.counters.tx_packets, 2);
    assert_int_equal(q.counters.tx_errors, 0);
    /* Receiving: the error is read off, and what arrives behind it is received. */
    closed = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(closed, (struct sockaddr *)gone.b, gone.len), 0);
    uint32_t number = 77;
    udp_fixture_send(closed, &self, &number, sizeof number);
    assert_int_equal(cjd_dgram_rx(&q, &vec), 1);
    assert_int_equal(q.counters.rx_errors, 1);
    want_numbered(&vec, 0, 77, 1);
    give_back(&io, &vec);
    cjd_dgram_close(&q);
    close(closed);
    close(fd);
    io_end(&io);
}

/* From 127.0.0.1 nothing outside this machine can be reached. */
static void test_unsendable_peer(void **state)
{
    struct io io =
        io_new("{\"bind\":\"127.0.0.1\",\"peers\":[" PEER("192.0.2.1:9", KEY_A, "far") "," PEER(
                   "127.0.0.1:9", KEY_B, "near") "]}",
               AF_INET);
    struct cjd_linkaddr far = udp_fixture_addr("192.0.2.1:9");
    struct cjd_linkaddr stranger = udp_fixture_addr("192.0.2.2:9");
    struct cjd_fake_peer *peer = cjd_fake_peer(io.f.fake, "far");
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        add_packet(&io, &vec, &far, i);
        add_packet(&io, &vec, &io.addr, i);
    }
    tx(&io, &vec, 0);
    want_taken(io.fd, 0, 5, 1);
    assert_int_equal(counters(&io)->tx_packets, 5);
    assert_int_equal(counters(&io)->tx_errors + counters(&io)->tx_no_route, 5);
    assert_int_equal(io.f.fake->task_count, 1); /* one report, however many fail */
    cjd_fake_run(io.f.fake);
    assert_int_equal(peer->reason, CJD_PEER_REASON_SEND);
    assert_int_equal(peer->reasons, 1);
    assert_int_equal(cjd_fake_logged(io.f.fake, CJD_LEVEL_INFO, "cannot send to peer 192.0.2.1"),
                     1);
    /* The core is told once a second at most, the operator each ten seconds. */
    add_packet(&io, &vec, &far, 0);
    tx(&io, &vec, 0);
    cjd_fake_advance(io.f.fake, 9 * SECOND);
    add_packet(&io, &vec, &far, 0);
    tx(&io, &vec, 0);
    cjd_fake_run(io.f.fake);
    assert_int_equal(peer->reasons, 2);
    assert_int_equal(cjd_fake_logged_any(io.f.fake, "cannot send"), 1);
    cjd_fake_advance(io.f.fake, 2 * SECOND);
    add_packet(&io, &vec, &far, 0);
    tx(&io, &vec, 0);
    cjd_fake_run(io.f.fake);
    assert_int_equal(peer->reasons, 3);
    assert_int_equal(cjd_fake_logged_any(io.f.fake, "cannot send"), 2);
    /* An address that is no configured peer's concerns nobody; nor does the other peer. */
    add_packet(&io, &vec, &stranger, 0);
    tx(&io, &vec, 0);
    cjd_fake_run(io.f.fake);
    assert_int_equal(cjd_fake_peer(io.f.fake, "near")->reasons, 0);
    io_end(&io);
}

/* A report that is under way when the plugin stops finds nobody. */
static void test_report_at_end(void **state)
{
    struct io io = io_new(
        "{\"bind\":\"127.0.0.1\",\"peers\":[" PEER("192.0.2.1:9", KEY_A, "far") "]}", AF_INET);
    struct cjd_linkaddr far = udp_fixture_addr("192.0.2.1:9");
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    add_packet(&io, &vec, &far, 0);
    tx(&io, &vec, 0);
    assert_int_equal(io.f.fake->task_count, 1);
    io_end(&io);
}

static void test_counters_logged(void **state)
{
    struct io io = io_new(BIND4, AF_INET);
    CJD_VEC_LOCAL(vec, CJD_VEC_MAX);

    (void)state;
    send_numbered(&io, 0, 3);
    assert_int_equal(rx(&io, &vec), 3);
    give_back(&io, &vec);
    io.f.ops->stop(io.f.udp);
    assert_int_equal(cjd_fake_logged(io.f.fake, CJD_LEVEL_DEBUG, "counter rx_packets=3"), 1);
    assert_int_equal(cjd_fake_logged_any(io.f.fake, "tx_packets"), 0);
    io_end(&io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rx_batch),
        cmocka_unit_test(test_rx_room),
        cmocka_unit_test(test_rx_lengths),
        cmocka_unit_test(test_rx_no_packets),
        cmocka_unit_test(test_rx_keeps_packets),
        cmocka_unit_test(test_rx6),
        cmocka_unit_test(test_tx_batch),
        cmocka_unit_test(test_tx_more),
        cmocka_unit_test(test_tx_too_long),
        cmocka_unit_test(test_tx_wrong_use),
        cmocka_unit_test(test_open_gives),
        cmocka_unit_test(test_tx_blocked),
        cmocka_unit_test(test_tx_blocked_at_end),
        cmocka_unit_test(test_tx_blocked_then_closed),
        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_unsendable_peer),
        cmocka_unit_test(test_report_at_end),
        cmocka_unit_test(test_counters_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
