#include "http_access.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <sodium.h>

/* --- the other end ------------------------------------------------------------------------------
 */

/* Groups the client has besides its first. A kernel that cannot tell leaves the first. */
static void read_groups(struct cjd_http_client *out, int fd, gid_t first)
{
    gid_t list[CJD_HTTP_GROUPS_MAX - 1];
    socklen_t len = sizeof list;

    out->groups[0] = first;
    out->group_count = 1;
#ifdef SO_PEERGROUPS
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, list, &len) == 0) {
        for (size_t i = 0; i < len / sizeof list[0]; i++) {
            out->groups[out->group_count++] = list[i];
        }
    }
#else
    (void)fd, (void)list, (void)len;
#endif
}

static int read_credentials(struct cjd_http_client *out, int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || len != sizeof who) {
        return CJD_ERR_PERMISSION;
    }
    out->uid = who.uid;
    read_groups(out, fd, who.gid);
    snprintf(out->text, sizeof out->text, "uid %u", (unsigned)who.uid);
    return 0;
}

static uint16_t read_ip(uint8_t out[16], const struct sockaddr_storage *from)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (from->ss_family == AF_INET) {
        memcpy(&in4, from, sizeof in4);
        memcpy(out, &in4.sin_addr, 4);
        return ntohs(in4.sin_port);
    }
    memcpy(&in6, from, sizeof in6);
    memcpy(out, &in6.sin6_addr, 16);
    return ntohs(in6.sin6_port);
}

static int read_addresses(struct cjd_http_client *out, int fd)
{
    struct sockaddr_storage theirs = {0};
    struct sockaddr_storage ours = {0};
    socklen_t their_len = sizeof theirs;
    socklen_t our_len = sizeof ours;

    if (getpeername(fd, (struct sockaddr *)&theirs, &their_len) < 0 ||
        getsockname(fd, (struct sockaddr *)&ours, &our_len) < 0) {
        return CJD_ERR_PERMISSION;
    }
    out->family = theirs.ss_family == AF_INET ? 4 : 6;
    (void)read_ip(out->ip, &theirs);
    out->own_port = read_ip(out->own_ip, &ours);
    inet_ntop(theirs.ss_family, out->ip, out->text, sizeof out->text);
    return 0;
}

int cjd_http_client_of(struct cjd_http_client *out, enum cjd_http_place place, int fd)
{
    *out = (struct cjd_http_client){.place = place};
    if (place == CJD_HTTP_UNIX) {
        return read_credentials(out, fd);
    }
    int err = read_addresses(out, fd);
    if (err == 0 && place == CJD_HTTP_MESH && (out->family != 6 || out->ip[0] != 0xfc)) {
        return CJD_ERR_PERMISSION;
    }
    return err;
}

bool cjd_http_client_is(const struct cjd_http_client *a, const struct cjd_http_client *b)
{
    if ((a->place == CJD_HTTP_UNIX) != (b->place == CJD_HTTP_UNIX)) {
        return false;
    }
    return a->place == CJD_HTTP_UNIX
               ? a->uid == b->uid
               : a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* --- scopes without a token ---------------------------------------------------------------------
 */

static bool is_in_group(const struct cjd_http_client *client, uint32_t group)
{
    for (size_t i = 0; i < client->group_count; i++) {
        if (client->groups[i] == group) {
            return true;
        }
    }
    return false;
}

static bool is_meant(const struct cjd_http_grant *grant, const struct cjd_http_client *client)
{
    switch (grant->who) {
    case CJD_HTTP_USER:
        return client->place == CJD_HTTP_UNIX && client->uid == grant->id;
    case CJD_HTTP_GROUP:
        return client->place == CJD_HTTP_UNIX && is_in_group(client, grant->id);
    case CJD_HTTP_KEY:
        return client->place == CJD_HTTP_MESH &&
               memcmp(client->ip, grant->addr.b, sizeof client->ip) == 0;
    }
    return false;
}

uint32_t cjd_http_client_scopes(const struct cjd_http_config *config,
                                const struct cjd_http_client *client, uint32_t socket_group,
                                uint32_t own_uid)
{
    uint32_t scopes = 0;
    bool is_named = false;

    if (client->place == CJD_HTTP_UNIX && (client->uid == 0 || client->uid == own_uid)) {
        return CJD_RPC_ALL | CJD_HTTP_METRICS;
    }
    for (size_t i = 0; i < config->grant_count; i++) {
        if (is_meant(&config->grants[i], client)) {
            scopes |= config->grants[i].scopes;
            is_named = true;
        }
    }
    if (!is_named && client->place == CJD_HTTP_UNIX && socket_group != CJD_HTTP_NO_ID &&
        is_in_group(client, socket_group)) {
        scopes = CJD_RPC_READ | CJD_RPC_PROBE | CJD_HTTP_METRICS;
    }
    return scopes;
}

/* --- tokens -------------------------------------------------------------------------------------
 */

const struct cjd_http_token *cjd_http_token_find(const struct cjd_http_token *tokens, size_t count,
                                                 const char *authorization, uint64_t wall_ms)
{
    static const char scheme[] = "Bearer ";
    const struct cjd_http_token *found = NULL;
    uint8_t hash[crypto_hash_sha256_BYTES];

    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) {
        return NULL;
    }
    authorization += sizeof scheme - 1;
    crypto_hash_sha256(hash, (const uint8_t *)authorization, strlen(authorization));
    for (size_t i = 0; i < count; i++) {
        if (sodium_memcmp(hash, tokens[i].sha256, sizeof hash) == 0) {
            found = &tokens[i];
        }
    }
    return found && (found->expires_ms == 0 || wall_ms < found->expires_ms) ? found : NULL;
}

bool cjd_http_failures_add(struct cjd_http_failures *f, const struct cjd_http_client *client,
                           uint64_t now_ns)
{
    size_t at = 0;

    for (size_t i = 0; i < CJD_HTTP_CULPRITS; i++) {
        if (f->v[i].since_ns > 0 && cjd_http_client_is(&f->v[i].client, client)) {
            at = i;
            break;
        }
        at = f->v[i].since_ns < f->v[at].since_ns ? i : at;
    }
    if (f->v[at].since_ns == 0 || !cjd_http_client_is(&f->v[at].client, client) ||
        now_ns - f->v[at].since_ns > 60000000000ull) {
        f->v[at].client = *client;
        f->v[at].since_ns = now_ns > 0 ? now_ns : 1;
        f->v[at].count = 0;
    }
    return ++f->v[at].count > CJD_HTTP_FAILURES_MAX;
}
