/*
 * The TUN device: opened by name, or taken over as an open descriptor; and why that fails.
 *
 * IFF_TUN | IFF_NO_PI: bare IP packets. One queue. Control thread, in acquire.
 */
#ifndef TUN_DEVICE_H
#define TUN_DEVICE_H

#include <net/if.h>

#include <cjd/plugin.h>

/* Where the system keeps things; tests use others. */
struct cjd_tun_paths {
    const char *node;  /* "/dev/net/tun" */
    const char *sysfs; /* "/sys/class/net" */
    const char *proc;  /* "/proc" */
};
extern const struct cjd_tun_paths cjd_tun_system_paths;

struct cjd_tun_device {
    int fd;              /* −1: closed */
    char name[IFNAMSIZ]; /* "": a descriptor that is no TUN device */
};

/* Opens the device of that name, or makes it; "" or a name with "%d": the kernel chooses. */
CJD_MUST_CHECK int cjd_tun_device_open(struct cjd_tun_device *out, const char *name,
                                       const struct cjd_tun_paths *paths,
                                       struct cjd_plugin_error *error);
/* Takes over a descriptor: a TUN device, or a local socket that keeps packets apart. The original
 * stays open, and the caller's. */
CJD_MUST_CHECK int cjd_tun_device_inherit(struct cjd_tun_device *out, int fd,
                                          const struct cjd_tun_paths *paths,
                                          struct cjd_plugin_error *error);
void cjd_tun_device_close(struct cjd_tun_device *device);

/* --- tun_reason.c: errors of the system in words; each returns the code that fits ----------------
 */

/* Opening the node failed. */
int cjd_tun_explain_open(int errno_value, const struct cjd_tun_paths *paths,
                         struct cjd_plugin_error *error);
/* Attaching to the device failed. */
int cjd_tun_explain_attach(int errno_value, const char *name, const struct cjd_tun_paths *paths,
                           struct cjd_plugin_error *error);
/* The flags a TUN or TAP device was made with; −1: it is neither, or /sys does not show it. */
long cjd_tun_flags(const char *name, const struct cjd_tun_paths *paths);
/* Fills in an error at a place of the configuration. Returns `code`. */
int cjd_tun_fail(struct cjd_plugin_error *error, const char *pointer, int code, const char *format,
                 ...) CJD_PRINTF(4, 5);

#endif
