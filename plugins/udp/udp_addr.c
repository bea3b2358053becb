#include "udp_addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------------
 */

static int refuse(const char **why, const char *text)
{
    *why = text;
    return CJD_ERR_PARSE;
}

static int parse_port(struct cjd_udp_target *out, const char *text, const char **why)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0') {
        return refuse(why, "the port behind the colon must be a number from 1 to 65535");
    }
    unsigned long port = strtoul(text, NULL, 10);
    if (port > UINT16_MAX) {
        return refuse(why, "ports end at 65535");
    }
    out->port = (uint16_t)port;
    out->has_port = true;
    return 0;
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* Labels of 1 to 63 letters, digits, hyphens and underscores, the last not a number. */
static bool is_host_name(const char *name)
{
    size_t label = 0;
    bool is_number = true;

    for (const char *at = name; *at; at++) {
        if (*at == '.' && label > 0) {
            label = 0;
            is_number = true;
        } else if (is_host_char(*at) && label < 63) {
            label++;
            is_number = is_number && *at >= '0' && *at <= '9';
        } else {
            return false;
        }
    }
    return label > 0 && !is_number;
}

static int parse_host(struct cjd_udp_target *out, const char *text, size_t len, const char **why)
{
    if (len == 0) {
        return refuse(why, "there is no address in front of the colon");
    }
    if (len >= sizeof out->host) {
        return refuse(why, "host names have at most 253 characters");
    }
    memcpy(out->host, text, len);
    out->host[len] = '\0';
    if (inet_pton(AF_INET, out->host, out->ip) == 1) {
        out->family = AF_INET;
        out->host[0] = '\0';
        return 0;
    }
    if (out->host[len - 1] == '.') {
        out->host[len - 1] = '\0';
    }
    out->family = AF_UNSPEC;
    return is_host_name(out->host)
               ? 0
               : refuse(why, "this is neither an IPv4 address nor a host name; names in other "
                             "scripts must be written in their ASCII form (xn--\xe2\x80\xa6)");
}

static int parse_zone(struct cjd_udp_target *out, const char *zone, size_t len, const char **why)
{
    if (len == 0 || len >= sizeof out->zone) {
        return refuse(why, "behind '%' there must be the name of a device");
    }
    memcpy(out->zone, zone, len);
    out->zone[len] = '\0';
    return 0;
}

/* What stands between the brackets. */
static int parse_ip6(struct cjd_udp_target *out, const char *text, size_t len, const char **why)
{
    char ip[INET6_ADDRSTRLEN];
    const char *percent = memchr(text, '%', len);
    size_t ip_len = percent ? (size_t)(percent - text) : len;

    if (ip_len >= sizeof ip) {
        return refuse(why, "between the brackets there must be an IPv6 address");
    }
    memcpy(ip, text, ip_len);
    ip[ip_len] = '\0';
    if (inet_pton(AF_INET6, ip, out->ip) != 1) {
        return refuse(why, "between the brackets there must be an IPv6 address");
    }
    out->family = AF_INET6;
    return percent ? parse_zone(out, percent + 1, len - ip_len - 1, why) : 0;
}

static int parse_bracketed(struct cjd_udp_target *out, const char *text, const char **why)
{
    const char *end = strchr(text, ']');

    if (!end) {
        return refuse(why, "the closing bracket is missing: [address]:port");
    }
    int err = parse_ip6(out, text + 1, (size_t)(end - text - 1), why);
    if (err != 0 || end[1] == '\0') {
        return err;
    }
    return end[1] == ':' ? parse_port(out, end + 2, why)
                         : refuse(why, "behind the bracket there must be a colon and a port");
}

int cjd_udp_target_parse(struct cjd_udp_target *out, const char *text, const char **why)
{
    *out = (struct cjd_udp_target){.family = AF_UNSPEC};
    if (text[0] == '[') {
        return parse_bracketed(out, text, why);
    }
    const char *colon = strchr(text, ':');
    if (colon && strchr(colon + 1, ':')) {
        return refuse(why, "IPv6 addresses must be written in brackets: [address]:port");
    }
    int err = parse_host(out, text, colon ? (size_t)(colon - text) : strlen(text), why);
    return err == 0 && colon ? parse_port(out, colon + 1, why) : err;
}

/* --- checks -------------------------------------------------------------------------------------
 */

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_link_local(int family, const uint8_t *ip)
{
    return family == AF_INET6 && ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

bool cjd_udp_ip_is_any(int family, const uint8_t *ip)
{
    static const uint8_t zero[16];
    return memcmp(ip, zero, family == AF_INET ? 4 : 16) == 0;
}

bool cjd_udp_ip_is_usable(int family, const uint8_t *ip)
{
    if (family == AF_INET) {
        return ip[0] < 224; /* multicast, reserved and the broadcast address */
    }
    return ip[0] != 0xff && memcmp(ip, mapped_prefix, sizeof mapped_prefix) != 0;
}

static int disallow(const char **why, const char *text)
{
    *why = text;
    return CJD_ERR_CONFIG;
}

static int check_zone(const struct cjd_udp_target *target, const char **why)
{
    bool is_local = is_link_local(target->family, target->ip);

    if (is_local && target->zone[0] == '\0') {
        return disallow(why, "a link-local address needs its device: [fe80::1%eth0]:port");
    }
    return is_local || target->zone[0] == '\0'
               ? 0
               : disallow(why, "only link-local addresses (fe80::) have a device behind '%'");
}

int cjd_udp_target_check_peer(const struct cjd_udp_target *target, int family, const char **why)
{
    if (!target->has_port || target->port == 0) {
        return disallow(why, "the port is missing: write address:port");
    }
    if (target->family == AF_UNSPEC) {
        return 0;
    }
    if (target->family != family) {
        return disallow(why, family == AF_INET ? "an IPv6 address cannot be reached from a link "
                                                 "bound to IPv4; list it under one bound to [::]"
                                               : "an IPv4 address cannot be reached from a link "
                                                 "bound to IPv6; list it under one bound to "
                                                 "0.0.0.0");
    }
    if (!cjd_udp_ip_is_usable(family, target->ip)) {
        return disallow(why, "multicast, broadcast and IPv4-mapped addresses cannot be peers");
    }
    return check_zone(target, why);
}

int cjd_udp_target_check_bind(const struct cjd_udp_target *target, const char **why)
{
    if (target->family == AF_UNSPEC) {
        return disallow(why, "a host name cannot be bound to: write a numeric address");
    }
    if (!cjd_udp_ip_is_usable(target->family, target->ip)) {
        return disallow(why, "multicast, broadcast and IPv4-mapped addresses cannot be bound to");
    }
    return check_zone(target, why);
}

int cjd_udp_zone_index(const char *zone, uint32_t *index)
{
    char *end;

    *index = 0;
    if (zone[0] == '\0') {
        return 0;
    }
    *index = if_nametoindex(zone);
    if (*index == 0 && zone[0] >= '1' && zone[0] <= '9') {
        unsigned long number = strtoul(zone, &end, 10);
        *index = *end == '\0' && number <= INT32_MAX ? (uint32_t)number : 0;
    }
    return *index != 0 ? 0 : CJD_ERR_NO_DEVICE;
}

/* --- link addresses -----------------------------------------------------------------------------
 */

void cjd_udp_addr_make(struct cjd_linkaddr *out, int family, const uint8_t *ip, uint16_t port,
                       uint32_t scope)
{
    memset(out, 0, sizeof *out);
    if (family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&in.sin_addr, ip, sizeof in.sin_addr);
        memcpy(out->b, &in, sizeof in);
        out->len = sizeof in;
    } else {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&in6.sin6_addr, ip, sizeof in6.sin6_addr);
        in6.sin6_scope_id = is_link_local(family, ip) ? scope : 0;
        memcpy(out->b, &in6, sizeof in6);
        out->len = sizeof in6;
    }
}

void cjd_udp_addr_make_peer(struct cjd_linkaddr *out, int family, const uint8_t *ip, uint16_t port,
                            uint32_t scope)
{
    static const uint8_t loopback4[4] = {127, 0, 0, 1};
    static const uint8_t loopback6[16] = {[15] = 1};

    if (cjd_udp_ip_is_any(family, ip)) {
        ip = family == AF_INET ? loopback4 : loopback6;
    }
    cjd_udp_addr_make(out, family, ip, port, scope);
}

bool cjd_udp_addr_canon(struct cjd_linkaddr *addr, socklen_t len, int family)
{
    if (family == AF_INET) {
        struct sockaddr_in in;
        if (len != sizeof in) {
            return false;
        }
        memcpy(&in, addr->b, sizeof in);
        cjd_udp_addr_make(addr, AF_INET, (const uint8_t *)&in.sin_addr, ntohs(in.sin_port), 0);
        return in.sin_family == AF_INET && in.sin_port != 0;
    }
    struct sockaddr_in6 in6;
    if (len != sizeof in6) {
        return false;
    }
    memcpy(&in6, addr->b, sizeof in6);
    cjd_udp_addr_make(addr, AF_INET6, in6.sin6_addr.s6_addr, ntohs(in6.sin6_port),
                      in6.sin6_scope_id);
    return in6.sin6_family == AF_INET6 && in6.sin6_port != 0;
}

static sa_family_t family_of(const struct cjd_linkaddr *addr)
{
    struct sockaddr sa;

    memcpy(&sa, addr->b, sizeof sa);
    return sa.sa_family;
}

bool cjd_udp_addr_is_valid(const struct cjd_linkaddr *addr, int family)
{
    size_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    return addr->len == len && family_of(addr) == family;
}

bool cjd_udp_addr_equal(const struct cjd_linkaddr *a, const struct cjd_linkaddr *b)
{
    return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

uint16_t cjd_udp_addr_port(const struct cjd_linkaddr *addr)
{
    struct sockaddr_in in; /* the port stands at the same place in both families */
    bool is_known = cjd_udp_addr_is_valid(addr, AF_INET) || cjd_udp_addr_is_valid(addr, AF_INET6);

    memcpy(&in, addr->b, sizeof in);
    return is_known ? ntohs(in.sin_port) : 0;
}

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "see cjd_udp_addr_port");

static int text4(const struct cjd_linkaddr *addr, char *out, size_t cap)
{
    struct sockaddr_in in;
    char ip[INET_ADDRSTRLEN];

    memcpy(&in, addr->b, sizeof in);
    if (!inet_ntop(AF_INET, &in.sin_addr, ip, sizeof ip)) {
        return CJD_ERR_INVALID;
    }
    return snprintf(out, cap, "%s:%u", ip, ntohs(in.sin_port));
}

static int text6(const struct cjd_linkaddr *addr, char *out, size_t cap)
{
    struct sockaddr_in6 in6;
    char ip[INET6_ADDRSTRLEN];
    char zone[16] = "";

    memcpy(&in6, addr->b, sizeof in6);
    if (!inet_ntop(AF_INET6, &in6.sin6_addr, ip, sizeof ip)) {
        return CJD_ERR_INVALID;
    }
    if (in6.sin6_scope_id != 0) {
        snprintf(zone, sizeof zone, "%%%u", in6.sin6_scope_id);
    }
    return snprintf(out, cap, "[%s%s]:%u", ip, zone, ntohs(in6.sin6_port));
}

int cjd_udp_addr_text(const struct cjd_linkaddr *addr, char *out, size_t cap)
{
    int n = CJD_ERR_INVALID;

    if (cap == 0) {
        return CJD_ERR_TOO_LONG;
    }
    out[0] = '\0';
    if (cjd_udp_addr_is_valid(addr, AF_INET)) {
        n = text4(addr, out, cap);
    } else if (cjd_udp_addr_is_valid(addr, AF_INET6)) {
        n = text6(addr, out, cap);
    }
    return n >= 0 && (size_t)n >= cap ? CJD_ERR_TOO_LONG : n;
}
