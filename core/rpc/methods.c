#include <rpc/methods_private.h>

#include <stdlib.h>

extern const char cjd_rpc_methods_text[];

static const struct cjd_rpc_binding bindings[] = {
    {"methods.list", m_methods_list, NULL},
    {"events.types", m_events_types, NULL},
    {"node.info", m_node_info, NULL},
    {"node.counters", m_node_counters, NULL},
    {"node.sign", m_node_sign, NULL},
    {"drops.list", m_drops_list, NULL},
    {"interfaces.list", m_interfaces_list, NULL},
    {"peers.list", m_peers_list, NULL},
    {"peers.get", m_peers_get, NULL},
    {"peers.disconnect", m_peers_disconnect, NULL},
    {"peers.reset", m_peers_reset, NULL},
    {"refusals.list", m_refusals_list, NULL},
    {"passwords.list", m_passwords_list, NULL},
    {"passwords.add", m_passwords_add, NULL},
    {"passwords.remove", m_passwords_remove, NULL},
    {"sessions.list", m_sessions_list, NULL},
    {"sessions.get", m_sessions_get, NULL},
    {"sessions.reset", m_sessions_reset, NULL},
    {"nodes.list", m_nodes_list, NULL},
    {"nodes.get", m_nodes_get, NULL},
    {"links.list", m_links_list, NULL},
    {"routes.get", m_routes_get, NULL},
    {"routes.explain", m_routes_explain, NULL},
    {"routes.splice", m_routes_splice, NULL},
    {"searches.list", m_searches_list, NULL},
    {"ping.switch", m_ping_switch, probe_cancel},
    {"ping.node", m_ping_node, probe_cancel},
    {"ping.session", m_ping_session, probe_cancel},
    {"query.peers", m_query_peers, probe_cancel},
    {"query.find_node", m_query_find_node, probe_cancel},
    {"query.next_hop", m_query_next_hop, probe_cancel},
    {"traceroute", m_traceroute, probe_cancel},
    {"search", m_search, probe_cancel},
};

int cjd_methods_new(struct cjd_methods **out, const struct cjd_methods_config *config)
{
    struct cjd_methods *m = calloc(1, sizeof *m);

    *out = NULL;
    if (!m) {
        return CJD_ERR_NO_MEMORY;
    }
    m->config = *config;
    m->started_ns = methods_now(m);
    cjd_timer_init(&m->rate_timer, peers_rate, m);
    peers_rate(m, m->started_ns);
    int err = cjd_rpc_document_new(&m->doc, config->rpc, cjd_rpc_methods_text, bindings,
                                   sizeof bindings / sizeof bindings[0], m);
    if (err == 0) {
        err = watch_new(m);
    }
    if (err < 0) {
        cjd_methods_free(m);
        return err;
    }
    *out = m;
    return 0;
}

void cjd_methods_free(struct cjd_methods *m)
{
    if (!m) {
        return;
    }
    cjd_rpc_document_free(m->doc);
    watch_free(m);
    cjd_timer_cancel(cjd_runtime_timers(m->config.rt), &m->rate_timer);
    free(m);
}
