/*
 * Any datagram at the beacon port of a machine with any devices and addresses: what is believed was
 * named by the operator, is on the link it came by, and can be sent to. The units are included:
 * plugins are no rooms that could be linked.
 *
 * Input: one byte of family, then rows of a device's flags, an address and its prefix length, then
 * the datagram.
 */
#include <cjd/err.h>
#include <stdlib.h>

#include "../../plugins/udp/udp_addr.c"
#include "../../plugins/udp/udp_outlet.c"

#define ROWS 4u

static struct cjd_netdevs all;
static struct cjd_udp_outlets outlets;

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static uint8_t take(const uint8_t **data, size_t *len)
{
    uint8_t byte = *len > 0 ? **data : 0;

    *data += *len > 0;
    *len -= *len > 0;
    return byte;
}

static void make_machine(const uint8_t **data, size_t *len, int family)
{
    memset(&all, 0, sizeof all);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint8_t flags = take(data, len);
        struct cjd_netaddr *a = &all.addr[all.addr_count++];
        all.dev[all.count++] = (struct cjd_netdev){
            .index = i + 1,
            .flags = IFF_UP | (flags & 1 ? IFF_RUNNING : 0u) | (flags & 2 ? IFF_BROADCAST : 0u) |
                     (flags & 4 ? IFF_MULTICAST : 0u) | (flags & 8 ? IFF_POINTOPOINT : 0u) |
                     (flags & 16 ? IFF_LOOPBACK : 0u)};
        *a = (struct cjd_netaddr){.index = 1 + flags / 64u % (i + 1),
                                  .family = family == AF_INET ? 4 : 6,
                                  .is_usable = flags >> 5 & 1};
        a->prefix_len = (uint8_t)(take(data, len) % (family == AF_INET ? 33 : 129));
        for (unsigned k = 0; k < (family == AF_INET ? 4u : 16u); k++) {
            a->ip[k] = take(data, len);
        }
    }
}

static void check_outlets(int family)
{
    require(outlets.count <= ROWS);
    for (uint32_t i = 0; i < outlets.count; i++) {
        const struct cjd_netdev *dev = cjd_netdev_by_index(&all, outlets.v[i].device);
        require(dev && (dev->flags & IFF_UP) && !(dev->flags & IFF_LOOPBACK));
        require(cjd_udp_addr_is_valid(&outlets.v[i].to, family));
        require(cjd_udp_addr_port(&outlets.v[i].to) == 64512);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int family = take(&data, &len) & 1 ? AF_INET6 : AF_INET;
    struct cjd_udp_devices devices = {.is_all = true};
    struct cjd_udp_outlet_wish wish = {.family = family, .port = 64512, .devices = &devices};
    struct cjd_udp_arrival in = {.family = family};
    struct cjd_beacon beacon;
    struct cjd_linkaddr addr;
    uint8_t ip[16];

    make_machine(&data, &len, family);
    cjd_udp_outlets_find(&outlets, &wish, &all);
    check_outlets(family);
    in.device = take(&data, &len) % (ROWS + 1);
    memcpy(ip, all.addr[in.device % ROWS].ip, sizeof ip);
    ip[family == AF_INET ? 3 : 15] = take(&data, &len);
    cjd_udp_addr_make(&in.source, family, ip, 64512, in.device);
    in.bytes = data;
    in.len = len;
    if (cjd_udp_beacon_judge(&in, &outlets, &all, &beacon, &addr) == CJD_UDP_VERDICT_GOOD) {
        require(len >= CJD_UDP_BEACON_BYTES);
        require(cjd_udp_outlets_has_device(&outlets, in.device));
        require(cjd_udp_addr_is_valid(&addr, family) && cjd_udp_addr_port(&addr) != 0);
        require(cjd_udp_ip_is_usable(family, ip));
    }
    return 0;
}
