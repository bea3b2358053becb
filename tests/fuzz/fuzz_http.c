/*
 * What admin-http reads of a request beyond what libevent does: path, query and body into
 * arguments, Host, Origin, Accept, entity tags, tokens, and places to listen at. The first byte
 * chooses.
 */
#include <cjd/err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_access.h"
#include "http_args.h"
#include "http_guard.h"

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

/* --- path, query and body, each on a line -------------------------------------------------------
 */

static struct cjd_http_route routes[] = {
    {.verb = CJD_HTTP_VERB_GET, .segments = {(char[]){"v1"}, (char[]){"x"}}, .segment_count = 2},
    {.verb = CJD_HTTP_VERB_POST,
     .captured = 2,
     .segments = {(char[]){"v1"}, (char[]){"who"}},
     .segment_count = 2},
    {.verb = CJD_HTTP_VERB_DELETE,
     .captured = 6,
     .segments = {(char[]){"v1"}, (char[]){"who"}, (char[]){"n"}},
     .segment_count = 3}};

static const struct cjd_http_catalog catalog = {.routes = routes, .count = 3};

static void check_route(const struct cjd_http_route *route, const struct cjd_http_path *path,
                        const char *query, const char *body)
{
    json_t *error;
    json_t *json = NULL;
    json_t *args;

    if (cjd_http_body_read(&json, body, strlen(body), &error) < 0) {
        require(json == NULL);
        json_decref(error);
    }
    if (cjd_http_args_read(&args, route, path, query, json, &error) == 0) {
        require(json_is_object(args) && error == NULL);
        for (size_t i = 0; i < route->segment_count; i++) {
            require((route->captured >> i & 1) == 0 || json_object_get(args, route->segments[i]));
        }
        json_decref(args);
    } else {
        require(args == NULL);
        json_decref(error);
    }
    json_decref(json);
}

static void check_request(char *text)
{
    char *query = strchr(text, '\n');
    char *body = query ? strchr(query + 1, '\n') : NULL;
    struct cjd_http_path path;
    uint32_t allowed;

    if (!body) {
        return;
    }
    *query++ = '\0';
    *body++ = '\0';
    if (cjd_http_path_split(&path, text) < 0) {
        require(path.count == 0);
        return;
    }
    require(path.count <= CJD_HTTP_SEGMENTS_MAX);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        const struct cjd_http_route *route =
            cjd_http_catalog_match(&catalog, routes[i].verb, &path, &allowed);
        require(!route || (allowed & routes[i].verb) != 0);
        if (route) {
            check_route(route, &path, query, body);
        }
    }
    cjd_http_path_fini(&path);
}

/* --- headers ------------------------------------------------------------------------------------
 */

static const struct cjd_http_site site = {.family = 4, .ip = {127, 0, 0, 1}, .port = 11235};

static void check_host(char *text)
{
    if (cjd_http_host_is_ours(&site, text)) {
        /* Zeros in front of a port change nothing (RFC 3986 §3.2.3). */
        require(strtol(strrchr(text, ':') + 1, NULL, 10) == 11235);
        require(strncmp(text, "127.0.0.1:", 10) == 0 || strncasecmp(text, "localhost:", 10) == 0);
    }
}

static void check_origin(char *text)
{
    enum cjd_http_origin verdict = cjd_http_origin(&site, text, NULL);

    require(verdict == CJD_HTTP_ORIGIN_FOREIGN || strncasecmp(text, "http://", 7) == 0);
    require(cjd_http_origin(&site, text, "cross-site") == CJD_HTTP_ORIGIN_FOREIGN);
}

static void check_accept(char *text)
{
    static const char *const types[] = {"application/json", "text/event-stream", NULL};
    int chosen = cjd_http_accept(text, types);

    require(chosen >= -1 && chosen < 2);
    (void)cjd_http_is_json(text);
}

static void check_tag(char *text)
{
    bool is_strong = cjd_http_tag_matches(text, "\"a\"", false);

    require(!is_strong || cjd_http_tag_matches(text, "\"a\"", true));
    require(!is_strong || strstr(text, "\"a\"") || strchr(text, '*'));
}

static void check_token(char *text)
{
    static const struct cjd_http_token none = {.scopes = CJD_RPC_ALL};
    require(cjd_http_token_find(&none, 1, text, 1) == NULL);
}

static void check_listen(char *text)
{
    struct cjd_plugin_error error = {.size = sizeof error};
    json_t *json = json_string(text);
    struct cjd_conf at = cjd_conf_root(json, &error);
    struct cjd_http_listen listen;

    if (!json) {
        return;
    }
    if (cjd_http_listen_read(&listen, &at, false) == 0) {
        require((listen.place == CJD_HTTP_UNIX) == (listen.path != NULL));
        require(listen.place != CJD_HTTP_TCP || listen.at.port >= 0);
    } else {
        require(error.text[0] != '\0');
    }
    cjd_http_listen_fini(&listen);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const checks[])(char *text) = {check_request, check_host, check_origin,
                                                 check_accept,  check_tag,  check_token,
                                                 check_listen};
    char *text;

    if (len == 0 || !(text = malloc(len))) {
        return 0;
    }
    memcpy(text, data + 1, len - 1);
    text[len - 1] = '\0';
    checks[data[0] % (sizeof checks / sizeof checks[0])](text);
    free(text);
    return 0;
}
