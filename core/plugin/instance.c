/*
 * One instance of a plugin through its life.
 *
 *     LOADED ─create→ CREATED ─acquire→ ACQUIRED ─start→ STARTED
 *        end:   STARTED ─stop→ (threads joined, registrations taken back) ─release→ ─destroy→ ENDED
 */
#include <plugin/private.h>

#include <stdlib.h>
#include <string.h>

struct instance *cjd_instance_new(struct cjd_plugins *set, struct object *object,
                                  const struct cjd_config_plugin *entry)
{
    struct instance *in = calloc(1, sizeof *in);

    if (!in) {
        return NULL;
    }
    in->id = strdup(entry->id);
    if (!in->id) {
        free(in);
        return NULL;
    }
    in->set = set;
    in->object = object;
    in->is_required = entry->is_required;
    in->config = json_incref(entry->config);
    memcpy(in->pointer, entry->pointer, sizeof in->pointer);
    in->host = (struct cjd_host){
        .size = sizeof in->host, .abi_minor = CJD_ABI_MINOR, .get = cjd_services_get, .impl = in};
    struct cjd_log log = {.sink = set->config.log.sink, .module = in->id};
    cjd_owner_init(&in->owner, set->config.rt, log);
    return in;
}

/* A stuck instance stays: its thread may use the host and the owner. */
void cjd_instance_free(struct instance *in)
{
    json_decref(in->config);
    in->config = NULL;
    if (!in->is_stuck) {
        free(in->id);
        free(in);
    }
}

/* --- taking back --------------------------------------------------------------------------------
 */

static bool has_leak(const struct cjd_leaks *l)
{
    return l->links || l->watches || l->timers || l->requests || l->threads || l->packets != 0;
}

/* Takes back what the plugin left registered, and adds up what that was. */
static void take_back(struct instance *in, struct cjd_leaks *sum)
{
    struct cjd_leaks l = cjd_owner_undo(&in->owner);

    cjd_netif_undo(in);
    if (in->set->config.rpc) {
        cjd_rpc_withdraw(in->set->config.rpc, in);
        cjd_rpc_hang_up(in->set->config.rpc, in);
    }
    sum->links += l.links;
    sum->watches += l.watches;
    sum->timers += l.timers;
    sum->requests += l.requests;
    sum->threads = l.threads;
    sum->packets = l.packets;
}

static void report(struct instance *in, const struct cjd_leaks *l)
{
    if (!has_leak(l)) {
        return;
    }
    in->object->must_stay = true;
    cjd_log(&in->set->config.log, CJD_LOG_WARN,
            "plugin %s left things behind, its code stays in memory: links=%u watches=%u timers=%u "
            "requests=%u threads=%u packets=%lld",
            in->id, (unsigned)l->links, (unsigned)l->watches, (unsigned)l->timers,
            (unsigned)l->requests, (unsigned)l->threads, (long long)l->packets);
}

/* After stop, or after release of one that never started, its threads must end. */
static void join(struct instance *in)
{
    if (cjd_owner_join(&in->owner) > 0) {
        in->is_stuck = true;
    }
}

void cjd_instance_end(struct instance *in)
{
    const struct cjd_plugin_ops *ops = &in->object->file.plugin.ops;
    struct cjd_leaks leaks = {0};
    enum step step = in->step;

    if (step == STEP_ENDED) {
        return;
    }
    in->step = STEP_ENDED;
    if (step == STEP_LOADED && !in->was_called) {
        return;
    }
    if (step == STEP_STARTED) {
        if (in->set->config.rpc) {
            cjd_rpc_withdraw(in->set->config.rpc, in);
        }
        ops->stop(in->self);
        join(in);
        take_back(in, &leaks);
    }
    if (step >= STEP_ACQUIRED && ops->release && !in->is_stuck) {
        ops->release(in->self);
    }
    join(in);
    take_back(in, &leaks);
    if (step >= STEP_CREATED && !in->is_stuck) {
        ops->destroy(in->self);
        in->self = NULL;
        take_back(in, &leaks);
    }
    report(in, &leaks);
    if (step == STEP_STARTED) {
        cjd_plugins_tell_state(in);
    }
}

/* --- forward ------------------------------------------------------------------------------------
 */

int cjd_instance_create(struct instance *in, struct cjd_plugin_error *error)
{
    const struct cjd_plugin_ops *ops = &in->object->file.plugin.ops;
    in->was_called = true;
    int err = ops->create(&in->host, &in->self, error);

    if (err < 0) {
        cjd_instance_end(in);
        return err;
    }
    in->step = STEP_CREATED;
    err = ops->configure(in->self, in->config, error);
    if (err < 0) {
        cjd_instance_end(in);
    }
    return err < 0 ? err : 0;
}

int cjd_instance_acquire(struct instance *in, struct cjd_plugin_error *error)
{
    const struct cjd_plugin_ops *ops = &in->object->file.plugin.ops;
    int err = ops->acquire ? ops->acquire(in->self, error) : 0;

    if (err < 0) {
        cjd_instance_end(in);
        return err;
    }
    in->step = STEP_ACQUIRED;
    return 0;
}

int cjd_instance_start(struct instance *in, struct cjd_plugin_error *error)
{
    int err = in->object->file.plugin.ops.start(in->self, error);

    if (err < 0) {
        cjd_instance_end(in);
        return err;
    }
    in->step = STEP_STARTED;
    cjd_plugins_tell_state(in);
    return 0;
}
