/* §10.2, §10.3: neighbours, interfaces, passwords. */
#include "functions.h"

#include <string.h>

#define PEERS_PAGE     6
#define PASSWORDS_PAGE 16

/* --- peers --------------------------------------------------------------------------------------
 */

static void put_names(json_t *out, const json_t *peer)
{
    const char *name = text_in(peer, "name");
    const char *login = text_in(peer, "login");
    const char *user = flag_in(peer, "incoming") ? login : name;

    if (user[0] != '\0') {
        put(out, "user", json_string(user));
    }
}

static json_t *peer_of(const json_t *p)
{
    json_t *out = json_object();

    put(out, "addr", addr_value(p));
    put(out, "bytesIn", json_integer(number_in(p, "rx_bytes")));
    put(out, "bytesOut", json_integer(number_in(p, "tx_bytes")));
    put(out, "duplicates", json_integer(number_in(p, "duplicate_packets")));
    put(out, "ifNum", json_integer(number_in(p, "interface_number")));
    put(out, "isIncoming", json_integer(flag_in(p, "incoming")));
    put(out, "last", json_integer(time_in(p, "last_received")));
    put(out, "lladdr", json_string(text_in(p, "link_address")));
    put(out, "lostPackets", json_integer(number_in(p, "lost_packets")));
    put(out, "noiseProto", json_integer(0));
    put(out, "publicKey", json_string(text_in(p, "public_key")));
    put(out, "receivedOutOfRange", json_integer(number_in(p, "out_of_range_packets")));
    put(out, "receivedPackets", json_integer(number_in(p, "rx_packets")));
    put(out, "recvKbps", json_integer(number_in(p, "rx_bps") / 1000));
    put(out, "sendKbps", json_integer(number_in(p, "tx_bps") / 1000));
    put(out, "state", state_value(text_in(p, "state")));
    put(out, "switchLabel", json_string(text_in(p, "label")));
    put(out, "version", json_integer(number_in(p, "protocol_version")));
    put_names(out, p);
    return out;
}

/* What a list method answers, item by item, under another name. */
static json_t *list_of(const json_t *result, json_t *(*each)(const json_t *item))
{
    json_t *out = json_array();
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(result, "items"), i, item)
    {
        json_array_append_new(out, each(item));
    }
    return out;
}

static void peers_done(struct admin_request *r, const json_t *result,
                       const struct cjd_rpc_error *error)
{
    if (error) {
        admin_fail(r, error);
        return;
    }
    json_t *out = json_pack("{s:o, s:I}", "peers", list_of(result, peer_of), "total",
                            number_in(result, "total"));
    if (json_is_string(json_object_get(result, "next"))) {
        put(out, "more", json_integer(1));
    }
    admin_answer(r, out);
}

void fn_peer_stats(struct admin_request *r)
{
    admin_call(r, "peers.list", page_args(page_of(r), PEERS_PAGE), peers_done);
}

/* --- ending and beginning anew ------------------------------------------------------------------
 */

static void refuse_peer(struct admin_request *r, const char *text)
{
    admin_answer(r, json_pack("{s:s, s:i}", "error", text, "success", 0));
}

static void peer_changed(struct admin_request *r, const json_t *result,
                         const struct cjd_rpc_error *error)
{
    (void)result;
    if (!error) {
        admin_answer(r, json_pack("{s:i}", "success", 1));
    } else if (is_error(error, "no_such_peer")) {
        refuse_peer(r, "no peer found for that key");
    } else {
        refuse_peer(r, error->message);
    }
}

/* True: `pubkey` is a key; false: the request was answered. */
static bool peer_key(struct admin_request *r, char text[64])
{
    struct cjd_key key;

    (void)admin_arg_text(r, "pubkey", text, 64);
    if (key_fault(text, &key)) {
        refuse_peer(r, "bad key");
        return false;
    }
    return true;
}

void fn_disconnect(struct admin_request *r)
{
    char key[64];

    if (peer_key(r, key)) {
        admin_call(r, "peers.disconnect", json_pack("{s:s}", "peer", key), peer_changed);
    }
}

void fn_reset(struct admin_request *r)
{
    struct cjd_bencode value;
    char key[64];

    if (!admin_arg_bytes(r, "pubkey", &value)) {
        admin_call(r, "peers.reset", NULL, peer_changed);
    } else if (peer_key(r, key)) {
        admin_call(r, "peers.reset", json_pack("{s:s}", "peer", key), peer_changed);
    }
}

/* Time stamps on received packets: the reference's own affair, always off here. */
void fn_timestamp(struct admin_request *r)
{
    int64_t enable;

    if (!admin_arg_int(r, "enable", &enable)) {
        admin_answer(r, json_pack("{s:i, s:s}", "enabled", 0, "error", "none"));
    } else {
        admin_error(r, enable == 0 ? "none" : "packets carry no time stamps here");
    }
}

/* --- interfaces ---------------------------------------------------------------------------------
 */

/* "udp/0.0.0.0:5199" → "UDP/IPv4/0.0.0.0:5199", "eth/eth0" → "ETH/eth0". */
static json_t *interface_name(const char *name)
{
    char out[96];

    if (strncmp(name, "udp/", 4) == 0) {
        snprintf(out, sizeof out, "UDP/%s/%s", name[4] == '[' ? "IPv6" : "IPv4", name + 4);
    } else if (strncmp(name, "eth/", 4) == 0) {
        snprintf(out, sizeof out, "ETH/%s", name + 4);
    } else {
        snprintf(out, sizeof out, "%s", name);
    }
    return json_string(out);
}

static const char *beacon_state(const char *mode)
{
    return strcmp(mode, "send") == 0     ? "SENDING"
           : strcmp(mode, "accept") == 0 ? "ACCEPTING"
                                         : "DISABLED";
}

static json_t *interface_of(const struct admin_request *r, const json_t *item)
{
    char number[24];

    snprintf(number, sizeof number, "%lld", (long long)number_in(item, "number"));
    const char *mode = text_in(json_object_get(r->kept, "modes"), number);
    return json_pack("{s:s, s:I, s:o}", "beaconState", beacon_state(mode), "ifNum",
                     number_in(item, "number"), "name", interface_name(text_in(item, "name")));
}

/* Newest first. */
static void answer_interfaces(struct admin_request *r)
{
    const json_t *items = json_object_get(r->kept, "items");
    size_t total = json_array_size(items);
    json_t *list = json_array();
    int64_t page = page_of(r);

    size_t from = page < 0 || page > (int64_t)total ? total : (size_t)page * PEERS_PAGE;
    for (size_t i = from; i < total && i < from + PEERS_PAGE; i++) {
        json_array_append_new(list, interface_of(r, json_array_get(items, total - 1 - i)));
    }
    json_t *out = json_pack("{s:o, s:I}", "ifaces", list, "total", (json_int_t)total);
    if (from + PEERS_PAGE < total) {
        put(out, "more", json_integer(1));
    }
    admin_answer(r, out);
}

static void ask_modes(struct admin_request *r);

/* One link of a plugin (udp), or one for each device (eth). */
static void note_mode(struct admin_request *r, const json_t *link)
{
    char number[24];

    snprintf(number, sizeof number, "%lld", (long long)number_in(link, "link"));
    put(json_object_get(r->kept, "modes"), number, json_string(text_in(link, "beacon")));
}

static void mode_done(struct admin_request *r, const json_t *info,
                      const struct cjd_rpc_error *error)
{
    size_t i;
    json_t *bind;

    if (!error && json_object_get(info, "link")) {
        note_mode(r, info);
    }
    json_array_foreach(json_object_get(error ? NULL : info, "binds"), i, bind)
    {
        if (json_object_get(bind, "link")) {
            note_mode(r, bind);
        }
    }
    ask_modes(r);
}

/* Asks one plugin after the other how it looks for neighbours; the method's place among all is
 * where it goes on. */
static void ask_modes(struct admin_request *r)
{
    struct cjd_rpc_method_info info = {.size = sizeof info};

    while (r->a->rpc->method_at(r->a->host, (uint32_t)r->number++, &info) == 0) {
        size_t len = strlen(info.name);
        if (len > 5 && strcmp(info.name + len - 5, ".info") == 0 &&
            strcmp(info.provider, "core") != 0) {
            admin_call(r, info.name, NULL, mode_done);
            return;
        }
    }
    answer_interfaces(r);
}

/* A node has few, so all are asked for. */
static void interfaces_done(struct admin_request *r, const json_t *result,
                            const struct cjd_rpc_error *error)
{
    if (error) {
        admin_fail(r, error);
        return;
    }
    r->kept = json_pack("{s:O, s:{}}", "items", json_object_get(result, "items"), "modes");
    ask_modes(r);
}

void fn_interfaces(struct admin_request *r)
{
    admin_call(r, "interfaces.list", json_pack("{s:i}", "limit", 1000), interfaces_done);
}

/* --- passwords ----------------------------------------------------------------------------------
 */

static void added(struct admin_request *r, const json_t *result, const struct cjd_rpc_error *error)
{
    if (error && is_error(error, "login_exists")) {
        admin_error(r, "Unknown error.");
    } else if (error) {
        admin_fail(r, error);
    } else {
        admin_error(r, flag_in(result, "added") ? "none" : "Password already added.");
    }
}

void fn_passwords_add(struct admin_request *r)
{
    struct cjd_bencode password;
    struct cjd_addr only;
    char user[80];
    char ip6[48];
    bool is_restricted = admin_arg_text(r, "ipv6", ip6, sizeof ip6);

    if (!admin_arg_bytes(r, "password", &password)) {
        return; /* its presence was checked */
    }
    if (is_restricted && (cjd_addr_from_text(&only, ip6) < 0 || only.b[0] != 0xfc)) {
        admin_error(r, "Invalid IPv6 Address");
        return;
    }
    json_t *args = json_object();
    put(args, "password", json_stringn((const char *)password.bytes, password.len));
    if (admin_arg_text(r, "user", user, sizeof user) && user[0] != '\0') {
        put(args, "login", json_string(user));
    }
    if (is_restricted) {
        put(args, "only_address", json_string(ip6));
    }
    admin_call(r, "passwords.add", args, added);
}

static void removed(struct admin_request *r, const json_t *result,
                    const struct cjd_rpc_error *error)
{
    (void)result;
    admin_error(r, error ? "Unknown error." : "none");
}

void fn_passwords_remove(struct admin_request *r)
{
    char user[80];

    (void)admin_arg_text(r, "user", user, sizeof user);
    admin_call(r, "passwords.remove", json_pack("{s:s}", "login", user), removed);
}

/* Newest first. */
static void passwords_done(struct admin_request *r, const json_t *result,
                           const struct cjd_rpc_error *error)
{
    const json_t *items = json_object_get(result, "items");
    size_t total = json_array_size(items);
    json_t *users = json_array();
    int64_t page = page_of(r);

    if (error) {
        json_decref(users);
        admin_fail(r, error);
        return;
    }
    size_t from = page < 0 || page > (int64_t)total ? total : (size_t)page * PASSWORDS_PAGE;
    for (size_t i = from; i < total && i < from + PASSWORDS_PAGE; i++) {
        const json_t *item = json_array_get(items, total - 1 - i);
        json_array_append_new(users, json_string(text_in(item, "login")));
    }
    admin_answer(r, json_pack("{s:I, s:o}", "total", number_in(result, "total"), "users", users));
}

void fn_passwords_list(struct admin_request *r)
{
    admin_call(r, "passwords.list", json_pack("{s:i}", "limit", 1000), passwords_done);
}
