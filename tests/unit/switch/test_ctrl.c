/* Control frames: what is made can be read, bad input is refused, answers. Switch notes §8, §11. */
#include "common.h"

#include <base/wire.h>
#include <cjd/version.h>
#include <switch/ctrl.h>
#include <switch/label.h>

#define FRAME_CAP 512u
#define HEADROOM  64u

static struct test_rng rng_state;
static struct cjd_rng rng;

static void seal(uint8_t *frame, size_t len)
{
    cjd_store16(frame, 0);
    cjd_store16(frame, cjd_ctrl_checksum(frame, len));
}

static struct cjd_key key_of(uint8_t byte)
{
    struct cjd_key key;
    memset(key.b, byte, sizeof key.b);
    return key;
}

/* Knows 0x13, and a label of two hops that nobody should ask it about. */
static bool lladdr_of_0x13(void *ctx, uint64_t label, uint8_t record[32])
{
    (void)ctx;
    if (label != 0x13 && label != 0xa63) {
        return false;
    }
    memcpy(record, "\x01\x08\x12\x34\xc0\x00\x02\x01", 8);
    return true;
}

static struct cjd_ctrl_self responder(void)
{
    return (struct cjd_ctrl_self){.version = 22,
                                  .key = key_of(0x77),
                                  .scheme = cjd_scheme_358(),
                                  .snode_version = 21,
                                  .snode_key = key_of(0x55),
                                  .snode_label = 0xa63,
                                  .lladdr = lladdr_of_0x13};
}

/* A request of any type, sealed, with 12 bytes of opaque data; fields zero. Returns its length. */
static size_t make_request(uint8_t *frame, enum cjd_ctrl_type type, uint32_t version)
{
    const struct {
        enum cjd_ctrl_type type;
        uint32_t magic;
        size_t body;
    } table[] = {{CJD_CTRL_PING, 0x09f91102, 8},      {CJD_CTRL_PONG, 0x9d74e35b, 8},
                 {CJD_CTRL_KEYPING, 0x01234567, 40},  {CJD_CTRL_KEYPONG, 0x89abcdef, 40},
                 {CJD_CTRL_GETSNODE, 0x736e6f71, 56}, {CJD_CTRL_GETSNODE_REPLY, 0x736e6f72, 56},
                 {CJD_CTRL_RPATH, 0x736e6f71, 16},    {CJD_CTRL_RPATH_REPLY, 0x736e6f72, 16},
                 {CJD_CTRL_LLADDR, 0x6c6c6171, 40},   {CJD_CTRL_LLADDR_REPLY, 0x6c6c6172, 40}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].type == type) {
            size_t len = 4 + table[i].body + 12;
            memset(frame, 0, len);
            cjd_store16(frame + 2, (uint16_t)type);
            cjd_store32(frame + 4, table[i].magic);
            cjd_store32(frame + 8, version);
            cjd_rng_fill(&rng, frame + len - 12, 12);
            seal(frame, len);
            return len;
        }
    }
    fail_msg("no request %d", (int)type);
    return 0;
}

static void ping_round_trip(void **state)
{
    (void)state;
    struct cjd_ctrl_self self = responder();

    for (uint32_t len = 0; len <= 256; len++) {
        uint8_t data[256];
        struct cjd_pkt *pkt = test_pkt_new(HEADROOM, 12 + len);
        struct cjd_ctrl c;

        cjd_rng_fill(&rng, data, sizeof data);
        assert_int_equal(cjd_ctrl_make_ping(pkt, NULL, data, len), 0);
        assert_int_equal(cjd_ctrl_parse(&c, cjd_pkt_data(pkt), pkt->len), 0);
        assert_int_equal(c.type, CJD_CTRL_PING);
        assert_int_equal(c.version, CJD_PROTOCOL);
        assert_int_equal(c.data_len, len);
        assert_memory_equal(c.data, data, len);
        cjd_ctrl_set_version(pkt, 20);
        assert_int_equal(cjd_ctrl_parse(&c, cjd_pkt_data(pkt), pkt->len), 0);
        assert_int_equal(c.version, 20);
        assert_memory_equal(c.data, data, len);
        assert_int_equal(cjd_ctrl_answer(&self, 0x13, cjd_pkt_data(pkt), pkt->len), 0);
        assert_int_equal(cjd_ctrl_parse(&c, cjd_pkt_data(pkt), pkt->len), 0);
        assert_int_equal(c.type, CJD_CTRL_PONG);
        assert_int_equal(c.version, 22);
        assert_int_equal(c.data_len, len);
        assert_memory_equal(c.data, data, len);
        test_pkt_free(pkt);
    }
}

static void keyping_round_trip(void **state)
{
    (void)state;
    struct cjd_ctrl_self self = responder();
    struct cjd_key key = key_of(0x11);
    struct cjd_pkt *pkt = test_pkt_new(0, 44 + 64);
    uint8_t data[65] = {1, 2, 3};
    struct cjd_ctrl c;

    assert_int_equal(cjd_ctrl_make_ping(pkt, &key, data, 65), CJD_ERR_TOO_LONG);
    assert_int_equal(pkt->len, 0);
    assert_int_equal(cjd_ctrl_make_ping(pkt, &key, data, 64), 0);
    assert_int_equal(cjd_ctrl_parse(&c, cjd_pkt_data(pkt), pkt->len), 0);
    assert_int_equal(c.type, CJD_CTRL_KEYPING);
    assert_memory_equal(c.key.b, key.b, 32);
    assert_int_equal(cjd_ctrl_answer(&self, 0x13, cjd_pkt_data(pkt), pkt->len), 0);
    assert_int_equal(cjd_ctrl_parse(&c, cjd_pkt_data(pkt), pkt->len), 0);
    assert_int_equal(c.type, CJD_CTRL_KEYPONG);
    assert_memory_equal(c.key.b, self.key.b, 32);
    assert_int_equal(c.data_len, 64);
    assert_memory_equal(c.data, data, 64);
    test_pkt_free(pkt);
}

static void keyping_too_long(void **state)
{
    (void)state;
    uint8_t frame[FRAME_CAP] = {0};
    struct cjd_ctrl c;
    const enum cjd_ctrl_type types[] = {CJD_CTRL_KEYPING, CJD_CTRL_KEYPONG};

    for (size_t i = 0; i < 2; i++) {
        make_request(frame, types[i], 21);
        seal(frame, 4 + 104);
        assert_int_equal(cjd_ctrl_parse(&c, frame, 4 + 104), 0);
        seal(frame, 4 + 105);
        assert_int_equal(cjd_ctrl_parse(&c, frame, 4 + 105), CJD_ERR_PARSE);
    }
}

static void getsnode_round_trip(void **state)
{
    (void)state;
    struct cjd_ctrl_self asker = {.version = 21, .scheme = cjd_scheme_358()};
    struct cjd_ctrl_self self = responder();
    struct cjd_pkt *pkt = test_pkt_new(0, 60 + 12);
    struct cjd_ctrl c;
    struct cjd_key zero = key_of(0);

    /* What is not set does not count: no version, no supernode. */
    asker.snode_label = 0x13;
    asker.snode_key = key_of(0x99);
    assert_int_equal(cjd_ctrl_make_getsnode(pkt, &asker, "twelve bytes", 12), 0);
    assert_int_equal(pkt->len, 72);
    assert_int_equal(cjd_load32(cjd_pkt_data(pkt) + 16), 0);
    assert_int_equal(cjd_ctrl_parse(&c, cjd_pkt_data(pkt), pkt->len), 0);
    assert_int_equal(c.type, CJD_CTRL_GETSNODE);
    assert_int_equal(c.snode_version, 0);
    assert_int_equal(c.label, 0);
    assert_memory_equal(c.key.b, zero.b, 32);
    assert_int_equal(cjd_ctrl_answer(&self, 0xa6, cjd_pkt_data(pkt), pkt->len), 0);
    assert_int_equal(cjd_ctrl_parse(&c, cjd_pkt_data(pkt), pkt->len), 0);
    assert_int_equal(c.type, CJD_CTRL_GETSNODE_REPLY);
    assert_int_equal(c.snode_version, 21);
    assert_int_equal(c.label, 0x5302);
    assert_memory_equal(c.key.b, self.snode_key.b, 32);
    assert_int_equal(cjd_load32(cjd_pkt_data(pkt) + 16), 0xffffffff);
    assert_memory_equal(c.data, "twelve bytes", 12);
    test_pkt_free(pkt);

    pkt = test_pkt_new(0, 60);
    assert_int_equal(cjd_ctrl_make_getsnode(pkt, &self, NULL, 0), 0);
    assert_int_equal(cjd_ctrl_parse(&c, cjd_pkt_data(pkt), pkt->len), 0);
    assert_int_equal(c.version, 22);
    assert_int_equal(c.snode_version, 21);
    assert_int_equal(c.label, 0xa63);
    test_pkt_free(pkt);
}

static void rpath_round_trip(void **state)
{
    (void)state;
    struct cjd_ctrl_self self = responder();
    struct cjd_pkt *pkt = test_pkt_new(0, 20 + 5);
    struct cjd_ctrl c;

    assert_int_equal(cjd_ctrl_make_rpath(pkt, 0x15, "five!", 5), 0);
    assert_int_equal(cjd_ctrl_parse(&c, cjd_pkt_data(pkt), pkt->len), 0);
    assert_int_equal(c.type, CJD_CTRL_RPATH);
    assert_int_equal(c.label, 0x15);
    assert_int_equal(cjd_ctrl_answer(&self, 0x48c, cjd_pkt_data(pkt), pkt->len), 0);
    assert_int_equal(cjd_ctrl_parse(&c, cjd_pkt_data(pkt), pkt->len), 0);
    assert_int_equal(c.type, CJD_CTRL_RPATH_REPLY);
    assert_int_equal(c.label, 0x48c);
    assert_memory_equal(c.data, "five!", 5);
    test_pkt_free(pkt);
}

static void lladdr_answers(void **state)
{
    (void)state;
    struct cjd_ctrl_self self = responder();
    uint8_t frame[FRAME_CAP];
    uint8_t before[FRAME_CAP];
    struct cjd_ctrl c;
    size_t len = make_request(frame, CJD_CTRL_LLADDR, 22);

    frame[12] = 0; /* the empty record of a query */
    frame[13] = 2;
    frame[43] = 0xee; /* must not shine through */
    seal(frame, len);
    memcpy(before, frame, len);
    assert_int_equal(cjd_ctrl_answer(&self, 0x15, frame, len), CJD_ERR_NOT_FOUND);
    assert_int_equal(cjd_ctrl_answer(&self, 0xa63, frame, len), CJD_ERR_NOT_FOUND);
    self.lladdr = NULL;
    assert_int_equal(cjd_ctrl_answer(&self, 0x13, frame, len), CJD_ERR_NOT_FOUND);
    assert_memory_equal(frame, before, len);
    self.lladdr = lladdr_of_0x13;
    assert_int_equal(cjd_ctrl_answer(&self, 0x13, frame, len), 0);
    assert_int_equal(cjd_ctrl_parse(&c, frame, len), 0);
    assert_int_equal(c.type, CJD_CTRL_LLADDR_REPLY);
    test_assert_hex(c.lladdr, 32,
                    "01081234c0000201000000000000000000000000000000000000000000000000", "record");
    assert_memory_equal(c.data, before + len - 12, 12);
}

static void old_versions(void **state)
{
    (void)state;
    const struct {
        enum cjd_ctrl_type type;
        int want;
    } table[] = {{CJD_CTRL_PING, CJD_ERR_VERSION},
                 {CJD_CTRL_KEYPING, CJD_ERR_VERSION},
                 {CJD_CTRL_GETSNODE, CJD_ERR_VERSION},
                 {CJD_CTRL_RPATH, 0},
                 {CJD_CTRL_LLADDR, 0}};
    struct cjd_ctrl_self self = responder();

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t frame[FRAME_CAP];
        struct cjd_ctrl c;
        size_t len = make_request(frame, table[i].type, CJD_PROTOCOL_MIN - 1);
        assert_int_equal(cjd_ctrl_parse(&c, frame, len), 0);
        assert_int_equal(cjd_ctrl_answer(&self, 0x13, frame, len), table[i].want);
        len = make_request(frame, table[i].type, CJD_PROTOCOL_MIN);
        assert_int_equal(cjd_ctrl_answer(&self, 0x13, frame, len), 0);
        len = make_request(frame, table[i].type, UINT32_MAX);
        assert_int_equal(cjd_ctrl_answer(&self, 0x13, frame, len), 0);
    }
}

static void not_a_request(void **state)
{
    (void)state;
    const enum cjd_ctrl_type types[] = {CJD_CTRL_PONG, CJD_CTRL_KEYPONG, CJD_CTRL_GETSNODE_REPLY,
                                        CJD_CTRL_RPATH_REPLY, CJD_CTRL_LLADDR_REPLY};
    struct cjd_ctrl_self self = responder();
    uint8_t frame[FRAME_CAP];

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t len = make_request(frame, types[i], 21);
        struct cjd_ctrl c;
        assert_int_equal(cjd_ctrl_parse(&c, frame, len), 0);
        assert_int_equal(c.type, types[i]);
        assert_int_equal(cjd_ctrl_answer(&self, 0x13, frame, len), CJD_ERR_UNSUPPORTED);
    }
}

static void unknown_types(void **state)
{
    (void)state;
    const uint16_t types[] = {0, 1, 13, 14, 255, 256, 0xffff};
    struct cjd_ctrl_self self = responder();

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint8_t frame[64] = {0};
        struct cjd_ctrl c;
        cjd_store16(frame + 2, types[i]);
        seal(frame, sizeof frame);
        assert_int_equal(cjd_ctrl_parse(&c, frame, sizeof frame), CJD_ERR_UNSUPPORTED);
        assert_int_equal(cjd_ctrl_answer(&self, 0x13, frame, sizeof frame), CJD_ERR_UNSUPPORTED);
    }
}

/* Every type at every length: short ones are refused, the fixed body suffices. */
static void every_length(void **state)
{
    (void)state;
    for (unsigned type = CJD_CTRL_PING; type <= CJD_CTRL_LLADDR_REPLY; type++) {
        uint8_t whole[FRAME_CAP];
        size_t len = make_request(whole, (enum cjd_ctrl_type)type, 21);
        for (size_t n = 0; n <= len; n++) {
            uint8_t *frame = malloc(n > 0 ? n : 1);
            struct cjd_ctrl c;
            assert_non_null(frame);
            memcpy(frame, whole, n);
            if (n >= 2) {
                seal(frame, n);
            }
            int err = cjd_ctrl_parse(&c, frame, n);
            assert_int_equal(err, n < len - 12 ? CJD_ERR_PARSE : 0);
            if (!err) {
                assert_int_equal(c.data_len, n - (len - 12));
                assert_ptr_equal(c.data, frame + len - 12);
            }
            free(frame);
        }
    }
}

/* The sum of a frame is off by a power of two if one bit flips, so that no flip passes. */
static void every_bit_flip(void **state)
{
    (void)state;
    for (unsigned type = CJD_CTRL_PING; type <= CJD_CTRL_LLADDR_REPLY; type++) {
        uint8_t frame[FRAME_CAP];
        struct cjd_ctrl c;
        size_t len = make_request(frame, (enum cjd_ctrl_type)type, 21);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(cjd_ctrl_parse(&c, frame, len), CJD_ERR_PARSE);
            frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(cjd_ctrl_parse(&c, frame, len), 0);
    }
}

static void wrong_magic(void **state)
{
    (void)state;
    for (unsigned type = CJD_CTRL_PING; type <= CJD_CTRL_LLADDR_REPLY; type++) {
        uint8_t frame[FRAME_CAP];
        struct cjd_ctrl c;
        size_t len = make_request(frame, (enum cjd_ctrl_type)type, 21);
        frame[4 + cjd_rng_below(&rng, 4)] ^= 0x10;
        seal(frame, len);
        assert_int_equal(cjd_ctrl_parse(&c, frame, len), CJD_ERR_PARSE);
    }
}

static void errors(void **state)
{
    (void)state;
    uint8_t frame[40] = {0};
    struct cjd_ctrl c;

    cjd_store16(frame + 2, CJD_CTRL_ERROR);
    cjd_store32(frame + 4, 0xdeadbeef);
    frame[8] = 0x42;
    for (size_t len = 0; len <= sizeof frame; len++) {
        seal(frame, len < 2 ? 2 : len);
        int err = cjd_ctrl_parse(&c, frame, len);
        assert_int_equal(err, len < 8 ? CJD_ERR_PARSE : 0);
        if (!err) {
            assert_int_equal(c.type, CJD_CTRL_ERROR);
            assert_int_equal(c.error, 0xdeadbeef);
            assert_int_equal(c.data_len, len - 8);
            assert_ptr_equal(c.data, frame + 8);
        }
    }
}

static void wrapped(void **state)
{
    (void)state;
    struct cjd_pkt *pkt = test_pkt_from_hex(16, "7f1700049d74e35b00000014");

    cjd_ctrl_wrap(pkt, 0x246263, false);
    test_assert_hex(cjd_pkt_data(pkt), pkt->len,
                    "000000000024626300400000ffffffff7f1700049d74e35b00000014", "reply");
    cjd_pkt_pull(pkt, CJD_CTRL_WRAP_BYTES);
    cjd_ctrl_wrap(pkt, 1, true);
    test_assert_hex(cjd_pkt_data(pkt), pkt->len,
                    "000000000000000101400000ffffffff7f1700049d74e35b00000014", "error");
    test_pkt_free(pkt);
}

static void no_room(void **state)
{
    (void)state;
    struct cjd_key key = key_of(1);
    struct cjd_ctrl_self self = responder();
    struct cjd_auth_error e = {.ca_result = 15};
    const struct {
        uint32_t headroom;
        uint32_t cap;
    } table[] = {{0, 0}, {0, 11}, {15, 44}, {16, 43}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cjd_pkt *pkt = test_pkt_new(table[i].headroom, table[i].cap);
        assert_int_equal(cjd_ctrl_make_ping(pkt, NULL, "0123456789abcdef0123456789abcdef0", 33),
                         CJD_ERR_TOO_LONG);
        assert_int_equal(cjd_ctrl_make_ping(pkt, &key, "x", 1), CJD_ERR_TOO_LONG);
        assert_int_equal(cjd_ctrl_make_getsnode(pkt, &self, NULL, 0), CJD_ERR_TOO_LONG);
        assert_int_equal(cjd_ctrl_make_rpath(pkt, 1, "0123456789abcdef0123456789abcdef0", 33),
                         CJD_ERR_TOO_LONG);
        assert_int_equal(cjd_ctrl_make_auth_error(pkt, 1, &e), CJD_ERR_TOO_LONG);
        assert_int_equal(pkt->len, 0);
        test_pkt_free(pkt);
    }
}

/* Random bytes behind a plausible beginning and with a right checksum: parse and answer agree. */
static void random_frames(void **state)
{
    (void)state;
    struct cjd_ctrl_self self = responder();
    unsigned answered = 0;

    for (unsigned i = 0; i < 30000; i++) {
        uint8_t whole[FRAME_CAP];
        size_t max = make_request(whole, (enum cjd_ctrl_type)(3 + cjd_rng_below(&rng, 10)),
                                  16 + cjd_rng_below(&rng, 8));
        size_t len = 2 + cjd_rng_below(&rng, (uint32_t)max + 100);
        uint8_t *frame = calloc(1, len);
        struct cjd_ctrl c;

        assert_non_null(frame);
        memcpy(frame, whole, len < max ? len : max);
        if (len > 12) {
            cjd_rng_fill(&rng, frame + 12, len - 12);
        }
        seal(frame, len);
        int parsed = cjd_ctrl_parse(&c, frame, len);
        int err =
            cjd_ctrl_answer(&self, cjd_rng_below(&rng, 2) ? 0x13 : cjd_rng_u64(&rng), frame, len);
        assert_true(!parsed || parsed == err);
        if (!err) {
            unsigned asked = c.type;
            assert_int_equal(cjd_ctrl_parse(&c, frame, len), 0);
            assert_int_equal(c.type, asked + 1);
            answered++;
        }
        free(frame);
    }
    assert_true(answered > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ping_round_trip),  cmocka_unit_test(keyping_round_trip),
        cmocka_unit_test(keyping_too_long), cmocka_unit_test(getsnode_round_trip),
        cmocka_unit_test(rpath_round_trip), cmocka_unit_test(lladdr_answers),
        cmocka_unit_test(old_versions),     cmocka_unit_test(not_a_request),
        cmocka_unit_test(unknown_types),    cmocka_unit_test(every_length),
        cmocka_unit_test(every_bit_flip),   cmocka_unit_test(wrong_magic),
        cmocka_unit_test(errors),           cmocka_unit_test(wrapped),
        cmocka_unit_test(no_room),          cmocka_unit_test(random_frames),
    };
    rng = test_rng_init(&rng_state, 0xc7a1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
