#include <config/convert.h>

#include <string.h>

#include <config/buf.h>
#include <config/hint.h>

/* --- reading ------------------------------------------------------------------------------------
 */

static struct cjd_ref nothing(struct cjd_ref parent)
{
    return (struct cjd_ref){.c = parent.c, .v = NULL, .node = parent.node};
}

struct cjd_ref cjd_ref_member(struct cjd_ref object, const char *key)
{
    const json_t *v = json_object_get(object.v, key);

    if (!v) {
        return nothing(object);
    }
    uint32_t node = cjd_source_member(object.c->config->source, object.node, key);
    return (struct cjd_ref){
        .c = object.c, .v = v, .node = node == CJD_SOURCE_NONE ? object.node : node};
}

struct cjd_ref cjd_ref_item(struct cjd_ref list, size_t i)
{
    const json_t *v = json_array_get(list.v, i);
    uint32_t node = v ? cjd_source_item(list.c->config->source, list.node, i) : CJD_SOURCE_NONE;

    return (struct cjd_ref){
        .c = list.c, .v = v, .node = node == CJD_SOURCE_NONE ? list.node : node};
}

static void report_v(struct cjd_ref at, enum cjd_severity severity, bool at_key, const char *format,
                     va_list args)
{
    const struct cjd_config *config = at.c->config;
    struct cjd_position p = cjd_config_node_position(config, at.node);

    if (at_key) {
        p.line = config->source->nodes[at.node].key_at.line;
        p.column = config->source->nodes[at.node].key_at.column;
    }
    cjd_diags_add_v(at.c->diags, severity, &p, format, args);
}

void cjd_ref_report(struct cjd_ref at, enum cjd_severity severity, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report_v(at, severity, false, format, args);
    va_end(args);
}

static void report_key(struct cjd_ref at, enum cjd_severity severity, const char *format, ...)
    CJD_PRINTF(3, 4);
static void report_key(struct cjd_ref at, enum cjd_severity severity, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report_v(at, severity, true, format, args);
    va_end(args);
}

struct cjd_ref cjd_ref_object(struct cjd_ref object, const char *key)
{
    struct cjd_ref member = cjd_ref_member(object, key);

    if (member.v && !json_is_object(member.v)) {
        cjd_ref_report(member, CJD_DIAG_ERROR, "\"%s\" must be an object { }", key);
        return nothing(member);
    }
    return member;
}

struct cjd_ref cjd_ref_list(struct cjd_ref object, const char *key)
{
    struct cjd_ref member = cjd_ref_member(object, key);

    if (member.v && !json_is_array(member.v)) {
        cjd_ref_report(member, CJD_DIAG_ERROR, "\"%s\" must be a list [ ]", key);
        return nothing(member);
    }
    return member;
}

const char *cjd_ref_text(struct cjd_ref object, const char *key)
{
    struct cjd_ref member = cjd_ref_member(object, key);

    if (member.v && !json_is_string(member.v)) {
        cjd_ref_report(member, CJD_DIAG_ERROR, "\"%s\" must be a text in quotes", key);
    }
    return json_string_value(member.v);
}

const char *cjd_ref_text_needed(struct cjd_ref object, const char *key)
{
    if (!json_object_get(object.v, key)) {
        cjd_ref_report(object, CJD_DIAG_ERROR, "the key \"%s\" is missing", key);
        return NULL;
    }
    return cjd_ref_text(object, key);
}

bool cjd_ref_integer(struct cjd_ref object, const char *key, json_int_t low, json_int_t high,
                     json_int_t *out)
{
    struct cjd_ref member = cjd_ref_member(object, key);

    if (!member.v) {
        return false;
    }
    if (json_is_string(member.v)) {
        cjd_ref_report(member, CJD_DIAG_WARNING,
                       "\"%s\" is a number without quotes; like this it is ignored", key);
        return false;
    }
    if (!json_is_integer(member.v) && !json_is_boolean(member.v)) {
        cjd_ref_report(member, CJD_DIAG_ERROR, "\"%s\" must be an integer", key);
        return false;
    }
    json_int_t value =
        json_is_integer(member.v) ? json_integer_value(member.v) : json_is_true(member.v);
    if (value < low || value > high) {
        cjd_ref_report(member, CJD_DIAG_ERROR, "\"%s\" must be from %lld to %lld", key,
                       (long long)low, (long long)high);
        return false;
    }
    *out = value;
    return true;
}

static bool is_listed(const char *const *keys, const char *key)
{
    for (; *keys; keys++) {
        if (strcmp(*keys, key) == 0) {
            return true;
        }
    }
    return false;
}

static void warn_unknown(struct cjd_ref at, const char *const *keys, const char *key,
                         bool only_near)
{
    struct cjd_hint hint = {.word = key};

    for (; *keys; keys++) {
        cjd_hint_try(&hint, *keys);
    }
    if (hint.best) {
        report_key(at, CJD_DIAG_WARNING,
                   "the key \"%.64s\" is not known and ignored; did you mean \"%s\"?", key,
                   hint.best);
    } else if (!only_near) {
        report_key(at, CJD_DIAG_WARNING, "the key \"%.64s\" is not known and ignored", key);
    }
}

void cjd_ref_known(struct cjd_ref object, const char *const *keys, bool only_near)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object.v, key, value)
    {
        if (!cjd_key_is_ignored(key) && !is_listed(keys, key)) {
            warn_unknown(cjd_ref_member(object, key), keys, key, only_near);
        }
    }
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void remember(struct cjd_convert *c, const char *pointer, const char *part,
                     struct cjd_ref from)
{
    char full[160];

    int n = snprintf(full, sizeof full, "%s/%s", pointer, part);
    if (c->err == 0 && n > 0 && (size_t)n < sizeof full) {
        c->err = cjd_config_add_origin(c->config, full, from.node);
    }
}

void cjd_out_put(struct cjd_convert *c, const struct cjd_out *object, const char *key,
                 json_t *value, struct cjd_ref from)
{
    if (json_object_set_new(object->v, key, value) < 0) {
        c->err = CJD_ERR_NO_MEMORY;
    }
    remember(c, object->pointer, key, from);
}

void cjd_out_push(struct cjd_convert *c, const struct cjd_out *list, json_t *value,
                  struct cjd_ref from)
{
    char index[24];

    snprintf(index, sizeof index, "%zu", json_array_size(list->v));
    if (json_array_append_new(list->v, value) < 0) {
        c->err = CJD_ERR_NO_MEMORY;
    }
    remember(c, list->pointer, index, from);
}

struct cjd_out cjd_out_group(struct cjd_convert *c, const struct cjd_out *object, const char *key,
                             json_t *empty, struct cjd_ref from)
{
    struct cjd_out out = {.v = empty};

    snprintf(out.pointer, sizeof out.pointer, "%.80s/%.24s", object->pointer, key);
    cjd_out_put(c, object, key, empty, from);
    if (c->err < 0) {
        out.v = NULL; /* it may be gone already */
    }
    return out;
}

struct cjd_out cjd_out_item(struct cjd_convert *c, const struct cjd_out *list, struct cjd_ref from)
{
    struct cjd_out out = {.v = json_object()};

    snprintf(out.pointer, sizeof out.pointer, "%.80s/%zu", list->pointer, json_array_size(list->v));
    cjd_out_push(c, list, out.v, from);
    if (c->err < 0) {
        out.v = NULL;
    }
    return out;
}

void cjd_out_text(struct cjd_convert *c, const struct cjd_out *object, const char *key,
                  struct cjd_ref from, const char *text)
{
    if (text) {
        cjd_out_put(c, object, key, json_string(text), from);
    }
}

bool cjd_plugin_is_built(const char *name)
{
    /* " udp tun …": the plugins in the tree when this was built. */
    static const char built[] = CJD_CONFIG_PLUGINS;
    char word[40];

    snprintf(word, sizeof word, " %s ", name);
    return strstr(built, word) != NULL;
}

struct cjd_out cjd_out_plugin(struct cjd_convert *c, const struct cjd_out *plugins,
                              const char *name, bool is_required, struct cjd_ref from)
{
    struct cjd_out entry = cjd_out_item(c, plugins, from);

    cjd_out_put(c, &entry, "plugin", json_string(name), from);
    if (!cjd_plugin_is_built(name)) {
        cjd_out_put(c, &entry, "enabled", json_false(), from);
    } else if (is_required) {
        cjd_out_put(c, &entry, "required", json_true(), from);
    }
    return cjd_out_group(c, &entry, "config", json_object(), from);
}

void cjd_out_disable(struct cjd_convert *c, const struct cjd_out *plugins)
{
    json_t *last = json_array_get(plugins->v, json_array_size(plugins->v) - 1);

    if (json_object_set_new(last, "enabled", json_false()) < 0) {
        c->err = CJD_ERR_NO_MEMORY;
    }
}
