#include "world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/wire.h>
#include <dht/message.h>

#define HOPS_MAX    64u
#define PING_BYTES  64u
#define NEVER_STUCK 10000000u
#define TURN_EVERY  (1 * CJD_S)
#define TURNS       10u
#define SOON        (1 * CJD_S)
#define RATE_SHORT  (1 * CJD_S)
#define RATE_LONG   (10 * CJD_S)

enum kind { MESSAGE, PING, PONG, SWITCH_ERROR };

struct event {
    struct cjd_timer timer;
    struct world *world;
    uint32_t origin;
    uint32_t node;
    enum kind kind;
    enum cjd_switch_error error;
    uint64_t label;       /* back to the origin, as the receiver writes it */
    uint64_t cause_label; /* of an error: as it stood where it failed */
    size_t len;
    uint8_t message[];
};

static void *must(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return p;
}

/* xorshift64*: the same run for the same seed. */
static void fill(void *ctx, void *buf, size_t n)
{
    uint64_t *x = ctx;
    uint8_t *out = buf;

    for (size_t i = 0; i < n; i += 8) {
        *x ^= *x >> 12;
        *x ^= *x << 25;
        *x ^= *x >> 27;
        uint64_t v = *x * 0x2545f4914f6cdd1dull;
        memcpy(out + i, &v, n - i < 8 ? n - i : 8);
    }
}

static bool addr_of_key(struct cjd_addr *out, const struct cjd_key *key)
{
    memcpy(out->b, key->b, sizeof out->b);
    return key->b[0] == 0xfc;
}

/* --- leading a frame through the switches ------------------------------------------------------
 */

struct trip {
    uint64_t delay_ns;
    uint32_t node; /* where it ended */
    uint32_t iface;
    uint64_t label; /* as it stood there */
    enum cjd_switch_action action;
    enum cjd_switch_error error;
};

static void travel(struct world *w, uint32_t from, uint64_t label, size_t bytes, struct trip *out)
{
    uint8_t header[PING_BYTES] = {0};
    struct cjd_switch_header h = {.label = label, .version = 1};

    *out = (struct trip){.node = from, .iface = CJD_SWITCH_SELF};
    cjd_switch_header_write(header, &h);
    for (unsigned hop = 0; hop < HOPS_MAX; hop++) {
        struct world_node *n = &w->node[out->node];
        struct cjd_switch_verdict v = cjd_switch_frame(&n->sw, header, sizeof header, out->iface);
        out->label = cjd_load64(header);
        out->action = v.action;
        out->error = v.error;
        if (v.action != CJD_SWITCH_FORWARD || v.iface == CJD_SWITCH_SELF) {
            return;
        }
        const struct world_port *p = &n->ports[v.iface];
        if (p->delay_ns == 0) {
            out->action = CJD_SWITCH_DROP;
            return;
        }
        n->tx_bytes += bytes;
        out->delay_ns += p->delay_ns;
        out->node = p->peer;
        out->iface = p->peer_iface;
    }
    out->action = CJD_SWITCH_DROP;
}

uint64_t world_delay(struct world *w, uint32_t from, uint32_t to, uint64_t label)
{
    struct trip t;

    travel(w, from, label, 0, &t);
    return t.action == CJD_SWITCH_FORWARD && t.node == to ? t.delay_ns : 0;
}

static size_t bytes_of(size_t message)
{
    return message + WORLD_OVERHEAD;
}

static void arrive(void *arg, uint64_t now_ns);

static void launch(struct world *w, uint32_t from, uint32_t to, uint64_t label, enum kind kind,
                   const uint8_t *message, size_t len)
{
    struct event *e = must(calloc(1, sizeof *e + len));
    struct trip t;

    travel(w, from, label, bytes_of(len), &t);
    e->world = w;
    e->origin = from;
    e->node = t.node;
    e->kind = kind;
    e->len = len;
    memcpy(e->message, message, len);
    e->label = cjd_label_reverse(t.label);
    if (t.action == CJD_SWITCH_ERROR && kind == MESSAGE) {
        /* Back by the way it came: the same delay again. */
        e->kind = SWITCH_ERROR;
        e->error = t.error;
        e->cause_label = t.label;
        e->label = label;
        e->node = from;
        t.delay_ns *= 2;
    } else if (t.action != CJD_SWITCH_FORWARD || t.node != to) {
        w->lost += t.action != CJD_SWITCH_FORWARD;
        w->misdelivered += t.action == CJD_SWITCH_FORWARD;
        free(e);
        return;
    }
    cjd_timer_init(&e->timer, arrive, e);
    cjd_timer_arm(&w->timers, &e->timer, w->now_ns + t.delay_ns);
}

/* --- look-ups ----------------------------------------------------------------------------------
 */

static struct world_probe *probe_for(struct world_node *n, const struct cjd_addr *addr)
{
    struct world_probe *p = n->probes;

    while (p && memcmp(&n->world->node[p->to].addr, addr, sizeof *addr) != 0) {
        p = p->next;
    }
    return p;
}

static void probe_ping(struct world_probe *p)
{
    launch(p->world, p->from, p->to, p->label, PING, NULL, 0);
}

static void probe_path(struct world_probe *p, uint64_t label)
{
    uint64_t delay = world_delay(p->world, p->from, p->to, label);

    p->last_delay_ns = delay ? delay : p->last_delay_ns;
    if (p->label != label) {
        p->label = label;
        if (p->answered_ns == 0) {
            probe_ping(p);
        }
    }
}

static void probe_pong(struct world_node *n, uint32_t origin)
{
    struct world_probe *p = probe_for(n, &n->world->node[origin].addr);

    if (p && p->answered_ns == 0) {
        p->answered_ns = n->world->now_ns;
        p->first_delay_ns = p->last_delay_ns;
    }
}

/* An impatient user: each second. */
static void probe_turn(void *arg, uint64_t now_ns)
{
    struct world_probe *p = arg;
    struct world_node *n = &p->world->node[p->from];

    p->world->now_ns = now_ns;
    if (p->turns == 0) {
        p->asked_ns = now_ns;
        p->next = n->probes;
        n->probes = p;
    }
    if (p->answered_ns != 0 && p->soon_delay_ns == 0 && now_ns - p->answered_ns >= SOON) {
        p->soon_delay_ns = p->last_delay_ns;
    }
    if (p->turns++ == TURNS) {
        struct world_probe **at = &n->probes;
        while (*at != p) {
            at = &(*at)->next;
        }
        *at = p->next;
        return;
    }
    if (p->answered_ns == 0) {
        uint64_t label = p->label;
        cjd_dht_want(n->dht, &p->world->node[p->to].addr, now_ns);
        if (label != 0 && p->label == label) {
            cjd_dht_path_doubt(n->dht, &p->world->node[p->to].addr, label, now_ns);
            probe_ping(p);
        }
    }
    cjd_timer_arm(&p->world->timers, &p->timer, now_ns + TURN_EVERY);
}

void world_probe_start(struct world *w, struct world_probe *probe, uint64_t at_ns)
{
    probe->world = w;
    cjd_timer_init(&probe->timer, probe_turn, probe);
    cjd_timer_arm(&w->timers, &probe->timer, at_ns);
}

/* What belongs to a look-up: who knows the target, and whether the target is there. */
static void count_request(struct world_node *n, const struct cjd_dht_contact *to,
                          const struct cjd_message *m)
{
    struct world_probe *p = NULL;

    if (m->method == CJD_METHOD_FN && m->target_len == sizeof(struct cjd_addr)) {
        struct cjd_addr target;
        memcpy(&target, m->target, sizeof target);
        p = probe_for(n, &target);
    } else if (n->probes) {
        p = probe_for(n, &to->addr);
    }
    if (p) {
        *(p->label == 0 && p->answered_ns == 0 ? &p->requests : &p->later) += 1;
    }
}

/* --- what the routers ask of their world -------------------------------------------------------
 */

static void count_rate(struct world_port *p, uint64_t now_ns)
{
    static const uint64_t length[WORLD_WINDOWS] = {RATE_SHORT, RATE_LONG};

    for (unsigned i = 0; i < WORLD_WINDOWS; i++) {
        uint32_t window = (uint32_t)(now_ns / length[i]);
        if (p->window[i] != window) {
            p->window[i] = window;
            p->count[i] = 0;
        }
        p->count[i]++;
        p->peak[i] = p->count[i] > p->peak[i] ? p->count[i] : p->peak[i];
    }
}

static void count_query(struct world_node *n, const struct cjd_dht_contact *to,
                        const struct cjd_message *m, uint64_t now_ns)
{
    const struct cjd_scheme *scheme = cjd_scheme_358();
    int form = cjd_scheme_form_of(scheme, to->label);

    assert(form >= 0);
    n->queries++;
    count_rate(&n->ports[cjd_scheme_iface_of(scheme, to->label, form)], now_ns);
    count_request(n, to, m);
}

static void on_send(void *ctx, const struct cjd_dht_contact *to, const uint8_t *message, size_t len,
                    uint64_t now_ns)
{
    struct world_node *n = ctx;
    struct world *w = n->world;
    struct cjd_message m;
    uint32_t index;

    if (cjd_message_decode(&m, message, len) == CJD_MESSAGE_OK && m.method != CJD_METHOD_NONE) {
        count_query(n, to, &m, now_ns);
    } else {
        n->replies++;
    }
    /* Its number is in the key. */
    index = cjd_load32(to->key.b + 28);
    if (index < w->node_count && memcmp(&w->node[index].key, &to->key, sizeof to->key) == 0) {
        launch(w, n->index, index, to->label, MESSAGE, message, len);
    }
}

static void on_path(void *ctx, const struct cjd_dht_path *path, uint64_t now_ns)
{
    struct world_node *n = ctx;
    struct world_probe *p = probe_for(n, &path->to.addr);

    (void)now_ns;
    if (p && (path->is_best || p->label == 0)) {
        probe_path(p, path->to.label);
    }
}

static void on_path_dead(void *ctx, const struct cjd_addr *addr, uint64_t label, uint64_t now_ns)
{
    struct world_node *n = ctx;
    struct world_probe *p = probe_for(n, addr);

    (void)now_ns;
    if (p && p->label == label) {
        p->label = 0;
    }
}

static void on_search_done(void *ctx, const struct cjd_addr *addr, bool was_found, uint64_t now_ns)
{
    (void)ctx;
    (void)addr;
    (void)was_found;
    (void)now_ns;
}

static void arrive(void *arg, uint64_t now_ns)
{
    struct event *e = arg;
    struct world *w = e->world;
    struct world_node *n = &w->node[e->node];
    const struct world_node *origin = &w->node[e->origin];
    struct cjd_dht_contact from = {
        .addr = origin->addr, .key = origin->key, .version = 21, .label = e->label};

    w->now_ns = now_ns;
    switch (e->kind) {
    case MESSAGE:
        if (n->dht) {
            cjd_dht_message(n->dht, &from, e->message, e->len, now_ns);
        }
        break;
    case SWITCH_ERROR:
        cjd_dht_switch_error(n->dht, e->label, e->cause_label, e->error, now_ns);
        break;
    case PING:
        launch(w, e->node, e->origin, e->label, PONG, NULL, 0);
        break;
    case PONG:
        probe_pong(n, e->origin);
        break;
    }
    free(e);
}

/* --- building ----------------------------------------------------------------------------------
 */

struct world *world_new(uint64_t seed, uint32_t nodes)
{
    struct world *w = must(calloc(1, sizeof *w));

    w->seed = seed * 0x9e3779b97f4a7c15ull + 1;
    w->rng = (struct cjd_rng){.fill = fill, .ctx = &w->seed};
    w->now_ns = 1000 * CJD_S;
    w->node_count = nodes;
    w->node = must(calloc(nodes, sizeof *w->node));
    for (uint32_t i = 0; i < nodes; i++) {
        struct world_node *n = &w->node[i];
        n->world = w;
        n->index = i;
        cjd_rng_fill(&w->rng, &n->key, sizeof n->key);
        n->key.b[0] = 0xfc;
        cjd_store32(n->key.b + 28, i);
        (void)addr_of_key(&n->addr, &n->key);
        cjd_switch_init(&n->sw, cjd_scheme_358());
        n->ports = must(calloc(CJD_SWITCH_IFACES, sizeof *n->ports));
    }
    return w;
}

void world_free(struct world *w)
{
    for (uint32_t i = 0; i < w->node_count; i++) {
        cjd_dht_free(w->node[i].dht);
        free(w->node[i].ports);
    }
    /* Frames under way, and look-ups, which are not ours. */
    for (struct cjd_timer *t; (t = w->timers.root);) {
        cjd_timer_cancel(&w->timers, t);
        if (t->fn == arrive) {
            free(t->arg);
        }
    }
    free(w->node);
    free(w);
}

static bool is_connected(const struct world_node *n, uint32_t to)
{
    for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
        if (n->ports[i].delay_ns != 0 && n->ports[i].peer == to) {
            return true;
        }
    }
    return false;
}

bool world_connect(struct world *w, uint32_t a, uint32_t b, uint64_t delay_ns)
{
    if (a == b || is_connected(&w->node[a], b)) {
        return false;
    }
    int x = cjd_switch_iface_add(&w->node[a].sw);
    int y = cjd_switch_iface_add(&w->node[b].sw);
    if (x < 0 || y < 0) {
        return false;
    }
    w->node[a].ports[x] =
        (struct world_port){.peer = b, .peer_iface = (uint32_t)y, .delay_ns = delay_ns};
    w->node[b].ports[y] =
        (struct world_port){.peer = a, .peer_iface = (uint32_t)x, .delay_ns = delay_ns};
    w->node[a].degree++;
    w->node[b].degree++;
    w->link_count++;
    return true;
}

static void boot(struct world_node *n)
{
    struct cjd_dht_config config = {.key = n->key,
                                    .addr = n->addr,
                                    .version = 21,
                                    .scheme = cjd_scheme_358(),
                                    .rng = n->world->rng,
                                    .timers = &n->world->timers,
                                    .drops = &n->drops,
                                    .addr_of_key = addr_of_key,
                                    .ops = {.send = on_send,
                                            .path = on_path,
                                            .path_dead = on_path_dead,
                                            .search_done = on_search_done,
                                            .ctx = n}};

    if (cjd_dht_new(&n->dht, &config, n->world->now_ns)) {
        fputs("no router\n", stderr);
        exit(1);
    }
}

static void tell_peers(struct world_node *n)
{
    for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
        const struct world_port *p = &n->ports[i];
        if (p->delay_ns == 0 || !n->world->node[p->peer].dht) {
            continue;
        }
        struct world_node *other = &n->world->node[p->peer];
        struct cjd_dht_contact to = {.addr = other->addr,
                                     .key = other->key,
                                     .version = 21,
                                     .label = cjd_scheme_peer_label(cjd_scheme_358(), i)};
        struct cjd_dht_contact back = {.addr = n->addr,
                                       .key = n->key,
                                       .version = 21,
                                       .label =
                                           cjd_scheme_peer_label(cjd_scheme_358(), p->peer_iface)};
        cjd_dht_peer_up(n->dht, &to, 2 * p->delay_ns, n->world->now_ns);
        cjd_dht_peer_up(other->dht, &back, 2 * p->delay_ns, n->world->now_ns);
    }
}

void world_start(struct world *w, uint64_t spread_ns)
{
    uint64_t start = w->now_ns;

    for (uint32_t i = 0; i < w->node_count; i++) {
        world_run(w, start + spread_ns * i / w->node_count);
        boot(&w->node[i]);
        tell_peers(&w->node[i]);
    }
}

void world_run(struct world *w, uint64_t until_ns)
{
    uint64_t next;

    while ((next = cjd_timers_next(&w->timers)) <= until_ns) {
        w->now_ns = next > w->now_ns ? next : w->now_ns;
        (void)cjd_timers_run(&w->timers, w->now_ns, NEVER_STUCK);
    }
    w->now_ns = until_ns;
}
