/* What is registered: methods and event types, each kept in order of their names. */
#include <rpc/private.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 63u
#define PATH_MAX_BYTES 127u

static const char nothing[] = "{\"type\": \"object\", \"additionalProperties\": false}";

/* --- names and paths ----------------------------------------------------------------------------
 */

static bool is_name(const char *name)
{
    size_t len = strlen(name);
    static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.";

    return len > 0 && len <= NAME_MAX_BYTES && strspn(name, chars) == len && name[0] != '.' &&
           name[len - 1] != '.' && !strstr(name, "..");
}

void cjd_rpc_provider_name(char out[CJD_RPC_PROVIDER_SIZE], const char *id)
{
    static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t i = 0;

    for (; id[i] != '\0' && i + 1 < CJD_RPC_PROVIDER_SIZE; i++) {
        out[i] = strchr(chars, id[i]) ? id[i] : '-';
    }
    out[i] = '\0';
}

static char *full_name(const char *provider, const char *name)
{
    char *out = NULL;

    if (!provider) {
        return strdup(name);
    }
    return asprintf(&out, "%s.%s", provider, name) < 0 ? NULL : out;
}

/* "peers.list" → "/peers/list". */
static void path_of_name(char *out, size_t cap, const char *name)
{
    snprintf(out, cap, "/%s", name);
    for (char *dot = strchr(out, '.'); dot; dot = strchr(dot, '.')) {
        *dot = '/';
    }
}

static bool is_verb(const char *verb)
{
    static const char *const verbs[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i], verb) == 0) {
            return true;
        }
    }
    return false;
}

/* Every {x} of a path is an argument, and required: a path has no holes. */
static bool path_fits(const char *path, const json_t *args)
{
    const json_t *properties = json_object_get(args, "properties");

    for (const char *at = strchr(path, '{'); at; at = strchr(at + 1, '{')) {
        const char *end = strchr(at, '}');
        char name[64];
        if (!end || (size_t)(end - at) > sizeof name) {
            return false;
        }
        snprintf(name, sizeof name, "%.*s", (int)(end - at - 1), at + 1);
        if (!json_object_get(properties, name)) {
            return false;
        }
    }
    return path[0] == '/';
}

/* Takes "GET /peers/{peer}" apart, or makes verb and path of the name. */
static int set_path(struct method *m, const char *http, const char *provider, const char *name)
{
    char path[PATH_MAX_BYTES + 1];

    snprintf(m->verb, sizeof m->verb, "POST");
    path_of_name(path, sizeof path, name);
    if (http) {
        const char *space = strchr(http, ' ');
        size_t len = space ? (size_t)(space - http) : 0;
        if (len == 0 || len >= sizeof m->verb || strlen(space + 1) > PATH_MAX_BYTES) {
            return CJD_ERR_INVALID;
        }
        snprintf(m->verb, sizeof m->verb, "%.*s", (int)len, http);
        snprintf(path, sizeof path, "%s", space + 1);
    }
    if (!is_verb(m->verb) || !path_fits(path, cjd_schema_document(m->args))) {
        return CJD_ERR_INVALID;
    }
    int n = provider ? asprintf(&m->path, "/v1/%s%s", provider, path)
                     : asprintf(&m->path, "/v1%s", path);
    if (n < 0) {
        m->path = NULL;
        return CJD_ERR_NO_MEMORY;
    }
    return 0;
}

/* --- methods ------------------------------------------------------------------------------------
 */

static void free_method(struct method *m)
{
    cjd_schema_free(m->args);
    cjd_schema_free(m->item);
    cjd_schema_free(m->result);
    free(m->name);
    free(m->provider);
    free(m->path);
    free(m);
}

/* A schema of a method or an event; the log says what is wrong with it. */
static int read_schema(const struct cjd_rpc *rpc, struct cjd_schema **out, const char *name,
                       const char *text)
{
    char why[256] = "";
    int err = cjd_schema_new(out, text ? text : nothing, why, sizeof why);

    if (err < 0) {
        cjd_log(&rpc->config.log, CJD_LOG_ERROR, "%s: its schema is broken: %s", name, why);
        return err == CJD_ERR_NO_MEMORY ? err : CJD_ERR_INVALID;
    }
    return 0;
}

static int read_schemas(const struct cjd_rpc *rpc, struct method *m,
                        const struct cjd_rpc_method *from)
{
    int err = read_schema(rpc, &m->args, m->name, from->args);

    if (err == 0) {
        err = read_schema(rpc, &m->result, m->name, from->result);
    }
    if (err == 0 && (from->flags & CJD_RPC_ITEMS) != 0) {
        err = read_schema(rpc, &m->item, m->name, from->item);
    }
    return err;
}

static bool is_one_scope(uint32_t scope)
{
    return scope != 0 && (scope & CJD_RPC_ALL) == scope && (scope & (scope - 1)) == 0;
}

static bool is_sound(const struct cjd_rpc_method *m)
{
    return m->size >= sizeof *m && m->name && m->summary && m->call && is_one_scope(m->scope) &&
           ((m->flags & CJD_RPC_LATER) == 0 || m->cancel);
}

static void fill_info(struct method *m, const struct cjd_rpc_method *from)
{
    m->info = (struct cjd_rpc_method_info){
        .size = sizeof m->info,
        .scope = from->scope,
        .flags = from->flags,
        .timeout_ms = from->timeout_ms > 0 ? from->timeout_ms : CJD_RPC_TIMEOUT_MS,
        .name = m->name,
        .provider = m->provider,
        .verb = m->verb,
        .path = m->path,
        .summary = from->summary,
        .description = from->description ? from->description : "",
        .args = cjd_schema_document(m->args),
        .item = m->item ? cjd_schema_document(m->item) : NULL,
        .result = cjd_schema_document(m->result)};
    m->arg = NULL;
    m->call = from->call;
    m->cancel = from->cancel;
}

static int make_method(const struct cjd_rpc *rpc, struct method **out, const char *provider,
                       const struct cjd_rpc_method *from)
{
    struct method *m = calloc(1, sizeof *m);

    *out = m;
    if (!m) {
        return CJD_ERR_NO_MEMORY;
    }
    m->name = full_name(provider, from->name);
    m->provider = strdup(provider ? provider : "core");
    if (!m->name || !m->provider) {
        return CJD_ERR_NO_MEMORY;
    }
    int err = is_name(m->name) ? read_schemas(rpc, m, from) : CJD_ERR_INVALID;
    if (err == 0) {
        err = set_path(m, from->http, provider, from->name);
    }
    if (err == 0) {
        fill_info(m, from);
    }
    return err;
}

/* Where a name is, or belongs. */
static uint32_t place_of(const struct cjd_rpc *rpc, const char *name)
{
    uint32_t low = 0;
    uint32_t high = rpc->method_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (strcmp(rpc->methods[mid]->name, name) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

struct method *cjd_rpc_find(const struct cjd_rpc *rpc, const char *name)
{
    uint32_t i = place_of(rpc, name);

    return i < rpc->method_count && strcmp(rpc->methods[i]->name, name) == 0 ? rpc->methods[i]
                                                                             : NULL;
}

static bool is_same_path(const struct cjd_rpc *rpc, const struct method *m)
{
    for (uint32_t i = 0; i < rpc->method_count; i++) {
        if (strcmp(rpc->methods[i]->path, m->path) == 0 &&
            strcmp(rpc->methods[i]->verb, m->verb) == 0) {
            return true;
        }
    }
    return false;
}

static int insert(struct cjd_rpc *rpc, struct method *m)
{
    uint32_t at = place_of(rpc, m->name);

    if (cjd_rpc_find(rpc, m->name) || is_same_path(rpc, m)) {
        return CJD_ERR_EXISTS;
    }
    if (rpc->method_count == CJD_RPC_METHODS_MAX) {
        return CJD_ERR_FULL;
    }
    memmove(&rpc->methods[at + 1], &rpc->methods[at],
            (rpc->method_count - at) * sizeof(struct method *));
    rpc->methods[at] = m;
    rpc->method_count++;
    rpc->revision++;
    return 0;
}

int cjd_rpc_method_add(struct cjd_rpc *rpc, const void *owner, const char *provider,
                       const struct cjd_rpc_method *method, void *arg)
{
    char name[CJD_RPC_PROVIDER_SIZE];
    struct method *m = NULL;

    if (provider) {
        cjd_rpc_provider_name(name, provider);
        provider = name;
    }
    int err = is_sound(method) ? make_method(rpc, &m, provider, method) : CJD_ERR_INVALID;

    if (err == 0) {
        m->owner = owner;
        m->arg = arg;
        err = insert(rpc, m);
    }
    if (err < 0) {
        cjd_log(&rpc->config.log, CJD_LOG_ERROR, "method %s%s%s cannot be offered: %s",
                provider ? provider : "", provider ? "." : "", method->name ? method->name : "?",
                cjd_err_text(err));
        if (m) {
            free_method(m);
        }
    }
    return err;
}

/* --- event types --------------------------------------------------------------------------------
 */

static void free_type(struct event_type *t)
{
    cjd_schema_free(t->data);
    free(t->name);
    free(t->provider);
    free(t);
}

static int make_type(const struct cjd_rpc *rpc, struct event_type **out, const char *provider,
                     const struct cjd_rpc_event_type *from)
{
    struct event_type *t = calloc(1, sizeof *t);

    *out = t;
    if (!t) {
        return CJD_ERR_NO_MEMORY;
    }
    t->name = full_name(provider, from->name);
    t->provider = strdup(provider ? provider : "core");
    if (!t->name || !t->provider) {
        return CJD_ERR_NO_MEMORY;
    }
    int err = is_name(t->name) ? read_schema(rpc, &t->data, t->name, from->data) : CJD_ERR_INVALID;
    if (err < 0) {
        return err;
    }
    t->info = (struct cjd_rpc_event_type_info){.size = sizeof t->info,
                                               .name = t->name,
                                               .provider = t->provider,
                                               .summary = from->summary,
                                               .data = cjd_schema_document(t->data)};
    return 0;
}

static int insert_type(struct cjd_rpc *rpc, struct event_type *t)
{
    uint32_t at = rpc->type_count;

    if (rpc->type_count == CJD_RPC_EVENT_TYPES_MAX) {
        return CJD_ERR_FULL;
    }
    while (at > 0 && strcmp(rpc->types[at - 1]->name, t->name) >= 0) {
        if (strcmp(rpc->types[at - 1]->name, t->name) == 0) {
            return CJD_ERR_EXISTS;
        }
        at--;
    }
    memmove(&rpc->types[at + 1], &rpc->types[at],
            (rpc->type_count - at) * sizeof(struct event_type *));
    rpc->types[at] = t;
    rpc->type_count++;
    rpc->revision++;
    return 0;
}

int cjd_rpc_event_add(struct cjd_rpc *rpc, const void *owner, const char *provider,
                      const struct cjd_rpc_event_type *type)
{
    char name[CJD_RPC_PROVIDER_SIZE];
    struct event_type *t = NULL;

    if (provider) {
        cjd_rpc_provider_name(name, provider);
        provider = name;
    }
    bool is_good = type->size >= sizeof *type && type->name && type->summary;
    int err = is_good ? make_type(rpc, &t, provider, type) : CJD_ERR_INVALID;

    if (err == 0) {
        t->owner = owner;
        err = insert_type(rpc, t);
    }
    if (err < 0 && t) {
        free_type(t);
    }
    return err;
}

/* --- taking back, looking up --------------------------------------------------------------------
 */

void cjd_rpc_methods_withdraw(struct cjd_rpc *rpc, const void *owner)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < rpc->method_count; i++) {
        if (rpc->methods[i]->owner == owner) {
            free_method(rpc->methods[i]);
            rpc->revision++;
        } else {
            rpc->methods[kept++] = rpc->methods[i];
        }
    }
    rpc->method_count = kept;
    kept = 0;
    for (uint32_t i = 0; i < rpc->type_count; i++) {
        if (rpc->types[i]->owner == owner) {
            free_type(rpc->types[i]);
            rpc->revision++;
        } else {
            rpc->types[kept++] = rpc->types[i];
        }
    }
    rpc->type_count = kept;
}

void cjd_rpc_methods_free(struct cjd_rpc *rpc)
{
    while (rpc->method_count > 0) {
        free_method(rpc->methods[--rpc->method_count]);
    }
    while (rpc->type_count > 0) {
        free_type(rpc->types[--rpc->type_count]);
    }
}

/* Fields that the reader's version of the structure lacks are left away. */
static int copy_out(void *out, const void *from, uint32_t size)
{
    uint32_t wanted;

    memcpy(&wanted, out, sizeof wanted);
    if (wanted < sizeof wanted) {
        return CJD_ERR_INVALID;
    }
    memcpy(out, from, wanted < size ? wanted : size);
    memcpy(out, &wanted, sizeof wanted);
    return 0;
}

int cjd_rpc_method_at(const struct cjd_rpc *rpc, uint32_t index, struct cjd_rpc_method_info *out)
{
    return index < rpc->method_count
               ? copy_out(out, &rpc->methods[index]->info, sizeof rpc->methods[index]->info)
               : CJD_ERR_NOT_FOUND;
}

int cjd_rpc_method_find(const struct cjd_rpc *rpc, const char *name,
                        struct cjd_rpc_method_info *out)
{
    const struct method *m = cjd_rpc_find(rpc, name);

    return m ? copy_out(out, &m->info, sizeof m->info) : CJD_ERR_NOT_FOUND;
}

int cjd_rpc_event_type_at(const struct cjd_rpc *rpc, uint32_t index,
                          struct cjd_rpc_event_type_info *out)
{
    return index < rpc->type_count
               ? copy_out(out, &rpc->types[index]->info, sizeof rpc->types[index]->info)
               : CJD_ERR_NOT_FOUND;
}
