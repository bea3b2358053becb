#include <session/private.h>

#include <string.h>

/* A path that was only seen as the way a packet came is used when there is nothing better. */
#define RETURN_COST_US 10000000u
/* Another path is chosen when it costs less than this share of the one in use, per cent. */
#define SWITCH_PERCENT 80u

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

/* Hysteresis: the path in use stays unless another is clearly better. */
static void choose(struct session *e)
{
    unsigned cheapest = 0;

    for (unsigned i = 1; i < e->path_count; i++) {
        if (cost_of(&e->path[i]) < cost_of(&e->path[cheapest])) {
            cheapest = i;
        }
    }
    uint64_t current = cost_of(&e->path[e->best]);
    if ((uint64_t)cost_of(&e->path[cheapest]) * 100 < current * SWITCH_PERCENT) {
        e->best = (uint8_t)cheapest;
    }
}

static unsigned most_expensive(const struct session *e)
{
    unsigned worst = 0;

    for (unsigned i = 1; i < e->path_count; i++) {
        if (cost_of(&e->path[i]) >= cost_of(&e->path[worst])) {
            worst = i;
        }
    }
    return worst;
}

bool path_add(struct session *e, const struct path *path)
{
    struct path *known = path_by_label(e, path->label);

    if (known) {
        /* What is only seen never takes back what was proven. */
        if (!path->is_return || known->is_return) {
            *known = *path;
        }
    } else if (e->path_count < PATHS) {
        e->path[e->path_count++] = *path;
        if (e->path_count == 1) {
            e->best = 0;
        }
    } else {
        unsigned worst = most_expensive(e);
        if (cost_of(path) >= cost_of(&e->path[worst])) {
            return false;
        }
        e->path[worst] = *path;
    }
    choose(e);
    return true;
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
                     .proven_ns = now_ns,
                     .cost_us = path->cost_us,
                     .is_peer = path->is_peer};
    path_add(e, &p);
    session_release(e, now_ns);
    if (e->waiting_count > 0) {
        session_push(e, now_ns);
    }
    session_arm(e, now_ns);
}

void cjd_sessions_path_dead(struct cjd_sessions *s, const struct cjd_addr *addr, uint64_t label,
                            uint64_t now_ns)
{
    struct session *e = session_find(s, addr);

    if (!e) {
        return;
    }
    path_remove(e, label);
    bool is_used = e->user_tx_ns != 0 && now_ns - e->user_tx_ns < USER_IDLE;
    if (e->path_count == 0 && is_used) {
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
