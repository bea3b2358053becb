/**
 * What a configured peer is on any kind of link: whose key, which credentials, what to call it.
 *
 * Compiled into link plugins (sdk/src). All [control].
 */
#ifndef CJD_PEER_CONF_H
#define CJD_PEER_CONF_H

#include <stdbool.h>

#include <cjd/config.h>
#include <cjd/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cjd_peer_conf {
    struct cjd_key key;
    char *login; /**< NULL: none */
    char *password;
    char *name; /**< NULL: none */
};

/** Reads `publicKey`, `password`, `login` and `name` of an object; an empty text is as good as
 * none. CJD_ERR_CONFIG with the place, or CJD_ERR_NO_MEMORY; cjd_peer_conf_fini() also then. */
CJD_MUST_CHECK int cjd_peer_conf_read(struct cjd_peer_conf *out, const struct cjd_conf *at);
/** Wipes the password. */
void cjd_peer_conf_fini(struct cjd_peer_conf *peer);
bool cjd_peer_conf_equal(const struct cjd_peer_conf *a, const struct cjd_peer_conf *b);

#ifdef __cplusplus
}
#endif

#endif
