#include "store_world.h"

void store_setup(struct world *w, uint32_t nodes, uint32_t links)
{
    struct cjd_store_config config = {
        .version = 21, .scheme = cjd_scheme_358(), .nodes = nodes, .links = links};

    w->rng = test_rng_init(&w->seed, 11);
    w->now_ns = CJD_S * 100;
    config.rng = w->rng;
    cjd_rng_fill(&w->rng, &config.key, sizeof config.key);
    memcpy(&config.addr, config.key.b, sizeof config.addr);
    assert_int_equal(cjd_store_new(&w->s, &config, w->now_ns), 0);
}

void store_teardown(struct world *w)
{
    cjd_store_free(w->s);
}

struct cjd_dht_contact store_contact(struct world *w, uint64_t label)
{
    struct cjd_dht_contact c = {.version = 21, .label = label};

    cjd_rng_fill(&w->rng, &c.key, sizeof c.key);
    memcpy(&c.addr, c.key.b, sizeof c.addr);
    return c;
}

uint64_t store_hop(uint32_t iface)
{
    return cjd_scheme_peer_label(cjd_scheme_358(), iface);
}

enum cjd_store_news store_prove_taught(struct world *w, const struct cjd_dht_contact *who,
                                       uint64_t path, int form, uint32_t rtt_us,
                                       const struct cjd_addr *teacher)
{
    struct cjd_store_proof proof = {.who = *who,
                                    .scheme = cjd_scheme_358(),
                                    .form = form,
                                    .rtt_us = rtt_us,
                                    .teacher = teacher};
    struct cjd_store_node *n;

    proof.who.label = path;
    return cjd_store_discover(w->s, &proof, w->now_ns, &n);
}

enum cjd_store_news store_prove(struct world *w, const struct cjd_dht_contact *who, uint64_t path,
                                int form, uint32_t rtt_us)
{
    return store_prove_taught(w, who, path, form, rtt_us, NULL);
}

struct cjd_dht_contact store_peer(struct world *w, uint32_t iface, int form)
{
    struct cjd_dht_contact c = store_contact(w, store_hop(iface));
    bool is_new;

    assert_true(cjd_store_peer_add(w->s, &c, 1000, w->now_ns, &is_new));
    assert_true(is_new);
    assert_int_equal(store_prove(w, &c, c.label, form, 1000), CJD_STORE_OLD);
    return c;
}

struct cjd_store_node *store_node(struct world *w, const struct cjd_dht_contact *c)
{
    return cjd_store_find(w->s, &c->addr);
}

void store_check_paths(struct cjd_store *s)
{
    assert_null(s->pending);
    assert_int_equal(s->heap_count, 0);
    for (uint32_t i = 0; i < s->node_count; i++) {
        struct cjd_store_node *n = s->sorted[i];
        uint32_t steps = 0;
        assert_false(n->is_open);
        assert_int_equal(n->heap_at, 0);
        if (cjd_store_is_reachable(n)) {
            assert_ptr_equal(n->best->child, n);
            assert_false(n->best->is_down);
            assert_int_equal(n->path, cjd_store_path_over(n->best));
            assert_true(n->cost_us > n->best->parent->cost_us);
            for (struct cjd_store_node *x = n; x != s->self; x = x->best->parent) {
                assert_true(++steps < 100);
            }
        } else {
            assert_null(n->best);
            assert_int_equal(n->path, 0);
        }
    }
    for (uint32_t i = 0; i < s->link_count; i++) {
        struct cjd_store_link *l = s->links[i];
        assert_int_equal(l->index, i);
        uint64_t path = l->is_down ? CJD_LABEL_INVALID : cjd_store_path_over(l);
        if (path == CJD_LABEL_INVALID) {
            continue;
        }
        assert_true(cjd_store_is_reachable(l->child));
        struct cjd_store_walk walk;
        assert_true(cjd_store_walk(s, path, &walk));
        assert_int_equal(walk.rest, 1);
        uint64_t cost = cjd_store_walk_cost(&walk, path);
        assert_true(cost * 100 >= (uint64_t)l->child->cost_us * 80 - 200);
    }
}
