/**
 * Typed reading of a plugin's configuration, with the place of a fault in every error.
 *
 * The host checked the configuration against the plugin's schema before; these getters repeat what
 * matters for memory safety and say where something is wrong (`cjd_plugin_error.pointer`), also for
 * rules that a schema cannot express. A struct cjd_conf is a place in the tree: a value, its name
 * and the place it was found in. It lives on the caller's stack, owns nothing, and must not outlive
 * its parent. All [control].
 *
 *     struct cjd_conf root = cjd_conf_root(config, error);
 *     struct cjd_conf beacon = cjd_conf_member(&root, "beacon");
 *     err = cjd_conf_integer(&beacon, "port", 0, 65535, 0, &port);
 */
#ifndef CJD_CONFIG_H
#define CJD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <cjd/err.h>
#include <cjd/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cjd_conf {
    const json_t *value;           /**< borrowed; NULL: not there */
    const struct cjd_conf *parent; /**< NULL: the root */
    const char *key;               /**< name in the parent; NULL: item of a list */
    size_t index;                  /**< position in the parent, if it is a list */
    struct cjd_plugin_error *error;
};

/** The whole configuration. `error` receives what the getters complain about; may be NULL. */
struct cjd_conf cjd_conf_root(const json_t *config, struct cjd_plugin_error *error);

/** A member of an object; its `value` is NULL if it is absent or `at` is no object. */
struct cjd_conf cjd_conf_member(const struct cjd_conf *at, const char *key);

/** An item of a list; its `value` is NULL if there is none. */
struct cjd_conf cjd_conf_item(const struct cjd_conf *at, size_t index);

/** Items of a list or members of an object; 0 for anything else. */
size_t cjd_conf_count(const struct cjd_conf *at);

/** The JSON Pointer of a place. A longer one than `cap` is cut at its front ("…/a/b"). */
void cjd_conf_pointer(const struct cjd_conf *at, char *out, size_t cap);

/** Reports a fault at a place. @return CJD_ERR_CONFIG */
int cjd_conf_fail(const struct cjd_conf *at, const char *format, ...) CJD_PRINTF(2, 3);

/** Whether a place is an object, or a list. Absent counts as empty: 0. Else CJD_ERR_CONFIG. */
CJD_MUST_CHECK int cjd_conf_want_object(const struct cjd_conf *at);
CJD_MUST_CHECK int cjd_conf_want_list(const struct cjd_conf *at);

/**
 * A text member. `fallback` is taken if it is absent; NULL there means that it is required.
 * Text with NUL characters is refused.
 * @param out [out] borrowed from the tree
 */
CJD_MUST_CHECK int cjd_conf_string(const struct cjd_conf *at, const char *key, const char *fallback,
                                   const char **out);

/** The same, but absent (or JSON null) gives NULL. */
CJD_MUST_CHECK int cjd_conf_string_optional(const struct cjd_conf *at, const char *key,
                                            const char **out);

/** An integer member in min … max. */
CJD_MUST_CHECK int cjd_conf_integer(const struct cjd_conf *at, const char *key, int64_t min,
                                    int64_t max, int64_t fallback, int64_t *out);

CJD_MUST_CHECK int cjd_conf_boolean(const struct cjd_conf *at, const char *key, bool fallback,
                                    bool *out);

/**
 * A text member that is one of `words` (ended by NULL).
 * @param out [out] its position there
 */
CJD_MUST_CHECK int cjd_conf_word(const struct cjd_conf *at, const char *key,
                                 const char *const *words, size_t fallback, size_t *out);

/**
 * Walks an object: calls `fn` for each member, in the order of the file, until one fails.
 * Members whose names begin with "_" or "//" are comments and left out.
 */
typedef int (*cjd_conf_fn)(void *arg, const struct cjd_conf *member);
CJD_MUST_CHECK int cjd_conf_walk(const struct cjd_conf *at, cjd_conf_fn fn, void *arg);

#ifdef __cplusplus
}
#endif

#endif
