#include "udp_peers.h"

#include <stdlib.h>
#include <string.h>

enum udp_peer_state {
    PEER_NEW,     /* not told to the core yet */
    PEER_FIXED,   /* has its numeric address for good */
    PEER_DEAD,    /* refused or removed by the core; the next reload tries again */
    PEER_WAITING, /* for the timer, to ask (or to tell the core, where it had no room) */
    PEER_ASKING,  /* a name is being resolved */
    PEER_TRYING,  /* has an address that gave no sign of life yet */
    PEER_ALIVE,
};

struct cjd_udp_peer {
    struct cjd_udp_peers *owner;
    const struct cjd_udp_peer_conf *conf;
    enum udp_peer_state state;
    bool is_added; /* the core knows it as `id` */
    bool is_kept;  /* used while a configuration is applied */
    uint32_t id;
    struct cjd_linkaddr addr; /* as told to the core; len 0: none */
    struct cjd_plugin_timer timer;
    struct cjd_resolve_request *request; /* PEER_ASKING */
    struct cjd_linkaddr found[CJD_RESOLVE_MAX];
    uint32_t found_count;
    uint32_t found_next; /* the one to be tried next */
    unsigned failures;   /* questions in a row without an answer */
    uint64_t wait_ns;    /* next wait, before jitter */
    uint64_t asked_ns;
    uint64_t tried_ns;
    uint64_t reported_ns; /* 0: never */
};

static void locate(struct cjd_udp_peer *p);
static void try_next(struct cjd_udp_peer *p);

static uint64_t now(const struct cjd_udp_peer *p)
{
    const struct cjd_udp_peers_env *env = &p->owner->env;
    return env->time->now_ns(env->host);
}

static bool is_numeric(const struct cjd_udp_peer *p)
{
    return p->conf->target.family != AF_UNSPEC;
}

/* Its address has to be found, and may change: a name, or a device that may come and go. */
static bool is_movable(const struct cjd_udp_peer *p)
{
    return !is_numeric(p) || p->conf->target.zone[0] != '\0';
}

/* --- waiting ------------------------------------------------------------------------------------
 */

static void arm(struct cjd_udp_peer *p, uint64_t delay_ns)
{
    const struct cjd_udp_peers_env *env = &p->owner->env;
    env->loop->timer_arm(env->host, &p->timer, delay_ns);
}

static void disarm(struct cjd_udp_peer *p)
{
    const struct cjd_udp_peers_env *env = &p->owner->env;
    env->loop->timer_cancel(env->host, &p->timer);
}

static void drop_request(struct cjd_udp_peer *p)
{
    const struct cjd_udp_peers_env *env = &p->owner->env;

    if (p->request) {
        env->resolve->cancel(env->host, p->request);
        p->request = NULL;
    }
}

static void wait_for(struct cjd_udp_peer *p, uint64_t delay_ns)
{
    p->state = PEER_WAITING;
    arm(p, delay_ns);
}

static void back_off(struct cjd_udp_peer *p)
{
    const struct cjd_udp_peers_env *env = &p->owner->env;
    uint32_t random;

    env->random->fill(env->host, &random, sizeof random);
    uint64_t quarter = p->wait_ns / 4;
    wait_for(p, p->wait_ns - quarter * random / UINT32_MAX);
    p->wait_ns = 2 * p->wait_ns < CJD_UDP_WAIT_MAX_NS ? 2 * p->wait_ns : CJD_UDP_WAIT_MAX_NS;
}

/* --- telling the core ---------------------------------------------------------------------------
 */

static void set_reason(const struct cjd_udp_peer *p, int32_t reason)
{
    const struct cjd_udp_peers_env *env = &p->owner->env;

    if (p->is_added) {
        env->peer->set_reason(env->host, p->id, reason);
    }
}

static void fail_add(struct cjd_udp_peer *p, int err)
{
    const struct cjd_logger *log = p->owner->env.log;

    if (err == CJD_ERR_EXISTS || err == CJD_ERR_FULL || err == CJD_ERR_NO_MEMORY) {
        cjd_logger_write(log, p->failures++ == 0 ? CJD_LEVEL_WARN : CJD_LEVEL_DEBUG,
                         "peer %s cannot be added now, trying again: %s", p->conf->address,
                         cjd_err_text(err));
        back_off(p);
        return;
    }
    cjd_logger_write(log, CJD_LEVEL_ERROR, "peer %s is left out: %s", p->conf->address,
                     cjd_err_text(err));
    p->state = PEER_DEAD;
}

static void add(struct cjd_udp_peer *p)
{
    const struct cjd_udp_peers_env *env = &p->owner->env;
    const struct cjd_udp_target *target = &p->conf->target;
    struct cjd_peer_spec spec = {.size = sizeof spec,
                                 .link = env->link,
                                 .key = p->conf->who.key,
                                 .login = p->conf->who.login,
                                 .password = p->conf->who.password,
                                 .name = p->conf->who.name};

    if (!is_movable(p)) {
        cjd_udp_addr_make_peer(&spec.addr, target->family, target->ip, target->port, 0);
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
    p->state = PEER_FIXED;
    if (is_movable(p)) {
        set_reason(p, CJD_PEER_REASON_NO_ADDRESS);
        locate(p);
    }
}

/* --- finding addresses
 * ---------------------------------------------------------------------------- */

static void fail_locate(struct cjd_udp_peer *p, const char *why)
{
    cjd_logger_write(p->owner->env.log, p->failures++ == 0 ? CJD_LEVEL_WARN : CJD_LEVEL_DEBUG,
                     "no address for peer %s: %s", p->conf->address, why);
    if (p->addr.len == 0) {
        set_reason(p, is_numeric(p) ? CJD_PEER_REASON_NO_ADDRESS : CJD_PEER_REASON_NAME);
    }
    back_off(p);
}

static bool is_in(const struct cjd_linkaddr *list, uint32_t count, const struct cjd_linkaddr *addr)
{
    for (uint32_t i = 0; i < count; i++) {
        if (cjd_udp_addr_equal(&list[i], addr)) {
            return true;
        }
    }
    return false;
}

static void collect(struct cjd_udp_peer *p, const struct cjd_resolve_answer *answer)
{
    int family = p->owner->env.family;
    uint32_t wanted = family == AF_INET ? 4 : 6;
    uint32_t count = answer->count < CJD_RESOLVE_MAX ? answer->count : CJD_RESOLVE_MAX;
    struct cjd_linkaddr addr;

    p->found_count = 0;
    p->found_next = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *ip = answer->addr[i].b;
        /* Name servers that block a name answer with the all-zero address. */
        if (answer->addr[i].family != wanted || !cjd_udp_ip_is_usable(family, ip) ||
            cjd_udp_ip_is_any(family, ip)) {
            continue;
        }
        cjd_udp_addr_make(&addr, family, ip, p->conf->target.port, 0);
        if (!is_in(p->found, p->found_count, &addr)) {
            p->found[p->found_count++] = addr;
        }
    }
}

/* Begins behind the address in use: it is the one that does not answer, so it is tried last. */
static void start_behind_current(struct cjd_udp_peer *p)
{
    struct cjd_linkaddr turned[CJD_RESOLVE_MAX];
    uint32_t first = 0;

    for (uint32_t i = 0; i < p->found_count; i++) {
        if (cjd_udp_addr_equal(&p->found[i], &p->addr)) {
            first = i + 1;
        }
    }
    for (uint32_t i = 0; i < p->found_count; i++) {
        turned[i] = p->found[(first + i) % p->found_count];
    }
    memcpy(p->found, turned, p->found_count * sizeof *turned);
}

static void use_found(struct cjd_udp_peer *p)
{
    p->failures = 0;
    start_behind_current(p);
    try_next(p);
}

static void on_answer(void *arg, const struct cjd_resolve_answer *answer)
{
    struct cjd_udp_peer *p = arg;

    p->request = NULL;
    if (answer->err != 0) {
        const char *reason = answer->reason && answer->reason[0] != '\0'
                                 ? answer->reason
                                 : cjd_err_text(answer->err);
        fail_locate(p, reason);
        return;
    }
    collect(p, answer);
    if (p->found_count == 0) {
        fail_locate(p, p->owner->env.family == AF_INET ? "its name has no usable IPv4 address"
                                                       : "its name has no usable IPv6 address");
        return;
    }
    use_found(p);
}

static void locate_device(struct cjd_udp_peer *p)
{
    const struct cjd_udp_target *target = &p->conf->target;
    uint32_t scope;

    if (cjd_udp_zone_index(target->zone, &scope) != 0) {
        fail_locate(p, "there is no such network device");
        return;
    }
    cjd_udp_addr_make(&p->found[0], target->family, target->ip, target->port, scope);
    p->found_count = 1;
    p->found_next = 0;
    use_found(p);
}

static void locate(struct cjd_udp_peer *p)
{
    const struct cjd_udp_peers_env *env = &p->owner->env;

    disarm(p);
    p->asked_ns = now(p);
    if (is_numeric(p)) {
        locate_device(p);
        return;
    }
    p->state = PEER_ASKING;
    int err = env->resolve->ask(env->host, &p->request, p->conf->target.host,
                                env->family == AF_INET ? 4 : 6, on_answer, p);
    if (err != 0) {
        p->request = NULL;
        fail_locate(p, cjd_err_text(err));
    }
}

/* --- trying them --------------------------------------------------------------------------------
 */

static void begin_try(struct cjd_udp_peer *p)
{
    p->state = PEER_TRYING;
    p->tried_ns = now(p);
    arm(p, CJD_UDP_TRY_NS);
}

/* The core forgot the peer, and its event is still under way. */
static void lose(struct cjd_udp_peer *p)
{
    disarm(p);
    drop_request(p);
    p->is_added = false;
    p->state = PEER_DEAD;
}

/* True: the peer has this address now. */
static bool move_to(struct cjd_udp_peer *p, const struct cjd_linkaddr *addr)
{
    const struct cjd_udp_peers_env *env = &p->owner->env;
    char text[CJD_UDP_TEXT_SIZE] = "";

    (void)cjd_udp_addr_text(addr, text, sizeof text);
    int err = cjd_udp_addr_equal(addr, &p->addr) ? 0 : env->peer->set_addr(env->host, p->id, addr);
    if (err == 0) {
        cjd_logger_write(env->log, CJD_LEVEL_DEBUG, "peer %s is tried at %s", p->conf->address,
                         text);
        p->addr = *addr;
        return true;
    }
    cjd_logger_write(env->log, CJD_LEVEL_INFO, "peer %s cannot have the address %s: %s",
                     p->conf->address, text, cjd_err_text(err));
    if (err == CJD_ERR_NOT_FOUND) {
        lose(p);
    }
    return false;
}

static void try_next(struct cjd_udp_peer *p)
{
    while (p->found_next < p->found_count) {
        const struct cjd_linkaddr *addr = &p->found[p->found_next++];
        if (move_to(p, addr)) {
            begin_try(p);
            return;
        }
        if (p->state == PEER_DEAD) {
            return;
        }
    }
    disarm(p);
    back_off(p);
}

/* Nothing is heard of the peer. */
static void on_trouble(struct cjd_udp_peer *p)
{
    uint64_t age_ns;

    if (p->state == PEER_TRYING) {
        age_ns = now(p) - p->tried_ns;
        if (age_ns >= CJD_UDP_KEEP_NS) {
            try_next(p);
        } else {
            arm(p, CJD_UDP_KEEP_NS - age_ns);
        }
    } else if (p->state == PEER_ALIVE) {
        age_ns = now(p) - p->asked_ns;
        if (age_ns >= CJD_UDP_ASK_AGAIN_NS) {
            locate(p);
        } else {
            wait_for(p, CJD_UDP_ASK_AGAIN_NS - age_ns);
        }
    }
}

static void on_timer(void *arg)
{
    struct cjd_udp_peer *p = arg;

    if (p->state == PEER_TRYING) {
        try_next(p);
    } else if (p->state == PEER_WAITING) {
        if (p->is_added) {
            locate(p);
        } else {
            add(p);
        }
    }
}

static void on_life(struct cjd_udp_peer *p)
{
    disarm(p);
    drop_request(p);
    p->state = PEER_ALIVE;
    p->wait_ns = CJD_UDP_WAIT_MIN_NS;
}

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
    struct cjd_udp_peer *p = event->link == peers->env.link ? find(peers, event) : NULL;

    if (!p) {
        return;
    }
    if (event->removed) {
        lose(p);
    } else if (!is_movable(p)) {
        return;
    } else if (event->state == CJD_PEER_UNRESPONSIVE ||
               event->reason == CJD_PEER_REASON_NO_ANSWER) {
        on_trouble(p);
    } else if (is_life(event->state)) {
        on_life(p);
    }
}

void cjd_udp_peers_unsendable(struct cjd_udp_peers *peers, const struct cjd_linkaddr *addr,
                              int errno_value)
{
    for (size_t i = 0; i < peers->count; i++) {
        struct cjd_udp_peer *p = peers->v[i];
        if (!p->is_added || !cjd_udp_addr_equal(&p->addr, addr)) {
            continue;
        }
        if (p->reported_ns != 0 && now(p) - p->reported_ns < CJD_UDP_REPORT_NS) {
            return;
        }
        p->reported_ns = now(p);
        cjd_logger_write(peers->env.log, CJD_LEVEL_INFO, "cannot send to peer %s: %s",
                         p->conf->address, strerror(errno_value));
        set_reason(p, CJD_PEER_REASON_SEND);
        on_trouble(p);
        return;
    }
}

/* --- the list -----------------------------------------------------------------------------------
 */

void cjd_udp_peers_init(struct cjd_udp_peers *peers, const struct cjd_udp_peers_env *env)
{
    *peers = (struct cjd_udp_peers){.env = *env};
}

static struct cjd_udp_peer *peer_new(struct cjd_udp_peers *peers,
                                     const struct cjd_udp_peer_conf *conf)
{
    struct cjd_udp_peer *p = calloc(1, sizeof *p);

    if (p) {
        p->owner = peers;
        p->conf = conf;
        p->wait_ns = CJD_UDP_WAIT_MIN_NS;
        peers->env.loop->timer_init(peers->env.host, &p->timer, on_timer, p);
    }
    return p;
}

static void peer_free(struct cjd_udp_peer *p)
{
    disarm(p);
    drop_request(p);
    free(p);
}

/* Takes it from the core, too. */
static void peer_remove(struct cjd_udp_peer *p)
{
    const struct cjd_udp_peers_env *env = &p->owner->env;

    if (p->is_added) {
        p->is_added = false;
        int err = env->peer->remove(env->host, p->id);
        if (err != 0) {
            cjd_logger_write(env->log, CJD_LEVEL_DEBUG, "peer %s was gone already: %s",
                             p->conf->address, cjd_err_text(err));
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
        p = p ? p : peer_new(peers, &config->peers[i]);
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
        list[i]->conf = &config->peers[i];
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
