#include "udp_rpc.h"

#include <stdio.h>
#include <string.h>

#include <cjd/rpc.h>
#include <cjd/text.h>

#include "udp.h"

static const struct cjd_rpc_service *rpc_of(const struct cjd_udp *udp)
{
    return udp->host->get(udp->host, CJD_SERVICE_RPC, 1);
}

static void fail(const struct cjd_udp *udp, struct cjd_rpc_call *call, int err, const char *code,
                 const char *message)
{
    const struct cjd_rpc_error error = {.size = sizeof error,
                                        .err = err,
                                        .code = code,
                                        .pointer = "",
                                        .message = message,
                                        .hint = ""};
    rpc_of(udp)->fail(udp->host, call, &error);
}

/* --- info ---------------------------------------------------------------------------------------
 */

static const char *const modes[] = {[CJD_UDP_BEACON_OFF] = "off",
                                    [CJD_UDP_BEACON_ACCEPT] = "accept",
                                    [CJD_UDP_BEACON_SEND] = "send"};

static const char info_result[] =
    "{\"type\": \"object\", \"properties\": {"
    "\"link\": {\"type\": \"integer\", \"description\": \"number of the interface\"},"
    "\"binds\": {\"type\": \"array\", \"items\": {\"type\": \"object\", \"properties\": {"
    "\"address\": {\"type\": \"string\"}, \"family\": {\"type\": \"integer\", \"enum\": [4, 6]}}}},"
    "\"beacon\": {\"type\": \"string\", \"enum\": [\"off\", \"accept\", \"send\"]}}}";

static void info(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_udp *udp = arg;
    json_t *binds = json_array();

    (void)args;
    for (uint32_t i = 0; i < udp->side_count; i++) {
        const struct cjd_udp_side *side = &udp->side[i];
        char text[CJD_UDP_TEXT_SIZE] = "";
        (void)cjd_udp_addr_text(&side->bound, text, sizeof text);
        json_array_append_new(binds, json_pack("{s:s, s:i}", "address", text, "family",
                                               side->family == AF_INET6 ? 6 : 4));
    }
    rpc_of(udp)->reply(udp->host, call,
                       json_pack("{s:I, s:o, s:s}", "link", (json_int_t)udp->link_id, "binds",
                                 binds, "beacon", modes[udp->config->beacon.mode]));
}

/* --- connect ------------------------------------------------------------------------------------
 */

static const char connect_args[] =
    "{\"type\": \"object\", \"additionalProperties\": false,"
    "\"required\": [\"public_key\", \"address\"], \"properties\": {"
    "\"public_key\": {\"type\": \"string\", \"format\": \"public-key\"},"
    "\"address\": {\"type\": \"string\", \"format\": \"ip-port\","
    "\"description\": \"where it listens, 192.0.2.1:5199 or [2001:db8::1]:5199\"},"
    "\"password\": {\"type\": \"string\", \"format\": \"secret\", \"minLength\": 1,"
    "\"maxLength\": 256},"
    "\"login\": {\"type\": \"string\", \"maxLength\": 64},"
    "\"name\": {\"type\": \"string\", \"maxLength\": 63, \"description\": \"for people\"}}}";

static const char connect_result[] =
    "{\"type\": \"object\", \"properties\": {\"peer\": {\"type\": \"string\"}}}";

static const char *text_of(const json_t *args, const char *key)
{
    return json_string_value(json_object_get(args, key));
}

/* False: answered. */
static bool read_address(const struct cjd_udp *udp, struct cjd_rpc_call *call, const char *text,
                         struct cjd_linkaddr *out)
{
    struct cjd_udp_target target;
    const char *why = "";
    uint32_t scope = 0;

    if (cjd_udp_target_parse(&target, text, &why) < 0 || target.family == AF_UNSPEC ||
        cjd_udp_zone_index(target.zone, &scope) < 0) {
        fail(udp, call, CJD_ERR_INVALID, "invalid_address",
             why[0] != '\0' ? why : "this is no address with a port");
        return false;
    }
    bool fits = target.family == AF_INET6 ? udp->env.has_ip6 : udp->env.has_ip4;
    if (!fits) {
        fail(udp, call, CJD_ERR_INVALID, "other_family",
             "this link is bound to an address of the other family");
        return false;
    }
    cjd_udp_addr_make_peer(out, target.family, target.ip, target.port, scope);
    return true;
}

static void answer_added(const struct cjd_udp *udp, struct cjd_rpc_call *call, int err,
                         uint32_t peer)
{
    char id[16];

    switch (err) {
    case 0:
        snprintf(id, sizeof id, "p-%x", (unsigned)peer);
        rpc_of(udp)->reply(udp->host, call, json_pack("{s:s}", "peer", id));
        break;
    case CJD_ERR_BAD_KEY:
        fail(udp, call, err, "bad_key", cjd_err_text(err));
        break;
    case CJD_ERR_OWN_KEY:
        fail(udp, call, err, "own_key", "this is the key of this node itself");
        break;
    case CJD_ERR_EXISTS:
        fail(udp, call, err, "address_taken", "there is a peer at this address already");
        break;
    case CJD_ERR_FULL:
        fail(udp, call, err, "too_many_peers", "there is no room for another peer");
        break;
    default:
        fail(udp, call, err, "not_added", cjd_err_text(err));
        break;
    }
}

static void connect_to(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_udp *udp = arg;
    uint32_t peer = 0;
    struct cjd_peer_spec spec = {.size = sizeof spec,
                                 .link = udp->link_id,
                                 .login = text_of(args, "login"),
                                 .password = text_of(args, "password"),
                                 .name = text_of(args, "name")};

    if (cjd_key_from_text(&spec.key, text_of(args, "public_key")) < 0) {
        fail(udp, call, CJD_ERR_INVALID, "bad_key", "this is no public key");
    } else if (read_address(udp, call, text_of(args, "address"), &spec.addr)) {
        answer_added(udp, call, udp->env.peer->add(udp->host, &spec, &peer), peer);
    }
}

/* --- beacon -------------------------------------------------------------------------------------
 */

static const char beacon_args[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"mode\"],"
    "\"properties\": {\"mode\": {\"type\": \"string\", \"enum\": [\"off\", \"accept\", "
    "\"send\"]}}}";

static const char beacon_result[] =
    "{\"type\": \"object\", \"properties\": {\"mode\": {\"type\": \"string\"}}}";

static enum cjd_udp_beacon_mode mode_of(const char *word)
{
    return strcmp(word, "off") == 0      ? CJD_UDP_BEACON_OFF
           : strcmp(word, "accept") == 0 ? CJD_UDP_BEACON_ACCEPT
                                         : CJD_UDP_BEACON_SEND;
}

/* Its sockets are made, and kept, as the configuration says: a mode of "off" stays that. */
static void beacon(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_udp *udp = arg;
    struct cjd_udp_beacon_conf *conf = &udp->config->beacon;
    enum cjd_udp_beacon_mode mode = mode_of(text_of(args, "mode"));
    bool is_off = conf->mode == CJD_UDP_BEACON_OFF;

    if (is_off != (mode == CJD_UDP_BEACON_OFF)) {
        fail(udp, call, CJD_ERR_RESTART_NEEDED, "restart_needed",
             is_off ? "beacons are off: switch them on in the configuration and restart"
                    : "beacons are on: switch them off in the configuration and restart");
        return;
    }
    conf->mode = mode;
    for (uint32_t i = 0; !is_off && i < udp->side_count; i++) {
        cjd_udp_beacon_apply(&udp->side[i].beacon, conf);
    }
    rpc_of(udp)->reply(udp->host, call, json_pack("{s:s}", "mode", modes[mode]));
}

/* --- all ----------------------------------------------------------------------------------------
 */

static const struct cjd_rpc_method methods[] = {
    {.size = sizeof(struct cjd_rpc_method),
     .scope = CJD_RPC_READ,
     .name = "info",
     .http = "GET /info",
     .summary = "Addresses it is bound to, and how it looks for neighbours",
     .result = info_result,
     .call = info},
    {.size = sizeof(struct cjd_rpc_method),
     .scope = CJD_RPC_WRITE,
     .name = "connect",
     .http = "POST /peers",
     .summary = "Connects to a node, until the next start",
     .args = connect_args,
     .result = connect_result,
     .call = connect_to},
    {.size = sizeof(struct cjd_rpc_method),
     .scope = CJD_RPC_WRITE,
     .name = "beacon",
     .http = "PATCH /beacon",
     .summary = "Only hears neighbours of the local network, or is also heard by them",
     .args = beacon_args,
     .result = beacon_result,
     .call = beacon},
};

void cjd_udp_rpc_offer(struct cjd_udp *udp)
{
    const struct cjd_rpc_service *rpc = rpc_of(udp);

    for (size_t i = 0; rpc && i < sizeof methods / sizeof methods[0]; i++) {
        int err = rpc->method_add(udp->host, &methods[i], udp);
        if (err < 0) {
            cjd_logger_write(&udp->log, CJD_LEVEL_WARN, "method %s cannot be offered: %s",
                             methods[i].name, cjd_err_text(err));
        }
    }
}
