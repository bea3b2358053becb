/* Nodes that misbehave. They run the code of all others; what they send is changed on its way. */
#include <sim/private.h>

#include <string.h>

#include <dht/message.h>
#include <switch/label.h>

static void invent_keys(struct sim *sim)
{
    struct cjd_rng rng = sim_random_rng(&sim->random);
    struct cjd_addr addr;

    for (unsigned i = 0; i < INVENTED; i++) {
        do {
            cjd_rng_fill(&rng, sim->invented[i].b, sizeof sim->invented[i].b);
        } while (!cjd_addr_of_key_is_valid(&addr, &sim->invented[i]));
    }
    sim->has_invented = true;
}

/* Looks like a route of a few hops. */
static uint64_t invented_label(struct sim *sim)
{
    unsigned bits = 8 + sim_random_below(&sim->random, 24);
    return 1ull << bits | (sim_random_u64(&sim->random) & ((1ull << bits) - 1));
}

/* Half are real nodes where they are not, half do not exist. */
static void lie(struct host *h, struct cjd_message *m)
{
    struct sim *sim = h->sim;
    uint32_t real = m->node_count;

    if (!sim->has_invented) {
        invent_keys(sim);
    }
    m->node_count = CJD_MESSAGE_NODES_MAX;
    for (uint32_t i = 0; i < m->node_count; i++) {
        struct cjd_message_node *n = &m->nodes[i];
        if (i >= real || i % 2) {
            n->key = sim->invented[sim_random_below(&sim->random, INVENTED)];
            n->version = m->version;
        }
        n->label = invented_label(sim);
    }
}

static void collude(struct host *h, struct cjd_message *m)
{
    struct sim *sim = h->sim;
    uint32_t begin = sim_random_below(&sim->random, sim->hosts);

    m->node_count = 0;
    for (uint32_t i = 0; i < sim->hosts && m->node_count < CJD_MESSAGE_NODES_MAX; i++) {
        const struct host *o = sim->host[(begin + i) % sim->hosts];
        struct cjd_dht_path path;
        if (o->evil != SIM_ECLIPSE || o == h) {
            continue;
        }
        bool is_known = cjd_dht_best(cjd_node_dht(h->node), &o->keys.addr, &path);
        m->nodes[m->node_count++] =
            (struct cjd_message_node){.key = o->keys.key,
                                      .label = is_known ? path.to.label : invented_label(sim),
                                      .version = m->version};
    }
}

void evil_message(struct host *h, struct cjd_pkt *pkt)
{
    uint8_t copy[CJD_DHT_MESSAGE_MAX];
    struct cjd_message m;
    bool lies = h->evil == SIM_LIE;

    if (h->message != SIM_KIND_REPLY || (!lies && !h->is_answering_search) ||
        pkt->len > sizeof copy) {
        return;
    }
    memcpy(copy, cjd_pkt_data(pkt), pkt->len);
    if (cjd_message_decode(&m, copy, pkt->len) != CJD_MESSAGE_OK || (lies && m.node_count == 0)) {
        return;
    }
    if (lies) {
        lie(h, &m);
    } else {
        collude(h, &m);
    }
    uint8_t changed[CJD_DHT_MESSAGE_MAX];
    int len = cjd_message_encode(&m, changed, sizeof changed);
    if (len > 0) {
        cjd_pkt_trim(pkt, 0);
        cjd_pkt_put(pkt, (uint32_t)len);
        memcpy(cjd_pkt_data(pkt), changed, (size_t)len);
    }
}

/* --- floods ----------------------------------------------------------------------------------- */

static void ask(struct cjd_node *node, uint64_t now_ns, void *arg)
{
    struct host *h = arg;
    struct cjd_dht_stats stats;
    struct cjd_dht_node_info info;
    uint8_t txid[12];
    uint8_t target[CJD_MESSAGE_ADDR_BYTES];
    struct cjd_rng rng = sim_random_rng(&h->random);

    cjd_dht_stats(cjd_node_dht(node), &stats);
    if (stats.nodes < 2 ||
        !cjd_dht_node_at(cjd_node_dht(node), sim_random_below(&h->random, stats.nodes), &info) ||
        !info.is_reachable) {
        return;
    }
    cjd_rng_fill(&rng, txid, sizeof txid);
    cjd_rng_fill(&rng, target, sizeof target);
    struct cjd_message m = {.method = CJD_METHOD_FN,
                            .txid = txid,
                            .txid_len = sizeof txid,
                            .version = info.path.to.version,
                            .scheme = *cjd_scheme_358(),
                            .form = cjd_scheme_form_of(cjd_scheme_358(), info.path.to.label),
                            .target = target,
                            .target_len = sizeof target};
    struct cjd_pkt *pkt = cjd_pool_take(h->sim->pool, CJD_DHT_MESSAGE_MAX);
    cjd_pkt_put(pkt, CJD_DHT_MESSAGE_MAX);
    int len = cjd_message_encode(&m, cjd_pkt_data(pkt), CJD_DHT_MESSAGE_MAX);
    cjd_pkt_trim(pkt, len > 0 ? (uint32_t)len : 0);
    struct cjd_session_path path = {.addr = info.path.to.addr,
                                    .key = info.path.to.key,
                                    .version = info.path.to.version,
                                    .label = info.path.to.label};
    cjd_sessions_send_dht(cjd_node_sessions(node), &path, pkt, now_ns);
}

static void flood(void *arg, uint32_t life)
{
    struct host *h = arg;

    if (h->node && h->lives == life) {
        sim_call(h->sim, h->number, ask, h);
        sim_at(h->sim, h->sim->now_ns + CJD_S / h->sim->flood_rate, flood, h, life);
    }
}

void evil_started(struct host *h)
{
    if (h->evil == SIM_FLOOD) {
        sim_at(h->sim, h->sim->now_ns + CJD_S, flood, h, h->lives);
    }
}
