#include "http_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE          5
#define WARN_EVERY_NS 10000000000ull

/* --- letters ------------------------------------------------------------------------------------
 */

static int wake(void *arg)
{
    struct cjd_http_server *s = arg;
    uint64_t one = 1;

    /* A full counter is as good as a rung bell. */
    return write(s->wake_fd, &one, sizeof one) == (ssize_t)sizeof one || errno == EAGAIN ? 0 : -1;
}

static void take_catalog(struct cjd_http_server *s, struct cjd_http_catalog *catalog)
{
    cjd_http_catalog_free(s->catalog);
    s->catalog = catalog;
    free(s->openapi);
    s->openapi = NULL;
}

static void take_config(struct cjd_http_server *s, struct cjd_http_config *config)
{
    cjd_http_config_free(s->config);
    s->config = config;
    for (size_t i = 0; i < s->face_count; i++) {
        if (s->faces[i].http) {
            cjd_http_face_limits(&s->faces[i]);
        }
    }
}

static void serve(struct cjd_http_server *s)
{
    for (size_t i = 0; i < s->face_count; i++) {
        if (cjd_http_face_open(&s->faces[i]) < 0) {
            cjd_logger_write(&s->log, CJD_LEVEL_ERROR, "a listening socket is left out: %s",
                             cjd_err_text(CJD_ERR_NO_MEMORY));
            cjd_http_face_close(&s->faces[i]);
        }
    }
}

/* News of an errand; its client may be gone. */
static void read_news(struct cjd_http_server *s, struct cjd_http_letter *letter)
{
    struct cjd_http_errand *errand = letter->errand;
    struct cjd_http_exchange *x = errand->owner;

    if (letter->kind == CJD_HTTP_LETTER_DONE) {
        cjd_http_errand_back(s, errand);
        if (x) {
            x->errand = NULL;
            x->done(x, letter->value, letter->error);
        }
    } else if (x && letter->kind == CJD_HTTP_LETTER_ITEM) {
        cjd_http_stream_item(x, letter->value);
    } else if (x && letter->kind == CJD_HTTP_LETTER_EVENT) {
        cjd_http_stream_event(x, letter);
    }
}

static void read_letter(struct cjd_http_server *s, struct cjd_http_letter *letter)
{
    switch (letter->kind) {
    case CJD_HTTP_LETTER_CATALOG:
        take_catalog(s, letter->cargo);
        break;
    case CJD_HTTP_LETTER_CONFIG:
        take_config(s, letter->cargo);
        break;
    case CJD_HTTP_LETTER_SERVE:
        serve(s);
        break;
    case CJD_HTTP_LETTER_QUIT:
        s->is_quitting = true;
        event_base_loopbreak(s->base);
        break;
    default:
        read_news(s, letter);
        break;
    }
}

static void on_mail(evutil_socket_t fd, short what, void *arg)
{
    struct cjd_http_server *s = arg;
    uint64_t bells;

    (void)what;
    (void)!read(fd, &bells, sizeof bells);
    for (struct cjd_http_letter *l = cjd_http_box_take(&s->in), *next; l; l = next) {
        next = l->next;
        read_letter(s, l);
        cjd_http_letter_free(l);
    }
}

void cjd_http_server_tell(struct cjd_http_server *s, enum cjd_http_letter_kind kind, void *cargo)
{
    struct cjd_http_letter *letter = calloc(1, sizeof *letter);

    if (letter) {
        letter->kind = kind;
        letter->cargo = cargo;
        cjd_http_box_put(&s->in, letter);
    }
}

void cjd_http_warn(struct cjd_http_server *s, const char *what, const struct cjd_http_client *who)
{
    uint64_t now_ns = s->time->now_ns(s->host);

    if (s->warned_ns == 0 || now_ns - s->warned_ns >= WARN_EVERY_NS) {
        s->warned_ns = now_ns;
        cjd_logger_write(&s->log, CJD_LEVEL_WARN, "%s, last from %s; more of this is only counted",
                         what, who->text);
    }
}

/* --- the thread ---------------------------------------------------------------------------------
 */

void cjd_http_server_run(void *arg)
{
    struct cjd_http_server *s = arg;

    /* On Linux this is about the calling thread: where there is one processor, packets come first.
     */
    (void)!setpriority(PRIO_PROCESS, 0, NICE);
    event_base_dispatch(s->base);
    for (size_t i = 0; i < s->face_count; i++) {
        cjd_http_face_close(&s->faces[i]);
    }
    cjd_http_conns_free(s);
    /* What libevent put off: freeing bufferevents. */
    event_base_loop(s->base, EVLOOP_NONBLOCK);
}

int cjd_http_server_init(struct cjd_http_server *s, const struct cjd_host *host,
                         struct cjd_http_config *config)
{
    *s = (struct cjd_http_server){.host = host,
                                  .time = host->get(host, CJD_SERVICE_TIME, 1),
                                  .config = config,
                                  .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    cjd_logger_init(&s->log, host);
    s->base = event_base_new();
    s->calls = json_object();
    if (s->base && s->wake_fd >= 0) {
        s->wake = event_new(s->base, s->wake_fd, EV_READ | EV_PERSIST, on_mail, s);
    }
    if (!s->time || !s->calls || !s->wake || event_add(s->wake, NULL) < 0 ||
        cjd_http_box_init(&s->in, wake, s) < 0) {
        return CJD_ERR_NO_MEMORY;
    }
    return 0;
}

/* Letters that were never read: some own what they carry. */
static void drop_mail(struct cjd_http_server *s)
{
    for (struct cjd_http_letter *l = cjd_http_box_take(&s->in), *next; l; l = next) {
        next = l->next;
        if (l->kind == CJD_HTTP_LETTER_CATALOG) {
            cjd_http_catalog_free(l->cargo);
        } else if (l->kind == CJD_HTTP_LETTER_CONFIG) {
            cjd_http_config_free(l->cargo);
        }
        cjd_http_letter_free(l);
    }
    cjd_http_box_fini(&s->in);
}

void cjd_http_server_fini(struct cjd_http_server *s)
{
    if (s->in.last) {
        drop_mail(s);
    }
    if (s->wake) {
        event_free(s->wake);
    }
    if (s->base) {
        event_base_free(s->base);
    }
    if (s->wake_fd >= 0) {
        close(s->wake_fd);
    }
    while (s->errands) {
        cjd_http_errand_back(s, s->errands);
    }
    cjd_http_catalog_free(s->catalog);
    cjd_http_config_free(s->config);
    free(s->openapi);
    free(s->made.name);
    cjd_http_once_fini(&s->once);
    json_decref(s->calls);
    *s = (struct cjd_http_server){.wake_fd = -1};
}
