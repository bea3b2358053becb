/* The switch against a model written from switch notes §7.2 line by line, and what the known
 * answers do not cover: interface numbers, runts, error frames and their way back. */
#include "common.h"

#include <base/wire.h>
#include <switch/ctrl.h>
#include <switch/label.h>

#define ROUNDS 40000u

static struct test_rng rng_state;
static struct cjd_rng rng;

static void header_round_trip(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t in[CJD_SWITCH_HEADER_BYTES];
        uint8_t out[CJD_SWITCH_HEADER_BYTES];
        struct cjd_switch_header h;

        cjd_rng_fill(&rng, in, sizeof in);
        cjd_switch_header_read(&h, in);
        assert_in_range(h.shift, 0, 63);
        assert_in_range(h.version, 0, 3);
        assert_in_range(h.congestion, 0, 127);
        cjd_switch_header_write(out, &h);
        assert_memory_equal(in, out, sizeof in);
    }
}

static void iface_numbers(void **state)
{
    (void)state;
    struct cjd_switch sw;

    cjd_switch_init(&sw, cjd_scheme_358());
    assert_int_equal(cjd_switch_iface_add(&sw), 0);
    for (int i = 2; i <= 256; i++) {
        assert_int_equal(cjd_switch_iface_add(&sw), i);
    }
    assert_int_equal(cjd_switch_iface_add(&sw), CJD_ERR_FULL);
    cjd_switch_iface_del(&sw, CJD_SWITCH_SELF);
    cjd_switch_iface_del(&sw, CJD_SWITCH_IFACES);
    cjd_switch_iface_del(&sw, UINT32_MAX);
    assert_int_equal(cjd_switch_iface_add(&sw), CJD_ERR_FULL);
    cjd_switch_iface_del(&sw, 77);
    cjd_switch_iface_del(&sw, 5);
    assert_int_equal(cjd_switch_iface_add(&sw), 5);
    assert_int_equal(cjd_switch_iface_add(&sw), 77);
    cjd_switch_iface_del(&sw, 0);
    assert_int_equal(cjd_switch_iface_add(&sw), 0);
    assert_int_equal(cjd_switch_iface_add(&sw), CJD_ERR_FULL);
}

static void iface_numbers_end_with_the_scheme(void **state)
{
    (void)state;
    const struct {
        const char *scheme;
        int peers;
    } table[] = {{"f4", 15}, {"f8", 255}, {"v4x8", 255}, {"v3x5x8", 256}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cjd_switch sw;
        int peers = 0;
        cjd_switch_init(&sw, test_scheme(table[i].scheme));
        while (cjd_switch_iface_add(&sw) >= 0) {
            peers++;
        }
        assert_int_equal(peers, table[i].peers);
    }
}

static void state_of_free_iface_stays(void **state)
{
    (void)state;
    struct cjd_switch sw;

    cjd_switch_init(&sw, cjd_scheme_358());
    cjd_switch_iface_set_up(&sw, 3, true);
    assert_int_equal(sw.state[3], CJD_IFACE_FREE);
    cjd_switch_iface_set_up(&sw, CJD_SWITCH_SELF, false);
    assert_int_equal(sw.state[CJD_SWITCH_SELF], CJD_IFACE_UP);
    cjd_switch_iface_set_up(&sw, CJD_SWITCH_IFACES, true);
    cjd_switch_iface_set_up(&sw, UINT32_MAX, false);
}

static struct cjd_switch_verdict judge(const struct cjd_switch *sw, uint8_t frame[16],
                                       uint64_t label, unsigned shift, uint32_t source)
{
    struct cjd_switch_header h = {.label = label, .version = 1, .shift = (uint8_t)shift};

    cjd_switch_header_write(frame, &h);
    return cjd_switch_frame(sw, frame, 16, source);
}

static void runts(void **state)
{
    (void)state;
    struct cjd_switch sw;

    cjd_switch_init(&sw, cjd_scheme_358());
    for (uint32_t len = 0; len < 16; len++) {
        /* Label 0x33: no such interface. */
        uint8_t *frame = calloc(1, len > 0 ? len : 1);
        assert_non_null(frame);
        if (len >= 8) {
            frame[7] = 0x33;
        }
        struct cjd_switch_verdict v = cjd_switch_frame(&sw, frame, len, CJD_SWITCH_SELF);
        assert_int_equal(v.action, CJD_SWITCH_DROP);
        assert_int_equal(v.reason, len < 12 ? CJD_DROP_SWITCH_RUNT : CJD_DROP_SWITCH_MALFORMED);
        assert_int_equal(v.error, len < 12 ? CJD_SWITCH_ERR_NONE : CJD_SWITCH_ERR_MALFORMED);
        free(frame);
    }
}

static void self_ping(void **state)
{
    (void)state;
    struct cjd_switch sw;
    uint8_t frame[16] = {0};

    cjd_switch_init(&sw, cjd_scheme_358());
    struct cjd_switch_verdict v = judge(&sw, frame, CJD_LABEL_SELF, 0, CJD_SWITCH_SELF);
    assert_int_equal(v.action, CJD_SWITCH_FORWARD);
    assert_int_equal(v.iface, CJD_SWITCH_SELF);
    assert_int_equal(cjd_label_reverse(cjd_load64(frame)), CJD_LABEL_SELF);
}

static void down_link(void **state)
{
    (void)state;
    struct cjd_switch sw;
    uint8_t frame[16] = {0};

    cjd_switch_init(&sw, cjd_scheme_358());
    assert_int_equal(cjd_switch_iface_add(&sw), 0);
    assert_int_equal(cjd_switch_iface_add(&sw), 2);
    cjd_switch_iface_set_up(&sw, 0, false);
    struct cjd_switch_verdict v = judge(&sw, frame, 0x13, 0, 2);
    assert_int_equal(v.action, CJD_SWITCH_ERROR);
    assert_int_equal(v.error, CJD_SWITCH_ERR_UNDELIVERABLE);
    assert_int_equal(v.reason, CJD_DROP_SWITCH_LINK_DOWN);
    /* The own router may still ping it. */
    v = judge(&sw, frame, 0x13, 0, CJD_SWITCH_SELF);
    assert_int_equal(v.action, CJD_SWITCH_FORWARD);
    /* A frame from a link that is down passes. */
    v = judge(&sw, frame, 0x15, 0, 0);
    assert_int_equal(v.action, CJD_SWITCH_FORWARD);
    cjd_switch_iface_set_up(&sw, 0, true);
    v = judge(&sw, frame, 0x13, 0, 2);
    assert_int_equal(v.action, CJD_SWITCH_FORWARD);
}

static void unusable_source(void **state)
{
    (void)state;
    struct cjd_switch sw;
    uint8_t frame[16] = {0};

    cjd_switch_init(&sw, test_scheme("f4"));
    assert_int_equal(cjd_switch_iface_add(&sw), 0);
    const uint32_t sources[] = {16, 256, 257, UINT32_MAX};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct cjd_switch_verdict v = judge(&sw, frame, 0x10, 0, sources[i]);
        assert_int_equal(v.action, CJD_SWITCH_ERROR);
        assert_int_equal(v.error, CJD_SWITCH_ERR_MALFORMED);
    }
}

/* Forms of 13 and 10 bits: an interface of the second is "narrower" but does not fit in the first.
 * The notes forbid such a scheme for oneself (§4.3); it must not make a wrong label. */
static void return_director_does_not_fit(void **state)
{
    (void)state;
    struct cjd_scheme s = {.count = 2, .form = {{10, 3, 1}, {2, 8, 0}}};
    struct cjd_switch sw;
    uint8_t frame[16] = {0};

    assert_int_equal(cjd_scheme_finish(&s), 0);
    cjd_switch_init(&sw, &s);
    sw.state[2] = CJD_IFACE_UP;
    sw.state[200] = CJD_IFACE_UP;
    uint64_t label = cjd_scheme_director(&s, 2, 0) | 1 << 13;
    struct cjd_switch_verdict v = judge(&sw, frame, label, 0, 200);
    assert_int_equal(v.action, CJD_SWITCH_ERROR);
    assert_int_equal(v.error, CJD_SWITCH_ERR_MALFORMED);
    assert_int_equal(v.reason, CJD_DROP_SWITCH_RETURN_PATH);
    assert_int_equal(cjd_load64(frame), label);
}

/* ---- the model ---- */

struct outcome {
    int error;     /* 0: forwarded, else the code, −1: dropped for its shift */
    uint32_t dest; /* all below: forwarded */
    uint64_t label;
    unsigned shift;
};

static uint64_t mask(unsigned bits)
{
    return bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
}

static unsigned model_width(const struct cjd_switch *sw, uint32_t iface)
{
    for (int f = 0; f < sw->scheme.count; f++) {
        if (iface == 1 || cjd_scheme_director(&sw->scheme, iface, f) != CJD_LABEL_INVALID) {
            return cjd_form_width(&sw->scheme.form[f]);
        }
    }
    fail_msg("no director for %u", iface);
    return 0;
}

/* code(s, b): any form of that width that can hold it; INVALID if there is none. */
static uint64_t model_code(const struct cjd_switch *sw, uint32_t iface, unsigned width)
{
    if (iface == 1) {
        return 1;
    }
    for (int f = 0; f < sw->scheme.count; f++) {
        uint64_t code = cjd_scheme_director(&sw->scheme, iface, f);
        if (cjd_form_width(&sw->scheme.form[f]) == width && code != CJD_LABEL_INVALID) {
            return code;
        }
    }
    return CJD_LABEL_INVALID;
}

/* First the checks of §7.2 that need no shift, in their order. */
static int model_checks(const struct cjd_switch *sw, uint64_t label, uint32_t d, uint32_t s,
                        unsigned *b)
{
    unsigned w = model_width(sw, s);

    if (d == 1 && (label & 15) != 1) {
        return 1;
    }
    if (w > *b && d == 1) {
        if (((label ^ 1) & mask(w + 4)) != 0) {
            return 10;
        }
        *b = w;
    } else if (w > *b && s == 1) {
        if (label >> (*b + 64 - w) != 0) {
            return 1;
        }
    } else if (w > *b) {
        return 1;
    }
    if (d >= CJD_SWITCH_IFACES || sw->state[d] == CJD_IFACE_FREE) {
        return 1;
    }
    if (sw->state[d] == CJD_IFACE_DOWN && s != 1) {
        return 8;
    }
    /* Cannot be in a scheme as §4.3 wants it. */
    return model_code(sw, s, *b) == CJD_LABEL_INVALID ? 1 : 0;
}

static struct outcome model(const struct cjd_switch *sw, const uint8_t *frame, uint32_t source)
{
    struct outcome o = {.label = cjd_load64(frame), .shift = frame[9] & 63u};
    int form = cjd_scheme_form_of(&sw->scheme, o.label);

    if (form < 0) {
        o.error = 1;
        return o;
    }
    unsigned b = cjd_form_width(&sw->scheme.form[form]);
    o.dest = cjd_scheme_iface_of(&sw->scheme, o.label, form);
    o.error = model_checks(sw, o.label, o.dest, source, &b);
    if (o.error == 0 && o.shift + b > 63) {
        o.error = -1;
    }
    if (o.error == 0) {
        uint64_t code = model_code(sw, source, b);
        o.label >>= b;
        for (unsigned i = 0; i < b; i++) {
            o.label |= (code >> i & 1) << (63 - i);
        }
        o.shift += b;
    }
    return o;
}

static void compare(const struct cjd_switch *sw, uint8_t *frame, uint32_t len, uint32_t source,
                    unsigned seen[4])
{
    uint8_t before[32];
    struct outcome o = model(sw, frame, source);

    memcpy(before, frame, len);
    struct cjd_switch_verdict v = cjd_switch_frame(sw, frame, len, source);
    if (o.error == 0) {
        assert_int_equal(v.action, CJD_SWITCH_FORWARD);
        assert_int_equal(v.iface, o.dest);
        assert_int_equal(cjd_load64(frame), o.label);
        assert_int_equal(frame[8], before[8]);
        assert_int_equal(frame[9], (before[9] & 0xc0) | o.shift);
        assert_int_equal(cjd_load16(frame + 10), 0xffff);
        assert_memory_equal(frame + 12, before + 12, len - 12);
        seen[0]++;
        return;
    }
    assert_memory_equal(frame, before, len);
    if (o.error < 0) {
        assert_int_equal(v.action, CJD_SWITCH_DROP);
        assert_int_equal(v.reason, CJD_DROP_SWITCH_SHIFT);
        assert_int_equal(v.error, CJD_SWITCH_ERR_NONE);
        seen[1]++;
        return;
    }
    bool is_silent = len < 16 || (before[8] & 1);
    assert_int_equal(v.action, is_silent ? CJD_SWITCH_DROP : CJD_SWITCH_ERROR);
    assert_int_equal(v.error, o.error);
    seen[is_silent ? 2 : 3]++;
}

/* A label that has a fair chance to reach every rule. */
static uint64_t random_label(const struct cjd_switch *sw)
{
    uint64_t label = cjd_rng_u64(&rng) >> cjd_rng_below(&rng, 61);

    switch (cjd_rng_below(&rng, 4)) {
    case 0: /* to self, with few or no bits above */
        return cjd_rng_below(&rng, 2) ? (label << cjd_rng_below(&rng, 30)) | 1 : (label << 36) | 1;
    case 1: { /* to an interface that exists */
        uint32_t iface = cjd_rng_below(&rng, CJD_SWITCH_IFACES);
        int form = (int)cjd_rng_below(&rng, sw->scheme.count);
        uint64_t director = cjd_scheme_director(&sw->scheme, iface, form);
        unsigned width = cjd_form_width(&sw->scheme.form[form]);
        return director == CJD_LABEL_INVALID ? label : label << width | director;
    }
    case 2: /* as received: bits at the top */
        return label | cjd_rng_u64(&rng) << 40;
    default:
        return label;
    }
}

static void random_frames(const struct cjd_scheme *scheme, unsigned rounds)
{
    struct cjd_switch sw;
    unsigned seen[4] = {0};

    cjd_switch_init(&sw, scheme);
    for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
        if (i != CJD_SWITCH_SELF && sw.narrowest[i] >= 0) {
            sw.state[i] = (uint8_t)cjd_rng_below(&rng, 3);
        }
    }
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t len = 12 + cjd_rng_below(&rng, 8);
        uint8_t *frame = malloc(len); /* exactly: the sanitizer sees what lies beyond */
        uint32_t source = cjd_rng_below(&rng, CJD_SWITCH_IFACES);

        assert_non_null(frame);
        cjd_rng_fill(&rng, frame, len);
        cjd_store64(frame, random_label(&sw));
        if (sw.narrowest[source] < 0 || cjd_rng_below(&rng, 8) == 0) {
            source = CJD_SWITCH_SELF;
        }
        compare(&sw, frame, len, source, seen);
        free(frame);
    }
    for (unsigned k = 0; k < 4; k++) {
        assert_true(seen[k] > 0);
    }
}

static void frames_at_random(void **state)
{
    (void)state;
    const char *const names[] = {"f4", "f8", "v4x8", "v3x5x8"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        random_frames(test_scheme(names[i]), ROUNDS);
    }
    /* In turn: v3x5x8 by the general path, in a scheme that is not quite it; the widest director
     * and the longest prefix; self in a form whose low bits are not 0001 (rule 2); self wider than
     * the form of the label (rule 4), which §4.3 forbids. */
    struct cjd_scheme others[] = {{.count = 3, .form = {{2, 3, 1}, {3, 6, 2}, {3, 9, 0}}},
                                  {.count = 2, .form = {{4, 1, 1}, {31, 28, 2}}},
                                  {.count = 2, .form = {{4, 1, 1}, {4, 8, 9}}},
                                  {.count = 2, .form = {{10, 3, 1}, {2, 8, 0}}}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(cjd_scheme_finish(&others[i]), 0);
        random_frames(&others[i], ROUNDS);
    }
}

/* ---- error frames ---- */

static void error_frame_of(uint32_t len)
{
    struct cjd_pkt *pkt = test_pkt_new(CJD_SWITCH_ERROR_BYTES, len);
    struct cjd_pkt *copy = test_pkt_new(0, CJD_SWITCH_ERROR_BYTES + CJD_SWITCH_ERROR_CAUSE_MAX);
    uint8_t *before = malloc(len);
    uint32_t kept = len < 256 ? len : 256;
    struct cjd_switch_header h;
    struct cjd_ctrl ctrl;

    assert_non_null(before);
    pkt->len = len;
    cjd_rng_fill(&rng, cjd_pkt_data(pkt), len);
    memcpy(before, cjd_pkt_data(pkt), len);
    assert_true(cjd_switch_write_error(copy, before, len, CJD_SWITCH_ERR_MALFORMED));
    assert_true(cjd_switch_make_error(pkt, CJD_SWITCH_ERR_MALFORMED));
    assert_int_equal(pkt->len, kept + 24);
    assert_int_equal(copy->len, pkt->len);
    assert_memory_equal(cjd_pkt_data(copy), cjd_pkt_data(pkt), pkt->len);
    cjd_switch_header_read(&h, cjd_pkt_data(pkt));
    assert_int_equal(cjd_label_reverse(h.label), cjd_load64(before));
    assert_true(h.suppress_errors);
    assert_int_equal(h.congestion, 1);
    assert_int_equal(h.version, 1);
    assert_int_equal(h.shift, 0);
    assert_int_equal(cjd_load32(cjd_pkt_data(pkt) + 12), CJD_CTRL_HANDLE);
    assert_int_equal(cjd_ctrl_parse(&ctrl, cjd_pkt_data(pkt) + 16, pkt->len - 16), 0);
    assert_int_equal(ctrl.type, CJD_CTRL_ERROR);
    assert_int_equal(ctrl.error, CJD_SWITCH_ERR_MALFORMED);
    assert_int_equal(ctrl.data_len, kept);
    assert_memory_equal(ctrl.data, before, kept);
    free(before);
    test_pkt_free(copy);
    test_pkt_free(pkt);
}

static void error_frames(void **state)
{
    (void)state;
    const uint32_t lengths[] = {12, 15, 16, 17, 28, 255, 256, 257, 1500, 4000};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        error_frame_of(lengths[i]);
    }
}

static void error_frame_without_room(void **state)
{
    (void)state;
    struct cjd_pkt *pkt = test_pkt_from_hex(23, "0000000000000033004000000000000100020003");
    struct cjd_pkt *out = test_pkt_new(0, 24 + 19);

    assert_false(cjd_switch_make_error(pkt, CJD_SWITCH_ERR_MALFORMED));
    test_assert_hex(cjd_pkt_data(pkt), pkt->len, "0000000000000033004000000000000100020003",
                    "unchanged");
    assert_false(cjd_switch_write_error(out, cjd_pkt_data(pkt), 20, CJD_SWITCH_ERR_MALFORMED));
    assert_int_equal(out->len, 0);
    assert_true(cjd_switch_write_error(out, cjd_pkt_data(pkt), 19, CJD_SWITCH_ERR_MALFORMED));
    test_pkt_free(out);
    out = test_pkt_new(0, 64);
    assert_false(cjd_switch_write_error(out, cjd_pkt_data(pkt), 11, CJD_SWITCH_ERR_MALFORMED));
    cjd_pkt_trim(pkt, 11);
    assert_false(cjd_switch_make_error(pkt, CJD_SWITCH_ERR_MALFORMED));
    test_pkt_free(out);
    test_pkt_free(pkt);
}

/* ---- the chain of §7.3 ---- */

enum { NODE_A, NODE_B, NODE_C, NODE_D, NODES };

struct port {
    int node;
    uint32_t iface;
};

/* Where the links of A–B–C–D end. */
static struct port far_end(int node, uint32_t iface)
{
    static const struct port links[][2] = {
        {{NODE_A, 0}, {NODE_B, 11}}, {{NODE_B, 10}, {NODE_C, 9}}, {{NODE_C, 36}, {NODE_D, 0}}};

    for (size_t i = 0; i < 3; i++) {
        for (unsigned k = 0; k < 2; k++) {
            if (links[i][k].node == node && links[i][k].iface == iface) {
                return links[i][1 - k];
            }
        }
    }
    return (struct port){-1, 0};
}

static void chain_init(struct cjd_switch sw[NODES])
{
    for (int n = 0; n < NODES; n++) {
        cjd_switch_init(&sw[n], cjd_scheme_358());
        for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
            sw[n].state[i] = i == 1 || far_end(n, i).node >= 0 ? CJD_IFACE_UP : CJD_IFACE_FREE;
        }
    }
}

/* Carries a packet until a router gets it; returns whose. −1: dropped. */
static int carry(const struct cjd_switch sw[NODES], struct cjd_pkt *pkt, int from)
{
    struct port at = {from, CJD_SWITCH_SELF};

    for (unsigned hops = 0; hops < 20; hops++) {
        struct cjd_switch_verdict v =
            cjd_switch_frame(&sw[at.node], cjd_pkt_data(pkt), pkt->len, at.iface);
        uint32_t out = v.iface;
        if (v.action == CJD_SWITCH_DROP) {
            return -1;
        }
        if (v.action == CJD_SWITCH_ERROR) {
            assert_true(cjd_switch_make_error(pkt, v.error));
            out = at.iface;
        }
        if (out == CJD_SWITCH_SELF) {
            return at.node;
        }
        at = far_end(at.node, out);
    }
    fail_msg("loop");
    return -1;
}

static struct cjd_pkt *frame_to(uint64_t label)
{
    struct cjd_pkt *pkt = test_pkt_new(64, 32);
    struct cjd_switch_header h = {.label = label, .version = 1};

    cjd_pkt_put(pkt, 32);
    cjd_switch_header_write(cjd_pkt_data(pkt), &h);
    return pkt;
}

static void worked_example(void **state)
{
    (void)state;
    struct cjd_switch sw[NODES];
    struct cjd_pkt *pkt = frame_to(0x2a8203);

    chain_init(sw);
    assert_int_equal(carry(sw, pkt, NODE_D), NODE_A);
    assert_int_equal(cjd_load64(cjd_pkt_data(pkt)), 0xc646240000000000);
    assert_int_equal(cjd_pkt_data(pkt)[9], 0x40 + 25);
    test_pkt_free(pkt);

    pkt = frame_to(0x246263);
    assert_int_equal(carry(sw, pkt, NODE_A), NODE_D);
    assert_int_equal(cjd_load64(cjd_pkt_data(pkt)), 0xc041540000000000);
    assert_int_equal(cjd_label_reverse(cjd_load64(cjd_pkt_data(pkt))), 0x2a8203);
    test_pkt_free(pkt);
}

/* With the 7-bit director for B not widened, C cannot write its way back to D. The error reaches D
 * and names the label that D used. */
static void error_finds_its_way_back(void **state)
{
    (void)state;
    struct cjd_switch sw[NODES];
    struct cjd_pkt *pkt = frame_to(0xa23);
    struct cjd_ctrl ctrl;

    chain_init(sw);
    assert_int_equal(carry(sw, pkt, NODE_D), NODE_D);
    assert_int_equal(cjd_label_reverse(cjd_load64(cjd_pkt_data(pkt))), 0xa23);
    assert_int_equal(cjd_ctrl_parse(&ctrl, cjd_pkt_data(pkt) + 16, pkt->len - 16), 0);
    assert_int_equal(ctrl.error, CJD_SWITCH_ERR_MALFORMED);
    test_pkt_free(pkt);

    /* Two hops away: B has no link 12; the hop behind it is never made. */
    struct cjd_hop hops[] = {{cjd_scheme_358(), 0x13, -1},
                             {cjd_scheme_358(), 0x420, 2},
                             {cjd_scheme_358(), cjd_scheme_peer_label(cjd_scheme_358(), 12), 1},
                             {cjd_scheme_358(), 0x15, 0}};
    uint64_t label = cjd_route_build(hops, 4);
    pkt = frame_to(label);
    assert_int_equal(carry(sw, pkt, NODE_D), NODE_D);
    assert_int_equal(cjd_label_reverse(cjd_load64(cjd_pkt_data(pkt))), label);
    assert_int_equal(cjd_ctrl_parse(&ctrl, cjd_pkt_data(pkt) + 16, pkt->len - 16), 0);
    assert_int_equal(ctrl.error, CJD_SWITCH_ERR_MALFORMED);
    /* The low bits of the cause are the failing switch's director. */
    assert_int_equal(cjd_load64(ctrl.data) & 0x7f, 11 << 2 | 2);
    test_pkt_free(pkt);
}

/* An error frame that fails itself makes no further error. */
static void no_error_about_an_error(void **state)
{
    (void)state;
    struct cjd_switch sw[NODES];
    struct cjd_pkt *pkt = frame_to(0xa23);

    chain_init(sw);
    cjd_pkt_data(pkt)[8] = 1;
    assert_int_equal(carry(sw, pkt, NODE_D), -1);
    test_pkt_free(pkt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_round_trip),
        cmocka_unit_test(iface_numbers),
        cmocka_unit_test(iface_numbers_end_with_the_scheme),
        cmocka_unit_test(state_of_free_iface_stays),
        cmocka_unit_test(runts),
        cmocka_unit_test(self_ping),
        cmocka_unit_test(down_link),
        cmocka_unit_test(unusable_source),
        cmocka_unit_test(return_director_does_not_fit),
        cmocka_unit_test(frames_at_random),
        cmocka_unit_test(error_frames),
        cmocka_unit_test(error_frame_without_room),
        cmocka_unit_test(worked_example),
        cmocka_unit_test(error_finds_its_way_back),
        cmocka_unit_test(no_error_about_an_error),
    };
    rng = test_rng_init(&rng_state, 0x5317c4);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
