#include <config/private.h>

#include <string.h>

/* The typed view of a configuration that was read without errors. */

bool cjd_config_is_reference_form(const struct cjd_config *config)
{
    return config->is_reference;
}

const json_t *cjd_config_tree(const struct cjd_config *config)
{
    return config->tree;
}

const struct cjd_keypair *cjd_config_keypair(const struct cjd_config *config)
{
    return &config->keypair;
}

void cjd_config_lend_key(struct cjd_config *config, const struct cjd_rng *rng)
{
    static const struct cjd_key none;

    if (memcmp(&config->keypair.key, &none, sizeof none) == 0) {
        cjd_keypair_generate(&config->keypair, rng);
    }
}

bool cjd_config_wants_foreground(const struct cjd_config *config)
{
    return config->wants_foreground;
}

size_t cjd_config_password_count(const struct cjd_config *config)
{
    return config->password_count;
}

struct cjd_config_password cjd_config_password_at(const struct cjd_config *config, size_t i)
{
    const struct cjd_password *p = &config->passwords[i];

    return (struct cjd_config_password){.login = p->login,
                                        .password = p->password,
                                        .is_restricted = p->is_restricted,
                                        .only = p->only};
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool is_set(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

size_t cjd_config_plugin_count(const struct cjd_config *config)
{
    return json_array_size(json_object_get(config->tree, "plugins"));
}

struct cjd_config_plugin cjd_config_plugin_at(const struct cjd_config *config, size_t i)
{
    const json_t *entry = json_array_get(json_object_get(config->tree, "plugins"), i);
    struct cjd_config_plugin p = {.name = text_of(entry, "plugin"),
                                  .so = text_of(entry, "so"),
                                  .id = text_of(entry, "id"),
                                  .is_enabled = is_set(entry, "enabled"),
                                  .is_required = is_set(entry, "required"),
                                  .config = json_object_get(entry, "config")};

    snprintf(p.pointer, sizeof p.pointer, "/plugins/%zu/config", i);
    return p;
}

const char *cjd_config_plugin_path(const struct cjd_config *config)
{
    return text_of(config->tree, "pluginPath");
}

const char *cjd_config_state_dir(const struct cjd_config *config)
{
    return text_of(config->tree, "stateDir");
}

struct cjd_config_sandbox cjd_config_sandbox(const struct cjd_config *config)
{
    const json_t *s = json_object_get(config->tree, "sandbox");

    return (struct cjd_config_sandbox){.user = text_of(s, "user"),
                                       .keep_net_admin = is_set(s, "keepNetAdmin"),
                                       .chroot = text_of(s, "chroot"),
                                       .no_forks = is_set(s, "noForks"),
                                       .no_files = is_set(s, "noFiles"),
                                       .user_is_default = !json_object_get(s, "user"),
                                       .seccomp = is_set(s, "seccomp"),
                                       .landlock = is_set(s, "landlock"),
                                       .hot_load = is_set(s, "hotLoad")};
}

struct cjd_config_log cjd_config_log(const struct cjd_config *config)
{
    const json_t *log = json_object_get(config->tree, "log");

    return (struct cjd_config_log){.to = text_of(log, "to"),
                                   .level = text_of(log, "level"),
                                   .is_json = strcmp(text_of(log, "format"), "json") == 0,
                                   .modules = json_object_get(log, "modules")};
}
