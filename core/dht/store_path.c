/*
 * Best paths: a tree of links with this node at its root, repaired where something changed.
 *
 * Invariants between two events: a reachable node's cost is its parent's cost plus the price of the
 * link between them, its path is built from its parent's path; and no other link would reach it
 * clearly cheaper (KEEP_PERCENT). A link that got worse or went down opens the part of the tree
 * behind it: its nodes are settled anew, cheapest first, from the links that lead into it (Dijkstra
 * on the open part). A link that got better may win its child, which opens the part behind that.
 */
#include <dht/store_private.h>

#define KEEP_PERCENT   90u    /* another path must cost less than this share of the present one */
#define BIT_COST_US    150ull /* a path has 60 bits at most: bits are scarce … */
#define BITS_FREE      32u    /* … and beyond so many each costs more than the one before, */
#define SCARCE_COST_US 250ull /* so that far nodes keep room for those behind them */
#define MULTI_HOP_US   5000u  /* hops nobody has looked at */
#define LATENCY_NEW_US 20000u /* until measured */
#define LOSS_FREE      (CJD_LOSS_ONE / 16) /* a lost packet now and then costs nothing */
#define LOSS_COST_US   300000u             /* price of losing everything */
#define LOSS_FLOOR     (CJD_LOSS_ONE / 128)
#define AVOID_US       (UINT32_MAX / 64) /* a link to keep away from */

static uint32_t add_cost(uint32_t a, uint64_t b)
{
    return a + b >= CJD_UNREACHABLE ? CJD_UNREACHABLE - 1 : (uint32_t)(a + b);
}

static bool is_usable(const struct cjd_store_link *l)
{
    /* A peer that has not spoken yet can be reached but not passed: its scheme is unknown. */
    return !l->is_down && l->parent->scheme;
}

static uint64_t extend(const struct cjd_store_node *from, uint64_t label, uint64_t path,
                       int back_form)
{
    /* Switch notes §10.2: the director must leave room for the way back. */
    if (cjd_scheme_form_of(from->scheme, label) < back_form) {
        label = cjd_scheme_convert(from->scheme, label, back_form);
    }
    return label == CJD_LABEL_INVALID ? label : cjd_label_splice(label, path);
}

static uint64_t bits_cost(uint64_t path)
{
    uint64_t bits = cjd_log2(path);
    uint64_t scarce = bits > BITS_FREE ? bits - BITS_FREE : 0;

    return BIT_COST_US * bits + SCARCE_COST_US * scarce * scarce;
}

static uint32_t price(const struct cjd_store_link *l, uint64_t from_path, uint64_t to_path)
{
    uint64_t us = l->cost_us + bits_cost(to_path) - bits_cost(from_path);

    if (!l->is_one_hop) {
        us += MULTI_HOP_US;
    }
    return add_cost(0, l->is_avoided ? us + AVOID_US : us);
}

struct reach {
    uint64_t path;
    uint32_t cost_us; /* CJD_UNREACHABLE: not this way */
};

static int back_form_at(const struct cjd_store_node *node)
{
    return node->best ? node->best->back_form : CJD_NO_BACK_FORM;
}

/* The child of a link by way of its parent's best path. */
static struct reach reach_over(const struct cjd_store_link *l)
{
    struct reach r = {.path = CJD_LABEL_INVALID, .cost_us = CJD_UNREACHABLE};

    if (!is_usable(l) || !cjd_store_is_reachable(l->parent)) {
        return r;
    }
    r.path = extend(l->parent, l->label, l->parent->path, back_form_at(l->parent));
    if (r.path != CJD_LABEL_INVALID) {
        r.cost_us = add_cost(l->parent->cost_us, price(l, l->parent->path, r.path));
    }
    return r;
}

uint64_t cjd_store_path_beyond(const struct cjd_store_node *node, uint64_t label)
{
    if (!node->scheme || !cjd_store_is_reachable(node)) {
        return CJD_LABEL_INVALID;
    }
    return extend(node, label, node->path, back_form_at(node));
}

uint64_t cjd_store_path_over(const struct cjd_store_link *link)
{
    return cjd_store_path_beyond(link->parent, link->label);
}

/* --- the queue: a binary heap of nodes by key_cost -------------------------------------------- */

static void place(struct cjd_store *s, uint32_t at, struct cjd_store_node *n)
{
    s->heap[at] = n;
    n->heap_at = at + 1;
}

static void sift_up(struct cjd_store *s, uint32_t at)
{
    struct cjd_store_node *n = s->heap[at];

    while (at > 0 && n->key_cost < s->heap[(at - 1) / 2]->key_cost) {
        place(s, at, s->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(s, at, n);
}

static void sift_down(struct cjd_store *s, uint32_t at)
{
    struct cjd_store_node *n = s->heap[at];

    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= s->heap_count) {
            break;
        }
        if (child + 1 < s->heap_count && s->heap[child + 1]->key_cost < s->heap[child]->key_cost) {
            child++;
        }
        if (s->heap[child]->key_cost >= n->key_cost) {
            break;
        }
        place(s, at, s->heap[child]);
        at = child;
    }
    place(s, at, n);
}

/* Puts a node in, or moves it forward. */
static void heap_put(struct cjd_store *s, struct cjd_store_node *n, uint64_t key)
{
    n->key_cost = key;
    if (n->heap_at == 0) {
        place(s, s->heap_count++, n);
    }
    sift_up(s, n->heap_at - 1);
}

static struct cjd_store_node *heap_take(struct cjd_store *s)
{
    struct cjd_store_node *first = s->heap[0];
    struct cjd_store_node *last = s->heap[--s->heap_count];

    first->heap_at = 0;
    if (s->heap_count > 0) {
        place(s, 0, last);
        sift_down(s, 0);
    }
    return first;
}

/* --- repair ------------------------------------------------------------------------------------
 */

static void set_best(struct cjd_store_node *n, struct cjd_store_link *link)
{
    if (n->best) {
        n->best->parent->tree_children--;
    }
    n->best = link;
    if (link) {
        link->parent->tree_children++;
    }
}

static void push_pending(struct cjd_store *s, struct cjd_store_link *l)
{
    if (!l->is_pending) {
        l->is_pending = true;
        l->pending_next = s->pending;
        s->pending = l;
    }
}

static bool is_clearly_better(const struct reach *r, const struct cjd_store_node *n)
{
    if (r->cost_us == CJD_UNREACHABLE || !cjd_store_is_reachable(n)) {
        return r->cost_us != CJD_UNREACHABLE;
    }
    return (uint64_t)r->cost_us * 100 < (uint64_t)n->cost_us * KEEP_PERCENT;
}

/* An open node may be reached over this link; the link it had before is preferred. */
static void offer(struct cjd_store *s, struct cjd_store_link *l)
{
    struct cjd_store_node *n = l->child;
    struct reach r = reach_over(l);

    if (r.cost_us == CJD_UNREACHABLE) {
        return;
    }
    uint64_t key = (uint64_t)r.cost_us * (l == n->before ? KEEP_PERCENT : 100);
    if (n->heap_at == 0 || key < n->key_cost) {
        n->candidate = l;
        heap_put(s, n, key);
    }
}

/* Collects the part of the tree that begins at `root` and cuts it off. */
static uint32_t open_part(struct cjd_store *s, struct cjd_store_node *root)
{
    uint32_t count = 0;

    s->open[count++] = root;
    for (uint32_t i = 0; i < count; i++) {
        CJD_LIST_EACH(e, &s->open[i]->out)
        {
            struct cjd_store_link *l = CJD_STORE_OUT(e);
            if (l->child->best == l) {
                s->open[count++] = l->child;
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        struct cjd_store_node *n = s->open[i];
        n->before = n->best;
        n->other_path = n->path;
        set_best(n, NULL);
        n->cost_us = CJD_UNREACHABLE;
        n->path = 0;
        n->is_open = true;
    }
    return count;
}

static void settle(struct cjd_store *s, struct cjd_store_node *n)
{
    struct reach r = reach_over(n->candidate);

    set_best(n, n->candidate);
    n->path = r.path;
    n->cost_us = r.cost_us;
    n->is_open = false;
    CJD_LIST_EACH(e, &n->out)
    {
        struct cjd_store_link *l = CJD_STORE_OUT(e);
        if (l->child->is_open) {
            offer(s, l);
        } else {
            push_pending(s, l);
        }
    }
}

static void note_change(struct cjd_store *s, struct cjd_store_node *n, bool is_broken,
                        uint64_t now_ns)
{
    bool was_reachable = n->other_path != 0;
    bool is_reachable = cjd_store_is_reachable(n);

    n->is_open = false;
    n->before = NULL;
    if (n->path == n->other_path) {
        return;
    }
    if (is_broken && was_reachable && n->other_path == n->told_path) {
        n->is_told_broken = true;
    }
    n->path_ok_ns = 0;
    n->srtt_us = n->rttvar_us = 0;
    cjd_list_append(&s->changed, &n->changed);
    if (!is_reachable) {
        n->lost_ns = now_ns;
        cjd_list_append(&s->lost, &n->lost);
    } else if (!was_reachable) {
        cjd_list_remove(&n->lost);
    }
}

/* The part of the tree behind `root` is settled anew; is_broken: because a link went down. */
static void reopen(struct cjd_store *s, struct cjd_store_node *root, bool is_broken,
                   uint64_t now_ns)
{
    uint32_t count = open_part(s, root);

    for (uint32_t i = 0; i < count; i++) {
        CJD_LIST_EACH(e, &s->open[i]->in)
        {
            offer(s, CJD_STORE_IN(e));
        }
    }
    while (s->heap_count > 0) {
        settle(s, heap_take(s));
    }
    for (uint32_t i = 0; i < count; i++) {
        note_change(s, s->open[i], is_broken, now_ns);
    }
}

void cjd_store_link_changed(struct cjd_store *s, struct cjd_store_link *link, uint64_t now_ns)
{
    if (link->child->best == link) {
        reopen(s, link->child, link->is_down && !link->is_retired, now_ns);
    } else {
        push_pending(s, link);
    }
    /* Each win makes a node's path a tenth cheaper at least, so this ends. */
    while (s->pending) {
        struct cjd_store_link *l = s->pending;
        s->pending = l->pending_next;
        l->is_pending = false;
        struct reach r = reach_over(l);
        if (l->child->best != l && l->child != s->self && is_clearly_better(&r, l->child)) {
            reopen(s, l->child, false, now_ns);
        }
    }
}

struct cjd_store_node *cjd_store_next_change(struct cjd_store *s)
{
    if (cjd_list_is_empty(&s->changed)) {
        return NULL;
    }
    struct cjd_list *e = s->changed.next;
    cjd_list_remove(e);
    return CJD_CONTAINER_OF(e, struct cjd_store_node, changed);
}

/* --- alternatives ------------------------------------------------------------------------------
 */

static void offer_other(struct cjd_store *s, struct cjd_store_node *from, struct cjd_store_link *l)
{
    struct cjd_store_node *n = l->child;
    int back = from->candidate ? from->candidate->back_form : CJD_NO_BACK_FORM;

    if (!n->is_open || !is_usable(l)) {
        return;
    }
    uint64_t path = extend(from, l->label, from->other_path, back);
    if (path == CJD_LABEL_INVALID) {
        return;
    }
    uint32_t cost = add_cost(from->other_cost, price(l, from->other_path, path));
    if (n->heap_at == 0 || cost < n->key_cost) {
        n->candidate = l;
        n->other_path = path;
        n->other_cost = cost;
        heap_put(s, n, cost);
    }
}

/* Dijkstra over everything, with the avoided links made dear: as disjoint as the graph allows. */
static void solve(struct cjd_store *s, const struct cjd_store_node *goal)
{
    struct cjd_store_node *n = s->self;

    for (uint32_t i = 0; i < s->node_count; i++) {
        s->sorted[i]->is_open = true;
        s->sorted[i]->candidate = NULL;
    }
    n->candidate = NULL;
    n->other_path = CJD_LABEL_SELF;
    n->other_cost = 0;
    while (n != goal) {
        CJD_LIST_EACH(e, &n->out)
        {
            offer_other(s, n, CJD_STORE_OUT(e));
        }
        if (s->heap_count == 0) {
            break;
        }
        n = heap_take(s);
        n->is_open = false;
    }
    while (s->heap_count > 0) {
        (void)heap_take(s);
    }
}

bool cjd_store_alternative(struct cjd_store *s, struct cjd_store_node *node,
                           const struct cjd_store_walk *avoid, struct cjd_store_route *out)
{
    for (uint32_t i = 0; i < avoid->count; i++) {
        avoid->links[i]->is_avoided = true;
    }
    solve(s, node);
    bool is_found = !node->is_open;
    for (uint32_t i = 0; i < s->node_count; i++) {
        s->sorted[i]->is_open = false;
    }
    for (uint32_t i = 0; i < avoid->count; i++) {
        avoid->links[i]->is_avoided = false;
    }
    if (!is_found) {
        return false;
    }
    uint32_t shared = node->other_cost / AVOID_US;
    *out = (struct cjd_store_route){.path = node->other_path,
                                    .cost_us = node->other_cost - shared * AVOID_US,
                                    .last = node->candidate};
    return shared < avoid->count;
}

/* --- measuring ---------------------------------------------------------------------------------
 */

bool cjd_store_link_assess(struct cjd_store_link *link)
{
    uint64_t us = link->latency_us != 0 ? link->latency_us : LATENCY_NEW_US;

    if (link->fixed_us != 0) {
        us = link->fixed_us;
    }
    if (link->loss > LOSS_FREE) {
        us += (uint64_t)(link->loss - LOSS_FREE) * LOSS_COST_US / CJD_LOSS_ONE;
    }
    uint64_t now = link->cost_us;
    if (now != 0 && us <= now + now / 8 && us + now / 8 >= now) {
        return false;
    }
    link->cost_us = (uint32_t)us;
    return true;
}

uint32_t cjd_store_walk_cost(const struct cjd_store_walk *walk, uint64_t path)
{
    uint64_t us = bits_cost(path);

    for (uint32_t i = 0; i < walk->count; i++) {
        us += walk->links[i]->cost_us + (walk->links[i]->is_one_hop ? 0 : MULTI_HOP_US);
    }
    return add_cost(0, us);
}

uint64_t cjd_store_walk_latency(const struct cjd_store_walk *walk)
{
    uint64_t us = 0;

    for (uint32_t i = 0; i < walk->count; i++) {
        us += walk->links[i]->latency_us;
    }
    return us;
}

uint32_t cjd_store_walk_success(const struct cjd_store_walk *walk)
{
    uint64_t success = CJD_LOSS_ONE;

    for (uint32_t i = 0; i < walk->count; i++) {
        success = success * (CJD_LOSS_ONE - walk->links[i]->loss) / CJD_LOSS_ONE;
    }
    return (uint32_t)success;
}

/* The difference between what was expected and what was measured, shared in proportion. */
static void share_latency(struct cjd_store_walk *walk, uint32_t rtt_us)
{
    struct cjd_store_link *unmeasured = NULL;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < walk->count; i++) {
        sum += walk->links[i]->latency_us;
        if (walk->links[i]->latency_us == 0) {
            unmeasured = walk->links[i];
        }
    }
    if (unmeasured) {
        uint64_t rest = rtt_us > sum ? rtt_us - sum : 0;
        unmeasured->latency_us = rest > CJD_LATENCY_MIN_US ? (uint32_t)rest : CJD_LATENCY_MIN_US;
        return;
    }
    for (uint32_t i = 0; i < walk->count && sum > 0; i++) {
        uint64_t old = walk->links[i]->latency_us;
        uint64_t share = old * rtt_us / sum;
        uint64_t smoothed = (old * 7 + share) / 8;
        walk->links[i]->latency_us =
            smoothed > CJD_LATENCY_MIN_US ? (uint32_t)smoothed : CJD_LATENCY_MIN_US;
    }
}

static void reassess(struct cjd_store *s, struct cjd_store_walk *walk, uint64_t now_ns)
{
    for (uint32_t i = 0; i < walk->count; i++) {
        if (cjd_store_link_assess(walk->links[i])) {
            cjd_store_link_changed(s, walk->links[i], now_ns);
        }
    }
}

void cjd_store_walk_answered(struct cjd_store *s, struct cjd_store_walk *walk, uint32_t rtt_us,
                             uint64_t now_ns)
{
    share_latency(walk, rtt_us);
    for (uint32_t i = 0; i < walk->count; i++) {
        struct cjd_store_link *l = walk->links[i];
        l->loss -= l->loss / 16;
        l->proven_ns = now_ns;
        l->misses = 0;
        cjd_store_link_probed(s, l, now_ns);
        if (l->is_down) {
            l->is_down = false;
            l->up_ns = now_ns;
            /* What was lost while it was down says nothing about how it is now. */
            l->loss = l->loss < LOSS_FREE ? l->loss : LOSS_FREE;
            cjd_list_remove(&l->down);
            (void)cjd_store_link_assess(l);
            cjd_store_link_changed(s, l, now_ns);
        }
    }
    reassess(s, walk, now_ns);
}

/* May this link have lost what was sent then? One that carried an answer since did not. */
static bool is_suspect(const struct cjd_store_link *l, uint64_t sent_ns)
{
    return l->proven_ns < sent_ns;
}

static bool is_any_down(const struct cjd_store_walk *walk)
{
    for (uint32_t i = 0; i < walk->count; i++) {
        if (walk->links[i]->is_down) {
            return true;
        }
    }
    return false;
}

/*
 * Which link lost it cannot be known; each that may have is blamed with the probability that it
 * did, judged by what it lost before. Links that other answers come over lose their blame again.
 */
void cjd_store_unanswered(struct cjd_store *s, uint64_t path, uint64_t sent_ns, uint64_t now_ns)
{
    struct cjd_store_walk walk;
    uint64_t sum = 0;

    /* A link that is down has lost it, which is nothing new. */
    if (!cjd_store_walk(s, path, &walk) || walk.rest != CJD_LABEL_SELF || is_any_down(&walk)) {
        return;
    }
    for (uint32_t i = 0; i < walk.count; i++) {
        if (is_suspect(walk.links[i], sent_ns)) {
            sum += walk.links[i]->loss + LOSS_FLOOR;
        }
    }
    for (uint32_t i = 0; i < walk.count; i++) {
        struct cjd_store_link *l = walk.links[i];
        if (!is_suspect(l, sent_ns)) {
            continue;
        }
        uint64_t blame = (uint64_t)(l->loss + LOSS_FLOOR) * CJD_LOSS_ONE / sum;
        if (blame > l->loss) {
            l->loss += (uint32_t)(blame - l->loss) / 16;
        }
    }
    reassess(s, &walk, now_ns);
}
