#include "http_guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/http.h>
#include <sodium.h>

#include <cjd/text.h>

/* --- Host ---------------------------------------------------------------------------------------
 */

/* An address in brackets or without, as the bytes of the site. */
static bool is_own_address(const struct cjd_http_site *site, const char *host)
{
    uint8_t ip[16];
    char bare[64];
    size_t n = strlen(host);

    if (site->family == 4) {
        return inet_pton(AF_INET, host, ip) == 1 && memcmp(ip, site->ip, 4) == 0;
    }
    if (n < 4 || n >= sizeof bare || host[0] != '[' || host[n - 1] != ']') {
        return false;
    }
    memcpy(bare, host + 1, n - 2);
    bare[n - 2] = '\0';
    return inet_pton(AF_INET6, bare, ip) == 1 && memcmp(ip, site->ip, 16) == 0;
}

static bool is_own_name(const struct cjd_http_site *site, const char *host)
{
    if (strcasecmp(host, "localhost") == 0) {
        return true;
    }
    for (size_t i = 0; i < site->host_name_count; i++) {
        if (strcasecmp(host, site->host_names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_own_authority(const struct cjd_http_site *site, const struct evhttp_uri *uri)
{
    const char *host = evhttp_uri_get_host(uri);
    int port = evhttp_uri_get_port(uri);

    return host && !evhttp_uri_get_userinfo(uri) && (port < 0 ? 80 : port) == site->port &&
           (is_own_address(site, host) || is_own_name(site, host));
}

bool cjd_http_host_is_ours(const struct cjd_http_site *site, const char *host)
{
    char text[320];
    bool is_ours = false;

    if (!host || strpbrk(host, "/?#\\ ") ||
        (size_t)snprintf(text, sizeof text, "http://%s/", host) >= sizeof text) {
        return false;
    }
    struct evhttp_uri *uri = evhttp_uri_parse(text);
    if (uri) {
        is_ours = is_own_authority(site, uri);
        evhttp_uri_free(uri);
    }
    return is_ours;
}

/* --- Origin -------------------------------------------------------------------------------------
 */

static bool is_own_origin(const struct cjd_http_site *site, const char *origin)
{
    static const char scheme[] = "http://";

    return strncasecmp(origin, scheme, sizeof scheme - 1) == 0 &&
           cjd_http_host_is_ours(site, origin + sizeof scheme - 1);
}

enum cjd_http_origin cjd_http_origin(const struct cjd_http_site *site, const char *origin,
                                     const char *fetch_site)
{
    bool is_strange = fetch_site && strcasecmp(fetch_site, "same-origin") != 0 &&
                      strcasecmp(fetch_site, "none") != 0;

    for (size_t i = 0; origin && i < site->cors_count; i++) {
        if (strcmp(origin, site->cors_origins[i]) == 0) {
            return CJD_HTTP_ORIGIN_LISTED;
        }
    }
    if (is_strange || (origin && !is_own_origin(site, origin))) {
        return CJD_HTTP_ORIGIN_FOREIGN;
    }
    return CJD_HTTP_ORIGIN_OWN;
}

/* --- Accept, Content-Type -----------------------------------------------------------------------
 */

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* Length without blanks at the end. */
static size_t trimmed(const char *at, size_t len)
{
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) {
        len--;
    }
    return len;
}

/* How exactly a range fits: 3 the type, 2 "text/" and any, 1 anything, 0 not. */
static int range_fits(const char *range, size_t len, const char *type)
{
    const char *slash = strchr(type, '/');
    size_t major = (size_t)(slash - type) + 1;

    if (len == strcspn(type, ";") && strncasecmp(range, type, len) == 0) {
        return 3;
    }
    if (len == major + 1 && strncasecmp(range, type, major) == 0 && range[major] == '*') {
        return 2;
    }
    return len == 3 && memcmp(range, "*/*", 3) == 0 ? 1 : 0;
}

/* The q among the parameters up to `end`. */
static double quality(const char *at, const char *end)
{
    while (at < end && (at = memchr(at, ';', (size_t)(end - at)))) {
        at = skip_blanks(at + 1);
        if ((at[0] == 'q' || at[0] == 'Q') && at[1] == '=') {
            return strtod(at + 2, NULL);
        }
    }
    return 1;
}

/* The quality the client gives a type: that of the range that fits best. */
static double quality_of(const char *accept, const char *type)
{
    double q = 0;
    int best = 0;

    for (const char *at = skip_blanks(accept); *at != '\0'; at = skip_blanks(at)) {
        const char *end = at + strcspn(at, ",");
        int fit = range_fits(at, trimmed(at, strcspn(at, ",;")), type);
        if (fit > best) {
            best = fit;
            q = quality(at, end);
        }
        at = *end == ',' ? end + 1 : end;
    }
    return q;
}

int cjd_http_accept(const char *accept, const char *const *types)
{
    int best = -1;
    double best_q = 0;

    if (!accept || *skip_blanks(accept) == '\0') {
        return 0;
    }
    for (int i = 0; types[i]; i++) {
        double q = quality_of(accept, types[i]);
        if (q > best_q) {
            best = i;
            best_q = q;
        }
    }
    return best;
}

bool cjd_http_is_json(const char *content_type)
{
    static const char json[] = "application/json";
    size_t len = content_type ? trimmed(content_type, strcspn(content_type, ";")) : 0;

    if (len != sizeof json - 1 || strncasecmp(content_type, json, len) != 0) {
        return false;
    }
    const char *charset = strcasestr(content_type, "charset=");
    if (!charset) {
        return true;
    }
    charset += strlen("charset=");
    charset += *charset == '"';
    return strncasecmp(charset, "utf-8", 5) == 0;
}

/* --- entity tags --------------------------------------------------------------------------------
 */

bool cjd_http_tag_matches(const char *list, const char *tag, bool is_weak_ok)
{
    size_t len = strlen(tag);

    if (!list) {
        return false;
    }
    for (const char *at = list + strspn(list, " \t,"); *at != '\0'; at += strspn(at, " \t,")) {
        bool is_weak = strncmp(at, "W/", 2) == 0;
        at += is_weak ? 2 : 0;
        size_t n = strcspn(at, ",");
        size_t used = trimmed(at, n);
        bool is_same = used == len && memcmp(at, tag, len) == 0;
        if ((used == 1 && at[0] == '*') || (is_same && (is_weak_ok || !is_weak))) {
            return true;
        }
        at += n;
    }
    return false;
}

void cjd_http_tag(char out[CJD_HTTP_TAG_SIZE], const void *bytes, size_t len)
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, bytes, len);
    out[0] = '"';
    cjd_hex_encode(out + 1, hash, 16);
    out[33] = '"';
    out[34] = '\0';
}
