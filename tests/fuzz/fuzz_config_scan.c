/* The configuration's scanner in all dialects: what it makes is JSON, every place leads back to its
 * value, the native dialect contains the strict one, and cleaning twice changes nothing. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <config/config.h>
#include <config/source.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_places(const struct cjd_source *s)
{
    for (uint32_t i = 0; i < s->count && i < 64; i++) {
        const char *pointer = cjd_source_pointer(s, i);
        /* Longer parts than any key of ours are not followed. */
        require(strlen(pointer) > 500 || cjd_source_find(s, pointer) == i);
    }
}

/* NULL: not accepted. */
static struct cjd_source *scan(const char *text, size_t len, enum cjd_dialect dialect)
{
    struct cjd_source *s;
    int err = cjd_source_new(&s, text, len, dialect);

    require(s != NULL);
    if (err < 0) {
        require(s->remark_count > 0);
        cjd_source_free(s);
        return NULL;
    }
    json_t *tree = cjd_source_tree(s);
    require(tree != NULL);
    json_decref(tree);
    check_places(s);
    return s;
}

static char *clean(const char *text, size_t len, size_t *out_len)
{
    struct cjd_diags diags = {0};
    char *out = NULL;
    FILE *file = open_memstream(&out, out_len);

    require(file != NULL);
    int err = cjd_config_clean(file, text, len, &diags);
    require(err == 0 ? diags.errors == 0 : err == CJD_ERR_CONFIG && diags.errors > 0);
    require(fclose(file) == 0);
    cjd_diags_fini(&diags);
    if (err < 0) {
        require(*out_len == 0);
        free(out);
        out = NULL;
    }
    return out;
}

static void check_clean(const char *text, size_t len)
{
    size_t once_len;
    size_t twice_len;
    char *once = clean(text, len, &once_len);

    if (once) {
        char *twice = clean(once, once_len, &twice_len);
        require(twice && twice_len == once_len && memcmp(once, twice, once_len) == 0);
        free(twice);
        free(once);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size > 0 ? size : 1);

    require(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    cjd_source_free(scan(text, size, CJD_DIALECT_LEGACY));
    struct cjd_source *strict = scan(text, size, CJD_DIALECT_STRICT);
    struct cjd_source *native = scan(text, size, CJD_DIALECT_NATIVE);
    require(!strict || native);
    cjd_source_free(strict);
    cjd_source_free(native);
    check_clean(text, size);
    free(text);
    return 0;
}
