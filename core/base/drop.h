/*
 * Why a packet was dropped: one list for the whole core. The data path counts, it does not log.
 */
#ifndef CJD_BASE_DROP_H
#define CJD_BASE_DROP_H

#include <stdint.h>

#define CJD_DROP_LIST(X)                                                                           \
    X(LINK_RUNT, "link: shorter than a CryptoAuth packet")                                         \
    X(LINK_STRANGER, "link: not a hello, from an unknown address")                                 \
    X(LINK_REFUSED, "link: hello refused")                                                         \
    X(LINK_HELLO_RATE, "link: too many hellos from strangers")                                     \
    X(LINK_CRYPTO, "link: packet does not decrypt")                                                \
    X(LINK_NOT_SELF, "link: not addressed to this node before the session is established")         \
    X(LINK_VERSION, "link: neighbour speaks an incompatible version")                              \
    X(LINK_FULL, "link: peer table or switch is full")                                             \
    X(LINK_NO_ROOM, "link: no room for headers")                                                   \
    X(LINK_GONE, "link: peer or link is gone")                                                     \
    X(BEACON_KEY, "beacon: key outside fc00::/8")                                                  \
    X(BEACON_VERSION, "beacon: incompatible version")                                              \
    X(BEACON_TAKEN, "beacon: its address is that of another peer")                                 \
    X(BEACON_RATE, "beacon: too many new neighbours")                                              \
    X(SWITCH_RUNT, "switch: shorter than a switch header")                                         \
    X(SWITCH_MALFORMED, "switch: malformed or unknown label")                                      \
    X(SWITCH_RETURN_PATH, "switch: return path does not fit")                                      \
    X(SWITCH_SHIFT, "switch: label exhausted")                                                     \
    X(SWITCH_LINK_DOWN, "switch: link is down")                                                    \
    X(ROUTER_RUNT, "router: too short")                                                            \
    X(CTRL_INVALID, "ctrl: bad checksum, length or magic")                                         \
    X(CTRL_UNKNOWN, "ctrl: unknown type")                                                          \
    X(CTRL_RATE, "ctrl: rate limited")                                                             \
    X(SESSION_HANDLE, "session: unknown handle")                                                   \
    X(SESSION_NONCE, "session: handshake nonce behind a handle")                                   \
    X(SESSION_KEY, "session: key is our own or outside fc00::/8")                                  \
    X(SESSION_CRYPTO, "session: packet does not decrypt")                                          \
    X(SESSION_RUNT, "session: no handle or data header")                                           \
    X(SESSION_RATE, "session: too many new sessions")                                              \
    X(SESSION_TYPE, "session: content type nobody handles")                                        \
    X(SESSION_FULL, "session: table or buffer is full")                                            \
    X(SESSION_NO_ROUTE, "session: no route found in time")                                         \
    X(UPPER_RUNT, "upper: not a complete IPv6 packet")                                             \
    X(UPPER_SOURCE, "upper: source is not this node's address")                                    \
    X(UPPER_DEST, "upper: destination is outside fc00::/8")                                        \
    X(UPPER_NONE, "upper: no interface takes packets")                                             \
    X(DHT_MALFORMED, "dht: malformed message")                                                     \
    X(DHT_UNEXPECTED, "dht: reply to no query of ours")                                            \
    X(DHT_RATE, "dht: too many queries")                                                           \
    X(DHT_OWN, "dht: own key in a reply")                                                          \
    X(DHT_IMPOSSIBLE, "dht: impossible address, version or label in a reply")                      \
    X(DHT_LOOP, "dht: path in a reply leads back here")                                            \
    X(DHT_LABEL, "dht: path in a reply is too long")                                               \
    X(NO_PACKET, "out of packet buffers")

enum cjd_drop {
#define CJD_DROP_ENUM(name, text) CJD_DROP_##name,
    CJD_DROP_LIST(CJD_DROP_ENUM)
#undef CJD_DROP_ENUM
        CJD_DROP_COUNT
};

/* Where CryptoAuth failed; its results are below CJD_DROP_CRYPTO_RESULTS. */
enum cjd_drop_crypto { CJD_DROP_OUTER, CJD_DROP_INNER };
#define CJD_DROP_CRYPTO_RESULTS 16u

struct cjd_drops {
    uint64_t count[CJD_DROP_COUNT];
    uint64_t crypto[2][CJD_DROP_CRYPTO_RESULTS]; /* by result, beside the reasons above */
};

static inline void cjd_drop_count(struct cjd_drops *drops, enum cjd_drop reason)
{
    drops->count[reason]++;
}

static inline void cjd_drop_count_crypto(struct cjd_drops *drops, enum cjd_drop_crypto where,
                                         unsigned result)
{
    drops->crypto[where][result % CJD_DROP_CRYPTO_RESULTS]++;
}

const char *cjd_drop_text(enum cjd_drop reason);

#endif
