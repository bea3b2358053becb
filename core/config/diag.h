/* Collecting diagnostics; private to the room. */
#ifndef CJD_CONFIG_DIAG_H
#define CJD_CONFIG_DIAG_H

#include <stdarg.h>

#include <config/config.h>

void cjd_diags_add(struct cjd_diags *d, enum cjd_severity severity, const struct cjd_position *at,
                   const char *format, ...) CJD_PRINTF(4, 5);
void cjd_diags_add_v(struct cjd_diags *d, enum cjd_severity severity, const struct cjd_position *at,
                     const char *format, va_list args);

#endif
