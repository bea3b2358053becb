/*
 * One instance of the TUN plugin: a device, and its packets.
 *
 * Life cycle in tun.c; the parts are tun_config (what is wanted), tun_device and tun_reason
 * (getting it, and why not), tun_manage (address, MTU, state), tun_io (packets).
 */
#ifndef TUN_H
#define TUN_H

#include <cjd/logger.h>
#include <cjd/plugin.h>

#include "tun_config.h"
#include "tun_device.h"
#include "tun_io.h"
#include "tun_manage.h"

struct cjd_tun {
    const struct cjd_host *host;
    struct cjd_logger log;
    const struct cjd_frontend_service *frontend;
    const struct cjd_netif_service *netif; /* may be NULL */
    const struct cjd_tun_paths *paths;     /* tests put others here, before acquire */

    struct cjd_tun_config config; /* in force */
    bool is_configured;
    bool is_acquired;
    bool is_started;
    struct cjd_tun_device device;
    uint32_t mtu; /* of the device, after acquire */
    struct cjd_tun_io io;
};

/* What the plugin exports; named here for tests that are linked with it. */
extern const struct cjd_plugin cjd_plugin_abi1;

#endif
