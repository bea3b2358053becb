/*
 * Numbers for Prometheus, exposition format 0.0.4, out of what the core's methods say.
 * Configuration notes §18.6. Names follow the rules of promtool: base units, counters end in
 * _total, one HELP and TYPE for all samples of a name, which stand together. A number the core does
 * not give is left out.
 */
#include "http_server.h"

#include <stdio.h>
#include <string.h>

#define PEERS_MAX 1000u /* of one answer */

json_t *cjd_http_metrics_methods(void)
{
    return json_pack("{s:{}, s:{}, s:{}, s:{s:i}}", "node.info", "node.counters", "drops.list",
                     "peers.list", "limit", (int)PEERS_MAX);
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void head(struct evbuffer *out, const char *name, const char *type, const char *help)
{
    evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_escaped(struct evbuffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            evbuffer_add(out, "\\n", 2);
        } else {
            if (*text == '"' || *text == '\\') {
                evbuffer_add(out, "\\", 1);
            }
            evbuffer_add(out, text, 1);
        }
    }
}

struct label {
    const char *name; /* NULL ends the list */
    const char *value;
};

static void sample(struct evbuffer *out, const char *name, const struct label *labels, double value)
{
    evbuffer_add(out, name, strlen(name));
    for (const struct label *l = labels; l && l->name; l++) {
        evbuffer_add_printf(out, "%s%s=\"", l == labels ? "{" : ",", l->name);
        add_escaped(out, l->value ? l->value : "");
        evbuffer_add(out, "\"", 1);
    }
    const char *end = labels && labels->name ? "}" : "";
    if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value) {
        evbuffer_add_printf(out, "%s %.0f\n", end, value);
    } else {
        evbuffer_add_printf(out, "%s %.9g\n", end, value);
    }
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* --- single numbers -----------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    const char *type;
    const char *help;
    const char *method;
    const char *path; /* members, joined by dots */
    double scale;
} numbers[] = {
    {"cjdns_uptime_seconds", "gauge", "Time since the node was started.", "node.info", "uptime_ms",
     1e-3},
    {"cjdns_memory_bytes", "gauge", "Memory in use.", "node.info", "memory_bytes", 1},
    {"cjdns_peers_established", "gauge", "Neighbours with a link that works.", "node.info",
     "peers_established", 1},
    {"cjdns_sessions", "gauge", "End-to-end sessions.", "node.info", "sessions", 1},
    {"cjdns_routing_nodes", "gauge", "Nodes in the routing table.", "node.info", "nodes", 1},
    {"cjdns_routing_links", "gauge", "Links in the routing table.", "node.info", "links", 1},
    {"cjdns_receive_bytes_total", "counter", "Bytes received from neighbours.", "node.counters",
     "traffic.rx_bytes", 1},
    {"cjdns_transmit_bytes_total", "counter", "Bytes sent to neighbours.", "node.counters",
     "traffic.tx_bytes", 1},
    {"cjdns_receive_packets_total", "counter", "Packets received from neighbours.", "node.counters",
     "traffic.rx_packets", 1},
    {"cjdns_packets_in_use", "gauge", "Packets held in memory.", "node.counters",
     "queues.packets_in_use", 1},
    {"cjdns_waiting_packets", "gauge", "Packets that wait for a route or a session.",
     "node.counters", "queues.waiting_packets", 1},
    {"cjdns_calls_under_way", "gauge", "Calls of methods that are not answered yet.",
     "node.counters", "queues.calls", 1},
    {"cjdns_searches_under_way", "gauge", "Searches of the router under way.", "node.counters",
     "queues.searches", 1},
    {"cjdns_event_loop_turns_total", "counter", "Turns of the event loop.", "node.counters",
     "loop.turns", 1},
    {"cjdns_event_loop_busy_seconds_total", "counter", "Time the event loop worked.",
     "node.counters", "loop.busy_ms", 1e-3},
    {"cjdns_event_loop_lag_seconds", "gauge", "Longest turn of the last minute or so.",
     "node.counters", "loop.longest_turn_us", 1e-6},
    {"cjdns_router_searches_total", "counter", "Searches started.", "node.counters",
     "router.searches_started", 1},
    {"cjdns_router_searches_found_total", "counter", "Searches that found the node.",
     "node.counters", "router.searches_found", 1},
    {"cjdns_router_queries_total", "counter", "Questions sent to other nodes.", "node.counters",
     "router.queries_sent", 1},
    {"cjdns_router_replies_total", "counter", "Answers received.", "node.counters",
     "router.replies_received", 1},
    {"cjdns_router_answers_total", "counter", "Questions of others answered.", "node.counters",
     "router.queries_answered", 1},
    {"cjdns_router_timeouts_total", "counter", "Questions without an answer.", "node.counters",
     "router.timeouts", 1},
    {"cjdns_rpc_calls_total", "counter", "Calls of methods, by whatever interface.",
     "node.counters", "rpc.calls", 1},
    {"cjdns_rpc_failures_total", "counter", "Calls that ended with an error.", "node.counters",
     "rpc.failed", 1},
    {"cjdns_events_total", "counter", "Events told.", "node.counters", "rpc.events", 1},
    {"cjdns_log_lines_total", "counter", "Log lines kept.", "node.counters", "rpc.log_lines", 1},
};

static const json_t *dig(const json_t *value, const char *path)
{
    char word[32];

    while (value && *path != '\0') {
        size_t len = strcspn(path, ".");
        snprintf(word, sizeof word, "%.*s", (int)len, path);
        value = json_object_get(value, word);
        path += len + (path[len] == '.');
    }
    return value;
}

static void add_numbers(struct evbuffer *out, const json_t *values)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const json_t *value = dig(json_object_get(values, numbers[i].method), numbers[i].path);
        if (json_is_number(value)) {
            head(out, numbers[i].name, numbers[i].type, numbers[i].help);
            sample(out, numbers[i].name, NULL, json_number_value(value) * numbers[i].scale);
        }
    }
}

static void add_build(struct evbuffer *out, const json_t *node)
{
    static const char name[] = "cjdns_build_info";
    char protocol[24];

    if (!json_is_object(node)) {
        return;
    }
    snprintf(protocol, sizeof protocol, "%lld",
             (long long)json_integer_value(json_object_get(node, "protocol_version")));
    head(out, name, "gauge", "Version of the program, and of the protocol it speaks.");
    sample(out, name,
           (struct label[]){{"version", text_of(node, "version")}, {"protocol", protocol}, {0}}, 1);
}

/* --- lists --------------------------------------------------------------------------------------
 */

static void add_drops(struct evbuffer *out, const json_t *items)
{
    static const char name[] = "cjdns_dropped_packets_total";
    const json_t *item;
    size_t i;

    if (json_array_size(items) > 0) {
        head(out, name, "counter", "Packets dropped, by reason.");
    }
    json_array_foreach(items, i, item)
    {
        sample(out, name, (struct label[]){{"reason", text_of(item, "reason")}, {0}},
               json_number_value(json_object_get(item, "packets")));
    }
}

static void add_crypto(struct evbuffer *out, const json_t *items)
{
    static const char name[] = "cjdns_crypto_failures_total";
    const json_t *item;
    size_t i;

    if (json_array_size(items) > 0) {
        head(out, name, "counter", "Packets that could not be decrypted, by place and reason.");
    }
    json_array_foreach(items, i, item)
    {
        sample(out, name,
               (struct label[]){
                   {"where", text_of(item, "where")}, {"reason", text_of(item, "reason")}, {0}},
               json_number_value(json_object_get(item, "packets")));
    }
}

/* Neighbours by state. */
static void add_peer_states(struct evbuffer *out, const json_t *items)
{
    static const char name[] = "cjdns_peers";
    json_t *counts = json_object();
    const json_t *item;
    const char *state;
    json_t *count;
    size_t i;

    json_array_foreach(items, i, item)
    {
        json_int_t n = json_integer_value(json_object_get(counts, text_of(item, "state")));
        json_object_set_new(counts, text_of(item, "state"), json_integer(n + 1));
    }
    head(out, name, "gauge", "Neighbours, by state.");
    json_object_foreach(counts, state, count)
    {
        sample(out, name, (struct label[]){{"state", state}, {0}}, json_number_value(count));
    }
    json_decref(counts);
}

/* The first of several with one address at one interface: two samples of one name and labels would
 * void everything. */
static bool is_first(json_t *seen, const json_t *peer)
{
    char key[160];

    snprintf(key, sizeof key, "%.64s %.64s", text_of(peer, "address"), text_of(peer, "interface"));
    if (json_object_get(seen, key)) {
        return false;
    }
    json_object_set_new(seen, key, json_true());
    return true;
}

static void add_peer_family(struct evbuffer *out, const json_t *items, const char *name,
                            const char *type, const char *help, const char *key)
{
    json_t *seen = json_object();
    const json_t *item;
    size_t i;

    head(out, name, type, help);
    json_array_foreach(items, i, item)
    {
        const json_t *value = json_object_get(item, key);
        bool is_state = strcmp(key, "state") == 0;
        if (!is_first(seen, item) || !(is_state || json_is_number(value))) {
            continue;
        }
        sample(
            out, name,
            (struct label[]){
                {"peer", text_of(item, "address")}, {"interface", text_of(item, "interface")}, {0}},
            is_state ? strcmp(text_of(item, key), "established") == 0 : json_number_value(value));
    }
    json_decref(seen);
}

static void add_peers(struct evbuffer *out, const json_t *list, uint32_t max)
{
    static const struct {
        const char *name;
        const char *type;
        const char *help;
        const char *key;
    } rows[] = {
        {"cjdns_peer_receive_bytes_total", "counter", "Bytes received from a neighbour.",
         "rx_bytes"},
        {"cjdns_peer_transmit_bytes_total", "counter", "Bytes sent to a neighbour.", "tx_bytes"},
        {"cjdns_peer_lost_packets_total", "counter", "Packets of a neighbour that did not arrive.",
         "lost_packets"},
        {"cjdns_peer_duplicate_packets_total", "counter", "Packets that came twice.",
         "duplicate_packets"},
        {"cjdns_peer_out_of_range_packets_total", "counter", "Packets that came too late.",
         "out_of_range_packets"},
        {"cjdns_peer_up", "gauge", "1: the link to the neighbour works.", "state"},
    };
    const json_t *items = json_object_get(list, "items");
    size_t count = json_array_size(items);

    if (!json_is_array(items) || json_is_string(json_object_get(list, "next"))) {
        return; /* more than can be counted here */
    }
    add_peer_states(out, items);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && count > 0 && count <= max; i++) {
        add_peer_family(out, items, rows[i].name, rows[i].type, rows[i].help, rows[i].key);
    }
}

/* --- of this interface itself -------------------------------------------------------------------
 */

static void add_requests(struct evbuffer *out, const json_t *calls)
{
    static const char name[] = "cjdns_admin_requests_total";
    static const char *const results[] = {"ok", "error"};
    const char *method;
    json_t *entry;

    head(out, name, "counter", "Calls of methods over an interface, by method and result.");
    /* Read only; the macro wants it writable. */
    json_object_foreach((json_t *)(uintptr_t)calls, method, entry)
    {
        for (size_t i = 0; i < 2; i++) {
            sample(out, name,
                   (struct label[]){
                       {"api", "http"}, {"function", method}, {"result", results[i]}, {0}},
                   json_number_value(json_object_get(entry, results[i])));
        }
    }
}

static void add_own(struct evbuffer *out, const struct cjd_http_server *s)
{
    static const struct label api[] = {{"api", "http"}, {0}};

#define ADD_COUNTER(counter, help)                                                                 \
    head(out, "cjdns_admin_" #counter "_total", "counter", help ".");                              \
    sample(out, "cjdns_admin_" #counter "_total", api, (double)s->counters.counter);
#define ADD_GAUGE(name, value, help)                                                               \
    head(out, name, "gauge", help);                                                                \
    sample(out, name, api, value);
    CJD_HTTP_COUNTER_LIST(ADD_COUNTER)
    ADD_GAUGE("cjdns_admin_open_connections", s->conn_count, "Connections that are open.")
    ADD_GAUGE("cjdns_admin_open_streams", s->stream_count, "Streams that are open.")
#undef ADD_COUNTER
#undef ADD_GAUGE
    add_requests(out, s->calls);
}

int cjd_http_metrics(struct evbuffer *out, const json_t *values, const struct cjd_http_server *s)
{
    const json_t *counters = json_object_get(values, "node.counters");

    add_build(out, json_object_get(values, "node.info"));
    add_numbers(out, values);
    add_drops(out, json_object_get(json_object_get(values, "drops.list"), "items"));
    add_crypto(out, json_object_get(counters, "crypto_failures"));
    add_peers(out, json_object_get(values, "peers.list"), s->config->limits.metric_peers);
    add_own(out, s);
    return evbuffer_get_length(out) > 0 ? 0 : CJD_ERR_NO_MEMORY;
}
