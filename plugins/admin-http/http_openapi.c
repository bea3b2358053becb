/*
 * OpenAPI 3.1, made from the catalogue: schemas go in as they are, since 3.1 takes JSON Schema.
 * What does not come from the registry stands in openapi.json beside this file. Pure.
 */
#include "http_server.h"

#include <stdio.h>
#include <string.h>

extern const char cjd_http_openapi_base[];

/* --- arguments ----------------------------------------------------------------------------------
 */

static bool is_captured(const struct cjd_http_route *route, const char *name)
{
    for (size_t i = 0; i < route->segment_count; i++) {
        if ((route->captured >> i & 1) != 0 && strcmp(route->segments[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_required(const json_t *schema, const char *name)
{
    const json_t *word;
    size_t i;

    json_array_foreach(json_object_get(schema, "required"), i, word)
    {
        if (strcmp(json_string_value(word), name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_parameter(json_t *list, const struct cjd_http_route *route, const char *name,
                          json_t *schema)
{
    bool is_path = is_captured(route, name);
    json_t *p = json_pack("{s:s, s:s, s:O}", "name", name, "in", is_path ? "path" : "query",
                          "schema", schema);
    json_t *description = json_object_get(schema, "description");

    if (is_path || is_required(route->args, name)) {
        json_object_set_new(p, "required", json_true());
    }
    if (description) {
        json_object_set(p, "description", description);
    }
    json_array_append_new(list, p);
}

/* What is left of the arguments for the body. */
static json_t *body_schema(const struct cjd_http_route *route)
{
    json_t *schema = json_deep_copy(route->args);
    json_t *properties = json_object_get(schema, "properties");
    json_t *required = json_object_get(schema, "required");

    for (size_t i = 0; i < route->segment_count; i++) {
        if ((route->captured >> i & 1) != 0) {
            json_object_del(properties, route->segments[i]);
            for (size_t k = json_array_size(required); k-- > 0;) {
                if (strcmp(json_string_value(json_array_get(required, k)), route->segments[i]) ==
                    0) {
                    json_array_remove(required, k);
                }
            }
        }
    }
    return schema;
}

static void add_arguments(json_t *operation, const struct cjd_http_route *route)
{
    bool has_body = (route->verb & (CJD_HTTP_VERB_GET | CJD_HTTP_VERB_DELETE)) == 0;
    json_t *properties = json_object_get(route->args, "properties");
    json_t *parameters = json_array();
    const char *name;
    json_t *schema;

    json_object_foreach(properties, name, schema)
    {
        if (!has_body || is_captured(route, name)) {
            add_parameter(parameters, route, name, schema);
        }
    }
    if (json_array_size(parameters) > 0) {
        json_object_set(operation, "parameters", parameters);
    }
    json_decref(parameters);
    schema = has_body ? body_schema(route) : NULL;
    if (schema && json_object_size(json_object_get(schema, "properties")) > 0) {
        json_t *content =
            json_pack("{s:{s:{s:O}}}", "content", "application/json", "schema", schema);
        if (json_array_size(json_object_get(schema, "required")) > 0) {
            json_object_set_new(content, "required", json_true());
        }
        json_object_set_new(operation, "requestBody", content);
    }
    json_decref(schema);
}

/* --- results ------------------------------------------------------------------------------------
 */

/* Items as the member "items" of the result. */
static json_t *together(const struct cjd_http_route *route)
{
    json_t *schema = json_deep_copy(route->result);
    json_t *properties = json_object_get(schema, "properties");

    if (!properties) {
        properties = json_object();
        json_object_set_new(schema, "properties", properties);
    }
    json_object_set_new(properties, "items",
                        json_pack("{s:s, s:O}", "type", "array", "items", route->item));
    return schema;
}

static void add_results(json_t *operation, const struct cjd_http_route *route)
{
    json_t *content;

    if (route->item) {
        content = json_pack("{s:{s:o}, s:{s:O}, s:{s:O}}", "application/json", "schema",
                            together(route), "application/x-ndjson", "schema", route->item,
                            "text/event-stream", "schema", route->item);
    } else {
        content = json_pack("{s:{s:O}}", "application/json", "schema", route->result);
    }
    json_object_set_new(operation, "responses",
                        json_pack("{s:{s:s, s:o}, s:{s:s}}", "200", "description", "The result.",
                                  "content", content, "default", "$ref",
                                  "#/components/responses/Problem"));
}

/* --- paths --------------------------------------------------------------------------------------
 */

static void add_route(json_t *paths, const struct cjd_http_route *route)
{
    char verb[16];
    json_t *path = json_object_get(paths, route->path);
    json_t *operation =
        json_pack("{s:s, s:[s], s:s, s:s}", "operationId", route->method, "tags", route->provider,
                  "summary", route->summary, "x-scope", cjd_http_scope_word(route->scope));

    if (!path) {
        path = json_object();
        json_object_set_new(paths, route->path, path);
    }
    snprintf(verb, sizeof verb, "%s", route->verb_text);
    for (char *at = verb; *at != '\0'; at++) {
        *at = (char)(*at | 0x20);
    }
    if (route->description[0] != '\0') {
        json_object_set_new(operation, "description", json_string(route->description));
    }
    add_arguments(operation, route);
    add_results(operation, route);
    json_object_set_new(path, verb, operation);
}

static void add_tag(json_t *tags, const char *name)
{
    const json_t *tag;
    size_t i;

    json_array_foreach(tags, i, tag)
    {
        if (strcmp(json_string_value(json_object_get(tag, "name")), name) == 0) {
            return;
        }
    }
    json_array_append_new(tags, json_pack("{s:s}", "name", name));
}

json_t *cjd_http_openapi(const struct cjd_http_catalog *catalog)
{
    json_t *doc = json_loads(cjd_http_openapi_base, 0, NULL);
    json_t *paths = json_object_get(doc, "paths");
    json_t *tags = json_object_get(doc, "tags");

    add_tag(tags, "http");
    for (size_t i = 0; i < catalog->count; i++) {
        add_route(paths, &catalog->routes[i]);
        add_tag(tags, catalog->routes[i].provider);
    }
    if (doc) {
        json_object_set(doc, "x-events", catalog->events);
    }
    return doc;
}
