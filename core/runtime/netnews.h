/*
 * What the kernel tells of addresses, routes and devices, and which of it may change how a
 * neighbour is reached.
 *
 * rtnetlink repeats itself: router advertisements renew addresses and routes, radios report their
 * scans. A message counts only if it says something new. Routes of routing daemons come by the
 * thousand and count only if they are default routes; a neighbour behind another one that changes
 * is found silent. Reading is pure; the socket needs no privilege.
 */
#ifndef CJD_RUNTIME_NETNEWS_H
#define CJD_RUNTIME_NETNEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CJD_NETNEWS_DEVICES 64u
#define CJD_NETNEWS_KNOWN   256u

struct cjd_netnews {
    struct {
        uint32_t index;
        uint32_t flags; /* up, running, carrier */
    } device[CJD_NETNEWS_DEVICES];
    uint32_t device_next;
    uint64_t known[CJD_NETNEWS_KNOWN]; /* hashes of addresses and routes; 0: free */
    uint32_t known_next;
};

/* One datagram of the kernel, aligned to 4 bytes. True: something changed. */
bool cjd_netnews_feed(struct cjd_netnews *w, const uint8_t *bytes, size_t len);

/* The descriptor, or a negative error. */
int cjd_netnews_open(void);
/* Reads all that is there. True: something changed, or the kernel had more to say than the socket
 * could hold. */
bool cjd_netnews_read(struct cjd_netnews *w, int fd);

#endif
