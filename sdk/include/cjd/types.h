/**
 * Keys, addresses, labels and link addresses as they cross rooms and the plugin border.
 *
 * Text forms are in text.h. All are plain values: copied, never owned.
 */
#ifndef CJD_TYPES_H
#define CJD_TYPES_H

#include <assert.h>
#include <stdint.h>

/** A node's IPv6 address: first 16 bytes of SHA-512(SHA-512(key)), first byte 0xfc. */
struct cjd_addr {
    uint8_t b[16];
};

/** A permanent Curve25519 public key. */
struct cjd_key {
    uint8_t b[32];
};

/** Largest link-layer address, bytes. */
#define CJD_LINKADDR_MAX 60u

/**
 * Address of a neighbour on one link: opaque to the core, made and read by the link plugin only.
 * Two addresses are equal if length and the first `len` bytes are.
 */
struct cjd_linkaddr {
    uint8_t b[CJD_LINKADDR_MAX]; /**< 8-byte aligned, so that a sockaddr may be received into it */
    uint32_t len;                /**< 0 … CJD_LINKADDR_MAX */
};

static_assert(sizeof(struct cjd_linkaddr) == 64, "part of struct cjd_pkt");

#endif
