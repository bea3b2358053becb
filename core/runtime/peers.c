/* cjd.peer for plugins: a plugin acts on the peers of its own links only. */
#include <runtime/owner.h>

#include <stdlib.h>
#include <string.h>

#include <runtime/private.h>

/* --- events -------------------------------------------------------------------------------------
 */

static struct cjd_owner *owner_of_link(struct cjd_runtime *rt, uint32_t link)
{
    return link < CJD_LINKS_MAX ? rt->links[link].owner : NULL;
}

void cjd_peers_event(void *ctx, const struct cjd_peer_info *peer, bool was_removed)
{
    struct cjd_runtime *rt = ctx;
    struct cjd_owner *owner = owner_of_link(rt, peer->link);

    if (rt->config.peer_event) {
        rt->config.peer_event(rt->config.ctx, peer, was_removed);
    }
    if (!owner || !owner->on_peer) {
        return;
    }
    struct peer_note *note = malloc(sizeof *note);
    if (!note) {
        cjd_log(&rt->log, CJD_LOG_ERROR, "out of memory: a peer's event is lost peer=%u",
                (unsigned)peer->peer);
        return;
    }
    note->next = NULL;
    note->owner = owner;
    note->event = (struct cjd_peer_event){.size = sizeof note->event,
                                          .peer = peer->peer,
                                          .link = peer->link,
                                          .state = peer->state,
                                          .reason = (int32_t)peer->reason,
                                          .removed = was_removed,
                                          .key = peer->key};
    *rt->bridge.notes_last = note;
    rt->bridge.notes_last = &note->next;
}

static bool settle_notes(struct cjd_runtime *rt)
{
    struct bridge *br = &rt->bridge;
    bool had_some = br->notes != NULL;

    while (br->notes) {
        struct peer_note note = *br->notes;
        free(br->notes);
        br->notes = note.next;
        if (!br->notes) {
            br->notes_last = &br->notes;
        }
        if (note.owner->on_peer) {
            note.owner->on_peer(note.owner->on_peer_arg, &note.event);
        }
    }
    return had_some;
}

static bool settle_reasons(struct cjd_runtime *rt)
{
    struct bridge *br = &rt->bridge;
    bool had_some = br->reason_count > 0;

    while (br->reason_count > 0) {
        struct reason_note note = br->reasons[--br->reason_count];
        cjd_bridge_enter(rt);
        cjd_node_peer_set_reason(rt->node, note.peer, note.reason, cjd_runtime_now(rt));
        cjd_bridge_leave(rt);
    }
    return had_some;
}

bool cjd_peers_settle(struct cjd_runtime *rt)
{
    bool had_reasons = settle_reasons(rt);

    return settle_notes(rt) || had_reasons;
}

void cjd_peers_undo(struct cjd_owner *owner)
{
    struct bridge *br = &owner->rt->bridge;
    struct peer_note **at = &br->notes;

    owner->on_peer = NULL;
    owner->on_peer_arg = NULL;
    while (*at) {
        struct peer_note *note = *at;
        if (note->owner == owner) {
            *at = note->next;
            free(note);
        } else {
            at = &note->next;
        }
    }
    br->notes_last = at;
}

int cjd_owner_peer_watch(struct cjd_owner *owner, cjd_peer_event_fn fn, void *arg)
{
    if (!fn) {
        return CJD_ERR_INVALID;
    }
    if (owner->on_peer) {
        return CJD_ERR_EXISTS;
    }
    owner->on_peer = fn;
    owner->on_peer_arg = arg;
    return 0;
}

/* --- calls --------------------------------------------------------------------------------------
 */

/* The peer exists and is on a link of this owner, and the node may be called. */
static int check_peer(struct cjd_owner *owner, uint32_t peer)
{
    struct cjd_peer_info info;

    if (!owner->rt->node || owner->rt->bridge.depth > 0) {
        return CJD_ERR_STATE;
    }
    if (!cjd_links_peer(cjd_node_links(owner->rt->node), peer, &info) ||
        owner_of_link(owner->rt, info.link) != owner) {
        return CJD_ERR_NOT_FOUND;
    }
    return 0;
}

int cjd_owner_peer_add(struct cjd_owner *owner, const struct cjd_peer_spec *spec, uint32_t *peer)
{
    struct cjd_runtime *rt = owner->rt;
    struct cjd_peer_spec own = {0};

    memcpy(&own, spec, spec->size < sizeof own ? spec->size : sizeof own);
    if (!rt->node || rt->bridge.depth > 0) {
        return CJD_ERR_STATE;
    }
    if (owner_of_link(rt, own.link) != owner || rt->links[own.link].is_down ||
        own.addr.len > CJD_LINKADDR_MAX) {
        return CJD_ERR_INVALID;
    }
    struct cjd_link_peer_spec wanted = {.link = own.link,
                                        .addr = own.addr,
                                        .key = own.key,
                                        .name = own.name,
                                        .version = own.version,
                                        .cost_ms = own.cost_ms};
    cjd_credentials_init(&wanted.credentials, own.login, own.password,
                         own.password ? strlen(own.password) : 0);
    cjd_bridge_enter(rt);
    int number = cjd_node_peer_add(rt->node, &wanted, cjd_runtime_now(rt));
    cjd_bridge_leave(rt);
    cjd_credentials_fini(&wanted.credentials);
    if (number < 0) {
        return number;
    }
    if (peer) {
        *peer = (uint32_t)number;
    }
    return 0;
}

int cjd_owner_peer_remove(struct cjd_owner *owner, uint32_t peer)
{
    int err = check_peer(owner, peer);

    if (err == 0) {
        cjd_bridge_enter(owner->rt);
        err = cjd_node_peer_del(owner->rt->node, peer, cjd_runtime_now(owner->rt));
        cjd_bridge_leave(owner->rt);
    }
    return err;
}

int cjd_owner_peer_set_addr(struct cjd_owner *owner, uint32_t peer, const struct cjd_linkaddr *addr)
{
    int err = check_peer(owner, peer);

    if (err == 0 && addr->len > CJD_LINKADDR_MAX) {
        err = CJD_ERR_INVALID;
    }
    if (err == 0) {
        cjd_bridge_enter(owner->rt);
        err = cjd_node_peer_set_addr(owner->rt->node, peer, addr, cjd_runtime_now(owner->rt));
        cjd_bridge_leave(owner->rt);
    }
    return err;
}

/* From inside tx it is put off; what does not fit is said again with the next failure. */
void cjd_owner_peer_set_reason(struct cjd_owner *owner, uint32_t peer, int32_t reason)
{
    struct bridge *br = &owner->rt->bridge;
    bool is_plugins = reason == CJD_PEER_REASON_NO_ADDRESS || reason == CJD_PEER_REASON_NAME ||
                      reason == CJD_PEER_REASON_SEND || reason == CJD_PEER_REASON_FAMILY;

    if (!is_plugins || !owner->rt->node) {
        return;
    }
    if (br->depth > 0) {
        if (br->reason_count < REASONS_MAX) {
            br->reasons[br->reason_count++] = (struct reason_note){peer, reason};
        }
        return;
    }
    if (check_peer(owner, peer) == 0) {
        cjd_bridge_enter(owner->rt);
        cjd_node_peer_set_reason(owner->rt->node, peer, reason, cjd_runtime_now(owner->rt));
        cjd_bridge_leave(owner->rt);
    }
}

/* --- beacons ------------------------------------------------------------------------------------
 */

int cjd_owner_beacon_own(struct cjd_owner *owner, struct cjd_beacon *out)
{
    struct cjd_node *node = owner->rt->node;

    _Static_assert(CJD_BEACON_PASSWORD_BYTES == CJD_NODE_BEACON_PASSWORD, "one wire format");
    if (!node) {
        return CJD_ERR_STATE;
    }
    out->key = cjd_node_self(node)->key;
    return cjd_node_beacon(node, &out->version, out->password);
}

int cjd_owner_beacon_heard(struct cjd_owner *owner, uint32_t link, const struct cjd_linkaddr *addr,
                           const struct cjd_beacon *beacon)
{
    struct cjd_runtime *rt = owner->rt;
    struct cjd_link_peer_spec heard = {
        .link = link, .addr = *addr, .key = beacon->key, .version = beacon->version};

    if (!rt->node || rt->bridge.depth > 0) {
        return CJD_ERR_STATE;
    }
    if (owner_of_link(rt, link) != owner || rt->links[link].is_down) {
        return CJD_ERR_INVALID;
    }
    cjd_credentials_init(&heard.credentials, NULL, beacon->password, sizeof beacon->password);
    cjd_bridge_enter(rt);
    int err = cjd_node_heard(rt->node, &heard, cjd_runtime_now(rt));
    cjd_bridge_leave(rt);
    cjd_credentials_fini(&heard.credentials);
    return err;
}

/* --- logins -------------------------------------------------------------------------------------
 */

/* The number of an incoming peer with that login, as far as a peer's copy of it goes. */
static bool find_login(struct cjd_runtime *rt, const char *login, uint32_t *peer)
{
    struct cjd_peer_info info;

    for (uint32_t i = 0; cjd_links_peer_at(cjd_node_links(rt->node), i, &info); i++) {
        if (info.is_incoming && info.login[0] != '\0' &&
            strncmp(info.login, login, CJD_LOGIN_MAX) == 0) {
            *peer = info.peer;
            return true;
        }
    }
    return false;
}

unsigned cjd_runtime_drop_login(struct cjd_runtime *rt, const char *login)
{
    unsigned n = 0;
    uint32_t peer;

    if (!rt->node || rt->bridge.depth > 0) {
        return 0;
    }
    cjd_bridge_enter(rt);
    while (find_login(rt, login, &peer) &&
           cjd_node_peer_del(rt->node, peer, cjd_runtime_now(rt)) == 0) {
        n++;
    }
    cjd_bridge_leave(rt);
    return n;
}
