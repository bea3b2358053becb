/* Known answers of control frames: switch notes §8.3, §11. */
#include "common.h"

#include <cjd/version.h>
#include <switch/ctrl.h>
#include <switch/label.h>

#define FRAME_MAX 4096u

static json_t *root;

static void checksum(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "checksum");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        uint8_t bytes[FRAME_MAX];
        size_t len = test_hex_member(bytes, sizeof bytes, e, "hex");
        uint16_t sum = cjd_ctrl_checksum(bytes, len);
        uint8_t wire[2] = {(uint8_t)(sum >> 8), (uint8_t)sum};
        test_assert_hex(wire, sizeof wire, test_str(e, "checksum"), "checksum");
    }
}

static struct cjd_ctrl_self responder(const json_t *e)
{
    struct cjd_ctrl_self self = {.version = (uint32_t)test_int(e, "responder_version"),
                                 .scheme = cjd_scheme_358()};
    const json_t *snode = json_object_get(e, "responder_snode");

    test_hex_member(self.key.b, sizeof self.key.b, e, "responder_key");
    if (json_is_object(snode)) {
        self.snode_version = (uint32_t)test_int(snode, "version");
        self.snode_label = test_label_of(snode, "label");
        assert_int_equal(test_hex_member(self.snode_key.b, 32, snode, "key"), 32);
    }
    return self;
}

static void check_control(const json_t *e, unsigned *answered)
{
    struct cjd_ctrl_self self = responder(e);
    const char *reply = json_string_value(json_object_get(e, "reply"));
    struct cjd_pkt *pkt = test_pkt_from_hex(0, test_str(e, "ctrl"));
    int err = cjd_ctrl_answer(&self, test_label_of(e, "from_label"), cjd_pkt_data(pkt), pkt->len);

    if (reply) {
        struct cjd_ctrl parsed;
        assert_int_equal(err, 0);
        test_assert_hex(cjd_pkt_data(pkt), pkt->len, reply, test_str(e, "kind"));
        assert_int_equal(cjd_ctrl_parse(&parsed, cjd_pkt_data(pkt), pkt->len), 0);
        assert_int_equal(parsed.version, self.version);
        ++*answered;
    } else {
        assert_true(err < 0);
        /* What is not answered stays as it was. */
        test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(e, "ctrl"), "dropped frame");
    }
    test_pkt_free(pkt);
}

static void control(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "control");
    unsigned answered = 0;
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        check_control(e, &answered);
    }
    assert_true(answered > 0);
}

/* Frames of running nodes: all parse, and our answer to a query has the length of theirs. */
static void captured(void **state)
{
    (void)state;
    json_t *router = test_vectors("router.json");
    const json_t *section = test_section(json_object_get(router, "supernode"), "ctrl");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        struct cjd_ctrl_self self = {.version = CJD_PROTOCOL, .scheme = cjd_scheme_358()};
        struct cjd_ctrl ctrl;
        struct cjd_pkt *pkt = test_pkt_from_hex(0, test_str(e, "frame"));
        unsigned type = (unsigned)test_int(e, "type");

        assert_int_equal(cjd_ctrl_parse(&ctrl, cjd_pkt_data(pkt), pkt->len), 0);
        assert_int_equal(ctrl.type, type);
        bool is_query = type % 2 != 0;
        int err = cjd_ctrl_answer(&self, 0x13, cjd_pkt_data(pkt), pkt->len);
        assert_int_equal(err, is_query ? 0 : CJD_ERR_UNSUPPORTED);
        assert_int_equal(cjd_ctrl_parse(&ctrl, cjd_pkt_data(pkt), pkt->len), 0);
        assert_int_equal(ctrl.type, is_query ? type + 1 : type);
        test_pkt_free(pkt);
    }
    json_decref(router);
}

static void auth_error(void **state)
{
    (void)state;
    const json_t *section = test_section(root, "auth_error");
    size_t i;
    json_t *e;

    json_array_foreach(section, i, e)
    {
        uint8_t header[CJD_SWITCH_HEADER_BYTES];
        struct cjd_auth_error error = {.ca_result = (uint32_t)test_int(e, "decrypt_error"),
                                       .ca_state = (uint32_t)test_int(e, "session_state")};
        struct cjd_pkt *pkt = test_pkt_new(16, 44);

        assert_int_equal(test_hex_member(header, sizeof header, e, "offending_header"), 12);
        assert_int_equal(test_hex_member(error.first16, 16, e, "offending_first16"), 16);
        cjd_switch_header_read(&error.cause, header);
        uint64_t to = cjd_label_reverse(error.cause.label);
        assert_int_equal(cjd_ctrl_make_auth_error(pkt, to, &error), 0);
        test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(e, "frame_before_own_switch"),
                        "AUTHENTICATION error");
        test_pkt_free(pkt);
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
        cmocka_unit_test(checksum),
        cmocka_unit_test(control),
        cmocka_unit_test(captured),
        cmocka_unit_test(auth_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
