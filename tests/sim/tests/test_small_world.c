/* 200 nodes, two virtual minutes. In a release build also: in less than a minute of the processor.
 */
#include "helper.h"

#include <time.h>

/* A sanitized build takes ten times as long for the same. */
#ifdef CJD_SANITIZED
#define NODES "50"
#else
#define NODES "200"
#endif

static void small_world(void **state)
{
    (void)state;
    clock_t begin = clock();
    struct sim_run *run = helper_run(
        "{\"duration_s\": 120, \"topology\": {\"kind\": \"small_world\", \"nodes\": " NODES "},"
        "\"probes\": [{\"at_s\": 60, \"pairs\": 1000}, {\"at_s\": 105, \"pairs\": 1000}]}");
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;

    print_message("%.1f s of the processor\n", seconds);
    helper_success(run, 0, 99);
    helper_success(run, 1, 99);
#ifdef NDEBUG
    assert_true(seconds < 60);
#endif
    sim_run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(small_world)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
