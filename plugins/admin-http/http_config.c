#include "http_config.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include <cjd/text.h>

void cjd_http_key_addr(struct cjd_addr *out, const struct cjd_key *key)
{
    uint8_t once[crypto_hash_sha512_BYTES];
    uint8_t twice[crypto_hash_sha512_BYTES];

    crypto_hash_sha512(once, key->b, sizeof key->b);
    crypto_hash_sha512(twice, once, sizeof once);
    memcpy(out->b, twice, sizeof out->b);
}

bool cjd_http_is_nobody(uint32_t uid)
{
    const struct passwd *user = getpwnam("nobody");
    return uid == 65534u || uid == UINT32_MAX || (user && user->pw_uid == uid);
}

/* --- scopes -------------------------------------------------------------------------------------
 */

static const struct {
    const char *word;
    uint32_t scopes;
} scope_words[] = {{"metrics", CJD_HTTP_METRICS},      {"read", CJD_RPC_READ | CJD_HTTP_METRICS},
                   {"probe", CJD_RPC_PROBE},           {"write", CJD_RPC_WRITE},
                   {"administer", CJD_RPC_ADMINISTER}, {"all", CJD_RPC_ALL | CJD_HTTP_METRICS}};

const char *cjd_http_scope_word(uint32_t scopes)
{
    size_t i = 0;

    while (i + 1 < sizeof scope_words / sizeof scope_words[0] &&
           (scope_words[i].scopes & scopes) == 0) {
        i++;
    }
    return scope_words[i].word;
}

static int read_scope(const struct cjd_conf *at, uint32_t *scopes)
{
    const char *text = json_string_value(at->value);

    for (size_t i = 0; text && i < sizeof scope_words / sizeof scope_words[0]; i++) {
        if (strcmp(text, scope_words[i].word) == 0) {
            *scopes |= scope_words[i].scopes;
            return 0;
        }
    }
    return cjd_conf_fail(at, "a scope is \"metrics\", \"read\", \"probe\", \"write\", "
                             "\"administer\" or \"all\"");
}

static int read_scopes(const struct cjd_conf *parent, uint32_t *scopes)
{
    struct cjd_conf list = cjd_conf_member(parent, "scopes");
    int err = cjd_conf_want_list(&list);

    *scopes = 0;
    for (size_t i = 0; i < cjd_conf_count(&list) && err == 0; i++) {
        struct cjd_conf item = cjd_conf_item(&list, i);
        err = read_scope(&item, scopes);
    }
    return err;
}

/* --- tokens -------------------------------------------------------------------------------------
 */

static int read_expiry(const struct cjd_conf *at, uint64_t *out)
{
    struct cjd_conf member = cjd_conf_member(at, "expires");
    struct tm tm = {0};
    const char *text;

    *out = 0;
    int err = cjd_conf_string_optional(at, "expires", &text);
    if (err != 0 || !text) {
        return err;
    }
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (!end) {
        tm = (struct tm){0};
        end = strptime(text, "%Y-%m-%d", &tm);
    }
    time_t seconds = end && *end == '\0' ? timegm(&tm) : -1;
    if (seconds <= 0) {
        return cjd_conf_fail(&member, "must be a day or a time in UTC, such as \"2027-01-31\" or "
                                      "\"2027-01-31T12:00:00Z\"");
    }
    *out = (uint64_t)seconds * 1000;
    return 0;
}

static int read_token(struct cjd_http_token *out, const struct cjd_conf *at)
{
    struct cjd_conf member = cjd_conf_member(at, "sha256");
    const char *name;
    const char *hex;

    int err = cjd_conf_string(at, "name", NULL, &name);
    err = err == 0 ? cjd_conf_string(at, "sha256", NULL, &hex) : err;
    err = err == 0 ? read_scopes(at, &out->scopes) : err;
    err = err == 0 ? read_expiry(at, &out->expires_ms) : err;
    if (err != 0) {
        return err;
    }
    if (strlen(hex) != 2 * (size_t)CJD_HTTP_HASH_SIZE ||
        cjd_hex_decode(out->sha256, sizeof out->sha256, hex, strlen(hex)) < 0) {
        return cjd_conf_fail(&member, "must be the SHA-256 of the token: 64 hexadecimal digits");
    }
    out->name = strdup(name);
    return out->name ? 0 : CJD_ERR_NO_MEMORY;
}

static int read_tokens(struct cjd_http_config *config, const struct cjd_conf *root)
{
    struct cjd_conf list = cjd_conf_member(root, "tokens");
    size_t count = cjd_conf_count(&list);
    int err = cjd_conf_want_list(&list);

    if (err != 0 || count == 0) {
        return err;
    }
    config->tokens = calloc(count, sizeof *config->tokens);
    if (!config->tokens) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count && err == 0; i++) {
        struct cjd_conf item = cjd_conf_item(&list, i);
        config->token_count++;
        err = read_token(&config->tokens[i], &item);
    }
    return err;
}

/* --- users, groups, keys ------------------------------------------------------------------------
 */

/* A name or a number. */
static uint32_t user_number(const char *text)
{
    const struct passwd *user = getpwnam(text);
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (user) {
        return user->pw_uid;
    }
    return *end == '\0' && number < UINT32_MAX ? (uint32_t)number : CJD_HTTP_NO_ID;
}

static uint32_t group_number(const char *text)
{
    const struct group *group = getgrnam(text);
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (group) {
        return group->gr_gid;
    }
    return *end == '\0' && number < UINT32_MAX ? (uint32_t)number : CJD_HTTP_NO_ID;
}

static int read_key(struct cjd_http_grant *out, const struct cjd_conf *at, const char *text)
{
    struct cjd_conf member = cjd_conf_member(at, "publicKey");
    struct cjd_key key;

    if (cjd_key_from_text(&key, text) < 0) {
        return cjd_conf_fail(&member, "must be 52 characters and \".k\"");
    }
    cjd_http_key_addr(&out->addr, &key);
    if (out->addr.b[0] != 0xfc) {
        return cjd_conf_fail(&member, "%s", cjd_err_text(CJD_ERR_BAD_KEY));
    }
    out->who = CJD_HTTP_KEY;
    return 0;
}

static int read_grant(struct cjd_http_grant *out, const struct cjd_conf *at)
{
    const char *user;
    const char *group;
    const char *key;

    int err = cjd_conf_string_optional(at, "user", &user);
    err = err == 0 ? cjd_conf_string_optional(at, "group", &group) : err;
    err = err == 0 ? cjd_conf_string_optional(at, "publicKey", &key) : err;
    err = err == 0 ? read_scopes(at, &out->scopes) : err;
    if (err != 0) {
        return err;
    }
    if (!!user + !!group + !!key != 1) {
        return cjd_conf_fail(at, "needs one of \"user\", \"group\" and \"publicKey\"");
    }
    if (key) {
        return read_key(out, at, key);
    }
    out->who = user ? CJD_HTTP_USER : CJD_HTTP_GROUP;
    out->id = user ? user_number(user) : group_number(group);
    if (out->id == CJD_HTTP_NO_ID) {
        struct cjd_conf member = cjd_conf_member(at, user ? "user" : "group");
        return cjd_conf_fail(&member, "there is no %s \"%.64s\" on this machine",
                             user ? "user" : "group", user ? user : group);
    }
    if (user && cjd_http_is_nobody(out->id)) {
        struct cjd_conf member = cjd_conf_member(at, "user");
        return cjd_conf_fail(&member, "\"nobody\" is not one user but many: give it no access");
    }
    return 0;
}

static int read_grants(struct cjd_http_config *config, const struct cjd_conf *root)
{
    struct cjd_conf list = cjd_conf_member(root, "access");
    size_t count = cjd_conf_count(&list);
    int err = cjd_conf_want_list(&list);

    if (err != 0 || count == 0) {
        return err;
    }
    config->grants = calloc(count, sizeof *config->grants);
    if (!config->grants) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count && err == 0; i++) {
        struct cjd_conf item = cjd_conf_item(&list, i);
        config->grant_count++;
        err = read_grant(&config->grants[i], &item);
    }
    return err;
}

/* --- the rest -----------------------------------------------------------------------------------
 */

static int read_texts(char ***out, size_t *out_count, const struct cjd_conf *root, const char *key)
{
    struct cjd_conf list = cjd_conf_member(root, key);
    size_t count = cjd_conf_count(&list);
    int err = cjd_conf_want_list(&list);

    if (err != 0 || count == 0) {
        return err;
    }
    *out = calloc(count, sizeof **out);
    if (!*out) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct cjd_conf item = cjd_conf_item(&list, i);
        const char *text = json_string_value(item.value);
        if (!text || text[0] == '\0') {
            return cjd_conf_fail(&item, "must be a text");
        }
        (*out)[i] = strdup(text);
        if (!(*out)[i]) {
            return CJD_ERR_NO_MEMORY;
        }
        *out_count = i + 1;
    }
    return 0;
}

static int read_limit(const struct cjd_conf *at, const char *key, int64_t max, uint32_t fallback,
                      uint32_t *out)
{
    int64_t value;
    int err = cjd_conf_integer(at, key, 1, max, fallback, &value);

    *out = (uint32_t)value;
    return err;
}

static int read_limits(struct cjd_http_limits *l, const struct cjd_conf *root)
{
    struct cjd_conf at = cjd_conf_member(root, "limits");
    const struct {
        const char *key;
        uint32_t *out;
        uint32_t fallback;
        int64_t max;
    } rows[] = {{"headerBytes", &l->header_bytes, 16384, 1 << 20},
                {"bodyBytes", &l->body_bytes, 65536, 1 << 24},
                {"connections", &l->connections, 64, 4096},
                {"connectionsPerClient", &l->connections_per_client, 32, 4096},
                {"streams", &l->streams, 16, 1024},
                {"receiveSeconds", &l->receive_s, 10, 3600},
                {"idleSeconds", &l->idle_s, 60, 3600},
                {"requestsPerSecond", &l->requests_per_s, 1000, 1000000},
                {"metricPeers", &l->metric_peers, 256, 65536}};
    int err = cjd_conf_want_object(&at);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && err == 0; i++) {
        err = read_limit(&at, rows[i].key, rows[i].max, rows[i].fallback, rows[i].out);
    }
    return err;
}

static int read_listen(struct cjd_http_config *config, const struct cjd_conf *root)
{
    struct cjd_conf list = cjd_conf_member(root, "listen");
    size_t count = cjd_conf_count(&list);
    bool is_insecure_ok = false;
    int err = cjd_conf_want_list(&list);

    err = err == 0 ? cjd_conf_boolean(root, "allowInsecure", false, &is_insecure_ok) : err;
    if (err == 0 && (count == 0 || count > CJD_HTTP_LISTEN_MAX)) {
        err = cjd_conf_fail(&list, "must name 1 to %u places to listen at", CJD_HTTP_LISTEN_MAX);
    }
    for (size_t i = 0; i < count && err == 0; i++) {
        struct cjd_conf item = cjd_conf_item(&list, i);
        config->listen_count++;
        err = cjd_http_listen_read(&config->listen[i], &item, is_insecure_ok);
    }
    return err;
}

static int read_token_file(struct cjd_http_config *config, const struct cjd_conf *root)
{
    struct cjd_conf member = cjd_conf_member(root, "tokenFile");
    const char *path;
    int err = cjd_conf_string(root, "tokenFile", "/run/cjdns/api.token", &path);

    if (err == 0 && path[0] != '/') {
        err = cjd_conf_fail(&member, "must be an absolute path");
    }
    if (err == 0) {
        config->token_file = strdup(path);
        err = config->token_file ? 0 : CJD_ERR_NO_MEMORY;
    }
    return err;
}

int cjd_http_config_read(struct cjd_http_config **out, const json_t *json,
                         struct cjd_plugin_error *error)
{
    struct cjd_conf root = cjd_conf_root(json, error);
    struct cjd_http_config *c = calloc(1, sizeof *c);

    *out = NULL;
    if (!c) {
        return CJD_ERR_NO_MEMORY;
    }
    int err = cjd_conf_want_object(&root);
    err = err == 0 ? read_listen(c, &root) : err;
    err = err == 0 ? read_tokens(c, &root) : err;
    err = err == 0 ? read_token_file(c, &root) : err;
    err = err == 0 ? read_grants(c, &root) : err;
    err = err == 0 ? read_texts(&c->host_names, &c->host_name_count, &root, "hostNames") : err;
    err = err == 0 ? read_texts(&c->cors_origins, &c->cors_count, &root, "corsOrigins") : err;
    err = err == 0 ? read_limits(&c->limits, &root) : err;
    if (err != 0) {
        cjd_http_config_free(c);
        return err;
    }
    *out = c;
    return 0;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

void cjd_http_config_free(struct cjd_http_config *config)
{
    if (!config) {
        return;
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        cjd_http_listen_fini(&config->listen[i]);
    }
    for (size_t i = 0; i < config->token_count; i++) {
        free(config->tokens[i].name);
    }
    free(config->tokens);
    free(config->grants);
    free_texts(config->host_names, config->host_name_count);
    free_texts(config->cors_origins, config->cors_count);
    free(config->token_file);
    free(config);
}
