/*
 * What admin-http is told: where to listen, who may do what, limits. Configuration notes §18.7.
 *
 * A configuration is read once and then only looked at; whoever holds it frees it. Names of users
 * and groups are looked up while reading, since a sandbox may hide them later.
 */
#ifndef CJD_HTTP_CONFIG_H
#define CJD_HTTP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <cjd/config.h>
#include <cjd/endpoint.h>
#include <cjd/plugin.h>
#include <cjd/rpc.h>

/** Beside the scopes of <cjd/rpc.h>: reading metrics only. Whoever may read has it. */
#define CJD_HTTP_METRICS 16u

#define CJD_HTTP_LISTEN_MAX 8u
#define CJD_HTTP_HASH_SIZE  32u
#define CJD_HTTP_NO_ID      UINT32_MAX

enum cjd_http_place { CJD_HTTP_UNIX, CJD_HTTP_TCP, CJD_HTTP_MESH };

struct cjd_http_listen {
    enum cjd_http_place place;
    char *text;          /* as configured, for messages */
    char *path;          /* of a unix socket */
    uint32_t mode;       /* of it */
    uint32_t group;      /* number; CJD_HTTP_NO_ID: left as it is */
    char *group_missing; /* a group that does not exist */
    char *device;        /* of the mesh: take only what arrives there; NULL: any */
    struct cjd_endpoint at;
};

struct cjd_http_token {
    char *name;
    uint8_t sha256[CJD_HTTP_HASH_SIZE];
    uint32_t scopes;
    uint64_t expires_ms; /* since 1970; 0: never */
};

enum cjd_http_who { CJD_HTTP_USER, CJD_HTTP_GROUP, CJD_HTTP_KEY };

struct cjd_http_grant {
    enum cjd_http_who who;
    uint32_t id;          /* of a user or group; CJD_HTTP_NO_ID: does not exist */
    struct cjd_addr addr; /* of a key */
    uint32_t scopes;
};

struct cjd_http_limits {
    uint32_t header_bytes;
    uint32_t body_bytes;
    uint32_t connections;
    uint32_t connections_per_client;
    uint32_t streams;
    uint32_t receive_s;
    uint32_t idle_s;
    uint32_t requests_per_s;
    uint32_t metric_peers;
};

struct cjd_http_config {
    struct cjd_http_listen listen[CJD_HTTP_LISTEN_MAX];
    size_t listen_count;
    struct cjd_http_token *tokens;
    size_t token_count;
    struct cjd_http_grant *grants;
    size_t grant_count;
    char **host_names;
    size_t host_name_count;
    char **cors_origins;
    size_t cors_count;
    char *token_file;
    struct cjd_http_limits limits;
};

CJD_MUST_CHECK int cjd_http_config_read(struct cjd_http_config **out, const json_t *json,
                                        struct cjd_plugin_error *error);
/* NULL is legal. */
void cjd_http_config_free(struct cjd_http_config *config);

/* "unix:/run/cjdns/api.sock?mode=0660&group=cjdns", "tcp:127.0.0.1:11235", "mesh:11235". */
CJD_MUST_CHECK int cjd_http_listen_read(struct cjd_http_listen *out, const struct cjd_conf *at,
                                        bool is_insecure_ok);
void cjd_http_listen_fini(struct cjd_http_listen *listen);

/* The word for the least of the scopes, such as "read". */
const char *cjd_http_scope_word(uint32_t scopes);
/* [control] Whether a user is "nobody", which is not one but whoever has no user of his own. */
bool cjd_http_is_nobody(uint32_t uid);
/* Address of a node's key (CryptoAuth notes §2). */
void cjd_http_key_addr(struct cjd_addr *out, const struct cjd_key *key);

#endif
