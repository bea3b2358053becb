/*
 * The plugins of a configuration: loading, life cycle, reload. Source: architecture notes, "Plugin
 * ABI".
 *
 *     load → create, configure → acquire → (privileges are dropped) → start → stop
 *
 * A plugin that fails is reported in one message, its earlier steps are undone, and the others go
 * on; the first error of a plugin marked "required" is what the step returns. Instances are undone
 * in reverse order. Control thread.
 */
#ifndef CJD_PLUGIN_PLUGINS_H
#define CJD_PLUGIN_PLUGINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <base/log.h>
#include <base/rng.h>
#include <cjd/err.h>
#include <config/config.h>
#include <rpc/rpc.h>
#include <runtime/runtime.h>
#include <sys/netif.h>

struct cjd_plugins;

/* For those who list them. Texts are borrowed. */
struct cjd_plugin_state {
    const char *id;
    const char *plugin; /* name of the file's constant */
    const char *version;
    const char *summary;
    const char *license;
    const char *path;
    const char *state; /* "loaded", "created", "acquired", "running", "ended" */
    bool is_required;
};

struct cjd_plugins_config {
    struct cjd_runtime *rt;  /* borrowed, as are all */
    struct cjd_netif *netif; /* NULL: cjd.netif is not offered */
    struct cjd_rpc *rpc;     /* NULL: cjd.rpc is not offered */
    struct cjd_rng rng;
    struct cjd_log log; /* its sink is also that of the plugins */
    const char *folder; /* where plugins are looked for */
    /* A plugin started or ended; may be NULL. */
    void (*state)(void *ctx, const struct cjd_plugin_state *state);
    void *ctx;
};

CJD_MUST_CHECK int cjd_plugins_new(struct cjd_plugins **out,
                                   const struct cjd_plugins_config *config);
/* Stops and undoes what still runs. NULL is legal. */
void cjd_plugins_free(struct cjd_plugins *plugins);

/*
 * Finds, checks and loads the files of all enabled entries, and checks their configurations against
 * their schemas. No code of a plugin is called. diags tells all that is wrong: a plugin that cannot
 * be loaded is an error if it is required, else a warning; a fault of its configuration an error.
 */
CJD_MUST_CHECK int cjd_plugins_load(struct cjd_plugins *plugins, const struct cjd_config *config,
                                    struct cjd_diags *diags);
/* create and configure; what configure() refuses goes to diags, with its place in the file. */
CJD_MUST_CHECK int cjd_plugins_create(struct cjd_plugins *plugins, const struct cjd_config *config,
                                      struct cjd_diags *diags);
CJD_MUST_CHECK int cjd_plugins_acquire(struct cjd_plugins *plugins);
CJD_MUST_CHECK int cjd_plugins_start(struct cjd_plugins *plugins);
/* stop, release and destroy of all, last first. */
void cjd_plugins_stop(struct cjd_plugins *plugins);

/*
 * Hands changed configurations to the running plugins. Everything is checked first; what is refused
 * then undoes the changes made before it. Each outcome is one call of `tell`.
 */
typedef void (*cjd_plugins_tell_fn)(void *arg, const char *id, int result, const char *text);
CJD_MUST_CHECK int cjd_plugins_reload(struct cjd_plugins *plugins, const struct cjd_config *config,
                                      struct cjd_diags *diags, cjd_plugins_tell_fn tell, void *arg);

/* Instances that run. */
size_t cjd_plugins_running(const struct cjd_plugins *plugins);

/* Index 0 … until false. */
bool cjd_plugins_at(const struct cjd_plugins *plugins, size_t index, struct cjd_plugin_state *out);

/* One line a file of the folder: id, version, licence, ABI, summary; or why it cannot be used. */
CJD_MUST_CHECK int cjd_plugins_list(const char *folder, FILE *out);

#endif
