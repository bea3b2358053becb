#include <config/private.h>

#include <string.h>

#include <config/format.h>
#include <config/buf.h>
#include <config/hint.h>

/* Checking a value against a schema that schema.c has found sound. All faults are reported. */

struct check {
    const struct cjd_config *config; /* NULL: trying out a default, or a value from elsewhere */
    struct cjd_diags *diags;
    cjd_schema_fault_fn tell; /* NULL: nobody wants to know each */
    void *tell_arg;
    bool keeps_secrets; /* `…File` and `credential` stay in the tree */
    size_t errors;
    char *why; /* first fault, when trying out */
    size_t why_size;
    char pointer[1024];
    size_t len;
};

static void fault(struct check *c, enum cjd_schema_fault kind, const char *format, ...)
    CJD_PRINTF(3, 4);
static void fault(struct check *c, enum cjd_schema_fault kind, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (c->errors++ == 0 && c->why) {
        snprintf(c->why, c->why_size, "%s%s%s", c->pointer, c->pointer[0] ? ": " : "", text);
    }
    if (c->diags) {
        cjd_config_report(c->config, c->diags, CJD_DIAG_ERROR, c->pointer,
                          kind == CJD_SCHEMA_UNKNOWN, "%s", text);
    }
    if (c->tell) {
        c->tell(c->tell_arg, kind, c->pointer, text);
    }
}

/* One part deeper; returns what leave() needs. A part that does not fit is left away: the place
 * reported is then that of the group. */
static size_t enter(struct check *c, const char *key)
{
    size_t before = c->len;
    size_t n = c->len;

    if (n + 2 * strlen(key) + 2 <= sizeof c->pointer) {
        c->pointer[n++] = '/';
        for (; *key != '\0'; key++) {
            if (*key == '~' || *key == '/') {
                c->pointer[n++] = '~';
                c->pointer[n++] = *key == '~' ? '0' : '1';
            } else {
                c->pointer[n++] = *key;
            }
        }
        c->pointer[n] = '\0';
        c->len = n;
    }
    return before;
}

static void leave(struct check *c, size_t before)
{
    c->len = before;
    c->pointer[before] = '\0';
}

/* --- scalars ------------------------------------------------------------------------------------
 */

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

static bool is_of_type(const json_t *value, const char *type)
{
    return strcmp(type_name(value), type) == 0 ||
           (json_is_integer(value) && strcmp(type, "number") == 0);
}

static const char *in_words(const char *type)
{
    static const char *const names[][2] = {
        {"object", "an object { }"}, {"array", "a list [ ]"}, {"string", "a text in quotes"},
        {"integer", "an integer"},   {"number", "a number"},  {"boolean", "true or false"}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i][0], type) == 0) {
            return names[i][1];
        }
    }
    return type;
}

static bool check_type(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *type = json_object_get(schema, "type");
    char wanted[160] = "";
    size_t n = json_is_array(type) ? json_array_size(type) : 1;

    for (size_t i = 0; type && i < n; i++) {
        const char *name = json_string_value(json_is_array(type) ? json_array_get(type, i) : type);
        size_t at = strlen(wanted);
        if (is_of_type(value, name)) {
            return true;
        }
        snprintf(wanted + at, sizeof wanted - at, "%s%s", i > 0 ? " or " : "", in_words(name));
    }
    if (type) {
        fault(c, CJD_SCHEMA_WRONG, "must be %s, not %s", wanted, in_words(type_name(value)));
    }
    return !type;
}

static void check_enum(struct check *c, const json_t *allowed, const json_t *value)
{
    struct cjd_buf list = {0};

    for (size_t i = 0; i < json_array_size(allowed); i++) {
        json_t *one = json_array_get(allowed, i);
        if (json_equal(one, value)) {
            cjd_buf_fini(&list);
            return;
        }
        char *text = json_dumps(one, JSON_ENCODE_ANY | JSON_COMPACT);
        cjd_buf_text(&list, i > 0 ? ", " : "");
        cjd_buf_text(&list, text ? text : "?");
        cjd_secret_free(text);
    }
    fault(c, CJD_SCHEMA_WRONG, "must be one of %.*s", (int)(list.len < 400 ? list.len : 400),
          list.v ? list.v : "");
    cjd_buf_fini(&list);
}

static void check_number(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *low = json_object_get(schema, "minimum");
    const json_t *high = json_object_get(schema, "maximum");
    double v = json_number_value(value);
    bool is_low = low && v < json_number_value(low);
    bool is_high = high && v > json_number_value(high);

    if (!is_low && !is_high) {
        return;
    }
    if (low && high) {
        fault(c, CJD_SCHEMA_WRONG, "must be from %.15g to %.15g", json_number_value(low),
              json_number_value(high));
    } else {
        fault(c, CJD_SCHEMA_WRONG, "must be %.15g or %s", json_number_value(is_low ? low : high),
              is_low ? "more" : "less");
    }
}

/* JSON Schema counts characters, not bytes. */
static json_int_t text_length(const char *text)
{
    json_int_t n = 0;

    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return n;
}

static void check_text(struct check *c, const json_t *schema, const json_t *value)
{
    const char *text = json_string_value(value);
    const json_t *low = json_object_get(schema, "minLength");
    const json_t *high = json_object_get(schema, "maxLength");
    const char *format = json_string_value(json_object_get(schema, "format"));
    json_int_t n = text_length(text);

    if (n == 0 && json_integer_value(low) > 0) {
        fault(c, CJD_SCHEMA_WRONG, "must not be empty");
        return;
    }
    if (low && n < json_integer_value(low)) {
        fault(c, CJD_SCHEMA_WRONG, "has %lld characters; at least %lld are needed", (long long)n,
              (long long)json_integer_value(low));
    } else if (high && n > json_integer_value(high)) {
        fault(c, CJD_SCHEMA_WRONG, "has %lld characters; at most %lld are allowed", (long long)n,
              (long long)json_integer_value(high));
    } else if (format) {
        const char *why = cjd_format_find(format)(text);
        if (why) {
            fault(c, CJD_SCHEMA_WRONG, "%s", why);
        }
    }
}

/* --- groups -------------------------------------------------------------------------------------
 */

static void check_value(struct check *c, const json_t *schema, json_t *value);

static bool is_secret(const json_t *property, const char *name)
{
    const char *format = json_string_value(json_object_get(property, "format"));

    return (format && strcmp(format, "secret") == 0) || cjd_secret_is_name(name);
}

/* The secret whose file `key` names, if the schema has it: "passwordFile" → "password". */
static bool is_secret_file(const json_t *properties, const char *key)
{
    char name[64];
    size_t n = strlen(key);

    if (n <= 4 || n >= sizeof name || strcmp(key + n - 4, "File") != 0) {
        return false;
    }
    memcpy(name, key, n - 4);
    name[n - 4] = '\0';
    const json_t *property = json_object_get(properties, name);
    return property && is_secret(property, name);
}

static void unknown_key(struct check *c, const json_t *properties, const char *key)
{
    struct cjd_hint hint = {.word = key};
    struct cjd_buf known = {0};
    const char *name;
    json_t *inner;
    size_t before = enter(c, key);

    json_object_foreach((json_t *)(uintptr_t)properties, name, inner)
    {
        cjd_hint_try(&hint, name);
        cjd_buf_text(&known, known.len > 0 ? ", " : "");
        cjd_buf_text(&known, name);
    }
    if (hint.best) {
        fault(c, CJD_SCHEMA_UNKNOWN, "the key \"%.64s\" is not known; did you mean \"%s\"?", key,
              hint.best);
    } else if (known.len > 0 && known.len < 300) {
        fault(c, CJD_SCHEMA_UNKNOWN, "the key \"%.64s\" is not known; there are: %.*s", key,
              (int)known.len, known.v);
    } else {
        fault(c, CJD_SCHEMA_UNKNOWN, "the key \"%.64s\" is not known", key);
    }
    cjd_buf_fini(&known);
    leave(c, before);
}

/* A secret that is not given as text: puts it in its place, or leaves all as it is. True: there
 * is nothing more to check about it. */
static bool resolve_secret(struct check *c, json_t *object, const char *name)
{
    enum cjd_secret_kind kind = cjd_secret_kind(object, name);
    char file_key[80];
    char *text;

    if (kind == CJD_SECRET_NONE || kind == CJD_SECRET_TEXT || !c->config) {
        return false;
    }
    if (c->keeps_secrets) {
        return true;
    }
    int err = cjd_secret_read(&text, object, name, c->config, c->pointer, c->diags);
    if (err == 0) {
        snprintf(file_key, sizeof file_key, "%sFile", name);
        json_object_del(object, file_key);
        json_t *value = json_string(text);
        cjd_secret_free(text);
        err = value && json_object_set_new(object, name, value) == 0 ? 0 : CJD_ERR_NO_MEMORY;
    }
    c->errors += err < 0 ? 1 : 0;
    return err < 0;
}

static void check_property(struct check *c, const json_t *property, json_t *object,
                           const char *name)
{
    if (is_secret(property, name) && resolve_secret(c, object, name)) {
        return;
    }
    json_t *value = json_object_get(object, name);
    if (!value) {
        value = json_deep_copy(json_object_get(property, "default"));
        if (!value || json_object_set_new(object, name, value) < 0) {
            return;
        }
    }
    size_t before = enter(c, name);
    check_value(c, property, value);
    leave(c, before);
}

static void check_required(struct check *c, const json_t *schema, const json_t *object)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *required = json_object_get(schema, "required");

    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        const json_t *property = json_object_get(properties, name);
        bool is_given = json_object_get(object, name) != NULL ||
                        (property && json_object_get(property, "default")) ||
                        (property && is_secret(property, name) &&
                         cjd_secret_kind(object, name) != CJD_SECRET_NONE);
        if (!is_given) {
            fault(c, CJD_SCHEMA_MISSING, "the key \"%s\" is missing", name);
        }
    }
}

/* Keys the schema does not name. */
static void check_others(struct check *c, const json_t *schema, json_t *object)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *additional = json_object_get(schema, "additionalProperties");
    const char *key;
    json_t *value;

    if (!additional || json_is_true(additional)) {
        return;
    }
    json_object_foreach(object, key, value)
    {
        if (json_object_get(properties, key) ||
            (!c->tell && (cjd_key_is_ignored(key) || is_secret_file(properties, key)))) {
            continue;
        }
        if (json_is_false(additional)) {
            unknown_key(c, properties, key);
        } else {
            size_t before = enter(c, key);
            check_value(c, additional, value);
            leave(c, before);
        }
    }
}

static void check_object(struct check *c, const json_t *schema, json_t *object)
{
    const char *name;
    json_t *property;

    check_others(c, schema, object);
    check_required(c, schema, object);
    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        check_property(c, property, object, name);
    }
}

static void check_list(struct check *c, const json_t *items, json_t *list)
{
    for (size_t i = 0; items && i < json_array_size(list); i++) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i);
        size_t before = enter(c, index);
        check_value(c, items, json_array_get(list, i));
        leave(c, before);
    }
}

/* The depth of the schema, which was checked, bounds the recursion. */
static void check_value(struct check *c, const json_t *schema, json_t *value)
{
    const json_t *allowed = json_object_get(schema, "enum");

    if (!check_type(c, schema, value)) {
        return;
    }
    if (allowed) {
        check_enum(c, allowed, value);
    }
    if (json_is_object(value)) {
        check_object(c, schema, value);
    } else if (json_is_array(value)) {
        check_list(c, json_object_get(schema, "items"), value);
    } else if (json_is_string(value)) {
        check_text(c, schema, value);
    } else if (json_is_number(value)) {
        check_number(c, schema, value);
    }
}

/* --- entries ------------------------------------------------------------------------------------
 */

static int run(struct check *c, const struct cjd_schema *schema, json_t *value, const char *pointer)
{
    c->len = strnlen(pointer, sizeof c->pointer - 1);
    memcpy(c->pointer, pointer, c->len);
    c->pointer[c->len] = '\0';
    check_value(c, cjd_schema_document(schema), value);
    return c->errors > 0 ? CJD_ERR_CONFIG : 0;
}

int cjd_schema_check(const struct cjd_schema *schema, json_t *value,
                     const struct cjd_config *config, const char *pointer, struct cjd_diags *diags)
{
    struct check c = {.config = config, .diags = diags};

    return run(&c, schema, value, pointer);
}

int cjd_schema_check_core(const struct cjd_schema *schema, json_t *value,
                          const struct cjd_config *config, const char *pointer,
                          struct cjd_diags *diags)
{
    struct check c = {.config = config, .diags = diags, .keeps_secrets = true};

    return run(&c, schema, value, pointer);
}

size_t cjd_schema_try(const json_t *schema, json_t *value, char *why, size_t why_size)
{
    struct check c = {.why = why, .why_size = why_size};

    check_value(&c, schema, value);
    return c.errors;
}

int cjd_schema_check_value(const struct cjd_schema *schema, json_t *value, cjd_schema_fault_fn tell,
                           void *arg)
{
    struct check c = {.tell = tell, .tell_arg = arg};

    return run(&c, schema, value, "");
}
