/* Encoding schemes: what is accepted is written in the fewest bytes and read the same; all
 * arithmetic with it stays within its definition. The last eight bytes of the input are a label. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <base/wire.h>
#include <switch/label.h>
#include <switch/scheme.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_bytes(const struct cjd_scheme *s, const uint8_t *data, size_t size)
{
    uint8_t bytes[CJD_SCHEME_BYTES_MAX];
    struct cjd_scheme again;
    int len = cjd_scheme_serialise(s, bytes, sizeof bytes);

    require(len > 0 && (size_t)len <= size);
    require(memcmp(bytes, data, (size_t)len) == 0);
    for (size_t i = (size_t)len; i < size; i++) {
        require(data[i] == 0);
    }
    require(cjd_scheme_parse(&again, bytes, (size_t)len) == 0);
    require(cjd_scheme_equal(s, &again) && s->is_358 == again.is_358);
}

static void check_label(const struct cjd_scheme *s, uint64_t label)
{
    int form = cjd_scheme_form_of(s, label);

    require(form >= -1 && form < s->count);
    for (int f = CJD_FORM_CANONICAL; f <= s->count; f++) {
        uint64_t there = cjd_scheme_convert(s, label, f);
        require(there == CJD_LABEL_INVALID || (form >= 0 && f < s->count));
    }
    (void)cjd_scheme_is_self(s, label);
    (void)cjd_scheme_is_one_hop(s, label);
    (void)cjd_scheme_label_for(s, label, cjd_label_reverse(label));
    if (form < 0) {
        return;
    }
    uint32_t iface = cjd_scheme_iface_of(s, label, form);
    unsigned width = cjd_form_width(&s->form[form]);
    uint64_t director = cjd_scheme_director(s, iface, form);
    require(director == CJD_LABEL_INVALID || director == (label & ((1ull << width) - 1)));
    require(cjd_scheme_narrowest(s, iface) >= 0 && cjd_scheme_narrowest(s, iface) <= form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cjd_scheme s;
    size_t len = size < 8 ? size : size - 8;

    if (cjd_scheme_parse(&s, data, len) == 0) {
        check_bytes(&s, data, len);
        if (size >= 8) {
            check_label(&s, cjd_load64(data + len));
        }
    }
    return 0;
}
