#include "eth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room for bursts between two turns of the loop; the system caps what is asked for. */
#define RECEIVE_BYTES (2 * 1024 * 1024)
#define SEND_BYTES    (1024 * 1024)
/* Largest frame behind the EtherType, and buffers kept ready for each device. */
#define ROOM  (CJD_ETH_HEADER_BYTES + CJD_ETH_MTU_MAX)
#define BATCH 32u
/* Of a device that does not exist yet. */
#define MTU_USUAL 1500u

static uint64_t now(const struct cjd_eth_device *d)
{
    return d->eth->beacon.time->now_ns(d->eth->host);
}

/* --- frames -------------------------------------------------------------------------------------
 */

static bool on_receive(void *arg, struct cjd_pkt *pkt, uint32_t name_len)
{
    struct cjd_eth_device *d = arg;
    struct sockaddr_ll from = {0};
    uint32_t payload_len = 0;

    memcpy(&from, pkt->addr.b, name_len < sizeof from ? name_len : sizeof from);
    enum cjd_eth_verdict verdict =
        cjd_eth_frame_judge(&from, name_len, cjd_pkt_data(pkt), pkt->len, &payload_len);
    if (from.sll_ifindex != (int)d->index) {
        verdict = CJD_ETH_FOREIGN; /* waited in the socket since it was bound to another device */
    }
    d->verdicts[verdict]++;
    if (verdict != CJD_ETH_DATA && verdict != CJD_ETH_BEACON) {
        return false;
    }
    cjd_eth_addr_make(&pkt->addr, from.sll_addr);
    cjd_pkt_pull(pkt, CJD_ETH_HEADER_BYTES);
    cjd_pkt_trim(pkt, payload_len);
    if (verdict == CJD_ETH_BEACON) {
        cjd_eth_beacons_note(&d->beacons, &pkt->addr, cjd_pkt_data(pkt), pkt->len);
        return false;
    }
    return true;
}

static bool on_send(void *arg, struct cjd_pkt *pkt)
{
    uint32_t len = pkt->len;

    (void)arg;
    if (len > CJD_ETH_MTU_MAX || cjd_pkt_headroom(pkt) < CJD_ETH_HEADER_BYTES ||
        !cjd_eth_addr_is_valid(&pkt->addr) || !cjd_pkt_push(pkt, CJD_ETH_HEADER_BYTES)) {
        return false;
    }
    cjd_eth_write(cjd_pkt_data(pkt), (uint16_t)len);
    return true;
}

static const void *on_name(void *arg, const struct cjd_pkt *pkt, void *room, socklen_t *len)
{
    const struct cjd_eth_device *d = arg;
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(CJD_ETH_TYPE),
                             .sll_ifindex = (int)d->index,
                             .sll_halen = CJD_ETH_MAC_BYTES};

    memcpy(to.sll_addr, pkt->addr.b, CJD_ETH_MAC_BYTES);
    memcpy(room, &to, sizeof to);
    *len = sizeof to;
    return room;
}

static void on_unsendable(void *arg, const struct cjd_linkaddr *addr, int errno_value)
{
    struct cjd_eth_device *d = arg;
    cjd_eth_peers_unsendable(&d->peers, addr, strerror(errno_value));
}

static const struct cjd_dgram_ops dgram_ops = {.room = ROOM,
                                               .batch = BATCH,
                                               .receive = on_receive,
                                               .send = on_send,
                                               .name = on_name,
                                               .unsendable = on_unsendable};

/* --- the link's operations ----------------------------------------------------------------------
 */

static uint32_t carries(uint32_t device_mtu)
{
    uint32_t mtu = device_mtu - CJD_ETH_HEADER_BYTES;
    return mtu < CJD_ETH_MTU_MAX ? mtu : CJD_ETH_MTU_MAX;
}

static int link_open(void *link, const struct cjd_link_wish *wish, struct cjd_link_given *given)
{
    const struct cjd_eth_device *d = link;

    (void)wish; /* one queue serves any number of workers */
    *given = (struct cjd_link_given){.size = sizeof *given,
                                     .queues = 1,
                                     .mtu = carries(d->mtu),
                                     .headroom = CJD_ETH_HEADER_BYTES};
    return 0;
}

static int link_rx(void *link, uint32_t queue, struct cjd_vec *vec)
{
    struct cjd_eth_device *d = link;

    if (queue != 0) {
        return CJD_ERR_INVALID;
    }
    int n = cjd_dgram_rx(&d->queue, vec);
    cjd_eth_beacons_pass(&d->beacons);
    return n;
}

static void link_tx(void *link, uint32_t queue, struct cjd_vec *vec, uint32_t flags)
{
    struct cjd_eth_device *d = link;

    if (queue != 0 || !d->is_up) {
        d->tx_down += vec->n;
        d->eth->packet->free(d->eth->host, vec);
        return;
    }
    cjd_dgram_tx(&d->queue, vec, (flags & CJD_TX_MORE) == 0);
}

static void link_flush(void *link, uint32_t queue)
{
    struct cjd_eth_device *d = link;

    if (queue == 0) {
        cjd_dgram_flush(&d->queue);
    }
}

static int link_queue_fd(void *link, uint32_t queue)
{
    const struct cjd_eth_device *d = link;
    return queue == 0 ? d->fd : -1;
}

static int link_addr_text(void *link, const struct cjd_linkaddr *addr, char *out, size_t cap)
{
    (void)link;
    return addr->len == CJD_ETH_MAC_BYTES ? cjd_eth_mac_text(addr->b, out, cap) : CJD_ERR_INVALID;
}

static const struct cjd_link_ops link_ops = {.size = sizeof link_ops,
                                             .open = link_open,
                                             .rx = link_rx,
                                             .tx = link_tx,
                                             .flush = link_flush,
                                             .queue_fd = link_queue_fd,
                                             .addr_text = link_addr_text};

/* --- places -------------------------------------------------------------------------------------
 */

int cjd_eth_device_new(struct cjd_eth_device **out, struct cjd_eth *eth, const char *wanted)
{
    struct cjd_eth_device *d = calloc(1, sizeof *d);
    int bytes[] = {RECEIVE_BYTES, SEND_BYTES};

    if (!d) {
        return CJD_ERR_NO_MEMORY;
    }
    /* Protocol 0: it receives nothing until it is bound. */
    d->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd < 0) {
        int err = cjd_err_from_errno(errno);
        free(d);
        return err;
    }
    /* A smaller buffer costs packets of bursts, not the link. */
    (void)setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &bytes[0], sizeof bytes[0]);
    (void)setsockopt(d->fd, SOL_SOCKET, SO_SNDBUF, &bytes[1], sizeof bytes[1]);
    d->eth = eth;
    d->peers.env = &eth->peers;
    snprintf(d->wanted, sizeof d->wanted, "%s", wanted);
    d->io = (struct cjd_dgram_io){.host = eth->host,
                                  .packet = eth->packet,
                                  .time = eth->beacon.time,
                                  .loop = eth->beacon.loop,
                                  .link = eth->link,
                                  .ops = &dgram_ops,
                                  .arg = d};
    cjd_eth_beacons_init(&d->beacons, &eth->beacon);
    *out = d;
    return 0;
}

void cjd_eth_device_free(struct cjd_eth_device *d)
{
    if (!d) {
        return;
    }
    cjd_eth_device_clear(d);
    close(d->fd);
    free(d);
}

/* Index 0 takes the socket off whatever it was bound to; it does not fail. */
static int bind_to(struct cjd_eth_device *d, uint32_t index)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(index ? CJD_ETH_TYPE : 0),
                             .sll_ifindex = (int)index};

    d->is_bound = bind(d->fd, (const struct sockaddr *)&to, sizeof to) == 0 && index != 0;
    return d->is_bound || index == 0 ? 0 : errno;
}

/* --- links --------------------------------------------------------------------------------------
 */

static void log_counter(const struct cjd_eth_device *d, const char *name, uint64_t value)
{
    if (value > 0) {
        cjd_logger_write(&d->eth->log, CJD_LEVEL_DEBUG, "counter %s %s=%llu", d->name, name,
                         (unsigned long long)value);
    }
}

static void log_counters(const struct cjd_eth_device *d)
{
#define LOG_IO(name)            log_counter(d, #name, d->queue.counters.name);
#define LOG_VERDICT(name, text) log_counter(d, "frames " #name, d->verdicts[CJD_ETH_##name]);
    CJD_DGRAM_COUNTER_LIST(LOG_IO)
    CJD_ETH_VERDICT_LIST(LOG_VERDICT)
#undef LOG_VERDICT
#undef LOG_IO
    log_counter(d, "rx_beacons", d->beacons.rx_beacons);
    log_counter(d, "rx_beacons_off", d->beacons.rx_off);
    log_counter(d, "rx_beacons_flood", d->beacons.rx_flood);
    log_counter(d, "tx_beacons", d->beacons.tx_beacons);
    log_counter(d, "tx_beacons_failed", d->beacons.tx_errors);
    log_counter(d, "tx_down", d->tx_down);
}

static void take_link_down(struct cjd_eth_device *d)
{
    if (!d->has_link) {
        return;
    }
    d->has_link = false;
    d->eth->link->link_down(d->eth->host, d->io.link_id);
    cjd_eth_peers_down(&d->peers);
    cjd_dgram_close(&d->queue);
    log_counters(d);
}

static int make_link(struct cjd_eth_device *d)
{
    char name[32];

    snprintf(name, sizeof name, "eth/%s", d->name);
    cjd_dgram_open(&d->queue, &d->io, 0, d->fd);
    int err = d->eth->link->link_up(d->eth->host, name, &link_ops, d, &d->io.link_id);
    if (err != 0) {
        cjd_dgram_close(&d->queue);
        return err;
    }
    d->has_link = true;
    d->has_carrier = true; /* as a link begins */
    d->link_mtu = d->mtu;
    d->beacons.link = d->io.link_id;
    err = cjd_eth_peers_apply(&d->peers, d->eth->config, d->wanted[0] ? d->wanted : d->name);
    if (err != 0) {
        take_link_down(d);
        return err;
    }
    cjd_eth_peers_up(&d->peers, d->io.link_id);
    return 1;
}

static void begin_beacons(struct cjd_eth_device *d)
{
    const char *name = d->wanted[0] ? d->wanted : d->name;

    d->beacons.fd = d->fd;
    d->beacons.device = d->index;
    cjd_eth_beacons_begin(&d->beacons, cjd_eth_config_mode(d->eth->config, name));
    if (d->beacons.mode == CJD_ETH_BEACON_SEND && d->beacons.send_err != 0) {
        cjd_eth_say(d->eth, CJD_LEVEL_WARN, d->name, strerror(d->beacons.send_err));
    }
}

/* Whether frames can be sent and received now. The core's peers are down without that, and asked at
 * once when it is back. */
static void set_up(struct cjd_eth_device *d, bool is_up)
{
    const struct cjd_link_service *link = d->eth->link;

    if (d->is_up && !is_up) {
        d->down_ns = now(d);
    }
    d->is_up = is_up;
    if (d->has_link && d->has_carrier != is_up) {
        d->has_carrier = is_up;
        link->set_carrier(d->eth->host, d->io.link_id, is_up);
    }
    if (!is_up) {
        cjd_eth_beacons_end(&d->beacons);
    }
}

/* Makes the core have a link of this device that fits it. 0: it had one, 1: it has a new one. */
static int fit_link(struct cjd_eth_device *d)
{
    if (d->has_link && carries(d->link_mtu) != carries(d->mtu)) {
        take_link_down(d); /* its MTU is given once and for all */
    }
    int err = d->has_link ? 0 : make_link(d);
    if (err < 0) {
        cjd_eth_say(d->eth, CJD_LEVEL_WARN, d->name, cjd_err_text(err));
        cjd_eth_retry(d->eth);
    }
    return err;
}

static void begin(struct cjd_eth_device *d)
{
    char mac[CJD_ETH_MAC_TEXT];

    (void)cjd_eth_mac_text(d->mac, mac, sizeof mac);
    cjd_logger_write(&d->eth->log, CJD_LEVEL_INFO, "device %s is in use, address %s, MTU %u",
                     d->name, mac, d->mtu);
    set_up(d, true);
    begin_beacons(d);
}

/* --- what the kernel says -----------------------------------------------------------------------
 */

/* A device that the configuration names is set up, as the reference does; what "all" found is left
 * as it is. Once: the operator may want it down. */
static void raise(struct cjd_eth_device *d)
{
    const struct cjd_netif_service *netif = d->eth->netif;

    if (d->wanted[0] == '\0' || d->was_raised) {
        return;
    }
    d->was_raised = true;
    int err = netif ? netif->up(d->eth->host, d->name) : CJD_ERR_UNSUPPORTED;
    if (err != 0) {
        cjd_eth_say(d->eth, CJD_LEVEL_WARN, d->name,
                    "is down and cannot be set up from here: do that, and it will be used");
    }
}

/* Another device, or the same made anew: the socket has to follow. */
static bool follow(struct cjd_eth_device *d, uint32_t index)
{
    if (d->index == index && d->is_bound) {
        return true;
    }
    set_up(d, false);
    d->was_raised = d->was_raised && d->index == index;
    d->index = index;
    int errno_value = bind_to(d, index);
    if (errno_value != 0) {
        /* ENODEV: it went just now, which will be told. */
        uint32_t level = errno_value == ENODEV ? CJD_LEVEL_DEBUG : CJD_LEVEL_WARN;
        cjd_eth_say(d->eth, level, d->name, strerror(errno_value));
        cjd_eth_retry(d->eth);
    }
    return errno_value == 0;
}

static void take_name(struct cjd_eth_device *d, const char *name)
{
    if (d->index != 0 && strcmp(d->name, name) != 0) {
        cjd_logger_write(&d->eth->log, CJD_LEVEL_INFO, "device %s is called %s now", d->name, name);
    }
    memcpy(d->name, name, sizeof d->name);
}

static void rest(struct cjd_eth_device *d, unsigned flags)
{
    if (d->is_up) {
        cjd_logger_write(&d->eth->log, CJD_LEVEL_INFO, "device %s %s", d->name,
                         flags & IFF_UP ? "has no carrier" : "is down");
    }
    set_up(d, false);
    if (!(flags & IFF_UP)) {
        raise(d);
    }
}

void cjd_eth_device_update(struct cjd_eth_device *d, const struct cjd_netdev *is)
{
    bool has_new_mac = memcmp(d->mac, is->mac, sizeof d->mac) != 0;

    take_name(d, is->name);
    if (!follow(d, is->index)) {
        return;
    }
    memcpy(d->mac, is->mac, sizeof d->mac);
    d->mtu = is->mtu;
    int is_new = fit_link(d);
    if (is_new < 0) {
        return;
    }
    if (!(is->flags & IFF_UP) || !(is->flags & IFF_RUNNING)) {
        rest(d, is->flags);
    } else if (!d->is_up || is_new || has_new_mac) {
        begin(d);
    }
}

void cjd_eth_device_leave(struct cjd_eth_device *d)
{
    if (d->index != 0) {
        cjd_logger_write(&d->eth->log, CJD_LEVEL_INFO, "device %s is gone%s", d->name,
                         d->wanted[0] ? ": waiting for it" : "");
        set_up(d, false);
        d->index = 0;
        d->was_raised = false;
        (void)bind_to(d, 0);
    }
    if (d->wanted[0] != '\0') {
        memcpy(d->name, d->wanted, sizeof d->name); /* not what it was renamed to */
        d->mtu = d->mtu ? d->mtu : MTU_USUAL;
        (void)fit_link(d); /* so that its configured peers are shown, with the reason */
        set_up(d, false);
    }
}

void cjd_eth_device_clear(struct cjd_eth_device *d)
{
    set_up(d, false);
    take_link_down(d);
    cjd_eth_peers_free(&d->peers);
    (void)bind_to(d, 0);
    d->index = 0;
    d->name[0] = '\0';
    d->mtu = 0;
    d->was_raised = false;
    memset(d->mac, 0, sizeof d->mac);
}

void cjd_eth_device_reconfigure(struct cjd_eth_device *d)
{
    const char *name = d->wanted[0] ? d->wanted : d->name;

    if (d->has_link && cjd_eth_peers_apply(&d->peers, d->eth->config, name) != 0) {
        /* Its peers point into the configuration that goes. */
        take_link_down(d);
        cjd_eth_peers_free(&d->peers);
        set_up(d, false);
        cjd_eth_retry(d->eth);
    }
    if (d->is_up && d->beacons.mode != cjd_eth_config_mode(d->eth->config, name)) {
        begin_beacons(d);
    }
}
