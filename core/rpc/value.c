/* JSON values, and arguments taken from them. */
#include <rpc/methods_private.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjd/text.h>

json_t *value_addr(const struct cjd_addr *addr)
{
    char text[CJD_ADDR_TEXT_SIZE];

    cjd_addr_to_text(text, addr);
    return json_string(text);
}

json_t *value_key(const struct cjd_key *key)
{
    char text[CJD_KEY_TEXT_SIZE];

    cjd_key_to_text(text, key);
    return json_string(text);
}

json_t *value_label(uint64_t label)
{
    char text[CJD_LABEL_TEXT_SIZE];

    cjd_label_to_text(text, label);
    return json_string(text);
}

json_t *value_label_or_null(uint64_t label)
{
    return label == 0 ? json_null() : value_label(label);
}

/* Bytes that are no UTF-8 cannot be a JSON string: those above ASCII are replaced. */
json_t *value_text(const char *text)
{
    json_t *value = json_string(text);
    char *copy = value ? NULL : strdup(text);

    for (char *at = copy; at && *at != '\0'; at++) {
        *at = (unsigned char)*at >= 0x80 ? '?' : *at;
    }
    value = value ? value : json_string(copy);
    free(copy);
    return value;
}

json_t *value_text_or_null(const char *text)
{
    return text && text[0] != '\0' ? value_text(text) : json_null();
}

json_t *value_wall(uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    char text[64];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, sizeof text - len, ".%03uZ", (unsigned)(wall_ms % 1000));
    return json_string(text);
}

json_t *value_time(const struct cjd_methods *m, uint64_t at_ns)
{
    int64_t ago_ms = ((int64_t)methods_now(m) - (int64_t)at_ns) / (int64_t)CJD_MS;

    return at_ns == 0 ? json_null() : value_wall((uint64_t)((int64_t)m->config.wall_ms() - ago_ms));
}

json_t *value_ms(uint64_t ns)
{
    return json_real((double)ns / (double)CJD_MS);
}

json_t *value_count(uint64_t n)
{
    return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *value_scheme(const struct cjd_scheme *scheme)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < scheme->count; i++) {
        const struct cjd_form *f = &scheme->form[i];
        char prefix[16];
        snprintf(prefix, sizeof prefix, "%02x", (unsigned)f->prefix);
        json_array_append_new(list, json_pack("{s:s, s:i, s:i}", "prefix", prefix, "prefix_bits",
                                              (int)f->prefix_len, "bits", (int)f->bit_count));
    }
    return list;
}

json_t *value_contact(const struct cjd_dht_contact *c)
{
    json_t *out = json_object();
    char label[CJD_LABEL_TEXT_SIZE];
    char key[CJD_KEY_TEXT_SIZE];
    char full[112];

    cjd_label_to_text(label, c->label);
    cjd_key_to_text(key, &c->key);
    snprintf(full, sizeof full, "v%u.%s.%s", (unsigned)c->version, label, key);
    put(out, "address", value_addr(&c->addr));
    put(out, "public_key", json_string(key));
    put(out, "protocol_version", value_count(c->version));
    put(out, "label", json_string(label));
    put(out, "full", json_string(full));
    return out;
}

/* --- pages --------------------------------------------------------------------------------------
 */

void page_begin(struct page *p, const json_t *args)
{
    const char *after = arg_text(args, "after");

    *p = (struct page){.items = json_array(),
                       .from = after ? strtoull(after, NULL, 10) : 0,
                       .limit = arg_number(args, "limit")};
}

bool page_wants(struct page *p)
{
    uint64_t n = p->seen++;

    return n >= p->from && n - p->from < p->limit;
}

json_t *page_end(struct page *p)
{
    bool has_more = p->seen > p->from && p->seen - p->from > p->limit;
    char next[24];

    snprintf(next, sizeof next, "%" PRIu64, p->from + p->limit);
    return json_pack("{s:o, s:I, s:o}", "items", p->items, "total", (json_int_t)p->seen, "next",
                     has_more ? json_string(next) : json_null());
}

/* --- arguments ----------------------------------------------------------------------------------
 */

const char *arg_text(const json_t *args, const char *name)
{
    return json_string_value(json_object_get(args, name));
}

uint64_t arg_number(const json_t *args, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(args, name));

    return n < 0 ? 0 : (uint64_t)n;
}

bool arg_flag(const json_t *args, const char *name)
{
    return json_is_true(json_object_get(args, name));
}

static void refuse(struct cjd_rpc_call *call, const char *name, const char *what)
{
    char pointer[64];

    snprintf(pointer, sizeof pointer, "/%s", name);
    cjd_rpc_fail_f(call, CJD_ERR_INVALID, "invalid_argument", pointer, "%s", what);
}

bool arg_addr(struct cjd_rpc_call *call, const json_t *args, const char *name, struct cjd_addr *out)
{
    const char *text = arg_text(args, name);

    if (!text || cjd_addr_from_text(out, text) < 0) {
        refuse(call, name, "this is no IPv6 address");
        return false;
    }
    return true;
}

bool arg_label(struct cjd_rpc_call *call, const json_t *args, const char *name, uint64_t *out)
{
    const char *text = arg_text(args, name);

    if (!text || cjd_label_from_text(out, text) < 0) {
        refuse(call, name, "a label has the form 0000.0000.0000.0013");
        return false;
    }
    return true;
}

static bool addr_of_text(struct cjd_addr *out, const char *text)
{
    struct cjd_key key;

    if (cjd_addr_from_text(out, text) == 0) {
        return true;
    }
    return cjd_key_from_text(&key, text) == 0 && cjd_addr_of_key_is_valid(out, &key);
}

bool arg_who(struct cjd_rpc_call *call, const json_t *args, const char *name, struct cjd_addr *out)
{
    const char *text = arg_text(args, name);

    if (!text || !addr_of_text(out, text)) {
        refuse(call, name, "this is neither an address nor a public key");
        return false;
    }
    return true;
}

/* "v21.0000.0000.0000.0013.KEY.k" */
static bool contact_of_text(struct cjd_dht_contact *out, const char *text)
{
    char label[CJD_LABEL_TEXT_SIZE];
    char *end;

    if (text[0] != 'v' || text[1] < '0' || text[1] > '9') {
        return false;
    }
    unsigned long version = strtoul(text + 1, &end, 10);
    if (*end != '.' || version > UINT32_MAX || strlen(end + 1) != 19 + 1 + 54 || end[20] != '.') {
        return false;
    }
    snprintf(label, sizeof label, "%.19s", end + 1);
    out->version = (uint32_t)version;
    return cjd_label_from_text(&out->label, label) == 0 &&
           cjd_key_from_text(&out->key, end + 21) == 0 &&
           cjd_addr_of_key_is_valid(&out->addr, &out->key);
}

static bool contact_by_label(struct cjd_methods *m, uint64_t label, struct cjd_dht_contact *out)
{
    struct cjd_dht_node_info info;
    struct cjd_peer_info peer;

    for (uint32_t i = 0; cjd_dht_node_at(cjd_node_dht(m->config.node), i, &info); i++) {
        if (info.is_reachable && info.path.to.label == label) {
            *out = info.path.to;
            return true;
        }
    }
    for (uint32_t i = 0; cjd_links_peer_at(cjd_node_links(m->config.node), i, &peer); i++) {
        if (peer.label == label) {
            *out = (struct cjd_dht_contact){
                .addr = peer.ip6, .key = peer.key, .version = peer.version, .label = label};
            return true;
        }
    }
    return false;
}

static bool contact_of_self(struct cjd_methods *m, struct cjd_dht_contact *out)
{
    const struct cjd_keypair *self = cjd_node_self(m->config.node);

    *out = (struct cjd_dht_contact){
        .addr = self->addr, .key = self->key, .version = CJD_PROTOCOL, .label = 1};
    return true;
}

/* A known node by label, address or key. */
static bool find_contact(struct cjd_methods *m, const char *text, struct cjd_dht_contact *out,
                         bool *is_readable)
{
    struct cjd_dht_path path;
    struct cjd_addr addr;
    uint64_t label;

    if (cjd_label_from_text(&label, text) == 0) {
        return label == 1 ? contact_of_self(m, out) : contact_by_label(m, label, out);
    }
    *is_readable = addr_of_text(&addr, text);
    if (!*is_readable) {
        return false;
    }
    if (memcmp(&addr, &cjd_node_self(m->config.node)->addr, sizeof addr) == 0) {
        return contact_of_self(m, out);
    }
    if (!cjd_dht_best(cjd_node_dht(m->config.node), &addr, &path)) {
        return false;
    }
    *out = path.to;
    return true;
}

bool arg_target(struct cjd_methods *m, struct cjd_rpc_call *call, const json_t *args,
                const char *name, struct cjd_dht_contact *out)
{
    const char *text = arg_text(args, name);
    bool is_readable = true;

    if (contact_of_text(out, text) || find_contact(m, text, out, &is_readable)) {
        return true;
    }
    if (!is_readable) {
        refuse(call, name, "this is no label, address, public key, nor v21.LABEL.KEY");
    } else {
        cjd_rpc_fail_f(call, CJD_ERR_NOT_FOUND, "not_found", "/target",
                       "no path to that node is known");
    }
    return false;
}
