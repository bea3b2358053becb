/*
 * The bencode admin protocol. Source: admin notes (the section numbers in this folder are theirs).
 *
 *     datagram → request (request.c) → who is it (auth.c, clients.c) → function (function.c)
 *              → registry call → answer (answer.c) → source
 *
 * Functions have frozen names, signatures and error texts; what they do is done by methods of the
 * registry (<cjd/rpc.h>). Everything that comes in is hostile: bounded, counted, silently dropped
 * where the notes say so. Control thread.
 *
 * Timers: one that closes silent TCP connections, while there are any.
 */
#ifndef CJD_ADMIN_H
#define CJD_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <cjd/bencode.h>
#include <cjd/logger.h>
#include <cjd/plugin.h>
#include <cjd/rpc.h>

#define ADMIN_REQUEST_MAX   512u   /* §1 */
#define ADMIN_ANSWER_MAX    65000u /* what UDP takes; functions keep to pages of some KiB */
#define ADMIN_PENDING_MAX   1024u  /* requests that wait for an answer */
#define ADMIN_PER_CLIENT    64u    /* of one source */
#define ADMIN_CLIENTS       256u   /* sources remembered, the latest */
#define ADMIN_STREAMS       64u    /* log subscriptions, §9 */
#define ADMIN_CONNECTIONS   16u    /* TCP */
#define ADMIN_COOKIE_LIFE_S 20     /* §5.1 */
#define ADMIN_ACTIVE_S      30     /* §6 */

struct admin;

/* Where an answer goes. */
struct admin_source {
    uint32_t connection; /* number of the TCP connection; 0: UDP */
    socklen_t len;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } addr;
};

/* --- config.c ----------------------------------------------------------------------------------
 */

struct admin_config {
    char bind[64]; /* "127.0.0.1:11234" */
    struct admin_source at;
    bool has_password;
    bool is_open; /* the password is "NONE" */
    bool has_tcp;
    uint32_t anonymous_per_s;
    size_t password_len;
    char password[1025];
};

/* CJD_ERR_CONFIG with a reason. */
CJD_MUST_CHECK int admin_config_read(struct admin_config *out, const json_t *json,
                                     struct cjd_plugin_error *error);
void admin_config_fini(struct admin_config *config);
bool admin_config_same_place(const struct admin_config *a, const struct admin_config *b);

/* --- request.c: §2, §3 -------------------------------------------------------------------------
 */

struct admin_message {
    const uint8_t *bytes; /* the whole datagram */
    size_t len;
    struct cjd_bencode q;
    struct cjd_bencode aq;
    struct cjd_bencode txid;
    struct cjd_bencode cookie;
    struct cjd_bencode hash;
    struct cjd_bencode args;
    bool has_aq;
    bool has_txid;
    bool has_cookie;
    bool has_hash;
    bool has_args;
};

/* False: dropped without an answer. Borrows from the bytes. */
bool admin_message_read(struct admin_message *out, const uint8_t *bytes, size_t len);
bool admin_text_is(const struct cjd_bencode *value, const char *text);
/* The last value of a key, which is the one that counts. */
bool admin_find(const struct cjd_bencode *dict, const char *key, struct cjd_bencode *out);

/* --- auth.c: §5 --------------------------------------------------------------------------------
 */

/* Whether a request with q = "auth" is signed with the password and a cookie that is not old. */
bool admin_auth_is_good(const struct admin_message *m, const char *password, size_t password_len,
                        uint64_t now_s);

/* --- clients.c: §6 -----------------------------------------------------------------------------
 */

struct admin_client {
    struct admin_source source;
    bool is_used;
    bool has_authed;
    uint64_t seen_ns;
    uint32_t pending;
};

bool admin_source_equal(const struct admin_source *a, const struct admin_source *b);
/* The entry of a source; the one silent for longest makes room. NULL: all are busy. */
struct admin_client *admin_client_of(struct admin *a, const struct admin_source *source);
/* One that is remembered; NULL: none. */
struct admin_client *admin_client_find(struct admin *a, const struct admin_source *source);
/* May something be sent to it that it did not ask for just now? */
bool admin_client_is_active(const struct admin *a, const struct admin_client *c);

/* --- requests under way ------------------------------------------------------------------------
 */

struct admin_request;
typedef void (*admin_then_fn)(struct admin_request *r, const json_t *result,
                              const struct cjd_rpc_error *error);
typedef void (*admin_item_fn)(struct admin_request *r, const json_t *item);

struct admin_function {
    const char *name;
    /* "path:S! timeout:I": names in ascending order, type, ! if it is needed. */
    const char *args;
    bool is_open; /* needs no password */
    void (*fn)(struct admin_request *r);
};

struct admin_request {
    struct admin_request *next;
    struct admin_request *prev;
    struct admin *a;
    struct admin_source source;
    const struct admin_function *function; /* NULL: a method of the registry by its own name */
    uint8_t *txid;
    size_t txid_len;
    bool has_txid;
    uint8_t bytes[ADMIN_REQUEST_MAX]; /* copy of the request: arguments point into it */
    struct cjd_bencode args;
    bool has_args;
    struct cjd_rpc_call *call; /* under way, or NULL */
    admin_then_fn then;
    admin_item_fn item;
    json_t *kept;    /* of the function, across its calls; freed with the request */
    uint64_t number; /* the same */
    size_t left;     /* the same */
};

/* Arguments: false if absent or of another type (§3). */
bool admin_arg_int(const struct admin_request *r, const char *name, int64_t *out);
/* Copies the text; one with NUL, or too long for `cap`, becomes "". */
bool admin_arg_text(const struct admin_request *r, const char *name, char *out, size_t cap);
bool admin_arg_bytes(const struct admin_request *r, const char *name, struct cjd_bencode *out);

/* Calls a method; `then` gets the outcome, perhaps before this returns: nothing may follow it.
 * Consumes args (NULL: none). */
void admin_call(struct admin_request *r, const char *method, json_t *args, admin_then_fn then);
/* Answers and ends the request. Consumes the answer. */
void admin_answer(struct admin_request *r, json_t *answer);
/* {"error": text} */
void admin_error(struct admin_request *r, const char *text);
/* A failure of a method that the function has no word for. */
void admin_fail(struct admin_request *r, const struct cjd_rpc_error *error);
/* One answer of several; the request stays. Consumes it. */
void admin_part(struct admin_request *r, json_t *answer);

/* --- answer.c ----------------------------------------------------------------------------------
 */

/* Bytes as a value of an answer: a JSON string could not hold them. */
json_t *admin_bytes(const void *bytes, size_t len);
/* Bencode with sorted keys; true and false are 1 and 0, null is left out, numbers are cut to
 * integers. Returns the length, or CJD_ERR_TOO_LONG. */
int admin_render(uint8_t *out, size_t cap, const json_t *value);

/* --- function.c --------------------------------------------------------------------------------
 */

const struct admin_function *admin_function_find(const struct cjd_bencode *name);
/* The text of the first argument that is missing, or of the wrong type. False: all are there. */
bool admin_args_fault(const struct admin_function *f, const struct admin_request *r, char *out,
                      size_t cap);
json_t *admin_functions_page(int64_t page, bool *is_full);
/* A method of the registry by its own name. */
void admin_generic(struct admin_request *r, const struct cjd_rpc_method_info *method);

/* --- log.c: §9 ---------------------------------------------------------------------------------
 */

struct admin_stream {
    struct admin *a;
    bool is_used;
    struct admin_source source;
    uint8_t *txid;
    size_t txid_len;
    bool has_txid;
    uint8_t id[8];
    char level[12];
    char file[64];
    int64_t line;
    uint64_t dropped;
    struct cjd_rpc_subscription *sub;
};

void admin_streams_end(struct admin *a);
/* Those of a TCP connection that is closed. */
void admin_streams_drop(struct admin *a, uint32_t connection);

/* --- the whole ---------------------------------------------------------------------------------
 */

struct admin_counts {
    uint64_t requests;
    uint64_t dropped; /* unreadable */
    uint64_t refused; /* wrong hash or cookie */
    uint64_t limited; /* without password, too many */
    uint64_t unsent;
};

struct admin_connection {
    struct admin *a;
    int fd; /* −1: free */
    uint32_t number;
    struct cjd_fd_watch *watch;
    uint64_t heard_ns;
    size_t len;
    uint8_t bytes[ADMIN_REQUEST_MAX + 1];
};

struct admin {
    const struct cjd_host *host;
    const struct cjd_rpc_service *rpc;
    const struct cjd_loop_service *loop;
    const struct cjd_time_service *time;
    const struct cjd_random_service *random;
    struct cjd_logger log;
    struct admin_config config;
    bool is_configured;
    bool is_started;
    int fd;     /* −1: not open */
    int tcp_fd; /* −1: none */
    struct cjd_fd_watch *watch;
    struct cjd_fd_watch *tcp_watch;
    struct cjd_plugin_timer idle;
    uint32_t last_connection;
    struct admin_connection connections[ADMIN_CONNECTIONS];
    struct admin_client clients[ADMIN_CLIENTS];
    struct admin_request *requests;
    uint32_t pending;
    struct admin_stream streams[ADMIN_STREAMS];
    struct admin_counts counts;
    uint64_t anonymous_ns; /* up to when the budget of requests without password is used */
    uint64_t warned_ns;
    uint8_t buffer[ADMIN_ANSWER_MAX + 16];
};

/* socket.c */
CJD_MUST_CHECK int admin_sockets_open(struct admin *a, struct cjd_plugin_error *error);
void admin_sockets_close(struct admin *a);
CJD_MUST_CHECK int admin_sockets_watch(struct admin *a);
void admin_sockets_unwatch(struct admin *a);
/* One call of the system; false: it could not be sent. */
bool admin_send(struct admin *a, const struct admin_source *to, const uint8_t *bytes, size_t len);

/* dispatch.c: one message from a source. False: a stream connection should be closed. */
bool admin_receive(struct admin *a, const struct admin_source *from, const uint8_t *bytes,
                   size_t len);
/* Renders and sends; consumes the answer. */
bool admin_send_answer(struct admin *a, const struct admin_source *to, const uint8_t *txid,
                       size_t txid_len, bool has_txid, json_t *answer);
/* Ends all requests without an answer. */
void admin_requests_end(struct admin *a);
void admin_requests_drop(struct admin *a, uint32_t connection);
uint64_t admin_now_ns(const struct admin *a);
uint64_t admin_now_s(const struct admin *a);

#endif
