/* Nodes that sleep, stop, move and lose links, in networks of real nodes under a virtual clock: how
 * soon traffic is back. */
#include <testlib/net.h>

#define DELAY (5 * CJD_MS)

static void assert_within(uint64_t took, uint64_t limit, const char *what)
{
    print_message("%s: %d ms\n", what, took == CJD_NEVER ? -1 : (int)(took / CJD_MS));
    assert_true(took <= limit);
}

/* --- sleep ------------------------------------------------------------------------------------ */

/* A chain 0 – 1 – 2 in use; node `who` is away for so long. */
static void away(unsigned who, uint64_t for_ns, enum net_pause how, bool has_noticed,
                 const char *what)
{
    for (uint64_t seed = 1; seed < 6; seed++) {
        struct net *net = net_new(3, seed);
        net_chain(net, 3, DELAY);
        assert_true(net_ping_all(net, 3, 5 * CJD_S) != CJD_NEVER);
        net_run(net, 20 * CJD_S);
        net_pause(net, who);
        net_run(net, for_ns);
        net_resume(net, who, how, has_noticed);
        assert_within(net_ping_all(net, 3, 10 * CJD_S), 3 * CJD_S, what);
        assert_within(net_ping_all(net, 3, 10 * CJD_S), 500 * CJD_MS, "and again");
        net_free(net);
    }
}

static void asleep_for_ten_minutes(void **state)
{
    (void)state;
    away(0, 600 * CJD_S, NET_ASLEEP, true, "caller asleep");
    away(1, 600 * CJD_S, NET_ASLEEP, true, "middle asleep");
    away(2, 600 * CJD_S, NET_ASLEEP, true, "called asleep");
}

static void stopped_for_ten_minutes(void **state)
{
    (void)state;
    away(0, 600 * CJD_S, NET_STOPPED, true, "caller stopped");
    away(1, 600 * CJD_S, NET_STOPPED, true, "middle stopped");
    away(2, 600 * CJD_S, NET_STOPPED, true, "called stopped");
}

/* Some neighbours forget after 20 s, others after minutes: at each age. */
static void asleep_for_any_time(void **state)
{
    (void)state;
    static const unsigned seconds[] = {1, 5, 15, 40, 90, 130, 200, 270};

    for (unsigned i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        print_message("%u s\n", seconds[i]);
        away(i % 3, seconds[i] * CJD_S, i % 2 ? NET_ASLEEP : NET_STOPPED, true, "away");
    }
}

/* --- moving ----------------------------------------------------------------------------------- */

static void moved(unsigned who, bool has_noticed, uint64_t limit, const char *what)
{
    for (uint64_t seed = 11; seed < 16; seed++) {
        struct net *net = net_new(3, seed);
        net_chain(net, 3, DELAY);
        assert_true(net_ping_all(net, 3, 5 * CJD_S) != CJD_NEVER);
        net_run(net, 20 * CJD_S);
        for (unsigned times = 0; times < 3; times++) {
            net_move(net, who, has_noticed);
            assert_within(net_ping_all(net, 3, 10 * CJD_S), limit, what);
            net_run(net, (times + 1) * CJD_S);
        }
        net_free(net);
    }
}

static void new_address(void **state)
{
    (void)state;
    moved(0, true, CJD_S, "caller moved");
    moved(0, false, CJD_S, "caller moved without a word");
    moved(2, true, CJD_S, "called moved");
    moved(1, true, CJD_S, "middle moved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asleep_for_ten_minutes),
        cmocka_unit_test(stopped_for_ten_minutes),
        cmocka_unit_test(asleep_for_any_time),
        cmocka_unit_test(new_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
