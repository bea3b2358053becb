/*
 * Tools of the conversion (§16): reading values of the reference's form with their places, and
 * writing native ones that remember them. Private to the room.
 *
 * Failures of memory stick in `err`; faults of the file go to the diagnostics and the value counts
 * as not given.
 */
#ifndef CJD_CONFIG_CONVERT_H
#define CJD_CONFIG_CONVERT_H

#include <config/private.h>

struct cjd_convert {
    struct cjd_config *config;
    struct cjd_diags *diags;
    int err;
};

/* --- reading ------------------------------------------------------------------------------------
 */

/* A value of the file; `v` is NULL if it is not there. */
struct cjd_ref {
    struct cjd_convert *c;
    const json_t *v;
    uint32_t node;
};

struct cjd_ref cjd_ref_member(struct cjd_ref object, const char *key);
struct cjd_ref cjd_ref_item(struct cjd_ref list, size_t i);
/* The same, and it must be an object or a list if it is there at all. */
struct cjd_ref cjd_ref_object(struct cjd_ref object, const char *key);
struct cjd_ref cjd_ref_list(struct cjd_ref object, const char *key);

void cjd_ref_report(struct cjd_ref at, enum cjd_severity severity, const char *format, ...)
    CJD_PRINTF(3, 4);

/* A text, or NULL if it is not there. */
const char *cjd_ref_text(struct cjd_ref object, const char *key);
/* The same, but it must be there. */
const char *cjd_ref_text_needed(struct cjd_ref object, const char *key);
/* A number; true if it is there and in range, else *out stays as it is. The reference ignores
 * numbers in quotes (§4.6). */
bool cjd_ref_integer(struct cjd_ref object, const char *key, json_int_t low, json_int_t high,
                     json_int_t *out);

/* Warns of keys that are not in the list, which ends with NULL. `only_near`: of slips of the pen
 * only, where people keep notes of their own. */
void cjd_ref_known(struct cjd_ref object, const char *const *keys, bool only_near);

/* --- writing ------------------------------------------------------------------------------------
 */

/* A group of the native tree; borrowed from it. */
struct cjd_out {
    json_t *v;
    char pointer[112];
};

/* Consume `value`; `from` is where it came from. */
void cjd_out_put(struct cjd_convert *c, const struct cjd_out *object, const char *key,
                 json_t *value, struct cjd_ref from);
void cjd_out_push(struct cjd_convert *c, const struct cjd_out *list, json_t *value,
                  struct cjd_ref from);
struct cjd_out cjd_out_group(struct cjd_convert *c, const struct cjd_out *object, const char *key,
                             json_t *empty, struct cjd_ref from);
struct cjd_out cjd_out_item(struct cjd_convert *c, const struct cjd_out *list, struct cjd_ref from);
/* Copies a text if it is there. */
void cjd_out_text(struct cjd_convert *c, const struct cjd_out *object, const char *key,
                  struct cjd_ref from, const char *text);

/* A plugin's entry; returns its configuration. */
struct cjd_out cjd_out_plugin(struct cjd_convert *c, const struct cjd_out *plugins,
                              const char *name, bool is_required, struct cjd_ref from);
/* Switches the last entry off. */
void cjd_out_disable(struct cjd_convert *c, const struct cjd_out *plugins);
/* Is the plugin part of this build? */
bool cjd_plugin_is_built(const char *name);

/* --- sections -----------------------------------------------------------------------------------
 */

void cjd_reference_links(struct cjd_convert *c, struct cjd_ref interfaces,
                         const struct cjd_out *plugins);
void cjd_reference_router(struct cjd_convert *c, struct cjd_ref router, const struct cjd_out *root,
                          const struct cjd_out *plugins);
void cjd_reference_admin(struct cjd_convert *c, struct cjd_ref root, const struct cjd_out *plugins);
void cjd_reference_sandbox(struct cjd_convert *c, struct cjd_ref root,
                           const struct cjd_out *native);

#endif
