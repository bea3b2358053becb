/* Shapes of networks for the tests. */
#ifndef TEST_DHT_TOPOLOGY_H
#define TEST_DHT_TOPOLOGY_H

#include "net.h"

struct net *topology_chain(uint64_t seed, uint32_t nodes, uint64_t delay_ns);
struct net *topology_ring(uint64_t seed, uint32_t nodes, uint64_t delay_ns);
/* Node 0 is the hub. */
struct net *topology_star(uint64_t seed, uint32_t leaves, uint64_t delay_ns);
struct net *topology_grid(uint64_t seed, uint32_t width, uint64_t delay_ns);

#endif
