#include "net.h"

#include <base/wire.h>

#define DATA_EVERY  (200 * CJD_MS)
#define WANT_AGAIN  (200 * CJD_MS) /* no path: an impatient user */
#define WANT_FRESH  (30 * CJD_S)
#define UNANSWERED  (1 * CJD_S)
#define HINT_EVERY  (10 * CJD_S)
#define FRAME_BYTES 64u /* as far as the switch is concerned */
#define NEVER_STUCK 1000000u

enum kind { MESSAGE, PING, PONG, SWITCH_ERROR };

struct frame {
    struct cjd_timer timer;
    struct net *net;
    uint32_t node; /* where it arrives, and on which interface */
    uint32_t iface;
    uint8_t header[CJD_SWITCH_HEADER_BYTES];
    enum kind kind;
    uint32_t origin;
    struct cjd_key to;
    uint64_t cause_label;
    enum cjd_switch_error error;
    size_t len;
    uint8_t message[CJD_DHT_MESSAGE_MAX];
};

static void arrive(void *arg, uint64_t now_ns);
static void on_traffic(void *arg, uint64_t now_ns);
static void new_router(struct net_node *n);

bool net_addr_of_key(struct cjd_addr *out, const struct cjd_key *key)
{
    memcpy(out->b, key->b, sizeof out->b);
    return key->b[0] == 0xfc;
}

void net_random_key(struct net *net, struct cjd_key *key)
{
    cjd_rng_fill(&net->rng, key, sizeof *key);
    key->b[0] = 0xfc;
}

/* --- frames ------------------------------------------------------------------------------------
 */

static struct frame *frame_new(struct net_node *from, enum kind kind, const struct cjd_key *to,
                               uint64_t label)
{
    struct frame *f = calloc(1, sizeof *f);
    struct cjd_switch_header h = {.label = label, .version = 1};

    assert_non_null(f);
    f->net = from->net;
    f->kind = kind;
    f->origin = from->index;
    f->node = from->index;
    f->iface = CJD_SWITCH_SELF;
    f->to = *to;
    cjd_switch_header_write(f->header, &h);
    cjd_timer_init(&f->timer, arrive, f);
    return f;
}

static void schedule(struct frame *f, uint64_t delay_ns)
{
    cjd_timer_arm(&f->net->timers, &f->timer, f->net->now_ns + delay_ns);
}

/* Over the link on `iface` of the node where the frame is. */
static void cross(struct frame *f, uint32_t iface)
{
    struct net *net = f->net;
    struct net_link *link = net->node[f->node].links[iface];

    net->frames++;
    if (!link || link->is_cut || cjd_rng_below(&net->rng, 100) < link->loss_percent) {
        free(f);
        return;
    }
    uint32_t end = link->node[0] == f->node && link->iface[0] == iface ? 1 : 0;
    f->node = link->node[end];
    f->iface = link->iface[end];
    schedule(f, link->delay_ns + cjd_rng_below(&net->rng, (uint32_t)(link->delay_ns / 8 + 1)));
}

static uint64_t label_of(const struct frame *f)
{
    return cjd_load64(f->header);
}

static void up(struct net_node *n, struct frame *f);

/* §8.1: straight back to where the frame came from. */
static void refuse(struct frame *f, enum cjd_switch_error error)
{
    struct cjd_switch_header h = {.label = cjd_label_reverse(label_of(f)),
                                  .congestion = 1,
                                  .suppress_errors = true,
                                  .version = 1};

    f->cause_label = label_of(f);
    f->kind = SWITCH_ERROR;
    f->error = error;
    cjd_switch_header_write(f->header, &h);
    if (f->iface == CJD_SWITCH_SELF) {
        up(&f->net->node[f->node], f);
        free(f);
    } else {
        cross(f, f->iface);
    }
}

static void arrive(void *arg, uint64_t now_ns)
{
    struct frame *f = arg;
    struct net_node *n = &f->net->node[f->node];

    f->net->now_ns = now_ns;
    struct cjd_switch_verdict v = cjd_switch_frame(&n->sw, f->header, FRAME_BYTES, f->iface);
    if (v.action == CJD_SWITCH_ERROR) {
        refuse(f, v.error);
    } else if (v.action == CJD_SWITCH_DROP) {
        free(f);
    } else if (v.iface == CJD_SWITCH_SELF) {
        up(n, f);
        free(f);
    } else {
        cross(f, v.iface);
    }
}

/* --- the session layer's part ------------------------------------------------------------------
 */

static struct net_node *by_addr(struct net *net, const struct cjd_addr *addr)
{
    for (uint32_t i = 0; i < net->node_count; i++) {
        if (memcmp(&net->node[i].addr, addr, sizeof *addr) == 0) {
            return &net->node[i];
        }
    }
    return NULL;
}

/* The router's choice is followed; others are kept for when it dies. */
static void flow_add(struct net_flow *f, const struct cjd_dht_path *path)
{
    uint32_t at = 0;

    while (at < f->count && f->path[at].to.label != path->to.label) {
        at++;
    }
    if (at == NET_PATHS) {
        at = f->best == 0 ? 1 : 0;
        for (uint32_t i = 0; i < NET_PATHS; i++) {
            bool is_worse = f->path[i].cost_us > f->path[at].cost_us;
            at = i != f->best && is_worse ? i : at;
        }
        if (!path->is_best && f->path[at].cost_us <= path->cost_us) {
            return;
        }
    }
    f->path[at] = *path;
    f->count = at == f->count ? f->count + 1 : f->count;
    if (path->is_best || f->count == 1) {
        f->best = at;
    }
}

static void flow_remove(struct net_flow *f, uint64_t label)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (f->path[i].to.label == label) {
            uint64_t used = f->path[f->best].to.label;
            f->path[i] = f->path[--f->count];
            f->best = 0;
            for (uint32_t k = 0; k < f->count; k++) {
                if (f->path[k].to.label == used ||
                    (used == label && f->path[k].cost_us < f->path[f->best].cost_us)) {
                    f->best = k;
                }
            }
            return;
        }
    }
}

static void on_path(void *ctx, const struct cjd_dht_path *path, uint64_t now_ns)
{
    struct net_node *n = ctx;
    struct net_node *to = by_addr(n->net, &path->to.addr);

    (void)now_ns;
    assert_true(path->to.label > 1);
    if (to) {
        assert_memory_equal(&to->key, &path->to.key, sizeof to->key);
        flow_add(&n->flow[to->index], path);
    }
}

static void on_path_dead(void *ctx, const struct cjd_addr *addr, uint64_t label, uint64_t now_ns)
{
    struct net_node *n = ctx;
    struct net_node *to = by_addr(n->net, addr);

    (void)now_ns;
    n->deaths++;
    if (to) {
        flow_remove(&n->flow[to->index], label);
    }
}

static void on_search_done(void *ctx, const struct cjd_addr *addr, bool was_found, uint64_t now_ns)
{
    struct net_node *n = ctx;
    struct net_node *to = by_addr(n->net, addr);

    (void)now_ns;
    if (to && !was_found) {
        n->flow[to->index].failed++;
    }
}

static void on_send(void *ctx, const struct cjd_dht_contact *to, const uint8_t *message, size_t len,
                    uint64_t now_ns)
{
    struct net_node *n = ctx;

    (void)now_ns;
    assert_true(len > 0 && len <= CJD_DHT_MESSAGE_MAX);
    assert_true(to->label > 1);
    assert_memory_not_equal(&to->key, &n->key, sizeof n->key);
    struct frame *f = frame_new(n, MESSAGE, &to->key, to->label);
    f->len = len;
    memcpy(f->message, message, len);
    schedule(f, 0);
}

static void pong(struct net_node *n, const struct frame *f, uint64_t label)
{
    struct net_flow *flow = &n->flow[f->origin];
    uint64_t now = n->net->now_ns;

    if (f->kind == PING) {
        struct frame *back = frame_new(n, PONG, &n->net->node[f->origin].key, label);
        schedule(back, 0);
        return;
    }
    if (flow->first_ns == 0) {
        flow->first_ns = now;
    } else if (now - flow->last_ns > flow->worst_gap_ns) {
        flow->worst_gap_ns = now - flow->last_ns;
    }
    flow->last_ns = now;
    flow->unheard_ns = 0;
    flow->answered++;
}

static void up(struct net_node *n, struct frame *f)
{
    struct net_node *origin = &n->net->node[f->origin];
    uint64_t label = cjd_label_reverse(label_of(f));
    struct cjd_dht_contact from = {
        .addr = origin->addr, .key = origin->key, .version = 21, .label = label};

    if (!n->dht) {
        return;
    }
    if (f->kind == SWITCH_ERROR) {
        cjd_dht_switch_error(n->dht, label, f->cause_label, f->error, n->net->now_ns);
        return;
    }
    if (memcmp(&f->to, &n->key, sizeof n->key) != 0) {
        n->net->misdelivered++;
        return;
    }
    n->rx_loops += f->origin == n->index;
    if (f->kind == MESSAGE) {
        if (!n->intercept || n->intercept(n, &from, f->message, f->len)) {
            cjd_dht_message(n->dht, &from, f->message, f->len, n->net->now_ns);
        }
    } else {
        pong(n, f, label);
    }
}

static void flow_turn(struct net_node *n, uint32_t to, uint64_t now)
{
    struct net_flow *f = &n->flow[to];
    struct net_node *dest = &n->net->node[to];
    uint64_t again = f->count == 0 ? WANT_AGAIN : WANT_FRESH;

    if (n->net->want_every_ns != 0) {
        again = n->net->want_every_ns;
    }
    if (f->want_ns == 0 || now - f->want_ns >= again) {
        f->want_ns = now;
        cjd_dht_want(n->dht, &dest->addr, now);
    }
    f->sent++;
    if (f->count == 0) {
        return;
    }
    if (f->unheard_ns != 0 && now - f->unheard_ns >= UNANSWERED &&
        now - f->doubt_ns >= UNANSWERED) {
        f->doubt_ns = now;
        cjd_dht_path_doubt(n->dht, &dest->addr, f->path[f->best].to.label, now);
    }
    if (f->count > 0) {
        struct frame *ping = frame_new(n, PING, &dest->key, f->path[f->best].to.label);
        schedule(ping, 0);
        f->unheard_ns = f->unheard_ns ? f->unheard_ns : now;
    }
}

static void on_traffic(void *arg, uint64_t now_ns)
{
    struct net_node *n = arg;

    n->net->now_ns = now_ns;
    for (uint32_t i = 0; n->dht && i < n->net->node_count; i++) {
        if (n->flow[i].is_on) {
            flow_turn(n, i, now_ns);
        }
    }
    cjd_timer_arm(&n->net->timers, &n->traffic, now_ns + DATA_EVERY);
}

/* --- building ----------------------------------------------------------------------------------
 */

static void new_router(struct net_node *n)
{
    struct cjd_dht_config config = {.key = n->key,
                                    .addr = n->addr,
                                    .version = 21,
                                    .scheme = cjd_scheme_358(),
                                    .rng = n->net->rng,
                                    .timers = &n->net->timers,
                                    .drops = &n->drops,
                                    .addr_of_key = net_addr_of_key,
                                    .limits = n->limits,
                                    .ops = {.send = on_send,
                                            .path = on_path,
                                            .path_dead = on_path_dead,
                                            .search_done = on_search_done,
                                            .ctx = n}};

    assert_int_equal(cjd_dht_new(&n->dht, &config, n->net->now_ns), 0);
}

struct net *net_new(uint64_t seed, uint32_t nodes)
{
    struct net *net = calloc(1, sizeof *net);

    assert_non_null(net);
    assert_true(nodes <= NET_NODES_MAX);
    net->rng = test_rng_init(&net->seed, seed);
    net->now_ns = 1000 * CJD_S;
    net->node_count = nodes;
    for (uint32_t i = 0; i < nodes; i++) {
        struct net_node *n = &net->node[i];
        n->net = net;
        n->index = i;
        net_random_key(net, &n->key);
        (void)net_addr_of_key(&n->addr, &n->key);
        cjd_switch_init(&n->sw, cjd_scheme_358());
        cjd_timer_init(&n->traffic, on_traffic, n);
        new_router(n);
    }
    return net;
}

void net_free(struct net *net)
{
    for (uint32_t i = 0; i < net->node_count; i++) {
        cjd_dht_free(net->node[i].dht);
        cjd_timer_cancel(&net->timers, &net->node[i].traffic);
    }
    /* Frames under way; nothing else is left in the queue. */
    while (net->timers.root) {
        struct cjd_timer *t = net->timers.root;
        assert_true(t->fn == arrive);
        cjd_timer_cancel(&net->timers, t);
        free(t->arg);
    }
    free(net);
}

struct net_link *net_connect(struct net *net, uint32_t a, uint32_t b, uint64_t delay_ns)
{
    struct net_link *link = &net->link[net->link_count++];
    uint32_t ends[2] = {a, b};

    assert_true(net->link_count <= NET_NODES_MAX * 4);
    link->net = net;
    link->delay_ns = delay_ns;
    for (uint32_t i = 0; i < 2; i++) {
        int iface = cjd_switch_iface_add(&net->node[ends[i]].sw);
        assert_true(iface >= 0);
        link->node[i] = ends[i];
        link->iface[i] = (uint32_t)iface;
        net->node[ends[i]].links[iface] = link;
    }
    return link;
}

void net_set_loss(struct net *net, uint32_t percent)
{
    for (uint32_t i = 0; i < net->link_count; i++) {
        net->link[i].loss_percent = percent;
    }
}

static void peer_up(struct net *net, const struct net_link *link, uint32_t end)
{
    struct net_node *n = &net->node[link->node[end]];
    struct net_node *other = &net->node[link->node[!end]];
    struct cjd_dht_contact peer = {.addr = other->addr,
                                   .key = other->key,
                                   .version = 21,
                                   .label =
                                       cjd_scheme_peer_label(cjd_scheme_358(), link->iface[end])};

    if (n->dht && other->dht) {
        cjd_dht_peer_up(n->dht, &peer, 2 * link->delay_ns, net->now_ns);
    }
}

void net_peers_up(struct net *net, struct net_link *link)
{
    peer_up(net, link, 0);
    peer_up(net, link, 1);
}

void net_peers_down(struct net *net, struct net_link *link)
{
    for (uint32_t end = 0; end < 2; end++) {
        struct net_node *n = &net->node[link->node[end]];
        if (n->dht) {
            cjd_dht_peer_down(n->dht, cjd_scheme_peer_label(cjd_scheme_358(), link->iface[end]),
                              net->now_ns);
        }
    }
}

void net_start(struct net *net)
{
    for (uint32_t i = 0; i < net->link_count; i++) {
        net_peers_up(net, &net->link[i]);
    }
    for (uint32_t i = 0; i < net->node_count; i++) {
        cjd_timer_arm(&net->timers, &net->node[i].traffic,
                      net->now_ns + cjd_rng_below(&net->rng, 50) * CJD_MS);
    }
}

void net_restart(struct net *net, uint32_t node)
{
    struct net_node *n = &net->node[node];

    for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
        if (n->links[i]) {
            net_peers_down(net, n->links[i]);
        }
    }
    cjd_dht_free(n->dht);
    n->dht = NULL;
    for (uint32_t i = 0; i < net->node_count; i++) {
        n->flow[i].count = 0;
        n->flow[i].want_ns = 0;
        n->flow[i].unheard_ns = 0;
    }
    new_router(n);
    for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
        if (n->links[i]) {
            net_peers_up(net, n->links[i]);
        }
    }
}

void net_want(struct net *net, uint32_t from, uint32_t to, bool is_on)
{
    net->node[from].flow[to].is_on = is_on && from != to;
}

void net_want_all(struct net *net)
{
    for (uint32_t a = 0; a < net->node_count; a++) {
        for (uint32_t b = 0; b < net->node_count; b++) {
            net_want(net, a, b, true);
        }
    }
}

void net_run(struct net *net, uint64_t for_ns)
{
    uint64_t end = net->now_ns + for_ns;
    uint64_t next;

    while ((next = cjd_timers_next(&net->timers)) <= end) {
        net->now_ns = next > net->now_ns ? next : net->now_ns;
        assert_true(cjd_timers_run(&net->timers, net->now_ns, NEVER_STUCK) < NEVER_STUCK);
    }
    net->now_ns = end;
}

static bool is_connected(const struct net *net)
{
    for (uint32_t a = 0; a < net->node_count; a++) {
        for (uint32_t b = 0; b < net->node_count; b++) {
            if (net->node[a].flow[b].is_on && net->node[a].flow[b].first_ns == 0) {
                return false;
            }
        }
    }
    return true;
}

uint64_t net_run_until_connected(struct net *net, uint64_t limit_ns)
{
    uint64_t start = net->now_ns;

    while (!is_connected(net) && net->now_ns - start < limit_ns) {
        net_run(net, 10 * CJD_MS);
    }
    return net->now_ns - start;
}

uint32_t net_silent_flows(const struct net *net, uint64_t ns)
{
    uint32_t count = 0;

    for (uint32_t a = 0; a < net->node_count; a++) {
        for (uint32_t b = 0; b < net->node_count; b++) {
            const struct net_flow *f = &net->node[a].flow[b];
            count += f->is_on && (f->first_ns == 0 || net->now_ns - f->last_ns > ns);
        }
    }
    return count;
}

bool net_path_works(struct net *net, uint32_t from, uint32_t to)
{
    struct cjd_switch_header h = {.version = 1};
    struct cjd_dht_path path;
    uint8_t bytes[FRAME_BYTES] = {0};
    uint32_t at = from;
    uint32_t iface = CJD_SWITCH_SELF;

    if (!cjd_dht_best(net->node[from].dht, &net->node[to].addr, &path)) {
        return false;
    }
    h.label = path.to.label;
    cjd_switch_header_write(bytes, &h);
    for (unsigned hop = 0; hop < 64; hop++) {
        struct cjd_switch_verdict v =
            cjd_switch_frame(&net->node[at].sw, bytes, FRAME_BYTES, iface);
        if (v.action != CJD_SWITCH_FORWARD) {
            return false;
        }
        if (v.iface == CJD_SWITCH_SELF) {
            return at == to;
        }
        struct net_link *link = net->node[at].links[v.iface];
        if (!link || link->is_cut) {
            return false;
        }
        uint32_t end = link->node[0] == at && link->iface[0] == v.iface ? 1 : 0;
        at = link->node[end];
        iface = link->iface[end];
    }
    return false;
}

uint32_t net_distance(const struct net *net, uint32_t a, uint32_t b)
{
    uint32_t far[NET_NODES_MAX];

    for (uint32_t i = 0; i < NET_NODES_MAX; i++) {
        far[i] = i == a ? 0 : NET_NODES_MAX;
    }
    for (uint32_t round = 0; round < net->node_count; round++) {
        for (uint32_t i = 0; i < net->link_count; i++) {
            uint32_t x = net->link[i].node[0];
            uint32_t y = net->link[i].node[1];
            far[y] = far[x] + 1 < far[y] ? far[x] + 1 : far[y];
            far[x] = far[y] + 1 < far[x] ? far[y] + 1 : far[x];
        }
    }
    return far[b];
}

uint64_t net_queries_sent(const struct net *net, uint32_t node)
{
    struct cjd_dht_stats stats;

    cjd_dht_stats(net->node[node].dht, &stats);
    return stats.queries_sent;
}

void net_reply(struct net_node *from, const struct cjd_dht_contact *to, const uint8_t *message,
               size_t len)
{
    on_send(from, to, message, len, from->net->now_ns);
}
