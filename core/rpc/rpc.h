/*
 * The registry behind <cjd/rpc.h>, where the meaning of everything stands: methods, calls, events,
 * log lines. Architecture notes, "Admin"; configuration notes §18.
 *
 *     caller ─call→ [scope, schema, room] → method ─reply, fail→ done
 *                         └ deadline, cancel, provider gone → method's cancel
 *
 * Events and log lines each lie in one ring; a subscription is a place in it, so a slow reader
 * costs no memory and learns how much it missed. Owners: whoever registers or calls gives a pointer
 * of its own, by which all that is its can be taken back. Control thread, except
 * cjd_rpc_log_line().
 *
 * Timers: one per call that is answered later (its deadline).
 */
#ifndef CJD_RPC_RPC_H
#define CJD_RPC_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <base/log.h>
#include <base/rng.h>
#include <base/timer.h>
#include <cjd/err.h>
#include <cjd/rpc.h>

struct cjd_rpc;

#define CJD_RPC_METHODS_MAX       512u
#define CJD_RPC_EVENT_TYPES_MAX   128u
#define CJD_RPC_CALLS_MAX         1024u /* under way at once, all faces together */
#define CJD_RPC_SUBSCRIPTIONS_MAX 128u
#define CJD_RPC_EVENTS_KEPT       4096u
#define CJD_RPC_LINES_KEPT        1024u

struct cjd_rpc_config {
    struct cjd_timers *timers; /* borrowed */
    struct cjd_rng rng;
    struct cjd_log log;
    uint64_t (*now_ns)(void *ctx);
    uint64_t (*wall_ms)(void *ctx); /* [any] */
    /* [any] Something waits for subscribers: call cjd_rpc_run() soon, on the control thread. */
    void (*wake)(void *ctx);
    /* Somebody follows the log down to this level, or (−1) nobody does. May be NULL. */
    void (*follow)(void *ctx, int level);
    void *ctx;
};

CJD_MUST_CHECK int cjd_rpc_new(struct cjd_rpc **out, const struct cjd_rpc_config *config);
/* Calls under way are cancelled without a word to their callers. NULL is legal. */
void cjd_rpc_free(struct cjd_rpc *rpc);

/* Tells subscribers that something waits for them. */
void cjd_rpc_run(struct cjd_rpc *rpc);

/* Takes back what an owner provides, before it stops: its methods and event types; unanswered calls
 * of its methods are cancelled, and their callers told so. */
void cjd_rpc_withdraw(struct cjd_rpc *rpc, const void *owner);
/* Ends what an owner uses, after it has stopped: calls it made, its subscriptions. */
void cjd_rpc_hang_up(struct cjd_rpc *rpc, const void *owner);

/* --- providers ---------------------------------------------------------------------------------
 */

/* An id as part of names and paths: what may not stand there becomes '-' ("udp#2" → "udp-2"). */
#define CJD_RPC_PROVIDER_SIZE 64u
void cjd_rpc_provider_name(char out[CJD_RPC_PROVIDER_SIZE], const char *id);

/* provider: NULL for the core, else a plugin's id; copied. */
CJD_MUST_CHECK int cjd_rpc_method_add(struct cjd_rpc *rpc, const void *owner, const char *provider,
                                      const struct cjd_rpc_method *method, void *arg);
CJD_MUST_CHECK int cjd_rpc_event_add(struct cjd_rpc *rpc, const void *owner, const char *provider,
                                     const struct cjd_rpc_event_type *type);
void cjd_rpc_item(struct cjd_rpc_call *call, json_t *item);
void cjd_rpc_reply(struct cjd_rpc_call *call, json_t *result);
void cjd_rpc_fail(struct cjd_rpc_call *call, const struct cjd_rpc_error *error);
/* The same with a formatted message. */
void cjd_rpc_fail_f(struct cjd_rpc_call *call, int err, const char *code, const char *pointer,
                    const char *format, ...) CJD_PRINTF(5, 6);
/* type: full name. Consumes the data. */
void cjd_rpc_emit(struct cjd_rpc *rpc, const char *type, json_t *data);
/* fn is called when somebody begins to follow events and nobody did. One at a time; NULL: none. */
void cjd_rpc_on_follower(struct cjd_rpc *rpc, void (*fn)(void *arg), void *arg);
/* Somebody follows events, or did within the last ten minutes and may come back. */
bool cjd_rpc_is_followed(const struct cjd_rpc *rpc);
/* [any] Keeps a line for those who follow the log. */
void cjd_rpc_log_line(struct cjd_rpc *rpc, const char *module, enum cjd_log_level level,
                      const char *text);

/* --- faces -------------------------------------------------------------------------------------
 */

uint64_t cjd_rpc_revision(const struct cjd_rpc *rpc);
CJD_MUST_CHECK int cjd_rpc_method_at(const struct cjd_rpc *rpc, uint32_t index,
                                     struct cjd_rpc_method_info *out);
CJD_MUST_CHECK int cjd_rpc_method_find(const struct cjd_rpc *rpc, const char *name,
                                       struct cjd_rpc_method_info *out);
CJD_MUST_CHECK int cjd_rpc_event_type_at(const struct cjd_rpc *rpc, uint32_t index,
                                         struct cjd_rpc_event_type_info *out);
/* All methods, and all event types, as JSON: what "methods.list" and "events.types" answer. */
json_t *cjd_rpc_describe_methods(const struct cjd_rpc *rpc);
json_t *cjd_rpc_describe_events(const struct cjd_rpc *rpc);

void cjd_rpc_call(struct cjd_rpc *rpc, const void *owner, const struct cjd_rpc_request *request,
                  struct cjd_rpc_call **out);
void cjd_rpc_cancel(struct cjd_rpc_call *call);

struct cjd_rpc_stats {
    uint64_t calls;
    uint64_t failed;    /* with an error */
    uint64_t refused;   /* of these: scope missing, arguments that do not fit, no room */
    uint64_t timeouts;  /* deadline passed */
    uint64_t cancelled; /* the caller went away */
    uint32_t under_way;
    uint32_t subscriptions;
    uint64_t events;
    uint64_t lines;
    uint64_t missed; /* events and lines that slow subscribers did not get */
};
void cjd_rpc_stats(const struct cjd_rpc *rpc, struct cjd_rpc_stats *out);

const char *cjd_rpc_boot_id(const struct cjd_rpc *rpc);
CJD_MUST_CHECK int cjd_rpc_subscribe(struct cjd_rpc *rpc, const void *owner,
                                     const struct cjd_rpc_subscribe *wish,
                                     struct cjd_rpc_subscription **out);
int cjd_rpc_next(struct cjd_rpc_subscription *sub, struct cjd_rpc_event *out);
void cjd_rpc_unsubscribe(struct cjd_rpc_subscription *sub);

#endif
