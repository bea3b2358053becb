/* The table of functions (§8, §10), their signatures, and methods of the registry by their own
 * names. */
#include "functions.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 8

/* In the order in which the reference registers them, eight a page, which its tools have seen for
 * years. The last two are additions (§13.1, §13.3). */
/* clang-format off */
static const struct admin_function functions[] = {
    {"AdminLog_logMany", "count:I!", false, fn_log_many},
    {"AdminLog_subscribe", "file:S level:S line:I", false, fn_log_subscribe},
    {"AdminLog_subscriptions", "", false, fn_log_subscriptions},
    {"AdminLog_unsubscribe", "streamId:S!", false, fn_log_unsubscribe},
    {"Admin_asyncEnabled", "", true, fn_async_enabled},
    {"Admin_availableFunctions", "page:I", true, fn_available},
    {"Admin_exportFd", "fd:I!", false, fn_export_fd},
    {"Admin_importFd", "", false, fn_import_fd},
    {"RouteGen_addException", "route:S!", false, fn_routes_add},
    {"RouteGen_getExceptions", "ip6:I page:I", false, fn_routes_empty},
    {"RouteGen_getGeneratedRoutes", "ip6:I page:I", false, fn_routes_empty},
    {"RouteGen_getLocalPrefixes", "ip6:I page:I", false, fn_routes_local},
    {"RouteGen_getPrefixes", "ip6:I page:I", false, fn_routes_empty},
    {"UpperDistributor_listHandlers", "page:I", false, fn_handlers_list},
    {"UpperDistributor_registerHandler", "contentType:I! udpPort:I!", false, fn_handlers_add},
    {"UpperDistributor_unregisterHandler", "udpPort:I!", false, fn_handlers_remove},
    {"InterfaceController_interfaces", "page:I", false, fn_interfaces},
    {"InterfaceController_peerStats", "page:I", true, fn_peer_stats},
    {"RouteGen_addLocalPrefix", "route:S!", false, fn_routes_add},
    {"RouteGen_addPrefix", "route:S!", false, fn_routes_add},
    {"RouteGen_commit", "tunName:S!", false, fn_routes_commit},
    {"RouteGen_removeException", "route:S!", false, fn_routes_remove},
    {"RouteGen_removeLocalPrefix", "route:S!", false, fn_routes_remove},
    {"RouteGen_removePrefix", "route:S!", false, fn_routes_remove},
    {"InterfaceController_disconnectPeer", "pubkey:S!", false, fn_disconnect},
    {"InterfaceController_resetPeering", "pubkey:S", false, fn_reset},
    {"InterfaceController_timestampPackets", "enable:I", false, fn_timestamp},
    {"SwitchPinger_ping", "data:S keyPing:I path:S! timeout:I", false, fn_switch_ping},
    {"UDPInterface_beginConnection", "address:S! interfaceNumber:I login:S password:S peerName:S publicKey:S!", false, fn_udp_begin},
    {"UDPInterface_listDevices", "", false, fn_udp_devices},
    {"UDPInterface_new", "beaconPort:I bindAddress:S dscp:I", false, fn_udp_new},
    {"UDPInterface_setBroadcastDevices", "devices:L! interfaceNumber:I", false, fn_udp_set_broadcast},
    {"ETHInterface_beacon", "interfaceNumber:I state:I", false, fn_eth_beacon},
    {"ETHInterface_beginConnection", "interfaceNumber:I login:S macAddress:S! password:S peerName:S publicKey:S!", false, fn_eth_begin},
    {"ETHInterface_listDevices", "", false, fn_eth_devices},
    {"ETHInterface_new", "bindDevice:S!", false, fn_eth_new},
    {"UDPInterface_beacon", "interfaceNumber:I state:I", false, fn_udp_beacon},
    {"UDPInterface_getBroadcastAddrs", "interfaceNumber:I", false, fn_udp_broadcast_addrs},
    {"UDPInterface_getBroadcastDevices", "interfaceNumber:I", false, fn_udp_get_broadcast},
    {"UDPInterface_getFd", "interfaceNumber:I", false, fn_udp_fd},
    {"AuthorizedPasswords_add", "ipv6:S password:S! user:S", false, fn_passwords_add},
    {"AuthorizedPasswords_list", "page:I", false, fn_passwords_list},
    {"AuthorizedPasswords_remove", "user:S!", false, fn_passwords_remove},
    {"ReachabilityCollector_getPeerInfo", "page:I!", false, fn_peer_info},
    {"SupernodeHunter_addSnode", "key:S!", false, fn_snode_add},
    {"SupernodeHunter_listSnodes", "page:I", true, fn_snode_list},
    {"SupernodeHunter_removeSnode", "key:S!", false, fn_snode_remove},
    {"SupernodeHunter_status", "", true, fn_snode_status},
    {"Security_chroot", "root:S!", false, fn_security_fixed},
    {"Security_getUser", "user:S", false, fn_get_user},
    {"Security_nofiles", "", false, fn_security_fixed},
    {"Security_noforks", "", false, fn_security_fixed},
    {"Security_seccomp", "", false, fn_security_fixed},
    {"Security_setUser", "gid:I keepNetAdmin:I! uid:I!", false, fn_security_fixed},
    {"Security_setupComplete", "", false, fn_setup_complete},
    {"ping", "", true, fn_ping},
    {"IpTunnel_allowConnection", "ip4Address:S ip4Alloc:I ip4Prefix:I ip6Address:S ip6Alloc:I ip6Prefix:I publicKeyOfAuthorizedNode:S!", false, fn_tunnel_allow},
    {"IpTunnel_connectTo", "publicKeyOfNodeToConnectTo:S!", false, fn_tunnel_connect},
    {"IpTunnel_listConnections", "", false, fn_tunnel_list},
    {"IpTunnel_removeConnection", "connection:I!", false, fn_tunnel_remove},
    {"IpTunnel_showConnection", "connection:I!", false, fn_tunnel_show},
    {"Security_checkPermissions", "", false, fn_check_permissions},
    {"SessionManager_getHandles", "page:I", false, fn_handles},
    {"SessionManager_sessionStats", "handle:I!", false, fn_session_stats},
    {"Allocator_bytesAllocated", "", false, fn_bytes},
    {"Allocator_snapshot", "includeAllocations:I", false, fn_snapshot},
    {"Core_exit", "", false, fn_exit},
    {"Core_pid", "", true, fn_pid},
    {"SessionManager_resetCA", "ip6:S!", false, fn_session_reset},
    {"SessionManager_sessionStatsByIP", "ip6:S!", false, fn_session_by_ip},
    {"Sign_checkSig", "msgHash:S! signature:S!", true, fn_check_sig},
    {"Sign_sign", "msgHash:S!", false, fn_sign},
    {"Core_initSocket", "socketAttemptToCreate:I socketFullPath:S!", false, fn_init_socket},
    {"Core_initTunfd", "tunfd:I! type:I", false, fn_init_tunfd},
    {"Core_initTunnel", "desiredTunName:S", false, fn_init_tunnel},
    {"Core_nodeInfo", "", true, fn_node_info},
    {"Core_stopTun", "", false, fn_stop_tun},
    {"NodeStore_dumpTable", "page:I!", true, fn_dump_table},
    {"NodeStore_getLink", "linkNum:I! parent:S", true, fn_get_link},
    {"NodeStore_nodeForAddr", "ip:S", true, fn_node_for_addr},
    {"NodeStore_getFullVerify", "", true, fn_get_verify},
    {"NodeStore_getRouteLabel", "pathParentToChild:S! pathToParent:S!", false, fn_route_label},
    {"NodeStore_setFullVerify", "fullVerify:I!", false, fn_set_verify},
    {"RouterModule_findNode", "nodeToQuery:S! target:S! timeout:I", false, fn_find_node},
    {"RouterModule_getPeers", "nearbyPath:S path:S! timeout:I", false, fn_get_peers},
    {"RouterModule_lookup", "address:S!", false, fn_lookup},
    {"RouterModule_nextHop", "nodeToQuery:S! target:S! timeout:I", false, fn_next_hop},
    {"RouterModule_pingNode", "path:S! timeout:I", false, fn_ping_node},
    {"Janitor_dumpRumorMill", "mill:S! page:I!", false, fn_rumor_mill},
    {"SearchRunner_search", "ipv6:S! maxRequests:I", false, fn_search},
    {"SearchRunner_showActiveSearch", "number:I!", false, fn_active_search},
    {"NodeStore_getNode", "ip:S", true, fn_node_for_addr},
    {"memory", "", true, fn_bytes},
};
/* clang-format on */
#define FUNCTIONS (sizeof functions / sizeof functions[0])

const struct admin_function *admin_function_find(const struct cjd_bencode *name)
{
    for (size_t i = 0; i < FUNCTIONS; i++) {
        if (admin_text_is(name, functions[i].name)) {
            return &functions[i];
        }
    }
    return NULL;
}

/* --- signatures ---------------------------------------------------------------------------------
 */

struct spec {
    char name[40];
    char type; /* S I L D */
    bool is_needed;
};

/* The next argument of "path:S! timeout:I"; false at the end. */
static bool next_spec(const char **at, struct spec *out)
{
    size_t len = strcspn(*at, ":");

    if (**at == '\0' || len >= sizeof out->name) {
        return false;
    }
    memcpy(out->name, *at, len);
    out->name[len] = '\0';
    out->type = (*at)[len + 1];
    *at += len + 2;
    out->is_needed = **at == '!';
    *at += strspn(*at, "! ");
    return true;
}

static const char *type_name(char type)
{
    return type == 'S' ? "String" : type == 'I' ? "Int" : type == 'L' ? "List" : "Dict";
}

static bool is_of_type(const struct cjd_bencode *value, char type)
{
    switch (value->type) {
    case CJD_BENCODE_INT:
        return type == 'I';
    case CJD_BENCODE_STRING:
        return type == 'S';
    case CJD_BENCODE_LIST:
        return type == 'L';
    case CJD_BENCODE_DICT:
        break;
    }
    return type == 'D';
}

bool admin_args_fault(const struct admin_function *f, const struct admin_request *r, char *out,
                      size_t cap)
{
    struct cjd_bencode value;
    const char *at = f->args;
    struct spec spec;

    while (next_spec(&at, &spec)) {
        bool is_good =
            r->has_args && admin_find(&r->args, spec.name, &value) && is_of_type(&value, spec.type);
        if (spec.is_needed && !is_good) {
            snprintf(out, cap, "Entry [%s] is required and must be of type [%s]", spec.name,
                     type_name(spec.type));
            return true;
        }
    }
    return false;
}

static json_t *signature(const struct admin_function *f)
{
    json_t *out = json_object();
    const char *at = f->args;
    struct spec spec;

    while (next_spec(&at, &spec)) {
        json_object_set_new(
            out, spec.name,
            json_pack("{s:i, s:s}", "required", (int)spec.is_needed, "type", type_name(spec.type)));
    }
    return out;
}

json_t *admin_functions_page(int64_t page, bool *is_full)
{
    json_t *out = json_object();
    int64_t pages = (int64_t)FUNCTIONS / PAGE + 1;
    int64_t first = page < 0 || page > pages ? (int64_t)FUNCTIONS : page * PAGE;
    int64_t n = 0;

    for (int64_t i = first; i < (int64_t)FUNCTIONS && n < PAGE; i++, n++) {
        json_object_set_new(out, functions[i].name, signature(&functions[i]));
    }
    *is_full = n == PAGE;
    return out;
}

/* --- arguments ----------------------------------------------------------------------------------
 */

bool admin_arg_int(const struct admin_request *r, const char *name, int64_t *out)
{
    struct cjd_bencode value;

    if (!r->has_args || !admin_find(&r->args, name, &value) || value.type != CJD_BENCODE_INT) {
        return false;
    }
    *out = value.number;
    return true;
}

bool admin_arg_bytes(const struct admin_request *r, const char *name, struct cjd_bencode *out)
{
    return r->has_args && admin_find(&r->args, name, out) && out->type == CJD_BENCODE_STRING;
}

bool admin_arg_text(const struct admin_request *r, const char *name, char *out, size_t cap)
{
    struct cjd_bencode value;

    out[0] = '\0';
    if (!admin_arg_bytes(r, name, &value)) {
        return false;
    }
    if (value.len < cap && !memchr(value.bytes, '\0', value.len)) {
        memcpy(out, value.bytes, value.len);
        out[value.len] = '\0';
    }
    return true;
}

/* --- methods of the registry --------------------------------------------------------------------
 */

static bool says_type(const json_t *schema, const char *word)
{
    const json_t *type = json_object_get(schema, "type");
    size_t i;
    json_t *one;

    json_array_foreach((json_t *)(uintptr_t)type, i, one)
    {
        if (strcmp(json_string_value(one), word) == 0) {
            return true;
        }
    }
    return json_is_string(type) && strcmp(json_string_value(type), word) == 0;
}

/* Bencode has no booleans: 0 and 1 become what the schema asks for. */
static json_t *json_of(const struct cjd_bencode *value, const json_t *schema, unsigned depth)
{
    struct cjd_bencode_iter it;
    struct cjd_bencode key;
    struct cjd_bencode item;
    json_t *out = NULL;

    if (value->type == CJD_BENCODE_INT) {
        return says_type(schema, "boolean") ? json_boolean(value->number != 0)
                                            : json_integer(value->number);
    }
    if (value->type == CJD_BENCODE_STRING) {
        return json_stringn((const char *)value->bytes, value->len);
    }
    cjd_bencode_iter_init(&it, value);
    if (depth == 0) {
        return NULL;
    }
    if (value->type == CJD_BENCODE_LIST) {
        out = json_array();
        while (cjd_bencode_next_item(&it, &item)) {
            json_array_append_new(out, json_of(&item, json_object_get(schema, "items"), depth - 1));
        }
        return out;
    }
    out = json_object();
    while (cjd_bencode_next_pair(&it, &key, &item)) {
        char name[64] = "?";
        if (key.len < sizeof name && !memchr(key.bytes, '\0', key.len)) {
            memcpy(name, key.bytes, key.len);
            name[key.len] = '\0';
        }
        const json_t *properties = json_object_get(schema, "properties");
        json_object_set_new(out, name,
                            json_of(&item, json_object_get(properties, name), depth - 1));
    }
    return out;
}

static void generic_done(struct admin_request *r, const json_t *result,
                         const struct cjd_rpc_error *error)
{
    if (error) {
        admin_answer(r, json_pack("{s:s, s:s, s:s}", "error", error->message, "code", error->code,
                                  "hint", error->hint));
        return;
    }
    json_t *out = json_deep_copy(result);
    json_object_set_new(out, "error", json_string("none"));
    admin_answer(r, out);
}

static void generic_item(struct admin_request *r, const json_t *item)
{
    admin_part(r, json_pack("{s:O}", "item", (json_t *)(uintptr_t)item));
}

void admin_generic(struct admin_request *r, const struct cjd_rpc_method_info *method)
{
    json_t *args = r->has_args ? json_of(&r->args, method->args, 8) : NULL;

    r->item = method->item ? generic_item : NULL;
    admin_call(r, method->name, args, generic_done);
}
