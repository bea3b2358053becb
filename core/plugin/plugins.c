#include <plugin/plugins.h>

#include <stdlib.h>
#include <string.h>

#include <plugin/load.h>
#include <plugin/private.h>

int cjd_plugins_new(struct cjd_plugins **out, const struct cjd_plugins_config *config)
{
    *out = calloc(1, sizeof **out);
    if (!*out) {
        return CJD_ERR_NO_MEMORY;
    }
    (*out)->config = *config;
    return 0;
}

void cjd_plugins_free(struct cjd_plugins *plugins)
{
    if (!plugins) {
        return;
    }
    cjd_plugins_stop(plugins);
    for (size_t i = 0; i < plugins->count; i++) {
        cjd_instance_free(plugins->v[i]);
    }
    cjd_load_free_objects(plugins);
    free(plugins->v);
    free(plugins);
}

void cjd_plugins_stop(struct cjd_plugins *plugins)
{
    for (size_t i = plugins->count; i-- > 0;) {
        cjd_instance_end(plugins->v[i]);
    }
}

size_t cjd_plugins_running(const struct cjd_plugins *plugins)
{
    size_t n = 0;

    for (size_t i = 0; i < plugins->count; i++) {
        n += plugins->v[i]->step == STEP_STARTED;
    }
    return n;
}

static struct cjd_plugin_state state_of(const struct instance *in)
{
    static const char *const states[] = {[STEP_LOADED] = "loaded",
                                         [STEP_CREATED] = "created",
                                         [STEP_ACQUIRED] = "acquired",
                                         [STEP_STARTED] = "running",
                                         [STEP_ENDED] = "ended"};

    const struct cjd_plugin *p = &in->object->file.plugin;
    return (struct cjd_plugin_state){.id = in->id,
                                     .plugin = p->id,
                                     .version = p->version,
                                     .summary = p->summary,
                                     .license = p->license,
                                     .path = in->object->file.path,
                                     .state = states[in->step],
                                     .is_required = in->is_required};
}

bool cjd_plugins_at(const struct cjd_plugins *plugins, size_t index, struct cjd_plugin_state *out)
{
    if (index >= plugins->count) {
        return false;
    }
    *out = state_of(plugins->v[index]);
    return true;
}

void cjd_plugins_tell_state(const struct instance *in)
{
    const struct cjd_plugins_config *config = &in->set->config;

    if (config->state) {
        struct cjd_plugin_state state = state_of(in);
        config->state(config->ctx, &state);
    }
}

/* What a step returns in the end: the first error of a required plugin. */
static void remember(int *result, int err, bool is_required)
{
    if (err < 0 && is_required && *result == 0) {
        *result = err;
    }
}

/* --- loading ------------------------------------------------------------------------------------
 */

static struct instance *add_instance(struct cjd_plugins *set, struct object *object,
                                     const struct cjd_config_plugin *entry)
{
    struct instance **grown = realloc(set->v, (set->count + 1) * sizeof(struct instance *));

    if (!grown) {
        return NULL;
    }
    set->v = grown;
    struct instance *in = cjd_instance_new(set, object, entry);
    if (in) {
        set->v[set->count++] = in;
    }
    return in;
}

/* Pointer of the entry: its configuration's without the last part. */
static void entry_pointer(char *out, size_t cap, const struct cjd_config_plugin *entry)
{
    snprintf(out, cap, "%s", entry->pointer);
    char *slash = strrchr(out, '/');
    if (slash) {
        *slash = '\0';
    }
}

static void refuse(const struct cjd_config *config, const struct cjd_config_plugin *entry,
                   struct cjd_diags *diags, const char *why)
{
    char pointer[sizeof entry->pointer];

    entry_pointer(pointer, sizeof pointer, entry);
    cjd_config_diag(config, diags, entry->is_required ? CJD_DIAG_ERROR : CJD_DIAG_WARNING, pointer,
                    "plugin \"%s\" %s: %s", entry->id,
                    entry->is_required ? "is required and cannot be used" : "is left out", why);
}

static int load_entry(struct cjd_plugins *set, const struct cjd_config *config,
                      const struct cjd_config_plugin *entry, struct cjd_diags *diags)
{
    char why[CJD_PLUGIN_WHY] = "";
    struct object *object = NULL;
    int err = cjd_load_object(set, entry, &object, why);

    if (err < 0) {
        refuse(config, entry, diags, why);
        return err;
    }
    err = cjd_schema_check(object->schema, entry->config, config, entry->pointer, diags);
    if (err < 0) {
        return err;
    }
    struct instance *in = add_instance(set, object, entry);
    if (!in) {
        refuse(config, entry, diags, "out of memory");
        return CJD_ERR_NO_MEMORY;
    }
    err = cjd_load_check_needs(in, why);
    if (err < 0) {
        in->step = STEP_ENDED;
        refuse(config, entry, diags, why);
    }
    return err;
}

int cjd_plugins_load(struct cjd_plugins *plugins, const struct cjd_config *config,
                     struct cjd_diags *diags)
{
    int result = 0;

    for (size_t i = 0; i < cjd_config_plugin_count(config); i++) {
        struct cjd_config_plugin entry = cjd_config_plugin_at(config, i);
        /* An entry without these is the core's to complain about. */
        if (!entry.is_enabled || !entry.id || !entry.config || (!entry.name && !entry.so)) {
            continue;
        }
        int err = load_entry(plugins, config, &entry, diags);
        remember(&result, err, entry.is_required);
    }
    return result;
}

/* --- steps --------------------------------------------------------------------------------------
 */

static struct cjd_plugin_error no_error(void)
{
    return (struct cjd_plugin_error){.size = sizeof(struct cjd_plugin_error)};
}

static const char *text_of(const struct cjd_plugin_error *error, int err)
{
    return error->text[0] ? error->text : cjd_err_text(err);
}

static void report_config(const struct instance *in, const struct cjd_config *config,
                          struct cjd_diags *diags, const struct cjd_plugin_error *error, int err)
{
    char pointer[sizeof in->pointer + sizeof error->pointer];

    snprintf(pointer, sizeof pointer, "%s%s", in->pointer, error->pointer);
    struct cjd_position at = cjd_config_position(config, pointer);
    if (cjd_diags_has_error(diags, &at)) {
        return; /* the core said the same */
    }
    cjd_config_diag(config, diags, CJD_DIAG_ERROR, pointer, "plugin \"%s\": %s", in->id,
                    text_of(error, err));
}

int cjd_plugins_create(struct cjd_plugins *plugins, const struct cjd_config *config,
                       struct cjd_diags *diags)
{
    int result = 0;

    for (size_t i = 0; i < plugins->count; i++) {
        struct instance *in = plugins->v[i];
        struct cjd_plugin_error error = no_error();
        if (in->step != STEP_LOADED) {
            continue;
        }
        int err = cjd_instance_create(in, &error);
        if (err < 0) {
            report_config(in, config, diags, &error, err);
            remember(&result, err, in->is_required);
        }
    }
    return result;
}

/* A link address that is taken: most likely this very node runs already, and going on without its
 * links would only look like a start (configuration notes §17). */
static bool is_address_taken(const struct instance *in, int err)
{
    return err == CJD_ERR_BUSY && (in->object->file.plugin.provides & CJD_PROVIDES_LINK) != 0;
}

static void report_step(const struct instance *in, const char *step, int err,
                        const struct cjd_plugin_error *error)
{
    const char *what = in->is_required             ? "is required and failed"
                       : is_address_taken(in, err) ? "failed"
                                                   : "is left out";

    cjd_log(&in->set->config.log, CJD_LOG_ERROR, "plugin %s %s: %s: %s (%s)", in->id, what, step,
            text_of(error, err), cjd_err_text(err));
}

typedef int (*step_fn)(struct instance *in, struct cjd_plugin_error *error);

static int all(struct cjd_plugins *set, enum step at, const char *name, step_fn step)
{
    int result = 0;

    for (size_t i = 0; i < set->count; i++) {
        struct instance *in = set->v[i];
        struct cjd_plugin_error error = no_error();
        if (in->step != at) {
            continue;
        }
        int err = step(in, &error);
        if (err < 0) {
            report_step(in, name, err, &error);
            remember(&result, err, in->is_required || is_address_taken(in, err));
        }
    }
    return result;
}

int cjd_plugins_acquire(struct cjd_plugins *plugins)
{
    return all(plugins, STEP_CREATED, "acquire", cjd_instance_acquire);
}

static int start_one(struct instance *in, struct cjd_plugin_error *error)
{
    int err = cjd_instance_start(in, error);

    if (err == 0) {
        const struct cjd_plugin *p = &in->object->file.plugin;
        cjd_log(&in->set->config.log, CJD_LOG_INFO, "started plugin %s (%s %s: %s)", in->id, p->id,
                p->version, p->summary);
    }
    return err;
}

int cjd_plugins_start(struct cjd_plugins *plugins)
{
    return all(plugins, STEP_ACQUIRED, "start", start_one);
}
