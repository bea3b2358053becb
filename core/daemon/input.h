/* The configuration's text and the places that belong to a run. */
#ifndef CJD_DAEMON_INPUT_H
#define CJD_DAEMON_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <cjd/err.h>

/*
 * A file, or standard input ("-"). It stays open: after the privileges are gone a file that is
 * root's alone can only be read again by the descriptor.
 */
struct cjd_input {
    const char *path; /* borrowed */
    int fd;           /* −1: not open */
    bool is_stdin;
    bool is_out_of_reach; /* the root folder changed: the path names another file now */
};

/* Complaints and the warning about a file that others can read go to err. */
CJD_MUST_CHECK int cjd_input_open(struct cjd_input *in, const char *path, FILE *err);
void cjd_input_close(struct cjd_input *in);

/* The whole text, to be wiped and freed by cjd_input_free(). */
CJD_MUST_CHECK int cjd_input_read(struct cjd_input *in, char **out, size_t *len);
/* Why it could not be read, right after the failure. */
const char *cjd_input_fault(int err);
/*
 * The file's text as it is now: by its path, or by the descriptor where the path is out of reach
 * and the file was not replaced. `why` says what to do if neither works.
 */
CJD_MUST_CHECK int cjd_input_read_again(struct cjd_input *in, char **out, size_t *len,
                                        const char **why);
void cjd_input_free(char *text, size_t len);

/* Where plugins are looked for when nothing else is said: `plugins` beside the executable if that
 * is there (a build tree), else the installed folder. */
void cjd_input_default_folder(char *out, size_t cap);

#endif
