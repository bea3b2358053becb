#include <daemon/rewrite.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int complain(const struct cjd_rewrite *r, FILE *err, const char *what)
{
    int result = cjd_err_from_errno(errno);

    fprintf(err, "cjdroute: %s: %s: %s\n", r->name, what, strerror(errno));
    return result < 0 ? result : CJD_ERR_IO;
}

/* --- opening ------------------------------------------------------------------------------------
 */

static int check_file(struct cjd_rewrite *r, FILE *err)
{
    struct stat now;

    if (fstat(r->fd, &r->st) != 0) {
        return complain(r, err, "cannot be looked at");
    }
    if (!S_ISREG(r->st.st_mode)) {
        fprintf(err, "cjdroute: %s: this is no regular file\n", r->name);
        return CJD_ERR_INVALID;
    }
    if (flock(r->fd, LOCK_EX | LOCK_NB) != 0) {
        return complain(r, err, "is being changed by somebody else");
    }
    /* Somebody may have replaced it between opening and locking. */
    if (stat(r->path, &now) != 0 || now.st_ino != r->st.st_ino || now.st_dev != r->st.st_dev) {
        fprintf(err, "cjdroute: %s: was changed at this very moment; try again\n", r->name);
        return CJD_ERR_AGAIN;
    }
    return 0;
}

int cjd_rewrite_open(struct cjd_rewrite *r, const char *name, FILE *err)
{
    *r = (struct cjd_rewrite){.name = name, .fd = -1};
    if (!realpath(name, r->path)) {
        return complain(r, err, "cannot be opened");
    }
    r->fd = open(r->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (r->fd < 0) {
        return complain(r, err, "cannot be opened for writing");
    }
    int result = check_file(r, err);
    if (result < 0) {
        cjd_rewrite_close(r);
    }
    return result;
}

void cjd_rewrite_close(struct cjd_rewrite *r)
{
    if (r->fd >= 0) {
        close(r->fd);
    }
    r->fd = -1;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

/* Owner, group and mode as before. A group that cannot be kept does not get its rights. */
static bool keep_owner(const struct cjd_rewrite *r, int fd)
{
    mode_t mode = r->st.st_mode & 0777;
    struct stat st;

    if (fchown(fd, r->st.st_uid, r->st.st_gid) != 0 && fstat(fd, &st) == 0) {
        if (st.st_uid != r->st.st_uid) {
            return false;
        }
        mode &= st.st_gid == r->st.st_gid ? 0777 : 0707;
    }
    return fchmod(fd, mode) == 0;
}

/* A new file beside the old one, whose name goes to `temp`. */
static bool write_beside(const struct cjd_rewrite *r, char temp[PATH_MAX], const char *text,
                         size_t len)
{
    int n = snprintf(temp, PATH_MAX, "%s.XXXXXX", r->path);

    if (n < 0 || n >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool is_written = write_all(fd, text, len) && keep_owner(r, fd);
    int reason = errno;
    if (close(fd) != 0 || !is_written) {
        unlink(temp);
        errno = is_written ? EIO : reason;
        return false;
    }
    return true;
}

/* The new name is on the disk, too. */
static void sync_folder(const struct cjd_rewrite *r)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof copy, "%s", r->path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

static bool put_at(const struct cjd_rewrite *r, const char *path, const char *text, size_t len)
{
    char temp[PATH_MAX];

    if (!write_beside(r, temp, text, len)) {
        return false;
    }
    if (rename(temp, path) != 0) {
        int reason = errno;
        unlink(temp);
        errno = reason;
        return false;
    }
    sync_folder(r);
    return true;
}

/*
 * A file that root alone can read is read again by a running node, which is not root any more, by
 * the descriptor it has; a new file would be out of its reach. Other names of the file are to stay
 * names of it.
 */
static bool must_stay(const struct stat *st)
{
    bool is_roots_alone = st->st_uid == 0 && (st->st_mode & (S_IRGRP | S_IROTH)) == 0;

    return is_roots_alone || st->st_nlink > 1;
}

static bool put_in_place(const struct cjd_rewrite *r, const char *text, size_t len)
{
    return lseek(r->fd, 0, SEEK_SET) == 0 && write_all(r->fd, text, len) &&
           ftruncate(r->fd, (off_t)len) == 0 && fsync(r->fd) == 0;
}

int cjd_rewrite_commit(struct cjd_rewrite *r, const char *old, size_t old_len, const char *text,
                       size_t len, FILE *err)
{
    char backup[PATH_MAX];
    int n = snprintf(backup, sizeof backup, "%s.bak", r->path);

    if (n < 0 || (size_t)n >= sizeof backup || !put_at(r, backup, old, old_len)) {
        return complain(r, err, "no copy of it can be made beside it");
    }
    if (!must_stay(&r->st)) {
        if (put_at(r, r->path, text, len)) {
            return 0;
        }
        /* A file that is mounted, as into a container, has its name for good. */
        if (errno != EBUSY) {
            return complain(r, err, "cannot be replaced");
        }
    }
    if (put_in_place(r, text, len)) {
        return 0;
    }
    int result = complain(r, err, "cannot be written");
    if (!put_in_place(r, old, old_len)) {
        fprintf(err, "cjdroute: %s: is damaged now; it is whole in %s\n", r->name, backup);
    }
    return result;
}
