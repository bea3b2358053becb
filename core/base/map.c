#include <base/map.h>

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 16

int cjd_map_init(struct cjd_map *map, uint64_t seed)
{
    *map = (struct cjd_map){.mask = FIRST_SLOTS - 1, .seed = seed};
    map->slots = calloc(FIRST_SLOTS, sizeof *map->slots);
    return map->slots ? 0 : CJD_ERR_NO_MEMORY;
}

void cjd_map_fini(struct cjd_map *map)
{
    free(map->slots);
    *map = (struct cjd_map){0};
}

/* Folded 64 × 64 → 128 bit product: the mixing step of the wyhash family. */
static uint64_t mix(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 u128;
    u128 p = (u128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
#else
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    uint64_t cross = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    uint64_t other = (a & UINT32_MAX) * (b >> 32) + (cross & UINT32_MAX);
    uint64_t high = (a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32);
    return (other << 32 | (low & UINT32_MAX)) ^ high;
#endif
}

uint64_t cjd_map_hash(const struct cjd_map *map, const void *key, size_t len)
{
    const unsigned char *p = key;
    uint64_t h = map->seed ^ 0x9e3779b97f4a7c15ull;
    size_t left = len;

    while (left > 0) {
        uint64_t word = 0;
        size_t take = left < 8 ? left : 8;
        memcpy(&word, p, take);
        h = mix(h ^ word, map->seed | 0xa0761d6478bd642full);
        p += take;
        left -= take;
    }
    return mix(h ^ (uint64_t)len, 0xe7037ed1a0b428dbull);
}

struct cjd_map_node *cjd_map_find(const struct cjd_map *map, uint64_t hash, cjd_map_eq_fn eq,
                                  const void *key)
{
    for (struct cjd_map_node *n = map->slots[hash & map->mask]; n; n = n->next) {
        if (n->hash == hash && eq(n, key)) {
            return n;
        }
    }
    return NULL;
}

static void grow(struct cjd_map *map)
{
    size_t mask = map->mask * 2 + 1;
    struct cjd_map_node **slots = calloc(mask + 1, sizeof *slots);

    if (!slots) {
        return;
    }
    for (size_t i = 0; i <= map->mask; i++) {
        for (struct cjd_map_node *n = map->slots[i], *next; n; n = next) {
            next = n->next;
            n->next = slots[n->hash & mask];
            slots[n->hash & mask] = n;
        }
    }
    free(map->slots);
    map->slots = slots;
    map->mask = mask;
}

void cjd_map_insert(struct cjd_map *map, struct cjd_map_node *node, uint64_t hash)
{
    if (map->count > map->mask) {
        grow(map);
    }
    struct cjd_map_node **slot = &map->slots[hash & map->mask];
    node->hash = hash;
    node->next = *slot;
    *slot = node;
    map->count++;
}

void cjd_map_remove(struct cjd_map *map, struct cjd_map_node *node)
{
    for (struct cjd_map_node **at = &map->slots[node->hash & map->mask]; *at; at = &(*at)->next) {
        if (*at == node) {
            *at = node->next;
            node->next = NULL;
            map->count--;
            return;
        }
    }
}

struct cjd_map_node *cjd_map_next(const struct cjd_map *map, const struct cjd_map_node *node)
{
    size_t slot = 0;

    if (node) {
        if (node->next) {
            return node->next;
        }
        slot = (node->hash & map->mask) + 1;
    }
    for (; slot <= map->mask; slot++) {
        if (map->slots[slot]) {
            return map->slots[slot];
        }
    }
    return NULL;
}
