#include <sys/privileges.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Highest capability number that could ever be asked about; the kernel says where its list ends. */
#define CAPS_END 64

/* What the process has and is, as the steps need it. */
struct state {
    const struct cjd_privileges_config *config;
    const struct cjd_log *log;
    struct cjd_privileges *report;
    struct passwd user; /* strings in `names` */
    char names[4096];
    bool has_user;
};

/* --- report -------------------------------------------------------------------------------------
 */

static int note(struct state *s, const char *name, enum cjd_step_result result, const char *format,
                ...) CJD_PRINTF(4, 5);
static int note(struct state *s, const char *name, enum cjd_step_result result, const char *format,
                ...)
{
    static const char *const words[] = {"", "skipped: ", "failed: "};
    static const enum cjd_log_level levels[] = {CJD_LOG_DEBUG, CJD_LOG_WARN, CJD_LOG_ERROR};
    struct cjd_privilege_step step = {.name = name, .result = result};
    va_list args;

    va_start(args, format);
    vsnprintf(step.text, sizeof step.text, format, args);
    va_end(args);
    if (s->report->count < CJD_PRIVILEGE_STEPS) {
        s->report->step[s->report->count++] = step;
    }
    cjd_log(s->log, levels[result], "sandbox %s: %s%s", name, words[result], step.text);
    return result == CJD_STEP_FAILED ? CJD_ERR_PERMISSION : 0;
}

/* --- capabilities by the raw system calls: no library, all words -------------------------------
 */

struct caps {
    struct __user_cap_data_struct word[_LINUX_CAPABILITY_U32S_3];
};

static bool caps_get(struct caps *caps)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

    memset(caps, 0, sizeof *caps);
    return syscall(SYS_capget, &head, caps->word) == 0;
}

static bool caps_set(const struct caps *caps)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

    return syscall(SYS_capset, &head, caps->word) == 0;
}

static bool has_none(void)
{
    static const struct caps none;
    struct caps caps;

    return caps_get(&caps) && memcmp(caps.word, none.word, sizeof none.word) == 0;
}

static bool has_cap(unsigned cap)
{
    struct caps caps;

    return caps_get(&caps) && (caps.word[cap / 32].effective >> (cap % 32) & 1) != 0;
}

/* --- steps --------------------------------------------------------------------------------------
 */

static int find_user(struct state *s)
{
    struct passwd *found = NULL;

    if (!s->config->user) {
        return note(s, "user", CJD_STEP_DONE, "stays uid %u", (unsigned)getuid());
    }
    /* Looked up before the root directory changes. */
    getpwnam_r(s->config->user, &s->user, s->names, sizeof s->names, &found);
    if (!found && !has_cap(CAP_SETUID)) {
        return note(s, "user", CJD_STEP_SKIPPED, "not started with the privilege for it");
    }
    if (!found) {
        return note(s, "user", CJD_STEP_FAILED,
                    "there is no user \"%s\": create it, or name another in \"user\"",
                    s->config->user);
    }
    s->has_user = true;
    return 0;
}

static int change_root(struct state *s)
{
    const char *path = s->config->chroot;

    if (!path) {
        return 0;
    }
    if (!has_cap(CAP_SYS_CHROOT)) {
        return note(s, "chroot", CJD_STEP_SKIPPED, "not started with the privilege for it");
    }
    if (chdir(path) != 0 || chroot(".") != 0 || chdir("/") != 0) {
        return note(s, "chroot", CJD_STEP_FAILED, "%s: %s", path, strerror(errno));
    }
    return note(s, "chroot", CJD_STEP_DONE, "%s", path);
}

/* False: errno says why. */
static bool bounding_clear(bool keeps_net_admin)
{
    for (int cap = 0; cap < CAPS_END; cap++) {
        bool is_kept = cap == CAP_NET_ADMIN && keeps_net_admin;
        int held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
        if (held > 0 && !is_kept && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) {
            return false;
        }
    }
    return true;
}

/* The bounding set can be cleared only while CAP_SETPCAP is there: before the user changes. */
static int clear_bounding(struct state *s)
{
    if (has_none()) {
        return note(s, "bounding", CJD_STEP_DONE, "there are no capabilities to bound");
    }
    if (!has_cap(CAP_SETPCAP)) {
        return note(s, "bounding", CJD_STEP_SKIPPED, "not started with CAP_SETPCAP");
    }
    if (!bounding_clear(s->config->keep_net_admin)) {
        return note(s, "bounding", CJD_STEP_FAILED, "%s", strerror(errno));
    }
    return note(s, "bounding", CJD_STEP_DONE, "bounding set cleared");
}

static bool ids_are(uid_t uid, gid_t gid)
{
    uid_t r;
    uid_t e;
    uid_t v;
    gid_t rg;
    gid_t eg;
    gid_t vg;

    return getresuid(&r, &e, &v) == 0 && getresgid(&rg, &eg, &vg) == 0 && r == uid && e == uid &&
           v == uid && rg == gid && eg == gid && vg == gid && getgroups(0, NULL) == 0;
}

static int change_user(struct state *s)
{
    uid_t uid = s->user.pw_uid;
    gid_t gid = s->user.pw_gid;

    if (!s->has_user) {
        return 0;
    }
    if (!has_cap(CAP_SETUID) || !has_cap(CAP_SETGID)) {
        if (getuid() == uid) {
            return note(s, "user", CJD_STEP_DONE, "is %s already", s->config->user);
        }
        return note(s, "user", CJD_STEP_SKIPPED, "not started with the privilege for it");
    }
    /* The permitted set must outlive the change, so that the next step can choose from it. */
    if (prctl(PR_SET_KEEPCAPS, s->config->keep_net_admin ? 1 : 0, 0, 0, 0) != 0 ||
        setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) {
        return note(s, "user", CJD_STEP_FAILED, "%s: %s", s->config->user, strerror(errno));
    }
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    if (!ids_are(uid, gid)) {
        return note(s, "user", CJD_STEP_FAILED, "user or groups read back are not those of %s",
                    s->config->user);
    }
    return note(s, "user", CJD_STEP_DONE, "%s uid=%u gid=%u", s->config->user, (unsigned)uid,
                (unsigned)gid);
}

static bool caps_equal(const struct caps *a, const struct caps *b)
{
    return memcmp(a->word, b->word, sizeof a->word) == 0;
}

static int clear_caps(struct state *s)
{
    struct caps have;
    struct caps want;
    struct caps now;
    bool keeps = s->config->keep_net_admin;

    memset(&want, 0, sizeof want);
    if (!caps_get(&have)) {
        return note(s, "capabilities", CJD_STEP_FAILED, "reading them: %s", strerror(errno));
    }
    if (keeps) {
        uint32_t bit = 1u << CAP_NET_ADMIN;
        want.word[0].permitted = have.word[0].permitted & bit;
        want.word[0].effective = want.word[0].permitted;
        keeps = want.word[0].permitted != 0;
    }
    /* Old kernels have no ambient set: nothing to clear. */
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) {
        return note(s, "capabilities", CJD_STEP_FAILED, "ambient set: %s", strerror(errno));
    }
    if (!caps_set(&want) || !caps_get(&now) || !caps_equal(&want, &now)) {
        return note(s, "capabilities", CJD_STEP_FAILED, "clearing them: %s", strerror(errno));
    }
    return note(s, "capabilities", CJD_STEP_DONE, "%s", keeps ? "CAP_NET_ADMIN only" : "none");
}

static int limit(struct state *s, const char *name, int resource, const char *text)
{
    struct rlimit none = {0, 0};

    if (setrlimit((__rlimit_resource_t)resource, &none) != 0) {
        return note(s, name, CJD_STEP_FAILED, "%s", strerror(errno));
    }
    return note(s, name, CJD_STEP_DONE, "%s", text);
}

static int no_core(struct state *s)
{
    return limit(s, "cores", RLIMIT_CORE, "no core dumps");
}

static int no_forks(struct state *s)
{
    if (!s->config->no_forks) {
        return 0;
    }
#ifdef CJD_SANITIZED
    return note(s, "noForks", CJD_STEP_SKIPPED, "the leak check of this build makes a thread");
#else
    return limit(s, "noForks", RLIMIT_NPROC, "no further processes or threads");
#endif
}

static int no_files(struct state *s)
{
    return s->config->no_files ? limit(s, "noFiles", RLIMIT_NOFILE, "no further descriptors") : 0;
}

static int no_new_privs(struct state *s)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
        return note(s, "noNewPrivs", CJD_STEP_FAILED, "%s", strerror(errno));
    }
    return note(s, "noNewPrivs", CJD_STEP_DONE, "set");
}

/* A change of user resets the flag to the system's default; said again for any such default. */
static int protect_memory(struct state *s)
{
    (void)s;
    return cjd_privileges_protect();
}

int cjd_privileges_drop(const struct cjd_privileges_config *config, const struct cjd_log *log,
                        struct cjd_privileges *report)
{
    static int (*const steps[])(struct state *) = {
        find_user,    change_root, clear_bounding, change_user, clear_caps,
        no_new_privs, no_core,     protect_memory, no_forks,    no_files,
    };
    struct state s = {.config = config, .log = log, .report = report};

    *report = (struct cjd_privileges){0};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int err = steps[i](&s);
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

int cjd_privileges_protect(void)
{
    struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0) {
        return cjd_err_from_errno(errno);
    }
#ifdef CJD_SANITIZED
    int dumpable = 1; /* the leak check attaches to its own process */
#else
    int dumpable = 0;
#endif
    return prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) == 0 ? 0 : cjd_err_from_errno(errno);
}

/*
 * Capability sets, bounding set and no_new_privs belong to a thread. When the user changes, the
 * kernel clears the capabilities of all threads but the one that asked to keep them; before that
 * they must stay, or the change would fail in this thread.
 */
void cjd_privileges_enter_thread(const struct cjd_privileges_config *config)
{
    const struct caps none = {0};
    bool user_changes = config->user && has_cap(CAP_SETUID);

    if (has_cap(CAP_SETPCAP)) {
        bounding_clear(false);
    }
    if (!user_changes) {
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        caps_set(&none);
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

bool cjd_privileges_user_exists(const char *name)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char buf[4096];

    getpwnam_r(name, &entry, buf, sizeof buf, &found);
    return found != NULL;
}
