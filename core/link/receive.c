#include <link/private.h>

#include <string.h>

/* X25519 work that a known peer may cause; for strangers see source.c. */
#define PEER_HELLO_RATE  20u
#define PEER_HELLO_BURST 40u
/* Entries of one key on one link that have not proven themselves. */
#define UNPROVEN_MAX 8u
/* An incoming peer silent for so long may be replaced by another key at its address. */
#define REPLACEABLE (5 * CJD_S)

static void drop(struct cjd_links *l, struct cjd_pkt *pkt, enum cjd_drop reason)
{
    cjd_drop_count(l->config.drops, reason);
    cjd_pool_give(l->config.pool, pkt);
}

static bool key_is_own(const struct cjd_links *l, const struct cjd_key *key)
{
    return memcmp(key, &l->config.ca->self->key, sizeof *key) == 0;
}

static void refuse(struct cjd_links *l, const struct cjd_pkt *pkt, const struct cjd_key *key,
                   enum cjd_ca_result result, int err, uint64_t now_ns)
{
    struct cjd_refusal r = {
        .link = pkt->link, .addr = pkt->addr, .key = *key, .result = result, .err = err};

    cjd_drop_count_crypto(l->config.drops, CJD_DROP_OUTER, (unsigned)result);
    refusal_note(l, &r, now_ns);
    cjd_drop_count(l->config.drops, CJD_DROP_LINK_REFUSED);
}

/* A neighbour whose session is not proven live, or whose version is unknown, is asked at once. One
 * that says hello beside its running session has restarted: the ping travels in a key packet, so
 * that its pong is the data packet that proves the new session (a reference node would send none
 * for seconds). */
static void ping_back(struct peer *p, bool is_established, uint64_t now_ns)
{
    bool is_pending = p->ca.got_handshake && p->ca.has_pending;
    bool needs_ping = !is_established || is_pending || (p->version == 0 && !p->has_no_version);

    if (!needs_ping || p->state == CJD_LINK_STATE_INCOMPATIBLE ||
        now_ns - p->ping_ns <= 20 * CJD_MS) {
        return;
    }
    if (is_pending) {
        p->ca.owes_key = true;
        p->is_replying = true;
    }
    peer_ping(p, now_ns);
    p->is_replying = false;
}

/* What follows an accepted packet: state, payload up, ping back, key packet owed. */
static void deliver(struct peer *p, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct cjd_links *l = p->links;
    bool is_established = cjd_ca_is_established(&p->ca);
    bool is_live = is_established && !p->ca.got_handshake;
    uint32_t number = p->number;

    p->rx_bytes += pkt->len;
    p->rx_packets++;
    if (is_live) {
        p->last_ns = now_ns;
    }
    if (is_live || !is_established) {
        peer_heard(p, now_ns);
    }
    if (p->state != (int)CJD_CA_ESTABLISHED || !is_established || !p->is_announced) {
        peer_update_state(p, now_ns);
    }
    if (pkt->len == 0) {
        cjd_pool_give(l->config.pool, pkt);
    } else if (!is_live && (pkt->len < 8 || cjd_pkt_data(pkt)[7] != 1)) {
        /* Not proven live: could be a replay, must not be switched onward (link notes §5.4). */
        drop(l, pkt, CJD_DROP_LINK_NOT_SELF);
    } else {
        p->is_answering = true;
        p->is_replying = p->ca.got_handshake;
        l->config.ops.frame(l->config.ops.ctx, p->iface, pkt, now_ns);
    }
    /* Whoever took the frame may have removed the peer. */
    p = peer_by_number(l, number);
    if (!p) {
        return;
    }
    p->is_answering = false;
    p->is_replying = false;
    ping_back(p, is_established, now_ns);
    if (p->ca.owes_key) {
        peer_send_empty(p, now_ns);
    }
}

/* The newer of two entries of one neighbour on one link works: find out at once about the older. */
static void probe_twins(struct peer *p, uint64_t now_ns)
{
    struct cjd_links *l = p->links;

    for (unsigned i = 0; i < PEERS_MAX; i++) {
        struct peer *q = l->slot[i];
        if (q && q != p && q->link == p->link && q->is_incoming &&
            memcmp(&q->ca.peer_key, &p->ca.peer_key, sizeof p->ca.peer_key) == 0) {
            if (q->state == CJD_LINK_STATE_UNRESPONSIVE) {
                peer_free(q, now_ns);
            } else {
                q->is_superseded = true;
                peer_doubt(q, now_ns);
            }
        }
    }
}

/* A replayed hello can come from any number of addresses: few entries per key that is not up, the
 * oldest of them goes. Not one alone, or every replay would drop the genuine neighbour's. */
static void drop_unproven_twin(struct cjd_links *l, uint32_t link, const struct cjd_key *key,
                               uint64_t now_ns)
{
    struct peer *oldest = NULL;
    unsigned count = 0;

    for (unsigned i = 0; i < PEERS_MAX; i++) {
        struct peer *q = l->slot[i];
        if (q && q->link == link && q->is_incoming && q->last_ns == 0 &&
            memcmp(&q->ca.peer_key, key, sizeof *key) == 0) {
            count++;
            oldest = !oldest || q->created_ns < oldest->created_ns ? q : oldest;
        }
    }
    if (count >= UNPROVEN_MAX) {
        peer_free(oldest, now_ns);
    }
}

/* The hello at `pkt` passed all checks in `ca`: make it a peer. Takes the ca over. */
static struct peer *admit(struct cjd_links *l, const struct cjd_pkt *pkt, struct cjd_ca *ca,
                          uint64_t now_ns)
{
    int err;

    drop_unproven_twin(l, pkt->link, &ca->peer_key, now_ns);
    struct peer *p = peer_new(l, pkt->link, &pkt->addr, &ca->peer_key, &err);
    if (!p && err == CJD_ERR_FULL && peer_make_room(l, now_ns)) {
        p = peer_new(l, pkt->link, &pkt->addr, &ca->peer_key, &err);
    }
    if (!p) {
        refuse(l, pkt, &ca->peer_key, CJD_CA_OK, err, now_ns);
        return NULL;
    }
    p->ca = *ca;
    p->is_incoming = true;
    p->created_ns = p->kicked_ns = p->since_ns = now_ns;
    p->state = CJD_LINK_STATE_UNAUTHENTICATED;
    cjd_switch_iface_set_up(l->config.sw, p->iface, false);
    cjd_timer_arm(l->config.timers, &p->tick, now_ns + 200 * CJD_MS);
    return p;
}

/* Our own key: a hello of ours that came back, or somebody else has it. */
static void own_hello(struct cjd_links *l, const struct cjd_pkt *pkt, uint64_t now_ns)
{
    const uint8_t *id = cjd_pkt_data(pkt) + HELLO_NONCE_AT;

    refuse(l, pkt, &l->config.ca->self->key, CJD_CA_OK, CJD_ERR_OWN_KEY, now_ns);
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        struct peer *p = l->slot[i];
        if (p && peer_can_call(p) && memcmp(p->hello_id, id, sizeof p->hello_id) == 0) {
            cjd_links_peer_set_reason(l, p->number, CJD_LINK_REASON_OWN_KEY, now_ns);
        }
    }
}

static bool hello_is_acceptable(struct cjd_links *l, const struct cjd_pkt *pkt,
                                const struct cjd_ca_hello *hello, uint64_t now_ns)
{
    struct cjd_addr addr;

    if (key_is_own(l, &hello->key)) {
        own_hello(l, pkt, now_ns);
        return false;
    }
    if (!cjd_addr_of_key_is_valid(&addr, &hello->key)) {
        refuse(l, pkt, &hello->key, CJD_CA_OK, CJD_ERR_BAD_KEY, now_ns);
        return false;
    }
    if (!cjd_users_find(l->config.ca->users, hello->challenge)) {
        refuse(l, pkt, &hello->key, CJD_CA_AUTH_REQUIRED, 0, now_ns);
        return false;
    }
    if (!source_may_call(l, pkt, now_ns)) {
        cjd_drop_count(l->config.drops, CJD_DROP_LINK_HELLO_RATE);
        return false;
    }
    return true;
}

static void receive_hello(struct cjd_links *l, struct cjd_pkt *pkt,
                          const struct cjd_ca_hello *hello, struct peer *replaces, uint64_t now_ns)
{
    struct cjd_ca ca;

    if (pkt->addr.len == 0 || pkt->addr.len > CJD_LINKADDR_MAX) {
        drop(l, pkt, CJD_DROP_LINK_STRANGER);
        return;
    }
    if (!hello_is_acceptable(l, pkt, hello, now_ns)) {
        cjd_pool_give(l->config.pool, pkt);
        return;
    }
    cjd_ca_init(&ca, l->config.ca, &hello->key, true, now_ns);
    enum cjd_ca_result result = cjd_ca_open(&ca, pkt, now_ns);
    if (result != CJD_CA_OK) {
        refuse(l, pkt, &hello->key, result, 0, now_ns);
        cjd_ca_fini(&ca);
        cjd_pool_give(l->config.pool, pkt);
        return;
    }
    if (replaces) {
        peer_free(replaces, now_ns);
    }
    struct peer *p = admit(l, pkt, &ca, now_ns);
    cjd_ca_fini(&ca);
    if (!p) {
        cjd_pool_give(l->config.pool, pkt);
        return;
    }
    deliver(p, pkt, now_ns);
}

/* Data from an unknown address: perhaps of a neighbour that moved. */
static void receive_from_nowhere(struct cjd_links *l, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct peer *p = roam_follow(l, pkt, now_ns);

    if (p) {
        deliver(p, pkt, now_ns);
    } else {
        drop(l, pkt, CJD_DROP_LINK_STRANGER);
    }
}

/* A hello at a known address that its session refuses. */
static void refused_by_peer(struct peer *p, struct cjd_pkt *pkt, const struct cjd_ca_hello *hello,
                            enum cjd_ca_result result, uint64_t now_ns)
{
    struct cjd_links *l = p->links;

    if (result == CJD_CA_AUTH_REQUIRED || result == CJD_CA_UNKNOWN_AUTH ||
        result == CJD_CA_IP_RESTRICTED || result == CJD_CA_HANDSHAKE_DECRYPT ||
        result == CJD_CA_WRONG_KEY) {
        refuse(l, pkt, &hello->key, result, 0, now_ns);
    } else {
        cjd_drop_count(l->config.drops, CJD_DROP_LINK_CRYPTO);
        cjd_drop_count_crypto(l->config.drops, CJD_DROP_OUTER, (unsigned)result);
    }
    cjd_pool_give(l->config.pool, pkt);
}

/* A new session took over: the neighbour restarted, and its labels are new. */
static void notice_promotion(struct peer *p, uint32_t before, uint32_t lost, uint64_t now_ns)
{
    if (p->ca.promotions != before) {
        p->lost_before += lost;
        peer_announce(p, false, now_ns);
        peer_update_state(p, now_ns);
    }
}

static void receive_peer(struct peer *p, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct cjd_links *l = p->links;
    struct cjd_ca_hello hello;
    bool is_handshake = cjd_ca_peek(&hello, cjd_pkt_data(pkt), pkt->len);

    if (is_handshake && hello.word <= 1 && key_is_own(l, &hello.key)) {
        own_hello(l, pkt, now_ns);
        cjd_pool_give(l->config.pool, pkt);
        return;
    }
    if (is_handshake && p->is_incoming && hello.word <= 1 &&
        memcmp(&hello.key, &p->ca.peer_key, sizeof hello.key) != 0 &&
        now_ns - p->heard_ns > REPLACEABLE) {
        receive_hello(l, pkt, &hello, p, now_ns);
        return;
    }
    if (p->state == CJD_LINK_STATE_INCOMPATIBLE) {
        drop(l, pkt, CJD_DROP_LINK_VERSION);
        return;
    }
    if (is_handshake && !cjd_bucket_take(&p->hellos, now_ns, PEER_HELLO_RATE, PEER_HELLO_BURST)) {
        drop(l, pkt, CJD_DROP_LINK_HELLO_RATE);
        return;
    }
    uint32_t promotions = p->ca.promotions;
    bool was_established = cjd_ca_is_established(&p->ca);
    peer_expire(p, now_ns);
    uint32_t lost = p->ca.live.replay.lost;
    enum cjd_ca_result result = cjd_ca_open(&p->ca, pkt, now_ns);
    if (result == CJD_CA_OK) {
        notice_promotion(p, promotions, lost, now_ns);
        if (!was_established && cjd_ca_is_established(&p->ca)) {
            probe_twins(p, now_ns);
        }
        deliver(p, pkt, now_ns);
    } else if (is_handshake) {
        refused_by_peer(p, pkt, &hello, result, now_ns);
    } else {
        cjd_drop_count_crypto(l->config.drops, CJD_DROP_OUTER, (unsigned)result);
        peer_nudge(p, now_ns);
        drop(l, pkt, CJD_DROP_LINK_CRYPTO);
    }
}

static void receive_stranger(struct cjd_links *l, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct cjd_ca_hello hello;

    if (!cjd_ca_peek(&hello, cjd_pkt_data(pkt), pkt->len)) {
        receive_from_nowhere(l, pkt, now_ns);
    } else if (hello.word <= 1) {
        receive_hello(l, pkt, &hello, NULL, now_ns);
    } else {
        drop(l, pkt, CJD_DROP_LINK_STRANGER);
    }
}

void cjd_links_rx(struct cjd_links *l, uint32_t link, uint32_t queue, struct cjd_vec *vec,
                  uint64_t now_ns)
{
    for (unsigned i = 0; i < vec->n; i++) {
        struct cjd_pkt *pkt = vec->v[i];
        pkt->link = link;
        pkt->queue = (uint16_t)queue;
        if (link >= CJD_LINKS_MAX || !l->link[link].is_used || !l->link[link].has_carrier) {
            drop(l, pkt, CJD_DROP_LINK_GONE);
            continue;
        }
        if (pkt->len < CJD_CA_DATA_BYTES) {
            drop(l, pkt, CJD_DROP_LINK_RUNT);
            continue;
        }
        struct peer *p = peer_by_addr(l, link, &pkt->addr);
        if (p) {
            receive_peer(p, pkt, now_ns);
        } else {
            receive_stranger(l, pkt, now_ns);
        }
    }
    vec->n = 0;
}
