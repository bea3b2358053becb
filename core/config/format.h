/* Formats of texts that schemas may name, and the parsers behind them. Pure; any thread. */
#ifndef CJD_CONFIG_FORMAT_H
#define CJD_CONFIG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/endpoint.h>
#include <cjd/err.h>

/* Returns NULL if the text has the form, else what is wrong with it: a constant text. */
typedef const char *(*cjd_format_fn)(const char *text);

/* The checker of a format by its name; NULL: there is no such format. */
cjd_format_fn cjd_format_find(const char *name);

const char *cjd_format_public_key(const char *text);
const char *cjd_format_mac(const char *text);
const char *cjd_format_device(const char *text);

#endif
