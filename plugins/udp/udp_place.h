/*
 * One configured address of a peer, and what it stands for just now: a numeric address for itself,
 * one with a device behind '%' while there is that device, a host name for what it resolves to.
 *
 *     look ──► found ──► refresh: asked again after 10 s, 30 s, 60 s, … 300 s without a sign of
 * life └────► nothing: again after 1 s, 2 s, … 60 s
 *
 * What was found stays until something else is found. Names are asked of the system's resolvers,
 * never of this network: the host leaves out name servers in fc00::/8, and addresses there are no
 * answer.
 *
 * Timer: `timer`, the next question. All [control].
 */
#ifndef UDP_PLACE_H
#define UDP_PLACE_H

#include "udp_addr.h"
#include "udp_env.h"

#define CJD_UDP_RETRY_MIN_NS   1000000000ull
#define CJD_UDP_RETRY_MAX_NS   60000000000ull
#define CJD_UDP_REFRESH_ONE_NS 10000000000ull /* the first, after a sign of life */
#define CJD_UDP_REFRESH_MIN_NS 30000000000ull
#define CJD_UDP_REFRESH_MAX_NS 300000000000ull

/* Without repeats; the one to be tried first comes first. */
struct cjd_udp_found {
    uint32_t count;
    struct cjd_linkaddr v[CJD_RESOLVE_MAX];
};

/* A question was answered: `found` or `reason` may have changed. */
typedef void (*cjd_udp_place_fn)(void *arg);

struct cjd_udp_place {
    const struct cjd_udp_env *env;
    const struct cjd_udp_target *target;
    const char *text; /* as written */
    cjd_udp_place_fn changed;
    void *arg;
    struct cjd_plugin_timer timer;
    bool is_armed;
    struct cjd_resolve_request *request; /* NULL: no question is open */
    struct cjd_udp_found found;
    int32_t reason;    /* why nothing is found: CJD_PEER_REASON_… */
    unsigned failures; /* questions in a row that led nowhere */
    uint64_t retry_ns; /* next waits, before jitter */
    uint64_t refresh_ns;
    uint64_t asked_ns;
};

/* Target and text are borrowed; a plain numeric address is found already. */
void cjd_udp_place_init(struct cjd_udp_place *place, const struct cjd_udp_env *env,
                        const struct cjd_udp_target *target, const char *text,
                        cjd_udp_place_fn changed, void *arg);
void cjd_udp_place_fini(struct cjd_udp_place *place);

/* Asks now, unless that is under way or needless. */
void cjd_udp_place_look(struct cjd_udp_place *place);
/* The peer gives no sign of life: what was found may be out of date. */
void cjd_udp_place_refresh(struct cjd_udp_place *place);
/* The peer is alive: no more questions. */
void cjd_udp_place_settle(struct cjd_udp_place *place);
/* The network changed: what was not found may be found now. */
void cjd_udp_place_news(struct cjd_udp_place *place);

#endif
