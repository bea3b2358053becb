#include <config/format.h>

#include <arpa/inet.h>
#include <string.h>

#include <cjd/text.h>
#include <crypto/keys.h>

/* --- host and port ------------------------------------------------------------------------------
 */

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
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
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
