/* Results: a table for people, JSON for comparison. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdint.h>

#include <jansson.h>

struct report {
    json_t *results;
};

void report_init(struct report *r);
/* One line: ns per packet, and the AEAD calls of the same packets alone (0: none to compare). */
void report_add(struct report *r, const char *name, uint32_t bytes, unsigned vector, double ns,
                double aead_ns);
/* Writes the JSON with a description of the machine. Returns 0 or −1. */
int report_write(struct report *r, const char *path);
void report_fini(struct report *r);

/* Monotonic clock, ns. */
double report_clock(void);

#endif
