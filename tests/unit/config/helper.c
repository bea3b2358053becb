#include "helper.h"

struct reading read_bytes(const char *text, size_t len)
{
    struct reading r = {.diags = {.file = "test.conf"}};

    /* A copy of the exact size lets a sanitizer see every read too far. */
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    r.err = cjd_config_read(&r.config, copy, len, &r.diags);
    free(copy);
    assert_true(r.err == 0 ? r.config != NULL && r.diags.errors == 0 : r.config == NULL);
    assert_true(r.err == 0 || r.err == CJD_ERR_CONFIG);
    assert_true(r.err == 0 || r.diags.errors > 0);
    return r;
}

struct reading read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

void reading_fini(struct reading *r)
{
    cjd_config_free(r->config);
    cjd_diags_fini(&r->diags);
}

static bool is_there(const struct cjd_diag *d, enum cjd_severity severity, const char *pointer,
                     const char *part)
{
    return d->severity == severity && strcmp(d->pointer, pointer) == 0 && strstr(d->text, part);
}

const struct cjd_diag *find_diag(const struct reading *r, enum cjd_severity severity,
                                 const char *pointer, const char *part)
{
    for (size_t i = 0; i < r->diags.count; i++) {
        if (is_there(&r->diags.v[i], severity, pointer, part)) {
            return &r->diags.v[i];
        }
    }
    cjd_diags_print(&r->diags, stdout);
    fail_msg("nothing of severity %d at \"%s\" with \"%s\"", severity, pointer, part);
    return NULL;
}

void assert_diag(const struct reading *r, enum cjd_severity severity, unsigned line,
                 unsigned column, const char *pointer, const char *part)
{
    const struct cjd_diag *d = find_diag(r, severity, pointer, part);

    if (d->line != line || d->column != column) {
        fail_msg("%s: at %u:%u, not %u:%u", d->text, d->line, d->column, line, column);
    }
}

size_t count_diags(const struct reading *r, enum cjd_severity severity)
{
    size_t n = 0;

    for (size_t i = 0; i < r->diags.count; i++) {
        n += r->diags.v[i].severity == severity;
    }
    return n;
}

void assert_read(const struct reading *r)
{
    if (r->err != 0) {
        cjd_diags_print(&r->diags, stdout);
        fail_msg("not read: %s", cjd_err_text(r->err));
    }
}

const json_t *at(const struct reading *r, const char *pointer)
{
    const json_t *value = cjd_config_tree(r->config);
    char part[64];

    for (const char *p = pointer; value && *p == '/';) {
        size_t n = strcspn(++p, "/");
        assert_true(n < sizeof part);
        memcpy(part, p, n);
        part[n] = '\0';
        p += n;
        value = json_is_array(value) ? json_array_get(value, strtoul(part, NULL, 10))
                                     : json_object_get(value, part);
    }
    if (!value) {
        json_dumpf(cjd_config_tree(r->config), stdout, JSON_INDENT(1));
        fail_msg("nothing at %s", pointer);
    }
    return value;
}

void assert_text_at(const struct reading *r, const char *pointer, const char *want)
{
    const char *text = json_string_value(at(r, pointer));

    assert_non_null(text);
    assert_string_equal(text, want);
}

char *printed(print_fn print, void *arg, int *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    *err = print(out, arg);
    assert_int_equal(fclose(out), 0);
    return text;
}
