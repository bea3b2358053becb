/*
 * A network of routers in one process: real routers (core/dht) and real switches (core/switch), a
 * virtual clock, links with delay and loss, and a stand-in for the session layer that keeps paths,
 * sends data over them and doubts them when nothing comes back.
 *
 * Messages travel hop by hop by their label; a node only understands what is meant for its key.
 */
#ifndef TEST_DHT_NET_H
#define TEST_DHT_NET_H

#include <testlib/testlib.h>

#include <base/timer.h>
#include <dht/dht.h>
#include <switch/switch.h>

#define NET_NODES_MAX 64u
#define NET_PATHS     3u

struct net;

struct net_link {
    struct net *net;
    uint32_t node[2];
    uint32_t iface[2];
    uint64_t delay_ns; /* one way */
    uint32_t loss_percent;
    bool is_cut; /* silently: nobody is told */
};

/* What the session layer would know about one destination. */
struct net_flow {
    struct cjd_dht_path path[NET_PATHS];
    uint32_t count;
    uint32_t best;
    bool is_on; /* data is sent every 200 ms */
    uint64_t want_ns;
    uint64_t unheard_ns; /* first data since then had no answer; 0: none is missing */
    uint64_t doubt_ns;
    uint64_t hint_ns;
    uint64_t first_ns;     /* first answered data, 0: none yet */
    uint64_t last_ns;      /* last answered data */
    uint64_t worst_gap_ns; /* longest time without answered data since the first */
    uint32_t sent;         /* data packets, and how many were answered */
    uint32_t answered;
    uint32_t failed; /* searches that ended without result */
};

struct net_node {
    struct net *net;
    uint32_t index;
    struct cjd_key key;
    struct cjd_addr addr;
    struct cjd_switch sw;
    struct cjd_dht *dht; /* NULL: switched off */
    struct cjd_drops drops;
    struct cjd_dht_limits limits;
    struct net_link *links[CJD_SWITCH_IFACES];
    struct net_flow flow[NET_NODES_MAX];
    struct cjd_timer traffic;
    uint64_t rx_loops; /* messages from itself */
    uint64_t deaths;   /* ops->path_dead */
    /* Called for every message that arrives, before the router gets it; false: it does not. */
    bool (*intercept)(struct net_node *node, const struct cjd_dht_contact *from,
                      const uint8_t *message, size_t len);
};

struct net {
    struct cjd_timers timers;
    struct test_rng seed;
    struct cjd_rng rng;
    uint64_t now_ns;
    uint32_t node_count;
    uint32_t link_count;
    struct net_node node[NET_NODES_MAX];
    struct net_link link[NET_NODES_MAX * 4];
    uint64_t frames;        /* hops of frames */
    uint64_t misdelivered;  /* messages that reached a node with another key */
    uint64_t want_every_ns; /* 0: as the session layer does */
};

struct net *net_new(uint64_t seed, uint32_t nodes);
void net_free(struct net *net);

/* Connects two nodes. The link layer reports it when net_start() is called, or at once after. */
struct net_link *net_connect(struct net *net, uint32_t a, uint32_t b, uint64_t delay_ns);
void net_set_loss(struct net *net, uint32_t percent);
void net_peers_up(struct net *net, struct net_link *link);
void net_peers_down(struct net *net, struct net_link *link);
/* All links up. */
void net_start(struct net *net);
/* A node forgets everything and begins anew; its neighbours' link layers notice. */
void net_restart(struct net *net, uint32_t node);

void net_want(struct net *net, uint32_t from, uint32_t to, bool is_on);
void net_want_all(struct net *net);
/* Runs the clock forward. */
void net_run(struct net *net, uint64_t for_ns);

/* Runs until every flow had an answer, at most `limit_ns`. Returns how long that took. */
uint64_t net_run_until_connected(struct net *net, uint64_t limit_ns);
/* Flows without answered data within the last `ns`. */
uint32_t net_silent_flows(const struct net *net, uint64_t ns);
/* Does the best path of `from` to `to` lead there through the switches? */
bool net_path_works(struct net *net, uint32_t from, uint32_t to);
/* Links between two nodes on the shortest way. */
uint32_t net_distance(const struct net *net, uint32_t a, uint32_t b);
uint64_t net_queries_sent(const struct net *net, uint32_t node);

/* A message sent by a node over that label, whatever its router thinks of it. */
void net_reply(struct net_node *from, const struct cjd_dht_contact *to, const uint8_t *message,
               size_t len);

/* Keys whose addresses are valid begin with fc; the address is made of the key's first bytes. */
bool net_addr_of_key(struct cjd_addr *out, const struct cjd_key *key);
void net_random_key(struct net *net, struct cjd_key *key);

#endif
