#include <daemon/notify.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static uint64_t watchdog_of(const char *usec, const char *pid)
{
    if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid())) {
        return 0;
    }
    return strtoull(usec, NULL, 10) * 1000;
}

void cjd_notify_init(struct cjd_notify *n)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;

    *n = (struct cjd_notify){.fd = -1};
    if (len < 2 || len >= sizeof addr.sun_path || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(addr.sun_path, path, len);
    if (path[0] == '@') {
        addr.sun_path[0] = '\0'; /* abstract name */
    }
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (n->fd >= 0 && connect(n->fd, (const struct sockaddr *)&addr, addr_len) != 0) {
        cjd_notify_fini(n);
        return;
    }
    n->watchdog_ns = watchdog_of(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
}

void cjd_notify_fini(struct cjd_notify *n)
{
    if (n->fd >= 0) {
        close(n->fd);
        n->fd = -1;
    }
}

static void say(const struct cjd_notify *n, const char *text)
{
    if (n->fd >= 0 && send(n->fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
        /* The manager is gone or busy; it has its own time-outs. */
        return;
    }
}

void cjd_notify_ready(const struct cjd_notify *n, const char *status)
{
    char text[256];

    snprintf(text, sizeof text, "READY=1\nSTATUS=%s\nMAINPID=%ld", status, (long)getpid());
    say(n, text);
}

void cjd_notify_reloading(const struct cjd_notify *n, uint64_t monotonic_ns)
{
    char text[128];

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)(monotonic_ns / 1000));
    say(n, text);
}

void cjd_notify_stopping(const struct cjd_notify *n)
{
    say(n, "STOPPING=1");
}

void cjd_notify_watchdog(const struct cjd_notify *n)
{
    say(n, "WATCHDOG=1");
}
