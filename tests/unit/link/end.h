/*
 * One end of a link under test: a links room with all it borrows, and everything it says recorded.
 * Two of them joined by a wire under a virtual clock, or one of them against a bare CryptoAuth
 * session that sends whatever the test wants.
 */
#ifndef LINK_TEST_END_H
#define LINK_TEST_END_H

#include <testlib/testlib.h>

#include <base/time.h>
#include <link/link.h>

#define END_START     (1000 * CJD_S)
#define END_MTU       1500u
#define END_VERSION   22u
#define END_SENT_MAX  2048u
#define END_BYTES_MAX 2048u
#define END_LOG_MAX   8192u
#define END_LOGIN     "tester"
#define END_PASSWORD  "a password of the test"

/* A packet that left by a link. */
struct end_sent {
    uint64_t at_ns;
    uint32_t link;
    uint32_t flags;
    struct cjd_linkaddr addr;
    uint32_t len;
    uint8_t bytes[END_BYTES_MAX];
};

struct end {
    uint64_t now_ns;
    struct test_rng rng_state;
    struct cjd_keypair self;
    struct cjd_users *users;
    struct cjd_ca_node ca;
    struct cjd_switch sw;
    struct cjd_pool *pool;
    struct cjd_timers timers;
    struct cjd_drops drops;
    struct cjd_links *links;
    bool is_mute;       /* does not answer pings, does not take pongs */
    uint32_t answers;   /* version its pongs carry */
    uint64_t frames;    /* frames that came up */
    uint32_t frame_len; /* the last one */
    uint8_t frame[END_BYTES_MAX];
    unsigned ups;
    unsigned downs;
    unsigned events;
    unsigned removals;
    struct cjd_peer_info last_event;
    /* Called from inside ops->frame, before the frame is handled. */
    void (*on_frame)(struct end *end, uint32_t iface);
    unsigned sent_count;
    unsigned flushes; /* calls of ops->tx */
    struct end_sent *sent;
    struct cjd_log_sink sink;
    char log[END_LOG_MAX]; /* lines of info and above */
    size_t log_len;
};

/* With one link, number 0, and one login. */
void end_init(struct end *end, uint64_t seed);
/* All packets must be back in the pool when the room is gone. */
void end_fini(struct end *end);

/* Lets the timers run for so long; nothing arrives meanwhile. */
void end_run(struct end *end, uint64_t duration_ns);
/* Bytes arrive on a link from an address. */
void end_rx(struct end *end, uint32_t link, const struct cjd_linkaddr *from, const uint8_t *bytes,
            uint32_t len);
/* Forgets what was sent. */
void end_forget(struct end *end);

struct cjd_linkaddr end_addr(uint8_t n);
/* A configured peer at an address, with the login of the tests. Returns what peer_add returned. */
int end_peer_add(struct end *end, const struct cjd_linkaddr *addr, const struct cjd_key *key);
struct cjd_peer_info end_peer(const struct end *end, uint32_t peer);
unsigned end_peers(const struct end *end);
uint32_t end_word(const struct end_sent *sent);
uint64_t end_dropped(const struct end *end, enum cjd_drop reason);

/* A switch frame for the peer on an interface, whose low label byte is `low`; sends and flushes. */
void end_send(struct end *end, uint32_t iface, uint8_t low, uint32_t len);

/* --- two ends --------------------------------------------------------------------------------- */

#define PAIR_FLIGHT 512u

struct flight {
    uint64_t at_ns;
    unsigned to;
    struct end_sent packet;
};

struct pair {
    struct end end[2];
    uint64_t delay_ns;
    bool is_cut[2]; /* nothing arrives at that end */
    unsigned taken[2];
    unsigned flights;
    struct flight *flight;
};

/* End 0 is configured to call end 1; each sees the other at address 1 of its link 0. */
void pair_init(struct pair *pair, uint64_t seed, uint64_t delay_ns);
void pair_fini(struct pair *pair);
void pair_run(struct pair *pair, uint64_t duration_ns);
/* The only peer of an end. */
struct cjd_peer_info pair_peer(const struct pair *pair, unsigned end);

/* --- a bare far end --------------------------------------------------------------------------- */

struct far {
    struct test_rng rng_state;
    struct cjd_keypair self;
    struct cjd_users *users;
    struct cjd_ca_node node;
    struct cjd_ca ca;
    struct cjd_pool *pool;
    struct cjd_linkaddr addr; /* where it stands */
    uint32_t len;             /* of the last packet it sealed or opened */
    uint8_t bytes[END_BYTES_MAX];
};

/* login NULL: no credentials. */
void far_init(struct far *far, uint64_t seed, uint8_t at, const struct end *to, const char *login);
void far_fini(struct far *far);
/* Forgets its session, as a node that restarted. */
void far_restart(struct far *far, const struct end *to, const char *login);
/* Seals a message and lets the end receive it. */
void far_send(struct far *far, struct end *to, const uint8_t *message, uint32_t len);
/* Opens a packet of the end; the message is in bytes. */
enum cjd_ca_result far_open(struct far *far, const struct end_sent *sent, uint64_t now_ns);
/* hello, key, data: established with the end. */
void far_establish(struct far *far, struct end *to);

/* A frame that a neighbour sends to this node's own router: a PING or PONG with opaque data, as it
 * arrives. Returns its length. */
uint32_t frame_ping(uint8_t out[128], bool is_pong, uint32_t version, const void *data,
                    uint32_t len);
/* The opaque data of the ping (or pong) in an opened message; NULL: it is none. */
const uint8_t *frame_cookie(const uint8_t *message, uint32_t len, uint32_t *cookie_len);

#endif
