#include "http_args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "http_problem.h"

/* --- body ---------------------------------------------------------------------------------------
 */

int cjd_http_body_read(json_t **out, const char *bytes, size_t len, json_t **error)
{
    json_error_t fault = {.text = ""};
    char text[256];

    *error = NULL;
    *out = len == 0 ? json_object() : json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &fault);
    if (json_is_object(*out)) {
        return 0;
    }
    if (*out) {
        snprintf(text, sizeof text, "the body must be a JSON object");
    } else {
        snprintf(text, sizeof text, "the body is no JSON: %.160s, line %d, column %d", fault.text,
                 fault.line, fault.column);
    }
    json_decref(*out);
    *out = NULL;
    *error = cjd_http_error("malformed_body", "", text, "");
    return CJD_ERR_PARSE;
}

/* --- from text ----------------------------------------------------------------------------------
 */

static bool has_type(const json_t *schema, const char *type)
{
    const json_t *types = json_object_get(schema, "type");
    const json_t *one;
    size_t i;

    if (json_is_string(types)) {
        return strcmp(json_string_value(types), type) == 0;
    }
    json_array_foreach(types, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), type) == 0) {
            return true;
        }
    }
    return false;
}

static json_t *integer_of(const char *text)
{
    char *end;

    errno = 0;
    long long value = strtoll(text, &end, 10);
    return *text != '\0' && *text != ' ' && *end == '\0' && errno == 0 ? json_integer(value) : NULL;
}

static json_t *real_of(const char *text)
{
    /* As JSON writes numbers: no hexadecimal digits, no "inf". */
    if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0') {
        return NULL;
    }
    char *end;
    double value = strtod(text, &end);
    return *end == '\0' ? json_real(value) : NULL;
}

static json_t *boolean_of(const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0) {
        return json_true();
    }
    return strcmp(text, "false") == 0 || strcmp(text, "0") == 0 ? json_false() : NULL;
}

/* A value of the schema's type, or the text itself, which the registry will then complain about. */
static json_t *value_of(const json_t *schema, const char *text)
{
    json_t *value = NULL;

    if (has_type(schema, "string")) {
        return json_string(text);
    }
    if (has_type(schema, "integer")) {
        value = integer_of(text);
    }
    if (!value && has_type(schema, "number")) {
        value = real_of(text);
    }
    if (!value && has_type(schema, "boolean")) {
        value = boolean_of(text);
    }
    return value ? value : json_string(text);
}

/* --- putting together ---------------------------------------------------------------------------
 */

struct gather {
    json_t *args;
    const json_t *properties;
    json_t *error;
};

static int refuse(struct gather *g, const char *code, const char *name, const char *message,
                  const char *hint)
{
    char pointer[128];

    snprintf(pointer, sizeof pointer, "/%.120s", name);
    g->error = cjd_http_error(code, pointer, message, hint);
    return CJD_ERR_INVALID;
}

static int put_text(struct gather *g, const char *name, const char *text)
{
    const json_t *schema = json_object_get(g->properties, name);
    json_t *had = json_object_get(g->args, name);
    bool is_list = has_type(schema, "array");

    json_t *value = value_of(is_list ? json_object_get(schema, "items") : schema, text);
    if (!value) {
        return refuse(g, "invalid_argument", "", "an argument is no UTF-8 text", "");
    }
    if (had && !is_list) {
        json_decref(value);
        return refuse(g, "repeated_argument", name, "the argument is given twice", "");
    }
    if (is_list && !had) {
        value = json_pack("[o]", value);
    }
    int failed =
        had ? json_array_append_new(had, value) : json_object_set_new(g->args, name, value);
    /* What cannot be the name of a member is no UTF-8. */
    return failed ? refuse(g, "unknown_argument", "", "there is no such argument", "") : 0;
}

static int put_path(struct gather *g, const struct cjd_http_route *route,
                    const struct cjd_http_path *path)
{
    int err = 0;

    for (size_t i = 0; path && i < route->segment_count && err == 0; i++) {
        if ((route->captured >> i & 1) != 0) {
            err = put_text(g, route->segments[i], path->segments[i]);
        }
    }
    return err;
}

static int put_query(struct gather *g, const struct cjd_http_route *route, const char *query)
{
    struct evkeyvalq pairs;
    int err = 0;

    if (!query || query[0] == '\0') {
        return 0;
    }
    if ((route->verb & (CJD_HTTP_VERB_GET | CJD_HTTP_VERB_DELETE)) == 0) {
        return refuse(g, "unknown_argument", "", "there are no arguments in this query",
                      "they travel in the body");
    }
    if (strstr(query, "%00") || evhttp_parse_query_str(query, &pairs) != 0) {
        return refuse(g, "malformed_query", "", "the query cannot be read",
                      "it looks like \"?name=value&other=value\"");
    }
    for (const struct evkeyval *p = pairs.tqh_first; p && err == 0; p = p->next.tqe_next) {
        err = put_text(g, p->key, p->value);
    }
    evhttp_clear_headers(&pairs);
    return err;
}

static int put_body(struct gather *g, const json_t *body)
{
    const char *key;
    json_t *value;

    /* Read only; the macro wants it writable. */
    json_object_foreach((json_t *)(uintptr_t)body, key, value)
    {
        if (json_object_get(g->args, key)) {
            return refuse(g, "repeated_argument", key, "the argument stands in the path already",
                          "");
        }
        if (json_object_set(g->args, key, value) < 0) {
            return CJD_ERR_NO_MEMORY;
        }
    }
    return 0;
}

int cjd_http_args_read(json_t **out, const struct cjd_http_route *route,
                       const struct cjd_http_path *path, const char *query, const json_t *body,
                       json_t **error)
{
    struct gather g = {.args = json_object(),
                       .properties = json_object_get(route->args, "properties")};

    *out = NULL;
    *error = NULL;
    if (!g.args) {
        return CJD_ERR_NO_MEMORY;
    }
    int err = put_path(&g, route, path);
    err = err == 0 ? put_query(&g, route, query) : err;
    err = err == 0 && body ? put_body(&g, body) : err;
    if (err != 0) {
        json_decref(g.args);
        *error = g.error;
        return err;
    }
    *out = g.args;
    return 0;
}
