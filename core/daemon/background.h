/*
 * Background mode: the parent waits until the child is ready, and ends with the child's status, so
 * that `cjdroute < conf && …` means what it says. Source: configuration notes §17.
 */
#ifndef CJD_DAEMON_BACKGROUND_H
#define CJD_DAEMON_BACKGROUND_H

#include <stdbool.h>

#include <cjd/err.h>

/* Before any thread exists. Returns in the child only, which must call cjd_background_ready() or
 * end; the parent exits here. ready_fd [out]. */
CJD_MUST_CHECK int cjd_background_enter(int *ready_fd);
/* The child is up: the parent exits with 0. keep_out, keep_err: the log goes there. */
void cjd_background_ready(int ready_fd, bool keep_out, bool keep_err);

#endif
