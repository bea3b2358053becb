/**
 * cjd.rpc/1: one registry of typed methods and events; every face is generated from it.
 *
 * A *provider* (the core, or any plugin) registers methods and event types. A *face* (a plugin that
 * talks to operators: HTTP, bencode) lists them, calls them for its clients and follows the event
 * and log streams. What a face must know stands in the description: `http` gives verb and path, the
 * schemas give arguments for OpenAPI, command line and bencode alike.
 *
 * Values are jansson's. A method sees arguments that fit its schema, with defaults filled in;
 * whoever calls with others gets an error before the method runs. Schemas are JSON Schema in the
 * subset of plugin configurations (docs/plugin-guide.md); an object lists all its members, and a
 * member that is not named is an error. Order of the properties is order of positional arguments.
 * Conventions (names, units, times): docs/admin-rpc.md. Secrets have "format": "secret".
 *
 * Everything here is for the control thread. A face with a thread of its own comes by `post`.
 */
#ifndef CJD_RPC_H
#define CJD_RPC_H

#include <stdint.h>

#include <jansson.h>

#include <cjd/host.h>

#define CJD_SERVICE_RPC "cjd.rpc"

/** Scopes: what a method needs, or (a set of them) what a caller has. */
#define CJD_RPC_READ       1u /**< changes nothing, sends nothing */
#define CJD_RPC_PROBE      2u /**< causes traffic to other nodes */
#define CJD_RPC_WRITE      4u /**< changes this node until its next start */
#define CJD_RPC_ADMINISTER 8u /**< ends the node, shows or changes who may do what */
#define CJD_RPC_ALL        15u

/** cjd_rpc_method.flags */
#define CJD_RPC_LATER 1u /**< may answer after `call` has returned */
#define CJD_RPC_ITEMS 2u /**< sends items before its result, each as `item` says */

/** Longest time any call may take, and the usual one. */
#define CJD_RPC_TIMEOUT_MAX_MS 600000u
#define CJD_RPC_TIMEOUT_MS     30000u

/* ------------------------------------------------------------------ errors */

/**
 * Why a call failed. `err` is the class: INVALID (arguments), NOT_FOUND, EXISTS, STATE (conflict),
 * PERMISSION (scope), UNSUPPORTED, FULL or AGAIN (later), TIMEOUT, NO_MEMORY, IO (internal).
 * Texts are borrowed for the call that hands them over; none is NULL.
 */
struct cjd_rpc_error {
    uint32_t size;
    int32_t err;         /**< CJD_ERR_… */
    const char *code;    /**< one word for programs, "unknown_argument"; stable */
    const char *pointer; /**< JSON Pointer of the argument; "" = the call as a whole */
    const char *message; /**< one sentence for people */
    const char *hint;    /**< what to do; "" = nothing to say */
};

/* ------------------------------------------------------------------ methods */

/** A call under way. A method may keep it until it has answered, not longer. */
struct cjd_rpc_call {
    uint32_t size;
    uint32_t scopes;      /**< what the caller has */
    const char *method;   /**< full name */
    const char *caller;   /**< for the log: "admin-udp 127.0.0.1:4711" */
    uint64_t deadline_ns; /**< after that the host ends it */
    void *data;           /**< the method's own, NULL at first */
};

struct cjd_rpc_method {
    uint32_t size;
    uint32_t scope; /**< one of CJD_RPC_READ … ADMINISTER */
    uint32_t flags;
    uint32_t timeout_ms; /**< of a LATER method unless the caller says; 0: CJD_RPC_TIMEOUT_MS */
    /** "peers.list": words of a … z, 0 … 9, '_' and '-', joined by dots. The host puts the id of a
     *  plugin's instance in front: "connect" of "udp" is "udp.connect", of "udp#2" "udp-2.connect".
     */
    const char *name;
    /** "GET /peers/{peer}": verb and path below /v1 (plugins: below /v1/ID). {x} is the argument
     *  x; other arguments travel in the query (GET, DELETE) or the body. NULL: POST of the name. */
    const char *http;
    const char *summary;     /**< one line, for lists of methods */
    const char *description; /**< more, plain text; NULL: nothing */
    const char *args;        /**< JSON Schema of an object; NULL: no arguments */
    const char *item;        /**< of ITEMS methods */
    const char *result;      /**< JSON Schema of the result; NULL: an empty object */
    /** [control] Answers by `reply` or `fail`, exactly once; methods that are not LATER before they
     *  return. `args` is borrowed for the call. */
    void (*call)(void *arg, struct cjd_rpc_call *call, const json_t *args);
    /** [control] LATER: the caller went away, the deadline passed, or the provider ends. The call
     *  is gone when this returns; no answer is expected or allowed. Never called from inside
     *  `item`, `reply` or `fail`. */
    void (*cancel)(void *arg, struct cjd_rpc_call *call);
};

/** What a face sees of a method. Borrowed; good while `revision` stays the same. */
struct cjd_rpc_method_info {
    uint32_t size;
    uint32_t scope;
    uint32_t flags;
    uint32_t timeout_ms;
    const char *name;     /**< full */
    const char *provider; /**< "core", or the id of the plugin's instance */
    const char *verb;     /**< "GET" */
    const char *path;     /**< "/v1/peers/{peer}" */
    const char *summary;
    const char *description; /**< "" if none */
    const json_t *args;      /**< schema; never NULL */
    const json_t *item;      /**< NULL without ITEMS */
    const json_t *result;
};

/** How a call ended: `result` on success, else `error`. Both are borrowed; a face that needs the
 *  value longer takes a reference with json_incref(), nobody changes it any more. */
typedef void (*cjd_rpc_done_fn)(void *arg, const json_t *result, const struct cjd_rpc_error *error);
typedef void (*cjd_rpc_item_fn)(void *arg, const json_t *item);

struct cjd_rpc_request {
    uint32_t size;
    uint32_t scopes;     /**< what the face grants its client */
    uint32_t timeout_ms; /**< 0: the method's own */
    uint32_t pad;
    const char *method;   /**< full name */
    const char *caller;   /**< copied */
    const json_t *args;   /**< an object, or NULL: none. Borrowed, not changed */
    cjd_rpc_done_fn done; /**< once, unless cancelled; may be called before `call` returns */
    cjd_rpc_item_fn item; /**< NULL: items are not wanted */
    void *arg;
};

/* ------------------------------------------------------------------ events and log */

struct cjd_rpc_event_type {
    uint32_t size;
    uint32_t pad;
    const char *name;    /**< "peer.state"; a plugin's id is put in front */
    const char *summary; /**< one line: when it happens */
    const char *data;    /**< JSON Schema of its data, an object; NULL: an empty one */
};

struct cjd_rpc_event_type_info {
    uint32_t size;
    uint32_t pad;
    const char *name;
    const char *provider;
    const char *summary;
    const json_t *data;
};

/** What can be followed. */
#define CJD_RPC_EVENTS 0u
#define CJD_RPC_LOG    1u

/**
 * An event or a log line. Sequence numbers grow by one per event of a stream, from 1 at the start
 * of the daemon; `dropped` tells how many a slow reader missed just before this one. Log lines have
 * the type "log" and {"level", "module", "message"} as data. Borrowed until the next call of
 * `next` or `unsubscribe`. Of what a slow reader missed it is not known any more whether its
 * filter would have let it through.
 */
struct cjd_rpc_event {
    uint32_t size;
    uint32_t pad;
    uint64_t seq;
    uint64_t wall_ms; /**< since 1970 */
    uint64_t dropped;
    const char *type;
    const json_t *data;
};

struct cjd_rpc_subscription;
/** Something new to fetch with `next`; called from the loop, at most once per turn. */
typedef void (*cjd_rpc_ready_fn)(void *arg);

struct cjd_rpc_subscribe {
    uint32_t size;
    uint32_t stream; /**< CJD_RPC_EVENTS or CJD_RPC_LOG */
    /** Resume behind this number; what is too old counts as dropped. UINT64_MAX: from now on. */
    uint64_t after;
    /** Events: types, comma-separated, "peer.*,session.closed". Log: modules. NULL: all. */
    const char *types;
    uint32_t level; /**< log: CJD_LEVEL_…, lines of this level and more important ones; lines that
                     *   the configuration leaves out are made as long as somebody follows them */
    uint32_t tail;  /**< begin with the last so many that are kept; `after` is then not looked at */
    cjd_rpc_ready_fn ready;
    void *arg;
};

/* ------------------------------------------------------------------ the service */

struct cjd_rpc_service {
    uint32_t size;
    uint32_t version;

    /* --- providers --- */

    /** [control] Registers a method until the plugin stops; from `start` on. Texts and schemas are
     *  the plugin's and stay until then. Just before `stop`, its methods are taken back and the
     *  calls they have not answered are cancelled. CJD_ERR_EXISTS: the name is taken;
     * CJD_ERR_INVALID: a schema or a name is broken (the log says what); CJD_ERR_FULL. */
    int (*method_add)(const struct cjd_host *host, const struct cjd_rpc_method *method, void *arg);
    /** [control] Consumes the item. */
    void (*item)(const struct cjd_host *host, struct cjd_rpc_call *call, json_t *item);
    /** [control] Ends the call; consumes the result. NULL: out of memory, the call fails so. */
    void (*reply)(const struct cjd_host *host, struct cjd_rpc_call *call, json_t *result);
    /** [control] Ends the call. */
    void (*fail)(const struct cjd_host *host, struct cjd_rpc_call *call,
                 const struct cjd_rpc_error *error);
    /** [control] Registers an event type until the plugin stops. */
    int (*event_add)(const struct cjd_host *host, const struct cjd_rpc_event_type *type);
    /** [control] Tells an event of a registered type; consumes the data. */
    void (*emit)(const struct cjd_host *host, const char *type, json_t *data);

    /* --- faces --- */

    /** [control] Grows whenever methods or event types come or go. */
    uint64_t (*revision)(const struct cjd_host *host);
    /** [control] Methods and event types in order of their names. CJD_ERR_NOT_FOUND: past the end,
     *  or no such name. `size` of the output must be set. */
    int (*method_at)(const struct cjd_host *host, uint32_t index, struct cjd_rpc_method_info *out);
    int (*method_find)(const struct cjd_host *host, const char *name,
                       struct cjd_rpc_method_info *out);
    int (*event_type_at)(const struct cjd_host *host, uint32_t index,
                         struct cjd_rpc_event_type_info *out);
    /** [control] Calls a method. Whatever happens, `done` tells; *out (may be NULL) is the call, or
     *  NULL if it is over already. */
    void (*call)(const struct cjd_host *host, const struct cjd_rpc_request *request,
                 struct cjd_rpc_call **out);
    /** [control] The client is gone: nothing more is called. NULL is legal; not after `done`. */
    void (*cancel)(const struct cjd_host *host, struct cjd_rpc_call *call);
    /** [control] 16 hex digits, new at each start: sequence numbers of another run mean nothing. */
    const char *(*boot_id)(const struct cjd_host *host);
    /** [control] Until unsubscribe, or the plugin stops. CJD_ERR_FULL. */
    int (*subscribe)(const struct cjd_host *host, const struct cjd_rpc_subscribe *wish,
                     struct cjd_rpc_subscription **out);
    /** [control] 1: `out` is filled; 0: nothing waits, `ready` will tell. */
    int (*next)(const struct cjd_host *host, struct cjd_rpc_subscription *sub,
                struct cjd_rpc_event *out);
    /** [control] NULL is legal. */
    void (*unsubscribe)(const struct cjd_host *host, struct cjd_rpc_subscription *sub);
};

#endif
