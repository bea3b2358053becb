/**
 * Links: cjd.link/1, cjd.peer/1 and cjd.beacon/1, what a link plugin provides and uses.
 *
 * A link carries CryptoAuth packets between this node and neighbours whose addresses only the
 * plugin understands. Operations are per queue from the first day; a link with one queue has
 * queue 0. Received packets carry the sender's address in cjd_pkt.addr, packets to send the
 * receiver's.
 */
#ifndef CJD_LINK_H
#define CJD_LINK_H

#include <stdint.h>

#include <cjd/beacon.h>
#include <cjd/host.h>

#define CJD_SERVICE_LINK   "cjd.link"
#define CJD_SERVICE_PEER   "cjd.peer"
#define CJD_SERVICE_BEACON "cjd.beacon"

/** tx flags */
#define CJD_TX_MORE 1u /**< more vectors follow in this turn: the plugin may wait for flush */

struct cjd_link_wish {
    uint32_t size;
    uint32_t queues; /**< as many as there are workers, at least 1 */
    uint64_t caps;   /**< offloads the host can take, 0 today */
};

struct cjd_link_given {
    uint32_t size;
    uint32_t queues;
    uint64_t caps;
    uint32_t mtu;      /**< largest CryptoAuth packet the link carries, bytes */
    uint32_t headroom; /**< bytes the plugin needs in front of a packet it sends */
    uint32_t tailroom;
    uint32_t pad;
};

struct cjd_link_ops {
    uint32_t size;
    uint32_t pad;
    /** [control] Called once by link_up. */
    int (*open)(void *link, const struct cjd_link_wish *wish, struct cjd_link_given *given);
    /** [worker of queue] Appends received packets to vec, up to its room. Returns how many; the
     *  host polls again while the vector came back full. */
    int (*rx)(void *link, uint32_t queue, struct cjd_vec *vec);
    /** [worker of queue] Sends and frees the packets; empties vec. Counts what it cannot send. */
    void (*tx)(void *link, uint32_t queue, struct cjd_vec *vec, uint32_t flags);
    /** [worker of queue] Once per loop turn, before the loop waits. */
    void (*flush)(void *link, uint32_t queue);
    /** [control] The host watches it for reading; −1: the plugin calls queue_wake. */
    int (*queue_fd)(void *link, uint32_t queue);
    /** [control] Text form of an address for people, with NUL. Returns its length or an error. */
    int (*addr_text)(void *link, const struct cjd_linkaddr *addr, char *out, size_t cap);
};

struct cjd_link_service {
    uint32_t size;
    uint32_t version;
    /** [control] Registers a link and opens its queues. name: for people, ≤ 31 characters.
     *  @param id [out] the host's number of the link, as in cjd_pkt.link */
    int (*link_up)(const struct cjd_host *host, const char *name, const struct cjd_link_ops *ops,
                   void *link, uint32_t *id);
    /** [control] All its peers end. Nothing is called on the link afterwards. */
    void (*link_down)(const struct cjd_host *host, uint32_t id);
    /** [any] The queue has packets to be received. */
    void (*queue_wake)(const struct cjd_host *host, uint32_t id, uint32_t queue);
    /** [control] The link's medium went away (has_carrier 0) or is back (1): cable, radio, device.
     *  Its peers are down at once, and asked at once when it is back. A link begins with 1. */
    void (*set_carrier)(const struct cjd_host *host, uint32_t id, int has_carrier);
};

/* ------------------------------------------------------------------ cjd.peer/1 */

/** States of a peer; the first six mirror its CryptoAuth state. */
#define CJD_PEER_STATE_LIST(X)                                                                     \
    X(INIT, 0, "init")                                                                             \
    X(SENT_HELLO, 1, "sent_hello")                                                                 \
    X(RECEIVED_HELLO, 2, "received_hello")                                                         \
    X(SENT_KEY, 3, "sent_key")                                                                     \
    X(RECEIVED_KEY, 4, "received_key")                                                             \
    X(ESTABLISHED, 100, "established")                                                             \
    X(UNRESPONSIVE, -1, "unresponsive")                                                            \
    X(UNAUTHENTICATED, -2, "unauthenticated")                                                      \
    X(INCOMPATIBLE, -3, "incompatible")

enum cjd_peer_state {
#define CJD_PEER_STATE_ENUM(name, number, text) CJD_PEER_##name = (number),
    CJD_PEER_STATE_LIST(CJD_PEER_STATE_ENUM)
#undef CJD_PEER_STATE_ENUM
};

/** Why a peer is in its state, in words for people. */
#define CJD_PEER_REASON_LIST(X)                                                                    \
    X(NEW, 0, "just created")                                                                      \
    X(NO_ADDRESS, 1, "no address yet: its name is being resolved")                                 \
    X(NAME, 2, "its name does not resolve: check the spelling and the system's name servers")      \
    X(NO_ANSWER, 3,                                                                                \
      "no answer: the other node is off or unreachable, a firewall drops the packets, or it "      \
      "refuses our key, login or password without saying so")                                      \
    X(HANDSHAKE, 4, "handshake under way")                                                         \
    X(UP, 5, "established")                                                                        \
    X(SILENT, 6,                                                                                   \
      "established before, silent now: the other node or the way to it is off, it is asked again " \
      "all the time")                                                                              \
    X(VERSION, 7,                                                                                  \
      "it speaks an incompatible protocol version: the older of the two nodes must be upgraded")   \
    X(OWN_KEY, 8, "it is this node itself: its address leads back here, correct the address")      \
    X(SEND, 9, "packets to it cannot be sent from this link: check address family and route")      \
    X(LINK_DOWN, 10, "its link is down: check cable, device and its configuration")                \
    X(FAMILY, 11,                                                                                  \
      "its address is of a family that this link does not carry: give it an address of the other " \
      "family, or a link of that family")

enum cjd_peer_reason {
#define CJD_PEER_REASON_ENUM(name, number, text) CJD_PEER_REASON_##name = (number),
    CJD_PEER_REASON_LIST(CJD_PEER_REASON_ENUM)
#undef CJD_PEER_REASON_ENUM
};

struct cjd_peer_spec {
    uint32_t size;
    uint32_t link;            /**< from link_up */
    struct cjd_linkaddr addr; /**< len 0: not known yet (name being resolved) */
    struct cjd_key key;
    const char *login;    /**< NULL: none */
    const char *password; /**< NULL: none */
    const char *name;     /**< for people, NULL: none */
    uint32_t version;     /**< known protocol version (beacons), 0 = unknown */
    uint32_t pad;
    uint32_t
        cost_ms; /**< what the router takes its round trip to be, instead of measuring; 0: none */
    uint32_t pad2;
};

struct cjd_peer_event {
    uint32_t size;
    uint32_t peer;
    uint32_t link;
    int32_t state;    /**< enum cjd_peer_state */
    int32_t reason;   /**< enum cjd_peer_reason */
    uint32_t removed; /**< 1: this was its last event */
    struct cjd_key key;
};

typedef void (*cjd_peer_event_fn)(void *arg, const struct cjd_peer_event *event);

struct cjd_peer_service {
    uint32_t size;
    uint32_t version;
    /** [control] CJD_ERR_BAD_KEY, CJD_ERR_OWN_KEY, CJD_ERR_EXISTS (address taken), CJD_ERR_FULL. */
    int (*add)(const struct cjd_host *host, const struct cjd_peer_spec *spec, uint32_t *peer);
    int (*remove)(const struct cjd_host *host, uint32_t peer);
    /** [control] A configured peer's address became known or changed; starts a handshake there. */
    int (*set_addr)(const struct cjd_host *host, uint32_t peer, const struct cjd_linkaddr *addr);
    /** [control] What only the plugin can know: NO_ADDRESS, NAME, SEND, FAMILY. */
    void (*set_reason)(const struct cjd_host *host, uint32_t peer, int32_t reason);
    /** [control] Events of all peers of the plugin's links, from now until it stops. */
    int (*watch)(const struct cjd_host *host, cjd_peer_event_fn fn, void *arg);
};

/* ------------------------------------------------------------------ cjd.beacon/1 */

/**
 * Neighbours that are found, not configured. The plugin carries beacons; what they mean is the
 * host's business, alike for all links (link notes §4.4, §4.5).
 */
struct cjd_beacon_service {
    uint32_t size;
    uint32_t version;
    /** [control] What to send: version, key, and a password of this run, which neighbours may
     *  connect with from the first call on. CJD_ERR_EXISTS: a configured login has its name. */
    int (*own)(const struct cjd_host *host, struct cjd_beacon *out);
    /**
     * [control] A beacon was heard on a link of the plugin; its sender takes link traffic at addr.
     * It becomes a peer, or the peer at addr learns its new password; a peer that works is never
     * disturbed. New ones are bounded by rate and number.
     * @return 0: it is a peer now, or was one; CJD_ERR_OWN_KEY: our own; CJD_ERR_BAD_KEY,
     *         CJD_ERR_VERSION, CJD_ERR_EXISTS (addr is another peer's), CJD_ERR_FULL (too many)
     */
    int (*heard)(const struct cjd_host *host, uint32_t link, const struct cjd_linkaddr *addr,
                 const struct cjd_beacon *beacon);
};

#endif
