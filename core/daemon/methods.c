/* The registry of a run, and what of it only the daemon can answer; described in methods.json. */
#include <daemon/daemon.h>

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern const char cjd_daemon_methods_text[];

static uint64_t wall_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- plugins, configuration ---------------------------------------------------------------------
 */

static json_t *plugin_value(const struct cjd_plugin_state *p)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "id", p->id, "plugin", p->plugin,
                     "version", p->version, "summary", p->summary, "license", p->license, "path",
                     p->path, "state", p->state, "required", (int)p->is_required);
}

static void plugins_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_daemon *d = arg;
    struct cjd_plugin_state p;
    json_t *items = json_array();

    (void)args;
    for (size_t i = 0; cjd_plugins_at(d->plugins, i, &p); i++) {
        json_array_append_new(items, plugin_value(&p));
    }
    cjd_rpc_reply(
        call, json_pack("{s:o, s:I}", "items", items, "total", (json_int_t)json_array_size(items)));
}

void cjd_daemon_plugin_state(void *ctx, const struct cjd_plugin_state *state)
{
    const struct cjd_daemon *d = ctx;

    cjd_rpc_emit(d->rpc, "plugin.state", plugin_value(state));
}

static void config_get(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_daemon *d = arg;

    (void)args;
    cjd_rpc_reply(call, cjd_config_masked(d->config));
}

/* A reload configures plugins, perhaps the very one that asks: it waits until that has returned. */
static void reload_now(void *arg)
{
    struct cjd_daemon *d = arg;
    struct cjd_rpc_call *call = d->reloading;

    if (!call) {
        return;
    }
    d->messages = json_array();
    bool is_applied = cjd_daemon_reload(d) == 0;
    json_t *messages = d->messages;
    d->messages = NULL;
    d->reloading = NULL;
    cjd_rpc_reply(call, json_pack("{s:b, s:o}", "applied", (int)is_applied, "messages", messages));
}

static void node_reload(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_daemon *d = arg;

    (void)args;
    if (d->reloading) {
        cjd_rpc_fail_f(call, CJD_ERR_STATE, "reload_under_way", "", "a reload is under way");
        return;
    }
    d->reloading = call;
    int err = cjd_owner_defer(&d->rpc_owner, reload_now, d);
    if (err < 0) {
        d->reloading = NULL;
        cjd_rpc_fail_f(call, err, "no_memory", "", "out of memory");
    }
}

static void node_reload_cancel(void *arg, struct cjd_rpc_call *call)
{
    struct cjd_daemon *d = arg;

    (void)call;
    d->reloading = NULL;
}

static void node_shutdown(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_daemon *d = arg;

    (void)args;
    cjd_log(&d->log, CJD_LOG_INFO, "stopping, asked by %s", call->caller);
    cjd_rpc_emit(d->rpc, "node.stopping", json_object());
    cjd_rpc_reply(call, json_pack("{s:b}", "stopping", 1));
    cjd_runtime_quit(d->rt);
}

/* --- devices ------------------------------------------------------------------------------------
 */

static bool is_listed(const json_t *items, const char *name)
{
    size_t i;
    json_t *one;

    json_array_foreach((json_t *)(uintptr_t)items, i, one)
    {
        if (strcmp(json_string_value(one), name) == 0) {
            return true;
        }
    }
    return false;
}

static void devices_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    unsigned needed =
        json_is_true(json_object_get(args, "broadcast")) ? IFF_UP | IFF_BROADCAST : IFF_UP;
    json_t *items = json_array();
    struct ifaddrs *all = NULL;

    (void)arg;
    if (getifaddrs(&all) < 0) {
        json_decref(items);
        cjd_rpc_fail_f(call, cjd_err_from_errno(errno), "not_told", "",
                       "the system does not tell its devices: %s", strerror(errno));
        return;
    }
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if ((i->ifa_flags & needed) == needed && !is_listed(items, i->ifa_name)) {
            json_array_append_new(items, json_string(i->ifa_name));
        }
    }
    freeifaddrs(all);
    cjd_rpc_reply(call, json_pack("{s:o}", "items", items));
}

/* --- log ----------------------------------------------------------------------------------------
 */

static json_t *levels_value(const struct cjd_daemon *d)
{
    json_t *modules = json_object();
    const char *name;

    for (unsigned i = 0; (name = cjd_log_out_module_at(d->out, i)) != NULL; i++) {
        json_object_set_new(modules, name,
                            json_string(cjd_log_level_name(cjd_log_out_level(d->out, name))));
    }
    return json_pack("{s:s, s:o}", "level", cjd_log_level_name(cjd_log_out_level(d->out, NULL)),
                     "modules", modules);
}

static void log_levels(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    (void)args;
    cjd_rpc_reply(call, levels_value(arg));
}

static void log_set_level(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_daemon *d = arg;
    const char *module = json_string_value(json_object_get(args, "module"));
    enum cjd_log_level level = CJD_LOG_INFO;

    if (!cjd_log_level_parse(&level, json_string_value(json_object_get(args, "level")))) {
        level = CJD_LOG_INFO; /* the schema lets no other through */
    }
    if (!module) {
        cjd_log_out_set_level(d->out, level);
    } else if (cjd_log_out_set_module(d->out, module, level) < 0) {
        cjd_rpc_fail_f(call, CJD_ERR_FULL, "too_many_modules", "/module",
                       "there is no room for the level of another module");
        return;
    }
    cjd_rpc_reply(call, levels_value(d));
}

static json_t *line_value(const struct cjd_rpc_event *e)
{
    json_t *out = json_deep_copy(e->data);
    time_t seconds = (time_t)(e->wall_ms / 1000);
    char text[64];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, sizeof text - len, ".%03uZ", (unsigned)(e->wall_ms % 1000));
    json_object_set_new(out, "seq", json_integer((json_int_t)e->seq));
    json_object_set_new(out, "time", json_string(text));
    return out;
}

/* The whole ring is looked through, so that a filter does not hide what is a little older. */
static void log_recent(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_daemon *d = arg;
    size_t most = (size_t)json_integer_value(json_object_get(args, "lines"));
    enum cjd_log_level level = CJD_LOG_TRACE;
    struct cjd_rpc_event e = {.size = sizeof e};
    struct cjd_rpc_subscription *sub;
    json_t *items = json_array();

    if (!cjd_log_level_parse(&level, json_string_value(json_object_get(args, "level")))) {
        level = CJD_LOG_TRACE;
    }
    struct cjd_rpc_subscribe wish = {.size = sizeof wish,
                                     .stream = CJD_RPC_LOG,
                                     .types = json_string_value(json_object_get(args, "module")),
                                     .level = level,
                                     .tail = CJD_RPC_LINES_KEPT};
    if (cjd_rpc_subscribe(d->rpc, d, &wish, &sub) < 0) {
        json_decref(items);
        cjd_rpc_fail_f(call, CJD_ERR_FULL, "too_many_followers", "", "too many follow the log");
        return;
    }
    while (cjd_rpc_next(sub, &e) == 1) {
        json_array_append_new(items, line_value(&e));
        if (json_array_size(items) > most) {
            json_array_remove(items, 0);
        }
    }
    cjd_rpc_unsubscribe(sub);
    cjd_rpc_reply(call, json_pack("{s:o}", "items", items));
}

/* --- registry -----------------------------------------------------------------------------------
 */

static const struct cjd_rpc_binding bindings[] = {
    {"plugins.list", plugins_list, NULL},   {"config.get", config_get, NULL},
    {"devices.list", devices_list, NULL},   {"node.reload", node_reload, node_reload_cancel},
    {"node.shutdown", node_shutdown, NULL}, {"log.levels", log_levels, NULL},
    {"log.set_level", log_set_level, NULL}, {"log.recent", log_recent, NULL},
};

static uint64_t now_ns(void *ctx)
{
    const struct cjd_daemon *d = ctx;

    return cjd_runtime_now(d->rt);
}

static uint64_t wall_of(void *ctx)
{
    (void)ctx;
    return wall_ms();
}

static void run(void *arg)
{
    const struct cjd_daemon *d = arg;

    cjd_rpc_run(d->rpc);
}

static void wake(void *ctx)
{
    struct cjd_daemon *d = ctx;

    if (cjd_owner_post(&d->rpc_owner, run, d) < 0) {
        return; /* out of memory: the next event wakes them */
    }
}

static void follow(void *ctx, int level)
{
    const struct cjd_daemon *d = ctx;

    cjd_log_out_set_tap_level(d->out, level);
}

static void tap(void *ctx, const char *module, enum cjd_log_level level, const char *text)
{
    const struct cjd_daemon *d = ctx;

    cjd_rpc_log_line(d->rpc, module, level, text);
}

int cjd_daemon_make_registry(struct cjd_daemon *d)
{
    struct cjd_rpc_config config = {.timers = cjd_runtime_timers(d->rt),
                                    .rng = cjd_rng_system(),
                                    .log = cjd_log_out_log(d->out, "rpc"),
                                    .now_ns = now_ns,
                                    .wall_ms = wall_of,
                                    .wake = wake,
                                    .follow = follow,
                                    .ctx = d};

    cjd_owner_init(&d->rpc_owner, d->rt, config.log);
    int err = cjd_rpc_new(&d->rpc, &config);
    if (err < 0) {
        return err;
    }
    cjd_log_out_set_tap(d->out, tap, d);
    struct cjd_methods_config methods = {.rpc = d->rpc,
                                         .rt = d->rt,
                                         .node = d->node,
                                         .pool = d->pool,
                                         .rng = config.rng,
                                         .wall_ms = wall_ms};
    err = cjd_methods_new(&d->methods, &methods);
    return err < 0 ? err
                   : cjd_rpc_document_new(&d->own, d->rpc, cjd_daemon_methods_text, bindings,
                                          sizeof bindings / sizeof bindings[0], d);
}

void cjd_daemon_peer_event(void *ctx, const struct cjd_peer_info *peer, bool was_removed)
{
    const struct cjd_daemon *d = ctx;

    if (d->methods) {
        cjd_methods_peer_event(d->methods, peer, was_removed);
    }
}

void cjd_daemon_stop_methods(struct cjd_daemon *d)
{
    struct cjd_methods *methods = d->methods;

    d->methods = NULL;
    cjd_rpc_document_free(d->own);
    cjd_methods_free(methods);
}

void cjd_daemon_free_registry(struct cjd_daemon *d)
{
    if (d->rpc) {
        cjd_log_out_set_tap(d->out, NULL, NULL);
        cjd_owner_undo(&d->rpc_owner);
        cjd_rpc_free(d->rpc);
        d->rpc = NULL;
    }
}
