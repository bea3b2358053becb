#include "udp_config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjd/text.h>

/* --- peers --------------------------------------------------------------------------------------
 */

static void peer_fini(struct cjd_udp_peer_conf *peer)
{
    free(peer->address);
    cjd_peer_conf_fini(&peer->who);
}

static int keep(char **out, const char *text)
{
    *out = text ? strdup(text) : NULL;
    return text && !*out ? CJD_ERR_NO_MEMORY : 0;
}

static int read_address(struct cjd_udp_peer_conf *peer, const struct cjd_conf *at, int family)
{
    struct cjd_conf member = cjd_conf_member(at, "address");
    const char *text;
    const char *why = "";

    int err = cjd_conf_string(at, "address", NULL, &text);
    if (err != 0) {
        return err;
    }
    if (cjd_udp_target_parse(&peer->target, text, &why) != 0 ||
        cjd_udp_target_check_peer(&peer->target, family, &why) != 0) {
        return cjd_conf_fail(&member, "%s", why);
    }
    return keep(&peer->address, text);
}

static int read_peer(struct cjd_udp_peer_conf *peer, const struct cjd_conf *at, int family)
{
    int err = json_is_object(at->value)
                  ? 0
                  : cjd_conf_fail(at, "a peer is an object: { \"address\": \xe2\x80\xa6 }");

    err = err == 0 ? read_address(peer, at, family) : err;
    return err == 0 ? cjd_peer_conf_read(&peer->who, at) : err;
}

/* Same endpoint: two peers cannot share one (link notes §2.2). */
static bool is_same_target(const struct cjd_udp_target *a, const struct cjd_udp_target *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->ip, b->ip, sizeof a->ip) == 0 && strcmp(a->zone, b->zone) == 0 &&
           strcasecmp(a->host, b->host) == 0;
}

static int check_unique(const struct cjd_udp_config *config, const struct cjd_conf *at)
{
    const struct cjd_udp_peer_conf *last = &config->peers[config->peer_count - 1];

    for (size_t i = 0; i + 1 < config->peer_count; i++) {
        if (is_same_target(&config->peers[i].target, &last->target)) {
            struct cjd_conf member = cjd_conf_member(at, "address");
            return cjd_conf_fail(&member, "this address is already that of peer %zu of the list",
                                 i);
        }
    }
    return 0;
}

static int read_peers(struct cjd_udp_config *config, const struct cjd_conf *root)
{
    struct cjd_conf list = cjd_conf_member(root, "peers");
    size_t count = cjd_conf_count(&list);
    int err = cjd_conf_want_list(&list);

    if (err == 0 && count > CJD_UDP_PEERS_MAX) {
        err = cjd_conf_fail(&list, "more than %u peers on one link", CJD_UDP_PEERS_MAX);
    }
    if (err != 0 || count == 0) {
        return err;
    }
    config->peers = calloc(count, sizeof *config->peers);
    if (!config->peers) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count && err == 0; i++) {
        struct cjd_conf item = cjd_conf_item(&list, i);
        config->peer_count++;
        err = read_peer(&config->peers[i], &item, config->bind.family);
        err = err == 0 ? check_unique(config, &item) : err;
    }
    return err;
}

/* --- the rest -----------------------------------------------------------------------------------
 */

static int read_bind(struct cjd_udp_config *config, const struct cjd_conf *root)
{
    struct cjd_conf member = cjd_conf_member(root, "bind");
    const char *text;
    const char *why = "";

    int err = cjd_conf_string(root, "bind", "0.0.0.0", &text);
    if (err != 0) {
        return err;
    }
    if (cjd_udp_target_parse(&config->bind, text, &why) != 0 ||
        cjd_udp_target_check_bind(&config->bind, &why) != 0) {
        return cjd_conf_fail(&member, "%s", why);
    }
    return 0;
}

static int read_dscp(struct cjd_udp_config *config, const struct cjd_conf *root)
{
    int64_t dscp;
    int err = cjd_conf_integer(root, "dscp", 0, 63, 0, &dscp);

    config->dscp = (uint8_t)dscp;
    return err;
}

static int read_device(struct cjd_udp_devices *devices, const struct cjd_conf *item)
{
    const char *name = json_string_value(item->value);

    if (!name || name[0] == '\0') {
        return cjd_conf_fail(item, "must be the name of a device, or \"all\"");
    }
    if (strcmp(name, "all") == 0) {
        devices->is_all = true;
        return 0;
    }
    return keep(&devices->name[devices->count++], name);
}

/* No list: all devices. An empty one: none. */
static int read_devices(struct cjd_udp_devices *devices, const struct cjd_conf *beacon)
{
    struct cjd_conf list = cjd_conf_member(beacon, "devices");
    size_t count = cjd_conf_count(&list);
    int err = cjd_conf_want_list(&list);

    devices->is_all = !list.value;
    if (err == 0 && count > CJD_UDP_DEVICES_MAX) {
        err = cjd_conf_fail(&list, "more than %u devices", CJD_UDP_DEVICES_MAX);
    }
    if (err != 0 || count == 0) {
        return err;
    }
    devices->name = calloc(count, sizeof *devices->name);
    if (!devices->name) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count && err == 0; i++) {
        struct cjd_conf item = cjd_conf_item(&list, i);
        err = read_device(devices, &item);
    }
    return err;
}

static int read_beacon(struct cjd_udp_config *config, const struct cjd_conf *root)
{
    static const char *const modes[] = {"off", "accept", "send", NULL};
    struct cjd_conf beacon = cjd_conf_member(root, "beacon");
    struct cjd_conf member = cjd_conf_member(&beacon, "port");
    size_t mode = CJD_UDP_BEACON_OFF;
    int64_t port = CJD_UDP_BEACON_PORT;

    int err = cjd_conf_want_object(&beacon);
    err = err == 0 ? cjd_conf_word(&beacon, "mode", modes, CJD_UDP_BEACON_OFF, &mode) : err;
    err = err == 0 ? cjd_conf_integer(&beacon, "port", 1, UINT16_MAX, CJD_UDP_BEACON_PORT, &port)
                   : err;
    config->beacon.mode = (enum cjd_udp_beacon_mode)mode;
    config->beacon.port = (uint16_t)port;
    if (err == 0 && mode != CJD_UDP_BEACON_OFF && port == config->bind.port) {
        err = cjd_conf_fail(member.value ? &member : &beacon,
                            "beacons need a port of their own, not that of \"bind\"");
    }
    return err == 0 ? read_devices(&config->beacon.devices, &beacon) : err;
}

int cjd_udp_config_read(struct cjd_udp_config **out, const json_t *json,
                        struct cjd_plugin_error *error)
{
    struct cjd_conf root = cjd_conf_root(json, error);
    struct cjd_udp_config *config = calloc(1, sizeof *config);

    *out = NULL;
    if (!config) {
        return CJD_ERR_NO_MEMORY;
    }
    int err = cjd_conf_want_object(&root);
    err = err == 0 ? read_bind(config, &root) : err;
    err = err == 0 ? read_dscp(config, &root) : err;
    err = err == 0 ? read_beacon(config, &root) : err;
    err = err == 0 ? read_peers(config, &root) : err;
    if (err != 0) {
        cjd_udp_config_free(config);
        return err;
    }
    *out = config;
    return 0;
}

void cjd_udp_config_free(struct cjd_udp_config *config)
{
    if (!config) {
        return;
    }
    for (size_t i = 0; i < config->peer_count; i++) {
        peer_fini(&config->peers[i]);
    }
    for (size_t i = 0; i < config->beacon.devices.count; i++) {
        free(config->beacon.devices.name[i]);
    }
    free(config->beacon.devices.name);
    free(config->peers);
    free(config);
}

bool cjd_udp_config_same_socket(const struct cjd_udp_config *a, const struct cjd_udp_config *b)
{
    bool has_beacon = a->beacon.mode != CJD_UDP_BEACON_OFF;

    return is_same_target(&a->bind, &b->bind) && a->dscp == b->dscp &&
           has_beacon == (b->beacon.mode != CJD_UDP_BEACON_OFF) &&
           (!has_beacon || a->beacon.port == b->beacon.port);
}

bool cjd_udp_peer_conf_equal(const struct cjd_udp_peer_conf *a, const struct cjd_udp_peer_conf *b)
{
    return is_same_target(&a->target, &b->target) && cjd_peer_conf_equal(&a->who, &b->who);
}
