/* The files of web/, embedded: they say nothing about the node, so everybody may have them. */
#include "http_server.h"

#include <string.h>

extern const char cjd_http_web_index_html[];
extern const char cjd_http_web_app_css[];
extern const char cjd_http_web_app_js[];

static const struct {
    const char *path;
    const char *type;
    const char *text;
} files[] = {{"/", "text/html; charset=utf-8", cjd_http_web_index_html},
             {"/app.css", "text/css; charset=utf-8", cjd_http_web_app_css},
             {"/app.js", "text/javascript; charset=utf-8", cjd_http_web_app_js}};

static size_t find(const char *path)
{
    size_t i = 0;

    while (i < sizeof files / sizeof files[0] && strcmp(path, files[i].path) != 0) {
        i++;
    }
    return i;
}

bool cjd_http_page_has(const char *path)
{
    return find(path) < sizeof files / sizeof files[0];
}

void cjd_http_page(struct cjd_http_exchange *x)
{
    size_t i = find(x->raw_path);
    cjd_http_answer_tagged(x, files[i].type, files[i].text);
}
