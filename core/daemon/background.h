/*
 * Background mode: the parent waits until the child is ready, and ends with the child's status, so
 * that `cjdroute < conf && …` means what it says. Source: configuration notes §17.
 */
#ifndef CJD_DAEMON_BACKGROUND_H
#define CJD_DAEMON_BACKGROUND_H

#include <stdbool.h>

#include <cjd/err.h>

/* The child's ends; −1: none. */
struct cjd_background {
    int ready_fd; /* to the waiting parent */
    int null_fd;  /* opened before a change of the root directory puts it out of reach */
};

#define CJD_BACKGROUND_NONE ((struct cjd_background){.ready_fd = -1, .null_fd = -1})

/* Before any thread exists. Returns in the child only, which must call cjd_background_ready() or
 * end; the parent exits here. */
CJD_MUST_CHECK int cjd_background_enter(struct cjd_background *out);
/* The child is up: the parent exits with 0. keep_out, keep_err: the log goes there. Nothing happens
 * if there is no background. */
void cjd_background_ready(struct cjd_background *b, bool keep_out, bool keep_err);

#endif
