#include "solo.h"

#include <base/wire.h>
#include <cjd/bencode.h>

static void on_send(void *ctx, const struct cjd_dht_contact *to, const uint8_t *message, size_t len,
                    uint64_t now_ns)
{
    struct solo *s = ctx;

    assert_true(s->sent_count < SOLO_SENT_MAX);
    assert_true(len <= CJD_DHT_MESSAGE_MAX);
    struct solo_sent *sent = &s->sent[s->sent_count++];
    *sent = (struct solo_sent){.to = *to, .at_ns = now_ns, .len = len};
    memcpy(sent->bytes, message, len);
}

static struct solo_event *event(struct solo *s, enum solo_kind kind, const struct cjd_addr *addr,
                                uint64_t now_ns)
{
    assert_true(s->event_count < SOLO_EVENTS_MAX);
    struct solo_event *e = &s->events[s->event_count++];
    *e = (struct solo_event){.at_ns = now_ns, .addr = *addr};
    e->kind = kind;
    return e;
}

static void on_path(void *ctx, const struct cjd_dht_path *path, uint64_t now_ns)
{
    struct solo_event *e = event(ctx, SOLO_PATH, &path->to.addr, now_ns);
    e->label = path->to.label;
    e->is_peer = path->is_peer;
}

static void on_dead(void *ctx, const struct cjd_addr *addr, uint64_t label, uint64_t now_ns)
{
    event(ctx, SOLO_DEAD, addr, now_ns)->label = label;
}

static void on_done(void *ctx, const struct cjd_addr *addr, bool was_found, uint64_t now_ns)
{
    event(ctx, SOLO_DONE, addr, now_ns)->was_found = was_found;
}

bool solo_addr_of_key(struct cjd_addr *out, const struct cjd_key *key)
{
    memcpy(out->b, key->b, sizeof out->b);
    return key->b[0] == 0xfc;
}

static struct solo *create(const struct cjd_addr *addr, uint64_t seed,
                           const struct cjd_dht_limits *limits)
{
    struct solo *s = calloc(1, sizeof *s);

    assert_non_null(s);
    s->rng = test_rng_init(&s->seed, seed);
    s->now_ns = 1000 * CJD_S;
    s->sent = calloc(SOLO_SENT_MAX, sizeof *s->sent);
    s->events = calloc(SOLO_EVENTS_MAX, sizeof *s->events);
    assert_non_null(s->sent);
    assert_non_null(s->events);
    s->me = solo_node(s, 1);
    if (addr) {
        s->me.addr = *addr;
    }
    struct cjd_dht_config config = {
        .key = s->me.key,
        .addr = s->me.addr,
        .version = 21,
        .scheme = cjd_scheme_358(),
        .rng = s->rng,
        .timers = &s->timers,
        .drops = &s->drops,
        .addr_of_key = solo_addr_of_key,
        .ops = {.send = on_send,
                .path = on_path,
                .path_dead = on_dead,
                .search_done = on_done,
                .ctx = s},
    };
    if (limits) {
        config.limits = *limits;
    }
    assert_int_equal(cjd_dht_new(&s->dht, &config, s->now_ns), 0);
    return s;
}

struct solo *solo_new(uint64_t seed, const struct cjd_dht_limits *limits)
{
    return create(NULL, seed, limits);
}

struct solo *solo_new_at(const struct cjd_addr *addr, uint64_t seed)
{
    return create(addr, seed, NULL);
}

void solo_free(struct solo *s)
{
    cjd_dht_free(s->dht);
    assert_int_equal(cjd_timers_next(&s->timers), CJD_NEVER);
    free(s->sent);
    free(s->events);
    free(s);
}

void solo_run(struct solo *s, uint64_t for_ns)
{
    uint64_t end = s->now_ns + for_ns;
    uint64_t next;

    while ((next = cjd_timers_next(&s->timers)) <= end) {
        s->now_ns = next > s->now_ns ? next : s->now_ns;
        (void)cjd_timers_run(&s->timers, s->now_ns, 1000);
    }
    s->now_ns = end;
}

struct cjd_dht_contact solo_node(struct solo *s, uint64_t label)
{
    struct cjd_dht_contact c = {.version = 21, .label = label};

    cjd_rng_fill(&s->rng, &c.key, sizeof c.key);
    c.key.b[0] = 0xfc;
    (void)solo_addr_of_key(&c.addr, &c.key);
    return c;
}

void solo_peer(struct solo *s, const struct cjd_dht_contact *peer)
{
    cjd_dht_peer_up(s->dht, peer, 2 * CJD_MS, s->now_ns);
    solo_query(s, peer, "pn", NULL, 0);
}

/* By hand: unknown methods have no name in the codec. */
void solo_query(struct solo *s, const struct cjd_dht_contact *from, const char *method,
                const uint8_t *target, size_t target_len)
{
    static const uint8_t es[] = {0x61, 0x14, 0x45, 0x81, 0x00};
    struct cjd_bencode_writer w;
    uint8_t bytes[512];

    cjd_bencode_writer_init(&w, bytes, sizeof bytes);
    cjd_bencode_begin_dict(&w);
    cjd_bencode_put_text(&w, "ei");
    cjd_bencode_put_int(&w, 0);
    cjd_bencode_put_text(&w, "es");
    cjd_bencode_put_string(&w, es, sizeof es);
    cjd_bencode_put_text(&w, "p");
    cjd_bencode_put_int(&w, from->version);
    cjd_bencode_put_text(&w, "q");
    cjd_bencode_put_text(&w, method);
    if (target) {
        cjd_bencode_put_text(&w, "tar");
        cjd_bencode_put_string(&w, target, target_len);
    }
    cjd_bencode_put_text(&w, "txid");
    cjd_bencode_put_text(&w, "0test");
    cjd_bencode_end(&w);
    int len = cjd_bencode_finish(&w);
    assert_true(len > 0);
    cjd_dht_message(s->dht, from, bytes, (size_t)len, s->now_ns);
}

void solo_message(struct solo *s, const struct cjd_dht_contact *from, struct cjd_message *m)
{
    uint8_t bytes[CJD_DHT_MESSAGE_MAX];

    if (m->scheme.count == 0) {
        m->scheme = *cjd_scheme_358();
    }
    if (m->version == 0) {
        m->version = from->version;
    }
    if (!m->txid) {
        m->txid = (const uint8_t *)"00";
        m->txid_len = 2;
    }
    int len = cjd_message_encode(m, bytes, sizeof bytes);
    assert_true(len > 0);
    cjd_dht_message(s->dht, from, bytes, (size_t)len, s->now_ns);
}

/* Replies have no `q`; those we send carry the asker's txid, which need not be of our form. */
static bool is_reply(const struct solo_sent *sent)
{
    struct cjd_bencode dict;
    struct cjd_bencode value;
    size_t used;

    assert_int_equal(cjd_bencode_parse(&dict, sent->bytes, sent->len, &used), 0);
    return !cjd_bencode_find(&dict, "q", &value);
}

void solo_last_reply(struct solo *s, struct cjd_message *m)
{
    for (uint32_t i = s->sent_count; i > 0; i--) {
        struct solo_sent *sent = &s->sent[i - 1];
        if (is_reply(sent)) {
            /* The codec takes replies to our own queries only. */
            uint8_t *txid = memmem(sent->bytes, sent->len, "0test", 5);
            assert_non_null(txid);
            memcpy(txid, "00est", 5);
            assert_int_equal(cjd_message_decode(m, sent->bytes, sent->len), CJD_MESSAGE_OK);
            return;
        }
    }
    fail_msg("no reply was sent");
}

struct solo_sent *solo_next_query(struct solo *s, const struct cjd_addr *to, struct cjd_message *m)
{
    for (uint32_t i = 0; i < s->sent_count; i++) {
        struct solo_sent *sent = &s->sent[i];
        if (sent->is_handled || is_reply(sent) ||
            (to && memcmp(&sent->to.addr, to, sizeof *to) != 0)) {
            continue;
        }
        sent->is_handled = true;
        assert_int_equal(cjd_message_decode(m, sent->bytes, sent->len), CJD_MESSAGE_OK);
        return sent;
    }
    return NULL;
}

void solo_answer(struct solo *s, const struct solo_sent *query,
                 const struct cjd_message_node *nodes, uint32_t count, int form)
{
    struct cjd_message q;
    struct cjd_message m = {.form = form, .node_count = count};

    assert_int_equal(cjd_message_decode(&q, query->bytes, query->len), CJD_MESSAGE_OK);
    m.txid = q.txid;
    m.txid_len = q.txid_len;
    for (uint32_t i = 0; i < count; i++) {
        m.nodes[i] = nodes[i];
    }
    solo_message(s, &query->to, &m);
}

uint32_t solo_count_queries(const struct solo *s, uint32_t from, const struct cjd_addr *to)
{
    uint32_t n = 0;

    for (uint32_t i = from; i < s->sent_count; i++) {
        n += !is_reply(&s->sent[i]) && (!to || memcmp(&s->sent[i].to.addr, to, sizeof *to) == 0);
    }
    return n;
}

const struct solo_event *solo_last_event(const struct solo *s, enum solo_kind kind,
                                         const struct cjd_addr *addr)
{
    for (uint32_t i = s->event_count; i > 0; i--) {
        const struct solo_event *e = &s->events[i - 1];
        if (e->kind == kind && memcmp(&e->addr, addr, sizeof *addr) == 0) {
            return e;
        }
    }
    return NULL;
}
