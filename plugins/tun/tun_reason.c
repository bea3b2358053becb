/*
 * Why a TUN device cannot be had, and what to do about it. The kernel says EINVAL for three
 * different things; what stands under /sys tells them apart.
 */
#include "tun_device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cjd_tun_fail(struct cjd_plugin_error *error, const char *pointer, int code, const char *format,
                 ...)
{
    va_list args;

    if (error) {
        va_start(args, format);
        /* The analyser loses sight of va_start when it follows a call into here. */
        /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
        vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
        snprintf(error->pointer, sizeof error->pointer, "%s", pointer);
    }
    return code;
}

int cjd_tun_explain_open(int errno_value, const struct cjd_tun_paths *paths,
                         struct cjd_plugin_error *error)
{
    switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
        return cjd_tun_fail(error, "", CJD_ERR_NO_DEVICE,
                            "%s does not exist: load the kernel's module (modprobe tun); in a "
                            "container, pass the node in (--device %s)",
                            paths->node, paths->node);
    case ENODEV:
    case ENXIO:
        return cjd_tun_fail(error, "", CJD_ERR_NO_DEVICE,
                            "the kernel has no driver behind %s: load its module (modprobe tun) or "
                            "use a kernel with CONFIG_TUN",
                            paths->node);
    case EACCES:
    case EPERM:
        return cjd_tun_fail(error, "", CJD_ERR_PERMISSION,
                            "not permitted to open %s: start as root, make the node accessible to "
                            "this user, or, in a container, allow the device",
                            paths->node);
    default:
        return cjd_tun_fail(error, "", cjd_err_from_errno(errno_value), "cannot open %s: %s",
                            paths->node, strerror(errno_value));
    }
}

/* --- what is there under the name
 * ----------------------------------------------------------------- */

static bool is_in_sysfs(const char *name, const struct cjd_tun_paths *paths)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", paths->sysfs, name);
    return access(path, F_OK) == 0;
}

/* In another network namespace than /sys was mounted in, /sys knows nothing of our devices. */
static bool device_exists(const char *name, const struct cjd_tun_paths *paths)
{
    return name[0] != '\0' && (is_in_sysfs(name, paths) || if_nametoindex(name) != 0);
}

long cjd_tun_flags(const char *name, const struct cjd_tun_paths *paths)
{
    char path[512];
    char text[32];
    long flags = -1;

    snprintf(path, sizeof path, "%s/%s/tun_flags", paths->sysfs, name);
    FILE *file = fopen(path, "re");
    if (!file) {
        return -1;
    }
    if (fgets(text, sizeof text, file)) {
        flags = strtol(text, NULL, 0);
    }
    fclose(file);
    return flags;
}

/* Whether the process has a descriptor of the device: the kernel names it in fdinfo. */
static bool has_device(const struct cjd_tun_paths *paths, const char *pid, const char *wanted)
{
    char path[512];
    char line[64];
    bool found = false;

    snprintf(path, sizeof path, "%s/%s/fdinfo", paths->proc, pid);
    DIR *dir = opendir(path);
    if (!dir) {
        return false;
    }
    for (const struct dirent *d = readdir(dir); d && !found; d = readdir(dir)) {
        int fd = openat(dirfd(dir), d->d_name, O_RDONLY | O_CLOEXEC);
        FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
        while (file && !found && fgets(line, sizeof line, file)) {
            found = strcmp(line, wanted) == 0;
        }
        if (file) {
            fclose(file);
        } else if (fd >= 0) {
            close(fd);
        }
    }
    closedir(dir);
    return found;
}

/* The process that uses a device; 0: not found, or not permitted to look. */
static long find_holder(const char *name, const struct cjd_tun_paths *paths)
{
    char wanted[64];
    long pid = 0;
    DIR *dir = opendir(paths->proc);

    if (!dir) {
        return 0;
    }
    snprintf(wanted, sizeof wanted, "iff:\t%s\n", name);
    for (const struct dirent *d = readdir(dir); d && pid == 0; d = readdir(dir)) {
        if (strspn(d->d_name, "0123456789") == strlen(d->d_name) &&
            has_device(paths, d->d_name, wanted)) {
            pid = strtol(d->d_name, NULL, 10);
        }
    }
    closedir(dir);
    return pid;
}

/* --- attaching
 * ------------------------------------------------------------------------------------ */

static int explain_busy(const char *name, const struct cjd_tun_paths *paths,
                        struct cjd_plugin_error *error)
{
    long pid = find_holder(name, paths);
    char holder[48] = "another process";

    if (pid != 0) {
        snprintf(holder, sizeof holder, "process %ld", pid);
    }
    return cjd_tun_fail(error, "/device", CJD_ERR_BUSY,
                        "TUN device %s is in use by %s: stop it, or choose another name", name,
                        holder);
}

static int explain_denied(const char *name, const struct cjd_tun_paths *paths,
                          struct cjd_plugin_error *error)
{
    if (device_exists(name, paths)) {
        return cjd_tun_fail(error, "/device", CJD_ERR_PERMISSION,
                            "not permitted to use TUN device %s: it belongs to another user; make "
                            "it anew (ip tuntap add dev %s mode tun user NAME) or start as root",
                            name, name);
    }
    bool is_named = name[0] != '\0' && !strchr(name, '%');
    return cjd_tun_fail(error, "/device", CJD_ERR_PERMISSION,
                        "not permitted to make a TUN device: start as root or with CAP_NET_ADMIN, "
                        "or make one beforehand (ip tuntap add dev %s mode tun user NAME)%s",
                        is_named ? name : "cjdns0", is_named ? "" : " and name it here");
}

static int explain_invalid(const char *name, const struct cjd_tun_paths *paths,
                           struct cjd_plugin_error *error)
{
    long flags = cjd_tun_flags(name, paths);

    if (!device_exists(name, paths)) {
        return cjd_tun_fail(error, "/device", CJD_ERR_INVALID,
                            "the kernel refuses to make a TUN device named \"%s\"", name);
    }
    if (flags < 0 && !is_in_sysfs(name, paths)) {
        return cjd_tun_fail(error, "/device", CJD_ERR_EXISTS,
                            "%s exists and cannot be used as a TUN device (another kind of device, "
                            "a TAP device, or one with several queues): choose another name",
                            name);
    }
    if (flags < 0) {
        return cjd_tun_fail(error, "/device", CJD_ERR_EXISTS,
                            "%s exists and is no TUN device: choose another name", name);
    }
    if ((flags & IFF_TAP) != 0) {
        return cjd_tun_fail(error, "/device", CJD_ERR_EXISTS,
                            "%s is a TAP device: remove it (ip link del %s) and make it with mode "
                            "tun, or choose another name",
                            name, name);
    }
    if ((flags & IFF_MULTI_QUEUE) != 0) {
        return cjd_tun_fail(error, "/device", CJD_ERR_EXISTS,
                            "TUN device %s was made with several queues: make it anew without "
                            "multi_queue, or choose another name",
                            name);
    }
    return cjd_tun_fail(error, "/device", CJD_ERR_INVALID,
                        "the kernel refuses to attach to TUN device %s (its flags are 0x%lx)", name,
                        flags);
}

int cjd_tun_explain_attach(int errno_value, const char *name, const struct cjd_tun_paths *paths,
                           struct cjd_plugin_error *error)
{
    switch (errno_value) {
    case EPERM:
    case EACCES:
        return explain_denied(name, paths, error);
    case EBUSY:
        return explain_busy(name, paths, error);
    case EINVAL:
        return explain_invalid(name, paths, error);
    case ENOTTY:
        return cjd_tun_fail(error, "", CJD_ERR_NO_DEVICE,
                            "%s is not the kernel's TUN node: make it anew (mknod %s c 10 200)",
                            paths->node, paths->node);
    case EBADFD:
        return cjd_tun_fail(error, "/device", CJD_ERR_STATE,
                            "TUN device %s is in a bad state: remove it (ip link del %s) and start "
                            "again",
                            name, name);
    default:
        return cjd_tun_fail(error, "/device", cjd_err_from_errno(errno_value),
                            "cannot attach to TUN device %s: %s", name[0] ? name : "(any)",
                            strerror(errno_value));
    }
}
