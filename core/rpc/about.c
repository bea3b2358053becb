/* The node as a whole: who it is, numbers, what was dropped, and what can be called. */
#include <rpc/methods_private.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cjd/text.h>
#include <cjd/version.h>
#include <crypto/sign.h>

void m_methods_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;

    (void)args;
    cjd_rpc_reply(call, cjd_rpc_describe_methods(m->config.rpc));
}

void m_events_types(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;

    (void)args;
    cjd_rpc_reply(call, cjd_rpc_describe_events(m->config.rpc));
}

/* Resident memory; 0 where the kernel does not show it. */
static uint64_t memory_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;

    if (file) {
        if (fscanf(file, "%*s %llu", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void put_tables(const struct cjd_methods *m, json_t *out)
{
    struct cjd_dht_stats dht;
    struct cjd_peer_info peer;
    uint64_t peers = 0;
    uint64_t established = 0;

    for (uint32_t i = 0; cjd_links_peer_at(cjd_node_links(m->config.node), i, &peer); i++) {
        peers++;
        established += peer.state == CJD_CA_ESTABLISHED;
    }
    cjd_dht_stats(cjd_node_dht(m->config.node), &dht);
    put(out, "peers", value_count(peers));
    put(out, "peers_established", value_count(established));
    put(out, "sessions", value_count(cjd_sessions_count(cjd_node_sessions(m->config.node))));
    put(out, "nodes", value_count(dht.nodes));
    put(out, "links", value_count(dht.links));
}

static void put_scheme(json_t *out)
{
    uint8_t bytes[CJD_SCHEME_BYTES_MAX];
    char hex[2 * CJD_SCHEME_BYTES_MAX + 1];
    int len = cjd_scheme_serialise(cjd_scheme_358(), bytes, sizeof bytes);

    cjd_hex_encode(hex, bytes, len > 0 ? (size_t)len : 0);
    put(out, "scheme", value_scheme(cjd_scheme_358()));
    put(out, "scheme_hex", json_string(hex));
}

void m_node_info(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    const struct cjd_keypair *self = cjd_node_self(m->config.node);
    json_t *out = json_object();

    (void)args;
    put(out, "public_key", value_key(&self->key));
    put(out, "address", value_addr(&self->addr));
    put(out, "version", json_string(CJD_VERSION));
    put(out, "protocol_version", value_count(CJD_PROTOCOL));
    put(out, "minimum_protocol_version", value_count(CJD_PROTOCOL_MIN));
    put(out, "pid", json_integer(getpid()));
    put(out, "uptime_ms", value_count((methods_now(m) - m->started_ns) / CJD_MS));
    put(out, "memory_bytes", value_count(memory_bytes()));
    put(out, "boot_id", json_string(cjd_rpc_boot_id(m->config.rpc)));
    put(out, "time", value_wall(m->config.wall_ms()));
    put_scheme(out);
    put_tables(m, out);
    cjd_rpc_reply(call, out);
}

#define MESSAGE_MAX 512u

void m_node_sign(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    const char *hex = arg_text(args, "message_hex");
    uint8_t message[MESSAGE_MAX];
    struct cjd_signature s;
    char key[64];
    char signature[128];
    char text[200];

    int len = cjd_hex_decode(message, sizeof message, hex, strlen(hex));
    if (len < 0) {
        cjd_rpc_fail_f(call, CJD_ERR_INVALID, "invalid_argument", "/message_hex",
                       "bytes are written as hex digits, two each");
        return;
    }
    int err = cjd_sign(&s, cjd_node_self(m->config.node), &m->config.rng, message, (size_t)len);
    if (err < 0 || cjd_base32_encode(key, sizeof key, s.key, sizeof s.key) < 0 ||
        cjd_base32_encode(signature, sizeof signature, s.bytes, sizeof s.bytes) < 0) {
        cjd_rpc_fail_f(call, CJD_ERR_CRYPTO, "not_signed", "", "the key of this node cannot sign");
        return;
    }
    snprintf(text, sizeof text, "%s_%s", key, signature);
    cjd_rpc_reply(call, json_pack("{s:s}", "signature", text));
}

/* --- numbers ------------------------------------------------------------------------------------
 */

static json_t *traffic(const struct cjd_methods *m)
{
    struct cjd_peer_info peer;
    uint64_t rx = 0;
    uint64_t tx = 0;
    uint64_t packets = 0;

    for (uint32_t i = 0; cjd_links_peer_at(cjd_node_links(m->config.node), i, &peer); i++) {
        rx += peer.rx_bytes;
        tx += peer.tx_bytes;
        packets += peer.rx_packets;
    }
    return json_pack("{s:o, s:o, s:o}", "rx_bytes", value_count(rx), "tx_bytes", value_count(tx),
                     "rx_packets", value_count(packets));
}

static json_t *crypto_failures(const struct cjd_drops *drops)
{
    static const char *const where[] = {"link", "session"};
    json_t *out = json_array();

    for (unsigned w = 0; w < 2; w++) {
        for (unsigned i = 0; i < CJD_DROP_CRYPTO_RESULTS; i++) {
            if (drops->crypto[w][i] > 0) {
                json_array_append_new(out, json_pack("{s:s, s:s, s:o}", "where", where[w], "reason",
                                                     cjd_ca_result_text((enum cjd_ca_result)i),
                                                     "packets", value_count(drops->crypto[w][i])));
            }
        }
    }
    return out;
}

static uint64_t dropped(const struct cjd_drops *drops)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < CJD_DROP_COUNT; i++) {
        sum += drops->count[i];
    }
    return sum;
}

static json_t *queues(const struct cjd_methods *m, const struct cjd_dht_stats *dht,
                      const struct cjd_rpc_stats *rpc)
{
    struct cjd_session_info s;
    uint64_t waiting = 0;

    for (uint32_t i = 0; cjd_sessions_at(cjd_node_sessions(m->config.node), i, &s); i++) {
        waiting += s.waiting;
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "packets_in_use",
                     value_count(m->config.pool ? cjd_pool_in_use(m->config.pool) : 0),
                     "waiting_packets", value_count(waiting), "calls", value_count(rpc->under_way),
                     "searches", value_count(dht->searches_running));
}

static json_t *loop(const struct cjd_methods *m)
{
    struct cjd_runtime_stats s;

    cjd_runtime_stats(m->config.rt, &s);
    return json_pack("{s:o, s:o, s:o}", "turns", value_count(s.turns), "busy_ms",
                     value_count(s.busy_ns / CJD_MS), "longest_turn_us",
                     value_count(s.longest_turn_ns / CJD_US));
}

static json_t *router(const struct cjd_dht_stats *s)
{
    json_t *out = json_object();

    put(out, "searches_started", value_count(s->searches_started));
    put(out, "searches_found", value_count(s->searches_found));
    put(out, "queries_sent", value_count(s->queries_sent));
    put(out, "replies_received", value_count(s->replies_received));
    put(out, "queries_answered", value_count(s->queries_answered));
    put(out, "timeouts", value_count(s->timeouts));
    return out;
}

static json_t *calls(const struct cjd_rpc_stats *s)
{
    json_t *out = json_object();

    put(out, "calls", value_count(s->calls));
    put(out, "failed", value_count(s->failed));
    put(out, "refused", value_count(s->refused));
    put(out, "timeouts", value_count(s->timeouts));
    put(out, "cancelled", value_count(s->cancelled));
    put(out, "subscriptions", value_count(s->subscriptions));
    put(out, "events", value_count(s->events));
    put(out, "log_lines", value_count(s->lines));
    put(out, "missed", value_count(s->missed));
    return out;
}

void m_node_counters(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    const struct cjd_drops *drops = cjd_node_drops(m->config.node);
    json_t *out = json_object();
    struct cjd_dht_stats dht;
    struct cjd_rpc_stats rpc;

    (void)args;
    cjd_dht_stats(cjd_node_dht(m->config.node), &dht);
    cjd_rpc_stats(m->config.rpc, &rpc);
    put(out, "traffic", traffic(m));
    put(out, "dropped_packets", value_count(dropped(drops)));
    put(out, "crypto_failures", crypto_failures(drops));
    put(out, "queues", queues(m, &dht, &rpc));
    put(out, "loop", loop(m));
    put(out, "router", router(&dht));
    put(out, "rpc", calls(&rpc));
    cjd_rpc_reply(call, out);
}

/* "LINK_RUNT" → "link_runt". */
static const char *drop_word(enum cjd_drop reason, char out[32])
{
    static const char *const names[] = {
#define NAME(name, text) #name,
        CJD_DROP_LIST(NAME)
#undef NAME
    };
    size_t i = 0;

    for (; i < 31 && names[reason][i] != '\0'; i++) {
        char c = names[reason][i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[i] = '\0';
    return out;
}

void m_drops_list(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    const struct cjd_methods *m = arg;
    const struct cjd_drops *drops = cjd_node_drops(m->config.node);
    json_t *items = json_array();
    char word[32];

    for (unsigned i = 0; i < CJD_DROP_COUNT; i++) {
        if (drops->count[i] > 0 || arg_flag(args, "all")) {
            enum cjd_drop reason = (enum cjd_drop)i;
            json_array_append_new(
                items, json_pack("{s:s, s:s, s:o}", "reason", drop_word(reason, word), "text",
                                 cjd_drop_text(reason), "packets", value_count(drops->count[i])));
        }
    }
    cjd_rpc_reply(call,
                  json_pack("{s:o, s:o}", "items", items, "total", value_count(dropped(drops))));
}
