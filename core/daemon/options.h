/* The command line. Source: configuration notes §14. */
#ifndef CJD_DAEMON_OPTIONS_H
#define CJD_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include <base/log.h>

/* Exit statuses. */
#define CJD_EXIT_USAGE      64
#define CJD_EXIT_RUNNING    69 /* already running or address in use */
#define CJD_EXIT_INTERNAL   70
#define CJD_EXIT_PERMISSION 77
#define CJD_EXIT_CONFIG     78
#define CJD_EXIT_CLEANCONF  255 /* --cleanconf refuses a file, as the reference does */

enum cjd_action {
    CJD_ACTION_RUN,
    CJD_ACTION_CHECK,
    CJD_ACTION_PRINT_CONFIG,
    CJD_ACTION_GENCONF,
    CJD_ACTION_GENCONF_JSON,
    CJD_ACTION_GENCONF_SEED,
    CJD_ACTION_CLEANCONF,
    CJD_ACTION_CONVERT,
    CJD_ACTION_INVITE,
    CJD_ACTION_ADD_PEER,
    CJD_ACTION_LIST_PLUGINS,
    CJD_ACTION_VERSION,
    CJD_ACTION_HELP,
};

#define CJD_OPTIONS_ADDRESSES_MAX 8u

/* Texts are borrowed from the arguments. */
struct cjd_options {
    enum cjd_action action;
    const char *config; /* "-": standard input; NULL: not given */
    const char *plugin_path;
    const char *invite;
    const char *peer; /* "-": standard input */
    const char *addresses[CJD_OPTIONS_ADDRESSES_MAX];
    size_t address_count;
    bool replaces;
    bool with_eth;
    bool in_foreground;
    bool has_level;
    enum cjd_log_level level;
};

/* 0, or CJD_EXIT_USAGE after a complaint on err. */
CJD_MUST_CHECK int cjd_options_parse(struct cjd_options *out, int argc, char **argv, FILE *err);
void cjd_options_usage(FILE *out);

#endif
