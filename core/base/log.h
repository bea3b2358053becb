/*
 * Logging of the core. A `struct cjd_log` is a module's name and the sink it writes to; it is
 * copied by value. Lines are "message key=value …". Nothing is formatted when the level is off.
 * Whatever a remote node can trigger goes through cjd_log_limited(). No key material, ever.
 */
#ifndef CJD_BASE_LOG_H
#define CJD_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/time.h>
#include <cjd/err.h>

enum cjd_log_level { CJD_LOG_ERROR, CJD_LOG_WARN, CJD_LOG_INFO, CJD_LOG_DEBUG, CJD_LOG_TRACE };

struct cjd_log_sink {
    /* Highest level any module may write at: the cheap test. */
    enum cjd_log_level max_level;
    /* Exact test for one module; NULL: max_level holds for all. */
    bool (*enabled)(void *ctx, const char *module, enum cjd_log_level level);
    /* Takes one finished line without newline. */
    void (*write)(void *ctx, const char *module, enum cjd_log_level level, const char *text);
    void *ctx;
};

struct cjd_log {
    const struct cjd_log_sink *sink; /* NULL: silent */
    const char *module;
};

/* Budget for one kind of message that a remote can trigger: 5 lines in 10 s, then a count. */
struct cjd_log_limit {
    uint64_t window_ns;
    uint32_t in_window;
    uint32_t suppressed;
};

static inline bool cjd_log_is_on(const struct cjd_log *log, enum cjd_log_level level)
{
    return log->sink && level <= log->sink->max_level &&
           (!log->sink->enabled || log->sink->enabled(log->sink->ctx, log->module, level));
}

/* Use the macros below. */
void cjd_log_line(const struct cjd_log *log, enum cjd_log_level level, const char *format, ...)
    CJD_PRINTF(3, 4);

/* True if a line may be written now; counts it. Reports suppressed lines when a window ends. */
bool cjd_log_limit_take(const struct cjd_log *log, struct cjd_log_limit *limit, uint64_t now_ns);

#define cjd_log(log, level, ...)                                                                   \
    do {                                                                                           \
        if (cjd_log_is_on((log), (level))) {                                                       \
            cjd_log_line((log), (level), __VA_ARGS__);                                             \
        }                                                                                          \
    } while (0)

#define cjd_log_limited(log, limit, now_ns, level, ...)                                            \
    do {                                                                                           \
        if (cjd_log_is_on((log), (level)) && cjd_log_limit_take((log), (limit), (now_ns))) {       \
            cjd_log_line((log), (level), __VA_ARGS__);                                             \
        }                                                                                          \
    } while (0)

/* "error", "warn", …; and back (false: no such level). */
const char *cjd_log_level_name(enum cjd_log_level level);
bool cjd_log_level_parse(enum cjd_log_level *out, const char *name);

#endif
