/*
 * What the tests of the switch room share: schemes by name, sections of vector files, packets.
 */
#ifndef CJD_SWITCH_TEST_COMMON_H
#define CJD_SWITCH_TEST_COMMON_H

#include <testlib/testlib.h>

#include <cjd/packet.h>
#include <switch/scheme.h>
#include <switch/switch.h>

/* f4, f8, v4x8 or v3x5x8 of switch notes §5; fails the test for any other name. */
const struct cjd_scheme *test_scheme(const char *name);
/* From its serialised form. */
struct cjd_scheme test_scheme_from_hex(const char *hex);

/* A list of a vector file; fails the test if it is missing or empty. */
const json_t *test_section(const json_t *root, const char *name);

/* The label in a member of a vector. */
uint64_t test_label_of(const json_t *object, const char *name);

/* One packet with room for `cap` bytes behind its headroom, on the heap and exactly that large, so
 * that the address sanitizer sees the first byte beyond. test_pkt_free() it. */
struct cjd_pkt *test_pkt_new(uint32_t headroom, uint32_t cap);
/* The same with the bytes of a hex text as data and no tailroom. */
struct cjd_pkt *test_pkt_from_hex(uint32_t headroom, const char *hex);
void test_pkt_free(struct cjd_pkt *pkt);

#endif
