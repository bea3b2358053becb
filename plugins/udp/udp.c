#include "udp.h"

#include "udp_rpc.h"

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

    (void)wish; /* as many queues as there are sockets, for any number of workers */
    *given = (struct cjd_link_given){
        .size = sizeof *given, .queues = udp->side_count, .mtu = CJD_UDP_MTU};
    return 0;
}

static int link_rx(void *link, uint32_t queue, struct cjd_vec *vec)
{
    struct cjd_udp *udp = link;
    return queue < udp->side_count ? cjd_dgram_rx(&udp->side[queue].queue, vec) : CJD_ERR_INVALID;
}

/* Each packet to the socket of its family; what is of neither is the first one's to count. */
static void split(struct cjd_udp *udp, struct cjd_vec *vec, bool is_last)
{
    CJD_VEC_LOCAL(first, CJD_VEC_MAX);
    CJD_VEC_LOCAL(second, CJD_VEC_MAX);

    for (uint16_t i = 0; i < vec->n; i++) {
        bool is_second = cjd_udp_addr_is_valid(&vec->v[i]->addr, udp->side[1].family);
        struct cjd_vec *to = is_second ? &second : &first;
        if (!cjd_vec_add(to, vec->v[i])) {
            cjd_dgram_tx(&udp->side[is_second].queue, to, false);
            (void)cjd_vec_add(to, vec->v[i]);
        }
    }
    vec->n = 0;
    cjd_dgram_tx(&udp->side[0].queue, &first, is_last);
    cjd_dgram_tx(&udp->side[1].queue, &second, is_last);
}

/* With one thread the queue says nothing: the address decides which socket is used. */
static void link_tx(void *link, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    struct cjd_udp *udp = link;
    bool is_last = (flags & CJD_TX_MORE) == 0;

    if (queue >= udp->side_count) {
        udp->io.packet->free(udp->host, vec);
    } else if (udp->side_count == 1) {
        cjd_dgram_tx(&udp->side[0].queue, vec, is_last);
    } else {
        split(udp, vec, is_last);
    }
}

static void link_flush(void *link, uint32_t queue)
{
    struct cjd_udp *udp = link;

    if (queue < udp->side_count) {
        cjd_dgram_flush(&udp->side[queue].queue);
    }
}

static int link_queue_fd(void *link, uint32_t queue)
{
    const struct cjd_udp *udp = link;
    return queue < udp->side_count ? udp->side[queue].fd : -1;
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
    struct cjd_udp_env *env = &udp->env;

    cjd_logger_init(&udp->log, host);
    udp->link = host->get(host, CJD_SERVICE_LINK, 1);
    udp->netif = host->get(host, CJD_SERVICE_NETIF, 1);
    *io = (struct cjd_dgram_io){.host = host,
                                .packet = host->get(host, CJD_SERVICE_PACKET, 1),
                                .time = host->get(host, CJD_SERVICE_TIME, 1),
                                .loop = host->get(host, CJD_SERVICE_LOOP, 1),
                                .link = udp->link,
                                .ops = &cjd_udp_dgram_ops};
    *env = (struct cjd_udp_env){.host = host,
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
    if (!fetch_services(udp)) {
        free(udp);
        say(error, "", "the host lacks a service that this plugin needs");
        return CJD_ERR_VERSION;
    }
    for (uint32_t i = 0; i < CJD_UDP_BINDS_MAX; i++) {
        udp->side[i].udp = udp;
        udp->side[i].fd = -1;
        cjd_udp_beacon_init(&udp->side[i].beacon, &udp->beacon_env);
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
        for (uint32_t i = 0; i < udp->side_count; i++) {
            cjd_udp_beacon_apply(&udp->side[i].beacon, &config->beacon);
        }
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

    for (uint32_t i = 0; i < CJD_UDP_BINDS_MAX; i++) {
        cjd_udp_beacon_close(&udp->side[i].beacon);
        if (udp->side[i].fd >= 0) {
            close(udp->side[i].fd);
            udp->side[i].fd = -1;
        }
    }
    udp->is_acquired = false;
}

static int acquire_side(struct cjd_udp *udp, uint32_t i, struct cjd_plugin_error *error)
{
    const struct cjd_udp_config *config = udp->config;
    struct cjd_udp_side *side = &udp->side[i];
    struct cjd_udp_socket_wish wish = {
        .bind = &config->bind[i], .dscp = config->dscp, .pointer = "/bind"};

    int fd = cjd_udp_socket_open(&wish, &udp->log, &side->bound, error);
    if (fd < 0) {
        return fd;
    }
    side->fd = fd;
    return cjd_udp_beacon_open(&side->beacon, &config->beacon, &config->bind[i], config->dscp,
                               error);
}

static int udp_acquire(void *self, struct cjd_plugin_error *error)
{
    struct cjd_udp *udp = self;
    int err = 0;

    if (!udp->config || udp->is_acquired) {
        say(error, "", cjd_err_text(CJD_ERR_STATE));
        return CJD_ERR_STATE;
    }
    udp->side_count = (uint32_t)udp->config->bind_count;
    for (uint32_t i = 0; i < udp->side_count && err == 0; i++) {
        err = acquire_side(udp, i, error);
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

static void on_news(void *arg)
{
    struct cjd_udp *udp = arg;

    if (udp->is_started) {
        cjd_udp_peers_news(&udp->peers);
    }
}

/* The address where it fits into a link's name of 31 characters, else the port. */
static void make_name(const struct cjd_udp *udp, char name[32])
{
    const struct cjd_linkaddr *bound = &udp->side[0].bound;
    char text[CJD_UDP_TEXT_SIZE] = "";

    (void)cjd_udp_addr_text(bound, text, sizeof text);
    if (strlen(text) < 28) {
        snprintf(name, 32, "udp/%.27s", text);
    } else {
        snprintf(name, 32, "udp/[ip6]:%u", cjd_udp_addr_port(bound));
    }
}

static int link_up(struct cjd_udp *udp, struct cjd_plugin_error *error)
{
    char name[32];

    for (uint32_t i = 0; i < udp->side_count; i++) {
        struct cjd_udp_side *side = &udp->side[i];
        side->io = udp->io;
        side->io.arg = side;
        side->family = udp->config->bind[i].family;
        cjd_dgram_open(&side->queue, &side->io, i, side->fd);
    }
    make_name(udp, name);
    int err = udp->link->link_up(udp->host, name, &link_ops, udp, &udp->link_id);
    if (err != 0) {
        say(error, "", cjd_err_text(err));
    }
    for (uint32_t i = 0; i < udp->side_count; i++) {
        udp->side[i].io.link_id = udp->link_id;
    }
    return err;
}

#define LOG_COUNTER(prefix, from, name)                                                            \
    if ((from)->name > 0) {                                                                        \
        cjd_logger_write(&udp->log, CJD_LEVEL_DEBUG, "counter " prefix #name "=%llu",              \
                         (unsigned long long)(from)->name);                                        \
    }

static void log_counters(const struct cjd_udp *udp, const struct cjd_udp_side *side)
{
    const struct cjd_dgram_counters *c = &side->queue.counters;
    const struct cjd_udp_beacon_counters *b = &side->beacon.counters;

#define LOG_IO(name)               LOG_COUNTER("", c, name)
#define LOG_BEACON(name)           LOG_COUNTER("beacon_", b, name)
#define LOG_VERDICT(verdict, name) LOG_COUNTER("beacon_", b, name)
    CJD_DGRAM_COUNTER_LIST(LOG_IO)
    CJD_UDP_BEACON_COUNTER_LIST(LOG_BEACON)
    CJD_UDP_VERDICT_LIST(LOG_VERDICT)
#undef LOG_IO
#undef LOG_BEACON
#undef LOG_VERDICT
}

static void udp_stop(void *self)
{
    struct cjd_udp *udp = self;

    if (!udp->is_started) {
        return;
    }
    udp->is_started = false;
    for (uint32_t i = 0; i < udp->side_count; i++) {
        cjd_udp_beacon_stop(&udp->side[i].beacon);
    }
    udp->link->link_down(udp->host, udp->link_id);
    for (uint32_t i = 0; i < udp->side_count; i++) {
        log_counters(udp, &udp->side[i]);
        cjd_dgram_close(&udp->side[i].queue);
    }
    cjd_udp_peers_fini(&udp->peers);
}

static bool has_family(const struct cjd_udp *udp, int family)
{
    return udp->side[0].family == family || (udp->side_count > 1 && udp->side[1].family == family);
}

static int start_peers(struct cjd_udp *udp, struct cjd_plugin_error *error)
{
    udp->env.link = udp->link_id;
    udp->env.has_ip4 = has_family(udp, AF_INET);
    udp->env.has_ip6 = has_family(udp, AF_INET6);
    cjd_udp_peers_init(&udp->peers, &udp->env);
    int err = udp->env.peer->watch(udp->host, on_peer_event, udp);
    if (err == 0 && udp->netif && udp->netif->watch) {
        err = udp->netif->watch(udp->host, on_news, udp);
        err = err == CJD_ERR_EXISTS ? 0 : err; /* ours, of an earlier start */
    }
    if (err == 0) {
        err = cjd_udp_peers_apply(&udp->peers, udp->config);
    }
    if (err != 0) {
        say(error, "/peers", cjd_err_text(err));
    }
    return err;
}

static int start_beacons(struct cjd_udp *udp, struct cjd_plugin_error *error)
{
    int err = 0;

    for (uint32_t i = 0; i < udp->side_count && err == 0; i++) {
        struct cjd_udp_side *side = &udp->side[i];
        err = cjd_udp_beacon_start(&side->beacon, &udp->config->beacon, udp->link_id, &side->bound);
    }
    if (err != 0) {
        say(error, "/beacon", cjd_err_text(err));
    }
    return err;
}

static void tell_start(const struct cjd_udp *udp)
{
    char text[2][CJD_UDP_TEXT_SIZE] = {"", ""};

    for (uint32_t i = 0; i < udp->side_count; i++) {
        (void)cjd_udp_addr_text(&udp->side[i].bound, text[i], sizeof text[i]);
    }
    cjd_logger_write(&udp->log, CJD_LEVEL_INFO, "listening on %s%s%s, %zu configured peer%s",
                     text[0], text[1][0] != '\0' ? " and " : "", text[1], udp->peers.count,
                     udp->peers.count == 1 ? "" : "s");
}

static int udp_start(void *self, struct cjd_plugin_error *error)
{
    struct cjd_udp *udp = self;

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
    err = err == 0 ? start_beacons(udp, error) : err;
    if (err != 0) {
        udp_stop(udp);
        return err;
    }
    cjd_udp_rpc_offer(udp);
    tell_start(udp);
    return 0;
}

/* --- what the host reads
 * -------------------------------------------------------------------------- */

static const struct cjd_need needs[] = {{CJD_SERVICE_LOG, 1, 1},
                                        {CJD_SERVICE_TIME, 1, 0},
                                        {CJD_SERVICE_RANDOM, 1, 0},
                                        {CJD_SERVICE_LOOP, 1, 0},
                                        {CJD_SERVICE_PACKET, 1, 0},
                                        {CJD_SERVICE_LINK, 1, 0},
                                        {CJD_SERVICE_PEER, 1, 0},
                                        {CJD_SERVICE_RESOLVE, 1, 0},
                                        {CJD_SERVICE_BEACON, 1, 0},
                                        {CJD_SERVICE_NETIF, 1, 1},
                                        {NULL, 0, 0}};

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
