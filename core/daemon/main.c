/* cjdroute: the program. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <crypto/keys.h>
#include <daemon/daemon.h>
#include <daemon/options.h>
#include <daemon/tools.h>

static bool needs_config(const struct cjd_options *o)
{
    return o->action == CJD_ACTION_RUN || o->action == CJD_ACTION_CHECK ||
           o->action == CJD_ACTION_PRINT_CONFIG || o->action == CJD_ACTION_CONVERT;
}

/* What is opened later must not end up where output is written to, or input read from: closed
 * standard streams are filled with something that fails as they do. */
static bool fill_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        int wrong_way = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", wrong_way) != fd) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct cjd_options options;

    if (!fill_streams()) {
        return CJD_EXIT_INTERNAL;
    }
    if (cjd_options_parse(&options, argc, argv, stderr) != 0) {
        return CJD_EXIT_USAGE;
    }
    if (cjd_crypto_init() < 0) {
        fprintf(stderr, "cjdroute: the cryptographic library does not work\n");
        return CJD_EXIT_INTERNAL;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!needs_config(&options)) {
        return cjd_tools_run(&options);
    }
    if (!options.config && isatty(STDIN_FILENO)) {
        cjd_options_usage(stdout);
        return 0;
    }
    return cjd_daemon_main(&options);
}
