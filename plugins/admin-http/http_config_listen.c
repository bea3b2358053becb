/* Reading of places to listen at. What follows '?' is read as the query of a URI. */
#include "http_config.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

void cjd_http_listen_fini(struct cjd_http_listen *listen)
{
    free(listen->text);
    free(listen->path);
    free(listen->group_missing);
    free(listen->device);
}

static int take_mode(struct cjd_http_listen *out, const struct cjd_conf *at, const char *value)
{
    char *end;
    unsigned long mode = strtoul(value, &end, 8);

    if (*value == '\0' || *end != '\0' || mode > 0777) {
        return cjd_conf_fail(at, "the mode is written as for chmod: \"mode=0660\"");
    }
    out->mode = (uint32_t)mode;
    return 0;
}

static int take_group(struct cjd_http_listen *out, const char *value)
{
    const struct group *group = getgrnam(value);

    if (group) {
        out->group = group->gr_gid;
        return 0;
    }
    out->group_missing = strdup(value);
    return out->group_missing ? 0 : CJD_ERR_NO_MEMORY;
}

static int take_option(struct cjd_http_listen *out, const struct cjd_conf *at,
                       const struct evkeyval *option)
{
    if (out->place == CJD_HTTP_UNIX && strcmp(option->key, "mode") == 0) {
        return take_mode(out, at, option->value);
    }
    if (out->place == CJD_HTTP_UNIX && strcmp(option->key, "group") == 0 && !out->group_missing) {
        return take_group(out, option->value);
    }
    if (out->place == CJD_HTTP_MESH && strcmp(option->key, "device") == 0 && !out->device) {
        out->device = strdup(option->value);
        return out->device ? 0 : CJD_ERR_NO_MEMORY;
    }
    return cjd_conf_fail(at,
                         "\"%.32s\" is not known here; \"unix:\" has \"mode\" and \"group\", "
                         "\"mesh:\" has \"device\"",
                         option->key);
}

static int take_options(struct cjd_http_listen *out, const struct cjd_conf *at, const char *query)
{
    struct evkeyvalq options;
    int err = 0;

    if (evhttp_parse_query_str(query, &options) != 0) {
        return cjd_conf_fail(at, "what follows '?' must look like \"mode=0660&group=cjdns\"");
    }
    for (const struct evkeyval *o = options.tqh_first; o && err == 0; o = o->next.tqe_next) {
        err = take_option(out, at, o);
    }
    evhttp_clear_headers(&options);
    return err;
}

static int read_unix(struct cjd_http_listen *out, const struct cjd_conf *at, const char *where)
{
    struct sockaddr_un name;

    if (where[0] != '/' || strlen(where) >= sizeof name.sun_path) {
        return cjd_conf_fail(at, "the socket needs an absolute path of at most %zu characters",
                             sizeof name.sun_path - 1);
    }
    out->path = strdup(where);
    return out->path ? 0 : CJD_ERR_NO_MEMORY;
}

static int read_tcp(struct cjd_http_listen *out, const struct cjd_conf *at, const char *where,
                    bool is_insecure_ok)
{
    const char *why = "";

    if (cjd_endpoint_parse(&out->at, where, &why) < 0) {
        return cjd_conf_fail(at, "%s", why);
    }
    if (out->at.family == 0 || out->at.port < 0) {
        return cjd_conf_fail(at, "needs an address and a port, such as \"tcp:127.0.0.1:11235\"");
    }
    if (cjd_ip_kind(out->at.family, out->at.ip) != CJD_IP_LOOPBACK && !is_insecure_ok) {
        return cjd_conf_fail(at, "this address is not the machine's own loopback: what is sent "
                                 "there can be read on the way; use \"mesh:\" or a proxy with TLS, "
                                 "or set \"allowInsecure\"");
    }
    return 0;
}

static int read_mesh(struct cjd_http_listen *out, const struct cjd_conf *at, const char *where)
{
    char text[32];
    const char *why;

    snprintf(text, sizeof text, "[::]:%.16s", where);
    if (cjd_endpoint_parse(&out->at, text, &why) < 0 || out->at.port < 0) {
        return cjd_conf_fail(at, "needs a port: \"mesh:11235\"");
    }
    return 0;
}

static int read_place(struct cjd_http_listen *out, const struct cjd_conf *at, const char *text,
                      bool is_insecure_ok)
{
    if (strncmp(text, "unix:", 5) == 0) {
        out->place = CJD_HTTP_UNIX;
        return read_unix(out, at, text + 5);
    }
    if (strncmp(text, "tcp:", 4) == 0) {
        out->place = CJD_HTTP_TCP;
        return read_tcp(out, at, text + 4, is_insecure_ok);
    }
    if (strncmp(text, "mesh:", 5) == 0) {
        out->place = CJD_HTTP_MESH;
        return read_mesh(out, at, text + 5);
    }
    return cjd_conf_fail(at, "begins with \"unix:\", \"tcp:\" or \"mesh:\"");
}

int cjd_http_listen_read(struct cjd_http_listen *out, const struct cjd_conf *at,
                         bool is_insecure_ok)
{
    const char *text = json_string_value(at->value);
    char *copy;

    *out = (struct cjd_http_listen){.mode = 0660, .group = CJD_HTTP_NO_ID};
    if (!text) {
        return cjd_conf_fail(at, "must be a text such as \"unix:/run/cjdns/api.sock\"");
    }
    out->text = strdup(text);
    copy = strdup(text);
    if (!out->text || !copy) {
        free(copy);
        return CJD_ERR_NO_MEMORY;
    }
    char *query = strchr(copy, '?');
    if (query) {
        *query++ = '\0';
    }
    int err = read_place(out, at, copy, is_insecure_ok);
    err = err == 0 && query ? take_options(out, at, query) : err;
    free(copy);
    return err;
}
