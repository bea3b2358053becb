/* The switch: any frame from any interface, in each of the standard schemes. What is refused stays
 * as it was; an error frame fits its packet, has a right checksum and carries the frame. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <base/wire.h>
#include <switch/ctrl.h>
#include <switch/switch.h>

#define PREFIX 3u /* bytes of the input that choose scheme and source */

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct cjd_scheme scheme_of(uint8_t choice)
{
    static const struct {
        uint8_t len;
        uint8_t bytes[5];
    } schemes[] = {
        {5, {0x61, 0x14, 0x45, 0x81, 0x00}},
        {2, {0x80, 0x00}},
        {2, {0x00, 0x01}},
        {3, {0x81, 0x0c, 0x08}},
    };
    struct cjd_scheme s;

    choice %= sizeof schemes / sizeof schemes[0];
    require(cjd_scheme_parse(&s, schemes[choice].bytes, schemes[choice].len) == 0);
    return s;
}

/* Every third interface is free, every seventh down. */
static void init_switch(struct cjd_switch *sw, uint8_t choice)
{
    struct cjd_scheme s = scheme_of(choice);

    cjd_switch_init(sw, &s);
    for (uint32_t i = 0; i < CJD_SWITCH_IFACES; i++) {
        if (i != CJD_SWITCH_SELF && i % 3 != 2 && sw->narrowest[i] >= 0) {
            sw->state[i] = i % 7 == 6 ? CJD_IFACE_DOWN : CJD_IFACE_UP;
        }
    }
}

static void check_forward(const struct cjd_switch *sw, const uint8_t *before, const uint8_t *after,
                          uint32_t len, struct cjd_switch_verdict v)
{
    struct cjd_switch_header was;
    struct cjd_switch_header is;

    require(len >= CJD_SWITCH_HEADER_BYTES);
    require(v.iface < CJD_SWITCH_IFACES && sw->state[v.iface] != CJD_IFACE_FREE);
    require(memcmp(before + 12, after + 12, len - 12) == 0);
    cjd_switch_header_read(&was, before);
    cjd_switch_header_read(&is, after);
    require(is.shift > was.shift && is.version == was.version && is.traffic_class == 0xffff);
    require(is.suppress_errors == was.suppress_errors && is.congestion == was.congestion);
}

static void check_error(const uint8_t *frame, uint32_t len, enum cjd_switch_error code)
{
    uint32_t kept = len < CJD_SWITCH_ERROR_CAUSE_MAX ? len : CJD_SWITCH_ERROR_CAUSE_MAX;
    uint8_t *buf = malloc(CJD_SWITCH_ERROR_BYTES + len);
    struct cjd_pkt pkt = {
        .buf = buf, .off = CJD_SWITCH_ERROR_BYTES, .len = len, .cap = CJD_SWITCH_ERROR_BYTES + len};
    struct cjd_ctrl ctrl;

    require(buf != NULL);
    memcpy(cjd_pkt_data(&pkt), frame, len);
    require(cjd_switch_make_error(&pkt, code));
    require(pkt.len == kept + CJD_SWITCH_ERROR_BYTES);
    require(cjd_load32(cjd_pkt_data(&pkt) + 12) == CJD_CTRL_HANDLE);
    require(cjd_ctrl_parse(&ctrl, cjd_pkt_data(&pkt) + 16, pkt.len - 16) == 0);
    require(ctrl.error == (uint32_t)code && ctrl.data_len == kept);
    require(memcmp(ctrl.data, frame, kept) == 0);
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cjd_switch sw;

    if (size < PREFIX) {
        return 0;
    }
    init_switch(&sw, data[0]);
    const uint8_t *frame = data + PREFIX;
    uint32_t len = (uint32_t)(size - PREFIX);
    uint8_t *work = malloc(len > 0 ? len : 1);
    require(work != NULL);
    memcpy(work, frame, len);
    struct cjd_switch_verdict v = cjd_switch_frame(&sw, work, len, cjd_load16(data + 1));
    if (v.action == CJD_SWITCH_FORWARD) {
        check_forward(&sw, frame, work, len, v);
    } else {
        require(memcmp(work, frame, len) == 0);
        require(v.reason < CJD_DROP_COUNT);
    }
    if (v.action == CJD_SWITCH_ERROR) {
        require(len >= 16 && (frame[8] & 1) == 0);
        check_error(frame, len, v.error);
    }
    free(work);
    return 0;
}
