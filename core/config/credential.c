#include <config/peering.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjd/text.h>
#include <config/format.h>
#include <config/lex.h>
#include <config/private.h>

/* What people hand over: a URI, or JSON in one of several shapes. */

struct reading {
    struct cjd_diags *diags;
    struct cjd_source *source;
    json_t *tree;
    unsigned added_lines; /* put before the text to make it whole */
    struct cjd_peer_uri *peers;
    size_t count;
    int err;
};

void cjd_peering_peers_free(struct cjd_peer_uri *peers, size_t count)
{
    for (size_t i = 0; peers && i < count; i++) {
        cjd_peer_uri_fini(&peers[i]);
    }
    free(peers);
}

static void fail_place(struct reading *r, struct cjd_place at, const char *format, ...)
    CJD_PRINTF(3, 4);
static void fail_place(struct reading *r, struct cjd_place at, const char *format, ...)
{
    struct cjd_position place = {.line = at.line - r->added_lines, .column = at.column};
    va_list args;

    va_start(args, format);
    cjd_diags_add_v(r->diags, CJD_DIAG_ERROR, &place, format, args);
    va_end(args);
    r->err = CJD_ERR_PARSE;
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

/* Is the first thing that is neither white space nor comment an opening brace? */
static bool has_braces(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        if (cjd_lex_is_space(text[at])) {
            at++;
        } else if (len - at >= 2 && text[at] == '/' && text[at + 1] == '/') {
            const char *end = memchr(text + at, '\n', len - at);
            at = end ? (size_t)(end - text) : len;
        } else if (len - at >= 2 && text[at] == '/' && text[at + 1] == '*') {
            const char *end = memmem(text + at + 2, len - at - 2, "*/", 2);
            at = end ? (size_t)(end - text) + 2 : len;
        } else {
            return text[at] == '{';
        }
    }
    return false;
}

/* The text with braces, and without a comma behind them. */
static void make_whole(struct reading *r, struct cjd_buf *out, const char *text, size_t len)
{
    bool is_whole = has_braces(text, len);

    while (is_whole && len > 0 && (cjd_lex_is_space(text[len - 1]) || text[len - 1] == ',')) {
        len--;
    }
    r->added_lines = is_whole ? 0 : 1;
    cjd_buf_text(out, is_whole ? "" : "{\n");
    cjd_buf_put(out, text, len);
    cjd_buf_text(out, is_whole ? "" : "\n}");
}

static void scan(struct reading *r, const char *text, size_t len)
{
    struct cjd_buf whole = {0};

    make_whole(r, &whole, text, len);
    if (whole.failed) {
        r->err = CJD_ERR_NO_MEMORY;
    } else {
        int err = cjd_source_new(&r->source, whole.v, whole.len, CJD_DIALECT_NATIVE);
        r->err = err == CJD_ERR_NO_MEMORY ? err : 0;
    }
    for (size_t i = 0; r->source && i < r->source->remark_count; i++) {
        const struct cjd_source_remark *remark = &r->source->remarks[i];
        if (remark->kind != CJD_REMARK_COMMA) {
            fail_place(r, remark->at, "%s", remark->text ? remark->text : "");
        }
    }
    if (r->err == 0) {
        r->tree = cjd_source_tree(r->source);
        r->err = r->tree ? 0 : CJD_ERR_NO_MEMORY;
    }
    cjd_buf_fini(&whole);
}

/* --- entries ------------------------------------------------------------------------------------
 */

static struct cjd_place place_of(const struct reading *r, uint32_t object, const char *key)
{
    uint32_t member = cjd_source_member(r->source, object, key);

    return r->source->nodes[member == CJD_SOURCE_NONE ? object : member].at;
}

/* The first of two names a text goes by. */
static const char *take_text(struct reading *r, uint32_t node, const json_t *v, const char *name,
                             const char *other)
{
    const char *key = json_object_get(v, name) || !other ? name : other;
    const json_t *value = json_object_get(v, key);

    if (value && !json_is_string(value)) {
        fail_place(r, place_of(r, node, key), "\"%s\" must be a text in quotes", key);
    }
    return json_string_value(value);
}

static void copy_text(struct reading *r, char *out, size_t cap, const char *text, uint32_t node,
                      const char *key)
{
    if (text && strlen(text) >= cap) {
        fail_place(r, place_of(r, node, key), "\"%s\" has more than %zu bytes", key, cap - 1);
    } else {
        snprintf(out, cap, "%s", text ? text : "");
    }
}

/* For people only, so what is too long is cut, at a whole character. */
size_t cjd_name_length(const char *text)
{
    size_t n = strlen(text);

    if (n > CJD_NAME_BYTES_MAX) {
        n = CJD_NAME_BYTES_MAX;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    return n;
}

static void read_key(struct reading *r, struct cjd_peer_uri *peer, uint32_t node, const json_t *v)
{
    const char *text = take_text(r, node, v, "publicKey", NULL);
    const char *why = text ? cjd_format_public_key(text) : NULL;

    if (!text && !json_object_get(v, "publicKey")) {
        fail_place(r, r->source->nodes[node].at, "\"publicKey\" is missing");
    } else if (text && (why || cjd_key_from_text(&peer->key, text) < 0)) {
        fail_place(r, place_of(r, node, "publicKey"), "%s", why ? why : "");
    }
}

static void read_password(struct reading *r, struct cjd_peer_uri *peer, uint32_t node,
                          const json_t *v)
{
    const char *text = take_text(r, node, v, "password", NULL);

    if (!json_object_get(v, "password")) {
        fail_place(r, r->source->nodes[node].at, "\"password\" is missing");
    } else if (text && text[0] == '\0') {
        fail_place(r, place_of(r, node, "password"), "\"password\" is empty");
    }
    copy_text(r, peer->password, sizeof peer->password, text, node, "password");
}

static void read_address(struct reading *r, struct cjd_peer_uri *peer, const char *text,
                         struct cjd_place at)
{
    struct cjd_endpoint e;
    const char *why = NULL;

    if (!cjd_format_mac(text)) {
        why = "an Ethernet address: this can only be added by hand, to a plugin \"eth\"";
    } else if (cjd_endpoint_parse(&e, text, &why) == 0) {
        why = e.port > 0 ? NULL : "a port from 1 to 65535 is missing behind this address";
    }
    if (!why && strlen(text) >= CJD_PEER_ADDRESS_SIZE) {
        why = "this address is too long";
    }
    if (why) {
        fail_place(r, at, "%s", why);
        return;
    }
    snprintf(peer->address[0], sizeof peer->address[0], "%s", text);
    peer->address_count = 1;
}

static bool is_same_node(const struct cjd_peer_uri *a, const struct cjd_peer_uri *b)
{
    return memcmp(&a->key, &b->key, sizeof a->key) == 0 && strcmp(a->login, b->login) == 0 &&
           strcmp(a->password, b->password) == 0;
}

/* Another address of a node that is there, or another node. */
static void keep(struct reading *r, const struct cjd_peer_uri *peer, struct cjd_place at)
{
    for (size_t i = 0; i < r->count; i++) {
        struct cjd_peer_uri *has = &r->peers[i];
        if (is_same_node(has, peer) && has->address_count < CJD_PEER_URI_ADDRESSES_MAX) {
            memcpy(has->address[has->address_count++], peer->address[0], sizeof peer->address[0]);
            return;
        }
    }
    if (r->count == CJD_PEERING_PEERS_MAX) {
        fail_place(r, at, "more than %u peers at once", CJD_PEERING_PEERS_MAX);
        return;
    }
    r->peers[r->count++] = *peer;
}

static void read_entry(struct reading *r, uint32_t node, const json_t *v, const char *address,
                       struct cjd_place at)
{
    struct cjd_peer_uri peer = {.address_count = 0};
    int before = r->err;

    r->err = 0;
    read_address(r, &peer, address, at);
    read_key(r, &peer, node, v);
    read_password(r, &peer, node, v);
    copy_text(r, peer.login, sizeof peer.login, take_text(r, node, v, "login", NULL), node,
              "login");
    const char *name = take_text(r, node, v, "peerName", "name");
    if (name) {
        snprintf(peer.name, sizeof peer.name, "%.*s", (int)cjd_name_length(name), name);
    }
    if (r->err == 0) {
        keep(r, &peer, at);
    }
    r->err = r->err < 0 ? r->err : before;
    cjd_peer_uri_fini(&peer);
}

static void read_entries(struct reading *r)
{
    const char *key;
    json_t *v;

    /* An entry of `peers`, as a native file has it. */
    if (json_is_string(json_object_get(r->tree, "address"))) {
        read_entry(r, 0, r->tree, json_string_value(json_object_get(r->tree, "address")),
                   place_of(r, 0, "address"));
        return;
    }
    json_object_foreach(r->tree, key, v)
    {
        uint32_t node = cjd_source_member(r->source, 0, key);
        struct cjd_place at = r->source->nodes[node].key_at;
        if (key[0] == '_' || strncmp(key, "//", 2) == 0) {
            continue;
        }
        if (json_is_object(v)) {
            read_entry(r, node, v, key, at);
        } else {
            fail_place(r, at, "this is neither a peer URI nor \"host:port\": { \"publicKey\": … }");
        }
    }
    if (r->count == 0 && r->err == 0) {
        fail_place(r, r->source->nodes[0].at, "there is no peer in this");
    }
}

/* --- both ---------------------------------------------------------------------------------------
 */

static void read_uri(struct reading *r, const char *text, size_t len, struct cjd_place at)
{
    struct cjd_peer_uri_fault fault;

    if (cjd_peer_uri_parse(&r->peers[0], text, len, &fault) < 0) {
        at.column += (unsigned)fault.at;
        fail_place(r, at, "%s", fault.text);
        return;
    }
    r->count = 1;
}

/* Behind white space; keeps line and column. */
static size_t skip_space(const char *text, size_t len, struct cjd_place *at)
{
    size_t i = 0;

    *at = (struct cjd_place){.line = 1, .column = 1};
    for (; i < len && cjd_lex_is_space(text[i]); i++) {
        at->column = text[i] == '\n' ? 1 : at->column + 1;
        at->line += text[i] == '\n';
    }
    return i;
}

int cjd_peering_read(struct cjd_peer_uri **out, size_t *count, const char *text, size_t len,
                     struct cjd_diags *diags)
{
    struct reading r = {.diags = diags};
    struct cjd_place at;
    size_t from = skip_space(text, len, &at);

    *out = NULL;
    *count = 0;
    r.peers = calloc(CJD_PEERING_PEERS_MAX, sizeof *r.peers);
    if (!r.peers) {
        return CJD_ERR_NO_MEMORY;
    }
    while (len > from && cjd_lex_is_space(text[len - 1])) {
        len--;
    }
    if (len == from) {
        fail_place(&r, at, "there is nothing: a peer URI or credentials in JSON are expected");
    } else if (strncasecmp(text + from, "cjdns", len - from < 5 ? len - from : 5) == 0) {
        read_uri(&r, text + from, len - from, at);
    } else {
        scan(&r, text, len);
        if (r.err == 0) {
            read_entries(&r);
        }
    }
    cjd_source_free(r.source);
    json_decref(r.tree);
    if (r.err < 0) {
        cjd_peering_peers_free(r.peers, r.count);
        return r.err;
    }
    *out = r.peers;
    *count = r.count;
    return 0;
}
