/* Which device goes to which place. */
#include "eth.h"

#include <stdio.h>
#include <string.h>

#include <linux/if_arp.h>

#define SECOND_NS   1000000000ull
#define RETRY_STEPS 6u /* 1, 2, 4, … 64 s */
/* Below that the node cannot say hello (link.h: a handshake and what it carries). */
#define MTU_MIN 190u

/* --- reports ------------------------------------------------------------------------------------
 */

void cjd_eth_say(struct cjd_eth *eth, uint32_t level, const char *device, const char *text)
{
    char line[sizeof eth->said[0]];
    size_t slots = sizeof eth->said / sizeof eth->said[0];

    snprintf(line, sizeof line, "device %s: %s", device, text);
    for (size_t i = 0; i < slots; i++) {
        if (strcmp(eth->said[i], line) == 0) {
            return;
        }
    }
    memcpy(eth->said[eth->said_next++ % slots], line, sizeof line);
    cjd_logger_write(&eth->log, level, "%s", line);
}

void cjd_eth_retry(struct cjd_eth *eth)
{
    eth->needs_retry = true;
}

/* --- judging ------------------------------------------------------------------------------------
 */

/* Frames of a port go through the device it is a port of; only a VRF leaves them alone. */
static bool is_port(const struct cjd_netdev *dev)
{
    return dev->master != 0 && dev->port_of[0] != '\0' && strcmp(dev->port_of, "vrf") != 0;
}

/* NULL: it can be used. */
static const char *fault_of(const struct cjd_netdev *dev)
{
    if (dev->type != ARPHRD_ETHER || dev->mac_len != CJD_ETH_MAC_BYTES) {
        return "is not used: it does not carry Ethernet frames";
    }
    if (!cjd_eth_mac_is_usable(dev->mac)) {
        return "is not used: it has no proper hardware address";
    }
    if (is_port(dev)) {
        return "is not used: it is a port of another device (bridge, bond); use that one";
    }
    return dev->mtu < MTU_MIN ? "is not used: its MTU is below 190 bytes" : NULL;
}

static bool is_usable(struct cjd_eth *eth, const struct cjd_netdev *dev, bool is_named)
{
    const char *fault = fault_of(dev);

    if (fault && (is_named || dev->type == ARPHRD_ETHER)) {
        cjd_eth_say(eth, is_named ? CJD_LEVEL_WARN : CJD_LEVEL_DEBUG, dev->name, fault);
    }
    return !fault;
}

/* --- named devices ------------------------------------------------------------------------------
 */

/* The name counts. A device in use that was renamed stays until another bears the name. */
static const struct cjd_netdev *find_named(const struct cjd_eth *eth,
                                           const struct cjd_eth_device *d)
{
    const struct cjd_netdev *dev = cjd_netdev_by_name(eth->netdevs, d->wanted);

    if (!dev && d->index != 0) {
        dev = cjd_netdev_by_index(eth->netdevs, d->index);
    }
    /* Renamed to what another place waits for: it is that one's. */
    bool is_others =
        dev && strcmp(dev->name, d->wanted) != 0 && cjd_eth_config_names(eth->config, dev->name);
    return is_others ? NULL : dev;
}

static void settle_named(struct cjd_eth *eth, struct cjd_eth_device *d)
{
    const struct cjd_netdev *dev = find_named(eth, d);

    if (!dev) {
        cjd_eth_device_leave(d);
        cjd_eth_say(eth, CJD_LEVEL_INFO, d->wanted, "does not exist yet: waiting for it");
    } else if (is_usable(eth, dev, true)) {
        cjd_eth_device_update(d, dev);
    } else {
        cjd_eth_device_leave(d);
    }
}

/* --- all devices --------------------------------------------------------------------------------
 */

static struct cjd_eth_device *place_of_index(const struct cjd_eth *eth, uint32_t index)
{
    for (size_t i = 0; i < eth->count; i++) {
        if (eth->v[i]->index == index) {
            return eth->v[i];
        }
    }
    return NULL;
}

/* How well a place suits a device nobody has: the one it had before, a free one, the one that was
 * given up longest ago. 0: it is taken. */
static uint64_t suits(const struct cjd_eth *eth, const struct cjd_eth_device *d, const char *name)
{
    if (d->wanted[0] != '\0' || d->index != 0) {
        return 0;
    }
    if (d->name[0] == '\0') {
        return UINT64_MAX - 1;
    }
    if (strcmp(d->name, name) == 0) {
        return UINT64_MAX;
    }
    return 1 + eth->beacon.time->now_ns(eth->host) - d->down_ns;
}

static struct cjd_eth_device *find_place(struct cjd_eth *eth, const char *name)
{
    struct cjd_eth_device *best = NULL;
    uint64_t best_suits = 0;

    for (size_t i = 0; i < eth->count; i++) {
        uint64_t s = suits(eth, eth->v[i], name);
        if (s > best_suits) {
            best = eth->v[i];
            best_suits = s;
        }
    }
    if (best && best->name[0] != '\0' && strcmp(best->name, name) != 0) {
        cjd_eth_device_clear(best);
    }
    return best;
}

static void settle_found(struct cjd_eth *eth, const struct cjd_netdev *dev)
{
    struct cjd_eth_device *d = place_of_index(eth, dev->index);

    if (d && d->wanted[0] != '\0') {
        return;
    }
    if (cjd_eth_config_names(eth->config, dev->name) ||
        !cjd_eth_config_all_takes(eth->config, dev->name) || !is_usable(eth, dev, false)) {
        if (d) {
            cjd_eth_device_clear(d);
        }
        return;
    }
    d = d ? d : find_place(eth, dev->name);
    if (d) {
        cjd_eth_device_update(d, dev);
    } else {
        cjd_eth_say(eth, CJD_LEVEL_WARN, dev->name,
                    "is not used: there are more devices than links of one node");
    }
}

/* Renamed to what the configuration names: that place has it now. */
static bool is_named_elsewhere(const struct cjd_eth *eth, const struct cjd_eth_device *d)
{
    for (size_t i = 0; i < eth->count && d->index != 0; i++) {
        if (eth->v[i] != d && eth->v[i]->index == d->index) {
            return true;
        }
    }
    return false;
}

/* Those that are not there any more, and for how long. */
static void settle_gone(struct cjd_eth *eth)
{
    uint64_t now_ns = eth->beacon.time->now_ns(eth->host);

    for (size_t i = 0; i < eth->count; i++) {
        struct cjd_eth_device *d = eth->v[i];
        if (d->wanted[0] != '\0' || d->name[0] == '\0') {
            continue;
        }
        if (is_named_elsewhere(eth, d)) {
            cjd_eth_device_clear(d);
            continue;
        }
        if (d->index != 0 && !cjd_netdev_by_index(eth->netdevs, d->index)) {
            cjd_eth_device_leave(d);
        }
        if (d->index != 0) {
            continue;
        }
        if (now_ns - d->down_ns >= CJD_ETH_KEEP_NS) {
            cjd_eth_device_clear(d);
        } else {
            cjd_eth_retry(eth);
        }
    }
}

/* --- together -----------------------------------------------------------------------------------
 */

static void arm_retry(struct cjd_eth *eth)
{
    const struct cjd_loop_service *loop = eth->beacon.loop;

    if (!eth->needs_retry) {
        eth->retries = 0;
        eth->is_retrying = false;
        loop->timer_cancel(eth->host, &eth->retry);
    } else if (!eth->is_retrying) {
        eth->is_retrying = true;
        loop->timer_arm(eth->host, &eth->retry, SECOND_NS << eth->retries);
    }
}

void cjd_eth_on_retry(void *arg)
{
    struct cjd_eth *eth = arg;

    eth->is_retrying = false;
    eth->retries += eth->retries < RETRY_STEPS;
    cjd_eth_settle(eth);
}

void cjd_eth_settle(struct cjd_eth *eth)
{
    int err = cjd_netwatch_read(&eth->watch, eth->netdevs);

    eth->needs_retry = false;
    if (err != 0) {
        /* What is in use stays in use. */
        cjd_logger_write(&eth->log, CJD_LEVEL_WARN, "cannot read the list of devices: %s",
                         cjd_err_text(err));
        cjd_eth_retry(eth);
        arm_retry(eth);
        return;
    }
    for (size_t i = 0; i < eth->count; i++) {
        if (eth->v[i]->wanted[0] != '\0') {
            settle_named(eth, eth->v[i]);
        }
    }
    settle_gone(eth);
    for (uint32_t i = 0; i < eth->netdevs->count && eth->config->has_all; i++) {
        settle_found(eth, &eth->netdevs->dev[i]);
    }
    arm_retry(eth);
}
