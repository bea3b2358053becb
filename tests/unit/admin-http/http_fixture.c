#include "http_fixture.h"

struct row {
    const char *name;
    const char *provider;
    const char *verb;
    const char *path;
    uint32_t scope;
    const char *args;
    const char *item;
    const char *result;
};

#define PEER                                                                                       \
    "{\"type\":\"object\",\"required\":[\"peer\"],\"properties\":{\"peer\":{\"type\":\"string\"}}" \
    "}"

static const struct row rows[] = {
    {"peers.get", "core", "GET", "/v1/peers/{peer}", CJD_RPC_READ, PEER, NULL, NULL},
    {"peers.list", "core", "GET", "/v1/peers", CJD_RPC_READ,
     "{\"type\":\"object\",\"properties\":{\"state\":{\"type\":\"string\",\"description\":"
     "\"which\"},"
     "\"limit\":{\"type\":\"integer\"},\"all\":{\"type\":\"boolean\"},\"cost\":{\"type\":["
     "\"number\","
     "\"null\"]},\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}}",
     NULL, "{\"type\":\"object\",\"properties\":{\"total\":{\"type\":\"integer\"}}}"},
    {"peers.remove", "core", "DELETE", "/v1/peers/{peer}", CJD_RPC_WRITE, PEER, NULL, NULL},
    {"peers.reset", "core", "POST", "/v1/peers/reset", CJD_RPC_WRITE, NULL, NULL, NULL},
    {"peers.retry", "core", "POST", "/v1/peers/{peer}/retry", CJD_RPC_WRITE,
     "{\"type\":\"object\",\"required\":[\"peer\",\"times\"],\"properties\":{\"peer\":{\"type\":"
     "\"string\"},\"times\":{\"type\":\"integer\"}}}",
     NULL, NULL},
    {"udp.connect", "udp", "POST", "/v1/udp/peers", CJD_RPC_WRITE,
     "{\"type\":\"object\",\"properties\":{\"address\":{\"type\":\"string\"}}}", NULL, NULL},
    {"walk", "core", "POST", "/v1/walk", CJD_RPC_PROBE, NULL,
     "{\"type\":\"object\",\"properties\":{\"hop\":{\"type\":\"integer\"}}}", NULL},
};

static json_t *schema_of(const char *text)
{
    return json_loads(text ? text : "{\"type\":\"object\"}", 0, NULL);
}

/* Schemas are kept by the caller of method_at: one set, freed with the next. */
static int method_at(const struct cjd_host *host, uint32_t index, struct cjd_rpc_method_info *out)
{
    json_t **kept = host->impl;

    if (index >= sizeof rows / sizeof rows[0]) {
        return CJD_ERR_NOT_FOUND;
    }
    const struct row *r = &rows[index];
    for (size_t i = 0; i < 3; i++) {
        json_decref(kept[i]);
    }
    kept[0] = schema_of(r->args);
    kept[1] = r->item ? schema_of(r->item) : NULL;
    kept[2] = schema_of(r->result);
    *out = (struct cjd_rpc_method_info){.size = sizeof *out,
                                        .scope = r->scope,
                                        .flags = r->item ? CJD_RPC_ITEMS : 0,
                                        .name = r->name,
                                        .provider = r->provider,
                                        .verb = r->verb,
                                        .path = r->path,
                                        .summary = "Does something",
                                        .description = "",
                                        .args = kept[0],
                                        .item = kept[1],
                                        .result = kept[2]};
    return 0;
}

static int event_type_at(const struct cjd_host *host, uint32_t index,
                         struct cjd_rpc_event_type_info *out)
{
    (void)host, (void)index, (void)out;
    return CJD_ERR_NOT_FOUND;
}

static uint64_t revision(const struct cjd_host *host)
{
    (void)host;
    return 7;
}

static const char *boot_id(const struct cjd_host *host)
{
    (void)host;
    return "0123456789abcdef";
}

struct cjd_http_catalog *fixture_catalog(void)
{
    static const struct cjd_rpc_service rpc = {.size = sizeof rpc,
                                               .version = 1,
                                               .revision = revision,
                                               .method_at = method_at,
                                               .event_type_at = event_type_at,
                                               .boot_id = boot_id};
    json_t *kept[3] = {NULL, NULL, NULL};
    const struct cjd_host host = {.size = sizeof host, .impl = kept};
    struct cjd_http_catalog *catalog = cjd_http_catalog_new(&rpc, &host);

    for (size_t i = 0; i < 3; i++) {
        json_decref(kept[i]);
    }
    assert_non_null(catalog);
    return catalog;
}

const char *fixture_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}
