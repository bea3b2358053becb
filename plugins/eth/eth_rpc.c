#include "eth_rpc.h"

#include <stdio.h>
#include <string.h>

#include <cjd/rpc.h>
#include <cjd/text.h>

#include "eth.h"

static const struct cjd_rpc_service *rpc_of(const struct cjd_eth *eth)
{
    return eth->host->get(eth->host, CJD_SERVICE_RPC, 1);
}

static void fail(const struct cjd_eth *eth, struct cjd_rpc_call *call, int err, const char *code,
                 const char *message)
{
    const struct cjd_rpc_error error = {.size = sizeof error,
                                        .err = err,
                                        .code = code,
                                        .pointer = "",
                                        .message = message,
                                        .hint = ""};
    rpc_of(eth)->fail(eth->host, call, &error);
}

static const char *text_of(const json_t *args, const char *key)
{
    return json_string_value(json_object_get(args, key));
}

/* --- info ---------------------------------------------------------------------------------------
 */

static const char *const modes[] = {[CJD_ETH_BEACON_OFF] = "off",
                                    [CJD_ETH_BEACON_ACCEPT] = "accept",
                                    [CJD_ETH_BEACON_SEND] = "send"};

static const char info_result[] =
    "{\"type\": \"object\", \"properties\": {"
    "\"beacon\": {\"type\": \"string\", \"enum\": [\"off\", \"accept\", \"send\"],"
    " \"description\": \"where no rule says otherwise\"},"
    "\"binds\": {\"type\": \"array\", \"description\": \"devices in use\", \"items\": {"
    "\"type\": \"object\", \"properties\": {\"device\": {\"type\": \"string\"},"
    "\"address\": {\"type\": \"string\"}, \"link\": {\"type\": \"integer\"},"
    "\"up\": {\"type\": \"boolean\"}, \"beacon\": {\"type\": \"string\"}}}}}}";

static json_t *bind_value(const struct cjd_eth *eth, const struct cjd_eth_device *d)
{
    char mac[CJD_ETH_MAC_TEXT] = "";

    (void)cjd_eth_mac_text(d->mac, mac, sizeof mac);
    return json_pack("{s:s, s:s, s:I, s:b, s:s}", "device", d->name, "address", mac, "link",
                     (json_int_t)d->io.link_id, "up", (int)d->is_up, "beacon",
                     modes[cjd_eth_config_mode(eth->config, d->name)]);
}

static void info(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_eth *eth = arg;
    json_t *binds = json_array();

    (void)args;
    for (size_t i = 0; i < eth->count; i++) {
        if (eth->v[i]->has_link) {
            json_array_append_new(binds, bind_value(eth, eth->v[i]));
        }
    }
    rpc_of(eth)->reply(eth->host, call,
                       json_pack("{s:s, s:o}", "beacon", modes[eth->config->mode], "binds", binds));
}

/* --- connect ------------------------------------------------------------------------------------
 */

static const char connect_args[] =
    "{\"type\": \"object\", \"additionalProperties\": false,"
    "\"required\": [\"public_key\", \"address\", \"device\"], \"properties\": {"
    "\"public_key\": {\"type\": \"string\", \"format\": \"public-key\"},"
    "\"address\": {\"type\": \"string\", \"format\": \"mac\"},"
    "\"device\": {\"type\": \"string\", \"format\": \"device\"},"
    "\"password\": {\"type\": \"string\", \"format\": \"secret\", \"minLength\": 1,"
    "\"maxLength\": 256},"
    "\"login\": {\"type\": \"string\", \"maxLength\": 64},"
    "\"name\": {\"type\": \"string\", \"maxLength\": 63, \"description\": \"for people\"}}}";

static const char connect_result[] =
    "{\"type\": \"object\", \"properties\": {\"peer\": {\"type\": \"string\"}}}";

static const struct cjd_eth_device *find_device(const struct cjd_eth *eth, const char *name)
{
    for (size_t i = 0; i < eth->count; i++) {
        if (eth->v[i]->has_link && strcmp(eth->v[i]->name, name) == 0) {
            return eth->v[i];
        }
    }
    return NULL;
}

static void answer_added(const struct cjd_eth *eth, struct cjd_rpc_call *call, int err,
                         uint32_t peer)
{
    const char *code = err == CJD_ERR_BAD_KEY   ? "bad_key"
                       : err == CJD_ERR_OWN_KEY ? "own_key"
                       : err == CJD_ERR_EXISTS  ? "address_taken"
                       : err == CJD_ERR_FULL    ? "too_many_peers"
                                                : "not_added";
    char id[16];

    if (err < 0) {
        fail(eth, call, err, code, cjd_err_text(err));
        return;
    }
    snprintf(id, sizeof id, "p-%x", (unsigned)peer);
    rpc_of(eth)->reply(eth->host, call, json_pack("{s:s}", "peer", id));
}

static void connect_to(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_eth *eth = arg;
    const struct cjd_eth_device *d = find_device(eth, text_of(args, "device"));
    uint8_t mac[CJD_ETH_MAC_BYTES];
    uint32_t peer = 0;
    struct cjd_peer_spec spec = {.size = sizeof spec,
                                 .login = text_of(args, "login"),
                                 .password = text_of(args, "password"),
                                 .name = text_of(args, "name")};

    if (!d) {
        fail(eth, call, CJD_ERR_NO_DEVICE, "no_such_device", "this device is not in use here");
    } else if (cjd_key_from_text(&spec.key, text_of(args, "public_key")) < 0) {
        fail(eth, call, CJD_ERR_INVALID, "bad_key", "this is no public key");
    } else if (cjd_eth_mac_parse(mac, text_of(args, "address")) < 0 ||
               !cjd_eth_mac_is_usable(mac)) {
        fail(eth, call, CJD_ERR_INVALID, "invalid_address", "no station can have this address");
    } else {
        spec.link = d->io.link_id;
        cjd_eth_addr_make(&spec.addr, mac);
        answer_added(eth, call, eth->peers.peer->add(eth->host, &spec, &peer), peer);
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

static void beacon(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_eth *eth = arg;
    const char *word = text_of(args, "mode");

    eth->config->mode = strcmp(word, "off") == 0      ? CJD_ETH_BEACON_OFF
                        : strcmp(word, "accept") == 0 ? CJD_ETH_BEACON_ACCEPT
                                                      : CJD_ETH_BEACON_SEND;
    for (size_t i = 0; i < eth->count; i++) {
        cjd_eth_device_reconfigure(eth->v[i]);
    }
    rpc_of(eth)->reply(eth->host, call, json_pack("{s:s}", "mode", modes[eth->config->mode]));
}

/* --- all ----------------------------------------------------------------------------------------
 */

static const struct cjd_rpc_method methods[] = {
    {.size = sizeof(struct cjd_rpc_method),
     .scope = CJD_RPC_READ,
     .name = "info",
     .http = "GET /info",
     .summary = "Devices in use, and how it looks for neighbours",
     .result = info_result,
     .call = info},
    {.size = sizeof(struct cjd_rpc_method),
     .scope = CJD_RPC_WRITE,
     .name = "connect",
     .http = "POST /peers",
     .summary = "Connects to a node on a device, until the next start",
     .args = connect_args,
     .result = connect_result,
     .call = connect_to},
    {.size = sizeof(struct cjd_rpc_method),
     .scope = CJD_RPC_WRITE,
     .name = "beacon",
     .http = "PATCH /beacon",
     .summary = "Whether neighbours are heard, and hear this node, where no rule says otherwise",
     .args = beacon_args,
     .result = beacon_result,
     .call = beacon},
};

void cjd_eth_rpc_offer(struct cjd_eth *eth)
{
    const struct cjd_rpc_service *rpc = rpc_of(eth);

    for (size_t i = 0; rpc && i < sizeof methods / sizeof methods[0]; i++) {
        int err = rpc->method_add(eth->host, &methods[i], eth);
        if (err < 0) {
            cjd_logger_write(&eth->log, CJD_LEVEL_WARN, "method %s cannot be offered: %s",
                             methods[i].name, cjd_err_text(err));
        }
    }
}
