/*
 * The methods and events about the node itself; described in methods.json. Control thread.
 *
 * Timers: rates of the peers (every 4 s), sessions and nodes that came and went (every second while
 * somebody follows events), one per probe under way.
 */
#ifndef CJD_RPC_METHODS_H
#define CJD_RPC_METHODS_H

#include <base/pool.h>
#include <node/node.h>
#include <rpc/rpc.h>
#include <runtime/runtime.h>

struct cjd_methods;

struct cjd_methods_config {
    struct cjd_rpc *rpc;    /* borrowed, as are all */
    struct cjd_runtime *rt; /* drives the node */
    struct cjd_node *node;
    const struct cjd_pool *pool; /* may be NULL */
    struct cjd_rng rng;
    uint64_t (*wall_ms)(void);
};

CJD_MUST_CHECK int cjd_methods_new(struct cjd_methods **out,
                                   const struct cjd_methods_config *config);
/* NULL is legal. */
void cjd_methods_free(struct cjd_methods *m);

/* For cjd_runtime_config.peer_event. */
void cjd_methods_peer_event(struct cjd_methods *m, const struct cjd_peer_info *peer,
                            bool was_removed);

#endif
