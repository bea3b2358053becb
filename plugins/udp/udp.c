#include "udp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char cjd_udp_schema[];

/* --- the link's operations
 * ------------------------------------------------------------------------ */

static int link_open(void *link, const struct cjd_link_wish *wish, struct cjd_link_given *given)
{
    struct cjd_udp *udp = link;

    (void)wish; /* one queue serves any number of workers */
    *given =
        (struct cjd_link_given){.size = sizeof *given, .queues = udp->queues, .mtu = CJD_UDP_MTU};
    return 0;
}

static int link_rx(void *link, uint32_t queue, struct cjd_vec *vec)
{
    struct cjd_udp *udp = link;
    return queue < udp->queues ? cjd_dgram_rx(&udp->queue[queue], vec) : CJD_ERR_INVALID;
}

static void link_tx(void *link, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    struct cjd_udp *udp = link;

    if (queue >= udp->queues) {
        udp->io.packet->free(udp->host, vec);
        return;
    }
    cjd_dgram_tx(&udp->queue[queue], vec, (flags & CJD_TX_MORE) == 0);
}

static void link_flush(void *link, uint32_t queue)
{
    struct cjd_udp *udp = link;

    if (queue < udp->queues) {
        cjd_dgram_flush(&udp->queue[queue]);
    }
}

static int link_queue_fd(void *link, uint32_t queue)
{
    const struct cjd_udp *udp = link;
    return queue < udp->queues ? udp->fd[queue] : -1;
}

static int link_addr_text(void *link, const struct cjd_linkaddr *addr, char *out, size_t cap)
{
    (void)link;
    return cjd_udp_addr_text(addr, out, cap);
}

static const struct cjd_link_ops link_ops = {.size = sizeof link_ops,
                                             .open = link_open,
                                             .rx = link_rx,
                                             .tx = link_tx,
                                             .flush = link_flush,
                                             .queue_fd = link_queue_fd,
                                             .addr_text = link_addr_text};

/* --- create, configure
 * ---------------------------------------------------------------------------- */

static void say(struct cjd_plugin_error *error, const char *pointer, const char *text)
{
    if (error) {
        snprintf(error->pointer, sizeof error->pointer, "%s", pointer);
        snprintf(error->text, sizeof error->text, "%s", text);
    }
}

static bool fetch_services(struct cjd_udp *udp)
{
    const struct cjd_host *host = udp->host;
    struct cjd_dgram_io *io = &udp->io;
    struct cjd_udp_peers_env *env = &udp->env;

    cjd_logger_init(&udp->log, host);
    udp->link = host->get(host, CJD_SERVICE_LINK, 1);
    *io = (struct cjd_dgram_io){.host = host,
                                .packet = host->get(host, CJD_SERVICE_PACKET, 1),
                                .time = host->get(host, CJD_SERVICE_TIME, 1),
                                .loop = host->get(host, CJD_SERVICE_LOOP, 1),
                                .link = udp->link,
                                .ops = &cjd_udp_dgram_ops,
                                .arg = udp};
    *env = (struct cjd_udp_peers_env){.host = host,
                                      .peer = host->get(host, CJD_SERVICE_PEER, 1),
                                      .resolve = host->get(host, CJD_SERVICE_RESOLVE, 1),
                                      .loop = io->loop,
                                      .time = io->time,
                                      .random = host->get(host, CJD_SERVICE_RANDOM, 1),
                                      .log = &udp->log};
    udp->beacon_env = (struct cjd_udp_beacon_env){.host = host,
                                                  .beacon = host->get(host, CJD_SERVICE_BEACON, 1),
                                                  .loop = io->loop,
                                                  .time = io->time,
                                                  .random = env->random,
                                                  .log = &udp->log};
    cjd_udp_beacon_init(&udp->beacon, &udp->beacon_env);
    return udp->link && io->packet && io->time && io->loop && env->peer && env->resolve &&
           env->random && udp->beacon_env.beacon;
}

static int udp_create(const struct cjd_host *host, void **self, struct cjd_plugin_error *error)
{
    struct cjd_udp *udp = calloc(1, sizeof *udp);

    if (!udp) {
        say(error, "", cjd_err_text(CJD_ERR_NO_MEMORY));
        return CJD_ERR_NO_MEMORY;
    }
    udp->host = host;
    udp->queues = CJD_UDP_QUEUES;
    for (uint32_t i = 0; i < udp->queues; i++) {
        udp->fd[i] = -1;
    }
    if (!fetch_services(udp)) {
        free(udp);
        say(error, "", "the host lacks a service that this plugin needs");
        return CJD_ERR_VERSION;
    }
    *self = udp;
    return 0;
}

static void udp_destroy(void *self)
{
    struct cjd_udp *udp = self;

    if (udp) {
        cjd_udp_config_free(udp->config);
        free(udp);
    }
}

/* Takes a configuration into force on a running link. */
static int reconfigure(struct cjd_udp *udp, struct cjd_udp_config *config,
                       struct cjd_plugin_error *error)
{
    if (udp->is_started) {
        int err = cjd_udp_peers_apply(&udp->peers, config);
        if (err != 0) {
            say(error, "/peers", cjd_err_text(err));
            return err;
        }
        cjd_udp_beacon_apply(&udp->beacon, &config->beacon);
    }
    cjd_udp_config_free(udp->config);
    udp->config = config;
    return 0;
}

static int udp_configure(void *self, const json_t *json, struct cjd_plugin_error *error)
{
    struct cjd_udp *udp = self;
    struct cjd_udp_config *config;

    int err = cjd_udp_config_read(&config, json, error);
    if (err != 0) {
        return err;
    }
    if (!udp->config) {
        udp->config = config;
        return 0;
    }
    if (udp->is_acquired && !cjd_udp_config_same_socket(udp->config, config)) {
        cjd_udp_config_free(config);
        return CJD_ERR_RESTART_NEEDED;
    }
    err = reconfigure(udp, config, error);
    if (err != 0) {
        cjd_udp_config_free(config);
    }
    return err;
}

/* --- acquire
 * -------------------------------------------------------------------------------------- */

static void udp_release(void *self)
{
    struct cjd_udp *udp = self;

    cjd_udp_beacon_close(&udp->beacon);
    for (uint32_t i = 0; i < udp->queues; i++) {
        if (udp->fd[i] >= 0) {
            close(udp->fd[i]);
            udp->fd[i] = -1;
        }
    }
    udp->is_acquired = false;
}

static int open_sockets(struct cjd_udp *udp, struct cjd_plugin_error *error)
{
    struct cjd_udp_target bind = udp->config->bind;
    struct cjd_udp_socket_wish wish = {
        .bind = &bind, .dscp = udp->config->dscp, .pointer = "/bind"};

    for (uint32_t i = 0; i < udp->queues; i++) {
        int fd = cjd_udp_socket_open(&wish, &udp->log, &udp->bound, error);
        if (fd < 0) {
            return fd;
        }
        udp->fd[i] = fd;
        bind.port = cjd_udp_addr_port(&udp->bound); /* the others take the port of the first */
    }
    return 0;
}

static int udp_acquire(void *self, struct cjd_plugin_error *error)
{
    struct cjd_udp *udp = self;

    if (!udp->config || udp->is_acquired) {
        say(error, "", cjd_err_text(CJD_ERR_STATE));
        return CJD_ERR_STATE;
    }
    int err = open_sockets(udp, error);
    if (err == 0) {
        err = cjd_udp_beacon_open(&udp->beacon, &udp->config->beacon, &udp->config->bind,
                                  udp->config->dscp, error);
    }
    if (err != 0) {
        udp_release(udp);
        return err;
    }
    udp->is_acquired = true;
    return 0;
}

/* --- start, stop
 * ---------------------------------------------------------------------------------- */

static void on_peer_event(void *arg, const struct cjd_peer_event *event)
{
    struct cjd_udp *udp = arg;

    if (udp->is_started) {
        cjd_udp_peers_event(&udp->peers, event);
    }
}

/* The address where it fits into a link's name of 31 characters, else the port. */
static void make_name(const struct cjd_udp *udp, char name[32])
{
    char text[CJD_UDP_TEXT_SIZE] = "";

    (void)cjd_udp_addr_text(&udp->bound, text, sizeof text);
    if (strlen(text) < 28) {
        snprintf(name, 32, "udp/%.27s", text);
    } else {
        snprintf(name, 32, "udp/[ip6]:%u", cjd_udp_addr_port(&udp->bound));
    }
}

static int link_up(struct cjd_udp *udp, struct cjd_plugin_error *error)
{
    char name[32];

    udp->family = udp->config->bind.family;
    for (uint32_t i = 0; i < udp->queues; i++) {
        cjd_dgram_open(&udp->queue[i], &udp->io, i, udp->fd[i]);
    }
    make_name(udp, name);
    int err = udp->link->link_up(udp->host, name, &link_ops, udp, &udp->io.link_id);
    if (err != 0) {
        say(error, "", cjd_err_text(err));
    }
    return err;
}

static void link_down(struct cjd_udp *udp)
{
    struct cjd_dgram_counters sum = {0};

    udp->link->link_down(udp->host, udp->io.link_id);
    for (uint32_t i = 0; i < udp->queues; i++) {
        cjd_dgram_counters_add(&sum, &udp->queue[i].counters);
        cjd_dgram_close(&udp->queue[i]);
    }
#define LOG_COUNTER(name)                                                                          \
    if (sum.name > 0) {                                                                            \
        cjd_logger_write(&udp->log, CJD_LEVEL_DEBUG, "counter " #name "=%llu",                     \
                         (unsigned long long)sum.name);                                            \
    }
    CJD_DGRAM_COUNTER_LIST(LOG_COUNTER)
#undef LOG_COUNTER
}

static void beacon_stop(struct cjd_udp *udp)
{
    const struct cjd_udp_beacon_counters *c = &udp->beacon.counters;

    cjd_udp_beacon_stop(&udp->beacon);
#define LOG_BEACON(name)                                                                           \
    if (c->name > 0) {                                                                             \
        cjd_logger_write(&udp->log, CJD_LEVEL_DEBUG, "counter beacon_" #name "=%llu",              \
                         (unsigned long long)c->name);                                             \
    }
#define LOG_VERDICT(verdict, name) LOG_BEACON(name)
    CJD_UDP_BEACON_COUNTER_LIST(LOG_BEACON)
    CJD_UDP_VERDICT_LIST(LOG_VERDICT)
#undef LOG_BEACON
#undef LOG_VERDICT
}

static int start_peers(struct cjd_udp *udp, struct cjd_plugin_error *error)
{
    udp->env.link = udp->io.link_id;
    udp->env.family = udp->family;
    cjd_udp_peers_init(&udp->peers, &udp->env);
    int err = udp->env.peer->watch(udp->host, on_peer_event, udp);
    if (err == 0) {
        err = cjd_udp_peers_apply(&udp->peers, udp->config);
    }
    if (err != 0) {
        say(error, "/peers", cjd_err_text(err));
        return err;
    }
    err = cjd_udp_beacon_start(&udp->beacon, &udp->config->beacon, udp->io.link_id, &udp->bound);
    if (err != 0) {
        say(error, "/beacon", cjd_err_text(err));
    }
    return err;
}

static void udp_stop(void *self)
{
    struct cjd_udp *udp = self;

    if (!udp->is_started) {
        return;
    }
    udp->is_started = false;
    beacon_stop(udp);
    link_down(udp);
    cjd_udp_peers_fini(&udp->peers);
}

static int udp_start(void *self, struct cjd_plugin_error *error)
{
    struct cjd_udp *udp = self;
    char text[CJD_UDP_TEXT_SIZE] = "";

    if (!udp->is_acquired || udp->is_started) {
        say(error, "", cjd_err_text(CJD_ERR_STATE));
        return CJD_ERR_STATE;
    }
    int err = link_up(udp, error);
    if (err != 0) {
        return err;
    }
    udp->is_started = true;
    err = start_peers(udp, error);
    if (err != 0) {
        udp_stop(udp);
        return err;
    }
    (void)cjd_udp_addr_text(&udp->bound, text, sizeof text);
    cjd_logger_write(&udp->log, CJD_LEVEL_INFO, "listening on %s, %zu configured peer%s", text,
                     udp->peers.count, udp->peers.count == 1 ? "" : "s");
    return 0;
}

/* --- what the host reads
 * -------------------------------------------------------------------------- */

static const struct cjd_need needs[] = {{CJD_SERVICE_LOG, 1, 1},    {CJD_SERVICE_TIME, 1, 0},
                                        {CJD_SERVICE_RANDOM, 1, 0}, {CJD_SERVICE_LOOP, 1, 0},
                                        {CJD_SERVICE_PACKET, 1, 0}, {CJD_SERVICE_LINK, 1, 0},
                                        {CJD_SERVICE_PEER, 1, 0},   {CJD_SERVICE_RESOLVE, 1, 0},
                                        {CJD_SERVICE_BEACON, 1, 0}, {NULL, 0, 0}};

CJD_PLUGIN(.id = "udp", .version = CJD_VERSION, .summary = "Links over UDP, IPv4 or IPv6",
           .license = "ISC", .provides = CJD_PROVIDES_LINK, .needs_caps = CJD_CAP_BIND_LOW,
           .needs = needs, .config_schema = cjd_udp_schema,
           .ops = {.size = sizeof(struct cjd_plugin_ops),
                   .create = udp_create,
                   .destroy = udp_destroy,
                   .configure = udp_configure,
                   .acquire = udp_acquire,
                   .release = udp_release,
                   .start = udp_start,
                   .stop = udp_stop});
