#include <config/convert.h>

#include <string.h>

#include <cjd/text.h>
#include <config/buf.h>

/* The reference's form to the native one (§16): top level, identity, passwords, log. */

/* --- identity -----------------------------------------------------------------------------------
 */

static void check_told(struct cjd_ref root, const struct cjd_keypair *pair)
{
    const char *key_text = cjd_ref_text(root, "publicKey");
    const char *addr_text = cjd_ref_text(root, "ipv6");
    struct cjd_key key;
    struct cjd_addr addr;

    if (key_text &&
        (cjd_key_from_text(&key, key_text) < 0 || memcmp(&key, &pair->key, sizeof key) != 0)) {
        cjd_ref_report(cjd_ref_member(root, "publicKey"), CJD_DIAG_WARNING,
                       "this is not the key of the private key; it is ignored");
    }
    if (addr_text && (cjd_addr_from_text(&addr, addr_text) < 0 ||
                      memcmp(&addr, &pair->addr, sizeof addr) != 0)) {
        cjd_ref_report(cjd_ref_member(root, "ipv6"), CJD_DIAG_WARNING,
                       "this is not the address of the private key; it is ignored");
    }
}

static void convert_identity(struct cjd_convert *c, struct cjd_ref root,
                             const struct cjd_out *native)
{
    const char *text = cjd_ref_text_needed(root, "privateKey");
    struct cjd_ref from = cjd_ref_member(root, "privateKey");
    struct cjd_keypair pair;
    uint8_t secret[32];
    char key[CJD_KEY_TEXT_SIZE];
    char addr[CJD_ADDR_TEXT_SIZE];

    if (!text) {
        return;
    }
    if (cjd_hex_decode(secret, sizeof secret, text, strlen(text)) != 32) {
        cjd_ref_report(from, CJD_DIAG_ERROR, "must be 64 hexadecimal digits");
        return;
    }
    struct cjd_out node = cjd_out_group(c, native, "node", json_object(), from);
    cjd_out_text(c, &node, "privateKey", from, text);
    /* A key whose address is none is refused by the checks of the native form. */
    if (cjd_keypair_from_secret(&pair, secret) == 0) {
        check_told(root, &pair);
        cjd_key_to_text(key, &pair.key);
        cjd_addr_to_text(addr, &pair.addr);
        cjd_out_text(c, &node, "publicKey", from, key);
        cjd_out_text(c, &node, "ipv6", from, addr);
    }
    cjd_keypair_fini(&pair);
    explicit_bzero(secret, sizeof secret);
}

/* --- passwords ----------------------------------------------------------------------------------
 */

static void check_address(struct cjd_ref from, const char *text)
{
    struct cjd_addr addr;

    if (text && (cjd_addr_from_text(&addr, text) < 0 || !cjd_addr_is_valid(&addr))) {
        cjd_ref_report(from, CJD_DIAG_ERROR, "must be the address of a node, in fc00::/8");
    }
}

static bool is_same_text(const json_t *a, const json_t *b, const char *key)
{
    const char *x = json_string_value(json_object_get(a, key));
    const char *y = json_string_value(json_object_get(b, key));

    return x && y && strcmp(x, y) == 0;
}

/* The user of entry i, or NULL. One with several passwords (§4.2) is found by its name for the
 * first of them; the others are found by themselves. An entry all alike stays: it is an error. */
static const char *user_of(struct cjd_ref list, size_t i)
{
    struct cjd_ref entry = cjd_ref_item(list, i);
    const char *user = cjd_ref_text(entry, "user");

    for (size_t k = 0; user && k < i; k++) {
        const json_t *earlier = json_array_get(list.v, k);
        if (is_same_text(earlier, entry.v, "user") && !is_same_text(earlier, entry.v, "password")) {
            cjd_ref_report(cjd_ref_member(entry, "user"), CJD_DIAG_WARNING,
                           "this user is that of an earlier entry, too: this password works only "
                           "for neighbours that send no login");
            return NULL;
        }
    }
    return user && user[0] != '\0' ? user : NULL;
}

static void convert_password(struct cjd_convert *c, struct cjd_ref from, size_t i,
                             const struct cjd_out *list)
{
    static const char *const keys[] = {"password", "user", "ipv6", NULL};
    struct cjd_ref entry = cjd_ref_item(from, i);

    if (!json_is_object(entry.v)) {
        cjd_ref_report(entry, CJD_DIAG_ERROR,
                       "an entry is an object: { \"password\": …, \"user\": … }");
        return;
    }
    cjd_ref_known(entry, keys, false);
    const char *password = cjd_ref_text_needed(entry, "password");
    const char *address = cjd_ref_text(entry, "ipv6");
    struct cjd_out out = cjd_out_item(c, list, entry);

    check_address(cjd_ref_member(entry, "ipv6"), address);
    if (password && password[0] == '\0') {
        cjd_ref_report(cjd_ref_member(entry, "password"), CJD_DIAG_ERROR, "must not be empty");
    }
    cjd_out_text(c, &out, "login", cjd_ref_member(entry, "user"), user_of(from, i));
    cjd_out_text(c, &out, "password", cjd_ref_member(entry, "password"), password);
    cjd_out_text(c, &out, "address", cjd_ref_member(entry, "ipv6"), address);
}

static void convert_passwords(struct cjd_convert *c, struct cjd_ref root,
                              const struct cjd_out *native)
{
    struct cjd_ref from = cjd_ref_list(root, "authorizedPasswords");
    struct cjd_out peering = cjd_out_group(c, native, "peering", json_object(), from);
    struct cjd_out list = cjd_out_group(c, &peering, "passwords", json_array(), from);

    for (size_t i = 0; i < json_array_size(from.v); i++) {
        convert_password(c, from, i, &list);
    }
}

/* --- log and process ----------------------------------------------------------------------------
 */

/* Without `logTo` the reference is silent but for what it complains about. */
static void convert_log(struct cjd_convert *c, struct cjd_ref root, const struct cjd_out *native)
{
    static const char *const keys[] = {"logTo", NULL};
    struct cjd_ref from = cjd_ref_object(root, "logging");
    const char *to = cjd_ref_text(from, "logTo");
    struct cjd_out log = cjd_out_group(c, native, "log", json_object(), from);
    bool is_stdout = to && strcmp(to, "stdout") == 0;

    cjd_ref_known(from, keys, false);
    if (to && !is_stdout) {
        cjd_ref_report(cjd_ref_member(from, "logTo"), CJD_DIAG_WARNING,
                       "only \"stdout\" is known; this is ignored");
    }
    from = cjd_ref_member(from, "logTo");
    cjd_out_text(c, &log, "to", from, is_stdout ? "stdout" : "stderr");
    cjd_out_text(c, &log, "level", from, is_stdout ? "info" : "warn");
}

static void convert_process(struct cjd_convert *c, struct cjd_ref root)
{
    json_int_t no_background = 0;

    cjd_ref_integer(root, "noBackground", INT64_MIN, INT64_MAX, &no_background);
    c->config->wants_foreground = no_background != 0;
    /* Without use here, but not to hide a slip. */
    cjd_ref_text(root, "pipe");
}

/* --- whole --------------------------------------------------------------------------------------
 */

static void convert_root(struct cjd_convert *c, struct cjd_ref root, const struct cjd_out *native)
{
    static const char *const keys[] = {
        "privateKey", "publicKey", "ipv6",    "authorizedPasswords", "admin", "interfaces",
        "router",     "security",  "logging", "noBackground",        "pipe",  "version",
        "corePath",   NULL};
    struct cjd_ref none = {.c = c, .v = NULL, .node = 0};

    cjd_ref_known(root, keys, false);
    cjd_out_put(c, native, "version", json_integer(3), none);
    convert_identity(c, root, native);
    convert_passwords(c, root, native);
    struct cjd_out plugins = {.v = json_array(), .pointer = "/plugins"};
    cjd_reference_links(c, cjd_ref_object(root, "interfaces"), &plugins);
    cjd_reference_router(c, cjd_ref_object(root, "router"), native, &plugins);
    cjd_reference_admin(c, root, &plugins);
    cjd_out_put(c, native, "plugins", plugins.v, none);
    cjd_reference_sandbox(c, root, native);
    convert_log(c, root, native);
    convert_process(c, root);
}

int cjd_reference_convert(struct cjd_config *config, json_t *reference, struct cjd_diags *diags)
{
    struct cjd_convert c = {.config = config, .diags = diags};
    struct cjd_ref root = {.c = &c, .v = reference, .node = 0};
    struct cjd_out native = {.v = json_object(), .pointer = ""};

    if (!native.v) {
        return CJD_ERR_NO_MEMORY;
    }
    config->tree = native.v;
    convert_root(&c, root, &native);
    return c.err;
}
