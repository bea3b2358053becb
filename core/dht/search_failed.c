/* Searches that failed: what was in vain a moment ago is not begun again at once. */
#include <dht/search_private.h>

#include <string.h>

#define NEGATIVE_FIRST (500 * CJD_MS)
#define NEGATIVE_MAX   (8 * CJD_S)

static bool is_same_addr(const struct cjd_addr *a, const struct cjd_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static struct negative *negative_of(const struct cjd_dht *dht, const struct cjd_addr *addr)
{
    for (uint32_t i = 0; i < NEGATIVES; i++) {
        struct negative *n = &dht->searches->negatives[i];
        if (n->until_ns != 0 && is_same_addr(&n->addr, addr)) {
            return n;
        }
    }
    return NULL;
}

/* A failure is remembered, each time longer, until the store learns of somebody new. */
bool cjd_search_is_hopeless(const struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t now_ns)
{
    const struct negative *n = negative_of(dht, addr);
    return n && now_ns < n->until_ns && n->nodes_ever == cjd_store_nodes_ever(dht->store);
}

/* was_named: somebody knew a way, only it did not answer; that is worth trying again soon. */
void cjd_search_note_failure(struct cjd_dht *dht, const struct cjd_addr *addr, bool was_named,
                             uint64_t now_ns)
{
    struct negative *n = negative_of(dht, addr);

    if (!n) {
        n = &dht->searches->negatives[dht->searches->next_negative++ % NEGATIVES];
        *n = (struct negative){.addr = *addr, .pause_ns = NEGATIVE_FIRST / 2};
    }
    if (!was_named || n->pause_ns < NEGATIVE_FIRST) {
        n->pause_ns = n->pause_ns * 2 < NEGATIVE_MAX ? n->pause_ns * 2 : NEGATIVE_MAX;
    }
    n->until_ns = now_ns + n->pause_ns;
    n->nodes_ever = cjd_store_nodes_ever(dht->store);
}

void cjd_search_forget_failure(struct cjd_dht *dht, const struct cjd_addr *addr)
{
    struct negative *n = negative_of(dht, addr);

    if (n) {
        n->until_ns = 0;
    }
}

uint64_t cjd_search_failed_until(const struct cjd_dht *dht, const struct cjd_addr *addr)
{
    const struct negative *n = negative_of(dht, addr);
    return n ? n->until_ns : 0;
}
