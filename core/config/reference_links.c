#include <config/convert.h>

#include <string.h>

#include <config/format.h>

/* `interfaces` (§4.4, §4.5): UDPInterface to the plugin "udp", ETHInterface to "eth". */

/* --- peers --------------------------------------------------------------------------------------
 */

/* What addresses an interface can reach. */
enum kind { KIND_IP4, KIND_IP6, KIND_ETHERNET };

/* The address as the native form has it, or NULL after a report. `plain` holds it if changed. */
static const char *peer_address(struct cjd_ref at, enum kind kind, const char *text, char *plain,
                                size_t cap)
{
    struct cjd_endpoint e;
    const char *why = NULL;
    static const uint8_t zero[16];

    if (kind == KIND_ETHERNET) {
        why = cjd_format_mac(text);
    } else if (cjd_endpoint_parse(&e, text, &why) == 0) {
        if (e.port <= 0) {
            why = "a port from 1 to 65535 is missing, as in \"203.0.113.7:5199\"";
        } else if (e.family != 0 && e.family != (kind == KIND_IP4 ? 4 : 6)) {
            why = kind == KIND_IP4 ? "an IPv6 address cannot be reached from an IPv4 \"bind\""
                                   : "an IPv4 address cannot be reached from an IPv6 \"bind\"";
        }
    }
    if (why) {
        cjd_ref_report(at, CJD_DIAG_ERROR, "\"%.64s\": %s", text, why);
        return NULL;
    }
    if (kind == KIND_ETHERNET || e.family == 0 || memcmp(e.ip, zero, sizeof zero) != 0) {
        return text;
    }
    /* §4.4: all zeros stand for this machine. */
    snprintf(plain, cap, kind == KIND_IP4 ? "127.0.0.1:%ld" : "[::1]:%ld", e.port);
    return plain;
}

static const char *peer_key(struct cjd_ref entry)
{
    const char *text = cjd_ref_text_needed(entry, "publicKey");
    const char *why = text ? cjd_format_public_key(text) : NULL;

    if (why) {
        cjd_ref_report(cjd_ref_member(entry, "publicKey"), CJD_DIAG_ERROR, "%s", why);
    }
    return text;
}

static void convert_name(struct cjd_convert *c, struct cjd_ref entry, const struct cjd_out *out)
{
    const char *text = cjd_ref_text(entry, "peerName");
    size_t n = text ? cjd_name_length(text) : 0;

    if (n > 0) {
        cjd_out_put(c, out, "name", json_stringn(text, n), cjd_ref_member(entry, "peerName"));
    }
}

/* device: where it is; nothing, where that is not said. */
static void convert_peer(struct cjd_convert *c, struct cjd_ref entry, const char *address,
                         struct cjd_ref device, const struct cjd_out *peers)
{
    static const char *const keys[] = {"publicKey", "password", "login", "peerName", NULL};
    struct cjd_out out = cjd_out_item(c, peers, entry);

    cjd_ref_known(entry, keys, true);
    const char *password = cjd_ref_text_needed(entry, "password");
    if (password && password[0] == '\0') {
        cjd_ref_report(cjd_ref_member(entry, "password"), CJD_DIAG_ERROR, "must not be empty");
    }
    cjd_out_text(c, &out, "address", entry, address);
    cjd_out_text(c, &out, "device", device, json_string_value(device.v));
    cjd_out_text(c, &out, "publicKey", cjd_ref_member(entry, "publicKey"), peer_key(entry));
    cjd_out_text(c, &out, "login", cjd_ref_member(entry, "login"), cjd_ref_text(entry, "login"));
    cjd_out_text(c, &out, "password", cjd_ref_member(entry, "password"), password);
    convert_name(c, entry, &out);
}

static void convert_peers(struct cjd_convert *c, struct cjd_ref from, enum kind kind,
                          struct cjd_ref device, const struct cjd_out *peers)
{
    const char *key;
    json_t *value;
    char plain[32];

    json_object_foreach((json_t *)(uintptr_t)from.v, key, value)
    {
        struct cjd_ref entry = cjd_ref_member(from, key);
        if (key[0] == '_' || strncmp(key, "//", 2) == 0) {
            continue;
        }
        const char *address = peer_address(entry, kind, key, plain, sizeof plain);
        if (!json_is_object(value)) {
            cjd_ref_report(entry, CJD_DIAG_ERROR,
                           "must be an object: { \"publicKey\": …, \"password\": … }");
        } else {
            convert_peer(c, entry, address, device, peers);
        }
    }
}

/* --- beacons ------------------------------------------------------------------------------------
 */

static const char *beacon_mode(json_int_t beacon)
{
    return beacon == 0 ? "off" : beacon == 1 ? "accept" : "send";
}

static bool beacon_is_on(struct cjd_ref interface, json_int_t *beacon)
{
    *beacon = 0;
    cjd_ref_integer(interface, "beacon", 0, 2, beacon);
    return *beacon != 0;
}

/* §4.4: a device, or the broadcast address of a network, with or without port. */
static const char *device_fault(const char *name)
{
    struct cjd_endpoint e;
    const char *why;

    if (cjd_endpoint_parse(&e, name, &why) == 0 && e.family == 4) {
        return NULL;
    }
    return cjd_format_device(name);
}

static void convert_devices(struct cjd_convert *c, struct cjd_ref from, const struct cjd_out *out)
{
    struct cjd_out devices = cjd_out_group(c, out, "devices", json_array(), from);

    for (size_t i = 0; i < json_array_size(from.v); i++) {
        struct cjd_ref item = cjd_ref_item(from, i);
        const char *name = json_string_value(item.v);
        const char *why = name ? device_fault(name) : "must be a text in quotes";
        if (why) {
            cjd_ref_report(item, CJD_DIAG_ERROR, "%s", why);
        } else {
            cjd_out_push(c, &devices, json_string(name), item);
        }
    }
}

/* §4.4: without port or devices the reference complains and sends none. */
static bool beacon_is_possible(struct cjd_ref interface, enum kind kind, bool has_port)
{
    struct cjd_ref at = cjd_ref_member(interface, "beacon");

    if (kind == KIND_IP6 && has_port) {
        cjd_ref_report(at, CJD_DIAG_ERROR, "beacons need an IPv4 address in \"bind\"");
    } else if (!has_port) {
        cjd_ref_report(at, CJD_DIAG_WARNING, "no beacons without \"beaconPort\"");
    } else if (!json_object_get(interface.v, "beaconDevices")) {
        cjd_ref_report(at, CJD_DIAG_WARNING, "no beacons without \"beaconDevices\"");
    } else {
        return true;
    }
    return false;
}

static void convert_udp_beacon(struct cjd_convert *c, struct cjd_ref interface, enum kind kind,
                               const struct cjd_out *config)
{
    struct cjd_ref from = cjd_ref_member(interface, "beacon");
    struct cjd_ref devices = cjd_ref_list(interface, "beaconDevices");
    json_int_t port = 0;
    json_int_t beacon;

    bool has_port = cjd_ref_integer(interface, "beaconPort", 0, 65535, &port) && port > 0;
    bool is_on = beacon_is_on(interface, &beacon);
    if (!from.v && !has_port && !devices.v) {
        return;
    }
    if (is_on && !beacon_is_possible(interface, kind, has_port)) {
        beacon = 0;
    }
    struct cjd_out out = cjd_out_group(c, config, "beacon", json_object(), from);
    cjd_out_text(c, &out, "mode", from, beacon_mode(beacon));
    if (has_port) {
        cjd_out_put(c, &out, "port", json_integer(port), cjd_ref_member(interface, "beaconPort"));
    }
    if (devices.v) {
        convert_devices(c, devices, &out);
    }
}

/* --- lists of interfaces ------------------------------------------------------------------------
 */

/* A list, or one object in place of a list of one (§4.4). */
static size_t entries(struct cjd_ref list)
{
    return json_is_object(list.v) ? 1 : json_array_size(list.v);
}

static struct cjd_ref entry_at(struct cjd_ref list, size_t i)
{
    return json_is_object(list.v) ? list : cjd_ref_item(list, i);
}

/* Whether all entries are objects; reports those that are not. */
static bool check_entries(struct cjd_ref list)
{
    bool is_good = !list.v || json_is_object(list.v) || json_is_array(list.v);

    if (!is_good) {
        cjd_ref_report(list, CJD_DIAG_ERROR, "must be a list [ ] of objects");
    }
    for (size_t i = 0; i < entries(list); i++) {
        if (!json_is_object(entry_at(list, i).v)) {
            cjd_ref_report(entry_at(list, i), CJD_DIAG_ERROR, "must be an object { }");
            is_good = false;
        }
    }
    return is_good;
}

/* --- UDP ----------------------------------------------------------------------------------------
 */

/* An address alone is one with a port the system chooses (§4.4). */
static enum kind convert_bind(struct cjd_convert *c, struct cjd_ref interface,
                              const struct cjd_out *config)
{
    const char *text = cjd_ref_text(interface, "bind");
    struct cjd_ref from = cjd_ref_member(interface, "bind");
    struct cjd_endpoint e;
    const char *why;
    char with_port[288];

    text = text ? text : "0.0.0.0";
    if (cjd_endpoint_parse(&e, text, &why) < 0) {
        cjd_ref_report(from, CJD_DIAG_ERROR, "%s", why);
        return KIND_IP4;
    }
    if (e.family == 0) {
        cjd_ref_report(from, CJD_DIAG_ERROR,
                       "must be an address of this machine with a port, not a host name");
    }
    if (e.port < 0) {
        snprintf(with_port, sizeof with_port, e.family == 6 ? "[%s]:0" : "%s:0", e.host);
    }
    cjd_out_text(c, config, "bind", from, e.port < 0 ? with_port : text);
    return e.family == 6 ? KIND_IP6 : KIND_IP4;
}

static void convert_udp(struct cjd_convert *c, struct cjd_ref interface,
                        const struct cjd_out *plugins)
{
    static const char *const keys[] = {"bind",          "dscp",      "beacon", "beaconPort",
                                       "beaconDevices", "connectTo", NULL};
    struct cjd_out config = cjd_out_plugin(c, plugins, "udp", true, interface);
    json_int_t dscp;

    cjd_ref_known(interface, keys, false);
    enum kind kind = convert_bind(c, interface, &config);
    if (cjd_ref_integer(interface, "dscp", 0, 63, &dscp)) {
        cjd_out_put(c, &config, "dscp", json_integer(dscp), cjd_ref_member(interface, "dscp"));
    }
    convert_udp_beacon(c, interface, kind, &config);
    struct cjd_ref from = cjd_ref_object(interface, "connectTo");
    struct cjd_out peers = cjd_out_group(c, &config, "peers", json_array(), from);
    convert_peers(c, from, kind, (struct cjd_ref){0}, &peers);
}

/* --- Ethernet -----------------------------------------------------------------------------------
 *
 * All entries become one plugin, since a device may be used by one only: what is different on one
 * of several devices becomes a rule, and their peers say where they are.
 */

/* The device of an entry; NULL after a report. */
static const char *eth_device(struct cjd_ref entry)
{
    const char *device = cjd_ref_text_needed(entry, "bind");
    const char *why = device ? cjd_format_device(device) : NULL;

    if (why) {
        cjd_ref_report(cjd_ref_member(entry, "bind"), CJD_DIAG_ERROR, "%s", why);
    }
    return why ? NULL : device;
}

static bool is_all(struct cjd_ref entry)
{
    const char *name = json_string_value(json_object_get(entry.v, "bind"));

    return name && strcmp(name, "all") == 0;
}

static void eth_devices(struct cjd_convert *c, struct cjd_ref list, const struct cjd_out *config)
{
    struct cjd_out devices = cjd_out_group(c, config, "devices", json_array(), list);

    for (size_t i = 0; i < entries(list); i++) {
        struct cjd_ref entry = entry_at(list, i);
        struct cjd_ref from = cjd_ref_member(entry, "bind");
        const char *device = eth_device(entry);
        for (size_t k = 0; device && k < i; k++) {
            const json_t *other = json_object_get(entry_at(list, k).v, "bind");
            if (json_is_string(other) && strcmp(json_string_value(other), device) == 0) {
                cjd_ref_report(from, CJD_DIAG_ERROR, "the device \"%s\" is in the list twice",
                               device);
                device = NULL;
            }
        }
        if (device) {
            cjd_out_push(c, &devices, json_string(device), from);
        }
    }
}

/* The entry whose beacons are the rule: that for all devices, or the first. */
static struct cjd_ref eth_usual(struct cjd_ref list)
{
    for (size_t i = 0; i < entries(list); i++) {
        if (is_all(entry_at(list, i))) {
            return entry_at(list, i);
        }
    }
    return entry_at(list, 0);
}

static void eth_beacons(struct cjd_convert *c, struct cjd_ref list, const struct cjd_out *config)
{
    struct cjd_ref usual = eth_usual(list);
    struct cjd_ref from = cjd_ref_member(usual, "beacon");
    struct cjd_out rules = {0};
    json_int_t mode;
    json_int_t own;

    beacon_is_on(usual, &mode);
    if (from.v) {
        struct cjd_out out = cjd_out_group(c, config, "beacon", json_object(), from);
        cjd_out_text(c, &out, "mode", from, beacon_mode(mode));
    }
    for (size_t i = 0; i < entries(list); i++) {
        struct cjd_ref entry = entry_at(list, i);
        struct cjd_ref bind = cjd_ref_member(entry, "bind");
        if (entry.v == usual.v) {
            continue;
        }
        beacon_is_on(entry, &own);
        if (own == mode || !json_is_string(bind.v)) {
            continue;
        }
        rules = rules.v ? rules : cjd_out_group(c, config, "rules", json_array(), list);
        struct cjd_out rule = cjd_out_item(c, &rules, entry);
        cjd_out_text(c, &rule, "device", bind, json_string_value(bind.v));
        cjd_out_text(c, &rule, "beacon", cjd_ref_member(entry, "beacon"), beacon_mode(own));
    }
}

static void eth_peers(struct cjd_convert *c, struct cjd_ref list, const struct cjd_out *config)
{
    struct cjd_out peers = cjd_out_group(c, config, "peers", json_array(), list);

    for (size_t i = 0; i < entries(list); i++) {
        struct cjd_ref entry = entry_at(list, i);
        struct cjd_ref device = {0};
        if (entries(list) > 1 && !is_all(entry)) {
            device = cjd_ref_member(entry, "bind");
        }
        convert_peers(c, cjd_ref_object(entry, "connectTo"), KIND_ETHERNET, device, &peers);
    }
}

/* §4.5: the reference forgets the other entries when one is for all devices; this node does not. */
static void warn_of_all(struct cjd_ref list)
{
    for (size_t i = 0; entries(list) > 1 && i < entries(list); i++) {
        struct cjd_ref entry = entry_at(list, i);
        if (is_all(entry)) {
            cjd_ref_report(cjd_ref_member(entry, "bind"), CJD_DIAG_WARNING,
                           "the other entries of this list hold as well, unlike in older programs");
        }
    }
}

static void convert_eth(struct cjd_convert *c, struct cjd_ref list, const struct cjd_out *plugins)
{
    static const char *const keys[] = {"bind", "beacon", "connectTo", NULL};

    if (entries(list) == 0) {
        return;
    }
    struct cjd_out config = cjd_out_plugin(c, plugins, "eth", false, list);
    for (size_t i = 0; i < entries(list); i++) {
        cjd_ref_known(entry_at(list, i), keys, false);
    }
    eth_devices(c, list, &config);
    eth_beacons(c, list, &config);
    eth_peers(c, list, &config);
    warn_of_all(list);
    if (!cjd_plugin_is_built("eth")) {
        cjd_ref_report(list, CJD_DIAG_WARNING,
                       "this build has no plugin \"eth\": there are no peerings over Ethernet");
    }
}

void cjd_reference_links(struct cjd_convert *c, struct cjd_ref interfaces,
                         const struct cjd_out *plugins)
{
    static const char *const keys[] = {"UDPInterface", "ETHInterface", NULL};
    struct cjd_ref udp = cjd_ref_member(interfaces, "UDPInterface");
    struct cjd_ref eth = cjd_ref_member(interfaces, "ETHInterface");

    cjd_ref_known(interfaces, keys, false);
    check_entries(udp);
    for (size_t i = 0; i < entries(udp); i++) {
        if (json_is_object(entry_at(udp, i).v)) {
            convert_udp(c, entry_at(udp, i), plugins);
        }
    }
    if (check_entries(eth)) {
        convert_eth(c, eth, plugins);
    }
}
