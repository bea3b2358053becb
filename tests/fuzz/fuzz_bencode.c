/* The bencode reader: any bytes. What it accepts can be walked within the input and written again.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cjd/bencode.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void walk(const struct cjd_bencode *value, struct cjd_bencode_writer *out);

static void walk_list(const struct cjd_bencode *list, struct cjd_bencode_writer *out)
{
    struct cjd_bencode_iter it;
    struct cjd_bencode item;

    cjd_bencode_begin_list(out);
    cjd_bencode_iter_init(&it, list);
    while (cjd_bencode_next_item(&it, &item)) {
        walk(&item, out);
    }
    cjd_bencode_end(out);
}

static void walk_dict(const struct cjd_bencode *dict, struct cjd_bencode_writer *out)
{
    struct cjd_bencode_iter it;
    struct cjd_bencode key;
    struct cjd_bencode value;

    cjd_bencode_begin_dict(out);
    cjd_bencode_iter_init(&it, dict);
    while (cjd_bencode_next_pair(&it, &key, &value)) {
        cjd_bencode_put_string(out, key.bytes, key.len);
        walk(&value, out);
    }
    cjd_bencode_end(out);
}

/* Depth is bounded by the reader. */
static void walk(const struct cjd_bencode *value, struct cjd_bencode_writer *out)
{
    switch (value->type) {
    case CJD_BENCODE_INT:
        cjd_bencode_put_int(out, value->number);
        break;
    case CJD_BENCODE_STRING:
        cjd_bencode_put_string(out, value->bytes, value->len);
        break;
    case CJD_BENCODE_LIST:
        walk_list(value, out);
        break;
    case CJD_BENCODE_DICT:
        walk_dict(value, out);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cjd_bencode value;
    struct cjd_bencode again;
    struct cjd_bencode_writer out;
    uint8_t buf[8192];
    size_t used;

    if (cjd_bencode_parse(&value, data, size, &used) < 0) {
        return 0;
    }
    require(used > 0 && used <= size);
    cjd_bencode_writer_init(&out, buf, sizeof buf);
    walk(&value, &out);
    int len = cjd_bencode_finish(&out);
    if (len >= 0) {
        require(cjd_bencode_parse(&again, buf, (size_t)len, &used) >= 0);
        require(used == (size_t)len && again.type == value.type);
    }
    return 0;
}
