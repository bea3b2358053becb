/*
 * The tolerant scanner: reads one of three dialects of JSON and tells what it finds as events.
 * Source: configuration notes §2 and §14. Pure; any thread; recursion is bounded.
 *
 *     STRICT   the reference's parser for files of version 2, exactly
 *     LEGACY   the reference's parser for older files, exactly
 *     NATIVE   a superset of STRICT: also standard JSON, comments before the first brace
 *
 * A remark tells where something is wrong or odd. Only after FATAL the scan ends; what the other
 * kinds mean depends on the form of the file, which is known only at its end.
 */
#ifndef CJD_CONFIG_SCAN_H
#define CJD_CONFIG_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>

/* Longest text that is read, and deepest nesting; no configuration comes near. */
#define CJD_SCAN_BYTES_MAX (1u << 20)
#define CJD_SCAN_DEPTH_MAX 64u

enum cjd_dialect { CJD_DIALECT_STRICT, CJD_DIALECT_LEGACY, CJD_DIALECT_NATIVE };

enum cjd_remark {
    CJD_REMARK_FATAL, /* not to be read any further */
    CJD_REMARK_ERROR, /* wrong, but what was meant is clear enough to go on */
    CJD_REMARK_COMMA, /* a comma before a closing bracket: allowed in native files */
    CJD_REMARK_JUNK,  /* LEGACY skipped something */
    CJD_REMARK_TAIL   /* text behind the end; the reference does not look at it */
};

struct cjd_place {
    size_t offset;
    unsigned line;   /* from 1 */
    unsigned column; /* from 1, in bytes */
};

enum cjd_literal { CJD_LITERAL_NULL, CJD_LITERAL_FALSE, CJD_LITERAL_TRUE };

/* Bytes are borrowed for the call and may hold anything, also NUL. A handler that returns an error
 * ends the scan with it. */
struct cjd_scan_events {
    int (*open)(void *ctx, bool is_object, const struct cjd_place *at);
    int (*close)(void *ctx, bool is_object);
    int (*key)(void *ctx, const char *bytes, size_t len, const struct cjd_place *at);
    int (*text)(void *ctx, const char *bytes, size_t len, const struct cjd_place *at);
    int (*integer)(void *ctx, int64_t value, const struct cjd_place *at);
    /* In the spelling of standard JSON; NATIVE only, like literal. */
    int (*real)(void *ctx, const char *bytes, size_t len, const struct cjd_place *at);
    int (*literal)(void *ctx, enum cjd_literal value, const struct cjd_place *at);
    void (*remark)(void *ctx, enum cjd_remark kind, const struct cjd_place *at, const char *text);
    void *ctx;
    /* Behind a value that was told, `at` being the place after its last byte; may be NULL. */
    void (*end)(void *ctx, const struct cjd_place *at);
};

/* CJD_ERR_PARSE after a fatal remark, otherwise what a handler gave. */
CJD_MUST_CHECK int cjd_scan(const char *text, size_t len, enum cjd_dialect dialect,
                            const struct cjd_scan_events *events);

#endif
