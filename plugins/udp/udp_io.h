/*
 * Receiving and sending of one UDP link: vectors of packets, several per system call.
 *
 * A queue belongs to one worker. Received datagrams land in packets the queue keeps ready, with the
 * sender's address written by the system into the packet itself; packets to send are handed to the
 * system where they lie. What the socket cannot take at once waits in a bounded ring, and goes out
 * when the socket is writable again; what does not fit is dropped and counted (link notes §2.1).
 *
 * Hands to the control thread: one note about an address that cannot be sent to (`report`), and the
 * wish to be told when the socket becomes writable.
 */
#ifndef UDP_IO_H
#define UDP_IO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cjd/host.h>
#include <cjd/link.h>
#include <cjd/packet.h>

/* Largest datagram a reference node takes or sends (link notes §2.1). */
#define CJD_UDP_MTU 3496u
/* Datagrams per system call, and packets that may wait for the socket (1 MiB of small buffers). */
#define CJD_UDP_BATCH 64u
#define CJD_UDP_RING  256u

#define CJD_UDP_COUNTER_LIST(X)                                                                    \
    X(rx_packets)                                                                                  \
    X(rx_bytes)                                                                                    \
    X(rx_too_long) /* more than CJD_UDP_MTU bytes */                                               \
    X(rx_empty)                                                                                    \
    X(rx_bad_source) /* nothing could be sent back to it */                                        \
    X(rx_no_packet)  /* the host had no packet to receive into */                                  \
    X(rx_errors)     /* ICMP errors and the like, read off the socket */                           \
    X(tx_packets)                                                                                  \
    X(tx_bytes)                                                                                    \
    X(tx_ring_full)  /* the socket did not take more */                                            \
    X(tx_no_buffer)  /* ENOBUFS: the device did not take more */                                   \
    X(tx_too_long)   /* EMSGSIZE */                                                                \
    X(tx_no_route)   /* ENETUNREACH, EHOSTUNREACH, ENETDOWN */                                     \
    X(tx_denied)     /* EPERM, EACCES: a local packet filter */                                    \
    X(tx_bad_packet) /* wrong family or use: a mistake of the caller */                            \
    X(tx_errors)     /* all others */

struct cjd_udp_counters {
#define CJD_UDP_COUNTER_FIELD(name) uint64_t name;
    CJD_UDP_COUNTER_LIST(CJD_UDP_COUNTER_FIELD)
#undef CJD_UDP_COUNTER_FIELD
};

/* [control] Called for an address the system refuses to send to, with errno. */
typedef void (*cjd_udp_unsendable_fn)(void *arg, const struct cjd_linkaddr *addr, int errno_value);

/* What a queue works with. The pointers are borrowed. */
struct cjd_udp_io {
    const struct cjd_host *host;
    const struct cjd_packet_service *packet;
    const struct cjd_time_service *time;
    const struct cjd_loop_service *loop;
    const struct cjd_link_service *link;
    uint32_t link_id; /* valid once the link is up */
    int family;
    cjd_udp_unsendable_fn unsendable;
    void *arg;
};

struct cjd_udp_queue {
    const struct cjd_udp_io *io;
    int fd; /* −1: closed */
    uint32_t index;
    bool is_open;

    /* Packets ready to be received into: the first `armed` of each array. */
    uint32_t armed;
    struct cjd_pkt *rx_pkt[CJD_UDP_BATCH];
    struct iovec rx_iov[CJD_UDP_BATCH];
    struct mmsghdr rx_msg[CJD_UDP_BATCH];

    /* Packets to be sent. */
    struct cjd_pkt *ring[CJD_UDP_RING];
    uint32_t head;
    uint32_t count;
    bool is_blocked; /* the socket took no more; flush tries again */

    struct cjd_udp_counters counters;

    struct cjd_fd_watch *write_watch; /* control thread only */
    atomic_bool is_watch_wanted;
    atomic_bool has_report;
    struct cjd_linkaddr report_addr; /* owned by the control thread while has_report */
    int report_errno;
};

/* A queue on a bound socket, which stays the caller's. */
void cjd_udp_queue_open(struct cjd_udp_queue *q, const struct cjd_udp_io *io, uint32_t index,
                        int fd);
/* Gives all packets back. The socket is not closed. */
void cjd_udp_queue_close(struct cjd_udp_queue *q);

/* Appends received packets to vec; returns how many. */
int cjd_udp_queue_rx(struct cjd_udp_queue *q, struct cjd_vec *vec);
/* Takes all packets of vec. is_last: nothing follows in this turn, send at once. */
void cjd_udp_queue_tx(struct cjd_udp_queue *q, struct cjd_vec *vec, bool is_last);
void cjd_udp_queue_flush(struct cjd_udp_queue *q);

/* Adds up counters. */
void cjd_udp_counters_add(struct cjd_udp_counters *sum, const struct cjd_udp_counters *part);

#endif
