/*
 * Sockets to listen at, and the token that is made at the start. Configuration notes §17, §18.7.
 * All [control], in acquire: while there are privileges.
 */
#ifndef CJD_HTTP_LISTEN_H
#define CJD_HTTP_LISTEN_H

#include <cjd/logger.h>
#include <cjd/types.h>

#include "http_config.h"

/* A room for one sentence about what is wrong. */
struct cjd_http_why {
    char text[400];
};

/*
 * Opens a place: a descriptor that listens, or CJD_ERR_BUSY (somebody else listens there; *why
 * names the process where it can be found), CJD_ERR_PERMISSION, …
 * own: this node's address, for the mesh. A unix socket that nobody holds any more is replaced.
 */
CJD_MUST_CHECK int cjd_http_listen_open(const struct cjd_http_listen *listen,
                                        const struct cjd_addr *own, const struct cjd_logger *log,
                                        struct cjd_http_why *why);

/* What tells the file of a unix socket from another of its name; 0: it has none. */
uint64_t cjd_http_listen_inode(const struct cjd_http_listen *listen);
/* Takes the file of a unix socket away, if it is still the one with this inode. */
void cjd_http_listen_remove(const struct cjd_http_listen *listen, uint64_t inode);

/*
 * Writes a new token with all scopes into a file that only its owner may read: who is in the group
 * of the unix socket has fewer rights. The text is not kept.
 */
CJD_MUST_CHECK int cjd_http_token_make(struct cjd_http_token *out, const struct cjd_host *host,
                                       const char *path, struct cjd_http_why *why);

#endif
