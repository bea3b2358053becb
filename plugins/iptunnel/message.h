/*
 * Tunnel messages: what stands behind the data header of content type 257. Pure functions.
 * Source: session notes §6.1–6.3. Bytes are borrowed.
 */
#ifndef IPTUNNEL_MESSAGE_H
#define IPTUNNEL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>

#define TUNNEL_CONTROL_HEADER_BYTES 48u
#define TUNNEL_DICT_MAX             512u

enum tunnel_kind { TUNNEL_INVALID, TUNNEL_IP4, TUNNEL_IP6, TUNNEL_CONTROL };

/* What a received message is; control messages are checked whole (header, lengths, checksum). */
enum tunnel_kind tunnel_classify(const uint8_t *bytes, size_t len);

/* Puts the IPv6/UDP header of a control message in front of `dict`. Returns the length. */
int tunnel_control_write(uint8_t *out, size_t cap, const uint8_t *dict, size_t dict_len);

struct tunnel_addresses {
    bool has_ip4;
    bool has_ip6;
    uint8_t ip4[4];
    uint8_t ip6[16];
    uint8_t ip4_alloc;  /* bits that belong to the client */
    uint8_t ip4_prefix; /* network reachable through the gateway */
    uint8_t ip6_alloc;
    uint8_t ip6_prefix;
};

/* A parsed control dictionary. */
struct tunnel_control {
    bool is_request;
    bool is_reply;
    const uint8_t *txid; /* NULL: absent */
    size_t txid_len;
    struct tunnel_addresses addresses; /* of a reply */
};

/* bytes: a message that tunnel_classify() found to be TUNNEL_CONTROL. */
CJD_MUST_CHECK int tunnel_control_parse(struct tunnel_control *out, const uint8_t *bytes,
                                        size_t len);

/* Dictionaries; both return the length or CJD_ERR_TOO_LONG. txid NULL: none. */
int tunnel_request_write(uint8_t *out, size_t cap, const uint8_t *txid, size_t txid_len);
int tunnel_reply_write(uint8_t *out, size_t cap, const struct tunnel_addresses *a,
                       const uint8_t *txid, size_t txid_len);

#endif
