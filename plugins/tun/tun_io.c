#include "tun_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IP6_HEADER 40u

/* --- from the device
 * ------------------------------------------------------------------------------ */

/* What the packet's header says of its length, with the header (RFC 8200 §3). */
static uint32_t ip6_length(const uint8_t *packet)
{
    return IP6_HEADER + ((uint32_t)packet[4] << 8 | packet[5]);
}

static bool is_whole_ip6(struct cjd_tun_counters *c, const uint8_t *packet, size_t len)
{
    if (len == 0 || packet[0] >> 4 != 6) {
        c->rx_not_ip6++;
        return false;
    }
    /* A packet larger than the room was cut by the system. */
    if (len < IP6_HEADER || len < ip6_length(packet)) {
        c->rx_short++;
        return false;
    }
    return true;
}

/* A packet to read into; it stays in `spare`. NULL: there is none. */
static struct cjd_pkt *spare_packet(struct cjd_tun_io *io)
{
    if (io->spare.n == 0) {
        (void)io->packet->alloc(io->host, &io->spare, CJD_TUN_BUDGET, CJD_TUN_ROOM);
    }
    if (io->spare.n == 0) {
        io->counters.rx_no_packet++;
        return NULL;
    }
    return io->spare.v[io->spare.n - 1];
}

static void detach(struct cjd_tun_io *io)
{
    io->loop->fd_unwatch(io->host, io->watch);
    io->watch = NULL;
    if (io->is_attached) {
        io->is_attached = false;
        io->frontend->detach(io->host);
    }
}

/* The device is gone: reading would fail for ever. */
static void lose(struct cjd_tun_io *io, const char *why)
{
    cjd_logger_write(io->log, CJD_LEVEL_ERROR,
                     "device %s is lost (%s): this machine has no connection to the network until "
                     "the node is restarted; it goes on forwarding for others",
                     io->device, why);
    detach(io);
}

/* Nothing was read. True: there may be something all the same. */
static bool handle_read_error(ssize_t n, const char **lost)
{
    if (n == 0) {
        *lost = "closed by the other side";
        return false;
    }
    if (errno == EINTR) {
        return true;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
        *lost = strerror(errno);
    }
    return false;
}

static void read_packets(struct cjd_tun_io *io, struct cjd_vec *vec, const char **lost)
{
    uint64_t now_ns = io->time->now_ns(io->host);

    for (unsigned i = 0; i < CJD_TUN_BUDGET; i++) {
        struct cjd_pkt *pkt = spare_packet(io);
        if (!pkt) {
            return;
        }
        ssize_t n = read(io->fd, cjd_pkt_data(pkt), cjd_pkt_tailroom(pkt));
        if (n <= 0) {
            if (!handle_read_error(n, lost)) {
                return;
            }
            continue;
        }
        if (!is_whole_ip6(&io->counters, cjd_pkt_data(pkt), (size_t)n)) {
            continue;
        }
        io->spare.n--;
        pkt->len = (uint32_t)n;
        pkt->rx_ns = now_ns;
        io->counters.rx_packets++;
        io->counters.rx_bytes += pkt->len;
        (void)cjd_vec_add(vec, pkt); /* room for the whole budget */
    }
}

/* Without a packet to read into, one is taken off and thrown away: else the loop would turn idle
 * on a readable descriptor. */
static void discard_one(const struct cjd_tun_io *io)
{
    uint8_t byte;
    ssize_t n = read(io->fd, &byte, sizeof byte);
    (void)n;
}

static void on_readable(void *arg, int fd, uint32_t events)
{
    struct cjd_tun_io *io = arg;
    const char *lost = NULL;
    CJD_VEC_LOCAL(vec, CJD_TUN_BUDGET);

    (void)fd;
    (void)events;
    uint64_t missing = io->counters.rx_no_packet;
    read_packets(io, &vec, &lost);
    if (io->counters.rx_no_packet != missing) {
        discard_one(io);
    }
    if (vec.n > 0) {
        io->frontend->inject(io->host, &vec);
    }
    if (lost) {
        lose(io, lost);
    }
}

/* --- to the device
 * -------------------------------------------------------------------------------- */

static void count_failure(struct cjd_tun_counters *c, int errno_value)
{
    switch (errno_value) {
    case EAGAIN:
#if EAGAIN != EWOULDBLOCK
    case EWOULDBLOCK:
#endif
    case ENOBUFS:
    case ENOMEM:
        c->tx_full++;
        break;
    case EIO:
    case ENETDOWN:
        c->tx_down++;
        break;
    default:
        c->tx_errors++;
        break;
    }
}

static void write_packet(struct cjd_tun_io *io, const struct cjd_pkt *pkt)
{
    struct cjd_tun_counters *c = &io->counters;

    if (pkt->len == 0 || pkt->gso_size != 0) {
        c->tx_bad_packet++;
        return;
    }
    ssize_t n = write(io->fd, cjd_pkt_data(pkt), pkt->len);
    if (n < 0 && errno == EINTR) {
        n = write(io->fd, cjd_pkt_data(pkt), pkt->len);
    }
    if (n < 0) {
        count_failure(c, errno);
        return;
    }
    c->tx_packets++;
    c->tx_bytes += pkt->len;
}

static void deliver(void *arg, struct cjd_vec *vec)
{
    struct cjd_tun_io *io = arg;

    for (uint16_t i = 0; i < vec->n; i++) {
        write_packet(io, vec->v[i]);
    }
    io->packet->free(io->host, vec);
}

/* --- begin and end
 * -------------------------------------------------------------------------------- */

static const struct cjd_frontend_ops frontend_ops = {.size = sizeof frontend_ops,
                                                     .deliver = deliver};

int cjd_tun_io_start(struct cjd_tun_io *io, int fd, const char *name, uint32_t mtu)
{
    io->fd = fd;
    io->watch = NULL;
    io->spare =
        (struct cjd_vec){.size = sizeof io->spare, .cap = CJD_TUN_BUDGET, .v = io->spare_array};
    memset(&io->counters, 0, sizeof io->counters);
    snprintf(io->device, sizeof io->device, "%s", name[0] ? name : "(descriptor)");
    int err = io->frontend->attach(io->host, &frontend_ops, io, name, mtu);
    if (err != 0) {
        return err;
    }
    io->is_attached = true;
    err = io->loop->fd_watch(io->host, &io->watch, fd, CJD_FD_READ, on_readable, io);
    if (err != 0) {
        io->watch = NULL;
        detach(io);
    }
    return err;
}

void cjd_tun_io_stop(struct cjd_tun_io *io)
{
    detach(io);
    io->packet->free(io->host, &io->spare);
#define LOG_COUNTER(name)                                                                          \
    if (io->counters.name > 0) {                                                                   \
        cjd_logger_write(io->log, CJD_LEVEL_DEBUG, "counter " #name "=%llu",                       \
                         (unsigned long long)io->counters.name);                                   \
    }
    CJD_TUN_COUNTER_LIST(LOG_COUNTER)
#undef LOG_COUNTER
}
