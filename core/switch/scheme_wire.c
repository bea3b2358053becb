/*
 * Encoding schemes as bytes: forms as bit strings, least significant bit first. Switch notes §6.
 */
#include <switch/scheme.h>

#define LEN_BITS    5u  /* of prefixLen and of bitCount */
#define HEAD_BITS   10u /* both */
#define PADDING_MAX 63u /* zero bits after the last form that the reference tolerates */

static bool bit_at(const uint8_t *bytes, size_t at)
{
    return bytes[at / 8] >> (at % 8) & 1;
}

static uint32_t get_bits(const uint8_t *bytes, size_t at, unsigned count)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < count; i++) {
        value |= (uint32_t)bit_at(bytes, at + i) << i;
    }
    return value;
}

/* Number of bits up to and with the last one that is set. */
static size_t used_bits(const uint8_t *bytes, size_t len)
{
    size_t bits = len * 8;

    while (bits > 0 && !bit_at(bytes, bits - 1)) {
        bits--;
    }
    return bits;
}

/* Reads one form at bit *at, of `bits` in all. */
static int parse_form(struct cjd_form *out, const uint8_t *bytes, size_t bits, size_t *at)
{
    if (bits - *at < HEAD_BITS) {
        return CJD_ERR_PARSE;
    }
    out->prefix_len = (uint8_t)get_bits(bytes, *at, LEN_BITS);
    out->bit_count = (uint8_t)get_bits(bytes, *at + LEN_BITS, LEN_BITS);
    *at += HEAD_BITS;
    if (out->bit_count == 0 || bits - *at < out->prefix_len) {
        return CJD_ERR_PARSE;
    }
    out->prefix = get_bits(bytes, *at, out->prefix_len);
    *at += out->prefix_len;
    return 0;
}

int cjd_scheme_parse(struct cjd_scheme *out, const uint8_t *bytes, size_t len)
{
    struct cjd_scheme s = {0};
    size_t at = 0;

    if (len > CJD_SCHEME_BYTES_MAX + PADDING_MAX / 8) {
        return CJD_ERR_PARSE;
    }
    size_t used = used_bits(bytes, len);
    while (at < used) {
        if (s.count == CJD_SCHEME_FORMS_MAX || parse_form(&s.form[s.count], bytes, len * 8, &at)) {
            return CJD_ERR_PARSE;
        }
        s.count++;
    }
    if (len * 8 - at > PADDING_MAX || cjd_scheme_finish(&s)) {
        return CJD_ERR_PARSE;
    }
    *out = s;
    return 0;
}

static void put_bits(uint8_t *bytes, size_t *at, uint32_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++, ++*at) {
        bytes[*at / 8] |= (uint8_t)((value >> i & 1) << (*at % 8));
    }
}

int cjd_scheme_serialise(const struct cjd_scheme *s, uint8_t *out, size_t cap)
{
    size_t bits = 0;
    size_t at = 0;

    for (unsigned i = 0; i < s->count; i++) {
        bits += HEAD_BITS + s->form[i].prefix_len;
    }
    size_t len = (bits + 7) / 8;
    if (len > cap) {
        return CJD_ERR_TOO_LONG;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = 0;
    }
    for (unsigned i = 0; i < s->count; i++) {
        put_bits(out, &at, s->form[i].prefix_len, LEN_BITS);
        put_bits(out, &at, s->form[i].bit_count, LEN_BITS);
        put_bits(out, &at, s->form[i].prefix, s->form[i].prefix_len);
    }
    return (int)len;
}
