/* What others may see of searches. */
#include <dht/search_private.h>

#include <string.h>

uint32_t cjd_search_count(const struct cjd_dht *dht)
{
    return dht->searches->running;
}

bool cjd_search_at(const struct cjd_dht *dht, uint32_t index, struct cjd_dht_search_info *out)
{
    const struct cjd_searches *ss = dht->searches;

    for (uint32_t i = 0; i < ss->made; i++) {
        const struct search *s = ss->slots[i];
        if (s->is_used && index-- == 0) {
            *out = (struct cjd_dht_search_info){.target = s->target,
                                                .started_ns = s->started_ns,
                                                .requests = s->requests,
                                                .candidates = s->count,
                                                .ways = s->way_count};
            return true;
        }
    }
    return false;
}

static const enum cjd_dht_outcome outcomes[] = {[FRESH] = CJD_DHT_UNTRIED,
                                                [ASKED] = CJD_DHT_TRYING,
                                                [SILENT] = CJD_DHT_SILENT,
                                                [DONE] = CJD_DHT_SILENT};

static bool is_same_addr(const struct cjd_addr *a, const struct cjd_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static const struct search *search_for(const struct cjd_searches *ss, const struct cjd_addr *addr)
{
    for (uint32_t i = 0; i < ss->made; i++) {
        if (ss->slots[i]->is_used && is_same_addr(&ss->slots[i]->target, addr)) {
            return ss->slots[i];
        }
    }
    return NULL;
}

bool cjd_search_explain(const struct cjd_dht *dht, const struct cjd_addr *addr,
                        struct cjd_dht_search_info *out)
{
    const struct search *s = search_for(dht->searches, addr);

    if (s) {
        *out = (struct cjd_dht_search_info){.target = s->target,
                                            .started_ns = s->started_ns,
                                            .requests = s->requests,
                                            .candidates = s->count,
                                            .ways = s->way_count};
    }
    return s != NULL;
}

bool cjd_search_way_at(const struct cjd_dht *dht, const struct cjd_addr *addr, uint32_t index,
                       struct cjd_dht_way *out)
{
    const struct search *s = search_for(dht->searches, addr);

    if (!s || index >= s->way_count) {
        return false;
    }
    const struct way *w = &s->ways[index];
    *out = (struct cjd_dht_way){.kind = CJD_DHT_WAY_NAMED,
                                .label = w->to.label,
                                .via = w->teacher,
                                .has_via = w->has_teacher,
                                .tries = w->tries,
                                .outcome = outcomes[w->state]};
    return true;
}
