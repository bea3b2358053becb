/*
 * The file of a plugin: where it is, whether it may be loaded, and its constant.
 * Source: configuration notes §15 (loading rules).
 *
 * Nothing of a file runs before its owner, mode, type and ABI version were checked. Each refusal is
 * one sentence that says what is wrong and what to do. Control thread.
 */
#ifndef CJD_PLUGIN_FILE_H
#define CJD_PLUGIN_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <cjd/err.h>
#include <cjd/plugin.h>

#define CJD_PLUGIN_WHY 512u

/*
 * Real path of a plugin, to be freed.
 * so: explicit absolute path, or NULL: `name`.so in `folder`, inside which the real path must lie.
 */
CJD_MUST_CHECK int cjd_plugin_file_find(char **out, const char *so, const char *name,
                                        const char *folder, char why[CJD_PLUGIN_WHY]);

/* A loaded file. `plugin` is a copy: fields the file's version of the ABI lacks are zero. */
struct cjd_plugin_file {
    char *path;
    void *handle;
    struct cjd_plugin plugin;
    size_t bytes;
    char sha256[65];
};

/* Checks, loads and reads the constant. Takes the path, also on failure. */
CJD_MUST_CHECK int cjd_plugin_file_open(struct cjd_plugin_file *out, char *path,
                                        char why[CJD_PLUGIN_WHY]);
/* must_stay: the code is still in use, it remains mapped for good. */
void cjd_plugin_file_close(struct cjd_plugin_file *file, bool must_stay);

/* Lower case letters, digits and '-', 1 … 31 of them. */
bool cjd_plugin_id_is_valid(const char *id);

#endif
