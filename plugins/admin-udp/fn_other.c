/* §10.6 and the rest of §10.8: supernodes, reachability, packet handlers. None of them is there;
 * the answers are those of a node that has none, and what would add one says so. */
#include "functions.h"

static bool has_key(const struct admin_request *r)
{
    struct cjd_key key;
    char text[64];

    (void)admin_arg_text(r, "key", text, sizeof text);
    return key_fault(text, &key) == NULL;
}

void fn_snode_add(struct admin_request *r)
{
    admin_error(r, has_key(r) ? "this node does not use supernodes" : "parse_error");
}

void fn_snode_remove(struct admin_request *r)
{
    admin_error(r, has_key(r) ? "SupernodeHunter_removeSnode_NONEXISTANT" : "parse_error");
}

void fn_snode_list(struct admin_request *r)
{
    admin_answer(r, json_pack("{s:s, s:[]}", "error", "none", "snodes"));
}

void fn_snode_status(struct admin_request *r)
{
    admin_answer(r, json_pack("{s:s, s:s, s:i}", "activeSnode", "NONE", "error", "none",
                              "usingAuthorizedSnode", 0));
}

void fn_peer_info(struct admin_request *r)
{
    admin_answer(r, json_pack("{s:s, s:[]}", "error",
                              "no history is kept: InterfaceController_peerStats has the present",
                              "peers"));
}

/* --- packet handlers ----------------------------------------------------------------------------
 */

#define PORT_MAX 65535
#define TYPE_MAX 65535

void fn_handlers_list(struct admin_request *r)
{
    admin_answer(r, json_pack("{s:s, s:[]}", "error", "none", "handlers"));
}

void fn_handlers_add(struct admin_request *r)
{
    int64_t type = 0;
    int64_t port = 0;

    (void)admin_arg_int(r, "contentType", &type);
    (void)admin_arg_int(r, "udpPort", &port);
    if (type < 0 || type > TYPE_MAX) {
        admin_error(r, "invalid_contentType");
    } else if (port < 1 || port > PORT_MAX) {
        admin_error(r, "invalid_udpPort");
    } else {
        admin_error(r, "packets are not handed to other programs by this node");
    }
}

void fn_handlers_remove(struct admin_request *r)
{
    int64_t port = 0;

    (void)admin_arg_int(r, "udpPort", &port);
    admin_error(r, port < 1 || port > PORT_MAX ? "invalid_udpPort"
                                               : "UpperDistributor_unregisterHandler_NONEXISTANT");
}
