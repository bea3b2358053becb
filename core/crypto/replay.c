#include <crypto/replay.h>

#define WINDOW 64u
#define BEHIND 47u         /* counters that stay acceptable when the window jumps */
#define LOW    0xffffffffu /* bits 0 to 31 */

static unsigned count_bits(uint64_t v)
{
    return (unsigned)__builtin_popcountll(v);
}

static void slide(struct cjd_replay *r, uint32_t by)
{
    r->base += by;
    r->bits = by < WINDOW ? r->bits >> by : 0;
}

/* Makes room for a counter `ahead` of the base, beyond the window. */
static void advance(struct cjd_replay *r, uint32_t ahead)
{
    if ((r->bits & LOW) == LOW) {
        slide(r, 32);
        return;
    }
    uint32_t by = ahead - BEHIND;
    uint64_t leaving = by < WINDOW ? r->bits & ((UINT64_C(1) << by) - 1) : r->bits;
    r->lost += by - count_bits(leaving);
    slide(r, by);
}

bool cjd_replay_accept(struct cjd_replay *r, uint32_t counter)
{
    if (counter < r->base) {
        r->out_of_range++;
        return false;
    }
    /* At most three turns: two slides by 32 empty the field, then it jumps. */
    while (counter - r->base >= WINDOW) {
        advance(r, counter - r->base);
    }
    uint64_t bit = UINT64_C(1) << (counter - r->base);
    if (r->bits & bit) {
        r->duplicates++;
        return false;
    }
    r->bits |= bit;
    return true;
}
