/*
 * Addresses of UDP links: text forms, checks, and the canonical link address.
 *
 * The link address of a peer is its socket address with everything zero that does not identify it
 * (link notes §2.2): family, port, address, and the scope of link-local addresses remain. Pure
 * functions, any thread.
 */
#ifndef UDP_ADDR_H
#define UDP_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <net/if.h>
#include <sys/socket.h>

#include <cjd/err.h>
#include <cjd/types.h>

/* Longest host name (RFC 1035 §2.3.4), and the longest text of an address, both with NUL. */
#define CJD_UDP_HOST_SIZE 254u
#define CJD_UDP_TEXT_SIZE 80u

/* An endpoint as written: "192.0.2.1:5199", "[2001:db8::1]:5199", "[fe80::1%eth0]:5199",
 * "node.example.org:5199". */
struct cjd_udp_target {
    int family;    /* AF_INET, AF_INET6; AF_UNSPEC: a host name */
    uint16_t port; /* 0: the system chooses (bind addresses only) */
    bool has_port;
    uint8_t ip[16];               /* 4 or 16 bytes in network order */
    char zone[IF_NAMESIZE];       /* device or number behind '%'; "" = none */
    char host[CJD_UDP_HOST_SIZE]; /* AF_UNSPEC: the name, no trailing dot */
};

/* Reads an endpoint. On CJD_ERR_PARSE `why` says what is wrong with it (static text). */
CJD_MUST_CHECK int cjd_udp_target_parse(struct cjd_udp_target *out, const char *text,
                                        const char **why);

/* Whether it can be a peer of a link bound to `family`; whether it can be bound to. CJD_ERR_CONFIG
 * with a `why` if not. */
CJD_MUST_CHECK int cjd_udp_target_check_peer(const struct cjd_udp_target *target, int family,
                                             const char **why);
CJD_MUST_CHECK int cjd_udp_target_check_bind(const struct cjd_udp_target *target, const char **why);

/* Whether a datagram may be addressed to it: no multicast, no IPv4 broadcast, not mapped. */
bool cjd_udp_ip_is_usable(int family, const uint8_t *ip);
bool cjd_udp_ip_is_any(int family, const uint8_t *ip);

/* Index of the device behind '%', by name or number; 0 for "". CJD_ERR_NO_DEVICE. */
CJD_MUST_CHECK int cjd_udp_zone_index(const char *zone, uint32_t *index);

/* The canonical link address. */
void cjd_udp_addr_make(struct cjd_linkaddr *out, int family, const uint8_t *ip, uint16_t port,
                       uint32_t scope);
/* The same for a peer that is configured or resolved: the all-zero address becomes loopback. */
void cjd_udp_addr_make_peer(struct cjd_linkaddr *out, int family, const uint8_t *ip, uint16_t port,
                            uint32_t scope);
/* Brings a socket address that the system wrote into addr->b into canonical form. False: it is not
 * of this family, or nothing could be sent back to it. */
bool cjd_udp_addr_canon(struct cjd_linkaddr *addr, socklen_t len, int family);
/* Whether it is a canonical address of the family. */
bool cjd_udp_addr_is_valid(const struct cjd_linkaddr *addr, int family);
bool cjd_udp_addr_equal(const struct cjd_linkaddr *a, const struct cjd_linkaddr *b);

/* Port of an address of either family; 0 for others. */
uint16_t cjd_udp_addr_port(const struct cjd_linkaddr *addr);
/* "192.0.2.1:5199", "[fe80::1%2]:5199". Returns the length, CJD_ERR_INVALID or _TOO_LONG. */
int cjd_udp_addr_text(const struct cjd_linkaddr *addr, char *out, size_t cap);

#endif
