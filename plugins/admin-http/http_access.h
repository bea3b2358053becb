/*
 * Who asks, and what they may. Configuration notes §18.7.
 *
 * A client of the unix socket is known by the credentials the kernel vouches for, one over the mesh
 * by its address, which is made from its key; over TCP only a token says anything. Pure, but for
 * cjd_http_client_of(), which asks the kernel about a connection.
 */
#ifndef CJD_HTTP_ACCESS_H
#define CJD_HTTP_ACCESS_H

#include <cjd/types.h>

#include "http_config.h"

#define CJD_HTTP_GROUPS_MAX 64u

/* The other end of a connection. */
struct cjd_http_client {
    enum cjd_http_place place;
    uint32_t uid; /* unix socket */
    uint32_t groups[CJD_HTTP_GROUPS_MAX];
    size_t group_count;
    int family; /* else: 4 or 6 */
    uint8_t ip[16];
    uint8_t own_ip[16]; /* our end */
    uint16_t own_port;
    char text[64]; /* "uid 0", "127.0.0.1" */
};

/* CJD_ERR_PERMISSION: comes from where nobody should. */
CJD_MUST_CHECK int cjd_http_client_of(struct cjd_http_client *out, enum cjd_http_place place,
                                      int fd);
/* Whether two connections count as of one client. */
bool cjd_http_client_is(const struct cjd_http_client *a, const struct cjd_http_client *b);

/* Scopes without a token. socket_group: the group of the unix socket, or CJD_HTTP_NO_ID;
 * own_uid: the daemon's, or CJD_HTTP_NO_ID if it has none of its own. */
uint32_t cjd_http_client_scopes(const struct cjd_http_config *config,
                                const struct cjd_http_client *client, uint32_t socket_group,
                                uint32_t own_uid);

/* The token an Authorization header presents, or NULL if it is none of ours. All are compared, in
 * constant time. */
const struct cjd_http_token *cjd_http_token_find(const struct cjd_http_token *tokens, size_t count,
                                                 const char *authorization, uint64_t wall_ms);

/* Wrong tokens of the last minute, by address; the least recent goes. */
#define CJD_HTTP_CULPRITS     64u
#define CJD_HTTP_FAILURES_MAX 10u

struct cjd_http_failures {
    struct {
        struct cjd_http_client client;
        uint64_t since_ns; /* 0: free */
        uint32_t count;
    } v[CJD_HTTP_CULPRITS];
};

/* Counts one; true: there have been too many. */
bool cjd_http_failures_add(struct cjd_http_failures *f, const struct cjd_http_client *client,
                           uint64_t now_ns);

#endif
