/* Known answers: password_hash, shared_secrets, data_nonces, aead (CryptoAuth notes §3, §5, §6). */
#include <testlib/testlib.h>

#include <crypto/auth.h>
#include <crypto/box.h>
#include <crypto/keys.h>

#include "end.h"

typedef void (*check_fn)(const json_t *c);

/* Runs every case of a section; §14 names how many there are at least. */
static void check_section(const char *name, size_t at_least, check_fn check)
{
    json_t *root = test_vectors("cryptoauth.json");
    const json_t *cases = json_object_get(root, name);
    size_t ran = 0;
    size_t i;
    const json_t *c;

    assert_int_equal(cjd_crypto_init(), 0);
    assert_true(json_array_size(cases) >= at_least);
    json_array_foreach(cases, i, c)
    {
        check(c);
        ran++;
    }
    assert_int_equal(ran, json_array_size(cases));
    json_decref(root);
}

/* Text member of the vector given as hex; NULL if null. */
static const char *hex_text(char out[256], size_t *len, const json_t *c, const char *name)
{
    memset(out, 0, 256);
    *len = test_hex_member((uint8_t *)out, 255, c, name);
    return json_is_null(json_object_get(c, name)) ? NULL : out;
}

/* The first bytes of a real hello: what the session puts there. */
static void check_challenge(const json_t *c, const struct cjd_credentials *credentials)
{
    uint8_t secret[32] = {1};
    uint8_t random[68] = {0};
    struct end end;
    struct cjd_key peer;
    struct box box;
    struct cjd_pkt *pkt = box_message(&box, "", 0);

    test_hex_member(random, 12, c, "random"); /* only type 0 has it */
    memset(random + 36, 7, 32);
    end_init(&end, false, secret);
    memcpy(peer.b, end.self.key.b, 32);
    end_session(&end, &peer, false, credentials, 0);
    end_script(&end, random, sizeof random);
    end_seal(&end, pkt, false, 0);
    test_assert_hex(cjd_pkt_data(pkt) + 4, 12, test_str(c, "challenge"), "challenge");
    end_fini(&end);
}

static void check_user(const json_t *c, const char *login, const char *password, size_t len)
{
    uint8_t lookup[8];
    uint8_t type = (uint8_t)test_int(c, "type");
    struct cjd_users *users = cjd_users_new();

    assert_non_null(users);
    assert_int_equal(cjd_users_add(users, "another", "one", 3, NULL), 0);
    assert_int_equal(cjd_users_add(users, login, password, len, NULL), 0);
    const struct cjd_user *user = cjd_users_at(users, 1);
    test_assert_hex(user->secret, 32, test_str(c, "secret"), "secret of the user");
    test_assert_hex(type == 1 ? user->lookup1 : user->lookup2, 8, test_str(c, "lookup_key"),
                    "lookup of the user");
    test_hex_member(lookup, sizeof lookup, c, "lookup_key");
    assert_ptr_equal(cjd_users_find(users, lookup), user);
    cjd_users_free(users);
}

static void check_password(const json_t *c)
{
    char login_bytes[256];
    char password_bytes[256];
    size_t login_len;
    size_t len;
    uint8_t hash[32];
    const char *login = hex_text(login_bytes, &login_len, c, "login");
    const char *password = hex_text(password_bytes, &len, c, "password");
    uint8_t type = (uint8_t)test_int(c, "type");
    struct cjd_credentials credentials;

    cjd_credentials_init(&credentials, type == 2 ? login : NULL, password, len);
    assert_int_equal(credentials.type, type);
    check_challenge(c, &credentials);
    if (type != 0) {
        test_assert_hex(credentials.secret, 32, test_str(c, "secret"), "secret");
        test_assert_hex(credentials.lookup, 8, test_str(c, "lookup_key"), "lookup");
        test_hex_member(hash, sizeof hash, c, "lookup_hash");
        assert_memory_equal(credentials.lookup + 1, hash + 1, 7);
        check_user(c, login, password, len);
    }
    cjd_credentials_fini(&credentials);
}

static void password_hash(void **state)
{
    (void)state;
    check_section("password_hash", 11, check_password);
}

static void check_shared(const json_t *c)
{
    uint8_t secret[32];
    uint8_t password[64];
    uint8_t shared[32];
    uint8_t key[32];
    struct cjd_key peer;
    struct cjd_credentials credentials;
    size_t len = test_hex_member(password, sizeof password, c, "password");

    assert_int_equal(test_hex_member(secret, sizeof secret, c, "private"), 32);
    assert_int_equal(test_hex_member(peer.b, sizeof peer.b, c, "peer_public"), 32);
    assert_int_equal(cjd_box_shared(shared, secret, &peer), 0);
    test_assert_hex(shared, 32, test_str(c, "x25519"), "x25519");
    cjd_box_key(key, shared, NULL);
    test_assert_hex(key, 32, test_str(c, "secret_no_password"), "without password");
    cjd_credentials_init(&credentials, NULL, password, len);
    test_assert_hex(credentials.secret, 32, test_str(c, "password_secret"), "password");
    cjd_box_key(key, shared, credentials.secret);
    test_assert_hex(key, 32, test_str(c, "secret_with_password"), "with password");
}

static void shared_secrets(void **state)
{
    (void)state;
    check_section("shared_secrets", 3, check_shared);
}

static void check_nonce(const json_t *c)
{
    uint8_t nonce[24];
    bool is_initiator = strcmp(test_str(c, "sender"), "initiator") == 0;

    assert_true(is_initiator || strcmp(test_str(c, "sender"), "responder") == 0);
    cjd_box_nonce(nonce, (uint32_t)test_int(c, "counter"), is_initiator);
    test_assert_hex(nonce, 24, test_str(c, "nonce"), "nonce");
}

static void data_nonces(void **state)
{
    (void)state;
    check_section("data_nonces", 10, check_nonce);
}

static void check_aead(const json_t *c)
{
    uint8_t key[32];
    uint8_t nonce[24];
    uint8_t sealed[1024];
    uint8_t plain[1024];
    size_t len = test_hex_member(plain, sizeof plain, c, "plaintext");

    assert_int_equal(test_hex_member(key, sizeof key, c, "key"), 32);
    assert_int_equal(test_hex_member(nonce, sizeof nonce, c, "nonce"), 24);
    memcpy(sealed + 16, plain, len);
    cjd_box_seal(sealed + 16, len, sealed, nonce, key);
    test_assert_hex(sealed, len + 16, test_str(c, "sealed"), "sealed");
    assert_true(cjd_box_open(sealed + 16, len, sealed, nonce, key));
    assert_memory_equal(sealed + 16, plain, len);
    sealed[0] ^= 1;
    assert_false(cjd_box_open(sealed + 16, len, sealed, nonce, key));
    assert_memory_equal(sealed + 16, plain, len);
}

static void aead(void **state)
{
    (void)state;
    check_section("aead", 2, check_aead);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(password_hash),
        cmocka_unit_test(shared_secrets),
        cmocka_unit_test(data_nonces),
        cmocka_unit_test(aead),
    };
    return cmocka_run_group_tests_name("vector_crypto_secrets", tests, NULL, NULL);
}
