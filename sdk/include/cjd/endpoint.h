/**
 * Where a node can be reached over IP, as people write it: an address or a host name, and a port.
 * Pure functions, any thread. Sources: RFC 3986 §3.2.2 (brackets), RFC 4007 §11 (zones).
 *
 * Compiled into every plugin (from sdk/src) and, from the same source, into the core.
 */
#ifndef CJD_ENDPOINT_H
#define CJD_ENDPOINT_H

#include <stdint.h>

#include <cjd/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/** "203.0.113.7:5199", "[2001:db8::1]:5199", "[fe80::1%eth0]:5199", "node.example.org:5199". */
struct cjd_endpoint {
    int family;     /**< 4, 6, or 0 for a name */
    uint8_t ip[16]; /**< of family 4 the first four bytes */
    char host[256]; /**< without brackets; with the zone of an IPv6 address */
    long port;      /**< 0 to 65535; -1: none */
};

/**
 * [any] Reads an endpoint.
 * @param why [out] what is wrong with it: a constant text
 * @return 0 or CJD_ERR_PARSE
 */
CJD_MUST_CHECK int cjd_endpoint_parse(struct cjd_endpoint *out, const char *text, const char **why);

/** What an address is good for (RFC 6890). */
enum cjd_ip_kind {
    CJD_IP_GLOBAL,
    CJD_IP_PRIVATE,     /**< of a local network: RFC 1918, RFC 6598, fd00::/8 */
    CJD_IP_LINK_LOCAL,  /**< 169.254.0.0/16, fe80::/10 */
    CJD_IP_LOOPBACK,    /**< this machine */
    CJD_IP_UNSPECIFIED, /**< all zeros */
    CJD_IP_MULTICAST,
    CJD_IP_BROADCAST, /**< 255.255.255.255 */
    CJD_IP_MAPPED,    /**< IPv4 in the clothes of IPv6: ::ffff:0:0/96 */
    CJD_IP_MESH,      /**< of a node of this network: fc00::/8 */
    CJD_IP_RESERVED   /**< 0.0.0.0/8 and 240.0.0.0/4 besides those above */
};

/** [any] The kind of the address in `ip`, whose family is 4 or 6. */
enum cjd_ip_kind cjd_ip_kind(int family, const uint8_t *ip);

#ifdef __cplusplus
}
#endif

#endif
