#include <link/private.h>

#include <string.h>

/*
 * One timer per peer. What it does depends on the state:
 *  - no session yet: a ping, which travels in the hello, after 50, 50, 100, 200, 400 and 800 ms,
 *    then each second; after five minutes less and less often, at most a 300th of the time that
 *    has passed, but each minute for ever. A wake-up of the machine or of its network begins anew;
 *  - just established: one ping to measure it, after MEASURE_IDLE without anything heard;
 *  - established and quiet: a ping when nothing was heard for IDLE, half of it longer with each
 * that was answered at once, up to IDLE_MAX. A lost one begins at IDLE again;
 *  - something sent and nothing heard: a ping after UNANSWERED, then one every PROBE. When
 *    DOUBT_PROBES went unanswered, the router is told to use other ways, and who can starts a new
 *    handshake; when SILENT_PROBES did, the link is silent;
 *  - incompatible: asked again after VERSION_RETRY;
 *  - incoming: forgotten when silent for FORGET, or not established within STALE.
 */
#define RETRY_FIRST  (50 * CJD_MS)
#define RETRY_MAX    (1000 * CJD_MS)
#define RETRY_SHARE  300u /* of the silence */
#define RETRY_RARELY (60 * CJD_S)
#define NUDGE        (500 * CJD_MS)
/* A reason told from outside is not told again: it may be gone. */
#define TOLD_LIFE (15 * CJD_S)
/* Key packets without an answer. */
#define STUCK_AFTER   4u
#define NO_CARRIER    (5 * CJD_S)
#define IDLE          (3072 * CJD_MS)
#define IDLE_MAX      (5 * IDLE)
#define MEASURE_SOON  2u /* round trips of a link that just came up: the first was a handshake */
#define MEASURE_IDLE  (400 * CJD_MS)
#define UNANSWERED    (500 * CJD_MS)
#define PROBE         (250 * CJD_MS)
#define DOUBT_PROBES  3u
#define SILENT_PROBES 6u
#define LOSSY         150u /* permille of pings lost in vain, smoothed */
#define FORGET        (262144 * CJD_MS)
#define STALE         (12 * CJD_S)
/* An incompatible neighbour may have been upgraded: ask again. */
#define VERSION_RETRY (60 * CJD_S)
/* No round trip counts for more: silence must not hide behind one late answer (link notes §5.5). */
#define RTT_MAX (2048 * CJD_MS)

static uint64_t retry_delay(const struct peer *p, uint64_t now_ns)
{
    uint64_t base = p->last_ns > p->kicked_ns ? p->last_ns : p->kicked_ns;
    uint64_t silent = now_ns - base;

    uint64_t delay = RETRY_FIRST << (p->attempts < 8 ? p->attempts : 8);
    uint64_t share = silent / RETRY_SHARE;

    if (delay < RETRY_MAX) {
        return delay;
    }
    if (share < RETRY_MAX) {
        return RETRY_MAX;
    }
    return share < RETRY_RARELY ? share : RETRY_RARELY;
}

/* Pauses of seconds vary more, so that neighbours of a node that was away do not call in step. */
static void arm_in(struct peer *p, uint64_t delay_ns, uint64_t now_ns)
{
    unsigned percent = delay_ns > RETRY_MAX ? 20 : 5;
    uint64_t jittered = cjd_rng_jitter(&p->links->config.ca->rng, delay_ns, percent);

    cjd_timer_arm(p->links->config.timers, &p->tick, now_ns + jittered);
}

static struct cjd_pkt *empty_packet(struct cjd_links *l)
{
    struct cjd_pkt *pkt = cjd_pool_take(l->config.pool, 256);

    if (!pkt) {
        cjd_drop_count(l->config.drops, CJD_DROP_NO_PACKET);
    }
    return pkt;
}

void peer_ping(struct peer *p, uint64_t now_ns)
{
    struct cjd_links *l = p->links;
    struct ping_cookie *cookie = &p->cookie[p->next_cookie++ % COOKIES];
    struct cjd_pkt *pkt = empty_packet(l);

    if (!pkt) {
        return;
    }
    cjd_rng_fill(&l->config.ca->rng, cookie->bytes, sizeof cookie->bytes);
    cookie->sent_ns = now_ns;
    p->ping_ns = now_ns;
    if (cjd_ctrl_make_ping(pkt, NULL, cookie->bytes, sizeof cookie->bytes) != 0) {
        cjd_pool_give(l->config.pool, pkt);
        return;
    }
    cjd_ctrl_set_version(pkt, l->config.version);
    cjd_ctrl_wrap(pkt, p->label, false);
    /* Through the own switch like any frame, so that the label has the form the neighbour expects.
     */
    struct cjd_switch_verdict v =
        cjd_switch_frame(l->config.sw, cjd_pkt_data(pkt), pkt->len, CJD_SWITCH_SELF);
    if (v.action != CJD_SWITCH_FORWARD) {
        cjd_pool_give(l->config.pool, pkt);
        return;
    }
    peer_transmit(p, pkt, now_ns);
}

void peer_send_empty(struct peer *p, uint64_t now_ns)
{
    struct cjd_pkt *pkt = empty_packet(p->links);

    if (pkt) {
        peer_transmit(p, pkt, now_ns);
    }
}

void peer_sent(struct peer *p, uint64_t now_ns)
{
    if (p->has_sent || p->is_answering || p->state != (int)CJD_CA_ESTABLISHED) {
        return;
    }
    p->has_sent = true;
    if (p->attempts == 0 && p->tick.at_ns > now_ns + UNANSWERED) {
        cjd_timer_arm(p->links->config.timers, &p->tick, now_ns + UNANSWERED);
    }
}

void peer_heard(struct peer *p, uint64_t now_ns)
{
    p->heard_ns = now_ns;
    p->has_sent = false;
    if (p->attempts > 0) {
        uint32_t lost = 1000 * (p->attempts - 1) / p->attempts;
        p->lossiness = p->lossiness - p->lossiness / 8 + lost / 8;
    }
    if (p->attempts > 1) {
        p->quiet_pings = 0;
    } else if (p->attempts == 1 && p->is_quiet_ping) {
        p->quiet_pings++;
    }
    p->is_quiet_ping = false;
    p->is_superseded = false;
    p->attempts = 0;
}

void peer_doubt(struct peer *p, uint64_t now_ns)
{
    cjd_timer_arm(p->links->config.timers, &p->tick, now_ns);
    p->has_sent = true;
    p->attempts = p->attempts ? p->attempts : 1;
}

void peer_nudge(struct peer *p, uint64_t now_ns)
{
    if (peer_can_call(p) && p->state != (int)CJD_CA_ESTABLISHED && now_ns - p->ping_ns >= NUDGE) {
        cjd_timer_arm(p->links->config.timers, &p->tick, now_ns);
    }
}

void peer_kick(struct peer *p, uint64_t now_ns)
{
    p->attempts = 0;
    p->kicked_ns = now_ns;
    if (p->addr.len == 0) {
        cjd_timer_cancel(p->links->config.timers, &p->tick); /* until it has one */
        return;
    }
    peer_ping(p, now_ns);
    arm_in(p, RETRY_FIRST, now_ns);
}

static bool is_forgettable(const struct peer *p, uint64_t now_ns)
{
    if (!p->is_incoming) {
        return false;
    }
    return p->last_ns == 0 ? now_ns - p->created_ns > STALE : now_ns - p->last_ns > FORGET;
}

/* It followed its neighbour to another address, which does not answer any more: back to where the
 * operator said it is. */
static void go_home(struct peer *p)
{
    bool is_away = p->home.len > 0 &&
                   (p->home.len != p->addr.len || memcmp(p->home.b, p->addr.b, p->addr.len) != 0);

    if (is_away && !peer_by_addr(p->links, p->link, &p->home)) {
        addr_change(p, &p->home);
    }
}

/* Probes of an established peer went unanswered; on a link that loses many of them, no wonder.
 * False: it is gone. */
static bool silence(struct peer *p, uint64_t now_ns)
{
    if (p->attempts == (p->lossiness > LOSSY ? SILENT_PROBES : DOUBT_PROBES)) {
        if (peer_can_call(p)) {
            /* It may have restarted and know nothing of our session: only a hello reaches it. */
            peer_reset(p);
            go_home(p);
        }
        peer_announce(p, false, now_ns);
    }
    if (p->attempts < SILENT_PROBES) {
        return true;
    }
    if (p->is_superseded) {
        peer_free(p, now_ns);
        return false;
    }
    peer_announce(p, false, now_ns);
    peer_set_state(p, CJD_LINK_STATE_UNRESPONSIVE, CJD_LINK_REASON_SILENT, now_ns);
    return true;
}

/* What is sent over a link finds out within a second whether it works, so one that is proven and
 * unused needs few pings. */
static uint64_t idle_limit(const struct peer *p)
{
    if (p->measured < MEASURE_SOON) {
        return MEASURE_IDLE;
    }
    uint64_t more = p->quiet_pings < IDLE_MAX / IDLE * 2 ? p->quiet_pings * (IDLE / 2) : IDLE_MAX;
    return IDLE + more < IDLE_MAX ? IDLE + more : IDLE_MAX;
}

static void tick_established(struct peer *p, uint64_t now_ns)
{
    uint64_t quiet = now_ns - p->heard_ns;
    uint64_t limit = p->has_sent ? UNANSWERED : idle_limit(p);

    if (limit < 2 * p->rtt_ns) {
        limit = 2 * p->rtt_ns;
    }

    if (p->attempts == 0 && quiet < limit) {
        arm_in(p, limit - quiet, now_ns);
        return;
    }
    p->is_quiet_ping = p->attempts == 0 && !p->has_sent && p->measured >= MEASURE_SOON;
    peer_ping(p, now_ns);
    p->attempts++;
    if (silence(p, now_ns)) {
        uint64_t rtt_room = p->rtt_ns * 2;
        arm_in(p, rtt_room > PROBE ? rtt_room : PROBE, now_ns);
    }
}

/* It answers the other end's hello, and gets no answer: that one may have forgotten what it said,
 * or somebody replayed it. Now and then it calls by itself. */
static bool is_stuck(const struct peer *p)
{
    enum cjd_ca_state ca = cjd_ca_state(&p->ca);

    return peer_can_call(p) && (ca == CJD_CA_RECEIVED_HELLO || ca == CJD_CA_SENT_KEY) &&
           p->attempts % STUCK_AFTER == STUCK_AFTER - 1;
}

/* The session that was left when the carrier went is not answered now that it is back: a neighbour
 * that has forgotten it, or does not know our new address, is reached only by a hello. */
static bool is_left_over(const struct peer *p)
{
    return peer_can_call(p) && cjd_ca_is_established(&p->ca) && p->attempts >= DOUBT_PROBES;
}

static void tick_handshake(struct peer *p, uint64_t now_ns)
{
    uint64_t delay = retry_delay(p, now_ns);
    bool is_old_news =
        (p->reason == CJD_LINK_REASON_SEND || p->reason == CJD_LINK_REASON_OWN_KEY) &&
        now_ns - p->told_ns > TOLD_LIFE + 2 * delay;
    bool is_waiting =
        p->reason == CJD_LINK_REASON_NEW || p->reason == CJD_LINK_REASON_HANDSHAKE || is_old_news;

    if (is_stuck(p) || is_left_over(p)) {
        peer_reset(p);
        go_home(p);
    }
    peer_ping(p, now_ns);
    p->attempts++;
    /* Most of a second of trying: 50 + 50 + 100 + 200 + 400 ms. */
    if (p->attempts >= 5 && is_waiting && peer_can_call(p)) {
        peer_set_state(p, p->state, CJD_LINK_REASON_NO_ANSWER, now_ns);
    }
    arm_in(p, delay, now_ns);
}

static void tick_incompatible(struct peer *p, uint64_t now_ns)
{
    if (now_ns - p->since_ns >= VERSION_RETRY) {
        peer_restart(p, now_ns);
        return;
    }
    arm_in(p, VERSION_RETRY / 6, now_ns);
}

void peer_tick(void *arg, uint64_t now_ns)
{
    struct peer *p = arg;

    if (is_forgettable(p, now_ns)) {
        peer_free(p, now_ns);
        return;
    }
    peer_expire(p, now_ns);
    if (!has_carrier(p)) {
        arm_in(p, NO_CARRIER, now_ns);
    } else if (p->state == CJD_LINK_STATE_INCOMPATIBLE) {
        tick_incompatible(p, now_ns);
    } else if (p->state == (int)CJD_CA_ESTABLISHED) {
        tick_established(p, now_ns);
    } else {
        tick_handshake(p, now_ns);
    }
}

/* What is late waited somewhere, perhaps once; what is early says what the link can do. */
static void measure(struct peer *p, uint64_t rtt_ns)
{
    if (p->rtt_ns == 0 || (p->measured < MEASURE_SOON && rtt_ns < p->rtt_ns)) {
        p->rtt_ns = rtt_ns;
    } else if (rtt_ns < p->rtt_ns) {
        p->rtt_ns -= (p->rtt_ns - rtt_ns) / 2;
    } else {
        p->rtt_ns += (rtt_ns - p->rtt_ns) / 8;
    }
    if (p->measured < MEASURE_SOON) {
        p->measured++;
    }
}

bool cjd_links_pong(struct cjd_links *l, uint64_t label, const struct cjd_ctrl *pong,
                    uint64_t now_ns)
{
    const struct cjd_scheme *scheme = &l->config.sw->scheme;
    int form = cjd_scheme_form_of(scheme, label);

    if (form < 0 || !cjd_scheme_is_one_hop(scheme, label) || pong->data_len != COOKIE_BYTES) {
        return false;
    }
    uint32_t iface = cjd_scheme_iface_of(scheme, label, form);
    struct peer *p = iface < CJD_SWITCH_IFACES ? l->by_iface[iface] : NULL;
    for (unsigned i = 0; p && i < COOKIES; i++) {
        struct ping_cookie *c = &p->cookie[i];
        if (c->sent_ns == 0 || memcmp(c->bytes, pong->data, COOKIE_BYTES) != 0) {
            continue;
        }
        uint64_t rtt = now_ns - c->sent_ns < RTT_MAX ? now_ns - c->sent_ns : RTT_MAX;
        measure(p, rtt);
        c->sent_ns = 0;
        p->version = pong->version;
        p->has_no_version = pong->version == 0;
        peer_update_state(p, now_ns);
        peer_tell_rtt(p, now_ns);
        return true;
    }
    return false;
}
