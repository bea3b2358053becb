#include <config/diag.h>

#include <stdlib.h>
#include <string.h>

void cjd_diags_fini(struct cjd_diags *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->v[i].pointer);
        free(d->v[i].text);
    }
    free(d->v);
    *d = (struct cjd_diags){.file = d->file};
}

/* The place for one more. When all are taken, an error pushes out something less important. */
static struct cjd_diag *take_slot(struct cjd_diags *d, enum cjd_severity severity)
{
    if (!d->v) {
        d->v = calloc(CJD_DIAGS_MAX, sizeof *d->v);
    }
    if (!d->v) {
        return NULL;
    }
    if (d->count < CJD_DIAGS_MAX) {
        return &d->v[d->count++];
    }
    for (size_t i = d->count; severity == CJD_DIAG_ERROR && i > 0; i--) {
        struct cjd_diag *slot = &d->v[i - 1];
        if (slot->severity != CJD_DIAG_ERROR) {
            free(slot->pointer);
            free(slot->text);
            return slot;
        }
    }
    return NULL;
}

void cjd_diags_add_v(struct cjd_diags *d, enum cjd_severity severity, const struct cjd_position *at,
                     const char *format, va_list args)
{
    size_t kept = d->count;
    struct cjd_diag *slot = take_slot(d, severity);
    char *text;

    d->errors += severity == CJD_DIAG_ERROR ? 1 : 0;
    d->dropped += d->count == kept ? 1 : 0;
    if (!slot) {
        return;
    }
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
    }
    *slot = (struct cjd_diag){.severity = severity,
                              .line = at->line,
                              .column = at->column,
                              .pointer = strdup(at->pointer ? at->pointer : ""),
                              .text = text};
}

void cjd_diags_add(struct cjd_diags *d, enum cjd_severity severity, const struct cjd_position *at,
                   const char *format, ...)
{
    va_list args;

    va_start(args, format);
    cjd_diags_add_v(d, severity, at, format, args);
    va_end(args);
}

bool cjd_diags_has_error(const struct cjd_diags *d, const struct cjd_position *at)
{
    for (size_t i = 0; at->line > 0 && i < d->count; i++) {
        const struct cjd_diag *one = &d->v[i];
        if (one->severity == CJD_DIAG_ERROR && one->line == at->line && one->column == at->column) {
            return true;
        }
    }
    return false;
}

static bool is_before(const struct cjd_diag *a, const struct cjd_diag *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* By insertion: few, nearly in order, and what belongs to one place keeps its order. */
void cjd_diags_sort(struct cjd_diags *d, size_t from)
{
    for (size_t i = from; i < d->count; i++) {
        struct cjd_diag one = d->v[i];
        size_t k = i;
        for (; k > from && is_before(&one, &d->v[k - 1]); k--) {
            d->v[k] = d->v[k - 1];
        }
        d->v[k] = one;
    }
}

/* Keys of the file go to a terminal: nothing may pass that controls one. */
static void print_safe(const char *text, FILE *out)
{
    for (const char *at = text ? text : "out of memory"; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x20 || c == 0x7f) {
            fprintf(out, "\\x%02x", c);
        } else {
            fputc(c, out);
        }
    }
}

static void print_one(const struct cjd_diags *d, const struct cjd_diag *diag, FILE *out)
{
    static const char *const names[] = {"note", "warning", "error"};

    fputs(d->file ? d->file : "configuration", out);
    if (diag->line > 0) {
        fprintf(out, ":%u:%u", diag->line, diag->column);
    }
    fprintf(out, ": %s: ", names[diag->severity]);
    print_safe(diag->text, out);
    if (diag->pointer && diag->pointer[0] != '\0') {
        fputs(" (", out);
        print_safe(diag->pointer, out);
        fputc(')', out);
    }
    fputc('\n', out);
}

void cjd_diags_print(const struct cjd_diags *d, FILE *out)
{
    for (size_t i = 0; i < d->count; i++) {
        print_one(d, &d->v[i], out);
    }
    if (d->dropped > 0) {
        fprintf(out, "%s: and %zu more messages like these\n", d->file ? d->file : "configuration",
                d->dropped);
    }
}
