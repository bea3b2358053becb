/* Questions to another node's router: its peers, nodes near an address, the next hop. */
#include <rpc/methods_private.h>

#include <string.h>

#include <switch/label.h>

struct query {
    enum cjd_dht_ask_kind kind;
    struct cjd_dht_contact to;
};

/* Labels of nodes it would go on to are wanted as this node writes them; those of its peers as it
 * does itself. */
static json_t *nodes_value(const struct probe *p)
{
    const struct query *q = p->state;
    json_t *list = json_array();

    for (uint32_t i = 0; i < p->answer.count; i++) {
        struct cjd_dht_contact c = p->answer.nodes[i];
        if (q->kind != CJD_DHT_ASK_PEERS) {
            c.label = cjd_label_splice(c.label, q->to.label);
        }
        if (c.label != CJD_LABEL_INVALID) {
            json_array_append_new(list, value_contact(&c));
        }
    }
    return list;
}

static void done(struct probe *p, uint64_t now_ns)
{
    bool is_timeout = p->answer.is_timeout;
    uint64_t took = is_timeout ? now_ns - p->began_ns : p->answer.rtt_ns;
    json_t *out = json_object();

    put(out, "result", json_string(is_timeout ? "timeout" : "answer"));
    put(out, "rtt_ms", value_ms(took));
    put(out, "from", is_timeout ? json_null() : value_contact(&p->answer.from));
    put(out, "scheme", is_timeout ? json_array() : value_scheme(&p->answer.scheme));
    put(out, "nodes", nodes_value(p));
    probe_reply(p, out);
}

/* --- this node is asked itself ------------------------------------------------------------------
 */

static void add_peers(const struct cjd_methods *m, json_t *list)
{
    struct cjd_peer_info peer;

    for (uint32_t i = 0; cjd_links_peer_at(cjd_node_links(m->config.node), i, &peer); i++) {
        struct cjd_dht_contact c = {
            .addr = peer.ip6, .key = peer.key, .version = peer.version, .label = peer.label};
        if (peer.state == CJD_CA_ESTABLISHED) {
            json_array_append_new(list, value_contact(&c));
        }
    }
}

static void add_best(const struct cjd_methods *m, json_t *list, const struct cjd_addr *addr)
{
    struct cjd_dht_path path;

    if (cjd_dht_best(cjd_node_dht(m->config.node), addr, &path)) {
        json_array_append_new(list, value_contact(&path.to));
    }
}

static void answer_self(const struct cjd_methods *m, struct cjd_rpc_call *call,
                        const struct cjd_dht_ask *ask)
{
    json_t *list = json_array();
    json_t *out = json_object();

    if (ask->kind == CJD_DHT_ASK_PEERS) {
        json_array_append_new(list, value_contact(&ask->to));
        add_peers(m, list);
    } else {
        add_best(m, list, &ask->target);
    }
    put(out, "result", json_string("answer"));
    put(out, "rtt_ms", json_real(0));
    put(out, "from", value_contact(&ask->to));
    put(out, "scheme", value_scheme(cjd_scheme_358()));
    put(out, "nodes", list);
    cjd_rpc_reply(call, out);
}

static void query(struct cjd_methods *m, struct cjd_rpc_call *call, const json_t *args,
                  struct cjd_dht_ask *ask)
{
    if (!arg_target(m, call, args, "target", &ask->to)) {
        return;
    }
    if (ask->to.label == 1) {
        answer_self(m, call, ask);
        return;
    }
    struct probe *p = probe_new(m, call, sizeof(struct query));
    if (p) {
        *(struct query *)p->state = (struct query){.kind = ask->kind, .to = ask->to};
        ask->timeout_ns = arg_number(args, "timeout_ms") * CJD_MS;
        (void)probe_ask(p, ask, done);
    }
}

void m_query_peers(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_dht_ask ask = {.kind = CJD_DHT_ASK_PEERS};

    if (!arg_text(args, "from_label") || arg_label(call, args, "from_label", &ask.from_label)) {
        query(arg, call, args, &ask);
    }
}

void m_query_find_node(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_dht_ask ask = {.kind = CJD_DHT_ASK_FIND};

    if (arg_addr(call, args, "address", &ask.target)) {
        query(arg, call, args, &ask);
    }
}

void m_query_next_hop(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_dht_ask ask = {.kind = CJD_DHT_ASK_NEXT};

    if (arg_addr(call, args, "address", &ask.target)) {
        query(arg, call, args, &ask);
    }
}
