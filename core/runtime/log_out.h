/*
 * Where log lines end up: stderr, stdout or a file, as text or as one JSON object a line.
 *
 *     2026-11-24T21:05:54.123Z info udp listening on 0.0.0.0:20948
 *
 * A sink of base/log.h. Lines come from any thread; one lock. Control characters of a message are
 * written as \xHH, so that one message is one line. Levels per module, the rest by default.
 */
#ifndef CJD_RUNTIME_LOG_OUT_H
#define CJD_RUNTIME_LOG_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include <base/log.h>
#include <cjd/err.h>

struct cjd_log_out;

/* Writes text lines of level info and above to stderr until told otherwise. */
CJD_MUST_CHECK struct cjd_log_out *cjd_log_out_new(void);
/* NULL is legal. */
void cjd_log_out_free(struct cjd_log_out *out);

/* to: "stderr", "stdout", "none" or "file:PATH". On failure the old place stays. */
CJD_MUST_CHECK int cjd_log_out_open(struct cjd_log_out *out, const char *to);
/* The file again, as log rotation asks for. No effect without a file. errno says why it failed. */
CJD_MUST_CHECK int cjd_log_out_reopen(struct cjd_log_out *out);
void cjd_log_out_set_json(struct cjd_log_out *out, bool is_json);

/* Level of all modules that have none of their own. */
void cjd_log_out_set_level(struct cjd_log_out *out, enum cjd_log_level level);
/* CJD_ERR_FULL, CJD_ERR_TOO_LONG: a name too many or too long. */
CJD_MUST_CHECK int cjd_log_out_set_module(struct cjd_log_out *out, const char *module,
                                          enum cjd_log_level level);
/* Forgets the levels of single modules. */
void cjd_log_out_clear_modules(struct cjd_log_out *out);

/* [any] The exact test; what cjd_log_sink.enabled is. */
bool cjd_log_out_is_on(void *out, const char *module, enum cjd_log_level level);

/* A listener beside the place: gets every line that some level lets through. [any] */
typedef void (*cjd_log_tap_fn)(void *ctx, const char *module, enum cjd_log_level level,
                               const char *text);
/* NULL: none. Set while no other thread writes. */
void cjd_log_out_set_tap(struct cjd_log_out *out, cjd_log_tap_fn tap, void *ctx);
/* Lines down to this level are made for the listener, whatever the levels say; −1: none for it
 * alone. They do not appear in the place. */
void cjd_log_out_set_tap_level(struct cjd_log_out *out, int level);
/* The level in force; module NULL: that of all others. */
enum cjd_log_level cjd_log_out_level(struct cjd_log_out *out, const char *module);
/* Modules with a level of their own: index 0 … until NULL. The name is good until they change. */
const char *cjd_log_out_module_at(struct cjd_log_out *out, unsigned index);

/* A log of that module; the name is borrowed. */
struct cjd_log cjd_log_out_log(const struct cjd_log_out *out, const char *module);

/* Pure part: one line, newline included, NUL-terminated. Returns its length; a line that is too
 * long is cut. wall_ms: since 1970. */
struct cjd_log_record {
    uint64_t wall_ms;
    enum cjd_log_level level;
    const char *module;
    const char *text;
};
size_t cjd_log_out_format(char *out, size_t cap, const struct cjd_log_record *record, bool is_json);

#endif
