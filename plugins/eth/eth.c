#include "eth.h"

#include "eth_rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char cjd_eth_schema[];

/* Sockets more than devices are named, for those that a reload adds. */
#define SPARES 8u

/* --- create, configure
 * ---------------------------------------------------------------------------- */

static int fail(struct cjd_plugin_error *error, int err, const char *text)
{
    if (error) {
        error->pointer[0] = '\0';
        snprintf(error->text, sizeof error->text, "%s", text);
    }
    return err;
}

static bool fetch_services(struct cjd_eth *eth)
{
    const struct cjd_host *host = eth->host;

    cjd_logger_init(&eth->log, host);
    eth->link = host->get(host, CJD_SERVICE_LINK, 1);
    eth->packet = host->get(host, CJD_SERVICE_PACKET, 1);
    eth->netif = host->get(host, CJD_SERVICE_NETIF, 1);
    eth->beacon = (struct cjd_eth_beacon_env){.host = host,
                                              .loop = host->get(host, CJD_SERVICE_LOOP, 1),
                                              .time = host->get(host, CJD_SERVICE_TIME, 1),
                                              .random = host->get(host, CJD_SERVICE_RANDOM, 1),
                                              .beacon = host->get(host, CJD_SERVICE_BEACON, 1)};
    eth->peers = (struct cjd_eth_peers_env){.host = host,
                                            .peer = host->get(host, CJD_SERVICE_PEER, 1),
                                            .time = eth->beacon.time,
                                            .log = &eth->log};
    return eth->link && eth->packet && eth->beacon.loop && eth->beacon.time && eth->beacon.random &&
           eth->beacon.beacon && eth->peers.peer;
}

static int eth_create(const struct cjd_host *host, void **self, struct cjd_plugin_error *error)
{
    struct cjd_eth *eth = calloc(1, sizeof *eth);
    struct cjd_netdevs *netdevs = calloc(1, sizeof *netdevs);

    if (!eth || !netdevs) {
        free(eth);
        free(netdevs);
        return fail(error, CJD_ERR_NO_MEMORY, cjd_err_text(CJD_ERR_NO_MEMORY));
    }
    eth->host = host;
    eth->netdevs = netdevs;
    eth->watch = (struct cjd_netwatch)CJD_NETWATCH_CLOSED;
    if (!fetch_services(eth)) {
        free(netdevs);
        free(eth);
        return fail(error, CJD_ERR_VERSION, "the host lacks a service that this plugin needs");
    }
    *self = eth;
    return 0;
}

static void eth_destroy(void *self)
{
    struct cjd_eth *eth = self;

    if (eth) {
        cjd_eth_config_free(eth->config);
        free(eth->netdevs);
        free(eth);
    }
}

/* --- places -------------------------------------------------------------------------------------
 */

static struct cjd_eth_device *place_of(const struct cjd_eth *eth, const char *wanted)
{
    for (size_t i = 0; i < eth->count; i++) {
        if (strcmp(eth->v[i]->wanted, wanted) == 0) {
            return eth->v[i];
        }
    }
    return NULL;
}

/* A free place, or else one of "all", gets the name; there are enough of them. */
static void name_place(struct cjd_eth *eth, const char *wanted)
{
    struct cjd_eth_device *chosen = NULL;

    for (size_t i = 0; i < eth->count; i++) {
        struct cjd_eth_device *d = eth->v[i];
        if (d->wanted[0] == '\0' && (!chosen || d->name[0] == '\0')) {
            chosen = d;
        }
    }
    if (chosen) {
        cjd_eth_device_clear(chosen);
        snprintf(chosen->wanted, sizeof chosen->wanted, "%s", wanted);
    }
}

static int open_places(struct cjd_eth *eth, size_t count)
{
    struct cjd_eth_device **v = realloc(eth->v, (count + 1) * sizeof(*v));
    int err = v ? 0 : CJD_ERR_NO_MEMORY;

    eth->v = v ? v : eth->v;
    while (err == 0 && eth->count < count) {
        err = cjd_eth_device_new(&eth->v[eth->count], eth, "");
        eth->count += err == 0;
    }
    return err;
}

/* Places for all names of a configuration, the rest is for "all". Those no longer named become
 * free: a socket once opened is kept, it may be impossible to open another. */
static int arrange_places(struct cjd_eth *eth, const struct cjd_eth_config *config)
{
    size_t wanted = config->has_all ? CJD_ETH_DEVICES_MAX : config->device_count;

    if (wanted > eth->count) {
        int err = open_places(eth, wanted);
        if (err != 0) {
            return err;
        }
    }
    for (size_t i = 0; i < eth->count; i++) {
        struct cjd_eth_device *d = eth->v[i];
        bool is_named = d->wanted[0] != '\0';
        if (is_named ? !cjd_eth_config_names(config, d->wanted) : !config->has_all) {
            cjd_eth_device_clear(d);
            d->wanted[0] = '\0';
        }
    }
    for (size_t i = 0; i < config->device_count; i++) {
        if (!place_of(eth, config->devices[i])) {
            name_place(eth, config->devices[i]);
        }
    }
    return 0;
}

static void free_places(struct cjd_eth *eth)
{
    for (size_t i = 0; i < eth->count; i++) {
        cjd_eth_device_free(eth->v[i]);
    }
    free(eth->v);
    eth->v = NULL;
    eth->count = 0;
}

/* --- reload -------------------------------------------------------------------------------------
 */

/* Takes a configuration into force. One that needs sockets that cannot be had any more changes
 * nothing. */
static int reconfigure(struct cjd_eth *eth, struct cjd_eth_config *config)
{
    struct cjd_eth_config *old = eth->config;
    int err = eth->is_acquired ? arrange_places(eth, config) : 0;

    if (err != 0) {
        return CJD_ERR_RESTART_NEEDED;
    }
    eth->config = config;
    for (size_t i = 0; i < eth->count; i++) {
        cjd_eth_device_reconfigure(eth->v[i]);
    }
    if (eth->is_started) {
        cjd_eth_settle(eth);
    }
    cjd_eth_config_free(old);
    return 0;
}

static int eth_configure(void *self, const json_t *json, struct cjd_plugin_error *error)
{
    struct cjd_eth *eth = self;
    struct cjd_eth_config *config;

    int err = cjd_eth_config_read(&config, json, error);
    if (err != 0) {
        return err;
    }
    if (!eth->config) {
        eth->config = config;
        return 0;
    }
    err = reconfigure(eth, config);
    if (err != 0) {
        cjd_eth_config_free(config);
    }
    return err;
}

/* --- acquire
 * -------------------------------------------------------------------------------------- */

static void eth_release(void *self)
{
    struct cjd_eth *eth = self;

    free_places(eth);
    cjd_netwatch_close(&eth->watch);
    eth->is_acquired = false;
}

static int explain(struct cjd_plugin_error *error, int err)
{
    switch (err) {
    case CJD_ERR_PERMISSION:
        return fail(error, err,
                    "cannot open a packet socket: start as root, or with the capability "
                    "CAP_NET_RAW");
    case CJD_ERR_UNSUPPORTED:
        return fail(error, err,
                    "this system has no packet sockets (CONFIG_PACKET): leave this plugin out");
    default:
        return fail(error, err, cjd_err_text(err));
    }
}

static int eth_acquire(void *self, struct cjd_plugin_error *error)
{
    struct cjd_eth *eth = self;

    if (!eth->config || eth->is_acquired) {
        return fail(error, CJD_ERR_STATE, cjd_err_text(CJD_ERR_STATE));
    }
    int err = cjd_netwatch_open(&eth->watch);
    if (err != 0) {
        return fail(error, err, "cannot follow network devices: no netlink socket");
    }
    err = open_places(eth, eth->config->device_count + SPARES);
    err = err == 0 ? arrange_places(eth, eth->config) : err;
    if (err != 0) {
        eth_release(eth);
        return explain(error, err);
    }
    eth->is_acquired = true;
    return 0;
}

/* --- start, stop
 * ---------------------------------------------------------------------------------- */

static void on_peer_event(void *arg, const struct cjd_peer_event *event)
{
    struct cjd_eth *eth = arg;

    for (size_t i = 0; i < eth->count; i++) {
        struct cjd_eth_device *d = eth->v[i];
        if (d->has_link && d->io.link_id == event->link) {
            cjd_eth_peers_event(&d->peers, event);
        }
    }
}

static void on_change(void *arg, int fd, uint32_t events)
{
    struct cjd_eth *eth = arg;

    (void)fd;
    (void)events;
    if (cjd_netwatch_drain(&eth->watch)) {
        cjd_eth_settle(eth);
    }
}

static int eth_start(void *self, struct cjd_plugin_error *error)
{
    struct cjd_eth *eth = self;
    const struct cjd_loop_service *loop = eth->beacon.loop;

    if (!eth->is_acquired || eth->is_started) {
        return fail(error, CJD_ERR_STATE, cjd_err_text(CJD_ERR_STATE));
    }
    int err = eth->peers.peer->watch(eth->host, on_peer_event, eth);
    if (err == 0) {
        err = loop->fd_watch(eth->host, &eth->fd_watch, eth->watch.fd, CJD_FD_READ, on_change, eth);
    }
    if (err != 0) {
        return fail(error, err, cjd_err_text(err));
    }
    loop->timer_init(eth->host, &eth->retry, cjd_eth_on_retry, eth);
    eth->is_started = true;
    cjd_eth_settle(eth);
    cjd_eth_rpc_offer(eth);
    return 0;
}

static void eth_stop(void *self)
{
    struct cjd_eth *eth = self;

    if (!eth->is_started) {
        return;
    }
    eth->is_started = false;
    eth->beacon.loop->timer_cancel(eth->host, &eth->retry);
    eth->beacon.loop->fd_unwatch(eth->host, eth->fd_watch);
    eth->fd_watch = NULL;
    for (size_t i = 0; i < eth->count; i++) {
        cjd_eth_device_clear(eth->v[i]);
    }
}

/* --- what the host reads
 * -------------------------------------------------------------------------- */

static const struct cjd_need needs[] = {{CJD_SERVICE_LOG, 1, 1},    {CJD_SERVICE_TIME, 1, 0},
                                        {CJD_SERVICE_RANDOM, 1, 0}, {CJD_SERVICE_LOOP, 1, 0},
                                        {CJD_SERVICE_PACKET, 1, 0}, {CJD_SERVICE_LINK, 1, 0},
                                        {CJD_SERVICE_PEER, 1, 0},   {CJD_SERVICE_BEACON, 1, 0},
                                        {CJD_SERVICE_NETIF, 1, 1},  {NULL, 0, 0}};

CJD_PLUGIN(.id = "eth", .version = CJD_VERSION, .summary = "Links over Ethernet, with beacons",
           .license = "ISC", .provides = CJD_PROVIDES_LINK, .needs_caps = CJD_CAP_NET_RAW,
           .needs = needs, .config_schema = cjd_eth_schema,
           .ops = {.size = sizeof(struct cjd_plugin_ops),
                   .create = eth_create,
                   .destroy = eth_destroy,
                   .configure = eth_configure,
                   .acquire = eth_acquire,
                   .release = eth_release,
                   .start = eth_start,
                   .stop = eth_stop});
