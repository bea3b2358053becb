#include <rpc/document.h>

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16u

struct cjd_rpc_document {
    struct cjd_rpc *rpc;
    json_t *root; /* texts of the descriptions are borrowed from here */
};

/* Deep copy with "@type" replaced. NULL: there is no such type, or out of memory. */
static json_t *expand(const json_t *types, const json_t *value, unsigned depth)
{
    const char *text = json_string_value(value);
    const char *key;
    size_t i;
    json_t *inner;

    if (depth > DEPTH_MAX) {
        return NULL;
    }
    if (text && text[0] == '@') {
        return expand(types, json_object_get(types, text + 1), depth + 1);
    }
    if (!json_is_object(value) && !json_is_array(value)) {
        return value ? json_deep_copy(value) : NULL;
    }
    json_t *out = json_is_object(value) ? json_object() : json_array();
    int err = 0;
    json_object_foreach((json_t *)(uintptr_t)value, key, inner)
    {
        err |= json_object_set_new(out, key, expand(types, inner, depth + 1));
    }
    json_array_foreach((json_t *)(uintptr_t)value, i, inner)
    {
        err |= json_array_append_new(out, expand(types, inner, depth + 1));
    }
    if (err) {
        json_decref(out);
        return NULL;
    }
    return out;
}

/* The text of a schema, to be freed; *is_bad if it is there but cannot be made out. */
static char *schema_text(const json_t *root, const json_t *schema, bool *is_bad)
{
    if (!schema) {
        return NULL;
    }
    json_t *full = expand(json_object_get(root, "types"), schema, 0);
    char *text = full ? json_dumps(full, JSON_COMPACT) : NULL;
    json_decref(full);
    *is_bad = *is_bad || !text;
    return text;
}

static uint32_t scope_of(const char *word)
{
    static const struct {
        const char *word;
        uint32_t scope;
    } scopes[] = {{"read", CJD_RPC_READ},
                  {"probe", CJD_RPC_PROBE},
                  {"write", CJD_RPC_WRITE},
                  {"administer", CJD_RPC_ADMINISTER}};

    for (size_t i = 0; word && i < sizeof scopes / sizeof scopes[0]; i++) {
        if (strcmp(scopes[i].word, word) == 0) {
            return scopes[i].scope;
        }
    }
    return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int add_method(struct cjd_rpc_document *doc, const struct cjd_rpc_binding *b,
                      const json_t *about, void *arg)
{
    bool is_bad = false;
    char *args = schema_text(doc->root, json_object_get(about, "args"), &is_bad);
    char *item = schema_text(doc->root, json_object_get(about, "item"), &is_bad);
    char *result = schema_text(doc->root, json_object_get(about, "result"), &is_bad);
    bool is_later = json_is_true(json_object_get(about, "later"));
    struct cjd_rpc_method m = {
        .size = sizeof m,
        .scope = scope_of(text_of(about, "scope")),
        .flags = (is_later ? CJD_RPC_LATER : 0) | (item ? CJD_RPC_ITEMS : 0),
        .timeout_ms = (uint32_t)json_integer_value(json_object_get(about, "timeout_ms")),
        .name = b->name,
        .http = text_of(about, "http"),
        .summary = text_of(about, "summary"),
        .description = text_of(about, "description"),
        .args = args,
        .item = item,
        .result = result,
        .call = b->call,
        .cancel = b->cancel};
    int err = is_bad ? CJD_ERR_CONFIG : cjd_rpc_method_add(doc->rpc, doc, NULL, &m, arg);

    free(args);
    free(item);
    free(result);
    return err;
}

static int add_methods(struct cjd_rpc_document *doc, const struct cjd_rpc_binding *bindings,
                       size_t count, void *arg)
{
    const json_t *methods = json_object_get(doc->root, "methods");
    int err = json_object_size(methods) == count ? 0 : CJD_ERR_CONFIG;

    for (size_t i = 0; err == 0 && i < count; i++) {
        const json_t *about = json_object_get(methods, bindings[i].name);
        err = about ? add_method(doc, &bindings[i], about, arg) : CJD_ERR_CONFIG;
    }
    return err;
}

static int add_events(struct cjd_rpc_document *doc)
{
    const char *name;
    json_t *about;
    int err = 0;

    json_object_foreach(json_object_get(doc->root, "events"), name, about)
    {
        bool is_bad = false;
        char *data = schema_text(doc->root, json_object_get(about, "data"), &is_bad);
        struct cjd_rpc_event_type t = {
            .size = sizeof t, .name = name, .summary = text_of(about, "summary"), .data = data};
        if (err == 0) {
            err = is_bad ? CJD_ERR_CONFIG : cjd_rpc_event_add(doc->rpc, doc, NULL, &t);
        }
        free(data);
    }
    return err;
}

int cjd_rpc_document_new(struct cjd_rpc_document **out, struct cjd_rpc *rpc, const char *text,
                         const struct cjd_rpc_binding *bindings, size_t count, void *arg)
{
    struct cjd_rpc_document *doc = calloc(1, sizeof *doc);

    *out = NULL;
    if (!doc) {
        return CJD_ERR_NO_MEMORY;
    }
    doc->rpc = rpc;
    doc->root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    int err = doc->root ? add_methods(doc, bindings, count, arg) : CJD_ERR_CONFIG;
    if (err == 0) {
        err = add_events(doc);
    }
    if (err < 0) {
        cjd_rpc_document_free(doc);
        return err;
    }
    *out = doc;
    return 0;
}

void cjd_rpc_document_free(struct cjd_rpc_document *doc)
{
    if (doc) {
        cjd_rpc_withdraw(doc->rpc, doc);
        json_decref(doc->root);
        free(doc);
    }
}
