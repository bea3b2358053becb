/* Formats of texts that schemas may name, and the parsers behind them. Pure; any thread. */
#ifndef CJD_CONFIG_FORMAT_H
#define CJD_CONFIG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>
#include <cjd/types.h>

/* A host and perhaps a port, as written. */
struct cjd_endpoint {
    int family;     /* 4, 6, or 0 for a name */
    uint8_t ip[16]; /* of family 4 the first four bytes */
    char host[256]; /* without brackets; with the zone of an IPv6 address */
    long port;      /* -1: none */
};

/* 0, or CJD_ERR_PARSE and in *why what is wrong: a constant text. */
CJD_MUST_CHECK int cjd_endpoint_parse(struct cjd_endpoint *out, const char *text, const char **why);

/* Returns NULL if the text has the form, else what is wrong with it: a constant text. */
typedef const char *(*cjd_format_fn)(const char *text);

/* The checker of a format by its name; NULL: there is no such format. */
cjd_format_fn cjd_format_find(const char *name);

const char *cjd_format_public_key(const char *text);
const char *cjd_format_mac(const char *text);
const char *cjd_format_device(const char *text);

#endif
