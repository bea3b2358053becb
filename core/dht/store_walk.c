/*
 * Paths against the graph: walking a label along known links, and learning from answers
 * (router notes §7.3, §7.4).
 */
#include <dht/store_private.h>

#include <stdlib.h>
#include <string.h>

#define QUICKER 8u /* by one part in so many */

/* One director, as the label of one hop. */
static uint64_t one_director(const struct cjd_scheme *scheme, uint64_t canonical)
{
    int form = cjd_scheme_form_of(scheme, canonical);
    unsigned width = cjd_form_width(&scheme->form[form]);
    return (canonical & ((1ull << width) - 1)) | 1ull << width;
}

uint64_t cjd_store_first_hop(const struct cjd_scheme *scheme, uint64_t label)
{
    uint64_t canonical = cjd_scheme_convert(scheme, label, CJD_FORM_CANONICAL);

    return canonical == CJD_LABEL_INVALID || cjd_scheme_form_of(scheme, canonical) < 0
               ? CJD_LABEL_INVALID
               : one_director(scheme, canonical);
}

static struct cjd_store_link *longer_link(const struct cjd_store_node *node, uint64_t rest)
{
    if (node->multi_count == 0) {
        return NULL;
    }
    CJD_LIST_EACH(e, &node->out)
    {
        struct cjd_store_link *l = CJD_STORE_OUT(e);
        if (!l->is_one_hop && cjd_label_routes_through(rest, l->label)) {
            return l;
        }
    }
    return NULL;
}

/* Makes the first director of `rest` canonical for `node`; false: it cannot stand there. */
static bool canonicalise(const struct cjd_store_node *node, int back_form, uint64_t *rest)
{
    const struct cjd_scheme *scheme = node->scheme;

    if (!scheme || *rest == 0 || cjd_log2(*rest) > CJD_LABEL_MAX_LOG2) {
        return false;
    }
    int form = cjd_scheme_form_of(scheme, *rest);
    /* Too narrow for the way back: this path cannot be continued from here. */
    if (form < 0 || form < back_form || cjd_scheme_is_self(scheme, *rest)) {
        return false;
    }
    uint64_t canonical = cjd_scheme_convert(scheme, *rest, CJD_FORM_CANONICAL);
    if (canonical == CJD_LABEL_INVALID) {
        return false;
    }
    form = cjd_scheme_form_of(scheme, canonical);
    if (form < 0 || cjd_form_width(&scheme->form[form]) > cjd_log2(canonical)) {
        return false;
    }
    *rest = canonical;
    return true;
}

/* From where `w` stands, along known links as far as they lead. */
static bool walk_on(const struct cjd_store *s, int back_form, struct cjd_store_walk *w)
{
    while (w->rest != CJD_LABEL_SELF) {
        if (!canonicalise(w->at, back_form, &w->rest)) {
            return false;
        }
        struct cjd_store_link *l =
            cjd_store_link_find(s, w->at, one_director(w->at->scheme, w->rest));
        if (!l) {
            l = longer_link(w->at, w->rest);
        }
        if (!l || w->count == CJD_STORE_WALK_MAX) {
            return true;
        }
        w->links[w->count++] = l;
        w->rest = cjd_label_unsplice(w->rest, l->label);
        w->at = l->child;
        back_form = l->back_form;
    }
    return true;
}

bool cjd_store_walk(const struct cjd_store *s, uint64_t path, struct cjd_store_walk *out)
{
    out->at = s->self;
    out->rest = path;
    out->count = 0;
    return walk_on(s, CJD_NO_BACK_FORM, out);
}

/* Links to ourselves are never kept, so a path that comes home ends its walk one hop before. */
static bool comes_home(const struct cjd_store_walk *w)
{
    return w->at->way_back != 0 && w->rest != w->at->way_back &&
           cjd_label_routes_through(w->rest, w->at->way_back);
}

/* To the end of a walk by the best path to the last node of it. `otherwise`: nothing better. */
static uint64_t best_to_end(const struct cjd_store *s, struct cjd_store_walk *w, uint64_t otherwise)
{
    uint64_t rest = otherwise;

    while (comes_home(w)) {
        rest = cjd_label_unsplice(w->rest, w->at->way_back);
        if (!cjd_store_walk(s, rest, w)) {
            return otherwise;
        }
        rest = w->at == s->self ? w->rest : rest;
    }
    if (w->at == s->self || !cjd_store_is_reachable(w->at)) {
        return rest;
    }
    uint64_t best = w->rest == CJD_LABEL_SELF ? w->at->path : cjd_store_path_beyond(w->at, w->rest);
    return best == CJD_LABEL_INVALID ? rest : best;
}

uint64_t cjd_store_shorten(const struct cjd_store *s, uint64_t path)
{
    struct cjd_store_walk w;

    return cjd_store_walk(s, path, &w) ? best_to_end(s, &w, path) : path;
}

uint64_t cjd_store_shorten_from(const struct cjd_store *s, struct cjd_store_node *from,
                                uint64_t label)
{
    struct cjd_store_walk w = {.at = from, .rest = label};

    return from->scheme && walk_on(s, CJD_NO_BACK_FORM, &w) ? best_to_end(s, &w, CJD_LABEL_INVALID)
                                                            : CJD_LABEL_INVALID;
}

/* --- links --------------------------------------------------------------------------------------
 */

static void graft(struct cjd_store *s, struct cjd_store_node *from, int back_form, uint64_t label,
                  const struct cjd_store_link *like, uint64_t now_ns);

/* A longer link that leads through the one with this label. */
static struct cjd_store_link *passing(const struct cjd_store_node *parent, uint64_t label)
{
    if (parent->multi_count == 0) {
        return NULL;
    }
    CJD_LIST_EACH(e, &parent->out)
    {
        struct cjd_store_link *l = CJD_STORE_OUT(e);
        if (!l->is_one_hop && l->label != label && cjd_label_routes_through(l->label, label)) {
            return l;
        }
    }
    return NULL;
}

/*
 * §7.4: links of the same parent that lead through a new one now begin at its child. Labels get
 * shorter with each step, so the recursion ends after at most as many hops as a label has. Any
 * link may be gone after a step, so each one looks them up again.
 */
static void split(struct cjd_store *s, struct cjd_store_node *parent, uint64_t label,
                  uint64_t now_ns)
{
    struct cjd_store_link *shorter;
    struct cjd_store_link *l;

    while ((shorter = cjd_store_link_find(s, parent, label)) && (l = passing(parent, label))) {
        struct cjd_store_node *via = shorter->child;
        struct cjd_store_link like = *l;
        int back_form = shorter->back_form;
        cjd_store_link_retire(s, l, now_ns);
        if (via->scheme && like.child != via) {
            graft(s, via, back_form, cjd_label_unsplice(like.label, label), &like, now_ns);
        }
    }
}

/* latency_us: as measured, 0: not yet. False: no room. */
static bool insert(struct cjd_store *s, const struct cjd_store_walk *at,
                   struct cjd_store_node *child, int back_form, uint32_t latency_us,
                   uint64_t now_ns)
{
    struct cjd_store_link *l = cjd_store_link_add(s, at->at, at->rest, child, back_form, now_ns);

    if (l) {
        l->latency_us = latency_us;
        (void)cjd_store_link_assess(l);
        cjd_store_link_changed(s, l, now_ns);
        split(s, at->at, at->rest, now_ns);
    }
    return l != NULL;
}

/* The rest of a split link, from `from` on. What was measured carries over. */
static void graft(struct cjd_store *s, struct cjd_store_node *from, int back_form, uint64_t label,
                  const struct cjd_store_link *like, uint64_t now_ns)
{
    struct cjd_store_walk w = {.at = from, .rest = label};

    if (!walk_on(s, back_form, &w) || w.rest == CJD_LABEL_SELF || w.at == like->child) {
        return;
    }
    struct cjd_store_link *l =
        cjd_store_link_add(s, w.at, w.rest, like->child, like->back_form, now_ns);
    if (!l) {
        return;
    }
    l->loss = like->loss;
    l->proven_ns = like->proven_ns;
    l->latency_us = like->latency_us;
    (void)cjd_store_link_assess(l);
    cjd_store_link_changed(s, l, now_ns);
    split(s, w.at, w.rest, now_ns);
}

void cjd_store_way_back(struct cjd_store *s, struct cjd_store_node *node, uint64_t label,
                        uint64_t now_ns)
{
    struct cjd_store_link *l;

    node->way_back = label;
    while ((l = passing(node, label))) {
        cjd_store_link_remove(s, l, now_ns);
    }
}

/* --- answers ------------------------------------------------------------------------------------
 */

/* False: no memory for it; the scheme is unknown then. */
static bool set_scheme(struct cjd_store_node *n, const struct cjd_scheme *scheme)
{
    n->scheme = NULL;
    if (scheme->is_358) {
        n->scheme = cjd_scheme_358();
    } else if (n->own_scheme || (n->own_scheme = malloc(sizeof *n->own_scheme))) {
        *n->own_scheme = *scheme;
        n->scheme = n->own_scheme;
    }
    return n->scheme != NULL;
}

/* A different scheme: it restarted as something else. What begins there is void. */
static void forget_scheme(struct cjd_store *s, struct cjd_store_node *n, uint64_t now_ns)
{
    CJD_LIST_EACH(e, &n->out)
    {
        cjd_store_link_remove(s, CJD_STORE_OUT(e), now_ns);
    }
}

static void set_back_form(struct cjd_store *s, struct cjd_store_link *l, int form, uint64_t now_ns)
{
    if (l->back_form != form) {
        l->back_form = form;
        cjd_store_link_changed(s, l, now_ns);
    }
}

/* §7.3 point 2. False: a much longer path than the known one says so; it is not believed. */
static bool adopt_scheme(struct cjd_store *s, struct cjd_store_node *n,
                         const struct cjd_store_proof *proof, uint64_t now_ns)
{
    if (n->scheme && cjd_scheme_equal(n->scheme, proof->scheme)) {
        return true;
    }
    if (n->scheme && cjd_store_is_reachable(n) &&
        cjd_log2(proof->who.label) > cjd_log2(n->path) + 8) {
        return false;
    }
    forget_scheme(s, n, now_ns);
    return set_scheme(n, proof->scheme);
}

static void sample_rtt(struct cjd_store_node *n, uint32_t rtt_us)
{
    if (n->srtt_us == 0) {
        n->srtt_us = rtt_us > 0 ? rtt_us : 1;
        n->rttvar_us = rtt_us / 2;
        return;
    }
    uint32_t off = rtt_us > n->srtt_us ? rtt_us - n->srtt_us : n->srtt_us - rtt_us;
    n->rttvar_us = n->rttvar_us - n->rttvar_us / 4 + off / 4;
    n->srtt_us = n->srtt_us - n->srtt_us / 8 + rtt_us / 8;
}

/* The answer came over links that are all known now. */
static void refresh(struct cjd_store *s, struct cjd_store_node *n,
                    const struct cjd_store_proof *proof, uint64_t now_ns)
{
    struct cjd_store_walk w;

    if (!cjd_store_walk(s, proof->who.label, &w) || w.rest != CJD_LABEL_SELF || w.at != n) {
        return;
    }
    if (w.count > 0) {
        set_back_form(s, w.links[w.count - 1], proof->form, now_ns);
        cjd_store_walk_answered(s, &w, proof->rtt_us, now_ns);
    }
    if (n->path == proof->who.label) {
        n->path_ok_ns = now_ns;
        sample_rtt(n, proof->rtt_us);
    }
}

/* Several hops at once are worth a link only if they lead to where nothing else leads, or shorter,
 * or clearly quicker. */
static bool is_worth(const struct cjd_store_node *n, const struct cjd_store_walk *w,
                     const struct cjd_store_proof *proof)
{
    return !n || !cjd_store_is_reachable(n) || cjd_scheme_is_one_hop(w->at->scheme, w->rest) ||
           cjd_log2(proof->who.label) < cjd_log2(n->path) ||
           proof->rtt_us + proof->rtt_us / QUICKER < n->cost_us;
}

/* A path that passes its last link twice: what is wrong about it shows on the way without the loop.
 */
static bool ends_in_loop(const struct cjd_store_walk *w)
{
    for (uint32_t i = 0; i + 1 < w->count; i++) {
        if (w->links[i] == w->links[w->count - 1]) {
            return true;
        }
    }
    return false;
}

/* The end of the walk is where the unknown part begins. Another node there: it is gone. */
static void make_way(struct cjd_store *s, struct cjd_store_walk *w, uint64_t now_ns)
{
    if (w->rest == CJD_LABEL_SELF) {
        struct cjd_store_link *stale = w->links[--w->count];
        w->at = stale->parent;
        w->rest = stale->label;
        cjd_store_link_remove(s, stale, now_ns);
    }
}

/* What a round trip leaves for the part behind the known links. */
static uint32_t latency_behind(const struct cjd_store_walk *w, uint32_t rtt_us)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < w->count; i++) {
        sum += w->links[i]->latency_us;
    }
    return rtt_us > sum + CJD_LATENCY_MIN_US ? rtt_us - (uint32_t)sum : CJD_LATENCY_MIN_US;
}

static enum cjd_store_news learn(struct cjd_store *s, const struct cjd_store_proof *proof,
                                 struct cjd_store_walk *w, struct cjd_store_node **node,
                                 uint64_t now_ns)
{
    enum cjd_store_news news = CJD_STORE_NEW_LINK;

    if (!*node) {
        *node = cjd_store_node_add(s, &proof->who, now_ns);
        if (*node && !set_scheme(*node, proof->scheme)) {
            cjd_store_node_remove(s, *node, now_ns);
            *node = NULL;
        }
        if (!*node) {
            return CJD_STORE_REFUSED;
        }
        struct cjd_store_node *teacher = proof->teacher ? cjd_store_find(s, proof->teacher) : NULL;
        cjd_store_set_teacher(*node, teacher == *node ? NULL : teacher);
        news = CJD_STORE_NEW_NODE;
    }
    if (!insert(s, w, *node, proof->form, latency_behind(w, proof->rtt_us), now_ns)) {
        if (news == CJD_STORE_NEW_NODE) {
            cjd_store_node_remove(s, *node, now_ns);
            *node = NULL;
        }
        return CJD_STORE_REFUSED;
    }
    return news;
}

static void describe(struct cjd_store_node *n, const struct cjd_store_proof *proof, uint64_t now_ns)
{
    n->version = proof->who.version;
    n->do_not_tell = proof->do_not_tell;
    n->last_answer_ns = now_ns;
}

enum cjd_store_news cjd_store_discover(struct cjd_store *s, const struct cjd_store_proof *proof,
                                       uint64_t now_ns, struct cjd_store_node **node)
{
    enum cjd_store_news news = CJD_STORE_OLD;
    struct cjd_store_walk w;

    *node = cjd_store_find(s, &proof->who.addr);
    if (*node && !adopt_scheme(s, *node, proof, now_ns)) {
        return CJD_STORE_REFUSED;
    }
    if (*node) {
        describe(*node, proof, now_ns);
    }
    if (!cjd_store_walk(s, proof->who.label, &w) || w.at == s->self) {
        /* One hop that is no peer's: the link layer says who is a peer. */
        return CJD_STORE_REFUSED;
    }
    if (!*node || w.rest != CJD_LABEL_SELF || w.at != *node) {
        bool was_end = w.rest == CJD_LABEL_SELF;
        if (was_end && (w.links[w.count - 1]->parent == s->self || ends_in_loop(&w))) {
            return CJD_STORE_REFUSED;
        }
        make_way(s, &w, now_ns);
        if (w.at == *node || (*node && !is_worth(*node, &w, proof))) {
            return CJD_STORE_REFUSED;
        }
        news = learn(s, proof, &w, node, now_ns);
        if (news == CJD_STORE_REFUSED) {
            return news;
        }
        describe(*node, proof, now_ns);
    }
    refresh(s, *node, proof, now_ns);
    return news;
}

/* --- direct peers -------------------------------------------------------------------------------
 */

static struct cjd_store_node *peer_node(struct cjd_store *s, const struct cjd_dht_contact *peer,
                                        uint64_t now_ns)
{
    struct cjd_store_node *n = cjd_store_find(s, &peer->addr);

    if (!n) {
        n = cjd_store_node_add(s, peer, now_ns);
    } else {
        n->version = peer->version;
    }
    return n;
}

bool cjd_store_peer_add(struct cjd_store *s, const struct cjd_dht_contact *peer, uint32_t rtt_us,
                        uint64_t now_ns, bool *is_new)
{
    struct cjd_store_link *l = cjd_store_link_find(s, s->self, peer->label);

    *is_new = false;
    if (l && memcmp(&l->child->addr, &peer->addr, sizeof peer->addr) != 0) {
        cjd_store_link_remove(s, l, now_ns);
        l = NULL;
    }
    if (!l) {
        struct cjd_store_node *n = peer_node(s, peer, now_ns);
        struct cjd_store_walk from = {.at = s->self, .rest = peer->label};
        *is_new = n && insert(s, &from, n, 0, rtt_us, now_ns);
        l = cjd_store_link_find(s, s->self, peer->label);
    }
    if (!l) {
        return false;
    }
    l->child->version = peer->version;
    /* The best link to its node is measured by what is asked over it, the others only by this. */
    if (rtt_us != 0 && (l->latency_us == 0 || l->child->best != l)) {
        l->latency_us = rtt_us;
        if (cjd_store_link_assess(l)) {
            cjd_store_link_changed(s, l, now_ns);
        }
    }
    return true;
}

void cjd_store_peer_cost(struct cjd_store *s, uint64_t label, uint32_t cost_us, uint64_t now_ns)
{
    struct cjd_store_link *l = cjd_store_link_find(s, s->self, label);

    if (l && l->fixed_us != cost_us) {
        l->fixed_us = cost_us;
        if (cjd_store_link_assess(l)) {
            cjd_store_link_changed(s, l, now_ns);
        }
    }
}

void cjd_store_peer_spoke(struct cjd_store *s, struct cjd_store_link *link,
                          const struct cjd_scheme *scheme, int form, uint64_t now_ns)
{
    struct cjd_store_node *n = link->child;

    if (!n->scheme) {
        if (!set_scheme(n, scheme)) {
            return;
        }
        CJD_LIST_EACH(e, &n->out)
        {
            cjd_store_link_changed(s, CJD_STORE_OUT(e), now_ns);
        }
    }
    if (cjd_scheme_equal(n->scheme, scheme)) {
        set_back_form(s, link, form, now_ns);
    }
}
