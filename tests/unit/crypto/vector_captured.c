/*
 * Known answers: captured, sessions with running reference nodes (CryptoAuth notes §14).
 *
 * live_peer: all keys known. Our session plays the independent peer: what it sends must be the
 * captured packet to the byte, what it receives must open.
 * reference_to_reference: temporary keys unknown. Hellos are opened by a session, key packets with
 * the responder's permanent key; of data packets only the layout shows.
 */
#include "end.h"

#include <base/wire.h>
#include <crypto/box.h>

enum { LIVE = 6, LIVE_PACKETS = 97, REFERENCE = 3, REFERENCE_PACKETS = 21 };

static size_t text_of(char out[64], const json_t *c, const char *name)
{
    memset(out, 0, 64);
    return test_hex_member((uint8_t *)out, 63, c, name);
}

static void read_credentials(struct cjd_credentials *out, const json_t *c)
{
    char login[64];
    char password[64];
    size_t len = text_of(password, c, "password");

    text_of(login, c, "login");
    cjd_credentials_init(out, json_is_string(json_object_get(c, "login")) ? login : NULL, password,
                         len);
}

static void add_user(struct end *end, const json_t *c)
{
    char login[64];
    char password[64];
    size_t len = text_of(password, c, "password");

    text_of(login, c, "login");
    assert_int_equal(cjd_users_add(end->users, login, password, len, NULL), 0);
}

static void init_end(struct end *end, const json_t *c, const char *private_name,
                     const char *public_name)
{
    uint8_t secret[32];

    assert_int_equal(test_hex_member(secret, sizeof secret, c, private_name), 32);
    end_init(end, false, secret);
    test_assert_hex(end->self.key.b, 32, test_str(c, public_name), public_name);
}

/* One session of the independent peer. */
struct layer {
    struct end end;
    uint8_t temp_secret[32];
    bool has_sent;
};

static void init_layer(struct layer *layer, const json_t *c, const json_t *keys, bool requires_auth,
                       const struct cjd_credentials *credentials)
{
    struct cjd_key peer;

    layer->has_sent = false;
    init_end(&layer->end, c, "private", "public");
    assert_int_equal(test_hex_member(peer.b, 32, c, "reference_public"), 32);
    assert_int_equal(test_hex_member(layer->temp_secret, 32, keys, "temp_private"), 32);
    end_session(&layer->end, &peer, requires_auth, credentials, 0);
}

/* The random bytes that were drawn for a captured packet: challenge, nonce, temporary key. */
static void script_of(struct layer *layer, uint8_t script[68], const uint8_t *packet)
{
    size_t len = 0;

    if (cjd_load32(packet) < 4) {
        memcpy(script, packet + 4, 36);
        memcpy(script + 36, layer->temp_secret, 32);
        len = layer->has_sent ? 36 : 68;
        layer->has_sent = true;
    }
    end_script(&layer->end, script, len);
}

static void send_one(struct layer *layer, const json_t *c)
{
    uint8_t script[68];
    uint8_t packet[MESSAGE_MAX];
    uint8_t plain[MESSAGE_MAX];
    struct box box;

    test_hex_member(packet, sizeof packet, c, "packet");
    struct cjd_pkt *pkt =
        box_message(&box, plain, test_hex_member(plain, sizeof plain, c, "plaintext"));
    script_of(layer, script, packet);
    end_seal(&layer->end, pkt, false, 0);
    assert_true(end_script_is_used(&layer->end));
    test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(c, "packet"), "packet");
}

static void receive_one(struct layer *layer, const json_t *c)
{
    uint8_t packet[MESSAGE_MAX];
    struct box box;
    const json_t *error = json_object_get(c, "error");
    size_t len = test_hex_member(packet, sizeof packet, c, "packet");
    struct cjd_pkt *pkt = box_packet(&box, packet, len);

    assert_int_equal(end_open(&layer->end, pkt, 0), error ? json_integer_value(error) : 0);
    test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(c, "plaintext"), "plaintext");
}

static void check_keys(const struct layer *layer, const json_t *keys)
{
    const struct cjd_ca_half *half = &layer->end.ca.live;

    assert_true(half->is_established);
    test_assert_hex(half->peer_temp_key.b, 32, test_str(keys, "reference_temp_public"),
                    "temporary key of the reference");
    if (json_object_get(keys, "session_secret")) {
        test_assert_hex(half->secret, 32, test_str(keys, "session_secret"), "session secret");
        test_assert_hex(half->temp_key.b, 32, test_str(keys, "temp_public"), "temporary key");
    }
}

static size_t run_packets(const json_t *c, struct layer *outer, struct layer *inner)
{
    size_t i;
    const json_t *packet;

    json_array_foreach(json_object_get(c, "packets"), i, packet)
    {
        const char *layer_name = json_string_value(json_object_get(packet, "layer"));
        bool is_inner = layer_name && strcmp(layer_name, "inner") == 0;
        struct layer *layer = is_inner ? inner : outer;
        if (strcmp(test_str(packet, "direction"), "to_reference") == 0) {
            send_one(layer, packet);
        } else {
            receive_one(layer, packet);
        }
    }
    return i;
}

/* The reference's side of the first hello, as a session with its private key sees it. */
static void open_first_as_reference(const json_t *c)
{
    struct end end;
    struct cjd_key peer;
    struct box box;
    uint8_t bytes[MESSAGE_MAX];
    const json_t *first = json_array_get(json_object_get(c, "packets"), 0);
    size_t len = test_hex_member(bytes, sizeof bytes, first, "packet");
    struct cjd_pkt *pkt = box_packet(&box, bytes, len);

    init_end(&end, c, "reference_private", "reference_public");
    add_user(&end, c);
    test_hex_member(peer.b, 32, c, "public");
    end_session(&end, &peer, true, NULL, 0);
    assert_int_equal(end_open(&end, pkt, 0), 0);
    test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(first, "plaintext"), "hello");
    assert_string_equal(end.ca.login, cjd_users_at(end.users, 0)->login);
    end_fini(&end);
}

static size_t run_initiator(const json_t *c)
{
    struct layer outer;
    struct cjd_credentials credentials;

    read_credentials(&credentials, c);
    init_layer(&outer, c, c, false, &credentials);
    size_t packets = run_packets(c, &outer, NULL);
    check_keys(&outer, c);
    end_fini(&outer.end);
    if (credentials.type == 2) {
        open_first_as_reference(c);
    }
    return packets;
}

static size_t run_responder(const json_t *c)
{
    struct layer outer;
    struct layer inner;

    init_layer(&outer, c, json_object_get(c, "outer"), true, NULL);
    add_user(&outer.end, c);
    init_layer(&inner, c, json_object_get(c, "inner"), false, NULL);
    size_t packets = run_packets(c, &outer, &inner);
    check_keys(&outer, json_object_get(c, "outer"));
    check_keys(&inner, json_object_get(c, "inner"));
    end_fini(&outer.end);
    end_fini(&inner.end);
    return packets;
}

static void live_peer(void **state)
{
    json_t *root = test_vectors("cryptoauth.json");
    const json_t *cases = json_object_get(json_object_get(root, "captured"), "live_peer");
    size_t packets = 0;
    size_t i;
    const json_t *c;

    (void)state;
    assert_true(json_array_size(cases) >= LIVE);
    json_array_foreach(cases, i, c)
    {
        bool is_initiator = strcmp(test_str(c, "role"), "initiator") == 0;
        packets += is_initiator ? run_initiator(c) : run_responder(c);
    }
    assert_int_equal(i, json_array_size(cases));
    assert_true(packets >= LIVE_PACKETS);
    json_decref(root);
}

static void check_header(const json_t *packet, const uint8_t *p)
{
    assert_int_equal(cjd_load32(p), test_int(packet, "word"));
    assert_int_equal(p[4], test_int(packet, "auth_type"));
    test_assert_hex(p + 4, 12, test_str(packet, "challenge"), "challenge");
    test_assert_hex(p + 16, 24, test_str(packet, "handshake_nonce"), "nonce");
    test_assert_hex(p + 40, 32, test_str(packet, "permanent_public"), "permanent key");
}

static void open_hello(struct end *responder, const json_t *packet, const uint8_t *p, size_t len)
{
    struct box box;
    struct cjd_pkt *pkt = box_packet(&box, p, len);

    assert_int_equal(end_open(responder, pkt, 0), 0);
    test_assert_hex(cjd_pkt_data(pkt), pkt->len, test_str(packet, "plaintext"), "hello");
    test_assert_hex(responder->ca.static_shared, 32, test_str(packet, "x25519"), "x25519");
    test_assert_hex(responder->ca.live.peer_temp_key.b, 32, test_str(packet, "temp_public"),
                    "temporary key");
}

/* The responder's key packet, with its permanent and the initiator's temporary key. */
static void open_key(const struct end *responder, const json_t *packet, uint8_t *p, size_t len)
{
    uint8_t shared[32];
    uint8_t key[32];

    assert_int_equal(
        cjd_box_shared(shared, responder->self.secret, &responder->ca.live.peer_temp_key), 0);
    test_assert_hex(shared, 32, test_str(packet, "x25519"), "x25519");
    assert_memory_equal(shared, responder->ca.live.key_shared, 32);
    cjd_box_key(key, shared, NULL);
    test_assert_hex(key, 32, test_str(packet, "secret"), "secret");
    assert_true(cjd_box_open(p + 88, len - 88, p + 72, p + 16, key));
    test_assert_hex(p + 88, 32, test_str(packet, "temp_public"), "temporary key");
    test_assert_hex(p + 120, len - 120, test_str(packet, "plaintext"), "message");
}

static void check_reference_packet(struct end *responder, const json_t *packet)
{
    uint8_t p[MESSAGE_MAX];
    size_t len = test_hex_member(p, sizeof p, packet, "packet");

    if (json_object_get(packet, "counter")) {
        assert_int_equal(cjd_load32(p), test_int(packet, "counter"));
        assert_true(cjd_load32(p) >= 4 && len > CJD_CA_DATA_BYTES);
        return;
    }
    check_header(packet, p);
    if (test_int(packet, "word") < 2) {
        open_hello(responder, packet, p, len);
    } else {
        open_key(responder, packet, p, len);
    }
}

static size_t run_reference(const json_t *c)
{
    const json_t *side = json_object_get(c, "responder");
    struct end responder;
    struct cjd_key peer;
    size_t i;
    const json_t *packet;

    init_end(&responder, side, "private", "public");
    assert_int_equal(json_array_size(json_object_get(side, "users")), 1);
    add_user(&responder, json_array_get(json_object_get(side, "users"), 0));
    test_hex_member(peer.b, 32, json_object_get(c, "initiator"), "public");
    end_session(&responder, &peer, true, NULL, 0);
    json_array_foreach(json_object_get(c, "packets"), i, packet)
    {
        check_reference_packet(&responder, packet);
    }
    end_fini(&responder);
    return i;
}

static void reference_to_reference(void **state)
{
    json_t *root = test_vectors("cryptoauth.json");
    const json_t *cases =
        json_object_get(json_object_get(root, "captured"), "reference_to_reference");
    size_t packets = 0;
    size_t i;
    const json_t *c;

    (void)state;
    assert_true(json_array_size(cases) >= REFERENCE);
    json_array_foreach(cases, i, c)
    {
        packets += run_reference(c);
    }
    assert_int_equal(i, json_array_size(cases));
    assert_true(packets >= REFERENCE_PACKETS);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_peer),
        cmocka_unit_test(reference_to_reference),
    };
    return cmocka_run_group_tests_name("vector_crypto_captured", tests, NULL, NULL);
}
