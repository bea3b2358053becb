/*
 * A network in one process: real nodes (core/node), modelled links, a virtual clock. Runs repeat by
 * seed. Each node answers ICMPv6 echo requests as a machine would, and counts the replies it gets.
 */
#ifndef CJD_TEST_NET_H
#define CJD_TEST_NET_H

#include <testlib/testlib.h>

#include <base/time.h>
#include <node/node.h>

#define NET_NODES_MAX 64u

struct net;

/* What happens to a packet on an edge; may change it. False: it is lost. */
typedef bool (*net_filter_fn)(void *arg, unsigned edge, unsigned from, uint8_t *bytes,
                              uint32_t *len);

struct net *net_new(unsigned nodes, uint64_t seed);
void net_free(struct net *net);

uint64_t net_now(const struct net *net);
struct cjd_node *net_node(struct net *net, unsigned i);
struct cjd_pool *net_pool(struct net *net, unsigned i);
const struct cjd_keypair *net_keys(struct net *net, unsigned i);
const struct cjd_rng *net_rng(struct net *net);

/* Before the first net_run: announce another protocol version; no frontend. */
void net_set_version(struct net *net, unsigned i, uint32_t version);
void net_set_deaf(struct net *net, unsigned i);

/* Node a is configured to call node b, with valid credentials. Returns the edge. */
unsigned net_link(struct net *net, unsigned a, unsigned b, uint64_t delay_ns);
/* The same with other credentials or another key; NULL: as net_link. */
unsigned net_link_with(struct net *net, unsigned a, unsigned b, uint64_t delay_ns,
                       const char *password, const struct cjd_key *key);
/* What the router is told the next net_link() of node a costs, 0: as measured. */
void net_set_cost(struct net *net, uint32_t cost_ms);
void net_chain(struct net *net, unsigned n, uint64_t delay_ns);
void net_ring(struct net *net, unsigned n, uint64_t delay_ns);
void net_grid(struct net *net, unsigned side, uint64_t delay_ns);
void net_star(struct net *net, unsigned n, uint64_t delay_ns);

void net_cut(struct net *net, unsigned edge, bool is_cut);
void net_set_loss(struct net *net, unsigned permille);
void net_set_filter(struct net *net, net_filter_fn fn, void *arg);

/* Kill without goodbye; start again with the same keys and configuration. */
void net_stop(struct net *net, unsigned i);
void net_start(struct net *net, unsigned i);

/* The machine sleeps (its clock stands still) or its process is stopped: it does nothing, and what
 * is sent to it is lost. When it goes on it may have noticed. */
enum net_pause { NET_ASLEEP, NET_STOPPED };
void net_pause(struct net *net, unsigned i);
void net_resume(struct net *net, unsigned i, enum net_pause was, bool has_noticed);
/* It gets other addresses on all edges: what is sent to the old ones is lost. */
void net_move(struct net *net, unsigned i, bool has_noticed);

/* Bytes that appear at `to` as if they came over the edge from its other side. */
void net_forge(struct net *net, unsigned edge, unsigned to, const uint8_t *bytes, uint32_t len);
/* The same from an address nobody has. */
void net_forge_stranger(struct net *net, unsigned to, uint32_t source, const uint8_t *bytes,
                        uint32_t len);

void net_run(struct net *net, uint64_t duration_ns);

/* One echo request. */
void net_ping(struct net *net, unsigned a, unsigned b, uint32_t payload);
unsigned net_replies(const struct net *net, unsigned a, unsigned b);
void net_forget_replies(struct net *net);
/* ICMPv6 errors node i's machine received, by type. */
unsigned net_icmp_errors(const struct net *net, unsigned i, uint8_t type);

/* Pings all pairs among the first n nodes every 200 ms until each answered or the time is up.
 * Returns the time it took, CJD_NEVER if it did not succeed (unanswered pairs are printed). */
uint64_t net_ping_all(struct net *net, unsigned n, uint64_t limit_ns);
/* The same for one pair. */
uint64_t net_ping_pair(struct net *net, unsigned a, unsigned b, uint64_t limit_ns);

/* Packets that crossed all links so far, and their bytes. */
uint64_t net_packets(const struct net *net);
uint64_t net_bytes(const struct net *net);

#endif
