/*
 * Control frames: pings, errors and small questions between routers, unencrypted inside the switch.
 * Source: switch notes §8, §11. Parsing and building only; pure.
 */
#ifndef CJD_SWITCH_CTRL_H
#define CJD_SWITCH_CTRL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>
#include <cjd/packet.h>
#include <cjd/types.h>
#include <switch/scheme.h>
#include <switch/switch.h>

#define CJD_CTRL_HANDLE 0xffffffffu /* the word after the switch header */

enum cjd_ctrl_type {
    CJD_CTRL_ERROR = 2,
    CJD_CTRL_PING = 3,
    CJD_CTRL_PONG = 4,
    CJD_CTRL_KEYPING = 5,
    CJD_CTRL_KEYPONG = 6,
    CJD_CTRL_GETSNODE = 7,
    CJD_CTRL_GETSNODE_REPLY = 8,
    CJD_CTRL_RPATH = 9,
    CJD_CTRL_RPATH_REPLY = 10,
    CJD_CTRL_LLADDR = 11,
    CJD_CTRL_LLADDR_REPLY = 12,
};

/* One parsed control frame; `data` points into the frame. */
struct cjd_ctrl {
    enum cjd_ctrl_type type;
    uint32_t version;    /* sender's protocol version; not in ERROR */
    const uint8_t *data; /* opaque bytes after the fixed body; ERROR: the cause */
    uint32_t data_len;
    struct cjd_key key; /* KEYPING/KEYPONG: sender; GETSNODE: its supernode, zero if none */
    uint64_t label;     /* GETSNODE: to the supernode; RPATH */
    uint32_t snode_version;
    uint8_t lladdr[32]; /* LLADDR record */
    uint32_t error;     /* ERROR: enum cjd_switch_error, any value possible */
};

/* Internet checksum, RFC 1071; of a frame with its checksum in place it is 0. */
uint16_t cjd_ctrl_checksum(const uint8_t *bytes, size_t len);

/* frame: what follows CJD_CTRL_HANDLE. CJD_ERR_PARSE: runt, checksum, magic or length wrong;
 * CJD_ERR_UNSUPPORTED: type not known. Versions are not judged here. */
CJD_MUST_CHECK int cjd_ctrl_parse(struct cjd_ctrl *out, const uint8_t *frame, size_t len);

/* What this node says of itself in answers. */
struct cjd_ctrl_self {
    uint32_t version;
    struct cjd_key key;
    const struct cjd_scheme *scheme; /* of the own switch; not NULL */
    uint32_t snode_version;          /* 0: no supernode */
    struct cjd_key snode_key;
    uint64_t snode_label;
    /* Link address of the peer on a one-hop label as a LLADDR record; false: none. May be NULL. */
    bool (*lladdr)(void *ctx, uint64_t label, uint8_t record[32]);
    void *ctx;
};

/*
 * Makes the request at the packet's data (the control frame, without handle and switch header) into
 * its answer, in place and to the same length. from_label: label back to the asker.
 * CJD_ERR_VERSION: sender too old, say nothing; CJD_ERR_UNSUPPORTED: not a request;
 * CJD_ERR_PARSE: malformed; CJD_ERR_NOT_FOUND: LLADDR of no peer.
 */
CJD_MUST_CHECK int cjd_ctrl_answer(const struct cjd_ctrl_self *self, uint64_t from_label,
                                   uint8_t *frame, size_t len);

/* Puts handle and switch header, CJD_CTRL_WRAP_BYTES in all, in front of a control frame; the
 * caller has seen to the headroom. Label as given to the own switch. */
#define CJD_CTRL_WRAP_BYTES (CJD_SWITCH_HEADER_BYTES + 4u)
void cjd_ctrl_wrap(struct cjd_pkt *pkt, uint64_t label, bool suppress_errors);

/* Writes a PING or KEYPING (with `key`) with opaque data into an empty packet; no switch header.
 * CJD_ERR_TOO_LONG: more data than the packet, or a KEYPING (64 bytes), can take. */
CJD_MUST_CHECK int cjd_ctrl_make_ping(struct cjd_pkt *pkt, const struct cjd_key *key,
                                      const void *data, uint32_t len);
/* A ping just made announces that version instead of CJD_PROTOCOL. */
void cjd_ctrl_set_version(struct cjd_pkt *ping, uint32_t version);
/* GETSNODE and RPATH queries likewise. */
CJD_MUST_CHECK int cjd_ctrl_make_getsnode(struct cjd_pkt *pkt, const struct cjd_ctrl_self *self,
                                          const void *data, uint32_t len);
CJD_MUST_CHECK int cjd_ctrl_make_rpath(struct cjd_pkt *pkt, uint64_t label, const void *data,
                                       uint32_t len);

/* The AUTHENTICATION error of §8.3 as a complete frame for the own switch, into an empty packet. */
struct cjd_auth_error {
    struct cjd_switch_header cause; /* of the offending frame as received, label not mirrored */
    uint8_t first16[16];            /* what followed it */
    uint32_t ca_result;
    uint32_t ca_state;
};
CJD_MUST_CHECK int cjd_ctrl_make_auth_error(struct cjd_pkt *pkt, uint64_t to_label,
                                            const struct cjd_auth_error *e);

#endif
