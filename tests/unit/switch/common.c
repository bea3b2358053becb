#include "common.h"

const struct cjd_scheme *test_scheme(const char *name)
{
    static const struct cjd_scheme f4 = {.count = 1, .form = {{0, 4, 0}}};
    static const struct cjd_scheme f8 = {.count = 1, .form = {{0, 8, 0}}};
    static const struct cjd_scheme v4x8 = {.count = 2, .form = {{1, 4, 1}, {1, 8, 0}}};
    const struct {
        const char *name;
        const struct cjd_scheme *scheme;
    } known[] = {{"f4", &f4}, {"f8", &f8}, {"v4x8", &v4x8}, {"v3x5x8", cjd_scheme_358()}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) == 0) {
            return known[i].scheme;
        }
    }
    fail_msg("no scheme \"%s\"", name);
    return NULL;
}

struct cjd_scheme test_scheme_from_hex(const char *hex)
{
    struct cjd_scheme s;
    uint8_t bytes[256];
    size_t len = test_unhex(bytes, sizeof bytes, hex);

    assert_int_equal(cjd_scheme_parse(&s, bytes, len), 0);
    return s;
}

const json_t *test_section(const json_t *root, const char *name)
{
    const json_t *section = json_object_get(root, name);

    if (!json_is_array(section) || json_array_size(section) == 0) {
        fail_msg("no cases in \"%s\"", name);
    }
    return section;
}

uint64_t test_label_of(const json_t *object, const char *name)
{
    return test_label(test_str(object, name));
}

struct cjd_pkt *test_pkt_new(uint32_t headroom, uint32_t cap)
{
    struct cjd_pkt *pkt = calloc(1, sizeof *pkt);

    assert_non_null(pkt);
    pkt->buf = malloc(headroom + cap > 0 ? headroom + cap : 1);
    assert_non_null(pkt->buf);
    memset(pkt->buf, 0xa5, headroom + cap);
    pkt->off = headroom;
    pkt->cap = headroom + cap;
    return pkt;
}

struct cjd_pkt *test_pkt_from_hex(uint32_t headroom, const char *hex)
{
    uint32_t len = (uint32_t)(strlen(hex) / 2);
    struct cjd_pkt *pkt = test_pkt_new(headroom, len);

    assert_int_equal(test_unhex(pkt->buf + headroom, len, hex), len);
    pkt->len = len;
    return pkt;
}

void test_pkt_free(struct cjd_pkt *pkt)
{
    free(pkt->buf);
    free(pkt);
}
