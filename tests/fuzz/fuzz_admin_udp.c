/*
 * The bencode admin protocol as a whole: messages of all kinds, to an open plugin and to one with a
 * password; methods that answer, fail, or answer later. The plugin is linked, see CMakeLists.txt.
 */
#include <fake_host.h>

#include <stdlib.h>
#include <string.h>

#include "admin.h"

extern const struct cjd_plugin cjd_plugin_abi1;

#define LATER_MAX 64u

static struct {
    struct cjd_rpc_call call;
    cjd_rpc_done_fn done;
    void *arg;
} later[LATER_MAX];
static unsigned later_count;
static unsigned turn;

static const char rich[] =
    "{\"items\": [{\"public_key\": \"k\", \"label\": \"0000.0000.0000.0013\", \"address\": "
    "\"fc00::1\","
    " \"protocol_version\": 20, \"plugin\": \"udp\", \"state\": \"running\", \"id\": \"udp\","
    " \"handle\": 5, \"last_received\": \"2026-01-02T03:04:05.678Z\", \"full\": \"v20.x.k\","
    " \"parent\": \"fc00::2\", \"login\": \"l\", \"name\": \"udp/0.0.0.0:1\", \"rx_bytes\": 1.5}],"
    " \"total\": 9000000000, \"next\": \"6\", \"result\": \"pong\", \"rtt_ms\": 1.2, \"nodes\": "
    "[{\"full\":"
    " \"v1\"}], \"from\": {\"address\": \"fc00::3\", \"label\": \"x\"}, \"binds\": [{\"family\": "
    "4}],"
    " \"scheme\": [{\"bits\": 3, \"prefix\": \"01\", \"prefix_bits\": 1}], \"data_hex\": \"00ff\","
    " \"address\": \"fc00::1\", \"public_key\": \"k\", \"pid\": 1, \"label\": \"l\", \"added\": "
    "true}";

static void on_call(struct cjd_fake_host *fake, const struct cjd_rpc_request *r,
                    struct cjd_rpc_call **out)
{
    static const char *const codes[] = {"not_found", "invalid_argument", "own_key", "login_exists",
                                        "no_such_peer"};
    const struct cjd_rpc_error error = {.size = sizeof error,
                                        .err = CJD_ERR_INVALID,
                                        .code = codes[turn % 5],
                                        .pointer = "",
                                        .message = "no",
                                        .hint = "yes"};

    (void)fake;
    turn = turn * 5 + 3;
    if (turn % 7 == 0 && later_count < LATER_MAX) {
        later[later_count].done = r->done;
        later[later_count].arg = r->arg;
        *out = &later[later_count++].call;
    } else if (turn % 3 == 0) {
        r->done(r->arg, NULL, &error);
    } else {
        json_t *result = json_loads(rich, 0, NULL);
        if (r->item && turn % 2 == 0) {
            r->item(r->arg, result);
        }
        r->done(r->arg, result, NULL);
        json_decref(result);
    }
}

static struct admin *make(struct cjd_fake_host *fake, const char *config)
{
    const struct cjd_plugin_ops *ops = &cjd_plugin_abi1.ops;
    struct cjd_plugin_error error = {.size = sizeof error};
    json_t *json = json_loads(config, 0, NULL);
    void *self = NULL;

    if (!json || ops->create(&fake->host, &self, &error) < 0 ||
        ops->configure(self, json, &error) < 0) {
        abort();
    }
    json_decref(json);
    return self;
}

/* Messages are cut at their lengths: two bytes each. */
static void feed(struct admin *a, const uint8_t *data, size_t len)
{
    struct admin_source from = {.len = sizeof from.addr.in};

    from.addr.in.sin_family = AF_INET;
    while (len >= 3) {
        size_t n = (size_t)data[0] | (size_t)(data[1] & 3) << 8;
        from.addr.in.sin_port = data[2];
        data += 3;
        len -= 3;
        n = n < len ? n : len;
        (void)admin_receive(a, &from, data, n);
        data += n;
        len -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const configs[] = {"{\"password\": \"NONE\"}", "{\"password\": \"secret\"}"};

    if (len < 1) {
        return 0;
    }
    struct cjd_fake_host *fake = cjd_fake_new();
    fake->log_level = CJD_LEVEL_ERROR;
    fake->on_call = on_call;
    later_count = 0;
    turn = data[0];
    struct admin *a = make(fake, configs[data[0] & 1]);
    feed(a, data + 1, len - 1);
    admin_streams_end(a);
    admin_requests_end(a);
    if (a->pending != 0 || fake->subscriptions != 0) {
        abort();
    }
    cjd_plugin_abi1.ops.destroy(a);
    cjd_fake_free(fake);
    return 0;
}
