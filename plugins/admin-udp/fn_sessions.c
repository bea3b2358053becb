/* §10.4: sessions. */
#include "functions.h"

#include <string.h>

#define HANDLES_PAGE 64

static void handles_done(struct admin_request *r, const json_t *result,
                         const struct cjd_rpc_error *error)
{
    json_t *handles = json_array();
    size_t i;
    json_t *s;

    if (error) {
        json_decref(handles);
        admin_fail(r, error);
        return;
    }
    json_array_foreach(json_object_get(result, "items"), i, s)
    {
        json_array_append_new(handles, json_integer(number_in(s, "handle")));
    }
    json_t *out = json_pack("{s:o, s:I}", "handles", handles, "total", number_in(result, "total"));
    if (json_is_string(json_object_get(result, "next"))) {
        put(out, "more", json_integer(1));
    }
    admin_answer(r, out);
}

void fn_handles(struct admin_request *r)
{
    admin_call(r, "sessions.list", page_args(page_of(r), HANDLES_PAGE), handles_done);
}

/* The union of what the versions of the reference tell, and what its Python script misses. */
static void stats_done(struct admin_request *r, const json_t *s, const struct cjd_rpc_error *error)
{
    if (error) {
        admin_error(r, "no such session");
        return;
    }
    json_t *out = json_object();
    bool has_path = json_is_string(json_object_get(s, "label"));
    json_int_t last = time_in(s, "last_sent");
    put(out, "addr", addr_value(s));
    put(out, "duplicates", json_integer(number_in(s, "duplicate_packets")));
    put(out, "handle", json_integer(number_in(s, "handle")));
    put(out, "ip6", full_addr_value(text_in(s, "address")));
    put(out, "lostPackets", json_integer(number_in(s, "lost_packets")));
    put(out, "maintainSession", json_integer(0));
    put(out, "metric", json_integer(has_path ? 0 : (json_int_t)UINT32_MAX));
    put(out, "noiseProto", json_integer(0));
    put(out, "publicKey", json_string(text_in(s, "public_key")));
    put(out, "receivedOutOfRange", json_integer(number_in(s, "out_of_range_packets")));
    put(out, "sendHandle", json_integer(number_in(s, "send_handle")));
    put(out, "state", state_value(text_in(s, "state")));
    put(out, "timeOfLastIn", json_integer(time_in(s, "last_received")));
    put(out, "timeOfLastOut", json_integer(last));
    put(out, "timeOfLastUsage", json_integer(last));
    put(out, "version", json_integer(number_in(s, "protocol_version")));
    admin_answer(r, out);
}

void fn_session_stats(struct admin_request *r)
{
    int64_t handle = 0;
    char text[24];

    (void)admin_arg_int(r, "handle", &handle);
    snprintf(text, sizeof text, "%lld", (long long)handle);
    admin_call(r, "sessions.get", json_pack("{s:s}", "session", text), stats_done);
}

/* False: answered. */
static bool session_addr(struct admin_request *r, char text[48])
{
    struct cjd_addr addr;

    (void)admin_arg_text(r, "ip6", text, 48);
    if (cjd_addr_from_text(&addr, text) < 0) {
        admin_error(r, "malformed_ip");
        return false;
    }
    return true;
}

void fn_session_by_ip(struct admin_request *r)
{
    char text[48];

    if (session_addr(r, text)) {
        admin_call(r, "sessions.get", json_pack("{s:s}", "session", text), stats_done);
    }
}

static void reset_done(struct admin_request *r, const json_t *result,
                       const struct cjd_rpc_error *error)
{
    (void)result;
    admin_error(r, error ? "no such session" : "none");
}

void fn_session_reset(struct admin_request *r)
{
    char text[48];

    if (session_addr(r, text)) {
        admin_call(r, "sessions.reset", json_pack("{s:s}", "session", text), reset_done);
    }
}
