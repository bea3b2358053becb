/* The packet pool: limits, reuse, and views that keep a buffer alive. A model knows which bytes
 * belong to whom. */
#include <testlib/testlib.h>

#include <base/pool.h>

#define SMALL_ROOM (CJD_PKT_SMALL - CJD_PKT_HEADROOM)
#define LARGE_ROOM (CJD_PKT_LARGE - CJD_PKT_HEADROOM)

static void fresh_packet(const struct cjd_pkt *p, uint32_t cap)
{
    struct cjd_pkt want = {.buf = p->buf, .off = CJD_PKT_HEADROOM, .cap = cap};

    assert_non_null(p->buf);
    assert_memory_equal(p, &want, sizeof want);
    assert_int_equal((uintptr_t)p->buf % 8, 0);
}

static void classes(void **state)
{
    (void)state;
    struct cjd_pool *pool = cjd_pool_new(4, 4);
    const struct {
        uint32_t size;
        uint32_t cap;
    } table[] = {{0, CJD_PKT_SMALL},          {3496, CJD_PKT_SMALL},
                 {SMALL_ROOM, CJD_PKT_SMALL}, {SMALL_ROOM + 1, CJD_PKT_LARGE},
                 {65536, CJD_PKT_LARGE},      {LARGE_ROOM, CJD_PKT_LARGE}};

    assert_non_null(pool);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cjd_pkt *p = cjd_pool_take(pool, table[i].size);
        assert_non_null(p);
        fresh_packet(p, table[i].cap);
        assert_true(cjd_pkt_put(p, table[i].size));
        memset(p->buf, 0xee, p->cap);
        cjd_pool_give(pool, p);
        /* The same again, as if it were new. */
        struct cjd_pkt *again = cjd_pool_take(pool, table[i].size);
        assert_ptr_equal(again, p);
        fresh_packet(again, table[i].cap);
        cjd_pool_give(pool, again);
    }
    assert_null(cjd_pool_take(pool, LARGE_ROOM + 1));
    assert_null(cjd_pool_take(pool, UINT32_MAX));
    assert_int_equal(cjd_pool_in_use(pool), 0);
    cjd_pool_free(pool);
}

static void limits(void **state)
{
    (void)state;
    struct cjd_pool *pool = cjd_pool_new(3, 1);
    struct cjd_pkt *p[4];

    assert_non_null(pool);
    for (unsigned i = 0; i < 3; i++) {
        p[i] = cjd_pool_take(pool, 100);
        assert_non_null(p[i]);
        assert_int_equal(cjd_pool_in_use(pool), i + 1);
    }
    assert_null(cjd_pool_take(pool, 100));
    p[3] = cjd_pool_take(pool, 60000);
    assert_non_null(p[3]);
    assert_null(cjd_pool_take(pool, 60000));
    assert_int_equal(cjd_pool_in_use(pool), 4);
    cjd_pool_give(pool, p[1]);
    p[1] = cjd_pool_take(pool, 100);
    assert_non_null(p[1]);
    struct cjd_vec vec = {.size = sizeof vec, .n = 4, .cap = 4, .v = p};
    cjd_pool_give_vec(pool, &vec);
    assert_int_equal(vec.n, 0);
    assert_int_equal(cjd_pool_in_use(pool), 0);
    cjd_pool_free(pool);
}

static void nothing(void **state)
{
    (void)state;
    struct cjd_pool *pool = cjd_pool_new(0, 0);

    assert_non_null(pool);
    assert_null(cjd_pool_take(pool, 1));
    cjd_pool_give(pool, NULL);
    assert_int_equal(cjd_pool_in_use(pool), 0);
    cjd_pool_free(pool);
    cjd_pool_free(NULL);
}

static void view_fields(void **state)
{
    (void)state;
    struct cjd_pool *pool = cjd_pool_new(1, 1);
    struct cjd_pkt *p = cjd_pool_take(pool, 3000);

    assert_non_null(p);
    cjd_pkt_put(p, 3000);
    p->gso_size = 1000;
    p->gso_type = CJD_GSO_UDP;
    p->link = 7;
    p->queue = 3;
    p->peer = 9;
    p->rx_ns = 12345;
    p->addr.len = 4;
    p->addr.b[3] = 0x42;
    struct cjd_pkt *v = cjd_pool_view(pool, p, p->off + 1000, 1000);
    assert_non_null(v);
    assert_ptr_equal(v->buf, p->buf + p->off + 1000);
    assert_int_equal(v->off, 0);
    assert_int_equal(v->len, 1000);
    assert_int_equal(v->cap, 1000);
    assert_int_equal(cjd_pkt_headroom(v), 0);
    assert_int_equal(cjd_pkt_tailroom(v), 0);
    assert_int_equal(v->gso_size, 0);
    assert_int_equal(v->gso_type, CJD_GSO_NONE);
    assert_int_equal(v->flags, CJD_PKT_VIEW);
    assert_int_equal(v->link, 7);
    assert_int_equal(v->queue, 3);
    assert_int_equal(v->peer, 9);
    assert_int_equal(v->rx_ns, 12345);
    assert_memory_equal(&v->addr, &p->addr, sizeof v->addr);
    cjd_pool_give(pool, p);
    cjd_pool_give(pool, v);
    cjd_pool_free(pool);
}

static void view_bounds(void **state)
{
    (void)state;
    struct cjd_pool *pool = cjd_pool_new(1, 1);
    struct cjd_pkt *p = cjd_pool_take(pool, 10);
    struct cjd_pkt *v;

    assert_non_null(p);
    assert_null(cjd_pool_view(pool, p, p->cap + 1, 0));
    assert_null(cjd_pool_view(pool, p, p->cap, 1));
    assert_null(cjd_pool_view(pool, p, 1, p->cap));
    assert_null(cjd_pool_view(pool, p, UINT32_MAX, 1));
    assert_null(cjd_pool_view(pool, p, 1, UINT32_MAX));
    assert_int_equal(cjd_pool_in_use(pool), 1);
    v = cjd_pool_view(pool, p, 0, p->cap);
    assert_non_null(v);
    assert_null(cjd_pool_view(pool, v, 1, v->cap));
    cjd_pool_give(pool, v);
    v = cjd_pool_view(pool, p, p->cap, 0);
    assert_non_null(v);
    assert_null(cjd_pool_view(pool, v, 0, 1));
    cjd_pool_give(pool, v);
    cjd_pool_give(pool, p);
    cjd_pool_free(pool);
}

/* The buffer is not handed out again while a view of it, or a view of a view, is out. */
static void buffer_outlives_its_packet(void **state)
{
    (void)state;
    struct cjd_pool *pool = cjd_pool_new(1, 1);
    struct cjd_pkt *p = cjd_pool_take(pool, 100);

    assert_non_null(p);
    cjd_pkt_put(p, 100);
    memset(cjd_pkt_data(p), 0x5a, 100);
    struct cjd_pkt *v = cjd_pool_view(pool, p, p->off, 50);
    assert_non_null(v);
    struct cjd_pkt *w = cjd_pool_view(pool, v, 10, 20);
    assert_non_null(w);
    assert_ptr_equal(w->buf, v->buf + 10);
    assert_int_equal(cjd_pool_in_use(pool), 3);
    cjd_pool_give(pool, p);
    assert_int_equal(cjd_pool_in_use(pool), 2);
    assert_null(cjd_pool_take(pool, 100)); /* the only small one is still held */
    cjd_pool_give(pool, v);
    assert_int_equal(cjd_pool_in_use(pool), 1);
    assert_null(cjd_pool_take(pool, 100));
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(cjd_pkt_data(w)[i], 0x5a);
    }
    cjd_pool_give(pool, w);
    assert_int_equal(cjd_pool_in_use(pool), 0);
    p = cjd_pool_take(pool, 100);
    assert_non_null(p);
    fresh_packet(p, CJD_PKT_SMALL);
    cjd_pool_give(pool, p);
    cjd_pool_free(pool);
}

static void number_of_views_is_bounded(void **state)
{
    (void)state;
    struct cjd_pool *pool = cjd_pool_new(2, 1);
    static struct cjd_pkt *views[1000];
    struct cjd_pkt *p = cjd_pool_take(pool, 60000);
    unsigned n = 0;

    assert_non_null(p);
    while (n < 1000 && (views[n] = cjd_pool_view(pool, p, n, 1)) != NULL) {
        n++;
    }
    /* One super-segment has at most 64 segments. */
    assert_in_range(n, 64, 999);
    cjd_pool_give(pool, p);
    while (n > 0) {
        cjd_pool_give(pool, views[--n]);
    }
    assert_int_equal(cjd_pool_in_use(pool), 0);
    cjd_pool_free(pool);
}

/* ---- at random ---- */

#define HELD   60u
#define ROUNDS 30000u

/* A packet that is out, and the mark that all its bytes should carry. */
struct held {
    struct cjd_pkt *pkt;
    uint8_t mark;
};

static void check_mark(const struct held *h)
{
    for (uint32_t i = 0; i < h->pkt->len; i++) {
        if (cjd_pkt_data(h->pkt)[i] != h->mark) {
            fail_msg("byte %u of a packet was overwritten", i);
        }
    }
}

/* Takes a packet, or cuts one that is out into two views that share its bytes between them. */
static void take_more(struct cjd_pool *pool, struct cjd_rng *rng, struct held *held, unsigned *n)
{
    if (*n > 0 && cjd_rng_below(rng, 3) == 0) {
        struct held *h = &held[cjd_rng_below(rng, *n)];
        uint32_t half = h->pkt->len / 2;
        struct cjd_pkt *a = cjd_pool_view(pool, h->pkt, h->pkt->off, half);
        struct cjd_pkt *b = cjd_pool_view(pool, h->pkt, h->pkt->off + half, h->pkt->len - half);
        assert_non_null(a);
        assert_non_null(b);
        cjd_pool_give(pool, h->pkt);
        held[(*n)++] = (struct held){a, h->mark};
        h->pkt = b;
        return;
    }
    uint32_t size = 1 + cjd_rng_below(rng, cjd_rng_below(rng, 8) ? 200 : 5000);
    struct cjd_pkt *p = cjd_pool_take(pool, size);
    assert_non_null(p);
    cjd_pkt_put(p, size);
    uint8_t mark = (uint8_t)cjd_rng_u32(rng);
    memset(cjd_pkt_data(p), mark, size);
    held[(*n)++] = (struct held){p, mark};
}

static void at_random(void **state)
{
    (void)state;
    struct test_rng rng_state;
    struct cjd_rng rng = test_rng_init(&rng_state, 77);
    struct cjd_pool *pool = cjd_pool_new(2 * HELD, HELD);
    struct held held[HELD];
    unsigned n = 0;

    assert_non_null(pool);
    for (unsigned i = 0; i < ROUNDS; i++) {
        bool is_filling = i / 500 % 2 == 0;
        if (n < HELD && (n == 0 || cjd_rng_below(&rng, 4) < (is_filling ? 3u : 1u))) {
            take_more(pool, &rng, held, &n);
        } else {
            unsigned which = cjd_rng_below(&rng, n);
            check_mark(&held[which]);
            cjd_pool_give(pool, held[which].pkt);
            held[which] = held[--n];
        }
        assert_int_equal(cjd_pool_in_use(pool), n);
    }
    while (n > 0) {
        check_mark(&held[--n]);
        cjd_pool_give(pool, held[n].pkt);
    }
    cjd_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes),
        cmocka_unit_test(limits),
        cmocka_unit_test(nothing),
        cmocka_unit_test(view_fields),
        cmocka_unit_test(view_bounds),
        cmocka_unit_test(buffer_outlives_its_packet),
        cmocka_unit_test(number_of_views_is_bounded),
        cmocka_unit_test(at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
