/*
 * SIGHUP. Source: configuration notes §17: passwords, log levels, and what the plugins can change
 * while they run; anything else is named as needing a restart. A broken file changes nothing.
 */
#include <daemon/daemon.h>

#include <stdio.h>
#include <string.h>

/* For whoever asked for the reload by a method. */
static void note(struct cjd_daemon *d, const char *text)
{
    if (d->messages) {
        json_array_append_new(d->messages, json_string(text));
    }
}

static void tell(void *arg, const char *id, int result, const char *text)
{
    struct cjd_daemon *d = arg;
    char line[640];

    snprintf(line, sizeof line, "plugin %s: %s", id, text);
    note(d, line);
    cjd_log(&d->log, result == 0 ? CJD_LOG_INFO : CJD_LOG_WARN, "reload: plugin %s: %s", id, text);
}

/* Diagnostics of a running daemon belong into its log. */
static void log_diags(struct cjd_daemon *d, const struct cjd_diags *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct cjd_diag *diag = &diags->v[i];
        char text[768];
        snprintf(text, sizeof text, "%s:%u:%u: %s", diags->file, diag->line, diag->column,
                 diag->text);
        note(d, text);
        bool has_pointer = diag->pointer && diag->pointer[0] != '\0';
        cjd_log(&d->log, diag->severity == CJD_DIAG_ERROR ? CJD_LOG_ERROR : CJD_LOG_WARN,
                has_pointer ? "%s:%u:%u: %s (%s)" : "%s:%u:%u: %s", diags->file, diag->line,
                diag->column, diag->text, diag->pointer);
    }
}

/* --- passwords ----------------------------------------------------------------------------------
 */

static bool text_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same(const struct cjd_config_password *a, const struct cjd_config_password *b)
{
    return text_equal(a->login, b->login) && strcmp(a->password, b->password) == 0 &&
           a->is_restricted == b->is_restricted &&
           (!a->is_restricted || memcmp(&a->only, &b->only, sizeof a->only) == 0);
}

static bool has_password(const struct cjd_config *config, const struct cjd_config_password *p)
{
    for (size_t i = 0; i < cjd_config_password_count(config); i++) {
        struct cjd_config_password other = cjd_config_password_at(config, i);
        if (is_same(&other, p)) {
            return true;
        }
    }
    return false;
}

/* The name a password without login was given. NULL: it is not there. */
static const char *find_anonymous(struct cjd_users *users, const struct cjd_config_password *p)
{
    const char *found = NULL;
    struct cjd_credentials c;

    cjd_credentials_init(&c, NULL, p->password, strlen(p->password));
    for (size_t i = 0; !found && i < cjd_users_count(users); i++) {
        const struct cjd_user *u = cjd_users_at(users, i);
        bool is_it = memcmp(u->secret, c.secret, sizeof c.secret) == 0 &&
                     strncmp(u->login, "Anon #", 6) == 0;
        found = is_it ? u->login : NULL;
    }
    cjd_credentials_fini(&c);
    return found;
}

struct removals {
    unsigned passwords;
    unsigned neighbours; /* that came with one of them */
};

static void remove_one(struct cjd_daemon *d, const struct cjd_config_password *p,
                       struct removals *out)
{
    struct cjd_users *users = cjd_node_users(d->node);
    const char *found = p->login ? p->login : find_anonymous(users, p);
    char login[CJD_LOGIN_MAX + 1];

    if (!found) {
        return;
    }
    /* What was found goes with its user. */
    snprintf(login, sizeof login, "%s", found);
    if (cjd_users_remove(users, found) == 0) {
        out->passwords++;
        out->neighbours += cjd_runtime_drop_login(d->rt, login);
    }
}

static struct removals remove_gone(struct cjd_daemon *d, const struct cjd_config *to)
{
    struct removals n = {0};

    for (size_t i = 0; i < cjd_config_password_count(d->config); i++) {
        struct cjd_config_password p = cjd_config_password_at(d->config, i);
        if (!has_password(to, &p)) {
            remove_one(d, &p, &n);
        }
    }
    return n;
}

static unsigned add_new(struct cjd_daemon *d, const struct cjd_config *to)
{
    struct cjd_users *users = cjd_node_users(d->node);
    unsigned n = 0;

    for (size_t i = 0; i < cjd_config_password_count(to); i++) {
        struct cjd_config_password p = cjd_config_password_at(to, i);
        if (has_password(d->config, &p)) {
            continue;
        }
        int err = cjd_users_add(users, p.login, p.password, strlen(p.password),
                                p.is_restricted ? &p.only : NULL);
        if (err < 0) {
            cjd_log(&d->log, CJD_LOG_ERROR, "reload: password of login %s: %s",
                    p.login ? p.login : "-", cjd_err_text(err));
        }
        n += err == 0;
    }
    return n;
}

static void apply_passwords(struct cjd_daemon *d, const struct cjd_config *to)
{
    struct removals removed = remove_gone(d, to);
    unsigned added = add_new(d, to);

    if (removed.passwords + added > 0) {
        cjd_log(&d->log, CJD_LOG_INFO,
                "reload: passwords changed added=%u removed=%u disconnected=%u", added,
                removed.passwords, removed.neighbours);
    }
}

/* --- what cannot change -------------------------------------------------------------------------
 */

/* What the process runs with, whatever was read since. */
static const struct cjd_config *at_start(const struct cjd_daemon *d)
{
    return d->first ? d->first : d->config;
}

/* Parts of the tree that are only read at start. */
static void tell_restart(struct cjd_daemon *d, const struct cjd_config *to)
{
    static const char *const parts[] = {"node", "sandbox", "pluginPath", "routing"};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const json_t *a = json_object_get(cjd_config_tree(at_start(d)), parts[i]);
        const json_t *b = json_object_get(cjd_config_tree(to), parts[i]);
        if (a != b && !json_equal(a, b)) {
            char text[96];
            snprintf(text, sizeof text, "\"%s\" changed: needs a restart", parts[i]);
            note(d, text);
            cjd_log(&d->log, CJD_LOG_WARN, "reload: %s", text);
        }
    }
}

static void tell_log_restart(struct cjd_daemon *d, const struct cjd_config *to)
{
    struct cjd_config_log a = cjd_config_log(at_start(d));
    struct cjd_config_log b = cjd_config_log(to);

    if (strcmp(a.to, b.to) != 0 || a.is_json != b.is_json) {
        note(d, "\"log\" place or format changed: needs a restart");
        cjd_log(&d->log, CJD_LOG_WARN, "reload: \"log\" place or format changed: needs a restart");
    }
}

static int apply(struct cjd_daemon *d, struct cjd_config *to)
{
    struct cjd_diags diags = {.file = d->input.path};
    int err = cjd_plugins_reload(d->plugins, to, &diags, tell, d);

    log_diags(d, &diags);
    cjd_diags_fini(&diags);
    if (err < 0) {
        return err;
    }
    apply_passwords(d, to);
    cjd_daemon_set_levels(d, to);
    tell_restart(d, to);
    tell_log_restart(d, to);
    return 0;
}

static int read_again(struct cjd_daemon *d, struct cjd_config **out)
{
    struct cjd_diags diags = {.file = d->input.path};
    char *text;
    size_t len;
    const char *why;

    *out = NULL;
    int err = cjd_input_read_again(&d->input, &text, &len, &why);
    if (err < 0) {
        cjd_log(&d->log, CJD_LOG_ERROR, "reload: %s cannot be read any more: %s%s%s", d->input.path,
                cjd_err_text(err), *why ? ": " : "", why);
        return err;
    }
    err = cjd_config_read(out, text, len, &diags);
    log_diags(d, &diags);
    cjd_diags_fini(&diags);
    cjd_input_free(text, len);
    return err;
}

static void replace_config(struct cjd_daemon *d, struct cjd_config *to)
{
    if (d->first) {
        cjd_config_free(d->config);
    } else {
        d->first = d->config;
    }
    d->config = to;
}

int cjd_daemon_reload(struct cjd_daemon *d)
{
    struct cjd_config *to;
    int err;

    if (d->input.is_stdin) {
        cjd_log(&d->log, CJD_LOG_WARN,
                "nothing to reload: the configuration came from standard input; use --config FILE");
        return CJD_ERR_UNSUPPORTED;
    }
    cjd_notify_reloading(&d->notify, cjd_clock_now());
    err = read_again(d, &to);
    err = err < 0 ? err : apply(d, to);
    if (err < 0) {
        cjd_log(&d->log, CJD_LOG_ERROR, "reload refused: nothing was changed");
        cjd_config_free(to);
    } else {
        replace_config(d, to);
        cjd_log(&d->log, CJD_LOG_INFO, "reload done");
        cjd_rpc_emit(d->rpc, "config.reloaded",
                     json_pack("{s:o}", "messages",
                               d->messages ? json_deep_copy(d->messages) : json_array()));
    }
    cjd_notify_ready(&d->notify, "Running");
    return err;
}
