/*
 * One change of a configuration's text: opened, one entry added or replaced (edit.h), and checked:
 * the new text read again must be the old value with the same change made to it. Private to the
 * room; control thread.
 */
#ifndef CJD_CONFIG_CHANGE_H
#define CJD_CONFIG_CHANGE_H

#include <config/edit.h>
#include <config/peering.h>

struct cjd_change {
    const char *text;
    size_t len;
    struct cjd_diags *diags;
    struct cjd_config *config;
    const struct cjd_source *source;
    bool is_reference;
    json_t *tree; /* as in the file; changed like the text */
    struct cjd_buf out;
    char pointer[512]; /* of the new entry */
};

/* Mistakes of the file's content are no obstacle, but its text must be sound. Whatever comes of it,
 * the caller closes. */
CJD_MUST_CHECK int cjd_change_open(struct cjd_change *c, const char *text, size_t len,
                                   struct cjd_diags *diags);
void cjd_change_close(struct cjd_change *c);
/* Reports an error at a value of the file; returns `err`. */
int cjd_change_fail(struct cjd_change *c, uint32_t node, int err, const char *format, ...)
    CJD_PRINTF(4, 5);

struct cjd_edit cjd_change_edit(const struct cjd_change *c);
/* Adds `entry` (consumed) to the group `name` of an object: a list, or with `key` an object. The
 * group is made if it is not there. */
CJD_MUST_CHECK int cjd_change_append(struct cjd_change *c, uint32_t object, json_t *v,
                                     const char *name, const char *key, json_t *entry);

/* A value of the file. */
struct cjd_spot {
    uint32_t node;
    json_t *v;
    json_t *group;   /* of a member: the object it is in */
    const char *key; /* of a member, else NULL */
};
/* Puts `entry` (consumed) in the place of another, a member under the name `key`. */
CJD_MUST_CHECK int cjd_change_replace(struct cjd_change *c, const struct cjd_spot *spot,
                                      const char *key, json_t *entry);

/* Checks the new text and gives it to *out. */
CJD_MUST_CHECK int cjd_change_finish(struct cjd_change *c, struct cjd_peering_change *out);

#endif
