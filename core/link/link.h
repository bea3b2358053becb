/*
 * Links and peers: the outer CryptoAuth sessions with neighbours, their states and reasons,
 * liveness, version check. Source: link notes; switch notes §12.
 *
 * Owns links, peers and the refusal table; borrows switch, users, pool, timers. Packets of peers go
 * up through ops->frame (decrypted switch frames), and down through cjd_links_send(), which seals
 * them in place and gathers them per link until cjd_links_flush(). One thread.
 *
 * Timers: one per peer (`tick`): handshake retry with back-off, liveness ping, forgetting; one for
 * all (`wave`): asking everybody after cjd_links_wake().
 *
 *   INIT ─ping in hello→ SENT_HELLO ─key→ RECEIVED_KEY ─data→ ESTABLISHED ─silence→ UNRESPONSIVE
 *   stranger's hello: UNAUTHENTICATED → RECEIVED_HELLO → SENT_KEY → ESTABLISHED; wrong version:
 *   INCOMPATIBLE
 */
#ifndef CJD_LINK_LINK_H
#define CJD_LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/drop.h>
#include <base/log.h>
#include <base/pool.h>
#include <base/rng.h>
#include <base/timer.h>
#include <cjd/err.h>
#include <cjd/packet.h>
#include <crypto/cryptoauth.h>
#include <switch/ctrl.h>
#include <switch/switch.h>

#define CJD_LINKS_MAX     64u
#define CJD_LINK_NAME_MAX 31u
#define CJD_PEER_NAME_MAX 63u
#define CJD_REFUSALS_MAX  32u

struct cjd_links;

/* States and reasons: the numbers of <cjd/link.h>, which this room may not include. */
#define CJD_LINK_STATE_UNRESPONSIVE    (-1)
#define CJD_LINK_STATE_UNAUTHENTICATED (-2)
#define CJD_LINK_STATE_INCOMPATIBLE    (-3)

enum cjd_link_reason {
    CJD_LINK_REASON_NEW = 0,
    CJD_LINK_REASON_NO_ADDRESS = 1,
    CJD_LINK_REASON_NAME = 2,
    CJD_LINK_REASON_NO_ANSWER = 3,
    CJD_LINK_REASON_HANDSHAKE = 4,
    CJD_LINK_REASON_UP = 5,
    CJD_LINK_REASON_SILENT = 6,
    CJD_LINK_REASON_VERSION = 7,
    CJD_LINK_REASON_OWN_KEY = 8,
    CJD_LINK_REASON_SEND = 9,
    CJD_LINK_REASON_LINK_DOWN = 10,
    CJD_LINK_REASON_FAMILY = 11,
};

struct cjd_link_peer_spec {
    uint32_t link;
    struct cjd_linkaddr addr; /* len 0: not known yet */
    struct cjd_key key;
    struct cjd_credentials credentials; /* type 0: none */
    const char *name;                   /* may be NULL */
    uint32_t version;                   /* 0: unknown */
    uint32_t cost_ms; /* for the router, in place of the measured round trip; 0: none */
};

/* A peer as shown to others; a copy. */
struct cjd_peer_info {
    uint32_t peer;
    uint32_t link;
    struct cjd_linkaddr addr;
    struct cjd_key key;
    struct cjd_addr ip6;
    uint64_t label; /* one-hop label */
    int state;      /* enum cjd_ca_state or CJD_LINK_STATE_… */
    enum cjd_link_reason reason;
    uint64_t since_ns; /* of this state and reason */
    uint64_t last_ns;  /* last valid message while established; 0 = never */
    uint64_t rtt_ns;   /* smoothed, 0 = unknown */
    uint32_t version;
    uint32_t cost_ms; /* as in the specification */
    bool is_incoming;
    uint64_t rx_bytes; /* decrypted payload, as the reference counts */
    uint64_t tx_bytes;
    uint64_t rx_packets;
    uint32_t lost;
    uint32_t duplicates;
    uint32_t out_of_range;
    char name[CJD_PEER_NAME_MAX + 1]; /* configured name, or "" */
    char login[CJD_LOGIN_MAX + 1];    /* login an incoming peer used, or "" */
};

/* A hello that this node refused, latest kept. */
struct cjd_refusal {
    uint32_t link;
    struct cjd_linkaddr addr;
    struct cjd_key key;
    enum cjd_ca_result result; /* why, as CryptoAuth has it; CJD_CA_OK: see `err` */
    int err;                   /* CJD_ERR_BAD_KEY, CJD_ERR_OWN_KEY, CJD_ERR_FULL or 0 */
    uint32_t count;            /* repeats from that address with that key */
    uint64_t last_ns;
};

struct cjd_links_ops {
    /* A switch frame from a peer, that came in on switch interface `iface`; consumes it. */
    void (*frame)(void *ctx, uint32_t iface, struct cjd_pkt *pkt, uint64_t now_ns);
    /* Sends sealed packets; consumes them, empties vec. */
    void (*tx)(void *ctx, uint32_t link, uint32_t queue, struct cjd_vec *vec, uint32_t flags);
    /* For the router: the peer can be used (established, version known), or no longer. peer_up is
     * repeated when the round trip has changed much. */
    void (*peer_up)(void *ctx, const struct cjd_peer_info *peer, uint64_t now_ns);
    void (*peer_down)(void *ctx, const struct cjd_peer_info *peer, uint64_t now_ns);
    /* State or reason changed, or the peer was removed. */
    void (*peer_event)(void *ctx, const struct cjd_peer_info *peer, bool was_removed);
    /* An address for people; its length, or an error. NULL: there is no such text. */
    int (*addr_text)(void *ctx, uint32_t link, const struct cjd_linkaddr *addr, char *out,
                     size_t cap);
    void *ctx;
};

struct cjd_links_config {
    const struct cjd_ca_node *ca; /* borrowed */
    struct cjd_switch *sw;        /* borrowed */
    struct cjd_pool *pool;
    struct cjd_timers *timers;
    struct cjd_drops *drops;
    struct cjd_log log;
    uint32_t version; /* announced in pings */
    struct cjd_links_ops ops;
};

CJD_MUST_CHECK int cjd_links_new(struct cjd_links **out, const struct cjd_links_config *config,
                                 uint64_t now_ns);
void cjd_links_free(struct cjd_links *links);

/* Returns the link's number or an error. */
int cjd_links_add(struct cjd_links *links, const char *name, uint32_t mtu, uint32_t queues);
void cjd_links_del(struct cjd_links *links, uint32_t link, uint64_t now_ns);

/* The link lost its carrier, or has it back. Without: its peers are down at once, nothing is sent,
 * what arrives is dropped. A link begins with carrier. */
void cjd_links_set_carrier(struct cjd_links *links, uint32_t link, bool has_carrier,
                           uint64_t now_ns);
/* Addresses, routes or devices of the machine changed, or it slept: every peer is asked at once,
 * and those that do not answer are called as eagerly as new ones. Events that come together are
 * one, and in a long row of them there is a wave each 1.6 s at most (base/calm.h). After a sleep
 * nobody is forgotten for the time it took: to be said before the timers run. */
void cjd_links_wake(struct cjd_links *links, bool was_asleep, uint64_t now_ns);

int cjd_links_peer_add(struct cjd_links *links, const struct cjd_link_peer_spec *spec,
                       uint64_t now_ns);
CJD_MUST_CHECK int cjd_links_peer_del(struct cjd_links *links, uint32_t peer, uint64_t now_ns);
CJD_MUST_CHECK int cjd_links_peer_set_addr(struct cjd_links *links, uint32_t peer,
                                           const struct cjd_linkaddr *addr, uint64_t now_ns);
void cjd_links_peer_set_reason(struct cjd_links *links, uint32_t peer, enum cjd_link_reason reason,
                               uint64_t now_ns);

/*
 * A beacon arrived on spec->link: its sender takes link traffic at spec->addr, where spec->version
 * and spec->credentials are good for. The sender becomes a peer that this node calls and that is
 * forgotten like one that called. 0: it is a peer, or was one already. CJD_ERR_OWN_KEY; otherwise
 * it was counted as dropped: CJD_ERR_BAD_KEY, CJD_ERR_VERSION, CJD_ERR_EXISTS (the address is
 * another peer's), CJD_ERR_FULL (too many new ones), CJD_ERR_NO_MEMORY.
 */
int cjd_links_heard(struct cjd_links *links, const struct cjd_link_peer_spec *spec,
                    uint64_t now_ns);

/* Gives up the session with a peer and begins anew. CJD_ERR_NOT_FOUND. */
CJD_MUST_CHECK int cjd_links_peer_restart(struct cjd_links *links, uint32_t peer, uint64_t now_ns);

/* Received packets of one link; consumes them. */
void cjd_links_rx(struct cjd_links *links, uint32_t link, uint32_t queue, struct cjd_vec *vec,
                  uint64_t now_ns);
/* A switch frame for the peer on switch interface `iface`; consumes it. */
void cjd_links_send(struct cjd_links *links, uint32_t iface, struct cjd_pkt *pkt, uint64_t now_ns);
/* A PONG for this room arrived from `label` with that opaque data. True: it was ours. */
bool cjd_links_pong(struct cjd_links *links, uint64_t label, const struct cjd_ctrl *pong,
                    uint64_t now_ns);
void cjd_links_flush(struct cjd_links *links);

/* Largest switch frame the peer on that interface can be sent; 0: no such peer. */
uint32_t cjd_links_frame_mtu(const struct cjd_links *links, uint32_t iface);

struct cjd_link_info {
    uint32_t link;
    uint32_t mtu;
    uint32_t queues;
    const char *name; /* borrowed; while the link is up */
};
/* Walks: index 0 … until false. */
bool cjd_links_link_at(const struct cjd_links *links, uint32_t index, struct cjd_link_info *out);
bool cjd_links_peer_at(const struct cjd_links *links, uint32_t index, struct cjd_peer_info *out);
bool cjd_links_refusal_at(const struct cjd_links *links, uint32_t index, struct cjd_refusal *out);
/* One peer by its number. False: none. */
bool cjd_links_peer(const struct cjd_links *links, uint32_t peer, struct cjd_peer_info *out);

/* "established", "no answer: …" */
const char *cjd_link_state_text(int state);
const char *cjd_link_reason_text(enum cjd_link_reason reason);
/* What a refusal means and what to do, one sentence. */
const char *cjd_refusal_text(const struct cjd_refusal *refusal);

#endif
