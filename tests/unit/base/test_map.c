/* The hash map against a list of what should be in it. */
#include <testlib/testlib.h>

#include <base/map.h>

#define OBJECTS 700u
#define ROUNDS  60000u

struct object {
    uint32_t before; /* so that the node is not at the front */
    struct cjd_map_node node;
    uint32_t key;
    bool is_in;
    bool is_seen;
};

static bool has_key(const struct cjd_map_node *node, const void *key)
{
    return CJD_CONTAINER_OF(node, const struct object, node)->key == *(const uint32_t *)key;
}

/* Few hashes: chains are long, and equal hashes have different keys. */
static uint64_t hash_of(const struct cjd_map *map, const struct object *o, bool is_poor)
{
    return is_poor ? o->key % 5 : cjd_map_hash(map, &o->key, sizeof o->key);
}

static void check_walk(const struct cjd_map *map, struct object *objects)
{
    size_t count = 0;

    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i].is_seen = false;
    }
    for (struct cjd_map_node *n = cjd_map_next(map, NULL); n; n = cjd_map_next(map, n)) {
        struct object *o = CJD_CONTAINER_OF(n, struct object, node);
        assert_true(o->is_in);
        assert_false(o->is_seen);
        o->is_seen = true;
        count++;
    }
    assert_int_equal(count, map->count);
    for (unsigned i = 0; i < OBJECTS; i++) {
        assert_int_equal(objects[i].is_seen, objects[i].is_in);
    }
}

static void toggle(struct cjd_map *map, struct object *o, bool is_poor)
{
    if (o->is_in) {
        cjd_map_remove(map, &o->node);
    } else {
        cjd_map_insert(map, &o->node, hash_of(map, o, is_poor));
    }
    o->is_in = !o->is_in;
}

static void random_run(uint64_t seed, bool is_poor)
{
    static struct object objects[OBJECTS];
    struct test_rng rng_state;
    struct cjd_rng rng = test_rng_init(&rng_state, seed);
    struct cjd_map map;
    size_t count = 0;

    memset(objects, 0, sizeof objects);
    assert_int_equal(cjd_map_init(&map, cjd_rng_u64(&rng)), 0);
    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i].key = i * 0x9e3779b1u;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct object *o = &objects[cjd_rng_below(&rng, OBJECTS)];
        struct cjd_map_node *found =
            cjd_map_find(&map, hash_of(&map, o, is_poor), has_key, &o->key);
        assert_ptr_equal(found, o->is_in ? &o->node : NULL);
        /* Mostly in, then mostly out, so that it grows and drains. */
        if (o->is_in != (i % 20000 < 10000) || cjd_rng_below(&rng, 4) == 0) {
            count = o->is_in ? count - 1 : count + 1;
            toggle(&map, o, is_poor);
        }
        assert_int_equal(map.count, count);
        if (i % 500 == 0) {
            check_walk(&map, objects);
        }
    }
    check_walk(&map, objects);
    cjd_map_fini(&map);
}

static void against_a_list(void **state)
{
    (void)state;
    random_run(1, false);
    random_run(2, true);
}

static void grows(void **state)
{
    (void)state;
    static struct object objects[OBJECTS];
    struct cjd_map map;

    assert_int_equal(cjd_map_init(&map, 7), 0);
    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i] = (struct object){.key = i};
        toggle(&map, &objects[i], false);
    }
    assert_true(map.mask + 1 >= OBJECTS / 2);
    assert_int_equal(map.count, OBJECTS);
    check_walk(&map, objects);
    cjd_map_fini(&map);
    assert_null(map.slots);
}

static void remove_of_a_stranger(void **state)
{
    (void)state;
    struct object in = {.key = 1};
    struct object out = {.key = 2};
    struct cjd_map map;

    assert_int_equal(cjd_map_init(&map, 7), 0);
    toggle(&map, &in, false);
    cjd_map_remove(&map, &out.node);
    assert_int_equal(map.count, 1);
    cjd_map_fini(&map);
}

static void empty(void **state)
{
    (void)state;
    struct cjd_map map;
    uint32_t key = 5;

    assert_int_equal(cjd_map_init(&map, 7), 0);
    assert_null(cjd_map_next(&map, NULL));
    assert_null(cjd_map_find(&map, cjd_map_hash(&map, &key, sizeof key), has_key, &key));
    cjd_map_fini(&map);
}

/* Calculated with arbitrary-precision integers; the same with and without a 128-bit type. The words
 * of the keys read the same in both byte orders. */
static void hash_is_what_it_was(void **state)
{
    (void)state;
    struct cjd_map map = {.seed = 0x0123456789abcdefull};
    uint8_t key[16];

    memset(key, 0xa5, sizeof key);
    assert_int_equal(cjd_map_hash(&map, key, 0), 0x392386affa10c5afull);
    assert_int_equal(cjd_map_hash(&map, key, 8), 0xd2d63abd83114918ull);
    assert_int_equal(cjd_map_hash(&map, key, 16), 0x19d96b3a9c67f443ull);
}

/* Every byte, the length and the seed count. */
static void hash_depends_on_all(void **state)
{
    (void)state;
    struct cjd_map map = {.seed = 1};
    struct cjd_map other = {.seed = 2};
    uint8_t key[40] = {0};

    for (size_t len = 0; len <= sizeof key; len++) {
        uint64_t hash = cjd_map_hash(&map, key, len);
        assert_int_equal(hash, cjd_map_hash(&map, key, len));
        assert_true(hash != cjd_map_hash(&other, key, len));
        if (len < sizeof key) {
            assert_true(hash != cjd_map_hash(&map, key, len + 1));
        }
        for (size_t i = 0; i < len; i++) {
            key[i] = 1;
            assert_true(hash != cjd_map_hash(&map, key, len));
            key[i] = 0;
        }
    }
}

/* 4096 keys in 64 slots: no slot takes more than twice its share. */
static void hash_spreads(void **state)
{
    (void)state;
    struct cjd_map map = {.seed = 99};
    unsigned load[64] = {0};

    for (uint32_t i = 0; i < 4096; i++) {
        load[cjd_map_hash(&map, &i, sizeof i) % 64]++;
    }
    for (unsigned i = 0; i < 64; i++) {
        assert_in_range(load[i], 1, 128);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_a_list),       cmocka_unit_test(grows),
        cmocka_unit_test(remove_of_a_stranger), cmocka_unit_test(empty),
        cmocka_unit_test(hash_is_what_it_was),  cmocka_unit_test(hash_depends_on_all),
        cmocka_unit_test(hash_spreads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
