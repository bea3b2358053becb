#include <link/private.h>

/*
 * The X25519 work that strangers may cause has a limit, and a flood of hellos from everywhere must
 * not use up all of it. What tells a genuine new neighbour from a flood with invented addresses is
 * that it calls again from the same one. So there are two budgets: one for addresses never seen,
 * and one for those that call again, each of which is let in at growing distances, like the retries
 * of a neighbour. The table is small and forgets by being written over; the quick first retries
 * come back before that.
 */
#define FRESH_RATE      200u
#define FRESH_BURST     200u
#define RETURNING_RATE  200u
#define RETURNING_BURST 200u
#define PAUSE_FIRST_MS  20u /* between two hellos let in from one address; then twice as long, … */
#define PAUSE_MAX_MS    640u
#define FORGIVEN_MS     60000u /* after such a pause an address begins anew */

static uint64_t hash_of(const struct cjd_links *l, const struct cjd_pkt *pkt)
{
    return cjd_map_hash(&l->by_addr, pkt->addr.b, pkt->addr.len) + pkt->link;
}

static uint32_t pause_ms(uint8_t let_in)
{
    unsigned doublings = let_in > 0 ? let_in - 1u : 0;

    return doublings < 5 ? PAUSE_FIRST_MS << doublings : PAUSE_MAX_MS;
}

bool source_may_call(struct cjd_links *l, const struct cjd_pkt *pkt, uint64_t now_ns)
{
    struct sources *s = &l->sources;
    uint64_t hash = hash_of(l, pkt);
    uint32_t at = (uint32_t)hash % SOURCES;
    struct source *src = &s->at[at];
    uint32_t print = (uint32_t)(hash >> 32) | 1; /* 0: free */
    uint32_t now_ms = (uint32_t)(now_ns / CJD_MS);
    uint32_t since_ms = now_ms - src->at_ms;

    if (src->print != print || since_ms >= FORGIVEN_MS) {
        *src = (struct source){.print = print, .at_ms = now_ms};
        s->let_in[at] = cjd_bucket_take(&s->fresh, now_ns, FRESH_RATE, FRESH_BURST);
        return s->let_in[at] != 0;
    }
    if (since_ms < pause_ms(s->let_in[at]) ||
        !cjd_bucket_take(&s->returning, now_ns, RETURNING_RATE, RETURNING_BURST)) {
        return false;
    }
    src->at_ms = now_ms;
    if (s->let_in[at] < UINT8_MAX) {
        s->let_in[at]++;
    }
    return true;
}
