/*
 * One end of sessions under test: a session room with all it borrows, a router that does what the
 * test says, and everything the room says recorded. Two of them joined by routes under a virtual
 * clock, or one of them against a bare CryptoAuth session.
 */
#ifndef SESSION_TEST_END_H
#define SESSION_TEST_END_H

#include <testlib/testlib.h>

#include <base/time.h>
#include <session/session.h>
#include <switch/ctrl.h>

#define END_START     (1000 * CJD_S)
#define END_SENT_MAX  4096u
#define END_BYTES_MAX 2048u
#define END_VERSION   21u

/* A frame given to the own switch. */
struct end_sent {
    uint64_t at_ns;
    uint64_t label;
    uint32_t word; /* first one behind the switch header */
    uint32_t len;  /* without the switch header */
    uint8_t bytes[END_BYTES_MAX];
};

struct end {
    uint64_t now_ns;
    struct test_rng rng_state;
    struct cjd_keypair self;
    struct cjd_users *users;
    struct cjd_ca_node ca;
    struct cjd_pool *pool;
    struct cjd_timers timers;
    struct cjd_drops drops;
    struct cjd_sessions *sessions;
    /* What the room may rely on from its surroundings. */
    bool is_in_router;  /* the test plays the router in the middle of its work: not to be entered */
    bool answers;       /* router queries are answered */
    bool pings;         /* ops->ping sends a router query */
    bool refuses;       /* ops->ping says that the router has asked enough for now */
    uint32_t frame_mtu; /* of each first hop */
    void (*on_want)(struct end *end, const struct cjd_addr *addr);
    void (*on_ping)(struct end *end, const struct cjd_session_path *path);
    void (*on_doubt)(struct end *end, const struct cjd_addr *addr, uint64_t label);
    void (*on_hint)(struct end *end, const struct cjd_session_path *path);
    void (*on_content)(struct end *end, const struct cjd_session_source *from);
    void *arg;
    /* What it said. */
    unsigned sent_count;
    struct end_sent *sent;
    unsigned errors; /* of the sent ones, control frames */
    unsigned wants;
    uint64_t want_at_ns;
    unsigned pinged;
    unsigned doubts;
    uint64_t doubt_at_ns;
    uint64_t doubt_label;
    unsigned hints;
    uint64_t hint_label;
    unsigned unknown;
    uint64_t unknown_label;
    unsigned undeliverable;
    uint32_t undeliverable_mtu;
    uint32_t undeliverable_len;
    unsigned contents; /* of user content */
    unsigned queries;  /* router messages that came */
    struct cjd_session_source from;
    uint32_t content_len;
    uint8_t content[END_BYTES_MAX];
    uint8_t order[512]; /* first bytes of user contents, in order */
};

/* max_sessions 0: the default. */
void end_init(struct end *end, uint64_t seed, uint32_t max_sessions);
/* All packets must be back in the pool when the room is gone. */
void end_fini(struct end *end);
/* Lets the timers run for so long; nothing arrives meanwhile. */
void end_run(struct end *end, uint64_t duration_ns);
/* A frame arrives whose sender is reached by `label`: bytes behind the switch header. */
void end_rx(struct end *end, uint64_t label, bool suppress_errors, const uint8_t *bytes,
            uint32_t len);
void end_forget(struct end *end);

/* User content whose first byte is `first`. */
void end_user(struct end *end, const struct cjd_addr *to, uint8_t first, uint32_t len);
void end_user_type(struct end *end, const struct cjd_addr *to, uint32_t type, uint32_t len,
                   bool no_wait);
struct cjd_session_path end_path_to(const struct cjd_keypair *to, uint64_t label);
/* The router reports, in the middle of its work. */
void end_path(struct end *end, const struct cjd_session_path *path);
void end_path_dead(struct end *end, const struct cjd_addr *addr, uint64_t label);
/* A router message. */
void end_query(struct end *end, const struct cjd_session_path *path);

bool end_session(const struct end *end, const struct cjd_addr *addr, struct cjd_session_info *out);
uint64_t end_dropped(const struct end *end, enum cjd_drop reason);
/* A key pair without searching for a valid one again and again: the n-th of a fixed list. */
const struct cjd_keypair *end_keys(unsigned n);

/* --- two ends --------------------------------------------------------------------------------- */

#define ROUTES 3u

struct flight {
    uint64_t at_ns;
    unsigned to;
    uint64_t label; /* back to the sender */
    struct end_sent frame;
};

struct pair {
    struct end end[2];
    uint64_t delay_ns;
    bool is_cut[ROUTES][2]; /* nothing arrives at that end by that route */
    unsigned taken[2];
    unsigned flights;
    struct flight *flight;
};

/* Label of a route at an end. */
uint64_t pair_label(unsigned route, unsigned end);
void pair_init(struct pair *pair, uint64_t seed, uint64_t delay_ns);
void pair_fini(struct pair *pair);
void pair_run(struct pair *pair, uint64_t duration_ns);
/* The router of an end knows a route, and reports it now and whenever it is wanted. */
void pair_know(struct pair *pair, unsigned end, unsigned route);
/* The room of an end starts anew, as after a restart of its node. */
void pair_restart(struct pair *pair, unsigned end);
struct cjd_session_info pair_session(const struct pair *pair, unsigned end);
const struct cjd_addr *pair_addr(const struct pair *pair, unsigned end);
/* Both know route 0, end 0 sends: established both ways. */
void pair_establish(struct pair *pair);

/* --- a bare far end --------------------------------------------------------------------------- */

struct far {
    struct test_rng rng_state;
    struct cjd_keypair self;
    struct cjd_users *users;
    struct cjd_ca_node node;
    struct cjd_ca ca;
    struct cjd_pool *pool;
    uint32_t handle;    /* it wants to be addressed by */
    uint32_t tx_handle; /* the other end announced */
    uint32_t len;       /* of the last packet it made, or the last message it opened */
    uint8_t bytes[END_BYTES_MAX];
};

void far_init(struct far *far, unsigned keys, const struct end *to);
void far_fini(struct far *far);
void far_restart(struct far *far, const struct end *to, uint32_t handle);
/* Makes the next packet: bytes behind the switch header, in far->bytes. */
void far_make(struct far *far, const struct end *to, uint32_t type, const void *content,
              uint32_t len);
/* The same, and lets it arrive. */
void far_send(struct far *far, struct end *to, uint64_t label, uint32_t type, const void *content,
              uint32_t len);
/* Opens a frame of the end: data header and content are in far->bytes. */
enum cjd_ca_result far_open(struct far *far, const struct end_sent *sent, uint64_t now_ns);
/* hello, key, data with router messages: established with the end. */
void far_establish(struct far *far, struct end *to, uint64_t label);

#endif
