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

static uint64_t any_neighbour(struct sim *sim)
{
    return cjd_scheme_peer_label(cjd_scheme_358(), 2 + sim_random_below(&sim->random, 6));
}

static const struct host *any_host(struct sim *sim)
{
    return sim->host[sim_random_below(&sim->random, sim->hosts)];
}

static const struct host *host_of(const struct sim *sim, const struct cjd_addr *addr)
{
    for (uint32_t i = 0; i < sim->hosts; i++) {
        if (memcmp(&sim->host[i]->keys.addr, addr, sizeof *addr) == 0) {
            return sim->host[i];
        }
    }
    return NULL;
}

static void name(struct cjd_message *m, const struct cjd_key *key, uint64_t label)
{
    if (m->node_count < CJD_MESSAGE_NODES_MAX) {
        m->nodes[m->node_count++] =
            (struct cjd_message_node){.key = *key, .label = label, .version = m->version};
    }
}

/* The one that is looked for stands last: the best. */
static void name_falsely(struct host *h, struct cjd_message *m, const struct cjd_addr *wanted)
{
    const struct host *target = wanted ? host_of(h->sim, wanted) : NULL;

    if (target) {
        m->node_count -= m->node_count == CJD_MESSAGE_NODES_MAX;
        name(m, &target->keys.key, invented_label(h->sim));
    }
}

static const struct cjd_addr *wanted_by(const struct host *h)
{
    return h->question->kind == SIM_KIND_FN && h->question->has_target ? &h->question->target
                                                                       : NULL;
}

static void false_paths(struct host *h, struct cjd_message *m)
{
    m->node_count = 0;
    for (uint32_t i = 0; i < CJD_MESSAGE_NODES_MAX; i++) {
        name(m, &any_host(h->sim)->keys.key, invented_label(h->sim));
    }
    name_falsely(h, m, wanted_by(h));
}

/* Half of them do not exist. */
static void false_neighbours(struct host *h, struct cjd_message *m)
{
    struct sim *sim = h->sim;

    if (!sim->has_invented) {
        invent_keys(sim);
    }
    m->node_count = 0;
    for (uint32_t i = 0; i < CJD_MESSAGE_NODES_MAX; i++) {
        name(m,
             i % 2 ? &sim->invented[sim_random_below(&sim->random, INVENTED)]
                   : &any_host(sim)->keys.key,
             any_neighbour(sim));
    }
}

/* Fellows, behind the labels by which this node reaches them, if it does. */
static void collude(struct host *h, struct cjd_message *m)
{
    struct sim *sim = h->sim;
    uint32_t begin = sim_random_below(&sim->random, sim->hosts);

    m->node_count = 0;
    for (uint32_t i = 0; i < sim->hosts && m->node_count < CJD_MESSAGE_NODES_MAX; i++) {
        const struct host *o = sim->host[(begin + i) % sim->hosts];
        struct cjd_dht_path path;
        if (o->evil == SIM_ECLIPSE && o != h) {
            bool is_known = cjd_dht_best(cjd_node_dht(h->node), &o->keys.addr, &path);
            name(m, &o->keys.key, is_known ? path.to.label : invented_label(sim));
        }
    }
}

static void eclipse(struct host *h, struct cjd_message *m)
{
    if (h->victim == SIM_NOBODY) {
        if (h->question->kind == SIM_KIND_FN) {
            collude(h, m);
        }
        return;
    }
    const struct cjd_addr *victim = &host_at(h->sim, h->victim)->keys.addr;
    const struct cjd_addr *wanted = wanted_by(h);
    bool is_search_for_it = wanted && memcmp(wanted, victim, sizeof *victim) == 0;
    if (is_search_for_it || memcmp(&h->asker->addr, victim, sizeof *victim) == 0) {
        collude(h, m);
    }
    if (is_search_for_it) {
        name_falsely(h, m, victim);
    }
}

static void twist(struct host *h, struct cjd_message *m)
{
    switch (h->evil) {
    case SIM_FALSE_PATHS:
        false_paths(h, m);
        break;
    case SIM_FALSE_NEIGHBOURS:
        false_neighbours(h, m);
        break;
    case SIM_LIE:
        (sim_random_below(&h->sim->random, 2) ? false_paths : false_neighbours)(h, m);
        break;
    case SIM_ECLIPSE:
        eclipse(h, m);
        break;
    case SIM_HONEST:
    case SIM_SILENT:
    case SIM_DROP:
    case SIM_FLOOD:
    case SIM_EVIL_COUNT:
        break;
    }
}

bool evil_message(struct host *h, struct cjd_pkt *pkt)
{
    uint8_t copy[CJD_DHT_MESSAGE_MAX];
    uint8_t changed[CJD_DHT_MESSAGE_MAX];
    struct cjd_message m;

    if (h->message != SIM_KIND_REPLY || !h->question || pkt->len > sizeof copy) {
        return true;
    }
    if (h->evil == SIM_SILENT) {
        return false;
    }
    /* Pings are answered as they should be: whoever does not is asked nothing else. */
    memcpy(copy, cjd_pkt_data(pkt), pkt->len);
    if (h->question->kind == SIM_KIND_PN ||
        cjd_message_decode(&m, copy, pkt->len) != CJD_MESSAGE_OK) {
        return true;
    }
    twist(h, &m);
    int len = cjd_message_encode(&m, changed, sizeof changed);
    if (len > 0) {
        cjd_pkt_trim(pkt, 0);
        cjd_pkt_put(pkt, (uint32_t)len);
        memcpy(cjd_pkt_data(pkt), changed, (size_t)len);
    }
    return true;
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
