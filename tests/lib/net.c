#include <testlib/net.h>

#include <base/wire.h>

#define EDGES_MAX      256u
#define PEERS_PER_NODE 64u
#define PASSWORD       "a password of the test network"

enum event_kind { EVENT_PACKET, EVENT_INJECT };

struct event {
    uint64_t at;
    uint64_t order;
    enum event_kind kind;
    unsigned node;
    struct cjd_linkaddr from;
    uint32_t len;
    uint8_t bytes[];
};

struct edge {
    unsigned end[2]; /* 0: who calls */
    uint64_t delay;
    bool is_cut;
    uint32_t moves[2]; /* how often that end got another address */
    uint32_t cost_ms;
    char password[64];
    struct cjd_key key;
};

struct host {
    struct net *net;
    unsigned index;
    struct cjd_keypair keys;
    struct cjd_pool *pool;
    struct cjd_node *node;
    struct test_rng rng_state;
    struct cjd_rng rng;
    uint32_t version;
    bool is_deaf;
    bool is_paused;
    uint64_t paused_at;
    uint64_t behind; /* its clock */
    unsigned icmp[256];
};

struct net {
    uint64_t now;
    uint64_t order;
    unsigned nodes;
    unsigned edges;
    unsigned loss;
    uint32_t cost_ms; /* of the next edge */
    bool is_started;
    uint64_t packets;
    uint64_t bytes;
    struct test_rng rng_state;
    struct cjd_rng rng;
    net_filter_fn filter;
    void *filter_arg;
    struct host host[NET_NODES_MAX];
    struct edge edge[EDGES_MAX];
    struct event **heap;
    size_t heap_len;
    size_t heap_cap;
    unsigned replies[NET_NODES_MAX][NET_NODES_MAX];
};

/* --- events
 * --------------------------------------------------------------------------------------- */

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_push(struct net *net, struct event *e)
{
    if (net->heap_len == net->heap_cap) {
        net->heap_cap = net->heap_cap ? 2 * net->heap_cap : 256;
        net->heap = realloc(net->heap, net->heap_cap * sizeof(struct event *));
        assert_non_null(net->heap);
    }
    size_t i = net->heap_len++;
    net->heap[i] = e;
    while (i > 0 && is_before(net->heap[i], net->heap[(i - 1) / 2])) {
        struct event *t = net->heap[i];
        net->heap[i] = net->heap[(i - 1) / 2];
        net->heap[(i - 1) / 2] = t;
        i = (i - 1) / 2;
    }
}

static struct event *heap_pop(struct net *net)
{
    struct event *top = net->heap[0];
    size_t i = 0;

    net->heap[0] = net->heap[--net->heap_len];
    for (;;) {
        size_t least = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < net->heap_len; k++) {
            if (is_before(net->heap[k], net->heap[least])) {
                least = k;
            }
        }
        if (least == i) {
            return top;
        }
        struct event *t = net->heap[i];
        net->heap[i] = net->heap[least];
        net->heap[least] = t;
        i = least;
    }
}

static struct event *event_new(struct net *net, enum event_kind kind, unsigned node,
                               const uint8_t *bytes, uint32_t len)
{
    struct event *e = calloc(1, sizeof *e + len);

    assert_non_null(e);
    e->at = net->now;
    e->order = net->order++;
    e->kind = kind;
    e->node = node;
    e->len = len;
    if (len > 0) {
        memcpy(e->bytes, bytes, len);
    }
    return e;
}

/* --- the driver's side of a node
 * ------------------------------------------------------------------ */

static struct cjd_linkaddr stranger_addr(uint32_t number)
{
    struct cjd_linkaddr a = {.len = 12};

    cjd_store32(a.b, EDGES_MAX + number);
    return a;
}

static struct cjd_linkaddr edge_addr(const struct net *net, unsigned edge, unsigned side)
{
    struct cjd_linkaddr a = {.len = 12};

    cjd_store32(a.b, edge);
    cjd_store32(a.b + 4, side);
    cjd_store32(a.b + 8, net->edge[edge].moves[side]);
    return a;
}

static uint64_t now_of(const struct host *h)
{
    return h->net->now - h->behind;
}

static void transmit(struct net *net, const struct cjd_pkt *pkt)
{
    unsigned index = cjd_load32(pkt->addr.b);
    unsigned to_side = cjd_load32(pkt->addr.b + 4);

    if (index >= net->edges) {
        return; /* an answer to a forged stranger */
    }
    struct edge *edge = &net->edge[index];
    net->packets++;
    net->bytes += pkt->len;
    bool has_moved = cjd_load32(pkt->addr.b + 8) != edge->moves[to_side];
    if (edge->is_cut || has_moved || cjd_rng_below(&net->rng, 1000) < net->loss) {
        return;
    }
    struct event *e = event_new(net, EVENT_PACKET, edge->end[to_side], cjd_pkt_data(pkt), pkt->len);
    if (net->filter &&
        !net->filter(net->filter_arg, index, edge->end[1 - to_side], e->bytes, &e->len)) {
        free(e);
        return;
    }
    e->at = net->now + edge->delay;
    e->from = edge_addr(net, index, 1 - to_side);
    heap_push(net, e);
}

static void link_tx(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    struct host *h = ctx;

    assert_int_equal(link, 0);
    assert_int_equal(queue, 0);
    (void)flags;
    for (unsigned i = 0; i < vec->n; i++) {
        transmit(h->net, vec->v[i]);
    }
    cjd_pool_give_vec(h->pool, vec);
}

static int host_by_addr(const struct net *net, const uint8_t *addr)
{
    for (unsigned i = 0; i < net->nodes; i++) {
        if (memcmp(net->host[i].keys.addr.b, addr, 16) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* The machine behind node h got an IPv6 packet. */
static void machine_rx(struct host *h, uint8_t *p, uint32_t len)
{
    assert_true(len >= 40);
    assert_int_equal(p[0] >> 4, 6);
    assert_int_equal(cjd_load16(p + 4), len - 40);
    assert_memory_equal(p + 24, h->keys.addr.b, 16);
    if (p[6] != 58 || len < 48) {
        return;
    }
    int from = host_by_addr(h->net, p + 8);
    if (p[40] == 128) {
        uint8_t peer[16];
        memcpy(peer, p + 8, 16);
        memcpy(p + 8, p + 24, 16);
        memcpy(p + 24, peer, 16);
        p[40] = 129;
        heap_push(h->net, event_new(h->net, EVENT_INJECT, h->index, p, len));
    } else if (p[40] == 129) {
        assert_true(from >= 0);
        h->net->replies[h->index][from]++;
    } else {
        h->icmp[p[40]]++;
    }
}

static void deliver(void *ctx, struct cjd_vec *vec)
{
    struct host *h = ctx;

    for (unsigned i = 0; i < vec->n; i++) {
        machine_rx(h, cjd_pkt_data(vec->v[i]), vec->v[i]->len);
    }
    cjd_pool_give_vec(h->pool, vec);
}

static void configure_edge(struct net *net, unsigned index)
{
    struct edge *edge = &net->edge[index];
    struct host *caller = &net->host[edge->end[0]];
    struct cjd_link_peer_spec spec = {.link = 0,
                                      .addr = edge_addr(net, index, 1),
                                      .key = edge->key,
                                      .name = "peer",
                                      .cost_ms = edge->cost_ms};

    cjd_credentials_init(&spec.credentials, "tester", edge->password, strlen(edge->password));
    assert_true(cjd_node_peer_add(caller->node, &spec, now_of(caller)) >= 0);
    cjd_node_flush(caller->node);
    cjd_credentials_fini(&spec.credentials);
}

void net_start(struct net *net, unsigned i)
{
    struct host *h = &net->host[i];
    struct cjd_node_config config = {
        .self = h->keys,
        .rng = h->rng,
        .pool = h->pool,
        .version = h->version,
        .ops = {.link_tx = link_tx, .deliver = h->is_deaf ? NULL : deliver, .ctx = h},
    };

    assert_null(h->node);
    assert_int_equal(cjd_node_new(&h->node, &config, now_of(h)), 0);
    assert_int_equal(
        cjd_users_add(cjd_node_users(h->node), "tester", PASSWORD, strlen(PASSWORD), NULL), 0);
    assert_int_equal(cjd_node_link_add(h->node, "wire", 3496, 1), 0);
    for (unsigned e = 0; e < net->edges; e++) {
        if (net->edge[e].end[0] == i) {
            configure_edge(net, e);
        }
    }
}

void net_stop(struct net *net, unsigned i)
{
    struct host *h = &net->host[i];

    cjd_node_free(h->node);
    h->node = NULL;
    assert_int_equal(cjd_pool_in_use(h->pool), 0);
}

struct net *net_new(unsigned nodes, uint64_t seed)
{
    struct net *net = calloc(1, sizeof *net);

    assert_non_null(net);
    assert_true(nodes <= NET_NODES_MAX);
    assert_int_equal(cjd_crypto_init(), 0);
    net->now = 1000 * CJD_S;
    net->nodes = nodes;
    net->rng = test_rng_init(&net->rng_state, seed);
    for (unsigned i = 0; i < nodes; i++) {
        struct host *h = &net->host[i];
        h->net = net;
        h->index = i;
        h->rng = test_rng_init(&h->rng_state, seed * 1000 + i);
        cjd_keypair_generate(&h->keys, &h->rng);
        h->pool = cjd_pool_new(4096, 16);
        assert_non_null(h->pool);
    }
    return net;
}

void net_free(struct net *net)
{
    for (unsigned i = 0; i < net->nodes; i++) {
        struct host *h = &net->host[i];
        cjd_node_free(h->node);
        cjd_pool_free(h->pool);
    }
    while (net->heap_len > 0) {
        free(heap_pop(net));
    }
    free(net->heap);
    free(net);
}

static void start_all(struct net *net)
{
    for (unsigned i = 0; i < net->nodes && !net->is_started; i++) {
        net_start(net, i);
    }
    net->is_started = true;
}

/* --- running
 * -------------------------------------------------------------------------------------- */

static struct cjd_pkt *packet_of(struct host *h, const struct event *e)
{
    struct cjd_pkt *pkt = cjd_pool_take(h->pool, e->len);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, e->len);
    memcpy(cjd_pkt_data(pkt), e->bytes, e->len);
    pkt->addr = e->from;
    return pkt;
}

static void handle(struct net *net, struct event *e)
{
    struct host *h = &net->host[e->node];

    if (h->node && !h->is_paused) {
        CJD_VEC_LOCAL(vec, 1);
        cjd_vec_add(&vec, packet_of(h, e));
        if (e->kind == EVENT_PACKET) {
            cjd_node_rx(h->node, 0, 0, &vec, now_of(h));
        } else {
            cjd_node_inject(h->node, &vec, now_of(h));
        }
        assert_int_equal(vec.n, 0);
        cjd_node_flush(h->node);
    }
    free(e);
}

static struct host *next_timer(struct net *net, uint64_t *at)
{
    struct host *first = NULL;

    *at = CJD_NEVER;
    for (unsigned i = 0; i < net->nodes; i++) {
        struct host *h = &net->host[i];
        uint64_t t = h->node && !h->is_paused ? cjd_node_next(h->node) : CJD_NEVER;
        t = t == CJD_NEVER ? t : t + h->behind;
        if (t < *at) {
            *at = t;
            first = h;
        }
    }
    return first;
}

void net_run(struct net *net, uint64_t duration_ns)
{
    uint64_t end = net->now + duration_ns;

    start_all(net);
    for (;;) {
        uint64_t timer;
        struct host *h = next_timer(net, &timer);
        uint64_t event = net->heap_len > 0 ? net->heap[0]->at : CJD_NEVER;
        uint64_t at = event <= timer ? event : timer;
        if (at > end) {
            break;
        }
        net->now = at > net->now ? at : net->now;
        if (event <= timer) {
            handle(net, heap_pop(net));
        } else {
            cjd_node_run(h->node, now_of(h));
            cjd_node_flush(h->node);
        }
    }
    net->now = end;
}

void net_ping(struct net *net, unsigned a, unsigned b, uint32_t payload)
{
    uint8_t p[40 + 8 + 4096] = {0};
    uint32_t len = 48 + payload;

    assert_true(payload <= 3000);
    start_all(net);
    p[0] = 0x60;
    cjd_store16(p + 4, (uint16_t)(len - 40));
    p[6] = 58;
    p[7] = 64;
    memcpy(p + 8, net->host[a].keys.addr.b, 16);
    memcpy(p + 24, net->host[b].keys.addr.b, 16);
    p[40] = 128;
    heap_push(net, event_new(net, EVENT_INJECT, a, p, len));
}

static bool all_answered(const struct net *net, unsigned n, bool print)
{
    bool ok = true;

    for (unsigned a = 0; a < n; a++) {
        for (unsigned b = 0; b < n; b++) {
            if (a != b && net->replies[a][b] == 0) {
                ok = false;
                if (print) {
                    print_message("no answer: %u -> %u\n", a, b);
                }
            }
        }
    }
    return ok;
}

uint64_t net_ping_all(struct net *net, unsigned n, uint64_t limit_ns)
{
    uint64_t start = net->now;

    net_forget_replies(net);
    for (unsigned step = 0; net->now - start < limit_ns; step++) {
        for (unsigned a = 0; a < n && step % 20 == 0; a++) {
            for (unsigned b = 0; b < n; b++) {
                if (a != b) {
                    net_ping(net, a, b, 8);
                }
            }
        }
        net_run(net, 10 * CJD_MS);
        if (all_answered(net, n, false)) {
            return net->now - start;
        }
    }
    all_answered(net, n, true);
    return CJD_NEVER;
}

uint64_t net_ping_pair(struct net *net, unsigned a, unsigned b, uint64_t limit_ns)
{
    uint64_t start = net->now;

    net->replies[a][b] = 0;
    for (unsigned step = 0; net->now - start < limit_ns; step++) {
        if (step % 20 == 0) {
            net_ping(net, a, b, 8);
        }
        net_run(net, 10 * CJD_MS);
        if (net->replies[a][b] > 0) {
            return net->now - start;
        }
    }
    return CJD_NEVER;
}

/* --- small things
 * --------------------------------------------------------------------------------- */

unsigned net_link_with(struct net *net, unsigned a, unsigned b, uint64_t delay_ns,
                       const char *password, const struct cjd_key *key)
{
    assert_true(net->edges < EDGES_MAX);
    struct edge *edge = &net->edge[net->edges];

    *edge = (struct edge){.end = {a, b}, .delay = delay_ns, .cost_ms = net->cost_ms};
    net->cost_ms = 0;
    edge->key = key ? *key : net->host[b].keys.key;
    strncpy(edge->password, password ? password : PASSWORD, sizeof edge->password - 1);
    unsigned index = net->edges++;
    if (net->host[a].node) {
        configure_edge(net, index);
    }
    return index;
}

unsigned net_link(struct net *net, unsigned a, unsigned b, uint64_t delay_ns)
{
    return net_link_with(net, a, b, delay_ns, NULL, NULL);
}

void net_chain(struct net *net, unsigned n, uint64_t delay_ns)
{
    for (unsigned i = 0; i + 1 < n; i++) {
        net_link(net, i, i + 1, delay_ns);
    }
}

void net_ring(struct net *net, unsigned n, uint64_t delay_ns)
{
    net_chain(net, n, delay_ns);
    net_link(net, n - 1, 0, delay_ns);
}

void net_grid(struct net *net, unsigned side, uint64_t delay_ns)
{
    for (unsigned y = 0; y < side; y++) {
        for (unsigned x = 0; x < side; x++) {
            if (x + 1 < side) {
                net_link(net, y * side + x, y * side + x + 1, delay_ns);
            }
            if (y + 1 < side) {
                net_link(net, y * side + x, (y + 1) * side + x, delay_ns);
            }
        }
    }
}

void net_star(struct net *net, unsigned n, uint64_t delay_ns)
{
    for (unsigned i = 1; i < n; i++) {
        net_link(net, 0, i, delay_ns);
    }
}

void net_forge(struct net *net, unsigned edge, unsigned to, const uint8_t *bytes, uint32_t len)
{
    struct event *e = event_new(net, EVENT_PACKET, to, bytes, len);
    e->from = edge_addr(net, edge, net->edge[edge].end[0] == to ? 1 : 0);
    heap_push(net, e);
}

void net_forge_stranger(struct net *net, unsigned to, uint32_t source, const uint8_t *bytes,
                        uint32_t len)
{
    struct event *e = event_new(net, EVENT_PACKET, to, bytes, len);
    e->from = stranger_addr(source);
    heap_push(net, e);
}

void net_set_cost(struct net *net, uint32_t cost_ms)
{
    net->cost_ms = cost_ms;
}

static void notice(struct host *h, bool was_asleep)
{
    cjd_node_wake(h->node, was_asleep, now_of(h));
    cjd_node_flush(h->node);
}

void net_pause(struct net *net, unsigned i)
{
    net->host[i].is_paused = true;
    net->host[i].paused_at = net->now;
}

void net_resume(struct net *net, unsigned i, enum net_pause was, bool has_noticed)
{
    struct host *h = &net->host[i];

    h->is_paused = false;
    if (was == NET_ASLEEP) {
        h->behind += net->now - h->paused_at;
    }
    if (has_noticed) {
        notice(h, true);
    }
}

void net_move(struct net *net, unsigned i, bool has_noticed)
{
    for (unsigned e = 0; e < net->edges; e++) {
        for (unsigned side = 0; side < 2; side++) {
            net->edge[e].moves[side] += net->edge[e].end[side] == i;
        }
    }
    if (has_noticed) {
        notice(&net->host[i], false);
    }
}

uint64_t net_now(const struct net *net)
{
    return net->now;
}

struct cjd_node *net_node(struct net *net, unsigned i)
{
    return net->host[i].node;
}

struct cjd_pool *net_pool(struct net *net, unsigned i)
{
    return net->host[i].pool;
}

const struct cjd_keypair *net_keys(struct net *net, unsigned i)
{
    return &net->host[i].keys;
}

const struct cjd_rng *net_rng(struct net *net)
{
    return &net->rng;
}

void net_set_version(struct net *net, unsigned i, uint32_t version)
{
    net->host[i].version = version;
}

void net_set_deaf(struct net *net, unsigned i)
{
    net->host[i].is_deaf = true;
}

void net_cut(struct net *net, unsigned edge, bool is_cut)
{
    net->edge[edge].is_cut = is_cut;
}

void net_set_loss(struct net *net, unsigned permille)
{
    net->loss = permille;
}

void net_set_filter(struct net *net, net_filter_fn fn, void *arg)
{
    net->filter = fn;
    net->filter_arg = arg;
}

unsigned net_replies(const struct net *net, unsigned a, unsigned b)
{
    return net->replies[a][b];
}

void net_forget_replies(struct net *net)
{
    memset(net->replies, 0, sizeof net->replies);
}

unsigned net_icmp_errors(const struct net *net, unsigned i, uint8_t type)
{
    return net->host[i].icmp[type];
}

uint64_t net_packets(const struct net *net)
{
    return net->packets;
}

uint64_t net_bytes(const struct net *net)
{
    return net->bytes;
}
