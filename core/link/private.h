/*
 * What the files of this room share. beacon.c: neighbours heard of by beacon; links.c: tables and
 * sending; peer.c: life of a peer, states; receive.c: packets that come in; liveness.c: pings,
 * back-off, forgetting; wake.c: the world changed; roam.c: neighbours at new addresses; source.c:
 * hellos by where they come from; refusal.c: whom we refused.
 */
#ifndef CJD_LINK_PRIVATE_H
#define CJD_LINK_PRIVATE_H

#include <base/bucket.h>
#include <base/calm.h>
#include <base/map.h>
#include <link/link.h>

#define PEERS_MAX      320u    /* more than the switch has numbers */
#define GENERATIONS    0x7fffu /* 1 … this: a number is never 0, nor negative as an int */
#define TX_BATCH       64u     /* packets gathered per link */
#define COOKIES        4u      /* pings of one peer that may be under way */
#define COOKIE_BYTES   8u
#define HELLO_ID_BYTES 8u
#define HELLO_NONCE_AT 16u /* behind word and challenge (CryptoAuth notes §4.1) */

struct ping_cookie {
    uint8_t bytes[COOKIE_BYTES];
    uint64_t sent_ns; /* 0: free */
};

struct peer {
    struct cjd_map_node by_addr; /* by link and address; only while addr.len > 0 */
    struct cjd_links *links;
    struct cjd_ca ca;
    struct cjd_linkaddr addr;
    struct cjd_linkaddr home; /* as configured; len 0: it came by itself */
    struct cjd_timer tick;
    struct cjd_bucket hellos; /* handshake packets it may cost us */
    struct ping_cookie cookie[COOKIES];
    uint64_t label;
    uint64_t created_ns;
    uint64_t kicked_ns; /* when it was begun with, or begun with anew */
    uint64_t since_ns;  /* of state and reason */
    uint64_t heard_ns;  /* last packet that decrypted, any state */
    uint64_t last_ns;   /* last one while established */
    uint64_t ping_ns;   /* last ping sent */
    uint64_t told_ns;   /* when its reason was last told from outside */
    uint64_t rtt_ns;
    uint64_t told_rtt_ns; /* what the router knows */
    uint64_t rx_bytes;
    uint64_t tx_bytes;
    uint64_t rx_packets;
    uint32_t lost_before; /* of sessions that ended */
    uint32_t number;      /* generation << 16 | slot */
    uint32_t link;
    uint32_t iface;
    uint32_t version;
    uint32_t cost_ms;  /* what it shall cost, 0: as measured */
    uint32_t attempts; /* pings without answer in a row */
    uint32_t next_cookie;
    uint32_t measured;    /* round trips since it is up, the first few */
    uint32_t quiet_pings; /* answered at once, in a row, while nothing else was sent */
    uint32_t lossiness;   /* of the pings of probing, permille, smoothed */
    int state;
    enum cjd_link_reason reason;
    bool is_incoming;
    bool is_beacon;     /* incoming, and we can call it: its beacons name the password */
    bool is_announced;  /* the router was told that it is up */
    bool has_sent;      /* since it was last heard */
    bool is_quiet_ping; /* the ping under way only asks whether it is still there */
    bool is_answering;  /* a frame of it is being handled: what is sent meanwhile needs no answer */
    bool has_no_version;              /* it answered a ping with version 0 */
    bool is_replying;                 /* the same for what came in a handshake packet */
    bool is_superseded;               /* the same neighbour works at another address */
    uint8_t hello_id[HELLO_ID_BYTES]; /* of the last hello sent, to know it again */
    char name[CJD_PEER_NAME_MAX + 1];
};

struct link_entry {
    bool is_used;
    bool has_carrier;
    uint32_t mtu;
    uint32_t queues;
    char name[CJD_LINK_NAME_MAX + 1];
    struct cjd_pkt *tx_array[TX_BATCH];
    struct cjd_vec tx;
};

/* Where hellos came from lately, by a hash of the address. */
#define SOURCES 4096u
struct source {
    uint32_t print; /* another hash of the same address */
    uint32_t at_ms; /* of the last hello that was let in, or of the first */
};
struct sources {
    struct source at[SOURCES];
    uint8_t let_in[SOURCES]; /* hellos of it, in a row */
    struct cjd_bucket fresh;
    struct cjd_bucket returning;
};

struct cjd_links {
    struct cjd_links_config config;
    struct cjd_map by_addr;
    struct peer *slot[PEERS_MAX];
    uint16_t generation[PEERS_MAX];
    struct peer *by_iface[CJD_SWITCH_IFACES];
    struct link_entry link[CJD_LINKS_MAX];
    uint32_t link_end;    /* no entry from here on was ever used */
    struct peer *last_rx; /* one-entry cache of the address look-up */
    struct cjd_refusal refusal[CJD_REFUSALS_MAX];
    uint32_t refusals;
    struct cjd_bucket new_by_beacon;
    struct sources sources;
    struct cjd_bucket follows; /* sessions tried for a packet from nowhere */
    struct cjd_calm calm;
    struct cjd_timer wave;
    struct cjd_log_limit refusal_limit;
    struct cjd_log_limit peer_limit;
};

struct addr_key {
    uint32_t link;
    const struct cjd_linkaddr *addr;
};

/* links.c */
struct peer *peer_by_addr(struct cjd_links *l, uint32_t link, const struct cjd_linkaddr *addr);
struct peer *peer_by_number(const struct cjd_links *l, uint32_t number);
void addr_index_add(struct cjd_links *l, struct peer *p);
void addr_index_remove(struct cjd_links *l, struct peer *p);
/* Seals and queues a packet for a peer; consumes it. */
void peer_transmit(struct peer *p, struct cjd_pkt *pkt, uint64_t now_ns);

/* Has the neighbour been given another address: index, session and switch interface stay. */
void addr_change(struct peer *p, const struct cjd_linkaddr *addr);
uint64_t addr_hash(const struct cjd_links *l, uint32_t link, const struct cjd_linkaddr *addr);
static inline bool has_carrier(const struct peer *p)
{
    return p->links->link[p->link].has_carrier;
}

/* peer.c */
struct peer *peer_new(struct cjd_links *l, uint32_t link, const struct cjd_linkaddr *addr,
                      const struct cjd_key *key, int *err);
void peer_free(struct peer *p, uint64_t now_ns);
/* Whether there can be such a peer: 0 or CJD_ERR_INVALID, _BAD_KEY, _OWN_KEY. */
int peer_check_spec(struct cjd_links *l, const struct cjd_link_peer_spec *spec);
/* A peer that this node calls, not begun with yet; makes room for it if it can. */
struct peer *peer_make(struct cjd_links *l, const struct cjd_link_peer_spec *spec, uint64_t now_ns,
                       int *err);
/* Whether we can say hello to it by ourselves. */
bool peer_can_call(const struct peer *p);
/* Frees the least valuable incoming peer that never got established, or long silent. */
bool peer_make_room(struct cjd_links *l, uint64_t now_ns);
void peer_set_state(struct peer *p, int state, enum cjd_link_reason reason, uint64_t now_ns);
/* Forgets session and version: it may be another node now. Starts over at once. */
void peer_restart(struct peer *p, uint64_t now_ns);
/* The time-out rule of CryptoAuth; what the session lost stays counted (link notes §7). */
void peer_expire(struct peer *p, uint64_t now_ns);
void peer_reset(struct peer *p);
/* State from CryptoAuth after a packet of the peer was accepted. */
void peer_update_state(struct peer *p, uint64_t now_ns);
void peer_announce(struct peer *p, bool is_up, uint64_t now_ns);
/* The router hears of a round trip that is another than the one it knows. */
void peer_tell_rtt(struct peer *p, uint64_t now_ns);
void peer_info(const struct peer *p, struct cjd_peer_info *out);
bool version_is_compatible(uint32_t version);
/* For the log: " at=203.0.113.7:5199 link=udp/0.0.0.0:4684". */
#define PLACE_BYTES 160u
void place_text(const struct cjd_links *l, uint32_t link, const struct cjd_linkaddr *addr,
                char out[PLACE_BYTES]);

/* liveness.c */
void peer_tick(void *arg, uint64_t now_ns);
void peer_ping(struct peer *p, uint64_t now_ns);
/* Something was sent to, or heard from, the peer. */
void peer_sent(struct peer *p, uint64_t now_ns);
void peer_heard(struct peer *p, uint64_t now_ns);
/* Starts over at once: new address, peer just made. */
void peer_kick(struct peer *p, uint64_t now_ns);
/* Sends an empty packet: a key packet that is owed. */
void peer_send_empty(struct peer *p, uint64_t now_ns);

/* An established peer is asked at once whether it is still there, and soon given up if not. */
void peer_doubt(struct peer *p, uint64_t now_ns);
/* It spoke in a session that is not there any more: it is called now instead of later. */
void peer_nudge(struct peer *p, uint64_t now_ns);

/* wake.c */
void wake_wave(void *arg, uint64_t now_ns);

/* roam.c: the running session that opens a data packet from an unknown address, which is its peer's
 * from now on; the packet is opened. NULL: none, the packet is as it was. */
struct peer *roam_follow(struct cjd_links *l, struct cjd_pkt *pkt, uint64_t now_ns);

/* source.c: may this stranger's hello cost us its cryptography? */
bool source_may_call(struct cjd_links *l, const struct cjd_pkt *pkt, uint64_t now_ns);

/* refusal.c */
void refusal_note(struct cjd_links *l, const struct cjd_refusal *what, uint64_t now_ns);
/* Forgets those of a link that goes. */
void refusal_forget(struct cjd_links *l, uint32_t link);

#endif
