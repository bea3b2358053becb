#include "udp_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cjd/holder.h>

/* Room for bursts between two turns of the loop: at 1 Gbit/s, 2 MiB are 16 ms. The system caps what
 * is asked for at net.core.rmem_max and wmem_max. */
#define RECEIVE_BYTES (2 * 1024 * 1024)
#define SEND_BYTES    (1024 * 1024)

static int fail(struct cjd_plugin_error *error, int code, const char *format, ...) CJD_PRINTF(3, 4);

static int fail(struct cjd_plugin_error *error, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    /* The analyser loses sight of va_start when it follows a call into here. */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return code;
}

static void set_option(int fd, int level, int option, int value, const char *what,
                       const struct cjd_logger *log)
{
    if (setsockopt(fd, level, option, &value, sizeof value) != 0) {
        cjd_logger_write(log, CJD_LEVEL_WARN, "cannot set %s of a socket: %s", what,
                         strerror(errno));
    }
}

/* A failure here costs quality of service, not the link (configuration notes §4.4). */
static void set_options(int fd, const struct cjd_udp_socket_wish *wish,
                        const struct cjd_logger *log)
{
    bool is_ip4 = wish->bind->family == AF_INET;

    set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES, "the receive buffer", log);
    set_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BYTES, "the send buffer", log);
    if (wish->dscp != 0) {
        set_option(fd, is_ip4 ? IPPROTO_IP : IPPROTO_IPV6, is_ip4 ? IP_TOS : IPV6_TCLASS,
                   wish->dscp << 2, "the DSCP", log);
    }
}

/* Without these there are no beacons. */
static int set_beacon_options(int fd, int family)
{
    int on = 1;

    if (family == AF_INET6) {
        return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    }
    return setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) == 0
               ? setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on)
               : -1;
}

/* What the address depends on: without these the socket would be another one. */
static int set_address_options(int fd, const struct cjd_udp_socket_wish *wish)
{
    int on = 1;

    if (wish->bind->family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
        return -1;
    }
    /* Several nodes of one machine hear each other's beacons: each gets a copy. */
    return wish->is_beacon ? setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) : 0;
}

static struct cjd_holder_port port_of(const struct cjd_linkaddr *addr)
{
    bool is_ip4 = cjd_udp_addr_is_valid(addr, AF_INET);
    struct cjd_holder_port port = {.family = is_ip4 ? 4 : 6, .port = cjd_udp_addr_port(addr)};

    if (is_ip4) {
        memcpy(port.ip, addr->b + offsetof(struct sockaddr_in, sin_addr), 4);
    } else {
        memcpy(port.ip, addr->b + offsetof(struct sockaddr_in6, sin6_addr), 16);
    }
    return port;
}

static int explain_busy(const struct cjd_linkaddr *addr, const char *text,
                        struct cjd_plugin_error *error)
{
    char holder[CJD_HOLDER_SIZE];
    struct cjd_holder_port at = port_of(addr);
    unsigned port = at.port;

    if (cjd_holder_find("/proc", &at, holder, sizeof holder)) {
        return fail(error, CJD_ERR_BUSY,
                    "cannot listen on %s: UDP port %u is in use by %s; stop it or choose another "
                    "port",
                    text, port, holder);
    }
    return fail(error, CJD_ERR_BUSY,
                "cannot listen on %s: UDP port %u is in use by another process; stop it or choose "
                "another port",
                text, port);
}

static int explain_bind(int errno_value, const struct cjd_linkaddr *addr,
                        struct cjd_plugin_error *error)
{
    char text[CJD_UDP_TEXT_SIZE] = "";

    (void)cjd_udp_addr_text(addr, text, sizeof text);
    switch (errno_value) {
    case EADDRINUSE:
        return explain_busy(addr, text, error);
    case EADDRNOTAVAIL:
        return fail(error, CJD_ERR_NOT_FOUND,
                    "cannot listen on %s: no device of this machine has that address", text);
    case EACCES:
    case EPERM:
        return fail(error, CJD_ERR_PERMISSION,
                    "cannot listen on %s: not permitted; ports below 1024 need root or "
                    "CAP_NET_BIND_SERVICE",
                    text);
    default:
        return fail(error, cjd_err_from_errno(errno_value), "cannot listen on %s: %s", text,
                    strerror(errno_value));
    }
}

static int explain_socket(int errno_value, int family, struct cjd_plugin_error *error)
{
    if (errno_value == EAFNOSUPPORT && family == AF_INET6) {
        return fail(error, CJD_ERR_UNSUPPORTED,
                    "this system has no IPv6: leave out this link, or switch IPv6 on");
    }
    return fail(error, cjd_err_from_errno(errno_value), "cannot make a UDP socket: %s",
                strerror(errno_value));
}

static int read_back(int fd, int family, struct cjd_linkaddr *bound)
{
    socklen_t len = sizeof bound->b;

    memset(bound, 0, sizeof *bound);
    if (getsockname(fd, (struct sockaddr *)bound->b, &len) != 0) {
        return -1;
    }
    return cjd_udp_addr_canon(bound, len, family) ? 0 : -1;
}

static int bind_socket(int fd, const struct cjd_udp_socket_wish *wish, struct cjd_linkaddr *bound,
                       struct cjd_plugin_error *error)
{
    const struct cjd_udp_target *to = wish->bind;
    uint32_t scope;

    if (cjd_udp_zone_index(to->zone, &scope) != 0) {
        return fail(error, CJD_ERR_NO_DEVICE, "there is no network device named %s", to->zone);
    }
    cjd_udp_addr_make(bound, to->family, to->ip, to->port, scope);
    if (set_address_options(fd, wish) != 0 ||
        bind(fd, (const struct sockaddr *)bound->b, bound->len) != 0) {
        return explain_bind(errno, bound, error);
    }
    if (read_back(fd, to->family, bound) != 0) {
        return fail(error, CJD_ERR_IO, "cannot read back the address of a socket");
    }
    return 0;
}

int cjd_udp_socket_open(const struct cjd_udp_socket_wish *wish, const struct cjd_logger *log,
                        struct cjd_linkaddr *bound, struct cjd_plugin_error *error)
{
    int fd = socket(wish->bind->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(error->pointer, sizeof error->pointer, "%s", wish->pointer);
    if (fd < 0) {
        return explain_socket(errno, wish->bind->family, error);
    }
    int err = bind_socket(fd, wish, bound, error);
    if (err == 0 && wish->is_beacon && set_beacon_options(fd, wish->bind->family) != 0) {
        err = fail(error, cjd_err_from_errno(errno), "cannot set up beacons: %s", strerror(errno));
    }
    if (err != 0) {
        close(fd);
        return err;
    }
    set_options(fd, wish, log);
    return fd;
}
