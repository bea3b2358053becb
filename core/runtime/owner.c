#include <runtime/owner.h>

#include <runtime/private.h>

void cjd_owner_init(struct cjd_owner *owner, struct cjd_runtime *rt, struct cjd_log log)
{
    *owner = (struct cjd_owner){.rt = rt, .log = log};
}

struct cjd_leaks cjd_owner_undo(struct cjd_owner *owner)
{
    struct cjd_leaks leaks = {0};

    leaks.links = cjd_bindings_undo(owner);
    leaks.watches = cjd_loop_undo_watches(owner);
    leaks.timers = cjd_loop_undo_timers(owner);
    leaks.requests = cjd_resolve_undo(owner);
    cjd_bridge_undo(owner);
    cjd_peers_undo(owner);
    cjd_news_undo(owner);
    cjd_tasks_forget(owner);
    leaks.threads = cjd_loop_threads(owner);
    leaks.packets = owner->packets;
    return leaks;
}

uint32_t cjd_owner_packets(struct cjd_owner *owner, struct cjd_vec *vec, uint32_t n, uint32_t bytes)
{
    uint32_t made = 0;

    while (made < n && vec->n < vec->cap && owner->rt->pool) {
        struct cjd_pkt *p = cjd_pool_take(owner->rt->pool, bytes);
        if (!p) {
            break;
        }
        vec->v[vec->n++] = p;
        made++;
    }
    owner->packets += made;
    return made;
}

void cjd_owner_packets_free(struct cjd_owner *owner, struct cjd_vec *vec)
{
    owner->packets -= vec->n;
    cjd_pool_give_vec(owner->rt->pool, vec);
}
