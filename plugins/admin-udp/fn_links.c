/*
 * UDPInterface_ and ETHInterface_: done by the methods a link plugin offers under its id: "info",
 * "connect", "beacon" (docs/admin-rpc.md). Interface n is the nth address that instances of the
 * plugin are bound to. Interfaces are made by the configuration, not while the node runs.
 */
#include "functions.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define NO_INTERFACE "no such interface for interfaceNumber"

/* What is asked of an interface, kept while its id and its state are looked up. */
enum wish { WISH_BEGIN, WISH_BEACON, WISH_DEVICES, WISH_ADDRS, WISH_FD, WISH_SET_DEVICES };

/* The instance that is looked at: the first of those kept. "": none is left. */
static const char *current_id(const struct admin_request *r)
{
    const char *id = json_string_value(json_array_get(r->kept, 0));

    return id ? id : "";
}

static bool is_offered(const struct admin_request *r, const char *name)
{
    struct cjd_rpc_method_info info = {.size = sizeof info};

    return r->a->rpc->method_find(r->a->host, name, &info) == 0;
}

/* Calls "ID.method" of the instance that is looked at. */
static void call_instance(struct admin_request *r, const char *method, json_t *args,
                          admin_then_fn then)
{
    char name[80];

    snprintf(name, sizeof name, "%s.%s", current_id(r), method);
    for (char *at = strchr(name, '#'); at; at = strchr(at, '#')) {
        *at = '-'; /* as the registry writes "udp#2" */
    }
    if (!is_offered(r, name)) {
        json_decref(args);
        admin_error(r, "the plugin of this interface does not offer that");
        return;
    }
    admin_call(r, name, args, then);
}

/* --- beginning a connection ---------------------------------------------------------------------
 */

/* Family of "1.2.3.4:5" or "[::1]:5"; 0: neither. */
static int family_of(const char *text)
{
    char host[64];
    uint8_t ip[16];
    const char *colon = strrchr(text, ':');
    bool is_v6 = text[0] == '[';
    char *end;

    if (!colon || (size_t)(colon - text) >= sizeof host || colon[1] == '\0') {
        return 0;
    }
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || port == 0 || port > 65535) {
        return 0;
    }
    size_t from = is_v6 ? 1 : 0;
    size_t len = (size_t)(colon - text) - 2 * from;
    if (is_v6 && (colon == text + 1 || colon[-1] != ']')) {
        return 0;
    }
    snprintf(host, sizeof host, "%.*s", (int)len, text + from);
    return inet_pton(is_v6 ? AF_INET6 : AF_INET, host, ip) == 1 ? (is_v6 ? 6 : 4) : 0;
}

static void begun(struct admin_request *r, const json_t *result, const struct cjd_rpc_error *error)
{
    bool is_eth = strncmp(r->function->name, "ETH", 3) == 0;

    (void)result;
    if (!error) {
        admin_error(r, "none");
    } else if (is_error(error, "bad_key") || is_error(error, "own_key")) {
        admin_error(r, is_eth ? "invalid publicKey" : "invalid cjdns public key.");
    } else if (is_error(error, "other_family")) {
        admin_error(r, "different address type than this socket is bound to.");
    } else if (is_error(error, "too_many_peers")) {
        admin_error(r, "no more space to register with the switch.");
    } else {
        admin_fail(r, error);
    }
}

static void put_arg(json_t *args, const struct admin_request *r, const char *name, const char *as)
{
    struct cjd_bencode value;

    if (admin_arg_bytes(r, name, &value) && value.len > 0) {
        put(args, as, json_stringn((const char *)value.bytes, value.len));
    }
}

static void begin(struct admin_request *r, const json_t *bind)
{
    bool is_eth = strncmp(r->function->name, "ETH", 3) == 0;
    struct cjd_bencode password;
    char addr[80];

    (void)admin_arg_text(r, "address", addr, sizeof addr);
    int family = is_eth ? 0 : family_of(addr);
    if (!is_eth && family == 0) {
        admin_error(r, "unable to parse ip address and port.");
    } else if (!is_eth && family != number_in(bind, "family")) {
        admin_error(r, "different address type than this socket is bound to.");
    } else if (!admin_arg_bytes(r, "password", &password)) {
        admin_error(r, "password is required");
    } else {
        json_t *args = json_object();
        put_arg(args, r, "publicKey", "public_key");
        put_arg(args, r, is_eth ? "macAddress" : "address", "address");
        put_arg(args, r, "password", "password");
        put_arg(args, r, "login", "login");
        put_arg(args, r, "peerName", "name");
        if (is_eth) {
            put(args, "device", json_string(text_in(bind, "device")));
        }
        call_instance(r, "connect", args, begun);
    }
}

/* --- beacons ------------------------------------------------------------------------------------
 */

static const char *const modes[] = {"off", "accept", "send"};
static const char *const mode_names[] = {"disabled", "accepting", "sending and accepting"};

static void beacon_set(struct admin_request *r, const json_t *result,
                       const struct cjd_rpc_error *error)
{
    int64_t state = 0;

    (void)result;
    (void)admin_arg_int(r, "state", &state);
    if (error) {
        admin_fail(r, error);
        return;
    }
    admin_answer(r, json_pack("{s:s, s:I, s:s}", "error", "none", "state", (json_int_t)state,
                              "stateName", mode_names[state]));
}

static void beacon(struct admin_request *r)
{
    int64_t state;

    if (!admin_arg_int(r, "state", &state) || state < 0 || state > 2) {
        admin_error(r, "invalid state");
        return;
    }
    call_instance(r, "beacon", json_pack("{s:s}", "mode", modes[state]), beacon_set);
}

/* --- looking an interface up --------------------------------------------------------------------
 */

static void answer_list(struct admin_request *r, const char *key, const json_t *list)
{
    json_t *copy = json_is_array(list) ? json_deep_copy(list) : json_array();

    admin_answer(r, json_pack("{s:s, s:o}", "error", "none", key, copy));
}

static void found(struct admin_request *r, const json_t *info, const json_t *bind)
{
    switch ((enum wish)r->number) {
    case WISH_BEGIN:
        begin(r, bind);
        break;
    case WISH_BEACON:
        beacon(r);
        break;
    case WISH_SET_DEVICES:
        admin_error(r, "the devices of beacons are those of the configuration");
        break;
    case WISH_DEVICES:
        answer_list(r, "devices", json_object_get(info, "devices"));
        break;
    case WISH_ADDRS:
        answer_list(r, "addrs", NULL);
        break;
    case WISH_FD:
        admin_error(r, "descriptors are not shown");
        break;
    }
}

static void look(struct admin_request *r);

/* Counts off the addresses of one instance after the other. */
static void info_done(struct admin_request *r, const json_t *info,
                      const struct cjd_rpc_error *error)
{
    const json_t *binds = json_object_get(info, "binds");
    size_t count = json_array_size(binds);

    if (error) {
        admin_fail(r, error);
    } else if (r->left < count) {
        found(r, info, json_array_get(binds, r->left));
    } else {
        r->left -= count;
        json_array_remove(r->kept, 0);
        look(r);
    }
}

static void look(struct admin_request *r)
{
    bool is_eth = strncmp(r->function->name, "ETH", 3) == 0;

    if (current_id(r)[0] == '\0') {
        admin_error(r,
                    is_eth || r->number == WISH_BEACON ? "invalid interfaceNumber" : NO_INTERFACE);
        return;
    }
    call_instance(r, "info", NULL, info_done);
}

static void plugins_done(struct admin_request *r, const json_t *plugins,
                         const struct cjd_rpc_error *error)
{
    const char *plugin = strncmp(r->function->name, "ETH", 3) == 0 ? "eth" : "udp";
    int64_t n = 0;
    size_t i;
    json_t *p;

    if (error) {
        admin_fail(r, error);
        return;
    }
    (void)admin_arg_int(r, "interfaceNumber", &n);
    r->left = n < 0 ? SIZE_MAX : (size_t)n;
    r->kept = json_array();
    json_array_foreach(json_object_get(plugins, "items"), i, p)
    {
        if (strcmp(text_in(p, "state"), "running") == 0 &&
            strcmp(text_in(p, "plugin"), plugin) == 0) {
            json_array_append(r->kept, json_object_get(p, "id"));
        }
    }
    look(r);
}

static void with_interface(struct admin_request *r, enum wish wish)
{
    r->number = wish;
    admin_call(r, "plugins.list", NULL, plugins_done);
}

/* --- functions ----------------------------------------------------------------------------------
 */

void fn_udp_begin(struct admin_request *r)
{
    struct cjd_key key;
    char text[64];

    (void)admin_arg_text(r, "publicKey", text, sizeof text);
    const char *fault = key_fault(text, &key);
    if (fault) {
        admin_error(r, fault);
        return;
    }
    with_interface(r, WISH_BEGIN);
}

/* "00:11:22:33:44:55" */
static bool is_mac(const char *text)
{
    for (unsigned i = 0; i < 17; i++) {
        bool is_colon = i % 3 == 2;
        if (is_colon ? text[i] != ':' : !strchr("0123456789abcdefABCDEF", text[i]) || !text[i]) {
            return false;
        }
    }
    return text[17] == '\0';
}

void fn_eth_begin(struct admin_request *r)
{
    struct cjd_key key;
    char text[64];
    char mac[32];

    (void)admin_arg_text(r, "publicKey", text, sizeof text);
    (void)admin_arg_text(r, "macAddress", mac, sizeof mac);
    if (key_fault(text, &key)) {
        admin_error(r, "invalid publicKey");
    } else if (!is_mac(mac)) {
        admin_error(r, "invalid macAddress");
    } else {
        with_interface(r, WISH_BEGIN);
    }
}

static bool has_state(struct admin_request *r)
{
    int64_t state;

    if (!admin_arg_int(r, "state", &state) || state < 0 || state > 2) {
        admin_error(r, "invalid state");
        return false;
    }
    return true;
}

void fn_udp_beacon(struct admin_request *r)
{
    if (has_state(r)) {
        with_interface(r, WISH_BEACON);
    }
}

void fn_eth_beacon(struct admin_request *r)
{
    fn_udp_beacon(r);
}

void fn_udp_set_broadcast(struct admin_request *r)
{
    with_interface(r, WISH_SET_DEVICES);
}

void fn_udp_get_broadcast(struct admin_request *r)
{
    with_interface(r, WISH_DEVICES);
}

void fn_udp_broadcast_addrs(struct admin_request *r)
{
    with_interface(r, WISH_ADDRS);
}

void fn_udp_fd(struct admin_request *r)
{
    with_interface(r, WISH_FD);
}

void fn_udp_new(struct admin_request *r)
{
    char text[80];

    if (admin_arg_text(r, "bindAddress", text, sizeof text) && text[0] != '\0' &&
        family_of(text) == 0 && !strchr("0123456789[", text[0])) {
        admin_error(r, "Failed to parse address");
    } else {
        admin_error(r, "interfaces are made at the start: add one to the configuration and "
                       "restart");
    }
}

void fn_eth_new(struct admin_request *r)
{
    admin_error(r, "interfaces are made at the start: add one to the configuration and restart");
}

/* --- devices ------------------------------------------------------------------------------------
 */

static void devices_done(struct admin_request *r, const json_t *result,
                         const struct cjd_rpc_error *error)
{
    bool is_eth = strncmp(r->function->name, "ETH", 3) == 0;
    const json_t *items = json_object_get(result, "items");

    if (error) {
        admin_fail(r, error);
    } else if (is_eth) {
        answer_list(r, "devices", items);
    } else {
        admin_answer(r, json_pack("{s:o}", "ret", json_deep_copy(items)));
    }
}

void fn_udp_devices(struct admin_request *r)
{
    admin_call(r, "devices.list", json_pack("{s:b}", "broadcast", 1), devices_done);
}

void fn_eth_devices(struct admin_request *r)
{
    admin_call(r, "devices.list", NULL, devices_done);
}
