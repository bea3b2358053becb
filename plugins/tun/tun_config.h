/* Configuration of the TUN device, read from JSON (configuration notes §15, §16). Plain values. */
#ifndef TUN_CONFIG_H
#define TUN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <net/if.h>

#include <cjd/config.h>

/* 1492 − 188: the usual PPPoE MTU without all headers of a first packet (session notes §5.3). */
#define CJD_TUN_MTU_DEFAULT 1304
/* Every IPv6 link carries this much (RFC 8200 §5). */
#define CJD_TUN_MTU_MIN 1280
/* 3496 − 160: the largest link packet without the same headers, less UDP's and IP's. */
#define CJD_TUN_MTU_MAX 3336

enum cjd_tun_manage { CJD_TUN_ALWAYS, CJD_TUN_AUTO, CJD_TUN_NEVER };

struct cjd_tun_config {
    char device[IFNAMSIZ]; /* "": the kernel chooses */
    int fd;                /* −1: none, the device is opened by name */
    uint32_t mtu;
    enum cjd_tun_manage manage;
};

/* CJD_ERR_CONFIG with the place in `error`. */
CJD_MUST_CHECK int cjd_tun_config_read(struct cjd_tun_config *out, const json_t *json,
                                       struct cjd_plugin_error *error);
bool cjd_tun_config_equal(const struct cjd_tun_config *a, const struct cjd_tun_config *b);

#endif
