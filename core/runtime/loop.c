/* Descriptors, timers, tasks and threads of owners. */
#include <runtime/owner.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <runtime/private.h>

/* How long a thread may take to end after its owner was told to stop. */
#define JOIN_SECONDS 5

/* --- descriptors --------------------------------------------------------------------------------
 */

struct cjd_fd_watch {
    struct cjd_fd_watch *next;
    struct cjd_fd_watch **link;
    struct event event;
    cjd_fd_fn fn;
    void *arg;
};

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
    struct cjd_fd_watch *w = arg;
    uint32_t events = (what & EV_READ ? CJD_FD_READ : 0) | (what & EV_WRITE ? CJD_FD_WRITE : 0);

    w->fn(w->arg, fd, events); /* may free w */
}

int cjd_owner_watch(struct cjd_owner *owner, struct cjd_fd_watch **out, int fd, uint32_t events,
                    cjd_fd_fn fn, void *arg)
{
    short what = EV_PERSIST;

    *out = NULL;
    if (fd < 0 || !fn || (events & (CJD_FD_READ | CJD_FD_WRITE)) == 0) {
        return CJD_ERR_INVALID;
    }
    struct cjd_fd_watch *w = calloc(1, sizeof *w);
    if (!w) {
        return CJD_ERR_NO_MEMORY;
    }
    what = (short)(what | (events & CJD_FD_READ ? EV_READ : 0));
    what = (short)(what | (events & CJD_FD_WRITE ? EV_WRITE : 0));
    w->fn = fn;
    w->arg = arg;
    if (event_assign(&w->event, owner->rt->base, fd, what, on_fd, w) != 0 ||
        event_add(&w->event, NULL) != 0) {
        free(w);
        return CJD_ERR_IO;
    }
    w->next = owner->watches;
    w->link = &owner->watches;
    if (w->next) {
        w->next->link = &w->next;
    }
    owner->watches = w;
    *out = w;
    return 0;
}

void cjd_owner_unwatch(struct cjd_owner *owner, struct cjd_fd_watch *w)
{
    (void)owner;
    if (!w) {
        return;
    }
    event_del(&w->event);
    *w->link = w->next;
    if (w->next) {
        w->next->link = w->link;
    }
    free(w);
}

uint32_t cjd_loop_undo_watches(struct cjd_owner *owner)
{
    uint32_t n = 0;

    for (struct cjd_fd_watch *w = owner->watches, *next; w; w = next) {
        next = w->next;
        cjd_owner_unwatch(owner, w);
        n++;
    }
    return n;
}

/* --- timers -------------------------------------------------------------------------------------
 */

/* What the storage of a struct cjd_plugin_timer holds. */
struct cjd_loop_timer {
    struct cjd_timer timer;
    struct cjd_owner *owner;
    struct cjd_loop_timer *next; /* armed timers of the owner */
    struct cjd_loop_timer **link;
    cjd_task_fn fn;
    void *arg;
};

_Static_assert(sizeof(struct cjd_loop_timer) <= sizeof(struct cjd_plugin_timer),
               "a timer fits into the plugin's storage");

static struct cjd_loop_timer *loop_timer(struct cjd_plugin_timer *storage)
{
    return (struct cjd_loop_timer *)(void *)storage;
}

static void unlink_timer(struct cjd_loop_timer *t)
{
    *t->link = t->next;
    if (t->next) {
        t->next->link = t->link;
    }
}

static void on_timer(void *arg, uint64_t now_ns)
{
    struct cjd_loop_timer *t = arg;

    (void)now_ns;
    unlink_timer(t);
    t->fn(t->arg);
}

void cjd_owner_timer_init(struct cjd_owner *owner, struct cjd_plugin_timer *storage, cjd_task_fn fn,
                          void *arg)
{
    struct cjd_loop_timer *t = loop_timer(storage);

    *t = (struct cjd_loop_timer){.owner = owner, .fn = fn, .arg = arg};
    cjd_timer_init(&t->timer, on_timer, t);
}

void cjd_owner_timer_cancel(struct cjd_owner *owner, struct cjd_plugin_timer *storage)
{
    struct cjd_loop_timer *t = loop_timer(storage);

    if (t->timer.is_armed) {
        cjd_timer_cancel(&owner->rt->timers, &t->timer);
        unlink_timer(t);
    }
}

void cjd_owner_timer_arm(struct cjd_owner *owner, struct cjd_plugin_timer *storage,
                         uint64_t delay_ns)
{
    struct cjd_loop_timer *t = loop_timer(storage);
    uint64_t now = cjd_runtime_now(owner->rt);

    cjd_owner_timer_cancel(owner, storage);
    cjd_timer_arm(&owner->rt->timers, &t->timer,
                  delay_ns < CJD_NEVER - 1 - now ? now + delay_ns : CJD_NEVER - 1);
    t->next = owner->timers;
    t->link = &owner->timers;
    if (t->next) {
        t->next->link = &t->next;
    }
    owner->timers = t;
}

uint32_t cjd_loop_undo_timers(struct cjd_owner *owner)
{
    uint32_t n = 0;

    while (owner->timers) {
        struct cjd_loop_timer *t = owner->timers;
        cjd_timer_cancel(&owner->rt->timers, &t->timer);
        unlink_timer(t);
        n++;
    }
    return n;
}

/* --- tasks --------------------------------------------------------------------------------------
 */

int cjd_tasks_init(struct tasks *tasks)
{
    tasks->last = &tasks->first;
    return pthread_mutex_init(&tasks->lock, NULL) == 0 ? 0 : CJD_ERR_NO_MEMORY;
}

static void free_tasks(struct task *t)
{
    while (t) {
        struct task *next = t->next;
        free(t);
        t = next;
    }
}

void cjd_tasks_fini(struct tasks *tasks)
{
    free_tasks(tasks->first);
    free_tasks(tasks->running);
    pthread_mutex_destroy(&tasks->lock);
}

static int add_task(struct cjd_owner *owner, cjd_task_fn fn, void *arg)
{
    struct tasks *tasks = &owner->rt->tasks;
    struct task *t = malloc(sizeof *t);

    if (!t) {
        return CJD_ERR_NO_MEMORY;
    }
    *t = (struct task){.owner = owner, .fn = fn, .arg = arg};
    pthread_mutex_lock(&tasks->lock);
    *tasks->last = t;
    tasks->last = &t->next;
    pthread_mutex_unlock(&tasks->lock);
    return 0;
}

int cjd_owner_defer(struct cjd_owner *owner, cjd_task_fn fn, void *arg)
{
    return add_task(owner, fn, arg);
}

int cjd_owner_post(struct cjd_owner *owner, cjd_task_fn fn, void *arg)
{
    int err = add_task(owner, fn, arg);

    if (err == 0) {
        cjd_runtime_wake(owner->rt);
    }
    return err;
}

bool cjd_tasks_pending(struct cjd_runtime *rt)
{
    bool is_pending;

    pthread_mutex_lock(&rt->tasks.lock);
    is_pending = rt->tasks.first != NULL;
    pthread_mutex_unlock(&rt->tasks.lock);
    return is_pending || rt->tasks.running;
}

/* Runs what was there when the turn began; a task that defers itself waits for the next turn. */
void cjd_tasks_run(struct cjd_runtime *rt)
{
    struct tasks *tasks = &rt->tasks;

    pthread_mutex_lock(&tasks->lock);
    tasks->running = tasks->first;
    tasks->first = NULL;
    tasks->last = &tasks->first;
    pthread_mutex_unlock(&tasks->lock);
    while (tasks->running) {
        struct task t = *tasks->running;
        free(tasks->running);
        tasks->running = t.next;
        t.fn(t.arg);
    }
}

static struct task **remove_tasks_of(struct task **at, const struct cjd_owner *owner)
{
    while (*at) {
        struct task *t = *at;
        if (t->owner == owner) {
            *at = t->next;
            free(t);
        } else {
            at = &t->next;
        }
    }
    return at;
}

void cjd_tasks_forget(struct cjd_owner *owner)
{
    struct tasks *tasks = &owner->rt->tasks;

    pthread_mutex_lock(&tasks->lock);
    tasks->last = remove_tasks_of(&tasks->first, owner);
    pthread_mutex_unlock(&tasks->lock);
    remove_tasks_of(&tasks->running, owner);
}

/* --- threads ------------------------------------------------------------------------------------
 */

struct cjd_loop_thread {
    struct cjd_loop_thread *next;
    pthread_t id;
    const struct cjd_runtime_config *config; /* of the runtime */
    cjd_task_fn fn;
    void *arg;
};

static void *thread_main(void *arg)
{
    struct cjd_loop_thread *t = arg;

    if (t->config->thread_begin) {
        t->config->thread_begin(t->config->ctx);
    }
    t->fn(t->arg);
    return NULL;
}

int cjd_owner_spawn(struct cjd_owner *owner, cjd_task_fn fn, void *arg)
{
    struct cjd_loop_thread *t = malloc(sizeof *t);

    if (!t) {
        return CJD_ERR_NO_MEMORY;
    }
    *t = (struct cjd_loop_thread){
        .next = owner->threads, .config = &owner->rt->config, .fn = fn, .arg = arg};
    int err = pthread_create(&t->id, NULL, thread_main, t);
    if (err != 0) {
        free(t);
        return cjd_err_from_errno(err);
    }
    char name[16];
    snprintf(name, sizeof name, "%s", owner->log.module);
    pthread_setname_np(t->id, name);
    owner->threads = t;
    return 0;
}

uint32_t cjd_owner_join(struct cjd_owner *owner)
{
    struct timespec until;
    struct cjd_loop_thread **at = &owner->threads;
    uint32_t left = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += JOIN_SECONDS;
    while (*at) {
        struct cjd_loop_thread *t = *at;
        if (pthread_timedjoin_np(t->id, NULL, &until) == 0) {
            *at = t->next;
            free(t);
        } else {
            at = &t->next;
            left++;
        }
    }
    return left;
}

uint32_t cjd_loop_threads(const struct cjd_owner *owner)
{
    uint32_t n = 0;

    for (const struct cjd_loop_thread *t = owner->threads; t; t = t->next) {
        n++;
    }
    return n;
}
