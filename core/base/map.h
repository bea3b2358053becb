/*
 * Hash map of objects that embed their own link (struct cjd_map_node), keyed by bytes the owner
 * compares. The seed is random per map, so that a remote cannot choose colliding keys.
 * Grows by doubling; a failed growth only makes chains longer, so inserting never fails.
 */
#ifndef CJD_BASE_MAP_H
#define CJD_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjd/err.h>

struct cjd_map_node {
    struct cjd_map_node *next;
    uint64_t hash;
};

struct cjd_map {
    struct cjd_map_node **slots;
    size_t mask; /* slots - 1 */
    size_t count;
    uint64_t seed;
};

typedef bool (*cjd_map_eq_fn)(const struct cjd_map_node *node, const void *key);

/* The object that embeds `node` as `member`. */
#define CJD_CONTAINER_OF(node, type, member)                                                       \
    ((type *)(void *)((char *)(node)-offsetof(type, member)))

CJD_MUST_CHECK int cjd_map_init(struct cjd_map *map, uint64_t seed);
/* The objects stay with their owner. */
void cjd_map_fini(struct cjd_map *map);

uint64_t cjd_map_hash(const struct cjd_map *map, const void *key, size_t len);

struct cjd_map_node *cjd_map_find(const struct cjd_map *map, uint64_t hash, cjd_map_eq_fn eq,
                                  const void *key);
/* The caller has made sure that the key is not there yet. */
void cjd_map_insert(struct cjd_map *map, struct cjd_map_node *node, uint64_t hash);
void cjd_map_remove(struct cjd_map *map, struct cjd_map_node *node);

/* Walks all objects in no order; start with NULL. The current one may not be removed meanwhile. */
struct cjd_map_node *cjd_map_next(const struct cjd_map *map, const struct cjd_map_node *node);

#endif
