/* The service tables. Most functions only find the owner of the call; runtime/owner.h does the
 * work. */
#include <plugin/private.h>

#include <string.h>
#include <time.h>

static struct cjd_owner *owner_of(const struct cjd_host *host)
{
    return &instance_of(host)->owner;
}

#define HEAD(type) .size = (uint32_t)sizeof(struct type), .version = 1

/* --- cjd.log, cjd.time, cjd.random --------------------------------------------------------------
 */

static enum cjd_log_level level_of(uint32_t level)
{
    return level > CJD_LEVEL_TRACE ? CJD_LOG_TRACE : (enum cjd_log_level)level;
}

_Static_assert(CJD_LEVEL_ERROR == CJD_LOG_ERROR && CJD_LEVEL_TRACE == CJD_LOG_TRACE,
               "levels of the SDK are those of the core");

/* [any] Asks the exact test, which locks; the quick one is for the control thread. */
static int log_is_on(const struct cjd_host *host, uint32_t level)
{
    const struct cjd_log *log = &owner_of(host)->log;

    if (!log->sink) {
        return 0;
    }
    if (!log->sink->enabled) {
        return level_of(level) <= log->sink->max_level;
    }
    return log->sink->enabled(log->sink->ctx, log->module, level_of(level));
}

static void log_write(const struct cjd_host *host, uint32_t level, const char *line)
{
    const struct cjd_log *log = &owner_of(host)->log;

    if (log_is_on(host, level)) {
        log->sink->write(log->sink->ctx, log->module, level_of(level), line);
    }
}

static const struct cjd_log_service log_table = {HEAD(cjd_log_service), .is_on = log_is_on,
                                                 .write = log_write};

static uint64_t time_now(const struct cjd_host *host)
{
    (void)host;
    return cjd_clock_now();
}

/* 2024-01-01: a clock before that was never set. */
#define PLAUSIBLE_SINCE 1704067200

static uint64_t time_wall(const struct cjd_host *host, int *plausible)
{
    struct timespec ts;

    (void)host;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (plausible) {
        *plausible = ts.tv_sec >= PLAUSIBLE_SINCE;
    }
    return ts.tv_sec < 0 ? 0 : (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static const struct cjd_time_service time_table = {HEAD(cjd_time_service), .now_ns = time_now,
                                                   .wall_ms = time_wall};

static void random_fill(const struct cjd_host *host, void *buf, size_t n)
{
    cjd_rng_fill(&instance_of(host)->set->config.rng, buf, n);
}

static const struct cjd_random_service random_table = {HEAD(cjd_random_service),
                                                       .fill = random_fill};

/* --- cjd.loop -----------------------------------------------------------------------------------
 */

static int loop_watch(const struct cjd_host *host, struct cjd_fd_watch **out, int fd,
                      uint32_t events, cjd_fd_fn fn, void *arg)
{
    return cjd_owner_watch(owner_of(host), out, fd, events, fn, arg);
}

static void loop_unwatch(const struct cjd_host *host, struct cjd_fd_watch *watch)
{
    cjd_owner_unwatch(owner_of(host), watch);
}

static void loop_timer_init(const struct cjd_host *host, struct cjd_plugin_timer *timer,
                            cjd_task_fn fn, void *arg)
{
    cjd_owner_timer_init(owner_of(host), timer, fn, arg);
}

static void loop_timer_arm(const struct cjd_host *host, struct cjd_plugin_timer *timer,
                           uint64_t delay_ns)
{
    cjd_owner_timer_arm(owner_of(host), timer, delay_ns);
}

static void loop_timer_cancel(const struct cjd_host *host, struct cjd_plugin_timer *timer)
{
    cjd_owner_timer_cancel(owner_of(host), timer);
}

static int loop_defer(const struct cjd_host *host, cjd_task_fn fn, void *arg)
{
    return fn ? cjd_owner_defer(owner_of(host), fn, arg) : CJD_ERR_INVALID;
}

static int loop_post(const struct cjd_host *host, uint32_t worker, cjd_task_fn fn, void *arg)
{
    /* There is the control thread only. */
    return worker == 0 && fn ? cjd_owner_post(owner_of(host), fn, arg) : CJD_ERR_INVALID;
}

/* After the drop a new thread would not be what the sandbox promises, and noForks forbids it. */
static int loop_spawn(const struct cjd_host *host, cjd_task_fn fn, void *arg)
{
    return fn ? cjd_owner_spawn(owner_of(host), fn, arg) : CJD_ERR_INVALID;
}

static const struct cjd_loop_service loop_table = {
    HEAD(cjd_loop_service),        .fd_watch = loop_watch,      .fd_unwatch = loop_unwatch,
    .timer_init = loop_timer_init, .timer_arm = loop_timer_arm, .timer_cancel = loop_timer_cancel,
    .defer = loop_defer,           .post = loop_post,           .thread_spawn = loop_spawn};

/* --- cjd.packet, cjd.resolve --------------------------------------------------------------------
 */

static uint32_t packet_alloc(const struct cjd_host *host, struct cjd_vec *vec, uint32_t n,
                             uint32_t bytes)
{
    return cjd_owner_packets(owner_of(host), vec, n, bytes);
}

static void packet_free(const struct cjd_host *host, struct cjd_vec *vec)
{
    cjd_owner_packets_free(owner_of(host), vec);
}

static const struct cjd_packet_service packet_table = {HEAD(cjd_packet_service),
                                                       .alloc = packet_alloc, .free = packet_free};

static int resolve_ask(const struct cjd_host *host, struct cjd_resolve_request **out,
                       const char *name, uint32_t family, cjd_resolve_fn fn, void *arg)
{
    return cjd_owner_resolve(owner_of(host), out, name, family, fn, arg);
}

static void resolve_cancel(const struct cjd_host *host, struct cjd_resolve_request *request)
{
    cjd_owner_resolve_cancel(owner_of(host), request);
}

static const struct cjd_resolve_service resolve_table = {
    HEAD(cjd_resolve_service), .ask = resolve_ask, .cancel = resolve_cancel};

/* --- cjd.link, cjd.peer, cjd.beacon
 * -------------------------------------------------------------------------
 */

static int link_up(const struct cjd_host *host, const char *name, const struct cjd_link_ops *ops,
                   void *link, uint32_t *id)
{
    return cjd_owner_link_up(owner_of(host), name, ops, link, id);
}

static void link_down(const struct cjd_host *host, uint32_t id)
{
    cjd_owner_link_down(owner_of(host), id);
}

static void link_wake(const struct cjd_host *host, uint32_t id, uint32_t queue)
{
    cjd_owner_queue_wake(owner_of(host), id, queue);
}

static void link_set_carrier(const struct cjd_host *host, uint32_t id, int has_carrier)
{
    cjd_owner_link_set_carrier(owner_of(host), id, has_carrier != 0);
}

static const struct cjd_link_service link_table = {HEAD(cjd_link_service), .link_up = link_up,
                                                   .link_down = link_down, .queue_wake = link_wake,
                                                   .set_carrier = link_set_carrier};

static int peer_add(const struct cjd_host *host, const struct cjd_peer_spec *spec, uint32_t *peer)
{
    return cjd_owner_peer_add(owner_of(host), spec, peer);
}

static int peer_remove(const struct cjd_host *host, uint32_t peer)
{
    return cjd_owner_peer_remove(owner_of(host), peer);
}

static int peer_set_addr(const struct cjd_host *host, uint32_t peer,
                         const struct cjd_linkaddr *addr)
{
    return cjd_owner_peer_set_addr(owner_of(host), peer, addr);
}

static void peer_set_reason(const struct cjd_host *host, uint32_t peer, int32_t reason)
{
    cjd_owner_peer_set_reason(owner_of(host), peer, reason);
}

static int peer_watch(const struct cjd_host *host, cjd_peer_event_fn fn, void *arg)
{
    return cjd_owner_peer_watch(owner_of(host), fn, arg);
}

static const struct cjd_peer_service peer_table = {
    HEAD(cjd_peer_service),        .add = peer_add,
    .remove = peer_remove,         .set_addr = peer_set_addr,
    .set_reason = peer_set_reason, .watch = peer_watch};

static int beacon_own(const struct cjd_host *host, struct cjd_beacon *out)
{
    return cjd_owner_beacon_own(owner_of(host), out);
}

static int beacon_heard(const struct cjd_host *host, uint32_t link, const struct cjd_linkaddr *addr,
                        const struct cjd_beacon *beacon)
{
    return cjd_owner_beacon_heard(owner_of(host), link, addr, beacon);
}

static const struct cjd_beacon_service beacon_table = {HEAD(cjd_beacon_service), .own = beacon_own,
                                                       .heard = beacon_heard};

/* --- cjd.frontend, cjd.upper --------------------------------------------------------------------
 */

static void front_own_addr(const struct cjd_host *host, struct cjd_addr *out)
{
    cjd_owner_own_addr(owner_of(host), out);
}

static int front_attach(const struct cjd_host *host, const struct cjd_frontend_ops *ops, void *arg,
                        const char *device, uint32_t mtu)
{
    return cjd_owner_frontend_attach(owner_of(host), ops, arg, device, mtu);
}

static void front_detach(const struct cjd_host *host)
{
    cjd_owner_frontend_detach(owner_of(host));
}

static void front_inject(const struct cjd_host *host, struct cjd_vec *vec)
{
    cjd_owner_inject(owner_of(host), vec);
}

static const struct cjd_frontend_service frontend_table = {
    HEAD(cjd_frontend_service), .own_addr = front_own_addr, .attach = front_attach,
    .detach = front_detach, .inject = front_inject};

static int upper_register(const struct cjd_host *host, uint32_t first, uint32_t last,
                          cjd_upper_fn fn, void *arg)
{
    return cjd_owner_type_register(owner_of(host), first, last, fn, arg);
}

static int upper_send(const struct cjd_host *host, const struct cjd_addr *to, uint32_t type,
                      struct cjd_vec *vec, uint32_t flags)
{
    return cjd_owner_send(owner_of(host), to, type, vec, flags);
}

static const struct cjd_upper_service upper_table = {
    HEAD(cjd_upper_service), .type_register = upper_register, .send = upper_send};

/* --- look-up ------------------------------------------------------------------------------------
 */

static const struct {
    const char *id;
    const void *table;
} services[] = {
    {CJD_SERVICE_LOG, &log_table},         {CJD_SERVICE_TIME, &time_table},
    {CJD_SERVICE_RANDOM, &random_table},   {CJD_SERVICE_LOOP, &loop_table},
    {CJD_SERVICE_PACKET, &packet_table},   {CJD_SERVICE_RESOLVE, &resolve_table},
    {CJD_SERVICE_LINK, &link_table},       {CJD_SERVICE_PEER, &peer_table},
    {CJD_SERVICE_NETIF, &cjd_netif_table}, {CJD_SERVICE_FRONTEND, &frontend_table},
    {CJD_SERVICE_UPPER, &upper_table},     {CJD_SERVICE_BEACON, &beacon_table},
    {CJD_SERVICE_RPC, &cjd_rpc_table},
};

/* Every table begins alike. */
struct table_head {
    uint32_t size;
    uint32_t version;
};

const void *cjd_services_get(const struct cjd_host *host, const char *id, uint32_t version)
{
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        const struct table_head *head = services[i].table;
        if (strcmp(services[i].id, id) != 0) {
            continue;
        }
        if (services[i].table == &cjd_netif_table && !instance_of(host)->set->config.netif) {
            return NULL;
        }
        if (services[i].table == &cjd_rpc_table && !instance_of(host)->set->config.rpc) {
            return NULL;
        }
        return version <= head->version ? services[i].table : NULL;
    }
    return NULL;
}
