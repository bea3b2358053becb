#include "tun_config.h"

#include <stdio.h>
#include <string.h>

/* What the kernel takes as a name of a device; '%' only as one "%d". */
static const char *fault_of_name(const char *name)
{
    const char *percent = strchr(name, '%');

    if (name[0] == '\0' || strlen(name) >= IFNAMSIZ) {
        return "names of devices have 1 to 15 characters";
    }
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return "this cannot be the name of a device";
    }
    for (const char *at = name; *at; at++) {
        if (*at <= ' ' || *at > '~' || strchr("/:\"\\", *at)) {
            return "names of devices have no spaces, slashes, colons, quotes or backslashes";
        }
    }
    if (percent && (percent[1] != 'd' || strchr(percent + 1, '%'))) {
        return "'%' may only stand in one \"%d\", which becomes a number";
    }
    return NULL;
}

static int read_device(struct cjd_tun_config *config, const struct cjd_conf *root)
{
    struct cjd_conf member = cjd_conf_member(root, "device");
    const char *name;

    int err = cjd_conf_string_optional(root, "device", &name);
    if (err != 0 || !name) {
        return err;
    }
    const char *fault = fault_of_name(name);
    if (fault) {
        return cjd_conf_fail(&member, "%s", fault);
    }
    snprintf(config->device, sizeof config->device, "%s", name);
    return 0;
}

static int read_fd(struct cjd_tun_config *config, const struct cjd_conf *root)
{
    struct cjd_conf member = cjd_conf_member(root, "fd");
    int64_t fd = -1;

    /* 0, 1 and 2 are the standard streams. */
    int err = cjd_conf_integer(root, "fd", 3, 65535, -1, &fd);
    if (err == 0 && fd >= 0 && config->device[0] != '\0') {
        err = cjd_conf_fail(&member, "give either \"device\" or \"fd\", not both");
    }
    config->fd = (int)fd;
    return err;
}

int cjd_tun_config_read(struct cjd_tun_config *out, const json_t *json,
                        struct cjd_plugin_error *error)
{
    static const char *const manage_words[] = {"always", "auto", "never", NULL};
    struct cjd_conf root = cjd_conf_root(json, error);
    struct cjd_tun_config config = {.fd = -1};
    size_t manage = CJD_TUN_AUTO;
    int64_t mtu = CJD_TUN_MTU_DEFAULT;

    int err = cjd_conf_want_object(&root);
    err = err == 0 ? read_device(&config, &root) : err;
    err = err == 0 ? read_fd(&config, &root) : err;
    err = err == 0 ? cjd_conf_integer(&root, "mtu", CJD_TUN_MTU_MIN, CJD_TUN_MTU_MAX,
                                      CJD_TUN_MTU_DEFAULT, &mtu)
                   : err;
    err = err == 0 ? cjd_conf_word(&root, "manage", manage_words, CJD_TUN_AUTO, &manage) : err;
    if (err == 0) {
        config.mtu = (uint32_t)mtu;
        config.manage = (enum cjd_tun_manage)manage;
        *out = config;
    }
    return err;
}

bool cjd_tun_config_equal(const struct cjd_tun_config *a, const struct cjd_tun_config *b)
{
    return strcmp(a->device, b->device) == 0 && a->fd == b->fd && a->mtu == b->mtu &&
           a->manage == b->manage;
}
