/* Ten thousand hellos a second: what they cost is bounded, neighbours that are up do not notice,
 * and a genuine new one gets in within seconds. */
#include "end.h"

#include <base/wire.h>
#include <cjd/version.h>

#define DELAY  (20 * CJD_MS)
#define PER_MS 10u
#define KEYS   48u /* making one takes a while */

struct flood {
    struct pair pair; /* end 1 is flooded; end 0 is the genuine new neighbour */
    struct far up;    /* established before */
    uint8_t hello[KEYS][CJD_CA_HANDSHAKE_BYTES];
    uint32_t sources; /* 0: each packet from another one */
    uint32_t sent;
};

/* Hellos with a login that end 1 knows; with the right password, or with one guessed. */
static void make_hellos(struct flood *f, bool has_password)
{
    struct end scratch;

    end_init(&scratch, 77);
    scratch.self = f->pair.end[1].self;
    for (unsigned i = 0; i < KEYS; i++) {
        struct far far;
        far_init(&far, 1000 + i, 1, &scratch, END_LOGIN);
        far_send(&far, &scratch, NULL, 0);
        assert_int_equal(far.len, CJD_CA_HANDSHAKE_BYTES);
        memcpy(f->hello[i], far.bytes, far.len);
        if (!has_password) {
            f->hello[i][far.len - 1] ^= 1;
        }
        far_fini(&far);
    }
    end_fini(&scratch);
}

static void flood_init(struct flood *f, uint64_t seed, uint32_t sources, bool has_password)
{
    memset(f, 0, sizeof *f);
    pair_init(&f->pair, seed, DELAY);
    f->sources = sources;
    make_hellos(f, has_password);
    far_init(&f->up, seed + 500, 1, &f->pair.end[1], END_LOGIN);
    f->up.addr = end_addr(200);
    far_establish(&f->up, &f->pair.end[1]);
    assert_int_equal(f->pair.end[1].ups, 1);
    f->pair.is_cut[1] = true; /* the new neighbour is not there yet */
}

static void flood_fini(struct flood *f)
{
    far_fini(&f->up);
    pair_fini(&f->pair);
}

static struct cjd_linkaddr source_of(struct flood *f)
{
    struct cjd_linkaddr addr = {.b = {2}, .len = 8};
    uint32_t host = f->sources ? f->sent % f->sources : cjd_rng_u32(&f->pair.end[1].ca.rng);

    cjd_store32(addr.b + 4, host);
    return addr;
}

/* One millisecond of flood, and of life. */
static void step(struct flood *f)
{
    struct end *e = &f->pair.end[1];

    for (unsigned i = 0; i < PER_MS; i++) {
        struct cjd_linkaddr from = source_of(f);
        end_rx(e, 0, &from, f->hello[f->sent % KEYS], CJD_CA_HANDSHAKE_BYTES);
        f->sent++;
    }
    if (f->sent % 1000 == 0) {
        /* The neighbour that is up speaks, and is answered at once. */
        uint8_t ping[128];
        unsigned before = e->sent_count;
        far_send(&f->up, e, ping, frame_ping(ping, false, CJD_PROTOCOL, "12345678", 8));
        assert_int_equal(e->sent_count, before + 1);
        assert_int_equal(far_open(&f->up, &e->sent[before], e->now_ns), CJD_CA_OK);
    }
    pair_run(&f->pair, CJD_MS);
    if (e->sent_count > END_SENT_MAX / 2) {
        end_forget(e);
        f->pair.taken[1] = 0;
    }
}

/* How long the new neighbour takes while the flood goes on. */
static uint64_t time_to_join(struct flood *f)
{
    struct end *joining = &f->pair.end[0];
    uint64_t begin;

    for (unsigned ms = 0; ms < 1000; ms++) {
        step(f);
    }
    f->pair.is_cut[1] = false;
    cjd_links_wake(joining->links, false, joining->now_ns);
    begin = joining->now_ns;
    while (joining->ups == 0 && joining->now_ns - begin < 30 * CJD_S) {
        step(f);
    }
    assert_int_equal(joining->ups, 1);
    for (unsigned ms = 0; ms < 1000; ms++) {
        step(f);
    }
    assert_int_equal(joining->downs, 0);
    assert_int_equal(f->pair.end[1].downs, 0);
    return joining->now_ns - begin - CJD_S;
}

static void join(uint32_t sources, bool has_password)
{
    struct flood f;

    flood_init(&f, 1 + sources, sources, has_password);
    uint64_t took = time_to_join(&f);
    print_message("the new neighbour needs %u ms\n", (unsigned)(took / CJD_MS));
    assert_true(took <= 3 * CJD_S);
    /* Let in: what the budgets allow, a small part of the flood. */
    uint64_t seconds = f.sent / (1000 * PER_MS) + 1;
    uint64_t turned_away = end_dropped(&f.pair.end[1], CJD_DROP_LINK_HELLO_RATE);
    assert_true(f.sent - turned_away <= 400 + 400 * seconds);
    flood_fini(&f);
}

static void from_everywhere(void **state)
{
    (void)state;
    join(0, false);
}

/* All from one address: only that one pays. */
static void from_one(void **state)
{
    (void)state;
    join(1, false);
}

static void from_a_hundred(void **state)
{
    (void)state;
    join(100, false);
}

/* From somebody who knows a password: entries come and go, those that are up stay. */
static void with_the_password(void **state)
{
    (void)state;
    join(0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_everywhere),
        cmocka_unit_test(from_one),
        cmocka_unit_test(from_a_hundred),
        cmocka_unit_test(with_the_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
