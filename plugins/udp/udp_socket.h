/*
 * The socket of a UDP link.
 *
 * Control thread, in acquire: ports below 1024 need a privilege.
 */
#ifndef UDP_SOCKET_H
#define UDP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include <cjd/logger.h>
#include <cjd/plugin.h>

#include "udp_addr.h"

struct cjd_udp_socket_wish {
    const struct cjd_udp_target *bind;
    uint8_t dscp;
    bool is_beacon; /* broadcasts; is told by which device a datagram came in; shares its port */
    const char *pointer; /* the place in the configuration that is to blame */
};

/*
 * Makes a non-blocking socket bound as wished.
 * @param bound [out] the address with the port the system chose
 * @return the descriptor, or an error with its text: CJD_ERR_BUSY if the address is taken
 */
CJD_MUST_CHECK int cjd_udp_socket_open(const struct cjd_udp_socket_wish *wish,
                                       const struct cjd_logger *log, struct cjd_linkaddr *bound,
                                       struct cjd_plugin_error *error);

#endif
