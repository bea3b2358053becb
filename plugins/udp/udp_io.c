#include "udp.h"

/* False: nothing could be sent back to it. */
static bool on_receive(void *arg, struct cjd_pkt *pkt, uint32_t name_len)
{
    const struct cjd_udp_side *side = arg;
    return cjd_udp_addr_canon(&pkt->addr, name_len, side->family);
}

static bool on_send(void *arg, struct cjd_pkt *pkt)
{
    const struct cjd_udp_side *side = arg;
    return cjd_udp_addr_is_valid(&pkt->addr, side->family);
}

static const void *on_name(void *arg, const struct cjd_pkt *pkt, void *room, socklen_t *len)
{
    (void)arg;
    (void)room;
    *len = pkt->addr.len;
    return pkt->addr.b;
}

static void on_unsendable(void *arg, const struct cjd_linkaddr *addr, int errno_value)
{
    struct cjd_udp_side *side = arg;
    cjd_udp_peers_unsendable(&side->udp->peers, addr, errno_value);
}

const struct cjd_dgram_ops cjd_udp_dgram_ops = {.room = CJD_UDP_MTU,
                                                .batch = CJD_DGRAM_BATCH,
                                                .receive = on_receive,
                                                .send = on_send,
                                                .name = on_name,
                                                .unsendable = on_unsendable};
