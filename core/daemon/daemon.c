#include <daemon/daemon.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjd/text.h>

/* Most packets at once: about 36 MiB of small ones and 8.5 MiB of large ones, taken as needed. */
#define POOL_SMALL 8192u
#define POOL_LARGE 128u

int cjd_daemon_status(int err)
{
    switch (err) {
    case 0:
        return 0;
    case CJD_ERR_BUSY:
    case CJD_ERR_EXISTS:
        return CJD_EXIT_RUNNING;
    case CJD_ERR_PERMISSION:
        return CJD_EXIT_PERMISSION;
    case CJD_ERR_CONFIG:
    case CJD_ERR_INVALID:
    case CJD_ERR_NOT_FOUND:
    case CJD_ERR_VERSION:
    case CJD_ERR_PARSE:
    case CJD_ERR_BAD_KEY:
    case CJD_ERR_OWN_KEY:
        return CJD_EXIT_CONFIG;
    default:
        return CJD_EXIT_INTERNAL;
    }
}

/* --- configuration ------------------------------------------------------------------------------
 */

static const char *file_name(const struct cjd_daemon *d)
{
    return d->input.is_stdin ? "standard input" : d->input.path;
}

/* Not 0: the exit status; d->config may then be a faulty configuration, whose plugins' parts can be
 * checked. What is wrong goes to d->diags. */
static int read_config(struct cjd_daemon *d)
{
    const char *path = d->options->config ? d->options->config : "-";
    char *text;
    size_t len;

    int err = cjd_input_open(&d->input, path, stderr);
    if (err < 0) {
        return err == CJD_ERR_PERMISSION ? CJD_EXIT_PERMISSION : CJD_EXIT_CONFIG;
    }
    d->diags.file = file_name(d);
    err = cjd_input_read(&d->input, &text, &len);
    if (err < 0) {
        fprintf(stderr, "cjdroute: %s: %s\n", d->diags.file, cjd_input_fault(err));
        return CJD_EXIT_CONFIG;
    }
    err = cjd_config_read_faulty(&d->config, text, len, &d->diags);
    cjd_input_free(text, len);
    return err < 0 ? CJD_EXIT_CONFIG : 0;
}

/* Prints all that is wrong, by its place in the file. */
static void print_diags(struct cjd_daemon *d)
{
    cjd_diags_sort(&d->diags, 0);
    cjd_diags_print(&d->diags, stderr);
    cjd_diags_fini(&d->diags);
}

void cjd_daemon_set_levels(struct cjd_daemon *d, const struct cjd_config *config)
{
    struct cjd_config_log log = cjd_config_log(config);
    enum cjd_log_level level;
    const char *module;
    json_t *value;

    cjd_log_out_clear_modules(d->out);
    if (d->options->has_level) {
        cjd_log_out_set_level(d->out, d->options->level);
    } else if (cjd_log_level_parse(&level, log.level)) {
        cjd_log_out_set_level(d->out, level);
    }
    json_object_foreach((json_t *)(uintptr_t)log.modules, module, value)
    {
        if (cjd_log_level_parse(&level, json_string_value(value)) &&
            cjd_log_out_set_module(d->out, module, level) < 0) {
            cjd_log(&d->log, CJD_LOG_WARN, "no room for the log level of module %s", module);
        }
    }
}

static bool is_silent(const struct cjd_daemon *d)
{
    return strcmp(cjd_config_log(d->config).to, "none") == 0;
}

static void silence_log(struct cjd_daemon *d)
{
    if (is_silent(d) && cjd_log_out_open(d->out, "none") == 0) {
        cjd_daemon_set_levels(d, d->config);
    }
}

static int open_log(struct cjd_daemon *d)
{
    struct cjd_config_log log = cjd_config_log(d->config);

    cjd_daemon_set_levels(d, d->config);
    if (is_silent(d)) {
        /* Until ready: why a start failed must be heard. */
        cjd_log_out_set_level(d->out, CJD_LOG_ERROR);
        return 0;
    }
    int err = cjd_log_out_open(d->out, log.to);
    if (err < 0) {
        cjd_log(&d->log, CJD_LOG_ERROR, "the log cannot be written to %s: %s", log.to,
                cjd_err_text(err));
        return err;
    }
    cjd_log_out_set_json(d->out, log.is_json);
    return 0;
}

/* --- start-up -----------------------------------------------------------------------------------
 */

static void reopen_log(struct cjd_daemon *d)
{
    if (cjd_log_out_reopen(d->out) < 0) {
        cjd_log(&d->log, CJD_LOG_ERROR,
                "the log file cannot be opened again: %s; lines still go to the old one. logrotate "
                "can \"create\" it for the user cjdroute runs as, or \"copytruncate\"",
                strerror(errno));
    } else {
        cjd_log(&d->log, CJD_LOG_DEBUG, "log opened again");
    }
}

static void on_signal(void *ctx, int number)
{
    struct cjd_daemon *d = ctx;

    switch (number) {
    case SIGHUP:
        if (cjd_daemon_reload(d) < 0) {
            break; /* the log says why; the node goes on as it was */
        }
        break;
    case SIGUSR1:
        reopen_log(d);
        break;
    default:
        cjd_log(&d->log, CJD_LOG_INFO, "stopping on %s", strsignal(number));
        cjd_runtime_quit(d->rt);
        break;
    }
}

static void on_thread(void *ctx)
{
    const struct cjd_daemon *d = ctx;

    cjd_privileges_enter_thread(&d->sandbox);
}

static int add_passwords(struct cjd_daemon *d)
{
    struct cjd_users *users = cjd_node_users(d->node);

    for (size_t i = 0; i < cjd_config_password_count(d->config); i++) {
        struct cjd_config_password p = cjd_config_password_at(d->config, i);
        int err = cjd_users_add(users, p.login, p.password, strlen(p.password),
                                p.is_restricted ? &p.only : NULL);
        if (err < 0) {
            cjd_log(&d->log, CJD_LOG_ERROR, "password %zu (login %s): %s", i + 1,
                    p.login ? p.login : "-", cjd_err_text(err));
            return err;
        }
    }
    return 0;
}

static int make_node(struct cjd_daemon *d)
{
    struct cjd_node_config config = {.self = *cjd_config_keypair(d->config),
                                     .rng = cjd_rng_system(),
                                     .log = cjd_log_out_log(d->out, "node"),
                                     .pool = d->pool,
                                     .ops = cjd_runtime_node_ops(d->rt)};
    int err = cjd_node_new(&d->node, &config, cjd_clock_now());

    cjd_keypair_fini(&config.self);
    if (err < 0) {
        return err;
    }
    cjd_runtime_set_node(d->rt, d->node);
    /* What is wrong with passwords was said; then they are not used, either. */
    return d->diags.errors > 0 ? 0 : add_passwords(d);
}

static int make_plugins(struct cjd_daemon *d)
{
    struct cjd_plugins_config config = {.rt = d->rt,
                                        .netif = d->netif,
                                        .rpc = d->rpc,
                                        .state = cjd_daemon_plugin_state,
                                        .ctx = d,
                                        .rng = cjd_rng_system(),
                                        .log = cjd_log_out_log(d->out, "plugin"),
                                        .folder = d->folder};

    return cjd_plugins_new(&d->plugins, &config);
}

/* Everything that needs neither privileges nor the network. */
static int make_all(struct cjd_daemon *d)
{
    struct cjd_runtime_config config = {.log = cjd_log_out_log(d->out, "runtime"),
                                        .signal = on_signal,
                                        .thread_begin = on_thread,
                                        .peer_event = cjd_daemon_peer_event,
                                        .ctx = d};

    d->pool = cjd_pool_new(POOL_SMALL, POOL_LARGE);
    if (!d->pool) {
        return CJD_ERR_NO_MEMORY;
    }
    config.pool = d->pool;
    int err = cjd_runtime_new(&d->rt, &config);
    if (err == 0) {
        err = make_node(d);
    }
    if (err == 0) {
        err = cjd_daemon_make_registry(d);
    }
    if (err == 0 && cjd_netif_new(&d->netif) < 0) {
        cjd_log(&d->log, CJD_LOG_WARN, "no netlink socket: devices cannot be set up");
    }
    return err < 0 ? err : make_plugins(d);
}

/* Load and create; what is wrong with the plugins' configurations goes to d->diags. */
static int load_plugins(struct cjd_daemon *d)
{
    int err = cjd_plugins_load(d->plugins, d->config, &d->diags);

    if (err == 0 || d->options->action == CJD_ACTION_CHECK) {
        int created = cjd_plugins_create(d->plugins, d->config, &d->diags);
        err = err < 0 ? err : created;
    }
    return err;
}

static void choose_folder(struct cjd_daemon *d)
{
    const char *configured = cjd_config_plugin_path(d->config);

    if (d->options->plugin_path) {
        snprintf(d->folder, sizeof d->folder, "%s", d->options->plugin_path);
    } else if (configured) {
        snprintf(d->folder, sizeof d->folder, "%s", configured);
    } else {
        cjd_input_default_folder(d->folder, sizeof d->folder);
    }
}

/* Without the default user of the package the one nobody uses is second best. */
static void choose_user(struct cjd_daemon *d)
{
    struct cjd_config_sandbox s = cjd_config_sandbox(d->config);

    if (s.user_is_default && geteuid() == 0) {
        s.user = cjd_privileges_user_exists("cjdns") ? "cjdns" : "nobody";
    }
    d->sandbox = (struct cjd_privileges_config){.user = s.user,
                                                .keep_net_admin = s.keep_net_admin,
                                                .chroot = s.chroot,
                                                .no_forks = s.no_forks,
                                                .no_files = s.no_files};
}

/* A mistake in the file, so it is told with its place. Who cannot change the user starts all the
 * same, see cjd_privileges_drop(). Returns an exit status. */
static int check_user(struct cjd_daemon *d)
{
    bool can_change = geteuid() == 0;

    if (!d->sandbox.user || cjd_privileges_user_exists(d->sandbox.user)) {
        return 0;
    }
    cjd_config_diag(d->config, &d->diags, can_change ? CJD_DIAG_ERROR : CJD_DIAG_WARNING,
                    "/sandbox/user", "there is no user \"%.64s\": create it, or name another",
                    d->sandbox.user);
    return can_change ? CJD_EXIT_CONFIG : 0;
}

/* A sandbox that is less than what was asked for is never silent. Files of the reference log no
 * more than warnings. */
static void tell_missing(struct cjd_daemon *d)
{
    struct cjd_config_sandbox s = cjd_config_sandbox(d->config);
    bool is_quiet = cjd_config_is_reference_form(d->config) && s.seccomp;

    if (s.seccomp || s.landlock) {
        cjd_log(&d->log, is_quiet ? CJD_LOG_WARN : CJD_LOG_INFO, "sandbox: this build has no%s%s%s",
                s.seccomp ? " system-call filter (seccomp)" : "",
                s.seccomp && s.landlock ? " and no" : "",
                s.landlock ? " file system rules (landlock)" : "");
    }
}

static bool has_new_root(const struct cjd_privileges *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        if (strcmp(steps->step[i].name, "chroot") == 0) {
            return steps->step[i].result == CJD_STEP_DONE;
        }
    }
    return false;
}

static void tell_ready(struct cjd_daemon *d)
{
    const struct cjd_keypair *self = cjd_node_self(d->node);
    char addr[CJD_ADDR_TEXT_SIZE];
    char key[CJD_KEY_TEXT_SIZE];
    char status[128];

    cjd_addr_to_text(addr, &self->addr);
    cjd_key_to_text(key, &self->key);
    cjd_log(&d->log, CJD_LOG_INFO, "ready address=%s public_key=%s plugins=%zu", addr, key,
            cjd_plugins_running(d->plugins));
    snprintf(status, sizeof status, "Running as %s", addr);
    cjd_notify_ready(&d->notify, status);
    silence_log(d);
    const char *to = cjd_config_log(d->config).to;
    cjd_background_ready(&d->background, strcmp(to, "stdout") == 0, strcmp(to, "stderr") == 0);
}

static void on_watchdog(void *arg, uint64_t now_ns)
{
    struct cjd_daemon *d = arg;

    cjd_notify_watchdog(&d->notify);
    cjd_timer_arm(cjd_runtime_timers(d->rt), &d->watchdog, now_ns + d->notify.watchdog_ns / 2);
}

static void arm_watchdog(struct cjd_daemon *d)
{
    cjd_timer_init(&d->watchdog, on_watchdog, d);
    if (d->notify.watchdog_ns > 0) {
        on_watchdog(d, cjd_clock_now());
    }
}

static int bring_up(struct cjd_daemon *d)
{
    int err = make_all(d);

    if (err == 0) {
        err = load_plugins(d);
    }
    print_diags(d);
    if (err == 0) {
        err = cjd_plugins_acquire(d->plugins);
    }
    if (err == 0) {
        err = cjd_privileges_drop(&d->sandbox, &d->log, &d->steps);
        d->input.is_out_of_reach = has_new_root(&d->steps);
    }
    if (err == 0) {
        tell_missing(d);
        err = cjd_plugins_start(d->plugins);
    }
    return err;
}

static void take_down(struct cjd_daemon *d)
{
    if (d->plugins) {
        cjd_plugins_stop(d->plugins);
    }
    cjd_daemon_stop_methods(d);
    if (d->node) {
        cjd_runtime_set_node(d->rt, NULL);
        cjd_node_free(d->node);
    }
    cjd_plugins_free(d->plugins);
    cjd_daemon_free_registry(d);
    cjd_netif_free(d->netif);
    cjd_runtime_free(d->rt);
    if (d->pool && cjd_pool_in_use(d->pool) > 0) {
        /* Its owner was named when it stopped; the pool stays for whoever still holds packets. */
        cjd_log(&d->log, CJD_LOG_WARN, "packets not given back count=%u",
                (unsigned)cjd_pool_in_use(d->pool));
    } else {
        cjd_pool_free(d->pool);
    }
    cjd_notify_fini(&d->notify);
}

static int run(struct cjd_daemon *d)
{
    cjd_notify_init(&d->notify);
    int err = bring_up(d);
    if (err == 0) {
        arm_watchdog(d);
        tell_ready(d);
        err = cjd_runtime_run(d->rt);
        cjd_notify_stopping(&d->notify);
        cjd_timer_cancel(cjd_runtime_timers(d->rt), &d->watchdog);
    } else {
        cjd_log(&d->log, CJD_LOG_ERROR, "start-up failed: %s", cjd_err_text(err));
    }
    take_down(d);
    if (err == 0) {
        cjd_log(&d->log, CJD_LOG_INFO, "stopped");
    }
    return cjd_daemon_status(err);
}

/* --- without running ----------------------------------------------------------------------------
 */

/* Up to configure(): files, schemas, and what the plugins themselves check; all of it, whatever was
 * wrong before. */
static int check(struct cjd_daemon *d)
{
    struct cjd_rng rng = cjd_rng_system();

    cjd_log_out_set_level(d->out, d->options->has_level ? d->options->level : CJD_LOG_WARN);
    d->notify.fd = -1;
    cjd_config_lend_key(d->config, &rng);
    int user = check_user(d);
    int err = make_all(d);
    if (err == 0) {
        err = load_plugins(d);
    }
    bool is_wrong = user != 0 || err < 0 || d->diags.errors > 0;
    print_diags(d);
    take_down(d);
    return is_wrong ? CJD_EXIT_CONFIG : 0;
}

static int print(struct cjd_daemon *d, bool masks_secrets)
{
    int err = cjd_config_write_native(stdout, d->config, masks_secrets);

    if (err < 0 || fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "cjdroute: output could not be written\n");
        return CJD_EXIT_INTERNAL;
    }
    return 0;
}

/* The defaults of the plugins are part of what a configuration comes to. */
static int print_effective(struct cjd_daemon *d)
{
    int status = check(d);

    return status == 0 ? print(d, true) : status;
}

static int convert(struct cjd_daemon *d)
{
    if (!cjd_config_is_reference_form(d->config)) {
        fprintf(stderr, "cjdroute: %s is in native form already\n", d->options->config);
        return CJD_EXIT_CONFIG;
    }
    return print(d, false);
}

/* --- root ---------------------------------------------------------------------------------------
 */

static bool runs_in_background(const struct cjd_daemon *d)
{
    return cjd_config_is_reference_form(d->config) && !cjd_config_wants_foreground(d->config) &&
           !d->options->in_foreground;
}

static int start(struct cjd_daemon *d)
{
    int status = check_user(d);

    if (status != 0) {
        print_diags(d);
        return status;
    }
    if (runs_in_background(d) && cjd_background_enter(&d->background) < 0) {
        fprintf(stderr, "cjdroute: no background process could be made\n");
        return CJD_EXIT_INTERNAL;
    }
    int err = open_log(d);
    return err < 0 ? cjd_daemon_status(err) : run(d);
}

static int act(struct cjd_daemon *d)
{
    switch (d->options->action) {
    case CJD_ACTION_CHECK:
        return check(d);
    case CJD_ACTION_PRINT_CONFIG:
        return print_effective(d);
    case CJD_ACTION_CONVERT:
        return convert(d);
    default:
        return start(d);
    }
}

int cjd_daemon_main(const struct cjd_options *options)
{
    struct cjd_daemon d = {.options = options,
                           .background = CJD_BACKGROUND_NONE,
                           .notify = {.fd = -1},
                           .input = {.fd = -1}};

    if (cjd_privileges_protect() < 0) {
        fprintf(stderr, "cjdroute: core dumps cannot be switched off\n");
        return CJD_EXIT_INTERNAL;
    }
    d.out = cjd_log_out_new();
    if (!d.out) {
        return CJD_EXIT_INTERNAL;
    }
    d.log = cjd_log_out_log(d.out, "daemon");
    int status = read_config(&d);
    if (d.config) {
        choose_folder(&d);
        choose_user(&d);
    }
    if (status == 0) {
        status = act(&d);
    } else if (d.config) {
        /* What is wrong with the plugins' parts is said as well, at once. */
        status = check(&d);
    }
    print_diags(&d);
    cjd_config_free(d.config);
    cjd_config_free(d.first);
    cjd_input_close(&d.input);
    cjd_log_out_free(d.out);
    return status;
}
