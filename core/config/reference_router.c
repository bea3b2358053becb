#include <config/convert.h>

#include <arpa/inet.h>
#include <string.h>

#include <config/format.h>

/* `router` (§4.6): supernodes, packet interface, tunnels. */

static void convert_key(struct cjd_convert *c, struct cjd_ref item, const struct cjd_out *list)
{
    const char *text = json_string_value(item.v);
    const char *why = text ? cjd_format_public_key(text) : "must be a public key in quotes";

    if (why) {
        cjd_ref_report(item, CJD_DIAG_ERROR, "%s", why);
    } else {
        cjd_out_push(c, list, json_string(text), item);
    }
}

static void convert_keys(struct cjd_convert *c, struct cjd_ref from, const struct cjd_out *list)
{
    for (size_t i = 0; i < json_array_size(from.v); i++) {
        convert_key(c, cjd_ref_item(from, i), list);
    }
}

/* --- packet interface ---------------------------------------------------------------------------
 */

static void convert_tun(struct cjd_convert *c, struct cjd_ref from, const struct cjd_out *plugins)
{
    struct cjd_out config = cjd_out_plugin(c, plugins, "tun", false, from);
    const char *device = cjd_ref_text(from, "tunDevice");
    struct cjd_ref at = cjd_ref_member(from, "tunDevice");
    const char *why = device ? cjd_format_device(device) : NULL;

    if (why) {
        cjd_ref_report(at, CJD_DIAG_ERROR, "%s", why);
    }
    cjd_out_text(c, &config, "device", at, device);
    cjd_out_text(c, &config, "manage", from, "auto");
    if (json_object_get(from.v, "tunfd")) {
        cjd_ref_report(cjd_ref_member(from, "tunfd"), CJD_DIAG_WARNING,
                       "\"tunfd\" is obsolete and ignored; name the device in \"tunDevice\"");
    }
}

static void convert_socket(struct cjd_convert *c, struct cjd_ref from,
                           const struct cjd_out *plugins)
{
    struct cjd_out config = cjd_out_plugin(c, plugins, "tun", true, from);
    const char *path = cjd_ref_text_needed(from, "socketFullPath");

    cjd_out_text(c, &config, "socket", cjd_ref_member(from, "socketFullPath"), path);
    /* The plugin has no such transport; the entry is kept for the day it does. */
    cjd_out_disable(c, plugins);
    cjd_ref_report(cjd_ref_member(from, "type"), CJD_DIAG_WARNING,
                   "\"SocketInterface\" is not supported: this node only forwards");
    if (json_object_get(from.v, "socketAttemptToCreate")) {
        cjd_ref_report(cjd_ref_member(from, "socketAttemptToCreate"), CJD_DIAG_WARNING,
                       "\"socketAttemptToCreate\" is obsolete and ignored");
    }
}

static void convert_interface(struct cjd_convert *c, struct cjd_ref from,
                              const struct cjd_out *plugins)
{
    static const char *const keys[] = {
        "type", "tunDevice", "tunfd", "socketFullPath", "socketAttemptToCreate", NULL};
    const char *type = cjd_ref_text(from, "type");

    cjd_ref_known(from, keys, false);
    if (type && strcmp(type, "TUNInterface") == 0) {
        convert_tun(c, from, plugins);
    } else if (type && strcmp(type, "SocketInterface") == 0) {
        convert_socket(c, from, plugins);
    } else if (from.v) {
        cjd_ref_report(cjd_ref_member(from, "type"), CJD_DIAG_WARNING,
                       "\"type\" is neither \"TUNInterface\" nor \"SocketInterface\": this node "
                       "only forwards");
    }
}

/* --- tunnels ------------------------------------------------------------------------------------
 */

/* One family of an allowed connection: address, prefix and block with their names. */
struct family {
    const char *address;
    const char *prefix;
    const char *alloc;
    int af;
    json_int_t bits;
};

static bool convert_family(struct cjd_convert *c, struct cjd_ref entry, const struct family *f,
                           const struct cjd_out *out)
{
    const char *address = cjd_ref_text(entry, f->address);
    const char *const numbers[] = {f->prefix, f->alloc};
    uint8_t ip[16];

    if (address && inet_pton(f->af, address, ip) != 1) {
        cjd_ref_report(cjd_ref_member(entry, f->address), CJD_DIAG_ERROR,
                       "must be an IPv%c address", f->af == AF_INET ? '4' : '6');
    }
    cjd_out_text(c, out, f->address, cjd_ref_member(entry, f->address), address);
    for (unsigned i = 0; i < 2; i++) {
        struct cjd_ref at = cjd_ref_member(entry, numbers[i]);
        json_int_t value;
        if (!cjd_ref_integer(entry, numbers[i], i, f->bits, &value)) {
            continue;
        }
        if (!address) {
            cjd_ref_report(at, CJD_DIAG_ERROR, "\"%s\" without \"%s\"", numbers[i], f->address);
        }
        cjd_out_put(c, out, numbers[i], json_integer(value), at);
    }
    return address != NULL;
}

static void convert_allowed(struct cjd_convert *c, struct cjd_ref entry, const struct cjd_out *list)
{
    static const char *const keys[] = {"publicKey",  "ip4Address", "ip4Prefix", "ip4Alloc",
                                       "ip6Address", "ip6Prefix",  "ip6Alloc",  NULL};
    static const struct family ip4 = {"ip4Address", "ip4Prefix", "ip4Alloc", AF_INET, 32};
    static const struct family ip6 = {"ip6Address", "ip6Prefix", "ip6Alloc", AF_INET6, 128};

    if (!json_is_object(entry.v)) {
        cjd_ref_report(entry, CJD_DIAG_ERROR, "must be an object { }");
        return;
    }
    cjd_ref_known(entry, keys, false);
    struct cjd_out out = cjd_out_item(c, list, entry);
    const char *key = cjd_ref_text_needed(entry, "publicKey");
    const char *why = key ? cjd_format_public_key(key) : NULL;
    if (why) {
        cjd_ref_report(cjd_ref_member(entry, "publicKey"), CJD_DIAG_ERROR, "%s", why);
    }
    cjd_out_text(c, &out, "publicKey", cjd_ref_member(entry, "publicKey"), key);
    bool has_ip4 = convert_family(c, entry, &ip4, &out);
    bool has_ip6 = convert_family(c, entry, &ip6, &out);
    if (!has_ip4 && !has_ip6) {
        cjd_ref_report(entry, CJD_DIAG_ERROR, "neither \"ip4Address\" nor \"ip6Address\" is given");
    }
}

static void convert_tunnels(struct cjd_convert *c, struct cjd_ref from,
                            const struct cjd_out *plugins)
{
    static const char *const keys[] = {"allowedConnections", "outgoingConnections", NULL};
    struct cjd_ref allowed = cjd_ref_list(from, "allowedConnections");
    struct cjd_ref outgoing = cjd_ref_list(from, "outgoingConnections");

    cjd_ref_known(from, keys, false);
    if (json_array_size(allowed.v) == 0 && json_array_size(outgoing.v) == 0) {
        return;
    }
    struct cjd_out config = cjd_out_plugin(c, plugins, "iptunnel", false, from);
    struct cjd_out allow = cjd_out_group(c, &config, "allow", json_array(), allowed);
    for (size_t i = 0; i < json_array_size(allowed.v); i++) {
        convert_allowed(c, cjd_ref_item(allowed, i), &allow);
    }
    struct cjd_out connect = cjd_out_group(c, &config, "connect", json_array(), outgoing);
    convert_keys(c, outgoing, &connect);
    if (!cjd_plugin_is_built("iptunnel")) {
        cjd_ref_report(from, CJD_DIAG_WARNING,
                       "this build has no plugin \"iptunnel\": there are no tunnels");
    }
}

/* --- whole --------------------------------------------------------------------------------------
 */

void cjd_reference_router(struct cjd_convert *c, struct cjd_ref router, const struct cjd_out *root,
                          const struct cjd_out *plugins)
{
    static const char *const keys[] = {"supernodes", "interface",  "ipTunnel",
                                       "dnsSeeds",   "publicPeer", NULL};
    static const char *const unsupported[] = {"dnsSeeds", "publicPeer"};
    struct cjd_ref supernodes = cjd_ref_list(router, "supernodes");
    struct cjd_out routing = cjd_out_group(c, root, "routing", json_object(), router);
    struct cjd_out list = cjd_out_group(c, &routing, "supernodes", json_array(), supernodes);

    cjd_ref_known(router, keys, false);
    convert_keys(c, supernodes, &list);
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++) {
        struct cjd_ref at = cjd_ref_member(router, unsupported[i]);
        if (at.v) {
            cjd_ref_report(at, CJD_DIAG_WARNING, "\"%s\" is not supported and ignored",
                           unsupported[i]);
        }
    }
    convert_interface(c, cjd_ref_object(router, "interface"), plugins);
    convert_tunnels(c, cjd_ref_object(router, "ipTunnel"), plugins);
}
