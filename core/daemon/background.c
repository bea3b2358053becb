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

static void redirect(int fd, int flags)
{
    int null = open("/dev/null", flags | O_CLOEXEC);

    if (null >= 0) {
        dup2(null, fd);
        close(null);
    }
}

int cjd_background_enter(int *ready_fd)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0) {
        return cjd_err_from_errno(errno);
    }
    pid_t child = fork();
    if (child < 0) {
        return cjd_err_from_errno(errno);
    }
    if (child > 0) {
        close(fds[1]);
        _exit(wait_for(child, fds[0]));
    }
    close(fds[0]);
    setsid();
    redirect(STDIN_FILENO, O_RDONLY);
    *ready_fd = fds[1];
    return 0;
}

void cjd_background_ready(int ready_fd, bool keep_out, bool keep_err)
{
    unsigned char byte = 0;

    /* A caller that reads our output to its end must not wait for the daemon to end. */
    if (!keep_out) {
        redirect(STDOUT_FILENO, O_WRONLY);
    }
    if (!keep_err) {
        redirect(STDERR_FILENO, O_WRONLY);
    }
    if (write(ready_fd, &byte, 1) < 0) {
        /* The parent was killed; the daemon is up all the same. */
    }
    close(ready_fd);
}
