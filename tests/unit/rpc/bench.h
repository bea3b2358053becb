/* A registry under a test's control: clock, wakes, and what came back from the last calls. */
#ifndef TESTS_RPC_BENCH_H
#define TESTS_RPC_BENCH_H

#include <rpc/rpc.h>

struct answers {
    unsigned count;
    unsigned errors;
    unsigned items;
    json_t *result; /* of the last one; own reference */
    int err;
    char code[64];
    char pointer[64];
    char message[256];
    char hint[256];
};

struct bench {
    struct cjd_timers timers;
    struct cjd_rpc *rpc;
    uint64_t now_ns;
    uint64_t wall_ms;
    unsigned wakes;
    int followed; /* level, −1: nobody */
    struct answers got;
};

/* cmocka fixtures; *state is a struct bench. */
int bench_setup(void **state);
int bench_teardown(void **state);

void bench_answers_clear(struct bench *b);
/* Calls with all scopes; args: JSON text or NULL. Returns the call if it is under way. */
struct cjd_rpc_call *bench_call(struct bench *b, const char *method, const char *args);
struct cjd_rpc_call *bench_call_as(struct bench *b, const char *method, const char *args,
                                   uint32_t scopes);
void bench_advance(struct bench *b, uint64_t ns);

#endif
