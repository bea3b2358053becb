/* Answers: JSON values to bencode, strictly sorted and without padding (§2). */
#include "admin.h"

#include <stdlib.h>
#include <string.h>

#include <cjd/text.h>

#define DEPTH_MAX 10u
#define KEYS_MAX  256u
#define BYTES_KEY "\001bytes"

json_t *admin_bytes(const void *bytes, size_t len)
{
    char *hex = malloc(2 * len + 1);
    json_t *out = NULL;

    if (hex) {
        cjd_hex_encode(hex, bytes, len);
        out = json_pack("{s:s}", BYTES_KEY, hex);
    }
    free(hex);
    return out;
}

static void put_value(struct cjd_bencode_writer *w, const json_t *value, unsigned depth);

static void put_bytes(struct cjd_bencode_writer *w, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *bytes = malloc(len + 1);

    if (!bytes || cjd_hex_decode(bytes, len + 1, hex, 2 * len) < 0) {
        w->overflow = true;
    } else {
        cjd_bencode_put_string(w, bytes, len);
    }
    free(bytes);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_dict(struct cjd_bencode_writer *w, const json_t *value, unsigned depth)
{
    const char *keys[KEYS_MAX];
    const char *hex = json_string_value(json_object_get(value, BYTES_KEY));
    const char *key;
    json_t *member;
    size_t n = 0;

    if (hex) {
        put_bytes(w, hex);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (!json_is_null(member)) {
            w->overflow = w->overflow || n == KEYS_MAX;
            keys[n < KEYS_MAX ? n++ : 0] = key;
        }
    }
    qsort(keys, n, sizeof keys[0], by_bytes);
    cjd_bencode_begin_dict(w);
    for (size_t i = 0; i < n; i++) {
        cjd_bencode_put_text(w, keys[i]);
        put_value(w, json_object_get(value, keys[i]), depth + 1);
    }
    cjd_bencode_end(w);
}

static void put_list(struct cjd_bencode_writer *w, const json_t *value, unsigned depth)
{
    size_t i;
    json_t *item;

    cjd_bencode_begin_list(w);
    json_array_foreach((json_t *)(uintptr_t)value, i, item)
    {
        put_value(w, item, depth + 1);
    }
    cjd_bencode_end(w);
}

static void put_value(struct cjd_bencode_writer *w, const json_t *value, unsigned depth)
{
    if (depth > DEPTH_MAX) {
        w->overflow = true;
    } else if (json_is_object(value)) {
        put_dict(w, value, depth);
    } else if (json_is_array(value)) {
        put_list(w, value, depth);
    } else if (json_is_string(value)) {
        cjd_bencode_put_string(w, json_string_value(value), json_string_length(value));
    } else if (json_is_real(value)) {
        cjd_bencode_put_int(w, (int64_t)json_real_value(value));
    } else if (json_is_integer(value)) {
        cjd_bencode_put_int(w, json_integer_value(value));
    } else {
        cjd_bencode_put_int(w, json_is_true(value));
    }
}

int admin_render(uint8_t *out, size_t cap, const json_t *value)
{
    struct cjd_bencode_writer w;

    cjd_bencode_writer_init(&w, out, cap);
    put_value(&w, value, 0);
    return cjd_bencode_finish(&w);
}
