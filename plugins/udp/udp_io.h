/*
 * What a queue of cjd/dgram.h has to know of UDP: link addresses are socket addresses in canonical
 * form, the payload of a datagram is one CryptoAuth packet (link notes §2.1).
 */
#ifndef UDP_IO_H
#define UDP_IO_H

#include <cjd/dgram.h>

/* Largest datagram a reference node takes or sends (link notes §2.1). */
#define CJD_UDP_MTU 3496u

/* Their arg is a struct cjd_udp_side. */
extern const struct cjd_dgram_ops cjd_udp_dgram_ops;

#endif
