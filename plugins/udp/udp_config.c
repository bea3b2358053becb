#include "udp_config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjd/text.h>

/* --- peers --------------------------------------------------------------------------------------
 */

static void peer_fini(struct cjd_udp_peer_conf *peer)
{
    for (size_t i = 0; peer->address && i < peer->address_count; i++) {
        free(peer->address[i]);
    }
    free(peer->address);
    free(peer->target);
    cjd_peer_conf_fini(&peer->who);
}

static int keep(char **out, const char *text)
{
    *out = text ? strdup(text) : NULL;
    return text && !*out ? CJD_ERR_NO_MEMORY : 0;
}

static bool has_family(const struct cjd_udp_config *config, int family)
{
    for (size_t i = 0; i < config->bind_count; i++) {
        if (config->bind[i].family == family) {
            return true;
        }
    }
    return false;
}

static int read_address(struct cjd_udp_peer_conf *peer, const struct cjd_conf *at, size_t i,
                        const struct cjd_udp_config *config)
{
    struct cjd_udp_target *target = &peer->target[i];
    const char *text = json_string_value(at->value);
    const char *why = "";

    if (!text || strlen(text) != json_string_length(at->value)) {
        return cjd_conf_fail(at, "must be a text without NUL: \"address:port\"");
    }
    if (cjd_udp_target_parse(target, text, &why) != 0) {
        return cjd_conf_fail(at, "%s", why);
    }
    /* One that no link of either family could have is told as such. */
    int family = has_family(config, target->family) ? target->family : config->bind[0].family;
    if (cjd_udp_target_check_peer(target, family, &why) != 0) {
        return cjd_conf_fail(at, "%s", why);
    }
    return keep(&peer->address[i], text);
}

/* One text, or a list of them. */
static int read_addresses(struct cjd_udp_peer_conf *peer, const struct cjd_conf *at,
                          const struct cjd_udp_config *config)
{
    struct cjd_conf member = cjd_conf_member(at, "address");
    bool is_list = json_is_array(member.value);
    size_t count = is_list ? cjd_conf_count(&member) : 1;
    int err = 0;

    if (!member.value) {
        return cjd_conf_fail(at, "\"address\" is missing");
    }
    if (count == 0 || count > CJD_UDP_ADDRESSES_MAX) {
        return cjd_conf_fail(&member, "a peer has 1 to %u addresses", CJD_UDP_ADDRESSES_MAX);
    }
    peer->target = calloc(count, sizeof *peer->target);
    peer->address = calloc(count, sizeof *peer->address);
    if (!peer->target || !peer->address) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count && err == 0; i++) {
        struct cjd_conf item = cjd_conf_item(&member, i);
        peer->address_count++;
        err = read_address(peer, is_list ? &item : &member, i, config);
    }
    return err;
}

static int read_peer(struct cjd_udp_peer_conf *peer, const struct cjd_conf *at,
                     const struct cjd_udp_config *config)
{
    int err = json_is_object(at->value)
                  ? 0
                  : cjd_conf_fail(at, "a peer is an object: { \"address\": \xe2\x80\xa6 }");

    err = err == 0 ? read_addresses(peer, at, config) : err;
    return err == 0 ? cjd_peer_conf_read(&peer->who, at) : err;
}

/* Same endpoint: two peers cannot share one (link notes §2.2). */
static bool is_same_target(const struct cjd_udp_target *a, const struct cjd_udp_target *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->ip, b->ip, sizeof a->ip) == 0 && strcmp(a->zone, b->zone) == 0 &&
           strcasecmp(a->host, b->host) == 0;
}

/* The peer, of the first `count`, that has this address already; -1: none. */
static long owner_of(const struct cjd_udp_config *config, size_t count,
                     const struct cjd_udp_target *target)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < config->peers[i].address_count; j++) {
            if (is_same_target(&config->peers[i].target[j], target)) {
                return (long)i;
            }
        }
    }
    return -1;
}

/* Of the last peer: two peers cannot share an address. */
static int check_unique(const struct cjd_udp_config *config, const struct cjd_conf *at)
{
    struct cjd_conf member = cjd_conf_member(at, "address");
    size_t last = config->peer_count - 1;
    const struct cjd_udp_peer_conf *peer = &config->peers[last];

    for (size_t i = 0; i < peer->address_count; i++) {
        struct cjd_conf item = cjd_conf_item(&member, i);
        const struct cjd_conf *place = item.value ? &item : &member;
        long owner = owner_of(config, last, &peer->target[i]);
        if (owner >= 0) {
            return cjd_conf_fail(place, "this address is already that of peer %ld of the list",
                                 owner);
        }
        for (size_t j = 0; j < i; j++) {
            if (is_same_target(&peer->target[i], &peer->target[j])) {
                return cjd_conf_fail(place, "this address stands twice in the list");
            }
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
        err = read_peer(&config->peers[i], &item, config);
        err = err == 0 ? check_unique(config, &item) : err;
    }
    return err;
}

/* --- the rest -----------------------------------------------------------------------------------
 */

static int read_one_bind(struct cjd_udp_config *config, const struct cjd_conf *at, const char *text)
{
    struct cjd_udp_target bind;
    const char *why = "";

    if (cjd_udp_target_parse(&bind, text, &why) != 0 ||
        cjd_udp_target_check_bind(&bind, &why) != 0) {
        return cjd_conf_fail(at, "%s", why);
    }
    if (has_family(config, bind.family)) {
        return cjd_conf_fail(at, "a link has one address of each family, IPv4 and IPv6; list the "
                                 "plugin twice for more");
    }
    config->bind[config->bind_count++] = bind; /* there are two families */
    return 0;
}

/* One text, or a list of them: the first is what the link is called by. */
static int read_bind(struct cjd_udp_config *config, const struct cjd_conf *root)
{
    struct cjd_conf member = cjd_conf_member(root, "bind");
    size_t count = cjd_conf_count(&member);
    const char *text;
    int err = 0;

    if (!json_is_array(member.value)) {
        err = cjd_conf_string(root, "bind", "0.0.0.0", &text);
        return err == 0 ? read_one_bind(config, &member, text) : err;
    }
    if (count == 0) {
        return cjd_conf_fail(&member, "there is no address in this list");
    }
    for (size_t i = 0; i < count && err == 0; i++) {
        struct cjd_conf item = cjd_conf_item(&member, i);
        text = json_string_value(item.value);
        bool is_text = text && strlen(text) == json_string_length(item.value);
        err = is_text ? read_one_bind(config, &item, text)
                      : cjd_conf_fail(&item, "must be a text: \"address:port\"");
    }
    return err;
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
    for (size_t i = 0; i < config->bind_count && mode != CJD_UDP_BEACON_OFF && err == 0; i++) {
        if (port != config->bind[i].port) {
            continue;
        }
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
    bool is_same = a->bind_count == b->bind_count && a->dscp == b->dscp &&
                   has_beacon == (b->beacon.mode != CJD_UDP_BEACON_OFF) &&
                   (!has_beacon || a->beacon.port == b->beacon.port);

    for (size_t i = 0; i < a->bind_count && is_same; i++) {
        is_same = is_same_target(&a->bind[i], &b->bind[i]);
    }
    return is_same;
}

static bool is_same_addresses(const struct cjd_udp_peer_conf *a, const struct cjd_udp_peer_conf *b)
{
    bool is_same = a->address_count == b->address_count;

    for (size_t i = 0; i < a->address_count && is_same; i++) {
        is_same = is_same_target(&a->target[i], &b->target[i]);
    }
    return is_same;
}

bool cjd_udp_peer_conf_equal(const struct cjd_udp_peer_conf *a, const struct cjd_udp_peer_conf *b)
{
    return is_same_addresses(a, b) && cjd_peer_conf_equal(&a->who, &b->who);
}
