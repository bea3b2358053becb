/* End-to-end sessions. */
#include <rpc/methods_private.h>

#include <stdlib.h>
#include <string.h>

json_t *session_value(struct cjd_methods *m, const struct cjd_session_info *s)
{
    json_t *out = json_object();

    put(out, "handle", value_count(s->rx_handle));
    put(out, "send_handle", value_count(s->tx_handle));
    put(out, "address", value_addr(&s->addr));
    put(out, "public_key", value_key(&s->key));
    put(out, "protocol_version", value_count(s->version));
    put(out, "label", value_label_or_null(s->label));
    put(out, "state", json_string(cjd_link_state_text((int)s->state)));
    put(out, "paths", value_count(s->paths));
    put(out, "waiting_packets", value_count(s->waiting));
    put(out, "rx_bytes", value_count(s->rx_bytes));
    put(out, "tx_bytes", value_count(s->tx_bytes));
    put(out, "lost_packets", value_count(s->lost));
    put(out, "duplicate_packets", value_count(s->duplicates));
    put(out, "out_of_range_packets", value_count(s->out_of_range));
    put(out, "last_received", value_time(m, s->last_rx_ns));
    put(out, "last_sent", value_time(m, s->last_tx_ns));
    return out;
}

void m_sessions_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_session_info s;
    struct cjd_addr addr;
    struct page page;
    bool has_addr = arg_text(args, "address") != NULL;

    if (has_addr && !arg_addr(call, args, "address", &addr)) {
        return;
    }
    page_begin(&page, args);
    for (uint32_t i = 0; cjd_sessions_at(cjd_node_sessions(m->config.node), i, &s); i++) {
        bool is_meant = !has_addr || memcmp(&addr, &s.addr, sizeof addr) == 0;
        if (is_meant && page_wants(&page)) {
            json_array_append_new(page.items, session_value(m, &s));
        }
    }
    cjd_rpc_reply(call, page_end(&page));
}

/* By handle or address. False: answered with an error. */
static bool find(const struct cjd_methods *m, struct cjd_rpc_call *call, const json_t *args,
                 struct cjd_session_info *out)
{
    const char *who = arg_text(args, "session");
    struct cjd_addr addr;
    bool is_addr = cjd_addr_from_text(&addr, who) == 0;
    char *end;
    unsigned long handle = strtoul(who, &end, 10);

    for (uint32_t i = 0; cjd_sessions_at(cjd_node_sessions(m->config.node), i, out); i++) {
        if (is_addr ? memcmp(&addr, &out->addr, sizeof addr) == 0
                    : *end == '\0' && out->rx_handle == handle) {
            return true;
        }
    }
    cjd_rpc_fail_f(call, CJD_ERR_NOT_FOUND, "no_such_session", "/session",
                   "there is no such session");
    return false;
}

void m_sessions_get(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_session_info s;

    if (find(m, call, args, &s)) {
        cjd_rpc_reply(call, session_value(m, &s));
    }
}

void m_sessions_reset(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_session_info s;

    if (find(m, call, args, &s)) {
        bool was_reset = cjd_sessions_reset(cjd_node_sessions(m->config.node), &s.addr) == 0;
        cjd_rpc_reply(call, json_pack("{s:b}", "done", was_reset));
    }
}
