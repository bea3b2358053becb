#include <runtime/runtime.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/dns.h>

#include <runtime/private.h>

uint64_t cjd_clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * CJD_S + (uint64_t)ts.tv_nsec;
}

uint64_t cjd_runtime_now(struct cjd_runtime *rt)
{
    if (!rt->is_in_turn) {
        return cjd_clock_now();
    }
    if (rt->now_ns == 0) {
        rt->now_ns = cjd_clock_now();
    }
    return rt->now_ns;
}

struct cjd_timers *cjd_runtime_timers(struct cjd_runtime *rt)
{
    return &rt->timers;
}

/* --- set-up -------------------------------------------------------------------------------------
 */

/* The turn itself does what is due; the event only ends the wait. */
static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct cjd_runtime *rt = arg;

    (void)fd;
    (void)what;
    rt->alarm_ns = CJD_NEVER;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;

    (void)what;
    (void)arg;
    if (read(fd, &count, sizeof count) < 0) {
        /* Nothing to take back: another turn did. */
        return;
    }
}

void cjd_runtime_wake(struct cjd_runtime *rt)
{
    uint64_t one = 1;

    if (write(rt->wake_fd, &one, sizeof one) < 0) {
        /* The counter is full: the loop is awake anyway. */
        return;
    }
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct cjd_runtime *rt = arg;
    struct signalfd_siginfo info;

    (void)what;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
        rt->config.signal(rt->config.ctx, (int)info.ssi_signo);
    }
}

static struct event *watch_fd(struct cjd_runtime *rt, int fd, event_callback_fn fn)
{
    struct event *ev = event_new(rt->base, fd, EV_READ | EV_PERSIST, fn, rt);

    if (ev && event_add(ev, NULL) != 0) {
        event_free(ev);
        ev = NULL;
    }
    return ev;
}

/* Signals are read from a descriptor: no handler runs, and threads made later never see them. */
static int open_signals(struct cjd_runtime *rt)
{
    sigset_t set;

    if (!rt->config.signal) {
        return 0;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) {
        return CJD_ERR_IO;
    }
    rt->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (rt->signal_fd < 0) {
        return cjd_err_from_errno(errno);
    }
    rt->signals = watch_fd(rt, rt->signal_fd, on_signal);
    return rt->signals ? 0 : CJD_ERR_NO_MEMORY;
}

/* libevent would write to stderr past the log; what matters comes back as errors. */
static void ignore_message(int severity, const char *message)
{
    (void)severity;
    (void)message;
}

static int open_loop(struct cjd_runtime *rt)
{
    event_set_log_callback(ignore_message);
    evdns_set_log_fn(ignore_message);
    rt->base = event_base_new();
    if (!rt->base) {
        return CJD_ERR_NO_MEMORY;
    }
    rt->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (rt->wake_fd < 0) {
        return cjd_err_from_errno(errno);
    }
    rt->alarm = evtimer_new(rt->base, on_alarm, rt);
    rt->wake = watch_fd(rt, rt->wake_fd, on_wake);
    if (!rt->alarm || !rt->wake) {
        return CJD_ERR_NO_MEMORY;
    }
    return open_signals(rt);
}

int cjd_runtime_new(struct cjd_runtime **out, const struct cjd_runtime_config *config)
{
    struct cjd_runtime *rt = calloc(1, sizeof *rt);
    int err;

    *out = NULL;
    if (!rt) {
        return CJD_ERR_NO_MEMORY;
    }
    rt->config = *config;
    rt->log = config->log;
    rt->pool = config->pool;
    rt->alarm_ns = CJD_NEVER;
    rt->wake_fd = rt->signal_fd = -1;
    rt->news.netlink_fd = rt->news.clock_fd = -1;
    rt->bridge.notes_last = &rt->bridge.notes;
    err = cjd_tasks_init(&rt->tasks);
    if (err < 0) {
        free(rt);
        return err;
    }
    err = open_loop(rt);
    if (err == 0) {
        err = cjd_resolver_new(&rt->resolver, rt);
    }
    if (err == 0) {
        err = cjd_news_open(rt);
    }
    if (err < 0) {
        cjd_runtime_free(rt);
        return err;
    }
    *out = rt;
    return 0;
}

static void free_event(struct event *ev)
{
    if (ev) {
        event_free(ev);
    }
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void cjd_runtime_free(struct cjd_runtime *rt)
{
    if (!rt) {
        return;
    }
    cjd_resolver_free(rt->resolver);
    cjd_bridge_fini(rt);
    cjd_tasks_fini(&rt->tasks);
    cjd_news_fini(rt);
    free_event(rt->alarm);
    free_event(rt->wake);
    free_event(rt->signals);
    close_fd(rt->wake_fd);
    close_fd(rt->signal_fd);
    if (rt->base) {
        event_base_free(rt->base);
    }
    free(rt);
}

struct cjd_node_ops cjd_runtime_node_ops(struct cjd_runtime *rt)
{
    return (struct cjd_node_ops){
        .link_tx = cjd_bindings_tx,
        .deliver = cjd_bridge_deliver,
        .content = cjd_bridge_content,
        .peer_event = cjd_peers_event,
        .addr_text = cjd_bindings_addr_text,
        .ctx = rt,
    };
}

void cjd_runtime_set_node(struct cjd_runtime *rt, struct cjd_node *node)
{
    rt->node = node;
}

/* --- the turn -----------------------------------------------------------------------------------
 */

static uint64_t next_deadline(const struct cjd_runtime *rt)
{
    uint64_t own = cjd_timers_next(&rt->timers);
    uint64_t node = rt->node ? cjd_node_next(rt->node) : CJD_NEVER;

    return own < node ? own : node;
}

/* Sets the alarm; false: something is due already. */
static bool set_alarm(struct cjd_runtime *rt)
{
    uint64_t at = next_deadline(rt);
    uint64_t now;

    if (at == rt->alarm_ns) {
        return true;
    }
    if (at == CJD_NEVER) {
        evtimer_del(rt->alarm);
        rt->alarm_ns = at;
        return true;
    }
    now = cjd_clock_now();
    if (at <= now) {
        return false;
    }
    /* Rounded up to what the kernel's wait can tell apart, so that the loop does not spin. */
    uint64_t us = (at - now + CJD_US - 1) / CJD_US;
    struct timeval tv = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    rt->alarm_ns = evtimer_add(rt->alarm, &tv) == 0 ? at : CJD_NEVER;
    return rt->alarm_ns == at;
}

static int wait_for_events(struct cjd_runtime *rt, bool may_wait)
{
    bool must_not =
        !set_alarm(rt) || !may_wait || cjd_tasks_pending(rt) || cjd_bindings_pending(rt);

    return event_base_loop(rt->base, EVLOOP_ONCE | (must_not ? EVLOOP_NONBLOCK : 0)) < 0
               ? CJD_ERR_IO
               : 0;
}

static void drive_node(struct cjd_runtime *rt)
{
    if (!rt->node) {
        return;
    }
    cjd_bridge_enter(rt);
    cjd_node_run(rt->node, cjd_runtime_now(rt));
    cjd_bridge_leave(rt);
}

static void flush_node(struct cjd_runtime *rt)
{
    if (rt->node) {
        cjd_bridge_enter(rt);
        cjd_node_flush(rt->node);
        cjd_bridge_leave(rt);
    }
    cjd_bindings_flush(rt);
}

/* The longest turn of this half minute and of the one before. */
static void note_turn(struct cjd_runtime *rt)
{
    uint64_t now = cjd_clock_now();
    uint64_t took = now - cjd_runtime_now(rt);

    rt->stats.turns++;
    rt->stats.busy_ns += took;
    if (now - rt->half_minute_ns >= 30 * CJD_S) {
        rt->half_minute_ns = now;
        rt->longest_before_ns = rt->stats.longest_turn_ns;
        rt->stats.longest_turn_ns = 0;
    }
    rt->stats.longest_turn_ns = took > rt->stats.longest_turn_ns ? took : rt->stats.longest_turn_ns;
}

void cjd_runtime_stats(const struct cjd_runtime *rt, struct cjd_runtime_stats *out)
{
    *out = rt->stats;
    if (out->longest_turn_ns < rt->longest_before_ns) {
        out->longest_turn_ns = rt->longest_before_ns;
    }
}

int cjd_runtime_addr_text(struct cjd_runtime *rt, uint32_t link, const struct cjd_linkaddr *addr,
                          char *out, size_t cap)
{
    return cjd_bindings_addr_text(rt, link, addr, out, cap);
}

int cjd_runtime_turn(struct cjd_runtime *rt, bool may_wait)
{
    uint64_t due;
    int err;

    rt->is_in_turn = true;
    rt->now_ns = 0;
    due = next_deadline(rt);
    err = wait_for_events(rt, may_wait);
    if (err == 0) {
        cjd_news_look(rt, due);
        cjd_bindings_rx(rt);
        cjd_timers_run(&rt->timers, cjd_runtime_now(rt), TIMERS_PER_TURN);
        drive_node(rt);
        cjd_tasks_run(rt);
        flush_node(rt);
        note_turn(rt);
    }
    rt->is_in_turn = false;
    return err;
}

int cjd_runtime_run(struct cjd_runtime *rt)
{
    int err = 0;

    while (err == 0 && !rt->is_quitting) {
        err = cjd_runtime_turn(rt, true);
    }
    return err;
}

void cjd_runtime_quit(struct cjd_runtime *rt)
{
    rt->is_quitting = true;
    cjd_runtime_wake(rt);
}
