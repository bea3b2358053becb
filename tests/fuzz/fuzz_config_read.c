/* Reading a configuration: never worse than messages, no secret in them, and what is accepted is
 * written and read as the same. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <config/config.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct cjd_config *read_text(const char *text, size_t len)
{
    struct cjd_diags diags = {.file = "fuzz"};
    struct cjd_config *config;
    char *out = NULL;
    size_t out_len;

    int err = cjd_config_read(&config, text, len, &diags);
    require(err == 0 ? config && diags.errors == 0
                     : !config && err == CJD_ERR_CONFIG && diags.errors > 0);
    require(diags.count <= CJD_DIAGS_MAX);
    FILE *file = open_memstream(&out, &out_len);
    require(file != NULL);
    cjd_diags_print(&diags, file);
    require(fclose(file) == 0 && (diags.count > 0) == (out_len > 0));
    free(out);
    cjd_diags_fini(&diags);
    return config;
}

static void check_view(const struct cjd_config *config)
{
    for (size_t i = 0; i < cjd_config_password_count(config); i++) {
        require(cjd_config_password_at(config, i).password != NULL);
    }
    for (size_t i = 0; i < cjd_config_plugin_count(config); i++) {
        struct cjd_config_plugin p = cjd_config_plugin_at(config, i);
        require((p.name || p.so) && p.id && p.config);
        struct cjd_position at = cjd_config_position(config, p.pointer);
        require(at.pointer && at.line > 0);
    }
    require(cjd_config_log(config).to && cjd_config_log(config).level);
    require(cjd_config_state_dir(config) != NULL);
    require(!cjd_config_sandbox(config).user_is_default || !cjd_config_sandbox(config).user);
}

static void check_round_trip(const struct cjd_config *config)
{
    char *out = NULL;
    size_t len;
    FILE *file = open_memstream(&out, &len);

    require(file && cjd_config_write_native(file, config, false) == 0 && fclose(file) == 0);
    struct cjd_config *again = read_text(out, len);
    require(again && json_equal(cjd_config_tree(config), cjd_config_tree(again)));
    cjd_config_free(again);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size > 0 ? size : 1);

    require(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    struct cjd_config *config = read_text(text, size);
    if (config) {
        check_view(config);
        check_round_trip(config);
        cjd_config_free(config);
    }
    free(text);
    return 0;
}
