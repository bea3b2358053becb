#include "topology.h"

struct net *topology_chain(uint64_t seed, uint32_t nodes, uint64_t delay_ns)
{
    struct net *net = net_new(seed, nodes);

    for (uint32_t i = 0; i + 1 < nodes; i++) {
        net_connect(net, i, i + 1, delay_ns);
    }
    return net;
}

struct net *topology_ring(uint64_t seed, uint32_t nodes, uint64_t delay_ns)
{
    struct net *net = topology_chain(seed, nodes, delay_ns);

    net_connect(net, nodes - 1, 0, delay_ns);
    return net;
}

struct net *topology_star(uint64_t seed, uint32_t leaves, uint64_t delay_ns)
{
    struct net *net = net_new(seed, leaves + 1);

    for (uint32_t i = 1; i <= leaves; i++) {
        net_connect(net, 0, i, delay_ns);
    }
    return net;
}

struct net *topology_grid(uint64_t seed, uint32_t width, uint64_t delay_ns)
{
    struct net *net = net_new(seed, width * width);

    for (uint32_t i = 0; i < width * width; i++) {
        if (i % width + 1 < width) {
            net_connect(net, i, i + 1, delay_ns);
        }
        if (i + width < width * width) {
            net_connect(net, i, i + width, delay_ns);
        }
    }
    return net;
}
