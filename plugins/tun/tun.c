#include "tun.h"

#include <stdlib.h>

extern const char cjd_tun_schema[];

/* --- create, configure
 * ---------------------------------------------------------------------------- */

static bool fetch_services(struct cjd_tun *tun)
{
    const struct cjd_host *host = tun->host;
    struct cjd_tun_io *io = &tun->io;

    cjd_logger_init(&tun->log, host);
    tun->frontend = host->get(host, CJD_SERVICE_FRONTEND, 1);
    tun->netif = host->get(host, CJD_SERVICE_NETIF, 1);
    io->host = host;
    io->packet = host->get(host, CJD_SERVICE_PACKET, 1);
    io->time = host->get(host, CJD_SERVICE_TIME, 1);
    io->loop = host->get(host, CJD_SERVICE_LOOP, 1);
    io->frontend = tun->frontend;
    io->log = &tun->log;
    return tun->frontend && io->packet && io->time && io->loop;
}

static int tun_create(const struct cjd_host *host, void **self, struct cjd_plugin_error *error)
{
    struct cjd_tun *tun = calloc(1, sizeof *tun);

    if (!tun) {
        return cjd_tun_fail(error, "", CJD_ERR_NO_MEMORY, "out of memory");
    }
    tun->host = host;
    tun->paths = &cjd_tun_system_paths;
    tun->device.fd = -1;
    if (!fetch_services(tun)) {
        free(tun);
        return cjd_tun_fail(error, "", CJD_ERR_VERSION,
                            "the host lacks a service that this plugin needs");
    }
    *self = tun;
    return 0;
}

static void tun_destroy(void *self)
{
    free(self);
}

static int tun_configure(void *self, const json_t *json, struct cjd_plugin_error *error)
{
    struct cjd_tun *tun = self;
    struct cjd_tun_config config;

    int err = cjd_tun_config_read(&config, json, error);
    if (err != 0) {
        return err;
    }
    if (tun->is_acquired && !cjd_tun_config_equal(&tun->config, &config)) {
        return CJD_ERR_RESTART_NEEDED;
    }
    tun->config = config;
    tun->is_configured = true;
    return 0;
}

/* --- acquire
 * -------------------------------------------------------------------------------------- */

static void tun_release(void *self)
{
    struct cjd_tun *tun = self;

    cjd_tun_device_close(&tun->device);
    tun->is_acquired = false;
}

static int open_device(struct cjd_tun *tun, struct cjd_plugin_error *error)
{
    if (tun->config.fd >= 0) {
        return cjd_tun_device_inherit(&tun->device, tun->config.fd, tun->paths, error);
    }
    return cjd_tun_device_open(&tun->device, tun->config.device, tun->paths, error);
}

static int manage_device(struct cjd_tun *tun, struct cjd_plugin_error *error)
{
    struct cjd_tun_manage_env env = {
        .host = tun->host, .netif = tun->netif, .log = &tun->log, .paths = tun->paths};
    struct cjd_addr own;

    tun->mtu = tun->config.mtu;
    if (tun->device.name[0] == '\0') {
        return 0; /* no device, nothing to look after */
    }
    tun->frontend->own_addr(tun->host, &own);
    if (own.b[0] != 0xfc && tun->config.manage != CJD_TUN_NEVER) {
        return cjd_tun_fail(error, "", CJD_ERR_STATE, "the host does not know its address yet");
    }
    return cjd_tun_manage(&env, tun->config.manage, tun->device.name, &own, &tun->mtu, error);
}

static int tun_acquire(void *self, struct cjd_plugin_error *error)
{
    struct cjd_tun *tun = self;

    if (!tun->is_configured || tun->is_acquired) {
        return cjd_tun_fail(error, "", CJD_ERR_STATE, "%s", cjd_err_text(CJD_ERR_STATE));
    }
    int err = open_device(tun, error);
    err = err == 0 ? manage_device(tun, error) : err;
    if (err != 0) {
        cjd_tun_device_close(&tun->device);
        return err;
    }
    tun->is_acquired = true;
    return 0;
}

/* --- start, stop
 * ---------------------------------------------------------------------------------- */

static int tun_start(void *self, struct cjd_plugin_error *error)
{
    struct cjd_tun *tun = self;

    if (!tun->is_acquired || tun->is_started) {
        return cjd_tun_fail(error, "", CJD_ERR_STATE, "%s", cjd_err_text(CJD_ERR_STATE));
    }
    int err = cjd_tun_io_start(&tun->io, tun->device.fd, tun->device.name, tun->mtu);
    if (err != 0) {
        return cjd_tun_fail(error, "", err, "%s",
                            err == CJD_ERR_EXISTS ? "there is another packet interface already: "
                                                    "list this plugin once only"
                                                  : cjd_err_text(err));
    }
    tun->is_started = true;
    cjd_logger_write(&tun->log, CJD_LEVEL_INFO, "device %s, MTU %u", tun->io.device, tun->mtu);
    return 0;
}

static void tun_stop(void *self)
{
    struct cjd_tun *tun = self;

    if (tun->is_started) {
        tun->is_started = false;
        cjd_tun_io_stop(&tun->io);
    }
}

/* --- what the host reads
 * -------------------------------------------------------------------------- */

static const struct cjd_need needs[] = {{CJD_SERVICE_LOG, 1, 1},
                                        {CJD_SERVICE_TIME, 1, 0},
                                        {CJD_SERVICE_LOOP, 1, 0},
                                        {CJD_SERVICE_PACKET, 1, 0},
                                        {CJD_SERVICE_NETIF, 1, 1},
                                        {CJD_SERVICE_FRONTEND, 1, 0},
                                        {NULL, 0, 0}};

CJD_PLUGIN(.id = "tun", .version = CJD_VERSION,
           .summary = "This machine's IPv6 packets, by a TUN device", .license = "ISC",
           .provides = CJD_PROVIDES_TUN, .needs_caps = CJD_CAP_NET_ADMIN, .needs = needs,
           .config_schema = cjd_tun_schema,
           .ops = {.size = sizeof(struct cjd_plugin_ops),
                   .create = tun_create,
                   .destroy = tun_destroy,
                   .configure = tun_configure,
                   .acquire = tun_acquire,
                   .release = tun_release,
                   .start = tun_start,
                   .stop = tun_stop});
