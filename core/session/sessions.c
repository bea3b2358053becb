#include <session/private.h>

#include <stdlib.h>
#include <string.h>

/* First handle of a run: random in this range (session notes §1.1). */
#define HANDLE_MIN  4u
#define HANDLE_SPAN 99996u

int cjd_sessions_new(struct cjd_sessions **out, const struct cjd_sessions_config *config,
                     uint64_t now_ns)
{
    const struct cjd_rng *rng = &config->ca->rng;
    struct cjd_sessions *s = calloc(1, sizeof *s);
    int err;

    (void)now_ns;
    if (!s) {
        return CJD_ERR_NO_MEMORY;
    }
    s->config = *config;
    s->config.log.module = "session";
    if (s->config.max_sessions == 0) {
        s->config.max_sessions = MAX_SESSIONS_DEFAULT;
    }
    s->next_handle = HANDLE_MIN + cjd_rng_below(rng, HANDLE_SPAN);
    err = cjd_map_init(&s->by_addr, cjd_rng_u64(rng));
    if (err) {
        goto out_free;
    }
    err = cjd_map_init(&s->by_handle, cjd_rng_u64(rng));
    if (err) {
        goto out_map;
    }
    *out = s;
    return 0;

out_map:
    cjd_map_fini(&s->by_addr);
out_free:
    free(s);
    return err;
}

static void discard_waiting(struct session *e)
{
    for (unsigned i = 0; i < e->waiting_count; i++) {
        cjd_pool_give(e->owner->config.pool, e->waiting[i]);
    }
    e->owner->waiting -= e->waiting_count;
    e->waiting_count = 0;
}

static void unlink_use(struct session *e)
{
    struct cjd_sessions *s = e->owner;

    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void link_use(struct session *e)
{
    struct cjd_sessions *s = e->owner;

    e->older = s->newest;
    if (s->newest) {
        s->newest->newer = e;
    } else {
        s->oldest = e;
    }
    s->newest = e;
}

void session_touch(struct session *e)
{
    if (e->owner->newest != e) {
        unlink_use(e);
        link_use(e);
    }
}

static void destroy(struct session *e)
{
    struct cjd_sessions *s = e->owner;

    discard_waiting(e);
    cjd_timer_cancel(s->config.timers, &e->timer);
    cjd_map_remove(&s->by_addr, &e->by_addr);
    if (e->has_key) {
        cjd_map_remove(&s->by_handle, &e->by_handle);
        cjd_ca_fini(&e->ca);
    } else {
        s->keyless--;
    }
    if (s->last_tx == e) {
        s->last_tx = NULL;
    }
    unlink_use(e);
    s->count--;
    free(e);
}

void session_free(struct session *e, uint64_t now_ns)
{
    session_give_up(e, now_ns);
    destroy(e);
}

void cjd_sessions_free(struct cjd_sessions *s)
{
    if (!s) {
        return;
    }
    for (struct session *e = s->newest, *older; e; e = older) {
        older = e->older;
        destroy(e);
    }
    cjd_map_fini(&s->by_addr);
    cjd_map_fini(&s->by_handle);
    free(s);
}

/* --- look-up -----------------------------------------------------------------------------------
 */

static bool addr_equal(const struct cjd_map_node *node, const void *key)
{
    const struct session *e = CJD_CONTAINER_OF(node, const struct session, by_addr);
    return memcmp(&e->addr, key, sizeof e->addr) == 0;
}

static bool handle_equal(const struct cjd_map_node *node, const void *key)
{
    const struct session *e = CJD_CONTAINER_OF(node, const struct session, by_handle);
    return memcmp(&e->rx_handle, key, sizeof e->rx_handle) == 0;
}

struct session *session_find(struct cjd_sessions *s, const struct cjd_addr *addr)
{
    if (s->last_tx && memcmp(&s->last_tx->addr, addr, sizeof *addr) == 0) {
        return s->last_tx;
    }
    uint64_t hash = cjd_map_hash(&s->by_addr, addr, sizeof *addr);
    struct cjd_map_node *n = cjd_map_find(&s->by_addr, hash, addr_equal, addr);
    if (!n) {
        return NULL;
    }
    s->last_tx = CJD_CONTAINER_OF(n, struct session, by_addr);
    return s->last_tx;
}

struct session *session_by_handle(struct cjd_sessions *s, uint32_t handle)
{
    uint64_t hash = cjd_map_hash(&s->by_handle, &handle, sizeof handle);
    struct cjd_map_node *n = cjd_map_find(&s->by_handle, hash, handle_equal, &handle);

    return n ? CJD_CONTAINER_OF(n, struct session, by_handle) : NULL;
}

/* --- birth ------------------------------------------------------------------------------------ */

/* The least valuable entry: the oldest without key if there are too many of those, else the one
 * not used for longest, preferring one that carries no user traffic. False: none may go. */
static bool make_room(struct cjd_sessions *s, bool among_keyless, uint64_t now_ns)
{
    struct session *victim = NULL;

    for (struct session *e = s->oldest; e; e = e->newer) {
        if (e->pins > 0 || (among_keyless && e->has_key)) {
            continue;
        }
        victim = victim ? victim : e;
        if (among_keyless || !session_is_used(e, now_ns)) {
            victim = e;
            break;
        }
    }
    if (victim) {
        session_free(victim, now_ns);
    }
    return victim != NULL;
}

struct session *session_new(struct cjd_sessions *s, const struct cjd_addr *addr, uint64_t now_ns)
{
    bool is_crowded = s->keyless >= MAX_KEYLESS;

    if ((is_crowded || s->count >= s->config.max_sessions) && !make_room(s, is_crowded, now_ns)) {
        return NULL;
    }
    struct session *e = calloc(1, sizeof *e);
    if (!e) {
        return NULL;
    }
    e->owner = s;
    e->addr = *addr;
    e->last_rx_ns = e->last_tx_ns = now_ns;
    cjd_timer_init(&e->timer, session_timer, e);
    cjd_map_insert(&s->by_addr, &e->by_addr, cjd_map_hash(&s->by_addr, addr, sizeof *addr));
    link_use(e);
    s->count++;
    s->keyless++;
    session_arm(e, now_ns);
    return e;
}

/* Handles are never reused while the process runs; 2^32 of them outlast it. */
static uint32_t take_handle(struct cjd_sessions *s)
{
    uint32_t handle = s->next_handle++;

    if (s->next_handle >= UINT32_MAX - 1) {
        s->next_handle = HANDLE_MIN;
    }
    return handle;
}

void session_set_key(struct session *e, const struct cjd_key *key, uint64_t now_ns)
{
    struct cjd_sessions *s = e->owner;

    cjd_ca_init(&e->ca, s->config.ca, key, false, now_ns);
    e->rx_handle = take_handle(s);
    cjd_map_insert(&s->by_handle, &e->by_handle,
                   cjd_map_hash(&s->by_handle, &e->rx_handle, sizeof e->rx_handle));
    e->has_key = true;
    s->keyless--;
}

/* --- views ------------------------------------------------------------------------------------ */

int cjd_sessions_reset(struct cjd_sessions *s, const struct cjd_addr *addr)
{
    struct session *e = session_find(s, addr);

    if (!e || !e->has_key) {
        return CJD_ERR_NOT_FOUND;
    }
    cjd_ca_reset(&e->ca);
    return 0;
}

static void describe(const struct session *e, struct cjd_session_info *out)
{
    const struct path *best = path_best(e);

    *out = (struct cjd_session_info){
        .addr = e->addr,
        .version = e->version,
        .label = best ? best->label : 0,
        .rx_handle = e->rx_handle,
        .tx_handle = e->tx_handle,
        .rx_bytes = e->rx_bytes,
        .tx_bytes = e->tx_bytes,
        .last_rx_ns = e->last_rx_ns,
        .last_tx_ns = e->last_tx_ns,
        .paths = e->path_count,
        .waiting = e->waiting_count,
    };
    if (e->has_key) {
        out->key = e->ca.peer_key;
        out->state = cjd_ca_state(&e->ca);
        out->lost = e->ca.live.replay.lost;
        out->duplicates = e->ca.live.replay.duplicates;
        out->out_of_range = e->ca.live.replay.out_of_range;
    }
}

bool cjd_sessions_at(const struct cjd_sessions *s, uint32_t index, struct cjd_session_info *out)
{
    for (const struct session *e = s->newest; e; e = e->older) {
        if (index-- == 0) {
            describe(e, out);
            return true;
        }
    }
    return false;
}

uint32_t cjd_sessions_count(const struct cjd_sessions *s)
{
    return s->count;
}
