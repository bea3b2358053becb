#include "message.h"

#include <cjd/bencode.h>
#include <string.h>

#define IP4_HEADER_BYTES 20u
#define IP6_HEADER_BYTES 40u
#define UDP_HEADER_BYTES 8u
#define PROTOCOL_UDP     17u
#define REQUEST_NAME     "IpTunnel_getAddresses"

static uint32_t load16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static void store16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* UDP over IPv6 with both addresses zero, so the pseudo header is length and protocol only. */
static uint16_t checksum(const uint8_t *udp, size_t len)
{
    uint32_t sum = (uint32_t)len + PROTOCOL_UDP;

    for (size_t i = 0; i + 1 < len; i += 2) {
        sum += load16(udp + i);
    }
    if (len % 2 != 0) {
        sum += (uint32_t)udp[len - 1] << 8;
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool control_is_valid(const uint8_t *p, size_t len)
{
    const uint8_t *udp = p + IP6_HEADER_BYTES;

    if (len < TUNNEL_CONTROL_HEADER_BYTES || p[6] != PROTOCOL_UDP) {
        return false;
    }
    uint32_t payload = load16(p + 4);
    if (payload < UDP_HEADER_BYTES || payload > len - IP6_HEADER_BYTES) {
        return false;
    }
    /* The UDP length counts the dictionary only (session notes §6.2). */
    return is_zero(udp, 4) && load16(udp + 4) == payload - UDP_HEADER_BYTES &&
           checksum(udp, payload) == 0;
}

enum tunnel_kind tunnel_classify(const uint8_t *bytes, size_t len)
{
    if (len > IP4_HEADER_BYTES && bytes[0] >> 4 == 4) {
        return is_zero(bytes + 12, 4) || is_zero(bytes + 16, 4) ? TUNNEL_INVALID : TUNNEL_IP4;
    }
    if (len <= IP6_HEADER_BYTES || bytes[0] >> 4 != 6) {
        return TUNNEL_INVALID;
    }
    bool no_source = is_zero(bytes + 8, 16);
    bool no_dest = is_zero(bytes + 24, 16);
    if (no_source && no_dest) {
        return control_is_valid(bytes, len) ? TUNNEL_CONTROL : TUNNEL_INVALID;
    }
    if (no_source || no_dest || bytes[8] == 0xfc || bytes[24] == 0xfc) {
        return TUNNEL_INVALID;
    }
    return TUNNEL_IP6;
}

int tunnel_control_write(uint8_t *out, size_t cap, const uint8_t *dict, size_t dict_len)
{
    size_t len = TUNNEL_CONTROL_HEADER_BYTES + dict_len;
    uint8_t *udp = out + IP6_HEADER_BYTES;

    if (len > cap || dict_len > TUNNEL_DICT_MAX) {
        return CJD_ERR_TOO_LONG;
    }
    memset(out, 0, TUNNEL_CONTROL_HEADER_BYTES);
    out[0] = 0x60;
    store16(out + 4, (uint32_t)(UDP_HEADER_BYTES + dict_len));
    out[6] = PROTOCOL_UDP;
    store16(udp + 4, (uint32_t)dict_len);
    memcpy(out + TUNNEL_CONTROL_HEADER_BYTES, dict, dict_len);
    store16(udp + 6, checksum(udp, UDP_HEADER_BYTES + dict_len));
    return (int)len;
}

/* --- dictionaries -------------------------------------------------------------------------------
 */

static uint8_t bits_of(const struct cjd_bencode *dict, const char *key, uint8_t max)
{
    struct cjd_bencode v;

    if (!cjd_bencode_find(dict, key, &v) || v.type != CJD_BENCODE_INT || v.number < 0 ||
        v.number > max) {
        return max;
    }
    return (uint8_t)v.number;
}

static bool address_of(const struct cjd_bencode *dict, const char *key, uint8_t *out, size_t len)
{
    struct cjd_bencode v;

    if (!cjd_bencode_find(dict, key, &v) || v.type != CJD_BENCODE_STRING || v.len != len) {
        return false;
    }
    memcpy(out, v.bytes, len);
    return true;
}

static void parse_addresses(struct tunnel_addresses *a, const struct cjd_bencode *dict)
{
    a->has_ip4 = address_of(dict, "ip4", a->ip4, sizeof a->ip4);
    a->has_ip6 = address_of(dict, "ip6", a->ip6, sizeof a->ip6);
    a->ip4_alloc = bits_of(dict, "ip4Alloc", 32);
    a->ip4_prefix = bits_of(dict, "ip4Prefix", 32);
    a->ip6_alloc = bits_of(dict, "ip6Alloc", 128);
    a->ip6_prefix = bits_of(dict, "ip6Prefix", 128);
}

int tunnel_control_parse(struct tunnel_control *out, const uint8_t *bytes, size_t len)
{
    struct cjd_bencode dict;
    struct cjd_bencode v;
    size_t used;

    memset(out, 0, sizeof *out);
    if (len < TUNNEL_CONTROL_HEADER_BYTES ||
        cjd_bencode_parse(&dict, bytes + TUNNEL_CONTROL_HEADER_BYTES,
                          len - TUNNEL_CONTROL_HEADER_BYTES, &used) != 0 ||
        dict.type != CJD_BENCODE_DICT) {
        return CJD_ERR_PARSE;
    }
    if (cjd_bencode_find(&dict, "txid", &v) && v.type == CJD_BENCODE_STRING) {
        out->txid = v.bytes;
        out->txid_len = v.len;
    }
    if (cjd_bencode_find(&dict, "addresses", &v) && v.type == CJD_BENCODE_DICT) {
        out->is_reply = true;
        parse_addresses(&out->addresses, &v);
    } else if (cjd_bencode_find(&dict, "q", &v) && v.type == CJD_BENCODE_STRING) {
        out->is_request =
            v.len == strlen(REQUEST_NAME) && memcmp(v.bytes, REQUEST_NAME, v.len) == 0;
    }
    return 0;
}

static void put_txid(struct cjd_bencode_writer *w, const uint8_t *txid, size_t len)
{
    if (txid) {
        cjd_bencode_put_text(w, "txid");
        cjd_bencode_put_string(w, txid, len);
    }
}

int tunnel_request_write(uint8_t *out, size_t cap, const uint8_t *txid, size_t txid_len)
{
    struct cjd_bencode_writer w;

    cjd_bencode_writer_init(&w, out, cap);
    cjd_bencode_begin_dict(&w);
    cjd_bencode_put_text(&w, "q");
    cjd_bencode_put_text(&w, REQUEST_NAME);
    put_txid(&w, txid, txid_len);
    cjd_bencode_end(&w);
    return cjd_bencode_finish(&w);
}

static void put_bits(struct cjd_bencode_writer *w, const char *key, uint8_t bits)
{
    cjd_bencode_put_text(w, key);
    cjd_bencode_put_int(w, bits);
}

int tunnel_reply_write(uint8_t *out, size_t cap, const struct tunnel_addresses *a,
                       const uint8_t *txid, size_t txid_len)
{
    struct cjd_bencode_writer w;

    cjd_bencode_writer_init(&w, out, cap);
    cjd_bencode_begin_dict(&w);
    cjd_bencode_put_text(&w, "addresses");
    cjd_bencode_begin_dict(&w);
    if (a->has_ip4) {
        cjd_bencode_put_text(&w, "ip4");
        cjd_bencode_put_string(&w, a->ip4, sizeof a->ip4);
        put_bits(&w, "ip4Alloc", a->ip4_alloc);
        put_bits(&w, "ip4Prefix", a->ip4_prefix);
    }
    if (a->has_ip6) {
        cjd_bencode_put_text(&w, "ip6");
        cjd_bencode_put_string(&w, a->ip6, sizeof a->ip6);
        put_bits(&w, "ip6Alloc", a->ip6_alloc);
        put_bits(&w, "ip6Prefix", a->ip6_prefix);
    }
    cjd_bencode_end(&w);
    put_txid(&w, txid, txid_len);
    cjd_bencode_end(&w);
    return cjd_bencode_finish(&w);
}
