/* cjdsim: runs a scenario and writes what came out of it. See docs/simulator.md. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <sim/crypto_name.h>
#include <sim/reach.h>
#include <sim/run.h>

#define ERROR_BYTES 256

struct options {
    json_t *scenario;
    const char *json;
    const char *csv;
    const char *plot;
    const char *picture;
    const char *reach; /* NULL: the network is run */
    bool is_quiet;
    bool has_machine; /* the result says how long it took */
};

/* Options that set one member of the scenario. */
static const struct shortcut {
    const char *option;
    const char *member;
} shortcuts[] = {
    {"topology", "topology.kind"},
    {"nodes", "topology.nodes"},
    {"k", "topology.k"},
    {"p", "topology.p"},
    {"m", "topology.m"},
    {"cap", "topology.cap"},
    {"degree", "topology.degree"},
    {"graph", "topology.file"},
    {"delay", "links.delay_ms"},
    {"loss", "links.loss"},
    {"jitter", "links.jitter_ms"},
    {"rate", "links.rate_kbit"},
    {"seed", "seed"},
    {"duration", "duration_s"},
    {"window", "window_s"},
    {"name", "name"},
    {"probes", "probes"},
};
#define SHORTCUTS (sizeof shortcuts / sizeof shortcuts[0])

enum {
    OPT_SET = 256,
    OPT_JSON,
    OPT_CSV,
    OPT_PLOT,
    OPT_PICTURE,
    OPT_REACH,
    OPT_QUIET,
    OPT_REPEATABLE,
    OPT_FIRST
};

static const struct option fixed[] = {
    {"set", required_argument, NULL, OPT_SET},
    {"json", required_argument, NULL, OPT_JSON},
    {"csv", required_argument, NULL, OPT_CSV},
    {"plot", required_argument, NULL, OPT_PLOT},
    {"picture", required_argument, NULL, OPT_PICTURE},
    {"reach", required_argument, NULL, OPT_REACH},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"repeatable", no_argument, NULL, OPT_REPEATABLE},
    {"help", no_argument, NULL, 'h'},
};
#define FIXED (sizeof fixed / sizeof fixed[0])

static void usage(FILE *to)
{
    (void)fprintf(
        to,
        "usage: cjdsim [options] [scenario.json]\n"
        "Runs a network of nodes under a virtual clock (cryptography: %s).\n\n"
        "  --set NAME=VALUE   a member of the scenario, e.g. links.loss=0.01\n"
        "  --json FILE        results (default: standard output)\n"
        "  --csv FILE         time series\n"
        "  --plot FILE        time series as SVG\n"
        "  --picture FILE     the network as SVG\n"
        "  --reach NODES      how far labels reach from so many nodes (0: all); runs nothing\n"
        "  --quiet            no progress\n"
        "  --repeatable       leaves out what the machine adds (time, memory)\n"
        "\nShort for --set:\n",
        SIM_CRYPTO_NAME);
    for (size_t i = 0; i < SHORTCUTS; i++) {
        (void)fprintf(to, "  --%-16s %s\n", shortcuts[i].option, shortcuts[i].member);
    }
}

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "cjdsim: %s: %s\n", what, why);
    exit(2);
}

static void set_member(struct options *o, const char *assignment)
{
    char error[ERROR_BYTES];

    if (sim_scenario_override(o->scenario, assignment, error) != 0) {
        fail("--set", error);
    }
}

static void take_option(struct options *o, int opt)
{
    switch (opt) {
    case OPT_SET:
        set_member(o, optarg);
        break;
    case OPT_JSON:
        o->json = optarg;
        break;
    case OPT_CSV:
        o->csv = optarg;
        break;
    case OPT_PLOT:
        o->plot = optarg;
        break;
    case OPT_PICTURE:
        o->picture = optarg;
        break;
    case OPT_REACH:
        o->reach = optarg;
        break;
    case OPT_QUIET:
        o->is_quiet = true;
        break;
    case OPT_REPEATABLE:
        o->has_machine = false;
        break;
    case 'h':
        usage(stdout);
        exit(0);
    default:
        if (opt < OPT_FIRST || opt >= OPT_FIRST + (int)SHORTCUTS) {
            usage(stderr);
            exit(2);
        }
        char assignment[1024];
        snprintf(assignment, sizeof assignment, "%s=%s", shortcuts[opt - OPT_FIRST].member, optarg);
        set_member(o, assignment);
        break;
    }
}

/* The file comes first, whatever the order: options change what it says. */
static void load(struct options *o, int argc, char **argv, const struct option *all)
{
    json_error_t error;
    int opt;

    opterr = 0;
    do {
        opt = getopt_long(argc, argv, "h", all, NULL);
    } while (opt != -1);
    opterr = 1;
    if (optind + 1 < argc) {
        usage(stderr);
        exit(2);
    }
    o->scenario = optind < argc ? json_load_file(argv[optind], JSON_REJECT_DUPLICATES, &error)
                                : json_object();
    if (!o->scenario) {
        char where[ERROR_BYTES];
        snprintf(where, sizeof where, "%s:%d", argv[optind], error.line);
        fail(where, error.text);
    }
    if (!json_is_object(o->scenario)) {
        fail(argv[optind], "not an object");
    }
    optind = 1;
}

static void read_options(struct options *o, int argc, char **argv)
{
    struct option all[FIXED + SHORTCUTS + 1] = {{0}};
    int opt;

    memcpy(all, fixed, sizeof fixed);
    for (size_t i = 0; i < SHORTCUTS; i++) {
        all[FIXED + i] =
            (struct option){shortcuts[i].option, required_argument, NULL, OPT_FIRST + (int)i};
    }
    load(o, argc, argv, all);
    while ((opt = getopt_long(argc, argv, "h", all, NULL)) != -1) {
        take_option(o, opt);
    }
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void show_progress(void *ctx, double virtual_s)
{
    const double *begin = ctx;

    (void)fprintf(stderr, "\r%.0f s in %.1f s ", virtual_s, seconds_of(CLOCK_MONOTONIC) - *begin);
}

static json_t *machine_json(double real_s)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return json_pack("{s:f, s:f, s:I}", "real_s", real_s, "cpu_s",
                     seconds_of(CLOCK_PROCESS_CPUTIME_ID), "resident_kib",
                     (json_int_t)usage.ru_maxrss);
}

static void check_written(int err, const char *path)
{
    if (err) {
        fail(path, cjd_err_text(err));
    }
}

/* Consumes the result. */
static void write_json(const struct options *o, json_t *result)
{
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(9);

    if (o->json ? json_dump_file(result, o->json, flags) : json_dumpf(result, stdout, flags)) {
        fail(o->json ? o->json : "standard output", "cannot be written");
    }
    if (!o->json) {
        (void)putchar('\n');
    }
    json_decref(result);
}

static void reach(const struct options *o, const struct sim_scenario *scenario)
{
    char error[ERROR_BYTES];
    char *end;
    unsigned long sources = strtoul(o->reach, &end, 10);

    if (end == o->reach || *end != '\0' || sources > UINT32_MAX) {
        fail("--reach", "a number of nodes");
    }
    json_t *result = sim_reach_json(scenario, (uint32_t)sources, error);
    if (!result) {
        fail("scenario", error);
    }
    write_json(o, result);
}

static void write_all(const struct options *o, struct sim_run *run, double real_s)
{
    json_t *result = sim_run_json(run);
    json_object_set_new(result, "crypto", json_string(SIM_CRYPTO_NAME));
    if (o->has_machine) {
        json_object_set_new(result, "machine", machine_json(real_s));
    }
    write_json(o, result);
    if (o->csv) {
        check_written(sim_run_write_csv(run, o->csv), o->csv);
    }
    if (o->plot) {
        check_written(sim_run_write_plot(run, o->plot), o->plot);
    }
    if (o->picture) {
        check_written(sim_run_write_picture(run, o->picture), o->picture);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.has_machine = true};
    struct sim_scenario scenario;
    struct sim_run *run;
    char error[ERROR_BYTES];

    read_options(&o, argc, argv);
    if (sim_scenario_read(&scenario, o.scenario, error) != 0) {
        fail("scenario", error);
    }
    if (o.reach) {
        reach(&o, &scenario);
        json_decref(o.scenario);
        return 0;
    }
    double begin = seconds_of(CLOCK_MONOTONIC);
    if (sim_run_new(&run, &scenario, error) != 0) {
        fail("scenario", error);
    }
    sim_run_go(run, o.is_quiet ? NULL : show_progress, &begin);
    if (!o.is_quiet) {
        (void)fputc('\n', stderr);
    }
    write_all(&o, run, seconds_of(CLOCK_MONOTONIC) - begin);
    sim_run_free(run);
    json_decref(o.scenario);
    return 0;
}
