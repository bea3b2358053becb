#include <session/private.h>

#include <base/wire.h>
#include <cjd/version.h>
#include <string.h>
#include <switch/ctrl.h>

#define HANDLE_BYTES        4u
#define HANDLE_MIN          4u
#define MIN_DATA_BYTES      24u
#define MIN_HANDSHAKE_BYTES 124u
#define CREATION_RATE       100u
#define CREATION_BURST      400u
#define AUTH_ERROR_RATE     20u
#define AUTH_ERROR_BURST    20u
#define UNKNOWN_RATE        20u
#define UNKNOWN_BURST       20u
#define HINT_EVERY          (1000 * CJD_MS)

/* A frame under way through this file. */
struct arrival {
    struct cjd_switch_header header; /* as received */
    uint64_t label;                  /* the way back */
    struct cjd_pkt *pkt;             /* after the switch header, then after the handle */
};

/* Session notes §2.4. `first16` must be read before the packet is touched. */
static void send_auth_error(struct cjd_sessions *s, const struct arrival *a,
                            const uint8_t first16[16], const struct cjd_ca *ca,
                            enum cjd_ca_result result, uint64_t now_ns)
{
    struct cjd_auth_error e = {
        .cause = a->header, .ca_result = (uint32_t)result, .ca_state = (uint32_t)cjd_ca_state(ca)};

    if (a->header.suppress_errors ||
        !cjd_bucket_take(&s->auth_errors, now_ns, AUTH_ERROR_RATE, AUTH_ERROR_BURST)) {
        return;
    }
    struct cjd_pkt *pkt = cjd_pool_take(s->config.pool, 256);
    if (!pkt) {
        cjd_drop_count(s->config.drops, CJD_DROP_NO_PACKET);
        return;
    }
    memcpy(e.first16, first16, sizeof e.first16);
    if (cjd_ctrl_make_auth_error(pkt, a->label, &e) != 0) {
        cjd_pool_give(s->config.pool, pkt);
        return;
    }
    s->config.ops.frame(s->config.ops.ctx, pkt, now_ns);
}

static void note_path(struct session *e, uint64_t label, bool is_live, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;
    struct path seen = {.label = label, .is_return = true};
    const struct path *best = path_best(e);

    if (path_by_label(e, label)) {
        return;
    }
    if (best && best->is_return && is_live) {
        path_remove(e, best->label); /* the way the other end uses now is the better guess */
    }
    if (e->path_count == 0) {
        path_add(e, &seen);
    }
    if (is_live && e->version != 0 && now_ns - e->hint_ns >= HINT_EVERY) {
        e->hint_ns = now_ns;
        struct cjd_session_path path = path_describe(e, &seen);
        e->pins++;
        s->config.ops.hint(s->config.ops.ctx, &path, now_ns);
        e->pins--;
    }
}

/* The message in a->pkt was opened by e: data header and content. */
static void deliver(struct session *e, struct arrival *a, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;
    struct cjd_pkt *pkt = a->pkt;
    bool is_live = !e->ca.got_handshake;

    e->rx_bytes += pkt->len;
    session_touch(e);
    if (is_live || !cjd_ca_is_established(&e->ca)) {
        e->last_rx_ns = now_ns;
        e->query_ns = 0;
        e->is_reset = false;
    }
    if (is_live) {
        path_answered(e, a->label);
    }
    if (pkt->len < CJD_DATA_HEADER_BYTES) {
        session_drop(s, pkt, CJD_DROP_SESSION_RUNT);
        return;
    }
    struct cjd_session_source from = {
        .addr = e->addr,
        .key = e->ca.peer_key,
        .version = e->version,
        .label = a->label,
        .type = cjd_load16(cjd_pkt_data(pkt) + 2),
        .is_replayable = !is_live,
    };
    /* What can be replayed may only ask (CryptoAuth notes §13.4, H6). */
    if (!is_live && from.type != CJD_CONTENT_DHT) {
        session_drop(s, pkt, CJD_DROP_SESSION_TYPE);
        return;
    }
    if (from.type != CJD_CONTENT_DHT) {
        e->user_rx_ns = now_ns;
    }
    cjd_pkt_pull(pkt, CJD_DATA_HEADER_BYTES);
    s->config.ops.content(s->config.ops.ctx, &from, pkt, now_ns);
}

/* After a packet: handles that took effect, the path, packets that may go now. Content handlers may
 * have ended the session, so it is looked up again. */
static void settle(struct cjd_sessions *s, const struct cjd_addr *addr, uint64_t label,
                   bool is_live, uint64_t now_ns)
{
    struct session *e = session_find(s, addr);

    if (!e || !e->has_key) {
        return;
    }
    e->is_replying = false;
    note_path(e, label, is_live, now_ns);
    session_release(e, now_ns);
    if (e->waiting_count > 0) {
        session_push(e, now_ns);
        session_arm(e, now_ns);
    }
}

static bool take_handle(struct session *e, struct cjd_pkt *pkt)
{
    if (pkt->len < HANDLE_BYTES) {
        return false;
    }
    uint32_t handle = cjd_load32(cjd_pkt_data(pkt));
    if (handle < HANDLE_MIN || handle == CJD_CTRL_HANDLE) {
        return false;
    }
    cjd_pkt_pull(pkt, HANDLE_BYTES);
    if (e->ca.has_pending) {
        e->pending_tx_handle = handle;
    } else {
        e->tx_handle = handle;
    }
    return true;
}

void session_adopt_promotion(struct session *e)
{
    if (e->promotions != e->ca.promotions) {
        e->promotions = e->ca.promotions;
        e->tx_handle = e->pending_tx_handle;
        e->setups = 0;
    }
}

/* Is a question of ours to go out with a key packet? When no answer took the one that is owed; and
 * beside a session that carries user traffic: the answer is the data that brings the new session
 * into force, and the other end may have nothing else to say for seconds. */
static bool needs_question(struct session *e, uint64_t now_ns)
{
    if (e->version == 0) {
        return false;
    }
    if (!e->ca.owes_key && e->ca.has_pending && session_is_used(e, now_ns) &&
        now_ns - e->setup_ns >= SETUP_FIRST) {
        e->setup_ns = now_ns;
        e->ca.owes_key = true;
    }
    return e->ca.owes_key;
}

/* The handshake packet opened: e holds the session. */
static void accepted_handshake(struct session *e, struct arrival *a, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;
    struct cjd_addr addr = e->addr;

    if (!take_handle(e, a->pkt)) {
        session_drop(s, a->pkt, CJD_DROP_SESSION_RUNT);
        return;
    }
    e->setups = 0; /* it is there: what is pushed now is of a new kind */
    e->is_replying = true;
    if (path_by_label(e, a->label) == NULL && e->path_count == 0) {
        note_path(e, a->label, false, now_ns);
    }
    deliver(e, a, now_ns);
    e = session_find(s, &addr);
    if (e && e->has_key && needs_question(e, now_ns)) {
        struct path seen = {.label = a->label};
        struct cjd_session_path path = path_describe(e, &seen);
        s->config.ops.ping(s->config.ops.ctx, &path, now_ns);
    }
    settle(s, &addr, a->label, false, now_ns);
}

/* First packet of a node without session here: no state before it proves its key. */
static struct session *create_from_hello(struct cjd_sessions *s, struct arrival *a,
                                         const struct cjd_key *key, const struct cjd_addr *addr,
                                         uint64_t now_ns)
{
    uint8_t first16[16];
    struct cjd_ca ca;

    if (!cjd_bucket_take(&s->creation, now_ns, CREATION_RATE, CREATION_BURST)) {
        session_drop(s, a->pkt, CJD_DROP_SESSION_RATE);
        return NULL;
    }
    memcpy(first16, cjd_pkt_data(a->pkt), sizeof first16);
    cjd_ca_init(&ca, s->config.ca, key, false, now_ns);
    enum cjd_ca_result result = cjd_ca_open(&ca, a->pkt, now_ns);
    struct session *e = NULL;
    if (result == CJD_CA_OK) {
        e = session_find(s, addr);
        e = e ? e : session_new(s, addr, now_ns);
    } else {
        send_auth_error(s, a, first16, &ca, result, now_ns);
    }
    if (e) {
        session_set_key(e, key, now_ns);
        cjd_ca_fini(&e->ca);
        e->ca = ca;
    } else {
        cjd_drop_count_crypto(s->config.drops, CJD_DROP_INNER, (unsigned)result);
        session_drop(s, a->pkt,
                     result == CJD_CA_OK ? CJD_DROP_SESSION_FULL : CJD_DROP_SESSION_CRYPTO);
    }
    cjd_ca_fini(&ca);
    return e;
}

/* Data of a session, or the answer to a handshake, that this side has given up, perhaps while the
 * other one slept: that one is there again, and is called now, by the way it came. */
static void call_back(struct session *e, const struct arrival *a, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;
    bool is_begun_anew = !cjd_ca_is_established(&e->ca) && e->version != 0;

    if (is_begun_anew &&
        cjd_bucket_take(&s->unknown_handles, now_ns, UNKNOWN_RATE, UNKNOWN_BURST)) {
        struct path seen = {.label = a->label, .is_return = true};
        struct cjd_session_path path = path_describe(e, &seen);
        s->config.ops.ping(s->config.ops.ctx, &path, now_ns);
    }
}

static void receive_handshake(struct cjd_sessions *s, struct arrival *a, uint64_t now_ns)
{
    struct cjd_ca_hello hello;
    struct cjd_addr addr;
    uint8_t first16[16];

    if (a->pkt->len < MIN_HANDSHAKE_BYTES ||
        !cjd_ca_peek(&hello, cjd_pkt_data(a->pkt), a->pkt->len)) {
        session_drop(s, a->pkt, CJD_DROP_SESSION_RUNT);
        return;
    }
    if (!cjd_addr_of_key_is_valid(&addr, &hello.key) ||
        memcmp(&hello.key, &s->config.ca->self->key, sizeof hello.key) == 0) {
        session_drop(s, a->pkt, CJD_DROP_SESSION_KEY);
        return;
    }
    struct session *e = session_find(s, &addr);
    if (!e || !e->has_key) {
        e = create_from_hello(s, a, &hello.key, &addr, now_ns);
        if (e) {
            accepted_handshake(e, a, now_ns);
        }
        return;
    }
    memcpy(first16, cjd_pkt_data(a->pkt), sizeof first16);
    cjd_ca_expire(&e->ca, now_ns);
    session_adopt_promotion(e);
    enum cjd_ca_result result = cjd_ca_open(&e->ca, a->pkt, now_ns);
    if (result != CJD_CA_OK) {
        cjd_drop_count_crypto(s->config.drops, CJD_DROP_INNER, (unsigned)result);
        send_auth_error(s, a, first16, &e->ca, result, now_ns);
        session_drop(s, a->pkt, CJD_DROP_SESSION_CRYPTO);
        call_back(e, a, now_ns);
        return;
    }
    accepted_handshake(e, a, now_ns);
}

static void receive_unknown(struct cjd_sessions *s, struct arrival *a, uint64_t now_ns)
{
    if (cjd_bucket_take(&s->unknown_handles, now_ns, UNKNOWN_RATE, UNKNOWN_BURST)) {
        s->config.ops.unknown_handle(s->config.ops.ctx, a->label, now_ns);
    }
    session_drop(s, a->pkt, CJD_DROP_SESSION_HANDLE);
}

static void receive_data(struct cjd_sessions *s, struct arrival *a, uint32_t handle,
                         uint64_t now_ns)
{
    uint8_t first16[16];

    if (a->pkt->len < MIN_DATA_BYTES) {
        session_drop(s, a->pkt, CJD_DROP_SESSION_RUNT);
        return;
    }
    struct session *e = session_by_handle(s, handle);
    if (!e) {
        receive_unknown(s, a, now_ns);
        return;
    }
    memcpy(first16, cjd_pkt_data(a->pkt), sizeof first16);
    cjd_pkt_pull(a->pkt, HANDLE_BYTES);
    if (cjd_load32(cjd_pkt_data(a->pkt)) < 4) {
        session_drop(s, a->pkt, CJD_DROP_SESSION_NONCE);
        return;
    }
    enum cjd_ca_result result = cjd_ca_open(&e->ca, a->pkt, now_ns);
    if (result != CJD_CA_OK) {
        cjd_drop_count_crypto(s->config.drops, CJD_DROP_INNER, (unsigned)result);
        send_auth_error(s, a, first16, &e->ca, result, now_ns);
        session_drop(s, a->pkt, CJD_DROP_SESSION_CRYPTO);
        call_back(e, a, now_ns);
        return;
    }
    session_adopt_promotion(e);
    struct cjd_addr addr = e->addr;
    deliver(e, a, now_ns);
    settle(s, &addr, a->label, true, now_ns);
}

void cjd_sessions_rx(struct cjd_sessions *s, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct arrival a = {.pkt = pkt};

    if (pkt->len < CJD_SWITCH_HEADER_BYTES + 4) {
        session_drop(s, pkt, CJD_DROP_ROUTER_RUNT);
        return;
    }
    cjd_switch_header_read(&a.header, cjd_pkt_data(pkt));
    a.label = cjd_label_reverse(a.header.label);
    cjd_pkt_pull(pkt, CJD_SWITCH_HEADER_BYTES);
    uint32_t word = cjd_load32(cjd_pkt_data(pkt));
    if (word < HANDLE_MIN) {
        receive_handshake(s, &a, now_ns);
    } else {
        receive_data(s, &a, word, now_ns);
    }
}

void cjd_sessions_key_learned(struct cjd_sessions *s, const struct cjd_key *key, uint32_t version,
                              uint64_t label, uint64_t now_ns)
{
    struct cjd_addr addr;

    if (version < CJD_PROTOCOL_MIN || !cjd_addr_of_key_is_valid(&addr, key) ||
        memcmp(key, &s->config.ca->self->key, sizeof *key) == 0) {
        return;
    }
    struct session *e = session_find(s, &addr);
    e = e ? e : session_new(s, &addr, now_ns);
    if (!e) {
        return;
    }
    if (!e->has_key) {
        session_set_key(e, key, now_ns);
    }
    if (memcmp(&e->ca.peer_key, key, sizeof *key) != 0) {
        return;
    }
    if (e->version == 0) {
        e->version = version; /* nobody vouches for it */
    }
    session_touch(e);
    struct path seen = {.label = label, .is_return = true};
    struct cjd_session_path path = path_describe(e, &seen);
    s->config.ops.ping(s->config.ops.ctx, &path, now_ns);
}
