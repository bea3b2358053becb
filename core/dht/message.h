/*
 * Router messages: bytes ↔ struct. Source: router notes §2.1, §3, §6. Pure; any thread.
 *
 * A decoded message borrows from its bytes. Decoding checks what §6 asks of the message itself
 * (points 1 to 6, 9, 10 and the part of 13 that needs no state); whether a reply is expected and
 * where a listed node's path leads is for the caller.
 */
#ifndef CJD_DHT_MESSAGE_H
#define CJD_DHT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>
#include <cjd/types.h>
#include <switch/scheme.h>

#define CJD_MESSAGE_NODES_MAX   8u
#define CJD_MESSAGE_TXID_MAX    512u /* what is echoed must leave room for a full reply */
#define CJD_MESSAGE_ADDR_BYTES  16u  /* target of fn and nh */
#define CJD_MESSAGE_LABEL_BYTES 8u   /* target of gp */

enum cjd_method {
    CJD_METHOD_NONE,    /* a reply */
    CJD_METHOD_PN,      /* ping */
    CJD_METHOD_GP,      /* get peers */
    CJD_METHOD_FN,      /* find node */
    CJD_METHOD_NH,      /* next hop */
    CJD_METHOD_UNKNOWN, /* some other query; acts as a ping */
};

/* One node of a reply; the label is relative to the responder and made usable for the asker. */
struct cjd_message_node {
    struct cjd_key key;
    uint64_t label;
    uint32_t version;
};

struct cjd_message {
    enum cjd_method method;
    const uint8_t *txid;
    size_t txid_len;
    uint32_t version;         /* p */
    struct cjd_scheme scheme; /* es */
    int form;                 /* ei: form of the director with which the sender reaches us */
    const uint8_t *target;    /* tar; NULL: none */
    size_t target_len;
    const uint8_t *error; /* NULL: none */
    size_t error_len;
    bool do_not_tell;    /* dnd */
    uint32_t node_count; /* worst first, best last */
    struct cjd_message_node nodes[CJD_MESSAGE_NODES_MAX];
};

enum cjd_message_verdict {
    CJD_MESSAGE_OK,
    CJD_MESSAGE_MALFORMED,
    CJD_MESSAGE_VERSION, /* the sender's version is not compatible with ours */
    CJD_MESSAGE_FOREIGN, /* for another component: supernode protocol, or a reply with its prefix */
};

/* The first bytes of every transaction id of ours (router notes §3.2). */
#define CJD_MESSAGE_PREFIX "00"

/* Anything but OK: `out` is not to be read, the message is dropped without reply. */
enum cjd_message_verdict cjd_message_decode(struct cjd_message *out, const uint8_t *bytes,
                                            size_t len);

/* Unpadded, keys sorted. Returns the length, or CJD_ERR_TOO_LONG or CJD_ERR_INVALID (a method that
 * has no name, a scheme that cannot be written). */
int cjd_message_encode(const struct cjd_message *m, uint8_t *out, size_t cap);

/* Versions below the minimum are not compatible; those above our own count as our own. */
bool cjd_message_version_is_compatible(uint32_t version);

#endif
