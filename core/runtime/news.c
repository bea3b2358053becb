/*
 * News of the machine: its network changed, or it slept. The node hears of each and keeps calm by
 * itself; plugins hear of those that come together once.
 *
 * Two descriptors: rtnetlink, and a clock whose only use is that it ends the wait when the machine
 * wakes up. Timer: `timer`, telling the plugins.
 */
#include <runtime/owner.h>

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <runtime/private.h>

static void tell_plugins(void *arg, uint64_t now_ns)
{
    struct cjd_runtime *rt = arg;
    struct news *news = &rt->news;

    cjd_calm_acted(&news->calm, now_ns);
    for (unsigned i = 0; i < NEWS_WATCHERS; i++) {
        struct news_watcher w = news->watcher[i];
        if (w.owner) {
            w.fn(w.arg);
        }
    }
}

static void spread(struct cjd_runtime *rt, bool was_asleep)
{
    struct news *news = &rt->news;
    uint64_t now_ns = cjd_runtime_now(rt);

    cjd_log_limited(&rt->log, &news->limit, now_ns, CJD_LOG_DEBUG,
                    "%s: neighbours are asked whether they are still there",
                    was_asleep ? "this node was asleep" : "addresses, routes or devices changed");
    if (rt->node) {
        cjd_bridge_enter(rt);
        cjd_node_wake(rt->node, was_asleep, now_ns);
        cjd_bridge_leave(rt);
    }
    if (!news->timer.is_armed) {
        cjd_timer_arm(&rt->timers, &news->timer, cjd_calm_at(&news->calm, now_ns));
    }
}

static void on_netlink(evutil_socket_t fd, short what, void *arg)
{
    struct cjd_runtime *rt = arg;

    (void)what;
    if (cjd_netnews_read(&rt->news.netnews, fd)) {
        spread(rt, false);
    }
}

/* The clock was set, which it also is after a sleep. cjd_news_look() finds out. */
static void on_clock(evutil_socket_t fd, short what, void *arg)
{
    uint64_t ticks;

    (void)what;
    (void)arg;
    while (read(fd, &ticks, sizeof ticks) < 0 && errno == EINTR) {
    }
}

static uint64_t since_boot(void)
{
    struct timespec ts;

    if (clock_gettime(CLOCK_BOOTTIME, &ts) != 0) {
        return 0;
    }
    return (uint64_t)ts.tv_sec * CJD_S + (uint64_t)ts.tv_nsec;
}

void cjd_news_look(struct cjd_runtime *rt, uint64_t due_ns)
{
    if (cjd_awake_look(&rt->news.awake, cjd_runtime_now(rt), since_boot(), due_ns)) {
        spread(rt, true);
    }
}

static int watch(struct cjd_runtime *rt, int fd, event_callback_fn fn, struct event **out)
{
    *out = event_new(rt->base, fd, EV_READ | EV_PERSIST, fn, rt);
    return *out && event_add(*out, NULL) == 0 ? 0 : CJD_ERR_NO_MEMORY;
}

/* Ends the wait when the clock is set; it never runs out. */
static int open_clock(void)
{
    struct itimerspec far = {.it_value = {.tv_sec = 0x7fffffff}};
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

    if (fd >= 0 &&
        timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* A system that offers neither works all the same: silence is noticed, only later. */
int cjd_news_open(struct cjd_runtime *rt)
{
    struct news *news = &rt->news;
    int err = 0;

    cjd_timer_init(&news->timer, tell_plugins, rt);
    news->netlink_fd = cjd_netnews_open();
    if (news->netlink_fd < 0) {
        cjd_log(&rt->log, CJD_LOG_WARN, "changes of the network are not noticed: %s",
                cjd_err_text(news->netlink_fd));
    } else {
        err = watch(rt, news->netlink_fd, on_netlink, &news->netlink);
    }
    news->clock_fd = open_clock();
    if (err == 0 && news->clock_fd >= 0) {
        err = watch(rt, news->clock_fd, on_clock, &news->clock);
    }
    return err;
}

static void close_watch(struct event *event, int fd)
{
    if (event) {
        event_free(event);
    }
    if (fd >= 0) {
        close(fd);
    }
}

void cjd_news_fini(struct cjd_runtime *rt)
{
    close_watch(rt->news.netlink, rt->news.netlink_fd);
    close_watch(rt->news.clock, rt->news.clock_fd);
}

int cjd_owner_netif_watch(struct cjd_owner *owner, cjd_task_fn fn, void *arg)
{
    struct news *news = &owner->rt->news;
    struct news_watcher *place = NULL;

    if (!fn) {
        return CJD_ERR_INVALID;
    }
    for (unsigned i = 0; i < NEWS_WATCHERS; i++) {
        if (news->watcher[i].owner == owner) {
            return CJD_ERR_EXISTS;
        }
        if (!news->watcher[i].owner && !place) {
            place = &news->watcher[i];
        }
    }
    if (!place) {
        return CJD_ERR_FULL;
    }
    *place = (struct news_watcher){owner, fn, arg};
    return 0;
}

void cjd_news_undo(struct cjd_owner *owner)
{
    for (unsigned i = 0; i < NEWS_WATCHERS; i++) {
        if (owner->rt->news.watcher[i].owner == owner) {
            owner->rt->news.watcher[i].owner = NULL;
        }
    }
}
