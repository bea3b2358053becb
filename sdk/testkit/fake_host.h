/**
 * A host for tests of plugins: all services under the test's control.
 *
 *  - The clock stands still until cjd_fake_advance(); timers run in order of their time.
 *  - Log lines, peers, links, questions for names, netif calls and injected packets are recorded in
 *    plain arrays that a test reads; errors to come are written into the `next_…` fields.
 *  - Packets come from the heap one by one, filled with a pattern, addresses too, so that nothing
 * is zero by luck and a sanitizer sees every access out of bounds or after free.
 *  - Descriptors are real: cjd_fake_poll() asks the kernel and calls the watchers.
 *
 * Wrong use by the plugin (a packet freed twice, a timer never initialised, more of something than
 * is recorded) ends the process with a message. One thread; threads are not offered.
 */
#ifndef CJD_FAKE_HOST_H
#define CJD_FAKE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/host.h>
#include <cjd/link.h>
#include <cjd/packet.h>
#include <cjd/plugin.h>
#include <cjd/rpc.h>

#define CJD_FAKE_LOGS    1024u
#define CJD_FAKE_PEERS   64u
#define CJD_FAKE_ASKS    256u
#define CJD_FAKE_LINKS   4u
#define CJD_FAKE_HEARD   64u
#define CJD_FAKE_WATCHES 16u
#define CJD_FAKE_TASKS   64u
#define CJD_FAKE_CALLS   64u
#define CJD_FAKE_DEVICES 4u
#define CJD_FAKE_INJECTS 512u
#define CJD_FAKE_METHODS 32u

struct cjd_fake_log {
    uint32_t level;
    char *line;
};

struct cjd_fake_peer {
    uint32_t id;
    bool is_removed;
    struct cjd_peer_spec spec; /* texts are copies; addr as last set */
    int32_t reason;            /* last one the plugin set, −1 = none */
    unsigned reasons;          /* how many it set */
    unsigned set_addrs;        /* successful set_addr calls */
};

struct cjd_fake_ask {
    char *name;
    uint32_t family;
    cjd_resolve_fn fn;
    void *arg;
    uint64_t at_ns;
    bool is_over; /* answered or cancelled */
    bool was_cancelled;
};

struct cjd_fake_link {
    char *name;
    const struct cjd_link_ops *ops;
    void *link;
    struct cjd_link_given given;
    bool is_up;
    bool has_no_carrier; /* as the plugin said last */
    unsigned carrier_changes;
    unsigned wakes;
};

/* A beacon the plugin passed on. */
struct cjd_fake_heard {
    uint32_t link;
    struct cjd_linkaddr addr;
    struct cjd_beacon beacon;
};

struct cjd_fake_watch {
    bool is_used;
    int fd;
    uint32_t events;
    cjd_fd_fn fn;
    void *arg;
};

struct cjd_fake_task {
    cjd_task_fn fn;
    void *arg;
};

/* A method the plugin offers. */
struct cjd_fake_method {
    const struct cjd_rpc_method *method;
    void *arg;
};

/* A call the plugin makes, as a face: answered by the hook, at once or later. */
struct cjd_fake_host;
typedef void (*cjd_fake_rpc_fn)(struct cjd_fake_host *fake, const struct cjd_rpc_request *request,
                                struct cjd_rpc_call **out);

/* What cjd.netif/1 knows of a device, and how it answers. */
struct cjd_fake_device {
    char name[16];
    struct cjd_netif_state state;
    bool has_addr;
    struct cjd_addr addr;
    uint32_t prefix_len;
    int addr_err; /* answers of addr_add, mtu_set, up; 0: done */
    int mtu_err;
    int up_err;
};

struct cjd_fake_inject {
    uint8_t *bytes;
    uint32_t len;
};

struct cjd_fake_host {
    struct cjd_host host;
    uint64_t now_ns;
    uint64_t wall_ms;
    uint64_t random_state;
    uint32_t log_level;    /* highest level written; all by default */
    const char *hidden[8]; /* services that get() does not know */
    struct cjd_fake_log logs[CJD_FAKE_LOGS];
    size_t log_count;
    void *timers; /* first armed timer */
    struct cjd_fake_watch watches[CJD_FAKE_WATCHES];
    struct cjd_fake_task tasks[CJD_FAKE_TASKS];
    size_t task_count;

    uint32_t packets_out;   /* given to the plugin or the test and not yet back */
    uint32_t packets_limit; /* most that may be out */
    uint64_t allocs;

    struct cjd_fake_ask asks[CJD_FAKE_ASKS];
    size_t ask_count;
    int next_ask_err;

    struct cjd_fake_link links[CJD_FAKE_LINKS];
    size_t link_count;
    uint32_t wish_queues;
    int next_link_err;

    struct cjd_fake_peer peers[CJD_FAKE_PEERS];
    size_t peer_count;
    int next_add_err;      /* for the next peer add only */
    int next_set_addr_err; /* for the next set_addr only */
    cjd_peer_event_fn peer_fn;
    void *peer_arg;

    struct cjd_beacon own_beacon; /* answer of cjd.beacon */
    int next_own_err;             /* for the next question for it only */
    struct cjd_fake_heard heard[CJD_FAKE_HEARD];
    size_t heard_count; /* all of them, also those beyond the array */
    int heard_err;      /* how cjd.beacon answers */

    struct cjd_fake_device devices[CJD_FAKE_DEVICES];
    char *calls[CJD_FAKE_CALLS]; /* netif calls that change something, "mtu tun0 1304" */
    size_t call_count;

    cjd_task_fn network_fn; /* netif watch: call it to say that the network changed */
    void *network_arg;

    struct cjd_addr own_addr;
    const struct cjd_frontend_ops *frontend; /* NULL: none attached */
    void *frontend_arg;
    char frontend_device[64];
    uint32_t frontend_mtu;
    int next_attach_err;
    struct cjd_fake_inject injects[CJD_FAKE_INJECTS];
    size_t inject_count;
    size_t inject_calls;

    struct cjd_fake_method methods[CJD_FAKE_METHODS];
    size_t method_count;
    cjd_fake_rpc_fn on_call; /* NULL: every call fails, there is no such method */
    unsigned cancelled_calls;
    unsigned subscriptions;
    struct cjd_rpc_event *lines; /* handed out by `next`, line_count of them */
    size_t line_count;
    cjd_rpc_ready_fn ready; /* of the last subscription */
    void *ready_arg;
    json_t *answer; /* of the last cjd_fake_call(); own reference */
    char answer_code[64];
};

/* --- fake_host.c: the whole ------------------------------------------------------------------- */

struct cjd_fake_host *cjd_fake_new(void);
/* Everything recorded is freed with it. NULL is legal. */
void cjd_fake_free(struct cjd_fake_host *fake);
/* What a plugin still holds: packets, armed timers, watches, open questions, links, a frontend.
 * 0 = nothing. Writes one line per kind to standard error. */
unsigned cjd_fake_leaks(const struct cjd_fake_host *fake);
/* Makes get() answer NULL for a service. */
void cjd_fake_hide(struct cjd_fake_host *fake, const char *service);
/* How many log lines of exactly this level contain the text. */
unsigned cjd_fake_logged(const struct cjd_fake_host *fake, uint32_t level, const char *text);
/* How many lines of any level contain it. */
unsigned cjd_fake_logged_any(const struct cjd_fake_host *fake, const char *text);
void cjd_fake_logs_clear(struct cjd_fake_host *fake);
/* Ends the process with a message: the plugin, or the test, used the host wrongly. */
_Noreturn void cjd_fake_misuse(const char *format, ...) CJD_PRINTF(1, 2);

/* --- fake_loop.c: time and descriptors -------------------------------------------------------- */

/* Runs what was deferred or posted, until nothing is left. */
void cjd_fake_run(struct cjd_fake_host *fake);
/* Moves the clock on and runs the timers that come due, each at its time. */
void cjd_fake_advance(struct cjd_fake_host *fake, uint64_t ns);
/* Time until the next timer; UINT64_MAX: none armed. */
uint64_t cjd_fake_next_timer(const struct cjd_fake_host *fake);
unsigned cjd_fake_armed(const struct cjd_fake_host *fake);
/* Waits up to timeout_ms for a watched descriptor, calls the watchers. Returns how many ran. */
unsigned cjd_fake_poll(struct cjd_fake_host *fake, int timeout_ms);
unsigned cjd_fake_watched(const struct cjd_fake_host *fake);

/* --- fake_packet.c ---------------------------------------------------------------------------- */

/* A packet with these bytes, as the core would send it. */
struct cjd_pkt *cjd_fake_packet(struct cjd_fake_host *fake, const void *bytes, uint32_t len);
void cjd_fake_packet_free(struct cjd_fake_host *fake, struct cjd_pkt *pkt);

/* --- fake_net.c: names, links and peers ------------------------------------------------------- */

/* The oldest open question for a name; NULL: none. */
struct cjd_fake_ask *cjd_fake_open_ask(struct cjd_fake_host *fake, const char *name);
/* Questions asked for a name so far. */
unsigned cjd_fake_asked(const struct cjd_fake_host *fake, const char *name);
/* Answers the oldest open question for a name with addresses in text form, comma-separated. */
void cjd_fake_answer(struct cjd_fake_host *fake, const char *name, const char *addresses);
/* The same with a failure. */
void cjd_fake_answer_err(struct cjd_fake_host *fake, const char *name, int err, const char *reason);
/* The peer of that name that was not removed; NULL: none. */
struct cjd_fake_peer *cjd_fake_peer(struct cjd_fake_host *fake, const char *name);
/* Peers that were not removed. */
unsigned cjd_fake_peers(const struct cjd_fake_host *fake);
/* Sends an event of a peer to the plugin. */
void cjd_fake_peer_event(struct cjd_fake_host *fake, const struct cjd_fake_peer *peer,
                         int32_t state, int32_t reason);
/* The core removes a peer by itself. */
void cjd_fake_peer_drop(struct cjd_fake_host *fake, struct cjd_fake_peer *peer);

/* --- fake_services.c: devices ----------------------------------------------------------------- */

/* Makes a device known to cjd.netif/1; fields of the result may be changed. */
struct cjd_fake_device *cjd_fake_device(struct cjd_fake_host *fake, const char *name, uint32_t mtu,
                                        bool is_up);
/* How often a netif call was made, e.g. "up tun0". */
unsigned cjd_fake_called(const struct cjd_fake_host *fake, const char *call);

/* --- fake_rpc.c: methods and calls -------------------------------------------------------------
 */

/* Calls a method the plugin offers; its result, borrowed until the next call, or NULL and
 * fake->answer_code. Arguments are JSON text, and not checked against the schema. */
const json_t *cjd_fake_call(struct cjd_fake_host *fake, const char *name, const char *args);

/* Tables of the services; used by get(). */
extern const struct cjd_rpc_service cjd_fake_rpc_service;
extern const struct cjd_loop_service cjd_fake_loop_service;
extern const struct cjd_packet_service cjd_fake_packet_service;
extern const struct cjd_resolve_service cjd_fake_resolve_service;
extern const struct cjd_link_service cjd_fake_link_service;
extern const struct cjd_peer_service cjd_fake_peer_service;
extern const struct cjd_beacon_service cjd_fake_beacon_service;
extern const struct cjd_netif_service cjd_fake_netif_service;
extern const struct cjd_frontend_service cjd_fake_frontend_service;

static inline struct cjd_fake_host *cjd_fake_of(const struct cjd_host *host)
{
    return host->impl;
}

#endif
