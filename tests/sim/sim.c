#include <sim/private.h>

#include <string.h>

#define PACKETS_MAX  (16u << 20)
#define LINK_MTU     3496u
#define PASSWORD     "a password of the simulated network"
#define LOGIN        "simulated"
#define STREAM_NODES 1000000u

const char *sim_kind_text(enum sim_kind kind)
{
    static const char *const text[] = {
#define SIM_KIND_TEXT(name, text, what) text,
        SIM_KIND_LIST(SIM_KIND_TEXT)
#undef SIM_KIND_TEXT
    };
    return text[kind];
}

struct host *host_at(const struct sim *sim, uint32_t node)
{
    if (node >= sim->hosts) {
        sim_fatal("no node %u", node);
    }
    return sim->host[node];
}

struct sim *sim_new(uint64_t seed)
{
    struct sim *sim = sim_alloc(sizeof *sim);

    if (cjd_crypto_init() != 0) {
        sim_fatal("no cryptography");
    }
    sim->now_ns = SIM_EPOCH;
    sim->seed = seed;
    sim->flood_rate = 200;
    sim_random_init(&sim->random, seed, 0);
    sim->pool = cjd_pool_new(PACKETS_MAX, 16);
    if (!sim->pool) {
        sim_fatal("out of memory");
    }
    return sim;
}

static void tell_life(struct host *h, bool is_up)
{
    for (const struct sim_life *l = h->life; l; l = l->next) {
        l->fn(l->ctx, h->number, is_up);
    }
}

static void host_stop(struct host *h)
{
    if (h->node) {
        tell_life(h, false);
        const struct cjd_drops *drops = cjd_node_drops(h->node);
        for (unsigned i = 0; i < CJD_DROP_COUNT; i++) {
            h->drops.count[i] += drops->count[i];
        }
        struct host *before = hooks_enter(h);
        cjd_node_free(h->node);
        hooks_leave(before);
        h->node = NULL;
        if (h->heap_bytes != 0) {
            sim_fatal("node %u left %llu bytes behind", h->number,
                      (unsigned long long)h->heap_bytes);
        }
        sim_wakes_set(&h->sim->wakes, h->number, CJD_NEVER);
    }
}

void sim_free(struct sim *sim)
{
    struct sim_event e;

    if (!sim) {
        return;
    }
    for (uint32_t i = 0; i < sim->hosts; i++) {
        host_stop(sim->host[i]);
    }
    while (sim_events_pop(&sim->events, &e)) {
        if (e.kind == EVENT_PACKET) {
            sim_free_bytes(e.what);
        } else if (e.kind == EVENT_INJECT) {
            cjd_pool_give(sim->pool, e.what);
        } else if (e.kind == EVENT_CONTENT) {
            content_discard(sim, e.what);
        }
    }
    for (uint32_t i = 0; i < sim->hosts; i++) {
        content_free(sim->host[i]);
        sim_free_bytes(sim->host[i]->links);
        sim_free_bytes(sim->host[i]);
    }
    if (cjd_pool_in_use(sim->pool) != 0) {
        sim_fatal("%u packets leaked", cjd_pool_in_use(sim->pool));
    }
    cjd_pool_free(sim->pool);
    sim_events_fini(&sim->events);
    sim_wakes_fini(&sim->wakes);
    sim_free_bytes(sim->host);
    sim_free_bytes(sim->wire);
    sim_free_bytes(sim);
}

uint64_t sim_now(const struct sim *sim)
{
    return sim->now_ns;
}

struct sim_random *sim_random(struct sim *sim)
{
    return &sim->random;
}

/* --- building --------------------------------------------------------------------------------- */

uint32_t sim_add_node(struct sim *sim)
{
    struct host *h = sim_alloc(sizeof *h);
    uint32_t n = sim->hosts++;

    sim->host = sim_resize(sim->host, sim->hosts * sizeof(struct host *));
    sim->host[n] = h;
    h->sim = sim;
    h->number = n;
    h->victim = SIM_NOBODY;
    sim_random_init(&h->random, sim->seed, STREAM_NODES + n);
    struct cjd_rng rng = sim_random_rng(&h->random);
    cjd_keypair_generate(&h->keys, &rng);
    sim_wakes_add(&sim->wakes);
    return n;
}

static void add_end(struct host *h, uint32_t link)
{
    h->links = sim_resize(h->links, (h->link_count + 1) * sizeof *h->links);
    h->links[h->link_count++] = link;
}

/* After every call into a node: what it wants to send, and when it wants to be called next. */
static void settle(struct host *h)
{
    cjd_node_flush(h->node);
    uint64_t at = cjd_node_next(h->node);
    sim_wakes_set(&h->sim->wakes, h->number, at > h->sim->now_ns ? at : h->sim->now_ns);
}

static void configure(struct host *caller, uint32_t link)
{
    const struct host *called = host_at(caller->sim, caller->sim->wire[link].info.end[1]);
    struct cjd_link_peer_spec spec = {
        .link = 0, .addr = wire_addr(link, 1), .key = called->keys.key, .name = "peer"};

    cjd_credentials_init(&spec.credentials, LOGIN, PASSWORD, strlen(PASSWORD));
    int err = cjd_node_peer_add(caller->node, &spec, caller->sim->now_ns);
    if (err < 0) {
        sim_fatal("node %u: peer refused: %s", caller->number, cjd_err_text(err));
    }
    cjd_credentials_fini(&spec.credentials);
}

uint32_t sim_add_link(struct sim *sim, uint32_t a, uint32_t b, const struct sim_link_model *model)
{
    struct host *caller = host_at(sim, a);
    struct host *called = host_at(sim, b);
    uint32_t n = sim->wires++;

    if (a == b || model->loss_ppm > 1000000) {
        sim_fatal("a link that cannot be: %u to %u", a, b);
    }
    if ((n & (n - 1)) == 0) {
        sim->wire = sim_resize(sim->wire, (n ? 2 * (size_t)n : 1) * sizeof *sim->wire);
    }
    sim->wire[n] = (struct wire){.info = {.end = {a, b}, .model = *model}};
    if (model->queue_ns == 0) {
        sim->wire[n].info.model.queue_ns = 200 * CJD_MS;
    }
    add_end(caller, n);
    add_end(called, n);
    if (caller->node) {
        struct host *before = hooks_enter(caller);
        configure(caller, n);
        settle(caller);
        hooks_leave(before);
    }
    return n;
}

uint32_t sim_node_count(const struct sim *sim)
{
    return sim->hosts;
}

uint32_t sim_link_count(const struct sim *sim)
{
    return sim->wires;
}

void sim_set_evil(struct sim *sim, uint32_t node, enum sim_evil evil)
{
    host_at(sim, node)->evil = evil;
}

enum sim_evil sim_evil_of(const struct sim *sim, uint32_t node)
{
    return host_at(sim, node)->evil;
}

void sim_set_victim(struct sim *sim, uint32_t node, uint32_t victim)
{
    host_at(sim, node)->victim = victim;
}

bool sim_is_dead_end(const struct sim *sim, uint32_t node)
{
    switch (host_at(sim, node)->evil) {
    case SIM_FALSE_PATHS:
    case SIM_FALSE_NEIGHBOURS:
    case SIM_LIE:
    case SIM_SILENT:
    case SIM_DROP:
        return true;
    case SIM_HONEST:
    case SIM_FLOOD:
    case SIM_ECLIPSE:
    case SIM_EVIL_COUNT:
        break;
    }
    return false;
}

void sim_set_flood_rate(struct sim *sim, uint32_t per_second)
{
    sim->flood_rate = per_second > 0 ? per_second : 1;
}

static void run_up(struct host *h)
{
    struct cjd_node_config config = {
        .self = h->keys,
        .rng = sim_random_rng(&h->random),
        .pool = h->sim->pool,
        .ops = {.link_tx = wire_tx,
                .deliver = machine_deliver,
                .content = content_arrived,
                .ctx = h},
    };
    int err = cjd_node_new(&h->node, &config, h->sim->now_ns);

    if (!err) {
        err = cjd_users_add(cjd_node_users(h->node), LOGIN, PASSWORD, strlen(PASSWORD), NULL);
    }
    if (err || cjd_node_link_add(h->node, "wire", LINK_MTU, 1) != 0) {
        sim_fatal("node %u does not start: %s", h->number, cjd_err_text(err));
    }
    for (uint32_t i = 0; i < h->link_count; i++) {
        if (h->sim->wire[h->links[i]].info.end[0] == h->number) {
            configure(h, h->links[i]);
        }
    }
}

void sim_add_life(struct sim *sim, uint32_t node, struct sim_life *life)
{
    struct host *h = host_at(sim, node);

    life->next = h->life;
    h->life = life;
}

void sim_start(struct sim *sim, uint32_t node)
{
    struct host *h = host_at(sim, node);

    if (h->node) {
        return;
    }
    h->lives++;
    sim_random_init(&h->random, sim->seed ^ (uint64_t)h->lives << 32, STREAM_NODES + node);
    struct host *before = hooks_enter(h);
    run_up(h);
    settle(h);
    hooks_leave(before);
    evil_started(h);
    content_started(h);
    tell_life(h, true);
}

void sim_stop(struct sim *sim, uint32_t node)
{
    host_stop(host_at(sim, node));
}

bool sim_is_up(const struct sim *sim, uint32_t node)
{
    return host_at(sim, node)->node != NULL;
}

/* --- running ---------------------------------------------------------------------------------- */

/* From the machine, or from a link. */
static void feed(struct host *h, struct cjd_pkt *pkt, bool is_from_wire)
{
    CJD_VEC_LOCAL(vec, 1);

    if (!h->node) {
        cjd_pool_give(h->sim->pool, pkt);
        return;
    }
    cjd_vec_add(&vec, pkt);
    struct host *before = hooks_enter(h);
    if (is_from_wire) {
        cjd_node_rx(h->node, 0, 0, &vec, h->sim->now_ns);
    } else {
        cjd_node_inject(h->node, &vec, h->sim->now_ns);
    }
    settle(h);
    hooks_leave(before);
}

static void happen(struct sim *sim, const struct sim_event *e)
{
    switch (e->kind) {
    case EVENT_PACKET:
        feed(sim->host[e->number], wire_land(sim, e->what), true);
        break;
    case EVENT_INJECT:
        feed(sim->host[e->number], e->what, false);
        break;
    case EVENT_CONTENT:
        content_hand_over(sim->host[e->number], e->what);
        break;
    default:
        e->call(e->what, e->number);
        break;
    }
}

static void wake(struct host *h)
{
    struct host *before = hooks_enter(h);

    cjd_node_run(h->node, h->sim->now_ns);
    settle(h);
    hooks_leave(before);
}

void sim_run_until(struct sim *sim, uint64_t at_ns)
{
    for (;;) {
        const struct sim_event *first = sim_events_first(&sim->events);
        uint32_t node = 0;
        uint64_t timer = sim_wakes_first(&sim->wakes, &node);
        uint64_t event = first ? first->at_ns : CJD_NEVER;
        uint64_t next = event <= timer ? event : timer;
        if (next > at_ns || next == CJD_NEVER) {
            break;
        }
        sim->now_ns = next > sim->now_ns ? next : sim->now_ns;
        sim->events_done++;
        if (event <= timer) {
            struct sim_event e;
            (void)sim_events_pop(&sim->events, &e);
            happen(sim, &e);
        } else {
            wake(sim->host[node]);
        }
        uint64_t packets = sim->flights + cjd_pool_in_use(sim->pool);
        sim->packets_peak = packets > sim->packets_peak ? packets : sim->packets_peak;
    }
    sim->now_ns = at_ns > sim->now_ns ? at_ns : sim->now_ns;
}

void sim_at(struct sim *sim, uint64_t at_ns, void (*fn)(void *arg, uint32_t number), void *arg,
            uint32_t number)
{
    struct sim_event e = {.at_ns = at_ns > sim->now_ns ? at_ns : sim->now_ns,
                          .what = arg,
                          .call = fn,
                          .number = number,
                          .kind = EVENT_CALL};

    sim_events_push(&sim->events, &e);
}

void sim_call(struct sim *sim, uint32_t node,
              void (*fn)(struct cjd_node *node, uint64_t now_ns, void *arg), void *arg)
{
    struct host *h = host_at(sim, node);

    if (h->node) {
        struct host *before = hooks_enter(h);
        fn(h->node, sim->now_ns, arg);
        settle(h);
        hooks_leave(before);
    }
}

/* --- looking in ------------------------------------------------------------------------------- */

struct cjd_pool *sim_pool(struct sim *sim)
{
    return sim->pool;
}

struct cjd_node *sim_node(struct sim *sim, uint32_t node)
{
    return host_at(sim, node)->node;
}

const struct cjd_keypair *sim_keys(const struct sim *sim, uint32_t node)
{
    return &host_at(sim, node)->keys;
}

void sim_sent(const struct sim *sim, uint32_t node, struct sim_sent *out)
{
    *out = host_at(sim, node)->sent;
}

void sim_drops(const struct sim *sim, uint32_t node, struct cjd_drops *out)
{
    const struct host *h = host_at(sim, node);

    *out = h->drops;
    for (unsigned i = 0; h->node && i < CJD_DROP_COUNT; i++) {
        out->count[i] += cjd_node_drops(h->node)->count[i];
    }
}

uint64_t sim_heap_bytes(const struct sim *sim, uint32_t node)
{
    return host_at(sim, node)->heap_bytes;
}

uint64_t sim_packets_peak(const struct sim *sim)
{
    return sim->packets_peak;
}

uint64_t sim_events(const struct sim *sim)
{
    return sim->events_done;
}

void sim_watch(struct sim *sim, uint32_t node, struct sim_watch *watch, uint32_t target)
{
    struct host *h = host_at(sim, node);

    *watch = (struct sim_watch){.next = h->watches, .target = host_at(sim, target)->keys.addr};
    h->watches = watch;
}

void sim_unwatch(struct sim *sim, uint32_t node, struct sim_watch *watch)
{
    for (struct sim_watch **at = &host_at(sim, node)->watches; *at; at = &(*at)->next) {
        if (*at == watch) {
            *at = watch->next;
            return;
        }
    }
}
