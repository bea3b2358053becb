/*
 * Bytes as datagrams at a running node: from a stranger, from the address of its established
 * neighbour, and as frames inside the neighbour's session. The node lives through the whole run.
 *
 * Input: a list of [kind, length (2 bytes, big-endian), bytes].
 */
#include <testlib/net.h>

#include <node/private.h>

enum kind { FROM_STRANGER, FROM_NEIGHBOUR, IN_SESSION, FROM_MACHINE, KINDS };

static struct net *network(void)
{
    static struct net *net;

    if (!net) {
        net = net_new(2, 1);
        net_link(net, 0, 1, CJD_MS);
        net_ping_all(net, 2, 5 * CJD_S);
    }
    return net;
}

static struct cjd_pkt *packet(struct net *net, unsigned node, const uint8_t *bytes, uint32_t len)
{
    struct cjd_pkt *pkt = cjd_pool_take(net_pool(net, node), len);

    if (pkt) {
        cjd_pkt_put(pkt, len);
        memcpy(cjd_pkt_data(pkt), bytes, len);
    }
    return pkt;
}

static void feed(struct net *net, enum kind kind, const uint8_t *bytes, uint32_t len)
{
    struct cjd_pkt *pkt;

    switch (kind) {
    case FROM_STRANGER:
        net_forge_stranger(net, 1, len, bytes, len);
        break;
    case FROM_NEIGHBOUR:
        net_forge(net, 0, 1, bytes, len);
        break;
    case IN_SESSION:
        /* Node 0 seals whatever it is given for its neighbour. */
        pkt = packet(net, 0, bytes, len);
        if (pkt) {
            cjd_links_send(cjd_node_links(net_node(net, 0)), 0, pkt, net_now(net));
            cjd_node_flush(net_node(net, 0));
        }
        break;
    case FROM_MACHINE:
    case KINDS:
        pkt = packet(net, 1, bytes, len);
        if (pkt) {
            CJD_VEC_LOCAL(vec, 1);
            cjd_vec_add(&vec, pkt);
            cjd_node_inject(net_node(net, 1), &vec, net_now(net));
            cjd_node_flush(net_node(net, 1));
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net *net = network();

    while (size >= 3) {
        uint32_t len = (uint32_t)data[1] << 8 | data[2];
        if (len > size - 3 || len > 3000) {
            len = (uint32_t)(size - 3 > 3000 ? 3000 : size - 3);
        }
        feed(net, (enum kind)(data[0] % KINDS), data + 3, len);
        data += 3 + len;
        size -= 3 + len;
        net_run(net, 2 * CJD_MS);
    }
    net_run(net, 10 * CJD_MS);
    return 0;
}
