/* Text forms of keys, addresses, labels, base 32 and hex: what is read is written and read the
 * same. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cjd/text.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_key(const char *text)
{
    struct cjd_key key;
    struct cjd_key again;
    char out[CJD_KEY_TEXT_SIZE];

    if (cjd_key_from_text(&key, text) == 0) {
        cjd_key_to_text(out, &key);
        require(cjd_key_from_text(&again, out) == 0 && memcmp(&key, &again, sizeof key) == 0);
    }
}

static void check_addr(const char *text)
{
    struct cjd_addr addr;
    struct cjd_addr again;
    char out[CJD_ADDR_TEXT_SIZE];

    if (cjd_addr_from_text(&addr, text) == 0) {
        cjd_addr_to_text(out, &addr);
        require(cjd_addr_from_text(&again, out) == 0 && memcmp(&addr, &again, sizeof addr) == 0);
        cjd_addr_to_text_long(out, &addr);
        require(cjd_addr_from_text(&again, out) == 0 && memcmp(&addr, &again, sizeof addr) == 0);
    }
}

static void check_label(const char *text)
{
    uint64_t label;
    uint64_t again;
    char out[CJD_LABEL_TEXT_SIZE];

    if (cjd_label_from_text(&label, text) == 0) {
        cjd_label_to_text(out, label);
        require(cjd_label_from_text(&again, out) == 0 && label == again);
    }
}

static void check_bytes(const char *text, size_t len)
{
    uint8_t bytes[64];
    uint8_t again[64];
    char out[2 * sizeof bytes + 1];

    int n = cjd_base32_decode(bytes, sizeof bytes, text, len);
    if (n >= 0) {
        int m = cjd_base32_encode(out, sizeof out, bytes, (size_t)n);
        require(m >= 0 && cjd_base32_decode(again, sizeof again, out, (size_t)m) == n);
        require(memcmp(bytes, again, (size_t)n) == 0);
    }
    n = cjd_hex_decode(bytes, sizeof bytes, text, len);
    if (n >= 0) {
        cjd_hex_encode(out, bytes, (size_t)n);
        require(cjd_hex_decode(again, sizeof again, out, 2 * (size_t)n) == n);
        require(memcmp(bytes, again, (size_t)n) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    check_key(text);
    check_addr(text);
    check_label(text);
    check_bytes(text, size);
    free(text);
    return 0;
}
