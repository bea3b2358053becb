#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_listen.h"

extern const char cjd_admin_http_schema[];

static void say(struct cjd_plugin_error *error, const char *text)
{
    if (error) {
        error->pointer[0] = '\0';
        snprintf(error->text, sizeof error->text, "%s", text);
    }
}

/* --- create, configure --------------------------------------------------------------------------
 */

static int http_create(const struct cjd_host *host, void **self, struct cjd_plugin_error *error)
{
    struct cjd_http *http = calloc(1, sizeof *http);

    if (!http) {
        say(error, cjd_err_text(CJD_ERR_NO_MEMORY));
        return CJD_ERR_NO_MEMORY;
    }
    http->host = host;
    http->loop = host->get(host, CJD_SERVICE_LOOP, 1);
    http->server.wake_fd = -1;
    for (size_t i = 0; i < CJD_HTTP_LISTEN_MAX; i++) {
        http->fd[i] = -1;
    }
    cjd_logger_init(&http->log, host);
    if (!http->loop || !host->get(host, CJD_SERVICE_RPC, 1)) {
        free(http);
        say(error, "the host lacks a service that this plugin needs");
        return CJD_ERR_VERSION;
    }
    *self = http;
    return 0;
}

static bool is_same_place(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"listen", "allowInsecure", "tokenFile"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *one = json_object_get(a, keys[i]);
        const json_t *other = json_object_get(b, keys[i]);
        if (!(one == other || json_equal(one, other))) {
            return false;
        }
    }
    return true;
}

static int http_configure(void *self, const json_t *json, struct cjd_plugin_error *error)
{
    struct cjd_http *http = self;
    struct cjd_http_config *config;
    int err = cjd_http_config_read(&config, json, error);

    if (err != 0) {
        return err;
    }
    if (http->is_acquired && !is_same_place(http->json, json)) {
        cjd_http_config_free(config);
        return CJD_ERR_RESTART_NEEDED;
    }
    json_t *copy = json_deep_copy(json);
    if (!copy) {
        cjd_http_config_free(config);
        return CJD_ERR_NO_MEMORY;
    }
    json_decref(http->json);
    http->json = copy;
    if (http->has_thread) {
        cjd_http_server_tell(&http->server, CJD_HTTP_LETTER_CONFIG, config);
    } else {
        cjd_http_config_free(http->config);
        http->config = config;
    }
    return 0;
}

/* --- acquire ------------------------------------------------------------------------------------
 */

/* A place that cannot be had is left out with a warning. Returns how many are open; *err tells of
 * the last that failed. */
static size_t open_all(struct cjd_http *http, struct cjd_http_why *why, int *err)
{
    const struct cjd_frontend_service *front = http->host->get(http->host, CJD_SERVICE_FRONTEND, 1);
    const struct cjd_http_config *config = http->sockets;
    struct cjd_addr own = {0};
    size_t count = 0;

    if (front) {
        front->own_addr(http->host, &own);
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        http->fd[i] = cjd_http_listen_open(&config->listen[i], &own, &http->log, why);
        if (http->fd[i] >= 0) {
            http->inode[i] = cjd_http_listen_inode(&config->listen[i]);
            count++;
            continue;
        }
        *err = http->fd[i];
        http->fd[i] = -1;
        if (config->listen_count > 1) { /* of a single one the host tells */
            cjd_logger_write(&http->log, CJD_LEVEL_WARN, "not listening at %s: %s",
                             config->listen[i].text, why->text);
        }
    }
    return count;
}

static void http_release(void *self)
{
    struct cjd_http *http = self;

    for (size_t i = 0; i < CJD_HTTP_LISTEN_MAX; i++) {
        if (http->fd[i] >= 0) {
            cjd_http_listen_remove(&http->sockets->listen[i], http->inode[i]);
            close(http->fd[i]);
            http->fd[i] = -1;
        }
    }
    if (http->has_thread && !http->is_started) {
        cjd_http_server_tell(&http->server, CJD_HTTP_LETTER_QUIT, NULL);
    }
    http->is_acquired = false;
}

/* Without a token nobody could ask over TCP. */
static int make_token(struct cjd_http *http, struct cjd_http_why *why)
{
    const struct cjd_http_config *config = http->sockets;
    bool is_wanted = false;

    for (size_t i = 0; i < config->listen_count; i++) {
        is_wanted = is_wanted || (config->listen[i].place == CJD_HTTP_TCP && http->fd[i] >= 0);
    }
    if (!is_wanted || config->token_count > 0) {
        return 0;
    }
    int err = cjd_http_token_make(&http->server.made, http->host, config->token_file, why);
    if (err == 0) {
        cjd_logger_write(&http->log, CJD_LEVEL_INFO, "a token for this run is in %s",
                         config->token_file);
    }
    return err;
}

static void fill_faces(struct cjd_http *http)
{
    struct cjd_http_server *s = &http->server;
    const struct cjd_http_config *config = http->sockets;

    for (size_t i = 0; i < config->listen_count; i++) {
        if (http->fd[i] >= 0) {
            s->faces[s->face_count++] = (struct cjd_http_face){.server = s,
                                                               .place = config->listen[i].place,
                                                               .group = config->listen[i].group,
                                                               .fd = http->fd[i]};
        }
    }
}

static int acquire(struct cjd_http *http, struct cjd_http_why *why)
{
    struct cjd_plugin_error unused = {.size = sizeof unused};
    int err = 0;

    snprintf(why->text, sizeof why->text, "%s", cjd_err_text(CJD_ERR_NO_MEMORY));
    /* The server keeps one configuration for itself; what was opened is remembered in another. */
    if (cjd_http_config_read(&http->sockets, http->json, &unused) < 0) {
        return CJD_ERR_NO_MEMORY;
    }
    if (open_all(http, why, &err) == 0) {
        return err;
    }
    struct cjd_http_config *config = http->config;
    http->config = NULL;
    err = cjd_http_server_init(&http->server, http->host, config);
    err = err == 0 ? cjd_http_control_init(&http->control, http->host, &http->server.in) : err;
    if (err != 0) {
        return err;
    }
    http->server.control = &http->control.in;
    fill_faces(http);
    err = make_token(http, why);
    err = err == 0 ? http->loop->thread_spawn(http->host, cjd_http_server_run, &http->server) : err;
    http->has_thread = err == 0;
    return err;
}

static int http_acquire(void *self, struct cjd_plugin_error *error)
{
    struct cjd_http *http = self;
    struct cjd_http_why why;

    if (!http->config || http->is_acquired) {
        say(error, cjd_err_text(CJD_ERR_STATE));
        return CJD_ERR_STATE;
    }
    int err = acquire(http, &why);
    if (err != 0) {
        http_release(http);
        say(error, why.text);
        return err;
    }
    http->is_acquired = true;
    return 0;
}

/* --- start, stop --------------------------------------------------------------------------------
 */

static int http_start(void *self, struct cjd_plugin_error *error)
{
    struct cjd_http *http = self;

    if (!http->is_acquired || http->is_started) {
        say(error, cjd_err_text(CJD_ERR_STATE));
        return CJD_ERR_STATE;
    }
    http->is_started = true;
    uint32_t uid = (uint32_t)geteuid();
    http->server.own_uid = cjd_http_is_nobody(uid) ? CJD_HTTP_NO_ID : uid;
    cjd_http_control_start(&http->control);
    cjd_http_server_tell(&http->server, CJD_HTTP_LETTER_SERVE, NULL);
    for (size_t i = 0; i < http->sockets->listen_count; i++) {
        if (http->fd[i] >= 0) {
            cjd_logger_write(&http->log, CJD_LEVEL_INFO, "listening at %s",
                             http->sockets->listen[i].text);
        }
    }
    return 0;
}

static void http_stop(void *self)
{
    struct cjd_http *http = self;

    if (http->is_started) {
        http->is_started = false;
        cjd_http_control_stop(&http->control);
        cjd_http_server_tell(&http->server, CJD_HTTP_LETTER_QUIT, NULL);
        http->has_thread = false; /* it ends now; the host waits for it */
    }
}

static void http_destroy(void *self)
{
    struct cjd_http *http = self;

    if (!http) {
        return;
    }
    cjd_http_server_fini(&http->server);
    if (http->control.in.last) {
        cjd_http_control_fini(&http->control);
    }
    cjd_http_config_free(http->config);
    cjd_http_config_free(http->sockets);
    json_decref(http->json);
    free(http);
}

/* --- what the host reads ------------------------------------------------------------------------
 */

static const struct cjd_need needs[] = {{CJD_SERVICE_LOG, 1, 1},
                                        {CJD_SERVICE_TIME, 1, 0},
                                        {CJD_SERVICE_RANDOM, 1, 0},
                                        {CJD_SERVICE_LOOP, 1, 0},
                                        {CJD_SERVICE_RPC, 1, 0},
                                        {CJD_SERVICE_FRONTEND, 1, 1},
                                        {NULL, 0, 0}};

CJD_PLUGIN(.id = "admin-http", .version = CJD_VERSION,
           .summary = "HTTP interface for operators, programs and Prometheus", .license = "ISC",
           .provides = CJD_PROVIDES_RPC_SERVER, .needs_caps = CJD_CAP_BIND_LOW, .needs = needs,
           .config_schema = cjd_admin_http_schema,
           .ops = {.size = sizeof(struct cjd_plugin_ops),
                   .create = http_create,
                   .destroy = http_destroy,
                   .configure = http_configure,
                   .acquire = http_acquire,
                   .release = http_release,
                   .start = http_start,
                   .stop = http_stop});
