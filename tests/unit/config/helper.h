/* What the tests of the configuration share: reading a text, and finding what was said about it. */
#ifndef CONFIG_TEST_HELPER_H
#define CONFIG_TEST_HELPER_H

#include <testlib/testlib.h>

#include <config/config.h>

/* A node, and two others. */
#define OWN_SECRET "c7394046d4b5e94a1ac08f6c778feae20b099388dac0b848d9d2143bd8f0aacb"
#define OWN_KEY    "5c6cxwpyltz696pry1hgd67y0xmzq8w3h8d9jp1gqjmlkgwttxd0.k"
#define OWN_ADDR   "fc35:1f2f:b558:ee5c:3e61:84e6:759a:9f4e"
#define KEY_A      "zk4wphywp63kqzyux5rnclybs5dsby453qb4jkgpm64d785df6g0.k"
#define ADDR_A     "fccb:61e1:1555:760:835d:326c:af8:32a8"
#define KEY_B      "11wjv529ds2cmmn2bpwyjkry1sbct77nxypn4x24czydwn9zunr0.k"
/* Of no address in fc00::/8. */
#define KEY_BAD "11wjv529ds2cmmn2bpwyjkry1sbct77nxypn4x24czydwn9zunr1.k"

struct reading {
    struct cjd_config *config;
    struct cjd_diags diags;
    int err;
};

struct reading read_text(const char *text);
struct reading read_bytes(const char *text, size_t len);
void reading_fini(struct reading *r);

/* The first diagnosis at that pointer whose text contains `part`; fails if there is none. */
const struct cjd_diag *find_diag(const struct reading *r, enum cjd_severity severity,
                                 const char *pointer, const char *part);
/* The same, and its place. */
void assert_diag(const struct reading *r, enum cjd_severity severity, unsigned line,
                 unsigned column, const char *pointer, const char *part);
size_t count_diags(const struct reading *r, enum cjd_severity severity);
/* Read without errors; prints them otherwise. */
void assert_read(const struct reading *r);

/* The value behind a JSON Pointer of the native tree; fails if there is none. */
const json_t *at(const struct reading *r, const char *pointer);
void assert_text_at(const struct reading *r, const char *pointer, const char *want);

/* A whole text printed by a function that takes a FILE; the caller frees it. */
typedef int (*print_fn)(FILE *out, void *arg);
char *printed(print_fn print, void *arg, int *err);

#endif
