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

int cjd_input_read(char **out, size_t *len, const char *path, FILE *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    *out = NULL;
    *len = 0;
    if (fd < 0) {
        int result = cjd_err_from_errno(errno);
        fprintf(err, "cjdroute: %s: %s\n", path, strerror(errno));
        return result;
    }
    int result = read_all(fd, out, len);
    if (result < 0) {
        fprintf(err, "cjdroute: %s: %s\n", is_stdin ? "standard input" : path,
                cjd_err_text(result));
        cjd_input_free(*out, *len);
        *out = NULL;
    } else if (!is_stdin) {
        warn_readable(fd, path, err);
    }
    if (!is_stdin) {
        close(fd);
    }
    return result;
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
