#include <config/private.h>

#include <stdlib.h>
#include <string.h>

#include <config/format.h>

/*
 * Reading a schema: every word must be one of the subset, and used as JSON Schema has it, so that
 * nothing an author wrote is silently not checked.
 */

#define SCHEMA_DEPTH_MAX 24u

struct cjd_schema {
    json_t *document;
};

struct reading {
    char *why;
    size_t why_size;
    char path[512]; /* of the part being read */
    unsigned depth;
};

static int refuse(struct reading *r, const char *format, ...) CJD_PRINTF(2, 3);
static int refuse(struct reading *r, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(r->why, r->why_size, "%s, at %s", text, r->path[0] ? r->path : "its top");
    return CJD_ERR_CONFIG;
}

static int read_schema(struct reading *r, const json_t *schema);

/* A schema within: its path is that of the outer one and two parts. */
static int read_inner(struct reading *r, const json_t *schema, const char *word, const char *name)
{
    size_t len = strlen(r->path);
    size_t left = sizeof r->path - len;

    int n = snprintf(r->path + len, left, name ? "/%s/%s" : "/%s", word, name);
    int err = n < 0 || (size_t)n >= left ? refuse(r, "nested too deeply") : read_schema(r, schema);
    r->path[len] = '\0';
    return err;
}

/* --- words --------------------------------------------------------------------------------------
 */

static bool is_type(const json_t *name)
{
    static const char *const types[] = {"object",  "array",  "string", "integer",
                                        "boolean", "number", "null"};
    const char *text = json_string_value(name);

    for (size_t i = 0; text && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static int read_type(struct reading *r, const json_t *value)
{
    size_t n = json_array_size(value);
    bool is_good = json_is_string(value) ? is_type(value) : n > 0;

    for (size_t i = 0; i < n; i++) {
        is_good = is_good && is_type(json_array_get(value, i));
    }
    return is_good ? 0 : refuse(r, "\"type\" names no type of JSON");
}

static int read_properties(struct reading *r, const json_t *value)
{
    const char *name;
    json_t *inner;

    if (!json_is_object(value)) {
        return refuse(r, "\"properties\" is no object");
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, inner)
    {
        int err = read_inner(r, inner, "properties", name);
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

static int read_additional(struct reading *r, const json_t *value)
{
    return json_is_boolean(value) ? 0 : read_inner(r, value, "additionalProperties", NULL);
}

static int read_items(struct reading *r, const json_t *value)
{
    return read_inner(r, value, "items", NULL);
}

static int read_required(struct reading *r, const json_t *value)
{
    bool is_good = json_is_array(value);

    for (size_t i = 0; i < json_array_size(value); i++) {
        is_good = is_good && json_is_string(json_array_get(value, i));
    }
    return is_good ? 0 : refuse(r, "\"required\" is no list of keys");
}

static int read_enum(struct reading *r, const json_t *value)
{
    return json_array_size(value) > 0 ? 0 : refuse(r, "\"enum\" is no list of values");
}

static int read_bound(struct reading *r, const json_t *value)
{
    return json_is_number(value) ? 0 : refuse(r, "\"minimum\" or \"maximum\" is no number");
}

static int read_length(struct reading *r, const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0
               ? 0
               : refuse(r, "\"minLength\" or \"maxLength\" is no length");
}

static int read_format(struct reading *r, const json_t *value)
{
    const char *name = json_string_value(value);

    return name && cjd_format_find(name)
               ? 0
               : refuse(r, "the format \"%s\" is not known", name ? name : "?");
}

static int read_description(struct reading *r, const json_t *value)
{
    return json_is_string(value) ? 0 : refuse(r, "\"description\" is no text");
}

/* Its conformity is tried when the schema around it is known to be sound. */
static int read_default(struct reading *r, const json_t *value)
{
    (void)r, (void)value;
    return 0;
}

typedef int (*read_word_fn)(struct reading *r, const json_t *value);

static read_word_fn find_word(const char *word)
{
    static const struct {
        const char *word;
        read_word_fn read;
    } words[] = {
        {"type", read_type},
        {"properties", read_properties},
        {"required", read_required},
        {"additionalProperties", read_additional},
        {"items", read_items},
        {"enum", read_enum},
        {"minimum", read_bound},
        {"maximum", read_bound},
        {"minLength", read_length},
        {"maxLength", read_length},
        {"format", read_format},
        {"default", read_default},
        {"description", read_description},
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].word, word) == 0) {
            return words[i].read;
        }
    }
    return NULL;
}

/* --- whole --------------------------------------------------------------------------------------
 */

static int try_default(struct reading *r, const json_t *schema)
{
    const json_t *value = json_object_get(schema, "default");
    char why[160];
    int err = 0;

    if (value) {
        json_t *copy = json_deep_copy(value);
        if (!copy) {
            return CJD_ERR_NO_MEMORY;
        }
        if (cjd_schema_try(schema, copy, why, sizeof why) > 0) {
            err = refuse(r, "the default does not fit: %s", why);
        }
        json_decref(copy);
    }
    return err;
}

static int read_schema(struct reading *r, const json_t *schema)
{
    const char *word;
    json_t *value;
    int err = 0;

    if (!json_is_object(schema)) {
        return refuse(r, "a schema is an object");
    }
    if (r->depth == SCHEMA_DEPTH_MAX) {
        return refuse(r, "nested too deeply");
    }
    r->depth++;
    json_object_foreach((json_t *)(uintptr_t)schema, word, value)
    {
        read_word_fn read = find_word(word);
        err = read ? read(r, value) : refuse(r, "the word \"%s\" cannot be checked", word);
        if (err < 0) {
            break;
        }
    }
    r->depth--;
    return err < 0 ? err : try_default(r, schema);
}

int cjd_schema_new(struct cjd_schema **out, const char *text, char *why, size_t why_size)
{
    struct reading r = {.why = why, .why_size = why_size};
    json_error_t error;
    int err;

    *out = NULL;
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!document) {
        snprintf(why, why_size, "line %d, column %d: %s", error.line, error.column, error.text);
        return CJD_ERR_CONFIG;
    }
    err = read_schema(&r, document);
    struct cjd_schema *schema = err == 0 ? malloc(sizeof *schema) : NULL;
    if (!schema) {
        json_decref(document);
        return err < 0 ? err : CJD_ERR_NO_MEMORY;
    }
    schema->document = document;
    *out = schema;
    return 0;
}

void cjd_schema_free(struct cjd_schema *schema)
{
    if (schema) {
        json_decref(schema->document);
        free(schema);
    }
}

const json_t *cjd_schema_document(const struct cjd_schema *schema)
{
    return schema->document;
}
