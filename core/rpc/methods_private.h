/*
 * What the files of the node's methods share: methods.c life and table; about.c node, counters,
 * drops; peers.c, sessions.c, router.c views; probe.c questions under way; ping.c, query.c,
 * trace.c, search.c what is asked; watch.c events; value.c JSON values.
 */
#ifndef CJD_RPC_METHODS_PRIVATE_H
#define CJD_RPC_METHODS_PRIVATE_H

#include <rpc/document.h>
#include <cjd/text.h>
#include <cjd/version.h>
#include <rpc/methods.h>

#define RATED_PEERS 320u

struct rate {
    uint32_t peer; /* 0: free */
    uint64_t rx_bytes;
    uint64_t tx_bytes;
    uint64_t rx_bps;
    uint64_t tx_bps;
};

struct known; /* watch.c */

struct cjd_methods {
    struct cjd_methods_config config;
    struct cjd_rpc_document *doc;
    uint64_t started_ns;
    struct cjd_timer rate_timer;
    uint64_t rated_ns;
    struct rate rates[RATED_PEERS];
    struct known *known;
};

static inline uint64_t methods_now(const struct cjd_methods *m)
{
    return cjd_runtime_now(m->config.rt);
}

/* --- value.c: JSON values. Out of memory: NULL, and the member is left out. --------------------
 */

json_t *value_addr(const struct cjd_addr *addr);
json_t *value_key(const struct cjd_key *key);
json_t *value_label(uint64_t label);
/* Null where there is none. */
json_t *value_label_or_null(uint64_t label);
json_t *value_text(const char *text);
json_t *value_text_or_null(const char *text);
/* A time of the monotonic clock as RFC 3339; 0: null. */
json_t *value_time(const struct cjd_methods *m, uint64_t at_ns);
json_t *value_wall(uint64_t wall_ms);
json_t *value_ms(uint64_t ns);
json_t *value_count(uint64_t n);
json_t *value_scheme(const struct cjd_scheme *scheme);
json_t *value_contact(const struct cjd_dht_contact *contact);
static inline void put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* One page of a list: arguments `limit` and `after` (a place, in decimal). */
struct page {
    json_t *items;
    uint64_t from;
    uint64_t limit;
    uint64_t seen;
};
void page_begin(struct page *p, const json_t *args);
/* Counts an item; true: it is on the page, and the caller appends it. */
bool page_wants(struct page *p);
json_t *page_end(struct page *p);

/* --- arguments ---------------------------------------------------------------------------------
 */

const char *arg_text(const json_t *args, const char *name);
uint64_t arg_number(const json_t *args, const char *name);
bool arg_flag(const json_t *args, const char *name);
/* False: the call was answered with an error. */
bool arg_addr(struct cjd_rpc_call *call, const json_t *args, const char *name,
              struct cjd_addr *out);
bool arg_label(struct cjd_rpc_call *call, const json_t *args, const char *name, uint64_t *out);
/* An address or a public key. */
bool arg_who(struct cjd_rpc_call *call, const json_t *args, const char *name, struct cjd_addr *out);
/* Somebody to be asked: label or address of a node that is known, key, or all three. */
bool arg_target(struct cjd_methods *m, struct cjd_rpc_call *call, const json_t *args,
                const char *name, struct cjd_dht_contact *out);

/* --- views -------------------------------------------------------------------------------------
 */

json_t *peer_value(struct cjd_methods *m, const struct cjd_peer_info *info);
json_t *session_value(struct cjd_methods *m, const struct cjd_session_info *info);
json_t *node_value(struct cjd_methods *m, const struct cjd_dht_node_info *info);
void peers_rate(void *arg, uint64_t now_ns);

/* --- probe.c -----------------------------------------------------------------------------------
 */

struct probe;
typedef void (*probe_fn)(struct probe *p, uint64_t now_ns);

/* A call that asks the network. What the node tells from inside itself is kept here, and `then`
 * runs afterwards, when the node may be called again. */
struct probe {
    struct cjd_methods *m;
    struct cjd_rpc_call *call;
    struct cjd_timer timer;
    probe_fn then;
    uint64_t began_ns;
    int ask;
    int ping;
    struct cjd_dht_answer answer;
    struct cjd_node_pong pong;
    void *state;               /* of the method; freed with the probe */
    void (*fini)(void *state); /* before that; may be NULL */
};

/* NULL: answered with an error. */
struct probe *probe_new(struct cjd_methods *m, struct cjd_rpc_call *call, size_t state_bytes);
void probe_free(struct probe *p);
/* Answers and ends. */
void probe_reply(struct probe *p, json_t *result);
/* Each goes on with `then`; what cannot be sent is answered with an error. False: it was. */
bool probe_ask(struct probe *p, const struct cjd_dht_ask *ask, probe_fn then);
bool probe_ping(struct probe *p, const struct cjd_node_ping *ping, probe_fn then);
/* The same, but an error is returned. */
CJD_MUST_CHECK int probe_try(struct probe *p, const struct cjd_dht_ask *ask, probe_fn then);
/* Answers with what such an error means, and ends. */
void probe_fail(struct probe *p, int err);
void probe_wait(struct probe *p, uint64_t delay_ns, probe_fn then);
/* cancel of all methods that are answered later. */
void probe_cancel(void *arg, struct cjd_rpc_call *call);

/* --- watch.c -----------------------------------------------------------------------------------
 */

CJD_MUST_CHECK int watch_new(struct cjd_methods *m);
void watch_free(struct cjd_methods *m);

/* --- methods -----------------------------------------------------------------------------------
 */

#define METHOD(name) void name(void *arg, struct cjd_rpc_call *call, const json_t *args)
METHOD(m_methods_list);
METHOD(m_events_types);
METHOD(m_node_info);
METHOD(m_node_counters);
METHOD(m_node_sign);
METHOD(m_drops_list);
METHOD(m_interfaces_list);
METHOD(m_peers_list);
METHOD(m_peers_get);
METHOD(m_peers_disconnect);
METHOD(m_peers_reset);
METHOD(m_refusals_list);
METHOD(m_passwords_list);
METHOD(m_passwords_add);
METHOD(m_passwords_remove);
METHOD(m_sessions_list);
METHOD(m_sessions_get);
METHOD(m_sessions_reset);
METHOD(m_nodes_list);
METHOD(m_nodes_get);
METHOD(m_links_list);
METHOD(m_routes_get);
METHOD(m_routes_explain);
METHOD(m_routes_splice);
METHOD(m_searches_list);
METHOD(m_ping_switch);
METHOD(m_ping_node);
METHOD(m_ping_session);
METHOD(m_query_peers);
METHOD(m_query_find_node);
METHOD(m_query_next_hop);
METHOD(m_traceroute);
METHOD(m_search);

#endif
