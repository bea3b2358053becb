#include <daemon/options.h>

#include <getopt.h>
#include <string.h>
#include <sys/utsname.h>

#include <cjd/version.h>

enum {
    OPT_CONFIG = 256,
    OPT_ETH,
    OPT_FOREGROUND,
    OPT_PLUGIN_PATH,
    OPT_LEVEL,
    OPT_ADDRESS,
    OPT_REPLACE,
    OPT_ABSENT,
    OPT_ACTION
};

/* Actions are OPT_ACTION + enum cjd_action. */
static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"eth", no_argument, NULL, OPT_ETH},
    {"nobg", no_argument, NULL, OPT_FOREGROUND},
    {"foreground", no_argument, NULL, OPT_FOREGROUND},
    {"plugin-path", required_argument, NULL, OPT_PLUGIN_PATH},
    {"log-level", required_argument, NULL, OPT_LEVEL},
    {"check", no_argument, NULL, OPT_ACTION + CJD_ACTION_CHECK},
    {"print-config", no_argument, NULL, OPT_ACTION + CJD_ACTION_PRINT_CONFIG},
    {"genconf", no_argument, NULL, OPT_ACTION + CJD_ACTION_GENCONF},
    {"genconf-json", no_argument, NULL, OPT_ACTION + CJD_ACTION_GENCONF_JSON},
    {"genconf-seed", no_argument, NULL, OPT_ACTION + CJD_ACTION_GENCONF_SEED},
    {"cleanconf", no_argument, NULL, OPT_ACTION + CJD_ACTION_CLEANCONF},
    {"convert", required_argument, NULL, OPT_ACTION + CJD_ACTION_CONVERT},
    {"list-plugins", no_argument, NULL, OPT_ACTION + CJD_ACTION_LIST_PLUGINS},
    {"version", no_argument, NULL, OPT_ACTION + CJD_ACTION_VERSION},
    {"help", no_argument, NULL, OPT_ACTION + CJD_ACTION_HELP},
    {"add-peer", required_argument, NULL, OPT_ACTION + CJD_ACTION_ADD_PEER},
    {"invite", required_argument, NULL, OPT_ACTION + CJD_ACTION_INVITE},
    {"address", required_argument, NULL, OPT_ADDRESS},
    {"replace", no_argument, NULL, OPT_REPLACE},
    {"bench", no_argument, NULL, OPT_ABSENT},
    {NULL, 0, NULL, 0},
};

void cjd_options_usage(FILE *out)
{
    struct utsname os;

    if (uname(&os) != 0) {
        memset(&os, 0, sizeof os);
    }
    fprintf(out,
            "cjdroute " CJD_VERSION " on %s %s\n"
            "\n"
            "  cjdroute --config FILE      run with FILE (\"-\": standard input)\n"
            "  cjdroute < FILE             the same from standard input\n"
            "\n"
            "With a configuration:\n"
            "  --check                     check it and say what is wrong; status 0 or 78\n"
            "  --print-config              what it comes to, in native form, secrets masked\n"
            "  --nobg, --foreground        stay in the foreground\n"
            "  --plugin-path DIR           where plugins are looked for\n"
            "  --log-level LEVEL           error, warn, info, debug or trace\n"
            "\n"
            "Connecting nodes; FILE is changed in its place, and stays as FILE.bak as it was:\n"
            "  --config FILE --invite NAME       let NAME in: adds a password, prints a peer URI\n"
            "    --address HOST[:PORT]           where others reach this node; may be repeated\n"
            "  --config FILE --add-peer URI      connect to who gave it; \"-\": standard input;\n"
            "                                    or credentials in JSON\n"
            "    --replace                       take the place of what is there already\n"
            "\n"
            "Instead of running:\n"
            "  --genconf [--eth]           a new configuration, in the form all cjdns nodes read\n"
            "  --genconf-json              a new configuration, in native form\n"
            "  --genconf-seed [--eth]      the same as --genconf from 64 bytes on standard input\n"
            "  --cleanconf                 standard input as plain JSON\n"
            "  --convert FILE              a configuration of other cjdns nodes in native form\n"
            "  --list-plugins              the plugins that could be loaded\n"
            "  --version, -v               version of program and protocol\n"
            "  --help, -h                  this text\n",
            os.sysname, os.machine);
}

static int complain(FILE *err, const char *what, const char *option)
{
    fprintf(err, "cjdroute: %s%s%s; --help lists the options\n", what, option ? " " : "",
            option ? option : "");
    return CJD_EXIT_USAGE;
}

static int set_config(struct cjd_options *o, FILE *err)
{
    if (o->config) {
        return complain(err, "only one configuration can be named", NULL);
    }
    o->config = optarg;
    return 0;
}

static int set_action(struct cjd_options *o, enum cjd_action action, FILE *err)
{
    if (o->action != CJD_ACTION_RUN && o->action != action) {
        return complain(err, "only one thing at a time can be asked for", NULL);
    }
    if (o->invite || o->peer) {
        return complain(err, "one --invite or --add-peer at a time", NULL);
    }
    o->action = action;
    o->invite = action == CJD_ACTION_INVITE ? optarg : NULL;
    o->peer = action == CJD_ACTION_ADD_PEER ? optarg : NULL;
    return action == CJD_ACTION_CONVERT ? set_config(o, err) : 0;
}

static int add_address(struct cjd_options *o, FILE *err)
{
    if (o->address_count == CJD_OPTIONS_ADDRESSES_MAX) {
        return complain(err, "too many addresses", NULL);
    }
    o->addresses[o->address_count++] = optarg;
    return 0;
}

static int take(struct cjd_options *o, int option, const char *word, FILE *err)
{
    switch (option) {
    case OPT_CONFIG:
        return set_config(o, err);
    case OPT_ETH:
        o->with_eth = true;
        return 0;
    case OPT_FOREGROUND:
        o->in_foreground = true;
        return 0;
    case OPT_PLUGIN_PATH:
        o->plugin_path = optarg;
        return 0;
    case OPT_LEVEL:
        o->has_level = cjd_log_level_parse(&o->level, optarg);
        return o->has_level ? 0 : complain(err, "there is no log level", optarg);
    case OPT_ADDRESS:
        return add_address(o, err);
    case OPT_REPLACE:
        o->replaces = true;
        return 0;
    case OPT_ABSENT:
        return complain(err, "this build does not have the option", word);
    case 'h':
        return set_action(o, CJD_ACTION_HELP, err);
    case 'v':
        return set_action(o, CJD_ACTION_VERSION, err);
    case ':':
        return complain(err, "a value is missing after", word);
    case '?':
        return complain(err, "unknown option", word);
    default:
        return set_action(o, (enum cjd_action)(option - OPT_ACTION), err);
    }
}

static int check_together(const struct cjd_options *o, FILE *err)
{
    bool is_genconf = o->action == CJD_ACTION_GENCONF || o->action == CJD_ACTION_GENCONF_SEED;

    if (o->with_eth && !is_genconf) {
        return complain(err, "--eth goes with --genconf or --genconf-seed", NULL);
    }
    if (o->address_count > 0 && o->action != CJD_ACTION_INVITE) {
        return complain(err, "--address goes with --invite", NULL);
    }
    if (o->replaces && o->action != CJD_ACTION_INVITE && o->action != CJD_ACTION_ADD_PEER) {
        return complain(err, "--replace goes with --invite or --add-peer", NULL);
    }
    return 0;
}

int cjd_options_parse(struct cjd_options *out, int argc, char **argv, FILE *err)
{
    int option;

    *out = (struct cjd_options){.action = CJD_ACTION_RUN};
    opterr = 0;
    optind = 1;
    for (;;) {
        int at = optind < argc ? optind : argc - 1;
        option = getopt_long(argc, argv, ":hv", options, NULL);
        if (option == -1) {
            break;
        }
        int status = take(out, option, argv[at], err);
        if (status != 0) {
            return status;
        }
    }
    if (optind < argc) {
        return complain(err, "not an option:", argv[optind]);
    }
    return check_together(out, err);
}
