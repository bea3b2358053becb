/* Known answers of forwarding: one switch, and whole routes there and back. Notes §7, §8, §10.2. */
#include "common.h"

#include <base/wire.h>
#include <cjd/text.h>
#include <switch/label.h>

#define HEADROOM 64u

static json_t *root;

static void set_ifaces(struct cjd_switch *sw, const json_t *list, enum cjd_iface_state state)
{
    size_t i;
    json_t *iface;

    json_array_foreach(list, i, iface)
    {
        sw->state[json_integer_value(iface)] = (uint8_t)state;
    }
}

/* The verdict in the words of the vectors. */
static void describe(char out[32], struct cjd_switch_verdict v)
{
    if (v.action == CJD_SWITCH_FORWARD) {
        snprintf(out, 32, "ok");
    } else if (v.reason == CJD_DROP_SWITCH_RUNT) {
        snprintf(out, 32, "runt");
    } else if (v.reason == CJD_DROP_SWITCH_SHIFT) {
        snprintf(out, 32, "shift-overflow");
    } else {
        snprintf(out, 32, "%s%d", v.action == CJD_SWITCH_ERROR ? "error" : "drop", (int)v.error);
    }
}

static void check_forward(const json_t *e)
{
    struct cjd_switch sw;
    uint32_t source = (uint32_t)test_int(e, "src");
    uint32_t out_iface = source;
    char verdict[32];

    cjd_switch_init(&sw, test_scheme(test_str(e, "scheme")));
    set_ifaces(&sw, json_object_get(e, "ifaces_up"), CJD_IFACE_UP);
    set_ifaces(&sw, json_object_get(e, "ifaces_down"), CJD_IFACE_DOWN);
    struct cjd_pkt *pkt = test_pkt_from_hex(HEADROOM, test_str(e, "packet"));
    struct cjd_switch_verdict v = cjd_switch_frame(&sw, cjd_pkt_data(pkt), pkt->len, source);
    describe(verdict, v);
    assert_string_equal(verdict, test_str(e, "verdict"));
    if (v.action == CJD_SWITCH_DROP) {
        assert_null(json_object_get(e, "out_packet"));
    }
    if (v.action != CJD_SWITCH_FORWARD) {
        test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(e, "packet"), "refused packet");
    }
    if (v.action == CJD_SWITCH_ERROR) {
        struct cjd_pkt *copy = test_pkt_new(0, 280);
        assert_true(cjd_switch_write_error(copy, cjd_pkt_data(pkt), pkt->len, v.error));
        test_assert_hex(cjd_pkt_data(copy), copy->len, test_str(e, "out_packet"), "error, copied");
        test_pkt_free(copy);
        assert_true(cjd_switch_make_error(pkt, v.error));
    } else if (v.action == CJD_SWITCH_FORWARD) {
        out_iface = v.iface;
    }
    if (v.action != CJD_SWITCH_DROP) {
        assert_int_equal(out_iface, test_int(e, "out_iface"));
        test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(e, "out_packet"), "packet");
    }
    test_pkt_free(pkt);
}

static void forward(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "forward");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        check_forward(e);
    }
}

/* Runs a frame through the switches of a list of hops; returns the label that comes out. */
static uint64_t check_hops(const json_t *nodes, const json_t *hops)
{
    uint64_t label = 0;
    size_t i;
    json_t *hop;

    assert_true(json_array_size(hops) > 0);
    json_array_foreach(hops, i, hop)
    {
        const json_t *node = json_array_get(nodes, (size_t)test_int(hop, "node"));
        struct cjd_switch sw;
        struct cjd_switch_header h = {.label = test_label_of(hop, "label_in"),
                                      .version = 1,
                                      .shift = (uint8_t)test_int(hop, "shift_in")};
        uint8_t bytes[16] = {0};

        if (i > 0) {
            assert_int_equal(h.label, label);
        }
        cjd_switch_init(&sw, test_scheme(test_str(node, "scheme")));
        sw.state[test_int(node, "iface_prev")] = CJD_IFACE_UP;
        sw.state[test_int(node, "iface_next")] = CJD_IFACE_UP;
        cjd_switch_header_write(bytes, &h);
        struct cjd_switch_verdict v =
            cjd_switch_frame(&sw, bytes, sizeof bytes, (uint32_t)test_int(hop, "src"));
        assert_string_equal(test_str(hop, "verdict"), "ok");
        assert_int_equal(v.action, CJD_SWITCH_FORWARD);
        assert_int_equal(v.iface, test_int(hop, "out"));
        cjd_switch_header_read(&h, bytes);
        assert_int_equal(h.label, test_label_of(hop, "label_out"));
        assert_int_equal(h.shift, test_int(hop, "shift_out"));
        assert_int_equal(h.traffic_class, 0xffff);
        label = h.label;
    }
    return label;
}

/* §10.2, from the canonical labels of the links. */
static uint64_t build_route(const json_t *nodes, const json_t *links)
{
    struct cjd_hop hops[64];
    size_t count = json_array_size(links);

    assert_in_range(count, 1, 64);
    for (size_t i = 0; i < count; i++) {
        const json_t *node = json_array_get(nodes, i);
        const struct cjd_scheme *s = test_scheme(test_str(node, "scheme"));
        hops[i] = (struct cjd_hop){.scheme = s,
                                   .label = test_label(json_string_value(json_array_get(links, i))),
                                   .back_form = -1};
        assert_int_equal(hops[i].label,
                         cjd_scheme_peer_label(s, (uint32_t)test_int(node, "iface_next")));
        if (i > 0) {
            hops[i].back_form = cjd_scheme_narrowest(s, (uint32_t)test_int(node, "iface_prev"));
        }
    }
    return cjd_route_build(hops, count);
}

static void routes(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "routes");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        const json_t *nodes = json_object_get(e, "nodes");
        uint64_t label = build_route(nodes, json_object_get(e, "links"));
        char text[CJD_LABEL_TEXT_SIZE];

        assert_int_equal(label, test_label_of(e, "label"));
        cjd_label_to_text(text, label);
        assert_string_equal(text, test_str(e, "label_text"));
        uint64_t end = check_hops(nodes, json_object_get(e, "hops"));
        if (!json_is_true(json_object_get(e, "delivered"))) {
            continue;
        }
        assert_int_equal(cjd_label_reverse(end), test_label_of(e, "return_label"));
        end = check_hops(nodes, json_object_get(e, "return_hops"));
        assert_int_equal(cjd_label_reverse(end), test_label_of(e, "label_seen_by_origin"));
        assert_int_equal(cjd_label_reverse(end), label);
    }
}

static int setup(void **state)
{
    (void)state;
    root = test_vectors("switch.json");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(root);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward),
        cmocka_unit_test(routes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
