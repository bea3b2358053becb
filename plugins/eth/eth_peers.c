#include "eth_peers.h"

#include <stdlib.h>
#include <string.h>

static void report(const struct cjd_eth_peers *peers, const struct cjd_eth_peer *p, int err)
{
    char mac[CJD_ETH_MAC_TEXT];
    const char *text =
        err == CJD_ERR_EXISTS ? "its address is that of another peer" : cjd_err_text(err);

    (void)cjd_eth_mac_text(p->conf->mac, mac, sizeof mac);
    cjd_logger_write(peers->env->log, CJD_LEVEL_WARN, "peer %s is left out: %s", mac, text);
}

static void add(struct cjd_eth_peers *peers, struct cjd_eth_peer *p)
{
    const struct cjd_eth_peer_conf *conf = p->conf;
    struct cjd_peer_spec spec = {.size = sizeof spec,
                                 .link = peers->link,
                                 .key = conf->who.key,
                                 .login = conf->who.login,
                                 .password = conf->who.password,
                                 .name = conf->who.name};

    cjd_eth_addr_make(&spec.addr, conf->mac);
    int err = peers->env->peer->add(peers->env->host, &spec, &p->id);
    p->is_added = err == 0;
    if (err != 0) {
        report(peers, p, err);
    }
}

static void take_out(struct cjd_eth_peers *peers, struct cjd_eth_peer *p)
{
    if (!p->is_added) {
        return;
    }
    p->is_added = false;
    /* CJD_ERR_NOT_FOUND: the core was faster. */
    (void)peers->env->peer->remove(peers->env->host, p->id);
}

static struct cjd_eth_peer *find_equal(struct cjd_eth_peers *peers,
                                       const struct cjd_eth_peer_conf *conf)
{
    for (size_t i = 0; i < peers->count; i++) {
        struct cjd_eth_peer *p = &peers->v[i];
        if (!p->is_kept && cjd_eth_peer_conf_equal(p->conf, conf)) {
            return p;
        }
    }
    return NULL;
}

int cjd_eth_peers_apply(struct cjd_eth_peers *peers, const struct cjd_eth_config *config,
                        const char *device)
{
    struct cjd_eth_peer *list = calloc(config->peer_count + 1, sizeof *list);
    struct cjd_eth_peers old = *peers;
    size_t count = 0;

    if (!list) {
        return CJD_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < config->peer_count; i++) {
        const struct cjd_eth_peer_conf *conf = &config->peers[i];
        if (!cjd_eth_peer_conf_is_on(conf, device)) {
            continue;
        }
        struct cjd_eth_peer *same = find_equal(&old, conf);
        if (same) {
            same->is_kept = true;
            list[count] = *same;
            list[count].is_kept = false;
        }
        list[count++].conf = conf;
    }
    peers->v = list;
    peers->count = count;
    for (size_t i = 0; i < old.count; i++) {
        if (!old.v[i].is_kept) {
            take_out(&old, &old.v[i]);
        }
    }
    free(old.v);
    for (size_t i = 0; i < count && peers->has_link; i++) {
        if (!list[i].is_added) {
            add(peers, &list[i]);
        }
    }
    return 0;
}

void cjd_eth_peers_up(struct cjd_eth_peers *peers, uint32_t link)
{
    peers->has_link = true;
    peers->link = link;
    for (size_t i = 0; i < peers->count; i++) {
        add(peers, &peers->v[i]);
    }
}

void cjd_eth_peers_down(struct cjd_eth_peers *peers)
{
    peers->has_link = false;
    for (size_t i = 0; i < peers->count; i++) {
        peers->v[i].is_added = false;
    }
}

void cjd_eth_peers_free(struct cjd_eth_peers *peers)
{
    free(peers->v);
    peers->v = NULL;
    peers->count = 0;
    peers->has_link = false;
}

void cjd_eth_peers_event(struct cjd_eth_peers *peers, const struct cjd_peer_event *event)
{
    for (size_t i = 0; i < peers->count && event->removed; i++) {
        if (peers->v[i].is_added && peers->v[i].id == event->peer) {
            peers->v[i].is_added = false;
        }
    }
}

void cjd_eth_peers_unsendable(struct cjd_eth_peers *peers, const struct cjd_linkaddr *addr,
                              const char *why)
{
    uint64_t now_ns = peers->env->time->now_ns(peers->env->host);
    char mac[CJD_ETH_MAC_TEXT];

    for (size_t i = 0; i < peers->count; i++) {
        struct cjd_eth_peer *p = &peers->v[i];
        if (!p->is_added || memcmp(p->conf->mac, addr->b, sizeof p->conf->mac) != 0) {
            continue;
        }
        if (p->reported_ns == 0 || now_ns - p->reported_ns >= CJD_ETH_REPORT_NS) {
            p->reported_ns = now_ns;
            (void)cjd_eth_mac_text(p->conf->mac, mac, sizeof mac);
            cjd_logger_write(peers->env->log, CJD_LEVEL_INFO, "cannot send to peer %s: %s", mac,
                             why);
            peers->env->peer->set_reason(peers->env->host, p->id, CJD_PEER_REASON_SEND);
        }
        return;
    }
}
