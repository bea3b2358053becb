#include <plugin/load.h>

#include <stdlib.h>
#include <string.h>

static struct object *find_path(struct cjd_plugins *set, const char *path)
{
    for (struct object *o = set->objects; o; o = o->next) {
        if (strcmp(o->file.path, path) == 0) {
            return o;
        }
    }
    return NULL;
}

static const struct object *find_id(const struct cjd_plugins *set, const char *id)
{
    for (const struct object *o = set->objects; o; o = o->next) {
        if (strcmp(o->file.plugin.id, id) == 0) {
            return o;
        }
    }
    return NULL;
}

/* The name under which the configuration asks for it: that of the entry, else the file's. */
static void wanted_id(char *out, size_t cap, const struct cjd_config_plugin *entry,
                      const char *path)
{
    const char *base = strrchr(path, '/');

    snprintf(out, cap, "%s", entry->name ? entry->name : base ? base + 1 : path);
    size_t len = strlen(out);
    if (!entry->name && len > 3 && strcmp(out + len - 3, ".so") == 0) {
        out[len - 3] = '\0';
    }
}

static int check_id(const struct cjd_plugins *set, const struct cjd_config_plugin *entry,
                    const struct cjd_plugin_file *file, char why[CJD_PLUGIN_WHY])
{
    char wanted[64];
    const struct object *other = find_id(set, file->plugin.id);

    wanted_id(wanted, sizeof wanted, entry, file->path);
    if (strcmp(wanted, file->plugin.id) != 0) {
        snprintf(why, CJD_PLUGIN_WHY,
                 "%s holds the plugin \"%s\", not \"%s\": rename the file to %s.so, or correct the "
                 "configuration",
                 file->path, file->plugin.id, wanted, file->plugin.id);
        return CJD_ERR_INVALID;
    }
    if (other) {
        snprintf(why, CJD_PLUGIN_WHY,
                 "the plugin \"%s\" is already loaded from %s: use one file for it, not also %s",
                 file->plugin.id, other->file.path, file->path);
        return CJD_ERR_EXISTS;
    }
    return 0;
}

static int compile_schema(struct object *o, char why[CJD_PLUGIN_WHY])
{
    char fault[256] = "";
    int err = cjd_schema_new(&o->schema, o->file.plugin.config_schema, fault, sizeof fault);

    if (err < 0) {
        snprintf(why, CJD_PLUGIN_WHY,
                 "the configuration schema in %s cannot be used: %s: the plugin must be corrected",
                 o->file.path, fault);
    }
    return err;
}

static void free_object(struct object *o)
{
    cjd_schema_free(o->schema);
    cjd_plugin_file_close(&o->file, o->must_stay);
    free(o);
}

void cjd_load_free_objects(struct cjd_plugins *set)
{
    while (set->objects) {
        struct object *o = set->objects;
        set->objects = o->next;
        free_object(o);
    }
}

/* Takes the path. */
static int load(struct cjd_plugins *set, const struct cjd_config_plugin *entry, char *path,
                struct object **out, char why[CJD_PLUGIN_WHY])
{
    struct object *o = calloc(1, sizeof *o);

    if (!o) {
        free(path);
        snprintf(why, CJD_PLUGIN_WHY, "out of memory");
        return CJD_ERR_NO_MEMORY;
    }
    int err = cjd_plugin_file_open(&o->file, path, why);
    if (err < 0) {
        free(o);
        return err;
    }
    err = check_id(set, entry, &o->file, why);
    if (err == 0) {
        err = compile_schema(o, why);
    }
    if (err < 0) {
        free_object(o);
        return err;
    }
    cjd_log(&set->config.log, CJD_LOG_INFO,
            "loaded plugin %s version=%s abi=%u.%u sha256=%s file=%s", o->file.plugin.id,
            o->file.plugin.version, (unsigned)o->file.plugin.abi_major,
            (unsigned)o->file.plugin.abi_minor, o->file.sha256, o->file.path);
    o->next = set->objects;
    set->objects = o;
    *out = o;
    return 0;
}

int cjd_load_object(struct cjd_plugins *set, const struct cjd_config_plugin *entry,
                    struct object **out, char why[CJD_PLUGIN_WHY])
{
    char *path;
    int err = cjd_plugin_file_find(&path, entry->so, entry->name, set->config.folder, why);

    if (err < 0) {
        return err;
    }
    *out = find_path(set, path);
    if (*out) {
        free(path);
        return 0;
    }
    return load(set, entry, path, out, why);
}

int cjd_load_check_needs(const struct instance *in, char why[CJD_PLUGIN_WHY])
{
    const struct cjd_need *need = in->object->file.plugin.needs;

    for (; need && need->service; need++) {
        if (!need->optional && !cjd_services_get(&in->host, need->service, need->version)) {
            snprintf(why, CJD_PLUGIN_WHY,
                     "it needs the service %s/%u, which this cjdroute does not offer: "
                     "use a newer cjdroute or an older build of the plugin",
                     need->service, (unsigned)need->version);
            return CJD_ERR_VERSION;
        }
    }
    return 0;
}
