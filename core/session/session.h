/*
 * End-to-end sessions: inner CryptoAuth with any node, handles, data header, content types,
 * buffering while a path is sought, choice among paths. Source: session notes.
 *
 * Owns sessions; borrows pool, timers. Packets go down through ops->frame (complete switch frames
 * for the own switch) and come up through ops->content. Router messages come and go through the
 * same door as content type 256. One thread.
 *
 * Timers: one per session.
 */
#ifndef CJD_SESSION_SESSION_H
#define CJD_SESSION_SESSION_H

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
#include <switch/switch.h>

struct cjd_sessions;

#define CJD_CONTENT_IP6_MAX   255u /* 0 … 255: user packet, the value is the IPv6 next header */
#define CJD_CONTENT_DHT       256u
#define CJD_CONTENT_IPTUN     257u
#define CJD_DATA_HEADER_BYTES 4u

struct cjd_session_source {
    struct cjd_addr addr;
    struct cjd_key key;
    uint32_t version; /* 0 unknown */
    uint64_t label;   /* the way back of this packet */
    uint32_t type;
    bool is_replayable; /* came in a handshake packet */
};

/* A path a session may use. */
struct cjd_session_path {
    struct cjd_addr addr;
    struct cjd_key key;
    uint32_t version;
    uint64_t label;
    uint32_t cost_us;
    bool is_peer;
    bool is_best; /* the router's choice; else an alternative, kept for when the choice dies */
};

/* want, ping, doubt and hint lead into the router. None of them is called from inside what the
 * router calls: cjd_sessions_send_dht(), _path(), _path_dead(), _no_path(). */
struct cjd_sessions_ops {
    /* A frame (label as given to the own switch) to be switched; consumes it. */
    void (*frame)(void *ctx, struct cjd_pkt *pkt, uint64_t now_ns);
    /* Content behind the data header; consumes it. */
    void (*content)(void *ctx, const struct cjd_session_source *from, struct cjd_pkt *pkt,
                    uint64_t now_ns);
    /* A path to addr is wanted (answered by cjd_sessions_path(), perhaps at once). */
    void (*want)(void *ctx, const struct cjd_addr *addr, uint64_t now_ns);
    /* Please ping that node over that path: the handshake needs a message to carry it. False: not
     * now, enough was asked lately; nothing was sent, and asking again soon is welcome. */
    bool (*ping)(void *ctx, const struct cjd_session_path *path, uint64_t now_ns);
    /* Traffic on this path has had no answer for a while. */
    void (*doubt)(void *ctx, const struct cjd_addr *addr, uint64_t label, uint64_t now_ns);
    /* An authenticated packet came from a known node on a label not among its paths. */
    void (*hint)(void *ctx, const struct cjd_session_path *path, uint64_t now_ns);
    /* A user packet cannot be sent; for ICMPv6. mtu 0: no route was found in time; else: the first
     * hop carries IPv6 packets of at most mtu bytes. Consumes it (data header still in front). */
    void (*undeliverable)(void *ctx, const struct cjd_addr *addr, struct cjd_pkt *pkt, uint32_t mtu,
                          uint64_t now_ns);
    /* Largest frame that the first hop of a label carries; 0: no such hop. */
    uint32_t (*frame_mtu)(void *ctx, uint64_t label);
    /* Data came for a handle nobody has: perhaps of a session this node had before it restarted.
     * Rate-limited here. To be answered with a KEYPING, and its answer to be given to
     * cjd_sessions_key_learned(). */
    void (*unknown_handle)(void *ctx, uint64_t label, uint64_t now_ns);
    void *ctx;
};

struct cjd_sessions_config {
    const struct cjd_ca_node *ca; /* borrowed */
    struct cjd_pool *pool;
    struct cjd_timers *timers;
    struct cjd_drops *drops;
    struct cjd_log log;
    struct cjd_sessions_ops ops;
    uint32_t max_sessions; /* 0 = 1024 */
};

CJD_MUST_CHECK int cjd_sessions_new(struct cjd_sessions **out,
                                    const struct cjd_sessions_config *config, uint64_t now_ns);
void cjd_sessions_free(struct cjd_sessions *s);

/*
 * A frame for this router that is no control frame. `pkt` begins with the switch header as it
 * arrived (label not mirrored); consumes it.
 */
void cjd_sessions_rx(struct cjd_sessions *s, struct cjd_pkt *pkt, uint64_t now_ns);

/*
 * User content to addr: a data header is put in front, the packet is sealed and sent, or waits for
 * a path and a key (one-entry cache, then hash). Consumes it.
 */
void cjd_sessions_send(struct cjd_sessions *s, const struct cjd_addr *addr, uint32_t type,
                       struct cjd_pkt *pkt, bool no_wait, uint64_t now_ns);

/* A router message over exactly this path; may travel in a handshake packet. Consumes it. */
void cjd_sessions_send_dht(struct cjd_sessions *s, const struct cjd_session_path *path,
                           struct cjd_pkt *pkt, uint64_t now_ns);

/* A verified path (or a refreshed one); releases waiting packets. */
void cjd_sessions_path(struct cjd_sessions *s, const struct cjd_session_path *path,
                       uint64_t now_ns);
void cjd_sessions_path_dead(struct cjd_sessions *s, const struct cjd_addr *addr, uint64_t label,
                            uint64_t now_ns);
/* A search for addr ended without result: what waits for it is given up. */
void cjd_sessions_no_path(struct cjd_sessions *s, const struct cjd_addr *addr, uint64_t now_ns);

/* The other end answered a KEYPING we sent because it used a handle we do not know (its session
 * outlived our restart): begin a handshake with it. */
void cjd_sessions_key_learned(struct cjd_sessions *s, const struct cjd_key *key, uint32_t version,
                              uint64_t label, uint64_t now_ns);

/* Gives up the keys of a session; the next packet begins a handshake. CJD_ERR_NOT_FOUND. */
CJD_MUST_CHECK int cjd_sessions_reset(struct cjd_sessions *s, const struct cjd_addr *addr);

struct cjd_session_info {
    struct cjd_addr addr;
    struct cjd_key key;
    uint32_t version;
    uint64_t label; /* in use, 0 = none */
    uint32_t rx_handle;
    uint32_t tx_handle;
    enum cjd_ca_state state;
    uint64_t rx_bytes;
    uint64_t tx_bytes;
    uint64_t last_rx_ns;
    uint64_t last_tx_ns;
    uint32_t paths;
    uint32_t waiting;
    uint32_t lost;
    uint32_t duplicates;
    uint32_t out_of_range;
};
bool cjd_sessions_at(const struct cjd_sessions *s, uint32_t index, struct cjd_session_info *out);
uint32_t cjd_sessions_count(const struct cjd_sessions *s);

#endif
