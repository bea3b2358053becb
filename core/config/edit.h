/*
 * Changing a configuration as text: one value is added or replaced where it stands, every other
 * byte stays as it is, and the new one looks like its neighbours. Pure; any thread.
 *
 * `text` is what `source` was made of, without errors. The result is appended to `out`, whose
 * failure is sticky.
 */
#ifndef CJD_CONFIG_EDIT_H
#define CJD_CONFIG_EDIT_H

#include <config/source.h>

struct cjd_edit {
    const char *text;
    size_t len;
    const struct cjd_source *source;
    bool has_reference_escapes; /* \xHH is the only escape there is (§2) */
};

/* Adds an entry behind the last one of a list (`key` is NULL) or of an object. */
void cjd_edit_append(struct cjd_buf *out, const struct cjd_edit *edit, uint32_t group,
                     const char *key, const json_t *value);
/* Puts `value` in the place of a value; with `key`, also that in the place of its key. */
void cjd_edit_replace(struct cjd_buf *out, const struct cjd_edit *edit, uint32_t node,
                      const char *key, const json_t *value);

#endif
