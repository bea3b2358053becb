#include "eth_config.h"

#include <stdlib.h>
#include <string.h>

static const char *const modes[] = {"off", "accept", "send", NULL};

/* --- devices and rules --------------------------------------------------------------------------
 */

/* What the system allows as a name: 1 to 15 characters without slash or white space. */
static int check_device(const struct cjd_conf *at, const char *name)
{
    size_t n = strlen(name);
    bool is_dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;

    if (n == 0 || n >= IFNAMSIZ || is_dots || strcspn(name, "/ \t\r\n\v\f:") != n) {
        return cjd_conf_fail(at,
                             "\"%.32s\" cannot be the name of a network device: 1 to 15 "
                             "characters without \"/\", \":\" and white space",
                             name);
    }
    return 0;
}

static int keep_device(char out[IFNAMSIZ], const struct cjd_conf *at, const char *name)
{
    int err = check_device(at, name);

    if (err == 0) {
        memcpy(out, name, strlen(name) + 1);
    }
    return err;
}

static int read_device(struct cjd_eth_config *config, const struct cjd_conf *item)
{
    const char *name = json_string_value(item->value);

    if (!name) {
        return cjd_conf_fail(item, "must be the name of a device, or \"all\"");
    }
    if (strcmp(name, "all") == 0) {
        config->has_all = true;
        return 0;
    }
    if (cjd_eth_config_names(config, name)) {
        return cjd_conf_fail(item, "the device \"%s\" is already in the list", name);
    }
    int err = keep_device(config->devices[config->device_count], item, name);
    config->device_count += err == 0;
    return err;
}

static int read_devices(struct cjd_eth_config *config, const struct cjd_conf *root)
{
    struct cjd_conf list = cjd_conf_member(root, "devices");
    size_t count = cjd_conf_count(&list);
    int err = cjd_conf_want_list(&list);

    if (err == 0 && count == 0) {
        err = cjd_conf_fail(&list, "name the devices to use, as in [\"eth0\"], or [\"all\"]");
    }
    if (err == 0 && count > CJD_ETH_DEVICES_MAX) {
        err = cjd_conf_fail(&list, "more than %u devices", CJD_ETH_DEVICES_MAX);
    }
    if (err != 0) {
        return err;
    }
    config->devices = calloc(count, sizeof *config->devices);
    if (!config->devices) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count && err == 0; i++) {
        struct cjd_conf item = cjd_conf_item(&list, i);
        err = read_device(config, &item);
    }
    return err;
}

static int read_mode(const struct cjd_conf *at, const char *key, enum cjd_eth_beacon_mode *out)
{
    size_t mode = CJD_ETH_BEACON_OFF;
    int err = cjd_conf_word(at, key, modes, CJD_ETH_BEACON_OFF, &mode);

    *out = (enum cjd_eth_beacon_mode)mode;
    return err;
}

static int read_beacon(struct cjd_eth_config *config, const struct cjd_conf *root)
{
    struct cjd_conf beacon = cjd_conf_member(root, "beacon");
    int err = cjd_conf_want_object(&beacon);

    return err == 0 ? read_mode(&beacon, "mode", &config->mode) : err;
}

static int read_rule(struct cjd_eth_rule *rule, const struct cjd_conf *at)
{
    struct cjd_conf member = cjd_conf_member(at, "device");
    const char *name = NULL;
    int err = json_is_object(at->value)
                  ? 0
                  : cjd_conf_fail(at, "a rule is an object: { \"device\": \"eth0\", … }");

    err = err == 0 ? cjd_conf_string(at, "device", NULL, &name) : err;
    err = err == 0 ? keep_device(rule->device, &member, name) : err;
    err = err == 0 ? cjd_conf_boolean(at, "use", true, &rule->is_used) : err;
    rule->has_mode = cjd_conf_member(at, "beacon").value != NULL;
    return err == 0 ? read_mode(at, "beacon", &rule->mode) : err;
}

static int read_rules(struct cjd_eth_config *config, const struct cjd_conf *root)
{
    struct cjd_conf list = cjd_conf_member(root, "rules");
    size_t count = cjd_conf_count(&list);
    int err = cjd_conf_want_list(&list);

    if (err == 0 && count > CJD_ETH_RULES_MAX) {
        err = cjd_conf_fail(&list, "more than %u rules", CJD_ETH_RULES_MAX);
    }
    if (err != 0 || count == 0) {
        return err;
    }
    config->rules = calloc(count, sizeof *config->rules);
    if (!config->rules) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count && err == 0; i++) {
        struct cjd_conf item = cjd_conf_item(&list, i);
        err = read_rule(&config->rules[config->rule_count++], &item);
    }
    return err;
}

/* --- peers --------------------------------------------------------------------------------------
 */

static int read_address(struct cjd_eth_peer_conf *peer, const struct cjd_conf *at)
{
    struct cjd_conf member = cjd_conf_member(at, "address");
    const char *text = NULL;
    int err = cjd_conf_string(at, "address", NULL, &text);

    if (err == 0 && cjd_eth_mac_parse(peer->mac, text) != 0) {
        err = cjd_conf_fail(&member, "must be an Ethernet address like \"02:00:5e:10:00:01\"");
    }
    if (err == 0 && !cjd_eth_mac_is_usable(peer->mac)) {
        err = cjd_conf_fail(&member, "%s is no address of a single device", text);
    }
    return err;
}

static int read_place(struct cjd_eth_peer_conf *peer, const struct cjd_conf *at)
{
    struct cjd_conf member = cjd_conf_member(at, "device");
    const char *name;
    int err = cjd_conf_string_optional(at, "device", &name);

    return err == 0 && name ? keep_device(peer->device, &member, name) : err;
}

/* Two peers cannot share an address on one device (link notes §3.2). */
static int check_unique(const struct cjd_eth_config *config, const struct cjd_conf *at)
{
    const struct cjd_eth_peer_conf *last = &config->peers[config->peer_count - 1];

    for (size_t i = 0; i + 1 < config->peer_count; i++) {
        const struct cjd_eth_peer_conf *p = &config->peers[i];
        bool can_meet =
            p->device[0] == '\0' || last->device[0] == '\0' || strcmp(p->device, last->device) == 0;
        if (can_meet && memcmp(p->mac, last->mac, sizeof p->mac) == 0) {
            struct cjd_conf member = cjd_conf_member(at, "address");
            return cjd_conf_fail(&member, "this address is already that of peer %zu of the list",
                                 i);
        }
    }
    return 0;
}

static int read_peer(struct cjd_eth_peer_conf *peer, const struct cjd_conf *at)
{
    int err = json_is_object(at->value)
                  ? 0
                  : cjd_conf_fail(at, "a peer is an object: { \"address\": … }");

    err = err == 0 ? read_address(peer, at) : err;
    err = err == 0 ? read_place(peer, at) : err;
    return err == 0 ? cjd_peer_conf_read(&peer->who, at) : err;
}

static int read_peers(struct cjd_eth_config *config, const struct cjd_conf *root)
{
    struct cjd_conf list = cjd_conf_member(root, "peers");
    size_t count = cjd_conf_count(&list);
    int err = cjd_conf_want_list(&list);

    if (err == 0 && count > CJD_ETH_PEERS_MAX) {
        err = cjd_conf_fail(&list, "more than %u peers", CJD_ETH_PEERS_MAX);
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
        err = read_peer(&config->peers[config->peer_count++], &item);
        err = err == 0 ? check_unique(config, &item) : err;
    }
    return err;
}

/* --- the whole ----------------------------------------------------------------------------------
 */

int cjd_eth_config_read(struct cjd_eth_config **out, const json_t *json,
                        struct cjd_plugin_error *error)
{
    struct cjd_conf root = cjd_conf_root(json, error);
    struct cjd_eth_config *config = calloc(1, sizeof *config);

    *out = NULL;
    if (!config) {
        return CJD_ERR_NO_MEMORY;
    }
    int err = cjd_conf_want_object(&root);
    err = err == 0 ? read_devices(config, &root) : err;
    err = err == 0 ? read_beacon(config, &root) : err;
    err = err == 0 ? read_rules(config, &root) : err;
    err = err == 0 ? read_peers(config, &root) : err;
    if (err != 0) {
        cjd_eth_config_free(config);
        return err;
    }
    *out = config;
    return 0;
}

void cjd_eth_config_free(struct cjd_eth_config *config)
{
    if (!config) {
        return;
    }
    for (size_t i = 0; i < config->peer_count; i++) {
        cjd_peer_conf_fini(&config->peers[i].who);
    }
    free(config->peers);
    free(config->rules);
    free(config->devices);
    free(config);
}

bool cjd_eth_config_names(const struct cjd_eth_config *config, const char *device)
{
    for (size_t i = 0; i < config->device_count; i++) {
        if (strcmp(config->devices[i], device) == 0) {
            return true;
        }
    }
    return false;
}

static bool rule_fits(const struct cjd_eth_rule *rule, const char *device)
{
    size_t n = strlen(rule->device);

    if (rule->device[n - 1] == '*') {
        return strncmp(rule->device, device, n - 1) == 0;
    }
    return strcmp(rule->device, device) == 0;
}

static const struct cjd_eth_rule *find_rule(const struct cjd_eth_config *config, const char *device)
{
    for (size_t i = 0; i < config->rule_count; i++) {
        if (rule_fits(&config->rules[i], device)) {
            return &config->rules[i];
        }
    }
    return NULL;
}

bool cjd_eth_config_all_takes(const struct cjd_eth_config *config, const char *device)
{
    const struct cjd_eth_rule *rule = find_rule(config, device);

    return config->has_all && (!rule || rule->is_used);
}

enum cjd_eth_beacon_mode cjd_eth_config_mode(const struct cjd_eth_config *config,
                                             const char *device)
{
    const struct cjd_eth_rule *rule = find_rule(config, device);

    return rule && rule->has_mode ? rule->mode : config->mode;
}

bool cjd_eth_peer_conf_is_on(const struct cjd_eth_peer_conf *peer, const char *device)
{
    return peer->device[0] == '\0' || strcmp(peer->device, device) == 0;
}

bool cjd_eth_peer_conf_equal(const struct cjd_eth_peer_conf *a, const struct cjd_eth_peer_conf *b)
{
    return memcmp(a->mac, b->mac, sizeof a->mac) == 0 && strcmp(a->device, b->device) == 0 &&
           cjd_peer_conf_equal(&a->who, &b->who);
}
