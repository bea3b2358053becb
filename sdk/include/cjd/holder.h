/**
 * Who holds a port of this machine: for the message that it is taken.
 *
 * Compiled into every plugin (from sdk/src). Reads the tables of /proc only; without permission to
 * look, nothing is found.
 */
#ifndef CJD_HOLDER_H
#define CJD_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A port somebody wanted. */
struct cjd_holder_port {
    bool is_tcp;    /**< else UDP */
    int family;     /**< 4 or 6 */
    uint8_t ip[16]; /**< of family 4 the first four bytes; all zeros: any address */
    uint16_t port;
};

/** Room for what cjd_holder_find() writes. */
#define CJD_HOLDER_SIZE 80u

/**
 * [any] Finds the process that is in the way of a port.
 * @param proc where the tables are: "/proc"
 * @param out  [out] "process 812 (named)"; needs CJD_HOLDER_SIZE bytes
 * @return false: not found, or not permitted to look
 */
bool cjd_holder_find(const char *proc, const struct cjd_holder_port *port, char *out, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
