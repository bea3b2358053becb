#include <testlib/testlib.h>

#include <cjd/text.h>

static void splitmix_fill(void *ctx, void *buf, size_t n)
{
    struct test_rng *r = ctx;
    uint8_t *out = buf;

    while (n > 0) {
        r->state += 0x9e3779b97f4a7c15ull;
        uint64_t z = r->state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        z ^= z >> 31;
        size_t take = n < sizeof z ? n : sizeof z;
        memcpy(out, &z, take);
        out += take;
        n -= take;
    }
}

struct cjd_rng test_rng_init(struct test_rng *r, uint64_t seed)
{
    r->state = seed;
    return (struct cjd_rng){.fill = splitmix_fill, .ctx = r};
}

static void script_fill(void *ctx, void *buf, size_t n)
{
    struct test_script *s = ctx;

    if (n > s->len - s->at) {
        fail_msg("scripted randomness ran dry: %zu wanted, %zu left", n, s->len - s->at);
    }
    memcpy(buf, s->bytes + s->at, n);
    s->at += n;
}

struct cjd_rng test_script_rng(struct test_script *s)
{
    return (struct cjd_rng){.fill = script_fill, .ctx = s};
}

size_t test_unhex(uint8_t *out, size_t cap, const char *hex)
{
    int n = cjd_hex_decode(out, cap, hex, strlen(hex));
    if (n < 0) {
        fail_msg("bad hex (%d): %.80s", n, hex);
    }
    return (size_t)n;
}

size_t test_hex_member(uint8_t *out, size_t cap, const json_t *object, const char *name)
{
    const char *hex = json_string_value(json_object_get(object, name));
    return hex ? test_unhex(out, cap, hex) : 0;
}

void test_assert_hex(const uint8_t *bytes, size_t len, const char *hex, const char *what)
{
    char *mine = malloc(2 * len + 1);
    assert_non_null(mine);
    cjd_hex_encode(mine, bytes, len);
    if (strcmp(mine, hex) != 0) {
        print_error("%s\n  got  %s\n  want %s\n", what, mine, hex);
        free(mine);
        fail_msg("%s differs", what);
    }
    free(mine);
}

const char *test_str(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));
    if (!s) {
        fail_msg("no text \"%s\" in vector", name);
    }
    return s;
}

int64_t test_int(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);
    if (!json_is_integer(v)) {
        fail_msg("no integer \"%s\" in vector", name);
    }
    return json_integer_value(v);
}

uint64_t test_label(const char *hex)
{
    return strtoull(hex, NULL, 16);
}

json_t *test_vectors(const char *file)
{
    const char *dir = getenv("CJD_VECTORS");
    char path[1024];
    json_error_t error;

    snprintf(path, sizeof path, "%s/%s", dir ? dir : CJD_VECTORS_DEFAULT, file);
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (!root) {
        fail_msg("%s:%d: %s", path, error.line, error.text);
    }
    return root;
}
