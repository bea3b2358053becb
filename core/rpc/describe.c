/* Descriptions as JSON, for faces on the other side of a thread or a socket. */
#include <rpc/private.h>

static const char *scope_word(uint32_t scope)
{
    switch (scope) {
    case CJD_RPC_READ:
        return "read";
    case CJD_RPC_PROBE:
        return "probe";
    case CJD_RPC_WRITE:
        return "write";
    default:
        return "administer";
    }
}

static json_t *borrowed(const json_t *value)
{
    return json_incref((json_t *)(uintptr_t)value);
}

static json_t *describe(const struct cjd_rpc_method_info *m)
{
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:o, s:o}", "name", m->name,
                  "provider", m->provider, "verb", m->verb, "path", m->path, "summary", m->summary,
                  "description", m->description, "scope", scope_word(m->scope), "later",
                  (m->flags & CJD_RPC_LATER) != 0, "timeout_ms", (json_int_t)m->timeout_ms, "args",
                  borrowed(m->args), "result", borrowed(m->result));

    if (out && m->item) {
        json_object_set_new(out, "item", borrowed(m->item));
    }
    return out;
}

json_t *cjd_rpc_describe_methods(const struct cjd_rpc *rpc)
{
    json_t *items = json_array();

    for (uint32_t i = 0; items && i < rpc->method_count; i++) {
        json_array_append_new(items, describe(&rpc->methods[i]->info));
    }
    return json_pack("{s:o, s:I}", "items", items, "revision", (json_int_t)rpc->revision);
}

json_t *cjd_rpc_describe_events(const struct cjd_rpc *rpc)
{
    json_t *items = json_array();

    for (uint32_t i = 0; items && i < rpc->type_count; i++) {
        const struct cjd_rpc_event_type_info *t = &rpc->types[i]->info;
        json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:o}", "name", t->name, "provider",
                                               t->provider, "summary", t->summary, "data",
                                               borrowed(t->data)));
    }
    return json_pack("{s:o, s:I}", "items", items, "revision", (json_int_t)rpc->revision);
}
