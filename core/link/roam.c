#include <link/private.h>

#include <base/wire.h>
#include <cjd/text.h>

/*
 * A neighbour behind a NAT that forgot, or one that moved, goes on speaking in its session from
 * another address. Whoever opens one of its packets first, and only once, knows that it is genuine;
 * so the answers go there from now on. (A reference node waits for a new hello, link notes §5.7,
 * which works as well: it is then another entry, and the older one is given up when it is silent.)
 *
 * Anybody can send data packets from nowhere. Their counter must be one that the session expects
 * next, which 32 random bits are not; and sessions are tried at a limited rate.
 */
#define COUNTER_AHEAD 1024u /* of the start of the window, which is 64 wide */
#define FOLLOW_RATE   1000u
#define FOLLOW_BURST  320u

static bool may_be_of(const struct peer *p, const struct cjd_pkt *pkt, uint32_t counter)
{
    return p->link == pkt->link && cjd_ca_is_established(&p->ca) &&
           p->state != CJD_LINK_STATE_INCOMPATIBLE &&
           counter - p->ca.live.replay.base < COUNTER_AHEAD;
}

static void move(struct peer *p, const struct cjd_linkaddr *addr, uint64_t now_ns)
{
    struct cjd_links *l = p->links;
    struct cjd_peer_info info;
    char key[CJD_KEY_TEXT_SIZE];
    char place[PLACE_BYTES];

    addr_change(p, addr);
    cjd_key_to_text(key, &p->ca.peer_key);
    place_text(l, p->link, &p->addr, place);
    cjd_log_limited(&l->config.log, &l->peer_limit, now_ns, CJD_LOG_INFO, "peer %s moved%s", key,
                    place);
    peer_info(p, &info);
    l->config.ops.peer_event(l->config.ops.ctx, &info, false);
}

struct peer *roam_follow(struct cjd_links *l, struct cjd_pkt *pkt, uint64_t now_ns)
{
    uint32_t counter = cjd_load32(cjd_pkt_data(pkt));

    if (pkt->addr.len == 0 || pkt->addr.len > CJD_LINKADDR_MAX) {
        return NULL;
    }
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        struct peer *p = l->slot[i];
        if (!p || !may_be_of(p, pkt, counter)) {
            continue;
        }
        if (!cjd_bucket_take(&l->follows, now_ns, FOLLOW_RATE, FOLLOW_BURST)) {
            return NULL;
        }
        if (cjd_ca_open(&p->ca, pkt, now_ns) == CJD_CA_OK) {
            move(p, &pkt->addr, now_ns);
            return p;
        }
    }
    return NULL;
}
