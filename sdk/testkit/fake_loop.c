#include <fake_host.h>

#include <poll.h>
#include <string.h>

#define TIMER_MAGIC 0x636a645f74696d65ull

/* What the opaque words of a timer hold here. */
struct fake_timer {
    uint64_t magic;
    cjd_task_fn fn;
    void *arg;
    uint64_t due_ns;
    struct fake_timer *next;
    bool is_armed;
};

_Static_assert(sizeof(struct fake_timer) <= sizeof(struct cjd_plugin_timer), "fits");

static struct fake_timer *timer_of(struct cjd_plugin_timer *timer)
{
    struct fake_timer *t = (void *)timer->opaque;

    if (t->magic != TIMER_MAGIC) {
        cjd_fake_misuse("a timer was used before timer_init");
    }
    return t;
}

static void timer_init(const struct cjd_host *host, struct cjd_plugin_timer *timer, cjd_task_fn fn,
                       void *arg)
{
    (void)host;
    struct fake_timer *t = (void *)timer->opaque;
    *t = (struct fake_timer){.magic = TIMER_MAGIC, .fn = fn, .arg = arg};
}

static void timer_take_out(struct cjd_fake_host *fake, struct fake_timer *t)
{
    struct fake_timer **at = (struct fake_timer **)&fake->timers;

    while (*at && *at != t) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = t->next;
    }
    t->is_armed = false;
}

static void timer_cancel(const struct cjd_host *host, struct cjd_plugin_timer *timer)
{
    timer_take_out(cjd_fake_of(host), timer_of(timer));
}

static void timer_arm(const struct cjd_host *host, struct cjd_plugin_timer *timer,
                      uint64_t delay_ns)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);
    struct fake_timer *t = timer_of(timer);
    struct fake_timer **at = (struct fake_timer **)&fake->timers;

    timer_take_out(fake, t);
    t->due_ns = fake->now_ns + delay_ns;
    t->is_armed = true;
    while (*at && (*at)->due_ns <= t->due_ns) {
        at = &(*at)->next;
    }
    t->next = *at;
    *at = t;
}

static int task_add(const struct cjd_host *host, cjd_task_fn fn, void *arg)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    if (fake->task_count >= CJD_FAKE_TASKS) {
        cjd_fake_misuse("more than %u tasks are waiting", CJD_FAKE_TASKS);
    }
    fake->tasks[fake->task_count++] = (struct cjd_fake_task){.fn = fn, .arg = arg};
    return 0;
}

static int task_post(const struct cjd_host *host, uint32_t worker, cjd_task_fn fn, void *arg)
{
    return worker == 0 ? task_add(host, fn, arg) : CJD_ERR_INVALID;
}

static int fd_watch(const struct cjd_host *host, struct cjd_fd_watch **out, int fd, uint32_t events,
                    cjd_fd_fn fn, void *arg)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    for (size_t i = 0; i < CJD_FAKE_WATCHES; i++) {
        struct cjd_fake_watch *w = &fake->watches[i];
        if (!w->is_used) {
            *w = (struct cjd_fake_watch){
                .is_used = true, .fd = fd, .events = events, .fn = fn, .arg = arg};
            *out = (struct cjd_fd_watch *)w;
            return 0;
        }
    }
    cjd_fake_misuse("more than %u descriptors are watched", CJD_FAKE_WATCHES);
}

static void fd_unwatch(const struct cjd_host *host, struct cjd_fd_watch *watch)
{
    struct cjd_fake_watch *w = (struct cjd_fake_watch *)watch;

    (void)host;
    if (w && !w->is_used) {
        cjd_fake_misuse("a descriptor was unwatched twice");
    }
    if (w) {
        w->is_used = false;
    }
}

const struct cjd_loop_service cjd_fake_loop_service = {.size = sizeof cjd_fake_loop_service,
                                                       .version = 1,
                                                       .fd_watch = fd_watch,
                                                       .fd_unwatch = fd_unwatch,
                                                       .timer_init = timer_init,
                                                       .timer_arm = timer_arm,
                                                       .timer_cancel = timer_cancel,
                                                       .defer = task_add,
                                                       .post = task_post};

void cjd_fake_run(struct cjd_fake_host *fake)
{
    while (fake->task_count > 0) {
        struct cjd_fake_task task = fake->tasks[0];
        fake->task_count--;
        memmove(fake->tasks, fake->tasks + 1, fake->task_count * sizeof task);
        task.fn(task.arg);
    }
}

void cjd_fake_advance(struct cjd_fake_host *fake, uint64_t ns)
{
    uint64_t end_ns = fake->now_ns + ns;

    cjd_fake_run(fake);
    for (;;) {
        struct fake_timer *t = fake->timers;
        if (!t || t->due_ns > end_ns) {
            break;
        }
        timer_take_out(fake, t);
        fake->now_ns = t->due_ns;
        t->fn(t->arg);
        cjd_fake_run(fake);
    }
    fake->now_ns = end_ns;
}

uint64_t cjd_fake_next_timer(const struct cjd_fake_host *fake)
{
    const struct fake_timer *t = fake->timers;
    return t ? t->due_ns - fake->now_ns : UINT64_MAX;
}

unsigned cjd_fake_armed(const struct cjd_fake_host *fake)
{
    unsigned n = 0;

    for (const struct fake_timer *t = fake->timers; t; t = t->next) {
        n++;
    }
    return n;
}

unsigned cjd_fake_watched(const struct cjd_fake_host *fake)
{
    unsigned n = 0;

    for (size_t i = 0; i < CJD_FAKE_WATCHES; i++) {
        n += fake->watches[i].is_used;
    }
    return n;
}

static short poll_events(uint32_t events)
{
    return (short)((events & CJD_FD_READ ? POLLIN : 0) | (events & CJD_FD_WRITE ? POLLOUT : 0));
}

/* As libevent does: an error or a hang-up counts as whatever was asked for. */
static uint32_t fake_events(short revents, uint32_t asked)
{
    if (revents & (POLLERR | POLLHUP | POLLNVAL)) {
        return asked;
    }
    return (revents & POLLIN ? CJD_FD_READ : 0) | (revents & POLLOUT ? CJD_FD_WRITE : 0);
}

unsigned cjd_fake_poll(struct cjd_fake_host *fake, int timeout_ms)
{
    struct pollfd fds[CJD_FAKE_WATCHES];
    unsigned ran = 0;

    for (size_t i = 0; i < CJD_FAKE_WATCHES; i++) {
        struct cjd_fake_watch *w = &fake->watches[i];
        fds[i] = (struct pollfd){.fd = w->is_used ? w->fd : -1, .events = poll_events(w->events)};
    }
    if (poll(fds, CJD_FAKE_WATCHES, timeout_ms) > 0) {
        for (size_t i = 0; i < CJD_FAKE_WATCHES; i++) {
            struct cjd_fake_watch *w = &fake->watches[i];
            if (w->is_used && fds[i].fd == w->fd && fds[i].revents != 0) {
                w->fn(w->arg, w->fd, fake_events(fds[i].revents, w->events));
                ran++;
            }
        }
    }
    cjd_fake_run(fake);
    return ran;
}
