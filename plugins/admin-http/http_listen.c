#include "http_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <sodium.h>

#include <cjd/holder.h>
#include <cjd/host.h>
#include <cjd/text.h>

#define BACKLOG 128

static int fail(struct cjd_http_why *why, int err, const char *format, ...) CJD_PRINTF(3, 4);
static int fail(struct cjd_http_why *why, int err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    /* The analyser loses sight of va_start when it follows a call into here. */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return err;
}

static int fail_errno(struct cjd_http_why *why, const char *what, const char *text)
{
    int number = errno;
    return fail(why, cjd_err_from_errno(number), "%s %s: %s", what, text, strerror(number));
}

/* The folder of a file, made if it is missing: a service manager would have made it. */
static void make_folder(const char *path)
{
    char folder[256];
    const char *slash = strrchr(path, '/');
    size_t len = (size_t)(slash - path);

    if (len > 0 && len < sizeof folder) {
        memcpy(folder, path, len);
        folder[len] = '\0';
        (void)!mkdir(folder, 0755); /* if it cannot be, what comes next says why */
    }
}

/* --- unix socket --------------------------------------------------------------------------------
 */

static void unix_name(struct sockaddr_un *out, const char *path)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(out->sun_path, sizeof out->sun_path, "%s", path);
}

/* Whether somebody listens at a unix socket that is there already. */
static int check_holder(const struct sockaddr_un *name, struct cjd_http_why *why)
{
    struct ucred who = {0};
    socklen_t len = sizeof who;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int err = 0;

    if (fd < 0) {
        return fail_errno(why, "cannot make a socket for", name->sun_path);
    }
    if (connect(fd, (const struct sockaddr *)name, sizeof *name) == 0 || errno == EAGAIN) {
        (void)!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
        err = who.pid > 0
                  ? fail(why, CJD_ERR_BUSY, "%s is in use by process %ld", name->sun_path,
                         (long)who.pid)
                  : fail(why, CJD_ERR_BUSY, "%s is in use by another process", name->sun_path);
    } else if (errno != ECONNREFUSED && errno != ENOENT) {
        err = fail_errno(why, "cannot find out whether somebody listens at", name->sun_path);
    }
    close(fd);
    return err;
}

/* Makes room: a socket without a holder goes, anything else stays. */
static int clear_path(const struct sockaddr_un *name, struct cjd_http_why *why)
{
    struct stat st;

    if (lstat(name->sun_path, &st) < 0) {
        return errno == ENOENT ? 0 : fail_errno(why, "cannot look at", name->sun_path);
    }
    if (!S_ISSOCK(st.st_mode)) {
        return fail(why, CJD_ERR_EXISTS,
                    "%s is there already and no socket: remove it or choose "
                    "another path",
                    name->sun_path);
    }
    int err = check_holder(name, why);
    if (err == 0 && unlink(name->sun_path) < 0 && errno != ENOENT) {
        err = fail_errno(why, "cannot remove the stale socket", name->sun_path);
    }
    return err;
}

static int set_owner(const struct cjd_http_listen *l, const struct cjd_logger *log,
                     struct cjd_http_why *why)
{
    uint32_t mode = l->mode;

    if (l->group_missing) {
        /* Nobody of another group shall have what was meant for this one. Converted files of the
         * reference name a group that need not exist. */
        mode &= 0700;
        cjd_logger_write(log, CJD_LEVEL_INFO,
                         "there is no group \"%.64s\": %s is for root and the "
                         "daemon's user only",
                         l->group_missing, l->path);
    } else if (l->group != CJD_HTTP_NO_ID && chown(l->path, (uid_t)-1, l->group) < 0) {
        mode &= 0700;
        cjd_logger_write(log, CJD_LEVEL_WARN,
                         "%s cannot be given to its group (%s): it is for its "
                         "owner only",
                         l->path, strerror(errno));
    }
    return chmod(l->path, mode) < 0 ? fail_errno(why, "cannot set the mode of", l->path) : 0;
}

static int open_unix(const struct cjd_http_listen *l, const struct cjd_logger *log,
                     struct cjd_http_why *why)
{
    struct sockaddr_un name;

    unix_name(&name, l->path);
    make_folder(l->path);
    int err = clear_path(&name, why);
    if (err != 0) {
        return err;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fail_errno(why, "cannot make a socket for", l->path);
    }
    /* Closed to everybody until its owner and mode are set. */
    mode_t before = umask(0777);
    int bound = bind(fd, (const struct sockaddr *)&name, sizeof name);
    umask(before);
    err = bound < 0 ? fail_errno(why, "cannot make the socket", l->path) : set_owner(l, log, why);
    if (err == 0 && listen(fd, BACKLOG) < 0) {
        err = fail_errno(why, "cannot listen at", l->path);
    }
    if (err != 0) {
        close(fd);
        return err;
    }
    return fd;
}

uint64_t cjd_http_listen_inode(const struct cjd_http_listen *listen)
{
    struct stat st;
    bool is_there = listen->place == CJD_HTTP_UNIX && lstat(listen->path, &st) == 0;

    return is_there && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

void cjd_http_listen_remove(const struct cjd_http_listen *listen, uint64_t inode)
{
    if (inode != 0 && cjd_http_listen_inode(listen) == inode) {
        (void)!unlink(listen->path); /* without the right to, the next start replaces it */
    }
}

/* --- TCP ----------------------------------------------------------------------------------------
 */

static socklen_t tcp_name(struct sockaddr_storage *out, const struct cjd_http_listen *l,
                          const struct cjd_addr *own)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->at.port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)l->at.port)};

    if (l->place == CJD_HTTP_TCP && l->at.family == 4) {
        memcpy(&in4.sin_addr, l->at.ip, 4);
        memcpy(out, &in4, sizeof in4);
        return sizeof in4;
    }
    memcpy(&in6.sin6_addr, l->place == CJD_HTTP_MESH ? own->b : l->at.ip, 16);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

/* The mesh's address may come later than this socket; what arrives elsewhere can be kept out. */
static int prepare_mesh(int fd, const struct cjd_http_listen *l, struct cjd_http_why *why)
{
    int on = 1;

    if (setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on) < 0) {
        return fail_errno(why, "cannot prepare the socket for", l->text);
    }
    if (l->device &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, l->device, (socklen_t)strlen(l->device)) < 0) {
        return fail_errno(why, "cannot bind to the device of", l->text);
    }
    return 0;
}

static int explain_busy(const struct cjd_http_listen *l, const struct cjd_addr *own,
                        struct cjd_http_why *why)
{
    struct cjd_holder_port port = {.is_tcp = true, .family = 6, .port = (uint16_t)l->at.port};
    char holder[CJD_HOLDER_SIZE];

    if (l->place == CJD_HTTP_MESH) {
        memcpy(port.ip, own->b, sizeof port.ip);
    } else {
        port.family = l->at.family;
        memcpy(port.ip, l->at.ip, sizeof port.ip);
    }
    bool is_found = cjd_holder_find("/proc", &port, holder, sizeof holder);
    return fail(why, CJD_ERR_BUSY, "%s is in use by %s", l->text,
                is_found ? holder : "another process");
}

static int bind_tcp(int fd, const struct cjd_http_listen *l, const struct cjd_addr *own,
                    struct cjd_http_why *why)
{
    struct sockaddr_storage name = {0};
    socklen_t len = tcp_name(&name, l, own);
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        (name.ss_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)) {
        return fail_errno(why, "cannot prepare the socket for", l->text);
    }
    int err = l->place == CJD_HTTP_MESH ? prepare_mesh(fd, l, why) : 0;
    if (err == 0 &&
        (bind(fd, (const struct sockaddr *)&name, len) < 0 || listen(fd, BACKLOG) < 0)) {
        err = errno == EADDRINUSE ? explain_busy(l, own, why)
                                  : fail_errno(why, "cannot listen at", l->text);
    }
    return err;
}

static int open_tcp(const struct cjd_http_listen *l, const struct cjd_addr *own,
                    struct cjd_http_why *why)
{
    int family = l->place == CJD_HTTP_TCP && l->at.family == 4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return fail_errno(why, "cannot make a socket for", l->text);
    }
    int err = bind_tcp(fd, l, own, why);
    if (err != 0) {
        close(fd);
        return err;
    }
    return fd;
}

int cjd_http_listen_open(const struct cjd_http_listen *listen, const struct cjd_addr *own,
                         const struct cjd_logger *log, struct cjd_http_why *why)
{
    return listen->place == CJD_HTTP_UNIX ? open_unix(listen, log, why)
                                          : open_tcp(listen, own, why);
}

/* --- the token ----------------------------------------------------------------------------------
 */

static int write_file(const char *path, const char *text, struct cjd_http_why *why)
{
    size_t len = strlen(text);
    int fd;

    make_folder(path);
    /* A new file, so that nobody has it open and no link leads elsewhere. */
    if (unlink(path) < 0 && errno != ENOENT) {
        return fail_errno(why, "cannot replace", path);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail_errno(why, "cannot make", path);
    }
    int err = write(fd, text, len) == (ssize_t)len ? 0 : fail_errno(why, "cannot write", path);
    close(fd);
    return err;
}

int cjd_http_token_make(struct cjd_http_token *out, const struct cjd_host *host, const char *path,
                        struct cjd_http_why *why)
{
    const struct cjd_random_service *random = host->get(host, CJD_SERVICE_RANDOM, 1);
    uint8_t bytes[32];
    char text[80] = "cjd_";

    if (!random) {
        return fail(why, CJD_ERR_VERSION, "the host has no random numbers");
    }
    random->fill(host, bytes, sizeof bytes);
    cjd_hex_encode(text + 4, bytes, sizeof bytes);
    size_t len = strlen(text);
    crypto_hash_sha256(out->sha256, (const uint8_t *)text, len);
    text[len] = '\n'; /* followed by zeros */
    int err = write_file(path, text, why);
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(text, sizeof text);
    out->scopes = CJD_RPC_ALL | CJD_HTTP_METRICS;
    out->expires_ms = 0;
    out->name = err == 0 ? strdup("made at the start") : NULL;
    return err == 0 && !out->name ? CJD_ERR_NO_MEMORY : err;
}
