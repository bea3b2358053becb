#include "end.h"

#include <base/wire.h>

#define KEYS_MAX 300u

/* --- what the room calls ---------------------------------------------------------------------- */

static void on_frame(void *ctx, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct end *end = ctx;
    struct end_sent *s = &end->sent[end->sent_count % END_SENT_MAX];
    struct cjd_switch_header h;

    assert_int_equal(now_ns, end->now_ns);
    assert_in_range(pkt->len, 16, 12 + sizeof s->bytes);
    cjd_switch_header_read(&h, cjd_pkt_data(pkt));
    assert_int_equal(h.version, 1);
    assert_int_equal(h.shift, 0);
    s->at_ns = now_ns;
    s->label = h.label;
    s->len = pkt->len - CJD_SWITCH_HEADER_BYTES;
    s->word = cjd_load32(cjd_pkt_data(pkt) + CJD_SWITCH_HEADER_BYTES);
    memcpy(s->bytes, cjd_pkt_data(pkt) + CJD_SWITCH_HEADER_BYTES, s->len);
    end->sent_count++;
    if (s->word == CJD_CTRL_HANDLE) {
        assert_true(h.suppress_errors);
        end->errors++;
    } else {
        assert_false(h.suppress_errors);
    }
    cjd_pool_give(end->pool, pkt);
}

static void on_content(void *ctx, const struct cjd_session_source *from, struct cjd_pkt *pkt,
                       uint64_t now_ns)
{
    struct end *end = ctx;

    assert_int_equal(now_ns, end->now_ns);
    end->from = *from;
    end->content_len = pkt->len;
    memcpy(end->content, cjd_pkt_data(pkt), pkt->len);
    if (from->type == CJD_CONTENT_DHT) {
        end->queries++;
    } else {
        assert_false(from->is_replayable);
        end->order[end->contents++ % sizeof end->order] = pkt->len > 0 ? end->content[0] : 0;
    }
    cjd_pool_give(end->pool, pkt);
    if (end->on_content) {
        end->on_content(end, from);
    } else if (end->answers && from->type == CJD_CONTENT_DHT && end->content[0] == 'q') {
        struct cjd_session_path back = {
            .addr = from->addr, .key = from->key, .version = END_VERSION, .label = from->label};
        struct cjd_pkt *reply = cjd_pool_take(end->pool, 16);
        assert_non_null(reply);
        cjd_pkt_put(reply, 1);
        *cjd_pkt_data(reply) = 'r';
        end->is_in_router = true;
        cjd_sessions_send_dht(end->sessions, &back, reply, end->now_ns);
        end->is_in_router = false;
    }
}

static void on_want(void *ctx, const struct cjd_addr *addr, uint64_t now_ns)
{
    struct end *end = ctx;

    assert_false(end->is_in_router);
    end->wants++;
    end->want_at_ns = now_ns;
    if (end->on_want) {
        end->on_want(end, addr);
    }
}

static bool on_ping(void *ctx, const struct cjd_session_path *path, uint64_t now_ns)
{
    struct end *end = ctx;

    (void)now_ns;
    assert_false(end->is_in_router);
    assert_true(path->label != 0 && path->version != 0);
    end->pinged++;
    if (end->refuses) {
        return false;
    }
    if (end->on_ping) {
        end->on_ping(end, path);
    } else if (end->pings) {
        end_query(end, path);
    }
    return true;
}

static void on_doubt(void *ctx, const struct cjd_addr *addr, uint64_t label, uint64_t now_ns)
{
    struct end *end = ctx;

    assert_false(end->is_in_router);
    end->doubts++;
    end->doubt_at_ns = now_ns;
    end->doubt_label = label;
    if (end->on_doubt) {
        end->on_doubt(end, addr, label);
    }
}

static void on_hint(void *ctx, const struct cjd_session_path *path, uint64_t now_ns)
{
    struct end *end = ctx;

    (void)now_ns;
    assert_false(end->is_in_router);
    assert_true(path->version != 0);
    end->hints++;
    end->hint_label = path->label;
    if (end->on_hint) {
        end->on_hint(end, path);
    }
}

static void on_undeliverable(void *ctx, const struct cjd_addr *addr, struct cjd_pkt *pkt,
                             uint32_t mtu, uint64_t now_ns)
{
    struct end *end = ctx;

    (void)addr;
    (void)now_ns;
    assert_true(pkt->len >= CJD_DATA_HEADER_BYTES);
    assert_int_equal(cjd_pkt_data(pkt)[0], 0x10);
    end->undeliverable++;
    end->undeliverable_mtu = mtu;
    end->undeliverable_len = pkt->len;
    cjd_pool_give(end->pool, pkt);
}

static uint32_t on_frame_mtu(void *ctx, uint64_t label)
{
    struct end *end = ctx;

    assert_true(label != 0);
    return end->frame_mtu;
}

static void on_unknown(void *ctx, uint64_t label, uint64_t now_ns)
{
    struct end *end = ctx;

    (void)now_ns;
    end->unknown++;
    end->unknown_label = label;
}

/* --- one end ---------------------------------------------------------------------------------- */

const struct cjd_keypair *end_keys(unsigned n)
{
    static struct cjd_keypair keys[KEYS_MAX];
    static unsigned made;
    static struct test_rng state;
    static struct cjd_rng rng;

    assert_true(n < KEYS_MAX);
    if (made == 0) {
        assert_int_equal(cjd_crypto_init(), 0);
        rng = test_rng_init(&state, 20);
    }
    while (made <= n) {
        cjd_keypair_generate(&keys[made++], &rng);
    }
    return &keys[n];
}

static void make_room(struct end *end, uint32_t max_sessions)
{
    struct cjd_sessions_config config = {
        .ca = &end->ca,
        .pool = end->pool,
        .timers = &end->timers,
        .drops = &end->drops,
        .max_sessions = max_sessions,
        .ops = {.frame = on_frame,
                .content = on_content,
                .want = on_want,
                .ping = on_ping,
                .doubt = on_doubt,
                .hint = on_hint,
                .undeliverable = on_undeliverable,
                .frame_mtu = on_frame_mtu,
                .unknown_handle = on_unknown,
                .ctx = end},
    };
    assert_int_equal(cjd_sessions_new(&end->sessions, &config, end->now_ns), 0);
}

void end_init(struct end *end, uint64_t seed, uint32_t max_sessions)
{
    memset(end, 0, sizeof *end);
    end->now_ns = END_START;
    end->frame_mtu = 1480;
    end->sent = calloc(END_SENT_MAX, sizeof *end->sent);
    end->users = cjd_users_new();
    end->pool = cjd_pool_new(2048, 4);
    assert_true(end->sent && end->users && end->pool);
    end->self = *end_keys(seed % 2 ? 0 : 1);
    end->ca = (struct cjd_ca_node){
        .self = &end->self, .users = end->users, .rng = test_rng_init(&end->rng_state, seed)};
    make_room(end, max_sessions);
}

void end_fini(struct end *end)
{
    cjd_sessions_free(end->sessions);
    assert_int_equal(cjd_pool_in_use(end->pool), 0);
    assert_int_equal(cjd_timers_next(&end->timers), CJD_NEVER);
    cjd_pool_free(end->pool);
    cjd_users_free(end->users);
    free(end->sent);
}

void end_run(struct end *end, uint64_t duration_ns)
{
    uint64_t until = end->now_ns + duration_ns;

    while (cjd_timers_next(&end->timers) <= until) {
        uint64_t next = cjd_timers_next(&end->timers);
        end->now_ns = next > end->now_ns ? next : end->now_ns;
        cjd_timers_run(&end->timers, end->now_ns, 1);
    }
    end->now_ns = until;
}

void end_rx(struct end *end, uint64_t label, bool suppress_errors, const uint8_t *bytes,
            uint32_t len)
{
    struct cjd_switch_header h = {.label = cjd_label_reverse(label),
                                  .suppress_errors = suppress_errors,
                                  .version = 1,
                                  .shift = 8,
                                  .traffic_class = 0xffff};
    struct cjd_pkt *pkt = cjd_pool_take(end->pool, CJD_SWITCH_HEADER_BYTES + len);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, CJD_SWITCH_HEADER_BYTES + len);
    cjd_switch_header_write(cjd_pkt_data(pkt), &h);
    memcpy(cjd_pkt_data(pkt) + CJD_SWITCH_HEADER_BYTES, bytes, len);
    cjd_sessions_rx(end->sessions, pkt, end->now_ns);
}

void end_forget(struct end *end)
{
    end->sent_count = end->errors = end->wants = end->pinged = end->doubts = end->hints = 0;
    end->unknown = end->undeliverable = end->contents = end->queries = 0;
}

void end_user_type(struct end *end, const struct cjd_addr *to, uint32_t type, uint32_t len,
                   bool no_wait)
{
    struct cjd_pkt *pkt = cjd_pool_take(end->pool, len);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, len);
    memset(cjd_pkt_data(pkt), 0x55, len);
    cjd_sessions_send(end->sessions, to, type, pkt, no_wait, end->now_ns);
}

void end_user(struct end *end, const struct cjd_addr *to, uint8_t first, uint32_t len)
{
    struct cjd_pkt *pkt = cjd_pool_take(end->pool, len);

    assert_true(pkt && len > 0);
    cjd_pkt_put(pkt, len);
    memset(cjd_pkt_data(pkt), first, len);
    cjd_sessions_send(end->sessions, to, 17, pkt, false, end->now_ns);
}

struct cjd_session_path end_path_to(const struct cjd_keypair *to, uint64_t label)
{
    return (struct cjd_session_path){.addr = to->addr,
                                     .key = to->key,
                                     .version = END_VERSION,
                                     .label = label,
                                     .cost_us = 20000,
                                     .is_best = true};
}

void end_path(struct end *end, const struct cjd_session_path *path)
{
    bool before = end->is_in_router;

    end->is_in_router = true;
    cjd_sessions_path(end->sessions, path, end->now_ns);
    end->is_in_router = before;
}

void end_path_dead(struct end *end, const struct cjd_addr *addr, uint64_t label)
{
    end->is_in_router = true;
    cjd_sessions_path_dead(end->sessions, addr, label, end->now_ns);
    end->is_in_router = false;
}

void end_query(struct end *end, const struct cjd_session_path *path)
{
    struct cjd_pkt *pkt = cjd_pool_take(end->pool, 16);
    bool before = end->is_in_router;

    assert_non_null(pkt);
    cjd_pkt_put(pkt, 1);
    *cjd_pkt_data(pkt) = 'q';
    end->is_in_router = true;
    cjd_sessions_send_dht(end->sessions, path, pkt, end->now_ns);
    end->is_in_router = before;
}

bool end_session(const struct end *end, const struct cjd_addr *addr, struct cjd_session_info *out)
{
    for (uint32_t i = 0; cjd_sessions_at(end->sessions, i, out); i++) {
        if (memcmp(&out->addr, addr, sizeof *addr) == 0) {
            return true;
        }
    }
    return false;
}

uint64_t end_dropped(const struct end *end, enum cjd_drop reason)
{
    return end->drops.count[reason];
}

/* --- two ends --------------------------------------------------------------------------------- */

uint64_t pair_label(unsigned route, unsigned end)
{
    return 0x113u + 0x20u * route + 0x200u * end;
}

static int route_of(uint64_t label, unsigned end)
{
    for (unsigned r = 0; r < ROUTES; r++) {
        if (pair_label(r, end) == label) {
            return (int)r;
        }
    }
    return -1;
}

static void doubt_pings(struct end *end, const struct cjd_addr *addr, uint64_t label)
{
    const struct pair *pair = end->arg;
    const struct end *other = &pair->end[end == &pair->end[0]];

    if (memcmp(&other->self.addr, addr, sizeof *addr) == 0) {
        struct cjd_session_path path = end_path_to(&other->self, label);
        end_query(end, &path);
    }
}

void pair_init(struct pair *pair, uint64_t seed, uint64_t delay_ns)
{
    memset(pair, 0, sizeof *pair);
    pair->delay_ns = delay_ns;
    pair->flight = calloc(END_SENT_MAX, sizeof *pair->flight);
    assert_non_null(pair->flight);
    for (unsigned i = 0; i < 2; i++) {
        end_init(&pair->end[i], 2 * seed + i, 0);
        pair->end[i].answers = pair->end[i].pings = true;
        pair->end[i].on_doubt = doubt_pings;
        pair->end[i].arg = pair;
    }
}

void pair_fini(struct pair *pair)
{
    end_fini(&pair->end[0]);
    end_fini(&pair->end[1]);
    free(pair->flight);
}

static void take_off(struct pair *pair)
{
    for (unsigned from = 0; from < 2; from++) {
        struct end *end = &pair->end[from];
        if (pair->taken[from] > end->sent_count) {
            pair->taken[from] = 0; /* forgotten meanwhile */
        }
        while (pair->taken[from] < end->sent_count) {
            const struct end_sent *s = &end->sent[pair->taken[from]++ % END_SENT_MAX];
            int route = route_of(s->label, from);
            if (route < 0 || s->word == CJD_CTRL_HANDLE) {
                continue;
            }
            assert_true(pair->flights < END_SENT_MAX);
            pair->flight[pair->flights++] =
                (struct flight){.at_ns = end->now_ns + pair->delay_ns,
                                .to = 1 - from,
                                .label = pair_label((unsigned)route, 1 - from),
                                .frame = *s};
        }
    }
}

static void land(struct pair *pair)
{
    struct flight f = pair->flight[0];

    memmove(pair->flight, pair->flight + 1, --pair->flights * sizeof *pair->flight);
    if (!pair->is_cut[route_of(f.label, f.to)][f.to]) {
        end_rx(&pair->end[f.to], f.label, false, f.frame.bytes, f.frame.len);
    }
}

void pair_run(struct pair *pair, uint64_t duration_ns)
{
    uint64_t now = pair->end[0].now_ns;
    uint64_t until = now + duration_ns;

    for (;;) {
        take_off(pair);
        uint64_t t0 = cjd_timers_next(&pair->end[0].timers);
        uint64_t t1 = cjd_timers_next(&pair->end[1].timers);
        uint64_t landing = pair->flights > 0 ? pair->flight[0].at_ns : CJD_NEVER;
        uint64_t next = t0 < t1 ? t0 : t1;
        next = landing < next ? landing : next;
        if (next > until) {
            break;
        }
        now = next > now ? next : now;
        pair->end[0].now_ns = pair->end[1].now_ns = now;
        if (landing == next) {
            land(pair);
        } else {
            cjd_timers_run(&pair->end[t0 == next ? 0 : 1].timers, now, 1);
        }
    }
    pair->end[0].now_ns = pair->end[1].now_ns = until;
}

static void report_route_0(struct end *end, const struct cjd_addr *addr)
{
    const struct pair *pair = end->arg;
    unsigned me = end == &pair->end[1];

    if (memcmp(pair_addr(pair, 1 - me), addr, sizeof *addr) == 0) {
        struct cjd_session_path path = end_path_to(&pair->end[1 - me].self, pair_label(0, me));
        end_path(end, &path);
    }
}

void pair_know(struct pair *pair, unsigned end, unsigned route)
{
    struct cjd_session_path path = end_path_to(&pair->end[1 - end].self, pair_label(route, end));

    if (route == 0) {
        pair->end[end].on_want = report_route_0;
    }
    end_path(&pair->end[end], &path);
}

void pair_restart(struct pair *pair, unsigned end)
{
    struct end *e = &pair->end[end];

    cjd_sessions_free(e->sessions);
    assert_int_equal(cjd_pool_in_use(e->pool), 0);
    make_room(e, 0);
}

const struct cjd_addr *pair_addr(const struct pair *pair, unsigned end)
{
    return &pair->end[end].self.addr;
}

struct cjd_session_info pair_session(const struct pair *pair, unsigned end)
{
    struct cjd_session_info info;

    assert_true(end_session(&pair->end[end], pair_addr(pair, 1 - end), &info));
    return info;
}

void pair_establish(struct pair *pair)
{
    pair_know(pair, 0, 0);
    pair_know(pair, 1, 0);
    end_user(&pair->end[0], pair_addr(pair, 1), 1, 10);
    pair_run(pair, 8 * pair->delay_ns + 10 * CJD_MS);
    end_user(&pair->end[1], pair_addr(pair, 0), 2, 10);
    pair_run(pair, 8 * pair->delay_ns + 10 * CJD_MS);
    assert_int_equal(pair->end[1].contents, 1);
    assert_int_equal(pair->end[0].contents, 1);
    assert_int_equal(pair_session(pair, 0).state, CJD_CA_ESTABLISHED);
    assert_int_equal(pair_session(pair, 1).state, CJD_CA_ESTABLISHED);
    end_forget(&pair->end[0]);
    end_forget(&pair->end[1]);
}

/* --- a bare far end --------------------------------------------------------------------------- */

void far_init(struct far *far, unsigned keys, const struct end *to)
{
    memset(far, 0, sizeof *far);
    far->self = *end_keys(keys);
    far->users = cjd_users_new();
    far->pool = cjd_pool_new(2, 0);
    assert_true(far->users && far->pool);
    far->node = (struct cjd_ca_node){
        .self = &far->self, .users = far->users, .rng = test_rng_init(&far->rng_state, keys)};
    far_restart(far, to, 1000 + keys);
}

void far_fini(struct far *far)
{
    cjd_ca_fini(&far->ca);
    cjd_pool_free(far->pool);
    cjd_users_free(far->users);
}

void far_restart(struct far *far, const struct end *to, uint32_t handle)
{
    cjd_ca_init(&far->ca, &far->node, &to->self.key, false, to->now_ns);
    far->handle = handle;
}

void far_make(struct far *far, const struct end *to, uint32_t type, const void *content,
              uint32_t len)
{
    struct cjd_pkt *pkt = cjd_pool_take(far->pool, len);
    bool is_handshake = !cjd_ca_can_send_data(&far->ca);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, len);
    if (len > 0) {
        memcpy(cjd_pkt_data(pkt), content, len);
    }
    cjd_pkt_push(pkt, 4);
    cjd_store32(cjd_pkt_data(pkt), 0x10000000u | type);
    if (is_handshake) {
        cjd_pkt_push(pkt, 4);
        cjd_store32(cjd_pkt_data(pkt), far->handle);
    }
    assert_int_equal(cjd_ca_seal(&far->ca, pkt, to->now_ns), 0);
    if (!is_handshake) {
        cjd_pkt_push(pkt, 4);
        cjd_store32(cjd_pkt_data(pkt), far->tx_handle);
    }
    far->len = pkt->len;
    memcpy(far->bytes, cjd_pkt_data(pkt), pkt->len);
    cjd_pool_give(far->pool, pkt);
}

void far_send(struct far *far, struct end *to, uint64_t label, uint32_t type, const void *content,
              uint32_t len)
{
    far_make(far, to, type, content, len);
    end_rx(to, label, false, far->bytes, far->len);
}

enum cjd_ca_result far_open(struct far *far, const struct end_sent *sent, uint64_t now_ns)
{
    struct cjd_pkt *pkt = cjd_pool_take(far->pool, sent->len);
    bool is_handshake = sent->word < 4;

    assert_non_null(pkt);
    cjd_pkt_put(pkt, sent->len);
    memcpy(cjd_pkt_data(pkt), sent->bytes, sent->len);
    if (!is_handshake) {
        assert_int_equal(sent->word, far->handle);
        cjd_pkt_pull(pkt, 4);
    }
    enum cjd_ca_result result = cjd_ca_open(&far->ca, pkt, now_ns);
    if (result == CJD_CA_OK && is_handshake) {
        far->tx_handle = cjd_load32(cjd_pkt_data(pkt));
        cjd_pkt_pull(pkt, 4);
    }
    far->len = pkt->len;
    memcpy(far->bytes, cjd_pkt_data(pkt), pkt->len);
    cjd_pool_give(far->pool, pkt);
    return result;
}

void far_establish(struct far *far, struct end *to, uint64_t label)
{
    unsigned before = to->sent_count;
    bool answers = to->answers;

    to->answers = true;
    far_send(far, to, label, CJD_CONTENT_DHT, "q", 1);
    assert_int_equal(to->sent_count, before + 1);
    assert_int_equal(to->sent[before % END_SENT_MAX].word & ~1u, 2);
    assert_int_equal(far_open(far, &to->sent[before % END_SENT_MAX], to->now_ns), CJD_CA_OK);
    far_send(far, to, label, CJD_CONTENT_DHT, "q", 1);
    to->answers = answers;
    for (unsigned i = before + 1; i < to->sent_count; i++) {
        assert_int_equal(far_open(far, &to->sent[i % END_SENT_MAX], to->now_ns), CJD_CA_OK);
    }
}
