#include <session/private.h>

#include <string.h>

/* A path that was only seen as the way a packet came is used when there is nothing better. */
#define RETURN_COST_US 10000000u

const struct path *path_best(const struct session *e)
{
    return e->path_count > 0 ? &e->path[e->best] : NULL;
}

struct path *path_by_label(struct session *e, uint64_t label)
{
    for (unsigned i = 0; i < e->path_count; i++) {
        if (e->path[i].label == label) {
            return &e->path[i];
        }
    }
    return NULL;
}

static uint32_t cost_of(const struct path *p)
{
    return p->is_return ? RETURN_COST_US : p->cost_us;
}

static unsigned most_expensive(const struct session *e)
{
    unsigned worst = e->best;

    for (unsigned i = 0; i < e->path_count; i++) {
        bool is_worse = worst == e->best || cost_of(&e->path[i]) >= cost_of(&e->path[worst]);
        if (i != e->best && is_worse) {
            worst = i;
        }
    }
    return worst;
}

/* Where a new path goes: a free place, or that of the most expensive one not in use. −1: nowhere.
 */
static int place_for(struct session *e, const struct path *path)
{
    if (e->path_count < PATHS) {
        return e->path_count++;
    }
    unsigned worst = most_expensive(e);
    return path->is_best || cost_of(path) < cost_of(&e->path[worst]) ? (int)worst : -1;
}

void path_add(struct session *e, const struct path *path)
{
    struct path *known = path_by_label(e, path->label);
    int at = known ? (int)(known - e->path) : place_for(e, path);

    /* What is only seen never takes back what was proven. */
    if (at < 0 || (known && path->is_return && !known->is_return)) {
        return;
    }
    uint64_t in_use = e->path[e->best].label;
    e->path[at] = *path;
    /* The router weighs cost and knows what broke: its choice is followed. An alternative is used
     * when there is nothing better than the way some packet came. */
    bool is_only = e->path_count == 1;
    bool replaces_guess = e->path[e->best].is_return && !path->is_return;
    if (path->is_best || is_only || replaces_guess) {
        e->best = (uint8_t)at;
    }
    if (e->path[e->best].label != in_use) {
        e->asked_ns = 0;
    }
}

void path_answered(struct session *e, uint64_t label)
{
    if (e->path_count > 0 && e->path[e->best].label == label) {
        e->asked_ns = 0;
    }
}

void path_remove(struct session *e, uint64_t label)
{
    for (unsigned i = 0; i < e->path_count; i++) {
        if (e->path[i].label != label) {
            continue;
        }
        uint64_t in_use = e->path[e->best].label;
        e->path[i] = e->path[--e->path_count];
        e->best = 0;
        for (unsigned k = 0; k < e->path_count; k++) {
            bool is_better = in_use == label && cost_of(&e->path[k]) < cost_of(&e->path[e->best]);
            if (e->path[k].label == in_use || is_better) {
                e->best = (uint8_t)k;
            }
        }
        if (in_use == label) {
            e->asked_ns = 0;
        }
        return;
    }
}

struct cjd_session_path path_describe(const struct session *e, const struct path *path)
{
    return (struct cjd_session_path){
        .addr = e->addr,
        .key = e->ca.peer_key,
        .version = e->version,
        .label = path->label,
        .cost_us = path->cost_us,
        .is_peer = path->is_peer,
    };
}

static struct session *session_for(struct cjd_sessions *s, const struct cjd_session_path *path)
{
    struct session *e = session_find(s, &path->addr);

    return e && e->has_key && memcmp(&e->ca.peer_key, &path->key, sizeof path->key) != 0 ? NULL : e;
}

void cjd_sessions_path(struct cjd_sessions *s, const struct cjd_session_path *path, uint64_t now_ns)
{
    struct session *e = session_for(s, path);

    /* Nobody waits for it and nothing is sent there: the router keeps it until asked. */
    if (!e || path->label == 0) {
        return;
    }
    if (!e->has_key) {
        session_set_key(e, &path->key, now_ns);
    }
    if (path->version != 0) {
        e->version = path->version;
    }
    struct path p = {.label = path->label,
                     .cost_us = path->cost_us,
                     .is_peer = path->is_peer,
                     .is_best = path->is_best};
    path_add(e, &p);
    session_release(e, now_ns);
    if (e->waiting_count > 0) {
        /* Not from here: the router is in the middle of its own work. At once, by the timer. */
        cjd_timer_arm(s->config.timers, &e->timer, now_ns);
    } else {
        session_arm(e, now_ns);
    }
}

void cjd_sessions_path_dead(struct cjd_sessions *s, const struct cjd_addr *addr, uint64_t label,
                            uint64_t now_ns)
{
    struct session *e = session_find(s, addr);

    if (!e) {
        return;
    }
    path_remove(e, label);
    if (e->path_count == 0 && session_is_used(e, now_ns)) {
        /* Not from here: the router is in the middle of its own work. Soon, by the timer. */
        e->want_ns = 0;
        session_arm(e, now_ns);
    }
}

void cjd_sessions_no_path(struct cjd_sessions *s, const struct cjd_addr *addr, uint64_t now_ns)
{
    struct session *e = session_find(s, addr);

    /* One failed search is not the end: packets wait for WAIT_LIMIT, the next search may find it.
     */
    if (e && e->waiting_count > 0 && now_ns - e->waiting_since_ns >= WAIT_LIMIT / 2) {
        session_give_up(e, now_ns);
    }
}
