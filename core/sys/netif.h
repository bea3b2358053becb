/*
 * Network devices over rtnetlink, without running a program. One socket, opened once, so that it
 * also works after the sandbox closed. Blocking, but the kernel answers at once. Control thread.
 */
#ifndef CJD_SYS_NETIF_H
#define CJD_SYS_NETIF_H

#include <stdbool.h>
#include <stdint.h>

#include <cjd/err.h>
#include <cjd/types.h>

struct cjd_netif;

CJD_MUST_CHECK int cjd_netif_new(struct cjd_netif **out);
/* NULL is legal. */
void cjd_netif_free(struct cjd_netif *netif);

struct cjd_netif_info {
    uint32_t index;
    uint32_t mtu;
    bool is_up;
};
/* CJD_ERR_NO_DEVICE: none of that name. */
CJD_MUST_CHECK int cjd_netif_state(struct cjd_netif *netif, const char *device,
                                   struct cjd_netif_info *out);
/* Exactly this IPv6 address and prefix length. */
bool cjd_netif_has_addr(struct cjd_netif *netif, const char *device, const struct cjd_addr *addr,
                        uint32_t prefix_len);
/* CJD_ERR_EXISTS: the device has it already. CJD_ERR_PERMISSION: CAP_NET_ADMIN is missing. */
CJD_MUST_CHECK int cjd_netif_addr_add(struct cjd_netif *netif, const char *device,
                                      const struct cjd_addr *addr, uint32_t prefix_len);
CJD_MUST_CHECK int cjd_netif_addr_del(struct cjd_netif *netif, const char *device,
                                      const struct cjd_addr *addr, uint32_t prefix_len);
CJD_MUST_CHECK int cjd_netif_set_mtu(struct cjd_netif *netif, const char *device, uint32_t mtu);
CJD_MUST_CHECK int cjd_netif_set_up(struct cjd_netif *netif, const char *device);

#endif
