#include <config/edit.h>

#include <string.h>

#include <config/lex.h>

/* Entries up to this width stay on one line where no neighbour says otherwise. */
#define LINE_MAX 100u
/* So much wider than its neighbour on one line may one be that stays on one, too. */
#define NEIGHBOUR_SLACK 32u

/* Bytes of the text; those of indentation are borrowed from it. */
struct run {
    const char *v;
    size_t n;
};

/* How a value is written. */
struct style {
    struct run newline;
    struct run indent; /* of its own line */
    struct run unit;   /* more of it for each level */
    bool is_inline;
    bool has_spaces; /* within the braces of one line */
    bool has_reference_escapes;
};

/* --- the text around ----------------------------------------------------------------------------
 */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t line_start(const struct cjd_edit *e, size_t at)
{
    while (at > 0 && e->text[at - 1] != '\n') {
        at--;
    }
    return at;
}

static struct run indent_at(const struct cjd_edit *e, size_t at)
{
    size_t from = line_start(e, at);
    size_t to = from;

    while (to < e->len && is_blank(e->text[to])) {
        to++;
    }
    return (struct run){e->text + from, to - from};
}

static bool is_first_on_line(const struct cjd_edit *e, size_t at)
{
    return line_start(e, at) + indent_at(e, at).n == at;
}

static bool has_newline(const struct cjd_edit *e, size_t from, size_t to)
{
    return memchr(e->text + from, '\n', to - from) != NULL;
}

static struct run newline_of(const struct cjd_edit *e)
{
    const char *at = memchr(e->text, '\n', e->len);

    return at && at > e->text && at[-1] == '\r' ? (struct run){"\r\n", 2} : (struct run){"\n", 1};
}

static void ignore_remark(void *ctx, enum cjd_remark kind, const struct cjd_place *at,
                          const char *text)
{
    (void)ctx;
    (void)kind;
    (void)at;
    (void)text;
}

/* Behind white space and comments. */
static size_t skip(const struct cjd_edit *e, size_t from)
{
    static const struct cjd_scan_events events = {.remark = ignore_remark};
    struct cjd_lex x = {.text = e->text,
                        .len = e->len,
                        .at = {.offset = from, .line = 1, .column = 1},
                        .dialect = e->source->dialect,
                        .events = &events};

    return cjd_lex_skip(&x) == 0 ? x.at.offset : from;
}

/* Behind a comment that ends on its line; 0: there is none. */
static size_t end_of_comment(const struct cjd_edit *e, size_t at)
{
    const char *from = e->text + at;
    size_t left = e->len - at;

    if (left < 2 || from[0] != '/' || (from[1] != '/' && from[1] != '*')) {
        return 0;
    }
    const char *newline = memchr(from, '\n', left);
    const char *line_end = newline ? newline : from + left;
    if (from[1] == '/') {
        return (size_t)(line_end - e->text) - (newline && newline[-1] == '\r' ? 1 : 0);
    }
    const char *close = memmem(from + 2, left - 2, "*/", 2);
    return close && close < line_end ? (size_t)(close - e->text) + 2 : 0;
}

/* The end of the line, if but comments on what stands before come there; else `from`. */
static size_t end_of_line(const struct cjd_edit *e, size_t from)
{
    size_t at = from;

    for (;;) {
        while (at < e->len && is_blank(e->text[at])) {
            at++;
        }
        if (at == e->len || e->text[at] == '\n' || e->text[at] == '\r') {
            return at;
        }
        at = end_of_comment(e, at);
        if (at == 0) {
            return from;
        }
    }
}

/* --- nodes --------------------------------------------------------------------------------------
 */

static size_t start_of(const struct cjd_source_node *n, bool is_member)
{
    return is_member ? n->key_at.offset : n->at.offset;
}

static const struct cjd_source_node *last_child(const struct cjd_source *s, uint32_t group)
{
    for (size_t i = s->count; i-- > 1;) {
        if (s->nodes[i].parent == group) {
            return &s->nodes[i];
        }
    }
    return NULL;
}

static const struct cjd_source_node *first_child(const struct cjd_source *s, uint32_t group)
{
    for (size_t i = 1; i < s->count; i++) {
        if (s->nodes[i].parent == group) {
            return &s->nodes[i];
        }
    }
    return NULL;
}

/* What `longer` has more than `shorter`, if it begins with it. */
static bool more_than(struct run *out, struct run longer, struct run shorter)
{
    bool is_more = longer.n > shorter.n && memcmp(longer.v, shorter.v, shorter.n) == 0;

    if (is_more) {
        *out = (struct run){longer.v + shorter.n, longer.n - shorter.n};
    }
    return is_more;
}

/* One level of indentation, as the groups around `group` have it, else the first entry of all. */
static struct run unit_of(const struct cjd_edit *e, uint32_t group)
{
    const struct cjd_source_node *nodes = e->source->nodes;
    const struct cjd_source_node *first = first_child(e->source, 0);
    struct run unit = {"    ", 4};

    for (uint32_t at = group; at != 0; at = nodes[at].parent) {
        struct run outer = indent_at(e, nodes[nodes[at].parent].at.offset);
        if (more_than(&unit, indent_at(e, nodes[at].at.offset), outer)) {
            return unit;
        }
    }
    if (first && is_first_on_line(e, first->key_at.offset) && first->key_at.column > 1) {
        unit = indent_at(e, first->key_at.offset);
    }
    return unit;
}

/* --- writing values -----------------------------------------------------------------------------
 */

static void put_run(struct cjd_buf *b, struct run r)
{
    cjd_buf_put(b, r.v, r.n);
}

static void put_text(struct cjd_buf *b, const struct style *style, const char *text)
{
    cjd_buf_char(b, '"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c != '"' && c != '\\' && c >= 0x20 && c != 0x7f) {
            cjd_buf_char(b, *text);
        } else if (style->has_reference_escapes) {
            cjd_buf_printf(b, "\\x%02x", c);
        } else if (c < 0x20 || c == 0x7f) {
            cjd_buf_printf(b, "\\u%04x", c);
        } else {
            cjd_buf_char(b, '\\');
            cjd_buf_char(b, *text);
        }
    }
    cjd_buf_char(b, '"');
}

static void put_value(struct cjd_buf *b, const struct style *style, unsigned depth,
                      const json_t *value);

static void put_break(struct cjd_buf *b, const struct style *style, unsigned depth)
{
    if (style->is_inline) {
        return;
    }
    put_run(b, style->newline);
    put_run(b, style->indent);
    for (unsigned i = 0; i < depth; i++) {
        put_run(b, style->unit);
    }
}

static void put_object(struct cjd_buf *b, const struct style *style, unsigned depth,
                       const json_t *object)
{
    const char *space = style->is_inline && style->has_spaces ? " " : "";
    const char *before = space;
    const char *key;
    json_t *member;

    cjd_buf_char(b, '{');
    json_object_foreach((json_t *)(uintptr_t)object, key, member)
    {
        cjd_buf_text(b, before);
        put_break(b, style, depth + 1);
        put_text(b, style, key);
        cjd_buf_text(b, ": ");
        put_value(b, style, depth + 1, member);
        before = style->is_inline ? ", " : ",";
    }
    put_break(b, style, depth);
    cjd_buf_text(b, space);
    cjd_buf_char(b, '}');
}

static void put_list(struct cjd_buf *b, const struct style *style, unsigned depth,
                     const json_t *list)
{
    cjd_buf_char(b, '[');
    for (size_t i = 0; i < json_array_size(list); i++) {
        cjd_buf_text(b, i == 0 ? "" : style->is_inline ? ", " : ",");
        put_break(b, style, depth + 1);
        put_value(b, style, depth + 1, json_array_get(list, i));
    }
    if (json_array_size(list) > 0) {
        put_break(b, style, depth);
    }
    cjd_buf_char(b, ']');
}

/* The depth is that of what this program makes. */
static void put_value(struct cjd_buf *b, const struct style *style, unsigned depth,
                      const json_t *value)
{
    if (json_is_object(value)) {
        put_object(b, style, depth, value);
    } else if (json_is_array(value)) {
        put_list(b, style, depth, value);
    } else if (json_is_string(value)) {
        put_text(b, style, json_string_value(value));
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        b->failed = b->failed || !text;
        cjd_buf_text(b, text ? text : "");
        cjd_secret_free(text);
    }
}

static void put_entry(struct cjd_buf *b, const struct style *style, const char *key,
                      const json_t *value)
{
    if (key) {
        put_text(b, style, key);
        cjd_buf_text(b, ": ");
    }
    put_value(b, style, 0, value);
}

/* --- style --------------------------------------------------------------------------------------
 */

static struct style style_at(const struct cjd_edit *e, uint32_t group)
{
    return (struct style){.newline = newline_of(e),
                          .indent = indent_at(e, e->source->nodes[group].at.offset),
                          .unit = unit_of(e, group),
                          .has_spaces = true,
                          .has_reference_escapes = e->has_reference_escapes};
}

/* As a neighbour is written: on one line or several, its members how far in. */
static void imitate(struct style *style, const struct cjd_edit *e,
                    const struct cjd_source_node *model)
{
    const struct cjd_source *s = e->source;
    const struct cjd_source_node *inner = first_child(s, (uint32_t)(model - s->nodes));

    style->is_inline = !has_newline(e, model->at.offset, model->end);
    style->indent = indent_at(e, style->is_inline ? model->at.offset : model->end - 1);
    if (inner && style->is_inline) {
        style->has_spaces = is_blank(e->text[model->at.offset + 1]);
    } else if (inner) {
        size_t at = start_of(inner, !model->is_list);
        if (is_first_on_line(e, at)) {
            (void)more_than(&style->unit, indent_at(e, at), style->indent);
        }
    }
}

/* On one line if that is not wider than `width`. */
static void choose_width(struct style *style, const char *key, const json_t *value, size_t width)
{
    struct cjd_buf one_line = {0};

    style->is_inline = true;
    put_entry(&one_line, style, key, value);
    style->is_inline = style->indent.n + one_line.len <= width;
    cjd_buf_fini(&one_line);
}

/* --- append -------------------------------------------------------------------------------------
 */

static void copy(struct cjd_buf *out, const struct cjd_edit *e, size_t from, size_t to)
{
    cjd_buf_put(out, e->text + from, to - from);
}

static void append_behind(struct cjd_buf *out, const struct cjd_edit *e, uint32_t group,
                          const char *key, const json_t *value)
{
    const struct cjd_source_node *last = last_child(e->source, group);
    size_t comma = skip(e, last->end);
    bool has_comma = comma < e->len && e->text[comma] == ',';
    size_t from = has_comma ? comma + 1 : last->end;
    bool has_line = is_first_on_line(e, start_of(last, key != NULL));
    size_t at = has_line ? end_of_line(e, from) : from;
    struct style style = style_at(e, group);

    if (last->children > 0) {
        imitate(&style, e, last);
    } else {
        style.is_inline = true;
    }
    if (has_line && style.is_inline) {
        size_t width = last->end - last->at.offset + NEIGHBOUR_SLACK;
        choose_width(&style, key, value, width > LINE_MAX ? width : LINE_MAX);
    }
    copy(out, e, 0, from);
    if (!has_comma) {
        cjd_buf_char(out, ',');
    }
    copy(out, e, from, at);
    if (has_line) {
        put_run(out, style.newline);
        style.indent = indent_at(e, start_of(last, key != NULL));
        put_run(out, style.indent);
    } else {
        cjd_buf_char(out, ' ');
    }
    put_entry(out, &style, key, value);
    if (has_comma) {
        cjd_buf_char(out, ',');
    }
    copy(out, e, at, e->len);
}

/* The line of the closing bracket has nothing before it: the entry gets a line of its own. */
static void append_above(struct cjd_buf *out, const struct cjd_edit *e, struct style *style,
                         const char *key, const json_t *value, size_t close)
{
    struct cjd_buf indent = {0};
    size_t at = line_start(e, close);

    put_run(&indent, indent_at(e, close));
    put_run(&indent, style->unit);
    style->indent = (struct run){indent.v, indent.len};
    choose_width(style, key, value, LINE_MAX);
    copy(out, e, 0, at);
    put_run(out, style->indent);
    put_entry(out, style, key, value);
    put_run(out, style->newline);
    copy(out, e, at, e->len);
    out->failed = out->failed || indent.failed;
    cjd_buf_fini(&indent);
}

/* "[]" is opened to lines, unless the whole text is on one. */
static void append_between(struct cjd_buf *out, const struct cjd_edit *e, struct style *style,
                           const char *key, const json_t *value, size_t open, size_t close)
{
    struct cjd_buf indent = {0};
    struct run outer = style->indent;
    bool has_lines = has_newline(e, 0, close);

    put_run(&indent, outer);
    put_run(&indent, style->unit);
    style->indent = (struct run){indent.v, indent.len};
    choose_width(style, key, value, LINE_MAX);
    style->is_inline = style->is_inline || !has_lines;
    copy(out, e, 0, open);
    if (has_lines) {
        put_run(out, style->newline);
        put_run(out, style->indent);
    }
    put_entry(out, style, key, value);
    if (has_lines) {
        put_run(out, style->newline);
        put_run(out, outer);
    }
    copy(out, e, close, e->len);
    out->failed = out->failed || indent.failed;
    cjd_buf_fini(&indent);
}

static void append_first(struct cjd_buf *out, const struct cjd_edit *e, uint32_t group,
                         const char *key, const json_t *value)
{
    size_t open = e->source->nodes[group].at.offset + 1;
    size_t close = e->source->nodes[group].end - 1;
    struct style style = style_at(e, group);
    bool is_empty = true;

    for (size_t i = open; i < close; i++) {
        is_empty = is_empty && cjd_lex_is_space(e->text[i]);
    }
    if (has_newline(e, open, close) && is_first_on_line(e, close)) {
        append_above(out, e, &style, key, value, close);
    } else if (is_empty) {
        append_between(out, e, &style, key, value, open, close);
    } else {
        /* Comments on the same line. */
        style.is_inline = true;
        copy(out, e, 0, close);
        cjd_buf_text(out, is_blank(e->text[close - 1]) ? "" : " ");
        put_entry(out, &style, key, value);
        cjd_buf_char(out, ' ');
        copy(out, e, close, e->len);
    }
}

void cjd_edit_append(struct cjd_buf *out, const struct cjd_edit *edit, uint32_t group,
                     const char *key, const json_t *value)
{
    if (edit->source->nodes[group].children > 0) {
        append_behind(out, edit, group, key, value);
    } else {
        append_first(out, edit, group, key, value);
    }
}

/* --- replace ------------------------------------------------------------------------------------
 */

void cjd_edit_replace(struct cjd_buf *out, const struct cjd_edit *edit, uint32_t node,
                      const char *key, const json_t *value)
{
    const struct cjd_source_node *n = &edit->source->nodes[node];
    struct style style = style_at(edit, n->parent);
    size_t from = n->at.offset;

    imitate(&style, edit, n);
    if (key) {
        copy(out, edit, 0, n->key_at.offset);
        put_text(out, &style, key);
        /* Behind the key as it was: its string, which has at least two bytes. */
        size_t end = n->key_at.offset + 1;
        while (edit->text[end] != '"') {
            end += edit->text[end] == '\\' ? 2 : 1;
        }
        copy(out, edit, end + 1, from);
    } else {
        copy(out, edit, 0, from);
    }
    put_value(out, &style, 0, value);
    copy(out, edit, n->end, edit->len);
}
