#include <daemon/reach.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cjd/endpoint.h>
#include <cjd/netdev.h>
#include <cjd/text.h>

/* --- routes -------------------------------------------------------------------------------------
 */

static socklen_t to_sockaddr(struct sockaddr_storage *out, int family, const uint8_t *ip)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof *out);
    if (family == 4) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(9);
        memcpy(&v4->sin_addr, ip, 4);
        return sizeof *v4;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(9);
    memcpy(&v6->sin6_addr, ip, 16);
    return sizeof *v6;
}

/* A datagram socket that is connected sends nothing, but the kernel looks up the route. `source`:
 * the address it would send from, or NULL. */
static bool has_route(int family, const uint8_t *ip, uint8_t source[16])
{
    struct sockaddr_storage to;
    socklen_t len = to_sockaddr(&to, family, ip);
    int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return false;
    }
    bool is_there = connect(fd, (struct sockaddr *)&to, len) == 0;
    if (is_there && source) {
        is_there = getsockname(fd, (struct sockaddr *)&to, &len) == 0;
        memcpy(source,
               family == 4 ? (void *)&((struct sockaddr_in *)&to)->sin_addr
                           : (void *)&((struct sockaddr_in6 *)&to)->sin6_addr,
               family == 4 ? 4 : 16);
    }
    close(fd);
    return is_there;
}

static bool is_in_reach(const char *address)
{
    struct cjd_endpoint e;
    const char *why;

    /* Whether a name leads anywhere is for the node to find out; zones are of local links. */
    return cjd_endpoint_parse(&e, address, &why) < 0 || e.family == 0 || strchr(e.host, '%') ||
           has_route(e.family, e.ip, NULL);
}

void cjd_reach_sort(struct cjd_peer_uri *uri)
{
    char behind[CJD_PEER_URI_ADDRESSES_MAX][CJD_PEER_ADDRESS_SIZE];
    size_t kept = 0;
    size_t moved = 0;

    for (size_t i = 0; i < uri->address_count; i++) {
        if (is_in_reach(uri->address[i])) {
            memmove(uri->address[kept++], uri->address[i], CJD_PEER_ADDRESS_SIZE);
        } else {
            memcpy(behind[moved++], uri->address[i], CJD_PEER_ADDRESS_SIZE);
        }
    }
    memcpy(uri->address[kept], behind, moved * CJD_PEER_ADDRESS_SIZE);
}

bool cjd_reach_is_global(const char *address)
{
    struct cjd_endpoint e;
    const char *why;

    return cjd_endpoint_parse(&e, address, &why) == 0 &&
           (e.family == 0 || cjd_ip_kind(e.family, e.ip) == CJD_IP_GLOBAL);
}

/* --- this machine's addresses -------------------------------------------------------------------
 */

/* Flags of an address in /proc/net/if_inet6: made for a while only, or about to go. */
#define TEMPORARY  0x01u
#define DEPRECATED 0x20u

/* Addresses that change by the day for the sake of privacy are no good to be called at. */
static bool is_passing(const uint8_t *ip)
{
    FILE *file = fopen("/proc/net/if_inet6", "re");
    char hex[33];
    char line[128];
    unsigned flags;
    bool is_it = false;

    cjd_hex_encode(hex, ip, 16);
    while (file && !is_it && fgets(line, sizeof line, file)) {
        is_it = strncmp(line, hex, 32) == 0 && sscanf(line, "%*s %*x %*x %*x %x", &flags) == 1 &&
                (flags & (TEMPORARY | DEPRECATED)) != 0;
    }
    if (file) {
        fclose(file);
    }
    return is_it;
}

static void put_address(struct cjd_peer_uri *uri, int family, const uint8_t *ip, long port)
{
    char text[INET6_ADDRSTRLEN];
    char whole[CJD_PEER_ADDRESS_SIZE];

    if (!inet_ntop(family == 4 ? AF_INET : AF_INET6, ip, text, sizeof text)) {
        return;
    }
    snprintf(whole, sizeof whole, family == 4 ? "%s:%ld" : "[%s]:%ld", text, port);
    for (size_t i = 0; i < uri->address_count; i++) {
        if (strcmp(uri->address[i], whole) == 0) {
            return;
        }
    }
    if (uri->address_count < CJD_PEER_URI_ADDRESSES_MAX) {
        memcpy(uri->address[uri->address_count++], whole, sizeof whole);
    }
}

/* Documentation prefixes (RFC 5737, RFC 3849): nobody is there, so the default route leads there.
 */
static const uint8_t outside4[16] = {192, 0, 2, 1};
static const uint8_t outside6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

static bool is_wanted(const struct cjd_netdevs *all, const struct cjd_netaddr *a, int family,
                      enum cjd_ip_kind kind)
{
    const struct cjd_netdev *dev = cjd_netdev_by_index(all, a->index);

    return a->family == family && a->is_usable && dev && (dev->flags & IFF_UP) &&
           cjd_ip_kind(family, a->ip) == kind && !(family == 6 && is_passing(a->ip));
}

/* The address of the default route is the best, if it is of that kind. */
static void put_own(struct cjd_peer_uri *uri, const struct cjd_netdevs *all, int family, long port,
                    enum cjd_ip_kind kind)
{
    size_t before = uri->address_count;
    uint8_t source[16] = {0};

    if (has_route(family, family == 4 ? outside4 : outside6, source) &&
        cjd_ip_kind(family, source) == kind && !(family == 6 && is_passing(source))) {
        put_address(uri, family, source, port);
    }
    for (size_t i = 0; i < all->addr_count; i++) {
        if (uri->address_count - before < CJD_REACH_FAMILY_MAX &&
            is_wanted(all, &all->addr[i], family, kind)) {
            put_address(uri, family, all->addr[i].ip, port);
        }
    }
}

static struct cjd_netdevs *read_devices(void)
{
    struct cjd_netwatch watch = CJD_NETWATCH_CLOSED;
    struct cjd_netdevs *all = calloc(1, sizeof *all);

    if (all && cjd_netwatch_open(&watch) == 0) {
        /* Empty after a failure, which then looks like a machine without network. */
        (void)!cjd_netwatch_read(&watch, all);
        cjd_netwatch_close(&watch);
    }
    return all;
}

bool cjd_reach_fill(struct cjd_peer_uri *uri, const struct cjd_peering_self *self, const char **why)
{
    static const enum cjd_ip_kind kinds[] = {CJD_IP_GLOBAL, CJD_IP_PRIVATE};
    struct cjd_netdevs *all = read_devices();
    bool has_port = false;

    for (size_t k = 0; all && k < 2 && uri->address_count == 0; k++) {
        for (size_t i = 0; i < self->bind_count; i++) {
            const struct cjd_endpoint *b = &self->bind[i];
            enum cjd_ip_kind kind = cjd_ip_kind(b->family, b->ip);
            has_port = has_port || b->port > 0;
            if (b->port > 0 && kind == CJD_IP_UNSPECIFIED) {
                put_own(uri, all, b->family, b->port, kinds[k]);
            } else if (b->port > 0 && (kind == kinds[k] || kind == CJD_IP_LOOPBACK)) {
                put_address(uri, b->family, b->ip, b->port);
            }
        }
    }
    free(all);
    *why = self->bind_count == 0 ? "there is no UDP link in it that others could connect to"
           : !has_port           ? "its UDP links have no fixed port; give \"bind\" one, as in "
                                   "\"0.0.0.0:20948\""
                                 : "this machine has no address that others could connect to now";
    return uri->address_count > 0;
}
