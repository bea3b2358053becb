/* Known answers: handshakes, five complete sessions field by field (CryptoAuth notes §4–7). */
#include "end.h"

#include <base/wire.h>
#include <crypto/box.h>

enum { SESSIONS = 5, STEPS = 45 };

/* Texts of the vector are hex; logins and passwords there have no NUL. */
static const char *text_of(char out[64], const json_t *c, const char *name)
{
    memset(out, 0, 64);
    test_hex_member((uint8_t *)out, 63, c, name);
    return json_is_string(json_object_get(c, name)) ? out : NULL;
}

static void init_credentials(struct cjd_credentials *out, const json_t *side)
{
    char login[64];
    char password[64];
    const char *secret = text_of(password, side, "password");

    cjd_credentials_init(out, text_of(login, side, "login"), secret, strlen(password));
}

static void add_users(struct end *end, const json_t *side)
{
    size_t i;
    const json_t *user;

    json_array_foreach(json_object_get(side, "users"), i, user)
    {
        char login[64];
        char password[64];
        text_of(password, user, "password");
        assert_int_equal(cjd_users_add(end->users, text_of(login, user, "login"), password,
                                       strlen(password), NULL),
                         0);
    }
}

static void init_side(struct end *end, const json_t *side)
{
    uint8_t secret[32];

    assert_int_equal(test_hex_member(secret, sizeof secret, side, "private"), 32);
    end_init(end, false, secret);
    test_assert_hex(end->self.key.b, 32, test_str(side, "public"), "public key");
    add_users(end, side);
}

static void start_side(struct end *end, const struct end *peer, const json_t *side)
{
    struct cjd_credentials credentials;

    init_credentials(&credentials, side);
    end_session(end, &peer->self.key, json_is_true(json_object_get(side, "require_auth")),
                &credentials, 1000 * CJD_S);
    cjd_credentials_fini(&credentials);
}

static void check_field(const uint8_t *bytes, size_t len, const json_t *step, const char *name)
{
    test_assert_hex(bytes, len, test_str(step, name), name);
}

/* Opens a copy of the packet's box with the secret of the vector. */
static void check_box(const uint8_t *p, size_t len, size_t at, const uint8_t nonce[24],
                      const json_t *step, const char *plain_name)
{
    uint8_t copy[MESSAGE_MAX];
    uint8_t secret[32];

    assert_true(len <= sizeof copy);
    memcpy(copy, p, len);
    assert_int_equal(test_hex_member(secret, sizeof secret, step, "secret"), 32);
    assert_true(cjd_box_open(copy + at + 16, len - at - 16, copy + at, nonce, secret));
    check_field(copy + at + 16, len - at - 16, step, plain_name);
}

static void check_handshake_fields(const uint8_t *p, size_t len, const json_t *step)
{
    assert_int_equal(cjd_load32(p), test_int(step, "word"));
    check_field(p + 4, 12, step, "challenge");
    check_field(p + 16, 24, step, "handshake_nonce");
    check_field(p + 40, 32, step, "permanent_public");
    check_field(p + 72, 16, step, "mac");
    check_field(p + 88, 32, step, "encrypted_temp_key");
    check_field(p + 120, len - 120, step, "encrypted_message");
    check_box(p, len, 72, p + 16, step, "sealed_plaintext");
}

static void check_data_fields(const uint8_t *p, size_t len, const json_t *step,
                              const struct end *sender)
{
    uint8_t nonce[24];
    uint8_t temp[32];
    uint8_t shared[32];
    struct cjd_key peer;

    assert_int_equal(cjd_load32(p), test_int(step, "counter"));
    check_field(p + 4, 16, step, "mac");
    check_field(p + 20, len - 20, step, "ciphertext");
    cjd_box_nonce(nonce, cjd_load32(p), sender->ca.live.is_initiator);
    check_field(nonce, 24, step, "nonce");
    check_box(p, len, 4, nonce, step, "plaintext");
    test_hex_member(temp, sizeof temp, step, "temp_private");
    test_hex_member(peer.b, sizeof peer.b, step, "peer_temp_public");
    assert_int_equal(cjd_box_shared(shared, temp, &peer), 0);
    check_field(shared, 32, step, "x25519");
    check_field(sender->ca.live.secret, 32, step, "secret");
}

static void check_temp_key(const struct end *sender, const json_t *step)
{
    check_field(sender->ca.live.temp_secret, 32, step, "temp_private");
    check_field(sender->ca.live.temp_key.b, 32, step, "temp_public");
    check_field(sender->ca.live.next < 2 ? sender->ca.static_shared : sender->ca.live.key_shared,
                32, step, "x25519");
}

static void check_step(struct end *sender, struct end *receiver, const json_t *step)
{
    uint8_t random[68];
    uint8_t message[MESSAGE_MAX];
    struct box box;
    size_t random_len = test_hex_member(random, sizeof random, step, "random");
    size_t len = test_hex_member(message, sizeof message, step, "plaintext");
    struct cjd_pkt *pkt = box_message(&box, message, len);

    assert_int_equal(end_next(sender), test_int(step, "sender_next_nonce_before"));
    end_script(sender, random, random_len);
    end_seal(sender, pkt, false, 1000 * CJD_S);
    assert_true(end_script_is_used(sender));
    check_field(cjd_pkt_data(pkt), pkt->len, step, "packet");
    assert_int_equal(end_next(sender), test_int(step, "sender_next_nonce_after"));
    if (json_object_get(step, "word")) {
        check_handshake_fields(cjd_pkt_data(pkt), pkt->len, step);
        check_temp_key(sender, step);
    } else {
        check_data_fields(cjd_pkt_data(pkt), pkt->len, step, sender);
    }
    assert_int_equal(end_open(receiver, pkt, 1000 * CJD_S), 0);
    check_field(cjd_pkt_data(pkt), pkt->len, step, "plaintext");
    assert_int_equal(end_state(receiver), test_int(step, "receiver_state_after"));
    assert_int_equal(end_next(receiver), test_int(step, "receiver_next_nonce_after"));
}

static size_t check_session(const json_t *c)
{
    struct end end[2];
    size_t i;
    const json_t *step;

    init_side(&end[0], json_object_get(c, "initiator"));
    init_side(&end[1], json_object_get(c, "responder"));
    start_side(&end[0], &end[1], json_object_get(c, "initiator"));
    start_side(&end[1], &end[0], json_object_get(c, "responder"));
    json_array_foreach(json_object_get(c, "steps"), i, step)
    {
        int from = test_str(step, "sender")[0] == 'B';
        check_step(&end[from], &end[1 - from], step);
    }
    end_fini(&end[0]);
    end_fini(&end[1]);
    return i;
}

static void handshakes(void **state)
{
    json_t *root = test_vectors("cryptoauth.json");
    const json_t *cases = json_object_get(root, "handshakes");
    size_t steps = 0;
    size_t i;
    const json_t *c;

    (void)state;
    assert_true(json_array_size(cases) >= SESSIONS);
    json_array_foreach(cases, i, c)
    {
        steps += check_session(c);
    }
    assert_int_equal(i, json_array_size(cases));
    assert_true(steps >= STEPS);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(handshakes)};
    return cmocka_run_group_tests_name("vector_crypto_handshakes", tests, NULL, NULL);
}
