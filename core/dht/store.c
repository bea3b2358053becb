#include <dht/store_private.h>

#include <stdlib.h>
#include <string.h>

#define PARALLEL_MAX 4u  /* links between the same two nodes */
#define IN_MAX       16u /* links to one node: more alternatives are of no use */
#define OUT_MAX      300u
#define LINKS_FIRST  64u          /* places */
#define WANTED_FOR   (60 * CJD_S) /* a node in use is not evicted */
#define STABLE_AFTER                                                                               \
    (60 * CJD_S)        /* a link that goes down sooner after it came up is a flapping one */
#define TAUGHT_SHARE 4u /* one teacher may fill 1/4 of the table, and at least … */
#define TAUGHT_MIN   32u

struct label_key {
    uint64_t label;
    uint64_t serial;
};

/* --- making and unmaking ---------------------------------------------------------------------- */

static int store_init(struct cjd_store *s)
{
    s->node_cap = s->cfg.nodes + CJD_STORE_PEERS_MAX + CJD_STORE_SLACK;
    s->sorted = calloc(s->node_cap, sizeof(struct cjd_store_node *));
    s->heap = calloc(s->node_cap + 1, sizeof(struct cjd_store_node *));
    s->open = calloc(s->node_cap + 1, sizeof(struct cjd_store_node *));
    s->self = calloc(1, sizeof *s->self);
    if (!s->sorted || !s->heap || !s->open || !s->self ||
        cjd_map_init(&s->by_addr, cjd_rng_u64(&s->cfg.rng)) ||
        cjd_map_init(&s->by_label, cjd_rng_u64(&s->cfg.rng))) {
        return CJD_ERR_NO_MEMORY;
    }
    return 0;
}

static void node_init(struct cjd_store_node *n, const struct cjd_dht_contact *who, uint32_t serial,
                      uint64_t now_ns)
{
    n->addr = who->addr;
    n->id = cjd_id_of(&who->addr);
    n->key = who->key;
    n->version = who->version;
    n->serial = serial;
    n->cost_us = CJD_UNREACHABLE;
    n->added_ns = n->lost_ns = n->asked_ns = now_ns;
    cjd_list_init(&n->age);
    cjd_list_init(&n->changed);
    cjd_list_init(&n->lost);
    cjd_list_init(&n->out);
    cjd_list_init(&n->in);
}

int cjd_store_new(struct cjd_store **out, const struct cjd_store_config *config, uint64_t now_ns)
{
    struct cjd_store *s = calloc(1, sizeof *s);
    struct cjd_dht_contact me = {
        .addr = config->addr, .key = config->key, .version = config->version};

    if (!s) {
        return CJD_ERR_NO_MEMORY;
    }
    s->cfg = *config;
    cjd_list_init(&s->node_age);
    cjd_list_init(&s->link_age);
    cjd_list_init(&s->changed);
    cjd_list_init(&s->down);
    cjd_list_init(&s->lost);
    int err = store_init(s);
    if (err) {
        cjd_store_free(s);
        return err;
    }
    node_init(s->self, &me, s->serials++, now_ns);
    s->self->scheme = config->scheme;
    s->self->path = CJD_LABEL_SELF;
    s->self->cost_us = 0;
    *out = s;
    return 0;
}

void cjd_store_free(struct cjd_store *s)
{
    if (!s) {
        return;
    }
    for (uint32_t i = 0; i < s->link_count; i++) {
        free(s->links[i]);
    }
    for (uint32_t i = 0; i < s->node_count; i++) {
        if (s->cfg.removing) {
            s->cfg.removing(s->cfg.ctx, s->sorted[i]);
        }
        free(s->sorted[i]->own_scheme);
        free(s->sorted[i]);
    }
    cjd_map_fini(&s->by_addr);
    cjd_map_fini(&s->by_label);
    free(s->self);
    free(s->links);
    free(s->open);
    free(s->heap);
    free(s->sorted);
    free(s);
}

/* --- looking up --------------------------------------------------------------------------------
 */

struct cjd_store_node *cjd_store_self(const struct cjd_store *s)
{
    return s->self;
}

static bool has_addr(const struct cjd_map_node *node, const void *key)
{
    const struct cjd_addr *addr = key;
    return memcmp(&CJD_CONTAINER_OF(node, const struct cjd_store_node, by_addr)->addr, addr,
                  sizeof *addr) == 0;
}

struct cjd_store_node *cjd_store_find(const struct cjd_store *s, const struct cjd_addr *addr)
{
    uint64_t hash = cjd_map_hash(&s->by_addr, addr, sizeof *addr);
    struct cjd_map_node *n = cjd_map_find(&s->by_addr, hash, has_addr, addr);
    return n ? CJD_CONTAINER_OF(n, struct cjd_store_node, by_addr) : NULL;
}

uint32_t cjd_store_node_count(const struct cjd_store *s)
{
    return s->node_count;
}

struct cjd_store_node *cjd_store_node_at(const struct cjd_store *s, uint32_t index)
{
    return index < s->node_count ? s->sorted[index] : NULL;
}

uint32_t cjd_store_link_count(const struct cjd_store *s)
{
    return s->link_count;
}

struct cjd_store_link *cjd_store_link_at(const struct cjd_store *s, uint32_t index)
{
    return index < s->link_count ? s->links[index] : NULL;
}

static bool has_label(const struct cjd_map_node *node, const void *key)
{
    const struct label_key *k = key;
    const struct cjd_store_link *l = CJD_CONTAINER_OF(node, const struct cjd_store_link, by_label);
    return l->label == k->label && l->parent->serial == k->serial;
}

static uint64_t label_hash(const struct cjd_store *s, const struct label_key *key)
{
    return cjd_map_hash(&s->by_label, key, sizeof *key);
}

struct cjd_store_link *cjd_store_link_find(const struct cjd_store *s,
                                           const struct cjd_store_node *parent, uint64_t label)
{
    struct label_key key = {.label = label, .serial = parent->serial};
    struct cjd_map_node *n = cjd_map_find(&s->by_label, label_hash(s, &key), has_label, &key);
    return n ? CJD_CONTAINER_OF(n, struct cjd_store_link, by_label) : NULL;
}

uint64_t cjd_store_nodes_ever(const struct cjd_store *s)
{
    return s->nodes_ever;
}

uint64_t cjd_store_breaks(const struct cjd_store *s)
{
    return s->breaks;
}

uint32_t cjd_store_bucket_count(const struct cjd_store *s, struct cjd_id id)
{
    return s->buckets[cjd_id_common(s->self->id, id)];
}

bool cjd_store_is_full(const struct cjd_store *s)
{
    return s->node_count - s->peer_count >= s->cfg.nodes;
}

bool cjd_store_is_reachable(const struct cjd_store_node *node)
{
    return node->cost_us != CJD_UNREACHABLE;
}

struct cjd_store_node *cjd_store_oldest_node(const struct cjd_store *s)
{
    return cjd_list_is_empty(&s->node_age)
               ? NULL
               : CJD_CONTAINER_OF(s->node_age.next, struct cjd_store_node, age);
}

struct cjd_store_link *cjd_store_oldest_link(const struct cjd_store *s)
{
    return cjd_list_is_empty(&s->link_age)
               ? NULL
               : CJD_CONTAINER_OF(s->link_age.next, struct cjd_store_link, age);
}

void cjd_store_node_asked(struct cjd_store *s, struct cjd_store_node *node, uint64_t now_ns)
{
    node->asked_ns = now_ns;
    cjd_list_append(&s->node_age, &node->age);
}

void cjd_store_link_probed(struct cjd_store *s, struct cjd_store_link *link, uint64_t now_ns)
{
    link->probed_ns = now_ns;
    cjd_list_append(&s->link_age, &link->age);
}

struct cjd_list *cjd_store_down(struct cjd_store *s)
{
    return &s->down;
}

struct cjd_list *cjd_store_lost(struct cjd_store *s)
{
    return &s->lost;
}

/* First position whose id is not below. */
static uint32_t position_of(const struct cjd_store *s, struct cjd_id id)
{
    uint32_t lo = 0;
    uint32_t hi = s->node_count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (cjd_id_is_less(s->sorted[mid]->id, id)) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

struct range {
    uint32_t lo;
    uint32_t hi;
};

/* First position in a range that has the bit set; all bits before it are equal in the range. */
static uint32_t divide(const struct cjd_store *s, struct range r, unsigned bit)
{
    while (r.lo < r.hi) {
        uint32_t mid = r.lo + (r.hi - r.lo) / 2;
        if (cjd_id_bit(s->sorted[mid]->id, bit)) {
            r.hi = mid;
        } else {
            r.lo = mid + 1;
        }
    }
    return r.lo;
}

/*
 * The sorted table is a binary trie in disguise: a range whose ids first differ in one bit falls
 * into two halves, and every id of the half that agrees with the target is nearer than every id of
 * the other. Visiting near halves first yields strict XOR order.
 */
void cjd_store_nearest(const struct cjd_store *s, struct cjd_id target,
                       bool (*visit)(void *ctx, struct cjd_store_node *node), void *ctx)
{
    struct range stack[CJD_ID_BITS + 2];
    unsigned depth = 0;

    if (s->node_count > 0) {
        stack[depth++] = (struct range){.lo = 0, .hi = s->node_count};
    }
    while (depth > 0) {
        struct range r = stack[--depth];
        if (r.hi - r.lo == 1) {
            if (cjd_store_is_reachable(s->sorted[r.lo]) && !visit(ctx, s->sorted[r.lo])) {
                return;
            }
            continue;
        }
        unsigned bit = cjd_id_common(s->sorted[r.lo]->id, s->sorted[r.hi - 1]->id);
        uint32_t mid = divide(s, r, bit);
        struct range low = {.lo = r.lo, .hi = mid};
        struct range high = {.lo = mid, .hi = r.hi};
        bool is_high = cjd_id_bit(target, bit);
        stack[depth++] = is_high ? low : high;
        stack[depth++] = is_high ? high : low;
    }
}

/* --- nodes -------------------------------------------------------------------------------------
 */

struct cjd_store_node *cjd_store_node_add(struct cjd_store *s, const struct cjd_dht_contact *who,
                                          uint64_t now_ns)
{
    struct cjd_store_node *n;

    if (s->node_count == s->node_cap || !(n = calloc(1, sizeof *n))) {
        return NULL;
    }
    node_init(n, who, s->serials++, now_ns);
    uint32_t at = position_of(s, n->id);
    memmove(s->sorted + at + 1, s->sorted + at,
            (s->node_count - at) * sizeof(struct cjd_store_node *));
    s->sorted[at] = n;
    s->node_count++;
    s->nodes_ever++;
    s->buckets[cjd_id_common(s->self->id, n->id)]++;
    cjd_map_insert(&s->by_addr, &n->by_addr, cjd_map_hash(&s->by_addr, &n->addr, sizeof n->addr));
    cjd_list_append(&s->node_age, &n->age);
    cjd_list_append(&s->lost, &n->lost);
    return n;
}

void cjd_store_set_teacher(struct cjd_store_node *node, struct cjd_store_node *teacher)
{
    if (node->teacher) {
        node->teacher->taught--;
    }
    node->teacher = teacher;
    if (teacher) {
        teacher->taught++;
    }
}

static void forget_teacher(struct cjd_store *s, struct cjd_store_node *teacher)
{
    for (uint32_t i = 0; teacher->taught > 0 && i < s->node_count; i++) {
        if (s->sorted[i]->teacher == teacher) {
            cjd_store_set_teacher(s->sorted[i], NULL);
        }
    }
}

void cjd_store_node_remove(struct cjd_store *s, struct cjd_store_node *node, uint64_t now_ns)
{
    if (s->cfg.removing) {
        s->cfg.removing(s->cfg.ctx, node);
    }
    CJD_LIST_EACH(e, &node->in)
    {
        cjd_store_link_retire(s, CJD_STORE_IN(e), now_ns);
    }
    CJD_LIST_EACH(e, &node->out)
    {
        cjd_store_link_retire(s, CJD_STORE_OUT(e), now_ns);
    }
    cjd_store_set_teacher(node, NULL);
    forget_teacher(s, node);
    uint32_t at = position_of(s, node->id);
    s->node_count--;
    memmove(s->sorted + at, s->sorted + at + 1,
            (s->node_count - at) * sizeof(struct cjd_store_node *));
    s->buckets[cjd_id_common(s->self->id, node->id)]--;
    cjd_map_remove(&s->by_addr, &node->by_addr);
    cjd_list_remove(&node->age);
    cjd_list_remove(&node->changed);
    cjd_list_remove(&node->lost);
    free(node->own_scheme);
    free(node);
}

/* --- links -------------------------------------------------------------------------------------
 */

static bool is_expendable(const struct cjd_store_link *l)
{
    return l->is_down || l->child->best != l;
}

/* Of the links to `child` (only those from `parent`, if set) the one that is missed least. */
static struct cjd_store_link *least_useful(struct cjd_store_node *child,
                                           const struct cjd_store_node *parent)
{
    struct cjd_store_link *worst = NULL;

    CJD_LIST_EACH(e, &child->in)
    {
        struct cjd_store_link *l = CJD_STORE_IN(e);
        if ((parent && l->parent != parent) || !is_expendable(l)) {
            continue;
        }
        if (!worst || (l->is_down && !worst->is_down) ||
            (l->is_down == worst->is_down && l->proven_ns < worst->proven_ns)) {
            worst = l;
        }
    }
    return worst;
}

static unsigned count_parallel(struct cjd_store_node *child, const struct cjd_store_node *parent)
{
    unsigned n = 0;

    CJD_LIST_EACH(e, &child->in)
    {
        n += CJD_STORE_IN(e)->parent == parent;
    }
    return n;
}

/* Against labels invented by the dozen: few links between two nodes, few links to one node. */
static bool make_room(struct cjd_store *s, struct cjd_store_node *parent,
                      struct cjd_store_node *child, uint64_t now_ns)
{
    struct cjd_store_link *victim = NULL;

    if (parent != s->self && parent->out_count >= OUT_MAX) {
        return false;
    }
    if (count_parallel(child, parent) >= PARALLEL_MAX) {
        victim = least_useful(child, parent);
    } else if (child->in_count >= IN_MAX) {
        victim = least_useful(child, NULL);
    } else {
        return true;
    }
    if (victim) {
        cjd_store_link_retire(s, victim, now_ns);
    }
    return victim != NULL;
}

static void attach(struct cjd_store *s, struct cjd_store_link *l)
{
    struct label_key key = {.label = l->label, .serial = l->parent->serial};

    cjd_map_insert(&s->by_label, &l->by_label, label_hash(s, &key));
    cjd_list_append(&l->parent->out, &l->out);
    cjd_list_append(&l->child->in, &l->in);
    cjd_list_append(&s->link_age, &l->age);
    l->parent->out_count++;
    l->child->in_count++;
    l->parent->multi_count += !l->is_one_hop;
    if (l->parent == s->self && l->is_one_hop) {
        s->peer_count += l->child->peer_links++ == 0;
    }
}

static void detach(struct cjd_store *s, struct cjd_store_link *l)
{
    if (l->parent == s->self && l->is_one_hop) {
        s->peer_count -= --l->child->peer_links == 0;
    }
    /* A link has both ends for as long as it lives. NOLINTNEXTLINE(*-core.NullDereference) */
    l->parent->multi_count -= !l->is_one_hop;
    l->child->in_count--;
    l->parent->out_count--;
    cjd_list_remove(&l->down);
    cjd_list_remove(&l->age);
    cjd_list_remove(&l->in);
    cjd_list_remove(&l->out);
    cjd_map_remove(&s->by_label, &l->by_label);
}

/* A place for one more in the table of links, which grows by doubling. */
static bool has_place(struct cjd_store *s)
{
    uint32_t most = s->cfg.links + CJD_STORE_PEERS_MAX + CJD_STORE_SLACK;
    uint32_t room = s->link_room * 2 > LINKS_FIRST ? s->link_room * 2 : LINKS_FIRST;

    if (s->link_count < s->link_room || s->link_count >= most) {
        return s->link_count < s->link_room;
    }
    room = room < most ? room : most;
    struct cjd_store_link **links = realloc(s->links, room * sizeof(struct cjd_store_link *));
    if (links) {
        s->links = links;
        s->link_room = room;
    }
    return links != NULL;
}

struct cjd_store_link *cjd_store_link_add(struct cjd_store *s, struct cjd_store_node *parent,
                                          uint64_t label, struct cjd_store_node *child,
                                          int back_form, uint64_t now_ns)
{
    struct cjd_store_link *l;

    if (!has_place(s) || !make_room(s, parent, child, now_ns) || !(l = calloc(1, sizeof *l))) {
        return NULL;
    }
    l->parent = parent;
    l->child = child;
    l->label = label;
    l->back_form = back_form;
    l->is_one_hop = cjd_scheme_is_one_hop(parent->scheme, label);
    l->proven_ns = l->probed_ns = now_ns;
    l->up_ns = 0;
    cjd_list_init(&l->out);
    cjd_list_init(&l->in);
    cjd_list_init(&l->age);
    cjd_list_init(&l->down);
    (void)cjd_store_link_assess(l);
    l->index = s->link_count;
    s->links[s->link_count++] = l;
    attach(s, l);
    return l;
}

void cjd_store_link_retried(struct cjd_store_link *link, uint64_t now_ns)
{
    unsigned shift = (unsigned)link->misses + link->flaps;

    link->retry_ns =
        now_ns + (CJD_STORE_RETRY << (shift < CJD_STORE_RETRY_LOG ? shift : CJD_STORE_RETRY_LOG));
}

void cjd_store_link_set_down(struct cjd_store *s, struct cjd_store_link *link, uint64_t now_ns)
{
    if (link->is_down) {
        return;
    }
    s->breaks += !link->is_retired;
    link->is_down = true;
    link->down_ns = now_ns;
    link->misses = 0;
    if (now_ns - link->up_ns >= STABLE_AFTER) {
        link->flaps = 0;
    } else if (link->flaps < CJD_STORE_RETRY_LOG) {
        link->flaps++;
    }
    cjd_store_link_retried(link, now_ns);
    cjd_list_append(&s->down, &link->down);
    cjd_store_link_changed(s, link, now_ns);
}

void cjd_store_link_remove(struct cjd_store *s, struct cjd_store_link *link, uint64_t now_ns)
{
    cjd_store_link_set_down(s, link, now_ns);
    detach(s, link);
    struct cjd_store_link *last = s->links[--s->link_count];
    s->links[link->index] = last;
    last->index = link->index;
    free(link);
}

void cjd_store_link_retire(struct cjd_store *s, struct cjd_store_link *link, uint64_t now_ns)
{
    link->is_retired = true;
    cjd_store_link_remove(s, link, now_ns);
}

/* --- eviction ----------------------------------------------------------------------------------
 */

static uint32_t taught_limit(const struct cjd_store *s)
{
    uint32_t share = s->cfg.nodes / TAUGHT_SHARE;
    return share > TAUGHT_MIN ? share : TAUGHT_MIN;
}

/* How easily a node is parted with: 0 (hardest) … 4. */
static unsigned expendability(const struct cjd_store *s, const struct cjd_store_node *n,
                              uint64_t now_ns)
{
    bool is_wanted = n->wanted_ns != 0 && now_ns - n->wanted_ns < WANTED_FOR;

    if (is_wanted) {
        return 0;
    }
    if (!cjd_store_is_reachable(n)) {
        return 4;
    }
    if (n->teacher && n->teacher->taught > taught_limit(s)) {
        return 3;
    }
    /* A bucket keeps its best few, so that lookups have somebody to ask in each direction. */
    if (cjd_store_bucket_count(s, n->id) <= CJD_STORE_BUCKET) {
        return 0;
    }
    return n->tree_children == 0 ? 2 : 1;
}

static struct cjd_store_node *least_valuable(const struct cjd_store *s, uint64_t now_ns)
{
    struct cjd_store_node *victim = NULL;
    unsigned most = 0;

    for (uint32_t i = 0; i < s->node_count; i++) {
        struct cjd_store_node *n = s->sorted[i];
        if (n->peer_links > 0) {
            continue;
        }
        unsigned ease = expendability(s, n, now_ns);
        if (!victim || ease > most || (ease == most && n->cost_us > victim->cost_us)) {
            victim = n;
            most = ease;
        }
    }
    return victim;
}

static struct cjd_store_link *oldest_expendable(const struct cjd_store *s)
{
    CJD_LIST_EACH(e, &s->link_age)
    {
        struct cjd_store_link *l = CJD_CONTAINER_OF(e, struct cjd_store_link, age);
        if (is_expendable(l) && l->parent != s->self) {
            return l;
        }
    }
    return NULL;
}

void cjd_store_trim(struct cjd_store *s, uint64_t now_ns)
{
    while (s->node_count - s->peer_count > s->cfg.nodes) {
        struct cjd_store_node *victim = least_valuable(s, now_ns);
        if (!victim) {
            break;
        }
        cjd_store_node_remove(s, victim, now_ns);
    }
    while (s->link_count > s->cfg.links) {
        struct cjd_store_link *victim = oldest_expendable(s);
        /* All are in use for some node: then the node goes, unless it is a peer. */
        struct cjd_store_node *node = victim ? NULL : least_valuable(s, now_ns);
        if (victim) {
            cjd_store_link_retire(s, victim, now_ns);
        } else if (node) {
            cjd_store_node_remove(s, node, now_ns);
        } else {
            break;
        }
    }
}
