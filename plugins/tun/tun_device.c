#include "tun_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

const struct cjd_tun_paths cjd_tun_system_paths = {
    .node = "/dev/net/tun", .sysfs = "/sys/class/net", .proc = "/proc"};

int cjd_tun_device_open(struct cjd_tun_device *out, const char *name,
                        const struct cjd_tun_paths *paths, struct cjd_plugin_error *error)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open(paths->node, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return cjd_tun_explain_open(errno, paths, error);
    }
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(fd, TUNSETIFF, &request) != 0) {
        int errno_value = errno;
        close(fd);
        return cjd_tun_explain_attach(errno_value, name, paths, error);
    }
    request.ifr_name[IFNAMSIZ - 1] = '\0';
    out->fd = fd;
    snprintf(out->name, sizeof out->name, "%s", request.ifr_name);
    return 0;
}

/* --- an inherited descriptor
 * ---------------------------------------------------------------------- */

static bool keeps_packets_apart(int fd)
{
    int domain = 0;
    int type = 0;
    socklen_t len = sizeof domain;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0) {
        return false;
    }
    len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && domain == AF_UNIX &&
           (type == SOCK_DGRAM || type == SOCK_SEQPACKET);
}

/* Whether packets come without the four bytes of packet information. TUNGETIFF cannot tell: there
 * the bit of IFF_NO_PI means IFF_NOFILTER. Unknown counts as yes. */
static bool has_no_pi(const char *name, const struct cjd_tun_paths *paths)
{
    long flags = cjd_tun_flags(name, paths);
    return flags < 0 || (flags & IFF_NO_PI) != 0;
}

static int check_flags(int fd, const struct ifreq *request, const struct cjd_tun_paths *paths,
                       struct cjd_plugin_error *error)
{
    if ((request->ifr_flags & IFF_TUN) == 0) {
        return cjd_tun_fail(error, "/fd", CJD_ERR_UNSUPPORTED,
                            "descriptor %d is a TAP device: a TUN device is needed (IFF_TUN)", fd);
    }
    if ((request->ifr_flags & IFF_VNET_HDR) != 0 || !has_no_pi(request->ifr_name, paths)) {
        return cjd_tun_fail(error, "/fd", CJD_ERR_UNSUPPORTED,
                            "descriptor %d is a TUN device with extra headers: it must be made "
                            "with IFF_NO_PI and without IFF_VNET_HDR",
                            fd);
    }
    return 0;
}

/* Finds out what a descriptor is; name: of the TUN device, or "". */
static int identify(int fd, char name[IFNAMSIZ], const struct cjd_tun_paths *paths,
                    struct cjd_plugin_error *error)
{
    struct ifreq request = {0};

    name[0] = '\0';
    if (ioctl(fd, TUNGETIFF, &request) == 0) {
        request.ifr_name[IFNAMSIZ - 1] = '\0';
        snprintf(name, IFNAMSIZ, "%s", request.ifr_name);
        return check_flags(fd, &request, paths, error);
    }
    if (errno == EBADFD) {
        return cjd_tun_fail(error, "/fd", CJD_ERR_STATE,
                            "descriptor %d is an open TUN node that no device was attached to "
                            "(TUNSETIFF)",
                            fd);
    }
    return keeps_packets_apart(fd)
               ? 0
               : cjd_tun_fail(error, "/fd", CJD_ERR_INVALID,
                              "descriptor %d is neither a TUN device nor a local datagram socket",
                              fd);
}

int cjd_tun_device_inherit(struct cjd_tun_device *out, int fd, const struct cjd_tun_paths *paths,
                           struct cjd_plugin_error *error)
{
    if (fcntl(fd, F_GETFD) < 0) {
        return cjd_tun_fail(error, "/fd", CJD_ERR_NOT_FOUND,
                            "descriptor %d is not open: it must be inherited from the process that "
                            "starts the node",
                            fd);
    }
    int err = identify(fd, out->name, paths, error);
    if (err != 0) {
        return err;
    }
    int flags = fcntl(fd, F_GETFL);
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (flags < 0 || copy < 0 || fcntl(copy, F_SETFL, flags | O_NONBLOCK) < 0) {
        int errno_value = errno;
        if (copy >= 0) {
            close(copy);
        }
        return cjd_tun_fail(error, "/fd", cjd_err_from_errno(errno_value),
                            "descriptor %d cannot be used: %s", fd, strerror(errno_value));
    }
    out->fd = copy;
    return 0;
}

void cjd_tun_device_close(struct cjd_tun_device *device)
{
    if (device->fd >= 0) {
        close(device->fd);
        device->fd = -1;
    }
}
