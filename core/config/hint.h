/* "Did you mean …?" Pure; any thread. */
#ifndef CJD_CONFIG_HINT_H
#define CJD_CONFIG_HINT_H

#include <stdbool.h>
#include <stddef.h>

/* Number of letters to insert, drop, replace or swap with a neighbour; case does not count.
 * Words of more than 63 letters are as far as can be. */
unsigned cjd_hint_distance(const char *a, const char *b);

/* Finds the nearest of several words. */
struct cjd_hint {
    const char *word; /* what was written */
    const char *best; /* near enough to be meant, or NULL */
    unsigned distance;
};
void cjd_hint_try(struct cjd_hint *hint, const char *candidate);

/* Keys that nobody reads: "_disabled_x", "// comment". */
static inline bool cjd_key_is_ignored(const char *key)
{
    return key[0] == '_' || (key[0] == '/' && key[1] == '/');
}

#endif
