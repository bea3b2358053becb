#include <config/private.h>

#include <string.h>

#define MASK "********"

static int mask(json_t *value);

static int mask_members(json_t *object)
{
    const char *key;
    void *next;
    json_t *member;
    int err = 0;

    json_object_foreach_safe(object, next, key, member)
    {
        if (json_is_string(member) && cjd_secret_is_name(key)) {
            err = json_object_set_new(object, key, json_string(MASK));
        } else {
            err = mask(member);
        }
        if (err < 0) {
            return CJD_ERR_NO_MEMORY;
        }
    }
    return 0;
}

/* The depth of what was read is bounded, and so is this. */
static int mask(json_t *value)
{
    int err = 0;

    if (json_is_object(value)) {
        return mask_members(value);
    }
    for (size_t i = 0; err == 0 && i < json_array_size(value); i++) {
        err = mask(json_array_get(value, i));
    }
    return err;
}

static int write_line(FILE *out, const json_t *tree)
{
    if (json_dumpf(tree, out, JSON_INDENT(2)) < 0 || fputc('\n', out) == EOF) {
        return CJD_ERR_IO;
    }
    return 0;
}

json_t *cjd_config_masked(const struct cjd_config *config)
{
    json_t *copy = json_deep_copy(config->tree);

    if (copy && mask(copy) < 0) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

int cjd_config_write_native(FILE *out, const struct cjd_config *config, bool mask_secrets)
{
    if (!mask_secrets) {
        return write_line(out, config->tree);
    }
    json_t *copy = cjd_config_masked(config);
    int err = copy ? write_line(out, copy) : CJD_ERR_NO_MEMORY;
    json_decref(copy);
    return err;
}
