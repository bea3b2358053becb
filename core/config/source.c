#include <config/source.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjd/text.h>

#define SLOTS 16384u /* a power of two */

/* --- nodes --------------------------------------------------------------------------------------
 */

/* FNV-1a over the parent and the key, or the index of a list's item. */
static uint32_t slot_of(uint32_t parent, const char *key, uint32_t index)
{
    uint32_t hash = 2166136261u ^ parent;

    hash = (hash * 16777619u ^ index) * 16777619u;
    for (; key && *key != '\0'; key++) {
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    }
    return (hash ^ hash >> 15) & (SLOTS - 1);
}

static uint32_t find_child(const struct cjd_source *s, uint32_t parent, const char *key,
                           uint32_t index)
{
    uint32_t at = s->slots[slot_of(parent, key, index)];

    while (at != CJD_SOURCE_NONE) {
        const struct cjd_source_node *n = &s->nodes[at];
        if (n->parent == parent && n->index == index &&
            (!key || strcmp(s->keys.v + n->key, key) == 0)) {
            break;
        }
        at = n->next;
    }
    return at;
}

uint32_t cjd_source_member(const struct cjd_source *s, uint32_t parent, const char *key)
{
    return s->nodes[parent].is_list ? CJD_SOURCE_NONE : find_child(s, parent, key, 0);
}

uint32_t cjd_source_item(const struct cjd_source *s, uint32_t parent, size_t index)
{
    bool is_there = s->nodes[parent].is_list && index < s->nodes[parent].children;

    return is_there ? find_child(s, parent, NULL, (uint32_t)index) : CJD_SOURCE_NONE;
}

static bool grow_nodes(struct cjd_source *s)
{
    size_t cap = s->cap ? 2 * s->cap : 64;
    struct cjd_source_node *grown = realloc(s->nodes, cap * sizeof *grown);

    if (grown) {
        s->nodes = grown;
        s->cap = cap;
    }
    return grown != NULL;
}

/* A child of the innermost group; `key` is NULL for an item of a list. */
static int add_node(struct cjd_source *s, const char *key, const struct cjd_place *at,
                    uint32_t *out)
{
    bool is_root = s->count == 0;
    struct cjd_source_node n = {.parent = s->open, .key_at = *at, .at = *at};

    if (s->count == s->cap && !grow_nodes(s)) {
        return CJD_ERR_NO_MEMORY;
    }
    if (!is_root) {
        n.index = key ? 0 : s->nodes[s->open].children;
        s->nodes[s->open].children++;
        uint32_t slot = slot_of(n.parent, key, n.index);
        n.next = s->slots[slot];
        s->slots[slot] = (uint32_t)s->count;
    }
    if (key) {
        n.key = s->keys.len;
        cjd_buf_put(&s->keys, key, strlen(key) + 1);
    }
    *out = (uint32_t)s->count;
    s->nodes[s->count++] = n;
    return s->keys.failed ? CJD_ERR_NO_MEMORY : 0;
}

/* --- remarks ------------------------------------------------------------------------------------
 */

static struct cjd_source_remark *add_remark(struct cjd_source *s, enum cjd_remark kind,
                                            const struct cjd_place *at, const char *text)
{
    if (kind == CJD_REMARK_FATAL && s->end.line == 0) {
        s->end = *at;
    }
    /* The last place is for a fatal one. */
    size_t max = CJD_SOURCE_REMARKS_MAX - (kind == CJD_REMARK_FATAL ? 0 : 1);
    if (s->remark_count >= max) {
        return NULL;
    }
    struct cjd_source_remark *r = &s->remarks[s->remark_count++];
    *r = (struct cjd_source_remark){
        .kind = kind, .at = *at, .node = s->current, .text = strdup(text)};
    return r;
}

static void on_remark(void *ctx, enum cjd_remark kind, const struct cjd_place *at, const char *text)
{
    add_remark(ctx, kind, at, text);
}

/* --- strings of standard JSON -------------------------------------------------------------------
 */

/* Writes the text between quotes; what JSON cannot hold becomes '?'. False if there was such. */
static bool put_string(struct cjd_buf *out, const char *bytes, size_t len)
{
    const unsigned char *b = (const unsigned char *)bytes;
    bool is_clean = true;

    cjd_buf_char(out, '"');
    for (size_t i = 0; i < len;) {
        size_t n = b[i] == '\0' ? 0 : cjd_utf8_length(bytes + i, len - i);
        if (n == 0) {
            cjd_buf_char(out, '?');
            is_clean = false;
        } else if (b[i] < 0x20 || b[i] == '"' || b[i] == '\\') {
            cjd_buf_printf(out, "\\u%04x", b[i]);
        } else {
            cjd_buf_put(out, bytes + i, n);
        }
        i += n > 0 ? n : 1;
    }
    cjd_buf_char(out, '"');
    return is_clean;
}

static void check_string(struct cjd_source *s, bool is_clean, const char *bytes, size_t len,
                         const struct cjd_place *at)
{
    if (!is_clean) {
        bool has_nul = len > 0 && memchr(bytes, '\0', len);
        add_remark(s, CJD_REMARK_ERROR, at,
                   has_nul ? "a NUL byte in a text" : "this text is not valid UTF-8");
    }
}

/* --- events -------------------------------------------------------------------------------------
 */

static int result_of(const struct cjd_source *s)
{
    return s->json.failed || s->keys.failed ? CJD_ERR_NO_MEMORY : 0;
}

static void put_comma(struct cjd_source *s)
{
    if (s->needs_comma) {
        cjd_buf_char(&s->json, ',');
    }
    s->needs_comma = false;
}

/* Before a value: its node, and its comma in a list. *is_wanted: false within a duplicate. */
static int begin_value(struct cjd_source *s, const struct cjd_place *at, bool *is_wanted)
{
    int err = 0;

    *is_wanted = s->muted == 0 && !s->is_muted_value_next;
    s->is_muted_value_next = false;
    if (!*is_wanted) {
        return 0;
    }
    if (s->count >= CJD_SOURCE_NODES_MAX) {
        add_remark(s, CJD_REMARK_FATAL, at, "too many values for a configuration");
        return CJD_ERR_PARSE;
    }
    if (s->count == 0 || s->nodes[s->open].is_list) {
        put_comma(s);
        err = add_node(s, NULL, at, &s->current);
    } else {
        s->nodes[s->current].at = *at;
    }
    return err;
}

static int on_open(void *ctx, bool is_object, const struct cjd_place *at)
{
    struct cjd_source *s = ctx;
    bool is_wanted;
    int err = begin_value(s, at, &is_wanted);

    if (err < 0) {
        return err;
    }
    if (!is_wanted) {
        s->muted++;
        return 0;
    }
    s->nodes[s->current].is_list = !is_object;
    s->open = s->current;
    s->needs_comma = false;
    cjd_buf_char(&s->json, is_object ? '{' : '[');
    return result_of(s);
}

static int on_close(void *ctx, bool is_object)
{
    struct cjd_source *s = ctx;

    s->was_muted = s->muted > 0;
    if (s->muted > 0) {
        s->muted--;
        return 0;
    }
    cjd_buf_char(&s->json, is_object ? '}' : ']');
    s->needs_comma = true;
    s->current = s->open;
    s->open = s->nodes[s->open].parent;
    return result_of(s);
}

static int add_member(struct cjd_source *s, const char *key, const struct cjd_place *at)
{
    uint32_t first = cjd_source_member(s, s->open, key);
    char text[96];

    if (first != CJD_SOURCE_NONE) {
        s->is_muted_value_next = true;
        s->current = first;
        snprintf(text, sizeof text, "this key is already on line %u; only the first one counts",
                 s->nodes[first].key_at.line);
        struct cjd_source_remark *r = add_remark(s, CJD_REMARK_ERROR, at, text);
        if (r) {
            r->is_duplicate = true;
        }
        return 0;
    }
    return add_node(s, key, at, &s->current);
}

static int on_key(void *ctx, const char *bytes, size_t len, const struct cjd_place *at)
{
    struct cjd_source *s = ctx;
    struct cjd_buf quoted = {0};

    if (s->muted > 0) {
        return 0;
    }
    bool is_clean = put_string(&quoted, bytes, len);
    check_string(s, is_clean, bytes, len, at);
    /* A key that is not clean ends the reading as a whole; what it is called is no matter. */
    char *key = is_clean ? strndup(len > 0 ? bytes : "", len) : strdup("?");
    int err = key && !quoted.failed ? add_member(s, key, at) : CJD_ERR_NO_MEMORY;
    if (err == 0 && !s->is_muted_value_next) {
        put_comma(s);
        cjd_buf_put(&s->json, quoted.v, quoted.len);
        cjd_buf_char(&s->json, ':');
        s->has_plugins = s->has_plugins || (s->open == 0 && strcmp(key, "plugins") == 0);
    }
    free(key);
    cjd_buf_fini(&quoted);
    return err < 0 ? err : result_of(s);
}

/* A value that is no group, in the spelling of JSON. */
static int put_scalar(struct cjd_source *s, const char *json, size_t len,
                      const struct cjd_place *at)
{
    bool is_wanted;
    int err = begin_value(s, at, &is_wanted);

    s->was_muted = !is_wanted;
    if (err == 0 && is_wanted) {
        cjd_buf_put(&s->json, json, len);
        s->needs_comma = true;
    }
    return err < 0 ? err : result_of(s);
}

static int on_text(void *ctx, const char *bytes, size_t len, const struct cjd_place *at)
{
    struct cjd_source *s = ctx;
    struct cjd_buf quoted = {0};

    bool is_clean = put_string(&quoted, bytes, len);
    int err = quoted.failed ? CJD_ERR_NO_MEMORY : put_scalar(s, quoted.v, quoted.len, at);
    check_string(s, is_clean, bytes, len, at);
    cjd_buf_fini(&quoted);
    return err;
}

static int on_integer(void *ctx, int64_t value, const struct cjd_place *at)
{
    struct cjd_source *s = ctx;
    bool is_muted = s->muted > 0 || s->is_muted_value_next;
    char text[24];

    if (!is_muted && s->open == 0 && s->count > 0 && s->current != 0 &&
        strcmp(s->keys.v + s->nodes[s->current].key, "version") == 0) {
        s->version = value;
    }
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    return put_scalar(s, text, (size_t)n, at);
}

static int on_real(void *ctx, const char *bytes, size_t len, const struct cjd_place *at)
{
    return put_scalar(ctx, bytes, len, at);
}

static int on_literal(void *ctx, enum cjd_literal value, const struct cjd_place *at)
{
    static const char *const words[] = {"null", "false", "true"};

    return put_scalar(ctx, words[value], strlen(words[value]), at);
}

static void on_end(void *ctx, const struct cjd_place *at)
{
    struct cjd_source *s = ctx;

    if (!s->was_muted) {
        s->nodes[s->current].end = at->offset;
    }
}

/* --- making and asking --------------------------------------------------------------------------
 */

static struct cjd_source *make(void)
{
    struct cjd_source *s = calloc(1, sizeof *s);

    if (s) {
        s->slots = malloc(SLOTS * sizeof *s->slots);
        s->remarks = calloc(CJD_SOURCE_REMARKS_MAX, sizeof *s->remarks);
    }
    if (!s || !s->slots || !s->remarks || !grow_nodes(s)) {
        cjd_source_free(s);
        return NULL;
    }
    memset(s->slots, 0xff, SLOTS * sizeof *s->slots);
    return s;
}

int cjd_source_new(struct cjd_source **out, const char *text, size_t len, enum cjd_dialect dialect)
{
    struct cjd_source *s = make();
    int err = CJD_ERR_NO_MEMORY;

    if (s) {
        s->dialect = dialect;
        struct cjd_scan_events events = {.open = on_open,
                                         .close = on_close,
                                         .key = on_key,
                                         .text = on_text,
                                         .integer = on_integer,
                                         .real = on_real,
                                         .literal = on_literal,
                                         .end = on_end,
                                         .remark = on_remark,
                                         .ctx = s};
        err = cjd_scan(text, len, dialect, &events);
    }
    if (err == CJD_ERR_NO_MEMORY) {
        cjd_source_free(s);
        s = NULL;
    }
    *out = s;
    return err;
}

void cjd_source_free(struct cjd_source *s)
{
    if (!s) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        free(s->nodes[i].pointer);
    }
    for (size_t i = 0; i < s->remark_count; i++) {
        free(s->remarks[i].text);
    }
    cjd_buf_fini(&s->json);
    cjd_buf_fini(&s->keys);
    free(s->nodes);
    free(s->slots);
    free(s->remarks);
    free(s);
}

json_t *cjd_source_tree(const struct cjd_source *s)
{
    return json_loadb(s->json.v, s->json.len, 0, NULL);
}

/* One part of a pointer, from behind its slash, unescaped (RFC 6901). False: longer than `cap`. */
static bool take_part(const char **at, char *out, size_t cap)
{
    size_t n = 0;

    for (; **at != '\0' && **at != '/'; (*at)++) {
        char c = **at;
        if (c == '~' && ((*at)[1] == '0' || (*at)[1] == '1')) {
            (*at)++;
            c = **at == '0' ? '~' : '/';
        }
        if (n + 1 >= cap) {
            return false;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

uint32_t cjd_source_find(const struct cjd_source *s, const char *pointer)
{
    uint32_t node = 0;
    char part[512];

    while (s->count > 0 && *pointer == '/') {
        pointer++;
        if (!take_part(&pointer, part, sizeof part)) {
            break;
        }
        uint32_t child = s->nodes[node].is_list ? cjd_source_item(s, node, strtoul(part, NULL, 10))
                                                : cjd_source_member(s, node, part);
        if (child == CJD_SOURCE_NONE) {
            break;
        }
        node = child;
    }
    return node;
}

static void put_part(struct cjd_buf *b, const struct cjd_source *s, uint32_t node)
{
    const struct cjd_source_node *n = &s->nodes[node];

    cjd_buf_char(b, '/');
    if (s->nodes[n->parent].is_list) {
        cjd_buf_printf(b, "%u", n->index);
        return;
    }
    for (const char *at = s->keys.v + n->key; *at != '\0'; at++) {
        if (*at == '~' || *at == '/') {
            cjd_buf_text(b, *at == '~' ? "~0" : "~1");
        } else {
            cjd_buf_char(b, *at);
        }
    }
}

const char *cjd_source_pointer(const struct cjd_source *s, uint32_t node)
{
    uint32_t path[CJD_SCAN_DEPTH_MAX + 1];
    struct cjd_buf b = {0};
    unsigned depth = 0;

    if (s->count == 0 || node == 0) {
        return "";
    }
    if (s->nodes[node].pointer) {
        return s->nodes[node].pointer;
    }
    for (uint32_t at = node; at != 0; at = s->nodes[at].parent) {
        path[depth++] = at;
    }
    while (depth > 0) {
        put_part(&b, s, path[--depth]);
    }
    cjd_buf_char(&b, '\0');
    s->nodes[node].pointer = b.failed ? NULL : b.v;
    if (b.failed) {
        cjd_buf_fini(&b);
    }
    return s->nodes[node].pointer ? s->nodes[node].pointer : "";
}
