#include <config/format.h>

#include <arpa/inet.h>
#include <string.h>

#include <cjd/text.h>
#include <crypto/keys.h>

/* --- host and port ------------------------------------------------------------------------------
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

static const char *host_port(const char *text)
{
    struct cjd_endpoint e;
    const char *why;

    if (cjd_endpoint_parse(&e, text, &why) < 0) {
        return why;
    }
    return e.port > 0 ? NULL : "a port from 1 to 65535 is missing, as in \"203.0.113.7:5199\"";
}

static const char *ip_port(const char *text)
{
    struct cjd_endpoint e;
    const char *why;

    if (cjd_endpoint_parse(&e, text, &why) < 0) {
        return why;
    }
    if (e.family == 0) {
        return "must be an address, not a host name";
    }
    return e.port >= 0 ? NULL : "a port is missing, as in \"0.0.0.0:5199\" or \"[::]:5199\"";
}

/* --- addresses and keys -------------------------------------------------------------------------
 */

static const char *ipv4(const char *text)
{
    uint8_t ip[4];

    return inet_pton(AF_INET, text, ip) == 1 ? NULL : "must be an IPv4 address";
}

static const char *ipv6(const char *text)
{
    uint8_t ip[16];

    return inet_pton(AF_INET6, text, ip) == 1 ? NULL : "must be an IPv6 address";
}

static const char *ip(const char *text)
{
    return ipv4(text) && ipv6(text) ? "must be an IPv4 or IPv6 address" : NULL;
}

static const char *mesh_address(const char *text)
{
    struct cjd_addr addr;

    return cjd_addr_from_text(&addr, text) == 0 && cjd_addr_is_valid(&addr)
               ? NULL
               : "must be the address of a node, in fc00::/8";
}

const char *cjd_format_public_key(const char *text)
{
    struct cjd_key key;
    struct cjd_addr addr;

    if (cjd_key_from_text(&key, text) < 0) {
        return "must be a public key: 52 characters of base 32, then \".k\"";
    }
    return cjd_addr_of_key_is_valid(&addr, &key)
               ? NULL
               : "this key belongs to no address in fc00::/8: a character is wrong";
}

static const char *hex_64(const char *text)
{
    uint8_t bytes[32];

    return cjd_hex_decode(bytes, sizeof bytes, text, strlen(text)) == 32
               ? NULL
               : "must be 64 hexadecimal digits";
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

const char *cjd_format_mac(const char *text)
{
    static const char fault[] = "must be an Ethernet address like \"01:02:03:04:05:06\"";

    if (strlen(text) != 17) {
        return fault;
    }
    for (unsigned i = 0; i < 17; i++) {
        if (i % 3 == 2 ? text[i] != ':' : !is_hex(text[i])) {
            return fault;
        }
    }
    return NULL;
}

/* --- names of the system ------------------------------------------------------------------------
 */

/* Linux: 1 to 15 characters without slash and white space, and not "." or "..". */
const char *cjd_format_device(const char *text)
{
    size_t n = strlen(text);

    if (n == 0 || n > 15) {
        return "the name of a network device has 1 to 15 characters";
    }
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0 || strpbrk(text, "/: \t\r\n")) {
        return "this cannot be the name of a network device";
    }
    return NULL;
}

static const char *path(const char *text)
{
    return text[0] == '/' ? NULL : "must be an absolute path, which begins with \"/\"";
}

static const char *secret(const char *text)
{
    (void)text;
    return NULL;
}

cjd_format_fn cjd_format_find(const char *name)
{
    static const struct {
        const char *name;
        cjd_format_fn check;
    } formats[] = {
        {"ip-port", ip_port},
        {"host-port", host_port},
        {"ip", ip},
        {"ipv4", ipv4},
        {"ipv6", ipv6},
        {"mesh-address", mesh_address},
        {"hex-64", hex_64},
        {"public-key", cjd_format_public_key},
        {"mac", cjd_format_mac},
        {"device", cjd_format_device},
        {"path", path},
        {"secret", secret},
    };

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            return formats[i].check;
        }
    }
    return NULL;
}
