/*
 * What the loop does for a plugin. Everything here carries its owner: cjd_owner_undo() takes back
 * what is left and counts it.
 *
 * The functions mirror the services of <cjd/host.h>, <cjd/link.h> and <cjd/upper.h>; their meaning
 * stands there. Control thread, except where said.
 */
#ifndef CJD_RUNTIME_OWNER_H
#define CJD_RUNTIME_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include <base/log.h>
#include <cjd/host.h>
#include <cjd/link.h>
#include <cjd/upper.h>
#include <runtime/runtime.h>

struct cjd_loop_thread;
struct cjd_loop_timer;

struct cjd_owner {
    struct cjd_runtime *rt;
    struct cjd_log log; /* its name is the owner's */
    /* The rest is the runtime's. */
    struct cjd_fd_watch *watches;
    struct cjd_loop_timer *timers; /* armed ones */
    struct cjd_resolve_request *requests;
    struct cjd_loop_thread *threads;
    uint32_t links;  /* up */
    int64_t packets; /* in the owner's hands */
    cjd_peer_event_fn on_peer;
    void *on_peer_arg;
};

void cjd_owner_init(struct cjd_owner *owner, struct cjd_runtime *rt, struct cjd_log log);

/* What an owner had not given back. */
struct cjd_leaks {
    uint32_t links;
    uint32_t watches;
    uint32_t timers;
    uint32_t requests;
    uint32_t threads; /* that did not end */
    int64_t packets;
};

/* Waits for the owner's threads, each for a few seconds at most. Returns how many still run. */
uint32_t cjd_owner_join(struct cjd_owner *owner);
/* Takes back all but packets and running threads, counts it. May be repeated. */
struct cjd_leaks cjd_owner_undo(struct cjd_owner *owner);

/* --- cjd.loop -----------------------------------------------------------------------------------
 */

CJD_MUST_CHECK int cjd_owner_watch(struct cjd_owner *owner, struct cjd_fd_watch **out, int fd,
                                   uint32_t events, cjd_fd_fn fn, void *arg);
void cjd_owner_unwatch(struct cjd_owner *owner, struct cjd_fd_watch *watch);
void cjd_owner_timer_init(struct cjd_owner *owner, struct cjd_plugin_timer *timer, cjd_task_fn fn,
                          void *arg);
void cjd_owner_timer_arm(struct cjd_owner *owner, struct cjd_plugin_timer *timer,
                         uint64_t delay_ns);
void cjd_owner_timer_cancel(struct cjd_owner *owner, struct cjd_plugin_timer *timer);
CJD_MUST_CHECK int cjd_owner_defer(struct cjd_owner *owner, cjd_task_fn fn, void *arg);
/* [any] */
CJD_MUST_CHECK int cjd_owner_post(struct cjd_owner *owner, cjd_task_fn fn, void *arg);
CJD_MUST_CHECK int cjd_owner_spawn(struct cjd_owner *owner, cjd_task_fn fn, void *arg);

/* --- cjd.packet ---------------------------------------------------------------------------------
 */

uint32_t cjd_owner_packets(struct cjd_owner *owner, struct cjd_vec *vec, uint32_t n,
                           uint32_t bytes);
void cjd_owner_packets_free(struct cjd_owner *owner, struct cjd_vec *vec);

/* --- cjd.resolve --------------------------------------------------------------------------------
 */

CJD_MUST_CHECK int cjd_owner_resolve(struct cjd_owner *owner, struct cjd_resolve_request **out,
                                     const char *name, uint32_t family, cjd_resolve_fn fn,
                                     void *arg);
void cjd_owner_resolve_cancel(struct cjd_owner *owner, struct cjd_resolve_request *request);

/* --- cjd.netif: watch ---------------------------------------------------------------------------
 */

/* CJD_ERR_EXISTS: it does already. */
CJD_MUST_CHECK int cjd_owner_netif_watch(struct cjd_owner *owner, cjd_task_fn fn, void *arg);

/* --- cjd.link, cjd.peer, cjd.beacon
 * -------------------------------------------------------------------------
 */

CJD_MUST_CHECK int cjd_owner_link_up(struct cjd_owner *owner, const char *name,
                                     const struct cjd_link_ops *ops, void *link, uint32_t *id);
void cjd_owner_link_down(struct cjd_owner *owner, uint32_t id);
void cjd_owner_link_set_carrier(struct cjd_owner *owner, uint32_t id, bool has_carrier);
/* [any] */
void cjd_owner_queue_wake(struct cjd_owner *owner, uint32_t id, uint32_t queue);

CJD_MUST_CHECK int cjd_owner_peer_add(struct cjd_owner *owner, const struct cjd_peer_spec *spec,
                                      uint32_t *peer);
CJD_MUST_CHECK int cjd_owner_peer_remove(struct cjd_owner *owner, uint32_t peer);
CJD_MUST_CHECK int cjd_owner_peer_set_addr(struct cjd_owner *owner, uint32_t peer,
                                           const struct cjd_linkaddr *addr);
void cjd_owner_peer_set_reason(struct cjd_owner *owner, uint32_t peer, int32_t reason);
CJD_MUST_CHECK int cjd_owner_peer_watch(struct cjd_owner *owner, cjd_peer_event_fn fn, void *arg);
CJD_MUST_CHECK int cjd_owner_beacon_own(struct cjd_owner *owner, struct cjd_beacon *out);
CJD_MUST_CHECK int cjd_owner_beacon_heard(struct cjd_owner *owner, uint32_t link,
                                          const struct cjd_linkaddr *addr,
                                          const struct cjd_beacon *beacon);

/* --- cjd.frontend, cjd.upper --------------------------------------------------------------------
 */

void cjd_owner_own_addr(struct cjd_owner *owner, struct cjd_addr *out);
CJD_MUST_CHECK int cjd_owner_frontend_attach(struct cjd_owner *owner,
                                             const struct cjd_frontend_ops *ops, void *arg,
                                             const char *device, uint32_t mtu);
void cjd_owner_frontend_detach(struct cjd_owner *owner);
void cjd_owner_inject(struct cjd_owner *owner, struct cjd_vec *vec);
CJD_MUST_CHECK int cjd_owner_type_register(struct cjd_owner *owner, uint32_t first, uint32_t last,
                                           cjd_upper_fn fn, void *arg);
CJD_MUST_CHECK int cjd_owner_send(struct cjd_owner *owner, const struct cjd_addr *to, uint32_t type,
                                  struct cjd_vec *vec, uint32_t flags);

#endif
