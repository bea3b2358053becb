/*
 * Adding a peering to a configuration: text in, text out, for the command line as well as for a
 * running node. The text is changed where it stands (edit.h) and keeps its form and dialect; what
 * comes out has been read again and compared. No file is written. Control thread.
 *
 * What is in the way goes to diags, with its place in the file. Nothing of a password does.
 */
#ifndef CJD_CONFIG_PEERING_H
#define CJD_CONFIG_PEERING_H

#include <cjd/endpoint.h>
#include <cjd/peer_uri.h>
#include <config/config.h>

struct cjd_peering_change {
    char *text; /* the whole file as it will be; NULL after a failure */
    size_t len;
    unsigned line; /* of the new entry, from 1 */
    bool is_replaced;
    char bind[168];          /* of a peer: what the link it was added to is bound to */
    unsigned used_addresses; /* of a peer: bit i: its address i is in the entry */
};
/* Wipes the text. */
void cjd_peering_change_fini(struct cjd_peering_change *change);

/*
 * Adds a peer to the list of the first UDP link that can reach one of its addresses, best address
 * first, with all of them that link can reach; the reference's form has but one. A peer with that
 * key or address is in the way unless `replaces`; then it is replaced.
 *
 * CJD_ERR_CONFIG: the text cannot be read, or the entry would be wrong; CJD_ERR_EXISTS;
 * CJD_ERR_NOT_FOUND: no link fits; CJD_ERR_STATE: the change does not come to what it should.
 */
CJD_MUST_CHECK int cjd_peering_add(struct cjd_peering_change *out, const char *text, size_t len,
                                   const struct cjd_peer_uri *peer, bool replaces,
                                   struct cjd_diags *diags);
/* Adds a password for who logs in as `login`; the rest as above. */
CJD_MUST_CHECK int cjd_peering_authorize(struct cjd_peering_change *out, const char *text,
                                         size_t len, const char *login, const char *password,
                                         bool replaces, struct cjd_diags *diags);

/* What others must know of this node to connect to it. */
#define CJD_PEERING_BINDS_MAX 8u
struct cjd_peering_self {
    struct cjd_key key;
    char name[64]; /* "": it has none */
    struct cjd_endpoint bind[CJD_PEERING_BINDS_MAX];
    size_t bind_count;
};
/* CJD_ERR_CONFIG after diags: the text cannot be read, or does not tell the node's key. */
CJD_MUST_CHECK int cjd_peering_self(struct cjd_peering_self *out, const char *text, size_t len,
                                    struct cjd_diags *diags);

/* A password as --invite gives away: 128 random bits in base 32, with NUL. */
#define CJD_PEERING_PASSWORD_SIZE 27u
void cjd_peering_draw_password(char out[CJD_PEERING_PASSWORD_SIZE], const struct cjd_rng *rng);

/*
 * Reads what people hand over: a peer URI, or credentials in JSON as other cjdns nodes use them
 * ("1.2.3.4:5": {"publicKey": …}, with or without braces around, comments, commas), or an entry of
 * `peers`. Entries of one node become one peer with several addresses.
 *
 * The caller wipes and frees *out with cjd_peering_peers_free(). CJD_ERR_PARSE after diags.
 */
#define CJD_PEERING_PEERS_MAX 32u
CJD_MUST_CHECK int cjd_peering_read(struct cjd_peer_uri **out, size_t *count, const char *text,
                                    size_t len, struct cjd_diags *diags);
void cjd_peering_peers_free(struct cjd_peer_uri *peers, size_t count);

#endif
