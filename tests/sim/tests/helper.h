/* Runs of scenarios given as text; a failure prints the scenario and its seed. */
#ifndef SIM_TEST_HELPER_H
#define SIM_TEST_HELPER_H

#include <testlib/testlib.h>

#include <sim/run.h>

static inline struct sim_run *helper_run(const char *text)
{
    struct sim_scenario s;
    struct sim_run *run = NULL;
    char error[256] = "";
    json_t *root = json_loads(text, 0, NULL);

    if (!root || sim_scenario_read(&s, root, error) != 0 || sim_run_new(&run, &s, error) != 0) {
        fail_msg("%s: %s", text, error);
    }
    json_decref(root);
    sim_run_go(run, NULL, NULL);
    return run;
}

/* At least so many of a hundred eligible pairs answered. */
static inline void helper_success(struct sim_run *run, uint32_t probe, double percent)
{
    double success = 100 * sim_run_success(run, probe);

    if (success < percent) {
        json_t *result = sim_run_json(run);
        char *text = json_dumps(result, JSON_INDENT(1));
        print_error("%s\n", text);
        free(text);
        json_decref(result);
        fail_msg("probe %u: %.2f %% answered, %.2f %% wanted", probe, success, percent);
    }
}

#endif
