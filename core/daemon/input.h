/* The configuration's text and the places that belong to a run. */
#ifndef CJD_DAEMON_INPUT_H
#define CJD_DAEMON_INPUT_H

#include <stddef.h>
#include <stdio.h>

#include <cjd/err.h>

/* Text of a file or of standard input ("-"), to be wiped and freed by cjd_input_free(). Complaints
 * and the warning about a file that others can read go to err. */
CJD_MUST_CHECK int cjd_input_read(char **out, size_t *len, const char *path, FILE *err);
void cjd_input_free(char *text, size_t len);

/* Where plugins are looked for when nothing else is said: `plugins` beside the executable if that
 * is there (a build tree), else the installed folder. */
void cjd_input_default_folder(char *out, size_t cap);

#endif
