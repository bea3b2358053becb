#include <config/change.h>

#include <string.h>

#include <config/private.h>

/* --- one change ---------------------------------------------------------------------------------
 */

int cjd_change_fail(struct cjd_change *c, uint32_t node, int err, const char *format, ...)
{
    struct cjd_position at = cjd_config_node_position(c->config, node);
    va_list args;

    va_start(args, format);
    cjd_diags_add_v(c->diags, CJD_DIAG_ERROR, &at, format, args);
    va_end(args);
    return err;
}

int cjd_change_open(struct cjd_change *c, const char *text, size_t len, struct cjd_diags *diags)
{
    struct cjd_diags found = {.file = diags->file};

    *c = (struct cjd_change){.text = text, .len = len, .diags = diags};
    int err = cjd_config_read_faulty(&c->config, text, len, &found);
    if (!c->config || !cjd_config_is_well_formed(c->config)) {
        for (size_t i = 0; i < found.count; i++) {
            const struct cjd_diag *d = &found.v[i];
            struct cjd_position at = {d->line, d->column, d->pointer};
            cjd_diags_add(diags, d->severity, &at, "%s", d->text ? d->text : "");
        }
        err = err == CJD_ERR_NO_MEMORY ? err : CJD_ERR_CONFIG;
    } else {
        err = 0;
        c->source = c->config->source;
        c->is_reference = c->config->is_reference;
        c->tree = cjd_source_tree(c->source);
    }
    cjd_diags_fini(&found);
    return err == 0 && !c->tree ? CJD_ERR_NO_MEMORY : err;
}

void cjd_change_close(struct cjd_change *c)
{
    cjd_config_free(c->config);
    json_decref(c->tree);
    cjd_buf_fini(&c->out);
}

/* --- making the change --------------------------------------------------------------------------
 */

struct cjd_edit cjd_change_edit(const struct cjd_change *c)
{
    return (struct cjd_edit){.text = c->text,
                             .len = c->len,
                             .source = c->source,
                             .has_reference_escapes = c->is_reference};
}

int cjd_change_append(struct cjd_change *c, uint32_t object, json_t *v, const char *name,
                      const char *key, json_t *entry)
{
    struct cjd_edit edit = cjd_change_edit(c);
    json_t *group = json_object_get(v, name);
    bool is_new = !group;

    if (!entry) {
        return CJD_ERR_NO_MEMORY;
    }
    if (is_new) {
        group = key ? json_object() : json_array();
        json_object_set_new(v, name, group);
    }
    uint32_t node = cjd_source_member(c->source, object, name);
    if (key ? !json_is_object(group) : !json_is_array(group)) {
        json_decref(entry);
        return cjd_change_fail(c, node, CJD_ERR_CONFIG, "must be %s",
                               key ? "an object { }" : "a list [ ]");
    }
    const char *parent = cjd_source_pointer(c->source, object);
    if (key) {
        snprintf(c->pointer, sizeof c->pointer, "%s/%s/%s", parent, name, key);
    } else {
        snprintf(c->pointer, sizeof c->pointer, "%s/%s/%zu", parent, name, json_array_size(group));
    }
    json_incref(entry);
    int err = key ? json_object_set_new(group, key, entry) : json_array_append_new(group, entry);
    if (is_new) {
        cjd_edit_append(&c->out, &edit, object, name, group);
    } else {
        cjd_edit_append(&c->out, &edit, node, key, entry);
    }
    json_decref(entry);
    return err < 0 ? CJD_ERR_NO_MEMORY : 0;
}

int cjd_change_replace(struct cjd_change *c, const struct cjd_spot *spot, const char *key,
                       json_t *entry)
{
    struct cjd_edit edit = cjd_change_edit(c);
    const struct cjd_source_node *n = &c->source->nodes[spot->node];
    bool is_renamed = spot->key && key && strcmp(spot->key, key) != 0;

    if (!entry) {
        return CJD_ERR_NO_MEMORY;
    }
    snprintf(c->pointer, sizeof c->pointer, "%s", cjd_source_pointer(c->source, spot->node));
    cjd_edit_replace(&c->out, &edit, spot->node, is_renamed ? key : NULL, entry);
    if (is_renamed) {
        const char *parent = cjd_source_pointer(c->source, n->parent);
        snprintf(c->pointer, sizeof c->pointer, "%s/%s", parent, key);
        json_object_del(spot->group, spot->key);
        return json_object_set_new(spot->group, key, entry) < 0 ? CJD_ERR_NO_MEMORY : 0;
    }
    int err = json_object_clear(spot->v) < 0 || json_object_update(spot->v, entry) < 0
                  ? CJD_ERR_NO_MEMORY
                  : 0;
    json_decref(entry);
    return err;
}

/* --- checking the result ------------------------------------------------------------------------
 */

static bool begins_with(const char *pointer, const char *start)
{
    size_t n = strlen(start);

    return strncmp(pointer, start, n) == 0 && (pointer[n] == '\0' || pointer[n] == '/');
}

/* What would be wrong with the new entry. Its place is in no file yet. */
static int report_entry(struct cjd_change *c, const struct cjd_diags *found)
{
    static const struct cjd_position nowhere = {.pointer = ""};
    int err = 0;

    for (size_t i = 0; i < found->count; i++) {
        const struct cjd_diag *d = &found->v[i];
        if (d->severity == CJD_DIAG_NOTE || !d->pointer || !begins_with(d->pointer, c->pointer)) {
            continue;
        }
        const char *last = strrchr(d->pointer, '/');
        bool is_member = strlen(d->pointer) > strlen(c->pointer);
        cjd_diags_add(c->diags, d->severity, &nowhere, "the new entry%s%s: %s",
                      is_member ? ", " : "", is_member ? last + 1 : "", d->text ? d->text : "");
        err = d->severity == CJD_DIAG_ERROR ? CJD_ERR_CONFIG : err;
    }
    return err;
}

/* The new text, read again, must be the old value with the same change made to it. */
static int verify(struct cjd_change *c, struct cjd_peering_change *out)
{
    struct cjd_diags found = {.file = c->diags->file};
    struct cjd_config *config;

    int err = cjd_config_read_faulty(&config, c->out.v, c->out.len, &found);
    if (err == CJD_ERR_NO_MEMORY) {
        cjd_diags_fini(&found);
        return err;
    }
    json_t *tree =
        config && cjd_config_is_well_formed(config) ? cjd_source_tree(config->source) : NULL;
    if (!tree || !json_equal(tree, c->tree)) {
        err = cjd_change_fail(
            c, 0, CJD_ERR_STATE,
            "this file is written in a way that cannot be changed safely: add the entry "
            "by hand");
    } else {
        uint32_t node = cjd_source_find(config->source, c->pointer);
        const struct cjd_source_node *n = &config->source->nodes[node];
        bool is_member = !config->source->nodes[n->parent].is_list;
        out->line = is_member ? n->key_at.line : n->at.line;
        err = report_entry(c, &found);
    }
    json_decref(tree);
    cjd_config_free(config);
    cjd_diags_fini(&found);
    return err;
}

int cjd_change_finish(struct cjd_change *c, struct cjd_peering_change *out)
{
    if (c->out.failed) {
        return CJD_ERR_NO_MEMORY;
    }
    int err = verify(c, out);
    if (err == 0) {
        out->text = c->out.v;
        out->len = c->out.len;
        c->out = (struct cjd_buf){0};
    }
    return err;
}
