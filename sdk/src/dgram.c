#include <cjd/dgram.h>

#include <errno.h>
#include <string.h>

/* Errors of the socket read off in one call of rx before it gives up for this turn. */
#define RX_ERRORS_MAX 16u
/* System calls of one call of rx. */
#define RX_CALLS_MAX 32u

void cjd_dgram_open(struct cjd_dgram *q, const struct cjd_dgram_io *io, uint32_t index, int fd)
{
    memset(q, 0, sizeof *q);
    q->io = io;
    q->index = index;
    q->fd = fd;
    q->is_open = true;
}

static void free_packet(const struct cjd_dgram *q, struct cjd_pkt *pkt)
{
    CJD_VEC_LOCAL(vec, 1);
    (void)cjd_vec_add(&vec, pkt);
    q->io->packet->free(q->io->host, &vec);
}

/* --- receiving ----------------------------------------------------------------------------------
 */

static void arm(struct cjd_dgram *q, uint32_t slot, struct cjd_pkt *pkt)
{
    q->rx_pkt[slot] = pkt;
    q->rx_iov[slot] = (struct iovec){.iov_base = cjd_pkt_data(pkt), .iov_len = q->io->ops->room};
    q->rx_msg[slot] = (struct mmsghdr){.msg_hdr = {.msg_name = pkt->addr.b,
                                                   .msg_namelen = sizeof pkt->addr.b,
                                                   .msg_iov = &q->rx_iov[slot],
                                                   .msg_iovlen = 1}};
}

/* Appends fresh packets until `wanted` are armed, or the host has no more. */
static void arm_more(struct cjd_dgram *q, uint32_t wanted)
{
    CJD_VEC_LOCAL(fresh, CJD_DGRAM_BATCH);

    if (q->armed >= wanted) {
        return;
    }
    (void)q->io->packet->alloc(q->io->host, &fresh, wanted - q->armed, q->io->ops->room);
    for (uint16_t i = 0; i < fresh.n; i++) {
        if (cjd_pkt_tailroom(fresh.v[i]) < q->io->ops->room) {
            free_packet(q, fresh.v[i]); /* the host promised more room than that */
            continue;
        }
        arm(q, q->armed++, fresh.v[i]);
    }
}

/* Takes the datagram out of a slot; NULL: it was dropped, the slot can be used again as it is. */
static struct cjd_pkt *take(struct cjd_dgram *q, uint32_t slot, uint64_t now_ns)
{
    struct cjd_pkt *pkt = q->rx_pkt[slot];
    const struct mmsghdr *msg = &q->rx_msg[slot];

    if (msg->msg_hdr.msg_flags & MSG_TRUNC) {
        q->counters.rx_too_long++;
        return NULL;
    }
    if (msg->msg_len == 0) {
        q->counters.rx_empty++;
        return NULL;
    }
    pkt->len = msg->msg_len;
    if (!q->io->ops->receive(q->io->arg, pkt, msg->msg_hdr.msg_namelen)) {
        q->counters.rx_refused++;
        pkt->off = (uint32_t)((uint8_t *)q->rx_iov[slot].iov_base - pkt->buf);
        pkt->len = 0;
        return NULL;
    }
    pkt->queue = (uint16_t)q->index;
    pkt->rx_ns = now_ns;
    q->counters.rx_packets++;
    q->counters.rx_bytes += pkt->len;
    return pkt;
}

/* Hands on the datagrams of the first n slots. Emptied slots are filled from the end, so that the
 * armed ones stay together; going backwards, the last one is never itself an emptied one. */
static void hand_on(struct cjd_dgram *q, uint32_t n, struct cjd_vec *vec)
{
    uint64_t now_ns = q->io->time->now_ns(q->io->host);
    bool is_taken[CJD_DGRAM_BATCH];

    for (uint32_t slot = 0; slot < n; slot++) {
        struct cjd_pkt *pkt = take(q, slot, now_ns);
        is_taken[slot] = pkt && cjd_vec_add(vec, pkt);
        if (!is_taken[slot]) {
            arm(q, slot, q->rx_pkt[slot]);
        }
    }
    for (uint32_t slot = n; slot-- > 0;) {
        if (is_taken[slot]) {
            q->armed--;
            if (slot != q->armed) {
                arm(q, slot, q->rx_pkt[q->armed]);
            }
        }
    }
}

/* One system call. Returns the number of datagrams it took off the socket, 0 if there is none, −1
 * for an error that is now read off. */
static int receive(struct cjd_dgram *q, uint32_t wanted, struct cjd_vec *vec)
{
    int n = recvmmsg(q->fd, q->rx_msg, wanted, MSG_DONTWAIT, NULL);

    if (n > 0) {
        hand_on(q, (uint32_t)n, vec);
        return n;
    }
    if (n == 0 || errno == EAGAIN || errno == EWOULDBLOCK) {
        return 0;
    }
    q->counters.rx_errors++;
    return -1;
}

int cjd_dgram_rx(struct cjd_dgram *q, struct cjd_vec *vec)
{
    uint16_t before = vec->n;
    unsigned errors = 0;

    /* Bounded also if every datagram is refused; the socket stays readable then. */
    for (unsigned calls = 0;
         q->is_open && vec->n < vec->cap && calls < RX_CALLS_MAX && errors < RX_ERRORS_MAX;
         calls++) {
        uint32_t room = (uint32_t)(vec->cap - vec->n);
        uint32_t wanted = room < q->io->ops->batch ? room : q->io->ops->batch;
        arm_more(q, q->io->ops->batch);
        if (q->armed == 0) {
            q->counters.rx_no_packet++;
            break;
        }
        wanted = wanted < q->armed ? wanted : q->armed;
        int n = receive(q, wanted, vec);
        if (n >= 0 && (uint32_t)n < wanted) {
            break;
        }
        errors += n < 0;
    }
    return vec->n - before;
}

/* --- sending ------------------------------------------------------------------------------------
 */

/* [control] */
static void deliver_report(void *arg)
{
    struct cjd_dgram *q = arg;

    if (q->is_open) {
        q->io->ops->unsendable(q->io->arg, &q->report_addr, q->report_errno);
    }
    __atomic_store_n(&q->has_report, 0, __ATOMIC_RELEASE);
}

/* At most one report is under way: that also keeps a flood of failures off the control thread. */
static void report(struct cjd_dgram *q, const struct cjd_linkaddr *addr, int errno_value)
{
    if (__atomic_exchange_n(&q->has_report, 1, __ATOMIC_ACQUIRE)) {
        return;
    }
    q->report_addr = *addr;
    q->report_errno = errno_value;
    if (q->io->loop->post(q->io->host, 0, deliver_report, q) != 0) {
        __atomic_store_n(&q->has_report, 0, __ATOMIC_RELEASE);
    }
}

/* [control] */
static void stop_watching(struct cjd_dgram *q)
{
    q->io->loop->fd_unwatch(q->io->host, q->write_watch);
    q->write_watch = NULL;
    __atomic_store_n(&q->is_watch_wanted, 0, __ATOMIC_RELEASE);
}

/* [control] The worker's flush sends what waits. */
static void on_writable(void *arg, int fd, uint32_t events)
{
    struct cjd_dgram *q = arg;

    (void)fd;
    (void)events;
    stop_watching(q);
    q->io->link->queue_wake(q->io->host, q->io->link_id, q->index);
}

/* [control] */
static void watch_writable(void *arg)
{
    struct cjd_dgram *q = arg;

    if (!q->is_open || q->write_watch) {
        return;
    }
    if (q->io->loop->fd_watch(q->io->host, &q->write_watch, q->fd, CJD_FD_WRITE, on_writable, q) !=
        0) {
        q->write_watch = NULL;
        __atomic_store_n(&q->is_watch_wanted, 0, __ATOMIC_RELEASE);
    }
}

/* The socket takes no more: wait until it does. */
static void block(struct cjd_dgram *q)
{
    q->is_blocked = true;
    if (!__atomic_exchange_n(&q->is_watch_wanted, 1, __ATOMIC_ACQUIRE) &&
        q->io->loop->post(q->io->host, 0, watch_writable, q) != 0) {
        __atomic_store_n(&q->is_watch_wanted, 0, __ATOMIC_RELEASE);
    }
}

/* Counts why a packet cannot be sent; true: the peer's address is to blame. */
static bool count_failure(struct cjd_dgram_counters *c, int errno_value)
{
    switch (errno_value) {
    case ENOBUFS:
    case ENOMEM:
        c->tx_no_buffer++;
        return false;
    case EMSGSIZE:
        c->tx_too_long++;
        return false;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENXIO:
        c->tx_no_route++;
        return true;
    case EPERM:
    case EACCES:
        c->tx_denied++;
        return true;
    default:
        c->tx_errors++;
        return true;
    }
}

/* Takes n packets off the front of the ring. */
static void drop_front(struct cjd_dgram *q, uint32_t n)
{
    CJD_VEC_LOCAL(done, CJD_DGRAM_BATCH);

    for (uint32_t i = 0; i < n; i++) {
        (void)cjd_vec_add(&done, q->ring[(q->head + i) % CJD_DGRAM_RING]);
    }
    q->head = (q->head + n) % CJD_DGRAM_RING;
    q->count -= n;
    q->io->packet->free(q->io->host, &done);
}

static void count_sent(struct cjd_dgram *q, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        q->counters.tx_bytes += q->ring[(q->head + i) % CJD_DGRAM_RING]->len;
    }
    q->counters.tx_packets += n;
}

/* One system call for up to CJD_DGRAM_BATCH packets from the front of the ring. */
static int send_front(struct cjd_dgram *q)
{
    struct mmsghdr msg[CJD_DGRAM_BATCH];
    struct iovec iov[CJD_DGRAM_BATCH];
    uint64_t room[CJD_DGRAM_BATCH][(CJD_LINKADDR_MAX + 7) / 8];
    uint32_t n = q->count < CJD_DGRAM_BATCH ? q->count : CJD_DGRAM_BATCH;

    for (uint32_t i = 0; i < n; i++) {
        struct cjd_pkt *pkt = q->ring[(q->head + i) % CJD_DGRAM_RING];
        iov[i] = (struct iovec){.iov_base = cjd_pkt_data(pkt), .iov_len = pkt->len};
        msg[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
        const void *name = q->io->ops->name(q->io->arg, pkt, room[i], &msg[i].msg_hdr.msg_namelen);
        msg[i].msg_hdr.msg_name = (void *)(uintptr_t)name;
    }
    return sendmmsg(q->fd, msg, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The first packet of the ring cannot be sent. False: the socket takes no more for now. */
static bool handle_failure(struct cjd_dgram *q, int errno_value, bool *has_retried)
{
    if (errno_value == EAGAIN || errno_value == EWOULDBLOCK) {
        block(q);
        return false;
    }
    /* An ICMP error of an earlier datagram is reported on whichever comes next: try that again. */
    if ((errno_value == ECONNREFUSED || errno_value == EINTR) && !*has_retried) {
        *has_retried = true;
        return true;
    }
    const struct cjd_pkt *pkt = q->ring[q->head];
    if (count_failure(&q->counters, errno_value)) {
        report(q, &pkt->addr, errno_value);
    }
    drop_front(q, 1);
    *has_retried = false;
    return true;
}

/* Sends what waits. Each turn of the loop sends, drops, or retries the first packet once. */
static void send_all(struct cjd_dgram *q)
{
    bool has_retried = false;

    q->is_blocked = false;
    while (q->count > 0) {
        int n = send_front(q);
        if (n > 0) {
            count_sent(q, (uint32_t)n);
            drop_front(q, (uint32_t)n);
            has_retried = false;
        } else if (!handle_failure(q, n < 0 ? errno : EIO, &has_retried)) {
            return;
        }
    }
}

static void enqueue(struct cjd_dgram *q, struct cjd_pkt *pkt)
{
    if (pkt->len == 0 || pkt->gso_size != 0 || !q->io->ops->send(q->io->arg, pkt)) {
        q->counters.tx_refused++;
        free_packet(q, pkt);
        return;
    }
    if (q->count >= CJD_DGRAM_RING && !q->is_blocked) {
        send_all(q);
    }
    if (q->count >= CJD_DGRAM_RING) {
        q->counters.tx_ring_full++;
        free_packet(q, pkt);
        return;
    }
    q->ring[(q->head + q->count) % CJD_DGRAM_RING] = pkt;
    q->count++;
}

void cjd_dgram_tx(struct cjd_dgram *q, struct cjd_vec *vec, bool is_last)
{
    if (!q->is_open) {
        q->io->packet->free(q->io->host, vec);
        return;
    }
    for (uint16_t i = 0; i < vec->n; i++) {
        enqueue(q, vec->v[i]);
    }
    vec->n = 0;
    if ((is_last || q->count >= CJD_DGRAM_BATCH) && !q->is_blocked) {
        send_all(q);
    }
}

void cjd_dgram_flush(struct cjd_dgram *q)
{
    if (q->is_open && q->count > 0) {
        send_all(q);
    }
}

/* --- end ----------------------------------------------------------------------------------------
 */

void cjd_dgram_close(struct cjd_dgram *q)
{
    if (!q->is_open) {
        return;
    }
    q->is_open = false;
    while (q->count > 0) {
        drop_front(q, q->count < CJD_DGRAM_BATCH ? q->count : CJD_DGRAM_BATCH);
    }
    while (q->armed > 0) {
        free_packet(q, q->rx_pkt[--q->armed]);
    }
    if (q->write_watch) {
        stop_watching(q);
    }
}

void cjd_dgram_counters_add(struct cjd_dgram_counters *sum, const struct cjd_dgram_counters *part)
{
#define ADD(name) sum->name += part->name;
    CJD_DGRAM_COUNTER_LIST(ADD)
#undef ADD
}
