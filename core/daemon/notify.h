/* Telling the service manager, by the datagrams sd_notify(3) describes; no library. */
#ifndef CJD_DAEMON_NOTIFY_H
#define CJD_DAEMON_NOTIFY_H

#include <stdint.h>

struct cjd_notify {
    int fd;               /* −1: nobody listens */
    uint64_t watchdog_ns; /* 0: no watchdog */
};

/* Connects to $NOTIFY_SOCKET while the file system is still in reach. */
void cjd_notify_init(struct cjd_notify *n);
void cjd_notify_fini(struct cjd_notify *n);

void cjd_notify_ready(const struct cjd_notify *n, const char *status);
void cjd_notify_reloading(const struct cjd_notify *n, uint64_t monotonic_ns);
void cjd_notify_stopping(const struct cjd_notify *n);
void cjd_notify_watchdog(const struct cjd_notify *n);

#endif
