/* cjd.netif: devices over netlink; what an instance added is removed when it stops. */
#include <plugin/private.h>

#include <stdlib.h>
#include <string.h>

static struct cjd_netif *netif_of(const struct cjd_host *host)
{
    return instance_of(host)->set->config.netif;
}

static int state(const struct cjd_host *host, const char *device, struct cjd_netif_state *out)
{
    struct cjd_netif_info info;
    int err = cjd_netif_state(netif_of(host), device, &info);
    struct cjd_netif_state full = {
        .size = out->size, .index = info.index, .mtu = info.mtu, .is_up = info.is_up};

    memcpy(out, &full, out->size < sizeof full ? out->size : sizeof full);
    return err;
}

static int has_addr(const struct cjd_host *host, const char *device, const struct cjd_addr *addr,
                    uint32_t prefix_len)
{
    return cjd_netif_has_addr(netif_of(host), device, addr, prefix_len);
}

static int addr_add(const struct cjd_host *host, const char *device, const struct cjd_addr *addr,
                    uint32_t prefix_len)
{
    struct instance *in = instance_of(host);
    struct netif_addr *a = malloc(sizeof *a);

    if (!a) {
        return CJD_ERR_NO_MEMORY;
    }
    int err = cjd_netif_addr_add(netif_of(host), device, addr, prefix_len);
    if (err < 0) {
        free(a);
        return err;
    }
    *a = (struct netif_addr){.next = in->addrs, .addr = *addr, .prefix_len = prefix_len};
    snprintf(a->device, sizeof a->device, "%s", device);
    in->addrs = a;
    return 0;
}

static int mtu_set(const struct cjd_host *host, const char *device, uint32_t mtu)
{
    return cjd_netif_set_mtu(netif_of(host), device, mtu);
}

static int up(const struct cjd_host *host, const char *device)
{
    return cjd_netif_set_up(netif_of(host), device);
}

static int watch(const struct cjd_host *host, cjd_task_fn fn, void *arg)
{
    return cjd_owner_netif_watch(&instance_of(host)->owner, fn, arg);
}

/* The device may be gone, or the capability: then there is nothing to undo, or no way to. */
void cjd_netif_undo(struct instance *in)
{
    while (in->addrs) {
        struct netif_addr *a = in->addrs;
        int err = cjd_netif_addr_del(in->set->config.netif, a->device, &a->addr, a->prefix_len);
        if (err < 0) {
            cjd_log(&in->owner.log, CJD_LOG_DEBUG, "address stays on %s: %s", a->device,
                    cjd_err_text(err));
        }
        in->addrs = a->next;
        free(a);
    }
}

const struct cjd_netif_service cjd_netif_table = {.size =
                                                      (uint32_t)sizeof(struct cjd_netif_service),
                                                  .version = 1,
                                                  .state = state,
                                                  .has_addr = has_addr,
                                                  .addr_add = addr_add,
                                                  .mtu_set = mtu_set,
                                                  .up = up,
                                                  .watch = watch};
