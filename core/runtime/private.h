/* What the files of this room share; nobody else includes it. */
#ifndef CJD_RUNTIME_PRIVATE_H
#define CJD_RUNTIME_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include <base/calm.h>
#include <runtime/awake.h>
#include <runtime/netnews.h>
#include <runtime/owner.h>
#include <runtime/runtime.h>

/* Packets asked for in one call of a link's rx. */
#define RX_VECTOR 64u
/* Calls per queue and turn, so that one busy link does not starve the rest. */
#define RX_ROUNDS       8u
#define QUEUES_MAX      16u
#define TIMERS_PER_TURN 1024u
#define TYPES_MAX       32u
#define CONTENT_MAX     256u
#define REASONS_MAX     64u

/* --- tasks and threads --------------------------------------------------------------------------
 */

struct task {
    struct task *next;
    struct cjd_owner *owner;
    cjd_task_fn fn;
    void *arg;
};

struct tasks {
    pthread_mutex_t lock; /* guards first, last */
    struct task *first;
    struct task **last;
    struct task *running; /* taken by the turn, not run yet; control thread only */
};

/* --- links --------------------------------------------------------------------------------------
 */

struct queue {
    struct cjd_runtime *rt;
    struct event *event;  /* NULL: the plugin wakes the queue */
    atomic_bool is_ready; /* something to receive */
};

/* A link, at the index that is its number in the node. */
struct binding {
    struct cjd_owner *owner; /* NULL: free */
    struct cjd_link_ops ops;
    void *link;
    uint32_t queues;
    bool is_down; /* nothing is called on it any more; the node still has to be told */
    bool has_carrier;
    struct queue queue[QUEUES_MAX];
};

/* --- what the node calls, put off until the node has returned --------------------------------- */

struct content {
    struct cjd_node_source from;
    struct cjd_pkt *pkt;
};

struct peer_note {
    struct peer_note *next;
    struct cjd_owner *owner;
    struct cjd_peer_event event;
};

struct reason_note {
    uint32_t peer;
    int32_t reason;
};

struct type_range {
    struct cjd_owner *owner; /* NULL: free */
    uint32_t first;
    uint32_t last;
    cjd_upper_fn fn;
    void *arg;
};

struct bridge {
    unsigned depth; /* > 0: inside a call of the node */
    bool is_draining;
    struct content content[CONTENT_MAX]; /* ring */
    uint32_t content_head;
    uint32_t content_count;
    struct peer_note *notes;
    struct peer_note **notes_last;
    struct reason_note reasons[REASONS_MAX];
    uint32_t reason_count;
    bool has_link_news; /* one went down, or its carrier did */
    struct type_range types[TYPES_MAX];
    struct cjd_owner *front_owner; /* NULL: no frontend */
    struct cjd_frontend_ops front;
    void *front_arg;
    uint64_t lost; /* packets that could not be passed on */
    struct cjd_log_limit limit;
};

/* --- news of the machine ----------------------------------------------------------------------
 */

#define NEWS_WATCHERS 64u

struct news_watcher {
    struct cjd_owner *owner; /* NULL: free */
    cjd_task_fn fn;
    void *arg;
};

struct news {
    int netlink_fd; /* negative: none */
    int clock_fd;
    struct event *netlink;
    struct event *clock;
    struct cjd_netnews netnews;
    struct cjd_awake awake;
    struct cjd_calm calm;
    struct cjd_timer timer;
    struct cjd_log_limit limit;
    struct news_watcher watcher[NEWS_WATCHERS];
};

struct resolver;

struct cjd_runtime {
    struct event_base *base;
    struct event *alarm; /* next timer */
    uint64_t alarm_ns;   /* what it is set to; CJD_NEVER: not armed */
    struct event *wake;  /* other threads */
    int wake_fd;
    struct event *signals;
    int signal_fd;
    struct cjd_runtime_config config;
    struct cjd_log log;
    struct cjd_pool *pool;
    struct cjd_node *node;
    struct cjd_timers timers;
    bool is_in_turn;
    uint64_t now_ns; /* 0: not read in this turn */
    bool is_quitting;
    struct tasks tasks;
    struct binding links[CJD_LINKS_MAX];
    uint32_t links_end; /* numbers ever used are below */
    struct bridge bridge;
    struct resolver *resolver;
    struct news news;
    struct cjd_runtime_stats stats;
    uint64_t longest_before_ns; /* of the half minute before */
    uint64_t half_minute_ns;    /* when this one began */
};

/* [any] Makes the loop turn. */
void cjd_runtime_wake(struct cjd_runtime *rt);

/* loop.c */
int cjd_tasks_init(struct tasks *tasks);
void cjd_tasks_fini(struct tasks *tasks);
bool cjd_tasks_pending(struct cjd_runtime *rt);
void cjd_tasks_run(struct cjd_runtime *rt);
void cjd_tasks_forget(struct cjd_owner *owner);
uint32_t cjd_loop_undo_watches(struct cjd_owner *owner);
uint32_t cjd_loop_undo_timers(struct cjd_owner *owner);
uint32_t cjd_loop_threads(const struct cjd_owner *owner);

/* resolve.c */
int cjd_resolver_new(struct resolver **out, struct cjd_runtime *rt);
void cjd_resolver_free(struct resolver *r);
uint32_t cjd_resolve_undo(struct cjd_owner *owner);

/* news.c */
int cjd_news_open(struct cjd_runtime *rt);
void cjd_news_fini(struct cjd_runtime *rt);
/* Once a turn, after the wait; due: what the wait was to end at. */
void cjd_news_look(struct cjd_runtime *rt, uint64_t due_ns);
void cjd_news_undo(struct cjd_owner *owner);

/* links.c */
void cjd_bindings_rx(struct cjd_runtime *rt);
bool cjd_bindings_pending(struct cjd_runtime *rt);
void cjd_bindings_flush(struct cjd_runtime *rt);
void cjd_bindings_tx(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags);
int cjd_bindings_addr_text(void *ctx, uint32_t link, const struct cjd_linkaddr *addr, char *out,
                           size_t cap);
/* Tells the node of links and carriers that went while it was running. */
void cjd_bindings_settle(struct cjd_runtime *rt);
uint32_t cjd_bindings_undo(struct cjd_owner *owner);

/* bridge.c: every call of the node stands between enter and leave. */
void cjd_bridge_enter(struct cjd_runtime *rt);
void cjd_bridge_leave(struct cjd_runtime *rt);
void cjd_bridge_deliver(void *ctx, struct cjd_vec *vec);
void cjd_bridge_content(void *ctx, const struct cjd_node_source *from, struct cjd_pkt *pkt);
void cjd_bridge_lost(struct cjd_runtime *rt, uint32_t n, const char *why);
void cjd_bridge_undo(struct cjd_owner *owner);
void cjd_bridge_fini(struct cjd_runtime *rt);

/* peers.c */
void cjd_peers_event(void *ctx, const struct cjd_peer_info *peer, bool was_removed);
/* Hands out what was put off. True: there was something. */
bool cjd_peers_settle(struct cjd_runtime *rt);
void cjd_peers_undo(struct cjd_owner *owner);

#endif
