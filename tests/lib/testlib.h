/*
 * What every test program needs: cmocka with its includes, seeded and scripted randomness, hex, and
 * the known-answer files (folder CJD_VECTORS, default tests/vectors).
 */
#ifndef CJD_TESTLIB_H
#define CJD_TESTLIB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include <base/rng.h>

/* Reproducible generator (splitmix64). Not for keys outside tests. */
struct test_rng {
    uint64_t state;
};
struct cjd_rng test_rng_init(struct test_rng *r, uint64_t seed);

/* Hands out a script of bytes; fails the test when it runs dry. */
struct test_script {
    const uint8_t *bytes;
    size_t len;
    size_t at;
};
struct cjd_rng test_script_rng(struct test_script *s);

/* Hex text to bytes; fails the test on bad hex. Returns the length. */
size_t test_unhex(uint8_t *out, size_t cap, const char *hex);
/* The same for a member of a JSON object; NULL or null gives 0. */
size_t test_hex_member(uint8_t *out, size_t cap, const json_t *object, const char *name);
void test_assert_hex(const uint8_t *bytes, size_t len, const char *hex, const char *what);

const char *test_str(const json_t *object, const char *name);
int64_t test_int(const json_t *object, const char *name);
/* 16 hex digits. */
uint64_t test_label(const char *hex);

/* A vector file, e.g. "switch.json"; fails the test if it cannot be read. json_decref() it. */
json_t *test_vectors(const char *file);

#endif
