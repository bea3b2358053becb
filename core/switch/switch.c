#include <switch/switch.h>

#include <string.h>

#include <base/wire.h>
#include <switch/ctrl.h>

#define AT_FLAGS   8u  /* congestion, suppress errors */
#define AT_SHIFT   9u  /* version, label shift */
#define AT_CLASS   10u /* traffic class */
#define SHIFT_MASK 0x3fu
#define UNCLASSED  0xffffu
#define SELF_BITS  4u /* the self director is 0001 in at least this many bits, §4.3 */
/* Shorter frames get no error: header and the word behind it, §8.1. */
#define ERRABLE_BYTES (CJD_SWITCH_HEADER_BYTES + 4u)

void cjd_switch_header_read(struct cjd_switch_header *out, const uint8_t *bytes)
{
    out->label = cjd_load64(bytes);
    out->congestion = bytes[AT_FLAGS] >> 1;
    out->suppress_errors = bytes[AT_FLAGS] & 1;
    out->version = bytes[AT_SHIFT] >> 6;
    out->shift = bytes[AT_SHIFT] & SHIFT_MASK;
    out->traffic_class = cjd_load16(bytes + AT_CLASS);
}

void cjd_switch_header_write(uint8_t *bytes, const struct cjd_switch_header *h)
{
    cjd_store64(bytes, h->label);
    bytes[AT_FLAGS] = (uint8_t)((unsigned)h->congestion << 1 | h->suppress_errors);
    bytes[AT_SHIFT] = (uint8_t)((unsigned)h->version << 6 | (h->shift & SHIFT_MASK));
    cjd_store16(bytes + AT_CLASS, h->traffic_class);
}

void cjd_switch_init(struct cjd_switch *sw, const struct cjd_scheme *scheme)
{
    memset(sw, 0, sizeof *sw);
    sw->scheme = *scheme;
    sw->state[CJD_SWITCH_SELF] = CJD_IFACE_UP;
    for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
        sw->narrowest[i] = (int16_t)cjd_scheme_narrowest(scheme, i);
    }
}

int cjd_switch_iface_add(struct cjd_switch *sw)
{
    for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
        if (sw->state[i] == CJD_IFACE_FREE && sw->narrowest[i] >= 0) {
            sw->state[i] = CJD_IFACE_UP;
            return (int)i;
        }
    }
    return CJD_ERR_FULL;
}

static bool is_link(const struct cjd_switch *sw, uint32_t iface)
{
    return iface < CJD_SWITCH_IFACES && iface != CJD_SWITCH_SELF &&
           sw->state[iface] != CJD_IFACE_FREE;
}

void cjd_switch_iface_del(struct cjd_switch *sw, uint32_t iface)
{
    if (is_link(sw, iface)) {
        sw->state[iface] = CJD_IFACE_FREE;
    }
}

void cjd_switch_iface_set_up(struct cjd_switch *sw, uint32_t iface, bool is_up)
{
    if (is_link(sw, iface)) {
        sw->state[iface] = is_up ? CJD_IFACE_UP : CJD_IFACE_DOWN;
    }
}

/* One frame on its way through the switch; the names of switch notes §7.1. */
struct step {
    uint64_t label;  /* L */
    uint32_t source; /* s */
    uint32_t dest;   /* d */
    int form;        /* the return director is written in it */
    unsigned width;  /* b */
};

struct refusal {
    enum cjd_switch_error error;
    enum cjd_drop reason;
};

static const struct refusal no_refusal = {CJD_SWITCH_ERR_NONE, CJD_DROP_COUNT};
static const struct refusal malformed = {CJD_SWITCH_ERR_MALFORMED, CJD_DROP_SWITCH_MALFORMED};
static const struct refusal no_return = {CJD_SWITCH_ERR_MALFORMED, CJD_DROP_SWITCH_RETURN_PATH};
static const struct refusal bad_return = {CJD_SWITCH_ERR_RETURN_PATH, CJD_DROP_SWITCH_RETURN_PATH};
static const struct refusal link_down = {CJD_SWITCH_ERR_UNDELIVERABLE, CJD_DROP_SWITCH_LINK_DOWN};

static bool is_set(struct refusal r)
{
    return r.error != CJD_SWITCH_ERR_NONE;
}

/* Rules 3 to 5: the source needs a wider director than the label has consumed here. */
static struct refusal widen(const struct cjd_switch *sw, struct step *st, unsigned source_width)
{
    if (st->dest == CJD_SWITCH_SELF) {
        uint64_t mask = (1ull << (source_width + SELF_BITS)) - 1;
        if (((st->label ^ CJD_LABEL_SELF) & mask) != 0) {
            return bad_return;
        }
        /* Only zeros follow the self director, so it may be stretched. */
        st->form = sw->narrowest[st->source];
        st->width = source_width;
        return no_refusal;
    }
    if (st->source != CJD_SWITCH_SELF || st->label >> (st->width + 64 - source_width) != 0) {
        return no_return;
    }
    return no_refusal;
}

/* Rules 2 to 7 of §7.2, in their order. */
static struct refusal judge(const struct cjd_switch *sw, struct step *st)
{
    st->form = cjd_scheme_form_of(&sw->scheme, st->label);
    if (st->form < 0 || st->source >= CJD_SWITCH_IFACES || sw->narrowest[st->source] < 0) {
        return malformed;
    }
    st->width = cjd_form_width(&sw->scheme.form[st->form]);
    st->dest = cjd_scheme_iface_of(&sw->scheme, st->label, st->form);
    if (st->dest == CJD_SWITCH_SELF && (st->label & 0xf) != CJD_LABEL_SELF) {
        return malformed;
    }
    unsigned source_width = cjd_form_width(&sw->scheme.form[sw->narrowest[st->source]]);
    if (source_width > st->width) {
        struct refusal r = widen(sw, st, source_width);
        if (is_set(r)) {
            return r;
        }
    }
    if (st->dest >= CJD_SWITCH_IFACES || sw->state[st->dest] == CJD_IFACE_FREE) {
        return malformed;
    }
    if (sw->state[st->dest] == CJD_IFACE_DOWN && st->source != CJD_SWITCH_SELF) {
        return link_down;
    }
    return no_refusal;
}

static struct cjd_switch_verdict drop(enum cjd_drop reason)
{
    return (struct cjd_switch_verdict){.action = CJD_SWITCH_DROP, .reason = reason};
}

static struct cjd_switch_verdict refuse(const uint8_t *bytes, uint32_t len, struct refusal r)
{
    bool is_silent = len < ERRABLE_BYTES || (bytes[AT_FLAGS] & 1);

    return (struct cjd_switch_verdict){.action = is_silent ? CJD_SWITCH_DROP : CJD_SWITCH_ERROR,
                                       .error = r.error,
                                       .reason = r.reason};
}

struct cjd_switch_verdict cjd_switch_frame(const struct cjd_switch *sw, uint8_t *bytes,
                                           uint32_t len, uint32_t source)
{
    if (len < CJD_SWITCH_HEADER_BYTES) {
        return drop(CJD_DROP_SWITCH_RUNT);
    }
    struct step st = {.label = cjd_load64(bytes), .source = source};
    struct refusal r = judge(sw, &st);
    if (is_set(r)) {
        return refuse(bytes, len, r);
    }
    /* Self is the integer 1 in any width, §5.1. */
    uint64_t back = CJD_LABEL_SELF;
    if (source != CJD_SWITCH_SELF) {
        back = cjd_scheme_director(&sw->scheme, source, st.form);
        if (back == CJD_LABEL_INVALID) {
            return refuse(bytes, len, no_return);
        }
    }
    unsigned shift = (bytes[AT_SHIFT] & SHIFT_MASK) + st.width;
    if (shift > SHIFT_MASK) {
        return drop(CJD_DROP_SWITCH_SHIFT);
    }
    cjd_store64(bytes, st.label >> st.width | cjd_label_reverse(back));
    bytes[AT_SHIFT] = (uint8_t)((bytes[AT_SHIFT] & ~SHIFT_MASK) | shift);
    cjd_store16(bytes + AT_CLASS, UNCLASSED);
    return (struct cjd_switch_verdict){.action = CJD_SWITCH_FORWARD, .iface = st.dest};
}

/* The error frame in front of `cause_len` bytes of cause that stand at bytes + 24. */
static void fill_error(uint8_t *bytes, uint32_t cause_len, enum cjd_switch_error code)
{
    struct cjd_switch_header h = {.label =
                                      cjd_label_reverse(cjd_load64(bytes + CJD_SWITCH_ERROR_BYTES)),
                                  .congestion = 1,
                                  .suppress_errors = true,
                                  .version = 1,
                                  .traffic_class = UNCLASSED};
    uint8_t *ctrl = bytes + CJD_SWITCH_HEADER_BYTES + 4;
    uint32_t ctrl_len = cause_len + CJD_SWITCH_ERROR_BYTES - CJD_SWITCH_HEADER_BYTES - 4;

    cjd_switch_header_write(bytes, &h);
    cjd_store32(bytes + CJD_SWITCH_HEADER_BYTES, CJD_CTRL_HANDLE);
    cjd_store16(ctrl, 0);
    cjd_store16(ctrl + 2, CJD_CTRL_ERROR);
    cjd_store32(ctrl + 4, code);
    cjd_store16(ctrl, cjd_ctrl_checksum(ctrl, ctrl_len));
}

bool cjd_switch_make_error(struct cjd_pkt *pkt, enum cjd_switch_error code)
{
    if (pkt->len < CJD_SWITCH_HEADER_BYTES || cjd_pkt_headroom(pkt) < CJD_SWITCH_ERROR_BYTES) {
        return false;
    }
    if (pkt->len > CJD_SWITCH_ERROR_CAUSE_MAX) {
        cjd_pkt_trim(pkt, CJD_SWITCH_ERROR_CAUSE_MAX);
    }
    uint32_t cause_len = pkt->len;
    cjd_pkt_push(pkt, CJD_SWITCH_ERROR_BYTES);
    fill_error(cjd_pkt_data(pkt), cause_len, code);
    return true;
}

bool cjd_switch_write_error(struct cjd_pkt *out, const uint8_t *frame, uint32_t len,
                            enum cjd_switch_error code)
{
    uint32_t cause_len = len < CJD_SWITCH_ERROR_CAUSE_MAX ? len : CJD_SWITCH_ERROR_CAUSE_MAX;

    if (len < CJD_SWITCH_HEADER_BYTES ||
        cjd_pkt_tailroom(out) < CJD_SWITCH_ERROR_BYTES + cause_len) {
        return false;
    }
    cjd_pkt_put(out, CJD_SWITCH_ERROR_BYTES + cause_len);
    memcpy(cjd_pkt_data(out) + CJD_SWITCH_ERROR_BYTES, frame, cause_len);
    fill_error(cjd_pkt_data(out), cause_len, code);
    return true;
}
