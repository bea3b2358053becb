/**
 * What the host gives a plugin: `get` returns small versioned tables of functions.
 *
 * Every function takes the `host` the plugin was created with: it tells the host whose call it is,
 * so that all that was registered can be undone with its owner. A table starts with its size and
 * version; a function beyond `size`, or NULL, is not offered.
 *
 * Threads: [control] the control thread only; [worker of queue] the thread that owns that queue;
 * [any] any thread. With `workers: 0` all of them are the control thread.
 */
#ifndef CJD_HOST_H
#define CJD_HOST_H

#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>
#include <cjd/packet.h>
#include <cjd/types.h>

struct cjd_host {
    uint32_t size;
    uint32_t abi_minor; /**< of the host */
    /** [control] A service table, or NULL: unknown id, or version older than asked for. */
    const void *(*get)(const struct cjd_host *host, const char *id, uint32_t version);
    void *impl; /**< the host's own */
};

/* ------------------------------------------------------------------ cjd.log/1 */

#define CJD_SERVICE_LOG "cjd.log"

/** Levels; smaller is more important. */
#define CJD_LEVEL_ERROR 0u
#define CJD_LEVEL_WARN  1u
#define CJD_LEVEL_INFO  2u
#define CJD_LEVEL_DEBUG 3u
#define CJD_LEVEL_TRACE 4u

struct cjd_log_service {
    uint32_t size;
    uint32_t version;
    /** [any] 1: lines of this level are written for this plugin. Test before formatting. */
    int (*is_on)(const struct cjd_host *host, uint32_t level);
    /** [any] Writes one ready line, without newline; never key material. */
    void (*write)(const struct cjd_host *host, uint32_t level, const char *line);
};

/* ------------------------------------------------------------------ cjd.time/1 */

#define CJD_SERVICE_TIME "cjd.time"

struct cjd_time_service {
    uint32_t size;
    uint32_t version;
    /** [any] Monotonic nanoseconds; the clock of all timers and of cjd_pkt.rx_ns. */
    uint64_t (*now_ns)(const struct cjd_host *host);
    /** [any] Wall clock, milliseconds since 1970. `plausible` (may be NULL) is set to 0 while the
     *  clock has clearly not been set. */
    uint64_t (*wall_ms)(const struct cjd_host *host, int *plausible);
};

/* ------------------------------------------------------------------ cjd.random/1 */

#define CJD_SERVICE_RANDOM "cjd.random"

struct cjd_random_service {
    uint32_t size;
    uint32_t version;
    /** [any] Fills buf with cryptographically strong random bytes. */
    void (*fill)(const struct cjd_host *host, void *buf, size_t n);
};

/* ------------------------------------------------------------------ cjd.loop/1 */

#define CJD_SERVICE_LOOP "cjd.loop"

#define CJD_FD_READ  1u
#define CJD_FD_WRITE 2u

struct cjd_fd_watch;
typedef void (*cjd_fd_fn)(void *arg, int fd, uint32_t events);
typedef void (*cjd_task_fn)(void *arg);

/** A timer, embedded in the plugin's own structure; opaque. */
struct cjd_plugin_timer {
    uint64_t opaque[24];
};

struct cjd_loop_service {
    uint32_t size;
    uint32_t version;
    /** [control] Calls fn while fd is readable/writable, until fd_unwatch. */
    int (*fd_watch)(const struct cjd_host *host, struct cjd_fd_watch **out, int fd, uint32_t events,
                    cjd_fd_fn fn, void *arg);
    /** [control] NULL is legal. Does not close the descriptor. */
    void (*fd_unwatch)(const struct cjd_host *host, struct cjd_fd_watch *watch);
    /** [control] Once before use. */
    void (*timer_init)(const struct cjd_host *host, struct cjd_plugin_timer *timer, cjd_task_fn fn,
                       void *arg);
    /** [control] One shot; arming again moves it. */
    void (*timer_arm)(const struct cjd_host *host, struct cjd_plugin_timer *timer,
                      uint64_t delay_ns);
    void (*timer_cancel)(const struct cjd_host *host, struct cjd_plugin_timer *timer);
    /** [control] Runs fn once, soon, from the loop. */
    int (*defer)(const struct cjd_host *host, cjd_task_fn fn, void *arg);
    /** [any] Runs fn once on the control thread (worker 0). */
    int (*post)(const struct cjd_host *host, uint32_t worker, cjd_task_fn fn, void *arg);
    /** [control] From acquire on. The host joins the thread after `stop`; fn must return then. */
    int (*thread_spawn)(const struct cjd_host *host, cjd_task_fn fn, void *arg);
};

/* ------------------------------------------------------------------ cjd.packet/1 */

#define CJD_SERVICE_PACKET "cjd.packet"

struct cjd_packet_service {
    uint32_t size;
    uint32_t version;
    /** [worker] Appends up to n packets that hold `bytes` behind the headroom. Returns how many. */
    uint32_t (*alloc)(const struct cjd_host *host, struct cjd_vec *vec, uint32_t n, uint32_t bytes);
    /** [worker] Frees all packets of the vector and empties it. */
    void (*free)(const struct cjd_host *host, struct cjd_vec *vec);
};

/* ------------------------------------------------------------------ cjd.resolve/1 */

#define CJD_SERVICE_RESOLVE "cjd.resolve"

/** Most addresses one answer has. */
#define CJD_RESOLVE_MAX 16u

struct cjd_resolve_answer {
    uint32_t size;
    int32_t err; /**< 0, CJD_ERR_NOT_FOUND (no such name), CJD_ERR_TIMEOUT, … */
    uint32_t count;
    uint32_t ttl_s;     /**< 0 = unknown */
    const char *reason; /**< text of the failure; "" on success */
    struct {
        uint32_t family; /**< 4 or 6 */
        uint8_t b[16];   /**< network byte order */
    } addr[CJD_RESOLVE_MAX];
};

struct cjd_resolve_request;
typedef void (*cjd_resolve_fn)(void *arg, const struct cjd_resolve_answer *answer);

struct cjd_resolve_service {
    uint32_t size;
    uint32_t version;
    /** [control] Asks the system's resolvers for a name, without blocking; fn is called once, from
     *  the loop. family: 0 both, 4, 6. */
    int (*ask)(const struct cjd_host *host, struct cjd_resolve_request **out, const char *name,
               uint32_t family, cjd_resolve_fn fn, void *arg);
    /** [control] fn will not be called. NULL is legal; not after fn was called. */
    void (*cancel)(const struct cjd_host *host, struct cjd_resolve_request *request);
};

/* ------------------------------------------------------------------ cjd.netif/1 */

#define CJD_SERVICE_NETIF "cjd.netif"

struct cjd_netif_state {
    uint32_t size;
    uint32_t index; /**< 0: no such device */
    uint32_t mtu;
    uint32_t is_up;
};

struct cjd_netif_service {
    uint32_t size;
    uint32_t version;
    /** [control] CJD_ERR_NO_DEVICE if there is none of that name. */
    int (*state)(const struct cjd_host *host, const char *device, struct cjd_netif_state *out);
    /** [control] 1: the device has exactly this IPv6 address and prefix length. Else 0. */
    int (*has_addr)(const struct cjd_host *host, const char *device, const struct cjd_addr *addr,
                    uint32_t prefix_len);
    /** [control] Each is done over netlink; CJD_ERR_PERMISSION without the capability. Addresses
     *  are removed again when the plugin stops. */
    int (*addr_add)(const struct cjd_host *host, const char *device, const struct cjd_addr *addr,
                    uint32_t prefix_len);
    int (*mtu_set)(const struct cjd_host *host, const char *device, uint32_t mtu);
    int (*up)(const struct cjd_host *host, const char *device);
    /** [control] From now on fn is called when addresses, routes or devices of the machine have
     *  changed, or it was asleep: soon after, and once for what comes together; in a long row of
     *  changes each 1.6 s. Once a plugin: CJD_ERR_EXISTS. */
    int (*watch)(const struct cjd_host *host, cjd_task_fn fn, void *arg);
};

/* ------------------------------------------------------------------ cjd.frontend/1 */

#define CJD_SERVICE_FRONTEND "cjd.frontend"

/** The machine's side of the node: IPv6 packets without link-layer prefix. */
struct cjd_frontend_ops {
    uint32_t size;
    uint32_t pad;
    /** [worker] Packets for the machine; consumes them and empties the vector. */
    void (*deliver)(void *arg, struct cjd_vec *vec);
};

struct cjd_frontend_service {
    uint32_t size;
    uint32_t version;
    /** [control] This node's own address. */
    void (*own_addr)(const struct cjd_host *host, struct cjd_addr *out);
    /** [control] One frontend at a time: CJD_ERR_EXISTS. */
    int (*attach)(const struct cjd_host *host, const struct cjd_frontend_ops *ops, void *arg,
                  const char *device, uint32_t mtu);
    void (*detach)(const struct cjd_host *host);
    /** [worker] Packets from the machine; consumes them and empties the vector. */
    void (*inject)(const struct cjd_host *host, struct cjd_vec *vec);
};

#endif
