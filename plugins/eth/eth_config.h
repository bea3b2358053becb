/*
 * Configuration of the Ethernet plugin, read from JSON into plain structures (configuration notes
 * §15, §16).
 *
 * A config owns its lists and their texts. Control thread.
 */
#ifndef ETH_CONFIG_H
#define ETH_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <net/if.h>

#include <cjd/config.h>
#include <cjd/peer_conf.h>
#include <cjd/types.h>

#include "eth_frame.h"

/* Most devices in use at a time; the node has 64 links in all. */
#define CJD_ETH_DEVICES_MAX 60u
#define CJD_ETH_RULES_MAX   256u
/* Most configured peers; each takes a switch slot of the node on every device it is sought on. */
#define CJD_ETH_PEERS_MAX 1024u

enum cjd_eth_beacon_mode { CJD_ETH_BEACON_OFF, CJD_ETH_BEACON_ACCEPT, CJD_ETH_BEACON_SEND };

struct cjd_eth_rule {
    char device[IFNAMSIZ]; /* a name, or the beginning of one followed by '*' */
    bool is_used;
    bool has_mode;
    enum cjd_eth_beacon_mode mode;
};

struct cjd_eth_peer_conf {
    uint8_t mac[CJD_ETH_MAC_BYTES];
    char device[IFNAMSIZ]; /* "": any */
    struct cjd_peer_conf who;
};

struct cjd_eth_config {
    bool has_all;
    char (*devices)[IFNAMSIZ]; /* those that are named */
    size_t device_count;
    enum cjd_eth_beacon_mode mode;
    struct cjd_eth_rule *rules;
    size_t rule_count;
    struct cjd_eth_peer_conf *peers;
    size_t peer_count;
};

/* Reads and checks all of it. CJD_ERR_CONFIG with the place in `error`, or CJD_ERR_NO_MEMORY. */
CJD_MUST_CHECK int cjd_eth_config_read(struct cjd_eth_config **out, const json_t *json,
                                       struct cjd_plugin_error *error);
/* Wipes secrets. NULL is legal. */
void cjd_eth_config_free(struct cjd_eth_config *config);

bool cjd_eth_config_names(const struct cjd_eth_config *config, const char *device);
/* Whether a device that is not named is meant by "all". */
bool cjd_eth_config_all_takes(const struct cjd_eth_config *config, const char *device);
enum cjd_eth_beacon_mode cjd_eth_config_mode(const struct cjd_eth_config *config,
                                             const char *device);
/* Whether a peer is to be sought on a device. */
bool cjd_eth_peer_conf_is_on(const struct cjd_eth_peer_conf *peer, const char *device);
/* Whether two entries mean the same peering. */
bool cjd_eth_peer_conf_equal(const struct cjd_eth_peer_conf *a, const struct cjd_eth_peer_conf *b);

#endif
