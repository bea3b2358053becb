/**
 * A peering in one line: whom to connect to, where, and with which password. Pure functions, any
 * thread. Grammar and examples: docs/peer-uri.md.
 *
 *     cjdns://alice:s3cret@KEY.k/203.0.113.7:5199,node.example.org:5199/name=alpha/6n0hrj3
 *
 * The last part is a check over all that stands between the scheme and itself, so that a URI that
 * was cut or mistyped is recognised. It is no protection against forgers.
 *
 * Compiled into every plugin (from sdk/src) and, from the same source, into the core.
 */
#ifndef CJD_PEER_URI_H
#define CJD_PEER_URI_H

#include <stddef.h>

#include <cjd/err.h>
#include <cjd/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CJD_PEER_URI_SIZE          1024u /**< of the longest URI, with NUL */
#define CJD_PEER_URI_ADDRESSES_MAX 8u
#define CJD_PEER_ADDRESS_SIZE      272u /**< of the longest address, with NUL */

/** What a URI says. All texts are UTF-8 without control characters. Holds a secret. */
struct cjd_peer_uri {
    struct cjd_key key; /**< that its address is in fc00::/8 is not checked */
    char login[256];    /**< "": none */
    char password[256]; /**< never empty */
    char name[64];      /**< what the other side wants to be called; "": nothing */
    /** As cjd_endpoint_parse() reads them, each with a port from 1. Best first. */
    char address[CJD_PEER_URI_ADDRESSES_MAX][CJD_PEER_ADDRESS_SIZE];
    size_t address_count; /**< at least 1 */
};

/** [any] Wipes it. */
void cjd_peer_uri_fini(struct cjd_peer_uri *uri);

/**
 * [any] Writes a URI, of characters that no shell gives a meaning to.
 * @param out [out] text with NUL; CJD_PEER_URI_SIZE bytes always suffice
 * @return its length, CJD_ERR_TOO_LONG, or CJD_ERR_INVALID for what a URI cannot say
 */
int cjd_peer_uri_write(char *out, size_t out_size, const struct cjd_peer_uri *uri);

/** Why a text is no URI. */
struct cjd_peer_uri_fault {
    size_t at; /**< offset of the character concerned; the length: where something is missing */
    char text[160]; /**< without any part of the password */
};

/**
 * [any] Reads a URI; nothing may stand before or behind it.
 * @param out [out] wiped with cjd_peer_uri_fini() by the caller; all zero after a failure
 * @return 0 or CJD_ERR_PARSE
 */
CJD_MUST_CHECK int cjd_peer_uri_parse(struct cjd_peer_uri *out, const char *text, size_t len,
                                      struct cjd_peer_uri_fault *fault);

#ifdef __cplusplus
}
#endif

#endif
