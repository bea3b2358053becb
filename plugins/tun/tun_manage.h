/*
 * Address, MTU and link state of the device (configuration notes §15, "tun.manage").
 *
 *     always  set all three; one that cannot be set is an error
 *     auto    compare first, set what differs; what differs and cannot be set is a warning
 *     never   touch nothing
 *
 * So a device that was made beforehand works without privileges, and without a word. Control
 * thread.
 */
#ifndef TUN_MANAGE_H
#define TUN_MANAGE_H

#include <cjd/host.h>
#include <cjd/logger.h>
#include <cjd/plugin.h>

#include "tun_config.h"
#include "tun_device.h"

/* Prefix of the network, fc00::/8. */
#define CJD_TUN_PREFIX 8u

struct cjd_tun_manage_env {
    const struct cjd_host *host;
    const struct cjd_netif_service *netif; /* NULL: the host has none */
    const struct cjd_logger *log;
    const struct cjd_tun_paths *paths;
};

/*
 * @param mtu [in,out] the one wished; the one the device has in the end, where that is known
 * @return 0, or an error with its text (mode always only)
 */
CJD_MUST_CHECK int cjd_tun_manage(const struct cjd_tun_manage_env *env, enum cjd_tun_manage mode,
                                  const char *device, const struct cjd_addr *own, uint32_t *mtu,
                                  struct cjd_plugin_error *error);

#endif
