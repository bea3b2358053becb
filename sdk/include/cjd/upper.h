/**
 * cjd.upper/1: end-to-end content of types beyond user packets and router messages.
 *
 * Types 256 (router) is the core's own, 0–255 are the frontend's. A handler gets the content behind
 * the data header, authenticated: it comes from the node whose key is given.
 */
#ifndef CJD_UPPER_H
#define CJD_UPPER_H

#include <stdint.h>

#include <cjd/host.h>

#define CJD_SERVICE_UPPER "cjd.upper"

/** send flags */
#define CJD_UPPER_NO_WAIT 1u /**< fail rather than wait for a route */

struct cjd_upper_source {
    uint32_t size;
    uint32_t type;
    struct cjd_addr addr;
    struct cjd_key key;
    uint64_t label; /**< the way back */
};

/** [worker] Consumes the packet. */
typedef void (*cjd_upper_fn)(void *arg, const struct cjd_upper_source *from, struct cjd_pkt *pkt);

struct cjd_upper_service {
    uint32_t size;
    uint32_t version;
    /** [control] Types first … last go to fn. CJD_ERR_EXISTS: one of them is taken. */
    int (*type_register)(const struct cjd_host *host, uint32_t first, uint32_t last,
                         cjd_upper_fn fn, void *arg);
    /** [worker] Sends the packets to a node; consumes them. Waits (bounded) for a route and a
     *  session unless told not to. */
    int (*send)(const struct cjd_host *host, const struct cjd_addr *to, uint32_t type,
                struct cjd_vec *vec, uint32_t flags);
};

#endif
