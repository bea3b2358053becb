#include <daemon/background.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <daemon/options.h>

/* 0: ready. Else the child closed the pipe: it is ending, with the status it is to be waited for.
 */
static int wait_for(pid_t child, int fd)
{
    unsigned char byte;
    ssize_t n;
    int status;

    do {
        n = read(fd, &byte, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1) {
        return 0;
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return CJD_EXIT_INTERNAL;
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : CJD_EXIT_INTERNAL;
}

/* Where the limit on descriptors is 0 by now, none can be moved; nothing can take its place then.
 */
static void let_go(const struct cjd_background *b, int fd)
{
    if (dup2(b->null_fd, fd) < 0) {
        close(fd);
    }
}

int cjd_background_enter(struct cjd_background *out)
{
    int fds[2];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0) {
        return cjd_err_from_errno(errno);
    }
    if (pipe2(fds, O_CLOEXEC) != 0) {
        close(null);
        return CJD_ERR_IO;
    }
    pid_t child = fork();
    if (child > 0) {
        close(fds[1]);
        _exit(wait_for(child, fds[0]));
    }
    close(fds[0]);
    *out = (struct cjd_background){.ready_fd = fds[1], .null_fd = null};
    if (child < 0) {
        close(fds[1]);
        close(null);
        return CJD_ERR_IO;
    }
    setsid();
    let_go(out, STDIN_FILENO);
    return 0;
}

void cjd_background_ready(struct cjd_background *b, bool keep_out, bool keep_err)
{
    unsigned char byte = 0;

    if (b->ready_fd < 0) {
        return;
    }
    /* A caller that reads our output to its end must not wait for the daemon to end. */
    if (!keep_out) {
        let_go(b, STDOUT_FILENO);
    }
    if (!keep_err) {
        let_go(b, STDERR_FILENO);
    }
    if (write(b->ready_fd, &byte, 1) < 0) {
        /* The parent was killed; the daemon is up all the same. */
    }
    close(b->ready_fd);
    close(b->null_fd);
    *b = CJD_BACKGROUND_NONE;
}
