#include <config/private.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES_MAX 4096u

bool cjd_secret_is_name(const char *key)
{
    static const char *const names[] = {"password", "privateKey", "secret", "token", "passphrase"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static const json_t *file_of(const json_t *object, const char *name)
{
    char key[80];

    snprintf(key, sizeof key, "%sFile", name);
    return json_object_get(object, key);
}

enum cjd_secret_kind cjd_secret_kind(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    const json_t *file = file_of(object, name);

    if (file) {
        return value || !json_is_string(file) ? CJD_SECRET_WRONG : CJD_SECRET_FILE;
    }
    if (json_is_object(value)) {
        bool is_sound =
            json_object_size(value) == 1 && json_is_string(json_object_get(value, "credential"));
        return is_sound ? CJD_SECRET_CREDENTIAL : CJD_SECRET_WRONG;
    }
    return !value ? CJD_SECRET_NONE : json_is_string(value) ? CJD_SECRET_TEXT : CJD_SECRET_WRONG;
}

/* --- files --------------------------------------------------------------------------------------
 */

/* One line of text; the newline at its end is the editor's. */
static const char *trim(char *text, size_t *n)
{
    while (*n > 0 && (text[*n - 1] == '\n' || text[*n - 1] == '\r')) {
        (*n)--;
    }
    text[*n] = '\0';
    if (*n == 0) {
        return "is empty";
    }
    return strlen(text) != *n || strchr(text, '\n') ? "must hold one line of text" : NULL;
}

/* NULL and *out, or what is wrong. `text` has room for one byte more than the limit. */
static const char *read_line(int fd, char *text, char **out)
{
    size_t n = 0;
    ssize_t got;

    do {
        got = read(fd, text + n, SECRET_BYTES_MAX - n);
        n += got > 0 ? (size_t)got : 0;
    } while (n < SECRET_BYTES_MAX && (got > 0 || (got < 0 && errno == EINTR)));
    if (got < 0) {
        return strerror(errno);
    }
    if (n == SECRET_BYTES_MAX) {
        return "is too long for a secret";
    }
    const char *why = trim(text, &n);
    if (!why) {
        *out = strdup(text);
        why = *out ? NULL : "out of memory";
    }
    return why;
}

struct place {
    const struct cjd_config *config;
    const char *pointer;
    struct cjd_diags *diags;
};

/* NULL, or what is wrong with the file. */
static const char *read_open(char **out, int fd, const char *path, const struct place *at)
{
    char text[SECRET_BYTES_MAX + 1];
    struct stat st;
    const char *why = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? NULL : "is no regular file";
    if (!why && (st.st_mode & S_IROTH)) {
        cjd_config_diag(at->config, at->diags, CJD_DIAG_WARNING, at->pointer,
                        "everybody can read %s: chmod o-rwx", path);
    }
    if (!why) {
        why = read_line(fd, text, out);
        explicit_bzero(text, sizeof text);
    }
    return why;
}

static int fail(const struct place *at, const char *what, const char *why)
{
    cjd_config_diag(at->config, at->diags, CJD_DIAG_ERROR, at->pointer, "%s %s", what, why);
    return CJD_ERR_CONFIG;
}

static int read_file(char **out, const char *path, const struct place *at)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        cjd_config_diag(at->config, at->diags, CJD_DIAG_ERROR, at->pointer, "%s: %s", path,
                        strerror(errno));
        return CJD_ERR_CONFIG;
    }
    const char *why = read_open(out, fd, path, at);
    close(fd);
    return why ? fail(at, path, why) : 0;
}

static int from_file(char **out, const char *path, const struct place *at)
{
    if (path[0] != '/') {
        return fail(at, "the file of a secret", "must be an absolute path");
    }
    return read_file(out, path, at);
}

static int from_credential(char **out, const char *name, const struct place *at)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];

    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/')) {
        return fail(at, "the name of a credential", "is one word, not a path");
    }
    if (!folder) {
        return fail(at, "there are no credentials:",
                    "start under systemd with LoadCredential=, which sets CREDENTIALS_DIRECTORY");
    }
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        return fail(at, "the path of this credential", "is too long");
    }
    return read_file(out, path, at);
}

static int wrong(const json_t *object, const char *name, const struct place *at)
{
    bool is_twice = json_object_get(object, name) && file_of(object, name);
    char what[160];

    if (is_twice) {
        snprintf(what, sizeof what, "\"%s\" and \"%sFile\" are both given:", name, name);
        return fail(at, what, "leave one away");
    }
    snprintf(what, sizeof what, "\"%s\" must be a text in quotes, \"%sFile\" with a path,", name,
             name);
    return fail(at, what, "or { \"credential\": NAME }");
}

int cjd_secret_read(char **out, const json_t *object, const char *name,
                    const struct cjd_config *config, const char *pointer, struct cjd_diags *diags)
{
    enum cjd_secret_kind kind = cjd_secret_kind(object, name);
    const json_t *value = json_object_get(object, name);
    char child[512];
    struct place at = {.config = config, .pointer = child, .diags = diags};

    *out = NULL;
    snprintf(child, sizeof child, "%s/%s%s", pointer, name, file_of(object, name) ? "File" : "");
    switch (kind) {
    case CJD_SECRET_NONE:
        return CJD_ERR_NOT_FOUND;
    case CJD_SECRET_TEXT:
        *out = strdup(json_string_value(value));
        return *out ? 0 : CJD_ERR_NO_MEMORY;
    case CJD_SECRET_FILE:
        return from_file(out, json_string_value(file_of(object, name)), &at);
    case CJD_SECRET_CREDENTIAL:
        return from_credential(out, json_string_value(json_object_get(value, "credential")), &at);
    case CJD_SECRET_WRONG:
        break;
    }
    return wrong(object, name, &at);
}
