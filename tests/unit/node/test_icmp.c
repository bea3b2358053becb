/* What the machine is told about its own packets that cannot be sent: contents, checksum, limits.
 */
#include "box.h"

#include <base/wire.h>

#define LINK_MTU  1400u
#define FRAME_MTU (LINK_MTU - CJD_CA_DATA_BYTES)
/* Switch header, handle, inner CryptoAuth and data header take the place of the IPv6 header: 40
 * bytes for 40. */
#define IP6_MTU FRAME_MTU

static const uint8_t router[16] = {0xfc, [15] = 1};

/* RFC 4443 §2.3 and RFC 8200 §8.1, over the whole packet. 0: correct. */
static uint16_t icmp_checksum(const uint8_t *p, uint32_t len)
{
    uint8_t bytes[BOX_BYTES + 40];

    memcpy(bytes, p + 8, 32);
    cjd_store32(bytes + 32, len - 40);
    cjd_store32(bytes + 36, 58);
    memcpy(bytes + 40, p + 40, len - 40);
    return cjd_ctrl_checksum(bytes, len);
}

static void check_icmp(const struct box *box, const struct box_bytes *got, uint8_t type,
                       uint32_t word, const uint8_t *sent, uint32_t sent_len)
{
    const uint8_t *p = got->bytes;
    uint32_t kept = sent_len < 1280 - 48 ? sent_len : 1280 - 48;

    assert_int_equal(got->len, 48 + kept);
    assert_int_equal(p[0], 0x60);
    assert_int_equal(cjd_load16(p + 4), got->len - 40);
    assert_int_equal(p[6], 58);
    assert_memory_equal(p + 8, router, 16);
    assert_memory_equal(p + 24, box->keys.addr.b, 16);
    assert_int_equal(p[40], type);
    assert_int_equal(p[41], 0);
    assert_int_equal(cjd_load32(p + 44), word);
    assert_int_equal(icmp_checksum(p, got->len), 0);
    /* The packet it is about: its lengths, protocol, addresses and as much as fits. Hop limit and
     * flow label do not survive the session layer. */
    const uint8_t *cause = p + 48;
    assert_int_equal(cjd_load16(cause + 4), sent_len - 40);
    assert_int_equal(cause[6], sent[6]);
    assert_memory_equal(cause + 8, sent + 8, 32);
    assert_memory_equal(cause + 40, sent + 40, kept - 40);
}

static void packet_too_big(void **state)
{
    (void)state;
    static const uint8_t protocols[] = {6, 17, 58, 44, 255};
    struct box box;
    uint8_t p[BOX_BYTES];
    box_init(&box, LINK_MTU);
    box_establish(&box);
    /* The first one brings the path; it waits for a session that never comes. */
    box_inject(&box, p, box_ip6(&box, p, &box.far_keys.addr, 17, 1, 100));
    box_forget(&box);
    for (unsigned i = 0; i < sizeof protocols; i++) {
        uint32_t len = box_ip6(&box, p, &box.far_keys.addr, protocols[i], 128, IP6_MTU + 1 - 40);
        for (uint32_t k = 41; k < len; k++) {
            p[k] = (uint8_t)(k * 7);
        }
        box_forget(&box);
        box_inject(&box, p, len);
        assert_int_equal(box.packets, 1);
        check_icmp(&box, &box.packet[0], 2, IP6_MTU, p, len);
    }
    /* What fits is not answered, nor is it sent yet. */
    box_forget(&box);
    box_inject(&box, p, box_ip6(&box, p, &box.far_keys.addr, 17, 1, IP6_MTU - 40));
    assert_int_equal(box.packets, 0);
    /* Errors about errors would go round for ever (RFC 4443 §2.4 e). */
    for (unsigned type = 0; type < 256; type += 127) {
        box_forget(&box);
        box_inject(&box, p,
                   box_ip6(&box, p, &box.far_keys.addr, 58, (uint8_t)type, IP6_MTU + 1 - 40));
        assert_int_equal(box.packets, type >= 128);
    }
    box_fini(&box);
}

static void no_route(void **state)
{
    (void)state;
    struct box box;
    uint8_t p[BOX_BYTES];
    uint8_t error[BOX_BYTES];
    struct cjd_addr nobody = {{0xfc, 1, 2, 3}};
    box_init(&box, LINK_MTU);
    uint32_t len = box_ip6(&box, p, &nobody, 17, 1, 100);
    for (uint32_t k = 41; k < len; k++) {
        p[k] = (uint8_t)(k * 5);
    }
    box_inject(&box, p, len);
    box_inject(&box, error, box_ip6(&box, error, &nobody, 58, 1, 60));
    box_run(&box, 4900 * CJD_MS);
    assert_int_equal(box.packets, 0);
    box_run(&box, 5300 * CJD_MS);
    assert_int_equal(box.packets, 1); /* about the first, not about the ICMP error */
    check_icmp(&box, &box.packet[0], 1, 0, p, len);
    assert_int_equal(box_dropped(&box, CJD_DROP_SESSION_NO_ROUTE), 2);
    box_fini(&box);
}

/* A long packet is quoted up to the least IPv6 MTU; an odd length does not spoil the checksum. */
static void long_and_odd(void **state)
{
    (void)state;
    static const uint32_t payloads[] = {1, 2, 3, 1191, 1192, 1193, 1999};
    struct box box;
    uint8_t p[BOX_BYTES];
    box_init(&box, LINK_MTU);
    for (unsigned i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        struct cjd_addr nobody = {{0xfc, 9, (uint8_t)i}};
        uint32_t len = box_ip6(&box, p, &nobody, 17, 1, payloads[i]);
        for (uint32_t k = 41; k < len; k++) {
            p[k] = (uint8_t)(k * 3 + i);
        }
        box_forget(&box);
        box_inject(&box, p, len);
        box_run(&box, 10200 * CJD_MS);
        assert_int_equal(box.packets, 1);
        check_icmp(&box, &box.packet[0], 1, 0, p, len);
    }
    box_fini(&box);
}

static void budget(void **state)
{
    (void)state;
    struct box box;
    uint8_t p[BOX_BYTES];
    box_init(&box, LINK_MTU);
    box_establish(&box);
    box_inject(&box, p, box_ip6(&box, p, &box.far_keys.addr, 17, 1, 100));
    box_forget(&box);
    for (unsigned i = 0; i < 50; i++) {
        box_inject(&box, p, box_ip6(&box, p, &box.far_keys.addr, 17, 1, IP6_MTU + 1 - 40));
    }
    assert_int_equal(box.packets, 20);
    box_fini(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_too_big),
        cmocka_unit_test(no_route),
        cmocka_unit_test(long_and_odd),
        cmocka_unit_test(budget),
    };
    return cmocka_run_group_tests_name("node_icmp", tests, NULL, NULL);
}
