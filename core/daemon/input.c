#include <daemon/input.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No configuration is that long; a device or a pipe without end must not fill the memory. */
#define TEXT_MAX (8u << 20)
#define CHUNK    65536u

static void warn_readable(int fd, const char *path, FILE *err)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH)) {
        fprintf(err,
                "%s: warning: others can read this file, which holds secrets: chmod o-rwx %s\n",
                path, path);
    }
}

static int read_all(int fd, char **out, size_t *len)
{
    size_t cap = CHUNK;
    char *text = malloc(cap);

    *len = 0;
    while (text) {
        ssize_t n = read(fd, text + *len, cap - *len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            *out = text;
            return n < 0 ? cjd_err_from_errno(errno) : 0;
        }
        *len += (size_t)n;
        if (*len < cap) {
            continue;
        }
        if (cap >= TEXT_MAX) {
            *out = text;
            return CJD_ERR_TOO_LONG;
        }
        /* realloc would leave a copy of the secrets behind */
        char *grown = malloc(2 * cap);
        if (grown) {
            memcpy(grown, text, *len);
        }
        cjd_input_free(text, *len);
        text = grown;
        cap *= 2;
    }
    *out = NULL;
    return CJD_ERR_NO_MEMORY;
}

int cjd_input_open(struct cjd_input *in, const char *path, FILE *err)
{
    bool is_stdin = strcmp(path, "-") == 0;

    *in = (struct cjd_input){.path = path, .fd = STDIN_FILENO, .is_stdin = is_stdin};
    if (is_stdin) {
        return 0;
    }
    in->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0) {
        int result = cjd_err_from_errno(errno);
        fprintf(err, "cjdroute: %s: %s\n", path, strerror(errno));
        return result;
    }
    warn_readable(in->fd, path, err);
    return 0;
}

void cjd_input_close(struct cjd_input *in)
{
    if (!in->is_stdin && in->fd >= 0) {
        close(in->fd);
    }
    in->fd = -1;
}

int cjd_input_read(struct cjd_input *in, char **out, size_t *len)
{
    *out = NULL;
    int err = read_all(in->fd, out, len);
    if (err < 0) {
        int reason = errno;
        cjd_input_free(*out, *len);
        *out = NULL;
        errno = reason;
    }
    return err;
}

const char *cjd_input_fault(int err)
{
    /* "Is a directory" has no code of its own. */
    return err == CJD_ERR_TOO_LONG ? "too long for a configuration" : strerror(errno);
}

/* The open file is still the one the path names, as far as that can be seen from in here. */
static bool is_current(const struct cjd_input *in)
{
    struct stat now;
    struct stat open_file;

    if (in->fd < 0 || fstat(in->fd, &open_file) != 0 || open_file.st_nlink == 0) {
        return false;
    }
    if (in->is_out_of_reach) {
        return true;
    }
    if (stat(in->path, &now) == 0) {
        return now.st_ino == open_file.st_ino && now.st_dev == open_file.st_dev;
    }
    return errno == EACCES;
}

int cjd_input_read_again(struct cjd_input *in, char **out, size_t *len, const char **why)
{
    int fd = in->is_out_of_reach ? -1 : open(in->path, O_RDONLY | O_CLOEXEC);

    *out = NULL;
    *why = "";
    if (fd >= 0) {
        cjd_input_close(in);
        in->fd = fd;
    } else {
        int err = in->is_out_of_reach ? CJD_ERR_NOT_FOUND : cjd_err_from_errno(errno);
        if (!is_current(in)) {
            *why = "change it in place instead of replacing it, make it readable for the user "
                   "cjdroute runs as, or restart";
            return err;
        }
        if (lseek(in->fd, 0, SEEK_SET) != 0) {
            return cjd_err_from_errno(errno);
        }
    }
    return cjd_input_read(in, out, len);
}

void cjd_input_free(char *text, size_t len)
{
    if (text) {
        explicit_bzero(text, len);
        free(text);
    }
}

void cjd_input_default_folder(char *out, size_t cap)
{
    char exe[PATH_MAX];
    struct stat st;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    if (n > 0) {
        exe[n] = '\0';
        snprintf(out, cap, "%s/plugins", dirname(exe));
        if (stat(out, &st) == 0 && S_ISDIR(st.st_mode)) {
            return;
        }
    }
    snprintf(out, cap, "%s", CJD_PLUGIN_FOLDER);
}
