/*
 * What the tests of the plugin ABI stand on: a real runtime, node and loader, and a log that is
 * kept. Everything a test makes goes away with bench_close().
 */
#ifndef CJD_ABI_BENCH_H
#define CJD_ABI_BENCH_H

#include <testlib/testlib.h>

#include <config/config.h>
#include <node/node.h>
#include <plugin/plugins.h>
#include <runtime/runtime.h>

#define BENCH_LOG 65536u

struct bench {
    struct cjd_log_sink sink;
    char log[BENCH_LOG]; /* "level module text\n" … */
    size_t log_len;
    struct cjd_pool *pool;
    struct cjd_runtime *rt;
    struct cjd_node *node;
    struct cjd_netif *netif;
    struct cjd_plugins *plugins;
    struct cjd_config *config;
    struct cjd_diags diags;
    char *folder; /* a temporary one of this test, or NULL */
};

/* plugin_list: the JSON list under "plugins". The loader looks in `folder`. */
void bench_open(struct bench *b, const char *folder, const char *plugin_list);
void bench_close(struct bench *b);

/* load, create, acquire, start, as far as it goes without error. */
int bench_up(struct bench *b);

/* A configuration with that plugin list, read on its own; to be freed. */
struct cjd_config *bench_config(struct bench *b, const char *plugin_list);

/* Turns the loop until the log has the text; fails the test if it never does. */
void bench_wait(struct bench *b, const char *text);
bool bench_logged(const struct bench *b, const char *text);
/* All diagnostics as text, in static storage. */
const char *bench_diags(const struct bench *b);
void bench_expect(const char *text, const char *part);

/* A private plugin folder with a copy of NAME.so from the built ones; bench_close() removes it. */
const char *bench_folder(struct bench *b);
void bench_copy(struct bench *b, const char *name, const char *as, unsigned mode);
void bench_write(struct bench *b, const char *as, const char *text);

#endif
