#include <switch/scheme.h>

#include <switch/label.h>

#define WIDTH_MAX 59u /* §4.2 rule 3: a director and its end marker fit below bit 60 */

static const struct cjd_scheme scheme_358 = {
    .count = 3,
    .is_358 = true,
    .form = {{.prefix_len = 1, .bit_count = 3, .prefix = 1},
             {.prefix_len = 2, .bit_count = 5, .prefix = 2},
             {.prefix_len = 2, .bit_count = 8, .prefix = 0}},
};

const struct cjd_scheme *cjd_scheme_358(void)
{
    return &scheme_358;
}

static uint64_t low_bits(uint64_t value, unsigned count)
{
    return value & ((1ull << count) - 1);
}

static bool fits(uint64_t value, unsigned bit_count)
{
    return value >> bit_count == 0;
}

bool cjd_scheme_equal(const struct cjd_scheme *a, const struct cjd_scheme *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (unsigned i = 0; i < a->count; i++) {
        const struct cjd_form *f = &a->form[i];
        const struct cjd_form *g = &b->form[i];
        if (f->prefix_len != g->prefix_len || f->bit_count != g->bit_count ||
            f->prefix != g->prefix) {
            return false;
        }
    }
    return true;
}

static bool is_valid_form(const struct cjd_form *f)
{
    return f->prefix_len <= 31 && f->bit_count >= 1 && f->bit_count <= 31 &&
           cjd_form_width(f) <= WIDTH_MAX && fits(f->prefix, f->prefix_len);
}

/* §4.2 rules 3 to 5 for form `i` against all before it. */
static bool is_valid_among(const struct cjd_scheme *s, unsigned i)
{
    const struct cjd_form *f = &s->form[i];

    if (f->prefix_len == 0 || (i > 0 && f->bit_count <= s->form[i - 1].bit_count)) {
        return false;
    }
    for (unsigned k = 0; k < i; k++) {
        const struct cjd_form *g = &s->form[k];
        /* One prefix ends in the other if they agree in the bits that both have. */
        unsigned shared = f->prefix_len < g->prefix_len ? f->prefix_len : g->prefix_len;
        if (low_bits(f->prefix ^ g->prefix, shared) == 0) {
            return false;
        }
    }
    return true;
}

int cjd_scheme_finish(struct cjd_scheme *s)
{
    s->is_358 = false;
    if (s->count < 1 || s->count > CJD_SCHEME_FORMS_MAX) {
        return CJD_ERR_INVALID;
    }
    for (unsigned i = 0; i < s->count; i++) {
        if (!is_valid_form(&s->form[i])) {
            return CJD_ERR_INVALID;
        }
        if (s->count == 1 ? s->form[i].prefix_len != 0 : !is_valid_among(s, i)) {
            return CJD_ERR_INVALID;
        }
    }
    s->is_358 = cjd_scheme_equal(s, &scheme_358);
    return 0;
}

int cjd_scheme_form_of(const struct cjd_scheme *s, uint64_t label)
{
    /* The data path: two bits tell all. */
    static const int8_t form_358[4] = {2, 0, 1, 0};

    if (s->is_358) {
        return form_358[label & 3];
    }
    if (s->count == 1) {
        return 0;
    }
    for (int i = 0; i < s->count; i++) {
        if (low_bits(label, s->form[i].prefix_len) == s->form[i].prefix) {
            return i;
        }
    }
    return -1;
}

/* §4.1: numbers and values of 0 and 1 change places, so that the self director has value 0. */
static uint32_t swap_0_1(uint32_t n)
{
    return n < 2 ? n ^ 1 : n;
}

static uint32_t value_of(const struct cjd_form *f, uint64_t label)
{
    return (uint32_t)low_bits(label >> f->prefix_len, f->bit_count);
}

static uint32_t iface_from_value(const struct cjd_scheme *s, uint32_t value, int form)
{
    if (s->is_358) {
        return form == 0 ? swap_0_1(value) : value + (value != 0);
    }
    return s->count == 1 ? value : value ^ 1;
}

static uint32_t value_from_iface(const struct cjd_scheme *s, uint32_t iface, int form)
{
    if (s->is_358) {
        return form == 0 ? swap_0_1(iface) : iface - (iface != 0);
    }
    return s->count == 1 ? iface : iface ^ 1;
}

uint32_t cjd_scheme_iface_of(const struct cjd_scheme *s, uint64_t label, int form)
{
    return iface_from_value(s, value_of(&s->form[form], label), form);
}

int cjd_scheme_narrowest(const struct cjd_scheme *s, uint32_t iface)
{
    for (int i = 0; i < s->count; i++) {
        uint32_t tested = s->is_358 ? value_from_iface(s, iface, i) : iface;
        if (fits(tested, s->form[i].bit_count)) {
            return i;
        }
    }
    return -1;
}

static uint64_t join(const struct cjd_form *f, uint64_t value)
{
    return value << f->prefix_len | f->prefix;
}

uint64_t cjd_scheme_director(const struct cjd_scheme *s, uint32_t iface, int form)
{
    const struct cjd_form *f = &s->form[form];
    uint32_t value = value_from_iface(s, iface, form);

    /* Beyond form 0 of v3x5x8 there is no code for interface 1: its value means interface 0. */
    if (!fits(value, f->bit_count) || (s->is_358 && form > 0 && iface == 1)) {
        return CJD_LABEL_INVALID;
    }
    return join(f, value);
}

uint64_t cjd_scheme_peer_label(const struct cjd_scheme *s, uint32_t iface)
{
    int form = cjd_scheme_narrowest(s, iface);

    if (form < 0) {
        return CJD_LABEL_INVALID;
    }
    return cjd_scheme_director(s, iface, form) | 1ull << cjd_form_width(&s->form[form]);
}

bool cjd_scheme_is_self(const struct cjd_scheme *s, uint64_t label)
{
    int form = cjd_scheme_form_of(s, label);
    return form >= 0 && low_bits(label, cjd_form_width(&s->form[form])) == 1;
}

bool cjd_scheme_is_one_hop(const struct cjd_scheme *s, uint64_t label)
{
    int form = cjd_scheme_form_of(s, label);
    return form >= 0 && cjd_log2(label) == cjd_form_width(&s->form[form]);
}

/* §10.1 step 5. Can pick a form that is one bit too small; the conversion then fails later. */
static int canonical_form(const struct cjd_scheme *s, uint32_t n)
{
    uint32_t less = n > 0 ? n - 1 : 0;

    for (int i = 0; i < s->count; i++) {
        if (fits(s->form[i].prefix == 1 ? n : less, s->form[i].bit_count)) {
            return i;
        }
    }
    return s->count;
}

/* §10.1 steps 5 to 8: value or interface `n` in form `form`, in front of `rest`. */
static uint64_t reencode(const struct cjd_scheme *s, uint64_t rest, uint32_t n, int form)
{
    if (form == CJD_FORM_CANONICAL) {
        form = canonical_form(s, n);
    }
    if (form < 0 || form >= s->count) {
        return CJD_LABEL_INVALID;
    }
    const struct cjd_form *f = &s->form[form];
    uint64_t value = s->is_358 ? value_from_iface(s, n, form) : n;
    unsigned width = cjd_form_width(f);
    if (!fits(value, f->bit_count) || cjd_log2(rest) + width > CJD_LABEL_MAX_LOG2 ||
        join(f, value) == CJD_LABEL_SELF) {
        return CJD_LABEL_INVALID;
    }
    return rest << width | join(f, value);
}

uint64_t cjd_scheme_convert(const struct cjd_scheme *s, uint64_t label, int form)
{
    int from = cjd_scheme_form_of(s, label);

    if (from < 0) {
        return CJD_LABEL_INVALID;
    }
    if (s->count == 1 || cjd_scheme_is_self(s, label)) {
        return form == 0 || form == CJD_FORM_CANONICAL ? label : CJD_LABEL_INVALID;
    }
    const struct cjd_form *f = &s->form[from];
    uint32_t value = value_of(f, label);
    return reencode(s, label >> cjd_form_width(f),
                    s->is_358 ? iface_from_value(s, value, from) : value, form);
}

uint64_t cjd_scheme_label_for(const struct cjd_scheme *s, uint64_t target, uint64_t asker)
{
    int from = cjd_scheme_form_of(s, target);
    int to = cjd_scheme_form_of(s, asker);

    if (from < 0 || to < 0) {
        return CJD_LABEL_INVALID;
    }
    unsigned width = cjd_form_width(&s->form[from]);
    unsigned width_to = cjd_form_width(&s->form[to]);
    if (width >= width_to) {
        return target;
    }
    uint32_t iface = cjd_scheme_iface_of(s, target, from);
    /* Self is the integer 1 in any width, §5.1. */
    uint64_t director = iface == 1 ? CJD_LABEL_SELF : cjd_scheme_director(s, iface, to);
    return director == CJD_LABEL_INVALID ? director : (target >> width) << width_to | director;
}

uint64_t cjd_route_build(const struct cjd_hop *hops, size_t count)
{
    uint64_t path = CJD_LABEL_SELF;

    for (size_t i = 0; i < count; i++) {
        uint64_t label = hops[i].label;
        if (cjd_scheme_form_of(hops[i].scheme, label) < hops[i].back_form) {
            label = cjd_scheme_convert(hops[i].scheme, label, hops[i].back_form);
        }
        path = label == CJD_LABEL_INVALID ? label : cjd_label_splice(label, path);
        if (path == CJD_LABEL_INVALID) {
            break;
        }
    }
    return path;
}
