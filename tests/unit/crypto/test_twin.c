/*
 * Two pairs of ends, one of this project's sessions and one of the model of the reference, go
 * through the same random runs with the same randomness: packets, results, states and counters
 * have to be the same to the byte, up to the point where hardening begins to differ.
 */
#include "end.h"

#include <base/wire.h>

enum { PACKETS = 64 };

struct twins {
    struct pair ours;
    struct pair model;
    struct test_rng seed;
    struct cjd_rng rng;
    struct box packet[PACKETS]; /* made so far, with their senders */
    int sender[PACKETS];
    size_t count;
};

static void assert_same_state(const struct twins *t)
{
    for (int i = 0; i < 2; i++) {
        const struct end *a = &t->ours.end[i];
        const struct end *b = &t->model.end[i];
        struct cjd_replay ra = end_replay(a);
        struct cjd_replay rb = end_replay(b);
        assert_int_equal(end_state(a), end_state(b));
        assert_int_equal(end_next(a), end_next(b));
        assert_int_equal(end_is_initiator(a), end_is_initiator(b));
        assert_memory_equal(&ra, &rb, sizeof ra);
    }
}

static void seal_both(struct twins *t, int from)
{
    struct box *mine = &t->packet[t->count % PACKETS];
    struct box other;

    t->sender[t->count++ % PACKETS] = from;
    end_seal(&t->ours.end[from], box_message(mine, "text", 4), false, t->ours.now_ns);
    end_seal(&t->model.end[from], box_message(&other, "text", 4), false, t->ours.now_ns);
    assert_int_equal(mine->pkt.len, other.pkt.len);
    assert_memory_equal(cjd_pkt_data(&mine->pkt), cjd_pkt_data(&other.pkt), mine->pkt.len);
}

static void damage(struct twins *t, uint8_t *bytes, uint32_t *len)
{
    switch (cjd_rng_below(&t->rng, 8)) {
    case 0:
        bytes[cjd_rng_below(&t->rng, *len)] ^= (uint8_t)(1 + cjd_rng_below(&t->rng, 255));
        break;
    case 1:
        *len = cjd_rng_below(&t->rng, *len);
        break;
    case 2:
        bytes[3] ^= 1; /* hello and repeat hello, key and repeat key (W6) */
        break;
    default:
        break;
    }
}

/* Not so: hellos on a session that is established or has got its key (H1). */
static bool is_comparable(const struct end *to, const uint8_t *bytes, uint32_t len)
{
    return end_state(to) < CJD_CA_RECEIVED_KEY || len < 120 || cjd_load32(bytes) > 1;
}

/* False: from here on hardening makes a difference. */
static bool open_both(struct twins *t)
{
    size_t known = t->count < PACKETS ? t->count : PACKETS;
    size_t at = known - 1 - cjd_rng_below(&t->rng, (uint32_t)(known < 6 ? known : 6));
    const struct box *packet = &t->packet[at];
    int to = 1 - t->sender[at];
    uint8_t bytes[256];
    uint32_t len = packet->pkt.len;
    struct box a;
    struct box b;

    memcpy(bytes, cjd_pkt_data(&packet->pkt), len);
    damage(t, bytes, &len);
    struct end *model = &t->model.end[to];
    if (!is_comparable(model, bytes, len)) {
        return false;
    }
    int result = end_open(model, box_packet(&b, bytes, len), t->ours.now_ns);
    assert_int_equal(end_open(&t->ours.end[to], box_packet(&a, bytes, len), t->ours.now_ns),
                     result);
    /* H2: the window of the reference moves. */
    if (result == CJD_CA_DECRYPT && end_state(model) != CJD_CA_ESTABLISHED) {
        return false;
    }
    if (result == 0) {
        assert_int_equal(a.pkt.len, b.pkt.len);
        assert_memory_equal(cjd_pkt_data(&a.pkt), cjd_pkt_data(&b.pkt), a.pkt.len);
    }
    return true;
}

static void add_password(struct pair *pair)
{
    struct cjd_credentials c;

    cjd_credentials_init(&c, "login", "password", 8);
    assert_int_equal(cjd_users_add(pair->end[1].users, "login", "password", 8, NULL), 0);
    end_session(&pair->end[0], &pair->end[1].self.key, false, &c, pair->now_ns);
    end_session(&pair->end[1], &pair->end[0].self.key, true, NULL, pair->now_ns);
}

/* Returns the number of steps that were compared. */
static unsigned run(uint64_t seed)
{
    static struct twins t;
    unsigned steps = 0;
    bool goes_on = true;

    memset(&t, 0, sizeof t);
    pair_init(&t.ours, false, false, seed);
    pair_init(&t.model, true, true, seed);
    t.rng = test_rng_init(&t.seed, ~seed);
    if (seed % 3 == 0) {
        add_password(&t.ours);
        add_password(&t.model);
    }
    for (; steps < 60 && goes_on; steps++) {
        if (t.count == 0 || cjd_rng_below(&t.rng, 3) == 0) {
            seal_both(&t, (int)cjd_rng_below(&t.rng, 2));
        } else {
            goes_on = open_both(&t);
        }
        if (goes_on) {
            assert_same_state(&t);
        }
    }
    pair_fini(&t.ours);
    pair_fini(&t.model);
    return steps;
}

static void same_as_the_reference(void **state)
{
    unsigned steps = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 600; seed++) {
        steps += run(seed);
    }
    print_message("%u steps compared\n", steps);
    assert_true(steps > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_the_reference)};
    return cmocka_run_group_tests_name("crypto_twin", tests, NULL, NULL);
}
