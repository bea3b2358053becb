/*
 * 200 000 seeded random, mutated and replayed packets against an established pair: none is
 * accepted that should not be, none changes the session, and the pair keeps working.
 */
#include "end.h"

#include <base/wire.h>

enum { PACKETS = 200000, SEEDS_MAX = 16, LEN_MAX = 200 };

struct seed_packet {
    uint8_t bytes[LEN_MAX];
    uint32_t len;
};

struct hostile {
    struct pair pair;
    struct test_rng seed;
    struct cjd_rng rng;
    struct seed_packet packet[SEEDS_MAX]; /* real packets of all kinds, sent to end 1 */
    size_t count;
    uint64_t results[16];
};

static void record(struct hostile *h, int from, bool is_delivered)
{
    struct box box;
    struct seed_packet *p = &h->packet[h->count++];
    struct cjd_pkt *pkt = box_message(&box, "some message", 12);

    assert_true(h->count <= SEEDS_MAX);
    end_seal(&h->pair.end[from], pkt, false, h->pair.now_ns);
    p->len = pkt->len;
    memcpy(p->bytes, cjd_pkt_data(pkt), pkt->len);
    if (is_delivered) {
        assert_int_equal(end_open(&h->pair.end[1 - from], pkt, h->pair.now_ns), 0);
    }
}

/* Hello, repeat hello, key, repeat key and data of this session, a hello of an earlier one. */
static void start(struct hostile *h, uint64_t seed)
{
    memset(h, 0, sizeof *h);
    pair_init(&h->pair, false, false, seed);
    h->rng = test_rng_init(&h->seed, seed);
    record(h, 0, false);
    end_session(&h->pair.end[0], &h->pair.end[1].self.key, false, NULL, h->pair.now_ns);
    record(h, 0, true);
    record(h, 0, true);
    record(h, 1, true);
    record(h, 1, true);
    record(h, 0, true);
    record(h, 1, true);
    record(h, 0, true);
    record(h, 1, true);
}

static uint32_t make(struct hostile *h, uint8_t bytes[LEN_MAX])
{
    const struct seed_packet *p = &h->packet[cjd_rng_below(&h->rng, (uint32_t)h->count)];
    uint32_t len = p->len;

    cjd_rng_fill(&h->rng, bytes, LEN_MAX);
    if (cjd_rng_below(&h->rng, 4) == 0) {
        len = cjd_rng_below(&h->rng, LEN_MAX);
        memset(bytes, 0, len < 3 ? len : 3); /* a small word, so that it is not all data */
        bytes[3] = (uint8_t)(bytes[3] % 8);
        return len;
    }
    memcpy(bytes, p->bytes, len);
    for (uint32_t flips = cjd_rng_below(&h->rng, 3); flips > 0; flips--) {
        bytes[cjd_rng_below(&h->rng, len)] ^= (uint8_t)(1u << cjd_rng_below(&h->rng, 8));
    }
    if (cjd_rng_below(&h->rng, 4) == 0) {
        cjd_store32(bytes, cjd_rng_below(&h->rng, 6));
    }
    if (cjd_rng_below(&h->rng, 8) == 0) {
        len = cjd_rng_below(&h->rng, LEN_MAX);
    }
    return len;
}

/* A refused packet leaves all as it was, but for the counters of the window. */
static void assert_unchanged(const struct cjd_ca *now, const struct cjd_ca *before)
{
    struct cjd_ca_half a = now->live;
    struct cjd_ca_half b = before->live;

    assert_int_equal(a.replay.bits, b.replay.bits);
    assert_int_equal(a.replay.base, b.replay.base);
    assert_int_equal(a.replay.lost, b.replay.lost);
    a.replay = b.replay = (struct cjd_replay){.bits = 0};
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(now->has_pending, before->has_pending);
    assert_int_equal(now->owes_key, before->owes_key);
    assert_int_equal(now->promotions, before->promotions);
    assert_int_equal(now->last_ns, before->last_ns);
    assert_memory_equal(&now->pending.peer_temp_key, &before->pending.peer_temp_key, 32);
    assert_memory_equal(&now->recent, &before->recent, sizeof now->recent);
}

static void throw_one(struct hostile *h, int to)
{
    uint8_t bytes[LEN_MAX];
    struct box box;
    struct end *end = &h->pair.end[to];
    uint32_t len = make(h, bytes);
    struct cjd_ca before = end->ca;
    int result = end_open(end, box_packet(&box, bytes, len), h->pair.now_ns);

    assert_in_range(result, 0, 15);
    h->results[result]++;
    if (result != 0) {
        assert_unchanged(&end->ca, &before);
    } else {
        /* Only the hello of the earlier session can pass: all else was sent to us and is old. */
        assert_int_equal(to, 1);
        assert_true(end->ca.got_handshake && end->ca.has_pending);
        assert_memory_equal(&end->ca.live.secret, &before.live.secret, 32);
    }
}

static void pair_keeps_working(void **state)
{
    static struct hostile h;
    static const int expected[] = {0, 1, 5, 6, 9, 11, 13, 14, 15};

    (void)state;
    start(&h, 42);
    for (unsigned i = 0; i < PACKETS; i++) {
        throw_one(&h, (int)(i & 1));
        if (i % 500 == 0) {
            assert_int_equal(pair_send(&h.pair, 0, false), 0);
            assert_int_equal(pair_send(&h.pair, 1, false), 0);
            h.pair.now_ns += 50 * CJD_MS;
        }
    }
    assert_int_equal(end_state(&h.pair.end[0]), CJD_CA_ESTABLISHED);
    assert_int_equal(end_state(&h.pair.end[1]), CJD_CA_ESTABLISHED);
    assert_int_equal(h.pair.end[1].ca.promotions, 0);
    /* The run has been where it should: every result that an established session can give. */
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(h.results[expected[i]] > 0);
    }
    pair_fini(&h.pair);
}

/* The same against sessions in the middle of a handshake: they may be disturbed, not broken. */
static void handshakes_are_robust(void **state)
{
    static struct hostile h;

    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        start(&h, seed);
        for (int i = 0; i < 2; i++) {
            end_session(&h.pair.end[i], &h.pair.end[1 - i].self.key, false, NULL, h.pair.now_ns);
        }
        for (unsigned i = 0; i < 200; i++) {
            uint8_t bytes[LEN_MAX];
            struct box box;
            uint32_t len = make(&h, bytes);
            int to = (int)(i & 1);
            (void)end_open(&h.pair.end[to], box_packet(&box, bytes, len), h.pair.now_ns);
            if (i % 10 == 0) {
                (void)pair_send(&h.pair, (int)cjd_rng_below(&h.rng, 2), false);
            }
        }
        h.pair.now_ns += 60 * CJD_S;
        for (int i = 0; i < 8; i++) {
            (void)pair_send(&h.pair, i % 2, false);
        }
        assert_int_equal(end_state(&h.pair.end[0]), CJD_CA_ESTABLISHED);
        assert_int_equal(end_state(&h.pair.end[1]), CJD_CA_ESTABLISHED);
        pair_fini(&h.pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pair_keeps_working),
        cmocka_unit_test(handshakes_are_robust),
    };
    return cmocka_run_group_tests_name("crypto_hostile", tests, NULL, NULL);
}
