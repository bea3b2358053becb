/*
 * Packets between the device and the node.
 *
 * From the device: up to CJD_TUN_BUDGET packets for each time it is readable, read into packets
 * kept ready, handed to the node as one vector. To the device: one write for each packet; what it
 * does not take is dropped and counted, as by any network device. [control], deliver: [worker].
 */
#ifndef TUN_IO_H
#define TUN_IO_H

#include <stdbool.h>
#include <stdint.h>

#include <cjd/host.h>
#include <cjd/logger.h>

#define CJD_TUN_BUDGET 64u
/* Room for a packet read: all that a small buffer has behind the headroom. */
#define CJD_TUN_ROOM (CJD_PKT_SMALL - CJD_PKT_HEADROOM)

#define CJD_TUN_COUNTER_LIST(X)                                                                    \
    X(rx_packets)                                                                                  \
    X(rx_bytes)                                                                                    \
    X(rx_not_ip6)                                                                                  \
    X(rx_short)     /* fewer bytes than its header says, or than a header has */                   \
    X(rx_no_packet) /* the host had no packet to read into */                                      \
    X(tx_packets)                                                                                  \
    X(tx_bytes)                                                                                    \
    X(tx_full)       /* EAGAIN, ENOBUFS: the device took no more */                                \
    X(tx_down)       /* EIO: the device is down */                                                 \
    X(tx_bad_packet) /* empty, or several segments: a mistake of the caller */                     \
    X(tx_errors)

struct cjd_tun_counters {
#define CJD_TUN_COUNTER_FIELD(name) uint64_t name;
    CJD_TUN_COUNTER_LIST(CJD_TUN_COUNTER_FIELD)
#undef CJD_TUN_COUNTER_FIELD
};

struct cjd_tun_io {
    /* Set by the owner; borrowed. */
    const struct cjd_host *host;
    const struct cjd_packet_service *packet;
    const struct cjd_time_service *time;
    const struct cjd_loop_service *loop;
    const struct cjd_frontend_service *frontend;
    const struct cjd_logger *log;

    int fd;
    char device[32]; /* for messages */
    bool is_attached;
    struct cjd_fd_watch *watch;
    struct cjd_vec spare; /* packets to be read into */
    struct cjd_pkt *spare_array[CJD_TUN_BUDGET];
    struct cjd_tun_counters counters;
};

/* Attaches to the node and begins to read. name: of the device, "" = none. */
CJD_MUST_CHECK int cjd_tun_io_start(struct cjd_tun_io *io, int fd, const char *name, uint32_t mtu);
/* Undoes it, logs the counters. */
void cjd_tun_io_stop(struct cjd_tun_io *io);

#endif
