#include <daemon/tools.h>

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include <cjd/version.h>
#include <config/config.h>
#include <daemon/input.h>
#include <plugin/plugins.h>

/* Output that could not be written is a failure, not a short file. */
static int finish(int err)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "cjdroute: output could not be written\n");
        return CJD_EXIT_INTERNAL;
    }
    if (err < 0) {
        fprintf(stderr, "cjdroute: %s\n", cjd_err_text(err));
        return CJD_EXIT_INTERNAL;
    }
    return 0;
}

static int generate_seed(const struct cjd_options *options)
{
    uint8_t seed[64];
    size_t have = 0;

    while (have < sizeof seed) {
        ssize_t n = read(STDIN_FILENO, seed + have, sizeof seed - have);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            fprintf(stderr,
                    "cjdroute: --genconf-seed reads %zu bytes from standard input, "
                    "there were only %zu\n",
                    sizeof seed, have);
            return CJD_EXIT_USAGE;
        }
        have += (size_t)n;
    }
    return finish(cjd_config_generate_seed(stdout, seed, options->with_eth));
}

static int clean(const struct cjd_options *options)
{
    const char *path = options->config ? options->config : "-";
    struct cjd_diags diags = {.file = options->config ? path : "standard input"};
    struct cjd_input in;
    char *text;
    size_t len;

    if (cjd_input_open(&in, path, stderr) < 0) {
        return CJD_EXIT_CLEANCONF;
    }
    int err = cjd_input_read(&in, &text, &len);
    cjd_input_close(&in);
    if (err < 0) {
        fprintf(stderr, "cjdroute: %s: %s\n", diags.file, cjd_input_fault(err));
        return CJD_EXIT_CLEANCONF;
    }
    err = cjd_config_clean(stdout, text, len, &diags);
    cjd_diags_print(&diags, stderr);
    cjd_diags_fini(&diags);
    cjd_input_free(text, len);
    return err < 0 ? CJD_EXIT_CLEANCONF : finish(0);
}

static int list(const struct cjd_options *options)
{
    char folder[PATH_MAX];

    cjd_input_default_folder(folder, sizeof folder);
    const char *path = options->plugin_path ? options->plugin_path : folder;
    int err = cjd_plugins_list(path, stdout);
    return err < 0 ? CJD_EXIT_CONFIG : finish(0);
}

static int version(void)
{
    printf("Cjdns version: cjdroute-%s\nCjdns protocol version: %d\n", CJD_VERSION, CJD_PROTOCOL);
    return finish(0);
}

int cjd_tools_run(const struct cjd_options *options)
{
    struct cjd_rng rng = cjd_rng_system();

    switch (options->action) {
    case CJD_ACTION_GENCONF:
        return finish(cjd_config_generate(stdout, &rng, options->with_eth));
    case CJD_ACTION_GENCONF_JSON:
        return finish(cjd_config_generate_native(stdout, &rng));
    case CJD_ACTION_GENCONF_SEED:
        return generate_seed(options);
    case CJD_ACTION_CLEANCONF:
        return clean(options);
    case CJD_ACTION_LIST_PLUGINS:
        return list(options);
    case CJD_ACTION_VERSION:
        return version();
    case CJD_ACTION_INVITE:
    case CJD_ACTION_ADD_PEER:
        return cjd_tools_peering(options);
    case CJD_ACTION_HELP:
    case CJD_ACTION_RUN:
    case CJD_ACTION_CHECK:
    case CJD_ACTION_PRINT_CONFIG:
    case CJD_ACTION_CONVERT:
        break;
    }
    cjd_options_usage(stdout);
    return finish(0);
}
