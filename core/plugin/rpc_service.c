/* cjd.rpc for plugins: an instance is the owner of what it registers and asks. */
#include <plugin/private.h>

static struct cjd_rpc *rpc_of(const struct cjd_host *host)
{
    return instance_of(host)->set->config.rpc;
}

static int method_add(const struct cjd_host *host, const struct cjd_rpc_method *method, void *arg)
{
    const struct instance *in = instance_of(host);

    return method ? cjd_rpc_method_add(rpc_of(host), in, in->id, method, arg) : CJD_ERR_INVALID;
}

static void item(const struct cjd_host *host, struct cjd_rpc_call *call, json_t *value)
{
    (void)host;
    cjd_rpc_item(call, value);
}

static void reply(const struct cjd_host *host, struct cjd_rpc_call *call, json_t *result)
{
    (void)host;
    cjd_rpc_reply(call, result);
}

static void fail(const struct cjd_host *host, struct cjd_rpc_call *call,
                 const struct cjd_rpc_error *error)
{
    (void)host;
    cjd_rpc_fail(call, error);
}

static int event_add(const struct cjd_host *host, const struct cjd_rpc_event_type *type)
{
    const struct instance *in = instance_of(host);

    return type ? cjd_rpc_event_add(rpc_of(host), in, in->id, type) : CJD_ERR_INVALID;
}

static void emit(const struct cjd_host *host, const char *type, json_t *data)
{
    char provider[CJD_RPC_PROVIDER_SIZE];
    char name[128];

    cjd_rpc_provider_name(provider, instance_of(host)->id);
    snprintf(name, sizeof name, "%s.%s", provider, type);
    cjd_rpc_emit(rpc_of(host), name, data);
}

static uint64_t revision(const struct cjd_host *host)
{
    return cjd_rpc_revision(rpc_of(host));
}

static int method_at(const struct cjd_host *host, uint32_t index, struct cjd_rpc_method_info *out)
{
    return cjd_rpc_method_at(rpc_of(host), index, out);
}

static int method_find(const struct cjd_host *host, const char *name,
                       struct cjd_rpc_method_info *out)
{
    return cjd_rpc_method_find(rpc_of(host), name, out);
}

static int event_type_at(const struct cjd_host *host, uint32_t index,
                         struct cjd_rpc_event_type_info *out)
{
    return cjd_rpc_event_type_at(rpc_of(host), index, out);
}

static void call(const struct cjd_host *host, const struct cjd_rpc_request *request,
                 struct cjd_rpc_call **out)
{
    cjd_rpc_call(rpc_of(host), instance_of(host), request, out);
}

static void cancel(const struct cjd_host *host, struct cjd_rpc_call *c)
{
    (void)host;
    cjd_rpc_cancel(c);
}

static const char *boot_id(const struct cjd_host *host)
{
    return cjd_rpc_boot_id(rpc_of(host));
}

static int subscribe(const struct cjd_host *host, const struct cjd_rpc_subscribe *wish,
                     struct cjd_rpc_subscription **out)
{
    return cjd_rpc_subscribe(rpc_of(host), instance_of(host), wish, out);
}

static int next(const struct cjd_host *host, struct cjd_rpc_subscription *sub,
                struct cjd_rpc_event *out)
{
    (void)host;
    return cjd_rpc_next(sub, out);
}

static void unsubscribe(const struct cjd_host *host, struct cjd_rpc_subscription *sub)
{
    (void)host;
    cjd_rpc_unsubscribe(sub);
}

const struct cjd_rpc_service cjd_rpc_table = {.size = (uint32_t)sizeof(struct cjd_rpc_service),
                                              .version = 1,
                                              .method_add = method_add,
                                              .item = item,
                                              .reply = reply,
                                              .fail = fail,
                                              .event_add = event_add,
                                              .emit = emit,
                                              .revision = revision,
                                              .method_at = method_at,
                                              .method_find = method_find,
                                              .event_type_at = event_type_at,
                                              .call = call,
                                              .cancel = cancel,
                                              .boot_id = boot_id,
                                              .subscribe = subscribe,
                                              .next = next,
                                              .unsubscribe = unsubscribe};
