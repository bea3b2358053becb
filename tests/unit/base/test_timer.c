/* The timer heap against a model that searches a list. */
#include <testlib/testlib.h>

#include <base/timer.h>

#define TIMERS 48u
#define ROUNDS 30000u

/* What the heap should know, held as plainly as possible. */
struct model {
    bool is_armed[TIMERS];
    uint64_t at_ns[TIMERS];
    uint64_t order[TIMERS];
    uint64_t armed_count;
};

struct world {
    struct cjd_timers q;
    struct cjd_timer timer[TIMERS];
    struct model model;
    struct cjd_rng rng;
    struct test_rng rng_state;
    unsigned ran;
    bool is_wild; /* timers arm and cancel each other when they run */
};

struct slot {
    struct world *w;
    unsigned index;
};

/* Index of the timer that is due first; TIMERS: none. */
static unsigned model_first(const struct model *m)
{
    unsigned first = TIMERS;

    for (unsigned i = 0; i < TIMERS; i++) {
        if (!m->is_armed[i]) {
            continue;
        }
        if (first == TIMERS || m->at_ns[i] < m->at_ns[first] ||
            (m->at_ns[i] == m->at_ns[first] && m->order[i] < m->order[first])) {
            first = i;
        }
    }
    return first;
}

static void arm(struct world *w, unsigned i, uint64_t at_ns)
{
    cjd_timer_arm(&w->q, &w->timer[i], at_ns);
    w->model.is_armed[i] = true;
    w->model.at_ns[i] = at_ns;
    w->model.order[i] = w->model.armed_count++;
}

static void cancel(struct world *w, unsigned i)
{
    cjd_timer_cancel(&w->q, &w->timer[i]);
    w->model.is_armed[i] = false;
}

static void check_next(const struct world *w)
{
    unsigned first = model_first(&w->model);

    assert_int_equal(cjd_timers_next(&w->q), first == TIMERS ? CJD_NEVER : w->model.at_ns[first]);
    for (unsigned i = 0; i < TIMERS; i++) {
        assert_int_equal(w->timer[i].is_armed, w->model.is_armed[i]);
    }
}

static void on_timer(void *arg, uint64_t now_ns)
{
    struct slot *s = arg;
    struct world *w = s->w;

    /* It is the one the model would run, and it is no longer armed. */
    assert_int_equal(model_first(&w->model), s->index);
    assert_true(w->model.at_ns[s->index] <= now_ns);
    assert_false(w->timer[s->index].is_armed);
    w->model.is_armed[s->index] = false;
    w->ran++;
    if (!w->is_wild) {
        return;
    }
    switch (cjd_rng_below(&w->rng, 4)) {
    case 0: /* itself again, perhaps at once */
        arm(w, s->index, now_ns + cjd_rng_below(&w->rng, 50) * cjd_rng_below(&w->rng, 3));
        break;
    case 1: /* another, perhaps into the past */
        arm(w, cjd_rng_below(&w->rng, TIMERS), now_ns - 5 + cjd_rng_below(&w->rng, 100));
        break;
    case 2:
        cancel(w, cjd_rng_below(&w->rng, TIMERS));
        break;
    default:
        break;
    }
}

static void world_init(struct world *w, struct slot slots[TIMERS], uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->rng = test_rng_init(&w->rng_state, seed);
    for (unsigned i = 0; i < TIMERS; i++) {
        slots[i] = (struct slot){w, i};
        cjd_timer_init(&w->timer[i], on_timer, &slots[i]);
    }
}

static unsigned due_count(const struct model *m, uint64_t now_ns)
{
    unsigned due = 0;

    for (unsigned i = 0; i < TIMERS; i++) {
        due += m->is_armed[i] && m->at_ns[i] <= now_ns;
    }
    return due;
}

static void run(struct world *w, uint64_t now_ns, unsigned limit)
{
    unsigned due = due_count(&w->model, now_ns);

    w->ran = 0;
    unsigned ran = cjd_timers_run(&w->q, now_ns, limit);
    assert_int_equal(ran, w->ran);
    assert_true(ran <= limit);
    if (!w->is_wild) {
        assert_int_equal(ran, due < limit ? due : limit);
    }
    if (ran < limit) {
        assert_int_equal(due_count(&w->model, now_ns), 0);
    }
}

static void random_runs(uint64_t seed, bool is_wild)
{
    struct world w;
    struct slot slots[TIMERS];
    uint64_t now_ns = 1000;

    world_init(&w, slots, seed);
    w.is_wild = is_wild;
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned which = cjd_rng_below(&w.rng, TIMERS);
        switch (cjd_rng_below(&w.rng, 8)) {
        case 0:
        case 1:
        case 2:
        case 3: /* few different times, so that many are equal */
            arm(&w, which, now_ns + cjd_rng_below(&w.rng, 40));
            break;
        case 4:
        case 5:
            cancel(&w, which);
            break;
        default:
            now_ns += cjd_rng_below(&w.rng, 15);
            run(&w, now_ns, 1 + cjd_rng_below(&w.rng, 20));
            break;
        }
        check_next(&w);
    }
    w.is_wild = false;
    run(&w, now_ns + 1000, UINT32_MAX);
    assert_int_equal(cjd_timers_next(&w.q), CJD_NEVER);
}

static void against_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        random_runs(seed, false);
        random_runs(seed, true);
    }
}

static void equal_times_run_in_order(void **state)
{
    (void)state;
    struct world w;
    struct slot slots[TIMERS];

    world_init(&w, slots, 1);
    /* The callback checks that each is the model's first. */
    for (unsigned i = 0; i < TIMERS; i++) {
        arm(&w, (i * 7) % TIMERS, 5);
    }
    run(&w, 4, UINT32_MAX);
    assert_int_equal(w.ran, 0);
    run(&w, 5, UINT32_MAX);
    assert_int_equal(w.ran, TIMERS);
}

static void cancel_of_what_is_not_armed(void **state)
{
    (void)state;
    struct world w;
    struct slot slots[TIMERS];

    world_init(&w, slots, 1);
    cancel(&w, 0);
    arm(&w, 1, 10);
    cancel(&w, 0);
    cancel(&w, 1);
    cancel(&w, 1);
    check_next(&w);
    run(&w, 20, 5);
    assert_int_equal(w.ran, 0);
}

static void edges_of_time(void **state)
{
    (void)state;
    struct world w;
    struct slot slots[TIMERS];

    world_init(&w, slots, 1);
    arm(&w, 0, CJD_NEVER);
    arm(&w, 1, 0);
    check_next(&w);
    run(&w, 0, 10);
    assert_int_equal(w.ran, 1);
    run(&w, CJD_NEVER - 1, 10);
    assert_int_equal(w.ran, 0);
    run(&w, CJD_NEVER, 10);
    assert_int_equal(w.ran, 1);
}

static void arm_again(void *arg, uint64_t now_ns)
{
    struct world *w = arg;

    w->ran++;
    cjd_timer_arm(&w->q, &w->timer[0], now_ns);
}

/* A timer that arms itself for now does not keep the driver for ever. */
static void limit_bounds_a_busy_timer(void **state)
{
    (void)state;
    struct world w;
    struct slot slots[TIMERS];

    world_init(&w, slots, 1);
    cjd_timer_init(&w.timer[0], arm_again, &w);
    cjd_timer_arm(&w.q, &w.timer[0], 1);
    assert_int_equal(cjd_timers_run(&w.q, 1, 100), 100);
    assert_int_equal(w.ran, 100);
    assert_int_equal(cjd_timers_run(&w.q, 1, 0), 0);
    assert_int_equal(cjd_timers_next(&w.q), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_the_model),           cmocka_unit_test(equal_times_run_in_order),
        cmocka_unit_test(cancel_of_what_is_not_armed), cmocka_unit_test(edges_of_time),
        cmocka_unit_test(limit_bounds_a_busy_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
