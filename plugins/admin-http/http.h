/* The plugin's instance: what lives on the control thread, and the server that does not. */
#ifndef CJD_HTTP_H
#define CJD_HTTP_H

#include "http_control.h"
#include "http_server.h"

struct cjd_http {
    const struct cjd_host *host;
    const struct cjd_loop_service *loop;
    struct cjd_logger log;
    json_t *json;                   /* the configuration, to compare with */
    struct cjd_http_config *config; /* until the server takes it */
    struct cjd_http_server server;
    struct cjd_http_control control;
    struct cjd_http_config *sockets; /* what was opened, to be removed again */
    int fd[CJD_HTTP_LISTEN_MAX];     /* −1: left out */
    uint64_t inode[CJD_HTTP_LISTEN_MAX];
    bool is_acquired;
    bool has_thread;
    bool is_started;
};

#endif
