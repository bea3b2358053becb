#include <config/private.h>

#include <string.h>
#include <strings.h>

#include <cjd/text.h>
#include <config/buf.h>
#include <config/format.h>
#include <config/lex.h>

/*
 * What can be seen to be wrong with a peering before the node starts. Errors are what cannot work;
 * warnings what most likely is not meant. Values of the wrong type are for the plugin's schema.
 */

/* One of each family. */
#define BINDS_MAX 2u

struct peers {
    const struct cjd_config *config;
    struct cjd_diags *diags;
    bool has_endpoints; /* addresses of IP, not of Ethernet or of what a plugin invents */
    struct cjd_endpoint bind[BINDS_MAX]; /* what the plugin listens on */
    size_t bind_count;                   /* 0: not known */
    json_t *seen; /* "key …" and "address …" → pointer of the first entry */
};

static const char *member_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void report(const struct peers *p, enum cjd_severity severity, const char *pointer,
                   const char *format, ...) CJD_PRINTF(4, 5);
static void report(const struct peers *p, enum cjd_severity severity, const char *pointer,
                   const char *format, ...)
{
    struct cjd_position at = cjd_config_position(p->config, pointer);
    va_list args;

    /* What the conversion of another form found is not said twice. */
    if (!cjd_diags_has_error(p->diags, &at)) {
        va_start(args, format);
        cjd_diags_add_v(p->diags, severity, &at, format, args);
        va_end(args);
    }
}

/* --- white space and examples -------------------------------------------------------------------
 */

/* What was pasted with too much around it. */
static bool has_edges(const char *text)
{
    size_t n = strlen(text);

    return n > 0 && (cjd_lex_is_space(text[0]) || cjd_lex_is_space(text[n - 1]));
}

/* Texts from manuals and examples, which anybody may try. */
static bool is_example(const char *password)
{
    static const char *const examples[] = {"password",
                                           "passwd",
                                           "changeme",
                                           "change-me",
                                           "secret",
                                           "test",
                                           "example",
                                           "12345",
                                           "123456",
                                           "12345678",
                                           "NONE",
                                           "your-password",
                                           "yourpassword",
                                           "xxx",
                                           "…",
                                           "s3cret",
                                           "the password",
                                           "as-given-by-the-other-side",
                                           "a-long-random-text",
                                           "v0xrnw5s61txkdxm2tt38mubz2jh469",
                                           "replace-by-a-long-random-text-1",
                                           "replace-by-a-long-random-text-2"};

    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        if (strcasecmp(examples[i], password) == 0) {
            return true;
        }
    }
    return false;
}

void cjd_peers_check_credentials(const struct cjd_config *config, const json_t *entry,
                                 const char *pointer, struct cjd_diags *diags)
{
    const struct peers p = {.config = config, .diags = diags};
    const char *password = member_text(entry, "password");
    const char *login = member_text(entry, "login");
    char child[128];

    snprintf(child, sizeof child, "%s/password", pointer);
    if (password && has_edges(password)) {
        report(&p, CJD_DIAG_WARNING, child,
               "this password begins or ends with white space, which is part of it");
    } else if (password && is_example(password)) {
        report(&p, CJD_DIAG_WARNING, child,
               "this password is one of an example, which everybody knows: make a random one, as "
               "--invite does");
    }
    snprintf(child, sizeof child, "%s/login", pointer);
    if (login && has_edges(login)) {
        report(&p, CJD_DIAG_WARNING, child,
               "this login begins or ends with white space, which is part of it");
    }
}

/* --- keys ---------------------------------------------------------------------------------------
 */

/* A slip in what is meant to be a key, or NULL. */
static const char *key_fault(const char *text, char *why, size_t cap)
{
    static const char alphabet[] = "0123456789bcdfghjklmnpqrstuvwxyzBCDFGHJKLMNPQRSTUVWXYZ";
    size_t n = strlen(text);
    struct cjd_key key;

    if (has_edges(text)) {
        return "white space around this key: take it away";
    }
    if (n < 2 || strcmp(text + n - 2, ".k") != 0) {
        return "a public key ends with \".k\": is this one whole?";
    }
    size_t good = strspn(text, alphabet);
    if (good < n - 2) {
        snprintf(why, cap, "character %zu of this key cannot be part of one", good + 1);
        return why;
    }
    if (n != CJD_KEY_TEXT_SIZE - 1) {
        snprintf(why, cap, "a public key has %u characters, this one %zu: is it whole?",
                 CJD_KEY_TEXT_SIZE - 1, n);
        return why;
    }
    return cjd_key_from_text(&key, text) < 0 ? "the last character before \".k\" is wrong"
                                             : cjd_format_public_key(text);
}

/* Where the same was first, or 0 after noting it. */
static unsigned first_line(struct peers *p, const char *kind, const char *what, const char *pointer)
{
    char name[400];

    snprintf(name, sizeof name, "%s %s", kind, what);
    const char *first = json_string_value(json_object_get(p->seen, name));
    if (first) {
        return cjd_config_position(p->config, first).line;
    }
    json_object_set_new(p->seen, name, json_string(pointer));
    return 0;
}

static void check_key(struct peers *p, const json_t *peer, const char *pointer)
{
    const char *text = member_text(peer, "publicKey");
    struct cjd_key key;
    char why[96];

    const char *fault = text ? key_fault(text, why, sizeof why) : NULL;
    if (fault) {
        report(p, CJD_DIAG_ERROR, pointer, "%s", fault);
    } else if (text && cjd_key_from_text(&key, text) == 0) {
        bool is_own = memcmp(&key, &p->config->keypair.key, sizeof key) == 0;
        unsigned line = first_line(p, "key", text, pointer);
        if (is_own) {
            report(p, CJD_DIAG_ERROR, pointer, "this is the key of this node itself");
        } else if (line > 0) {
            report(p, CJD_DIAG_WARNING, pointer,
                   "this key is that of the peer on line %u, too: two links to one node", line);
        }
    }
}

/* --- addresses ----------------------------------------------------------------------------------
 */

/* What was pasted in place of "host:port", or NULL. */
static const char *shape_fault(const char *text)
{
    if (has_edges(text)) {
        return "white space around this address: take it away";
    }
    if (strncasecmp(text, "cjdns://", 8) == 0) {
        return "this is a whole peer URI: take it out and use --add-peer";
    }
    return strstr(text, "://") ? "an address is \"host:port\", without \"://\"" : NULL;
}

static bool carries(const struct peers *p, int family)
{
    for (size_t i = 0; i < p->bind_count; i++) {
        if (p->bind[i].family == family) {
            return true;
        }
    }
    return p->bind_count == 0;
}

/* The node itself listens there: at that address, or at all of them. */
static bool is_own_place(const struct peers *p, const struct cjd_endpoint *e, bool is_this_machine)
{
    for (size_t i = 0; i < p->bind_count; i++) {
        const struct cjd_endpoint *own = &p->bind[i];
        if (own->family == e->family && own->port == e->port && e->port > 0 &&
            (is_this_machine || memcmp(e->ip, own->ip, sizeof e->ip) == 0)) {
            return true;
        }
    }
    return false;
}

/* Of IP addresses: where nothing can be sent to, or nobody else answers. */
static const char *kind_fault(const struct peers *p, const struct cjd_endpoint *e,
                              enum cjd_severity *severity)
{
    enum cjd_ip_kind kind = cjd_ip_kind(e->family, e->ip);
    bool is_this_machine = kind == CJD_IP_LOOPBACK || kind == CJD_IP_UNSPECIFIED;

    *severity = CJD_DIAG_ERROR;
    if (is_own_place(p, e, is_this_machine)) {
        return "this is where this node itself listens";
    }
    switch (kind) {
    case CJD_IP_MULTICAST:
    case CJD_IP_BROADCAST:
        return "this address is that of many machines: a peer is one";
    case CJD_IP_MAPPED:
        return "an IPv4 address is written without \"::ffff:\"";
    case CJD_IP_RESERVED:
        return "nobody has an address of this range";
    case CJD_IP_MESH:
        if (memcmp(e->ip, p->config->keypair.addr.b, sizeof e->ip) == 0) {
            return "this is the address of this node itself within the mesh";
        }
        *severity = CJD_DIAG_WARNING;
        return "an address within the mesh: links lead over another network, so give the address "
               "the node has there";
    case CJD_IP_LOOPBACK:
    case CJD_IP_UNSPECIFIED:
        *severity = CJD_DIAG_WARNING;
        return "this address stands for this machine itself";
    case CJD_IP_GLOBAL:
    case CJD_IP_PRIVATE:
    case CJD_IP_LINK_LOCAL:
        break;
    }
    return NULL;
}

static const char *endpoint_fault(const struct peers *p, const char *text,
                                  enum cjd_severity *severity)
{
    struct cjd_endpoint e;
    const char *why = shape_fault(text);

    *severity = CJD_DIAG_ERROR;
    if (why || cjd_endpoint_parse(&e, text, &why) < 0) {
        return why;
    }
    if (e.port <= 0) {
        return e.port == 0 ? "port 0 is nobody's: it is where the other node listens"
                           : "the port is missing, as in \"203.0.113.7:5199\"";
    }
    if (e.family == 0) {
        return NULL;
    }
    if (!carries(p, e.family)) {
        return e.family == 6
                   ? "an IPv6 address cannot be reached from an IPv4 \"bind\": it belongs "
                     "into a plugin with one like \"[::]:5199\""
                   : "an IPv4 address cannot be reached from an IPv6 \"bind\": it belongs "
                     "into a plugin with one like \"0.0.0.0:5199\"";
    }
    return kind_fault(p, &e, severity);
}

/* One spelling for addresses that are the same. */
void cjd_peers_plain_address(char *out, size_t cap, const char *text)
{
    struct cjd_endpoint e;
    const char *why;
    char hex[33];

    if (cjd_endpoint_parse(&e, text, &why) < 0 || e.family == 0) {
        snprintf(out, cap, "%s", text);
        for (char *at = out; *at != '\0'; at++) {
            *at = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
        }
        return;
    }
    cjd_hex_encode(hex, e.ip, sizeof e.ip);
    snprintf(out, cap, "%d %s%s %ld", e.family, hex, strchr(e.host, '%') ? strchr(e.host, '%') : "",
             e.port);
}

/* device: an address of Ethernet is one behind a device; NULL: not said. */
static void check_address(struct peers *p, const char *text, const char *device,
                          const char *pointer)
{
    enum cjd_severity severity = CJD_DIAG_ERROR;
    char kind[64];
    char plain[320];

    const char *fault = p->has_endpoints ? endpoint_fault(p, text, &severity) : NULL;
    if (fault) {
        report(p, severity, pointer, "%s", fault);
    }
    if (fault && severity == CJD_DIAG_ERROR) {
        return;
    }
    cjd_peers_plain_address(plain, sizeof plain, text);
    snprintf(kind, sizeof kind, "address %.40s", device ? device : "");
    unsigned line = first_line(p, kind, plain, pointer);
    if (line > 0) {
        report(p, CJD_DIAG_ERROR, pointer,
               "this address is that of an earlier peer, too, on line %u", line);
    }
}

/* --- lists --------------------------------------------------------------------------------------
 */

/* One text, or a list of them. */
static void check_addresses(struct peers *p, const json_t *peer, const char *pointer)
{
    const json_t *address = json_object_get(peer, "address");
    const char *device = member_text(peer, "device");
    char child[160];

    if (json_is_string(address)) {
        check_address(p, json_string_value(address), device, pointer);
    }
    for (size_t i = 0; i < json_array_size(address); i++) {
        const char *text = json_string_value(json_array_get(address, i));
        snprintf(child, sizeof child, "%s/%zu", pointer, i);
        if (text) {
            check_address(p, text, device, child);
        }
    }
}

static void check_peer(struct peers *p, const json_t *peer, const char *pointer)
{
    char child[128];

    snprintf(child, sizeof child, "%s/publicKey", pointer);
    check_key(p, peer, child);
    snprintf(child, sizeof child, "%s/address", pointer);
    check_addresses(p, peer, child);
    cjd_peers_check_credentials(p->config, peer, pointer, p->diags);
}

static void read_bind(struct peers *p, const char *text)
{
    const char *why;

    if (text && p->bind_count < BINDS_MAX &&
        cjd_endpoint_parse(&p->bind[p->bind_count], text, &why) == 0) {
        p->bind_count++;
    }
}

static void read_binds(struct peers *p, const json_t *bind)
{
    read_bind(p, bind ? json_string_value(bind) : "0.0.0.0");
    for (size_t i = 0; i < json_array_size(bind); i++) {
        read_bind(p, json_string_value(json_array_get(bind, i)));
    }
}

int cjd_peers_check(const struct cjd_config *config, const json_t *entry, const char *pointer,
                    struct cjd_diags *diags)
{
    const char *name = member_text(entry, "plugin");
    const json_t *plugin = json_object_get(entry, "config");
    const json_t *list = json_object_get(plugin, "peers");
    struct peers p = {.config = config,
                      .diags = diags,
                      .has_endpoints = name && strcmp(name, "udp") == 0,
                      .seen = json_object()};
    char child[96];

    if (!p.seen) {
        return CJD_ERR_NO_MEMORY;
    }
    read_binds(&p, json_object_get(plugin, "bind"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(child, sizeof child, "%s/config/peers/%zu", pointer, i);
        check_peer(&p, json_array_get(list, i), child);
    }
    json_decref(p.seen);
    return 0;
}
