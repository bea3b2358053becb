/**
 * Writing log lines from a plugin: cjd.log/1 with printf formatting.
 *
 * Nothing is formatted while the level is off. Text from outside must be in printable form before
 * it comes here; key material never does. What a remote node can trigger is rate-limited by the
 * caller.
 */
#ifndef CJD_LOGGER_H
#define CJD_LOGGER_H

#include <stdbool.h>
#include <stdint.h>

#include <cjd/err.h>
#include <cjd/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest line, bytes with NUL; what is longer is cut. */
#define CJD_LOGGER_LINE 1024u

struct cjd_logger {
    const struct cjd_host *host;
    const struct cjd_log_service *service; /**< NULL: silent */
};

/** [control] Fetches the service; a host without it makes a silent logger. */
void cjd_logger_init(struct cjd_logger *logger, const struct cjd_host *host);

/** [any] Whether lines of the level are written. */
bool cjd_logger_is_on(const struct cjd_logger *logger, uint32_t level);

/** [any] Writes one line. level: CJD_LEVEL_… */
void cjd_logger_write(const struct cjd_logger *logger, uint32_t level, const char *format, ...)
    CJD_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif

#endif
