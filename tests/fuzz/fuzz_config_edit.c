/* Changing a configuration as text: what was edited parses in the same dialect, and is the old
 * value with the new entry. The first byte chooses dialect and group. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <config/edit.h>
#include <config/peering.h>

#define NEW_KEY "1.2.3.4:5"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* NULL: it is not sound. */
static struct cjd_source *read_sound(const char *text, size_t len, enum cjd_dialect dialect)
{
    struct cjd_source *s;

    bool is_sound = cjd_source_new(&s, text, len, dialect) == 0;
    for (size_t i = 0; is_sound && i < s->remark_count; i++) {
        is_sound = s->remarks[i].kind > CJD_REMARK_ERROR;
    }
    if (!is_sound) {
        cjd_source_free(s);
        return NULL;
    }
    return s;
}

static json_t *entry(void)
{
    return json_pack("{ssss}", "login", "b\"\\\xc3\xa4", "password", "x");
}

static json_t *json_at(json_t *v, const struct cjd_source *s, uint32_t node)
{
    if (node == 0) {
        return v;
    }
    const struct cjd_source_node *n = &s->nodes[node];
    json_t *parent = json_at(v, s, n->parent);
    return s->nodes[n->parent].is_list ? json_array_get(parent, n->index)
                                       : json_object_get(parent, s->keys.v + n->key);
}

static void check_same(const struct cjd_buf *out, const json_t *want, enum cjd_dialect dialect)
{
    struct cjd_source *again = read_sound(out->v, out->len, dialect);

    require(again != NULL);
    json_t *tree = cjd_source_tree(again);
    require(tree && json_equal(tree, want));
    json_decref(tree);
    cjd_source_free(again);
}

static void check_change(const struct cjd_edit *e, json_t *tree, uint32_t node, bool replaces)
{
    struct cjd_buf out = {0};
    json_t *group = json_at(tree, e->source, node);
    json_t *value = entry();

    require(group && value);
    if (replaces && json_is_object(group)) {
        cjd_edit_replace(&out, e, node, NULL, value);
        require(json_object_clear(group) == 0 && json_object_update(group, value) == 0);
    } else if (json_is_array(group)) {
        cjd_edit_append(&out, e, node, NULL, value);
        require(json_array_append(group, value) == 0);
    } else if (json_is_object(group) && !json_object_get(group, NEW_KEY)) {
        cjd_edit_append(&out, e, node, NEW_KEY, value);
        require(json_object_set(group, NEW_KEY, value) == 0);
    } else {
        cjd_buf_put(&out, e->text, e->len);
    }
    require(!out.failed);
    check_same(&out, tree, e->source->dialect);
    cjd_buf_fini(&out);
    json_decref(value);
}

static void check_edit(unsigned choice, const char *text, size_t len)
{
    enum cjd_dialect dialect = choice % 2 ? CJD_DIALECT_NATIVE : CJD_DIALECT_STRICT;
    struct cjd_source *s = read_sound(text, len, dialect);

    if (!s) {
        return;
    }
    struct cjd_edit e = {.text = text,
                         .len = len,
                         .source = s,
                         .has_reference_escapes = dialect != CJD_DIALECT_NATIVE};
    json_t *tree = cjd_source_tree(s);
    require(tree != NULL);
    check_change(&e, tree, (uint32_t)(choice / 4 % s->count), choice & 2);
    json_decref(tree);
    cjd_source_free(s);
}

/* The whole: it changes the text or says why not. What it cannot do safely it must notice. */
static void check_peering(const char *text, size_t len)
{
    struct cjd_peer_uri peer = {
        .key = {.b = {1}}, .password = "x", .address = {"1.2.3.4:5"}, .address_count = 1};
    struct cjd_peering_change change;
    struct cjd_diags diags = {.file = "fuzz"};

    int err = cjd_peering_add(&change, text, len, &peer, false, &diags);
    require(err == 0 ? change.text && change.line > 0 : !change.text && diags.errors > 0);
    cjd_peering_change_fini(&change);
    cjd_diags_fini(&diags);
    err = cjd_peering_authorize(&change, text, len, "bob", "x", true, &diags);
    require(err == 0 ? change.text && change.line > 0 : !change.text && diags.errors > 0);
    cjd_peering_change_fini(&change);
    cjd_diags_fini(&diags);
}

static void check_read(const char *text, size_t len)
{
    struct cjd_diags diags = {.file = "fuzz"};
    struct cjd_peer_uri *peers;
    size_t count;

    int err = cjd_peering_read(&peers, &count, text, len, &diags);
    require(err == 0 ? count > 0 && diags.errors == 0 : !peers && diags.errors > 0);
    cjd_peering_peers_free(peers, count);
    cjd_diags_fini(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = size > 0 ? size - 1 : 0;
    char *text = malloc(len > 0 ? len : 1);

    require(text != NULL);
    if (len > 0) {
        memcpy(text, data + 1, len);
    }
    if (size > 0) {
        check_edit(data[0], text, len);
        check_peering(text, len);
        check_read(text, len);
    }
    free(text);
    return 0;
}
