/* §10.5, second part: what is asked of other nodes. */
#include "functions.h"

#include <string.h>

#define DEPRECATION "from,protocol,version will soon be removed"

/* Timeouts of callers: 0 or absent: as long as the method waits by itself. */
static void put_timeout(const struct admin_request *r, json_t *args)
{
    int64_t ms;

    if (admin_arg_int(r, "timeout", &ms) && ms > 0) {
        put(args, "timeout_ms", json_integer(ms < 10 ? 10 : ms > 60000 ? 60000 : ms));
    }
}

/* Milliseconds as the reference tells them: what was waited when nothing came. */
static json_int_t ms_in(const json_t *result)
{
    return number_in(result, "rtt_ms");
}

static bool is_timeout(const json_t *result)
{
    return strcmp(text_in(result, "result"), "timeout") == 0;
}

/* The method says what is wrong with a target; this protocol has two words for it. */
static void refuse_path(struct admin_request *r, const struct cjd_rpc_error *error)
{
    if (is_error(error, "invalid_argument") || is_error(error, "missing_argument")) {
        admin_error(r, "parse_path");
    } else if (is_error(error, "not_found") || is_error(error, "unusable_label")) {
        admin_error(r, "not_found");
    } else {
        admin_fail(r, error);
    }
}

/* Arguments with the text of `name` as target. */
static json_t *target_args(const struct admin_request *r, const char *name)
{
    char text[128];

    (void)admin_arg_text(r, name, text, sizeof text);
    json_t *args = json_pack("{s:s}", "target", text);
    put_timeout(r, args);
    return args;
}

/* --- ping ---------------------------------------------------------------------------------------
 */

static void ping_done(struct admin_request *r, const json_t *result,
                      const struct cjd_rpc_error *error)
{
    const json_t *from = json_object_get(result, "from");
    char ip[FULL_ADDR_SIZE];
    char at[80];

    if (error) {
        refuse_path(r, error);
        return;
    }
    json_t *out = json_pack("{s:s, s:I, s:s, s:s}", "deprecation", DEPRECATION, "ms", ms_in(result),
                            "result", text_in(result, "result"), "version", "unknown");
    if (!is_timeout(result)) {
        full_addr_of(ip, text_in(from, "address"));
        snprintf(at, sizeof at, "%s@%s", ip, text_in(from, "label"));
        put(out, "addr", addr_value(from));
        put(out, "from", json_string(at));
        put(out, "protocol", json_integer(number_in(from, "protocol_version")));
    }
    admin_answer(r, out);
}

void fn_ping_node(struct admin_request *r)
{
    admin_call(r, "ping.node", target_args(r, "path"), ping_done);
}

/* --- questions ----------------------------------------------------------------------------------
 */

static void answer_nodes(struct admin_request *r, const json_t *result, const char *key)
{
    json_t *out = json_pack("{s:s, s:I, s:s}", "error", "none", "ms", ms_in(result), "result",
                            is_timeout(result) ? "timeout" : key);

    if (!is_timeout(result)) {
        put(out, "encodingScheme", scheme_value(json_object_get(result, "scheme")));
        put(out, key, contacts_value(json_object_get(result, "nodes")));
    }
    admin_answer(r, out);
}

static void peers_done(struct admin_request *r, const json_t *result,
                       const struct cjd_rpc_error *error)
{
    if (error) {
        refuse_path(r, error);
    } else {
        answer_nodes(r, result, "peers");
    }
}

void fn_get_peers(struct admin_request *r)
{
    json_t *args = target_args(r, "path");
    char text[24];
    uint64_t label;

    if (admin_arg_text(r, "nearbyPath", text, sizeof text)) {
        if (cjd_label_from_text(&label, text) < 0) {
            json_decref(args);
            admin_error(r, "parse_nearbyLabel");
            return;
        }
        put(args, "from_label", json_string(text));
    }
    admin_call(r, "query.peers", args, peers_done);
}

static void nodes_done(struct admin_request *r, const json_t *result,
                       const struct cjd_rpc_error *error)
{
    if (error) {
        refuse_path(r, error);
    } else {
        answer_nodes(r, result, "nodes");
    }
}

static void query(struct admin_request *r, const char *method)
{
    struct cjd_addr addr;
    char text[64];

    (void)admin_arg_text(r, "target", text, sizeof text);
    if (cjd_addr_from_text(&addr, text) < 0) {
        admin_error(r, "parse_target");
        return;
    }
    json_t *args = target_args(r, "nodeToQuery");
    put(args, "address", json_string(text));
    admin_call(r, method, args, nodes_done);
}

void fn_find_node(struct admin_request *r)
{
    query(r, "query.find_node");
}

void fn_next_hop(struct admin_request *r)
{
    query(r, "query.next_hop");
}

/* --- switch ping --------------------------------------------------------------------------------
 */

static const char *switch_word(const char *word)
{
    static const char *const words[][2] = {
        {"wrong_label", "diff_label"}, {"wrong_data", "diff_data"}, {"switch_error", "err_switch"}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i][0], word) == 0) {
            return words[i][1];
        }
    }
    return word;
}

#define VERSION 21 /* told where the other one's is not known, as the reference does */

static json_t *data_value(const json_t *result)
{
    const char *hex = text_in(result, "data_hex");
    uint8_t bytes[512];
    int len = cjd_hex_decode(bytes, sizeof bytes, hex, strlen(hex));

    return admin_bytes(bytes, len > 0 ? (size_t)len : 0);
}

static void switch_done(struct admin_request *r, const json_t *result,
                        const struct cjd_rpc_error *error)
{
    if (error) {
        admin_error(r, is_error(error, "too_many_probes")
                           ? "no open slots to store ping, try later."
                           : error->message);
        return;
    }
    const char *word = text_in(result, "result");
    bool has_answer = strcmp(word, "timeout") != 0 && strcmp(word, "switch_error") != 0;
    json_t *out = json_pack("{s:I, s:s, s:s, s:I}", "ms", ms_in(result), "path",
                            text_in(result, "target"), "result", switch_word(word), "version",
                            has_answer ? number_in(result, "protocol_version") : VERSION);
    if (has_answer) {
        put(out, "data", data_value(result));
    }
    if (json_is_string(json_object_get(result, "public_key"))) {
        put(out, "key", json_string(text_in(result, "public_key")));
    }
    if (strcmp(word, "wrong_label") == 0) {
        put(out, "rpath", json_string(text_in(result, "label")));
    }
    admin_answer(r, out);
}

void fn_switch_ping(struct admin_request *r)
{
    struct cjd_bencode data;
    char hex[2 * ADMIN_REQUEST_MAX + 1];
    char path[24];
    int64_t wants_key = 0;
    uint64_t label;

    (void)admin_arg_text(r, "path", path, sizeof path);
    if (cjd_label_from_text(&label, path) < 0 || label == 0) {
        admin_error(r, "path was not parsable.");
        return;
    }
    json_t *args = json_pack("{s:s, s:i}", "target", path, "timeout_ms", 2000);
    put_timeout(r, args);
    if (admin_arg_bytes(r, "data", &data)) {
        cjd_hex_encode(hex, data.bytes, data.len);
        put(args, "data_hex", json_string(hex));
    }
    (void)admin_arg_int(r, "keyPing", &wants_key);
    put(args, "key", json_boolean(wants_key != 0));
    admin_call(r, "ping.switch", args, switch_done);
}

/* --- searches -----------------------------------------------------------------------------------
 */

static void search_item(struct admin_request *r, const json_t *item)
{
    admin_part(r, json_pack("{s:s, s:I, s:o}", "from",
                            text_in(json_object_get(item, "from"), "full"), "ms", ms_in(item),
                            "nodes", contacts_value(json_object_get(item, "nodes"))));
}

static void search_done(struct admin_request *r, const json_t *result,
                        const struct cjd_rpc_error *error)
{
    (void)result;
    if (error) {
        admin_error(r, "creating search");
    } else {
        admin_answer(r, json_pack("{s:i, s:s}", "complete", 1, "error", "none"));
    }
}

#define REQUESTS_MAX 64

void fn_search(struct admin_request *r)
{
    struct cjd_addr addr;
    char text[64];
    int64_t max = -1;

    (void)admin_arg_text(r, "ipv6", text, sizeof text);
    if (cjd_addr_from_text(&addr, text) < 0) {
        admin_error(r, "ipv6 invalid");
        return;
    }
    (void)admin_arg_int(r, "maxRequests", &max);
    max = max < 1 || max > REQUESTS_MAX ? REQUESTS_MAX : max;
    r->item = search_item;
    admin_call(r, "search",
               json_pack("{s:s, s:I}", "address", text, "max_requests", (json_int_t)max),
               search_done);
}

static void active_done(struct admin_request *r, const json_t *result,
                        const struct cjd_rpc_error *error)
{
    int64_t number = 0;

    if (error) {
        admin_fail(r, error);
        return;
    }
    (void)admin_arg_int(r, "number", &number);
    json_t *out =
        json_pack("{s:I, s:s}", "activeSearches", number_in(result, "total"), "error", "none");
    const json_t *items = json_object_get(result, "items");
    const json_t *s = number >= 0 ? json_array_get(items, (size_t)number) : NULL;
    if (s) {
        put(out, "target", full_addr_value(text_in(s, "target")));
        put(out, "lastNodeAsked", json_string("none"));
        put(out, "totalRequests", json_integer(number_in(s, "requests")));
    }
    admin_answer(r, out);
}

void fn_active_search(struct admin_request *r)
{
    admin_call(r, "searches.list", json_pack("{s:i}", "limit", 1000), active_done);
}

void fn_rumor_mill(struct admin_request *r)
{
    static const char *const mills[] = {"externalMill", "linkMill", "nodeMill", "dhtMill",
                                        "splitMill"};
    char mill[32];

    (void)admin_arg_text(r, "mill", mill, sizeof mill);
    for (size_t i = 0; i < sizeof mills / sizeof mills[0]; i++) {
        if (strcmp(mills[i], mill) == 0) {
            /* The router here has no such heaps. */
            admin_answer(r, json_pack("{s:[], s:i}", "addresses", "total", 0));
            return;
        }
    }
    admin_error(r, "mill must be one of [externalMill,linkMill,nodeMill,dhtMill,splitMill]");
}
