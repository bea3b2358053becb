#include <fake_host.h>

#include <stdio.h>
#include <string.h>

/* --- providers ----------------------------------------------------------------------------------
 */

static int method_add(const struct cjd_host *host, const struct cjd_rpc_method *method, void *arg)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    if (fake->method_count == CJD_FAKE_METHODS) {
        cjd_fake_misuse("more than %u methods", CJD_FAKE_METHODS);
    }
    fake->methods[fake->method_count++] = (struct cjd_fake_method){.method = method, .arg = arg};
    return 0;
}

static void item(const struct cjd_host *host, struct cjd_rpc_call *call, json_t *value)
{
    (void)host, (void)call;
    json_decref(value);
}

static void set_answer(struct cjd_fake_host *fake, struct cjd_rpc_call *call, json_t *answer,
                       const char *code)
{
    if (call->data) {
        cjd_fake_misuse("the method %s answers twice", call->method);
    }
    call->data = fake;
    json_decref(fake->answer);
    fake->answer = answer;
    snprintf(fake->answer_code, sizeof fake->answer_code, "%s", code);
}

static void reply(const struct cjd_host *host, struct cjd_rpc_call *call, json_t *result)
{
    set_answer(cjd_fake_of(host), call, result, "");
}

static void fail(const struct cjd_host *host, struct cjd_rpc_call *call,
                 const struct cjd_rpc_error *error)
{
    set_answer(cjd_fake_of(host), call, NULL, error->code);
}

static int event_add(const struct cjd_host *host, const struct cjd_rpc_event_type *type)
{
    (void)host, (void)type;
    return 0;
}

static void emit(const struct cjd_host *host, const char *type, json_t *data)
{
    (void)host, (void)type;
    json_decref(data);
}

const json_t *cjd_fake_call(struct cjd_fake_host *fake, const char *name, const char *args)
{
    for (size_t i = 0; i < fake->method_count; i++) {
        const struct cjd_fake_method *m = &fake->methods[i];
        if (strcmp(m->method->name, name) != 0) {
            continue;
        }
        struct cjd_rpc_call call = {
            .size = sizeof call, .scopes = CJD_RPC_ALL, .method = name, .caller = "test"};
        json_t *value = args ? json_loads(args, 0, NULL) : json_object();
        if (!value) {
            cjd_fake_misuse("no JSON: %s", args);
        }
        m->method->call(m->arg, &call, value);
        json_decref(value);
        if (!call.data) {
            cjd_fake_misuse("the method %s did not answer", name);
        }
        return fake->answer;
    }
    cjd_fake_misuse("the plugin offers no method %s", name);
}

/* --- faces --------------------------------------------------------------------------------------
 */

static uint64_t revision(const struct cjd_host *host)
{
    (void)host;
    return 1;
}

static int method_at(const struct cjd_host *host, uint32_t index, struct cjd_rpc_method_info *out)
{
    (void)host, (void)index, (void)out;
    return CJD_ERR_NOT_FOUND;
}

static int method_find(const struct cjd_host *host, const char *name,
                       struct cjd_rpc_method_info *out)
{
    (void)host, (void)name, (void)out;
    return CJD_ERR_NOT_FOUND;
}

static int event_type_at(const struct cjd_host *host, uint32_t index,
                         struct cjd_rpc_event_type_info *out)
{
    (void)host, (void)index, (void)out;
    return CJD_ERR_NOT_FOUND;
}

static void call(const struct cjd_host *host, const struct cjd_rpc_request *request,
                 struct cjd_rpc_call **out)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);
    const struct cjd_rpc_error none = {.size = sizeof none,
                                       .err = CJD_ERR_NOT_FOUND,
                                       .code = "unknown_method",
                                       .pointer = "",
                                       .message = "there is no such method",
                                       .hint = ""};

    if (out) {
        *out = NULL;
    }
    if (fake->on_call) {
        fake->on_call(fake, request, out);
    } else {
        request->done(request->arg, NULL, &none);
    }
}

static void cancel(const struct cjd_host *host, struct cjd_rpc_call *c)
{
    cjd_fake_of(host)->cancelled_calls += c != NULL;
}

static const char *boot_id(const struct cjd_host *host)
{
    (void)host;
    return "0123456789abcdef";
}

static int subscribe(const struct cjd_host *host, const struct cjd_rpc_subscribe *wish,
                     struct cjd_rpc_subscription **out)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    fake->subscriptions++;
    fake->ready = wish->ready;
    fake->ready_arg = wish->arg;
    *out = (struct cjd_rpc_subscription *)(void *)fake;
    return 0;
}

static int next(const struct cjd_host *host, struct cjd_rpc_subscription *sub,
                struct cjd_rpc_event *out)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    (void)sub;
    if (fake->line_count == 0) {
        return 0;
    }
    *out = *fake->lines++;
    fake->line_count--;
    return 1;
}

static void unsubscribe(const struct cjd_host *host, struct cjd_rpc_subscription *sub)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    if (sub && fake->subscriptions-- == 0) {
        cjd_fake_misuse("a subscription ends twice");
    }
}

const struct cjd_rpc_service cjd_fake_rpc_service = {.size = sizeof cjd_fake_rpc_service,
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
