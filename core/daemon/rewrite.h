/*
 * Giving a file a new content without ever losing the old one. Source: ADR on changing the
 * configuration.
 *
 * The new content is written beside the file, brought to the disk, and takes its name at once;
 * owner, group and mode are kept; the old content stays as FILE.bak. Of a path with symbolic links
 * the file they lead to is meant. Where the file itself must stay the same one, its content is
 * replaced in place, after FILE.bak is on the disk.
 */
#ifndef CJD_DAEMON_REWRITE_H
#define CJD_DAEMON_REWRITE_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cjd/err.h>

struct cjd_rewrite {
    const char *name;    /* as it was given; borrowed */
    char path[PATH_MAX]; /* what it leads to */
    int fd;              /* open to read and write, locked; −1 */
    struct stat st;
};

/* Opens the file and locks out others that do the same. Complaints go to err. */
CJD_MUST_CHECK int cjd_rewrite_open(struct cjd_rewrite *r, const char *name, FILE *err);
/* `old` is what was read from r->fd. On failure the file is as it was. */
CJD_MUST_CHECK int cjd_rewrite_commit(struct cjd_rewrite *r, const char *old, size_t old_len,
                                      const char *text, size_t len, FILE *err);
void cjd_rewrite_close(struct cjd_rewrite *r);

#endif
