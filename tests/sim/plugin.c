#include <sim/plugin.h>

#include <string.h>

#include <base/timer.h>
#include <cjd/upper.h>
#include <sim/private.h>

#define STREAM_PLUGINS 2000000000u
#define WALL_BEGIN_MS  1767225600000ull /* the beginning of 2026: any plausible time */
#define TIMERS_PER_RUN 1000u

struct task {
    struct task *next;
    cjd_task_fn fn;
    void *arg;
};

struct upper {
    struct upper *next;
    struct sim_plugin *plugin;
    uint32_t first;
    uint32_t last;
    cjd_upper_fn fn;
    void *arg;
};

struct sim_plugin {
    struct cjd_host host;
    struct sim *sim; /* not valid any more when it is over */
    struct host *node;
    const struct cjd_plugin *plugin;
    const json_t *config;
    struct sim_life life;
    struct sim_random random;
    void *self; /* NULL: not running */
    struct cjd_timers timers;
    uint64_t wake_ns; /* of the event that is under way; CJD_NEVER: none */
    struct task *tasks;
    struct upper *uppers;
    struct cjd_frontend_ops front;
    void *front_arg;
    int64_t packets; /* in its hands */
    void (*log)(void *ctx, uint32_t level, const char *line);
    void *log_ctx;
};

static struct sim_plugin *plugin_of(const struct cjd_host *host)
{
    return host->impl;
}

/* --- the clock -------------------------------------------------------------------------------- */

static void schedule(struct sim_plugin *p);

static void run_tasks(struct sim_plugin *p)
{
    while (p->tasks) {
        struct task *t = p->tasks;
        p->tasks = t->next;
        t->fn(t->arg);
        sim_free_bytes(t);
    }
}

static void on_wake(void *arg, uint32_t number)
{
    struct sim_plugin *p = arg;

    (void)number;
    p->wake_ns = CJD_NEVER;
    if (p->self) {
        run_tasks(p);
        (void)cjd_timers_run(&p->timers, p->sim->now_ns, TIMERS_PER_RUN);
        schedule(p);
    }
}

static void schedule(struct sim_plugin *p)
{
    uint64_t at = p->tasks ? p->sim->now_ns : cjd_timers_next(&p->timers);

    if (at < p->wake_ns) {
        p->wake_ns = at;
        sim_at(p->sim, at, on_wake, p, 0);
    }
}

/* --- services --------------------------------------------------------------------------------- */

#define HEAD(type) .size = (uint32_t)sizeof(struct type), .version = 1

static int log_is_on(const struct cjd_host *host, uint32_t level)
{
    (void)level;
    return plugin_of(host)->log != NULL;
}

static void log_write(const struct cjd_host *host, uint32_t level, const char *line)
{
    const struct sim_plugin *p = plugin_of(host);

    if (p->log) {
        p->log(p->log_ctx, level, line);
    }
}

static const struct cjd_log_service log_table = {HEAD(cjd_log_service), .is_on = log_is_on,
                                                 .write = log_write};

static uint64_t time_now(const struct cjd_host *host)
{
    return plugin_of(host)->sim->now_ns;
}

static uint64_t time_wall(const struct cjd_host *host, int *plausible)
{
    if (plausible) {
        *plausible = 1;
    }
    return WALL_BEGIN_MS + time_now(host) / CJD_MS;
}

static const struct cjd_time_service time_table = {HEAD(cjd_time_service), .now_ns = time_now,
                                                   .wall_ms = time_wall};

static void random_fill(const struct cjd_host *host, void *buf, size_t n)
{
    struct cjd_rng rng = sim_random_rng(&plugin_of(host)->random);
    cjd_rng_fill(&rng, buf, n);
}

static const struct cjd_random_service random_table = {HEAD(cjd_random_service),
                                                       .fill = random_fill};

struct timer {
    struct cjd_timer base;
    cjd_task_fn fn;
    void *arg;
};
_Static_assert(sizeof(struct timer) <= sizeof(struct cjd_plugin_timer), "it has to fit");

static struct timer *timer_of(struct cjd_plugin_timer *timer)
{
    return (struct timer *)(void *)timer;
}

static void on_timer(void *arg, uint64_t now_ns)
{
    struct timer *t = arg;

    (void)now_ns;
    t->fn(t->arg);
}

static int no_watch(const struct cjd_host *host, struct cjd_fd_watch **out, int fd, uint32_t events,
                    cjd_fd_fn fn, void *arg)
{
    (void)host, (void)out, (void)fd, (void)events, (void)fn, (void)arg;
    return CJD_ERR_UNSUPPORTED;
}

static void no_unwatch(const struct cjd_host *host, struct cjd_fd_watch *watch)
{
    (void)host, (void)watch;
}

static void timer_init(const struct cjd_host *host, struct cjd_plugin_timer *timer, cjd_task_fn fn,
                       void *arg)
{
    struct timer *t = timer_of(timer);

    (void)host;
    cjd_timer_init(&t->base, on_timer, t);
    t->fn = fn;
    t->arg = arg;
}

static void timer_arm(const struct cjd_host *host, struct cjd_plugin_timer *timer,
                      uint64_t delay_ns)
{
    struct sim_plugin *p = plugin_of(host);

    cjd_timer_arm(&p->timers, &timer_of(timer)->base, p->sim->now_ns + delay_ns);
    schedule(p);
}

static void timer_cancel(const struct cjd_host *host, struct cjd_plugin_timer *timer)
{
    cjd_timer_cancel(&plugin_of(host)->timers, &timer_of(timer)->base);
}

static int defer(const struct cjd_host *host, cjd_task_fn fn, void *arg)
{
    struct sim_plugin *p = plugin_of(host);
    struct task *t = sim_alloc(sizeof *t);
    struct task **end = &p->tasks;

    if (!fn) {
        sim_free_bytes(t);
        return CJD_ERR_INVALID;
    }
    *t = (struct task){.fn = fn, .arg = arg};
    while (*end) {
        end = &(*end)->next;
    }
    *end = t;
    schedule(p);
    return 0;
}

static int post(const struct cjd_host *host, uint32_t worker, cjd_task_fn fn, void *arg)
{
    return worker == 0 ? defer(host, fn, arg) : CJD_ERR_INVALID;
}

static int no_spawn(const struct cjd_host *host, cjd_task_fn fn, void *arg)
{
    (void)host, (void)fn, (void)arg;
    return CJD_ERR_UNSUPPORTED;
}

static const struct cjd_loop_service loop_table = {
    HEAD(cjd_loop_service),   .fd_watch = no_watch,   .fd_unwatch = no_unwatch,
    .timer_init = timer_init, .timer_arm = timer_arm, .timer_cancel = timer_cancel,
    .defer = defer,           .post = post,           .thread_spawn = no_spawn};

static uint32_t packet_alloc(const struct cjd_host *host, struct cjd_vec *vec, uint32_t n,
                             uint32_t bytes)
{
    struct sim_plugin *p = plugin_of(host);
    uint32_t made = 0;

    while (made < n && vec->n < vec->cap) {
        struct cjd_pkt *pkt = cjd_pool_take(p->sim->pool, bytes);
        if (!pkt) {
            break;
        }
        cjd_vec_add(vec, pkt);
        made++;
    }
    p->packets += made;
    return made;
}

static void packet_free(const struct cjd_host *host, struct cjd_vec *vec)
{
    plugin_of(host)->packets -= vec->n;
    cjd_pool_give_vec(plugin_of(host)->sim->pool, vec);
}

static const struct cjd_packet_service packet_table = {HEAD(cjd_packet_service),
                                                       .alloc = packet_alloc, .free = packet_free};

/* --- cjd.upper, cjd.frontend ------------------------------------------------------------------ */

static void on_content(void *ctx, uint32_t node, const struct cjd_node_source *from,
                       struct cjd_pkt *pkt)
{
    const struct upper *u = ctx;
    struct cjd_upper_source source = {.size = sizeof source,
                                      .type = from->type,
                                      .addr = from->addr,
                                      .key = from->key,
                                      .label = from->label};

    (void)node;
    u->plugin->packets++;
    u->fn(u->arg, &source, pkt);
}

static int type_register(const struct cjd_host *host, uint32_t first, uint32_t last,
                         cjd_upper_fn fn, void *arg)
{
    struct sim_plugin *p = plugin_of(host);
    struct upper *u = sim_alloc(sizeof *u);

    *u = (struct upper){
        .next = p->uppers, .plugin = p, .first = first, .last = last, .fn = fn, .arg = arg};
    int err =
        fn ? sim_set_content(p->sim, p->node->number, first, last, on_content, u) : CJD_ERR_INVALID;
    if (err) {
        sim_free_bytes(u);
        return err;
    }
    p->uppers = u;
    return 0;
}

static int upper_send(const struct cjd_host *host, const struct cjd_addr *to, uint32_t type,
                      struct cjd_vec *vec, uint32_t flags)
{
    struct sim_plugin *p = plugin_of(host);

    p->packets -= vec->n;
    return content_send(p->node, to, type, vec, (flags & CJD_UPPER_NO_WAIT) != 0);
}

static const struct cjd_upper_service upper_table = {
    HEAD(cjd_upper_service), .type_register = type_register, .send = upper_send};

static void own_addr(const struct cjd_host *host, struct cjd_addr *out)
{
    *out = plugin_of(host)->node->keys.addr;
}

static void on_machine(void *ctx, uint32_t node, struct cjd_vec *vec)
{
    struct sim_plugin *p = ctx;

    (void)node;
    p->packets += vec->n;
    p->front.deliver(p->front_arg, vec);
}

static int front_attach(const struct cjd_host *host, const struct cjd_frontend_ops *ops, void *arg,
                        const char *device, uint32_t mtu)
{
    struct sim_plugin *p = plugin_of(host);

    (void)device;
    (void)mtu;
    if (!ops || ops->size < sizeof *ops || !ops->deliver) {
        return CJD_ERR_INVALID;
    }
    if (p->node->machine) {
        return CJD_ERR_EXISTS;
    }
    p->front = *ops;
    p->front_arg = arg;
    sim_set_machine(p->sim, p->node->number, on_machine, p);
    return 0;
}

static void front_detach(const struct cjd_host *host)
{
    struct sim_plugin *p = plugin_of(host);

    if (p->node->machine_ctx == p) {
        sim_set_machine(p->sim, p->node->number, NULL, NULL);
    }
}

static void front_inject(const struct cjd_host *host, struct cjd_vec *vec)
{
    struct sim_plugin *p = plugin_of(host);

    p->packets -= vec->n;
    if (hooks_is_inside()) {
        /* The daemon drops these as well. */
        cjd_pool_give_vec(p->sim->pool, vec);
        return;
    }
    for (unsigned i = 0; i < vec->n; i++) {
        sim_inject(p->sim, p->node->number, vec->v[i]);
    }
    vec->n = 0;
}

static const struct cjd_frontend_service front_table = {
    HEAD(cjd_frontend_service), .own_addr = own_addr, .attach = front_attach,
    .detach = front_detach, .inject = front_inject};

static const struct {
    const char *id;
    const void *table;
} services[] = {{CJD_SERVICE_LOG, &log_table},       {CJD_SERVICE_TIME, &time_table},
                {CJD_SERVICE_RANDOM, &random_table}, {CJD_SERVICE_LOOP, &loop_table},
                {CJD_SERVICE_PACKET, &packet_table}, {CJD_SERVICE_UPPER, &upper_table},
                {CJD_SERVICE_FRONTEND, &front_table}};

static const void *get(const struct cjd_host *host, const char *id, uint32_t version)
{
    (void)host;
    for (size_t i = 0; version <= 1 && i < sizeof services / sizeof services[0]; i++) {
        if (strcmp(services[i].id, id) == 0) {
            return services[i].table;
        }
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

static void check(const struct sim_plugin *p, const char *step, int err,
                  const struct cjd_plugin_error *error)
{
    if (err) {
        sim_fatal("node %u, plugin %s: %s: %s (%s %s)", p->node->number, p->plugin->id, step,
                  cjd_err_text(err), error->pointer, error->text);
    }
}

static void begin(struct sim_plugin *p)
{
    const struct cjd_plugin_ops *ops = &p->plugin->ops;
    struct cjd_plugin_error error = {.size = sizeof error};

    for (const struct cjd_need *n = p->plugin->needs; n && n->service; n++) {
        if (!n->optional && !get(&p->host, n->service, n->version)) {
            sim_fatal("plugin %s needs %s, which is not offered here", p->plugin->id, n->service);
        }
    }
    sim_random_init(&p->random, p->sim->seed ^ (uint64_t)p->node->lives << 32,
                    STREAM_PLUGINS + p->node->number);
    check(p, "create", ops->create(&p->host, &p->self, &error), &error);
    check(p, "configure", ops->configure(p->self, p->config, &error), &error);
    check(p, "acquire", ops->acquire ? ops->acquire(p->self, &error) : 0, &error);
    check(p, "start", ops->start(p->self, &error), &error);
}

/* Types stay registered in the daemon until the plugin is gone: there is no call to give them
 * back. Tasks are dropped. */
static void take_back(struct sim_plugin *p)
{
    while (p->uppers) {
        struct upper *u = p->uppers;
        p->uppers = u->next;
        if (sim_set_content(p->sim, p->node->number, u->first, u->last, NULL, NULL) != 0) {
            sim_fatal("plugin %s: types %u to %u are gone", p->plugin->id, u->first, u->last);
        }
        sim_free_bytes(u);
    }
    while (p->tasks) {
        struct task *t = p->tasks;
        p->tasks = t->next;
        sim_free_bytes(t);
    }
    front_detach(&p->host);
}

static void end(struct sim_plugin *p)
{
    const struct cjd_plugin_ops *ops = &p->plugin->ops;

    ops->stop(p->self);
    if (cjd_timers_next(&p->timers) != CJD_NEVER || p->packets != 0) {
        sim_fatal("node %u: plugin %s leaves %s behind", p->node->number, p->plugin->id,
                  p->packets != 0 ? "packets" : "an armed timer");
    }
    take_back(p);
    if (ops->release) {
        ops->release(p->self);
    }
    ops->destroy(p->self);
    p->self = NULL;
}

static void on_life(void *ctx, uint32_t node, bool is_up)
{
    (void)node;
    (is_up ? begin : end)(ctx);
}

struct sim_plugin *sim_plugin_new(struct sim *sim, uint32_t node, const struct cjd_plugin *plugin,
                                  const json_t *config)
{
    struct sim_plugin *p = sim_alloc(sizeof *p);

    *p = (struct sim_plugin){.sim = sim,
                             .node = host_at(sim, node),
                             .plugin = plugin,
                             .config = config,
                             .wake_ns = CJD_NEVER};
    p->host = (struct cjd_host){
        .size = sizeof p->host, .abi_minor = CJD_ABI_MINOR, .get = get, .impl = p};
    p->life = (struct sim_life){.fn = on_life, .ctx = p};
    sim_add_life(sim, node, &p->life);
    if (sim_is_up(sim, node)) {
        begin(p);
    }
    return p;
}

void sim_plugin_free(struct sim_plugin *p)
{
    sim_free_bytes(p);
}

void *sim_plugin_self(struct sim_plugin *p)
{
    return p->self;
}

void sim_plugin_set_log(struct sim_plugin *p,
                        void (*fn)(void *ctx, uint32_t level, const char *line), void *ctx)
{
    p->log = fn;
    p->log_ctx = ctx;
}
