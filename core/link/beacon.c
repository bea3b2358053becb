#include <link/private.h>

#include <string.h>

/*
 * Neighbours heard of by beacon (link notes §4.5). Whoever can put a datagram on the local network
 * can name any key at any address, as often as he likes, so what a beacon brings about is bounded:
 * new neighbours by rate and by number, and nothing a beacon says moves a peer that works.
 */

/* New neighbours a second; a saved-up burst is a room full of nodes after a power cut. */
#define NEW_RATE  10u
#define NEW_BURST 64u
/* Peers by beacon that have not proven themselves; the oldest gives way. */
#define UNPROVEN_MAX 64u
/* Addresses of one key on one link; the oldest that does not work gives way. */
#define SAME_KEY_MAX 4u
/* One that does not answer is called again by its beacon, so often at most. */
#define CALL_AGAIN (1 * CJD_S)

static int drop(struct cjd_links *l, enum cjd_drop reason, int err)
{
    cjd_drop_count(l->config.drops, reason);
    return err;
}

/* Finds out at once whether a peer that seems to be up still is. */
static void doubt(struct peer *p, uint64_t now_ns)
{
    if (p->attempts == 0 && now_ns - p->ping_ns > CALL_AGAIN) {
        peer_doubt(p, now_ns);
    }
}

/* A beacon of the peer that has this address. Its password is new after a restart. */
static void heard_again(struct peer *p, const struct cjd_link_peer_spec *spec, uint64_t now_ns)
{
    bool had_one = p->ca.credentials.type != 0;
    bool is_new = memcmp(&p->ca.credentials, &spec->credentials, sizeof spec->credentials) != 0;

    p->is_beacon = true;
    if (is_new) {
        p->ca.credentials = spec->credentials; /* for hellos to come: the session lives on */
    }
    if (p->state == (int)CJD_CA_ESTABLISHED) {
        if (is_new && had_one) {
            doubt(p, now_ns);
        }
    } else if (now_ns - p->kicked_ns > CALL_AGAIN && p->state != CJD_LINK_STATE_INCOMPATIBLE) {
        peer_kick(p, now_ns);
    }
}

/* The address has a peer already. True: the beacon is dealt with. */
static bool meet(struct peer *p, const struct cjd_link_peer_spec *spec, uint64_t now_ns, int *err)
{
    *err = 0;
    if (memcmp(&p->ca.peer_key, &spec->key, sizeof spec->key) == 0) {
        if (p->is_incoming) {
            heard_again(p, spec, now_ns);
        }
        return true; /* the operator's word on a configured peer stands */
    }
    if (p->is_incoming && p->state != (int)CJD_CA_ESTABLISHED) {
        peer_free(p, now_ns); /* another node took over the address */
        return false;
    }
    if (p->is_incoming) {
        doubt(p, now_ns);
    }
    *err = drop(p->links, CJD_DROP_BEACON_TAKEN, CJD_ERR_EXISTS);
    return true;
}

static bool is_same(const struct peer *p, const struct cjd_link_peer_spec *spec)
{
    return p->link == spec->link && memcmp(&p->ca.peer_key, &spec->key, sizeof spec->key) == 0;
}

/* A neighbour that gets another address again and again has left those it had. One that works
 * stays, but is asked whether it still does. */
static bool limit_addresses(struct cjd_links *l, const struct cjd_link_peer_spec *spec,
                            uint64_t now_ns)
{
    struct peer *oldest = NULL;
    unsigned count = 0;

    for (unsigned i = 0; i < PEERS_MAX; i++) {
        struct peer *p = l->slot[i];
        if (p && p->is_beacon && is_same(p, spec)) {
            count++;
            bool is_dead = p->state != (int)CJD_CA_ESTABLISHED;
            oldest = is_dead && (!oldest || p->created_ns < oldest->created_ns) ? p : oldest;
        }
    }
    if (count >= SAME_KEY_MAX && oldest) {
        peer_free(oldest, now_ns);
        return true;
    }
    for (unsigned i = 0; i < PEERS_MAX && count >= SAME_KEY_MAX; i++) {
        if (l->slot[i] && l->slot[i]->is_beacon && is_same(l->slot[i], spec)) {
            doubt(l->slot[i], now_ns);
        }
    }
    return count < SAME_KEY_MAX;
}

/* The oldest of those that did not prove themselves makes room. */
static void limit_unproven(struct cjd_links *l, uint64_t now_ns)
{
    struct peer *oldest = NULL;
    unsigned count = 0;

    for (unsigned i = 0; i < PEERS_MAX; i++) {
        struct peer *p = l->slot[i];
        if (p && p->is_beacon && p->last_ns == 0) {
            count++;
            oldest = !oldest || p->created_ns < oldest->created_ns ? p : oldest;
        }
    }
    if (count >= UNPROVEN_MAX) {
        peer_free(oldest, now_ns);
    }
}

static int add(struct cjd_links *l, const struct cjd_link_peer_spec *spec, uint64_t now_ns)
{
    int err;

    if (!cjd_bucket_take(&l->new_by_beacon, now_ns, NEW_RATE, NEW_BURST) ||
        !limit_addresses(l, spec, now_ns)) {
        return drop(l, CJD_DROP_BEACON_RATE, CJD_ERR_FULL);
    }
    limit_unproven(l, now_ns);
    struct peer *p = peer_make(l, spec, now_ns, &err);
    if (!p) {
        return drop(l, CJD_DROP_LINK_FULL, err);
    }
    p->is_incoming = true;
    p->is_beacon = true;
    peer_kick(p, now_ns);
    return 0;
}

int cjd_links_heard(struct cjd_links *l, const struct cjd_link_peer_spec *spec, uint64_t now_ns)
{
    int err = peer_check_spec(l, spec);

    if (err == CJD_ERR_BAD_KEY) {
        return drop(l, CJD_DROP_BEACON_KEY, err);
    }
    if (err || spec->addr.len == 0) {
        return err ? err : CJD_ERR_INVALID;
    }
    if (!version_is_compatible(spec->version)) {
        return drop(l, CJD_DROP_BEACON_VERSION, CJD_ERR_VERSION);
    }
    struct peer *p = peer_by_addr(l, spec->link, &spec->addr);
    return p && meet(p, spec, now_ns, &err) ? err : add(l, spec, now_ns);
}
