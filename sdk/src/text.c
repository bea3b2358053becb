#include <cjd/text.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

static const char base32_alphabet[] = "0123456789bcdfghjklmnpqrstuvwxyz";

int cjd_base32_encode(char *out, size_t out_size, const uint8_t *in, size_t len)
{
    size_t n = 0;
    uint32_t acc = 0;
    unsigned bits = 0;

    if (len > out_size || (len * 8 + 4) / 5 + 1 > out_size) {
        return CJD_ERR_TOO_LONG;
    }
    for (size_t i = 0; i < len; i++) {
        acc |= (uint32_t)in[i] << bits;
        bits += 8;
        while (bits >= 5) {
            out[n++] = base32_alphabet[acc & 31];
            acc >>= 5;
            bits -= 5;
        }
    }
    if (bits > 0) {
        out[n++] = base32_alphabet[acc & 31];
    }
    out[n] = '\0';
    return (int)n;
}

static int base32_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        c = (char)(c - 'A' + 'a');
    }
    const char *at = c != '\0' ? strchr(base32_alphabet, c) : NULL;
    return at ? (int)(at - base32_alphabet) : -1;
}

int cjd_base32_decode(uint8_t *out, size_t out_size, const char *text, size_t len)
{
    size_t n = 0;
    uint32_t acc = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < len; i++) {
        int value = base32_value(text[i]);
        if (value < 0) {
            return CJD_ERR_PARSE;
        }
        acc |= (uint32_t)value << bits;
        bits += 5;
        if (bits >= 8) {
            if (n >= out_size) {
                return CJD_ERR_TOO_LONG;
            }
            out[n++] = (uint8_t)acc;
            acc >>= 8;
            bits -= 8;
        }
    }
    return bits >= 5 || acc != 0 ? CJD_ERR_PARSE : (int)n;
}

void cjd_key_to_text(char out[CJD_KEY_TEXT_SIZE], const struct cjd_key *key)
{
    int n = cjd_base32_encode(out, CJD_KEY_TEXT_SIZE, key->b, sizeof key->b);
    memcpy(out + n, ".k", 3);
}

int cjd_key_from_text(struct cjd_key *out, const char *text)
{
    struct cjd_key key;

    if (strnlen(text, CJD_KEY_TEXT_SIZE) != CJD_KEY_TEXT_SIZE - 1 ||
        strcmp(text + CJD_KEY_TEXT_SIZE - 3, ".k") != 0) {
        return CJD_ERR_PARSE;
    }
    if (cjd_base32_decode(key.b, sizeof key.b, text, CJD_KEY_TEXT_SIZE - 3) != sizeof key.b) {
        return CJD_ERR_PARSE;
    }
    *out = key;
    return 0;
}

void cjd_addr_to_text(char out[CJD_ADDR_TEXT_SIZE], const struct cjd_addr *addr)
{
    /* An fc00::/8 address never takes the mapped-IPv4 form, so 40 bytes suffice. */
    if (!inet_ntop(AF_INET6, addr->b, out, CJD_ADDR_TEXT_SIZE)) {
        out[0] = '\0';
    }
}

void cjd_addr_to_text_long(char out[CJD_ADDR_TEXT_SIZE], const struct cjd_addr *addr)
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;

    for (size_t group = 0; group < 8; group++) {
        unsigned value = (unsigned)addr->b[2 * group] << 8 | addr->b[2 * group + 1];
        if (group > 0) {
            *at++ = ':';
        }
        for (int shift = 12; shift >= 0; shift -= 4) {
            if (value >> shift != 0 || shift == 0) {
                *at++ = digits[value >> shift & 15];
            }
        }
    }
    *at = '\0';
}

int cjd_addr_from_text(struct cjd_addr *out, const char *text)
{
    struct cjd_addr addr;

    if (inet_pton(AF_INET6, text, addr.b) != 1) {
        return CJD_ERR_PARSE;
    }
    *out = addr;
    return 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void cjd_label_to_text(char out[CJD_LABEL_TEXT_SIZE], uint64_t label)
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;

    for (int shift = 60; shift >= 0; shift -= 4) {
        *at++ = digits[label >> shift & 15];
        if (shift % 16 == 0 && shift > 0) {
            *at++ = '.';
        }
    }
    *at = '\0';
}

int cjd_label_from_text(uint64_t *out, const char *text)
{
    uint64_t label = 0;

    if (strnlen(text, CJD_LABEL_TEXT_SIZE) != CJD_LABEL_TEXT_SIZE - 1) {
        return CJD_ERR_PARSE;
    }
    for (unsigned i = 0; i < CJD_LABEL_TEXT_SIZE - 1; i++) {
        if (i % 5 == 4) {
            if (text[i] != '.') {
                return CJD_ERR_PARSE;
            }
            continue;
        }
        int value = hex_value(text[i]);
        if (value < 0) {
            return CJD_ERR_PARSE;
        }
        label = label << 4 | (uint64_t)value;
    }
    *out = label;
    return 0;
}

int cjd_hex_decode(uint8_t *out, size_t out_size, const char *text, size_t len)
{
    if (len % 2 != 0) {
        return CJD_ERR_PARSE;
    }
    if (len / 2 > out_size) {
        return CJD_ERR_TOO_LONG;
    }
    for (size_t i = 0; i < len / 2; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return CJD_ERR_PARSE;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return (int)(len / 2);
}

void cjd_hex_encode(char *out, const uint8_t *in, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * len] = '\0';
}

size_t cjd_utf8_length(const char *text, size_t left)
{
    const unsigned char *b = (const unsigned char *)text;

    if (left == 0) {
        return 0;
    }
    size_t n = b[0] < 0x80 ? 1 : b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (n == 0 || n > left || b[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xf0 && b[1] < 0x90);
    bool is_no_code = (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf4 && b[1] > 0x8f);
    return is_overlong || is_no_code ? 0 : n;
}
