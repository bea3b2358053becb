#include "udp_outlet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Transient (RFC 4291 §2.7: flag T), link-local scope; "fc00" as the EtherType of this network. */
const uint8_t cjd_udp_beacon_group[16] = {0xff, 0x12, [12] = 0xfc, [14] = 0xfc};

/* --- devices ------------------------------------------------------------------------------------
 */

/* The TUN device of a node of this network: what is sent there would travel inside the network. */
static bool is_of_the_network(const struct cjd_netdevs *all, uint32_t device)
{
    for (uint32_t i = 0; i < all->addr_count; i++) {
        const struct cjd_netaddr *a = &all->addr[i];
        if (a->index == device && a->family == 6 && a->ip[0] == 0xfc) {
            return true;
        }
    }
    return false;
}

static bool is_named(const struct cjd_udp_devices *devices, const char *text)
{
    for (size_t i = 0; i < devices->count; i++) {
        if (strcmp(devices->name[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_usable(const struct cjd_netdev *dev, const struct cjd_udp_outlet_wish *wish,
                      const struct cjd_netdevs *all)
{
    uint32_t needed = IFF_UP | (wish->family == AF_INET ? IFF_BROADCAST : IFF_MULTICAST);
    /* A carrier is seen at once, that the device counts as running up to a second later. */
    bool has_carrier = (dev->flags & (IFF_RUNNING | CJD_NETDEV_CARRIER)) != 0;

    return (dev->flags & needed) == needed && has_carrier && (dev->flags & IFF_LOOPBACK) == 0 &&
           !is_of_the_network(all, dev->index);
}

static bool is_wanted(const struct cjd_netdev *dev, const struct cjd_udp_outlet *outlet,
                      const struct cjd_udp_outlet_wish *wish)
{
    char text[CJD_UDP_TEXT_SIZE] = "";

    /* "all" means local networks, not tunnels to one other machine. */
    if (wish->devices->is_all && (dev->flags & IFF_POINTOPOINT) == 0) {
        return true;
    }
    if (is_named(wish->devices, dev->name)) {
        return true;
    }
    if (wish->family != AF_INET) {
        return false;
    }
    (void)cjd_udp_addr_text(&outlet->to, text, sizeof text);
    if (is_named(wish->devices, text)) {
        return true;
    }
    text[strcspn(text, ":")] = '\0';
    return is_named(wish->devices, text);
}

/* --- outlets ------------------------------------------------------------------------------------
 */

static bool is_same(const struct cjd_udp_outlet *a, const struct cjd_udp_outlet *b)
{
    return a->device == b->device && cjd_udp_addr_equal(&a->to, &b->to);
}

static bool has(const struct cjd_udp_outlets *outlets, const struct cjd_udp_outlet *one)
{
    for (uint32_t i = 0; i < outlets->count; i++) {
        if (is_same(&outlets->v[i], one)) {
            return true;
        }
    }
    return false;
}

/* The directed broadcast address. False: the network has none. */
static bool aim4(struct cjd_udp_outlet *out, const struct cjd_udp_outlet_wish *wish,
                 const struct cjd_netaddr *a)
{
    uint32_t ip;

    if (a->prefix_len > 30 || (wish->bound && memcmp(a->ip, wish->bound, 4) != 0)) {
        return false;
    }
    memcpy(&ip, a->ip, sizeof ip);
    ip |= htonl(UINT32_MAX >> a->prefix_len);
    cjd_udp_addr_make(&out->to, AF_INET, (const uint8_t *)&ip, wish->port, 0);
    memcpy(out->source, a->ip, 4);
    return true;
}

static bool aim6(struct cjd_udp_outlet *out, const struct cjd_udp_outlet_wish *wish,
                 const struct cjd_netaddr *a)
{
    struct sockaddr_in6 to = {
        .sin6_family = AF_INET6, .sin6_port = htons(wish->port), .sin6_scope_id = a->index};
    bool is_local = a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;

    if (!a->is_usable || (wish->bound ? memcmp(a->ip, wish->bound, 16) != 0 : !is_local)) {
        return false;
    }
    memcpy(&to.sin6_addr, cjd_udp_beacon_group, sizeof to.sin6_addr);
    memset(&out->to, 0, sizeof out->to);
    memcpy(out->to.b, &to, sizeof to);
    out->to.len = sizeof to;
    memcpy(out->source, a->ip, 16);
    return true;
}

void cjd_udp_outlets_find(struct cjd_udp_outlets *out, const struct cjd_udp_outlet_wish *wish,
                          const struct cjd_netdevs *all)
{
    unsigned family = wish->family == AF_INET ? 4 : 6;

    out->count = 0;
    for (uint32_t i = 0; i < all->addr_count && out->count < CJD_UDP_OUTLETS_MAX; i++) {
        const struct cjd_netaddr *a = &all->addr[i];
        const struct cjd_netdev *dev = cjd_netdev_by_index(all, a->index);
        struct cjd_udp_outlet one = {.device = a->index};
        if (!dev || a->family != family || !is_usable(dev, wish, all)) {
            continue;
        }
        bool is_aimed = family == 4 ? aim4(&one, wish, a) : aim6(&one, wish, a);
        if (is_aimed && is_wanted(dev, &one, wish) && !has(out, &one)) {
            out->v[out->count++] = one;
        }
    }
}

bool cjd_udp_outlets_has_new(const struct cjd_udp_outlets *before,
                             const struct cjd_udp_outlets *now)
{
    for (uint32_t i = 0; i < now->count; i++) {
        if (!has(before, &now->v[i])) {
            return true;
        }
    }
    return false;
}

bool cjd_udp_outlets_has_device(const struct cjd_udp_outlets *outlets, uint32_t device)
{
    for (uint32_t i = 0; i < outlets->count; i++) {
        if (outlets->v[i].device == device) {
            return true;
        }
    }
    return false;
}

/* --- what arrives -------------------------------------------------------------------------------
 */

/* Address and scope out of a canonical link address. */
static const uint8_t *ip_of(const struct cjd_linkaddr *addr, int family, uint32_t *scope)
{
    struct sockaddr_in6 in6;

    *scope = 0;
    if (family == AF_INET) {
        return addr->b + offsetof(struct sockaddr_in, sin_addr);
    }
    memcpy(&in6, addr->b, sizeof in6);
    *scope = in6.sin6_scope_id;
    return addr->b + offsetof(struct sockaddr_in6, sin6_addr);
}

enum cjd_udp_verdict cjd_udp_beacon_judge(const struct cjd_udp_arrival *in,
                                          const struct cjd_udp_outlets *outlets,
                                          const struct cjd_netdevs *all, struct cjd_beacon *beacon,
                                          struct cjd_linkaddr *addr)
{
    uint32_t scope;
    uint16_t port;
    const uint8_t *ip = ip_of(&in->source, in->family, &scope);

    if (!cjd_udp_outlets_has_device(outlets, in->device)) {
        return CJD_UDP_VERDICT_DEVICE;
    }
    /* A beacon by unicast is as good as another (link notes §4.2), but not one from afar: nobody on
     * the internet decides whom this node connects to. */
    if (!cjd_udp_ip_is_usable(in->family, ip) ||
        !cjd_netdev_is_on_link(all, in->device, in->family == AF_INET ? 4 : 6, ip)) {
        return CJD_UDP_VERDICT_OFF_LINK;
    }
    if (cjd_udp_beacon_parse(beacon, &port, in->bytes, in->len) != 0) {
        return CJD_UDP_VERDICT_MALFORMED;
    }
    if (port == 0) {
        return CJD_UDP_VERDICT_PORT;
    }
    cjd_udp_addr_make(addr, in->family, ip, port, scope);
    return CJD_UDP_VERDICT_GOOD;
}
