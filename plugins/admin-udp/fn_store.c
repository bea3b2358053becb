/* §10.5, first part: what the router knows. */
#include "functions.h"

#include <string.h>

#define TABLE_PAGE  4
#define DEPRECATION "ip,path,version will soon be removed"
#define UNREACHABLE "ffff.ffff.ffff.ffff"
#define COST_MAX    0xffffffffll

static const char *path_in(const json_t *node)
{
    const char *label = text_in(node, "label");

    return label[0] != '\0' ? label : UNREACHABLE;
}

static json_t *cost_value(const json_t *node)
{
    json_int_t cost =
        json_is_null(json_object_get(node, "cost_us")) ? COST_MAX : number_in(node, "cost_us");

    return json_integer(cost < COST_MAX ? cost : COST_MAX);
}

static json_t *row_of(const json_t *n)
{
    json_t *out = json_object();

    put(out, "addr", addr_value(n));
    put(out, "bucket", json_integer(number_in(n, "bucket")));
    put(out, "ip", full_addr_value(text_in(n, "address")));
    put(out, "link", cost_value(n));
    put(out, "path", json_string(path_in(n)));
    put(out, "version", json_integer(number_in(n, "protocol_version")));
    return out;
}

/* Milliseconds since something was heard of it. */
static json_t *age_value(const struct admin_request *r, const json_t *node)
{
    json_int_t last = time_in(node, "last_answer");
    json_int_t now = (json_int_t)r->a->time->wall_ms(r->a->host, NULL);

    return json_integer(last > 0 && now > last ? now - last : 0);
}

static void table_done(struct admin_request *r, const json_t *result,
                       const struct cjd_rpc_error *error)
{
    json_t *rows = json_array();
    size_t i;
    json_t *n;

    if (error) {
        json_decref(rows);
        admin_fail(r, error);
        return;
    }
    json_array_foreach(json_object_get(result, "items"), i, n)
    {
        json_t *row = row_of(n);
        put(row, "time", age_value(r, n));
        json_array_append_new(rows, row);
    }
    json_t *out =
        json_pack("{s:I, s:s, s:I, s:O}", "count", number_in(result, "total"), "deprecation",
                  DEPRECATION, "peers", number_in(result, "peers"), "routingTable", rows);
    if (json_array_size(rows) == TABLE_PAGE) {
        put(out, "more", json_integer(1));
    }
    json_decref(rows);
    admin_answer(r, out);
}

void fn_dump_table(struct admin_request *r)
{
    admin_call(r, "nodes.list", page_args(page_of(r), TABLE_PAGE), table_done);
}

/* --- one node -----------------------------------------------------------------------------------
 */

static json_t *parent_of(const json_t *n)
{
    bool is_self = flag_in(n, "is_self");
    const char *label = text_in(n, "parent_label");
    const char *parent = text_in(n, is_self ? "address" : "parent");

    return json_pack("{s:o, s:i, s:s}", "ip", full_addr_value(parent), "isOneHop",
                     (int)flag_in(n, "parent_is_one_hop"), "parentChildLabel",
                     is_self || label[0] == '\0' ? "0000.0000.0000.0001" : label);
}

static void node_done(struct admin_request *r, const json_t *n, const struct cjd_rpc_error *error)
{
    static const struct {
        const char *prefix;
        int bits;
        int prefix_bits;
    } forms[] = {{"01", 3, 1}, {"02", 5, 2}, {"00", 8, 2}};
    json_t *result = json_object();
    json_t *scheme = json_array();

    if (!error) {
        for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
            json_array_append_new(scheme,
                                  json_pack("{s:i, s:s, s:i}", "bitCount", forms[i].bits, "prefix",
                                            forms[i].prefix, "prefixLen", forms[i].prefix_bits));
        }
        put(result, "bestParent", parent_of(n));
        put(result, "cost", cost_value(n));
        put(result, "encodingScheme", json_incref(scheme));
        put(result, "key", json_string(text_in(n, "public_key")));
        put(result, "linkCount", json_integer(number_in(n, "links")));
        put(result, "protocolVersion", json_integer(number_in(n, "protocol_version")));
        put(result, "routeLabel", json_string(path_in(n)));
    }
    json_decref(scheme);
    admin_answer(r, json_pack("{s:s, s:o}", "error", "none", "result", result));
}

static void self_done(struct admin_request *r, const json_t *info,
                      const struct cjd_rpc_error *error)
{
    if (error) {
        admin_fail(r, error);
        return;
    }
    admin_call(r, "nodes.get", json_pack("{s:s}", "node", text_in(info, "address")), node_done);
}

void fn_node_for_addr(struct admin_request *r)
{
    struct cjd_addr addr;
    char text[48];

    if (!admin_arg_text(r, "ip", text, sizeof text)) {
        admin_call(r, "node.info", NULL, self_done);
    } else if (cjd_addr_from_text(&addr, text) < 0) {
        admin_error(r, "parse_ip");
    } else {
        admin_call(r, "nodes.get", json_pack("{s:s}", "node", text), node_done);
    }
}

/* --- links --------------------------------------------------------------------------------------
 */

static void no_link(struct admin_request *r, const char *error)
{
    admin_answer(r, json_pack("{s:s, s:{}}", "error", error, "result"));
}

/* The parent of the link was looked up; the link was kept. */
static void link_parent_done(struct admin_request *r, const json_t *parent,
                             const struct cjd_rpc_error *error)
{
    const json_t *l = r->kept;
    char child[128];

    if (error) {
        no_link(r, "not_found");
        return;
    }
    const char *path = text_in(l, "child_path");
    snprintf(child, sizeof child, "v%lld.%s.%s", (long long)number_in(l, "child_version"),
             path[0] != '\0' ? path : UNREACHABLE, text_in(l, "child_key"));
    json_t *result = json_object();
    put(result, "bestParent", json_integer(flag_in(l, "is_best_parent")));
    put(result, "cannonicalLabel", json_string(text_in(l, "label")));
    put(result, "child", json_string(child));
    put(result, "inverseLinkEncodingFormNumber", json_integer(number_in(l, "back_form")));
    put(result, "isOneHop", json_integer(flag_in(l, "is_one_hop")));
    put(result, "linkCost", json_integer(number_in(l, "cost_us")));
    put(result, "parent", addr_value(parent));
    admin_answer(r, json_pack("{s:s, s:o}", "error", "none", "result", result));
}

static void link_done(struct admin_request *r, const json_t *result,
                      const struct cjd_rpc_error *error)
{
    const json_t *l = json_array_get(json_object_get(result, "items"), 0);
    struct cjd_bencode parent;

    if (error || !l) {
        no_link(r, admin_arg_bytes(r, "parent", &parent) ? "unknown" : "not_found");
        return;
    }
    r->kept = json_deep_copy(l);
    admin_call(r, "nodes.get", json_pack("{s:s}", "node", text_in(r->kept, "parent")),
               link_parent_done);
}

static json_t *link_args(const struct admin_request *r)
{
    int64_t number = 0;

    (void)admin_arg_int(r, "linkNum", &number);
    return page_args(number, 1);
}

static void parent_known(struct admin_request *r, const json_t *parent,
                         const struct cjd_rpc_error *error)
{
    if (error) {
        no_link(r, "not_found");
        return;
    }
    json_t *args = link_args(r);
    put(args, "parent", json_string(text_in(parent, "address")));
    admin_call(r, "links.list", args, link_done);
}

void fn_get_link(struct admin_request *r)
{
    struct cjd_addr addr;
    char text[48];

    if (!admin_arg_text(r, "parent", text, sizeof text)) {
        admin_call(r, "links.list", link_args(r), link_done);
    } else if (cjd_addr_from_text(&addr, text) < 0) {
        admin_error(r, "parse_parent");
    } else {
        admin_call(r, "nodes.get", json_pack("{s:s}", "node", text), parent_known);
    }
}

/* --- labels -------------------------------------------------------------------------------------
 */

static void spliced(struct admin_request *r, const json_t *result,
                    const struct cjd_rpc_error *error)
{
    if (error) {
        admin_fail(r, error);
        return;
    }
    admin_answer(r, json_pack("{s:s, s:s}", "error", "none", "result", text_in(result, "label")));
}

static void label_links_done(struct admin_request *r, const json_t *result,
                             const struct cjd_rpc_error *error)
{
    const char *rest = text_in(r->kept, "rest");
    size_t i;
    json_t *l;

    json_array_foreach(json_object_get(error ? NULL : result, "items"), i, l)
    {
        if (strcmp(text_in(l, "label"), rest) == 0) {
            admin_call(r, "routes.splice",
                       json_pack("{s:s, s:s}", "path", text_in(r->kept, "path"), "rest", rest),
                       spliced);
            return;
        }
    }
    admin_error(r, "NodeStore_getRouteLabel_CHILD_NOT_FOUND");
}

static void label_nodes_done(struct admin_request *r, const json_t *result,
                             const struct cjd_rpc_error *error)
{
    const char *path = text_in(r->kept, "path");
    size_t i;
    json_t *n;

    json_array_foreach(json_object_get(error ? NULL : result, "items"), i, n)
    {
        if (strcmp(text_in(n, "label"), path) == 0) {
            admin_call(r, "links.list",
                       json_pack("{s:s, s:i}", "parent", text_in(n, "address"), "limit", 1000),
                       label_links_done);
            return;
        }
    }
    admin_error(r, "NodeStore_getRouteLabel_PARENT_NOT_FOUND");
}

void fn_route_label(struct admin_request *r)
{
    char path[24];
    char rest[24];
    uint64_t label;

    (void)admin_arg_text(r, "pathToParent", path, sizeof path);
    (void)admin_arg_text(r, "pathParentToChild", rest, sizeof rest);
    if (cjd_label_from_text(&label, rest) < 0) {
        admin_error(r, "parse_pathParentToChild");
    } else if (cjd_label_from_text(&label, path) < 0) {
        admin_error(r, "parse_pathToParent");
    } else {
        r->kept = json_pack("{s:s, s:s}", "path", path, "rest", rest);
        admin_call(r, "nodes.list", json_pack("{s:i}", "limit", 1000), label_nodes_done);
    }
}

void fn_get_verify(struct admin_request *r)
{
    admin_answer(r, json_pack("{s:s, s:i}", "error", "none", "fullVerify", 0));
}

void fn_set_verify(struct admin_request *r)
{
    int64_t wanted = 0;

    (void)admin_arg_int(r, "fullVerify", &wanted);
    admin_error(r, wanted == 0 ? "none" : "there is nothing to verify here");
}

/* --- look-up ------------------------------------------------------------------------------------
 */

/* Addresses count from byte 8 on, then from byte 0. */
static bool is_nearer(const struct cjd_addr *target, const struct cjd_addr *a,
                      const struct cjd_addr *b)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned at = (i + 8) % 16;
        unsigned da = a->b[at] ^ target->b[at];
        unsigned db = b->b[at] ^ target->b[at];
        if (da != db) {
            return da < db;
        }
    }
    return false;
}

static void lookup_done(struct admin_request *r, const json_t *result,
                        const struct cjd_rpc_error *error)
{
    const json_t *best = NULL;
    struct cjd_addr target = {{0}};
    struct cjd_addr nearest = {{0}};
    struct cjd_addr addr;
    char text[64];
    size_t i;
    json_t *n;

    (void)admin_arg_text(r, "address", text, sizeof text);
    int err = cjd_addr_from_text(&target, text);
    json_array_foreach(json_object_get(error || err < 0 ? NULL : result, "items"), i, n)
    {
        if (flag_in(n, "is_self") || text_in(n, "label")[0] == '\0' ||
            cjd_addr_from_text(&addr, text_in(n, "address")) < 0) {
            continue;
        }
        if (!best || is_nearer(&target, &addr, &nearest)) {
            best = n;
            nearest = addr;
        }
    }
    bool is_it = best && memcmp(&nearest, &target, sizeof target) == 0;
    char ip[FULL_ADDR_SIZE];
    char out[80];
    full_addr(ip, &nearest);
    snprintf(out, sizeof out, "%s%s%s", is_it ? "" : ip, is_it ? "" : "@",
             best ? text_in(best, "label") : "");
    admin_answer(r, json_pack("{s:s, s:s}", "error", "none", "result", best ? out : "not found"));
}

void fn_lookup(struct admin_request *r)
{
    struct cjd_addr addr;
    char text[64];

    (void)admin_arg_text(r, "address", text, sizeof text);
    if (strlen(text) != FULL_ADDR_SIZE - 1) {
        admin_answer(r, json_pack("{s:s, s:s}", "error", "address wrong length", "result", ""));
    } else if (cjd_addr_from_text(&addr, text) < 0) {
        admin_answer(r, json_pack("{s:s, s:s}", "error", "failed to parse address", "result", ""));
    } else {
        admin_call(r, "nodes.list", json_pack("{s:i}", "limit", 1000), lookup_done);
    }
}
