/*
 * The real driver of a node: event loop, monotonic clock, descriptors, timers, threads, links.
 *
 * Of the core only this room knows libevent. One loop on one thread, the control thread; what other
 * threads may call says so. The loop drives one struct cjd_node: each turn waits, receives from
 * the links, runs timers and tasks, and flushes. `now` is read once a turn.
 *
 * What is registered here belongs to a struct cjd_owner (owner.h), so that it can be undone as a
 * whole.
 */
#ifndef CJD_RUNTIME_RUNTIME_H
#define CJD_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include <base/log.h>
#include <base/pool.h>
#include <base/timer.h>
#include <cjd/err.h>
#include <node/node.h>

struct cjd_runtime;

struct cjd_runtime_config {
    struct cjd_log log;    /* sink borrowed */
    struct cjd_pool *pool; /* borrowed; NULL: no packets (tests) */
    /* SIGTERM, SIGINT, SIGHUP, SIGUSR1 arrived; NULL: signals are left alone. */
    void (*signal)(void *ctx, int number);
    /* First call in each thread made for a plugin; may be NULL. [any] */
    void (*thread_begin)(void *ctx);
    /* Events of all peers, from inside the node: it may not be called. May be NULL. */
    void (*peer_event)(void *ctx, const struct cjd_peer_info *peer, bool was_removed);
    void *ctx;
};

/* Blocks the signals it listens to: call it before any thread is made. */
CJD_MUST_CHECK int cjd_runtime_new(struct cjd_runtime **out,
                                   const struct cjd_runtime_config *config);
/* All owners are undone. NULL is legal. */
void cjd_runtime_free(struct cjd_runtime *rt);

/* Ops for cjd_node_new(): packets, content and peer events go to the plugins that registered. */
struct cjd_node_ops cjd_runtime_node_ops(struct cjd_runtime *rt);
/* The node to drive; borrowed; NULL: none any more. */
void cjd_runtime_set_node(struct cjd_runtime *rt, struct cjd_node *node);

/* Ends the peerings of neighbours that came with a login; returns how many there were. */
unsigned cjd_runtime_drop_login(struct cjd_runtime *rt, const char *login);

/* Calls of the node by the driver's owner stand between these two, never one within another: what
 * the node tells is handed out at the end. Not from inside the node's callbacks. */
void cjd_runtime_enter(struct cjd_runtime *rt);
void cjd_runtime_leave(struct cjd_runtime *rt);

/* [any] The monotonic clock itself. */
uint64_t cjd_clock_now(void);
/* Time of this turn; outside of a turn the clock. */
uint64_t cjd_runtime_now(struct cjd_runtime *rt);
/* Timers of the driver itself; they run in the loop. */
struct cjd_timers *cjd_runtime_timers(struct cjd_runtime *rt);

/* An address of a link in words; its length, or an error. */
int cjd_runtime_addr_text(struct cjd_runtime *rt, uint32_t link, const struct cjd_linkaddr *addr,
                          char *out, size_t cap);

/* Time spent on work, not on waiting for it. */
struct cjd_runtime_stats {
    uint64_t turns;
    uint64_t busy_ns;
    uint64_t longest_turn_ns; /* of the last 30 to 60 s: how late anything may have been */
};
void cjd_runtime_stats(const struct cjd_runtime *rt, struct cjd_runtime_stats *out);

/* One turn; waits for work if may_wait and there is none. */
CJD_MUST_CHECK int cjd_runtime_turn(struct cjd_runtime *rt, bool may_wait);
/* Turns until cjd_runtime_quit(). */
CJD_MUST_CHECK int cjd_runtime_run(struct cjd_runtime *rt);
void cjd_runtime_quit(struct cjd_runtime *rt);

#endif
