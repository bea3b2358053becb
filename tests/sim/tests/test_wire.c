/* The model of a link, measured by echoes between two nodes that have a session. */
#include <testlib/testlib.h>

#include <sim/sim.h>

#define ECHOES 64u

struct bench {
    struct sim *sim;
    uint32_t a;
    uint32_t b;
    uint32_t link;
    unsigned count;
    uint64_t at_ns[ECHOES];
    struct sim_echo echo[ECHOES];
};

static void heard(void *ctx, const struct sim_echo *echo)
{
    struct bench *x = ctx;

    assert_true(x->count < ECHOES);
    x->at_ns[x->count] = sim_now(x->sim);
    x->echo[x->count++] = *echo;
}

static void run_for(struct bench *x, uint64_t ns)
{
    sim_run_until(x->sim, sim_now(x->sim) + ns);
}

static void begin(struct bench *x, const struct sim_link_model *model)
{
    *x = (struct bench){.sim = sim_new(5)};
    x->a = sim_add_node(x->sim);
    x->b = sim_add_node(x->sim);
    x->link = sim_add_link(x->sim, x->a, x->b, model);
    sim_set_echo(x->sim, heard, x);
    sim_start(x->sim, x->a);
    sim_start(x->sim, x->b);
    assert_true(sim_is_up(x->sim, x->a));
    run_for(x, 5 * CJD_S);
}

/* The session exists and nobody else talks: what follows is the link alone. */
static void warm_up(struct bench *x)
{
    sim_ping(x->sim, x->a, x->b, 1, 0);
    run_for(x, 5 * CJD_S);
    assert_int_equal(x->count, 1);
    x->count = 0;
}

static void delay(void **state)
{
    (void)state;
    struct bench x;

    begin(&x, &(struct sim_link_model){.delay_ns = 30 * CJD_MS});
    warm_up(&x);
    uint64_t sent = sim_now(x.sim);
    sim_ping(x.sim, x.a, x.b, 7, 3);
    run_for(&x, CJD_S);
    assert_int_equal(x.count, 1);
    assert_int_equal(x.at_ns[0] - sent, 60 * CJD_MS);
    assert_int_equal(x.echo[0].node, x.a);
    assert_int_equal(x.echo[0].id, 7);
    assert_int_equal(x.echo[0].sequence, 3);
    assert_int_equal(x.echo[0].delay_ns, 30 * CJD_MS);
    assert_int_equal(x.echo[0].hops, 1);
    sim_free(x.sim);
}

static void loss(void **state)
{
    (void)state;
    struct bench x;
    struct sim_link_info info;

    begin(&x, &(struct sim_link_model){.delay_ns = CJD_MS, .loss_ppm = 250000});
    for (unsigned i = 0; i < 40; i++) {
        for (unsigned k = 0; k < 50; k++) {
            sim_ping(x.sim, x.a, x.b, 1, 0);
        }
        run_for(&x, CJD_S);
        x.count = 0;
        sim_set_echo(x.sim, NULL, NULL);
    }
    sim_link_at(x.sim, x.link, &info);
    assert_true(info.sent > 2000);
    assert_true(info.lost * 100 > info.sent * 22 && info.lost * 100 < info.sent * 28);
    assert_int_equal(info.overflow, 0);
    sim_free(x.sim);
    begin(&x, &(struct sim_link_model){.delay_ns = CJD_MS, .loss_ppm = 1000000});
    sim_ping(x.sim, x.a, x.b, 1, 0);
    run_for(&x, 5 * CJD_S);
    assert_int_equal(x.count, 0);
    sim_link_at(x.sim, x.link, &info);
    assert_int_equal(info.lost, info.sent);
    sim_free(x.sim);
}

/* Packets sent at once arrive one after another, as far apart as the rate says. */
static void rate(void **state)
{
    (void)state;
    struct bench x;
    struct sim_sent before;
    struct sim_sent after;

    begin(&x,
          &(struct sim_link_model){.delay_ns = 10 * CJD_MS, .rate_bps = 100000, .queue_ns = CJD_S});
    warm_up(&x);
    sim_sent(x.sim, x.b, &before);
    for (uint32_t i = 0; i < 10; i++) {
        sim_ping(x.sim, x.a, x.b, 1, i);
    }
    run_for(&x, 2 * CJD_S);
    sim_sent(x.sim, x.b, &after);
    assert_int_equal(x.count, 10);
    uint64_t bytes = (after.own[SIM_KIND_USER] - before.own[SIM_KIND_USER]) / 10;
    for (unsigned i = 1; i < 10; i++) {
        assert_int_equal(x.echo[i].sequence, i);
        assert_int_equal(x.at_ns[i] - x.at_ns[i - 1], bytes * 8 * CJD_S / 100000);
    }
    sim_free(x.sim);
}

static void full_queue(void **state)
{
    (void)state;
    struct bench x;
    struct sim_link_info info;

    begin(&x, &(struct sim_link_model){
                  .delay_ns = 10 * CJD_MS, .rate_bps = 100000, .queue_ns = 50 * CJD_MS});
    warm_up(&x);
    for (uint32_t i = 0; i < 60; i++) {
        sim_ping(x.sim, x.a, x.b, 1, i);
    }
    run_for(&x, 5 * CJD_S);
    sim_link_at(x.sim, x.link, &info);
    assert_true(info.overflow > 30);
    assert_true(x.count >= 5 && x.count <= 60 - 30);
    assert_int_equal(info.lost, 0);
    sim_free(x.sim);
}

/* Jitter reorders; the delay of the link itself is told without it. */
static void jitter(void **state)
{
    (void)state;
    struct bench x;
    unsigned out_of_order = 0;

    begin(&x, &(struct sim_link_model){.delay_ns = 10 * CJD_MS, .jitter_ns = 20 * CJD_MS});
    warm_up(&x);
    uint64_t sent = sim_now(x.sim);
    for (uint32_t i = 0; i < 40; i++) {
        sim_ping(x.sim, x.a, x.b, 1, i);
    }
    run_for(&x, CJD_S);
    assert_int_equal(x.count, 40);
    for (unsigned i = 0; i < 40; i++) {
        uint64_t took = x.at_ns[i] - sent;
        assert_true(took >= 20 * CJD_MS && took <= 60 * CJD_MS);
        assert_int_equal(x.echo[i].delay_ns, 10 * CJD_MS);
        out_of_order += i > 0 && x.echo[i].sequence < x.echo[i - 1].sequence;
    }
    assert_true(out_of_order > 5);
    sim_free(x.sim);
}

static void partition(void **state)
{
    (void)state;
    struct bench x;
    struct sim_link_info info;

    begin(&x, &(struct sim_link_model){.delay_ns = 10 * CJD_MS});
    warm_up(&x);
    sim_partition(x.sim, 2, true); /* both on the same side */
    sim_ping(x.sim, x.a, x.b, 1, 0);
    run_for(&x, CJD_S);
    assert_int_equal(x.count, 1);
    sim_partition(x.sim, 1, true);
    sim_link_at(x.sim, x.link, &info);
    assert_true(info.is_cut);
    sim_ping(x.sim, x.a, x.b, 1, 1);
    run_for(&x, 3 * CJD_S);
    assert_int_equal(x.count, 1);
    sim_partition(x.sim, 1, false);
    run_for(&x, 10 * CJD_S);
    x.count = 0;
    sim_ping(x.sim, x.a, x.b, 1, 2);
    run_for(&x, 3 * CJD_S);
    assert_int_equal(x.count, 1);
    assert_int_equal(x.echo[0].sequence, 2);
    sim_free(x.sim);
}

/* A node that stops gives back all it had; started again, it is found again. */
static void stop_and_start(void **state)
{
    (void)state;
    struct bench x;

    begin(&x, &(struct sim_link_model){.delay_ns = 10 * CJD_MS});
    warm_up(&x);
    assert_true(sim_heap_bytes(x.sim, x.b) > 10000);
    sim_stop(x.sim, x.b);
    assert_false(sim_is_up(x.sim, x.b));
    assert_null(sim_node(x.sim, x.b));
    assert_int_equal(sim_heap_bytes(x.sim, x.b), 0);
    sim_ping(x.sim, x.a, x.b, 1, 0);
    run_for(&x, 5 * CJD_S);
    assert_int_equal(x.count, 0);
    sim_start(x.sim, x.b);
    run_for(&x, 10 * CJD_S);
    x.count = 0;
    sim_ping(x.sim, x.a, x.b, 1, 1);
    run_for(&x, 5 * CJD_S);
    assert_int_equal(x.count, 1);
    sim_free(x.sim);
}

struct machine {
    struct sim *sim;
    unsigned packets;
};

static void take_packets(void *ctx, uint32_t node, struct cjd_vec *vec)
{
    struct machine *m = ctx;

    (void)node;
    m->packets += vec->n;
    cjd_pool_give_vec(sim_pool(m->sim), vec);
}

/* A machine of one's own gets what the built-in one would have answered. */
static void own_machine(void **state)
{
    (void)state;
    struct bench x;

    begin(&x, &(struct sim_link_model){.delay_ns = 10 * CJD_MS});
    warm_up(&x);
    struct machine m = {.sim = x.sim};
    sim_set_machine(x.sim, x.b, take_packets, &m);
    sim_ping(x.sim, x.a, x.b, 1, 0);
    run_for(&x, CJD_S);
    assert_int_equal(m.packets, 1);
    assert_int_equal(x.count, 0);
    sim_free(x.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delay),          cmocka_unit_test(loss),
        cmocka_unit_test(rate),           cmocka_unit_test(full_queue),
        cmocka_unit_test(jitter),         cmocka_unit_test(partition),
        cmocka_unit_test(stop_and_start), cmocka_unit_test(own_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
