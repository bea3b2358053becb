/* What the files of the registry share: rpc.c life, method.c what is registered, call.c calls under
 * way, stream.c events and log lines, describe.c descriptions as JSON. */
#ifndef CJD_RPC_PRIVATE_H
#define CJD_RPC_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <config/config.h>
#include <rpc/rpc.h>

struct method {
    struct cjd_rpc_method_info info; /* its texts are this structure's or the provider's */
    const void *owner;
    void *arg;
    void (*call)(void *arg, struct cjd_rpc_call *call, const json_t *args);
    void (*cancel)(void *arg, struct cjd_rpc_call *call);
    char *name;
    char *provider;
    char *path;
    char verb[8];
    struct cjd_schema *args;
    struct cjd_schema *item;
    struct cjd_schema *result;
};

struct event_type {
    struct cjd_rpc_event_type_info info;
    const void *owner;
    char *name;
    char *provider;
    struct cjd_schema *data;
};

/* Starts with what the method sees of it. */
struct call {
    struct cjd_rpc_call head;
    struct call *next;
    struct call *prev;
    struct cjd_rpc *rpc;
    struct method *method;
    const void *owner; /* who called */
    cjd_rpc_done_fn done;
    cjd_rpc_item_fn item;
    void *arg;
    char *caller;
    struct cjd_timer deadline;
    unsigned depth;    /* > 0: inside the method, or inside the face's item */
    bool is_over;      /* answered; freed when depth is 0 */
    bool is_cancelled; /* the caller is gone; the method is told by cjd_rpc_run() */
};

struct kept_event {
    uint64_t wall_ms;
    char *type;
    char *data; /* compact JSON */
};

struct kept_line {
    uint64_t wall_ms;
    enum cjd_log_level level;
    char module[32];
    char *text;
};

struct cjd_rpc_subscription {
    struct cjd_rpc *rpc;
    const void *owner;
    uint32_t stream;
    uint64_t at; /* number of the last one seen */
    uint64_t dropped;
    char *types; /* NULL: all */
    enum cjd_log_level level;
    cjd_rpc_ready_fn ready;
    void *arg;
    json_t *data; /* what the last `next` lent */
    char type[64];
};

struct cjd_rpc {
    struct cjd_rpc_config config;
    char boot_id[17];
    uint64_t revision;
    struct method *methods[CJD_RPC_METHODS_MAX]; /* by name */
    uint32_t method_count;
    struct event_type *types[CJD_RPC_EVENT_TYPES_MAX]; /* by name */
    uint32_t type_count;
    struct call *calls;
    bool has_cancelled;
    struct cjd_rpc_stats stats;
    struct kept_event *events; /* ring; number n lies at n % CJD_RPC_EVENTS_KEPT */
    uint64_t event_seq;
    struct cjd_rpc_subscription *subs[CJD_RPC_SUBSCRIPTIONS_MAX];
    uint32_t event_followers;
    void (*on_follower)(void *arg);
    void *on_follower_arg;
    uint64_t followed_ns; /* when the last follower of events left; 0: never */
    pthread_mutex_t lock; /* guards lines, line_seq */
    struct kept_line *lines;
    uint64_t line_seq;
    atomic_bool is_woken;
    atomic_uint log_followers;
};

/* Whether a value is as its schema says; the log tells what is not. */
bool cjd_rpc_fits(const struct cjd_rpc *rpc, const char *name, const struct cjd_schema *schema,
                  json_t *value);

/* [any] */
void cjd_rpc_poke(struct cjd_rpc *rpc);

struct method *cjd_rpc_find(const struct cjd_rpc *rpc, const char *name);
void cjd_rpc_methods_withdraw(struct cjd_rpc *rpc, const void *owner);
void cjd_rpc_methods_free(struct cjd_rpc *rpc);

/* Ends the calls that `is_meant` says, telling their callers if `error` is not NULL. */
typedef bool (*cjd_rpc_call_test)(const struct call *call, const void *owner);
void cjd_rpc_calls_end(struct cjd_rpc *rpc, cjd_rpc_call_test is_meant, const void *owner,
                       const struct cjd_rpc_error *error);
bool cjd_rpc_call_is_of_method(const struct call *call, const void *owner);
bool cjd_rpc_call_is_by(const struct call *call, const void *owner);
bool cjd_rpc_call_is_cancelled(const struct call *call, const void *owner);
bool cjd_rpc_call_is_any(const struct call *call, const void *owner);

int cjd_rpc_streams_new(struct cjd_rpc *rpc);
void cjd_rpc_streams_free(struct cjd_rpc *rpc);
void cjd_rpc_streams_run(struct cjd_rpc *rpc);
void cjd_rpc_streams_hang_up(struct cjd_rpc *rpc, const void *owner);

#endif
