/**
 * What a plugin exports: one constant, read and checked before any of its code runs.
 *
 * Life cycle, all on the control thread; each step has its undo, and a step that fails undoes only
 * the earlier ones:
 *
 *     read the constant        nothing runs
 *     create                   allocate, fetch services            undo: destroy
 *     configure                check and keep the configuration; again on reload
 *     acquire                  open privileged things              undo: release
 *     (the host drops its privileges)
 *     start                    register links, types, timers       undo: stop
 *
 * A plugin has no constructors, no atexit handlers, no signal handlers and no thread-local
 * destructors. It is loaded with RTLD_NOW | RTLD_LOCAL; only the constant is visible.
 */
#ifndef CJD_PLUGIN_H
#define CJD_PLUGIN_H

#include <stdint.h>

#include <jansson.h>

#include <cjd/err.h>
#include <cjd/host.h>
#include <cjd/version.h>

/** cjd_plugin.provides */
#define CJD_PROVIDES_LINK       (1ull << 0)
#define CJD_PROVIDES_TUN        (1ull << 1)
#define CJD_PROVIDES_UPPER      (1ull << 2)
#define CJD_PROVIDES_RPC_SERVER (1ull << 3)

/** cjd_plugin.needs_caps: what `acquire` may need privileges for. */
#define CJD_CAP_NET_ADMIN (1ull << 0)
#define CJD_CAP_NET_RAW   (1ull << 1)
#define CJD_CAP_BIND_LOW  (1ull << 2)

/** A service the plugin fetches. */
struct cjd_need {
    const char *service; /**< id such as "cjd.link"; NULL ends the list */
    uint32_t version;    /**< lowest version that will do */
    uint32_t optional;   /**< 1: the plugin also works without */
};

/** Where a plugin puts the reason why it refuses a configuration or cannot go on. */
struct cjd_plugin_error {
    uint32_t size;
    char pointer[256]; /**< JSON Pointer into the plugin's own configuration; "" = whole */
    char text[512];    /**< one sentence for the operator: what is wrong and what to do */
};

struct cjd_plugin_ops {
    uint32_t size;
    uint32_t pad;
    /** [control] Allocates the instance. `host` outlives it. */
    int (*create)(const struct cjd_host *host, void **self, struct cjd_plugin_error *error);
    /** [control] Undoes create. */
    void (*destroy)(void *self);
    /** [control] `config` was checked against the schema, defaults are filled in; borrowed for the
     *  call. After start: CJD_ERR_OK (applied), CJD_ERR_RESTART_NEEDED (nothing changed), or an
     *  error (nothing changed). */
    int (*configure)(void *self, const json_t *config, struct cjd_plugin_error *error);
    /** [control] Opens what needs privileges. May be NULL. CJD_ERR_BUSY: address in use. */
    int (*acquire)(void *self, struct cjd_plugin_error *error);
    /** [control] Undoes acquire. May be NULL. */
    void (*release)(void *self);
    /** [control] Registers and begins. */
    int (*start)(void *self, struct cjd_plugin_error *error);
    /** [control] Undoes start; afterwards the plugin runs no more until destroy. */
    void (*stop)(void *self);
};

struct cjd_plugin {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    const char *id; /**< lower case letters, digits, '-'; at most 31 characters */
    const char *version;
    const char *summary; /**< one line */
    const char *license; /**< SPDX identifier */
    uint64_t provides;
    uint64_t needs_caps;
    const struct cjd_need *needs;     /**< may be NULL */
    const char *config_schema;        /**< JSON Schema text (documented subset) */
    const char *const *sign_contexts; /**< NULL-terminated, may be NULL */
    struct cjd_plugin_ops ops;
};

/** Name of the exported constant; carries the ABI's major number. */
#define CJD_PLUGIN_SYMBOL "cjd_plugin_abi1"

#define CJD_PLUGIN_EXPORT __attribute__((visibility("default")))

/**
 * Defines the constant:
 *     CJD_PLUGIN(.id = "udp", .version = "1.0", …,
 *                .ops = { .size = sizeof(struct cjd_plugin_ops), … })
 */
#define CJD_PLUGIN(...)                                                                            \
    extern const struct cjd_plugin cjd_plugin_abi1;                                                \
    CJD_PLUGIN_EXPORT const struct cjd_plugin cjd_plugin_abi1 = {                                  \
        .size = (uint32_t)sizeof(struct cjd_plugin),                                               \
        .abi_major = CJD_ABI_MAJOR,                                                                \
        .abi_minor = CJD_ABI_MINOR,                                                                \
        __VA_ARGS__}

#endif
