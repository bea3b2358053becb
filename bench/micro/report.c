#include "report.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include <cjd/version.h>
#include <sodium.h>

double report_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void report_init(struct report *r)
{
    r->results = json_array();
    printf("%-28s %6s %6s %10s %10s %7s\n", "what", "bytes", "vector", "ns/packet", "AEAD alone",
           "ratio");
}

void report_add(struct report *r, const char *name, uint32_t bytes, unsigned vector, double ns,
                double aead_ns)
{
    json_t *row = json_pack("{s:s, s:i, s:i, s:f}", "name", name, "bytes", (int)bytes, "vector",
                            (int)vector, "ns_per_packet", ns);

    if (aead_ns > 0) {
        printf("%-28s %6u %6u %10.1f %10.1f %7.3f\n", name, (unsigned)bytes, vector, ns, aead_ns,
               ns / aead_ns);
        json_object_set_new(row, "aead_ns_per_packet", json_real(aead_ns));
        json_object_set_new(row, "ratio", json_real(ns / aead_ns));
    } else {
        printf("%-28s %6u %6u %10.1f\n", name, (unsigned)bytes, vector, ns);
    }
    json_array_append_new(r->results, row);
}

static void cpu_model(char *out, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];

    snprintf(out, size, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(out, size, "%s", colon + 2);
            break;
        }
    }
    if (f) {
        fclose(f);
    }
}

int report_write(struct report *r, const char *path)
{
    struct utsname u;
    char cpu[256];

    uname(&u);
    cpu_model(cpu, sizeof cpu);
    json_t *root =
        json_pack("{s:s, s:{s:s, s:s, s:s}, s:s, s:s, s:O}", "program", "cjdroute " CJD_VERSION,
                  "machine", "cpu", cpu, "kernel", u.release, "arch", u.machine, "compiler",
                  __VERSION__, "libsodium", sodium_version_string(), "results", r->results);
    int err = root ? json_dump_file(root, path, JSON_INDENT(2)) : -1;
    json_decref(root);
    return err;
}

void report_fini(struct report *r)
{
    json_decref(r->results);
}
