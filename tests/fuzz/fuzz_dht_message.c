/*
 * Router messages: any bytes. What the codec accepts is within its bounds and survives being
 * written and read again; and a router that gets it, as a query or as a reply, stays whole.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <dht/dht.h>
#include <dht/message.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_codec(const struct cjd_message *m)
{
    struct cjd_message again;
    uint8_t bytes[2048];

    require(m->txid_len > 0 && m->txid_len <= CJD_MESSAGE_TXID_MAX);
    require(m->node_count <= CJD_MESSAGE_NODES_MAX);
    require(m->form >= 0 && m->form < m->scheme.count);
    int len = cjd_message_encode(m, bytes, sizeof bytes);
    if (len < 0) {
        require(m->method == CJD_METHOD_UNKNOWN || len == CJD_ERR_TOO_LONG);
        return;
    }
    require(cjd_message_decode(&again, bytes, (size_t)len) == CJD_MESSAGE_OK);
    require(again.method == m->method && again.version == m->version && again.form == m->form);
    require(cjd_scheme_equal(&again.scheme, &m->scheme));
    require(again.txid_len == m->txid_len && memcmp(again.txid, m->txid, m->txid_len) == 0);
    require(again.node_count == m->node_count);
    require(memcmp(again.nodes, m->nodes, sizeof again.nodes) == 0);
}

/* --- a router ----------------------------------------------------------------------------------
 */

/* Reproducible, and the same for every input. */
static void fill(void *ctx, void *buf, size_t n)
{
    (void)ctx;
    memset(buf, 0x5a, n);
}

static void on_send(void *ctx, const struct cjd_dht_contact *to, const uint8_t *message, size_t len,
                    uint64_t now_ns)
{
    (void)ctx;
    (void)now_ns;
    require(to->label > 1 && len > 0 && len <= CJD_DHT_MESSAGE_MAX && message[0] == 'd');
}

static void on_path(void *ctx, const struct cjd_dht_path *path, uint64_t now_ns)
{
    (void)ctx;
    (void)now_ns;
    require(path->to.label > 1);
}

static void on_dead(void *ctx, const struct cjd_addr *addr, uint64_t label, uint64_t now_ns)
{
    (void)ctx;
    (void)addr;
    (void)now_ns;
    require(label > 1);
}

static void on_done(void *ctx, const struct cjd_addr *addr, bool was_found, uint64_t now_ns)
{
    (void)ctx;
    (void)addr;
    (void)was_found;
    (void)now_ns;
}

static bool addr_of_key(struct cjd_addr *out, const struct cjd_key *key)
{
    memcpy(out->b, key->b, sizeof out->b);
    return key->b[0] == 0xfc;
}

/* A router with one peer, that was asked something with the txid "00", 0001, 0000, 8 × 5a. */
static void check_router(const uint8_t *data, size_t size)
{
    struct cjd_timers timers = {0};
    struct cjd_drops drops = {.count = {0}};
    struct cjd_dht_contact peer = {.addr = {{0xfc, 1}}, .key = {{0xfc, 1}}, .version = 21};
    struct cjd_dht_config config = {
        .key = {{0xfc, 2}},
        .addr = {{0xfc, 2}},
        .version = 21,
        .scheme = cjd_scheme_358(),
        .rng = {.fill = fill},
        .timers = &timers,
        .drops = &drops,
        .addr_of_key = addr_of_key,
        .ops = {.send = on_send, .path = on_path, .path_dead = on_dead, .search_done = on_done},
        .limits = {.nodes = 16, .links = 32, .searches = 2, .queries = 16}};
    struct cjd_dht *dht;

    peer.label = 0x13;
    require(cjd_dht_new(&dht, &config, CJD_S) == 0);
    cjd_dht_peer_up(dht, &peer, 0, CJD_S);
    cjd_dht_message(dht, &peer, data, size, CJD_S);
    (void)cjd_timers_run(&timers, 3 * CJD_S, 100);
    cjd_dht_message(dht, &peer, data, size, 3 * CJD_S);
    peer.label = 0x153;
    peer.addr.b[1] = peer.key.b[1] = 3;
    cjd_dht_message(dht, &peer, data, size, 3 * CJD_S);
    cjd_dht_free(dht);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cjd_message m;

    if (cjd_message_decode(&m, data, size) == CJD_MESSAGE_OK) {
        check_codec(&m);
    }
    check_router(data, size);
    return 0;
}
