#include <config/private.h>

#include <stdlib.h>
#include <string.h>

#include <config/buf.h>

/* Reading a configuration: which dialect and which form it is (§2, §14), then all checks. */

/* --- positions ----------------------------------------------------------------------------------
 */

static struct cjd_position position_of(const struct cjd_source *s, uint32_t node, bool at_key)
{
    if (s->count == 0) {
        return (struct cjd_position){.line = 0, .column = 0, .pointer = ""};
    }
    const struct cjd_place *at = at_key ? &s->nodes[node].key_at : &s->nodes[node].at;
    return (struct cjd_position){
        .line = at->line, .column = at->column, .pointer = cjd_source_pointer(s, node)};
}

/* The node behind a native pointer, or behind the nearest one above it. */
static uint32_t find_node(const struct cjd_config *config, const char *pointer)
{
    size_t len = strlen(pointer);

    if (!config->is_reference) {
        return cjd_source_find(config->source, pointer);
    }
    while (len > 0) {
        for (size_t i = 0; i < config->origin_count; i++) {
            const struct cjd_origin *o = &config->origins[i];
            if (strlen(o->pointer) == len && memcmp(o->pointer, pointer, len) == 0) {
                return o->node;
            }
        }
        do {
            len--;
        } while (len > 0 && pointer[len] != '/');
    }
    return 0;
}

struct cjd_position cjd_config_position(const struct cjd_config *config, const char *pointer)
{
    return position_of(config->source, find_node(config, pointer), false);
}

struct cjd_position cjd_config_node_position(const struct cjd_config *config, uint32_t node)
{
    return position_of(config->source, node, false);
}

int cjd_config_add_origin(struct cjd_config *config, const char *pointer, uint32_t node)
{
    if (config->origin_count == config->origin_cap) {
        size_t cap = config->origin_cap ? 2 * config->origin_cap : 32;
        struct cjd_origin *grown = realloc(config->origins, cap * sizeof *grown);
        if (!grown) {
            return CJD_ERR_NO_MEMORY;
        }
        config->origins = grown;
        config->origin_cap = cap;
    }
    char *copy = strdup(pointer);
    if (!copy) {
        return CJD_ERR_NO_MEMORY;
    }
    config->origins[config->origin_count++] = (struct cjd_origin){.pointer = copy, .node = node};
    return 0;
}

static void add(const struct cjd_config *config, struct cjd_diags *diags,
                enum cjd_severity severity, const char *pointer, bool at_key, const char *format,
                va_list args)
{
    struct cjd_position at = {.pointer = pointer};

    /* A place is looked for only while there is room for it. */
    if (config && (diags->count < CJD_DIAGS_MAX || severity == CJD_DIAG_ERROR)) {
        at = position_of(config->source, find_node(config, pointer), at_key);
    }
    cjd_diags_add_v(diags, severity, &at, format, args);
}

void cjd_config_report(const struct cjd_config *config, struct cjd_diags *diags,
                       enum cjd_severity severity, const char *pointer, bool at_key,
                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(config, diags, severity, pointer, at_key, format, args);
    va_end(args);
}

void cjd_config_report_v(const struct cjd_config *config, struct cjd_diags *diags,
                         enum cjd_severity severity, const char *pointer, const char *format,
                         va_list args)
{
    add(config, diags, severity, pointer, false, format, args);
}

void cjd_config_diag(const struct cjd_config *config, struct cjd_diags *diags,
                     enum cjd_severity severity, const char *pointer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(config, diags, severity, pointer, false, format, args);
    va_end(args);
}

/* --- dialect and form ---------------------------------------------------------------------------
 */

static bool is_new(const struct cjd_source *s)
{
    /* Observed of the reference: a negative version counts as a great one. */
    return s->has_plugins || (uint64_t)s->version >= 2;
}

/* Would the reference take the text as it is (§2)? */
static int passes_strict(const char *text, size_t len, bool *passes)
{
    struct cjd_source *s;
    int err = cjd_source_new(&s, text, len, CJD_DIALECT_STRICT);

    *passes = err == 0;
    cjd_source_free(s);
    return err == CJD_ERR_NO_MEMORY ? err : 0;
}

static bool has_mistakes(const struct cjd_source *s)
{
    for (size_t i = 0; i < s->remark_count; i++) {
        if (s->remarks[i].kind <= CJD_REMARK_COMMA && !s->remarks[i].is_duplicate) {
            return true;
        }
    }
    return false;
}

/*
 * A file that says it is new is read as NATIVE. Without that, the old dialect is the one meant:
 * what passes the reference's strict parser means the same in both, everything else goes through
 * LEGACY. If that fails, too, the scan that came further knows better what is wrong.
 */
static int choose(struct cjd_source **native, int *native_err, const char *text, size_t len)
{
    struct cjd_source *legacy;
    bool passes;

    if (is_new(*native)) {
        return 0;
    }
    int err = passes_strict(text, len, &passes);
    if (err < 0 || passes) {
        return err;
    }
    err = cjd_source_new(&legacy, text, len, CJD_DIALECT_LEGACY);
    if (err == CJD_ERR_NO_MEMORY) {
        return err;
    }
    bool is_native_better =
        err == 0 ? is_new(legacy) : *native_err < 0 && (*native)->end.offset > legacy->end.offset;
    if (is_native_better && (*native_err < 0 || has_mistakes(*native))) {
        cjd_source_free(legacy);
        return 0;
    }
    cjd_source_free(*native);
    *native = legacy;
    *native_err = err;
    return 0;
}

static enum cjd_severity severity_of(const struct cjd_config *config,
                                     const struct cjd_source_remark *r)
{
    switch (r->kind) {
    case CJD_REMARK_FATAL:
        break;
    case CJD_REMARK_ERROR:
        return r->is_duplicate && config->is_reference ? CJD_DIAG_WARNING : CJD_DIAG_ERROR;
    case CJD_REMARK_COMMA:
        return config->is_reference ? CJD_DIAG_ERROR : CJD_DIAG_NOTE;
    case CJD_REMARK_JUNK:
        return CJD_DIAG_WARNING;
    case CJD_REMARK_TAIL:
        return config->is_reference ? CJD_DIAG_WARNING : CJD_DIAG_ERROR;
    }
    return CJD_DIAG_ERROR;
}

static void report_remarks(const struct cjd_config *config, struct cjd_diags *diags)
{
    const struct cjd_source *s = config->source;

    for (size_t i = 0; i < s->remark_count; i++) {
        const struct cjd_source_remark *r = &s->remarks[i];
        enum cjd_severity severity = severity_of(config, r);
        if (severity == CJD_DIAG_NOTE) {
            continue; /* allowed; nobody needs to hear of it */
        }
        struct cjd_position at = position_of(s, r->node, false);
        at.line = r->at.line;
        at.column = r->at.column;
        cjd_diags_add(diags, severity, &at, "%s", r->text ? r->text : "out of memory");
    }
}

bool cjd_config_is_well_formed(const struct cjd_config *config)
{
    const struct cjd_source *s = config->source;

    for (size_t i = 0; i < s->remark_count; i++) {
        if (severity_of(config, &s->remarks[i]) == CJD_DIAG_ERROR) {
            return false;
        }
    }
    return true;
}

static int load(struct cjd_config *config, const char *text, size_t len, struct cjd_diags *diags)
{
    int scan_err = cjd_source_new(&config->source, text, len, CJD_DIALECT_NATIVE);
    int err =
        scan_err == CJD_ERR_NO_MEMORY ? scan_err : choose(&config->source, &scan_err, text, len);

    if (err < 0) {
        return err;
    }
    config->is_reference = !config->source->has_plugins;
    report_remarks(config, diags);
    if (scan_err < 0) {
        return CJD_ERR_CONFIG;
    }
    config->tree = cjd_source_tree(config->source);
    return config->tree ? 0 : CJD_ERR_NO_MEMORY;
}

/* --- both forms in one --------------------------------------------------------------------------
 */

/* Keys of the reference's form have no place in a native file (§14). They are taken out, so that
 * nothing else is said about them. */
static void refuse_mixture(struct cjd_config *config, struct cjd_diags *diags)
{
    static const char *const keys[] = {"interfaces", "admin", "security"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char pointer[32];
        if (json_object_get(config->tree, keys[i])) {
            snprintf(pointer, sizeof pointer, "/%s", keys[i]);
            cjd_config_report(config, diags, CJD_DIAG_ERROR, pointer, true,
                              "\"%s\" belongs to the older form and cannot stand beside "
                              "\"plugins\"; --convert makes one form of a file",
                              keys[i]);
            json_object_del(config->tree, keys[i]);
        }
    }
    json_t *router = json_object_get(config->tree, "router");
    if (json_object_get(router, "interface")) {
        cjd_config_report(config, diags, CJD_DIAG_ERROR, "/router/interface", true,
                          "\"router.interface\" belongs to the older form and cannot stand beside "
                          "\"plugins\"; it is the plugin \"tun\" here");
        json_object_del(config->tree, "router");
    }
}

static int make_native(struct cjd_config *config, struct cjd_diags *diags)
{
    if (!config->is_reference) {
        config->wants_foreground = true;
        refuse_mixture(config, diags);
        return 0;
    }
    json_t *reference = config->tree;
    config->tree = NULL;
    int err = cjd_reference_convert(config, reference, diags);
    json_decref(reference);
    return err;
}

/* --- whole --------------------------------------------------------------------------------------
 */

static int read_all(struct cjd_config *config, const char *text, size_t len,
                    struct cjd_diags *diags)
{
    size_t errors = diags->errors;
    int err = load(config, text, len, diags);

    err = err < 0 ? err : make_native(config, diags);
    if (err == 0) {
        err = cjd_native_check(config, !config->is_reference || diags->errors == errors, diags);
    }
    return err == 0 && diags->errors > errors ? CJD_ERR_CONFIG : err;
}

int cjd_config_read_faulty(struct cjd_config **out, const char *text, size_t len,
                           struct cjd_diags *diags)
{
    size_t from = diags->count;
    struct cjd_config *config = calloc(1, sizeof *config);

    *out = NULL;
    if (!config) {
        return CJD_ERR_NO_MEMORY;
    }
    int err = read_all(config, text, len, diags);
    cjd_diags_sort(diags, from);
    if (err < 0 && (err != CJD_ERR_CONFIG || !config->tree)) {
        cjd_config_free(config);
        return err;
    }
    *out = config;
    return err;
}

int cjd_config_read(struct cjd_config **out, const char *text, size_t len, struct cjd_diags *diags)
{
    int err = cjd_config_read_faulty(out, text, len, diags);

    if (err < 0) {
        cjd_config_free(*out);
        *out = NULL;
    }
    return err;
}

void cjd_config_free(struct cjd_config *config)
{
    if (!config) {
        return;
    }
    for (size_t i = 0; i < config->password_count; i++) {
        free(config->passwords[i].login);
        cjd_secret_free(config->passwords[i].password);
    }
    for (size_t i = 0; i < config->origin_count; i++) {
        free(config->origins[i].pointer);
    }
    free(config->passwords);
    free(config->origins);
    cjd_source_free(config->source);
    json_decref(config->tree);
    cjd_keypair_fini(&config->keypair);
    free(config);
}
