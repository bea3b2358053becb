#include <fake_host.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- devices ------------------------------------------------------------------------------------
 */

static void record(struct cjd_fake_host *fake, const char *format, ...) CJD_PRINTF(2, 3);

static void record(struct cjd_fake_host *fake, const char *format, ...)
{
    va_list args;
    char line[128];

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    char *copy = strdup(line);
    if (!copy || fake->call_count >= CJD_FAKE_CALLS) {
        cjd_fake_misuse("more than %u netif calls", CJD_FAKE_CALLS);
    }
    fake->calls[fake->call_count++] = copy;
}

static struct cjd_fake_device *find_device(struct cjd_fake_host *fake, const char *name)
{
    for (size_t i = 0; i < CJD_FAKE_DEVICES; i++) {
        if (fake->devices[i].state.index != 0 && strcmp(fake->devices[i].name, name) == 0) {
            return &fake->devices[i];
        }
    }
    return NULL;
}

struct cjd_fake_device *cjd_fake_device(struct cjd_fake_host *fake, const char *name, uint32_t mtu,
                                        bool is_up)
{
    for (uint32_t i = 0; i < CJD_FAKE_DEVICES; i++) {
        struct cjd_fake_device *d = &fake->devices[i];
        if (d->state.index == 0) {
            snprintf(d->name, sizeof d->name, "%s", name);
            d->state = (struct cjd_netif_state){
                .size = sizeof d->state, .index = i + 1, .mtu = mtu, .is_up = is_up};
            return d;
        }
    }
    cjd_fake_misuse("more than %u devices", CJD_FAKE_DEVICES);
}

unsigned cjd_fake_called(const struct cjd_fake_host *fake, const char *call)
{
    unsigned n = 0;

    for (size_t i = 0; i < fake->call_count; i++) {
        n += strcmp(fake->calls[i], call) == 0;
    }
    return n;
}

static int netif_state(const struct cjd_host *host, const char *device, struct cjd_netif_state *out)
{
    const struct cjd_fake_device *d = find_device(cjd_fake_of(host), device);

    if (!d) {
        return CJD_ERR_NO_DEVICE;
    }
    *out = d->state;
    return 0;
}

static int netif_has_addr(const struct cjd_host *host, const char *device,
                          const struct cjd_addr *addr, uint32_t prefix_len)
{
    const struct cjd_fake_device *d = find_device(cjd_fake_of(host), device);

    return d && d->has_addr && d->prefix_len == prefix_len &&
           memcmp(&d->addr, addr, sizeof *addr) == 0;
}

static int netif_addr_add(const struct cjd_host *host, const char *device,
                          const struct cjd_addr *addr, uint32_t prefix_len)
{
    struct cjd_fake_device *d = find_device(cjd_fake_of(host), device);

    record(cjd_fake_of(host), "addr %s /%u", device, prefix_len);
    if (!d) {
        return CJD_ERR_NO_DEVICE;
    }
    if (netif_has_addr(host, device, addr, prefix_len)) {
        return CJD_ERR_EXISTS;
    }
    if (d->addr_err == 0) {
        d->has_addr = true;
        d->addr = *addr;
        d->prefix_len = prefix_len;
    }
    return d->addr_err;
}

static int netif_mtu_set(const struct cjd_host *host, const char *device, uint32_t mtu)
{
    struct cjd_fake_device *d = find_device(cjd_fake_of(host), device);

    record(cjd_fake_of(host), "mtu %s %u", device, mtu);
    if (!d) {
        return CJD_ERR_NO_DEVICE;
    }
    if (d->mtu_err == 0) {
        d->state.mtu = mtu;
    }
    return d->mtu_err;
}

static int netif_up(const struct cjd_host *host, const char *device)
{
    struct cjd_fake_device *d = find_device(cjd_fake_of(host), device);

    record(cjd_fake_of(host), "up %s", device);
    if (!d) {
        return CJD_ERR_NO_DEVICE;
    }
    if (d->up_err == 0) {
        d->state.is_up = 1;
    }
    return d->up_err;
}

static int netif_watch(const struct cjd_host *host, cjd_task_fn fn, void *arg)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    if (fake->network_fn) {
        return CJD_ERR_EXISTS;
    }
    fake->network_fn = fn;
    fake->network_arg = arg;
    return 0;
}

const struct cjd_netif_service cjd_fake_netif_service = {.size = sizeof cjd_fake_netif_service,
                                                         .version = 1,
                                                         .state = netif_state,
                                                         .has_addr = netif_has_addr,
                                                         .addr_add = netif_addr_add,
                                                         .mtu_set = netif_mtu_set,
                                                         .up = netif_up,
                                                         .watch = netif_watch};

/* --- the machine's side -------------------------------------------------------------------------
 */

static void frontend_own_addr(const struct cjd_host *host, struct cjd_addr *out)
{
    *out = cjd_fake_of(host)->own_addr;
}

static int frontend_attach(const struct cjd_host *host, const struct cjd_frontend_ops *ops,
                           void *arg, const char *device, uint32_t mtu)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);
    int err = fake->next_attach_err;

    fake->next_attach_err = 0;
    if (err == 0 && fake->frontend) {
        err = CJD_ERR_EXISTS;
    }
    if (err != 0) {
        return err;
    }
    fake->frontend = ops;
    fake->frontend_arg = arg;
    fake->frontend_mtu = mtu;
    snprintf(fake->frontend_device, sizeof fake->frontend_device, "%s", device);
    return 0;
}

static void frontend_detach(const struct cjd_host *host)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    if (!fake->frontend) {
        cjd_fake_misuse("no frontend is attached");
    }
    fake->frontend = NULL;
}

static void frontend_inject(const struct cjd_host *host, struct cjd_vec *vec)
{
    struct cjd_fake_host *fake = cjd_fake_of(host);

    if (!fake->frontend) {
        cjd_fake_misuse("packets from a frontend that is not attached");
    }
    fake->inject_calls++;
    for (uint16_t i = 0; i < vec->n; i++) {
        struct cjd_pkt *pkt = vec->v[i];
        uint8_t *bytes = malloc(pkt->len + 1);
        if (!bytes || fake->inject_count >= CJD_FAKE_INJECTS) {
            cjd_fake_misuse("more than %u injected packets", CJD_FAKE_INJECTS);
        }
        memcpy(bytes, cjd_pkt_data(pkt), pkt->len);
        fake->injects[fake->inject_count++] =
            (struct cjd_fake_inject){.bytes = bytes, .len = pkt->len};
        cjd_fake_packet_free(fake, pkt);
    }
    vec->n = 0;
}

const struct cjd_frontend_service cjd_fake_frontend_service = {.size =
                                                                   sizeof cjd_fake_frontend_service,
                                                               .version = 1,
                                                               .own_addr = frontend_own_addr,
                                                               .attach = frontend_attach,
                                                               .detach = frontend_detach,
                                                               .inject = frontend_inject};
