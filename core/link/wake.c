#include <link/private.h>

/* Silence of a peer that is left after a sleep, far from what it is forgotten for. */
#define FORGIVEN (60 * CJD_S)

/* One without a session is called as if it were new. */
static void ask(struct peer *p, uint64_t now_ns)
{
    if (p->addr.len == 0 || !has_carrier(p) || p->state == CJD_LINK_STATE_INCOMPATIBLE) {
        return;
    }
    if (p->state == (int)CJD_CA_ESTABLISHED) {
        peer_doubt(p, now_ns);
        return;
    }
    p->attempts = 0;
    p->kicked_ns = now_ns;
    cjd_timer_arm(p->links->config.timers, &p->tick, now_ns);
}

void wake_wave(void *arg, uint64_t now_ns)
{
    struct cjd_links *l = arg;

    cjd_calm_acted(&l->calm, now_ns);
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        if (l->slot[i]) {
            ask(l->slot[i], now_ns);
        }
    }
}

/* They were not silent: nobody listened. */
static void forgive(struct cjd_links *l, uint64_t now_ns)
{
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        struct peer *p = l->slot[i];
        if (p && p->last_ns != 0 && p->state == (int)CJD_CA_ESTABLISHED &&
            now_ns - p->last_ns > FORGIVEN) {
            p->last_ns = now_ns - FORGIVEN;
        }
    }
}

void cjd_links_wake(struct cjd_links *l, bool was_asleep, uint64_t now_ns)
{
    if (was_asleep) {
        forgive(l, now_ns);
    }
    if (!l->wave.is_armed) {
        cjd_timer_arm(l->config.timers, &l->wave, cjd_calm_at(&l->calm, now_ns));
    }
}

/* --- carrier ---------------------------------------------------------------------------------- */

static void lose_carrier(struct peer *p, uint64_t now_ns)
{
    if (p->state == CJD_LINK_STATE_INCOMPATIBLE) {
        return;
    }
    peer_announce(p, false, now_ns);
    peer_set_state(p, p->state == (int)CJD_CA_ESTABLISHED ? CJD_LINK_STATE_UNRESPONSIVE : p->state,
                   CJD_LINK_REASON_LINK_DOWN, now_ns);
}

static void regain_carrier(struct peer *p, uint64_t now_ns)
{
    enum cjd_link_reason reason = CJD_LINK_REASON_NEW;

    if (p->state == CJD_LINK_STATE_UNRESPONSIVE) {
        reason = CJD_LINK_REASON_SILENT;
    } else if (p->addr.len == 0) {
        reason = CJD_LINK_REASON_NO_ADDRESS;
    }
    if (p->reason == CJD_LINK_REASON_LINK_DOWN) {
        peer_set_state(p, p->state, reason, now_ns);
    }
}

void cjd_links_set_carrier(struct cjd_links *l, uint32_t link, bool has_carrier, uint64_t now_ns)
{
    struct link_entry *e = link < CJD_LINKS_MAX ? &l->link[link] : NULL;

    if (!e || !e->is_used || e->has_carrier == has_carrier) {
        return;
    }
    e->has_carrier = has_carrier;
    cjd_log(&l->config.log, CJD_LOG_INFO, "link %s %s", e->name,
            has_carrier ? "has its carrier back" : "lost its carrier");
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        struct peer *p = l->slot[i];
        if (p && p->link == link) {
            (has_carrier ? regain_carrier : lose_carrier)(p, now_ns);
        }
    }
    if (has_carrier) {
        cjd_links_wake(l, false, now_ns);
    }
}
