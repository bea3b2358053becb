#include <plugin/file.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjd/text.h>
#include <crypto/hash.h>
#include <plugin/elf.h>

#define ID_MAX 31u

static int refuse(char why[CJD_PLUGIN_WHY], int err, const char *format, ...) CJD_PRINTF(3, 4);
static int refuse(char why[CJD_PLUGIN_WHY], int err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, CJD_PLUGIN_WHY, format, args);
    va_end(args);
    return err;
}

bool cjd_plugin_id_is_valid(const char *id)
{
    size_t len = id ? strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;

    return len > 0 && len <= ID_MAX && id[len] == '\0';
}

/* --- finding ------------------------------------------------------------------------------------
 */

static int real_path(char **out, const char *path, const char *what, char why[CJD_PLUGIN_WHY])
{
    *out = realpath(path, NULL);
    if (*out) {
        return 0;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return refuse(why, CJD_ERR_NOT_FOUND, "%s %s does not exist: %s", what, path,
                      "install the plugin, or correct \"pluginPath\" or --plugin-path");
    }
    return refuse(why, cjd_err_from_errno(errno), "%s %s: %s", what, path, strerror(errno));
}

static bool is_inside(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && path[len] == '/' && !strchr(path + len + 1, '/');
}

static int find_in_folder(char **out, const char *name, const char *folder,
                          char why[CJD_PLUGIN_WHY])
{
    char path[PATH_MAX];
    char *real_folder;

    if (!cjd_plugin_id_is_valid(name)) {
        return refuse(why, CJD_ERR_INVALID,
                      "\"%.64s\" is no plugin name: lower case letters, digits and \"-\" make one",
                      name);
    }
    int err = real_path(&real_folder, folder, "the plugin folder", why);
    if (err < 0) {
        return err;
    }
    snprintf(path, sizeof path, "%s/%s.so", folder, name);
    err = real_path(out, path, "the file", why);
    if (err == 0 && !is_inside(*out, real_folder)) {
        err = refuse(why, CJD_ERR_PERMISSION,
                     "%s leads out of the plugin folder, to %s: name that file with \"so\"", path,
                     *out);
        free(*out);
        *out = NULL;
    }
    free(real_folder);
    return err;
}

int cjd_plugin_file_find(char **out, const char *so, const char *name, const char *folder,
                         char why[CJD_PLUGIN_WHY])
{
    *out = NULL;
    if (!so) {
        return find_in_folder(out, name, folder, why);
    }
    if (so[0] != '/') {
        return refuse(why, CJD_ERR_INVALID, "\"so\" must be an absolute path, not \"%s\"", so);
    }
    return real_path(out, so, "the file", why);
}

/* --- whether it may be loaded -------------------------------------------------------------------
 */

/* Only root and who started the daemon may be able to change what it runs. */
static int check_owner(const struct stat *st, const char *what, const char *path,
                       char why[CJD_PLUGIN_WHY])
{
    uid_t me = getuid();
    bool is_private_group = st->st_gid == 0 || (me != 0 && st->st_gid == getgid());

    if (st->st_uid != 0 && st->st_uid != me) {
        return refuse(why, CJD_ERR_PERMISSION,
                      "%s %s belongs to user %u, who could put other code there: chown it to %s",
                      what, path, (unsigned)st->st_uid, me == 0 ? "root" : "root or yourself");
    }
    if ((st->st_mode & S_IWOTH) || ((st->st_mode & S_IWGRP) && !is_private_group)) {
        return refuse(why, CJD_ERR_PERMISSION,
                      "%s %s can be written by others, who could put other code there: "
                      "chmod go-w %s",
                      what, path, path);
    }
    return 0;
}

static int check_folder(const char *path, char why[CJD_PLUGIN_WHY])
{
    char copy[PATH_MAX];
    struct stat st;

    snprintf(copy, sizeof copy, "%s", path);
    const char *folder = dirname(copy);
    if (stat(folder, &st) != 0) {
        return refuse(why, cjd_err_from_errno(errno), "the folder %s: %s", folder, strerror(errno));
    }
    return check_owner(&st, "the folder", folder, why);
}

static int refuse_kind(const char *path, enum cjd_elf_kind kind, char why[CJD_PLUGIN_WHY])
{
    switch (kind) {
    case CJD_ELF_NONE:
        return refuse(why, CJD_ERR_PARSE,
                      "%s is no shared object: build or install the plugin again", path);
    case CJD_ELF_OBJECT:
        return refuse(why, CJD_ERR_PARSE,
                      "%s is an object file, but no shared object: link it with -shared", path);
    case CJD_ELF_CUT:
        return refuse(why, CJD_ERR_PARSE, "%s is cut short: build or install the plugin again",
                      path);
    case CJD_ELF_FOREIGN:
        return refuse(why, CJD_ERR_PARSE,
                      "%s was built for another kind of machine: build the plugin for this one",
                      path);
    case CJD_ELF_WHOLE:
        break;
    }
    return 0;
}

/* --- the version, before anything of the file runs ----------------------------------------------
 */

/* What every version of the constant begins with. */
struct constant_head {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
};

/* Size of the structure in version 1.0 of the ABI; it only grew since. */
#define PLUGIN_SIZE_1_0 sizeof(struct cjd_plugin)

/* Majors that are looked for when ours is missing, to be able to name the plugin's. */
#define MAJOR_LAST 9

static int refuse_symbol(const char *path, const uint8_t *bytes, size_t len,
                         char why[CJD_PLUGIN_WHY])
{
    struct constant_head head;

    for (int major = 0; major <= MAJOR_LAST; major++) {
        char name[32];
        snprintf(name, sizeof name, "cjd_plugin_abi%d", major);
        if (cjd_elf_constant(&head, sizeof head, bytes, len, name) == 0) {
            return refuse(why, CJD_ERR_VERSION,
                          "%s was built for plugin ABI %d, this cjdroute loads ABI %d: "
                          "get a build of the plugin for ABI %d",
                          path, major, CJD_ABI_MAJOR, CJD_ABI_MAJOR);
        }
    }
    return refuse(why, CJD_ERR_VERSION,
                  "%s is no plugin of cjdroute: it does not export " CJD_PLUGIN_SYMBOL, path);
}

static int check_version(const char *path, const uint8_t *bytes, size_t len,
                         char why[CJD_PLUGIN_WHY])
{
    struct constant_head head;

    if (cjd_elf_constant(&head, sizeof head, bytes, len, CJD_PLUGIN_SYMBOL) < 0) {
        return refuse_symbol(path, bytes, len, why);
    }
    if (head.abi_major != CJD_ABI_MAJOR) {
        return refuse(why, CJD_ERR_VERSION,
                      "%s says plugin ABI %u, this cjdroute loads ABI %d: "
                      "get a build of the plugin for ABI %d",
                      path, (unsigned)head.abi_major, CJD_ABI_MAJOR, CJD_ABI_MAJOR);
    }
    if (head.size < PLUGIN_SIZE_1_0) {
        return refuse(why, CJD_ERR_VERSION,
                      "%s: its description has %u bytes, plugin ABI %d.%d has %u: "
                      "build it against the SDK of this cjdroute",
                      path, (unsigned)head.size, CJD_ABI_MAJOR, CJD_ABI_MINOR,
                      (unsigned)PLUGIN_SIZE_1_0);
    }
    return 0;
}

/* Type, version and hash, from the file's bytes. */
static int check_content(struct cjd_plugin_file *file, int fd, char why[CJD_PLUGIN_WHY])
{
    uint8_t hash[CJD_SHA256_BYTES];

    if (file->bytes == 0) {
        return refuse(why, CJD_ERR_PARSE, "%s is empty: build or install the plugin again",
                      file->path);
    }
    uint8_t *bytes = mmap(NULL, file->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return refuse(why, cjd_err_from_errno(errno), "%s: %s", file->path, strerror(errno));
    }
    int err = refuse_kind(file->path, cjd_elf_kind_of(bytes, file->bytes), why);
    err = err < 0 ? err : check_version(file->path, bytes, file->bytes, why);
    cjd_sha256(hash, bytes, file->bytes);
    cjd_hex_encode(file->sha256, hash, sizeof hash);
    munmap(bytes, file->bytes);
    return err;
}

static int check_file(struct cjd_plugin_file *file, char why[CJD_PLUGIN_WHY])
{
    struct stat st;
    /* Not to wait for somebody to write, should it be a pipe. */
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int err;

    if (fd < 0 || fstat(fd, &st) != 0) {
        err = refuse(why, cjd_err_from_errno(errno), "%s: %s", file->path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        err = refuse(why, CJD_ERR_PARSE, "%s is no regular file", file->path);
    } else {
        file->bytes = (size_t)st.st_size;
        err = check_owner(&st, "the file", file->path, why);
        err = err < 0 ? err : check_folder(file->path, why);
        err = err < 0 ? err : check_content(file, fd, why);
    }
    if (fd >= 0) {
        close(fd);
    }
    return err;
}

/* --- the constant -------------------------------------------------------------------------------
 */

static int check_constant(const struct cjd_plugin_file *file, char why[CJD_PLUGIN_WHY])
{
    const struct cjd_plugin *p = &file->plugin;
    const struct cjd_plugin_ops *ops = &p->ops;

    if (!cjd_plugin_id_is_valid(p->id)) {
        return refuse(why, CJD_ERR_INVALID,
                      "%s: its id \"%.64s\" is not made of 1 to 31 lower case letters, digits and "
                      "\"-\": the plugin must be corrected",
                      file->path, p->id ? p->id : "");
    }
    if (!p->version || !p->summary || !p->license || !p->config_schema) {
        return refuse(why, CJD_ERR_INVALID,
                      "%s lacks version, summary, license or config_schema: "
                      "the plugin must be corrected",
                      file->path);
    }
    if (!ops->create || !ops->destroy || !ops->configure || !ops->start || !ops->stop ||
        (ops->acquire && !ops->release)) {
        return refuse(why, CJD_ERR_INVALID,
                      "%s lacks create, destroy, configure, start, stop, or the release to its "
                      "acquire: the plugin must be corrected",
                      file->path);
    }
    return 0;
}

static int read_constant(struct cjd_plugin_file *file, char why[CJD_PLUGIN_WHY])
{
    file->handle = dlopen(file->path, RTLD_NOW | RTLD_LOCAL);
    if (!file->handle) {
        return refuse(why, CJD_ERR_IO, "it cannot be loaded: %s", dlerror());
    }
    const struct cjd_plugin *constant = dlsym(file->handle, CJD_PLUGIN_SYMBOL);
    /* The file may have been replaced since it was looked at. */
    if (!constant || constant->abi_major != CJD_ABI_MAJOR || constant->size < PLUGIN_SIZE_1_0) {
        return refuse(why, CJD_ERR_VERSION, "%s changed while it was loaded: start again",
                      file->path);
    }
    memcpy(&file->plugin, constant, sizeof file->plugin);
    return check_constant(file, why);
}

int cjd_plugin_file_open(struct cjd_plugin_file *out, char *path, char why[CJD_PLUGIN_WHY])
{
    *out = (struct cjd_plugin_file){.path = path};
    int err = check_file(out, why);
    if (err == 0) {
        err = read_constant(out, why);
    }
    if (err < 0) {
        cjd_plugin_file_close(out, false);
    }
    return err;
}

void cjd_plugin_file_close(struct cjd_plugin_file *file, bool must_stay)
{
#ifdef CJD_SANITIZED
    /* Reports of leaks need the names of the code they point to. */
    must_stay = true;
#endif
    if (file->handle && !must_stay) {
        dlclose(file->handle);
    }
    free(file->path);
    *file = (struct cjd_plugin_file){0};
}
