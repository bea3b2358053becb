#include <session/private.h>

/*
 * One timer per session. It looks after, in this order:
 *  - packets that wait: a path is wanted or the handshake pushed again; given up after WAIT_LIMIT;
 *  - used sessions: their path is asked for again every PATH_REFRESH (session notes §3.4);
 *  - silence: nothing came back over the path in use for UNANSWERED, so it is doubted; a little
 *    later, if nothing came at all, the handshake begins anew: the other end may have restarted;
 *  - idle sessions: they end after SESSION_IDLE, in a crowd those without users after CROWDED_IDLE.
 */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How long after the first doubt the handshake begins anew: one answer could have come. */
static uint64_t reset_after(const struct session *e)
{
    const struct path *best = path_best(e);
    uint64_t rtt = best && !best->is_return ? best->cost_us * CJD_US : 0;
    uint64_t wait = 400 * CJD_MS;

    if (rtt > 2 * CJD_S) {
        rtt = 2 * CJD_S;
    }
    return UNANSWERED + (2 * rtt > wait ? 2 * rtt : wait);
}

/* How long the path in use may go without an answer. */
static uint64_t patience(const struct session *e)
{
    return e->user_rx_ns >= e->asked_ns ? ASYMMETRIC : UNANSWERED;
}

static bool may_have_restarted(const struct session *e)
{
    return !e->is_reset && e->last_rx_ns < e->asked_ns;
}

static uint64_t next_silence_check(const struct session *e)
{
    if (e->doubt_ns < e->asked_ns) {
        return e->asked_ns + patience(e);
    }
    uint64_t again = e->doubt_ns + patience(e);
    return may_have_restarted(e) ? earlier(again, e->asked_ns + reset_after(e)) : again;
}

/* Where there is no path, that was said when the last one died: want_ns is 0 then. */
static uint64_t next_refresh(const struct session *e)
{
    return e->want_ns == 0 ? 0 : e->want_ns + PATH_REFRESH;
}

/* The router asks hundreds of nodes when a large network starts, most of them once. */
static uint64_t idle_end(const struct session *e, uint64_t now_ns)
{
    uint64_t last = e->last_rx_ns > e->last_tx_ns ? e->last_rx_ns : e->last_tx_ns;
    bool is_crowded = e->owner->count > e->owner->config.max_sessions / CROWDED;
    bool is_spare = is_crowded && !session_is_used(e, now_ns);

    return last + (is_spare ? CROWDED_IDLE : SESSION_IDLE);
}

/* When to look whether it is idle: whoever has no users, each time the crowd could be a reason. */
static uint64_t next_idle_check(const struct session *e, uint64_t now_ns)
{
    uint64_t at = idle_end(e, now_ns);
    bool looks_sooner = !session_is_used(e, now_ns) && at > now_ns + CROWDED_IDLE;

    return looks_sooner ? now_ns + CROWDED_IDLE : at;
}

void session_arm(struct session *e, uint64_t now_ns)
{
    uint64_t at = next_idle_check(e, now_ns);

    if (e->waiting_count > 0) {
        at = now_ns + SETUP_FIRST;
    } else if (session_is_used(e, now_ns)) {
        at = earlier(at, next_refresh(e));
    }
    if (e->asked_ns != 0 && session_is_used(e, now_ns)) {
        at = earlier(at, next_silence_check(e));
    }
    cjd_timer_arm(e->owner->config.timers, &e->timer, at > now_ns ? at : now_ns + CJD_MS);
}

static void doubt_path(struct session *e, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;
    const struct path *best = path_best(e);

    e->doubt_ns = now_ns;
    session_touch(e);
    if (best) {
        uint64_t label = best->label;
        e->pins++;
        s->config.ops.doubt(s->config.ops.ctx, &e->addr, label, now_ns);
        e->pins--;
    }
}

/* Nothing came back over the path in use since asked_ns. */
static void check_silence(struct session *e, uint64_t now_ns)
{
    uint64_t silent = now_ns - e->asked_ns;

    if (silent < patience(e) || !session_is_used(e, now_ns)) {
        return;
    }
    if (e->doubt_ns < e->asked_ns || now_ns - e->doubt_ns >= patience(e)) {
        doubt_path(e, now_ns);
    }
    if (may_have_restarted(e) && silent >= reset_after(e)) {
        e->is_reset = true;
        cjd_ca_reset(&e->ca);
        e->setups = 0;
        e->setup_ns = 0;
        session_push(e, now_ns);
    }
}

static void look_after_waiting(struct session *e, uint64_t now_ns)
{
    if (now_ns - e->waiting_since_ns >= WAIT_LIMIT) {
        session_give_up(e, now_ns);
    } else {
        session_push(e, now_ns);
    }
}

static void refresh_path(struct session *e, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;

    if (now_ns >= next_refresh(e)) {
        e->want_ns = now_ns;
        session_touch(e);
        e->pins++;
        s->config.ops.want(s->config.ops.ctx, &e->addr, now_ns);
        e->pins--;
    }
}

void session_timer(void *arg, uint64_t now_ns)
{
    struct session *e = arg;

    if (e->waiting_count == 0 && now_ns >= idle_end(e, now_ns)) {
        session_free(e, now_ns);
        return;
    }
    if (e->waiting_count > 0) {
        look_after_waiting(e, now_ns);
    } else if (session_is_used(e, now_ns)) {
        refresh_path(e, now_ns);
    }
    if (e->has_key && e->asked_ns != 0) {
        check_silence(e, now_ns);
    }
    session_arm(e, now_ns);
}
