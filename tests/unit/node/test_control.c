/* Control frames at a whole node: what is answered, over which label, and what is told the router;
 * errors the node's own switch makes. */
#include "box.h"

#include <base/wire.h>
#include <cjd/version.h>

/* As it arrives from the neighbour, and from somebody three hops away behind it. */
#define NEAR 0x8000000000000001ull
#define FAR  0xa9c4000000000001ull

static uint32_t request(uint8_t body[BOX_BYTES], uint32_t magic, uint32_t version, uint32_t fixed,
                        const char *data)
{
    memset(body, 0, 8 + fixed);
    cjd_store32(body, magic);
    cjd_store32(body + 4, version);
    memcpy(body + 8 + fixed, data, strlen(data));
    return 8 + fixed + (uint32_t)strlen(data);
}

/* The label by which the node reaches the sender of a frame that arrived like that on interface 0
 * (director 3 in four bits). */
static uint64_t way_back(uint64_t arrived)
{
    return cjd_label_reverse(arrived >> 4 | cjd_label_reverse(3));
}

/* A frame given to the node's own switch with that label, as the neighbour sees it. */
static void assert_left_over(const struct box_bytes *f, uint64_t label)
{
    struct cjd_switch_header h;

    cjd_switch_header_read(&h, f->bytes);
    assert_int_equal(h.label, label >> 4 | cjd_label_reverse(1));
    assert_int_equal(label & 0xf, 3);
    assert_false(h.suppress_errors); /* even if the request had it (switch notes §11.1) */
    assert_int_equal(h.congestion, 0);
    assert_int_equal(h.version, 1);
    assert_int_equal(h.shift, 4);
    assert_int_equal(h.traffic_class, 0xffff);
}

static const struct {
    uint16_t type;
    uint32_t magic;
    uint32_t reply_magic;
    uint32_t fixed; /* bytes between version and opaque data */
    bool checks_version;
} kinds[] = {
    {CJD_CTRL_PING, 0x09f91102, 0x9d74e35b, 0, true},
    {CJD_CTRL_KEYPING, 0x01234567, 0x89abcdef, 32, true},
    {CJD_CTRL_GETSNODE, 0x736e6f71, 0x736e6f72, 48, true},
    {CJD_CTRL_RPATH, 0x736e6f71, 0x736e6f72, 8, false},
};

static void check_reply(struct box *box, unsigned kind, uint64_t arrived)
{
    const struct box_bytes *r = box_find(box, kinds[kind].type + 1);

    assert_non_null(r);
    assert_left_over(r, way_back(arrived));
    assert_int_equal(r->len, 20 + 8 + kinds[kind].fixed + 5);
    assert_int_equal(cjd_load32(r->bytes + 20), kinds[kind].reply_magic);
    assert_int_equal(cjd_load32(r->bytes + 24), CJD_PROTOCOL);
    assert_memory_equal(r->bytes + 28 + kinds[kind].fixed, "hello", 5);
    if (kinds[kind].type == CJD_CTRL_KEYPING) {
        assert_memory_equal(r->bytes + 28, box->keys.key.b, 32);
    } else if (kinds[kind].type == CJD_CTRL_RPATH) {
        assert_int_equal(cjd_load64(r->bytes + 28), way_back(arrived));
    } else if (kinds[kind].type == CJD_CTRL_GETSNODE) {
        static const uint8_t none[40];
        assert_int_equal(cjd_load32(r->bytes + 28), 0);
        assert_memory_equal(r->bytes + 36, none, 40); /* key and label */
    }
}

static void answers(void **state)
{
    (void)state;
    static const uint64_t from[] = {NEAR, FAR};
    struct box box;
    uint8_t body[BOX_BYTES];
    uint8_t frame[BOX_BYTES];
    box_init(&box, 1500);
    box_establish(&box);
    for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (unsigned i = 0; i < 4; i++) {
            uint32_t len = request(body, kinds[k].magic, 22, kinds[k].fixed, "hello");
            box_forget(&box);
            len = box_control(frame, from[i / 2], i % 2 != 0, kinds[k].type, body, len);
            if (i == 3) {
                box_send_view(&box, frame, len);
            } else {
                box_send(&box, frame, len);
            }
            check_reply(&box, k, from[i / 2]);
        }
    }
    box_fini(&box);
}

/* Too old a version is not answered, where versions are looked at. */
static void old_versions(void **state)
{
    (void)state;
    struct box box;
    uint8_t body[BOX_BYTES];
    uint8_t frame[BOX_BYTES];
    box_init(&box, 1500);
    box_establish(&box);
    for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (uint32_t version = 0; version < CJD_PROTOCOL_MIN; version += 19) {
            uint32_t len = request(body, kinds[k].magic, version, kinds[k].fixed, "hello");
            box_forget(&box);
            box_send(&box, frame, box_control(frame, NEAR, false, kinds[k].type, body, len));
            assert_int_equal(box_find(&box, kinds[k].type + 1) == NULL, kinds[k].checks_version);
        }
    }
    box_fini(&box);
}

static void not_answered(void **state)
{
    (void)state;
    struct box box;
    uint8_t body[BOX_BYTES];
    uint8_t frame[BOX_BYTES];
    box_init(&box, 1500);
    box_establish(&box);
    uint64_t invalid = box_dropped(&box, CJD_DROP_CTRL_INVALID);
    uint64_t unknown = box_dropped(&box, CJD_DROP_CTRL_UNKNOWN);
    /* LLADDR: what an address means only its link knows. */
    uint32_t len = request(body, 0x6c6c6171, 22, 32, "hello");
    box_send(&box, frame, box_control(frame, NEAR, false, CJD_CTRL_LLADDR, body, len));
    assert_int_equal(box_dropped(&box, CJD_DROP_CTRL_UNKNOWN), unknown + 1);
    for (uint16_t type = 0; type < 2; type++) {
        box_send(&box, frame, box_control(frame, NEAR, false, type, body, len));
        box_send(&box, frame, box_control(frame, NEAR, false, 13 + type, body, len));
    }
    assert_int_equal(box_dropped(&box, CJD_DROP_CTRL_UNKNOWN), unknown + 5);
    /* Replies to nothing. */
    len = request(body, 0x9d74e35b, 21, 0, "12345678");
    box_send(&box, frame, box_control(frame, NEAR, false, CJD_CTRL_PONG, body, len));
    len = request(body, 0x89abcdef, 21, 32, "12345678");
    box_send(&box, frame, box_control(frame, NEAR, false, CJD_CTRL_KEYPONG, body, len));
    assert_int_equal(box_dropped(&box, CJD_DROP_CTRL_INVALID), invalid + 2);
    /* Magic, length, checksum. */
    len = request(body, 0x09f91103, 21, 0, "hello");
    box_send(&box, frame, box_control(frame, NEAR, false, CJD_CTRL_PING, body, len));
    len = request(body, 0x09f91102, 21, 0, "");
    box_send(&box, frame, box_control(frame, NEAR, false, CJD_CTRL_PING, body, len - 1));
    len = box_control(frame, NEAR, false, CJD_CTRL_PING, body, len);
    frame[16] ^= 1;
    box_send(&box, frame, len);
    assert_int_equal(box_dropped(&box, CJD_DROP_CTRL_INVALID), invalid + 5);
    for (uint32_t cut = 12; cut < 16; cut++) {
        box_send(&box, frame, cut);
    }
    assert_int_equal(box_dropped(&box, CJD_DROP_ROUTER_RUNT), 4);
    assert_int_equal(box.frames, 0);
    box_fini(&box);
}

/* A flood of requests is answered so many times a second. */
static void answer_budget(void **state)
{
    (void)state;
    struct box box;
    uint8_t body[BOX_BYTES];
    uint8_t frame[BOX_BYTES];
    box_init(&box, 1500);
    box_establish(&box);
    uint32_t len = request(body, 0x09f91102, 21, 0, "hello");
    len = box_control(frame, FAR, false, CJD_CTRL_PING, body, len);
    unsigned answered = 0;
    for (unsigned i = 0; i < 1500; i++) {
        box_forget(&box);
        box_send(&box, frame, len);
        answered += box.frames;
    }
    assert_int_equal(answered, 1000);
    assert_int_equal(box_dropped(&box, CJD_DROP_CTRL_RATE), 500);
    box_fini(&box);
}

/* Label 1 leads from the own router to itself, and the answer likewise. */
static void self_ping(void **state)
{
    (void)state;
    struct box box;
    box_init(&box, 1500);
    struct cjd_pkt *pkt = cjd_pool_take(box.pool, 256);
    assert_int_equal(cjd_ctrl_make_ping(pkt, NULL, "12345678", 8), 0);
    cjd_ctrl_wrap(pkt, CJD_LABEL_SELF, false);
    frame_switch(box.node, CJD_SWITCH_SELF, pkt, box.now_ns);
    assert_int_equal(cjd_node_next(box.node), 0); /* it waits to be handled */
    cjd_node_run(box.node, box.now_ns);
    assert_int_equal(box_dropped(&box, CJD_DROP_CTRL_INVALID), 0);
    assert_int_equal(cjd_pool_in_use(box.pool), 1); /* the pong */
    cjd_node_run(box.node, box.now_ns);
    assert_int_equal(box_dropped(&box, CJD_DROP_CTRL_INVALID), 1); /* nobody asked */
    assert_int_equal(cjd_pool_in_use(box.pool), 0);
    assert_true(cjd_node_next(box.node) > box.now_ns);
    box_fini(&box);
}

/* --- errors ----------------------------------------------------------------------------------- */

static uint64_t queries(const struct box *box)
{
    struct cjd_dht_stats stats;

    cjd_dht_stats(cjd_node_dht(box->node), &stats);
    return stats.queries_sent;
}

static void send_error_frame(struct box *box, uint32_t code, uint32_t cause_len)
{
    uint8_t body[BOX_BYTES] = {0};
    uint8_t frame[BOX_BYTES];

    cjd_store32(body, code);
    if (cause_len >= 8) {
        cjd_store64(body + 4, 0x8000000000000001ull);
    }
    box_send(box, frame, box_control(frame, NEAR, true, CJD_CTRL_ERROR, body, 4 + cause_len));
}

/* The path an error came back on is verified; nothing else happens on a word that anybody may have
 * said. An end point that cannot decrypt is no error of the path. */
static void errors_reach_the_router(void **state)
{
    (void)state;
    struct box box;
    box_init(&box, 1500);
    box_establish(&box);
    box_run(&box, 600 * CJD_MS);
    uint64_t before = queries(&box);
    send_error_frame(&box, CJD_SWITCH_ERR_AUTHENTICATION, 36);
    send_error_frame(&box, CJD_SWITCH_ERR_UNDELIVERABLE, 7);
    send_error_frame(&box, CJD_SWITCH_ERR_UNDELIVERABLE, 0);
    assert_int_equal(queries(&box), before);
    send_error_frame(&box, CJD_SWITCH_ERR_UNDELIVERABLE, 40);
    assert_int_equal(queries(&box), before + 1);
    for (unsigned i = 0; i < 1000; i++) {
        send_error_frame(&box, CJD_SWITCH_ERR_MALFORMED, 40);
    }
    assert_true(queries(&box) < before + 10);
    assert_int_equal(box_find(&box, CJD_CTRL_ERROR) == NULL, true); /* never answered */
    box_fini(&box);
}

static void check_error(const struct box *box, const uint8_t *cause, uint32_t len)
{
    const struct box_bytes *e = box_find(box, CJD_CTRL_ERROR);
    uint32_t kept = len < 256 ? len : 256;

    assert_non_null(e);
    assert_int_equal(e->len, 24 + kept);
    assert_int_equal(cjd_load64(e->bytes), cjd_label_reverse(cjd_load64(cause)));
    assert_int_equal(e->bytes[8], 3);
    assert_int_equal(e->bytes[9], 0x40);
    assert_int_equal(cjd_load32(e->bytes + 20), CJD_SWITCH_ERR_MALFORMED);
    assert_memory_equal(e->bytes + 24, cause, kept);
}

/* No such interface: the sender hears of it, in whatever packet the frame came. */
static void switch_errors(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {16, 17, 100, 256, 257, 1200};
    struct box box;
    uint8_t frame[BOX_BYTES];
    box_init(&box, 1500);
    box_establish(&box);
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(frame, 0x33, sizeof frame);
        cjd_store64(frame, 0xa9c4000000000157ull);
        cjd_store32(frame + 8, 0x0044ffff);
        box_forget(&box);
        box_send(&box, frame, sizes[i]);
        check_error(&box, frame, sizes[i]);
        box_forget(&box);
        box_send_view(&box, frame, sizes[i]);
        check_error(&box, frame, sizes[i]);
        assert_int_equal(box.frames, 1);
        box_forget(&box);
        frame[8] = 1;
        box_send(&box, frame, sizes[i]);
        assert_int_equal(box.frames, 0);
    }
    frame[8] = 0;
    box_send(&box, frame, 15);
    box_send(&box, frame, 11);
    assert_int_equal(box.frames, 0);
    box_fini(&box);
}

/* An error of the own switch comes to the own router like any other. */
static void own_switch_error(void **state)
{
    (void)state;
    struct box box;
    box_init(&box, 1500);
    struct cjd_pkt *pkt = cjd_pool_take(box.pool, 256);
    assert_int_equal(cjd_ctrl_make_ping(pkt, NULL, "12345678", 8), 0);
    cjd_ctrl_wrap(pkt, 0x17, false);
    frame_switch(box.node, CJD_SWITCH_SELF, pkt, box.now_ns);
    assert_int_equal(box_dropped(&box, CJD_DROP_SWITCH_MALFORMED), 1);
    cjd_node_run(box.node, box.now_ns);
    assert_int_equal(cjd_pool_in_use(box.pool), 0);
    assert_int_equal(box_dropped(&box, CJD_DROP_CTRL_INVALID), 0);
    box_fini(&box);
}

/* --- an unknown handle ------------------------------------------------------------------------ */

/* Answered by the question for the sender's key; its answer begins a handshake, once, and only over
 * the label that was asked. */
static void unknown_handle(void **state)
{
    (void)state;
    struct box box;
    uint8_t frame[BOX_BYTES] = {0};
    uint8_t body[BOX_BYTES];
    struct cjd_keypair stranger;
    box_init(&box, 1500);
    box_establish(&box);
    cjd_keypair_generate(&stranger, &box.rng[1]);
    cjd_store64(frame, FAR);
    cjd_store32(frame + 8, 0x0044ffff);
    cjd_store32(frame + 12, 4711);
    uint32_t sessions = cjd_sessions_count(cjd_node_sessions(box.node));
    box_send(&box, frame, 60);
    const struct box_bytes *keyping = box_find(&box, CJD_CTRL_KEYPING);
    assert_non_null(keyping);
    assert_left_over(keyping, way_back(FAR));
    assert_int_equal(cjd_load32(keyping->bytes + 24), CJD_PROTOCOL);
    assert_memory_equal(keyping->bytes + 28, box.keys.key.b, 32);
    assert_int_equal(keyping->len, 68);

    uint32_t len = request(body, 0x89abcdef, 21, 32, "");
    memcpy(body + 8, stranger.key.b, 32);
    memcpy(body + len, keyping->bytes + 60, 8);
    box_forget(&box);
    box_send(&box, frame, box_control(frame, NEAR, false, CJD_CTRL_KEYPONG, body, len + 8));
    assert_int_equal(cjd_sessions_count(cjd_node_sessions(box.node)), sessions);
    box_send(&box, frame, box_control(frame, FAR, false, CJD_CTRL_KEYPONG, body, len + 8));
    assert_int_equal(cjd_sessions_count(cjd_node_sessions(box.node)), sessions + 1);
    assert_int_equal(box.frames, 1);
    assert_int_equal(cjd_load32(box.frame[0].bytes + 12), 0); /* a hello */
    uint64_t invalid = box_dropped(&box, CJD_DROP_CTRL_INVALID);
    box_send(&box, frame, box_control(frame, FAR, false, CJD_CTRL_KEYPONG, body, len + 8));
    assert_int_equal(box_dropped(&box, CJD_DROP_CTRL_INVALID), invalid + 1);
    box_fini(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),        cmocka_unit_test(old_versions),
        cmocka_unit_test(not_answered),   cmocka_unit_test(answer_budget),
        cmocka_unit_test(self_ping),      cmocka_unit_test(errors_reach_the_router),
        cmocka_unit_test(switch_errors),  cmocka_unit_test(own_switch_error),
        cmocka_unit_test(unknown_handle),
    };
    return cmocka_run_group_tests_name("node_control", tests, NULL, NULL);
}
