/**
 * A queue of a link on a datagram socket: vectors of packets, several per system call.
 *
 * Compiled into link plugins (sdk/src). A queue belongs to one worker. Received datagrams land in
 * packets the queue keeps ready, the sender's address written by the system into the packet itself;
 * packets to send are handed to the system where they lie. What the socket cannot take at once
 * waits in a bounded ring and goes out when the socket is writable again; what does not fit is
 * dropped and counted.
 *
 * Hands to the control thread: one note at a time about an address that cannot be sent to
 * (`unsendable`), and the wish to be told when the socket becomes writable.
 *
 * What a kind of socket is like, its owner says in cjd_dgram_ops; nothing else differs.
 */
#ifndef CJD_DGRAM_H
#define CJD_DGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cjd/host.h>
#include <cjd/link.h>
#include <cjd/packet.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Datagrams per system call, and packets that may wait for the socket (1 MiB of small buffers). */
#define CJD_DGRAM_BATCH 64u
#define CJD_DGRAM_RING  256u

#define CJD_DGRAM_COUNTER_LIST(X)                                                                  \
    X(rx_packets)                                                                                  \
    X(rx_bytes)                                                                                    \
    X(rx_too_long) /* more than ops.room bytes */                                                  \
    X(rx_empty)                                                                                    \
    X(rx_refused)   /* by ops.receive */                                                           \
    X(rx_no_packet) /* the host had no packet to receive into */                                   \
    X(rx_errors)    /* errors read off the socket */                                               \
    X(tx_packets)                                                                                  \
    X(tx_bytes)                                                                                    \
    X(tx_ring_full) /* the socket did not take more */                                             \
    X(tx_no_buffer) /* ENOBUFS: the device did not take more */                                    \
    X(tx_too_long)  /* EMSGSIZE */                                                                 \
    X(tx_no_route)  /* ENETUNREACH, EHOSTUNREACH, ENETDOWN, ENXIO */                               \
    X(tx_denied)    /* EPERM, EACCES: a local packet filter */                                     \
    X(tx_refused)   /* by ops.send: a mistake of the caller */                                     \
    X(tx_errors)    /* all others */

struct cjd_dgram_counters {
#define CJD_DGRAM_COUNTER_FIELD(name) uint64_t name;
    CJD_DGRAM_COUNTER_LIST(CJD_DGRAM_COUNTER_FIELD)
#undef CJD_DGRAM_COUNTER_FIELD
};

struct cjd_dgram_ops {
    /** Most bytes of one datagram that is received. */
    uint32_t room;
    /** Packets kept ready to receive into, at most CJD_DGRAM_BATCH; each is a buffer of the host.
     */
    uint32_t batch;
    /** [worker] A datagram: its bytes are the packet's data, name_len bytes of the sender's socket
     *  address are at the start of pkt->addr.b. Brings addr and data into the link's form. False:
     *  it is dropped. */
    bool (*receive)(void *arg, struct cjd_pkt *pkt, uint32_t name_len);
    /** [worker] Brings a packet into the form it is sent in. False: it cannot be sent. */
    bool (*send)(void *arg, struct cjd_pkt *pkt);
    /** [worker] The socket address to send it to, made in `room` of CJD_LINKADDR_MAX bytes (8-byte
     *  aligned) or standing in the packet. */
    const void *(*name)(void *arg, const struct cjd_pkt *pkt, void *room, socklen_t *len);
    /** [control] The system refuses to send to this address. */
    void (*unsendable)(void *arg, const struct cjd_linkaddr *addr, int errno_value);
};

/** What a queue works with; borrowed. */
struct cjd_dgram_io {
    const struct cjd_host *host;
    const struct cjd_packet_service *packet;
    const struct cjd_time_service *time;
    const struct cjd_loop_service *loop;
    const struct cjd_link_service *link;
    const struct cjd_dgram_ops *ops;
    void *arg;        /**< of ops */
    uint32_t link_id; /**< valid once the link is up */
};

struct cjd_dgram {
    const struct cjd_dgram_io *io;
    int fd; /**< the caller's */
    uint32_t index;
    bool is_open;
    struct cjd_dgram_counters counters;

    /* Packets ready to be received into: the first `armed` of each array. */
    uint32_t armed;
    struct cjd_pkt *rx_pkt[CJD_DGRAM_BATCH];
    struct iovec rx_iov[CJD_DGRAM_BATCH];
    struct mmsghdr rx_msg[CJD_DGRAM_BATCH];

    /* Packets to be sent. */
    struct cjd_pkt *ring[CJD_DGRAM_RING];
    uint32_t head;
    uint32_t count;
    bool is_blocked; /* the socket took no more; flush tries again */

    struct cjd_fd_watch *write_watch; /* control thread only */
    uint32_t is_watch_wanted;         /* atomic */
    uint32_t has_report;              /* atomic */
    struct cjd_linkaddr report_addr;  /* owned by the control thread while has_report */
    int report_errno;
};

/** [control] A queue on a bound, non-blocking socket, which stays the caller's. */
void cjd_dgram_open(struct cjd_dgram *q, const struct cjd_dgram_io *io, uint32_t index, int fd);
/** [control] Gives all packets back. The socket is not closed. */
void cjd_dgram_close(struct cjd_dgram *q);

/** [worker] Appends received packets to vec; returns how many. */
int cjd_dgram_rx(struct cjd_dgram *q, struct cjd_vec *vec);
/** [worker] Takes all packets of vec. is_last: nothing follows in this turn, send at once. */
void cjd_dgram_tx(struct cjd_dgram *q, struct cjd_vec *vec, bool is_last);
void cjd_dgram_flush(struct cjd_dgram *q);

/** [any] Adds up counters. */
void cjd_dgram_counters_add(struct cjd_dgram_counters *sum, const struct cjd_dgram_counters *part);

#ifdef __cplusplus
}
#endif

#endif
