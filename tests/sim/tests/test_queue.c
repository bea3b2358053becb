/* Events in order of time, equal times in order of arrival; wakes against a plain search. */
#include <testlib/testlib.h>

#include <base/time.h>
#include <sim/queue.h>
#include <sim/random.h>
#include <sim/statistics.h>

static void events(void **state)
{
    (void)state;
    struct sim_events q = {0};
    struct sim_random r;
    struct sim_event e = {0};
    uint64_t last = 0;
    uint64_t last_order = 0;

    sim_random_init(&r, 1, 1);
    for (uint32_t round = 0; round < 5000; round++) {
        struct sim_event in = {.at_ns = last + sim_random_below(&r, 50), .number = round};
        sim_events_push(&q, &in);
        if (sim_random_below(&r, 3) == 0) {
            assert_ptr_not_equal(sim_events_first(&q), NULL);
            assert_true(sim_events_pop(&q, &e));
            assert_true(e.at_ns >= last);
            assert_true(e.at_ns > last || e.order > last_order || last == 0);
            last = e.at_ns;
            last_order = e.order;
        }
    }
    while (sim_events_pop(&q, &e)) {
        assert_true(e.at_ns > last || (e.at_ns == last && e.order > last_order));
        last = e.at_ns;
        last_order = e.order;
    }
    assert_null(sim_events_first(&q));
    assert_int_equal(q.ever, 5000);
    sim_events_fini(&q);
}

static void wakes(void **state)
{
    (void)state;
    struct sim_wakes w = {0};
    struct sim_random r;
    uint64_t at[100];
    uint32_t node = 0;

    sim_random_init(&r, 2, 1);
    assert_true(sim_wakes_first(&w, &node) == CJD_NEVER);
    for (uint32_t i = 0; i < 100; i++) {
        sim_wakes_add(&w);
        at[i] = CJD_NEVER;
    }
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t i = sim_random_below(&r, 100);
        at[i] = sim_random_below(&r, 10) == 0 ? CJD_NEVER : sim_random_below(&r, 1000);
        sim_wakes_set(&w, i, at[i]);
        uint32_t least = 0;
        for (uint32_t k = 1; k < 100; k++) {
            least = at[k] < at[least] ? k : least;
        }
        assert_true(sim_wakes_first(&w, &node) == at[least]);
        assert_int_equal(node, least);
    }
    sim_wakes_fini(&w);
}

static void samples(void **state)
{
    (void)state;
    struct sim_samples s = {0};

    assert_true(sim_samples_percentile(&s, 50) == 0 && sim_samples_mean(&s) == 0);
    for (int i = 100; i >= 1; i--) {
        sim_samples_add(&s, i);
    }
    assert_true(sim_samples_percentile(&s, 50) == 50);
    assert_true(sim_samples_percentile(&s, 95) == 95);
    assert_true(sim_samples_percentile(&s, 100) == 100);
    assert_true(sim_samples_percentile(&s, 0) == 1);
    assert_true(sim_samples_mean(&s) == 50.5);
    sim_samples_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events),
        cmocka_unit_test(wakes),
        cmocka_unit_test(samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
