#include <cjd/logger.h>

#include <stdarg.h>
#include <stdio.h>

void cjd_logger_init(struct cjd_logger *logger, const struct cjd_host *host)
{
    logger->host = host;
    logger->service = host->get(host, CJD_SERVICE_LOG, 1);
}

bool cjd_logger_is_on(const struct cjd_logger *logger, uint32_t level)
{
    return logger->service && logger->service->is_on(logger->host, level) != 0;
}

void cjd_logger_write(const struct cjd_logger *logger, uint32_t level, const char *format, ...)
{
    char line[CJD_LOGGER_LINE];
    va_list args;

    if (!cjd_logger_is_on(logger, level)) {
        return;
    }
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    logger->service->write(logger->host, level, line);
}
