/* Interfaces, neighbours, who was refused, who may connect. */
#include <rpc/methods_private.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_EVERY (4 * CJD_S)

/* --- rates --------------------------------------------------------------------------------------
 */

static struct rate *rate_of(struct cjd_methods *m, uint32_t peer)
{
    for (unsigned i = 0; i < RATED_PEERS; i++) {
        if (m->rates[i].peer == peer) {
            return &m->rates[i];
        }
    }
    return NULL;
}

/* Half of the old rate and half of what was measured. */
static uint64_t smooth(uint64_t old, uint64_t bytes, uint64_t took_ns)
{
    uint64_t bps = took_ns > 0 ? (uint64_t)((double)bytes * 8e9 / (double)took_ns) : 0;

    return (old + bps) / 2;
}

void peers_rate(void *arg, uint64_t now_ns)
{
    struct cjd_methods *m = arg;
    struct rate fresh[RATED_PEERS] = {0};
    struct cjd_peer_info p;
    uint64_t took = now_ns - m->rated_ns;

    for (uint32_t i = 0;
         i < RATED_PEERS && cjd_links_peer_at(cjd_node_links(m->config.node), i, &p); i++) {
        const struct rate *old = rate_of(m, p.peer);
        fresh[i] = (struct rate){.peer = p.peer, .rx_bytes = p.rx_bytes, .tx_bytes = p.tx_bytes};
        if (old && p.rx_bytes >= old->rx_bytes && p.tx_bytes >= old->tx_bytes) {
            fresh[i].rx_bps = smooth(old->rx_bps, p.rx_bytes - old->rx_bytes, took);
            fresh[i].tx_bps = smooth(old->tx_bps, p.tx_bytes - old->tx_bytes, took);
        }
    }
    memcpy(m->rates, fresh, sizeof fresh);
    m->rated_ns = now_ns;
    cjd_timer_arm(cjd_runtime_timers(m->config.rt), &m->rate_timer, now_ns + RATE_EVERY);
}

/* --- values -------------------------------------------------------------------------------------
 */

static const char *link_name(const struct cjd_methods *m, uint32_t link)
{
    struct cjd_link_info info;

    for (uint32_t i = 0; cjd_links_link_at(cjd_node_links(m->config.node), i, &info); i++) {
        if (info.link == link) {
            return info.name;
        }
    }
    return "";
}

static json_t *link_addr(const struct cjd_methods *m, uint32_t link,
                         const struct cjd_linkaddr *addr)
{
    char text[160];

    if (addr->len == 0 || cjd_runtime_addr_text(m->config.rt, link, addr, text, sizeof text) < 0) {
        return json_null();
    }
    return value_text(text);
}

static void put_traffic(struct cjd_methods *m, json_t *out, const struct cjd_peer_info *p)
{
    const struct rate *r = rate_of(m, p->peer);

    put(out, "rx_bytes", value_count(p->rx_bytes));
    put(out, "tx_bytes", value_count(p->tx_bytes));
    put(out, "rx_bps", value_count(r ? r->rx_bps : 0));
    put(out, "tx_bps", value_count(r ? r->tx_bps : 0));
    put(out, "rx_packets", value_count(p->rx_packets));
    put(out, "lost_packets", value_count(p->lost));
    put(out, "duplicate_packets", value_count(p->duplicates));
    put(out, "out_of_range_packets", value_count(p->out_of_range));
}

json_t *peer_value(struct cjd_methods *m, const struct cjd_peer_info *p)
{
    json_t *out = json_object();
    char id[16];

    snprintf(id, sizeof id, "p-%x", (unsigned)p->peer);
    put(out, "id", json_string(id));
    put(out, "public_key", value_key(&p->key));
    put(out, "address", value_addr(&p->ip6));
    put(out, "protocol_version", value_count(p->version));
    put(out, "label", value_label(p->label));
    put(out, "interface", value_text(link_name(m, p->link)));
    put(out, "interface_number", value_count(p->link));
    put(out, "link_address", link_addr(m, p->link, &p->addr));
    put(out, "state", json_string(cjd_link_state_text(p->state)));
    put(out, "reason", json_string(cjd_link_reason_text(p->reason)));
    put(out, "since", value_time(m, p->since_ns));
    put(out, "incoming", json_boolean(p->is_incoming));
    put(out, "name", value_text_or_null(p->name));
    put(out, "login", value_text_or_null(p->login));
    put_traffic(m, out, p);
    put(out, "rtt_ms", p->rtt_ns > 0 ? value_ms(p->rtt_ns) : json_null());
    put(out, "last_received", value_time(m, p->last_ns));
    return out;
}

/* --- interfaces, peers --------------------------------------------------------------------------
 */

static json_t *interface_value(const struct cjd_methods *m, const struct cjd_link_info *l)
{
    json_t *out = json_object();
    struct cjd_peer_info p;
    uint64_t peers = 0;
    uint64_t established = 0;

    for (uint32_t i = 0; cjd_links_peer_at(cjd_node_links(m->config.node), i, &p); i++) {
        peers += p.link == l->link;
        established += p.link == l->link && p.state == CJD_CA_ESTABLISHED;
    }
    put(out, "number", value_count(l->link));
    put(out, "name", value_text(l->name));
    put(out, "mtu", value_count(l->mtu));
    put(out, "queues", value_count(l->queues));
    put(out, "peers", value_count(peers));
    put(out, "established", value_count(established));
    return out;
}

void m_interfaces_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    struct cjd_link_info l;
    struct page page;

    page_begin(&page, args);
    for (uint32_t i = 0; cjd_links_link_at(cjd_node_links(m->config.node), i, &l); i++) {
        if (page_wants(&page)) {
            json_array_append_new(page.items, interface_value(m, &l));
        }
    }
    cjd_rpc_reply(call, page_end(&page));
}

static bool is_meant(const json_t *args, const struct cjd_peer_info *p)
{
    const char *state = arg_text(args, "state");
    const char *key = arg_text(args, "key");
    struct cjd_key wanted;

    if (state && strcmp(state, cjd_link_state_text(p->state)) != 0) {
        return false;
    }
    return !key ||
           (cjd_key_from_text(&wanted, key) == 0 && memcmp(&wanted, &p->key, sizeof wanted) == 0);
}

void m_peers_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_peer_info p;
    struct page page;

    page_begin(&page, args);
    for (uint32_t i = 0; cjd_links_peer_at(cjd_node_links(m->config.node), i, &p); i++) {
        if (is_meant(args, &p) && page_wants(&page)) {
            json_array_append_new(page.items, peer_value(m, &p));
        }
    }
    cjd_rpc_reply(call, page_end(&page));
}

/* By id or key, from index *at on. */
static bool next_peer(const struct cjd_methods *m, const char *who, uint32_t *at,
                      struct cjd_peer_info *out)
{
    struct cjd_key key;
    bool is_key = cjd_key_from_text(&key, who) == 0;
    char id[16];

    while (cjd_links_peer_at(cjd_node_links(m->config.node), (*at)++, out)) {
        snprintf(id, sizeof id, "p-%x", (unsigned)out->peer);
        if (is_key ? memcmp(&key, &out->key, sizeof key) == 0 : strcmp(id, who) == 0) {
            return true;
        }
    }
    return false;
}

static void no_such_peer(struct cjd_rpc_call *call)
{
    cjd_rpc_fail_f(call, CJD_ERR_NOT_FOUND, "no_such_peer", "/peer", "there is no such peer");
}

void m_peers_get(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_peer_info p;
    uint32_t at = 0;

    if (next_peer(m, arg_text(args, "peer"), &at, &p)) {
        cjd_rpc_reply(call, peer_value(m, &p));
    } else {
        no_such_peer(call);
    }
}

void m_peers_disconnect(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_peer_info p;
    uint64_t removed = 0;
    uint32_t at = 0;

    while (next_peer(m, arg_text(args, "peer"), &at, &p)) {
        cjd_runtime_enter(m->config.rt);
        if (cjd_node_peer_del(m->config.node, p.peer, methods_now(m)) == 0) {
            removed++;
            at = 0;
        }
        cjd_runtime_leave(m->config.rt);
    }
    if (removed == 0) {
        no_such_peer(call);
    } else {
        cjd_rpc_reply(call, json_pack("{s:o}", "removed", value_count(removed)));
    }
}

void m_peers_reset(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    const char *who = arg_text(args, "peer");
    struct cjd_links *links = cjd_node_links(m->config.node);
    struct cjd_peer_info p;
    uint64_t reset = 0;
    uint32_t at = 0;

    cjd_runtime_enter(m->config.rt);
    while (who ? next_peer(m, who, &at, &p) : cjd_links_peer_at(links, at++, &p)) {
        reset += cjd_links_peer_restart(links, p.peer, methods_now(m)) == 0;
    }
    cjd_runtime_leave(m->config.rt);
    cjd_rpc_reply(call, json_pack("{s:o}", "reset", value_count(reset)));
}

/* --- refusals -----------------------------------------------------------------------------------
 */

static json_t *refusal_value(const struct cjd_methods *m, const struct cjd_refusal *r)
{
    json_t *out = json_object();
    struct cjd_addr addr;

    put(out, "public_key", value_key(&r->key));
    put(out, "address", cjd_addr_of_key_is_valid(&addr, &r->key) ? value_addr(&addr) : json_null());
    put(out, "interface", value_text(link_name(m, r->link)));
    put(out, "link_address", link_addr(m, r->link, &r->addr));
    put(out, "reason", json_string(cjd_refusal_text(r)));
    put(out, "count", value_count(r->count));
    put(out, "last", value_time(m, r->last_ns));
    return out;
}

void m_refusals_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    struct cjd_refusal r;
    struct page page;

    page_begin(&page, args);
    for (uint32_t i = 0; cjd_links_refusal_at(cjd_node_links(m->config.node), i, &r); i++) {
        if (page_wants(&page)) {
            json_array_append_new(page.items, refusal_value(m, &r));
        }
    }
    cjd_rpc_reply(call, page_end(&page));
}

/* --- passwords ----------------------------------------------------------------------------------
 */

void m_passwords_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    const struct cjd_users *users = cjd_node_users(m->config.node);
    struct page page;

    page_begin(&page, args);
    for (size_t i = 0; i < cjd_users_count(users); i++) {
        const struct cjd_user *u = cjd_users_at(users, i);
        if (page_wants(&page)) {
            json_array_append_new(
                page.items, json_pack("{s:o, s:o}", "login", value_text(u->login), "only_address",
                                      u->is_restricted ? value_addr(&u->only) : json_null()));
        }
    }
    cjd_rpc_reply(call, page_end(&page));
}

void m_passwords_add(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    struct cjd_users *users = cjd_node_users(m->config.node);
    const char *password = arg_text(args, "password");
    bool is_restricted = arg_text(args, "only_address") != NULL;
    size_t before = cjd_users_count(users);
    struct cjd_addr only;

    if (is_restricted && !arg_addr(call, args, "only_address", &only)) {
        return;
    }
    int err = cjd_users_add(users, arg_text(args, "login"), password, strlen(password),
                            is_restricted ? &only : NULL);
    if (err < 0) {
        bool exists = err == CJD_ERR_EXISTS;
        cjd_rpc_fail_f(call, err, exists ? "login_exists" : "not_added", "/login", "%s",
                       exists ? "this login has another password already" : cjd_err_text(err));
        return;
    }
    cjd_rpc_reply(call, json_pack("{s:b}", "added", cjd_users_count(users) > before));
}

void m_passwords_remove(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    const char *login = arg_text(args, "login");

    if (cjd_users_remove(cjd_node_users(m->config.node), login) < 0) {
        cjd_rpc_fail_f(call, CJD_ERR_NOT_FOUND, "no_such_login", "/login",
                       "there is no such login");
        return;
    }
    unsigned gone = cjd_runtime_drop_login(m->config.rt, login);
    cjd_rpc_reply(call, json_pack("{s:i}", "disconnected", (int)gone));
}
