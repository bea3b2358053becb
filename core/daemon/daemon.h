/*
 * One run of the daemon: everything it owns, made in order and undone in reverse.
 * Source: configuration notes §17.
 *
 *     options, configuration → (background) → log → node → plugins: load, create, acquire
 *         → privileges dropped → plugins started → ready → loop → stop
 */
#ifndef CJD_DAEMON_DAEMON_H
#define CJD_DAEMON_DAEMON_H

#include <base/timer.h>
#include <config/config.h>
#include <daemon/background.h>
#include <daemon/input.h>
#include <daemon/notify.h>
#include <daemon/options.h>
#include <node/node.h>
#include <plugin/plugins.h>
#include <rpc/document.h>
#include <rpc/methods.h>
#include <runtime/owner.h>
#include <runtime/log_out.h>
#include <runtime/runtime.h>
#include <sys/netif.h>
#include <sys/privileges.h>

struct cjd_daemon {
    const struct cjd_options *options;
    struct cjd_input input;
    struct cjd_diags diags;    /* of the configuration, until they are printed */
    struct cjd_config *config; /* as last read without errors */
    struct cjd_config *first;  /* as at the start, once `config` is another; else NULL */
    struct cjd_log_out *out;
    struct cjd_log log;
    struct cjd_privileges_config sandbox;
    struct cjd_privileges steps; /* what the drop did */
    struct cjd_pool *pool;
    struct cjd_runtime *rt;
    struct cjd_node *node;
    struct cjd_netif *netif;
    struct cjd_plugins *plugins;
    struct cjd_rpc *rpc;
    struct cjd_owner rpc_owner;     /* of the registry's tasks */
    struct cjd_methods *methods;    /* of the node */
    struct cjd_rpc_document *own;   /* methods of the daemon */
    struct cjd_rpc_call *reloading; /* "node.reload" that is not answered yet, or NULL */
    json_t *messages;               /* of a reload somebody asked for; NULL: only the log */
    struct cjd_notify notify;
    struct cjd_timer watchdog;
    char folder[4096]; /* of plugins */
    struct cjd_background background;
};

/* Runs, checks or prints, as the options say. Returns the exit status. */
int cjd_daemon_main(const struct cjd_options *options);

/* SIGHUP: the file again. */
CJD_MUST_CHECK int cjd_daemon_reload(struct cjd_daemon *d);

/* methods.c: registry, methods of the node and of the daemon; taken down around the plugins. */
CJD_MUST_CHECK int cjd_daemon_make_registry(struct cjd_daemon *d);
void cjd_daemon_stop_methods(struct cjd_daemon *d);
void cjd_daemon_free_registry(struct cjd_daemon *d);
void cjd_daemon_peer_event(void *ctx, const struct cjd_peer_info *peer, bool was_removed);
void cjd_daemon_plugin_state(void *ctx, const struct cjd_plugin_state *state);

/* log.level and log.modules; the command line's level wins. */
void cjd_daemon_set_levels(struct cjd_daemon *d, const struct cjd_config *config);
/* Exit status for an error of a start-up step. */
int cjd_daemon_status(int err);

#endif
