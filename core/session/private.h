/*
 * What the files of this room share. sessions.c: tables, life and death; send.c: packets going out,
 * waiting; receive.c: packets coming in; path.c: choice among paths; upkeep.c: timers.
 */
#ifndef CJD_SESSION_PRIVATE_H
#define CJD_SESSION_PRIVATE_H

#include <base/bucket.h>
#include <base/map.h>
#include <session/session.h>

#define MAX_SESSIONS_DEFAULT 1024u
#define MAX_KEYLESS          64u  /* destinations sought whose key is not known yet */
#define MAX_WAITING          16u  /* packets of one session that wait */
#define MAX_WAITING_ALL      512u /* of all sessions */
#define PATHS                3u

#define WAIT_LIMIT      (10 * CJD_S)  /* a packet waits no longer (session notes §3.3) */
#define SESSION_IDLE    (120 * CJD_S) /* a session without any traffic ends */
#define CROWDED         5u /* a table this full (1/5): sessions without users end sooner */
#define CROWDED_IDLE    (30 * CJD_S)
#define USER_IDLE       (120 * CJD_S)   /* without user traffic nothing is done for it */
#define PATH_REFRESH    (30 * CJD_S)    /* a used session asks the router again */
#define UNANSWERED      (1000 * CJD_MS) /* then the path in use is doubted */
#define UNHEARD         (2000 * CJD_MS) /* router messages without any answer for so long: begin anew */
#define UNHEARD_QUERIES 3u              /* and at least so many of them */
#define ASYMMETRIC      (3000 * CJD_MS) /* the same where user content comes by another way */
#define SETUP_FIRST     (150 * CJD_MS)
#define SETUP_MAX       (2000 * CJD_MS)
#define SETUPS_BY_KEY   3u /* key packets pushed in vain; then a hello */
#define WANT_AGAIN      (1000 * CJD_MS)

struct path {
    uint64_t label; /* 0: free */
    uint32_t cost_us;
    bool is_peer;
    bool is_best;   /* the router's choice when it was reported */
    bool is_return; /* only seen as the way a packet came */
};

struct session {
    struct cjd_map_node by_addr;
    struct cjd_map_node by_handle;
    struct cjd_sessions *owner;
    struct session *newer; /* list by last use, for eviction */
    struct session *older;
    struct cjd_ca ca; /* meaningful if has_key */
    struct cjd_addr addr;
    struct cjd_timer timer;
    struct path path[PATHS];
    struct cjd_pkt *waiting[MAX_WAITING];
    uint64_t waiting_since_ns;
    uint64_t rx_bytes;
    uint64_t tx_bytes;
    uint64_t last_rx_ns; /* last packet that decrypted and is no replay */
    uint64_t last_tx_ns;
    uint64_t user_tx_ns; /* last user packet, 0 = none */
    uint64_t asked_ns;   /* first user packet on the path in use since something came back over it;
                          * 0 = none */
    uint64_t query_ns;   /* first of a run of router messages without anything heard; 0 = none */
    uint64_t query_last_ns; /* last of them */
    uint64_t user_rx_ns;    /* last user content, by whatever way */
    uint64_t doubt_ns;      /* when the path was doubted last */
    uint64_t want_ns;       /* when a path was wanted last */
    uint64_t setup_ns;      /* when a handshake was last pushed */
    uint64_t hint_ns;
    uint32_t queries; /* in the run that began at query_ns */
    uint32_t setups;  /* pushes in a row without success */
    uint32_t version;
    uint32_t rx_handle;
    uint32_t tx_handle;         /* 0: unknown */
    uint32_t pending_tx_handle; /* announced in a hello that is not confirmed yet */
    uint32_t promotions;        /* of ca, as last seen */
    uint8_t path_count;
    uint8_t best; /* index of the path in use, if path_count > 0 */
    uint8_t waiting_count;
    uint8_t pins; /* calls out that may come back and want its place; it stays until they return */
    bool has_key;
    bool is_reset;    /* the handshake was begun anew because of silence */
    bool is_replying; /* answering what came in a handshake packet */
};

struct cjd_sessions {
    struct cjd_sessions_config config;
    struct cjd_map by_addr;
    struct cjd_map by_handle;
    struct session *newest;
    struct session *oldest;
    struct session *last_tx; /* one-entry cache of the look-up by address */
    uint32_t count;
    uint32_t keyless;
    uint32_t waiting;
    uint32_t next_handle;
    struct cjd_bucket creation;
    struct cjd_bucket auth_errors;
    struct cjd_bucket unknown_handles;
};

/* Has it carried user traffic lately? */
static inline bool session_is_used(const struct session *e, uint64_t now_ns)
{
    return e->user_tx_ns != 0 && now_ns - e->user_tx_ns < USER_IDLE;
}

/* sessions.c */
struct session *session_find(struct cjd_sessions *s, const struct cjd_addr *addr);
struct session *session_by_handle(struct cjd_sessions *s, uint32_t handle);
/* A new entry without key; evicts the least valuable one if the table is full. NULL: none. */
struct session *session_new(struct cjd_sessions *s, const struct cjd_addr *addr, uint64_t now_ns);
/* Gives it a key: from now on it has a CryptoAuth session. */
void session_set_key(struct session *e, const struct cjd_key *key, uint64_t now_ns);
void session_free(struct session *e, uint64_t now_ns);
void session_touch(struct session *e);

/* receive.c: the handle that came with the pending half of the handshake, once that is live. */
void session_adopt_promotion(struct session *e);

/* path.c */
/* The path in use, or NULL. */
const struct path *path_best(const struct session *e);
void path_add(struct session *e, const struct path *path);
/* A live packet came over that label: if it is the path in use, it works both ways. */
void path_answered(struct session *e, uint64_t label);
struct path *path_by_label(struct session *e, uint64_t label);
void path_remove(struct session *e, uint64_t label);
struct cjd_session_path path_describe(const struct session *e, const struct path *path);

/* send.c */
void session_drop(struct cjd_sessions *s, struct cjd_pkt *pkt, enum cjd_drop reason);
/* Seals, puts handle and switch header in front, hands to the switch; consumes the packet. */
void session_transmit(struct session *e, struct cjd_pkt *pkt, uint64_t label, uint64_t now_ns);
/* Sends what waits, if it can be sent now. */
void session_release(struct session *e, uint64_t now_ns);
/* Gives up what waits. */
void session_give_up(struct session *e, uint64_t now_ns);
/* Does what is needed for a waiting packet: path wanted, or handshake pushed. */
void session_push(struct session *e, uint64_t now_ns);

/* upkeep.c */
void session_timer(void *arg, uint64_t now_ns);
void session_arm(struct session *e, uint64_t now_ns);

#endif
