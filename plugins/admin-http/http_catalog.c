#include "http_catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/http.h>

/* --- verbs --------------------------------------------------------------------------------------
 */

static const struct {
    const char *text;
    uint32_t bit;
} verbs[] = {
#define CJD_HTTP_VERB_ROW(name, bit) {#name, bit},
    CJD_HTTP_VERB_LIST(CJD_HTTP_VERB_ROW)
#undef CJD_HTTP_VERB_ROW
};

uint32_t cjd_http_verb_of(const char *text)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].text, text) == 0) {
            return verbs[i].bit;
        }
    }
    return CJD_HTTP_VERB_NONE;
}

void cjd_http_verbs_text(char out[CJD_HTTP_VERBS_SIZE], uint32_t set)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if ((set & verbs[i].bit) != 0) {
            at += (size_t)snprintf(out + at, CJD_HTTP_VERBS_SIZE - at, "%s%s", at > 0 ? ", " : "",
                                   verbs[i].text);
        }
    }
}

/* --- paths --------------------------------------------------------------------------------------
 */

static int take_segment(struct cjd_http_path *out, const char *from, size_t len)
{
    char *raw = strndup(from, len);
    size_t decoded_len = 0;

    if (!raw) {
        return CJD_ERR_NO_MEMORY;
    }
    char *decoded = evhttp_uridecode(raw, 0, &decoded_len);
    free(raw);
    if (!decoded) {
        return CJD_ERR_NO_MEMORY;
    }
    if (strlen(decoded) != decoded_len) {
        free(decoded); /* a NUL in it */
        return CJD_ERR_PARSE;
    }
    out->segments[out->count++] = decoded;
    return 0;
}

int cjd_http_path_split(struct cjd_http_path *out, const char *path)
{
    int err = path && path[0] == '/' ? 0 : CJD_ERR_PARSE;

    *out = (struct cjd_http_path){0};
    while (err == 0 && *path == '/') {
        size_t len = strcspn(++path, "/");
        if (len == 0) {
            out->ends_in_slash = *path == '\0';
            err = out->ends_in_slash ? 0 : CJD_ERR_PARSE;
        } else if (out->count == CJD_HTTP_SEGMENTS_MAX) {
            err = CJD_ERR_TOO_LONG;
        } else {
            err = take_segment(out, path, len);
        }
        path += len;
    }
    if (err != 0) {
        cjd_http_path_fini(out);
    }
    return err;
}

void cjd_http_path_fini(struct cjd_http_path *path)
{
    for (size_t i = 0; i < path->count; i++) {
        free(path->segments[i]);
    }
    path->count = 0;
}

/* --- the copy -----------------------------------------------------------------------------------
 */

static void route_fini(struct cjd_http_route *r)
{
    free(r->verb_text);
    free(r->path);
    free(r->method);
    free(r->provider);
    free(r->summary);
    free(r->description);
    free(r->cut);
    json_decref(r->args);
    json_decref(r->item);
    json_decref(r->result);
}

static bool cut_path(struct cjd_http_route *r)
{
    char *save = NULL;

    for (char *s = strtok_r(r->cut, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
        size_t len = strlen(s);
        if (r->segment_count == CJD_HTTP_SEGMENTS_MAX) {
            return false;
        }
        if (len > 2 && s[0] == '{' && s[len - 1] == '}') {
            s[len - 1] = '\0';
            s++;
            r->captured |= 1u << r->segment_count;
        }
        r->segments[r->segment_count++] = s;
    }
    return true;
}

static bool copy_route(struct cjd_http_route *r, const struct cjd_rpc_method_info *info)
{
    *r = (struct cjd_http_route){.verb = cjd_http_verb_of(info->verb),
                                 .scope = info->scope,
                                 .flags = info->flags,
                                 .timeout_ms = info->timeout_ms,
                                 .verb_text = strdup(info->verb),
                                 .path = strdup(info->path),
                                 .method = strdup(info->name),
                                 .provider = strdup(info->provider),
                                 .summary = strdup(info->summary ? info->summary : ""),
                                 .description = strdup(info->description ? info->description : ""),
                                 .args = json_deep_copy(info->args),
                                 .item = info->item ? json_deep_copy(info->item) : NULL,
                                 .result = json_deep_copy(info->result),
                                 .cut = strdup(info->path)};
    return r->verb_text && r->path && r->method && r->provider && r->summary && r->description &&
           r->args && r->result && (r->item || !info->item) && r->cut && cut_path(r);
}

static int copy_routes(struct cjd_http_catalog *c, const struct cjd_rpc_service *rpc,
                       const struct cjd_host *host)
{
    struct cjd_rpc_method_info info = {.size = sizeof info};
    uint32_t n = 0;

    while (rpc->method_at(host, n, &info) == 0) {
        n++;
    }
    c->routes = calloc(n > 0 ? n : 1, sizeof *c->routes);
    if (!c->routes) {
        return CJD_ERR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < n; i++) {
        info.size = sizeof info;
        if (rpc->method_at(host, i, &info) != 0) {
            break;
        }
        c->count++;
        if (!copy_route(&c->routes[i], &info)) {
            return CJD_ERR_NO_MEMORY;
        }
    }
    return 0;
}

static int copy_events(struct cjd_http_catalog *c, const struct cjd_rpc_service *rpc,
                       const struct cjd_host *host)
{
    struct cjd_rpc_event_type_info info = {.size = sizeof info};

    c->events = json_array();
    for (uint32_t i = 0; rpc->event_type_at(host, i, &info) == 0; i++) {
        json_t *data = json_deep_copy(info.data);
        json_t *event = json_pack("{s:s, s:s, s:s, s:o}", "name", info.name, "provider",
                                  info.provider, "summary", info.summary, "data", data);
        if (json_array_append_new(c->events, event) < 0) {
            return CJD_ERR_NO_MEMORY;
        }
        info.size = sizeof info;
    }
    return c->events ? 0 : CJD_ERR_NO_MEMORY;
}

struct cjd_http_catalog *cjd_http_catalog_new(const struct cjd_rpc_service *rpc,
                                              const struct cjd_host *host)
{
    struct cjd_http_catalog *c = calloc(1, sizeof *c);

    if (!c) {
        return NULL;
    }
    c->revision = rpc->revision(host);
    strncpy(c->boot_id, rpc->boot_id(host), sizeof c->boot_id - 1);
    if (copy_routes(c, rpc, host) < 0 || copy_events(c, rpc, host) < 0) {
        cjd_http_catalog_free(c);
        return NULL;
    }
    return c;
}

void cjd_http_catalog_free(struct cjd_http_catalog *catalog)
{
    if (!catalog) {
        return;
    }
    for (size_t i = 0; i < catalog->count; i++) {
        route_fini(&catalog->routes[i]);
    }
    free(catalog->routes);
    json_decref(catalog->events);
    free(catalog);
}

/* --- looking up ---------------------------------------------------------------------------------
 */

/* 0: does not fit; else the more, the further to the left its words are given. */
static uint32_t fit(const struct cjd_http_route *r, const struct cjd_http_path *path)
{
    uint32_t weight = 1;

    if (r->segment_count != path->count) {
        return 0;
    }
    for (size_t i = 0; i < path->count; i++) {
        if ((r->captured >> i & 1) != 0) {
            continue;
        }
        if (strcmp(r->segments[i], path->segments[i]) != 0) {
            return 0;
        }
        weight += 2u << (CJD_HTTP_SEGMENTS_MAX - i);
    }
    return weight;
}

const struct cjd_http_route *cjd_http_catalog_match(const struct cjd_http_catalog *catalog,
                                                    uint32_t verb, const struct cjd_http_path *path,
                                                    uint32_t *allowed)
{
    uint32_t wanted = verb == CJD_HTTP_VERB_HEAD ? CJD_HTTP_VERB_GET : verb;
    const struct cjd_http_route *found = NULL;
    uint32_t best = 0;

    *allowed = 0;
    for (size_t i = 0; i < catalog->count && !path->ends_in_slash; i++) {
        const struct cjd_http_route *r = &catalog->routes[i];
        uint32_t weight = fit(r, path);
        if (weight == 0) {
            continue;
        }
        *allowed |= r->verb | CJD_HTTP_VERB_OPTIONS;
        if (r->verb == wanted && weight > best) {
            best = weight;
            found = r;
        }
    }
    *allowed |= (*allowed & CJD_HTTP_VERB_GET) != 0 ? CJD_HTTP_VERB_HEAD : 0;
    return found;
}

const struct cjd_http_route *cjd_http_catalog_find(const struct cjd_http_catalog *catalog,
                                                   const char *method)
{
    for (size_t i = 0; i < catalog->count; i++) {
        if (strcmp(catalog->routes[i].method, method) == 0) {
            return &catalog->routes[i];
        }
    }
    return NULL;
}
