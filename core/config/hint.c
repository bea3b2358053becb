#include <config/hint.h>

#include <limits.h>
#include <string.h>

#define WORD_MAX 63u

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance with neighbours that changed places, three rows at a time. */
unsigned cjd_hint_distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1];
    size_t n = strlen(a);
    size_t m = strlen(b);

    if (n > WORD_MAX || m > WORD_MAX) {
        return UINT_MAX;
    }
    for (unsigned j = 0; j <= m; j++) {
        rows[0][j] = j;
    }
    for (unsigned i = 1; i <= n; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *up = rows[(i + 2) % 3];
        const unsigned *up2 = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= m; j++) {
            unsigned change = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = least(least(up[j], row[j - 1]) + 1, up[j - 1] + change);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = least(row[j], up2[j - 2] + 1);
            }
        }
    }
    return rows[n % 3][m];
}

void cjd_hint_try(struct cjd_hint *hint, const char *candidate)
{
    unsigned distance = cjd_hint_distance(hint->word, candidate);
    size_t n = strlen(hint->word);
    size_t far = n < 3 ? 1 : n < 8 ? 2 : n / 3;

    if (distance <= far && (!hint->best || distance < hint->distance)) {
        hint->best = candidate;
        hint->distance = distance;
    }
}
