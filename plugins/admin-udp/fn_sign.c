/* Sign_: Ed25519 signatures of the node's own key. */
#include "functions.h"

#include <string.h>

#include <sodium.h>

static bool decode(uint8_t *out, size_t size, const char *text, size_t len)
{
    return cjd_base32_decode(out, size, text, len) == (int)size;
}

/* Address of a node key: the first 16 bytes of SHA-512(SHA-512(key)). */
static bool addr_of_key(struct cjd_addr *out, const uint8_t key[32])
{
    uint8_t once[crypto_hash_sha512_BYTES];
    uint8_t twice[crypto_hash_sha512_BYTES];

    crypto_hash_sha512(once, key, 32);
    crypto_hash_sha512(twice, once, sizeof once);
    memcpy(out->b, twice, sizeof out->b);
    return out->b[0] == 0xfc;
}

static void answer_signer(struct admin_request *r, const uint8_t signing[32])
{
    struct cjd_key key;
    struct cjd_addr addr;
    char key_text[CJD_KEY_TEXT_SIZE];
    char addr_text[FULL_ADDR_SIZE];

    if (crypto_sign_ed25519_pk_to_curve25519(key.b, signing) != 0 || !addr_of_key(&addr, key.b)) {
        admin_error(r, "not a valid curve25519 key");
        return;
    }
    cjd_key_to_text(key_text, &key);
    full_addr(addr_text, &addr);
    admin_answer(
        r, json_pack("{s:s, s:s, s:s}", "error", "none", "ipv6", addr_text, "pubkey", key_text));
}

void fn_check_sig(struct admin_request *r)
{
    struct cjd_bencode hash;
    char text[200];
    uint8_t key[32];
    uint8_t signature[64];

    (void)admin_arg_text(r, "signature", text, sizeof text);
    const char *separator = strchr(text, '_');
    if (!separator) {
        admin_error(r, "malformed signature, missing separator");
    } else if (!decode(key, sizeof key, text, (size_t)(separator - text))) {
        admin_error(r, "malformed signature, failed to decode pubkey");
    } else if (!decode(signature, sizeof signature, separator + 1, strlen(separator + 1))) {
        admin_error(r, "malformed signature, failed to decode signature");
    } else if (!admin_arg_bytes(r, "msgHash", &hash) ||
               crypto_sign_verify_detached(signature, hash.bytes, hash.len, key) != 0) {
        admin_error(r, "invalid signature");
    } else {
        answer_signer(r, key);
    }
}

static void sign_done(struct admin_request *r, const json_t *result,
                      const struct cjd_rpc_error *error)
{
    if (error) {
        admin_fail(r, error);
        return;
    }
    admin_answer(
        r, json_pack("{s:s, s:s}", "error", "none", "signature", text_in(result, "signature")));
}

#define MESSAGE_MAX 64u

void fn_sign(struct admin_request *r)
{
    struct cjd_bencode hash;
    char hex[2 * MESSAGE_MAX + 1];

    if (!admin_arg_bytes(r, "msgHash", &hash) || hash.len > MESSAGE_MAX) {
        admin_error(r, "msgHash too long, max 64 bytes");
        return;
    }
    cjd_hex_encode(hex, hash.bytes, hash.len);
    admin_call(r, "node.sign", json_pack("{s:s}", "message_hex", hex), sign_done);
}
