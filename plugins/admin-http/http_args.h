/*
 * Arguments of a method out of path, query and body. The schema says of what type the text of path
 * and query is meant to be; whether a value is a good one, the registry checks. Pure.
 */
#ifndef CJD_HTTP_ARGS_H
#define CJD_HTTP_ARGS_H

#include "http_catalog.h"

/* A body as an object; nothing at all is an empty one. CJD_ERR_PARSE: *error says why. */
CJD_MUST_CHECK int cjd_http_body_read(json_t **out, const char *bytes, size_t len, json_t **error);

/*
 * path: NULL takes nothing from it (calls by the method's name).
 * query: without '?', still encoded; may be NULL. body: may be NULL; borrowed.
 * CJD_ERR_INVALID: *error (of cjd_http_error(); NULL: out of memory) says why.
 */
CJD_MUST_CHECK int cjd_http_args_read(json_t **out, const struct cjd_http_route *route,
                                      const struct cjd_http_path *path, const char *query,
                                      const json_t *body, json_t **error);

#endif
