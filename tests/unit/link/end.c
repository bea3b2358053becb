#include "end.h"

#include <base/wire.h>
#include <cjd/version.h>

struct cjd_linkaddr end_addr(uint8_t n)
{
    return (struct cjd_linkaddr){.b = {n, 7}, .len = 6};
}

/* --- what the room calls ---------------------------------------------------------------------- */

static void record(struct end *end, uint32_t link, uint32_t flags, const struct cjd_pkt *pkt)
{
    struct end_sent *s = &end->sent[end->sent_count++];

    assert_true(end->sent_count <= END_SENT_MAX);
    assert_true(pkt->len <= sizeof s->bytes);
    *s = (struct end_sent){
        .at_ns = end->now_ns, .link = link, .flags = flags, .addr = pkt->addr, .len = pkt->len};
    memcpy(s->bytes, cjd_pkt_data(pkt), pkt->len);
}

static void on_tx(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    struct end *end = ctx;

    assert_int_equal(queue, 0);
    end->flushes++;
    for (unsigned i = 0; i < vec->n; i++) {
        record(end, link, flags, vec->v[i]);
    }
    cjd_pool_give_vec(end->pool, vec);
}

/* As the node does it: through the own switch. */
static void to_switch(struct end *end, uint32_t source, struct cjd_pkt *pkt)
{
    struct cjd_switch_verdict v = cjd_switch_frame(&end->sw, cjd_pkt_data(pkt), pkt->len, source);

    if (v.action == CJD_SWITCH_FORWARD && v.iface != CJD_SWITCH_SELF) {
        cjd_links_send(end->links, v.iface, pkt, end->now_ns);
    } else {
        cjd_pool_give(end->pool, pkt);
    }
}

static void answer(struct end *end, struct cjd_pkt *pkt, uint64_t label)
{
    struct cjd_ctrl_self self = {
        .version = end->answers, .key = end->self.key, .scheme = &end->sw.scheme};

    if (cjd_ctrl_answer(&self, label, cjd_pkt_data(pkt), pkt->len) != 0) {
        cjd_pool_give(end->pool, pkt);
        return;
    }
    cjd_ctrl_wrap(pkt, label, false);
    to_switch(end, CJD_SWITCH_SELF, pkt);
}

static void control(struct end *end, struct cjd_pkt *pkt)
{
    struct cjd_ctrl ctrl;
    uint64_t label = cjd_label_reverse(cjd_load64(cjd_pkt_data(pkt)));

    cjd_pkt_pull(pkt, CJD_CTRL_WRAP_BYTES);
    if (cjd_ctrl_parse(&ctrl, cjd_pkt_data(pkt), pkt->len) != 0) {
        cjd_pool_give(end->pool, pkt);
    } else if (ctrl.type == CJD_CTRL_PING) {
        answer(end, pkt, label);
    } else {
        if (ctrl.type == CJD_CTRL_PONG) {
            (void)cjd_links_pong(end->links, label, &ctrl, end->now_ns);
        }
        cjd_pool_give(end->pool, pkt);
    }
}

static void on_frame(void *ctx, uint32_t iface, struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct end *end = ctx;

    assert_int_equal(now_ns, end->now_ns);
    end->frames++;
    end->frame_len = pkt->len;
    memcpy(end->frame, cjd_pkt_data(pkt), pkt->len);
    if (end->on_frame) {
        end->on_frame(end, iface);
    }
    struct cjd_switch_verdict v = cjd_switch_frame(&end->sw, cjd_pkt_data(pkt), pkt->len, iface);
    if (v.action != CJD_SWITCH_FORWARD || v.iface != CJD_SWITCH_SELF || end->is_mute ||
        pkt->len < 16 || cjd_load32(cjd_pkt_data(pkt) + 12) != CJD_CTRL_HANDLE) {
        cjd_pool_give(end->pool, pkt);
        return;
    }
    control(end, pkt);
}

static void on_up(void *ctx, const struct cjd_peer_info *peer, uint64_t now_ns)
{
    struct end *end = ctx;

    (void)now_ns;
    assert_int_equal(peer->state, CJD_CA_ESTABLISHED);
    assert_true(peer->version >= CJD_PROTOCOL_MIN);
    end->ups++;
}

static void on_down(void *ctx, const struct cjd_peer_info *peer, uint64_t now_ns)
{
    struct end *end = ctx;

    (void)peer;
    (void)now_ns;
    end->downs++;
}

static void on_event(void *ctx, const struct cjd_peer_info *peer, bool was_removed)
{
    struct end *end = ctx;
    struct cjd_peer_info info;

    end->events++;
    end->removals += was_removed;
    end->last_event = *peer;
    assert_int_equal(cjd_links_peer(end->links, peer->peer, &info), !was_removed);
}

/* Addresses of the tests in words, see end_addr(). */
static int addr_text(void *ctx, uint32_t link, const struct cjd_linkaddr *addr, char *out,
                     size_t cap)
{
    (void)ctx;
    (void)link;
    return snprintf(out, cap, "place-%u", (unsigned)addr->b[0]);
}

static void on_line(void *ctx, const char *module, enum cjd_log_level level, const char *text)
{
    struct end *end = ctx;
    (void)module;
    (void)level;
    int n = snprintf(end->log + end->log_len, END_LOG_MAX - end->log_len, "%s\n", text);

    if (n > 0 && (size_t)n < END_LOG_MAX - end->log_len) {
        end->log_len += (size_t)n;
    }
}

/* --- one end ---------------------------------------------------------------------------------- */

void end_init(struct end *end, uint64_t seed)
{
    memset(end, 0, sizeof *end);
    assert_int_equal(cjd_crypto_init(), 0);
    end->now_ns = END_START;
    end->answers = CJD_PROTOCOL;
    end->sent = calloc(END_SENT_MAX, sizeof *end->sent);
    end->users = cjd_users_new();
    end->pool = cjd_pool_new(1024, 4);
    assert_true(end->sent && end->users && end->pool);
    end->ca = (struct cjd_ca_node){
        .self = &end->self, .users = end->users, .rng = test_rng_init(&end->rng_state, seed)};
    cjd_keypair_generate(&end->self, &end->ca.rng);
    assert_int_equal(cjd_users_add(end->users, END_LOGIN, END_PASSWORD, strlen(END_PASSWORD), NULL),
                     0);
    cjd_switch_init(&end->sw, cjd_scheme_358());
    end->sink = (struct cjd_log_sink){.max_level = CJD_LOG_INFO, .write = on_line, .ctx = end};
    struct cjd_links_config config = {
        .log = {.sink = &end->sink},
        .ca = &end->ca,
        .sw = &end->sw,
        .pool = end->pool,
        .timers = &end->timers,
        .drops = &end->drops,
        .version = END_VERSION,
        .ops = {.frame = on_frame,
                .tx = on_tx,
                .peer_up = on_up,
                .peer_down = on_down,
                .peer_event = on_event,
                .addr_text = addr_text,
                .ctx = end},
    };
    assert_int_equal(cjd_links_new(&end->links, &config, end->now_ns), 0);
    assert_int_equal(cjd_links_add(end->links, "wire", END_MTU, 1), 0);
}

void end_fini(struct end *end)
{
    cjd_links_free(end->links);
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
        cjd_links_flush(end->links);
    }
    end->now_ns = until;
}

void end_rx(struct end *end, uint32_t link, const struct cjd_linkaddr *from, const uint8_t *bytes,
            uint32_t len)
{
    CJD_VEC_LOCAL(vec, 1);
    struct cjd_pkt *pkt = cjd_pool_take(end->pool, len);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, len);
    memcpy(cjd_pkt_data(pkt), bytes, len);
    pkt->addr = *from;
    cjd_vec_add(&vec, pkt);
    cjd_links_rx(end->links, link, 0, &vec, end->now_ns);
    assert_int_equal(vec.n, 0);
    cjd_links_flush(end->links);
}

void end_forget(struct end *end)
{
    end->sent_count = 0;
    end->flushes = 0;
}

int end_peer_add(struct end *end, const struct cjd_linkaddr *addr, const struct cjd_key *key)
{
    struct cjd_link_peer_spec spec = {.link = 0, .addr = *addr, .key = *key, .name = "peer"};

    cjd_credentials_init(&spec.credentials, END_LOGIN, END_PASSWORD, strlen(END_PASSWORD));
    int number = cjd_links_peer_add(end->links, &spec, end->now_ns);
    cjd_links_flush(end->links);
    cjd_credentials_fini(&spec.credentials);
    return number;
}

struct cjd_peer_info end_peer(const struct end *end, uint32_t peer)
{
    struct cjd_peer_info info;

    assert_true(cjd_links_peer(end->links, peer, &info));
    return info;
}

unsigned end_peers(const struct end *end)
{
    struct cjd_peer_info info;
    unsigned n = 0;

    while (cjd_links_peer_at(end->links, n, &info)) {
        n++;
    }
    return n;
}

uint32_t end_word(const struct end_sent *sent)
{
    assert_true(sent->len >= 4);
    return cjd_load32(sent->bytes);
}

uint64_t end_dropped(const struct end *end, enum cjd_drop reason)
{
    return end->drops.count[reason];
}

void end_send(struct end *end, uint32_t iface, uint8_t low, uint32_t len)
{
    struct cjd_pkt *pkt = cjd_pool_take(end->pool, len);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, len);
    memset(cjd_pkt_data(pkt), 0x55, len);
    if (len >= 8) {
        cjd_pkt_data(pkt)[7] = low;
    }
    cjd_links_send(end->links, iface, pkt, end->now_ns);
    cjd_links_flush(end->links);
}

/* --- two ends --------------------------------------------------------------------------------- */

void pair_init(struct pair *pair, uint64_t seed, uint64_t delay_ns)
{
    struct cjd_linkaddr there = end_addr(1);

    memset(pair, 0, sizeof *pair);
    pair->delay_ns = delay_ns;
    pair->flight = calloc(PAIR_FLIGHT, sizeof *pair->flight);
    assert_non_null(pair->flight);
    end_init(&pair->end[0], 2 * seed);
    end_init(&pair->end[1], 2 * seed + 1);
    assert_true(end_peer_add(&pair->end[0], &there, &pair->end[1].self.key) >= 0);
}

void pair_fini(struct pair *pair)
{
    end_fini(&pair->end[0]);
    end_fini(&pair->end[1]);
    free(pair->flight);
}

/* The address at which the ends see each other. */
static bool is_other(const struct cjd_linkaddr *addr)
{
    struct cjd_linkaddr other = end_addr(1);

    return addr->len == other.len && memcmp(addr->b, other.b, other.len) == 0;
}

/* What was sent since is on its way; the record of the ends stays. */
static void take_off(struct pair *pair)
{
    for (unsigned from = 0; from < 2; from++) {
        struct end *end = &pair->end[from];
        if (pair->taken[from] > end->sent_count) {
            pair->taken[from] = 0; /* forgotten meanwhile */
        }
        while (pair->taken[from] < end->sent_count) {
            struct flight f = {.at_ns = end->now_ns + pair->delay_ns,
                               .to = 1 - from,
                               .packet = end->sent[pair->taken[from]++]};
            assert_true(pair->flights < PAIR_FLIGHT);
            if (!pair->is_cut[f.to] && is_other(&f.packet.addr)) {
                pair->flight[pair->flights++] = f;
            }
        }
    }
}

static void land(struct pair *pair)
{
    struct flight f = pair->flight[0];
    struct cjd_linkaddr from = end_addr(1);

    memmove(pair->flight, pair->flight + 1, --pair->flights * sizeof *pair->flight);
    if (!pair->is_cut[f.to]) {
        end_rx(&pair->end[f.to], 0, &from, f.packet.bytes, f.packet.len);
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
            struct end *end = &pair->end[t0 == next ? 0 : 1];
            cjd_timers_run(&end->timers, now, 1);
            cjd_links_flush(end->links);
        }
    }
    pair->end[0].now_ns = pair->end[1].now_ns = until;
}

struct cjd_peer_info pair_peer(const struct pair *pair, unsigned end)
{
    struct cjd_peer_info info;
    struct cjd_peer_info second;

    assert_true(cjd_links_peer_at(pair->end[end].links, 0, &info));
    assert_false(cjd_links_peer_at(pair->end[end].links, 1, &second));
    return info;
}

/* --- a bare far end --------------------------------------------------------------------------- */

void far_init(struct far *far, uint64_t seed, uint8_t at, const struct end *to, const char *login)
{
    memset(far, 0, sizeof *far);
    far->users = cjd_users_new();
    far->pool = cjd_pool_new(4, 0);
    assert_true(far->users && far->pool);
    far->node = (struct cjd_ca_node){
        .self = &far->self, .users = far->users, .rng = test_rng_init(&far->rng_state, seed)};
    cjd_keypair_generate(&far->self, &far->node.rng);
    assert_int_equal(cjd_users_add(far->users, END_LOGIN, END_PASSWORD, strlen(END_PASSWORD), NULL),
                     0);
    far->addr = end_addr(at);
    far_restart(far, to, login);
}

void far_fini(struct far *far)
{
    cjd_ca_fini(&far->ca);
    cjd_pool_free(far->pool);
    cjd_users_free(far->users);
}

void far_restart(struct far *far, const struct end *to, const char *login)
{
    struct cjd_credentials c;

    cjd_ca_init(&far->ca, &far->node, &to->self.key, false, to->now_ns);
    cjd_credentials_init(&c, login, login ? END_PASSWORD : NULL, login ? strlen(END_PASSWORD) : 0);
    cjd_ca_set_credentials(&far->ca, &c);
    cjd_credentials_fini(&c);
}

void far_send(struct far *far, struct end *to, const uint8_t *message, uint32_t len)
{
    struct cjd_pkt *pkt = cjd_pool_take(far->pool, len);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, len);
    if (len > 0) {
        memcpy(cjd_pkt_data(pkt), message, len);
    }
    assert_int_equal(cjd_ca_seal(&far->ca, pkt, to->now_ns), 0);
    far->len = pkt->len;
    assert_true(pkt->len <= sizeof far->bytes);
    memcpy(far->bytes, cjd_pkt_data(pkt), pkt->len);
    cjd_pool_give(far->pool, pkt);
    end_rx(to, 0, &far->addr, far->bytes, far->len);
}

enum cjd_ca_result far_open(struct far *far, const struct end_sent *sent, uint64_t now_ns)
{
    struct cjd_pkt *pkt = cjd_pool_take(far->pool, sent->len);

    assert_non_null(pkt);
    cjd_pkt_put(pkt, sent->len);
    memcpy(cjd_pkt_data(pkt), sent->bytes, sent->len);
    enum cjd_ca_result result = cjd_ca_open(&far->ca, pkt, now_ns);
    far->len = pkt->len;
    memcpy(far->bytes, cjd_pkt_data(pkt), pkt->len);
    cjd_pool_give(far->pool, pkt);
    return result;
}

void far_establish(struct far *far, struct end *to)
{
    uint8_t ping[128];
    uint32_t len = frame_ping(ping, false, CJD_PROTOCOL, "12345678", 8);
    unsigned before = to->sent_count;

    far_send(far, to, ping, len);
    assert_true(to->sent_count > before);
    assert_int_equal(far_open(far, &to->sent[before], to->now_ns), CJD_CA_OK);
    /* The ping of the end itself may have come with another packet; it is answered here. */
    far_send(far, to, ping, len);
    for (unsigned i = before + 1; i < to->sent_count; i++) {
        uint32_t n;
        if (far_open(far, &to->sent[i], to->now_ns) != CJD_CA_OK) {
            continue;
        }
        const uint8_t *cookie = frame_cookie(far->bytes, far->len, &n);
        if (cookie && cjd_load16(far->bytes + 18) == CJD_CTRL_PING) {
            uint8_t pong[128];
            far_send(far, to, pong, frame_ping(pong, true, CJD_PROTOCOL, cookie, n));
        }
    }
}

/* --- frames ----------------------------------------------------------------------------------- */

uint32_t frame_ping(uint8_t out[128], bool is_pong, uint32_t version, const void *data,
                    uint32_t len)
{
    struct cjd_switch_header h = {
        .label = 0x8000000000000001ull, .version = 1, .shift = 4, .traffic_class = 0xffff};
    uint32_t ctrl_len = 12 + len;

    assert_true(len <= 96);
    cjd_switch_header_write(out, &h);
    cjd_store32(out + 12, CJD_CTRL_HANDLE);
    cjd_store16(out + 16, 0);
    cjd_store16(out + 18, is_pong ? CJD_CTRL_PONG : CJD_CTRL_PING);
    cjd_store32(out + 20, is_pong ? 0x9d74e35bu : 0x09f91102u);
    cjd_store32(out + 24, version);
    memcpy(out + 28, data, len);
    cjd_store16(out + 16, cjd_ctrl_checksum(out + 16, ctrl_len));
    return 16 + ctrl_len;
}

const uint8_t *frame_cookie(const uint8_t *message, uint32_t len, uint32_t *cookie_len)
{
    struct cjd_ctrl ctrl;

    if (len < 16 || cjd_load32(message + 12) != CJD_CTRL_HANDLE ||
        cjd_ctrl_parse(&ctrl, message + 16, len - 16) != 0 ||
        (ctrl.type != CJD_CTRL_PING && ctrl.type != CJD_CTRL_PONG)) {
        return NULL;
    }
    *cookie_len = ctrl.data_len;
    return ctrl.data;
}
