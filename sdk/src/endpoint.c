#include <cjd/endpoint.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------------
 */

static const char port_fault[] = "the port must be a number up to 65535";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool parse_port(long *out, const char *text)
{
    size_t n = strspn(text, "0123456789");

    if (n == 0 || n > 5 || text[n] != '\0') {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        *out = *out * 10 + (text[i] - '0');
    }
    return *out <= 65535;
}

/* An IPv6 address, perhaps with a zone: "fe80::1%eth0". */
static bool parse_ip6(struct cjd_endpoint *e)
{
    char bare[INET6_ADDRSTRLEN];
    const char *zone = strchr(e->host, '%');
    size_t n = zone ? (size_t)(zone - e->host) : strlen(e->host);

    if (n >= sizeof bare || (zone && (zone[1] == '\0' || strlen(zone + 1) > 15))) {
        return false;
    }
    memcpy(bare, e->host, n);
    bare[n] = '\0';
    e->family = 6;
    return inet_pton(AF_INET6, bare, e->ip) == 1;
}

static bool is_name_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* RFC 1123, and underscores, which resolvers accept. */
static bool is_host_name(const char *text)
{
    size_t label = 0;

    for (; *text != '\0'; text++) {
        if (*text == '.') {
            if (label == 0) {
                return false;
            }
            label = 0;
        } else if (!is_name_char(*text) || ++label > 63) {
            return false;
        }
    }
    return true;
}

static const char *parse_host(struct cjd_endpoint *e)
{
    if (e->host[0] == '\0') {
        return "there is no address before the port";
    }
    if (inet_pton(AF_INET, e->host, e->ip) == 1) {
        e->family = 4;
        return NULL;
    }
    /* The last label of a name is never all digits, so this is an address with a slip in it. */
    const char *dot = strrchr(e->host, '.');
    const char *last = dot ? dot + 1 : e->host;
    if (last[0] != '\0' && last[strspn(last, "0123456789")] == '\0') {
        return "this is not a valid IPv4 address";
    }
    e->family = 0;
    return is_host_name(e->host) ? NULL : "this is neither an address nor a host name";
}

static bool copy_host(struct cjd_endpoint *e, const char *from, size_t n)
{
    if (n >= sizeof e->host - 1) {
        return false;
    }
    memcpy(e->host, from, n);
    e->host[n] = '\0';
    return true;
}

static const char *parse_bracketed(struct cjd_endpoint *e, const char *text)
{
    const char *close = strchr(text, ']');

    if (!close || !copy_host(e, text + 1, (size_t)(close - text - 1)) || !parse_ip6(e)) {
        return "between the brackets must be an IPv6 address";
    }
    if (close[1] == '\0') {
        return NULL;
    }
    return close[1] == ':' && parse_port(&e->port, close + 2) ? NULL : port_fault;
}

static const char *parse_plain(struct cjd_endpoint *e, const char *text)
{
    const char *colon = strchr(text, ':');

    if (colon && strchr(colon + 1, ':')) {
        if (copy_host(e, text, strlen(text)) && parse_ip6(e)) {
            return NULL;
        }
        return "an IPv6 address with a port is written \"[address]:port\"";
    }
    if (!copy_host(e, text, colon ? (size_t)(colon - text) : strlen(text))) {
        return "this is too long";
    }
    if (colon && !parse_port(&e->port, colon + 1)) {
        return port_fault;
    }
    return parse_host(e);
}

int cjd_endpoint_parse(struct cjd_endpoint *out, const char *text, const char **why)
{
    *out = (struct cjd_endpoint){.port = -1};
    const char *fault = text[0] == '[' ? parse_bracketed(out, text) : parse_plain(out, text);

    if (fault) {
        *why = fault;
        return CJD_ERR_PARSE;
    }
    return 0;
}

/* --- judging ------------------------------------------------------------------------------------
 */

static enum cjd_ip_kind kind_of_ip4(const uint8_t *ip)
{
    static const uint8_t zero[4];
    static const uint8_t all[4] = {255, 255, 255, 255};

    if (memcmp(ip, zero, sizeof zero) == 0) {
        return CJD_IP_UNSPECIFIED;
    }
    if (memcmp(ip, all, sizeof all) == 0) {
        return CJD_IP_BROADCAST;
    }
    if (ip[0] == 127) {
        return CJD_IP_LOOPBACK;
    }
    if (ip[0] == 169 && ip[1] == 254) {
        return CJD_IP_LINK_LOCAL;
    }
    /* RFC 1918, and the space providers use behind their own translators (RFC 6598). */
    if (ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) || (ip[0] == 192 && ip[1] == 168) ||
        (ip[0] == 100 && (ip[1] & 0xc0) == 64)) {
        return CJD_IP_PRIVATE;
    }
    return ip[0] == 0 || ip[0] >= 240 ? CJD_IP_RESERVED
           : (ip[0] & 0xf0) == 224    ? CJD_IP_MULTICAST
                                      : CJD_IP_GLOBAL;
}

static enum cjd_ip_kind kind_of_ip6(const uint8_t *ip)
{
    static const uint8_t zero[16];
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (memcmp(ip, zero, 15) == 0 && ip[15] <= 1) {
        return ip[15] == 0 ? CJD_IP_UNSPECIFIED : CJD_IP_LOOPBACK;
    }
    if (memcmp(ip, mapped, sizeof mapped) == 0) {
        return CJD_IP_MAPPED;
    }
    if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) {
        return CJD_IP_LINK_LOCAL;
    }
    switch (ip[0]) {
    case 0xff:
        return CJD_IP_MULTICAST;
    case 0xfc:
        return CJD_IP_MESH;
    case 0xfd:
        return CJD_IP_PRIVATE;
    default:
        return CJD_IP_GLOBAL;
    }
}

enum cjd_ip_kind cjd_ip_kind(int family, const uint8_t *ip)
{
    return family == 4 ? kind_of_ip4(ip) : kind_of_ip6(ip);
}
