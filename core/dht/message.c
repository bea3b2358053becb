#include <dht/message.h>

#include <string.h>

#include <base/wire.h>
#include <cjd/bencode.h>
#include <cjd/version.h>

#define ENTRY_BYTES  (sizeof(struct cjd_key) + 8u)
#define WIDTH_MAX    4u /* bytes of one number in `np` */
#define NP_BYTES_MAX (1u + WIDTH_MAX * CJD_MESSAGE_NODES_MAX)

/* In ascending byte order, as they are written. */
enum field { DND, EI, ERROR_TEXT, ES, N, NP, P, Q, SQ, TAR, TXID, FIELDS };
static const char *const names[FIELDS] = {"dnd", "ei", "error", "es",  "n",   "np",
                                          "p",   "q",  "sq",    "tar", "txid"};

static const char *const methods[] = {
    [CJD_METHOD_PN] = "pn", [CJD_METHOD_GP] = "gp", [CJD_METHOD_FN] = "fn", [CJD_METHOD_NH] = "nh"};

struct fields {
    bool has[FIELDS];
    struct cjd_bencode value[FIELDS];
};

bool cjd_message_version_is_compatible(uint32_t version)
{
    return version >= CJD_PROTOCOL_MIN;
}

static bool is_text(const struct cjd_bencode *v, const char *text)
{
    return v->len == strlen(text) && memcmp(v->bytes, text, v->len) == 0;
}

/* Any order, unknown keys are left out, the first of several equal keys counts. */
static bool read_fields(struct fields *out, const uint8_t *bytes, size_t len)
{
    struct cjd_bencode dict;
    struct cjd_bencode key;
    struct cjd_bencode value;
    struct cjd_bencode_iter it;
    size_t used;

    memset(out, 0, sizeof *out);
    if (cjd_bencode_parse(&dict, bytes, len, &used) || dict.type != CJD_BENCODE_DICT) {
        return false;
    }
    cjd_bencode_iter_init(&it, &dict);
    while (cjd_bencode_next_pair(&it, &key, &value)) {
        for (unsigned i = 0; i < FIELDS; i++) {
            if (!out->has[i] && is_text(&key, names[i])) {
                out->has[i] = true;
                out->value[i] = value;
            }
        }
    }
    return true;
}

/* A value of the wrong type is as good as none. */
static const struct cjd_bencode *string_at(const struct fields *f, enum field at)
{
    return f->has[at] && f->value[at].type == CJD_BENCODE_STRING ? &f->value[at] : NULL;
}

static bool number_at(const struct fields *f, enum field at, int64_t *out)
{
    if (!f->has[at] || f->value[at].type != CJD_BENCODE_INT) {
        return false;
    }
    *out = f->value[at].number;
    return true;
}

static enum cjd_method method_of(const struct cjd_bencode *q)
{
    for (enum cjd_method m = CJD_METHOD_PN; m <= CJD_METHOD_NH; m++) {
        if (is_text(q, methods[m])) {
            return m;
        }
    }
    return CJD_METHOD_UNKNOWN;
}

/* §6 points 2 and 3, and §3: what is for the supernode protocol is not for us. */
static enum cjd_message_verdict read_head(struct cjd_message *out, const struct fields *f)
{
    const struct cjd_bencode *txid = string_at(f, TXID);
    const struct cjd_bencode *q = string_at(f, Q);

    if (!txid || txid->len == 0 || txid->len > CJD_MESSAGE_TXID_MAX) {
        return CJD_MESSAGE_MALFORMED;
    }
    out->txid = txid->bytes;
    out->txid_len = txid->len;
    out->method = q ? method_of(q) : CJD_METHOD_NONE;
    if (!q) {
        size_t prefix = sizeof CJD_MESSAGE_PREFIX - 1;
        bool is_ours = txid->len >= prefix && memcmp(txid->bytes, CJD_MESSAGE_PREFIX, prefix) == 0;
        if (f->has[SQ] || !is_ours) {
            return CJD_MESSAGE_FOREIGN;
        }
    }
    return CJD_MESSAGE_OK;
}

/* §6 points 4 to 6. */
static enum cjd_message_verdict read_sender(struct cjd_message *out, const struct fields *f)
{
    const struct cjd_bencode *es = string_at(f, ES);
    int64_t number;

    if (!es) {
        out->scheme = *cjd_scheme_358();
    } else if (cjd_scheme_parse(&out->scheme, es->bytes, es->len)) {
        return CJD_MESSAGE_MALFORMED;
    }
    if (!number_at(f, P, &number) || number < 0 || number > UINT32_MAX) {
        return CJD_MESSAGE_MALFORMED;
    }
    out->version = (uint32_t)number;
    if (!cjd_message_version_is_compatible(out->version)) {
        return CJD_MESSAGE_VERSION;
    }
    if (!number_at(f, EI, &number) || number < 0 || number >= out->scheme.count) {
        return CJD_MESSAGE_MALFORMED;
    }
    out->form = (int)number;
    return CJD_MESSAGE_OK;
}

static uint32_t read_number(const uint8_t *bytes, size_t width)
{
    uint32_t value = 0;

    for (size_t i = 0; i < width; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/* §6 points 9 and 10: a bad list is no list. Of too long a list the last, the best, are kept. */
static void read_nodes(struct cjd_message *out, const struct fields *f)
{
    const struct cjd_bencode *n = string_at(f, N);
    const struct cjd_bencode *np = string_at(f, NP);

    if (!n || !np || n->len == 0 || n->len % ENTRY_BYTES != 0 || np->len == 0) {
        return;
    }
    size_t count = n->len / ENTRY_BYTES;
    size_t width = np->bytes[0];
    if (width < 1 || width > WIDTH_MAX || np->len - 1 != width * count) {
        return;
    }
    size_t first = count > CJD_MESSAGE_NODES_MAX ? count - CJD_MESSAGE_NODES_MAX : 0;
    for (size_t i = first; i < count; i++) {
        struct cjd_message_node *node = &out->nodes[out->node_count++];
        const uint8_t *entry = n->bytes + i * ENTRY_BYTES;
        memcpy(&node->key, entry, sizeof node->key);
        node->label = cjd_load64(entry + sizeof node->key);
        node->version = read_number(np->bytes + 1 + i * width, width);
    }
}

enum cjd_message_verdict cjd_message_decode(struct cjd_message *out, const uint8_t *bytes,
                                            size_t len)
{
    struct fields f;
    int64_t dnd;

    memset(out, 0, sizeof *out);
    if (!read_fields(&f, bytes, len)) {
        return CJD_MESSAGE_MALFORMED;
    }
    enum cjd_message_verdict verdict = read_head(out, &f);
    if (verdict == CJD_MESSAGE_OK) {
        verdict = read_sender(out, &f);
    }
    if (verdict != CJD_MESSAGE_OK) {
        return verdict;
    }
    const struct cjd_bencode *tar = string_at(&f, TAR);
    const struct cjd_bencode *error = string_at(&f, ERROR_TEXT);
    out->target = tar ? tar->bytes : NULL;
    out->target_len = tar ? tar->len : 0;
    out->error = error ? error->bytes : NULL;
    out->error_len = error ? error->len : 0;
    out->do_not_tell = number_at(&f, DND, &dnd) && dnd != 0;
    if (out->method == CJD_METHOD_NONE) {
        read_nodes(out, &f);
    }
    return CJD_MESSAGE_OK;
}

/* --- writing --------------------------------------------------------------------------------- */

/* The largest value of a width already forces the next one (router notes §3.4). */
static size_t width_for(const struct cjd_message *m)
{
    uint32_t largest = 0;
    size_t width = 1;

    for (uint32_t i = 0; i < m->node_count; i++) {
        largest = m->nodes[i].version > largest ? m->nodes[i].version : largest;
    }
    while (width < WIDTH_MAX && largest >= (1u << (8 * width)) - 1) {
        width++;
    }
    return width;
}

static void put_nodes(struct cjd_bencode_writer *w, const struct cjd_message *m)
{
    uint8_t n[ENTRY_BYTES * CJD_MESSAGE_NODES_MAX];
    uint8_t np[NP_BYTES_MAX];
    size_t width = width_for(m);
    size_t at = 0;

    np[at++] = (uint8_t)width;
    for (uint32_t i = 0; i < m->node_count; i++) {
        uint8_t *entry = n + i * ENTRY_BYTES;
        memcpy(entry, &m->nodes[i].key, sizeof m->nodes[i].key);
        cjd_store64(entry + sizeof m->nodes[i].key, m->nodes[i].label);
        for (size_t k = width; k > 0; k--) {
            np[at++] = (uint8_t)(m->nodes[i].version >> (8 * (k - 1)));
        }
    }
    cjd_bencode_put_text(w, names[N]);
    cjd_bencode_put_string(w, n, m->node_count * ENTRY_BYTES);
    cjd_bencode_put_text(w, names[NP]);
    cjd_bencode_put_string(w, np, at);
}

static void put_int(struct cjd_bencode_writer *w, enum field name, int64_t value)
{
    cjd_bencode_put_text(w, names[name]);
    cjd_bencode_put_int(w, value);
}

static void put_bytes(struct cjd_bencode_writer *w, enum field name, const uint8_t *bytes,
                      size_t len)
{
    if (bytes) {
        cjd_bencode_put_text(w, names[name]);
        cjd_bencode_put_string(w, bytes, len);
    }
}

int cjd_message_encode(const struct cjd_message *m, uint8_t *out, size_t cap)
{
    struct cjd_bencode_writer w;
    uint8_t scheme[CJD_SCHEME_BYTES_MAX];
    int scheme_len = cjd_scheme_serialise(&m->scheme, scheme, sizeof scheme);

    if (scheme_len <= 0 || m->method >= CJD_METHOD_UNKNOWN ||
        m->node_count > CJD_MESSAGE_NODES_MAX) {
        return CJD_ERR_INVALID;
    }
    cjd_bencode_writer_init(&w, out, cap);
    cjd_bencode_begin_dict(&w);
    if (m->do_not_tell) {
        put_int(&w, DND, 1);
    }
    put_int(&w, EI, m->form);
    put_bytes(&w, ERROR_TEXT, m->error, m->error_len);
    put_bytes(&w, ES, scheme, (size_t)scheme_len);
    if (m->node_count > 0) {
        put_nodes(&w, m);
    }
    put_int(&w, P, m->version);
    if (m->method != CJD_METHOD_NONE) {
        cjd_bencode_put_text(&w, names[Q]);
        cjd_bencode_put_text(&w, methods[m->method]);
    }
    put_bytes(&w, TAR, m->target, m->target_len);
    put_bytes(&w, TXID, m->txid, m->txid_len);
    cjd_bencode_end(&w);
    return cjd_bencode_finish(&w);
}
