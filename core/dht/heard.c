/*
 * Ways that were named but never tried: most of what a large network tells is more than there are
 * questions for. Nothing of it is believed, passed on or counted as known; when somebody wants to
 * reach such a node, the search tries the way first, which mostly ends it with one question.
 *
 * The table is small sets by a keyed hash of the address. A set keeps short labels in preference to
 * long ones, a node has two ways at most, and one teacher at most half of a set, so that whoever
 * lies a lot displaces little.
 */
#include <dht/private.h>

#include <stdlib.h>
#include <string.h>

#include <switch/label.h>

#define SETS        384u
#define SET_WAYS    4u
#define PER_ADDR    2u
#define PER_TEACHER 2u
#define OLD         (300 * CJD_S)

struct heard {
    struct cjd_dht_contact to;
    struct cjd_addr teacher;
    uint64_t at_ns;
};

struct cjd_heard {
    struct cjd_map hash;                /* only its seed is used */
    struct heard *ways[SETS][SET_WAYS]; /* NULL: free */
};

int cjd_heard_new(struct cjd_dht *dht)
{
    dht->heard = calloc(1, sizeof *dht->heard);
    return dht->heard ? cjd_map_init(&dht->heard->hash, cjd_rng_u64(&dht->cfg.rng))
                      : CJD_ERR_NO_MEMORY;
}

void cjd_heard_free(struct cjd_dht *dht)
{
    if (dht->heard) {
        for (unsigned i = 0; i < SETS * SET_WAYS; i++) {
            free(dht->heard->ways[i / SET_WAYS][i % SET_WAYS]);
        }
        cjd_map_fini(&dht->heard->hash);
        free(dht->heard);
        dht->heard = NULL;
    }
}

static struct heard **set_of(const struct cjd_dht *dht, const struct cjd_addr *addr)
{
    return dht->heard->ways[cjd_map_hash(&dht->heard->hash, addr, sizeof *addr) % SETS];
}

static bool is_same_addr(const struct cjd_addr *a, const struct cjd_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool is_alive(const struct heard *h, uint64_t now_ns)
{
    return h && now_ns - h->at_ns < OLD;
}

/* What is given up for another: whatever is free or old, else the longest. */
static uint64_t badness(const struct heard *h, uint64_t now_ns)
{
    return is_alive(h, now_ns) ? cjd_log2(h->to.label) : UINT64_MAX;
}

static bool is_of(const struct heard *h, const struct cjd_addr *addr)
{
    return h && is_same_addr(&h->to.addr, addr);
}

static bool is_from(const struct heard *h, const struct cjd_addr *teacher)
{
    return h && is_same_addr(&h->teacher, teacher);
}

/* The place for a way: where the same stands already, or the worst of those it may displace. */
static struct heard **place_for(struct heard **set, const struct heard *h, uint64_t now_ns)
{
    unsigned of_addr = 0;
    unsigned of_teacher = 0;
    struct heard **worst = NULL;

    for (unsigned i = 0; i < SET_WAYS; i++) {
        if (is_of(set[i], &h->to.addr) && set[i]->to.label == h->to.label) {
            return &set[i];
        }
        of_addr += is_of(set[i], &h->to.addr) && is_alive(set[i], now_ns);
        of_teacher += is_from(set[i], &h->teacher) && is_alive(set[i], now_ns);
    }
    for (unsigned i = 0; i < SET_WAYS; i++) {
        bool may_go = (of_addr < PER_ADDR || is_of(set[i], &h->to.addr)) &&
                      (of_teacher < PER_TEACHER || is_from(set[i], &h->teacher));
        if (may_go && (!worst || badness(set[i], now_ns) > badness(*worst, now_ns))) {
            worst = &set[i];
        }
    }
    return worst && badness(*worst, now_ns) > badness(h, now_ns) ? worst : NULL;
}

void cjd_heard_note(struct cjd_dht *dht, const struct cjd_dht_contact *to,
                    const struct cjd_addr *teacher, uint64_t now_ns)
{
    struct heard h = {.to = *to, .teacher = *teacher, .at_ns = now_ns};
    struct heard **place = place_for(set_of(dht, &to->addr), &h, now_ns);

    if (place && (*place || (*place = malloc(sizeof **place)))) {
        **place = h;
    }
}

uint32_t cjd_heard_ways(const struct cjd_dht *dht, const struct cjd_addr *addr,
                        struct cjd_heard_way out[CJD_HEARD_WAYS], uint64_t now_ns)
{
    struct heard *const *set = set_of(dht, addr);
    uint32_t count = 0;

    for (unsigned i = 0; i < SET_WAYS && count < CJD_HEARD_WAYS; i++) {
        if (is_alive(set[i], now_ns) && is_of(set[i], addr)) {
            out[count++] = (struct cjd_heard_way){
                .to = set[i]->to, .teacher = set[i]->teacher, .at_ns = set[i]->at_ns};
        }
    }
    return count;
}

void cjd_heard_failed(struct cjd_dht *dht, const struct cjd_addr *addr, uint64_t label)
{
    struct heard **set = set_of(dht, addr);

    for (unsigned i = 0; i < SET_WAYS; i++) {
        if (is_of(set[i], addr) && set[i]->to.label == label) {
            free(set[i]);
            set[i] = NULL;
        }
    }
}
