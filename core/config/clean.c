#include <config/config.h>

#include <string.h>

#include <config/buf.h>
#include <config/diag.h>
#include <config/scan.h>

/*
 * --cleanconf: configuration notes §2 and §3, and as observed on v21.1: `version` is put where it
 * belongs in the order of bytes, that is before the first greater key, and replaces an entry of the
 * same name only if that comes first.
 */

struct cleaner {
    struct cjd_buf out;
    unsigned depth;
    bool is_list[CJD_SCAN_DEPTH_MAX + 1]; /* by depth */
    bool has_elements;                    /* the innermost group has some already */
    bool is_version_written;
    bool is_muted;                  /* within a value that is replaced */
    bool has_version_key;           /* the first `version` was seen … */
    bool is_version_value_expected; /* … and its value is next */
    int64_t version;                /* that value, if an integer, else 0 */
    struct cjd_place fault_at;
    char fault[256];
};

static void next_line(struct cleaner *c)
{
    cjd_buf_text(&c->out, c->has_elements ? ",\n" : "\n");
    c->has_elements = true;
    for (unsigned i = 0; i < c->depth; i++) {
        cjd_buf_text(&c->out, "  ");
    }
}

static void put_string(struct cleaner *c, const char *bytes, size_t len)
{
    cjd_buf_char(&c->out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char b = (unsigned char)bytes[i];
        if (b < 0x20 || b > 0x7d || b == '"' || b == '\\') {
            cjd_buf_printf(&c->out, "\\x%02X", b);
        } else {
            cjd_buf_char(&c->out, (char)b);
        }
    }
    cjd_buf_char(&c->out, '"');
}

static int result_of(const struct cleaner *c)
{
    return c->out.failed ? CJD_ERR_NO_MEMORY : 0;
}

/* --- events -------------------------------------------------------------------------------------
 */

/* False: the value is not written. */
static bool begin_value(struct cleaner *c)
{
    c->is_version_value_expected = false;
    if (!c->is_muted && c->depth > 0 && c->is_list[c->depth]) {
        next_line(c);
    }
    return !c->is_muted;
}

static void end_value(struct cleaner *c)
{
    if (c->depth == 1) {
        c->is_muted = false;
    }
}

static int on_open(void *ctx, bool is_object, const struct cjd_place *at)
{
    struct cleaner *c = ctx;

    (void)at;
    if (begin_value(c)) {
        cjd_buf_char(&c->out, is_object ? '{' : '[');
        c->has_elements = false;
    }
    c->depth++;
    c->is_list[c->depth] = !is_object;
    return result_of(c);
}

static int on_close(void *ctx, bool is_object)
{
    struct cleaner *c = ctx;

    if (!c->is_muted) {
        if (c->depth == 1 && !c->is_version_written) {
            next_line(c);
            cjd_buf_text(&c->out, "\"version\" : 2");
        }
        if (!c->has_elements) {
            cjd_buf_char(&c->out, '\n');
        }
        c->depth--;
        c->has_elements = false;
        next_line(c);
        cjd_buf_char(&c->out, is_object ? '}' : ']');
    } else {
        c->depth--;
    }
    c->has_elements = true;
    end_value(c);
    return result_of(c);
}

/* The reference compares characters that have a sign: what is not ASCII comes before letters. */
static int compare_to_version(const char *bytes, size_t len)
{
    static const char name[] = "version";
    size_t n = sizeof name - 1;

    for (size_t i = 0; i < len && i < n; i++) {
        int order = (int8_t)bytes[i] - (int8_t)name[i];
        if (order != 0) {
            return order;
        }
    }
    return len == n ? 0 : len < n ? -1 : 1;
}

static void on_top_key(struct cleaner *c, const char *bytes, size_t len)
{
    int order = compare_to_version(bytes, len);

    if (order == 0 && !c->has_version_key) {
        c->has_version_key = true;
        c->is_version_value_expected = true;
    }
    if (!c->is_version_written && order >= 0) {
        next_line(c);
        cjd_buf_text(&c->out, "\"version\" : 2");
        c->is_version_written = true;
        c->is_muted = order == 0;
    }
}

static int on_key(void *ctx, const char *bytes, size_t len, const struct cjd_place *at)
{
    struct cleaner *c = ctx;

    (void)at;
    if (c->depth == 1) {
        on_top_key(c, bytes, len);
    }
    if (!c->is_muted) {
        next_line(c);
        put_string(c, bytes, len);
        cjd_buf_text(&c->out, " : ");
    }
    return result_of(c);
}

static int on_text(void *ctx, const char *bytes, size_t len, const struct cjd_place *at)
{
    struct cleaner *c = ctx;

    (void)at;
    if (begin_value(c)) {
        put_string(c, bytes, len);
    }
    end_value(c);
    return result_of(c);
}

static int on_integer(void *ctx, int64_t value, const struct cjd_place *at)
{
    struct cleaner *c = ctx;

    (void)at;
    if (c->is_version_value_expected) {
        c->version = value;
    }
    if (begin_value(c)) {
        cjd_buf_printf(&c->out, "%lld", (long long)value);
    }
    end_value(c);
    return result_of(c);
}

/* Only the native dialect has these two. */
static int on_real(void *ctx, const char *bytes, size_t len, const struct cjd_place *at)
{
    (void)ctx, (void)bytes, (void)len, (void)at;
    return CJD_ERR_UNSUPPORTED;
}

static int on_literal(void *ctx, enum cjd_literal value, const struct cjd_place *at)
{
    (void)ctx, (void)value, (void)at;
    return CJD_ERR_UNSUPPORTED;
}

static void on_remark(void *ctx, enum cjd_remark kind, const struct cjd_place *at, const char *text)
{
    struct cleaner *c = ctx;

    if (kind == CJD_REMARK_FATAL) {
        c->fault_at = *at;
        memcpy(c->fault, text, strnlen(text, sizeof c->fault - 1));
    }
}

static int run(struct cleaner *c, const char *text, size_t len, enum cjd_dialect dialect)
{
    struct cjd_scan_events events = {.open = on_open,
                                     .close = on_close,
                                     .key = on_key,
                                     .text = on_text,
                                     .integer = on_integer,
                                     .real = on_real,
                                     .literal = on_literal,
                                     .remark = on_remark,
                                     .ctx = c};
    *c = (struct cleaner){0};
    int err = cjd_scan(text, len, dialect, &events);
    cjd_buf_char(&c->out, '\n');
    return err == 0 ? result_of(c) : err;
}

/* --- which parser's result ----------------------------------------------------------------------
 */

static void report(struct cjd_diags *diags, const struct cleaner *c, enum cjd_severity severity,
                   const char *dialect)
{
    struct cjd_position at = {
        .line = c->fault_at.line, .column = c->fault_at.column, .pointer = ""};

    cjd_diags_add(diags, severity, &at, "%s (%s)", c->fault, dialect);
}

static bool is_new(const struct cleaner *c)
{
    /* Observed: a negative number counts as a great one. */
    return (uint64_t)c->version >= 2;
}

/* Two parsers, as in the reference (§2): files of version 2 pass the strict one; others have to
 * pass the legacy one as well, even where the strict one's result is used. */
static const struct cleaner *choose(const struct cleaner *strict, int strict_err,
                                    const struct cleaner *legacy, int legacy_err,
                                    struct cjd_diags *diags)
{
    static const char strict_name[] = "dialect of \"version\": 2";
    static const char legacy_name[] = "dialect of files without \"version\": 2";

    if (strict_err == 0 && (is_new(strict) || legacy_err == 0)) {
        return strict;
    }
    if (strict_err == 0) {
        report(diags, legacy, CJD_DIAG_ERROR, legacy_name);
        return NULL;
    }
    if (legacy_err == 0 && !is_new(legacy)) {
        return legacy;
    }
    report(diags, strict, CJD_DIAG_ERROR, strict_name);
    if (legacy_err != 0) {
        report(diags, legacy, CJD_DIAG_NOTE, legacy_name);
    }
    return NULL;
}

int cjd_config_clean(FILE *out, const char *text, size_t len, struct cjd_diags *diags)
{
    struct cleaner strict;
    struct cleaner legacy;
    int err = CJD_ERR_CONFIG;

    int strict_err = run(&strict, text, len, CJD_DIALECT_STRICT);
    int legacy_err = run(&legacy, text, len, CJD_DIALECT_LEGACY);
    if (strict_err == CJD_ERR_NO_MEMORY || legacy_err == CJD_ERR_NO_MEMORY) {
        err = CJD_ERR_NO_MEMORY;
    } else {
        const struct cleaner *used = choose(&strict, strict_err, &legacy, legacy_err, diags);
        if (used) {
            size_t n = fwrite(used->out.v, 1, used->out.len, out);
            err = n == used->out.len ? 0 : CJD_ERR_IO;
        }
    }
    cjd_buf_fini(&strict.out);
    cjd_buf_fini(&legacy.out);
    return err;
}
