/* A registry of a few methods, as a face sees it. */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include <testlib/testlib.h>

#include "http_args.h"
#include "http_server.h"

/* peers.list GET /v1/peers, peers.get GET and peers.remove DELETE /v1/peers/{peer}, peers.reset
 * POST /v1/peers/reset, ping POST /v1/ping/node, walk (ITEMS) POST /v1/walk, udp.connect POST
 * /v1/udp/peers. */
struct cjd_http_catalog *fixture_catalog(void);

/* The member's text, or "" if it is not there. */
const char *fixture_text(const json_t *object, const char *key);

#endif
