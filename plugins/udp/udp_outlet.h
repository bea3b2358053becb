/*
 * Where beacons go and come from: which networks of the machine take part, and whether a beacon
 * that arrived is one of theirs (link notes §4.2; IPv6 is an addition, ADR 8).
 *
 * Pure: devices and bytes in, addresses and a verdict out. Any thread.
 */
#ifndef UDP_OUTLET_H
#define UDP_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/beacon.h>
#include <cjd/netdev.h>
#include <cjd/types.h>

#include "udp_addr.h"

/* Networks that beacons are sent to; what is more is left out. */
#define CJD_UDP_OUTLETS_MAX 128u

/* What an operator wants of beacons. The texts belong to the configuration. */
struct cjd_udp_devices {
    bool is_all;
    size_t count;
    char **name; /* device, or an IPv4 broadcast address with or without port */
};

/* One network a beacon is sent to. */
struct cjd_udp_outlet {
    uint32_t device;
    uint8_t source[16]; /* where it comes from, in network order */
    struct cjd_linkaddr to;
};

struct cjd_udp_outlets {
    uint32_t count;
    struct cjd_udp_outlet v[CJD_UDP_OUTLETS_MAX];
};

struct cjd_udp_outlet_wish {
    int family;
    uint16_t port;        /* of beacons */
    const uint8_t *bound; /* the link's own address; NULL: any */
    const struct cjd_udp_devices *devices;
};

/* The group of IPv6 beacons, with the scope of one link. */
extern const uint8_t cjd_udp_beacon_group[16];

/* Finds the networks that take part: up, no loopback device, not the TUN device of this network,
 * and named by the operator. */
void cjd_udp_outlets_find(struct cjd_udp_outlets *out, const struct cjd_udp_outlet_wish *wish,
                          const struct cjd_netdevs *all);
/* Whether `now` has one that `before` had not. */
bool cjd_udp_outlets_has_new(const struct cjd_udp_outlets *before,
                             const struct cjd_udp_outlets *now);
bool cjd_udp_outlets_has_device(const struct cjd_udp_outlets *outlets, uint32_t device);

/* What becomes of a datagram at the beacon port. */
#define CJD_UDP_VERDICT_LIST(X)                                                                    \
    X(GOOD, heard)                                                                                 \
    X(MALFORMED, malformed) /* too short, or another magic or version */                           \
    X(PORT, no_port)        /* it names port 0 */                                                  \
    X(DEVICE, device)       /* it came in by a device that does not take part */                   \
    X(OFF_LINK, off_link)   /* its source is not in the network of that device */

enum cjd_udp_verdict {
#define CJD_UDP_VERDICT_ENUM(name, counter) CJD_UDP_VERDICT_##name,
    CJD_UDP_VERDICT_LIST(CJD_UDP_VERDICT_ENUM)
#undef CJD_UDP_VERDICT_ENUM
};

/* How a datagram arrived. */
struct cjd_udp_arrival {
    uint32_t device;
    int family;
    struct cjd_linkaddr source; /* canonical */
    const uint8_t *bytes;
    size_t len;
};

/* GOOD: the beacon, and where its sender takes link traffic. */
enum cjd_udp_verdict cjd_udp_beacon_judge(const struct cjd_udp_arrival *in,
                                          const struct cjd_udp_outlets *outlets,
                                          const struct cjd_netdevs *all, struct cjd_beacon *beacon,
                                          struct cjd_linkaddr *addr);

#endif
