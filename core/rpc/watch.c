/*
 * Events. Peers tell theirs; sessions and nodes are compared with what they were a second ago, as
 * long as somebody follows: the rooms they live in need not know that anybody watches.
 */
#include <rpc/methods_private.h>

#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY   (1 * CJD_S)
#define SESSIONS_MAX 1024u
#define NODES_MAX    1024u
#define PEERS_QUEUED 64u

struct seen_session {
    struct cjd_addr addr;
    uint32_t handle;
};

struct known {
    struct cjd_methods *m;
    struct cjd_timer look;
    struct cjd_timer tell;
    bool is_current; /* the tables below are those of a second ago */
    uint32_t session_count;
    uint32_t node_count;
    struct seen_session sessions[SESSIONS_MAX]; /* established ones, by address */
    struct seen_session sessions_now[SESSIONS_MAX];
    struct cjd_addr nodes[NODES_MAX]; /* by address */
    struct cjd_addr nodes_now[NODES_MAX];
    uint32_t peer_count;
    struct {
        struct cjd_peer_info info;
        bool was_removed;
    } peers[PEERS_QUEUED];      /* told from inside the node */
    uint32_t told[RATED_PEERS]; /* peers that were "added" */
};

/* --- peers --------------------------------------------------------------------------------------
 */

/* True: it is told for the first time. */
static bool note_told(struct known *k, uint32_t peer, bool was_removed)
{
    uint32_t *free_slot = NULL;

    for (unsigned i = 0; i < RATED_PEERS; i++) {
        if (k->told[i] == peer) {
            k->told[i] = was_removed ? 0 : peer;
            return false;
        }
        free_slot = k->told[i] == 0 ? &k->told[i] : free_slot;
    }
    if (free_slot && !was_removed) {
        *free_slot = peer;
    }
    return true;
}

static void tell_peers(void *arg, uint64_t now_ns)
{
    struct known *k = arg;

    (void)now_ns;
    for (uint32_t i = 0; i < k->peer_count; i++) {
        const struct cjd_peer_info *info = &k->peers[i].info;
        bool is_new = note_told(k, info->peer, k->peers[i].was_removed);
        const char *type = k->peers[i].was_removed ? "peer.removed"
                           : is_new                ? "peer.added"
                                                   : "peer.state";
        cjd_rpc_emit(k->m->config.rpc, type, peer_value(k->m, info));
    }
    k->peer_count = 0;
}

/* From inside the node: told as soon as it has returned. */
void cjd_methods_peer_event(struct cjd_methods *m, const struct cjd_peer_info *peer,
                            bool was_removed)
{
    struct known *k = m->known;

    if (k->peer_count == PEERS_QUEUED) {
        return; /* more than any node has at once; peers.list tells the rest */
    }
    k->peers[k->peer_count].info = *peer;
    k->peers[k->peer_count++].was_removed = was_removed;
    cjd_timer_arm(cjd_runtime_timers(m->config.rt), &k->tell, methods_now(m));
}

/* --- comparing ----------------------------------------------------------------------------------
 */

static int by_addr(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct cjd_addr));
}

static uint32_t list_sessions(const struct cjd_methods *m, struct seen_session *out)
{
    struct cjd_session_info s;
    uint32_t n = 0;

    for (uint32_t i = 0; cjd_sessions_at(cjd_node_sessions(m->config.node), i, &s); i++) {
        if (s.state == CJD_CA_ESTABLISHED && n < SESSIONS_MAX) {
            out[n++] = (struct seen_session){.addr = s.addr, .handle = s.rx_handle};
        }
    }
    qsort(out, n, sizeof *out, by_addr);
    return n;
}

static uint32_t list_nodes(const struct cjd_methods *m, struct cjd_addr *out)
{
    struct cjd_dht_node_info info;
    uint32_t n = 0;

    for (uint32_t i = 0; cjd_dht_node_at(cjd_node_dht(m->config.node), i, &info); i++) {
        if (n < NODES_MAX) {
            out[n++] = info.path.to.addr;
        }
    }
    qsort(out, n, sizeof *out, by_addr);
    return n;
}

static void session_opened(struct cjd_methods *m, const struct seen_session *s)
{
    struct cjd_session_info info;

    for (uint32_t i = 0; cjd_sessions_at(cjd_node_sessions(m->config.node), i, &info); i++) {
        if (info.rx_handle == s->handle) {
            cjd_rpc_emit(m->config.rpc, "session.opened", session_value(m, &info));
            return;
        }
    }
}

static void session_closed(struct cjd_methods *m, const struct seen_session *s)
{
    cjd_rpc_emit(
        m->config.rpc, "session.closed",
        json_pack("{s:o, s:o}", "handle", value_count(s->handle), "address", value_addr(&s->addr)));
}

static void node_added(struct cjd_methods *m, const struct cjd_addr *addr)
{
    struct cjd_dht_node_info info;

    for (uint32_t i = 0; cjd_dht_node_at(cjd_node_dht(m->config.node), i, &info); i++) {
        if (memcmp(&info.path.to.addr, addr, sizeof *addr) == 0) {
            cjd_rpc_emit(m->config.rpc, "node.added", node_value(m, &info));
            return;
        }
    }
}

static void node_removed(struct cjd_methods *m, const struct cjd_addr *addr)
{
    cjd_rpc_emit(m->config.rpc, "node.removed", json_pack("{s:o}", "address", value_addr(addr)));
}

/* Both lists are sorted; each entry begins with its address. */
static void compare_sessions(struct known *k, const struct seen_session *now, uint32_t n)
{
    uint32_t i = 0;
    uint32_t j = 0;

    while (i < k->session_count || j < n) {
        int order = i == k->session_count ? 1 : j == n ? -1 : by_addr(&k->sessions[i], &now[j]);
        if (order <= 0 && (order < 0 || k->sessions[i].handle != now[j].handle)) {
            session_closed(k->m, &k->sessions[i]);
        }
        if (order >= 0 && (order > 0 || k->sessions[i].handle != now[j].handle)) {
            session_opened(k->m, &now[j]);
        }
        i += order <= 0;
        j += order >= 0;
    }
}

static void compare_nodes(struct known *k, const struct cjd_addr *now, uint32_t n)
{
    uint32_t i = 0;
    uint32_t j = 0;

    while (i < k->node_count || j < n) {
        int order = i == k->node_count ? 1 : j == n ? -1 : by_addr(&k->nodes[i], &now[j]);
        if (order < 0) {
            node_removed(k->m, &k->nodes[i]);
        } else if (order > 0) {
            node_added(k->m, &now[j]);
        }
        i += order <= 0;
        j += order >= 0;
    }
}

static void compare(struct known *k)
{
    uint32_t session_count = list_sessions(k->m, k->sessions_now);
    uint32_t node_count = list_nodes(k->m, k->nodes_now);

    if (k->is_current) {
        compare_sessions(k, k->sessions_now, session_count);
        compare_nodes(k, k->nodes_now, node_count);
    }
    memcpy(k->sessions, k->sessions_now, session_count * sizeof k->sessions[0]);
    memcpy(k->nodes, k->nodes_now, node_count * sizeof k->nodes[0]);
    k->session_count = session_count;
    k->node_count = node_count;
}

static void look(void *arg, uint64_t now_ns)
{
    struct known *k = arg;

    /* Without anybody who follows the node is not woken for this. */
    k->is_current = k->is_current && cjd_rpc_is_followed(k->m->config.rpc);
    if (k->is_current) {
        compare(k);
        cjd_timer_arm(cjd_runtime_timers(k->m->config.rt), &k->look, now_ns + LOOK_EVERY);
    }
}

/* From now on: what there is already is no news. */
static void on_follower(void *arg)
{
    struct known *k = arg;

    if (!k->is_current) {
        compare(k);
        k->is_current = true;
        cjd_timer_arm(cjd_runtime_timers(k->m->config.rt), &k->look,
                      methods_now(k->m) + LOOK_EVERY);
    }
}

int watch_new(struct cjd_methods *m)
{
    struct known *k = calloc(1, sizeof *k);

    if (!k) {
        return CJD_ERR_NO_MEMORY;
    }
    k->m = m;
    m->known = k;
    cjd_timer_init(&k->look, look, k);
    cjd_timer_init(&k->tell, tell_peers, k);
    cjd_rpc_on_follower(m->config.rpc, on_follower, k);
    return 0;
}

void watch_free(struct cjd_methods *m)
{
    struct known *k = m->known;

    if (k) {
        cjd_rpc_on_follower(m->config.rpc, NULL, NULL);
        cjd_timer_cancel(cjd_runtime_timers(m->config.rt), &k->look);
        cjd_timer_cancel(cjd_runtime_timers(m->config.rt), &k->tell);
        free(k);
    }
}
