/* Values of results, turned into those of answers. */
#include "functions.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

void full_addr(char out[FULL_ADDR_SIZE], const struct cjd_addr *addr)
{
    for (size_t i = 0; i < 8; i++) {
        size_t at = 5 * i;
        snprintf(out + at, FULL_ADDR_SIZE - at, "%02x%02x%s", addr->b[2 * i], addr->b[2 * i + 1],
                 i < 7 ? ":" : "");
    }
}

void full_addr_of(char out[FULL_ADDR_SIZE], const char *text)
{
    struct cjd_addr addr;

    out[0] = '\0';
    if (text && cjd_addr_from_text(&addr, text) == 0) {
        full_addr(out, &addr);
    }
}

json_t *full_addr_value(const char *text)
{
    char out[FULL_ADDR_SIZE];

    full_addr_of(out, text);
    return json_string(out);
}

const char *text_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

json_int_t number_in(const json_t *object, const char *key)
{
    return (json_int_t)json_number_value(json_object_get(object, key));
}

bool flag_in(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

json_int_t time_in(const json_t *object, const char *key)
{
    struct tm tm = {0};
    int ms = 0;

    if (sscanf(text_in(object, key), "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &tm.tm_year, &tm.tm_mon,
               &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms) != 7) {
        return 0;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (json_int_t)timegm(&tm) * 1000 + ms;
}

json_t *addr_value(const json_t *object)
{
    const char *label = text_in(object, "label");
    char out[128];

    snprintf(out, sizeof out, "v%lld.%s.%s", (long long)number_in(object, "protocol_version"),
             label[0] ? label : "ffff.ffff.ffff.ffff", text_in(object, "public_key"));
    return json_string(out);
}

json_t *contacts_value(const json_t *contacts)
{
    json_t *out = json_array();
    size_t i;
    json_t *c;

    json_array_foreach((json_t *)(uintptr_t)contacts, i, c)
    {
        json_array_append_new(out, json_string(text_in(c, "full")));
    }
    return out;
}

json_t *scheme_value(const json_t *scheme)
{
    json_t *out = json_array();
    size_t i;
    json_t *form;

    json_array_foreach((json_t *)(uintptr_t)scheme, i, form)
    {
        json_array_append_new(out, json_pack("{s:I, s:s, s:I}", "bitCount", number_in(form, "bits"),
                                             "prefix", text_in(form, "prefix"), "prefixLen",
                                             number_in(form, "prefix_bits")));
    }
    return out;
}

json_t *state_value(const char *state)
{
    char out[32];
    size_t i = 0;

    for (; state[i] != '\0' && i + 1 < sizeof out; i++) {
        out[i] = (char)toupper((unsigned char)state[i]);
    }
    out[i] = '\0';
    return json_string(out);
}

int64_t page_of(const struct admin_request *r)
{
    int64_t page = 0;

    (void)admin_arg_int(r, "page", &page);
    return page;
}

#define PAGES_MAX 1000000

json_t *page_args(int64_t page, int64_t size)
{
    char after[24];
    /* Past every end: an empty page, with the totals. */
    int64_t from = page < 0 || page > PAGES_MAX ? PAGES_MAX * size : page * size;

    snprintf(after, sizeof after, "%lld", (long long)from);
    return json_pack("{s:I, s:s}", "limit", (json_int_t)size, "after", after);
}

const char *key_fault(const char *text, struct cjd_key *out)
{
    uint8_t bytes[40];
    size_t len = strlen(text);

    if (len < 52) {
        return "key must be 52 characters long";
    }
    if (len < 54 || text[52] != '.' || text[53] != 'k') {
        return "key must end in .k";
    }
    if (cjd_base32_decode(bytes, sizeof bytes, text, 52) != 32) {
        return "failed to base-32 decode key";
    }
    memcpy(out->b, bytes, sizeof out->b);
    return NULL;
}

bool is_error(const struct cjd_rpc_error *error, const char *code)
{
    return strcmp(error->code, code) == 0;
}
