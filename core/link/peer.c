#include <link/private.h>

#include <cjd/version.h>

#include <cjd/text.h>
#include <stdio.h>
#include <string.h>

bool version_is_compatible(uint32_t version)
{
    return version >= CJD_PROTOCOL_MIN;
}

bool peer_can_call(const struct peer *p)
{
    return !p->is_incoming || p->is_beacon;
}

static int slot_take(struct cjd_links *l)
{
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        if (!l->slot[i]) {
            return (int)i;
        }
    }
    return CJD_ERR_FULL;
}

struct peer *peer_new(struct cjd_links *l, uint32_t link, const struct cjd_linkaddr *addr,
                      const struct cjd_key *key, int *err)
{
    int slot = slot_take(l);
    int iface = slot < 0 ? CJD_ERR_FULL : cjd_switch_iface_add(l->config.sw);
    struct peer *p = iface < 0 ? NULL : calloc(1, sizeof *p);

    if (!p) {
        if (iface >= 0) {
            cjd_switch_iface_del(l->config.sw, (uint32_t)iface);
        }
        *err = iface < 0 ? iface : CJD_ERR_NO_MEMORY;
        return NULL;
    }
    p->links = l;
    p->link = link;
    p->addr = *addr;
    p->ca.peer_key = *key;
    p->iface = (uint32_t)iface;
    p->label = cjd_scheme_peer_label(&l->config.sw->scheme, p->iface);
    l->generation[slot] = (uint16_t)(l->generation[slot] % GENERATIONS + 1);
    p->number = (uint32_t)l->generation[slot] << 16 | (uint32_t)slot;
    cjd_timer_init(&p->tick, peer_tick, p);
    l->slot[slot] = p;
    l->by_iface[iface] = p;
    addr_index_add(l, p);
    *err = 0;
    return p;
}

void peer_free(struct peer *p, uint64_t now_ns)
{
    struct cjd_links *l = p->links;
    struct cjd_peer_info info;

    peer_announce(p, false, now_ns);
    peer_info(p, &info);
    cjd_timer_cancel(l->config.timers, &p->tick);
    addr_index_remove(l, p);
    cjd_switch_iface_del(l->config.sw, p->iface);
    l->by_iface[p->iface] = NULL;
    l->slot[p->number & 0xffff] = NULL;
    cjd_ca_fini(&p->ca);
    free(p);
    l->config.ops.peer_event(l->config.ops.ctx, &info, true);
}

/* How little would be lost with a peer: higher is less valuable; 0 = never drop. */
static unsigned worthlessness(const struct peer *p)
{
    if (!p->is_incoming) {
        return 0;
    }
    if (p->last_ns == 0) {
        return 3; /* never established: may be a replayed hello */
    }
    return p->state == CJD_LINK_STATE_UNRESPONSIVE ? 2 : 0;
}

bool peer_make_room(struct cjd_links *l, uint64_t now_ns)
{
    struct peer *worst = NULL;

    for (unsigned i = 0; i < PEERS_MAX; i++) {
        struct peer *p = l->slot[i];
        if (!p || worthlessness(p) == 0) {
            continue;
        }
        if (!worst || worthlessness(p) > worthlessness(worst) ||
            (worthlessness(p) == worthlessness(worst) && p->heard_ns < worst->heard_ns)) {
            worst = p;
        }
    }
    if (worst) {
        peer_free(worst, now_ns);
    }
    return worst != NULL;
}

void peer_info(const struct peer *p, struct cjd_peer_info *out)
{
    const struct cjd_replay *replay = &p->ca.live.replay;

    *out = (struct cjd_peer_info){
        .peer = p->number,
        .link = p->link,
        .addr = p->addr,
        .key = p->ca.peer_key,
        .ip6 = p->ca.peer_addr,
        .label = p->label,
        .state = p->state,
        .reason = p->reason,
        .since_ns = p->since_ns,
        .last_ns = p->last_ns,
        .rtt_ns = p->rtt_ns,
        .version = p->version,
        .cost_ms = p->cost_ms,
        .is_incoming = p->is_incoming,
        .rx_bytes = p->rx_bytes,
        .tx_bytes = p->tx_bytes,
        .rx_packets = p->rx_packets,
        .lost = p->lost_before + replay->lost,
        .duplicates = replay->duplicates,
        .out_of_range = replay->out_of_range,
    };
    memcpy(out->name, p->name, sizeof out->name);
    memcpy(out->login, p->ca.login, sizeof out->login);
}

void place_text(const struct cjd_links *l, uint32_t link, const struct cjd_linkaddr *addr,
                char out[PLACE_BYTES])
{
    const struct cjd_links_ops *ops = &l->config.ops;
    char text[96];
    bool has_text = addr->len > 0 && ops->addr_text &&
                    ops->addr_text(ops->ctx, link, addr, text, sizeof text) >= 0;

    snprintf(out, PLACE_BYTES, "%s%s link=%s", has_text ? " at=" : "", has_text ? text : "",
             l->link[link].name);
}

/* The name it has here, or the login it used. */
static void who_text(const struct peer *p, char *out, size_t cap)
{
    out[0] = '\0';
    if (p->name[0] != '\0') {
        snprintf(out, cap, " name=\"%s\"", p->name);
    } else if (p->ca.login[0] != '\0') {
        snprintf(out, cap, " login=\"%s\"", p->ca.login);
    }
}

static void tell_state(struct peer *p, uint64_t now_ns)
{
    struct cjd_links *l = p->links;
    bool is_news = p->state == CJD_CA_ESTABLISHED || p->state < 0 ||
                   (p->reason != CJD_LINK_REASON_HANDSHAKE && p->reason != CJD_LINK_REASON_NEW);
    enum cjd_log_level level = is_news ? CJD_LOG_INFO : CJD_LOG_DEBUG;
    char key[CJD_KEY_TEXT_SIZE];
    char who[CJD_LOGIN_MAX + CJD_PEER_NAME_MAX];
    char place[PLACE_BYTES];

    if (!cjd_log_is_on(&l->config.log, level)) {
        return;
    }
    cjd_key_to_text(key, &p->ca.peer_key);
    who_text(p, who, sizeof who);
    place_text(l, p->link, &p->addr, place);
    cjd_log_limited(&l->config.log, &l->peer_limit, now_ns, level,
                    "peer %s%s state=%s reason=\"%s\"%s version=%u", key, who,
                    cjd_link_state_text(p->state), cjd_link_reason_text(p->reason), place,
                    (unsigned)p->version);
}

void peer_set_state(struct peer *p, int state, enum cjd_link_reason reason, uint64_t now_ns)
{
    struct cjd_links *l = p->links;
    struct cjd_peer_info info;

    if (p->state == state && p->reason == reason) {
        return;
    }
    p->state = state;
    p->reason = reason;
    p->since_ns = now_ns;
    tell_state(p, now_ns);
    peer_info(p, &info);
    l->config.ops.peer_event(l->config.ops.ctx, &info, false);
}

void peer_announce(struct peer *p, bool is_up, uint64_t now_ns)
{
    struct cjd_links *l = p->links;
    struct cjd_peer_info info;

    if (p->is_announced == is_up) {
        return;
    }
    p->is_announced = is_up;
    /* A link that is down answers UNDELIVERABLE to transit frames (switch notes §7.2 rule 7). */
    cjd_switch_iface_set_up(l->config.sw, p->iface, is_up);
    peer_info(p, &info);
    p->measured = 0;
    p->told_rtt_ns = p->rtt_ns;
    if (is_up) {
        l->config.ops.peer_up(l->config.ops.ctx, &info, now_ns);
    } else {
        l->config.ops.peer_down(l->config.ops.ctx, &info, now_ns);
    }
}

void peer_tell_rtt(struct peer *p, uint64_t now_ns)
{
    struct cjd_links *l = p->links;
    struct cjd_peer_info info;
    uint64_t known = p->told_rtt_ns;

    if (!p->is_announced || (p->rtt_ns <= known + known / 4 && p->rtt_ns >= known - known / 4)) {
        return;
    }
    p->told_rtt_ns = p->rtt_ns;
    peer_info(p, &info);
    l->config.ops.peer_up(l->config.ops.ctx, &info, now_ns);
}

void peer_reset(struct peer *p)
{
    p->lost_before += p->ca.live.replay.lost;
    cjd_ca_reset(&p->ca);
}

void peer_expire(struct peer *p, uint64_t now_ns)
{
    uint32_t lost = p->ca.live.replay.lost;

    cjd_ca_expire(&p->ca, now_ns);
    if (p->ca.live.replay.lost < lost) {
        p->lost_before += lost;
    }
}

static enum cjd_link_reason first_reason(const struct peer *p)
{
    if (!has_carrier(p)) {
        return CJD_LINK_REASON_LINK_DOWN;
    }
    return p->addr.len > 0 ? CJD_LINK_REASON_NEW : CJD_LINK_REASON_NO_ADDRESS;
}

void peer_restart(struct peer *p, uint64_t now_ns)
{
    peer_reset(p);
    p->version = 0;
    p->has_no_version = false;
    peer_announce(p, false, now_ns);
    peer_set_state(p, CJD_CA_INIT, first_reason(p), now_ns);
    peer_kick(p, now_ns);
}

void peer_update_state(struct peer *p, uint64_t now_ns)
{
    enum cjd_ca_state ca = cjd_ca_state(&p->ca);

    if (p->version != 0 && !version_is_compatible(p->version)) {
        peer_announce(p, false, now_ns);
        peer_set_state(p, CJD_LINK_STATE_INCOMPATIBLE, CJD_LINK_REASON_VERSION, now_ns);
        return;
    }
    if (ca != CJD_CA_ESTABLISHED) {
        peer_announce(p, false, now_ns);
    }
    peer_set_state(p, (int)ca,
                   ca == CJD_CA_ESTABLISHED ? CJD_LINK_REASON_UP : CJD_LINK_REASON_HANDSHAKE,
                   now_ns);
    if (ca == CJD_CA_ESTABLISHED && p->version != 0) {
        peer_announce(p, true, now_ns);
    }
}

/* --- configured peers ------------------------------------------------------------------------- */

int peer_check_spec(struct cjd_links *l, const struct cjd_link_peer_spec *spec)
{
    struct cjd_addr addr;

    if (spec->link >= CJD_LINKS_MAX || !l->link[spec->link].is_used ||
        spec->addr.len > CJD_LINKADDR_MAX) {
        return CJD_ERR_INVALID;
    }
    if (!cjd_addr_of_key_is_valid(&addr, &spec->key)) {
        return CJD_ERR_BAD_KEY;
    }
    if (memcmp(&spec->key, &l->config.ca->self->key, sizeof spec->key) == 0) {
        return CJD_ERR_OWN_KEY;
    }
    return 0;
}

struct peer *peer_make(struct cjd_links *l, const struct cjd_link_peer_spec *spec, uint64_t now_ns,
                       int *err)
{
    struct peer *p = peer_new(l, spec->link, &spec->addr, &spec->key, err);

    if (!p && *err == CJD_ERR_FULL && peer_make_room(l, now_ns)) {
        p = peer_new(l, spec->link, &spec->addr, &spec->key, err);
    }
    if (!p) {
        return NULL;
    }
    cjd_ca_init(&p->ca, l->config.ca, &spec->key, false, now_ns);
    cjd_ca_set_credentials(&p->ca, &spec->credentials);
    p->created_ns = p->since_ns = now_ns;
    p->version = spec->version;
    p->home = spec->addr;
    p->cost_ms = spec->cost_ms;
    cjd_switch_iface_set_up(l->config.sw, p->iface, false);
    if (spec->name) {
        strncpy(p->name, spec->name, CJD_PEER_NAME_MAX);
    }
    p->reason = first_reason(p);
    return p;
}

int cjd_links_peer_add(struct cjd_links *l, const struct cjd_link_peer_spec *spec, uint64_t now_ns)
{
    int err = peer_check_spec(l, spec);
    if (err) {
        return err;
    }
    struct peer *old = peer_by_addr(l, spec->link, &spec->addr);
    if (old && !old->is_incoming) {
        return CJD_ERR_EXISTS;
    }
    if (old) {
        /* The operator's word counts more than who happened to call first. */
        peer_free(old, now_ns);
    }
    struct peer *p = peer_make(l, spec, now_ns, &err);
    if (!p) {
        return err;
    }
    uint32_t number = p->number;
    peer_kick(p, now_ns);
    return (int)number;
}

int cjd_links_peer_del(struct cjd_links *l, uint32_t number, uint64_t now_ns)
{
    struct peer *p = peer_by_number(l, number);

    if (!p) {
        return CJD_ERR_NOT_FOUND;
    }
    peer_free(p, now_ns);
    return 0;
}

int cjd_links_peer_set_addr(struct cjd_links *l, uint32_t number, const struct cjd_linkaddr *addr,
                            uint64_t now_ns)
{
    struct peer *p = peer_by_number(l, number);

    if (!p) {
        return CJD_ERR_NOT_FOUND;
    }
    if (addr->len > CJD_LINKADDR_MAX) {
        return CJD_ERR_INVALID;
    }
    struct peer *other = peer_by_addr(l, p->link, addr);
    if (other == p) {
        p->home = *addr;
        return 0;
    }
    if (other && !other->is_incoming) {
        return CJD_ERR_EXISTS;
    }
    if (other) {
        peer_free(other, now_ns);
    }
    p->home = *addr;
    addr_change(p, addr);
    peer_restart(p, now_ns);
    return 0;
}

int cjd_links_peer_restart(struct cjd_links *l, uint32_t number, uint64_t now_ns)
{
    struct peer *p = peer_by_number(l, number);

    if (!p) {
        return CJD_ERR_NOT_FOUND;
    }
    peer_restart(p, now_ns);
    return 0;
}

void cjd_links_peer_set_reason(struct cjd_links *l, uint32_t number, enum cjd_link_reason reason,
                               uint64_t now_ns)
{
    struct peer *p = peer_by_number(l, number);

    if (!p || !has_carrier(p)) {
        return;
    }
    if (p->state != (int)CJD_CA_ESTABLISHED) {
        p->told_ns = now_ns;
        peer_set_state(p, p->state, reason, now_ns);
    } else if (reason == CJD_LINK_REASON_SEND) {
        /* A working link is not talked down by a hint from its driver, but it is looked at. */
        peer_doubt(p, now_ns);
    }
}
