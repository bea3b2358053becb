/* Pings: of the switch at the end of a label, of a router, of a node as a user would reach it; and
 * the switches along a path one after the other. */
#include <rpc/methods_private.h>

#include <string.h>

#define POLL_EVERY (20 * CJD_MS)
#define HOPS_MAX   32u

static uint64_t timeout_of(const json_t *args)
{
    return arg_number(args, "timeout_ms") * CJD_MS;
}

/* --- switch -------------------------------------------------------------------------------------
 */

static const char *end_word(const struct cjd_node_pong *pong)
{
    switch (pong->end) {
    case CJD_NODE_PONG:
        return "pong";
    case CJD_NODE_PING_TIMEOUT:
        return "timeout";
    case CJD_NODE_PING_LABEL:
        return "wrong_label";
    case CJD_NODE_PING_DATA_DIFFERS:
        return "wrong_data";
    case CJD_NODE_PING_ERROR:
        break;
    }
    return "switch_error";
}

static void put_pong(json_t *out, const struct cjd_node_pong *pong)
{
    put(out, "result", json_string(end_word(pong)));
    put(out, "rtt_ms", value_ms(pong->rtt_ns));
    put(out, "protocol_version", value_count(pong->version));
    put(out, "public_key", pong->has_key ? value_key(&pong->key) : json_null());
}

static void switch_done(struct probe *p, uint64_t now_ns)
{
    json_t *out = json_object();
    char hex[2 * CJD_NODE_PING_DATA + 1];

    (void)now_ns;
    cjd_hex_encode(hex, p->pong.data, p->pong.data_len);
    put_pong(out, &p->pong);
    put(out, "target", value_label(*(uint64_t *)p->state));
    put(out, "label", value_label(p->pong.label));
    put(out, "data_hex", json_string(hex));
    probe_reply(p, out);
}

void m_ping_switch(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_node_ping ping = {.wants_key = arg_flag(args, "key"),
                                 .timeout_ns = timeout_of(args)};
    const char *hex = arg_text(args, "data_hex");

    if (!arg_label(call, args, "target", &ping.label)) {
        return;
    }
    int len = cjd_hex_decode(ping.data, sizeof ping.data, hex, strlen(hex));
    if (len < 0) {
        cjd_rpc_fail_f(call, CJD_ERR_INVALID, "invalid_argument", "/data_hex",
                       "bytes are written as hex digits, two each, at most %u",
                       (unsigned)sizeof ping.data);
        return;
    }
    ping.data_len = (uint32_t)len;
    struct probe *p = probe_new(arg, call, sizeof ping.label);
    if (p) {
        memcpy(p->state, &ping.label, sizeof ping.label);
        (void)probe_ping(p, &ping, switch_done);
    }
}

/* --- router -------------------------------------------------------------------------------------
 */

static void put_answer(json_t *out, const struct probe *p)
{
    bool is_timeout = p->answer.is_timeout;

    put(out, "result", json_string(is_timeout ? "timeout" : "pong"));
    put(out, "from", is_timeout ? json_null() : value_contact(&p->answer.from));
}

static void node_done(struct probe *p, uint64_t now_ns)
{
    json_t *out = json_object();

    put_answer(out, p);
    put(out, "rtt_ms", value_ms(p->answer.is_timeout ? now_ns - p->began_ns : p->answer.rtt_ns));
    probe_reply(p, out);
}

static void self_pong(struct cjd_methods *m, struct cjd_rpc_call *call,
                      const struct cjd_dht_contact *self)
{
    (void)m;
    cjd_rpc_reply(call, json_pack("{s:s, s:f, s:o}", "result", "pong", "rtt_ms", 0.0, "from",
                                  value_contact(self)));
}

void m_ping_node(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_dht_ask ask = {.kind = CJD_DHT_ASK_PING, .timeout_ns = timeout_of(args)};

    if (!arg_target(arg, call, args, "target", &ask.to)) {
        return;
    }
    if (ask.to.label == 1) {
        self_pong(arg, call, &ask.to);
        return;
    }
    struct probe *p = probe_new(arg, call, 0);
    if (p) {
        (void)probe_ask(p, &ask, node_done);
    }
}

/* --- session ------------------------------------------------------------------------------------
 */

struct session_ping {
    struct cjd_addr addr;
    uint64_t until_ns;
    uint64_t found_ns;
    bool was_searched;
};

static void session_end(struct probe *p, const char *result, uint64_t now_ns)
{
    const struct session_ping *s = p->state;
    uint64_t found = s->found_ns > 0 ? s->found_ns : now_ns;
    json_t *out = json_object();

    put_answer(out, p);
    put(out, "result", json_string(result));
    put(out, "route_ms", value_ms(found - p->began_ns));
    put(out, "rtt_ms", value_ms(now_ns - found));
    probe_reply(p, out);
}

static void session_pinged(struct probe *p, uint64_t now_ns)
{
    session_end(p, p->answer.is_timeout ? "timeout" : "pong", now_ns);
}

static void session_seek(struct probe *p, uint64_t now_ns)
{
    struct session_ping *s = p->state;
    struct cjd_dht *dht = cjd_node_dht(p->m->config.node);
    struct cjd_dht_explanation e;
    struct cjd_dht_path path;

    if (cjd_dht_best(dht, &s->addr, &path)) {
        s->found_ns = now_ns;
        struct cjd_dht_ask ask = {.to = path.to,
                                  .kind = CJD_DHT_ASK_PING,
                                  .timeout_ns = s->until_ns > now_ns ? s->until_ns - now_ns : 1};
        (void)probe_ask(p, &ask, session_pinged);
        return;
    }
    cjd_dht_explain(dht, &s->addr, now_ns, &e);
    s->was_searched = s->was_searched || e.is_searched;
    p->answer.is_timeout = true;
    if (now_ns >= s->until_ns) {
        session_end(p, "timeout", now_ns);
    } else if (!e.is_searched && (s->was_searched || e.failed_until_ns > now_ns)) {
        session_end(p, "not_found", now_ns);
    } else {
        probe_wait(p, POLL_EVERY, session_seek);
    }
}

void m_ping_session(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_addr addr;

    if (!arg_addr(call, args, "address", &addr)) {
        return;
    }
    struct probe *p = probe_new(m, call, sizeof(struct session_ping));
    if (!p) {
        return;
    }
    struct session_ping *s = p->state;
    s->addr = addr;
    s->until_ns = p->began_ns + timeout_of(args);
    cjd_runtime_enter(m->config.rt);
    cjd_dht_want(cjd_node_dht(m->config.node), &addr, p->began_ns);
    cjd_runtime_leave(m->config.rt);
    session_seek(p, p->began_ns);
}

/* --- along a path -------------------------------------------------------------------------------
 */

struct trace {
    struct cjd_addr addr;
    uint64_t timeout_ns;
    struct cjd_dht_hop_info hops[HOPS_MAX];
    uint32_t count;
    uint32_t at;
    json_t *list;
};

static void trace_next(struct probe *p);

static json_t *trace_hop(const struct trace *t, const struct cjd_node_pong *pong)
{
    json_t *out = json_object();

    put_pong(out, pong);
    put(out, "hop", value_count(t->at + 1));
    put(out, "label", value_label(t->hops[t->at].path));
    put(out, "address", value_addr(&t->hops[t->at].addr));
    return out;
}

static void trace_pong(struct probe *p, uint64_t now_ns)
{
    struct trace *t = p->state;
    json_t *hop = trace_hop(t, &p->pong);

    (void)now_ns;
    json_array_append(t->list, hop);
    cjd_rpc_item(p->call, hop);
    t->at++;
    trace_next(p);
}

static void trace_end(struct probe *p)
{
    struct trace *t = p->state;
    bool is_reached = t->at == t->count && p->pong.end == CJD_NODE_PONG;
    json_t *out = json_pack("{s:o, s:s, s:O}", "address", value_addr(&t->addr), "result",
                            is_reached ? "reached" : "stopped", "hops", t->list);

    probe_reply(p, out);
}

static void trace_next(struct probe *p)
{
    const struct trace *t = p->state;

    if (t->at == t->count) {
        trace_end(p);
        return;
    }
    struct cjd_node_ping ping = {
        .label = t->hops[t->at].path, .wants_key = true, .timeout_ns = t->timeout_ns};
    (void)probe_ping(p, &ping, trace_pong);
}

static void trace_fini(void *state)
{
    json_decref(((struct trace *)state)->list);
}

void m_traceroute(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_addr addr;

    if (!arg_addr(call, args, "address", &addr)) {
        return;
    }
    struct probe *p = probe_new(m, call, sizeof(struct trace));
    if (!p) {
        return;
    }
    struct trace *t = p->state;
    p->fini = trace_fini;
    t->addr = addr;
    t->timeout_ns = timeout_of(args);
    t->list = json_array();
    t->count = cjd_dht_route(cjd_node_dht(m->config.node), &addr, t->hops, HOPS_MAX);
    t->count = t->count < HOPS_MAX ? t->count : HOPS_MAX;
    if (t->count == 0) {
        probe_free(p);
        cjd_rpc_fail_f(call, CJD_ERR_NOT_FOUND, "no_route", "/address",
                       "no path to that node is known: \"ping.session\" searches one");
        return;
    }
    trace_next(p);
}
