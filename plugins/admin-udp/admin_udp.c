/* The plugin: its constant and its life. */
#include "admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

extern const char cjd_admin_udp_schema[];

static int fail(struct cjd_plugin_error *error, int err, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return err;
}

static int admin_create(const struct cjd_host *host, void **self, struct cjd_plugin_error *error)
{
    struct admin *a = calloc(1, sizeof *a);

    if (!a || sodium_init() < 0) {
        free(a);
        return fail(error, CJD_ERR_NO_MEMORY, "out of memory");
    }
    a->host = host;
    a->fd = -1;
    a->tcp_fd = -1;
    cjd_logger_init(&a->log, host);
    a->rpc = host->get(host, CJD_SERVICE_RPC, 1);
    a->loop = host->get(host, CJD_SERVICE_LOOP, 1);
    a->time = host->get(host, CJD_SERVICE_TIME, 1);
    a->random = host->get(host, CJD_SERVICE_RANDOM, 1);
    if (!a->rpc || !a->loop || !a->time || !a->random) {
        free(a);
        return fail(error, CJD_ERR_VERSION, "the host lacks a service that this plugin needs");
    }
    *self = a;
    return 0;
}

static void admin_destroy(void *self)
{
    struct admin *a = self;

    admin_config_fini(&a->config);
    free(a);
}

/* Everything but the address can change while it runs. */
static int admin_configure(void *self, const json_t *json, struct cjd_plugin_error *error)
{
    struct admin *a = self;
    struct admin_config config;
    int err = admin_config_read(&config, json, error);

    if (err == 0 && a->fd >= 0 && !admin_config_same_place(&a->config, &config)) {
        err = CJD_ERR_RESTART_NEEDED;
    }
    if (err == 0) {
        a->config = config;
        a->is_configured = true;
    }
    admin_config_fini(&config);
    return err;
}

static int admin_acquire(void *self, struct cjd_plugin_error *error)
{
    return admin_sockets_open(self, error);
}

static void admin_release(void *self)
{
    admin_sockets_close(self);
}

static int admin_start(void *self, struct cjd_plugin_error *error)
{
    struct admin *a = self;
    int err = admin_sockets_watch(a);

    if (err < 0) {
        return fail(error, err, "the socket cannot be watched");
    }
    if (a->config.is_open) {
        cjd_logger_write(&a->log, CJD_LEVEL_WARN,
                         "no password: whoever can send to %s controls this node", a->config.bind);
    } else {
        cjd_logger_write(&a->log, CJD_LEVEL_INFO, "listening on %s%s", a->config.bind,
                         a->config.has_tcp ? ", also TCP" : "");
    }
    return 0;
}

static void admin_stop(void *self)
{
    struct admin *a = self;

    admin_streams_end(a);
    admin_requests_end(a);
    admin_sockets_unwatch(a);
    cjd_logger_write(&a->log, CJD_LEVEL_DEBUG,
                     "requests=%llu unreadable=%llu refused=%llu limited=%llu unsent=%llu",
                     (unsigned long long)a->counts.requests, (unsigned long long)a->counts.dropped,
                     (unsigned long long)a->counts.refused, (unsigned long long)a->counts.limited,
                     (unsigned long long)a->counts.unsent);
}

static const struct cjd_need needs[] = {{CJD_SERVICE_RPC, 1, 0},  {CJD_SERVICE_LOOP, 1, 0},
                                        {CJD_SERVICE_TIME, 1, 0}, {CJD_SERVICE_RANDOM, 1, 0},
                                        {CJD_SERVICE_LOG, 1, 1},  {NULL, 0, 0}};

CJD_PLUGIN(.id = "admin-udp", .version = "0.1.0",
           .summary = "bencode admin protocol for existing tools", .license = "ISC",
           .provides = CJD_PROVIDES_RPC_SERVER, .needs = needs,
           .config_schema = cjd_admin_udp_schema,
           .ops = {.size = sizeof(struct cjd_plugin_ops),
                   .create = admin_create,
                   .destroy = admin_destroy,
                   .configure = admin_configure,
                   .acquire = admin_acquire,
                   .release = admin_release,
                   .start = admin_start,
                   .stop = admin_stop});
