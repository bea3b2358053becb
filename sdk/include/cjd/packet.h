/**
 * Packets and vectors of packets: what moves on the data path.
 *
 * One packet is one contiguous buffer with headroom in front of and tailroom behind the data.
 * Packets are made and freed by the host's pool; a function that takes a vector says whether it
 * consumes the packets. The layout is part of the ABI and fixed by static assertion.
 *
 *      buf            buf+off        buf+off+len        buf+cap
 *       |  headroom    |     data      |    tailroom     |
 */
#ifndef CJD_PACKET_H
#define CJD_PACKET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cjd/types.h>

/** Bytes the host leaves free in front of a packet it allocates. Enough for the worst chain:
 *  outer handshake 120 + switch header 12 + inner handshake 120 + handle 4 + data header 4, and
 *  the largest link header. */
#define CJD_PKT_HEADROOM 512u
/** Size of the small buffer class, bytes; holds the largest datagram of a reference node, 3496. */
#define CJD_PKT_SMALL 4096u
/** Size of the large buffer class, bytes; for super-segments. */
#define CJD_PKT_LARGE (65536u + 1024u)
/** Largest number of packets in one vector. */
#define CJD_VEC_MAX 256u

/** cjd_pkt.gso_type */
#define CJD_GSO_NONE 0u
#define CJD_GSO_UDP  1u /**< equal datagrams of gso_size bytes, the last may be shorter */
#define CJD_GSO_TCP6 2u /**< one IPv6/TCP packet to be cut into segments of gso_size payload */

/** cjd_pkt.flags */
#define CJD_PKT_VIEW      (1u << 0) /**< shares its buffer with other packets */
#define CJD_PKT_BROADCAST (1u << 1) /**< arrived as link-layer broadcast or multicast (beacons) */

struct cjd_pkt {
    union {
        uint8_t *buf;
        uint64_t buf_bits;
    };
    uint32_t off;      /**< start of data in buf */
    uint32_t len;      /**< bytes of data */
    uint32_t cap;      /**< bytes of buf */
    uint32_t flags;    /**< CJD_PKT_… */
    uint32_t link;     /**< link it came from or leaves by; set by the host */
    uint16_t queue;    /**< queue of that link */
    uint16_t peer_gen; /**< generation of `peer`; set by the host */
    uint32_t peer;     /**< index of the peer; set by the host */
    uint32_t hash;     /**< flow hash, spreads flows over queues; 0 = not computed */
    uint16_t gso_size; /**< ≠ 0: several segments in one buffer */
    uint16_t gso_type; /**< CJD_GSO_… */
    uint16_t l4_off;
    uint16_t csum_start;
    uint16_t csum_off;
    uint16_t hdr_len;
    uint32_t pad;
    uint64_t rx_ns;           /**< monotonic time of reception, 0 = unknown */
    struct cjd_linkaddr addr; /**< received: sender's link address; to send: receiver's */
    /* What follows is private to the host. */
};

static_assert(offsetof(struct cjd_pkt, len) == 12, "ABI");
static_assert(offsetof(struct cjd_pkt, peer) == 32, "ABI");
static_assert(offsetof(struct cjd_pkt, rx_ns) == 56, "ABI");
static_assert(offsetof(struct cjd_pkt, addr) == 64, "ABI");
static_assert(sizeof(struct cjd_pkt) == 128, "ABI");

/** A vector of packets. The array belongs to whoever made the vector. */
struct cjd_vec {
    uint32_t size; /**< sizeof(struct cjd_vec) of the maker */
    uint16_t n;    /**< packets in it */
    uint16_t cap;  /**< room of the array */
    struct cjd_pkt **v;
};

/** Declares a vector `name` with room for `count` packets on the stack. */
#define CJD_VEC_LOCAL(name, count)                                                                 \
    struct cjd_pkt *name##_array[(count)];                                                         \
    struct cjd_vec name = {                                                                        \
        .size = (uint32_t)sizeof(struct cjd_vec), .n = 0, .cap = (count), .v = name##_array}

static inline uint8_t *cjd_pkt_data(const struct cjd_pkt *p)
{
    return p->buf + p->off;
}

static inline uint32_t cjd_pkt_headroom(const struct cjd_pkt *p)
{
    return p->off;
}

static inline uint32_t cjd_pkt_tailroom(const struct cjd_pkt *p)
{
    return p->cap - p->off - p->len;
}

/** A caller that asks for room that is not there has a bug: debug builds abort. */
static inline bool cjd_pkt_misuse(bool misuse)
{
#ifdef CJD_DEBUG
    if (misuse) {
        abort();
    }
#endif
    return misuse;
}

/** Grows the data by n bytes at the front. False (release builds): no headroom, unchanged. */
static inline bool cjd_pkt_push(struct cjd_pkt *p, uint32_t n)
{
    if (cjd_pkt_misuse(n > p->off)) {
        return false;
    }
    p->off -= n;
    p->len += n;
    return true;
}

/** Removes n bytes from the front. */
static inline bool cjd_pkt_pull(struct cjd_pkt *p, uint32_t n)
{
    if (cjd_pkt_misuse(n > p->len)) {
        return false;
    }
    p->off += n;
    p->len -= n;
    return true;
}

/** Grows the data by n bytes at the end. */
static inline bool cjd_pkt_put(struct cjd_pkt *p, uint32_t n)
{
    if (cjd_pkt_misuse(n > cjd_pkt_tailroom(p))) {
        return false;
    }
    p->len += n;
    return true;
}

/** Cuts the data to n bytes. */
static inline bool cjd_pkt_trim(struct cjd_pkt *p, uint32_t n)
{
    if (cjd_pkt_misuse(n > p->len)) {
        return false;
    }
    p->len = n;
    return true;
}

/** Appends a packet. False: the vector is full, the packet stays with the caller. */
static inline bool cjd_vec_add(struct cjd_vec *vec, struct cjd_pkt *p)
{
    if (vec->n >= vec->cap) {
        return false;
    }
    vec->v[vec->n++] = p;
    return true;
}

#endif
