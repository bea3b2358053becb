/*
 * What stands between browsers and this node, and what a client accepts. Configuration notes
 * §18.7; RFC 9110 §7.2 (Host), §8.8.3 (entity tags), §12.5.1 (Accept); RFC 6454 (Origin).
 *
 * Pure functions over header values; NULL: the header is not there. Header values are split by
 * libevent, which also reads the URIs in them.
 */
#ifndef CJD_HTTP_GUARD_H
#define CJD_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a request arrived, and under which names besides. */
struct cjd_http_site {
    int family; /* 4 or 6 */
    uint8_t ip[16];
    uint16_t port;
    char *const *host_names;
    size_t host_name_count;
    char *const *cors_origins;
    size_t cors_count;
};

/* Whether a "name:port" is one of the site's: defeats DNS rebinding. */
bool cjd_http_host_is_ours(const struct cjd_http_site *site, const char *host);

enum cjd_http_origin {
    CJD_HTTP_ORIGIN_OWN,    /* ours, or no browser at all */
    CJD_HTTP_ORIGIN_LISTED, /* of a page the configuration allows */
    CJD_HTTP_ORIGIN_FOREIGN
};

/* Where the page comes from that asks. fetch_site: Sec-Fetch-Site. */
enum cjd_http_origin cjd_http_origin(const struct cjd_http_site *site, const char *origin,
                                     const char *fetch_site);

/* Which of the media types (ended by NULL; best first) the client likes best: its position, or −1
 * if it takes none. No Accept: the first. */
int cjd_http_accept(const char *accept, const char *const *types);

/* Whether a Content-Type is that of JSON in UTF-8. */
bool cjd_http_is_json(const char *content_type);

/* Whether an If-None-Match or If-Match names the tag (with its quotes); "*" names every tag. */
bool cjd_http_tag_matches(const char *list, const char *tag, bool is_weak_ok);

/* Room for a tag, quotes and NUL included. */
#define CJD_HTTP_TAG_SIZE 35u
/* The tag of a body: half of its SHA-256. */
void cjd_http_tag(char out[CJD_HTTP_TAG_SIZE], const void *bytes, size_t len);

#endif
