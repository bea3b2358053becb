/*
 * Giving up privileges. Source: configuration notes §17.
 *
 * Every step is reported. A step that fails ends the start-up; one for which the process was
 * started without the privilege (chroot, another user) is skipped and reported. Control thread,
 * after `acquire` of all plugins; threads are told by the C library's setuid wrappers.
 */
#ifndef CJD_SYS_PRIVILEGES_H
#define CJD_SYS_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/log.h>
#include <cjd/err.h>

struct cjd_privileges_config {
    const char *user; /* NULL: stay */
    bool keep_net_admin;
    const char *chroot; /* NULL: none */
    bool no_forks;
    bool no_files;
};

#define CJD_PRIVILEGE_STEPS 12u

enum cjd_step_result { CJD_STEP_DONE, CJD_STEP_SKIPPED, CJD_STEP_FAILED };

struct cjd_privilege_step {
    const char *name; /* "chroot", "user", "capabilities", … */
    enum cjd_step_result result;
    char text[160];
};

struct cjd_privileges {
    struct cjd_privilege_step step[CJD_PRIVILEGE_STEPS];
    size_t count;
};

/* Before any secret is read: no core dump, no debugger of the same user. */
CJD_MUST_CHECK int cjd_privileges_protect(void);

/* All steps in order; stops at the first that fails. The report holds what happened so far. */
CJD_MUST_CHECK int cjd_privileges_drop(const struct cjd_privileges_config *config,
                                       const struct cjd_log *log, struct cjd_privileges *report);

/* [any] First thing in a thread that is made before the drop: what the drop cannot do for it. */
void cjd_privileges_enter_thread(const struct cjd_privileges_config *config);

/* Whether this user exists. */
bool cjd_privileges_user_exists(const char *name);

#endif
