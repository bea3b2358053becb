/* What the files of this room share; nobody else includes it. */
#ifndef CJD_PLUGIN_PRIVATE_H
#define CJD_PLUGIN_PRIVATE_H

#include <jansson.h>

#include <cjd/link.h>
#include <cjd/plugin.h>
#include <cjd/rpc.h>
#include <cjd/upper.h>
#include <plugin/file.h>
#include <plugin/plugins.h>
#include <runtime/owner.h>

/* A loaded file; used by one or more instances. */
struct object {
    struct object *next;
    struct cjd_plugin_file file;
    struct cjd_schema *schema;
    bool must_stay; /* an instance left something behind */
};

enum step { STEP_LOADED, STEP_CREATED, STEP_ACQUIRED, STEP_STARTED, STEP_ENDED };

/* An address cjd.netif added for an instance; removed when it stops. */
struct netif_addr {
    struct netif_addr *next;
    char device[16];
    struct cjd_addr addr;
    uint32_t prefix_len;
};

struct instance {
    struct cjd_host host; /* impl = this instance */
    struct cjd_owner owner;
    struct cjd_plugins *set;
    struct object *object;
    void *self;
    char *id;
    bool is_required;
    bool was_called; /* create was: it may have registered something */
    bool is_stuck;   /* a thread of it still runs: its memory stays */
    enum step step;
    char pointer[64]; /* of its configuration in the tree it was configured from */
    json_t *config;   /* what was applied last; own reference */
    struct netif_addr *addrs;
};

struct cjd_plugins {
    struct cjd_plugins_config config;
    struct object *objects;
    struct instance **v;
    size_t count;
};

/* The plugin's side of a call. */
static inline struct instance *instance_of(const struct cjd_host *host)
{
    return host->impl;
}

/* services.c: what the host offers. NULL: not known, or not in that version. */
const void *cjd_services_get(const struct cjd_host *host, const char *id, uint32_t version);

/* plugins.c */
void cjd_plugins_tell_state(const struct instance *in);

/* rpc_service.c */
extern const struct cjd_rpc_service cjd_rpc_table;

/* netif_service.c */
extern const struct cjd_netif_service cjd_netif_table;
void cjd_netif_undo(struct instance *in);

/* instance.c: one instance through its life. Each step that fails undoes the earlier ones. */
struct instance *cjd_instance_new(struct cjd_plugins *set, struct object *object,
                                  const struct cjd_config_plugin *entry);
void cjd_instance_free(struct instance *in);
CJD_MUST_CHECK int cjd_instance_create(struct instance *in, struct cjd_plugin_error *error);
CJD_MUST_CHECK int cjd_instance_acquire(struct instance *in, struct cjd_plugin_error *error);
CJD_MUST_CHECK int cjd_instance_start(struct instance *in, struct cjd_plugin_error *error);
/* From whatever step it is at. */
void cjd_instance_end(struct instance *in);

#endif
