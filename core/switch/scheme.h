/*
 * Encoding schemes: how one switch writes interface numbers into labels.
 * Source: switch notes §4–6, §10. Values; pure; any thread.
 */
#ifndef CJD_SWITCH_SCHEME_H
#define CJD_SWITCH_SCHEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>

#define CJD_SCHEME_FORMS_MAX 31u
#define CJD_SCHEME_BYTES_MAX 160u /* serialised: 31 forms of at most 41 bits */
#define CJD_FORM_CANONICAL   (-1) /* "the narrowest form" for cjd_scheme_convert() */

struct cjd_form {
    uint8_t prefix_len;
    uint8_t bit_count;
    uint32_t prefix;
};

struct cjd_scheme {
    uint8_t count;
    bool is_358; /* exactly v3x5x8, which has its own numbering */
    struct cjd_form form[CJD_SCHEME_FORMS_MAX];
};

/* The scheme of this node and of every released node. */
const struct cjd_scheme *cjd_scheme_358(void);

/* Sets is_358 and checks §4.2. CJD_ERR_INVALID. */
CJD_MUST_CHECK int cjd_scheme_finish(struct cjd_scheme *s);
bool cjd_scheme_equal(const struct cjd_scheme *a, const struct cjd_scheme *b);

CJD_MUST_CHECK int cjd_scheme_parse(struct cjd_scheme *out, const uint8_t *bytes, size_t len);
/* Returns the length, or CJD_ERR_TOO_LONG. */
int cjd_scheme_serialise(const struct cjd_scheme *s, uint8_t *out, size_t cap);

/* Bits of a director in a form. */
static inline unsigned cjd_form_width(const struct cjd_form *f)
{
    return (unsigned)f->prefix_len + f->bit_count;
}

/* Form of a label's first director; −1: none matches. */
int cjd_scheme_form_of(const struct cjd_scheme *s, uint64_t label);
/* Interface of the first director in that form. */
uint32_t cjd_scheme_iface_of(const struct cjd_scheme *s, uint64_t label, int form);
/* Narrowest form that can hold the interface; −1: not representable. */
int cjd_scheme_narrowest(const struct cjd_scheme *s, uint32_t iface);
/* Director of an interface in a form; CJD_LABEL_INVALID: does not fit. */
uint64_t cjd_scheme_director(const struct cjd_scheme *s, uint32_t iface, int form);
/* Label of the direct peer on an interface; CJD_LABEL_INVALID: not representable. */
uint64_t cjd_scheme_peer_label(const struct cjd_scheme *s, uint32_t iface);

bool cjd_scheme_is_self(const struct cjd_scheme *s, uint64_t label);
bool cjd_scheme_is_one_hop(const struct cjd_scheme *s, uint64_t label);
/* §10.1: rewrites the first director; form number or CJD_FORM_CANONICAL. */
uint64_t cjd_scheme_convert(const struct cjd_scheme *s, uint64_t label, int form);
/* §10.3: a label of ours, made usable for an asker we reach by `asker`. */
uint64_t cjd_scheme_label_for(const struct cjd_scheme *s, uint64_t target, uint64_t asker);

/* §10.2: one hop of a route under construction. */
struct cjd_hop {
    const struct cjd_scheme *scheme; /* of the node the hop starts at */
    uint64_t label;                  /* canonical one-hop label in that scheme */
    int back_form; /* form in which that node writes the hop before; −1 at the origin */
};
uint64_t cjd_route_build(const struct cjd_hop *hops, size_t count);

#endif
