#include "admin.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <cjd/config.h>

/* "127.0.0.1:11234", "[::1]:11234". */
static bool read_place(struct admin_source *out, const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    bool is_v6 = text[0] == '[';
    char *end;

    if (!colon || (size_t)(colon - text) >= sizeof host) {
        return false;
    }
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] == '\0' || *end != '\0' || port > 65535) {
        return false;
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    memset(out, 0, sizeof *out);
    if (!is_v6) {
        out->addr.in.sin_family = AF_INET;
        out->addr.in.sin_port = htons((uint16_t)port);
        out->len = sizeof out->addr.in;
        return inet_pton(AF_INET, host, &out->addr.in.sin_addr) == 1;
    }
    char *close = strchr(host, ']');
    if (!close || close[1] != '\0') {
        return false;
    }
    *close = '\0';
    out->addr.in6.sin6_family = AF_INET6;
    out->addr.in6.sin6_port = htons((uint16_t)port);
    out->len = sizeof out->addr.in6;
    return inet_pton(AF_INET6, host + 1, &out->addr.in6.sin6_addr) == 1;
}

static bool is_loopback(const struct admin_source *at)
{
    if (at->addr.any.sa_family == AF_INET) {
        return ntohl(at->addr.in.sin_addr.s_addr) >> 24 == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&at->addr.in6.sin6_addr);
}

static int read_password(struct admin_config *out, const struct cjd_conf *root)
{
    const char *password;
    int err = cjd_conf_string_optional(root, "password", &password);

    if (err < 0 || !password) {
        return err;
    }
    out->password_len = strlen(password);
    if (out->password_len == 0 || out->password_len >= sizeof out->password) {
        struct cjd_conf at = cjd_conf_member(root, "password");
        return cjd_conf_fail(&at, "has to be 1 to %zu bytes long", sizeof out->password - 1);
    }
    memcpy(out->password, password, out->password_len + 1);
    out->has_password = true;
    out->is_open = strcmp(password, "NONE") == 0;
    return 0;
}

static int check_place(const struct admin_config *config, const struct cjd_conf *root,
                       bool is_allowed)
{
    struct cjd_conf at = cjd_conf_member(root, "bind");

    if (is_loopback(&config->at)) {
        return 0;
    }
    if (config->is_open && !is_allowed) {
        return cjd_conf_fail(&at,
                             "with the password \"NONE\" everybody who reaches this address could "
                             "control the node: set a password, bind to 127.0.0.1, or set "
                             "\"allowInsecure\": true");
    }
    if (config->has_tcp) {
        at = cjd_conf_member(root, "tcp");
        return cjd_conf_fail(&at,
                             "only works on an address of this machine alone (127.0.0.1, ::1)");
    }
    return 0;
}

int admin_config_read(struct admin_config *out, const json_t *json, struct cjd_plugin_error *error)
{
    struct cjd_conf root = cjd_conf_root(json, error);
    const char *bind;
    bool is_allowed = false;
    int64_t rate = 200;

    memset(out, 0, sizeof *out);
    int err = cjd_conf_string(&root, "bind", "127.0.0.1:11234", &bind);
    err = err < 0 ? err : cjd_conf_boolean(&root, "tcp", false, &out->has_tcp);
    err = err < 0 ? err : cjd_conf_boolean(&root, "allowInsecure", false, &is_allowed);
    err = err < 0 ? err : cjd_conf_integer(&root, "anonymousPerSecond", 1, 100000, 200, &rate);
    err = err < 0 ? err : read_password(out, &root);
    if (err < 0) {
        return err;
    }
    out->anonymous_per_s = (uint32_t)rate;
    if (strlen(bind) >= sizeof out->bind || !read_place(&out->at, bind)) {
        struct cjd_conf at = cjd_conf_member(&root, "bind");
        return cjd_conf_fail(&at, "must be an address and a port, such as \"127.0.0.1:11234\"");
    }
    snprintf(out->bind, sizeof out->bind, "%s", bind);
    return check_place(out, &root, is_allowed);
}

void admin_config_fini(struct admin_config *config)
{
    sodium_memzero(config, sizeof *config);
}

bool admin_config_same_place(const struct admin_config *a, const struct admin_config *b)
{
    return a->has_tcp == b->has_tcp && admin_source_equal(&a->at, &b->at);
}
