/*
 * A search for people to watch: asks the nearest node that was not asked yet for nodes near the
 * target, one after the other, until the target itself answers, nobody is left, or enough were
 * asked. The router's own searches are elsewhere (core/dht); what answers here prove, it learns.
 */
#include <rpc/methods_private.h>

#include <string.h>

#include <switch/label.h>

#define CANDIDATES 64u
#define SEEDS      8u
#define PATIENCE   (3 * CJD_S)

struct candidate {
    struct cjd_dht_contact to;
    bool is_asked;
};

struct search {
    struct cjd_addr target;
    uint64_t max;
    uint64_t requests;
    uint64_t answers;
    uint32_t count;
    uint32_t at;
    struct candidate v[CANDIDATES];
};

/* Is a nearer to the target than b? Addresses count from byte 8 on, then from byte 0. */
static bool is_nearer(const struct cjd_addr *target, const struct cjd_addr *a,
                      const struct cjd_addr *b)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned at = (i + 8) % 16;
        unsigned da = a->b[at] ^ target->b[at];
        unsigned db = b->b[at] ^ target->b[at];
        if (da != db) {
            return da < db;
        }
    }
    return false;
}

static struct candidate *find(struct search *s, const struct cjd_addr *addr)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (memcmp(&s->v[i].to.addr, addr, sizeof *addr) == 0) {
            return &s->v[i];
        }
    }
    return NULL;
}

/* The farthest goes when there is no room. */
static void add(struct search *s, const struct cjd_dht_contact *to)
{
    uint32_t place = s->count;

    if (find(s, &to->addr)) {
        return;
    }
    if (s->count == CANDIDATES) {
        place = 0;
        for (uint32_t i = 1; i < s->count; i++) {
            if (is_nearer(&s->target, &s->v[place].to.addr, &s->v[i].to.addr)) {
                place = i;
            }
        }
        if (!is_nearer(&s->target, &to->addr, &s->v[place].to.addr)) {
            return;
        }
    } else {
        s->count++;
    }
    s->v[place] = (struct candidate){.to = *to};
}

static struct candidate *nearest(struct search *s)
{
    struct candidate *best = NULL;

    for (uint32_t i = 0; i < s->count; i++) {
        struct candidate *c = &s->v[i];
        if (!c->is_asked && (!best || is_nearer(&s->target, &c->to.addr, &best->to.addr))) {
            best = c;
        }
    }
    return best;
}

/* The nearest nodes of the table, the target itself not among them. */
static void seed(struct cjd_methods *m, struct search *s)
{
    struct cjd_dht_node_info n;
    struct search all = {.target = s->target};

    for (uint32_t i = 0; cjd_dht_node_at(cjd_node_dht(m->config.node), i, &n); i++) {
        if (n.is_reachable && memcmp(&n.path.to.addr, &s->target, sizeof s->target) != 0) {
            add(&all, &n.path.to);
        }
    }
    for (unsigned i = 0; i < SEEDS; i++) {
        struct candidate *c = nearest(&all);
        if (!c) {
            break;
        }
        c->is_asked = true;
        add(s, &c->to);
    }
}

static void ask_next(struct probe *p);

static void search_end(struct probe *p, const struct cjd_dht_contact *found)
{
    const struct search *s = p->state;
    json_t *out = json_object();

    put(out, "found", json_boolean(found != NULL));
    put(out, "requests", value_count(s->requests));
    put(out, "answers", value_count(s->answers));
    put(out, "node", found ? value_contact(found) : json_null());
    probe_reply(p, out);
}

static void take_answer(struct probe *p, const struct cjd_dht_contact *asked)
{
    struct search *s = p->state;
    const struct cjd_addr *own = &cjd_node_self(p->m->config.node)->addr;
    json_t *nodes = json_array();
    json_t *item = json_object();

    for (uint32_t i = 0; i < p->answer.count; i++) {
        struct cjd_dht_contact c = p->answer.nodes[i];
        c.label = cjd_label_splice(c.label, asked->label);
        if (c.label != CJD_LABEL_INVALID) {
            json_array_append_new(nodes, value_contact(&c));
            if (memcmp(&c.addr, own, sizeof *own) != 0) {
                add(s, &c);
            }
        }
    }
    put(item, "from", value_contact(&p->answer.from));
    put(item, "rtt_ms", value_ms(p->answer.rtt_ns));
    put(item, "nodes", nodes);
    cjd_rpc_item(p->call, item);
}

static void on_answer(struct probe *p, uint64_t now_ns)
{
    struct search *s = p->state;
    struct cjd_dht_contact asked = s->v[s->at].to;

    (void)now_ns;
    if (!p->answer.is_timeout) {
        s->answers++;
        take_answer(p, &asked);
        if (memcmp(&asked.addr, &s->target, sizeof s->target) == 0) {
            search_end(p, &p->answer.from);
            return;
        }
    }
    ask_next(p);
}

/* Nobody named the target: perhaps the router knows it all the same. */
static struct candidate *known_target(struct probe *p)
{
    struct search *s = p->state;
    struct cjd_dht_path path;

    if (find(s, &s->target) || !cjd_dht_best(cjd_node_dht(p->m->config.node), &s->target, &path)) {
        return NULL;
    }
    add(s, &path.to);
    return find(s, &s->target);
}

static struct candidate *next(struct probe *p)
{
    struct search *s = p->state;

    if (s->requests >= s->max) {
        return NULL;
    }
    struct candidate *c = nearest(s);
    return c ? c : known_target(p);
}

/* What was named with a label that leads nowhere is passed over. */
static void ask_next(struct probe *p)
{
    struct search *s = p->state;
    int err = CJD_ERR_INVALID;

    while (err == CJD_ERR_INVALID) {
        struct candidate *c = next(p);
        if (!c) {
            search_end(p, NULL);
            return;
        }
        c->is_asked = true;
        s->at = (uint32_t)(c - s->v);
        struct cjd_dht_ask ask = {
            .to = c->to, .kind = CJD_DHT_ASK_FIND, .target = s->target, .timeout_ns = PATIENCE};
        if (memcmp(&c->to.addr, &s->target, sizeof s->target) == 0) {
            /* Some answer no search at all; whether it is there is what matters now. */
            ask.kind = CJD_DHT_ASK_PING;
        }
        err = probe_try(p, &ask, on_answer);
    }
    if (err < 0) {
        probe_fail(p, err);
        return;
    }
    s->requests++;
}

void m_search(void *arg, struct cjd_rpc_call *call, const json_t *args)
{
    struct cjd_methods *m = arg;
    struct cjd_addr target;

    if (!arg_addr(call, args, "address", &target)) {
        return;
    }
    struct probe *p = probe_new(m, call, sizeof(struct search));
    if (p) {
        struct search *s = p->state;
        s->target = target;
        s->max = arg_number(args, "max_requests");
        seed(m, s);
        ask_next(p);
    }
}
