/* Reading a request: §2 and §3. */
#include "admin.h"

#include <string.h>

bool admin_text_is(const struct cjd_bencode *value, const char *text)
{
    size_t len = strlen(text);

    return value->type == CJD_BENCODE_STRING && value->len == len &&
           memcmp(value->bytes, text, len) == 0;
}

bool admin_find(const struct cjd_bencode *dict, const char *key, struct cjd_bencode *out)
{
    struct cjd_bencode_iter it;
    struct cjd_bencode name;
    struct cjd_bencode value;
    bool is_found = false;

    cjd_bencode_iter_init(&it, dict);
    while (dict->type == CJD_BENCODE_DICT && cjd_bencode_next_pair(&it, &name, &value)) {
        if (admin_text_is(&name, key)) {
            *out = value;
            is_found = true;
        }
    }
    return is_found;
}

bool admin_message_read(struct admin_message *out, const uint8_t *bytes, size_t len)
{
    struct cjd_bencode top;
    size_t used;

    if (cjd_bencode_parse(&top, bytes, len, &used) < 0 || used != len ||
        top.type != CJD_BENCODE_DICT) {
        return false;
    }
    *out = (struct admin_message){.bytes = bytes, .len = len};
    out->has_aq = admin_find(&top, "aq", &out->aq) && out->aq.type == CJD_BENCODE_STRING;
    out->has_txid = admin_find(&top, "txid", &out->txid) && out->txid.type == CJD_BENCODE_STRING;
    out->has_cookie = admin_find(&top, "cookie", &out->cookie);
    out->has_hash = admin_find(&top, "hash", &out->hash) && out->hash.type == CJD_BENCODE_STRING;
    out->has_args = admin_find(&top, "args", &out->args) && out->args.type == CJD_BENCODE_DICT;
    return admin_find(&top, "q", &out->q) && out->q.type == CJD_BENCODE_STRING;
}
