/* The loop without a node: order, bounds, taking back, threads. */
#include <testlib/testlib.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <runtime/owner.h>
#include <runtime/runtime.h>

#define WAIT (20 * CJD_S)

struct bed {
    struct cjd_runtime *rt;
    struct cjd_pool *pool;
    struct cjd_owner owner;
    unsigned count;
    int last_signal;
    struct cjd_timer beat;
};

static void on_signal(void *ctx, int number)
{
    struct bed *bed = ctx;
    bed->last_signal = number;
}

/* Keeps a wait for something that never comes from being endless. */
static void on_beat(void *arg, uint64_t now_ns)
{
    struct bed *bed = arg;
    cjd_timer_arm(cjd_runtime_timers(bed->rt), &bed->beat, now_ns + CJD_S);
}

static int open_bed(void **state)
{
    struct bed *bed = calloc(1, sizeof *bed);

    assert_non_null(bed);
    bed->pool = cjd_pool_new(16, 2);
    assert_non_null(bed->pool);
    struct cjd_runtime_config config = {.pool = bed->pool, .signal = on_signal, .ctx = bed};
    assert_int_equal(cjd_runtime_new(&bed->rt, &config), 0);
    cjd_owner_init(&bed->owner, bed->rt, (struct cjd_log){.module = "test"});
    cjd_timer_init(&bed->beat, on_beat, bed);
    on_beat(bed, cjd_clock_now());
    *state = bed;
    return 0;
}

static int close_bed(void **state)
{
    struct bed *bed = *state;

    cjd_owner_undo(&bed->owner);
    cjd_runtime_free(bed->rt);
    cjd_pool_free(bed->pool);
    free(bed);
    return 0;
}

static void turn_until(struct bed *bed, const unsigned *value, unsigned wanted)
{
    uint64_t until = cjd_clock_now() + WAIT;

    while (*value < wanted) {
        assert_true(cjd_clock_now() < until);
        assert_int_equal(cjd_runtime_turn(bed->rt, true), 0);
    }
}

static void count(void *arg)
{
    struct bed *bed = arg;
    bed->count++;
}

/* --- tasks --------------------------------------------------------------------------------------
 */

static void defer_again(void *arg)
{
    struct bed *bed = arg;

    bed->count++;
    assert_int_equal(cjd_owner_defer(&bed->owner, defer_again, bed), 0);
}

static void tasks_wait_for_the_next_turn(void **state)
{
    struct bed *bed = *state;

    assert_int_equal(cjd_owner_defer(&bed->owner, defer_again, bed), 0);
    assert_int_equal(bed->count, 0);
    for (unsigned i = 1; i < 10; i++) {
        assert_int_equal(cjd_runtime_turn(bed->rt, true), 0);
        assert_int_equal(bed->count, i);
    }
    cjd_owner_undo(&bed->owner);
    assert_int_equal(cjd_runtime_turn(bed->rt, false), 0);
    assert_int_equal(bed->count, 9);
}

static void quit_from_task(void *arg)
{
    struct bed *bed = arg;
    cjd_runtime_quit(bed->rt);
}

static void run_ends_with_quit(void **state)
{
    struct bed *bed = *state;

    assert_int_equal(cjd_owner_defer(&bed->owner, quit_from_task, bed), 0);
    assert_int_equal(cjd_runtime_run(bed->rt), 0);
}

#define THREADS 4
#define POSTS   500

static void poster(void *arg)
{
    struct bed *bed = arg;

    for (unsigned i = 0; i < POSTS; i++) {
        if (cjd_owner_post(&bed->owner, count, bed) != 0) {
            return;
        }
    }
}

static void threads_post(void **state)
{
    struct bed *bed = *state;

    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(cjd_owner_spawn(&bed->owner, poster, bed), 0);
    }
    turn_until(bed, &bed->count, THREADS * POSTS);
    assert_int_equal(cjd_owner_join(&bed->owner), 0);
    assert_int_equal(cjd_owner_undo(&bed->owner).threads, 0);
}

static void sleeper(void *arg)
{
    pthread_mutex_lock(arg);
    pthread_mutex_unlock(arg);
}

/* A thread that does not end is named, not waited for without end. */
static void stuck_thread_is_named(void **state)
{
    struct bed *bed = *state;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&gate);
    assert_int_equal(cjd_owner_spawn(&bed->owner, sleeper, &gate), 0);
    assert_int_equal(cjd_owner_join(&bed->owner), 1);
    assert_int_equal(cjd_owner_undo(&bed->owner).threads, 1);
    pthread_mutex_unlock(&gate);
    assert_int_equal(cjd_owner_join(&bed->owner), 0);
}

/* --- timers -------------------------------------------------------------------------------------
 */

struct order {
    struct bed *bed;
    unsigned wanted;
    struct cjd_plugin_timer timer;
};

static void in_order(void *arg)
{
    struct order *o = arg;

    assert_int_equal(o->bed->count, o->wanted);
    o->bed->count++;
}

static void timers_run_in_order(void **state)
{
    struct bed *bed = *state;
    struct order o[8];

    for (unsigned i = 0; i < 8; i++) {
        o[i] = (struct order){.bed = bed, .wanted = i};
        cjd_owner_timer_init(&bed->owner, &o[i].timer, in_order, &o[i]);
    }
    for (unsigned i = 8; i-- > 0;) {
        /* Far enough apart for a slow machine, which arms them at different times. */
        cjd_owner_timer_arm(&bed->owner, &o[i].timer, (i + 1) * 30 * CJD_MS);
    }
    turn_until(bed, &bed->count, 8);
    assert_int_equal(cjd_owner_undo(&bed->owner).timers, 0);
}

static void timers_are_taken_back(void **state)
{
    struct bed *bed = *state;
    struct cjd_plugin_timer timer[3];

    for (unsigned i = 0; i < 3; i++) {
        cjd_owner_timer_init(&bed->owner, &timer[i], count, bed);
        cjd_owner_timer_arm(&bed->owner, &timer[i], i == 0 ? UINT64_MAX : 0);
    }
    cjd_owner_timer_cancel(&bed->owner, &timer[1]);
    assert_int_equal(cjd_owner_undo(&bed->owner).timers, 2);
    assert_int_equal(cjd_owner_undo(&bed->owner).timers, 0);
    assert_int_equal(cjd_runtime_turn(bed->rt, false), 0);
    assert_int_equal(bed->count, 0);
}

/* --- news of the machine ------------------------------------------------------------------------
 */

/* The process was stopped for some seconds, so its timers are late: whoever watches is told, once.
 */
static void told_of_a_stop(void **state)
{
    struct bed *bed = *state;
    struct cjd_owner other;
    struct cjd_plugin_timer timer;
    unsigned others = 0;

    assert_int_equal(cjd_owner_netif_watch(&bed->owner, NULL, bed), CJD_ERR_INVALID);
    assert_int_equal(cjd_owner_netif_watch(&bed->owner, count, bed), 0);
    assert_int_equal(cjd_owner_netif_watch(&bed->owner, count, bed), CJD_ERR_EXISTS);
    cjd_owner_init(&other, bed->rt, (struct cjd_log){.module = "other"});
    assert_int_equal(cjd_owner_netif_watch(&other, count, &others), 0);
    cjd_owner_undo(&other);
    cjd_owner_timer_init(&bed->owner, &timer, count, bed);
    cjd_owner_timer_arm(&bed->owner, &timer, CJD_MS);
    assert_int_equal(cjd_runtime_turn(bed->rt, false), 0);
    usleep(3100 * 1000);
    assert_int_equal(cjd_runtime_turn(bed->rt, true), 0);
    assert_int_equal(bed->count, 1); /* the timer itself */
    turn_until(bed, &bed->count, 2);
    assert_int_equal(cjd_runtime_turn(bed->rt, true), 0);
    assert_int_equal(bed->count, 2);
    assert_int_equal(others, 0);
    cjd_owner_undo(&bed->owner);
    assert_int_equal(cjd_owner_netif_watch(&bed->owner, count, bed), 0);
}

/* --- descriptors --------------------------------------------------------------------------------
 */

static void on_write(void *arg, int fd, uint32_t events)
{
    struct bed *bed = arg;

    assert_int_equal(events, CJD_FD_WRITE);
    assert_true(fd >= 0);
    bed->count++;
}

static void descriptors(void **state)
{
    struct bed *bed = *state;
    struct cjd_fd_watch *w[2];
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(cjd_owner_watch(&bed->owner, &w[0], -1, CJD_FD_READ, on_write, bed),
                     CJD_ERR_INVALID);
    assert_int_equal(cjd_owner_watch(&bed->owner, &w[0], fds[1], 0, on_write, bed),
                     CJD_ERR_INVALID);
    assert_int_equal(cjd_owner_watch(&bed->owner, &w[0], fds[1], CJD_FD_WRITE, on_write, bed), 0);
    assert_int_equal(cjd_owner_watch(&bed->owner, &w[1], fds[0], CJD_FD_READ, on_write, bed), 0);
    turn_until(bed, &bed->count, 3); /* level-triggered */
    cjd_owner_unwatch(&bed->owner, w[0]);
    cjd_owner_unwatch(&bed->owner, NULL);
    assert_int_equal(cjd_owner_undo(&bed->owner).watches, 1);
    close(fds[0]);
    close(fds[1]);
}

/* --- packets ------------------------------------------------------------------------------------
 */

static void packets_are_counted(void **state)
{
    struct bed *bed = *state;
    CJD_VEC_LOCAL(vec, 32);

    assert_int_equal(cjd_owner_packets(&bed->owner, &vec, 32, 100), 16); /* all there are */
    assert_int_equal(cjd_owner_undo(&bed->owner).packets, 16);
    cjd_owner_packets_free(&bed->owner, &vec);
    assert_int_equal(cjd_owner_undo(&bed->owner).packets, 0);
    assert_int_equal(cjd_owner_packets(&bed->owner, &vec, 1, CJD_PKT_LARGE + 1), 0);
}

/* --- resolver -----------------------------------------------------------------------------------
 */

static void on_answer(void *arg, const struct cjd_resolve_answer *a)
{
    struct bed *bed = arg;

    assert_int_equal(a->err, 0);
    assert_int_equal(a->count, 1);
    bed->count++;
}

static void names(void **state)
{
    struct bed *bed = *state;
    struct cjd_resolve_request *q;
    char long_name[300];

    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(cjd_owner_resolve(&bed->owner, &q, long_name, 0, on_answer, bed),
                     CJD_ERR_INVALID);
    assert_int_equal(cjd_owner_resolve(&bed->owner, &q, "::1", 5, on_answer, bed), CJD_ERR_INVALID);
    assert_int_equal(cjd_owner_resolve(&bed->owner, &q, "::1", 0, on_answer, bed), 0);
    assert_int_equal(bed->count, 0); /* only from the loop */
    turn_until(bed, &bed->count, 1);
    assert_int_equal(cjd_owner_resolve(&bed->owner, &q, "nobody.invalid", 4, on_answer, bed), 0);
    assert_int_equal(cjd_owner_resolve(&bed->owner, &q, "127.0.0.1", 4, on_answer, bed), 0);
    assert_int_equal(cjd_owner_undo(&bed->owner).requests, 2);
    assert_int_equal(cjd_runtime_turn(bed->rt, false), 0);
    assert_int_equal(bed->count, 1);
}

/* --- rest ---------------------------------------------------------------------------------------
 */

static void signals_arrive(void **state)
{
    struct bed *bed = *state;
    static const int wanted[] = {SIGHUP, SIGUSR1, SIGTERM};

    for (size_t i = 0; i < 3; i++) {
        kill(getpid(), wanted[i]);
        uint64_t until = cjd_clock_now() + WAIT;
        while (bed->last_signal != wanted[i]) {
            assert_true(cjd_clock_now() < until);
            assert_int_equal(cjd_runtime_turn(bed->rt, true), 0);
        }
    }
}

static void without_node_nothing_works_on_it(void **state)
{
    struct bed *bed = *state;
    struct cjd_addr addr;
    struct cjd_link_ops ops = {.size = sizeof ops};
    uint32_t id;
    CJD_VEC_LOCAL(vec, 1);

    assert_int_equal(cjd_owner_link_up(&bed->owner, "x", &ops, bed, &id), CJD_ERR_STATE);
    assert_int_equal(cjd_owner_peer_remove(&bed->owner, 1), CJD_ERR_STATE);
    assert_int_equal(cjd_owner_type_register(&bed->owner, 300, 300, NULL, bed), CJD_ERR_INVALID);
    cjd_owner_own_addr(&bed->owner, &addr);
    assert_int_equal(addr.b[0], 0);
    assert_int_equal(cjd_owner_packets(&bed->owner, &vec, 1, 100), 1);
    cjd_owner_inject(&bed->owner, &vec);
    assert_int_equal(cjd_owner_packets(&bed->owner, &vec, 1, 100), 1);
    assert_int_equal(cjd_owner_send(&bed->owner, &addr, 300, &vec, 0), CJD_ERR_STATE);
    assert_int_equal(cjd_pool_in_use(bed->pool), 0);
    /* Late wakes of links that are gone, and numbers that never were. */
    cjd_owner_queue_wake(&bed->owner, 5, 0);
    cjd_owner_queue_wake(&bed->owner, 5000, 0);
    cjd_owner_queue_wake(&bed->owner, 5, 5000);
    assert_int_equal(cjd_runtime_turn(bed->rt, true), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tasks_wait_for_the_next_turn),
        TEST(run_ends_with_quit),
        TEST(threads_post),
        TEST(stuck_thread_is_named),
        TEST(timers_run_in_order),
        TEST(timers_are_taken_back),
        TEST(told_of_a_stop),
        TEST(descriptors),
        TEST(packets_are_counted),
        TEST(names),
        TEST(signals_arrive),
        TEST(without_node_nothing_works_on_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
