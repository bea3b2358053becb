/* Inside of the store, for its three files and its test. */
#ifndef CJD_DHT_STORE_PRIVATE_H
#define CJD_DHT_STORE_PRIVATE_H

#include <dht/store.h>
#include <switch/label.h>

#define CJD_LATENCY_MIN_US 100u

/* Direct peers are not counted against the limit: v3x5x8 has at most 256 of them. */
#define CJD_STORE_PEERS_MAX 257u
#define CJD_STORE_SLACK     16u /* nodes beyond the limit between two calls of trim */

struct cjd_store {
    struct cjd_store_config cfg;
    struct cjd_map by_addr;
    struct cjd_map by_label;
    struct cjd_store_node *self;
    struct cjd_store_node **sorted; /* without self */
    uint32_t node_count;
    uint32_t node_cap;
    struct cjd_store_link **links;
    uint32_t link_count;
    uint32_t link_room;
    uint32_t serials;
    uint32_t peer_count;
    uint64_t nodes_ever;
    uint64_t breaks;
    uint32_t buckets[CJD_ID_BITS + 1];
    struct cjd_list node_age;
    struct cjd_list link_age;
    struct cjd_list changed;
    struct cjd_list down;
    struct cjd_list lost;
    struct cjd_store_link *pending; /* links that may offer a better path */
    struct cjd_store_node **heap;   /* with self: node_cap + 1 */
    uint32_t heap_count;
    struct cjd_store_node **open; /* the part of the tree under repair */
};

/* store.c */
struct cjd_store_node *cjd_store_node_add(struct cjd_store *s, const struct cjd_dht_contact *who,
                                          uint64_t now_ns);
struct cjd_store_link *cjd_store_link_add(struct cjd_store *s, struct cjd_store_node *parent,
                                          uint64_t label, struct cjd_store_node *child,
                                          int back_form, uint64_t now_ns);
void cjd_store_set_teacher(struct cjd_store_node *node, struct cjd_store_node *teacher);

/* store_path.c: a link appeared, or its cost, state or back form changed. */
void cjd_store_link_changed(struct cjd_store *s, struct cjd_store_link *link, uint64_t now_ns);
/* A query over these links, all known, was answered. */
void cjd_store_walk_answered(struct cjd_store *s, struct cjd_store_walk *walk, uint32_t rtt_us,
                             uint64_t now_ns);
/* Sets cost_us from latency and loss; true if it changed enough to matter. */
bool cjd_store_link_assess(struct cjd_store_link *link);

#endif
