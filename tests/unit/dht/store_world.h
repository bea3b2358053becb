/* A store and what the tests do with it: peers, proofs, and a check of all it promises. */
#ifndef TEST_DHT_STORE_WORLD_H
#define TEST_DHT_STORE_WORLD_H

#include <testlib/testlib.h>

#include <base/time.h>
#include <dht/store_private.h>

struct world {
    struct cjd_store *s;
    struct test_rng seed;
    struct cjd_rng rng;
    uint64_t now_ns;
};

void store_setup(struct world *w, uint32_t nodes, uint32_t links);
void store_teardown(struct world *w);
/* A made-up node. */
struct cjd_dht_contact store_contact(struct world *w, uint64_t label);
/* The one-hop label of an interface. */
uint64_t store_hop(uint32_t iface);
/* The node answered over that path; taught: somebody had told of it. */
enum cjd_store_news store_prove(struct world *w, const struct cjd_dht_contact *who, uint64_t path,
                                int form, uint32_t rtt_us);
enum cjd_store_news store_prove_taught(struct world *w, const struct cjd_dht_contact *who,
                                       uint64_t path, int form, uint32_t rtt_us,
                                       const struct cjd_addr *teacher);
/* A peer on an interface that has answered. */
struct cjd_dht_contact store_peer(struct world *w, uint32_t iface, int form);
struct cjd_store_node *store_node(struct world *w, const struct cjd_dht_contact *c);
/* What store_path.c promises: a tree, exact costs, and nothing clearly better beside it. */
void store_check_paths(struct cjd_store *s);

#endif
