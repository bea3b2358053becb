#include <session/private.h>

#include <base/wire.h>
#include <string.h>

#define HANDLE_BYTES     4u
#define IP6_HEADER_BYTES 40u
/* What stands around an IPv6 packet's payload in a frame: switch header, handle, CryptoAuth, data
 * header. */
#define DATA_OVERHEAD                                                                              \
    (CJD_SWITCH_HEADER_BYTES + HANDLE_BYTES + CJD_CA_DATA_BYTES + CJD_DATA_HEADER_BYTES)
/* Every IPv6 link carries this much; smaller packets need no check. */
#define IP6_MIN_MTU 1280u

void session_drop(struct cjd_sessions *s, struct cjd_pkt *pkt, enum cjd_drop reason)
{
    cjd_drop_count(s->config.drops, reason);
    cjd_pool_give(s->config.pool, pkt);
}

static bool has_room(const struct cjd_pkt *pkt, uint32_t bytes)
{
    return cjd_pkt_headroom(pkt) >= bytes;
}

static void note_sent(struct session *e, uint32_t bytes, uint64_t now_ns)
{
    e->tx_bytes += bytes;
    e->last_tx_ns = now_ns;
    session_touch(e);
}

/* A user packet goes over the path in use: something should come back over it. */
static void expect_answer(struct session *e, uint64_t now_ns)
{
    if (e->asked_ns != 0) {
        return;
    }
    e->asked_ns = now_ns;
    if (e->timer.at_ns > now_ns + UNANSWERED) {
        cjd_timer_arm(e->owner->config.timers, &e->timer, now_ns + UNANSWERED);
    }
}

static void push_switch_header(struct cjd_pkt *pkt, uint64_t label)
{
    struct cjd_switch_header h = {.label = label, .version = 1};

    cjd_pkt_push(pkt, CJD_SWITCH_HEADER_BYTES);
    cjd_switch_header_write(cjd_pkt_data(pkt), &h);
}

static void push32(struct cjd_pkt *pkt, uint32_t value)
{
    cjd_pkt_push(pkt, 4);
    cjd_store32(cjd_pkt_data(pkt), value);
}

/* Is the next packet a handshake packet? Only valid after cjd_ca_expire(). */
static bool is_handshake_next(const struct session *e)
{
    return !cjd_ca_can_send_data(&e->ca) || (e->is_replying && e->ca.owes_key);
}

void session_transmit(struct session *e, struct cjd_pkt *pkt, uint64_t label, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;
    uint32_t bytes = pkt->len;

    cjd_ca_expire(&e->ca, now_ns);
    session_adopt_promotion(e); /* running out of time may bring the pending half forward */
    bool is_handshake = is_handshake_next(e);
    uint32_t around = CJD_SWITCH_HEADER_BYTES + HANDLE_BYTES +
                      (is_handshake ? CJD_CA_HANDSHAKE_BYTES : CJD_CA_DATA_BYTES);
    if (!has_room(pkt, around)) {
        session_drop(s, pkt, CJD_DROP_LINK_NO_ROOM);
        return;
    }
    if (is_handshake) {
        push32(pkt, e->rx_handle); /* inside the encryption (session notes §1) */
    }
    int err =
        e->is_replying ? cjd_ca_seal_reply(&e->ca, pkt, now_ns) : cjd_ca_seal(&e->ca, pkt, now_ns);
    if (err) {
        session_drop(s, pkt, CJD_DROP_SESSION_CRYPTO);
        return;
    }
    if (!is_handshake) {
        push32(pkt, e->tx_handle);
    }
    push_switch_header(pkt, label);
    note_sent(e, bytes, now_ns);
    s->config.ops.frame(s->config.ops.ctx, pkt, now_ns);
}

/* Is the packet (data header in front) too large for the first hop? Then it is sent back. */
static bool bounce_too_big(struct session *e, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;
    const struct path *best = path_best(e);
    uint32_t ip6_bytes = pkt->len - CJD_DATA_HEADER_BYTES + IP6_HEADER_BYTES;

    if (ip6_bytes <= IP6_MIN_MTU || !best ||
        cjd_load16(cjd_pkt_data(pkt) + 2) > CJD_CONTENT_IP6_MAX) {
        return false;
    }
    uint32_t mtu = s->config.ops.frame_mtu(s->config.ops.ctx, best->label);
    if (mtu <= DATA_OVERHEAD || ip6_bytes - IP6_HEADER_BYTES + DATA_OVERHEAD <= mtu) {
        return false;
    }
    uint32_t ip6_mtu = mtu - DATA_OVERHEAD + IP6_HEADER_BYTES;
    s->config.ops.undeliverable(s->config.ops.ctx, &e->addr, pkt,
                                ip6_mtu < IP6_MIN_MTU ? IP6_MIN_MTU : ip6_mtu, now_ns);
    return true;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void wait_for_path(struct session *e, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;

    if (s->waiting >= MAX_WAITING_ALL) {
        session_drop(s, pkt, CJD_DROP_SESSION_FULL);
        return;
    }
    if (e->waiting_count == 0) {
        e->waiting_since_ns = now_ns;
    }
    if (e->waiting_count == MAX_WAITING) {
        /* The oldest is the least useful: whoever sent it has given it up first. */
        session_drop(s, e->waiting[0], CJD_DROP_SESSION_FULL);
        memmove(&e->waiting[0], &e->waiting[1], (MAX_WAITING - 1) * sizeof(struct cjd_pkt *));
        e->waiting_count--;
        s->waiting--;
    }
    e->waiting[e->waiting_count++] = pkt;
    s->waiting++;
}

/* May user data go out now? Not in answer to a handshake packet: it could be read by nobody. */
static bool is_ready(struct session *e, uint64_t now_ns)
{
    if (!e->has_key || e->path_count == 0 || e->tx_handle == 0 || e->is_replying) {
        return false;
    }
    cjd_ca_expire(&e->ca, now_ns);
    return cjd_ca_can_send_data(&e->ca);
}

void session_release(struct session *e, uint64_t now_ns)
{
    struct cjd_pkt *ready[MAX_WAITING];
    unsigned n = e->waiting_count;

    if (n == 0 || !is_ready(e, now_ns)) {
        return;
    }
    memcpy(ready, e->waiting, n * sizeof(struct cjd_pkt *));
    e->owner->waiting -= n;
    e->waiting_count = 0;
    e->setups = 0;
    uint64_t label = path_best(e)->label;
    expect_answer(e, now_ns);
    for (unsigned i = 0; i < n; i++) {
        if (!bounce_too_big(e, ready[i], now_ns)) {
            session_transmit(e, ready[i], label, now_ns);
        }
    }
}

void session_give_up(struct session *e, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;
    struct cjd_pkt *lost[MAX_WAITING];
    unsigned n = e->waiting_count;

    memcpy(lost, e->waiting, n * sizeof(struct cjd_pkt *));
    s->waiting -= n;
    e->waiting_count = 0;
    for (unsigned i = 0; i < n; i++) {
        cjd_drop_count(s->config.drops, CJD_DROP_SESSION_NO_ROUTE);
        s->config.ops.undeliverable(s->config.ops.ctx, &e->addr, lost[i], 0, now_ns);
    }
}

static void want_path(struct session *e, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;

    if (e->want_ns == 0 || now_ns - e->want_ns >= WANT_AGAIN) {
        e->want_ns = now_ns;
        e->pins++;
        s->config.ops.want(s->config.ops.ctx, &e->addr, now_ns);
        e->pins--;
    }
}

/* Is it known where a handshake could be pushed to? */
static bool is_reachable(const struct session *e)
{
    return e->has_key && e->path_count > 0 && e->version != 0;
}

void session_push(struct session *e, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;
    uint64_t delay = SETUP_FIRST << (e->setups < 5 ? e->setups : 5);

    session_touch(e);
    if (!is_reachable(e)) {
        want_path(e, now_ns); /* perhaps answered at once */
        if (!is_reachable(e) || e->waiting_count == 0) {
            return;
        }
    }
    if (delay > SETUP_MAX) {
        delay = SETUP_MAX;
    }
    if (e->setup_ns != 0 && now_ns - e->setup_ns < delay) {
        return;
    }
    /* Whoever began that handshake and does not take its answer has forgotten it. */
    if (e->setups >= SETUPS_BY_KEY && cjd_ca_state(&e->ca) == CJD_CA_SENT_KEY) {
        cjd_ca_reset(&e->ca);
    }
    struct cjd_session_path path = path_describe(e, path_best(e));
    uint64_t before_ns = e->setup_ns;
    e->setup_ns = now_ns; /* before the call: it may come back here */
    e->setups++;
    e->pins++;
    bool is_sent = s->config.ops.ping(s->config.ops.ctx, &path, now_ns);
    e->pins--;
    if (!is_sent) {
        e->setup_ns = before_ns;
        e->setups -= e->setups > 0;
    }
}

/* --- entry points ----------------------------------------------------------------------------- */

void cjd_sessions_send(struct cjd_sessions *s, const struct cjd_addr *addr, uint32_t type,
                       struct cjd_pkt *pkt, bool no_wait, uint64_t now_ns)
{
    struct session *e = session_find(s, addr);

    if (!e) {
        e = no_wait ? NULL : session_new(s, addr, now_ns);
    }
    if (!e || !has_room(pkt, CJD_DATA_HEADER_BYTES)) {
        session_drop(s, pkt, e ? CJD_DROP_LINK_NO_ROOM : CJD_DROP_SESSION_NO_ROUTE);
        return;
    }
    push32(pkt, 0x10000000u | type); /* header version 1 in the high nibble */
    if (!session_is_used(e, now_ns)) {
        e->asked_ns = 0; /* silence counts from here */
    }
    e->user_tx_ns = now_ns;
    if (bounce_too_big(e, pkt, now_ns)) {
        return;
    }
    if (is_ready(e, now_ns)) {
        expect_answer(e, now_ns);
        session_transmit(e, pkt, path_best(e)->label, now_ns);
        return;
    }
    if (no_wait) {
        session_drop(s, pkt, CJD_DROP_SESSION_NO_ROUTE);
        return;
    }
    wait_for_path(e, pkt, now_ns);
    session_push(e, now_ns);
    session_arm(e, now_ns);
}

/*
 * The two ends can come to disagree about their session: one has restarted, or hellos crossed and
 * took ways of different length (a reference node gives up its half for a hello that comes late).
 * Then nothing that is sent is understood, and only a new hello helps. The router keeps asking: if
 * it hears nothing for a while, that is what it gets.
 */
static void begin_anew_if_unheard(struct session *e, uint64_t now_ns)
{
    /* An answer we gave long ago was owed none. */
    if (e->query_ns == 0 || now_ns - e->query_last_ns >= UNHEARD) {
        e->query_ns = now_ns;
        e->queries = 0;
    }
    e->query_last_ns = now_ns;
    e->queries++;
    if (e->queries > UNHEARD_QUERIES && now_ns - e->query_ns >= UNHEARD && !e->is_replying) {
        e->query_ns = 0;
        if (cjd_ca_state(&e->ca) != CJD_CA_SENT_HELLO) {
            cjd_ca_reset(&e->ca);
        }
    }
}

void cjd_sessions_send_dht(struct cjd_sessions *s, const struct cjd_session_path *path,
                           struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct session *e = session_find(s, &path->addr);

    if (!e) {
        e = session_new(s, &path->addr, now_ns);
    }
    if (!e || !has_room(pkt, CJD_DATA_HEADER_BYTES)) {
        session_drop(s, pkt, CJD_DROP_SESSION_FULL);
        return;
    }
    if (!e->has_key) {
        session_set_key(e, &path->key, now_ns);
    }
    if (memcmp(&e->ca.peer_key, &path->key, sizeof path->key) != 0) {
        session_drop(s, pkt, CJD_DROP_SESSION_KEY);
        return;
    }
    if (path->version != 0) {
        e->version = path->version;
    }
    push32(pkt, 0x10000000u | CJD_CONTENT_DHT);
    begin_anew_if_unheard(e, now_ns);
    /* Established, but the handle was never announced: cannot be addressed as data. */
    cjd_ca_expire(&e->ca, now_ns);
    if (cjd_ca_can_send_data(&e->ca) && e->tx_handle == 0) {
        cjd_ca_reset(&e->ca);
    }
    session_transmit(e, pkt, path->label, now_ns);
}
