#include "udp_peers.h"

#include <stdlib.h>
#include <string.h>

#include "udp_place.h"

enum udp_peer_state {
    PEER_NEW,     /* not told to the core yet */
    PEER_DEAD,    /* refused or removed by the core; the next reload tries again */
    PEER_WAITING, /* to be told to the core, which had no room */
    PEER_IDLE,    /* no address is found yet */
    PEER_TRYING,  /* has an address that gives no sign of life */
    PEER_ALIVE,
};

struct cjd_udp_peer {
    const struct cjd_udp_env *env;
    const struct cjd_udp_peer_conf *conf;
    enum udp_peer_state state;
    bool is_added; /* the core knows it as `id` */
    bool is_kept;  /* used while a configuration is applied */
    uint32_t id;
    struct cjd_linkaddr addr; /* as last told to the core; len 0: none */
    struct cjd_plugin_timer timer;
    bool is_armed;
    uint64_t wait_ns;    /* WAITING: the next wait */
    uint64_t window_ns;  /* TRYING: of this round */
    uint32_t tried;      /* in this round */
    uint32_t unsendable; /* in a row */
    unsigned failures;
    uint64_t reported_ns; /* 0: never */
    uint64_t told_ns;
    size_t place_count;
    struct cjd_udp_place place[];
};

struct candidates {
    uint32_t count;
    struct cjd_linkaddr v[CJD_UDP_CANDIDATES_MAX];
};

/* --- helpers ------------------------------------------------------------------------------------
 */

static void arm(struct cjd_udp_peer *p, uint64_t delay_ns)
{
    p->is_armed = true;
    p->env->loop->timer_arm(p->env->host, &p->timer, delay_ns);
}

static void disarm(struct cjd_udp_peer *p)
{
    p->is_armed = false;
    p->env->loop->timer_cancel(p->env->host, &p->timer);
}

static void set_reason(const struct cjd_udp_peer *p, int32_t reason)
{
    if (p->is_added) {
        p->env->peer->set_reason(p->env->host, p->id, reason);
    }
}

/* -1: not among them. */
static int index_of(const struct candidates *c, const struct cjd_linkaddr *addr)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (cjd_udp_addr_equal(&c->v[i], addr)) {
            return (int)i;
        }
    }
    return -1;
}

/* In the order of the configuration, without repeats: two names may stand for one address. */
static struct candidates gather(const struct cjd_udp_peer *p)
{
    struct candidates c = {.count = 0};

    for (size_t i = 0; i < p->place_count; i++) {
        const struct cjd_udp_found *found = &p->place[i].found;
        for (uint32_t j = 0; j < found->count && c.count < CJD_UDP_CANDIDATES_MAX; j++) {
            if (index_of(&c, &found->v[j]) < 0) {
                c.v[c.count++] = found->v[j];
            }
        }
    }
    return c;
}

/* --- trying addresses ---------------------------------------------------------------------------
 */

/* The core forgot the peer, and its event is still under way. */
static void lose(struct cjd_udp_peer *p)
{
    disarm(p);
    for (size_t i = 0; i < p->place_count; i++) {
        cjd_udp_place_settle(&p->place[i]);
    }
    p->is_added = false;
    p->state = PEER_DEAD;
}

/* True: the peer has this address now. The core is told even where we think it has it already: it
 * may have followed the peer elsewhere. */
static bool move_to(struct cjd_udp_peer *p, const struct cjd_linkaddr *addr)
{
    char text[CJD_UDP_TEXT_SIZE] = "";

    (void)cjd_udp_addr_text(addr, text, sizeof text);
    int err = p->env->peer->set_addr(p->env->host, p->id, addr);
    if (err == 0) {
        cjd_logger_write(p->env->log, CJD_LEVEL_DEBUG, "peer %s is tried at %s",
                         p->conf->address[0], text);
        p->addr = *addr;
        return true;
    }
    cjd_logger_write(p->env->log, p->failures++ == 0 ? CJD_LEVEL_INFO : CJD_LEVEL_DEBUG,
                     "peer %s cannot have the address %s: %s", p->conf->address[0], text,
                     cjd_err_text(err));
    if (err == CJD_ERR_NOT_FOUND) {
        lose(p);
    }
    return false;
}

/* One more address was tried. The window grows with each round. */
static void count_try(struct cjd_udp_peer *p, uint32_t count)
{
    if (++p->tried >= count) {
        p->tried = 0;
        p->window_ns =
            2 * p->window_ns < CJD_UDP_WINDOW_MAX_NS ? 2 * p->window_ns : CJD_UDP_WINDOW_MAX_NS;
    }
}

/* To the next address that the core accepts; with a single one there is nothing to wait for. */
static void advance(struct cjd_udp_peer *p)
{
    struct candidates c = gather(p);
    uint32_t first = (uint32_t)(index_of(&c, &p->addr) + 1);

    for (uint32_t i = 0; i < c.count && p->state != PEER_DEAD; i++) {
        uint64_t window_ns = p->window_ns;
        count_try(p, c.count);
        if (move_to(p, &c.v[(first + i) % c.count])) {
            p->state = PEER_TRYING;
            if (c.count > 1) {
                arm(p, window_ns);
            }
            return;
        }
    }
    if (p->state != PEER_DEAD && c.count > 0) {
        p->state = PEER_TRYING;
        arm(p, CJD_UDP_WINDOW_MAX_NS); /* none can be had now */
    }
}

static void begin_rounds(struct cjd_udp_peer *p)
{
    p->window_ns = CJD_UDP_WINDOW_MIN_NS;
    p->tried = 0;
    p->unsendable = 0;
}

static void refresh_places(struct cjd_udp_peer *p)
{
    for (size_t i = 0; i < p->place_count && p->state != PEER_DEAD; i++) {
        cjd_udp_place_refresh(&p->place[i]);
    }
}

/* It answered before and does not now: first the address it had, for one window. */
static void on_trouble(struct cjd_udp_peer *p)
{
    p->state = PEER_TRYING;
    begin_rounds(p);
    if (gather(p).count > 1) {
        p->tried = 1;
        arm(p, p->window_ns);
    }
    refresh_places(p);
}

static void on_life(struct cjd_udp_peer *p)
{
    disarm(p);
    for (size_t i = 0; i < p->place_count; i++) {
        cjd_udp_place_settle(&p->place[i]);
    }
    p->failures = 0;
    p->unsendable = 0;
    p->state = PEER_ALIVE;
}

/* The place that knows most about why there is no address. */
static int32_t reason_of(const struct cjd_udp_peer *p)
{
    int32_t reason = CJD_PEER_REASON_NO_ADDRESS;

    for (size_t i = 0; i < p->place_count; i++) {
        if (p->place[i].reason != CJD_PEER_REASON_NO_ADDRESS) {
            reason = p->place[i].reason;
        }
    }
    return reason;
}

/* A place was looked at. */
static void on_found(void *arg)
{
    struct cjd_udp_peer *p = arg;
    struct candidates c = gather(p);

    if (!p->is_added || p->state == PEER_ALIVE) {
        return;
    }
    if (c.count == 0) {
        set_reason(p, reason_of(p));
        return;
    }
    if (p->addr.len == 0 || index_of(&c, &p->addr) < 0) {
        begin_rounds(p); /* its address is not its own any more, if it had one */
        advance(p);
    } else if (c.count > 1 && p->state == PEER_TRYING && !p->is_armed) {
        arm(p, p->window_ns);
    }
    refresh_places(p);
}

/* --- telling the core ---------------------------------------------------------------------------
 */

static void fail_add(struct cjd_udp_peer *p, int err)
{
    if (err == CJD_ERR_EXISTS || err == CJD_ERR_FULL || err == CJD_ERR_NO_MEMORY) {
        cjd_logger_write(p->env->log, p->failures++ == 0 ? CJD_LEVEL_WARN : CJD_LEVEL_DEBUG,
                         "peer %s cannot be added now, trying again: %s", p->conf->address[0],
                         cjd_err_text(err));
        p->state = PEER_WAITING;
        arm(p, cjd_udp_jitter(p->env, p->wait_ns));
        p->wait_ns = 2 * p->wait_ns < CJD_UDP_WAIT_MAX_NS ? 2 * p->wait_ns : CJD_UDP_WAIT_MAX_NS;
        return;
    }
    cjd_logger_write(p->env->log, CJD_LEVEL_ERROR, "peer %s is left out: %s", p->conf->address[0],
                     cjd_err_text(err));
    p->state = PEER_DEAD;
}

/* Told with its first address if that is known. */
static void add(struct cjd_udp_peer *p)
{
    const struct cjd_udp_env *env = p->env;
    struct candidates c = gather(p);
    struct cjd_peer_spec spec = {.size = sizeof spec,
                                 .link = env->link,
                                 .key = p->conf->who.key,
                                 .login = p->conf->who.login,
                                 .password = p->conf->who.password,
                                 .name = p->conf->who.name};

    if (c.count > 0) {
        spec.addr = c.v[0];
    }
    int err = env->peer->add(env->host, &spec, &p->id);
    if (err != 0) {
        fail_add(p, err);
        return;
    }
    p->is_added = true;
    p->addr = spec.addr;
    p->failures = 0;
    p->wait_ns = CJD_UDP_WAIT_MIN_NS;
    begin_rounds(p);
    p->state = c.count > 0 ? PEER_TRYING : PEER_IDLE;
    if (c.count == 0) {
        set_reason(p, CJD_PEER_REASON_NO_ADDRESS);
    } else if (c.count > 1) {
        count_try(p, c.count);
        arm(p, p->window_ns);
    }
    for (size_t i = 0; i < p->place_count && p->state != PEER_DEAD; i++) {
        cjd_udp_place_look(&p->place[i]);
    }
}

static void on_timer(void *arg)
{
    struct cjd_udp_peer *p = arg;

    p->is_armed = false;
    if (p->state == PEER_WAITING) {
        add(p);
    } else if (p->state == PEER_TRYING) {
        p->unsendable = 0;
        advance(p);
    }
}

/* --- events -------------------------------------------------------------------------------------
 */

/* States that only something authentic from the peer brings about (link notes §5.1). */
static bool is_life(int32_t state)
{
    return state == CJD_PEER_RECEIVED_HELLO || state == CJD_PEER_SENT_KEY ||
           state == CJD_PEER_RECEIVED_KEY || state == CJD_PEER_ESTABLISHED ||
           state == CJD_PEER_INCOMPATIBLE;
}

static struct cjd_udp_peer *find(const struct cjd_udp_peers *peers,
                                 const struct cjd_peer_event *event)
{
    for (size_t i = 0; i < peers->count; i++) {
        struct cjd_udp_peer *p = peers->v[i];
        /* Numbers are used again: the key tells an old event of another peer. */
        if (p->is_added && p->id == event->peer &&
            memcmp(&p->conf->who.key, &event->key, sizeof event->key) == 0) {
            return p;
        }
    }
    return NULL;
}

void cjd_udp_peers_event(struct cjd_udp_peers *peers, const struct cjd_peer_event *event)
{
    struct cjd_udp_peer *p = event->link == peers->env->link ? find(peers, event) : NULL;

    if (!p) {
        return;
    }
    if (event->removed) {
        lose(p);
    } else if (event->state == CJD_PEER_UNRESPONSIVE ||
               event->reason == CJD_PEER_REASON_NO_ANSWER) {
        if (p->state == PEER_ALIVE) {
            on_trouble(p);
        }
    } else if (is_life(event->state) && p->addr.len > 0) {
        on_life(p);
    }
}

/* Said once in a while. The core is told more often: its own view may have changed meanwhile. */
static void report(struct cjd_udp_peer *p, int errno_value)
{
    uint64_t now_ns = cjd_udp_now(p->env);

    if (p->told_ns == 0 || now_ns - p->told_ns >= CJD_UDP_TELL_NS) {
        p->told_ns = now_ns;
        set_reason(p, CJD_PEER_REASON_SEND);
    }
    if (p->reported_ns == 0 || now_ns - p->reported_ns >= CJD_UDP_REPORT_NS) {
        p->reported_ns = now_ns;
        cjd_logger_write(p->env->log, CJD_LEVEL_INFO, "cannot send to peer %s: %s",
                         p->conf->address[0], strerror(errno_value));
    }
}

/* What cannot be sent to is not waited for, unless that holds for all of them. */
static void on_unsendable(struct cjd_udp_peer *p, int errno_value)
{
    report(p, errno_value);
    if (p->state == PEER_ALIVE) {
        on_trouble(p);
    }
    if (p->state == PEER_TRYING && p->unsendable + 1 < gather(p).count) {
        p->unsendable++;
        advance(p);
    }
}

void cjd_udp_peers_unsendable(struct cjd_udp_peers *peers, const struct cjd_linkaddr *addr,
                              int errno_value)
{
    for (size_t i = 0; i < peers->count; i++) {
        struct cjd_udp_peer *p = peers->v[i];
        if (p->is_added && cjd_udp_addr_equal(&p->addr, addr)) {
            on_unsendable(p, errno_value);
            return;
        }
    }
}

void cjd_udp_peers_news(struct cjd_udp_peers *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        struct cjd_udp_peer *p = peers->v[i];
        if (p->state == PEER_TRYING && gather(p).count > 1) {
            begin_rounds(p);
            arm(p, p->window_ns);
        }
        for (size_t j = 0; j < p->place_count && p->is_added; j++) {
            cjd_udp_place_news(&p->place[j]);
        }
    }
}

/* --- the list -----------------------------------------------------------------------------------
 */

void cjd_udp_peers_init(struct cjd_udp_peers *peers, const struct cjd_udp_env *env)
{
    *peers = (struct cjd_udp_peers){.env = env};
}

static struct cjd_udp_peer *peer_new(const struct cjd_udp_env *env,
                                     const struct cjd_udp_peer_conf *conf)
{
    struct cjd_udp_peer *p =
        calloc(1, sizeof *p + conf->address_count * sizeof(struct cjd_udp_place));

    if (!p) {
        return NULL;
    }
    p->env = env;
    p->conf = conf;
    p->wait_ns = CJD_UDP_WAIT_MIN_NS;
    env->loop->timer_init(env->host, &p->timer, on_timer, p);
    p->place_count = conf->address_count;
    for (size_t i = 0; i < p->place_count; i++) {
        cjd_udp_place_init(&p->place[i], env, &conf->target[i], conf->address[i], on_found, p);
    }
    return p;
}

/* The same peer in another configuration. */
static void adopt(struct cjd_udp_peer *p, const struct cjd_udp_peer_conf *conf)
{
    p->conf = conf;
    for (size_t i = 0; i < p->place_count; i++) {
        p->place[i].target = &conf->target[i];
        p->place[i].text = conf->address[i];
    }
}

static void peer_free(struct cjd_udp_peer *p)
{
    disarm(p);
    for (size_t i = 0; i < p->place_count; i++) {
        cjd_udp_place_fini(&p->place[i]);
    }
    free(p);
}

/* Takes it from the core, too. */
static void peer_remove(struct cjd_udp_peer *p)
{
    const struct cjd_udp_env *env = p->env;

    if (p->is_added) {
        p->is_added = false;
        int err = env->peer->remove(env->host, p->id);
        if (err != 0) {
            cjd_logger_write(env->log, CJD_LEVEL_DEBUG, "peer %s was gone already: %s",
                             p->conf->address[0], cjd_err_text(err));
        }
    }
    peer_free(p);
}

void cjd_udp_peers_fini(struct cjd_udp_peers *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        peer_free(peers->v[i]);
    }
    free(peers->v);
    peers->v = NULL;
    peers->count = 0;
}

static struct cjd_udp_peer *find_equal(const struct cjd_udp_peers *peers,
                                       const struct cjd_udp_peer_conf *conf)
{
    for (size_t i = 0; i < peers->count; i++) {
        if (!peers->v[i]->is_kept && cjd_udp_peer_conf_equal(peers->v[i]->conf, conf)) {
            return peers->v[i];
        }
    }
    return NULL;
}

static void free_new(struct cjd_udp_peer **list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i]->state == PEER_NEW) {
            peer_free(list[i]);
        }
    }
    free(list);
}

/* The new list, of old peers where they are unchanged. NULL: no memory, nothing is changed. */
static struct cjd_udp_peer **make_list(struct cjd_udp_peers *peers,
                                       const struct cjd_udp_config *config)
{
    struct cjd_udp_peer **list = calloc(config->peer_count + 1, sizeof(struct cjd_udp_peer *));

    for (size_t i = 0; i < peers->count; i++) {
        peers->v[i]->is_kept = false;
    }
    for (size_t i = 0; list && i < config->peer_count; i++) {
        struct cjd_udp_peer *p = find_equal(peers, &config->peers[i]);
        p = p ? p : peer_new(peers->env, &config->peers[i]);
        if (!p) {
            free_new(list, i);
            return NULL;
        }
        p->is_kept = true;
        list[i] = p;
    }
    return list;
}

int cjd_udp_peers_apply(struct cjd_udp_peers *peers, const struct cjd_udp_config *config)
{
    struct cjd_udp_peers old = *peers;
    struct cjd_udp_peer **list = make_list(peers, config);

    if (!list) {
        return CJD_ERR_NO_MEMORY;
    }
    /* The new list is in place before the core is spoken to, whose events look into it. */
    peers->v = list;
    peers->count = config->peer_count;
    for (size_t i = 0; i < peers->count; i++) {
        adopt(list[i], &config->peers[i]);
    }
    for (size_t i = 0; i < old.count; i++) {
        if (!old.v[i]->is_kept) {
            peer_remove(old.v[i]);
        }
    }
    free(old.v);
    for (size_t i = 0; i < peers->count; i++) {
        if (list[i]->state == PEER_NEW || list[i]->state == PEER_DEAD) {
            add(list[i]);
        }
    }
    return 0;
}
