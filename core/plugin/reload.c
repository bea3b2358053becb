/*
 * New configurations for running plugins. Source: configuration notes §17 (reload).
 *
 * All is checked against the schemas before any plugin is called. If a plugin refuses its part,
 * those that took theirs are given the old one again, so that a broken file changes nothing.
 */
#include <plugin/plugins.h>

#include <stdlib.h>
#include <string.h>

#include <plugin/private.h>

static struct instance *find(struct cjd_plugins *set, const char *id)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->v[i]->id, id) == 0 && set->v[i]->step == STEP_STARTED) {
            return set->v[i];
        }
    }
    return NULL;
}

/* Same file as before? Names and paths are compared by what was loaded. */
static bool is_same_file(const struct instance *in, const struct cjd_config_plugin *entry)
{
    if (entry->so) {
        char *path = realpath(entry->so, NULL);
        bool is_same = path && strcmp(path, in->object->file.path) == 0;
        free(path);
        return is_same;
    }
    return strcmp(entry->name, in->object->file.plugin.id) == 0;
}

static int check_all(struct cjd_plugins *set, const struct cjd_config *config,
                     struct cjd_diags *diags)
{
    int result = 0;

    for (size_t i = 0; i < cjd_config_plugin_count(config); i++) {
        struct cjd_config_plugin entry = cjd_config_plugin_at(config, i);
        struct instance *in = entry.is_enabled ? find(set, entry.id) : NULL;
        if (!in || !is_same_file(in, &entry)) {
            continue;
        }
        int err = cjd_schema_check(in->object->schema, entry.config, config, entry.pointer, diags);
        if (err < 0 && result == 0) {
            result = err;
        }
    }
    return result;
}

static int configure(struct instance *in, const json_t *config, struct cjd_plugin_error *error)
{
    *error = (struct cjd_plugin_error){.size = sizeof *error};
    return in->object->file.plugin.ops.configure(in->self, config, error);
}

static void keep(struct instance *in, json_t *config)
{
    json_incref(config);
    json_decref(in->config);
    in->config = config;
}

/* What one entry came to, in order to undo it. */
struct change {
    struct instance *in;
    json_t *old;
};

struct reload {
    struct cjd_plugins *set;
    const struct cjd_config *config;
    struct cjd_diags *diags;
    cjd_plugins_tell_fn tell;
    void *arg;
    struct change *changes;
    size_t count;
};

static void report(struct reload *r, const struct cjd_config_plugin *entry,
                   const struct cjd_plugin_error *error, int err)
{
    char pointer[sizeof entry->pointer + sizeof error->pointer];

    snprintf(pointer, sizeof pointer, "%s%s", entry->pointer, error->pointer);
    cjd_config_diag(r->config, r->diags, CJD_DIAG_ERROR, pointer, "plugin \"%s\": %s", entry->id,
                    error->text[0] ? error->text : cjd_err_text(err));
}

static int apply(struct reload *r, const struct cjd_config_plugin *entry)
{
    struct instance *in = find(r->set, entry->id);
    struct cjd_plugin_error error;

    if (!in || !is_same_file(in, entry)) {
        r->tell(r->arg, entry->id, CJD_ERR_RESTART_NEEDED,
                in ? "another file: needs a restart" : "not running: needs a restart");
        return 0;
    }
    if (json_equal(in->config, entry->config)) {
        return 0;
    }
    int err = configure(in, entry->config, &error);
    if (err == CJD_ERR_RESTART_NEEDED) {
        r->tell(r->arg, entry->id, err, error.text[0] ? error.text : "its changes need a restart");
        return 0;
    }
    if (err < 0) {
        report(r, entry, &error, err);
        return err;
    }
    r->changes[r->count++] = (struct change){in, json_incref(in->config)};
    keep(in, entry->config);
    r->tell(r->arg, entry->id, 0, "changes applied");
    return 0;
}

static void undo(struct reload *r)
{
    while (r->count > 0) {
        struct change *c = &r->changes[--r->count];
        struct cjd_plugin_error error;
        int err = configure(c->in, c->old, &error);
        r->tell(r->arg, c->in->id, err, err < 0 ? "could not be set back" : "set back");
        keep(c->in, c->old);
        json_decref(c->old);
    }
}

static void tell_removed(struct reload *r)
{
    for (size_t i = 0; i < r->set->count; i++) {
        const struct instance *in = r->set->v[i];
        bool is_there = in->step != STEP_STARTED;
        for (size_t k = 0; !is_there && k < cjd_config_plugin_count(r->config); k++) {
            struct cjd_config_plugin entry = cjd_config_plugin_at(r->config, k);
            is_there = entry.is_enabled && strcmp(entry.id, in->id) == 0;
        }
        if (!is_there) {
            r->tell(r->arg, in->id, CJD_ERR_RESTART_NEEDED,
                    "no longer configured: needs a restart to go away");
        }
    }
}

static void forget_changes(struct reload *r)
{
    while (r->count > 0) {
        json_decref(r->changes[--r->count].old);
    }
    free(r->changes);
}

int cjd_plugins_reload(struct cjd_plugins *plugins, const struct cjd_config *config,
                       struct cjd_diags *diags, cjd_plugins_tell_fn tell, void *arg)
{
    struct reload r = {.set = plugins, .config = config, .diags = diags, .tell = tell, .arg = arg};
    int err = check_all(plugins, config, diags);

    if (err < 0) {
        return err;
    }
    r.changes = calloc(plugins->count + 1, sizeof *r.changes);
    if (!r.changes) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; err == 0 && i < cjd_config_plugin_count(config); i++) {
        struct cjd_config_plugin entry = cjd_config_plugin_at(config, i);
        err = entry.is_enabled ? apply(&r, &entry) : 0;
    }
    if (err < 0) {
        undo(&r);
    } else {
        tell_removed(&r);
    }
    forget_changes(&r);
    return err;
}
