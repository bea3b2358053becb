#include <cjd/config.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct cjd_conf cjd_conf_root(const json_t *config, struct cjd_plugin_error *error)
{
    return (struct cjd_conf){.value = config, .error = error};
}

struct cjd_conf cjd_conf_member(const struct cjd_conf *at, const char *key)
{
    return (struct cjd_conf){
        .value = json_object_get(at->value, key), .parent = at, .key = key, .error = at->error};
}

struct cjd_conf cjd_conf_item(const struct cjd_conf *at, size_t index)
{
    return (struct cjd_conf){.value = json_array_get(at->value, index),
                             .parent = at,
                             .index = index,
                             .error = at->error};
}

size_t cjd_conf_count(const struct cjd_conf *at)
{
    return json_is_object(at->value) ? json_object_size(at->value) : json_array_size(at->value);
}

/* Text that grows from the end of a buffer to its front: a pointer is written leaf first. */
struct tail {
    char *out;
    size_t at;
    bool is_full;
};

static void tail_put(struct tail *t, char c)
{
    if (t->at == 0) {
        t->is_full = true;
        return;
    }
    t->out[--t->at] = c;
}

static void tail_put_key(struct tail *t, const char *key)
{
    for (size_t i = strlen(key); i-- > 0;) {
        if (key[i] == '~' || key[i] == '/') { /* RFC 6901 §3 */
            tail_put(t, key[i] == '~' ? '0' : '1');
            tail_put(t, '~');
        } else {
            tail_put(t, key[i]);
        }
    }
}

static void tail_put_index(struct tail *t, size_t index)
{
    do {
        tail_put(t, (char)('0' + index % 10));
        index /= 10;
    } while (index > 0);
}

void cjd_conf_pointer(const struct cjd_conf *at, char *out, size_t cap)
{
    static const char cut[] = "\xe2\x80\xa6"; /* "…" */

    if (cap == 0) {
        return;
    }
    struct tail t = {.out = out, .at = cap - 1};
    out[cap - 1] = '\0';
    for (; at && at->parent; at = at->parent) {
        if (at->key) {
            tail_put_key(&t, at->key);
        } else {
            tail_put_index(&t, at->index);
        }
        tail_put(&t, '/');
    }
    if (t.is_full && cap > sizeof cut) {
        memcpy(out, cut, sizeof cut - 1);
    }
    memmove(out, out + t.at, cap - t.at);
}

int cjd_conf_fail(const struct cjd_conf *at, const char *format, ...)
{
    struct cjd_plugin_error *error = at->error;
    va_list args;

    if (error) {
        cjd_conf_pointer(at, error->pointer, sizeof error->pointer);
        va_start(args, format);
        vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
    }
    return CJD_ERR_CONFIG;
}

int cjd_conf_want_object(const struct cjd_conf *at)
{
    if (!at->value || json_is_object(at->value)) {
        return 0;
    }
    return cjd_conf_fail(at, "must be an object: { \xe2\x80\xa6 }");
}

int cjd_conf_want_list(const struct cjd_conf *at)
{
    if (!at->value || json_is_array(at->value)) {
        return 0;
    }
    return cjd_conf_fail(at, "must be a list: [ \xe2\x80\xa6 ]");
}

static int check_text(const struct cjd_conf *member)
{
    if (!json_is_string(member->value)) {
        return cjd_conf_fail(member, "must be a text");
    }
    if (strlen(json_string_value(member->value)) != json_string_length(member->value)) {
        return cjd_conf_fail(member, "must not contain NUL characters");
    }
    return 0;
}

int cjd_conf_string(const struct cjd_conf *at, const char *key, const char *fallback,
                    const char **out)
{
    struct cjd_conf member = cjd_conf_member(at, key);

    if (!member.value) {
        *out = fallback;
        return fallback ? 0 : cjd_conf_fail(at, "\"%s\" is missing", key);
    }
    int err = check_text(&member);
    *out = err == 0 ? json_string_value(member.value) : NULL;
    return err;
}

int cjd_conf_string_optional(const struct cjd_conf *at, const char *key, const char **out)
{
    struct cjd_conf member = cjd_conf_member(at, key);

    *out = NULL;
    if (!member.value || json_is_null(member.value)) {
        return 0;
    }
    int err = check_text(&member);
    *out = err == 0 ? json_string_value(member.value) : NULL;
    return err;
}

int cjd_conf_integer(const struct cjd_conf *at, const char *key, int64_t min, int64_t max,
                     int64_t fallback, int64_t *out)
{
    struct cjd_conf member = cjd_conf_member(at, key);

    *out = fallback;
    if (!member.value) {
        return 0;
    }
    json_int_t value = json_integer_value(member.value);
    if (!json_is_integer(member.value) || value < min || value > max) {
        return cjd_conf_fail(&member, "must be a whole number from %lld to %lld", (long long)min,
                             (long long)max);
    }
    *out = value;
    return 0;
}

int cjd_conf_boolean(const struct cjd_conf *at, const char *key, bool fallback, bool *out)
{
    struct cjd_conf member = cjd_conf_member(at, key);

    *out = fallback;
    if (!member.value) {
        return 0;
    }
    if (!json_is_boolean(member.value)) {
        return cjd_conf_fail(&member, "must be true or false");
    }
    *out = json_is_true(member.value);
    return 0;
}

static int fail_word(const struct cjd_conf *member, const char *const *words)
{
    char list[256] = "";
    size_t used = 0;

    for (size_t i = 0; words[i] && used < sizeof list; i++) {
        int n = snprintf(list + used, sizeof list - used, "%s\"%s\"", i > 0 ? ", " : "", words[i]);
        used += n > 0 ? (size_t)n : sizeof list;
    }
    return cjd_conf_fail(member, "must be one of %s", list);
}

int cjd_conf_word(const struct cjd_conf *at, const char *key, const char *const *words,
                  size_t fallback, size_t *out)
{
    struct cjd_conf member = cjd_conf_member(at, key);

    *out = fallback;
    if (!member.value) {
        return 0;
    }
    const char *text = json_string_value(member.value);
    for (size_t i = 0; text && words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return fail_word(&member, words);
}

int cjd_conf_walk(const struct cjd_conf *at, cjd_conf_fn fn, void *arg)
{
    const char *key;
    json_t *value;

    int err = cjd_conf_want_object(at);
    /* The iterator of jansson takes a mutable object but does not change it. */
    json_object_foreach((json_t *)(uintptr_t)at->value, key, value)
    {
        if (err != 0) {
            break;
        }
        if (key[0] == '_' || strncmp(key, "//", 2) == 0) {
            continue;
        }
        struct cjd_conf member = cjd_conf_member(at, key);
        err = fn(arg, &member);
    }
    return err;
}
