#include <cjd/bencode.h>

#include <string.h>

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static int parse_value(struct cursor *c, struct cjd_bencode *out, unsigned depth);

/* Digits up to `stop`, as an unsigned number of at most `max`. Leading zeros are legal. */
static int parse_digits(struct cursor *c, uint8_t stop, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    bool any = false;

    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        uint64_t digit = (uint64_t)(*c->at - '0');
        if (value > (max - digit) / 10) {
            return CJD_ERR_PARSE;
        }
        value = value * 10 + digit;
        any = true;
    }
    if (!any || c->at >= c->end || *c->at != stop) {
        return CJD_ERR_PARSE;
    }
    c->at++;
    *out = value;
    return 0;
}

static int parse_int(struct cursor *c, struct cjd_bencode *out)
{
    uint64_t magnitude;
    bool negative = false;

    c->at++; /* 'i' */
    if (c->at < c->end && *c->at == '-') {
        negative = true;
        c->at++;
    }
    uint64_t max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    int err = parse_digits(c, 'e', max, &magnitude);
    if (err) {
        return err;
    }
    out->type = CJD_BENCODE_INT;
    /* Two steps, since the magnitude of INT64_MIN does not fit. */
    out->number = negative && magnitude > 0 ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    return 0;
}

static int parse_string(struct cursor *c, struct cjd_bencode *out)
{
    uint64_t len;
    int err = parse_digits(c, ':', (uint64_t)INT32_MAX, &len);

    if (err) {
        return err;
    }
    if (len > (uint64_t)(c->end - c->at)) {
        return CJD_ERR_PARSE;
    }
    out->type = CJD_BENCODE_STRING;
    out->bytes = c->at;
    out->len = (size_t)len;
    c->at += len;
    return 0;
}

static int parse_container(struct cursor *c, struct cjd_bencode *out, unsigned depth)
{
    bool dict = *c->at == 'd';
    struct cjd_bencode item;

    if (depth == 0) {
        return CJD_ERR_PARSE;
    }
    out->type = dict ? CJD_BENCODE_DICT : CJD_BENCODE_LIST;
    out->bytes = c->at;
    c->at++;
    while (c->at < c->end && *c->at != 'e') {
        int err = 0;
        if (dict) {
            err = parse_string(c, &item);
        }
        if (!err) {
            err = parse_value(c, &item, depth - 1);
        }
        if (err) {
            return err;
        }
    }
    if (c->at >= c->end) {
        return CJD_ERR_PARSE;
    }
    c->at++; /* 'e' */
    out->len = (size_t)(c->at - out->bytes);
    return 0;
}

static int parse_value(struct cursor *c, struct cjd_bencode *out, unsigned depth)
{
    *out = (struct cjd_bencode){0};
    if (c->at >= c->end) {
        return CJD_ERR_PARSE;
    }
    switch (*c->at) {
    case 'i':
        return parse_int(c, out);
    case 'l':
    case 'd':
        return parse_container(c, out, depth);
    default:
        return parse_string(c, out);
    }
}

int cjd_bencode_parse(struct cjd_bencode *out, const uint8_t *in, size_t len, size_t *used)
{
    /* Nothing is added to the NULL that may stand for no bytes. */
    struct cursor c = {.at = in, .end = len > 0 ? in + len : in};
    int err = parse_value(&c, out, CJD_BENCODE_DEPTH);

    *used = err ? 0 : (size_t)(c.at - in);
    return err;
}

void cjd_bencode_iter_init(struct cjd_bencode_iter *it, const struct cjd_bencode *container)
{
    it->at = NULL;
    it->end = NULL;
    if (container->type == CJD_BENCODE_LIST || container->type == CJD_BENCODE_DICT) {
        it->at = container->bytes + 1;
        it->end = container->bytes + container->len - 1;
    }
}

bool cjd_bencode_next_item(struct cjd_bencode_iter *it, struct cjd_bencode *item)
{
    struct cursor c = {.at = it->at, .end = it->end};

    if (it->at >= it->end || parse_value(&c, item, CJD_BENCODE_DEPTH)) {
        it->at = it->end;
        return false;
    }
    it->at = c.at;
    return true;
}

bool cjd_bencode_next_pair(struct cjd_bencode_iter *it, struct cjd_bencode *key,
                           struct cjd_bencode *value)
{
    return cjd_bencode_next_item(it, key) && cjd_bencode_next_item(it, value);
}

bool cjd_bencode_find(const struct cjd_bencode *dict, const char *key, struct cjd_bencode *value)
{
    struct cjd_bencode_iter it;
    struct cjd_bencode name;
    size_t len = strlen(key);

    if (dict->type != CJD_BENCODE_DICT) {
        return false;
    }
    cjd_bencode_iter_init(&it, dict);
    while (cjd_bencode_next_pair(&it, &name, value)) {
        if (name.type == CJD_BENCODE_STRING && name.len == len &&
            memcmp(name.bytes, key, len) == 0) {
            return true;
        }
    }
    return false;
}

void cjd_bencode_writer_init(struct cjd_bencode_writer *w, uint8_t *buf, size_t cap)
{
    *w = (struct cjd_bencode_writer){.buf = buf, .cap = cap};
}

static void put(struct cjd_bencode_writer *w, const void *bytes, size_t len)
{
    if (w->overflow || len > w->cap - w->len) {
        w->overflow = true;
        return;
    }
    if (len > 0) {
        memcpy(w->buf + w->len, bytes, len);
        w->len += len;
    }
}

static void put_decimal(struct cjd_bencode_writer *w, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put(w, digits + at, sizeof digits - at);
}

void cjd_bencode_put_int(struct cjd_bencode_writer *w, int64_t number)
{
    put(w, "i", 1);
    if (number < 0) {
        put(w, "-", 1);
    }
    put_decimal(w, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
    put(w, "e", 1);
}

void cjd_bencode_put_string(struct cjd_bencode_writer *w, const void *bytes, size_t len)
{
    put_decimal(w, len);
    put(w, ":", 1);
    put(w, bytes, len);
}

void cjd_bencode_put_text(struct cjd_bencode_writer *w, const char *text)
{
    cjd_bencode_put_string(w, text, strlen(text));
}

void cjd_bencode_begin_dict(struct cjd_bencode_writer *w)
{
    put(w, "d", 1);
}

void cjd_bencode_begin_list(struct cjd_bencode_writer *w)
{
    put(w, "l", 1);
}

void cjd_bencode_end(struct cjd_bencode_writer *w)
{
    put(w, "e", 1);
}

int cjd_bencode_finish(const struct cjd_bencode_writer *w)
{
    return w->overflow ? CJD_ERR_TOO_LONG : (int)w->len;
}
