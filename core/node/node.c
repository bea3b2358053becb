#include <node/private.h>

#include <cjd/version.h>
#include <stdlib.h>
#include <string.h>

/* Timers that may run in one call: a flood of them must not starve the packets. */
#define TIMERS_PER_RUN 256u

void node_drop(struct cjd_node *node, struct cjd_pkt *pkt, enum cjd_drop reason)
{
    cjd_drop_count(&node->drops, reason);
    cjd_pool_give(node->config.pool, pkt);
}

static struct cjd_vec vec_on(struct cjd_pkt **array)
{
    return (struct cjd_vec){.size = (uint32_t)sizeof(struct cjd_vec), .cap = BATCH, .v = array};
}

static int make_rooms(struct cjd_node *node, uint64_t now_ns)
{
    int err = cjd_crypto_init();

    if (!err) {
        node->users = cjd_users_new();
        err = node->users ? 0 : CJD_ERR_NO_MEMORY;
    }
    node->ca =
        (struct cjd_ca_node){.self = &node->self, .users = node->users, .rng = node->config.rng};
    cjd_switch_init(&node->sw, cjd_scheme_358());
    if (!err) {
        err = glue_links(node, now_ns);
    }
    if (!err) {
        err = glue_sessions(node, now_ns);
    }
    return err ? err : glue_dht(node, now_ns);
}

int cjd_node_new(struct cjd_node **out, const struct cjd_node_config *config, uint64_t now_ns)
{
    struct cjd_node *node = calloc(1, sizeof *node);

    if (!node) {
        return CJD_ERR_NO_MEMORY;
    }
    node->config = *config;
    node->self = config->self;
    node->log = config->log;
    node->log.module = "node";
    if (node->config.version == 0) {
        node->config.version = CJD_PROTOCOL;
    }
    node->self_queue = vec_on(node->self_array);
    node->up = vec_on(node->up_array);
    int err = cjd_addr_is_valid(&config->self.addr) ? make_rooms(node, now_ns) : CJD_ERR_BAD_KEY;
    if (err) {
        cjd_node_free(node);
        return err;
    }
    *out = node;
    return 0;
}

void cjd_node_free(struct cjd_node *node)
{
    if (!node) {
        return;
    }
    cjd_sessions_free(node->sessions);
    cjd_dht_free(node->dht);
    cjd_links_free(node->links);
    cjd_users_free(node->users);
    cjd_pool_give_vec(node->config.pool, &node->self_queue);
    cjd_pool_give_vec(node->config.pool, &node->up);
    cjd_keypair_fini(&node->config.self);
    cjd_keypair_fini(&node->self);
    free(node);
}

uint64_t cjd_node_next(const struct cjd_node *node)
{
    return node->self_queue.n > 0 ? 0 : cjd_timers_next(&node->timers);
}

void cjd_node_run(struct cjd_node *node, uint64_t now_ns)
{
    cjd_timers_run(&node->timers, now_ns, TIMERS_PER_RUN);
    frame_drain(node, now_ns);
}

void cjd_node_flush(struct cjd_node *node)
{
    upper_flush(node);
    cjd_links_flush(node->links);
}

void cjd_node_rx(struct cjd_node *node, uint32_t link, uint32_t queue, struct cjd_vec *vec,
                 uint64_t now_ns)
{
    cjd_links_rx(node->links, link, queue, vec, now_ns);
    frame_drain(node, now_ns);
}

int cjd_node_send(struct cjd_node *node, const struct cjd_addr *to, uint32_t type,
                  struct cjd_vec *vec, bool no_wait, uint64_t now_ns)
{
    if (type <= CJD_CONTENT_DHT || type >= TYPES || !cjd_addr_is_valid(to)) {
        cjd_pool_give_vec(node->config.pool, vec);
        return CJD_ERR_INVALID;
    }
    for (unsigned i = 0; i < vec->n; i++) {
        cjd_sessions_send(node->sessions, to, type, vec->v[i], no_wait, now_ns);
    }
    vec->n = 0;
    frame_drain(node, now_ns);
    return 0;
}

int cjd_node_type_set(struct cjd_node *node, uint32_t type, bool is_on)
{
    if (type <= CJD_CONTENT_DHT || type >= TYPES) {
        return CJD_ERR_INVALID;
    }
    uint8_t bit = (uint8_t)(1u << (type & 7));
    if (is_on) {
        node->types[type >> 3] |= bit;
    } else {
        node->types[type >> 3] &= (uint8_t)~bit;
    }
    return 0;
}

int cjd_node_link_add(struct cjd_node *node, const char *name, uint32_t mtu, uint32_t queues)
{
    return cjd_links_add(node->links, name, mtu, queues);
}

void cjd_node_link_del(struct cjd_node *node, uint32_t link, uint64_t now_ns)
{
    cjd_links_del(node->links, link, now_ns);
}

void cjd_node_link_set_carrier(struct cjd_node *node, uint32_t link, bool has_carrier,
                               uint64_t now_ns)
{
    cjd_links_set_carrier(node->links, link, has_carrier, now_ns);
}

void cjd_node_wake(struct cjd_node *node, bool was_asleep, uint64_t now_ns)
{
    cjd_links_wake(node->links, was_asleep, now_ns);
}

int cjd_node_peer_add(struct cjd_node *node, const struct cjd_link_peer_spec *spec, uint64_t now_ns)
{
    return cjd_links_peer_add(node->links, spec, now_ns);
}

int cjd_node_peer_del(struct cjd_node *node, uint32_t peer, uint64_t now_ns)
{
    return cjd_links_peer_del(node->links, peer, now_ns);
}

int cjd_node_peer_set_addr(struct cjd_node *node, uint32_t peer, const struct cjd_linkaddr *addr,
                           uint64_t now_ns)
{
    return cjd_links_peer_set_addr(node->links, peer, addr, now_ns);
}

void cjd_node_peer_set_reason(struct cjd_node *node, uint32_t peer, int reason, uint64_t now_ns)
{
    cjd_links_peer_set_reason(node->links, peer, (enum cjd_link_reason)reason, now_ns);
}

int cjd_node_beacon(struct cjd_node *node, uint32_t *version,
                    uint8_t password[CJD_NODE_BEACON_PASSWORD])
{
    if (!node->has_beacon) {
        cjd_rng_fill(&node->config.rng, node->beacon_password, sizeof node->beacon_password);
        int err = cjd_users_add(node->users, CJD_BEACON_LOGIN, node->beacon_password,
                                sizeof node->beacon_password, NULL);
        if (err) {
            return err;
        }
        node->has_beacon = true;
    }
    *version = node->config.version;
    memcpy(password, node->beacon_password, sizeof node->beacon_password);
    return 0;
}

int cjd_node_heard(struct cjd_node *node, const struct cjd_link_peer_spec *spec, uint64_t now_ns)
{
    return cjd_links_heard(node->links, spec, now_ns);
}

const struct cjd_keypair *cjd_node_self(const struct cjd_node *node)
{
    return &node->self;
}

struct cjd_users *cjd_node_users(struct cjd_node *node)
{
    return node->users;
}

const struct cjd_drops *cjd_node_drops(const struct cjd_node *node)
{
    return &node->drops;
}

struct cjd_links *cjd_node_links(struct cjd_node *node)
{
    return node->links;
}

struct cjd_sessions *cjd_node_sessions(struct cjd_node *node)
{
    return node->sessions;
}

struct cjd_dht *cjd_node_dht(struct cjd_node *node)
{
    return node->dht;
}

struct cjd_timers *cjd_node_timers(struct cjd_node *node)
{
    return &node->timers;
}
