#include <config/private.h>

#include <stdlib.h>
#include <string.h>

#include <cjd/text.h>
#include <config/buf.h>
#include <config/format.h>

/*
 * The core's part of a native configuration (§15): what its schema cannot say, and the typed view.
 * After faults in the schema members may be missing or of any type; they count as not given.
 */

#define PLUGINS_MAX 256u

/* Made from schema.json. */
extern const char cjd_config_schema[];

struct native {
    struct cjd_config *config;
    struct cjd_diags *diags;
};

static void report(const struct native *n, enum cjd_severity severity, const char *pointer,
                   const char *format, ...) CJD_PRINTF(4, 5);
static void report(const struct native *n, enum cjd_severity severity, const char *pointer,
                   const char *format, ...)
{
    va_list args;

    va_start(args, format);
    cjd_config_report_v(n->config, n->diags, severity, pointer, format, args);
    va_end(args);
}

/* --- node ---------------------------------------------------------------------------------------
 */

static const char *member_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void check_identity(struct native *n, const json_t *node)
{
    const struct cjd_keypair *pair = &n->config->keypair;
    const char *key_text = member_text(node, "publicKey");
    const char *addr_text = member_text(node, "ipv6");
    struct cjd_key key;
    struct cjd_addr addr;

    if (key_text && cjd_key_from_text(&key, key_text) == 0 &&
        memcmp(&key, &pair->key, sizeof key) != 0) {
        report(n, CJD_DIAG_ERROR, "/node/publicKey", "this is not the key of the private key");
    }
    if (addr_text && cjd_addr_from_text(&addr, addr_text) == 0 &&
        memcmp(&addr, &pair->addr, sizeof addr) != 0) {
        report(n, CJD_DIAG_ERROR, "/node/ipv6", "this is not the address of the private key");
    }
}

static int read_node(struct native *n)
{
    const json_t *node = json_object_get(n->config->tree, "node");
    uint8_t secret[32];
    char *text;

    int err = cjd_secret_read(&text, node, "privateKey", n->config, "/node", n->diags);
    if (err < 0) {
        return err == CJD_ERR_NO_MEMORY ? err : 0;
    }
    if (cjd_hex_decode(secret, sizeof secret, text, strlen(text)) == 32) {
        err = cjd_keypair_from_secret(&n->config->keypair, secret);
        if (err < 0) {
            report(n, CJD_DIAG_ERROR, "/node/privateKey",
                   "the address of this key is not in fc00::/8: it is no key of a node");
        } else {
            check_identity(n, node);
        }
    } else if (cjd_secret_kind(node, "privateKey") != CJD_SECRET_TEXT) {
        report(n, CJD_DIAG_ERROR, "/node/privateKeyFile", "must hold 64 hexadecimal digits");
    }
    explicit_bzero(secret, sizeof secret);
    cjd_secret_free(text);
    return 0;
}

/* --- passwords ----------------------------------------------------------------------------------
 */

static bool text_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_repeated(struct native *n, const char *pointer)
{
    const struct cjd_password *last = &n->config->passwords[n->config->password_count - 1];

    for (size_t i = 0; i + 1 < n->config->password_count; i++) {
        const struct cjd_password *p = &n->config->passwords[i];
        bool is_same_password = strcmp(p->password, last->password) == 0;
        if (is_same_password && text_equal(p->login, last->login)) {
            report(n, CJD_DIAG_ERROR, pointer,
                   "password and login are the same as in an earlier entry");
            return;
        }
        /* A login selects one password (CryptoAuth notes §4). */
        if (p->login && text_equal(p->login, last->login)) {
            report(n, CJD_DIAG_ERROR, pointer,
                   "this login is that of an earlier entry, too: give each password its own");
            return;
        }
    }
}

static int read_password(struct native *n, const json_t *entry, const char *pointer)
{
    struct cjd_password *p = &n->config->passwords[n->config->password_count];
    const char *login = member_text(entry, "login");
    const char *address = member_text(entry, "address");

    *p = (struct cjd_password){0};
    int err = cjd_secret_read(&p->password, entry, "password", n->config, pointer, n->diags);
    if (err < 0) {
        return err == CJD_ERR_NO_MEMORY ? err : 0;
    }
    n->config->password_count++;
    p->is_restricted = address != NULL && cjd_addr_from_text(&p->only, address) == 0;
    p->login = login ? strdup(login) : NULL;
    if (login && !p->login) {
        return CJD_ERR_NO_MEMORY;
    }
    if (cjd_secret_kind(entry, "password") != CJD_SECRET_TEXT && strlen(p->password) > 255) {
        report(n, CJD_DIAG_ERROR, pointer, "this password has more than 255 characters");
    }
    check_repeated(n, pointer);
    cjd_peers_check_credentials(n->config, entry, pointer, n->diags);
    return 0;
}

static int read_passwords(struct native *n)
{
    const json_t *peering = json_object_get(n->config->tree, "peering");
    const json_t *list = json_object_get(peering, "passwords");
    size_t count = json_array_size(list);
    int err = 0;

    n->config->passwords = calloc(count + 1, sizeof *n->config->passwords);
    if (!n->config->passwords) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; err == 0 && i < count; i++) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/peering/passwords/%zu", i);
        err = read_password(n, json_array_get(list, i), pointer);
    }
    return err;
}

/* --- plugins ------------------------------------------------------------------------------------
 */

static bool is_word(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* The name an entry goes by: its plugin's, or that of its file. */
static void entry_name(char *out, size_t cap, const json_t *entry)
{
    const char *name = member_text(entry, "plugin");
    const char *so = member_text(entry, "so");
    const char *slash = so ? strrchr(so, '/') : NULL;

    snprintf(out, cap, "%s", name ? name : slash ? slash + 1 : "plugin");
    size_t n = strlen(out);
    if (!name && n > 3 && strcmp(out + n - 3, ".so") == 0) {
        out[n - 3] = '\0';
    }
}

static void check_entry(struct native *n, const json_t *entry, const char *pointer)
{
    const char *name = member_text(entry, "plugin");
    char child[96];

    if (json_is_object(entry) && !json_object_get(entry, "plugin") &&
        !json_object_get(entry, "so")) {
        report(n, CJD_DIAG_ERROR, pointer, "the key \"plugin\" is missing");
    }
    if (name && !is_word(name)) {
        snprintf(child, sizeof child, "%s/plugin", pointer);
        report(n, CJD_DIAG_ERROR, child,
               "the name of a plugin is of lower-case letters, digits and \"-\"");
    }
}

/* First the given ids, so that a made one cannot take one of them. `ids` is a set. */
static void take_ids(struct native *n, const json_t *plugins, json_t *ids)
{
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const char *id = member_text(json_array_get(plugins, i), "id");
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/plugins/%zu/id", i);
        if (id && json_object_get(ids, id)) {
            report(n, CJD_DIAG_ERROR, pointer, "this id is that of an earlier plugin, too");
        } else if (id) {
            json_object_set_new(ids, id, json_true());
        }
    }
}

static int make_id(json_t *entry, json_t *ids)
{
    char name[32];
    char id[48];

    entry_name(name, sizeof name, entry);
    snprintf(id, sizeof id, "%s", name);
    for (unsigned k = 2; json_object_get(ids, id); k++) {
        snprintf(id, sizeof id, "%s#%u", name, k);
    }
    bool is_kept = json_object_set_new(ids, id, json_true()) == 0 &&
                   json_object_set_new(entry, "id", json_string(id)) == 0;
    return is_kept ? 0 : CJD_ERR_NO_MEMORY;
}

static int check_plugins(struct native *n)
{
    json_t *plugins = json_object_get(n->config->tree, "plugins");
    json_t *ids = json_object();
    int err = ids ? 0 : CJD_ERR_NO_MEMORY;

    if (json_array_size(plugins) > PLUGINS_MAX) {
        report(n, CJD_DIAG_ERROR, "/plugins", "more than %u plugins", PLUGINS_MAX);
        json_decref(ids);
        return 0;
    }
    take_ids(n, plugins, ids);
    for (size_t i = 0; err == 0 && i < json_array_size(plugins); i++) {
        json_t *entry = json_array_get(plugins, i);
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/plugins/%zu", i);
        check_entry(n, entry, pointer);
        if (json_is_object(entry) && !member_text(entry, "id")) {
            err = make_id(entry, ids);
        }
        err = err < 0 ? err : cjd_peers_check(n->config, entry, pointer, n->diags);
    }
    json_decref(ids);
    return err;
}

/* --- the rest -----------------------------------------------------------------------------------
 */

static void check_log(struct native *n)
{
    const char *to = member_text(json_object_get(n->config->tree, "log"), "to");

    if (to && strcmp(to, "stderr") != 0 && strcmp(to, "stdout") != 0 && strcmp(to, "none") != 0 &&
        strncmp(to, "file:/", 6) != 0) {
        report(n, CJD_DIAG_ERROR, "/log/to",
               "must be \"stderr\", \"stdout\", \"none\", or \"file:\" with an absolute path");
    }
}

static void check_supernode(struct native *n, const char *text, const char *pointer)
{
    struct cjd_key key;
    struct cjd_addr addr;

    if (!text || cjd_key_from_text(&key, text) < 0) {
        return; /* that is for the plugin's schema */
    }
    if (memcmp(&key, &n->config->keypair.key, sizeof key) == 0) {
        report(n, CJD_DIAG_ERROR, pointer, "this is the key of this node itself");
    } else if (!cjd_addr_of_key_is_valid(&addr, &key)) {
        report(n, CJD_DIAG_ERROR, pointer, "%s", cjd_format_public_key(text));
    }
}

static void check_supernodes(struct native *n)
{
    const json_t *list = json_object_get(json_object_get(n->config->tree, "routing"), "supernodes");

    for (size_t i = 0; i < json_array_size(list); i++) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/routing/supernodes/%zu", i);
        check_supernode(n, json_string_value(json_array_get(list, i)), pointer);
    }
    if (json_array_size(list) > 0) {
        report(n, CJD_DIAG_WARNING, "/routing/supernodes",
               "route servers are not supported; this has no effect");
    }
}

static int check_schema(struct native *n)
{
    struct cjd_schema *schema;
    char why[256];

    int err = cjd_schema_new(&schema, cjd_config_schema, why, sizeof why);
    if (err == 0) {
        err = cjd_schema_check_core(schema, n->config->tree, n->config, "", n->diags);
        cjd_schema_free(schema);
    }
    /* Its faults are reported; the rest is looked at all the same. */
    return err == CJD_ERR_CONFIG ? 0 : err;
}

int cjd_native_check(struct cjd_config *config, bool with_schema, struct cjd_diags *diags)
{
    struct native n = {.config = config, .diags = diags};

    int err = with_schema ? check_schema(&n) : 0;
    err = err < 0 ? err : read_node(&n);
    err = err < 0 ? err : read_passwords(&n);
    err = err < 0 ? err : check_plugins(&n);
    if (err == 0) {
        check_supernodes(&n);
        check_log(&n);
    }
    return err;
}
