#include <base/log.h>

#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 1024
#define LIMIT_WINDOW   (10 * CJD_S)
#define LIMIT_LINES    5

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace"};
#define LEVELS (sizeof level_names / sizeof level_names[0])

void cjd_log_line(const struct cjd_log *log, enum cjd_log_level level, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log->sink->write(log->sink->ctx, log->module, level, text);
}

bool cjd_log_limit_take(const struct cjd_log *log, struct cjd_log_limit *limit, uint64_t now_ns)
{
    if (limit->in_window == 0 || now_ns - limit->window_ns >= LIMIT_WINDOW) {
        if (limit->suppressed > 0) {
            cjd_log(log, CJD_LOG_INFO, "similar messages suppressed count=%u",
                    (unsigned)limit->suppressed);
        }
        *limit = (struct cjd_log_limit){.window_ns = now_ns};
    }
    if (limit->in_window >= LIMIT_LINES) {
        limit->suppressed++;
        return false;
    }
    limit->in_window++;
    return true;
}

const char *cjd_log_level_name(enum cjd_log_level level)
{
    return (unsigned)level < LEVELS ? level_names[level] : "unknown";
}

bool cjd_log_level_parse(enum cjd_log_level *out, const char *name)
{
    for (unsigned i = 0; i < LEVELS; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *out = (enum cjd_log_level)i;
            return true;
        }
    }
    return false;
}
